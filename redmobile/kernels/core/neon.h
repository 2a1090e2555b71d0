/* Requantization of eight sums at once; see requant.h and fixed.h for what it must give. */
#ifndef RM_NEON_H
#define RM_NEON_H

#include <arm_neon.h>

#include "fixed.h"

#define RM_INLINE static inline __attribute__((always_inline))

/* HIGH, LOW: by the layer's lines with that shift; FLOAT: rounded values lie in int16; WIDE: they may not, and saturate. */
enum rm_neon_how { RM_HIGH, RM_LOW, RM_FLOAT, RM_WIDE };

RM_INLINE enum rm_neon_how rm_neon_how(int shift, int wide) {
    return shift == RM_FIXED_SHIFT_HIGH ? RM_HIGH : shift ? RM_LOW : wide ? RM_WIDE : RM_FLOAT;
}

/* 1: by a line. */
RM_INLINE int rm_neon_fixed(enum rm_neon_how how) { return how == RM_HIGH || how == RM_LOW; }

/* Zero point and clamp of an output, in every lane. */
struct rm_neon_output {
    int16x8_t zero;
    int8x16_t lo, hi;
};

RM_INLINE struct rm_neon_output rm_neon_output(int zero, int lo, int hi) {
    struct rm_neon_output o = {vdupq_n_s16((int16_t)zero), vdupq_n_s8((int8_t)lo), vdupq_n_s8((int8_t)hi)};
    return o;
}

/* Rounded integers of 8 lanes to int16. wide: they may lie outside of int16 and saturate; else the low halves are the values. */
RM_INLINE int16x8_t rm_neon_halves(int32x4_t a, int32x4_t b, int wide) {
    if (wide) return vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
    return vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
}

#define RM_PIXELS 4

/* Eight channels: scales, or the lines' offsets and multipliers. The low bits of `low` are the offset's fraction, its high bits whatever was last
 * requantized: inserting the next sum above the fraction costs one instruction, if no other pixel needs the register meanwhile. So there is one
 * for each of a few pixels. */
struct rm_neon_channels {
    float32x4_t scale[2];
    int32x4_t low[RM_PIXELS][2], multiplier[2];
};

RM_INLINE struct rm_neon_channels rm_neon_channels(const float *scale, const struct rm_fixed_layer *fixed, int channel, enum rm_neon_how how) {
    struct rm_neon_channels c;
    if (rm_neon_fixed(how)) {
        for (int h = 0; h < 2; h++) {
            for (int i = 0; i < RM_PIXELS; i++) c.low[i][h] = vld1q_s32(fixed->low + channel + 4 * h);
            c.multiplier[h] = vld1q_s32(fixed->multiplier + channel + 4 * h);
        }
    } else {
        for (int h = 0; h < 2; h++) c.scale[h] = vld1q_f32(scale + channel + 4 * h);
    }
    return c;
}

RM_INLINE int32x4_t rm_neon_rounded(int32x4_t sum, float32x4_t scale) { return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sum), scale)); }

/* The code is in the upper half of each lane. */
RM_INLINE int32x4_t rm_neon_on_line(int32x4_t sum, struct rm_neon_channels *c, int pixel, int h, enum rm_neon_how how) {
    int32x4_t *low = &c->low[pixel][h];
    *low = how == RM_HIGH ? vsliq_n_s32(*low, sum, RM_FIXED_SHIFT_HIGH) : vsliq_n_s32(*low, sum, RM_FIXED_SHIFT_LOW);
    return vqdmulhq_s32(*low, c->multiplier[h]);
}

/* Eight sums to output codes before the last narrowing: channels h * 4 … of pixel i, and h2 * 4 … of pixel i2 (numbers below RM_PIXELS). */
RM_INLINE int16x8_t rm_neon_requantize_of(int32x4_t a, int32x4_t b, struct rm_neon_channels *c, int i, int h, int i2, int h2,
                                          const struct rm_neon_output *o, enum rm_neon_how how) {
    if (rm_neon_fixed(how)) {
        const int32x4_t qa = rm_neon_on_line(a, c, i, h, how), qb = rm_neon_on_line(b, c, i2, h2, how);
        return vuzp2q_s16(vreinterpretq_s16_s32(qa), vreinterpretq_s16_s32(qb));
    }
    return vqaddq_s16(rm_neon_halves(rm_neon_rounded(a, c->scale[h]), rm_neon_rounded(b, c->scale[h2]), how == RM_WIDE), o->zero);
}

/* The same for the eight channels of pixel i. */
RM_INLINE int16x8_t rm_neon_requantize(int32x4_t a, int32x4_t b, struct rm_neon_channels *c, int i, const struct rm_neon_output *o,
                                       enum rm_neon_how how) {
    return rm_neon_requantize_of(a, b, c, i, 0, i, 1, o, how);
}

/* 16 lanes to codes; clamped: lo and hi are tighter than int8. */
RM_INLINE int8x16_t rm_neon_codes(int16x8_t a, int16x8_t b, const struct rm_neon_output *o, int clamped) {
    int8x16_t codes = vqmovn_high_s16(vqmovn_s16(a), b);
    if (clamped) codes = vminq_s8(vmaxq_s8(codes, o->lo), o->hi);
    return codes;
}

/* Hides from the compiler that a pointer is the same as before: what is loaded through it is loaded anew, two registers an instruction, instead of
 * being copied, one an instruction, from registers that are needed for other things. */
#define RM_RELOAD(pointer) __asm__("" : "+r"(pointer))

/* Calls function(…, how, clamped) with constants, so that each case is compiled for itself. What may leave int16 is always clamped: it is rare. */
#define RM_NEON_CASES(function, how, clamped, ...)                              \
    do {                                                                        \
        if ((how) == RM_HIGH && !(clamped)) function(__VA_ARGS__, RM_HIGH, 0);  \
        else if ((how) == RM_HIGH) function(__VA_ARGS__, RM_HIGH, 1);           \
        else if ((how) == RM_LOW && !(clamped)) function(__VA_ARGS__, RM_LOW, 0); \
        else if ((how) == RM_LOW) function(__VA_ARGS__, RM_LOW, 1);             \
        else if ((how) == RM_FLOAT && !(clamped)) function(__VA_ARGS__, RM_FLOAT, 0); \
        else if ((how) == RM_FLOAT) function(__VA_ARGS__, RM_FLOAT, 1);         \
        else function(__VA_ARGS__, RM_WIDE, 1);                                 \
    } while (0)

#endif
