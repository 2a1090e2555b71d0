#include "pack.h"

#include <string.h>

static size_t quads_bytes(int kernel, int stride, int channels) {
    return (size_t)(channels + 7) / 8 * kernel * rm_depthwise_rows(stride) * rm_depthwise_quads(kernel, stride) * 32;
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

/* [8 channels][column][row of output][quad][channel][4]: byte i of quad q is the weight for input row 4q + i, which for the output's second
 * row stands one higher; rows outside of the window weigh nothing. */
static void pack_quads(int8_t *to, const struct rm_depthwise *p) {
    const int rows = rm_depthwise_rows(p->stride), quads = rm_depthwise_quads(p->kernel, p->stride);
    for (int c = 0; c < p->channels; c++)
        for (int j = 0; j < p->kernel; j++)
            for (int r = 0; r < rows; r++)
                for (int at = 0; at < quads * 4; at++) {
                    const int i = at - r;
                    if (i < 0 || i >= p->kernel) continue;
                    const size_t group = (((size_t)(c / 8) * p->kernel + j) * rows + r) * quads + at / 4;
                    to[group * 32 + c % 8 * 4 + at % 4] = p->weights[((size_t)i * p->kernel + j) * p->channels + c];
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
