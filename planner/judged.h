/*
 * planner/judged.h - which rows that a query makes of others can fail, so that it must look at them
 * behind every record of the log.  Must not know SQL text.
 */
#ifndef MR_PLANNER_JUDGED_H
#define MR_PLANNER_JUDGED_H

#include "engine/dag.h"

typedef struct MrJudged {
    bool is_judged;
    uint32_t node;        /* where */
    const MrExpr *reason; /* over that operator's input; NULL: a recursion that may go round */
} MrJudged;

/* Whether the query must be told of rows made of others that fail, behind every record of the log:
 * they count, however much is run at once, or one says that a subquery had several rows.  What is
 * proved to work for all values that can come (planner/expr_range.h) needs none of it. */
MrStatus mr_judged_find(MrArena *arena, const MrDag *dag, MrJudged *out, MrError *err);

#endif
