/*
 * storage/block.c - blocks in memory: making, slicing, selecting, copying.
 * Must not know SQL, operators, files or sockets.
 */
#include "storage/block.h"

#include "common/clock.h"

/* A block of `columns` vectors without their content. */
static MrStatus block_alloc(MrArena *arena, uint32_t columns, uint32_t rows, MrBlock **out,
                            MrError *err)
{
    MrBlock *block = NULL;
    MR_NEW(arena, block, err);
    MR_NEW_ARRAY(arena, block->columns, columns, err);
    block->row_count = rows;
    block->column_count = columns;
    block->place = (MrPlace){ .watermark_us = MR_TIME_MIN,
                              .watermark_after_us = MR_TIME_MIN,
                              .event_min_us = MR_TIME_MAX };
    *out = block;
    return MR_OK;
}

MrStatus mr_column_missing(const MrColumn *column, MrArena *arena, uint32_t rows, MrVector *out,
                           MrError *err)
{
    const MrDatum null = { .type = column->type, .is_null = true };
    MR_TRY(mr_vector_init_constant(out, arena, column->missing != NULL ? column->missing : &null,
                                   rows, err));
    return mr_vector_own_text(out, arena, err);
}

MrStatus mr_block_create(MrArena *arena, const MrSchema *schema, uint32_t rows, MrBlock **out,
                         MrError *err)
{
    MrBlock *block = NULL;
    MR_TRY(block_alloc(arena, schema->column_count, rows, &block, err));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        MR_TRY(mr_vector_init(&block->columns[i], arena, schema->columns[i].type, rows, err));
    }
    *out = block;
    return MR_OK;
}

/* The place of rows [first, first + rows) of a block at `place`.  Where no row can be late the
 * block's watermarks serve every part of it: none is above a row that follows. */
static MrPlace place_slice(const MrPlace *place, uint32_t block_rows, uint32_t first, uint32_t rows)
{
    MrPlace part = *place;
    if (place->sequences != NULL) {
        part.sequences = place->sequences + first;
        part.first_sequence = rows > 0 ? part.sequences[0] : place->first_sequence;
    } else if (place->first_sequence != 0) {
        part.first_sequence += first;
    }
    if (place->watermarks != NULL) {
        part.watermarks = place->watermarks + first;
        if (first < block_rows) {
            part.watermark_us = place->watermarks[first];
        }
        if (first + rows < block_rows) {
            part.watermark_after_us = place->watermarks[first + rows];
        }
    }
    return part;
}

MrStatus mr_block_slice(MrArena *arena, const MrBlock *source, uint32_t first, uint32_t rows,
                        MrBlock **out, MrError *err)
{
    MrBlock *block = NULL;
    MR_TRY(block_alloc(arena, source->column_count, rows, &block, err));
    for (uint32_t i = 0; i < source->column_count; i++) {
        block->columns[i] = mr_vector_slice(&source->columns[i], first, rows);
    }
    block->weights = source->weights == NULL ? NULL : source->weights + first;
    block->place = place_slice(&source->place, source->row_count, first, rows);
    *out = block;
    return MR_OK;
}

static MrStatus place_select(MrArena *arena, const MrPlace *place, const uint32_t *rows,
                             uint32_t count, MrPlace *out, MrError *err)
{
    *out = *place;
    bool derived = place->sequences == NULL && place->first_sequence == 0;
    if (!derived) {
        uint64_t *sequences;
        MR_NEW_ARRAY(arena, sequences, count, err);
        for (uint32_t i = 0; i < count; i++) {
            sequences[i] = place->sequences != NULL ? place->sequences[rows[i]]
                                                    : place->first_sequence + rows[i];
        }
        out->sequences = sequences;
        out->first_sequence = count > 0 ? sequences[0] : place->first_sequence;
    }
    if (place->watermarks != NULL) {
        int64_t *watermarks;
        MR_NEW_ARRAY(arena, watermarks, count, err);
        for (uint32_t i = 0; i < count; i++) {
            watermarks[i] = place->watermarks[rows[i]];
        }
        out->watermarks = watermarks;
    }
    return MR_OK;
}

MrStatus mr_block_select(MrArena *arena, const MrBlock *source, const uint32_t *rows,
                         uint32_t count, MrBlock **out, MrError *err)
{
    if (count == source->row_count) {
        /* Ascending rows, as many as there are: all of them. */
        return mr_block_slice(arena, source, 0, count, out, err);
    }
    return mr_block_repeat(arena, source, rows, count, out, err);
}

MrStatus mr_block_repeat(MrArena *arena, const MrBlock *source, const uint32_t *rows,
                         uint32_t count, MrBlock **out, MrError *err)
{
    MrBlock *block = NULL;
    MR_TRY(block_alloc(arena, source->column_count, count, &block, err));
    for (uint32_t i = 0; i < source->column_count; i++) {
        MR_TRY(mr_vector_gather(&source->columns[i], rows, count, arena, &block->columns[i], err));
    }
    if (source->weights != NULL) {
        int32_t *weights;
        MR_NEW_ARRAY(arena, weights, count, err);
        for (uint32_t i = 0; i < count; i++) {
            weights[i] = source->weights[rows[i]];
        }
        block->weights = weights;
    }
    MR_TRY(place_select(arena, &source->place, rows, count, &block->place, err));
    *out = block;
    return MR_OK;
}

/* *out: a copy of `bytes` bytes in the arena, NULL for NULL. */
static MrStatus bytes_copy(MrArena *arena, const void *from, size_t bytes, void *out, MrError *err)
{
    void *copy = NULL;
    if (from != NULL) {
        copy = mr_arena_alloc_aligned(arena, bytes > 0 ? bytes : 1);
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
        memcpy(copy, from, bytes);
    }
    memcpy(out, &copy, sizeof copy);
    return MR_OK;
}

static MrStatus vector_copy(MrArena *arena, const MrVector *from, MrVector *out, MrError *err)
{
    uint32_t rows = from->is_constant ? 1 : from->row_count;
    *out = *from;
    MR_TRY(bytes_copy(arena, from->validity, sizeof(uint64_t) * mr_bitmap_words(rows),
                      &out->validity, err));
    if (mr_type_is_text(from->type.id)) {
        return mr_vector_own_text(out, arena, err);
    }
    size_t width = mr_type_info(from->type.id)->width;
    return bytes_copy(arena, from->data, width * rows, &out->data, err);
}

MrStatus mr_block_copy(MrArena *arena, const MrBlock *source, MrBlock **out, MrError *err)
{
    MrBlock *block = NULL;
    uint32_t rows = source->row_count;
    MR_TRY(block_alloc(arena, source->column_count, rows, &block, err));
    for (uint32_t i = 0; i < source->column_count; i++) {
        MR_TRY(vector_copy(arena, &source->columns[i], &block->columns[i], err));
    }
    const MrPlace *place = &source->place;
    block->place = *place;
    MR_TRY(bytes_copy(arena, source->weights, sizeof(int32_t) * rows, &block->weights, err));
    MR_TRY(
        bytes_copy(arena, place->sequences, sizeof(uint64_t) * rows, &block->place.sequences, err));
    MR_TRY(bytes_copy(arena, place->watermarks, sizeof(int64_t) * rows, &block->place.watermarks,
                      err));
    *out = block;
    return MR_OK;
}
