/*
 * engine/operators/asof.c - the as-of join: every left row with the last right row of its key that
 * is not after it, or the first that is not before it.  Push and W; asof_pass.c says what shows,
 * asof_due.c when it is final, asof_keys.c and asof_rights.c keep the rows.  Must not know where
 * rows come from or go.
 *
 * ON UPDATE a left row shows as soon as it is there and is corrected until W has passed it; where
 * nothing may be taken back (ON WINDOW CLOSE, ad hoc) it shows once, when it is final.
 */
#include "engine/operators/asof.h"

#include "engine/operators/aggregate.h"

/* ---- Open -------------------------------------------------------------------------------- */

static MrStatus asof_open(MrOperator *op, MrError *err)
{
    return mr_asof_keys_open(op, err);
}

static void asof_close(MrOperator *op)
{
    mr_asof_keys_close(op);
}

/* ---- W ------------------------------------------------------------------------------------- */

static MrStatus advance(MrOperator *op, uint32_t port, int64_t watermark_us, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    int64_t least_us;
    if (!mr_operator_raise(op, port, watermark_us, &least_us) || !spec->is_timed) {
        return MR_OK;
    }
    MR_TRY(mr_asof_pass(op, least_us, batch));
    return mr_operator_emit_advance(op, mr_add_saturated(least_us, -spec->hold_us), batch);
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
    MrAsofPairs pairs = { 0 };
    MR_TRY(mr_asof_pairs_reserve(&pairs, 1, batch));
    mr_asof_pairs_add(op, &pairs, left, right);
    return mr_asof_send(op, &pairs, sign, batch);
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
        if (port == 1) {
            taking->time_us = mr_add_saturated(taking->time_us, spec->shift_us);
        }
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
    MrAsofPairs pairs = { 0 };
    MR_NEW_ARRAY(batch->arena, rows, block->row_count, batch->err);
    MR_TRY(mr_asof_pairs_reserve(&pairs, block->row_count, batch));
    MR_TRY(mr_row_load(&state->left, block, rows, batch->arena, batch->err));
    for (uint32_t i = 0; i < block->row_count; i++) {
        mr_asof_pairs_add(op, &pairs, rows[i], &mr_asof_nothing);
    }
    MrStatus status = mr_asof_send(op, &pairs, 1, batch);
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
        uint32_t column = port == 0 ? spec->left_event : spec->right_event;
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

static MrStatus asof_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    if (spec->ends_with_batch) {
        bool is_ended = state->is_ended;
        state->is_ended = true;
        return is_ended ? MR_OK : mr_asof_show_rest(op, batch);
    }
    MR_TRY(mr_asof_settle(op, batch));
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
    const int64_t first_us = mr_due_heap_first_us(&state->due);
    bool waits = spec->is_final && state->left_rows > 0 && first_us < MR_TIME_MAX - 1;
    out->next_close_us = waits ? first_us : MR_TIME_MAX;
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
