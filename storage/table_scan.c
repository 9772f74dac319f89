/*
 * storage/table_scan.c - the rows of a table as of a sequence: see table.h.
 * The chunks and how many rows each had are noted when the scan is opened; what the writer adds,
 * ends or tidies up afterwards is above the scan's sequence, or in chunks that it holds.
 */
#include "storage/table.h"

#include <stdlib.h>

#include "storage/table_internal.h"

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
};

MrStatus mr_table_scan_open(MrTable *table, uint64_t upto, MrTableScan **out, MrError *err)
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
                           .chunks = chunks };
    memcpy(columns, table->schema.columns, scan->column_count * sizeof *columns);
    columns[scan->column_count].type = mr_type(MR_TYPE_INT64);
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        TableChunk *chunk = table->chunks[c];
        if (chunk != NULL && chunk->row_count > 0) {
            atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
            scan->chunks[scan->count++] =
                (ScanChunk){ .chunk = chunk, .index = c, .row_count = chunk->row_count };
        }
    }
    *out = scan;
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
    for (uint32_t row = 0; row < from->row_count; row++) {
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
