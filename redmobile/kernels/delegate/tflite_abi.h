/* As much of TensorFlow Lite's C interface as an external delegate needs, declared by ourselves: no package brings the headers.
 *
 * The layouts are those of TFLite 2.12 to 2.21 and LiteRT 1 and 2 (core/c/common.h, core/c/builtin_op_data.h); fields were only ever added at
 * the end of the structures that we read. Whether the runtime at hand has them is tested before they are relied on: selftest.c. */
#ifndef RM_TFLITE_ABI_H
#define RM_TFLITE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { kTfLiteOk = 0, kTfLiteError = 1, kTfLiteDelegateError = 2 } TfLiteStatus;
enum { kTfLiteInt32 = 2, kTfLiteInt8 = 9 };
enum { kTfLiteAffineQuantization = 1 };
enum { kTfLiteMmapRo = 1 };
enum { kTfLitePaddingSame = 1, kTfLitePaddingValid = 2 };
enum { kTfLiteActNone = 0, kTfLiteActRelu = 1, kTfLiteActReluN1To1 = 2, kTfLiteActRelu6 = 3 };

/* Builtin operators that this delegate knows: numbers of the schema. */
enum {
    kAdd = 0, kConcatenation = 2, kConv2d = 3, kDepthwiseConv2d = 4, kDepthToSpace = 5, kLogistic = 14, kMul = 18, kReshape = 22,
    kResizeBilinear = 23, kMean = 40, kSplit = 49
};

typedef struct {
    int size;
    int data[];
} TfLiteIntArray;

typedef struct {
    int size;
    float data[];
} TfLiteFloatArray;

typedef struct {
    TfLiteFloatArray *scale;
    TfLiteIntArray *zero_point;
    int32_t quantized_dimension;
} TfLiteAffineQuantization;

typedef struct {
    int type; /* kTfLiteAffineQuantization */
    void *params;
} TfLiteQuantization;

typedef struct {
    float scale;
    int32_t zero_point;
} TfLiteQuantizationParams;

struct TfLiteDelegate;

typedef struct {
    int type;
    void *data;
    TfLiteIntArray *dims;
    TfLiteQuantizationParams params;
    int allocation_type;
    size_t bytes;
    const void *allocation;
    const char *name;
    struct TfLiteDelegate *delegate;
    int buffer_handle;
    bool data_is_stale;
    bool is_variable;
    TfLiteQuantization quantization;
    void *sparsity;
    const TfLiteIntArray *dims_signature;
} TfLiteTensor;

typedef struct {
    TfLiteIntArray *inputs, *outputs, *intermediates, *temporaries;
    void *user_data;
    void *builtin_data;
    const void *custom_initial_data;
    int custom_initial_data_size;
    struct TfLiteDelegate *delegate;
} TfLiteNode;

struct TfLiteContext;

typedef struct {
    void *(*init)(struct TfLiteContext *context, const char *buffer, size_t length);
    void (*free)(struct TfLiteContext *context, void *buffer);
    TfLiteStatus (*prepare)(struct TfLiteContext *context, TfLiteNode *node);
    TfLiteStatus (*invoke)(struct TfLiteContext *context, TfLiteNode *node);
    const char *(*profiling_string)(const struct TfLiteContext *context, const TfLiteNode *node);
    int32_t builtin_code;
    const char *custom_name;
    int version;
    void *registration_external;
    void *async_kernel;
    uint64_t inplace_operator;
    void *room[4]; /* for what newer runtimes add: the structure travels by value */
} TfLiteRegistration;

typedef struct {
    struct TfLiteDelegate *delegate;
    TfLiteIntArray *nodes_to_replace, *input_tensors, *output_tensors;
} TfLiteDelegateParams;

typedef struct TfLiteContext {
    size_t tensors_size;
    TfLiteStatus (*GetExecutionPlan)(struct TfLiteContext *context, TfLiteIntArray **plan);
    TfLiteTensor *tensors;
    void *impl;
    TfLiteStatus (*ResizeTensor)(struct TfLiteContext *context, TfLiteTensor *tensor, TfLiteIntArray *size);
    void (*ReportError)(struct TfLiteContext *context, const char *format, ...);
    TfLiteStatus (*AddTensors)(struct TfLiteContext *context, int count, int *first);
    TfLiteStatus (*GetNodeAndRegistration)(struct TfLiteContext *context, int index, TfLiteNode **node, TfLiteRegistration **registration);
    TfLiteStatus (*ReplaceNodeSubsetsWithDelegateKernels)(struct TfLiteContext *context, TfLiteRegistration registration,
                                                          const TfLiteIntArray *nodes, struct TfLiteDelegate *delegate);
    int recommended_num_threads;
    void *GetExternalContext, *SetExternalContext;
    bool allow_fp32_relax_to_fp16;
    void *profiler;
    void *AllocatePersistentBuffer, *AllocateBufferForEval, *RequestScratchBufferInArena, *GetScratchBuffer, *ResizeTensorExplicit;
    TfLiteStatus (*PreviewDelegatePartitioning)(struct TfLiteContext *context, const TfLiteIntArray *nodes, TfLiteDelegateParams **partitions,
                                                int *count);
} TfLiteContext;

typedef struct TfLiteDelegate {
    void *data;
    TfLiteStatus (*Prepare)(TfLiteContext *context, struct TfLiteDelegate *delegate);
    TfLiteStatus (*CopyFromBufferHandle)(TfLiteContext *, struct TfLiteDelegate *, int, void *);
    TfLiteStatus (*CopyToBufferHandle)(TfLiteContext *, struct TfLiteDelegate *, int, void *);
    void (*FreeBufferHandle)(TfLiteContext *, struct TfLiteDelegate *, int *);
    int64_t flags;
    void *opaque_delegate_builder;
    void *room[4];
} TfLiteDelegate;

typedef struct {
    int padding, stride_width, stride_height, activation, dilation_width, dilation_height, bias_type;
} TfLiteConvParams;

typedef struct {
    int padding, stride_width, stride_height, depth_multiplier, activation, dilation_width, dilation_height;
} TfLiteDepthwiseConvParams;

typedef struct {
    int activation;
} TfLiteArithmeticParams; /* ADD, MUL: the first field */

typedef struct {
    bool align_corners, half_pixel_centers;
} TfLiteResizeBilinearParams;

typedef struct {
    int axis, activation;
} TfLiteConcatenationParams;

typedef struct {
    int block_size;
} TfLiteDepthToSpaceParams;

#endif
