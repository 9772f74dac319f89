/*
 * server/adhoc.h - a SELECT at the prompt: the same pipeline as a standing query's, run once over
 * what is there, on a thread of its own.
 */
#ifndef MR_SERVER_ADHOC_H
#define MR_SERVER_ADHOC_H

#include "server/advisory.h"
#include "server/result.h"
#include "server/waits.h"

typedef struct MrAdhoc MrAdhoc;
typedef void MrAdhocDone(void *context, MrResult *result,
                         const MrError *err); /* takes result; NULL on error */

typedef struct MrAdhocOptions {
    int64_t memory_bytes;
    uint64_t own_sequence; /* rows this session was acknowledged, which results must cover first (0:
                            * no wait) */
    bool sees_uncommitted; /* it has the turn to change tables, and reads what it has changed */
    MrLockOwner *locks;    /* whose advisory locks functions take; NULL: they are refused */
    /* What the statements in WITH have returned, by their number less 1; NULL: there are none. */
    MrResult *const *returned;
    MrResult *own; /* what a RETURNING is over */
} MrAdhocOptions;

/* Starts the plan; holds the memory that it lives in and the catalogue until it is over, also when
 * it is abandoned.  Reads streams from their first kept row up to the head of the log at the start
 * of the statement. */
MrAdhoc *mr_adhoc_start(MrServer *server, const MrPlan *plan, MrStatementMemory *memory,
                        MrCatalog *catalog, const MrAdhocOptions *options, MrAdhocDone *done,
                        void *context);
/* Ends it within one batch: done comes with 57014.  */
void mr_adhoc_cancel(MrAdhoc *adhoc);
/* The session is gone: the result is thrown away, done is not called. */
void mr_adhoc_abandon(MrAdhoc *adhoc);
/* On the caller's thread, for plans over constants (VALUES, no FROM, small virtual tables): no
 * waiting.  `locks` as in the options. */
MrStatus mr_adhoc_run_now(MrServer *server, const MrPlan *plan, MrLockOwner *locks, MrResult **out,
                          MrError *err);
/* The same for a plan over rows that the caller has, in place of a virtual table's. */
MrStatus mr_adhoc_run_blocks(MrServer *server, const MrPlan *plan, const MrBlock *const *blocks,
                             uint32_t count, MrResult **out, MrError *err);
/* True when run_now may be used: the leaf is VALUES or VIRTUAL. */
bool mr_adhoc_is_immediate(const MrPlan *plan);

#endif
