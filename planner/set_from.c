/*
 * planner/set_from.c - functions in FROM, alone and side by side: a PROJECT_SET node over one row,
 * and a projection that shows their columns.  One that gives one value is there in the first row
 * of the node; JSON with a list of column definitions becomes its members.
 */
#include "planner/call_arguments.h"
#include "planner/record_function.h"
#include "planner/row_value.h"
#include "planner/set_call.h"
#include "planner/set_node.h"
#include "planner/subquery.h"

#include <string.h>

/* One function of the item. */
typedef struct Part {
    const MrAstFromFunction *ast;
    const MrAstCall *call;
    MrExpr *value;                   /* of one that gives one: over the input; else NULL */
    uint32_t value_column;           /* … which the input has there */
    uint32_t first_call, call_count; /* of one that gives rows */
    bool is_record;                  /* it has a list of column definitions */
} Part;

typedef struct FromCalls {
    MrBinder *b;
    Part *parts;
    uint32_t part_count;
    MrLogicalSetCall *calls;
    MrExpr ***args;
    uint32_t count;
    MrSelectList shown;
} FromCalls;

/* ---- What is called ------------------------------------------------------------------------ */

/* unnest(a, b) is unnest(a) beside unnest(b). */
static uint32_t call_parts(const MrAstCall *ast)
{
    const bool is_apart = strcmp(ast->name.name, "unnest") == 0 && ast->args.count > 1;
    return is_apart ? ast->args.count : 1;
}

static MrStatus add_set(FromCalls *from, Part *part)
{
    MrBinder *b = from->b;
    MrExpr **args;
    const MrAstCall *call = part->call;
    const uint32_t parts = call_parts(call), each = parts > 1 ? 1 : call->args.count;
    MR_TRY(mr_set_bind_arguments(b, call, &args));
    part->first_call = from->count;
    part->call_count = parts;
    for (uint32_t i = 0; i < parts; i++) {
        const uint32_t c = from->count++;
        from->args[c] = args + i;
        MR_TRY(mr_set_function_choose(b, call->name.name, from->args[c], each, call->base.position,
                                      &from->calls[c].function));
    }
    return MR_OK;
}

/* json_to_recordset(j) AS (…) gives what json_array_elements(j) does, json_to_record(j) j. */
static MrStatus add_record(FromCalls *from, Part *part)
{
    MrBinder *b = from->b;
    const char *elements;
    MrExpr **args;
    part->is_record = true;
    MR_TRY(mr_record_function_source(b, part->ast, part->call, &args, &elements));
    if (elements == NULL) {
        part->value = args[0];
        return MR_OK;
    }
    part->first_call = from->count;
    part->call_count = 1;
    from->args[from->count] = args;
    return mr_set_function_choose(b, elements, args, 1, part->call->base.position,
                                  &from->calls[from->count++].function);
}

static MrStatus add_part(FromCalls *from, const MrAstFromFunction *ast, const MrAstCall *call)
{
    Part *part = &from->parts[from->part_count++];
    *part = (Part){ .ast = ast, .call = call };
    if (ast->column_defs.count > 0) {
        return add_record(from, part);
    }
    MR_TRY(mr_record_function_check(from->b, call));
    return mr_call_gives_rows(call) ? add_set(from, part)
                                    : mr_bind_expr_known(from->b, &call->base, &part->value);
}

/* In the first row beside others' rows: generate_series(1, 1) is that row. */
static MrStatus add_first_row(FromCalls *from)
{
    MrBinder *b = from->b;
    MrDatum one = { .type = mr_type(MR_TYPE_INT64), .integer = 1 };
    MrExpr **args;
    MR_NEW_ARRAY(b->arena, args, 2, b->err);
    MR_TRY(mr_expr_constant(b->arena, &one, -1, &args[0], b->err));
    args[1] = args[0];
    from->args[from->count] = args;
    return mr_set_function_choose(b, "generate_series", args, 2, -1,
                                  &from->calls[from->count++].function);
}

/* The function, or those of ROWS FROM (…); *from is empty before. */
static MrStatus bind_calls(FromCalls *from, const MrAstFromFunction *ast)
{
    MrBinder *b = from->b;
    const MrAstCall **calls;
    const uint32_t count = ast->calls.count > 0 ? ast->calls.count : 1;
    uint32_t most = 1;
    bool has_value = false;
    MR_NEW_ARRAY(b->arena, calls, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        const MrAstFromFunction *item =
            ast->calls.count > 0 ? MR_AST_AS(const MrAstFromFunction, ast->calls.items[i]) : ast;
        MR_TRY(mr_call_by_place(b, item->call, &calls[i]));
        most += call_parts(calls[i]);
    }
    MR_NEW_ARRAY(b->arena, from->parts, count, b->err);
    MR_NEW_ARRAY(b->arena, from->calls, most, b->err);
    MR_NEW_ARRAY(b->arena, from->args, most, b->err);
    for (uint32_t i = 0; i < count; i++) {
        const MrAstFromFunction *item =
            ast->calls.count > 0 ? MR_AST_AS(const MrAstFromFunction, ast->calls.items[i]) : ast;
        MR_TRY(add_part(from, item, calls[i]));
        has_value |= from->parts[i].value != NULL;
    }
    return has_value && from->count > 0 ? add_first_row(from) : MR_OK;
}

/* ---- What it shows ------------------------------------------------------------------------- */

/* Values as columns of the node below, subqueries in all that is called joined to it. */
static MrStatus project_values(FromCalls *from, MrLogical **node)
{
    MrBinder *b = from->b;
    MrExpr **exprs;
    const char **names;
    uint32_t count = 0;
    for (uint32_t c = 0; c < from->count; c++) {
        MR_TRY(mr_bind_attach(b, node, from->args[c], from->calls[c].function->arg_count));
    }
    for (uint32_t i = 0; i < from->part_count; i++) {
        if (from->parts[i].value != NULL) {
            MR_TRY(mr_bind_attach(b, node, &from->parts[i].value, 1));
        }
    }
    MR_NEW_ARRAY(b->arena, exprs, (*node)->column_count + from->part_count, b->err);
    MR_NEW_ARRAY(b->arena, names, (*node)->column_count + from->part_count, b->err);
    for (; count < (*node)->column_count; count++) {
        MR_TRY(mr_bind_node_column(b, *node, count, &exprs[count]));
        names[count] = (*node)->columns[count].name;
    }
    for (uint32_t i = 0; i < from->part_count; i++) {
        if (from->parts[i].value != NULL) {
            from->parts[i].value_column = count;
            exprs[count++] = from->parts[i].value;
        }
    }
    return count == (*node)->column_count
               ? MR_OK
               : mr_logical_project(b->arena, *node, exprs, names, count, node, b->err);
}

/* The value where the row is the first, which has the number 1; `number` NULL: it is the only. */
static MrStatus in_first_row(MrBinder *b, MrExpr *value, MrExpr *number, MrExpr **out)
{
    MrDatum one = { .type = mr_type(MR_TYPE_INT64), .integer = 1 };
    MrDatum none = { .type = value->type, .is_null = true };
    MrExpr *first;
    *out = value;
    if (number == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, value->type, value->position, 3, out, b->err));
    MR_TRY(mr_expr_constant(b->arena, &one, -1, &first, b->err));
    MR_TRY(mr_bind_operator(b, "=", number, first, -1, &(*out)->args[0]));
    (*out)->args[1] = value;
    return mr_expr_constant(b->arena, &none, -1, &(*out)->args[2], b->err);
}

/* A value that is a row shows its fields. */
static MrStatus show_value(FromCalls *from, const Part *part, MrExpr *value)
{
    MrBinder *b = from->b;
    const MrRowShape *shape =
        value->type.id == MR_TYPE_RECORD ? mr_row_shape(b, value->type) : NULL;
    if (shape == NULL || from->part_count == 1) {
        return mr_select_add(b, &from->shown, value, part->call->name.name, NULL);
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        MrExpr *field;
        MR_TRY(mr_row_field(b, value, i, part->call->base.position, &field));
        MR_TRY(mr_select_add(b, &from->shown, field, shape->names[i], NULL));
    }
    return MR_OK;
}

/* `column`: the first of the node's for its calls that is not shown yet. */
static MrStatus show_part(FromCalls *from, const Part *part, const MrLogical *node, MrExpr *number,
                          uint32_t *column)
{
    MrBinder *b = from->b;
    MrExpr *value;
    if (part->value != NULL) {
        MR_TRY(mr_bind_node_column(b, node, part->value_column, &value));
        MR_TRY(in_first_row(b, value, number, &value));
        return part->is_record ? mr_record_function_members(b, part->ast, value, &from->shown)
                               : show_value(from, part, value);
    }
    for (uint32_t c = part->first_call; c < part->first_call + part->call_count; c++) {
        for (uint32_t f = 0; f < from->calls[c].function->column_count; f++, (*column)++) {
            MR_TRY(mr_bind_node_column(b, node, *column, &value));
            MR_TRY(part->is_record
                       ? mr_record_function_members(b, part->ast, value, &from->shown)
                       : mr_select_add(b, &from->shown, value, node->columns[*column].name, NULL));
        }
    }
    return MR_OK;
}

/* A single column that its function gives no name is called as the item is. */
static bool is_nameless(const FromCalls *from)
{
    const Part *only = &from->parts[0];
    return from->shown.count == 1 && !only->is_record &&
           (only->value != NULL || from->calls[only->first_call].function->columns[0].name == NULL);
}

/* The functions' columns, and the number where it is asked for. */
static MrStatus show_columns(FromCalls *from, const MrAstFromFunction *ast, uint32_t first,
                             MrLogical *node, MrLogical **out)
{
    MrBinder *b = from->b;
    MrExpr *number = NULL;
    MrSelectList *shown = &from->shown;
    if (from->count > 0) {
        MR_TRY(mr_bind_node_column(b, node, node->column_count - 1, &number));
    }
    for (uint32_t i = 0; i < from->part_count; i++) {
        MR_TRY(show_part(from, &from->parts[i], node, number, &first));
    }
    if (is_nameless(from)) {
        shown->names[0] =
            ast->alias.name != NULL ? ast->alias.name : from->parts[0].call->name.name;
    }
    if (ast->ordinality) {
        MrDatum one = { .type = mr_type(MR_TYPE_INT64), .integer = 1 };
        MR_TRY(number != NULL ? MR_OK : mr_expr_constant(b->arena, &one, -1, &number, b->err));
        MR_TRY(mr_select_add(b, shown, number, "ordinality", NULL));
    }
    return mr_logical_project(b->arena, node, shown->exprs, shown->names, shown->count, out,
                              b->err);
}

static MrStatus bind_rows(MrBinder *b, const MrAstFromFunction *ast, MrLogical *node,
                          MrLogical **out, bool *is_scalar)
{
    FromCalls from = { .b = b };
    MR_TRY(bind_calls(&from, ast));
    MR_TRY(project_values(&from, &node));
    MR_TRY(mr_set_project_arguments(b, from.calls, from.args, from.count, &node));
    const uint32_t first = node->column_count;
    if (from.count > 0) {
        MR_TRY(
            mr_logical_project_set(b->arena, node, from.calls, from.count, false, &node, b->err));
    }
    MR_TRY(show_columns(&from, ast, first, node, out));
    *is_scalar = from.shown.count == 1 && !from.parts[0].is_record && !ast->ordinality;
    return MR_OK;
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
