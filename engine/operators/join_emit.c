/*
 * engine/operators/join_emit.c - the join's rows: pairs, and rows by themselves, as blocks.
 */
#include "engine/operators/join.h"

static MrStatus null_column(MrType type, uint32_t rows, MrArena *arena, MrVector *out, MrError *err)
{
    MrDatum null = { .type = type, .is_null = true };
    return mr_vector_init_constant(out, arena, &null, rows, err);
}

static MrStatus gather_watermarks(const MrBlock *block, const uint32_t *rows, uint32_t count,
                                  MrArena *arena, MrPlace *out, MrError *err)
{
    int64_t *watermarks;
    *out = block->place;
    if (block->place.watermarks == NULL) {
        return MR_OK;
    }
    MR_NEW_ARRAY(arena, watermarks, count + 1, err);
    for (uint32_t i = 0; i < count; i++) {
        watermarks[i] = block->place.watermarks[rows[i]];
    }
    out->watermarks = watermarks;
    return MR_OK;
}

/* Rows of a stream that meet what stands still go on as rows of the stream, that can be late. */
static MrStatus pass_place(MrJoinPush *push, const uint32_t *rows, uint32_t count, MrPlace *out)
{
    uint64_t *sequences;
    MrArena *arena = push->batch->arena;
    MR_TRY(gather_watermarks(push->block, rows, count, arena, out, push->batch->err));
    MR_NEW_ARRAY(arena, sequences, count + 1, push->batch->err);
    for (uint32_t i = 0; i < count; i++) {
        sequences[i] = mr_block_sequence(push->block, rows[i]);
    }
    out->first_sequence = count > 0 ? sequences[0] : 0;
    out->sequences = sequences;
    return MR_OK;
}

/* Where derived rows stand: at the row that made them, so that a failure further on has a place.
 * None of them can be late. */
static MrStatus set_place(const MrPlace *cause, const MrBlock *block, const uint32_t *rows,
                          uint32_t count, MrArena *arena, MrPlace *out, MrError *err)
{
    uint64_t *sequences;
    *out = (MrPlace){ .watermark_us = MR_TIME_MIN,
                      .watermark_after_us = MR_TIME_MIN,
                      .event_min_us = MR_TIME_MAX };
    if (cause == NULL || cause->stream_id == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(arena, sequences, count + 1, err);
    for (uint32_t i = 0; i < count; i++) {
        sequences[i] = block == NULL ? cause->first_sequence : mr_block_sequence(block, rows[i]);
    }
    out->stream_id = cause->stream_id;
    out->arrival_us = cause->arrival_us;
    out->first_sequence = count > 0 ? sequences[0] : 0;
    out->sequences = sequences;
    return MR_OK;
}

static MrStatus set_pushed_place(MrJoinPush *push, const uint32_t *rows, uint32_t count,
                                 MrPlace *out)
{
    const MrJoinSpec *spec = push->op->spec;
    return push->other->is_static || spec->is_lookup
               ? pass_place(push, rows, count, out)
               : set_place(&push->block->place, push->block, rows, count, push->batch->arena, out,
                           push->batch->err);
}

static bool is_own(const MrJoinSide *side, uint32_t column)
{
    return column >= side->first_column && column < side->first_column + side->schema->column_count;
}

/* One column of both inputs for the pairs. */
static MrStatus pair_column(MrJoinPush *push, uint32_t column, const uint32_t *rows,
                            const uint32_t *stored, uint32_t count, MrVector *out)
{
    MrArena *arena = push->batch->arena;
    if (is_own(push->own, column)) {
        return mr_vector_gather(&push->block->columns[column - push->own->first_column], rows,
                                count, arena, out, push->batch->err);
    }
    return mr_keyed_rows_column(&push->other->store, column - push->other->first_column, stored,
                                count, arena, out, push->batch->err);
}

/* ---- Pairs ------------------------------------------------------------------------------- */

/* Which pairs satisfy the condition: indexes of pairs. */
static MrStatus judge(MrJoinPush *push, uint32_t **passed, uint32_t *count)
{
    const MrJoinState *state = push->op->state;
    MrBatch *batch = push->batch;
    uint32_t columns = push->op->input->column_count + push->op->right->column_count;
    MrBlock block = { .row_count = push->pair_count, .column_count = columns };
    MR_NEW_ARRAY(batch->arena, block.columns, columns + 1, batch->err);
    for (uint32_t c = 0; c < columns; c++) {
        if (state->is_read[c]) {
            MR_TRY(pair_column(push, c, push->rows, push->stored, push->pair_count,
                               &block.columns[c]));
        }
    }
    MR_TRY(set_pushed_place(push, push->rows, push->pair_count, &block.place));
    MrRowErrors errors = { .arena = batch->arena };
    MrEval eval = { .arena = batch->arena,
                    .block = &block,
                    .zone = push->op->zone,
                    .now_us = batch->now_us,
                    .errors = batch->notes == NULL ? NULL : &errors,
                    .err = batch->err };
    MR_TRY(mr_expression_select(state->condition, &eval, passed, count));
    return errors.count == 0 ? MR_OK : mr_operator_note_failed(push->op, &block, &errors, batch);
}

static MrStatus keep_passed(MrJoinPush *push)
{
    uint32_t *passed, count;
    MR_TRY(judge(push, &passed, &count));
    for (uint32_t i = 0; i < count; i++) {
        push->rows[i] = push->rows[passed[i]];
        push->stored[i] = push->stored[passed[i]];
    }
    push->pair_count = count;
    return MR_OK;
}

static MrStatus touch(MrJoinPush *push, MrKeyedRow *stored, uint32_t row)
{
    const MrJoinState *state = push->op->state;
    if (stored->mark == state->mark) {
        return MR_OK;
    }
    stored->mark = state->mark;
    if (push->touched_count == push->touched_capacity) {
        uint32_t capacity = push->touched_capacity == 0 ? 64 : push->touched_capacity * 2;
        uint32_t *touched;
        int64_t *counts;
        MR_NEW_ARRAY(push->arena, touched, capacity, push->batch->err);
        MR_NEW_ARRAY(push->arena, counts, capacity, push->batch->err);
        if (push->touched_count > 0) {
            memcpy(touched, push->touched, push->touched_count * sizeof *touched);
            memcpy(counts, push->counts_before, push->touched_count * sizeof *counts);
        }
        push->touched = touched;
        push->counts_before = counts;
        push->touched_capacity = capacity;
    }
    push->touched[push->touched_count] = row;
    push->counts_before[push->touched_count++] = stored->count;
    return MR_OK;
}

static MrStatus count_matches(MrJoinPush *push)
{
    bool counts_other = push->other->show != MR_JOIN_SHOW_NEVER;
    for (uint32_t i = 0; i < push->pair_count; i++) {
        MrKeyedRow *stored = mr_keyed_row(&push->other->store, push->stored[i]);
        push->matches[push->rows[i]] += stored->weight;
        if (counts_other) {
            MR_TRY(touch(push, stored, push->stored[i]));
            stored->count += mr_join_weight(push->block, push->rows[i]);
        }
    }
    return MR_OK;
}

static MrStatus pair_weights(MrJoinPush *push, const int32_t **out)
{
    bool is_plain = push->block->weights == NULL;
    int32_t *weights;
    for (uint32_t i = 0; i < push->pair_count && is_plain; i++) {
        is_plain = mr_keyed_row(&push->other->store, push->stored[i])->weight == 1;
    }
    *out = NULL;
    if (is_plain) {
        return MR_OK;
    }
    MR_NEW_ARRAY(push->batch->arena, weights, push->pair_count, push->batch->err);
    for (uint32_t i = 0; i < push->pair_count; i++) {
        int32_t stored = mr_keyed_row(&push->other->store, push->stored[i])->weight;
        if (__builtin_mul_overflow(stored, mr_join_weight(push->block, push->rows[i]),
                                   &weights[i])) {
            return mr_error_set(push->batch->err, MR_ERR_PROGRAM_LIMIT,
                                "a row of a join would be there more than %d times", INT32_MAX);
        }
    }
    *out = weights;
    return MR_OK;
}

static MrStatus emit_pairs(MrJoinPush *push)
{
    const MrJoinSpec *spec = push->op->spec;
    MrBatch *batch = push->batch;
    MrBlock block = { .row_count = push->pair_count, .column_count = spec->column_count };
    MR_NEW_ARRAY(batch->arena, block.columns, spec->column_count + 1, batch->err);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        MR_TRY(pair_column(push, spec->columns[c], push->rows, push->stored, push->pair_count,
                           &block.columns[c]));
    }
    MR_TRY(pair_weights(push, &block.weights));
    MR_TRY(set_pushed_place(push, push->rows, push->pair_count, &block.place));
    return mr_operator_emit(push->op, &block, batch);
}

static MrStatus take_pairs(MrJoinPush *push)
{
    const MrJoinState *state = push->op->state;
    MR_TRY(mr_operator_check_cancel(push->batch)); /* a product may give rows without end */
    if (push->pair_count > 0 && state->condition != NULL) {
        MR_TRY(keep_passed(push));
    }
    if (push->pair_count == 0) {
        return MR_OK;
    }
    MR_TRY(count_matches(push));
    if (state->shows_pairs) {
        MR_TRY(emit_pairs(push));
    }
    push->pair_count = 0;
    return MR_OK;
}

MrStatus mr_join_take_pairs(MrJoinPush *push)
{
    MrJoinState *state = push->op->state;
    MrBatch *outer = push->batch, inner = *outer;
    inner.arena = &state->pairs;
    push->batch = &inner;
    MrStatus status = take_pairs(push);
    push->batch = outer;
    mr_arena_reset(&state->pairs);
    return status;
}

/* ---- Rows by themselves ------------------------------------------------------------------ */

MrStatus mr_join_emit_own(MrJoinPush *push, const uint32_t *rows, uint32_t count, int32_t sign)
{
    const MrJoinSpec *spec = push->op->spec;
    MrBatch *batch = push->batch;
    MrBlock block = { .row_count = count, .column_count = spec->column_count };
    int32_t *weights;
    if (count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, block.columns, spec->column_count + 1, batch->err);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        uint32_t column = spec->columns[c];
        if (is_own(push->own, column)) {
            MR_TRY(mr_vector_gather(&push->block->columns[column - push->own->first_column], rows,
                                    count, batch->arena, &block.columns[c], batch->err));
        } else {
            MR_TRY(null_column(push->op->node->schema.columns[c].type, count, batch->arena,
                               &block.columns[c], batch->err));
        }
    }
    if (push->block->weights != NULL || sign < 0) {
        MR_NEW_ARRAY(batch->arena, weights, count, batch->err);
        for (uint32_t i = 0; i < count; i++) {
            weights[i] = mr_join_weight(push->block, rows[i]) * sign;
        }
        block.weights = weights;
    }
    MR_TRY(set_pushed_place(push, rows, count, &block.place));
    return mr_operator_emit(push->op, &block, batch);
}

MrStatus mr_join_emit_stored(MrOperator *op, const MrJoinSide *side, const uint32_t *rows,
                             uint32_t count, int32_t sign, const MrPlace *place, MrBatch *batch)
{
    const MrJoinSpec *spec = op->spec;
    MrBlock block = { .row_count = count, .column_count = spec->column_count };
    int32_t *weights;
    bool is_plain = sign > 0;
    if (count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, block.columns, spec->column_count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, weights, count, batch->err);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        uint32_t column = spec->columns[c];
        if (is_own(side, column)) {
            MR_TRY(mr_keyed_rows_column(&side->store, column - side->first_column, rows, count,
                                        batch->arena, &block.columns[c], batch->err));
        } else {
            MR_TRY(null_column(op->node->schema.columns[c].type, count, batch->arena,
                               &block.columns[c], batch->err));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        int32_t weight = mr_keyed_row(&side->store, rows[i])->weight;
        weights[i] = weight * sign;
        is_plain = is_plain && weight == 1;
    }
    block.weights = is_plain ? NULL : weights;
    MR_TRY(set_place(place, NULL, NULL, count, batch->arena, &block.place, batch->err));
    return mr_operator_emit(op, &block, batch);
}
