/* AVX2, for processors without VNNI: two taps at a time in sixteen bits (VPMADDWD), 16 channels of a pixel. */
#include "../core/avx2.h"
#include "depthwise.h"

/* Channels 0 to 3 and 8 to 11, 4 to 7 and 12 to 15: as the unpacking instructions, which work on lanes of 128 bits, leave them. */
struct split {
    __m256i a, b;
};

RM_INLINE struct split pairs(__m256i one, __m256i other) {
    const struct split s = {_mm256_unpacklo_epi16(one, other), _mm256_unpackhi_epi16(one, other)};
    return s;
}

RM_INLINE struct split split_32(const void *from) {
    const __m256i low = _mm256_loadu_si256(from), high = _mm256_loadu_si256((const void *)((const char *)from + 32));
    const struct split s = {_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31)};
    return s;
}

RM_INLINE void sixteen_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int c, int kernel) {
    struct split w[13];
    const size_t step = p->channels;
    const int taps = kernel * kernel;
    for (int t = 0; t < taps; t += 2)
        w[t / 2] = pairs(rm_avx2_wide(p->weights + t * step + c), t + 1 < taps ? rm_avx2_wide(p->weights + (t + 1) * step + c) : _mm256_setzero_si256());
    const struct rm_avx2_output o = rm_avx2_output(p->zero, p->lo, p->hi);
    const struct split bias = split_32(p->bias + c), scale = split_32(p->scale + c);
    for (size_t x = 0; x < pixels; x++) {
        const size_t at = x * p->stride * step + c;
        struct split sum = bias;
        for (int t = 0; t < taps; t += 2) {
            const int u = t + 1 < taps ? t + 1 : t;
            const struct split v = pairs(rm_avx2_wide(in[t / kernel] + at + t % kernel * step), rm_avx2_wide(in[u / kernel] + at + u % kernel * step));
            sum.a = _mm256_add_epi32(sum.a, _mm256_madd_epi16(v.a, w[t / 2].a));
            sum.b = _mm256_add_epi32(sum.b, _mm256_madd_epi16(v.b, w[t / 2].b));
        }
        const __m256i q = rm_avx2_halves(rm_avx2_rounded(sum.a, _mm256_castsi256_ps(scale.a), &o), rm_avx2_rounded(sum.b, _mm256_castsi256_ps(scale.b), &o), &o);
        _mm_storeu_si128((void *)(out + x * step + c), _mm256_castsi256_si128(rm_avx2_codes_in_order(q, q, &o)));
    }
}

static void one_row(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    for (int c = 0; c < p->channels; c += 16) {
        if (c + 16 > p->channels) c = p->channels - 16; /* the last group may overlap the one before: the codes are the same */
        if (p->kernel == 3) sixteen_channels(p, in, out, pixels, c, 3);
        else sixteen_channels(p, in, out, pixels, c, 5);
    }
}

void rm_depthwise_s8__avx2(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    if (p->channels < 16 || (p->kernel != 3 && p->kernel != 5)) {
        rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
        return;
    }
    one_row(p, in, out0, pixels);
    if (out1) one_row(p, in + 1, out1, pixels);
}
