/* SDOT, and requantization by SQRDMLAH (fixed.h, rm_rounded), in registers that are chosen here.
 *
 * Loading four registers is one instruction if their numbers follow each other, and so is choosing bytes of two. Compilers (GCC 12 among them) copy
 * registers to and fro around the intrinsics for it; so these few instructions are written out, on variables that are bound to registers. */
#ifndef RM_NEON_DOT_H
#define RM_NEON_DOT_H

#include "neon.h"

/* A variable in register v<n>. */
#define RM_IN(name, n) register int8x16_t name __asm__("v" #n)

/* Memory that is read through a pointer. */
#define RM_READ(pointer, bytes) "m"(*(const int8_t(*)[bytes])(const void *)(pointer))

/* v<first> … v<last>, bound to a … d, from a pointer, which the _ON ones move on by as much. */
#define RM_LOAD4(a, b, c, d, first, last, from) \
    __asm__("ld1 {v" #first ".16b-v" #last ".16b}, [%4]" : "=w"(a), "=w"(b), "=w"(c), "=w"(d) : "r"(from), RM_READ(from, 64))
#define RM_LOAD4_ON(a, b, c, d, first, last, from) \
    __asm__("ld1 {v" #first ".16b-v" #last ".16b}, [%4], #64" : "=w"(a), "=w"(b), "=w"(c), "=w"(d), "+r"(from) : RM_READ(from, 64))
#define RM_LOAD3_ON(a, b, c, first, last, from) \
    __asm__("ld1 {v" #first ".16b-v" #last ".16b}, [%3], #48" : "=w"(a), "=w"(b), "=w"(c), "+r"(from) : RM_READ(from, 48))
#define RM_LOAD2(a, b, first, last, from) __asm__("ld1 {v" #first ".16b-v" #last ".16b}, [%2]" : "=w"(a), "=w"(b) : "r"(from), RM_READ(from, 32))
#define RM_LOAD2_ON(a, b, first, last, from) \
    __asm__("ld1 {v" #first ".16b-v" #last ".16b}, [%2], #32" : "=w"(a), "=w"(b), "+r"(from) : RM_READ(from, 32))
#define RM_LOAD1_ON(a, from) __asm__("ldr %q0, [%1], #16" : "=w"(a), "+r"(from) : RM_READ(from, 16))
#define RM_LOAD_HALF_ON(a, from) __asm__("ldr %d0, [%1], #8" : "=w"(a), "+r"(from) : RM_READ(from, 8))

/* … and to one. */
#define RM_STORE4_ON(a, b, c, d, first, last, to) \
    __asm__("st1 {v" #first ".16b-v" #last ".16b}, [%0], #64" : "+r"(to), "=m"(*(int8_t(*)[64])(void *)(to)) : "w"(a), "w"(b), "w"(c), "w"(d))

/* sum += four bytes of each of four channels' weights with bytes 4 lane … of v. */
#define RM_DOT(sum, weights, v, lane)                                                                \
    do {                                                                                             \
        const int8x16_t rm_weights = weights; /* an element of an array, which is to be in a register */ \
        __asm__("sdot %0.4s, %1.16b, %2.4b[" #lane "]" : "+w"(sum) : "w"(rm_weights), "w"(v));       \
    } while (0)
/* … with bytes 4 i … of v for channel i. */
#define RM_DOT_ALL(sum, weights, v)                                                            \
    do {                                                                                       \
        const int8x16_t rm_weights = weights, rm_v = v;                                        \
        __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(rm_weights), "w"(rm_v));        \
    } while (0)

/* … of which both are bound to registers. */
#define RM_DOT_BOUND(sum, weights, v) __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(weights), "w"(v))

/* add += sum * multiplier / 2^31, rounded */
#define RM_ROUND(add, sum, multiplier)                                                            \
    do {                                                                                          \
        const int32x4_t rm_multiplier = multiplier;                                               \
        __asm__("sqrdmlah %0.4s, %1.4s, %2.4s" : "+w"(add) : "w"(sum), "w"(rm_multiplier));       \
    } while (0)

/* add += sum * multiplier, of floats; sum is what it was no more */
#define RM_ROUND_FLOAT(add, sum, multiplier)                                                        \
    do {                                                                                            \
        const int32x4_t rm_multiplier = multiplier;                                                 \
        __asm__("scvtf %0.4s, %0.4s" : "+w"(sum));                                                  \
        __asm__("fmul %0.4s, %0.4s, %1.4s" : "+w"(sum) : "w"(rm_multiplier));                       \
        __asm__("fadd %0.4s, %0.4s, %1.4s" : "+w"(add) : "w"(sum));                                 \
    } while (0)
#define RM_ROUND_EITHER(add, sum, multiplier, floats)            \
    do {                                                         \
        if (floats) RM_ROUND_FLOAT(add, sum, multiplier);        \
        else RM_ROUND(add, sum, multiplier);                     \
    } while (0)

/* Bytes of v<n>, v<n2> (bound to a, b) as `which` says. */
#define RM_PICK(to, a, b, n, n2, which)                                                                                  \
    do {                                                                                                                 \
        const uint8x16_t rm_which = which;                                                                               \
        __asm__("tbl %0.16b, {v" #n ".16b, v" #n2 ".16b}, %3.16b" : "=w"(to) : "w"(a), "w"(b), "w"(rm_which));           \
    } while (0)

/* Sixteen-bit codes of two registers to codes in a third. */
#define RM_NARROW(to, low, high)                                                                \
    do {                                                                                        \
        const int16x8_t rm_low = low, rm_high = high;                                           \
        __asm__("sqxtn %0.8b, %1.8h" : "=w"(to) : "w"(rm_low));                                 \
        __asm__("sqxtn2 %0.16b, %1.8h" : "+w"(to) : "w"(rm_high));                              \
    } while (0)

/* Part i of v, of `type` (d: 8 bytes, s: 4), to a pointer that moves on by step. */
#define RM_PUT_ON(to, step, v, type, i, bytes) \
    __asm__("st1 {%2." #type "}[" #i "], [%0], %3" : "+r"(to), "=m"(*(int8_t(*)[bytes])(void *)(to)) : "w"(v), "r"(step))

/* What eight channels, or four (quads), are requantized with; scale and zero: only by wide floats. */
struct rm_neon_line {
    int32x4_t multiplier[2];
    float32x4_t scale[2];
    uint8x16_t pick;
    int16x8_t zero;
    int8x16_t lo, hi;
};

RM_INLINE struct rm_neon_line rm_neon_line(const struct rm_rounded_layer *rounded, const float *scale, int block, int zero, int lo, int hi) {
    const struct rm_neon_line line = {{vld1q_s32(rounded->multiplier + block * 8), vld1q_s32(rounded->multiplier + block * 8 + 4)},
                                      {vld1q_f32(scale + block * 8), vld1q_f32(scale + block * 8 + 4)},
                                      vld1q_u8(rounded->pick + block * 16), vdupq_n_s16((int16_t)zero),
                                      vdupq_n_s8((int8_t)lo), vdupq_n_s8((int8_t)hi)};
    return line;
}

RM_INLINE struct rm_neon_line rm_neon_line_of_quad(const struct rm_rounded_layer *rounded, const float *scale, int quad, int zero, int lo, int hi) {
    struct rm_neon_line line = rm_neon_line(rounded, scale, quad / 2, zero, lo, hi);
    line.multiplier[0] = line.multiplier[1] = vld1q_s32(rounded->multiplier + quad * 4);
    line.scale[0] = line.scale[1] = vld1q_f32(scale + quad * 4);
    line.pick = vld1q_u8(rounded->pick_quads + quad * 16);
    return line;
}

/* Sums to sixteen-bit codes, in floats; what leaves sixteen bits saturates. */
RM_INLINE int8x16_t rm_neon_in_floats(int8x16_t a, int8x16_t b, const struct rm_neon_line *line) {
    const int32x4_t qa = rm_neon_rounded(vreinterpretq_s32_s8(a), line->scale[0]), qb = rm_neon_rounded(vreinterpretq_s32_s8(b), line->scale[1]);
    return vreinterpretq_s8_s16(vqaddq_s16(rm_neon_halves(qa, qb, 1), line->zero));
}

/* The sums of v<16> … v<19> (bound to a, b, c, d; two pixels of eight channels, or four of four) to sixteen-bit codes in a and c, by way of v<20> …
 * v<23> (bound to e … h). */
#define RM_REQUANTIZE_FOUR(a, b, c, d, e, f, g, h, add, line, how)                    \
    do {                                                                              \
        if ((how) == RM_BY_WIDE_FLOATS) {                                             \
            a = rm_neon_in_floats(a, b, line);                                        \
            c = rm_neon_in_floats(c, d, line);                                        \
        } else {                                                                      \
            RM_LOAD4(e, f, g, h, 20, 23, add);                                        \
            RM_ROUND_EITHER(e, a, (line)->multiplier[0], (how)&RM_LOWER_BY_FLOATS);   \
            RM_ROUND_EITHER(f, b, (line)->multiplier[1], (how)&RM_UPPER_BY_FLOATS);   \
            RM_ROUND_EITHER(g, c, (line)->multiplier[0], (how)&RM_LOWER_BY_FLOATS);   \
            RM_ROUND_EITHER(h, d, (line)->multiplier[1], (how)&RM_UPPER_BY_FLOATS);   \
            RM_PICK(a, e, f, 20, 21, (line)->pick);                                   \
            RM_PICK(c, g, h, 22, 23, (line)->pick);                                   \
        }                                                                             \
    } while (0)

/* Sixteen-bit codes to codes. */
RM_INLINE int8x16_t rm_neon_narrow(int8x16_t a, int8x16_t b, const struct rm_neon_line *line, int clamped) {
    int8x16_t codes = vqmovn_high_s16(vqmovn_s16(vreinterpretq_s16_s8(a)), vreinterpretq_s16_s8(b));
    if (clamped) codes = vminq_s8(vmaxq_s8(codes, line->lo), line->hi);
    return codes;
}

/* Calls function(…, how, clamped) with constants. RM_QUAD_CASES: for four channels, which go all the same way. */
#define RM_HOW_CASES(function, how, clamped, ...)                 \
    do {                                                          \
        if (clamped) function(__VA_ARGS__, how, 1);               \
        else function(__VA_ARGS__, how, 0);                       \
    } while (0)
#define RM_QUAD_CASES(function, how, clamped, ...)                                                  \
    do {                                                                                            \
        if ((how) == RM_BY_LINES) RM_HOW_CASES(function, RM_BY_LINES, clamped, __VA_ARGS__);        \
        else if ((how) == RM_BY_FLOATS) RM_HOW_CASES(function, RM_BY_FLOATS, clamped, __VA_ARGS__); \
        else function(__VA_ARGS__, RM_BY_WIDE_FLOATS, 1); /* rare: always clamped */                \
    } while (0)
#define RM_LINE_CASES(function, how, clamped, ...)                                                                   \
    do {                                                                                                             \
        if ((how) == RM_LOWER_BY_FLOATS) RM_HOW_CASES(function, RM_LOWER_BY_FLOATS, clamped, __VA_ARGS__);           \
        else if ((how) == RM_UPPER_BY_FLOATS) RM_HOW_CASES(function, RM_UPPER_BY_FLOATS, clamped, __VA_ARGS__);      \
        else RM_QUAD_CASES(function, how, clamped, __VA_ARGS__);                                                     \
    } while (0)

#endif
