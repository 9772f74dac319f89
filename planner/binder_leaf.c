/*
 * planner/binder_leaf.c - binds the leaves of expressions: literals, parameters, columns.
 * Must not know where the result goes.
 */
#include "planner/binder.h"

#include "parser/parser.h"
#include "planner/change.h"
#include "planner/literal.h"
#include "planner/nearest.h"
#include "planner/row_value.h"
#include "planner/subquery.h"

#include <string.h>

/* ---- Constants and parameters ------------------------------------------------------------ */

/* A number of more digits than our numeric has: its text, to be read as what the context makes of
 * it (mr_coerce), which may be a float. */
static MrStatus bind_wide_number(MrBinder *b, const MrAstLiteral *literal, MrExpr **out)
{
    MrDatum text = { .type = mr_type(MR_TYPE_TEXT),
                     .text = mr_text_make(literal->text, (uint32_t)strlen(literal->text)) };
    MrExpr *constant;
    MR_TRY(mr_expr_constant(b->arena, &text, literal->base.position, &constant, b->err));
    return mr_coerce(b, constant, mr_type(MR_TYPE_NUMERIC), MR_CAST_EXPLICIT,
                     literal->base.position, out);
}

MrStatus mr_bind_literal(MrBinder *b, const MrAstLiteral *literal, MrExpr **out)
{
    MrDatum value = { .type = mr_type(MR_TYPE_UNKNOWN) };
    switch (literal->literal) {
    case MR_LITERAL_NULL: value.is_null = true; break;
    case MR_LITERAL_BOOLEAN:
        value.type = mr_type(MR_TYPE_BOOL);
        value.boolean = literal->boolean;
        break;
    case MR_LITERAL_INTEGER:
    case MR_LITERAL_DECIMAL: {
        MrError error = MR_ERROR_INIT;
        if (mr_literal_number(literal->text, literal->literal == MR_LITERAL_INTEGER, &value,
                              &error) != MR_OK) {
            return bind_wide_number(b, literal, out);
        }
        break;
    }
    case MR_LITERAL_STRING:
        value.text = mr_text_make(literal->text, (uint32_t)strlen(literal->text));
        break;
    }
    return mr_expr_constant(b->arena, &value, literal->base.position, out, b->err);
}

MrStatus mr_bind_typed_literal(MrBinder *b, const MrAstTypedLiteral *literal, MrExpr **out)
{
    MrType type;
    MrDatum value = { 0 };
    MR_TRY(mr_planner_type(literal->type, &type, b->err));
    MrString text;
    if (type.id == MR_TYPE_VARCHAR && type.typmod != -1) {
        value.type = mr_type(MR_TYPE_TEXT); /* varchar(2) 'abc' is a cast, which cuts */
        value.text = mr_text_make(literal->text, (uint32_t)strlen(literal->text));
        MR_TRY(mr_expr_constant(b->arena, &value, literal->base.position, out, b->err));
        return mr_coerce(b, *out, type, MR_CAST_EXPLICIT, literal->base.position, out);
    }
    MR_TRY(mr_literal_moment(b, type.id, mr_string(literal->text), &text));
    MrStatus status = mr_datum_parse(b->arena, type, text, b->context->zone, &value, b->err);
    if (status != MR_OK) {
        if (b->view_depth == 0) {
            mr_error_at(b->err, literal->base.position);
        }
        return status;
    }
    /* INTERVAL '5' MINUTE is an interval like any other from here on. */
    value.type = type.id == MR_TYPE_INTERVAL ? mr_type(type.id) : type;
    MR_TRY(mr_bind_reg_value(b, literal->base.position, &value));
    return mr_expr_constant(b->arena, &value, literal->base.position, out, b->err);
}

static MrStatus parameters_grow(MrBinder *b, MrParameters *parameters, uint32_t count)
{
    if (count <= parameters->count) {
        return MR_OK;
    }
    if (count > parameters->capacity) {
        MrType *types;
        bool *is_named;
        uint32_t capacity = count < 16 ? 16 : count;
        MR_NEW_ARRAY(b->arena, types, capacity, b->err);
        if (parameters->count > 0) {
            memcpy(types, parameters->types, parameters->count * sizeof *types);
        }
        if (parameters->is_named != NULL) {
            MR_NEW_ARRAY(b->arena, is_named, capacity, b->err);
            memcpy(is_named, parameters->is_named, parameters->count * sizeof *is_named);
            parameters->is_named = is_named;
        }
        parameters->types = types;
        parameters->capacity = capacity;
    }
    for (uint32_t i = parameters->count; i < count; i++) {
        parameters->types[i] = mr_type(MR_TYPE_UNKNOWN);
    }
    parameters->count = count;
    return MR_OK;
}

/* A parameter is a constant: its value at Bind, a NULL that remembers its number (`column`)
 * before. */
MrStatus mr_bind_parameter(MrBinder *b, const MrAstParameter *parameter, MrExpr **out)
{
    MrParameters *parameters = b->context->parameters;
    int32_t position = parameter->base.position;
    if (parameters == NULL || b->view_depth > 0) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_PARAMETER, position, "there is no parameter $%d",
                             parameter->number);
    }
    if (parameter->number < 1 || parameter->number > MR_SQL_PARAMETER_MAX ||
        (parameters->values != NULL && (uint32_t)parameter->number > parameters->count)) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_PARAMETER, position, "there is no parameter $%d",
                             parameter->number);
    }
    MR_TRY(parameters_grow(b, parameters, (uint32_t)parameter->number));
    uint32_t index = (uint32_t)parameter->number - 1;
    MrDatum value = { .type = mr_type(parameters->types[index].id), .is_null = true };
    if (parameters->values != NULL) {
        value = parameters->values[index];
        value.type = value.type.id == MR_TYPE_UNKNOWN ? parameters->types[index] : value.type;
        value.type = value.type.id == MR_TYPE_UNKNOWN ? mr_type(MR_TYPE_TEXT) : value.type;
        MR_TRY(mr_bind_reg_value(b, position, &value));
        return mr_expr_constant(b->arena, &value, position, out, b->err);
    }
    if (parameters->is_named == NULL) {
        MR_NEW_ARRAY(b->arena, parameters->is_named, parameters->capacity, b->err);
    }
    parameters->is_named[index] = true;
    MR_TRY(mr_expr_constant(b->arena, &value, position, out, b->err));
    (*out)->column = (uint32_t)parameter->number;
    return MR_OK;
}

/* ---- Columns ----------------------------------------------------------------------------- */

static MrStatus unknown_column(MrBinder *b, const MrAstColumn *column, const char *qualifier,
                               const char *name)
{
    MrNearest nearest;
    mr_nearest_init(&nearest, name);
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, column->base.position,
                  "column %s%s%s%s does not exist", qualifier != NULL ? qualifier : "\"",
                  qualifier != NULL ? "." : "", name, qualifier != NULL ? "" : "\"");
    for (uint32_t i = 0; b->scope != NULL && i < b->scope->input->column_count; i++) {
        mr_nearest_offer(&nearest, mr_string(b->scope->input->columns[i].name));
    }
    if (nearest.best.data != NULL && b->scope->alias != NULL) {
        return mr_error_hint(b->err, "Perhaps you meant to reference the column \"%s.%.*s\".",
                             b->scope->alias, (int)nearest.best.length, nearest.best.data);
    }
    return mr_nearest_hint(&nearest, b->err);
}

/* t.a and s.t.a; a relation's name does not hide behind its alias. */
static bool qualifier_fits(const MrScope *scope, const MrNameList *parts)
{
    if (parts->count < 2) {
        return true;
    }
    if (scope == NULL || scope->alias == NULL || parts->count > 3 ||
        strcmp(scope->alias, parts->items[parts->count - 2]) != 0) {
        return false;
    }
    return parts->count == 2 ||
           (scope->schema_name != NULL && strcmp(scope->schema_name, parts->items[0]) == 0);
}

/* tableoid, and xmin, which says that all transactions see the row. */
static MrStatus bind_system(MrBinder *b, const MrAstColumn *column, uint32_t oid, const char *name,
                            MrExpr **out)
{
    enum { FROZEN = 2 };
    MrDatum value = { .type = mr_type(MR_TYPE_OID), .integer = oid };
    bool is_xmin = strcmp(name, "xmin") == 0;
    *out = NULL;
    if (oid == 0 || b->mode != MR_BIND_ADHOC || (!is_xmin && strcmp(name, "tableoid") != 0)) {
        return MR_OK;
    }
    if (is_xmin) {
        value = (MrDatum){ .type = mr_type(MR_TYPE_XID), .integer = FROZEN };
    }
    return mr_expr_constant(b->arena, &value, column->base.position, out, b->err);
}

/* Flink's window_time, of rows that have just got their windows: the last millisecond in them. */
static MrStatus bind_window_time(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    const MrLogical *input = b->scope == NULL ? NULL : b->scope->input;
    MrDatum value = { .type = mr_type(MR_TYPE_INTERVAL), .interval = { .us = 1000 } };
    MrExpr *end, *step;
    *out = NULL;
    while (input != NULL && input->kind == MR_LOGICAL_FILTER) { /* WHERE */
        input = input->input;
    }
    if (input == NULL || input->kind != MR_LOGICAL_WINDOW) {
        return MR_OK;
    }
    uint32_t last = input->column_count - 1; /* window_end */
    MR_TRY(mr_expr_column(b->arena, last, input->columns[last].type, column->base.position, &end,
                          b->err));
    MR_TRY(mr_expr_constant(b->arena, &value, -1, &step, b->err));
    return mr_bind_operator(b, "-", end, step, column->base.position, out);
}

static MrStatus bind_place(MrBinder *b, const MrAstColumn *column, const char *name, MrExpr **out)
{
    *out = NULL;
    if (strcmp(name, "window_time") == 0) {
        return bind_window_time(b, column, out);
    }
    if (b->scope != NULL && b->scope->oid != 0) {
        MR_TRY(bind_system(b, column, b->scope->oid, name, out));
    }
    if (b->scope == NULL || !b->scope->has_place || *out != NULL) {
        return MR_OK;
    }
    if (strcmp(name, "_seq") == 0) {
        return mr_expr_new(b->arena, MR_EXPR_SEQUENCE, mr_type(MR_TYPE_INT64),
                           column->base.position, 0, out, b->err);
    }
    if (strcmp(name, "_arrival") == 0) {
        return mr_expr_new(b->arena, MR_EXPR_ARRIVAL, mr_type(MR_TYPE_TIMESTAMPTZ),
                           column->base.position, 0, out, b->err);
    }
    return MR_OK;
}

static MrType scope_type(const MrBinder *b, uint32_t column)
{
    return b->scope->input->columns[column].type;
}

/* ---- Columns of several items ------------------------------------------------------------ */

MrStatus mr_scope_item(MrBinder *b, const MrNameList *parts, uint32_t count, int32_t position,
                       const MrFromItem **out)
{
    const MrScope *scope = b->scope;
    const char *alias = parts->items[count - 1];
    *out = NULL;
    for (uint32_t i = 0; i < scope->item_count; i++) {
        const MrFromItem *item = &scope->items[i];
        bool fits = item->alias != NULL && strcmp(item->alias, alias) == 0 &&
                    (count == 1 || (item->schema_name != NULL &&
                                    strcmp(item->schema_name, parts->items[0]) == 0));
        if (!fits) {
            continue;
        }
        if (*out != NULL) {
            return mr_bind_error(b, MR_ERR_AMBIGUOUS_ALIAS, position,
                                 "table reference \"%s\" is ambiguous", alias);
        }
        *out = item;
    }
    return MR_OK;
}

static MrStatus ambiguous(MrBinder *b, const MrAstColumn *column, const char *name)
{
    return mr_bind_error(b, MR_ERR_AMBIGUOUS_COLUMN, column->base.position,
                         "column reference \"%s\" is ambiguous", name);
}

static MrStatus unknown_among_items(MrBinder *b, const MrAstColumn *column, const char *qualifier,
                                    const char *name)
{
    const MrScope *scope = b->scope;
    MrNearest nearest;
    mr_nearest_init(&nearest, name);
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, column->base.position,
                  "column %s%s%s%s does not exist", qualifier != NULL ? qualifier : "\"",
                  qualifier != NULL ? "." : "", name, qualifier != NULL ? "" : "\"");
    for (uint32_t i = 0; i < scope->name_count; i++) {
        mr_nearest_offer(&nearest, mr_string(scope->names[i].name));
    }
    return mr_nearest_hint(&nearest, b->err);
}

/* _seq and _arrival of an item, or, without a qualifier, of the only one that has them. */
static MrStatus place_of_items(MrBinder *b, const MrAstColumn *column, const MrFromItem *only,
                               const char *name, MrExpr **out)
{
    const MrScope *scope = b->scope;
    bool is_sequence = strcmp(name, "_seq") == 0;
    *out = NULL;
    for (uint32_t i = 0; i < scope->item_count && (is_sequence || strcmp(name, "_arrival") == 0);
         i++) {
        const MrFromItem *item = &scope->items[i];
        int32_t at = is_sequence ? item->sequence : item->arrival;
        if (at < 0 || (only != NULL && item != only)) {
            continue;
        }
        if (*out != NULL) {
            return ambiguous(b, column, name);
        }
        MR_TRY(mr_expr_column(b->arena, (uint32_t)at, scope->input->columns[at].type,
                              column->base.position, out, b->err));
    }
    return MR_OK;
}

static MrStatus qualified_column(MrBinder *b, const MrAstColumn *column, const char *name,
                                 const MrFromItem *item, MrExpr **out)
{
    const MrLogical *input = b->scope->input;
    *out = NULL;
    for (uint32_t i = item->first; i < item->first + item->count; i++) {
        if (input->columns[i].name == NULL || strcmp(input->columns[i].name, name) != 0) {
            continue;
        }
        if (*out != NULL) {
            return ambiguous(b, column, name);
        }
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, column->base.position, out,
                              b->err));
    }
    return MR_OK;
}

static MrStatus unqualified_column(MrBinder *b, const MrAstColumn *column, const char *name,
                                   MrExpr **out)
{
    const MrScope *scope = b->scope;
    *out = NULL;
    for (uint32_t i = 0; i < scope->name_count; i++) {
        if (strcmp(scope->names[i].name, name) != 0) {
            continue;
        }
        if (*out != NULL) {
            return ambiguous(b, column, name);
        }
        const MrExpr *value = scope->names[i].value;
        if (value->kind != MR_EXPR_COLUMN) {
            *out = scope->names[i].value;
            continue;
        }
        MR_TRY(mr_expr_column(b->arena, value->column, value->type, column->base.position, out,
                              b->err));
    }
    return MR_OK;
}

MrStatus mr_bind_node_column(MrBinder *b, const MrLogical *node, uint32_t column, MrExpr **out)
{
    return mr_expr_column(b->arena, column, node->columns[column].type, -1, out, b->err);
}

static MrStatus column_of_items(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    uint32_t parts = column->parts.count;
    const char *name = column->parts.items[parts - 1];
    const char *qualifier = parts > 1 ? column->parts.items[parts - 2] : NULL;
    const MrFromItem *item = NULL;
    if (qualifier != NULL) {
        MR_TRY(mr_scope_item(b, &column->parts, parts - 1, column->base.position, &item));
        if (item == NULL || parts > 3) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_TABLE, column->base.position,
                                 "missing FROM-clause entry for table \"%s\"", qualifier);
        }
        MR_TRY(qualified_column(b, column, name, item, out));
    } else {
        MR_TRY(unqualified_column(b, column, name, out));
    }
    if (*out == NULL) {
        MR_TRY(place_of_items(b, column, item, name, out));
    }
    if (*out == NULL && qualifier == NULL) {
        MR_TRY(mr_scope_item(b, &column->parts, 1, column->base.position, &item));
        if (item != NULL && item->is_scalar) {
            return mr_expr_column(b->arena, item->first, scope_type(b, item->first),
                                  column->base.position, out, b->err);
        }
    }
    if (*out == NULL && item != NULL) {
        MR_TRY(bind_system(b, column, item->oid, name, out));
    }
    return *out != NULL ? MR_OK : unknown_among_items(b, column, qualifier, name);
}

static MrStatus bind_own_column(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    if (column->star) {
        return mr_bind_error(b, MR_ERR_SYNTAX, column->base.position, "* is not allowed here");
    }
    if (b->scope != NULL && b->scope->item_count > 0) {
        return column_of_items(b, column, out);
    }
    const char *name = column->parts.items[column->parts.count - 1];
    const char *qualifier =
        column->parts.count > 1 ? column->parts.items[column->parts.count - 2] : NULL;
    if (!qualifier_fits(b->scope, &column->parts)) {
        mr_bind_error(b, MR_ERR_UNDEFINED_TABLE, column->base.position,
                      "missing FROM-clause entry for table \"%s\"", qualifier);
        if (b->scope != NULL && b->scope->alias != NULL) {
            mr_error_hint(b->err, "Perhaps you meant to reference the table alias \"%s\".",
                          b->scope->alias);
        }
        return MR_ERR_UNDEFINED_TABLE;
    }
    int64_t found = -1;
    for (uint32_t i = 0; b->scope != NULL && i < b->scope->input->column_count; i++) {
        const char *candidate = b->scope->input->columns[i].name;
        if (candidate == NULL || strcmp(candidate, name) != 0) {
            continue;
        }
        if (found >= 0) {
            return mr_bind_error(b, MR_ERR_AMBIGUOUS_COLUMN, column->base.position,
                                 "column reference \"%s\" is ambiguous", name);
        }
        found = i;
    }
    if (found >= 0) {
        return mr_expr_column(b->arena, (uint32_t)found, b->scope->input->columns[found].type,
                              column->base.position, out, b->err);
    }
    if (qualifier == NULL && b->scope != NULL && b->scope->is_scalar && b->scope->alias != NULL &&
        strcmp(b->scope->alias, name) == 0) {
        return mr_expr_column(b->arena, 0, scope_type(b, 0), column->base.position, out, b->err);
    }
    MR_TRY(bind_place(b, column, name, out));
    return *out != NULL ? MR_OK : unknown_column(b, column, qualifier, name);
}

static MrStatus bind_own_row(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    MR_TRY(mr_bind_whole_row(b, column, out));
    return *out != NULL ? MR_OK
                        : mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, column->base.position,
                                        "there is no row of that name");
}

/* Names of the query itself hide those of the queries around it: t.a is of the nearest t, and an
 * error where that has no a. */
MrStatus mr_bind_name(MrBinder *b, const MrAstColumn *column, bool as_row, MrExpr **out)
{
    const MrStatus status = as_row ? bind_own_row(b, column, out) : bind_own_column(b, column, out);
    const bool is_elsewhere =
        status == MR_ERR_UNDEFINED_TABLE ||
        (status == MR_ERR_UNDEFINED_COLUMN && (as_row || column->parts.count == 1));
    if (b->outer == NULL || !is_elsewhere) {
        return status;
    }
    MR_TRY(mr_bind_outer_column(b, column, as_row, out));
    if (*out != NULL) {
        mr_error_clear(b->err);
        return MR_OK;
    }
    return status;
}

/* A column of any query around hides an item of FROM, which stands for its row; t.* is that row. */
MrStatus mr_bind_column(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    const bool is_row = column->star && column->parts.count == 1;
    MrStatus status = MR_ERR_UNDEFINED_COLUMN;
    MrError first = MR_ERROR_INIT;
    if (!is_row) {
        status = mr_bind_name(b, column, false, out);
        if (status != MR_ERR_UNDEFINED_COLUMN || column->parts.count != 1) {
            return status;
        }
        first = *b->err;
    }
    status = mr_bind_name(b, column, true, out);
    if (status == MR_OK) {
        mr_error_clear(b->err);
        return MR_OK;
    }
    if (status != MR_ERR_UNDEFINED_COLUMN) {
        return status;
    }
    if (!is_row) {
        *b->err = first;
        return status;
    }
    return mr_bind_error(b, MR_ERR_UNDEFINED_TABLE, column->base.position,
                         "missing FROM-clause entry for table \"%s\"", column->parts.items[0]);
}
