/*
 * planner/coerce.c - casts that SQL leaves unsaid: literals take the type that is wanted, values
 * are converted as PostgreSQL's cast contexts allow.  Must not know functions.
 */
#include "planner/binder.h"

#include "planner/literal.h"

#include "storage/reg.h"

#include <string.h>

bool mr_can_coerce(MrTypeId from, MrTypeId to, MrCastContext context)
{
    if (from == to || from == MR_TYPE_UNKNOWN) {
        return true;
    }
    const MrCast *cast = mr_cast_find(from, to);
    if (cast == NULL && mr_type_of_vector(from) != from) {
        return mr_can_coerce(mr_type_of_vector(from), to, context);
    }
    return cast != NULL && cast->context <= context;
}

static MrStatus no_cast(MrBinder *b, MrTypeId from, MrType to, MrCastContext context,
                        int32_t position)
{
    char from_text[64], to_text[64];
    mr_type_text(mr_type(from), from_text);
    mr_type_text(mr_type(to.id), to_text);
    if (context == MR_CAST_EXPLICIT) {
        return mr_bind_error(b, MR_ERR_CANNOT_COERCE, position, "cannot cast type %s to %s",
                             from_text, to_text);
    }
    mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                  "expression is of type %s but type %s is wanted", from_text, to_text);
    return mr_error_hint(b->err, "You will need to rewrite or cast the expression.");
}

/* A parameter without a type takes the first one that the statement asks of it. */
static MrStatus coerce_parameter(MrBinder *b, MrExpr *expr, MrType type, MrExpr **out)
{
    MrParameters *parameters = b->context->parameters;
    uint32_t index = expr->column - 1;
    MrType *known = &parameters->types[index];
    if (known->id == MR_TYPE_UNKNOWN) {
        *known = mr_type(type.id);
    } else if (known->id != type.id) {
        char a[64], c[64];
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, expr->position,
                      "inconsistent types deduced for parameter $%u", index + 1);
        mr_error_sqlstate(b->err, "42P08");
        return mr_error_detail(b->err, "%s versus %s", mr_type_text(*known, a),
                               mr_type_text(mr_type(type.id), c));
    }
    MrDatum value = { .type = mr_type(type.id), .is_null = true };
    MR_TRY(mr_expr_constant(b->arena, &value, expr->position, out, b->err));
    (*out)->column = expr->column;
    return MR_OK;
}

/* ---- The catalogue's types ----------------------------------------------------------------- */

MrStatus mr_bind_names(MrBinder *b, MrExpr *node, const char *what)
{
    bool is_checked_only = b->mode == MR_BIND_VIEW && b->context->names == NULL;
    if (is_checked_only) {
        return MR_OK; /* a view is bound again where it is used */
    }
    if (b->mode == MR_BIND_STANDING || b->context->names == NULL) {
        return mr_bind_unsupported(b, node->position, "Ask for it in a SELECT of its own.",
                                   "%s looks into the catalogue, and is refused here", what);
    }
    node->names = b->context->names;
    return node->names->prepare(node->names, b->err);
}

MrStatus mr_bind_vector(MrBinder *b, MrExpr *expr, MrExpr **out)
{
    MrTypeId array = mr_type_of_vector(expr->type.id);
    *out = expr;
    return array == expr->type.id
               ? MR_OK
               : mr_coerce(b, expr, mr_type(array), MR_CAST_IMPLICIT, expr->position, out);
}

/* 'name'::regclass is looked up now. */
static MrStatus reg_of_text(MrBinder *b, MrTypeId type, MrString text, int32_t position,
                            MrText *out)
{
    const MrNames *names = b->context->names;
    bool found;
    if (names == NULL && b->mode == MR_BIND_VIEW) {
        return mr_reg_make(b->arena, 0, text, out, b->err);
    }
    if (names == NULL || b->mode == MR_BIND_STANDING) {
        return mr_bind_unsupported(b, position, "Write the number or text itself.",
                                   "%s looks into the catalogue, and is refused here",
                                   mr_type_info(type)->name);
    }
    MR_TRY(names->prepare(names, b->err));
    MrStatus status = names->by_text(names, type, text, false, b->arena, out, &found, b->err);
    if (status != MR_OK && b->view_depth == 0) {
        mr_error_at(b->err, position);
    }
    return status;
}

MrStatus mr_bind_reg_value(MrBinder *b, int32_t position, MrDatum *value)
{
    if (value->is_null || !mr_type_is_reg(value->type.id)) {
        return MR_OK;
    }
    const bool is_number =
        !mr_reg_is_open(&value->text); /* which has a name only where we know it */
    if (is_number && (b->context->names == NULL || b->mode == MR_BIND_STANDING)) {
        return mr_reg_number(&value->text) > 0
                   ? MR_OK
                   : mr_reg_of_number(b->arena, 0, &value->text, b->err);
    }
    return reg_of_text(b, value->type.id, mr_reg_name(&value->text), position, &value->text);
}

static MrStatus coerce_unknown(MrBinder *b, MrExpr *expr, MrType type, MrExpr **out)
{
    if (expr->kind != MR_EXPR_CONSTANT) {
        return mr_bind_error(b, MR_ERR_INTERNAL, expr->position, "an expression has no type");
    }
    if (expr->column > 0) {
        return coerce_parameter(b, expr, type, out);
    }
    MrDatum value = { .type = type, .is_null = true };
    if (!expr->constant.is_null) {
        MrString text;
        MR_TRY(mr_literal_moment(b, type.id, mr_text_string(&expr->constant.text), &text));
        MrStatus status = mr_datum_parse(b->arena, type, text, b->context->zone, &value, b->err);
        if (status != MR_OK) {
            if (b->view_depth == 0) {
                mr_error_at(b->err, expr->position);
            }
            return status;
        }
        value.type = type;
        MR_TRY(mr_bind_reg_value(b, expr->position, &value));
    }
    return mr_expr_constant(b->arena, &value, expr->position, out, b->err);
}

/* A text that is read as numeric and then made a float is read as a float: the value is the same,
 * and our numeric has fewer digits than 1e300 has. */
static const MrExpr *wide_number(const MrExpr *expr, MrType type)
{
    const bool is_number = expr->kind == MR_EXPR_CAST && expr->type.id == MR_TYPE_NUMERIC &&
                           expr->type.typmod == -1 && expr->args[0]->kind == MR_EXPR_CONSTANT &&
                           expr->args[0]->type.id == MR_TYPE_TEXT && expr->args[0]->column == 0 &&
                           !expr->args[0]->constant.is_null;
    return is_number && (type.id == MR_TYPE_FLOAT64 || type.id == MR_TYPE_FLOAT32) ? expr->args[0]
                                                                                   : NULL;
}

MrStatus mr_coerce(MrBinder *b, MrExpr *expr, MrType type, MrCastContext context, int32_t position,
                   MrExpr **out)
{
    if (expr->type.id == MR_TYPE_UNKNOWN && type.id != MR_TYPE_UNKNOWN) {
        bool is_cut = (type.id == MR_TYPE_VARCHAR || type.id == MR_TYPE_VARCHAR_ARRAY ||
                       type.id == MR_TYPE_BPCHAR || type.id == MR_TYPE_BPCHAR_ARRAY ||
                       type.id == MR_TYPE_INTERVAL_ARRAY) &&
                      type.typmod != -1 && context == MR_CAST_EXPLICIT;
        if (!is_cut) {
            return coerce_unknown(b, expr, type, out);
        }
        /* 'abcdef'::varchar(3) cuts; what is stored into a varchar(3) must fit.  Elements of an
         * array of intervals are read as plain intervals. */
        MR_TRY(coerce_unknown(b, expr, mr_type(type.id), &expr));
    }
    const MrExpr *wide = wide_number(expr, type);
    if (wide != NULL) {
        MrDatum value;
        MR_TRY(mr_datum_parse(b->arena, type, mr_text_string(&wide->constant.text), NULL, &value,
                              b->err));
        return mr_expr_constant(b->arena, &value, expr->position, out, b->err);
    }
    bool same_typmod = type.typmod == -1 || type.typmod == expr->type.typmod;
    if (expr->type.id == type.id && same_typmod) {
        *out = expr;
        return MR_OK;
    }
    const MrCast *cast = mr_cast_find(expr->type.id, type.id);
    if (cast == NULL && mr_type_of_vector(expr->type.id) != expr->type.id) {
        MR_TRY(mr_bind_vector(b, expr, &expr));
        return mr_coerce(b, expr, type, context, position, out);
    }
    if (expr->type.id != type.id && (cast == NULL || cast->context > context)) {
        return no_cast(b, expr->type.id, type, context, position);
    }
    MrExpr *node;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CAST, type, position, 1, &node, b->err));
    node->cast = expr->type.id != type.id ? cast : NULL; /* NULL: only the typmod is applied */
    node->args[0] = expr;
    if (node->cast != NULL && (cast->flags & MR_FN_CATALOG)) {
        MR_TRY(mr_bind_names(b, node, mr_type_info(type.id)->name));
    }
    /* What is assigned must fit a varchar(n); only a cast that was asked for cuts it. */
    node->negated = context != MR_CAST_EXPLICIT;
    *out = node;
    return MR_OK;
}

/* The common type of values whose types `type_at` tells. */
static bool common_type(MrTypeId (*type_at)(const void *values, uint32_t index), const void *values,
                        uint32_t count, MrTypeId *out, uint32_t *culprit)
{
    MrTypeId common = MR_TYPE_UNKNOWN;
    for (uint32_t i = 0; i < count; i++) {
        MrTypeId type = type_at(values, i);
        if (type == common || type == MR_TYPE_UNKNOWN) {
            continue;
        }
        if (common == MR_TYPE_UNKNOWN) {
            common = type;
            continue;
        }
        const MrTypeInfo *had = mr_type_info(common);
        if (had->category != mr_type_info(type)->category) {
            *culprit = i;
            *out = common;
            return false;
        }
        if (!had->preferred && mr_can_coerce(common, type, MR_CAST_IMPLICIT) &&
            !mr_can_coerce(type, common, MR_CAST_IMPLICIT)) {
            common = type;
        }
    }
    if (common == MR_TYPE_UNKNOWN) {
        common = MR_TYPE_TEXT;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!mr_can_coerce(type_at(values, i), common, MR_CAST_IMPLICIT)) {
            *culprit = i;
            *out = common;
            return false;
        }
    }
    *out = common;
    return true;
}

static MrTypeId type_of_expr(const void *exprs, uint32_t index)
{
    return ((MrExpr *const *)exprs)[index]->type.id;
}

static MrTypeId type_itself(const void *types, uint32_t index)
{
    return ((const MrTypeId *)types)[index];
}

bool mr_common_type(MrExpr *const *exprs, uint32_t count, MrTypeId *out, uint32_t *culprit)
{
    return common_type(type_of_expr, exprs, count, out, culprit);
}

bool mr_common_type_of(const MrTypeId *types, uint32_t count, MrTypeId *out, uint32_t *culprit)
{
    return common_type(type_itself, types, count, out, culprit);
}

/* A typmod that all share is kept, as in CASE over two numeric(10,2). */
static int32_t common_typmod(MrExpr *const *exprs, uint32_t count, MrTypeId type)
{
    int32_t typmod = count > 0 ? exprs[0]->type.typmod : -1;
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i]->type.id != type || exprs[i]->type.typmod != typmod) {
            return -1;
        }
    }
    return typmod;
}

MrStatus mr_coerce_common(MrBinder *b, MrExpr **exprs, uint32_t count, const char *what,
                          MrType *out)
{
    uint32_t culprit = 0;
    MrTypeId type;
    if (!mr_common_type(exprs, count, &type, &culprit)) {
        char a[64], c[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, exprs[culprit]->position,
                             "%s types %s and %s cannot be matched", what,
                             mr_type_text(mr_type(type), a),
                             mr_type_text(mr_type(exprs[culprit]->type.id), c));
    }
    *out = (MrType){ .id = type, .typmod = common_typmod(exprs, count, type) };
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_coerce(b, exprs[i], *out, MR_CAST_IMPLICIT, exprs[i]->position, &exprs[i]));
    }
    return MR_OK;
}
