/*
 * planner/row.c - see row.h.
 */
#include "planner/row.h"

#include "planner/subquery.h"

#include <string.h>

/* ---- Comparing ----------------------------------------------------------------------------- */

/* All pairs, by AND or OR. */
static MrStatus compare_all(MrBinder *b, MrExprKind kind, const char *op, MrExpr *const *left,
                            MrExpr *const *right, uint32_t count, int32_t position, MrExpr **out)
{
    if (count == 1) {
        return mr_bind_operator(b, op, left[0], right[0], position, out);
    }
    MR_TRY(mr_expr_new(b->arena, kind, mr_type(MR_TYPE_BOOL), position, count, out, b->err));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_operator(b, op, left[i], right[i], position, &(*out)->args[i]));
    }
    return MR_OK;
}

/* CASE WHEN a = c THEN (what the other pairs say) ELSE a < c END. */
static MrStatus compare_in_order(MrBinder *b, const char *op, MrExpr *const *left,
                                 MrExpr *const *right, uint32_t count, int32_t position,
                                 MrExpr **out)
{
    const char strict[2] = { op[0], '\0' };
    MrExpr *rest;
    MR_TRY(mr_bind_operator(b, op, left[count - 1], right[count - 1], position, &rest));
    for (uint32_t i = count - 1; i > 0; i--) {
        MrExpr *choice;
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, mr_type(MR_TYPE_BOOL), position, 3, &choice,
                           b->err));
        MR_TRY(mr_bind_operator(b, "=", left[i - 1], right[i - 1], position, &choice->args[0]));
        choice->args[1] = rest;
        MR_TRY(mr_bind_operator(b, strict, left[i - 1], right[i - 1], position, &choice->args[2]));
        rest = choice;
    }
    *out = rest;
    return MR_OK;
}

MrStatus mr_bind_row_compare(MrBinder *b, const char *op, MrExpr *const *left, MrExpr *const *right,
                             uint32_t count, int32_t position, MrExpr **out)
{
    if (count == 0) {
        return mr_bind_unsupported(b, position, "Compare rows with columns.",
                                   "cannot compare rows of zero length");
    }
    if (strcmp(op, "=") == 0) {
        return compare_all(b, MR_EXPR_AND, op, left, right, count, position, out);
    }
    if (strcmp(op, "<>") == 0) {
        return compare_all(b, MR_EXPR_OR, op, left, right, count, position, out);
    }
    if (strcmp(op, "<") == 0 || strcmp(op, "<=") == 0 || strcmp(op, ">") == 0 ||
        strcmp(op, ">=") == 0) {
        return compare_in_order(b, op, left, right, count, position, out);
    }
    mr_bind_unsupported(b, position, "Compare the columns one by one.",
                        "could not determine interpretation of row comparison operator %s", op);
    return MR_ERR_UNSUPPORTED;
}

/* ---- Operands ------------------------------------------------------------------------------ */

typedef struct Row {
    MrExpr **values;
    uint32_t count;
} Row;

static bool is_row(const MrNode *node)
{
    return node != NULL && node->kind == MR_AST_ROW;
}

static MrStatus bind_row(MrBinder *b, const MrNode *node, Row *out)
{
    const MrNodeList *elements = &MR_AST_AS(const MrAstRow, node)->elements;
    out->count = elements->count;
    MR_NEW_ARRAY(b->arena, out->values, elements->count, b->err);
    for (uint32_t i = 0; i < elements->count; i++) {
        MR_TRY(mr_bind_expr(b, elements->items[i], &out->values[i]));
    }
    return MR_OK;
}

/* The other side, a row of as many values. */
static MrStatus bind_other(MrBinder *b, const MrNode *node, const Row *row, int32_t position,
                           Row *out)
{
    MR_TRY(bind_row(b, node, out));
    if (out->count != row->count) {
        return mr_bind_error(b, MR_ERR_SYNTAX, position,
                             "unequal number of entries in row expressions");
    }
    return MR_OK;
}

/* (a, b) = (SELECT c, d …): the subquery's one row, column by column. */
static MrStatus bind_subquery_row(MrBinder *b, const MrAstSubquery *node, const Row *row, Row *out)
{
    out->count = row->count;
    MR_NEW_ARRAY(b->arena, out->values, row->count, b->err);
    for (uint32_t i = 0; i < row->count; i++) {
        MR_TRY(mr_bind_subquery_column(b, node, i, row->count, &out->values[i]));
    }
    return MR_OK;
}

MrStatus mr_bind_row_operator(MrBinder *b, const MrAstOperator *node, MrExpr **out)
{
    Row left, right;
    int32_t position = node->base.position;
    const bool is_subquery = node->right->kind == MR_AST_SUBQUERY &&
                             !MR_AST_AS(const MrAstSubquery, node->right)->exists;
    *out = NULL;
    if (!is_row(node->left) || (!is_row(node->right) && !is_subquery)) {
        return MR_OK;
    }
    MR_TRY(bind_row(b, node->left, &left));
    if (is_subquery) {
        MR_TRY(bind_subquery_row(b, MR_AST_AS(const MrAstSubquery, node->right), &left, &right));
    } else {
        MR_TRY(bind_other(b, node->right, &left, position, &right));
    }
    return mr_bind_row_compare(b, node->name, left.values, right.values, left.count, position, out);
}

static MrStatus negate(MrBinder *b, MrExpr *expr, bool negated, MrExpr **out)
{
    *out = expr;
    if (!negated) {
        return MR_OK;
    }
    MR_TRY(
        mr_expr_new(b->arena, MR_EXPR_NOT, mr_type(MR_TYPE_BOOL), expr->position, 1, out, b->err));
    (*out)->args[0] = expr;
    return MR_OK;
}

MrStatus mr_bind_row_in(MrBinder *b, const MrAstIn *node, MrExpr **out)
{
    Row row;
    MrExpr *any;
    int32_t position = node->base.position;
    bool all_rows = is_row(node->operand);
    *out = NULL;
    for (uint32_t i = 0; i < node->list.count; i++) {
        all_rows &= is_row(node->list.items[i]);
    }
    if (!all_rows) {
        return MR_OK;
    }
    MR_TRY(bind_row(b, node->operand, &row));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OR, mr_type(MR_TYPE_BOOL), position, node->list.count,
                       &any, b->err));
    for (uint32_t i = 0; i < node->list.count; i++) {
        Row other;
        MR_TRY(bind_other(b, node->list.items[i], &row, position, &other));
        MR_TRY(mr_bind_row_compare(b, "=", row.values, other.values, row.count, position,
                                   &any->args[i]));
    }
    return negate(b, node->list.count == 1 ? any->args[0] : any, node->negated, out);
}

static MrStatus is_between(MrBinder *b, const Row *row, const Row *low, const Row *high,
                           int32_t position, MrExpr **out)
{
    MrExpr *above, *below;
    MR_TRY(mr_bind_row_compare(b, ">=", row->values, low->values, row->count, position, &above));
    MR_TRY(mr_bind_row_compare(b, "<=", row->values, high->values, row->count, position, &below));
    return mr_expr_and(b->arena, above, below, out, b->err);
}

MrStatus mr_bind_row_between(MrBinder *b, const MrAstBetween *node, MrExpr **out)
{
    Row row, low, high;
    MrExpr *range, *turned, *either;
    int32_t position = node->base.position;
    *out = NULL;
    if (!is_row(node->operand) || !is_row(node->low) || !is_row(node->high)) {
        return MR_OK;
    }
    MR_TRY(bind_row(b, node->operand, &row));
    MR_TRY(bind_other(b, node->low, &row, position, &low));
    MR_TRY(bind_other(b, node->high, &row, position, &high));
    MR_TRY(is_between(b, &row, &low, &high, position, &range));
    if (node->symmetric) {
        MR_TRY(is_between(b, &row, &high, &low, position, &turned));
        MR_TRY(
            mr_expr_new(b->arena, MR_EXPR_OR, mr_type(MR_TYPE_BOOL), position, 2, &either, b->err));
        either->args[0] = range;
        either->args[1] = turned;
        range = either;
    }
    return negate(b, range, node->negated, out);
}

/* Every value is NULL; or every one is not: a row can be neither. */
MrStatus mr_bind_row_is_null(MrBinder *b, const MrAstIs *node, MrExpr **out)
{
    Row row;
    *out = NULL;
    if (!is_row(node->operand) || node->test != MR_IS_NULL) {
        return MR_OK;
    }
    MR_TRY(bind_row(b, node->operand, &row));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_AND, mr_type(MR_TYPE_BOOL), node->base.position, row.count,
                       out, b->err));
    for (uint32_t i = 0; i < row.count; i++) {
        MrExpr *test, *value = row.values[i];
        if (value->type.id == MR_TYPE_UNKNOWN) {
            MR_TRY(mr_coerce(b, value, mr_type(MR_TYPE_TEXT), MR_CAST_IMPLICIT, value->position,
                             &value));
        }
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_NULL, mr_type(MR_TYPE_BOOL), node->base.position, 1,
                           &test, b->err));
        test->args[0] = value;
        test->negated = node->negated;
        (*out)->args[i] = test;
    }
    return MR_OK;
}

MrStatus mr_bind_row_distinct(MrBinder *b, const MrAstDistinctFrom *node, MrExpr **out)
{
    Row left, right;
    MrExpr *any;
    *out = NULL;
    if (!is_row(node->left) || !is_row(node->right)) {
        return MR_OK;
    }
    MR_TRY(bind_row(b, node->left, &left));
    MR_TRY(bind_other(b, node->right, &left, node->base.position, &right));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OR, mr_type(MR_TYPE_BOOL), node->base.position, left.count,
                       &any, b->err));
    for (uint32_t i = 0; i < left.count; i++) {
        MR_TRY(mr_bind_is_distinct(b, left.values[i], right.values[i], node->base.position,
                                   &any->args[i]));
    }
    return negate(b, any, node->negated, out);
}
