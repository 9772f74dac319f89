/*
 * planner/recursion.h - WITH RECURSIVE: a query that names itself becomes a node of its two terms,
 * and the rows of the last step a scan in the second one.  Must not know operators.
 */
#ifndef MR_PLANNER_RECURSION_H
#define MR_PLANNER_RECURSION_H

#include "planner/binder.h"

/* Whether the WITH query names itself. */
bool mr_cte_is_recursive(const MrAstCte *cte);
/* The RECURSION node of such a query; b->ctes are those that it can name besides itself; `number`
 * is its own in the statement (0: it gets one).  42P19 where its form has no meaning, 0A000 for
 * what is not done step by step. */
MrStatus mr_bind_recursion(MrBinder *b, const MrAstCte *cte, uint32_t *number, MrLogical **out);
/* A scan of the rows of the last step, for a reference inside of the recursive term. */
MrStatus mr_bind_last_step(MrBinder *b, const MrCte *self, int32_t position, MrLogical **out);

#endif
