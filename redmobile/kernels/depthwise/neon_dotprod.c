/* SDOT down the columns of the window: four rows of one column and eight channels are turned into two vectors of [channel][row], which the
 * column's weights multiply. At stride 1 two rows of output share them: the second one's weights stand one row lower. */
#include "../core/neon_dot.h"
#include "depthwise.h"

#define MAX_COLUMNS 5
#define MAX_QUADS 2

/* Columns of the window at hand, each as [quad][half]: 4 channels by 4 rows. */
typedef int8x16_t column[MAX_QUADS][2];

RM_INLINE void load_quad(int8x16_t to[2], int8x16_t a, int8x16_t b, int8x16_t c, int8x16_t d) {
    const int8x16_t ab = vzip1q_s8(a, b), cd = vzip1q_s8(c, d);
    to[0] = vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(ab), vreinterpretq_s16_s8(cd)));
    to[1] = vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(ab), vreinterpretq_s16_s8(cd)));
}

/* rows: how many input rows there are (4 or 6 at stride 1, 3 or 5 at stride 2); weights of rows beyond are zero, so any row stands in. */
RM_INLINE void load_column(column to, const int8_t *const *in, size_t at, int rows, int quads) {
    for (int q = 0; q < quads; q++) {
        int8x16_t r[4]; /* the upper halves are not looked at */
        for (int i = 0; i < 4; i++) r[i] = 4 * q + i < rows ? vcombine_s8(vld1_s8(in[4 * q + i] + at), vcreate_s8(0)) : r[i ? i - 1 : 0];
        load_quad(to[q], r[0], r[1], r[2], r[3]);
    }
}

struct weights {
    int8x16_t w[MAX_COLUMNS][2][MAX_QUADS][2];
};

RM_INLINE void load_weights(struct weights *to, const struct rm_depthwise *p, int c, int kernel, int rows, int quads) {
    const int8_t *w = p->weights_quads + (size_t)(c / 8) * kernel * rows * quads * 32;
    for (int j = 0; j < kernel; j++)
        for (int r = 0; r < rows; r++)
            for (int q = 0; q < quads; q++, w += 32) {
                to->w[j][r][q][0] = vld1q_s8(w);
                to->w[j][r][q][1] = vld1q_s8(w + 16);
            }
}

/* One output pixel of each row from the columns window[(first + j) % kernel]. */
RM_INLINE void pixel(const column *window, int first, const struct weights *w, const int32_t **bias, struct rm_neon_channels *channels, int kernel, int rows,
                     int quads, const struct rm_neon_output *o, enum rm_neon_how how, int clamped, int8_t *out0, int8_t *out1) {
    int16x8_t q[2];
    for (int r = 0; r < rows; r++) {
        int32x4_t a = vld1q_s32(*bias), b = vld1q_s32(*bias + 4);
        RM_RELOAD(*bias);
        for (int j = 0; j < kernel; j++)
            for (int i = 0; i < quads; i++) {
                a = vdotq_s32(a, window[(first + j) % kernel][i][0], w->w[j][r][i][0]);
                b = vdotq_s32(b, window[(first + j) % kernel][i][1], w->w[j][r][i][1]);
            }
        q[r] = rm_neon_requantize(a, b, channels, r, o, how);
    }
    const int8x16_t codes = rm_neon_codes(q[0], q[rows - 1], o, clamped);
    vst1_s8(out0, vget_low_s8(codes));
    if (rows == 2) vst1q_lane_s64((int64_t *)(void *)out1, vreinterpretq_s64_s8(codes), 1);
}

/* Eight channels of a row (or of two) of output. The window's columns go round in a ring of `kernel`, so that none is loaded twice. */
RM_INLINE void eight_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels, int c, int kernel,
                              int stride, int rows, enum rm_neon_how how, int clamped) {
    const int quads = rows == 2 ? (kernel + 4) / 4 : (kernel + 3) / 4, in_rows = kernel + rows - 1;
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    const size_t step = p->channels;
    const int32_t *bias = (rm_neon_fixed(how) ? p->fixed.bias : p->bias) + c;
    struct rm_neon_channels channels = rm_neon_channels(p->scale, &p->fixed, c, how);
    struct weights w;
    column window[MAX_COLUMNS] = {{{vdupq_n_s8(0)}}};
    size_t at = c, x = 0;
    load_weights(&w, p, c, kernel, rows, quads);
    for (int j = 0; j < kernel - stride; j++, at += step) load_column(window[j], in, at, in_rows, quads);
    out0 += c;
    out1 += c;
#define ONE(n)                                                                                                                     \
    for (int j = 0; j < stride; j++, at += step) load_column(window[((n) * stride + kernel - stride + j) % kernel], in, at, in_rows, quads); \
    pixel(window, (n) * stride % kernel, &w, &bias, &channels, kernel, rows, quads, &o, how, clamped, out0, out1);               \
    out0 += step;                                                                                                                  \
    out1 += step
    for (; x + kernel <= pixels; x += kernel) {
        ONE(0);
        ONE(1);
        ONE(2);
        if (kernel == 5) {
            ONE(3);
            ONE(4);
        }
    }
    if (x < pixels) {
        ONE(0);
        x++;
    }
    if (x < pixels) {
        ONE(1);
        x++;
    }
    if (kernel == 5 && x < pixels) {
        ONE(2);
        x++;
    }
    if (kernel == 5 && x < pixels) {
        ONE(3);
    }
#undef ONE
}

/* ---- 3x3, where everything has room in registers ---- */

/* Four rows of a column, eight channels, to [channel][row]: the lower four channels, the upper four. Moves on to the next column. */
#define COLUMN(low, high)                                                                                                                      \
    do {                                                                                                                                       \
        const int8x16_t top = vzip1q_s8(vcombine_s8(vld1_s8(in[0] + at), vcreate_s8(0)), vcombine_s8(vld1_s8(in[1] + at), vcreate_s8(0)));     \
        const int8x16_t bottom = vzip1q_s8(vcombine_s8(vld1_s8(in[2] + at), vcreate_s8(0)), vcombine_s8(vld1_s8(in[3] + at), vcreate_s8(0))); \
        low = vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(top), vreinterpretq_s16_s8(bottom)));                                       \
        high = vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(top), vreinterpretq_s16_s8(bottom)));                                      \
        at += step;                                                                                                                            \
    } while (0)

/* Three rows: the fourth one's weights are zero, so any will do. */
#define COLUMN_OF_THREE(low, high)                                                                                                             \
    do {                                                                                                                                       \
        const int8x16_t third = vcombine_s8(vld1_s8(in[2] + at), vcreate_s8(0));                                                               \
        const int8x16_t top = vzip1q_s8(vcombine_s8(vld1_s8(in[0] + at), vcreate_s8(0)), vcombine_s8(vld1_s8(in[1] + at), vcreate_s8(0)));     \
        const int8x16_t bottom = vzip1q_s8(third, third);                                                                                      \
        low = vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(top), vreinterpretq_s16_s8(bottom)));                                       \
        high = vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(top), vreinterpretq_s16_s8(bottom)));                                      \
        at += step;                                                                                                                            \
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
        RM_PUT_ON(out0, step, codes, d, 0, 8);                             \
        RM_PUT_ON(out1, step, codes, d, 1, 8);                             \
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

/* ---- which ---- */

/* A single row at stride 1 is a pair of which the second row is thrown away: in `spare`, eight channels of it at a time. */
RM_INLINE void all_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels, int kernel, int stride) {
    const int clamped = p->lo > -128 || p->hi < 127;
    const int8_t *rows[RM_MAX_KERNEL + 1];
    for (int r = 0; r <= kernel; r++) rows[r] = in[r < kernel || out1 ? r : kernel - 1];
    int c = 0;
    for (; c + 8 <= p->channels; c += 8) {
        const enum rm_neon_how how = rm_neon_how(p->fixed.shift[c / 8], p->wide);
        const int line = p->rounded.how[c / 8];
        if (kernel == 3 && stride == 1) RM_LINE_CASES(two_rows_of_3x3, line, clamped, p, rows, out0, out1, pixels, c);
        else if (kernel == 3) RM_LINE_CASES(row_of_3x3_by_2, line, clamped, p, rows, out0, pixels, c);
        else if (stride == 2) RM_NEON_CASES(eight_channels, how, 1, p, in, out0, out0, pixels, c, 5, 2, 1);
        else RM_NEON_CASES(eight_channels, how, 1, p, rows, out0, out1, pixels, c, 5, 1, 2);
    }
    if (c == p->channels) return;
    rm_depthwise_s8_some(p, in, out0, pixels, c);
    if (out1) rm_depthwise_s8_some(p, in + 1, out1, pixels, c);
}

void rm_depthwise_s8__neon_dotprod(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    if (p->stride == 1 ? !out1 : p->kernel == 3 && pixels < 2) rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
    else if (p->kernel == 3 && p->stride == 1) all_channels(p, in, out0, out1, pixels, 3, 1);
    else if (p->kernel == 3) all_channels(p, in, out0, out1, pixels, 3, 2);
    else if (p->kernel == 5 && p->stride == 1) all_channels(p, in, out0, out1, pixels, 5, 1);
    else if (p->kernel == 5) all_channels(p, in, out0, out1, pixels, 5, 2);
    else rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
}
