/* Sums of up to 256 pixels in int16, then in int32; 16 channels at a time. */
#include "../core/neon.h"
#include "pool.h"

RM_INLINE void add_halves(int32_t *sums, int16x8_t v) {
    vst1q_s32(sums, vaddw_s16(vld1q_s32(sums), vget_low_s16(v)));
    vst1q_s32(sums + 4, vaddw_high_s16(vld1q_s32(sums + 4), v));
}

static void sum_16(const int8_t *row, int32_t *sums, size_t pixels, size_t step) {
    while (pixels) {
        size_t part = pixels < 256 ? pixels : 256;
        int16x8_t low = vdupq_n_s16(0), high = vdupq_n_s16(0);
        pixels -= part;
        for (; part; part--, row += step) {
            const int8x16_t v = vld1q_s8(row);
            low = vaddw_s8(low, vget_low_s8(v));
            high = vaddw_high_s8(high, v);
        }
        add_halves(sums, low);
        add_halves(sums + 8, high);
    }
}

void rm_row_sum_s8__neon(const int8_t *row, int32_t *sums, size_t pixels, size_t channels) {
    size_t c = 0;
    for (; c + 16 <= channels; c += 16) sum_16(row + c, sums + c, pixels, channels);
    for (size_t x = 0; x < pixels; x++)
        for (size_t i = c; i < channels; i++) sums[i] += row[x * channels + i];
}
