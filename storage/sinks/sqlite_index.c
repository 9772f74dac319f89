/*
 * storage/sinks/sqlite_index.c - indexes that users ask us for, on result tables.
 */
#include "storage/sinks/sqlite.h"

/* Whether anything has the name, and whether it is an index of the table. */
static MrStatus find_index(MrSqliteSink *sink, const MrSinkTable *table, const char *name,
                           bool *exists, bool *is_of_table, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(mr_sqlite_prepare_text(sink,
                                  "SELECT type = 'index' AND tbl_name = ?2 COLLATE NOCASE"
                                  " FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE",
                                  &statement, err));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, table->name, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    *exists = code == SQLITE_ROW;
    *is_of_table = *exists && sqlite3_column_int(statement, 0) != 0;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE
               ? MR_OK
               : mr_sqlite_error(sink->db, code, "read the target's schema", err);
}

static MrStatus run(MrSqliteSink *sink, MrError *err)
{
    const char *sql = mr_builder_text(&sink->sql);
    return sql == NULL ? mr_error_no_memory(err) : mr_sqlite_exec(sink->db, sql, err);
}

static MrStatus refuse(const char *what, const char *hint, MrError *err)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s is not supported by a SQLite target", what);
    return mr_error_hint(err, "%s", hint);
}

static MrStatus check_index(const MrSinkIndex *index, MrError *err)
{
    if (strcmp(index->method, "btree") != 0) {
        return refuse("an index that is no btree", "Leave USING out.", err);
    }
    if (index->orders_nulls) {
        return refuse("NULLS FIRST or LAST of an index", "Leave it out: SQLite has NULLs first.",
                      err);
    }
    return index->nulls_not_distinct
               ? refuse("NULLS NOT DISTINCT", "Index an expression like (coalesce(x, '')).", err)
               : MR_OK;
}

static MrStatus drop_in_transaction(MrSqliteSink *sink, const MrSinkTable *table, const char *name,
                                    bool *was_there, MrError *err)
{
    bool exists;
    MR_TRY(find_index(sink, table, name, &exists, was_there, err));
    if (!*was_there) {
        return MR_OK;
    }
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "DROP INDEX main.");
    mr_builder_append_quoted_identifier(&sink->sql, name);
    return run(sink, err);
}

static MrStatus create_in_transaction(MrSqliteSink *sink, const MrSinkTable *table,
                                      const MrSinkIndex *index, bool may_exist, MrError *err)
{
    bool exists, is_of_table, was_there;
    if (index->formerly != NULL && strcmp(index->formerly, index->name) != 0) {
        /* SQLite renames no index */
        MR_TRY(drop_in_transaction(sink, table, index->formerly, &was_there, err));
    }
    MR_TRY(find_index(sink, table, index->name, &exists, &is_of_table, err));
    if (exists && !(is_of_table && may_exist)) {
        mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists in the target",
                     index->name);
        return mr_error_hint(err, "Drop it there, or choose another name.");
    }
    if (exists) {
        return MR_OK;
    }
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql,
                             index->is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    mr_builder_append_quoted_identifier(&sink->sql, index->name);
    mr_builder_append_string(&sink->sql, " ON ");
    mr_builder_append_quoted_identifier(&sink->sql, table->name);
    mr_builder_append_string(&sink->sql, " (");
    mr_builder_append_string(&sink->sql, index->columns);
    mr_builder_append_char(&sink->sql, ')');
    if (index->predicate != NULL) {
        mr_builder_append_string(&sink->sql, " WHERE ");
        mr_builder_append_string(&sink->sql, index->predicate);
    }
    return run(sink, err);
}

MrStatus mr_sqlite_create_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                bool may_exist, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MR_TRY(check_index(index, err));
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    return mr_sqlite_finish_ddl(sink, create_in_transaction(sink, table, index, may_exist, err),
                                err);
}

static MrStatus drop_one(MrSqliteSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                         MrError *err)
{
    bool was_there = false;
    if (index->formerly != NULL) {
        MR_TRY(drop_in_transaction(sink, table, index->formerly, &was_there, err));
    }
    return was_there ? MR_OK : drop_in_transaction(sink, table, index->name, &was_there, err);
}

MrStatus mr_sqlite_drop_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                              MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    return mr_sqlite_finish_ddl(sink, drop_one(sink, table, index, err), err);
}
