/*
 * planner/binder_order.c - ORDER BY, LIMIT and OFFSET, DISTINCT ON.  Must not know where
 * rows come from.
 */
#include "planner/select_list.h"

#include "planner/literal.h"
#include "planner/over.h"
#include "planner/subquery.h"

#include <string.h>

/* An ordinal or an output name; -1: an expression over the input. */
static MrStatus sort_by_output(MrBinder *b, const MrNode *node, const MrSelectList *list,
                               int64_t *out)
{
    *out = -1;
    if (node->kind == MR_AST_LITERAL) {
        const MrAstLiteral *literal = MR_AST_AS(const MrAstLiteral, node);
        MrDatum number;
        if (literal->literal != MR_LITERAL_INTEGER) {
            return mr_bind_error(b, MR_ERR_SYNTAX, node->position,
                                 "non-integer constant in ORDER BY");
        }
        MR_TRY(mr_literal_number(literal->text, true, &number, b->err));
        if (number.type.id == MR_TYPE_NUMERIC || number.integer < 1 ||
            number.integer > list->visible) {
            return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, node->position,
                                 "ORDER BY position %s is not in select list", literal->text);
        }
        *out = number.integer - 1;
        return MR_OK;
    }
    if (node->kind != MR_AST_COLUMN || MR_AST_AS(const MrAstColumn, node)->parts.count != 1 ||
        MR_AST_AS(const MrAstColumn, node)->star) {
        return MR_OK;
    }
    const char *name = MR_AST_AS(const MrAstColumn, node)->parts.items[0];
    for (uint32_t i = 0; i < list->visible; i++) {
        if (list->names[i] == NULL || strcmp(list->names[i], name) != 0) {
            continue;
        }
        if (*out >= 0 && !mr_expr_equal(list->exprs[*out], list->exprs[i])) {
            return mr_bind_error(b, MR_ERR_AMBIGUOUS_COLUMN, node->position,
                                 "ORDER BY \"%s\" is ambiguous", name);
        }
        *out = *out >= 0 ? *out : i;
    }
    return MR_OK;
}

/* The column that holds the sort expression: one of the list, or one more, which is not shown. */
static MrStatus sort_column(MrBinder *b, const MrNode *node, bool is_distinct, MrSelectList *list,
                            uint32_t *out)
{
    int64_t found;
    MrExpr *expr;
    MR_TRY(sort_by_output(b, node, list, &found));
    if (found >= 0) {
        *out = (uint32_t)found;
        return MR_OK;
    }
    MR_TRY(mr_bind_expr_known(b, node, &expr));
    for (uint32_t i = 0; i < list->count; i++) {
        if (mr_expr_equal(list->exprs[i], expr)) {
            *out = i;
            return MR_OK;
        }
    }
    if (is_distinct) {
        return mr_bind_error(
            b, MR_ERR_INVALID_COLUMN_REFERENCE, node->position,
            "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    }
    *out = list->count;
    return mr_select_add(b, list, expr, NULL, node);
}

static MrStatus check_sortable(MrBinder *b, MrType type, int32_t position)
{
    if (type.id == MR_TYPE_JSON) {
        mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position,
                      "could not identify an ordering operator for type json");
        return mr_error_hint(b->err, "Use an explicit ordering operator or modify the query.");
    }
    return MR_OK;
}

MrStatus mr_bind_order_by(MrBinder *b, const MrAstQuery *query, MrSelectList *list, MrSortKey **out)
{
    MrSortKey *keys;
    MR_NEW_ARRAY(b->arena, keys, query->order_by.count, b->err);
    b->clause = MR_CLAUSE_ORDER_BY;
    for (uint32_t i = 0; i < query->order_by.count; i++) {
        const MrAstSort *sort = MR_AST_AS(const MrAstSort, query->order_by.items[i]);
        bool descending = sort->direction == MR_SORT_DESC;
        MR_TRY(
            sort_column(b, sort->expr, query->distinct == MR_DISTINCT_ROWS, list, &keys[i].column));
        MR_TRY(check_sortable(b, list->exprs[keys[i].column]->type, sort->expr->position));
        keys[i].descending = descending;
        keys[i].nulls_first =
            sort->nulls == MR_NULLS_DEFAULT ? descending : sort->nulls == MR_NULLS_FIRST;
    }
    *out = keys;
    return MR_OK;
}

/* LIMIT or OFFSET: a number, or an expression with subqueries, which gives one per run. */
typedef struct Bound {
    uint64_t value;
    MrExpr *computed; /* NULL: the value */
} Bound;

static MrStatus bind_computed(MrBinder *b, const MrNode *node, MrClause clause, MrExpr *expr,
                              MrExpr **out)
{
    const char *function = clause == MR_CLAUSE_LIMIT ? "mr_limit" : "mr_offset";
    if (!mr_can_coerce(expr->type.id, MR_TYPE_INT64, MR_CAST_ASSIGNMENT)) {
        char had[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                             "argument of %s must be type bigint, not type %s",
                             mr_clause_name(clause), mr_type_text(mr_type(expr->type.id), had));
    }
    MR_TRY(mr_coerce(b, expr, mr_type(MR_TYPE_INT64), MR_CAST_ASSIGNMENT, node->position, &expr));
    return mr_bind_function(b, function, &expr, 1, node->position, out);
}

static MrStatus bind_number(MrBinder *b, const MrNode *node, MrClause clause, Bound *out)
{
    MrDatum value;
    MR_TRY(mr_bind_constant(b, node, mr_type(MR_TYPE_INT64), mr_clause_name(clause), &value));
    if (!value.is_null && value.integer < 0) {
        return mr_bind_error(
            b, clause == MR_CLAUSE_LIMIT ? MR_ERR_INVALID_LIMIT : MR_ERR_INVALID_OFFSET,
            node->position, "%s must not be negative", mr_clause_name(clause));
    }
    out->value = value.is_null ? out->value : (uint64_t)value.integer;
    return MR_OK;
}

/* Stops at the first query inside the expression. */
static bool is_no_query(MrNode *node, void *context)
{
    return node->kind != MR_AST_QUERY && mr_ast_visit_children(node, is_no_query, context);
}

static void note_column(void *context, const MrExpr *expr)
{
    *(bool *)context |= expr->kind == MR_EXPR_COLUMN;
}

/* Columns of the queries around may be named, its own may not. */
static MrStatus bind_plain_limit(MrBinder *b, const MrNode *node, MrClause clause, Bound *out)
{
    MrExpr *expr;
    bool has_own = false;
    MR_TRY(mr_bind_expr(b, node, &expr));
    mr_expr_walk(expr, note_column, &has_own);
    if (has_own) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, node->position,
                             "argument of %s must not contain variables", mr_clause_name(clause));
    }
    return mr_expr_has_outer(expr) ? bind_computed(b, node, clause, expr, &out->computed)
                                   : bind_number(b, node, clause, out);
}

static MrStatus bind_limit(MrBinder *b, const MrNode *node, MrClause clause, uint64_t otherwise,
                           Bound *out)
{
    *out = (Bound){ .value = otherwise };
    if (node == NULL) {
        return MR_OK;
    }
    MrScope *scope = b->scope;
    MrStatus status;
    b->clause = clause;
    const bool is_plain = mr_ast_visit_children(node, is_no_query, NULL);
    if (is_plain) {
        return bind_plain_limit(b, node, clause, out);
    }
    MrExpr *expr;
    b->scope = NULL;
    status = mr_bind_expr(b, node, &expr);
    b->scope = scope;
    return status == MR_OK ? bind_computed(b, node, clause, expr, &out->computed) : status;
}

/* ---- DISTINCT ON ----------------------------------------------------------------------------- */

static bool is_among(const uint32_t *columns, uint32_t count, uint32_t column)
{
    for (uint32_t i = 0; i < count; i++) {
        if (columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* ORDER BY must begin with the columns of DISTINCT ON: then the first row of each is the first. */
static MrStatus check_distinct_order(MrBinder *b, const MrAstQuery *query, const uint32_t *columns,
                                     uint32_t count, const MrSortKey *keys)
{
    uint32_t matched = 0;
    for (uint32_t i = 0; i < query->order_by.count && matched < count; i++) {
        bool is_new = true;
        for (uint32_t j = 0; j < i; j++) {
            is_new = is_new && keys[j].column != keys[i].column;
        }
        if (!is_among(columns, count, keys[i].column)) {
            return mr_bind_error(
                b, MR_ERR_INVALID_COLUMN_REFERENCE, query->distinct_on.items[0]->position,
                "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
        }
        matched += is_new;
    }
    return MR_OK;
}

MrStatus mr_bind_distinct_on(MrBinder *b, const MrAstQuery *query, MrSelectList *list,
                             const MrSortKey *keys, MrDistinctOn *out)
{
    *out = (MrDistinctOn){ .count = 0 };
    MR_NEW_ARRAY(b->arena, out->columns, query->distinct_on.count, b->err);
    MR_NEW_ARRAY(b->arena, out->order, query->order_by.count, b->err);
    b->clause = MR_CLAUSE_ORDER_BY;
    for (uint32_t i = 0; i < query->distinct_on.count; i++) {
        uint32_t column;
        const MrNode *node = query->distinct_on.items[i];
        MR_TRY(sort_column(b, node, false, list, &column));
        MR_TRY(check_sortable(b, list->exprs[column]->type, node->position));
        if (!is_among(out->columns, out->count, column)) {
            out->columns[out->count++] = column;
        }
    }
    for (uint32_t i = 0; i < query->order_by.count; i++) {
        if (!is_among(out->columns, out->count, keys[i].column)) {
            out->order[out->order_count++] = keys[i];
        }
    }
    return check_distinct_order(b, query, out->columns, out->count, keys);
}

/* ---- LIMIT ----------------------------------------------------------------------------------- */

/* A standing query has no order, but it can keep the first rows of one. */
MrStatus mr_bind_check_order(MrBinder *b, const MrAstQuery *query)
{
    bool has_limit = query->limit != NULL || query->offset != NULL;
    if (query->with_ties && query->order_by.count == 0) {
        return mr_bind_error(b, MR_ERR_SYNTAX, query->limit != NULL ? query->limit->position : -1,
                             "WITH TIES cannot be specified without ORDER BY clause");
    }
    if (query->locking != NULL) {
        return mr_bind_unsupported(b, query->base.position,
                                   "Leave it out: readers never block here.", "%s is not supported",
                                   query->locking);
    }
    if (b->mode == MR_BIND_STANDING && query->order_by.count > 0 && !has_limit &&
        query != b->ordered && query->distinct != MR_DISTINCT_ON) {
        return mr_bind_unsupported(b, query->order_by.items[0]->position,
                                   "A table has no order: sort when reading it.",
                                   "ORDER BY without LIMIT in a standing query is refused");
    }
    return MR_OK;
}

/* Keeps the rows that LIMIT asks for, with their order left to whoever stands above. */
static MrStatus add_top_n(MrBinder *b, const MrAstQuery *query, const MrSortKey *keys,
                          uint64_t limit, uint64_t offset, MrLogical **node)
{
    MR_TRY(mr_logical_top_n(b, *node, NULL, 0, keys, query->order_by.count, node));
    MrLogicalOver *over = (*node)->over;
    over->by = query->with_ties ? MR_OVER_RANK : MR_OVER_ROW_NUMBER;
    over->offset = offset;
    over->limit = limit > UINT64_MAX - offset ? UINT64_MAX : limit + offset;
    return MR_OK;
}

/* A bound as an expression over the node; NULL of LIMIT is none, NULL of OFFSET is 0. */
static MrStatus bound_expr(MrBinder *b, const Bound *bound, bool is_offset, MrExpr **out)
{
    MrDatum number = { .type = mr_type(MR_TYPE_INT64),
                       .integer = bound->value > INT64_MAX ? INT64_MAX : (int64_t)bound->value };
    MrExpr *constant;
    if (bound->computed == NULL) {
        return mr_expr_constant(b->arena, &number, -1, out, b->err);
    }
    number.integer = is_offset ? 0 : INT64_MAX;
    MR_TRY(mr_expr_constant(b->arena, &number, -1, &constant, b->err));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_COALESCE, mr_type(MR_TYPE_INT64), -1, 2, out, b->err));
    (*out)->args[0] = bound->computed;
    (*out)->args[1] = constant;
    return MR_OK;
}

/* offset < number AND number - offset <= limit, of rows that are numbered in their order. */
static MrStatus filter_numbers(MrBinder *b, const Bound *limit, const Bound *offset,
                               uint32_t columns, MrLogical **node)
{
    MrExpr *number, *from, *to, *after, *within, *distance;
    MR_TRY(mr_expr_column(b->arena, columns, mr_type(MR_TYPE_INT64), -1, &number, b->err));
    MR_TRY(bound_expr(b, offset, true, &from));
    MR_TRY(bound_expr(b, limit, false, &to));
    MR_TRY(mr_bind_operator(b, ">", number, from, -1, &after));
    MR_TRY(mr_bind_operator(b, "-", number, from, -1, &distance));
    MR_TRY(mr_bind_operator(b, "<=", distance, to, -1, &within));
    MR_TRY(mr_expr_and(b->arena, after, within, &after, b->err));
    return mr_bind_filter(b, node, after);
}

/* Bounds that are known when the query runs. */
static MrStatus add_computed_limit(MrBinder *b, const MrAstQuery *query, const MrSortKey *keys,
                                   const Bound *limit, const Bound *offset, MrLogical **node)
{
    MrLogical *input = *node;
    MrExpr **exprs;
    const char **names;
    uint32_t count = input->column_count;
    MR_TRY(add_top_n(b, query, keys, UINT64_MAX, 0, node));
    (*node)->over->shows_number = true;
    MR_TRY(mr_logical_over_columns(b->arena, *node, b->err));
    MR_TRY(filter_numbers(b, limit, offset, count, node));
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[i], b->err));
        names[i] = input->columns[i].name;
    }
    return mr_logical_project(b->arena, *node, exprs, names, count, node, b->err);
}

MrStatus mr_bind_add_sort(MrBinder *b, const MrAstQuery *query, const MrSortKey *keys,
                          MrLogical **node)
{
    MrLogical *sort;
    Bound limit, offset;
    bool has_limit = query->limit != NULL || query->offset != NULL;
    if (query->order_by.count == 0 && !has_limit) {
        return MR_OK;
    }
    MR_TRY(bind_limit(b, query->limit, MR_CLAUSE_LIMIT, UINT64_MAX, &limit));
    MR_TRY(bind_limit(b, query->offset, MR_CLAUSE_OFFSET, 0, &offset));
    bool is_standing = b->mode == MR_BIND_STANDING;
    /* Which of the rows that ORDER BY leaves equal are within the limit must not depend on the
     * order in which groups are given: a top-N knows. */
    bool is_open = query->order_by.count > 0 && !mr_logical_is_in_log_order(*node);
    bool is_computed = limit.computed != NULL || offset.computed != NULL;
    if (is_computed) {
        MR_TRY(add_computed_limit(b, query, keys, &limit, &offset, node));
    } else if (has_limit && (is_standing || query->with_ties || is_open)) {
        MR_TRY(add_top_n(b, query, keys, limit.value, offset.value, node));
    } else {
        has_limit = false; /* left to the sort */
    }
    if (has_limit) {
        limit.value = UINT64_MAX;
        offset.value = 0;
    }
    if (is_standing && query != b->ordered) {
        return MR_OK;
    }
    MR_NEW(b->arena, sort, b->err);
    sort->kind = MR_LOGICAL_SORT;
    sort->input = *node;
    sort->columns = (*node)->columns;
    sort->column_count = (*node)->column_count;
    sort->sort_keys = keys;
    sort->sort_key_count = query->order_by.count;
    sort->limit = limit.value;
    sort->offset = offset.value;
    *node = sort;
    return MR_OK;
}
