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

/* Fills the arrays from a layer's biases (as the kernels add them), scales and bounds. channels: without padding. */
void rm_fixed_find_layer(struct rm_fixed_layer *layer, const int32_t *bias, const float *scale, const struct rm_sums *sums, int channels, int zero, int lo, int hi);

#endif
