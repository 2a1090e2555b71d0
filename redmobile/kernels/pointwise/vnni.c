/* AVX-512 VNNI: 16 channels by 4 bytes an instruction. VPDPBUSD takes unsigned bytes on one side: the codes have their sign bits flipped, which the
 * biases know of (bias_unsigned). They are flipped once, into a buffer of a few pixels, and not for each group of channels anew. */
#include <string.h>

#include "../core/avx512.h"
#include "pointwise.h"

#define MOST_PIXELS 12 /* of a tile */
#define BUFFER_BYTES 16384

/* Channels that are made together: `wides` groups of 16, and one of 8 if `narrow`. What is asked of an output pixel: how its 64 codes are put. */
struct part {
    int block, wides, narrow;
    int channels;     /* without padding */
    int whole;        /* 1: the pixels of a store follow each other, `in_order` says which dwords */
    __m512i in_order;
};

/* Four bytes in every lane. */
RM_INLINE __m512i everywhere(const int8_t *at, int flip) {
    int32_t four;
    memcpy(&four, at, 4);
    return _mm512_set1_epi32(flip ? four ^ (int32_t)0x80808080 : four);
}

struct sums {
    __m512i wide[MOST_PIXELS][4];
    __m256i narrow[MOST_PIXELS];
};

/* Weights of 16 channels for four bytes: they lie in two blocks of 8. */
RM_INLINE __m512i two_blocks(const int8_t *w, size_t block_bytes) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)w)), _mm256_loadu_si256((const void *)(w + block_bytes)), 1);
}

RM_INLINE void multiply(struct sums *sums, const struct rm_pointwise *p, const int8_t *const *runs, int block, int wides, int narrow, int pixels, int flip) {
    const size_t block_bytes = (size_t)p->depth * 8;
    const int8_t *w = p->weights + block * block_bytes;
    RM_UNROLL for (int g = 0; g < wides; g++)
        RM_UNROLL for (int i = 0; i < pixels; i++) sums->wide[i][g] = _mm512_loadu_si512(p->bias_unsigned + block * 8 + g * 16);
    RM_UNROLL for (int i = 0; i < pixels && narrow; i++) sums->narrow[i] = _mm256_loadu_si256((const void *)(p->bias_unsigned + block * 8 + wides * 16));
    for (int s = 0; s < p->segments; s++) {
        const size_t stride = p->segment_stride[s];
        const int8_t *run[MOST_PIXELS / 3 + 1];
        RM_UNROLL for (int i = 0; i < pixels; i += 3) run[i / 3] = runs[s] + i * stride;
        for (int k = 0; k < p->segment_bytes[s]; k += 4, w += 32) {
            __m512i weights[4];
            __m256i narrow_weights;
            RM_UNROLL for (int g = 0; g < wides; g++) weights[g] = two_blocks(w + 2 * g * block_bytes, block_bytes);
            if (narrow) narrow_weights = _mm256_loadu_si256((const void *)(w + 2 * wides * block_bytes));
            RM_UNROLL for (int i = 0; i < pixels; i++) {
                const __m512i four = everywhere(run[i / 3] + i % 3 * stride + k, flip);
                RM_UNROLL for (int g = 0; g < wides; g++) RM_DOT(sums->wide[i][g], four, weights[g]);
                if (narrow) RM_DOT(sums->narrow[i], _mm512_castsi512_si256(four), narrow_weights);
            }
        }
    }
}

/* Rounded integers of group g of pixel i. */
RM_INLINE __m512i rounded(const struct sums *sums, const struct rm_pointwise *p, const struct rm_avx512_output *o, int block, int wides, int i, int g, int wide) {
    const float *scale = p->scale + block * 8 + g * 16;
    if (g < wides) return rm_avx512_rounded(sums->wide[i][g], _mm512_loadu_ps(scale), o, wide);
    return rm_avx512_rounded(_mm512_castsi256_si512(sums->narrow[i]), _mm512_castps256_ps512(_mm256_loadu_ps(scale)), o, wide);
}

/* Codes of one, two or four pixels, as many as 64 bytes hold, from pixel i on. */
RM_INLINE void put(const struct rm_pointwise *p, const struct part *part, __m512i codes, int8_t *to, int groups, int pixels) {
    if (part->whole) {
        _mm512_mask_storeu_epi8(to, rm_avx512_first((size_t)pixels * part->channels), _mm512_permutexvar_epi32(part->in_order, codes));
        return;
    }
    codes = rm_avx512_turned(codes);
    const __mmask64 kept = rm_avx512_first(part->channels);
    if (groups > 2) _mm512_mask_storeu_epi8(to, kept, codes);
    else if (groups == 2) {
        _mm256_mask_storeu_epi8(to, (__mmask32)kept, _mm512_castsi512_si256(codes));
        if (pixels > 1) _mm256_mask_storeu_epi8(to + p->channels, (__mmask32)kept, _mm512_extracti64x4_epi64(codes, 1));
    } else {
        _mm_mask_storeu_epi8(to, (__mmask16)kept, _mm512_castsi512_si128(codes));
        if (pixels > 1) _mm_mask_storeu_epi8(to + p->channels, (__mmask16)kept, _mm512_extracti32x4_epi32(codes, 1));
        if (pixels > 2) _mm_mask_storeu_epi8(to + 2 * p->channels, (__mmask16)kept, _mm512_extracti32x4_epi32(codes, 2));
        if (pixels > 3) _mm_mask_storeu_epi8(to + 3 * p->channels, (__mmask16)kept, _mm512_extracti32x4_epi32(codes, 3));
    }
}

RM_INLINE void put_all(const struct sums *sums, const struct rm_pointwise *p, const struct part *part, const struct rm_avx512_output *o, int8_t *out, int wides,
                       int narrow, int pixels, int wide) {
    const int groups = wides + narrow, at_once = groups > 2 ? 1 : 4 / groups;
    RM_UNROLL for (int i = 0; i < pixels; i += at_once) {
        __m512i q[4];
        const int here = pixels - i < at_once ? pixels - i : at_once;
        RM_UNROLL for (int v = 0; v < 4; v++) {
            const int used = v < here * groups ? v : 0;
            q[v] = v && !used ? q[0] : rounded(sums, p, o, part->block, wides, i + used / groups, used % groups, wide);
        }
        put(p, part, rm_avx512_codes(q[0], q[1], q[2], q[3], o), out + (size_t)i * p->channels, groups, here);
    }
}

/* runs[s]: the run of segment s for the tile's first pixel; flip: their sign bits are not flipped yet. */
RM_INLINE void tile(const struct rm_pointwise *p, const struct part *part, const int8_t *const *runs, int8_t *out, int wides, int narrow, int pixels, int flip) {
    struct sums sums;
    const struct rm_avx512_output o = rm_avx512_output(p->zero, p->lo, p->hi);
    multiply(&sums, p, runs, part->block, wides, narrow, pixels, flip);
    if (p->wide) put_all(&sums, p, part, &o, out, wides, narrow, pixels, 1);
    else put_all(&sums, p, part, &o, out, wides, narrow, pixels, 0);
}

/* All pixels of a few runs: tiles of `pixels`, the last one overlapping the one before it. */
RM_INLINE void tiles(const struct rm_pointwise *p, const struct part *part, const int8_t *const *runs, int8_t *out, size_t count, int wides, int narrow,
                     int pixels, int flip) {
    const int8_t *at[RM_MAX_SEGMENTS];
    for (size_t x = 0; x < count; x += pixels) {
        if (x + pixels > count) x = count - pixels;
        for (int s = 0; s < p->segments; s++) at[s] = runs[s] + x * p->segment_stride[s];
        tile(p, part, at, out + x * p->channels + part->block * 8, wides, narrow, pixels, flip);
    }
}

typedef void tiles_fn(const struct rm_pointwise *p, const struct part *part, const int8_t *const *runs, int8_t *out, size_t count);

#define TILES(wides, narrow, pixels)                                                                                                          \
    static void tiles_##wides##_##narrow(const struct rm_pointwise *p, const struct part *part, const int8_t *const *runs, int8_t *out, size_t count) { \
        tiles(p, part, runs, out, count, wides, narrow, pixels, 0);                                                                           \
    }                                                                                                                                         \
    static void one_##wides##_##narrow(const struct rm_pointwise *p, const struct part *part, const int8_t *const *runs, int8_t *out, size_t count) { \
        tiles(p, part, runs, out, count, wides, narrow, 1, 1);                                                                                \
    }
TILES(0, 1, 12)
TILES(1, 0, 12)
TILES(1, 1, 12)
TILES(2, 0, 12)
TILES(2, 1, 8)
TILES(3, 0, 8)
TILES(3, 1, 6)
TILES(4, 0, 6)

static tiles_fn *const many[5][2] = {{NULL, tiles_0_1}, {tiles_1_0, tiles_1_1}, {tiles_2_0, tiles_2_1}, {tiles_3_0, tiles_3_1}, {tiles_4_0, NULL}};
static tiles_fn *const single[5][2] = {{NULL, one_0_1}, {one_1_0, one_1_1}, {one_2_0, one_2_1}, {one_3_0, one_3_1}, {one_4_0, NULL}};

/* Which dword of the packed codes (rm_avx512_codes) each dword of the output is, where pixels of `channels`, a multiple of 4, follow each other. */
static __m512i in_order(int channels, int groups) {
    int32_t order[16] = {0};
    const int dwords = channels / 4;
    for (int d = 0; d < 16; d++) {
        const int from = d / dwords * groups * 4 + d % dwords; /* with padding */
        order[d] = from < 16 ? from % 4 * 4 + from / 4 : 0;
    }
    return _mm512_loadu_si512(order);
}

/* The next channels from `block` on: four groups at most, and no part much smaller than the others. */
static struct part next_part(const struct rm_pointwise *p, int block) {
    const int groups = (p->blocks - block + 1) / 2, parts = (groups + 3) / 4, here = (groups + parts - 1) / parts, last = here == groups;
    struct part part = {.block = block, .narrow = last && (p->blocks - block) % 2};
    part.wides = here - part.narrow;
    part.channels = last ? p->channels - block * 8 : here * 16;
    part.whole = part.channels == p->channels && part.channels % 4 == 0;
    if (part.whole) part.in_order = in_order(part.channels, here);
    return part;
}

static void run_parts(const struct rm_pointwise *p, const int8_t *const *runs, int8_t *out, size_t count, tiles_fn *const list[5][2]) {
    for (int block = 0; block < p->blocks;) {
        const struct part part = next_part(p, block);
        list[part.wides][part.narrow](p, &part, runs, out, count);
        block += 2 * part.wides + part.narrow;
    }
}

static void flip(const int8_t *from, int8_t *to, size_t bytes) {
    const __m512i signs = _mm512_set1_epi8(-128);
    for (size_t i = 0; i < bytes; i += 64) {
        const __mmask64 some = rm_avx512_first(bytes - i);
        _mm512_storeu_si512(to + i, _mm512_xor_si512(_mm512_maskz_loadu_epi8(some, from + i), signs));
    }
}

/* How many pixels of all segments the buffer holds. */
static size_t most_pixels(const struct rm_pointwise *p) {
    size_t fixed = 0, each = 0;
    for (int s = 0; s < p->segments; s++) {
        fixed += p->segment_bytes[s] + 64;
        each += p->segment_stride[s];
    }
    if (fixed >= BUFFER_BYTES) return 0;
    const size_t most = (BUFFER_BYTES - fixed) / (each ? each : 1);
    return most > 24 ? most / 24 * 24 : most; /* tiles are of 6, 8 or 12 pixels */
}

void rm_pointwise_s8__vnni(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) {
    _Alignas(64) int8_t buffer[BUFFER_BYTES + 64];
    const size_t most = most_pixels(p);
    if (pixels < MOST_PIXELS || most < MOST_PIXELS) {
        run_parts(p, in, out, pixels, single);
        return;
    }
    for (size_t x = 0, count; x < pixels; x += count) {
        count = pixels - x < most ? pixels - x : most;
        if (count < MOST_PIXELS) x = pixels - (count = MOST_PIXELS);
        const int8_t *runs[RM_MAX_SEGMENTS];
        int8_t *free_bytes = buffer;
        for (int s = 0; s < p->segments; s++) {
            const size_t bytes = (count - 1) * p->segment_stride[s] + p->segment_bytes[s];
            flip(in[s] + x * p->segment_stride[s], free_bytes, bytes);
            runs[s] = free_bytes;
            free_bytes += (bytes + 63) / 64 * 64;
        }
        run_parts(p, runs, out + x * p->channels, count, many);
    }
}
