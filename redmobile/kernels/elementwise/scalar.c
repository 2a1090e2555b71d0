/* The definition of correct sums and products, and how their parameters are made. */
#include "../core/requant.h"
#include "elementwise.h"

static inline int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

void rm_add_s8__scalar(const struct rm_add *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int32_t sum = p->bias + a[i] * p->a_multiplier + b[i] * p->b_multiplier;
        out[i] = (int8_t)clamp((sum >> p->shift) + p->zero, p->lo, p->hi);
    }
}

void rm_mul_s8__scalar(const struct rm_mul *p, const int8_t *a, const int8_t *b, int8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rm_requantize((a[i] - p->a_zero) * (b[i] - p->b_zero), p->scale, p->zero, p->lo, p->hi);
}

void rm_mul_add_in_parts(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out, size_t n,
                         rm_mul_fn *mul_fn, rm_add_fn *add_fn) {
    int8_t product[512];
    for (size_t i = 0; i < n; i += sizeof product) {
        const size_t part = n - i < sizeof product ? n - i : sizeof product;
        mul_fn(mul, a + i, b + i, product, part);
        add_fn(add, second ? c + i : product, second ? product : c + i, out + i, part);
    }
}

void rm_mul_add_s8__scalar(const struct rm_mul *mul, const struct rm_add *add, int second, const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out,
                           size_t n) {
    rm_mul_add_in_parts(mul, add, second, a, b, c, out, n, rm_mul_s8__scalar, rm_add_s8__scalar);
}

void rm_table_s8(const int8_t *table, const int8_t *in, int8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = table[in[i] + 128];
}

void rm_spread_s8(const int8_t *in, int8_t *out, size_t n, size_t channels) {
    for (size_t i = 0; i < n; i++) memset(out + i * channels, in[i], channels);
}

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* v * 2^exponent, v > 0 and the result a normal float */
static float times_power(float v, int exponent) {
    uint32_t bits = bits_of(v) + ((uint32_t)exponent << 23);
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Which biases give the right code for all pairs: from the one returned on, below *most. What saturates may be anything that saturates. */
static int64_t biases_of_halves(const struct rm_add *p, int64_t *most) {
    int64_t least = INT32_MIN;
    *most = INT32_MAX;
    for (int a = -128; a < 128; a++)
        for (int b = -128; b < 128; b++) {
            const int code = ((p->bias + a * p->a_multiplier + b * p->b_multiplier) >> p->shift) + p->zero;
            const int64_t half = rm_add_half(p, a, b), from = (int64_t)code * 65536 - half;
            if (code > -128 && (code < 127 ? from : 127 * 65536 - half) > least) least = code < 127 ? from : 127 * 65536 - half;
            if (code < 127 && (code > -128 ? from : -128 * 65536 - half) + 65536 < *most) *most = (code > -128 ? from : -128 * 65536 - half) + 65536;
        }
    return least;
}

#define RM_NEARBY 5 /* multipliers tried of each: what is cut off of a product depends on them, and with it whether any bias will do */

static void find_halves(struct rm_add *p) {
    if (p->shift < 16 || p->shift > 23) return;
    p->halves_bias = 0;
    for (int i = 0; i < RM_NEARBY * RM_NEARBY && !p->halves; i++) {
        int64_t most;
        p->halves_a = p->a_multiplier * (1 << (23 - p->shift)) + i / RM_NEARBY - RM_NEARBY / 2;
        p->halves_b = p->b_multiplier * (1 << (23 - p->shift)) + i % RM_NEARBY - RM_NEARBY / 2;
        const int64_t least = biases_of_halves(p, &most);
        if (least >= most || least == INT32_MIN || most == INT32_MAX) continue;
        p->halves = 1;
        p->halves_bias = (int32_t)((least + most - 1) / 2);
    }
}

int rm_add_prepare(struct rm_add *p, float a_scale, int a_zero, float b_scale, int b_zero, float out_scale, int out_zero, int lo, int hi) {
    const float a = a_scale / out_scale, b = b_scale / out_scale, larger = a > b ? a : b;
    if (!(a >= 0x1p-10f && a < 0x1p+8f && b >= 0x1p-10f && b < 0x1p+8f)) return 0;
    p->shift = 20 - ((int)(bits_of(larger) >> 23) - 127);
    /* below 2^21, so rm_round holds */
    p->a_multiplier = rm_round(times_power(a, p->shift));
    p->b_multiplier = rm_round(times_power(b, p->shift));
    p->bias = (1 << (p->shift - 1)) - a_zero * p->a_multiplier - b_zero * p->b_multiplier;
    p->zero = out_zero;
    p->lo = lo;
    p->hi = hi;
    p->halves = 0;
    find_halves(p);
    return 1;
}

/* The doubling high half of a product, rounded: what SQRDMULH gives. */
static int32_t high_half(int32_t v, int32_t multiplier) { return (int32_t)(((int64_t)v * multiplier * 2 + (1LL << 31)) >> 32); }

static int same_for_all_products(const struct rm_mul *p, int32_t multiplier) {
    for (int32_t v = -255 * 255; v <= 255 * 255; v++)
        if (clamp(high_half(v, multiplier) + p->zero, p->lo, p->hi) != rm_requantize(v, p->scale, p->zero, p->lo, p->hi)) return 0;
    return 1;
}

int rm_mul_prepare(struct rm_mul *p, float a_scale, int a_zero, float b_scale, int b_zero, float out_scale, int out_zero, int lo, int hi) {
    const float product = a_scale * b_scale, scale = product / out_scale;
    if (!(scale >= 0x1p-16f && scale < 0x1p+8f)) return 0;
    *p = (struct rm_mul){.a_zero = a_zero, .b_zero = b_zero, .scale = scale, .zero = out_zero, .lo = lo, .hi = hi};
    p->wide = 255.0f * 255.0f * scale > 32000.0f;
    if (scale < 0.5f) {
        const int32_t near = (int32_t)(scale * 0x1p31f);
        for (int i = 0; i < 64 && !p->multiplier; i++) {
            const int32_t candidate = near + (i % 2 ? -(i + 1) / 2 : i / 2);
            if (candidate > 0 && same_for_all_products(p, candidate)) p->multiplier = candidate;
        }
    }
    return 1;
}
