#include "pointwise.h"
void rm_pointwise_s8__neon(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) { rm_pointwise_s8__scalar(p, in, out, pixels); }
