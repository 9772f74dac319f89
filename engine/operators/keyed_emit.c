/*
 * engine/operators/keyed_emit.c - windows of keys as rows: what a key showed and shows now, and
 * what closes.  See keyed_windows.h.
 */
#include "engine/operators/keyed_windows.h"

#include <stdlib.h>

static MrKeyedWindows *windows_of(const MrOperator *op)
{
    return ((const MrAggregateState *)op->state)->keyed;
}

static bool is_session(const MrOperator *op)
{
    return ((const MrAggregateSpec *)op->spec)->window_kind == MR_GROUP_WINDOW_SESSION;
}

/* A window of rows ends with its last row, a session a gap later. */
int64_t mr_keyed_end_us(const MrOperator *op, int64_t last_us)
{
    const MrAggregateSpec *spec = op->spec;
    return is_session(op) ? mr_add_saturated(last_us, spec->window.size_us) : last_us;
}

uint32_t mr_keyed_run_end(const MrOperator *op, MrKeyedList *list, uint32_t at)
{
    const MrAggregateSpec *spec = op->spec;
    MrKeyedWindows *windows = windows_of(op);
    const uint32_t *numbers = mr_keyed_numbers(list);
    uint32_t end = at + 1;
    if (!spec->input_retracts || !is_session(op)) {
        return end; /* sessions were joined as rows came */
    }
    while (end < list->count) {
        int64_t last = mr_keyed_window(windows, numbers[end - 1])->last_us;
        if (mr_keyed_end_us(op, last) <= mr_keyed_window(windows, numbers[end])->first_us) {
            break;
        }
        end++;
    }
    return end;
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* The states of a run are merged in order of time. */
static MrStatus merge_run(MrOperator *op, const MrShownRow *row, char *into, MrBatch *batch)
{
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, row->key);
    const uint32_t *numbers = mr_keyed_numbers(list);
    uint32_t at = 0;
    while (numbers[at] != row->number) {
        at++;
    }
    uint32_t end = mr_keyed_run_end(op, list, at);
    for (; at < end; at++) {
        MR_TRY(mr_states_merge(op, into, mr_keyed_states(windows, numbers[at]), batch->err));
    }
    return MR_OK;
}

/* Columns of the aggregates, from states side by side. */
static MrStatus value_columns(MrOperator *op, const MrShownRow *rows, uint32_t count,
                              MrVector *columns, const MrColumn *schema, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = windows_of(op);
    uint32_t *numbers;
    MR_NEW_ARRAY(batch->arena, numbers, count, batch->err);
    if (!spec->input_retracts) {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = rows[i].number;
        }
        return mr_states_finalize(op, windows->rows + windows->states_offset, windows->row_bytes,
                                  numbers, count, columns, schema, batch);
    }
    char *merged;
    MR_NEW_ARRAY(batch->arena, merged, (size_t)count * state->states_bytes + 1, batch->err);
    MrStatus status = MR_OK;
    uint32_t made = 0;
    while (status == MR_OK && made < count) {
        numbers[made] = made;
        status = merge_run(op, &rows[made], merged + (size_t)made * state->states_bytes, batch);
        made++;
    }
    if (status == MR_OK) {
        status = mr_states_finalize(op, merged, state->states_bytes, numbers, count, columns,
                                    schema, batch);
    }
    for (uint32_t i = 0; i < made; i++) {
        mr_states_destroy(op, merged + (size_t)i * state->states_bytes);
    }
    return status;
}

/* Numbers of windows stand where the plan asks for them. */
static void set_ordinals(const MrOperator *op, const MrShownRow *rows, uint32_t count,
                         MrVector *columns)
{
    const MrAggregateSpec *spec = op->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        int64_t *numbers = columns[c].data;
        for (uint32_t i = 0; spec->calls[c].is_ordinal && i < count; i++) {
            numbers[i] = (int64_t)mr_keyed_window(windows_of(op), rows[i].number)->ordinal;
        }
    }
}

static MrStatus null_columns(MrOperator *op, uint32_t count, MrVector *columns,
                             const MrColumn *schema, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MrDatum null = { .type = schema[c].type, .is_null = true };
        MR_TRY(mr_vector_init_constant(&columns[c], batch->arena, &null, count, batch->err));
    }
    return MR_OK;
}

static MrStatus bound_columns(MrOperator *op, const MrShownRow *rows, uint32_t count,
                              MrVector *columns, const MrColumn *schema, MrBatch *batch)
{
    for (uint32_t b = 0; b < 2; b++) {
        MR_TRY(mr_vector_init(&columns[b], batch->arena, schema[b].type, count, batch->err));
        int64_t *bounds = columns[b].data;
        for (uint32_t i = 0; i < count; i++) {
            bounds[i] = b == 0 ? rows[i].first_us : mr_keyed_end_us(op, rows[i].last_us);
        }
    }
    return MR_OK;
}

/* A key in the look that it has in the window. */
static void show_looks(MrOperator *op, const MrShownRow *rows, uint32_t count, uint32_t column,
                       MrVector *out)
{
    const MrAggregateState *state = op->state;
    MrTypeId type = state->layout.types[column];
    if (type != MR_TYPE_NUMERIC && type != MR_TYPE_INTERVAL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!mr_vector_is_null(out, i)) {
            mr_key_cell(&state->layout, mr_keyed_look(state->keyed, rows[i].number), column,
                        (char *)out->data + (size_t)i * mr_type_info(type)->width);
        }
    }
}

static MrStatus emit_block(MrOperator *op, const MrShownRow *rows, uint32_t count, int32_t weight,
                           bool values, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrColumn *schema = op->node->schema.columns;
    MrKeyedWindows *windows = windows_of(op);
    MrBlock *block;
    uint32_t *keys;
    MR_TRY(mr_derived_block(op, count, weight, batch, &block));
    MR_TRY(bound_columns(op, rows, count, block->columns, schema, batch));
    MR_NEW_ARRAY(batch->arena, keys, count, batch->err);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = rows[i].key;
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        MrVector *column = &block->columns[2 + k];
        MR_TRY(mr_group_table_key_column(&windows->keys, k, schema[2 + k].type, keys, count,
                                         batch->arena, column, batch->err));
        MR_TRY(mr_vector_own_text(column, batch->arena, batch->err)); /* the key may go first */
        if (windows->keeps_looks && values) {
            show_looks(op, rows, count, k, column);
        }
    }
    uint32_t first = 2 + spec->key_count;
    MR_TRY(values ? value_columns(op, rows, count, block->columns + first, schema + first, batch)
                  : null_columns(op, count, block->columns + first, schema + first, batch));
    if (values) {
        set_ordinals(op, rows, count, block->columns + first);
    }
    return mr_operator_emit(op, block, batch);
}

MrStatus mr_keyed_emit(MrOperator *op, const MrShownRow *rows, uint32_t count, int32_t weight,
                       bool values, MrBatch *batch)
{
    for (uint32_t first = 0; first < count; first += MR_VECTOR_ROWS) {
        uint32_t some = count - first < MR_VECTOR_ROWS ? count - first : MR_VECTOR_ROWS;
        MR_TRY(emit_block(op, rows + first, some, weight, values, batch));
    }
    return MR_OK;
}

/* ---- What keys show ----------------------------------------------------------------------- */

/* Windows that lost all their rows. */
static void drop_empty(MrOperator *op, uint32_t key)
{
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = state->keyed;
    MrKeyedList *list = mr_keyed_list(windows, key);
    for (uint32_t i = list->count; state->counts_rows && i-- > 0;) {
        if (*(const int64_t *)mr_keyed_states(windows, mr_keyed_numbers(list)[i]) <= 0) {
            mr_keyed_remove(op, key, i, 1);
        }
    }
}

/* The key's runs that end by `until_us`, as rows. */
static MrStatus list_runs(MrOperator *op, uint32_t key, int64_t until_us, MrShownRows *out,
                          uint32_t *windows_listed, MrBatch *batch)
{
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, key);
    const uint32_t *numbers = mr_keyed_numbers(list);
    uint32_t at = 0;
    while (at < list->count) {
        uint32_t end = mr_keyed_run_end(op, list, at);
        MrShownRow row = { .key = key,
                           .number = numbers[at],
                           .first_us = mr_keyed_window(windows, numbers[at])->first_us,
                           .last_us = mr_keyed_window(windows, numbers[end - 1])->last_us };
        if (until_us != MR_TIME_MAX && mr_keyed_end_us(op, row.last_us) > until_us) {
            break;
        }
        MR_TRY(mr_shown_rows_add(out, &row, op->memory, batch->err));
        at = end;
    }
    if (windows_listed != NULL) {
        *windows_listed = at;
    }
    return MR_OK;
}

static void rows_free(MrShownRows *rows, MrMemory *memory)
{
    (void)mr_memory_charge(memory, -(int64_t)(rows->capacity * sizeof *rows->items), NULL);
    free(rows->items);
}

static MrStatus add_dirty(MrOperator *op, uint32_t key, MrBatch *batch)
{
    MrKeyedWindows *windows = windows_of(op);
    if (windows->dirty_count == windows->dirty_capacity) {
        uint32_t capacity = windows->dirty_capacity == 0 ? 64 : windows->dirty_capacity * 2;
        size_t more = (capacity - windows->dirty_capacity) * sizeof *windows->dirty;
        MR_TRY(mr_memory_charge(op->memory, (int64_t)more, batch->err));
        uint32_t *dirty = realloc(windows->dirty, capacity * sizeof *dirty);
        if (dirty == NULL) {
            (void)mr_memory_charge(op->memory, -(int64_t)more, NULL);
            return mr_error_no_memory(batch->err);
        }
        windows->dirty = dirty;
        windows->dirty_capacity = capacity;
    }
    windows->dirty[windows->dirty_count++] = key;
    mr_group_header(&windows->keys, key)->flags |= MR_GROUP_DIRTY;
    return MR_OK;
}

MrStatus mr_keyed_touch(MrOperator *op, const uint32_t *keys, uint32_t count, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = state->keyed;
    uint32_t before = windows->shown.count;
    if (spec->emit != MR_EMIT_MODE_UPDATE) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!(mr_group_header(&windows->keys, keys[i])->flags & MR_GROUP_DIRTY)) {
            MR_TRY(add_dirty(op, keys[i], batch));
            MR_TRY(list_runs(op, keys[i], MR_TIME_MAX, &windows->shown, NULL, batch));
        }
    }
    if (!state->needs_old) {
        return MR_OK;
    }
    MR_TRY(mr_keyed_emit(op, windows->shown.items + before, windows->shown.count - before, -1, true,
                         batch));
    windows->shown.count = before;
    return MR_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const MrShownRow *x = a, *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->first_us > y->first_us) - (x->first_us < y->first_us);
}

/* What was shown and is not any more goes; where only values changed, the new row replaces it. */
static MrStatus take_back(MrOperator *op, MrShownRows *now, MrBatch *batch)
{
    MrShownRows *shown = &windows_of(op)->shown;
    uint32_t kept = 0, n = 0;
    if (shown->count == 0) {
        return MR_OK;
    }
    if (shown->count > 1) {
        qsort(shown->items, shown->count, sizeof *shown->items, compare_rows);
    }
    for (uint32_t i = 0; i < shown->count; i++) {
        const MrShownRow *old = &shown->items[i];
        while (n < now->count && compare_rows(&now->items[n], old) < 0) {
            n++;
        }
        bool stays = n < now->count && compare_rows(&now->items[n], old) == 0 &&
                     now->items[n].last_us == old->last_us;
        shown->items[kept] = *old;
        kept += !stays;
    }
    MR_TRY(mr_keyed_emit(op, shown->items, kept, -1, false, batch));
    shown->count = 0;
    return MR_OK;
}

static void drop_full(MrOperator *op, uint32_t key)
{
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, key);
    while (!is_session(op) && list->count > 0 &&
           mr_count_window_is_full(op, list, mr_keyed_numbers(list)[0])) {
        mr_keyed_remove(op, key, 0, 1);
    }
}

MrStatus mr_keyed_flush(MrOperator *op, MrBatch *batch)
{
    MrKeyedWindows *windows = windows_of(op);
    MrShownRows now = { 0 };
    MrStatus status = MR_OK;
    for (uint32_t d = 0; status == MR_OK && d < windows->dirty_count; d++) {
        drop_empty(op, windows->dirty[d]);
        status = list_runs(op, windows->dirty[d], MR_TIME_MAX, &now, NULL, batch);
    }
    if (now.count > 1) {
        qsort(now.items, now.count, sizeof *now.items, compare_rows);
    }
    if (status == MR_OK) {
        status = take_back(op, &now, batch);
    }
    if (status == MR_OK) {
        status = mr_keyed_emit(op, now.items, now.count, 1, true, batch);
    }
    rows_free(&now, op->memory);
    MR_TRY(status);
    for (uint32_t d = 0; d < windows->dirty_count; d++) {
        mr_group_header(&windows->keys, windows->dirty[d])->flags &= ~(uint32_t)MR_GROUP_DIRTY;
        drop_full(op, windows->dirty[d]);
    }
    windows->dirty_count = 0;
    return mr_keyed_compact(op, batch->err);
}

/* ---- Closing ------------------------------------------------------------------------------ */

/* Shows and forgets the runs of the keys that have ended by `until_us`. */
static MrStatus close_keys(MrOperator *op, const uint32_t *keys, uint32_t count, int64_t until_us,
                           MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    MrShownRows closed = { 0 };
    uint32_t *listed;
    MR_NEW_ARRAY(batch->arena, listed, count, batch->err);
    MrStatus status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        drop_empty(op, keys[i]);
        status = list_runs(op, keys[i], until_us, &closed, &listed[i], batch);
    }
    if (status == MR_OK && (spec->emit == MR_EMIT_MODE_CLOSE || spec->shows_once)) {
        status = mr_keyed_emit(op, closed.items, closed.count, 1, true, batch);
    }
    rows_free(&closed, op->memory);
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        MrKeyedList *list = mr_keyed_list(windows_of(op), keys[i]);
        mr_keyed_remove(op, keys[i], 0, listed[i]);
        if (list->count > 0) {
            status = mr_keyed_queue(op, keys[i], mr_keyed_first_end_us(op, keys[i]), batch->err);
        }
    }
    return status;
}

/* What changed is shown before anything of it is forgotten. */
MrStatus mr_keyed_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    enum { KEYS_AT_ONCE = 1024 };
    const MrAggregateSpec *spec = op->spec;
    MrKeyedWindows *windows = windows_of(op);
    uint32_t keys[KEYS_AT_ONCE], count = 0;
    bool more = mr_due_queue_has(&windows->closes, watermark_us);
    int64_t until_us = watermark_us == MR_TIME_MAX
                           ? MR_TIME_MAX
                           : mr_add_saturated(watermark_us, -spec->allowed_lateness_us);
    if (more && windows->dirty_count > 0 && !spec->shows_once) {
        MR_TRY(mr_keyed_flush(op, batch));
    }
    while (more) {
        count = 0;
        while (count < KEYS_AT_ONCE && mr_keyed_due(windows, watermark_us, &keys[count])) {
            count++;
        }
        MR_TRY(close_keys(op, keys, count, until_us, batch));
        more = count == KEYS_AT_ONCE;
    }
    return mr_keyed_compact(op, batch->err);
}
