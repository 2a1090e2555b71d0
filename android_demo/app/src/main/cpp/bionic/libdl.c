/* Stands in for Android's libdl.so while linking: names only, never shipped. */
#define NAME(function) \
    void function(void) {}
NAME(dlopen) NAME(dlsym) NAME(dlclose) NAME(dlerror)
