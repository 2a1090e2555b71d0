/* AVX2, 32 codes at a time. */
#include "../core/avx2.h"
#include "elementwise.h"

struct add_lanes {
    __m256i low, high; /* of a and b by turns */
    __m256i bias;
    __m128i shift;
};

static struct add_lanes add_lanes_of(const struct rm_add *p) {
    const struct rm_add_parts parts = rm_add_parts_of(p);
    const struct add_lanes l = {_mm256_set1_epi32(parts.low), _mm256_set1_epi32(parts.high), _mm256_set1_epi32(p->bias), _mm_cvtsi32_si128(p->shift)};
    return l;
}

/* ab: pairs of sixteen bits */
RM_INLINE __m256i sums_of(__m256i ab, const struct add_lanes *l) {
    const __m256i high = _mm256_slli_epi32(_mm256_madd_epi16(ab, l->high), RM_ADD_LOW_BITS);
    return _mm256_sra_epi32(_mm256_add_epi32(_mm256_add_epi32(l->bias, _mm256_madd_epi16(ab, l->low)), high), l->shift);
}

RM_INLINE __m256i add_16(const int8_t *a, const int8_t *b, const struct add_lanes *l, const struct rm_avx2_output *o) {
    const __m256i wide_a = rm_avx2_wide(a), wide_b = rm_avx2_wide(b);
    return rm_avx2_halves(sums_of(_mm256_unpacklo_epi16(wide_a, wide_b), l), sums_of(_mm256_unpackhi_epi16(wide_a, wide_b), l), o);
}

void rm_add_s8__avx2(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    const struct rm_avx2_output o = rm_avx2_output(p->zero, p->lo, p->hi);
    const struct add_lanes l = add_lanes_of(p);
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((void *)(out + i), rm_avx2_codes_in_order(add_16(a + i, b + i, &l, &o), add_16(a + i + 16, b + i + 16, &l, &o), &o));
    rm_add_s8__scalar(p, a + i, b + i, out + i, n - i);
}

struct mul_lanes {
    __m256i a_zero, b_zero;
    __m256 scale;
};

RM_INLINE __m256i mul_16(const int8_t *a, const int8_t *b, const struct mul_lanes *l, const struct rm_avx2_output *o) {
    const __m256i wide_a = _mm256_sub_epi16(rm_avx2_wide(a), l->a_zero), wide_b = _mm256_sub_epi16(rm_avx2_wide(b), l->b_zero);
    const __m256i low = _mm256_mullo_epi16(wide_a, wide_b), high = _mm256_mulhi_epi16(wide_a, wide_b);
    return rm_avx2_halves(rm_avx2_rounded(_mm256_unpacklo_epi16(low, high), l->scale, o), rm_avx2_rounded(_mm256_unpackhi_epi16(low, high), l->scale, o), o);
}

void rm_mul_s8__avx2(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    const struct rm_avx2_output o = rm_avx2_output(p->zero, p->lo, p->hi);
    const struct mul_lanes l = {_mm256_set1_epi16((int16_t)p->a_zero), _mm256_set1_epi16((int16_t)p->b_zero), _mm256_set1_ps(p->scale)};
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((void *)(out + i), rm_avx2_codes_in_order(mul_16(a + i, b + i, &l, &o), mul_16(a + i + 16, b + i + 16, &l, &o), &o));
    rm_mul_s8__scalar(p, a + i, b + i, out + i, n - i);
}
