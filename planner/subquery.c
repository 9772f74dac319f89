/*
 * planner/subquery.c - binds subqueries as values: see subquery.h.  They are attached in
 * subquery_attach.c.
 */
#include "planner/subquery.h"

#include "planner/row.h"
#include "planner/share.h"
#include "planner/subquery_internal.h"

#include <string.h>

/* ---- The outside --------------------------------------------------------------------------- */

MrStatus mr_outer_add(MrBinder *b, MrOuter *outer, MrExpr *expr, uint32_t *index)
{
    for (uint32_t i = 0; i < outer->count; i++) {
        if (mr_expr_equal(outer->args[i], expr)) {
            *index = i;
            return MR_OK;
        }
    }
    MR_GROW_ARRAY(b->arena, outer->args, outer->count, outer->capacity, b->err);
    *index = outer->count;
    outer->args[outer->count++] = expr;
    return MR_OK;
}

void mr_outer_show_items(MrBinder *b, bool shown)
{
    for (MrOuter *items = b->outer; items != b->query_outer; items = items->next) {
        items->is_hidden = !shown;
    }
}

static MrStatus outer_expr(MrBinder *b, uint32_t index, const MrExpr *argument, int32_t position,
                           MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OUTER, argument->type, position, 0, out, b->err));
    (*out)->column = index;
    return MR_OK;
}

MrStatus mr_bind_outer_column(MrBinder *b, const MrAstColumn *column, bool as_row, MrExpr **out)
{
    MrOuter *outer = b->outer;
    MrExpr *found = NULL;
    MrError error = MR_ERROR_INIT, *err = b->err;
    uint32_t index = 0;
    *out = NULL;
    if (outer == NULL) {
        return MR_OK;
    }
    MrScope *scope = b->scope;
    b->scope = outer->is_hidden ? NULL : outer->scope;
    b->outer = outer->next;
    b->err = &error;
    MrStatus status = mr_bind_name(b, column, as_row, &found);
    b->scope = scope;
    b->outer = outer;
    b->err = err;
    if (status == MR_ERR_UNDEFINED_TABLE ||
        (status == MR_ERR_UNDEFINED_COLUMN && (as_row || column->parts.count == 1))) {
        return MR_OK;
    }
    if (status != MR_OK) {
        *b->err = error;
        return status;
    }
    if (outer->is_refused && !outer->is_hidden && !mr_expr_has_outer(found)) {
        mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, column->base.position,
                      "invalid reference to FROM-clause entry for table \"%s\"",
                      column->parts.items[0]);
        return mr_error_detail(
            b->err, "The combining JOIN type must be INNER or LEFT for a LATERAL reference.");
    }
    MR_TRY(mr_outer_add(b, outer, found, &index));
    return outer_expr(b, index, found, column->base.position, out);
}

static void note_subquery(void *context, const MrExpr *expr)
{
    *(bool *)context |= expr->kind == MR_EXPR_SUBQUERY;
}

static void note_outer(void *context, const MrExpr *expr)
{
    *(bool *)context |= expr->kind == MR_EXPR_OUTER;
}

bool mr_expr_has_subquery(const MrExpr *expr)
{
    bool found = false;
    mr_expr_walk(expr, note_subquery, &found);
    return found;
}

bool mr_expr_has_outer(const MrExpr *expr)
{
    bool found = false;
    mr_expr_walk(expr, note_outer, &found);
    return found;
}

/* ---- Binding ------------------------------------------------------------------------------- */

static MrStatus check_place(MrBinder *b, int32_t position)
{
    switch (b->clause) {
    case MR_CLAUSE_SELECT:
    case MR_CLAUSE_RETURNING:
    case MR_CLAUSE_DO_UPDATE:
    case MR_CLAUSE_WHERE:
    case MR_CLAUSE_ON:
    case MR_CLAUSE_FROM_FUNCTION:
    case MR_CLAUSE_VALUES:
    case MR_CLAUSE_LIMIT:
    case MR_CLAUSE_OFFSET:
    case MR_CLAUSE_GROUP_BY:
    case MR_CLAUSE_HAVING:
    case MR_CLAUSE_ORDER_BY:
    case MR_CLAUSE_FILTER:
    case MR_CLAUSE_AGGREGATE: return MR_OK;
    default: break;
    }
    const char *name = mr_clause_name(b->clause);
    size_t length = strlen(name);
    length -= length > 0 && name[length - 1] == 's'; /* one of them */
    return mr_bind_unsupported(b, position, "Use a subquery in FROM, or two statements.",
                               "cannot use subquery in %.*s", (int)length, name);
}

/* Binds the query with the columns here as its outside; `outer` may have operands already. */
static MrStatus bind_inner(MrBinder *b, const MrAstQuery *query, MrOuter *outer, MrSubquery *out)
{
    MrBoundQuery bound;
    MR_TRY(check_place(b, query->base.position));
    outer->scope = b->scope;
    outer->next = b->outer;
    outer->clause = b->clause;
    outer->aggregates = b->aggregates;
    b->outer = outer;
    MrStatus status = mr_bind_query(b, query, false, &bound);
    b->outer = outer->next;
    MR_TRY(status);
    out->node = bound.node;
    out->visible = bound.visible;
    out->position = query->base.position;
    return MR_OK;
}

/* The number of one that says the same about its arguments: GROUP BY and the select list can mean
 * one value by two texts.  UINT32_MAX: none. */
static uint32_t find_subquery(const MrSubqueryList *list, const MrSubquery *subquery)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const MrSubquery *other = &list->items[i];
        if (other->kind == subquery->kind && other->visible == subquery->visible &&
            mr_expr_equal(other->comparison, subquery->comparison) &&
            mr_logical_equal(other->node, subquery->node) &&
            !mr_logical_is_volatile(subquery->node)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static MrStatus register_subquery(MrBinder *b, const MrSubquery *subquery, uint32_t *index)
{
    MrSubqueryList *list = b->subqueries;
    if (list == NULL) {
        MR_NEW(b->arena, list, b->err);
        b->subqueries = list;
    }
    *index = find_subquery(list, subquery);
    if (*index != UINT32_MAX) {
        return MR_OK;
    }
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    *index = list->count;
    list->items[list->count++] = *subquery;
    return MR_OK;
}

static MrStatus subquery_expr(MrBinder *b, const MrSubquery *subquery, const MrOuter *outer,
                              MrType type, MrExpr **out)
{
    uint32_t index = 0;
    MR_TRY(register_subquery(b, subquery, &index));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_SUBQUERY, type, subquery->position, outer->count, out,
                       b->err));
    (*out)->column = index;
    for (uint32_t i = 0; i < outer->count; i++) {
        (*out)->args[i] = outer->args[i];
    }
    return MR_OK;
}

MrStatus mr_bind_subquery(MrBinder *b, const MrAstSubquery *node, MrExpr **out)
{
    MrSubquery subquery = { .kind = node->exists ? MR_SUBQUERY_EXISTS : MR_SUBQUERY_SCALAR };
    MrOuter outer = { 0 };
    MR_TRY(bind_inner(b, node->query, &outer, &subquery));
    if (node->exists) {
        return subquery_expr(b, &subquery, &outer, mr_type(MR_TYPE_BOOL), out);
    }
    if (subquery.visible != 1) {
        return mr_bind_error(b, MR_ERR_SYNTAX, node->base.position,
                             "subquery must return only one column");
    }
    return subquery_expr(b, &subquery, &outer, subquery.node->columns[0].type, out);
}

MrStatus mr_bind_subquery_column(MrBinder *b, const MrAstSubquery *node, uint32_t column,
                                 uint32_t count, MrExpr **out)
{
    MrSubquery subquery = { .kind = MR_SUBQUERY_SCALAR };
    MrOuter outer = { 0 };
    MrExpr **value;
    MR_TRY(bind_inner(b, node->query, &outer, &subquery));
    if (subquery.visible != count) {
        return mr_bind_error(b, MR_ERR_SYNTAX, node->base.position, "subquery has too %s columns",
                             count < subquery.visible ? "many" : "few");
    }
    MrType type = subquery.node->columns[column].type;
    MR_NEW_ARRAY(b->arena, value, 1, b->err);
    MR_TRY(mr_expr_column(b->arena, column, type, -1, value, b->err));
    MR_TRY(mr_logical_project(b->arena, subquery.node, value, NULL, 1, &subquery.node, b->err));
    subquery.visible = 1;
    return subquery_expr(b, &subquery, &outer, type, out);
}

MrStatus mr_bind_array_subquery(MrBinder *b, const MrAstQuery *query, int32_t position,
                                MrExpr **out)
{
    MrSubquery subquery = { .kind = MR_SUBQUERY_ARRAY };
    MrOuter outer = { 0 };
    const MrAstQuery *ordered = b->ordered;
    b->ordered = query;
    MrStatus status = bind_inner(b, query, &outer, &subquery);
    b->ordered = ordered;
    MR_TRY(status);
    if (subquery.visible != 1) {
        return mr_bind_error(b, MR_ERR_SYNTAX, position, "subquery must return only one column");
    }
    MrTypeId type = subquery.node->columns[0].type.id;
    return subquery_expr(b, &subquery, &outer,
                         mr_type(mr_type_is_array(type) ? type : mr_type_array(type)), out);
}

/* ---- Comparisons with the rows of a subquery ------------------------------------------------ */

static MrStatus bind_operands(MrBinder *b, const MrNode *node, MrExpr ***out, uint32_t *count)
{
    const MrAstRow *row = MR_AST_AS(const MrAstRow, node);
    bool is_row = node->kind == MR_AST_ROW;
    *count = is_row ? row->elements.count : 1;
    MR_NEW_ARRAY(b->arena, *out, *count, b->err);
    for (uint32_t i = 0; i < *count; i++) {
        MR_TRY(mr_bind_expr(b, is_row ? row->elements.items[i] : node, &(*out)[i]));
    }
    return MR_OK;
}

/* An operand from the outside and the column that it is compared with by the operator, each
 * converted for it. */
static MrStatus match_column(MrBinder *b, MrOuter *outer, const char *op, MrExpr *operand,
                             const MrSubquery *subquery, uint32_t column, int32_t position,
                             MrExpr **left, MrExpr **right)
{
    MrExpr *compared;
    uint32_t index = 0;
    MrType type = subquery->node->columns[column].type;
    MR_TRY(mr_expr_column(b->arena, column, type, -1, right, b->err));
    if (operand->type.id == MR_TYPE_UNKNOWN) {
        MR_TRY(mr_coerce(b, operand, mr_type(type.id), MR_CAST_IMPLICIT, position, &operand));
    }
    /* Converted outside, so that it can be compared for what it is in there. */
    MR_TRY(mr_bind_operator(b, op, operand, *right, position, &compared));
    if (compared->kind == MR_EXPR_CALL && compared->arg_count == 2) {
        operand = compared->args[0];
        *right = compared->args[1];
    }
    MR_TRY(mr_outer_add(b, outer, operand, &index));
    return outer_expr(b, index, operand, position, left);
}

static MrStatus compare_row(MrBinder *b, MrOuter *outer, const char *op, MrExpr *const *operands,
                            uint32_t count, const MrSubquery *subquery, int32_t position,
                            MrExpr **out)
{
    MrExpr **left, **right;
    if (count != subquery->visible) {
        return mr_bind_error(b, MR_ERR_SYNTAX, position, "subquery has too %s columns",
                             count < subquery->visible ? "many" : "few");
    }
    MR_NEW_ARRAY(b->arena, left, count, b->err);
    MR_NEW_ARRAY(b->arena, right, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(match_column(b, outer, count == 1 ? op : "=", operands[i], subquery, i, position,
                            &left[i], &right[i]));
    }
    return count == 1 ? mr_bind_operator(b, op, left[0], right[0], position, out)
                      : mr_bind_row_compare(b, op, left, right, count, position, out);
}

static MrStatus bind_comparison(MrBinder *b, const MrNode *left, const char *op, bool all,
                                const MrAstQuery *query, int32_t position, MrExpr **out)
{
    MrSubquery subquery = { .kind = all ? MR_SUBQUERY_ALL : MR_SUBQUERY_ANY };
    MrOuter outer = { 0 };
    MrExpr **operands;
    uint32_t count = 0;
    MR_TRY(bind_operands(b, left, &operands, &count));
    MR_TRY(bind_inner(b, query, &outer, &subquery));
    MR_TRY(compare_row(b, &outer, op, operands, count, &subquery, position, &subquery.comparison));
    if (subquery.comparison->type.id != MR_TYPE_BOOL) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, position,
                             "op ANY/ALL (array) requires operator to yield boolean");
    }
    return subquery_expr(b, &subquery, &outer, mr_type(MR_TYPE_BOOL), out);
}

MrStatus mr_bind_in_subquery(MrBinder *b, const MrAstIn *node, MrExpr **out)
{
    MR_TRY(bind_comparison(b, node->operand, "=", false, node->query, node->base.position, out));
    if (node->negated) {
        MrExpr *in = *out;
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_NOT, mr_type(MR_TYPE_BOOL), node->base.position, 1,
                           out, b->err));
        (*out)->args[0] = in;
    }
    return MR_OK;
}

MrStatus mr_bind_quantified_subquery(MrBinder *b, const MrAstQuantified *node, MrExpr **out)
{
    if (node->all && strcmp(node->op, "<>") == 0) { /* NOT IN */
        MrExpr *in;
        MR_TRY(bind_comparison(b, node->left, "=", false, node->query, node->base.position, &in));
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_NOT, mr_type(MR_TYPE_BOOL), node->base.position, 1,
                           out, b->err));
        (*out)->args[0] = in;
        return MR_OK;
    }
    return bind_comparison(b, node->left, node->op, node->all, node->query, node->base.position,
                           out);
}
