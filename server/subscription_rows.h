/*
 * server/subscription_rows.h - a flush's changes as the rows that SUBSCRIBE sends.
 */
#ifndef MR_SERVER_SUBSCRIPTION_ROWS_H
#define MR_SERVER_SUBSCRIPTION_ROWS_H

#include "server/adhoc.h"
#include "storage/sink.h"

/* How a subscriber wants its rows; in the plan's arena. */
typedef struct MrSubscriptionForm {
    MrSchema schema;      /* of the query's columns */
    bool has_progress;    /* a last row of it: mr_diff 0, no columns */
    const uint32_t *keys; /* columns of the schema: a row that another one of its key replaces is */
    uint32_t key_count;   /* not told.  NULL: it is */
} MrSubscriptionForm;

/* mr_seq, mr_diff and the columns of `changes`, netted: a row that comes and goes is not told.  The
 * columns are shared, not copied.  *out NULL: nothing. */
MrStatus mr_subscription_rows(const MrChangeSet *changes, const MrSubscriptionForm *form,
                              uint64_t sequence, MrResult **out, MrError *err);

#endif
