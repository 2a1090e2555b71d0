#include "features.h"

#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#define RM_HWCAP_ASIMDDP (1UL << 20)
#define RM_HWCAP2_I8MM (1UL << 13)
#endif

uint32_t rm_features_of_this_processor(void) {
    uint32_t found = RM_ANY;
#if defined(__aarch64__)
    found |= RM_NEON;
    if (getauxval(AT_HWCAP) & RM_HWCAP_ASIMDDP) found |= RM_DOTPROD;
    if (getauxval(26 /* AT_HWCAP2 */) & RM_HWCAP2_I8MM) found |= RM_I8MM;
#elif defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        found |= RM_VNNI;
    if (__builtin_cpu_supports("avx2")) found |= RM_AVX2;
#endif
    return found;
}

struct named {
    const char *name;
    uint32_t features;
};

/* Best first: rm_features_name takes the first that is there. Each set names what it needs and what it may fall back on. */
static const struct named sets[] = {
    {"i8mm", RM_I8MM | RM_DOTPROD | RM_NEON}, {"dotprod", RM_DOTPROD | RM_NEON}, {"neon", RM_NEON},
    {"vnni", RM_VNNI | RM_AVX2},              {"avx2", RM_AVX2},                {"scalar", RM_ANY},
};

int rm_features_named(const char *name, uint32_t *features) {
    uint32_t here = rm_features_of_this_processor();
    if (!strcmp(name, "auto")) {
        *features = here;
        return 1;
    }
    for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (strcmp(name, sets[i].name)) continue;
        if ((sets[i].features & here) != sets[i].features) return 0;
        *features = sets[i].features;
        return 1;
    }
    return 0;
}

const char *rm_features_name(uint32_t features) {
    for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++)
        if ((sets[i].features & features) == sets[i].features) return sets[i].name;
    return "scalar";
}
