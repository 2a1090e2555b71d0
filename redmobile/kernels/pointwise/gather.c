#include <string.h>

#include "pointwise.h"

/* One pixel exactly. */
static void gather_one(const int8_t *const *in, const int *bytes, const int *stride, int segments, int8_t *to, size_t x) {
    for (int s = 0; s < segments; s++, to += bytes[s - 1]) memcpy(to, in[s] + x * stride[s], bytes[s]);
}

/* Segments of 12 bytes, the four rows of a 4x4 stem on RGB, in pieces of 16: what a piece writes too much is overwritten by the next one, and what it
 * reads too much belongs to the next pixel. So the last pixel is not done here. */
static void gather_twelves(const int8_t *const *in, const int *stride, int segments, int8_t *to, size_t to_stride, size_t pixels) {
    for (size_t x = 0; x < pixels; x++, to += to_stride)
        for (int s = 0; s < segments; s++) memcpy(to + 12 * s, in[s] + x * stride[s], 16);
}

/* Four of them that lie one behind the other, which is such a stem at stride 4: strides are constants, so that four pixels share what moves on. */
static void gather_four_twelves(const int8_t *const *in, int8_t *to, size_t pixels) {
    const int8_t *a = in[0], *b = in[1], *c = in[2], *d = in[3];
    for (; pixels >= 4; pixels -= 4, a += 48, b += 48, c += 48, d += 48, to += 192)
        for (int i = 0; i < 4; i++) {
            memcpy(to + 48 * i, a + 12 * i, 16);
            memcpy(to + 48 * i + 12, b + 12 * i, 16);
            memcpy(to + 48 * i + 24, c + 12 * i, 16);
            memcpy(to + 48 * i + 36, d + 12 * i, 16);
        }
    const int8_t *const rest[4] = {a, b, c, d};
    const int stride[4] = {12, 12, 12, 12};
    gather_twelves(rest, stride, 4, to, 48, pixels);
}

void rm_gather_runs(const int8_t *const *in, const int *bytes, const int *stride, int segments, int8_t *to, size_t to_stride, size_t pixels) {
    size_t x = 0;
    int twelves = to_stride >= 12u * segments, close = segments == 4 && to_stride == 48;
    for (int s = 0; s < segments; s++) {
        twelves &= bytes[s] == 12 && stride[s] >= 4;
        close &= stride[s] == 12;
    }
    if (twelves) {
        x = pixels - 1;
        if (close) gather_four_twelves(in, to, x);
        else gather_twelves(in, stride, segments, to, to_stride, x);
    }
    for (; x < pixels; x++) gather_one(in, bytes, stride, segments, to + x * to_stride, x);
}
