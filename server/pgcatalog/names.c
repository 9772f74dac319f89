/*
 * server/pgcatalog/names.c - numbers of objects to names: the output of the reg types; and names in
 * parts.
 */
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
    const bool is_quoted = next < end && *next == '"';
    if (is_quoted) {
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
    return length == 0 && !is_quoted ? invalid_name(err) : MR_OK;
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
                                "improper qualified name (too many dotted names): %.*s",
                                (int)text.length, text.data);
        }
        MR_TRY(split_part(arena, &at, end, &parts[(*count)++], err));
        while (at < end && *at == ' ') {
            at++;
        }
    } while (at < end && *at == '.');
    return at == end ? MR_OK : invalid_name(err);
}

/* ---- Numbers to names ------------------------------------------------------------------------ */

static bool print_routine(const MrPgNames *names, bool operators, bool with_arguments,
                          uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine =
        operators ? mr_pg_routine(true, number) : mr_pg_function(names->pg, number);
    if (routine == NULL) {
        const char *name = operators ? NULL : mr_pg_type_function(number);
        mr_builder_append_string(out, name == NULL ? "" : name);
        return name != NULL;
    }
    if (operators) {
        mr_builder_append_string(out, routine->name);
    } else {
        if (!mr_pg_function_is_visible(names, routine)) {
            mr_print_identifier(out, mr_pg_function_schema(routine));
            mr_builder_append_char(out, '.');
        }
        mr_print_identifier(out, routine->name);
    }
    const bool is_prefix = operators && routine->arg_count == 1;
    mr_builder_append_string(out, with_arguments && is_prefix ? "(NONE" : "");
    for (uint32_t i = 0; with_arguments && i < routine->arg_count; i++) {
        mr_builder_append_char(out, i == 0 && !is_prefix ? '(' : ',');
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
static bool print_object(const MrPgNames *names, MrTypeId type, uint32_t number, MrBuilder *out)
{
    const MrPgCatalog *pg = names->pg;
    switch (type) {
    case MR_TYPE_REGCLASS: {
        const MrPgClass *class = mr_pg_class(pg, number);
        if (class != NULL) {
            mr_pg_class_print(names, class, out);
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
        return print_routine(names, false, type == MR_TYPE_REGPROCEDURE, number, out);
    case MR_TYPE_REGOPER:
    case MR_TYPE_REGOPERATOR:
        return print_routine(names, true, type == MR_TYPE_REGOPERATOR, number, out);
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

static bool is_operator(MrTypeId type)
{
    return type == MR_TYPE_REGOPER || type == MR_TYPE_REGOPERATOR;
}

MrStatus mr_pg_names_by_number(const MrNames *names, MrTypeId type, uint32_t number, MrArena *arena,
                               MrText *out, MrError *err)
{
    MrBuilder text;
    MrStatus status;
    mr_builder_init(&text, 0);
    if (number != 0 && print_object(mr_pg_names(names), type, number, &text)) {
        status = mr_reg_make(arena, number, mr_string(mr_builder_text(&text)), out, err);
    } else if (number == 0 && is_operator(type)) { /* "-" is one */
        status = mr_reg_make(arena, 0, mr_string("0"), out, err);
    } else {
        status = mr_reg_of_number(arena, number, out, err);
    }
    mr_builder_fini(&text);
    return status;
}

const MrNames mr_pg_names_class = { .prepare = mr_pg_names_prepare,
                                    .by_number = mr_pg_names_by_number,
                                    .by_text = mr_pg_names_by_text };
