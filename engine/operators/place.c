/*
 * engine/operators/place.c - rows that were given when a window closed get a place in the log: that
 * of the record that closed it.  Its W can be the time at which that record arrived.
 *
 * Where the rows of one record must have an order (windows of rows are made of them), they wait for
 * its end, and W with them: a record may come in several pieces, of which nothing is to show.  So
 * nothing waits between two records, and no checkpoint has any of it.
 */
#include "engine/operators/place.h"

#include "engine/operators/sort_buffer.h"

typedef struct PlaceState {
    MrSortBuffer waiting;
    int64_t watermark_us; /* that waits with them; MR_TIME_MIN: none */
} PlaceState;

static MrStatus place_open(MrOperator *op, MrError *err)
{
    PlaceState *state = op->state;
    (void)err;
    mr_sort_buffer_init(&state->waiting);
    state->watermark_us = MR_TIME_MIN;
    return MR_OK;
}

static bool is_ordered(const MrOperator *op)
{
    return ((const MrPlaceSpec *)op->spec)->orders_rows;
}

/* ---- Places ---------------------------------------------------------------------------------- */

static MrStatus set_places(MrBlock *block, MrBatch *batch)
{
    uint64_t *sequences;
    MR_NEW_ARRAY(batch->arena, sequences, block->row_count, batch->err);
    for (uint32_t row = 0; row < block->row_count; row++) {
        sequences[row] = batch->sequence;
    }
    block->place.first_sequence = batch->sequence;
    block->place.sequences = sequences;
    block->place.arrival_us = batch->arrival_us;
    return MR_OK;
}

static MrStatus give_placed(MrOperator *op, MrBlock *block, MrBatch *batch)
{
    MR_TRY(set_places(block, batch));
    return mr_operator_emit(op, block, batch);
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* A row of weight n is n rows. */
static MrStatus each_once(const MrBlock *in, MrBatch *batch, const MrBlock **out)
{
    uint32_t *rows, count = 0;
    uint64_t total = 0;
    MrBlock *block;
    *out = in;
    if (in->weights == NULL) {
        return MR_OK;
    }
    for (uint32_t row = 0; row < in->row_count; row++) {
        total += (uint32_t)in->weights[row];
    }
    MR_NEW_ARRAY(batch->arena, rows, total, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        for (int32_t copy = 0; copy < in->weights[row]; copy++) {
            rows[count++] = row;
        }
    }
    MR_TRY(mr_block_repeat(batch->arena, in, rows, count, &block, batch->err));
    block->weights = NULL;
    *out = block;
    return MR_OK;
}

static MrStatus keep_rows(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrBlock *rows;
    MR_TRY(each_once(in, batch, &rows));
    return mr_sort_buffer_add(&((PlaceState *)op->state)->waiting, rows, op->memory, batch->err);
}

static MrStatus give_record(MrOperator *op, MrBatch *batch)
{
    const MrPlaceSpec *spec = op->spec;
    PlaceState *state = op->state;
    const MrSortSpec sort = { .keys = spec->order,
                              .key_count = spec->order_count,
                              .limit = UINT64_MAX };
    const int64_t watermark_us = spec->by_arrival ? MR_TIME_MIN : state->watermark_us;
    if (state->waiting.rows > 0) {
        MR_TRY(mr_sort_buffer_give(&state->waiting, op, &sort, give_placed, batch));
    }
    state->watermark_us = MR_TIME_MIN;
    return watermark_us == MR_TIME_MIN ? MR_OK : mr_operator_emit_advance(op, watermark_us, batch);
}

/* ---- What comes ------------------------------------------------------------------------------ */

MrStatus mr_place_end_input(MrOperator *op, bool is_whole, MrBatch *batch)
{
    const MrPlaceSpec *spec = op->spec;
    if (spec->orders_rows) {
        MR_TRY(is_whole ? give_record(op, batch) : MR_OK);
    }
    return !spec->by_arrival || batch->arrival_us == 0 || (spec->orders_rows && !is_whole)
               ? MR_OK
               : mr_operator_emit_advance(op, batch->arrival_us, batch);
}

static MrStatus place_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    MrBlock *block;
    if (is_ordered(op)) {
        return keep_rows(op, in, batch);
    }
    MR_NEW(batch->arena, block, batch->err);
    *block = *in;
    return give_placed(op, block, batch);
}

static MrStatus place_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrPlaceSpec *spec = op->spec;
    PlaceState *state = op->state;
    if (spec->orders_rows) {
        state->watermark_us =
            watermark_us > state->watermark_us ? watermark_us : state->watermark_us;
        return MR_OK;
    }
    return spec->by_arrival ? MR_OK : mr_operator_emit_advance(op, watermark_us, batch);
}

static void place_close(MrOperator *op)
{
    mr_sort_buffer_fini(&((PlaceState *)op->state)->waiting, op->memory);
}

const MrOperatorClass mr_operator_place = {
    .name = "Place",
    .state_size = sizeof(PlaceState),
    .open = place_open,
    .push = place_push,
    .advance = place_advance,
    .close = place_close,
};
