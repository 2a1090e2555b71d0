/* A TCG plug-in for qemu-aarch64: instructions by class, bytes loaded and stored, and what a hierarchy of caches would take from memory.
 *
 * A program says what is to be counted by system calls that fail without doing anything: close(RM_MARK) begins a region, close(RM_MARK + 1)
 * ends it. Counts of the whole program are given as well. Instructions are counted as blocks are entered; a block that a fault leaves in
 * the middle counts whole. Arguments: out=FILE, line=BYTES, and caches from the first level on: cache=BYTES:WAYS. Without a cache there is
 * no simulation, without out= nothing is loaded.
 *
 * Counts are those of one thread. A guest that starts a second one is reported by "threads"; its counts are then not exact.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "a64.h"
#include "cache.h"
#include "qemu_plugin_api.h"

#define RM_MARK 0x52454400ull
#define RM_SYSCALL_CLOSE 57 /* AArch64 Linux */

RM_EXPORT int qemu_plugin_version = RM_PLUGIN_API;
RM_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv);

struct block { /* a translated piece of the program without branches inside */
    struct block *next;
    uint64_t entered;
    uint32_t instructions[RM_CLASSES];
    uint32_t zeroed_blocks; /* DC ZVA */
};

struct counts {
    uint64_t instructions[RM_CLASSES];
    uint64_t zeroed_blocks, loads, stores, bytes_loaded, bytes_stored;
    struct rm_traffic traffic;
};

static struct block *blocks;
static struct counts running; /* what callbacks add to directly: loads, stores, bytes */
static struct rm_caches caches;
static struct counts begun;
static int inside;
static unsigned threads;
static FILE *out;
static const char *separator = "";

static void block_entered(unsigned int vcpu_index, void *userdata) {
    (void)vcpu_index;
    ((struct block *)userdata)->entered++;
}

static void memory_accessed(unsigned int vcpu_index, qemu_plugin_meminfo_t info, uint64_t address, void *userdata) {
    unsigned bytes = 1u << qemu_plugin_mem_size_shift(info);
    int store = qemu_plugin_mem_is_store(info);
    (void)vcpu_index, (void)userdata;
    if (store) {
        running.stores++;
        running.bytes_stored += bytes;
    } else {
        running.loads++;
        running.bytes_loaded += bytes;
    }
    if (caches.levels) {
        rm_access(&caches, address, bytes, store);
    }
}

static uint32_t instruction_word(struct qemu_plugin_insn *instruction) {
    uint32_t word = 0;
#if RM_PLUGIN_API >= 3
    qemu_plugin_insn_data(instruction, &word, sizeof word);
#else
    memcpy(&word, qemu_plugin_insn_data(instruction), sizeof word);
#endif
    return word;
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    struct block *block = calloc(1, sizeof *block);
    size_t count = qemu_plugin_tb_n_insns(tb);
    (void)id;
    if (!block) {
        abort();
    }
    for (size_t index = 0; index < count; index++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, index);
        uint32_t word = instruction_word(instruction);
        block->instructions[rm_classify(word)]++;
        block->zeroed_blocks += (uint32_t)rm_is_dc_zva(word);
        qemu_plugin_register_vcpu_mem_cb(instruction, memory_accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, block_entered, QEMU_PLUGIN_CB_NO_REGS, block);
}

static struct counts counts_now(void) {
    struct counts now = running;
    for (const struct block *block = blocks; block; block = block->next) {
        for (unsigned kind = 0; kind < RM_CLASSES; kind++) {
            now.instructions[kind] += block->entered * block->instructions[kind];
        }
        now.zeroed_blocks += block->entered * block->zeroed_blocks;
    }
    now.traffic = caches.traffic;
    return now;
}

static void write_levels(const char *name, const uint64_t *values) {
    fprintf(out, ", \"%s\": [", name);
    for (unsigned depth = 0; depth < caches.levels; depth++) {
        fprintf(out, "%s%" PRIu64, depth ? ", " : "", values[depth]);
    }
    fprintf(out, "]");
}

/* `to` minus `from`, as one JSON object: every field of struct counts is made of uint64_t. */
static void write_difference(const struct counts *from, const struct counts *to) {
    struct counts difference;
    for (size_t index = 0; index < sizeof difference / sizeof(uint64_t); index++) {
        ((uint64_t *)&difference)[index] = ((const uint64_t *)to)[index] - ((const uint64_t *)from)[index];
    }
    fprintf(out, "{\"instructions\": {");
    for (unsigned kind = 0; kind < RM_CLASSES; kind++) {
        fprintf(out, "%s\"%s\": %" PRIu64, kind ? ", " : "", rm_class_names[kind], difference.instructions[kind]);
    }
    fprintf(out, "}, \"accesses_loaded\": %" PRIu64 ", \"accesses_stored\": %" PRIu64, difference.loads, difference.stores);
    fprintf(out, ", \"bytes_loaded\": %" PRIu64 ", \"bytes_stored\": %" PRIu64, difference.bytes_loaded, difference.bytes_stored);
    fprintf(out, ", \"zeroed_blocks\": %" PRIu64, difference.zeroed_blocks);
    write_levels("lookups", difference.traffic.lookups);
    write_levels("misses", difference.traffic.misses);
    fprintf(out, ", \"fills_by_loads\": %" PRIu64 ", \"fills_by_stores\": %" PRIu64 ", \"write_backs\": %" PRIu64 "}",
            difference.traffic.fills_by_loads, difference.traffic.fills_by_stores, difference.traffic.write_backs);
}

static void system_called(qemu_plugin_id_t id, unsigned int vcpu_index, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                          uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)vcpu_index, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    a1 &= 0xffffffffu;
    if (number != RM_SYSCALL_CLOSE || a1 < RM_MARK || a1 > RM_MARK + 1) {
        return;
    }
    struct counts now = counts_now();
    if (inside) {
        fprintf(out, "%s\n  ", separator);
        write_difference(&begun, &now);
        separator = ",";
    }
    inside = a1 == RM_MARK;
    begun = now;
}

static void thread_started(qemu_plugin_id_t id, unsigned int vcpu_index) {
    (void)id, (void)vcpu_index;
    threads++;
}

static void finished(qemu_plugin_id_t id, void *userdata) {
    struct counts nothing = {0}, now = counts_now();
    (void)id, (void)userdata;
    fprintf(out, "\n], \"threads\": %u, \"whole\": ", threads);
    write_difference(&nothing, &now);
    fprintf(out, "}\n");
    fclose(out);
}

static int read_argument(const char *text) {
    uint64_t bytes;
    unsigned ways;
    if (!strncmp(text, "out=", 4)) {
        out = fopen(text + 4, "w");
        return out ? 0 : -1;
    }
    if (sscanf(text, "line=%" SCNu64, &bytes) == 1) {
        caches.line_shift = rm_log2(bytes);
        return bytes == 1ull << caches.line_shift && !caches.levels ? 0 : -1;
    }
    if (sscanf(text, "cache=%" SCNu64 ":%u", &bytes, &ways) == 2) {
        return rm_add_level(&caches, bytes, ways);
    }
    return -1;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv) {
    (void)info;
    caches.line_shift = 6;
    for (int index = 0; index < argc; index++) {
        if (read_argument(argv[index])) {
            fprintf(stderr, "redmobile's plug-in cannot use the argument '%s'\n", argv[index]);
            return -1;
        }
    }
    if (!out) {
        fprintf(stderr, "redmobile's plug-in needs the argument out=FILE\n");
        return -1;
    }
    fprintf(out, "{\"regions\": [");
    qemu_plugin_register_vcpu_init_cb(id, thread_started);
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_called);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
