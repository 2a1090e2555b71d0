/* Convolutions as products of packed weights with rows of pixels: 1x1, k x k at any stride, and 1x1 over channels that lie in several rows.
 *
 * In NHWC the window of an output pixel is one run of bytes in each of its rows. Such a run is a segment: a 1x1 convolution has one segment, a
 * 3x3 convolution three (of 3 * channels bytes), a 4x4 stem with stride 4 four, a 1x1 convolution over a channel concatenation one a part. */
#ifndef RM_POINTWISE_H
#define RM_POINTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/fixed.h"

#define RM_MAX_SEGMENTS 16
#define RM_SLACK 16 /* bytes behind each row that may be read (their weights are zero) */

struct rm_pointwise {
    int segments;
    int segment_bytes[RM_MAX_SEGMENTS];  /* as packed: rounded up to a multiple of 4 */
    int segment_stride[RM_MAX_SEGMENTS]; /* bytes from the run of one output pixel to the next one's */
    int channels;                        /* of the output */
    int blocks;                          /* of 8 channels; in the last one up to 7 are padding */
    int depth;                           /* sum of segment_bytes */
    int lowest;                          /* 1: a weight is -128, whose products plain NEON cannot add in int16 */
    int wide;                            /* 1: rounded values may leave int16 before they are clamped */
    int zero, lo, hi;                    /* zero point of the output; its clamp, in codes */
    const int8_t *weights;               /* [blocks][depth / 4][8][4]: four consecutive bytes of a run for each of 8 channels */
    const int8_t *weights_by_8;          /* [blocks][depth / 8, segments rounded up to 8][8][8], for SMMLA; NULL if not packed */
    const int32_t *bias;                 /* [blocks * 8]: bias - zero point of the input * sum of the channel's weights */
    const int32_t *bias_pairs;           /* [blocks * 16]: two channels' biases twice, as SMMLA's sums lie */
    const int32_t *bias_unsigned;        /* the same for inputs with their sign bit flipped (VNNI) */
    const float *scale;                  /* [blocks * 8]: input scale * weight scale / output scale */
    struct rm_fixed_layer fixed;         /* see fixed.h */
    struct rm_rounded_layer rounded;     /* see fixed.h */
};

/* One row of output pixels.
 * in[s]: the run of segment s for the first output pixel; out: `pixels` pixels of p->channels codes, one behind the other; may not overlap in. */
typedef void rm_pointwise_fn(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels);

/* Runs of several segments, one behind the other, to one run of `to_stride` bytes a pixel: what short segments are turned into first.
 * bytes[s], stride[s]: of segment s; reads and writes nothing but those bytes, and up to RM_SLACK behind the row in `to`. */
void rm_gather_runs(const int8_t *const *in, const int *bytes, const int *stride, int segments, int8_t *to, size_t to_stride, size_t pixels);

#define RM_KERNEL(feature, name) rm_pointwise_fn name;
#include "kernels.inc"
#undef RM_KERNEL

#endif
