/* Pictures as cameras and screens have them, to the codes of a network and back: RGB of uint8, and YUV 4:2:0 in two planes (NV12, NV21).
 *
 * Codes are int8 with scale 1/255 and zero point -128: the bytes of RGB with their sign bits flipped.
 *
 * To RGB, with 20 bits behind the point, rounded half up, then saturated:
 *   R = y (Y - y_zero)+ + v_to_r (V - 128)
 *   G = y (Y - y_zero)+ + u_to_g (U - 128) + v_to_g (V - 128)        (a)+ is a, or 0 where a is negative
 *   B = y (Y - y_zero)+ + u_to_b (U - 128)
 * and back by the rows from_rgb, plus y_zero or 128. One U and V stand for 2x2 pixels: from the mean of their R, G and B, rounded half up; where
 * the picture ends in the middle of a block, its last row or column counts twice. */
#ifndef RM_COLOUR_H
#define RM_COLOUR_H

#include <stddef.h>
#include <stdint.h>

enum rm_yuv_matrix {
    RM_BT601,      /* video range, Y 16 to 235: BT.601. The arithmetic of OpenCV's COLOR_YUV2RGB_NV12 and _NV21, bit for bit */
    RM_BT601_FULL, /* full range, JFIF: what Android's cameras deliver as YUV_420_888 */
    RM_BT709,      /* video range: BT.709, high definition video */
    RM_YUV_MATRICES
};

/* Factors times 2^20. */
struct rm_yuv {
    int y_zero;
    int32_t y, v_to_r, u_to_g, v_to_g, u_to_b;
    int32_t from_rgb[3][3]; /* rows Y, U, V; columns R, G, B */
};

extern const struct rm_yuv rm_yuv_matrices[RM_YUV_MATRICES];

/* out[i] = in[i] with its sign bit flipped: uint8 to int8 and back. in and out may be the same. */
typedef void rm_flip_fn(const uint8_t *in, uint8_t *out, size_t n);

/* One row. y: `pixels` bytes; uv: (pixels + 1) / 2 pairs; v_first: 0: U before V (NV12), 1: V before U (NV21); rgb: 3 * pixels codes. */
typedef void rm_yuv_to_rgb_fn(const struct rm_yuv *m, int v_first, const uint8_t *y, const uint8_t *uv, int8_t *rgb, size_t pixels);

/* Two rows. rgb1 and y1 may be NULL, both: then rgb0 is the picture's last row, without a partner. */
typedef void rm_rgb_to_yuv_fn(const struct rm_yuv *m, int v_first, const int8_t *rgb0, const int8_t *rgb1, uint8_t *y0, uint8_t *y1, uint8_t *uv,
                              size_t pixels);

#define RM_KERNEL(feature, name) rm_flip_fn name;
#include "kernels_flip.inc"
#undef RM_KERNEL
#define RM_KERNEL(feature, name) rm_yuv_to_rgb_fn name;
#include "kernels_yuv_to_rgb.inc"
#undef RM_KERNEL
#define RM_KERNEL(feature, name) rm_rgb_to_yuv_fn name;
#include "kernels_rgb_to_yuv.inc"
#undef RM_KERNEL

#endif
