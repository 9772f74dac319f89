/*
 * server/ranges.h - rows of files that the log holds as ranges: when that is possible, what a range
 * says besides its bytes, and how its rows are made again.
 */
#ifndef MR_SERVER_RANGES_H
#define MR_SERVER_RANGES_H

#include "server/ingest.h"
#include "storage/range.h"

typedef enum MrRangeUse {
    MR_RANGES_NEVER,
    MR_RANGES_LARGE, /* where they save much: by themselves */
    MR_RANGES_ALWAYS /* the stream says so */
} MrRangeUse;

MrStatus mr_ranges_create(MrServer *server, MrError *err);
void mr_ranges_destroy(MrServer *server);
/* How the log reads them; its context is the server. */
MrRangeReader mr_ranges_reader(MrServer *server);
/* Tells or changes what the ranges of a file stream are read with; before its first row is read. */
MrStatus mr_ranges_define(MrServer *server, const MrRelation *relation, MrError *err);
void mr_ranges_forget(MrServer *server, uint32_t stream_id);

/* What the stream's options and columns make of it. */
MrRangeUse mr_ranges_use(const MrStream *stream);
/* MR_ERR_UNSUPPORTED with the reason when the stream asks for ranges and cannot have them. */
MrStatus mr_ranges_check(const MrStream *stream, MrError *err);
/* What stands before the source's own part: how the stream reads bytes at this time. */
MrStatus mr_ranges_begin(const MrStream *stream, MrBuilder *out, MrError *err);
MrStatus mr_ranges_source_part(MrString range, MrString *out, MrError *err);

#endif
