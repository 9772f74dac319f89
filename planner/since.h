/*
 * planner/since.h - snapshot = false over tables and views: where a plan counts only rows that were
 * not there when its query began.
 */
#ifndef MR_PLANNER_SINCE_H
#define MR_PLANNER_SINCE_H

#include "planner/binder.h"

/* Puts SINCE nodes into a bound, flattened tree; none into one that reads streams alone, as that
 * one reads nothing from before its start. */
MrStatus mr_since_find(MrBinder *b, MrLogical **tree);
/* Whether the tree has one: its answer depends on where it began. */
bool mr_since_stands_in(const MrLogical *tree);
/* Whether the plan has one of the query's own, so that it reads what was there before its start. */
bool mr_plan_reads_before(const MrPlan *plan);

#endif
