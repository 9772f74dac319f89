/*
 * planner/rewrite_top_n.c - ROW_NUMBER() OVER (…) AS rn … WHERE rn <= n keeps the first rows only.
 * Must not know operators.
 */
#include "planner/rewrite.h"

#include "planner/over.h"

#include <string.h>

/* A condition on the number: `rn <= bound`. False: it says something else. */
static bool bound_of(const MrExpr *part, uint32_t column, int64_t *bound, bool *is_all)
{
    if (part->kind != MR_EXPR_CALL || part->arg_count != 2) {
        return false;
    }
    const char *name = part->function->name;
    const MrExpr *left = part->args[0], *right = part->args[1];
    bool is_turned = left->kind == MR_EXPR_CONSTANT;
    const MrExpr *number = is_turned ? right : left, *constant = is_turned ? left : right;
    while (number->kind == MR_EXPR_CAST && number->arg_count == 1) {
        number = number->args[0]; /* to a wider number */
    }
    if (number->kind != MR_EXPR_COLUMN || number->column != column ||
        constant->kind != MR_EXPR_CONSTANT || constant->column != 0 || constant->constant.is_null ||
        (constant->type.id != MR_TYPE_INT64 && constant->type.id != MR_TYPE_INT32 &&
         constant->type.id != MR_TYPE_INT16)) {
        return false;
    }
    int64_t value = constant->constant.integer;
    *is_all = true;
    if (strcmp(name, is_turned ? ">=" : "<=") == 0) {
        *bound = value;
        return true;
    }
    if (strcmp(name, is_turned ? ">" : "<") == 0) {
        *bound = value == INT64_MIN ? value : value - 1;
        return true;
    }
    *bound = value;
    *is_all = value == 1; /* rn = 3 is one of the first three */
    return strcmp(name, "=") == 0;
}

static bool is_rank(const MrLogicalOver *over)
{
    return over->call_count == 1 && (over->calls[0].function == MR_OVER_ROW_NUMBER ||
                                     over->calls[0].function == MR_OVER_RANK ||
                                     over->calls[0].function == MR_OVER_DENSE_RANK);
}

/* ORDER BY _seq or _arrival is the order in which rows come anyway. */
static bool orders_by_arrival(const MrLogical *node)
{
    const MrLogicalOver *over = node->over;
    const MrLogical *input = node->input;
    if (over->order_count != 1 || over->order[0].descending || input->kind != MR_LOGICAL_PROJECT ||
        !mr_logical_is_in_log_order(input)) {
        return false;
    }
    MrExprKind kind = input->expressions[over->order[0].column]->kind;
    return kind == MR_EXPR_SEQUENCE || kind == MR_EXPR_ARRIVAL;
}

static MrStatus find_top_n_at(MrBinder *b, MrLogical **place)
{
    MrLogical *filter = *place, *node = filter->input;
    MrExpr *predicate = filter->predicate, *rest = NULL;
    int64_t least = INT64_MAX;
    if (filter->kind != MR_LOGICAL_FILTER || node->kind != MR_LOGICAL_OVER ||
        !is_rank(node->over)) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        MrExpr *part = mr_conjunct_at(predicate, i);
        int64_t bound;
        bool is_all = false;
        bool is_bound = bound_of(part, node->input->column_count, &bound, &is_all);
        least = is_bound && bound < least ? bound : least;
        if (!is_bound || !is_all) {
            MR_TRY(mr_expr_and(b->arena, rest, part, &rest, b->err));
        }
    }
    if (least == INT64_MAX) {
        return MR_OK;
    }
    node->kind = MR_LOGICAL_TOP_N;
    node->over->by = node->over->calls[0].function;
    node->over->call_count = 0;
    node->over->limit = least < 0 ? 0 : (uint64_t)least;
    node->over->shows_number = true;
    if (node->over->by == MR_OVER_ROW_NUMBER && orders_by_arrival(node)) {
        node->over->order_count = 0;
    }
    if (rest == NULL) {
        *place = node;
    } else {
        filter->predicate = rest;
    }
    return MR_OK;
}

MrStatus mr_rewrite_find_top_n(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, find_top_n_at);
}
