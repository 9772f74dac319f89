/*
 * engine/operators/sort_buffer.h - rows that are kept until they can be given in order.
 */
#ifndef MR_ENGINE_OPERATORS_SORT_BUFFER_H
#define MR_ENGINE_OPERATORS_SORT_BUFFER_H

#include "engine/operator.h"

/* Copies of blocks.  All zero and mr_sort_buffer_init'ed it holds none. */
typedef struct MrSortBuffer {
    MrArena arena;
    MrBlock **blocks;
    uint32_t block_count, block_capacity;
    uint64_t rows;
    size_t charged;
} MrSortBuffer;

void mr_sort_buffer_init(MrSortBuffer *buffer);
/* Gives the memory back that is charged to `memory`. */
void mr_sort_buffer_fini(MrSortBuffer *buffer, MrMemory *memory);
/* Copies the block; charged to `memory` (MR_ERR_OUT_OF_MEMORY above its limit). */
MrStatus mr_sort_buffer_add(MrSortBuffer *buffer, const MrBlock *in, MrMemory *memory,
                            MrError *err);
/* Gets the next rows, a block in the arena of the batch. */
typedef MrStatus (*MrSortedBlockFn)(MrOperator *op, MrBlock *block, MrBatch *batch);
/* Gives `spec->limit` rows behind the first `spec->offset`, in the order of its keys, by blocks
 * that `give` gets; rows whose keys are equal stay as they came.  Then the buffer is empty. */
MrStatus mr_sort_buffer_give(MrSortBuffer *buffer, MrOperator *op, const MrSortSpec *spec,
                             MrSortedBlockFn give, MrBatch *batch);

#endif
