/*
 * planner/dependent_arguments.c - what a tree uses of the outside, and the columns that stand for
 * it: see dependent_join.h.
 */
#include "planner/dependent_internal.h"
#include "planner/join.h"
#include "planner/set_operation.h"
#include "planner/share.h"

#include <string.h>

/* ---- What a tree uses ---------------------------------------------------------------------- */

typedef MrStatus Visit(void *context, MrExpr **place);

static MrStatus visit_all(MrExpr **exprs, uint32_t count, Visit *visit, void *context)
{
    for (uint32_t i = 0; exprs != NULL && i < count; i++) {
        if (exprs[i] != NULL) {
            MR_TRY(visit(context, &exprs[i]));
        }
    }
    return MR_OK;
}

/* Every place of the tree that has an expression. */
static MrStatus visit_tree(MrLogical *node, Visit *visit, void *context)
{
    if (node == NULL) {
        return MR_OK;
    }
    MR_TRY(visit_all(&node->predicate, 1, visit, context));
    MR_TRY(visit_all(&node->time, 1, visit, context));
    MR_TRY(visit_all(node->expressions, node->column_count, visit, context));
    MR_TRY(visit_all(node->keys, node->key_count, visit, context));
    for (uint32_t i = 0; i < node->call_count; i++) {
        MrLogicalCall *call = &node->calls[i];
        MR_TRY(visit_all(call->args, call->aggregate->arg_count, visit, context));
        MR_TRY(visit_all(&call->filter, 1, visit, context));
    }
    MR_TRY(visit_tree(node->input, visit, context));
    return visit_tree(node->right, visit, context);
}

typedef struct Walk {
    void (*note)(void *context, const MrExpr *expr);
    void *context;
} Walk;

static MrStatus walk_place(void *context, MrExpr **place)
{
    const Walk *walk = context;
    mr_expr_walk(*place, walk->note, walk->context);
    return MR_OK;
}

static void walk_tree(const MrLogical *tree, void (*note)(void *, const MrExpr *), void *context)
{
    Walk walk = { note, context };
    (void)visit_tree((MrLogical *)(uintptr_t)tree, walk_place, &walk); /* changes nothing */
}

typedef struct TreeMap {
    MrBinder *b;
    MrExprReplace replace;
    void *context;
} TreeMap;

static MrStatus map_place(void *context, MrExpr **place)
{
    const TreeMap *map = context;
    return mr_expr_map(map->b->arena, *place, map->replace, map->context, place, map->b->err);
}

MrStatus mr_tree_map(MrBinder *b, MrLogical *node, MrExprReplace replace, void *context)
{
    TreeMap map = { b, replace, context };
    return visit_tree(node, map_place, &map);
}

void mr_note_outer(void *context, const MrExpr *expr)
{
    if (expr->kind == MR_EXPR_OUTER) {
        *(bool *)context = true;
    }
}

/* Rows of a step whose recursion is being unnested belong to arguments, which come with them. */
static bool has_carrier(const MrLogical *node)
{
    return node != NULL &&
           (node->is_carrier || has_carrier(node->input) || has_carrier(node->right));
}

bool mr_tree_is_correlated(const MrLogical *node)
{
    bool found = false;
    walk_tree(node, mr_note_outer, &found);
    return found || has_carrier(node);
}

static void note_used(void *context, const MrExpr *expr)
{
    MrArguments *arguments = context;
    if (expr->kind == MR_EXPR_OUTER && expr->column < arguments->count) {
        arguments->used[expr->column] = true;
    }
}

MrStatus mr_arguments_init(MrBinder *b, const MrLogical *outer, const MrExpr *subquery,
                           const MrLogical *tree, MrArguments *out)
{
    *out = (MrArguments){
        .b = b, .outer = outer, .exprs = subquery->args, .count = subquery->arg_count
    };
    MR_NEW_ARRAY(b->arena, out->keys, out->count, b->err);
    for (uint32_t i = 0; i < out->count; i++) {
        out->keys[i] = out->exprs[i];
        if (out->keys[i]->type.id == MR_TYPE_JSON) {
            MR_TRY(mr_coerce(b, out->keys[i], mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, -1,
                             &out->keys[i]));
        }
    }
    MR_NEW_ARRAY(b->arena, out->used, out->count, b->err);
    MR_NEW_ARRAY(b->arena, out->columns, out->count, b->err);
    MR_NEW_ARRAY(b->arena, out->is_strict, out->count, b->err);
    walk_tree(tree, note_used, out);
    return MR_OK;
}

void mr_arguments_restrict(MrArguments *arguments, const MrLogical *tree)
{
    memset(arguments->used, 0, arguments->count * sizeof *arguments->used);
    walk_tree(tree, note_used, arguments);
}

uint32_t mr_arguments_used(const MrArguments *arguments)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < arguments->count; i++) {
        count += arguments->used[i];
    }
    return count;
}

/* ---- Expressions --------------------------------------------------------------------------- */

static MrStatus mapping_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const MrMapping *mapping = context;
    const MrArguments *arguments = mapping->arguments;
    const MrBinder *b = arguments->b;
    if (expr->kind == MR_EXPR_COLUMN) {
        uint32_t column =
            mapping->places != NULL ? mapping->places[expr->column] : expr->column + mapping->shift;
        return mr_expr_column(b->arena, column, expr->type, expr->position, out, b->err);
    }
    if (expr->kind != MR_EXPR_OUTER) {
        return MR_OK;
    }
    if (mapping->to_outer) {
        *out = arguments->exprs[expr->column];
        return MR_OK;
    }
    MR_TRY(mr_expr_column(b->arena, arguments->columns[expr->column],
                          arguments->keys[expr->column]->type, expr->position, out, b->err));
    return expr->type.id != MR_TYPE_JSON
               ? MR_OK
               : mr_coerce(arguments->b, *out, expr->type, MR_CAST_EXPLICIT, expr->position, out);
}

MrStatus mr_map_expr(const MrMapping *mapping, const MrExpr *expr, MrExpr **out)
{
    const MrBinder *b = mapping->arguments->b;
    return mr_expr_map(b->arena, expr, mapping_replace, (void *)(uintptr_t)mapping, out, b->err);
}

MrStatus mr_map_in_place(const MrMapping *mapping, MrExpr **expr)
{
    return *expr == NULL ? MR_OK : mr_map_expr(mapping, *expr, expr);
}

MrStatus mr_arguments_apply(const MrArguments *arguments, const MrExpr *expr, uint32_t shift,
                            MrExpr **out)
{
    MrMapping mapping = { .arguments = arguments, .shift = shift, .to_outer = true };
    return mr_map_expr(&mapping, expr, out);
}

/* The value, or something in place of NULL. */
static MrStatus not_null(MrBinder *b, MrExpr *value, MrExpr **out)
{
    MrDatum zero = { .type = mr_type(value->type.id) };
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_COALESCE, value->type, -1, 2, out, b->err));
    (*out)->args[0] = value;
    return mr_expr_constant(b->arena, &zero, -1, &(*out)->args[1], b->err);
}

MrStatus mr_same_value(MrBinder *b, MrExpr *left, MrExpr *right, bool is_strict, MrExpr **out)
{
    MrExpr *nulls[2], *values[2], *same;
    if (is_strict) {
        return mr_bind_operator(b, "=", left, right, -1, out);
    }
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, left, &nulls[0]));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, right, &nulls[1]));
    MR_TRY(not_null(b, left, &values[0]));
    MR_TRY(not_null(b, right, &values[1]));
    MR_TRY(mr_bind_operator(b, "=", values[0], values[1], -1, &same));
    MR_TRY(mr_bind_operator(b, "=", nulls[0], nulls[1], -1, out));
    return mr_expr_and(b->arena, same, *out, out, b->err);
}

MrStatus mr_arguments_match(const MrArguments *arguments, uint32_t shift, MrExpr **out)
{
    MrBinder *b = arguments->b;
    *out = NULL;
    for (uint32_t i = 0; i < arguments->count; i++) {
        MrExpr *column, *same;
        if (!arguments->used[i]) {
            continue;
        }
        MrExpr *argument = arguments->keys[i];
        bool is_strict = arguments->is_strict[i] || mr_expr_is_not_null(argument, arguments->outer);
        MR_TRY(mr_expr_column(b->arena, arguments->columns[i] + shift, argument->type, -1, &column,
                              b->err));
        MR_TRY(mr_same_value(b, argument, column, is_strict, &same));
        MR_TRY(mr_expr_and(b->arena, *out, same, out, b->err));
    }
    return MR_OK;
}

MrStatus mr_bind_make_once(MrBinder *b, uint32_t *number, MrLogical **node)
{
    if (b->mode == MR_BIND_STANDING || !mr_logical_is_volatile(*node) ||
        mr_tree_is_correlated(*node)) {
        return MR_OK;
    }
    if (*number == 0) {
        *number = ++b->materialized;
    }
    return mr_logical_materialized(b->arena, *node, *number, node, b->err);
}

/* ---- Columns of the arguments at the end --------------------------------------------------- */

MrStatus mr_dependent_join(MrBinder *b, MrJoinType type, MrLogical *left, MrLogical *right,
                           MrExpr *condition, MrLogical **out)
{
    MR_TRY(mr_logical_join(b->arena, type, left, right, condition, out, b->err));
    return mr_join_settle(b, *out);
}

MrStatus mr_dependent_show(MrArguments *arguments, MrLogical **node, const uint32_t *places,
                           const MrLogicalColumn *names_of, uint32_t count)
{
    MrBinder *b = arguments->b;
    MrExpr **exprs;
    const char **names;
    uint32_t total = count;
    MR_NEW_ARRAY(b->arena, exprs, count + arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, names, count + arguments->count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_node_column(b, *node, places[i], &exprs[i]));
        names[i] = names_of[i].name;
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            MR_TRY(mr_bind_node_column(b, *node, arguments->columns[i], &exprs[total]));
            arguments->columns[i] = total++;
        }
    }
    return mr_logical_project(b->arena, *node, exprs, names, total, node, b->err);
}

typedef struct Columns {
    uint32_t least, most; /* that are named; least > most: none */
} Columns;

static void note_column(void *context, const MrExpr *expr)
{
    Columns *columns = context;
    if (expr->kind == MR_EXPR_COLUMN) {
        columns->least = expr->column < columns->least ? expr->column : columns->least;
        columns->most = expr->column > columns->most ? expr->column : columns->most;
    }
}

/* Of items of FROM side by side, before WHERE has joined them, those that no argument names only
 * make more rows of the same values.  NULL: the arguments name no column, only queries further
 * out. */
static const MrLogical *named_items(const MrArguments *arguments)
{
    const MrLogical *outer = arguments->outer;
    Columns columns = { .least = UINT32_MAX };
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            mr_expr_walk(arguments->exprs[i], note_column, &columns);
        }
    }
    if (columns.least > columns.most) {
        return NULL;
    }
    while (outer->kind == MR_LOGICAL_JOIN && outer->join_type == MR_JOIN_TYPE_INNER &&
           outer->predicate == NULL && !outer->is_lookup &&
           columns.most < outer->input->column_count) {
        outer = outer->input; /* its columns have the same places */
    }
    return outer;
}

MrStatus mr_make_domain(MrArguments *arguments, MrLogical **out)
{
    MrBinder *b = arguments->b;
    const MrLogical *named = named_items(arguments);
    MrScope row = { 0 };
    MrExpr **exprs;
    uint32_t count = 0;
    MR_NEW_ARRAY(b->arena, exprs, arguments->count, b->err);
    if (mr_logical_is_volatile(named)) { /* it would be run a second time */
        return mr_bind_unsupported(b, -1, "Compute the subquery first, and random() around it.",
                                   "a subquery that names columns of a query with a volatile "
                                   "function is not supported yet");
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            exprs[count++] = arguments->keys[i];
        }
    }
    if (named == NULL) {
        MR_TRY(mr_bind_empty(b, &row));
        return mr_logical_project(b->arena, row.input, exprs, NULL, count, out, b->err);
    }
    MR_TRY(mr_logical_copy(b->arena, named, &row.input, b->err));
    MR_TRY(mr_logical_project(b->arena, row.input, exprs, NULL, count, out, b->err));
    return mr_bind_make_distinct(b, out);
}

MrStatus mr_cross_domain(MrArguments *arguments, MrLogical **node)
{
    MrBinder *b = arguments->b;
    MrLogical *domain;
    uint32_t column = (*node)->column_count;
    MR_TRY(mr_make_domain(arguments, &domain));
    MR_TRY(mr_dependent_join(b, MR_JOIN_TYPE_INNER, *node, domain, NULL, node));
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            arguments->columns[i] = column++;
            arguments->is_strict[i] = false;
        }
    }
    return MR_OK;
}
