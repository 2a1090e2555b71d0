/* From nodes of a TFLite model to a graph of rows. */
#ifndef RM_BUILD_GRAPH_H
#define RM_BUILD_GRAPH_H

#include "../plan/graph.h"
#include "tflite_abi.h"

/* Whether the node is of a kind, and has types and shapes, that the graph may take. */
int rm_takes_node(TfLiteContext *context, const TfLiteNode *node, const TfLiteRegistration *registration);

/* Inputs and outputs of the graph, in the order of outside_index: numbers of TFLite tensors. */
struct rm_ends {
    int *inputs, *outputs;
    int input_count, output_count;
};

void rm_ends_free(struct rm_ends *ends);

/* Builds the graph of a partition. Returns -1 when done; else the node that it cannot take (graph->fault says why), or -2 without memory. */
int rm_build_graph(TfLiteContext *context, const TfLiteDelegateParams *partition, struct rm_graph *graph, struct rm_ends *ends);

#endif
