/*
 * engine/operators/project_set.c - functions that give rows: every input row once for each row of
 * its calls.  Several calls go side by side, the shorter ones filled up with NULL.  The rows keep
 * weight, place and watermarks of the row they come from; the ordinal number tells them apart.
 */
#include "engine/operator.h"

/* A long series must not fill the batch's memory: what a block takes, here and in the operators
 * above, is given back when it has gone through. */
typedef struct ProjectSetState {
    MrArena arena;
} ProjectSetState;

/* Rows of one call over one input row, as many as fit in the block under way. */
typedef struct CallState {
    MrSetCursor cursor;
    const MrVector **args;
    MrVector *columns; /* in the output */
    bool is_done;
} CallState;

typedef struct Output {
    MrOperator *op;
    MrBatch *batch; /* of the push */
    MrBatch page;   /* the same with memory that is free again once a block is through */
    const MrBlock *in;
    CallState *calls;
    MrVector *columns; /* of all calls, then the ordinal; MR_VECTOR_ROWS cells each */
    uint32_t *sources; /* input row of each output row */
    uint32_t count;
} Output;

static uint32_t call_columns(const MrProjectSetSpec *spec)
{
    uint32_t count = 1; /* the ordinal */
    for (uint32_t c = 0; c < spec->call_count; c++) {
        count += spec->calls[c].function->column_count;
    }
    return count;
}

/* Fresh memory for the next block: the last one went to the operators above. */
static MrStatus output_begin(Output *output)
{
    const MrProjectSetSpec *spec = output->op->spec;
    MrBatch *batch = &output->page;
    const MrColumn *schema = output->op->node->schema.columns + output->in->column_count;
    uint32_t count = call_columns(spec), at = 0;
    MR_NEW_ARRAY(batch->arena, output->columns, count, batch->err);
    MR_NEW_ARRAY(batch->arena, output->sources, MR_VECTOR_ROWS, batch->err);
    for (uint32_t c = 0; c < count; c++) {
        MR_TRY(mr_vector_init(&output->columns[c], batch->arena, schema[c].type, MR_VECTOR_ROWS,
                              batch->err));
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        output->calls[c].columns = &output->columns[at];
        at += spec->calls[c].function->column_count;
    }
    output->count = 0;
    return MR_OK;
}

static MrStatus output_emit(Output *output)
{
    const MrProjectSetSpec *spec = output->op->spec;
    MrBatch *batch = &output->page;
    uint32_t inputs = output->in->column_count, added = call_columns(spec);
    MrBlock *block;
    MrVector *columns;
    if (output->count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_operator_check_cancel(batch));
    MR_TRY(mr_block_repeat(batch->arena, output->in, output->sources, output->count, &block,
                           batch->err));
    MR_NEW_ARRAY(batch->arena, columns, inputs + added, batch->err);
    for (uint32_t c = 0; c < inputs; c++) {
        columns[c] = block->columns[c];
    }
    for (uint32_t c = 0; c < added; c++) {
        columns[inputs + c] = mr_vector_slice(&output->columns[c], 0, output->count);
    }
    block->columns = columns;
    block->column_count = inputs + added;
    MR_TRY(mr_operator_emit(output->op, block, batch));
    mr_arena_reset(batch->arena);
    return output_begin(output);
}

static bool has_null_argument(const CallState *call)
{
    for (uint32_t a = 0; a < call->cursor.arg_count; a++) {
        if (mr_vector_is_null(call->args[a], call->cursor.row)) {
            return true;
        }
    }
    return false;
}

/* What the call still has, at most to the end of the block. */
static MrStatus call_fill(Output *output, uint32_t index, MrEval *eval, uint32_t *filled)
{
    const MrProjectSetSpec *spec = output->op->spec;
    CallState *call = &output->calls[index];
    MrSetPage page = { .columns = call->columns,
                       .first = output->count,
                       .room = MR_VECTOR_ROWS - output->count };
    *filled = 0;
    if (call->is_done) {
        return MR_OK;
    }
    MR_TRY(spec->calls[index].function->rows(&call->cursor, eval, &page));
    call->cursor.given += page.count;
    call->is_done = page.count < page.room;
    *filled = page.count;
    return MR_OK;
}

static MrStatus call_pad(Output *output, uint32_t index, uint32_t filled, uint32_t count,
                         MrEval *eval)
{
    const MrProjectSetSpec *spec = output->op->spec;
    MrSetPage page = { .columns = output->calls[index].columns, .first = output->count };
    for (page.count = filled; page.count < count; page.count++) {
        for (uint32_t c = 0; c < spec->calls[index].function->column_count; c++) {
            MR_TRY(mr_set_null(&page, c, eval));
        }
    }
    return MR_OK;
}

static void calls_begin(Output *output, uint32_t row)
{
    const MrProjectSetSpec *spec = output->op->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        CallState *call = &output->calls[c];
        call->cursor = (MrSetCursor){ .args = call->args,
                                      .arg_count = spec->calls[c].function->arg_count,
                                      .row = row };
        call->is_done = !spec->calls[c].function->takes_null && has_null_argument(call);
    }
}

/* The part of the row's rows that fits in the block. */
static MrStatus row_page(Output *output, uint32_t row, uint64_t *ordinal, uint32_t *filled,
                         MrEval *eval, uint32_t *out)
{
    const MrProjectSetSpec *spec = output->op->spec;
    int64_t *ordinals = output->columns[call_columns(spec) - 1].data;
    uint32_t most = 0;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MR_TRY(call_fill(output, c, eval, &filled[c]));
        most = filled[c] > most ? filled[c] : most;
    }
    if (most == 0 && *ordinal == 0 && spec->keeps_rows) {
        most = 1; /* LEFT JOIN: the row stays, with NULLs */
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MR_TRY(call_pad(output, c, filled[c], most, eval));
    }
    for (uint32_t i = 0; i < most; i++) {
        output->sources[output->count + i] = row;
        ordinals[output->count + i] = (int64_t)++ * ordinal;
    }
    *out = most;
    return MR_OK;
}

static bool calls_are_done(const Output *output)
{
    const MrProjectSetSpec *spec = output->op->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (!output->calls[c].is_done) {
            return false;
        }
    }
    return true;
}

/* A row on which a call fails gives nothing, as long as nothing of it has left in a full block:
 * then there is no way back, and the query stops. */
static MrStatus row_failed(Output *output, uint32_t row, uint32_t first, bool has_left,
                           const MrError *error, MrRowErrors *errors)
{
    MrBatch *batch = output->batch;
    MrEval noting = { .arena = batch->arena,
                      .errors = batch->notes == NULL || has_left ? NULL : errors,
                      .err = batch->err };
    MR_TRY(mr_eval_row_failed(&noting, NULL, row, error));
    output->count = first;
    return MR_OK;
}

static MrStatus row_rows(Output *output, uint32_t row, uint32_t *filled, MrRowErrors *errors)
{
    MrBatch *batch = output->batch;
    MrError error = MR_ERROR_INIT;
    MrEval eval = { .arena = output->page.arena,
                    .block = output->in,
                    .zone = batch->zone,
                    .now_us = batch->now_us,
                    .err = &error };
    uint64_t ordinal = 0;
    uint32_t first = output->count;
    bool has_left = false;
    calls_begin(output, row);
    do {
        uint32_t count = 0;
        if (output->count == MR_VECTOR_ROWS) {
            has_left = has_left || ordinal > 0;
            MR_TRY(output_emit(output));
            first = 0;
        }
        if (row_page(output, row, &ordinal, filled, &eval, &count) != MR_OK) {
            return row_failed(output, row, first, has_left, &error, errors);
        }
        output->count += count;
    } while (!calls_are_done(output));
    return MR_OK;
}

static MrStatus output_init(MrOperator *op, const MrBlock *in, MrBatch *batch, Output *output)
{
    const MrProjectSetSpec *spec = op->spec;
    ProjectSetState *state = op->state;
    *output = (Output){ .op = op, .batch = batch, .page = *batch, .in = in };
    output->page.arena = &state->arena;
    mr_arena_reset(&state->arena);
    MR_NEW_ARRAY(batch->arena, output->calls, spec->call_count, batch->err);
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrSetCall *call = &spec->calls[c];
        MR_NEW_ARRAY(batch->arena, output->calls[c].args, MR_SET_ARGS_MAX, batch->err);
        for (uint32_t a = 0; a < call->function->arg_count; a++) {
            output->calls[c].args[a] = &in->columns[call->args[a]];
        }
    }
    return output_begin(output);
}

static MrStatus project_set_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrProjectSetSpec *spec = op->spec;
    MrRowErrors errors = { .arena = batch->arena };
    Output output;
    uint32_t *filled;
    MR_NEW_ARRAY(batch->arena, filled, spec->call_count, batch->err);
    MR_TRY(output_init(op, in, batch, &output));
    for (uint32_t row = 0; row < in->row_count; row++) {
        MR_TRY(row_rows(&output, row, filled, &errors));
    }
    MR_TRY(output_emit(&output));
    return errors.count == 0 ? MR_OK : mr_operator_note_failed(op, in, &errors, batch);
}

static MrStatus project_set_open(MrOperator *op, MrError *err)
{
    (void)err;
    mr_arena_init(&((ProjectSetState *)op->state)->arena, 0);
    return MR_OK;
}

static void project_set_close(MrOperator *op)
{
    mr_arena_fini(&((ProjectSetState *)op->state)->arena);
}

const MrOperatorClass mr_operator_project_set = {
    .name = "ProjectSet",
    .state_size = sizeof(ProjectSetState),
    .open = project_set_open,
    .push = project_set_push,
    .close = project_set_close,
};
