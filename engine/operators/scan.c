/*
 * engine/operators/scan.c - the leaf: of the relation's columns those that the plan reads.  Data is
 * shared, only the description is made.  Must not know where blocks come from.
 */
#include "engine/operator.h"

static MrStatus scan_apply(const MrOperator *op, const MrBlock *in, MrBatch *batch,
                           const MrBlock **out)
{
    const MrScanSpec *spec = op->spec;
    MrBlock *block;
    MR_NEW(batch->arena, block, batch->err);
    *block = *in;
    block->column_count = spec->column_count;
    MR_NEW_ARRAY(batch->arena, block->columns, spec->column_count + 1, batch->err);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        if (spec->columns[c] >= in->column_count) {
            return mr_error_set(batch->err, MR_ERR_INTERNAL,
                                "a scan of \"%s\" reads column %u of %u", spec->relation,
                                spec->columns[c], in->column_count);
        }
        block->columns[c] = in->columns[spec->columns[c]];
    }
    if (spec->by_arrival) { /* no row is late: arrivals are in the order of the log */
        block->place.watermarks = NULL;
        block->place.watermark_us = block->place.watermark_after_us = in->place.arrival_us;
        block->place.event_min_us = in->place.arrival_us;
    }
    *out = block;
    return MR_OK;
}

const MrOperatorClass mr_operator_scan = {
    .name = "Scan",
    .apply = scan_apply,
    .push = mr_operator_push_applied,
};
