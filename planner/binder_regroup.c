/*
 * planner/binder_regroup.c - the select list put over the groups: what was bound over the rows
 * becomes an expression over keys and aggregates, or an error.  Must not know how groups are kept.
 */
#include "planner/grouping_sets.h"
#include "planner/over.h"
#include "planner/subquery.h"

static MrStatus ungrouped(MrBinder *b, const MrGrouping *grouping, const MrExpr *expr)
{
    const char *name = expr->kind == MR_EXPR_SEQUENCE ? "_seq" : "_arrival";
    if (expr->kind == MR_EXPR_COLUMN) {
        name = grouping->input->columns[expr->column].name;
    }
    return mr_bind_error(
        b, MR_ERR_GROUPING, expr->position,
        "column \"%s\" must appear in the GROUP BY clause or be used in an aggregate function",
        name != NULL ? name : "?column?");
}

/* now() beside groups of rows is not any row's arrival. */
static MrStatus regroup_now(MrBinder *b, const MrExpr *expr, MrExpr **out)
{
    if (b->mode == MR_BIND_STANDING) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, expr->position,
                      "now() is refused here: a standing query's answer "
                      "depends on its rows only");
        return mr_error_hint(b->err, "Use max(_arrival), or max(now()).");
    }
    MrDatum now = { .type = expr->type, .integer = b->context->now_us };
    return mr_expr_constant(b->arena, &now, expr->position, out, b->err);
}

static MrStatus aggregate_output(MrBinder *b, const MrLogical *aggregate, uint32_t column,
                                 int32_t position, MrExpr **out)
{
    return mr_expr_column(b->arena, column, aggregate->columns[column].type, position, out, b->err);
}

static MrStatus regroup_column(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                               const MrExpr *expr, MrExpr **out)
{
    if (expr->column >= MR_OVER_COLUMN && expr->column < MR_AGGREGATE_COLUMN) {
        *out = (MrExpr *)(uintptr_t)expr; /* its parts are put over the groups by themselves */
        return MR_OK;
    }
    if (expr->column >= MR_GROUPING_COLUMN) {
        return mr_bind_regroup_grouping(b, grouping, expr, out);
    }
    if (expr->column >= MR_SET_COLUMN) {
        *out = (MrExpr *)(uintptr_t)expr; /* its arguments are put over the groups instead */
        return MR_OK;
    }
    if (expr->column >= MR_AGGREGATE_COLUMN) {
        return aggregate_output(
            b, aggregate, mr_logical_call_column(aggregate, expr->column - MR_AGGREGATE_COLUMN),
            expr->position, out);
    }
    const MrLogicalColumn *column = &grouping->input->columns[expr->column];
    if (grouping->window_of != NULL && column->window_of == grouping->window_of) {
        /* Both bounds are there when either is grouped. */
        return aggregate_output(b, aggregate, column->role == MR_TIME_WINDOW_END ? 1 : 0,
                                expr->position, out);
    }
    return ungrouped(b, grouping, expr);
}

typedef struct Regroup {
    MrBinder *b;
    const MrGrouping *grouping;
    const MrLogical *aggregate;
} Regroup;

static MrStatus regroup_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Regroup *over = context;
    MrBinder *b = over->b;
    const MrGrouping *grouping = over->grouping;
    const uint32_t key = mr_grouping_find_key(grouping, grouping->key_count, expr);
    if (key < grouping->key_count) {
        if (grouping->key_exprs != NULL && grouping->key_exprs[key] != NULL) {
            *out = grouping->key_exprs[key];
            return MR_OK;
        }
        return aggregate_output(b, over->aggregate, grouping->key_columns[key], expr->position,
                                out);
    }
    if (expr->kind == MR_EXPR_COLUMN) {
        return regroup_column(b, grouping, over->aggregate, expr, out);
    }
    if (expr->kind == MR_EXPR_ARRIVAL && expr->column == MR_ARRIVAL_NOW) {
        return regroup_now(b, expr, out);
    }
    return expr->kind == MR_EXPR_ARRIVAL || expr->kind == MR_EXPR_SEQUENCE
               ? ungrouped(b, grouping, expr)
               : MR_OK;
}

MrStatus mr_bind_regroup(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                         const MrExpr *expr, MrExpr **out)
{
    Regroup over = { b, grouping, aggregate };
    MrExpr *put;
    MR_TRY(mr_bind_put_keys(b, grouping, expr, &put));
    return mr_expr_map(b->arena, put, regroup_replace, &over, out, b->err);
}
