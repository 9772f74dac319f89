/*
 * planner/binder_array.c - binds ARRAY[…], subscripts and slices, x op ANY|ALL (array).
 * Must not know how arrays are stored.
 */
#include "planner/binder.h"

#include "planner/subquery.h"
#include "storage/array.h"

#include <string.h>

static const MrFunction *entry_of(const char *name)
{
    const MrFunction *const *found;
    return mr_function_lookup(mr_string(name), &found) > 0 ? found[0] : NULL;
}

/* ---- ARRAY[…] ---------------------------------------------------------------------------- */

/* The elements, all of one type; nested lists are arrays themselves.  `wanted` (UNKNOWN: whatever
 * they have in common) is the scalar type that a cast around it asks for. */
static MrStatus bind_elements(MrBinder *b, const MrAstArray *node, MrType wanted, MrExpr **args,
                              MrType *element)
{
    bool nested = false;
    for (uint32_t i = 0; i < node->elements.count; i++) {
        const MrNode *item = node->elements.items[i];
        if (item->kind == MR_AST_ARRAY && MR_AST_AS(const MrAstArray, item)->query == NULL) {
            MR_TRY(mr_bind_array(b, MR_AST_AS(const MrAstArray, item), wanted, &args[i]));
        } else {
            MR_TRY(mr_bind_expr(b, item, &args[i]));
        }
        nested |= mr_type_is_array(args[i]->type.id);
    }
    if (wanted.id == MR_TYPE_UNKNOWN) {
        return mr_coerce_common(b, args, node->elements.count, "ARRAY", element);
    }
    *element = nested ? (MrType){ mr_type_array(wanted.id), wanted.typmod } : wanted;
    for (uint32_t i = 0; i < node->elements.count; i++) {
        MR_TRY(mr_coerce(b, args[i], *element, MR_CAST_EXPLICIT, args[i]->position, &args[i]));
    }
    return MR_OK;
}

MrStatus mr_bind_array(MrBinder *b, const MrAstArray *node, MrType wanted, MrExpr **out)
{
    MrType element;
    MrExpr *call;
    if (node->query != NULL) {
        MR_TRY(mr_bind_array_subquery(b, node->query, node->base.position, out));
        MrType array = { mr_type_array(wanted.id), wanted.typmod };
        return wanted.id == MR_TYPE_UNKNOWN
                   ? MR_OK
                   : mr_coerce(b, *out, array, MR_CAST_EXPLICIT, node->base.position, out);
    }
    if (node->elements.count == 0 && wanted.id == MR_TYPE_UNKNOWN) {
        mr_bind_error(b, MR_ERR_INDETERMINATE_DATATYPE, node->base.position,
                      "cannot determine type of empty array");
        return mr_error_hint(
            b->err, "Explicitly cast to the desired type, for example ARRAY[]::integer[].");
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, mr_type(MR_TYPE_UNKNOWN), node->base.position,
                       node->elements.count, &call, b->err));
    MR_TRY(bind_elements(b, node, wanted, call->args, &element));
    if (node->elements.count == 0) {
        element = wanted;
    }
    call->function = entry_of("ARRAY");
    call->type = mr_type_is_array(element.id)
                     ? element
                     : (MrType){ mr_type_array(element.id), element.typmod };
    *out = call;
    return MR_OK;
}

/* ---- a[i], a[l:u] ------------------------------------------------------------------------ */

enum { SUBSCRIPTS_MAX = MR_ARRAY_DIMENSIONS_MAX };

typedef struct Subscripts {
    const MrAstSubscript *items[SUBSCRIPTS_MAX]; /* the last one first */
    uint32_t count;
    bool slice;
    const MrNode *operand;
} Subscripts;

/* a[1][2] is one access of two dimensions, (a[1:2])[2] are two accesses. */
static MrStatus gather_subscripts(MrBinder *b, const MrAstSubscript *node, Subscripts *out)
{
    const MrNode *at = &node->base;
    while (at->kind == MR_AST_SUBSCRIPT) {
        const MrAstSubscript *subscript = MR_AST_AS(const MrAstSubscript, at);
        if (out->count == SUBSCRIPTS_MAX) {
            return mr_bind_error(b, MR_ERR_PROGRAM_LIMIT, node->base.position,
                                 "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                                 SUBSCRIPTS_MAX + 1, SUBSCRIPTS_MAX);
        }
        out->slice |= subscript->slice;
        out->items[out->count++] = subscript;
        at = subscript->operand;
        if (subscript->apart) {
            break;
        }
    }
    out->operand = at;
    return MR_OK;
}

/* A bound that is left out is as far as it goes: a slice is cut to the array anyway. */
static MrStatus bind_bound(MrBinder *b, const MrNode *node, int32_t otherwise, MrExpr **out)
{
    if (node == NULL) {
        MrDatum value = { .type = mr_type(MR_TYPE_INT32), .integer = otherwise };
        return mr_expr_constant(b->arena, &value, -1, out, b->err);
    }
    MR_TRY(mr_bind_expr(b, node, out));
    if (!mr_can_coerce((*out)->type.id, MR_TYPE_INT32, MR_CAST_ASSIGNMENT)) {
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                             "array subscript must have type integer");
    }
    return mr_coerce(b, *out, mr_type(MR_TYPE_INT32), MR_CAST_ASSIGNMENT, node->position, out);
}

static MrStatus array_access(MrBinder *b, const Subscripts *subscripts, MrExpr *array,
                             int32_t position, MrExpr **out)
{
    uint32_t each = subscripts->slice ? 2 : 1;
    MrExpr *call;
    MrType type = { mr_type_element(array->type.id), array->type.typmod };
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, subscripts->slice ? array->type : type, position,
                       1 + each * subscripts->count, &call, b->err));
    call->function = entry_of(subscripts->slice ? "[:]" : "[]");
    call->args[0] = array;
    for (uint32_t i = 0; i < subscripts->count; i++) {
        const MrAstSubscript *item = subscripts->items[subscripts->count - 1 - i];
        MrExpr **arg = &call->args[1 + each * i];
        if (!subscripts->slice) {
            MR_TRY(bind_bound(b, item->lower, 1, arg));
        } else if (item->slice) {
            MR_TRY(bind_bound(b, item->lower, INT32_MIN, arg));
            MR_TRY(bind_bound(b, item->upper, INT32_MAX, arg + 1));
        } else { /* beside a slice, [n] means [1:n] */
            MR_TRY(bind_bound(b, NULL, 1, arg));
            MR_TRY(bind_bound(b, item->lower, 1, arg + 1));
        }
    }
    *out = call;
    return MR_OK;
}

/* j['a'][0]: a path. */
static MrStatus jsonb_access(MrBinder *b, const Subscripts *subscripts, MrExpr *json,
                             int32_t position, MrExpr **out)
{
    MrExpr *path;
    if (subscripts->slice) {
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                             "jsonb subscript does not support slices");
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, mr_type(MR_TYPE_TEXT_ARRAY), position,
                       subscripts->count, &path, b->err));
    path->function = entry_of("ARRAY");
    for (uint32_t i = 0; i < subscripts->count; i++) {
        const MrNode *node = subscripts->items[subscripts->count - 1 - i]->lower;
        MrExpr *step;
        MR_TRY(mr_bind_expr(b, node, &step));
        if (!mr_can_coerce(step->type.id, MR_TYPE_TEXT, MR_CAST_IMPLICIT)) {
            MR_TRY(mr_coerce(b, step, mr_type(MR_TYPE_INT32), MR_CAST_IMPLICIT, node->position,
                             &step));
        }
        MR_TRY(mr_coerce(b, step, mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, node->position,
                         &path->args[i]));
    }
    return mr_bind_operator(b, "#>", json, path, position, out);
}

MrStatus mr_bind_subscript(MrBinder *b, const MrAstSubscript *node, MrExpr **out)
{
    Subscripts subscripts = { 0 };
    MrExpr *operand;
    MR_TRY(gather_subscripts(b, node, &subscripts));
    MR_TRY(mr_bind_expr_known(b, subscripts.operand, &operand));
    MR_TRY(mr_bind_vector(b, operand, &operand));
    if (operand->type.id == MR_TYPE_JSONB) {
        return jsonb_access(b, &subscripts, operand, node->base.position, out);
    }
    if (!mr_type_is_array(operand->type.id)) {
        char type[64];
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->base.position,
                      "cannot subscript type %s because it does not support subscripting",
                      mr_type_text(mr_type(operand->type.id), type));
        return mr_error_hint(b->err, "Use split_part() on text, or -> on json.");
    }
    return array_access(b, &subscripts, operand, node->base.position, out);
}

/* ---- x op ANY|ALL (array) ---------------------------------------------------------------- */

/* The members of an array whose elements are known one by one, each of the type; false: unknown. */
static MrStatus array_members(MrBinder *b, const MrExpr *array, MrType type, MrExpr ***out,
                              uint32_t *count)
{
    *count = 0;
    if (array->kind == MR_EXPR_CALL && strcmp(array->function->name, "ARRAY") == 0 &&
        array->arg_count > 0 && !mr_type_is_array(array->args[0]->type.id)) {
        MR_NEW_ARRAY(b->arena, *out, array->arg_count, b->err);
        for (uint32_t i = 0; i < array->arg_count; i++) {
            MR_TRY(
                mr_coerce(b, array->args[i], type, MR_CAST_IMPLICIT, array->position, &(*out)[i]));
        }
        *count = array->arg_count;
        return MR_OK;
    }
    if (array->kind != MR_EXPR_CONSTANT || array->constant.is_null ||
        mr_type_element(array->type.id) != type.id) {
        return MR_OK;
    }
    MrArray value;
    mr_array_open(type.id, &array->constant.text, &value);
    MR_NEW_ARRAY(b->arena, *out, value.count + 1, b->err);
    for (uint32_t i = 0; i < value.count; i++) {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX];
        MrDatum member = { .type = mr_type(type.id), .is_null = true };
        if (!mr_array_is_null(&value, i)) {
            mr_array_get(&value, i, cell);
            mr_datum_load(&member, mr_type(type.id), cell);
        }
        MR_TRY(mr_expr_constant(b->arena, &member, array->position, &(*out)[i], b->err));
    }
    *count = value.count;
    return MR_OK;
}

/* x = ANY (a list) is x IN (the list), which is looked up by hash; <> ALL is NOT IN. */
static MrStatus quantified_as_in(MrBinder *b, const MrAstQuantified *node, const MrExpr *compared,
                                 const MrExpr *array, MrExpr **out)
{
    MrExpr **members;
    uint32_t count = 0;
    MrType type = mr_type(compared->args[1]->type.id);
    bool fits = strcmp(node->op, node->all ? "<>" : "=") == 0 &&
                compared->args[0]->type.id == type.id && !mr_type_is_array(type.id);
    *out = NULL;
    if (fits) {
        MR_TRY(array_members(b, array, type, &members, &count));
    }
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IN, mr_type(MR_TYPE_BOOL), node->base.position, count + 1,
                       out, b->err));
    (*out)->args[0] = compared->args[0];
    memcpy((*out)->args + 1, members, count * sizeof(MrExpr *));
    (*out)->negated = node->all;
    return MR_OK;
}

MrStatus mr_bind_quantified(MrBinder *b, const MrAstQuantified *node, MrExpr **out)
{
    MrExpr *left, *array, *element, *compared;
    int32_t position = node->base.position;
    MR_TRY(mr_bind_expr(b, node->left, &left));
    MR_TRY(mr_bind_expr(b, node->array, &array));
    MR_TRY(mr_bind_vector(b, array, &array));
    if (array->type.id != MR_TYPE_UNKNOWN && !mr_type_is_array(array->type.id)) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, position,
                             "op ANY/ALL (array) requires array on right side");
    }
    /* The operator is chosen as for one element. */
    MrDatum any = { .type = mr_type(array->type.id == MR_TYPE_UNKNOWN
                                        ? MR_TYPE_UNKNOWN
                                        : mr_type_element(array->type.id)),
                    .is_null = true };
    MR_TRY(mr_expr_constant(b->arena, &any, position, &element, b->err));
    MR_TRY(mr_bind_operator(b, node->op, left, element, position, &compared));
    if (compared->kind != MR_EXPR_CALL || compared->type.id != MR_TYPE_BOOL) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, position,
                             "op ANY/ALL (array) requires operator to yield boolean");
    }
    MrTypeId wanted = compared->args[1]->type.id;
    if (mr_type_is_array(wanted)) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, position,
                             "op ANY/ALL (array) requires array on right side");
    }
    if (array->type.id == MR_TYPE_UNKNOWN) {
        MR_TRY(mr_coerce(b, array, mr_type(mr_type_array(wanted)), MR_CAST_IMPLICIT, position,
                         &array));
    }
    MR_TRY(quantified_as_in(b, node, compared, array, out));
    if (*out != NULL) {
        return MR_OK;
    }
    MR_TRY(
        mr_expr_new(b->arena, MR_EXPR_QUANTIFIED, mr_type(MR_TYPE_BOOL), position, 2, out, b->err));
    (*out)->function = compared->function;
    (*out)->negated = node->all;
    (*out)->args[0] = compared->args[0];
    return mr_coerce(b, array, mr_type(mr_type_array(wanted)), MR_CAST_IMPLICIT, position,
                     &(*out)->args[1]);
}
