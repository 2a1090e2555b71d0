/* AVX-512, 16 codes at a time. See pointwise/vnni.c for what it is there for. */
#include <immintrin.h>

#include "elementwise.h"

static inline __m512i wide(const int8_t *at) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)at)); }

static inline void put(int8_t *to, __m512i q, __m128i lo, __m128i hi) {
    _mm_storeu_si128((__m128i *)(void *)to, _mm_min_epi8(_mm_max_epi8(_mm512_cvtsepi32_epi8(q), lo), hi));
}

void rm_add_s8__avx512(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    const __m512i am = _mm512_set1_epi32(p->a_multiplier), bm = _mm512_set1_epi32(p->b_multiplier), bias = _mm512_set1_epi32(p->bias);
    const __m512i zero = _mm512_set1_epi32(p->zero);
    const __m128i shift = _mm_cvtsi32_si128(p->shift), lo = _mm_set1_epi8((int8_t)p->lo), hi = _mm_set1_epi8((int8_t)p->hi);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bias, _mm512_mullo_epi32(wide(a + i), am)), _mm512_mullo_epi32(wide(b + i), bm));
        put(out + i, _mm512_add_epi32(_mm512_sra_epi32(sum, shift), zero), lo, hi);
    }
    rm_add_s8__scalar(p, a + i, b + i, out + i, n - i);
}

void rm_mul_s8__avx512(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    const __m512i az = _mm512_set1_epi32(p->a_zero), bz = _mm512_set1_epi32(p->b_zero), zero = _mm512_set1_epi32(p->zero);
    const __m512 scale = _mm512_set1_ps(p->scale);
    const __m128i lo = _mm_set1_epi8((int8_t)p->lo), hi = _mm_set1_epi8((int8_t)p->hi);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m512i product = _mm512_mullo_epi32(_mm512_sub_epi32(wide(a + i), az), _mm512_sub_epi32(wide(b + i), bz));
        /* 255 * 255 * 2^8 at most: no sum leaves int32 */
        put(out + i, _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(product), scale)), zero), lo, hi);
    }
    rm_mul_s8__scalar(p, a + i, b + i, out + i, n - i);
}

void rm_mul_add_s8__avx512(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out, size_t n) {
    rm_mul_add_in_parts(mul, add, second, a, b, c, out, n, rm_mul_s8__avx512, rm_add_s8__avx512);
}
