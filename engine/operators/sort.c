/*
 * engine/operators/sort.c - ORDER BY, LIMIT and OFFSET of an ad-hoc query.  Rows that compare equal
 * stay in the order in which they came, which is the log's.
 */
#include <stdlib.h>

#include "common/grow.h"
#include "engine/operators/deliver.h"
#include "engine/operators/sort_keys.h"

typedef struct SortState {
    MrArena arena;
    MrBlock **blocks;
    uint32_t block_count, block_capacity;
    uint64_t rows;
    size_t charged;
} SortState;

static MrStatus sort_open(MrOperator *op, MrError *err)
{
    (void)err;
    mr_arena_init(&((SortState *)op->state)->arena, 0);
    return MR_OK;
}

bool mr_sort_is_full(const MrOperator *op)
{
    const MrSortSpec *spec = op->spec;
    const SortState *state = op->state;
    uint64_t wanted;
    return spec->key_count == 0 && !__builtin_add_overflow(spec->limit, spec->offset, &wanted) &&
           state->rows >= wanted;
}

static MrStatus sort_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    SortState *state = op->state;
    if (mr_sort_is_full(op)) {
        return MR_OK;
    }
    MR_GROW(state->blocks, state->block_count, state->block_capacity, batch->err);
    MR_TRY(mr_block_copy(&state->arena, in, &state->blocks[state->block_count], batch->err));
    state->block_count++;
    state->rows += in->row_count;
    size_t used = state->arena.used_bytes;
    MR_TRY(mr_memory_charge(op->memory, (int64_t)(used - state->charged), batch->err));
    state->charged = used;
    return MR_OK;
}

/* Cells of one column that has no NULL among the rows. */
static void gather_texts(const SortState *state, const MrSortedRow *rows, uint32_t count,
                         uint32_t c, MrText *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const MrVector *source = &state->blocks[rows[i].block]->columns[c];
        to[i] = ((const MrText *)source->data)[source->is_constant ? 0 : rows[i].row];
    }
}

static void gather_cells(const SortState *state, const MrSortedRow *rows, uint32_t count,
                         uint32_t c, size_t width, char *to)
{
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to + i * width,
               mr_vector_cell(&state->blocks[rows[i].block]->columns[c], rows[i].row), width);
    }
}

static MrStatus gather_nullable(const SortState *state, const MrSortedRow *rows, uint32_t count,
                                uint32_t c, MrVector *column, MrBatch *batch)
{
    size_t width = mr_type_info(column->type.id)->width;
    for (uint32_t i = 0; i < count; i++) {
        const MrVector *source = &state->blocks[rows[i].block]->columns[c];
        char *to = (char *)column->data + i * width;
        if (mr_vector_is_null(source, rows[i].row)) {
            MR_TRY(mr_vector_make_nullable(column, batch->arena, batch->err));
            mr_bitmap_clear(column->validity, i);
            memset(to, 0, width);
        } else {
            memcpy(to, mr_vector_cell(source, rows[i].row), width);
        }
    }
    return MR_OK;
}

static bool may_be_null(const SortState *state, uint32_t c)
{
    for (uint32_t b = 0; b < state->block_count; b++) {
        if (state->blocks[b]->columns[c].validity != NULL) {
            return true;
        }
    }
    return false;
}

/* Builds a block from rows of many. */
static MrStatus gather_rows(MrOperator *op, const SortState *state, const MrSortedRow *rows,
                            uint32_t count, MrBatch *batch, MrBlock **out)
{
    MrBlock *block;
    MR_TRY(mr_block_create(batch->arena, &op->node->schema, count, &block, batch->err));
    for (uint32_t c = 0; c < block->column_count; c++) {
        MrVector *column = &block->columns[c];
        if (may_be_null(state, c)) {
            MR_TRY(gather_nullable(state, rows, count, c, column, batch));
        } else if (mr_type_is_text(column->type.id)) {
            gather_texts(state, rows, count, c, column->data);
        } else {
            gather_cells(state, rows, count, c, mr_type_info(column->type.id)->width, column->data);
        }
    }
    *out = block;
    return MR_OK;
}

static MrStatus sort_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrSortSpec *spec = op->spec;
    SortState *state = op->state;
    MrSortedRow *rows;
    uint64_t count;
    MR_TRY(mr_sort_rows(spec, state->blocks, state->block_count, &state->arena, &rows, &count,
                        batch->err));
    uint64_t first = spec->offset < count ? spec->offset : count;
    uint64_t wanted = spec->limit < count - first ? spec->limit : count - first;
    for (uint64_t done = 0; done < wanted; done += MR_VECTOR_ROWS) {
        uint32_t some = wanted - done < MR_VECTOR_ROWS ? (uint32_t)(wanted - done) : MR_VECTOR_ROWS;
        MrBlock *block;
        MR_TRY(gather_rows(op, state, rows + first + done, some, batch, &block));
        MR_TRY(mr_operator_emit(op, block, batch));
    }
    state->block_count = 0;
    state->rows = 0;
    return MR_OK;
}

static void sort_close(MrOperator *op)
{
    SortState *state = op->state;
    (void)mr_memory_charge(op->memory, -(int64_t)state->charged, NULL);
    mr_arena_fini(&state->arena);
    free(state->blocks);
}

const MrOperatorClass mr_operator_sort = {
    .name = "Sort",
    .state_size = sizeof(SortState),
    .open = sort_open,
    .push = sort_push,
    .finish_batch = sort_finish_batch,
    .close = sort_close,
};
