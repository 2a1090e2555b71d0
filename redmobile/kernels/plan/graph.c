#include "graph.h"

#include <stdlib.h>
#include <string.h>

#include "../core/requant.h"

void rm_graph_init(struct rm_graph *graph) { memset(graph, 0, sizeof *graph); }

void rm_graph_free(struct rm_graph *graph) {
    for (int i = 0; i < graph->block_count; i++) free(graph->blocks[i]);
    free(graph->blocks);
    free(graph->tensors);
    free(graph->ops);
    rm_graph_init(graph);
}

static int fail(struct rm_graph *graph, const char *fault) {
    graph->fault = fault;
    return -1;
}

static int grow(void **array, int *room, int count, size_t size) {
    if (count < *room) return 1;
    const int wanted = *room ? *room * 2 : 32;
    void *larger = realloc(*array, wanted * size);
    if (!larger) return 0;
    *array = larger;
    *room = wanted;
    return 1;
}

/* Zeroed memory, aligned to 64 bytes, that lives as long as the graph; NULL if there is none. */
static void *keep(struct rm_graph *graph, size_t bytes) {
    void **blocks = realloc(graph->blocks, (graph->block_count + 1) * sizeof *blocks);
    if (!blocks) return NULL;
    graph->blocks = blocks;
    void *block = NULL;
    if (posix_memalign(&block, 64, bytes + 64)) return NULL;
    memset(block, 0, bytes + 64);
    return graph->blocks[graph->block_count++] = block;
}

int rm_graph_tensor(struct rm_graph *graph, int height, int width, int channels, float scale, int zero) {
    if (!grow((void **)&graph->tensors, &graph->tensor_room, graph->tensor_count, sizeof *graph->tensors)) return fail(graph, "no memory");
    const int t = graph->tensor_count++;
    graph->tensors[t] = (struct rm_tensor){.height = height, .width = width, .channels = channels, .scale = scale, .zero = zero, .base = t,
                                           .every = 1, .producer = -1};
    return t;
}

int rm_graph_view(struct rm_graph *graph, int base, int every, int first, int height, int width, int channels, float scale, int zero) {
    const int t = rm_graph_tensor(graph, height, width, channels, scale, zero);
    if (t < 0) return t;
    graph->tensors[t].base = base;
    graph->tensors[t].every = every;
    graph->tensors[t].first = first;
    return t;
}

int rm_graph_op(struct rm_graph *graph, enum rm_kind kind, const int *inputs, int input_count, int output, int label) {
    if (input_count > RM_MAX_SEGMENTS) return fail(graph, "more parts than a convolution takes");
    if (!grow((void **)&graph->ops, &graph->op_room, graph->op_count, sizeof *graph->ops)) return fail(graph, "no memory");
    const int o = graph->op_count++;
    struct rm_op *op = &graph->ops[o];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    memcpy(op->inputs, inputs, input_count * sizeof *inputs);
    op->input_count = input_count;
    op->output = output;
    op->label = label;
    op->kernel_h = op->kernel_w = op->stride_h = op->stride_w = op->block = 1;
    graph->tensors[output].producer = o;
    return o;
}

/* Columns that the windows of the last pixels need on the right of the picture. */
static void set_pad_right(const struct rm_graph *graph, struct rm_op *op) {
    const struct rm_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->output];
    const int needed = (out->width - 1) * op->stride_w + op->kernel_w - op->pad_left - in->width;
    op->pad_right = needed > 0 ? needed : 0;
}

/* Kernels take RM_RUN_BYTES of a run at a time: short runs of several segments are better first made one. */
static int wants_gathering(int segments, const int *bytes) {
    for (int s = 0; s < segments; s++)
        if (segments > 1 && bytes[s] % RM_RUN_BYTES) return 1;
    return 0;
}

static int gather_segments(struct rm_op *op, int segments, int *bytes) {
    int whole = 0;
    for (int s = 0; s < segments; s++) {
        op->run_bytes[s] = bytes[s];
        op->run_stride[s] = op->pointwise.segment_stride[s];
        whole += bytes[s];
    }
    op->gathered = segments;
    bytes[0] = whole;
    op->pointwise.segment_stride[0] = (whole + 3) / 4 * 4;
    return 1;
}

int rm_graph_set_conv(struct rm_graph *graph, int o, const struct rm_conv_weights *weights, int lo, int hi) {
    struct rm_op *op = &graph->ops[o];
    int bytes[RM_MAX_SEGMENTS], segments = op->input_count > 1 ? op->input_count : op->kernel_h;
    if (segments > RM_MAX_SEGMENTS) return fail(graph, "a window of more than 16 rows");
    for (int s = 0; s < segments; s++) {
        const int channels = graph->tensors[op->inputs[op->input_count > 1 ? s : 0]].channels;
        bytes[s] = op->kernel_w * channels;
        op->pointwise.segment_stride[s] = op->stride_w * channels;
    }
    if (wants_gathering(segments, bytes)) segments = gather_segments(op, segments, bytes);
    const int channels = graph->tensors[op->output].channels;
    op->pointwise.zero = graph->tensors[op->output].zero;
    op->pointwise.lo = lo;
    op->pointwise.hi = hi;
    void *memory = keep(graph, rm_pointwise_packed_bytes(segments, bytes, channels));
    if (!memory) return fail(graph, "no memory");
    if (!rm_pointwise_pack(&op->pointwise, weights, segments, bytes, channels, memory)) return fail(graph, "a scale outside of [2^-32, 256)");
    op->weight_bytes = (size_t)op->pointwise.depth * channels + 8 * channels;
    set_pad_right(graph, op);
    return o;
}

int rm_graph_set_depthwise(struct rm_graph *graph, int o, const struct rm_conv_weights *weights, int lo, int hi) {
    struct rm_op *op = &graph->ops[o];
    const int channels = graph->tensors[op->output].channels;
    op->depthwise.zero = graph->tensors[op->output].zero;
    op->depthwise.lo = lo;
    op->depthwise.hi = hi;
    void *memory = keep(graph, rm_depthwise_packed_bytes(op->kernel_h, op->stride_h, channels));
    if (!memory) return fail(graph, "no memory");
    if (!rm_depthwise_pack(&op->depthwise, weights, op->kernel_h, op->stride_h, channels, memory)) return fail(graph, "a scale outside of [2^-32, 256)");
    op->weight_bytes = (size_t)op->kernel_h * op->kernel_w * channels + 8 * channels;
    set_pad_right(graph, op);
    return o;
}

int rm_graph_set_add(struct rm_graph *graph, int o, int lo, int hi) {
    struct rm_op *op = &graph->ops[o];
    const struct rm_tensor *a = &graph->tensors[op->inputs[0]], *b = &graph->tensors[op->inputs[1]], *out = &graph->tensors[op->output];
    if (rm_add_prepare(&op->add, a->scale, a->zero, b->scale, b->zero, out->scale, out->zero, lo, hi)) return o;
    return fail(graph, "a ratio of scales outside of [2^-10, 2^8)");
}

int rm_graph_set_mul(struct rm_graph *graph, int o, int lo, int hi) {
    struct rm_op *op = &graph->ops[o];
    const struct rm_tensor *a = &graph->tensors[op->inputs[0]], *b = &graph->tensors[op->inputs[1]], *out = &graph->tensors[op->output];
    if (rm_mul_prepare(&op->mul, a->scale, a->zero, b->scale, b->zero, out->scale, out->zero, lo, hi)) return o;
    return fail(graph, "a product of scales outside of [2^-16, 2^8)");
}

/* e^x by halving x until the series is short; |error| < 1e-15 relative for |x| < 700. Preparation only: no libm is needed. */
static double exponential(double x) {
    double sum = 1, term = 1;
    const double reduced = x / 1024;
    for (int i = 1; i < 12; i++) sum += term *= reduced / i;
    for (int i = 0; i < 10; i++) sum *= sum;
    return sum;
}

int rm_graph_set_logistic(struct rm_graph *graph, int o) {
    struct rm_op *op = &graph->ops[o];
    const struct rm_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->output];
    for (int code = -128; code < 128; code++) {
        double x = (double)in->scale * (code - in->zero);
        x = x < -600 ? -600 : x > 600 ? 600 : x;
        const double y = 1 / (1 + exponential(-x)) / out->scale;
        op->table[code + 128] = rm_requantize(1, y > 1024 ? 1024.0f : (float)y, out->zero, -128, 127);
    }
    return o;
}

int rm_graph_set_mean(struct rm_graph *graph, int o) {
    struct rm_op *op = &graph->ops[o];
    const struct rm_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->output];
    const int64_t pixels = (int64_t)in->height * in->width;
    if (pixels >= 1 << 23) return fail(graph, "a mean over 2^23 pixels or more");
    op->mean_scale = in->scale / out->scale / (float)pixels;
    if (!(op->mean_scale >= 0x1p-32f && op->mean_scale < 256.0f)) return fail(graph, "a scale outside of [2^-32, 256)");
    op->mean_offset = (float)out->zero - (float)(pixels * in->zero) * op->mean_scale;
    return o;
}

static int wants_room(const struct rm_op *op) {
    if (op->kind == RM_DEPTHWISE) return 1;
    if (op->kind != RM_POINTWISE) return 0;
    if (op->pad_left || op->pad_right || op->kernel_h > 1) return 1;
    for (int i = 0; i < op->pointwise.segments && !op->gathered; i++) /* the last group of four bytes may reach behind the row */
        if (op->pointwise.segment_stride[i] / op->stride_w * op->kernel_w % 4) return 1;
    return 0;
}

/* A tensor of the graph's own with the codes of `t`. The copy stands at the end of the operators; order is by need, not by number. */
static int copy_of(struct rm_graph *graph, int t) {
    const struct rm_tensor from = graph->tensors[t];
    const int copy = rm_graph_tensor(graph, from.height, from.width, from.channels, from.scale, from.zero);
    if (copy < 0 || rm_graph_op(graph, RM_COPY, &t, 1, copy, -1) < 0) return -1;
    return copy;
}

static int reads_of(const struct rm_graph *graph, int t) {
    int reads = 0;
    for (int o = 0; o < graph->op_count; o++)
        for (int i = 0; i < graph->ops[o].input_count; i++) reads += graph->ops[o].inputs[i] == t;
    return reads;
}

/* 1: t is the product of two whole pictures, and only one operator reads it. */
static int is_lone_product(const struct rm_graph *graph, int t) {
    const struct rm_tensor *tensor = &graph->tensors[t];
    if (tensor->producer < 0 || tensor->outside != RM_INSIDE || tensor->base != t || reads_of(graph, t) != 1) return 0;
    const struct rm_op *op = &graph->ops[tensor->producer];
    return op->kind == RM_MUL && op->spread == RM_FULL;
}

static void remove_op(struct rm_graph *graph, int o) {
    graph->tensors[graph->ops[o].output].producer = -1;
    memmove(&graph->ops[o], &graph->ops[o + 1], (graph->op_count - o - 1) * sizeof *graph->ops);
    graph->op_count--;
    for (int t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].producer > o) graph->tensors[t].producer--;
}

/* a * b and then + c to one operator, so that the product is never stored. */
static void join_products(struct rm_graph *graph) {
    for (int o = 0; o < graph->op_count; o++) {
        struct rm_op *sum = &graph->ops[o];
        if (sum->kind != RM_ADD || sum->spread != RM_FULL) continue;
        const int second = !is_lone_product(graph, sum->inputs[0]);
        if (second && !is_lone_product(graph, sum->inputs[1])) continue;
        const int product = graph->tensors[sum->inputs[second]].producer, other = sum->inputs[!second];
        sum->mul = graph->ops[product].mul;
        memcpy(sum->inputs, graph->ops[product].inputs, 2 * sizeof *sum->inputs);
        sum->inputs[2] = other;
        sum->input_count = 3;
        sum->kind = RM_MUL_ADD;
        sum->product_second = second;
        remove_op(graph, product);
        o -= product < o;
    }
}

int rm_graph_finish(struct rm_graph *graph) {
    join_products(graph);
    const int count = graph->op_count;
    for (int o = 0; o < count; o++)
        for (int i = 0; i < graph->ops[o].input_count; i++) {
            const int t = graph->ops[o].inputs[i];
            if (graph->tensors[graph->tensors[t].base].outside == RM_INSIDE || !wants_room(&graph->ops[o])) continue;
            const int copy = copy_of(graph, t);
            if (copy < 0) return -1;
            for (int other = o; other < count; other++)
                for (int j = 0; j < graph->ops[other].input_count; j++)
                    if (graph->ops[other].inputs[j] == t && wants_room(&graph->ops[other])) graph->ops[other].inputs[j] = copy;
        }
    return 0;
}
