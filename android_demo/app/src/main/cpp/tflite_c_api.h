/* The part of TensorFlow Lite 2.21's C API that the bridge uses.
 *
 * Declared here because no package on Maven Central carries the headers. Names, types and constants follow tensorflow/lite/core/c/c_api.h,
 * c_api_opaque.h, c_api_types.h, delegates/xnnpack/xnnpack_delegate.h, delegates/nnapi/nnapi_delegate_c_api.h and
 * delegates/external/external_delegate.cc of that release. Opaque types are never looked into. */
#ifndef REDMOBILE_TFLITE_C_API_H
#define REDMOBILE_TFLITE_C_API_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TfLiteModel TfLiteModel;
typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;
typedef struct TfLiteInterpreter TfLiteInterpreter;
typedef struct TfLiteTensor TfLiteTensor;
typedef struct TfLiteDelegate TfLiteDelegate;
typedef struct TfLiteOpaqueContext TfLiteOpaqueContext;
typedef struct TfLiteOpaqueNode TfLiteOpaqueNode;
typedef struct TfLiteOperator TfLiteOperator;

typedef int TfLiteStatus; /* 0 is kTfLiteOk */
enum { kTfLiteOk = 0, kTfLiteBuiltinDelegate = 51 };

typedef struct {
    float scale;
    int32_t zero_point;
} TfLiteQuantizationParams;

typedef struct {
    int size;
    int data[];
} TfLiteIntArray;

typedef void (*TfLiteErrorReporter)(void *user, const char *format, va_list arguments);

const char *TfLiteVersion(void);

/* The bytes must outlive the model: weights are read where they lie. */
TfLiteModel *TfLiteModelCreateWithErrorReporter(const void *bytes, size_t size, TfLiteErrorReporter report, void *user);
void TfLiteModelDelete(TfLiteModel *);

TfLiteInterpreterOptions *TfLiteInterpreterOptionsCreate(void);
void TfLiteInterpreterOptionsDelete(TfLiteInterpreterOptions *);
void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions *, int32_t);
void TfLiteInterpreterOptionsAddDelegate(TfLiteInterpreterOptions *, TfLiteDelegate *);
void TfLiteInterpreterOptionsSetErrorReporter(TfLiteInterpreterOptions *, TfLiteErrorReporter report, void *user);

TfLiteInterpreter *TfLiteInterpreterCreate(const TfLiteModel *, const TfLiteInterpreterOptions *);
void TfLiteInterpreterDelete(TfLiteInterpreter *);
TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter *);
TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter *);
int32_t TfLiteInterpreterGetInputTensorCount(const TfLiteInterpreter *);
int32_t TfLiteInterpreterGetOutputTensorCount(const TfLiteInterpreter *);
TfLiteTensor *TfLiteInterpreterGetInputTensor(const TfLiteInterpreter *, int32_t);
const TfLiteTensor *TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter *, int32_t);

int TfLiteTensorType(const TfLiteTensor *);
int32_t TfLiteTensorNumDims(const TfLiteTensor *);
int32_t TfLiteTensorDim(const TfLiteTensor *, int32_t);
size_t TfLiteTensorByteSize(const TfLiteTensor *);
void *TfLiteTensorData(const TfLiteTensor *);
TfLiteQuantizationParams TfLiteTensorQuantizationParams(const TfLiteTensor *);

/* Options come back through a hidden pointer into the caller's memory. The slack is for fields behind the ones named here (the real structures
 * hold 56 and 56 bytes), so that a longer structure of a later release could not write past ours. */
typedef struct {
    int32_t num_threads;
    uint32_t runtime_flags;
    uint32_t flags; /* 1: QS8, 2: QU8; both by default */
    char rest[244];
} TfLiteXNNPackDelegateOptions;
TfLiteXNNPackDelegateOptions TfLiteXNNPackDelegateOptionsDefault(void);
TfLiteDelegate *TfLiteXNNPackDelegateCreate(const TfLiteXNNPackDelegateOptions *);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate *);

/* NNAPI's three functions are exported on Android alone, so they are looked up when they are asked for. */
typedef struct {
    int execution_preference;
    const char *accelerator_name;
    const char *cache_dir;
    const char *model_token;
    int disallow_nnapi_cpu;
    char rest[220];
} TfLiteNnapiDelegateOptions;
typedef TfLiteNnapiDelegateOptions (*TfLiteNnapiDelegateOptionsDefaultFunction)(void);
typedef TfLiteDelegate *(*TfLiteNnapiDelegateCreateFunction)(const TfLiteNnapiDelegateOptions *);
typedef void (*TfLiteNnapiDelegateDeleteFunction)(TfLiteDelegate *);

/* What an external delegate's library exports: tflite_plugin_create_delegate, tflite_plugin_destroy_delegate. */
typedef TfLiteDelegate *(*TfLitePluginCreateFunction)(const char *const *keys, const char *const *values, size_t count, void (*report)(const char *));
typedef void (*TfLitePluginDestroyFunction)(TfLiteDelegate *);

/* A delegate of our own that takes no node: its Prepare reads the execution plan. */
typedef struct {
    void *data;
    TfLiteStatus (*Prepare)(TfLiteOpaqueContext *, TfLiteDelegate *, void *data);
    void *copy_from_buffer_handle;
    void *copy_to_buffer_handle;
    void *free_buffer_handle;
    int64_t flags;
} TfLiteOpaqueDelegateBuilder;
enum { kTfLiteDelegateFlagsAllowDynamicTensors = 1 };
TfLiteDelegate *TfLiteOpaqueDelegateCreate(const TfLiteOpaqueDelegateBuilder *);
void TfLiteOpaqueDelegateDelete(TfLiteDelegate *);
TfLiteStatus TfLiteOpaqueContextGetExecutionPlan(TfLiteOpaqueContext *, TfLiteIntArray **plan);
TfLiteStatus TfLiteOpaqueContextGetNodeAndRegistration(TfLiteOpaqueContext *, int node, TfLiteOpaqueNode **, TfLiteOperator **);
int TfLiteOperatorGetBuiltInCode(const TfLiteOperator *);
const char *TfLiteOperatorGetCustomName(const TfLiteOperator *);

#endif
