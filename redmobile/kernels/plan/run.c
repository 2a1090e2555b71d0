/* One picture through a plan. */
#include <string.h>

#include "../core/requant.h"
#include "plan_inside.h"

/* First pixel of row y of a tensor: where it is kept whole, in the caller's memory, or in the band's ring. */
static int8_t *row_of(const struct rm_plan *plan, int band, int t, int y) {
    const struct rm_tensor *view = &plan->graph.tensors[t];
    const struct rm_place *place = &plan->places[view->base];
    const struct rm_tensor *base = &plan->graph.tensors[view->base];
    if (place->storage == RM_OUTSIDE_ROWS) {
        const size_t row = (size_t)y * view->every + view->first, bytes = (size_t)base->width * base->channels;
        const int8_t *memory = base->outside == RM_INPUT ? plan->inputs[base->outside_index] : plan->outputs[base->outside_index];
        if (base->outside == RM_INPUT || view->producer < 0 || !place->ring_rows || plan->level[view->producer] != plan->running_level)
            return (int8_t *)memory + row * bytes;
        const struct rm_step_range *r = &plan->bands[band].ranges[view->producer];
        const int per_step = rm_rows_per_step(&plan->graph.ops[view->producer]);
        if (y >= r->own_lo * per_step && y < r->own_hi * per_step) return (int8_t *)memory + row * bytes;
    }
    if (place->storage == RM_WHOLE) {
        const int o = view->producer;
        const int per_step = rm_rows_per_step(&plan->graph.ops[o]);
        const struct rm_step_range *r = &plan->bands[band].ranges[o];
        const int here = plan->level[o] != plan->running_level || plan->serial[o] || plan->graph.ops[o].kind == RM_MEAN ||
                         (y >= r->own_lo * per_step && y < r->own_hi * per_step);
        if (here) return place->whole + (size_t)y * place->pitch + place->left_bytes;
    }
    return plan->bands[band].rings[view->base] + (size_t)(y % place->ring_rows) * place->pitch + place->left_bytes;
}

/* The same, with rows above and below the picture, which hold the zero point. */
static const int8_t *bordered_row(const struct rm_plan *plan, int band, int t, int y) {
    if (y < 0 || y >= plan->graph.tensors[t].height) return plan->places[t].border + plan->places[t].left_bytes;
    return row_of(plan, band, t, y);
}

static void run_pointwise(struct rm_plan *plan, int band, const struct rm_op *op, int step) {
    const int8_t *in[RM_MAX_SEGMENTS];
    const struct rm_tensor *out = &plan->graph.tensors[op->output];
    if (op->input_count > 1) {
        for (int i = 0; i < op->input_count; i++) in[i] = row_of(plan, band, op->inputs[i], step);
    } else {
        const size_t left = (size_t)op->pad_left * plan->graph.tensors[op->inputs[0]].channels;
        for (int r = 0; r < op->kernel_h; r++) in[r] = bordered_row(plan, band, op->inputs[0], step * op->stride_h - op->pad_top + r) - left;
    }
    if (op->gathered) {
        int8_t *runs = plan->bands[band].scratch;
        rm_gather_runs(in, op->run_bytes, op->run_stride, op->gathered, runs, op->pointwise.segment_stride[0], out->width);
        in[0] = runs;
    }
    plan->pointwise(&op->pointwise, in, row_of(plan, band, op->output, step), out->width);
}

static void run_depthwise(struct rm_plan *plan, int band, const struct rm_op *op, int step, int count) {
    const int8_t *in[RM_MAX_KERNEL + 1];
    const size_t left = (size_t)op->pad_left * plan->graph.tensors[op->inputs[0]].channels;
    for (int r = 0; r < op->kernel_h + count - 1; r++)
        in[r] = bordered_row(plan, band, op->inputs[0], step * op->stride_h - op->pad_top + r) - left;
    int8_t *second = count == 2 ? row_of(plan, band, op->output, step + 1) : NULL;
    plan->depthwise(&op->depthwise, in, row_of(plan, band, op->output, step), second, plan->graph.tensors[op->output].width);
}

static const int8_t *second_operand(struct rm_plan *plan, int band, int o, int step) {
    const struct rm_op *op = &plan->graph.ops[o];
    const struct rm_tensor *a = &plan->graph.tensors[op->inputs[0]];
    if (op->spread == RM_VECTOR) return plan->vectors[o];
    const int8_t *row = row_of(plan, band, op->inputs[1], step);
    if (op->spread == RM_FULL) return row;
    rm_spread_s8(row, plan->bands[band].scratch, a->width, a->channels);
    return plan->bands[band].scratch;
}

static void run_step(struct rm_plan *plan, int band, int o, int step, int count) {
    const struct rm_op *op = &plan->graph.ops[o];
    const struct rm_tensor *in = &plan->graph.tensors[op->inputs[0]], *out = &plan->graph.tensors[op->output];
    const size_t codes = (size_t)out->width * out->channels;
    int lo, hi;
    switch (op->kind) {
    case RM_POINTWISE: run_pointwise(plan, band, op, step); break;
    case RM_DEPTHWISE: run_depthwise(plan, band, op, step, count); break;
    case RM_ADD:
        plan->add(&op->add, row_of(plan, band, op->inputs[0], step), second_operand(plan, band, o, step), row_of(plan, band, op->output, step), codes);
        break;
    case RM_MUL:
        plan->mul(&op->mul, row_of(plan, band, op->inputs[0], step), second_operand(plan, band, o, step), row_of(plan, band, op->output, step), codes);
        break;
    case RM_MUL_ADD:
        plan->mul_add(&op->mul, &op->add, op->product_second, row_of(plan, band, op->inputs[0], step), row_of(plan, band, op->inputs[1], step),
                      row_of(plan, band, op->inputs[2], step), row_of(plan, band, op->output, step), codes);
        break;
    case RM_TABLE: rm_table_s8(op->table, row_of(plan, band, op->inputs[0], step), row_of(plan, band, op->output, step), codes); break;
    case RM_BILINEAR2X:
        rm_rows_read(plan, op, 0, step, &lo, &hi);
        plan->bilinear2x(row_of(plan, band, op->inputs[0], step / 2), row_of(plan, band, op->inputs[0], step % 2 ? hi - 1 : lo),
                         row_of(plan, band, op->output, step), in->width, in->channels);
        break;
    case RM_DEPTH_TO_SPACE: {
        int8_t *rows[16];
        for (int r = 0; r < op->block; r++) rows[r] = row_of(plan, band, op->output, step * op->block + r);
        rm_depth_to_space_s8(row_of(plan, band, op->inputs[0], step), rows, in->width, out->channels, op->block);
        break;
    }
    case RM_MEAN:
        plan->row_sum(row_of(plan, band, op->inputs[0], step), plan->bands[band].sums + plan->sums_at[o], in->width, in->channels);
        break;
    case RM_COPY: memcpy(row_of(plan, band, op->output, step), row_of(plan, band, op->inputs[0], step), codes); break;
    }
}

static void run_band(void *given, int band) {
    struct rm_plan *plan = given;
    memset(plan->bands[band].sums, 0, plan->sums_count * sizeof(int32_t));
    rm_run_band(plan, band, plan->running_level, run_step);
}

/* XNNPACK adds the offset before it rounds; a mean exactly between two codes shows it. */
static void finish_mean(struct rm_plan *plan, int o) {
    const struct rm_op *op = &plan->graph.ops[o];
    const struct rm_tensor *out = &plan->graph.tensors[op->output];
    int8_t *to = row_of(plan, 0, op->output, 0);
    for (int c = 0; c < out->channels; c++) {
        int32_t sum = 0;
        for (int band = 0; band < plan->options.threads; band++) sum += plan->bands[band].sums[plan->sums_at[o] + c];
        const float mean = (float)sum * op->mean_scale + op->mean_offset;
        to[c] = (int8_t)rm_round(mean < -128.0f ? -128.0f : mean > 127.0f ? 127.0f : mean);
    }
}

/* Operators on single pixels run in the order of need, which is not that of their numbers where copies were put in. */
static void run_serial(struct rm_plan *plan, int o, char *done) {
    const struct rm_op *op = &plan->graph.ops[o];
    for (int i = 0; i < op->input_count; i++) {
        const int producer = plan->graph.tensors[op->inputs[i]].producer;
        if (producer >= 0 && plan->serial[producer] && plan->level[producer] == plan->level[o] && !done[producer]) run_serial(plan, producer, done);
    }
    run_step(plan, 0, o, 0, 1);
    done[o] = 1;
}

static void before_bands(struct rm_plan *plan, int level, char *done) {
    for (int o = 0; o < plan->graph.op_count; o++)
        if (plan->level[o] == level && plan->serial[o] && !done[o]) run_serial(plan, o, done);
    for (int o = 0; o < plan->graph.op_count; o++) {
        const struct rm_op *op = &plan->graph.ops[o];
        if (plan->level[o] != level || !plan->vectors[o]) continue;
        const struct rm_tensor *out = &plan->graph.tensors[op->output];
        const int8_t *vector = row_of(plan, 0, op->inputs[1], 0);
        for (int x = 0; x < out->width; x++) memcpy(plan->vectors[o] + (size_t)x * out->channels, vector, out->channels);
    }
}

void rm_plan_run(struct rm_plan *plan, const int8_t *const *inputs, int8_t *const *outputs) {
    char *done = plan->serial + plan->graph.op_count; /* the second half: see plan.c */
    memset(done, 0, plan->graph.op_count);
    plan->inputs = inputs;
    plan->outputs = outputs;
    for (int level = 0; level < plan->level_count; level++) {
        plan->running_level = level;
        before_bands(plan, level, done);
        rm_threads_run(plan->threads, run_band, plan);
        for (int o = 0; o < plan->graph.op_count; o++)
            if (plan->level[o] == level && plan->graph.ops[o].kind == RM_MEAN && !plan->serial[o]) finish_mean(plan, o);
    }
}
