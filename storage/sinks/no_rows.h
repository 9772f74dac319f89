/*
 * storage/sinks/no_rows.h - what classes of sinks have in common whose rows are not to be read
 * here: no result to swap, rename, index or scan, no connection that can be lost.  What is asked
 * for all the same is refused with the class's own words (MrSinkClass.no_rows).
 */
#ifndef MR_STORAGE_SINKS_NO_ROWS_H
#define MR_STORAGE_SINKS_NO_ROWS_H

#include "storage/sinks/sinks.h"

MrStatus mr_no_rows_check_options(const MrSinkOptions *options, MrError *err);
bool mr_no_rows_is_connected(MrSink *sink);
MrStatus mr_no_rows_swap(MrSink *sink, const uint8_t old_query[16], const MrSinkTable *old,
                         const MrSinkTable *fresh, bool is_trial, MrError *err);
MrStatus mr_no_rows_rename(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                           const char *new_name, bool is_trial, MrError *err);
MrStatus mr_no_rows_create_index(MrSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                                 bool may_exist, MrError *err);
MrStatus mr_no_rows_drop_index(MrSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                               MrError *err);
MrStatus mr_no_rows_scan(MrSink *sink, const MrSinkTable *table, MrArena *arena,
                         MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                         void *context, MrError *err);

#endif
