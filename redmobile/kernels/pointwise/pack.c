#include "pack.h"

static int rounded(int bytes, int to) { return (bytes + to - 1) / to * to; }

static size_t depth_of(int segments, const int *segment_bytes, int to) {
    size_t depth = 0;
    for (int s = 0; s < segments; s++) depth += rounded(segment_bytes[s], to);
    return depth;
}

size_t rm_pointwise_packed_bytes(int segments, const int *segment_bytes, int channels) {
    const size_t blocks = (channels + 7) / 8;
    return blocks * 8 * (depth_of(segments, segment_bytes, 4) + depth_of(segments, segment_bytes, 8)) + blocks * (8 * (10 * sizeof(int32_t) + sizeof(struct rm_sums)) + 1) + 14 * 64 + rm_rounded_bytes((int)blocks);
}

/* One channel's runs, each spread over groups of `group` bytes that lie 8 groups apart. */
static void pack_channel(int8_t *to, const int8_t *from, int segments, const int *segment_bytes, int group) {
    for (int s = 0; s < segments; s++) {
        for (int k = 0; k < segment_bytes[s]; k++) to[k / group * 8 * group + k % group] = *from++;
        to += rounded(segment_bytes[s], group) * 8;
    }
}

static void *take(int8_t **memory, size_t bytes) {
    void *taken = *memory;
    *memory += (bytes + 63) / 64 * 64;
    return taken;
}

/* [a b] to [a b a b] */
static void pair_biases(int32_t *to, const int32_t *from, int blocks) {
    for (int c = 0; c < blocks * 8; c += 2)
        for (int i = 0; i < 4; i++) to[c * 2 + i] = from[c + i % 2];
}

/* Returns room for the bounds of each channel. */
static struct rm_sums *take_fixed(struct rm_fixed_layer *fixed, int8_t **memory, int blocks) {
    struct rm_sums *sums = take(memory, blocks * 8 * sizeof *sums);
    fixed->bias = take(memory, blocks * 8 * sizeof(int32_t));
    fixed->low = take(memory, blocks * 8 * sizeof(int32_t));
    fixed->multiplier = take(memory, blocks * 8 * sizeof(int32_t));
    fixed->bias_pairs = take(memory, blocks * 16 * sizeof(int32_t));
    fixed->shift = take(memory, blocks);
    return sums;
}

int rm_pointwise_pack(struct rm_pointwise *p, const struct rm_conv_weights *from, int segments, const int *segment_bytes, int channels, void *memory) {
    int8_t *free_memory = memory;
    int taken = 0;
    p->segments = segments;
    p->channels = channels;
    p->blocks = (channels + 7) / 8;
    for (int s = 0; s < segments; s++) {
        p->segment_bytes[s] = rounded(segment_bytes[s], 4);
        taken += segment_bytes[s];
    }
    p->depth = (int)depth_of(segments, segment_bytes, 4);
    const size_t depth8 = depth_of(segments, segment_bytes, 8);
    int8_t *weights = take(&free_memory, (size_t)p->blocks * 8 * p->depth), *by_8 = take(&free_memory, p->blocks * 8 * depth8);
    int32_t *bias = take(&free_memory, p->blocks * 8 * sizeof *bias), *bias_unsigned = take(&free_memory, p->blocks * 8 * sizeof *bias);
    float *scale = take(&free_memory, p->blocks * 8 * sizeof *scale);
    struct rm_sums *sums = take_fixed(&p->fixed, &free_memory, p->blocks);
    int32_t *pairs = take(&free_memory, p->blocks * 16 * sizeof *pairs);
    rm_rounded_place(&p->rounded, take(&free_memory, rm_rounded_bytes(p->blocks)), p->blocks);
    p->wide = p->lowest = 0;
    for (int c = 0; c < channels; c++) {
        const int8_t *w = from->weights + (size_t)c * taken;
        int64_t sum = 0;
        for (int k = 0; k < taken; k++) {
            sum += w[k];
            p->lowest |= w[k] == -128;
        }
        const int32_t b = from->bias ? from->bias[c] : 0;
        bias[c] = (int32_t)((uint32_t)b - (uint32_t)(from->in_zero * sum)); /* wraps as XNNPACK's does */
        bias_unsigned[c] = (int32_t)((uint32_t)bias[c] - (uint32_t)(128 * sum));
        scale[c] = from->in_scale * from->scales[from->scale_count > 1 ? c : 0] / from->out_scale;
        if (!(scale[c] >= 0x1p-32f && scale[c] < 256.0f)) return 0;
        sums[c] = rm_sums_of(w, taken, 1, from->in_zero, b);
        if (sums[c].most * scale[c] > 32000.0 || sums[c].least * scale[c] < -32000.0) p->wide = 1;
        pack_channel(weights + (size_t)(c / 8) * p->depth * 8 + c % 8 * 4, w, segments, segment_bytes, 4);
        pack_channel(by_8 + (c / 8) * depth8 * 8 + c % 8 * 8, w, segments, segment_bytes, 8);
    }
    p->weights = weights;
    p->weights_by_8 = by_8;
    p->bias = bias;
    p->bias_unsigned = bias_unsigned;
    p->scale = scale;
    rm_fixed_find_layer(&p->fixed, bias, scale, sums, channels, p->zero, p->lo, p->hi);
    rm_rounded_find_layer(&p->rounded, bias, scale, sums, channels, p->zero, p->lo, p->hi);
    pair_biases(pairs, bias, p->blocks);
    pair_biases(p->fixed.bias_pairs, p->fixed.bias, p->blocks);
    p->bias_pairs = pairs;
    return 1;
}
