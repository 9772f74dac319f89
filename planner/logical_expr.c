/*
 * planner/logical_expr.c - makes, copies and judges the expressions of the logical tree.
 * Must not know SQL text.
 */
#include "planner/logical.h"

#include <string.h>

MrStatus mr_expr_new(MrArena *arena, MrExprKind kind, MrType type, int32_t position,
                     uint32_t arg_count, MrExpr **out, MrError *err)
{
    MrExpr *expr;
    MR_NEW(arena, expr, err);
    expr->kind = kind;
    expr->type = type;
    expr->position = position;
    expr->arg_count = arg_count;
    MR_NEW_ARRAY(arena, expr->args, arg_count, err);
    *out = expr;
    return MR_OK;
}

MrStatus mr_expr_column(MrArena *arena, uint32_t column, MrType type, int32_t position,
                        MrExpr **out, MrError *err)
{
    MR_TRY(mr_expr_new(arena, MR_EXPR_COLUMN, type, position, 0, out, err));
    (*out)->column = column;
    return MR_OK;
}

MrStatus mr_expr_constant(MrArena *arena, const MrDatum *value, int32_t position, MrExpr **out,
                          MrError *err)
{
    MR_TRY(mr_expr_new(arena, MR_EXPR_CONSTANT, value->type, position, 0, out, err));
    (*out)->constant = *value;
    return MR_OK;
}

MrStatus mr_expr_text(MrArena *arena, const char *text, MrExpr **out, MrError *err)
{
    MrDatum value = { .type = mr_type(MR_TYPE_TEXT),
                      .text = mr_text_make(text, (uint32_t)strlen(text)) };
    return mr_expr_constant(arena, &value, -1, out, err);
}

MrStatus mr_expr_and(MrArena *arena, MrExpr *a, MrExpr *b, MrExpr **out, MrError *err)
{
    if (a == NULL || b == NULL) {
        *out = a != NULL ? a : b;
        return MR_OK;
    }
    uint32_t a_count = mr_conjunct_count(a), b_count = mr_conjunct_count(b);
    MrExpr *both;
    MR_TRY(mr_expr_new(arena, MR_EXPR_AND, mr_type(MR_TYPE_BOOL), a->position, a_count + b_count,
                       &both, err));
    for (uint32_t i = 0; i < a_count; i++) {
        both->args[i] = mr_conjunct_at(a, i);
    }
    for (uint32_t i = 0; i < b_count; i++) {
        both->args[a_count + i] = mr_conjunct_at(b, i);
    }
    *out = both;
    return MR_OK;
}

uint32_t mr_conjunct_count(const MrExpr *predicate)
{
    return predicate == NULL ? 0 : predicate->kind == MR_EXPR_AND ? predicate->arg_count : 1;
}

MrExpr *mr_conjunct_at(const MrExpr *predicate, uint32_t index)
{
    return predicate->kind == MR_EXPR_AND ? predicate->args[index] : (MrExpr *)(uintptr_t)predicate;
}

bool mr_conjunct_any(const MrExpr *predicate, bool (*test)(void *context, const MrExpr *part),
                     void *context)
{
    if (predicate->kind != MR_EXPR_AND) {
        return test(context, predicate);
    }
    for (uint32_t i = 0; i < predicate->arg_count; i++) {
        if (mr_conjunct_any(predicate->args[i], test, context)) {
            return true;
        }
    }
    return false;
}

bool mr_expr_is_binary(const MrExpr *expr, const char *name)
{
    return expr->kind == MR_EXPR_CALL && expr->arg_count == 2 &&
           strcmp(expr->function->name, name) == 0;
}

MrStatus mr_expr_copy(MrArena *arena, const MrExpr *node, MrExpr **out, MrError *err)
{
    MrExpr *copy;
    MR_TRY(mr_expr_new(arena, node->kind, node->type, node->position, node->arg_count, &copy, err));
    MrExpr **args = copy->args;
    *copy = *node;
    copy->args = args;
    *out = copy;
    return MR_OK;
}

MrStatus mr_expr_map(MrArena *arena, const MrExpr *tree, MrExprReplace replace, void *context,
                     MrExpr **out, MrError *err)
{
    MrExpr *replaced = NULL, *copy;
    MR_TRY(replace(context, tree, &replaced));
    /* Bound trees are never changed in place: leaves are shared. */
    *out = replaced != NULL ? replaced : (MrExpr *)(uintptr_t)tree;
    if (replaced != NULL || tree->arg_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_expr_copy(arena, tree, &copy, err));
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        MR_TRY(mr_expr_map(arena, tree->args[i], replace, context, &copy->args[i], err));
    }
    *out = copy;
    return MR_OK;
}

typedef struct ColumnMap {
    MrExprReplace replace;
    void *context;
} ColumnMap;

static MrStatus columns_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const ColumnMap *map = context;
    return expr->kind == MR_EXPR_COLUMN ? map->replace(map->context, expr, out) : MR_OK;
}

MrStatus mr_expr_map_columns(MrArena *arena, const MrExpr *tree, MrExprReplace replace,
                             void *context, MrExpr **out, MrError *err)
{
    ColumnMap map = { replace, context };
    return mr_expr_map(arena, tree, columns_replace, &map, out, err);
}

static MrStatus project_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const MrLogical *project = context;
    *out = project->expressions[column->column];
    return MR_OK;
}

/* Counts what a tree would have after columns are replaced, without building it: shared parts count
 * each time, since every later pass walks them each time. */
static void substituted_size(const MrExpr *tree, const MrLogical *project, uint32_t depth,
                             uint32_t *nodes, uint32_t *depth_max)
{
    if (*nodes > MR_PLAN_EXPR_NODES_MAX) {
        return;
    }
    *nodes += 1;
    *depth_max = depth > *depth_max ? depth : *depth_max;
    if (tree->kind == MR_EXPR_COLUMN && project != NULL) {
        substituted_size(project->expressions[tree->column], NULL, depth, nodes, depth_max);
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        substituted_size(tree->args[i], project, depth + 1, nodes, depth_max);
    }
}

bool mr_expr_reads_volatile(const MrExpr *tree, const MrLogical *project)
{
    if (tree->kind == MR_EXPR_COLUMN && mr_expr_is_volatile(project->expressions[tree->column])) {
        return true;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (mr_expr_reads_volatile(tree->args[i], project)) {
            return true;
        }
    }
    return false;
}

MrStatus mr_expr_through_project(MrArena *arena, const MrExpr *tree, const MrLogical *project,
                                 MrExpr **out, MrError *err)
{
    uint32_t nodes = 0, depth = 0;
    substituted_size(tree, project, 1, &nodes, &depth);
    if (nodes > MR_PLAN_EXPR_NODES_MAX || depth > MR_PLAN_EXPR_DEPTH_MAX) {
        mr_error_set(err, MR_ERR_TOO_COMPLEX, "expression is too complex");
        return mr_error_hint(err, "Nested subqueries repeat an expression too often: simplify it.");
    }
    return mr_expr_map_columns(arena, tree, project_replace, (void *)(uintptr_t)project, out, err);
}

static bool all_not_null(const MrExpr *tree, const MrLogical *input, uint32_t first, uint32_t step)
{
    for (uint32_t i = first; i < tree->arg_count; i += step) {
        if (!mr_expr_is_not_null(tree->args[i], input)) {
            return false;
        }
    }
    return true;
}

bool mr_expr_is_not_null(const MrExpr *tree, const MrLogical *input)
{
    switch (tree->kind) {
    case MR_EXPR_CONSTANT: return !tree->constant.is_null;
    case MR_EXPR_COLUMN:
        return input != NULL && tree->column < input->column_count &&
               input->columns[tree->column].not_null;
    case MR_EXPR_SEQUENCE:
    case MR_EXPR_ARRIVAL:
    case MR_EXPR_IS_NULL:
    case MR_EXPR_IS_TRUE:
    case MR_EXPR_IS_FALSE:
    case MR_EXPR_IS_DISTINCT: return true;
    case MR_EXPR_AND:
    case MR_EXPR_OR:
    case MR_EXPR_NOT:
    case MR_EXPR_WINDOW_START:
    case MR_EXPR_WINDOW_END:
    case MR_EXPR_IN: return all_not_null(tree, input, 0, 1);
    case MR_EXPR_OUTER:
    case MR_EXPR_SUBQUERY: return false;
    case MR_EXPR_CAST:
        /* A JSON null is a value that casts to NULL. */
        return tree->args[0]->type.id != MR_TYPE_JSON && tree->args[0]->type.id != MR_TYPE_JSONB &&
               mr_expr_is_not_null(tree->args[0], input);
    case MR_EXPR_CASE:
        return mr_expr_is_not_null(tree->args[tree->arg_count - 1], input) &&
               all_not_null(tree, input, 1, 2);
    case MR_EXPR_COALESCE:
    case MR_EXPR_GREATEST:
    case MR_EXPR_LEAST:
        for (uint32_t i = 0; i < tree->arg_count; i++) {
            if (mr_expr_is_not_null(tree->args[i], input)) {
                return true;
            }
        }
        return false;
    case MR_EXPR_QUANTIFIED: return false; /* elements may be NULL */
    case MR_EXPR_CALL: return false;       /* a strict function may still give NULL for a value */
    }
    return false;
}

bool mr_expr_has_kind(const MrExpr *tree, MrExprKind kind)
{
    if (tree->kind == kind) {
        return true;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (mr_expr_has_kind(tree->args[i], kind)) {
            return true;
        }
    }
    return false;
}

bool mr_expr_names_place(const MrExpr *tree)
{
    return mr_expr_has_kind(tree, MR_EXPR_SEQUENCE) || mr_expr_has_kind(tree, MR_EXPR_ARRIVAL);
}

bool mr_logical_shows_place(const MrLogical *project)
{
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (mr_expr_names_place(project->expressions[i])) {
            return true;
        }
    }
    return false;
}

bool mr_expr_is_constant(const MrExpr *tree)
{
    switch (tree->kind) {
    case MR_EXPR_COLUMN:
    case MR_EXPR_SEQUENCE:
    case MR_EXPR_OUTER:
    case MR_EXPR_SUBQUERY:
    case MR_EXPR_ARRIVAL: return false;
    case MR_EXPR_CALL:
        if (tree->function->flags & MR_FN_VOLATILE) {
            return false;
        }
        break;
    default: break;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (!mr_expr_is_constant(tree->args[i])) {
            return false;
        }
    }
    return true;
}

MrStatus mr_expr_filtered(MrArena *arena, MrExpr *argument, MrExpr *filter, MrExpr **out,
                          MrError *err)
{
    MrDatum nothing = { .type = argument->type, .is_null = true };
    *out = argument;
    if (filter == NULL || !mr_expr_is_fallible(argument) || mr_expr_is_volatile(filter)) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(arena, MR_EXPR_CASE, argument->type, argument->position, 3, out, err));
    (*out)->args[0] = filter;
    (*out)->args[1] = argument;
    return mr_expr_constant(arena, &nothing, -1, &(*out)->args[2], err);
}
