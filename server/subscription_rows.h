/*
 * server/subscription_rows.h - a flush's changes as the rows that SUBSCRIBE sends.
 */
#ifndef MR_SERVER_SUBSCRIPTION_ROWS_H
#define MR_SERVER_SUBSCRIPTION_ROWS_H

#include "server/adhoc.h"
#include "storage/sink.h"

/* mr_seq, mr_diff and the columns of `changes` (as `schema` says), netted: a row that comes and
 * goes is not told.  The
 * columns are shared, not copied.  A last row of progress (mr_diff 0, no columns) when `progress`.
 * *out NULL: nothing. */
MrStatus mr_subscription_rows(const MrChangeSet *changes, const MrSchema *schema, uint64_t sequence,
                              bool progress, MrResult **out, MrError *err);

#endif
