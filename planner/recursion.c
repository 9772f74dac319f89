/*
 * planner/recursion.c - see recursion.h.
 *
 * The recursive term is computed for the rows of one step at a time, which is right where every row
 * of it comes of one row of the step: through projections, filters, joins that keep or drop rows of
 * the step, functions that give rows.  Anything that looks at several rows of the step is refused.
 */
#include "planner/recursion.h"

#include <string.h>

#include "engine/key_batch.h"

/* ---- Where it names itself ----------------------------------------------------------------- */

typedef struct Search {
    const char *name;
    bool found;
} Search;

static bool search(MrNode *node, void *context)
{
    Search *wanted = context;
    if (node->kind == MR_AST_FROM_TABLE) {
        const MrName *name = &MR_AST_AS(const MrAstFromTable, node)->name;
        wanted->found = name->schema == NULL && name->connection == NULL &&
                        strcmp(name->name, wanted->name) == 0;
    }
    return !wanted->found && mr_ast_visit_children(node, search, context);
}

static bool names(const MrNode *tree, const char *name)
{
    Search wanted = { .name = name };
    (void)mr_ast_visit_children(tree, search, &wanted);
    return wanted.found;
}

bool mr_cte_is_recursive(const MrAstCte *cte)
{
    return names(cte->statement, cte->name);
}

static MrStatus wrong_form(MrBinder *b, int32_t position, const char *name, const char *what)
{
    return mr_bind_error(b, MR_ERR_INVALID_RECURSION, position, "recursive %s \"%s\" %s",
                         strncmp(what, "must", 4) == 0 ? "reference to query" : "query", name,
                         what);
}

static MrStatus check_form(MrBinder *b, const MrAstCte *cte, const MrAstQuery *query)
{
    int32_t position = cte->base.position;
    if (query->query != MR_QUERY_UNION) {
        return wrong_form(b, position, cte->name,
                          "does not have the form non-recursive-term UNION [ALL] recursive-term");
    }
    if (names(&query->left->base, cte->name)) {
        return wrong_form(b, position, cte->name, "must not appear within its non-recursive term");
    }
    if (query->order_by.count > 0 || query->limit != NULL || query->offset != NULL) {
        return mr_bind_unsupported(b, position, "Sort and limit what is selected from it.",
                                   "ORDER BY, LIMIT and OFFSET in a recursive query are not "
                                   "implemented");
    }
    for (uint32_t i = 0; i < query->with.count; i++) {
        if (names(query->with.items[i], cte->name)) {
            return wrong_form(b, position, cte->name, "must not appear within a subquery");
        }
    }
    return MR_OK;
}

/* ---- What the recursive term does with a step ---------------------------------------------- */

typedef struct Term {
    MrBinder *b;
    const MrAstCte *cte;
    uint32_t number;
} Term;

static uint32_t references(const MrLogical *node, uint32_t number)
{
    if (node == NULL) {
        return 0;
    }
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == MR_SCAN_STEP && node->recursion == number;
    }
    return references(node->input, number) + references(node->right, number);
}

static MrStatus refuse_node(const Term *term, const MrLogical *node)
{
    int32_t position = term->cte->base.position;
    if (node->asof.is_used || node->is_lookup) {
        return mr_bind_unsupported(term->b, position, "Do it with what is selected from the query.",
                                   "ASOF and FOR SYSTEM_TIME in the recursive term of \"%s\" are "
                                   "not supported",
                                   term->cte->name);
    }
    switch (node->kind) {
    case MR_LOGICAL_JOIN:
        return wrong_form(term->b, position, term->cte->name,
                          node->join_type == MR_JOIN_TYPE_SEMI ||
                                  node->join_type == MR_JOIN_TYPE_ANTI
                              ? "must not appear within a subquery"
                              : "must not appear within an outer join");
    case MR_LOGICAL_AGGREGATE:
        mr_bind_error(term->b, MR_ERR_INVALID_RECURSION, position,
                      "aggregate functions are not allowed in a recursive query's recursive term");
        return mr_error_hint(term->b->err, "DISTINCT is none of its business either: write UNION "
                                           "instead of UNION ALL.");
    default: break;
    }
    return mr_bind_unsupported(term->b, position, "Do it with what is selected from the query.",
                               "what looks at several rows of recursive query \"%s\" in its "
                               "recursive term is not supported",
                               term->cte->name);
}

/* Every row of the node comes of one row of the step. */
static MrStatus check_step(const Term *term, const MrLogical *node)
{
    if (references(node, term->number) == 0 || node->kind == MR_LOGICAL_SCAN) {
        return MR_OK;
    }
    bool is_in_right = node->right != NULL && references(node->right, term->number) > 0;
    bool keeps_left = node->join_type == MR_JOIN_TYPE_INNER ||
                      node->join_type == MR_JOIN_TYPE_LEFT ||
                      node->join_type == MR_JOIN_TYPE_SEMI || node->join_type == MR_JOIN_TYPE_ANTI;
    switch (node->kind) {
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_PROJECT:
    case MR_LOGICAL_PROJECT_SET:
    case MR_LOGICAL_UNION: break;
    case MR_LOGICAL_JOIN:
        if (node->asof.is_used || node->is_lookup) {
            return refuse_node(term, node);
        }
        if (is_in_right ? node->join_type != MR_JOIN_TYPE_INNER : !keeps_left) {
            return refuse_node(term, node);
        }
        break;
    default: return refuse_node(term, node);
    }
    return check_step(term, is_in_right ? node->right : node->input);
}

static MrStatus check_term(const Term *term, const MrLogical *node)
{
    if (references(node, term->number) > 1) {
        wrong_form(term->b, term->cte->base.position, term->cte->name,
                   "must not appear more than once");
        return mr_error_hint(term->b->err,
                             "A subquery that names its columns counts too: join what it reads.");
    }
    return check_step(term, node);
}

/* ---- The node ------------------------------------------------------------------------------ */

static MrStatus show_terms(MrBinder *b, const MrBoundQuery *term, MrExpr **exprs,
                           const char *const *column_names, MrLogical **out)
{
    return mr_logical_project(b->arena, term->node, exprs, column_names, term->visible, out,
                              b->err);
}

/* The columns are those of the first term: the second one's must become them without a loss. */
static MrStatus match_columns(MrBinder *b, const MrAstCte *cte, const MrBoundQuery terms[2],
                              MrExpr **first, MrExpr **second)
{
    for (uint32_t i = 0; i < terms[0].visible; i++) {
        MrExpr *both[2];
        MrTypeId common;
        uint32_t culprit;
        MrType type = terms[0].node->columns[i].type;
        MR_TRY(mr_expr_column(b->arena, i, type, -1, &first[i], b->err));
        MR_TRY(mr_expr_column(b->arena, i, terms[1].node->columns[i].type, -1, &second[i], b->err));
        both[0] = first[i];
        both[1] = second[i];
        if (!mr_common_type(both, 2, &common, &culprit)) {
            MrType ignored;
            return mr_coerce_common(b, both, 2, "UNION", &ignored);
        }
        const bool is_narrower = type.typmod != -1 &&
                                 terms[1].node->columns[i].type.typmod != type.typmod &&
                                 (type.id == MR_TYPE_NUMERIC || type.id == MR_TYPE_VARCHAR);
        if (common != type.id || is_narrower) {
            char had[64], wanted[64];
            mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, cte->base.position,
                          "recursive query \"%s\" column %u has type %s in non-recursive term but "
                          "type %s overall",
                          cte->name, i + 1, mr_type_text(type, had),
                          mr_type_text(mr_type(common), wanted));
            return mr_error_hint(b->err,
                                 "Cast the output of the non-recursive term to the correct type.");
        }
        MR_TRY(mr_coerce(b, second[i], mr_type(type.id), MR_CAST_IMPLICIT, cte->base.position,
                         &second[i]));
    }
    return MR_OK;
}

static MrStatus check_comparable(MrBinder *b, const MrLogical *node, int32_t position)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i].type.id == MR_TYPE_JSON) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position,
                                 "could not identify an equality operator for type json");
        }
    }
    return MR_OK;
}

/* The second term, where the query's own name stands for the rows of the last step. */
static MrStatus bind_term(MrBinder *b, const MrAstCte *cte, const MrAstQuery *query,
                          const MrBoundQuery *first, uint32_t number, MrBoundQuery *out)
{
    MrCte self = { .ast = cte,
                   .outer = b->ctes,
                   .first = first->node,
                   .first_visible = first->visible,
                   .recursion = number };
    const MrCte *ctes = b->ctes;
    b->ctes = &self;
    MrStatus status = mr_bind_query(b, query->right, false, out);
    b->ctes = ctes;
    MR_TRY(status);
    if (out->visible != first->visible) {
        return mr_bind_error(b, MR_ERR_SYNTAX, query->right->base.position,
                             "each UNION query must have the same number of columns");
    }
    return MR_OK;
}

static MrStatus bind_terms(MrBinder *b, const MrAstCte *cte, MrLogical **out)
{
    const MrAstQuery *query = MR_AST_AS(const MrAstQuery, cte->statement);
    MrBoundQuery terms[2];
    MrLogical *sides[2];
    MrExpr **exprs[2];
    const char **column_names;
    Term term = { .b = b, .cte = cte, .number = ++b->recursions };
    b->keeps_unknown = false;
    MR_TRY(mr_bind_query(b, query->left, false, &terms[0]));
    MR_TRY(bind_term(b, cte, query, &terms[0], term.number, &terms[1]));
    uint32_t count = terms[0].visible;
    MR_NEW_ARRAY(b->arena, exprs[0], count, b->err);
    MR_NEW_ARRAY(b->arena, exprs[1], count, b->err);
    MR_NEW_ARRAY(b->arena, column_names, count, b->err);
    MR_TRY(match_columns(b, cte, terms, exprs[0], exprs[1]));
    for (uint32_t i = 0; i < count; i++) {
        column_names[i] =
            i < cte->columns.count ? cte->columns.items[i] : terms[0].node->columns[i].name;
    }
    for (uint32_t s = 0; s < 2; s++) {
        MR_TRY(show_terms(b, &terms[s], exprs[s], column_names, &sides[s]));
    }
    MR_TRY(check_term(&term, sides[1]));
    if (!query->all || b->mode == MR_BIND_STANDING) { /* which compares the rows it keeps */
        MR_TRY(check_comparable(b, sides[0], cte->base.position));
    }
    if (b->mode == MR_BIND_STANDING && count > MR_KEYS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, cte->base.position,
                             "rows of recursive query \"%s\" can have at most %d columns",
                             cte->name, MR_KEYS_MAX);
    }
    return mr_logical_recursion(b->arena, sides[0], sides[1], term.number, !query->all, out,
                                b->err);
}

MrStatus mr_bind_recursion(MrBinder *b, const MrAstCte *cte, MrLogical **out)
{
    const MrAstQuery *query = MR_AST_AS(const MrAstQuery, cte->statement);
    const MrCte *ctes = b->ctes;
    MR_TRY(check_form(b, cte, query));
    MrStatus status = mr_bind_push_ctes(b, query); /* both terms may read them */
    if (status == MR_OK) {
        status = bind_terms(b, cte, out);
    }
    if (status == MR_OK) {
        status = mr_bind_unread_ctes(b, ctes);
    }
    b->ctes = ctes;
    return status;
}

MrStatus mr_bind_last_step(MrBinder *b, const MrCte *self, int32_t position, MrLogical **out)
{
    const MrNameList *renamed = &self->ast->columns;
    const char **column_names;
    if (renamed->count > self->first_visible) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, position,
                             "table \"%s\" has %u columns available but %u columns specified",
                             self->ast->name, self->first_visible, renamed->count);
    }
    MR_NEW_ARRAY(b->arena, column_names, self->first_visible, b->err);
    for (uint32_t i = 0; i < self->first_visible; i++) {
        column_names[i] = i < renamed->count ? renamed->items[i] : self->first->columns[i].name;
    }
    return mr_logical_last_step(b->arena, self->first, self->first_visible, column_names,
                                self->recursion, out, b->err);
}
