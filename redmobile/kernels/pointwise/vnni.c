/* AVX-512 VNNI: 16 channels by 4 bytes an instruction. VPDPBUSD takes unsigned bytes on one side: the codes have their sign bits flipped, which the
 * biases know of (bias_unsigned). So that a delegate's depth-first order can be timed on x86-64 beside XNNPACK. */
#include <immintrin.h>
#include <string.h>

#include "pointwise.h"

#define RM_INLINE static inline __attribute__((always_inline))
#define PIXELS 6

/* 16 sums to codes. */
RM_INLINE __m128i codes_of(__m512i sums, __m512 scale, __m512 most, __m512i zero, __m128i lo) {
    const __m512 v = _mm512_min_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale), most);
    /* what lies below int32 becomes its lowest value, and so saturates as it should */
    const __m512i q = _mm512_add_epi32(_mm512_max_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(-(1 << 20))), zero);
    return _mm_max_epi8(_mm512_cvtsepi32_epi8(q), lo);
}

RM_INLINE void tile(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t x, int block, int pixels) {
    __m512i acc[PIXELS];
    const int left = p->channels - block * 8, halves = left > 8 ? 2 : 1;
    const int8_t *w = p->weights + (size_t)block * p->depth * 8, *w2 = halves == 2 ? w + (size_t)p->depth * 8 : w;
    const __mmask16 kept = (__mmask16)(left >= 16 ? 0xffff : (1 << left) - 1), read = halves == 2 ? 0xffff : 0xff;
    const __m512i bias = _mm512_maskz_loadu_epi32(read, p->bias_unsigned + block * 8), flip = _mm512_set1_epi8(-128);
    for (int i = 0; i < pixels; i++) acc[i] = bias;
    for (int s = 0; s < p->segments; s++) {
        const size_t stride = p->segment_stride[s];
        const int8_t *run = in[s] + x * stride;
        for (int k = 0; k < p->segment_bytes[s]; k += 4, w += 32, w2 += 32) {
            const __m512i weights =
                _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)w)), _mm256_loadu_si256((const void *)w2), 1);
            for (int i = 0; i < pixels; i++) {
                int32_t four;
                memcpy(&four, run + i * stride + k, 4);
                acc[i] = _mm512_dpbusd_epi32(acc[i], _mm512_xor_si512(_mm512_set1_epi32(four), flip), weights);
            }
        }
    }
    const __m512 scale = _mm512_maskz_loadu_ps(read, p->scale + block * 8), most = _mm512_set1_ps((float)(p->hi - p->zero));
    const __m512i zero = _mm512_set1_epi32(p->zero);
    const __m128i lo = _mm_set1_epi8((int8_t)p->lo);
    for (int i = 0; i < pixels; i++)
        _mm_mask_storeu_epi8(out + (x + i) * p->channels + block * 8, kept, codes_of(acc[i], scale, most, zero, lo));
}

void rm_pointwise_s8__vnni(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    for (int block = 0; block < p->blocks; block += 2) {
        size_t x = 0;
        for (; x + PIXELS <= pixels; x += PIXELS) tile(p, in, out, x, block, PIXELS);
        for (; x < pixels; x++) tile(p, in, out, x, block, 1);
    }
}
