/* The part of a network that this library runs: tensors of rows, and operators that make them row by row. */
#ifndef RM_GRAPH_H
#define RM_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "../core/features.h"
#include "../depthwise/pack.h"
#include "../elementwise/elementwise.h"
#include "../pointwise/pack.h"
#include "../pool/pool.h"
#include "../resize/resize.h"

enum rm_kind {
    RM_POINTWISE,      /* any convolution: see pointwise.h */
    RM_DEPTHWISE,      /* inputs[0] */
    RM_ADD,            /* inputs[0] + inputs[1] */
    RM_MUL,            /* inputs[0] * inputs[1] */
    RM_TABLE,          /* a function of one code */
    RM_BILINEAR2X,
    RM_DEPTH_TO_SPACE, /* block rows a step */
    RM_MEAN,           /* over height and width: a barrier */
    RM_COPY,           /* into a tensor that may have a border */
    RM_MUL_ADD         /* inputs[0] * inputs[1] + inputs[2]: rm_graph_finish makes it of two */
};

/* How the second input of RM_ADD and RM_MUL is spread over the first. */
enum rm_spread { RM_FULL, RM_VECTOR /* 1 x 1 x c */, RM_PIXEL /* h x w x 1 */ };

enum rm_outside { RM_INSIDE, RM_INPUT, RM_OUTPUT };

/* A picture of codes, NHWC with N = 1. A view is a choice of rows of another tensor (`base`): row y is its row y * every + first; width and
 * channels are its own, the bytes of a row are the same. Only inputs and outputs of the graph have views. */
struct rm_tensor {
    int height, width, channels;
    float scale;
    int zero;
    int base, every, first;
    enum rm_outside outside;
    int outside_index; /* which input or output of the graph */
    int producer;      /* operator, or -1 */
};

struct rm_op {
    enum rm_kind kind;
    int inputs[RM_MAX_SEGMENTS], input_count, output;
    int kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, pad_right;
    enum rm_spread spread;
    int product_second;    /* of RM_MUL_ADD: 1 if the product is the sum's second operand */
    int block;             /* of depth to space */
    int label;             /* the caller's number for it (the node in the model) */
    float mean_scale;      /* input scale / output scale / pixels */
    float mean_offset;     /* zero point of the output - pixels * that of the input * mean_scale: in floats, as XNNPACK has it */
    struct rm_pointwise pointwise;
    struct rm_depthwise depthwise;
    struct rm_add add;
    struct rm_mul mul;
    int8_t table[256];
    int gathered;                          /* segments of a convolution that are copied to one run first; 0: none */
    int run_bytes[RM_MAX_SEGMENTS], run_stride[RM_MAX_SEGMENTS]; /* of those */
    size_t weight_bytes;   /* of the model, for what is predicted of memory traffic */
};

struct rm_graph {
    struct rm_tensor *tensors;
    struct rm_op *ops;
    int tensor_count, op_count, tensor_room, op_room;
    void **blocks; /* memory that lives as long as the graph */
    int block_count;
    const char *fault; /* why the last call returned -1 */
};

void rm_graph_init(struct rm_graph *graph);
void rm_graph_free(struct rm_graph *graph);

/* Each returns the new tensor's or operator's number, or -1 with graph->fault set (not supported, or no memory). */
int rm_graph_tensor(struct rm_graph *graph, int height, int width, int channels, float scale, int zero);
int rm_graph_view(struct rm_graph *graph, int base, int every, int first, int height, int width, int channels, float scale, int zero);
int rm_graph_op(struct rm_graph *graph, enum rm_kind kind, const int *inputs, int input_count, int output, int label);

/* Convolution; the op's kernel, stride and padding must be set. weights: [channels][kernel_h][kernel_w][input channels]; lo, hi: clamp in codes. */
int rm_graph_set_conv(struct rm_graph *graph, int op, const struct rm_conv_weights *weights, int lo, int hi);
int rm_graph_set_depthwise(struct rm_graph *graph, int op, const struct rm_conv_weights *weights, int lo, int hi);
int rm_graph_set_add(struct rm_graph *graph, int op, int lo, int hi);
int rm_graph_set_mul(struct rm_graph *graph, int op, int lo, int hi);
int rm_graph_set_logistic(struct rm_graph *graph, int op);
int rm_graph_set_mean(struct rm_graph *graph, int op);

/* Once all operators are there: makes one operator of products that only a sum reads, and puts copies where a border or slack is needed and none can be had. */
int rm_graph_finish(struct rm_graph *graph);

#endif
