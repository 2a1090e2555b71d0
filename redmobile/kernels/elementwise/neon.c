/* Sums and products, 16 codes at a time. */
#include "../core/neon.h"
#include "elementwise.h"

/* A constant that, added to a code before it is multiplied by `multiplier`, adds `bias` to the product, in arithmetic modulo 2^32: bias divided by
 * the multiplier. Saves the addition of the bias. Both are multiples of 2^twos, the multiplier divided by that is odd, and Newton's iteration
 * finds the inverse of an odd number. */
static int32_t divided(int32_t bias, int32_t multiplier, int twos) {
    const uint32_t odd = (uint32_t)multiplier >> twos;
    uint32_t inverse = odd; /* right in the lowest 3 bits */
    for (int i = 0; i < 4; i++) inverse *= 2 - odd * inverse;
    return (int32_t)((uint32_t)(bias >> twos) * inverse);
}

struct add_lanes {
    int32x4_t a_multiplier, b_multiplier, a_plus, b_plus;
    int16x8_t shift;
};

/* (a + a_plus) * a_multiplier + (b + b_plus) * b_multiplier holds the bias, rounding and zero point among it. The bias is a sum of multiples of
 * the multipliers and of 2^(shift - 1); a multiplier has fewer factors of two than that, for it is below 2^21 and the shift more than that - or
 * the factor is the multiplier's own, 2^(shift - 1) at most where the shift is 20. */
static struct add_lanes add_lanes_of(const struct rm_add *p) {
    const int32_t bias = p->bias + p->zero * (1 << p->shift);
    const int a_twos = __builtin_ctz((uint32_t)p->a_multiplier), b_twos = __builtin_ctz((uint32_t)p->b_multiplier);
    const int32_t a_plus = a_twos <= b_twos ? divided(bias, p->a_multiplier, a_twos) : 0;
    const int32_t b_plus = a_twos <= b_twos ? 0 : divided(bias, p->b_multiplier, b_twos);
    const struct add_lanes l = {vdupq_n_s32(p->a_multiplier), vdupq_n_s32(p->b_multiplier), vdupq_n_s32(a_plus), vdupq_n_s32(b_plus),
                                vdupq_n_s16((int16_t)(16 - p->shift))};
    return l;
}

RM_INLINE int32x4_t sum4(int32x4_t a, int32x4_t b, const struct add_lanes *l) { return vmlaq_s32(vmulq_s32(a, l->a_multiplier), b, l->b_multiplier); }

/* Eight sums, shifted right by 16 (their upper halves), then by what is left of the shift. */
RM_INLINE int16x8_t sum8(int16x8_t a, int16x8_t b, const struct add_lanes *l) {
    const int32x4_t low = sum4(vaddw_s16(l->a_plus, vget_low_s16(a)), vaddw_s16(l->b_plus, vget_low_s16(b)), l);
    const int32x4_t high = sum4(vaddw_high_s16(l->a_plus, a), vaddw_high_s16(l->b_plus, b), l);
    return vshlq_s16(vuzp2q_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(high)), l->shift);
}

RM_INLINE void add_16(const int8_t *a, const int8_t *b, int8_t *out, const struct add_lanes *l, const struct rm_neon_output *o, int clamped) {
    const int8x16_t va = vld1q_s8(a), vb = vld1q_s8(b);
    const int16x8_t low = sum8(vmovl_s8(vget_low_s8(va)), vmovl_s8(vget_low_s8(vb)), l);
    const int16x8_t high = sum8(vmovl_high_s8(va), vmovl_high_s8(vb), l);
    vst1q_s8(out, rm_neon_codes(low, high, o, clamped));
}

RM_INLINE size_t add_row(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n, int clamped) {
    const struct rm_neon_output o = rm_neon_output(0, p->lo, p->hi);
    const struct add_lanes l = add_lanes_of(p);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int j = 0; j < 64; j += 16) add_16(a + i + j, b + i + j, out + i + j, &l, &o, clamped);
    for (; i + 16 <= n; i += 16) add_16(a + i, b + i, out + i, &l, &o, clamped);
    return i;
}

void rm_add_s8__neon(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    /* The upper halves only hold what is needed if the shift is at least 16 and the zero point, shifted too, leaves the sum in 32 bits:
     * |a * a_multiplier + b * b_multiplier| < 2^29 + 2^29 with zero points, and 2^7 * 2^shift <= 2^30 for a shift of at most 23. */
    if (p->shift < 16 || p->shift > 23) {
        rm_add_s8__scalar(p, a, b, out, n);
        return;
    }
    const int clamped = p->lo > -128 || p->hi < 127;
    const size_t done = clamped ? add_row(p, a, b, out, n, 1) : add_row(p, a, b, out, n, 0);
    rm_add_s8__scalar(p, a + done, b + done, out + done, n - done);
}

struct mul_lanes {
    int16x8_t a_zero, b_zero;
    float32x4_t scale;
    int32_t multiplier;
};

RM_INLINE int32x4_t product4(int32x4_t v, const struct mul_lanes *l, int fixed) {
    if (fixed) return vqrdmulhq_n_s32(v, l->multiplier);
    return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(v), l->scale));
}

RM_INLINE int16x8_t product8(int16x8_t a, int16x8_t b, const struct mul_lanes *l, int16x8_t zero, int fixed, int wide) {
    const int32x4_t low = product4(vmull_s16(vget_low_s16(a), vget_low_s16(b)), l, fixed), high = product4(vmull_high_s16(a, b), l, fixed);
    return vqaddq_s16(rm_neon_halves(low, high, wide), zero);
}

RM_INLINE void mul_16(const int8_t *a, const int8_t *b, int8_t *out, const struct mul_lanes *l, const struct rm_neon_output *o, int fixed, int wide,
                      int clamped) {
    const int8x16_t va = vld1q_s8(a), vb = vld1q_s8(b);
    const int16x8_t low = product8(vaddw_s8(l->a_zero, vget_low_s8(va)), vaddw_s8(l->b_zero, vget_low_s8(vb)), l, o->zero, fixed, wide);
    const int16x8_t high = product8(vaddw_high_s8(l->a_zero, va), vaddw_high_s8(l->b_zero, vb), l, o->zero, fixed, wide);
    vst1q_s8(out, rm_neon_codes(low, high, o, clamped));
}

RM_INLINE size_t mul_row(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n, int fixed, int wide, int clamped) {
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    const struct mul_lanes l = {vdupq_n_s16((int16_t)-p->a_zero), vdupq_n_s16((int16_t)-p->b_zero), vdupq_n_f32(p->scale), p->multiplier};
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int j = 0; j < 64; j += 16) mul_16(a + i + j, b + i + j, out + i + j, &l, &o, fixed, wide, clamped);
    for (; i + 16 <= n; i += 16) mul_16(a + i, b + i, out + i, &l, &o, fixed, wide, clamped);
    return i;
}

void rm_mul_s8__neon(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    const int clamped = p->lo > -128 || p->hi < 127;
    size_t done;
    if (p->wide) done = mul_row(p, a, b, out, n, 0, 1, 1);
    else if (!p->multiplier) done = mul_row(p, a, b, out, n, 0, 0, 1);
    else if (clamped) done = mul_row(p, a, b, out, n, 1, 0, 1);
    else done = mul_row(p, a, b, out, n, 1, 0, 0);
    rm_mul_s8__scalar(p, a + done, b + done, out + done, n - done);
}

void rm_mul_add_s8__neon(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out, size_t n) {
    rm_mul_add_in_parts(mul, add, second, a, b, c, out, n, rm_mul_s8__neon, rm_add_s8__neon);
}
