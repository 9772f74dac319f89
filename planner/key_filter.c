/*
 * planner/key_filter.c - see key_filter.h.
 */
#include "planner/key_filter.h"

static bool is_integer(MrTypeId type)
{
    return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
}

/* The constant as a value of the column's type; false: it is of another, or does not fit. */
static bool as_value_of(const MrExpr *constant, MrTypeId type, MrDatum *out)
{
    *out = constant->constant;
    if (out->is_null) {
        return false;
    }
    if (is_integer(type) && is_integer(out->type.id)) {
        out->type = mr_type(type);
        return type == MR_TYPE_INT64 ||
               (type == MR_TYPE_INT32 ? out->integer == (int32_t)out->integer
                                      : out->integer == (int16_t)out->integer);
    }
    if (type == MR_TYPE_VARCHAR && out->type.id == MR_TYPE_TEXT) {
        out->type = mr_type(type);
        return true;
    }
    return out->type.id == type && constant->type.id == type;
}

/* The column whose value a condition may tell. */
typedef struct Sought {
    uint32_t column;
    MrTypeId type;
    MrDatum *out;
} Sought;

static bool is_column(const MrExpr *expr, uint32_t column)
{
    return expr->kind == MR_EXPR_COLUMN && expr->column == column;
}

/* Itself, or as the text that a varchar is compared as. */
static bool is_compared(const MrExpr *expr, const Sought *sought)
{
    const bool is_cast = expr->kind == MR_EXPR_CAST && expr->type.id == MR_TYPE_TEXT &&
                         sought->type == MR_TYPE_VARCHAR;
    return is_column(is_cast ? expr->args[0] : expr, sought->column);
}

static bool equates(void *context, const MrExpr *part)
{
    const Sought *sought = context;
    for (uint32_t i = 0; mr_expr_is_binary(part, "=") && i < 2; i++) {
        const MrExpr *other = part->args[1 - i];
        if (is_compared(part->args[i], sought) && other->kind == MR_EXPR_CONSTANT) {
            return as_value_of(other, sought->type, sought->out);
        }
    }
    return false;
}

bool mr_filter_equals(const MrExpr *predicate, uint32_t column, MrTypeId type, MrDatum *out)
{
    Sought sought = { column, type, out };
    return mr_conjunct_any(predicate, equates, &sought);
}

/* A list of constants that the column is one of. */
typedef struct SoughtList {
    Sought one;
    MrDatum *values; /* room for `most` */
    uint32_t count, most;
} SoughtList;

static bool lists(void *context, const MrExpr *part)
{
    SoughtList *list = context;
    if (part->kind != MR_EXPR_IN || part->negated || part->arg_count - 1 > list->most ||
        !is_compared(part->args[0], &list->one)) {
        return false;
    }
    list->count = 0;
    for (uint32_t i = 1; i < part->arg_count; i++) {
        const MrExpr *value = part->args[i];
        if (value->kind == MR_EXPR_CONSTANT && value->constant.is_null) {
            continue; /* equals nothing */
        }
        if (value->kind != MR_EXPR_CONSTANT ||
            !as_value_of(value, list->one.type, &list->values[list->count])) {
            return false;
        }
        list->count++;
    }
    return true;
}

bool mr_filter_is_one_of(const MrExpr *predicate, uint32_t column, MrTypeId type, MrDatum *values,
                         uint32_t most, uint32_t *count)
{
    SoughtList list = { .one = { .column = column, .type = type }, .values = values, .most = most };
    const bool found = mr_conjunct_any(predicate, lists, &list);
    *count = list.count;
    return found;
}

static bool measure_list(void *longest, const MrExpr *part)
{
    uint32_t *most = longest;
    if (part->kind == MR_EXPR_IN && part->arg_count - 1 > *most) {
        *most = part->arg_count - 1;
    }
    return false;
}

uint32_t mr_filter_longest_list(const MrExpr *predicate)
{
    uint32_t most = 0;
    (void)mr_conjunct_any(predicate, measure_list, &most);
    return most;
}

/* ---- System views ---------------------------------------------------------------------------- */

/* ^(name)$ or ^name$ of letters, digits and _: the name. */
static bool is_anchored_name(MrString pattern, MrString *name)
{
    const char *from = pattern.data, *end = pattern.data + pattern.length;
    if (end - from < 2 || *from++ != '^' || *--end != '$') {
        return false;
    }
    if (end - from >= 2 && *from == '(' && end[-1] == ')') {
        from++;
        end--;
    }
    *name = (MrString){ from, (size_t)(end - from) };
    for (const char *at = from; at < end; at++) {
        const bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (!is_letter && *at != '_' && (*at < '0' || *at > '9')) {
            return false;
        }
    }
    return name->length > 0;
}

/* column::text ~ '^(name)$' */
static bool matches_name(void *context, const MrExpr *part)
{
    const Sought *sought = context;
    if (!mr_expr_is_binary(part, "~")) {
        return false;
    }
    const MrExpr *subject = part->args[0], *pattern = part->args[1];
    const bool is_cast = subject->kind == MR_EXPR_CAST && subject->type.id == MR_TYPE_TEXT;
    MrString name;
    if (!is_column(is_cast ? subject->args[0] : subject, sought->column) ||
        pattern->kind != MR_EXPR_CONSTANT || pattern->constant.is_null ||
        !mr_type_is_own_text(pattern->constant.type.id) ||
        !is_anchored_name(mr_text_string(&pattern->constant.text), &name)) {
        return false;
    }
    *sought->out = (MrDatum){ .type = mr_type(MR_TYPE_NAME),
                              .text = mr_text_make(name.data, (uint32_t)name.length) };
    return true;
}

bool mr_filter_looks_up(const MrLogical *scan, const MrExpr *predicate, uint32_t *column,
                        MrDatum *out)
{
    for (uint32_t c = 0; c < scan->column_count; c++) {
        const MrTypeId type = scan->columns[c].type.id;
        const bool is_name = type == MR_TYPE_NAME;
        Sought sought = { c, type, out };
        if ((is_name || type == MR_TYPE_OID) &&
            (mr_conjunct_any(predicate, equates, &sought) ||
             (is_name && mr_conjunct_any(predicate, matches_name, &sought)))) {
            *column = c;
            return true;
        }
    }
    return false;
}
