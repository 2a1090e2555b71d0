/* Sums, products and tables, element by element over rows of codes. */
#ifndef RM_ELEMENTWISE_H
#define RM_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

/* XNNPACK's fixed-point sum: (bias + a * a_multiplier + b * b_multiplier) >> shift, rounded half up, saturated, clamped.
 * The output's zero point and half a unit of rounding are part of the bias. */
struct rm_add {
    int32_t a_multiplier, b_multiplier; /* scale / output scale * 2^shift, the larger one in [2^20, 2^21) */
    int32_t bias;                       /* 2^(shift - 1) - a zero point * a_multiplier - b zero point * b_multiplier */
    int shift;                          /* 12 to 30 */
    int zero, lo, hi;                   /* zero point of the output; its clamp, in codes */
    int halves;                         /* 1: the next three give the same codes for all 65,536 pairs, see rm_add_half */
    int32_t halves_a, halves_b, halves_bias;
};

/* The sum as rounded doubling high halves of codes in the top byte of 32 bits make it, with 16 bits of fraction: code = half >> 16, saturated and
 * clamped. For shifts of 16 to 23. */
static inline int32_t rm_add_half(const struct rm_add *p, int a, int b) {
    return (int32_t)((((int64_t)a * p->halves_a + 64) >> 7) + (((int64_t)b * p->halves_b + 64) >> 7) + p->halves_bias);
}

/* XNNPACK's product: (a - a_zero) * (b - b_zero) * scale in float, rounded to nearest even, clamped. */
/* A multiplier below 2^21 is one of 10 bits, times 2^11, and one of 11: two products of sixteen bits. Of a in the lower half, of b in the upper. */
#define RM_ADD_LOW_BITS 11

struct rm_add_parts {
    int32_t low, high;
};

static inline struct rm_add_parts rm_add_parts_of(const struct rm_add *p) {
    const int mask = (1 << RM_ADD_LOW_BITS) - 1;
    const struct rm_add_parts parts = {(p->a_multiplier & mask) | (p->b_multiplier & mask) << 16,
                                       p->a_multiplier >> RM_ADD_LOW_BITS | (p->b_multiplier >> RM_ADD_LOW_BITS) << 16};
    return parts;
}

struct rm_mul {
    int a_zero, b_zero;
    float scale; /* a scale * b scale / output scale */
    int zero, lo, hi;
    int wide;           /* 1: rounded values may leave int16 before they are clamped */
    int32_t multiplier; /* scale * 2^31 such that the doubling high half, rounded, gives the same codes for all 65,025 products; 0: there is none */
};

/* n codes each; out may be a or b. */
typedef void rm_add_fn(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n);
typedef void rm_mul_fn(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n);

/* The sum of a product a * b, requantized as `mul` says, and c; second: 1 if the product is the sum's second operand. */
typedef void rm_mul_add_fn(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out,
                           size_t n);

/* The same by a kernel for products and one for sums, a few codes at a time. */
void rm_mul_add_in_parts(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out, size_t n,
                         rm_mul_fn *mul_fn, rm_add_fn *add_fn);

/* Fills *p as XNNPACK does. Returns 0 if a ratio of scales lies outside of [2^-10, 2^8), which XNNPACK does not take; else 1. */
int rm_add_prepare(struct rm_add *p, float a_scale, int a_zero, float b_scale, int b_zero, float out_scale, int out_zero, int lo, int hi);
int rm_mul_prepare(struct rm_mul *p, float a_scale, int a_zero, float b_scale, int b_zero, float out_scale, int out_zero, int lo, int hi);

/* out[i] = table[in[i] + 128] */
void rm_table_s8(const int8_t *table, const int8_t *in, int8_t *out, size_t n);

/* Each of n codes `channels` times. */
void rm_spread_s8(const int8_t *in, int8_t *out, size_t n, size_t channels);

#define RM_KERNEL(feature, name) rm_add_fn name;
#include "kernels_add.inc"
#undef RM_KERNEL
#define RM_KERNEL(feature, name) rm_mul_fn name;
#include "kernels_mul.inc"
#undef RM_KERNEL
#define RM_KERNEL(feature, name) rm_mul_add_fn name;
#include "kernels_mul_add.inc"
#undef RM_KERNEL

#endif
