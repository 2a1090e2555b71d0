/* Sums on processors with rounding multiply-accumulate, which all that have SDOT have: a table lookup puts a code into the top byte of 32 bits,
 * where it is multiplied and added to the bias. Five instructions for four sums, and a load. */
#include "../core/neon_dot.h"
#include "elementwise.h"

struct halves {
    uint8x16_t quarter[4]; /* codes 4 i … 4 i + 3 to the top bytes, zero below */
    int32x4_t a_multiplier, b_multiplier;
};

RM_INLINE struct halves halves_of(const struct rm_add *p) {
    struct halves h;
    for (uint32_t i = 0; i < 4; i++) {
        const uint32x4_t code = vaddq_u32(vdupq_n_u32(i * 4), vcombine_u32(vcreate_u32(1ULL << 32), vcreate_u32(2 | 3ULL << 32)));
        h.quarter[i] = vreinterpretq_u8_u32(vorrq_u32(vshlq_n_u32(code, 24), vdupq_n_u32(0xFFFFFF)));
        __asm__("" : "+w"(h.quarter[i])); /* not to be loaded anew as the constant that it is */
    }
    h.a_multiplier = vdupq_n_s32(p->halves_a);
    h.b_multiplier = vdupq_n_s32(p->halves_b);
    return h;
}

RM_INLINE int8x16_t top(int8x16_t codes, int i, const struct halves *h) { return vqtbl1q_s8(codes, h->quarter[i]); }

/* Sums of 16, in s0 … s3, to codes. */
#define CODES_OF_SUMS(to)                                                                                                        \
    do {                                                                                                                         \
        const int16x8_t low = vuzp2q_s16(vreinterpretq_s16_s8(s0), vreinterpretq_s16_s8(s1));                                    \
        const int16x8_t high = vuzp2q_s16(vreinterpretq_s16_s8(s2), vreinterpretq_s16_s8(s3));                                   \
        RM_NARROW(to, low, high);                                                                                                \
        if (clamped) to = vminq_s8(vmaxq_s8(to, o.lo), o.hi);                                                                    \
    } while (0)

#define BIASES(s0, s1, s2, s3) \
    RM_IN(s0, 28);             \
    RM_IN(s1, 29);             \
    RM_IN(s2, 30);             \
    RM_IN(s3, 31);             \
    RM_LOAD4(s0, s1, s2, s3, 28, 31, bias)

/* Codes of a plus codes of b, to a. */
#define ADD_16(a, b)                                 \
    do {                                             \
        BIASES(s0, s1, s2, s3);                      \
        RM_ROUND(s0, top(a, 0, &h), h.a_multiplier); \
        RM_ROUND(s1, top(a, 1, &h), h.a_multiplier); \
        RM_ROUND(s2, top(a, 2, &h), h.a_multiplier); \
        RM_ROUND(s3, top(a, 3, &h), h.a_multiplier); \
        RM_ROUND(s0, top(b, 0, &h), h.b_multiplier); \
        RM_ROUND(s1, top(b, 1, &h), h.b_multiplier); \
        RM_ROUND(s2, top(b, 2, &h), h.b_multiplier); \
        RM_ROUND(s3, top(b, 3, &h), h.b_multiplier); \
        CODES_OF_SUMS(a);                            \
    } while (0)

/* Returns how many codes are done: multiples of 16. */
RM_INLINE size_t add_row(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n, int clamped) {
    const struct rm_neon_output o = rm_neon_output(0, p->lo, p->hi);
    const struct halves h = halves_of(p);
    int32_t bias[16];
    for (int i = 0; i < 16; i++) bias[i] = p->halves_bias;
    size_t left = n;
    for (; left >= 64; left -= 64) {
        RM_IN(a0, 16);
        RM_IN(a1, 17);
        RM_IN(a2, 18);
        RM_IN(a3, 19);
        RM_IN(b0, 20);
        RM_IN(b1, 21);
        RM_IN(b2, 22);
        RM_IN(b3, 23);
        RM_LOAD4_ON(a0, a1, a2, a3, 16, 19, a);
        RM_LOAD4_ON(b0, b1, b2, b3, 20, 23, b);
        ADD_16(a0, b0);
        ADD_16(a1, b1);
        ADD_16(a2, b2);
        ADD_16(a3, b3);
        RM_STORE4_ON(a0, a1, a2, a3, 16, 19, out);
    }
    for (; left >= 16; left -= 16, a += 16, b += 16, out += 16) {
        int8x16_t codes = vld1q_s8(a), more = vld1q_s8(b);
        ADD_16(codes, more);
        vst1q_s8(out, codes);
    }
    return n - left;
}

void rm_add_s8__neon_dotprod(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    if (!p->halves) {
        rm_add_s8__neon(p, a, b, out, n);
        return;
    }
    const int clamped = p->lo > -128 || p->hi < 127;
    const size_t done = clamped ? add_row(p, a, b, out, n, 1) : add_row(p, a, b, out, n, 0);
    rm_add_s8__scalar(p, a + done, b + done, out + done, n - done);
}

/* ---- a product that is added: its codes do not leave the registers, in the top bytes of 32 bits ---- */

struct product {
    int16x8_t a_zero, b_zero;
    int32x4_t multiplier;
    int8x16_t top; /* the top bytes of 32 bits set */
};

/* Four products' codes in the top bytes of 32 bits, zero below: saturated as they are shifted there, which leaves 127 and all bits below it set. */
RM_INLINE int8x16_t top_codes(int8x16_t codes, int8x16_t top) {
    __asm__("sqshl %0.4s, %0.4s, #24" : "+w"(codes));
    return vandq_s8(codes, top);
}

/* Codes of a * b + c, to a. */
#define MUL_ADD_16(a, b, c)                                                                       \
    do {                                                                                          \
        const int16x8_t al = vaddw_s8(m.a_zero, vget_low_s8(a)), ah = vaddw_high_s8(m.a_zero, a); \
        const int16x8_t bl = vaddw_s8(m.b_zero, vget_low_s8(b)), bh = vaddw_high_s8(m.b_zero, b); \
        RM_IN(p0, 12);                                                                            \
        RM_IN(p1, 13);                                                                            \
        RM_IN(p2, 14);                                                                            \
        RM_IN(p3, 15);                                                                            \
        RM_LOAD4(p0, p1, p2, p3, 12, 15, zero);                                                   \
        RM_ROUND(p0, vmull_s16(vget_low_s16(al), vget_low_s16(bl)), m.multiplier);                \
        RM_ROUND(p1, vmull_high_s16(al, bl), m.multiplier);                                       \
        RM_ROUND(p2, vmull_s16(vget_low_s16(ah), vget_low_s16(bh)), m.multiplier);                \
        RM_ROUND(p3, vmull_high_s16(ah, bh), m.multiplier);                                       \
        BIASES(s0, s1, s2, s3);                                                                   \
        RM_ROUND(s0, top_codes(p0, m.top), of_product);                                           \
        RM_ROUND(s1, top_codes(p1, m.top), of_product);                                           \
        RM_ROUND(s2, top_codes(p2, m.top), of_product);                                           \
        RM_ROUND(s3, top_codes(p3, m.top), of_product);                                           \
        RM_ROUND(s0, top(c, 0, &h), of_c);                                                        \
        RM_ROUND(s1, top(c, 1, &h), of_c);                                                        \
        RM_ROUND(s2, top(c, 2, &h), of_c);                                                        \
        RM_ROUND(s3, top(c, 3, &h), of_c);                                                        \
        CODES_OF_SUMS(a);                                                                         \
    } while (0)

RM_INLINE size_t mul_add_row(const struct rm_mul *mul, const struct rm_add *add, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out, size_t n,
                             int second, int clamped) {
    const struct rm_neon_output o = rm_neon_output(0, add->lo, add->hi);
    const struct halves h = halves_of(add);
    const struct product m = {vdupq_n_s16((int16_t)-mul->a_zero), vdupq_n_s16((int16_t)-mul->b_zero), vdupq_n_s32(mul->multiplier),
                              vreinterpretq_s8_u32(vdupq_n_u32(0xFF000000u))};
    const int32x4_t of_product = second ? h.b_multiplier : h.a_multiplier, of_c = second ? h.a_multiplier : h.b_multiplier;
    int32_t zero[16], bias[16];
    for (int i = 0; i < 16; i++) {
        zero[i] = mul->zero;
        bias[i] = add->halves_bias;
    }
    size_t left = n;
    for (; left >= 64; left -= 64) {
        RM_IN(a0, 16);
        RM_IN(a1, 17);
        RM_IN(a2, 18);
        RM_IN(a3, 19);
        RM_IN(b0, 20);
        RM_IN(b1, 21);
        RM_IN(b2, 22);
        RM_IN(b3, 23);
        RM_IN(c0, 24);
        RM_IN(c1, 25);
        RM_IN(c2, 26);
        RM_IN(c3, 27);
        RM_LOAD4_ON(a0, a1, a2, a3, 16, 19, a);
        RM_LOAD4_ON(b0, b1, b2, b3, 20, 23, b);
        RM_LOAD4_ON(c0, c1, c2, c3, 24, 27, c);
        MUL_ADD_16(a0, b0, c0);
        MUL_ADD_16(a1, b1, c1);
        MUL_ADD_16(a2, b2, c2);
        MUL_ADD_16(a3, b3, c3);
        RM_STORE4_ON(a0, a1, a2, a3, 16, 19, out);
    }
    return n - left;
}

void rm_mul_add_s8__neon_dotprod(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c,
                                 int8_t *out, size_t n) {
    size_t done = 0;
    const int clamped = add->lo > -128 || add->hi < 127;
    if (add->halves && mul->multiplier && !mul->wide && mul->lo == -128 && mul->hi == 127) {
        done = clamped ? mul_add_row(mul, add, a, b, c, out, n, second, 1) : mul_add_row(mul, add, a, b, c, out, n, second, 0);
    }
    rm_mul_add_in_parts(mul, add, second, a + done, b + done, c + done, out + done, n - done, rm_mul_s8__neon, rm_add_s8__neon_dotprod);
}
