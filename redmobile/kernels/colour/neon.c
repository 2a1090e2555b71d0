/* 16 pixels at a time, in int32 as the definition has it. */
#include <arm_neon.h>

#include "colour.h"

#define RM_INLINE static inline __attribute__((always_inline))

void rm_flip_u8__neon(const uint8_t *in, uint8_t *out, size_t n) {
    const uint8x16_t sign = vdupq_n_u8(0x80);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int j = 0; j < 64; j += 16) vst1q_u8(out + i + j, veorq_u8(vld1q_u8(in + i + j), sign));
    for (; i + 16 <= n; i += 16) vst1q_u8(out + i, veorq_u8(vld1q_u8(in + i), sign));
    rm_flip_u8__scalar(in + i, out + i, n - i);
}

/* Four groups of four numbers with 20 bits behind the point (half added) to bytes. */
RM_INLINE uint8x16_t bytes_of(const int32x4_t v[4]) {
    const uint16x8_t low = vqmovun_high_s32(vqmovun_s32(vshrq_n_s32(v[0], 20)), vshrq_n_s32(v[1], 20));
    const uint16x8_t high = vqmovun_high_s32(vqmovun_s32(vshrq_n_s32(v[2], 20)), vshrq_n_s32(v[3], 20));
    return vqmovn_high_u16(vqmovn_u16(low), high);
}

/* Sixteen bytes to four groups of int32. */
RM_INLINE void widen(uint8x16_t v, int32x4_t to[4]) {
    const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(v))), high = vreinterpretq_s16_u16(vmovl_high_u8(v));
    to[0] = vmovl_s16(vget_low_s16(low));
    to[1] = vmovl_high_s16(low);
    to[2] = vmovl_s16(vget_low_s16(high));
    to[3] = vmovl_high_s16(high);
}

/* What eight pairs of U and V add to a colour of sixteen pixels. */
RM_INLINE void add_chroma(const int32x4_t light[4], const int32x4_t part[2], int32x4_t to[4]) {
    for (int i = 0; i < 2; i++) {
        to[2 * i] = vaddq_s32(light[2 * i], vzip1q_s32(part[i], part[i]));
        to[2 * i + 1] = vaddq_s32(light[2 * i + 1], vzip2q_s32(part[i], part[i]));
    }
}

RM_INLINE void sixteen_to_rgb(const struct rm_yuv *m, int v_first, const uint8_t *y, const uint8_t *uv, uint8_t *rgb) {
    const uint8x8x2_t pairs = vld2_u8(uv);
    const int16x8_t u = vreinterpretq_s16_u16(vsubl_u8(pairs.val[v_first ? 1 : 0], vdup_n_u8(128)));
    const int16x8_t v = vreinterpretq_s16_u16(vsubl_u8(pairs.val[v_first ? 0 : 1], vdup_n_u8(128)));
    const int32x4_t us[2] = {vmovl_s16(vget_low_s16(u)), vmovl_high_s16(u)}, vs[2] = {vmovl_s16(vget_low_s16(v)), vmovl_high_s16(v)};
    int32x4_t light[4], part[3][2], sum[4];
    widen(vqsubq_u8(vld1q_u8(y), vdupq_n_u8((uint8_t)m->y_zero)), light);
    for (int i = 0; i < 4; i++) light[i] = vmlaq_n_s32(vdupq_n_s32(1 << 19), light[i], m->y);
    for (int i = 0; i < 2; i++) {
        part[0][i] = vmulq_n_s32(vs[i], m->v_to_r);
        part[1][i] = vmlaq_n_s32(vmulq_n_s32(us[i], m->u_to_g), vs[i], m->v_to_g);
        part[2][i] = vmulq_n_s32(us[i], m->u_to_b);
    }
    uint8x16x3_t out;
    for (int c = 0; c < 3; c++) {
        add_chroma(light, part[c], sum);
        out.val[c] = veorq_u8(bytes_of(sum), vdupq_n_u8(0x80));
    }
    vst3q_u8(rgb, out);
}

void rm_yuv_to_rgb_s8__neon(const struct rm_yuv *m, int v_first, const uint8_t *y, const uint8_t *uv, int8_t *rgb, size_t pixels) {
    size_t x = 0;
    for (; x + 16 <= pixels; x += 16) sixteen_to_rgb(m, v_first, y + x, uv + x, (uint8_t *)rgb + 3 * x);
    rm_yuv_to_rgb_s8__scalar(m, v_first, y + x, uv + x, rgb + 3 * x, pixels - x);
}

RM_INLINE uint8x16x3_t sixteen_colours(const int8_t *rgb) {
    uint8x16x3_t v = vld3q_u8((const uint8_t *)rgb);
    for (int c = 0; c < 3; c++) v.val[c] = veorq_u8(v.val[c], vdupq_n_u8(0x80));
    return v;
}

RM_INLINE void sixteen_lights(const struct rm_yuv *m, const uint8x16x3_t *rgb, uint8_t *y) {
    int32x4_t sum[4], v[4];
    for (int i = 0; i < 4; i++) sum[i] = vdupq_n_s32((m->y_zero << 20) + (1 << 19));
    for (int c = 0; c < 3; c++) {
        widen(rgb->val[c], v);
        for (int i = 0; i < 4; i++) sum[i] = vmlaq_n_s32(sum[i], v[i], m->from_rgb[0][c]);
    }
    vst1q_u8(y, bytes_of(sum));
}

/* Eight means of 2x2 pixels. */
RM_INLINE int16x8_t means(uint8x16_t a, uint8x16_t b) { return vreinterpretq_s16_u16(vrshrq_n_u16(vpadalq_u8(vpaddlq_u8(a), b), 2)); }

RM_INLINE uint8x8_t eight_chroma(const int32_t row[3], const int16x8_t mean[3]) {
    int32x4_t low = vdupq_n_s32((128 << 20) + (1 << 19)), high = low;
    for (int c = 0; c < 3; c++) {
        low = vmlaq_n_s32(low, vmovl_s16(vget_low_s16(mean[c])), row[c]);
        high = vmlaq_n_s32(high, vmovl_high_s16(mean[c]), row[c]);
    }
    return vqmovn_u16(vqmovun_high_s32(vqmovun_s32(vshrq_n_s32(low, 20)), vshrq_n_s32(high, 20)));
}

void rm_rgb_to_yuv_s8__neon(const struct rm_yuv *m, int v_first, const int8_t *rgb0, const int8_t *rgb1, uint8_t *y0, uint8_t *y1, uint8_t *uv,
                            size_t pixels) {
    size_t x = 0;
    for (; x + 16 <= pixels; x += 16) {
        const uint8x16x3_t a = sixteen_colours(rgb0 + 3 * x), b = rgb1 ? sixteen_colours(rgb1 + 3 * x) : a;
        sixteen_lights(m, &a, y0 + x);
        if (rgb1) sixteen_lights(m, &b, y1 + x);
        const int16x8_t mean[3] = {means(a.val[0], b.val[0]), means(a.val[1], b.val[1]), means(a.val[2], b.val[2])};
        uint8x8x2_t pairs;
        pairs.val[v_first ? 1 : 0] = eight_chroma(m->from_rgb[1], mean);
        pairs.val[v_first ? 0 : 1] = eight_chroma(m->from_rgb[2], mean);
        vst2_u8(uv + x, pairs);
    }
    if (x < pixels) rm_rgb_to_yuv_s8__scalar(m, v_first, rgb0 + 3 * x, rgb1 ? rgb1 + 3 * x : NULL, y0 + x, rgb1 ? y1 + x : NULL, uv + x, pixels - x);
}
