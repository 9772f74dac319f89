/*
 * storage/sinks/sqlite_foreign.c - whether a SINK can write to a table that somebody else made.
 */
#include "storage/sinks/sqlite.h"

#include <strings.h>

/* SQLite's rules of column affinity (datatype3.html, 3.1), by the declared type. */
static bool declares(const char *declared, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = declared; *at != '\0'; at++) {
        if (strncasecmp(at, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether values of our storage class stay what they are in a column declared so. */
static bool keeps_values(const char *declared, const char *storage_class)
{
    bool is_integer = declares(declared, "INT");
    bool is_text = !is_integer && (declares(declared, "CHAR") || declares(declared, "CLOB") ||
                                   declares(declared, "TEXT"));
    bool is_any =
        !is_integer && !is_text &&
        (declared[0] == '\0' || declares(declared, "BLOB") || strcasecmp(declared, "ANY") == 0);
    if (is_any || strcmp(storage_class, "BLOB") == 0) {
        return is_any;
    }
    return is_text == (strcmp(storage_class, "TEXT") == 0);
}

static MrStatus column_missing(const MrSinkTable *table, uint32_t column, MrError *err)
{
    mr_error_set(err, MR_ERR_UNDEFINED_COLUMN, "table \"%s\" has no column \"%s\"", table->name,
                 table->schema.columns[column].name);
    return mr_error_hint(err, "Columns are matched by name: rename it with AS, or give the list "
                              "INTO table (column, …).");
}

static int64_t find_column(const MrSinkTable *table, const char *name)
{
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (strcasecmp(table->schema.columns[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* One column of the table: name, declared type, NOT NULL, default, place in the primary key,
 * hidden or generated. */
static MrStatus check_column(sqlite3_stmt *info, const MrSinkTable *table, bool *found,
                             bool *strong, MrError *err)
{
    const char *name = (const char *)sqlite3_column_text(info, 0);
    const char *declared = (const char *)sqlite3_column_text(info, 1);
    bool not_null = sqlite3_column_int(info, 2) != 0;
    bool has_default = sqlite3_column_type(info, 3) != SQLITE_NULL;
    bool is_row_id = sqlite3_column_int(info, 4) != 0 && strcasecmp(declared, "INTEGER") == 0;
    int64_t at = find_column(table, name);
    if (at < 0) {
        if (!not_null || has_default || is_row_id) {
            return MR_OK;
        }
        mr_error_set(err, MR_ERR_NOT_NULL_VIOLATION,
                     "column \"%s\" of \"%s\" must be given: it is NOT NULL and has no default",
                     name, table->name);
        return mr_error_hint(err, "Select it, or give it a default in the target.");
    }
    if (sqlite3_column_int(info, 5) != 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_COLUMN,
                            "column \"%s\" of \"%s\" is generated, and cannot be written", name,
                            table->name);
    }
    const char *storage_class = mr_sqlite_column_type(table, (uint32_t)at);
    if (!keeps_values(declared, storage_class)) {
        mr_error_set(err, MR_ERR_DATATYPE_MISMATCH,
                     "column \"%s\" of \"%s\" is declared %s, and the query gives %s", name,
                     table->name, declared, storage_class);
        return mr_error_hint(err, "Cast it in the query, or declare the column %s.", storage_class);
    }
    found[at] = true;
    strong[at] = not_null || is_row_id;
    return MR_OK;
}

static MrStatus check_columns(MrSqliteSink *sink, const MrSinkTable *table, bool *strong,
                              MrError *err)
{
    sqlite3_stmt *info;
    bool found[MR_SINK_COLUMNS_MAX] = { false };
    bool is_there = false;
    MrStatus status = MR_OK;
    MR_TRY(mr_sqlite_prepare_text(sink,
                                  "SELECT name, type, \"notnull\", dflt_value, pk, hidden"
                                  " FROM pragma_table_xinfo(?1)",
                                  &info, err));
    sqlite3_bind_text(info, 1, table->name, -1, SQLITE_STATIC);
    int code = SQLITE_DONE;
    while (status == MR_OK && (code = sqlite3_step(info)) == SQLITE_ROW) {
        is_there = true;
        status = check_column(info, table, found, strong, err);
    }
    if (status == MR_OK && code != SQLITE_DONE) {
        status = mr_sqlite_error(sink->db, code, "look at the table", err);
    }
    sqlite3_reset(info);
    sqlite3_clear_bindings(info);
    MR_TRY(status);
    if (!is_there) {
        mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "table \"%s\" does not exist in the target",
                     table->name);
        return mr_error_hint(err,
                             "A sink writes to a table that is there; CREATE MATERIALIZED VIEW "
                             "makes its own.");
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (!found[i]) {
            return column_missing(table, i, err);
        }
    }
    return MR_OK;
}

/* Unique indexes over as many columns as the key has, all of them the key's; the row id of an
 * INTEGER PRIMARY KEY has no index of its own. */
static const char key_sql[] =
    "SELECT count(*) FROM (SELECT l.seq FROM pragma_index_list(?1) l"
    " JOIN pragma_index_info(l.name) i"
    " WHERE l.\"unique\" AND NOT l.partial GROUP BY l.seq"
    " HAVING count(*) = ?2 AND sum(instr(?3, char(1) || lower(i.name) || char(1)) > 0) = ?2)"
    " UNION ALL SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0"
    " AND upper(type) = 'INTEGER'"
    " AND ?2 = 1 AND ?3 = char(1) || lower(name) || char(1)"
    " AND (SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0) = 1";

static MrStatus check_key(MrSqliteSink *sink, const MrSinkTable *table, const bool *strong,
                          MrError *err)
{
    sqlite3_stmt *statement;
    MrBuilder names;
    bool is_unique = false, is_strong = true;
    mr_builder_init(&names, 0);
    for (uint32_t i = 0; i < table->key_count; i++) {
        mr_builder_append_char(&names, '\x01');
        for (const char *c = table->schema.columns[table->key_columns[i]].name; *c != '\0'; c++) {
            mr_builder_append_char(&names, *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c);
        }
        mr_builder_append_char(&names, '\x01');
        is_strong = is_strong && strong[table->key_columns[i]];
    }
    MrStatus status = mr_sqlite_prepare_text(sink, key_sql, &statement, err);
    if (status == MR_OK) {
        sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 2, (int)table->key_count);
        sqlite3_bind_text(statement, 3, mr_builder_text(&names), -1, SQLITE_STATIC);
        int code;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
            is_unique = is_unique || sqlite3_column_int(statement, 0) > 0;
        }
        if (code != SQLITE_DONE) {
            status = mr_sqlite_error(sink->db, code, "look at the table's indexes", err);
        }
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    mr_builder_fini(&names);
    MR_TRY(status);
    return is_unique && is_strong ? MR_OK : mr_sink_no_unique_key(table, err);
}

MrStatus mr_sqlite_check_foreign(MrSqliteSink *sink, const MrSinkTable *table, MrError *err)
{
    bool strong[MR_SINK_COLUMNS_MAX] = { false };
    bool is_guarded = sink->is_guarded;
    sink->is_guarded = false; /* what we ask of the schema are pragmas */
    MrStatus status = check_columns(sink, table, strong, err);
    if (status == MR_OK && table->key_count > 0) {
        status = check_key(sink, table, strong, err);
    }
    sink->is_guarded = is_guarded;
    return status;
}
