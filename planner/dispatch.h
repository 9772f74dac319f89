/*
 * planner/dispatch.h - finds the test by which a standing query's rows can be looked up.
 * Must not know that other queries exist, nor how rows are handed out.
 */
#ifndef MR_PLANNER_DISPATCH_H
#define MR_PLANNER_DISPATCH_H

#include "planner/planner.h"

/* Sets plan->dispatch: where the plan is one chain over a stream, its first operator is a filter
 * that cannot fail on any row, and one of its conditions compares a column with constants.  Not
 * where it reads views, which it must wait for. */
MrStatus mr_plan_find_dispatch(MrArena *arena, MrPlan *plan, MrError *err);

#endif
