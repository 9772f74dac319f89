/*
 * planner/set_operation.c - see set_operation.h.
 *
 *     A UNION B        the groups of (A UNION ALL B)
 *     A INTERSECT B    the groups that have rows of both; ALL: the lesser of both counts, so often
 *     A EXCEPT B       the groups that have rows of A only; ALL: the difference of the counts
 *
 * Groups are kept up to date under changes of either side, so all of these are too.
 */
#include "planner/set_operation.h"

#include <string.h>

static const char *const operation_names[] = { "SELECT", "VALUES", "UNION", "INTERSECT", "EXCEPT" };

/* ---- Sides --------------------------------------------------------------------------------- */

/* A literal without a type takes the other side's: its expression, where it stands bare. */
static MrExpr *output_of(const MrBoundQuery *side, uint32_t column)
{
    const MrLogical *node = side->node;
    bool is_literal = node->kind == MR_LOGICAL_PROJECT &&
                      node->expressions[column]->kind == MR_EXPR_CONSTANT &&
                      node->expressions[column]->type.id == MR_TYPE_UNKNOWN;
    return is_literal ? node->expressions[column] : NULL;
}

static MrStatus side_column(MrBinder *b, const MrBoundQuery *side, uint32_t column, MrExpr **out)
{
    *out = output_of(side, column);
    if (*out != NULL) {
        return MR_OK;
    }
    return mr_expr_column(b->arena, column, side->node->columns[column].type, -1, out, b->err);
}

/* The visible columns of one side as the types that both sides have in common, named as the left
 * one's; `mark` says which side it is, when it is not NULL. */
static MrStatus project_side(MrBinder *b, const MrBoundQuery *side, MrExpr **exprs, MrExpr *mark,
                             const MrBoundQuery *names_of, MrLogical **out)
{
    const char **names;
    uint32_t count = side->visible;
    MR_NEW_ARRAY(b->arena, names, count + 1, b->err);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = names_of->node->columns[i].name;
    }
    if (mark != NULL) {
        exprs[count++] = mark;
    }
    return mr_logical_project(b->arena, side->node, exprs, names, count, out, b->err);
}

static MrStatus check_comparable(MrBinder *b, const MrLogical *node, int32_t position)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i].type.id == MR_TYPE_JSON) {
            mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position,
                          "could not identify an equality operator for type json");
            return mr_error_hint(b->err, "Select the column cast to jsonb or text.");
        }
    }
    return MR_OK;
}

static MrStatus union_all(MrBinder *b, const char *what, const MrBoundQuery sides[2],
                          bool is_marked, MrLogical **out)
{
    MrExpr **exprs[2];
    MrLogical *projected[2];
    uint32_t count = sides[0].visible;
    MR_NEW_ARRAY(b->arena, exprs[0], count + 1, b->err);
    MR_NEW_ARRAY(b->arena, exprs[1], count + 1, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MrExpr *both[2];
        MrType type;
        for (uint32_t s = 0; s < 2; s++) {
            MR_TRY(side_column(b, &sides[s], i, &both[s]));
        }
        MR_TRY(mr_coerce_common(b, both, 2, what, &type));
        exprs[0][i] = both[0];
        exprs[1][i] = both[1];
    }
    for (uint32_t s = 0; s < 2; s++) {
        MrDatum is_left = { .type = mr_type(MR_TYPE_BOOL), .boolean = s == 0 };
        MrExpr *mark = NULL;
        if (is_marked) {
            MR_TRY(mr_expr_constant(b->arena, &is_left, -1, &mark, b->err));
        }
        MR_TRY(project_side(b, &sides[s], exprs[s], mark, &sides[0], &projected[s]));
    }
    return mr_logical_union(b->arena, projected[0], projected[1], out, b->err);
}

/* ---- Groups -------------------------------------------------------------------------------- */

typedef struct Groups {
    MrGrouping grouping;
    MrLogical *aggregate;
    MrLogical *node;  /* the aggregate, or a filter on it */
    MrExpr **columns; /* the grouped columns, over the node */
    const char **names;
} Groups;

/* Groups by the first `count` columns. */
static MrStatus group(MrBinder *b, MrLogical *input, uint32_t count, Groups *groups)
{
    MrGrouping *grouping = &groups->grouping;
    grouping->input = input;
    grouping->key_count = count;
    MR_NEW_ARRAY(b->arena, grouping->keys, count, b->err);
    MR_NEW_ARRAY(b->arena, groups->columns, count, b->err);
    MR_NEW_ARRAY(b->arena, groups->names, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &grouping->keys[i], b->err));
        groups->names[i] = input->columns[i].name;
    }
    MR_TRY(mr_bind_aggregate(b, grouping, &groups->aggregate, &groups->node));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_regroup(b, grouping, groups->aggregate, grouping->keys[i],
                               &groups->columns[i]));
    }
    return MR_OK;
}

MrStatus mr_bind_make_distinct(MrBinder *b, MrLogical **node)
{
    Groups groups = { 0 };
    uint32_t count = (*node)->column_count;
    MR_TRY(group(b, *node, count, &groups));
    return mr_logical_project(b->arena, groups.node, groups.columns, groups.names, count, node,
                              b->err);
}

static MrStatus int8_constant(MrBinder *b, int64_t value, MrExpr **out)
{
    MrDatum datum = { .type = mr_type(MR_TYPE_INT64), .integer = value };
    return mr_expr_constant(b->arena, &datum, -1, out, b->err);
}

/* count(*) FILTER (WHERE the row is of the side) */
static MrStatus side_count(MrBinder *b, const MrLogical *both, bool is_left, MrLogicalCall *out)
{
    *out = (MrLogicalCall){ .aggregate = mr_aggregate_of_rows() };
    MR_TRY(mr_expr_column(b->arena, both->column_count - 1, mr_type(MR_TYPE_BOOL), -1, &out->filter,
                          b->err));
    if (!is_left) {
        MrExpr *mark = out->filter;
        MR_TRY(
            mr_expr_new(b->arena, MR_EXPR_NOT, mr_type(MR_TYPE_BOOL), -1, 1, &out->filter, b->err));
        out->filter->args[0] = mark;
    }
    return MR_OK;
}

/* How often a row comes under ALL: least(l, r), or l - r, which may be below zero. */
static MrStatus times_of(MrBinder *b, bool intersects, MrExpr *const *counts, MrExpr **out)
{
    if (!intersects) {
        return mr_bind_operator(b, "-", counts[0], counts[1], -1, out);
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_LEAST, mr_type(MR_TYPE_INT64), -1, 2, out, b->err));
    (*out)->args[0] = counts[0];
    (*out)->args[1] = counts[1];
    return MR_OK;
}

static MrStatus is_kept(MrBinder *b, bool intersects, MrExpr *const *counts, MrExpr **out)
{
    MrExpr *zero, *of_left, *of_right;
    MR_TRY(int8_constant(b, 0, &zero));
    MR_TRY(mr_bind_operator(b, ">", counts[0], zero, -1, &of_left));
    MR_TRY(mr_bind_operator(b, intersects ? ">" : "=", counts[1], zero, -1, &of_right));
    return mr_expr_and(b->arena, of_left, of_right, out, b->err);
}

MrStatus mr_bind_repeat(MrBinder *b, MrLogical *input, uint32_t times, MrLogical **out)
{
    const MrSetFunction *const *found;
    MrLogicalSetCall *call;
    MrExpr **exprs;
    uint32_t overloads = mr_set_function_lookup(MR_STRING("generate_series"), &found);
    uint32_t count = input->column_count;
    MR_NEW(b->arena, call, b->err);
    MR_NEW_ARRAY(b->arena, exprs, count + 1, b->err);
    for (uint32_t i = 0; i < overloads; i++) {
        if (found[i]->arg_count == 2 && found[i]->args[0] == MR_TYPE_INT64) {
            call->function = found[i];
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[i], b->err));
    }
    MR_TRY(int8_constant(b, 1, &exprs[count]));
    call->args[0] = count;
    call->args[1] = times;
    MR_TRY(mr_logical_project(b->arena, input, exprs, NULL, count + 1, &input, b->err));
    return mr_logical_project_set(b->arena, input, call, 1, false, out, b->err);
}

/* The groups' columns, each row `times` times. */
static MrStatus repeat_rows(MrBinder *b, Groups *groups, uint32_t count, MrExpr *times,
                            MrLogical **out)
{
    MrLogical *node;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, names, count + 1, b->err);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = groups->columns[i];
        names[i] = groups->names[i];
    }
    exprs[count] = times;
    MR_TRY(mr_logical_project(b->arena, groups->node, exprs, names, count + 1, &node, b->err));
    MR_TRY(mr_bind_repeat(b, node, count, &node));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expr_column(b->arena, i, node->columns[i].type, -1, &groups->columns[i], b->err));
    }
    return mr_logical_project(b->arena, node, groups->columns, groups->names, count, out, b->err);
}

/* INTERSECT and EXCEPT over the union of the marked sides. */
static MrStatus compare_sides(MrBinder *b, bool intersects, bool all, MrLogical *both,
                              MrLogical **out)
{
    Groups groups = { 0 };
    MrExpr *counts[2], *expr;
    uint32_t count = both->column_count - 1;
    MR_NEW_ARRAY(b->arena, groups.grouping.aggregates.items, 2, b->err);
    groups.grouping.aggregates.count = groups.grouping.aggregates.capacity = 2;
    for (uint32_t s = 0; s < 2; s++) {
        MR_TRY(side_count(b, both, s == 0, &groups.grouping.aggregates.items[s]));
    }
    MR_TRY(group(b, both, count, &groups));
    for (uint32_t s = 0; s < 2; s++) {
        MR_TRY(mr_expr_column(b->arena, mr_logical_call_column(groups.aggregate, s),
                              mr_type(MR_TYPE_INT64), -1, &counts[s], b->err));
    }
    if (all) {
        MR_TRY(times_of(b, intersects, counts, &expr));
        return repeat_rows(b, &groups, count, expr, out);
    }
    MR_TRY(is_kept(b, intersects, counts, &expr));
    MR_TRY(mr_logical_filter(b->arena, groups.node, expr, &groups.node, b->err));
    return mr_logical_project(b->arena, groups.node, groups.columns, groups.names, count, out,
                              b->err);
}

MrStatus mr_bind_set_operation(MrBinder *b, const MrAstQuery *query, MrLogical **out)
{
    const char *what = operation_names[query->query];
    bool is_union = query->query == MR_QUERY_UNION;
    MrBoundQuery sides[2];
    MrLogical *both;
    bool keeps_unknown = b->keeps_unknown;
    b->keeps_unknown = true;
    MR_TRY(mr_bind_query(b, query->left, false, &sides[0]));
    b->keeps_unknown = true;
    MR_TRY(mr_bind_query(b, query->right, false, &sides[1]));
    b->keeps_unknown = keeps_unknown;
    if (sides[0].visible != sides[1].visible) {
        return mr_bind_error(b, MR_ERR_SYNTAX, query->right->base.position,
                             "each %s query must have the same number of columns", what);
    }
    MR_TRY(union_all(b, what, sides, !is_union, &both));
    if (is_union && query->all) {
        *out = both;
        return MR_OK;
    }
    MR_TRY(check_comparable(b, both, query->base.position));
    if (is_union) {
        *out = both;
        return mr_bind_make_distinct(b, out);
    }
    return compare_sides(b, query->query == MR_QUERY_INTERSECT, query->all, both, out);
}

MrStatus mr_bind_check_set_order(MrBinder *b, const MrAstQuery *query, const MrLogical *node)
{
    for (uint32_t i = 0; i < query->order_by.count; i++) {
        const MrNode *expr = MR_AST_AS(const MrAstSort, query->order_by.items[i])->expr;
        const MrAstColumn *column = MR_AST_AS(const MrAstColumn, expr);
        bool is_name = expr->kind == MR_AST_LITERAL;
        for (uint32_t c = 0; expr->kind == MR_AST_COLUMN && c < node->column_count; c++) {
            is_name = is_name || (column->parts.count == 1 && node->columns[c].name != NULL &&
                                  strcmp(node->columns[c].name, column->parts.items[0]) == 0);
        }
        if (!is_name && expr->kind != MR_AST_COLUMN) {
            mr_bind_unsupported(b, expr->position,
                                "Add the expression/function to every SELECT, or move the UNION "
                                "into a FROM clause.",
                                "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
            return mr_error_detail(b->err, "Only result column names can be used, not expressions "
                                           "or functions.");
        }
    }
    return MR_OK;
}
