/*
 * server/http_metrics.c - GET /metrics: what the server knows of itself in Prometheus' text form.
 */
#include <inttypes.h>

#include "common/metrics.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/scheduler.h"

/* ---- The text form --------------------------------------------------------------------------- */

static void add_head(MrBuilder *out, const char *name, const char *type, const char *help)
{
    mr_builder_append_format(out, "# HELP millrace_%s %s\n# TYPE millrace_%s %s\n", name, help,
                             name, type);
}

static void add_label_value(MrBuilder *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            mr_builder_append_string(out, "\\n");
            continue;
        }
        if (*at == '\\' || *at == '"') {
            mr_builder_append_char(out, '\\');
        }
        mr_builder_append_char(out, *at);
    }
}

static void add_series(MrBuilder *out, const char *name, const char *key, const char *label)
{
    mr_builder_append_format(out, "millrace_%s", name);
    if (key != NULL) {
        mr_builder_append_format(out, "{%s=\"", key);
        add_label_value(out, label);
        mr_builder_append_string(out, "\"}");
    }
    mr_builder_append_char(out, ' ');
}

static void add_count(MrBuilder *out, const char *name, const char *key, const char *label,
                      uint64_t value)
{
    add_series(out, name, key, label);
    mr_builder_append_format(out, "%" PRIu64 "\n", value);
}

static void add_seconds(MrBuilder *out, const char *name, const char *key, const char *label,
                        int64_t us)
{
    add_series(out, name, key, label);
    if (us == MR_TIME_MIN || us == MR_TIME_MAX) {
        mr_builder_append_string(out, us == MR_TIME_MIN ? "-Inf\n" : "+Inf\n");
    } else {
        mr_builder_append_format(out, "%.6f\n", (double)us / 1e6);
    }
}

/* ---- Streams --------------------------------------------------------------------------------- */

typedef struct StreamMetric {
    const char *name, *type, *help;
    uint64_t (*value)(MrServer *server, const MrRelation *relation, const MrLogStreamFacts *facts);
} StreamMetric;

static uint64_t stream_rows(MrServer *server, const MrRelation *relation,
                            const MrLogStreamFacts *facts)
{
    (void)server;
    (void)relation;
    return facts->rows;
}

static uint64_t stream_input(MrServer *server, const MrRelation *relation,
                             const MrLogStreamFacts *facts)
{
    int64_t bytes = 0;
    (void)server;
    (void)facts;
    return mr_metrics_find(mr_string(mr_metric_info(MR_METRIC_BYTES_IN)->name),
                           mr_string(relation->name), &bytes)
               ? (uint64_t)bytes
               : 0;
}

static uint64_t stream_rejected(MrServer *server, const MrRelation *relation,
                                const MrLogStreamFacts *facts)
{
    (void)server;
    (void)facts;
    return mr_ingest_rejected(relation->name, NULL, NULL);
}

static uint64_t stream_future(MrServer *server, const MrRelation *relation,
                              const MrLogStreamFacts *facts)
{
    (void)server;
    (void)relation;
    return facts->future_rows;
}

static const StreamMetric stream_metrics[] = {
    { "ingest_rows_total", "counter", "Rows appended to a stream.", stream_rows },
    { "ingest_bytes_total", "counter", "Bytes of input since the start.", stream_input },
    { "rejected_rows_total", "counter", "Rows refused before the log since the start.",
      stream_rejected },
    { "future_rows_total", "counter", "Rows too far in the future to move the watermark.",
      stream_future },
};

static void add_streams(MrServer *server, MrBuilder *out)
{
    for (size_t m = 0; m < sizeof stream_metrics / sizeof stream_metrics[0]; m++) {
        const StreamMetric *metric = &stream_metrics[m];
        add_head(out, metric->name, metric->type, metric->help);
        for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
            const MrRelation *relation = mr_catalog_relation(server->catalog, i);
            MrLogStreamFacts facts = { 0 };
            if (relation->kind == MR_RELATION_STREAM) {
                (void)mr_log_stream_facts(server->log, relation->stream->id, &facts);
                add_count(out, metric->name, "stream", relation->name,
                          metric->value(server, relation, &facts));
            }
        }
    }
}

/* ---- Queries --------------------------------------------------------------------------------- */

typedef struct QueryMetric {
    const char *name, *type, *help;
    uint64_t (*value)(MrServer *server, const MrQueryStatus *status);
} QueryMetric;

#define QUERY_VALUE(function, expression)                                   \
    static uint64_t function(MrServer *server, const MrQueryStatus *status) \
    {                                                                       \
        (void)server;                                                       \
        return (uint64_t)(expression);                                      \
    }
QUERY_VALUE(query_rows, status->rows_in)
QUERY_VALUE(query_late, status->late_rows)
QUERY_VALUE(query_failed, status->failed_rows)
QUERY_VALUE(query_dead, status->target.progress.dead_rows)
QUERY_VALUE(query_state_bytes, status->state_bytes)
QUERY_VALUE(query_groups, status->groups)
QUERY_VALUE(query_batches, status->batches)
QUERY_VALUE(query_commits, status->target.commits)
QUERY_VALUE(query_retries, status->target.retries)
QUERY_VALUE(query_is_up,
            status->state == MR_QUERY_RUNNING && status->target.state == MR_TARGET_RUNNING)
#undef QUERY_VALUE

static uint64_t query_lag(MrServer *server, const MrQueryStatus *status)
{
    uint64_t head = mr_log_appended(server->log);
    return head > status->covered ? head - status->covered : 0;
}

static const QueryMetric query_metrics[] = {
    { "query_up", "gauge", "1 while a standing query runs and reaches its target.", query_is_up },
    { "query_rows_total", "counter", "Rows that a standing query has processed.", query_rows },
    { "late_rows_total", "counter", "Rows left out because all their windows were closed.",
      query_late },
    { "row_errors_total", "counter", "Rows left out because an expression failed.", query_failed },
    { "dead_rows", "gauge", "Rows that a target refused, in their table of dead letters.",
      query_dead },
    { "query_lag_rows", "gauge", "Records of the log that a query has not committed yet.",
      query_lag },
    { "state_bytes", "gauge", "Memory of a query's state.", query_state_bytes },
    { "state_groups", "gauge", "Groups in a query's state.", query_groups },
    { "batches_total", "counter", "Micro-batches run.", query_batches },
    { "target_commits_total", "counter", "Commits of a query's target.", query_commits },
    { "target_retries_total", "counter", "Attempts to reach a target again.", query_retries },
};

typedef struct QueryPass {
    MrServer *server;
    MrBuilder *out;
    const QueryMetric *metric; /* NULL: the watermark */
} QueryPass;

static void add_query(void *context, const MrRelation *relation, const MrQueryStatus *status)
{
    const QueryPass *pass = context;
    if (pass->metric != NULL) {
        add_count(pass->out, pass->metric->name, "query", relation->name,
                  pass->metric->value(pass->server, status));
    } else {
        add_seconds(pass->out, "query_watermark_timestamp_seconds", "query", relation->name,
                    status->watermark_us);
    }
}

static void add_queries(MrServer *server, MrBuilder *out)
{
    QueryPass pass = { server, out, NULL };
    for (size_t m = 0; m < sizeof query_metrics / sizeof query_metrics[0]; m++) {
        pass.metric = &query_metrics[m];
        add_head(out, pass.metric->name, pass.metric->type, pass.metric->help);
        mr_scheduler_each(server, add_query, &pass);
    }
    pass.metric = NULL;
    add_head(out, "query_watermark_timestamp_seconds", "gauge", "Watermark of a query's input.");
    mr_scheduler_each(server, add_query, &pass);
}

/* ---- The server ------------------------------------------------------------------------------ */

void mr_http_metrics(MrServer *server, MrBuilder *out)
{
    add_head(out, "build_info", "gauge", "The version that runs.");
    add_series(out, "build_info", "version", PACKAGE_VERSION);
    mr_builder_append_string(out, "1\n");
    add_head(out, "start_time_seconds", "gauge", "When the server was started.");
    add_seconds(out, "start_time_seconds", NULL, NULL, server->started_us);
    add_head(out, "sessions", "gauge", "Client connections.");
    add_count(out, "sessions", NULL, NULL, mr_listener_session_count(server));
    add_head(out, "log_bytes", "gauge", "Bytes of log that are kept.");
    add_count(out, "log_bytes", NULL, NULL, mr_log_bytes(server->log));
    add_head(out, "log_sequence", "gauge", "Last sequence that was given.");
    add_count(out, "log_sequence", NULL, NULL, mr_log_appended(server->log));
    add_head(out, "log_synced_sequence", "gauge", "Last sequence that is on disk.");
    add_count(out, "log_synced_sequence", NULL, NULL, mr_log_synced(server->log));
    add_streams(server, out);
    add_queries(server, out);
}
