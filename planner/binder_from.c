/*
 * planner/binder_from.c - what stands in FROM: streams, views, results, system views, subqueries,
 * WITH queries, VALUES.  Must not know what is selected from them.
 */
#include "planner/binder.h"

#include "planner/change.h"
#include "planner/dependent.h"
#include "planner/record_function.h"
#include "planner/recursion.h"
#include "planner/set_call.h"
#include "planner/share.h"
#include "planner/subquery_internal.h"
#include "planner/values.h"
#include "planner/window.h"

#include <stdio.h>
#include <string.h>

/* `AS name (columns)`: fewer names than columns rename the first. */
static MrStatus apply_alias(MrBinder *b, const MrAlias *alias, int32_t position, MrScope *scope)
{
    if (alias->name != NULL) {
        scope->alias = alias->name;
        scope->schema_name = NULL;
    }
    if (alias->columns.count == 0) {
        return MR_OK;
    }
    MrLogical *input = scope->input;
    const char **names;
    MrExpr **exprs;
    MR_NEW_ARRAY(b->arena, names, input->column_count, b->err);
    MR_NEW_ARRAY(b->arena, exprs, input->column_count, b->err);
    uint32_t renamed = 0;
    for (uint32_t i = 0; i < input->column_count; i++) {
        names[i] = input->columns[i].name;
        if (names[i] != NULL && input->columns[i].carried == 0 && renamed < alias->columns.count) {
            names[i] = alias->columns.items[renamed++];
        }
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[i], b->err));
    }
    if (renamed < alias->columns.count) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, position,
                             "table \"%s\" has %u columns available but %u columns specified",
                             scope->alias != NULL ? scope->alias : "?", renamed,
                             alias->columns.count);
    }
    return mr_logical_project(b->arena, input, exprs, names, input->column_count, &scope->input,
                              b->err);
}

/* Whether every row has a place in the log: it is a row of a stream, or was given with a record
 * that closed its window. */
static bool is_over_stream(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT ||
           (node->kind == MR_LOGICAL_WINDOW && !mr_window_is_keyed(node)) ||
           node->kind == MR_LOGICAL_RESULT) {
        if (mr_logical_gives_closed(node)) {
            return true;
        }
        node = node->input;
    }
    return node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_STREAM;
}

/* A query in FROM under a name: only its own columns are seen. */
static MrStatus bind_nested(MrBinder *b, const MrAstQuery *query, MrScope *scope)
{
    MrBoundQuery bound;
    MR_TRY(mr_bind_query(b, query, false, &bound));
    for (uint32_t i = bound.visible; i < bound.node->column_count; i++) {
        bound.node->columns[i].name = NULL;
    }
    *scope = (MrScope){ .input = bound.node, .over_stream = is_over_stream(bound.node) };
    return MR_OK;
}

/* ---- Relations --------------------------------------------------------------------------- */

static MrStatus bind_view(MrBinder *b, const MrRelation *view, int32_t position, MrScope *scope)
{
    if (b->view_depth >= MR_PLAN_VIEW_DEPTH_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_COMPLEX, position, "views are nested too deeply");
    }
    for (uint32_t i = 0; i < b->view_depth; i++) {
        if (b->views[i] == view) {
            return mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, position,
                                 "infinite recursion detected in view \"%s\"", view->name);
        }
    }
    const MrCte *ctes = b->ctes;
    b->views[b->view_depth++] = view;
    b->ctes = NULL; /* the view's text was written where none of these names were known */
    MrStatus status = bind_nested(b, view->query, scope);
    b->ctes = ctes;
    b->view_depth--;
    MR_TRY(status);
    uint32_t named = 0;
    for (uint32_t i = 0; i < scope->input->column_count && named < view->schema.column_count; i++) {
        if (scope->input->columns[i].name != NULL) {
            scope->input->columns[i].name = view->schema.columns[named++].name;
        }
    }
    return MR_OK;
}

static MrStatus bind_virtual(MrBinder *b, const MrRelation *relation, int32_t position,
                             MrScope *scope)
{
    if (b->mode == MR_BIND_STANDING) {
        return mr_bind_unsupported(b, position, "Select from it, or \\watch the SELECT.",
                                   "a standing query cannot read the system view \"%s\"",
                                   relation->name);
    }
    return mr_logical_scan(b->arena, relation, MR_SCAN_VIRTUAL, &scope->input, b->err);
}

/* At the prompt the result table is read; a standing query takes what the view's plan gives. */
static MrStatus bind_result(MrBinder *b, const MrRelation *relation, int32_t position,
                            MrScope *scope)
{
    if (b->mode != MR_BIND_STANDING) {
        return mr_logical_scan(b->arena, relation, MR_SCAN_RESULT, &scope->input, b->err);
    }
    MR_TRY(mr_bind_parent(b, relation, position, &scope->input));
    scope->has_place = scope->over_stream = is_over_stream(scope->input);
    return MR_OK;
}

static MrStatus bind_relation(MrBinder *b, const MrRelation *relation, int32_t position,
                              MrScope *scope)
{
    *scope = (MrScope){ 0 };
    switch (relation->kind) {
    case MR_RELATION_STREAM:
        scope->has_place = scope->over_stream = true;
        MR_TRY(mr_logical_scan(b->arena, relation, MR_SCAN_STREAM, &scope->input, b->err));
        break;
    case MR_RELATION_TABLE:
        MR_TRY(mr_logical_scan(b->arena, relation, MR_SCAN_TABLE, &scope->input, b->err));
        break;
    case MR_RELATION_VIEW: MR_TRY(bind_view(b, relation, position, scope)); break;
    case MR_RELATION_QUERY: MR_TRY(bind_result(b, relation, position, scope)); break;
    case MR_RELATION_SINK:
        mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, position,
                      "\"%s\" is a sink, and has no rows here", relation->name);
        return mr_error_hint(b->err, relation->standing->channel != NULL
                                         ? "LISTEN to its channel, or SUBSCRIBE TO its query."
                                     : relation->standing->file != NULL
                                         ? "Read its file."
                                         : "Read its table in the target.");
    case MR_RELATION_VIRTUAL: MR_TRY(bind_virtual(b, relation, position, scope)); break;
    }
    scope->alias = relation->name;
    scope->schema_name = relation->schema_name;
    scope->oid = relation->kind == MR_RELATION_VIEW ? 0 : relation->oid;
    return MR_OK;
}

static const MrCte *find_cte(const MrBinder *b, const MrName *name)
{
    const MrCte *cte = name->schema == NULL && name->connection == NULL ? b->ctes : NULL;
    while (cte != NULL && strcmp(cte->ast->name, name->name) != 0) {
        cte = cte->outer;
    }
    return cte;
}

/* Its columns under their own names. */
static MrStatus bind_cte_query(MrBinder *b, const MrCte *cte, MrScope *scope)
{
    const MrCte *ctes = b->ctes;
    b->ctes = cte->outer; /* it sees only what was named before it */
    MrStatus status = cte->is_recursive
                          ? mr_bind_recursion(b, cte->ast, &cte->use->recursion, &scope->input)
                          : bind_nested(b, MR_AST_AS(const MrAstQuery, cte->ast->statement), scope);
    b->ctes = ctes;
    MR_TRY(status);
    if (cte->use->is_read && cte->use->number == 0 && mr_logical_is_volatile(scope->input) &&
        mr_tree_is_correlated(scope->input)) {
        return mr_bind_unsupported(b, cte->ast->base.position,
                                   "Read it once, or keep its rows in a table.",
                                   "reading a WITH query with a volatile function twice, where it "
                                   "names an outer column, is not supported yet");
    }
    if (cte->is_around && mr_logical_is_volatile(scope->input)) {
        return mr_bind_unsupported(b, cte->ast->base.position,
                                   "Read it where the other statement is not, or keep its rows.",
                                   "reading a WITH query with a volatile function from a "
                                   "statement in WITH is not supported yet");
    }
    cte->use->is_read = true;
    return mr_bind_make_once(b, &cte->use->number, &scope->input);
}

/* The rows of a statement that changes data. */
static MrStatus bind_returned(MrBinder *b, const MrCte *cte, int32_t position, MrScope *scope)
{
    if (cte->returned == NULL) {
        return mr_bind_unsupported(b, position, "Write RETURNING behind the statement in WITH.",
                                   "WITH query \"%s\" does not have a RETURNING clause",
                                   cte->ast->name);
    }
    return bind_virtual(b, cte->returned, position, scope);
}

static MrStatus bind_cte(MrBinder *b, const MrCte *cte, int32_t position, MrScope *scope)
{
    MrAlias alias = { .name = cte->ast->name, .columns = cte->ast->columns };
    *scope = (MrScope){ .alias = cte->ast->name };
    if (cte->ast->statement->kind != MR_AST_QUERY) {
        MR_TRY(bind_returned(b, cte, position, scope));
        return apply_alias(b, &alias, cte->ast->base.position, scope);
    }
    if (cte->first != NULL) {
        return mr_bind_last_step(b, cte, position, &scope->input);
    }
    MR_TRY(bind_cte_query(b, cte, scope));
    return apply_alias(b, &alias, cte->ast->base.position, scope);
}

MrStatus mr_bind_unread_ctes(MrBinder *b, const MrCte *outer)
{
    MrScope *scope = b->scope;
    for (const MrCte *cte = b->ctes; cte != outer; cte = cte->outer) {
        MrScope ignored;
        if (!cte->use->is_read && cte->ast->statement->kind == MR_AST_QUERY) {
            b->scope = NULL;
            MR_TRY(bind_cte(b, cte, cte->ast->base.position, &ignored));
        }
    }
    b->scope = scope;
    return MR_OK;
}

/* FOR SYSTEM_TIME AS OF: PROCTIME(), a table as it is at the place of the row that meets it; or a
 * time of the left side, for which the join looks (join_asof.c). */
static MrStatus bind_system_time(MrBinder *b, const MrAstFromTable *ast, const MrRelation *relation,
                                 MrScope *scope)
{
    const MrNode *time = ast->system_time;
    bool is_now = time->kind == MR_AST_CALL &&
                  strcmp(MR_AST_AS(const MrAstCall, time)->name.name, "proctime") == 0;
    bool is_stream = relation->kind == MR_RELATION_STREAM && !is_now;
    if (relation->kind != MR_RELATION_TABLE && !is_stream) {
        mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, ast->base.position,
                      "FOR SYSTEM_TIME needs a table, and \"%s\" is none", relation->name);
        return mr_error_hint(b->err, "Join it without FOR SYSTEM_TIME.");
    }
    scope->is_lookup = is_now;
    scope->system_time = is_now ? NULL : time;
    return MR_OK;
}

static MrStatus bind_table(MrBinder *b, const MrAstFromTable *ast, MrScope *scope)
{
    const MrCte *cte = find_cte(b, &ast->name);
    if (&ast->base == b->image_item) {
        MR_TRY(bind_relation(b, b->image, ast->base.position, scope));
    } else if (cte != NULL && &ast->base != b->place_item) {
        MR_TRY(bind_cte(b, cte, ast->base.position, scope));
    } else {
        const MrRelation *relation;
        MrStatus status = mr_catalog_resolve(b->context->catalog, &ast->name, &relation, b->err);
        if (status != MR_OK) {
            mr_error_at(b->err, b->view_depth > 0 ? -1 : ast->base.position);
            return status;
        }
        MR_TRY(bind_relation(b, relation, ast->base.position, scope));
        if (ast->system_time != NULL) {
            MR_TRY(bind_system_time(b, ast, relation, scope));
        }
        if (&ast->base == b->place_item) {
            MR_TRY(mr_logical_scan_add_place(b->arena, scope->input, MR_PLACE_COLUMN, b->err));
        }
    }
    return apply_alias(b, &ast->alias, ast->base.position, scope);
}

static MrStatus bind_subquery(MrBinder *b, const MrAstFromSubquery *ast, MrScope *scope)
{
    mr_outer_show_items(b, ast->lateral);
    MrStatus status = bind_nested(b, ast->query, scope);
    mr_outer_show_items(b, false);
    MR_TRY(status);
    return apply_alias(b, &ast->alias, ast->base.position, scope);
}

/* pg_get_keywords() and its like: the rows of a system view that only a call can name. */
static const MrRelation *relation_of_call(MrBinder *b, const MrAstFromFunction *ast)
{
    char name[80];
    if (ast->call->args.count > 0 || ast->calls.count > 0 || ast->ordinality ||
        strlen(ast->call->name.name) > 63) {
        return NULL;
    }
    snprintf(name, sizeof name, "%s()", ast->call->name.name);
    return mr_catalog_find(b->context->catalog, "pg_catalog", name);
}

static MrStatus bind_record_function(MrBinder *b, const MrAstFromFunction *ast, MrScope *scope)
{
    MrAstFromSubquery *query;
    MR_TRY(mr_record_function_query(b, ast, &query));
    const MrStatus status = bind_subquery(b, query, scope);
    if (status != MR_OK) { /* a place in the query's text is none of the statement's */
        mr_error_at(b->err, b->view_depth > 0 ? -1 : ast->base.position);
    }
    return status;
}

/* Over one row without columns.  Its arguments may name the items to the left, LATERAL or not. */
static MrStatus bind_function(MrBinder *b, const MrAstFromFunction *ast, MrScope *scope)
{
    bool is_scalar;
    if (mr_is_record_function(ast)) {
        return bind_record_function(b, ast, scope);
    }
    const MrRelation *relation = relation_of_call(b, ast);
    if (relation != NULL) {
        MR_TRY(bind_relation(b, relation, ast->base.position, scope));
        scope->alias = ast->call->name.name;
        scope->oid = 0;
        return apply_alias(b, &ast->alias, ast->base.position, scope);
    }
    MR_TRY(mr_bind_empty(b, scope));
    mr_outer_show_items(b, true);
    MrStatus status = mr_bind_from_function(b, ast, scope->input, &scope->input, &is_scalar);
    mr_outer_show_items(b, false);
    MR_TRY(status);
    scope->alias = ast->call->name.name;
    scope->is_scalar = is_scalar;
    return apply_alias(b, &ast->alias, ast->base.position, scope);
}

MrStatus mr_bind_from(MrBinder *b, const MrNode *item, MrScope *scope)
{
    switch (item->kind) {
    case MR_AST_FROM_TABLE: return bind_table(b, MR_AST_AS(const MrAstFromTable, item), scope);
    case MR_AST_FROM_SUBQUERY:
        return bind_subquery(b, MR_AST_AS(const MrAstFromSubquery, item), scope);
    case MR_AST_FROM_WINDOW:
        MR_TRY(mr_window_bind_from(b, MR_AST_AS(const MrAstFromWindow, item), scope));
        return apply_alias(b, &MR_AST_AS(const MrAstFromWindow, item)->alias, item->position,
                           scope);
    case MR_AST_FROM_FUNCTION:
        return bind_function(b, MR_AST_AS(const MrAstFromFunction, item), scope);
    case MR_AST_FROM_JOIN:
        MR_TRY(mr_bind_join(b, MR_AST_AS(const MrAstFromJoin, item), scope));
        return apply_alias(b, &MR_AST_AS(const MrAstFromJoin, item)->alias, item->position, scope);
    default:
        return mr_bind_unsupported(b, item->position, "Name a stream, a view or a subquery.",
                                   "%s is not supported in FROM", mr_ast_kind_name(item->kind));
    }
}
