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

bool mr_grouping_is_outer(const MrGroupingCall *call)
{
    Levels levels = { 0 };
    for (uint32_t i = 0; i < call->arg_count; i++) {
        mr_expr_walk(call->args[i], note_level, &levels);
    }
    return levels.outer && !levels.own;
}

/* What belongs to a query around: an aggregate, or GROUPING(). */
typedef struct Call {
    const MrLogicalCall *aggregate; /* NULL: it is the other */
    const MrGroupingCall *grouping;
    MrType type;
    int32_t position;
} Call;

static MrStatus passed_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const MrOuter *outer = context;
    if (expr->kind == MR_EXPR_OUTER) {
        *out = outer->args[expr->column];
    }
    return MR_OK;
}

/* The call over the columns of the query around. */
static MrStatus lift_aggregate(MrBinder *b, MrOuter *outer, const MrLogicalCall *call,
                               MrLogicalCall *out)
{
    *out = *call;
    for (uint32_t i = 0; i < call->aggregate->arg_count; i++) {
        MR_TRY(mr_expr_map(b->arena, call->args[i], passed_replace, outer, &out->args[i], b->err));
    }
    return call->filter == NULL
               ? MR_OK
               : mr_expr_map(b->arena, call->filter, passed_replace, outer, &out->filter, b->err);
}

static MrStatus lift_grouping(MrBinder *b, MrOuter *outer, const MrGroupingCall *call,
                              MrGroupingCall *out)
{
    out->arg_count = call->arg_count;
    MR_NEW_ARRAY(b->arena, out->args, call->arg_count, b->err);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        MR_TRY(mr_expr_map(b->arena, call->args[i], passed_replace, outer, &out->args[i], b->err));
    }
    return MR_OK;
}

static MrStatus refuse_clause(MrBinder *b, const MrOuter *outer, const Call *call)
{
    return mr_bind_error(b, MR_ERR_GROUPING, call->position,
                         call->aggregate != NULL ? "aggregate functions are not allowed in %s"
                                                 : "grouping operations are not allowed in %s",
                         mr_clause_name(outer->clause));
}

static MrStatus check_place(MrBinder *b, const MrOuter *outer, const Call *call)
{
    const int32_t position = call->position;
    if (outer->clause == MR_CLAUSE_AGGREGATE) {
        mr_bind_error(b, MR_ERR_GROUPING, position, "aggregate function calls cannot be nested");
        return mr_error_hint(b->err, "Aggregate in a subquery in FROM first.");
    }
    if (outer->is_from) {
        return mr_bind_error(b, MR_ERR_GROUPING, position,
                             "%s are not allowed in FROM clause of their own query level",
                             call->aggregate != NULL ? "aggregate functions"
                                                     : "grouping operations");
    }
    return outer->aggregates != NULL && mr_clause_allows_aggregates(outer->clause)
               ? MR_OK
               : refuse_clause(b, outer, call);
}

static MrStatus give(MrBinder *b, MrOuter *outer, const uint32_t *mark, const Call *call,
                     MrExpr **out);

/* The lifted call over the columns of `outer`: it belongs to that query, or to one around it. */
static MrStatus place(MrBinder *b, MrOuter *outer, const uint32_t *mark, const Call *call,
                      MrExpr **out)
{
    uint32_t index = 0;
    if (call->aggregate != NULL ? mr_call_is_outer(call->aggregate)
                                : mr_grouping_is_outer(call->grouping)) {
        return give(b, outer->next, mark + 1, call, out);
    }
    MR_TRY(check_place(b, outer, call));
    if (call->aggregate != NULL) {
        MR_TRY(mr_aggregate_list_add(b, outer->aggregates, call->aggregate, &index));
        index += MR_AGGREGATE_COLUMN;
    } else {
        MR_TRY(mr_grouping_list_add(b, outer->aggregates, call->grouping, &index));
        index += MR_GROUPING_COLUMN;
    }
    return mr_expr_column(b->arena, index, call->type, call->position, out, b->err);
}

/* The call's value as an expression over the columns of `outer`, whose query it may belong to. */
static MrStatus give(MrBinder *b, MrOuter *outer, const uint32_t *mark, const Call *call,
                     MrExpr **out)
{
    MrLogicalCall aggregate;
    MrGroupingCall grouping;
    Call lifted = *call;
    MrExpr *value;
    uint32_t index = 0;
    if (call->aggregate != NULL) {
        MR_TRY(lift_aggregate(b, outer, call->aggregate, &aggregate));
        lifted.aggregate = &aggregate;
    } else {
        MR_TRY(lift_grouping(b, outer, call->grouping, &grouping));
        lifted.grouping = &grouping;
    }
    outer->count = *mark;
    MR_TRY(place(b, outer, mark, &lifted, &value));
    MR_TRY(mr_outer_add(b, outer, value, &index));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OUTER, call->type, call->position, 0, out, b->err));
    (*out)->column = index;
    return MR_OK;
}

MrStatus mr_outer_aggregate(MrBinder *b, const uint32_t *mark, const MrLogicalCall *call,
                            MrType type, int32_t position, MrExpr **out)
{
    const Call given = { .aggregate = call, .type = type, .position = position };
    return give(b, b->outer, mark, &given, out);
}

MrStatus mr_outer_grouping(MrBinder *b, const uint32_t *mark, const MrGroupingCall *call,
                           int32_t position, MrExpr **out)
{
    const Call given = { .grouping = call, .type = mr_type(MR_TYPE_INT32), .position = position };
    return give(b, b->outer, mark, &given, out);
}
