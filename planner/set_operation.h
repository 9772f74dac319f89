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
/* Each row as often as its column `times` (int8) says: the input's columns, then some that tell the
 * copies apart, of which the last is a number from 1. */
MrStatus mr_bind_repeat(MrBinder *b, MrLogical *input, uint32_t times, MrLogical **out);

#endif
