/*
 * engine/operators/sort_buffer.c - see sort_buffer.h.
 */
#include "engine/operators/sort_buffer.h"

#include <stdlib.h>

#include "common/grow.h"
#include "engine/operators/sort_keys.h"

void mr_sort_buffer_init(MrSortBuffer *buffer)
{
    mr_arena_init(&buffer->arena, 0);
}

void mr_sort_buffer_fini(MrSortBuffer *buffer, MrMemory *memory)
{
    (void)mr_memory_charge(memory, -(int64_t)buffer->charged, NULL);
    mr_arena_fini(&buffer->arena);
    free(buffer->blocks);
}

MrStatus mr_sort_buffer_add(MrSortBuffer *buffer, const MrBlock *in, MrMemory *memory, MrError *err)
{
    MR_GROW(buffer->blocks, buffer->block_count, buffer->block_capacity, err);
    MR_TRY(mr_block_copy(&buffer->arena, in, &buffer->blocks[buffer->block_count], err));
    buffer->block_count++;
    buffer->rows += in->row_count;
    size_t used = buffer->arena.used_bytes;
    MR_TRY(mr_memory_charge(memory, (int64_t)used - (int64_t)buffer->charged, err));
    buffer->charged = used;
    return MR_OK;
}

/* Cells of one column that has no NULL among the rows. */
static void gather_texts(const MrSortBuffer *buffer, const MrSortedRow *rows, uint32_t count,
                         uint32_t c, MrText *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const MrVector *source = &buffer->blocks[rows[i].block]->columns[c];
        to[i] = ((const MrText *)source->data)[source->is_constant ? 0 : rows[i].row];
    }
}

static void gather_cells(const MrSortBuffer *buffer, const MrSortedRow *rows, uint32_t count,
                         uint32_t c, size_t width, char *to)
{
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to + i * width,
               mr_vector_cell(&buffer->blocks[rows[i].block]->columns[c], rows[i].row), width);
    }
}

static MrStatus gather_nullable(const MrSortBuffer *buffer, const MrSortedRow *rows, uint32_t count,
                                uint32_t c, MrVector *column, MrBatch *batch)
{
    size_t width = mr_type_info(column->type.id)->width;
    for (uint32_t i = 0; i < count; i++) {
        const MrVector *source = &buffer->blocks[rows[i].block]->columns[c];
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

static bool may_be_null(const MrSortBuffer *buffer, uint32_t c)
{
    for (uint32_t b = 0; b < buffer->block_count; b++) {
        if (buffer->blocks[b]->columns[c].validity != NULL) {
            return true;
        }
    }
    return false;
}

/* Builds a block from rows of many. */
static MrStatus gather_rows(const MrOperator *op, const MrSortBuffer *buffer,
                            const MrSortedRow *rows, uint32_t count, MrBatch *batch, MrBlock **out)
{
    MrBlock *block;
    MR_TRY(mr_block_create(batch->arena, &op->node->schema, count, &block, batch->err));
    for (uint32_t c = 0; c < block->column_count; c++) {
        MrVector *column = &block->columns[c];
        if (may_be_null(buffer, c)) {
            MR_TRY(gather_nullable(buffer, rows, count, c, column, batch));
        } else if (mr_type_is_text(column->type.id)) {
            gather_texts(buffer, rows, count, c, column->data);
        } else {
            gather_cells(buffer, rows, count, c, mr_type_info(column->type.id)->width,
                         column->data);
        }
    }
    *out = block;
    return MR_OK;
}

/* The memory stays the buffer's: the next rows want it. */
static void forget(MrSortBuffer *buffer)
{
    buffer->block_count = 0;
    buffer->rows = 0;
    mr_arena_reset(&buffer->arena);
}

MrStatus mr_sort_buffer_give(MrSortBuffer *buffer, MrOperator *op, const MrSortSpec *spec,
                             MrSortedBlockFn give, MrBatch *batch)
{
    MrSortedRow *rows;
    uint64_t count;
    MR_TRY(mr_sort_rows(spec, buffer->blocks, buffer->block_count, &buffer->arena, &rows, &count,
                        batch->err));
    uint64_t first = spec->offset < count ? spec->offset : count;
    uint64_t wanted = spec->limit < count - first ? spec->limit : count - first;
    for (uint64_t done = 0; done < wanted; done += MR_VECTOR_ROWS) {
        uint32_t some = wanted - done < MR_VECTOR_ROWS ? (uint32_t)(wanted - done) : MR_VECTOR_ROWS;
        MrBlock *block;
        MR_TRY(gather_rows(op, buffer, rows + first + done, some, batch, &block));
        MR_TRY(give(op, block, batch));
    }
    forget(buffer);
    return MR_OK;
}
