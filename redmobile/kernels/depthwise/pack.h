/* Weights of a depthwise convolution, laid out once for the kernels. */
#ifndef RM_DEPTHWISE_PACK_H
#define RM_DEPTHWISE_PACK_H

#include "../pointwise/pack.h"
#include "depthwise.h"

/* Bytes that rm_depthwise_pack wants. */
size_t rm_depthwise_packed_bytes(int kernel, int stride, int channels);

/* Fills *p, with its arrays in `memory` (aligned to 64, zeroed). from->weights: [kernel][kernel][channels].
 * p->zero, lo, hi are the caller's, set before. Returns 0 if a scale is not one that XNNPACK takes (2^-32 to 256), else 1. */
int rm_depthwise_pack(struct rm_depthwise *p, const struct rm_conv_weights *from, int kernel, int stride, int channels, void *memory);

#endif
