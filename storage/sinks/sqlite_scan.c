/*
 * storage/sinks/sqlite_scan.c - reads a result table on a connection that never writes, so that it
 * may run beside a commit.  Must not know who asks.
 */
#include "storage/sinks/sqlite.h"

typedef MrStatus RowsEach(void *context, const MrBlock *block, MrError *err);

/* Takes the connection that the last scan left, or opens one.  Every scan has its own. */
static MrStatus reader_take(MrSqliteSink *sink, sqlite3 **out, MrError *err)
{
    pthread_mutex_lock(&sink->reader_lock);
    *out = sink->idle_reader;
    sink->idle_reader = NULL;
    pthread_mutex_unlock(&sink->reader_lock);
    if (*out != NULL) {
        int moved = 0;
        sqlite3_file_control(*out, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (!moved) {
            return MR_OK;
        }
        sqlite3_close(*out);
    }
    return mr_sqlite_open_reader(sink, out, err);
}

static void reader_give_back(MrSqliteSink *sink, sqlite3 *db, bool reusable)
{
    if (!sqlite3_get_autocommit(db) &&
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK) {
        reusable = false;
    }
    pthread_mutex_lock(&sink->reader_lock);
    if (reusable && sink->idle_reader == NULL) {
        sink->idle_reader = db;
        db = NULL;
    }
    pthread_mutex_unlock(&sink->reader_lock);
    sqlite3_close(db);
}

static MrStatus scan_prepare(sqlite3 *db, const MrSinkTable *table, sqlite3_stmt **out,
                             MrError *err)
{
    MrBuilder sql;
    mr_builder_init(&sql, 0);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_string(&sql, i == 0 ? "SELECT " : ", ");
        mr_builder_append_quoted_identifier(&sql, table->schema.columns[i].name);
    }
    mr_builder_append_string(&sql, " FROM main.");
    mr_builder_append_quoted_identifier(&sql, table->name);
    const char *text = mr_builder_text(&sql);
    MrStatus status = MR_OK;
    if (text == NULL) {
        status = mr_error_no_memory(err);
    } else {
        int code = sqlite3_prepare_v2(db, text, -1, out, NULL);
        if (code != SQLITE_OK) {
            status = mr_sqlite_error(db, code, "read the result table", err);
        }
    }
    mr_builder_fini(&sql);
    return status;
}

/* Up to 2048 rows; *done when the table has no more.  The block is filled while its row count is
 * not yet known, then cut to it. */
static MrStatus scan_block(sqlite3 *db, sqlite3_stmt *statement, const MrSinkTable *table,
                           MrArena *arena, MrBlock **out, bool *done, MrError *err)
{
    uint32_t rows = 0;
    MR_TRY(mr_block_create(arena, &table->schema, MR_VECTOR_ROWS, out, err));
    while (rows < MR_VECTOR_ROWS) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_DONE) {
            *done = true;
            break;
        }
        if (code != SQLITE_ROW) {
            return mr_sqlite_error(db, code, "read the result table", err);
        }
        for (uint32_t i = 0; i < table->schema.column_count; i++) {
            MR_TRY(mr_sqlite_read_cell(arena, statement, (int)i, &table->schema.columns[i],
                                       &(*out)->columns[i], rows, err));
        }
        rows++;
    }
    (*out)->row_count = rows;
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        (*out)->columns[i].row_count = rows;
    }
    return MR_OK;
}

static MrStatus scan_rows(sqlite3 *db, const MrSinkTable *table, MrArena *arena, RowsEach *each,
                          void *context, MrError *err)
{
    sqlite3_stmt *statement = NULL;
    bool done = false;
    MR_TRY(scan_prepare(db, table, &statement, err));
    MrStatus status = MR_OK;
    while (!done && status == MR_OK) {
        MrBlock *block = NULL;
        status = scan_block(db, statement, table, arena, &block, &done, err);
        if (status == MR_OK && block->row_count > 0) {
            status = each(context, block, err);
        }
    }
    sqlite3_finalize(statement);
    return status;
}

MrStatus mr_sqlite_scan(MrSink *base, const MrSinkTable *table, MrArena *arena, RowsEach *each,
                        void *context, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    sqlite3 *db;
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(reader_take(sink, &db, err));
    MrStatus status = scan_rows(db, table, arena, each, context, err);
    reader_give_back(sink, db, status == MR_OK);
    return status;
}
