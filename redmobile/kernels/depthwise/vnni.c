/* AVX-512 VNNI: four rows of a column at a time, 16 channels an instruction.
 *
 * The rows of a window are first interleaved, four bytes of four rows side by side (`columns`), with their sign bits flipped: VPDPBUSD takes unsigned
 * bytes on one side. Each column is then read by all windows that it is part of, and for two rows of output. */
#include <string.h>

#include "../core/avx512.h"
#include "depthwise.h"

#define COLUMN_BYTES 24576 /* of all columns that are interleaved at once */
#define MOST_CHANNELS 128  /* that go side by side; more go in slices of 64 */
#define PIXELS 4           /* of a step */
#define SLACK (4 * (2 * PIXELS * MOST_CHANNELS + 64)) /* a step reads columns of pixels behind the last one, whose sums nobody takes */

/* Four bytes of four rows side by side, for each of `bytes`. */
static void interleave(const int8_t *const *rows, int8_t *to, size_t bytes) {
    const __m512i signs = _mm512_set1_epi8(-128);
    for (size_t i = 0; i < bytes; i += 64, to += 256) {
        __m512i row[4];
        const __mmask64 some = rm_avx512_first(bytes - i);
        for (int r = 0; r < 4; r++) row[r] = rm_avx512_turned(_mm512_xor_si512(_mm512_maskz_loadu_epi8(some, rows[r] + i), signs));
        const __m512i low = _mm512_unpacklo_epi8(row[0], row[1]), high = _mm512_unpackhi_epi8(row[0], row[1]);
        const __m512i low2 = _mm512_unpacklo_epi8(row[2], row[3]), high2 = _mm512_unpackhi_epi8(row[2], row[3]);
        _mm512_storeu_si512(to, _mm512_unpacklo_epi16(low, low2));
        _mm512_storeu_si512(to + 64, _mm512_unpackhi_epi16(low, low2));
        _mm512_storeu_si512(to + 128, _mm512_unpacklo_epi16(high, high2));
        _mm512_storeu_si512(to + 192, _mm512_unpackhi_epi16(high, high2));
    }
}

/* A slice of channels of a few pixels. */
struct piece {
    const int8_t *columns;   /* [quads][columns][channels][4 rows] */
    size_t quad_bytes;       /* from quad to quad */
    size_t channels;         /* of the slice */
    int8_t *out[2];          /* [rows of output] */
    size_t pixels;
};

/* What 16 channels are multiplied with. */
struct lanes {
    __m512i weights[5 * 2 * 2]; /* [column][row of output][quad] */
    __m512i bias[2];
    __m512 scale;
};

/* [two blocks of 8] of 32-bit values, `step` bytes apart; zeros for the second one if there is none. */
RM_INLINE __m512i two_blocks(const void *from, size_t step, int both) {
    const __m512i first = _mm512_zextsi256_si512(_mm256_loadu_si256(from));
    return both ? _mm512_inserti64x4(first, _mm256_loadu_si256((const void *)((const char *)from + step)), 1) : first;
}

/* Of 16 channels, the weights of four rows of a column from `row` on, side by side as `interleave` lays the pixels; rows outside of the window weigh
 * nothing. */
RM_INLINE __m512i four_rows(const struct rm_depthwise *p, int kernel, int row, int column, int channel) {
    const int left = p->channels - channel;
    const __mmask16 some = left < 16 ? (__mmask16)((1 << left) - 1) : 0xffff;
    __m128i w[4];
    for (int i = 0; i < 4; i++) {
        const int at = row + i, inside = at >= 0 && at < kernel;
        w[i] = inside ? _mm_maskz_loadu_epi8(some, p->weights + ((size_t)at * kernel + column) * p->channels + channel) : _mm_setzero_si128();
    }
    const __m128i low = _mm_unpacklo_epi8(w[0], w[1]), high = _mm_unpackhi_epi8(w[0], w[1]);
    const __m128i low2 = _mm_unpacklo_epi8(w[2], w[3]), high2 = _mm_unpackhi_epi8(w[2], w[3]);
    const __m256i first = _mm256_set_m128i(_mm_unpackhi_epi16(low, low2), _mm_unpacklo_epi16(low, low2));
    const __m256i last = _mm256_set_m128i(_mm_unpackhi_epi16(high, high2), _mm_unpacklo_epi16(high, high2));
    return _mm512_inserti64x4(_mm512_zextsi256_si512(first), last, 1);
}

/* channel: a multiple of 8 */
RM_INLINE struct lanes lanes_of(const struct rm_depthwise *p, int channel, int kernel, int quads, int rows) {
    struct lanes l;
    const int both = channel + 8 < p->channels;
    for (int r = 0; r < rows; r++) l.bias[r] = two_blocks(p->bias + channel, 32, both);
    for (int j = 0; j < kernel; j++)
        for (int r = 0; r < rows; r++)
            for (int q = 0; q < quads; q++) {
                const __m512i weights = four_rows(p, kernel, 4 * q - r, j, channel);
                l.weights[(j * rows + r) * quads + q] = weights;
                /* 128 times each weight less, for the flipped sign bits */
                l.bias[r] = _mm512_sub_epi32(l.bias[r], _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(-128), weights));
            }
    l.scale = _mm512_castsi512_ps(two_blocks(p->scale + channel, 32, both));
    return l;
}

RM_INLINE void put(int8_t *to, __m128i codes, __mmask16 kept) {
    if (kept == 0xffff) _mm_storeu_si128((void *)to, codes);
    else _mm_mask_storeu_epi8(to, kept, codes);
}

/* PIXELS pixels of 16 channels, of which `count` are put. */
RM_INLINE void step(const struct rm_depthwise *p, const struct lanes *l, const struct piece *piece, const struct rm_avx512_output *o, size_t x, int channel,
                    int kernel, int stride, int quads, int rows, int wide, __mmask16 kept, int count) {
    __m512i sums[2][PIXELS];
    const size_t column_bytes = piece->channels * 4;
    const int8_t *from = piece->columns + (x * stride * piece->channels + channel) * 4;
    RM_UNROLL for (int r = 0; r < rows; r++)
        RM_UNROLL for (int i = 0; i < PIXELS; i++) sums[r][i] = l->bias[r];
    RM_UNROLL for (int column = 0; column < (PIXELS - 1) * stride + kernel; column++, from += column_bytes)
        RM_UNROLL for (int q = 0; q < quads; q++) {
            const __m512i four = _mm512_loadu_si512(from + q * piece->quad_bytes);
            RM_UNROLL for (int i = 0; i < PIXELS; i++) {
                const int j = column - i * stride;
                if (j < 0 || j >= kernel) continue;
                RM_UNROLL for (int r = 0; r < rows; r++) RM_DOT(sums[r][i], four, l->weights[(j * rows + r) * quads + q]);
            }
        }
    RM_UNROLL for (int r = 0; r < rows; r++) {
        __m512i q[PIXELS];
        RM_UNROLL for (int i = 0; i < PIXELS; i++) q[i] = rm_avx512_rounded(sums[r][i], l->scale, o, wide);
        const __m512i codes = rm_avx512_turned(rm_avx512_codes(q[0], q[1], q[2], q[3], o));
        int8_t *to = piece->out[r] + x * p->channels + channel;
        put(to, _mm512_castsi512_si128(codes), kept);
        if (count > 1) put(to + p->channels, _mm512_extracti32x4_epi32(codes, 1), kept);
        if (count > 2) put(to + 2 * p->channels, _mm512_extracti32x4_epi32(codes, 2), kept);
        if (count > 3) put(to + 3 * p->channels, _mm512_extracti32x4_epi32(codes, 3), kept);
    }
}

/* All channels of a piece, 16 at a time; the last 16 may overlap those before, if they still begin at a multiple of 8. */
RM_INLINE void multiply(const struct rm_depthwise *p, const struct piece *piece, int first, int kernel, int stride, int quads, int rows, int wide) {
    const struct rm_avx512_output o = rm_avx512_output(p->zero, p->lo, p->hi);
    const int padded = ((int)piece->channels + 7) / 8 * 8;
    for (int c = 0; c < (int)piece->channels; c += 16) {
        if (c && c + 16 > padded) c = padded - 16;
        const __mmask16 kept = (__mmask16)rm_avx512_first(piece->channels - c);
        const struct lanes l = lanes_of(p, first + c, kernel, quads, rows);
        size_t x = 0;
        if (kept == 0xffff)
            for (; x + PIXELS <= piece->pixels; x += PIXELS) step(p, &l, piece, &o, x, c, kernel, stride, quads, rows, wide, 0xffff, PIXELS);
        for (; x < piece->pixels; x += PIXELS) step(p, &l, piece, &o, x, c, kernel, stride, quads, rows, wide, kept, (int)(piece->pixels - x));
    }
}

RM_INLINE void multiply_case(const struct rm_depthwise *p, const struct piece *piece, int first, int two, int wide) {
    if (p->kernel == 3 && p->stride == 1 && two) multiply(p, piece, first, 3, 1, 1, 2, wide);
    else if (p->kernel == 3 && p->stride == 1) multiply(p, piece, first, 3, 1, 1, 1, wide);
    else if (p->kernel == 3) multiply(p, piece, first, 3, 2, 1, 1, wide);
    else if (p->stride == 1 && two) multiply(p, piece, first, 5, 1, 2, 2, wide);
    else if (p->stride == 1) multiply(p, piece, first, 5, 1, 2, 1, wide);
    else multiply(p, piece, first, 5, 2, 2, 1, wide);
}

/* Rows 4q … of a slice, from byte `at` on, interleaved. Behind the window's last row, its weights are zero: any row does. */
static void interleave_slice(const struct rm_depthwise *p, const int8_t *const *in, int rows, size_t at, int8_t *to, size_t columns, size_t channels, int q) {
    const int8_t *from[4];
    for (int r = 0; r < 4; r++) from[r] = in[4 * q + r < rows ? 4 * q + r : 0] + at;
    if (channels == (size_t)p->channels) {
        interleave(from, to, columns * channels);
        return;
    }
    for (size_t x = 0; x < columns; x++, to += channels * 4) {
        interleave(from, to, channels);
        for (int r = 0; r < 4; r++) from[r] += p->channels;
    }
}

void rm_depthwise_s8__vnni(const struct rm_depthwise *p, const int8_t *const *in, int8_t *out0, int8_t *out1, size_t pixels) {
    _Alignas(64) int8_t columns[COLUMN_BYTES + SLACK];
    if (p->kernel != 3 && p->kernel != 5) {
        rm_depthwise_s8__scalar(p, in, out0, out1, pixels);
        return;
    }
    const int rows = p->kernel + (out1 != NULL), quads = (p->kernel + 3) / 4;
    const size_t all = p->channels, slice = all <= MOST_CHANNELS ? all : 64;
    const size_t most_columns = COLUMN_BYTES / quads / (slice * 4), most = ((most_columns - p->kernel) / p->stride + 1) / PIXELS * PIXELS;
    for (size_t x = 0; x < pixels; x += most) {
        const size_t count = pixels - x < most ? pixels - x : most, here = (count - 1) * p->stride + p->kernel;
        for (size_t first = 0; first < all; first += slice) {
            const size_t channels = all - first < slice ? all - first : slice, at = x * p->stride * all + first;
            struct piece piece = {columns, here * channels * 4, channels, {out0 + x * all + first, out1 ? out1 + x * all + first : NULL}, count};
            for (int q = 0; q < quads; q++) interleave_slice(p, in, rows, at, columns + q * piece.quad_bytes, here, channels, q);
            if (p->wide) multiply_case(p, &piece, (int)first, out1 != NULL, 1);
            else multiply_case(p, &piece, (int)first, out1 != NULL, 0);
        }
    }
}
