/* AVX-512: down the columns first (3 near + far, in int16), then along the row, 32 or 16 channels at a time. */
#include "../core/avx512.h"
#include "sixteen.h"

RM_INLINE __m512i column_32(const int8_t *near, const int8_t *far) {
    const __m512i a = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)near)), b = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)far));
    return _mm512_add_epi16(_mm512_add_epi16(a, a), _mm512_add_epi16(a, b));
}

RM_INLINE void thirty_two_channels(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t step) {
    const __m512i eight = _mm512_set1_epi16(8), in_order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m512i left = column_32(near, far), here = left;
    for (size_t x = 0; x < pixels; x++, out += 2 * step) {
        near += x + 1 < pixels ? step : 0;
        far += x + 1 < pixels ? step : 0;
        const __m512i right = column_32(near, far), thrice = _mm512_add_epi16(_mm512_add_epi16(here, here), _mm512_add_epi16(here, eight));
        const __m512i even = _mm512_srai_epi16(_mm512_add_epi16(thrice, left), 4), odd = _mm512_srai_epi16(_mm512_add_epi16(thrice, right), 4);
        const __m512i codes = _mm512_permutexvar_epi64(in_order, _mm512_packs_epi16(even, odd));
        _mm256_storeu_si256((void *)out, _mm512_castsi512_si256(codes));
        _mm256_storeu_si256((void *)(out + step), _mm512_extracti64x4_epi64(codes, 1));
        left = here;
        here = right;
    }
}

void rm_bilinear2x_s8__avx512(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t channels) {
    size_t c = 0;
    if (channels < 16) {
        rm_bilinear2x_s8__scalar(near, far, out, pixels, channels);
        return;
    }
    for (; c + 32 <= channels; c += 32) thirty_two_channels(near + c, far + c, out + c, pixels, channels);
    for (; c < channels; c += 16) {
        if (c + 16 > channels) c = channels - 16; /* the last group may overlap the one before */
        sixteen_channels(near + c, far + c, out + c, pixels, channels);
    }
}
