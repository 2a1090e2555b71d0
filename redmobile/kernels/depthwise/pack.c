#include "pack.h"

#include <string.h>

static size_t quads_bytes(int kernel, int stride, int channels) {
    return (size_t)(channels + 7) / 8 * rm_depthwise_groups(kernel, stride) * rm_depthwise_rows(stride) * 32;
}

size_t rm_depthwise_packed_bytes(int kernel, int stride, int channels) {
    return (size_t)kernel * kernel * channels + quads_bytes(kernel, stride, channels) + (channels + 7) / 8 * (8 * (5 * sizeof(int32_t) + sizeof(struct rm_sums)) + 1) + 12 * 64 +
           rm_rounded_bytes((channels + 7) / 8);
}

static void *take(int8_t **memory, size_t bytes) {
    void *taken = *memory;
    *memory += (bytes + 63) / 64 * 64;
    return taken;
}

struct tap {
    int row, column; /* of the window; column -1: none */
};

/* Byte i of a group: four rows of a column, and of a 5x5 window what is left of its columns: at stride 1, where a second row of output needs two more
 * rows, those of two columns (the last one's of that and of one that is not counted again); at stride 2 the last row of four columns, then of one. */
static struct tap tap_of(int kernel, int stride, int group, int i) {
    if (group < kernel) return (struct tap){i, group};
    if (stride == 2) return group == 5 ? (struct tap){4, i} : (struct tap){4, i ? -1 : 4};
    if (group == 7) return (struct tap){4 + i % 2, i < 2 ? -1 : 4};
    return (struct tap){4 + i % 2, (group - 5) * 2 + i / 2};
}

/* [8 channels][group][row of output][channel][4]. For the output's second row a tap stands one higher in the window; rows outside of it weigh nothing. */
static void pack_quads(int8_t *to, const struct rm_depthwise *p) {
    const int rows = rm_depthwise_rows(p->stride), groups = rm_depthwise_groups(p->kernel, p->stride);
    for (int c = 0; c < p->channels; c++)
        for (int at = 0; at < groups * rows * 4; at++) {
            const int group = at / 4 / rows, r = at / 4 % rows;
            const struct tap tap = tap_of(p->kernel, p->stride, group, at % 4);
            const int row = tap.row - r;
            if (tap.column < 0 || row < 0 || row >= p->kernel) continue;
            to[(((size_t)(c / 8) * groups + group) * rows + r) * 32 + c % 8 * 4 + at % 4] = p->weights[((size_t)row * p->kernel + tap.column) * p->channels + c];
        }
}

int rm_depthwise_pack(struct rm_depthwise *p, const struct rm_conv_weights *from, int kernel, int stride, int channels, void *memory) {
    int8_t *free_memory = memory;
    const int padded = (channels + 7) / 8 * 8, taps = kernel * kernel;
    p->kernel = kernel;
    p->stride = stride;
    p->channels = channels;
    p->wide = p->lowest = 0;
    int8_t *weights = take(&free_memory, (size_t)taps * channels), *quads = take(&free_memory, quads_bytes(kernel, stride, channels));
    int32_t *bias = take(&free_memory, padded * sizeof *bias);
    float *scale = take(&free_memory, padded * sizeof *scale);
    struct rm_sums *sums = take(&free_memory, padded * sizeof *sums);
    p->fixed = (struct rm_fixed_layer){.bias = take(&free_memory, padded * sizeof *bias), .low = take(&free_memory, padded * sizeof *bias),
                                       .multiplier = take(&free_memory, padded * sizeof *bias), .shift = take(&free_memory, padded / 8)};
    rm_rounded_place(&p->rounded, take(&free_memory, rm_rounded_bytes(padded / 8)), padded / 8);
    memcpy(weights, from->weights, (size_t)taps * channels);
    for (int c = 0; c < channels; c++) {
        int32_t sum = 0;
        for (int t = 0; t < taps; t++) {
            sum += weights[(size_t)t * channels + c];
            p->lowest |= weights[(size_t)t * channels + c] == -128;
        }
        const int32_t b = from->bias ? from->bias[c] : 0;
        bias[c] = (int32_t)((uint32_t)b - (uint32_t)(from->in_zero * sum));
        scale[c] = from->in_scale * from->scales[from->scale_count > 1 ? c : 0] / from->out_scale;
        if (!(scale[c] >= 0x1p-32f && scale[c] < 256.0f)) return 0;
        sums[c] = rm_sums_of(weights + c, taps, channels, from->in_zero, b);
        if (sums[c].most * scale[c] > 32000.0 || sums[c].least * scale[c] < -32000.0) p->wide = 1;
    }
    p->weights = weights;
    p->bias = bias;
    p->scale = scale;
    pack_quads(quads, p);
    p->weights_quads = quads;
    rm_fixed_find_layer(&p->fixed, bias, scale, sums, channels, p->zero, p->lo, p->hi);
    rm_rounded_find_layer(&p->rounded, bias, scale, sums, channels, p->zero, p->lo, p->hi);
    return 1;
}
