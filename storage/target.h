/*
 * storage/target.h - the state machine that both kinds of sinks share: attach, commit, unknown
 * outcome, retry, blocked, fenced.  One target per connection; its owner calls it from one thread.
 * Time comes from the caller (monotonic µs), so that a test owns it.  Must not know operators.
 */
#ifndef MR_STORAGE_TARGET_H
#define MR_STORAGE_TARGET_H

#include "storage/sink.h"

/* State of one query at its target, as millrace.queries shows it. */
typedef enum MrTargetState {
    MR_TARGET_ATTACHING,
    MR_TARGET_RUNNING,
    MR_TARGET_RETRYING,
    MR_TARGET_STALLED,
    MR_TARGET_BLOCKED,
    MR_TARGET_FENCED,
    MR_TARGET_FAILED /* data error, stopped */,
    MR_TARGET_REWIND /* target is behind us */,
} MrTargetState;
const char *mr_target_state_text(MrTargetState state); /* "RUNNING" … */

typedef struct MrTarget MrTarget;
typedef struct MrTargetQuery MrTargetQuery; /* one query's registration at the target */

MrStatus mr_target_create(const MrSinkClass *sink_class, const MrSinkOptions *options,
                          int64_t retry_us_max, MrTarget **out, MrError *err);
void mr_target_destroy(MrTarget *target);

/* Keeps `table`.  `generation` and `nonce` as the catalogue stored them before; the caller stores
 * the new generation after a successful attach (mr_target_query_progress). */
MrStatus mr_target_add(MrTarget *target, const uint8_t query[16], int64_t generation,
                       const uint8_t nonce[16], const MrSinkTable *table, MrTargetQuery **out,
                       MrError *err);
/* drops an epoch that is not committed */
void mr_target_remove(MrTarget *target, MrTargetQuery *query);

/* Hands over an epoch (keeps it until mr_target_is_idle is true again for the query); its epoch and
 * generation numbers are set here. At most one per query.  Thread-safe, but nothing is committed
 * before mr_target_run.  In state REWIND the epoch is dropped: it was computed for rows that the
 * target lost. */
void mr_target_submit(MrTargetQuery *query, MrEpoch *epoch);
/* Does what is due at `now_us`: connects, attaches, commits all submitted epochs in one transaction
 * (each alone after an error), resolves unknown outcomes.  Returns the time of the next attempt
 * (INT64_MAX: nothing to do until something is submitted).  Blocks on the sink. */
int64_t mr_target_run(MrTarget *target, int64_t now_us);
/* A user asked to try again now (RESUME), which in state FAILED drops the epoch that the target
 * does not take: it is computed anew, of rows that may have changed since; or, in state REWIND, the
 * query was put back to the place that status.progress names, and its epochs count again.
 * Thread-safe. */
void mr_target_wake(MrTargetQuery *query);
/* A user decided that this server has the query from now on (TAKE OVER): it is attached whatever
 * the generation at the target, and its epoch is dropped.  The owner goes on from status.progress.
 * Thread-safe. */
void mr_target_take_over(MrTargetQuery *query);

/* Thread-safe reads of the state. */
typedef struct MrTargetStatus {
    MrTargetState state;
    bool is_attached;
    bool is_idle;        /* no epoch is submitted or in doubt */
    MrProgress progress; /* last known to be committed */
    int64_t commits, retries;
    int64_t commit_us_last; /* duration */
    MrError error;          /* why it is not RUNNING */
} MrTargetStatus;
void mr_target_status(MrTargetQuery *query, MrTargetStatus *out);
/* The texts of an error only where there is one: they are the most of it. */
void mr_target_status_copy(MrTargetStatus *to, const MrTargetStatus *from);
/* The connection to run create_table, drop_table, scan on (connects when needed; same thread). */
MrStatus mr_target_sink(MrTarget *target, MrSink **out, MrError *err);
/* Reads a result table beside whatever mr_target_run does: thread-safe, on connections of its own.
 */
MrStatus mr_target_scan(MrTarget *target, const MrSinkTable *table, MrArena *arena,
                        MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                        void *context, MrError *err);

#endif
