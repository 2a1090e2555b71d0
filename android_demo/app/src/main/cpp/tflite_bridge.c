/* JNI bridge to TensorFlow Lite's C API (libjnitensorflowlite.so of org.bytedeco:tensorflow-lite).
 *
 * One source for Android (bionic, built without the NDK) and for Linux x86-64 (tests on the JVM): it needs a JDK's jni.h and the five functions of
 * libc and the four of libdl that are declared below; no C++ runtime, no thread-local storage. The Kotlin side is dev.redmobile.tflite.
 *
 * Every failure becomes one of that package's exceptions, whose text is what TFLite, the loader or the delegate said. */
#include <jni.h>

#include "tflite_c_api.h"

void *calloc(size_t, size_t);
void free(void *);
size_t strlen(const char *);
int vsnprintf(char *, size_t, const char *, va_list);
void *memcpy(void *, const void *, size_t);
void *dlopen(const char *, int);
void *dlsym(void *, const char *);
int dlclose(void *);
char *dlerror(void);

#define RTLD_NOW_FLAG 2
#define RTLD_DEFAULT_HANDLE ((void *)0) /* LP64: the same in bionic and glibc */
#define MAX_OPTIONS 32
#define MAX_DIMENSIONS 8
#define SAID_BYTES 1024

#define MODEL_EXCEPTION "dev/redmobile/tflite/ModelException"
#define DELEGATE_EXCEPTION "dev/redmobile/tflite/DelegateException"
#define RUN_EXCEPTION "dev/redmobile/tflite/RunException"

/* Kotlin's Delegate.Kind, by its ordinal. */
enum { KIND_XNNPACK = 0, KIND_NNAPI = 1, KIND_EXTERNAL = 2 };

/* What the execution plan holds before and after the delegates: nodes in all, nodes that no delegate took, and the delegates' partitions.
 * `asked`: partitions of the delegate that was asked for, where that is not XNNPACK. */
typedef struct {
    int before, left, partitions, asked;
} Coverage;

typedef struct {
    TfLiteModel *model;
    TfLiteInterpreter *interpreter;
    TfLiteDelegate *before, *asked, *between, *xnnpack, *after;
    void (*delete_asked)(TfLiteDelegate *);
    void *library;
    Coverage coverage;
    char said[SAID_BYTES]; /* what TFLite reported since the last call */
} Session;

typedef struct {
    JNIEnv *env;
    Session *session;
    const char *exception; /* the class to throw if the step that is being taken fails */
} Making;

/* ---- words ---- */

static void report(void *user, const char *format, va_list arguments) {
    Session *session = user;
    size_t length = strlen(session->said);
    if (length + 2 >= sizeof session->said) return;
    if (length) session->said[length++] = ' ';
    vsnprintf(session->said + length, sizeof session->said - length, format, arguments);
}

static void say(Session *session, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(session, format, arguments);
    va_end(arguments);
}

/* text: of SAID_BYTES bytes. */
static void print(char *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, SAID_BYTES, format, arguments);
    va_end(arguments);
}

/* ASCII in one line, as ThrowNew wants modified UTF-8 and a message is one line. */
static void throw_new(JNIEnv *env, const char *class_name, const char *text) {
    char plain[SAID_BYTES];
    size_t length = 0;
    for (; *text && length + 1 < sizeof plain; text++) {
        unsigned char letter = (unsigned char)*text;
        plain[length++] = letter < 0x20 ? ' ' : letter < 0x80 ? (char)letter : '?';
    }
    plain[length] = 0;
    jclass exception = (*env)->FindClass(env, class_name);
    if (exception) (*env)->ThrowNew(env, exception, plain);
}

/* ---- which nodes the delegates took ---- */

static TfLiteStatus read_plan(TfLiteOpaqueContext *context, int *nodes, int *delegated) {
    TfLiteIntArray *plan = NULL;
    *nodes = *delegated = 0;
    if (TfLiteOpaqueContextGetExecutionPlan(context, &plan) != kTfLiteOk) return 1;
    for (int i = 0; i < plan->size; i++) {
        TfLiteOpaqueNode *node = NULL;
        TfLiteOperator *operator = NULL;
        if (TfLiteOpaqueContextGetNodeAndRegistration(context, plan->data[i], &node, &operator) != kTfLiteOk) return 1;
        *delegated += TfLiteOperatorGetBuiltInCode(operator) == kTfLiteBuiltinDelegate;
    }
    *nodes = plan->size;
    return kTfLiteOk;
}

static TfLiteStatus look_before(TfLiteOpaqueContext *context, TfLiteDelegate *self, void *data) {
    int delegated;
    (void)self;
    return read_plan(context, &((Session *)data)->coverage.before, &delegated);
}

static TfLiteStatus look_between(TfLiteOpaqueContext *context, TfLiteDelegate *self, void *data) {
    int nodes;
    (void)self;
    return read_plan(context, &nodes, &((Session *)data)->coverage.asked);
}

static TfLiteStatus look_after(TfLiteOpaqueContext *context, TfLiteDelegate *self, void *data) {
    int nodes;
    Coverage *coverage = &((Session *)data)->coverage;
    (void)self;
    if (read_plan(context, &nodes, &coverage->partitions) != kTfLiteOk) return 1;
    coverage->left = nodes - coverage->partitions;
    return kTfLiteOk;
}

static TfLiteDelegate *observer(Session *session, TfLiteStatus (*look)(TfLiteOpaqueContext *, TfLiteDelegate *, void *)) {
    TfLiteOpaqueDelegateBuilder builder = {session, look, NULL, NULL, NULL, kTfLiteDelegateFlagsAllowDynamicTensors};
    return TfLiteOpaqueDelegateCreate(&builder);
}

/* ---- delegates ---- */

static void ignore(const char *message) { (void)message; }

/* Opened here and not by TfLiteExternalDelegateCreate, which crashes the process when the file is missing. */
static int open_external(Session *session, const char *path, const char *const *keys, const char *const *values, size_t count) {
    if (!(session->library = dlopen(path, RTLD_NOW_FLAG))) {
        const char *why = dlerror();
        say(session, "%s", why ? why : path);
        return 0;
    }
    TfLitePluginCreateFunction create = (TfLitePluginCreateFunction)dlsym(session->library, "tflite_plugin_create_delegate");
    session->delete_asked = (TfLitePluginDestroyFunction)dlsym(session->library, "tflite_plugin_destroy_delegate");
    if (!create || !session->delete_asked) {
        say(session, "%s: exports no tflite_plugin_create_delegate and tflite_plugin_destroy_delegate", path);
        return 0;
    }
    if (!(session->asked = create(keys, values, count, ignore))) say(session, "%s: made no delegate of these options", path);
    return session->asked != NULL;
}

static int open_nnapi(Session *session) {
    TfLiteNnapiDelegateOptionsDefaultFunction defaults =
        (TfLiteNnapiDelegateOptionsDefaultFunction)dlsym(RTLD_DEFAULT_HANDLE, "TfLiteNnapiDelegateOptionsDefault");
    TfLiteNnapiDelegateCreateFunction create = (TfLiteNnapiDelegateCreateFunction)dlsym(RTLD_DEFAULT_HANDLE, "TfLiteNnapiDelegateCreate");
    session->delete_asked = (TfLiteNnapiDelegateDeleteFunction)dlsym(RTLD_DEFAULT_HANDLE, "TfLiteNnapiDelegateDelete");
    if (!defaults || !create || !session->delete_asked) {
        say(session, "this build of TFLite has no NNAPI");
        return 0;
    }
    TfLiteNnapiDelegateOptions options = defaults();
    options.disallow_nnapi_cpu = 1; /* NNAPI's own CPU path is slower than XNNPACK, and would pass for an accelerator */
    if (!(session->asked = create(&options))) say(session, "NNAPI made no delegate");
    return session->asked != NULL;
}

static int open_xnnpack(Session *session, int threads) {
    TfLiteXNNPackDelegateOptions options = TfLiteXNNPackDelegateOptionsDefault();
    options.num_threads = threads;
    if (!(session->xnnpack = TfLiteXNNPackDelegateCreate(&options))) say(session, "XNNPACK could not be initialised on this processor");
    return session->xnnpack != NULL;
}

/* ---- strings from Java ---- */

/* Fill `strings` with the array's, to be given back by release_strings. */
static size_t take_strings(JNIEnv *env, jobjectArray array, const char **strings) {
    size_t count = (size_t)(*env)->GetArrayLength(env, array);
    if (count > MAX_OPTIONS) count = MAX_OPTIONS;
    for (size_t i = 0; i < count; i++)
        strings[i] = (*env)->GetStringUTFChars(env, (jstring)(*env)->GetObjectArrayElement(env, array, (jsize)i), NULL);
    return count;
}

static void release_strings(JNIEnv *env, jobjectArray array, const char **strings, size_t count) {
    for (size_t i = 0; i < count; i++)
        (*env)->ReleaseStringUTFChars(env, (jstring)(*env)->GetObjectArrayElement(env, array, (jsize)i), strings[i]);
}

static int open_external_of(Making *making, jstring path, jobjectArray keys, jobjectArray values) {
    JNIEnv *env = making->env;
    const char *name = (*env)->GetStringUTFChars(env, path, NULL);
    const char *key[MAX_OPTIONS], *value[MAX_OPTIONS];
    size_t count = take_strings(env, keys, key);
    take_strings(env, values, value);
    int opened = open_external(making->session, name, key, value, count);
    release_strings(env, values, value, count);
    release_strings(env, keys, key, count);
    (*env)->ReleaseStringUTFChars(env, path, name);
    return opened;
}

/* ---- making and ending ---- */

/* The interpreter before its delegates, a delegate before its library, the model last. */
static void end(Session *session) {
    if (session->interpreter) TfLiteInterpreterDelete(session->interpreter);
    if (session->after) TfLiteOpaqueDelegateDelete(session->after);
    if (session->xnnpack) TfLiteXNNPackDelegateDelete(session->xnnpack);
    if (session->between) TfLiteOpaqueDelegateDelete(session->between);
    if (session->asked) session->delete_asked(session->asked);
    if (session->before) TfLiteOpaqueDelegateDelete(session->before);
    if (session->library) dlclose(session->library);
    if (session->model) TfLiteModelDelete(session->model);
    free(session);
}

static int add_delegates(Making *making, TfLiteInterpreterOptions *options, int threads, int kind, jstring path, jobjectArray keys, jobjectArray values) {
    Session *session = making->session;
    making->exception = DELEGATE_EXCEPTION;
    if (kind == KIND_NNAPI && !open_nnapi(session)) return 0;
    if (kind == KIND_EXTERNAL && !open_external_of(making, path, keys, values)) return 0;
    if (!open_xnnpack(session, threads)) return 0;
    session->before = observer(session, look_before);
    session->between = observer(session, look_between);
    session->after = observer(session, look_after);
    TfLiteInterpreterOptionsAddDelegate(options, session->before);
    if (session->asked) {
        TfLiteInterpreterOptionsAddDelegate(options, session->asked);
        TfLiteInterpreterOptionsAddDelegate(options, session->between);
    }
    TfLiteInterpreterOptionsAddDelegate(options, session->xnnpack);
    TfLiteInterpreterOptionsAddDelegate(options, session->after);
    return 1;
}

static int make_interpreter(Making *making, TfLiteInterpreterOptions *options) {
    Session *session = making->session;
    making->exception = MODEL_EXCEPTION;
    session->interpreter = TfLiteInterpreterCreate(session->model, options);
    return session->interpreter && TfLiteInterpreterAllocateTensors(session->interpreter) == kTfLiteOk;
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
    /* Must exist: libjnitensorflowlite.so, our dependency, exports JavaCPP's JNI_OnLoad, which the loader would find otherwise. */
    (void)vm;
    (void)reserved;
    return JNI_VERSION_1_6;
}

JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved) {
    (void)vm;
    (void)reserved;
}

#define BRIDGE(type, name) JNIEXPORT type JNICALL Java_dev_redmobile_tflite_Bridge_##name

BRIDGE(jstring, version)(JNIEnv *env, jclass cls) {
    (void)cls;
    return (*env)->NewStringUTF(env, TfLiteVersion());
}

/* model: direct, kept alive by the caller. threads: at least 1. kind: of Delegate.Kind. path, keys, values: of an external delegate. */
BRIDGE(jlong, create)
(JNIEnv *env, jclass cls, jobject model, jint threads, jint kind, jstring path, jobjectArray keys, jobjectArray values) {
    (void)cls;
    const void *bytes = (*env)->GetDirectBufferAddress(env, model);
    jlong size = (*env)->GetDirectBufferCapacity(env, model);
    Session *session = calloc(1, sizeof *session);
    if (!bytes || size <= 0 || !session) {
        throw_new(env, MODEL_EXCEPTION, session ? "the model is empty, or not in a direct buffer" : "out of memory");
        free(session);
        return 0;
    }
    Making making = {env, session, MODEL_EXCEPTION};
    TfLiteInterpreterOptions *options = TfLiteInterpreterOptionsCreate();
    TfLiteInterpreterOptionsSetNumThreads(options, threads);
    TfLiteInterpreterOptionsSetErrorReporter(options, report, session);
    session->model = TfLiteModelCreateWithErrorReporter(bytes, (size_t)size, report, session);
    int made = session->model && add_delegates(&making, options, threads, kind, path, keys, values) && make_interpreter(&making, options);
    TfLiteInterpreterOptionsDelete(options);
    if (made) return (jlong)(intptr_t)session;
    if (!(*env)->ExceptionCheck(env)) throw_new(env, making.exception, session->said[0] ? session->said : "no reason was given");
    end(session);
    return 0;
}

BRIDGE(void, destroy)(JNIEnv *env, jclass cls, jlong handle) {
    (void)env;
    (void)cls;
    end((Session *)(intptr_t)handle);
}

BRIDGE(void, invoke)(JNIEnv *env, jclass cls, jlong handle) {
    Session *session = (Session *)(intptr_t)handle;
    (void)cls;
    session->said[0] = 0;
    if (TfLiteInterpreterInvoke(session->interpreter) != kTfLiteOk)
        throw_new(env, RUN_EXCEPTION, session->said[0] ? session->said : "no reason was given");
}

/* {nodes in all, nodes that no delegate took, partitions of all delegates, partitions of the delegate asked for} */
BRIDGE(jintArray, coverage)(JNIEnv *env, jclass cls, jlong handle) {
    const Coverage *coverage = &((Session *)(intptr_t)handle)->coverage;
    (void)cls;
    jint values[] = {coverage->before, coverage->left, coverage->partitions, coverage->asked};
    jintArray array = (*env)->NewIntArray(env, 4);
    if (array) (*env)->SetIntArrayRegion(env, array, 0, 4, values);
    return array;
}

BRIDGE(jint, count)(JNIEnv *env, jclass cls, jlong handle, jboolean output) {
    const TfLiteInterpreter *interpreter = ((Session *)(intptr_t)handle)->interpreter;
    (void)env;
    (void)cls;
    return output ? TfLiteInterpreterGetOutputTensorCount(interpreter) : TfLiteInterpreterGetInputTensorCount(interpreter);
}

static const TfLiteTensor *tensor_of(jlong handle, jboolean output, jint index) {
    const TfLiteInterpreter *interpreter = ((Session *)(intptr_t)handle)->interpreter;
    return output ? TfLiteInterpreterGetOutputTensor(interpreter, index) : TfLiteInterpreterGetInputTensor(interpreter, index);
}

/* The tensor's own memory, no copy; dead once the session is destroyed. index: below count(). */
BRIDGE(jobject, data)(JNIEnv *env, jclass cls, jlong handle, jboolean output, jint index) {
    const TfLiteTensor *tensor = tensor_of(handle, output, index);
    (void)cls;
    return (*env)->NewDirectByteBuffer(env, TfLiteTensorData(tensor), (jlong)TfLiteTensorByteSize(tensor));
}

/* {type, zero point, bits of the scale, sizes …}; index: below count(). */
BRIDGE(jintArray, describe)(JNIEnv *env, jclass cls, jlong handle, jboolean output, jint index) {
    const TfLiteTensor *tensor = tensor_of(handle, output, index);
    TfLiteQuantizationParams quantization = TfLiteTensorQuantizationParams(tensor);
    jint values[3 + MAX_DIMENSIONS] = {TfLiteTensorType(tensor), quantization.zero_point};
    int dimensions = TfLiteTensorNumDims(tensor);
    (void)cls;
    memcpy(&values[2], &quantization.scale, sizeof quantization.scale);
    if (dimensions > MAX_DIMENSIONS) dimensions = MAX_DIMENSIONS;
    for (int i = 0; i < dimensions; i++) values[3 + i] = TfLiteTensorDim(tensor, i);
    jintArray array = (*env)->NewIntArray(env, 3 + dimensions);
    if (array) (*env)->SetIntArrayRegion(env, array, 0, 3 + dimensions, values);
    return array;
}

static int within(jlong capacity, jint at, jint bytes) { return at >= 0 && bytes >= 0 && (jlong)at + bytes <= capacity; }

/* to[to_at + i] = from[from_at + i] ^ 0x80: between a pixel's byte and its int8 code, either way. Both direct. */
BRIDGE(void, flip)(JNIEnv *env, jclass cls, jobject from, jint from_at, jobject to, jint to_at, jint bytes) {
    const uint8_t *source = (*env)->GetDirectBufferAddress(env, from);
    uint8_t *target = (*env)->GetDirectBufferAddress(env, to);
    jlong has = (*env)->GetDirectBufferCapacity(env, from), holds = (*env)->GetDirectBufferCapacity(env, to);
    (void)cls;
    if (!source || !target || !within(has, from_at, bytes) || !within(holds, to_at, bytes)) {
        char text[SAID_BYTES];
        print(text, "%d bytes, from byte %d of a buffer of %lld to byte %d of one of %lld: they do not fit; both must be direct", (int)bytes,
              (int)from_at, (long long)has, (int)to_at, (long long)holds);
        throw_new(env, "java/lang/IllegalArgumentException", text);
        return;
    }
    source += from_at;
    target += to_at;
    for (jint i = 0; i < bytes; i++) target[i] = source[i] ^ 0x80;
}
