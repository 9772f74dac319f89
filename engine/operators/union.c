/*
 * engine/operators/union.c - UNION ALL: what comes from either input goes on.  Its W is the least
 * of both, so a row of a stream is late only where it is behind that.
 */
#include "engine/operator.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The block's places under the operator's W: the input's own, held back by the other input's. */
static MrStatus hold_back(const MrBlock *in, int64_t other_us, MrArena *arena, const MrBlock **out,
                          MrError *err)
{
    MrBlock *block;
    if (other_us >= in->place.watermark_after_us) {
        *out = in;
        return MR_OK;
    }
    MR_NEW(arena, block, err);
    *block = *in;
    block->place.watermark_us = least(in->place.watermark_us, other_us);
    block->place.watermark_after_us = other_us;
    if (in->place.watermarks != NULL) {
        int64_t *watermarks;
        MR_NEW_ARRAY(arena, watermarks, in->row_count, err);
        for (uint32_t row = 0; row < in->row_count; row++) {
            watermarks[row] = least(in->place.watermarks[row], other_us);
        }
        block->place.watermarks = watermarks;
    }
    *out = block;
    return MR_OK;
}

static MrStatus union_take(MrOperator *op, const MrBlock *in, int64_t other_us, MrBatch *batch)
{
    const MrBlock *out;
    MR_TRY(hold_back(in, other_us, batch->arena, &out, batch->err));
    return mr_operator_emit(op, out, batch);
}

static MrStatus union_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return union_take(op, in, op->watermarks_us[1], batch);
}

static MrStatus union_push_right(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return union_take(op, in, op->watermarks_us[0], batch);
}

static MrStatus union_raise(MrOperator *op, uint32_t port, int64_t watermark_us, MrBatch *batch)
{
    int64_t least_us;
    return mr_operator_raise(op, port, watermark_us, &least_us)
               ? mr_operator_emit_advance(op, least_us, batch)
               : MR_OK;
}

static MrStatus union_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return union_raise(op, 0, watermark_us, batch);
}

static MrStatus union_advance_right(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return union_raise(op, 1, watermark_us, batch);
}

const MrOperatorClass mr_operator_union = {
    .name = "Union",
    .push = union_push,
    .push_right = union_push_right,
    .advance = union_advance,
    .advance_right = union_advance_right,
};
