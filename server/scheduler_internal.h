/*
 * server/scheduler_internal.h - shared by scheduler*.c only.
 */
#ifndef MR_SERVER_SCHEDULER_INTERNAL_H
#define MR_SERVER_SCHEDULER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/query.h"

struct MrScheduler {
    MrServer *server;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted; /* something to do may have come */
    pthread_cond_t rested; /* the thread has left all queries */
    MrQuery *queries;      /* grows under the mutex, shrinks only while the thread is at rest too */
    bool is_busy, is_woken, is_ending, is_started;
    bool is_unlinked;        /* the list has changed since the last mr_scheduler_link */
    uint32_t visitors;       /* who wait for rest */
    int64_t end_us;          /* monotonic time by which the end must come */
    int64_t checkpoint_us;   /* monotonic time from which the next checkpoint may be written */
    uint64_t hurry_sequence; /* what lies before it goes to the targets at once */
    uint64_t hurried;        /* the same, as the thread knew it when it began its round */
    atomic_bool is_tight;    /* the log has no room for rewind margins */
    uint64_t batch_rows;     /* of the next micro-batch at most, as far as the setting lets them */
    MrArena arena;           /* of the current batch's records */
    MrLogRecord *records;
    uint32_t record_count, record_capacity;
    MrDispatchGroup *groups;       /* made with the links */
    MrArena part_arena, row_arena; /* of a group's run: what it found; the rows of one member */
};

/* Holds the mutex, and the thread is in no query. */
void mr_scheduler_enter(MrScheduler *scheduler);
void mr_scheduler_leave(MrScheduler *scheduler);
/* The mutex is held. */
MrQuery *mr_scheduler_find(MrScheduler *scheduler, const uint8_t id[16]);
/* First sequence from which the query counts; 0: it is not there.  Takes the mutex. */
uint64_t mr_scheduler_start_of(MrScheduler *scheduler, const uint8_t id[16]);
/* Copies what others may see; the mutex is held. */
void mr_scheduler_publish(MrQuery *query);
/* The same of a query of which only position and covered have moved. */
void mr_scheduler_publish_place(MrQuery *query);

/* Stands before a row that it must not process (scheduler_run.c). */
bool mr_scheduler_is_at_halt(const MrQuery *query);
/* All running queries at the lowest position take the next range up to `head`.  False: none can. */
bool mr_scheduler_run_lowest(MrScheduler *scheduler, MrQuery **queries, uint32_t count,
                             uint64_t head);

/* Queries whose rows are looked up together (scheduler_dispatch.c). */
void mr_dispatch_groups_make(MrScheduler *scheduler);
void mr_dispatch_groups_destroy(MrScheduler *scheduler);
/* A round: who takes part is told first, then whole groups run. */
void mr_dispatch_groups_begin(MrScheduler *scheduler);
void mr_dispatch_group_join_round(MrQuery *query);
bool mr_dispatch_group_pays(const MrDispatchGroup *group);
/* False: there is no memory for its index, and the members must run one by one. */
bool mr_dispatch_group_prepare(MrScheduler *scheduler, MrDispatchGroup *group);
/* All members of the round take the scheduler's records up to there. */
void mr_dispatch_group_run(MrScheduler *scheduler, MrDispatchGroup *group, uint64_t upto);

/* The thread of a scheduler; `context` is the MrScheduler. */
void *mr_scheduler_main(void *context);

/* Forgets subscriptions whose client has gone; the mutex is held, the thread at rest. */
void mr_scheduler_sweep(MrScheduler *scheduler);
/* Queries that read others (scheduler_link.c). */
/* Finds every query's parents again; the list of queries has changed. */
void mr_scheduler_link(MrScheduler *scheduler);
/* Parents before those who read them. */
void mr_scheduler_sort(MrQuery **queries, uint32_t count);
/* Last sequence that the query may run to for its parents' sake (UINT64_MAX: any; 0: it waits). */
uint64_t mr_scheduler_parents_limit(const MrQuery *query);
/* A view that it reads and whose query is not there (any more), or NULL. */
const MrRelation *mr_scheduler_missing_parent(const MrQuery *query);
/* The suspended or stopped view that it waits for, having come as far as that one; or NULL.  The
 * mutex is held. */
const MrQuery *mr_scheduler_held_by(const MrQuery *query);

#endif
