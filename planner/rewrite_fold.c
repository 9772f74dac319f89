/*
 * planner/rewrite_fold.c - computes at plan time what no row can change.
 * Must not know operators.
 */
#include "planner/rewrite.h"

static bool is_value(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_CONSTANT &&
           expr->column == 0; /* not a parameter without its value */
}

/* Of values alone, and not one itself. */
static bool can_compute(const MrExpr *expr)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!is_value(expr->args[i])) {
            return false;
        }
    }
    return expr->kind != MR_EXPR_CONSTANT && mr_expr_is_constant(expr);
}

static bool is_truth(const MrExpr *expr, bool value)
{
    return is_value(expr) && expr->type.id == MR_TYPE_BOOL && !expr->constant.is_null &&
           expr->constant.boolean == value;
}

/* x AND true is x; x AND false is false, whatever x is. */
static MrStatus fold_connective(MrBinder *b, MrExpr *expr, MrExpr **out)
{
    bool neutral = expr->kind == MR_EXPR_AND;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (is_truth(expr->args[i], !neutral)) {
            *out = expr->args[i];
            return MR_OK;
        }
        if (!is_truth(expr->args[i], neutral)) {
            expr->args[kept++] = expr->args[i];
        }
    }
    expr->arg_count = kept;
    *out = expr;
    if (kept == 1) {
        *out = expr->args[0];
    } else if (kept == 0) {
        MrDatum value = { .type = mr_type(MR_TYPE_BOOL), .boolean = neutral };
        return mr_expr_constant(b->arena, &value, expr->position, out, b->err);
    }
    return MR_OK;
}

MrStatus mr_fold(MrBinder *b, MrExpr *expr, MrExpr **out)
{
    if (expr->arg_count == 0 && !can_compute(expr)) {
        *out = expr;
        return MR_OK;
    }
    MrExpr *copy;
    MR_TRY(mr_expr_copy(b->arena, expr, &copy, b->err));
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        MR_TRY(mr_fold(b, expr->args[i], &copy->args[i]));
    }
    *out = copy;
    if (copy->kind == MR_EXPR_AND || copy->kind == MR_EXPR_OR) {
        return fold_connective(b, copy, out);
    }
    if (!can_compute(copy)) {
        return MR_OK;
    }
    MrDatum value;
    MrError ignored = MR_ERROR_INIT;
    if (mr_expr_constant_value(b->arena, copy, b->context->zone, b->context->now_us, &value,
                               &ignored) == MR_OK) {
        value.type = copy->type;
        MR_TRY(mr_expr_constant(b->arena, &value, copy->position, out, b->err));
    }
    return MR_OK;
}

static MrStatus fold_node(MrBinder *b, MrLogical *node)
{
    if (node->predicate != NULL) {
        MR_TRY(mr_fold(b, node->predicate, &node->predicate));
    }
    if (node->kind == MR_LOGICAL_JOIN && node->predicate != NULL &&
        is_truth(node->predicate, true)) {
        node->predicate = NULL; /* ON true */
    }
    for (uint32_t i = 0; node->kind == MR_LOGICAL_PROJECT && i < node->column_count; i++) {
        MR_TRY(mr_fold(b, node->expressions[i], &node->expressions[i]));
    }
    for (uint32_t i = 0; i < node->key_count; i++) {
        MR_TRY(mr_fold(b, node->keys[i], &node->keys[i]));
    }
    for (uint32_t i = 0; i < node->call_count; i++) {
        MrLogicalCall *call = &node->calls[i];
        for (uint32_t j = 0; j < call->aggregate->arg_count; j++) {
            MR_TRY(mr_fold(b, call->args[j], &call->args[j]));
        }
        if (call->filter != NULL) {
            MR_TRY(mr_fold(b, call->filter, &call->filter));
        }
        if (call->filter != NULL && is_truth(call->filter, true)) {
            call->filter = NULL;
        }
    }
    return MR_OK;
}

static MrStatus fold_at(MrBinder *b, MrLogical **place)
{
    MR_TRY(fold_node(b, *place));
    while ((*place)->kind == MR_LOGICAL_FILTER && is_truth((*place)->predicate, true)) {
        *place = (*place)->input;
        MR_TRY(fold_node(b, *place));
    }
    return MR_OK;
}

MrStatus mr_rewrite_fold_constants(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, fold_at);
}
