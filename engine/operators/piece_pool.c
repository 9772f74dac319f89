/*
 * engine/operators/piece_pool.c - see piece_pool.h.
 */
#include "engine/operators/piece_pool.h"

#include <stdlib.h>

#include "common/grow.h"

enum { SLAB_BYTES = 64 * 1024 };

struct MrLargePiece {
    MrLargePiece *next, **here; /* what points to it */
};

void mr_piece_pool_init(MrPiecePool *pool, MrMemory *memory)
{
    *pool = (MrPiecePool){ .memory = memory, .slab_used = SLAB_BYTES };
}

static MrStatus charge(MrPiecePool *pool, int64_t bytes, MrError *err)
{
    MR_TRY(mr_memory_charge(pool->memory, bytes, err));
    pool->charged += bytes;
    return MR_OK;
}

static void discharge(MrPiecePool *pool, int64_t bytes)
{
    (void)mr_memory_charge(pool->memory, -bytes, NULL);
    pool->charged -= bytes;
}

void mr_piece_pool_reset(MrPiecePool *pool)
{
    for (uint32_t s = 0; s < pool->slab_count; s++) {
        free(pool->slabs[s]);
    }
    while (pool->large != NULL) {
        MrLargePiece *large = pool->large;
        pool->large = large->next;
        free(large);
    }
    if (pool->memory != NULL) {
        discharge(pool, pool->charged);
    }
    memset(pool->free, 0, sizeof pool->free);
    pool->slab_count = 0;
    pool->slab_used = SLAB_BYTES;
}

void mr_piece_pool_fini(MrPiecePool *pool)
{
    mr_piece_pool_reset(pool);
    free(pool->slabs);
    pool->slabs = NULL;
    pool->slab_capacity = 0;
}

static MrStatus add_slab(MrPiecePool *pool, MrError *err)
{
    MR_GROW(pool->slabs, pool->slab_count, pool->slab_capacity, err);
    MR_TRY(charge(pool, SLAB_BYTES, err));
    char *slab = malloc(SLAB_BYTES);
    if (slab == NULL) {
        discharge(pool, SLAB_BYTES);
        return mr_error_no_memory(err);
    }
    pool->slabs[pool->slab_count++] = slab;
    pool->slab_used = 0;
    return MR_OK;
}

static MrStatus take_large(MrPiecePool *pool, uint32_t bytes, char **out, MrError *err)
{
    MR_TRY(charge(pool, bytes, err));
    MrLargePiece *large = malloc(sizeof *large + bytes);
    if (large == NULL) {
        discharge(pool, bytes);
        return mr_error_no_memory(err);
    }
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
    if (SLAB_BYTES - pool->slab_used < width) {
        MR_TRY(add_slab(pool, err)); /* the rest of the old one is lost until a reset */
    }
    *out = pool->slabs[pool->slab_count - 1] + pool->slab_used;
    pool->slab_used += width;
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
    discharge(pool, bytes);
}
