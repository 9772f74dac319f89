/*
 * storage/frame.c - headers and checksums of frames, their buffers, their decoded blocks.
 */
#include "storage/frame.h"

#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"

enum { BUFFER_STEP = 4096, DECODED_BYTES = 4096 };

uint32_t mr_frame_header_crc(const MrFrameHeader *header, uint32_t salt)
{
    const size_t skip = offsetof(MrFrameHeader, body_crc);
    return mr_crc32c(salt, (const char *)header + skip, sizeof *header - skip);
}

bool mr_frame_header_is_good(const MrFrameHeader *header, uint32_t salt, uint64_t offset,
                             uint64_t limit)
{
    return header->magic == MR_FRAME_MAGIC && header->offset == offset &&
           header->body_bytes <= MR_FRAME_BODY_MAX && offset <= limit &&
           mr_frame_total_bytes(header->body_bytes) <= limit - offset &&
           header->payload_bytes <= header->body_bytes &&
           mr_frame_header_crc(header, salt) == header->header_crc;
}

uint32_t mr_frame_body_crc(const MrFrameHeader *header, const void *body)
{
    return mr_crc32c(0, body, header->body_bytes);
}

/* ---- buffers ----------------------------------------------------------------------------- */

void mr_frame_pool_init(MrFramePool *pool)
{
    memset(pool, 0, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
}

void mr_frame_pool_fini(MrFramePool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        free(pool->buffers[i]);
    }
    pthread_mutex_destroy(&pool->lock);
}

/* A kept buffer that is large enough, and not so large that most of it would lie idle. */
static void *pool_take(MrFramePool *pool, size_t bytes, size_t *capacity)
{
    void *found = NULL;
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->capacities[i] >= bytes && pool->capacities[i] / 2 <= bytes) {
            found = pool->buffers[i];
            *capacity = pool->capacities[i];
            pool->count--;
            pool->buffers[i] = pool->buffers[pool->count];
            pool->capacities[i] = pool->capacities[pool->count];
            break;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (found == NULL) {
        *capacity =
            bytes < BUFFER_STEP ? bytes : (bytes + BUFFER_STEP - 1) & ~(size_t)(BUFFER_STEP - 1);
        found = aligned_alloc(MR_FRAME_ALIGN, *capacity);
    }
    return found;
}

static void pool_give(MrFramePool *pool, void *buffer, size_t capacity)
{
    bool is_kept = false;
    /* Small ones are malloc's daily bread. */
    if (buffer != NULL && capacity > BUFFER_STEP * 8) {
        pthread_mutex_lock(&pool->lock);
        if (pool->count < MR_FRAME_POOL_BUFFERS) {
            pool->buffers[pool->count] = buffer;
            pool->capacities[pool->count] = capacity;
            pool->count++;
            is_kept = true;
        }
        pthread_mutex_unlock(&pool->lock);
    }
    if (!is_kept) {
        free(buffer);
    }
}

/* ---- frames in memory -------------------------------------------------------------------- */

MrStatus mr_frame_create(MrFramePool *pool, uint64_t body_bytes, MrLogFrame **out, MrError *err)
{
    *out = NULL;
    if (body_bytes > MR_FRAME_BODY_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "a record of %llu bytes is too large for the log",
                            (unsigned long long)body_bytes);
    }
    MrLogFrame *frame = calloc(1, sizeof *frame);
    if (frame == NULL) {
        return mr_error_no_memory(err);
    }
    frame->total_bytes = mr_frame_total_bytes(body_bytes);
    frame->header = pool_take(pool, frame->total_bytes, &frame->capacity);
    if (frame->header == NULL) {
        free(frame);
        return mr_error_no_memory(err);
    }
    atomic_init(&frame->references, 1);
    atomic_init(&frame->is_written, false);
    frame->pool = pool;
    pthread_mutex_init(&frame->lock, NULL);
    mr_arena_init(&frame->arena, 0);
    memset(frame->header, 0, sizeof *frame->header);
    memset((char *)mr_frame_body(frame) + body_bytes, 0,
           frame->total_bytes - sizeof *frame->header - body_bytes);
    frame->header->magic = MR_FRAME_MAGIC;
    frame->header->body_bytes = body_bytes;
    *out = frame;
    return MR_OK;
}

void mr_frame_retain(MrLogFrame *frame)
{
    atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);
}

void mr_frame_release(MrLogFrame *frame)
{
    if (frame == NULL ||
        atomic_fetch_sub_explicit(&frame->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mr_arena_fini(&frame->arena);
    mr_block_give_back(frame->loan);
    pool_give(frame->pool, frame->copy, frame->copy_capacity);
    pool_give(frame->pool, frame->header, frame->capacity);
    pthread_mutex_destroy(&frame->lock);
    free(frame);
}

static MrStatus block_check(const MrLogFrame *frame, const MrBlock *block, MrError *err)
{
    return block->row_count == frame->header->row_count
               ? MR_OK
               : mr_error_set(err, MR_ERR_CORRUPT, "a frame of %u rows holds a block of %u",
                              frame->header->row_count, block->row_count);
}

MrStatus mr_frame_block_copy(const MrLogFrame *frame, const MrSchema *schema, MrArena *arena,
                             const MrBlock **out, MrError *err)
{
    size_t bytes = frame->header->body_bytes - frame->header->payload_bytes;
    void *copy = mr_arena_alloc_aligned(arena, bytes);
    MrBlock *block;
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(copy, mr_frame_body(frame), bytes);
    MR_TRY(mr_block_decode(arena, schema, copy, bytes, &block, err));
    *out = block;
    return block_check(frame, block, err);
}

uint64_t mr_frame_memory_bytes(const MrLogFrame *frame)
{
    uint64_t bytes = sizeof *frame + frame->capacity;
    if (!mr_frame_is_small(frame)) {
        /* The description, and W before each row. */
        bytes += DECODED_BYTES + frame->header->row_count * sizeof *frame->watermarks;
    }
    return bytes + (mr_frame_is_range(frame) ? frame->header->block_bytes : 0);
}

MrStatus mr_frame_set_block(MrLogFrame *frame, const MrSchema *schema, const MrBlock *block,
                            MrBlockLoan *loan, MrError *err)
{
    if (loan != NULL) {
        frame->loan = loan;
        frame->block = loan->block;
        frame->header->block_bytes = loan->bytes;
        return MR_OK;
    }
    size_t bytes = mr_block_encoded_bytes(block);
    frame->copy = pool_take(frame->pool, bytes, &frame->copy_capacity);
    if (frame->copy == NULL) {
        return mr_error_no_memory(err);
    }
    mr_block_encode(block, frame->copy);
    frame->header->block_bytes = frame->copy_capacity;
    return mr_block_decode(&frame->arena, schema, frame->copy, bytes, &frame->block, err);
}

/* Decoding turns offsets into pointers, in place.  Bytes that wait to be written must stay as they
 * are, so a reader that comes before the writer decodes a copy. */
static MrStatus frame_decode(MrLogFrame *frame, const MrSchema *schema, MrError *err)
{
    size_t bytes = frame->header->body_bytes - frame->header->payload_bytes;
    void *body = mr_frame_body(frame);
    if (!atomic_load_explicit(&frame->is_written, memory_order_acquire)) {
        if (frame->copy == NULL) {
            frame->copy = pool_take(frame->pool, frame->total_bytes, &frame->copy_capacity);
            if (frame->copy == NULL) {
                return mr_error_no_memory(err);
            }
        }
        memcpy(frame->copy, body, bytes);
        body = frame->copy;
    }
    MrBlock *block;
    MR_TRY(mr_block_decode(&frame->arena, schema, body, bytes, &block, err));
    MR_TRY(block_check(frame, block, err));
    frame->block = block;
    return MR_OK;
}

static MrStatus frame_read_range(MrLogFrame *frame, const MrRangeReader *ranges, MrError *err)
{
    const MrFrameHeader *header = frame->header;
    MrString range = { mr_frame_body(frame), header->body_bytes - header->payload_bytes };
    MrBlockLoan *loan = NULL;
    MR_TRY(ranges->read(ranges->context, header->stream_id, range, &loan, err));
    frame->loan = loan;
    frame->block = frame->loan->block;
    return MR_OK;
}

/* The schema has got columns since the block was decoded: they follow as constants. */
static MrStatus frame_widen(MrLogFrame *frame, const MrSchema *schema, MrError *err)
{
    MrBlock *wide;
    MR_NEW(&frame->arena, wide, err);
    *wide = *frame->block;
    MR_NEW_ARRAY(&frame->arena, wide->columns, schema->column_count, err);
    memcpy(wide->columns, frame->block->columns, sizeof *wide->columns * wide->column_count);
    for (uint32_t i = wide->column_count; i < schema->column_count; i++) {
        MR_TRY(mr_column_missing(&schema->columns[i], &frame->arena, wide->row_count,
                                 &wide->columns[i], err));
    }
    wide->column_count = schema->column_count;
    frame->block = wide;
    return MR_OK;
}

MrStatus mr_frame_block(MrLogFrame *frame, const MrSchema *schema, const MrRangeReader *ranges,
                        const MrBlock **out, MrError *err)
{
    MrStatus status = MR_OK;
    pthread_mutex_lock(&frame->lock);
    if (frame->block == NULL) {
        status = mr_frame_is_range(frame) ? frame_read_range(frame, ranges, err)
                                          : frame_decode(frame, schema, err);
    }
    if (status == MR_OK && frame->block->column_count < schema->column_count) {
        status = frame_widen(frame, schema, err);
    }
    *out = frame->block;
    pthread_mutex_unlock(&frame->lock);
    return status;
}
