/*
 * server/scheduler.c - the scheduler's thread: what to do next, and doing it.
 */
#include "server/scheduler.h"

#include <stdlib.h>

#include "common/logging.h"
#include "server/scheduler_internal.h"
#include "server/waits.h"

/* Changes that wait for RESUME's place (MrQuery.hold_until) may have so many. */
enum { HELD_BYTES_MAX = 32 * 1024 * 1024 };
enum {
    POLL_US = 1000000,
    IDLE_CHECKPOINT_INTERVALS = 30,
    CHECKPOINT_PAUSE_FACTOR = 19, /* checkpoints take a twentieth of the time, if they can */
};

typedef struct OwnerStored {
    MrServer *server;
    uint32_t object_id;
    int64_t generation;
} OwnerStored;

/* On the event loop: the attach has succeeded, its nonce is used up. */
static void store_owner(void *context)
{
    static const uint8_t no_nonce[16];
    OwnerStored *stored = context;
    MrError err = MR_ERROR_INIT;
    if (mr_catalog_store_set_owner(stored->server->store, stored->object_id, stored->generation,
                                   no_nonce, &err) != MR_OK &&
        err.status != MR_ERR_UNDEFINED_OBJECT) {
        mr_log_error(MR_LOG_WARNING, "catalog.owner", &err);
    }
    free(stored);
}

static void note_generation(MrQuery *query, int64_t generation)
{
    OwnerStored *stored = malloc(sizeof *stored);
    if (stored == NULL) {
        return; /* the nonce is kept: the next attach is still recognised */
    }
    *stored = (OwnerStored){ .server = query->server,
                             .object_id = query->spec.object_id,
                             .generation = generation };
    query->stored_generation = generation;
    mr_server_post(query->server, store_owner, stored);
}

/* What the target's thread has done since the last look. */
static void observe_target(MrQuery *query)
{
    const MrTargetStatus *target = &query->target_seen;
    if (query->target_query == NULL) {
        return;
    }
    mr_target_status(query->target_query, &query->target_seen);
    if (query->state == MR_QUERY_SUSPENDED && !query->is_placed && target->is_attached) {
        mr_query_place(query, target); /* what reads it comes as far as that */
        query->is_changed = true;
    }
    if (target->is_attached && target->progress.generation != query->stored_generation) {
        note_generation(query, target->progress.generation);
    }
    if (query->retired != NULL && target->is_idle) {
        mr_query_free_retired(query);
    }
    if (query->state == MR_QUERY_STARTING && target->state == MR_TARGET_FAILED) {
        mr_query_fail(query, &target->error); /* resumed, and refused again */
    }
    if (query->state == MR_QUERY_FAILED || query->state == MR_QUERY_STARTING) {
        return;
    }
    if (target->state == MR_TARGET_REWIND) {
        mr_log_line(MR_LOG_WARNING, "target.rewind",
                    "the target of %s is at sequence %llu, behind %llu: replaying",
                    query->spec.relation->name, (unsigned long long)target->progress.sequence,
                    (unsigned long long)query->covered);
        mr_query_restart(query);
        return;
    }
    if (query->in_flight && target->state == MR_TARGET_FAILED) {
        mr_query_fail(query, &target->error);
        return;
    }
    if (query->in_flight && target->is_idle && target->progress.epoch > query->epoch_before) {
        query->in_flight = false;
        query->covered = query->epoch.sequence;
        mr_query_reach_checkpoints(query);
    }
}

/* Retention does not wait for a client: rows that it has made go, and that the query would read
 * next, are the end of the subscription. */
static bool is_passed(const MrQuery *query)
{
    const MrPlan *plan = query->spec.plan;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        MrLogStreamFacts facts;
        if (mr_plan_scan_is_logged(&plan->scans[s]) &&
            mr_log_stream_facts(query->server->log, plan->scans[s].spec->stream_id, &facts) &&
            facts.trim_below > query->position + 1 && facts.last_sequence > query->position) {
            return true;
        }
    }
    return false;
}

static void fail_if_passed(MrQuery *query)
{
    if (query->state != MR_QUERY_RUNNING || !query->in_flight ||
        mr_pipeline_pending_bytes(query->pipeline) < MR_SUBSCRIPTION_PENDING_BYTES ||
        !is_passed(query)) {
        return;
    }
    MrError error = MR_ERROR_INIT;
    mr_error_set(&error, MR_ERR_LIMIT_EXCEEDED,
                 "the client of SUBSCRIBE is too slow: the rows behind sequence %llu, which it "
                 "would get next, are not kept any more",
                 (unsigned long long)query->covered);
    mr_error_hint(&error, "Read faster, let the stream keep its rows longer, or let a materialized "
                          "view keep the result.");
    mr_query_fail(query, &error);
}

/* The client's side of a SUBSCRIBE. */
static void observe_subscription(MrQuery *query)
{
    MrSubscription *subscription = query->spec.subscription;
    if (query->in_flight && mr_subscription_is_taken(subscription)) {
        query->in_flight = false;
        query->covered = query->epoch.sequence;
    }
    fail_if_passed(query);
    const MrRelation *missing = mr_scheduler_missing_parent(query);
    if (query->state == MR_QUERY_RUNNING && missing != NULL) {
        MrError error = MR_ERROR_INIT;
        mr_error_set(&error, MR_ERR_NOT_IN_STATE, "\"%s\" was dropped or changed", missing->name);
        mr_error_hint(&error, "SUBSCRIBE again.");
        mr_query_fail(query, &error);
    }
    if (query->state == MR_QUERY_FAILED && !query->is_told) {
        query->is_told = true;
        mr_subscription_fail(subscription, &query->error);
    }
}

static bool can_start(const MrQuery *query)
{
    if (query->state != MR_QUERY_STARTING || !mr_query_knows_starts(query)) {
        return false;
    }
    return query->spec.subscription != NULL ||
           (query->target_query != NULL && query->target_seen.is_attached &&
            query->target_seen.is_idle && query->retired == NULL &&
            (query->target_seen.state == MR_TARGET_RUNNING ||
             query->target_seen.state == MR_TARGET_REWIND));
}

/* Within a record is no time for a flush, but where the query stops there, or has before. */
static bool waits_for_record(const MrQuery *query)
{
    bool ends_here = mr_scheduler_is_at_halt(query) ||
                     (query->replay_until != 0 && query->position >= query->replay_until);
    return mr_pipeline_is_in_record(query->pipeline) && !ends_here;
}

/* A result that is only added to has the row that was refused for ever, and no reason to wait. */
static bool holds_back(const MrQuery *query)
{
    uint64_t until = mr_scheduler_parents_limit(query);
    until = query->hold_until < until ? query->hold_until : until;
    return query->position < until && !query->spec.plan->append_only &&
           !mr_scheduler_is_at_halt(query) &&
           mr_pipeline_pending_bytes(query->pipeline) < HELD_BYTES_MAX;
}

/* Whether its changes should go to the target now; *at_us: when, if not yet. */
static bool is_flush_due(MrScheduler *scheduler, const MrQuery *query, int64_t now_us,
                         int64_t *at_us)
{
    if (query->state != MR_QUERY_RUNNING || query->in_flight || waits_for_record(query)) {
        return false;
    }
    if (query->begins_after != UINT64_MAX) {
        return query->position >= query->begins_after;
    }
    if (query->replay_until != 0) {
        return query->position >= query->replay_until;
    }
    if (query->spec.subscription != NULL) { /* the history as a whole, or what of it is much */
        return query->has_input &&
               (query->position >= query->live_from ||
                mr_pipeline_pending_bytes(query->pipeline) >= MR_SUBSCRIPTION_PENDING_BYTES / 4);
    }
    if (!query->has_input || query->position <= query->covered) {
        /* Even over no input, the first answer must be written. */
        return query->has_input && query->target_seen.progress.epoch == 0 &&
               query->position >= query->covered;
    }
    if (query->target_seen.state != MR_TARGET_RUNNING || holds_back(query)) {
        return false;
    }
    const MrPlan *plan = query->spec.plan;
    int64_t every_us = plan->emit_every_us > plan->batch_interval_us ? plan->emit_every_us
                                                                     : plan->batch_interval_us;
    if (plan->exchange != NULL) { /* parts of a cluster's input */
        every_us = mr_settings_int(query->server->settings, MR_SET_FLINK_PART_INTERVAL);
        int64_t most = mr_settings_int(query->server->settings, MR_SET_FLINK_PART_BYTES);
        every_us = mr_pipeline_pending_bytes(query->pipeline) >= (size_t)most ? 0 : every_us;
    }
    if (every_us > 0 && scheduler->hurried <= query->covered && query->hurried <= query->covered) {
        int64_t due_us = query->last_flush_us + every_us;
        if (due_us > now_us) {
            *at_us = due_us < *at_us ? due_us : *at_us;
            return false;
        }
    }
    return true;
}

static bool is_checkpoint_due_after(const MrQuery *query, int64_t now_us, int64_t intervals)
{
    int64_t interval_us = mr_settings_int(query->server->settings, MR_SET_CHECKPOINT_INTERVAL);
    return interval_us > 0 && now_us - query->last_checkpoint_us >= interval_us * intervals &&
           query->position > query->checkpoint_sequence;
}

static bool is_checkpoint_due(const MrScheduler *scheduler, const MrQuery *query, int64_t now_us)
{
    return now_us >= scheduler->checkpoint_us && is_checkpoint_due_after(query, now_us, 1);
}

static bool is_idle_checkpoint_due(const MrScheduler *scheduler, const MrQuery *query,
                                   int64_t now_us)
{
    return now_us >= scheduler->checkpoint_us &&
           is_checkpoint_due_after(query, now_us, IDLE_CHECKPOINT_INTERVALS);
}

/* ---- what to do ------------------------------------------------------------------------------ */

static void start_query(MrQuery *query)
{
    MrError err = MR_ERROR_INIT;
    if (query->spec.subscription != NULL) {
        if (mr_query_start_subscription(query, &err) != MR_OK) {
            mr_query_fail(query, &err);
        }
        return;
    }
    if (mr_query_start(query, &query->target_seen, &err) != MR_OK) {
        mr_query_fail(query, &err);
    } else if (query->target_seen.state == MR_TARGET_REWIND) {
        mr_target_wake(query->target_query);
        mr_target_thread_wake(query->thread);
    }
}

/* With many queries the time between two checkpoints grows, instead of the share of the thread's
 * time that they take. */
static void pause_checkpoints(MrScheduler *scheduler, int64_t begun_us)
{
    int64_t now_us = mr_clock_monotonic_us(scheduler->server->clock);
    int64_t interval_us = mr_settings_int(scheduler->server->settings, MR_SET_CHECKPOINT_INTERVAL);
    int64_t pause_us = (now_us - begun_us) * CHECKPOINT_PAUSE_FACTOR;
    scheduler->checkpoint_us = now_us + (pause_us < interval_us ? pause_us : interval_us);
}

static void flush_query(MrScheduler *scheduler, MrQuery *query, bool checkpoint)
{
    MrError err = MR_ERROR_INIT;
    bool first = query->target_seen.progress.epoch == 0;
    int64_t begun_us = mr_clock_monotonic_us(scheduler->server->clock);
    if (mr_query_flush(query, first, checkpoint, &err) != MR_OK) {
        mr_query_fail(query, &err);
    } else if (checkpoint) {
        pause_checkpoints(scheduler, begun_us);
    }
}

/* Reached the row before the one that it must not process, and the target has all before it. */
static void halt_if_due(MrQuery *query)
{
    if (query->state == MR_QUERY_RUNNING && mr_scheduler_is_at_halt(query) && !query->in_flight &&
        query->covered >= query->position) {
        MrError error = query->halt_error;
        mr_query_fail(query, &error);
    }
}

/* A subscriber without news learns how far its rows are true. */
static void tell_covered(MrQuery *query)
{
    static const MrChangeSet nothing;
    MrError err = MR_ERROR_INIT;
    if (query->spec.subscription != NULL &&
        mr_subscription_offer(query->spec.subscription, &nothing, query->covered, &err) != MR_OK) {
        mr_query_fail(query, &err);
    }
}

/* An idle query moves on without a word to its target.  Now and then it writes down where it is, so
 * that the log need not be kept for it. */
static bool write_idle_checkpoint(MrScheduler *scheduler, MrQuery *query, int64_t now_us)
{
    if (query->state != MR_QUERY_RUNNING || query->spec.subscription != NULL || query->in_flight ||
        query->replay_until != 0 || query->begins_after != UINT64_MAX ||
        query->target_seen.state != MR_TARGET_RUNNING ||
        !is_idle_checkpoint_due(scheduler, query, now_us)) {
        return false;
    }
    flush_query(scheduler, query, true);
    return true;
}

/* All that one query needs but records.  True: something was done. */
static bool attend(MrScheduler *scheduler, MrQuery *query, int64_t now_us, int64_t *wake_us)
{
    uint64_t covered = query->covered;
    MrQueryState state = query->state;
    bool did = false;
    if (query->spec.subscription != NULL) {
        observe_subscription(query);
    } else {
        observe_target(query);
    }
    if (can_start(query)) {
        start_query(query);
        did = true;
    }
    if (query->state == MR_QUERY_RUNNING && query->replay_until == 0 && !query->has_input &&
        !query->in_flight && query->position > query->covered) {
        query->covered = query->position; /* nothing in that range concerned it */
        query->is_moved = true;
        tell_covered(query);
    }
    if (is_flush_due(scheduler, query, now_us, wake_us)) {
        flush_query(scheduler, query,
                    query->spec.subscription == NULL &&
                        is_checkpoint_due(scheduler, query, now_us));
        did = true;
    } else if (!query->has_input) {
        did |= write_idle_checkpoint(scheduler, query, now_us);
    }
    halt_if_due(query);
    query->is_changed |= did || query->state != state;
    /* Somebody may wait for just that. */
    query->is_moved |= query->covered != covered;
    return query->is_changed || query->is_moved;
}

/* One round over all queries, outside the mutex.  True: something was done. */
static bool work(MrScheduler *scheduler, MrQuery **queries, uint32_t count, int64_t *wake_us)
{
    int64_t now_us = mr_clock_monotonic_us(scheduler->server->clock);
    uint64_t head = mr_log_synced(scheduler->server->log);
    const bool is_tight = atomic_load(&scheduler->is_tight);
    bool did = false;
    *wake_us = INT64_MAX;
    for (uint32_t q = 0; q < count; q++) {
        did |= attend(scheduler, queries[q], now_us, wake_us);
        if (is_tight) {
            mr_query_give_way(queries[q]);
        }
    }
    return mr_scheduler_run_lowest(scheduler, queries, count, head) || did;
}

/* The end: what has been computed is written, checkpoints are taken. */
static bool finish(MrQuery **queries, uint32_t count)
{
    bool waits = false;
    for (uint32_t q = 0; q < count; q++) {
        MrQuery *query = queries[q];
        if (query->spec.subscription != NULL) {
            continue;
        }
        query->is_changed = true;
        observe_target(query);
        if (query->state != MR_QUERY_RUNNING || query->replay_until != 0 ||
            query->begins_after != UINT64_MAX || mr_pipeline_is_in_record(query->pipeline) ||
            query->target_seen.state != MR_TARGET_RUNNING) {
            continue;
        }
        if (!query->in_flight && query->position > query->checkpoint_sequence) {
            MrError err = MR_ERROR_INIT;
            if (mr_query_flush(query, true, true, &err) != MR_OK) {
                mr_query_fail(query, &err);
            }
        }
        waits |= query->in_flight;
    }
    return waits;
}

static void wait_until(MrScheduler *scheduler, int64_t monotonic_us)
{
    struct timespec at;
    int64_t left = monotonic_us == INT64_MAX
                       ? POLL_US
                       : monotonic_us - mr_clock_monotonic_us(scheduler->server->clock);
    left = left > POLL_US ? POLL_US : left < 0 ? 0 : left;
    if (mr_clock_is_virtual(scheduler->server->clock)) {
        left = POLL_US; /* SET CLOCK wakes us */
    }
    mr_clock_deadline(left, &at);
    pthread_cond_timedwait(&scheduler->wanted, &scheduler->mutex, &at);
}

/* The queries as an array, so that the list may grow while the thread works. */
static MrQuery **list_queries(MrScheduler *scheduler, MrQuery **array, uint32_t *capacity,
                              uint32_t *count)
{
    *count = 0;
    mr_scheduler_sweep(scheduler);
    if (scheduler->is_unlinked) {
        mr_scheduler_link(scheduler);
        scheduler->is_unlinked = false;
    }
    for (MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        if (*count == *capacity) {
            uint32_t more = *capacity == 0 ? 64 : *capacity * 2;
            MrQuery **larger = realloc(array, more * sizeof(MrQuery *));
            if (larger == NULL) {
                break; /* the others have their turn; these in a better time */
            }
            array = larger;
            *capacity = more;
        }
        array[(*count)++] = query;
    }
    mr_scheduler_sort(array, *count);
    return array;
}

void *mr_scheduler_main(void *context)
{
    MrScheduler *scheduler = context;
    MrQuery **queries = NULL;
    uint32_t count, capacity = 0;
    pthread_mutex_lock(&scheduler->mutex);
    for (;;) {
        while (scheduler->visitors > 0) {
            pthread_cond_wait(&scheduler->wanted, &scheduler->mutex);
        }
        bool is_ending = scheduler->is_ending;
        int64_t wake_us = INT64_MAX;
        queries = list_queries(scheduler, queries, &capacity, &count);
        scheduler->hurried = scheduler->hurry_sequence;
        for (uint32_t q = 0; q < count; q++) {
            queries[q]->hurried = queries[q]->hurry_sequence;
        }
        scheduler->is_busy = true;
        scheduler->is_woken = false;
        pthread_mutex_unlock(&scheduler->mutex);
        bool more = is_ending ? finish(queries, count) : work(scheduler, queries, count, &wake_us);
        pthread_mutex_lock(&scheduler->mutex);
        for (uint32_t q = 0; q < count; q++) {
            /* Of the others nobody can see anything new. */
            if (queries[q]->is_changed) {
                mr_scheduler_publish(queries[q]);
            } else if (queries[q]->is_moved) {
                mr_scheduler_publish_place(queries[q]);
            }
            queries[q]->is_changed = queries[q]->is_moved = false;
        }
        scheduler->is_busy = false;
        pthread_cond_broadcast(&scheduler->rested);
        if (more) {
            mr_waits_notify(scheduler->server);
        }
        if (is_ending &&
            (!more || mr_clock_monotonic_us(scheduler->server->clock) >= scheduler->end_us)) {
            break;
        }
        if ((is_ending || !more) && !scheduler->is_woken && scheduler->visitors == 0) {
            wait_until(scheduler, is_ending
                                      ? mr_clock_monotonic_us(scheduler->server->clock) + 10000
                                      : wake_us);
        }
    }
    pthread_mutex_unlock(&scheduler->mutex);
    free(queries);
    return NULL;
}
