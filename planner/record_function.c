/*
 * planner/record_function.c - see record_function.h.
 */
#include "planner/record_function.h"

#include "parser/parser.h"
#include "parser/print.h"

#include <string.h>

static const struct RecordFunction {
    const char *name;
    const char *from; /* FROM of the query, over the argument's text */
    MrTypeId json;
} functions[] = {
    { "json_to_record", "(SELECT CAST(%s AS json)) AS r(v)", MR_TYPE_JSON },
    { "jsonb_to_record", "(SELECT CAST(%s AS jsonb)) AS r(v)", MR_TYPE_JSONB },
    { "json_to_recordset", "json_array_elements(CAST(%s AS json)) AS r(v)", MR_TYPE_JSON },
    { "jsonb_to_recordset", "jsonb_array_elements(CAST(%s AS jsonb)) AS r(v)", MR_TYPE_JSONB },
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
static void append_member(MrBuilder *text, const char *name, MrTypeId type)
{
    MrBuilder key;
    mr_builder_init(&key, 0);
    mr_builder_append_literal(&key, name, strlen(name));
    const char *quoted = key.failed ? "''" : mr_builder_text(&key);
    if (type == MR_TYPE_JSON || type == MR_TYPE_JSONB) {
        mr_builder_append_format(text, "CASE WHEN v ->> %s IS NOT NULL THEN v -> %s END", quoted,
                                 quoted);
    } else {
        mr_builder_append_format(text, "v ->> %s", quoted);
    }
    text->failed |= key.failed;
    mr_builder_fini(&key);
}

static MrStatus append_columns(MrBinder *b, const MrAstFromFunction *ast, MrBuilder *text)
{
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
        mr_builder_append_string(text, i > 0 ? ", " : "");
        append_member(text, def->name, type.id);
        mr_builder_append_string(text, " AS ");
        mr_builder_append_quoted_identifier(text, def->name);
    }
    return MR_OK;
}

/* Each target as the type of its column. */
static MrStatus cast_targets(MrBinder *b, const MrAstFromFunction *ast, MrAstQuery *query)
{
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->column_defs.items[i]);
        MrAstTarget *target = MR_AST_AS(MrAstTarget, query->targets.items[i]);
        MrAstCast *cast;
        MR_NEW(b->arena, cast, b->err);
        *cast = (MrAstCast){ .base = { .kind = MR_AST_CAST, .position = def->base.position },
                             .operand = target->expr,
                             .type = def->type };
        target->expr = &cast->base;
    }
    return MR_OK;
}

static MrStatus query_text(MrBinder *b, const MrAstFromFunction *ast,
                           const struct RecordFunction *function, MrBuilder *text)
{
    const char *argument = mr_ast_to_text(b->arena, ast->call->args.items[0], MR_PRINT_COMPLETE);
    if (argument == NULL) {
        return mr_error_no_memory(b->err);
    }
    mr_builder_append_string(text, "SELECT ");
    MR_TRY(append_columns(b, ast, text));
    mr_builder_append_string(text, " FROM ");
    const char *hole = strstr(function->from, "%s");
    mr_builder_append(text, function->from, (size_t)(hole - function->from));
    mr_builder_append_format(text, "(%s)", argument);
    mr_builder_append_string(text, hole + 2);
    return text->failed ? mr_error_no_memory(b->err) : MR_OK;
}

MrStatus mr_record_function_query(MrBinder *b, const MrAstFromFunction *ast,
                                  MrAstFromSubquery **out)
{
    const struct RecordFunction *function = function_find(ast->call->name.name);
    MrStatementList statements = { 0 };
    MrBuilder text;
    if (function == NULL || ast->call->args.count != 1) {
        mr_bind_error(b, MR_ERR_SYNTAX, ast->base.position,
                      "a column definition list is only allowed for functions returning "
                      "\"record\"");
        return mr_error_hint(b->err, "json_to_record(), json_to_recordset() and their jsonb forms "
                                     "take one.");
    }
    mr_builder_init(&text, 1 << 20);
    MrStatus status = query_text(b, ast, function, &text);
    if (status == MR_OK) {
        status = mr_parse(b->arena, text.data, text.length, &statements, b->err);
    }
    mr_builder_fini(&text);
    MR_TRY(status);
    MrAstQuery *query = MR_AST_AS(MrAstQuery, statements.items[0].node);
    MR_TRY(cast_targets(b, ast, query));
    MR_NEW(b->arena, *out, b->err);
    **out = (MrAstFromSubquery){ .base = { .kind = MR_AST_FROM_SUBQUERY,
                                           .position = ast->base.position },
                                 .query = query,
                                 .lateral = true,
                                 .alias = ast->alias };
    if ((*out)->alias.name == NULL) {
        (*out)->alias.name = ast->call->name.name;
    }
    return MR_OK;
}
