/* Sums over a row, for the mean over a picture. */
#ifndef RM_POOL_H
#define RM_POOL_H

#include <stddef.h>
#include <stdint.h>

/* sums[c] += all codes of channel c in the row. At 2^24 pixels of a picture an int32 could overflow: the plan takes no more. */
typedef void rm_row_sum_fn(const int8_t *row, int32_t *sums, size_t pixels, size_t channels);

#define RM_KERNEL(feature, name) rm_row_sum_fn name;
#include "kernels.inc"
#undef RM_KERNEL

#endif
