/*
 * storage/sinks/postgres_table.c - looks at a result table as it stands in the target, once per
 * connection: is it there, has it our columns, which index is its key.
 */
#include "common/grow.h"
#include "storage/sinks/postgres.h"

#include <stdlib.h>

void mr_postgres_forget_tables(MrPgSink *sink)
{
    for (uint32_t i = 0; i < sink->table_count; i++) {
        free(sink->tables[i].name);
    }
    sink->table_count = 0;
}

/* Attributes of the table in order of number; none when there is no such table.  For each: name,
 * type, and whether the table has a unique index of the form that ON CONFLICT (columns) finds. */
static const char inspect_sql[] =
    "SELECT a.attname::text, a.atttypid::int8, EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid ="
    " c.oid"
    " AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL) AS has_key"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') ORDER BY a.attnum";

static MrStatus columns_check(const PGresult *result, const MrSinkTable *table, MrError *err)
{
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        const MrColumn *column = &table->schema.columns[i];
        uint32_t wanted = mr_type_info(column->type.id)->oid;
        int row = 0;
        while (row < PQntuples(result) && strcmp(PQgetvalue(result, row, 0), column->name) != 0) {
            row++;
        }
        if (row == PQntuples(result)) {
            mr_error_set(err, MR_ERR_UNDEFINED_COLUMN,
                         "column \"%s\" of the result table \"%s\" is gone", column->name,
                         table->name);
            mr_error_hint(err, "Add it again in the target, or drop the view and create it again.");
            return MR_ERR_UNDEFINED_COLUMN;
        }
        if (mr_postgres_get_int64(result, row, 1) != (int64_t)wanted) {
            char text[64];
            mr_error_set(err, MR_ERR_DATATYPE_MISMATCH,
                         "column \"%s\" of the result table \"%s\" is not of type %s any more",
                         column->name, table->name, mr_type_text(column->type, text));
            mr_error_hint(
                err, "Give it its type back in the target, or drop the view and create it again.");
            return MR_ERR_DATATYPE_MISMATCH;
        }
    }
    return MR_OK;
}

static MrStatus inspect_read(MrPgSink *sink, const MrSinkTable *table, MrPgKeyKind *out,
                             MrError *err)
{
    PGresult *result;
    const char *schema = table->schema_name == NULL ? "public" : table->schema_name;
    MrPgParameter parameters[] = {
        { .type = mr_type_info(MR_TYPE_TEXT)->oid, .data = schema, .length = strlen(schema) },
        { .type = mr_type_info(MR_TYPE_TEXT)->oid,
          .data = table->name,
          .length = strlen(table->name) },
    };
    MR_TRY(mr_postgres_run(&sink->session, inspect_sql, parameters, 2, "look at the result table",
                           &result, err));
    MrStatus status = MR_OK;
    if (PQntuples(result) == 0) {
        mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "the result table \"%s\" is not there any more",
                     table->name);
        mr_error_hint(err,
                      "It was dropped or renamed in the target: rename it back, or drop the view.");
        status = MR_ERR_UNDEFINED_TABLE;
    } else {
        status = columns_check(result, table, err);
    }
    /* NULLs are equal in an index over columns only since PostgreSQL 15. */
    bool plain = PQntuples(result) > 0 && PQgetlength(result, 0, 2) == 1 &&
                 PQgetvalue(result, 0, 2)[0] == 1 &&
                 (PQserverVersion(sink->session.conn) >= 150000 || mr_sink_key_is_not_null(table));
    *out = plain ? MR_PG_KEY_COLUMNS : MR_PG_KEY_EXPRESSIONS;
    PQclear(result);
    return status;
}

static const char *table_signature(MrPgSink *sink, const MrSinkTable *table)
{
    mr_builder_clear(&sink->sql);
    mr_postgres_append_table(table, &sink->sql);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_char(&sink->sql, ' ');
        mr_builder_append_quoted_identifier(&sink->sql, table->schema.columns[i].name);
        mr_builder_append_format(&sink->sql, "%d", (int)table->schema.columns[i].type.id);
    }
    return mr_builder_text(&sink->sql);
}

MrStatus mr_postgres_inspect(MrPgSink *sink, const MrSinkTable *table, MrPgKeyKind *out,
                             MrError *err)
{
    const char *signature = table_signature(sink, table);
    if (signature == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < sink->table_count; i++) {
        if (strcmp(sink->tables[i].name, signature) == 0) {
            *out = sink->tables[i].key_kind;
            return MR_OK;
        }
    }
    MR_TRY(inspect_read(sink, table, out, err));
    MR_GROW(sink->tables, sink->table_count, sink->table_capacity, err);
    char *copy = strdup(signature);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    sink->tables[sink->table_count++] = (MrPgTable){ .name = copy, .key_kind = *out };
    return MR_OK;
}
