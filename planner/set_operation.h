/*
 * planner/set_operation.h - UNION, INTERSECT and EXCEPT [ALL] as unions, groups and counts.
 * Must not know operators.
 */
#ifndef MR_PLANNER_SET_OPERATION_H
#define MR_PLANNER_SET_OPERATION_H

#include "planner/binder.h"

/* Both sides and what is made of them; ORDER BY and LIMIT on top are the caller's. */
MrStatus mr_bind_set_operation(MrBinder *b, const MrAstQuery *query, MrLogical **out);
/* Only the columns' names and places may be sorted by. */
MrStatus mr_bind_check_set_order(MrBinder *b, const MrAstQuery *query, const MrLogical *node);
/* Groups *node by all of its columns; windows among them are recognised as in GROUP BY. */
MrStatus mr_bind_make_distinct(MrBinder *b, MrLogical **node);

#endif
