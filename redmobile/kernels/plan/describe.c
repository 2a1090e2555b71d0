/* The plan as JSON. */
#include <stdarg.h>

#include "plan_inside.h"

struct text {
    char *to;
    size_t room, length;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...) {
    va_list values;
    va_start(values, format);
    const size_t left = text->length < text->room ? text->room - text->length : 0;
    const int added = vsnprintf(left ? text->to + text->length : NULL, left, format, values);
    va_end(values);
    if (added > 0) text->length += added;
}

static const char *const kinds[] = {"convolution", "depthwise", "add", "mul", "table", "bilinear_2x", "depth_to_space", "mean", "copy", "mul_add"};
static const char *const storages[] = {"outside", "whole", "ring"};

static size_t picture_bytes(const struct rm_tensor *t) { return (size_t)t->height * t->width * t->channels; }

/* Every operator reads and writes whole pictures. */
static size_t bytes_op_by_op(const struct rm_plan *plan) {
    size_t bytes = 0;
    for (int o = 0; o < plan->graph.op_count; o++) {
        const struct rm_op *op = &plan->graph.ops[o];
        bytes += op->weight_bytes + picture_bytes(&plan->graph.tensors[op->output]);
        for (int i = 0; i < op->input_count; i++) bytes += picture_bytes(&plan->graph.tensors[op->inputs[i]]);
    }
    return bytes;
}

/* Once for each level that reads it, and once where it is written: pictures that are kept whole or come from outside, and the weights. */
static size_t bytes_depth_first(const struct rm_plan *plan) {
    size_t bytes = 0;
    for (int o = 0; o < plan->graph.op_count; o++) {
        const struct rm_op *op = &plan->graph.ops[o];
        bytes += op->weight_bytes;
        if (plan->places[op->output].storage != RM_RING) bytes += picture_bytes(&plan->graph.tensors[op->output]);
    }
    for (int t = 0; t < plan->graph.tensor_count; t++) {
        if (plan->places[t].storage == RM_RING) continue;
        for (int level = 0; level < plan->level_count; level++) {
            int reads = 0;
            for (int o = 0; o < plan->graph.op_count; o++)
                for (int i = 0; i < plan->graph.ops[o].input_count; i++) {
                    const int producer = plan->graph.tensors[t].producer;
                    reads |= plan->level[o] == level && plan->graph.ops[o].inputs[i] == t && (producer < 0 || plan->level[producer] != level);
                }
            if (reads) bytes += picture_bytes(&plan->graph.tensors[t]);
        }
    }
    return bytes;
}

static void put_op(struct text *text, const struct rm_plan *plan, int o) {
    const struct rm_op *op = &plan->graph.ops[o];
    const struct rm_tensor *out = &plan->graph.tensors[op->output];
    const struct rm_place *place = &plan->places[op->output];
    int64_t made = 0;
    for (int band = 0; band < plan->options.threads; band++) made += plan->bands[band].ranges[o].hi - plan->bands[band].ranges[o].lo;
    const int64_t again = plan->serial[o] ? 0 : made - rm_steps(plan, op);
    put(text, "{\"node\": %d, \"kind\": \"%s\", \"output\": [%d, %d, %d], \"kept\": \"%s\", \"ring_rows\": %d, \"ring_bytes\": %zu, \"steps\": %d, "
              "\"steps_made_again\": %lld, \"reads\": [", op->label, kinds[op->kind], out->height, out->width, out->channels,
        storages[place->storage], place->ring_rows, place->ring_rows * place->pitch, rm_steps(plan, op), (long long)(again > 0 ? again : 0));
    for (int i = 0; i < op->input_count; i++) put(text, "%s%d", i ? ", " : "", op->inputs[i]);
    put(text, "], \"writes\": %d}", op->output);
}

static void put_ops(struct text *text, const struct rm_plan *plan, int level, int serial) {
    const char *comma = "";
    for (int o = 0; o < plan->graph.op_count; o++) {
        if (plan->level[o] != level || plan->serial[o] != serial) continue;
        put(text, "%s\n      ", comma);
        put_op(text, plan, o);
        comma = ",";
    }
}

int rm_plan_describe(const struct rm_plan *plan, char *to, size_t room) {
    struct text text = {to, room, 0};
    put(&text, "{\"threads\": %d, \"isa\": \"%s\", \"l2_bytes\": %zu, \"memory_bytes\": %zu, \"predicted_bytes_op_by_op\": %zu, "
               "\"predicted_bytes_depth_first\": %zu, \"levels\": [", plan->options.threads, rm_features_name(plan->options.features),
        plan->options.l2_bytes, plan->memory_bytes, bytes_op_by_op(plan), bytes_depth_first(plan));
    for (int level = 0; level < plan->level_count; level++) {
        size_t rings = 0;
        for (int o = 0; o < plan->graph.op_count; o++) {
            const struct rm_place *place = &plan->places[plan->graph.ops[o].output];
            if (plan->level[o] == level) rings += place->ring_rows * place->pitch;
        }
        put(&text, "%s\n  {\"ring_bytes\": %zu,\n    \"before\": [", level ? "," : "", rings);
        put_ops(&text, plan, level, 1);
        put(&text, "],\n    \"chain\": [");
        put_ops(&text, plan, level, 0);
        put(&text, "]}");
    }
    put(&text, "]}\n");
    return (int)text.length;
}
