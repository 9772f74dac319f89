/*
 * storage/sinks/notify_rows.h - the rows of an epoch as payloads of NOTIFY: a JSON object each,
 * with the sequence that it is true for.  Must not know progress or who listens.
 *
 *     {"mr_seq":812,"mr_diff":1,"page":"Main","edits":4}
 *
 * mr_diff 1: the row is there now (of a query whose rows change: in place of the one of its key);
 * n: it came n times; -1: the row of that key is gone, and only the key is told.  Of a row whose
 * object is longer than a payload can be, columns that do not fit are left out, and "mr_cut":true
 * says so.
 */
#ifndef MR_STORAGE_SINKS_NOTIFY_ROWS_H
#define MR_STORAGE_SINKS_NOTIFY_ROWS_H

#include "storage/sink.h"

enum { MR_NOTIFY_ROWS_BYTES_MAX = 16 * 1024 * 1024 }; /* of one epoch; beyond it the oldest go */

typedef struct MrNotifyRows {
    MrBuilder texts;  /* each with its NUL, the oldest first; up to twice the most while it fills */
    uint64_t dropped; /* older ones */
} MrNotifyRows;

/* Rows that go come first.  Fills `out`, whose builder is initialised and cleared here. */
MrStatus mr_notify_rows(const MrEpoch *epoch, MrNotifyRows *out, MrError *err);

#endif
