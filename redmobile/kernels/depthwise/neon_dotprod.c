/* SDOT down the columns of the window: four rows of one column and eight channels are turned into two vectors of [channel][row], which the
 * column's weights multiply. At stride 1 two rows of output share them: the second one's weights stand one row lower. */
#include "../core/neon.h"
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
    column window[MAX_COLUMNS];
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

/* A single row at stride 1 is a pair of which the second row is thrown away: in `spare`, eight channels of it at a time. */
RM_INLINE void all_channels(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels, int kernel, int stride) {
    const int clamped = p->lo > -128 || p->hi < 127;
    const int8_t *rows[RM_MAX_KERNEL + 1];
    for (int r = 0; r <= kernel; r++) rows[r] = in[r < kernel || out1 ? r : kernel - 1];
    int c = 0;
    for (; c + 8 <= p->channels; c += 8) {
        const enum rm_neon_how how = rm_neon_how(p->fixed.shift[c / 8], p->wide);
        if (stride == 2) RM_NEON_CASES(eight_channels, how, clamped, p, in, out0, out0, pixels, c, kernel, 2, 1);
        else RM_NEON_CASES(eight_channels, how, clamped, p, rows, out0, out1, pixels, c, kernel, 1, 2);
    }
    if (c == p->channels) return;
    rm_depthwise_s8_some(p, in, out0, pixels, c);
    if (out1) rm_depthwise_s8_some(p, in + 1, out1, pixels, c);
}

void rm_depthwise_s8__neon_dotprod(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    if (p->stride == 1 && !out1) rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
    else if (p->kernel == 3 && p->stride == 1) all_channels(p, in, out0, out1, pixels, 3, 1);
    else if (p->kernel == 3) all_channels(p, in, out0, out1, pixels, 3, 2);
    else if (p->kernel == 5 && p->stride == 1) all_channels(p, in, out0, out1, pixels, 5, 1);
    else if (p->kernel == 5) all_channels(p, in, out0, out1, pixels, 5, 2);
    else rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
}
