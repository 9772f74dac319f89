/*
 * server/scheduler_control.c - what other threads ask of the scheduler: queries come and go, and
 * are looked at.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/logging.h"
#include "common/file.h"
#include "common/random.h"
#include "server/scheduler_internal.h"
#include "server/waits.h"
#include "server/workers.h"
#include "storage/checkpoint.h"

enum { RECORDS_MAX = 4096 };

void mr_scheduler_enter(MrScheduler *scheduler)
{
    pthread_mutex_lock(&scheduler->mutex);
    scheduler->visitors++;
    while (scheduler->is_busy) {
        pthread_cond_wait(&scheduler->rested, &scheduler->mutex);
    }
}

void mr_scheduler_leave(MrScheduler *scheduler)
{
    scheduler->visitors--;
    scheduler->is_woken = true;
    pthread_cond_broadcast(&scheduler->wanted);
    pthread_mutex_unlock(&scheduler->mutex);
}

MrQuery *mr_scheduler_find(MrScheduler *scheduler, const uint8_t id[16])
{
    MrQuery *query = scheduler->queries;
    while (query != NULL && memcmp(query->spec.id, id, 16) != 0) {
        query = query->next;
    }
    return query;
}

uint64_t mr_scheduler_start_of(MrScheduler *scheduler, const uint8_t id[16])
{
    pthread_mutex_lock(&scheduler->mutex);
    const MrQuery *query = mr_scheduler_find(scheduler, id);
    uint64_t start = query == NULL ? 0 : query->spec.start_sequence;
    pthread_mutex_unlock(&scheduler->mutex);
    return start;
}

static void publish_streams(const MrPlan *plan, MrQueryStatus *status)
{
    status->stream_count = 0;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (mr_plan_scan_is_logged(&plan->scans[s]) && mr_plan_is_first_scan(plan, s)) {
            status->streams[status->stream_count++] = plan->scans[s].spec->stream_id;
        }
    }
}

void mr_scheduler_publish_place(MrQuery *query)
{
    MrQueryStatus *status = &query->status;
    status->position = query->position;
    status->covered = query->covered;
    status->is_placed = query->is_placed;
    status->oldest_checkpoint = query->oldest_checkpoint;
    status->rewind_us = mr_query_rewind_us(query);
    status->rows_in = query->rows_in;
    status->rows_out = query->rows_out;
    status->watermark_us = mr_query_watermark(query);
}

void mr_scheduler_publish(MrQuery *query)
{
    MrQueryStatus *status = &query->status;
    mr_scheduler_publish_place(query);
    status->state = query->state;
    status->start_sequence = query->spec.start_sequence;
    status->first_sequence = query->first_sequence;
    status->plan_hash = query->spec.plan->plan_hash;
    publish_streams(query->spec.plan, status);
    mr_target_status_copy(&status->target, &query->target_seen);
    status->late_rows = query->late_rows;
    status->failed_rows = query->failed_rows;
    status->batches = query->batches;
    status->batch_us_last = query->batch_us_last;
    mr_error_copy(&status->error, &query->error);
    status->next_close_us = status->next_arrival_close_us = MR_TIME_MAX;
    status->state_bytes = 0;
    status->groups = 0;
    if (query->pipeline != NULL) {
        status->next_arrival_close_us = mr_pipeline_next_arrival_close_us(query->pipeline);
        status->next_close_us = mr_pipeline_next_close_us(query->pipeline);
        status->state_bytes = mr_pipeline_state_bytes(query->pipeline);
        for (uint32_t i = 0; i < mr_pipeline_operator_count(query->pipeline); i++) {
            for (uint32_t lane = 0; lane < mr_pipeline_lane_count(query->pipeline, i); lane++) {
                MrOperatorFacts facts;
                mr_pipeline_operator_facts(query->pipeline, i, lane, &facts);
                status->groups += facts.groups;
            }
        }
    }
}

MrStatus mr_scheduler_create(MrServer *server, MrError *err)
{
    char directory[4096];
    MrScheduler *scheduler = calloc(1, sizeof *scheduler);
    if (scheduler == NULL) {
        return mr_error_no_memory(err);
    }
    server->scheduler = scheduler;
    scheduler->server = server;
    pthread_mutex_init(&scheduler->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&scheduler->wanted, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_cond_init(&scheduler->rested, NULL);
    mr_arena_init(&scheduler->arena, 0);
    mr_arena_init(&scheduler->part_arena, 0);
    mr_arena_init(&scheduler->row_arena, 0);
    scheduler->record_capacity = RECORDS_MAX;
    scheduler->records = calloc(RECORDS_MAX, sizeof *scheduler->records);
    if (scheduler->records == NULL) {
        return mr_error_no_memory(err);
    }
    snprintf(directory, sizeof directory, "%s/checkpoints", server->data_directory);
    MR_TRY(mr_file_make_directory(directory, err));
    MR_TRY(mr_thread_start(&scheduler->thread, "scheduler", mr_scheduler_main, scheduler, err));
    scheduler->is_started = true;
    return MR_OK;
}

void mr_scheduler_destroy(MrServer *server, int64_t wait_us)
{
    MrScheduler *scheduler = server->scheduler;
    if (scheduler == NULL) {
        return;
    }
    if (scheduler->is_started) {
        pthread_mutex_lock(&scheduler->mutex);
        scheduler->is_ending = scheduler->is_woken = true;
        scheduler->end_us = mr_clock_monotonic_us(server->clock) + wait_us;
        pthread_cond_broadcast(&scheduler->wanted);
        pthread_mutex_unlock(&scheduler->mutex);
        pthread_join(scheduler->thread, NULL);
    }
    mr_targets_destroy(server); /* first: an epoch in flight reads the queries' memory */
    while (scheduler->queries != NULL) {
        MrQuery *query = scheduler->queries;
        scheduler->queries = query->next;
        mr_query_destroy(query);
    }
    pthread_cond_destroy(&scheduler->wanted);
    pthread_cond_destroy(&scheduler->rested);
    pthread_mutex_destroy(&scheduler->mutex);
    mr_arena_fini(&scheduler->arena);
    mr_arena_fini(&scheduler->part_arena);
    mr_arena_fini(&scheduler->row_arena);
    mr_dispatch_groups_destroy(scheduler);
    free(scheduler->records);
    free(scheduler);
    server->scheduler = NULL;
}

/* On the target's thread: from now on it attaches and commits for the query. */
static void register_job(void *context, MrTarget *target)
{
    MrQuery *query = context;
    MrScheduler *scheduler = query->server->scheduler;
    MrError err = MR_ERROR_INIT;
    MrTargetQuery *registered = NULL;
    MrStatus status = mr_target_add(target, query->spec.id, query->spec.generation,
                                    query->spec.nonce, &query->table, &registered, &err);
    mr_scheduler_enter(scheduler);
    query->target_query = registered;
    if (status != MR_OK) {
        mr_query_fail(query, &err);
        mr_scheduler_publish(query);
    }
    mr_scheduler_leave(scheduler);
}

/* A nonce that was sent and not confirmed is sent again; else a fresh one, stored before it is
 * used. */
static MrStatus prepare_nonce(MrServer *server, MrQuery *query, MrError *err)
{
    static const uint8_t none[16];
    if (memcmp(query->spec.nonce, none, sizeof none) != 0) {
        return MR_OK;
    }
    MR_TRY(mr_random_uuid(query->spec.nonce, err));
    return mr_catalog_store_set_owner(server->store, query->spec.object_id, query->spec.generation,
                                      query->spec.nonce, err);
}

static void add_to_list(MrScheduler *scheduler, MrQuery *query)
{
    pthread_mutex_lock(&scheduler->mutex);
    query->next = scheduler->queries;
    scheduler->queries = query;
    scheduler->is_unlinked = true;
    mr_scheduler_publish(query);
    pthread_mutex_unlock(&scheduler->mutex);
}

void mr_scheduler_sweep(MrScheduler *scheduler)
{
    for (MrQuery **link = &scheduler->queries; *link != NULL;) {
        MrQuery *query = *link;
        if (query->spec.subscription == NULL ||
            !mr_subscription_is_over(query->spec.subscription)) {
            link = &query->next;
            continue;
        }
        *link = query->next;
        scheduler->is_unlinked = true;
        mr_query_destroy(query);
    }
}

MrStatus mr_scheduler_add(MrServer *server, const MrQuerySpec *spec, MrError *err)
{
    MrTargetThread *thread = NULL;
    MrQuery *query;
    if (spec->subscription == NULL) {
        const char *connection = spec->plan->exchange != NULL
                                     ? MR_CONNECTION_EXCHANGE
                                     : spec->relation->standing->connection;
        MR_TRY(mr_targets_find(server, spec->catalog, connection, &thread, err));
    }
    MR_TRY(mr_query_create(server, spec, &query, err));
    query->thread = thread;
    MrStatus status = thread == NULL ? MR_OK : prepare_nonce(server, query, err);
    if (status != MR_OK) {
        query->spec.arena = NULL; /* stays the caller's */
        mr_query_destroy(query);
        return status;
    }
    add_to_list(server->scheduler, query);
    if (thread != NULL) {
        mr_target_thread_post(thread, register_job, query);
    }
    return MR_OK;
}

void mr_scheduler_remove(MrServer *server, const uint8_t id[16], MrTarget *target, bool drop)
{
    MrScheduler *scheduler = server->scheduler;
    MrError err = MR_ERROR_INIT;
    char directory[4096];
    mr_scheduler_enter(scheduler);
    MrQuery **link = &scheduler->queries;
    while (*link != NULL && memcmp((*link)->spec.id, id, 16) != 0) {
        link = &(*link)->next;
    }
    MrQuery *query = *link;
    if (query != NULL) {
        *link = query->next;
        mr_scheduler_link(scheduler); /* nobody may look at it any more */
    }
    mr_scheduler_leave(scheduler);
    if (query != NULL && query->target_query != NULL) {
        mr_target_remove(target, query->target_query);
    }
    if (drop) {
        snprintf(directory, sizeof directory, "%s/checkpoints", server->data_directory);
        if (mr_checkpoint_remove_all(directory, id, &err) != MR_OK) {
            mr_log_error(MR_LOG_WARNING, "checkpoint.remove", &err);
        }
    }
    mr_query_destroy(query);
}

int64_t mr_scheduler_generation(MrServer *server, const uint8_t id[16], int64_t known)
{
    MrScheduler *scheduler = server->scheduler;
    mr_scheduler_enter(scheduler);
    const MrQuery *query = mr_scheduler_find(scheduler, id);
    if (query != NULL && query->target_query != NULL) {
        MrTargetStatus status;
        mr_target_status(query->target_query, &status);
        known = status.progress.generation;
    }
    mr_scheduler_leave(scheduler);
    return known;
}

bool mr_query_status_finds_place(const MrQueryStatus *status)
{
    return status->state == MR_QUERY_SUSPENDED && !status->is_placed &&
           (status->target.state == MR_TARGET_ATTACHING ||
            status->target.state == MR_TARGET_RUNNING || status->target.state == MR_TARGET_REWIND);
}

/* What others may see; the mutex is held. */
static void copy_status(const MrQuery *query, MrQueryStatus *out)
{
    const MrQuery *holder = mr_scheduler_held_by(query);
    *out = query->status;
    if (query->target_query != NULL) {
        mr_target_status(query->target_query, &out->target);
    }
    snprintf(out->waits_for, sizeof out->waits_for, "%s",
             holder == NULL ? "" : holder->spec.relation->name);
}

bool mr_scheduler_query_status(MrServer *server, const uint8_t id[16], MrQueryStatus *out)
{
    MrScheduler *scheduler = server->scheduler;
    pthread_mutex_lock(&scheduler->mutex);
    MrQuery *query = mr_scheduler_find(scheduler, id);
    if (query != NULL) {
        copy_status(query, out);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    return query != NULL;
}

void mr_scheduler_each(MrServer *server,
                       void (*each)(void *context, const MrRelation *relation,
                                    const MrQueryStatus *status),
                       void *context)
{
    MrScheduler *scheduler = server->scheduler;
    pthread_mutex_lock(&scheduler->mutex);
    for (MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        MrQueryStatus status;
        if (query->spec.subscription != NULL) {
            continue; /* its client's alone */
        }
        copy_status(query, &status);
        each(context, query->spec.relation, &status);
    }
    pthread_mutex_unlock(&scheduler->mutex);
}

static const MrExplainNode *find_explained(const MrQuery *query, uint32_t index)
{
    for (uint32_t n = 0; n < query->explained_count; n++) {
        if (query->explained[n].index == index) {
            return &query->explained[n];
        }
    }
    return NULL;
}

void mr_scheduler_operators(MrServer *server, const uint8_t id[16],
                            void (*each)(void *context, const MrQueryOperatorFacts *facts),
                            void *context)
{
    MrScheduler *scheduler = server->scheduler;
    mr_scheduler_enter(scheduler);
    MrQuery *query = mr_scheduler_find(scheduler, id);
    uint32_t count =
        query == NULL || query->pipeline == NULL ? 0 : mr_pipeline_operator_count(query->pipeline);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t lane = 0; lane < mr_pipeline_lane_count(query->pipeline, i); lane++) {
            MrOperatorFacts facts;
            mr_pipeline_operator_facts(query->pipeline, i, lane, &facts);
            each(context, &(MrQueryOperatorFacts){ .name = facts.name,
                                                   .index = i,
                                                   .lane = lane,
                                                   .rows_in = facts.rows_in,
                                                   .rows_out = facts.rows_out,
                                                   .groups = facts.groups,
                                                   .state_bytes = facts.state_bytes,
                                                   .busy_us = facts.busy_us,
                                                   .node = &query->spec.plan->dag->nodes[i],
                                                   .explained = find_explained(query, i) });
        }
    }
    mr_scheduler_leave(scheduler);
}

static void each_noted(MrScheduler *scheduler, const uint8_t id[16], bool late,
                       void (*each)(void *context, const MrNotedRow *row), void *context)
{
    mr_scheduler_enter(scheduler);
    MrQuery *query = mr_scheduler_find(scheduler, id);
    if (query != NULL) {
        const MrNotedRing *ring = late ? &query->late : &query->failed;
        uint64_t kept = ring->count < MR_QUERY_NOTED_MAX ? ring->count : MR_QUERY_NOTED_MAX;
        for (uint64_t i = ring->count - kept; i < ring->count; i++) {
            each(context, &ring->rows[i % MR_QUERY_NOTED_MAX]);
        }
    }
    mr_scheduler_leave(scheduler);
}

void mr_scheduler_late_rows(MrServer *server, const uint8_t id[16],
                            void (*each)(void *context, const MrNotedRow *row), void *context)
{
    each_noted(server->scheduler, id, true, each, context);
}

void mr_scheduler_failed_rows(MrServer *server, const uint8_t id[16],
                              void (*each)(void *context, const MrNotedRow *row), void *context)
{
    each_noted(server->scheduler, id, false, each, context);
}

void mr_scheduler_batches(MrServer *server, const uint8_t id[16],
                          void (*each)(void *context, const MrBatchNote *batch), void *context)
{
    mr_scheduler_enter(server->scheduler);
    const MrQuery *query = mr_scheduler_find(server->scheduler, id);
    uint64_t last = query != NULL ? query->batches_noted : 0;
    for (uint64_t n = last > MR_QUERY_BATCHES_MAX ? last - MR_QUERY_BATCHES_MAX + 1 : 1; n <= last;
         n++) {
        each(context, &query->batch_notes[n % MR_QUERY_BATCHES_MAX]);
    }
    mr_scheduler_leave(server->scheduler);
}

/* By what is published: that may be older, and then asks for more than is needed. */
static uint64_t query_needs_from(const MrQuery *query)
{
    const MrQueryStatus *status = &query->status;
    uint64_t from =
        status->oldest_checkpoint > 0 ? status->oldest_checkpoint + 1 : status->first_sequence;
    if (query->spec.subscription != NULL && status->position >= from) {
        from = status->position + 1; /* it never goes back */
    }
    return from;
}

uint64_t mr_scheduler_needs_from(MrServer *server, char *holder, size_t holder_bytes)
{
    MrScheduler *scheduler = server->scheduler;
    const MrQuery *last = NULL;
    uint64_t least = UINT64_MAX;
    pthread_mutex_lock(&scheduler->mutex);
    for (const MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        uint64_t from = query_needs_from(query);
        last = from < least ? query : last;
        least = from < least ? from : least;
    }
    /* One that runs will soon need less: it holds nothing that anybody could set free. */
    bool stands = last != NULL && last->status.state != MR_QUERY_RUNNING &&
                  last->status.state != MR_QUERY_STARTING;
    snprintf(holder, holder_bytes, "%s%s%s", stands ? "query \"" : "",
             stands ? last->spec.relation->name : "", stands ? "\", which stands still" : "");
    pthread_mutex_unlock(&scheduler->mutex);
    return least;
}

void mr_scheduler_give_way(MrServer *server, bool is_tight)
{
    if (atomic_exchange(&server->scheduler->is_tight, is_tight) != is_tight) {
        mr_log_line(is_tight ? MR_LOG_WARNING : MR_LOG_INFO, "log.room", "%s",
                    is_tight ? "the log has hardly any room left: nothing is kept for rewind_margin"
                             : "the log has room again: rewind_margin holds from now on");
        mr_scheduler_wake(server);
    }
}

uint64_t mr_scheduler_reads_from(MrServer *server, bool *is_busy)
{
    MrScheduler *scheduler = server->scheduler;
    uint64_t least = UINT64_MAX;
    pthread_mutex_lock(&scheduler->mutex);
    for (const MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        if (query->status.state == MR_QUERY_RUNNING && query->status.position < least) {
            least = query->status.position + 1;
        }
    }
    *is_busy = scheduler->is_busy;
    pthread_mutex_unlock(&scheduler->mutex);
    return least;
}

void mr_scheduler_wake(MrServer *server)
{
    MrScheduler *scheduler = server->scheduler;
    if (scheduler == NULL) {
        return;
    }
    pthread_mutex_lock(&scheduler->mutex);
    scheduler->is_woken = true;
    pthread_cond_broadcast(&scheduler->wanted);
    pthread_mutex_unlock(&scheduler->mutex);
}

void mr_scheduler_hurry(MrServer *server, const uint8_t *query, uint64_t sequence)
{
    MrScheduler *scheduler = server->scheduler;
    pthread_mutex_lock(&scheduler->mutex);
    MrQuery *one = query == NULL ? NULL : mr_scheduler_find(scheduler, query);
    uint64_t *upto = one == NULL ? &scheduler->hurry_sequence : &one->hurry_sequence;
    *upto = sequence > *upto ? sequence : *upto;
    scheduler->is_woken = true;
    pthread_cond_broadcast(&scheduler->wanted);
    pthread_mutex_unlock(&scheduler->mutex);
}
