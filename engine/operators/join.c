/*
 * engine/operators/join.c - the join: open, push, finish, checkpoint.  See join.h for how it works;
 * join_emit.c makes its rows, join_time.c frees what no row can match any more.
 */
#include "engine/operators/join.h"

#include <stdlib.h>

#include "engine/operators/aggregate.h"

enum { PAIRS_MAX = 2048 };

/* ---- Open -------------------------------------------------------------------------------- */

static void set_shows(const MrJoinSpec *spec, MrJoinState *state)
{
    MrJoinSide *left = &state->sides[0], *right = &state->sides[1];
    state->shows_pairs = true;
    switch (spec->type) {
    case MR_JOIN_TYPE_INNER: return;
    case MR_JOIN_TYPE_LEFT: left->show = MR_JOIN_SHOW_UNMATCHED; return;
    case MR_JOIN_TYPE_RIGHT: right->show = MR_JOIN_SHOW_UNMATCHED; return;
    case MR_JOIN_TYPE_FULL: left->show = right->show = MR_JOIN_SHOW_UNMATCHED; return;
    case MR_JOIN_TYPE_SEMI: left->show = MR_JOIN_SHOW_MATCHED; break;
    case MR_JOIN_TYPE_ANTI: left->show = MR_JOIN_SHOW_UNMATCHED; break;
    }
    state->shows_pairs = false;
}

static void mark_columns(const MrExpr *expr, bool *is_read)
{
    if (expr->kind == MR_EXPR_COLUMN) {
        is_read[expr->column] = true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        mark_columns(expr->args[i], is_read);
    }
}

static MrStatus open_side(MrOperator *op, uint32_t index, MrError *err)
{
    const MrJoinSpec *spec = op->spec;
    MrJoinState *state = op->state;
    MrJoinSide *side = &state->sides[index];
    side->schema = index == 0 ? op->input : op->right;
    side->keys = index == 0 ? spec->left_keys : spec->right_keys;
    side->time = index == 0 ? &spec->left_time : &spec->right_time;
    side->is_static = index == 0 ? spec->left_is_static : spec->right_is_static;
    side->retracts = index == 0 ? spec->left_retracts : spec->right_retracts;
    side->first_column = index == 0 ? 0 : op->input->column_count;
    MR_TRY(mr_keyed_rows_init(&side->store, side->schema, &state->layout, side->keys, op->memory,
                              op->arena, err));
    if (side->retracts) {
        mr_keyed_rows_index(&side->store);
    }
    if (spec->left_time.has_reach && spec->right_time.has_reach) {
        int64_t span_us = mr_add_saturated(spec->left_time.reach_us, spec->right_time.reach_us);
        int64_t slot_us = mr_add_saturated(span_us < 0 ? 0 : span_us, 1);
        mr_keyed_rows_spread(&side->store, (uint32_t)side->time->column, slot_us);
    }
    return MR_OK;
}

static MrStatus join_open(MrOperator *op, MrError *err)
{
    const MrJoinSpec *spec = op->spec;
    MrJoinState *state = op->state;
    MrTypeId types[MR_KEYS_MAX];
    if (spec->key_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "a join can have at most %d equal columns", MR_KEYS_MAX);
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        types[k] = op->input->columns[spec->left_keys[k]].type.id;
    }
    MR_TRY(mr_key_layout_init(&state->layout, types, spec->key_count, err));
    mr_arena_init(&state->pairs, 0);
    MR_TRY(open_side(op, 0, err));
    MR_TRY(open_side(op, 1, err));
    set_shows(spec, state);
    MR_NEW_ARRAY(op->arena, state->is_read, op->input->column_count + op->right->column_count + 1,
                 err);
    if (spec->condition == NULL) {
        return MR_OK;
    }
    mark_columns(spec->condition, state->is_read);
    return mr_expression_compile(op->arena, spec->condition, op->zone, &state->condition, err);
}

/* ---- Push -------------------------------------------------------------------------------- */

static MrStatus encode_keys(MrJoinPush *push)
{
    const MrJoinState *state = push->op->state;
    const MrVector *columns[MR_KEYS_MAX];
    for (uint32_t k = 0; k < state->layout.count; k++) {
        columns[k] = &push->block->columns[push->own->keys[k]];
    }
    return mr_key_batch_encode(&state->layout, push->batch->arena, columns, push->block->row_count,
                               &push->keys, push->batch->err);
}

static bool has_null_key(const MrJoinPush *push, uint32_t row)
{
    return push->keys.nulls != NULL && push->keys.nulls[row] != 0;
}

/* A NULL is equal to nothing, and a row without time is between no two times. */
static bool can_match(const MrJoinPush *push, uint32_t row)
{
    return !has_null_key(push, row) && mr_join_has_time(push->own, push->block, row);
}

static void start_probe(const MrJoinPush *push, uint32_t row, MrKeyedProbe *probe)
{
    const MrKeyedRows *store = &push->other->store;
    const char *key = push->keys.keys + (size_t)row * store->layout->bytes;
    int64_t from_us = MR_TIME_MIN, to_us = MR_TIME_MAX;
    if (store->slot_us > 0) {
        int64_t at_us =
            *(const int64_t *)mr_vector_cell(&push->block->columns[push->own->time->column], row);
        from_us = mr_add_saturated(at_us, -push->other->time->reach_us);
        to_us = mr_add_saturated(at_us, push->own->time->reach_us);
    }
    mr_keyed_probe_start(probe, store, key, push->keys.hashes[row], from_us, to_us);
}

/* Collects the pairs of every row, and hands them on whenever there are many. */
static MrStatus probe(MrJoinPush *push)
{
    for (uint32_t row = 0; row < push->block->row_count; row++) {
        if (!can_match(push, row)) {
            continue;
        }
        MrKeyedProbe found;
        uint32_t at;
        start_probe(push, row, &found);
        while ((at = mr_keyed_probe_next(&found)) != MR_NO_KEYED_ROW) {
            push->rows[push->pair_count] = row;
            push->stored[push->pair_count++] = at;
            if (push->pair_count == PAIRS_MAX) {
                MR_TRY(mr_join_take_pairs(push));
            }
        }
    }
    return mr_join_take_pairs(push);
}

/* Null-aware ANTI, as x NOT IN (…): nothing is in an empty set; else a NULL on either side
 * leaves it unknown. */
static bool shows(const MrOperator *op, const MrJoinSide *side, int64_t count, bool is_null)
{
    const MrJoinSpec *spec = op->spec;
    const MrJoinState *state = op->state;
    if (side->show == MR_JOIN_SHOW_MATCHED) {
        return count != 0;
    }
    if (spec->is_null_aware && side == &state->sides[0] && state->right_rows != 0) {
        return count == 0 && !is_null && state->right_nulls == 0;
    }
    return side->show == MR_JOIN_SHOW_UNMATCHED && count == 0;
}

/* Rows that show while nothing matches wait where they may not be taken back; those that nothing
 * can ever match need not. */
static bool waits(const MrOperator *op, const MrJoinSide *side, bool can_ever_match)
{
    const MrJoinSpec *spec = op->spec;
    const MrJoinState *state = op->state;
    bool other_is_there = state->sides[side == &state->sides[0]].is_static;
    return spec->is_final && side->show == MR_JOIN_SHOW_UNMATCHED && !other_is_there &&
           !spec->is_lookup && (can_ever_match || spec->is_null_aware);
}

static MrStatus show_own(MrJoinPush *push)
{
    uint32_t *rows, count = 0;
    if (push->own->show == MR_JOIN_SHOW_NEVER) {
        return MR_OK;
    }
    MR_NEW_ARRAY(push->batch->arena, rows, push->block->row_count, push->batch->err);
    for (uint32_t row = 0; row < push->block->row_count; row++) {
        if (!waits(push->op, push->own, can_match(push, row)) &&
            shows(push->op, push->own, push->matches[row], has_null_key(push, row))) {
            rows[count++] = row;
        }
    }
    return mr_join_emit_own(push, rows, count, 1);
}

/* Rows of the other side that show now and did not before, or the other way round. */
static MrStatus show_touched(MrJoinPush *push)
{
    MrJoinSide *other = push->other;
    uint32_t *rows, count[2] = { 0, 0 };
    if (other->show == MR_JOIN_SHOW_NEVER || waits(push->op, other, true)) {
        return MR_OK;
    }
    MR_NEW_ARRAY(push->batch->arena, rows, push->touched_count * 2 + 1, push->batch->err);
    for (uint32_t i = 0; i < push->touched_count; i++) {
        uint32_t row = push->touched[i];
        bool before = shows(push->op, other, push->counts_before[i], false);
        bool after = shows(push->op, other, mr_keyed_row(&other->store, row)->count, false);
        if (before != after) {
            rows[after * push->touched_count + count[after]++] = row;
        }
    }
    MR_TRY(
        mr_join_emit_stored(push->op, other, rows, count[0], -1, &push->block->place, push->batch));
    return mr_join_emit_stored(push->op, other, rows + push->touched_count, count[1], 1,
                               &push->block->place, push->batch);
}

static MrStatus keep_row(MrJoinPush *push, uint32_t row, uint64_t content)
{
    MrJoinSide *own = push->own;
    int32_t weight = mr_join_weight(push->block, row);
    uint64_t hash = push->keys.hashes[row];
    uint32_t at = own->retracts ? mr_keyed_rows_find(&own->store, push->block, row, content)
                                : MR_NO_KEYED_ROW;
    if (at == MR_NO_KEYED_ROW) {
        MR_TRY(mr_keyed_rows_add(&own->store, push->block, row, hash, content, weight, &at,
                                 push->batch->err));
        mr_keyed_row(&own->store, at)->count = push->matches[row];
        return mr_join_set_due(push->op, own, at, push->batch->err);
    }
    MrKeyedRow *stored = mr_keyed_row(&own->store, at);
    int32_t sum;
    if (__builtin_add_overflow(stored->weight, weight, &sum)) {
        return mr_error_set(push->batch->err, MR_ERR_LIMIT_EXCEEDED,
                            "a join's input has a row more than %d times", INT32_MAX);
    }
    if (sum == 0) {
        mr_keyed_rows_remove(&own->store, at);
    } else {
        stored->weight = sum;
    }
    return MR_OK;
}

static MrStatus keep(MrJoinPush *push)
{
    const MrJoinSpec *spec = push->op->spec;
    const MrJoinState *state = push->op->state;
    bool keeps_nulls = spec->is_null_aware && push->own == &state->sides[0];
    uint64_t *contents = NULL;
    bool is_looking = spec->is_lookup && push->own == &state->sides[0];
    if (push->other->is_static || is_looking) {
        return MR_OK; /* nothing will ask for it */
    }
    if (push->own->retracts) {
        MR_TRY(mr_keyed_row_content(push->block, push->batch->arena, &contents, push->batch->err));
    }
    for (uint32_t row = 0; row < push->block->row_count; row++) {
        if (keeps_nulls || can_match(push, row)) {
            MR_TRY(keep_row(push, row, contents == NULL ? 0 : contents[row]));
        }
    }
    return MR_OK;
}

/* Null-aware ANTI: whether the right side is empty and whether it has a NULL concern all rows of
 * the left. */
static MrStatus count_right(MrJoinPush *push)
{
    const MrJoinSpec *spec = push->op->spec;
    MrJoinState *state = push->op->state;
    MrJoinSide *left = &state->sides[0];
    if (!spec->is_null_aware || push->own == left) {
        return MR_OK;
    }
    int64_t rows = state->right_rows, nulls = state->right_nulls;
    for (uint32_t row = 0; row < push->block->row_count; row++) {
        int32_t weight = mr_join_weight(push->block, row);
        rows += weight;
        nulls += has_null_key(push, row) ? weight : 0;
    }
    bool is_same =
        (rows == 0) == (state->right_rows == 0) && (nulls == 0) == (state->right_nulls == 0);
    MrJoinState before = *state;
    state->right_rows = rows;
    state->right_nulls = nulls;
    if (is_same || waits(push->op, left, true)) {
        return MR_OK;
    }
    uint32_t *changed[2], count[2] = { 0, 0 };
    MR_NEW_ARRAY(push->batch->arena, changed[0], left->store.row_count + 1, push->batch->err);
    MR_NEW_ARRAY(push->batch->arena, changed[1], left->store.row_count + 1, push->batch->err);
    for (uint32_t at = mr_keyed_rows_next(&left->store, 0); at != MR_NO_KEYED_ROW;
         at = mr_keyed_rows_next(&left->store, at + 1)) {
        int64_t matches = mr_keyed_row(&left->store, at)->count;
        bool is_null = mr_keyed_rows_is_null(&left->store, at, left->keys[0]);
        bool after = shows(push->op, left, matches, is_null);
        state->right_rows = before.right_rows;
        state->right_nulls = before.right_nulls;
        bool was = shows(push->op, left, matches, is_null);
        state->right_rows = rows;
        state->right_nulls = nulls;
        if (was != after) {
            changed[after][count[after]++] = at;
        }
    }
    MR_TRY(mr_join_emit_stored(push->op, left, changed[0], count[0], -1, &push->block->place,
                               push->batch));
    return mr_join_emit_stored(push->op, left, changed[1], count[1], 1, &push->block->place,
                               push->batch);
}

static MrStatus join_take(MrOperator *op, uint32_t side, const MrBlock *in, MrBatch *batch)
{
    const MrJoinSpec *spec = op->spec;
    MrJoinState *state = op->state;
    MrJoinPush push = { .op = op,
                        .own = &state->sides[side],
                        .other = &state->sides[1 - side],
                        .arena = batch->arena,
                        .batch = batch };
    MR_TRY(mr_join_drop_late(op, side, in, batch, &push.block));
    if (push.block == NULL) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, push.matches, push.block->row_count, batch->err);
    MR_NEW_ARRAY(batch->arena, push.rows, PAIRS_MAX, batch->err);
    MR_NEW_ARRAY(batch->arena, push.stored, PAIRS_MAX, batch->err);
    state->mark++;
    MR_TRY(encode_keys(&push));
    if (spec->is_lookup && side == 1) {
        MR_TRY(count_right(&push));
        return keep(&push);
    }
    MR_TRY(probe(&push));
    MR_TRY(show_touched(&push));
    MR_TRY(show_own(&push));
    MR_TRY(count_right(&push));
    return keep(&push);
}

static MrStatus join_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return join_take(op, 0, in, batch);
}

static MrStatus join_push_right(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return join_take(op, 1, in, batch);
}

static MrStatus join_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return mr_join_advance(op, 0, watermark_us, batch);
}

static MrStatus join_advance_right(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return mr_join_advance(op, 1, watermark_us, batch);
}

/* ---- The end of a batch, or of all ------------------------------------------------------- */

/* What was held back because something might have matched it. */
static MrStatus show_held(MrOperator *op, const MrJoinSide *side, MrBatch *batch)
{
    uint32_t *rows, count = 0;
    if (!waits(op, side, true)) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, rows, PAIRS_MAX, batch->err);
    for (uint32_t at = mr_keyed_rows_next(&side->store, 0); at != MR_NO_KEYED_ROW;
         at = mr_keyed_rows_next(&side->store, at + 1)) {
        bool is_null =
            side->store.layout->count > 0 && mr_keyed_rows_is_null(&side->store, at, side->keys[0]);
        if (shows(op, side, mr_keyed_row(&side->store, at)->count, is_null)) {
            rows[count++] = at;
        }
        if (count == PAIRS_MAX) {
            MR_TRY(mr_join_emit_stored(op, side, rows, count, 1, NULL, batch));
            count = 0;
        }
    }
    return mr_join_emit_stored(op, side, rows, count, 1, NULL, batch);
}

static MrStatus join_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrJoinSpec *spec = op->spec;
    MrJoinState *state = op->state;
    for (uint32_t s = 0; s < 2; s++) {
        if (spec->ends_with_batch && !state->is_ended) {
            MR_TRY(show_held(op, &state->sides[s], batch));
        }
    }
    state->is_ended = true;
    for (uint32_t s = 0; s < 2; s++) {
        MR_TRY(mr_keyed_rows_tidy(&state->sides[s].store, batch->err));
    }
    return MR_OK;
}

/* ---- State ------------------------------------------------------------------------------- */

static MrStatus join_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    MrJoinState *state = op->state;
    mr_state_write_u64(writer, (uint64_t)state->right_rows);
    mr_state_write_u64(writer, (uint64_t)state->right_nulls);
    MR_TRY(mr_keyed_rows_snapshot(&state->sides[0].store, writer, err));
    return mr_keyed_rows_snapshot(&state->sides[1].store, writer, err);
}

static MrStatus join_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    MrJoinState *state = op->state;
    uint64_t rows, nulls;
    MR_TRY(mr_state_read_u64(reader, &rows, err));
    MR_TRY(mr_state_read_u64(reader, &nulls, err));
    state->right_rows = (int64_t)rows;
    state->right_nulls = (int64_t)nulls;
    for (uint32_t s = 0; s < 2; s++) {
        MrJoinSide *side = &state->sides[s];
        MR_TRY(mr_keyed_rows_restore(&side->store, reader, err));
        for (uint32_t at = mr_keyed_rows_next(&side->store, 0); at != MR_NO_KEYED_ROW;
             at = mr_keyed_rows_next(&side->store, at + 1)) {
            MR_TRY(mr_join_set_due(op, side, at, err));
        }
    }
    return MR_OK;
}

static void join_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    const MrJoinState *state = op->state;
    for (uint32_t s = 0; s < 2; s++) {
        const MrJoinSide *side = &state->sides[s];
        out->state_bytes += mr_keyed_rows_bytes(&side->store) + mr_due_queue_bytes(&side->due);
        out->groups += side->store.row_count;
        if (waits(op, side, true) && side->due.count > 0) {
            int64_t due_us = side->due.items[0].due_us;
            out->next_close_us = due_us < out->next_close_us ? due_us : out->next_close_us;
        }
    }
}

static void join_close(MrOperator *op)
{
    MrJoinState *state = op->state;
    mr_arena_fini(&state->pairs);
    for (uint32_t s = 0; s < 2; s++) {
        MrJoinSide *side = &state->sides[s];
        mr_keyed_rows_fini(&side->store);
        mr_due_queue_fini(&side->due, op->memory);
    }
}

const MrOperatorClass mr_operator_join = {
    .name = "Join",
    .state_size = sizeof(MrJoinState),
    .open = join_open,
    .push = join_push,
    .push_right = join_push_right,
    .advance = join_advance,
    .advance_right = join_advance_right,
    .finish_batch = join_finish_batch,
    .snapshot = join_snapshot,
    .restore = join_restore,
    .measure = join_measure,
    .close = join_close,
};
