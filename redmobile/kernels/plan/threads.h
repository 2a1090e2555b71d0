/* A few threads that do one thing together, again and again. */
#ifndef RM_THREADS_H
#define RM_THREADS_H

struct rm_threads;

/* count: 1 to RM_MAX_THREADS, the calling thread among them. NULL if there is no memory or no thread to be had. */
#define RM_MAX_THREADS 8
struct rm_threads *rm_threads_new(int count);
void rm_threads_free(struct rm_threads *threads);

/* work(argument, i) for i in 0 … count - 1, each in a thread of its own, 0 in the calling one; returns when all are done. */
void rm_threads_run(struct rm_threads *threads, void (*work)(void *argument, int i), void *argument);

#endif
