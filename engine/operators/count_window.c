/*
 * engine/operators/count_window.c - windows of n rows of a key, in order of the log, one beginning
 * every `slide` rows.  They close with their last row, whatever the watermark.
 */
#include "engine/operators/keyed_windows.h"

static uint64_t size_of(const MrOperator *op)
{
    return (uint64_t)((const MrAggregateSpec *)op->spec)->window.size_us;
}
static uint64_t slide_of(const MrOperator *op)
{
    return (uint64_t)((const MrAggregateSpec *)op->spec)->window.slide_us;
}

bool mr_count_window_is_full(const MrOperator *op, const MrKeyedList *list, uint32_t number)
{
    const MrAggregateState *state = op->state;
    const MrKeyedWindow *window = mr_keyed_window(state->keyed, number);
    return list->seen - window->ordinal * slide_of(op) >= size_of(op);
}

static MrStatus begin_window(MrOperator *op, uint32_t key, int64_t at_us, const char *look,
                             MrError *err)
{
    MrKeyedWindows *windows = ((MrAggregateState *)op->state)->keyed;
    uint32_t number;
    MR_TRY(mr_keyed_insert(op, key, mr_keyed_list(windows, key)->count, &number, err));
    MrKeyedWindow *window = mr_keyed_window(windows, number);
    window->first_us = window->last_us = at_us;
    window->ordinal = mr_keyed_list(windows, key)->seen / slide_of(op);
    mr_keyed_set_look(op, number, look);
    return MR_OK;
}

/* The open windows of the key, each of which gets the row. */
static MrStatus place_row(MrOperator *op, uint32_t key, uint32_t row, int64_t at_us,
                          const char *look, MrCallRows *placed, uint32_t *rows, uint32_t *numbers,
                          MrError *err)
{
    MrKeyedWindows *windows = ((MrAggregateState *)op->state)->keyed;
    MrKeyedList *list = mr_keyed_list(windows, key);
    if (list->seen % slide_of(op) == 0) {
        MR_TRY(begin_window(op, key, at_us, look, err));
    }
    for (uint32_t i = list->count; i-- > 0;) {
        uint32_t number = mr_keyed_numbers(list)[i];
        if (mr_count_window_is_full(op, list, number)) {
            break; /* and so are those before it */
        }
        MrKeyedWindow *window = mr_keyed_window(windows, number);
        window->first_us = at_us < window->first_us ? at_us : window->first_us;
        window->last_us = at_us > window->last_us ? at_us : window->last_us;
        rows[placed->count] = row;
        numbers[placed->count++] = number;
    }
    list->seen++;
    return MR_OK;
}

/* The window that the key's last row has filled, if it has filled one. */
static bool filled_window(const MrOperator *op, uint32_t key, MrShownRow *out)
{
    MrKeyedWindows *windows = ((MrAggregateState *)op->state)->keyed;
    MrKeyedList *list = mr_keyed_list(windows, key);
    if (list->seen < size_of(op) || (list->seen - size_of(op)) % slide_of(op) != 0) {
        return false;
    }
    uint64_t ordinal = (list->seen - size_of(op)) / slide_of(op);
    uint32_t at = 0;
    while (mr_keyed_window(windows, mr_keyed_numbers(list)[at])->ordinal != ordinal) {
        at++;
    }
    *out = (MrShownRow){ .key = key, .number = mr_keyed_numbers(list)[at] };
    out->first_us = mr_keyed_window(windows, out->number)->first_us;
    out->last_us = mr_keyed_window(windows, out->number)->last_us;
    return true;
}

MrStatus mr_count_window_update(MrOperator *op, const MrAggregateChunk *chunk,
                                const MrAggregateRows *rows, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = state->keyed;
    const MrVector *time = &chunk->block->columns[spec->time_column];
    size_t most = mr_aggregate_panes_per_row(op);
    uint32_t *keys, *places, *numbers, full_count = 0;
    MrShownRow *full;
    MR_NEW_ARRAY(batch->arena, keys, rows->count, batch->err);
    MR_NEW_ARRAY(batch->arena, places, rows->count * most, batch->err);
    MR_NEW_ARRAY(batch->arena, numbers, rows->count * most, batch->err);
    MR_NEW_ARRAY(batch->arena, full, rows->count, batch->err);
    MR_TRY(mr_group_table_insert(&windows->keys, &chunk->keys, rows->rows, rows->count, keys,
                                 batch->err));
    MR_TRY(mr_keyed_touch(op, keys, rows->count, batch));
    MrCallRows placed = { .rows = places, .groups = numbers };
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t row = rows->rows == NULL ? i : rows->rows[i];
        int64_t at = *(const int64_t *)mr_vector_cell(time, row);
        const char *look = chunk->keys.keys + (size_t)row * state->layout.bytes;
        MR_TRY(place_row(op, keys[i], row, at, look, &placed, places, numbers, batch->err));
        full_count += filled_window(op, keys[i], &full[full_count]);
    }
    MR_TRY(mr_states_update(op, windows->rows + windows->states_offset, windows->row_bytes, NULL,
                            chunk->block, &placed, batch));
    if (spec->emit != MR_EMIT_MODE_CLOSE) {
        return MR_OK; /* the flush shows full windows and forgets them */
    }
    MR_TRY(mr_keyed_emit(op, full, full_count, 1, true, batch));
    for (uint32_t f = 0; f < full_count; f++) {
        mr_keyed_remove(op, full[f].key, 0, 1); /* a key's windows fill in their order */
    }
    return MR_OK;
}
