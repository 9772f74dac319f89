/*
 * planner/expr_range.h - what values an expression can have, and whether it can fail at all: proved
 * from the ranges of its columns, the guards around its parts (CASE, AND, OR) and what the function
 * table says.  What is not proved counts as able to fail.  Must not know operators.
 */
#ifndef MR_PLANNER_EXPR_RANGE_H
#define MR_PLANNER_EXPR_RANGE_H

#include "engine/expression.h"
#include "planner/value_range.h"

enum { MR_RANGE_FACTS_MAX = 64, MR_RANGE_STEPS_MAX = 100000 };

/* What a guard says of an expression where it has passed. */
typedef struct MrRangeFact {
    const MrExpr *about;
    MrRange range; /* of a number */
    bool excludes_zero;
} MrRangeFact;

typedef struct MrRangeScope {
    MrArena *arena; /* scratch */
    const MrTimezone *zone;
    const MrRange *columns; /* of the input; not owned */
    MrRangeFact facts[MR_RANGE_FACTS_MAX];
    uint32_t fact_count;
    uint32_t steps;         /* so far: beyond MR_RANGE_STEPS_MAX nothing is proved */
    const MrExpr *can_fail; /* the first part found that is not proved; NULL: none */
} MrRangeScope;

/* The values of the expression; sets scope->can_fail, unless it is set. */
MrRange mr_expr_range(MrRangeScope *scope, const MrExpr *expr);
/* The predicate was true: narrows `columns` (one per column of the input) by what it says. */
void mr_expr_range_filter(MrRangeScope *scope, const MrExpr *predicate, MrRange *columns,
                          uint32_t column_count);

#endif
