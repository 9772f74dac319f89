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
    uint32_t first; /* among the chosen rows: the chunk's, `row_count` of them */
} ScanChunk;

struct MrTableScan {
    MrColumn *columns; /* the table's and one for places: the scan may outlive the table */
    uint32_t column_count;
    uint64_t born_upto, died_upto; /* rows that were there by then, and did not end by then */
    ScanChunk *chunks;
    uint32_t count, at;
    uint32_t *chosen; /* rows of the chunks that a look-up found; NULL: all rows */
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
                           .born_upto = upto,
                           .died_upto = upto,
                           .chunks = chunks };
    if (upto == MR_TABLE_UNCOMMITTED) {
        scan->died_upto = TABLE_ALIVE - 1;
    } else if (upto >= TABLE_PENDING) {
        scan->died_upto = upto | TABLE_DYING;
    }
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

/* Only these rows, in order of their places.  Closes the scan when it fails. */
static MrStatus choose_rows(MrTableScan *scan, const MrTable *table, const uint32_t *places,
                            uint32_t count, MrError *err)
{
    scan->chosen = malloc((count + 1) * sizeof *scan->chosen);
    if (scan->chosen == NULL) {
        mr_table_scan_close(scan);
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = places[i] >> TABLE_CHUNK_SHIFT;
        if (scan->count == 0 || scan->chunks[scan->count - 1].index != index) {
            add_chunk(scan, table, index);
            scan->chunks[scan->count - 1].first = i;
            scan->chunks[scan->count - 1].row_count = 0;
        }
        scan->chosen[i] = table_row(places[i]);
        scan->chunks[scan->count - 1].row_count++;
    }
    return MR_OK;
}

/* Too much was changed since for the indexes, which know what lives now. */
static bool is_beyond_indexes(const MrTable *table, uint64_t upto)
{
    if (upto < TABLE_PENDING) {
        return table->change_count > TABLE_SEARCHED_CHANGES;
    }
    return table->change_count > 0 && (TABLE_PENDING | table->command) > upto;
}

MrStatus mr_table_scan_open_key(MrTable *table, uint64_t upto, const MrDatum *values,
                                uint32_t value_count, MrTableScan **out, MrError *err)
{
    const bool is_committed = upto < TABLE_PENDING;
    uint32_t *places, count;
    if (is_beyond_indexes(table, upto)) {
        return mr_table_scan_open(table, upto, out, err);
    }
    MR_TRY(table_key_places(table, values, value_count, is_committed, &places, &count, err));
    MrStatus status = scan_create(table, upto, out, err);
    if (status == MR_OK) {
        status = choose_rows(*out, table, places, count, err);
    }
    free(places);
    return status;
}

MrStatus mr_table_scan_open_index(MrTable *table, uint64_t upto, uint32_t index_id,
                                  const MrDatum *values, uint32_t value_count, MrTableScan **out,
                                  MrError *err)
{
    const bool is_committed = upto < TABLE_PENDING;
    uint32_t *places, count;
    bool found;
    if (is_beyond_indexes(table, upto)) {
        return mr_table_scan_open(table, upto, out, err);
    }
    MR_TRY(table_secondary_places(table, index_id, values, value_count, is_committed, &places,
                                  &count, &found, err));
    if (!found) {
        return mr_table_scan_open(table, upto, out, err);
    }
    MrStatus status = scan_create(table, upto, out, err);
    if (status == MR_OK) {
        status = choose_rows(*out, table, places, count, err);
    }
    free(places);
    return status;
}

void mr_table_scan_close(MrTableScan *scan)
{
    if (scan != NULL) {
        for (uint32_t c = 0; c < scan->count; c++) {
            table_chunk_release(scan->chunks[c].chunk);
        }
        free(scan->chunks);
        free(scan->chosen);
        free(scan->columns);
        free(scan);
    }
}

static uint32_t visible_rows(const MrTableScan *scan, const ScanChunk *from, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->row_count; i++) {
        uint32_t row = scan->chosen != NULL ? scan->chosen[from->first + i] : i;
        bool is_seen = table_born(from->chunk, row) <= scan->born_upto &&
                       table_died(from->chunk, row) > scan->died_upto;
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
