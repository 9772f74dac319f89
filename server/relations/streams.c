/*
 * server/relations/streams.c - millrace.streams, millrace.rejected_rows: what came in, and what was
 * refused.
 */
#include <stdio.h>

#include "server/ingest.h"
#include "server/relations/rows.h"

static const MrColumn stream_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),
    MR_RELATION_COLUMN("rows", INT64),
    MR_RELATION_COLUMN("bytes", INT64),
    MR_RELATION_COLUMN("watermark", TIMESTAMPTZ),
    MR_RELATION_COLUMN("last_event", TIMESTAMPTZ),
    MR_RELATION_COLUMN("last_arrival", TIMESTAMPTZ),
    MR_RELATION_COLUMN("first_sequence", INT64),
    MR_RELATION_COLUMN("last_sequence", INT64),
    MR_RELATION_COLUMN("rejected_rows", INT64),
    MR_RELATION_COLUMN("future_rows", INT64),
    MR_RELATION_COLUMN("connector", TEXT),
    MR_RELATION_COLUMN("state", TEXT),
    MR_RELATION_COLUMN("error", TEXT),
    MR_RELATION_COLUMN("source_offset", TEXT),
    MR_RELATION_COLUMN("comment", TEXT),
    MR_RELATION_COLUMN("event_column", TEXT),
    MR_RELATION_COLUMN("watermark_delay_us", INT64),
};

/* What keeps rows from coming: stored rows that are damaged, then the input. */
static const char *stream_state(MrServer *server, const MrStream *stream, MrError *error)
{
    const char *state = "running";
    if (mr_log_stream_error(server->log, stream->id, error) != MR_OK) {
        return "corrupt";
    }
    if (mr_log_input_error(server->log, stream->id, error) != MR_OK) {
        return "input_changed";
    }
    (void)mr_feed_status(server, stream->id, &state, error);
    return state;
}

/* What is wrong, or was: rows that are lost stay lost. */
static const char *stream_trouble(MrServer *server, const MrStream *stream, const MrError *error,
                                  char text[160])
{
    uint64_t from, upto;
    if (error->status != MR_OK) {
        return error->message;
    }
    if (!mr_log_stream_gap(server->log, stream->id, &from, &upto)) {
        return NULL;
    }
    snprintf(text, 160,
             "rows among the sequences %llu to %llu were lost; the log was salvaged without them",
             (unsigned long long)from, (unsigned long long)upto);
    return text;
}

static void add_stream(MrServer *server, MrRows *rows, const MrRelation *relation)
{
    const MrStream *stream = relation->stream;
    MrError error = MR_ERROR_INIT;
    MrLogStreamFacts facts = { .watermark_us = MR_TIME_MIN,
                               .last_arrival_us = MR_TIME_MIN,
                               .last_event_us = MR_TIME_MIN };
    (void)mr_log_stream_facts(server->log, stream->id, &facts);
    bool is_empty = facts.last_sequence == 0;
    char lost[160];
    mr_rows_begin(rows);
    mr_rows_text(rows, relation->name);
    mr_rows_count(rows, facts.rows);
    mr_rows_count(rows, facts.bytes);
    mr_rows_time(rows, facts.watermark_us);
    mr_rows_time(rows, is_empty ? MR_TIME_MIN : facts.last_event_us);
    mr_rows_time(rows, is_empty ? MR_TIME_MIN : facts.last_arrival_us);
    mr_rows_count(rows, facts.first_sequence);
    mr_rows_count(rows, facts.last_sequence);
    mr_rows_count(rows, mr_ingest_rejected(relation->name, NULL, NULL));
    mr_rows_count(rows, facts.future_rows);
    mr_rows_text(rows, stream->connector);
    mr_rows_text(rows, stream_state(server, stream, &error));
    mr_rows_text(rows, stream_trouble(server, stream, &error, lost));
    mr_rows_text(rows, facts.offset[0] != '\0' ? facts.offset : NULL);
    mr_rows_text(rows, relation->comment);
    if (stream->event_column >= 0) {
        mr_rows_text(rows, stream->columns[stream->event_column].name);
        mr_rows_int(rows, stream->delay_us);
    }
}

static MrStatus streams_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->kind == MR_RELATION_STREAM) {
            add_stream(server, rows, relation);
        }
    }
    return MR_OK;
}

const MrRelationView mr_relation_streams = {
    .schema_name = "millrace",
    .name = "streams",
    MR_RELATION_COLUMNS(stream_columns),
    .fill = streams_fill,
};

static const MrColumn rejected_columns[] = {
    MR_RELATION_COLUMN("stream", TEXT),  MR_RELATION_COLUMN("rejected_at", TIMESTAMPTZ),
    MR_RELATION_COLUMN("line", INT64),   MR_RELATION_COLUMN("sqlstate", TEXT),
    MR_RELATION_COLUMN("message", TEXT), MR_RELATION_COLUMN("row", TEXT),
};

typedef struct RejectedRows {
    MrRows *rows;
    const char *stream;
} RejectedRows;

static void add_rejected(void *context, const MrRejectedRow *row)
{
    RejectedRows *rejected = context;
    MrRows *rows = rejected->rows;
    mr_rows_begin(rows);
    mr_rows_text(rows, rejected->stream);
    mr_rows_time(rows, row->at_us);
    if (row->line > 0) {
        mr_rows_count(rows, row->line);
    } else {
        mr_rows_null(rows);
    }
    mr_rows_text(rows, row->sqlstate);
    mr_rows_text(rows, row->message);
    mr_rows_text(rows, row->raw);
}

static MrStatus rejected_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->kind == MR_RELATION_STREAM) {
            RejectedRows rejected = { rows, relation->name };
            mr_ingest_rejected(relation->name, add_rejected, &rejected);
        }
    }
    return MR_OK;
}

const MrRelationView mr_relation_rejected_rows = {
    .schema_name = "millrace",
    .name = "rejected_rows",
    MR_RELATION_COLUMNS(rejected_columns),
    .fill = rejected_fill,
};
