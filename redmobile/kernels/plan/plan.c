/* From a graph to levels, rings and memory. */
#include <stdlib.h>
#include <string.h>

#include "plan_inside.h"

#define EACH_OP(plan, o) for (int o = 0; o < (plan)->graph.op_count; o++)
#define EACH_TENSOR(plan, t) for (int t = 0; t < (plan)->graph.tensor_count; t++)

static int is_pixel(const struct rm_tensor *t) { return t->height == 1 && t->width == 1; }

/* ---- levels ---- */

enum { UNKNOWN = -1, VISITING = -2 };

static int find_level(struct rm_plan *plan, int o);

/* The first level in which input i of an operator can be read. */
static int level_of_input(struct rm_plan *plan, const struct rm_op *op, int i) {
    const int producer = plan->graph.tensors[op->inputs[i]].producer;
    if (producer < 0) return 0;
    const int level = find_level(plan, producer);
    if (level < 0) return level;
    const int spread_from_bands = i && op->spread == RM_VECTOR && !plan->serial[producer];
    return level + (plan->graph.ops[producer].kind == RM_MEAN || spread_from_bands || plan->cut[op->inputs[i]]);
}

/* All inputs are single pixels that stand before the level's bands begin. */
static int is_serial(const struct rm_plan *plan, const struct rm_op *op, int level) {
    if (op->kind == RM_MEAN || !is_pixel(&plan->graph.tensors[op->output])) return 0;
    for (int i = 0; i < op->input_count; i++) {
        const struct rm_tensor *in = &plan->graph.tensors[op->inputs[i]];
        if (!is_pixel(in)) return 0;
        if (in->producer >= 0 && plan->level[in->producer] == level && !plan->serial[in->producer]) return 0;
    }
    return 1;
}

/* Level of operator o; VISITING if it needs itself. */
static int find_level(struct rm_plan *plan, int o) {
    if (plan->level[o] != UNKNOWN) return plan->level[o];
    plan->level[o] = VISITING;
    int level = 0;
    for (int i = 0; i < plan->graph.ops[o].input_count; i++) {
        const int found = level_of_input(plan, &plan->graph.ops[o], i);
        if (found < 0) return VISITING;
        if (found > level) level = found;
    }
    plan->serial[o] = (char)is_serial(plan, &plan->graph.ops[o], level);
    return plan->level[o] = level;
}

static int find_levels(struct rm_plan *plan) {
    EACH_OP(plan, o) plan->level[o] = UNKNOWN;
    plan->level_count = 0;
    EACH_OP(plan, o) {
        if (find_level(plan, o) < 0) return 0;
        if (plan->level[o] + 1 > plan->level_count) plan->level_count = plan->level[o] + 1;
    }
    return 1;
}

/* ---- where rows are kept ---- */

static void find_readers(struct rm_plan *plan) {
    EACH_TENSOR(plan, t) plan->readers[t].count = 0;
    EACH_OP(plan, o) {
        const struct rm_op *op = &plan->graph.ops[o];
        for (int i = 0; i < op->input_count; i++) {
            const int t = op->inputs[i], producer = plan->graph.tensors[t].producer;
            if (producer < 0 || plan->serial[o] || plan->serial[producer] || plan->level[o] != plan->level[producer]) continue;
            struct rm_readers *r = &plan->readers[t];
            if (!r->count || r->ops[r->count - 1] != o) r->ops[r->count++] = o;
        }
    }
}

static void find_storage(struct rm_plan *plan) {
    EACH_TENSOR(plan, t) {
        struct rm_place *place = &plan->places[t];
        const struct rm_tensor *tensor = &plan->graph.tensors[t];
        memset(place, 0, sizeof *place);
        place->storage = plan->graph.tensors[tensor->base].outside != RM_INSIDE ? RM_OUTSIDE_ROWS : RM_RING;
        if (place->storage == RM_RING && tensor->producer >= 0 && (plan->serial[tensor->producer] || plan->graph.ops[tensor->producer].kind == RM_MEAN))
            place->storage = RM_WHOLE;
    }
    EACH_OP(plan, o) {
        const struct rm_op *op = &plan->graph.ops[o];
        for (int i = 0; i < op->input_count; i++) {
            const int t = op->inputs[i], producer = plan->graph.tensors[t].producer;
            struct rm_place *place = &plan->places[t];
            if (place->storage == RM_RING && producer >= 0 && plan->level[o] != plan->level[producer]) place->storage = RM_WHOLE;
            if (op->kind != RM_POINTWISE && op->kind != RM_DEPTHWISE) continue;
            if (op->pad_left > place->pad_left) place->pad_left = op->pad_left;
            if (op->pad_right > place->pad_right) place->pad_right = op->pad_right;
            if (op->kernel_h > 1) place->bordered = 1;
        }
    }
    EACH_TENSOR(plan, t) {
        struct rm_place *place = &plan->places[t];
        const struct rm_tensor *tensor = &plan->graph.tensors[t];
        place->left_bytes = ((size_t)place->pad_left * tensor->channels + 15) / 16 * 16;
        place->pitch = (place->left_bytes + (size_t)(tensor->width + place->pad_right) * tensor->channels + RM_SLACK + 63) / 64 * 64;
    }
}

/* ---- what each band makes ---- */

static void find_ranges(struct rm_plan *plan, int band, int bands) {
    struct rm_step_range *ranges = plan->bands[band].ranges;
    EACH_OP(plan, o) {
        const struct rm_op *op = &plan->graph.ops[o];
        const int64_t steps = rm_steps(plan, op);
        const int sink = op->kind == RM_MEAN || plan->places[op->output].storage != RM_RING;
        ranges[o] = (struct rm_step_range){0, 0, 0, 0};
        if (plan->serial[o] || !sink) continue;
        ranges[o].own_lo = ranges[o].lo = (int)(steps * band / bands);
        ranges[o].own_hi = ranges[o].hi = (int)(steps * (band + 1) / bands);
    }
}

/* Widens the ranges of what operator o reads; 1 if one of them grew. */
static int widen_inputs(struct rm_plan *plan, int band, int o) {
    struct rm_step_range *ranges = plan->bands[band].ranges;
    const struct rm_op *op = &plan->graph.ops[o];
    int grew = 0;
    if (ranges[o].lo >= ranges[o].hi) return 0;
    for (int i = 0; i < op->input_count; i++) {
        const int producer = plan->graph.tensors[op->inputs[i]].producer;
        if (producer < 0 || plan->serial[producer] || plan->level[producer] != plan->level[o]) continue;
        int lo, hi, ignored;
        rm_rows_read(plan, op, i, ranges[o].lo, &lo, &ignored);
        rm_rows_read(plan, op, i, ranges[o].hi - 1, &ignored, &hi);
        if (lo >= hi) continue;
        const int per_step = rm_rows_per_step(&plan->graph.ops[producer]);
        struct rm_step_range *r = &ranges[producer];
        lo /= per_step;
        hi = (hi + per_step - 1) / per_step;
        if (r->lo >= r->hi) {
            r->lo = lo;
            r->hi = hi;
            grew = 1;
        }
        if (lo < r->lo) r->lo = lo, grew = 1;
        if (hi > r->hi) r->hi = hi, grew = 1;
    }
    return grew;
}

static void find_all_ranges(struct rm_plan *plan) {
    for (int band = 0; band < plan->options.threads; band++) {
        find_ranges(plan, band, plan->options.threads);
        for (int grew = 1; grew;) {
            grew = 0;
            for (int o = plan->graph.op_count - 1; o >= 0; o--) grew |= widen_inputs(plan, band, o);
        }
    }
}

/* ---- how long rows are kept ---- */

/* After a step: from the lowest row of its output that a reader still wants to the highest one made. */
static void keep_rows(struct rm_plan *plan, int band, int o, int step, int count) {
    const struct rm_op *op = &plan->graph.ops[o];
    const struct rm_band *b = &plan->bands[band];
    if (op->kind == RM_MEAN) return;
    struct rm_place *place = &plan->places[op->output];
    const struct rm_readers *readers = &plan->readers[op->output];
    const int per_step = rm_rows_per_step(op), made = (step + count) * per_step;
    const struct rm_step_range *own = &b->ranges[o];
    const int whole = place->storage != RM_RING && own->lo >= own->own_lo && own->hi <= own->own_hi;
    if (whole || (!readers->count && place->storage != RM_RING)) return;
    int lowest = step * per_step;
    for (int i = 0; i < readers->count; i++) {
        const int r = readers->ops[i];
        const struct rm_op *reader = &plan->graph.ops[r];
        if (b->next[r] >= b->ranges[r].hi) continue;
        for (int j = 0; j < reader->input_count; j++) {
            int lo, hi;
            if (reader->inputs[j] != op->output) continue;
            rm_rows_read(plan, reader, j, b->next[r], &lo, &hi);
            if (lo < lowest) lowest = lo;
        }
    }
    if (made - lowest > place->ring_rows) place->ring_rows = made - lowest;
}

static void find_rings(struct rm_plan *plan) {
    EACH_TENSOR(plan, t) plan->places[t].ring_rows = 0;
    for (int level = 0; level < plan->level_count; level++)
        for (int band = 0; band < plan->options.threads; band++) rm_run_band(plan, band, level, keep_rows);
}

static size_t ring_bytes(const struct rm_plan *plan, int level) {
    size_t bytes = 0;
    EACH_OP(plan, o) {
        const struct rm_place *place = &plan->places[plan->graph.ops[o].output];
        if (plan->level[o] == level) bytes += place->ring_rows * place->pitch;
    }
    return bytes;
}

static size_t most_ring_bytes(const struct rm_plan *plan) {
    size_t most = 0;
    for (int level = 0; level < plan->level_count; level++) {
        const size_t bytes = ring_bytes(plan, level);
        if (bytes > most) most = bytes;
    }
    return most;
}

static int arrange(struct rm_plan *plan) {
    if (!find_levels(plan)) return 0;
    find_readers(plan);
    find_storage(plan);
    find_all_ranges(plan);
    find_rings(plan);
    return 1;
}

/* The one more tensor that, kept whole, makes the rings of the fullest level smallest; -1 if none makes them smaller. */
static int best_cut(struct rm_plan *plan) {
    size_t least = most_ring_bytes(plan);
    int best = -1;
    EACH_TENSOR(plan, t) {
        if (plan->cut[t] || plan->graph.tensors[t].producer < 0 || is_pixel(&plan->graph.tensors[t])) continue;
        plan->cut[t] = 1;
        if (arrange(plan) && most_ring_bytes(plan) < least) {
            least = most_ring_bytes(plan);
            best = t;
        }
        plan->cut[t] = 0;
    }
    return best;
}

static int arrange_for_l2(struct rm_plan *plan) {
    if (!arrange(plan)) return 0;
    while (most_ring_bytes(plan) > plan->options.l2_bytes) {
        const int t = best_cut(plan);
        if (t >= 0) plan->cut[t] = 1;
        if (!arrange(plan)) return 0;
        if (t < 0) break;
    }
    return 1;
}

/* ---- memory ---- */

/* Hands out memory from `at` on, or only counts, where at is NULL. */
struct hand {
    int8_t *at;
    size_t given;
};

static int8_t *hand_out(struct hand *hand, size_t bytes) {
    int8_t *place = hand->at ? hand->at + hand->given : NULL;
    hand->given += (bytes + 63) / 64 * 64;
    return place;
}

static void fill(int8_t *memory, int zero, size_t bytes) {
    if (memory) memset(memory, zero, bytes);
}

static void hand_out_places(struct rm_plan *plan, struct hand *hand) {
    EACH_TENSOR(plan, t) {
        struct rm_place *place = &plan->places[t];
        const struct rm_tensor *tensor = &plan->graph.tensors[t];
        if (place->storage == RM_WHOLE) fill(place->whole = hand_out(hand, place->pitch * tensor->height), tensor->zero, place->pitch * tensor->height);
        if (place->bordered) fill(place->border = hand_out(hand, place->pitch), tensor->zero, place->pitch);
        if (!place->ring_rows) continue;
        for (int band = 0; band < plan->options.threads; band++) {
            int8_t *ring = hand_out(hand, place->pitch * place->ring_rows);
            fill(ring, tensor->zero, place->pitch * place->ring_rows);
            if (hand->at) plan->bands[band].rings[t] = ring;
        }
    }
}

static void hand_out_rest(struct rm_plan *plan, struct hand *hand) {
    plan->sums_count = plan->scratch_bytes = 0;
    EACH_OP(plan, o) {
        const struct rm_op *op = &plan->graph.ops[o];
        const struct rm_tensor *out = &plan->graph.tensors[op->output];
        const size_t row = (size_t)out->width * out->channels;
        plan->sums_at[o] = plan->sums_count;
        if (op->kind == RM_MEAN) plan->sums_count += out->channels;
        plan->vectors[o] = op->spread == RM_VECTOR ? hand_out(hand, row) : NULL;
        const size_t runs = op->gathered ? (size_t)out->width * op->pointwise.segment_stride[0] + RM_SLACK : op->spread == RM_PIXEL ? row : 0;
        if (runs > plan->scratch_bytes) plan->scratch_bytes = runs;
    }
    for (int band = 0; band < plan->options.threads; band++) {
        plan->bands[band].sums = (int32_t *)hand_out(hand, plan->sums_count * sizeof(int32_t) + 64);
        plan->bands[band].scratch = hand_out(hand, plan->scratch_bytes + 64);
    }
}

static int find_memory(struct rm_plan *plan) {
    struct hand counting = {NULL, 0};
    hand_out_places(plan, &counting);
    hand_out_rest(plan, &counting);
    void *memory = NULL;
    if (posix_memalign(&memory, 64, counting.given + 64)) return 0;
    plan->memory = memory;
    plan->memory_bytes = counting.given;
    struct hand giving = {plan->memory, 0};
    hand_out_places(plan, &giving);
    hand_out_rest(plan, &giving);
    return 1;
}

static int find_arrays(struct rm_plan *plan) {
    const size_t ops = plan->graph.op_count + 1, tensors = plan->graph.tensor_count + 1;
    plan->level = calloc(ops, sizeof *plan->level);
    plan->serial = calloc(2 * ops, 1);
    plan->cut = calloc(tensors, 1);
    plan->places = calloc(tensors, sizeof *plan->places);
    plan->readers = calloc(tensors, sizeof *plan->readers);
    plan->vectors = calloc(ops, sizeof *plan->vectors);
    plan->sums_at = calloc(ops, sizeof *plan->sums_at);
    int *readers = calloc(tensors * ops, sizeof *readers);
    if (plan->readers) plan->readers[0].ops = readers;
    if (!plan->level || !plan->serial || !plan->cut || !plan->places || !plan->readers || !plan->vectors || !plan->sums_at || !readers) return 0;
    for (size_t t = 1; t < tensors; t++) plan->readers[t].ops = readers + t * ops;
    for (int band = 0; band < plan->options.threads; band++) {
        struct rm_band *b = &plan->bands[band];
        b->rings = calloc(tensors, sizeof *b->rings);
        b->next = calloc(ops, sizeof *b->next);
        b->sinks = calloc(ops, sizeof *b->sinks);
        b->ranges = calloc(ops, sizeof *b->ranges);
        if (!b->rings || !b->next || !b->sinks || !b->ranges) return 0;
    }
    return 1;
}

/* What this executor does not do, in one sentence; NULL if it does all of it. */
static const char *find_fault(const struct rm_plan *plan) {
    EACH_OP(plan, o) {
        const struct rm_op *op = &plan->graph.ops[o];
        for (int i = 0; i < op->input_count; i++) {
            const struct rm_tensor *in = &plan->graph.tensors[op->inputs[i]], *base = &plan->graph.tensors[in->base];
            if (in->producer < 0 && base->outside != RM_INPUT) return "a tensor that no operator makes";
            if (in->base != op->inputs[i] && base->outside == RM_OUTPUT) return "rows of an output that are read again";
        }
        if (op->kind == RM_DEPTH_TO_SPACE && op->block > 16) return "depth to space with blocks of more than 16";
    }
    return NULL;
}

struct rm_plan *rm_plan_new(struct rm_graph *graph, const struct rm_options *options, const char **fault) {
    struct rm_plan *plan = calloc(1, sizeof *plan);
    *fault = "no memory";
    if (!plan) {
        rm_graph_free(graph);
        return NULL;
    }
    plan->graph = *graph;
    rm_graph_init(graph);
    plan->options = *options;
    const char *found = find_fault(plan);
    if (found) *fault = found;
    else if (find_arrays(plan)) {
        *fault = "operators that need each other";
        if (arrange_for_l2(plan)) {
            *fault = "no memory or no threads";
            rm_choose_kernels(plan);
            plan->threads = find_memory(plan) ? rm_threads_new(plan->options.threads) : NULL;
            if (plan->threads) return plan;
        }
    }
    rm_plan_free(plan);
    return NULL;
}

void rm_plan_free(struct rm_plan *plan) {
    if (!plan) return;
    rm_threads_free(plan->threads);
    for (int band = 0; band < RM_MAX_THREADS; band++) {
        free(plan->bands[band].rings);
        free(plan->bands[band].next);
        free(plan->bands[band].sinks);
        free(plan->bands[band].ranges);
    }
    if (plan->readers) free(plan->readers[0].ops);
    free(plan->readers);
    free(plan->places);
    free(plan->level);
    free(plan->serial);
    free(plan->cut);
    free(plan->vectors);
    free(plan->sums_at);
    free(plan->memory);
    rm_graph_free(&plan->graph);
    free(plan);
}
