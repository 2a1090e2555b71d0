#include "threads.h"

#include <pthread.h>
#include <stdlib.h>

struct rm_threads {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    pthread_t handles[RM_MAX_THREADS];
    int count, started, running, ending;
    unsigned round;
    void (*work)(void *argument, int i);
    void *argument;
};

struct start {
    struct rm_threads *threads;
    int i;
};

static void *live(void *given) {
    const struct start start = *(struct start *)given;
    struct rm_threads *threads = start.threads;
    free(given);
    unsigned seen = 0;
    pthread_mutex_lock(&threads->lock);
    for (;;) {
        while (threads->round == seen && !threads->ending) pthread_cond_wait(&threads->wake, &threads->lock);
        if (threads->ending) break;
        seen = threads->round;
        void (*work)(void *, int) = threads->work;
        void *argument = threads->argument;
        pthread_mutex_unlock(&threads->lock);
        work(argument, start.i);
        pthread_mutex_lock(&threads->lock);
        if (!--threads->running) pthread_cond_signal(&threads->done);
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

struct rm_threads *rm_threads_new(int count) {
    struct rm_threads *threads = calloc(1, sizeof *threads);
    if (!threads) return NULL;
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->wake, NULL);
    pthread_cond_init(&threads->done, NULL);
    threads->count = count;
    for (threads->started = 1; threads->started < count; threads->started++) {
        struct start *start = malloc(sizeof *start);
        if (start) *start = (struct start){threads, threads->started};
        if (!start || pthread_create(&threads->handles[threads->started], NULL, live, start)) {
            free(start);
            rm_threads_free(threads);
            return NULL;
        }
    }
    return threads;
}

void rm_threads_free(struct rm_threads *threads) {
    if (!threads) return;
    pthread_mutex_lock(&threads->lock);
    threads->ending = 1;
    pthread_cond_broadcast(&threads->wake);
    pthread_mutex_unlock(&threads->lock);
    for (int i = 1; i < threads->started; i++) pthread_join(threads->handles[i], NULL);
    pthread_cond_destroy(&threads->wake);
    pthread_cond_destroy(&threads->done);
    pthread_mutex_destroy(&threads->lock);
    free(threads);
}

void rm_threads_run(struct rm_threads *threads, void (*work)(void *argument, int i), void *argument) {
    if (threads->count == 1) {
        work(argument, 0);
        return;
    }
    pthread_mutex_lock(&threads->lock);
    threads->work = work;
    threads->argument = argument;
    threads->running = threads->count - 1;
    threads->round++;
    pthread_cond_broadcast(&threads->wake);
    pthread_mutex_unlock(&threads->lock);
    work(argument, 0);
    pthread_mutex_lock(&threads->lock);
    while (threads->running) pthread_cond_wait(&threads->done, &threads->lock);
    pthread_mutex_unlock(&threads->lock);
}
