/*
 * engine/operators/keyed_windows.c - the lists of windows, the pool that holds their states, and
 * the queue of closes: see keyed_windows.h.
 */
#include "engine/operators/keyed_windows.h"

#include <stdlib.h>

enum { DEAD_MIN = 1024 };

static MrKeyedWindows *windows_of(const MrOperator *op)
{
    return ((const MrAggregateState *)op->state)->keyed;
}

/* Grows an array of `size` bytes an item to hold `wanted` of them, charged to the query. */
static MrStatus reserve(void *array, uint32_t *capacity, uint32_t wanted, size_t size,
                        MrMemory *memory, MrError *err)
{
    void *old, *grown;
    if (wanted <= *capacity) {
        return MR_OK;
    }
    uint32_t more = *capacity == 0 ? 16 : *capacity * 2;
    more = more < wanted ? wanted : more;
    MR_TRY(mr_memory_charge(memory, (int64_t)((more - *capacity) * size), err));
    memcpy(&old, array, sizeof old);
    grown = realloc(old, more * size);
    if (grown == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)((more - *capacity) * size), NULL);
        return mr_error_no_memory(err);
    }
    memcpy(array, &grown, sizeof grown);
    *capacity = more;
    return MR_OK;
}

static void release(void *array, uint32_t capacity, size_t size, MrMemory *memory)
{
    (void)mr_memory_charge(memory, -(int64_t)(capacity * size), NULL);
    free(array);
}

MrStatus mr_keyed_open(MrOperator *op, MrError *err)
{
    MrAggregateState *state = op->state;
    MrKeyedWindows *windows;
    MR_NEW(op->arena, windows, err);
    for (uint32_t k = 0; k < state->layout.count; k++) {
        windows->keeps_looks |=
            state->layout.types[k] == MR_TYPE_NUMERIC || state->layout.types[k] == MR_TYPE_INTERVAL;
    }
    /* What is taken back must look as it was shown. */
    state->needs_old = state->needs_old || windows->keeps_looks;
    windows->states_offset = (uint32_t)sizeof(MrKeyedWindow);
    windows->states_offset += windows->keeps_looks ? (state->layout.bytes + 7) / 8 * 8 : 0;
    windows->row_bytes = windows->states_offset + state->states_bytes;
    windows->free_first = UINT32_MAX;
    mr_group_table_init(&windows->keys, &state->layout, sizeof(MrKeyedList), op->memory);
    state->keyed = windows;
    return MR_OK;
}

/* ---- Rows of the pool --------------------------------------------------------------------- */

static MrStatus take_row(MrOperator *op, uint32_t *number, MrError *err)
{
    MrKeyedWindows *windows = windows_of(op);
    if (windows->free_first != UINT32_MAX) {
        *number = windows->free_first;
        memcpy(&windows->free_first, mr_keyed_window(windows, *number), sizeof(uint32_t));
    } else {
        MR_TRY(reserve(&windows->rows, &windows->row_capacity, windows->row_count + 1,
                       windows->row_bytes, op->memory, err));
        *number = windows->row_count++;
    }
    memset(mr_keyed_window(windows, *number), 0, windows->row_bytes);
    windows->live++;
    return MR_OK;
}

static void give_row(MrOperator *op, uint32_t number)
{
    MrKeyedWindows *windows = windows_of(op);
    mr_states_destroy(op, mr_keyed_states(windows, number));
    memcpy(mr_keyed_window(windows, number), &windows->free_first, sizeof(uint32_t));
    windows->free_first = number;
    windows->live--;
}

/* ---- Lists of a key ----------------------------------------------------------------------- */

static MrStatus list_reserve(MrKeyedList *list, MrMemory *memory, MrError *err)
{
    if (list->count < (list->capacity == 0 ? 1 : list->capacity)) {
        return MR_OK;
    }
    uint32_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
    size_t more = (capacity - list->capacity) * sizeof(uint32_t);
    MR_TRY(mr_memory_charge(memory, (int64_t)more, err));
    uint32_t *many =
        realloc(list->capacity == 0 ? NULL : list->numbers.many, capacity * sizeof *many);
    if (many == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)more, NULL);
        return mr_error_no_memory(err);
    }
    if (list->capacity == 0) {
        many[0] = list->numbers.one;
    }
    list->numbers.many = many;
    list->capacity = capacity;
    return MR_OK;
}

static void list_free(MrKeyedList *list, MrMemory *memory)
{
    if (list->capacity > 0) {
        release(list->numbers.many, list->capacity, sizeof(uint32_t), memory);
    }
    list->capacity = 0;
}

MrStatus mr_keyed_insert(MrOperator *op, uint32_t key, uint32_t at, uint32_t *number, MrError *err)
{
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, key);
    MR_TRY(list_reserve(list, op->memory, err));
    MR_TRY(take_row(op, number, err));
    uint32_t *numbers = mr_keyed_numbers(list);
    memmove(numbers + at + 1, numbers + at, (list->count - at) * sizeof *numbers);
    numbers[at] = *number;
    list->count++;
    return MR_OK;
}

void mr_keyed_set_look(MrOperator *op, uint32_t number, const char *key)
{
    const MrAggregateState *state = op->state;
    if (!state->keyed->keeps_looks) {
        return;
    }
    char *look = mr_keyed_look(state->keyed, number);
    if (state->layout.bytes > 0) {
        memcpy(look, key, state->layout.bytes);
    }
    for (uint32_t k = 0; k < state->layout.count; k++) {
        if (mr_type_is_text(state->layout.types[k])) { /* has one look, and memory of its own */
            memset(look + state->layout.offsets[k], 0, sizeof(MrText));
        }
    }
}

void mr_keyed_remove(MrOperator *op, uint32_t key, uint32_t at, uint32_t count)
{
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, key);
    uint32_t *numbers = mr_keyed_numbers(list);
    for (uint32_t i = at; i < at + count; i++) {
        give_row(op, numbers[i]);
    }
    memmove(numbers + at, numbers + at + count, (list->count - at - count) * sizeof *numbers);
    list->count -= count;
    if (list->count == 0) {
        list_free(list, op->memory);
    }
}

/* A key that nothing is known of any more: a count window's key keeps its count of rows. */
static bool key_is_dead(const MrKeyedWindows *windows, uint32_t key)
{
    const MrKeyedList *list = mr_keyed_list(windows, key);
    return list->count == 0 && list->seen == 0 &&
           !(mr_group_header(&windows->keys, key)->flags & MR_GROUP_DIRTY);
}

static MrStatus move_keys(MrOperator *op, MrGroupTable *fresh, MrError *err)
{
    MrKeyedWindows *windows = windows_of(op);
    const MrAggregateState *state = op->state;
    windows->closes.count = 0;
    for (uint32_t k = 0; k < windows->keys.count; k++) {
        uint32_t moved;
        if (key_is_dead(windows, k)) {
            continue;
        }
        const char *key = mr_group_key(&windows->keys, k);
        uint32_t nulls = mr_group_header(&windows->keys, k)->nulls;
        MR_TRY(mr_group_table_insert_one(fresh, key, nulls, mr_key_hash(&state->layout, key, nulls),
                                         &moved, err));
        memcpy(mr_group_state(fresh, moved), mr_keyed_list(windows, k), sizeof(MrKeyedList));
    }
    return MR_OK;
}

MrStatus mr_keyed_compact(MrOperator *op, MrError *err)
{
    MrKeyedWindows *windows = windows_of(op);
    const MrAggregateState *state = op->state;
    MrGroupTable fresh;
    uint32_t dead = 0;
    if (windows->live + DEAD_MIN > windows->keys.count / 2 || windows->dirty_count > 0) {
        return MR_OK;
    }
    for (uint32_t k = 0; k < windows->keys.count; k++) {
        dead += key_is_dead(windows, k);
    }
    if (dead < windows->keys.count / 2) {
        return MR_OK;
    }
    mr_group_table_init(&fresh, &state->layout, sizeof(MrKeyedList), op->memory);
    MrStatus status = move_keys(op, &fresh, err);
    if (status != MR_OK) {
        mr_group_table_fini(&fresh);
        return status;
    }
    mr_group_table_fini(&windows->keys);
    windows->keys = fresh;
    for (uint32_t k = 0; status == MR_OK && k < windows->keys.count; k++) {
        MrKeyedList *list = mr_keyed_list(windows, k);
        if (list->is_queued) {
            list->is_queued = false;
            status = mr_keyed_queue(op, k, list->due_us, err);
        }
    }
    return status;
}

MrStatus mr_shown_rows_add(MrShownRows *rows, const MrShownRow *row, MrMemory *memory, MrError *err)
{
    MR_TRY(
        reserve(&rows->items, &rows->capacity, rows->count + 1, sizeof *rows->items, memory, err));
    rows->items[rows->count++] = *row;
    return MR_OK;
}

/* ---- The queue of closes ------------------------------------------------------------------ */

MrStatus mr_keyed_queue(MrOperator *op, uint32_t key, int64_t due_us, MrError *err)
{
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, key);
    if (list->is_queued && due_us >= list->due_us) {
        return MR_OK;
    }
    MR_TRY(mr_due_queue_add(&windows->closes, due_us, key, op->memory, err));
    list->due_us = due_us;
    list->is_queued = true;
    return MR_OK;
}

bool mr_keyed_due(MrKeyedWindows *windows, int64_t until_us, uint32_t *key)
{
    while (mr_due_queue_has(&windows->closes, until_us)) {
        const MrDue first = mr_due_queue_take(&windows->closes);
        MrKeyedList *list = mr_keyed_list(windows, first.number);
        if (list->is_queued && list->due_us == first.due_us) {
            list->is_queued = false;
            *key = first.number;
            return true;
        }
    }
    return false;
}

int64_t mr_keyed_first_end_us(const MrOperator *op, uint32_t key)
{
    const MrAggregateSpec *spec = op->spec;
    MrKeyedWindows *windows = windows_of(op);
    MrKeyedList *list = mr_keyed_list(windows, key);
    uint32_t last = mr_keyed_numbers(list)[mr_keyed_run_end(op, list, 0) - 1];
    int64_t end = mr_keyed_end_us(op, mr_keyed_window(windows, last)->last_us);
    return mr_add_saturated(end, spec->allowed_lateness_us);
}

/* Sessions may have grown since their close was queued: entries move to their true ends until the
 * first one stands there. */
int64_t mr_keyed_next_close(const MrOperator *op)
{
    MrKeyedWindows *windows = windows_of(op);
    while (windows->closes.count > 0) {
        const MrDue first = windows->closes.items[0];
        MrKeyedList *list = mr_keyed_list(windows, first.number);
        bool counts = list->is_queued && list->due_us == first.due_us && list->count > 0;
        int64_t end = counts ? mr_keyed_first_end_us(op, first.number) : 0;
        if (counts && end <= first.due_us) {
            return first.due_us;
        }
        (void)mr_due_queue_take(&windows->closes);
        if (counts) {
            list->is_queued = false; /* there is room: an entry was just taken off */
            (void)mr_keyed_queue((MrOperator *)(uintptr_t)op, first.number, end, NULL);
        }
    }
    return MR_TIME_MAX;
}

int64_t mr_keyed_bytes(const MrKeyedWindows *windows)
{
    return mr_group_table_bytes(&windows->keys) +
           (int64_t)windows->row_capacity * windows->row_bytes;
}

void mr_keyed_close(MrOperator *op)
{
    MrKeyedWindows *windows = windows_of(op);
    for (uint32_t k = 0; k < windows->keys.count; k++) {
        MrKeyedList *list = mr_keyed_list(windows, k);
        for (uint32_t i = 0; i < list->count; i++) {
            mr_states_destroy(op, mr_keyed_states(windows, mr_keyed_numbers(list)[i]));
        }
        list_free(list, op->memory);
    }
    mr_group_table_fini(&windows->keys);
    release(windows->rows, windows->row_capacity, windows->row_bytes, op->memory);
    release(windows->dirty, windows->dirty_capacity, sizeof *windows->dirty, op->memory);
    release(windows->shown.items, windows->shown.capacity, sizeof *windows->shown.items,
            op->memory);
    mr_due_queue_fini(&windows->closes, op->memory);
}
