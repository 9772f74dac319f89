/*
 * planner/subquery_attach.c - joins the subqueries of expressions to the node below, each once: see
 * subquery.h.
 */
#include "planner/subquery.h"

#include "planner/subquery_internal.h"

typedef struct Attaching {
    MrBinder *b;
    MrLogical **node;
    MrAttached *done; /* already: the same subquery is not joined twice */
    uint32_t count, capacity;
} Attaching;

static MrStatus attach_expr(Attaching *attaching, const MrExpr *expr, MrExpr **out)
{
    MrBinder *b = attaching->b;
    MrExpr *copy;
    if (!mr_expr_has_subquery(expr)) {
        *out = (MrExpr *)(uintptr_t)expr;
        return MR_OK;
    }
    for (uint32_t i = 0; i < attaching->count; i++) {
        if (mr_expr_equal(attaching->done[i].expr, expr)) {
            *out = attaching->done[i].value;
            return MR_OK;
        }
    }
    MR_TRY(mr_expr_copy(b->arena, expr, &copy, b->err));
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        MR_TRY(attach_expr(attaching, expr->args[i], &copy->args[i]));
    }
    *out = copy;
    if (expr->kind != MR_EXPR_SUBQUERY) {
        return MR_OK;
    }
    MR_TRY(mr_subquery_attach_value(b, copy, attaching->node, out));
    MR_GROW_ARRAY(b->arena, attaching->done, attaching->count, attaching->capacity, b->err);
    attaching->done[attaching->count++] = (MrAttached){ expr, *out };
    return MR_OK;
}

MrStatus mr_bind_attach(MrBinder *b, MrLogical **node, MrExpr **exprs, uint32_t count)
{
    Attaching attaching = { .b = b, .node = node };
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(attach_expr(&attaching, exprs[i], &exprs[i]));
    }
    return MR_OK;
}

static MrStatus key_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const MrGrouping *grouping = context;
    for (uint32_t i = 0; i < grouping->attached_count && *out == NULL; i++) {
        if (mr_expr_equal(grouping->attached[i].expr, expr)) {
            *out = grouping->attached[i].value;
        }
    }
    return MR_OK;
}

MrStatus mr_bind_put_keys(MrBinder *b, const MrGrouping *grouping, const MrExpr *expr, MrExpr **out)
{
    *out = (MrExpr *)(uintptr_t)expr;
    return grouping->attached_count == 0 || !mr_expr_has_subquery(expr)
               ? MR_OK
               : mr_expr_map(b->arena, expr, key_replace, (void *)(uintptr_t)grouping, out, b->err);
}

MrStatus mr_bind_attach_grouping(MrBinder *b, MrGrouping *grouping)
{
    Attaching attaching = { .b = b, .node = &grouping->input };
    MrAggregateList *list = &grouping->aggregates;
    for (uint32_t i = 0; i < grouping->key_count; i++) {
        MR_TRY(attach_expr(&attaching, grouping->keys[i], &grouping->keys[i]));
    }
    for (uint32_t i = 0; i < grouping->written_count; i++) {
        MR_TRY(attach_expr(&attaching, grouping->written[i], &grouping->written[i]));
    }
    MR_NEW_ARRAY(b->arena, grouping->attached, attaching.count + 1, b->err);
    for (; grouping->attached_count < attaching.count; grouping->attached_count++) {
        grouping->attached[grouping->attached_count] = attaching.done[grouping->attached_count];
    }
    for (uint32_t i = 0; i < list->count; i++) {
        MrLogicalCall *call = &list->items[i];
        for (uint32_t a = 0; a < call->aggregate->arg_count; a++) {
            MR_TRY(attach_expr(&attaching, call->args[a], &call->args[a]));
        }
        if (call->filter != NULL) {
            MR_TRY(attach_expr(&attaching, call->filter, &call->filter));
        }
    }
    return MR_OK;
}
