/* Copies OpenGL ES's bound pixel buffer into memory. Java's own way, glMapBufferRange, makes an object for each frame.
 *
 * EGL gives the two functions by name, so that the bridge is not linked against a phone's OpenGL ES, nor a test's: libEGL is there already when
 * there is a context. Nothing is kept between calls: the library has no data that is written. */
#include <jni.h>
#include <stddef.h>

void *memcpy(void *, const void *, size_t);
void *dlopen(const char *, int);
void *dlsym(void *, const char *);
int dlclose(void *);

#define RTLD_NOW_FLAG 2
#define PIXEL_PACK_BUFFER 0x88EB
#define MAP_READ_BIT 1

typedef void *Map(unsigned target, ptrdiff_t offset, ptrdiff_t length, unsigned access);
typedef unsigned char Unmap(unsigned target);
typedef void (*Any)(void);
typedef Any Find(const char *name);

static int copy(Find *find, void *to, ptrdiff_t bytes) {
    Map *map = (Map *)find("glMapBufferRange");
    Unmap *unmap = (Unmap *)find("glUnmapBuffer");
    const void *from = map && unmap ? map(PIXEL_PACK_BUFFER, 0, bytes, MAP_READ_BIT) : NULL;
    if (!from) return 0;
    memcpy(to, from, (size_t)bytes);
    return unmap(PIXEL_PACK_BUFFER); /* 0: the GPU's memory was lost meanwhile */
}

/* Whether the first `bytes` bytes of the bound buffer are now in `to`, which is direct and holds as many. On the thread of the context. */
JNIEXPORT jboolean JNICALL Java_dev_redmobile_tflite_Bridge_readPixelBuffer(JNIEnv *env, jclass cls, jobject to, jint bytes) {
    void *target = (*env)->GetDirectBufferAddress(env, to);
    (void)cls;
    if (!target || bytes <= 0 || (*env)->GetDirectBufferCapacity(env, to) < bytes) return JNI_FALSE;
    void *egl = dlopen("libEGL.so", RTLD_NOW_FLAG); /* Android's name */
    if (!egl) egl = dlopen("libEGL.so.1", RTLD_NOW_FLAG);
    Find *find = egl ? (Find *)dlsym(egl, "eglGetProcAddress") : NULL;
    int copied = find && copy(find, target, bytes);
    if (egl) dlclose(egl);
    return copied ? JNI_TRUE : JNI_FALSE;
}
