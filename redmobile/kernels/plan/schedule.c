/* In which order a band makes its rows. Planning walks through this without computing, to learn how long rows must be kept. */
#include "plan_inside.h"

int rm_rows_per_step(const struct rm_op *op) { return op->kind == RM_DEPTH_TO_SPACE ? op->block : 1; }

int rm_steps(const struct rm_plan *plan, const struct rm_op *op) {
    if (op->kind == RM_MEAN) return plan->graph.tensors[op->inputs[0]].height;
    return plan->graph.tensors[op->output].height / rm_rows_per_step(op);
}

int rm_makes_pairs(const struct rm_op *op) { return op->kind == RM_DEPTHWISE && op->stride_h == 1; }

static int clamped(int v, int most) { return v < 0 ? 0 : v > most ? most : v; }

void rm_rows_read(const struct rm_plan *plan, const struct rm_op *op, int i, int step, int *lo, int *hi) {
    const struct rm_tensor *in = &plan->graph.tensors[op->inputs[i]];
    *lo = step;
    *hi = step + 1;
    if (i && op->spread == RM_VECTOR) {
        *lo = *hi = 0;
    } else if (op->kind == RM_POINTWISE || op->kind == RM_DEPTHWISE) {
        *lo = clamped(step * op->stride_h - op->pad_top, in->height);
        *hi = clamped(step * op->stride_h - op->pad_top + op->kernel_h, in->height);
    } else if (op->kind == RM_BILINEAR2X) {
        *lo = clamped(step % 2 ? step / 2 : step / 2 - 1, in->height);
        *hi = clamped(step % 2 ? step / 2 + 2 : step / 2 + 1, in->height);
    }
}

void rm_advance(struct rm_plan *plan, int band, int o, int upto, rm_done_fn *done) {
    struct rm_band *b = &plan->bands[band];
    const struct rm_op *op = &plan->graph.ops[o];
    while (b->next[o] < upto) {
        const int step = b->next[o];
        int count = 1;
        /* A pair only if both rows are of the same kind: kept whole, or only passing through. */
        if (rm_makes_pairs(op) && step + 1 < b->ranges[o].hi && step + 1 != b->ranges[o].own_lo && step + 1 != b->ranges[o].own_hi) count = 2;
        for (int i = 0; i < op->input_count; i++) {
            const int producer = plan->graph.tensors[op->inputs[i]].producer;
            if (producer < 0 || plan->level[producer] != plan->level[o] || plan->serial[producer]) continue;
            int lo, hi, per_step = rm_rows_per_step(&plan->graph.ops[producer]);
            rm_rows_read(plan, op, i, step + count - 1, &lo, &hi);
            rm_advance(plan, band, producer, (hi + per_step - 1) / per_step, done);
        }
        b->next[o] = step + count;
        done(plan, band, o, step, count);
    }
}

static int is_sink(const struct rm_plan *plan, int o) {
    const struct rm_op *op = &plan->graph.ops[o];
    return op->kind == RM_MEAN || plan->places[op->output].storage != RM_RING;
}

/* Sinks go forward side by side, each by its share of the level, so that what two of them read need not be kept for long. */
void rm_run_band(struct rm_plan *plan, int band, int level, rm_done_fn *done) {
    struct rm_band *b = &plan->bands[band];
    int most = 0, sinks = 0;
    for (int o = plan->graph.op_count - 1; o >= 0; o--) {
        if (plan->level[o] != level || plan->serial[o]) continue;
        b->next[o] = b->ranges[o].lo;
        if (!is_sink(plan, o)) continue;
        b->sinks[sinks++] = o;
        if (b->ranges[o].own_hi - b->ranges[o].own_lo > most) most = b->ranges[o].own_hi - b->ranges[o].own_lo;
    }
    for (int part = 1; part <= most; part++)
        for (int i = 0; i < sinks; i++) {
            const struct rm_step_range *r = &b->ranges[b->sinks[i]];
            rm_advance(plan, band, b->sinks[i], r->own_lo + (int)((int64_t)(r->own_hi - r->own_lo) * part / most), done);
        }
}
