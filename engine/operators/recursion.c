/*
 * engine/operators/recursion.c - WITH RECURSIVE, ad hoc: rows of the first input, and of the second
 * one, which is computed from them, step by step until a step gives nothing new (semi-naive).
 *
 *     rows of a step --+--> the operator above
 *                      +--> op->loop, a scan --> the recursive term --> second input: the next rows
 *
 * The recursive term has been checked to give for the rows of one step what it gives for those rows
 * alone, and its other inputs are complete before the first step: so every row goes through it
 * once.  With UNION a row that was there before is none.
 */
#include <stdlib.h>

#include "engine/group_table.h"
#include "engine/operator.h"
#include "engine/operators/deliver.h"

/* Rows of one step; their memory is free again when the step is over. */
typedef struct Step {
    MrArena arena;
    MrBlock **blocks;
    uint32_t count, capacity;
    int64_t charged;
} Step;

typedef struct RecursionState {
    Step steps[2];
    uint32_t next;      /* the one that takes rows */
    MrArena page;       /* of one block on its way */
    MrKeyLayout layout; /* UNION: all columns */
    MrGroupTable seen;
} RecursionState;

static MrStatus recursion_open(MrOperator *op, MrError *err)
{
    const MrRecursionSpec *spec = op->spec;
    const MrSchema *schema = &op->node->schema;
    RecursionState *state = op->state;
    MrTypeId types[MR_KEYS_MAX];
    mr_arena_init(&state->steps[0].arena, 0);
    mr_arena_init(&state->steps[1].arena, 0);
    mr_arena_init(&state->page, 0);
    if (!spec->is_distinct) {
        return MR_OK;
    }
    if (schema->column_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "rows of UNION in WITH RECURSIVE can have at most %d columns",
                            MR_KEYS_MAX);
    }
    for (uint32_t c = 0; c < schema->column_count; c++) {
        types[c] = schema->columns[c].type.id;
    }
    MR_TRY(mr_key_layout_init(&state->layout, types, schema->column_count, err));
    mr_group_table_init(&state->seen, &state->layout, 0, op->memory);
    return MR_OK;
}

/* The rows that were never there before, each once. */
static MrStatus select_new(RecursionState *state, const MrBlock *in, MrBatch *batch,
                           const MrBlock **out)
{
    const MrVector *columns[MR_KEYS_MAX];
    MrKeyBatch keys;
    MrBlock *block;
    uint32_t *groups, *fresh, count = 0, known = state->seen.count;
    for (uint32_t c = 0; c < in->column_count; c++) {
        columns[c] = &in->columns[c];
    }
    MR_TRY(mr_key_batch_encode(&state->layout, batch->arena, columns, in->row_count, &keys,
                               batch->err));
    MR_NEW_ARRAY(batch->arena, groups, in->row_count, batch->err);
    MR_NEW_ARRAY(batch->arena, fresh, in->row_count, batch->err);
    MR_TRY(mr_group_table_insert(&state->seen, &keys, NULL, in->row_count, groups, batch->err));
    for (uint32_t row = 0; row < in->row_count; row++) {
        if (groups[row] == known) { /* groups are numbered by their first rows */
            fresh[count++] = row;
            known++;
        }
    }
    *out = NULL;
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_block_select(batch->arena, in, fresh, count, &block, batch->err));
    *out = block;
    return MR_OK;
}

static MrStatus step_reserve(Step *step, MrError *err)
{
    if (step->count < step->capacity) {
        return MR_OK;
    }
    uint32_t capacity = step->capacity == 0 ? 16 : step->capacity * 2;
    MrBlock **blocks = realloc(step->blocks, capacity * sizeof *blocks);
    if (blocks == NULL) {
        return mr_error_no_memory(err);
    }
    step->blocks = blocks;
    step->capacity = capacity;
    return MR_OK;
}

/* Rows of the first input begin the first step, those of the second one belong to the next. */
static MrStatus recursion_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrRecursionSpec *spec = op->spec;
    RecursionState *state = op->state;
    Step *step = &state->steps[state->next];
    if (spec->is_distinct) {
        MR_TRY(select_new(state, in, batch, &in));
    }
    if (in == NULL || in->row_count == 0) {
        return MR_OK;
    }
    MR_TRY(step_reserve(step, batch->err));
    MR_TRY(mr_block_copy(&step->arena, in, &step->blocks[step->count], batch->err));
    step->count++;
    const int64_t used = (int64_t)step->arena.used_bytes;
    MR_TRY(mr_memory_charge(op->memory, used - step->charged, batch->err));
    step->charged = used;
    return MR_OK;
}

static bool is_enough(const MrOperator *op);

/* LIMIT without an order has all it wants, with nothing between that keeps rows to itself. */
static bool wants_no_more(const MrOperator *reader)
{
    if (reader == NULL || reader->op_class->apply == NULL) {
        return reader != NULL && reader->op_class == &mr_operator_sort && mr_sort_is_full(reader);
    }
    return is_enough(reader);
}

/* Of all who read the operator's rows. */
static bool is_enough(const MrOperator *op)
{
    bool is_all = wants_no_more(op->output);
    for (uint32_t r = 0; r < op->reader_count && is_all; r++) {
        is_all = wants_no_more(op->readers[r].op);
    }
    return is_all;
}

static MrStatus give_block(MrOperator *op, const MrBlock *block, MrBatch *page)
{
    MR_TRY(mr_operator_check_cancel(page));
    mr_arena_reset(page->arena);
    MR_TRY(mr_operator_emit(op, block, page));
    op->loop->rows_in += block->row_count;
    return is_enough(op) ? MR_OK : op->loop->op_class->push(op->loop, block, page);
}

static void step_clear(MrOperator *op, Step *step)
{
    mr_arena_reset(&step->arena);
    (void)mr_memory_charge(op->memory, -step->charged, NULL);
    step->charged = 0;
    step->count = 0;
}

/* Everything else has come and is finished. */
static MrStatus recursion_finish_batch(MrOperator *op, MrBatch *batch)
{
    RecursionState *state = op->state;
    MrBatch page = *batch;
    page.arena = &state->page;
    while (state->steps[state->next].count > 0 && !is_enough(op)) {
        Step *step = &state->steps[state->next];
        state->next = 1 - state->next;
        for (uint32_t i = 0; i < step->count; i++) {
            MR_TRY(give_block(op, step->blocks[i], &page));
        }
        step_clear(op, step);
    }
    return MR_OK;
}

static void recursion_close(MrOperator *op)
{
    RecursionState *state = op->state;
    for (uint32_t s = 0; s < 2; s++) {
        free(state->steps[s].blocks);
        mr_arena_fini(&state->steps[s].arena);
    }
    mr_arena_fini(&state->page);
    if (((const MrRecursionSpec *)op->spec)->is_distinct) {
        mr_group_table_fini(&state->seen);
    }
}

const MrOperatorClass mr_operator_recursion = {
    .name = "Recursion",
    .state_size = sizeof(RecursionState),
    .open = recursion_open,
    .push = recursion_push,
    .push_right = recursion_push,
    .finish_batch = recursion_finish_batch,
    .close = recursion_close,
};
