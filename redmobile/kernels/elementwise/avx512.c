/* AVX-512, 64 codes at a time; what is left over at the end is masked. */
#include "../core/avx512.h"
#include "elementwise.h"

/* Codes with their sign bit flipped: 128 more than they are, unsigned, so that zeros widen them. */
RM_INLINE __m512i flipped(const int8_t *at, __mmask64 some) {
    return _mm512_xor_si512(_mm512_maskz_loadu_epi8(some, at), _mm512_set1_epi8(-128));
}

struct add_lanes {
    __m512i low, high; /* of a and b by turns */
    __m512i bias;
    __m128i shift;
};

static struct add_lanes add_lanes_of(const struct rm_add *p) {
    const struct rm_add_parts parts = rm_add_parts_of(p);
    const struct add_lanes l = {_mm512_set1_epi32(parts.low), _mm512_set1_epi32(parts.high),
                                _mm512_set1_epi32(p->bias - 128 * (p->a_multiplier + p->b_multiplier)), _mm_cvtsi32_si128(p->shift)};
    return l;
}

/* ab: pairs of sixteen bits */
RM_INLINE __m512i sums_of(__m512i ab, const struct add_lanes *l) {
    const __m512i high = _mm512_slli_epi32(_mm512_madd_epi16(ab, l->high), RM_ADD_LOW_BITS);
    return _mm512_sra_epi32(_mm512_add_epi32(_mm512_dpwssd_epi32(l->bias, ab, l->low), high), l->shift);
}

RM_INLINE __m512i add_64(__m512i a, __m512i b, const struct add_lanes *l, const struct rm_avx512_output *o) {
    const __m512i low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b), none = _mm512_setzero_si512();
    return rm_avx512_codes(sums_of(_mm512_unpacklo_epi8(low, none), l), sums_of(_mm512_unpackhi_epi8(low, none), l),
                           sums_of(_mm512_unpacklo_epi8(high, none), l), sums_of(_mm512_unpackhi_epi8(high, none), l), o);
}

void rm_add_s8__avx512(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    const struct rm_avx512_output o = rm_avx512_output(p->zero, p->lo, p->hi);
    const struct add_lanes l = add_lanes_of(p);
    const __mmask64 all = rm_avx512_first(64);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) _mm512_storeu_si512(out + i, add_64(flipped(a + i, all), flipped(b + i, all), &l, &o));
    const __mmask64 some = rm_avx512_first(n - i);
    if (some) _mm512_mask_storeu_epi8(out + i, some, add_64(flipped(a + i, some), flipped(b + i, some), &l, &o));
}

struct mul_lanes {
    __m512i a_zero, b_zero;
    __m512 scale;
};

RM_INLINE __m512i mul_64(__m512i a, __m512i b, const struct mul_lanes *l, const struct rm_avx512_output *o, int wide) {
    const __m512i none = _mm512_setzero_si512();
    const __m512i a_low = _mm512_sub_epi16(_mm512_unpacklo_epi8(a, none), l->a_zero), a_high = _mm512_sub_epi16(_mm512_unpackhi_epi8(a, none), l->a_zero);
    const __m512i b_low = _mm512_sub_epi16(_mm512_unpacklo_epi8(b, none), l->b_zero), b_high = _mm512_sub_epi16(_mm512_unpackhi_epi8(b, none), l->b_zero);
    const __m512i low = _mm512_mullo_epi16(a_low, b_low), low_up = _mm512_mulhi_epi16(a_low, b_low);
    const __m512i high = _mm512_mullo_epi16(a_high, b_high), high_up = _mm512_mulhi_epi16(a_high, b_high);
    return rm_avx512_codes(rm_avx512_rounded(_mm512_unpacklo_epi16(low, low_up), l->scale, o, wide),
                           rm_avx512_rounded(_mm512_unpackhi_epi16(low, low_up), l->scale, o, wide),
                           rm_avx512_rounded(_mm512_unpacklo_epi16(high, high_up), l->scale, o, wide),
                           rm_avx512_rounded(_mm512_unpackhi_epi16(high, high_up), l->scale, o, wide), o);
}

RM_INLINE void mul_row(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n, int wide) {
    const struct rm_avx512_output o = rm_avx512_output(p->zero, p->lo, p->hi);
    const struct mul_lanes l = {_mm512_set1_epi16((int16_t)(p->a_zero + 128)), _mm512_set1_epi16((int16_t)(p->b_zero + 128)), _mm512_set1_ps(p->scale)};
    const __mmask64 all = rm_avx512_first(64);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) _mm512_storeu_si512(out + i, mul_64(flipped(a + i, all), flipped(b + i, all), &l, &o, wide));
    const __mmask64 some = rm_avx512_first(n - i);
    if (some) _mm512_mask_storeu_epi8(out + i, some, mul_64(flipped(a + i, some), flipped(b + i, some), &l, &o, wide));
}

void rm_mul_s8__avx512(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    if (p->wide) mul_row(p, a, b, out, n, 1);
    else mul_row(p, a, b, out, n, 0);
}

void rm_mul_add_s8__avx512(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out, size_t n) {
    rm_mul_add_in_parts(mul, add, second, a, b, c, out, n, rm_mul_s8__avx512, rm_add_s8__avx512);
}
