/*
 * storage/target_internal.h - what the two halves of the target's state machine share: target.c
 * holds the registrations and the connection, target_step.c the steps of one query.
 */
#ifndef MR_STORAGE_TARGET_INTERNAL_H
#define MR_STORAGE_TARGET_INTERNAL_H

#include <pthread.h>

#include "common/clock.h"
#include "common/random.h"
#include "storage/target.h"

/* What a query needs next from the connection that there is. */
typedef enum TargetPhase {
    TARGET_PHASE_ATTACH, /* take the query over; once in a process */
    /* the connection is new or the outcome unknown: ask where the query stands */
    TARGET_PHASE_RESOLVE,
    TARGET_PHASE_READY,
} TargetPhase;

struct MrTargetQuery {
    MrTarget *target;
    MrTargetQuery *next; /* in order of the id, which is the order of row locks */
    uint8_t query[16], nonce[16];
    int64_t stored_generation; /* what the catalogue knew before the attach */
    const MrSinkTable *table;
    MrRandom random;
    /* Of the target's thread. */
    TargetPhase phase;
    int64_t due_us;    /* no attempt before; INT64_MAX: not until it is woken */
    uint32_t attempts; /* failed ones in a row */
    uint32_t conflicts;
    bool in_doubt; /* COMMIT of the epoch was sent, and no answer came */
    /* Under the target's lock. */
    MrEpoch *epoch;
    bool woken;
    /* With it: the epoch that failed is not wanted any more; whoever has the query loses it. */
    bool gives_up, takes_over;
    MrTargetStatus status;
};

struct MrTarget {
    const MrSinkClass *sink_class;
    MrSinkOptions options;
    char *location, *password;
    int64_t retry_us_max;
    MrClock *clock; /* for durations only: the caller owns the time */
    MrRandom random;
    MrSink *sink;
    MrSink *reader;
    int64_t connect_due_us;
    uint32_t connect_attempts;
    MrTargetQuery *queries;
    pthread_mutex_t lock;
};

enum {
    TARGET_BLOCKED_RETRY_US = 60000000,
    TARGET_RETRY_FIRST_US = 100000,
    TARGET_CONFLICTS_MAX = 10
};

/* 0.1, 0.2, 0.4 … s up to the limit, less up to a half by chance, so that many don't come at once.
 */
int64_t mr_target_backoff(const MrTarget *target, MrRandom *random, uint32_t attempts);
/* The connection is gone or can't be trusted: closes it; attached queries must resolve. */
void mr_target_lose(MrTarget *target, int64_t now_us);
void mr_target_set_state(MrTargetQuery *query, MrTargetState state, const MrError *err);

/* target_step.c */
void mr_target_step_attach(MrTargetQuery *query, int64_t now_us);
void mr_target_step_resolve(MrTargetQuery *query, int64_t now_us);
void mr_target_step_commit(MrTarget *target, int64_t now_us);
bool mr_target_query_is_ready(MrTargetQuery *query, int64_t now_us);
/* The query's reaction to a fault of the target. */
void mr_target_step_fail(MrTargetQuery *query, const MrError *err, int64_t now_us);

#endif
