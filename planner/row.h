/*
 * planner/row.h - rows compared with rows: (a, b) = (c, d), (a, b) IN ((1, 2), (3, 4)), and what
 * else can be asked of a row without making one.  Must not know where the condition stands.
 */
#ifndef MR_PLANNER_ROW_H
#define MR_PLANNER_ROW_H

#include "planner/binder.h"

/* Each gives *out NULL where an operand is not written as a row: what it is then, a row among them,
 * is compared as a value. */
MrStatus mr_bind_row_operator(MrBinder *b, const MrAstOperator *node, MrExpr **out);
MrStatus mr_bind_row_in(MrBinder *b, const MrAstIn *node, MrExpr **out);
MrStatus mr_bind_row_between(MrBinder *b, const MrAstBetween *node, MrExpr **out);
MrStatus mr_bind_row_is_null(MrBinder *b, const MrAstIs *node, MrExpr **out);
MrStatus mr_bind_row_distinct(MrBinder *b, const MrAstDistinctFrom *node, MrExpr **out);

/* = and <> of all pairs, < and its like of the first pair that differs: NULL where that pair, or
 * one before it, cannot be judged.  0A000 for other operators. */
MrStatus mr_bind_row_compare(MrBinder *b, const char *op, MrExpr *const *left, MrExpr *const *right,
                             uint32_t count, int32_t position, MrExpr **out);

#endif
