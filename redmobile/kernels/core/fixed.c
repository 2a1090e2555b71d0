#include "fixed.h"

#include <string.h>

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

/* ---- lines for SQRDMLAH ---- */

static int64_t rounded_code(const struct rm_rounded *line, int64_t sum) {
    return (line->add + (((sum + line->plus) * line->multiplier + (1 << 30)) >> 31)) >> line->shift;
}

static int rounded_takes_all(const struct steps *steps, const struct rm_rounded *line) {
    for (int i = 0; i < steps->count; i++)
        if (rounded_code(line, steps->sum[i]) < steps->code[i] || rounded_code(line, (int64_t)steps->sum[i] - 1) >= steps->code[i]) return 0;
    return 1;
}

/* How far the offset may be moved by whole sums: where 8 bits of a code are kept, a few hundred are tried until one fits, in hard cases thousands. */
#define RM_FARTHEST (1 << 18)
#define RM_NEIGHBOURS 16 /* multipliers tried on either side of the best slope's */

static double width_of(const struct steps *steps, const struct rm_rounded *line) {
    double least, most;
    return offsets_of(steps, line->multiplier / (double)((int64_t)1 << (31 + line->shift)), &least, &most);
}

/* The multiplier nearest to a slope, or a neighbour of it whose range of offsets is wider. Returns 0 if all are empty. */
static int choose_multiplier(struct rm_rounded *line, const struct steps *steps, double slope) {
    const int32_t near = (int32_t)floor_of(slope * (double)((int64_t)1 << (31 + line->shift)) + 0.5);
    double widest = 0;
    int32_t best = near;
    for (int i = 0; i <= 2 * RM_NEIGHBOURS; i++) {
        line->multiplier = near + (i % 2 ? -(i + 1) / 2 : i / 2);
        const double width = width_of(steps, line);
        if (width <= widest) continue;
        widest = width;
        best = line->multiplier;
    }
    line->multiplier = best;
    return widest > 0;
}

/* The offset of the line is (add + 1/2) / 2^shift + plus * slope; it must lie in [least, most). */
static int find_rounded(struct rm_rounded *line, const struct steps *steps, double slope) {
    const double whole = (double)(1 << line->shift);
    double least, most;
    if (!choose_multiplier(line, steps, slope)) return 0;
    slope = line->multiplier / (double)((int64_t)1 << (31 + line->shift));
    offsets_of(steps, slope, &least, &most);
    for (int32_t i = 0; i < 2 * RM_FARTHEST; i++) {
        line->plus = i % 2 ? -(i + 1) / 2 : i / 2;
        const double add = -(double)floor_of(-((least - line->plus * slope) * whole - 0.5));
        if (!((add + 0.5) / whole + line->plus * slope < most)) continue;
        line->add = (int32_t)add;
        if (rounded_takes_all(steps, line)) return 1;
    }
    return 0;
}

int rm_rounded_find(struct rm_rounded *line, float scale, int zero, int lo, int hi, struct rm_sums sums) {
    struct steps steps;
    line->shift = scale < 0.999f * 0x1p-8f ? 8 : 0;
    /* the codes must fit sixteen bits, and the multiplier 31 where the slope is a little more than the scale */
    if (!(scale < 0.999f && scale > 0x1p-20f) || size_of(sums) * scale > 32000.0) return 0;
    find_steps(&steps, scale, zero, lo, hi, sums);
    if (steps.count) return find_rounded(line, &steps, scale) || find_rounded(line, &steps, best_slope(&steps, scale));
    *line = (struct rm_rounded){0, zero * (1 << line->shift) + (1 << line->shift >> 1), (int32_t)(scale * (float)0x1p31 * (float)(1 << line->shift)), line->shift};
    return 1;
}

static void *place(int8_t **memory, size_t bytes) {
    void *placed = *memory;
    *memory += (bytes + 63) / 64 * 64;
    return placed;
}

size_t rm_rounded_bytes(int blocks) { return (size_t)blocks * (13 * 8 * sizeof(int32_t) + 3 * 16 + 1) + 8 * 64; }

void rm_rounded_place(struct rm_rounded_layer *layer, void *memory, int blocks) {
    int8_t *at = memory;
    const size_t eights = (size_t)blocks * 8 * sizeof(int32_t);
    layer->bias = place(&at, 2 * eights);
    layer->add = place(&at, 2 * eights);
    layer->bias_quads = place(&at, 4 * eights);
    layer->add_quads = place(&at, 4 * eights);
    layer->multiplier = place(&at, eights);
    layer->pick = place(&at, (size_t)blocks * 16);
    layer->pick_quads = place(&at, (size_t)blocks * 32);
    layer->how = place(&at, blocks);
}

static void put_rounded(struct rm_rounded_layer *layer, int c, int32_t bias, const struct rm_rounded *line) {
    const int byte = line->shift / 8;
    for (int i = 0; i < 2; i++) {
        layer->bias[c / 8 * 16 + i * 8 + c % 8] = bias;
        layer->add[c / 8 * 16 + i * 8 + c % 8] = line->add;
        layer->pick[c / 8 * 16 + c % 8 * 2 + i] = (uint8_t)(c % 8 * 4 + byte + i);
        for (int pixel = 0; pixel < 2; pixel++) layer->pick_quads[c / 4 * 16 + pixel * 8 + c % 4 * 2 + i] = (uint8_t)(pixel * 16 + c % 4 * 4 + byte + i);
    }
    for (int i = 0; i < 4; i++) {
        layer->bias_quads[c / 4 * 16 + i * 4 + c % 4] = bias;
        layer->add_quads[c / 4 * 16 + i * 4 + c % 4] = line->add;
    }
    layer->multiplier[c] = line->multiplier;
}

/* The same codes by floats, with which rounding adds the zero point too: 1.5 * 2^23 leaves integers in the lower half. */
static struct rm_rounded by_floats(float scale, int zero) {
    struct rm_rounded line = {0, 0x4B400000 + zero, 0, 0};
    memcpy(&line.multiplier, &scale, sizeof scale);
    return line;
}

/* Four channels; 1: by floats. */
static int find_half(struct rm_rounded line[4], const float *scale, const struct rm_sums *sums, int channels, int zero, int lo, int hi) {
    int found = 1;
    for (int c = 0; c < channels && found; c++) found = rm_rounded_find(&line[c], scale[c], zero, lo, hi, sums[c]);
    for (int c = 0; c < channels && !found; c++) line[c] = by_floats(scale[c], zero);
    return !found;
}

/* A sum whose product lies exactly between two integers: then an odd zero point may not be added before it is rounded to even. */
static int any_tie(const float *scale, const struct rm_sums *sums, int channels, int zero, int lo, int hi) {
    struct steps steps;
    for (int c = 0; c < channels; c++) {
        find_steps(&steps, scale[c], zero, lo, hi, sums[c]);
        for (int i = 0; i < steps.count; i++) {
            const double tie = (double)(steps.code[i] - zero) - 0.5;
            if ((double)((float)steps.sum[i] * scale[c]) == tie || (double)((float)(steps.sum[i] - 1) * scale[c]) == tie) return 1;
        }
    }
    return 0;
}

static int any_wide(const float *scale, const struct rm_sums *sums, int channels) {
    for (int c = 0; c < channels; c++)
        if (size_of(sums[c]) * scale[c] > 32000.0) return 1;
    return 0;
}

void rm_rounded_find_layer(struct rm_rounded_layer *layer, const int32_t *bias, const float *scale, const struct rm_sums *sums, int channels, int zero, int lo,
                           int hi) {
    for (int first = 0; first < channels; first += 8) {
        struct rm_rounded line[8] = {{0, 0, 0, 0}};
        const int count = channels - first < 8 ? channels - first : 8, lower = count < 4 ? count : 4;
        int how = find_half(line, scale + first, sums + first, lower, zero, lo, hi);
        if (count > 4) how |= 2 * find_half(line + 4, scale + first + 4, sums + first + 4, count - 4, zero, lo, hi);
        if (how && any_wide(scale + first, sums + first, count)) how = RM_BY_WIDE_FLOATS;
        if (how && zero % 2 && any_tie(scale + first, sums + first, count, zero, lo, hi)) how = RM_BY_WIDE_FLOATS;
        for (int c = 0; c < 8; c++) {
            const int plus = how == RM_BY_WIDE_FLOATS ? 0 : line[c].plus;
            put_rounded(layer, first + c, (int32_t)((uint32_t)bias[first + c] + (uint32_t)plus), &line[c]);
        }
        layer->how[first / 8] = (uint8_t)how;
    }
}
