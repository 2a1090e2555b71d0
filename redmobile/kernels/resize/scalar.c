/* The definition of a correct enlargement. XNNPACK interpolates with 11-bit weights; at 1/4 and 3/4 they are exact, and what is left is this. */
#include "resize.h"

#include <string.h>

void rm_bilinear2x_s8__scalar(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t channels) {
    for (size_t x = 0; x < pixels; x++) {
        const size_t left = (x ? x - 1 : 0) * channels, mid = x * channels, right = (x + 1 < pixels ? x + 1 : x) * channels;
        int8_t *even = out + 2 * x * channels, *odd = even + channels;
        for (size_t c = 0; c < channels; c++) {
            const int here = 3 * (3 * near[mid + c] + far[mid + c]) + 8;
            even[c] = (int8_t)((here + 3 * near[left + c] + far[left + c]) >> 4);
            odd[c] = (int8_t)((here + 3 * near[right + c] + far[right + c]) >> 4);
        }
    }
}

void rm_depth_to_space_s8(const int8_t *in, int8_t *const *rows, size_t pixels, size_t channels, size_t block) {
    const size_t run = block * channels;
    for (size_t x = 0; x < pixels; x++)
        for (size_t r = 0; r < block; r++, in += run) memcpy(rows[r] + x * run, in, run);
}
