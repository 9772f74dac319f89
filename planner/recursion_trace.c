/*
 * planner/recursion_trace.c - see recursion_trace.h.
 */
#include "planner/recursion_trace.h"

#include <string.h>

#include "planner/row_value.h"

/* ---- What is asked for --------------------------------------------------------------------- */

/* The columns that a clause names, as numbers; `what` is the clause's name. */
static MrStatus find_columns(MrBinder *b, const MrNameList *wanted, const char *what,
                             int32_t position, const char *const *names, uint32_t count,
                             uint32_t **out)
{
    MR_NEW_ARRAY(b->arena, *out, wanted->count, b->err);
    for (uint32_t i = 0; i < wanted->count; i++) {
        uint32_t at = 0;
        while (at < count && strcmp(names[at], wanted->items[i]) != 0) {
            at++;
        }
        if (at == count) {
            return mr_bind_error(b, MR_ERR_SYNTAX, position,
                                 "%s column \"%s\" not in WITH query column list", what,
                                 wanted->items[i]);
        }
        for (uint32_t j = 0; j < i; j++) {
            if ((*out)[j] == at) {
                return mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, position,
                                     "%s column \"%s\" specified more than once", what,
                                     wanted->items[i]);
            }
        }
        (*out)[i] = at;
    }
    return MR_OK;
}

static MrStatus add_name(MrBinder *b, MrTrace *trace, const char *name, const char *what,
                         int32_t position, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return mr_bind_error(b, MR_ERR_SYNTAX, position,
                                 "%s column name \"%s\" already used in WITH query column list",
                                 what, name);
        }
    }
    for (uint32_t i = 0; i < trace->count; i++) {
        if (strcmp(trace->names[i], name) == 0) {
            const bool is_searched = i == 0 && trace->cte->search.set != NULL;
            return mr_bind_error(b, MR_ERR_SYNTAX, position,
                                 "%s column name and %s column name are the same",
                                 is_searched ? "search sequence" : "cycle mark", what);
        }
    }
    trace->names[trace->count++] = name;
    return MR_OK;
}

static MrStatus bind_marks(MrBinder *b, MrTrace *trace)
{
    const MrCteCycle *cycle = &trace->cte->cycle;
    MrExpr *both[2];
    MrType type;
    if (cycle->value == NULL) {
        MrDatum yes = { .type = mr_type(MR_TYPE_BOOL), .boolean = true }, no = yes;
        no.boolean = false;
        MR_TRY(mr_expr_constant(b->arena, &yes, -1, &trace->value, b->err));
        return mr_expr_constant(b->arena, &no, -1, &trace->otherwise, b->err);
    }
    b->scope = NULL;
    MR_TRY(mr_bind_expr(b, cycle->value, &both[0]));
    MR_TRY(mr_bind_expr(b, cycle->otherwise, &both[1]));
    MR_TRY(mr_coerce_common(b, both, 2, "CYCLE", &type));
    trace->value = both[0];
    trace->otherwise = both[1];
    return MR_OK;
}

MrStatus mr_trace_init(MrBinder *b, const MrAstCte *cte, const char *const *names, uint32_t count,
                       MrTrace *out)
{
    const MrCteSearch *search = &cte->search;
    const MrCteCycle *cycle = &cte->cycle;
    *out = (MrTrace){ .cte = cte };
    if (search->set != NULL) {
        MR_TRY(find_columns(b, &search->columns, "search", search->position, names, count,
                            &out->search));
        MR_TRY(add_name(b, out, search->set, "search sequence", search->position, names, count));
    }
    if (cycle->mark != NULL) {
        MR_TRY(
            find_columns(b, &cycle->columns, "cycle", cycle->position, names, count, &out->cycle));
        MR_TRY(add_name(b, out, cycle->mark, "cycle mark", cycle->position, names, count));
        MR_TRY(add_name(b, out, cycle->path, "cycle path", cycle->position, names, count));
        MR_TRY(bind_marks(b, out));
    }
    return MR_OK;
}

/* ---- The columns --------------------------------------------------------------------------- */

/* ROW(depth, columns …); `depth` NULL: without it. */
static MrStatus make_row(MrBinder *b, const MrNameList *wanted, const uint32_t *places,
                         MrExpr *const *columns, MrExpr *depth, MrExpr **out)
{
    MrSelectList list = { 0 };
    if (depth != NULL) {
        MR_TRY(mr_select_add(b, &list, depth, "*DEPTH*", NULL));
    }
    for (uint32_t i = 0; i < wanted->count; i++) {
        MR_TRY(mr_select_add(b, &list, columns[places[i]], wanted->items[i], NULL));
    }
    return mr_row_make(b, &list, -1, out);
}

static MrStatus array_of(MrBinder *b, MrExpr *row, MrExpr **out)
{
    const MrFunction *const *found;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL,
                       (MrType){ mr_type_array(row->type.id), row->type.typmod }, -1, 1, out,
                       b->err));
    (*out)->args[0] = row;
    if (mr_function_lookup(mr_string("ARRAY"), &found) == 0) {
        return mr_error_set(b->err, MR_ERR_INTERNAL, "there is no ARRAY[]");
    }
    (*out)->function = found[0];
    return MR_OK;
}

static MrStatus depth_after(MrBinder *b, MrExpr *last, MrExpr **out)
{
    MrDatum one = { .type = mr_type(MR_TYPE_INT64), .integer = last == NULL ? 0 : 1 };
    MrExpr *depth, *step;
    MR_TRY(mr_expr_constant(b->arena, &one, -1, &step, b->err));
    if (last == NULL) {
        *out = step;
        return MR_OK;
    }
    MR_TRY(mr_row_field(b, last, 0, -1, &depth));
    return mr_bind_operator(b, "+", depth, step, -1, out);
}

/* The path that the row ends; `last` NULL: it is the first. */
static MrStatus path_to(MrBinder *b, MrExpr *row, MrExpr *last, MrExpr **out)
{
    return last == NULL ? array_of(b, row, out) : mr_bind_operator(b, "||", last, row, -1, out);
}

static MrStatus make_search(MrBinder *b, const MrTrace *trace, MrExpr *const *columns, MrExpr *last,
                            MrExpr **out)
{
    const MrCteSearch *search = &trace->cte->search;
    MrExpr *depth = NULL, *row;
    if (search->is_breadth) {
        MR_TRY(depth_after(b, last, &depth));
    }
    MR_TRY(make_row(b, &search->columns, trace->search, columns, depth, &row));
    if (search->is_breadth) {
        *out = row;
        return MR_OK;
    }
    return path_to(b, row, last, out);
}

/* The mark and the path; `last_path` NULL: of the first row. */
static MrStatus make_cycle(MrBinder *b, const MrTrace *trace, MrExpr *const *columns,
                           MrExpr *last_path, MrExpr **out)
{
    MrExpr *row, *place, *is_there, *choice;
    MR_TRY(make_row(b, &trace->cte->cycle.columns, trace->cycle, columns, NULL, &row));
    MR_TRY(path_to(b, row, last_path, &out[1]));
    out[0] = trace->otherwise;
    if (last_path == NULL) {
        return MR_OK;
    }
    MrExpr *args[2] = { last_path, row };
    MR_TRY(mr_bind_function(b, "array_position", args, 2, -1, &place));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, true, place, &is_there));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, trace->value->type, -1, 3, &choice, b->err));
    choice->args[0] = is_there;
    choice->args[1] = trace->value;
    choice->args[2] = trace->otherwise;
    out[0] = choice;
    return MR_OK;
}

MrStatus mr_trace_next(MrBinder *b, const MrTrace *trace, MrExpr *const *columns,
                       MrExpr *const *last, MrExpr **out)
{
    const uint32_t cycle = trace->search != NULL ? 1 : 0;
    if (trace->search != NULL) {
        MR_TRY(make_search(b, trace, columns, last == NULL ? NULL : last[0], &out[0]));
    }
    return trace->cycle == NULL
               ? MR_OK
               : make_cycle(b, trace, columns, last == NULL ? NULL : last[cycle + 1], &out[cycle]);
}

MrStatus mr_trace_first(MrBinder *b, const MrTrace *trace, MrExpr *const *columns, MrExpr **out)
{
    return mr_trace_next(b, trace, columns, NULL, out);
}

MrStatus mr_trace_goes_on(MrBinder *b, const MrTrace *trace, MrExpr *const *last, MrExpr **out)
{
    *out = NULL;
    if (trace->cycle == NULL) {
        return MR_OK;
    }
    return mr_bind_operator(b, "<>", last[trace->search != NULL ? 1 : 0], trace->value,
                            trace->cte->cycle.position, out);
}

MrStatus mr_trace_find(MrBinder *b, const MrTrace *trace, const MrLogical *node, MrExpr **last)
{
    for (uint32_t t = 0; t < trace->count; t++) {
        last[t] = NULL;
        for (uint32_t i = 0; i < node->column_count && last[t] == NULL; i++) {
            if (node->columns[i].carried == t + 1) {
                MR_TRY(mr_bind_node_column(b, node, i, &last[t]));
            }
        }
        if (last[t] == NULL) {
            return mr_bind_unsupported(
                b, trace->cte->base.position, "Name it in FROM of that SELECT itself.",
                "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"%s\" must "
                "be at the top level of its right-hand SELECT",
                trace->cte->name);
        }
    }
    return MR_OK;
}
