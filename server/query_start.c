/*
 * server/query_start.c - a standing query's state: where it starts, and its checkpoints.
 */
#include <stdio.h>

#include "common/fault.h"
#include "common/logging.h"
#include "server/query.h"
#include "server/workers.h"
#include "storage/state.h"

enum { STATE_FORMAT = 1 };

/* ---- state: the counters that are functions of the log, then the pipeline's ------------------ */

static MrStatus write_state(MrQuery *query, MrBuilder *out, MrError *err)
{
    MrStateWriter writer = { .out = out };
    mr_state_write_u32(&writer, STATE_FORMAT);
    mr_state_write_u64(&writer, query->rows_in);
    mr_state_write_u64(&writer, query->late_rows);
    mr_state_write_u64(&writer, query->failed_rows);
    mr_state_write_bytes(&writer, query->failed_places,
                         (query->error_limit + 1) * sizeof *query->failed_places);
    return mr_pipeline_snapshot(query->pipeline, out, err);
}

static MrStatus read_state(MrQuery *query, MrString state, MrError *err)
{
    MrStateReader reader = { .data = state.data, .length = state.length };
    uint32_t format;
    const char *places;
    size_t length;
    MR_TRY(mr_state_read_u32(&reader, &format, err));
    if (format != STATE_FORMAT) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint of form %u, where %d is known",
                            format, STATE_FORMAT);
    }
    MR_TRY(mr_state_read_u64(&reader, &query->rows_in, err));
    MR_TRY(mr_state_read_u64(&reader, &query->late_rows, err));
    MR_TRY(mr_state_read_u64(&reader, &query->failed_rows, err));
    MR_TRY(mr_state_read_bytes(&reader, &places, &length, err));
    if (length == (query->error_limit + 1) *
                      sizeof *query->failed_places) { /* else the setting was changed */
        memcpy(query->failed_places, places, length);
    }
    return mr_pipeline_restore(query->pipeline,
                               (MrString){ state.data + reader.at, state.length - reader.at }, err);
}

static MrStatus make_pipeline(MrQuery *query, MrError *err)
{
    const MrPlan *plan = query->spec.plan;
    int64_t memory = plan->memory_bytes > 0
                         ? plan->memory_bytes
                         : mr_settings_int(query->server->settings, MR_SET_MEMORY_LIMIT);
    MrPipelineOptions options = { .dag = plan->dag,
                                  .clock = query->server->clock,
                                  .memory_bytes_max = memory,
                                  .is_standing = true,
                                  .keeps_late =
                                      plan->late_rows_table && query->spec.subscription == NULL,
                                  .parallel = mr_workers_parallel(query->server) };
    mr_pipeline_destroy(query->pipeline);
    query->pipeline = NULL;
    query->rows_in = query->late_rows = query->failed_rows = 0;
    query->seen_us = query->told_us = MR_TIME_MIN;
    query->next_close_us = MR_TIME_MIN; /* not known yet: it is told of the first W */
    query->rows_fed = 0;
    mr_query_late_clear(query);
    memset(query->failed_places, 0, (query->error_limit + 1) * sizeof *query->failed_places);
    return mr_pipeline_create(&options, &query->pipeline, err);
}

/* All of history is run before the first rows are offered; without a snapshot they are not. */
MrStatus mr_query_start_subscription(MrQuery *query, MrError *err)
{
    uint64_t head = mr_log_synced(query->server->log);
    MR_TRY(make_pipeline(query, err));
    query->first_sequence = mr_query_first_sequence(query);
    query->position = query->first_sequence - 1;
    query->covered = query->position;
    query->live_from = head;
    query->has_input = true;
    query->state = MR_QUERY_RUNNING;
    query->begun = 0;
    MR_TRY(mr_query_begin(query, err));
    if (query->spec.plan->snapshot) {
        return MR_OK;
    }
    query->replay_until = query->spec.silent_until;
    if (query->replay_until > query->position) {
        return MR_OK;
    }
    query->replay_until = UINT64_MAX; /* the answer over no rows is no news either */
    return mr_query_flush(query, false, false, err);
}

void mr_query_place(MrQuery *query, const MrTargetStatus *target)
{
    uint64_t before = query->spec.start_sequence - 1;
    query->covered = target->progress.sequence > before ? target->progress.sequence : before;
    query->is_placed = true;
}

MrStatus mr_query_start(MrQuery *query, const MrTargetStatus *target, MrError *err)
{
    char directory[4096];
    MrBuilder state;
    bool found;
    uint64_t before = query->spec.start_sequence - 1;
    query->first_sequence = mr_query_first_sequence(query);
    uint64_t held = target->progress.sequence > before ? target->progress.sequence : before;
    if (held > mr_log_appended(query->server->log)) {
        mr_error_set(
            err, MR_ERR_CORRUPT, "the target is true for sequence %llu, but the log ends at %llu",
            (unsigned long long)held, (unsigned long long)mr_log_appended(query->server->log));
        return mr_error_hint(
            err, "The data directory is older than the target: it was restored from a copy.");
    }
    MR_TRY(make_pipeline(query, err));
    mr_query_checkpoint_directory(query->server, directory);
    MR_TRY(mr_query_list_checkpoints(query, directory, held, err));
    mr_builder_init(&state, 0);
    MrStatus status = mr_checkpoint_read(directory, query->spec.id, &query->checkpoints, held,
                                         query->spec.plan->plan_hash, &state,
                                         &query->checkpoint_sequence, &found, err);
    query->position = found ? query->checkpoint_sequence : query->first_sequence - 1;
    if (status == MR_OK) {
        status = mr_query_check_replay(query, !found, target, held, err);
    }
    if (status == MR_OK && found) {
        status = read_state(query, (MrString){ state.data, state.length }, err);
    }
    mr_builder_fini(&state);
    if (status != MR_OK) {
        return status;
    }
    mr_query_place(query, target);
    mr_query_settle_checkpoints(query, directory, !found);
    /* A query that never committed has nothing to throw away: its first row may be the empty
     * answer. */
    query->replay_until = target->progress.epoch > 0 && held > query->position ? held : 0;
    query->has_input = target->progress.epoch == 0;
    query->last_checkpoint_us = mr_clock_monotonic_us(query->server->clock);
    query->state = MR_QUERY_RUNNING;
    mr_log_line(MR_LOG_INFO, "query.started",
                "%s reads from sequence %llu; its target is true for %llu",
                query->spec.relation->name, (unsigned long long)query->position + 1,
                (unsigned long long)held);
    query->begun = found ? query->position + 1 : 0;
    MR_TRY(mr_query_begin(query, err));
    /* The target has the answer over no rows: a new pipeline must not give it once more. */
    if (!found && target->progress.epoch > 0 && held == query->position) {
        query->replay_until = UINT64_MAX;
        return mr_query_flush(query, false, false, err);
    }
    return MR_OK;
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

MrStatus mr_query_write_checkpoint(MrQuery *query, MrError *err)
{
    char directory[4096];
    MrBuilder state;
    MrCheckpointName name = { .sequence = query->position };
    memcpy(name.query, query->spec.id, sizeof name.query);
    mr_query_checkpoint_directory(query->server, directory);
    mr_builder_init(&state, 0);
    MrStatus status = write_state(query, &state, err);
    mr_fault_point("query.checkpoint");
    if (status == MR_OK) {
        status = mr_checkpoint_write(directory, &name, query->spec.plan->plan_hash, state.data,
                                     state.length, mr_log_now_us(query->server->log), err);
    }
    mr_builder_fini(&state);
    if (status == MR_OK) {
        query->checkpoint_sequence = query->position;
        status = mr_query_keep_checkpoints(query, directory, err);
    }
    if (status != MR_OK) {
        mr_checkpoint_list_fini(&query->checkpoints); /* what is there is looked up again */
    }
    return status;
}
