/*
 * planner/dependent_join.c - see dependent_join.h.
 */
#include "planner/dependent_join.h"

#include "planner/dependent_internal.h"
#include "planner/join.h"
#include "planner/over.h"
#include "planner/subquery_internal.h"

#include <string.h>

MrStatus mr_unnest_any(MrArguments *arguments, MrLogical **node)
{
    return mr_tree_is_correlated(*node) ? mr_unnest(arguments, node)
                                        : mr_cross_domain(arguments, node);
}

/* ---- Filters ------------------------------------------------------------------------------- */

/* Whether equal values of the type are the same in every respect (unlike 1.0 and 1.00). */
static bool has_one_look(MrTypeId type)
{
    return type != MR_TYPE_NUMERIC && type != MR_TYPE_INTERVAL && type != MR_TYPE_FLOAT32 &&
           type != MR_TYPE_FLOAT64 && type != MR_TYPE_JSON;
}

/* `argument = expression of the node` in either order; the argument's number or MR_NO_COLUMN. */
static uint32_t equated_argument(const MrExpr *conjunct, MrExpr **value)
{
    if (!mr_expr_is_binary(conjunct, "=")) {
        return MR_NO_COLUMN;
    }
    for (uint32_t side = 0; side < 2; side++) {
        MrExpr *argument = conjunct->args[side], *other = conjunct->args[1 - side];
        bool is_outer = false;
        mr_expr_walk(other, mr_note_outer, &is_outer);
        if (argument->kind == MR_EXPR_OUTER && !is_outer && argument->type.id == other->type.id &&
            has_one_look(argument->type.id)) {
            *value = other;
            return argument->column;
        }
    }
    return MR_NO_COLUMN;
}

/* Whether the filter equates every used argument with an expression over its input: then those
 * take the arguments' places, and the distinct values are not needed. */
static MrStatus find_equated(const MrArguments *arguments, const MrExpr *predicate, MrExpr **values,
                             bool *out)
{
    *out = true;
    for (uint32_t c = 0; c < mr_conjunct_count(predicate); c++) {
        MrExpr *value = NULL;
        uint32_t argument = equated_argument(mr_conjunct_at(predicate, c), &value);
        if (argument != MR_NO_COLUMN && values[argument] == NULL) {
            values[argument] = value;
        }
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        *out = *out && (!arguments->used[i] || values[i] != NULL);
    }
    return MR_OK;
}

/* The filter's input with the equal expressions as columns. */
static MrStatus project_equated(MrArguments *arguments, MrLogical *input, MrExpr *const *values,
                                MrLogical **out)
{
    MrBinder *b = arguments->b;
    MrExpr **exprs;
    const char **names;
    uint32_t count = input->column_count;
    MR_NEW_ARRAY(b->arena, exprs, count + arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, names, count + arguments->count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_node_column(b, input, i, &exprs[i]));
        names[i] = input->columns[i].name;
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            exprs[count] = values[i];
            arguments->columns[i] = count++;
            arguments->is_strict[i] = true;
        }
    }
    return mr_logical_project(b->arena, input, exprs, names, count, out, b->err);
}

/* Brings the filter down to where other conditions are: together they may equate all arguments. */
static MrStatus sink_filter(MrBinder *b, MrLogical **place, bool *is_project)
{
    MrLogical *node = *place, *input = node->input;
    MrExpr *predicate = node->predicate;
    *is_project = false;
    while (input->kind == MR_LOGICAL_FILTER) {
        MR_TRY(mr_expr_and(b->arena, input->predicate, predicate, &predicate, b->err));
        input = input->input;
    }
    if (input->kind == MR_LOGICAL_PROJECT && !mr_logical_shows_place(input)) {
        MR_TRY(mr_expr_through_project(b->arena, predicate, input, &predicate, b->err));
        MR_TRY(mr_logical_filter(b->arena, input->input, predicate, &input->input, b->err));
        *is_project = true;
        *place = input;
        return MR_OK;
    }
    return mr_logical_filter(b->arena, input, predicate, place, b->err);
}

static MrStatus unnest_filter(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    bool is_project;
    MR_TRY(sink_filter(b, place, &is_project));
    if (is_project) {
        return mr_unnest_project(arguments, place);
    }
    MrLogical *node = *place, *input = node->input;
    MrExpr **values, *predicate;
    bool is_equated = false;
    MR_NEW_ARRAY(b->arena, values, arguments->count, b->err);
    if (!mr_tree_is_correlated(input)) {
        MR_TRY(find_equated(arguments, node->predicate, values, &is_equated));
    }
    MR_TRY(is_equated ? project_equated(arguments, input, values, &input)
                      : mr_unnest_any(arguments, &input));
    /* `x = x` stays behind for each equated column: it keeps NULLs out. */
    MrMapping mapping = { .arguments = arguments };
    MR_TRY(mr_map_expr(&mapping, node->predicate, &predicate));
    return mr_logical_filter(b->arena, input, predicate, place, b->err);
}

/* ---- Other nodes --------------------------------------------------------------------------- */

MrStatus mr_unnest_project(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place, *input = node->input;
    MrExpr **exprs;
    const char **names;
    uint32_t count = node->column_count;
    MR_TRY(mr_unnest_any(arguments, &input));
    MR_NEW_ARRAY(b->arena, exprs, count + arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, names, count + arguments->count, b->err);
    MrMapping mapping = { .arguments = arguments };
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_map_expr(&mapping, node->expressions[i], &exprs[i]));
        names[i] = node->columns[i].name;
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            MR_TRY(mr_bind_node_column(b, input, arguments->columns[i], &exprs[count]));
            arguments->columns[i] = count++;
        }
    }
    return mr_logical_project(b->arena, input, exprs, names, count, place, b->err);
}

/* For each value of the arguments a row of the grouping set without columns, and false: it is there
 * for its group only.  All else of it is NULL. */
static MrStatus total_rows(MrArguments *arguments, const MrLogical *input, uint32_t number,
                           int32_t total, MrLogical **out)
{
    MrBinder *b = arguments->b;
    MrLogical *domain;
    MrExpr **exprs;
    const uint32_t count = input->column_count;
    MR_NEW_ARRAY(b->arena, exprs, count + 1, b->err);
    MR_TRY(mr_make_domain(arguments, &domain));
    for (uint32_t i = 0; i < count; i++) {
        MrDatum value = { .type = input->columns[i].type, .is_null = i != number };
        value.integer = i == number ? total : 0;
        MR_TRY(mr_expr_constant(b->arena, &value, -1, &exprs[i], b->err));
    }
    for (uint32_t i = 0, column = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            MR_TRY(mr_bind_node_column(b, domain, column++, &exprs[arguments->columns[i]]));
        }
    }
    MrDatum no = { .type = mr_type(MR_TYPE_BOOL) };
    MR_TRY(mr_expr_constant(b->arena, &no, -1, &exprs[count], b->err));
    return mr_logical_project(b->arena, domain, exprs, NULL, count + 1, out, b->err);
}

/* Grouping sets without columns have their row also where nothing is to aggregate: the input gets
 * one that makes their groups, and that no call sees.  The set's number is the last key. */
static MrStatus add_totals(MrArguments *arguments, MrLogical *node)
{
    MrBinder *b = arguments->b;
    MrLogical *input = node->input;
    const uint32_t shows = input->column_count, number = node->keys[node->key_count - 1]->column;
    MrDatum yes = { .type = mr_type(MR_TYPE_BOOL), .boolean = true };
    MrExpr *is_row;
    MR_TRY(mr_expr_constant(b->arena, &yes, -1, &is_row, b->err));
    MR_TRY(mr_logical_extend(b->arena, input, &is_row, 1, &node->input, b->err));
    for (uint32_t t = 0; t < node->total_count; t++) {
        MrLogical *total;
        MR_TRY(total_rows(arguments, input, number, node->totals[t], &total));
        MR_TRY(mr_logical_union(b->arena, node->input, total, &node->input, b->err));
    }
    MR_TRY(mr_expr_column(b->arena, shows, yes.type, -1, &is_row, b->err));
    for (uint32_t i = 0; i < node->call_count; i++) {
        MR_TRY(
            mr_expr_and(b->arena, is_row, node->calls[i].filter, &node->calls[i].filter, b->err));
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        arguments->is_strict[i] = false; /* the domain may have a NULL */
    }
    node->total_count = 0;
    return MR_OK;
}

/* Groups by the arguments too. A row of keys that an aggregate over everything gets has no rows
 * for an argument that has none below: the caller sees to that. */
static MrStatus group_by_arguments(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place;
    const MrLogicalColumn *had = node->columns;
    uint32_t count = node->column_count, before = node->key_count, *places;
    MrExpr **keys;
    MR_TRY(mr_subquery_keep_order(b, node));
    MR_TRY(mr_unnest_any(arguments, &node->input));
    MrMapping mapping = { .arguments = arguments };
    MR_NEW_ARRAY(b->arena, keys, before + arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, places, count, b->err);
    for (uint32_t i = 0; i < before; i++) {
        MR_TRY(mr_map_expr(&mapping, node->keys[i], &keys[i]));
    }
    MR_TRY(mr_map_in_place(&mapping, &node->time));
    for (uint32_t i = 0; i < node->call_count; i++) {
        MrLogicalCall *call = &node->calls[i];
        for (uint32_t a = 0; a < call->aggregate->arg_count; a++) {
            MR_TRY(mr_map_in_place(&mapping, &call->args[a]));
        }
        MR_TRY(mr_map_in_place(&mapping, &call->filter));
    }
    if (node->total_count > 0) {
        MR_TRY(add_totals(arguments, node));
    }
    uint32_t first = mr_logical_key_column(node, 0), added = mr_arguments_used(arguments);
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            MR_TRY(
                mr_bind_node_column(b, node->input, arguments->columns[i], &keys[node->key_count]));
            arguments->columns[i] = first + node->key_count++;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        places[i] = i < first + before ? i : i + added;
    }
    node->keys = keys;
    node->is_global = false;
    MR_TRY(mr_logical_aggregate_columns(b->arena, node, b->err));
    return mr_dependent_show(arguments, place, places, had, count);
}

MrStatus mr_unnest_global(MrArguments *arguments, MrLogical **node)
{
    return group_by_arguments(arguments, node);
}

MrStatus mr_call_empty_value(MrBinder *b, const MrLogicalCall *call, MrExpr **out)
{
    static const uint32_t first[1] = { 0 };
    const MrAggregate *aggregate = call->aggregate;
    MrTypeId over = aggregate->arg_count > 0 ? call->args[0]->type.id : MR_TYPE_UNKNOWN;
    MrType type = mr_type(mr_aggregate_result(aggregate, over));
    MrVector value;
    MrDatum datum;
    char *state;
    MR_NEW_ARRAY(b->arena, state, aggregate->state_bytes + 1, b->err);
    MR_TRY(mr_vector_init(&value, b->arena, type, 1, b->err));
    MR_TRY(mr_vector_make_nullable(&value, b->arena, b->err));
    MR_TRY(aggregate->finalize(aggregate, state, 0, first, 1, b->arena, &value, b->err));
    mr_vector_get(&value, 0, &datum);
    datum.is_null = mr_vector_is_null(&value, 0);
    datum.type = type;
    return mr_expr_constant(b->arena, &datum, -1, out, b->err);
}

/* Every value of the arguments has its one row, also where nothing was to aggregate. */
static MrStatus unnest_total(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *total = *place, *domain, *groups = *place;
    uint32_t count = total->column_count, call_count = total->call_count;
    const MrLogicalCall *calls = total->calls;
    MrExpr *on = NULL, **exprs;
    const char **names;
    MR_TRY(mr_make_domain(arguments, &domain));
    MR_TRY(group_by_arguments(arguments, &groups));
    uint32_t shift = domain->column_count, column = 0;
    for (uint32_t i = 0; i < arguments->count; i++) {
        MrExpr *left, *right, *same;
        if (!arguments->used[i]) {
            continue;
        }
        MR_TRY(mr_bind_node_column(b, domain, column, &left));
        MR_TRY(mr_expr_column(b->arena, arguments->columns[i] + shift, left->type, -1, &right,
                              b->err));
        MR_TRY(mr_same_value(b, left, right, arguments->is_strict[i], &same));
        MR_TRY(mr_expr_and(b->arena, on, same, &on, b->err));
        arguments->columns[i] = column++;
        arguments->is_strict[i] = false; /* the domain may have a NULL */
    }
    MR_TRY(mr_dependent_join(b, MR_JOIN_TYPE_LEFT, domain, groups, on, place));
    MR_NEW_ARRAY(b->arena, exprs, count + arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, names, count + arguments->count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MrExpr *empty;
        MR_TRY(mr_bind_node_column(b, *place, shift + i, &exprs[i]));
        names[i] = groups->columns[i].name;
        if (i >= count - call_count) {
            MR_TRY(mr_call_empty_value(b, &calls[i - (count - call_count)], &empty));
            if (!empty->constant.is_null) {
                MrExpr *value = exprs[i];
                MR_TRY(
                    mr_expr_new(b->arena, MR_EXPR_COALESCE, value->type, -1, 2, &exprs[i], b->err));
                exprs[i]->args[0] = value;
                exprs[i]->args[1] = empty;
            }
        }
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            MR_TRY(mr_bind_node_column(b, *place, arguments->columns[i], &exprs[count]));
            arguments->columns[i] = count++;
        }
    }
    return mr_logical_project(b->arena, *place, exprs, names, count, place, b->err);
}

static MrStatus unnest_aggregate(MrArguments *arguments, MrLogical **place)
{
    return (*place)->is_global ? unnest_total(arguments, place)
                               : group_by_arguments(arguments, place);
}

/* Nodes that add columns of their own behind their input's (EXPAND, PROJECT_SET, WINDOW). */
static MrStatus unnest_appending(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place;
    const MrLogicalColumn *had = node->columns;
    uint32_t count = node->column_count, before = node->input->column_count, *places;
    MR_TRY(mr_unnest_any(arguments, &node->input));
    uint32_t added = node->input->column_count - before;
    MR_NEW_ARRAY(b->arena, places, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = i < before ? i : i + added;
    }
    if (node->kind == MR_LOGICAL_WINDOW) {
        MR_TRY(mr_logical_window_columns(b->arena, node, b->err));
    } else if (node->kind == MR_LOGICAL_EXPAND) {
        MR_TRY(mr_logical_expand(b->arena, node->input, node->expand_keys, node->expand_key_count,
                                 node->sets, node->set_count, place, b->err));
    } else {
        MR_TRY(mr_logical_project_set(b->arena, node->input, node->set_calls, node->set_call_count,
                                      node->keeps_rows, place, b->err));
    }
    return mr_dependent_show(arguments, place, places, had, count);
}

/* Window functions and top-N: each within the rows of its argument values. */
static MrStatus unnest_over(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place;
    MrLogicalOver *over = node->over;
    const MrLogicalColumn *had = node->columns;
    uint32_t count = node->column_count, before = node->input->column_count, *places, *partition;
    MR_TRY(mr_unnest_any(arguments, &node->input));
    uint32_t added = node->input->column_count - before;
    MR_NEW_ARRAY(b->arena, places, count, b->err);
    MR_NEW_ARRAY(b->arena, partition, over->partition_count + arguments->count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = i < before ? i : i + added;
    }
    for (uint32_t i = 0; i < over->partition_count; i++) {
        partition[i] = over->partition[i];
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            partition[over->partition_count++] = arguments->columns[i];
        }
    }
    over->partition = partition;
    MR_TRY(mr_logical_over_columns(b->arena, node, b->err));
    return mr_dependent_show(arguments, place, places, had, count);
}

/* LIMIT keeps the first rows for each value of the arguments. */
static MrStatus unnest_sort(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place, *input = node->input;
    uint32_t *partition, count = 0;
    MR_TRY(mr_unnest(arguments, &input));
    *place = input;
    if (node->limit == UINT64_MAX && node->offset == 0) {
        return MR_OK; /* an order that nobody sees */
    }
    MR_NEW_ARRAY(b->arena, partition, arguments->count, b->err);
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            partition[count++] = arguments->columns[i];
        }
    }
    MR_TRY(
        mr_logical_top_n(b, input, partition, count, node->sort_keys, node->sort_key_count, place));
    MrLogicalOver *over = (*place)->over;
    over->offset = node->offset;
    over->limit = node->limit > UINT64_MAX - node->offset ? UINT64_MAX : node->limit + node->offset;
    return MR_OK;
}

MrStatus mr_unnest(MrArguments *arguments, MrLogical **node)
{
    switch ((*node)->kind) {
    case MR_LOGICAL_FILTER: return unnest_filter(arguments, node);
    case MR_LOGICAL_PROJECT: return mr_unnest_project(arguments, node);
    case MR_LOGICAL_AGGREGATE: return unnest_aggregate(arguments, node);
    case MR_LOGICAL_JOIN: return mr_unnest_join(arguments, node);
    case MR_LOGICAL_UNION: return mr_unnest_union(arguments, node);
    case MR_LOGICAL_RECURSION: return mr_unnest_recursion(arguments, node);
    case MR_LOGICAL_SCAN: return mr_unnest_step(arguments, node); /* others are not correlated */
    case MR_LOGICAL_SORT: return unnest_sort(arguments, node);
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return unnest_over(arguments, node);
    case MR_LOGICAL_WINDOW:
    case MR_LOGICAL_EXPAND:
    case MR_LOGICAL_PROJECT_SET: return unnest_appending(arguments, node);
    default: break;
    }
    return mr_bind_unsupported(arguments->b, -1, "Write the subquery as a join.",
                               "this subquery, which names a column of the query around it, is not "
                               "supported yet");
}
