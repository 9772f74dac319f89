/*
 * planner/integral.h - which numeric columns of a result never have digits behind the point.
 */
#ifndef MR_PLANNER_INTEGRAL_H
#define MR_PLANNER_INTEGRAL_H

#include "engine/dag.h"

/* One flag per output column of the root, in the arena: true for sum(bigint), which is numeric only
 * for its width.  SQLite keeps such a column as INTEGER. */
MrStatus mr_plan_integral_columns(MrArena *arena, const MrDag *dag, const bool **out, MrError *err);

#endif
