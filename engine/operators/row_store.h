/*
 * engine/operators/row_store.h - rows kept one by one, as the operators need them that give every
 * row a place in an order (OVER, top-N).  A row is one piece of fixed width from a slab; the bytes
 * of its long texts are one more piece.  Must not know partitions, frames or functions.
 */
#ifndef MR_ENGINE_OPERATORS_ROW_STORE_H
#define MR_ENGINE_OPERATORS_ROW_STORE_H

#include "engine/operator.h"
#include "engine/key_batch.h"
#include "engine/operators/piece_pool.h"

/* Cells side by side, each aligned to its width (8 at most), then a byte per column: 1 is NULL. */
typedef struct MrRowLayout {
    uint32_t column_count, bytes, nulls_offset;
    const MrColumn *columns;
    uint32_t *offsets;
    bool has_text;
} MrRowLayout;

enum {
    MR_ROW_EMITTED = 1, /* its row stands in the output */
    MR_ROW_EMPTY = 2,   /* its cells are still to come */
};

typedef struct MrRow {
    uint64_t prefix;  /* of the first sort key: rows with a smaller one come first */
    uint64_t arrival; /* counts the rows as they came */
    uint64_t group;   /* number of its peer group in the partition */
    char *text;       /* long texts of its cells; NULL: none */
    char *out_text;   /* of its stored results */
    uint32_t text_bytes, out_text_bytes;
    int32_t weight; /* while it waits: copies that come, or go (negative) */
    uint32_t flags;
} MrRow; /* the input's cells follow, then the results' */

/* How rows are ordered: by the sort keys, then by arrival or by value. */
typedef struct MrRowOrder {
    const MrSortKey *keys;
    uint32_t key_count;
    bool by_value; /* rows with equal keys: by `ties`, then by all columns */
    const uint32_t *ties;
    uint32_t tie_count;
} MrRowOrder;

typedef struct MrRowStore {
    MrRowLayout in, out;
    MrRowOrder order;
    MrMemory *memory;
    uint32_t row_bytes;
    MrSlabs slabs;
    MrRow *free; /* linked through `text` */
    char *next;  /* what is left of the last slab */
    size_t left_bytes;
    MrPiecePool texts;
    uint64_t live;
    uint64_t arrivals;
} MrRowStore;

/* `out_first`: the columns of `output` from here on are results that a row stores; column_count:
 * none.  Keeps schemas, order and memory. */
MrStatus mr_row_store_init(MrRowStore *store, MrArena *arena, const MrSchema *input,
                           const MrSchema *output, uint32_t out_first, const MrRowOrder *order,
                           MrMemory *memory, MrError *err);
void mr_row_store_fini(MrRowStore *store);

/* The order that a spec wants, and the types of its partition's columns (54011 above
 * MR_KEYS_MAX). */
MrRowOrder mr_row_order_of(const MrOrderedSpec *spec);
MrStatus mr_partition_key_types(const MrOrderedSpec *spec, const MrSchema *input, MrTypeId *types,
                                MrError *err);

/* A row with zeroed header and cells. */
MrStatus mr_row_new(MrRowStore *store, MrRow **out, MrError *err);
void mr_row_free(MrRowStore *store, MrRow *row);
/* Rows of a block, one for each, in their order; `rows` has room for all of them. */
MrStatus mr_row_load(MrRowStore *store, const MrBlock *block, MrRow **rows, MrArena *arena,
                     MrError *err);
/* The prefix of each row of a block. */
void mr_row_prefixes(const MrRowStore *store, const MrBlock *block, uint64_t *out);
/* The prefix of a row whose cells are there (after a restore). */
void mr_row_set_prefix(const MrRowStore *store, MrRow *row);
/* Cells of the rows from those of the block's rows `from` (NULL: 0, 1, …).  Long text is borrowed
 * from the block until mr_row_own_text. */
void mr_row_set_cells(const MrRowStore *store, const MrBlock *block, const uint32_t *from,
                      MrRow *const *rows, uint32_t count);
/* Long text of the row's cells that it borrows becomes its own. */
MrStatus mr_row_own_text(MrRowStore *store, MrRow *row, MrError *err);
/* Gives back the text that the row owns: its cells are not to be read any more. */
void mr_row_drop_text(MrRowStore *store, MrRow *row);
int64_t mr_row_store_bytes(const MrRowStore *store);

static inline char *mr_row_cells(MrRow *row)
{
    return (char *)(row + 1);
}
static inline const void *mr_row_cell(const MrRowStore *store, const MrRow *row, uint32_t column)
{
    return (const char *)(row + 1) + store->in.offsets[column];
}
/* The first of the results: top-N's number. */
static inline int64_t *mr_row_number(const MrRowStore *store, MrRow *row)
{
    return (int64_t *)(void *)(mr_row_cells(row) + store->in.bytes + store->out.offsets[0]);
}
static inline bool mr_row_is_null(const MrRowStore *store, const MrRow *row, uint32_t column)
{
    return ((const char *)(row + 1))[store->in.nulls_offset + column] != 0;
}

/* By the sort keys alone: 0 for peers. */
int mr_row_compare_keys(const MrRowStore *store, const MrRow *a, const MrRow *b);
/* Total: 0 only for rows whose every cell is the same, byte for byte (by_value), or the row
 * itself. */
int mr_row_compare(const MrRowStore *store, const MrRow *a, const MrRow *b);
/* Values that are equal and look different (1.0 and 1.00) are ordered too. */
int mr_cell_compare_looks(MrTypeId type, const void *a, const void *b);

/* Whether the stored results are those at `index` of the vectors. */
bool mr_row_results_are(const MrRowStore *store, const MrRow *row, const MrVector *results,
                        uint32_t index);
MrStatus mr_row_store_results(MrRowStore *store, MrRow *row, const MrVector *results,
                              uint32_t index, MrError *err);

/* The input's cells and the arrival as bytes, and back. */
void mr_row_write(const MrRowStore *store, const MrRow *row, MrStateWriter *writer);
MrStatus mr_row_read(MrRowStore *store, MrStateReader *reader, MrRow **out, MrError *err);

/* Rows to be sent, in a micro-batch's arena. */
typedef struct MrRowList {
    MrRow **rows;
    uint32_t count, capacity;
} MrRowList;
MrStatus mr_row_list_reserve(MrRowList *list, uint32_t more, MrBatch *batch);
static inline MrStatus mr_row_list_add(MrRowList *list, MrRow *row, MrBatch *batch)
{
    if (list->count == list->capacity) {
        MR_TRY(mr_row_list_reserve(list, 1, batch));
    }
    list->rows[list->count++] = row;
    return MR_OK;
}
/* Into the store's order. */
void mr_row_list_sort(MrRowList *list, MrRowStore *store);
/* Emits the rows with their stored results behind them. */
MrStatus mr_row_send(MrOperator *op, const MrRowStore *store, MrRow *const *rows, uint32_t count,
                     int32_t weight, MrBatch *batch);

#endif
