/* Sums on processors with rounding multiply-accumulate, which all that have SDOT have: a table lookup puts a code into the top byte of 32 bits,
 * where doubling high halves multiply it. Four instructions for four sums, and the narrowing adds the bias. */
#include "../core/neon.h"
#include "elementwise.h"

struct halves {
    uint8x16_t quarter[4]; /* codes 4 i … 4 i + 3 to the top bytes, zero below */
    int32x4_t a_multiplier, b_multiplier, bias;
};

static struct halves halves_of(const struct rm_add *p) {
    struct halves h;
    for (uint32_t i = 0; i < 4; i++) {
        const uint32x4_t code = vaddq_u32(vdupq_n_u32(i * 4), vcombine_u32(vcreate_u32(1ULL << 32), vcreate_u32(2 | 3ULL << 32)));
        h.quarter[i] = vreinterpretq_u8_u32(vorrq_u32(vshlq_n_u32(code, 24), vdupq_n_u32(0xFFFFFF)));
    }
    h.a_multiplier = vdupq_n_s32(p->a_multiplier * (1 << (23 - p->shift)));
    h.b_multiplier = vdupq_n_s32(p->b_multiplier * (1 << (23 - p->shift)));
    h.bias = vdupq_n_s32(p->halves_bias);
    return h;
}

RM_INLINE int32x4_t sum4(int8x16_t a, int8x16_t b, int i, const struct halves *h) {
    const int32x4_t wide_a = vreinterpretq_s32_s8(vqtbl1q_s8(a, h->quarter[i])), wide_b = vreinterpretq_s32_s8(vqtbl1q_s8(b, h->quarter[i]));
    return vqrdmlahq_s32(vqdmulhq_s32(wide_a, h->a_multiplier), wide_b, h->b_multiplier);
}

RM_INLINE void add_16(const int8_t *a, const int8_t *b, int8_t *out, const struct halves *h, const struct rm_neon_output *o, int clamped) {
    const int8x16_t va = vld1q_s8(a), vb = vld1q_s8(b);
    const int16x8_t low = vaddhn_high_s32(vaddhn_s32(sum4(va, vb, 0, h), h->bias), sum4(va, vb, 1, h), h->bias);
    const int16x8_t high = vaddhn_high_s32(vaddhn_s32(sum4(va, vb, 2, h), h->bias), sum4(va, vb, 3, h), h->bias);
    vst1q_s8(out, rm_neon_codes(low, high, o, clamped));
}

RM_INLINE size_t add_row(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n, int clamped) {
    const struct rm_neon_output o = rm_neon_output(0, p->lo, p->hi);
    const struct halves h = halves_of(p);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int j = 0; j < 64; j += 16) add_16(a + i + j, b + i + j, out + i + j, &h, &o, clamped);
    for (; i + 16 <= n; i += 16) add_16(a + i, b + i, out + i, &h, &o, clamped);
    return i;
}

void rm_add_s8__neon_dotprod(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    if (!p->halves) {
        rm_add_s8__neon(p, a, b, out, n);
        return;
    }
    const int clamped = p->lo > -128 || p->hi < 127;
    const size_t done = clamped ? add_row(p, a, b, out, n, 1) : add_row(p, a, b, out, n, 0);
    rm_add_s8__scalar(p, a + done, b + done, out + done, n - done);
}
