/*
 * planner/call_arguments.c - see call_arguments.h.
 */
#include "planner/call_arguments.h"

#include <string.h>

/* ---- By name ------------------------------------------------------------------------------- */

enum { ARGUMENTS_MAX = 7 };

/* Names as PostgreSQL has them, and what stands for an argument that is left out; NULL: it must be
 * there. */
static const struct Signature {
    const char *function;
    struct {
        const char *name, *otherwise;
    } arguments[ARGUMENTS_MAX];
} signatures[] = {
#define PATH_ARGUMENTS                                          \
    {                                                           \
        { "target", NULL }, { "path", NULL }, { "vars", "{}" }, \
        {                                                       \
            "silent", "false"                                   \
        }                                                       \
    }
    { "make_interval",
      { { "years", "0" },
        { "months", "0" },
        { "weeks", "0" },
        { "days", "0" },
        { "hours", "0" },
        { "mins", "0" },
        { "secs", "0" } } },
    { "make_date", { { "year", NULL }, { "month", NULL }, { "day", NULL } } },
    { "make_time", { { "hour", NULL }, { "min", NULL }, { "sec", NULL } } },
    { "make_timestamp",
      { { "year", NULL },
        { "month", NULL },
        { "mday", NULL },
        { "hour", NULL },
        { "min", NULL },
        { "sec", NULL } } },
    { "make_timestamptz",
      { { "year", NULL },
        { "month", NULL },
        { "mday", NULL },
        { "hour", NULL },
        { "min", NULL },
        { "sec", NULL },
        { "timezone", "" } } },
    { "jsonb_set",
      { { "jsonb_in", NULL },
        { "path", NULL },
        { "replacement", NULL },
        { "create_if_missing", "true" } } },
    { "jsonb_set_lax",
      { { "jsonb_in", NULL },
        { "path", NULL },
        { "replacement", NULL },
        { "create_if_missing", "true" },
        { "null_value_treatment", "use_json_null" } } },
    { "jsonb_insert",
      { { "jsonb_in", NULL },
        { "path", NULL },
        { "replacement", NULL },
        { "insert_after", "false" } } },
    { "jsonb_path_exists", PATH_ARGUMENTS },
    { "jsonb_path_exists_tz", PATH_ARGUMENTS },
    { "jsonb_path_match", PATH_ARGUMENTS },
    { "jsonb_path_match_tz", PATH_ARGUMENTS },
    { "jsonb_path_query", PATH_ARGUMENTS },
    { "jsonb_path_query_tz", PATH_ARGUMENTS },
    { "jsonb_path_query_array", PATH_ARGUMENTS },
    { "jsonb_path_query_array_tz", PATH_ARGUMENTS },
    { "jsonb_path_query_first", PATH_ARGUMENTS },
    { "jsonb_path_query_first_tz", PATH_ARGUMENTS },
    { "parse_ident", { { "str", NULL }, { "strict", "true" } } },
    { "json_array_elements", { { "from_json", NULL } } },
    { "json_array_elements_text", { { "from_json", NULL } } },
    { "json_each", { { "from_json", NULL } } },
    { "json_each_text", { { "from_json", NULL } } },
    { "jsonb_array_elements", { { "from_json", NULL } } },
    { "jsonb_array_elements_text", { { "from_json", NULL } } },
    { "jsonb_each", { { "from_json", NULL } } },
    { "jsonb_each_text", { { "from_json", NULL } } },
#undef PATH_ARGUMENTS
};

static const struct Signature *signature_find(const char *function)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (strcmp(signatures[i].function, function) == 0) {
            return &signatures[i];
        }
    }
    return NULL;
}

static MrStatus no_such_argument(MrBinder *b, const MrAstCall *call, const char *name)
{
    mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, call->base.position,
                  "function %s has no argument \"%s\" here", call->name.name, name);
    return mr_error_hint(b->err, "No function matches the given name and argument names. Give the "
                                 "arguments by their place.");
}

/* The place of the argument of that name: ARGUMENTS_MAX where there is none. */
static uint32_t argument_place(const struct Signature *signature, const char *name)
{
    for (uint32_t p = 0; p < ARGUMENTS_MAX && signature->arguments[p].name != NULL; p++) {
        if (strcmp(signature->arguments[p].name, name) == 0) {
            return p;
        }
    }
    return ARGUMENTS_MAX;
}

static MrStatus literal_new(MrBinder *b, const char *text, int32_t position, MrNode **out)
{
    MrAstLiteral *literal;
    MR_NEW_ARRAY(b->arena, literal, 1, b->err);
    *literal = (MrAstLiteral){ .base = { .kind = MR_AST_LITERAL, .position = position },
                               .literal = MR_LITERAL_STRING,
                               .text = text };
    *out = &literal->base;
    return MR_OK;
}

/* Every argument at its place; *count is one more than the last that was given. */
static MrStatus arguments_place(MrBinder *b, const MrAstCall *call,
                                const struct Signature *signature, MrNode **places, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < call->args.count; i++) {
        MrNode *value = call->args.items[i];
        uint32_t place = i;
        if (value->kind == MR_AST_NAMED_ARG) {
            const MrAstNamedArg *named = MR_AST_AS(const MrAstNamedArg, value);
            place = signature != NULL ? argument_place(signature, named->name) : ARGUMENTS_MAX;
            value = named->value;
            if (place == ARGUMENTS_MAX || places[place] != NULL) {
                return no_such_argument(b, call, named->name);
            }
        }
        if (place >= ARGUMENTS_MAX) {
            return no_such_argument(b, call, "…");
        }
        places[place] = value;
        *count = place + 1 > *count ? place + 1 : *count;
    }
    return MR_OK;
}

static bool has_names(const MrAstCall *call)
{
    return call->args.count > 0 && call->args.items[call->args.count - 1]->kind == MR_AST_NAMED_ARG;
}

MrStatus mr_call_by_place(MrBinder *b, const MrAstCall *call, const MrAstCall **out)
{
    const struct Signature *signature;
    MrAstCall *copy;
    uint32_t count;
    *out = call;
    if (!has_names(call)) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, copy, 1, b->err);
    *copy = *call;
    MR_NEW_ARRAY(b->arena, copy->args.items, ARGUMENTS_MAX, b->err);
    memset(copy->args.items, 0, ARGUMENTS_MAX * sizeof *copy->args.items);
    signature = signature_find(call->name.name);
    MR_TRY(arguments_place(b, call, signature, copy->args.items, &count));
    for (uint32_t p = 0; p < count; p++) {
        if (copy->args.items[p] != NULL) {
            continue;
        }
        if (signature->arguments[p].otherwise == NULL) {
            return no_such_argument(b, call, signature->arguments[count - 1].name);
        }
        MR_TRY(literal_new(b, signature->arguments[p].otherwise, call->base.position,
                           &copy->args.items[p]));
    }
    copy->args.count = count;
    *out = copy;
    return MR_OK;
}

/* ---- VARIADIC ------------------------------------------------------------------------------ */

/* json_extract_path(j, VARIADIC path) is j #> path. */
static const char *path_operator(const char *function)
{
    static const char *const operators[][2] = {
        { "json_extract_path", "#>" },
        { "jsonb_extract_path", "#>" },
        { "json_extract_path_text", "#>>" },
        { "jsonb_extract_path_text", "#>>" },
    };
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(operators[i][0], function) == 0) {
            return operators[i][1];
        }
    }
    return NULL;
}

static MrStatus bind_path(MrBinder *b, const MrAstCall *call, const char *operator, MrExpr ** args,
                          MrExpr **out)
{
    const MrTypeId json = strncmp(call->name.name, "jsonb", 5) == 0 ? MR_TYPE_JSONB : MR_TYPE_JSON;
    const int32_t position = call->base.position;
    MR_TRY(mr_coerce(b, args[0], mr_type(json), MR_CAST_IMPLICIT, position, &args[0]));
    MR_TRY(
        mr_coerce(b, args[1], mr_type(MR_TYPE_TEXT_ARRAY), MR_CAST_IMPLICIT, position, &args[1]));
    return mr_bind_operator(b, operator, args[0], args[1], position, out);
}

MrStatus mr_bind_variadic_call(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const MrFunction *const *found;
    MrExpr *args[MR_CALL_ARGS_MAX];
    const int32_t position = call->base.position;
    const uint32_t count = call->args.count;
    const char *operator= path_operator(call->name.name);
    const char *name = mr_arena_printf(b->arena, "%s(variadic)", call->name.name);
    if (name == NULL) {
        return mr_error_no_memory(b->err);
    }
    if (count > MR_CALL_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, position,
                             "cannot pass more than %d arguments to a function", MR_CALL_ARGS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &args[i]));
    }
    if (operator!= NULL && count == 2) {
        return bind_path(b, call, operator, args, out);
    }
    const bool is_variadic = mr_function_lookup(mr_string(name), &found) > 0;
    if (is_variadic && !mr_type_is_array(args[count - 1]->type.id)) {
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, call->args.items[count - 1]->position,
                             "VARIADIC argument must be an array");
    }
    *out = NULL;
    if (is_variadic) {
        MR_TRY(mr_bind_function(b, name, args, count, position, out));
    }
    return *out != NULL ? MR_OK : mr_function_missing(b, call->name.name, args, count, position);
}
