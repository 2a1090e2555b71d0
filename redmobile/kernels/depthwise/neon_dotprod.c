/* SDOT down the columns of the window: four rows of one column and eight channels are turned into two registers of [channel][row], which the
 * column's weights multiply. What a 5x5 window has left goes by pairs of columns, or by fours. At stride 1 two rows of output share them: the second
 * one's weights stand one row lower. */
#include "../core/neon_dot.h"
#include "depthwise.h"

/* Eight channels of a row: the upper half is not looked at. */
RM_INLINE int8x16_t eight(const int8_t *from) { return vcombine_s8(vld1_s8(from), vcreate_s8(0)); }

RM_INLINE int8x16_t zip_pairs_low(int8x16_t a, int8x16_t b) { return vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(a), vreinterpretq_s16_s8(b))); }
RM_INLINE int8x16_t zip_pairs_high(int8x16_t a, int8x16_t b) { return vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(a), vreinterpretq_s16_s8(b))); }

/* ---- 3x3, where everything has room in registers ---- */

/* Four rows of a column, eight channels, to [channel][row]: the lower four channels, the upper four. Moves on to the next column. */
#define COLUMN(low, high)                                                              \
    do {                                                                               \
        const int8x16_t top = vzip1q_s8(eight(in[0] + at), eight(in[1] + at));         \
        const int8x16_t bottom = vzip1q_s8(eight(in[2] + at), eight(in[3] + at));      \
        low = zip_pairs_low(top, bottom);                                              \
        high = zip_pairs_high(top, bottom);                                            \
        at += step;                                                                    \
    } while (0)

/* Three rows: the fourth one's weights are zero, so any will do. */
#define COLUMN_OF_THREE(low, high)                                                     \
    do {                                                                               \
        const int8x16_t third = eight(in[2] + at);                                     \
        const int8x16_t top = vzip1q_s8(eight(in[0] + at), eight(in[1] + at));         \
        const int8x16_t bottom = vzip1q_s8(third, third);                              \
        low = zip_pairs_low(top, bottom);                                              \
        high = zip_pairs_high(top, bottom);                                            \
        at += step;                                                                    \
    } while (0)

#define SUMS                 \
    RM_IN(a, 16);            \
    RM_IN(b, 17);            \
    RM_IN(c, 18);            \
    RM_IN(d, 19);            \
    RM_IN(e, 20);            \
    RM_IN(f, 21);            \
    RM_IN(g, 22);            \
    RM_IN(h, 23);            \
    RM_LOAD4(a, b, c, d, 16, 19, bias)

/* A column's products, for one row of output's sums or one pixel's. */
#define DOT_COLUMN(low, high, w, sum, sum2) \
    RM_DOT_ALL(sum, (w)[0], low);           \
    RM_DOT_ALL(sum2, (w)[1], high)

/* Two rows of output at stride 1, eight channels. */
RM_INLINE void two_rows_of_3x3(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels, int channel, int how,
                               int clamped) {
    const size_t step = p->channels;
    const struct rm_neon_line line = rm_neon_line(&p->rounded, p->scale, channel / 8, p->zero, p->lo, p->hi);
    const int32_t *bias = p->rounded.bias + channel * 2, *add = p->rounded.add + channel * 2;
    const int8_t *weights = p->weights_quads + (size_t)channel * 24;
    int8x16_t w0[2][2], w1[2][2], w2[2][2], low0, high0, low1, high1, low2, high2;
#define KEEP(w, j)                               \
    w[0][0] = vld1q_s8(weights + 64 * (j));      \
    w[0][1] = vld1q_s8(weights + 64 * (j) + 16); \
    w[1][0] = vld1q_s8(weights + 64 * (j) + 32); \
    w[1][1] = vld1q_s8(weights + 64 * (j) + 48)
    KEEP(w0, 0);
    KEEP(w1, 1);
    KEEP(w2, 2);
    size_t at = channel;
    COLUMN(low0, high0);
    COLUMN(low1, high1);
    out0 += channel;
    out1 += channel;
#define PIXEL(x, y, z)                                                     \
    do {                                                                   \
        COLUMN(low##z, high##z);                                           \
        SUMS;                                                              \
        DOT_COLUMN(low##x, high##x, w0[0], a, b);                          \
        DOT_COLUMN(low##x, high##x, w0[1], c, d);                          \
        DOT_COLUMN(low##y, high##y, w1[0], a, b);                          \
        DOT_COLUMN(low##y, high##y, w1[1], c, d);                          \
        DOT_COLUMN(low##z, high##z, w2[0], a, b);                          \
        DOT_COLUMN(low##z, high##z, w2[1], c, d);                          \
        RM_REQUANTIZE_FOUR(a, b, c, d, e, f, g, h, add, &line, how);     \
        const int8x16_t codes = rm_neon_narrow(a, c, &line, clamped);      \
        RM_PUT_ON(out1, step, codes, d, 1, 8);                             \
        RM_PUT_ON(out0, step, codes, d, 0, 8);                             \
    } while (0)
    for (; pixels >= 3; pixels -= 3) {
        PIXEL(0, 1, 2);
        PIXEL(1, 2, 0);
        PIXEL(2, 0, 1);
    }
    if (pixels > 0) PIXEL(0, 1, 2);
    if (pixels > 1) PIXEL(1, 2, 0);
#undef PIXEL
#undef KEEP
}

/* One row of output at stride 2, eight channels, two pixels at a time; the last two may overlap those before. */
RM_INLINE void row_of_3x3_by_2(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int channel, int how, int clamped) {
    const size_t step = p->channels;
    const struct rm_neon_line line = rm_neon_line(&p->rounded, p->scale, channel / 8, p->zero, p->lo, p->hi);
    const int32_t *bias = p->rounded.bias + channel * 2, *add = p->rounded.add + channel * 2;
    const int8_t *weights = p->weights_quads + (size_t)channel * 12;
    const int8x16_t w0[2] = {vld1q_s8(weights), vld1q_s8(weights + 16)}, w1[2] = {vld1q_s8(weights + 32), vld1q_s8(weights + 48)};
    const int8x16_t w2[2] = {vld1q_s8(weights + 64), vld1q_s8(weights + 80)};
    int8x16_t low0, high0, low1, high1, low2, high2;
    size_t at = channel;
    out += channel;
    COLUMN_OF_THREE(low0, high0);
    for (size_t left = pixels; left; left -= 2) {
        if (left == 1) {
            at -= 3 * step;
            out -= step;
            left = 2;
            COLUMN_OF_THREE(low0, high0);
        }
        SUMS;
        COLUMN_OF_THREE(low1, high1);
        COLUMN_OF_THREE(low2, high2);
        DOT_COLUMN(low0, high0, w0, a, b);
        DOT_COLUMN(low1, high1, w1, a, b);
        DOT_COLUMN(low2, high2, w2, a, b);
        DOT_COLUMN(low2, high2, w0, c, d);
        COLUMN_OF_THREE(low1, high1);
        COLUMN_OF_THREE(low0, high0);
        DOT_COLUMN(low1, high1, w1, c, d);
        DOT_COLUMN(low0, high0, w2, c, d);
        RM_REQUANTIZE_FOUR(a, b, c, d, e, f, g, h, add, &line, how);
        const int8x16_t codes = rm_neon_narrow(a, c, &line, clamped);
        RM_PUT_ON(out, step, codes, d, 0, 8);
        RM_PUT_ON(out, step, codes, d, 1, 8);
    }
}

/* ---- 5x5 ---- */

/* The fifth and the sixth row of a column, with those of the column before: two columns in one register. `before` holds the last ones. */
#define COLUMN_OF_SIX(low, high, pairs_low, pairs_high)                                \
    do {                                                                               \
        const int8x16_t below = vzip1q_s8(eight(in[4] + at), eight(in[5] + at));       \
        pairs_low = zip_pairs_low(before, below);                                      \
        pairs_high = zip_pairs_high(before, below);                                    \
        before = below;                                                                \
        COLUMN(low, high);                                                             \
    } while (0)

/* A group's products for both rows of output; its weights come by one instruction. */
#define DOT_GROUP(low, high)             \
    RM_LOAD4_ON(e, f, g, h, 20, 23, w);  \
    RM_DOT_BOUND(a, e, low);             \
    RM_DOT_BOUND(b, f, high);            \
    RM_DOT_BOUND(c, g, low);             \
    RM_DOT_BOUND(d, h, high)

/* Two rows of output at stride 1, eight channels. Five columns go round in as many registers, and so do pairs of columns. */
RM_INLINE void two_rows_of_5x5(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels, int channel, int how,
                               int clamped) {
    const size_t step = p->channels;
    const struct rm_neon_line line = rm_neon_line(&p->rounded, p->scale, channel / 8, p->zero, p->lo, p->hi);
    const int32_t *bias = p->rounded.bias + channel * 2, *add = p->rounded.add + channel * 2;
    const int8_t *const weights = p->weights_quads + (size_t)channel * 64;
    int8x16_t low0, high0, low1, high1, low2, high2, low3, high3, low4, high4, before = vdupq_n_s8(0);
    int8x16_t pl0, ph0, pl1, ph1, pl2, ph2, pl3, ph3, pl4, ph4; /* pl<i>: of columns i and i + 1 */
    size_t at = channel;
    COLUMN_OF_SIX(low0, high0, pl4, ph4);
    COLUMN_OF_SIX(low1, high1, pl0, ph0);
    COLUMN_OF_SIX(low2, high2, pl1, ph1);
    COLUMN_OF_SIX(low3, high3, pl2, ph2);
    out0 += channel;
    out1 += channel;
#define PIXEL(n0, n1, n2, n3, n4)                                          \
    do {                                                                   \
        const int8_t *w = weights;                                         \
        COLUMN_OF_SIX(low##n4, high##n4, pl##n3, ph##n3);                  \
        SUMS;                                                              \
        DOT_GROUP(low##n0, high##n0);                                      \
        DOT_GROUP(low##n1, high##n1);                                      \
        DOT_GROUP(low##n2, high##n2);                                      \
        DOT_GROUP(low##n3, high##n3);                                      \
        DOT_GROUP(low##n4, high##n4);                                      \
        DOT_GROUP(pl##n0, ph##n0);                                         \
        DOT_GROUP(pl##n2, ph##n2);                                         \
        DOT_GROUP(pl##n3, ph##n3);                                         \
        RM_REQUANTIZE_FOUR(a, b, c, d, e, f, g, h, add, &line, how);       \
        const int8x16_t codes = rm_neon_narrow(a, c, &line, clamped);      \
        RM_PUT_ON(out1, step, codes, d, 1, 8);                             \
        RM_PUT_ON(out0, step, codes, d, 0, 8);                             \
    } while (0)
    for (; pixels >= 5; pixels -= 5) {
        PIXEL(0, 1, 2, 3, 4);
        PIXEL(1, 2, 3, 4, 0);
        PIXEL(2, 3, 4, 0, 1);
        PIXEL(3, 4, 0, 1, 2);
        PIXEL(4, 0, 1, 2, 3);
    }
    if (pixels > 0) PIXEL(0, 1, 2, 3, 4);
    if (pixels > 1) PIXEL(1, 2, 3, 4, 0);
    if (pixels > 2) PIXEL(2, 3, 4, 0, 1);
    if (pixels > 3) PIXEL(3, 4, 0, 1, 2);
#undef PIXEL
}

/* One row of output at stride 2, eight channels, two pixels at a time; the last two may overlap those before. Seven columns, of which the last three
 * are the next turn's first. last<i>: the fifth row of column i. */
RM_INLINE void row_of_5x5_by_2(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out, size_t pixels, int channel, int how, int clamped) {
    const size_t step = p->channels;
    const struct rm_neon_line line = rm_neon_line(&p->rounded, p->scale, channel / 8, p->zero, p->lo, p->hi);
    const int32_t *bias = p->rounded.bias + channel * 2, *add = p->rounded.add + channel * 2;
    const int8_t *weights = p->weights_quads + (size_t)channel * 28, *const rest = weights + 5 * 32;
    int8x16_t w0[2], w1[2], w2[2], w3[2], w4[2], low0, high0, low1, high1, low2, high2, low3, high3, pair01, last2;
#define KEEP(w, j)                         \
    w[0] = vld1q_s8(weights + 32 * (j));   \
    w[1] = vld1q_s8(weights + 32 * (j) + 16)
    KEEP(w0, 0);
    KEEP(w1, 1);
    KEEP(w2, 2);
    KEEP(w3, 3);
    KEEP(w4, 4);
#undef KEEP
    size_t at = channel;
    out += channel;
#define FIRST_COLUMNS                                                         \
    do {                                                                      \
        pair01 = vzip1q_s8(eight(in[4] + at), eight(in[4] + at + step));      \
        last2 = eight(in[4] + at + 2 * step);                                 \
        COLUMN(low0, high0);                                                  \
        COLUMN(low1, high1);                                                  \
        COLUMN(low2, high2);                                                  \
    } while (0)
    FIRST_COLUMNS;
    for (size_t left = pixels; left; left -= 2) {
        if (left == 1) {
            at -= 5 * step;
            out -= step;
            left = 2;
            FIRST_COLUMNS;
        }
        SUMS;
        DOT_COLUMN(low0, high0, w0, a, b);
        DOT_COLUMN(low1, high1, w1, a, b);
        DOT_COLUMN(low2, high2, w2, a, b);
        DOT_COLUMN(low2, high2, w0, c, d);
        const int8x16_t pair23 = vzip1q_s8(last2, eight(in[4] + at)), pair45 = vzip1q_s8(eight(in[4] + at + step), eight(in[4] + at + 2 * step));
        COLUMN(low3, high3);
        DOT_COLUMN(low3, high3, w3, a, b);
        DOT_COLUMN(low3, high3, w1, c, d);
        COLUMN(low0, high0);
        DOT_COLUMN(low0, high0, w4, a, b);
        DOT_COLUMN(low0, high0, w2, c, d);
        COLUMN(low1, high1);
        DOT_COLUMN(low1, high1, w3, c, d);
        last2 = eight(in[4] + at);
        COLUMN(low2, high2);
        DOT_COLUMN(low2, high2, w4, c, d);
        RM_LOAD4(e, f, g, h, 20, 23, rest);
        RM_DOT_BOUND(a, e, zip_pairs_low(pair01, pair23));
        RM_DOT_BOUND(b, f, zip_pairs_high(pair01, pair23));
        RM_DOT_BOUND(c, e, zip_pairs_low(pair23, pair45));
        RM_DOT_BOUND(d, f, zip_pairs_high(pair23, pair45));
        RM_DOT_BOUND(a, g, zip_pairs_low(pair45, pair45));
        RM_DOT_BOUND(b, h, zip_pairs_high(pair45, pair45));
        const int8x16_t pair66 = vzip1q_s8(last2, last2);
        RM_DOT_BOUND(c, g, zip_pairs_low(pair66, pair66));
        RM_DOT_BOUND(d, h, zip_pairs_high(pair66, pair66));
        pair01 = pair45;
        RM_REQUANTIZE_FOUR(a, b, c, d, e, f, g, h, add, &line, how);
        const int8x16_t codes = rm_neon_narrow(a, c, &line, clamped);
        RM_PUT_ON(out, step, codes, d, 0, 8);
        RM_PUT_ON(out, step, codes, d, 1, 8);
    }
#undef FIRST_COLUMNS
}

/* ---- which ---- */

static void eight_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels, int c, int clamped) {
    const int line = p->rounded.how[c / 8];
    if (p->kernel == 3 && p->stride == 1) RM_LINE_CASES(two_rows_of_3x3, line, clamped, p, in, out0, out1, pixels, c);
    else if (p->kernel == 3) RM_LINE_CASES(row_of_3x3_by_2, line, clamped, p, in, out0, pixels, c);
    else if (p->stride == 1) RM_LINE_CASES(two_rows_of_5x5, line, clamped, p, in, out0, out1, pixels, c);
    else RM_LINE_CASES(row_of_5x5_by_2, line, clamped, p, in, out0, pixels, c);
}

/* A single row at stride 1 is a pair whose second row is written first, to the same place. */
void rm_depthwise_s8__neon_dotprod(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    const int clamped = p->lo > -128 || p->hi < 127;
    if ((p->kernel != 3 && p->kernel != 5) || (p->stride == 2 && pixels < 2)) {
        rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
        return;
    }
    const int8_t *rows[RM_MAX_KERNEL + 1];
    for (int r = 0; r <= p->kernel; r++) rows[r] = in[r < p->kernel || out1 ? r : p->kernel - 1];
    int c = 0;
    for (; c + 8 <= p->channels; c += 8) eight_channels(p, rows, out0, out1 ? out1 : out0, pixels, c, clamped);
    if (c == p->channels) return;
    rm_depthwise_s8_some(p, in, out0, pixels, c);
    if (out1) rm_depthwise_s8_some(p, in + 1, out1, pixels, c);
}
