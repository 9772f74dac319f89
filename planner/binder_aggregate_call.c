/*
 * planner/binder_aggregate_call.c - binds calls of aggregates into the query's list: overloads,
 * ORDER BY, DISTINCT and FILTER, WITHIN GROUP.  Must not know what aggregates compute.
 */
#include "planner/binder_aggregate_internal.h"
#include "planner/outer_aggregate.h"

#include <string.h>

static const char mode_descending[] = "mr_mode_descending";

static bool is_ordered_set_aggregate(const char *name)
{
    return strcmp(name, "percentile_cont") == 0 || strcmp(name, "percentile_disc") == 0 ||
           strcmp(name, "mode") == 0 || strcmp(name, mode_descending) == 0;
}

static MrStatus aggregate_check_place(MrBinder *b, const MrAstCall *call)
{
    if (b->clause == MR_CLAUSE_AGGREGATE) {
        mr_bind_error(b, MR_ERR_GROUPING, call->base.position,
                      "aggregate function calls cannot be nested");
        return mr_error_hint(b->err, "Aggregate in a subquery in FROM first.");
    }
    if (b->aggregates == NULL || !mr_clause_allows_aggregates(b->clause)) {
        return mr_bind_error(b, MR_ERR_GROUPING, call->base.position,
                             "aggregate functions are not allowed in %s",
                             mr_clause_name(b->clause));
    }
    return MR_OK;
}

static MrStatus check_form(MrBinder *b, const MrAstCall *call)
{
    if (!call->within_group && is_ordered_set_aggregate(call->name.name)) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                             "WITHIN GROUP is required for ordered-set aggregate %s",
                             call->name.name);
    }
    if (call->variadic) {
        return mr_bind_unsupported(b, call->base.position, "Give the arguments one by one.",
                                   "VARIADIC is not supported");
    }
    return MR_OK;
}

/* Arguments and FILTER see the input, not other aggregates. */
static MrStatus aggregate_bind_parts(MrBinder *b, const MrAstCall *call, MrExpr **args,
                                     MrExpr **filter)
{
    MrClause clause = b->clause;
    MrStatus status = MR_OK;
    b->clause = MR_CLAUSE_AGGREGATE;
    /* WITHIN GROUP: the value that is ordered comes first. */
    uint32_t first = call->within_group ? 1 : 0;
    if (call->within_group) {
        status = mr_bind_expr_known(b, MR_AST_AS(const MrAstSort, call->order_by.items[0])->expr,
                                    &args[0]);
    }
    for (uint32_t i = 0; i < call->args.count && status == MR_OK; i++) {
        status = mr_bind_expr(b, call->args.items[i], &args[first + i]);
    }
    if (status == MR_OK && call->filter != NULL) {
        status = mr_bind_boolean(b, call->filter, "FILTER", filter);
    }
    b->clause = clause;
    return status;
}

/* array_agg has an entry for arrays and one for all else. */
static bool aggregate_takes(const MrAggregate *aggregate, const MrTypeId *types)
{
    if (aggregate->arg_count > 0 && aggregate->result == MR_TYPE_ANYARRAY) {
        return mr_type_is_array(types[0]) == (aggregate->args[0] == MR_TYPE_ANYARRAY);
    }
    return true;
}

/* json_agg(x) gathers to_json(x); the first of two arguments is a member's name. */
MrStatus mr_bind_aggregate_convert(MrBinder *b, const MrAggregate *aggregate, int32_t position,
                                   MrExpr **args)
{
    MrExpr *checked;
    if (aggregate->check != NULL) {
        MR_TRY(mr_bind_function(b, aggregate->check, &args[0], 1, position, &checked));
        args[0] = checked;
    }
    for (uint32_t i = 0; aggregate->convert != NULL && i < aggregate->arg_count; i++) {
        const bool is_name = i + 1 < aggregate->arg_count;
        const bool as_text =
            strcmp(aggregate->convert, "text") == 0 || args[i]->type.id == MR_TYPE_UNKNOWN;
        if (as_text) {
            MR_TRY(
                mr_coerce(b, args[i], mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, position, &args[i]));
        }
        MrExpr *converted;
        if (is_name) {
            MR_TRY(mr_bind_function(b, "mr_json_name", &args[i], 1, position, &converted));
            args[i] = converted;
        } else if (strcmp(aggregate->convert, "text") != 0) {
            const bool has_line =
                mr_type_is_array(args[i]->type.id) || args[i]->type.id == MR_TYPE_RECORD;
            MR_TRY(mr_bind_function(b, aggregate->convert, &args[i], 1, position, &converted));
            args[i] = converted;
            if (has_line && strcmp(aggregate->name, "json_agg") == 0) {
                MR_TRY(mr_bind_function(b, "mr_json_line", &converted, 1, position, &args[i]));
            }
        }
    }
    return MR_OK;
}

/* Of values that come equally often mode() gives the first of its order. */
static const char *name_of_entry(const MrAstCall *call)
{
    const bool is_mode = call->within_group && strcmp(call->name.name, "mode") == 0;
    const MrAstSort *sort = is_mode ? MR_AST_AS(const MrAstSort, call->order_by.items[0]) : NULL;
    return sort != NULL && sort->direction == MR_SORT_DESC ? mode_descending : call->name.name;
}

MrStatus mr_bind_aggregate_choose(MrBinder *b, const MrAstCall *call, MrExpr **args,
                                  const MrAggregate **out)
{
    const MrAggregate *const *found;
    uint32_t found_count = mr_aggregate_lookup(mr_string(name_of_entry(call)), &found);
    uint32_t arg_count = call->args.count + call->within_group, count = 0;
    MrCandidate *candidates;
    MrTypeId *slots, types[2] = { MR_TYPE_UNKNOWN, MR_TYPE_UNKNOWN };
    *out = NULL;
    if (arg_count > 2) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, candidates, found_count, b->err);
    MR_NEW_ARRAY(b->arena, slots, (size_t)found_count * 2, b->err);
    for (uint32_t i = 0; i < arg_count; i++) {
        types[i] = args[i]->type.id;
    }
    for (uint32_t i = 0; i < found_count; i++) {
        if (found[i]->arg_count != arg_count ||
            (call->star && !(found[i]->flags & MR_AGG_COUNTS_ROWS)) ||
            !aggregate_takes(found[i], types)) {
            continue;
        }
        MrCandidate *candidate = &candidates[count];
        bool is_exact = true;
        candidate->entry = found[i];
        candidate->args = slots + (size_t)count * 2;
        for (uint32_t j = 0; j < arg_count; j++) {
            MrTypeId wanted = found[i]->args[j];
            if (wanted == MR_TYPE_UNKNOWN || wanted == MR_TYPE_ANYARRAY) { /* any type */
                wanted = types[j] == MR_TYPE_UNKNOWN ? MR_TYPE_TEXT : types[j];
            }
            candidate->args[j] = wanted;
            is_exact = is_exact && wanted == types[j];
        }
        count++;
        if (is_exact) {
            *out = found[i];
            return MR_OK;
        }
    }
    int32_t chosen = mr_select_candidate(candidates, count, types, arg_count);
    if (chosen >= 0) {
        *out = candidates[chosen].entry;
        for (uint32_t i = 0; i < arg_count; i++) {
            MR_TRY(mr_coerce(b, args[i], mr_type(candidates[chosen].args[i]), MR_CAST_IMPLICIT,
                             call->base.position, &args[i]));
        }
    }
    return MR_OK;
}

static bool same_call(const MrLogicalCall *a, const MrLogicalCall *c)
{
    if (a->aggregate != c->aggregate || a->is_distinct != c->is_distinct ||
        (a->filter == NULL) != (c->filter == NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < a->aggregate->arg_count; i++) {
        if (!mr_expr_equal(a->args[i], c->args[i])) {
            return false;
        }
    }
    return a->filter == NULL || mr_expr_equal(a->filter, c->filter);
}

/* count(*) written twice is computed once. */
MrStatus mr_aggregate_list_add(MrBinder *b, MrAggregateList *list, const MrLogicalCall *call,
                               uint32_t *index)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (same_call(&list->items[i], call)) {
            *index = i;
            return MR_OK;
        }
    }
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    *index = list->count;
    list->items[list->count++] = *call;
    return MR_OK;
}

/* The fraction's value; of descending order its negative, which the aggregate takes so. */
static MrStatus settle_fraction(MrBinder *b, const MrAstCall *call, bool is_descending,
                                MrExpr **fraction)
{
    MrExpr *real;
    MrDatum value;
    if (!mr_can_coerce((*fraction)->type.id, MR_TYPE_FLOAT64, MR_CAST_IMPLICIT)) {
        return MR_OK; /* there is no such aggregate */
    }
    MR_TRY(mr_coerce(b, *fraction, mr_type(MR_TYPE_FLOAT64), MR_CAST_IMPLICIT, call->base.position,
                     &real));
    MR_TRY(mr_expr_constant_value(b->arena, real, b->context->zone, b->context->now_us, &value,
                                  b->err));
    if (!value.is_null && !(value.real >= 0 && value.real <= 1)) {
        return mr_bind_error(b, MR_ERR_NUMERIC_OUT_OF_RANGE, call->base.position,
                             "percentile value %g is not between 0 and 1", value.real);
    }
    if (value.is_null || !is_descending) {
        return MR_OK;
    }
    value.real = -value.real;
    return mr_expr_constant(b->arena, &value, call->base.position, fraction, b->err);
}

/* One value in order, and a fraction that is the same for all rows. */
static MrStatus check_within_group(MrBinder *b, const MrAstCall *call, MrExpr **args)
{
    if (!call->within_group || !is_ordered_set_aggregate(call->name.name)) {
        return MR_OK;
    }
    const MrAstSort *sort = MR_AST_AS(const MrAstSort, call->order_by.items[0]);
    const bool is_descending = sort->direction == MR_SORT_DESC;
    if (call->order_by.count > 1) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, call->base.position,
                             "%s() orders by one value", call->name.name);
    }
    if (args[0]->type.id == MR_TYPE_JSON) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, call->base.position,
                             "could not identify an ordering operator for type json");
    }
    if (call->args.count == 1 && !mr_expr_is_constant(args[1])) {
        return mr_bind_unsupported(b, call->base.position, "Write a number.",
                                   "a fraction that differs from row to row is not supported");
    }
    return call->args.count == 1 ? settle_fraction(b, call, is_descending, &args[1]) : MR_OK;
}

/* Where the key is among the arguments, or goes behind them.  Arguments that are made json are not
 * ordered by that. */
static uint32_t place_of_key(const MrAggregate *aggregate, const MrExpr *key, MrExpr *const *args,
                             uint32_t count)
{
    uint32_t i = aggregate->convert != NULL ? aggregate->arg_count : 0;
    while (i < count && !mr_expr_equal(args[i], key)) {
        i++;
    }
    return i;
}

/* A key of ORDER BY: one of the arguments, or one more. */
static MrStatus order_key(MrBinder *b, const MrAggregate *aggregate, bool is_distinct,
                          const MrAstSort *sort, MrExpr **args, uint32_t *count,
                          MrAggregateKey *out)
{
    MrClause clause = b->clause;
    MrExpr *key;
    bool is_argument = false;
    b->clause = MR_CLAUSE_AGGREGATE;
    MrStatus status = mr_bind_expr_known(b, sort->expr, &key);
    b->clause = clause;
    MR_TRY(status);
    if (key->type.id == MR_TYPE_JSON) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, sort->base.position,
                             "could not identify an ordering operator for type json");
    }
    for (uint32_t a = 0; a < aggregate->arg_count; a++) {
        is_argument = is_argument || mr_expr_equal(args[a], key);
    }
    if (is_distinct && !is_argument) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, sort->base.position,
                             "in an aggregate with DISTINCT, ORDER BY expressions must appear in "
                             "argument list");
    }
    uint32_t i = place_of_key(aggregate, key, args, *count);
    if (i == MR_AGGREGATE_ARGS_MAX) {
        return mr_bind_unsupported(
            b, sort->base.position, "Order by one value made of several, such as a row's text.",
            "so many keys of ORDER BY inside an aggregate are not supported");
    }
    args[i] = key;
    *count = i == *count ? i + 1 : *count;
    *out = (MrAggregateKey){ .arg = (uint8_t)i,
                             .descending = sort->direction == MR_SORT_DESC,
                             .nulls_first = sort->nulls == MR_NULLS_DEFAULT
                                                ? sort->direction == MR_SORT_DESC
                                                : sort->nulls == MR_NULLS_FIRST };
    return MR_OK;
}

static bool is_own_order(const MrAggregate *aggregate, const MrAggregateOrder *order)
{
    const MrAggregateKey *key = &order->keys[0];
    return order->count == 1 && key->arg == 0 && !key->descending && !key->nulls_first &&
           !order->is_distinct && aggregate->convert == NULL &&
           mr_aggregate_retracting(aggregate) != NULL;
}

/* DISTINCT that the values in front cannot tell: of two arguments, or of ones that become json. */
static bool is_distinct_by_keys(const MrAstCall *call, const MrAggregate *aggregate,
                                MrExpr *const *args)
{
    return call->distinct && ((aggregate->arg_count == 2 && !mr_expr_is_constant(args[1])) ||
                              aggregate->convert != NULL);
}

/* Rows are told apart by every argument: those that ORDER BY does not name follow its keys. */
static MrStatus add_distinct_keys(MrBinder *b, const MrAggregate *aggregate, int32_t position,
                                  MrExpr **args, uint32_t *count, MrAggregateOrder *order)
{
    for (uint32_t a = 0; a < aggregate->arg_count; a++) {
        const uint32_t i = place_of_key(aggregate, args[a], args, *count);
        bool is_key = mr_expr_is_constant(args[a]);
        for (uint32_t k = 0; k < order->count; k++) {
            is_key = is_key || order->keys[k].arg == i;
        }
        if (is_key) {
            continue;
        }
        if (args[a]->type.id == MR_TYPE_JSON) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position,
                                 "could not identify an equality operator for type json");
        }
        args[i] = args[a];
        *count = i == *count ? i + 1 : *count;
        order->keys[order->count++] = (MrAggregateKey){ .arg = (uint8_t)i };
    }
    return MR_OK;
}

/* ORDER BY in the call.  Most aggregates give the same in any order.  Where the order is that of
 * the argument itself the form that keeps values sorted does it; else the keys are arguments
 * too. */
static MrStatus order_arguments(MrBinder *b, const MrAstCall *call, MrExpr **args,
                                MrLogicalCall *bound)
{
    const MrAggregate *aggregate = bound->aggregate;
    uint32_t count = aggregate->arg_count;
    MrAggregateOrder *order;
    MR_NEW(b->arena, order, b->err);
    order->is_distinct = call->distinct;
    for (uint32_t i = 0; i < call->order_by.count; i++) {
        MrAggregateKey ignored;
        bool has_room = i < MR_AGGREGATE_ARGS_MAX;
        MR_TRY(order_key(b, aggregate, call->distinct,
                         MR_AST_AS(const MrAstSort, call->order_by.items[i]), args, &count,
                         has_room ? &order->keys[order->count] : &ignored));
        order->count += has_room;
    }
    const bool by_keys = is_distinct_by_keys(call, aggregate, args);
    if (!(aggregate->flags & MR_AGG_IN_ORDER) && !by_keys) {
        return MR_OK;
    }
    if (by_keys) {
        MR_TRY(add_distinct_keys(b, aggregate, call->base.position, args, &count, order));
    }
    if (is_own_order(aggregate, order)) {
        bound->aggregate = mr_aggregate_retracting(aggregate);
        return MR_OK;
    }
    bound->is_distinct = false; /* the form sees to it */
    return mr_aggregate_ordered(b->arena, aggregate, order, count, &bound->aggregate, b->err);
}

MrStatus mr_bind_aggregate_one(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *args[MR_CALL_ARGS_MAX];
    MrLogicalCall bound = { .is_distinct = call->distinct };
    uint32_t index = 0, *named;
    if (call->args.count >= MR_CALL_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, call->base.position,
                             "cannot pass more than %d arguments to a function", MR_CALL_ARGS_MAX);
    }
    MR_TRY(mr_outer_mark(b, &named));
    MR_TRY(aggregate_bind_parts(b, call, args, &bound.filter));
    MR_TRY(check_within_group(b, call, args));
    if (!call->star && call->args.count == 0 && strcmp(call->name.name, "count") == 0) {
        mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                      "count(*) must be used to call a parameterless aggregate function");
        return b->err != NULL ? b->err->status : MR_ERR_WRONG_OBJECT_TYPE;
    }
    MR_TRY(mr_bind_aggregate_choose(b, call, args, &bound.aggregate));
    if (bound.aggregate == NULL) {
        return mr_function_missing(b, call->name.name, args, call->args.count + call->within_group,
                                   call->base.position);
    }
    if (call->within_group && !is_ordered_set_aggregate(call->name.name)) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                             "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP",
                             call->name.name);
    }
    const MrAggregate *own = bound.aggregate;
    if ((call->order_by.count > 0 && !call->within_group) || is_distinct_by_keys(call, own, args)) {
        MR_TRY(order_arguments(b, call, args, &bound));
    }
    MR_TRY(mr_bind_aggregate_convert(b, own, call->base.position, args));
    MrTypeId over = own->arg_count > 0 ? args[0]->type.id : MR_TYPE_UNKNOWN;
    for (uint32_t i = 0; i < bound.aggregate->arg_count; i++) {
        bound.args[i] = args[i];
    }
    MrType result = mr_type(mr_aggregate_result(bound.aggregate, over));
    if (mr_call_is_outer(&bound)) {
        return mr_outer_aggregate(b, named, &bound, result, call->base.position, out);
    }
    MR_TRY(aggregate_check_place(b, call));
    MR_TRY(mr_aggregate_list_add(b, b->aggregates, &bound, &index));
    return mr_expr_column(b->arena, MR_AGGREGATE_COLUMN + index, result, call->base.position, out,
                          b->err);
}

MrStatus mr_bind_aggregate_call(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    *out = NULL;
    MR_TRY(check_form(b, call));
    if (call->within_group && is_ordered_set_aggregate(call->name.name)) {
        MR_TRY(mr_bind_fraction_array(b, call, out));
    }
    return *out != NULL ? MR_OK : mr_bind_aggregate_one(b, call, out);
}
