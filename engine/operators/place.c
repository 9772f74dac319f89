/*
 * engine/operators/place.c - rows that were given when a window closed get a place in the log: that
 * of the record that closed it.  Its W can be the time at which that record arrived.
 */
#include "engine/operators/place.h"

MrStatus mr_place_tell_arrival(MrOperator *op, MrBatch *batch)
{
    return batch->arrival_us == 0 ? MR_OK : mr_operator_emit_advance(op, batch->arrival_us, batch);
}

static MrStatus place_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    MrBlock *block;
    uint64_t *sequences;
    MR_NEW(batch->arena, block, batch->err);
    MR_NEW_ARRAY(batch->arena, sequences, in->row_count, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        sequences[row] = batch->sequence;
    }
    *block = *in;
    block->place.first_sequence = batch->sequence;
    block->place.sequences = sequences;
    block->place.arrival_us = batch->arrival_us;
    return mr_operator_emit(op, block, batch);
}

static MrStatus place_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrPlaceSpec *spec = op->spec;
    return spec->by_arrival ? MR_OK : mr_operator_emit_advance(op, watermark_us, batch);
}

const MrOperatorClass mr_operator_place = {
    .name = "Place",
    .push = place_push,
    .advance = place_advance,
};
