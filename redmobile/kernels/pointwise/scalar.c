/* The definition of a correct convolution: every other kernel gives these bits. */
#include "../core/requant.h"
#include "pointwise.h"

static int32_t sum_of(const struct rm_pointwise *p, const int8_t *const *in, size_t pixel, int channel) {
    const int8_t *w = p->weights + (size_t)(channel / 8) * p->depth * 8 + (channel % 8) * 4;
    int32_t sum = p->bias[channel];
    for (int s = 0; s < p->segments; s++) {
        const int8_t *run = in[s] + pixel * p->segment_stride[s];
        for (int k = 0; k < p->segment_bytes[s]; k += 4, w += 32)
            sum += run[k] * w[0] + run[k + 1] * w[1] + run[k + 2] * w[2] + run[k + 3] * w[3];
    }
    return sum;
}

void rm_pointwise_s8__scalar(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    for (size_t x = 0; x < pixels; x++)
        for (int c = 0; c < p->channels; c++)
            out[x * p->channels + c] = rm_requantize(sum_of(p, in, x, c), p->scale[c], p->zero, p->lo, p->hi);
}
