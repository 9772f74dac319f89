/*
 * server/relations/server_facts.c - millrace.connections, sessions, settings, metrics: the server
 * itself.
 */
#include "common/metrics.h"
#include "server/ingest.h"
#include "server/listener.h"
#include "server/relations/rows.h"
#include "server/scheduler.h"

/* ---- Connections: never a secret, only the name of one --------------------------------------- */

static const MrColumn connection_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),     MR_RELATION_COLUMN("type", TEXT),
    MR_RELATION_COLUMN("location", TEXT), MR_RELATION_COLUMN("secret", TEXT),
    MR_RELATION_COLUMN("queries", INT64),
};

static uint64_t queries_of(const MrCatalog *catalog, const char *connection)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < mr_catalog_relation_count(catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(catalog, i);
        count +=
            relation->standing != NULL && strcmp(relation->standing->connection, connection) == 0;
    }
    return count;
}

static MrStatus connections_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_connection_count(server->catalog); i++) {
        const MrConnection *connection = mr_catalog_connection_at(server->catalog, i);
        mr_rows_begin(rows);
        mr_rows_text(rows, connection->name);
        mr_rows_text(rows, connection->sink_class);
        mr_rows_text(rows, connection->location);
        mr_rows_text(rows, connection->secret);
        mr_rows_count(rows, queries_of(server->catalog, connection->name));
    }
    return MR_OK;
}

const MrRelationView mr_relation_connections = {
    .schema_name = "millrace",
    .name = "connections",
    MR_RELATION_COLUMNS(connection_columns),
    .fill = connections_fill,
};

/* ---- Sessions -------------------------------------------------------------------------------- */

static const MrColumn session_columns[] = {
    MR_RELATION_COLUMN("pid", INT64),
    MR_RELATION_COLUMN("username", TEXT),
    MR_RELATION_COLUMN("database", TEXT),
    MR_RELATION_COLUMN("application_name", TEXT),
    MR_RELATION_COLUMN("state", TEXT),
    MR_RELATION_COLUMN("address", TEXT),
    MR_RELATION_COLUMN("connected_at", TIMESTAMPTZ),
    MR_RELATION_COLUMN("statement_at", TIMESTAMPTZ),
};

static void add_session(void *context, const MrSessionFacts *facts)
{
    MrRows *rows = context;
    mr_rows_begin(rows);
    mr_rows_int(rows, facts->pid);
    mr_rows_text(rows, facts->user);
    mr_rows_text(rows, facts->database);
    mr_rows_text(rows, facts->application);
    mr_rows_text(rows, facts->state);
    mr_rows_text(rows, facts->address);
    mr_rows_time(rows, facts->connected_us);
    mr_rows_time(rows, facts->statement_us != 0 ? facts->statement_us : MR_TIME_MIN);
}

static MrStatus sessions_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    mr_listener_each(server, add_session, rows);
    return MR_OK;
}

const MrRelationView mr_relation_sessions = {
    .schema_name = "millrace",
    .name = "sessions",
    MR_RELATION_COLUMNS(session_columns),
    .fill = sessions_fill,
};

/* ---- Settings -------------------------------------------------------------------------------- */

static const MrColumn setting_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),    MR_RELATION_COLUMN("value", TEXT),
    MR_RELATION_COLUMN("initial", TEXT), MR_RELATION_COLUMN("scope", TEXT),
    MR_RELATION_COLUMN("doc", TEXT),
};

/* What may change a setting, and when. */
static const char *scope_text(MrSettingScope scope)
{
    switch (scope) {
    case MR_SETTING_START: return "start";
    case MR_SETTING_RELOAD: return "reload";
    case MR_SETTING_SESSION:
    case MR_SETTING_REPORT: return "session";
    case MR_SETTING_FIXED: break;
    }
    return "fixed";
}

static MrStatus settings_fill(MrServer *server, MrRows *rows, MrError *err)
{
    MrBuilder value;
    mr_builder_init(&value, 0);
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        const MrSettingInfo *info = mr_setting_info((MrSettingId)id);
        mr_builder_clear(&value);
        mr_settings_show(server->settings, (MrSettingId)id, &value);
        mr_rows_begin(rows);
        mr_rows_text(rows, info->name);
        mr_rows_text(rows, mr_builder_text(&value));
        mr_rows_text(rows, info->initial);
        mr_rows_text(rows, scope_text(info->scope));
        mr_rows_text(rows, info->doc);
    }
    bool failed = value.failed;
    mr_builder_fini(&value);
    return failed ? mr_error_no_memory(err) : MR_OK;
}

const MrRelationView mr_relation_settings = {
    .schema_name = "millrace",
    .name = "settings",
    MR_RELATION_COLUMNS(setting_columns),
    .fill = settings_fill,
};

/* ---- Metrics --------------------------------------------------------------------------------- */

static const MrColumn metric_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),
    MR_RELATION_COLUMN("label", TEXT),
    MR_RELATION_COLUMN("value", INT64),
    MR_RELATION_COLUMN("doc", TEXT),
};

static void add_metric(MrRows *rows, const char *name, const char *label, int64_t value,
                       const char *doc)
{
    mr_rows_begin(rows);
    mr_rows_text(rows, name);
    mr_rows_text(rows, label != NULL && label[0] != '\0' ? label : NULL);
    mr_rows_int(rows, value);
    mr_rows_text(rows, doc);
}

/* These are facts of the log and the queries, below, whoever counts them besides. */
static bool is_derived(const MrMetricInfo *info)
{
    static const MrMetricId derived[] = { MR_METRIC_ROWS_IN,        MR_METRIC_REJECTED_ROWS,
                                          MR_METRIC_FUTURE_ROWS,    MR_METRIC_LATE_ROWS,
                                          MR_METRIC_ROW_ERRORS,     MR_METRIC_QUERY_ROWS,
                                          MR_METRIC_QUERY_BATCHES,  MR_METRIC_QUERY_COMMITS,
                                          MR_METRIC_QUERY_MEMORY,   MR_METRIC_QUERY_LAG,
                                          MR_METRIC_TARGET_RETRIES, MR_METRIC_LOG_SIZE,
                                          MR_METRIC_CONNECTIONS };
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        if (info == mr_metric_info(derived[i])) {
            return true;
        }
    }
    return false;
}

static void add_counted(void *context, const MrMetricInfo *info, const char *label, int64_t value)
{
    if (!is_derived(info)) {
        add_metric(context, info->name, label, value, info->doc);
    }
}

static void add_derived(MrRows *rows, MrMetricId id, const char *label, uint64_t value)
{
    const MrMetricInfo *info = mr_metric_info(id);
    add_metric(rows, info->name, label, value < INT64_MAX ? (int64_t)value : INT64_MAX, info->doc);
}

static void add_stream_metrics(MrServer *server, MrRows *rows, const MrRelation *relation)
{
    MrLogStreamFacts facts = { 0 };
    (void)mr_log_stream_facts(server->log, relation->stream->id, &facts);
    add_derived(rows, MR_METRIC_ROWS_IN, relation->name, facts.rows);
    add_derived(rows, MR_METRIC_FUTURE_ROWS, relation->name, facts.future_rows);
    add_derived(rows, MR_METRIC_REJECTED_ROWS, relation->name,
                mr_ingest_rejected(relation->name, NULL, NULL));
}

static void add_query_metrics(MrServer *server, MrRows *rows, const MrRelation *relation)
{
    MrQueryStatus status;
    const char *name = relation->name;
    if (!mr_scheduler_query_status(server, relation->standing->id, &status)) {
        return;
    }
    uint64_t head = mr_log_appended(server->log);
    add_metric(rows, "rows_in", name, (int64_t)status.rows_in,
               "Rows that a standing query has processed.");
    add_metric(rows, "failed_rows", name, (int64_t)status.failed_rows,
               "Rows left out because an expression failed.");
    add_derived(rows, MR_METRIC_LATE_ROWS, name, status.late_rows);
    add_derived(rows, MR_METRIC_QUERY_BATCHES, name, status.batches);
    add_derived(rows, MR_METRIC_QUERY_COMMITS, name, (uint64_t)status.target.commits);
    add_derived(rows, MR_METRIC_QUERY_LAG, name, head > status.covered ? head - status.covered : 0);
    add_derived(rows, MR_METRIC_QUERY_MEMORY, name, (uint64_t)status.state_bytes);
    add_derived(rows, MR_METRIC_TARGET_RETRIES, name, (uint64_t)status.target.retries);
}

static MrStatus metrics_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    add_derived(rows, MR_METRIC_LOG_SIZE, NULL, mr_log_bytes(server->log));
    add_derived(rows, MR_METRIC_CONNECTIONS, NULL, mr_listener_session_count(server));
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->kind == MR_RELATION_STREAM) {
            add_stream_metrics(server, rows, relation);
        } else if (relation->standing != NULL) {
            add_query_metrics(server, rows, relation);
        }
    }
    mr_metrics_each(add_counted, rows);
    return MR_OK;
}

const MrRelationView mr_relation_metrics = {
    .schema_name = "millrace",
    .name = "metrics",
    MR_RELATION_COLUMNS(metric_columns),
    .fill = metrics_fill,
};
