/* OpenGL ES 3 and EGL of this machine (Mesa's software renderer) for the app's tests on the JVM: what android.opengl's classes call on a phone.
 * The Kotlin side is dev.redmobile.tflite.Mesa in the tests. libEGL is opened when it is first needed, so that a machine without it can say so. */
#include <jni.h>
#include <stddef.h>
#include <stdint.h>

void *dlopen(const char *, int);
void *dlsym(void *, const char *);

#define RTLD_NOW_FLAG 2
#define SURFACELESS_MESA 0x31DD
#define NAME(function) Java_dev_redmobile_tflite_Mesa_##function
#define SAID_BYTES 4096

static void *egl(const char *name) {
    static void *library;
    if (!library) library = dlopen("libEGL.so.1", RTLD_NOW_FLAG);
    return library ? dlsym(library, name) : NULL;
}

static void *gl(const char *name) {
    static void *(*find)(const char *);
    if (!find) find = egl("eglGetProcAddress");
    return find(name);
}

static void *bytes_of(JNIEnv *env, jobject buffer) { return buffer ? (*env)->GetDirectBufferAddress(env, buffer) : NULL; }

/* ---- EGL: handles are pointers ---- */

JNIEXPORT jlong JNICALL NAME(openDisplay)(JNIEnv *env, jclass cls) {
    (void)env, (void)cls;
    void *(*find)(const char *) = egl("eglGetProcAddress");
    if (!find) return 0;
    void *(*display_of)(unsigned, void *, const int *) = find("eglGetPlatformDisplayEXT");
    unsigned (*initialize)(void *, int *, int *) = egl("eglInitialize");
    void *display = display_of ? display_of(SURFACELESS_MESA, NULL, NULL) : NULL;
    return display && initialize(display, NULL, NULL) ? (jlong)(intptr_t)display : 0;
}

JNIEXPORT jlong JNICALL NAME(chooseConfig)(JNIEnv *env, jclass cls, jlong display, jintArray wanted) {
    (void)cls;
    unsigned (*choose)(void *, const int *, void **, int, int *) = egl("eglChooseConfig");
    jint *attributes = (*env)->GetIntArrayElements(env, wanted, NULL);
    void *config = NULL;
    int count = 0;
    choose((void *)(intptr_t)display, attributes, &config, 1, &count);
    (*env)->ReleaseIntArrayElements(env, wanted, attributes, JNI_ABORT);
    return count > 0 ? (jlong)(intptr_t)config : 0;
}

JNIEXPORT jlong JNICALL NAME(createContext)(JNIEnv *env, jclass cls, jlong display, jlong config) {
    (void)env, (void)cls;
    void *(*create)(void *, void *, void *, const int *) = egl("eglCreateContext");
    const int version3[] = {0x3098, 3, 0x3038};
    return (jlong)(intptr_t)create((void *)(intptr_t)display, (void *)(intptr_t)config, NULL, version3);
}

JNIEXPORT jlong JNICALL NAME(createSurface)(JNIEnv *env, jclass cls, jlong display, jlong config, jint width, jint height) {
    (void)env, (void)cls;
    void *(*create)(void *, void *, const int *) = egl("eglCreatePbufferSurface");
    const int size[] = {0x3057, width, 0x3056, height, 0x3038};
    return (jlong)(intptr_t)create((void *)(intptr_t)display, (void *)(intptr_t)config, size);
}

JNIEXPORT jboolean JNICALL NAME(makeCurrent)(JNIEnv *env, jclass cls, jlong display, jlong surface, jlong context) {
    (void)env, (void)cls;
    unsigned (*make)(void *, void *, void *, void *) = egl("eglMakeCurrent");
    void *target = (void *)(intptr_t)surface;
    return make((void *)(intptr_t)display, target, target, (void *)(intptr_t)context) ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT void JNICALL NAME(destroySurface)(JNIEnv *env, jclass cls, jlong display, jlong surface) {
    (void)env, (void)cls;
    ((unsigned (*)(void *, void *))egl("eglDestroySurface"))((void *)(intptr_t)display, (void *)(intptr_t)surface);
}

JNIEXPORT void JNICALL NAME(destroyContext)(JNIEnv *env, jclass cls, jlong display, jlong context) {
    (void)env, (void)cls;
    ((unsigned (*)(void *, void *))egl("eglDestroyContext"))((void *)(intptr_t)display, (void *)(intptr_t)context);
}

/* ---- OpenGL ES: functions of ints alone ---- */

#define BEGIN(type, function, ...) \
    JNIEXPORT type JNICALL NAME(function)(JNIEnv * env, jclass cls, __VA_ARGS__) { \
        (void)env, (void)cls;
#define INTS1(function) \
    BEGIN(void, function, jint a) ((void (*)(int))gl(#function))(a); }
#define INTS2(function) \
    BEGIN(void, function, jint a, jint b) ((void (*)(int, int))gl(#function))(a, b); }
#define INTS3(function) \
    BEGIN(void, function, jint a, jint b, jint c) ((void (*)(int, int, int))gl(#function))(a, b, c); }
#define INTS4(function) \
    BEGIN(void, function, jint a, jint b, jint c, jint d) ((void (*)(int, int, int, int))gl(#function))(a, b, c, d); }
#define INTS5(function) \
    BEGIN(void, function, jint a, jint b, jint c, jint d, jint e) ((void (*)(int, int, int, int, int))gl(#function))(a, b, c, d, e); }
#define GIVES(function) \
    BEGIN(jint, function, jint a) return ((int (*)(int))gl(#function))(a); }

INTS1(glCompileShader)
INTS2(glAttachShader)
INTS1(glLinkProgram)
INTS1(glUseProgram)
INTS1(glDeleteProgram)
INTS1(glDeleteShader)
INTS2(glUniform1i)
INTS2(glBindTexture)
INTS3(glTexParameteri)
INTS1(glActiveTexture)
INTS2(glBindFramebuffer)
INTS5(glFramebufferTexture2D)
INTS4(glViewport)
INTS1(glClear)
INTS2(glBindBuffer)
INTS1(glEnableVertexAttribArray)
INTS3(glDrawArrays)
GIVES(glCreateShader)
GIVES(glCheckFramebufferStatus)

JNIEXPORT jint JNICALL NAME(glCreateProgram)(JNIEnv *env, jclass cls) {
    (void)env, (void)cls;
    return ((int (*)(void))gl("glCreateProgram"))();
}

JNIEXPORT jint JNICALL NAME(glGetError)(JNIEnv *env, jclass cls) {
    (void)env, (void)cls;
    return ((int (*)(void))gl("glGetError"))();
}

/* ---- and those of arrays, floats, words and buffers ---- */

#define ARRAY(function) /* void function(int, int *) */ \
    BEGIN(void, function, jint a, jintArray values) \
        jint *elements = (*env)->GetIntArrayElements(env, values, NULL); \
        ((void (*)(int, int *))gl(#function))(a, elements); \
        (*env)->ReleaseIntArrayElements(env, values, elements, 0); \
    }
#define ASKED(function) /* void function(int, int, int *) */ \
    BEGIN(void, function, jint a, jint b, jintArray values) \
        jint *elements = (*env)->GetIntArrayElements(env, values, NULL); \
        ((void (*)(int, int, int *))gl(#function))(a, b, elements); \
        (*env)->ReleaseIntArrayElements(env, values, elements, 0); \
    }
#define SAYS(function) \
    BEGIN(jstring, function, jint a) \
        char said[SAID_BYTES] = ""; \
        ((void (*)(int, int, int *, char *))gl(#function))(a, SAID_BYTES, NULL, said); \
        return (*env)->NewStringUTF(env, said); \
    }

ARRAY(glGenTextures)
ARRAY(glGenFramebuffers)
ARRAY(glGenBuffers)
ARRAY(glDeleteTextures)
ARRAY(glDeleteFramebuffers)
ARRAY(glDeleteBuffers)
ASKED(glGetShaderiv)
ASKED(glGetProgramiv)
SAYS(glGetShaderInfoLog)
SAYS(glGetProgramInfoLog)

BEGIN(void, glShaderSource, jint shader, jstring text)
    const char *characters = (*env)->GetStringUTFChars(env, text, NULL);
    ((void (*)(int, int, const char **, const int *))gl("glShaderSource"))(shader, 1, &characters, NULL);
    (*env)->ReleaseStringUTFChars(env, text, characters);
}

BEGIN(void, glBindAttribLocation, jint program, jint index, jstring name)
    const char *characters = (*env)->GetStringUTFChars(env, name, NULL);
    ((void (*)(int, int, const char *))gl("glBindAttribLocation"))(program, index, characters);
    (*env)->ReleaseStringUTFChars(env, name, characters);
}

BEGIN(jint, glGetUniformLocation, jint program, jstring name)
    const char *characters = (*env)->GetStringUTFChars(env, name, NULL);
    int place = ((int (*)(int, const char *))gl("glGetUniformLocation"))(program, characters);
    (*env)->ReleaseStringUTFChars(env, name, characters);
    return place;
}

BEGIN(void, glUniform1f, jint place, jfloat value) ((void (*)(int, float))gl("glUniform1f"))(place, value); }

BEGIN(void, glUniformMatrix3fv, jint place, jfloatArray values)
    jfloat *elements = (*env)->GetFloatArrayElements(env, values, NULL);
    ((void (*)(int, int, unsigned char, const float *))gl("glUniformMatrix3fv"))(place, 1, 0, elements);
    (*env)->ReleaseFloatArrayElements(env, values, elements, JNI_ABORT);
}

BEGIN(void, glClearColor, jfloat r, jfloat g, jfloat b, jfloat a) ((void (*)(float, float, float, float))gl("glClearColor"))(r, g, b, a); }

BEGIN(void, glTexImage2D, jint target, jint level, jint kept, jint width, jint height, jint border, jint format, jint type, jobject pixels)
    void (*call)(int, int, int, int, int, int, int, int, const void *) = gl("glTexImage2D");
    call(target, level, kept, width, height, border, format, type, bytes_of(env, pixels));
}

BEGIN(void, glTexSubImage2D, jint target, jint level, jint x, jint y, jint width, jint height, jint format, jint type, jobject pixels)
    void (*call)(int, int, int, int, int, int, int, int, const void *) = gl("glTexSubImage2D");
    call(target, level, x, y, width, height, format, type, bytes_of(env, pixels));
}

BEGIN(void, glBufferData, jint target, jint bytes, jobject data, jint usage)
    ((void (*)(int, ptrdiff_t, const void *, int))gl("glBufferData"))(target, bytes, bytes_of(env, data), usage);
}

BEGIN(void, glVertexAttribPointer, jint index, jint size, jint type, jint offset)
    ((void (*)(int, int, int, unsigned char, int, const void *))gl("glVertexAttribPointer"))(index, size, type, 0, 0, (void *)(intptr_t)offset);
}

/* pixels: direct; null: into the bound pixel buffer. */
BEGIN(void, glReadPixels, jint width, jint height, jint format, jint type, jobject pixels)
    ((void (*)(int, int, int, int, int, int, void *))gl("glReadPixels"))(0, 0, width, height, format, type, bytes_of(env, pixels));
}

BEGIN(jlong, glFenceSync, jint condition, jint flags)
    return (jlong)(intptr_t)((void *(*)(int, int))gl("glFenceSync"))(condition, flags);
}

BEGIN(jint, glClientWaitSync, jlong sync, jint flags, jlong nanoseconds)
    return ((int (*)(void *, int, uint64_t))gl("glClientWaitSync"))((void *)(intptr_t)sync, flags, (uint64_t)nanoseconds);
}

BEGIN(void, glDeleteSync, jlong sync) ((void (*)(void *))gl("glDeleteSync"))((void *)(intptr_t)sync); }
