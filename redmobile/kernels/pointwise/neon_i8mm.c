#include "pointwise.h"
void rm_pointwise_s8__neon_i8mm(const struct rm_pointwise *p, const int8_t *const *in, int8_t *out, size_t pixels) { rm_pointwise_s8__neon_dotprod(p, in, out, pixels); }
