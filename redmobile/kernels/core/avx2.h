/* Requantization of 16 or 32 sums at once; see requant.h for what it must give. */
#ifndef RM_AVX2_H
#define RM_AVX2_H

#include <immintrin.h>

#define RM_INLINE static inline __attribute__((always_inline))

/* Zero point and clamp of an output, in every lane. */
struct rm_avx2_output {
    __m256i zero;   /* int16 */
    __m256i lo, hi; /* int8 */
    __m256 most;
};

RM_INLINE struct rm_avx2_output rm_avx2_output(int zero, int lo, int hi) {
    const struct rm_avx2_output o = {_mm256_set1_epi16((int16_t)zero), _mm256_set1_epi8((int8_t)lo), _mm256_set1_epi8((int8_t)hi),
                                     _mm256_set1_ps((float)(hi - zero))};
    return o;
}

/* What lies above int32 would become its lowest value, as what lies below does, which then saturates as it should. */
RM_INLINE __m256i rm_avx2_rounded(__m256i sums, __m256 scale, const struct rm_avx2_output *o) {
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale), o->most));
}

/* Rounded integers to sixteen bits, with the zero point: lane 0 of a, of b, lane 1 of a, of b. */
RM_INLINE __m256i rm_avx2_halves(__m256i a, __m256i b, const struct rm_avx2_output *o) { return _mm256_adds_epi16(_mm256_packs_epi32(a, b), o->zero); }

/* 32 of these to codes: lane 0 of a, of b, lane 1 of a, of b, eight codes each. */
RM_INLINE __m256i rm_avx2_codes(__m256i a, __m256i b, const struct rm_avx2_output *o) {
    return _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(a, b), o->lo), o->hi);
}

/* Codes of 32 halves in their order: a's, then b's. */
RM_INLINE __m256i rm_avx2_codes_in_order(__m256i a, __m256i b, const struct rm_avx2_output *o) {
    return _mm256_permute4x64_epi64(rm_avx2_codes(a, b, o), 0xd8);
}

/* 16 codes, widened. */
RM_INLINE __m256i rm_avx2_wide(const int8_t *at) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)at)); }

#endif
