/*
 * planner/binder_expr.c - binds expressions other than calls and leaves: operators, tests, CASE,
 * casts.  Must not know where the result goes.
 */
#include "planner/binder.h"

#include "parser/parser.h"
#include "planner/grouping_sets.h"
#include "planner/literal.h"
#include "planner/row.h"
#include "planner/row_value.h"
#include "planner/set_call.h"
#include "planner/subquery.h"

#include <string.h>

/* ---- Operators and tests ----------------------------------------------------------------- */

MrStatus mr_bind_expr_known(MrBinder *b, const MrNode *node, MrExpr **out)
{
    MR_TRY(mr_bind_expr(b, node, out));
    if ((*out)->type.id == MR_TYPE_UNKNOWN) {
        return mr_coerce(b, *out, mr_type(MR_TYPE_TEXT), MR_CAST_IMPLICIT, node->position, out);
    }
    return MR_OK;
}

MrStatus mr_bind_unary(MrBinder *b, MrExprKind kind, bool negated, MrExpr *operand, MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, kind, mr_type(MR_TYPE_BOOL), -1, 1, out, b->err));
    (*out)->args[0] = operand;
    (*out)->negated = negated;
    return MR_OK;
}

MrStatus mr_bind_boolean(MrBinder *b, const MrNode *node, const char *what, MrExpr **out)
{
    MrExpr *expr;
    MR_TRY(mr_bind_expr(b, node, &expr));
    if (!mr_can_coerce(expr->type.id, MR_TYPE_BOOL, MR_CAST_IMPLICIT)) {
        char type[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH,
                             expr->position >= 0 ? expr->position : node->position,
                             "argument of %s must be type boolean, not type %s", what,
                             mr_type_text(mr_type(expr->type.id), type));
    }
    return mr_coerce(b, expr, mr_type(MR_TYPE_BOOL), MR_CAST_IMPLICIT, node->position, out);
}

static MrStatus bind_boolean_node(MrBinder *b, const MrAstBoolean *node, MrExpr **out)
{
    static const char *const words[] = { "AND", "OR", "NOT" };
    static const MrExprKind kinds[] = { MR_EXPR_AND, MR_EXPR_OR, MR_EXPR_NOT };
    MR_TRY(mr_expr_new(b->arena, kinds[node->op], mr_type(MR_TYPE_BOOL), node->base.position,
                       node->operands.count, out, b->err));
    for (uint32_t i = 0; i < node->operands.count; i++) {
        MR_TRY(mr_bind_boolean(b, node->operands.items[i], words[node->op], &(*out)->args[i]));
    }
    return MR_OK;
}

static MrStatus not_of(MrBinder *b, MrExpr *expr, bool negated, int32_t position, MrExpr **out)
{
    *out = expr;
    if (!negated) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_NOT, mr_type(MR_TYPE_BOOL), position, 1, out, b->err));
    (*out)->args[0] = expr;
    return MR_OK;
}

/* -5 is a number, not a minus before one: so -2147483648 is an integer. */
static bool is_negative_number(const MrAstOperator *node)
{
    if (node->left != NULL || strcmp(node->name, "-") != 0 || node->right->kind != MR_AST_LITERAL) {
        return false;
    }
    MrLiteralKind kind = MR_AST_AS(const MrAstLiteral, node->right)->literal;
    return kind == MR_LITERAL_INTEGER || kind == MR_LITERAL_DECIMAL;
}

static MrStatus bind_negative_number(MrBinder *b, const MrAstOperator *node, MrExpr **out)
{
    MrAstLiteral literal = *MR_AST_AS(const MrAstLiteral, node->right);
    literal.text = mr_arena_printf(b->arena, "-%s", literal.text);
    return literal.text == NULL ? mr_error_no_memory(b->err) : mr_bind_literal(b, &literal, out);
}

static MrStatus bind_operator_node(MrBinder *b, const MrAstOperator *node, MrExpr **out)
{
    MrExpr *left = NULL, *right;
    if (is_negative_number(node)) {
        return bind_negative_number(b, node, out);
    }
    if (node->schema != NULL && strcmp(node->schema, "pg_catalog") != 0) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, node->base.position,
                             "operator does not exist: %s.%s", node->schema, node->name);
    }
    MR_TRY(mr_bind_row_operator(b, node, out));
    if (*out != NULL) {
        return MR_OK;
    }
    if (node->left != NULL) {
        MR_TRY(mr_bind_expr(b, node->left, &left));
    }
    MR_TRY(mr_bind_expr(b, node->right, &right));
    if (left != NULL && left->type.id == MR_TYPE_RECORD && right->type.id == MR_TYPE_RECORD) {
        MR_TRY(mr_row_check_comparable(b, left, right, node->base.position));
    }
    if (left == NULL && strcmp(node->name, "+") == 0 &&
        mr_type_info(right->type.id)->category == 'N') {
        *out = right;
        return MR_OK;
    }
    return mr_bind_operator(b, node->name, left, right, node->base.position, out);
}

static MrStatus bind_is(MrBinder *b, const MrAstIs *node, MrExpr **out)
{
    static const char *const words[] = { "IS NULL", "IS TRUE", "IS FALSE", "IS UNKNOWN" };
    static const MrExprKind kinds[] = { MR_EXPR_IS_NULL, MR_EXPR_IS_TRUE, MR_EXPR_IS_FALSE,
                                        MR_EXPR_IS_NULL };
    MrExpr *operand;
    MR_TRY(mr_bind_row_is_null(b, node, out));
    if (*out != NULL) {
        return MR_OK;
    }
    if (node->test == MR_IS_NULL) {
        MR_TRY(mr_bind_expr_known(b, node->operand, &operand));
    } else {
        MR_TRY(mr_bind_boolean(b, node->operand, words[node->test], &operand));
    }
    if (operand->type.id == MR_TYPE_RECORD) {
        return mr_row_is_null(b, operand, node->negated, node->base.position, out);
    }
    MR_TRY(mr_expr_new(b->arena, kinds[node->test], mr_type(MR_TYPE_BOOL), node->base.position, 1,
                       out, b->err));
    (*out)->args[0] = operand;
    (*out)->negated = node->negated;
    return MR_OK;
}

MrStatus mr_bind_is_distinct(MrBinder *b, MrExpr *left, MrExpr *right, int32_t position,
                             MrExpr **out)
{
    MrExpr *sides[2] = { left, right }, *equal;
    /* The operator = says whether the types can be compared, and as what. */
    MR_TRY(mr_bind_operator(b, "=", left, right, position, &equal));
    if (equal->args[0]->type.id == equal->args[1]->type.id) {
        sides[0] = equal->args[0];
        sides[1] = equal->args[1];
    } else {
        MrType type;
        MR_TRY(mr_coerce_common(b, sides, 2, "IS DISTINCT FROM", &type));
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_DISTINCT, mr_type(MR_TYPE_BOOL), position, 2, out,
                       b->err));
    (*out)->args[0] = sides[0];
    (*out)->args[1] = sides[1];
    return MR_OK;
}

static MrStatus bind_distinct_from(MrBinder *b, const MrAstDistinctFrom *node, MrExpr **out)
{
    MrExpr *left, *right;
    MR_TRY(mr_bind_row_distinct(b, node, out));
    if (*out != NULL) {
        return MR_OK;
    }
    MR_TRY(mr_bind_expr(b, node->left, &left));
    MR_TRY(mr_bind_expr(b, node->right, &right));
    MR_TRY(mr_bind_is_distinct(b, left, right, node->base.position, out));
    (*out)->negated = node->negated;
    return MR_OK;
}

static MrStatus bind_in(MrBinder *b, const MrAstIn *node, MrExpr **out)
{
    if (node->query != NULL) {
        return mr_bind_in_subquery(b, node, out);
    }
    MR_TRY(mr_bind_row_in(b, node, out));
    if (*out != NULL) {
        return MR_OK;
    }
    uint32_t count = node->list.count + 1, culprit = 0;
    MrTypeId common;
    MrType type;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IN, mr_type(MR_TYPE_BOOL), node->base.position, count, out,
                       b->err));
    MrExpr **args = (*out)->args;
    MR_TRY(mr_bind_expr(b, node->operand, &args[0]));
    for (uint32_t i = 1; i < count; i++) {
        MR_TRY(mr_bind_expr(b, node->list.items[i - 1], &args[i]));
    }
    if (!mr_common_type(args, count, &common, &culprit)) {
        MrExpr *ignored;
        /* No common type: the comparison itself says what is wrong, as in PostgreSQL. */
        MR_TRY(mr_bind_operator(b, "=", args[0], args[culprit], node->base.position, &ignored));
    }
    MR_TRY(mr_coerce_common(b, args, count, "IN", &type));
    (*out)->negated = node->negated;
    return MR_OK;
}

static MrStatus between_pair(MrBinder *b, const MrAstBetween *node, MrExpr *operand, MrExpr *low,
                             MrExpr *high, MrExpr **out)
{
    MrExpr *above, *below;
    MR_TRY(mr_bind_operator(b, ">=", operand, low, node->base.position, &above));
    MR_TRY(mr_bind_operator(b, "<=", operand, high, node->base.position, &below));
    return mr_expr_and(b->arena, above, below, out, b->err);
}

static MrStatus bind_between(MrBinder *b, const MrAstBetween *node, MrExpr **out)
{
    MrExpr *operand, *low, *high, *range;
    MR_TRY(mr_bind_row_between(b, node, out));
    if (*out != NULL) {
        return MR_OK;
    }
    MR_TRY(mr_bind_expr(b, node->operand, &operand));
    MR_TRY(mr_bind_expr(b, node->low, &low));
    MR_TRY(mr_bind_expr(b, node->high, &high));
    MR_TRY(between_pair(b, node, operand, low, high, &range));
    if (node->symmetric) {
        MrExpr *turned, *either;
        MR_TRY(between_pair(b, node, operand, high, low, &turned));
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_OR, mr_type(MR_TYPE_BOOL), node->base.position, 2,
                           &either, b->err));
        either->args[0] = range;
        either->args[1] = turned;
        range = either;
    }
    return not_of(b, range, node->negated, node->base.position, out);
}

/* x SIMILAR TO p: the pattern as a regular expression. */
static MrStatus bind_similar(MrBinder *b, const MrAstLike *node, MrExpr **out)
{
    MrExpr *operand, *args[2], *pattern;
    uint32_t count = 1;
    MR_TRY(mr_bind_expr(b, node->operand, &operand));
    MR_TRY(mr_bind_expr(b, node->pattern, &args[0]));
    if (node->escape != NULL) {
        MR_TRY(mr_bind_expr(b, node->escape, &args[count++]));
    }
    MR_TRY(mr_bind_function(b, "similar_to_escape", args, count, node->base.position, &pattern));
    if (pattern == NULL) {
        return mr_function_missing(b, "similar_to_escape", args, count, node->base.position);
    }
    return mr_bind_operator(b, node->negated ? "!~" : "~", operand, pattern, node->base.position,
                            out);
}

static MrStatus bind_like(MrBinder *b, const MrAstLike *node, MrExpr **out)
{
    static const char *const names[][2] = { { "~~", "!~~" }, { "~~*", "!~~*" } };
    MrExpr *operand, *pattern;
    if (node->like == MR_SIMILAR) {
        return bind_similar(b, node, out);
    }
    MR_TRY(mr_bind_expr(b, node->operand, &operand));
    MR_TRY(mr_bind_expr(b, node->pattern, &pattern));
    if (node->escape != NULL) {
        MR_TRY(mr_literal_like_escape(b, node, pattern, &pattern));
    }
    return mr_bind_operator(b, names[node->like][node->negated], operand, pattern,
                            node->base.position, out);
}

static MrStatus bind_case(MrBinder *b, const MrAstCase *node, MrExpr **out)
{
    uint32_t count = node->whens.count;
    MrExpr *operand = NULL, **results;
    MrType type;
    MR_NEW_ARRAY(b->arena, results, count + 1, b->err);
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, mr_type(MR_TYPE_TEXT), node->base.position,
                       count * 2 + 1, out, b->err));
    if (node->operand != NULL) {
        MR_TRY(mr_bind_expr_known(b, node->operand, &operand));
    }
    for (uint32_t i = 0; i < count; i++) {
        const MrAstWhen *when = MR_AST_AS(const MrAstWhen, node->whens.items[i]);
        if (operand == NULL) {
            MR_TRY(mr_bind_boolean(b, when->condition, "CASE/WHEN", &(*out)->args[2 * i]));
        } else {
            MrExpr *value;
            MR_TRY(mr_bind_expr(b, when->condition, &value));
            MR_TRY(mr_bind_operator(b, "=", operand, value, when->base.position,
                                    &(*out)->args[2 * i]));
        }
        MR_TRY(mr_bind_expr(b, when->result, &results[i + 1]));
    }
    /* ELSE comes first where the common type is chosen, as in PostgreSQL. */
    if (node->otherwise != NULL) {
        MR_TRY(mr_bind_expr(b, node->otherwise, &results[0]));
    } else {
        MrDatum null = { .type = mr_type(MR_TYPE_UNKNOWN), .is_null = true };
        MR_TRY(mr_expr_constant(b->arena, &null, node->base.position, &results[0], b->err));
    }
    MR_TRY(mr_coerce_common(b, results, count + 1, "CASE", &type));
    for (uint32_t i = 0; i < count; i++) {
        (*out)->args[2 * i + 1] = results[i + 1];
    }
    (*out)->args[2 * count] = results[0];
    (*out)->type = type;
    return MR_OK;
}

static MrStatus bind_cast(MrBinder *b, const MrAstCast *node, MrExpr **out)
{
    MrType type;
    MrExpr *operand;
    MrStatus status = mr_planner_type(node->type, &type, b->err);
    if (status == MR_ERR_UNDEFINED_OBJECT) {
        const MrError unknown = *b->err;
        MR_TRY(mr_bind_row_cast(b, node, out));
        if (*out != NULL) {
            mr_error_clear(b->err);
            return MR_OK;
        }
        *b->err = unknown;
    }
    MR_TRY(status);
    const MrAstLiteral *number = MR_AST_AS(const MrAstLiteral, node->operand);
    if ((type.id == MR_TYPE_FLOAT32 || type.id == MR_TYPE_FLOAT64) &&
        node->operand->kind == MR_AST_LITERAL && number->literal == MR_LITERAL_DECIMAL) {
        /* Read as a float at once: 1e300 has more digits than our numeric. */
        MrAstTypedLiteral literal = { .base = node->base,
                                      .type = node->type,
                                      .text = number->text };
        return mr_bind_typed_literal(b, &literal, out);
    }
    if (mr_type_is_array(type.id) && node->operand->kind == MR_AST_ARRAY) {
        MrType element = { mr_type_element(type.id), type.typmod };
        return mr_bind_array(b, MR_AST_AS(const MrAstArray, node->operand), element, out);
    }
    MR_TRY(mr_bind_expr(b, node->operand, &operand));
    return mr_coerce(b, operand, type, MR_CAST_EXPLICIT, node->base.position, out);
}

static MrStatus bind_collate(MrBinder *b, const MrAstCollate *node, MrExpr **out)
{
    const char *name = node->collation.name;
    if (strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0 && strcmp(name, "default") != 0 &&
        strcmp(name, "ucs_basic") != 0) {
        return mr_bind_unsupported(b, node->base.position,
                                   "Text compares by bytes here: COLLATE \"C\".",
                                   "collation \"%s\" is not supported yet", name);
    }
    MR_TRY(mr_bind_expr_known(b, node->operand, out));
    if (mr_type_info((*out)->type.id)->category != 'S') {
        char type[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->base.position,
                             "collations are not supported by type %s",
                             mr_type_text(mr_type((*out)->type.id), type));
    }
    return MR_OK;
}

/* What stands where no value can. */
static MrStatus refuse_node(MrBinder *b, const MrNode *node)
{
    if (node->kind == MR_AST_DEFAULT) {
        return mr_bind_error(b, MR_ERR_SYNTAX, node->position,
                             "DEFAULT is not allowed in this context");
    }
    if (node->kind == MR_AST_NAMED_ARG) {
        return mr_bind_unsupported(b, node->position, "Give the arguments by their place.",
                                   "a named argument is not supported for this function");
    }
    return mr_bind_unsupported(b, node->position, "Write it in another way.",
                               "%s is not supported here", mr_ast_kind_name(node->kind));
}

static MrStatus bind_expr_kind(MrBinder *b, const MrNode *node, MrExpr **out)
{
    switch (node->kind) {
    case MR_AST_LITERAL: return mr_bind_literal(b, MR_AST_AS(const MrAstLiteral, node), out);
    case MR_AST_FIELD: return mr_bind_field(b, MR_AST_AS(const MrAstField, node), out);
    case MR_AST_TYPED_LITERAL:
        return mr_bind_typed_literal(b, MR_AST_AS(const MrAstTypedLiteral, node), out);
    case MR_AST_COLUMN: return mr_bind_column(b, MR_AST_AS(const MrAstColumn, node), out);
    case MR_AST_PARAMETER: return mr_bind_parameter(b, MR_AST_AS(const MrAstParameter, node), out);
    case MR_AST_OPERATOR: return bind_operator_node(b, MR_AST_AS(const MrAstOperator, node), out);
    case MR_AST_BOOLEAN: return bind_boolean_node(b, MR_AST_AS(const MrAstBoolean, node), out);
    case MR_AST_IS: return bind_is(b, MR_AST_AS(const MrAstIs, node), out);
    case MR_AST_DISTINCT_FROM:
        return bind_distinct_from(b, MR_AST_AS(const MrAstDistinctFrom, node), out);
    case MR_AST_IN: return bind_in(b, MR_AST_AS(const MrAstIn, node), out);
    case MR_AST_BETWEEN: return bind_between(b, MR_AST_AS(const MrAstBetween, node), out);
    case MR_AST_LIKE: return bind_like(b, MR_AST_AS(const MrAstLike, node), out);
    case MR_AST_CASE: return bind_case(b, MR_AST_AS(const MrAstCase, node), out);
    case MR_AST_CAST: return bind_cast(b, MR_AST_AS(const MrAstCast, node), out);
    case MR_AST_COLLATE: return bind_collate(b, MR_AST_AS(const MrAstCollate, node), out);
    case MR_AST_SUBQUERY: return mr_bind_subquery(b, MR_AST_AS(const MrAstSubquery, node), out);
    case MR_AST_QUANTIFIED:
        if (MR_AST_AS(const MrAstQuantified, node)->query != NULL) {
            return mr_bind_quantified_subquery(b, MR_AST_AS(const MrAstQuantified, node), out);
        }
        return mr_bind_quantified(b, MR_AST_AS(const MrAstQuantified, node), out);
    case MR_AST_GROUPING:
        return mr_bind_grouping_call(b, MR_AST_AS(const MrAstGrouping, node), out);
    case MR_AST_ARRAY:
        return mr_bind_array(b, MR_AST_AS(const MrAstArray, node), mr_type(MR_TYPE_UNKNOWN), out);
    case MR_AST_SUBSCRIPT: return mr_bind_subscript(b, MR_AST_AS(const MrAstSubscript, node), out);
    case MR_AST_ROW: return mr_bind_row(b, MR_AST_AS(const MrAstRow, node), out);
    case MR_AST_CALL: return mr_bind_call(b, MR_AST_AS(const MrAstCall, node), out);
    default: return refuse_node(b, node);
    }
}

MrStatus mr_bind_expr(MrBinder *b, const MrNode *node, MrExpr **out)
{
    if (b->expr_depth >= MR_AST_HEIGHT_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_COMPLEX, node->position,
                             "expression is nested too deeply");
    }
    b->expr_depth++;
    MrStatus status = bind_expr_kind(b, node, out);
    b->expr_depth--;
    if (status == MR_OK && b->view_depth > 0) {
        (*out)->position =
            (*out)->arg_count > 0 || (*out)->kind == MR_EXPR_CONSTANT ? -1 : (*out)->position;
    }
    return status;
}
