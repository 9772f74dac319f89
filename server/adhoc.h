/*
 * server/adhoc.h - a SELECT at the prompt: the same pipeline as a standing query's, run once over
 * what is there, on a thread of its own.
 */
#ifndef MR_SERVER_ADHOC_H
#define MR_SERVER_ADHOC_H

#include "server/advisory.h"
#include "server/waits.h"

/* Finished rows; owned by whoever got it. */
typedef struct MrResult {
    MrSchema schema; /* the visible columns */
    const MrBlock **blocks;
    uint32_t block_count;
    uint64_t row_count;
    MrEffects effects; /* of the functions that were called: nothing of them is done yet */
    MrArena arena;     /* holds all of it, but for */
    MrArena rows;      /* the blocks that a pipeline has handed over */
    uint32_t holders;  /* besides its owner; counted on the event loop's thread */
} MrResult;
void mr_result_destroy(MrResult *result);   /* accepts NULL; stays while others hold it */
MrResult *mr_result_hold(MrResult *result); /* accepts NULL */
/* An empty one with these columns (names are copied), and a copy of a block added to it. */
MrStatus mr_result_create(const MrSchema *schema, MrResult **out, MrError *err);
MrStatus mr_result_add(MrResult *result, const MrBlock *block, MrError *err);

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
