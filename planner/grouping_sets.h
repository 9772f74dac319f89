/*
 * planner/grouping_sets.h - GROUPING SETS, ROLLUP, CUBE and GROUPING(): the binder's part of them.
 * Must not know how groups are kept.
 */
#ifndef MR_PLANNER_GROUPING_SETS_H
#define MR_PLANNER_GROUPING_SETS_H

#include "planner/binder.h"

/* Fills the grouping's keys, each once, and, where there is more than one set, its sets. */
MrStatus mr_bind_grouping_sets(MrBinder *b, const MrAstQuery *query, const MrOutputs *outputs,
                               MrGrouping *grouping);
/* Whether every set has the key: it is never NULL for want of being grouped by. */
bool mr_grouping_is_in_all(const MrGrouping *grouping, uint32_t key);
/* Puts an EXPAND below the aggregate and gives it its keys: `keys` are the grouping's over
 * aggregate->input, those that `is_bound` names are bounds of its window. */
MrStatus mr_bind_expand(MrBinder *b, MrGrouping *grouping, MrExpr *const *keys,
                        const bool *is_bound, MrLogical *aggregate);

/* GROUPING(…) in the select list, HAVING or ORDER BY: a column from MR_GROUPING_COLUMN on … */
MrStatus mr_bind_grouping_call(MrBinder *b, const MrAstGrouping *node, MrExpr **out);
/* … which over the groups is a function of the set's number. */
MrStatus mr_bind_regroup_grouping(MrBinder *b, const MrGrouping *grouping, const MrExpr *expr,
                                  MrExpr **out);

#endif
