/* SMMLA: eight bytes of two pixels' runs with eight of two channels' weights give the four sums. Up to 48 bytes deep the weights of eight channels
 * stay in registers for a whole row, and pixels lie as many bytes apart; everything else is left to SDOT. */
#include "../core/neon.h"
#include "pointwise.h"

struct job {
    const struct rm_pointwise *p;
    const int8_t *in;
    int8_t *out;
    size_t pixels;
    int block;
};

/* a: eight bytes of pixel 0, then of pixel 1. */
RM_INLINE void products(int32x4_t sum[4], const int8x16_t w[4], int8x16_t a) {
    for (int q = 0; q < 4; q++) sum[q] = vmmlaq_s32(sum[q], a, w[q]);
}

RM_INLINE int8x16_t pair_low(int8x16_t a, int8x16_t b) { return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b))); }
RM_INLINE int8x16_t pair_high(int8x16_t a, int8x16_t b) { return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b))); }
RM_INLINE int32x4_t first(int32x4_t a, int32x4_t b) { return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b))); }
RM_INLINE int32x4_t second(int32x4_t a, int32x4_t b) { return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b))); }

/* depth: bytes, a multiple of 8. */
RM_INLINE void row(const struct job *j, int depth, enum rm_neon_how how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    struct rm_neon_channels c = rm_neon_channels(p->scale, &p->fixed, j->block * 8, how);
    const int8_t *weights = p->weights_by_8 + (size_t)j->block * depth * 8, *run = j->in;
    const int32_t *bias = (rm_neon_fixed(how) ? p->fixed.bias_pairs : p->bias_pairs) + j->block * 16;
    int8_t *to = j->out + j->block * 8;
    int8x16_t w[6][4];
    for (int g = 0; g < depth / 8; g++)
        for (int q = 0; q < 4; q++) w[g][q] = vld1q_s8(weights + (g * 4 + q) * 16);
    for (size_t left = j->pixels; left;) {
        if (left == 1) { /* the last pair may overlap the one before: the codes are the same */
            run -= depth;
            to -= step;
            left = 2;
        }
        int32x4_t sum[4];
        for (int q = 0; q < 4; q++) sum[q] = vld1q_s32(bias + q * 4);
        RM_RELOAD(bias);
        for (int k = 0; k + 16 <= depth; k += 16) {
            const int8x16_t a = vld1q_s8(run + k), b = vld1q_s8(run + depth + k);
            products(sum, w[k / 8], pair_low(a, b));
            products(sum, w[k / 8 + 1], pair_high(a, b));
        }
        if (depth % 16) products(sum, w[depth / 8 - 1], vcombine_s8(vld1_s8(run + depth - 8), vld1_s8(run + 2 * depth - 8)));
        const int16x8_t qa = rm_neon_requantize(first(sum[0], sum[1]), first(sum[2], sum[3]), &c, 0, &o, how);
        const int16x8_t qb = rm_neon_requantize(second(sum[0], sum[1]), second(sum[2], sum[3]), &c, 1, &o, how);
        const int8x16_t codes = rm_neon_codes(qa, qb, &o, clamped);
        vst1_s8(to, vget_low_s8(codes));
        vst1q_lane_s64((int64_t *)(void *)(to + step), vreinterpretq_s64_s8(codes), 1);
        run += 2 * depth;
        to += 2 * step;
        left -= 2;
    }
}

#define DEPTH(depth) \
    static void row_##depth(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row, how, clamped, j, depth); }
DEPTH(16)
DEPTH(24)
DEPTH(32)
DEPTH(40)
DEPTH(48)

static void (*row_of_depth(int depth))(const struct job *j, enum rm_neon_how how, int clamped) {
    return depth == 16 ? row_16 : depth == 24 ? row_24 : depth == 32 ? row_32 : depth == 40 ? row_40 : depth == 48 ? row_48 : NULL;
}

void rm_pointwise_s8__neon_i8mm(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    const int clamped = p->lo > -128 || p->hi < 127;
    void (*const run)(const struct job *, enum rm_neon_how, int) =
        p->segments == 1 && p->segment_stride[0] == p->depth && p->channels % 8 == 0 && pixels >= 8 ? row_of_depth(p->depth) : NULL;
    if (!run) {
        rm_pointwise_s8__neon_dotprod(p, in, out, pixels);
        return;
    }
    for (int block = 0; block < p->blocks; block++) {
        const struct job j = {p, in[0], out, pixels, block};
        run(&j, rm_neon_how(p->fixed.shift[block], p->wide), clamped);
    }
}
