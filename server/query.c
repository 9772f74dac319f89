/*
 * server/query.c - one standing query at work: see query.h.
 */
#include "server/query.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/logging.h"

enum { ERROR_WINDOW_ROWS = 10000 };

static MrStatus describe_operators(MrQuery *query, const MrQuerySpec *spec, MrError *err)
{
    MrStatus status = mr_explain_nodes(spec->plan, false, spec->arena, &query->explained,
                                       &query->explained_count, err);
    if (status != MR_OK) {
        mr_query_destroy(query);
    }
    return status;
}

MrStatus mr_query_create(MrServer *server, const MrQuerySpec *spec, MrQuery **out, MrError *err)
{
    MrQuery *query = calloc(1, sizeof *query);
    if (query == NULL) {
        return mr_error_no_memory(err);
    }
    query->server = server;
    query->spec = *spec;
    query->spec.catalog = NULL;
    query->spec.arena = NULL;
    query->spec.subscription = NULL;
    query->state = spec->is_suspended ? MR_QUERY_SUSPENDED : MR_QUERY_STARTING;
    query->is_suspended = spec->is_suspended;
    query->halt_after = query->begins_after = UINT64_MAX;
    query->first_sequence = spec->start_sequence;
    mr_arena_init(&query->late_table.arena, 0);
    query->error_limit = (uint32_t)mr_settings_int(server->settings, MR_SET_ERROR_LIMIT);
    query->stored_generation = spec->generation;
    if (spec->subscription == NULL) {
        query->table = spec->plan->exchange != NULL
                           ? mr_targets_exchange(spec->relation, spec->plan)
                           : mr_targets_table(spec->relation);
        query->late_table.table = mr_sink_late_table(&query->table, query->late_table.name);
    }
    query->failed_places = calloc(query->error_limit + 1, sizeof *query->failed_places);
    query->late.rows = calloc(MR_QUERY_NOTED_MAX, sizeof *query->late.rows);
    query->failed.rows = calloc(MR_QUERY_NOTED_MAX, sizeof *query->failed.rows);
    query->parents = calloc(spec->plan->parent_count + 1, sizeof *query->parents);
    if (query->failed_places == NULL || query->late.rows == NULL || query->failed.rows == NULL ||
        query->parents == NULL) {
        mr_query_destroy(query);
        return mr_error_no_memory(err);
    }
    if (spec->subscription == NULL) {
        /* Now: the plan's names live as long as the statement that made it. */
        MR_TRY(describe_operators(query, spec, err));
    }
    query->spec.arena = spec->arena;
    query->spec.subscription = spec->subscription;
    query->spec.catalog = mr_catalog_ref(spec->catalog);
    *out = query;
    return MR_OK;
}

void mr_query_destroy(MrQuery *query)
{
    if (query == NULL) {
        return;
    }
    mr_pipeline_destroy(query->pipeline);
    mr_pipeline_destroy(query->retired);
    mr_checkpoint_list_fini(&query->checkpoints);
    free(query->parents);
    free(query->failed_places);
    free(query->late.rows);
    free(query->late_table.rows);
    mr_arena_fini(&query->late_table.arena);
    free(query->failed.rows);
    if (query->spec.subscription != NULL) {
        mr_subscription_release(query->spec.subscription);
    }
    if (query->spec.catalog != NULL) {
        mr_catalog_unref(query->spec.catalog);
    }
    if (query->spec.arena != NULL) {
        mr_arena_fini(query->spec.arena);
        free(query->spec.arena);
    }
    free(query);
}

/* The rows of an epoch in flight live in the pipeline: it stays until the target lets go of
 * them. */
static void retire_pipeline(MrQuery *query)
{
    if (query->in_flight) {
        query->retired = query->pipeline;
    } else {
        mr_pipeline_destroy(query->pipeline);
    }
    query->pipeline = NULL;
    query->in_flight = false;
    query->has_input = false;
}

void mr_query_free_retired(MrQuery *query)
{
    mr_pipeline_destroy(query->retired);
    query->retired = NULL;
}

void mr_query_fail(MrQuery *query, const MrError *error)
{
    query->state = MR_QUERY_FAILED;
    query->error = *error;
    retire_pipeline(query);
    mr_log_error(MR_LOG_ERROR, "query.stopped", error);
}

void mr_query_restart(MrQuery *query)
{
    retire_pipeline(query);
    query->state = query->is_suspended ? MR_QUERY_SUSPENDED : MR_QUERY_STARTING;
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void ring_add(MrNotedRing *ring, const MrNotedRow *row)
{
    ring->rows[ring->count++ % MR_QUERY_NOTED_MAX] = *row;
}

/* W of the stream, or, where the arrival is the time, that of its last row. */
static int64_t time_of_stream(const MrQuery *query, const MrScanSpec *spec)
{
    MrLogStreamFacts facts;
    if (!spec->by_arrival) {
        return mr_log_watermark(query->server->log, spec->stream_id);
    }
    return mr_log_stream_facts(query->server->log, spec->stream_id, &facts) ? facts.last_arrival_us
                                                                            : MR_TIME_MIN;
}

int64_t mr_query_watermark(const MrQuery *query)
{
    const MrPlan *plan = query->spec.plan;
    int64_t least_us = MR_TIME_MAX, of_tables_us = MR_TIME_MAX;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (mr_plan_scan_is_logged(&plan->scans[s])) {
            const MrScanSpec *spec = plan->scans[s].spec;
            int64_t own_us = time_of_stream(query, spec);
            int64_t *least = spec->has_watermark ? &least_us : &of_tables_us;
            *least = own_us < *least ? own_us : *least;
        }
    }
    return least_us < MR_TIME_MAX ? least_us : of_tables_us; /* tables hold nobody back */
}

/* Number of the row among the query's input, from the records that were just run. */
static uint64_t input_number(const MrQuery *query, const MrLogRecord *records, uint32_t count,
                             uint64_t first_row, uint64_t sequence)
{
    uint64_t number = first_row;
    if (sequence == 0) {
        return query->rows_in; /* a derived row, of which no record is known */
    }
    for (uint32_t r = 0; r < count; r++) {
        if (records[r].kind != MR_RECORD_ROWS ||
            mr_plan_stream(query->spec.plan, records[r].stream_id) == NULL) {
            continue;
        }
        if (sequence < records[r].first_sequence + records[r].row_count) {
            return number + (sequence - records[r].first_sequence);
        }
        number += records[r].row_count;
    }
    return number;
}

/* More failed rows than allowed among the last: go back, stop just before the row that was one too
 * many. */
static void halt_before(MrQuery *query, const MrFailedRow *failed)
{
    uint64_t sequence = failed->sequence > 0 ? failed->sequence : failed->record;
    const MrError *cause = &failed->error;
    if (sequence == 0) { /* a derived row: made by something behind what the target holds */
        query->halt_after = query->covered;
        mr_error_set(&query->halt_error, MR_ERR_ERROR_LIMIT,
                     "\"%s\" stopped behind sequence %llu, on a row that it made of others: %s",
                     query->spec.relation->name, (unsigned long long)query->covered,
                     cause->message);
    } else {
        query->halt_after = sequence - 1;
        mr_error_set(&query->halt_error, MR_ERR_ERROR_LIMIT,
                     "\"%s\" stopped before sequence %llu: %s", query->spec.relation->name,
                     (unsigned long long)sequence, cause->message);
    }
    mr_error_hint(&query->halt_error,
                  "See millrace.row_errors; ALTER MATERIALIZED VIEW … RESUME tries again.");
    /* What was sent cannot be sent again; and the answer over no rows would fail again at once. */
    if (query->spec.subscription != NULL || (sequence == 0 && query->position <= query->covered)) {
        MrError error = query->halt_error;
        mr_query_fail(query, &error);
        return;
    }
    mr_query_restart(query);
}

static void take_notes(MrQuery *query, const MrLogRecord *records, uint32_t count,
                       uint64_t first_row)
{
    MrNotes *notes = mr_pipeline_notes(query->pipeline);
    uint64_t kept = notes->late_rows < MR_NOTED_ROWS_MAX ? notes->late_rows : MR_NOTED_ROWS_MAX;
    for (uint64_t i = notes->late_rows - kept; i < notes->late_rows; i++) {
        const MrLateRow *late = &notes->late[i % MR_NOTED_ROWS_MAX];
        ring_add(&query->late, &(MrNotedRow){ .sequence = late->sequence,
                                              .stream_id = late->stream_id,
                                              .event_us = late->event_us,
                                              .watermark_us = late->watermark_us });
    }
    query->late_rows += notes->late_rows;
    uint32_t limit = query->spec.plan->stop_on_error ? 0 : query->error_limit;
    for (uint32_t i = 0; i < notes->failed_count; i++) {
        const MrFailedRow *failed = &notes->failed[i];
        MrNotedRow row = { .sequence = failed->sequence, .stream_id = failed->stream_id };
        memcpy(row.sqlstate, failed->error.sqlstate, sizeof row.sqlstate);
        snprintf(row.message, sizeof row.message, "%.*s", (int)sizeof row.message - 1,
                 failed->error.message);
        uint64_t place = failed->sequence > 0 ? failed->sequence : failed->record;
        uint64_t number = input_number(query, records, count, first_row, place) + 1;
        uint32_t slots = query->error_limit + 1;
        uint64_t oldest = query->failed_rows >= limit
                              ? query->failed_places[(query->failed_rows - limit) % slots]
                              : 0;
        bool too_many =
            limit == 0 || (query->failed_rows >= limit && number - oldest < ERROR_WINDOW_ROWS);
        /* What the target holds was let pass when it came. */
        too_many = too_many && !(place == 0 && query->replay_until != 0);
        if (too_many) {
            ring_add(&query->failed, &row);
            halt_before(query, failed);
            return;
        }
        query->failed_places[query->failed_rows++ % slots] = number;
        ring_add(&query->failed, &row);
    }
    mr_pipeline_clear_notes(query->pipeline);
}

/* ---- run, flush ------------------------------------------------------------------------------ */

/* What the pipeline's windows wait for; only those of a dispatch group are asked for it. */
static void note_next_close(MrQuery *query)
{
    if (query->spec.plan->dispatch.test != MR_DISPATCH_NONE && query->pipeline != NULL) {
        query->next_close_us = mr_pipeline_next_close_us(query->pipeline);
    }
}

void mr_query_see_watermark(MrQuery *query, int64_t watermark_us)
{
    query->seen_us = watermark_us > query->seen_us ? watermark_us : query->seen_us;
}

/* Tells the pipeline of the W that was not worth a word before. */
static MrStatus tell_watermark(MrQuery *query, MrError *err)
{
    MrPipelineInput input = { .watermark_after_us = query->seen_us,
                              .source = query->spec.plan->scans[0].spec->source };
    if (query->seen_us <= query->told_us) {
        return MR_OK;
    }
    query->told_us = query->seen_us;
    query->has_input = true;
    MR_TRY(mr_pipeline_run(query->pipeline, &input, 1, err));
    note_next_close(query);
    return MR_OK;
}

MrStatus mr_query_feed(MrQuery *query, const MrPipelineInput *inputs, uint32_t count, MrError *err)
{
    int64_t begun_us = mr_clock_monotonic_us(query->server->clock);
    MR_TRY(tell_watermark(query, err));
    query->has_input = true;
    MR_TRY(mr_pipeline_run(query->pipeline, inputs, count, err));
    note_next_close(query);
    for (uint32_t i = 0; i < count; i++) {
        query->rows_fed += inputs[i].block->row_count;
        query->told_us = inputs[i].watermark_after_us > query->told_us
                             ? inputs[i].watermark_after_us
                             : query->told_us;
    }
    query->batches++;
    query->batch_us_last = mr_clock_monotonic_us(query->server->clock) - begun_us;
    query->fed_us += query->batch_us_last;
    return MR_OK;
}

/* `rows` of the records behind the query's position, up to there, were its inputs'. */
static void note_batch(MrQuery *query, uint64_t upto, uint64_t rows, int64_t busy_us)
{
    uint64_t number = ++query->batches_noted;
    query->batch_notes[number % MR_QUERY_BATCHES_MAX] =
        (MrBatchNote){ .number = number,
                       .from = query->position + 1,
                       .upto = upto,
                       .rows = rows,
                       .ended_us = mr_clock_wall_us(query->server->clock),
                       .busy_us = busy_us };
}

/* The pipeline has all rows up to there; what it noted is taken over. */
static MrStatus end_round(MrQuery *query, const MrLogRecord *records, uint32_t count, uint64_t upto,
                          uint64_t first_row, MrError *err)
{
    query->position = upto;
    if (query->begins_after != UINT64_MAX) { /* rows that do not count */
        mr_pipeline_clear_notes(query->pipeline);
        return MR_OK;
    }
    const MrNotes *notes = mr_pipeline_notes(query->pipeline);
    MR_TRY(mr_query_late_add(query, notes, err));
    if (notes->late_rows > 0 || notes->failed_count > 0) {
        take_notes(query, records, count, first_row);
    }
    return MR_OK;
}

MrStatus mr_query_arrive(MrQuery *query, const MrQueryRound *round, MrError *err)
{
    uint64_t first_row = query->rows_in;
    query->rows_in += round->rows;
    mr_pipeline_pass_over(query->pipeline, query->spec.plan->scans[0].spec->source,
                          round->rows - query->rows_fed);
    query->rows_fed = 0;
    mr_query_see_watermark(query, round->watermark_us);
    if (query->seen_us >= query->next_close_us) {
        MR_TRY(tell_watermark(query, err));
    }
    if (round->rows > 0) {
        note_batch(query, round->upto, round->rows, query->fed_us);
    }
    query->fed_us = 0;
    return end_round(query, round->records, round->count, round->upto, first_row, err);
}

MrStatus mr_query_run(MrQuery *query, const MrLogRecord *records, uint32_t count, uint64_t upto,
                      MrError *err)
{
    enum { INPUTS = 64 };
    MrPipelineInput inputs[INPUTS];
    uint32_t filled = 0;
    bool has_inputs = false;
    uint64_t first_row = query->rows_in;
    int64_t begun_us = mr_clock_monotonic_us(query->server->clock);
    MR_TRY(tell_watermark(query, err));
    for (uint32_t r = 0; r < count; r++) {
        const MrLogRecord *record = &records[r];
        const MrPlanScan *scan = mr_plan_stream(query->spec.plan, record->stream_id);
        if (scan != NULL && record->kind != MR_RECORD_DDL && record->kind != MR_RECORD_TRIM) {
            inputs[filled++] = (MrPipelineInput){ .block = record->block,
                                                  .watermark_after_us = record->watermark_after_us,
                                                  .arrival_us = record->arrival_us,
                                                  .sequence = record->whole_end,
                                                  .source = scan->spec->source };
            query->rows_in += record->kind == MR_RECORD_ROWS ? record->row_count : 0;
            query->has_input = has_inputs = true;
        }
        if (filled == INPUTS || (r + 1 == count && filled > 0)) {
            MR_TRY(mr_pipeline_run(query->pipeline, inputs, filled, err));
            filled = 0;
        }
    }
    note_next_close(query);
    query->batches++;
    query->batch_us_last = mr_clock_monotonic_us(query->server->clock) - begun_us;
    if (has_inputs) {
        note_batch(query, upto, query->rows_in - first_row, query->batch_us_last);
    }
    return end_round(query, records, count, upto, first_row, err);
}

static uint64_t change_rows(const MrChangeSet *changes)
{
    uint64_t rows = 0;
    for (uint32_t b = 0; b < changes->upsert_blocks; b++) {
        rows += changes->upserts[b]->row_count;
    }
    for (uint32_t b = 0; b < changes->delete_blocks; b++) {
        rows += changes->deletes[b]->row_count;
    }
    return rows;
}

/* SUBSCRIBE without a snapshot: its client has all up to here, which is nothing. */
static MrStatus tell_silence(MrQuery *query, MrError *err)
{
    static const MrChangeSet nothing;
    query->covered = query->position;
    return mr_subscription_offer(query->spec.subscription, &nothing, query->position, err);
}

MrStatus mr_query_flush(MrQuery *query, bool commit, bool checkpoint, MrError *err)
{
    MrChangeSet changes;
    int64_t now_us = mr_clock_monotonic_us(query->server->clock);
    MR_TRY(tell_watermark(query, err)); /* a checkpoint is complete */
    if (query->begins_after != UINT64_MAX) {
        return mr_query_begin(query, err);
    }
    if (query->position >= mr_log_synced(query->server->log)) {
        MR_TRY(mr_pipeline_settle(query->pipeline, err)); /* nothing follows soon */
    }
    MR_TRY(mr_pipeline_flush(query->pipeline, &changes, err));
    if (mr_pipeline_notes(query->pipeline)->failed_count > 0) { /* rows that groups became now */
        take_notes(query, NULL, 0, query->rows_in);
        if (query->pipeline == NULL) { /* one too many: it goes back, and nothing is written */
            return MR_OK;
        }
    }
    note_next_close(query); /* groups over groups got rows just now */
    query->has_input = false;
    query->last_flush_us = now_us;
    if (query->replay_until != 0) { /* the target has these rows */
        query->replay_until = 0;
        mr_query_late_clear(query);
        return query->spec.subscription == NULL ? MR_OK : tell_silence(query, err);
    }
    if (query->spec.subscription != NULL) {
        query->in_flight = true;
        query->epoch.sequence = query->position;
        return mr_subscription_offer(query->spec.subscription, &changes, query->position, err);
    }
    if (checkpoint && !mr_pipeline_is_in_record(query->pipeline)) {
        MrError reason = MR_ERROR_INIT;
        query->last_checkpoint_us = now_us;
        if (mr_query_write_checkpoint(query, &reason) != MR_OK) {
            mr_log_error(MR_LOG_WARNING, "checkpoint.failed",
                         &reason); /* the old one is kept, and so is the log */
        }
    }
    bool has_late = query->late_table.count > 0;
    if (changes.upsert_blocks == 0 && changes.delete_blocks == 0 && !has_late && !commit &&
        !checkpoint) {
        query->covered = query->position;
        return MR_OK;
    }
    query->epoch = (MrEpoch){ .sequence = query->position,
                              .plan_hash = query->spec.plan->plan_hash,
                              .watermark_us = mr_query_watermark(query),
                              .table = &query->table,
                              .changes = changes,
                              .dead = query->table.keeps_dead ? &query->dead : NULL };
    query->dead = (MrSinkDead){ .limit = (uint32_t)mr_settings_int(query->server->settings,
                                                                   MR_SET_ERROR_LIMIT) };
    memcpy(query->epoch.query, query->spec.id, sizeof query->epoch.query);
    query->rows_out += change_rows(&changes);
    if (has_late) {
        query->epoch.late_table = &query->late_table.table;
        MR_TRY(mr_query_late_take(query, &query->epoch.late_rows, err));
    }
    query->in_flight = true;
    query->epoch_before = query->target_seen.progress.epoch;
    mr_target_submit(query->target_query, &query->epoch);
    mr_target_thread_wake(query->thread);
    return MR_OK;
}
