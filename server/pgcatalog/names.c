/*
 * server/pgcatalog/names.c - names and numbers of objects: the input and output of the reg types,
 * with PostgreSQL's rules and errors.
 */
#include "parser/parser.h"
#include "parser/print.h"
#include "server/pgcatalog/version.h"
#include "storage/reg.h"

/* ---- Names in parts -------------------------------------------------------------------------- */

static MrStatus invalid_name(MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_NAME, "invalid name syntax");
}

/* One part: quoted as it stands, else in lower case. */
static MrStatus split_part(MrArena *arena, const char **at, const char *end, const char **out,
                           MrError *err)
{
    char *part = mr_arena_alloc(arena, (size_t)(end - *at) + 1);
    size_t length = 0;
    const char *next = *at;
    if (part == NULL) {
        return mr_error_no_memory(err);
    }
    if (next < end && *next == '"') {
        for (next++; next < end && (*next != '"' || (next + 1 < end && next[1] == '"')); next++) {
            next += *next == '"';
            part[length++] = *next;
        }
        if (next >= end) {
            return invalid_name(err);
        }
        next++;
    } else {
        for (; next < end && *next != '.' && *next != ' '; next++) {
            part[length++] = *next >= 'A' && *next <= 'Z' ? (char)(*next + 32) : *next;
        }
    }
    part[length] = '\0';
    *out = part;
    *at = next;
    return length == 0 ? invalid_name(err) : MR_OK;
}

MrStatus mr_pg_split_name(MrArena *arena, MrString text, const char *parts[3], uint32_t *count,
                          MrError *err)
{
    const char *at = text.data, *end = text.data + text.length;
    *count = 0;
    do {
        at += *count > 0;
        while (at < end && *at == ' ') {
            at++;
        }
        if (*count == 3) {
            return mr_error_set(err, MR_ERR_SYNTAX,
                                "improper qualified name (too many dotted names)");
        }
        MR_TRY(split_part(arena, &at, end, &parts[(*count)++], err));
        while (at < end && *at == ' ') {
            at++;
        }
    } while (at < end && *at == '.');
    return at == end ? MR_OK : invalid_name(err);
}

/* ---- Numbers to names ------------------------------------------------------------------------ */

static bool print_routine(const MrPgCatalog *pg, bool operators, bool with_arguments,
                          uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine =
        operators ? mr_pg_routine(true, number) : mr_pg_function(pg, number);
    if (routine == NULL) {
        const char *name = operators ? NULL : mr_pg_type_function(number);
        mr_builder_append_string(out, name == NULL ? "" : name);
        return name != NULL;
    }
    if (operators) {
        mr_builder_append_string(out, routine->name);
    } else {
        mr_print_identifier(out, routine->name);
    }
    for (uint32_t i = 0; with_arguments && i < routine->arg_count; i++) {
        mr_builder_append_char(out, i == 0 ? '(' : ',');
        mr_pg_type_format(mr_pg_routine_type(routine, routine->args[i]), -1, out);
    }
    mr_builder_append_string(out, !with_arguments ? "" : routine->arg_count == 0 ? "()" : ")");
    return true;
}

static bool print_collation(uint32_t number, MrBuilder *out)
{
    const char *name = number == MR_PG_COLLATION_DEFAULT ? "\"default\""
                       : number == MR_PG_COLLATION_C     ? "\"C\""
                       : number == 951                   ? "\"POSIX\""
                       : number == 962                   ? "ucs_basic"
                                                         : NULL;
    mr_builder_append_string(out, name == NULL ? "" : name);
    return name != NULL;
}

/* False: the number stands for nothing. */
static bool print_object(const MrPgCatalog *pg, MrTypeId type, uint32_t number, MrBuilder *out)
{
    switch (type) {
    case MR_TYPE_REGCLASS: {
        const MrPgClass *class = mr_pg_class(pg, number);
        if (class != NULL) {
            mr_pg_class_print(class, out);
        }
        return class != NULL;
    }
    case MR_TYPE_REGTYPE:
        if (mr_pg_type(number) != NULL) {
            mr_pg_type_format(number, -1, out);
        }
        return mr_pg_type(number) != NULL;
    case MR_TYPE_REGPROC:
    case MR_TYPE_REGPROCEDURE:
        return print_routine(pg, false, type == MR_TYPE_REGPROCEDURE, number, out);
    case MR_TYPE_REGOPER:
    case MR_TYPE_REGOPERATOR:
        return print_routine(pg, true, type == MR_TYPE_REGOPERATOR, number, out);
    case MR_TYPE_REGROLE: {
        const MrPgRole *role = mr_pg_role(pg, number);
        mr_print_identifier(out, role == NULL ? "" : role->name);
        return role != NULL;
    }
    case MR_TYPE_REGNAMESPACE: {
        const char *name = mr_pg_schema_name(number);
        mr_print_identifier(out, name == NULL ? "" : name);
        return name != NULL;
    }
    case MR_TYPE_REGCOLLATION: return print_collation(number, out);
    default: return false;
    }
}

static MrStatus by_number(const MrNames *names, MrTypeId type, uint32_t number, MrArena *arena,
                          MrText *out, MrError *err)
{
    MrBuilder text;
    MrStatus status;
    mr_builder_init(&text, 0);
    if (number != 0 && print_object(mr_pg_names(names)->pg, type, number, &text)) {
        status = mr_reg_make(arena, number, mr_string(mr_builder_text(&text)), out, err);
    } else {
        status = mr_reg_of_number(arena, number, out, err);
    }
    mr_builder_fini(&text);
    return status;
}

/* ---- Names to numbers ------------------------------------------------------------------------ */

/* What a look-up found; 0: `err` says what is missing. */
typedef struct LookUp {
    const MrPgCatalog *pg;
    MrArena *arena;
    MrString text;
    MrError *err;
} LookUp;

static MrStatus split(const LookUp *look, const char *parts[3], uint32_t *count)
{
    return mr_pg_split_name(look->arena, look->text, parts, count, look->err);
}

static MrStatus find_class(const LookUp *look, uint32_t *out)
{
    const char *parts[3];
    uint32_t count;
    MR_TRY(split(look, parts, &count));
    const char *schema_name = count > 1 ? parts[count - 2] : NULL;
    const MrPgClass *class = mr_pg_class_find(look->pg, schema_name, parts[count - 1]);
    if (class == NULL) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_TABLE, "relation \"%s%s%s\" does not exist",
                            schema_name == NULL ? "" : schema_name, schema_name == NULL ? "" : ".",
                            parts[count - 1]);
    }
    *out = class->number;
    return MR_OK;
}

/* Types by SQL's names and ours; those that only PostgreSQL has by its own. */
static MrStatus find_type(const LookUp *look, uint32_t *out)
{
    MrAstType *ast;
    MrType type;
    MrError ignored = MR_ERROR_INIT;
    const MrPgType *known = mr_pg_type_find(look->text);
    MR_TRY(mr_parse_type(look->arena, look->text.data, look->text.length, &ast, look->err));
    if (mr_planner_type(ast, &type, &ignored) == MR_OK) {
        *out = mr_pg_type_number(type.id);
        return MR_OK;
    }
    known = known == NULL ? mr_pg_type_find(mr_string(ast->name)) : known;
    if (known == NULL) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT, "type \"%.*s\" does not exist",
                            (int)look->text.length, look->text.data);
    }
    *out = ast->array_dimensions > 0 ? known->array : known->number;
    return MR_OK;
}

static MrStatus find_routine(const LookUp *look, bool operators, uint32_t *out)
{
    uint32_t count;
    MrString name = look->text;
    const char *parts[3] = { NULL };
    if (!operators) {
        MR_TRY(split(look, parts, &count));
        name = mr_string(parts[count - 1]);
    } else if (name.length > 11 && memcmp(name.data, "pg_catalog.", 11) == 0) {
        name = (MrString){ name.data + 11, name.length - 11 };
    }
    const MrPgRoutine *routine = mr_pg_routine_find(operators, name, &count);
    if (routine == NULL && !operators) {
        routine = mr_pg_function_find(look->pg, name);
    }
    const char *what = operators ? "operator" : "function";
    if (count > 1) {
        return mr_error_set(look->err, MR_ERR_AMBIGUOUS_FUNCTION, "more than one %s named \"%.*s\"",
                            what, (int)look->text.length, look->text.data);
    }
    *out = routine != NULL ? routine->number : operators ? 0 : mr_pg_type_function_number(name);
    if (*out == 0) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_FUNCTION,
                            operators ? "operator does not exist: %.*s"
                                      : "function \"%.*s\" does not exist",
                            (int)look->text.length, look->text.data);
    }
    return MR_OK;
}

/* name(type, type) in parts. */
typedef struct Signature {
    MrString name;
    uint32_t types[MR_PG_ARGUMENTS_MAX];
    uint32_t count;
} Signature;

static MrStatus invalid_signature(const LookUp *look, const char *what)
{
    return mr_error_set(look->err, MR_ERR_INVALID_TEXT, "%s", what);
}

/* Up to the next comma, or the end, outside brackets and quotes. */
static size_t piece_length(MrString text)
{
    uint32_t depth = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        is_quoted = is_quoted != (c == '"');
        depth += !is_quoted && c == '(';
        depth -= !is_quoted && c == ')' && depth > 0;
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

static bool is_blank(MrString text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != ' ') {
            return false;
        }
    }
    return true;
}

static MrStatus read_signature(const LookUp *look, Signature *out)
{
    MrString text = look->text;
    while (text.length > 0 && text.data[text.length - 1] == ' ') {
        text.length--;
    }
    const size_t open = name_length(text);
    if (open == text.length) {
        return invalid_signature(look, "expected a left parenthesis");
    }
    if (text.data[text.length - 1] != ')') {
        return invalid_signature(look, "expected a right parenthesis");
    }
    *out = (Signature){ .name = { text.data, open } };
    MrString rest = { text.data + open + 1, text.length - open - 2 };
    for (bool is_last = is_blank(rest); !is_last;) {
        LookUp piece = *look;
        piece.text = (MrString){ rest.data, piece_length(rest) };
        is_last = piece.text.length == rest.length;
        rest.data += piece.text.length + !is_last;
        rest.length -= piece.text.length + !is_last;
        if (out->count == MR_PG_ARGUMENTS_MAX) {
            return mr_error_set(look->err, MR_ERR_TOO_MANY_ARGUMENTS, "too many arguments");
        }
        MR_TRY(find_type(&piece, &out->types[out->count++]));
    }
    return MR_OK;
}

static bool is_meant(const MrPgRoutine *routine, const Signature *signature)
{
    if (!mr_string_equal(mr_string(routine->name), signature->name) ||
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

/* name(type, type), however the types are written. */
static MrStatus find_routine_of(const LookUp *look, bool operators, uint32_t *out)
{
    const MrPgRoutine *all;
    const uint32_t count = mr_pg_routines(operators, &all);
    Signature signature;
    MR_TRY(read_signature(look, &signature));
    if (!operators) {
        const char *parts[3];
        uint32_t part_count;
        MR_TRY(mr_pg_split_name(look->arena, signature.name, parts, &part_count, look->err));
        signature.name = mr_string(parts[part_count - 1]);
    }
    *out = find_meant(all, count, &signature);
    if (*out == 0 && !operators) {
        *out = find_meant(look->pg->functions, look->pg->function_count, &signature);
    }
    return *out != 0 ? MR_OK
                     : mr_error_set(look->err, MR_ERR_UNDEFINED_FUNCTION,
                                    operators ? "operator does not exist: %.*s"
                                              : "function \"%.*s\" does not exist",
                                    (int)look->text.length, look->text.data);
}

static MrStatus find_schema(const LookUp *look, uint32_t *out)
{
    const char *parts[3];
    uint32_t count;
    MR_TRY(split(look, parts, &count));
    *out = count == 1 ? mr_pg_schema_number(parts[0]) : 0;
    return *out != 0 ? MR_OK
                     : mr_error_set(look->err, MR_ERR_INVALID_SCHEMA_NAME,
                                    "schema \"%s\" does not exist", parts[0]);
}

static MrStatus find_role(const LookUp *look, uint32_t *out)
{
    const char *parts[3];
    uint32_t count;
    MR_TRY(split(look, parts, &count));
    const MrPgRole *role = count == 1 ? mr_pg_role_find(look->pg, mr_string(parts[0])) : NULL;
    if (role == NULL) {
        return mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT, "role \"%s\" does not exist",
                            parts[0]);
    }
    *out = role->number;
    return MR_OK;
}

static MrStatus find_collation(const LookUp *look, uint32_t *out)
{
    const char *parts[3];
    uint32_t count;
    MR_TRY(split(look, parts, &count));
    const char *name = parts[count - 1];
    *out = strcmp(name, "default") == 0     ? MR_PG_COLLATION_DEFAULT
           : strcmp(name, "C") == 0         ? MR_PG_COLLATION_C
           : strcmp(name, "POSIX") == 0     ? 951
           : strcmp(name, "ucs_basic") == 0 ? 962
                                            : 0;
    return *out != 0 ? MR_OK
                     : mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT,
                                    "collation \"%s\" for encoding \"UTF8\" does not exist", name);
}

static MrStatus find_object(const LookUp *look, MrTypeId type, uint32_t *out)
{
    switch (type) {
    case MR_TYPE_REGCLASS: return find_class(look, out);
    case MR_TYPE_REGTYPE: return find_type(look, out);
    case MR_TYPE_REGPROC: return find_routine(look, false, out);
    case MR_TYPE_REGOPER: return find_routine(look, true, out);
    case MR_TYPE_REGPROCEDURE: return find_routine_of(look, false, out);
    case MR_TYPE_REGOPERATOR: return find_routine_of(look, true, out);
    case MR_TYPE_REGNAMESPACE: return find_schema(look, out);
    case MR_TYPE_REGROLE: return find_role(look, out);
    case MR_TYPE_REGCOLLATION: return find_collation(look, out);
    default:
        return mr_error_set(look->err, MR_ERR_UNDEFINED_OBJECT, "%s \"%.*s\" does not exist",
                            type == MR_TYPE_REGCONFIG ? "text search configuration"
                                                      : "text search dictionary",
                            (int)look->text.length, look->text.data);
    }
}

static bool is_missing(MrStatus status)
{
    return status == MR_ERR_UNDEFINED_TABLE || status == MR_ERR_UNDEFINED_OBJECT ||
           status == MR_ERR_UNDEFINED_FUNCTION || status == MR_ERR_INVALID_SCHEMA_NAME ||
           status == MR_ERR_AMBIGUOUS_FUNCTION;
}

static MrStatus by_text(const MrNames *names, MrTypeId type, MrString text, bool missing_ok,
                        MrArena *arena, MrText *out, bool *found, MrError *err)
{
    LookUp look = { mr_pg_names(names)->pg, arena, text, err };
    uint32_t number = 0;
    *found = true;
    MR_TRY(mr_reg_parse(arena, text, out, err));
    if (mr_string_equal(text, mr_string("-"))) {
        return MR_OK;
    }
    if (!mr_reg_is_open(out)) { /* digits */
        return by_number(names, type, mr_reg_number(out), arena, out, err);
    }
    MrStatus status = find_object(&look, type, &number);
    if (status != MR_OK && missing_ok && is_missing(status)) {
        mr_error_clear(err);
        *found = false;
        return MR_OK;
    }
    MR_TRY(status);
    return by_number(names, type, number, arena, out, err);
}

const MrNames mr_pg_names_class = { .prepare = mr_pg_names_prepare,
                                    .by_number = by_number,
                                    .by_text = by_text };
