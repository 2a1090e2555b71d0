/* Depthwise convolutions 3x3 and 5x5 at stride 1 and 2, depth multiplier 1. */
#ifndef RM_DEPTHWISE_H
#define RM_DEPTHWISE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/fixed.h"

#define RM_MAX_KERNEL 7

struct rm_depthwise {
    int kernel;                  /* 3 or 5: width and height of the window (the scalar kernel takes up to RM_MAX_KERNEL) */
    int stride;                  /* 1 or 2 */
    int channels;
    int lowest;                  /* 1: a weight is -128, whose products plain NEON cannot add in int16 */
    int wide;                    /* 1: rounded values may leave int16 before they are clamped */
    int zero, lo, hi;            /* zero point of the output; its clamp, in codes */
    const int8_t *weights;       /* [kernel][kernel][channels]: row, column, channel */
    const int8_t *weights_quads; /* [ceil(channels / 8)][groups][rows of output][8][4]: four taps each, see pack.c */
    const int32_t *bias;         /* [channels rounded up to 8]: bias - zero point of the input * sum of the channel's weights */
    const float *scale;          /* [channels rounded up to 8]: input scale * weight scale / output scale */
    struct rm_fixed_layer fixed;   /* see fixed.h */
    struct rm_rounded_layer rounded; /* see fixed.h */
};

/* One row of output pixels, or two at stride 1.
 * in[r]: row r of the window at the first output pixel's left edge; kernel rows, and one more when out1 is not NULL;
 * out0, out1: `pixels` pixels each; out1 (the row below) may be NULL, and is with stride 2. Outputs may not overlap inputs. */
typedef void rm_depthwise_fn(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels);

/* Groups of four taps, one SDOT each. Two rows of output at stride 1 share them. */
static inline int rm_depthwise_groups(int kernel, int stride) { return kernel == 3 ? 3 : stride == 1 ? 8 : 7; }
static inline int rm_depthwise_rows(int stride) { return stride == 1 ? 2 : 1; }

/* The scalar reference from channel `first_channel` on: what a kernel leaves over when channels are no multiple of its width. */
void rm_depthwise_s8_some(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int first_channel);

#define RM_KERNEL(feature, name) rm_depthwise_fn name;
#include "kernels.inc"
#undef RM_KERNEL

#endif
