#include "../core/features.h"
#include "colour.h"
#include "redmobile_colour.h"

#define RM_EXPORT __attribute__((visibility("default")))

/* The first of the list whose feature is there; the last needs none, so that NULL is never reached. */
#define RM_KERNEL(feature, name) (rm_features_of_this_processor() & (feature)) == (feature) ? name :
static rm_flip_fn *flip(void) {
    return
#include "kernels_flip.inc"
        NULL;
}
static rm_yuv_to_rgb_fn *yuv_to_rgb(void) {
    return
#include "kernels_yuv_to_rgb.inc"
        NULL;
}
static rm_rgb_to_yuv_fn *rgb_to_yuv(void) {
    return
#include "kernels_rgb_to_yuv.inc"
        NULL;
}
#undef RM_KERNEL

static const struct rm_yuv *matrix_of(int matrix) { return matrix >= 0 && matrix < RM_YUV_MATRICES ? &rm_yuv_matrices[matrix] : NULL; }

RM_EXPORT void redmobile_flip_signs(const void *in, void *out, size_t n) { flip()(in, out, n); }

RM_EXPORT int redmobile_yuv420_to_rgb_s8(int matrix, int v_first, const uint8_t *y, size_t y_stride, const uint8_t *uv, size_t uv_stride, int8_t *rgb,
                                         size_t rgb_stride, size_t width, size_t height) {
    const struct rm_yuv *m = matrix_of(matrix);
    rm_yuv_to_rgb_fn *row = yuv_to_rgb();
    if (!m) return -1;
    for (size_t i = 0; i < height; i++) row(m, v_first, y + i * y_stride, uv + i / 2 * uv_stride, rgb + i * rgb_stride, width);
    return 0;
}

RM_EXPORT int redmobile_rgb_s8_to_yuv420(int matrix, int v_first, const int8_t *rgb, size_t rgb_stride, uint8_t *y, size_t y_stride, uint8_t *uv,
                                         size_t uv_stride, size_t width, size_t height) {
    const struct rm_yuv *m = matrix_of(matrix);
    rm_rgb_to_yuv_fn *rows = rgb_to_yuv();
    if (!m) return -1;
    for (size_t i = 0; i < height; i += 2) {
        const int8_t *a = rgb + i * rgb_stride;
        uint8_t *to = y + i * y_stride;
        const int two = i + 1 < height;
        rows(m, v_first, a, two ? a + rgb_stride : NULL, to, two ? to + y_stride : NULL, uv + i / 2 * uv_stride, width);
    }
    return 0;
}
