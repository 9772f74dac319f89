/*
 * planner/outer_aggregate.c - see outer_aggregate.h.
 */
#include "planner/outer_aggregate.h"

#include "planner/subquery_internal.h"

MrStatus mr_outer_mark(MrBinder *b, uint32_t **out)
{
    uint32_t count = 0, *mark;
    *out = NULL;
    for (const MrOuter *outer = b->outer; outer != NULL; outer = outer->next) {
        count++;
    }
    if (count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, mark, count, b->err);
    *out = mark;
    for (const MrOuter *outer = b->outer; outer != NULL; outer = outer->next) {
        *mark++ = outer->count;
    }
    return MR_OK;
}

typedef struct Levels {
    bool own, outer; /* columns of the query itself, and of those around it */
} Levels;

static void note_level(void *context, const MrExpr *expr)
{
    Levels *levels = context;
    levels->own |= expr->kind == MR_EXPR_COLUMN || expr->kind == MR_EXPR_SEQUENCE ||
                   expr->kind == MR_EXPR_ARRIVAL;
    levels->outer |= expr->kind == MR_EXPR_OUTER;
}

bool mr_call_is_outer(const MrLogicalCall *call)
{
    Levels levels = { 0 };
    for (uint32_t i = 0; i < call->aggregate->arg_count; i++) {
        mr_expr_walk(call->args[i], note_level, &levels);
    }
    if (call->filter != NULL) {
        mr_expr_walk(call->filter, note_level, &levels);
    }
    return levels.outer && !levels.own;
}

static MrStatus passed_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const MrOuter *outer = context;
    if (expr->kind == MR_EXPR_OUTER) {
        *out = outer->args[expr->column];
    }
    return MR_OK;
}

/* The call over the columns of the query around. */
static MrStatus lift(MrBinder *b, MrOuter *outer, const MrLogicalCall *call, MrLogicalCall *out)
{
    *out = *call;
    for (uint32_t i = 0; i < call->aggregate->arg_count; i++) {
        MR_TRY(mr_expr_map(b->arena, call->args[i], passed_replace, outer, &out->args[i], b->err));
    }
    return call->filter == NULL
               ? MR_OK
               : mr_expr_map(b->arena, call->filter, passed_replace, outer, &out->filter, b->err);
}

static MrStatus check_place(MrBinder *b, const MrOuter *outer, int32_t position)
{
    if (outer->clause == MR_CLAUSE_AGGREGATE) {
        mr_bind_error(b, MR_ERR_GROUPING, position, "aggregate function calls cannot be nested");
        return mr_error_hint(b->err, "Aggregate in a subquery in FROM first.");
    }
    if (outer->is_from) {
        return mr_bind_error(b, MR_ERR_GROUPING, position,
                             "aggregate functions are not allowed in FROM clause of their own "
                             "query level");
    }
    return outer->aggregates != NULL && mr_clause_allows_aggregates(outer->clause)
               ? MR_OK
               : mr_bind_error(b, MR_ERR_GROUPING, position,
                               "aggregate functions are not allowed in %s",
                               mr_clause_name(outer->clause));
}

/* The call's value as an expression over the columns of `outer`, whose query it may belong to. */
static MrStatus give(MrBinder *b, MrOuter *outer, const uint32_t *mark, const MrLogicalCall *call,
                     MrType type, int32_t position, MrExpr **out)
{
    MrLogicalCall lifted;
    MrExpr *value;
    uint32_t index = 0;
    MR_TRY(lift(b, outer, call, &lifted));
    outer->count = *mark;
    if (mr_call_is_outer(&lifted)) {
        MR_TRY(give(b, outer->next, mark + 1, &lifted, type, position, &value));
    } else {
        MR_TRY(check_place(b, outer, position));
        MR_TRY(mr_aggregate_list_add(b, outer->aggregates, &lifted, &index));
        MR_TRY(
            mr_expr_column(b->arena, MR_AGGREGATE_COLUMN + index, type, position, &value, b->err));
    }
    MR_TRY(mr_outer_add(b, outer, value, &index));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OUTER, type, position, 0, out, b->err));
    (*out)->column = index;
    return MR_OK;
}

MrStatus mr_outer_aggregate(MrBinder *b, const uint32_t *mark, const MrLogicalCall *call,
                            MrType type, int32_t position, MrExpr **out)
{
    return give(b, b->outer, mark, call, type, position, out);
}
