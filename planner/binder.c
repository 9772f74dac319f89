/*
 * planner/binder.c - binds one query: WITH, FROM, WHERE, the select list, DISTINCT.
 * Must not know how operators are built.
 */
#include "planner/binder.h"

#include "planner/group_determined.h"
#include "planner/join.h"
#include "planner/over.h"
#include "planner/recursion.h"
#include "planner/returning_order.h"
#include "planner/row_value.h"
#include "planner/set_node.h"
#include "planner/set_operation.h"
#include "planner/subquery.h"
#include "planner/values.h"
#include "planner/window.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mr_binder_init(MrBinder *binder, MrPlannerContext *context, MrBindMode mode, MrError *err)
{
    *binder = (MrBinder){
        .context = context, .arena = context->arena, .err = err, .mode = mode, .ctes = context->ctes
    };
}

/* ---- Errors ------------------------------------------------------------------------------ */

MrStatus mr_bind_error(MrBinder *b, MrStatus status, int32_t position, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mr_error_vset(b->err, status, format, args);
    va_end(args);
    mr_error_at(b->err, b->view_depth > 0 ? -1 : position);
    return status;
}

MrStatus mr_bind_unsupported(MrBinder *b, int32_t position, const char *hint, const char *format,
                             ...)
{
    va_list args;
    va_start(args, format);
    mr_error_vset(b->err, MR_ERR_UNSUPPORTED, format, args);
    va_end(args);
    mr_error_at(b->err, b->view_depth > 0 ? -1 : position);
    mr_error_hint(b->err, "%s", hint);
    return MR_ERR_UNSUPPORTED;
}

void mr_bind_notice(MrBinder *b, const char *hint, const char *format, ...)
{
    char message[512];
    va_list args;
    if (b->context->notice == NULL) {
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    b->context->notice(b->context->notice_context, "00000", message, hint);
}

/* ---- SELECT ------------------------------------------------------------------------------ */

static bool keeps_scope(const MrBinder *b, const MrAstQuery *query)
{
    return b->place_scope != NULL && query->from.count > 0 && query->from.items[0] == b->place_item;
}

/* All columns of FROM behind those of the query. */
static MrStatus keep_scope(MrBinder *b, MrSelectList *list)
{
    const MrLogical *input = b->place_scope->scope.input;
    b->place_scope->first = list->count;
    for (uint32_t i = 0; i < b->place_scope->count; i++) {
        MrExpr *column;
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &column, b->err));
        MR_TRY(mr_select_add(b, list, column, NULL, NULL));
    }
    return MR_OK;
}

static MrStatus bind_select_list(MrBinder *b, const MrAstQuery *query, MrSelectList *list)
{
    b->clause = query == b->returning ? b->returning_clause : MR_CLAUSE_SELECT;
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const MrAstTarget *target = MR_AST_AS(const MrAstTarget, query->targets.items[i]);
        if (target->expr->kind == MR_AST_COLUMN &&
            MR_AST_AS(const MrAstColumn, target->expr)->star) {
            MR_TRY(mr_select_add_star(b, list, MR_AST_AS(const MrAstColumn, target->expr)));
            continue;
        }
        MrExpr *expr;
        if (target->expr->kind == MR_AST_FIELD &&
            MR_AST_AS(const MrAstField, target->expr)->name == NULL) {
            MR_TRY(mr_bind_all_fields(b, MR_AST_AS(const MrAstField, target->expr), list));
            continue;
        }
        MR_TRY(mr_bind_expr(b, target->expr, &expr));
        const char *name = target->label != NULL ? target->label : mr_ast_column_name(target->expr);
        MR_TRY(mr_select_add(b, list, expr, name, target->expr));
    }
    if (keeps_scope(b, query)) {
        MR_TRY(keep_scope(b, list));
    }
    list->visible = list->count;
    return MR_OK;
}

static MrStatus bind_where(MrBinder *b, const MrAstQuery *query, MrScope *scope)
{
    MrExpr *predicate;
    if (query->where == NULL) {
        return MR_OK;
    }
    bool saw_now = b->saw_now;
    b->clause = MR_CLAUSE_WHERE;
    b->saw_now = false;
    MR_TRY(mr_bind_boolean(b, query->where, "WHERE", &predicate));
    if (b->saw_now && b->mode == MR_BIND_STANDING) {
        mr_bind_notice(
            b,
            "A row is judged once, at its arrival. To keep only recent rows, select by time when "
            "reading.",
            "rows that pass the comparison with now() never leave the result again");
    }
    b->saw_now |= saw_now;
    return mr_bind_filter(b, &scope->input, predicate);
}

/* HAVING or GROUP BY () alone: one group, even of no rows; a node without calls would give none. */
static MrStatus count_rows(MrBinder *b, MrGrouping *grouping)
{
    MrAggregateList *list = &grouping->aggregates;
    if (!grouping->is_global || list->count > 0) {
        return MR_OK;
    }
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    list->items[list->count++] = (MrLogicalCall){ .aggregate = mr_aggregate_of_rows() };
    return MR_OK;
}

/* Everything that was bound over the input, as expressions over the groups. */
static MrStatus regroup(MrBinder *b, MrGrouping *grouping, MrSelectList *list, MrOverList *overs,
                        MrSetCallList *sets, MrExpr *having, MrLogical **node)
{
    MrLogical *aggregate;
    MR_TRY(count_rows(b, grouping));
    MR_TRY(mr_bind_group_sets(b, sets, grouping));
    MR_TRY(mr_bind_attach_grouping(b, grouping));
    MR_TRY(mr_group_add_determined(b, grouping, list, overs, sets, having));
    MR_TRY(mr_bind_aggregate(b, grouping, &aggregate, node));
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_bind_regroup(b, grouping, aggregate, list->exprs[i], &list->exprs[i]));
    }
    MR_TRY(mr_regroup_overs(b, grouping, aggregate, overs));
    MR_TRY(mr_regroup_sets(b, grouping, aggregate, sets, list, overs));
    if (having != NULL) {
        MR_TRY(mr_bind_regroup(b, grouping, aggregate, having, &having));
        MR_TRY(mr_bind_filter(b, node, having));
    }
    return MR_OK;
}

/* Subqueries of the select list, those in arguments of functions that give rows included. */
static MrStatus attach_list(MrBinder *b, MrSelectList *list, MrSetCallList *sets, MrLogical **node)
{
    MR_TRY(mr_bind_attach(b, node, list->exprs, list->count));
    for (uint32_t i = 0; i < sets->count; i++) {
        MrBoundSetCall *call = &sets->items[i];
        if (!call->is_dropped) {
            MR_TRY(mr_bind_attach(b, node, call->args, call->function->arg_count));
        }
    }
    return MR_OK;
}

static uint32_t set_arg_count(const MrBoundSetCall *call)
{
    return call->is_dropped ? 0 : call->function->arg_count;
}

/* Window functions of the select list, those in arguments of functions that give rows included. */
static MrStatus add_overs(MrBinder *b, const MrOverList *overs, MrSelectList *list,
                          MrSetCallList *sets, MrLogical **node)
{
    MrSelectList all = { .count = list->count };
    if (overs->count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, all.exprs, list->count + sets->count * MR_SET_ARGS_MAX, b->err);
    memcpy(all.exprs, list->exprs, list->count * sizeof *all.exprs);
    for (uint32_t i = 0; i < sets->count; i++) {
        const uint32_t count = set_arg_count(&sets->items[i]);
        memcpy(all.exprs + all.count, sets->items[i].args, count * sizeof *all.exprs);
        all.count += count;
    }
    MR_TRY(mr_bind_add_overs(b, overs, &all, node));
    list->exprs = all.exprs;
    for (uint32_t i = 0, at = list->count; i < sets->count; i++) {
        sets->items[i].args = all.exprs + at;
        at += set_arg_count(&sets->items[i]);
    }
    list->capacity = list->count;
    return MR_OK;
}

static MrStatus bind_select_over(MrBinder *b, const MrAstQuery *query, MrScope *scope, bool is_root,
                                 bool keeps_unknown, MrBoundQuery *out)
{
    MrSelectList list = { 0 };
    MrGrouping grouping = { 0 };
    MrOverList overs = { 0 };
    MrDistinctOn distinct_on = { 0 };
    MrSetCallList sets = { 0 };
    MrExpr *having = NULL;
    MrSortKey *sort_keys;
    MrLogical *node;
    scope->input->is_from = true;
    MR_TRY(bind_where(b, query, scope));
    MR_TRY(mr_join_take_filter(b, &scope->input));
    MR_TRY(mr_window_bind_group(b, query, scope));
    b->scope = scope;
    b->aggregates = &grouping.aggregates;
    b->overs = &overs;
    b->set_calls = &sets;
    MR_TRY(mr_bind_windows(b, query, &overs));
    MR_TRY(bind_select_list(b, query, &list));
    bool is_bare = query->distinct == MR_DISTINCT_NONE && query->order_by.count == 0 &&
                   query->limit == NULL && query->offset == NULL;
    if (!keeps_unknown || !is_bare) {
        MR_TRY(mr_select_make_known(b, &list));
    }
    MrOutputs outputs = { .exprs = list.exprs, .names = list.names, .count = list.visible };
    MR_TRY(mr_bind_grouping(b, query, &outputs, &grouping));
    MR_TRY(mr_window_take_keys(b, &grouping));
    if (query->having != NULL) {
        b->clause = MR_CLAUSE_HAVING;
        MR_TRY(mr_bind_boolean(b, query->having, "HAVING", &having));
    }
    MR_TRY(mr_bind_order_by(b, query, &list, &sort_keys));
    if (query->distinct == MR_DISTINCT_ON) {
        MR_TRY(mr_bind_distinct_on(b, query, &list, sort_keys, &distinct_on));
    }
    b->aggregates = NULL;
    b->overs = NULL;
    b->set_calls = NULL;
    grouping.input = scope->input;
    node = scope->input;
    bool is_grouped = query->group_by.count > 0 || having != NULL ||
                      grouping.aggregates.count > 0 || grouping.aggregates.grouping_count > 0;
    if (is_grouped) {
        MR_TRY(regroup(b, &grouping, &list, &overs, &sets, having, &node));
    } else if (!is_root && query->distinct == MR_DISTINCT_NONE && overs.count == 0) {
        MR_TRY(mr_select_add_window_time(b, node, &list));
    }
    const uint32_t own_count = list.count;
    if (query == b->carrier) {
        MR_TRY(mr_select_add_carried(b, node, &list));
    }
    bool is_numbered = false;
    if (query == b->returning && b->returning_clause == MR_CLAUSE_RETURNING) {
        MR_TRY(mr_returning_number(b, &list, &node, &is_numbered));
    }
    MR_TRY(attach_list(b, &list, &sets, &node));
    MR_TRY(mr_attach_overs(b, &overs, &node));
    MR_TRY(mr_overs_add_sets(b, &overs, &sets, &list, &node));
    MR_TRY(add_overs(b, &overs, &list, &sets, &node));
    MR_TRY(mr_bind_add_sets(b, &sets, &list, &node));
    MR_TRY(mr_logical_project(b->arena, node, list.exprs, list.names, list.count, &node, b->err));
    MR_TRY(is_numbered ? mr_returning_sort(b, &node) : MR_OK);
    for (uint32_t i = 0; i < own_count; i++) {
        node->columns[i].carried = 0; /* of a query's own columns none is what its row came by */
    }
    if (query->distinct == MR_DISTINCT_ROWS) {
        MR_TRY(mr_bind_make_distinct(b, &node));
    } else if (query->distinct == MR_DISTINCT_ON) {
        MR_TRY(mr_logical_top_n(b, node, distinct_on.columns, distinct_on.count, distinct_on.order,
                                distinct_on.order_count, &node));
    }
    MR_TRY(mr_bind_add_sort(b, query, sort_keys, &node));
    *out = (MrBoundQuery){ .node = node, .visible = list.visible };
    return MR_OK;
}

MrStatus mr_bind_empty(MrBinder *b, MrScope *scope)
{
    MrBlock *block;
    MrSchema none = { 0 };
    MR_TRY(mr_block_create(b->arena, &none, 1, &block, b->err));
    *scope = (MrScope){ 0 };
    return mr_logical_values(b->arena, block, NULL, &scope->input, b->err);
}

static MrStatus bind_select(MrBinder *b, const MrAstQuery *query, bool is_root, bool keeps_unknown,
                            MrBoundQuery *out)
{
    MrScope scope = { 0 };
    MR_TRY(mr_bind_check_order(b, query));
    b->scope = NULL;
    if (query == b->returning && b->returning_scope != NULL) {
        scope = *b->returning_scope;
    } else if (query->from.count == 0) {
        MR_TRY(mr_bind_empty(b, &scope));
    } else {
        const MrAstQuery *around = b->query;
        b->query = query;
        const MrStatus status = mr_bind_from_list(b, &query->from, &scope);
        b->query = around;
        MR_TRY(status);
        MR_TRY(mr_bind_keep_places(b, query, &scope));
    }
    if (keeps_scope(b, query)) {
        b->place_scope->scope = scope;
        b->place_scope->count = scope.input->column_count;
    }
    b->scope = &scope;
    return bind_select_over(b, query, &scope, is_root, keeps_unknown, out);
}

/* ORDER BY and LIMIT over VALUES or set operations: their columns are the only names. */
static MrStatus bind_order_over(MrBinder *b, const MrAstQuery *query, MrLogical *input,
                                MrBoundQuery *out)
{
    MrSelectList list = { 0 };
    MrScope scope = { .input = input };
    MrSortKey *sort_keys;
    b->scope = &scope;
    for (uint32_t i = 0; i < scope.input->column_count; i++) {
        MrExpr *column;
        MR_TRY(mr_expr_column(b->arena, i, scope.input->columns[i].type, -1, &column, b->err));
        MR_TRY(mr_select_add(b, &list, column, scope.input->columns[i].name, NULL));
    }
    list.visible = list.count;
    MR_TRY(mr_bind_order_by(b, query, &list, &sort_keys));
    MrLogical *node;
    MR_TRY(mr_logical_project(b->arena, scope.input, list.exprs, list.names, list.count, &node,
                              b->err));
    MR_TRY(mr_bind_add_sort(b, query, sort_keys, &node));
    *out = (MrBoundQuery){ .node = node, .visible = list.visible };
    return MR_OK;
}

static MrStatus bind_values_query(MrBinder *b, const MrAstQuery *query, MrBoundQuery *out)
{
    MrLogical *values;
    MR_TRY(mr_bind_check_order(b, query));
    b->scope = NULL;
    MR_TRY(mr_bind_values(b, query, NULL, &values));
    return bind_order_over(b, query, values, out);
}

static MrStatus bind_set_operation(MrBinder *b, const MrAstQuery *query, MrBoundQuery *out)
{
    MrLogical *node;
    MR_TRY(mr_bind_check_order(b, query));
    MR_TRY(mr_bind_set_operation(b, query, &node));
    MR_TRY(mr_bind_check_set_order(b, query, node));
    return bind_order_over(b, query, node, out);
}

MrStatus mr_bind_push_ctes(MrBinder *b, const MrAstQuery *query)
{
    for (uint32_t i = 0; i < query->with.count; i++) {
        const MrAstCte *ast = MR_AST_AS(const MrAstCte, query->with.items[i]);
        MrCte *cte;
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(MR_AST_AS(const MrAstCte, query->with.items[j])->name, ast->name) == 0) {
                return mr_bind_error(b, MR_ERR_DUPLICATE_ALIAS, ast->base.position,
                                     "WITH query name \"%s\" specified more than once", ast->name);
            }
        }
        MR_NEW(b->arena, cte, b->err);
        cte->ast = ast;
        cte->outer = b->ctes;
        MR_NEW(b->arena, cte->use, b->err);
        cte->is_recursive = query->with_recursive && mr_cte_is_recursive(ast);
        if (!cte->is_recursive && (ast->search.set != NULL || ast->cycle.mark != NULL)) {
            return mr_bind_error(b, MR_ERR_SYNTAX, ast->base.position,
                                 "WITH query is not recursive");
        }
        if (ast->statement->kind != MR_AST_QUERY) {
            MR_TRY(mr_bind_changing_cte(b, cte));
        }
        b->ctes = cte;
    }
    return MR_OK;
}

static MrStatus bind_query_kind(MrBinder *b, const MrAstQuery *query, bool is_root,
                                MrBoundQuery *out)
{
    bool keeps_unknown = b->keeps_unknown;
    b->keeps_unknown = false; /* of this query, not of those inside it */
    switch (query->query) {
    case MR_QUERY_SELECT: return bind_select(b, query, is_root, keeps_unknown, out);
    case MR_QUERY_VALUES: return bind_values_query(b, query, out);
    default: return bind_set_operation(b, query, out);
    }
}

/* Each WITH query may read the one before it twice: the end must come before memory's. */
static MrStatus count_query(MrBinder *b, const MrAstQuery *query)
{
    if (++b->query_count <= MR_PLAN_QUERIES_MAX &&
        b->query_column_count <= MR_PLAN_QUERY_COLUMNS_MAX) {
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_TOO_COMPLEX, query->base.position,
                  "a statement can have at most %d queries, and %d columns of queries",
                  MR_PLAN_QUERIES_MAX, MR_PLAN_QUERY_COLUMNS_MAX);
    return mr_error_hint(b->err,
                         "WITH queries and views count once for each place that reads them.");
}

MrStatus mr_bind_query(MrBinder *b, const MrAstQuery *query, bool is_root, MrBoundQuery *out)
{
    if (b->depth >= MR_PLAN_DEPTH_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_COMPLEX, query->base.position,
                             "queries are nested too deeply");
    }
    MR_TRY(count_query(b, query));
    MrBinder saved = *b;
    b->depth++;
    b->aggregates = NULL;
    b->overs = NULL;
    b->set_calls = NULL;
    b->group_window = NULL;
    b->query_outer = b->outer;
    MrStatus status = mr_bind_push_ctes(b, query);
    if (status == MR_OK) {
        status = bind_query_kind(b, query, is_root, out);
    }
    if (status == MR_OK) {
        status = mr_bind_unread_ctes(b, saved.ctes);
    }
    b->query_column_count += status == MR_OK ? out->node->column_count : 0;
    b->depth = saved.depth;
    b->ctes = saved.ctes;
    b->scope = saved.scope;
    b->clause = saved.clause;
    b->aggregates = saved.aggregates;
    b->overs = saved.overs;
    b->set_calls = saved.set_calls;
    b->group_window = saved.group_window;
    b->query_outer = saved.query_outer;
    return status;
}

/* ---- Constants --------------------------------------------------------------------------- */

MrStatus mr_bind_constant(MrBinder *b, const MrNode *node, MrType type, const char *what,
                          MrDatum *out)
{
    MrExpr *expr;
    MR_TRY(mr_bind_expr(b, node, &expr));
    if (!mr_can_coerce(expr->type.id, type.id, MR_CAST_ASSIGNMENT)) {
        char wanted[64], had[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                             "argument of %s must be type %s, not type %s", what,
                             mr_type_text(mr_type(type.id), wanted),
                             mr_type_text(mr_type(expr->type.id), had));
    }
    MR_TRY(mr_coerce(b, expr, type, MR_CAST_ASSIGNMENT, node->position, &expr));
    if (!mr_expr_is_constant(expr)) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, node->position,
                             "argument of %s must not contain variables", what);
    }
    MrStatus status = MR_OK;
    if (expr->kind == MR_EXPR_CONSTANT) {
        *out = expr->constant;
    } else {
        status = mr_expr_constant_value(b->arena, expr, b->context->zone, b->context->now_us, out,
                                        b->err);
    }
    if (status == MR_OK) {
        out->type = type;
    }
    return status;
}

MrStatus mr_bind_interval(MrBinder *b, const MrNode *node, const char *what, MrInterval *out)
{
    MrDatum value;
    MR_TRY(mr_bind_constant(b, node, mr_type(MR_TYPE_INTERVAL), what, &value));
    if (value.is_null) {
        return mr_bind_error(b, MR_ERR_NULL_NOT_ALLOWED, node->position, "%s must not be NULL",
                             what);
    }
    *out = value.interval;
    return MR_OK;
}
