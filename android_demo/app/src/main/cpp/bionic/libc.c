/* Stands in for Android's libc.so while linking: names only, never shipped. */
#define NAME(function) \
    void function(void) {}
NAME(calloc) NAME(free) NAME(memcpy) NAME(memset) NAME(strlen) NAME(vsnprintf)
