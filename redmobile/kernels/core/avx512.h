/* Requantization of 64 sums at once; see requant.h for what it must give. */
#ifndef RM_AVX512_H
#define RM_AVX512_H

#include <immintrin.h>

#define RM_INLINE static inline __attribute__((always_inline))

/* For loops whose number of turns is a constant: what they index stays in registers. */
#define RM_UNROLL _Pragma("GCC unroll 16")

/* sum += four unsigned bytes of each lane with four signed ones. The intrinsic makes GCC 12 copy the sums from register to register. */
#define RM_DOT(sum, codes, weights) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(weights))

/* Zero point and clamp of an output, in every lane. */
struct rm_avx512_output {
    __m512i zero;   /* int16 */
    __m512i lo, hi; /* int8 */
    __m512 most;
};

RM_INLINE struct rm_avx512_output rm_avx512_output(int zero, int lo, int hi) {
    const struct rm_avx512_output o = {_mm512_set1_epi16((int16_t)zero), _mm512_set1_epi8((int8_t)lo), _mm512_set1_epi8((int8_t)hi),
                                       _mm512_set1_ps((float)(hi - zero))};
    return o;
}

/* wide: the product may leave int16. Below int32 it becomes the lowest one, and so saturates as it should; above it would become that too. */
RM_INLINE __m512i rm_avx512_rounded(__m512i sums, __m512 scale, const struct rm_avx512_output *o, int wide) {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale);
    return _mm512_cvtps_epi32(wide ? _mm512_min_ps(v, o->most) : v);
}

/* Rounded integers to codes. Dword v of lane j holds those of lane j of input v: the packing instructions work on lanes of 128 bits. */
RM_INLINE __m512i rm_avx512_codes(__m512i a, __m512i b, __m512i c, __m512i d, const struct rm_avx512_output *o) {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), o->zero), cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), o->zero);
    return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(ab, cd), o->lo), o->hi);
}

/* Turns that order: lane v then holds the codes of input v. It is its own opposite. */
RM_INLINE __m512i rm_avx512_turned(__m512i codes) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), codes);
}

/* The first n of 64 bytes. */
RM_INLINE __mmask64 rm_avx512_first(size_t n) { return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1; }

#endif
