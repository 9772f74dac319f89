/*
 * planner/subquery_filter.c - a condition that holds subqueries, as joins:
 *
 *     EXISTS, IN, op ANY              semi join
 *     NOT EXISTS, op ALL, NOT IN      anti join
 *     any other                       a value (subquery_value.c), then a filter
 */
#include "planner/join.h"
#include "planner/subquery.h"
#include "planner/subquery_internal.h"

/* The rows of the subquery with which an outer row is compared, and the condition. */
typedef struct Match {
    MrArguments arguments;
    MrLogical *tree;
    MrExpr *condition; /* over the tree's columns and the arguments; NULL: any row will do */
} Match;

/* Projections and filters come off the tree: what they say of the outside becomes the condition. */
static MrStatus peel(MrBinder *b, Match *match)
{
    MrExpr *kept = NULL;
    while (mr_tree_is_correlated(match->tree)) {
        MrLogical *node = match->tree;
        if (node->kind == MR_LOGICAL_PROJECT) {
            if (match->condition != NULL) {
                MR_TRY(mr_expr_through_project(b->arena, match->condition, node, &match->condition,
                                               b->err));
            }
            if (kept != NULL) {
                MR_TRY(mr_expr_through_project(b->arena, kept, node, &kept, b->err));
            }
        } else if (node->kind == MR_LOGICAL_FILTER) {
            const MrExpr *predicate = node->predicate;
            for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
                MrExpr *part = mr_conjunct_at(predicate, i);
                MrExpr **into = mr_expr_has_outer(part) ? &match->condition : &kept;
                MR_TRY(mr_expr_and(b->arena, *into, part, into, b->err));
            }
        } else {
            break;
        }
        match->tree = node->input;
    }
    if (kept != NULL) {
        MR_TRY(mr_logical_filter(b->arena, match->tree, kept, &match->tree, b->err));
    }
    return MR_OK;
}

static MrStatus semi_join(MrBinder *b, MrLogical **node, const MrExpr *expr, MrLogical *tree,
                          MrExpr *condition, bool anti)
{
    Match match = { .tree = tree, .condition = condition };
    MrExpr *on = NULL, *same = NULL;
    uint32_t shift = (*node)->column_count;
    MR_TRY(peel(b, &match));
    MR_TRY(mr_arguments_init(b, *node, expr, match.tree, &match.arguments));
    if (mr_tree_is_correlated(match.tree)) {
        MR_TRY(mr_unnest(&match.arguments, &match.tree));
        MR_TRY(mr_arguments_match(&match.arguments, shift, &same));
    }
    if (match.condition != NULL) {
        MR_TRY(mr_arguments_apply(&match.arguments, match.condition, shift, &on));
    }
    MR_TRY(mr_expr_and(b->arena, same, on, &on, b->err));
    MR_TRY(mr_logical_join(b->arena, anti ? MR_JOIN_TYPE_ANTI : MR_JOIN_TYPE_SEMI, *node,
                           match.tree, on, node, b->err));
    return mr_join_settle(b, *node);
}

/* Whether the arguments hold no subquery themselves, so that they can stand in a join's
 * condition. */
static bool has_plain_arguments(const MrExpr *expr)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (mr_expr_has_subquery(expr->args[i])) {
            return false;
        }
    }
    return true;
}

/* A condition that is a subquery, or its opposite, as a semi or anti join; *done false: it must
 * be a value. Rows are kept where the condition is true, so that NULL is as good as false. */
static MrStatus filter_by_join(MrBinder *b, MrLogical **node, const MrExpr *part, bool *done)
{
    bool negated = false;
    while (part->kind == MR_EXPR_NOT) {
        part = part->args[0];
        negated = !negated;
    }
    *done = false;
    if (part->kind != MR_EXPR_SUBQUERY || !has_plain_arguments(part)) {
        return MR_OK;
    }
    MrSubquery subquery = b->subqueries->items[part->column];
    if (subquery.kind == MR_SUBQUERY_SCALAR || subquery.kind == MR_SUBQUERY_ARRAY) {
        return MR_OK;
    }
    MrExpr *condition = subquery.comparison;
    MrArguments arguments;
    MR_TRY(mr_arguments_init(b, *node, part, subquery.node, &arguments));
    if (subquery.kind == MR_SUBQUERY_ALL) {
        /* No row for which it is not true; or, negated, some row for which it is false. */
        MR_TRY(negated ? mr_bind_unary(b, MR_EXPR_NOT, false, condition, &condition)
                       : mr_bind_unary(b, MR_EXPR_IS_TRUE, true, condition, &condition));
        negated = !negated;
    } else if (subquery.kind == MR_SUBQUERY_ANY && negated &&
               mr_subquery_may_be_null(condition, &subquery, &arguments)) {
        if (mr_subquery_is_strict_pair(condition)) {
            return MR_OK; /* as a value it takes counts, not every pair of rows */
        }
        MR_TRY(mr_bind_unary(b, MR_EXPR_IS_FALSE, true, condition, &condition));
    }
    *done = true;
    MR_TRY(mr_subquery_take(b, part, &subquery));
    MrLogical *tree = subquery.node;
    if (subquery.kind == MR_SUBQUERY_EXISTS) {
        tree = mr_subquery_without_order(tree);
    }
    return semi_join(b, node, part, tree, condition, negated);
}

/* Hides what was joined for a condition. */
static MrStatus keep_columns(MrBinder *b, MrLogical **node, const MrLogical *as)
{
    MrExpr **exprs;
    const char **names;
    if ((*node)->column_count == as->column_count) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, exprs, as->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, as->column_count, b->err);
    for (uint32_t i = 0; i < as->column_count; i++) {
        MR_TRY(mr_bind_node_column(b, *node, i, &exprs[i]));
        names[i] = as->columns[i].name;
    }
    return mr_logical_project(b->arena, *node, exprs, names, as->column_count, node, b->err);
}

MrStatus mr_bind_filter(MrBinder *b, MrLogical **node, MrExpr *predicate)
{
    const MrLogical *as = *node;
    uint32_t count = mr_conjunct_count(predicate), later_count = 0;
    MrExpr *plain = NULL, **later;
    if (!mr_expr_has_subquery(predicate)) {
        return mr_logical_filter(b->arena, *node, predicate, node, b->err);
    }
    MR_NEW_ARRAY(b->arena, later, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MrExpr *part = mr_conjunct_at(predicate, i);
        if (mr_expr_has_subquery(part)) {
            later[later_count++] = part;
        } else {
            MR_TRY(mr_expr_and(b->arena, plain, part, &plain, b->err));
        }
    }
    if (plain != NULL) {
        MR_TRY(mr_logical_filter(b->arena, *node, plain, node, b->err));
    }
    MrExpr *values = NULL;
    for (uint32_t i = 0; i < later_count; i++) {
        bool done;
        MR_TRY(filter_by_join(b, node, later[i], &done));
        if (!done) {
            MR_TRY(mr_expr_and(b->arena, values, later[i], &values, b->err));
        }
    }
    if (values != NULL) {
        MR_TRY(mr_bind_attach(b, node, &values, 1));
        MR_TRY(mr_logical_filter(b->arena, *node, values, node, b->err));
    }
    return keep_columns(b, node, as);
}
