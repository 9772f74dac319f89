/*
 * storage/table_internal.h - chunks of rows and their index, shared by table*.c only.
 */
#ifndef MR_STORAGE_TABLE_INTERNAL_H
#define MR_STORAGE_TABLE_INTERNAL_H

#include "storage/table.h"

/* A place is a chunk's index and a row of it. */
enum { TABLE_CHUNK_SHIFT = 11, TABLE_CHUNK_ROWS = 1 << TABLE_CHUNK_SHIFT, TABLE_CHUNK_FIRST = 32 };

/* `born` of a row that is not committed, and `died` of one that was deleted and not committed, each
 * with the number of its statement; `died` of one that lives.  All are above every sequence, so
 * that scans need not know. */
#define TABLE_PENDING (UINT64_C(1) << 63)
#define TABLE_DYING (UINT64_C(3) << 62)
#define TABLE_ALIVE UINT64_MAX

typedef struct TableColumn {
    char *data;
    uint8_t *nulls; /* a byte a row: readers look while the writer adds rows beside theirs */
} TableColumn;

/* Cells are written once, before `born` and the writer's row count tell of them. */
typedef struct TableChunk {
    _Atomic uint32_t references;
    uint32_t capacity, row_count, dead_count;
    MrTableMemory *memory;
    int64_t bytes;
    TableColumn *_Atomic columns; /* made anew when a column comes: see mr_table_add_columns */
    _Atomic uint64_t *born, *died;
    uint32_t *next; /* in the chain of its bucket */
    uint32_t *hashes;
    MrArena texts;
    int64_t text_bytes; /* of `texts`, as charged */
} TableChunk;

typedef struct TableChange {
    uint32_t place;
    bool is_delete;
} TableChange;

/* An index besides the key's. */
typedef struct TableSecondary TableSecondary;

struct MrTable {
    char *name;
    MrSchema schema; /* without names */
    uint32_t *keys;
    uint32_t key_count;
    int32_t number_column;
    MrTableMemory *memory;
    TableChunk **chunks; /* NULL: freed, its index can be used again */
    uint32_t chunk_count, chunk_capacity, free_count;
    uint32_t tail; /* index of the chunk that takes the next row */
    uint32_t *buckets;
    uint32_t bucket_count; /* a power of two */
    uint32_t indexed_count;
    TableSecondary *secondaries;
    int64_t next_number;
    uint64_t command;
    TableChange *changes;
    uint32_t change_count, change_capacity;
    uint64_t row_count, dead_count; /* committed; dead ones that still take room */
};

static inline TableChunk *table_chunk(const MrTable *table, uint32_t place)
{
    return table->chunks[place >> TABLE_CHUNK_SHIFT];
}
static inline uint32_t table_row(uint32_t place)
{
    return place & (TABLE_CHUNK_ROWS - 1);
}
static inline TableColumn *table_columns(const TableChunk *chunk)
{
    return atomic_load_explicit(&chunk->columns, memory_order_acquire);
}
static inline uint64_t table_born(const TableChunk *chunk, uint32_t row)
{
    return atomic_load_explicit(&chunk->born[row], memory_order_relaxed);
}
static inline uint64_t table_died(const TableChunk *chunk, uint32_t row)
{
    return atomic_load_explicit(&chunk->died[row], memory_order_relaxed);
}

/* Bytes of the server's limit for tables; 53200 beyond it. */
MrStatus table_charge(const MrTable *table, int64_t bytes, MrError *err);
void table_uncharge(MrTableMemory *memory, int64_t bytes);

/* ---- table.c --------------------------------------------------------------------------------- */

/* A row as it was stored, with its number: uncommitted until mr_table_commit. */
MrStatus table_load_row(MrTable *table, const MrBlock *block, uint32_t row, MrError *err);

/* ---- table_chunk.c --------------------------------------------------------------------------- */

/* The chunk that the next row goes to: small ones first, so that small tables are small. */
MrStatus table_tail(MrTable *table, TableChunk **out, MrError *err);
MrStatus table_put_cell(const MrTable *table, TableChunk *chunk, uint32_t column, uint32_t row,
                        const MrVector *from, uint32_t from_row, MrError *err);
/* Columns behind the first `had`, as rows from before them have them.  The old array of columns
 * stays for scans that look at it. */
MrStatus table_chunk_add_columns(TableChunk *chunk, uint32_t had, const MrSchema *schema,
                                 MrError *err);
void table_chunk_release(TableChunk *chunk); /* accepts NULL */
/* Cells of the chunk's rows into vectors of as many rows; text is borrowed. */
MrStatus table_chunk_gather(const TableChunk *chunk, const MrSchema *schema, const uint32_t *rows,
                            uint32_t count, uint32_t at, MrBlock *out, MrArena *arena,
                            MrError *err);

/* ---- table_index.c --------------------------------------------------------------------------- */

uint32_t table_key_hash(const MrTable *table, const MrBlock *block, uint32_t row);
/* Room for one more row. */
MrStatus table_index_grow(MrTable *table, MrError *err);
/* Into and out of all indexes.  The row's hash by the key is in its chunk already. */
void table_index_add(MrTable *table, uint32_t place);
void table_index_remove(MrTable *table, uint32_t place);
/* The committed row with that key which the writer has deleted and not committed. */
uint32_t table_find_ended(const MrTable *table, const MrBlock *block, uint32_t row);
/* The values of one look-up as the one row of a block of the table's columns. */
MrStatus table_value_block(const MrTable *table, const uint32_t *columns, uint32_t column_count,
                           const MrDatum *values, MrArena *arena, MrBlock **out, MrError *err);
/* Ascending, each once; how many are left. */
uint32_t table_sort_places(uint32_t *places, uint32_t count);
/* Rows with one of the values of the key, for the caller to free: living ones, or those that are
 * there without what the writer has not committed (and perhaps some that are not). */
MrStatus table_key_places(const MrTable *table, const MrDatum *values, uint32_t value_count,
                          bool is_committed, uint32_t **places, uint32_t *count, MrError *err);

/* ---- table_secondary.c ----------------------------------------------------------------------- */

/* Room for one more row in the tail chunk. */
MrStatus table_secondary_reserve(MrTable *table, MrError *err);
void table_secondary_add(MrTable *table, uint32_t place);
void table_secondary_remove(MrTable *table, uint32_t place);
/* The chunk goes; none of its rows is in an index. */
void table_secondary_forget_chunk(MrTable *table, uint32_t chunk);
void table_secondary_destroy_all(MrTable *table);
/* The same by an index, ascending; *found false: there is no such index. */
MrStatus table_secondary_places(const MrTable *table, uint32_t id, const MrDatum *values,
                                uint32_t value_count, bool is_committed, uint32_t **places,
                                uint32_t *count, bool *found, MrError *err);

#endif
