/*
 * storage/sinks/sift.h - on_sink_error = 'dead_letter': finds the rows of an epoch that the target
 * refuses and writes them to the dead-letter table instead, in the epoch's transaction.  Must not
 * know either database.
 */
#ifndef MR_STORAGE_SINKS_SIFT_H
#define MR_STORAGE_SINKS_SIFT_H

#include "storage/sinks/sinks.h"

typedef enum MrSiftKind { MR_SIFT_INSERT, MR_SIFT_UPSERT, MR_SIFT_DELETE } MrSiftKind;

/* Counts the rows of a table, inside a transaction that is open. */
typedef MrStatus MrSinkCount(MrSink *sink, const MrSinkTable *table, uint64_t *out, MrError *err);

/* What it needs of a class of sinks, inside a transaction that is open. */
typedef struct MrSiftClass {
    /* A statement without parameters: SAVEPOINT and what ends it. */
    MrStatus (*run)(MrSink *sink, const char *sql, MrError *err);
    MrStatus (*write)(MrSink *sink, const MrSinkTable *table, MrSiftKind kind, const MrBlock *block,
                      MrError *err);
    MrSinkCount *count;
} MrSiftClass;

/* Writes the changes of an epoch whose `dead` is set, those that class 22 or 23 refuses to the
 * dead-letter table, and counts that table's rows.  A key whose new row is refused has no row.  The
 * error of a row that is one too many is the target's own. */
MrStatus mr_sink_sift(const MrSiftClass *sift, MrSink *sink, const MrEpoch *epoch, MrError *err);
/* The rows of the table's dead-letter table; *out stays as it is where the table keeps none, or is
 * NULL. */
MrStatus mr_sink_count_dead(MrSinkCount *count, MrSink *sink, const MrSinkTable *table,
                            uint64_t *out, MrError *err);

#endif
