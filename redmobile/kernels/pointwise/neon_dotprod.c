/* SDOT: four bytes of a pixel's run with four of each of four channels' weights.
 *
 * Up to 40 bytes deep the weights of eight channels stay in registers for a whole row, up to 96 those of four; everything else goes through in tiles of
 * 8 pixels by 8 channels. */
#include "../core/neon_dot.h"
#include "pointwise.h"

/* What a row needs of its layer, and of eight of its channels. */
struct job {
    const struct rm_pointwise *p;
    const int8_t *const *in;
    int8_t *out;
    size_t pixels;
    int block;
};

RM_INLINE const int32_t *biases(const struct job *j, enum rm_neon_how how) { return (rm_neon_fixed(how) ? j->p->fixed.bias : j->p->bias) + j->block * 8; }

/* Two pixels of eight channels. */
RM_INLINE void put_two(int8_t *to, size_t step, int8x16_t codes) {
    vst1_s8(to, vget_low_s8(codes));
    vst1q_lane_s64((int64_t *)(void *)(to + step), vreinterpretq_s64_s8(codes), 1);
}

/* Four pixels of up to four channels. */
RM_INLINE void put_four(int8_t *to, size_t step, int32x4_t codes, int channels) {
    if (channels >= 4) {
        vst1q_lane_s32((int32_t *)(void *)to, codes, 0);
        vst1q_lane_s32((int32_t *)(void *)(to + step), codes, 1);
        vst1q_lane_s32((int32_t *)(void *)(to + 2 * step), codes, 2);
        vst1q_lane_s32((int32_t *)(void *)(to + 3 * step), codes, 3);
    } else {
        int8_t spread[16];
        vst1q_s8(spread, vreinterpretq_s8_s32(codes));
        for (int i = 0; i < 4; i++)
            for (int c = 0; c < channels; c++) to[i * step + c] = spread[i * 4 + c];
    }
}

/* ---- weights that stay ---- */

/* Groups g … g + 3 of a pixel's run, which are the sixteen bytes of v, into the sums of eight channels; the same for the lower and the upper half of v. */
#define DOT_EIGHT(g, v, lane, a, b) RM_DOT(a, w[g][0], v, lane); RM_DOT(b, w[g][1], v, lane)
#define DOT_LOW(g, v, a, b) DOT_EIGHT(g, v, 0, a, b); DOT_EIGHT((g) + 1, v, 1, a, b)
#define DOT_HIGH(g, v, a, b) DOT_EIGHT(g, v, 2, a, b); DOT_EIGHT((g) + 1, v, 3, a, b)
#define DOT_BOTH(g, v, a, b) DOT_LOW(g, v, a, b); DOT_HIGH((g) + 2, v, a, b)

/* Two pixels that lie depth bytes apart, to pixels that lie step bytes apart. depth: 16, 24, 32 or 40 bytes. */
RM_INLINE void pair_staying(const int8_t **from, int8_t **out, size_t step, const int8x16_t w[10][2], const int32_t *bias, const int32_t *add,
                            const struct rm_neon_line *line, int depth, int how, int clamped) {
    const int8_t *run = *from;
    int8_t *to = *out;
    RM_IN(a0, 16);
    RM_IN(a1, 17);
    RM_IN(b0, 18);
    RM_IN(b1, 19);
    RM_IN(d0, 20);
    RM_IN(d1, 21);
    RM_IN(d2, 22);
    RM_IN(d3, 23);
    RM_LOAD4(a0, a1, b0, b1, 16, 19, bias);
    if (depth == 16) {
        RM_LOAD2_ON(d0, d1, 20, 21, run);
        DOT_BOTH(0, d0, a0, a1);
        DOT_BOTH(0, d1, b0, b1);
    } else if (depth == 24) {
        RM_LOAD3_ON(d0, d1, d2, 20, 22, run);
        DOT_BOTH(0, d0, a0, a1);
        DOT_LOW(4, d1, a0, a1);
        DOT_HIGH(0, d1, b0, b1);
        DOT_BOTH(2, d2, b0, b1);
    } else if (depth == 32) {
        RM_LOAD4_ON(d0, d1, d2, d3, 20, 23, run);
        DOT_BOTH(0, d0, a0, a1);
        DOT_BOTH(4, d1, a0, a1);
        DOT_BOTH(0, d2, b0, b1);
        DOT_BOTH(4, d3, b0, b1);
    } else {
        int8x16_t d4;
        RM_LOAD4_ON(d0, d1, d2, d3, 20, 23, run);
        DOT_BOTH(0, d0, a0, a1);
        DOT_BOTH(4, d1, a0, a1);
        RM_LOAD1_ON(d4, run);
        DOT_LOW(8, d2, a0, a1);
        DOT_HIGH(0, d2, b0, b1);
        DOT_BOTH(2, d3, b0, b1);
        DOT_BOTH(6, d4, b0, b1);
    }
    RM_REQUANTIZE_FOUR(a0, a1, b0, b1, d0, d1, d2, d3, add, line, how);
    const int8x16_t codes = rm_neon_narrow(a0, b0, line, clamped);
    RM_PUT_ON(to, step, codes, d, 0, 8);
    RM_PUT_ON(to, step, codes, d, 1, 8);
    *from = run;
    *out = to;
}

/* Weights of four groups (those there are) to registers. No loop: compilers give registers to array elements only where no index is left to unroll. */
#define KEEP_GROUP(g)                                        \
    if ((g) < depth / 4) {                                   \
        w[g][0] = vld1q_s8(weights + (g) * 32);              \
        w[g][1] = vld1q_s8(weights + (g) * 32 + 16);         \
    }
#define KEEP_EIGHT(g) KEEP_GROUP(g) KEEP_GROUP((g) + 1) KEEP_GROUP((g) + 2) KEEP_GROUP((g) + 3)
#define KEEP_HALF_GROUP(g) \
    if ((g) < depth / 4) w[g] = vld1q_s8(weights + (g) * 32);
#define KEEP_FOUR(g) KEEP_HALF_GROUP(g) KEEP_HALF_GROUP((g) + 1) KEEP_HALF_GROUP((g) + 2) KEEP_HALF_GROUP((g) + 3)

/* Eight channels of a row whose pixels lie depth bytes apart. Eight pixels a turn, for a loop's own instructions are as many as a few pixels'
 * requantization; the last pair may overlap the one before: the codes are the same. */
RM_INLINE void row_staying(const struct job *j, int depth, int how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_neon_line line = rm_neon_line(&p->rounded, p->scale, j->block, p->zero, p->lo, p->hi);
    const int8_t *weights = p->weights + (size_t)j->block * depth * 8, *run = j->in[0];
    const int32_t *bias = p->rounded.bias + j->block * 16, *add = p->rounded.add + j->block * 16;
    int8_t *to = j->out + j->block * 8;
    int8x16_t w[10][2];
    KEEP_EIGHT(0);
    KEEP_EIGHT(4);
    KEEP_GROUP(8)
    KEEP_GROUP(9)
    size_t left = j->pixels;
    for (; left >= 8; left -= 8)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) pair_staying(&run, &to, step, w, bias, add, &line, depth, how, clamped);
    for (; left >= 2; left -= 2) pair_staying(&run, &to, step, w, bias, add, &line, depth, how, clamped);
    if (!left) return;
    run -= depth;
    to -= step;
    pair_staying(&run, &to, step, w, bias, add, &line, depth, how, clamped);
}

#define DOT_FOUR(g, v, sum) RM_DOT(sum, w[g], v, 0); RM_DOT(sum, w[(g) + 1], v, 1); RM_DOT(sum, w[(g) + 2], v, 2); RM_DOT(sum, w[(g) + 3], v, 3)

/* One pixel's sums of four channels; moves run on. */
#define PIXEL_OF_QUAD(sum)                                          \
    do {                                                            \
        if (depth == 64) {                                          \
            RM_LOAD4_ON(d0, d1, d2, d3, 20, 23, run);               \
            DOT_FOUR(0, d0, sum);                                   \
            DOT_FOUR(4, d1, sum);                                   \
            DOT_FOUR(8, d2, sum);                                   \
            DOT_FOUR(12, d3, sum);                                  \
            break;                                                  \
        }                                                           \
        if (depth >= 48) {                                          \
            RM_LOAD3_ON(d0, d1, d2, 20, 22, run);                   \
            DOT_FOUR(0, d0, sum);                                   \
            DOT_FOUR(4, d1, sum);                                   \
            DOT_FOUR(8, d2, sum);                                   \
        }                                                           \
        if (depth >= 96) {                                          \
            RM_LOAD3_ON(d0, d1, d2, 20, 22, run);                   \
            DOT_FOUR(12, d0, sum);                                  \
            DOT_FOUR(16, d1, sum);                                  \
            DOT_FOUR(20, d2, sum);                                  \
        }                                                           \
        if (depth % 48 >= 32) {                                     \
            RM_LOAD2_ON(d0, d1, 20, 21, run);                       \
            DOT_FOUR(depth / 48 * 12, d0, sum);                     \
            DOT_FOUR(depth / 48 * 12 + 4, d1, sum);                 \
        }                                                           \
        if (depth % 48 & 16) {                                      \
            RM_LOAD1_ON(d0, run);                                   \
            DOT_FOUR(depth / 48 * 12, d0, sum);                     \
        }                                                           \
        if (depth & 8) {                                            \
            RM_LOAD_HALF_ON(d0, run);                               \
            RM_DOT(sum, w[depth / 4 - 2], d0, 0);                   \
            RM_DOT(sum, w[depth / 4 - 1], d0, 1);                   \
        }                                                           \
    } while (0)

/* Four pixels of four channels. */
RM_INLINE void four_pixels(const int8_t **from, int8_t **out, size_t step, const int8x16_t w[24], const int32_t *bias, const int32_t *add,
                           const struct rm_neon_line *line, int depth, int how, int clamped) {
    const int8_t *run = *from;
    int8_t *to = *out;
    RM_IN(s0, 16);
    RM_IN(s1, 17);
    RM_IN(s2, 18);
    RM_IN(s3, 19);
    RM_IN(d0, 20);
    RM_IN(d1, 21);
    RM_IN(d2, 22);
    RM_IN(d3, 23);
    RM_LOAD4(s0, s1, s2, s3, 16, 19, bias);
    PIXEL_OF_QUAD(s0);
    PIXEL_OF_QUAD(s1);
    PIXEL_OF_QUAD(s2);
    PIXEL_OF_QUAD(s3);
    RM_REQUANTIZE_FOUR(s0, s1, s2, s3, d0, d1, d2, d3, add, line, how);
    const int8x16_t codes = rm_neon_narrow(s0, s2, line, clamped);
    RM_PUT_ON(to, step, codes, s, 0, 4);
    RM_PUT_ON(to, step, codes, s, 1, 4);
    RM_PUT_ON(to, step, codes, s, 2, 4);
    RM_PUT_ON(to, step, codes, s, 3, 4);
    *from = run;
    *out = to;
}

/* Four channels of a row: up to 96 bytes deep their weights stay in registers. The last pixels may overlap those before. */
RM_INLINE void row_of_quad(const struct job *j, int quad, int depth, int how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_neon_line line = rm_neon_line_of_quad(&p->rounded, p->scale, quad, p->zero, p->lo, p->hi);
    const int8_t *weights = p->weights + (size_t)(quad / 2) * depth * 8 + quad % 2 * 16, *run = j->in[0];
    const int32_t *bias = p->rounded.bias_quads + quad * 16, *add = p->rounded.add_quads + quad * 16;
    int8_t *to = j->out + quad * 4;
    int8x16_t w[24];
    KEEP_FOUR(0);
    KEEP_FOUR(4);
    KEEP_FOUR(8);
    KEEP_FOUR(12);
    KEEP_FOUR(16);
    KEEP_FOUR(20);
    size_t left = j->pixels;
    for (; left >= 4; left -= 4) four_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
    if (!left) return;
    run -= (4 - left) * depth;
    to -= (4 - left) * step;
    four_pixels(&run, &to, step, w, bias, add, &line, depth, how, clamped);
}

#define STAYING(depth) \
    static void staying_##depth(const struct job *j, int how, int clamped) { RM_LINE_CASES(row_staying, how, clamped, j, depth); }
STAYING(16)
STAYING(24)
STAYING(32)
STAYING(40)

#define QUAD(depth) \
    static void quad_##depth(const struct job *j, int quad, int how, int clamped) { RM_QUAD_CASES(row_of_quad, how, clamped, j, quad, depth); }
QUAD(32)
QUAD(48)
QUAD(56)
QUAD(64)
QUAD(72)
QUAD(80)
QUAD(96)

typedef void staying_fn(const struct job *j, int how, int clamped);
typedef void quad_fn(const struct job *j, int quad, int how, int clamped);

/* NULL for other depths. */
static staying_fn *staying_of(int depth) {
    return depth == 16 ? staying_16 : depth == 24 ? staying_24 : depth == 32 ? staying_32 : depth == 40 ? staying_40 : NULL;
}

static quad_fn *quad_of(int depth) {
    return depth == 32 ? quad_32 : depth == 48 ? quad_48 : depth == 56 ? quad_56 : depth == 64 ? quad_64 : depth == 72 ? quad_72 : depth == 80 ? quad_80 : depth == 96 ? quad_96 : NULL;
}

/* ---- tiles ---- */

/* One step of `bytes` bytes from offset k of each pixel's run. */
#define STEP(bytes, LOAD, DOT)                                                                                        \
    for (int g = 0; g < (bytes) / 4; g++)                                                                             \
        for (int q = 0; q < quads; q++) w[g][q] = vld1q_s8(weights + (g * 2 + q) * 16);                               \
    for (int i = 0; i < 8; i++) {                                                                                     \
        const int8_t *at = run + i * stride + k;                                                                      \
        LOAD;                                                                                                         \
        for (int q = 0; q < quads; q++) {                                                                             \
            DOT(0);                                                                                                   \
            if ((bytes) > 4) DOT(1);                                                                                  \
            if ((bytes) > 8) {                                                                                        \
                DOT(2);                                                                                               \
                DOT(3);                                                                                               \
            }                                                                                                         \
        }                                                                                                             \
    }                                                                                                                 \
    weights += (bytes) * 8

#define DOT16(g) acc[i][q] = vdotq_laneq_s32(acc[i][q], w[g][q], v, g)
#define DOT8(g) acc[i][q] = vdotq_lane_s32(acc[i][q], w[g][q], v, (g) & 1)

/* Sums of 8 pixels by `quads` groups of four channels (2 or 1). */
RM_INLINE void sums_of_tile(const struct rm_pointwise *p, const int8_t *const *in, size_t x, const int8_t *weights, int quads, int32x4_t acc[8][2]) {
    for (int s = 0; s < p->segments; s++) {
        const size_t stride = p->segment_stride[s];
        const int8_t *run = in[s] + x * stride;
        const int bytes = p->segment_bytes[s];
        int8x16_t w[4][2];
        int k = 0;
        for (; k + 16 <= bytes; k += 16) {
            STEP(16, const int8x16_t v = vld1q_s8(at), DOT16);
        }
        if (bytes & 8) {
            STEP(8, const int8x8_t v = vld1_s8(at), DOT8);
            k += 8;
        }
        if (bytes & 4) {
            STEP(4, const int8x8_t v = vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)at)), DOT8);
        }
    }
}

RM_INLINE void tile(const struct job *j, size_t x, struct rm_neon_channels *c, int quads, const struct rm_neon_output *o, enum rm_neon_how how,
                    int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const int32_t *bias = biases(j, how);
    int32x4_t acc[8][2];
    for (int i = 0; i < 8; i++) {
        for (int q = 0; q < quads; q++) acc[i][q] = vld1q_s32(bias + q * 4);
        RM_RELOAD(bias);
    }
    sums_of_tile(p, j->in, x, p->weights + (size_t)j->block * p->depth * 8, quads, acc);
    int8_t *to = j->out + x * step + j->block * 8;
    if (quads == 2) {
        for (int i = 0; i < 8; i += 2, to += 2 * step) {
            const int16x8_t a = rm_neon_requantize(acc[i][0], acc[i][1], c, 0, o, how);
            const int16x8_t b = rm_neon_requantize(acc[i + 1][0], acc[i + 1][1], c, 1, o, how);
            put_two(to, step, rm_neon_codes(a, b, o, clamped));
        }
    } else {
        for (int i = 0; i < 8; i += 4, to += 4 * step) {
            const int16x8_t a = rm_neon_requantize_of(acc[i][0], acc[i + 1][0], c, 0, 0, 1, 0, o, how);
            const int16x8_t b = rm_neon_requantize_of(acc[i + 2][0], acc[i + 3][0], c, 2, 0, 3, 0, o, how);
            put_four(to, step, vreinterpretq_s32_s8(rm_neon_codes(a, b, o, clamped)), p->channels - j->block * 8);
        }
    }
}

RM_INLINE void row_of_tiles(const struct job *j, int quads, enum rm_neon_how how, int clamped) {
    const struct rm_neon_output o = rm_neon_output(j->p->zero, j->p->lo, j->p->hi);
    struct rm_neon_channels c = rm_neon_channels(j->p->scale, &j->p->fixed, j->block * 8, how);
    for (size_t x = 0; x < j->pixels; x += 8) {
        if (x + 8 > j->pixels) x = j->pixels - 8; /* the last tile may overlap the one before: the codes are the same */
        tile(j, x, &c, quads, &o, how, clamped);
    }
}

static void tiles_1(const struct job *j, enum rm_neon_how how) { RM_NEON_CASES(row_of_tiles, how, 1, j, 1); }
static void tiles_2(const struct job *j, enum rm_neon_how how) { RM_NEON_CASES(row_of_tiles, how, 1, j, 2); }

/* ---- which ---- */

/* A last block of 5 to 7 channels: eight into a small buffer, of which those that are channels are kept. */
static void last_channels(const struct job *j, enum rm_neon_how how) {
    const struct rm_pointwise *p = j->p;
    const int first = j->block * 8;
    int8_t buffer[8 * 8];
    struct rm_pointwise eight = *p;
    eight.channels = 8;
    eight.weights += (size_t)first * p->depth;
    eight.bias += first;
    eight.scale += first;
    for (size_t x = 0; x < j->pixels; x += 8) {
        if (x + 8 > j->pixels) x = j->pixels - 8;
        const int8_t *moved[RM_MAX_SEGMENTS];
        for (int s = 0; s < p->segments; s++) moved[s] = j->in[s] + x * p->segment_stride[s];
        const struct job alone = {&eight, moved, buffer, 8, 0};
        tiles_2(&alone, how);
        for (int i = 0; i < 8; i++)
            for (int c = first; c < p->channels; c++) j->out[(x + i) * p->channels + c] = buffer[i * 8 + c - first];
    }
}

/* How one half of eight channels is requantized. */
static int how_of_half(int how, int half) { return how == RM_BY_WIDE_FLOATS ? how : how & (half ? RM_UPPER_BY_FLOATS : RM_LOWER_BY_FLOATS) ? RM_BY_FLOATS : RM_BY_LINES; }

/* 1: done with weights that stay in registers. */
static int block_staying(const struct job *j, int clamped) {
    const struct rm_pointwise *p = j->p;
    const int left = p->channels - j->block * 8, how = p->rounded.how[j->block];
    quad_fn *const quad = quad_of(p->depth);
    if (p->segments > 1 || p->segment_stride[0] != p->depth) return 0;
    if (left >= 8 && staying_of(p->depth)) {
        staying_of(p->depth)(j, how, clamped);
        return 1;
    }
    if (!quad || (left < 8 && left != 4)) return 0;
    quad(j, j->block * 2, how_of_half(how, 0), clamped);
    if (left >= 8) quad(j, j->block * 2 + 1, how_of_half(how, 1), clamped);
    return 1;
}

void rm_pointwise_s8__neon_dotprod(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    const int clamped = p->lo > -128 || p->hi < 127;
    if (pixels < 8) {
        rm_pointwise_s8__scalar(p, in, out, pixels);
        return;
    }
    for (int block = 0; block < p->blocks; block++) {
        const struct job j = {p, in, out, pixels, block};
        const int left = p->channels - block * 8;
        const enum rm_neon_how how = rm_neon_how(p->fixed.shift[block], p->wide);
        if (block_staying(&j, clamped)) continue;
        if (left >= 8) tiles_2(&j, how);
        else if (left > 4) last_channels(&j, rm_neon_how(0, p->wide));
        else tiles_1(&j, how);
    }
}
