/* A row of the enlarged picture, 16 channels of it, with AVX2: down the columns first (3 near + far, in int16), then along the row. */
#ifndef RM_SIXTEEN_H
#define RM_SIXTEEN_H

#include <immintrin.h>

#include "resize.h"

static inline __m256i column_16(const int8_t *near, const int8_t *far) {
    const __m256i a = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)near)), b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)far));
    return _mm256_add_epi16(_mm256_add_epi16(a, a), _mm256_add_epi16(a, b));
}

static inline void sixteen_channels(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t step) {
    const __m256i eight = _mm256_set1_epi16(8);
    __m256i left = column_16(near, far), here = left;
    for (size_t x = 0; x < pixels; x++, out += 2 * step) {
        near += x + 1 < pixels ? step : 0;
        far += x + 1 < pixels ? step : 0;
        const __m256i right = column_16(near, far), thrice = _mm256_add_epi16(_mm256_add_epi16(here, here), _mm256_add_epi16(here, eight));
        const __m256i even = _mm256_srai_epi16(_mm256_add_epi16(thrice, left), 4), odd = _mm256_srai_epi16(_mm256_add_epi16(thrice, right), 4);
        const __m256i codes = _mm256_permute4x64_epi64(_mm256_packs_epi16(even, odd), 0xd8);
        _mm_storeu_si128((void *)out, _mm256_castsi256_si128(codes));
        _mm_storeu_si128((void *)(out + step), _mm256_extracti128_si256(codes, 1));
        left = here;
        here = right;
    }
}

#endif
