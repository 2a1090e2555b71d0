/* AVX-512: sums of up to 256 pixels in int16, then in int32; 32 channels at a time, what is left over masked. */
#include "../core/avx512.h"
#include "pool.h"

RM_INLINE void add_half(int32_t *sums, __m256i v, __mmask16 some) {
    _mm512_mask_storeu_epi32(sums, some, _mm512_add_epi32(_mm512_maskz_loadu_epi32(some, sums), _mm512_cvtepi16_epi32(v)));
}

static void sum_32(const int8_t *row, int32_t *sums, size_t pixels, size_t step, __mmask32 some) {
    while (pixels) {
        size_t part = pixels < 256 ? pixels : 256;
        __m512i v = _mm512_setzero_si512();
        pixels -= part;
        for (; part; part--, row += step) v = _mm512_add_epi16(v, _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(some, row)));
        add_half(sums, _mm512_castsi512_si256(v), (__mmask16)some);
        add_half(sums + 16, _mm512_extracti64x4_epi64(v, 1), (__mmask16)(some >> 16));
    }
}

void rm_row_sum_s8__avx512(const int8_t *row, int32_t *sums, size_t pixels, size_t channels) {
    for (size_t c = 0; c < channels; c += 32) sum_32(row + c, sums + c, pixels, channels, (__mmask32)rm_avx512_first(channels - c));
}
