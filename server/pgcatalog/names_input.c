/*
 * server/pgcatalog/names_input.c - names of objects to numbers: the input of the reg types, with
 * PostgreSQL's rules and errors.
 */
#include <strings.h>

#include "parser/parser.h"
#include "server/pgcatalog/version.h"
#include "storage/reg.h"

/* What is looked for; a look-up that finds nothing says in `err` what is missing. */
typedef struct LookUp {
    const MrPgNames *names;
    MrArena *arena;
    MrString text;
    MrError *err;
} LookUp;

/* A name in parts; schema NULL: none. */
typedef struct Name {
    const char *schema, *name;
} Name;

static MrStatus missing(const LookUp *look, MrStatus status, const char *format)
{
    return mr_error_set(look->err, status, format, (int)look->text.length, look->text.data);
}

static bool is_blank(MrString text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (strchr(" \t\n\r\f\v", text.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static MrStatus check_schema(const LookUp *look, const char *schema_name)
{
    return schema_name == NULL || mr_pg_schema_number(schema_name) != 0
               ? MR_OK
               : mr_error_set(look->err, MR_ERR_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                              schema_name);
}

/* The schema must be there, and a database in front of it this one. */
static MrStatus split(const LookUp *look, MrString text, Name *out)
{
    const char *parts[3];
    uint32_t count;
    MR_TRY(mr_pg_split_name(look->arena, text, parts, &count, look->err));
    *out = (Name){ count > 1 ? parts[count - 2] : NULL, parts[count - 1] };
    if (count == 3 && strcmp(parts[0], look->names->database) != 0) {
        return missing(look, MR_ERR_UNSUPPORTED,
                       "cross-database references are not implemented: \"%.*s\"");
    }
    return check_schema(look, out->schema);
}

static bool is_in_catalog(const Name *name)
{
    return name->schema == NULL || strcmp(name->schema, "pg_catalog") == 0;
}

static bool is_in_public(const LookUp *look, const Name *name)
{
    return name->schema == NULL ? mr_search_path_has(&look->names->path, "public")
                                : strcmp(name->schema, "public") == 0;
}

/* ---- Relations and types --------------------------------------------------------------------- */

static MrStatus find_class(const LookUp *look, uint32_t *out)
{
    Name name;
    MrStatus status = split(look, look->text, &name);
    if (status == MR_ERR_SYNTAX) {
        return missing(look, status, "improper relation name (too many dotted names): %.*s");
    }
    MR_TRY(status);
    const MrPgClass *class = mr_pg_class_find(look->names, name.schema, name.name);
    if (class == NULL) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_TABLE, "relation \"%s%s%s\" does not exist",
                            name.schema == NULL ? "" : name.schema, name.schema == NULL ? "" : ".",
                            name.name);
    }
    *out = class->number;
    return MR_OK;
}

/* Types by SQL's names and ours; those that only PostgreSQL has by its own. */
static MrStatus find_type(const LookUp *look, uint32_t *out)
{
    MrAstType *ast = NULL;
    MrType type;
    MrError ignored = MR_ERROR_INIT;
    if (!is_blank(look->text)) {
        MR_TRY(mr_parse_type(look->arena, look->text.data, look->text.length, &ast, look->err));
    }
    if (ast == NULL || ast->setof) {
        return missing(look, MR_ERR_SYNTAX, "invalid type name \"%.*s\"");
    }
    MR_TRY(check_schema(look, ast->schema));
    if (mr_planner_type(ast, &type, &ignored) == MR_OK) {
        *out = mr_pg_type_number(type.id);
        return MR_OK;
    }
    const MrPgType *known = ast->schema == NULL || strcmp(ast->schema, "pg_catalog") == 0
                                ? mr_pg_type_find(mr_string(ast->name))
                                : NULL;
    if (known == NULL) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT, "type \"%s%s%s%s\" does not exist",
                            ast->schema == NULL ? "" : ast->schema, ast->schema == NULL ? "" : ".",
                            ast->name, ast->array_dimensions > 0 ? "[]" : "");
    }
    *out = ast->array_dimensions > 0 ? known->array : known->number;
    return MR_OK;
}

/* ---- Functions and operators by name --------------------------------------------------------- */

static MrStatus find_function(const LookUp *look, uint32_t *out)
{
    Name name;
    uint32_t count = 0;
    const MrPgRoutine *routine = NULL;
    MR_TRY(split(look, look->text, &name));
    const MrString own = mr_string(name.name);
    if (is_in_catalog(&name)) {
        routine = mr_pg_routine_find(false, own, &count);
    }
    if (count > 1) {
        return missing(look, MR_ERR_AMBIGUOUS_FUNCTION, "more than one function named \"%.*s\"");
    }
    if (routine == NULL && is_in_public(look, &name)) {
        routine = mr_pg_function_find(look->names->pg, own);
    }
    *out = routine != NULL        ? routine->number
           : is_in_catalog(&name) ? mr_pg_type_function_number(own)
                                  : 0;
    return *out != 0 ? MR_OK
                     : missing(look, MR_ERR_UNDEFINED_FUNCTION, "function \"%.*s\" does not exist");
}

static MrStatus find_operator(const LookUp *look, uint32_t *out)
{
    Name name;
    uint32_t count = 0;
    const MrPgRoutine *routine = NULL;
    MR_TRY(split(look, look->text, &name));
    if (is_in_catalog(&name)) {
        routine = mr_pg_routine_find(true, mr_string(name.name), &count);
    }
    if (count > 1) {
        return missing(look, MR_ERR_AMBIGUOUS_FUNCTION, "more than one operator named %.*s");
    }
    *out = routine == NULL ? 0 : routine->number;
    return *out != 0 ? MR_OK
                     : missing(look, MR_ERR_UNDEFINED_FUNCTION, "operator does not exist: %.*s");
}

/* ---- The same by name and arguments ---------------------------------------------------------- */

/* name(type, type) in parts. */
typedef struct Signature {
    Name name;
    uint32_t types[MR_PG_ARGUMENTS_MAX]; /* 0: NONE */
    uint32_t count;
} Signature;

/* Up to the next comma, or the end, outside brackets and quotes. */
static size_t piece_length(MrString text)
{
    uint32_t depth = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        is_quoted = is_quoted != (c == '"');
        depth += !is_quoted && (c == '(' || c == '[');
        depth -= !is_quoted && (c == ')' || c == ']') && depth > 0;
        if (!is_quoted && depth == 0 && c == ',') {
            return i;
        }
    }
    return text.length;
}

static size_t name_length(MrString text)
{
    bool is_quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        is_quoted = is_quoted != (text.data[i] == '"');
        if (!is_quoted && text.data[i] == '(') {
            return i;
        }
    }
    return text.length;
}

static bool is_none(MrString text)
{
    while (text.length > 0 && is_blank((MrString){ text.data, 1 })) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_blank((MrString){ text.data + text.length - 1, 1 })) {
        text.length--;
    }
    return mr_string_equal_nocase(text, MR_STRING("none"));
}

static MrStatus read_types(const LookUp *look, MrString rest, bool operators, Signature *out)
{
    for (bool is_last = is_blank(rest); !is_last;) {
        LookUp piece = *look;
        piece.text = (MrString){ rest.data, piece_length(rest) };
        is_last = piece.text.length == rest.length;
        rest.data += piece.text.length + !is_last;
        rest.length -= piece.text.length + !is_last;
        if (is_last && out->count > 0 && is_blank(piece.text)) {
            return mr_error_set(look->err, MR_ERR_INVALID_TEXT, "expected a type name");
        }
        if (out->count == MR_PG_ARGUMENTS_MAX) {
            return mr_error_set(look->err, MR_ERR_TOO_MANY_ARGUMENTS, "too many arguments");
        }
        uint32_t *type = &out->types[out->count++];
        *type = 0;
        if (!operators || !is_none(piece.text)) {
            MR_TRY(find_type(&piece, type));
        }
    }
    return MR_OK;
}

static MrStatus read_signature(const LookUp *look, bool operators, Signature *out)
{
    MrString text = look->text;
    while (text.length > 0 && is_blank((MrString){ text.data + text.length - 1, 1 })) {
        text.length--;
    }
    const size_t open = name_length(text);
    if (open == text.length) {
        return mr_error_set(look->err, MR_ERR_INVALID_TEXT, "expected a left parenthesis");
    }
    if (text.data[text.length - 1] != ')') {
        return mr_error_set(look->err, MR_ERR_INVALID_TEXT, "expected a right parenthesis");
    }
    out->count = 0;
    const MrString rest = { text.data + open + 1, text.length - open - 2 };
    MR_TRY(read_types(look, rest, operators, out));
    return split(look, (MrString){ text.data, open }, &out->name);
}

static bool is_meant(const MrPgRoutine *routine, const Signature *signature)
{
    if (strcmp(routine->name, signature->name.name) != 0 ||
        routine->arg_count != signature->count) {
        return false;
    }
    for (uint32_t i = 0; i < signature->count; i++) {
        if (mr_pg_routine_type(routine, routine->args[i]) != signature->types[i]) {
            return false;
        }
    }
    return true;
}

static uint32_t find_meant(const MrPgRoutine *all, uint32_t count, const Signature *signature)
{
    for (uint32_t i = 0; i < count; i++) {
        if (is_meant(&all[i], signature)) {
            return all[i].number;
        }
    }
    return 0;
}

static MrStatus find_function_of(const LookUp *look, uint32_t *out)
{
    const MrPgCatalog *pg = look->names->pg;
    const MrPgRoutine *all;
    const uint32_t count = mr_pg_routines(false, &all);
    Signature signature;
    MR_TRY(read_signature(look, false, &signature));
    *out = is_in_catalog(&signature.name) ? find_meant(all, count, &signature) : 0;
    if (*out == 0 && is_in_public(look, &signature.name)) {
        *out = find_meant(pg->functions, pg->function_count, &signature);
    }
    return *out != 0 ? MR_OK
                     : missing(look, MR_ERR_UNDEFINED_FUNCTION, "function \"%.*s\" does not exist");
}

/* Two arguments, the left one NONE of a prefix operator. */
static MrStatus find_operator_of(const LookUp *look, uint32_t *out)
{
    const MrPgRoutine *all;
    const uint32_t count = mr_pg_routines(true, &all);
    Signature signature;
    MR_TRY(read_signature(look, true, &signature));
    if (signature.count == 1) {
        mr_error_set(look->err, MR_ERR_UNDEFINED_PARAMETER, "missing argument");
        return mr_error_hint(look->err,
                             "Use NONE to denote the missing argument of a unary operator.");
    }
    if (signature.count != 2) {
        mr_error_set(look->err, MR_ERR_TOO_MANY_ARGUMENTS, "too many arguments");
        return mr_error_hint(look->err, "Provide two argument types for operator.");
    }
    if (signature.types[0] == 0) {
        signature.types[0] = signature.types[1];
        signature.count = 1;
    }
    *out = is_in_catalog(&signature.name) ? find_meant(all, count, &signature) : 0;
    return *out != 0 ? MR_OK
                     : missing(look, MR_ERR_UNDEFINED_FUNCTION, "operator does not exist: %.*s");
}

/* ---- Schemas, roles, collations -------------------------------------------------------------- */

/* The name of what is in no schema. */
static MrStatus single_name(const LookUp *look, const char **out)
{
    const char *parts[3];
    uint32_t count;
    MrStatus status = mr_pg_split_name(look->arena, look->text, parts, &count, look->err);
    if (status == MR_ERR_SYNTAX || (status == MR_OK && count > 1)) {
        return mr_error_set(look->err, MR_ERR_INVALID_NAME, "invalid name syntax");
    }
    *out = parts[0];
    return status;
}

static MrStatus find_schema(const LookUp *look, uint32_t *out)
{
    const char *name;
    MR_TRY(single_name(look, &name));
    *out = mr_pg_schema_number(name);
    return check_schema(look, name);
}

static MrStatus find_role(const LookUp *look, uint32_t *out)
{
    const char *name;
    MR_TRY(single_name(look, &name));
    const MrPgRole *role = mr_pg_role_find(look->names->pg, mr_string(name));
    if (role == NULL) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
    }
    *out = role->number;
    return MR_OK;
}

static MrStatus find_collation(const LookUp *look, uint32_t *out)
{
    Name name;
    MR_TRY(split(look, look->text, &name));
    *out = is_in_catalog(&name) ? mr_pg_collation_number(name.name) : 0;
    if (*out != 0) {
        return MR_OK;
    }
    return mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT,
                        "collation \"%s%s%s\" for encoding \"UTF8\" does not exist",
                        name.schema == NULL ? "" : name.schema, name.schema == NULL ? "" : ".",
                        name.name);
}

/* ---- Input ----------------------------------------------------------------------------------- */

static MrStatus find_object(const LookUp *look, MrTypeId type, uint32_t *out)
{
    switch (type) {
    case MR_TYPE_REGCLASS: return find_class(look, out);
    case MR_TYPE_REGTYPE: return find_type(look, out);
    case MR_TYPE_REGPROC: return find_function(look, out);
    case MR_TYPE_REGOPER: return find_operator(look, out);
    case MR_TYPE_REGPROCEDURE: return find_function_of(look, out);
    case MR_TYPE_REGOPERATOR: return find_operator_of(look, out);
    case MR_TYPE_REGNAMESPACE: return find_schema(look, out);
    case MR_TYPE_REGROLE: return find_role(look, out);
    case MR_TYPE_REGCOLLATION: return find_collation(look, out);
    default:
        return missing(look, MR_ERR_UNDEFINED_OBJECT,
                       type == MR_TYPE_REGCONFIG
                           ? "text search configuration \"%.*s\" does not exist"
                           : "text search dictionary \"%.*s\" does not exist");
    }
}

/* A type of an argument must be there. */
static bool is_missing(MrTypeId type, MrStatus status)
{
    if (status == MR_ERR_UNDEFINED_OBJECT &&
        (type == MR_TYPE_REGPROCEDURE || type == MR_TYPE_REGOPERATOR)) {
        return false;
    }
    return status == MR_ERR_UNDEFINED_TABLE || status == MR_ERR_UNDEFINED_OBJECT ||
           status == MR_ERR_UNDEFINED_FUNCTION || status == MR_ERR_INVALID_SCHEMA_NAME ||
           status == MR_ERR_AMBIGUOUS_FUNCTION;
}

static bool is_operator(MrTypeId type)
{
    return type == MR_TYPE_REGOPER || type == MR_TYPE_REGOPERATOR;
}

/* Digits, and "-" where no operator is meant: *out is the number. */
static MrStatus read_number(const LookUp *look, MrTypeId type, bool *is_number, uint64_t *out)
{
    const MrString text = look->text;
    size_t i = 0;
    *out = 0;
    for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        *out = *out > UINT32_MAX ? *out : *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    *is_number = (i == text.length && i > 0) ||
                 (!is_operator(type) && mr_string_equal(text, MR_STRING("-")));
    return !*is_number || *out <= UINT32_MAX
               ? MR_OK
               : missing(look, MR_ERR_NUMERIC_OUT_OF_RANGE,
                         "value \"%.*s\" is out of range for type oid");
}

MrStatus mr_pg_names_by_text(const MrNames *names, MrTypeId type, MrString text, bool missing_ok,
                             MrArena *arena, MrText *out, bool *found, MrError *err)
{
    const LookUp look = { mr_pg_names(names), arena, text, err };
    uint64_t given = 0;
    uint32_t number = 0;
    bool is_number = false;
    *found = true;
    if (!missing_ok) { /* to_regclass('1259') is a relation of that name */
        MR_TRY(read_number(&look, type, &is_number, &given));
    }
    if (is_number) {
        return mr_pg_names_by_number(names, type, (uint32_t)given, arena, out, err);
    }
    MrStatus status = find_object(&look, type, &number);
    if (status != MR_OK && missing_ok && is_missing(type, status)) {
        mr_error_clear(err);
        *found = false;
        return MR_OK;
    }
    MR_TRY(status);
    return mr_pg_names_by_number(names, type, number, arena, out, err);
}
