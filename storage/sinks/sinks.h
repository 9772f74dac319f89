/*
 * storage/sinks/sinks.h - what both classes of sinks share: the list of classes, faults by
 * SQLSTATE, checks of names, shapes of key and change set.  Must not know either database's
 * library.
 */
#ifndef MR_STORAGE_SINKS_SINKS_H
#define MR_STORAGE_SINKS_SINKS_H

#include "storage/sink.h"

#define MR_SINK(symbol) extern const MrSinkClass mr_sink_##symbol;
#include "storage/sinks/sinks.def"
#undef MR_SINK

/* PostgreSQL's INDEX_MAX_KEYS: a key of more columns has no unique index there. */
enum { MR_SINK_KEY_COLUMNS_MAX = 32, MR_SINK_COLUMNS_MAX = 1600, MR_SINK_NAME_BYTES_MAX = 63 };
#define MR_UUID_TEXT_BYTES 37

/* What an error asks for, told by its SQLSTATE (reliability.md 2.3); both classes use it. */
MrSinkFault mr_sink_classify(const MrError *err);
/* Names are UTF-8, not empty, of at most 63 bytes; the key is in range. */
MrStatus mr_sink_check_table(const MrSinkTable *table, MrError *err);
void mr_sink_uuid_text(const uint8_t uuid[16], char out[MR_UUID_TEXT_BYTES]);
bool mr_sink_is_key_column(const MrSinkTable *table, uint32_t column);
/* No key column takes NULL: a PRIMARY KEY can be. */
bool mr_sink_key_is_not_null(const MrSinkTable *table);
/* The column is numeric without digits behind the point: an integer in a target that has no
 * numeric. */
bool mr_sink_is_integral(const MrSinkTable *table, uint32_t column);
/* Blocks fit the table's columns, and only a keyed table has deletes. */
MrStatus mr_sink_check_changes(const MrSinkTable *table, const MrChangeSet *changes, MrError *err);
/* commit() of a sink whose epochs are commits of their own: one after the other, until one fails.
 * `one` sets *unknown where its outcome is, which is false when it is called. */
typedef MrStatus MrSinkCommitOne(MrSink *sink, const MrEpoch *epoch, bool *unknown, MrError *err);
MrStatus mr_sink_commit_each(MrSinkCommitOne *one, MrSink *sink, const MrEpoch *const *epochs,
                             uint32_t count, bool *unknown, int32_t *culprit, MrError *err);
/* An index, trigger or grant of users that the fresh result of CREATE OR REPLACE can't have, as its
 * columns are others: logged and left out, since it is decided by then that the old result goes.
 * Faults of the target stay errors. */
MrStatus mr_sink_leave_out(const char *statement, MrError *err);
/* 42P07: another table has the name of one that comes with the result. */
MrStatus mr_sink_side_is_taken(const MrSinkSide *side, MrError *err);
/* 42P10: a SINK's table has no unique index of the form that its key needs. */
MrStatus mr_sink_no_unique_key(const MrSinkTable *table, MrError *err);
/* How often an appended row stands in the table: its weight. */
static inline uint32_t mr_sink_row_copies(const MrBlock *block, uint32_t row)
{
    return block->weights == NULL ? 1 : block->weights[row] > 0 ? (uint32_t)block->weights[row] : 0;
}

#endif
