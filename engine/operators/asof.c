/*
 * engine/operators/asof.c - the as-of join: every left row with the last right row of its key that
 * is not after it, or the first that is not before it.  Push, what shows, what W makes final;
 * asof_keys.c and asof_rights.c keep the rows.  Must not know where rows come from or go.
 *
 * ON UPDATE a left row shows as soon as it is there and is corrected until W has passed it; where
 * nothing may be taken back (ON WINDOW CLOSE, ad hoc) it shows once, when it is final.
 */
#include "engine/operators/asof.h"

const MrRow mr_asof_nothing;

/* ---- Open -------------------------------------------------------------------------------- */

static MrStatus asof_open(MrOperator *op, MrError *err)
{
    return mr_asof_keys_open(op, err);
}

static void asof_close(MrOperator *op)
{
    mr_asof_keys_close(op);
}

/* ---- Rows go on ---------------------------------------------------------------------------- */

/* Pairs to be sent, in the arena of the batch. */
typedef struct Pairs {
    const MrRow **left, **right; /* right &mr_asof_nothing: the left one alone */
    uint32_t count, capacity;
} Pairs;

static MrStatus pairs_reserve(Pairs *pairs, uint32_t more, MrBatch *batch)
{
    if (pairs->capacity - pairs->count >= more) {
        return MR_OK;
    }
    Pairs wider = { .count = pairs->count, .capacity = (pairs->count + more) * 2 };
    MR_NEW_ARRAY(batch->arena, wider.left, wider.capacity, batch->err);
    MR_NEW_ARRAY(batch->arena, wider.right, wider.capacity, batch->err);
    if (pairs->count > 0) {
        memcpy(wider.left, pairs->left, pairs->count * sizeof *wider.left);
        memcpy(wider.right, pairs->right, pairs->count * sizeof *wider.right);
    }
    *pairs = wider;
    return MR_OK;
}

/* Room must be there.  A row that met none shows only where unmatched rows do. */
static void pairs_add(const MrOperator *op, Pairs *pairs, const MrRow *left, const MrRow *right)
{
    const MrAsofSpec *spec = op->spec;
    if (right != NULL && (right != &mr_asof_nothing || spec->keeps_unmatched)) {
        pairs->left[pairs->count] = left;
        pairs->right[pairs->count++] = right;
    }
}

static MrStatus gather(const MrRowStore *store, uint32_t column, const MrRow *const *rows,
                       uint32_t count, MrArena *arena, MrVector *out, MrError *err)
{
    const MrType type = store->in.columns[column].type;
    size_t width = mr_type_info(type.id)->width;
    MR_TRY(mr_vector_init(out, arena, type, count, err));
    for (uint32_t i = 0; i < count; i++) {
        char *cell = (char *)out->data + i * width;
        bool is_null = rows[i] == &mr_asof_nothing || mr_row_is_null(store, rows[i], column);
        if (is_null) {
            memset(cell, 0, width);
            MR_TRY(mr_vector_make_nullable(out, arena, err));
            mr_bitmap_clear(out->validity, i);
        } else {
            memcpy(cell, mr_row_cell(store, rows[i], column), width);
        }
    }
    return MR_OK;
}

static MrStatus send_some(MrOperator *op, const Pairs *pairs, uint32_t first, uint32_t count,
                          int32_t sign, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    const MrAsofState *state = op->state;
    uint32_t left = op->input->column_count;
    int32_t *weights;
    bool is_plain = sign > 0;
    MrBlock block = { .row_count = count,
                      .column_count = spec->column_count,
                      .place = { .watermark_us = MR_TIME_MIN,
                                 .watermark_after_us = MR_TIME_MIN,
                                 .event_min_us = MR_TIME_MAX } };
    MR_NEW_ARRAY(batch->arena, block.columns, spec->column_count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, weights, count, batch->err);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        uint32_t column = spec->columns[c];
        MR_TRY(column < left ? gather(&state->left, column, pairs->left + first, count,
                                      batch->arena, &block.columns[c], batch->err)
                             : gather(&state->right, column - left, pairs->right + first, count,
                                      batch->arena, &block.columns[c], batch->err));
    }
    for (uint32_t i = 0; i < count; i++) {
        weights[i] = pairs->left[first + i]->weight * sign;
        is_plain = is_plain && weights[i] == 1;
    }
    block.weights = is_plain ? NULL : weights;
    return mr_operator_emit(op, &block, batch);
}

static MrStatus send(MrOperator *op, const Pairs *pairs, int32_t sign, MrBatch *batch)
{
    for (uint32_t first = 0; first < pairs->count; first += MR_VECTOR_ROWS) {
        uint32_t left = pairs->count - first;
        MR_TRY(send_some(op, pairs, first, left < MR_VECTOR_ROWS ? left : MR_VECTOR_ROWS, sign,
                         batch));
    }
    return MR_OK;
}

/* ---- What shows ---------------------------------------------------------------------------- */

/* Rows of a dirty key whose right row is not the one that they show with. */
static MrStatus settle(MrOperator *op, MrAsofKey *key, Pairs *before, Pairs *after, MrBatch *batch)
{
    uint32_t first = mr_asof_left_place(op->state, key, key->dirty_from_us, NULL);
    MR_TRY(pairs_reserve(before, key->left_count - first, batch));
    MR_TRY(pairs_reserve(after, key->left_count - first, batch));
    for (uint32_t i = first; i < key->left_count; i++) {
        MrAsofLeft *entry = &key->left[i];
        const MrRow *match = mr_asof_match(op, key, entry->time_us);
        if (match != entry->shown) {
            pairs_add(op, before, entry->row, entry->shown);
            pairs_add(op, after, entry->row, match);
            entry->shown = match;
        }
    }
    key->is_dirty = false;
    return MR_OK;
}

/* The rows at the front that W makes final, which go. */
static uint32_t final_rows(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    uint32_t count = 0;
    while (count < key->left_count &&
           (watermark_us == MR_TIME_MAX || mr_asof_final_us(op, key, count) <= watermark_us)) {
        count++;
    }
    return count;
}

static MrStatus show_final(MrOperator *op, const MrAsofKey *key, uint32_t count, Pairs *after,
                           MrBatch *batch)
{
    MR_TRY(pairs_reserve(after, count, batch));
    for (uint32_t i = 0; i < count; i++) {
        pairs_add(op, after, key->left[i].row, mr_asof_match(op, key, key->left[i].time_us));
    }
    return MR_OK;
}

static void drop_front(MrOperator *op, MrAsofKey *key, uint32_t count)
{
    MrAsofState *state = op->state;
    for (uint32_t i = 0; i < count; i++) {
        mr_row_free(&state->left, key->left[i].row);
    }
    mr_asof_left_remove(op, key, 0, count);
}

/* Some of the keys with rows that have become final: shown, sent, freed. */
static MrStatus pass_some(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    enum { KEYS_AT_ONCE = 1024 };
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    Pairs before = { 0 }, after = { 0 };
    MrAsofKey *keys[KEYS_AT_ONCE], *key;
    uint32_t count = 0;
    while (count < KEYS_AT_ONCE && (key = mr_asof_take_due(state, watermark_us)) != NULL) {
        keys[count++] = key;
        if (spec->is_final) {
            MR_TRY(show_final(op, key, final_rows(op, key, watermark_us), &after, batch));
        } else if (key->is_dirty) {
            MR_TRY(settle(op, key, &before, &after, batch));
            key->is_dirty = true; /* it stands in the list until the flush */
            key->dirty_from_us = MR_TIME_MAX;
        }
    }
    MR_TRY(send(op, &before, -1, batch));
    MR_TRY(send(op, &after, 1, batch));
    for (uint32_t k = 0; k < count; k++) {
        drop_front(op, keys[k], final_rows(op, keys[k], watermark_us));
        MR_TRY(mr_asof_trim(op, keys[k], watermark_us, batch->err));
    }
    return MR_OK;
}

/* A key that was passed is due again at a later W, if at all. */
static MrStatus pass(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrAsofState *state = op->state;
    while (state->heap_count > 0 && state->heap[0]->due_us <= watermark_us) {
        MR_TRY(pass_some(op, watermark_us, batch));
    }
    return MR_OK;
}

static MrStatus advance(MrOperator *op, uint32_t port, int64_t watermark_us, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    int64_t least_us;
    if (!mr_operator_raise(op, port, watermark_us, &least_us) || !spec->is_timed) {
        return MR_OK;
    }
    MR_TRY(pass(op, least_us, batch));
    return mr_operator_emit_advance(op, least_us, batch);
}

static MrStatus asof_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return advance(op, 0, watermark_us, batch);
}

static MrStatus asof_advance_right(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return advance(op, 1, watermark_us, batch);
}

/* ---- Push ---------------------------------------------------------------------------------- */

/* One block on its way in. */
typedef struct Taking {
    MrOperator *op;
    MrBatch *batch;
    const MrBlock *block;
    MrRow **rows;
    MrAsofKey *key;
    int64_t time_us;
} Taking;

static MrStatus send_one(MrOperator *op, const MrRow *left, const MrRow *right, int32_t sign,
                         MrBatch *batch)
{
    Pairs pairs = { 0 };
    MR_TRY(pairs_reserve(&pairs, 1, batch));
    pairs_add(op, &pairs, left, right);
    return send(op, &pairs, sign, batch);
}

/* A row that is there already, or goes: its copies change. */
static MrStatus change_left(Taking *taking, uint32_t place, MrRow *row)
{
    MrOperator *op = taking->op;
    MrAsofState *state = op->state;
    MrAsofKey *key = taking->key;
    MrAsofLeft *entry = &key->left[place];
    MR_TRY(send_one(op, entry->row, entry->shown, -1, taking->batch));
    entry->shown = NULL;
    entry->row->weight += row->weight;
    mr_row_free(&state->left, row);
    if (entry->row->weight == 0) {
        mr_row_free(&state->left, entry->row);
        mr_asof_left_remove(op, key, place, 1);
    }
    return MR_OK;
}

/* What was final when it came is gone here; what it was shown with can still be told. */
static MrStatus take_back(Taking *taking, MrRow *row)
{
    const MrAsofSpec *spec = taking->op->spec;
    MrAsofState *state = taking->op->state;
    MrStatus status = MR_OK;
    if (!spec->is_final) { /* the row's weight is negative */
        const MrRow *match = mr_asof_match(taking->op, taking->key, taking->time_us);
        status = send_one(taking->op, row, match, 1, taking->batch);
    }
    mr_row_free(&state->left, row);
    return status;
}

static MrStatus take_left(Taking *taking, MrRow *row)
{
    MrOperator *op = taking->op;
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    MrAsofKey *key = taking->key;
    uint32_t place = mr_asof_left_place(state, key, taking->time_us, row);
    bool is_there = spec->left_retracts && place < key->left_count &&
                    key->left[place].time_us == taking->time_us &&
                    mr_row_compare(&state->left, key->left[place].row, row) == 0;
    if (is_there) {
        MR_TRY(change_left(taking, place, row));
    } else if (row->weight < 0) {
        return take_back(taking, row);
    } else {
        MR_TRY(mr_asof_left_insert(op, key, place, taking->time_us, row, taking->batch->err));
    }
    return spec->is_final ? MR_OK : mr_asof_mark(op, key, taking->time_us, taking->batch->err);
}

static MrStatus take_right(Taking *taking, MrRow *row)
{
    const MrAsofSpec *spec = taking->op->spec;
    bool changed;
    int64_t from_us = taking->time_us;
    MR_TRY(
        mr_asof_right_take(taking->op, taking->key, &from_us, row, &changed, taking->batch->err));
    return spec->is_final || !changed
               ? MR_OK
               : mr_asof_mark(taking->op, taking->key, from_us, taking->batch->err);
}

/* Takes all rows; *taken of them are the keys' (or gone), also after an error. */
static MrStatus take_rows(Taking *taking, uint32_t port, const uint32_t *groups, uint32_t *taken)
{
    MrOperator *op = taking->op;
    const MrAsofSpec *spec = op->spec;
    const MrAsofState *state = op->state;
    const MrRowStore *store = port == 0 ? &state->left : &state->right;
    uint32_t column = port == 0 ? spec->left_time : spec->right_time;
    for (*taken = 0; *taken < taking->block->row_count;) {
        MrRow *row = taking->rows[*taken];
        memcpy(&taking->time_us, mr_row_cell(store, row, column), sizeof taking->time_us);
        MR_TRY(mr_asof_key(op, groups[*taken], &taking->key, taking->batch->err));
        (*taken)++;
        MR_TRY(port == 0 ? take_left(taking, row) : take_right(taking, row));
        if (!taking->key->is_dirty) {
            MR_TRY(mr_asof_trim(op, taking->key, MR_TIME_MIN, taking->batch->err));
        } else {
            MR_TRY(mr_asof_set_due(op, taking->key, taking->batch->err));
        }
    }
    return MR_OK;
}

static MrStatus find_groups(MrOperator *op, uint32_t port, const MrBlock *block, MrBatch *batch,
                            uint32_t **groups)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    const uint32_t *keys = port == 0 ? spec->left_keys : spec->right_keys;
    const MrVector *columns[MR_KEYS_MAX];
    MrKeyBatch encoded;
    for (uint32_t k = 0; k < spec->key_count; k++) {
        columns[k] = &block->columns[keys[k]];
    }
    MR_NEW_ARRAY(batch->arena, *groups, block->row_count, batch->err);
    MR_TRY(mr_key_batch_encode(&state->layout, batch->arena, columns, block->row_count, &encoded,
                               batch->err));
    return mr_group_table_insert(&state->table, &encoded, NULL, block->row_count, *groups,
                                 batch->err);
}

static bool has_null(const MrAsofSpec *spec, uint32_t port, const MrBlock *block, uint32_t row)
{
    const uint32_t *keys = port == 0 ? spec->left_keys : spec->right_keys;
    bool is_null =
        mr_vector_is_null(&block->columns[port == 0 ? spec->left_time : spec->right_time], row);
    for (uint32_t k = 0; k < spec->key_count; k++) {
        is_null = is_null || mr_vector_is_null(&block->columns[keys[k]], row);
    }
    return is_null;
}

/* Rows with a NULL among keys and time meet nothing: left ones show alone, at once. */
static MrStatus show_alone(MrOperator *op, const MrBlock *block, MrBatch *batch)
{
    MrAsofState *state = op->state;
    MrRow **rows;
    Pairs pairs = { 0 };
    MR_NEW_ARRAY(batch->arena, rows, block->row_count, batch->err);
    MR_TRY(pairs_reserve(&pairs, block->row_count, batch));
    MR_TRY(mr_row_load(&state->left, block, rows, batch->arena, batch->err));
    for (uint32_t i = 0; i < block->row_count; i++) {
        pairs_add(op, &pairs, rows[i], &mr_asof_nothing);
    }
    MrStatus status = send(op, &pairs, 1, batch);
    for (uint32_t i = 0; i < block->row_count; i++) {
        mr_row_free(&state->left, rows[i]);
    }
    return status;
}

/* *out: the rows that can meet others, NULL: none. */
static MrStatus without_nulls(MrOperator *op, uint32_t port, const MrBlock *in, MrBatch *batch,
                              const MrBlock **out)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t *rows, *alone, count = 0, alone_count = 0;
    MrBlock *part;
    MR_NEW_ARRAY(batch->arena, rows, in->row_count, batch->err);
    MR_NEW_ARRAY(batch->arena, alone, in->row_count, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        if (has_null(spec, port, in, row)) {
            alone[alone_count++] = row;
        } else {
            rows[count++] = row;
        }
    }
    *out = in;
    if (alone_count == 0) {
        return MR_OK;
    }
    if (port == 0 && spec->keeps_unmatched) {
        MR_TRY(mr_block_select(batch->arena, in, alone, alone_count, &part, batch->err));
        MR_TRY(show_alone(op, part, batch));
    }
    MR_TRY(mr_block_select(batch->arena, in, rows, count, &part, batch->err));
    *out = count == 0 ? NULL : part;
    return MR_OK;
}

static MrStatus take(MrOperator *op, uint32_t port, const MrBlock *in, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    MrRowStore *store = port == 0 ? &state->left : &state->right;
    Taking taking = { .op = op, .batch = batch };
    uint32_t *groups, taken = 0;
    if (spec->is_timed && (port == 0 || spec->right_can_be_late)) {
        uint32_t column = port == 0 ? spec->left_time : spec->right_time;
        MR_TRY(mr_operator_leave_out_late(op, port, in, column, spec->late_us, batch, &in));
    }
    if (in != NULL) {
        MR_TRY(without_nulls(op, port, in, batch, &taking.block));
    }
    if (taking.block == NULL || taking.block->row_count == 0) {
        return MR_OK;
    }
    MR_TRY(find_groups(op, port, taking.block, batch, &groups));
    MR_NEW_ARRAY(batch->arena, taking.rows, taking.block->row_count, batch->err);
    MR_TRY(mr_row_load(store, taking.block, taking.rows, batch->arena, batch->err));
    MrStatus status = take_rows(&taking, port, groups, &taken);
    for (uint32_t i = taken; i < taking.block->row_count; i++) {
        mr_row_free(store, taking.rows[i]);
    }
    return status;
}

static MrStatus asof_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return take(op, 0, in, batch);
}

static MrStatus asof_push_right(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return take(op, 1, in, batch);
}

/* ---- The end of a batch, or of all --------------------------------------------------------- */

/* Ad hoc: nothing follows, all rows are final. */
static MrStatus show_rest(MrOperator *op, MrBatch *batch)
{
    MrAsofState *state = op->state;
    Pairs after = { 0 };
    for (uint32_t g = 0; g < state->table.count; g++) {
        MrAsofKey *key = mr_asof_key_at(state, g);
        if (key == NULL) {
            continue;
        }
        MR_TRY(show_final(op, key, key->left_count, &after, batch));
        if (after.count >= MR_VECTOR_ROWS) {
            MR_TRY(send(op, &after, 1, batch));
            after.count = 0;
        }
    }
    return send(op, &after, 1, batch);
}

static MrStatus asof_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    Pairs before = { 0 }, after = { 0 };
    if (spec->ends_with_batch) {
        bool is_ended = state->is_ended;
        state->is_ended = true;
        return is_ended ? MR_OK : show_rest(op, batch);
    }
    for (uint32_t k = 0; k < state->dirty_count; k++) {
        MR_TRY(settle(op, state->dirty[k], &before, &after, batch));
    }
    MR_TRY(send(op, &before, -1, batch));
    MR_TRY(send(op, &after, 1, batch));
    for (uint32_t k = 0; k < state->dirty_count; k++) {
        MR_TRY(mr_asof_trim(op, state->dirty[k], MR_TIME_MIN, batch->err));
    }
    state->dirty_count = 0;
    return mr_asof_tidy(op, batch->err);
}

static void asof_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    const MrAsofSpec *spec = op->spec;
    const MrAsofState *state = op->state;
    out->state_bytes = mr_asof_bytes(state);
    out->groups = state->left.live + state->right.live;
    bool waits = spec->is_final && state->left_rows > 0 && state->heap_count > 0 &&
                 state->heap[0]->due_us < MR_TIME_MAX - 1;
    out->next_close_us = waits ? state->heap[0]->due_us : MR_TIME_MAX;
}

const MrOperatorClass mr_operator_asof = {
    .name = "AsofJoin",
    .state_size = sizeof(MrAsofState),
    .open = asof_open,
    .push = asof_push,
    .push_right = asof_push_right,
    .advance = asof_advance,
    .advance_right = asof_advance_right,
    .finish_batch = asof_finish_batch,
    .snapshot = mr_asof_snapshot,
    .restore = mr_asof_restore,
    .measure = asof_measure,
    .close = asof_close,
};
