/*
 * planner/subquery_value.c - a subquery that stands for a value, joined to the node below:
 *
 *     a value over everything         its row beside every row
 *     a value with outer columns      LEFT JOIN with the values of all outer columns at once
 *     EXISTS, IN … as a value         LEFT JOIN with the distinct outer columns that have a row
 */
#include "planner/join.h"
#include "planner/set_operation.h"
#include "planner/subquery.h"
#include "planner/subquery_internal.h"

/* ---- Small expressions --------------------------------------------------------------------- */

static MrStatus bool_constant(MrBinder *b, bool value, MrExpr **out)
{
    MrDatum datum = { .type = mr_type(MR_TYPE_BOOL), .boolean = value };
    return mr_expr_constant(b->arena, &datum, -1, out, b->err);
}

static MrStatus null_constant(MrBinder *b, MrType type, MrExpr **out)
{
    MrDatum datum = { .type = type, .is_null = true };
    return mr_expr_constant(b->arena, &datum, -1, out, b->err);
}

/* CASE WHEN condition THEN value [WHEN …] ELSE otherwise END; takes `count` pairs. */
static MrStatus make_case(MrBinder *b, MrType type, MrExpr *const *pairs, uint32_t count,
                          MrExpr *otherwise, MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, type, -1, 2 * count + 1, out, b->err));
    for (uint32_t i = 0; i < 2 * count; i++) {
        (*out)->args[i] = pairs[i];
    }
    (*out)->args[2 * count] = otherwise;
    return MR_OK;
}

static MrStatus is_above_zero(MrBinder *b, MrExpr *count, MrExpr **out)
{
    MrDatum datum = { .type = mr_type(MR_TYPE_INT64) };
    MrExpr *zero;
    MR_TRY(mr_expr_constant(b->arena, &datum, -1, &zero, b->err));
    return mr_bind_operator(b, ">", count, zero, -1, out);
}

/* ---- Aggregates over a subquery's rows ----------------------------------------------------- */

static MrStatus find_call(MrBinder *b, const char *name, MrExpr *argument, MrLogicalCall *out)
{
    const MrAggregate *const *found;
    uint32_t count = mr_aggregate_lookup(mr_string(name), &found);
    *out = (MrLogicalCall){ 0 };
    for (uint32_t i = 0; i < count && out->aggregate == NULL; i++) {
        bool fits = argument == NULL
                        ? (found[i]->flags & MR_AGG_COUNTS_ROWS) != 0
                        : found[i]->arg_count == 1 && (found[i]->args[0] == argument->type.id ||
                                                       found[i]->args[0] == MR_TYPE_UNKNOWN);
        if (fits) {
            out->aggregate = found[i];
            out->args[0] = argument;
        }
    }
    if (out->aggregate == NULL) {
        char type[64];
        return mr_bind_unsupported(b, -1, "Cast it to text in the subquery.",
                                   "a subquery of type %s as a value is not supported yet",
                                   mr_type_text(argument->type, type));
    }
    return MR_OK;
}

MrStatus mr_subquery_group(MrArguments *arguments, bool is_global, MrLogicalCall *calls,
                           uint32_t call_count, MrLogical **node)
{
    MrBinder *b = arguments->b;
    MrLogical *aggregate;
    MR_NEW(b->arena, aggregate, b->err);
    aggregate->kind = MR_LOGICAL_AGGREGATE;
    aggregate->input = *node;
    aggregate->limit = UINT64_MAX;
    aggregate->is_global = is_global;
    aggregate->calls = calls;
    aggregate->call_count = call_count;
    MR_NEW_ARRAY(b->arena, aggregate->keys, arguments->count, b->err);
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i] && !is_global) {
            MR_TRY(mr_bind_node_column(b, *node, arguments->columns[i],
                                       &aggregate->keys[aggregate->key_count]));
            arguments->columns[i] = aggregate->key_count++;
        }
    }
    *node = aggregate;
    return mr_logical_aggregate_columns(b->arena, aggregate, b->err);
}

/* ---- Places -------------------------------------------------------------------------------- */

MrStatus mr_subquery_take(MrBinder *b, const MrExpr *expr, MrSubquery *out)
{
    MrSubquery *subquery = &b->subqueries->items[expr->column];
    *out = *subquery;
    if (!subquery->is_attached) {
        subquery->is_attached = true;
        return mr_logical_copy(b->arena, subquery->node, &subquery->node, b->err);
    }
    return mr_logical_copy(b->arena, subquery->node, &out->node, b->err);
}

MrStatus mr_subquery_join(MrBinder *b, MrLogical **node, MrLogical *right, MrExpr *on)
{
    MrJoinType type = on == NULL ? MR_JOIN_TYPE_INNER : MR_JOIN_TYPE_LEFT;
    MR_TRY(mr_logical_join(b->arena, type, *node, right, on, node, b->err));
    for (uint32_t i = (*node)->column_count - right->column_count; i < (*node)->column_count; i++) {
        (*node)->columns[i].name = NULL;
    }
    return mr_join_settle(b, *node);
}

/* ---- Values -------------------------------------------------------------------------------- */

/* The aggregate over everything below projections only: it always gives one row. */
static MrLogical *total_of(MrLogical *node)
{
    while (node->kind == MR_LOGICAL_PROJECT) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_AGGREGATE && node->is_global ? node : NULL;
}

static bool gives_one_row(MrLogical *node)
{
    while (node->kind == MR_LOGICAL_PROJECT) {
        node = node->input;
    }
    return (node->kind == MR_LOGICAL_AGGREGATE && node->is_global) ||
           (node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_VALUES &&
            node->values->row_count == 1);
}

/* any_value(x), unless there are several rows: 21000. */
static MrStatus checked_value(MrBinder *b, MrExpr *count, MrExpr *value, MrExpr **out)
{
    MrExpr *args[1] = { count }, *is_single, *null;
    MR_TRY(mr_bind_function(b, "mr_single_row", args, 1, -1, &is_single));
    if (is_single == NULL) {
        return mr_function_missing(b, "mr_single_row", args, 1, -1);
    }
    MR_TRY(null_constant(b, value->type, &null));
    MrExpr *pair[2] = { is_single, value };
    return make_case(b, value->type, pair, 1, null, out);
}

static MrStatus single_value(MrArguments *arguments, bool is_global, MrLogical *tree,
                             MrLogical **node, MrExpr **out)
{
    MrBinder *b = arguments->b;
    MrLogicalCall *calls;
    MrExpr *value, *count, *on = NULL;
    uint32_t shift = (*node)->column_count;
    MR_NEW_ARRAY(b->arena, calls, 2, b->err);
    MR_TRY(mr_bind_node_column(b, tree, 0, &value));
    MR_TRY(find_call(b, "any_value", value, &calls[0]));
    MR_TRY(find_call(b, "count", NULL, &calls[1]));
    MR_TRY(mr_subquery_group(arguments, is_global, calls, 2, &tree));
    if (!is_global) {
        MR_TRY(mr_arguments_match(arguments, shift, &on));
    }
    MR_TRY(mr_subquery_join(b, node, tree, on));
    MR_TRY(mr_bind_node_column(b, *node, (*node)->column_count - 2, &value));
    MR_TRY(mr_bind_node_column(b, *node, (*node)->column_count - 1, &count));
    return checked_value(b, count, value, out);
}

/* The projections above the total, over the columns of the join: where a row of it is missing,
 * what the calls give for no rows. */
typedef struct Totals {
    const MrArguments *arguments;
    const MrLogical *total; /* as it was */
    uint32_t shift;
} Totals;

static MrStatus total_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Totals *totals = context;
    MrBinder *b = totals->arguments->b;
    const uint32_t first = mr_logical_call_column(totals->total, 0);
    MrExpr *column, *empty;
    if (expr->kind == MR_EXPR_OUTER) {
        *out = totals->arguments->exprs[expr->column];
    }
    if (expr->kind != MR_EXPR_COLUMN) {
        return MR_OK;
    }
    MR_TRY(mr_expr_column(b->arena, totals->shift + expr->column, expr->type, expr->position,
                          &column, b->err));
    MR_TRY(mr_call_empty_value(b, &totals->total->calls[expr->column - first], &empty));
    *out = column;
    if (empty->constant.is_null) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_COALESCE, expr->type, -1, 2, out, b->err));
    (*out)->args[0] = column;
    (*out)->args[1] = empty;
    return MR_OK;
}

/* (SELECT sum(x) + 1 FROM … WHERE k = outer.k): the sums of all outer rows at once. */
static MrStatus total_value(MrArguments *arguments, MrLogical *tree, MrLogical **node, MrExpr **out)
{
    MrBinder *b = arguments->b;
    MrLogical *total = total_of(tree), *groups = total;
    MrLogical before;
    MrExpr *expr, *on;
    uint32_t shift = (*node)->column_count;
    MR_TRY(mr_bind_node_column(b, tree, 0, &expr));
    for (MrLogical *above = tree; above != total; above = above->input) {
        MR_TRY(mr_expr_through_project(b->arena, expr, above, &expr, b->err));
    }
    before = *total;
    mr_arguments_restrict(arguments, total);
    MR_TRY(mr_unnest_global(arguments, &groups));
    MR_TRY(mr_arguments_match(arguments, shift, &on));
    MR_TRY(mr_subquery_join(b, node, groups, on));
    Totals totals = { .arguments = arguments, .total = &before, .shift = shift };
    return mr_expr_map(b->arena, expr, total_replace, &totals, out, b->err);
}

static MrStatus attach_scalar(MrArguments *arguments, MrLogical *tree, MrLogical **node,
                              MrExpr **out)
{
    MrBinder *b = arguments->b;
    if (!mr_tree_is_correlated(tree)) {
        if (!gives_one_row(tree)) {
            return single_value(arguments, true, tree, node, out);
        }
        uint32_t at = (*node)->column_count;
        MR_TRY(mr_subquery_join(b, node, tree, NULL));
        return mr_bind_node_column(b, *node, at, out);
    }
    MrLogical *total = total_of(tree);
    if (total != NULL && mr_tree_is_correlated(total)) {
        return total_value(arguments, tree, node, out);
    }
    MR_TRY(mr_unnest(arguments, &tree));
    return single_value(arguments, false, tree, node, out);
}

MrLogical *mr_subquery_without_order(MrLogical *tree)
{
    while (tree->kind == MR_LOGICAL_SORT && tree->materialized == 0 && tree->limit > 0 &&
           tree->offset == 0) {
        tree = tree->input;
    }
    return tree;
}

/* Whether the tree has rows, as a value. */
static MrStatus attach_exists(MrArguments *arguments, MrLogical *tree, MrLogical **node,
                              MrExpr **out)
{
    MrBinder *b = arguments->b;
    tree = mr_subquery_without_order(tree);
    uint32_t shift = (*node)->column_count;
    MrLogicalCall *calls;
    MrExpr *count, *on = NULL;
    bool is_correlated = mr_tree_is_correlated(tree);
    MR_NEW_ARRAY(b->arena, calls, 1, b->err);
    MR_TRY(find_call(b, "count", NULL, &calls[0]));
    if (is_correlated) {
        MR_TRY(mr_unnest(arguments, &tree));
    }
    MR_TRY(mr_subquery_group(arguments, !is_correlated, calls, 1, &tree));
    if (is_correlated) {
        MR_TRY(mr_arguments_match(arguments, shift, &on));
    }
    MR_TRY(mr_subquery_join(b, node, tree, on));
    MR_TRY(mr_bind_node_column(b, *node, (*node)->column_count - 1, &count));
    return is_correlated ? mr_bind_unary(b, MR_EXPR_IS_NULL, true, count, out)
                         : is_above_zero(b, count, out);
}

bool mr_subquery_may_be_null(const MrExpr *comparison, const MrSubquery *subquery,
                             const MrArguments *arguments)
{
    if (comparison->kind == MR_EXPR_OUTER) {
        return !mr_expr_is_not_null(arguments->exprs[comparison->column], arguments->outer);
    }
    if (comparison->kind == MR_EXPR_COLUMN) {
        return !subquery->node->columns[comparison->column].not_null;
    }
    for (uint32_t i = 0; i < comparison->arg_count; i++) {
        if (mr_subquery_may_be_null(comparison->args[i], subquery, arguments)) {
            return true;
        }
    }
    return comparison->kind == MR_EXPR_CONSTANT && comparison->constant.is_null;
}

static MrStatus exists_where(MrBinder *b, const MrExpr *expr, const MrLogical *tree,
                             MrExpr *condition, MrLogical **node, MrExpr **out)
{
    MrLogical *copy, *filtered;
    MrArguments arguments;
    MR_TRY(mr_logical_copy(b->arena, tree, &copy, b->err));
    MR_TRY(mr_logical_filter(b->arena, copy, condition, &filtered, b->err));
    MR_TRY(mr_arguments_init(b, *node, expr, filtered, &arguments));
    return attach_exists(&arguments, filtered, node, out);
}

/* A strict comparison is NULL where one side is: for x IN (SELECT y …) that takes the counts of
 * rows and of values only, not every pair. */
static MrStatus null_by_counts(MrBinder *b, const MrExpr *expr, const MrLogical *tree,
                               const MrExpr *comparison, MrLogical **node, MrExpr **out)
{
    const MrExpr *left = comparison->args[0], *right = comparison->args[1];
    MrLogical *rows;
    MrExpr *has_rows, *has_nulls, *operand, *is_null;
    MrExpr *value = (MrExpr *)(uintptr_t)right;
    MR_TRY(mr_logical_copy(b->arena, tree, &rows, b->err));
    MrArguments arguments;
    MR_TRY(mr_arguments_init(b, *node, expr, rows, &arguments));
    MR_TRY(attach_exists(&arguments, rows, node, &has_rows));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, value, &is_null));
    MR_TRY(exists_where(b, expr, tree, is_null, node, &has_nulls));
    operand = expr->args[left->column];
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, operand, &is_null));
    MR_TRY(mr_expr_and(b->arena, is_null, has_rows, &is_null, b->err));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OR, mr_type(MR_TYPE_BOOL), -1, 2, out, b->err));
    (*out)->args[0] = is_null;
    (*out)->args[1] = has_nulls;
    return MR_OK;
}

bool mr_subquery_is_strict_pair(const MrExpr *comparison)
{
    return comparison->kind == MR_EXPR_CALL && comparison->arg_count == 2 &&
           comparison->args[0]->kind == MR_EXPR_OUTER &&
           (comparison->function->flags & MR_FN_STRICT) != 0 &&
           !mr_expr_has_outer(comparison->args[1]);
}

/* x op ANY: true where the comparison is for some row, else NULL where it is for some row, else
 * false; ALL is the same of its opposite. */
static MrStatus attach_comparison(MrBinder *b, const MrExpr *expr, const MrSubquery *subquery,
                                  MrLogical **node, MrExpr **out)
{
    bool all = subquery->kind == MR_SUBQUERY_ALL;
    MrExpr *decides = subquery->comparison, *found, *unknown, *pairs[4], *otherwise, *null;
    MrArguments arguments;
    MR_TRY(mr_arguments_init(b, *node, expr, subquery->node, &arguments));
    bool nullable = mr_subquery_may_be_null(subquery->comparison, subquery, &arguments);
    if (all) {
        MR_TRY(mr_bind_unary(b, MR_EXPR_NOT, false, subquery->comparison, &decides));
    }
    MR_TRY(exists_where(b, expr, subquery->node, decides, node, &found));
    MR_TRY(bool_constant(b, !all, &pairs[1]));
    MR_TRY(bool_constant(b, all, &otherwise));
    pairs[0] = found;
    if (!nullable) {
        return make_case(b, mr_type(MR_TYPE_BOOL), pairs, 1, otherwise, out);
    }
    if (mr_subquery_is_strict_pair(subquery->comparison)) {
        MR_TRY(null_by_counts(b, expr, subquery->node, subquery->comparison, node, &unknown));
    } else {
        MrExpr *is_null;
        MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, subquery->comparison, &is_null));
        MR_TRY(exists_where(b, expr, subquery->node, is_null, node, &unknown));
    }
    MR_TRY(null_constant(b, mr_type(MR_TYPE_BOOL), &null));
    pairs[2] = unknown;
    pairs[3] = null;
    return make_case(b, mr_type(MR_TYPE_BOOL), pairs, 2, otherwise, out);
}

MrStatus mr_subquery_attach_value(MrBinder *b, const MrExpr *expr, MrLogical **node, MrExpr **out)
{
    MrSubquery subquery;
    MrArguments arguments;
    uint32_t number = 0;
    MR_TRY(mr_subquery_take(b, expr, &subquery));
    MR_TRY(mr_bind_make_once(b, &number, node));
    if (subquery.kind == MR_SUBQUERY_ANY || subquery.kind == MR_SUBQUERY_ALL) {
        return attach_comparison(b, expr, &subquery, node, out);
    }
    MR_TRY(mr_arguments_init(b, *node, expr, subquery.node, &arguments));
    switch (subquery.kind) {
    case MR_SUBQUERY_SCALAR: return attach_scalar(&arguments, subquery.node, node, out);
    case MR_SUBQUERY_ARRAY: return mr_subquery_attach_array(&arguments, subquery.node, node, out);
    default: return attach_exists(&arguments, subquery.node, node, out);
    }
}
