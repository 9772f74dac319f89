/*
 * storage/target_step.c - the steps of one query at its target: attach, resolve, commit, and what
 * each fault leads to (reliability.md 2.3 and 2.7).  Must not know operators or either database.
 *     ATTACH ──ok──▶ READY ──commit──▶ READY
 *                      │ connection lost, outcome unknown, compare-and-set refused
 *                      ▼
 *                   RESOLVE ── epoch = e     committed, go on
 *                           ── epoch = e - 1 not committed, again
 *                           ── epoch < e - 1 REWIND     ── generation > g  FENCED
 *                                                           ── generation < g  put back: ATTACH
 *                           ── epoch > e, no row        BLOCKED
 *
 */
#include <stdlib.h>

#include "storage/target_internal.h"

static const MrSinkClass *query_class(const MrTargetQuery *query)
{
    return query->target->sink_class;
}

static void query_count_retry(MrTargetQuery *query)
{
    pthread_mutex_lock(&query->target->lock);
    query->status.retries++;
    pthread_mutex_unlock(&query->target->lock);
}

/* The connection that a step has left unusable is closed at once. */
static void query_check_connection(MrTargetQuery *query, MrSinkFault fault, int64_t now_us)
{
    MrTarget *target = query->target;
    if (target->sink != NULL &&
        (fault == MR_SINK_FAULT_RETRY || !target->sink_class->is_connected(target->sink))) {
        mr_target_lose(target, now_us);
        target->connect_attempts++;
    }
}

static void query_back_off(MrTargetQuery *query, MrTargetState state, const MrError *err,
                           int64_t now_us)
{
    query->due_us = now_us + mr_target_backoff(query->target, &query->random, query->attempts);
    query->attempts++;
    query_count_retry(query);
    mr_target_set_state(query, state, err);
}

void mr_target_step_fail(MrTargetQuery *query, const MrError *err, int64_t now_us)
{
    MrSinkFault fault = query_class(query)->classify(err);
    switch (fault) {
    case MR_SINK_FAULT_CONFLICT:
        query_count_retry(query);
        if (query->conflicts++ < TARGET_CONFLICTS_MAX) {
            query->due_us = now_us;
            mr_target_set_state(query, MR_TARGET_RETRYING, err);
        } else {
            query_back_off(query, MR_TARGET_RETRYING, err, now_us);
        }
        break;
    case MR_SINK_FAULT_NONE:
    case MR_SINK_FAULT_RETRY: query_back_off(query, MR_TARGET_RETRYING, err, now_us); break;
    case MR_SINK_FAULT_STALLED: query_back_off(query, MR_TARGET_STALLED, err, now_us); break;
    case MR_SINK_FAULT_BLOCKED:
        query->due_us = now_us + TARGET_BLOCKED_RETRY_US;
        query_count_retry(query);
        mr_target_set_state(query, MR_TARGET_BLOCKED, err);
        break;
    case MR_SINK_FAULT_DATA:
        query->due_us = INT64_MAX;
        mr_target_set_state(query, MR_TARGET_FAILED, err);
        break;
    case MR_SINK_FAULT_FENCED:
        query->due_us = INT64_MAX;
        mr_target_set_state(query, MR_TARGET_FENCED, err);
        break;
    }
    query_check_connection(query, fault, now_us);
}

static void query_succeed(MrTargetQuery *query)
{
    query->attempts = 0;
    query->due_us = 0;
    query->target->connect_attempts = 0;
    mr_target_set_state(query, MR_TARGET_RUNNING, NULL);
}

/* ---- attach ---------------------------------------------------------------------------------- */

/* The generation that TAKE OVER goes on from is whatever the target has. */
static MrStatus query_find_generation(MrTargetQuery *query, MrError *err)
{
    MrProgress found = { 0 };
    pthread_mutex_lock(&query->target->lock);
    bool takes_over = query->takes_over;
    pthread_mutex_unlock(&query->target->lock);
    if (!takes_over) {
        return MR_OK;
    }
    MR_TRY(
        query_class(query)->resolve(query->target->sink, query->query, query->table, &found, err));
    query->stored_generation = found.generation;
    return MR_OK;
}

void mr_target_step_attach(MrTargetQuery *query, int64_t now_us)
{
    MrError err = MR_ERROR_INIT;
    MrProgress progress = { 0 };
    MrTarget *target = query->target;
    MrStatus status = query_find_generation(query, &err);
    if (status == MR_OK) {
        status =
            query_class(query)->attach(target->sink, query->query, query->table,
                                       query->stored_generation, query->nonce, &progress, &err);
    }
    if (status != MR_OK) {
        mr_target_step_fail(query, &err, now_us);
        return;
    }
    pthread_mutex_lock(&target->lock);
    query->takes_over = false;
    query->status.progress = progress;
    query->status.is_attached = true;
    pthread_mutex_unlock(&target->lock);
    query->phase = TARGET_PHASE_READY;
    query_succeed(query);
}

/* ---- commit and resolve ---------------------------------------------------------------------- */

static void query_committed(MrTargetQuery *query, const MrProgress *progress, int64_t duration_us)
{
    pthread_mutex_lock(&query->target->lock);
    query->status.progress = *progress;
    query->status.commits++;
    query->status.commit_us_last = duration_us;
    query->status.is_idle = true;
    query->epoch = NULL;
    pthread_mutex_unlock(&query->target->lock);
    query->in_doubt = false;
    query->conflicts = 0;
    query_succeed(query);
}

/* The target has lost commits that we know of: it is right.  What was to come next was computed
 * from them, and is dropped. */
static void query_rewind(MrTargetQuery *query, const MrProgress *found)
{
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, MR_ERR_NOT_IN_STATE, "the target stands at epoch %lld, it had reached %lld",
                 (long long)found->epoch, (long long)query->status.progress.epoch);
    pthread_mutex_lock(&query->target->lock);
    query->status.progress = *found;
    query->status.is_idle = true;
    query->epoch = NULL;
    pthread_mutex_unlock(&query->target->lock);
    query->in_doubt = false;
    query->due_us = INT64_MAX;
    mr_target_set_state(query, MR_TARGET_REWIND, &err);
}

static void query_stop(MrTargetQuery *query, MrStatus status, const MrProgress *found,
                       int64_t now_us)
{
    MrError err = MR_ERROR_INIT;
    if (status == MR_ERR_FENCED) {
        mr_error_set(&err, status, "another server has taken the query over");
        mr_error_detail(&err, "The target has generation %lld, this server %lld.",
                        (long long)found->generation, (long long)query->status.progress.generation);
    } else {
        mr_error_set(&err, status, "something else wrote to the query's progress row");
        mr_error_detail(
            &err, "The target has epoch %lld at sequence %llu, this server knows %lld at %llu.",
            (long long)found->epoch, (unsigned long long)found->sequence,
            (long long)query->status.progress.epoch,
            (unsigned long long)query->status.progress.sequence);
    }
    mr_target_step_fail(query, &err, now_us);
}

/* Somebody may have looked at them, and deleted them. */
static void query_note_dead_rows(MrTargetQuery *query, uint64_t rows)
{
    pthread_mutex_lock(&query->target->lock);
    query->status.progress.dead_rows = rows;
    pthread_mutex_unlock(&query->target->lock);
}

/* A generation from before ours: the target was put back to a state from before our last attach,
 * and is taken over again under the generation that we have stored. */
static MrStatus query_attach_again(MrTargetQuery *query, MrProgress *found, MrError *err)
{
    const int64_t known = query->status.progress.generation;
    return found->generation < known
               ? query_class(query)->attach(query->target->sink, query->query, query->table,
                                            known - 1, query->nonce, found, err)
               : MR_OK;
}

/* The answers of RESOLVE. */
static void query_judge(MrTargetQuery *query, const MrProgress *found, int64_t now_us)
{
    const MrProgress *known = &query->status.progress;
    MrProgress taken = *found;
    MrError err = MR_ERROR_INIT;
    if (query_attach_again(query, &taken, &err) != MR_OK) {
        mr_target_step_fail(query, &err, now_us);
        return;
    }
    found = &taken;
    if (found->generation != known->generation) {
        query_stop(query, MR_ERR_FENCED, found, now_us);
    } else if (found->epoch < known->epoch) {
        query->phase = TARGET_PHASE_READY;
        query_rewind(query, found);
    } else if (found->epoch == known->epoch && found->sequence == known->sequence) {
        query->in_doubt = false;
        query->phase = TARGET_PHASE_READY;
        query_note_dead_rows(query, found->dead_rows);
        query_succeed(query);
    } else if (query->in_doubt && found->epoch == known->epoch + 1 && query->epoch != NULL &&
               found->sequence == query->epoch->sequence) {
        query->phase = TARGET_PHASE_READY;
        query_committed(query, found, query->status.commit_us_last);
    } else {
        query_stop(query, MR_ERR_NOT_IN_STATE, found, now_us);
    }
}

void mr_target_step_resolve(MrTargetQuery *query, int64_t now_us)
{
    MrError err = MR_ERROR_INIT;
    MrProgress found = { 0 };
    if (query_class(query)->resolve(query->target->sink, query->query, query->table, &found,
                                    &err) != MR_OK) {
        mr_target_step_fail(query, &err, now_us);
        return;
    }
    query_judge(query, &found, now_us);
}

bool mr_target_query_is_ready(MrTargetQuery *query, int64_t now_us)
{
    pthread_mutex_lock(&query->target->lock);
    bool ready =
        query->phase == TARGET_PHASE_READY && query->epoch != NULL && query->due_us <= now_us;
    pthread_mutex_unlock(&query->target->lock);
    return ready;
}

/* As the epoch that was just committed has left them. */
static uint64_t dead_rows(const MrTargetQuery *query)
{
    const MrSinkDead *dead = query->epoch->dead;
    return dead != NULL && dead->is_sifting ? dead->rows : query->status.progress.dead_rows;
}

/* One transaction for the queries; *unknown, *err as the sink says. */
static MrStatus queries_commit(MrTarget *target, MrTargetQuery **queries, uint32_t count,
                               bool *unknown, MrError *err)
{
    const MrEpoch **epochs = calloc(count, sizeof *epochs);
    int32_t culprit;
    *unknown = false;
    if (epochs == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        MrEpoch *epoch = queries[i]->epoch;
        epoch->generation = queries[i]->status.progress.generation;
        epoch->epoch = queries[i]->status.progress.epoch + 1;
        epochs[i] = epoch;
    }
    int64_t start_us = mr_clock_monotonic_us(target->clock);
    MrStatus status =
        target->sink_class->commit(target->sink, epochs, count, unknown, &culprit, err);
    int64_t duration_us = mr_clock_monotonic_us(target->clock) - start_us;
    for (uint32_t i = 0; i < count && status == MR_OK; i++) {
        MrProgress progress = { .generation = epochs[i]->generation,
                                .epoch = epochs[i]->epoch,
                                .sequence = epochs[i]->sequence,
                                .dead_rows = dead_rows(queries[i]) };
        query_committed(queries[i], &progress, duration_us);
    }
    free(epochs);
    return status;
}

/* "I do not know whether it committed" is a normal answer: whatever the error says, a new
 * connection asks the progress row. */
static void query_doubt(MrTargetQuery *query, const MrError *err, int64_t now_us)
{
    query->in_doubt = true;
    query->phase = TARGET_PHASE_RESOLVE;
    query_back_off(query, MR_TARGET_RETRYING, err, now_us);
    query_check_connection(query, MR_SINK_FAULT_RETRY, now_us);
}

/* A row of the epoch is refused: the next attempt looks for it. */
static bool query_begins_sift(MrTargetQuery *query, const MrError *err)
{
    MrSinkDead *dead = query->epoch->dead;
    if (dead == NULL || dead->is_sifting ||
        query_class(query)->classify(err) != MR_SINK_FAULT_DATA) {
        return false;
    }
    dead->is_sifting = true;
    return true;
}

/* Redoes a conflict at once, up to ten times, and what has a row that is to be left out. */
static void query_commit_alone(MrTargetQuery *query, int64_t now_us)
{
    MrTarget *target = query->target;
    while (target->sink != NULL && mr_target_query_is_ready(query, now_us)) {
        MrError err = MR_ERROR_INIT;
        bool unknown;
        MrStatus status = queries_commit(target, &query, 1, &unknown, &err);
        if (status == MR_OK) {
            return;
        }
        if (unknown) {
            query_doubt(query, &err, now_us);
            return;
        }
        if (query_begins_sift(query, &err)) {
            continue;
        }
        if (status == MR_ERR_FENCED) {
            /* The row says who it was: another generation, or a target that lost commits. */
            query->phase = TARGET_PHASE_RESOLVE;
            mr_target_step_resolve(query, now_us);
            if (query->phase != TARGET_PHASE_READY || query->due_us > now_us) {
                return;
            }
            mr_error_set(&err, MR_ERR_SERIALIZATION,
                         "the progress row was not to be had, then it was");
        }
        mr_target_step_fail(query, &err, now_us);
    }
}

/* What failed for all is tried for each alone, unless it was the connection that failed. */
static void queries_commit_failed(MrTarget *target, MrTargetQuery **queries, uint32_t count,
                                  bool unknown, const MrError *err, int64_t now_us)
{
    bool lost = unknown || target->sink_class->classify(err) == MR_SINK_FAULT_RETRY ||
                !target->sink_class->is_connected(target->sink);
    for (uint32_t i = 0; i < count; i++) {
        if (unknown) {
            query_doubt(queries[i], err, now_us);
        } else if (lost) {
            mr_target_step_fail(queries[i], err, now_us);
        } else {
            query_commit_alone(queries[i], now_us);
        }
    }
}

void mr_target_step_commit(MrTarget *target, int64_t now_us)
{
    uint32_t count = 0, filled = 0;
    for (MrTargetQuery *query = target->queries; query != NULL; query = query->next) {
        count += mr_target_query_is_ready(query, now_us);
    }
    if (count == 0) {
        return;
    }
    MrTargetQuery **ready = target->sink_class->commits_alone ? NULL : calloc(count, sizeof *ready);
    if (ready == NULL) {
        /* Alone they need no list, for which memory may have lacked. */
        for (MrTargetQuery *query = target->queries; query != NULL; query = query->next) {
            query_commit_alone(query, now_us);
        }
        return;
    }
    for (MrTargetQuery *query = target->queries; query != NULL && filled < count;
         query = query->next) {
        if (mr_target_query_is_ready(query, now_us)) {
            ready[filled++] = query;
        }
    }
    if (filled == 1) {
        query_commit_alone(ready[0], now_us);
    } else if (filled > 1) {
        MrError err = MR_ERROR_INIT;
        bool unknown;
        if (queries_commit(target, ready, filled, &unknown, &err) != MR_OK) {
            queries_commit_failed(target, ready, filled, unknown, &err, now_us);
        }
    }
    free(ready);
}
