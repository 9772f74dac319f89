/*
 * engine/operators/sort.c - ORDER BY, LIMIT and OFFSET of an ad-hoc query.  Rows that compare equal
 * stay in the order in which they came, which is the log's.
 */
#include <stdlib.h>

#include "engine/operators/deliver.h"

typedef struct RowReference {
    uint32_t block, row;
    uint64_t order; /* of arrival: makes the sort stable */
} RowReference;

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
    if (state->block_count == state->block_capacity) {
        uint32_t capacity = state->block_capacity == 0 ? 64 : state->block_capacity * 2;
        MrBlock **blocks = realloc(state->blocks, capacity * sizeof(MrBlock *));
        if (blocks == NULL) {
            return mr_error_no_memory(batch->err);
        }
        state->blocks = blocks;
        state->block_capacity = capacity;
    }
    MR_TRY(mr_block_copy(&state->arena, in, &state->blocks[state->block_count], batch->err));
    state->block_count++;
    state->rows += in->row_count;
    size_t used = state->arena.used_bytes;
    MR_TRY(mr_memory_charge(op->memory, (int64_t)(used - state->charged), batch->err));
    state->charged = used;
    return MR_OK;
}

typedef struct SortOrder {
    const MrSortSpec *spec;
    MrBlock *const *blocks;
} SortOrder;

static int compare_rows(const void *a, const void *b, void *context)
{
    const SortOrder *order = context;
    const RowReference *x = a, *y = b;
    for (uint32_t k = 0; k < order->spec->key_count; k++) {
        const MrSortKey *key = &order->spec->keys[k];
        const MrVector *column_x = &order->blocks[x->block]->columns[key->column];
        const MrVector *column_y = &order->blocks[y->block]->columns[key->column];
        bool null_x = mr_vector_is_null(column_x, x->row);
        bool null_y = mr_vector_is_null(column_y, y->row);
        if (null_x || null_y) {
            if (null_x == null_y) {
                continue;
            }
            return null_x == key->nulls_first ? -1 : 1;
        }
        int c = mr_cell_compare(column_x->type.id, mr_vector_cell(column_x, x->row),
                                mr_vector_cell(column_y, y->row));
        if (c != 0) {
            return key->descending ? -c : c;
        }
    }
    return (x->order > y->order) - (x->order < y->order);
}

/* Builds a block from rows of many. */
static MrStatus gather_rows(MrOperator *op, const SortState *state, const RowReference *rows,
                            uint32_t count, MrBatch *batch, MrBlock **out)
{
    MrBlock *block;
    MR_TRY(mr_block_create(batch->arena, &op->node->schema, count, &block, batch->err));
    for (uint32_t c = 0; c < block->column_count; c++) {
        MrVector *column = &block->columns[c];
        size_t width = mr_type_info(column->type.id)->width;
        for (uint32_t i = 0; i < count; i++) {
            const MrVector *source = &state->blocks[rows[i].block]->columns[c];
            if (mr_vector_is_null(source, rows[i].row)) {
                MR_TRY(mr_vector_make_nullable(column, batch->arena, batch->err));
                mr_bitmap_clear(column->validity, i);
                memset((char *)column->data + i * width, 0, width);
            } else {
                memcpy((char *)column->data + i * width, mr_vector_cell(source, rows[i].row),
                       width);
            }
        }
    }
    *out = block;
    return MR_OK;
}

static MrStatus sort_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrSortSpec *spec = op->spec;
    SortState *state = op->state;
    RowReference *rows = mr_arena_alloc(&state->arena, (state->rows + 1) * sizeof *rows);
    if (rows == NULL) {
        return mr_error_no_memory(batch->err);
    }
    uint64_t count = 0;
    for (uint32_t b = 0; b < state->block_count; b++) {
        for (uint32_t r = 0; r < state->blocks[b]->row_count; r++, count++) {
            rows[count] = (RowReference){ .block = b, .row = r, .order = count };
        }
    }
    if (spec->key_count > 0) {
        SortOrder order = { .spec = spec, .blocks = state->blocks };
        qsort_r(rows, count, sizeof *rows, compare_rows, &order);
    }
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
