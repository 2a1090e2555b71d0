/* SMMLA: eight bytes of two pixels' runs with eight of two channels' weights give the four sums. Up to 40 bytes deep the weights of eight channels stay
 * in registers for a whole row, up to 96 those of four, and pixels lie as many bytes apart; everything else is left to SDOT. Sums are requantized
 * as they lie, two pixels of two channels a register; the choice of bytes that makes codes of them brings them into order. */
#include "../core/neon_dot.h"
#include "pointwise.h"

struct job {
    const struct rm_pointwise *p;
    const int8_t *in;
    int8_t *out;
    size_t pixels;
    int block;
};

#define RM_MATRIX(sum, v, weights)                                                                       \
    do {                                                                                                 \
        const int8x16_t rm_v = v, rm_weights = weights;                                                  \
        __asm__("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(rm_v), "w"(rm_weights));                 \
    } while (0)

/* Eight bytes of two registers: the lower ones, the upper ones, the first one's lower with the second one's upper, and the other way. */
RM_INLINE int8x16_t lower(int8x16_t a, int8x16_t b) { return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b))); }
RM_INLINE int8x16_t upper(int8x16_t a, int8x16_t b) { return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b))); }
RM_INLINE int8x16_t outer(int8x16_t a, int8x16_t b) {
    return vreinterpretq_s8_s64(vcopyq_laneq_s64(vreinterpretq_s64_s8(b), 0, vreinterpretq_s64_s8(a), 0));
}
RM_INLINE int8x16_t inner(int8x16_t a, int8x16_t b) { return vextq_s8(a, b, 8); }

/* ---- how sums become codes ---- */

/* What four registers of sums are requantized with: all pairs of eight channels, or the two of four channels twice. */
struct line {
    int32x4_t multiplier[4];
    uint8x16_t pick[2];
    int16x8_t zero;
    int8x16_t lo, hi;
};

RM_INLINE struct line line_of(const struct rm_pointwise *p, const int32_t *multiplier, const uint8_t *pick) {
    const struct line line = {{vld1q_s32(multiplier), vld1q_s32(multiplier + 4), vld1q_s32(multiplier + 8), vld1q_s32(multiplier + 12)},
                              {vld1q_u8(pick), vld1q_u8(pick + 16)}, vdupq_n_s16((int16_t)p->zero), vdupq_n_s8((int8_t)p->lo), vdupq_n_s8((int8_t)p->hi)};
    return line;
}

/* In floats, what leaves int16 saturates; the code is in the lower half, as if a line had made it. */
RM_INLINE int8x16_t in_wide_floats(int8x16_t sum, int32x4_t scale, int16x8_t zero) {
    const int32x4_t rounded = rm_neon_rounded(vreinterpretq_s32_s8(sum), vreinterpretq_f32_s32(scale));
    const int16x8_t codes = vqaddq_s16(vcombine_s16(vqmovn_s32(rounded), vdup_n_s16(0)), zero);
    return vreinterpretq_s8_s32(vmovl_s16(vget_low_s16(codes)));
}

/* The sums of v<16> … v<19> (bound to a … d), by way of v<20> … v<23> (e … h). */
#define SCALE_FOUR(a, b, c, d, e, f, g, h, add, line, how)                           \
    do {                                                                             \
        if ((how) == RM_BY_WIDE_FLOATS) {                                            \
            e = in_wide_floats(a, (line)->multiplier[0], (line)->zero);              \
            f = in_wide_floats(b, (line)->multiplier[1], (line)->zero);              \
            g = in_wide_floats(c, (line)->multiplier[2], (line)->zero);              \
            h = in_wide_floats(d, (line)->multiplier[3], (line)->zero);              \
        } else {                                                                     \
            RM_LOAD4(e, f, g, h, 20, 23, add);                                       \
            RM_ROUND_EITHER(e, a, (line)->multiplier[0], (how)&RM_LOWER_BY_FLOATS);  \
            RM_ROUND_EITHER(f, b, (line)->multiplier[1], (how)&RM_LOWER_BY_FLOATS);  \
            RM_ROUND_EITHER(g, c, (line)->multiplier[2], (how)&RM_UPPER_BY_FLOATS);  \
            RM_ROUND_EITHER(h, d, (line)->multiplier[3], (how)&RM_UPPER_BY_FLOATS);  \
        }                                                                            \
    } while (0)

/* Bytes of v<20> … v<23>. */
#define PICK_OF_FOUR(to, e, f, g, h, which)                                                                                              \
    do {                                                                                                                                 \
        const uint8x16_t rm_which = which;                                                                                               \
        __asm__("tbl %0.16b, {v20.16b-v23.16b}, %5.16b" : "=w"(to) : "w"(e), "w"(f), "w"(g), "w"(h), "w"(rm_which));                     \
    } while (0)

RM_INLINE int8x16_t narrow(int8x16_t a, int8x16_t b, const struct line *line, int clamped) {
    int8x16_t codes = vqmovn_high_s16(vqmovn_s16(vreinterpretq_s16_s8(a)), vreinterpretq_s16_s8(b));
    if (clamped) codes = vminq_s8(vmaxq_s8(codes, line->lo), line->hi);
    return codes;
}

#define REGISTERS   \
    RM_IN(a, 16);   \
    RM_IN(b, 17);   \
    RM_IN(c, 18);   \
    RM_IN(d, 19);   \
    RM_IN(e, 20);   \
    RM_IN(f, 21);   \
    RM_IN(g, 22);   \
    RM_IN(h, 23);   \
    RM_LOAD4(a, b, c, d, 16, 19, bias)

/* ---- eight channels ---- */

/* Group k of two pixels' runs (v) into the sums of eight channels. */
#define EIGHT(k, v)                       \
    do {                                  \
        const int8x16_t both = v;         \
        RM_MATRIX(a, both, w[k][0]);      \
        RM_MATRIX(b, both, w[k][1]);      \
        RM_MATRIX(c, both, w[k][2]);      \
        RM_MATRIX(d, both, w[k][3]);      \
    } while (0)

/* Two pixels. depth: 16, 24, 32 or 40 bytes. */
RM_INLINE void two_pixels(const int8_t **from, int8_t **out, size_t step, const int8x16_t w[5][4], const int32_t *bias, const int32_t *add,
                          const struct line *line, int depth, int how, int clamped) {
    const int8_t *run = *from;
    int8_t *to = *out;
    REGISTERS;
    if (depth == 16) {
        RM_LOAD2_ON(e, f, 20, 21, run);
        EIGHT(0, lower(e, f));
        EIGHT(1, upper(e, f));
    } else if (depth == 24) {
        RM_LOAD3_ON(e, f, g, 20, 22, run);
        EIGHT(0, outer(e, f));
        EIGHT(1, inner(e, g));
        EIGHT(2, outer(f, g));
    } else if (depth == 32) {
        RM_LOAD4_ON(e, f, g, h, 20, 23, run);
        EIGHT(0, lower(e, g));
        EIGHT(1, upper(e, g));
        EIGHT(2, lower(f, h));
        EIGHT(3, upper(f, h));
    } else {
        int8x16_t fifth;
        RM_LOAD4_ON(e, f, g, h, 20, 23, run);
        RM_LOAD1_ON(fifth, run);
        EIGHT(0, outer(e, g));
        EIGHT(1, inner(e, h));
        EIGHT(2, outer(f, h));
        EIGHT(3, inner(f, fifth));
        EIGHT(4, outer(g, fifth));
    }
    int8x16_t first, second;
    SCALE_FOUR(a, b, c, d, e, f, g, h, add, line, how);
    PICK_OF_FOUR(first, e, f, g, h, line->pick[0]);
    PICK_OF_FOUR(second, e, f, g, h, line->pick[1]);
    const int8x16_t codes = narrow(first, second, line, clamped);
    RM_PUT_ON(to, step, codes, d, 0, 8);
    RM_PUT_ON(to, step, codes, d, 1, 8);
    *from = run;
    *out = to;
}

/* No loops around what is to stay in registers: compilers give registers to array elements only where no index is left to unroll. */
#define KEEP_EIGHT(k)                                      \
    if ((k) < depth / 8) {                                 \
        w[k][0] = vld1q_s8(weights + (k) * 64);            \
        w[k][1] = vld1q_s8(weights + (k) * 64 + 16);       \
        w[k][2] = vld1q_s8(weights + (k) * 64 + 32);       \
        w[k][3] = vld1q_s8(weights + (k) * 64 + 48);       \
    }

/* Eight pixels a turn; the last pair may overlap the one before: the codes are the same. */
RM_INLINE void row_of_eight(const struct job *j, int depth, int how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_rounded_pairs *pairs = &p->rounded.pairs;
    const struct line line = line_of(p, pairs->multiplier + j->block * 16, pairs->pick + j->block * 32);
    const int8_t *weights = p->weights_by_8 + (size_t)j->block * depth * 8, *run = j->in;
    const int32_t *bias = pairs->bias + j->block * 16, *add = pairs->add + j->block * 16;
    int8_t *to = j->out + j->block * 8;
    int8x16_t w[5][4];
    KEEP_EIGHT(0)
    KEEP_EIGHT(1)
    KEEP_EIGHT(2)
    KEEP_EIGHT(3)
    KEEP_EIGHT(4)
    size_t left = j->pixels;
    for (; left >= 8; left -= 8)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) two_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
    for (; left >= 2; left -= 2) two_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
    if (!left) return;
    run -= depth;
    to -= step;
    two_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
}

/* ---- four channels ---- */

#define FOUR(k, v, s, t)                \
    do {                                \
        const int8x16_t both = v;       \
        RM_MATRIX(s, both, w[k][0]);    \
        RM_MATRIX(t, both, w[k][1]);    \
    } while (0)
#define FOUR_LOADED(k, s, t)                                                     \
    if (depth >= 8 * (k) + 16) {                                                 \
        const int8x16_t one = vld1q_s8(run + 8 * (k)), two = vld1q_s8(run + depth + 8 * (k)); \
        FOUR(k, lower(one, two), s, t);                                          \
        FOUR((k) + 1, upper(one, two), s, t);                                    \
    }

/* Two pixels' sums of four channels; moves run on. */
#define PIXELS_OF_FOUR(s, t)                                                                                           \
    do {                                                                                                               \
        if (depth == 32) {                                                                                             \
            RM_LOAD4_ON(e, f, g, h, 20, 23, run);                                                                      \
            FOUR(0, lower(e, g), s, t);                                                                                \
            FOUR(1, upper(e, g), s, t);                                                                                \
            FOUR(2, lower(f, h), s, t);                                                                                \
            FOUR(3, upper(f, h), s, t);                                                                                \
            break;                                                                                                     \
        }                                                                                                              \
        FOUR_LOADED(0, s, t)                                                                                           \
        FOUR_LOADED(2, s, t)                                                                                           \
        FOUR_LOADED(4, s, t)                                                                                           \
        FOUR_LOADED(6, s, t)                                                                                           \
        FOUR_LOADED(8, s, t)                                                                                           \
        FOUR_LOADED(10, s, t)                                                                                          \
        if (depth % 16) FOUR(depth / 8 - 1, vcombine_s8(vld1_s8(run + depth - 8), vld1_s8(run + 2 * depth - 8)), s, t); \
        run += 2 * depth;                                                                                              \
    } while (0)

RM_INLINE void four_pixels(const int8_t **from, int8_t **out, size_t step, const int8x16_t w[12][2], const int32_t *bias, const int32_t *add,
                           const struct line *line, int depth, int how, int clamped) {
    const int8_t *run = *from;
    int8_t *to = *out;
    REGISTERS;
    PIXELS_OF_FOUR(a, b);
    PIXELS_OF_FOUR(c, d);
    int8x16_t first, second;
    SCALE_FOUR(a, b, c, d, e, f, g, h, add, line, how);
    RM_PICK(first, e, f, 20, 21, line->pick[0]);
    RM_PICK(second, g, h, 22, 23, line->pick[0]);
    const int8x16_t codes = narrow(first, second, line, clamped);
    RM_PUT_ON(to, step, codes, s, 0, 4);
    RM_PUT_ON(to, step, codes, s, 1, 4);
    RM_PUT_ON(to, step, codes, s, 2, 4);
    RM_PUT_ON(to, step, codes, s, 3, 4);
    *from = run;
    *out = to;
}

#define KEEP_FOUR(k)                                                       \
    if ((k) < depth / 8) {                                                 \
        w[k][0] = vld1q_s8(weights + (k) * 64);                            \
        w[k][1] = vld1q_s8(weights + (k) * 64 + 16);                       \
    }

/* The last pixels may overlap those before. */
RM_INLINE void row_of_four(const struct job *j, int quad, int depth, int how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_rounded_pairs *pairs = &p->rounded.pairs;
    const struct line line = line_of(p, pairs->multiplier_quads + quad * 16, pairs->pick_quads + quad * 32);
    const int8_t *weights = p->weights_by_8 + (size_t)j->block * depth * 8 + quad % 2 * 32, *run = j->in;
    const int32_t *bias = pairs->bias_quads + quad * 16, *add = pairs->add_quads + quad * 16;
    int8_t *to = j->out + quad * 4;
    int8x16_t w[12][2];
    KEEP_FOUR(0)
    KEEP_FOUR(1)
    KEEP_FOUR(2)
    KEEP_FOUR(3)
    KEEP_FOUR(4)
    KEEP_FOUR(5)
    KEEP_FOUR(6)
    KEEP_FOUR(7)
    KEEP_FOUR(8)
    KEEP_FOUR(9)
    KEEP_FOUR(10)
    KEEP_FOUR(11)
    size_t left = j->pixels;
    for (; left >= 4; left -= 4) four_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
    if (!left) return;
    run -= (4 - left) * depth;
    to -= (4 - left) * step;
    four_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
}

/* ---- which ---- */

typedef void eight_fn(const struct job *j, int how, int clamped);
typedef void four_fn(const struct job *j, int quad, int how, int clamped);

#define EIGHT_OF(depth) \
    static void eight_##depth(const struct job *j, int how, int clamped) { RM_LINE_CASES(row_of_eight, how, clamped, j, depth); }
EIGHT_OF(16)
EIGHT_OF(24)
EIGHT_OF(32)
EIGHT_OF(40)

#define FOUR_OF(depth) \
    static void four_##depth(const struct job *j, int quad, int how, int clamped) { RM_QUAD_CASES(row_of_four, how, clamped, j, quad, depth); }
FOUR_OF(32)
FOUR_OF(48)
FOUR_OF(56)
FOUR_OF(64)
FOUR_OF(72)
FOUR_OF(80)
FOUR_OF(96)

static eight_fn *eight_of(int depth) { return depth == 16 ? eight_16 : depth == 24 ? eight_24 : depth == 32 ? eight_32 : depth == 40 ? eight_40 : NULL; }

static four_fn *four_of(int depth) {
    return depth == 32 ? four_32 : depth == 48 ? four_48 : depth == 56 ? four_56 : depth == 64 ? four_64 : depth == 72 ? four_72 : depth == 80 ? four_80 : depth == 96 ? four_96 : NULL;
}

void rm_pointwise_s8__neon_i8mm(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    const int clamped = p->lo > -128 || p->hi < 127;
    eight_fn *const eight = eight_of(p->depth);
    four_fn *const four = four_of(p->depth);
    const int fits = p->channels % 8 == 0 ? eight || four : p->channels % 8 == 4 && four;
    if (!fits || p->segments > 1 || p->segment_stride[0] != p->depth || pixels < 8) {
        rm_pointwise_s8__neon_dotprod(p, in, out, pixels);
        return;
    }
    for (int block = 0; block < p->blocks; block++) {
        const struct job j = {p, in[0], out, pixels, block};
        const int how = p->rounded.how[block], whole = p->channels - block * 8 >= 8;
        if (whole && eight) {
            eight(&j, how, clamped);
            continue;
        }
        four(&j, block * 2, rm_rounded_how_of_half(how, 0), clamped);
        if (whole) four(&j, block * 2 + 1, rm_rounded_how_of_half(how, 1), clamped);
    }
}
