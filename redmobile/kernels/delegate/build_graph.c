#include "build_graph.h"

#include <stdlib.h>
#include <string.h>

#include "../core/requant.h"

/* ---- what a node may look like ---- */

struct shape {
    int height, width, channels;
};

static TfLiteTensor *tensor_of(const TfLiteContext *context, int t) { return t < 0 ? NULL : &context->tensors[t]; }
static TfLiteTensor *input_of(const TfLiteContext *context, const TfLiteNode *node, int i) {
    return i < node->inputs->size ? tensor_of(context, node->inputs->data[i]) : NULL;
}
static TfLiteTensor *output_of(const TfLiteContext *context, const TfLiteNode *node, int i) { return tensor_of(context, node->outputs->data[i]); }

/* [1, h, w, c], or [1, c] as one pixel. */
static int shape_of(const TfLiteTensor *tensor, struct shape *shape) {
    const TfLiteIntArray *d = tensor->dims;
    if (!d || (d->size != 4 && d->size != 2) || d->data[0] != 1) return 0;
    *shape = d->size == 4 ? (struct shape){d->data[1], d->data[2], d->data[3]} : (struct shape){1, 1, d->data[1]};
    return shape->height > 0 && shape->width > 0 && shape->channels > 0 && (int64_t)shape->height * shape->width * shape->channels < 1 << 30;
}

static const TfLiteAffineQuantization *affine_of(const TfLiteTensor *tensor) {
    return tensor->quantization.type == kTfLiteAffineQuantization ? tensor->quantization.params : NULL;
}

/* Codes that operators make: one scale and zero point, a shape known in advance. */
static int is_activation(const TfLiteTensor *tensor) {
    struct shape shape;
    if (!tensor || tensor->type != kTfLiteInt8 || tensor->allocation_type == kTfLiteMmapRo || !shape_of(tensor, &shape)) return 0;
    if (tensor->dims_signature)
        for (int i = 0; i < tensor->dims_signature->size; i++)
            if (tensor->dims_signature->data[i] < 0) return 0;
    const TfLiteAffineQuantization *affine = affine_of(tensor);
    return affine && affine->scale->size == 1 && tensor->params.scale > 0 && tensor->params.zero_point >= -128 && tensor->params.zero_point <= 127;
}

static int same_codes(const TfLiteTensor *a, const TfLiteTensor *b) {
    return a->params.scale == b->params.scale && a->params.zero_point == b->params.zero_point;
}

static int is_constant(const TfLiteTensor *tensor, int type) {
    return tensor && tensor->type == type && tensor->allocation_type == kTfLiteMmapRo && tensor->data && tensor->dims;
}

static int known_activation(int activation) { return activation >= kTfLiteActNone && activation <= kTfLiteActRelu6; }

static int takes_weights(const TfLiteTensor *weights, const TfLiteTensor *bias, int channels) {
    const TfLiteAffineQuantization *affine = weights ? affine_of(weights) : NULL;
    if (!is_constant(weights, kTfLiteInt8) || weights->dims->size != 4 || !affine) return 0;
    if (affine->scale->size != 1 && affine->scale->size != channels) return 0;
    if (affine->zero_point)
        for (int i = 0; i < affine->zero_point->size; i++)
            if (affine->zero_point->data[i]) return 0;
    return !bias || (is_constant(bias, kTfLiteInt32) && bias->bytes == channels * sizeof(int32_t));
}

static int takes_conv(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteConvParams *p = node->builtin_data;
    const TfLiteTensor *in = input_of(context, node, 0), *weights = input_of(context, node, 1), *out = output_of(context, node, 0);
    struct shape is, os;
    if (!shape_of(in, &is) || !shape_of(out, &os) || !takes_weights(weights, input_of(context, node, 2), os.channels)) return 0;
    const int *w = weights->dims->data;
    return w[0] == os.channels && w[3] == is.channels && w[1] <= RM_MAX_SEGMENTS && w[2] <= 64 && p->dilation_width == 1 && p->dilation_height == 1 &&
           p->stride_width > 0 && p->stride_height > 0 && known_activation(p->activation) && (p->padding == kTfLitePaddingSame || p->padding == kTfLitePaddingValid);
}

static int takes_depthwise(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteDepthwiseConvParams *p = node->builtin_data;
    const TfLiteTensor *in = input_of(context, node, 0), *weights = input_of(context, node, 1), *out = output_of(context, node, 0);
    struct shape is, os;
    if (!shape_of(in, &is) || !shape_of(out, &os) || !takes_weights(weights, input_of(context, node, 2), os.channels)) return 0;
    const int *w = weights->dims->data;
    return is.channels == os.channels && w[3] == os.channels && w[1] == w[2] && (w[1] == 3 || w[1] == 5) && p->stride_width == p->stride_height &&
           (p->stride_width == 1 || p->stride_width == 2) && p->dilation_width == 1 && p->dilation_height == 1 && known_activation(p->activation) &&
           (p->padding == kTfLitePaddingSame || p->padding == kTfLitePaddingValid);
}

/* How the second operand is spread over the first; -1: not in a way that is known. */
static int spread_of(const struct shape *a, const struct shape *b) {
    if (a->height == b->height && a->width == b->width && a->channels == b->channels) return RM_FULL;
    if (b->height == 1 && b->width == 1 && a->channels == b->channels) return RM_VECTOR;
    if (a->height == b->height && a->width == b->width && b->channels == 1) return RM_PIXEL;
    return -1;
}

/* Larger operand first. */
static int takes_arithmetic(const TfLiteContext *context, const TfLiteNode *node, int *larger, int *spread) {
    struct shape s[2], os;
    const TfLiteArithmeticParams *p = node->builtin_data;
    if (!is_activation(input_of(context, node, 1)) || !known_activation(p->activation)) return 0;
    if (!shape_of(input_of(context, node, 0), &s[0]) || !shape_of(input_of(context, node, 1), &s[1]) || !shape_of(output_of(context, node, 0), &os)) return 0;
    *larger = spread_of(&s[0], &s[1]) < 0;
    *spread = spread_of(&s[*larger], &s[!*larger]);
    return *spread >= 0 && spread_of(&os, &s[*larger]) == RM_FULL;
}

static int takes_mean(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteTensor *axes = input_of(context, node, 1);
    struct shape is, os;
    if (!is_constant(axes, kTfLiteInt32) || axes->bytes != 2 * sizeof(int32_t) || input_of(context, node, 0)->dims->size != 4) return 0;
    const int32_t *axis = axes->data;
    const int sides = (axis[0] == 1 && axis[1] == 2) || (axis[0] == 2 && axis[1] == 1);
    return sides && shape_of(input_of(context, node, 0), &is) && shape_of(output_of(context, node, 0), &os) && os.height == 1 && os.width == 1 &&
           os.channels == is.channels;
}

static int takes_resize(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteResizeBilinearParams *p = node->builtin_data;
    struct shape is, os;
    if (!shape_of(input_of(context, node, 0), &is) || !shape_of(output_of(context, node, 0), &os)) return 0;
    return p->half_pixel_centers && !p->align_corners && os.height == 2 * is.height && os.width == 2 * is.width &&
           same_codes(input_of(context, node, 0), output_of(context, node, 0));
}

static int takes_depth_to_space(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteDepthToSpaceParams *p = node->builtin_data;
    struct shape is;
    return shape_of(input_of(context, node, 0), &is) && p->block_size > 1 && p->block_size <= 16 && is.channels % (p->block_size * p->block_size) == 0 &&
           same_codes(input_of(context, node, 0), output_of(context, node, 0));
}

static int takes_concatenation(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteConcatenationParams *p = node->builtin_data;
    if (p->activation != kTfLiteActNone || node->inputs->size > RM_MAX_SEGMENTS || (p->axis != 2 && p->axis != 3)) return 0;
    for (int i = 0; i < node->inputs->size; i++)
        if (!is_activation(input_of(context, node, i)) || !same_codes(input_of(context, node, i), output_of(context, node, 0))) return 0;
    return 1;
}

static int takes_split(const TfLiteContext *context, const TfLiteNode *node) {
    const TfLiteTensor *axis = input_of(context, node, 0);
    if (!is_constant(axis, kTfLiteInt32) || axis->bytes != sizeof(int32_t) || *(const int32_t *)axis->data != 2) return 0;
    if (!is_activation(input_of(context, node, 1))) return 0;
    for (int i = 0; i < node->outputs->size; i++)
        if (!is_activation(output_of(context, node, i))) return 0;
    return 1;
}

int rm_takes_node(TfLiteContext *context, const TfLiteNode *node, const TfLiteRegistration *registration) {
    int larger, spread;
    if (node->outputs->size < 1 || !is_activation(output_of(context, node, 0))) return 0;
    if (registration->builtin_code == kSplit) return takes_split(context, node);
    if (!is_activation(input_of(context, node, 0))) return 0;
    const int code = registration->builtin_code;
    if (code == kLogistic) return 1;
    if (code == kReshape) return same_codes(input_of(context, node, 0), output_of(context, node, 0));
    if (code == kMean) return takes_mean(context, node);
    if (!node->builtin_data) return 0;
    switch (code) {
    case kConv2d: return takes_conv(context, node);
    case kDepthwiseConv2d: return takes_depthwise(context, node);
    case kAdd:
    case kMul: return takes_arithmetic(context, node, &larger, &spread);
    case kResizeBilinear: return takes_resize(context, node);
    case kDepthToSpace: return takes_depth_to_space(context, node);
    case kConcatenation: return takes_concatenation(context, node);
    default: return 0;
    }
}

/* ---- the graph ---- */

/* What a TFLite tensor is in the graph. */
struct value {
    enum { NOTHING, TENSOR, ROWS /* of a tensor of the graph's own, seen in another shape */, GROUP /* span rows of `tensor` to one */, PARTS } kind;
    int tensor, span;
    int parts[RM_MAX_SEGMENTS], part_count;
};

struct builder {
    TfLiteContext *context;
    struct rm_graph *graph;
    struct value *values;
};

static const char *const strange_view = "a view that is neither rows of an input nor rows joined to an output";

static int new_tensor(struct builder *b, const TfLiteTensor *from) {
    struct shape s;
    if (!shape_of(from, &s)) return -1;
    return rm_graph_tensor(b->graph, s.height, s.width, s.channels, from->params.scale, from->params.zero_point);
}

static int fail(struct builder *b, const char *fault) {
    b->graph->fault = fault;
    return 0;
}

static struct value *value_of(struct builder *b, int t) { return &b->values[t]; }

/* The graph's tensor that node input i is; -1 if it is only a view of one. */
static int plain_input(struct builder *b, const TfLiteNode *node, int i) {
    const struct value *v = value_of(b, node->inputs->data[i]);
    if (v->kind == TENSOR) return v->tensor;
    b->graph->fault = strange_view;
    return -1;
}

static int set_output(struct builder *b, const TfLiteNode *node) {
    const int t = new_tensor(b, output_of(b->context, node, 0));
    if (t >= 0) *value_of(b, node->outputs->data[0]) = (struct value){.kind = TENSOR, .tensor = t};
    return t;
}

static void clamp_of(const TfLiteTensor *out, int activation, int *lo, int *hi) {
    const float zero = (float)out->params.zero_point;
    float least = -128.0f, most = 127.0f;
    if (activation == kTfLiteActRelu || activation == kTfLiteActRelu6) least = zero;
    if (activation == kTfLiteActReluN1To1) least = -1.0f / out->params.scale + zero;
    if (activation == kTfLiteActRelu6) most = 6.0f / out->params.scale + zero;
    if (activation == kTfLiteActReluN1To1) most = 1.0f / out->params.scale + zero;
    *lo = rm_round(least < -128.0f ? -128.0f : least > 127.0f ? 127.0f : least);
    *hi = rm_round(most < -128.0f ? -128.0f : most > 127.0f ? 127.0f : most);
}

static void weights_of(const struct builder *b, const TfLiteNode *node, struct rm_conv_weights *w) {
    const TfLiteTensor *in = input_of(b->context, node, 0), *weights = input_of(b->context, node, 1), *bias = input_of(b->context, node, 2);
    const TfLiteAffineQuantization *affine = affine_of(weights);
    *w = (struct rm_conv_weights){.weights = weights->data, .bias = bias ? bias->data : NULL, .scales = affine->scale->data,
                                  .scale_count = affine->scale->size, .in_scale = in->params.scale,
                                  .out_scale = output_of(b->context, node, 0)->params.scale, .in_zero = in->params.zero_point};
}

/* Output size and padding before the picture; 0 if the model's output has another size. */
static int place_window(int in, int out, int kernel, int stride, int padding, int *before) {
    *before = 0;
    if (padding == kTfLitePaddingValid) return out == (in - kernel) / stride + 1 && in >= kernel;
    const int total = (out - 1) * stride + kernel - in;
    *before = total > 0 ? total / 2 : 0;
    return out == (in + stride - 1) / stride;
}

static int set_window(struct builder *b, struct rm_op *op, int kernel_h, int kernel_w, int stride_h, int stride_w, int padding) {
    const struct rm_tensor *in = &b->graph->tensors[op->inputs[0]], *out = &b->graph->tensors[op->output];
    op->kernel_h = kernel_h;
    op->kernel_w = kernel_w;
    op->stride_h = stride_h;
    op->stride_w = stride_w;
    return (place_window(in->height, out->height, kernel_h, stride_h, padding, &op->pad_top) &&
            place_window(in->width, out->width, kernel_w, stride_w, padding, &op->pad_left)) ||
           fail(b, "an output of another size than its window gives");
}

static int add_conv(struct builder *b, const TfLiteNode *node, int label) {
    const TfLiteConvParams *p = node->builtin_data;
    const struct value *in = value_of(b, node->inputs->data[0]);
    const int *w = input_of(b->context, node, 1)->dims->data;
    struct value parts = *in;
    if (in->kind == TENSOR) {
        parts.parts[0] = in->tensor;
        parts.part_count = 1;
    } else if (in->kind != PARTS || w[1] != 1 || w[2] != 1 || p->stride_width != 1 || p->stride_height != 1)
        return fail(b, strange_view);
    const int out = set_output(b, node);
    const int o = out < 0 ? -1 : rm_graph_op(b->graph, RM_POINTWISE, parts.parts, parts.part_count, out, label);
    if (o < 0 || !set_window(b, &b->graph->ops[o], w[1], w[2], p->stride_height, p->stride_width, p->padding)) return 0;
    struct rm_conv_weights weights;
    int lo, hi;
    weights_of(b, node, &weights);
    clamp_of(output_of(b->context, node, 0), p->activation, &lo, &hi);
    return rm_graph_set_conv(b->graph, o, &weights, lo, hi) >= 0;
}

/* An operator on whole tensors; its number, or -1. */
static int add_plain(struct builder *b, const TfLiteNode *node, enum rm_kind kind, int first, int count, int label) {
    int inputs[2];
    for (int i = 0; i < count; i++)
        if ((inputs[i] = plain_input(b, node, count == 2 && first ? !i : i)) < 0) return -1;
    const int out = set_output(b, node);
    return out < 0 ? -1 : rm_graph_op(b->graph, kind, inputs, count, out, label);
}

static int add_depthwise(struct builder *b, const TfLiteNode *node, int label) {
    const TfLiteDepthwiseConvParams *p = node->builtin_data;
    const int *w = input_of(b->context, node, 1)->dims->data, o = add_plain(b, node, RM_DEPTHWISE, 0, 1, label);
    if (o < 0 || !set_window(b, &b->graph->ops[o], w[1], w[2], p->stride_height, p->stride_width, p->padding)) return 0;
    struct rm_conv_weights weights;
    int lo, hi;
    weights_of(b, node, &weights);
    clamp_of(output_of(b->context, node, 0), p->activation, &lo, &hi);
    return rm_graph_set_depthwise(b->graph, o, &weights, lo, hi) >= 0;
}

static int add_arithmetic(struct builder *b, const TfLiteNode *node, enum rm_kind kind, int label) {
    int larger = 0, spread = 0, lo, hi;
    takes_arithmetic(b->context, node, &larger, &spread);
    const int o = add_plain(b, node, kind, larger, 2, label);
    if (o < 0) return 0;
    b->graph->ops[o].spread = (enum rm_spread)spread;
    clamp_of(output_of(b->context, node, 0), ((const TfLiteArithmeticParams *)node->builtin_data)->activation, &lo, &hi);
    return (kind == RM_ADD ? rm_graph_set_add(b->graph, o, lo, hi) : rm_graph_set_mul(b->graph, o, lo, hi)) >= 0;
}

static int add_depth_to_space(struct builder *b, const TfLiteNode *node, int label) {
    const int o = add_plain(b, node, RM_DEPTH_TO_SPACE, 0, 1, label);
    if (o >= 0) b->graph->ops[o].block = ((const TfLiteDepthToSpaceParams *)node->builtin_data)->block_size;
    return o >= 0;
}

/* A view of rows: `every`-th row of the base from `first` on, in the shape of a TFLite tensor. */
static int add_view(struct builder *b, int t, int base, int every, int first) {
    struct shape s;
    const TfLiteTensor *tensor = tensor_of(b->context, t);
    if (!shape_of(tensor, &s)) return fail(b, strange_view);
    const int view = rm_graph_view(b->graph, base, every, first, s.height, s.width, s.channels, tensor->params.scale, tensor->params.zero_point);
    *value_of(b, t) = (struct value){.kind = TENSOR, .tensor = view};
    return view >= 0;
}

static int add_reshape(struct builder *b, const TfLiteNode *node) {
    const int t = node->outputs->data[0];
    const struct value in = *value_of(b, node->inputs->data[0]);
    struct shape s;
    if (!shape_of(tensor_of(b->context, t), &s) || in.kind == PARTS || in.kind == NOTHING) return fail(b, strange_view);
    const struct rm_tensor from = b->graph->tensors[in.tensor];
    const int64_t row = (int64_t)from.width * from.channels, new_row = (int64_t)s.width * s.channels;
    if (in.kind == GROUP) { /* apart again */
        if (s.height != from.height || new_row != row) return fail(b, strange_view);
        b->graph->tensors[in.tensor].width = s.width;
        b->graph->tensors[in.tensor].channels = s.channels;
        *value_of(b, t) = (struct value){.kind = TENSOR, .tensor = in.tensor};
        return 1;
    }
    if (b->graph->tensors[from.base].outside == RM_INPUT) {
        if (s.height == from.height && new_row == row) return add_view(b, t, from.base, from.every, from.first);
        if (in.tensor == from.base && from.height % s.height == 0 && new_row == row * (from.height / s.height)) {
            *value_of(b, t) = (struct value){.kind = GROUP, .tensor = in.tensor, .span = from.height / s.height};
            return 1;
        }
        return fail(b, strange_view);
    }
    if (s.height == from.height && s.width == from.width && s.channels == from.channels) {
        *value_of(b, t) = in;
        return 1;
    }
    if (s.height != from.height || new_row != row) return fail(b, strange_view);
    *value_of(b, t) = (struct value){.kind = ROWS, .tensor = in.tensor};
    return 1;
}

static int add_split(struct builder *b, const TfLiteNode *node) {
    const struct value in = *value_of(b, node->inputs->data[1]);
    struct shape s;
    if (in.kind != GROUP || in.span != node->outputs->size || b->graph->tensors[in.tensor].outside != RM_INPUT) return fail(b, strange_view);
    if (!shape_of(input_of(b->context, node, 1), &s) || s.width != in.span) return fail(b, strange_view);
    for (int i = 0; i < in.span; i++)
        if (!add_view(b, node->outputs->data[i], in.tensor, in.span, i)) return 0;
    return 1;
}

/* Rows of several tensors, one below the other, to one output. */
static int join_rows(struct builder *b, const TfLiteNode *node) {
    const int count = node->inputs->size, t = node->outputs->data[0];
    struct shape s, whole;
    if (!shape_of(output_of(b->context, node, 0), &whole) || whole.width != count) return fail(b, strange_view);
    const int joined = rm_graph_tensor(b->graph, whole.height * count, 1, whole.channels, tensor_of(b->context, t)->params.scale,
                                       tensor_of(b->context, t)->params.zero_point);
    if (joined < 0) return 0;
    for (int i = 0; i < count; i++) {
        const struct value *v = value_of(b, node->inputs->data[i]);
        if (!shape_of(input_of(b->context, node, i), &s) || s.width != 1 || (v->kind != ROWS && v->kind != TENSOR)) return fail(b, strange_view);
        struct rm_tensor *part = &b->graph->tensors[v->tensor];
        if (part->base != v->tensor || part->outside != RM_INSIDE || part->producer < 0) return fail(b, strange_view);
        part->base = joined;
        part->every = count;
        part->first = i;
    }
    *value_of(b, t) = (struct value){.kind = GROUP, .tensor = joined, .span = count};
    return 1;
}

static int add_concatenation(struct builder *b, const TfLiteNode *node) {
    if (((const TfLiteConcatenationParams *)node->builtin_data)->axis == 2) return join_rows(b, node);
    struct value parts = {.kind = PARTS, .part_count = node->inputs->size};
    for (int i = 0; i < node->inputs->size; i++)
        if ((parts.parts[i] = plain_input(b, node, i)) < 0) return 0;
    *value_of(b, node->outputs->data[0]) = parts;
    return 1;
}

static int add_node(struct builder *b, const TfLiteNode *node, int code, int label) {
    int o;
    switch (code) {
    case kConv2d: return add_conv(b, node, label);
    case kDepthwiseConv2d: return add_depthwise(b, node, label);
    case kAdd: return add_arithmetic(b, node, RM_ADD, label);
    case kMul: return add_arithmetic(b, node, RM_MUL, label);
    case kLogistic: return (o = add_plain(b, node, RM_TABLE, 0, 1, label)) >= 0 && rm_graph_set_logistic(b->graph, o) >= 0;
    case kMean: return (o = add_plain(b, node, RM_MEAN, 0, 1, label)) >= 0 && rm_graph_set_mean(b->graph, o) >= 0;
    case kResizeBilinear: return add_plain(b, node, RM_BILINEAR2X, 0, 1, label) >= 0;
    case kDepthToSpace: return add_depth_to_space(b, node, label);
    case kReshape: return add_reshape(b, node);
    case kSplit: return add_split(b, node);
    case kConcatenation: return add_concatenation(b, node);
    default: return fail(b, "an operator of another kind");
    }
}

static int begin_inputs(struct builder *b, const TfLiteDelegateParams *partition, struct rm_ends *ends) {
    ends->inputs = calloc(partition->input_tensors->size + 1, sizeof *ends->inputs);
    ends->outputs = calloc(partition->output_tensors->size + 1, sizeof *ends->outputs);
    if (!ends->inputs || !ends->outputs) return 0;
    for (int i = 0; i < partition->input_tensors->size; i++) {
        const int t = partition->input_tensors->data[i];
        if (!is_activation(tensor_of(b->context, t))) continue;
        const int tensor = new_tensor(b, tensor_of(b->context, t));
        if (tensor < 0) return 0;
        b->graph->tensors[tensor].outside = RM_INPUT;
        b->graph->tensors[tensor].outside_index = ends->input_count;
        ends->inputs[ends->input_count++] = t;
        *value_of(b, t) = (struct value){.kind = TENSOR, .tensor = tensor};
    }
    return 1;
}

/* Marks the outputs. Returns the TFLite tensor that cannot be one, or -1. */
static int end_outputs(struct builder *b, const TfLiteDelegateParams *partition, struct rm_ends *ends) {
    for (int i = 0; i < partition->output_tensors->size; i++) {
        const int t = partition->output_tensors->data[i];
        const struct value *v = value_of(b, t);
        struct rm_tensor *tensor = &b->graph->tensors[v->tensor];
        if ((v->kind != TENSOR && v->kind != GROUP) || tensor->base != v->tensor || tensor->outside != RM_INSIDE) return t;
        tensor->outside = RM_OUTPUT;
        tensor->outside_index = ends->output_count;
        ends->outputs[ends->output_count++] = t;
    }
    return -1;
}

/* The node of the partition that writes TFLite tensor t. */
static int writer_of(TfLiteContext *context, const TfLiteDelegateParams *partition, int t) {
    for (int i = 0; i < partition->nodes_to_replace->size; i++) {
        TfLiteNode *node;
        TfLiteRegistration *registration;
        context->GetNodeAndRegistration(context, partition->nodes_to_replace->data[i], &node, &registration);
        for (int j = 0; j < node->outputs->size; j++)
            if (node->outputs->data[j] == t) return partition->nodes_to_replace->data[i];
    }
    return partition->nodes_to_replace->data[0];
}

/* Joined rows that are no output: the node that joined them, or -1. */
static int inner_join(struct builder *b, TfLiteContext *context, const TfLiteDelegateParams *partition) {
    for (size_t t = 0; t < context->tensors_size; t++) {
        const struct value *v = &b->values[t];
        if (v->kind == GROUP && b->graph->tensors[v->tensor].outside == RM_INSIDE) return writer_of(context, partition, (int)t);
    }
    return -1;
}

/* An operator that reads rows which were joined to an output: its node, or -1. */
static int read_again(const struct builder *b) {
    for (int o = 0; o < b->graph->op_count; o++)
        for (int i = 0; i < b->graph->ops[o].input_count; i++) {
            const int t = b->graph->ops[o].inputs[i], base = b->graph->tensors[t].base;
            if (base != t && b->graph->tensors[base].outside != RM_INPUT) return b->graph->ops[o].label;
        }
    return -1;
}

static int build(struct builder *b, const TfLiteDelegateParams *partition, struct rm_ends *ends) {
    if (!begin_inputs(b, partition, ends)) return -2;
    for (int i = 0; i < partition->nodes_to_replace->size; i++) {
        const int index = partition->nodes_to_replace->data[i];
        TfLiteNode *node;
        TfLiteRegistration *registration;
        b->context->GetNodeAndRegistration(b->context, index, &node, &registration);
        if (!add_node(b, node, registration->builtin_code, index)) return index;
    }
    const int strange = end_outputs(b, partition, ends);
    if (strange >= 0) {
        b->graph->fault = strange_view;
        return writer_of(b->context, partition, strange);
    }
    const int inner = inner_join(b, b->context, partition), again = read_again(b);
    if (inner >= 0 || again >= 0) {
        b->graph->fault = strange_view;
        return inner >= 0 ? inner : again;
    }
    return rm_graph_finish(b->graph) < 0 ? -2 : -1;
}

int rm_build_graph(TfLiteContext *context, const TfLiteDelegateParams *partition, struct rm_graph *graph, struct rm_ends *ends) {
    rm_graph_init(graph);
    memset(ends, 0, sizeof *ends);
    struct builder b = {context, graph, calloc(context->tensors_size, sizeof *b.values)};
    const int result = b.values ? build(&b, partition, ends) : -2;
    free(b.values);
    return result;
}

void rm_ends_free(struct rm_ends *ends) {
    free(ends->inputs);
    free(ends->outputs);
    memset(ends, 0, sizeof *ends);
}
