/*
 * engine/expression.c - questions about expression trees: equality, order of visiting, whether a
 * tree can fail or change from run to run.  Must not evaluate anything.
 */
#include "engine/expression.h"

#include "engine/expression_program.h"

void mr_expr_walk(const MrExpr *tree, void (*visit)(void *context, const MrExpr *node),
                  void *context)
{
    if (tree == NULL) {
        return;
    }
    visit(context, tree);
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        mr_expr_walk(tree->args[i], visit, context);
    }
}

/* A cast with a typmod can fail by itself: numeric(3,1) does not hold 100. */
static bool typmod_is_fallible(const MrExpr *node)
{
    MrTypeId id = mr_type_is_array(node->type.id) ? mr_type_element(node->type.id) : node->type.id;
    return node->type.typmod >= 0 &&
           (id == MR_TYPE_NUMERIC ||
            ((id == MR_TYPE_VARCHAR || id == MR_TYPE_BPCHAR) && node->negated));
}

static bool node_is_fallible(const MrExpr *node)
{
    switch (node->kind) {
    case MR_EXPR_QUANTIFIED:
    case MR_EXPR_CALL:
        return node->function != NULL && (node->function->flags & MR_FN_FALLIBLE) != 0;
    case MR_EXPR_CAST:
        return (node->cast != NULL && (node->cast->flags & MR_FN_FALLIBLE) != 0) ||
               typmod_is_fallible(node);
    default: return false;
    }
}

bool mr_expr_is_fallible(const MrExpr *tree)
{
    if (node_is_fallible(tree)) {
        return true;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (mr_expr_is_fallible(tree->args[i])) {
            return true;
        }
    }
    return false;
}

bool mr_expr_is_volatile(const MrExpr *tree)
{
    if (tree->kind == MR_EXPR_CALL && tree->function != NULL &&
        (tree->function->flags & MR_FN_VOLATILE) != 0) {
        return true;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (mr_expr_is_volatile(tree->args[i])) {
            return true;
        }
    }
    return false;
}

/* Equal bytes, not SQL's equality: 1.0 and 1.00 print differently. */
static bool datum_equal(const MrDatum *a, const MrDatum *b)
{
    if (a->type.id != b->type.id || a->is_null != b->is_null) {
        return false;
    }
    if (a->is_null) {
        return true;
    }
    if (mr_type_is_text(a->type.id)) {
        return mr_text_equal(&a->text, &b->text);
    }
    unsigned char x[sizeof(MrDecimal)] = { 0 }, y[sizeof(MrDecimal)] = { 0 };
    mr_datum_store(a, x);
    mr_datum_store(b, y);
    return memcmp(x, y, mr_type_info(a->type.id)->width) == 0;
}

bool mr_expr_equal(const MrExpr *a, const MrExpr *b)
{
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || a->kind != b->kind || a->type.id != b->type.id ||
        a->type.typmod != b->type.typmod || a->negated != b->negated ||
        a->arg_count != b->arg_count) {
        return false;
    }
    switch (a->kind) {
    case MR_EXPR_CONSTANT: return datum_equal(&a->constant, &b->constant);
    case MR_EXPR_COLUMN:
    case MR_EXPR_OUTER: return a->column == b->column;
    case MR_EXPR_SUBQUERY:
        if (a->column != b->column) {
            return false;
        }
        break;
    case MR_EXPR_QUANTIFIED:
    case MR_EXPR_CALL:
        if (a->function != b->function) {
            return false;
        }
        break;
    case MR_EXPR_CAST:
        if (a->cast != b->cast) {
            return false;
        }
        break;
    case MR_EXPR_WINDOW_START:
    case MR_EXPR_WINDOW_END:
        if (!mr_window_equal(&a->window, &b->window)) {
            return false;
        }
        break;
    default: break;
    }
    for (uint32_t i = 0; i < a->arg_count; i++) {
        if (!mr_expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

MrStatus mr_expr_constant_value(MrArena *arena, const MrExpr *tree, const MrTimezone *zone,
                                int64_t now_us, MrDatum *out, MrError *err)
{
    MrExpression *expression;
    MrVector value;
    MR_TRY(mr_expression_compile(arena, tree, zone, &expression, err));
    MrEval eval = { .arena = arena, .zone = zone, .now_us = now_us, .err = err };
    MR_TRY(mr_program_run(expression->program, &eval, 1, &value));
    mr_vector_get(&value, 0, out);
    out->type = tree->type;
    return MR_OK;
}
