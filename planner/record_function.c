/*
 * planner/record_function.c - see record_function.h.
 */
#include "planner/record_function.h"

#include <string.h>

#include "parser/ast_make.h"
#include "planner/row_value.h"

static const struct RecordFunction {
    const char *name;
    const char *json;     /* the argument's type */
    const char *elements; /* of a set: what gives its values, one a row; else NULL */
} functions[] = {
    { "json_to_record", "json", NULL },
    { "jsonb_to_record", "jsonb", NULL },
    { "json_to_recordset", "json", "json_array_elements" },
    { "jsonb_to_recordset", "jsonb", "jsonb_array_elements" },
};

static const struct RecordFunction *function_find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

/* The JSON of the argument, one value a row, as r(v). */
static MrNode *make_source(MrAstMaker *maker, MrNode *argument,
                           const struct RecordFunction *function)
{
    MrNode *json = mr_make_cast_to(maker, argument, function->json);
    MrAlias alias = mr_make_alias(maker, "r", "v");
    if (function->elements != NULL) {
        MrNodeList args = mr_make_list(maker, &json, 1);
        return mr_make_from_function(
            maker, mr_make_call(maker, function->elements, MR_CALL_PLAIN, args), alias);
    }
    MrNode *target = mr_make_target(maker, json, "v");
    return mr_make_from_query(maker, mr_make_select(maker, mr_make_list(maker, &target, 1), NULL),
                              alias);
}

/* ---- json_populate_record(row, json) ------------------------------------------------------- */

static const struct Populate {
    const char *name;
    MrTypeId json;
    const char *single; /* of a set: the function for each of its elements; else NULL */
    struct RecordFunction source;
} populates[] = {
    { "json_populate_record", MR_TYPE_JSON, NULL, { "", "json", NULL } },
    { "jsonb_populate_record", MR_TYPE_JSONB, NULL, { "", "jsonb", NULL } },
    { "json_populate_recordset",
      MR_TYPE_JSON,
      "json_populate_record",
      { "", "json", "json_array_elements" } },
    { "jsonb_populate_recordset",
      MR_TYPE_JSONB,
      "jsonb_populate_record",
      { "", "jsonb", "jsonb_array_elements" } },
};

static const struct Populate *populate_find(const MrAstCall *call)
{
    for (size_t i = 0; i < sizeof populates / sizeof populates[0]; i++) {
        if (call != NULL && strcmp(populates[i].name, call->name.name) == 0 &&
            call->args.count == 2) {
            return &populates[i];
        }
    }
    return NULL;
}

bool mr_is_record_function(const MrAstFromFunction *ast)
{
    return ast->calls.count == 0 && ast->column_defs.count == 0 && !ast->ordinality &&
           populate_find(ast->call) != NULL;
}

/* SELECT (json_populate_record(row, v)).* FROM … r(v). */
static void populate_query(MrAstMaker *maker, const MrAstFromFunction *ast, MrAstQuery **out)
{
    const struct Populate *function = populate_find(ast->call);
    const char *name = function->single != NULL ? function->single : function->name;
    MrNode *args[] = { ast->call->args.items[0], mr_make_column(maker, "v") };
    MrAstCall *call = mr_make_call(maker, name, MR_CALL_PLAIN, mr_make_list(maker, args, 2));
    MrNode *target = mr_make_target(maker, mr_make_field(maker, &call->base, NULL), NULL);
    *out = mr_make_select(maker, mr_make_list(maker, &target, 1),
                          make_source(maker, ast->call->args.items[1], &function->source));
}

MrStatus mr_record_function_query(MrBinder *b, const MrAstFromFunction *ast,
                                  MrAstFromSubquery **out)
{
    MrAstMaker maker = mr_ast_maker(b->arena, ast->base.position);
    MrAstQuery *query = NULL;
    populate_query(&maker, ast, &query);
    MrNode *item = mr_make_from_query(&maker, query, ast->alias);
    if (maker.failed) {
        return mr_error_no_memory(b->err);
    }
    *out = MR_AST_AS(MrAstFromSubquery, item);
    (*out)->lateral = true;
    if ((*out)->alias.name == NULL) {
        (*out)->alias.name = ast->call->name.name;
    }
    return MR_OK;
}

/* CASE WHEN condition THEN value ELSE otherwise END. */
static MrStatus choose(MrBinder *b, MrExpr *condition, MrExpr *value, MrExpr *otherwise,
                       MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, value->type, value->position, 3, out, b->err));
    (*out)->args[0] = condition;
    (*out)->args[1] = value;
    (*out)->args[2] = otherwise;
    return MR_OK;
}

/* The member of that name as a value of the type. */
static MrStatus bind_member(MrBinder *b, MrExpr *json, const char *name, MrType type,
                            int32_t position, MrExpr **out)
{
    MrExpr *key, *value, *as_text;
    const MrDatum null = { .type = mr_type(type.id), .is_null = true };
    MR_TRY(mr_expr_text(b->arena, name, &key, b->err));
    MR_TRY(mr_bind_operator(b, "->", json, key, position, &value));
    MR_TRY(mr_bind_operator(b, "->>", json, key, position, &as_text));
    if (mr_type_is_array(type.id)) {
        MrExpr *args[3] = { value, key, NULL };
        MR_TRY(mr_expr_constant(b->arena, &null, position, &args[2], b->err));
        MR_TRY(mr_bind_function(b, "mr_json_array", args, 3, position, out));
    } else if (type.id == MR_TYPE_JSON || type.id == MR_TYPE_JSONB) {
        MrExpr *none, *is_none;
        MR_TRY(mr_expr_constant(b->arena, &null, position, &none, b->err));
        MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, as_text, &is_none));
        MR_TRY(mr_coerce(b, value, type, MR_CAST_EXPLICIT, position, &value));
        MR_TRY(choose(b, is_none, none, value, out));
    } else {
        *out = as_text;
    }
    MR_TRY(mr_coerce(b, *out, mr_type(type.id), MR_CAST_EXPLICIT, position, out));
    return type.typmod == -1 ? MR_OK /* a longer text is an error, as where it is read */
                             : mr_coerce(b, *out, type, MR_CAST_ASSIGNMENT, position, out);
}

/* ---- json_to_record(json) AS (column type, …) ----------------------------------------------- */

MrStatus mr_record_function_check(MrBinder *b, const MrAstCall *call)
{
    return function_find(call->name.name) == NULL
               ? MR_OK
               : mr_bind_error(b, MR_ERR_SYNTAX, call->base.position,
                               "a column definition list is required for functions returning "
                               "\"record\"");
}

MrStatus mr_record_function_source(MrBinder *b, const MrAstFromFunction *ast, const MrAstCall *call,
                                   MrExpr ***args, const char **elements)
{
    const struct RecordFunction *function = function_find(call->name.name);
    if (function == NULL) {
        mr_bind_error(b, MR_ERR_SYNTAX, ast->column_defs.items[0]->position,
                      "a column definition list is only allowed for functions returning "
                      "\"record\"");
        return mr_error_hint(b->err, "json_to_record(), json_to_recordset() and their jsonb forms "
                                     "take one.");
    }
    if (ast->ordinality) {
        mr_bind_error(b, MR_ERR_SYNTAX, ast->column_defs.items[0]->position,
                      "WITH ORDINALITY cannot be used with a column definition list");
        return mr_error_hint(b->err, "Put the column definition list inside ROWS FROM().");
    }
    *elements = function->elements;
    MR_NEW_ARRAY(b->arena, *args, call->args.count, b->err);
    for (uint32_t i = 0; i < call->args.count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &(*args)[i]));
    }
    const MrTypeId json = strcmp(function->json, "json") == 0 ? MR_TYPE_JSON : MR_TYPE_JSONB;
    if (call->args.count != 1 || !mr_can_coerce((*args)[0]->type.id, json, MR_CAST_IMPLICIT)) {
        return mr_function_missing(b, call->name.name, *args, call->args.count,
                                   call->base.position);
    }
    return mr_coerce(b, (*args)[0], mr_type(json), MR_CAST_IMPLICIT, call->base.position,
                     &(*args)[0]);
}

MrStatus mr_record_function_members(MrBinder *b, const MrAstFromFunction *ast, MrExpr *json,
                                    MrSelectList *list)
{
    for (uint32_t i = 0; i < ast->column_defs.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->column_defs.items[i]);
        MrType type;
        MrExpr *value;
        MR_TRY(mr_planner_type(def->type, &type, b->err));
        MR_TRY(bind_member(b, json, def->name, type, def->base.position, &value));
        MR_TRY(mr_select_add(b, list, value, def->name, NULL));
    }
    return MR_OK;
}

/* ---- json_populate_record as a value -------------------------------------------------------- */

/* The row's fields, of the members where the object has them. */
static MrStatus populate(MrBinder *b, const MrAstCall *call, const struct Populate *function,
                         MrExpr **base, MrExpr **json, MrSelectList *list)
{
    const int32_t position = call->base.position;
    if (function->single != NULL) {
        return mr_bind_unsupported(b, position, "Put it into FROM.",
                                   "%s() in the select list is not supported", function->name);
    }
    MR_TRY(mr_bind_expr(b, call->args.items[0], base));
    MR_TRY(mr_bind_expr(b, call->args.items[1], json));
    MR_TRY(mr_coerce(b, *json, mr_type(function->json), MR_CAST_IMPLICIT, position, json));
    const MrRowShape *shape = mr_row_shape(b, (*base)->type);
    if ((*base)->type.id != MR_TYPE_RECORD || shape == NULL) {
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                      "first argument of %s must be a row type", function->name);
        return mr_error_hint(b->err, "A row of a relation's columns is NULL::relation.");
    }
    const bool is_empty = (*base)->kind == MR_EXPR_CONSTANT && (*base)->constant.is_null;
    for (uint32_t i = 0; i < shape->count; i++) {
        MrExpr *value, *key, *member_value, *field, *is_absent;
        MR_TRY(bind_member(b, *json, shape->names[i], shape->types[i], position, &value));
        if (!is_empty) {
            MR_TRY(mr_expr_text(b->arena, shape->names[i], &key, b->err));
            MR_TRY(mr_bind_operator(b, "->", *json, key, position, &member_value));
            MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, member_value, &is_absent));
            MR_TRY(mr_row_field(b, *base, i, position, &field));
            MR_TRY(choose(b, is_absent, field, value, &value));
        }
        MR_TRY(mr_select_add(b, list, value, shape->names[i], NULL));
    }
    return MR_OK;
}

MrStatus mr_bind_populate(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const struct Populate *function = populate_find(call);
    MrSelectList list = { 0 };
    MrExpr *base, *json, *is_none, *row;
    *out = NULL;
    if (function == NULL) {
        return MR_OK;
    }
    MR_TRY(populate(b, call, function, &base, &json, &list));
    MR_TRY(mr_row_make(b, &list, call->base.position, &row));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, json, &is_none));
    return choose(b, is_none, base, row, out);
}

MrStatus mr_bind_populate_fields(MrBinder *b, const MrNode *node, MrSelectList *list, bool *found)
{
    const MrAstCall *call = node->kind == MR_AST_CALL ? MR_AST_AS(const MrAstCall, node) : NULL;
    const struct Populate *function = populate_find(call);
    MrExpr *base, *json;
    *found = function != NULL;
    return *found ? populate(b, call, function, &base, &json, list) : MR_OK;
}
