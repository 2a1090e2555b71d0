/* AVX2: sums of up to 256 pixels in int16, then in int32; 16 channels at a time. */
#include "../core/avx2.h"
#include "pool.h"

RM_INLINE void add_half(int32_t *sums, __m128i v) {
    _mm256_storeu_si256((void *)sums, _mm256_add_epi32(_mm256_loadu_si256((const void *)sums), _mm256_cvtepi16_epi32(v)));
}

static void sum_16(const int8_t *row, int32_t *sums, size_t pixels, size_t step) {
    while (pixels) {
        size_t part = pixels < 256 ? pixels : 256;
        __m256i v = _mm256_setzero_si256();
        pixels -= part;
        for (; part; part--, row += step) v = _mm256_add_epi16(v, rm_avx2_wide(row));
        add_half(sums, _mm256_castsi256_si128(v));
        add_half(sums + 8, _mm256_extracti128_si256(v, 1));
    }
}

void rm_row_sum_s8__avx2(const int8_t *row, int32_t *sums, size_t pixels, size_t channels) {
    size_t c = 0;
    for (; c + 16 <= channels; c += 16) sum_16(row + c, sums + c, pixels, channels);
    for (size_t x = 0; x < pixels; x++)
        for (size_t i = c; i < channels; i++) sums[i] += row[x * channels + i];
}
