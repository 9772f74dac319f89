/*
 * server/relations/rows.c - rows of a system view, value after value: see rows.h.
 */
#include "server/relations/rows.h"

struct MrRow {
    MrRow *next;
    MrDatum values[];
};

void mr_rows_init(MrRows *rows, MrArena *arena, const MrSchema *schema)
{
    *rows = (MrRows){ .arena = arena, .schema = schema, .error = MR_ERROR_INIT };
}

void mr_rows_begin(MrRows *rows)
{
    uint32_t count = rows->schema->column_count;
    if (rows->error.status != MR_OK) {
        return;
    }
    MrRow *row = mr_arena_calloc(rows->arena, 1, sizeof *row + count * sizeof row->values[0]);
    if (row == NULL) {
        mr_error_no_memory(&rows->error);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        row->values[i] = (MrDatum){ .type = rows->schema->columns[i].type, .is_null = true };
    }
    if (rows->last != NULL) {
        rows->last->next = row;
    } else {
        rows->first = row;
    }
    rows->last = row;
    rows->row_count++;
    rows->next_column = 0;
}

/* The next value, which must be of the type; NULL after a failure. */
static MrDatum *value_next(MrRows *rows, MrTypeId type)
{
    if (rows->error.status != MR_OK || rows->last == NULL) {
        return NULL;
    }
    if (rows->next_column >= rows->schema->column_count) {
        mr_error_set(&rows->error, MR_ERR_INTERNAL, "a system view has more values than columns");
        return NULL;
    }
    const MrColumn *column = &rows->schema->columns[rows->next_column];
    if (type != MR_TYPE_UNKNOWN && column->type.id != type) {
        mr_error_set(&rows->error, MR_ERR_INTERNAL,
                     "column \"%s\" of a system view got another type", column->name);
        return NULL;
    }
    return &rows->last->values[rows->next_column++];
}

void mr_rows_null(MrRows *rows)
{
    (void)value_next(rows, MR_TYPE_UNKNOWN);
}

void mr_rows_string(MrRows *rows, MrString text)
{
    MrDatum *value = value_next(rows, MR_TYPE_TEXT);
    if (value == NULL) {
        return;
    }
    size_t length = text.length < UINT32_MAX ? text.length : UINT32_MAX;
    const char *copy = mr_arena_strndup(rows->arena, text.data, length);
    if (copy == NULL) {
        mr_error_no_memory(&rows->error);
        return;
    }
    value->text = mr_text_make(copy, (uint32_t)length);
    value->is_null = false;
}

void mr_rows_text(MrRows *rows, const char *text)
{
    if (text == NULL) {
        mr_rows_null(rows);
    } else {
        mr_rows_string(rows, mr_string(text));
    }
}

static void integer(MrRows *rows, MrTypeId type, int64_t number)
{
    MrDatum *value = value_next(rows, type);
    if (value != NULL) {
        value->integer = number;
        value->is_null = false;
    }
}

void mr_rows_int(MrRows *rows, int64_t value)
{
    integer(rows, MR_TYPE_INT64, value);
}

void mr_rows_count(MrRows *rows, uint64_t value)
{
    integer(rows, MR_TYPE_INT64, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

void mr_rows_time(MrRows *rows, int64_t time_us)
{
    if (time_us == MR_TIME_MIN) {
        mr_rows_null(rows);
    } else {
        integer(rows, MR_TYPE_TIMESTAMPTZ, time_us);
    }
}

void mr_rows_bool(MrRows *rows, bool value)
{
    MrDatum *datum = value_next(rows, MR_TYPE_BOOL);
    if (datum != NULL) {
        datum->boolean = value;
        datum->is_null = false;
    }
}

void mr_rows_uuid(MrRows *rows, const uint8_t uuid[16])
{
    MrDatum *datum = value_next(rows, MR_TYPE_UUID);
    if (datum != NULL) {
        memcpy(datum->uuid, uuid, sizeof datum->uuid);
        datum->is_null = false;
    }
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static MrStatus cell_store(MrRows *rows, MrVector *vector, uint32_t row, const MrDatum *value,
                           MrError *err)
{
    size_t width = mr_type_info(vector->type.id)->width;
    char *cell = (char *)vector->data + row * width;
    if (!value->is_null) {
        mr_datum_store(value, cell);
        return MR_OK;
    }
    MR_TRY(mr_vector_make_nullable(vector, rows->arena, err));
    mr_bitmap_clear(vector->validity, row);
    memset(cell, 0, width);
    return MR_OK;
}

/* Makes one block of the rows from *row on. */
static MrStatus block_make(MrRows *rows, const MrRow **row, uint32_t count, const MrBlock **out,
                           MrError *err)
{
    MrBlock *block;
    MR_TRY(mr_block_create(rows->arena, rows->schema, count, &block, err));
    for (uint32_t r = 0; r < count; r++) {
        for (uint32_t c = 0; c < block->column_count; c++) {
            MR_TRY(cell_store(rows, &block->columns[c], r, &(*row)->values[c], err));
        }
        *row = (*row)->next;
    }
    *out = block;
    return MR_OK;
}

MrStatus mr_rows_finish(MrRows *rows, const MrBlock *const **blocks, uint32_t *block_count,
                        MrError *err)
{
    if (rows->error.status != MR_OK) {
        if (err != NULL) {
            *err = rows->error;
        }
        return rows->error.status;
    }
    const MrBlock **made;
    const MrRow *row = rows->first;
    uint32_t left = rows->row_count;
    *block_count = (left + MR_VECTOR_ROWS - 1) / MR_VECTOR_ROWS;
    MR_NEW_ARRAY(rows->arena, made, *block_count, err);
    for (uint32_t i = 0; i < *block_count; i++) {
        uint32_t count = left < MR_VECTOR_ROWS ? left : MR_VECTOR_ROWS;
        MR_TRY(block_make(rows, &row, count, &made[i], err));
        left -= count;
    }
    *blocks = made;
    return MR_OK;
}
