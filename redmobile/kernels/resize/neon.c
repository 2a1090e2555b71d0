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

/* (three times `here`, and beside, + 8) >> 4 */
RM_INLINE void put(int8_t *out, const struct column16 *three, const struct column16 *beside) {
    const int16x8_t low = vaddq_s16(beside->low, three->low), high = vaddq_s16(beside->high, three->high);
    vst1q_s8(out, vrshrn_high_n_s16(vrshrn_n_s16(low, 4), high, 4));
}

/* Two output pixels from the column `here` and those on either side of it. */
RM_INLINE void put_two(int8_t **out, size_t step, const struct column16 *left, const struct column16 *here, const struct column16 *right) {
    const struct column16 three = {vmulq_n_s16(here->low, 3), vmulq_n_s16(here->high, 3)};
    put(*out, &three, left);
    put(*out + step, &three, right);
    *out += 2 * step;
}

/* Columns go round in three places, so that none is copied. */
RM_INLINE void sixteen_channels(const int8_t *near, const int8_t *far, int8_t *out, size_t pixels, size_t step) {
    struct column16 a = column_at(near, far), b = a, c;
    size_t at = step, x = 1;
    for (; x + 3 <= pixels; x += 3) {
        c = column_at(near + at, far + at);
        put_two(&out, step, &a, &b, &c);
        a = column_at(near + at + step, far + at + step);
        put_two(&out, step, &b, &c, &a);
        b = column_at(near + at + 2 * step, far + at + 2 * step);
        put_two(&out, step, &c, &a, &b);
        at += 3 * step;
    }
    for (; x < pixels; x++, at += step) {
        c = column_at(near + at, far + at);
        put_two(&out, step, &a, &b, &c);
        a = b;
        b = c;
    }
    put_two(&out, step, &a, &b, &b);
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
