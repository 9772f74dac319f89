/*
 * engine/operators/asof_keys.c - the keys of an as-of join, their left rows in order of time, and
 * what W frees of both: see asof.h.
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
    free(state->heap);
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
    key->heap_index = MR_ASOF_NOT_DUE;
    key->due_us = MR_TIME_MAX;
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

static void heap_place(MrAsofState *state, uint32_t at, MrAsofKey *key)
{
    state->heap[at] = key;
    key->heap_index = at;
}

static void heap_up(MrAsofState *state, uint32_t at)
{
    MrAsofKey *key = state->heap[at];
    while (at > 0 && state->heap[(at - 1) / 2]->due_us > key->due_us) {
        heap_place(state, at, state->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(state, at, key);
}

static void heap_down(MrAsofState *state, uint32_t at)
{
    MrAsofKey *key = state->heap[at];
    for (uint32_t child = at * 2 + 1; child < state->heap_count; child = at * 2 + 1) {
        if (child + 1 < state->heap_count &&
            state->heap[child + 1]->due_us < state->heap[child]->due_us) {
            child++;
        }
        if (state->heap[child]->due_us >= key->due_us) {
            break;
        }
        heap_place(state, at, state->heap[child]);
        at = child;
    }
    heap_place(state, at, key);
}

static void heap_remove(MrAsofState *state, MrAsofKey *key)
{
    uint32_t at = key->heap_index;
    if (at == MR_ASOF_NOT_DUE) {
        return;
    }
    key->heap_index = MR_ASOF_NOT_DUE;
    state->heap_count--;
    if (at < state->heap_count) {
        heap_place(state, at, state->heap[state->heap_count]);
        heap_down(state, at);
        heap_up(state, state->heap[at]->heap_index);
    }
}

/* W that has passed the time, so that no row of it can come any more. */
static int64_t due_us_of(const MrOperator *op, int64_t time_us)
{
    const MrAsofSpec *spec = op->spec;
    int64_t due_us = mr_add_saturated(mr_add_saturated(time_us, spec->late_us), 1);
    return due_us < MR_TIME_MAX ? due_us : MR_TIME_MAX - 1; /* 'infinity' passes at the end */
}

int64_t mr_asof_final_us(const MrOperator *op, const MrAsofKey *key, uint32_t place)
{
    const MrAsofSpec *spec = op->spec;
    int64_t time_us = key->left[place].time_us;
    if (!spec->is_later || spec->right_stays) {
        return due_us_of(op, time_us);
    }
    uint32_t right = mr_asof_later(op, key, time_us);
    return due_us_of(op, right < key->right_count ? key->right[right].time_us : MR_TIME_MAX);
}

/* W at which no later left row can meet a right row that stands before one of this time; is_later:
 * that is at this time. */
static int64_t passed_us(const MrOperator *op, int64_t time_us)
{
    const MrAsofSpec *spec = op->spec;
    int64_t due_us = due_us_of(op, time_us);
    if (spec->is_later) {
        return due_us;
    }
    return spec->is_strict ? due_us : mr_add_saturated(due_us, -1);
}

/* W at which the condition does not reach back to a right row any more. */
static int64_t unreached_us(const MrOperator *op, const MrAsofRight *right)
{
    const MrAsofSpec *spec = op->spec;
    return spec->has_reach ? due_us_of(op, mr_add_saturated(right->time_us, spec->reach_us))
                           : MR_TIME_MAX;
}

/* W at which no later left row can meet the first right row of the key; MR_TIME_MAX: with a
 * condition that reaches back for ever, none. */
static int64_t first_passed_us(const MrOperator *op, const MrAsofKey *key)
{
    const MrAsofSpec *spec = op->spec;
    if (key->right_count == 0 || spec->is_later || spec->right_stays) {
        return MR_TIME_MAX;
    }
    if (spec->condition != NULL) {
        return unreached_us(op, &key->right[0]);
    }
    uint32_t next = mr_asof_rights_until(key, key->right[0].time_us, true);
    return next < key->right_count ? passed_us(op, key->right[next].time_us) : MR_TIME_MAX;
}

/* The key's row was deleted: once W has passed all that it had, nothing of it counts again. */
static bool is_gone(const MrOperator *op, const MrAsofKey *key)
{
    const MrAsofSpec *spec = op->spec;
    return spec->keeps_replaced && key->live <= 0 && key->right_count > 0;
}

static int64_t gone_us(const MrOperator *op, const MrAsofKey *key)
{
    int64_t last_us = key->right[key->right_count - 1].time_us;
    return passed_us(op, last_us > key->hidden_from_us ? last_us : key->hidden_from_us);
}

MrStatus mr_asof_set_due(MrOperator *op, MrAsofKey *key, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    int64_t due_us = MR_TIME_MAX;
    if (!spec->is_timed) {
        return MR_OK;
    }
    if (key->left_count > 0) {
        due_us = mr_asof_final_us(op, key, 0);
    }
    int64_t first_us = first_passed_us(op, key);
    due_us = first_us < due_us ? first_us : due_us;
    if (is_gone(op, key)) {
        int64_t passed = gone_us(op, key);
        due_us = passed < due_us ? passed : due_us;
    }
    if (due_us == MR_TIME_MAX) {
        heap_remove(state, key);
        return MR_OK;
    }
    if (key->heap_index == MR_ASOF_NOT_DUE) {
        MR_TRY(
            mr_asof_reserve((void ***)&state->heap, state->heap_count, &state->heap_capacity, err));
        heap_place(state, state->heap_count++, key);
    }
    key->due_us = due_us;
    heap_down(state, key->heap_index);
    heap_up(state, key->heap_index);
    return MR_OK;
}

MrAsofKey *mr_asof_take_due(MrAsofState *state, int64_t watermark_us)
{
    if (state->heap_count == 0 || state->heap[0]->due_us > watermark_us) {
        return NULL;
    }
    MrAsofKey *key = state->heap[0];
    heap_remove(state, key);
    return key;
}

/* With a condition: those that it does not reach back to.  Before any W a left row of '-infinity'
 * may still come. */
static uint32_t unreached_rights(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t gone = 0;
    while (spec->has_reach && watermark_us > MR_TIME_MIN && gone < key->right_count &&
           unreached_us(op, &key->right[gone]) <= watermark_us) {
        gone++;
    }
    return gone;
}

/* Right rows at the front that no left row can meet at W any more. */
static uint32_t passed_rights(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t gone = 0, stays = spec->is_later ? 0 : 1;
    if (spec->right_stays) {
        return 0;
    }
    if (spec->condition != NULL) {
        return unreached_rights(op, key, watermark_us);
    }
    if (is_gone(op, key) && gone_us(op, key) <= watermark_us) {
        return key->right_count;
    }
    while (gone + stays < key->right_count &&
           passed_us(op, key->right[gone + stays].time_us) <= watermark_us) {
        gone++;
    }
    /* Rows of the same time stand together: the first of them is the one that counts. */
    while (stays > 0 && gone > 0 && key->right[gone - 1].time_us == key->right[gone].time_us) {
        gone--;
    }
    return gone;
}

MrStatus mr_asof_trim(MrOperator *op, MrAsofKey *key, int64_t watermark_us, MrError *err)
{
    MrAsofState *state = op->state;
    uint32_t gone = passed_rights(op, key, watermark_us);
    for (uint32_t i = 0; i < gone; i++) {
        free_right(state, key->right[i].row);
    }
    mr_asof_right_remove(key, 0, gone);
    mr_asof_drop_ended_front(key);
    if (key->left_count > 0 || key->right_count > 0 || key->is_dirty) {
        return mr_asof_set_due(op, key, err);
    }
    heap_remove(state, key);
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
