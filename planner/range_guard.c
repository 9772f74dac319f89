/*
 * planner/range_guard.c - what conditions say of the values behind them: `n <> 0`, `n > 0`.
 * A condition is NULL only where what it compares is, if the other side is a constant; of NULLs a
 * range says nothing, so that "not true" means the opposite there.
 */
#include <string.h>

#include "planner/range_internal.h"

typedef enum Comparison {
    NO_COMPARISON,
    EQUAL,
    UNEQUAL,
    LESS,
    LESS_EQUAL,
    MORE,
    MORE_EQUAL
} Comparison;

static const struct {
    const char *name;
    Comparison comparison, opposite, mirrored;
} comparisons[] = {
    { "=", EQUAL, UNEQUAL, EQUAL },  { "<>", UNEQUAL, EQUAL, UNEQUAL },
    { "<", LESS, MORE_EQUAL, MORE }, { "<=", LESS_EQUAL, MORE, MORE_EQUAL },
    { ">", MORE, LESS_EQUAL, LESS }, { ">=", MORE_EQUAL, LESS, LESS_EQUAL },
};

bool mr_range_is_never_null(const MrExpr *expr)
{
    switch (expr->kind) {
    case MR_EXPR_CONSTANT: return !expr->constant.is_null;
    case MR_EXPR_CAST:
        return mr_range_is_number(expr->type.id) && mr_range_is_never_null(expr->args[0]);
    case MR_EXPR_CALL:
        return expr->arg_count == 1 && strcmp(expr->function->name, "-") == 0 &&
               mr_range_is_number(expr->type.id) && mr_range_is_never_null(expr->args[0]);
    default: return false;
    }
}

static void add_fact(MrRangeScope *scope, const MrExpr *about, const MrRange *range,
                     bool excludes_zero)
{
    if (scope->fact_count < MR_RANGE_FACTS_MAX && !mr_expr_is_volatile(about)) {
        scope->facts[scope->fact_count++] =
            (MrRangeFact){ .about = about, .range = *range, .excludes_zero = excludes_zero };
    }
}

/* A fact about a widened integer is one about the integer itself. */
static void add_facts(MrRangeScope *scope, const MrExpr *about, const MrRange *range,
                      bool excludes_zero)
{
    add_fact(scope, about, range, excludes_zero);
    const MrExpr *inner = about->kind == MR_EXPR_CAST ? about->args[0] : NULL;
    if (inner != NULL && mr_range_is_integer(inner->type.id) &&
        (mr_range_is_integer(about->type.id) ||
         (about->type.id == MR_TYPE_NUMERIC && about->type.typmod < 4))) {
        add_facts(scope, inner, range, excludes_zero);
    }
}

/* `about` compares so with some value of the range. */
static void add_comparison(MrRangeScope *scope, const MrExpr *about, Comparison comparison,
                           const MrRange *with)
{
    MrRange range = mr_range_between(-mr_range_limit(), mr_range_limit());
    bool excludes_zero = false;
    if (with->is_special || with->is_wide) {
        return; /* all is below NaN */
    }
    switch (comparison) {
    case EQUAL:
        range.low = with->low;
        range.high = with->high;
        excludes_zero = mr_range_excludes_zero(with);
        break;
    case UNEQUAL: excludes_zero = with->low == 0 && with->high == 0; break;
    case LESS: excludes_zero = with->high <= 0; /* fall through */
    case LESS_EQUAL:
        range.high = with->high;
        excludes_zero |= with->high < 0;
        break;
    case MORE: excludes_zero = with->low >= 0; /* fall through */
    case MORE_EQUAL:
        range.low = with->low;
        excludes_zero |= with->low > 0;
        break;
    default: return;
    }
    add_facts(scope, about, &range, excludes_zero);
}

/* Without a word on whether it can fail: it was looked at where it is computed. */
static MrRange range_of_side(MrRangeScope *scope, const MrExpr *side)
{
    const MrExpr *can_fail = scope->can_fail;
    const MrRange range = mr_expr_range(scope, side);
    scope->can_fail = can_fail;
    return range;
}

static void assume_comparison(MrRangeScope *scope, const MrExpr *call, MrGuard guard)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (strcmp(call->function->name, comparisons[i].name) != 0) {
            continue;
        }
        const Comparison found =
            guard == MR_GUARD_NOT_TRUE ? comparisons[i].opposite : comparisons[i].comparison;
        for (uint32_t side = 0; side < 2; side++) {
            const MrExpr *about = call->args[side], *other = call->args[1 - side];
            if (!mr_range_is_number(about->type.id) || !mr_range_is_number(other->type.id) ||
                (guard != MR_GUARD_TRUE && !mr_range_is_never_null(other))) {
                continue;
            }
            Comparison seen = found;
            for (size_t k = 0; side == 1 && k < sizeof comparisons / sizeof comparisons[0]; k++) {
                if (comparisons[k].comparison == found) {
                    seen = comparisons[k].mirrored;
                }
            }
            const MrRange with = range_of_side(scope, other);
            add_comparison(scope, about, seen, &with);
        }
    }
}

void mr_range_assume(MrRangeScope *scope, const MrExpr *condition, MrGuard guard)
{
    const bool splits = (condition->kind == MR_EXPR_AND && guard != MR_GUARD_NOT_TRUE) ||
                        (condition->kind == MR_EXPR_OR && guard == MR_GUARD_NOT_TRUE);
    if (splits) {
        for (uint32_t i = 0; i < condition->arg_count; i++) {
            mr_range_assume(scope, condition->args[i], guard);
        }
    } else if (condition->kind == MR_EXPR_NOT) {
        mr_range_assume(scope, condition->args[0],
                        guard == MR_GUARD_NOT_TRUE ? MR_GUARD_NOT_FALSE : MR_GUARD_NOT_TRUE);
    } else if (condition->kind == MR_EXPR_CALL && condition->arg_count == 2 &&
               condition->function != NULL) {
        assume_comparison(scope, condition, guard);
    }
}

static void narrow_by(MrRange *range, const MrRangeFact *fact)
{
    range->low = fact->range.low > range->low ? fact->range.low : range->low;
    range->high = fact->range.high < range->high ? fact->range.high : range->high;
    range->is_nonzero |= fact->excludes_zero;
}

void mr_range_narrow(const MrRangeScope *scope, const MrExpr *expr, MrRange *range)
{
    for (uint32_t i = 0; i < scope->fact_count; i++) {
        if (mr_expr_equal(scope->facts[i].about, expr)) {
            narrow_by(range, &scope->facts[i]);
        }
    }
}

void mr_expr_range_filter(MrRangeScope *scope, const MrExpr *predicate, MrRange *columns,
                          uint32_t column_count)
{
    const uint32_t start = scope->fact_count;
    mr_range_assume(scope, predicate, MR_GUARD_TRUE);
    for (uint32_t i = start; i < scope->fact_count; i++) {
        const MrExpr *about = scope->facts[i].about;
        if (about->kind == MR_EXPR_COLUMN && about->column < column_count) {
            narrow_by(&columns[about->column], &scope->facts[i]);
        }
    }
    scope->fact_count = start;
}
