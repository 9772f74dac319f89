/*
 * planner/subquery.h - subqueries as values and in conditions: bound over the columns of the
 * queries around them, then turned into joins. * A bound subquery knows the outside by number:
 * MR_EXPR_OUTER i in its tree is argument i of the MR_EXPR_SUBQUERY expression that stands for it.
 * Its arguments are expressions over the node where it stands, and are mapped along when that
 * changes (grouping, projections).  Before a node is made of an expression, its subqueries are
 * attached: joined to the node below, so that no such expression is left. Must not know operators.
 */
#ifndef MR_PLANNER_SUBQUERY_H
#define MR_PLANNER_SUBQUERY_H

#include "planner/binder.h"
#include "planner/select_list.h"

/* ---- Binding -------------------------------------------------------------------------------- */

/* (SELECT …), EXISTS (…), x IN (SELECT …), x op ANY|ALL (SELECT …). */
MrStatus mr_bind_subquery(MrBinder *b, const MrAstSubquery *node, MrExpr **out);
/* Column `column` of the one row of a subquery that must have `count` of them. */
MrStatus mr_bind_subquery_column(MrBinder *b, const MrAstSubquery *node, uint32_t column,
                                 uint32_t count, MrExpr **out);
/* ARRAY(SELECT …): the values in their order. */
MrStatus mr_bind_array_subquery(MrBinder *b, const MrAstQuery *query, int32_t position,
                                MrExpr **out);
MrStatus mr_bind_in_subquery(MrBinder *b, const MrAstIn *node, MrExpr **out);
MrStatus mr_bind_quantified_subquery(MrBinder *b, const MrAstQuantified *node, MrExpr **out);
/* The column (or, with `as_row`, the row) in the queries around this one, as MR_EXPR_OUTER; *out
 * NULL: none has it. */
MrStatus mr_bind_outer_column(MrBinder *b, const MrAstColumn *column, bool as_row, MrExpr **out);
bool mr_expr_has_subquery(const MrExpr *expr);
bool mr_expr_has_outer(const MrExpr *expr);

/* ---- Attaching ------------------------------------------------------------------------------ */

/* A FILTER over *node; subqueries of the predicate become joins.  The columns stay. */
MrStatus mr_bind_filter(MrBinder *b, MrLogical **node, MrExpr *predicate);
/* Joins the subqueries of the expressions to *node, whose columns stay in their places, and
 * makes the expressions ones over the result. */
MrStatus mr_bind_attach(MrBinder *b, MrLogical **node, MrExpr **exprs, uint32_t count);
/* The same for keys and arguments of a grouping and its input. */
MrStatus mr_bind_attach_grouping(MrBinder *b, MrGrouping *grouping);
/* The expression over the input with the keys' subqueries as what they were attached as: where one
 * stands in the select list, HAVING or ORDER BY, it is the key. */
MrStatus mr_bind_put_keys(MrBinder *b, const MrGrouping *grouping, const MrExpr *expr,
                          MrExpr **out);

#endif
