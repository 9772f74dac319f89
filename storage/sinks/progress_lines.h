/*
 * storage/sinks/progress_lines.h - the progress of queries whose target keeps no rows, in a small
 * text file with one line per query:
 *
 *     query generation owner epoch sequence upserts deletes checksum
 *
 * A line lies within one sector, so that a power cut leaves the old one or the new one.  Must not
 * know rows.
 */
#ifndef MR_STORAGE_SINKS_PROGRESS_LINES_H
#define MR_STORAGE_SINKS_PROGRESS_LINES_H

#include "storage/sinks/sinks.h"

typedef struct MrProgressLine {
    char id[MR_UUID_TEXT_BYTES], owner[MR_UUID_TEXT_BYTES];
    MrProgress progress;
    uint64_t upserts, deletes, checksum;
} MrProgressLine;

typedef struct MrProgressLines MrProgressLines;

/* Reads the file, which is made where there is none. */
MrStatus mr_progress_lines_open(const char *path, MrProgressLines **out, MrError *err);
void mr_progress_lines_close(MrProgressLines *lines); /* accepts NULL */

/* As MrSinkClass's create_table, drop_table and attach want it: on the disk when they return. */
MrStatus mr_progress_lines_create(MrProgressLines *lines, const uint8_t query[16],
                                  const uint8_t nonce[16], MrError *err);
MrStatus mr_progress_lines_drop(MrProgressLines *lines, const uint8_t query[16], MrError *err);
MrStatus mr_progress_lines_attach(MrProgressLines *lines, const uint8_t query[16],
                                  int64_t generation, const uint8_t nonce[16], MrProgress *out,
                                  MrError *err);

/* The query's line, to be changed and then written; valid until the next create or drop.  42P01:
 * it has none. */
MrStatus mr_progress_lines_find(MrProgressLines *lines, const uint8_t query[16],
                                MrProgressLine **out, MrError *err);
/* Moves the line to the epoch, which must be the next one of its generation (40001). */
MrStatus mr_progress_line_advance(MrProgressLine *line, const MrEpoch *epoch, MrError *err);
/* Counts once mr_progress_lines_sync has returned. */
MrStatus mr_progress_lines_write(MrProgressLines *lines, const MrProgressLine *line, MrError *err);
MrStatus mr_progress_lines_sync(MrProgressLines *lines, MrError *err);

#endif
