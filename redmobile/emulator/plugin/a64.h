/* Classes of AArch64 (A64) instructions, from the top-level encoding table of the Arm Architecture Reference Manual (DDI 0487, C4.1). */
#ifndef RM_A64_H
#define RM_A64_H

#include <stdint.h>

enum rm_class {
    RM_SIMD_DOT,   /* SDOT, UDOT, USDOT, SUDOT, and the int8 matrix products SMMLA, UMMLA, USMMLA */
    RM_SIMD_OTHER, /* every other data-processing instruction of Advanced SIMD, scalar floating point, SVE and SME */
    RM_LOAD,       /* reads memory: also exclusive, acquiring and atomic ones (an atomic one stores as well) */
    RM_STORE,      /* writes memory only */
    RM_BRANCH,     /* conditional or not, direct or not, calls and returns */
    RM_OTHER,      /* integer arithmetic, prefetches, system instructions */
    RM_CLASSES
};

static const char *const rm_class_names[RM_CLASSES] = {"simd_dot", "simd_other", "loads", "stores", "branches", "other"};

/* DC ZVA: zeroes a block of memory, which QEMU does without telling plug-ins. x: the instruction without its register. */
static inline int rm_is_dc_zva(uint32_t x) { return (x & 0xffffffe0u) == 0xd50b7420u; }

/* Dot and matrix products of bytes. Vector forms: 0 Q U 01110 size 0 Rm 1 opcode 1 (three registers, extra), opcode 0010 DOT (size 10),
 * 0011 USDOT (size 10), 0100 SMMLA/UMMLA and 0101 USMMLA (size 10). By element: 0 Q U 01111 size L M Rm opcode H 0, opcode 1110 DOT
 * (size 10), 1111 SUDOT (size 00) and USDOT (size 10), U = 0. */
static inline int rm_is_dot(uint32_t x) {
    if ((x & 0x9fe0c400u) == 0x0e808400u) { /* bit 31 0, 28..24 01110, size 10, bit 21 0, bits 15 and 10 set, bit 14 0 */
        uint32_t opcode = (x >> 11) & 0xf;
        return opcode == 2 || opcode == 3 || opcode == 4 || opcode == 5;
    }
    if ((x & 0x9f000400u) == 0x0f000000u) {
        uint32_t opcode = (x >> 12) & 0xf, size = (x >> 22) & 3, unsigned_bit = (x >> 29) & 1;
        return (opcode == 14 && size == 2) || (opcode == 15 && !unsigned_bit && (size == 0 || size == 2));
    }
    return 0;
}

/* Loads and stores: op0 = x1x0 (bits 28..25). */
static inline enum rm_class rm_memory_class(uint32_t x) {
    if ((x & 0xbe000000u) == 0x0c000000u) { /* structures of Advanced SIMD: LD1 … LD4R, ST1 … ST4; bit 22 is L */
        return (x >> 22) & 1 ? RM_LOAD : RM_STORE;
    }
    if ((x & 0x3b000000u) == 0x18000000u) { /* literal: PRFM where opc is 11 and V is 0 */
        return (x >> 30) == 3 && !((x >> 26) & 1) ? RM_OTHER : RM_LOAD;
    }
    if ((x & 0x3f000000u) == 0x08000000u) { /* exclusive, ordered, compare and swap: bit 22 is L; CAS, CASP read in any case */
        int cas = ((x >> 21) & 1) && (((x >> 23) & 1) || !(x >> 31)) && ((x >> 10) & 0x1f) == 0x1f;
        return cas || ((x >> 22) & 1) ? RM_LOAD : RM_STORE;
    }
    if ((x & 0x3a000000u) == 0x28000000u) { /* pairs: bit 22 is L */
        return (x >> 22) & 1 ? RM_LOAD : RM_STORE;
    }
    if ((x & 0x3b200c00u) == 0x38200000u) { /* atomic: LDADD, SWP, … */
        return RM_LOAD;
    }
    if ((x & 0x3a000000u) == 0x38000000u) { /* one register, in every way of addressing: opc in bits 23..22, V in 26 */
        uint32_t size = x >> 30, opc = (x >> 22) & 3, vector = (x >> 26) & 1;
        if (!vector && size == 3 && opc == 2) {
            return RM_OTHER; /* PRFM */
        }
        if (vector) {
            return opc & 1 ? RM_LOAD : RM_STORE;
        }
        return opc == 0 ? RM_STORE : RM_LOAD;
    }
    return (x >> 22) & 3 ? RM_LOAD : RM_STORE; /* LDAPUR and STLUR, and what these processors do not have */
}

static inline enum rm_class rm_classify(uint32_t x) {
    uint32_t op0 = (x >> 25) & 0xf;
    if ((op0 & 5) == 4) {
        return rm_memory_class(x);
    }
    if ((op0 & 7) == 7 || op0 == 2 || op0 == 0) { /* floating point and SIMD; SVE; SME (and UDF, which does not go on) */
        return rm_is_dot(x) ? RM_SIMD_DOT : RM_SIMD_OTHER;
    }
    if ((op0 & 14) == 10) { /* branches, exceptions, system: the latter two start with 1101 0100 and 1101 0101 */
        uint32_t top = x >> 24;
        return top == 0xd4 || top == 0xd5 ? RM_OTHER : RM_BRANCH;
    }
    return RM_OTHER;
}

#endif
