/*
 * server/query.h - one standing query at work: restore, run, flush, checkpoint.  Only the
 * scheduler's thread calls these; what others may see is copied into the status.
 */
#ifndef MR_SERVER_QUERY_H
#define MR_SERVER_QUERY_H

#include "engine/pipeline.h"
#include "planner/explain.h"
#include "server/scheduler.h"
#include "server/targets.h"
#include "storage/checkpoint.h"

enum { MR_QUERY_NOTED_MAX = 1000, MR_QUERY_BATCHES_MAX = 32 };

/* The last rows of one kind, a ring by count. */
typedef struct MrNotedRing {
    MrNotedRow *rows;
    uint64_t count;
} MrNotedRing;

typedef struct MrQueryLate {
    MrSinkTable table;
    char name[MR_SINK_SIDE_NAME_BYTES];
    MrLateRow *rows;
    uint32_t count, capacity;
    MrArena arena; /* of the epoch's block */
} MrQueryLate;

typedef struct MrQuery MrQuery;
typedef struct MrDispatchGroup MrDispatchGroup; /* scheduler_internal.h */
struct MrQuery {
    MrServer *server;
    MrQuerySpec spec;
    MrQuery **parents;               /* of plan->parents; NULL: not there now (scheduler_link.c) */
    uint32_t depth;                  /* parents have a lower one */
    struct MrExplainNode *explained; /* the plan in words, in its arena; NULL for a subscription */
    uint32_t explained_count;
    MrPipeline *pipeline; /* NULL until started, and after a failure */
    MrPipeline *retired;  /* its rows are in an epoch that the target still holds */
    MrQueryState state;
    MrError error; /* of FAILED */
    bool is_suspended;
    bool has_input; /* something was run since the last flush */
    /* What lies before it goes to the target at once: as asked, and as the round saw it. */
    uint64_t hurry_sequence, hurried;
    uint64_t position; /* last sequence in the pipeline's state */
    /* Queries whose rows are looked up together (scheduler_dispatch.c); NULL: none. */
    MrDispatchGroup *group;
    uint32_t member; /* its number there */
    bool is_in_round;
    uint64_t rows_fed; /* of the round */
    int64_t fed_us;    /* what that took */
    /* W of the rows so far, and what the pipeline was told of it: nothing of it closes before
     * next_close_us, so that what lies between need not be told yet. */
    int64_t seen_us, told_us, next_close_us;
    /* The target holds this already: changes up to here are thrown away; 0: live. */
    uint64_t replay_until;
    /* Rows are read from first_sequence on, from before the query's start where its plan must know
     * what was there (query_begin.c); the pipeline knows of all starts up to `begun`, and is told
     * of the next one when it has run as far as begins_after (UINT64_MAX: there is none). */
    uint64_t first_sequence, begun, begins_after;
    uint64_t covered;
    bool is_placed;      /* covered is known: the target has said it */
    uint64_t live_from;  /* SUBSCRIBE: the log's head when it began */
    uint64_t halt_after; /* stop behind this row; UINT64_MAX: never */
    MrError halt_error;
    /* The target's side. */
    MrTargetThread *thread;
    MrTargetQuery *target_query; /* set by the registration's job */
    MrSinkTable table;
    MrEpoch epoch;
    MrSinkDead dead; /* of that epoch, with on_sink_error = 'dead_letter' */
    /* RESUME after the target refused a row: nothing is committed before that, since what was
     * refused may have changed by then. */
    uint64_t hold_until;
    bool in_flight;
    bool is_told;         /* SUBSCRIBE: the client knows of the failure */
    int64_t epoch_before; /* the target's epoch when the one in flight was submitted */
    int64_t stored_generation;
    /* Functions of the log, so they are in the checkpoint. */
    uint64_t rows_in, late_rows, failed_rows;
    /* Input row numbers of the last failed rows: a ring of error_limit + 1. */
    uint64_t *failed_places;
    uint32_t error_limit;
    MrNotedRing late, failed;
    /* late_rows = 'table': rows since the last epoch, and those of the epoch in flight. */
    MrQueryLate late_table;
    /* Times are monotonic µs. */
    int64_t last_flush_us, last_checkpoint_us;
    uint64_t checkpoint_sequence, oldest_checkpoint;
    MrCheckpointList checkpoints;
    bool is_start_kept; /* its target may be put back to any state that it had (query_rewind.c) */
    uint64_t batches;
    MrBatchNote batch_notes[MR_QUERY_BATCHES_MAX]; /* a ring by batches_noted */
    uint64_t batches_noted;
    uint64_t rows_out; /* handed to the target since the start of the server */
    int64_t batch_us_last;
    MrTargetStatus target_seen; /* at the last look of the scheduler, whose alone it is */
    bool is_changed;            /* since the status was published */
    bool is_moved;              /* the same, but nothing is new but position and covered */
    MrQueryStatus status;       /* under the scheduler's mutex */
    MrQuery *next;
};

MrStatus mr_query_create(MrServer *server, const MrQuerySpec *spec, MrQuery **out, MrError *err);
void mr_query_destroy(MrQuery *query);

/* How far the attached target is true. */
void mr_query_place(MrQuery *query, const MrTargetStatus *target);
/* Makes the pipeline from the newest checkpoint that the target's sequence allows.
 * MR_ERR_REWIND_IMPOSSIBLE: there is none, and rows from before it are not kept. */
MrStatus mr_query_start(MrQuery *query, const MrTargetStatus *target, MrError *err);
MrStatus mr_query_start_subscription(MrQuery *query, MrError *err);
/* Runs records (of any streams, in order) up to `upto`; `rows` counts those before each record. */
MrStatus mr_query_run(MrQuery *query, const MrLogRecord *records, uint32_t count, uint64_t upto,
                      MrError *err);

/* Records that were run for several queries at once. */
typedef struct MrQueryRound {
    const MrLogRecord *records;
    uint32_t count;
    uint64_t upto;
    uint64_t rows;        /* of the one stream that the queries read */
    int64_t watermark_us; /* its W after them; MR_TIME_MIN: none of them moved it */
} MrQueryRound;
/* The same in two steps, for a query of which somebody else has found the rows that it wants: those
 * (inputs in order, each with W behind it), as often as it takes; then the end of the round, once.
 * A query without rows, and without a window that W closes, does nothing at all. */
MrStatus mr_query_feed(MrQuery *query, const MrPipelineInput *inputs, uint32_t count, MrError *err);
void mr_query_see_watermark(MrQuery *query, int64_t watermark_us);
MrStatus mr_query_arrive(MrQuery *query, const MrQueryRound *round, MrError *err);
/* query_begin.c: whether all views are there whose starts the plan must know; the first sequence
 * that it reads; and, where the pipeline stands right before starts, tells it of them. */
bool mr_query_knows_starts(const MrQuery *query);
uint64_t mr_query_first_sequence(const MrQuery *query);
MrStatus mr_query_begin(MrQuery *query, MrError *err);
/* Flushes; submits an epoch when something changed, or when `commit` asks for progress alone.
 * Writes a checkpoint first when `checkpoint`. */
MrStatus mr_query_flush(MrQuery *query, bool commit, bool checkpoint, MrError *err);
/* query_start.c: the state at its position, into a file; those that are not needed any more go. */
MrStatus mr_query_write_checkpoint(MrQuery *query, MrError *err);
/* query_rewind.c, of the files in `directory`.  At a start: those that there are, of a target that
 * holds `held`. */
MrStatus mr_query_list_checkpoints(MrQuery *query, const char *directory, uint64_t held,
                                   MrError *err);
/* Whether the log has all that the query must read again behind its position, that of a checkpoint
 * or (`from_start`) the beginning: MR_ERR_REWIND_IMPOSSIBLE. */
MrStatus mr_query_check_replay(const MrQuery *query, bool from_start, const MrTargetStatus *target,
                               uint64_t held, MrError *err);
/* The start has succeeded: those go that it could not use, and that are younger than the target. */
void mr_query_settle_checkpoints(MrQuery *query, const char *directory, bool from_start);
/* One was written, at the query's position: those go that the rewind margin does not ask for. */
MrStatus mr_query_keep_checkpoints(MrQuery *query, const char *directory, MrError *err);
/* The target has come to `covered`. */
void mr_query_reach_checkpoints(MrQuery *query);
/* The log has no room: only what a restart needs is kept. */
void mr_query_give_way(MrQuery *query);
/* Since when the target has been at or behind the oldest checkpoint; MR_TIME_MIN: it is not known,
 * or it may be put back to any state that it had. */
int64_t mr_query_rewind_us(const MrQuery *query);
void mr_query_checkpoint_directory(const MrServer *server, char out[4096]);
/* late_rows.c: the rows that a run has noted; those of an epoch as a block (NULL: none); none are
 * wanted any more. */
MrStatus mr_query_late_add(MrQuery *query, const MrNotes *notes, MrError *err);
MrStatus mr_query_late_take(MrQuery *query, const MrBlock **out, MrError *err);
void mr_query_late_clear(MrQuery *query);
size_t mr_query_late_bytes(const MrQuery *query);

/* The least W of the streams that it reads, at the head of the log. */
int64_t mr_query_watermark(const MrQuery *query);
/* Ends it with the error; it keeps its place for a RESUME. */
void mr_query_fail(MrQuery *query, const MrError *error);
/* Frees what an epoch in flight has kept; the target is idle. */
void mr_query_free_retired(MrQuery *query);
/* Throws the state away, to start again from what the target says. */
void mr_query_restart(MrQuery *query);

#endif
