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

void rm_gather_runs(const int8_t *const *in, const int *bytes, const int *stride, int segments, int8_t *to, size_t to_stride, size_t pixels) {
    size_t x = 0;
    int twelves = to_stride >= 12u * segments;
    for (int s = 0; s < segments; s++) twelves &= bytes[s] == 12 && stride[s] >= 4;
    if (twelves) {
        x = pixels - 1;
        if (segments == 4) gather_twelves(in, stride, 4, to, to_stride, x);
        else gather_twelves(in, stride, segments, to, to_stride, x);
    }
    for (; x < pixels; x++) gather_one(in, bytes, stride, segments, to + x * to_stride, x);
}
