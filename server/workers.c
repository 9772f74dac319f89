/*
 * server/workers.c - the pool, and how threads start: see workers.h.
 */
#include "server/workers.h"

#include <signal.h>
#include <stdlib.h>

typedef struct Worker {
    pthread_t thread;
    MrWorkers *pool;
    bool is_started;
} Worker;

struct MrWorkers {
    MrParallel parallel;
    pthread_mutex_t mutex;
    pthread_cond_t has_work, is_done;
    void (*task)(void *context, uint32_t index);
    void *context;
    uint32_t next, count, running; /* of the current job */
    uint64_t job;
    bool is_ending;
    Worker *workers;
    uint32_t worker_count;
};

MrStatus mr_thread_start(pthread_t *thread, const char *name, void *(*run)(void *context),
                         void *context, MrError *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        return mr_error_set(err, MR_ERR_OUT_OF_MEMORY, "could not start the thread \"%s\": %s",
                            name, strerror(failed));
    }
    pthread_setname_np(*thread, name);
    return MR_OK;
}

/* Takes tasks of the current job until none is left; the mutex is held at entry and exit. */
static void work_on(MrWorkers *pool)
{
    while (pool->next < pool->count) {
        uint32_t index = pool->next++;
        pthread_mutex_unlock(&pool->mutex);
        pool->task(pool->context, index);
        pthread_mutex_lock(&pool->mutex);
        pool->running--;
    }
}

static void *worker_main(void *context)
{
    MrWorkers *pool = ((Worker *)context)->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->is_ending) {
        if (pool->job == seen) {
            pthread_cond_wait(&pool->has_work, &pool->mutex);
            continue;
        }
        seen = pool->job;
        work_on(pool);
        if (pool->running == 0) {
            pthread_cond_signal(&pool->is_done);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void pool_run(void *context, void (*task)(void *context, uint32_t index), void *task_context,
                     uint32_t count)
{
    MrWorkers *pool = context;
    pthread_mutex_lock(&pool->mutex);
    pool->task = task;
    pool->context = task_context;
    pool->next = 0;
    pool->count = pool->running = count;
    pool->job++;
    pthread_cond_broadcast(&pool->has_work);
    work_on(pool);
    while (pool->running > 0) {
        pthread_cond_wait(&pool->is_done, &pool->mutex);
    }
    pool->count = 0;
    pthread_mutex_unlock(&pool->mutex);
}

MrStatus mr_workers_create(MrServer *server, uint32_t count, MrError *err)
{
    MrWorkers *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return mr_error_no_memory(err);
    }
    server->workers = pool;
    pool->parallel = (MrParallel){ .pool = pool, .lanes = count, .run = pool_run };
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    pthread_cond_init(&pool->is_done, NULL);
    pool->worker_count = count - 1;
    pool->workers = calloc(count, sizeof *pool->workers);
    if (pool->workers == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t w = 0; w < pool->worker_count; w++) {
        pool->workers[w].pool = pool;
        MR_TRY(mr_thread_start(&pool->workers[w].thread, "worker", worker_main, &pool->workers[w],
                               err));
        pool->workers[w].is_started = true;
    }
    return MR_OK;
}

void mr_workers_destroy(MrServer *server)
{
    MrWorkers *pool = server->workers;
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t w = 0; pool->workers != NULL && w < pool->worker_count; w++) {
        if (pool->workers[w].is_started) {
            pthread_join(pool->workers[w].thread, NULL);
        }
    }
    pthread_cond_destroy(&pool->has_work);
    pthread_cond_destroy(&pool->is_done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
    server->workers = NULL;
}

const MrParallel *mr_workers_parallel(const MrServer *server)
{
    return &server->workers->parallel;
}
