/*
 * parser/build_expression.c - expressions and types for the grammar's actions.
 * Must not know what any name means.
 */
#include "parser/build.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- Literals and types ------------------------------------------------------------------ */

MrNode *mr_build_literal(MrParse *parse, MrLiteralKind kind, MrToken token)
{
    MrAstLiteral *literal = MK(parse, MrAstLiteral, LITERAL, token.position);
    literal->literal = kind;
    literal->text = kind == MR_LITERAL_NULL ? NULL : token.text;
    return &literal->base;
}

MrNode *mr_build_boolean_literal(MrParse *parse, bool value, MrToken token)
{
    MrAstLiteral *literal = MK(parse, MrAstLiteral, LITERAL, token.position);
    literal->literal = MR_LITERAL_BOOLEAN;
    literal->boolean = value;
    return &literal->base;
}

MrNode *mr_build_string(MrParse *parse, const char *text, int32_t position)
{
    MrToken token = { text, position, 0 };
    return mr_build_literal(parse, MR_LITERAL_STRING, token);
}

MrNode *mr_build_parameter(MrParse *parse, MrToken token)
{
    MrAstParameter *parameter = MK(parse, MrAstParameter, PARAMETER, token.position);
    parameter->number = (int32_t)strtol(token.text, NULL, 10);
    if (parameter->number > parse->parameter_max) {
        parse->parameter_max = parameter->number;
    }
    return &parameter->base;
}

MrAstType *mr_build_type(MrParse *parse, const char *name, int32_t position)
{
    MrAstType *type = MK(parse, MrAstType, TYPE, position);
    type->name = name;
    return type;
}

MrNode *mr_build_interval(MrParse *parse, MrToken token, int fields)
{
    MrAstType *type = mr_build_type(parse, "interval", token.position);
    type->interval_fields = (uint8_t)fields;
    return &type->base;
}

void mr_build_typmods(MrParse *parse, MrNode *type, MrNodeList typmods)
{
    MrAstType *node = MR_AST_AS(MrAstType, type);
    for (uint32_t i = 0; i < typmods.count; i++) {
        const MrNode *item = typmods.items[i];
        const MrAstLiteral *literal = MR_AST_AS(const MrAstLiteral, item);
        char *end = NULL;
        long value = 0;
        bool number = item->kind == MR_AST_LITERAL && literal->literal == MR_LITERAL_INTEGER;
        if (number) {
            value = strtol(literal->text, &end, 10);
        }
        if (!number || value > INT32_MAX || value < INT32_MIN) {
            mr_build_fail(parse, MR_ERR_SYNTAX, item->position,
                          "type modifiers must be integer constants");
            return;
        }
        if (i == 2) {
            mr_build_fail(parse, MR_ERR_INVALID_PARAMETER, item->position,
                          "too many type modifiers for type \"%s\"", node->name);
            return;
        }
        node->typmods[i] = (int32_t)value;
        node->typmod_count = (uint8_t)(i + 1);
    }
}

MrNode *mr_build_cast(MrParse *parse, MrNode *operand, MrNode *type, int32_t position)
{
    MrAstCast *cast = MK(parse, MrAstCast, CAST, position);
    cast->operand = operand;
    cast->type = MR_AST_AS(MrAstType, type);
    return &cast->base;
}

MrNode *mr_build_typed_literal(MrParse *parse, MrNode *type, MrToken text)
{
    MrAstTypedLiteral *literal = MK(parse, MrAstTypedLiteral, TYPED_LITERAL, type->position);
    literal->type = MR_AST_AS(MrAstType, type);
    literal->text = text.text;
    return &literal->base;
}

/* ---- Operators --------------------------------------------------------------------------- */

MrNode *mr_build_operator(MrParse *parse, MrToken op, MrNode *left, MrNode *right)
{
    MrAstOperator *node = MK(parse, MrAstOperator, OPERATOR, op.position);
    node->name = op.text;
    node->left = left;
    node->right = right;
    return &node->base;
}

MrNode *mr_build_any_operator(MrNode *op, MrNode *left, MrNode *right)
{
    MR_AST_AS(MrAstOperator, op)->left = left;
    MR_AST_AS(MrAstOperator, op)->right = right;
    return op;
}

/* A sign before a number is part of the number, as in PostgreSQL: so -9223372036854775808 fits. */
MrNode *mr_build_negative(MrParse *parse, MrToken op, MrNode *operand)
{
    MrAstLiteral *literal = MR_AST_AS(MrAstLiteral, operand);
    if (operand->kind != MR_AST_LITERAL ||
        (literal->literal != MR_LITERAL_INTEGER && literal->literal != MR_LITERAL_DECIMAL)) {
        return mr_build_operator(parse, op, NULL, operand);
    }
    literal->text =
        literal->text[0] == '-' ? literal->text + 1 : mr_build_join(parse, "-", "", literal->text);
    literal->base.position = op.position;
    return operand;
}

/* AND and OR of like ones become one flat node, so that long conditions are not deep. */
MrNode *mr_build_logic(MrParse *parse, MrBooleanKind kind, MrToken op, MrNode *left, MrNode *right)
{
    MrAstBoolean *node = MR_AST_AS(MrAstBoolean, left);
    if (kind != MR_BOOLEAN_NOT && left->kind == MR_AST_BOOLEAN && node->op == kind) {
        node->operands = mr_list_add(parse, node->operands, right);
        return left;
    }
    node = MK(parse, MrAstBoolean, BOOLEAN, op.position);
    node->op = kind;
    node->operands = mr_list_add(parse, mr_list(parse, left), right);
    return &node->base;
}

MrNode *mr_build_is(MrParse *parse, MrNode *operand, MrIsTest test, bool negated, MrToken op)
{
    MrAstIs *node = MK(parse, MrAstIs, IS, op.position);
    node->operand = operand;
    node->test = test;
    node->negated = negated;
    return &node->base;
}

MrNode *mr_build_is_normalized(MrParse *parse, MrNode *operand, bool negated, MrToken op,
                               MrToken form, MrToken word)
{
    static const char *const forms[] = { "nfc", "nfd", "nfkc", "nfkd" };
    const char *name = form.text == NULL ? "nfc" : NULL;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0] && form.text != NULL; i++) {
        name = strcmp(form.text, forms[i]) == 0 ? forms[i] : name;
    }
    if (name == NULL || strcmp(word.text, "normalized") != 0) {
        mr_build_syntax_error(parse, name == NULL ? &form : &word);
        return operand;
    }
    MrNodeList args = mr_list_add(parse, (MrNodeList){ 0 }, operand);
    MrAstLiteral *literal = MK(parse, MrAstLiteral, LITERAL, op.position);
    literal->literal = MR_LITERAL_STRING;
    literal->text = name;
    args = mr_list_add(parse, args, &literal->base);
    MrNode *call = &mr_build_call(parse, "is_normalized", op.position, MR_CALL_PLAIN, args)->base;
    return negated ? mr_build_logic(parse, MR_BOOLEAN_NOT, op, call, NULL) : call;
}

MrNode *mr_build_overlaps(MrParse *parse, MrNode *left, MrNode *right, MrToken op)
{
    MrNodeList args = { 0 };
    MrNode *sides[2] = { left, right };
    for (int side = 0; side < 2; side++) {
        const MrAstRow *row = MR_AST_AS(const MrAstRow, sides[side]);
        if (sides[side]->kind != MR_AST_ROW || row->elements.count != 2) {
            mr_build_fail(parse, MR_ERR_SYNTAX, sides[side]->position,
                          "wrong number of parameters on %s side of OVERLAPS expression",
                          side == 0 ? "left" : "right");
            return left;
        }
        args = mr_list_add(parse, args, row->elements.items[0]);
        args = mr_list_add(parse, args, row->elements.items[1]);
    }
    return &mr_build_call(parse, "overlaps", op.position, MR_CALL_PLAIN, args)->base;
}

MrNode *mr_build_distinct_from(MrParse *parse, MrNode *left, MrNode *right, bool negated,
                               MrToken op)
{
    MrAstDistinctFrom *node = MK(parse, MrAstDistinctFrom, DISTINCT_FROM, op.position);
    node->left = left;
    node->right = right;
    node->negated = negated;
    return &node->base;
}

MrNode *mr_build_in(MrParse *parse, MrNode *operand, MrNode *list, bool negated, MrToken op)
{
    MrAstIn *node = MK(parse, MrAstIn, IN, op.position);
    node->operand = operand;
    node->negated = negated;
    if (list->kind == MR_AST_QUERY) {
        node->query = MR_AST_AS(MrAstQuery, list);
    } else {
        node->list = MR_AST_AS(MrAstRow, list)->elements;
    }
    return &node->base;
}

MrNode *mr_build_between(MrParse *parse, MrNode *operand, MrNode *low, MrNode *high, bool symmetric,
                         bool negated, MrToken op)
{
    MrAstBetween *node = MK(parse, MrAstBetween, BETWEEN, op.position);
    node->operand = operand;
    node->low = low;
    node->high = high;
    node->symmetric = symmetric;
    node->negated = negated;
    return &node->base;
}

MrNode *mr_build_like(MrParse *parse, MrLikeKind kind, MrNode *operand, MrNode *pattern,
                      MrNode *escape, bool negated, MrToken op)
{
    MrAstLike *node = MK(parse, MrAstLike, LIKE, op.position);
    node->like = kind;
    node->operand = operand;
    node->pattern = pattern;
    node->escape = escape;
    node->negated = negated;
    return &node->base;
}

MrNode *mr_build_quantified(MrParse *parse, MrNode *left, MrNode *op, bool all, MrNode *right)
{
    MrAstQuantified *node = MK(parse, MrAstQuantified, QUANTIFIED, op->position);
    node->left = left;
    node->op = MR_AST_AS(MrAstOperator, op)->name;
    node->op_schema = MR_AST_AS(MrAstOperator, op)->schema;
    node->all = all;
    if (right->kind == MR_AST_QUERY) {
        node->query = MR_AST_AS(MrAstQuery, right);
    } else {
        node->array = right;
    }
    return &node->base;
}

/* ---- Columns, fields, subscripts --------------------------------------------------------- */

MrNode *mr_build_indirection(MrParse *parse, MrNode *operand, MrNodeList indirection)
{
    for (uint32_t i = 0; i < indirection.count; i++) {
        MrNode *item = indirection.items[i];
        if (item->kind == MR_AST_FIELD) {
            MR_AST_AS(MrAstField, item)->operand = operand;
            if (MR_AST_AS(MrAstField, item)->name == NULL && i + 1 < indirection.count) {
                mr_build_fail(parse, MR_ERR_SYNTAX, item->position, "improper use of \"*\"");
            }
        } else {
            MrAstSubscript *subscript = MR_AST_AS(MrAstSubscript, item);
            subscript->operand = operand;
            /* What stands before the first of these and is a subscript was in parentheses. */
            subscript->apart = i == 0 && operand->kind == MR_AST_SUBSCRIPT;
        }
        operand = item;
    }
    return operand;
}

/* Dotted names up to the first subscript are the column, what follows is applied to it. */
MrNode *mr_build_column(MrParse *parse, MrToken first, MrNodeList indirection)
{
    MrAstColumn *column = MK(parse, MrAstColumn, COLUMN, first.position);
    uint32_t used = 0;
    column->parts = mr_names(parse, first.text);
    for (; used < indirection.count && !column->star; used++) {
        const MrNode *item = indirection.items[used];
        if (item->kind != MR_AST_FIELD) {
            break;
        }
        const MrAstField *field = MR_AST_AS(const MrAstField, item);
        if (field->name == NULL) {
            column->star = true;
        } else {
            column->parts = mr_names_add(parse, column->parts, field->name);
        }
    }
    if (column->star && used < indirection.count) {
        mr_build_fail(parse, MR_ERR_SYNTAX, indirection.items[used]->position,
                      "improper use of \"*\"");
    }
    if (column->parts.count > 4) {
        mr_build_fail(parse, MR_ERR_SYNTAX, first.position,
                      "improper qualified name (too many dotted names)");
    }
    MrNodeList rest = indirection;
    if (used > 0) {
        rest.items = indirection.items + used;
        rest.count = indirection.count - used;
    }
    return mr_build_indirection(parse, &column->base, rest);
}

/* ---- Calls and subqueries ---------------------------------------------------------------- */

MrAstCall *mr_build_call(MrParse *parse, const char *name, int32_t position, MrCallForm form,
                         MrNodeList args)
{
    MrAstCall *call = MK(parse, MrAstCall, CALL, position);
    call->name = (MrName){ .name = name, .position = position };
    call->form = form;
    call->args = args;
    return call;
}

void mr_build_check_plain_call(MrParse *parse, MrNode *call)
{
    const MrNodeList args = MR_AST_AS(MrAstCall, call)->args;
    bool named = false;
    for (uint32_t i = 0; i < args.count; i++) {
        const MrNode *arg = args.items[i];
        if (arg->kind == MR_AST_NAMED_ARG) {
            named = true;
            arg = MR_AST_AS(const MrAstNamedArg, arg)->value;
        } else if (named) {
            mr_build_fail(parse, MR_ERR_SYNTAX, arg->position,
                          "positional argument cannot follow named argument");
        }
        if (arg->kind == MR_AST_TABLE_ARG) {
            mr_build_fail(parse, MR_ERR_SYNTAX, arg->position,
                          "a table argument is allowed only in window functions in FROM");
        }
    }
}

MrNode *mr_build_subquery(MrParse *parse, MrNode *query, bool exists, int32_t position)
{
    MrAstSubquery *node = MK(parse, MrAstSubquery, SUBQUERY, position);
    node->query = MR_AST_AS(MrAstQuery, query);
    node->exists = exists;
    return &node->base;
}
