/*
 * planner/lateral.h - items of FROM that name columns of the items to their left: functions and
 * LATERAL subqueries.  Must not know names or SQL text.
 */
#ifndef MR_PLANNER_LATERAL_H
#define MR_PLANNER_LATERAL_H

#include "planner/subquery_internal.h"

/* Gives a JOIN its condition, which may have subqueries, and takes the outside out of its right
 * input, which was bound with the left one around it and may have MR_EXPR_OUTER of `around`.  *join
 * becomes a tree with the columns of both in their places, perhaps with more behind that nobody can
 * name.
 *
 * Where the right side only computes (functions that give rows, projections, filters over nothing)
 * it is computed over the left rows.  Else it is unnested (planner/dependent_join.h). */
MrStatus mr_lateral_settle(MrBinder *b, MrOuter *around, MrExpr *condition, MrLogical **join);
/* A tree that was bound with the queries further out around it becomes one that names them through
 * `around`, to which they are added, as the right side of a join does. */
MrStatus mr_lateral_put_beside(MrBinder *b, MrOuter *around, MrLogical *right);
/* A FULL JOIN gets a condition with subqueries (join_subquery.c).  *join becomes a tree with the
 * same columns. */
MrStatus mr_join_with_subqueries(MrBinder *b, MrExpr *condition, MrLogical **join);

#endif
