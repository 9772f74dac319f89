/*
 * planner/set_call.c - see set_call.h.
 */
#include "planner/set_call.h"

#include "planner/call_arguments.h"
#include "planner/over.h"
#include "planner/row_value.h"
#include "planner/set_node.h"
#include "planner/subquery.h"

#include <string.h>

/* ---- Which function ------------------------------------------------------------------------ */

static MrStatus ambiguous(MrBinder *b, const char *name, int32_t position)
{
    mr_bind_error(b, MR_ERR_AMBIGUOUS_FUNCTION, position, "function %s is not unique", name);
    return mr_error_hint(b->err, "Could not choose a best candidate function. You might need to "
                                 "add explicit type casts.");
}

/* The types that the entry wants for arguments of these; false: it does not take them. */
static bool wanted_types(const MrSetFunction *entry, const MrTypeId *types, MrTypeId *out)
{
    for (uint32_t i = 0; i < entry->arg_count; i++) {
        bool is_any = entry->args[i] == MR_TYPE_ANYARRAY;
        if (is_any && (types[i] == MR_TYPE_UNKNOWN || !mr_type_is_array(types[i]))) {
            return false;
        }
        out[i] = is_any ? types[i] : entry->args[i];
    }
    return true;
}

/* The entry for these arguments, coerced. */
static MrStatus choose_function(MrBinder *b, const char *name, MrExpr **args, uint32_t arg_count,
                                int32_t position, const MrSetFunction **out)
{
    const MrSetFunction *const *found;
    MrTypeId types[MR_SET_ARGS_MAX];
    MrCandidate *candidates;
    uint32_t found_count = mr_set_function_lookup(mr_string(name), &found), count = 0;
    int32_t chosen = -1;
    MR_NEW_ARRAY(b->arena, candidates, found_count, b->err);
    for (uint32_t i = 0; i < arg_count && i < MR_SET_ARGS_MAX; i++) {
        types[i] = args[i]->type.id;
    }
    for (uint32_t i = 0; i < found_count; i++) {
        MrCandidate *candidate = &candidates[count];
        MR_NEW_ARRAY(b->arena, candidate->args, MR_SET_ARGS_MAX, b->err);
        if (found[i]->arg_count != arg_count || !wanted_types(found[i], types, candidate->args)) {
            continue;
        }
        candidate->entry = found[i];
        count++;
        if (arg_count > 0 && memcmp(candidate->args, types, arg_count * sizeof *types) == 0) {
            candidates[0] = *candidate; /* an exact match needs no rules */
            count = 1;
            break;
        }
    }
    chosen = count > 0 ? mr_select_candidate(candidates, count, types, arg_count) : -1;
    if (chosen == -2) {
        return ambiguous(b, name, position);
    }
    if (chosen < 0) {
        return mr_function_missing(b, name, args, arg_count, position);
    }
    *out = candidates[chosen].entry;
    for (uint32_t i = 0; i < arg_count; i++) {
        MR_TRY(mr_coerce(b, args[i], mr_type(candidates[chosen].args[i]), MR_CAST_IMPLICIT,
                         position, &args[i]));
    }
    return MR_OK;
}

static MrStatus bind_arguments(MrBinder *b, const MrAstCall *call, MrExpr ***out)
{
    MR_NEW_ARRAY(b->arena, *out, call->args.count, b->err);
    for (uint32_t i = 0; i < call->args.count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &(*out)[i]));
        MR_TRY(mr_bind_vector(b, (*out)[i], &(*out)[i]));
    }
    return MR_OK;
}

static bool gives_rows(const MrAstCall *call)
{
    const MrSetFunction *const *found;
    return mr_set_function_lookup(mr_string(call->name.name), &found) > 0;
}

/* ---- In the select list -------------------------------------------------------------------- */

/* What of the select list's window functions is being bound; NULL: nothing. */
static const char *inside_over(const MrBinder *b)
{
    return b->overs != NULL ? b->overs->inside : NULL;
}

static MrStatus refuse_place(MrBinder *b, const MrAstCall *call)
{
    const char *inside =
        b->clause == MR_CLAUSE_AGGREGATE ? "aggregate function calls" : inside_over(b);
    int32_t position = call->base.position;
    if (inside != NULL && strcmp(inside, "window definitions") != 0) {
        return mr_bind_unsupported(
            b, position,
            "You might be able to move the set-returning function into a LATERAL FROM "
            "item.",
            "%s cannot contain set-returning function calls", inside);
    }
    return mr_bind_unsupported(b, position, "Move it into FROM.",
                               "set-returning functions are not allowed in %s",
                               inside != NULL ? inside : mr_clause_name(b->clause));
}

static bool is_same_call(const MrBoundSetCall *call, const MrSetFunction *function,
                         MrExpr *const *args)
{
    bool is_same = call->function == function;
    for (uint32_t i = 0; is_same && i < function->arg_count; i++) {
        is_same = mr_expr_equal(call->args[i], args[i]);
    }
    return is_same;
}

/* Equal calls go side by side row by row: one of them is enough. */
static MrStatus list_add(MrBinder *b, MrSetCallList *list, const MrSetFunction *function,
                         MrExpr **args, uint32_t *index)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (is_same_call(&list->items[i], function, args)) {
            *index = i;
            return MR_OK;
        }
    }
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    *index = list->count;
    list->items[list->count++] = (MrBoundSetCall){ .function = function, .args = args };
    return MR_OK;
}

/* In the select list and what is computed like it: keys of groups, of windows and of the order. */
static bool is_allowed(const MrBinder *b)
{
    const bool is_in_key = b->overs != NULL && b->overs->is_in_key;
    return b->set_calls != NULL && (inside_over(b) == NULL || is_in_key) &&
           (b->clause == MR_CLAUSE_SELECT || b->clause == MR_CLAUSE_ORDER_BY ||
            b->clause == MR_CLAUSE_GROUP_BY);
}

/* The call among those of the list; *index is its number. */
static MrStatus bind_listed(MrBinder *b, const MrAstCall *call, uint32_t *index)
{
    const MrSetFunction *function;
    MrExpr **args;
    if (!is_allowed(b)) {
        return refuse_place(b, call);
    }
    MR_TRY(bind_arguments(b, call, &args));
    MR_TRY(choose_function(b, call->name.name, args, call->args.count, call->base.position,
                           &function));
    return list_add(b, b->set_calls, function, args, index);
}

static MrStatus field_of(MrBinder *b, uint32_t index, uint32_t field, int32_t position,
                         MrExpr **out)
{
    const MrBoundSetCall *call = &b->set_calls->items[index];
    MrTypeId first = call->function->arg_count > 0 ? call->args[0]->type.id : MR_TYPE_UNKNOWN;
    return mr_expr_column(b->arena, MR_SET_COLUMN + field * MR_SET_FIELD + index,
                          mr_type(mr_set_column_type(call->function, field, first)), position, out,
                          b->err);
}

/* A call that gives several columns is one value: their row. */
static MrStatus row_of(MrBinder *b, uint32_t index, int32_t position, MrExpr **out)
{
    const MrSetFunction *function = b->set_calls->items[index].function;
    MrSelectList list = { 0 };
    for (uint32_t f = 0; f < function->column_count; f++) {
        MrExpr *field;
        MR_TRY(field_of(b, index, f, position, &field));
        MR_TRY(mr_select_add(b, &list, field, function->columns[f].name, NULL));
    }
    return mr_row_make(b, &list, position, out);
}

MrStatus mr_bind_set_call(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    uint32_t index = 0;
    *out = NULL;
    if (!gives_rows(call)) {
        return MR_OK;
    }
    MR_TRY(bind_listed(b, call, &index));
    const MrSetFunction *function = b->set_calls->items[index].function;
    return function->column_count == 1 ? field_of(b, index, 0, call->base.position, out)
                                       : row_of(b, index, call->base.position, out);
}

/* ---- In FROM ------------------------------------------------------------------------------- */

/* A function of one value in FROM is one row. */
static MrStatus project_scalar(MrBinder *b, const MrAstFromFunction *ast, MrLogical *input,
                               MrLogical **out)
{
    MrExpr **exprs;
    const char **names;
    uint32_t count = 0;
    MR_NEW_ARRAY(b->arena, exprs, 2, b->err);
    MR_NEW_ARRAY(b->arena, names, 2, b->err);
    MR_TRY(mr_bind_expr_known(b, &ast->call->base, &exprs[0]));
    MR_TRY(mr_bind_attach(b, &input, exprs, 1));
    names[count++] = ast->alias.name != NULL ? ast->alias.name : ast->call->name.name;
    if (ast->ordinality) {
        MrDatum one = { .type = mr_type(MR_TYPE_INT64), .integer = 1 };
        MR_TRY(mr_expr_constant(b->arena, &one, -1, &exprs[count], b->err));
        names[count++] = "ordinality";
    }
    return mr_logical_project(b->arena, input, exprs, names, count, out, b->err);
}

/* The calls of one item, side by side. */
typedef struct FromCalls {
    MrLogicalSetCall *calls;
    MrExpr ***args;
    uint32_t count, column_count;
} FromCalls;

/* unnest(a, b) is unnest(a) beside unnest(b). */
static uint32_t call_parts(const MrAstCall *ast)
{
    const bool is_apart = strcmp(ast->name.name, "unnest") == 0 && ast->args.count > 1;
    return is_apart ? ast->args.count : 1;
}

static MrStatus add_call(MrBinder *b, const MrAstCall *ast, FromCalls *out)
{
    MrExpr **args;
    const uint32_t parts = call_parts(ast), each = parts > 1 ? 1 : ast->args.count;
    MR_TRY(bind_arguments(b, ast, &args));
    if (!gives_rows(ast)) {
        const MrFunction *const *found;
        if (mr_function_lookup(mr_string(ast->name.name), &found) == 0) {
            return mr_function_missing(b, ast->name.name, args, ast->args.count,
                                       ast->base.position);
        }
        return mr_bind_unsupported(b, ast->base.position, "Select its value beside the others.",
                                   "%s(), which gives one value, is not supported in ROWS FROM",
                                   ast->name.name);
    }
    for (uint32_t part = 0; part < parts; part++) {
        const uint32_t c = out->count++;
        out->args[c] = args + part;
        MR_TRY(choose_function(b, ast->name.name, out->args[c], each, ast->base.position,
                               &out->calls[c].function));
        out->column_count += out->calls[c].function->column_count;
    }
    return MR_OK;
}

/* The call, or those of ROWS FROM (…); *out is empty before. */
static MrStatus bind_calls(MrBinder *b, const MrAstFromFunction *ast, FromCalls *out)
{
    const MrAstCall **calls;
    const uint32_t count = ast->calls.count > 0 ? ast->calls.count : 1;
    uint32_t parts = 0;
    MR_NEW_ARRAY(b->arena, calls, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        const MrAstCall *call =
            ast->calls.count > 0 ? MR_AST_AS(const MrAstCall, ast->calls.items[i]) : ast->call;
        MR_TRY(mr_call_by_place(b, call, &calls[i]));
        parts += call_parts(calls[i]);
    }
    MR_NEW_ARRAY(b->arena, out->calls, parts, b->err);
    MR_NEW_ARRAY(b->arena, out->args, parts, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(add_call(b, calls[i], out));
    }
    return MR_OK;
}

/* Of the node's columns those that are seen: the functions', the number. */
static MrStatus show_columns(MrBinder *b, const MrAstFromFunction *ast, const FromCalls *calls,
                             MrLogical *node, MrLogical **out)
{
    MrExpr **exprs;
    const char **names;
    uint32_t first = node->column_count - calls->column_count - 1;
    uint32_t count = calls->column_count + ast->ordinality;
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expr_column(b->arena, first + i, node->columns[first + i].type, -1, &exprs[i],
                              b->err));
        names[i] = i < calls->column_count ? node->columns[first + i].name : "ordinality";
    }
    if (calls->column_count == 1 && calls->calls->function->columns[0].name == NULL &&
        ast->alias.name != NULL) {
        names[0] = ast->alias.name;
    }
    return mr_logical_project(b->arena, node, exprs, names, count, out, b->err);
}

static MrStatus bind_rows(MrBinder *b, const MrAstFromFunction *ast, MrLogical *input,
                          MrLogical **out, bool *is_scalar)
{
    FromCalls calls = { 0 };
    if (ast->calls.count <= 1 && !gives_rows(ast->call)) {
        *is_scalar = !ast->ordinality;
        return project_scalar(b, ast, input, out);
    }
    MR_TRY(bind_calls(b, ast, &calls));
    *is_scalar = calls.column_count == 1 && !ast->ordinality;
    for (uint32_t c = 0; c < calls.count; c++) {
        MR_TRY(mr_bind_attach(b, &input, calls.args[c], calls.calls[c].function->arg_count));
    }
    MR_TRY(mr_set_project_arguments(b, calls.calls, calls.args, calls.count, &input));
    MR_TRY(
        mr_logical_project_set(b->arena, input, calls.calls, calls.count, false, &input, b->err));
    return show_columns(b, ast, &calls, input, out);
}

MrStatus mr_bind_from_function(MrBinder *b, const MrAstFromFunction *ast, MrLogical *input,
                               MrLogical **out, bool *is_scalar)
{
    MrClause clause = b->clause;
    b->clause = MR_CLAUSE_FROM_FUNCTION;
    MrStatus status = bind_rows(b, ast, input, out, is_scalar);
    b->clause = clause;
    return status;
}
