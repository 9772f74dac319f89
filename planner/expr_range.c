/*
 * planner/expr_range.c - ranges of expressions: see expr_range.h.  Guards are in range_guard.c,
 * calls in range_call.c.
 */
#include "planner/expr_range.h"

#include "planner/range_internal.h"

void mr_range_may_fail(MrRangeScope *scope, const MrExpr *expr)
{
    if (scope->can_fail == NULL) {
        scope->can_fail = expr;
    }
}

bool mr_range_node_is_fallible(const MrExpr *expr)
{
    MrExpr alone = *expr;
    alone.arg_count = 0;
    return mr_expr_is_fallible(&alone);
}

/* Facts hold for one arm alone. */
static MrRange range_of_arm(MrRangeScope *scope, const MrExpr *expr, uint32_t fact_count)
{
    const MrRange range = mr_expr_range(scope, expr);
    scope->fact_count = fact_count;
    return range;
}

static bool is_null_constant(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_CONSTANT && expr->constant.is_null;
}

/* The hull of what was there and one more; NULL alone adds nothing. */
static void widen(MrRange *range, bool *has_any, const MrExpr *expr, const MrRange *more)
{
    if (!is_null_constant(expr)) {
        *range = *has_any ? mr_range_hull(range, more) : *more;
        *has_any = true;
    }
}

/* An arm is computed where its condition is true, and those before it are not. */
static MrRange range_of_case(MrRangeScope *scope, const MrExpr *expr)
{
    const uint32_t start = scope->fact_count;
    MrRange range = mr_range_of_type(mr_type(expr->type.id));
    bool has_any = false;
    for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
        const uint32_t so_far = scope->fact_count;
        range_of_arm(scope, expr->args[i], so_far);
        mr_range_assume(scope, expr->args[i], MR_GUARD_TRUE);
        const MrRange arm = range_of_arm(scope, expr->args[i + 1], so_far);
        widen(&range, &has_any, expr->args[i + 1], &arm);
        mr_range_assume(scope, expr->args[i], MR_GUARD_NOT_TRUE);
    }
    const MrRange last = range_of_arm(scope, expr->args[expr->arg_count - 1], start);
    widen(&range, &has_any, expr->args[expr->arg_count - 1], &last);
    return range;
}

/* Later operands are computed where the earlier ones leave it open. */
static MrRange range_of_logic(MrRangeScope *scope, const MrExpr *expr)
{
    const uint32_t start = scope->fact_count;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        range_of_arm(scope, expr->args[i], scope->fact_count);
        mr_range_assume(scope, expr->args[i],
                        expr->kind == MR_EXPR_AND ? MR_GUARD_NOT_FALSE : MR_GUARD_NOT_TRUE);
    }
    scope->fact_count = start;
    return mr_range_of_type(expr->type);
}

/* One of the operands.  GREATEST is no less than an operand that is never NULL. */
static MrRange range_of_choice(MrRangeScope *scope, const MrExpr *expr)
{
    MrRange range = mr_range_of_type(mr_type(expr->type.id));
    MrInt128 least = -mr_range_limit(), most = mr_range_limit();
    bool has_any = false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        const MrRange one = mr_expr_range(scope, expr->args[i]);
        widen(&range, &has_any, expr->args[i], &one);
        if (mr_range_is_never_null(expr->args[i]) && !one.is_wide && !one.is_special) {
            least = one.low > least ? one.low : least;
            most = one.high < most ? one.high : most;
        }
    }
    if (mr_range_is_number(expr->type.id) && expr->kind == MR_EXPR_GREATEST) {
        range.low = least > range.low ? least : range.low;
        range.is_nonzero |= least > 0;
    } else if (mr_range_is_number(expr->type.id) && expr->kind == MR_EXPR_LEAST) {
        range.high = most < range.high ? most : range.high;
        range.is_nonzero |= most < 0;
    }
    return range;
}

static MrRange range_of_cast(MrRangeScope *scope, const MrExpr *expr)
{
    const MrExpr *from = expr->args[0];
    const MrRange input = mr_expr_range(scope, from);
    MrRange range = mr_range_of_type(expr->type);
    bool is_sure = !mr_range_node_is_fallible(expr);
    if (mr_range_is_number(from->type.id) && mr_range_is_number(expr->type.id)) {
        is_sure |= mr_range_cast(from->type.id, expr->type, &input, &range);
    }
    if (!is_sure) {
        mr_range_may_fail(scope, expr);
    }
    return range;
}

static MrRange range_of_operands(MrRangeScope *scope, const MrExpr *expr)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        mr_expr_range(scope, expr->args[i]);
    }
    if (mr_range_node_is_fallible(expr)) {
        mr_range_may_fail(scope, expr);
    }
    return mr_range_of_type(mr_type(expr->type.id));
}

static MrRange range_of(MrRangeScope *scope, const MrExpr *expr)
{
    switch (expr->kind) {
    case MR_EXPR_CONSTANT:
        return expr->constant.is_null ? mr_range_of_type(mr_type(expr->type.id))
                                      : mr_range_of_datum(&expr->constant);
    case MR_EXPR_COLUMN: return scope->columns[expr->column];
    case MR_EXPR_CALL: return mr_range_of_call(scope, expr);
    case MR_EXPR_CAST: return range_of_cast(scope, expr);
    case MR_EXPR_AND:
    case MR_EXPR_OR: return range_of_logic(scope, expr);
    case MR_EXPR_CASE: return range_of_case(scope, expr);
    case MR_EXPR_COALESCE:
    case MR_EXPR_GREATEST:
    case MR_EXPR_LEAST: return range_of_choice(scope, expr);
    default: return range_of_operands(scope, expr);
    }
}

MrRange mr_expr_range(MrRangeScope *scope, const MrExpr *expr)
{
    if (scope->steps++ > MR_RANGE_STEPS_MAX) {
        mr_range_may_fail(scope, expr);
        return mr_range_of_type(mr_type(expr->type.id));
    }
    MrRange range = range_of(scope, expr);
    if (mr_range_is_number(expr->type.id)) {
        mr_range_narrow(scope, expr, &range);
    }
    return range;
}
