/*
 * server/progress.c - EXPLAIN PROGRESS: why a materialized view shows what it shows, in sentences.
 */
#include <stdio.h>

#include "server/flink.h"
#include "server/ingest.h"
#include "server/scheduler.h"
#include "server/statement.h"

/* One stream or table that the query reads, maybe through views. */
typedef struct Input {
    const MrRelation *stream; /* NULL: gone */
    MrLogStreamFacts facts;
    bool has_facts;
} Input;

typedef struct Report {
    MrSession *session;
    const MrRelation *relation;
    Input inputs[MR_PLAN_SOURCES_MAX];
    uint32_t input_count;
    const Input *slowest; /* whose W holds the query's back; NULL: none */
    MrQueryStatus status;
    int64_t now_us;
    MrTextTable table;
    MrError *err;
} Report;

MrStatus mr_progress_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    static const char *const name = "PROGRESS";
    const MrName *view = &MR_AST_AS(const MrAstExplainProgress, portal->node)->name;
    (void)session;
    (void)is_run;
    MrStatus status = mr_catalog_resolve(portal->catalog, view, &portal->relation, err);
    if (status == MR_OK && portal->relation->standing == NULL) {
        status = mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a materialized view",
                              portal->relation->name);
        mr_error_hint(err, "SHOW QUERIES lists them.");
    }
    if (status != MR_OK) {
        mr_error_at(err, view->position);
        return status;
    }
    return mr_text_schema(&portal->memory->arena, &name, 1, &portal->columns, err);
}

/* ---- Sentences ------------------------------------------------------------------------------- */

static MrStatus say(Report *r, const char *format, ...) MR_PRINTF(2, 3);
static MrStatus say(Report *r, const char *format, ...)
{
    char text[1200];
    const char *cell = text;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return mr_text_table_add(&r->table, &cell, r->err);
}

static const char *time_text(const Report *r, int64_t us, char out[64])
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_cell_format(MR_TYPE_TIMESTAMPTZ, &us, r->session->zone, &text);
    const char *whole = mr_builder_text(&text);
    snprintf(out, 64, "%s", whole == NULL ? "?" : whole);
    mr_builder_fini(&text);
    return out;
}

static const char *span_text(int64_t us, char out[64])
{
    MrInterval interval = { .us = us };
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_cell_format(MR_TYPE_INTERVAL, &interval, NULL, &text);
    const char *whole = mr_builder_text(&text);
    snprintf(out, 64, "%s", whole == NULL ? "?" : whole);
    mr_builder_fini(&text);
    return out;
}

static MrStatus say_state(Report *r)
{
    const MrQueryStatus *status = &r->status;
    const MrStandingQuery *standing = r->relation->standing;
    const char *name = r->relation->name;
    const char *target = standing->file != NULL      ? standing->table_name
                         : standing->channel != NULL ? standing->channel
                                                     : standing->connection;
    switch (status->state) {
    case MR_QUERY_STARTING: return say(r, "\"%s\" is starting: its state is being restored.", name);
    case MR_QUERY_SUSPENDED:
        return say(r, "\"%s\" is suspended. ALTER MATERIALIZED VIEW %s RESUME lets it go on.", name,
                   name);
    case MR_QUERY_FAILED:
        return say(r, "\"%s\" has stopped, %s: %s. ALTER MATERIALIZED VIEW %s RESUME tries again.",
                   name, status->error.sqlstate, status->error.message, name);
    case MR_QUERY_RUNNING: break;
    }
    if (status->waits_for[0] != '\0') {
        return say(r, "\"%s\" waits for \"%s\", which it reads and which does not run.", name,
                   status->waits_for);
    }
    if (status->target.error.status != MR_OK && status->target.state != MR_TARGET_RUNNING) {
        return say(r, "\"%s\" is running, but its target \"%s\" is %s, %s: %s.", name, target,
                   mr_target_state_text(status->target.state), status->target.error.sqlstate,
                   status->target.error.message);
    }
    return say(r, "\"%s\" is running into \"%s\", %s.", name, target,
               mr_target_state_text(status->target.state));
}

/* How much of the input's records the query has not read yet. */
static MrStatus say_input_lag(Report *r, const MrLogStreamFacts *facts)
{
    uint64_t position = r->status.position;
    if (position >= facts->last_sequence) {
        return MR_OK;
    }
    return say(r, "Its last record is %llu: the query has still to read %llu records of the log.",
               (unsigned long long)facts->last_sequence,
               (unsigned long long)(facts->last_sequence - position));
}

/* Whether time goes on without rows. */
static MrStatus say_idle(Report *r, const Input *input)
{
    char span[64], timeout[64];
    const MrStream *stream = input->stream->stream;
    const MrServer *server = r->session->server;
    int64_t quiet_us = r->now_us - input->facts.last_arrival_us;
    int64_t idle_us = mr_server_idle_us(server, stream);
    if (quiet_us <= 0) {
        return MR_OK;
    }
    span_text(quiet_us, span);
    if (stream->event_column < 0) {
        return say(r, "No row has come for %s.", span);
    }
    if (!mr_server_is_live(server, stream, &input->facts)) {
        return say(r,
                   "No row has come for %s; the last ones were old when they came, so that no "
                   "heartbeat moves W.",
                   span);
    }
    return quiet_us >= idle_us
               ? say(r,
                     "It is idle: no row has come for %s; heartbeats move W while a window waits.",
                     span)
               : say(r, "No row has come for %s; it is idle after %s.", span,
                     span_text(idle_us, timeout));
}

static MrStatus say_watermark(Report *r, const MrLogStreamFacts *facts)
{
    char watermark[64], span[64];
    if (facts->watermark_us == MR_TIME_MIN) {
        return say(r, "It has no watermark yet.");
    }
    time_text(r, facts->watermark_us, watermark);
    bool is_behind = facts->last_event_us != MR_TIME_MIN && facts->last_event_us != MR_TIME_MAX &&
                     facts->watermark_us < facts->last_event_us;
    return is_behind ? say(r, "Its watermark W is %s, %s behind its last event time.", watermark,
                           span_text(facts->last_event_us - facts->watermark_us, span))
                     : say(r, "Its watermark W is %s.", watermark);
}

static bool is_table(const Input *input)
{
    return input->stream != NULL && input->stream->kind == MR_RELATION_TABLE;
}

static MrStatus say_input(Report *r, const Input *input)
{
    char last[64], arrival[64];
    const MrLogStreamFacts *facts = &input->facts;
    if (input->stream == NULL || !input->has_facts) {
        return say(r, "Its input has no record in the log yet.");
    }
    const char *name = input->stream->name;
    if (facts->rows == 0) {
        return say(r, "Input \"%s\" has no rows yet.", name);
    }
    time_text(r, facts->last_arrival_us, arrival);
    if (is_table(input)) {
        MR_TRY(say(r, "Input \"%s\", a table: %llu changes; the last one came at %s.", name,
                   (unsigned long long)facts->rows, arrival));
        return say_input_lag(r, facts);
    }
    MR_TRY(
        say(r, "Input \"%s\": %llu rows; last event time %s, last arrival %s.", name,
            (unsigned long long)facts->rows,
            facts->last_event_us == MR_TIME_MIN ? "none" : time_text(r, facts->last_event_us, last),
            arrival));
    MR_TRY(say_watermark(r, facts));
    MR_TRY(say_input_lag(r, facts));
    MR_TRY(say_idle(r, input));
    if (facts->future_rows > 0) {
        return say(r,
                   "%llu rows were dated further ahead than max_future_skew and have not moved W.",
                   (unsigned long long)facts->future_rows);
    }
    return MR_OK;
}

static MrStatus say_lag(Report *r)
{
    uint64_t head = mr_log_appended(r->session->server->log);
    const MrQueryStatus *status = &r->status;
    uint64_t last = 0;
    for (uint32_t i = 0; i < r->input_count; i++) {
        const Input *input = &r->inputs[i];
        last = input->has_facts && input->facts.last_sequence > last ? input->facts.last_sequence
                                                                     : last;
    }
    if (status->position >= last && status->covered >= last) {
        return say(
            r, "It has read all %llu records of the log, and its table is true for all of them.",
            (unsigned long long)head);
    }
    return say(r,
               "It has read up to record %llu of %llu; "
               "its table is true up to record %llu (a lag of %llu).",
               (unsigned long long)status->position, (unsigned long long)head,
               (unsigned long long)status->covered,
               (unsigned long long)(head > status->covered ? head - status->covered : 0));
}

/* What exactly the next window waits for: a row of the stream that carries W past its end. */
static MrStatus say_window(Report *r)
{
    const MrQueryStatus *status = &r->status;
    char end[64], watermark[64], event[64], span[64];
    if (status->next_arrival_close_us != MR_TIME_MAX) {
        return say(r, "The next window on _arrival closes by itself at %s.",
                   time_text(r, status->next_arrival_close_us, end));
    }
    if (status->next_close_us == MR_TIME_MAX || status->next_close_us == MR_TIME_MIN) {
        return say(r, "No window is waiting to close.");
    }
    const MrRelation *stream = r->slowest == NULL ? NULL : r->slowest->stream;
    int64_t delay_us =
        stream != NULL && stream->stream->event_column >= 0 ? stream->stream->delay_us : 0;
    time_text(r, status->next_close_us, end);
    MR_TRY(say(r, "The next window closes when W reaches %s; W is %s%s%s.", end,
               status->watermark_us == MR_TIME_MIN ? "not set yet"
                                                   : time_text(r, status->watermark_us, watermark),
               status->watermark_us == MR_TIME_MIN ? "" : ", so that it lacks ",
               status->watermark_us == MR_TIME_MIN
                   ? ""
                   : span_text(status->next_close_us - status->watermark_us, span)));
    if (stream == NULL) {
        return MR_OK;
    }
    bool has_heartbeats = stream->stream->event_column >= 0 && r->slowest->has_facts &&
                          mr_server_is_live(r->session->server, stream->stream, &r->slowest->facts);
    return say(r,
               "It waits for a row of \"%s\" with a time of %s or later, "
               "or for ADVANCE WATERMARK OF %s TO '%s'%s.",
               stream->name, time_text(r, status->next_close_us + delay_us, event), stream->name,
               end, has_heartbeats ? ", or for the heartbeats of an idle live stream" : "");
}

static MrStatus say_rows(Report *r)
{
    const MrQueryStatus *status = &r->status;
    uint64_t rejected = 0;
    for (uint32_t i = 0; i < r->input_count; i++) {
        const MrRelation *stream = r->inputs[i].stream;
        rejected += stream == NULL ? 0 : mr_ingest_rejected(stream->name, NULL, NULL);
    }
    MR_TRY(say(r,
               "%llu rows in; %llu late (millrace.late_rows), %llu failed (millrace.row_errors), "
               "%llu rejected before they came into the log (millrace.rejected_rows).",
               (unsigned long long)status->rows_in, (unsigned long long)status->late_rows,
               (unsigned long long)status->failed_rows, (unsigned long long)rejected));
    if (r->relation->standing->keeps_dead) {
        MR_TRY(say(r,
                   "%llu refused by the target (\"%s_dead\" there; error_limit lets it have %lld).",
                   (unsigned long long)status->target.progress.dead_rows, r->relation->name,
                   (long long)mr_settings_int(r->session->server->settings, MR_SET_ERROR_LIMIT)));
    }
    return say(r, "State: %lld bytes in %llu groups.", (long long)status->state_bytes,
               (unsigned long long)status->groups);
}

static MrStatus say_commit(Report *r)
{
    const MrTargetStatus *target = &r->status.target;
    if (target->commits == 0) {
        return say(r, "Nothing was committed since the server started.");
    }
    return say(r,
               "Last commit: epoch %lld at record %llu, in %.1f ms; "
               "%lld commits and %lld retries since the start.",
               (long long)target->progress.epoch, (unsigned long long)target->progress.sequence,
               (double)target->commit_us_last / 1000, (long long)target->commits,
               (long long)target->retries);
}

static const MrRelation *find_input(const MrCatalog *catalog, uint32_t stream_id)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(catalog, i);
        if (relation->stream != NULL && relation->stream->id == stream_id) {
            return relation;
        }
    }
    return NULL;
}

static void find_inputs(Report *r, const MrCatalog *catalog)
{
    r->input_count = r->status.stream_count;
    for (uint32_t i = 0; i < r->input_count; i++) {
        Input *input = &r->inputs[i];
        input->stream = find_input(catalog, r->status.streams[i]);
        input->has_facts =
            input->stream != NULL &&
            mr_log_stream_facts(r->session->server->log, r->status.streams[i], &input->facts);
        bool is_slower =
            r->slowest == NULL || !input->has_facts ||
            (r->slowest->has_facts && input->facts.watermark_us < r->slowest->facts.watermark_us);
        if (is_slower && !is_table(input)) { /* a table holds nobody back */
            r->slowest = input;
        }
    }
}

/* The cluster's part. */
static MrStatus say_job(Report *r)
{
    MrFlinkStatus job;
    if (!r->relation->standing->by_flink ||
        !mr_flink_status(r->session->server, r->relation->standing->id, &job)) {
        return MR_OK;
    }
    MR_TRY(say(r,
               "Flink computes it: what this server says of rows and records is of those that it "
               "hands over.  The job is %s%s%s.",
               mr_flink_state_text(job.state), job.job[0] == '\0' ? "" : ", number ", job.job));
    return job.error.status == MR_OK
               ? MR_OK
               : say(r, "It has a fault, %s: %s.", job.error.sqlstate, job.error.message);
}

static MrStatus report(Report *r)
{
    MR_TRY(say_state(r));
    MR_TRY(say_job(r));
    for (uint32_t i = 0; i < r->input_count; i++) {
        MR_TRY(say_input(r, &r->inputs[i]));
    }
    MR_TRY(say_lag(r));
    MR_TRY(say_window(r));
    MR_TRY(say_rows(r));
    return say_commit(r);
}

MrStatus mr_progress_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MrServer *server = session->server;
    MrResult *result = NULL;
    Report r = { .session = session,
                 .relation = portal->relation,
                 .err = err,
                 .now_us = mr_clock_wall_us(server->clock) };
    if (!mr_scheduler_query_status(server, portal->relation->standing->id, &r.status)) {
        return mr_error_set(err, MR_ERR_NOT_IN_STATE, "\"%s\" is not under way",
                            portal->relation->name);
    }
    find_inputs(&r, portal->catalog);
    MR_TRY(mr_text_table_create(&r.table, portal->columns, err));
    MrStatus status = report(&r);
    if (status == MR_OK) {
        status = mr_text_table_finish(&r.table, &result, err);
    }
    if (status != MR_OK) {
        mr_text_table_destroy(&r.table);
        return status;
    }
    mr_portal_set_rows(portal, result, "EXPLAIN");
    return MR_OK;
}
