/*
 * server/workers.h - the threads: a pool that is lent to micro-batches, and the way every other
 * thread is made.
 */
#ifndef MR_SERVER_WORKERS_H
#define MR_SERVER_WORKERS_H

#include <pthread.h>

#include "engine/pipeline.h"
#include "server/server.h"

/* A joinable thread with all signals blocked (the event loop handles them). `name` shows in
 * tools. */
MrStatus mr_thread_start(pthread_t *thread, const char *name, void *(*run)(void *context),
                         void *context, MrError *err);

/* `count` lanes: count - 1 threads and the one that calls. */
MrStatus mr_workers_create(MrServer *server, uint32_t count, MrError *err);
void mr_workers_destroy(MrServer *server);
/* How pipelines borrow them; only one thread (the scheduler's) may. */
const MrParallel *mr_workers_parallel(const MrServer *server);

#endif
