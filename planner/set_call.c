/*
 * planner/set_call.c - see set_call.h.
 */
#include "planner/set_call.h"

#include "planner/call_arguments.h"
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

MrStatus mr_set_function_choose(MrBinder *b, const char *name, MrExpr **args, uint32_t arg_count,
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

MrStatus mr_set_bind_arguments(MrBinder *b, const MrAstCall *call, MrExpr ***out)
{
    MR_NEW_ARRAY(b->arena, *out, call->args.count, b->err);
    for (uint32_t i = 0; i < call->args.count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &(*out)[i]));
        MR_TRY(mr_bind_vector(b, (*out)[i], &(*out)[i]));
    }
    return MR_OK;
}

bool mr_call_gives_rows(const MrAstCall *call)
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
    MR_TRY(mr_set_bind_arguments(b, call, &args));
    MR_TRY(mr_set_function_choose(b, call->name.name, args, call->args.count, call->base.position,
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
    if (!mr_call_gives_rows(call)) {
        return MR_OK;
    }
    MR_TRY(bind_listed(b, call, &index));
    const MrSetFunction *function = b->set_calls->items[index].function;
    return function->column_count == 1 ? field_of(b, index, 0, call->base.position, out)
                                       : row_of(b, index, call->base.position, out);
}
