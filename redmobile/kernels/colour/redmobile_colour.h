/* Functions of libredmobile_delegate.so for whole pictures: a camera's or a file's pixels to a network's int8 input, its output back.
 *
 * Strides are bytes from row to row; matrix and formulas: see colour.h (RM_BT601, RM_BT601_FULL, RM_BT709). Each returns 0, or -1 for a matrix
 * that is none. Widths and heights may be odd: then planes of U and V have (width + 1) / 2 pairs and (height + 1) / 2 rows. */
#ifndef REDMOBILE_COLOUR_H
#define REDMOBILE_COLOUR_H

#include <stddef.h>
#include <stdint.h>

/* n bytes, uint8 to int8 or back (the same operation); out may be in. */
void redmobile_flip_signs(const void *in, void *out, size_t n);

/* v_first: 0: NV12, 1: NV21. */
int redmobile_yuv420_to_rgb_s8(int matrix, int v_first, const uint8_t *y, size_t y_stride, const uint8_t *uv, size_t uv_stride, int8_t *rgb,
                               size_t rgb_stride, size_t width, size_t height);
int redmobile_rgb_s8_to_yuv420(int matrix, int v_first, const int8_t *rgb, size_t rgb_stride, uint8_t *y, size_t y_stride, uint8_t *uv,
                               size_t uv_stride, size_t width, size_t height);

#endif
