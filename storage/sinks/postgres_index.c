/*
 * storage/sinks/postgres_index.c - indexes that users ask us for, on result tables.
 */
#include "storage/sinks/postgres.h"

/* What has the name in the table's schema: whether it is an index of the table. */
static const char find_sql[] =
    "SELECT coalesce(t.relname = $3, false) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid"
    " LEFT JOIN pg_class t ON t.oid = i.indrelid WHERE n.nspname = $1 AND c.relname = $2";

static MrPgParameter text_parameter(const char *text)
{
    return (MrPgParameter){ .type = mr_type_info(MR_TYPE_TEXT)->oid,
                            .data = text,
                            .length = strlen(text) };
}

static const char *schema_of(const MrSinkTable *table)
{
    return table->schema_name == NULL ? "public" : table->schema_name;
}

static MrStatus find_index(MrPgSink *sink, const MrSinkTable *table, const char *name, bool *exists,
                           bool *is_of_table, MrError *err)
{
    const MrPgParameter parameters[] = { text_parameter(schema_of(table)), text_parameter(name),
                                         text_parameter(table->name) };
    PGresult *result;
    MR_TRY(mr_postgres_run(&sink->session, find_sql, parameters, 3, "look at the result table",
                           &result, err));
    *exists = PQntuples(result) > 0;
    *is_of_table = *exists && PQgetvalue(result, 0, 0)[0] != 0;
    PQclear(result);
    return MR_OK;
}

static MrStatus run(MrPgSink *sink, const char *doing, MrError *err)
{
    const char *sql = mr_builder_text(&sink->sql);
    return sql == NULL ? mr_error_no_memory(err)
                       : mr_postgres_run(&sink->session, sql, NULL, 0, doing, NULL, err);
}

static void append_index(MrPgSink *sink, const MrSinkTable *table, const char *name)
{
    mr_builder_append_quoted_identifier(&sink->sql, schema_of(table));
    mr_builder_append_char(&sink->sql, '.');
    mr_builder_append_quoted_identifier(&sink->sql, name);
}

static MrStatus rename_index(MrPgSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                             MrError *err)
{
    bool exists, is_of_table;
    MR_TRY(find_index(sink, table, index->formerly, &exists, &is_of_table, err));
    if (!is_of_table || strcmp(index->formerly, index->name) == 0) { /* renamed back */
        return MR_OK;
    }
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "ALTER INDEX ");
    append_index(sink, table, index->formerly);
    mr_builder_append_string(&sink->sql, " RENAME TO ");
    mr_builder_append_quoted_identifier(&sink->sql, index->name);
    return run(sink, "rename the index", err);
}

static MrStatus make_index(MrPgSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                           MrError *err)
{
    MrBuilder *sql = &sink->sql;
    mr_builder_clear(sql);
    mr_builder_append_string(sql, index->is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    mr_builder_append_quoted_identifier(sql, index->name);
    mr_builder_append_string(sql, " ON ");
    mr_postgres_append_table(table, sql);
    mr_builder_append_string(sql, " USING ");
    mr_builder_append_quoted_identifier(sql, index->method);
    mr_builder_append_string(sql, " (");
    mr_builder_append_string(sql, index->columns);
    mr_builder_append_string(sql, index->nulls_not_distinct ? ") NULLS NOT DISTINCT" : ")");
    if (index->predicate != NULL) {
        mr_builder_append_string(sql, " WHERE ");
        mr_builder_append_string(sql, index->predicate);
    }
    return run(sink, "make the index", err);
}

static MrStatus create_in_transaction(MrPgSink *sink, const MrSinkTable *table,
                                      const MrSinkIndex *index, bool may_exist, MrError *err)
{
    bool exists, is_of_table;
    if (index->formerly != NULL) {
        MR_TRY(rename_index(sink, table, index, err));
    }
    MR_TRY(find_index(sink, table, index->name, &exists, &is_of_table, err));
    if (exists && !(is_of_table && may_exist)) {
        mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists in the target",
                     index->name);
        return mr_error_hint(err, "Drop it there, or choose another name.");
    }
    return exists ? MR_OK : make_index(sink, table, index, err);
}

static MrStatus begin(MrPgSink *sink, MrError *err)
{
    int32_t culprit;
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    return mr_postgres_begin(sink, NULL, 0, &culprit, err);
}

MrStatus mr_postgres_create_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                  bool may_exist, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    MrStatus status = begin(sink, err);
    if (status == MR_OK) {
        status = create_in_transaction(sink, table, index, may_exist, err);
    }
    return mr_postgres_finish_ddl(sink, status, err);
}

static MrStatus drop_in_transaction(MrPgSink *sink, const MrSinkTable *table,
                                    const MrSinkIndex *index, MrError *err)
{
    const char *name = index->formerly;
    bool exists, is_of_table = false;
    if (name != NULL) {
        MR_TRY(find_index(sink, table, name, &exists, &is_of_table, err));
    }
    if (!is_of_table) {
        name = index->name;
        MR_TRY(find_index(sink, table, name, &exists, &is_of_table, err));
    }
    if (!is_of_table) {
        return MR_OK;
    }
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "DROP INDEX ");
    append_index(sink, table, name);
    return run(sink, "drop the index", err);
}

MrStatus mr_postgres_drop_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    MrStatus status = begin(sink, err);
    if (status == MR_OK) {
        status = drop_in_transaction(sink, table, index, err);
    }
    return mr_postgres_finish_ddl(sink, status, err);
}
