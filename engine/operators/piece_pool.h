/*
 * engine/operators/piece_pool.h - pieces of memory of any length, for the texts of rows that come
 * and go: short ones from slabs, by size, so that a row that takes another's place takes its piece
 * too and nothing is asked of malloc.  Slabs go back all together.  Must not know rows.
 */
#ifndef MR_ENGINE_OPERATORS_PIECE_POOL_H
#define MR_ENGINE_OPERATORS_PIECE_POOL_H

#include "engine/operators/slabs.h"

enum { MR_PIECE_STEP = 32, MR_PIECE_SIZES = 16 }; /* longer ones are malloc's, one by one */

typedef struct MrLargePiece MrLargePiece;

typedef struct MrPiecePool {
    MrMemory *memory;
    char *free[MR_PIECE_SIZES]; /* linked through their first bytes */
    MrSlabs slabs;
    char *next; /* what is left of the last slab */
    size_t left_bytes;
    MrLargePiece *large;
    int64_t large_bytes;
} MrPiecePool;

/* Keeps memory. */
void mr_piece_pool_init(MrPiecePool *pool, MrMemory *memory);
/* Gives every piece back; the pool can be used again. */
void mr_piece_pool_reset(MrPiecePool *pool);
void mr_piece_pool_fini(MrPiecePool *pool);
/* `bytes` above 0; the piece is not zeroed. */
MrStatus mr_piece_take(MrPiecePool *pool, uint32_t bytes, char **out, MrError *err);
/* `bytes` as it was taken with. */
void mr_piece_give(MrPiecePool *pool, char *piece, uint32_t bytes);
int64_t mr_piece_pool_bytes(const MrPiecePool *pool);

#endif
