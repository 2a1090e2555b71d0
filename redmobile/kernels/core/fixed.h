/* Requantization in integers that is proven, channel by channel, to give the codes of the float one (requant.h).
 *
 * Both are staircases that never go down as the sum goes up, so they are equal if they take each of their at most 255 steps at the same sum.
 * For every channel a line (multiplier and offset) is looked for whose staircase does; where there is none the kernel keeps to floats. What is
 * gained: two instructions for four sums instead of three, and the zero point and the rounding are part of the offset.
 *
 * The staircase: code = ((sum + plus) * 2^shift + low) * multiplier / 2^47, rounded down, then saturated and clamped. The instruction that shifts
 * has the shift built in, so there are two to choose from: 13 for scales below 2^-3 and sums below 2^18, 10 for 2^-6 and 2^21. */
#ifndef RM_FIXED_H
#define RM_FIXED_H

#include <stddef.h>
#include <stdint.h>

#define RM_FIXED_SHIFT_HIGH 13
#define RM_FIXED_SHIFT_LOW 10

struct rm_fixed {
    int32_t plus;       /* goes into the bias */
    int32_t low;        /* 0 to 2^shift - 1 */
    int32_t multiplier; /* scale * 2^(47 - shift) */
};

/* No sum of a channel is below least or above most; both are taken from its weights. */
struct rm_sums {
    double least, most;
};

/* The sums that a channel's products may add to a bias: weights (count, `every` bytes apart) times inputs less their zero point. */
struct rm_sums rm_sums_of(const int8_t *weights, int count, int every, int in_zero, int32_t bias);

/* Returns 1 with *fixed set, or 0 if no line is found. */
int rm_fixed_find(struct rm_fixed *fixed, int shift, float scale, int zero, int lo, int hi, struct rm_sums sums);

/* The arrays of a layer. shift[b]: that of the channels 8 b … 8 b + 7; 0 if they do not all have a line with the same. */
struct rm_fixed_layer {
    int32_t *bias, *low, *multiplier; /* [channels rounded up to 8] */
    int32_t *bias_pairs;              /* the same biases as pointwise.h's bias_pairs; NULL where there are none */
    uint8_t *shift;                   /* [blocks of 8] */
};

/* The same for processors with SQRDMLAH (all that have SDOT): code = (add + ((sum + plus) * multiplier / 2^31, rounded)) / 2^shift, rounded down. Adding
 * and multiplying are one instruction there, and the shift is a choice of bytes. Only whole numbers can be added, but `plus` moves the offset by parts
 * of them: the smallest one is taken with which the staircase takes every step at its sum. shift: 8 for scales below 2^-8, else 0. */
struct rm_rounded {
    int32_t plus, add, multiplier, shift;
};

/* How eight channels are requantized. Where a channel has no line, the four of its half go by floats: times the scale, plus 1.5 * 2^23 and the zero
 * point, and the code is in the lower half of the float. That takes a rounded value within int16, and an even zero point or no sum whose product lies
 * exactly between two integers, for rounding to even before and after it is added to be the same. Where that does not hold either, all eight go by
 * floats that saturate. */
enum rm_rounded_how { RM_BY_LINES, RM_LOWER_BY_FLOATS, RM_UPPER_BY_FLOATS, RM_BY_FLOATS, RM_BY_WIDE_FLOATS };

/* The arrays lie so that one instruction loads what four registers need for two pixels of eight channels, or for four pixels of four channels
 * (`quads`). pick: which bytes of two registers are the sixteen-bit codes of their eight lanes. Of channels that go by floats `multiplier` is the
 * scale, `add` what is added, both the bits of floats. */
struct rm_rounded_layer {
    int32_t *bias, *add;             /* [blocks][2 pixels][8] */
    int32_t *bias_quads, *add_quads; /* [blocks * 2][4 pixels][4] */
    int32_t *multiplier;             /* [blocks][8] */
    uint8_t *pick, *pick_quads;      /* [blocks][16]: of one pixel; [blocks * 2][16]: of two pixels */
    uint8_t *how;                    /* [blocks]: enum rm_rounded_how */
};

/* Returns 1 with *line set, or 0 if none is found. */
int rm_rounded_find(struct rm_rounded *line, float scale, int zero, int lo, int hi, struct rm_sums sums);

/* Bytes of memory that the arrays take; rm_rounded_place puts them into memory aligned to 64. */
size_t rm_rounded_bytes(int blocks);
void rm_rounded_place(struct rm_rounded_layer *layer, void *memory, int blocks);

/* Fills the arrays, as rm_fixed_find_layer does. */
void rm_rounded_find_layer(struct rm_rounded_layer *layer, const int32_t *bias, const float *scale, const struct rm_sums *sums, int channels, int zero, int lo,
                           int hi);

/* Fills the arrays from a layer's biases (as the kernels add them), scales and bounds. channels: without padding. */
void rm_fixed_find_layer(struct rm_fixed_layer *layer, const int32_t *bias, const float *scale, const struct rm_sums *sums, int channels, int zero, int lo, int hi);

#endif
