/*
 * planner/range_internal.h - the parts of expr_range.c.  Only planner/expr_range.c and
 * planner/range_*.c include it.
 */
#ifndef MR_PLANNER_RANGE_INTERNAL_H
#define MR_PLANNER_RANGE_INTERNAL_H

#include "planner/expr_range.h"

void mr_range_may_fail(MrRangeScope *scope, const MrExpr *expr);
/* Of the node alone, whatever its arguments are, and for any values. */
bool mr_range_node_is_fallible(const MrExpr *expr);
/* A call; sets can_fail where it is not proved. */
MrRange mr_range_of_call(MrRangeScope *scope, const MrExpr *call);

/* What is known of a condition where something is computed. */
typedef enum MrGuard { MR_GUARD_TRUE, MR_GUARD_NOT_TRUE, MR_GUARD_NOT_FALSE } MrGuard;
/* Adds to the scope what the condition says of expressions that it compares. */
void mr_range_assume(MrRangeScope *scope, const MrExpr *condition, MrGuard guard);
/* What the scope's facts say of the expression besides. */
void mr_range_narrow(const MrRangeScope *scope, const MrExpr *expr, MrRange *range);
/* A constant, or one that was cast or negated. */
bool mr_range_is_never_null(const MrExpr *expr);

#endif
