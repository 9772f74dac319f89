/*
 * server/virtual_rows.h - the rows of the system views that a plan reads, as they are now; only
 * those that can matter to its answer.
 */
#ifndef MR_SERVER_VIRTUAL_ROWS_H
#define MR_SERVER_VIRTUAL_ROWS_H

#include "server/adhoc.h"

typedef struct MrVirtualRows {
    const MrBlock *const *blocks;
    uint32_t count;
} MrVirtualRows;

/* For each scan of the plan, in the arena or held by the plan's names; `returned`, per scan, what a
 * statement in WITH has returned (NULL where the plan has none of these); none for those that read
 * something else, or the same as a scan before.  On the event loop's thread. */
MrStatus mr_virtual_rows_fill(MrServer *server, const MrPlan *plan, MrResult *const *returned,
                              MrArena *arena, MrVirtualRows **out, MrError *err);

#endif
