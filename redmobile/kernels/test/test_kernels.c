/* Every kernel of every list against the scalar reference, on random shapes, strides, zero points and scales up to the edges of their ranges.
 * Inputs and outputs lie against pages that may not be touched, at either end by turns.
 *
 * test_kernels [rounds] [seed]: prints a line for each kernel, and on a difference what it was, and ends with 1. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../colour/colour.h"
#include "../core/features.h"
#include "../core/requant.h"
#include "../depthwise/pack.h"
#include "../elementwise/elementwise.h"
#include "../plan/threads.h"
#include "../pointwise/pack.h"
#include "../pool/pool.h"
#include "../resize/resize.h"

static uint64_t state = 1;

static uint32_t any(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 24);
}

static int between(int lo, int hi) { return lo + (int)(any() % (uint32_t)(hi - lo + 1)); }
static float real(float lo, float hi) { return lo + (hi - lo) * (float)(any() % 65536) / 65535.0f; }
static int edge_or(int lo, int hi, int edge_lo, int edge_hi) { return any() % 4 ? between(lo, hi) : any() % 2 ? edge_lo : edge_hi; }

/* ---- memory between guard pages ---- */

#define PAGE 4096
static struct guarded {
    char *map;
    size_t bytes;
} guards[64];
static int guard_count;

/* `bytes` bytes that end (or begin) exactly at a page that may not be touched. */
static void *guarded(size_t bytes) {
    const size_t body = (bytes + PAGE - 1) / PAGE * PAGE;
    char *map = mmap(NULL, body + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + PAGE, body, PROT_READ | PROT_WRITE)) exit(3);
    guards[guard_count++] = (struct guarded){map, body + 2 * PAGE};
    return any() % 2 ? map + PAGE : map + PAGE + body - bytes;
}

static void free_guarded(void) {
    while (guard_count) {
        guard_count--;
        munmap(guards[guard_count].map, guards[guard_count].bytes);
    }
}

static int8_t *random_codes(size_t n) {
    int8_t *codes = guarded(n);
    const int extreme = any() % 4 == 0;
    for (size_t i = 0; i < n; i++) codes[i] = (int8_t)(extreme ? any() % 2 ? -128 : 127 : (int)any());
    return codes;
}

/* ---- comparing ---- */

static int failures;

static void compare(const char *name, const int8_t *expected, const int8_t *found, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++)
        if (expected[i] != found[i]) {
            printf("%s: differs at %zu of %zu: expected %d, found %d (%s)\n", name, i, n, expected[i], found[i], what);
            failures++;
            return;
        }
}

struct named {
    const char *name;
    uint32_t needs;
    void (*kernel)(void);
};

#define RM_KERNEL(feature, name) {#name, feature, (void (*)(void))name},
static const struct named pointwise[] = {
#include "../pointwise/kernels.inc"
};
static const struct named depthwise[] = {
#include "../depthwise/kernels.inc"
};
static const struct named add[] = {
#include "../elementwise/kernels_add.inc"
};
static const struct named mul[] = {
#include "../elementwise/kernels_mul.inc"
};
static const struct named mul_add[] = {
#include "../elementwise/kernels_mul_add.inc"
};
static const struct named bilinear2x[] = {
#include "../resize/kernels.inc"
};
static const struct named row_sum[] = {
#include "../pool/kernels.inc"
};
static const struct named flip[] = {
#include "../colour/kernels_flip.inc"
};
static const struct named yuv_to_rgb[] = {
#include "../colour/kernels_yuv_to_rgb.inc"
};
static const struct named rgb_to_yuv[] = {
#include "../colour/kernels_rgb_to_yuv.inc"
};
#undef RM_KERNEL

static uint32_t here;
#define EACH_KERNEL(list, k) for (const struct named *k = list; k < list + sizeof list / sizeof *list; k++) if ((k->needs & here) == k->needs)

/* ---- what is drawn by chance ---- */

static float scales[512];
static int32_t biases[512];

/* Now and then a row that is longer than what a kernel takes of it at once. */
static size_t some_pixels(int usually) { return between(1, any() % 16 ? usually : 20 * usually); }

static struct rm_conv_weights random_weights(int8_t *weights, int channels, int taps) {
    const int few = any() % 3 == 0;
    for (int i = 0; i < channels * taps; i++) weights[i] = (int8_t)(few ? between(-3, 3) : between(-127, 127));
    if (any() % 8 == 0) weights[any() % (uint32_t)(channels * taps)] = -128;
    const float size = any() % 8 ? real(0.0005f, 0.03f) : any() % 2 ? real(1e-6f, 1e-5f) : real(0.5f, 200.0f);
    for (int c = 0; c < channels; c++) {
        scales[c] = size * real(0.2f, 1.2f);
        biases[c] = any() % 16 ? between(-20000, 20000) : between(-2000000, 2000000);
    }
    return (struct rm_conv_weights){weights, any() % 8 ? biases : NULL, scales, any() % 8 ? channels : 1, 1.0f, 1.0f, edge_or(-128, 127, -128, 127)};
}

static void random_clamp(int *zero, int *lo, int *hi) {
    *zero = edge_or(-128, 127, -128, 127);
    *lo = -128;
    *hi = 127;
    if (any() % 2) return;
    *lo = *zero;
    if (any() % 2) *hi = between(*lo, 127);
}

static void test_pointwise(void) {
    struct rm_pointwise p = {0};
    int bytes[RM_MAX_SEGMENTS], total = 0;
    const int8_t *in[RM_MAX_SEGMENTS];
    static const int usual[] = {16, 24, 32, 40, 48, 56, 64, 96};
    const int segments = any() % 3 ? 1 : between(1, 5);
    const size_t pixels = any() % 4 ? some_pixels(40) : 1;
    const int channels = any() % 2 ? between(1, 5) * 8 : between(1, any() % 8 ? 40 : 150);
    for (int s = 0; s < segments; s++) {
        bytes[s] = any() % 2 ? usual[any() % 8] : between(1, 40) * (any() % 3 ? 4 : 1);
        const int rounded = (bytes[s] + 3) / 4 * 4;
        p.segment_stride[s] = bytes[s] + (any() % 2 ? 0 : between(0, 9));
        in[s] = random_codes((pixels - 1) * p.segment_stride[s] + rounded);
        total += bytes[s];
    }
    int8_t *weights = malloc((size_t)channels * total);
    struct rm_conv_weights from = random_weights(weights, channels, total);
    random_clamp(&p.zero, &p.lo, &p.hi);
    void *memory = aligned_alloc(64, (rm_pointwise_packed_bytes(segments, bytes, channels) + 63) / 64 * 64);
    memset(memory, 0, rm_pointwise_packed_bytes(segments, bytes, channels));
    if (rm_pointwise_pack(&p, &from, segments, bytes, channels, memory)) {
        int8_t *expected = guarded(pixels * channels), *found = guarded(pixels * channels);
        char what[128];
        snprintf(what, sizeof what, "%d segments, first %d bytes, %d channels, %zu pixels", segments, bytes[0], channels, pixels);
        rm_pointwise_s8__scalar(&p, in, expected, pixels);
        EACH_KERNEL(pointwise, k) {
            memset(found, 0x55, pixels * channels);
            ((rm_pointwise_fn *)k->kernel)(&p, in, found, pixels);
            compare(k->name, expected, found, pixels * channels, what);
        }
    }
    free(memory);
    free(weights);
}

static void test_depthwise(void) {
    struct rm_depthwise p = {0};
    const int kernel = any() % 2 ? 3 : 5, stride = any() % 3 ? 1 : 2, channels = any() % 2 ? between(1, 6) * 8 : between(1, any() % 8 ? 40 : 200);
    const int two = stride == 1 && any() % 4, rows = kernel + two;
    const size_t pixels = some_pixels(30);
    const int8_t *in[RM_MAX_KERNEL + 1];
    int8_t *weights = malloc((size_t)channels * kernel * kernel);
    struct rm_conv_weights from = random_weights(weights, channels, kernel * kernel);
    random_clamp(&p.zero, &p.lo, &p.hi);
    for (int r = 0; r < rows; r++) in[r] = random_codes(((pixels - 1) * stride + kernel) * channels);
    void *memory = aligned_alloc(64, (rm_depthwise_packed_bytes(kernel, stride, channels) + 63) / 64 * 64);
    memset(memory, 0, rm_depthwise_packed_bytes(kernel, stride, channels));
    if (rm_depthwise_pack(&p, &from, kernel, stride, channels, memory)) {
        int8_t *expected[2], *found[2];
        for (int i = 0; i < 2; i++) {
            expected[i] = guarded(pixels * channels);
            found[i] = guarded(pixels * channels);
        }
        char what[128];
        snprintf(what, sizeof what, "%dx%d stride %d, %d channels, %zu pixels, %d rows", kernel, kernel, stride, channels, pixels, 1 + two);
        rm_depthwise_s8__scalar(&p, in, expected[0], two ? expected[1] : NULL, pixels);
        EACH_KERNEL(depthwise, k) {
            for (int i = 0; i < 2; i++) memset(found[i], 0x55, pixels * channels);
            ((rm_depthwise_fn *)k->kernel)(&p, in, found[0], two ? found[1] : NULL, pixels);
            for (int i = 0; i < 1 + two; i++) compare(k->name, expected[i], found[i], pixels * channels, what);
        }
    }
    free(memory);
    free(weights);
}

static void test_arithmetic(void) {
    const size_t n = between(1, 300);
    const int8_t *a = random_codes(n), *b = random_codes(n);
    int8_t *expected = guarded(n), *found = guarded(n);
    const float out = real(0.001f, 0.1f);
    const int a_zero = edge_or(-128, 127, -128, 127), b_zero = edge_or(-128, 127, -128, 127);
    int zero, lo, hi;
    char what[128];
    random_clamp(&zero, &lo, &hi);
    struct rm_add sum;
    const float a_ratio = any() % 4 ? real(0.05f, 2.0f) : any() % 2 ? 0.001f : 255.9f, b_ratio = any() % 4 ? real(0.05f, 2.0f) : any() % 2 ? 0.00098f : 200.0f;
    if (rm_add_prepare(&sum, out * a_ratio, a_zero, out * b_ratio, b_zero, out, zero, lo, hi)) {
        snprintf(what, sizeof what, "ratios %g %g, zeros %d %d %d, shift %d", a_ratio, b_ratio, a_zero, b_zero, zero, sum.shift);
        rm_add_s8__scalar(&sum, a, b, expected, n);
        EACH_KERNEL(add, k) {
            ((rm_add_fn *)k->kernel)(&sum, a, b, found, n);
            compare(k->name, expected, found, n, what);
        }
    }
    struct rm_mul product;
    const float scale = any() % 4 ? real(0.0001f, 0.1f) : any() % 2 ? 1.6e-5f : real(0.4f, 255.0f);
    if (any() % 16 == 0 && rm_mul_prepare(&product, scale, a_zero, out, b_zero, out, zero, lo, hi)) {
        snprintf(what, sizeof what, "scale %g, zeros %d %d %d, multiplier %d", scale, a_zero, b_zero, zero, product.multiplier);
        rm_mul_s8__scalar(&product, a, b, expected, n);
        EACH_KERNEL(mul, k) {
            ((rm_mul_fn *)k->kernel)(&product, a, b, found, n);
            compare(k->name, expected, found, n, what);
        }
    }
}

static void test_mul_add(void) {
    const size_t n = between(1, 300);
    const int8_t *a = random_codes(n), *b = random_codes(n), *c = random_codes(n);
    int8_t *expected = guarded(n), *found = guarded(n);
    const float out = real(0.001f, 0.1f), scale = any() % 4 ? real(0.0001f, 0.1f) : real(0.4f, 255.0f), product_ratio = real(0.05f, 2.0f);
    const int second = any() % 2, zeros[4] = {edge_or(-128, 127, -128, 127), edge_or(-128, 127, -128, 127), between(-128, 127), between(-128, 127)};
    int zero, lo, hi, tight = any() % 4 == 0;
    struct rm_mul product;
    struct rm_add sum;
    if (any() % 16) return; /* to prepare a product takes long */
    random_clamp(&zero, &lo, &hi);
    const float c_ratio = real(0.05f, 2.0f), product_scale = out * product_ratio;
    if (!rm_mul_prepare(&product, scale, zeros[0], product_scale, zeros[1], product_scale, zeros[2], tight ? -100 : -128, 127)) return;
    const float first_scale = second ? out * c_ratio : product_scale, second_scale = second ? product_scale : out * c_ratio;
    if (!rm_add_prepare(&sum, first_scale, zeros[second ? 3 : 2], second_scale, zeros[second ? 2 : 3], out, zero, lo, hi)) return;
    rm_mul_add_s8__scalar(&product, &sum, second, a, b, c, expected, n);
    char what[128];
    snprintf(what, sizeof what, "%zu codes, scale %g, ratios %g %g, multiplier %d, second %d", n, scale, product_ratio, c_ratio, product.multiplier, second);
    EACH_KERNEL(mul_add, k) {
        ((rm_mul_add_fn *)k->kernel)(&product, &sum, second, a, b, c, found, n);
        compare(k->name, expected, found, n, what);
    }
}

static void test_bilinear2x(void) {
    const size_t pixels = between(1, 20), channels = any() % 2 ? between(1, 5) * 16 : between(1, 50);
    const int8_t *near = random_codes(pixels * channels), *far = random_codes(pixels * channels);
    int8_t *expected = guarded(2 * pixels * channels), *found = guarded(2 * pixels * channels);
    char what[64];
    snprintf(what, sizeof what, "%zu pixels, %zu channels", pixels, channels);
    rm_bilinear2x_s8__scalar(near, far, expected, pixels, channels);
    EACH_KERNEL(bilinear2x, k) {
        ((rm_bilinear2x_fn *)k->kernel)(near, far, found, pixels, channels);
        compare(k->name, expected, found, 2 * pixels * channels, what);
    }
}

static void test_row_sum(void) {
    const size_t pixels = any() % 8 ? between(1, 40) : between(250, 600), channels = any() % 2 ? between(1, 5) * 16 : between(1, 50);
    const int8_t *row = random_codes(pixels * channels);
    int32_t *expected = guarded(channels * sizeof *expected), *found = guarded(channels * sizeof *found);
    char what[64];
    snprintf(what, sizeof what, "%zu pixels, %zu channels", pixels, channels);
    memset(expected, 0, channels * sizeof *expected);
    rm_row_sum_s8__scalar(row, expected, pixels, channels);
    EACH_KERNEL(row_sum, k) {
        memset(found, 0, channels * sizeof *found);
        ((rm_row_sum_fn *)k->kernel)(row, found, pixels, channels);
        compare(k->name, (const int8_t *)expected, (const int8_t *)found, channels * sizeof *found, what);
    }
}

static void test_gather(void) {
    int bytes[RM_MAX_SEGMENTS], stride[RM_MAX_SEGMENTS], total = 0;
    const int segments = between(1, 5), twelves = any() % 2;
    const size_t pixels = between(1, 20);
    const int8_t *in[RM_MAX_SEGMENTS];
    for (int s = 0; s < segments; s++) {
        bytes[s] = twelves ? 12 : between(1, 40);
        stride[s] = twelves ? between(4, 30) : between(1, 50);
        in[s] = random_codes((pixels - 1) * stride[s] + bytes[s]);
        total += bytes[s];
    }
    const int to_stride = (total + 3) / 4 * 4;
    int8_t *to = guarded(pixels * to_stride + RM_SLACK), *expected = guarded(total);
    rm_gather_runs(in, bytes, stride, segments, to, to_stride, pixels);
    for (size_t x = 0; x < pixels; x++) {
        int at = 0;
        for (int s = 0; s < segments; at += bytes[s++]) memcpy(expected + at, in[s] + x * stride[s], bytes[s]);
        compare("rm_gather_runs", expected, to + x * to_stride, total, "");
    }
}

static void test_colours(void) {
    const size_t pixels = between(1, 70), pairs = (pixels + 1) / 2;
    const struct rm_yuv *m = &rm_yuv_matrices[any() % RM_YUV_MATRICES];
    const int v_first = any() % 2, two = any() % 2;
    uint8_t *y = (uint8_t *)random_codes(pixels), *uv = (uint8_t *)random_codes(2 * pairs);
    int8_t *rgb = guarded(3 * pixels), *rgb_found = guarded(3 * pixels), *below = random_codes(3 * pixels), *above = random_codes(3 * pixels);
    int8_t *yuv[3], *found[3]; /* Y of two rows, UV */
    for (int i = 0; i < 3; i++) {
        yuv[i] = guarded(i < 2 ? pixels : 2 * pairs);
        found[i] = guarded(i < 2 ? pixels : 2 * pairs);
    }
    char what[64];
    snprintf(what, sizeof what, "%zu pixels, matrix %d, v_first %d, %d rows", pixels, (int)(m - rm_yuv_matrices), v_first, 1 + two);
    rm_yuv_to_rgb_s8__scalar(m, v_first, y, uv, rgb, pixels);
    EACH_KERNEL(yuv_to_rgb, k) {
        ((rm_yuv_to_rgb_fn *)k->kernel)(m, v_first, y, uv, rgb_found, pixels);
        compare(k->name, rgb, rgb_found, 3 * pixels, what);
    }
    rm_rgb_to_yuv_s8__scalar(m, v_first, above, two ? below : NULL, (uint8_t *)yuv[0], two ? (uint8_t *)yuv[1] : NULL, (uint8_t *)yuv[2], pixels);
    EACH_KERNEL(rgb_to_yuv, k) {
        ((rm_rgb_to_yuv_fn *)k->kernel)(m, v_first, above, two ? below : NULL, (uint8_t *)found[0], two ? (uint8_t *)found[1] : NULL,
                                        (uint8_t *)found[2], pixels);
        for (int i = 0; i < 3; i++)
            if (i != 1 || two) compare(k->name, yuv[i], found[i], i < 2 ? pixels : 2 * pairs, what);
    }
    EACH_KERNEL(flip, k) {
        ((rm_flip_fn *)k->kernel)((const uint8_t *)above, (uint8_t *)rgb_found, 3 * pixels);
        rm_flip_u8__scalar((const uint8_t *)rgb_found, (uint8_t *)rgb, 3 * pixels);
        compare(k->name, above, rgb, 3 * pixels, what);
    }
}

/* ---- threads ---- */

static int worked[RM_MAX_THREADS];

static void work(void *argument, int i) { worked[i] += *(const int *)argument; }

static void test_threads(void) {
    for (int count = 1; count <= RM_MAX_THREADS; count++) {
        struct rm_threads *threads = rm_threads_new(count);
        const int step = 3;
        memset(worked, 0, sizeof worked);
        for (int round = 0; round < 50; round++) rm_threads_run(threads, work, (void *)&step);
        rm_threads_free(threads);
        for (int i = 0; i < RM_MAX_THREADS; i++)
            if (worked[i] != (i < count ? 150 : 0)) {
                printf("rm_threads: thread %d of %d worked %d times, expected 50\n", i, count, worked[i] / 3);
                failures++;
            }
    }
}

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? atoi(argv[1]) : 2000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) * 0x9E3779B97F4A7C15u + 1 : 1;
    here = rm_features_of_this_processor();
    void (*const tests[])(void) = {test_pointwise, test_depthwise,  test_arithmetic, test_mul_add, test_bilinear2x,
                                   test_row_sum,   test_gather,     test_colours};
    for (int round = 0; round < rounds && failures < 20; round++)
        for (unsigned t = 0; t < sizeof tests / sizeof *tests; t++) {
            tests[t]();
            free_guarded();
        }
    test_threads();
    EACH_KERNEL(pointwise, k) printf("%s\n", k->name);
    EACH_KERNEL(depthwise, k) printf("%s\n", k->name);
    EACH_KERNEL(add, k) printf("%s\n", k->name);
    EACH_KERNEL(mul, k) printf("%s\n", k->name);
    EACH_KERNEL(mul_add, k) printf("%s\n", k->name);
    EACH_KERNEL(bilinear2x, k) printf("%s\n", k->name);
    EACH_KERNEL(row_sum, k) printf("%s\n", k->name);
    EACH_KERNEL(flip, k) printf("%s\n", k->name);
    EACH_KERNEL(yuv_to_rgb, k) printf("%s\n", k->name);
    EACH_KERNEL(rgb_to_yuv, k) printf("%s\n", k->name);
    printf("%s: %d rounds, %d failures\n", rm_features_name(here), rounds, failures);
    return failures > 0;
}
