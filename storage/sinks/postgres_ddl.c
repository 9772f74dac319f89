/*
 * storage/sinks/postgres_ddl.c - makes and drops result tables and the progress table.
 *
 * A comment on the table names the query that owns it, so that we know our own table when a CREATE
 * or DROP is sent a second time.
 */
#include "storage/sinks/postgres.h"

#include <stdio.h>

/* A value to stand for NULL beside the column `k IS NULL`; any value of the type will do. */
static const char *type_zero(MrTypeId type)
{
    switch (type) {
    case MR_TYPE_BOOL: return "false";
    case MR_TYPE_DATE:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return "epoch";
    case MR_TYPE_TIME: return "00:00";
    case MR_TYPE_TIMETZ: return "00:00+00";
    case MR_TYPE_UUID: return "00000000-0000-0000-0000-000000000000";
    case MR_TYPE_JSON:
    case MR_TYPE_JSONB: return "null";
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BPCHAR:
    case MR_TYPE_NAME:
    case MR_TYPE_CHAR:
    case MR_TYPE_BYTEA:
    case MR_TYPE_UNKNOWN: return "";
    default: return mr_type_is_array(type) ? "{}" : "0";
    }
}

static void append_zero(const MrColumn *column, MrBuilder *out)
{
    const char *zero = type_zero(column->type.id);
    mr_builder_append_literal(out, zero, strlen(zero));
    mr_builder_append_format(out, "::pg_catalog.%s", mr_type_info(column->type.id)->name);
}

/* `prefix` goes before the column; NULL: the values that a NULL has in the index. */
void mr_postgres_append_key_expression(const MrColumn *column, const char *prefix, MrBuilder *out)
{
    if (prefix == NULL) {
        append_zero(column, out);
        mr_builder_append_string(out, ", true");
        return;
    }
    if (column->not_null) {
        mr_builder_append_string(out, prefix);
        mr_builder_append_quoted_identifier(out, column->name);
        return;
    }
    mr_builder_append_string(out, "(coalesce(");
    mr_builder_append_string(out, prefix);
    mr_builder_append_quoted_identifier(out, column->name);
    mr_builder_append_string(out, ", ");
    append_zero(column, out);
    mr_builder_append_string(out, ")), (");
    mr_builder_append_string(out, prefix);
    mr_builder_append_quoted_identifier(out, column->name);
    mr_builder_append_string(out, " IS NULL)");
}

static MrStatus ddl_run(MrPgSink *sink, const char *sql, MrError *err)
{
    return mr_postgres_run(&sink->session, sql, NULL, 0, "prepare the target", NULL, err);
}

/* A query of one boolean or no row. */
static MrStatus ddl_ask(MrPgSink *sink, const char *sql, const MrPgParameter *parameters,
                        uint32_t count, bool *found, bool *answer, MrError *err)
{
    PGresult *result;
    MR_TRY(mr_postgres_run(&sink->session, sql, parameters, count, "look at the target", &result,
                           err));
    *found = PQntuples(result) > 0;
    *answer = *found && PQgetlength(result, 0, 0) == 1 && PQgetvalue(result, 0, 0)[0] == 1;
    PQclear(result);
    return MR_OK;
}

static MrStatus ddl_has_progress(MrPgSink *sink, bool *out, MrError *err)
{
    bool found;
    return ddl_ask(sink, "SELECT to_regclass('millrace.progress') IS NOT NULL", NULL, 0, &found,
                   out, err);
}

/* Asks before it creates: IF NOT EXISTS wants the right to create even where there is nothing to
 * do. */
static MrStatus ensure_progress_table(MrPgSink *sink, MrError *err)
{
    bool found, has_schema, has_table;
    MR_TRY(
        ddl_run(sink, "SELECT pg_advisory_xact_lock(hashtextextended('millrace.attach', 0))", err));
    MR_TRY(ddl_ask(sink, "SELECT to_regnamespace('millrace') IS NOT NULL", NULL, 0, &found,
                   &has_schema, err));
    MR_TRY(ddl_has_progress(sink, &has_table, err));
    if (!has_schema) {
        MR_TRY(ddl_run(sink, "CREATE SCHEMA IF NOT EXISTS millrace", err));
    }
    if (!has_table) {
        MR_TRY(ddl_run(sink,
                       "CREATE TABLE IF NOT EXISTS millrace.progress(query_id uuid PRIMARY KEY,"
                       " generation bigint NOT NULL, owner uuid NOT NULL, epoch bigint NOT NULL,"
                       " sequence bigint NOT NULL, watermark timestamptz, plan_hash bytea NOT NULL,"
                       " committed_at timestamptz NOT NULL DEFAULT clock_timestamp())",
                       err));
    }
    return MR_OK;
}

/* Whether anything of the table's name is there, and whether it is this query's table. */
MrStatus mr_postgres_find_table(MrPgSink *sink, const uint8_t query[16], const MrSinkTable *table,
                                bool *exists, bool *is_ours, MrError *err)
{
    char id[MR_UUID_TEXT_BYTES], mark[64];
    const char *schema = table->schema_name == NULL ? "public" : table->schema_name;
    uint32_t text = mr_type_info(MR_TYPE_TEXT)->oid;
    mr_sink_uuid_text(query, id);
    int length = snprintf(mark, sizeof mark, "Millrace result %s", id);
    MrPgParameter parameters[] = {
        { .type = text, .data = schema, .length = strlen(schema) },
        { .type = text, .data = table->name, .length = strlen(table->name) },
        { .type = text, .data = mark, .length = (size_t)length },
    };
    return ddl_ask(
        sink,
        "SELECT c.relkind IN ('r', 'p') AND coalesce(obj_description(c.oid, 'pg_class') = $3,"
        " false)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relname = $2",
        parameters, 3, exists, is_ours, err);
}

static MrStatus insert_progress(MrPgSink *sink, const uint8_t query[16], const uint8_t nonce[16],
                                bool *attached, MrError *err)
{
    bool found;
    MrPgParameter parameters[] = { mr_postgres_uuid(query), mr_postgres_uuid(nonce) };
    MR_TRY(mr_postgres_run(&sink->session,
                           "INSERT INTO millrace.progress VALUES ($1, 0, $2, 0, 0, NULL, '')"
                           " ON CONFLICT (query_id) DO NOTHING",
                           parameters, 2, "write the progress row", NULL, err));
    return ddl_ask(sink, "SELECT generation > 0 FROM millrace.progress WHERE query_id = $1",
                   parameters, 1, &found, attached, err);
}

static void append_key(const MrSinkTable *table, bool as_expressions, MrBuilder *out)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        const MrColumn *column = &table->schema.columns[table->key_columns[i]];
        mr_builder_append_string(out, i == 0 ? " (" : ", ");
        if (as_expressions) {
            mr_postgres_append_key_expression(column, "", out);
        } else {
            mr_builder_append_quoted_identifier(out, column->name);
        }
    }
    mr_builder_append_char(out, ')');
}

static void append_create_table(MrPgSink *sink, const MrSinkTable *table, MrBuilder *out)
{
    bool primary = mr_sink_key_is_not_null(table);
    mr_builder_clear(out);
    mr_builder_append_string(out, "CREATE TABLE ");
    mr_postgres_append_table(table, out);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        const MrColumn *column = &table->schema.columns[i];
        char type[64];
        mr_builder_append_string(out, i == 0 ? " (" : ", ");
        mr_builder_append_quoted_identifier(out, column->name);
        mr_builder_append_format(
            out, " %s%s",
            column->type.id == MR_TYPE_UNKNOWN ? "text" : mr_type_text(column->type, type),
            column->not_null ? " NOT NULL" : "");
    }
    if (table->key_count > 0 && primary) {
        mr_builder_append_string(out, ", PRIMARY KEY");
        append_key(table, false, out);
    } else if (table->key_count > 0 && PQserverVersion(sink->session.conn) >= 150000) {
        mr_builder_append_string(out, ", UNIQUE NULLS NOT DISTINCT");
        append_key(table, false, out);
    }
    mr_builder_append_char(out, ')');
}

static MrStatus create_result_table(MrPgSink *sink, const uint8_t query[16],
                                    const MrSinkTable *table, MrError *err)
{
    char id[MR_UUID_TEXT_BYTES];
    append_create_table(sink, table, &sink->sql);
    MR_TRY(ddl_run(sink, mr_builder_text(&sink->sql), err));
    if (table->key_count > 0 && !mr_sink_key_is_not_null(table) &&
        PQserverVersion(sink->session.conn) < 150000) {
        mr_builder_clear(&sink->sql);
        mr_builder_append_string(&sink->sql, "CREATE UNIQUE INDEX ON ");
        mr_postgres_append_table(table, &sink->sql);
        append_key(table, true, &sink->sql);
        MR_TRY(ddl_run(sink, mr_builder_text(&sink->sql), err));
    }
    mr_sink_uuid_text(query, id);
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "COMMENT ON TABLE ");
    mr_postgres_append_table(table, &sink->sql);
    mr_builder_append_format(&sink->sql, " IS 'Millrace result %s'", id);
    return ddl_run(sink, mr_builder_text(&sink->sql), err);
}

/* A table of ours that is there already is success, since the answer to the first attempt may have
 * been lost. */
static MrStatus create_sides(MrPgSink *sink, const uint8_t query[16], const MrSinkTable *table,
                             MrError *err)
{
    MrSinkSide sides[MR_SINK_SIDES_MAX];
    uint32_t count = mr_sink_sides(table, sides);
    for (uint32_t s = 0; s < count; s++) {
        bool exists, is_ours;
        MR_TRY(mr_postgres_find_table(sink, query, &sides[s].table, &exists, &is_ours, err));
        if (exists && !is_ours) {
            return mr_sink_side_is_taken(&sides[s], err);
        }
        MR_TRY(exists ? MR_OK : create_result_table(sink, query, &sides[s].table, err));
    }
    return MR_OK;
}

static MrStatus create_in_transaction(MrPgSink *sink, const uint8_t query[16],
                                      const uint8_t nonce[16], const MrSinkTable *table,
                                      MrError *err)
{
    bool exists, is_ours, attached;
    MR_TRY(ensure_progress_table(sink, err));
    MR_TRY(insert_progress(sink, query, nonce, &attached, err));
    if (table->is_foreign) {
        MR_TRY(mr_postgres_check_foreign(sink, table, err));
        return create_sides(sink, query, table, err);
    }
    MR_TRY(mr_postgres_find_table(sink, query, table, &exists, &is_ours, err));
    if (is_ours) {
        return MR_OK;
    }
    if (exists) {
        mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists in the target",
                     table->name);
        mr_error_hint(err, "Drop it there, or choose another name.");
        return MR_ERR_DUPLICATE_TABLE;
    }
    if (attached) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE,
                            "the result table \"%s\" has been dropped in the target", table->name);
    }
    MR_TRY(create_result_table(sink, query, table, err));
    return create_sides(sink, query, table, err);
}

MrStatus mr_postgres_finish_ddl(MrPgSink *sink, MrStatus status, MrError *err)
{
    bool unknown = false;
    if (status == MR_OK) {
        status = mr_postgres_finish(sink, &unknown, err);
    }
    if (status != MR_OK) {
        mr_postgres_roll_back(sink);
    }
    mr_postgres_forget_tables(sink);
    return status;
}

MrStatus mr_postgres_create_table(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                                  const MrSinkTable *table, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    int32_t culprit;
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = mr_postgres_begin(sink, NULL, 0, &culprit, err);
    if (status == MR_OK) {
        status = create_in_transaction(sink, query, nonce, table, err);
    }
    return mr_postgres_finish_ddl(sink, status, err);
}

/* When it is the query's: its progress row was there, or it carries our mark. */
static MrStatus drop_one(MrPgSink *sink, const uint8_t query[16], const MrSinkTable *table,
                         bool had_progress, MrError *err)
{
    bool exists, is_ours;
    MR_TRY(mr_postgres_find_table(sink, query, table, &exists, &is_ours, err));
    if (!exists || (!is_ours && !had_progress)) {
        return MR_OK;
    }
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "DROP TABLE ");
    mr_postgres_append_table(table, &sink->sql);
    return ddl_run(sink, mr_builder_text(&sink->sql), err);
}

MrStatus mr_postgres_drop_in_transaction(MrPgSink *sink, const uint8_t query[16],
                                         const MrSinkTable *table, MrError *err)
{
    bool has_progress, removed = false, answer;
    MrPgParameter parameters[] = { mr_postgres_uuid(query) };
    MR_TRY(ddl_has_progress(sink, &has_progress, err));
    if (has_progress) {
        MR_TRY(ddl_ask(sink, "DELETE FROM millrace.progress WHERE query_id = $1 RETURNING true",
                       parameters, 1, &removed, &answer, err));
    }
    MrSinkSide sides[MR_SINK_SIDES_MAX];
    uint32_t count = mr_sink_sides(table, sides);
    for (uint32_t s = 0; s < count; s++) {
        MR_TRY(drop_one(sink, query, &sides[s].table, false, err));
    }
    return table->is_foreign ? MR_OK : drop_one(sink, query, table, removed, err);
}

MrStatus mr_postgres_drop_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    int32_t culprit;
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = mr_postgres_begin(sink, NULL, 0, &culprit, err);
    if (status == MR_OK) {
        status = mr_postgres_drop_in_transaction(sink, query, table, err);
    }
    return mr_postgres_finish_ddl(sink, status, err);
}
