/*
 * engine/operators/filter.c - keeps the rows on which the predicate is true.
 */
#include "engine/operator.h"

typedef struct FilterState {
    MrExpression *predicate;
} FilterState;

static MrStatus filter_open(MrOperator *op, MrError *err)
{
    const MrFilterSpec *spec = op->spec;
    FilterState *state = op->state;
    return mr_expression_compile(op->arena, spec->predicate, op->zone, &state->predicate, err);
}

static MrStatus filter_apply(const MrOperator *op, const MrBlock *in, MrBatch *batch,
                             const MrBlock **out)
{
    const FilterState *state = op->state;
    MrRowErrors errors = { .arena = batch->arena };
    MrEval eval = { .arena = batch->arena,
                    .block = in,
                    .zone = op->zone,
                    .now_us = batch->now_us,
                    .errors = batch->notes == NULL ? NULL : &errors,
                    .err = batch->err };
    uint32_t *rows, count;
    MR_TRY(mr_expression_select(state->predicate, &eval, &rows, &count));
    if (errors.count > 0) {
        MR_TRY(mr_operator_note_failed(op, in, &errors, batch));
    }
    if (count == 0) {
        *out = NULL;
        return MR_OK;
    }
    if (count == in->row_count) {
        *out = in;
        return MR_OK;
    }
    MrBlock *kept;
    MR_TRY(mr_block_select(batch->arena, in, rows, count, &kept, batch->err));
    *out = kept;
    return MR_OK;
}

const MrOperatorClass mr_operator_filter = {
    .name = "Filter",
    .state_size = sizeof(FilterState),
    .open = filter_open,
    .apply = filter_apply,
    .push = mr_operator_push_applied,
};
