/*
 * storage/sinks/postgres_copy.c - appends rows by COPY in binary form.
 */
#include "storage/sinks/postgres.h"

#include "storage/codec.h"

enum { COPY_BUFFER_BYTES = 128 << 10, SMALL_ROWS_MAX = 500 };

static MrStatus copy_start(MrPgSink *sink, const MrSinkTable *table, MrError *err)
{
    MrBuilder *sql = &sink->sql;
    PGresult *result;
    mr_builder_clear(sql);
    mr_builder_append_string(sql, "COPY ");
    mr_postgres_append_table(table, sql);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_string(sql, i == 0 ? " (" : ", ");
        mr_builder_append_quoted_identifier(sql, table->schema.columns[i].name);
    }
    mr_builder_append_string(sql, ") FROM STDIN (FORMAT binary)");
    MR_TRY(mr_postgres_send(&sink->session, mr_builder_text(sql), NULL, 0, err));
    int64_t deadline_us = mr_postgres_deadline(&sink->session);
    MR_TRY(mr_postgres_flush(&sink->session, deadline_us, err));
    MR_TRY(mr_postgres_next_result(&sink->session, deadline_us, &result, err));
    bool ready = PQresultStatus(result) == PGRES_COPY_IN;
    if (!ready) {
        MrStatus status =
            mr_postgres_error(sink->session.conn, result, "copy rows to the target", err);
        PQclear(result);
        (void)mr_postgres_take(&sink->session, "copy", NULL, NULL);
        return status;
    }
    PQclear(result);
    return MR_OK;
}

static MrStatus copy_send(MrPgSink *sink, MrBuilder *data, MrError *err)
{
    if (data->failed) {
        return mr_error_no_memory(err);
    }
    int64_t deadline_us = mr_postgres_deadline(&sink->session);
    int sent;
    while ((sent = PQputCopyData(sink->session.conn, data->data, (int)data->length)) == 0) {
        MR_TRY(mr_postgres_flush(&sink->session, deadline_us, err));
    }
    if (sent < 0) {
        return mr_postgres_error(sink->session.conn, NULL, "copy rows to the target", err);
    }
    mr_builder_clear(data);
    return mr_postgres_flush(&sink->session, deadline_us, err);
}

static void copy_append_row(const MrBlock *block, uint32_t row, MrBuilder *out)
{
    mr_builder_append_u16(out, (uint16_t)block->column_count);
    for (uint32_t i = 0; i < block->column_count && !out->failed; i++) {
        const MrVector *vector = &block->columns[i];
        if (mr_vector_is_null(vector, row)) {
            mr_builder_append_u32(out, UINT32_MAX);
            continue;
        }
        size_t start = out->length;
        mr_builder_append_u32(out, 0);
        mr_binary_encode_cell(vector->type.id, mr_vector_cell(vector, row), out);
        if (!out->failed) {
            uint32_t length = __builtin_bswap32((uint32_t)(out->length - start - 4));
            memcpy(out->data + start, &length, sizeof length);
        }
    }
}

static MrStatus copy_rows(MrPgSink *sink, const MrBlock *const *blocks, uint32_t count,
                          MrError *err)
{
    MrBuilder *data = &sink->data;
    mr_builder_clear(data);
    mr_builder_append(data, "PGCOPY\n\377\r\n", 11); /* with the NUL */
    mr_builder_append_u32(data, 0);
    mr_builder_append_u32(data, 0);
    for (uint32_t b = 0; b < count; b++) {
        for (uint32_t row = 0; row < blocks[b]->row_count; row++) {
            for (uint32_t copy = mr_sink_row_copies(blocks[b], row); copy > 0; copy--) {
                copy_append_row(blocks[b], row, data);
                if (data->length >= COPY_BUFFER_BYTES || data->failed) {
                    MR_TRY(copy_send(sink, data, err));
                }
            }
        }
    }
    mr_builder_append_u16(data, UINT16_MAX);
    return copy_send(sink, data, err);
}

static MrStatus copy_end(MrPgSink *sink, const char *reason, MrError *err)
{
    int64_t deadline_us = mr_postgres_deadline(&sink->session);
    int sent;
    while ((sent = PQputCopyEnd(sink->session.conn, reason)) == 0) {
        MR_TRY(mr_postgres_flush(&sink->session, deadline_us, err));
    }
    if (sent < 0) {
        return mr_postgres_error(sink->session.conn, NULL, "copy rows to the target", err);
    }
    return mr_postgres_take(&sink->session, "copy rows to the target", NULL, err);
}

MrStatus mr_postgres_append(MrPgSink *sink, const MrSinkTable *table, const MrBlock *const *blocks,
                            uint32_t count, MrError *err)
{
    uint64_t rows = 0;
    for (uint32_t b = 0; b < count; b++) {
        rows += blocks[b]->row_count;
    }
    if (rows <= SMALL_ROWS_MAX && table->key_count == 0) {
        return mr_postgres_upsert(sink, table, blocks, count, err);
    }
    MR_TRY(copy_start(sink, table, err));
    MrStatus status = copy_rows(sink, blocks, count, err);
    if (status == MR_OK) {
        return copy_end(sink, NULL, err);
    }
    (void)copy_end(sink, "the server gave up", NULL);
    return status;
}
