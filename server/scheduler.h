/*
 * server/scheduler.h - standing queries at work: who reads which part of the log, when a target
 * gets an epoch, when a checkpoint is written.  A thread of its own; calls here are thread-safe.
 *
 * Every query has a position in the log.  The scheduler takes the lowest one, reads a range from
 * there and runs all queries that stand at it over the same blocks; so queries at the head share
 * one scan, and one that lags catches up alone.  When a query's target is idle, its changes are
 * flushed and submitted.
 */
#ifndef MR_SERVER_SCHEDULER_H
#define MR_SERVER_SCHEDULER_H

#include "planner/planner.h"
#include "server/server.h"
#include "server/subscription.h"
#include "storage/target.h"

typedef enum MrQueryState {
    MR_QUERY_STARTING, /* restoring its state */
    MR_QUERY_RUNNING,
    MR_QUERY_SUSPENDED, /* by ALTER … SUSPEND */
    /* stopped: memory, error_limit, on_error = 'stop', a data error of the target … */
    MR_QUERY_FAILED,
} MrQueryState;

/* A consistent look at one query, for millrace.queries, EXPLAIN PROGRESS and waits. */
typedef struct MrQueryStatus {
    MrQueryState state;
    MrTargetStatus target;
    uint64_t position;          /* last sequence that its state contains */
    uint64_t covered;           /* last sequence that its target's table is true for */
    bool is_placed;             /* covered is known: the target has said it since the start */
    uint64_t oldest_checkpoint; /* sequence of the first that is kept; 0: none is known */
    /* When the target had reached that; MR_TIME_MIN: it has not, or none is known. */
    int64_t rewind_us;
    uint64_t start_sequence; /* rows count from there on, and are read from first_sequence on */
    uint64_t first_sequence;
    uint64_t plan_hash;
    uint32_t streams[MR_PLAN_SOURCES_MAX]; /* ids of those that it reads */
    uint32_t stream_count;
    int64_t watermark_us; /* the least of theirs */
    int64_t next_close_us;
    int64_t next_arrival_close_us; /* of windows on _arrival of streams with a WATERMARK */
    uint64_t rows_in, late_rows, failed_rows;
    uint64_t rows_out; /* written to the target, or deleted there, since the start of the server */
    int64_t state_bytes;
    uint64_t groups;
    uint64_t batches;
    int64_t batch_us_last;
    MrError error; /* of FAILED */
    /* The suspended or stopped view that it waits for, as it reads it; "" none. */
    char waits_for[64];
} MrQueryStatus;

typedef struct MrQueryOperatorFacts {
    const char *name;
    uint32_t index, lane;
    uint64_t rows_in, rows_out, groups;
    int64_t state_bytes;
    int64_t busy_us;
    const MrDagNode *node;                 /* borrowed, as the next */
    const struct MrExplainNode *explained; /* NULL: it has no description */
} MrQueryOperatorFacts;

/* A late or failed row as a person can read it. */
typedef struct MrNotedRow {
    uint64_t sequence;
    uint32_t stream_id;
    int64_t event_us, watermark_us; /* late rows */
    char sqlstate[6];               /* failed rows */
    char message[256];
} MrNotedRow;

MrStatus mr_scheduler_create(MrServer *server, MrError *err);
/* Finishes the epochs in flight (at most `wait_us`), writes checkpoints, stops the threads. */
void mr_scheduler_destroy(MrServer *server, int64_t wait_us);

typedef struct MrQuerySpec {
    uint8_t id[16];
    uint32_t object_id; /* in the catalogue store */
    const MrRelation *relation;
    const MrPlan *plan; /* keeps, with its arena and catalogue */
    MrArena *arena;     /* takes: holds the plan */
    MrCatalog *catalog; /* takes a reference */
    uint64_t start_sequence;
    int64_t generation;
    uint8_t nonce[16];
    bool is_suspended;
    MrSubscription *subscription; /* holds: its changes go there, and there is no target */
    uint64_t silent_until;        /* without a snapshot: changes up to there are thrown away */
} MrQuerySpec;
MrStatus mr_scheduler_add(MrServer *server, const MrQuerySpec *spec, MrError *err);
/* Forgets the query.  Called in a job of its target's thread (server/targets.h), so that no epoch
 * of it can be under way; waits for the scheduler to leave it.  Checkpoints go when `drop`. */
void mr_scheduler_remove(MrServer *server, const uint8_t id[16], MrTarget *target, bool drop);
/* The generation that the query has in its target by now, `known` if it is not there.  In a job of
 * its target's thread, too: what the scheduler has seen of it may be from before an attach. */
int64_t mr_scheduler_generation(MrServer *server, const uint8_t id[16], int64_t known);
MrStatus mr_scheduler_suspend(MrServer *server, const uint8_t id[16], MrError *err);
/* Fails where a view that it reads was replaced, so that only REFRESH helps. */
MrStatus mr_scheduler_resume(MrServer *server, const uint8_t id[16], MrError *err);
/* Fails where no other server has taken the query over. */
MrStatus mr_scheduler_take_over(MrServer *server, const uint8_t id[16], MrError *err);
/* Stops a query if a view that it reads was replaced and it has not been made anew over the new
 * one: whoever waits for it need not any more. */
void mr_scheduler_fail_orphan(MrServer *server, const uint8_t id[16], const MrError *error);
/* Suspended, and its target will soon say how far it is true. */
bool mr_query_status_finds_place(const MrQueryStatus *status);
bool mr_scheduler_query_status(MrServer *server, const uint8_t id[16], MrQueryStatus *out);
/* Calls `each` for every query. */
void mr_scheduler_each(MrServer *server,
                       void (*each)(void *context, const MrRelation *relation,
                                    const MrQueryStatus *status),
                       void *context);
void mr_scheduler_operators(MrServer *server, const uint8_t id[16],
                            void (*each)(void *context, const MrQueryOperatorFacts *facts),
                            void *context);
/* A micro-batch that had records of the query's inputs: those from `from` up to `upto`. */
typedef struct MrBatchNote {
    uint64_t number; /* since the start of the server */
    uint64_t from, upto, rows;
    int64_t ended_us; /* wall clock */
    int64_t busy_us;  /* in the query's own operators */
} MrBatchNote;
/* The most recent, oldest first. */
void mr_scheduler_batches(MrServer *server, const uint8_t id[16],
                          void (*each)(void *context, const MrBatchNote *batch), void *context);
void mr_scheduler_late_rows(MrServer *server, const uint8_t id[16],
                            void (*each)(void *context, const MrNotedRow *row), void *context);
void mr_scheduler_failed_rows(MrServer *server, const uint8_t id[16],
                              void (*each)(void *context, const MrNotedRow *row), void *context);
/* Lowest sequence that some query, checkpoint or target may still need (UINT64_MAX: none).
 * `holder` (at least one byte) gets the words for the query that needs it if that one is
 * suspended, stopped or blocked, else "". */
uint64_t mr_scheduler_needs_from(MrServer *server, char *holder, size_t holder_bytes);
/* While the log has no room (`is_tight`) nothing is kept for the sake of rewind margins. */
void mr_scheduler_give_way(MrServer *server, bool is_tight);
/* The lowest sequence that a running query reads next (UINT64_MAX: none is running).  *is_busy: a
 * query is being run now; none is while those behind wait for their targets. */
uint64_t mr_scheduler_reads_from(MrServer *server, bool *is_busy);
/* The log has more to read, or a target is idle again. */
void mr_scheduler_wake(MrServer *server);
/* EMIT EVERY of the query (NULL: of all) writes at once until `covered` reaches the sequence:
 * FLUSH, and who waits to read its own writes. */
void mr_scheduler_hurry(MrServer *server, const uint8_t *query, uint64_t sequence);

#endif
