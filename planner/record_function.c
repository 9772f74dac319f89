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

/* A column that is JSON itself takes the member as it is; but null is NULL in every column. */
static MrNode *member(MrAstMaker *maker, const char *name, MrTypeId type)
{
    MrNode *value = mr_make_column(maker, "v"), *key = mr_make_string(maker, name);
    MrNode *text = mr_make_operator(maker, "->>", value, key);
    if (mr_type_is_array(type)) {
        MrNode *args[] = { mr_make_operator(maker, "->", value, key), key,
                           mr_make_cast_to(maker, mr_make_null(maker), mr_type_info(type)->name) };
        return &mr_make_call(maker, "mr_json_array", MR_CALL_PLAIN, mr_make_list(maker, args, 3))
                    ->base;
    }
    if (type != MR_TYPE_JSON && type != MR_TYPE_JSONB) {
        return text;
    }
    return mr_make_when(maker, mr_make_is_null(maker, text, true),
                        mr_make_operator(maker, "->", value, key));
}

/* Each column as the type that the query gives it. */
static MrStatus make_targets(MrBinder *b, MrAstMaker *maker, const MrAstFromFunction *ast,
                             MrNodeList *out)
{
    MrNode **targets;
    MR_NEW_ARRAY(b->arena, targets, ast->column_defs.count, b->err);
    for (uint32_t i = 0; i < ast->column_defs.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->column_defs.items[i]);
        MrType type;
        MR_TRY(mr_planner_type(def->type, &type, b->err));
        maker->position = def->base.position;
        targets[i] = mr_make_target(
            maker, mr_make_cast(maker, member(maker, def->name, type.id), def->type), def->name);
    }
    maker->position = ast->base.position;
    *out = (MrNodeList){ .items = targets, .count = ast->column_defs.count };
    return MR_OK;
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

static MrStatus defined_query(MrBinder *b, MrAstMaker *maker, const MrAstFromFunction *ast,
                              MrAstQuery **out)
{
    const struct RecordFunction *function = function_find(ast->call->name.name);
    MrNodeList targets;
    if (function == NULL || ast->call->args.count != 1) {
        mr_bind_error(b, MR_ERR_SYNTAX, ast->base.position,
                      "a column definition list is only allowed for functions returning "
                      "\"record\"");
        return mr_error_hint(b->err, "json_to_record(), json_to_recordset() and their jsonb forms "
                                     "take one.");
    }
    MR_TRY(make_targets(b, maker, ast, &targets));
    *out = mr_make_select(maker, targets, make_source(maker, ast->call->args.items[0], function));
    return MR_OK;
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
    return ast->column_defs.count > 0 ||
           (ast->calls.count == 0 && !ast->ordinality && populate_find(ast->call) != NULL);
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
    if (ast->column_defs.count > 0) {
        MR_TRY(defined_query(b, &maker, ast, &query));
    } else {
        populate_query(&maker, ast, &query);
    }
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
    return mr_coerce(b, *out, type, MR_CAST_EXPLICIT, position, out);
}

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
