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

/* Two groups of four bytes, a and b, of one pixel with their weights. */
RM_INLINE void two_groups(int32x4_t acc[4], int8x16_t a, int8x16_t b, const int8x16_t w[4]) {
    acc[0] = vpadalq_s16(acc[0], vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(w[0])), vget_low_s8(b), vget_low_s8(w[2])));
    acc[1] = vpadalq_s16(acc[1], vmlal_high_s8(vmull_high_s8(a, w[0]), b, w[2]));
    acc[2] = vpadalq_s16(acc[2], vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(w[1])), vget_low_s8(b), vget_low_s8(w[3])));
    acc[3] = vpadalq_s16(acc[3], vmlal_high_s8(vmull_high_s8(a, w[1]), b, w[3]));
}

RM_INLINE void one_group(int32x4_t acc[4], int8x16_t a, const int8x16_t w[2]) {
    acc[0] = vpadalq_s16(acc[0], vmull_s8(vget_low_s8(a), vget_low_s8(w[0])));
    acc[1] = vpadalq_s16(acc[1], vmull_high_s8(a, w[0]));
    acc[2] = vpadalq_s16(acc[2], vmull_s8(vget_low_s8(a), vget_low_s8(w[1])));
    acc[3] = vpadalq_s16(acc[3], vmull_high_s8(a, w[1]));
}

RM_INLINE int8x16_t bytes(int32x4_t v) { return vreinterpretq_s8_s32(v); }

/* Sums of 4 pixels by 8 channels, each in two halves: acc[pixel][pair of channels]. Sixteen bytes of a pixel come by one instruction, each four of them
 * spread over a register. */
RM_INLINE void sums_of_tile(const struct rm_pointwise *p, const int8_t *const *in, size_t x, const int8_t *weights, int32x4_t acc[4][4]) {
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
                two_groups(acc[i], bytes(v.val[0]), bytes(v.val[1]), w);
                two_groups(acc[i], bytes(v.val[2]), bytes(v.val[3]), w + 4);
            }
        }
        if (depth & 8) {
            for (int i = 0; i < 4; i++) w[i] = vld1q_s8(weights + 16 * i);
            for (int i = 0; i < 4; i++) {
                const int32x4x2_t v = vld2q_dup_s32((const int32_t *)(const void *)(run + i * stride + k));
                two_groups(acc[i], bytes(v.val[0]), bytes(v.val[1]), w);
            }
            weights += 64;
            k += 8;
        }
        if (depth & 4) {
            for (int i = 0; i < 2; i++) w[i] = vld1q_s8(weights + 16 * i);
            for (int i = 0; i < 4; i++) one_group(acc[i], four_bytes(run + i * stride + k), w);
            weights += 32;
        }
    }
}

/* channels: how many of the eight are kept. */
RM_INLINE void put_pixel(int8_t *to, int8x8_t codes, int channels) {
    if (channels >= 8) {
        vst1_s8(to, codes);
        return;
    }
    int8_t spread[8];
    vst1_s8(spread, codes);
    for (int c = 0; c < channels; c++) to[c] = spread[c];
}

RM_INLINE void row(const struct job *j, int channels, enum rm_neon_how how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    struct rm_neon_channels c = rm_neon_channels(p->scale, &p->fixed, j->block * 8, how);
    const int32_t *from = (rm_neon_fixed(how) ? p->fixed.bias : p->bias) + j->block * 8;
    const int32x4_t bias0 = vld1q_s32(from), bias1 = vld1q_s32(from + 4);
    const size_t step = p->channels;
    for (size_t x = 0; x < j->pixels; x += 4) {
        if (x + 4 > j->pixels) x = j->pixels - 4; /* the last tile may overlap the one before: the codes are the same */
        int32x4_t acc[4][4];
        for (int i = 0; i < 4; i++)
            for (int q = 0; q < 4; q++) acc[i][q] = vdupq_n_s32(0);
        sums_of_tile(p, j->in, x, p->weights + (size_t)j->block * p->depth * 8, acc);
        int8_t *to = j->out + x * step + j->block * 8;
        for (int i = 0; i < 4; i += 2, to += 2 * step) {
            int16x8_t q[2];
            for (int k = 0; k < 2; k++) {
                const int32x4_t a = vaddq_s32(vpaddq_s32(acc[i + k][0], acc[i + k][1]), bias0);
                const int32x4_t b = vaddq_s32(vpaddq_s32(acc[i + k][2], acc[i + k][3]), bias1);
                q[k] = rm_neon_requantize(a, b, &c, k, &o, how);
            }
            const int8x16_t codes = rm_neon_codes(q[0], q[1], &o, clamped);
            put_pixel(to, vget_low_s8(codes), channels);
            put_pixel(to + step, vget_high_s8(codes), channels);
        }
    }
}

static void whole_block(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row, how, clamped, j, 8); }
static void last_block(const struct job *j, int channels, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row, how, clamped, j, channels); }

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
        else last_block(&j, left, how, clamped);
    }
}
