/* Bilinear enlargement to twice the size (half-pixel centres), and depth to space. */
#ifndef RM_RESIZE_H
#define RM_RESIZE_H

#include <stddef.h>
#include <stdint.h>

/* One row of the enlarged picture, 2 * pixels wide: (9, 3, 3, 1) / 16 of the four nearest pixels, rounded half up.
 * near: the row of `pixels` pixels that this one lies in; far: the neighbour on its other side (at the border: near itself). */
typedef void rm_bilinear2x_fn(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t channels);

/* block * block * channels codes of each pixel of one row to `block` rows of block * channels codes a pixel.
 * rows: `block` of them, block * pixels pixels each. */
void rm_depth_to_space_s8(const int8_t *in, int8_t *const *rows, size_t pixels, size_t channels, size_t block);

#define RM_KERNEL(feature, name) rm_bilinear2x_fn name;
#include "kernels.inc"
#undef RM_KERNEL

#endif
