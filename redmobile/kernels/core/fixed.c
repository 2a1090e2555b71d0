#include "fixed.h"

#include "requant.h"

/* The steps of a channel: the lowest sum whose code is at least `code`. */
struct steps {
    int count;
    int32_t sum[256];
    int code[256];
};

static int32_t lowest_sum(float scale, int zero, int lo, int hi, int code) {
    int32_t sum = (int32_t)(((double)(code - zero) - 0.5) / scale);
    while (rm_requantize(sum, scale, zero, lo, hi) >= code) sum--;
    while (rm_requantize(sum, scale, zero, lo, hi) < code) sum++;
    return sum;
}

static void find_steps(struct steps *steps, float scale, int zero, int lo, int hi, struct rm_sums sums) {
    steps->count = 0;
    for (int code = lo + 1; code <= hi; code++) {
        const double about = ((double)(code - zero) - 0.5) / scale;
        /* of the steps that no sum reaches, the first on either side says enough */
        if (about > sums.most + 1 / scale + 1 || about < sums.least - 1 / scale - 1) continue;
        steps->code[steps->count] = code;
        steps->sum[steps->count++] = lowest_sum(scale, zero, lo, hi, code);
    }
}

/* Offsets of a line of the given slope that take every step at its sum: from *least on, below *most. Returns the width of that range. */
static double offsets_of(const struct steps *steps, double slope, double *least, double *most) {
    *least = -1e30;
    *most = 1e30;
    for (int i = 0; i < steps->count; i++) {
        const double at = steps->code[i] - slope * steps->sum[i];
        if (at > *least) *least = at;
        if (at + slope < *most) *most = at + slope;
    }
    return *most - *least;
}

/* The slope near `scale` with the widest range of offsets: the width is a concave function of the slope. */
static double best_slope(const struct steps *steps, double scale) {
    double low = scale * (1 - 0x1p-14), high = scale * (1 + 0x1p-14), least, most;
    for (int i = 0; i < 48; i++) {
        const double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (offsets_of(steps, a, &least, &most) < offsets_of(steps, b, &least, &most)) low = a;
        else high = b;
    }
    return (low + high) / 2;
}

static int64_t code_of(const struct rm_fixed *fixed, int shift, int64_t sum) {
    const int64_t x = (sum + fixed->plus) * (1 << shift) + fixed->low;
    return (x * fixed->multiplier) >> 47;
}

static int takes_all(const struct steps *steps, const struct rm_fixed *fixed, int shift) {
    for (int i = 0; i < steps->count; i++)
        if (code_of(fixed, shift, steps->sum[i]) < steps->code[i] || code_of(fixed, shift, (int64_t)steps->sum[i] - 1) >= steps->code[i]) return 0;
    return 1;
}

static int64_t floor_of(double v) {
    const int64_t whole = (int64_t)v;
    return whole - (v < (double)whole);
}

static double size_of(struct rm_sums sums) { return -sums.least > sums.most ? -sums.least : sums.most; }

struct rm_sums rm_sums_of(const int8_t *weights, int count, int every, int in_zero, int32_t bias) {
    struct rm_sums sums = {bias, bias};
    const double most = 127 - in_zero, least = -128 - in_zero;
    for (int i = 0; i < count; i++) {
        const int w = weights[(long)i * every];
        sums.most += w * (w > 0 ? most : least);
        sums.least += w * (w > 0 ? least : most);
    }
    return sums;
}

int rm_fixed_find(struct rm_fixed *fixed, int shift, float scale, int zero, int lo, int hi, struct rm_sums sums) {
    struct steps steps;
    double least, highest;
    const double limit = (double)(1 << (shift - 10)) / 64, unit = (double)((int64_t)1 << (47 - shift));
    if (!(scale < limit && scale > 0x1p-20f) || size_of(sums) * scale > 32000.0) return 0;
    find_steps(&steps, scale, zero, lo, hi, sums);
    double slope = scale;
    if (offsets_of(&steps, slope, &least, &highest) < slope * 0x1p-8) slope = best_slope(&steps, slope);
    fixed->multiplier = (int32_t)floor_of(slope * unit + 0.5);
    if (offsets_of(&steps, fixed->multiplier / unit, &least, &highest) <= 0) return 0;
    if (!steps.count) least = highest = zero + 0.5;
    const int64_t whole = floor_of((least + highest) / 2 / slope * (1 << shift));
    fixed->plus = (int32_t)(whole >> shift);
    fixed->low = (int32_t)(whole & ((1 << shift) - 1));
    const double farthest = size_of((struct rm_sums){sums.least + fixed->plus - 1, sums.most + fixed->plus + 1});
    return farthest < (double)((int64_t)1 << (31 - shift)) && farthest * scale < 32000.0 && takes_all(&steps, fixed, shift);
}

static int find_block(struct rm_fixed fixed[8], int shift, const float *scale, const struct rm_sums *sums, int channels, int zero, int lo, int hi) {
    for (int c = 0; c < channels; c++)
        if (!rm_fixed_find(&fixed[c], shift, scale[c], zero, lo, hi, sums[c])) return 0;
    return 1;
}

void rm_fixed_find_layer(struct rm_fixed_layer *layer, const int32_t *bias, const float *scale, const struct rm_sums *sums, int channels, int zero, int lo, int hi) {
    for (int first = 0; first < channels; first += 8) {
        struct rm_fixed fixed[8] = {{0, 0, 0}};
        const int count = channels - first < 8 ? channels - first : 8;
        int shift = RM_FIXED_SHIFT_HIGH;
        if (!find_block(fixed, shift, scale + first, sums + first, count, zero, lo, hi)) shift = RM_FIXED_SHIFT_LOW;
        if (shift == RM_FIXED_SHIFT_LOW && !find_block(fixed, shift, scale + first, sums + first, count, zero, lo, hi)) shift = 0;
        layer->shift[first / 8] = (uint8_t)shift;
        for (int c = 0; c < 8; c++) {
            layer->bias[first + c] = (int32_t)((uint32_t)bias[first + c] + (uint32_t)(shift ? fixed[c].plus : 0));
            layer->low[first + c] = fixed[c].low;
            layer->multiplier[first + c] = fixed[c].multiplier;
        }
    }
}
