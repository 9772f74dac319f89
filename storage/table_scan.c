/*
 * storage/table_scan.c - the rows of a table as of a sequence: see table.h.
 * The chunks and how many rows each had are noted when the scan is opened; what the writer adds,
 * ends or tidies up afterwards is above the scan's sequence, or in chunks that it holds.
 */
#include "storage/table.h"

#include <stdlib.h>

#include "storage/table_internal.h"

/* More uncommitted changes than these are not searched for one key: all rows are read instead. */
enum { TABLE_SEARCHED_CHANGES = 65536 };

typedef struct ScanChunk {
    TableChunk *chunk; /* a reference */
    uint32_t index, row_count;
} ScanChunk;

struct MrTableScan {
    MrColumn *columns; /* the table's and one for places: the scan may outlive the table */
    uint32_t column_count;
    uint64_t upto;
    ScanChunk *chunks;
    uint32_t count, at;
    int64_t only_row; /* of the one chunk; -1: all */
};

static MrStatus scan_create(const MrTable *table, uint64_t upto, MrTableScan **out, MrError *err)
{
    MrTableScan *scan = calloc(1, sizeof *scan);
    ScanChunk *chunks = calloc((size_t)table->chunk_count + 1, sizeof *chunks);
    MrColumn *columns = calloc((size_t)table->schema.column_count + 1, sizeof *columns);
    if (scan == NULL || chunks == NULL || columns == NULL) {
        free(scan);
        free(chunks);
        free(columns);
        return mr_error_no_memory(err);
    }
    *scan = (MrTableScan){ .columns = columns,
                           .column_count = table->schema.column_count,
                           .upto = upto,
                           .chunks = chunks,
                           .only_row = -1 };
    memcpy(columns, table->schema.columns, scan->column_count * sizeof *columns);
    columns[scan->column_count].type = mr_type(MR_TYPE_INT64);
    *out = scan;
    return MR_OK;
}

static void add_chunk(MrTableScan *scan, const MrTable *table, uint32_t index)
{
    TableChunk *chunk = table->chunks[index];
    if (chunk != NULL && chunk->row_count > 0) {
        atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
        scan->chunks[scan->count++] =
            (ScanChunk){ .chunk = chunk, .index = index, .row_count = chunk->row_count };
    }
}

MrStatus mr_table_scan_open(MrTable *table, uint64_t upto, MrTableScan **out, MrError *err)
{
    MR_TRY(scan_create(table, upto, out, err));
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        add_chunk(*out, table, c);
    }
    return MR_OK;
}

/* The values as the one row of a block of the table's columns. */
static MrStatus key_block(const MrTable *table, const MrDatum *values, MrArena *arena,
                          MrBlock **out, MrError *err)
{
    MR_TRY(mr_block_create(arena, &table->schema, 1, out, err));
    for (uint32_t k = 0; k < table->key_count; k++) {
        mr_datum_store(&values[k], (*out)->columns[table->keys[k]].data);
    }
    return MR_OK;
}

MrStatus mr_table_scan_open_key(MrTable *table, uint64_t upto, const MrDatum *values,
                                MrTableScan **out, MrError *err)
{
    MrArena arena;
    MrBlock *block;
    bool is_committed = upto != MR_TABLE_UNCOMMITTED;
    if (is_committed && table->change_count > TABLE_SEARCHED_CHANGES) {
        return mr_table_scan_open(table, upto, out, err);
    }
    mr_arena_init(&arena, 0);
    MrStatus status = key_block(table, values, &arena, &block, err);
    uint32_t place = MR_TABLE_NO_ROW;
    if (status == MR_OK && is_committed) {
        place = table_find_ended(table, block, 0); /* the index knows the writer's rows */
    }
    if (status == MR_OK && place == MR_TABLE_NO_ROW) {
        place = mr_table_find(table, block, 0);
    }
    mr_arena_fini(&arena);
    MR_TRY(status);
    MR_TRY(scan_create(table, upto, out, err));
    if (place != MR_TABLE_NO_ROW) {
        add_chunk(*out, table, place >> TABLE_CHUNK_SHIFT);
        (*out)->only_row = table_row(place);
    }
    return MR_OK;
}

void mr_table_scan_close(MrTableScan *scan)
{
    if (scan != NULL) {
        for (uint32_t c = 0; c < scan->count; c++) {
            table_chunk_release(scan->chunks[c].chunk);
        }
        free(scan->chunks);
        free(scan->columns);
        free(scan);
    }
}

static uint32_t visible_rows(const MrTableScan *scan, const ScanChunk *from, uint32_t *rows)
{
    uint32_t count = 0;
    uint32_t first = scan->only_row >= 0 ? (uint32_t)scan->only_row : 0;
    uint32_t end = scan->only_row >= 0 ? first + 1 : from->row_count;
    for (uint32_t row = first; row < end; row++) {
        uint64_t died = table_died(from->chunk, row);
        bool is_seen = scan->upto == MR_TABLE_UNCOMMITTED
                           ? died == TABLE_ALIVE
                           : table_born(from->chunk, row) <= scan->upto && died > scan->upto;
        rows[count] = row;
        count += is_seen;
    }
    return count;
}

static MrStatus make_block(const MrTableScan *scan, const ScanChunk *from, const uint32_t *rows,
                           uint32_t count, MrArena *arena, const MrBlock **out, MrError *err)
{
    MrSchema with_place = { scan->column_count + 1, scan->columns };
    MrSchema schema = { scan->column_count, scan->columns };
    MrBlock *block;
    MR_TRY(mr_block_create(arena, &with_place, count, &block, err));
    MR_TRY(table_chunk_gather(from->chunk, &schema, rows, count, 0, block, arena, err));
    int64_t *places = block->columns[scan->column_count].data;
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (int64_t)from->index << TABLE_CHUNK_SHIFT | rows[i];
    }
    *out = block;
    return MR_OK;
}

MrStatus mr_table_scan_next(MrTableScan *scan, MrArena *arena, const MrBlock **out, MrError *err)
{
    uint32_t rows[TABLE_CHUNK_ROWS];
    *out = NULL;
    while (scan->at < scan->count) {
        const ScanChunk *from = &scan->chunks[scan->at++];
        uint32_t count = visible_rows(scan, from, rows);
        if (count > 0) {
            return make_block(scan, from, rows, count, arena, out, err);
        }
    }
    return MR_OK;
}
