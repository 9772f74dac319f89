/*
 * server/scheduler_internal.h - shared by scheduler*.c only.
 */
#ifndef MR_SERVER_SCHEDULER_INTERNAL_H
#define MR_SERVER_SCHEDULER_INTERNAL_H

#include <pthread.h>

#include "server/query.h"

struct MrScheduler {
    MrServer *server;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted; /* something to do may have come */
    pthread_cond_t rested; /* the thread has left all queries */
    MrQuery *queries;      /* list changes under the mutex while the thread is at rest */
    bool is_busy, is_woken, is_ending, is_started;
    uint32_t visitors; /* who wait for rest */
    int64_t end_us;    /* monotonic time by which the end must come */
    uint64_t hurry_sequence;
    MrArena arena; /* of the current batch's records */
    MrLogRecord *records;
    uint32_t record_count, record_capacity;
};

/* Holds the mutex, and the thread is in no query. */
void mr_scheduler_enter(MrScheduler *scheduler);
void mr_scheduler_leave(MrScheduler *scheduler);
MrQuery *mr_scheduler_find(MrScheduler *scheduler, const uint8_t id[16]);
/* Copies what others may see; the mutex is held. */
void mr_scheduler_publish(MrQuery *query);
void *mr_scheduler_main(void *context);

#endif
