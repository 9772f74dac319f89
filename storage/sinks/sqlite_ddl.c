/*
 * storage/sinks/sqlite_ddl.c - makes, drops and swaps result tables and the progress table.
 *
 * A comment inside CREATE TABLE names the query that owns the table: SQLite keeps it through a
 * rename, so that we know our own table when a CREATE or DROP is sent a second time.
 */
#include "storage/sinks/sqlite.h"

#include <stdio.h>

static const char progress_sql[] =
    "CREATE TABLE IF NOT EXISTS millrace_progress(query_id TEXT PRIMARY KEY, generation INTEGER"
    " NOT NULL,"
    " owner TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, watermark TEXT,"
    " plan_hash BLOB NOT NULL, committed_at TEXT NOT NULL) STRICT, WITHOUT ROWID";

/* NULLs are equal in a key, and in SQLite's unique indexes they are not: the index is over a value
 * of a storage class that the column never holds. */
void mr_sqlite_append_conflict_key(const MrSinkTable *table, uint32_t key_index, MrBuilder *out)
{
    const MrColumn *column = &table->schema.columns[table->key_columns[key_index]];
    if (column->not_null) {
        mr_builder_append_quoted_identifier(out, column->name);
        return;
    }
    mr_builder_append_string(out, "coalesce(");
    mr_builder_append_quoted_identifier(out, column->name);
    mr_builder_append_string(out, column->type.id == MR_TYPE_BYTEA ? ", '')" : ", x'')");
}

static void ddl_append_key(const MrSinkTable *table, MrBuilder *out)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        mr_builder_append_string(out, i == 0 ? "(" : ", ");
        mr_sqlite_append_conflict_key(table, i, out);
    }
    mr_builder_append_char(out, ')');
}

/* With a key without NULLs the table is its own index (WITHOUT ROWID): one tree to write. */
static void ddl_append_table(const uint8_t query[16], const MrSinkTable *table, MrBuilder *out)
{
    char uuid[MR_UUID_TEXT_BYTES];
    bool primary = table->key_count > 0 && mr_sink_key_is_not_null(table);
    mr_sink_uuid_text(query, uuid);
    mr_builder_append_string(out, "CREATE TABLE ");
    mr_builder_append_quoted_identifier(out, table->name);
    mr_builder_append_format(out, " ( /* millrace %s */", uuid);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        const MrColumn *column = &table->schema.columns[i];
        mr_builder_append_string(out, i == 0 ? "\n  " : ",\n  ");
        mr_builder_append_quoted_identifier(out, column->name);
        mr_builder_append_format(out, " %s%s", mr_sqlite_column_type(table, i),
                                 column->not_null ? " NOT NULL" : "");
    }
    if (primary) {
        mr_builder_append_string(out, ",\n  PRIMARY KEY ");
        ddl_append_key(table, out);
    }
    mr_builder_append_string(out, primary ? "\n) WITHOUT ROWID" : "\n)");
}

/* The query's id keeps the names of an old and a fresh table's index apart during CREATE OR
 * REPLACE.  The table's name in front is the one that it was made with: CREATE OR REPLACE gives it
 * another, so that our index is known by its end. */
static void ddl_append_index_name(const uint8_t query[16], const char *table, MrBuilder *out)
{
    char name[MR_SINK_NAME_BYTES_MAX + 40];
    char uuid[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, uuid);
    snprintf(name, sizeof name, "%s_key_%.8s", table, uuid);
    mr_builder_append_quoted_identifier(out, name);
}

static void ddl_index_name_end(const uint8_t query[16], char out[MR_UUID_TEXT_BYTES + 8])
{
    char uuid[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, uuid);
    snprintf(out, MR_UUID_TEXT_BYTES + 8, "_key_%.8s", uuid);
}

static MrStatus ddl_run(MrSqliteSink *sink, MrError *err)
{
    const char *sql = mr_builder_text(&sink->sql);
    return sql == NULL ? mr_error_no_memory(err) : mr_sqlite_exec(sink->db, sql, err);
}

/* Whether anything of that name is there, and whether the query owns it. */
static MrStatus ddl_find(MrSqliteSink *sink, const uint8_t query[16], const char *name,
                         bool *exists, bool *is_ours, MrError *err)
{
    sqlite3_stmt *statement;
    char uuid[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, uuid);
    MR_TRY(mr_sqlite_prepare_text(
        sink,
        "SELECT type = 'table' AND instr(sql, '/* millrace ' || ?2 || ' */') > 0"
        " FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE",
        &statement, err));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, uuid, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    *exists = code == SQLITE_ROW;
    *is_ours = *exists && sqlite3_column_int(statement, 0) != 0;
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE
               ? MR_OK
               : mr_sqlite_error(sink->db, code, "read the target's schema", err);
}

/* One parameterised statement that gives no row; *changed counts. */
static MrStatus ddl_progress(MrSqliteSink *sink, const char *sql, const uint8_t query[16],
                             const uint8_t nonce[16], int *changed, MrError *err)
{
    sqlite3_stmt *statement;
    char id[MR_UUID_TEXT_BYTES], owner[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    MR_TRY(mr_sqlite_prepare_text(sink, sql, &statement, err));
    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    if (nonce != NULL) {
        mr_sink_uuid_text(nonce, owner);
        sqlite3_bind_text(statement, 2, owner, -1, SQLITE_STATIC);
    }
    int code = sqlite3_step(statement);
    *changed = code == SQLITE_DONE ? sqlite3_changes(sink->db) : 0;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE ? MR_OK
                               : mr_sqlite_error(sink->db, code, "write the progress row", err);
}

static MrStatus ddl_generation(MrSqliteSink *sink, const uint8_t query[16], int64_t *out,
                               MrError *err)
{
    sqlite3_stmt *statement;
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    MR_TRY(mr_sqlite_prepare_text(
        sink, "SELECT generation FROM main.millrace_progress WHERE query_id = ?1", &statement,
        err));
    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE
               ? MR_OK
               : mr_sqlite_error(sink->db, code, "read the progress row", err);
}

static MrStatus create_index(MrSqliteSink *sink, const uint8_t query[16], const MrSinkTable *table,
                             MrError *err)
{
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "CREATE UNIQUE INDEX ");
    ddl_append_index_name(query, table->name, &sink->sql);
    mr_builder_append_string(&sink->sql, " ON ");
    mr_builder_append_quoted_identifier(&sink->sql, table->name);
    mr_builder_append_char(&sink->sql, ' ');
    ddl_append_key(table, &sink->sql);
    return ddl_run(sink, err);
}

/* A table of ours that is there already is success, since the answer to the first attempt may have
 * been lost. */
static MrStatus create_sides(MrSqliteSink *sink, const uint8_t query[16], const MrSinkTable *table,
                             MrError *err)
{
    MrSinkSide sides[MR_SINK_SIDES_MAX];
    uint32_t count = mr_sink_sides(table, sides);
    for (uint32_t s = 0; s < count; s++) {
        bool exists, is_ours;
        MR_TRY(ddl_find(sink, query, sides[s].name, &exists, &is_ours, err));
        if (exists && !is_ours) {
            return mr_sink_side_is_taken(&sides[s], err);
        }
        mr_builder_clear(&sink->sql);
        ddl_append_table(query, &sides[s].table, &sink->sql);
        MR_TRY(exists ? MR_OK : ddl_run(sink, err));
    }
    return MR_OK;
}

/* The progress row first, then the table; a table of ours that is there already is success, since
 * the answer to the first attempt may have been lost. */
static MrStatus create_in_transaction(MrSqliteSink *sink, const uint8_t query[16],
                                      const uint8_t nonce[16], const MrSinkTable *table,
                                      MrError *err)
{
    bool exists, is_ours;
    int inserted;
    int64_t generation;
    MR_TRY(mr_sqlite_exec(sink->db, progress_sql, err));
    MR_TRY(ddl_progress(sink,
                        "INSERT INTO main.millrace_progress VALUES (?1, 0, ?2, 0, 0, NULL, x'',"
                        " strftime('%Y-%m-%d %H:%M:%f', 'now')) ON CONFLICT DO NOTHING",
                        query, nonce, &inserted, err));
    MR_TRY(ddl_generation(sink, query, &generation, err));
    if (table->is_foreign) {
        MR_TRY(mr_sqlite_check_foreign(sink, table, err));
        return create_sides(sink, query, table, err);
    }
    MR_TRY(ddl_find(sink, query, table->name, &exists, &is_ours, err));
    if (is_ours) {
        return MR_OK;
    }
    if (exists) {
        mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists in the target",
                     table->name);
        mr_error_hint(err, "Drop it there, or choose another name.");
        return MR_ERR_DUPLICATE_TABLE;
    }
    if (generation > 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE,
                            "the result table \"%s\" has been dropped in the target", table->name);
    }
    mr_builder_clear(&sink->sql);
    ddl_append_table(query, table, &sink->sql);
    MR_TRY(ddl_run(sink, err));
    MR_TRY(create_sides(sink, query, table, err));
    if (table->key_count == 0 || mr_sink_key_is_not_null(table)) {
        return MR_OK;
    }
    return create_index(sink, query, table, err);
}

MrStatus mr_sqlite_finish_ddl(MrSqliteSink *sink, MrStatus status, MrError *err)
{
    bool unknown = false;
    if (status == MR_OK) {
        status = mr_sqlite_finish(sink, &unknown, err);
    }
    if (status != MR_OK) {
        mr_sqlite_roll_back(sink);
    }
    return status;
}

static MrStatus end_ddl(MrSqliteSink *sink, bool is_trial, MrStatus status, MrError *err)
{
    if (is_trial) {
        mr_sqlite_roll_back(sink);
        return status;
    }
    return mr_sqlite_finish_ddl(sink, status, err);
}

MrStatus mr_sqlite_create_table(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                                const MrSinkTable *table, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(mr_sqlite_connect(sink, true, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    return mr_sqlite_finish_ddl(sink, create_in_transaction(sink, query, nonce, table, err), err);
}

/* When it is the query's: its progress row was there, or it carries our mark. */
static MrStatus drop_one(MrSqliteSink *sink, const uint8_t query[16], const char *name,
                         bool had_progress, MrError *err)
{
    bool exists, is_ours;
    MR_TRY(ddl_find(sink, query, name, &exists, &is_ours, err));
    if (!exists || (!is_ours && !had_progress)) {
        return MR_OK;
    }
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "DROP TABLE ");
    mr_builder_append_quoted_identifier(&sink->sql, name);
    return ddl_run(sink, err);
}

static MrStatus drop_in_transaction(MrSqliteSink *sink, const uint8_t query[16],
                                    const MrSinkTable *table, MrError *err)
{
    bool exists, is_ours;
    int removed = 0;
    MR_TRY(ddl_find(sink, query, "millrace_progress", &exists, &is_ours, err));
    if (exists) {
        MR_TRY(ddl_progress(sink, "DELETE FROM main.millrace_progress WHERE query_id = ?1", query,
                            NULL, &removed, err));
    }
    MrSinkSide sides[MR_SINK_SIDES_MAX];
    uint32_t count = mr_sink_sides(table, sides);
    for (uint32_t s = 0; s < count; s++) {
        MR_TRY(drop_one(sink, query, sides[s].name, false, err));
    }
    return table->is_foreign ? MR_OK : drop_one(sink, query, table->name, removed > 0, err);
}

static const uint8_t nobody[16];

static MrStatus run_rename(MrSqliteSink *sink, const char *name, const char *new_name, MrError *err)
{
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "ALTER TABLE ");
    mr_builder_append_quoted_identifier(&sink->sql, name);
    mr_builder_append_string(&sink->sql, " RENAME TO ");
    mr_builder_append_quoted_identifier(&sink->sql, new_name);
    return ddl_run(sink, err);
}

/* Of `query`, whose mark tells whether it was done before; NULL: it was not. */
static MrStatus rename_sides(MrSqliteSink *sink, const uint8_t *query, const MrSinkTable *table,
                             const char *new_name, MrError *err)
{
    MrSinkSide sides[MR_SINK_SIDES_MAX], to[MR_SINK_SIDES_MAX];
    MrSinkTable renamed = *table;
    renamed.name = renamed.sink_name = new_name;
    uint32_t count = mr_sink_sides(table, sides);
    (void)mr_sink_sides(&renamed, to);
    for (uint32_t s = 0; s < count; s++) {
        bool exists, is_ours;
        MR_TRY(ddl_find(sink, query != NULL ? query : nobody, to[s].name, &exists, &is_ours, err));
        if (exists && !is_ours) {
            return mr_sink_side_is_taken(&to[s], err);
        }
        MR_TRY(is_ours ? MR_OK : run_rename(sink, sides[s].name, to[s].name, err));
    }
    return MR_OK;
}

MrStatus mr_sqlite_drop_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                              MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MR_TRY(mr_sink_check_table(table, err));
    MrStatus status = mr_sqlite_connect(sink, false, err);
    if (status == MR_ERR_UNDEFINED_FILE) {
        mr_error_clear(err); /* the file is gone, and with it the table */
        return MR_OK;
    }
    if (status != MR_OK) {
        return status;
    }
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    return mr_sqlite_finish_ddl(sink, drop_in_transaction(sink, query, table, err), err);
}

/* The texts of indexes and triggers that users gave the old table, one after the other, NUL
 * between. */
static MrStatus swap_collect(MrSqliteSink *sink, const uint8_t old_query[16],
                             const MrSinkTable *old, MrBuilder *out, MrError *err)
{
    sqlite3_stmt *statement;
    char own[MR_UUID_TEXT_BYTES + 8];
    ddl_index_name_end(old_query, own);
    MR_TRY(mr_sqlite_prepare_text(
        sink,
        "SELECT sql FROM main.sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND type IN"
        " ('index', 'trigger')"
        " AND sql IS NOT NULL AND substr(name, -length(?2)) <> ?2 ORDER BY rowid",
        &statement, err));
    int code;
    sqlite3_bind_text(statement, 1, old->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, own, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        mr_builder_append_string(out, (const char *)sqlite3_column_text(statement, 0));
        mr_builder_append_char(out, '\0');
    }
    MrStatus status = code == SQLITE_DONE
                          ? MR_OK
                          : mr_sqlite_error(sink->db, code, "read the target's schema", err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status == MR_OK && out->failed ? mr_error_no_memory(err) : status;
}

static MrStatus swap_in_transaction(MrSqliteSink *sink, const uint8_t old_query[16],
                                    const MrSinkTable *old, const MrSinkTable *fresh,
                                    MrBuilder *kept, MrError *err)
{
    MR_TRY(swap_collect(sink, old_query, old, kept, err));
    MR_TRY(drop_in_transaction(sink, old_query, old, err));
    MR_TRY(run_rename(sink, fresh->name, old->name, err));
    MR_TRY(rename_sides(sink, NULL, fresh, old->name, err));
    for (size_t at = 0; at < kept->length; at += strlen(kept->data + at) + 1) {
        MrStatus status = mr_sqlite_exec(sink->db, kept->data + at, err);
        if (status != MR_OK) {
            MR_TRY(mr_sink_leave_out(kept->data + at, err));
        }
    }
    return MR_OK;
}

MrStatus mr_sqlite_swap_table(MrSink *base, const uint8_t old_query[16], const MrSinkTable *old,
                              const MrSinkTable *fresh, bool is_trial, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MrBuilder kept;
    MR_TRY(mr_sink_check_table(old, err));
    MR_TRY(mr_sink_check_table(fresh, err));
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    mr_builder_init(&kept, 0);
    MrStatus status = swap_in_transaction(sink, old_query, old, fresh, &kept, err);
    mr_builder_fini(&kept);
    return end_ddl(sink, is_trial, status, err);
}

/* The index of the table's key, if it is there. */
static MrStatus drop_index(MrSqliteSink *sink, const uint8_t query[16], const char *table,
                           MrError *err)
{
    sqlite3_stmt *statement;
    char own[MR_UUID_TEXT_BYTES + 8];
    ddl_index_name_end(query, own);
    MR_TRY(mr_sqlite_prepare_text(
        sink,
        "SELECT name FROM main.sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND type = 'index'"
        " AND substr(name, -length(?2)) = ?2",
        &statement, err));
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, own, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    mr_builder_clear(&sink->sql);
    if (code == SQLITE_ROW) {
        mr_builder_append_string(&sink->sql, "DROP INDEX ");
        mr_builder_append_quoted_identifier(&sink->sql,
                                            (const char *)sqlite3_column_text(statement, 0));
    }
    MrStatus status = code == SQLITE_ROW || code == SQLITE_DONE
                          ? MR_OK
                          : mr_sqlite_error(sink->db, code, "read the target's schema", err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status != MR_OK || code == SQLITE_DONE ? status : ddl_run(sink, err);
}

/* The index of a key that may hold NULLs has the table's name in its own. */
static MrStatus rename_in_transaction(MrSqliteSink *sink, const uint8_t query[16],
                                      const MrSinkTable *table, const char *new_name, MrError *err)
{
    bool exists, is_ours;
    MrSinkTable renamed = *table;
    renamed.name = renamed.sink_name = new_name;
    MR_TRY(rename_sides(sink, query, table, new_name, err));
    if (table->is_foreign) {
        return MR_OK;
    }
    MR_TRY(ddl_find(sink, query, new_name, &exists, &is_ours, err));
    if (is_ours) {
        return MR_OK;
    }
    if (exists) {
        return mr_error_set(err, MR_ERR_DUPLICATE_TABLE,
                            "relation \"%s\" already exists in the target", new_name);
    }
    MR_TRY(run_rename(sink, table->name, new_name, err));
    if (table->key_count == 0 || mr_sink_key_is_not_null(table)) {
        return MR_OK;
    }
    MR_TRY(drop_index(sink, query, new_name, err));
    return create_index(sink, query, &renamed, err);
}

MrStatus mr_sqlite_rename_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                const char *new_name, bool is_trial, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    return end_ddl(sink, is_trial, rename_in_transaction(sink, query, table, new_name, err), err);
}
