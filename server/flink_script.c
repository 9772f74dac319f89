/*
 * server/flink_script.c - the statements that make a view's job: what the planner wrote, and where
 * its tables lie.
 *
 * Beside the query the job counts, per input, the rows that it has read, into a table of the target
 * (mr_flink_acks_table): by that the server knows when to show it more (flink_parts.h).  Both
 * are one STATEMENT SET, whose scans of one table Flink makes one scan.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser/print.h"
#include "planner/flink.h"
#include "server/flink_internal.h"
#include "server/targets.h"
#include "storage/sinks/postgres_jdbc.h"
#include "storage/sinks/sinks.h"

/* Stands for the job's number until it has one. */
#define NUMBER "\x01"
static const char acks_name[] = "millrace_parts"; /* its name in Flink */

/* ---- Names ----------------------------------------------------------------------------------- */

void mr_flink_job_name(const MrRelation *relation, char out[MR_FLINK_NAME_BYTES])
{
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(relation->standing->id, id);
    snprintf(out, MR_FLINK_NAME_BYTES, "millrace %s %s #", id, relation->name);
}

MrSinkTable mr_flink_acks_table(const MrRelation *relation, char name[MR_SINK_SIDE_NAME_BYTES],
                                uint8_t id[16])
{
    static const uint32_t keys[] = { 0, 1 };
    static const MrColumn columns[] = {
        { .name = "job", .type = { MR_TYPE_INT64, -1 }, .not_null = true },
        { .name = "input", .type = { MR_TYPE_INT32, -1 }, .not_null = true },
        { .name = "rows_read", .type = { MR_TYPE_INT64, -1 } },
    };
    snprintf(name, MR_SINK_SIDE_NAME_BYTES, "%s_flink", relation->name);
    memcpy(id, relation->standing->id, 16);
    id[15] ^= 1; /* a progress row of its own */
    return (MrSinkTable){ .schema_name = relation->standing->schema_name,
                          .name = name,
                          .schema = { sizeof columns / sizeof columns[0], columns },
                          .key_columns = keys,
                          .key_count = 2 };
}

/* Flink's JDBC connector writes names of columns as they are. */
static MrStatus check_names(const MrStandingQuery *standing, MrError *err)
{
    for (uint32_t c = 0; c < standing->schema.column_count; c++) {
        const char *name = standing->schema.columns[c].name;
        MrBuilder text;
        mr_builder_init(&text, 0);
        mr_print_identifier(&text, name);
        bool is_bare = !text.failed && text.length == strlen(name);
        mr_builder_fini(&text);
        if (!is_bare) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "column \"%s\" needs quotes, which Flink's JDBC connector does not write",
                         name);
            return mr_error_hint(err, "Give it another name: AS name.");
        }
    }
    return MR_OK;
}

/* ---- Statements ------------------------------------------------------------------------------ */

/* 'text', as Flink's SQL has it. */
static void literal_append(MrBuilder *out, const char *text)
{
    mr_builder_append_char(out, '\'');
    for (; *text != '\0'; text++) {
        mr_builder_append_string(out, *text == '\'' ? "''" : (char[]){ *text, '\0' });
    }
    mr_builder_append_char(out, '\'');
}

static void option_append(MrBuilder *out, const char *key, const char *value)
{
    mr_builder_append_string(out, ", ");
    literal_append(out, key);
    mr_builder_append_string(out, " = ");
    literal_append(out, value);
}

/* Takes what the builder has. */
static MrStatus script_add(MrFlinkScript *script, MrBuilder *text, MrError *err)
{
    const char *whole = mr_builder_text(text);
    char **larger = realloc(script->statements, (script->count + 1) * sizeof *larger);
    if (larger == NULL || whole == NULL) {
        script->statements = larger == NULL ? script->statements : larger;
        return mr_error_no_memory(err);
    }
    script->statements = larger;
    larger[script->count] = strdup(whole);
    if (larger[script->count] == NULL) {
        return mr_error_no_memory(err);
    }
    script->count++;
    mr_builder_clear(text);
    return MR_OK;
}

static MrStatus set_add(MrFlinkScript *script, MrBuilder *text, const char *key, const char *value,
                        MrError *err)
{
    mr_builder_append_string(text, "SET ");
    literal_append(text, key);
    mr_builder_append_string(text, " = ");
    literal_append(text, value);
    return script_add(script, text, err);
}

/* One reader per input: its rows come in one order (flink_parts.h).  What the planner sets comes
 * last. */
static MrStatus settings_add(MrFlinkScript *script, MrBuilder *text, const MrRelation *relation,
                             const MrFlinkJob *job, MrError *err)
{
    char prefix[MR_FLINK_NAME_BYTES], name[MR_FLINK_NAME_BYTES + 8];
    mr_flink_job_name(relation, prefix);
    snprintf(name, sizeof name, "%s" NUMBER, prefix);
    MR_TRY(set_add(script, text, "pipeline.name", name, err));
    MR_TRY(set_add(script, text, "execution.runtime-mode", "streaming", err));
    MR_TRY(set_add(script, text, "parallelism.default", "1", err));
    MR_TRY(set_add(script, text, "table.dml-sync", "false", err));
    MR_TRY(set_add(script, text, "execution.checkpointing.interval", "10s", err));
    for (uint32_t s = 0; s < job->setting_count; s++) {
        MR_TRY(set_add(script, text, job->settings[2 * s], job->settings[2 * s + 1], err));
    }
    return MR_OK;
}

static MrStatus sources_add(MrFlinkScript *script, MrBuilder *text, const char *directory,
                            const MrFlinkJob *job, MrError *err)
{
    for (uint32_t s = 0; s < job->source_count; s++) {
        MrBuilder path;
        mr_builder_init(&path, 0);
        mr_builder_append_format(&path, "file://%s/job-" NUMBER "/%u", directory, s);
        mr_builder_append_string(text, job->sources[s].ddl);
        mr_builder_append_string(text, " WITH ('connector' = 'filesystem', 'format' = 'json', "
                                       "'json.timestamp-format.standard' = 'ISO-8601', "
                                       "'source.monitor-interval' = '200ms'");
        option_append(text, "path", path.failed ? "" : mr_builder_text(&path));
        mr_builder_append_char(text, ')');
        bool failed = path.failed;
        mr_builder_fini(&path);
        MR_TRY(failed ? mr_error_no_memory(err) : script_add(script, text, err));
    }
    return MR_OK;
}

static MrStatus table_add(MrFlinkScript *script, MrBuilder *text, const char *ddl,
                          const MrSinkTable *table, MrPgJdbc *jdbc, MrError *err)
{
    MrBuilder name;
    mr_builder_init(&name, 0);
    mr_builder_append_quoted_identifier(&name,
                                        table->schema_name == NULL ? "public" : table->schema_name);
    mr_builder_append_char(&name, '.');
    mr_builder_append_quoted_identifier(&name, table->name);
    mr_builder_append_string(text, ddl);
    mr_builder_append_string(text, " WITH ('connector' = 'jdbc', "
                                   "'sink.buffer-flush.interval' = '200ms'");
    option_append(text, "url", mr_builder_text(&jdbc->url));
    option_append(text, "table-name", name.failed ? "" : mr_builder_text(&name));
    option_append(text, "username", mr_builder_text(&jdbc->user));
    if (jdbc->password.length > 0) {
        option_append(text, "password", mr_builder_text(&jdbc->password));
    }
    mr_builder_append_char(text, ')');
    bool failed = name.failed;
    mr_builder_fini(&name);
    return failed ? mr_error_no_memory(err) : script_add(script, text, err);
}

static void quoted_append(MrBuilder *out, const char *name)
{
    mr_builder_append_char(out, '`');
    for (; *name != '\0'; name++) {
        mr_builder_append_string(out, *name == '`' ? "``" : (char[]){ *name, '\0' });
    }
    mr_builder_append_char(out, '`');
}

static MrStatus insert_add(MrFlinkScript *script, MrBuilder *text, const MrFlinkJob *job,
                           MrError *err)
{
    mr_builder_append_format(text, "STATEMENT SET BEGIN %s;", job->insert);
    for (uint32_t s = 0; s < job->source_count; s++) {
        mr_builder_append_format(text,
                                 " INSERT INTO %s SELECT CAST(" NUMBER
                                 " AS BIGINT), CAST(%u AS INT), COUNT(*) FROM ",
                                 acks_name, s);
        quoted_append(text, job->sources[s].table);
        mr_builder_append_char(text, ';');
    }
    mr_builder_append_string(text, " END");
    return script_add(script, text, err);
}

static MrStatus tables_add(MrServer *server, const MrRelation *relation, MrFlinkScript *script,
                           MrBuilder *text, const MrPlan *plan, MrPgJdbc *jdbc, MrError *err)
{
    char name[MR_SINK_SIDE_NAME_BYTES], id[MR_UUID_TEXT_BYTES], acks_ddl[200];
    uint8_t acks_id[16];
    MrSinkTable result = mr_targets_table(relation);
    MrSinkTable acks = mr_flink_acks_table(relation, name, acks_id);
    mr_sink_uuid_text(relation->standing->id, id);
    MrBuilder directory;
    mr_builder_init(&directory, 0);
    mr_builder_append_format(&directory, "%s/%s", mr_flink_exchange(server), id);
    MrStatus status =
        directory.failed ? mr_error_no_memory(err)
                         : sources_add(script, text, mr_builder_text(&directory), plan->flink, err);
    mr_builder_fini(&directory);
    MR_TRY(status);
    MR_TRY(table_add(script, text, plan->flink->sink_ddl, &result, jdbc, err));
    snprintf(acks_ddl, sizeof acks_ddl,
             "CREATE TEMPORARY TABLE %s (job BIGINT NOT NULL, input INT NOT NULL, "
             "rows_read BIGINT, PRIMARY KEY (job, input) NOT ENFORCED)",
             acks_name);
    return table_add(script, text, acks_ddl, &acks, jdbc, err);
}

static MrStatus jdbc_find(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                          MrPgJdbc *out, MrError *err)
{
    const MrConnection *connection = mr_catalog_connection(catalog, relation->standing->connection);
    if (connection == NULL || strcmp(connection->sink_class, "postgres") != 0) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "Flink writes into PostgreSQL alone");
        return mr_error_hint(err, "Name the view connection.name, where the connection's type is "
                                  "'postgres'.");
    }
    MrSinkOptions options;
    MrStatus status = mr_targets_sink_options(server, connection, &options, err);
    if (status == MR_OK) {
        status = mr_postgres_jdbc(&options, out, err);
    }
    if (options.password != NULL) {
        explicit_bzero((char *)(uintptr_t)options.password, strlen(options.password));
    }
    free((char *)(uintptr_t)options.password);
    free((char *)(uintptr_t)options.location);
    return status;
}

MrStatus mr_flink_script(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                         const MrPlan *plan, MrFlinkScript *out, MrError *err)
{
    MrPgJdbc jdbc = { 0 };
    MrBuilder text;
    *out = (MrFlinkScript){ .source_count = plan->flink->source_count };
    MR_TRY(check_names(relation->standing, err));
    mr_builder_init(&text, 0);
    MrStatus status = jdbc_find(server, catalog, relation, &jdbc, err);
    if (status == MR_OK && jdbc.password.length > 0) {
        out->secret = strdup(mr_builder_text(&jdbc.password));
        status = out->secret == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    if (status == MR_OK) {
        status = settings_add(out, &text, relation, plan->flink, err);
    }
    if (status == MR_OK) {
        status = tables_add(server, relation, out, &text, plan, &jdbc, err);
    }
    if (status == MR_OK) {
        status = insert_add(out, &text, plan->flink, err);
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.capacity);
    }
    mr_builder_fini(&text);
    mr_postgres_jdbc_fini(&jdbc);
    if (status != MR_OK) {
        mr_flink_script_fini(out);
    }
    return status;
}

static void secret_free(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void mr_flink_script_fini(MrFlinkScript *script)
{
    for (uint32_t s = 0; s < script->count; s++) {
        secret_free(script->statements[s]);
    }
    secret_free(script->secret);
    free(script->statements);
    *script = (MrFlinkScript){ 0 };
}

void mr_flink_script_text(const MrFlinkScript *script, uint32_t index, uint64_t number,
                          MrBuilder *out)
{
    const char *text = script->statements[index];
    mr_builder_clear(out);
    for (const char *mark; (mark = strchr(text, NUMBER[0])) != NULL; text = mark + 1) {
        mr_builder_append(out, text, (size_t)(mark - text));
        mr_builder_append_format(out, "%" PRIu64, number);
    }
    mr_builder_append_string(out, text);
}

/* ---- Secrets --------------------------------------------------------------------------------- */

static void secret_cut(const char *secret, char *text, size_t bytes)
{
    const size_t length = strlen(secret);
    for (char *at = text; length > 0 && bytes > 0 && (at = strstr(at, secret)) != NULL;) {
        memset(at, '*', length);
        at += length;
    }
}

void mr_flink_script_hide(const MrFlinkScript *script, MrError *err)
{
    if (script->secret != NULL) {
        secret_cut(script->secret, err->message, sizeof err->message);
    }
}
