/*
 * server/ingest_rows.h - blocks of given columns to blocks of all columns of a stream: absent
 * values, defaults, generated columns, NULL times, COPY's WHERE, NOT NULL.  Private to ingest.
 * Must not know codecs or the log.
 */
#ifndef MR_SERVER_INGEST_ROWS_H
#define MR_SERVER_INGEST_ROWS_H

#include "server/ingest.h"

typedef struct MrIngestRows MrIngestRows;

typedef struct MrIngestRowsOptions {
    MrClock *clock;
    const MrCatalog *catalog;   /* keeps */
    const MrRelation *relation; /* keeps; a stream */
    const uint32_t *given;
    uint32_t given_count;
    const MrTimezone *zone;
    MrAbsent absent;
    const MrExpr *where; /* keeps; over the stream's columns; NULL: all rows */
    bool fail_on_bad_row;
    void (*reject)(void *context, const MrBlock *block, uint32_t row, const MrError *reason);
    void *reject_context;
} MrIngestRowsOptions;

MrStatus mr_ingest_rows_create(const MrIngestRowsOptions *options, MrIngestRows **out,
                               MrError *err);
void mr_ingest_rows_destroy(MrIngestRows *rows); /* accepts NULL */
/* The block to log, without the rows that were skipped or rejected (*out NULL: none is left).  It
 * shares data with `in` and lives until the next call. */
MrStatus mr_ingest_rows_make(MrIngestRows *rows, const MrBlock *in, const MrBlock **out,
                             MrError *err);
/* True when a decoder must leave NULLs of the given column to us, since they are no error yet. */
bool mr_ingest_rows_takes_null(const MrIngestRows *rows, uint32_t given_index);

#endif
