/*
 * planner/hypothetical.h - rank(x) WITHIN GROUP (ORDER BY y): where a row would stand among those
 * of its group.  Must not know how aggregates are computed: it is said in terms of count().
 */
#ifndef MR_PLANNER_HYPOTHETICAL_H
#define MR_PLANNER_HYPOTHETICAL_H

#include "planner/binder.h"

/* rank, dense_rank, percent_rank, cume_dist. */
bool mr_is_hypothetical(const char *name);
/* The call over the group: 42883 where arguments and keys differ in number, 54023 beyond 100, 0A000
 * for an argument that differs from row to row. */
MrStatus mr_bind_hypothetical(MrBinder *b, const MrAstCall *call, MrExpr **out);

#endif
