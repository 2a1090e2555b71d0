/* Down the columns first (3 near + far, in int16), then along the row, 16 channels at a time. */
#include "../core/neon.h"
#include "resize.h"

struct column16 {
    int16x8_t low, high;
};

RM_INLINE struct column16 column_at(const int8_t *near, const int8_t *far) {
    const int8x16_t a = vld1q_s8(near), b = vld1q_s8(far), three = vdupq_n_s8(3);
    const struct column16 v = {vmlal_s8(vmovl_s8(vget_low_s8(b)), vget_low_s8(a), vget_low_s8(three)), vmlal_high_s8(vmovl_high_s8(b), a, three)};
    return v;
}

/* (3 here + beside + 8) >> 4 */
RM_INLINE void put(int8_t *out, const struct column16 *here, const struct column16 *beside) {
    const int16x8_t low = vmlaq_n_s16(beside->low, here->low, 3), high = vmlaq_n_s16(beside->high, here->high, 3);
    vst1q_s8(out, vrshrn_high_n_s16(vrshrn_n_s16(low, 4), high, 4));
}

RM_INLINE void sixteen_channels(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t step) {
    struct column16 left = column_at(near, far), here = left;
    for (size_t x = 0; x < pixels; x++, out += 2 * step) {
        near += x + 1 < pixels ? step : 0;
        far += x + 1 < pixels ? step : 0;
        const struct column16 right = column_at(near, far);
        put(out, &here, &left);
        put(out + step, &here, &right);
        left = here;
        here = right;
    }
}

void rm_bilinear2x_s8__neon(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t channels) {
    if (channels < 16) {
        rm_bilinear2x_s8__scalar(near, far, out, pixels, channels);
        return;
    }
    for (size_t c = 0; c < channels; c += 16) {
        if (c + 16 > channels) c = channels - 16; /* the last group may overlap the one before */
        sixteen_channels(near + c, far + c, out + c, pixels, channels);
    }
}
