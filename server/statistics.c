/*
 * server/statistics.c - see statistics.h.
 *
 * A table is read through, and every n-th row is taken; of a stream some runs of rows are taken,
 * from places that lie evenly in the log.
 */
#include "server/statistics.h"

#include <stdlib.h>

#include "engine/key_batch.h"
#include "planner/statistics.h"
#include "server/tables.h"

enum {
    SAMPLE_ROWS = 16384,
    STREAM_RUNS = 16, /* so many rows of each as make SAMPLE_ROWS together */
    KEPT_MAX = 256,
};

typedef struct Kept {
    uint32_t stream_id;
    int32_t column;
    uint64_t logged; /* rows, of a table changes, when it was found out */
    int64_t distinct;
} Kept;

struct MrStatistics {
    Kept kept[KEPT_MAX];
    uint32_t count, next;
};

void mr_statistics_destroy(MrServer *server)
{
    free(server->statistics);
    server->statistics = NULL;
}

/* ---- A sample -------------------------------------------------------------------------------- */

typedef struct Sample {
    uint32_t column;
    uint64_t *hashes; /* SAMPLE_ROWS of them at most */
    uint32_t count;   /* … there are */
    uint32_t seen;    /* with the NULLs among them */
    MrArena arena;    /* of one block */
} Sample;

/* Rows first, first + step … of the block, before `end`. */
static MrStatus take_rows(Sample *sample, const MrBlock *block, uint32_t first, uint32_t end,
                          uint32_t step, MrError *err)
{
    if (sample->column >= block->column_count) {
        return MR_OK; /* rows from before the column was there */
    }
    const MrVector *vector = &block->columns[sample->column];
    MrKeyLayout layout;
    MrKeyBatch keys;
    MrTypeId type = vector->type.id;
    MR_TRY(mr_key_layout_init(&layout, &type, 1, err));
    MR_TRY(mr_key_batch_encode(&layout, &sample->arena, &vector, block->row_count, &keys, err));
    for (uint32_t row = first; row < end && sample->seen < SAMPLE_ROWS; row += step) {
        sample->seen++;
        if (keys.nulls == NULL || keys.nulls[row] == 0) {
            sample->hashes[sample->count++] = keys.hashes[row];
        }
    }
    return MR_OK;
}

static MrStatus sample_table(MrServer *server, MrTable *table, uint64_t rows, Sample *sample,
                             MrError *err)
{
    const uint32_t step = (uint32_t)(1 + rows / SAMPLE_ROWS);
    const MrBlock *block;
    MrTableScan *scan;
    uint32_t skip = 0; /* rows of the next block before the one that is taken */
    MR_TRY(mr_table_scan_open(table, mr_log_appended(server->log), &scan, err));
    MrStatus status = mr_table_scan_next(scan, &sample->arena, &block, err);
    while (status == MR_OK && block != NULL && sample->seen < SAMPLE_ROWS) {
        const uint32_t count = block->row_count;
        status = take_rows(sample, block, skip, count, step, err);
        skip = skip < count ? (step - (count - skip) % step) % step : skip - count;
        mr_arena_reset(&sample->arena);
        if (status == MR_OK) {
            status = mr_table_scan_next(scan, &sample->arena, &block, err);
        }
    }
    mr_table_scan_close(scan);
    return status;
}

/* One record's rows, from `from` on; *next: where the next run may begin. */
static MrStatus sample_record(MrServer *server, uint32_t stream_id, uint64_t from, uint64_t upto,
                              uint32_t rows, Sample *sample, uint64_t *next, MrError *err)
{
    MrLogFilter filter = { .stream_words = stream_id / 64 + 1 };
    MrLogRecord record;
    uint64_t *bits;
    bool found;
    MR_NEW_ARRAY(&sample->arena, bits, filter.stream_words, err);
    filter.streams = bits;
    bits[stream_id / 64] |= UINT64_C(1) << (stream_id % 64);
    MR_TRY(mr_log_read(server->log, from, upto, &filter, &sample->arena, &record, &found, err));
    *next = UINT64_MAX;
    if (!found) {
        return MR_OK;
    }
    MrStatus status = MR_OK;
    *next = record.first_sequence + record.row_count;
    if (record.kind == MR_RECORD_ROWS && record.stream_id == stream_id) {
        uint32_t count = record.block->row_count;
        if (count > rows) {
            count = rows;
        }
        status = take_rows(sample, record.block, 0, count, 1, err);
        *next = record.first_sequence + count;
    }
    mr_log_release(&record);
    return status;
}

static MrStatus sample_stream(MrServer *server, uint32_t stream_id, const MrLogStreamFacts *facts,
                              Sample *sample, MrError *err)
{
    const bool is_all = facts->rows <= SAMPLE_ROWS;
    const uint64_t first = facts->first_sequence, last = facts->last_sequence;
    const uint64_t apart = is_all ? 1 : (last - first) / STREAM_RUNS + 1;
    uint64_t from = first, next = first;
    while (from <= last && sample->seen < SAMPLE_ROWS) {
        MR_TRY(sample_record(server, stream_id, from, last,
                             is_all ? SAMPLE_ROWS : SAMPLE_ROWS / STREAM_RUNS, sample, &next, err));
        mr_arena_reset(&sample->arena);
        from = from + apart > next ? from + apart : next;
        if (is_all || next == UINT64_MAX) {
            from = next;
        }
    }
    return MR_OK;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t count_distinct(Sample *sample, uint64_t rows)
{
    uint32_t distinct = 0, once = 0;
    if (sample->count == 0) {
        return 0;
    }
    qsort(sample->hashes, sample->count, sizeof *sample->hashes, compare_hashes);
    for (uint32_t i = 0, end; i < sample->count; i = end) {
        for (end = i + 1; end < sample->count && sample->hashes[end] == sample->hashes[i]; end++) {
        }
        distinct++;
        once += end == i + 1;
    }
    double values = (double)rows * sample->count / sample->seen; /* that are not NULL */
    return (int64_t)mr_statistics_distinct(values > sample->count ? values : sample->count,
                                           sample->count, distinct, once);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static int64_t look(MrServer *server, uint32_t stream_id, MrTable *table,
                    const MrLogStreamFacts *facts, uint64_t rows, uint32_t column)
{
    Sample sample = { .column = column };
    MrError ignored = MR_ERROR_INIT; /* then it is not known */
    int64_t distinct = -1;
    sample.hashes = calloc(SAMPLE_ROWS, sizeof *sample.hashes);
    if (sample.hashes == NULL) {
        return -1;
    }
    mr_arena_init(&sample.arena, 0);
    MrStatus status = table != NULL ? sample_table(server, table, rows, &sample, &ignored)
                                    : sample_stream(server, stream_id, facts, &sample, &ignored);
    if (status == MR_OK) {
        distinct = count_distinct(&sample, rows);
    }
    mr_arena_fini(&sample.arena);
    free(sample.hashes);
    return distinct;
}

static Kept *find_kept(MrServer *server, uint32_t stream_id, int32_t column)
{
    struct MrStatistics *statistics = server->statistics;
    for (uint32_t i = 0; i < statistics->count; i++) {
        Kept *kept = &statistics->kept[i];
        if (kept->stream_id == stream_id && kept->column == column) {
            return kept;
        }
    }
    if (statistics->count < KEPT_MAX) {
        statistics->next = statistics->count++;
    }
    Kept *kept = &statistics->kept[statistics->next];
    statistics->next = (statistics->next + 1) % KEPT_MAX;
    *kept = (Kept){ .stream_id = stream_id, .column = column, .distinct = -1 };
    return kept;
}

/* Whether the log has a fifth more of it. */
static bool is_stale(const Kept *kept, uint64_t logged)
{
    return kept->distinct < 0 || logged < kept->logged || logged - kept->logged > kept->logged / 5;
}

int64_t mr_statistics_ask(void *context, const MrRelation *relation, int32_t column)
{
    MrServer *server = context;
    MrLogStreamFacts facts;
    MrTableFacts of_table;
    if (relation->stream == NULL ||
        !mr_log_stream_facts(server->log, relation->stream->id, &facts)) {
        return -1;
    }
    const uint32_t stream_id = relation->stream->id;
    MrTable *table = mr_tables_find(server, stream_id);
    uint64_t rows = facts.rows;
    if (table != NULL) {
        mr_table_facts(table, &of_table);
        rows = of_table.rows;
    }
    if (column < 0) {
        return (int64_t)rows;
    }
    if (server->statistics == NULL) {
        server->statistics = calloc(1, sizeof *server->statistics);
    }
    if (server->statistics == NULL) {
        return -1;
    }
    Kept *kept = find_kept(server, stream_id, column);
    if (is_stale(kept, facts.rows)) {
        kept->distinct = look(server, stream_id, table, &facts, rows, (uint32_t)column);
        kept->logged = facts.rows;
    }
    return kept->distinct;
}
