/*
 * planner/record_function.c - see record_function.h.
 */
#include "planner/record_function.h"

#include <string.h>

#include "parser/ast_make.h"

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
        if (mr_type_is_array(type.id)) {
            return mr_bind_unsupported(b, def->base.position,
                                       "Take it as json, and its elements by "
                                       "json_array_elements_text().",
                                       "an array as a column of %s() is not supported yet",
                                       ast->call->name.name);
        }
        maker->position = def->base.position;
        targets[i] = mr_make_target(
            maker, mr_make_cast(maker, member(maker, def->name, type.id), def->type), def->name);
    }
    maker->position = ast->base.position;
    *out = (MrNodeList){ .items = targets, .count = ast->column_defs.count };
    return MR_OK;
}

/* The JSON of the argument, one value a row, as r(v). */
static MrNode *make_source(MrAstMaker *maker, const MrAstFromFunction *ast,
                           const struct RecordFunction *function)
{
    MrNode *json = mr_make_cast_to(maker, ast->call->args.items[0], function->json);
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

MrStatus mr_record_function_query(MrBinder *b, const MrAstFromFunction *ast,
                                  MrAstFromSubquery **out)
{
    const struct RecordFunction *function = function_find(ast->call->name.name);
    MrAstMaker maker = mr_ast_maker(b->arena, ast->base.position);
    MrNodeList targets;
    if (function == NULL || ast->call->args.count != 1) {
        mr_bind_error(b, MR_ERR_SYNTAX, ast->base.position,
                      "a column definition list is only allowed for functions returning "
                      "\"record\"");
        return mr_error_hint(b->err, "json_to_record(), json_to_recordset() and their jsonb forms "
                                     "take one.");
    }
    MR_TRY(make_targets(b, &maker, ast, &targets));
    MrAstQuery *query = mr_make_select(&maker, targets, make_source(&maker, ast, function));
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
