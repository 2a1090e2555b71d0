/* Plain NEON, for cores without the dot product: eight channels at a time, two taps added in int16, then in int32. The window's columns go round in
 * a ring of registers, so that none is loaded twice. */
#include "../core/neon.h"
#include "depthwise.h"

#define MAX_COLUMNS 5

struct sums {
    int32x4_t low, high;
};

/* products of two taps; the sum of two products of codes fits int16 as no weight is -128 */
RM_INLINE struct sums add_products(struct sums s, int16x8_t products) {
    s.low = vaddw_s16(s.low, vget_low_s16(products));
    s.high = vaddw_high_s16(s.high, products);
    return s;
}

/* One row of output, eight channels. */
RM_INLINE void eight_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int c, int kernel, int stride,
                              enum rm_neon_how how, int clamped) {
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    struct rm_neon_channels channels = rm_neon_channels(p->scale, &p->fixed, c, how);
    const int32_t *bias = (rm_neon_fixed(how) ? p->fixed.bias : p->bias) + c;
    const size_t step = p->channels;
    int8x8_t w[MAX_COLUMNS * MAX_COLUMNS], window[MAX_COLUMNS][MAX_COLUMNS] = {{vdup_n_s8(0)}};
    size_t at = c, x = 0;
    for (int t = 0; t < kernel * kernel; t++) w[t] = vld1_s8(p->weights + t * step + c);
    for (int j = 0; j < kernel - stride; j++, at += step)
        for (int r = 0; r < kernel; r++) window[j][r] = vld1_s8(in[r] + at);
    out += c;
#define TAP(n, t) window[((n) * stride + (t) % kernel) % kernel][(t) / kernel]
#define ONE(n)                                                                                                              \
    for (int j = 0; j < stride; j++, at += step)                                                                            \
        for (int r = 0; r < kernel; r++) window[((n) * stride + kernel - stride + j) % kernel][r] = vld1_s8(in[r] + at);    \
    {                                                                                                                       \
        struct sums s = {vld1q_s32(bias), vld1q_s32(bias + 4)};                                                             \
        RM_RELOAD(bias);                                                                                                    \
        for (int t = 0; t + 1 < kernel * kernel; t += 2)                                                                    \
            s = add_products(s, vmlal_s8(vmull_s8(TAP(n, t), w[t]), TAP(n, t + 1), w[t + 1]));                              \
        s = add_products(s, vmull_s8(TAP(n, kernel * kernel - 1), w[kernel * kernel - 1]));                                 \
        const int16x8_t q = rm_neon_requantize(s.low, s.high, &channels, 0, &o, how);                                       \
        int8x8_t codes = vqmovn_s16(q);                                                                                     \
        if (clamped) codes = vmin_s8(vmax_s8(codes, vget_low_s8(o.lo)), vget_low_s8(o.hi));                                 \
        vst1_s8(out, codes);                                                                                                \
        out += step;                                                                                                        \
    }
    for (; x + kernel <= pixels; x += kernel) {
        ONE(0);
        ONE(1);
        ONE(2);
        if (kernel == 5) {
            ONE(3);
            ONE(4);
        }
    }
    if (x++ < pixels) {
        ONE(0);
    }
    if (x++ < pixels) {
        ONE(1);
    }
    if (kernel == 5 && x++ < pixels) {
        ONE(2);
    }
    if (kernel == 5 && x++ < pixels) {
        ONE(3);
    }
#undef ONE
#undef TAP
}

RM_INLINE void all_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int kernel, int stride) {
    const int clamped = p->lo > -128 || p->hi < 127;
    int c = 0;
    for (; c + 8 <= p->channels; c += 8) {
        const enum rm_neon_how how = rm_neon_how(p->fixed.shift[c / 8], p->wide);
        RM_NEON_CASES(eight_channels, how, clamped, p, in, out, pixels, c, kernel, stride);
    }
    if (c < p->channels) rm_depthwise_s8_some(p, in, out, pixels, c);
}

static void one_row(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    if (p->kernel == 3 && p->stride == 1) all_channels(p, in, out, pixels, 3, 1);
    else if (p->kernel == 3) all_channels(p, in, out, pixels, 3, 2);
    else if (p->stride == 1) all_channels(p, in, out, pixels, 5, 1);
    else all_channels(p, in, out, pixels, 5, 2);
}

void rm_depthwise_s8__neon(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    if ((p->kernel != 3 && p->kernel != 5) || p->lowest) {
        rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
        return;
    }
    one_row(p, in, out0, pixels);
    if (out1) one_row(p, in + 1, out1, pixels);
}
