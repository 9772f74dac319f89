/*
 * engine/operators/sort.c - ORDER BY, LIMIT and OFFSET of an ad-hoc query.  Rows that compare equal
 * stay in the order in which they came, which is the log's.
 */
#include "engine/operators/deliver.h"
#include "engine/operators/sort_buffer.h"

static MrStatus sort_open(MrOperator *op, MrError *err)
{
    (void)err;
    mr_sort_buffer_init(op->state);
    return MR_OK;
}

bool mr_sort_is_full(const MrOperator *op)
{
    const MrSortSpec *spec = op->spec;
    const MrSortBuffer *buffer = op->state;
    uint64_t wanted;
    return spec->key_count == 0 && !__builtin_add_overflow(spec->limit, spec->offset, &wanted) &&
           buffer->rows >= wanted;
}

static MrStatus sort_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    return mr_sort_is_full(op) ? MR_OK : mr_sort_buffer_add(op->state, in, op->memory, batch->err);
}

static MrStatus sort_give(MrOperator *op, MrBlock *block, MrBatch *batch)
{
    return mr_operator_emit(op, block, batch);
}

static MrStatus sort_finish_batch(MrOperator *op, MrBatch *batch)
{
    return mr_sort_buffer_give(op->state, op, op->spec, sort_give, batch);
}

static void sort_close(MrOperator *op)
{
    mr_sort_buffer_fini(op->state, op->memory);
}

const MrOperatorClass mr_operator_sort = {
    .name = "Sort",
    .state_size = sizeof(MrSortBuffer),
    .open = sort_open,
    .push = sort_push,
    .finish_batch = sort_finish_batch,
    .close = sort_close,
};
