/* The definition of a correct depthwise convolution: every other kernel gives these bits. */
#include "../core/requant.h"
#include "depthwise.h"

void rm_depthwise_s8_some(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int first_channel) {
    for (size_t x = 0; x < pixels; x++) {
        const size_t left = x * p->stride * p->channels;
        for (int c = first_channel; c < p->channels; c++) {
            const int8_t *w = p->weights + c;
            int32_t sum = p->bias[c];
            for (int i = 0; i < p->kernel; i++)
                for (int j = 0; j < p->kernel; j++, w += p->channels) sum += in[i][left + (size_t)j * p->channels + c] * *w;
            out[x * p->channels + c] = rm_requantize(sum, p->scale[c], p->zero, p->lo, p->hi);
        }
    }
}

void rm_depthwise_s8__scalar(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    rm_depthwise_s8_some(p, in, out0, pixels, 0);
    if (out1) rm_depthwise_s8_some(p, in + 1, out1, pixels, 0);
}
