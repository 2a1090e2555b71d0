/* AVX2, for processors without VNNI: products of sixteen bits, added by pairs (VPMADDWD). VPMADDUBSW would take bytes, but its sums saturate at
 * sixteen bits. Tiles of 4 pixels by 8 channels. */
#include <string.h>

#include "../core/avx2.h"
#include "pointwise.h"

#define PIXELS 4

/* Four bytes, widened, four times. */
RM_INLINE __m256i four_bytes(const int8_t *at) {
    int32_t four;
    memcpy(&four, at, 4);
    return _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
}

/* The first `channels` of eight codes. */
RM_INLINE void put(int8_t *to, int64_t codes, int channels) { memcpy(to, &codes, channels < 8 ? channels : 8); }

/* Sums of 8 channels of each pixel: channels 0 to 3 and 4 to 7, each channel in two halves. */
RM_INLINE void multiply(__m256i sums[PIXELS][2], const struct rm_pointwise *p, const int8_t *const *in, size_t x, int block, int pixels) {
    const int8_t *w = p->weights + (size_t)block * p->depth * 8;
    for (int i = 0; i < pixels; i++) sums[i][0] = sums[i][1] = _mm256_setzero_si256();
    for (int s = 0; s < p->segments; s++) {
        const size_t stride = p->segment_stride[s];
        const int8_t *run = in[s] + x * stride;
        for (int k = 0; k < p->segment_bytes[s]; k += 4, w += 32) {
            const __m256i low = rm_avx2_wide(w), high = rm_avx2_wide(w + 16);
            for (int i = 0; i < pixels; i++) {
                const __m256i four = four_bytes(run + i * stride + k);
                sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_madd_epi16(four, low));
                sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_madd_epi16(four, high));
            }
        }
    }
}

RM_INLINE void tile(const struct rm_pointwise *p, const struct rm_avx2_output *o, const int8_t *const *in, int8_t *out, size_t x, int block, int pixels) {
    __m256i sums[PIXELS][2], q[PIXELS];
    const __m256i bias = _mm256_loadu_si256((const void *)(p->bias + block * 8));
    const __m256 scale = _mm256_loadu_ps(p->scale + block * 8);
    multiply(sums, p, in, x, block, pixels);
    for (int i = 0; i < PIXELS; i++) {
        if (i >= pixels) {
            q[i] = q[0];
            continue;
        }
        const __m256i whole = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[i][0], sums[i][1]), 0xd8); /* 0 1 4 5, 2 3 6 7 */
        q[i] = rm_avx2_rounded(_mm256_add_epi32(whole, bias), scale, o);
    }
    const __m256i packed = rm_avx2_codes(rm_avx2_halves(q[0], q[1], o), rm_avx2_halves(q[2], q[3], o), o);
    const __m256i codes = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)); /* eight of each pixel */
    const int channels = p->channels - block * 8;
    int8_t *to = out + x * p->channels + block * 8;
    put(to, _mm256_extract_epi64(codes, 0), channels);
    if (pixels > 1) put(to + p->channels, _mm256_extract_epi64(codes, 1), channels);
    if (pixels > 2) put(to + 2 * p->channels, _mm256_extract_epi64(codes, 2), channels);
    if (pixels > 3) put(to + 3 * p->channels, _mm256_extract_epi64(codes, 3), channels);
}

void rm_pointwise_s8__avx2(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    const struct rm_avx2_output o = rm_avx2_output(p->zero, p->lo, p->hi);
    for (int block = 0; block < p->blocks; block++) {
        size_t x = 0;
        for (; x + PIXELS <= pixels; x += PIXELS) tile(p, &o, in, out, x, block, PIXELS);
        for (; x < pixels; x++) tile(p, &o, in, out, x, block, 1);
    }
}
