/*
 * engine/keyed_rows.h - rows that an operator keeps: columns in chunks, found by the hash of a key,
 * each with a weight and a count of the operator's own.  Memory is charged to the query.
 * Must not know joins or windows.
 *
 * A row has a number as long as it is kept; the numbers of removed rows are used again.  Rows of
 * one bucket form a chain, newest first.  Where a probe wants the rows of a key within bounds on
 * time, a bucket has the rows of one slot of time only (mr_keyed_rows_spread); where rows are taken
 * back, a second table finds them by all their columns (mr_keyed_rows_index).
 */
#ifndef MR_ENGINE_KEYED_ROWS_H
#define MR_ENGINE_KEYED_ROWS_H

#include "engine/aggregate.h"
#include "engine/key_batch.h"

#define MR_NO_KEYED_ROW UINT32_MAX
enum { MR_KEYED_CHUNK_ROWS = 1024 };

typedef struct MrKeyedRow {
    uint64_t hash;          /* of the key */
    uint64_t content;       /* of all columns */
    int64_t count;          /* the owner's */
    uint32_t next, earlier; /* in the chain of the bucket */
    int32_t weight;         /* 0: the place is free */
    uint32_t mark;          /* the owner's */
} MrKeyedRow;

typedef struct MrKeyedChunk {
    MrKeyedRow rows[MR_KEYED_CHUNK_ROWS];
    uint32_t filled; /* places used so far */
    uint32_t free;   /* first of the free places among them, chained by `next` */
    uint32_t live;
    bool is_open;
    MrArena text;
    size_t text_live, text_dead, text_charged;
    char *cells;
} MrKeyedChunk;

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
    uint32_t time_column; /* with slot_us > 0: rows of a bucket are of one slot of its times */
    int64_t slot_us;
    bool has_index;
    uint32_t *index; /* rows by `content`: linear probing, at most half full */
    uint32_t index_mask;
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

/* To be called while it is empty: buckets by key and slot of time, `slot_us` wide, so that a probe
 * with bounds on time meets no rows far outside of them.  A row that probes should meet has a time
 * (8 bytes, not NULL). */
void mr_keyed_rows_spread(MrKeyedRows *store, uint32_t time_column, int64_t slot_us);
/* To be called while it is empty: makes mr_keyed_rows_find possible. */
void mr_keyed_rows_index(MrKeyedRows *store);

static inline MrKeyedRow *mr_keyed_row(const MrKeyedRows *store, uint32_t row)
{
    return &store->chunks[row / MR_KEYED_CHUNK_ROWS]->rows[row % MR_KEYED_CHUNK_ROWS];
}
/* Copies row `from` of the block in; its weight must not be 0. */
MrStatus mr_keyed_rows_add(MrKeyedRows *store, const MrBlock *block, uint32_t from, uint64_t hash,
                           uint64_t content, int32_t weight, uint32_t *out, MrError *err);
void mr_keyed_rows_remove(MrKeyedRows *store, uint32_t row);
/* The rows of a key one after the other; in a spread store only those whose time is within bounds,
 * both included. */
typedef struct MrKeyedProbe {
    const MrKeyedRows *store;
    const char *key; /* encoded, without NULLs; borrowed */
    uint64_t hash;
    int64_t from_us, to_us;
    uint64_t slot, slots_left; /* the one that is visited, and how many follow */
    uint32_t at;               /* the next row of its bucket */
    uint64_t visited;          /* rows that were looked at */
} MrKeyedProbe;
void mr_keyed_probe_start(MrKeyedProbe *probe, const MrKeyedRows *store, const char *key,
                          uint64_t hash, int64_t from_us, int64_t to_us);
uint32_t mr_keyed_probe_next(MrKeyedProbe *probe); /* or MR_NO_KEYED_ROW */
/* The stored row that is equal to the block's in every column, or MR_NO_KEYED_ROW.  `content` is
 * the row's of mr_keyed_row_content. */
uint32_t mr_keyed_rows_find(const MrKeyedRows *store, const MrBlock *block, uint32_t from,
                            uint64_t content);
/* A hash of all columns for every row of the block, in the arena. */
MrStatus mr_keyed_row_content(const MrBlock *block, MrArena *arena, uint64_t **out, MrError *err);
/* Whether a stored row equals the block's in every column. */
bool mr_keyed_row_equals(const MrKeyedRows *store, uint32_t row, const MrBlock *block,
                         uint32_t from);
/* Whether the stored row's key equals the encoded one (without NULLs). */
bool mr_keyed_rows_has_key(const MrKeyedRows *store, uint32_t row, const char *key);
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

/* keyed_rows_index.c: of a row that is kept from now on, or no longer. */
MrStatus mr_keyed_index_add(MrKeyedRows *store, uint32_t row, MrError *err);
void mr_keyed_index_remove(MrKeyedRows *store, uint32_t row);

/* All rows with weights and counts, as blocks (keyed_rows_state.c). */
MrStatus mr_keyed_rows_snapshot(const MrKeyedRows *store, MrStateWriter *writer, MrError *err);
/* Into an empty store. */
MrStatus mr_keyed_rows_restore(MrKeyedRows *store, MrStateReader *reader, MrError *err);

#endif
