/*
 * planner/set_node.h - calls of functions that give rows as PROJECT_SET nodes: over the rows of a
 * query, or below its groups and window functions where those name them.  Must not know which
 * functions there are.
 */
#ifndef MR_PLANNER_SET_NODE_H
#define MR_PLANNER_SET_NODE_H

#include "planner/over.h"

/* Whether it is, or has in it, a call whose node is not made yet. */
bool mr_expr_has_set_call(const MrExpr *expr);
/* The call that such a column stands for; NULL: it is something else. */
const MrBoundSetCall *mr_set_call_of(const MrSetCallList *calls, const MrExpr *column);
/* 0A000 where such a call stands in CASE or COALESCE, which are not computed for every row. */
MrStatus mr_set_check_place(MrBinder *b, const MrExpr *expr);
/* *node with the arguments of the calls as columns, unless they are columns already. */
MrStatus mr_set_project_arguments(MrBinder *b, MrLogicalSetCall *calls, MrExpr **const *args,
                                  uint32_t count, MrLogical **node);
/* Puts PROJECT_SET nodes over *node for the calls of the list that its expressions need (and for
 * calls in their arguments), and makes the expressions ones over the result. */
MrStatus mr_bind_add_sets(MrBinder *b, MrSetCallList *calls, MrSelectList *list, MrLogical **node);
/* The same for expressions that count before the select list is computed; `calls` stay. */
MrStatus mr_bind_sets_below(MrBinder *b, const MrSetCallList *calls, MrExpr **exprs, uint32_t count,
                            MrLogical **node);
/* Rows for the calls in the keys of GROUP BY, below the groups: the keys name them then. */
MrStatus mr_bind_group_sets(MrBinder *b, const MrSetCallList *calls, MrGrouping *grouping);
/* Puts the calls over the groups which the list and the window functions, put over them before,
 * still need. */
MrStatus mr_regroup_sets(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                         MrSetCallList *calls, const MrSelectList *list, MrOverList *overs);

#endif
