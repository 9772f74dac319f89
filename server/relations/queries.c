/*
 * server/relations/queries.c - millrace.queries and sinks: standing queries at work.
 */
#include <stdio.h>

#include "parser/print.h"
#include "planner/explain.h"
#include "server/flink.h"
#include "server/relations/rows.h"
#include "server/scheduler.h"

/* The same of views and of sinks, so that both can be listed together. */
static const MrColumn query_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),
    MR_RELATION_COLUMN("query_id", UUID),
    MR_RELATION_COLUMN("target", TEXT),
    MR_RELATION_COLUMN("state", TEXT),
    MR_RELATION_COLUMN("error", TEXT),
    MR_RELATION_COLUMN("stream", TEXT),
    MR_RELATION_COLUMN("position", INT64),
    MR_RELATION_COLUMN("covered", INT64),
    MR_RELATION_COLUMN("start_sequence", INT64),
    MR_RELATION_COLUMN("lag_rows", INT64),
    MR_RELATION_COLUMN("epoch", INT64),
    MR_RELATION_COLUMN("generation", INT64),
    MR_RELATION_COLUMN("rows_in", INT64),
    MR_RELATION_COLUMN("late_rows", INT64),
    MR_RELATION_COLUMN("failed_rows", INT64),
    MR_RELATION_COLUMN("groups", INT64),
    MR_RELATION_COLUMN("state_bytes", INT64),
    MR_RELATION_COLUMN("watermark", TIMESTAMPTZ),
    MR_RELATION_COLUMN("next_close", TIMESTAMPTZ),
    MR_RELATION_COLUMN("batches", INT64),
    MR_RELATION_COLUMN("last_batch_us", INT64),
    MR_RELATION_COLUMN("commits", INT64),
    MR_RELATION_COLUMN("retries", INT64),
    MR_RELATION_COLUMN("last_commit_us", INT64),
    MR_RELATION_COLUMN("comment", TEXT),
    MR_RELATION_COLUMN("rows_out", INT64),
    MR_RELATION_COLUMN("waits_for", TEXT),
    MR_RELATION_COLUMN("key", TEXT),
    MR_RELATION_COLUMN("emit", TEXT),
    MR_RELATION_COLUMN("definition", TEXT),
    MR_RELATION_COLUMN("allowed_lateness_us", INT64),
    MR_RELATION_COLUMN("channel", TEXT),
    MR_RELATION_COLUMN("engine", TEXT),
    MR_RELATION_COLUMN("job", TEXT),
    MR_RELATION_COLUMN("dead_rows", INT64),
    MR_RELATION_COLUMN("rewind_sequence", INT64),
    MR_RELATION_COLUMN("rewind_since", TIMESTAMPTZ),
};

/* `comment`, behind all that only a query under way has. */
enum { STATUS_COLUMNS_END = 24 };

static const char *query_state(const MrQueryStatus *status)
{
    switch (status->state) {
    case MR_QUERY_STARTING:
        /* What keeps it from starting is worth more than that it starts. */
        return status->target.state == MR_TARGET_ATTACHING ||
                       status->target.state == MR_TARGET_RUNNING
                   ? "STARTING"
                   : mr_target_state_text(status->target.state);
    case MR_QUERY_RUNNING: return mr_target_state_text(status->target.state);
    case MR_QUERY_SUSPENDED: return "SUSPENDED";
    case MR_QUERY_FAILED: break;
    }
    return "FAILED";
}

static const MrError *query_error(const MrQueryStatus *status)
{
    if (status->error.status != MR_OK) {
        return &status->error;
    }
    return status->target.error.status != MR_OK && status->target.state != MR_TARGET_RUNNING
               ? &status->target.error
               : NULL;
}

static void add_error(MrRows *rows, const MrError *error)
{
    char text[sizeof error->message + 8];
    if (error == NULL) {
        mr_rows_null(rows);
        return;
    }
    snprintf(text, sizeof text, "%.5s %s", error->sqlstate, error->message);
    mr_rows_text(rows, text);
}

static const char *stream_name(const MrServer *server, uint32_t stream_id)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->stream != NULL && relation->stream->id == stream_id) {
            return relation->name;
        }
    }
    return NULL;
}

/* The names of all that it reads. */
static void add_streams(const MrServer *server, MrRows *rows, const MrQueryStatus *status)
{
    const char *names = NULL;
    for (uint32_t s = 0; s < status->stream_count && mr_rows_wants_next(rows); s++) {
        const char *name = stream_name(server, status->streams[s]);
        if (name != NULL) {
            names = names == NULL ? name : mr_arena_printf(rows->arena, "%s, %s", names, name);
        }
    }
    mr_rows_text(rows, names);
}

/* Where the rows go: connection, schema, table. */
static void add_target(MrRows *rows, const MrRelation *relation)
{
    const MrStandingQuery *standing = relation->standing;
    const char *schema_name = standing->schema_name;
    if (standing->file != NULL) {
        mr_rows_text(rows, standing->table_name);
        return;
    }
    if (standing->channel != NULL) {
        mr_rows_text(rows, mr_arena_printf(rows->arena, "NOTIFY %s", standing->channel));
        return;
    }
    mr_rows_text(rows, mr_arena_printf(
                           rows->arena, "%s%s%s.%s", standing->connection,
                           schema_name != NULL ? "." : "", schema_name != NULL ? schema_name : "",
                           standing->table_name != NULL ? standing->table_name : relation->name));
}

/* What of the two has a fault is told: the query that feeds the cluster, or the job there. */
static void add_state(MrRows *rows, const MrQueryStatus *status, const MrFlinkStatus *job)
{
    const char *state = query_state(status);
    const MrError *error = query_error(status);
    if (job != NULL && error == NULL && strcmp(state, "RUNNING") == 0) {
        state = mr_flink_state_text(job->state);
        error = job->error.status != MR_OK ? &job->error : NULL;
    }
    mr_rows_text(rows, state);
    add_error(rows, error);
}

static void add_status(MrServer *server, MrRows *rows, const MrQueryStatus *status,
                       const MrFlinkStatus *job)
{
    uint64_t head = mr_log_appended(server->log);
    add_state(rows, status, job);
    add_streams(server, rows, status);
    mr_rows_count(rows, status->position);
    mr_rows_count(rows, status->covered);
    mr_rows_count(rows, status->start_sequence);
    mr_rows_count(rows, head > status->covered ? head - status->covered : 0);
    mr_rows_int(rows, status->target.progress.epoch);
    mr_rows_int(rows, status->target.progress.generation);
    mr_rows_count(rows, status->rows_in);
    mr_rows_count(rows, status->late_rows);
    mr_rows_count(rows, status->failed_rows);
    mr_rows_count(rows, status->groups);
    mr_rows_int(rows, status->state_bytes);
    mr_rows_time(rows, status->watermark_us);
    int64_t close_us = status->next_close_us < status->next_arrival_close_us
                           ? status->next_close_us
                           : status->next_arrival_close_us;
    mr_rows_time(rows, close_us == MR_TIME_MAX ? MR_TIME_MIN : close_us);
    mr_rows_count(rows, status->batches);
    mr_rows_int(rows, status->batch_us_last);
    mr_rows_int(rows, status->target.commits);
    mr_rows_int(rows, status->target.retries);
    mr_rows_int(rows, status->target.commit_us_last);
}

/* The columns of the result's key, NULL: rows are only added. */
static void add_key(MrRows *rows, const MrStandingQuery *standing)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t k = 0; k < standing->key_count; k++) {
        mr_builder_append_string(&text, k == 0 ? "" : ", ");
        mr_builder_append_string(&text, standing->schema.columns[standing->keys[k]].name);
    }
    mr_rows_text(rows, standing->key_count == 0 ? NULL : mr_builder_text(&text));
    mr_builder_fini(&text);
}

static void add_emit(MrRows *rows, const MrStandingQuery *standing)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_explain_append_emit(&text, standing->emit, standing->emit_every_us);
    mr_rows_text(rows, mr_builder_text(&text));
    mr_builder_fini(&text);
}

/* The SELECT alone, as it would be asked once. */
static void add_definition(MrRows *rows, const MrRelation *relation)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    if (relation->query != NULL && mr_rows_wants_next(rows)) {
        mr_ast_print(&text, &relation->query->base, MR_PRINT_SHOWN);
    }
    mr_rows_text(rows, text.length > 0 ? mr_builder_text(&text) : NULL);
    mr_builder_fini(&text);
}

static void add_plan(MrRows *rows, const MrRelation *relation, const MrQueryStatus *status)
{
    const MrStandingQuery *standing = relation->standing;
    if (status == NULL) {
        mr_rows_null(rows);
        mr_rows_null(rows);
    } else {
        mr_rows_count(rows, status->rows_out);
        mr_rows_text(rows, status->waits_for[0] != '\0' ? status->waits_for : NULL);
    }
    add_key(rows, standing);
    add_emit(rows, standing);
    add_definition(rows, relation);
    mr_rows_int(rows, standing->allowed_lateness_us);
}

static void add_target_facts(MrRows *rows, const MrQueryStatus *status)
{
    if (status == NULL) {
        mr_rows_null(rows);
        mr_rows_null(rows);
        mr_rows_null(rows);
        return;
    }
    mr_rows_count(rows, status->target.progress.dead_rows);
    mr_rows_count(rows, status->oldest_checkpoint);
    mr_rows_time(rows, status->rewind_us);
}

static void standing_fill(MrServer *server, MrRows *rows, MrRelationKind kind)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        MrQueryStatus status;
        MrFlinkStatus flink;
        if (relation->kind != kind) {
            continue;
        }
        const MrFlinkStatus *job =
            relation->standing->by_flink && mr_flink_status(server, relation->standing->id, &flink)
                ? &flink
                : NULL;
        mr_rows_begin(rows);
        mr_rows_text(rows, relation->name);
        mr_rows_uuid(rows, relation->standing->id);
        add_target(rows, relation);
        bool is_known = mr_scheduler_query_status(server, relation->standing->id, &status);
        if (is_known) {
            add_status(server, rows, &status, job);
            mr_rows_text(rows, relation->comment);
            add_plan(rows, relation, &status);
        } else {
            mr_rows_text(rows, "STARTING"); /* made, and not yet with the scheduler */
            while (rows->next_column < STATUS_COLUMNS_END) {
                mr_rows_null(rows);
            }
            mr_rows_text(rows, relation->comment);
            add_plan(rows, relation, NULL);
        }
        mr_rows_text(rows, relation->standing->channel); /* of an alert */
        mr_rows_text(rows, relation->standing->by_flink ? "flink" : "local");
        mr_rows_text(rows, job != NULL && job->job[0] != '\0' ? job->job : NULL);
        add_target_facts(rows, is_known ? &status : NULL);
    }
}

static MrStatus queries_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    standing_fill(server, rows, MR_RELATION_QUERY);
    return MR_OK;
}

static MrStatus sinks_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    standing_fill(server, rows, MR_RELATION_SINK);
    return MR_OK;
}

const MrRelationView mr_relation_queries = {
    .schema_name = "millrace",
    .name = "queries",
    MR_RELATION_COLUMNS(query_columns),
    .fill = queries_fill,
};

const MrRelationView mr_relation_sinks = {
    .schema_name = "millrace",
    .name = "sinks",
    MR_RELATION_COLUMNS(query_columns),
    .fill = sinks_fill,
};
