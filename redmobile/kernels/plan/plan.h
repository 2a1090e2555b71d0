/* How a graph is run depth-first, and the running of it.
 *
 * A barrier (a mean over the whole picture) parts the operators into levels. Within a level every row is made when it is first asked for and
 * kept in a ring of rows for as long as somebody will read it: what a chain of layers has in between stays in the cache. A tensor that a later
 * level reads is kept whole. Each thread makes a band of every picture that leaves the level; rows at the edge of a band that the neighbour
 * makes too are the only ones computed twice, and they stay in the thread's own rings. */
#ifndef RM_PLAN_H
#define RM_PLAN_H

#include <stdio.h>

#include "graph.h"
#include "threads.h"

struct rm_options {
    int threads;       /* 1 to RM_MAX_THREADS */
    uint32_t features; /* see features.h */
    size_t l2_bytes;   /* rings of one thread are kept below this, by cutting levels in two, if that helps */
};

struct rm_plan;

/* Takes the graph over (frees it in the end, and at once if NULL is returned). *fault: why NULL was returned. */
struct rm_plan *rm_plan_new(struct rm_graph *graph, const struct rm_options *options, const char **fault);
void rm_plan_free(struct rm_plan *plan);

/* One picture. inputs, outputs: memory of the graph's inputs and outputs, in the order of outside_index. */
void rm_plan_run(struct rm_plan *plan, const int8_t *const *inputs, int8_t *const *outputs);

/* The plan as JSON; the number of characters it takes (as snprintf). */
int rm_plan_describe(const struct rm_plan *plan, char *to, size_t room);

#endif
