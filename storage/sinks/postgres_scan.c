/*
 * storage/sinks/postgres_scan.c - reads a result table by COPY on a connection of its own, so that
 * it may run beside a commit.  Must not know who asks.
 */
#include "storage/sinks/postgres.h"

#include <stdio.h>

#include "storage/codec.h"

typedef MrStatus RowsEach(void *context, const MrBlock *block, MrError *err);

enum { COPY_HEAD_BYTES = 19, COPY_BLOCK_ROWS = MR_VECTOR_ROWS };

typedef struct Scan {
    MrPgSession session;
    const MrSinkTable *table;
    MrArena *arena;
    RowsEach *each;
    void *context;
    MrBlock *block;
    uint32_t rows;
    bool head_done, end_seen;
} Scan;

static MrStatus reader_take(MrPgSink *sink, MrPgSession *out, MrError *err)
{
    *out = (MrPgSession){ .clock = sink->clock,
                          .timeout_us = sink->statement_timeout_us + sink->lock_timeout_us };
    pthread_mutex_lock(&sink->reader_lock);
    out->conn = sink->idle_reader;
    sink->idle_reader = NULL;
    pthread_mutex_unlock(&sink->reader_lock);
    if (out->conn != NULL && mr_postgres_is_alive(out->conn)) {
        return MR_OK;
    }
    PQfinish(out->conn);
    return mr_postgres_connect(sink, &out->conn, err);
}

static void reader_give_back(MrPgSink *sink, MrPgSession *session)
{
    PGconn *conn = session->conn;
    if (PQtransactionStatus(conn) != PQTRANS_IDLE && PQtransactionStatus(conn) != PQTRANS_ACTIVE) {
        (void)mr_postgres_run(session, "ROLLBACK", NULL, 0, "roll back", NULL, NULL);
    }
    bool reusable = PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_IDLE;
    pthread_mutex_lock(&sink->reader_lock);
    if (reusable && sink->idle_reader == NULL) {
        sink->idle_reader = conn;
        conn = NULL;
    }
    pthread_mutex_unlock(&sink->reader_lock);
    PQfinish(conn);
}

static MrStatus scan_begin(MrPgSink *sink, MrPgSession *session, MrError *err)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "SELECT pg_catalog.set_config('lock_timeout', '%lldms', true),"
             " pg_catalog.set_config('statement_timeout', '0', true),"
             " pg_catalog.set_config('idle_in_transaction_session_timeout', '0', true),"
             " pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)",
             (long long)(sink->lock_timeout_us / 1000));
    MR_TRY(mr_postgres_run(session, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0,
                           "begin to read the target", NULL, err));
    return mr_postgres_run(session, sql, NULL, 0, "begin to read the target", NULL, err);
}

/* Every column is cast to the schema's type: what comes is what the decoder expects. */
static MrStatus scan_start_copy(Scan *scan, MrError *err)
{
    const MrSinkTable *table = scan->table;
    MrBuilder sql;
    PGresult *result = NULL;
    mr_builder_init(&sql, 0);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_string(&sql, i == 0 ? "COPY (SELECT " : ", ");
        mr_builder_append_quoted_identifier(&sql, table->schema.columns[i].name);
        MrTypeId type = table->schema.columns[i].type.id;
        mr_builder_append_format(&sql, "::pg_catalog.%s",
                                 mr_type_info(type == MR_TYPE_UNKNOWN ? MR_TYPE_TEXT : type)->name);
    }
    mr_builder_append_string(&sql, " FROM ");
    mr_postgres_append_table(table, &sql);
    mr_builder_append_string(&sql, ") TO STDOUT (FORMAT binary)");
    MrStatus status = mr_postgres_send(&scan->session, mr_builder_text(&sql), NULL, 0, err);
    mr_builder_fini(&sql);
    int64_t deadline_us = mr_postgres_deadline(&scan->session);
    if (status == MR_OK) {
        status = mr_postgres_flush(&scan->session, deadline_us, err);
    }
    if (status == MR_OK) {
        status = mr_postgres_next_result(&scan->session, deadline_us, &result, err);
    }
    if (status == MR_OK && PQresultStatus(result) != PGRES_COPY_OUT) {
        status = mr_postgres_error(scan->session.conn, result, "read the result table", err);
        (void)mr_postgres_take(&scan->session, "read", NULL, NULL);
    }
    PQclear(result);
    return status;
}

static uint32_t get32(const char *data)
{
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return __builtin_bswap32(value);
}

static MrStatus copy_malformed(MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_BINARY,
                        "the target's rows are not of the form that was asked for");
}

static MrStatus row_cell(Scan *scan, uint32_t column, const char *data, uint32_t length,
                         MrError *err)
{
    MrVector *vector = &scan->block->columns[column];
    const MrColumn *what = &scan->table->schema.columns[column];
    void *cell = (char *)vector->data + (size_t)scan->rows * mr_type_info(what->type.id)->width;
    if (length == UINT32_MAX) {
        memset(cell, 0, mr_type_info(what->type.id)->width);
        MR_TRY(mr_vector_make_nullable(vector, scan->arena, err));
        mr_bitmap_clear(vector->validity, scan->rows);
        return MR_OK;
    }
    if (mr_type_is_text(what->type.id)) {
        char *copy = mr_arena_strndup(scan->arena, data, length); /* cells may borrow it */
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
        data = copy;
    }
    return mr_binary_decode_cell(scan->arena, what->type, data, length, cell, err);
}

static MrStatus scan_hand_over(Scan *scan, MrError *err)
{
    MrBlock *block = scan->block;
    if (block == NULL || scan->rows == 0) {
        return MR_OK;
    }
    block->row_count = scan->rows;
    for (uint32_t i = 0; i < block->column_count; i++) {
        block->columns[i].row_count = scan->rows;
    }
    scan->block = NULL;
    scan->rows = 0;
    return scan->each(scan->context, block, err);
}

static MrStatus scan_row(Scan *scan, const char *data, size_t length, MrError *err)
{
    if (scan->block == NULL) {
        MR_TRY(
            mr_block_create(scan->arena, &scan->table->schema, COPY_BLOCK_ROWS, &scan->block, err));
    }
    size_t at = 2;
    for (uint32_t i = 0; i < scan->table->schema.column_count; i++) {
        if (length - at < 4) {
            return copy_malformed(err);
        }
        uint32_t bytes = get32(data + at);
        at += 4;
        if (bytes != UINT32_MAX && bytes > length - at) {
            return copy_malformed(err);
        }
        MR_TRY(row_cell(scan, i, data + at, bytes, err));
        at += bytes == UINT32_MAX ? 0 : bytes;
    }
    scan->rows++;
    return scan->rows == COPY_BLOCK_ROWS ? scan_hand_over(scan, err) : MR_OK;
}

/* PostgreSQL sends each tuple as a message of its own, the header with the first one or before it.
 */
static MrStatus scan_message(Scan *scan, const char *data, size_t length, MrError *err)
{
    if (!scan->head_done) {
        if (length < COPY_HEAD_BYTES || memcmp(data, "PGCOPY\n\377\r\n", 11) != 0 ||
            get32(data + 15) > length - COPY_HEAD_BYTES) {
            return copy_malformed(err);
        }
        size_t head = COPY_HEAD_BYTES + get32(data + 15);
        data += head;
        length -= head;
        scan->head_done = true;
    }
    if (length == 0) {
        return MR_OK;
    }
    if (length < 2 || scan->end_seen) {
        return copy_malformed(err);
    }
    uint32_t fields = (uint32_t)(unsigned char)data[0] << 8 | (unsigned char)data[1];
    if (fields == UINT16_MAX) {
        scan->end_seen = true;
        return MR_OK;
    }
    return fields == scan->table->schema.column_count ? scan_row(scan, data, length, err)
                                                      : copy_malformed(err);
}

/* Waits for the next message; *length -1: the copy has ended, -2: it failed. */
static MrStatus scan_next(Scan *scan, char **data, int *length, MrError *err)
{
    int64_t deadline_us = mr_postgres_deadline(&scan->session);
    while ((*length = PQgetCopyData(scan->session.conn, data, 1)) == 0) {
        MR_TRY(mr_postgres_wait_readable(&scan->session, deadline_us, err));
    }
    return MR_OK;
}

static MrStatus scan_copy(Scan *scan, MrError *err)
{
    MR_TRY(scan_start_copy(scan, err));
    for (;;) {
        char *data = NULL;
        int length;
        MR_TRY(scan_next(scan, &data, &length, err));
        if (length < 0) {
            break;
        }
        MrStatus status = scan_message(scan, data, (size_t)length, err);
        PQfreemem(data);
        if (status != MR_OK) {
            return status; /* the rest of the copy is not read: the connection is not used again */
        }
    }
    MR_TRY(mr_postgres_take(&scan->session, "read the result table", NULL, err));
    return scan_hand_over(scan, err);
}

MrStatus mr_postgres_scan(MrSink *base, const MrSinkTable *table, MrArena *arena, RowsEach *each,
                          void *context, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    Scan scan = { .table = table, .arena = arena, .each = each, .context = context };
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(reader_take(sink, &scan.session, err));
    MrStatus status = scan_begin(sink, &scan.session, err);
    if (status == MR_OK) {
        status = scan_copy(&scan, err);
    }
    reader_give_back(sink, &scan.session);
    return status;
}
