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
#include "planner/recursion_trace.h"
#include "planner/subquery.h"

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
        const bool is_narrower =
            type.typmod != -1 && terms[1].node->columns[i].type.typmod != type.typmod &&
            (type.id == MR_TYPE_NUMERIC || type.id == MR_TYPE_VARCHAR || type.id == MR_TYPE_BPCHAR);
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

/* A recursion that is being bound. */
typedef struct Recursion {
    MrBinder *b;
    const MrAstCte *cte;
    uint32_t number;
    uint32_t visible, count; /* columns: the query's own, and with those of SEARCH and CYCLE */
    const char **names;
    MrTrace trace;
    MrExpr **exprs[2]; /* what the two terms show */
} Recursion;

static MrStatus begin(Recursion *recursion, const MrLogical *first)
{
    MrBinder *b = recursion->b;
    const MrNameList *renamed = &recursion->cte->columns;
    const uint32_t visible = recursion->visible, most = visible + MR_TRACES_MAX;
    MR_NEW_ARRAY(b->arena, recursion->exprs[0], most, b->err);
    MR_NEW_ARRAY(b->arena, recursion->exprs[1], most, b->err);
    MR_NEW_ARRAY(b->arena, recursion->names, most, b->err);
    for (uint32_t i = 0; i < visible; i++) {
        recursion->names[i] = i < renamed->count ? renamed->items[i] : first->columns[i].name;
        MR_TRY(mr_bind_node_column(b, first, i, &recursion->exprs[0][i]));
    }
    MR_TRY(mr_trace_init(b, recursion->cte, recursion->names, visible, &recursion->trace));
    recursion->count = visible + recursion->trace.count;
    for (uint32_t i = visible; i < recursion->count; i++) {
        recursion->names[i] = recursion->trace.names[i - visible];
    }
    return mr_trace_first(b, &recursion->trace, recursion->exprs[0], recursion->exprs[0] + visible);
}

/* The second term, where the query's own name stands for the rows of the last step. */
static MrStatus bind_term(Recursion *recursion, const MrAstQuery *query, const MrBoundQuery *first,
                          MrBoundQuery *out)
{
    MrBinder *b = recursion->b;
    MrCte self = { .ast = recursion->cte,
                   .outer = b->ctes,
                   .first = first->node,
                   .first_visible = first->visible,
                   .recursion = recursion->number,
                   .carried = recursion->exprs[0] + first->visible,
                   .carried_names = recursion->trace.names,
                   .carried_count = recursion->trace.count };
    const MrCte *ctes = b->ctes;
    const MrAstQuery *carrier = b->carrier;
    b->ctes = &self;
    b->carrier = recursion->trace.count > 0 ? query->right : NULL;
    MrStatus status = mr_bind_query(b, query->right, false, out);
    b->ctes = ctes;
    b->carrier = carrier;
    MR_TRY(status);
    if (out->visible != first->visible) {
        return mr_bind_error(b, MR_ERR_SYNTAX, query->right->base.position,
                             "each UNION query must have the same number of columns");
    }
    return MR_OK;
}

/* Rows of the second term with what SEARCH and CYCLE say of them; none that come of a row which
 * closes a cycle. */
static MrStatus trace_term(Recursion *recursion, MrLogical **node)
{
    MrBinder *b = recursion->b;
    MrExpr *last[MR_TRACES_MAX], *goes_on;
    if (recursion->trace.count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_trace_find(b, &recursion->trace, *node, last));
    MR_TRY(mr_trace_goes_on(b, &recursion->trace, last, &goes_on));
    if (goes_on != NULL) {
        MR_TRY(mr_bind_filter(b, node, goes_on));
    }
    return mr_trace_next(b, &recursion->trace, recursion->exprs[1], last,
                         recursion->exprs[1] + recursion->visible);
}

static MrStatus check_traced_form(MrBinder *b, const MrAstCte *cte, const MrAstQuery *query)
{
    for (uint32_t s = 0; s < 2; s++) {
        const MrAstQuery *side = s == 0 ? query->left : query->right;
        if ((cte->search.set != NULL || cte->cycle.mark != NULL) &&
            side->query != MR_QUERY_SELECT && (s == 1 || side->query != MR_QUERY_VALUES)) {
            mr_bind_error(b, s == 0 ? MR_ERR_UNSUPPORTED : MR_ERR_SYNTAX, side->base.position,
                          "with a SEARCH or CYCLE clause, the %s side of the UNION must be a "
                          "SELECT",
                          s == 0 ? "left" : "right");
            return mr_error_hint(b->err, "Make a query in FROM of it: SELECT * FROM (…) q.");
        }
    }
    return MR_OK;
}

static MrStatus check_kept(const Recursion *recursion, const MrLogical *node, bool is_distinct)
{
    MrBinder *b = recursion->b;
    const MrAstCte *cte = recursion->cte;
    if (is_distinct || b->mode == MR_BIND_STANDING) { /* which compares the rows it keeps */
        MR_TRY(check_comparable(b, node, cte->base.position));
    }
    if (b->mode == MR_BIND_STANDING && recursion->count > MR_KEYS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, cte->base.position,
                             "rows of recursive query \"%s\" can have at most %d columns",
                             cte->name, MR_KEYS_MAX);
    }
    return MR_OK;
}

static MrStatus bind_terms(MrBinder *b, const MrAstCte *cte, uint32_t *number, MrLogical **out)
{
    const MrAstQuery *query = MR_AST_AS(const MrAstQuery, cte->statement);
    MrBoundQuery terms[2];
    MrLogical *sides[2];
    *number = *number != 0 ? *number : ++b->recursions;
    Recursion recursion = { .b = b, .cte = cte, .number = *number };
    const Term term = { .b = b, .cte = cte, .number = recursion.number };
    b->keeps_unknown = false;
    MR_TRY(check_traced_form(b, cte, query));
    MR_TRY(mr_bind_query(b, query->left, false, &terms[0]));
    recursion.visible = terms[0].visible;
    MR_TRY(begin(&recursion, terms[0].node));
    MR_TRY(bind_term(&recursion, query, &terms[0], &terms[1]));
    MR_TRY(match_columns(b, cte, terms, recursion.exprs[0], recursion.exprs[1]));
    MR_TRY(trace_term(&recursion, &terms[1].node));
    for (uint32_t s = 0; s < 2; s++) {
        MR_TRY(mr_logical_project(b->arena, terms[s].node, recursion.exprs[s], recursion.names,
                                  recursion.count, &sides[s], b->err));
    }
    MR_TRY(check_term(&term, sides[1]));
    MR_TRY(check_kept(&recursion, sides[0], !query->all));
    MR_TRY(mr_logical_recursion(b->arena, sides[0], sides[1], recursion.number, !query->all, out,
                                b->err));
    (*out)->is_traced = recursion.trace.count > 0;
    return MR_OK;
}

MrStatus mr_bind_recursion(MrBinder *b, const MrAstCte *cte, uint32_t *number, MrLogical **out)
{
    const MrAstQuery *query = MR_AST_AS(const MrAstQuery, cte->statement);
    const MrCte *ctes = b->ctes;
    MR_TRY(check_form(b, cte, query));
    MrStatus status = mr_bind_push_ctes(b, query); /* both terms may read them */
    if (status == MR_OK) {
        status = bind_terms(b, cte, number, out);
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
    const uint32_t visible = self->first_visible, count = visible + self->carried_count;
    MrLogical like = { .column_count = count };
    MR_NEW_ARRAY(b->arena, column_names, count, b->err);
    MR_NEW_ARRAY(b->arena, like.columns, count, b->err);
    for (uint32_t i = 0; i < visible; i++) {
        like.columns[i] = self->first->columns[i];
        column_names[i] = i < renamed->count ? renamed->items[i] : self->first->columns[i].name;
    }
    for (uint32_t i = visible; i < count; i++) {
        like.columns[i].type = self->carried[i - visible]->type;
        column_names[i] = self->carried_names[i - visible];
    }
    MR_TRY(
        mr_logical_last_step(b->arena, &like, count, column_names, self->recursion, out, b->err));
    for (uint32_t i = visible; i < count; i++) {
        (*out)->columns[i].carried = i - visible + 1;
    }
    return MR_OK;
}
