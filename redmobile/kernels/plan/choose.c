/* Kernels for the processor: the first of each list whose feature is allowed. */
#include "plan_inside.h"

struct choice {
    uint32_t needs;
    void (*kernel)(void);
};

#define RM_KERNEL(feature, name) {feature, (void (*)(void))name},
static const struct choice pointwise[] = {
#include "../pointwise/kernels.inc"
};
static const struct choice depthwise[] = {
#include "../depthwise/kernels.inc"
};
static const struct choice add[] = {
#include "../elementwise/kernels_add.inc"
};
static const struct choice mul[] = {
#include "../elementwise/kernels_mul.inc"
};
static const struct choice mul_add[] = {
#include "../elementwise/kernels_mul_add.inc"
};
static const struct choice bilinear2x[] = {
#include "../resize/kernels.inc"
};
static const struct choice row_sum[] = {
#include "../pool/kernels.inc"
};
#undef RM_KERNEL

/* The last of a list needs nothing: the search ends there. */
static void (*chosen(const struct choice *list, uint32_t features))(void) {
    while ((list->needs & features) != list->needs) list++;
    return list->kernel;
}

void rm_choose_kernels(struct rm_plan *plan) {
    const uint32_t features = plan->options.features;
    plan->pointwise = (rm_pointwise_fn *)chosen(pointwise, features);
    plan->depthwise = (rm_depthwise_fn *)chosen(depthwise, features);
    plan->add = (rm_add_fn *)chosen(add, features);
    plan->mul = (rm_mul_fn *)chosen(mul, features);
    plan->mul_add = (rm_mul_add_fn *)chosen(mul_add, features);
    plan->bilinear2x = (rm_bilinear2x_fn *)chosen(bilinear2x, features);
    plan->row_sum = (rm_row_sum_fn *)chosen(row_sum, features);
}
