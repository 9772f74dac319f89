/*
 * planner/sql_function.c - functions in SQL: the body's text with the arguments put in place of the
 * parameters, then parsed and bound where the call stands.
 *
 * A body is one expression without subqueries, so that no name of it can be caught by a name around
 * the call: all of its names are parameters, which CREATE has checked.
 */
#include "planner/sql_function.h"

#include <stdlib.h>
#include <string.h>

#include "engine/set_function.h"
#include "parser/grammar.h"
#include "parser/lexer.h"
#include "parser/parser.h"
#include "parser/print.h"
#include "planner/over.h"

/* Calls in arguments are written out as often as their parameter is used. */
enum { PARAMETERS_MAX = 100, CALLS_MAX = 2000 };

/* ---- Words of the text ------------------------------------------------------------------- */

static bool is_word(const MrLexedToken *token, const char *text)
{
    const char first = text[token->token.position];
    return token->code != MR_TOKEN_SCONST &&
           ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_' ||
            first == '"' || (first & 0x80) != 0);
}

/* All tokens, with one of code 0 at the end. */
static MrStatus tokens_of(MrArena *arena, const char *sql, MrLexedToken **out, MrError *err)
{
    MrLexer lexer;
    const size_t length = strlen(sql);
    uint32_t count = 0;
    MR_NEW_ARRAY(arena, *out, length + 1, err);
    mr_lexer_init(&lexer, arena, sql, (int32_t)length);
    do {
        MR_TRY(mr_lexer_next(&lexer, &(*out)[count], err));
    } while ((*out)[count++].code != 0);
    return MR_OK;
}

MrStatus mr_sql_calls(MrArena *arena, const char *sql, const char *name, bool *out, MrError *err)
{
    MrLexedToken *tokens;
    *out = false;
    MR_TRY(tokens_of(arena, sql, &tokens, err));
    for (; tokens->code != 0; tokens++) {
        *out |= tokens[1].code == MR_TOKEN_LPAREN && is_word(tokens, sql) &&
                strcmp(tokens->token.text, name) == 0;
    }
    return MR_OK;
}

/* Which parameter a token stands for, or -1. */
static int32_t parameter_at(const MrSqlFunction *function, const MrLexedToken *tokens, uint32_t at)
{
    const MrLexedToken *token = &tokens[at];
    const int before = at > 0 ? tokens[at - 1].code : 0, after = token[1].code;
    if (token->code == MR_TOKEN_PARAM) {
        const long number = strtol(function->body + token->token.position + 1, NULL, 10);
        return number >= 1 && number <= (long)function->parameter_count ? (int32_t)number - 1 : -1;
    }
    if (!is_word(token, function->body) || before == MR_TOKEN_DOT || before == MR_TOKEN_TYPECAST ||
        before == MR_TOKEN_AS || after == MR_TOKEN_LPAREN || after == MR_TOKEN_DOT ||
        after == MR_TOKEN_EQUALS_GREATER) {
        return -1;
    }
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        const char *name = function->parameters[p].name;
        if (name != NULL && strcmp(name, token->token.text) == 0) {
            return (int32_t)p;
        }
    }
    return -1;
}

static void append_argument(MrBuilder *out, const MrSqlParameter *parameter, const char *argument)
{
    mr_builder_append_format(out, "(CAST((%s) AS %s))", argument, parameter->type);
}

/* The expression that a call stands for. */
static MrStatus expand(MrArena *arena, const MrSqlFunction *function, const char *const *arguments,
                       const char **out, MrError *err)
{
    MrLexedToken *tokens;
    MrBuilder text;
    int32_t copied = 0;
    MR_TRY(tokens_of(arena, function->body, &tokens, err));
    mr_builder_init(&text, MR_SQL_BYTES_MAX);
    mr_builder_append_string(&text, "CAST((");
    if (function->is_strict && function->parameter_count > 0) {
        mr_builder_append_string(&text, "CASE WHEN ");
        for (uint32_t p = 0; p < function->parameter_count; p++) {
            mr_builder_append_string(&text, p > 0 ? " OR " : "");
            append_argument(&text, &function->parameters[p], arguments[p]);
            mr_builder_append_string(&text, " IS NULL");
        }
        mr_builder_append_string(&text, " THEN NULL ELSE ");
    }
    for (uint32_t at = 0; tokens[at].code != 0; at++) {
        const MrToken *token = &tokens[at].token;
        const int32_t p = parameter_at(function, tokens, at);
        if (p >= 0) {
            mr_builder_append(&text, function->body + copied, (size_t)(token->position - copied));
            append_argument(&text, &function->parameters[p], arguments[p]);
            copied = token->position + token->length;
        }
    }
    mr_builder_append_string(&text, function->body + copied);
    mr_builder_append_format(&text, "%s) AS %s)",
                             function->is_strict && function->parameter_count > 0 ? " END" : "",
                             function->returns);
    const char *whole = mr_builder_text(&text);
    *out = whole == NULL ? NULL : mr_arena_strdup(arena, whole);
    mr_builder_fini(&text);
    if (*out == NULL) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "the call of function \"%s\" grows too large", function->name);
    }
    return MR_OK;
}

/* ---- Calls ------------------------------------------------------------------------------- */

static MrStatus no_such_call(MrBinder *b, const MrAstCall *call, const MrSqlFunction *function)
{
    mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, call->base.position,
                  "function %s with these arguments does not exist", function->name);
    return mr_error_hint(b->err, "It is %s(%s).", function->name,
                         mr_sql_function_arguments(b->arena, function));
}

/* The arguments as SQL: by place, then by name, then the defaults. */
static MrStatus gather_arguments(MrBinder *b, const MrAstCall *call, const MrSqlFunction *function,
                                 const char **arguments)
{
    if (call->args.count > function->parameter_count || call->variadic || call->star) {
        return no_such_call(b, call, function);
    }
    for (uint32_t i = 0; i < call->args.count; i++) {
        const MrNode *value = call->args.items[i];
        uint32_t p = i;
        if (value->kind == MR_AST_NAMED_ARG) {
            const MrAstNamedArg *named = MR_AST_AS(const MrAstNamedArg, value);
            value = named->value;
            for (p = 0; p < function->parameter_count; p++) {
                const char *name = function->parameters[p].name;
                if (name != NULL && strcmp(name, named->name) == 0) {
                    break;
                }
            }
        }
        if (p == function->parameter_count || arguments[p] != NULL) {
            return no_such_call(b, call, function);
        }
        arguments[p] = mr_ast_to_text(b->arena, value, MR_PRINT_COMPLETE);
        if (arguments[p] == NULL) {
            return mr_error_no_memory(b->err);
        }
    }
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        arguments[p] = arguments[p] != NULL ? arguments[p] : function->parameters[p].default_value;
        if (arguments[p] == NULL) {
            return no_such_call(b, call, function);
        }
    }
    return MR_OK;
}

/* Whether the text calls random() or the like, itself or through functions in SQL (whose calls make
 * no circle). */
static MrStatus calls_volatile(MrBinder *b, const char *sql, bool *out)
{
    MrLexedToken *tokens;
    MR_TRY(tokens_of(b->arena, sql, &tokens, b->err));
    for (; tokens->code != 0 && !*out; tokens++) {
        if (tokens[1].code != MR_TOKEN_LPAREN || !is_word(tokens, sql)) {
            continue;
        }
        const char *name = tokens->token.text;
        const MrFunction *const *overloads;
        const uint32_t count = mr_function_lookup((MrString){ name, strlen(name) }, &overloads);
        for (uint32_t i = 0; i < count; i++) {
            *out |= (overloads[i]->flags & MR_FN_VOLATILE) != 0;
        }
        const MrSqlFunction *function = mr_catalog_function(b->context->catalog, name);
        if (function != NULL) {
            MR_TRY(calls_volatile(b, function->body, out));
        }
    }
    return MR_OK;
}

/* An argument is written out at every place of its parameter, and has one value all the same. */
static MrStatus check_volatile(MrBinder *b, const MrAstCall *call, const MrSqlFunction *function,
                               const char *const *arguments)
{
    MrLexedToken *tokens;
    uint32_t uses[PARAMETERS_MAX] = { 0 };
    MR_TRY(tokens_of(b->arena, function->body, &tokens, b->err));
    for (uint32_t at = 0; tokens[at].code != 0; at++) {
        const int32_t p = parameter_at(function, tokens, at);
        if (p >= 0) {
            uses[p]++;
        }
    }
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        bool is_volatile = false;
        if (uses[p] + (function->is_strict ? 1 : 0) > 1) {
            MR_TRY(calls_volatile(b, arguments[p], &is_volatile));
        }
        if (is_volatile) {
            return mr_bind_unsupported(
                b, call->base.position, "Compute the argument in a subquery in FROM.",
                "a volatile argument that function \"%s\" reads twice is not "
                "supported yet",
                function->name);
        }
    }
    return MR_OK;
}

MrStatus mr_bind_sql_function(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const MrSqlFunction *function = b->context->catalog == NULL
                                        ? NULL
                                        : mr_catalog_function(b->context->catalog, call->name.name);
    const char *arguments[PARAMETERS_MAX] = { NULL }, *text;
    MrNode *body;
    *out = NULL;
    if (function == NULL || call->name.hidden ||
        (call->name.schema != NULL && strcmp(call->name.schema, "public") != 0)) {
        return MR_OK;
    }
    if (++b->sql_call_count > CALLS_MAX) {
        mr_bind_error(b, MR_ERR_TOO_COMPLEX, call->base.position,
                      "calls of functions in SQL are nested too deeply");
        return mr_error_hint(b->err, "Compute the inner value in a subquery in FROM.");
    }
    MR_TRY(gather_arguments(b, call, function, arguments));
    MR_TRY(check_volatile(b, call, function, arguments));
    MR_TRY(expand(b->arena, function, arguments, &text, b->err));
    MrStatus status = mr_parse_expression(b->arena, text, strlen(text), &body, b->err);
    status = status == MR_OK ? mr_bind_expr(b, body, out) : status;
    if (status != MR_OK) { /* a place in the expanded text is none of the statement's */
        mr_error_at(b->err, b->view_depth > 0 ? -1 : call->base.position);
    }
    return status;
}

/* ---- CREATE FUNCTION --------------------------------------------------------------------- */

static bool takes(const MrSqlFunction *function, const MrAstNameNode *named)
{
    MrType type;
    MrError ignored = MR_ERROR_INIT; /* an unknown type is one that the function does not take */
    if (named->argument_types.count != function->parameter_count) {
        return false;
    }
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        const MrAstType *given = MR_AST_AS(const MrAstType, named->argument_types.items[p]);
        if (mr_planner_type(given, &type, &ignored) != MR_OK ||
            type.id != function->parameters[p].value_type.id) {
            return false;
        }
    }
    return true;
}

MrStatus mr_sql_function_named(const MrCatalog *catalog, MrArena *arena, const MrAstNameNode *named,
                               const MrSqlFunction **out, MrError *err)
{
    *out = named->name.hidden ? NULL : mr_catalog_function(catalog, named->name.name);
    if (*out != NULL && (!named->has_arguments || takes(*out, named))) {
        return MR_OK;
    }
    *out = NULL;
    const char *text = mr_ast_to_text(arena, &named->base, MR_PRINT_COMPLETE);
    return mr_error_set(err, MR_ERR_UNDEFINED_FUNCTION,
                        named->has_arguments ? "function %s does not exist"
                                             : "could not find a function named \"%s\"",
                        named->has_arguments && text != NULL ? text : named->name.name);
}

const char *mr_sql_function_arguments(MrArena *arena, const MrSqlFunction *function)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        const MrSqlParameter *parameter = &function->parameters[p];
        mr_builder_append_string(&text, p > 0 ? ", " : "");
        if (parameter->name != NULL) {
            mr_print_identifier(&text, parameter->name);
            mr_builder_append_char(&text, ' ');
        }
        mr_builder_append_string(&text, parameter->type);
        mr_builder_append_string(&text, parameter->default_value != NULL ? " = " : "");
        mr_builder_append_string(&text,
                                 parameter->default_value != NULL ? parameter->default_value : "");
    }
    const char *whole = mr_builder_text(&text);
    const char *copy = mr_arena_strdup(arena, whole != NULL ? whole : "…");
    mr_builder_fini(&text);
    return copy != NULL ? copy : "…";
}

static MrStatus bad_definition(const MrAstCreateFunction *statement, MrError *err,
                               const char *message)
{
    mr_error_set(err, MR_ERR_INVALID_FUNCTION, "%s", message);
    return mr_error_at(err, statement->base.position);
}

static MrStatus unsupported(const MrAstCreateFunction *statement, MrError *err, const char *message,
                            const char *hint)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s", message);
    mr_error_at(err, statement->base.position);
    return mr_error_hint(err, "%s", hint);
}

static MrStatus check_statement(const MrAstCreateFunction *statement, MrError *err)
{
    const MrFunction *const *functions;
    const MrAggregate *const *aggregates;
    const MrSetFunction *const *sets;
    const MrString name = mr_string(statement->name.name);
    if (statement->name.connection != NULL ||
        (statement->name.schema != NULL && strcmp(statement->name.schema, "public") != 0)) {
        return unsupported(statement, err, "functions are in schema public",
                           "Leave the schema out.");
    }
    if (statement->language == NULL) {
        return bad_definition(statement, err, "no language specified");
    }
    if (!mr_string_equal_nocase(mr_string(statement->language), MR_STRING("sql"))) {
        return unsupported(statement, err, "functions are written in SQL only", "LANGUAGE SQL");
    }
    if (statement->returns == NULL) {
        return bad_definition(statement, err, "function result type must be specified");
    }
    if (statement->body == NULL) {
        return bad_definition(statement, err, "no function body specified");
    }
    if (mr_function_lookup(name, &functions) > 0 || mr_aggregate_lookup(name, &aggregates) > 0 ||
        mr_set_function_lookup(name, &sets) > 0 || mr_is_window_function(statement->name.name)) {
        mr_error_set(err, MR_ERR_DUPLICATE_FUNCTION, "function \"%s\" is built in",
                     statement->name.name);
        mr_error_at(err, statement->base.position);
        return mr_error_hint(err, "Choose another name.");
    }
    return statement->parameters.count <= PARAMETERS_MAX
               ? MR_OK
               : mr_error_set(err, MR_ERR_TOO_MANY_ARGUMENTS,
                              "functions cannot have more than %d arguments", PARAMETERS_MAX);
}

/* The expression of SELECT expression. */
static MrStatus read_body(MrArena *arena, const MrAstCreateFunction *statement, const char **out,
                          MrError *err)
{
    static const char hint[] = "A function is one SELECT of one expression, without FROM.";
    MrStatementList list;
    MrLexedToken *tokens;
    MrStatus status = mr_parse(arena, statement->body, strlen(statement->body), &list, err);
    if (status != MR_OK) {
        mr_error_at(err, statement->base.position);
        return status;
    }
    if (list.count != 1 || list.items[0].node->kind != MR_AST_QUERY) {
        return unsupported(statement, err, "this body of a function is not supported", hint);
    }
    const MrAstQuery *query = (const MrAstQuery *)list.items[0].node;
    if (query->query != MR_QUERY_SELECT || query->targets.count != 1 || query->from.count > 0 ||
        query->where != NULL || query->group_by.count > 0 || query->having != NULL ||
        query->with.count > 0 || query->order_by.count > 0 || query->limit != NULL ||
        query->offset != NULL || query->distinct != MR_DISTINCT_NONE) {
        return unsupported(statement, err, "this body of a function is not supported", hint);
    }
    *out = mr_ast_to_text(arena, MR_AST_AS(const MrAstTarget, query->targets.items[0])->expr,
                          MR_PRINT_COMPLETE);
    if (*out == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(tokens_of(arena, *out, &tokens, err));
    for (; tokens->code != 0; tokens++) {
        if (tokens->code == MR_TOKEN_SELECT) {
            return unsupported(statement, err, "subqueries in functions are not supported", hint);
        }
    }
    return MR_OK;
}

static MrStatus read_parameters(MrArena *arena, const MrAstCreateFunction *statement,
                                MrSqlFunction *out, MrError *err)
{
    MrSqlParameter *parameters;
    bool has_default = false;
    MR_NEW_ARRAY(arena, parameters, statement->parameters.count + 1, err);
    out->parameters = parameters;
    out->parameter_count = statement->parameters.count;
    for (uint32_t p = 0; p < out->parameter_count; p++) {
        const MrAstFunctionParameter *given =
            MR_AST_AS(const MrAstFunctionParameter, statement->parameters.items[p]);
        MR_TRY(mr_planner_type(given->type, &parameters[p].value_type, err));
        if (given->default_value == NULL && has_default) {
            return bad_definition(statement, err,
                                  "input parameters after one with a default value must also have "
                                  "defaults");
        }
        has_default |= given->default_value != NULL;
        parameters[p].name = given->name;
        parameters[p].type = mr_ast_to_text(arena, &given->type->base, MR_PRINT_COMPLETE);
        parameters[p].default_value =
            given->default_value == NULL
                ? NULL
                : mr_ast_to_text(arena, given->default_value, MR_PRINT_COMPLETE);
        if (parameters[p].type == NULL) {
            return mr_error_no_memory(err);
        }
        for (uint32_t q = 0; q < p && given->name != NULL; q++) {
            if (parameters[q].name != NULL && strcmp(parameters[q].name, given->name) == 0) {
                return bad_definition(statement, err, "parameter name used more than once");
            }
        }
    }
    return MR_OK;
}

/* Bound with NULLs: every name must be a parameter, and the result must fit. */
static MrStatus check_body(MrPlannerContext *context, const MrAstCreateFunction *statement,
                           const MrSqlFunction *function, MrError *err)
{
    MrBinder binder;
    MrNode *body;
    MrExpr *bound;
    const char *arguments[PARAMETERS_MAX], *text;
    bool calls_itself;
    MR_TRY(mr_sql_calls(context->arena, function->body, function->name, &calls_itself, err));
    if (calls_itself) {
        return unsupported(statement, err, "a function that calls itself is not supported",
                           "Functions are written out in place of their calls.");
    }
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        arguments[p] = "NULL";
    }
    MR_TRY(expand(context->arena, function, arguments, &text, err));
    MR_TRY(mr_parse_expression(context->arena, text, strlen(text), &body, err));
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MrStatus status = mr_bind_expr_known(&binder, body, &bound);
    if (status != MR_OK) {
        mr_error_at(err, statement->base.position);
    }
    return status;
}

MrStatus mr_planner_function(MrPlannerContext *context, const MrAstCreateFunction *statement,
                             MrSqlFunction *out, MrError *err)
{
    MR_TRY(check_statement(statement, err));
    *out = (MrSqlFunction){ .name = statement->name.name,
                            .source = statement->body,
                            .volatility = statement->volatility,
                            .is_strict = statement->strict,
                            .zone_name = context->zone == NULL
                                             ? "UTC"
                                             : mr_timezone_stored_name(context->zone) };
    MR_TRY(read_parameters(context->arena, statement, out, err));
    MR_TRY(mr_planner_type(statement->returns, &out->result_type, err));
    MR_TRY(read_body(context->arena, statement, &out->body, err));
    out->returns = mr_ast_to_text(context->arena, &statement->returns->base, MR_PRINT_COMPLETE);
    out->sql = mr_ast_to_text(context->arena, &statement->base, MR_PRINT_COMPLETE);
    if (out->returns == NULL || out->sql == NULL) {
        return mr_error_no_memory(err);
    }
    return check_body(context, statement, out, err);
}
