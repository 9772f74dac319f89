/*
 * storage/target.c - a target's registrations, its connection, and what is due when.  The steps of
 * a query are in target_step.c.  Must not know operators or either database.
 */
#include "storage/target.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "storage/target_internal.h"

static const char *const state_texts[] = {
    [MR_TARGET_ATTACHING] = "ATTACHING", [MR_TARGET_RUNNING] = "RUNNING",
    [MR_TARGET_RETRYING] = "RETRYING",   [MR_TARGET_STALLED] = "STALLED",
    [MR_TARGET_BLOCKED] = "BLOCKED",     [MR_TARGET_FENCED] = "FENCED",
    [MR_TARGET_FAILED] = "FAILED",       [MR_TARGET_REWIND] = "REWIND",
};

const char *mr_target_state_text(MrTargetState state)
{
    return state_texts[state];
}

/* ---- life ------------------------------------------------------------------------------------ */

static MrStatus target_copy_options(MrTarget *target, const MrSinkOptions *options, MrError *err)
{
    target->options = *options;
    target->location = strdup(options->location == NULL ? "" : options->location);
    target->password = options->password == NULL ? NULL : strdup(options->password);
    target->options.location = target->location;
    target->options.password = target->password;
    target->options.read_only = false;
    if (target->location == NULL || (options->password != NULL && target->password == NULL)) {
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

/* Connects to nothing yet. */
MrStatus mr_target_create(const MrSinkClass *sink_class, const MrSinkOptions *options,
                          int64_t retry_us_max, MrTarget **out, MrError *err)
{
    *out = NULL;
    MR_TRY(sink_class->check_options(options, err));
    MrTarget *target = calloc(1, sizeof *target);
    if (target == NULL) {
        return mr_error_no_memory(err);
    }
    target->sink_class = sink_class;
    target->retry_us_max =
        retry_us_max > TARGET_RETRY_FIRST_US ? retry_us_max : TARGET_RETRY_FIRST_US;
    pthread_mutex_init(&target->lock, NULL);
    target->clock = mr_clock_create_real();
    MrStatus status = target_copy_options(target, options, err);
    if (status == MR_OK && target->clock == NULL) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK) {
        MrSinkOptions reading = target->options;
        reading.read_only = true;
        status = sink_class->open(&reading, &target->reader, err);
    }
    if (status != MR_OK) {
        mr_target_destroy(target);
        return status;
    }
    mr_random_init(&target->random, mr_hash_bytes(target->location, strlen(target->location)));
    *out = target;
    return MR_OK;
}

void mr_target_destroy(MrTarget *target)
{
    if (target == NULL) {
        return;
    }
    while (target->queries != NULL) {
        mr_target_remove(target, target->queries);
    }
    if (target->sink != NULL) {
        target->sink_class->close(target->sink);
    }
    if (target->reader != NULL) {
        target->sink_class->close(target->reader);
    }
    mr_clock_destroy(target->clock);
    pthread_mutex_destroy(&target->lock);
    if (target->password != NULL) {
        explicit_bzero(target->password, strlen(target->password));
    }
    free(target->password);
    free(target->location);
    free(target);
}

MrStatus mr_target_add(MrTarget *target, const uint8_t query[16], int64_t generation,
                       const uint8_t nonce[16], const MrSinkTable *table, MrTargetQuery **out,
                       MrError *err)
{
    MrTargetQuery *added = calloc(1, sizeof *added);
    *out = NULL;
    if (added == NULL) {
        return mr_error_no_memory(err);
    }
    added->target = target;
    memcpy(added->query, query, sizeof added->query);
    memcpy(added->nonce, nonce, sizeof added->nonce);
    added->stored_generation = generation;
    added->table = table;
    added->status.is_idle = true;
    added->status.progress.generation = generation;
    mr_error_clear(&added->status.error);
    mr_random_init(&added->random, mr_hash_bytes(query, 16));
    if (target->queries == NULL) {
        target->random = added->random;
    }
    pthread_mutex_lock(&target->lock);
    MrTargetQuery **at = &target->queries;
    while (*at != NULL && memcmp((*at)->query, query, 16) < 0) {
        at = &(*at)->next;
    }
    added->next = *at;
    *at = added;
    pthread_mutex_unlock(&target->lock);
    *out = added;
    return MR_OK;
}

void mr_target_remove(MrTarget *target, MrTargetQuery *query)
{
    if (query == NULL) {
        return;
    }
    pthread_mutex_lock(&target->lock);
    MrTargetQuery **at = &target->queries;
    while (*at != NULL && *at != query) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = query->next;
    }
    pthread_mutex_unlock(&target->lock);
    free(query);
}

/* ---- from other threads ---------------------------------------------------------------------- */

void mr_target_submit(MrTargetQuery *query, MrEpoch *epoch)
{
    pthread_mutex_lock(&query->target->lock);
    if (query->status.state != MR_TARGET_REWIND && query->epoch == NULL) {
        memcpy(epoch->query, query->query, sizeof epoch->query);
        epoch->generation = query->status.progress.generation;
        epoch->epoch = query->status.progress.epoch + 1;
        query->epoch = epoch;
        query->status.is_idle = false;
    }
    pthread_mutex_unlock(&query->target->lock);
}

/* The query does not go on, or not before another try. */
static bool state_is_failure(MrTargetState state)
{
    return state == MR_TARGET_RETRYING || state == MR_TARGET_STALLED ||
           state == MR_TARGET_BLOCKED || state == MR_TARGET_FENCED || state == MR_TARGET_FAILED;
}

static void query_note_wake(MrTargetQuery *query)
{
    query->woken = true;
    query->gives_up |= query->status.state == MR_TARGET_FAILED || query->takes_over;
    /* What nobody has heard of, too: it may have been put back to an older state. */
    if (state_is_failure(query->status.state) || query->status.is_idle) {
        query->status.state = MR_TARGET_ATTACHING;
        mr_error_clear(&query->status.error);
    }
}

/* What stopped it is over for whoever looks from here on: the target is asked again first. */
void mr_target_wake(MrTargetQuery *query)
{
    pthread_mutex_lock(&query->target->lock);
    query_note_wake(query);
    pthread_mutex_unlock(&query->target->lock);
}

void mr_target_take_over(MrTargetQuery *query)
{
    pthread_mutex_lock(&query->target->lock);
    query->takes_over = true;
    query_note_wake(query);
    pthread_mutex_unlock(&query->target->lock);
}

void mr_target_status(MrTargetQuery *query, MrTargetStatus *out)
{
    pthread_mutex_lock(&query->target->lock);
    mr_target_status_copy(out, &query->status);
    pthread_mutex_unlock(&query->target->lock);
}

void mr_target_status_copy(MrTargetStatus *to, const MrTargetStatus *from)
{
    memcpy(to, from, offsetof(MrTargetStatus, error));
    mr_error_copy(&to->error, &from->error);
}

MrStatus mr_target_scan(MrTarget *target, const MrSinkTable *table, MrArena *arena,
                        MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                        void *context, MrError *err)
{
    return target->sink_class->scan(target->reader, table, arena, each, context, err);
}

/* ---- the connection -------------------------------------------------------------------------- */

int64_t mr_target_backoff(const MrTarget *target, MrRandom *random, uint32_t attempts)
{
    int64_t delay_us = TARGET_RETRY_FIRST_US;
    for (uint32_t i = 0; i < attempts && delay_us < target->retry_us_max; i++) {
        delay_us *= 2;
    }
    if (delay_us > target->retry_us_max) {
        delay_us = target->retry_us_max;
    }
    return delay_us - (int64_t)mr_random_below(random, (uint64_t)delay_us / 2 + 1);
}

void mr_target_set_state(MrTargetQuery *query, MrTargetState state, const MrError *err)
{
    pthread_mutex_lock(&query->target->lock);
    if (query->woken && state_is_failure(state)) { /* of an attempt from before that */
        state = MR_TARGET_ATTACHING;
        err = NULL;
    }
    query->status.state = state;
    if (err != NULL) {
        query->status.error = *err;
    } else {
        mr_error_clear(&query->status.error);
    }
    pthread_mutex_unlock(&query->target->lock);
}

/* No attempt is due again until somebody wakes the query. */
static bool state_is_final(MrTargetState state)
{
    return state == MR_TARGET_FENCED || state == MR_TARGET_FAILED || state == MR_TARGET_REWIND;
}

void mr_target_lose(MrTarget *target, int64_t now_us)
{
    if (target->sink != NULL) {
        target->sink_class->close(target->sink);
        target->sink = NULL;
    }
    target->connect_due_us =
        now_us + mr_target_backoff(target, &target->random, target->connect_attempts);
    for (MrTargetQuery *query = target->queries; query != NULL; query = query->next) {
        if (query->phase == TARGET_PHASE_READY) {
            query->phase = TARGET_PHASE_RESOLVE;
        }
    }
}

static MrStatus target_open(MrTarget *target, MrError *err)
{
    MR_TRY(target->sink_class->open(&target->options, &target->sink, err));
    target->connect_due_us = 0;
    return MR_OK;
}

static bool target_is_connected(MrTarget *target)
{
    return target->sink != NULL && target->sink_class->is_connected(target->sink);
}

/* A fault of the connection is every query's: each shows why it waits. */
static void target_connect_failed(MrTarget *target, const MrError *err, int64_t now_us)
{
    MrSinkFault fault = target->sink_class->classify(err);
    bool blocked = fault == MR_SINK_FAULT_BLOCKED || fault == MR_SINK_FAULT_DATA ||
                   fault == MR_SINK_FAULT_FENCED;
    MrTargetState state = blocked                          ? MR_TARGET_BLOCKED
                          : fault == MR_SINK_FAULT_STALLED ? MR_TARGET_STALLED
                                                           : MR_TARGET_RETRYING;
    target->connect_due_us =
        now_us + (blocked ? TARGET_BLOCKED_RETRY_US
                          : mr_target_backoff(target, &target->random, target->connect_attempts));
    target->connect_attempts++;
    for (MrTargetQuery *query = target->queries; query != NULL; query = query->next) {
        if (!state_is_final(query->status.state)) {
            mr_target_set_state(query, state, err);
            pthread_mutex_lock(&target->lock);
            query->status.retries++;
            pthread_mutex_unlock(&target->lock);
        }
    }
}

static bool target_connect(MrTarget *target, int64_t now_us)
{
    MrError err = MR_ERROR_INIT;
    if (target_is_connected(target)) {
        return true;
    }
    if (target->sink != NULL) {
        mr_target_lose(target, now_us);
        target->connect_due_us =
            now_us; /* it broke while nobody used it: the first attempt may be now */
    }
    if (now_us < target->connect_due_us) {
        return false;
    }
    if (target_open(target, &err) != MR_OK) {
        target_connect_failed(target, &err, now_us);
        return false;
    }
    return true;
}

MrStatus mr_target_sink(MrTarget *target, MrSink **out, MrError *err)
{
    *out = NULL;
    if (!target_is_connected(target)) {
        if (target->sink != NULL) {
            mr_target_lose(target, 0);
        }
        MR_TRY(target_open(target, err));
    }
    *out = target->sink;
    return MR_OK;
}

/* ---- what is due ----------------------------------------------------------------------------- */

/* A query wants something of the connection: to attach or resolve, or to commit what was submitted.
 */
static bool query_wants(MrTargetQuery *query)
{
    pthread_mutex_lock(&query->target->lock);
    bool wants = query->phase != TARGET_PHASE_READY || query->epoch != NULL;
    pthread_mutex_unlock(&query->target->lock);
    return wants;
}

static void target_take_wakes(MrTarget *target)
{
    for (MrTargetQuery *query = target->queries; query != NULL; query = query->next) {
        pthread_mutex_lock(&target->lock);
        bool woken = query->woken;
        bool takes_over = query->takes_over;
        query->in_doubt = query->in_doubt && !takes_over;
        if (woken && query->gives_up && !query->in_doubt) { /* its rows are computed anew */
            query->epoch = NULL;
            query->status.is_idle = true;
        }
        query->woken = query->gives_up = false;
        pthread_mutex_unlock(&target->lock);
        if (!woken) {
            continue;
        }
        query->due_us = 0;
        query->conflicts = 0;
        target->connect_due_us = 0;
        /* Whatever it was that stopped it, the row is looked at again first. */
        if (query->phase == TARGET_PHASE_READY) {
            query->phase = TARGET_PHASE_RESOLVE;
        }
        query->phase = takes_over ? TARGET_PHASE_ATTACH : query->phase;
        if (query->status.state != MR_TARGET_RUNNING) {
            mr_target_set_state(query, MR_TARGET_ATTACHING, NULL);
        }
    }
}

/* The earliest moment at which some query wants something and may try. */
static int64_t target_next_due(MrTarget *target)
{
    int64_t next_us = INT64_MAX;
    for (MrTargetQuery *query = target->queries; query != NULL; query = query->next) {
        if (query_wants(query) && query->due_us < next_us) {
            next_us = query->due_us;
        }
    }
    if (next_us != INT64_MAX && target->sink == NULL && next_us < target->connect_due_us) {
        next_us = target->connect_due_us;
    }
    return next_us;
}

int64_t mr_target_run(MrTarget *target, int64_t now_us)
{
    target_take_wakes(target);
    if (target_next_due(target) > now_us || !target_connect(target, now_us)) {
        return target_next_due(target);
    }
    for (MrTargetQuery *query = target->queries; query != NULL && target->sink != NULL;
         query = query->next) {
        if (query->phase == TARGET_PHASE_ATTACH && query->due_us <= now_us) {
            mr_target_step_attach(query, now_us);
        } else if (query->phase == TARGET_PHASE_RESOLVE && query->due_us <= now_us) {
            mr_target_step_resolve(query, now_us);
        }
    }
    if (target->sink != NULL) {
        mr_target_step_commit(target, now_us);
    }
    return target_next_due(target);
}
