/*
 * storage/codecs/stage.c - the block that a decoder builds: buffers that grow and are used again.
 * Must not know any format.
 */
#include "storage/codecs/decoder.h"

#include "common/clock.h"

#include <stdlib.h>

/* A vector less than a block's rows: the input's last row finds room, and vectors stay whole. */
enum { STAGE_ROWS_FULL = MR_BLOCK_ROWS_MAX - MR_VECTOR_ROWS, STAGE_ROWS_ONE_BLOCK = 1 << 24 };
enum {
    STAGE_ARENA_BYTES_MAX = 512 << 20,
    STAGE_ROWS_MIN = 256,
    HEAP_BYTES_MIN = 4096,
    HEAP_BYTES_MAX = 256 << 10
};

MrStatus mr_stage_init(MrStage *stage, const MrCodecOptions *options, MrError *err)
{
    uint32_t count = options->schema->column_count;
    *stage = (MrStage){ .column_count = count,
                        .is_one_block = options->one_block,
                        .row_limit = STAGE_ROWS_FULL };
    /* Far above what makes a block full: one row may bring MR_ROW_BYTES_MAX, and reading a jsonb
     * document takes a multiple of its text. */
    mr_arena_init(&stage->arena, STAGE_ARENA_BYTES_MAX);
    size_t slots = count > 0 ? count : 1;
    stage->columns = calloc(slots, sizeof *stage->columns);
    stage->validity = calloc(slots, sizeof *stage->validity);
    stage->heaps = calloc(slots, sizeof *stage->heaps);
    stage->filled = calloc(slots, sizeof *stage->filled);
    if (stage->columns == NULL || stage->validity == NULL || stage->heaps == NULL ||
        stage->filled == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        stage->columns[i].type = options->schema->columns[i].type;
    }
    for (uint32_t i = 0; i < options->column_count; i++) {
        int32_t target = options->columns[i].target;
        if (target >= 0 && (uint32_t)target < count) {
            stage->filled[target] = true;
        } else if (target >= 0) {
            return mr_error_set(err, MR_ERR_INTERNAL, "input column %u has no column to go to", i);
        }
    }
    return MR_OK;
}

void mr_stage_fini(MrStage *stage)
{
    if (stage->columns != NULL && stage->validity != NULL) {
        for (uint32_t i = 0; i < stage->column_count; i++) {
            free(stage->columns[i].data);
            free(stage->validity[i]);
        }
    }
    free(stage->columns);
    free(stage->validity);
    free(stage->heaps);
    free(stage->filled);
    mr_arena_fini(&stage->arena);
    *stage = (MrStage){ 0 };
}

static void stage_restart(MrStage *stage)
{
    stage->is_taken = false;
    stage->row_count = 0;
    stage->text_bytes = 0;
    mr_arena_reset(&stage->arena);
    for (uint32_t i = 0; i < stage->column_count; i++) {
        stage->columns[i].validity = NULL;
        stage->columns[i].is_constant = false;
        stage->heaps[i] = (MrStageHeap){ 0 };
    }
}

static MrStatus buffer_grow(void **buffer, size_t used, size_t bytes, MrError *err)
{
    void *larger = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (larger == NULL) {
        return mr_error_no_memory(err);
    }
    if (used > 0) {
        memcpy(larger, *buffer, used);
    }
    free(*buffer);
    *buffer = larger;
    return MR_OK;
}

static MrStatus stage_grow(MrStage *stage, uint32_t capacity, MrError *err)
{
    for (uint32_t i = 0; i < stage->column_count; i++) {
        MrVector *column = &stage->columns[i];
        size_t width = mr_type_info(column->type.id)->width;
        bool nulls = column->validity != NULL;
        void *bits = stage->validity[i];
        size_t bits_used = nulls ? sizeof(uint64_t) * (stage->row_capacity / 64) : 0;
        size_t bits_bytes = sizeof(uint64_t) * (capacity / 64);
        MR_TRY(buffer_grow(&column->data, width * stage->row_count, width * capacity, err));
        MrStatus status = buffer_grow(&bits, bits_used, bits_bytes, err);
        stage->validity[i] = bits;
        if (status != MR_OK) {
            return status;
        }
        if (nulls) {
            memset((char *)bits + bits_used, 0xff, bits_bytes - bits_used);
            column->validity = bits;
        }
    }
    stage->row_capacity = capacity;
    return MR_OK;
}

MrStatus mr_stage_reserve(MrStage *stage, uint32_t more, MrError *err)
{
    if (stage->is_taken) {
        stage_restart(stage);
    }
    uint32_t need = stage->row_count + more;
    if (need <= stage->row_capacity) {
        return MR_OK;
    }
    uint32_t capacity = stage->row_capacity > 0 ? stage->row_capacity : STAGE_ROWS_MIN;
    while (capacity < need) {
        capacity *= 2;
    }
    return stage_grow(stage, capacity, err);
}

char *mr_stage_text(MrStage *stage, uint32_t column, size_t length)
{
    MrStageHeap *heap = &stage->heaps[column];
    if (heap->next == NULL || (size_t)(heap->end - heap->next) < length) {
        size_t bytes = heap->chunk_bytes > 0 ? heap->chunk_bytes * 2 : HEAP_BYTES_MIN;
        if (bytes > HEAP_BYTES_MAX) {
            bytes = HEAP_BYTES_MAX;
        }
        heap->chunk_bytes = bytes;
        if (bytes < length) {
            bytes = length;
        }
        heap->next = mr_arena_alloc(&stage->arena, bytes);
        if (heap->next == NULL) {
            heap->end = NULL;
            return NULL;
        }
        heap->end = heap->next + bytes;
    }
    char *start = heap->next;
    heap->next += length;
    stage->text_bytes += length;
    return start;
}

uint64_t *mr_stage_validity(MrStage *stage, uint32_t column)
{
    MrVector *vector = &stage->columns[column];
    if (vector->validity == NULL && stage->validity[column] != NULL) {
        vector->validity = stage->validity[column];
        memset(vector->validity, 0xff, sizeof(uint64_t) * (stage->row_capacity / 64));
    }
    return vector->validity;
}

MrStatus mr_stage_set_null(MrStage *stage, uint32_t column, uint32_t row, MrError *err)
{
    uint64_t *validity = mr_stage_validity(stage, column);
    if (validity == NULL) {
        return mr_error_no_memory(err);
    }
    mr_bitmap_clear(validity, row);
    memset(mr_stage_cell(stage, column, row), 0,
           mr_type_info(stage->columns[column].type.id)->width);
    return MR_OK;
}

bool mr_stage_is_full(const MrStage *stage)
{
    return !stage->is_taken && !stage->is_one_block &&
           (stage->row_count >= stage->row_limit || stage->text_bytes >= MR_STAGE_BYTES_MAX);
}

uint32_t mr_stage_room(const MrStage *stage)
{
    if (stage->is_one_block) {
        return STAGE_ROWS_ONE_BLOCK - (stage->is_taken ? 0 : stage->row_count);
    }
    if (stage->is_taken) {
        return stage->row_limit;
    }
    return stage->row_count < stage->row_limit ? stage->row_limit - stage->row_count : 0;
}

void mr_stage_drop_row(MrStage *stage)
{
    stage->row_count--;
    for (uint32_t i = 0; i < stage->column_count; i++) {
        if (stage->columns[i].validity != NULL) {
            mr_bitmap_set(stage->columns[i].validity, stage->row_count);
        }
    }
}

void mr_stage_forget_nulls(MrStage *stage, uint32_t first, uint32_t end)
{
    for (uint32_t i = 0; i < stage->column_count; i++) {
        for (uint32_t row = first; stage->columns[i].validity != NULL && row < end; row++) {
            mr_bitmap_set(stage->columns[i].validity, row);
        }
    }
}

void mr_stage_limit_rows(MrStage *stage, uint32_t rows)
{
    stage->row_limit = rows == 0 ? 1 : rows < STAGE_ROWS_FULL ? rows : STAGE_ROWS_FULL;
}

MrStatus mr_stage_take(MrStage *stage, MrBlock **out, MrError *err)
{
    *out = NULL;
    if (stage->is_taken || stage->row_count == 0) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < stage->column_count; i++) {
        MrVector *column = &stage->columns[i];
        column->row_count = stage->row_count;
        if (!stage->filled[i]) {
            /* No input names this column: one null stands for all rows. */
            column->is_constant = true;
            MR_TRY(mr_stage_set_null(stage, i, 0, err));
        }
    }
    stage->block = (MrBlock){ .row_count = stage->row_count,
                              .column_count = stage->column_count,
                              .columns = stage->columns,
                              .place = { .watermark_us = MR_TIME_MIN,
                                         .watermark_after_us = MR_TIME_MIN,
                                         .event_min_us = MR_TIME_MAX } };
    stage->is_taken = true;
    *out = &stage->block;
    return MR_OK;
}
