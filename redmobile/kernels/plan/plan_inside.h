/* What planning and running share. */
#ifndef RM_PLAN_INSIDE_H
#define RM_PLAN_INSIDE_H

#include "plan.h"

enum rm_storage { RM_OUTSIDE_ROWS, RM_WHOLE, RM_RING };

struct rm_place {
    enum rm_storage storage;
    int pad_left, pad_right;  /* columns of zero point beside each row */
    size_t left_bytes, pitch; /* bytes before a row's first pixel; from row to row */
    int ring_rows;            /* rows of each thread's ring; 0: none */
    int bordered;             /* 1: somebody reads above or below the picture */
    int8_t *whole, *border;
};

struct rm_step_range {
    int lo, hi;       /* steps that the band makes */
    int own_lo, own_hi; /* of these, those whose rows are kept whole or leave the graph */
};

struct rm_band {
    int8_t **rings;               /* [tensor] */
    int *next, *sinks;            /* [op]: the next step; those of the level at hand whose rows leave it */
    struct rm_step_range *ranges; /* [op] */
    int32_t *sums;                /* of all means, one behind the other */
    int8_t *scratch;              /* one row of the widest tensor */
};

struct rm_readers {
    int *ops; /* of the same level, not serial */
    int count;
};

struct rm_plan {
    struct rm_graph graph;
    struct rm_options options;
    struct rm_threads *threads;
    int level_count;
    int *level;                 /* [op] */
    char *serial;               /* [op]: 1: made once, before the bands of its level; behind it as many bytes for rm_plan_run */
    char *cut;                  /* [tensor]: 1: kept whole though its readers would not ask for it */
    struct rm_place *places;    /* [tensor] */
    struct rm_readers *readers; /* [tensor] */
    struct rm_band bands[RM_MAX_THREADS];
    int8_t **vectors;           /* [op]: second input of a sum or product, spread over a row; NULL */
    size_t *sums_at;            /* [op]: place of its sums in a band's */
    size_t sums_count;
    size_t scratch_bytes;
    int8_t *memory;
    size_t memory_bytes;
    const int8_t *const *inputs;
    int8_t *const *outputs;
    int running_level;
    rm_pointwise_fn *pointwise;
    rm_depthwise_fn *depthwise;
    rm_add_fn *add;
    rm_mul_fn *mul;
    rm_mul_add_fn *mul_add;
    rm_bilinear2x_fn *bilinear2x;
    rm_row_sum_fn *row_sum;
};

/* Rows of inputs[i] that a step reads, cut to the picture: [*lo, *hi). */
void rm_rows_read(const struct rm_plan *plan, const struct rm_op *op, int i, int step, int *lo, int *hi);
int rm_steps(const struct rm_plan *plan, const struct rm_op *op);
int rm_rows_per_step(const struct rm_op *op);
/* 1: the operator may make two steps at once. */
int rm_makes_pairs(const struct rm_op *op);

/* Brings operator o of a band up to step `upto`, and before that what it reads. done: called after each step, once for its `count` steps. */
typedef void rm_done_fn(struct rm_plan *plan, int band, int o, int step, int count);
void rm_advance(struct rm_plan *plan, int band, int o, int upto, rm_done_fn *done);
/* All operators of a level, for one band, in the order of running. */
void rm_run_band(struct rm_plan *plan, int band, int level, rm_done_fn *done);

void rm_choose_kernels(struct rm_plan *plan);

#endif
