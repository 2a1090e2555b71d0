/* The definition of correct colours, and the matrices. */
#include "colour.h"

#define HALF (1 << 19)

const struct rm_yuv rm_yuv_matrices[RM_YUV_MATRICES] = {
    /* OpenCV's numbers (modules/imgproc/src/color_yuv.simd.hpp): 1.164, 1.596, -0.391, -0.813, 2.018 */
    {16, 1220542, 1673527, -409993, -852492, 2116026, {{269484, 528482, 102760}, {-155188, -305135, 460324}, {460324, -385875, -74448}}},
    /* 1, 1.402, -0.344136, -0.714136, 1.772 (ITU-T T.871) */
    {0, 1048576, 1470104, -360853, -748826, 1858077, {{313524, 615514, 119538}, {-176932, -347356, 524288}, {524288, -439026, -85262}}},
    /* 1.164384, 1.792741, -0.213249, -0.532909, 2.112402 (BT.709) */
    {16, 1220945, 1879825, -223608, -558796, 2215014, {{191455, 644068, 65019}, {-105533, -355018, 460551}, {460551, -418321, -42230}}},
};

static inline uint8_t saturated(int32_t v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }

void rm_flip_u8__scalar(const uint8_t *in, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = in[i] ^ 0x80;
}

void rm_yuv_to_rgb_s8__scalar(const struct rm_yuv *m, int v_first, const uint8_t *y, const uint8_t *uv, int8_t *rgb, size_t pixels) {
    for (size_t x = 0; x < pixels; x++, rgb += 3) {
        const int u = uv[x / 2 * 2 + (v_first ? 1 : 0)] - 128, v = uv[x / 2 * 2 + (v_first ? 0 : 1)] - 128;
        const int32_t light = (y[x] > m->y_zero ? y[x] - m->y_zero : 0) * m->y + HALF;
        rgb[0] = (int8_t)(saturated((light + m->v_to_r * v) >> 20) ^ 0x80);
        rgb[1] = (int8_t)(saturated((light + m->u_to_g * u + m->v_to_g * v) >> 20) ^ 0x80);
        rgb[2] = (int8_t)(saturated((light + m->u_to_b * u) >> 20) ^ 0x80);
    }
}

static inline uint8_t from_rgb(const int32_t row[3], const int rgb[3], int zero) {
    return saturated((row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2] + (zero << 20) + HALF) >> 20);
}

static void lights(const struct rm_yuv *m, const int8_t *rgb, uint8_t *y, size_t pixels) {
    for (size_t x = 0; x < pixels; x++, rgb += 3) {
        const int v[3] = {rgb[0] + 128, rgb[1] + 128, rgb[2] + 128};
        y[x] = from_rgb(m->from_rgb[0], v, m->y_zero);
    }
}

void rm_rgb_to_yuv_s8__scalar(const struct rm_yuv *m, int v_first, const int8_t *rgb0, const int8_t *rgb1, uint8_t *y0, uint8_t *y1, uint8_t *uv,
                              size_t pixels) {
    lights(m, rgb0, y0, pixels);
    if (rgb1) lights(m, rgb1, y1, pixels);
    else rgb1 = rgb0;
    for (size_t x = 0; x < pixels; x += 2) {
        const size_t here = 3 * x, beside = 3 * (x + 1 < pixels ? x + 1 : x);
        int mean[3];
        for (int c = 0; c < 3; c++) mean[c] = (rgb0[here + c] + rgb0[beside + c] + rgb1[here + c] + rgb1[beside + c] + 4 * 128 + 2) >> 2;
        uv[x + (v_first ? 1 : 0)] = from_rgb(m->from_rgb[1], mean, 128);
        uv[x + (v_first ? 0 : 1)] = from_rgb(m->from_rgb[2], mean, 128);
    }
}
