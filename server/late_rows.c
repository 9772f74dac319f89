/*
 * server/late_rows.c - late_rows = 'table': the rows that came too late for a query, as rows of
 * `<view>_late`.  They go with the epoch of their records, and so exactly once; their text is read
 * back from the log.
 */
#include <stdlib.h>

#include "server/query.h"
#include "storage/row_text.h"

MrStatus mr_query_late_add(MrQuery *query, const MrNotes *notes, MrError *err)
{
    MrQueryLate *late = &query->late_table;
    uint32_t count = late->count + notes->all_late_count;
    if (notes->all_late_count == 0) {
        return MR_OK;
    }
    if (count > late->capacity) {
        MrLateRow *rows = realloc(late->rows, (size_t)count * 2 * sizeof *rows);
        if (rows == NULL) {
            return mr_error_no_memory(err);
        }
        late->rows = rows;
        late->capacity = count * 2;
    }
    memcpy(late->rows + late->count, notes->all_late, notes->all_late_count * sizeof *late->rows);
    late->count = count;
    return MR_OK;
}

void mr_query_late_clear(MrQuery *query)
{
    query->late_table.count = 0;
}

size_t mr_query_late_bytes(const MrQuery *query)
{
    enum { ROW_BYTES = 256 }; /* with its text, about */
    return (size_t)query->late_table.count * ROW_BYTES;
}

static const char *stream_name(const MrQuery *query, uint32_t stream_id)
{
    const MrPlanScan *scan = mr_plan_stream(query->spec.plan, stream_id);
    return scan == NULL ? "" : scan->relation->name;
}

static MrStatus put_text(MrVector *column, uint32_t row, const char *text, size_t length,
                         MrArena *arena, MrError *err)
{
    char *copy = mr_arena_alloc(arena, length + 1);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(copy, text, length);
    ((MrText *)column->data)[row] = mr_text_make(copy, (uint32_t)length);
    return MR_OK;
}

/* The row's text; NULL when the log has the row no longer (`record` NULL). */
static MrStatus put_row(MrVector *column, uint32_t row, const MrLogRecord *record,
                        uint64_t sequence, MrArena *arena, MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    if (record != NULL) {
        mr_row_text_whole(record->block, (uint32_t)(sequence - record->first_sequence), NULL,
                          &text);
    }
    MrStatus status = text.failed ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK && text.length == 0) {
        status = mr_vector_make_nullable(column, arena, err);
        if (status == MR_OK) {
            mr_bitmap_clear(column->validity, row);
            ((MrText *)column->data)[row] = mr_text_make("", 0);
        }
    } else if (status == MR_OK) {
        status = put_text(column, row, text.data, text.length, arena, err);
    }
    mr_builder_fini(&text);
    return status;
}

static bool has_sequence(const MrLogRecord *record, uint64_t sequence)
{
    return record->block != NULL && sequence >= record->first_sequence &&
           sequence < record->first_sequence + record->row_count;
}

static uint64_t last_sequence(const MrQueryLate *late)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < late->count; i++) {
        last = late->rows[i].sequence > last ? late->rows[i].sequence : last;
    }
    return last;
}

/* Rows of one record mostly stand side by side, so that it is read once. */
static MrStatus put_rows(MrQuery *query, MrVector *column, MrError *err)
{
    const MrQueryLate *late = &query->late_table;
    MrLogRecord record = { .block = NULL };
    MrArena arena;
    MrStatus status = MR_OK;
    bool is_held = false;
    uint64_t last = last_sequence(late);
    mr_arena_init(&arena, 0);
    for (uint32_t i = 0; i < late->count && status == MR_OK; i++) {
        uint64_t sequence = late->rows[i].sequence;
        if (!has_sequence(&record, sequence)) {
            if (is_held) {
                mr_log_release(&record);
            }
            record = (MrLogRecord){ .block = NULL };
            is_held = false;
            mr_arena_reset(&arena);
            status = mr_log_read(query->server->log, sequence, last, NULL, &arena, &record,
                                 &is_held, err);
        }
        if (status == MR_OK) {
            status = put_row(column, i, has_sequence(&record, sequence) ? &record : NULL, sequence,
                             &query->late_table.arena, err);
        }
    }
    if (is_held) {
        mr_log_release(&record);
    }
    mr_arena_fini(&arena);
    return status;
}

MrStatus mr_query_late_take(MrQuery *query, const MrBlock **out, MrError *err)
{
    MrQueryLate *late = &query->late_table;
    MrBlock *block;
    *out = NULL;
    if (late->count == 0) {
        return MR_OK;
    }
    mr_arena_reset(&late->arena);
    MR_TRY(mr_block_create(&late->arena, &late->table.schema, late->count, &block, err));
    for (uint32_t i = 0; i < late->count; i++) {
        const MrLateRow *row = &late->rows[i];
        const char *name = stream_name(query, row->stream_id);
        MR_TRY(put_text(&block->columns[0], i, name, strlen(name), &late->arena, err));
        ((int64_t *)block->columns[1].data)[i] = (int64_t)row->sequence;
        ((int64_t *)block->columns[2].data)[i] = row->event_us;
        ((int64_t *)block->columns[3].data)[i] = row->watermark_us;
    }
    MR_TRY(put_rows(query, &block->columns[4], err));
    late->count = 0;
    *out = block;
    return MR_OK;
}
