/*
 * planner/subquery_array.c - ARRAY(SELECT …) as a value: see subquery.h.
 */
#include "planner/dependent_join.h"
#include "planner/subquery.h"
#include "planner/subquery_internal.h"

/* The number of the row that a function gave, as one more column of the tree: elements of an array
 * stay in their order. MR_NO_COLUMN: the rows are not those of a function. */
static MrStatus show_number(MrBinder *b, MrLogical **tree, uint32_t *out)
{
    MrLogical *node = *tree;
    MrExpr **exprs;
    const char **names;
    uint32_t number, count = node->column_count;
    *out = node->kind == MR_LOGICAL_PROJECT_SET ? count - 1 : MR_NO_COLUMN;
    if (node->kind == MR_LOGICAL_FILTER) {
        MR_TRY(show_number(b, &node->input, out));
        return mr_logical_filter(b->arena, node->input, node->predicate, tree, b->err);
    }
    if (node->kind != MR_LOGICAL_PROJECT) {
        return MR_OK;
    }
    MR_TRY(show_number(b, &node->input, &number));
    if (number == MR_NO_COLUMN) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, exprs, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, names, count + 1, b->err);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = node->expressions[i];
        names[i] = node->columns[i].name;
    }
    MR_TRY(mr_bind_node_column(b, node->input, number, &exprs[count]));
    *out = count;
    return mr_logical_project(b->arena, node->input, exprs, names, count + 1, tree, b->err);
}

/* array_agg(first column ORDER BY the keys). */
static MrStatus gather_call(MrBinder *b, const MrLogical *tree, const MrSortKey *keys,
                            uint32_t key_count, MrLogicalCall *out)
{
    const MrAggregate *const *found;
    uint32_t overloads = mr_aggregate_lookup(MR_STRING("array_agg"), &found), count = 1;
    bool is_array = mr_type_is_array(tree->columns[0].type.id);
    MrAggregateOrder *order;
    *out = (MrLogicalCall){ 0 };
    for (uint32_t i = 0; i < overloads; i++) {
        if ((found[i]->args[0] == MR_TYPE_ANYARRAY) == is_array) {
            out->aggregate = found[i];
        }
    }
    MR_TRY(mr_bind_node_column(b, tree, 0, &out->args[0]));
    if (key_count == 0) {
        return MR_OK;
    }
    MR_NEW(b->arena, order, b->err);
    for (uint32_t k = 0; k < key_count; k++) {
        uint32_t arg = keys[k].column == 0 ? 0 : count;
        if (arg == MR_AGGREGATE_ARGS_MAX) {
            return mr_bind_unsupported(b, -1, "Order by fewer columns.",
                                       "so many keys of ORDER BY in ARRAY(SELECT …) are not "
                                       "supported");
        }
        if (arg > 0) {
            MR_TRY(mr_bind_node_column(b, tree, keys[k].column, &out->args[count++]));
        }
        order->keys[k] = (MrAggregateKey){ .arg = (uint8_t)arg,
                                           .descending = keys[k].descending,
                                           .nulls_first = keys[k].nulls_first };
    }
    order->count = key_count;
    return mr_aggregate_ordered(b->arena, out->aggregate, order, count, &out->aggregate, b->err);
}

static MrStatus empty_array(MrBinder *b, MrType type, MrExpr **out)
{
    MrDatum datum = { .type = type };
    return mr_expr_constant(b->arena, &datum, -1, out, b->err);
}

/* ARRAY(SELECT …): what array_agg() gives, or the empty array. */
MrStatus mr_subquery_attach_array(MrArguments *arguments, MrLogical *tree, MrLogical **node,
                                  MrExpr **out)
{
    MrBinder *b = arguments->b;
    MrLogicalCall *calls;
    MrExpr *on = NULL, *value, *empty;
    MrSortKey number = { 0 };
    const MrSortKey *keys = NULL;
    uint32_t shift = (*node)->column_count, key_count = 0;
    bool is_correlated = mr_tree_is_correlated(tree);
    if (tree->kind == MR_LOGICAL_SORT && tree->materialized == 0) {
        keys = tree->sort_keys;
        key_count = tree->sort_key_count;
        tree = tree->limit == UINT64_MAX && tree->offset == 0 ? tree->input : tree;
    }
    if (key_count == 0) {
        MR_TRY(show_number(b, &tree, &number.column));
        keys = &number;
        key_count = number.column != MR_NO_COLUMN;
    }
    if (is_correlated) {
        MR_TRY(mr_unnest(arguments, &tree));
    }
    MR_NEW_ARRAY(b->arena, calls, 1, b->err);
    MR_TRY(gather_call(b, tree, keys, key_count, calls));
    MR_TRY(mr_subquery_group(arguments, !is_correlated, calls, 1, &tree));
    if (is_correlated) {
        MR_TRY(mr_arguments_match(arguments, shift, &on));
    }
    MR_TRY(mr_subquery_join(b, node, tree, on));
    MR_TRY(mr_bind_node_column(b, *node, (*node)->column_count - 1, &value));
    MR_TRY(empty_array(b, value->type, &empty));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_COALESCE, value->type, -1, 2, out, b->err));
    (*out)->args[0] = value;
    (*out)->args[1] = empty;
    return MR_OK;
}

MrStatus mr_subquery_keep_order(MrBinder *b, MrLogical *aggregate)
{
    uint32_t number = MR_NO_COLUMN;
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        if (mr_call_follows_rows(&aggregate->calls[i])) {
            MR_TRY(show_number(b, &aggregate->input, &number));
            break;
        }
    }
    for (uint32_t i = 0; i < aggregate->call_count && number != MR_NO_COLUMN; i++) {
        MrLogicalCall *call = &aggregate->calls[i];
        uint32_t count = call->aggregate->arg_count;
        MrAggregateOrder *order;
        if (!mr_call_follows_rows(call)) {
            continue;
        }
        MR_NEW(b->arena, order, b->err);
        *order = (MrAggregateOrder){ .keys = { { .arg = (uint8_t)count } }, .count = 1 };
        MR_TRY(mr_bind_node_column(b, aggregate->input, number, &call->args[count]));
        MR_TRY(mr_aggregate_ordered(b->arena, call->aggregate, order, count + 1, &call->aggregate,
                                    b->err));
    }
    return MR_OK;
}
