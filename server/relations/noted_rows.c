/*
 * server/relations/noted_rows.c - millrace.late_rows, millrace.row_errors: rows that a query left
 * out.  Their text is read back from the log by sequence, so that nobody pays for it before
 * somebody asks.
 */
#include "server/relations/rows.h"
#include "storage/row_text.h"
#include "server/scheduler.h"

/* What is collected under the scheduler's lock, which reading the log must not hold. */
typedef struct Noted {
    MrRows *rows;
    MrNotedRow *items;
    uint32_t count, capacity;
} Noted;

static void note(void *context, const MrNotedRow *row)
{
    Noted *noted = context;
    if (noted->count == noted->capacity) {
        uint32_t capacity = noted->capacity > 0 ? noted->capacity * 2 : 64;
        MrNotedRow *items = mr_arena_alloc(noted->rows->arena, capacity * sizeof *items);
        if (items == NULL) {
            mr_error_no_memory(&noted->rows->error);
            return;
        }
        if (noted->count > 0) {
            memcpy(items, noted->items, noted->count * sizeof *items);
        }
        noted->items = items;
        noted->capacity = capacity;
    }
    noted->items[noted->count++] = *row;
}

static const MrRelation *stream_find(const MrServer *server, uint32_t stream_id)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->stream != NULL && relation->stream->id == stream_id) {
            return relation;
        }
    }
    return NULL;
}

static void add_block_row(MrRows *rows, const MrLogRecord *record, uint64_t sequence)
{
    const MrBlock *block = record->block;
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t row = 0; row < block->row_count; row++) {
        if (mr_block_sequence(block, row) == sequence) {
            mr_row_text(block, row, NULL, &text);
            break;
        }
    }
    mr_rows_text(rows, text.length > 0 ? mr_builder_text(&text) : NULL);
    mr_builder_fini(&text);
}

/* NULL when the log has the row no longer. */
static void add_row_text(MrServer *server, MrRows *rows, uint64_t sequence)
{
    MrArena arena;
    MrLogRecord record;
    MrError ignored = MR_ERROR_INIT;
    bool found = false;
    mr_arena_init(&arena, 0);
    MrStatus status =
        mr_log_read(server->log, sequence, sequence, NULL, &arena, &record, &found, &ignored);
    if (status == MR_OK && found && record.kind == MR_RECORD_ROWS && record.block != NULL) {
        add_block_row(rows, &record, sequence);
    } else {
        mr_rows_null(rows);
    }
    if (status == MR_OK && found) {
        mr_log_release(&record);
    }
    mr_arena_fini(&arena);
}

typedef void NotedEach(MrServer *server, const uint8_t id[16],
                       void (*each)(void *context, const MrNotedRow *row), void *context);
typedef void NotedAdd(MrServer *server, MrRows *rows, const MrRelation *query,
                      const MrNotedRow *row);

static void noted_fill(MrServer *server, MrRows *rows, NotedEach *each, NotedAdd *add)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        Noted noted = { .rows = rows };
        if (relation->standing == NULL) {
            continue;
        }
        each(server, relation->standing->id, note, &noted);
        for (uint32_t n = 0; n < noted.count; n++) {
            mr_rows_begin(rows);
            add(server, rows, relation, &noted.items[n]);
        }
    }
}

static const MrColumn late_columns[] = {
    MR_RELATION_COLUMN("query", TEXT),
    MR_RELATION_COLUMN("stream", TEXT),
    MR_RELATION_COLUMN("sequence", INT64),
    MR_RELATION_COLUMN("event_time", TIMESTAMPTZ),
    MR_RELATION_COLUMN("watermark", TIMESTAMPTZ),
    MR_RELATION_COLUMN("row", TEXT),
};

static void add_late(MrServer *server, MrRows *rows, const MrRelation *query, const MrNotedRow *row)
{
    const MrRelation *stream = stream_find(server, row->stream_id);
    mr_rows_text(rows, query->name);
    mr_rows_text(rows, stream != NULL ? stream->name : NULL);
    mr_rows_count(rows, row->sequence);
    mr_rows_moment(rows, row->event_us);
    mr_rows_time(rows, row->watermark_us);
    add_row_text(server, rows, row->sequence);
}

static MrStatus late_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    noted_fill(server, rows, mr_scheduler_late_rows, add_late);
    return MR_OK;
}

const MrRelationView mr_relation_late_rows = {
    .schema_name = "millrace",
    .name = "late_rows",
    MR_RELATION_COLUMNS(late_columns),
    .fill = late_fill,
};

static const MrColumn error_columns[] = {
    MR_RELATION_COLUMN("query", TEXT),     MR_RELATION_COLUMN("stream", TEXT),
    MR_RELATION_COLUMN("sequence", INT64), MR_RELATION_COLUMN("sqlstate", TEXT),
    MR_RELATION_COLUMN("message", TEXT),   MR_RELATION_COLUMN("row", TEXT),
};

static void add_failed(MrServer *server, MrRows *rows, const MrRelation *query,
                       const MrNotedRow *row)
{
    const MrRelation *stream = stream_find(server, row->stream_id);
    mr_rows_text(rows, query->name);
    mr_rows_text(rows, stream != NULL ? stream->name : NULL);
    mr_rows_count(rows, row->sequence);
    mr_rows_text(rows, row->sqlstate);
    mr_rows_text(rows, row->message);
    add_row_text(server, rows, row->sequence);
}

static MrStatus errors_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    noted_fill(server, rows, mr_scheduler_failed_rows, add_failed);
    return MR_OK;
}

const MrRelationView mr_relation_row_errors = {
    .schema_name = "millrace",
    .name = "row_errors",
    MR_RELATION_COLUMNS(error_columns),
    .fill = errors_fill,
};
