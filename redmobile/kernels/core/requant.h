/* From int32 sums to int8, bit for bit as LiteRT with XNNPACK does it: float product, round to nearest even, zero point, clamp.
 *
 * TFLite's own reference kernels (fixed-point multiplier, two roundings) differ from this by up to 2 codes on 0.2 % of the values; XNNPACK is
 * what runs on phones, so XNNPACK is the definition here. The product is rounded to float before it is rounded to an integer: the files of
 * this library must be compiled without contraction to fused multiply-add. */
#ifndef RM_REQUANT_H
#define RM_REQUANT_H

#include <stdint.h>
#include <string.h>

/* v rounded to the nearest integer, ties to even; |v| < 2^22. Adding 1.5 * 2^23 leaves the integer in the low bits of the float. */
static inline int32_t rm_round(float v) {
    float shifted = v + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4B400000;
}

/* sum: int32; scale: input scale * weight scale / output scale; zero: the output's zero point; lo, hi: codes, lo <= hi. */
static inline int8_t rm_requantize(int32_t sum, float scale, int zero, int lo, int hi) {
    float v = (float)sum * scale;
    float least = (float)(lo - zero), most = (float)(hi - zero);
    v = v < least ? least : v > most ? most : v;
    return (int8_t)(rm_round(v) + zero);
}

#endif
