/*
 * engine/operators/project.c - computes the columns of its output.  A row on which one of them
 * fails is noted and left out as a whole.
 */
#include "engine/operator.h"

typedef struct ProjectState {
    MrExpression **expressions;
} ProjectState;

static MrStatus project_open(MrOperator *op, MrError *err)
{
    const MrProjectSpec *spec = op->spec;
    ProjectState *state = op->state;
    MR_NEW_ARRAY(op->arena, state->expressions, spec->expression_count + 1, err);
    for (uint32_t i = 0; i < spec->expression_count; i++) {
        MR_TRY(mr_expression_compile(op->arena, spec->expressions[i], op->zone,
                                     &state->expressions[i], err));
    }
    return MR_OK;
}

/* The rows that did not fail. */
static MrStatus project_drop_failed(const MrBlock *block, const MrRowErrors *errors, MrBatch *batch,
                                    const MrBlock **out)
{
    uint32_t *rows;
    uint32_t count = 0;
    MR_NEW_ARRAY(batch->arena, rows, block->row_count, batch->err);
    for (uint32_t i = 0; i < block->row_count; i++) {
        rows[count] = i;
        count += !mr_bitmap_get(errors->failed, i);
    }
    if (count == 0) {
        *out = NULL;
        return MR_OK;
    }
    MrBlock *kept;
    MR_TRY(mr_block_select(batch->arena, block, rows, count, &kept, batch->err));
    *out = kept;
    return MR_OK;
}

static MrStatus project_apply(const MrOperator *op, const MrBlock *in, MrBatch *batch,
                              const MrBlock **out)
{
    const MrProjectSpec *spec = op->spec;
    const ProjectState *state = op->state;
    MrRowErrors errors = { .arena = batch->arena };
    MrEval eval = { .arena = batch->arena,
                    .block = in,
                    .zone = op->zone,
                    .now_us = batch->now_us,
                    .errors = batch->notes == NULL ? NULL : &errors,
                    .err = batch->err };
    MrBlock *block;
    MR_NEW(batch->arena, block, batch->err);
    *block = *in;
    block->column_count = spec->expression_count;
    MR_NEW_ARRAY(batch->arena, block->columns, spec->expression_count + 1, batch->err);
    for (uint32_t i = 0; i < spec->expression_count; i++) {
        MR_TRY(mr_expression_eval(state->expressions[i], &eval, &block->columns[i]));
    }
    *out = block;
    if (errors.count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_operator_note_failed(op, in, &errors, batch));
    return project_drop_failed(block, &errors, batch, out);
}

const MrOperatorClass mr_operator_project = {
    .name = "Project",
    .state_size = sizeof(ProjectState),
    .open = project_open,
    .apply = project_apply,
    .push = mr_operator_push_applied,
};
