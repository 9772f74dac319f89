/*
 * storage/sinks/postgres_foreign.c - whether a SINK can write to a table that somebody else made.
 */
#include "storage/sinks/postgres.h"

/* One row when the table is there.  $3: the sink's columns, $4: its key columns, with \x01 between.
 * Whether a unique index has just the key's columns; a key column that takes NULLs; a column that
 * must be given and is not. */
static const char look_sql[] =
    "WITH t AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')),"
    " given AS (SELECT string_to_array($3, E'\\x01') AS columns,"
    " string_to_array($4, E'\\x01') AS keys)"
    " SELECT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = t.oid AND i.indisunique"
    " AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL"
    " AND i.indnkeyatts = cardinality(given.keys) AND NOT EXISTS ("
    " SELECT 1 FROM generate_series(0, i.indnkeyatts - 1) AS s JOIN pg_attribute a"
    " ON a.attrelid = t.oid AND a.attnum = i.indkey[s] WHERE a.attname::text <> ALL (given.keys))),"
    " (SELECT min(a.attname::text) FROM pg_attribute a WHERE a.attrelid = t.oid"
    " AND a.attname::text = ANY (given.keys) AND NOT a.attnotnull),"
    " (SELECT min(a.attname::text) FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0"
    " AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''"
    " AND a.attname::text <> ALL (given.columns))"
    " FROM t, given";

static void append_names(const MrSinkTable *table, const uint32_t *columns, uint32_t count,
                         MrBuilder *out)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_string(out, i > 0 ? "\x01" : "");
        mr_builder_append_string(out, table->schema.columns[columns == NULL ? i : columns[i]].name);
    }
}

static MrPgParameter text_parameter(const char *data, size_t length)
{
    return (MrPgParameter){ .type = mr_type_info(MR_TYPE_TEXT)->oid,
                            .data = data == NULL ? "" : data,
                            .length = length };
}

static MrStatus judge(const PGresult *result, const MrSinkTable *table, MrError *err)
{
    if (PQntuples(result) == 0) {
        mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "table \"%s\" does not exist in the target",
                     table->name);
        return mr_error_hint(err,
                             "A sink writes to a table that is there; CREATE MATERIALIZED VIEW "
                             "makes its own.");
    }
    if (!PQgetisnull(result, 0, 2)) {
        mr_error_set(err, MR_ERR_NOT_NULL_VIOLATION,
                     "column \"%s\" of \"%s\" must be given: it is NOT NULL and has no default",
                     PQgetvalue(result, 0, 2), table->name);
        return mr_error_hint(err, "Select it, or give it a default in the target.");
    }
    if (table->key_count == 0) {
        return MR_OK;
    }
    if (PQgetvalue(result, 0, 0)[0] == 0 || !PQgetisnull(result, 0, 1)) {
        return mr_sink_no_unique_key(table, err);
    }
    return MR_OK;
}

MrStatus mr_postgres_check_foreign(MrPgSink *sink, const MrSinkTable *table, MrError *err)
{
    MrBuilder columns, keys;
    PGresult *result;
    MrPgKeyKind kind;
    const char *schema = table->schema_name == NULL ? "public" : table->schema_name;
    mr_builder_init(&columns, 0);
    mr_builder_init(&keys, 0);
    append_names(table, NULL, table->schema.column_count, &columns);
    append_names(table, table->key_columns, table->key_count, &keys);
    MrPgParameter parameters[] = { text_parameter(schema, strlen(schema)),
                                   text_parameter(table->name, strlen(table->name)),
                                   text_parameter(columns.data, columns.length),
                                   text_parameter(keys.data, keys.length) };
    MrStatus status = columns.failed || keys.failed ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK) {
        status = mr_postgres_run(&sink->session, look_sql, parameters, 4, "look at the table",
                                 &result, err);
    }
    if (status == MR_OK) {
        status = judge(result, table, err);
        PQclear(result);
    }
    mr_builder_fini(&columns);
    mr_builder_fini(&keys);
    return status == MR_OK ? mr_postgres_inspect(sink, table, &kind, err) : status;
}
