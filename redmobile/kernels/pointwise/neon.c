/* Plain NEON, for cores without the dot product: products of four bytes of a pixel's run with four of each of four channels' weights, in int16, two
 * of them added, then by pairs into int32. Tiles of 4 pixels by 8 channels. */
#include "../core/neon.h"
#include "pointwise.h"

struct job {
    const struct rm_pointwise *p;
    const int8_t *const *in;
    int8_t *out;
    size_t pixels;
    int block;
};

/* Four bytes in each lane. */
RM_INLINE int8x16_t four_bytes(const int8_t *at) { return vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)at)); }

/* Two groups of four bytes, a and b, of one pixel with their weights. quads: 2, or 1: only the first four channels. */
RM_INLINE void two_groups(int32x4_t acc[4], int8x16_t a, int8x16_t b, const int8x16_t w[4], int quads) {
    acc[0] = vpadalq_s16(acc[0], vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(w[0])), vget_low_s8(b), vget_low_s8(w[2])));
    acc[1] = vpadalq_s16(acc[1], vmlal_high_s8(vmull_high_s8(a, w[0]), b, w[2]));
    if (quads == 1) return;
    acc[2] = vpadalq_s16(acc[2], vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(w[1])), vget_low_s8(b), vget_low_s8(w[3])));
    acc[3] = vpadalq_s16(acc[3], vmlal_high_s8(vmull_high_s8(a, w[1]), b, w[3]));
}

RM_INLINE void one_group(int32x4_t acc[4], int8x16_t a, const int8x16_t w[2], int quads) {
    acc[0] = vpadalq_s16(acc[0], vmull_s8(vget_low_s8(a), vget_low_s8(w[0])));
    acc[1] = vpadalq_s16(acc[1], vmull_high_s8(a, w[0]));
    if (quads == 1) return;
    acc[2] = vpadalq_s16(acc[2], vmull_s8(vget_low_s8(a), vget_low_s8(w[1])));
    acc[3] = vpadalq_s16(acc[3], vmull_high_s8(a, w[1]));
}

RM_INLINE int8x16_t bytes(int32x4_t v) { return vreinterpretq_s8_s32(v); }

/* Sums of 4 pixels by 8 channels, each in two halves: acc[pixel][pair of channels]. Sixteen bytes of a pixel come by one instruction, each four of them
 * spread over a register. */
RM_INLINE void sums_of_tile(const struct rm_pointwise *p, const int8_t *const *in, size_t x, const int8_t *weights, int quads, int32x4_t acc[4][4]) {
    for (int s = 0; s < p->segments; s++) {
        const size_t stride = p->segment_stride[s];
        const int8_t *run = in[s] + x * stride;
        const int depth = p->segment_bytes[s];
        int8x16_t w[8];
        int k = 0;
        for (; k + 16 <= depth; k += 16, weights += 128) {
            for (int i = 0; i < 8; i++) w[i] = vld1q_s8(weights + 16 * i);
            for (int i = 0; i < 4; i++) {
                const int32x4x4_t v = vld4q_dup_s32((const int32_t *)(const void *)(run + i * stride + k));
                two_groups(acc[i], bytes(v.val[0]), bytes(v.val[1]), w, quads);
                two_groups(acc[i], bytes(v.val[2]), bytes(v.val[3]), w + 4, quads);
            }
        }
        if (depth & 8) {
            for (int i = 0; i < 4; i++) w[i] = vld1q_s8(weights + 16 * i);
            for (int i = 0; i < 4; i++) {
                const int32x4x2_t v = vld2q_dup_s32((const int32_t *)(const void *)(run + i * stride + k));
                two_groups(acc[i], bytes(v.val[0]), bytes(v.val[1]), w, quads);
            }
            weights += 64;
            k += 8;
        }
        if (depth & 4) {
            for (int i = 0; i < 2; i++) w[i] = vld1q_s8(weights + 16 * i);
            for (int i = 0; i < 4; i++) one_group(acc[i], four_bytes(run + i * stride + k), w, quads);
            weights += 32;
        }
    }
}

/* A pixel of eight channels, of which the first `channels` are kept. */
RM_INLINE void put_pixel(int8_t *to, int8x8_t codes, int channels) {
    if (channels >= 8) {
        vst1_s8(to, codes);
        return;
    }
    int8_t spread[8];
    vst1_s8(spread, codes);
    for (int c = 0; c < channels; c++) to[c] = spread[c];
}

/* Four pixels of four channels, of which the first `channels` are kept. */
RM_INLINE void put_four(int8_t *to, size_t step, int8x16_t codes, int channels) {
    int8_t spread[16];
    if (channels < 4) vst1q_s8(spread, codes);
#define PIXEL(i)                                                                                  \
    if (channels >= 4) vst1q_lane_s32((int32_t *)(void *)(to + (i) * step), vreinterpretq_s32_s8(codes), i); \
    else                                                                                          \
        for (int c = 0; c < channels; c++) to[(i) * step + c] = spread[(i) * 4 + c]
    PIXEL(0);
    PIXEL(1);
    PIXEL(2);
    PIXEL(3);
#undef PIXEL
}

RM_INLINE void row(const struct job *j, int quads, int channels, enum rm_neon_how how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    struct rm_neon_channels c = rm_neon_channels(p->scale, &p->fixed, j->block * 8, how);
    const int32_t *from = (rm_neon_fixed(how) ? p->fixed.bias : p->bias) + j->block * 8;
    const int32x4_t bias0 = vld1q_s32(from), bias1 = vld1q_s32(from + 4);
    const size_t step = p->channels;
    for (size_t x = 0; x < j->pixels; x += 4) {
        if (x + 4 > j->pixels) x = j->pixels - 4; /* the last tile may overlap the one before: the codes are the same */
        int32x4_t acc[4][4], low[4], high[4];
        int16x8_t codes[4];
        for (int i = 0; i < 4; i++)
            for (int q = 0; q < 4; q++) acc[i][q] = vdupq_n_s32(0);
        sums_of_tile(p, j->in, x, p->weights + (size_t)j->block * p->depth * 8, quads, acc);
        for (int i = 0; i < 4; i++) {
            low[i] = vaddq_s32(vpaddq_s32(acc[i][0], acc[i][1]), bias0);
            if (quads == 2) high[i] = vaddq_s32(vpaddq_s32(acc[i][2], acc[i][3]), bias1);
        }
        int8_t *to = j->out + x * step + j->block * 8;
        if (quads == 1) {
            for (int i = 0; i < 4; i += 2) codes[i] = rm_neon_requantize_of(low[i], low[i + 1], &c, i, 0, i + 1, 0, &o, how);
            put_four(to, step, rm_neon_codes(codes[0], codes[2], &o, clamped), channels);
            continue;
        }
        for (int i = 0; i < 4; i++) codes[i] = rm_neon_requantize(low[i], high[i], &c, i % 2, &o, how);
        for (int i = 0; i < 4; i += 2, to += 2 * step) {
            const int8x16_t two = rm_neon_codes(codes[i], codes[i + 1], &o, clamped);
            put_pixel(to, vget_low_s8(two), channels);
            put_pixel(to + step, vget_high_s8(two), channels);
        }
    }
}

static void whole_block(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row, how, clamped, j, 2, 8); }
static void half_block(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row, how, clamped, j, 1, 4); }
static void last_block(const struct job *j, int channels, enum rm_neon_how how, int clamped) {
    if (channels > 4) RM_NEON_CASES(row, how, clamped, j, 2, channels);
    else RM_NEON_CASES(row, how, clamped, j, 1, channels);
}

void rm_pointwise_s8__neon(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    const int clamped = p->lo > -128 || p->hi < 127;
    if (pixels < 4 || p->lowest) { /* two products of -128 by -128 leave int16 */
        rm_pointwise_s8__scalar(p, in, out, pixels);
        return;
    }
    for (int block = 0; block < p->blocks; block++) {
        const struct job j = {p, in, out, pixels, block};
        const enum rm_neon_how how = rm_neon_how(p->fixed.shift[block], p->wide);
        const int left = p->channels - block * 8;
        if (left >= 8) whole_block(&j, how, clamped);
        else if (left == 4) half_block(&j, how, clamped);
        else last_block(&j, left, how, clamped);
    }
}
