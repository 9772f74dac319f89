/*
 * engine/operators/collect.c - the root of an ad-hoc query: keeps copies of the result's visible
 * columns.
 */
#include "engine/operators/deliver.h"

enum { BLOCKS_MIN = 16 };

typedef struct CollectState {
    MrCollected rows;
    uint32_t capacity;
    size_t charged;
} CollectState;

static MrStatus collect_open(MrOperator *op, MrError *err)
{
    (void)err;
    mr_arena_init(&((CollectState *)op->state)->rows.arena, 0);
    return MR_OK;
}

/* Room for one more; a list that has become too short stays in the arena. */
static MrStatus make_room(CollectState *state, MrError *err)
{
    MrCollected *rows = &state->rows;
    const MrBlock **blocks;
    if (rows->count < state->capacity) {
        return MR_OK;
    }
    uint32_t capacity = state->capacity == 0 ? BLOCKS_MIN : state->capacity * 2;
    MR_NEW_ARRAY(&rows->arena, blocks, capacity, err);
    if (rows->count > 0) {
        memcpy(blocks, rows->blocks, rows->count * sizeof *blocks);
    }
    rows->blocks = blocks;
    state->capacity = capacity;
    return MR_OK;
}

static MrStatus collect_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrCollectSpec *spec = op->spec;
    CollectState *state = op->state;
    MrCollected *rows = &state->rows;
    MR_TRY(make_room(state, batch->err));
    MrBlock visible = *in;
    visible.column_count =
        spec->visible_columns < in->column_count ? spec->visible_columns : in->column_count;
    MrBlock *copy;
    MR_TRY(mr_block_copy(&rows->arena, &visible, &copy, batch->err));
    rows->blocks[rows->count++] = copy;
    rows->row_count += copy->row_count;
    size_t used = rows->arena.used_bytes;
    MR_TRY(mr_memory_charge(op->memory, (int64_t)(used - state->charged), batch->err));
    state->charged = used;
    return MR_OK;
}

void mr_collect_take(MrOperator *op, MrCollected *out)
{
    CollectState *state = op->state;
    *out = state->rows;
    state->rows = (MrCollected){ 0 };
    mr_arena_init(&state->rows.arena, 0);
}

static void collect_close(MrOperator *op)
{
    CollectState *state = op->state;
    (void)mr_memory_charge(op->memory, -(int64_t)state->charged, NULL);
    mr_arena_fini(&state->rows.arena);
}

const MrOperatorClass mr_operator_collect = {
    .name = "Collect",
    .state_size = sizeof(CollectState),
    .open = collect_open,
    .push = collect_push,
    .close = collect_close,
};
