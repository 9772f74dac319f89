/*
 * engine/operators/asof_keys.c - the keys of an as-of join, their left rows in order of time, and
 * that what nobody can meet goes: see asof.h.
 */
#include "engine/operators/asof.h"

#include <stdlib.h>

#include "engine/operators/aggregate.h"

/* ---- Life -------------------------------------------------------------------------------- */

static void note_read(void *context, const MrExpr *node)
{
    bool *is_read = context;
    if (node->kind == MR_EXPR_COLUMN) {
        is_read[node->column] = true;
    }
}

static MrStatus open_condition(MrOperator *op, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    if (spec->condition == NULL) {
        return MR_OK;
    }
    MR_NEW_ARRAY(op->arena, state->is_read, op->input->column_count + op->right->column_count, err);
    mr_expr_walk(spec->condition, note_read, state->is_read);
    return mr_expression_compile(op->arena, spec->condition, op->zone, &state->condition, err);
}

MrStatus mr_asof_keys_open(MrOperator *op, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    MrTypeId types[MR_KEYS_MAX];
    if (spec->key_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "a join can have at most %d equal columns", MR_KEYS_MAX);
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        types[k] = op->input->columns[spec->left_keys[k]].type.id;
    }
    MR_TRY(mr_key_layout_init(&state->layout, types, spec->key_count, err));
    mr_group_table_init(&state->table, &state->layout, sizeof(MrAsofKey *), op->memory);
    mr_arena_init(&state->scratch, 0);
    MR_TRY(open_condition(op, err));
    state->orders[0].column = spec->left_time;
    state->orders[1].column = spec->right_time;
    MrRowOrder left = { .keys = &state->orders[0],
                        .key_count = 1,
                        .by_value = spec->left_retracts };
    MrRowOrder right = { .keys = &state->orders[1],
                         .key_count = 1,
                         .by_value = spec->right_retracts || spec->right_is_derived };
    MR_TRY(mr_row_store_init(&state->left, op->arena, op->input, op->input, op->input->column_count,
                             &left, op->memory, err));
    return mr_row_store_init(&state->right, op->arena, op->right, op->right,
                             op->right->column_count, &right, op->memory, err);
}

static void set_key_at(MrGroupTable *table, uint32_t group, MrAsofKey *key)
{
    memcpy(mr_group_state(table, group), &key, sizeof key);
}

static int64_t key_bytes(const MrAsofKey *key)
{
    return (int64_t)(sizeof *key + key->left_capacity * sizeof *key->left +
                     key->right_capacity * sizeof *key->right);
}

static void free_right(MrAsofState *state, MrRow *row)
{
    if (row != NULL) {
        mr_row_free(&state->right, row);
    }
}

static void key_free(MrOperator *op, MrAsofKey *key)
{
    MrAsofState *state = op->state;
    for (uint32_t i = 0; i < key->left_count; i++) {
        mr_row_free(&state->left, key->left[i].row);
    }
    for (uint32_t i = 0; i < key->right_count; i++) {
        free_right(state, key->right[i].row);
    }
    (void)mr_memory_charge(op->memory, -key_bytes(key), NULL);
    free(key->left);
    free(key->right);
    free(key);
}

static void free_removed(MrAsofState *state)
{
    for (uint32_t i = 0; i < state->removed_count; i++) {
        mr_row_free(&state->right, state->removed[i]);
    }
    state->removed_count = 0;
}

void mr_asof_keys_close(MrOperator *op)
{
    MrAsofState *state = op->state;
    if (state->table.layout == NULL) {
        return; /* never opened */
    }
    for (uint32_t g = 0; g < state->table.count; g++) {
        MrAsofKey *key = mr_asof_key_at(state, g);
        if (key != NULL) {
            key_free(op, key);
        }
    }
    free_removed(state);
    mr_due_heap_fini(&state->due, op->memory);
    free(state->dirty);
    free(state->removed);
    mr_arena_fini(&state->scratch);
    mr_group_table_fini(&state->table);
    mr_row_store_fini(&state->left);
    mr_row_store_fini(&state->right);
}

MrStatus mr_asof_key(MrOperator *op, uint32_t group, MrAsofKey **out, MrError *err)
{
    MrAsofState *state = op->state;
    *out = mr_asof_key_at(state, group);
    if (*out != NULL) {
        return MR_OK;
    }
    MR_TRY(mr_memory_charge(op->memory, sizeof **out, err));
    MrAsofKey *key = calloc(1, sizeof *key);
    if (key == NULL) {
        (void)mr_memory_charge(op->memory, -(int64_t)sizeof **out, NULL);
        return mr_error_no_memory(err);
    }
    key->group = group;
    key->due = MR_DUE_NEVER;
    set_key_at(&state->table, group, key);
    state->live++;
    *out = key;
    return MR_OK;
}

MrStatus mr_asof_grow(MrOperator *op, void **items, uint32_t count, uint32_t *capacity,
                      size_t bytes, MrError *err)
{
    if (count < *capacity) {
        return MR_OK;
    }
    if (count > UINT32_MAX / 2) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a key can have at most %u rows",
                            UINT32_MAX / 2);
    }
    uint32_t more = count == 0 ? 2 : count;
    MR_TRY(mr_memory_charge(op->memory, (int64_t)(more * bytes), err));
    void *wider = realloc(*items, (*capacity + more) * bytes);
    if (wider == NULL) {
        (void)mr_memory_charge(op->memory, -(int64_t)(more * bytes), NULL);
        return mr_error_no_memory(err);
    }
    *items = wider;
    *capacity += more;
    return MR_OK;
}

MrStatus mr_asof_reserve(void ***items, uint32_t count, uint32_t *capacity, MrError *err)
{
    if (count < *capacity) {
        return MR_OK;
    }
    uint32_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void **wider = realloc(*items, wanted * sizeof(void *));
    if (wider == NULL) {
        return mr_error_no_memory(err);
    }
    *items = wider;
    *capacity = wanted;
    return MR_OK;
}

/* ---- Left rows ----------------------------------------------------------------------------- */

uint32_t mr_asof_left_place(const MrAsofState *state, const MrAsofKey *key, int64_t time_us,
                            const MrRow *row)
{
    uint32_t low = 0, high = key->left_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const MrAsofLeft *entry = &key->left[middle];
        bool is_before =
            entry->time_us < time_us || (entry->time_us == time_us && row != NULL &&
                                         mr_row_compare(&state->left, entry->row, row) < 0);
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    return low;
}

MrStatus mr_asof_left_insert(MrOperator *op, MrAsofKey *key, uint32_t place, int64_t time_us,
                             MrRow *row, MrError *err)
{
    MrAsofState *state = op->state;
    MR_TRY(mr_asof_grow(op, (void **)&key->left, key->left_count, &key->left_capacity,
                        sizeof *key->left, err));
    memmove(key->left + place + 1, key->left + place,
            (key->left_count - place) * sizeof *key->left);
    key->left[place] = (MrAsofLeft){ .time_us = time_us, .row = row };
    key->left_count++;
    state->left_rows++;
    return MR_OK;
}

void mr_asof_left_remove(MrOperator *op, MrAsofKey *key, uint32_t place, uint32_t count)
{
    MrAsofState *state = op->state;
    if (count == 0) {
        return; /* of a key that has none there is no array */
    }
    memmove(key->left + place, key->left + place + count,
            (key->left_count - place - count) * sizeof *key->left);
    key->left_count -= count;
    state->left_rows -= count;
}

/* ---- What is to be done -------------------------------------------------------------------- */

MrStatus mr_asof_mark(MrOperator *op, MrAsofKey *key, int64_t from_us, MrError *err)
{
    MrAsofState *state = op->state;
    if (key->is_dirty) {
        key->dirty_from_us = from_us < key->dirty_from_us ? from_us : key->dirty_from_us;
        return MR_OK;
    }
    MR_TRY(
        mr_asof_reserve((void ***)&state->dirty, state->dirty_count, &state->dirty_capacity, err));
    state->dirty[state->dirty_count++] = key;
    key->is_dirty = true;
    key->dirty_from_us = from_us;
    return MR_OK;
}

MrStatus mr_asof_trim(MrOperator *op, MrAsofKey *key, int64_t watermark_us, MrError *err)
{
    MrAsofState *state = op->state;
    uint32_t gone = mr_asof_passed_rights(op, key, watermark_us);
    for (uint32_t i = 0; i < gone; i++) {
        free_right(state, key->right[i].row);
    }
    mr_asof_right_remove(key, 0, gone);
    mr_asof_drop_ended_front(key);
    if (key->left_count > 0 || key->right_count > 0 || key->is_dirty) {
        return mr_asof_set_due(op, key, err);
    }
    mr_asof_forget_due(op, key);
    set_key_at(&state->table, key->group, NULL);
    key_free(op, key);
    state->live--;
    state->gone++;
    return MR_OK;
}

static MrStatus compact(MrOperator *op, MrError *err)
{
    enum { GONE_MIN = 1024 };
    MrAsofState *state = op->state;
    MrGroupTable fresh;
    if (state->live == 0 ? state->gone == 0 : state->gone < GONE_MIN || state->gone < state->live) {
        return MR_OK;
    }
    mr_group_table_init(&fresh, &state->layout, sizeof(MrAsofKey *), op->memory);
    for (uint32_t g = 0; g < state->table.count; g++) {
        MrAsofKey *key = mr_asof_key_at(state, g);
        const char *bytes = mr_group_key(&state->table, g);
        uint32_t nulls = mr_group_header(&state->table, g)->nulls, group;
        if (key == NULL) {
            continue;
        }
        MrStatus status = mr_group_table_insert_one(
            &fresh, bytes, nulls, mr_key_hash(&state->layout, bytes, nulls), &group, err);
        if (status != MR_OK) {
            mr_group_table_fini(&fresh); /* the pipeline is broken now, and frees by the old one */
            return status;
        }
        set_key_at(&fresh, group, key);
        key->group = group;
    }
    mr_group_table_fini(&state->table);
    state->table = fresh;
    state->gone = 0;
    return MR_OK;
}

MrStatus mr_asof_tidy(MrOperator *op, MrError *err)
{
    free_removed(op->state);
    return compact(op, err);
}

int64_t mr_asof_bytes(const MrAsofState *state)
{
    return mr_group_table_bytes(&state->table) +
           (int64_t)(state->live * sizeof(MrAsofKey) + state->left.live * state->left.row_bytes +
                     state->right.live * state->right.row_bytes);
}
