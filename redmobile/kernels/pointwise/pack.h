/* Weights of a convolution, laid out once for the kernels. */
#ifndef RM_POINTWISE_PACK_H
#define RM_POINTWISE_PACK_H

#include "pointwise.h"

/* What a convolution is, as the model's file has it. */
struct rm_conv_weights {
    const int8_t *weights;  /* [channels][runs of all segments, one behind the other] */
    const int32_t *bias;    /* [channels], or NULL */
    const float *scales;    /* [scale_count]: of the weights */
    int scale_count;        /* 1 or channels */
    float in_scale, out_scale;
    int in_zero;
};

/* Bytes that rm_pointwise_pack wants for segments of these lengths. */
size_t rm_pointwise_packed_bytes(int segments, const int *segment_bytes, int channels);

/* Fills *p, with its arrays in `memory` (rm_pointwise_packed_bytes, aligned to 64, zeroed). segment_bytes: as in the model, unrounded.
 * p->segment_stride, zero, lo, hi are the caller's, set before. Returns 0 if a scale is not one that XNNPACK takes (2^-32 to 256), else 1. */
int rm_pointwise_pack(struct rm_pointwise *p, const struct rm_conv_weights *from, int segments, const int *segment_bytes, int channels, void *memory);

#endif
