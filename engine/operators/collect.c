/*
 * engine/operators/collect.c - the root of an ad-hoc query: keeps copies of the result's visible
 * columns.
 */
#include "engine/operators/deliver.h"

#include <stdlib.h>

typedef struct CollectState {
    MrArena arena;
    MrBlock **blocks;
    uint32_t count, capacity;
    size_t charged;
} CollectState;

static MrStatus collect_open(MrOperator *op, MrError *err)
{
    (void)err;
    mr_arena_init(&((CollectState *)op->state)->arena, 0);
    return MR_OK;
}

static MrStatus collect_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrCollectSpec *spec = op->spec;
    CollectState *state = op->state;
    if (state->count == state->capacity) {
        uint32_t capacity = state->capacity == 0 ? 64 : state->capacity * 2;
        MrBlock **blocks = realloc(state->blocks, capacity * sizeof(MrBlock *));
        if (blocks == NULL) {
            return mr_error_no_memory(batch->err);
        }
        state->blocks = blocks;
        state->capacity = capacity;
    }
    MrBlock visible = *in;
    visible.column_count =
        spec->visible_columns < in->column_count ? spec->visible_columns : in->column_count;
    MrBlock *copy;
    MR_TRY(mr_block_copy(&state->arena, &visible, &copy, batch->err));
    state->blocks[state->count++] = copy;
    size_t used = state->arena.used_bytes;
    MR_TRY(mr_memory_charge(op->memory, (int64_t)(used - state->charged), batch->err));
    state->charged = used;
    return MR_OK;
}

MrStatus mr_collect_each(MrOperator *op,
                         MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                         void *context, MrError *err)
{
    CollectState *state = op->state;
    for (uint32_t b = 0; b < state->count; b++) {
        MR_TRY(each(context, state->blocks[b], err));
    }
    return MR_OK;
}

static void collect_close(MrOperator *op)
{
    CollectState *state = op->state;
    (void)mr_memory_charge(op->memory, -(int64_t)state->charged, NULL);
    mr_arena_fini(&state->arena);
    free(state->blocks);
}

const MrOperatorClass mr_operator_collect = {
    .name = "Collect",
    .state_size = sizeof(CollectState),
    .open = collect_open,
    .push = collect_push,
    .close = collect_close,
};
