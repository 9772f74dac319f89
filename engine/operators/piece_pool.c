/*
 * engine/operators/piece_pool.c - see piece_pool.h.
 */
#include "engine/operators/piece_pool.h"

#include <stdlib.h>

struct MrLargePiece {
    MrLargePiece *next, **here; /* what points to it */
};

void mr_piece_pool_init(MrPiecePool *pool, MrMemory *memory)
{
    *pool = (MrPiecePool){ .memory = memory };
    mr_slabs_init(&pool->slabs, memory);
}

int64_t mr_piece_pool_bytes(const MrPiecePool *pool)
{
    return pool->slabs.bytes + pool->large_bytes;
}

void mr_piece_pool_reset(MrPiecePool *pool)
{
    while (pool->large != NULL) {
        MrLargePiece *large = pool->large;
        pool->large = large->next;
        free(large);
    }
    if (pool->large_bytes > 0) {
        (void)mr_memory_charge(pool->memory, -pool->large_bytes, NULL);
        pool->large_bytes = 0;
    }
    mr_slabs_release(&pool->slabs);
    memset(pool->free, 0, sizeof pool->free);
    pool->next = NULL;
    pool->left_bytes = 0;
}

void mr_piece_pool_fini(MrPiecePool *pool)
{
    mr_piece_pool_reset(pool);
    mr_slabs_fini(&pool->slabs);
}

static MrStatus take_large(MrPiecePool *pool, uint32_t bytes, char **out, MrError *err)
{
    MR_TRY(mr_memory_charge(pool->memory, bytes, err));
    MrLargePiece *large = malloc(sizeof *large + bytes);
    if (large == NULL) {
        (void)mr_memory_charge(pool->memory, -(int64_t)bytes, NULL);
        return mr_error_no_memory(err);
    }
    pool->large_bytes += bytes;
    *large = (MrLargePiece){ .next = pool->large, .here = &pool->large };
    if (large->next != NULL) {
        large->next->here = &large->next;
    }
    pool->large = large;
    *out = (char *)(large + 1);
    return MR_OK;
}

MrStatus mr_piece_take(MrPiecePool *pool, uint32_t bytes, char **out, MrError *err)
{
    uint32_t size = (bytes - 1) / MR_PIECE_STEP, width = (size + 1) * MR_PIECE_STEP;
    if (size >= MR_PIECE_SIZES) {
        return take_large(pool, bytes, out, err);
    }
    char *piece = pool->free[size];
    if (piece != NULL) {
        memcpy(&pool->free[size], piece, sizeof piece);
        *out = piece;
        return MR_OK;
    }
    if (pool->left_bytes < width) { /* what is left is lost until a reset */
        MR_TRY(mr_slabs_add(&pool->slabs, width, &pool->next, &pool->left_bytes, err));
    }
    *out = pool->next;
    pool->next += width;
    pool->left_bytes -= width;
    return MR_OK;
}

void mr_piece_give(MrPiecePool *pool, char *piece, uint32_t bytes)
{
    uint32_t size = (bytes - 1) / MR_PIECE_STEP;
    if (size < MR_PIECE_SIZES) {
        memcpy(piece, &pool->free[size], sizeof piece);
        pool->free[size] = piece;
        return;
    }
    MrLargePiece *large = (MrLargePiece *)(void *)piece - 1;
    *large->here = large->next;
    if (large->next != NULL) {
        large->next->here = large->here;
    }
    free(large);
    pool->large_bytes -= bytes;
    (void)mr_memory_charge(pool->memory, -(int64_t)bytes, NULL);
}
