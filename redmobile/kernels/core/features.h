/* What the processor can do, and how a kernel is chosen from a family's list. */
#ifndef RM_FEATURES_H
#define RM_FEATURES_H

#include <stdint.h>

enum rm_feature {
    RM_ANY = 0,          /* portable C: the scalar reference */
    RM_NEON = 1 << 0,    /* Advanced SIMD of ARMv8-A */
    RM_DOTPROD = 1 << 1, /* SDOT (FEAT_DotProd) */
    RM_I8MM = 1 << 2,    /* SMMLA (FEAT_I8MM) */
    RM_VNNI = 1 << 3,    /* x86-64 with AVX-512 F, BW, VL, VNNI */
    RM_AVX2 = 1 << 4     /* x86-64 with AVX2 */
};

/* Features of the processor this runs on; on Arm from the kernel's HWCAP, on x86 from CPUID. */
uint32_t rm_features_of_this_processor(void);

/* Features that the instruction set called `name` allows, cut down to what the processor has: "auto", "scalar", "neon", "dotprod", "i8mm",
 * "vnni", "avx2". Returns 0 and leaves *features alone for an unknown name or one the processor lacks; else 1. */
int rm_features_named(const char *name, uint32_t *features);

/* The best of `features`, as rm_features_named spells it. */
const char *rm_features_name(uint32_t features);

#endif
