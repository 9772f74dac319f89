/*
 * engine/operators/window.c - gives every row once for each window that holds it, with the window's
 * bounds behind the row's columns.  Where an aggregate above groups by the bounds, windows that are
 * closed at the row's place are left out, and a row whose windows are all closed is late.
 */
#include "engine/operators/aggregate.h"

/* Rows of the output: which row of the input, and the bounds it gets. */
typedef struct Expansion {
    uint32_t *rows;
    int64_t *starts, *ends;
    uint32_t count, capacity;
} Expansion;

static MrStatus expansion_grow(Expansion *expansion, MrBatch *batch)
{
    Expansion grown = { .count = expansion->count, .capacity = expansion->capacity * 2 };
    MR_NEW_ARRAY(batch->arena, grown.rows, grown.capacity, batch->err);
    MR_NEW_ARRAY(batch->arena, grown.starts, grown.capacity, batch->err);
    MR_NEW_ARRAY(batch->arena, grown.ends, grown.capacity, batch->err);
    if (expansion->count > 0) {
        memcpy(grown.rows, expansion->rows, expansion->count * sizeof *grown.rows);
        memcpy(grown.starts, expansion->starts, expansion->count * sizeof *grown.starts);
        memcpy(grown.ends, expansion->ends, expansion->count * sizeof *grown.ends);
    }
    *expansion = grown;
    return MR_OK;
}

/* The windows of one row that are open at W. */
static MrStatus window_row(const MrRowWindowSpec *spec, uint32_t row, int64_t at, int64_t w,
                           Expansion *out, MrBatch *batch)
{
    int64_t anchor = mr_window_start(&spec->window, at);
    if (mr_window_end(&spec->window, anchor) <= at) {
        return MR_OK; /* between windows, or infinity */
    }
    do {
        int64_t end = mr_window_end(&spec->window, anchor);
        if (mr_add_saturated(end, spec->allowed_lateness_us) <= w) {
            continue;
        }
        if (out->count == out->capacity) {
            MR_TRY(expansion_grow(out, batch));
        }
        out->rows[out->count] = row;
        out->starts[out->count] = mr_window_shown_start(&spec->window, anchor);
        out->ends[out->count++] = end;
    } while (mr_window_other(&spec->window, at, &anchor));
    return MR_OK;
}

static MrStatus window_rows(const MrOperator *op, const MrBlock *in, Expansion *out, MrBatch *batch)
{
    const MrRowWindowSpec *spec = op->spec;
    const MrVector *time = &in->columns[spec->time_column];
    const int64_t *watermarks = spec->judges_late ? in->place.watermarks : NULL;
    for (uint32_t row = 0; row < in->row_count; row++) {
        if (mr_vector_is_null(time, row)) {
            continue;
        }
        int64_t at = *(const int64_t *)mr_vector_cell(time, row);
        int64_t w = watermarks == NULL ? MR_TIME_MIN : watermarks[row];
        uint32_t before = out->count;
        MR_TRY(window_row(spec, row, at, w, out, batch));
        if (out->count == before && spec->judges_late &&
            (at == MR_TIME_MIN || at == MR_TIME_MAX ||
             mr_window_end(&spec->window, mr_window_start(&spec->window, at)) > at)) {
            mr_operator_note_late(op, in, row, at, w, batch);
        }
    }
    return MR_OK;
}

static MrStatus bound_column(const int64_t *bounds, uint32_t count, MrType type, MrBatch *batch,
                             MrVector *out)
{
    MR_TRY(mr_vector_init(out, batch->arena, type, count, batch->err));
    memcpy(out->data, bounds, count * sizeof *bounds);
    return MR_OK;
}

static MrStatus window_apply(const MrOperator *op, const MrBlock *in, MrBatch *batch,
                             const MrBlock **out)
{
    const MrRowWindowSpec *spec = op->spec;
    const MrColumn *schema = op->node->schema.columns;
    Expansion expansion = { .capacity = in->row_count / 2 + 8 };
    MrBlock *block;
    *out = NULL;
    MR_TRY(expansion_grow(&expansion, batch));
    MR_TRY(window_rows(op, in, &expansion, batch));
    if (expansion.count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_block_repeat(batch->arena, in, expansion.rows, expansion.count, &block, batch->err));
    MrVector *columns;
    MR_NEW_ARRAY(batch->arena, columns, spec->column_count + 2, batch->err);
    memcpy(columns, block->columns, spec->column_count * sizeof *columns);
    MR_TRY(bound_column(expansion.starts, expansion.count, schema[spec->column_count].type, batch,
                        &columns[spec->column_count]));
    MR_TRY(bound_column(expansion.ends, expansion.count, schema[spec->column_count + 1].type, batch,
                        &columns[spec->column_count + 1]));
    block->columns = columns;
    block->column_count = spec->column_count + 2;
    *out = block;
    return MR_OK;
}

const MrOperatorClass mr_operator_window = {
    .name = "Window",
    .apply = window_apply,
    .push = mr_operator_push_applied,
};
