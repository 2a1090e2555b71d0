/* AVX2, 16 channels at a time. */
#include "sixteen.h"

void rm_bilinear2x_s8__avx2(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t channels) {
    if (channels < 16) {
        rm_bilinear2x_s8__scalar(near, far, out, pixels, channels);
        return;
    }
    for (size_t c = 0; c < channels; c += 16) {
        if (c + 16 > channels) c = channels - 16; /* the last group may overlap the one before */
        sixteen_channels(near + c, far + c, out + c, pixels, channels);
    }
}
