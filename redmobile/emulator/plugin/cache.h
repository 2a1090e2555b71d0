/* A hierarchy of data caches: set-associative, least recently used goes first, written back, a store that misses allocates a line.
 *
 * What it leaves out: instruction fetches, prefetching, other cores, page tables, streaming stores that skip a cache, and physical addresses
 * (sets are chosen by the guest's virtual ones). Levels neither include nor exclude each other's lines.
 */
#ifndef RM_CACHE_H
#define RM_CACHE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RM_LEVELS 3

struct rm_level {
    uint64_t *entries; /* sets × ways, the most recently used first: line << 2 | valid << 1 | dirty */
    uint64_t set_mask;
    unsigned ways;
};

struct rm_traffic {
    uint64_t lookups[RM_LEVELS]; /* lines that a level was asked for, write-backs from above included */
    uint64_t misses[RM_LEVELS];  /* those that it did not have */
    uint64_t fills_by_loads;    /* lines read from memory because of a load */
    uint64_t fills_by_stores;   /* lines read from memory because of a store that missed everywhere */
    uint64_t write_backs;       /* lines written to memory */
};

struct rm_caches {
    struct rm_level level[RM_LEVELS];
    unsigned levels;
    unsigned line_shift;
    struct rm_traffic traffic;
};

static inline unsigned rm_log2(uint64_t value) {
    unsigned shift = 0;
    while ((value >> shift) > 1) {
        shift++;
    }
    return shift;
}

/* Adds a level of `bytes` with `ways` ways; -1 unless the number of sets is a power of two and there is memory and room for a level. */
static int rm_add_level(struct rm_caches *caches, uint64_t bytes, unsigned ways) {
    uint64_t line = 1ull << caches->line_shift, sets = ways ? bytes / line / ways : 0;
    if (caches->levels == RM_LEVELS || sets == 0 || (sets & (sets - 1)) || sets * ways * line != bytes) {
        return -1;
    }
    struct rm_level *level = &caches->level[caches->levels];
    level->entries = calloc(sets * ways, sizeof *level->entries);
    level->set_mask = sets - 1;
    level->ways = ways;
    caches->levels += level->entries != NULL;
    return level->entries ? 0 : -1;
}

static void rm_touch_level(struct rm_caches *caches, unsigned depth, uint64_t line, int store, int by_store);

/* What the levels below have to do about a line that a level lacks, and about the line that it gives up for it. */
static void rm_replace(struct rm_caches *caches, unsigned depth, uint64_t line, uint64_t victim, int by_store) {
    if ((victim & 3) == 3) {
        if (depth + 1 < caches->levels) {
            rm_touch_level(caches, depth + 1, victim >> 2, 1, -1);
        } else {
            caches->traffic.write_backs++;
        }
    }
    if (by_store < 0) {
        return; /* a whole line comes from above: nothing to fetch */
    }
    if (depth + 1 < caches->levels) {
        rm_touch_level(caches, depth + 1, line, 0, by_store);
    } else if (by_store) {
        caches->traffic.fills_by_stores++;
    } else {
        caches->traffic.fills_by_loads++;
    }
}

/* One access to one line at one level. store: it becomes dirty. by_store: what began it all: 0 a load, 1 a store, -1 a write-back. */
static void rm_touch_level(struct rm_caches *caches, unsigned depth, uint64_t line, int store, int by_store) {
    struct rm_level *level = &caches->level[depth];
    uint64_t *set = level->entries + (line & level->set_mask) * level->ways;
    uint64_t wanted = line << 2 | 2, victim;
    unsigned way = 0;
    caches->traffic.lookups[depth]++;
    while (way < level->ways && (set[way] & ~1ull) != wanted) {
        way++;
    }
    if (way < level->ways) {
        uint64_t entry = set[way] | (uint64_t)store;
        memmove(set + 1, set, way * sizeof *set);
        set[0] = entry;
        return;
    }
    caches->traffic.misses[depth]++;
    victim = set[level->ways - 1];
    memmove(set + 1, set, (level->ways - 1) * sizeof *set);
    set[0] = wanted | (uint64_t)store;
    rm_replace(caches, depth, line, victim, by_store);
}

/* An access of the program to `bytes` bytes at `address`. */
static inline void rm_access(struct rm_caches *caches, uint64_t address, unsigned bytes, int store) {
    uint64_t line = address >> caches->line_shift, last = (address + bytes - 1) >> caches->line_shift;
    for (; line <= last; line++) {
        struct rm_level *first = &caches->level[0];
        uint64_t *newest = first->entries + (line & first->set_mask) * first->ways;
        if ((*newest & ~1ull) == (line << 2 | 2)) { /* the most recently used line of its set: nothing moves */
            caches->traffic.lookups[0]++;
            *newest |= (uint64_t)store;
        } else {
            rm_touch_level(caches, 0, line, store, store);
        }
    }
}

#endif
