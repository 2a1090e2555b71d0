/* AVX-512: two taps at a time as int16, 16 channels an instruction (VPDPWSSD). See pointwise/vnni.c for what it is there for. */
#include <immintrin.h>

#include "depthwise.h"

#define RM_INLINE static inline __attribute__((always_inline))

RM_INLINE __m256i wide(const int8_t *at) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)at)); }

/* Pairs [a b] of 16 channels. */
RM_INLINE __m512i pairs(__m256i a, __m256i b) {
    return _mm512_or_si512(_mm512_and_si512(_mm512_cvtepu16_epi32(a), _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
}

/* One row of output, 16 channels; two pixels at a time would share nothing: columns come anew, from the first cache. */
RM_INLINE void sixteen_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int c, int kernel) {
    __m512i w[13];
    const size_t step = p->channels;
    const int taps = kernel * kernel;
    for (int t = 0; t < taps; t += 2)
        w[t / 2] = pairs(wide(p->weights + t * step + c), t + 1 < taps ? wide(p->weights + (t + 1) * step + c) : _mm256_setzero_si256());
    const __m512i bias = _mm512_loadu_si512(p->bias + c), zero = _mm512_set1_epi32(p->zero);
    const __m512 scale = _mm512_loadu_ps(p->scale + c), most = _mm512_set1_ps((float)(p->hi - p->zero));
    const __m128i lo = _mm_set1_epi8((int8_t)p->lo);
    for (size_t x = 0; x < pixels; x++) {
        const size_t at = x * p->stride * step + c;
        __m512i sum = bias;
        for (int t = 0; t < taps; t += 2) {
            const __m256i a = wide(in[t / kernel] + at + t % kernel * step);
            const int u = t + 1 < taps ? t + 1 : t;
            sum = _mm512_dpwssd_epi32(sum, pairs(a, wide(in[u / kernel] + at + u % kernel * step)), w[t / 2]);
        }
        const __m512i q = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale), most));
        const __m128i codes = _mm512_cvtsepi32_epi8(_mm512_add_epi32(_mm512_max_epi32(q, _mm512_set1_epi32(-(1 << 20))), zero));
        _mm_storeu_si128((__m128i *)(void *)(out + x * step + c), _mm_max_epi8(codes, lo));
    }
}

static void one_row(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    for (int c = 0; c < p->channels; c += 16) {
        if (c + 16 > p->channels) c = p->channels - 16; /* the last group may overlap the one before: the codes are the same */
        if (p->kernel == 3) sixteen_channels(p, in, out, pixels, c, 3);
        else sixteen_channels(p, in, out, pixels, c, 5);
    }
}

void rm_depthwise_s8__vnni(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    if (p->channels < 16 || (p->kernel != 3 && p->kernel != 5)) {
        rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
        return;
    }
    one_row(p, in, out0, pixels);
    if (out1) one_row(p, in + 1, out1, pixels);
}
