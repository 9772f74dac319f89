/*
 * storage/sinks/file_rows.h - appends the rows of an epoch to a file, in the format of its sink.
 * Must not know progress.
 */
#ifndef MR_STORAGE_SINKS_FILE_ROWS_H
#define MR_STORAGE_SINKS_FILE_ROWS_H

#include "common/file.h"
#include "storage/sink.h"

/* Writes the rows (each as often as its weight says) at byte `from`, where byte 0 has the header
 * line if the form has one.  *end: the byte behind them, also when it fails.  `scratch` is used
 * and cleared. */
MrStatus mr_file_rows_append(MrFile *file, const MrSinkTable *table, const MrChangeSet *changes,
                             uint64_t from, MrBuilder *scratch, uint64_t *end, MrError *err);

#endif
