/* SDOT: four bytes of a pixel's run with four of each of four channels' weights.
 *
 * Up to 48 bytes deep the weights of eight channels stay in registers for a whole row; deeper ones go through in tiles of 8 pixels by 8 channels. */
#include "../core/neon.h"
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

/* One pixel's eight sums; depth: bytes, a multiple of 8. */
RM_INLINE void sums_staying(const int8_t *run, const int8x16_t w[12][2], const int32_t *bias, int depth, int32x4_t sum[2]) {
    sum[0] = vld1q_s32(bias);
    sum[1] = vld1q_s32(bias + 4);
    for (int k = 0; k + 16 <= depth; k += 16) {
        const int8x16_t v = vld1q_s8(run + k);
        for (int h = 0; h < 2; h++) {
            sum[h] = vdotq_laneq_s32(sum[h], w[k / 4][h], v, 0);
            sum[h] = vdotq_laneq_s32(sum[h], w[k / 4 + 1][h], v, 1);
            sum[h] = vdotq_laneq_s32(sum[h], w[k / 4 + 2][h], v, 2);
            sum[h] = vdotq_laneq_s32(sum[h], w[k / 4 + 3][h], v, 3);
        }
    }
    if (depth % 16) {
        const int8x8_t v = vld1_s8(run + depth - 8);
        for (int h = 0; h < 2; h++) {
            sum[h] = vdotq_lane_s32(sum[h], w[depth / 4 - 2][h], v, 0);
            sum[h] = vdotq_lane_s32(sum[h], w[depth / 4 - 1][h], v, 1);
        }
    }
}

/* Two pixels that lie depth bytes apart, to pixels that lie step bytes apart. */
RM_INLINE void pair_staying(const int8_t *run, const int8x16_t w[12][2], const int32_t **bias, struct rm_neon_channels *c, const struct rm_neon_output *o,
                            int8_t *to, size_t step, int depth, enum rm_neon_how how, int clamped) {
    int32x4_t a[2], b[2];
    sums_staying(run, w, *bias, depth, a);
    RM_RELOAD(*bias);
    sums_staying(run + depth, w, *bias, depth, b);
    RM_RELOAD(*bias);
    const int16x8_t qa = rm_neon_requantize(a[0], a[1], c, 0, o, how), qb = rm_neon_requantize(b[0], b[1], c, 1, o, how);
    put_two(to, step, rm_neon_codes(qa, qb, o, clamped));
}

/* Pixels lie depth bytes apart. Eight of them a turn, for a loop's own instructions are as many as a pair's requantization; then pairs. */
RM_INLINE void row_staying(const struct job *j, int depth, enum rm_neon_how how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    struct rm_neon_channels c = rm_neon_channels(p->scale, &p->fixed, j->block * 8, how);
    const int8_t *weights = p->weights + (size_t)j->block * depth * 8, *run = j->in[0];
    const int32_t *bias = biases(j, how);
    int8_t *to = j->out + j->block * 8;
    int8x16_t w[12][2];
    for (int g = 0; g < depth / 4; g++)
        for (int h = 0; h < 2; h++) w[g][h] = vld1q_s8(weights + (g * 2 + h) * 16);
    size_t left = j->pixels;
#define PAIR(run, to) pair_staying(run, w, &bias, &c, &o, to, step, depth, how, clamped)
    for (; left >= 8; left -= 8, run += 8 * depth) {
        PAIR(run, to);
        to += 2 * step;
        PAIR(run + 2 * depth, to);
        to += 2 * step;
        PAIR(run + 4 * depth, to);
        to += 2 * step;
        PAIR(run + 6 * depth, to);
        to += 2 * step;
    }
    for (; left >= 2; left -= 2, run += 2 * depth, to += 2 * step) PAIR(run, to);
    if (left) PAIR(run - depth, to - step); /* the last pair may overlap the one before: the codes are the same */
#undef PAIR
}

/* The same for four channels, four pixels at a time; w: [group]. */
RM_INLINE void row_of_four_staying(const struct job *j, int depth, enum rm_neon_how how, int clamped) {
    const struct rm_pointwise *p = j->p;
    const size_t step = p->channels;
    const struct rm_neon_output o = rm_neon_output(p->zero, p->lo, p->hi);
    struct rm_neon_channels c = rm_neon_channels(p->scale, &p->fixed, j->block * 8, how);
    const int8_t *weights = p->weights + (size_t)j->block * depth * 8, *run = j->in[0];
    const int32_t *bias = biases(j, how);
    int8_t *to = j->out + j->block * 8;
    int8x16_t w[12];
    for (int g = 0; g < depth / 4; g++) w[g] = vld1q_s8(weights + g * 32);
    for (size_t left = j->pixels; left;) {
        if (left < 4) {
            run -= (4 - left) * depth;
            to -= (4 - left) * step;
            left = 4;
        }
        int32x4_t sum[4];
        for (int i = 0; i < 4; i++) {
            sum[i] = vld1q_s32(bias);
            RM_RELOAD(bias);
            for (int k = 0; k + 16 <= depth; k += 16) {
                const int8x16_t v = vld1q_s8(run + i * depth + k);
                sum[i] = vdotq_laneq_s32(sum[i], w[k / 4], v, 0);
                sum[i] = vdotq_laneq_s32(sum[i], w[k / 4 + 1], v, 1);
                sum[i] = vdotq_laneq_s32(sum[i], w[k / 4 + 2], v, 2);
                sum[i] = vdotq_laneq_s32(sum[i], w[k / 4 + 3], v, 3);
            }
        }
        const int16x8_t qa = rm_neon_requantize_of(sum[0], sum[1], &c, 0, 0, 1, 0, &o, how);
        const int16x8_t qb = rm_neon_requantize_of(sum[2], sum[3], &c, 2, 0, 3, 0, &o, how);
        put_four(to, step, vreinterpretq_s32_s8(rm_neon_codes(qa, qb, &o, clamped)), 4);
        run += 4 * depth;
        to += 4 * step;
        left -= 4;
    }
}

#define STAYING(depth)                                                                                                               \
    static void staying_##depth(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row_staying, how, clamped, j, depth); }
STAYING(16)
STAYING(24)
STAYING(32)
STAYING(40)
STAYING(48)

static void four_staying_32(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row_of_four_staying, how, clamped, j, 32); }

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

static void tiles_1(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row_of_tiles, how, clamped, j, 1); }
static void tiles_2(const struct job *j, enum rm_neon_how how, int clamped) { RM_NEON_CASES(row_of_tiles, how, clamped, j, 2); }

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
        tiles_2(&alone, how, 1);
        for (int i = 0; i < 8; i++)
            for (int c = first; c < p->channels; c++) j->out[(x + i) * p->channels + c] = buffer[i * 8 + c - first];
    }
}

static void eight_channels(const struct job *j, enum rm_neon_how how, int clamped) {
    if (j->p->segments > 1 || j->p->segment_stride[0] != j->p->depth) tiles_2(j, how, clamped);
    else if (j->p->depth == 16) staying_16(j, how, clamped);
    else if (j->p->depth == 24) staying_24(j, how, clamped);
    else if (j->p->depth == 32) staying_32(j, how, clamped);
    else if (j->p->depth == 40) staying_40(j, how, clamped);
    else if (j->p->depth == 48) staying_48(j, how, clamped);
    else tiles_2(j, how, clamped);
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
        if (left >= 8) eight_channels(&j, how, clamped);
        else if (left > 4) last_channels(&j, rm_neon_how(0, p->wide));
        else if (left == 4 && p->segments == 1 && p->depth == 32 && p->segment_stride[0] == 32) four_staying_32(&j, how, clamped);
        else tiles_1(&j, how, clamped);
    }
}
