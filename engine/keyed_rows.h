/*
 * engine/keyed_rows.h - rows that an operator keeps: columns in chunks, found by the hash of a key,
 * each with a weight and a count of the operator's own.  Memory is charged to the query.
 * Must not know joins or windows.
 *
 * A row has a number as long as it is kept; the numbers of removed rows are used again.  Rows of
 * one bucket form a chain, newest first.
 */
#ifndef MR_ENGINE_KEYED_ROWS_H
#define MR_ENGINE_KEYED_ROWS_H

#include "engine/aggregate.h"
#include "engine/key_batch.h"

#define MR_NO_KEYED_ROW UINT32_MAX

typedef struct MrKeyedRow {
    uint64_t hash;          /* of the key */
    uint64_t content;       /* of all columns */
    int64_t count;          /* the owner's */
    uint32_t next, earlier; /* in the chain of the bucket */
    int32_t weight;         /* 0: the place is free */
    uint32_t mark;          /* the owner's */
} MrKeyedRow;

typedef struct MrKeyedChunk MrKeyedChunk;

typedef struct MrKeyedRows {
    const MrSchema *schema;
    const MrKeyLayout *layout; /* of the key */
    const uint32_t *keys;      /* its columns */
    MrMemory *memory;
    MrKeyedChunk **chunks; /* NULL: a chunk without rows, given back */
    uint32_t chunk_count, chunk_capacity;
    uint32_t *open; /* chunks with free places */
    uint32_t open_count, open_capacity;
    uint32_t *heads; /* first row of each bucket */
    uint32_t bucket_mask;
    uint64_t row_count;
    int64_t charged;
    uint32_t *offsets; /* of each column's cells in a chunk; then of its validity */
    uint32_t chunk_bytes;
} MrKeyedRows;

/* Keeps schema, layout, keys and memory; `arena` lives as long as the store. */
MrStatus mr_keyed_rows_init(MrKeyedRows *store, const MrSchema *schema, const MrKeyLayout *layout,
                            const uint32_t *keys, MrMemory *memory, MrArena *arena, MrError *err);
void mr_keyed_rows_fini(MrKeyedRows *store);
int64_t mr_keyed_rows_bytes(const MrKeyedRows *store);

MrKeyedRow *mr_keyed_row(const MrKeyedRows *store, uint32_t row);
/* Copies row `from` of the block in; its weight must not be 0. */
MrStatus mr_keyed_rows_add(MrKeyedRows *store, const MrBlock *block, uint32_t from, uint64_t hash,
                           uint64_t content, int32_t weight, uint32_t *out, MrError *err);
void mr_keyed_rows_remove(MrKeyedRows *store, uint32_t row);
/* First row of the bucket of a hash; go on by `next`.  Rows of other keys are among them. */
uint32_t mr_keyed_rows_first(const MrKeyedRows *store, uint64_t hash);
/* Whether the stored row's key equals the encoded one (without NULLs). */
bool mr_keyed_rows_has_key(const MrKeyedRows *store, uint32_t row, const char *key);
/* The stored row that is equal to the block's in every column, or MR_NO_KEYED_ROW. */
uint32_t mr_keyed_rows_find(const MrKeyedRows *store, const MrBlock *block, uint32_t from,
                            uint64_t hash, uint64_t content);
/* A hash of all columns for every row of the block, in the arena. */
MrStatus mr_keyed_row_content(const MrBlock *block, MrArena *arena, uint64_t **out, MrError *err);
/* Whether two rows of blocks with the same columns are equal in all of them, NULLs included. */
bool mr_rows_equal(const MrBlock *a, uint32_t row_a, const MrBlock *b, uint32_t row_b);
/* One column of the named rows (MR_NO_KEYED_ROW: NULL) as a vector in the arena; long text is
 * shared with the store, and stays until the next call of tidy or the removal of its chunk. */
MrStatus mr_keyed_rows_column(const MrKeyedRows *store, uint32_t column, const uint32_t *rows,
                              uint32_t count, MrArena *arena, MrVector *out, MrError *err);
const void *mr_keyed_rows_cell(const MrKeyedRows *store, uint32_t row, uint32_t column);
bool mr_keyed_rows_is_null(const MrKeyedRows *store, uint32_t row, uint32_t column);
/* Gives back memory of removed rows' text, and chunks without rows. */
MrStatus mr_keyed_rows_tidy(MrKeyedRows *store, MrError *err);
/* Whether the number stands for a row now. */
bool mr_keyed_rows_is_kept(const MrKeyedRows *store, uint32_t row);
/* The first kept row at or behind `row`, or MR_NO_KEYED_ROW: to visit all. */
uint32_t mr_keyed_rows_next(const MrKeyedRows *store, uint32_t row);

/* All rows with weights and counts, as blocks (keyed_rows_state.c). */
MrStatus mr_keyed_rows_snapshot(const MrKeyedRows *store, MrStateWriter *writer, MrError *err);
/* Into an empty store. */
MrStatus mr_keyed_rows_restore(MrKeyedRows *store, MrStateReader *reader, MrError *err);

#endif
