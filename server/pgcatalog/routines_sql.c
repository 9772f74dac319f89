/*
 * server/pgcatalog/routines_sql.c - functions in SQL, which the catalogue has: beside those of the
 * registries (routines.c), with the same look-up.
 */
#include "parser/print.h"
#include "server/pgcatalog/version.h"

enum { LANGUAGE_SQL = 14 };

/* ---- Look-up --------------------------------------------------------------------------------- */

static uint32_t flags_of(const MrSqlFunction *function)
{
    const uint32_t strict = function->is_strict ? MR_FN_STRICT : 0;
    switch (function->volatility) {
    case MR_VOLATILITY_IMMUTABLE: return strict;
    case MR_VOLATILITY_STABLE: return strict | MR_FN_STABLE;
    case MR_VOLATILITY_DEFAULT:
    case MR_VOLATILITY_VOLATILE: break;
    }
    return strict | MR_FN_VOLATILE;
}

MrStatus mr_pg_functions_make(MrPgCatalog *pg, MrError *err)
{
    const uint32_t count = mr_catalog_function_count(pg->catalog);
    MR_NEW_ARRAY(&pg->arena, pg->functions, count, err);
    for (uint32_t f = 0; f < count; f++) {
        const MrSqlFunction *function = mr_catalog_function_at(pg->catalog, f);
        MrTypeId *args;
        MR_NEW_ARRAY(&pg->arena, args, function->parameter_count, err);
        for (uint32_t p = 0; p < function->parameter_count; p++) {
            args[p] = function->parameters[p].value_type.id;
        }
        pg->functions[pg->function_count++] = (MrPgRoutine){ .number = function->oid,
                                                             .name = function->name,
                                                             .kind = MR_PG_ROUTINE_FUNCTION,
                                                             .args = args,
                                                             .arg_count = function->parameter_count,
                                                             .result = function->result_type.id,
                                                             .flags = flags_of(function),
                                                             .doc = function->comment,
                                                             .sql = function };
    }
    return MR_OK;
}

const MrPgRoutine *mr_pg_function(const MrPgCatalog *pg, uint32_t number)
{
    for (uint32_t f = 0; f < pg->function_count; f++) {
        if (pg->functions[f].number == number) {
            return &pg->functions[f];
        }
    }
    return mr_pg_routine(false, number);
}

const MrPgRoutine *mr_pg_function_find(const MrPgCatalog *pg, MrString name)
{
    for (uint32_t f = 0; f < pg->function_count; f++) {
        if (mr_string_equal(name, mr_string(pg->functions[f].name))) {
            return &pg->functions[f];
        }
    }
    return NULL;
}

const char *mr_pg_function_schema(const MrPgRoutine *routine)
{
    return routine->sql != NULL ? "public" : "pg_catalog";
}

/* ---- Texts ----------------------------------------------------------------------------------- */

void mr_pg_function_parameters(const MrPgRoutine *routine, bool with_defaults, MrBuilder *out)
{
    if (routine->sql == NULL) {
        mr_pg_routine_arguments(routine, out);
        return;
    }
    for (uint32_t p = 0; p < routine->arg_count; p++) {
        const MrSqlParameter *parameter = &routine->sql->parameters[p];
        mr_builder_append_string(out, p > 0 ? ", " : "");
        if (parameter->name != NULL) {
            mr_print_identifier(out, parameter->name);
            mr_builder_append_char(out, ' ');
        }
        mr_pg_type_format(mr_pg_routine_type(routine, routine->args[p]), -1, out);
        if (with_defaults && parameter->default_value != NULL) {
            mr_builder_append_string(out, " DEFAULT ");
            mr_builder_append_string(out, parameter->default_value);
        }
    }
}

/* A tag that the text does not have: $function$, $functionx$, … */
static void append_tag(const char *source, MrBuilder *out)
{
    MrBuilder tag;
    mr_builder_init(&tag, 0);
    mr_builder_append_string(&tag, "$function");
    const char *text = mr_builder_text(&tag);
    while (text != NULL && strstr(source, text) != NULL) {
        mr_builder_append_char(&tag, 'x');
        text = mr_builder_text(&tag);
    }
    mr_builder_append_format(out, "%s$", text == NULL ? "$function" : text);
    mr_builder_fini(&tag);
}

void mr_pg_function_definition(const MrPgRoutine *routine, MrBuilder *out)
{
    const char *source = routine->sql != NULL ? routine->sql->source : routine->name;
    const char how = mr_pg_routine_volatility(routine);
    mr_builder_append_format(out, "CREATE OR REPLACE FUNCTION %s.", mr_pg_function_schema(routine));
    mr_print_identifier(out, routine->name);
    mr_builder_append_char(out, '(');
    mr_pg_function_parameters(routine, true, out);
    mr_builder_append_string(out, ")\n RETURNS ");
    mr_pg_routine_result(routine, out);
    mr_builder_append_format(out, "\n LANGUAGE %s\n", routine->sql != NULL ? "sql" : "internal");
    if (routine->sql != NULL && (how != 'v' || routine->sql->is_strict)) {
        mr_builder_append_string(out, how == 'i' ? " IMMUTABLE" : how == 's' ? " STABLE" : "");
        mr_builder_append_string(out, routine->sql->is_strict ? " STRICT\n" : "\n");
    }
    mr_builder_append_string(out, "AS ");
    append_tag(source, out);
    mr_builder_append_string(out, source);
    append_tag(source, out);
    mr_builder_append_char(out, '\n');
}

/* ---- Rows of pg_proc ------------------------------------------------------------------------- */

/* The parameters' names; NULL where none has one. */
static void add_names(MrRows *rows, const MrSqlFunction *function)
{
    const char **names = mr_arena_calloc(rows->arena, function->parameter_count + 1, sizeof *names);
    bool has_names = false;
    if (names == NULL) {
        mr_error_no_memory(&rows->error);
        return;
    }
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        names[p] = function->parameters[p].name;
        has_names = has_names || names[p] != NULL;
    }
    if (has_names) {
        mr_pg_rows_texts(rows, names, function->parameter_count);
    } else {
        mr_rows_null(rows);
    }
}

/* The defaults as one list of SQL, and how many there are. */
static uint32_t defaults_text(const MrSqlFunction *function, MrBuilder *out)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->parameter_count; p++) {
        if (function->parameters[p].default_value != NULL) {
            mr_builder_append_string(out, count++ > 0 ? ", " : "");
            mr_builder_append_string(out, function->parameters[p].default_value);
        }
    }
    return count;
}

static void add_proc(MrRows *rows, const MrPgRoutine *routine)
{
    const char how = mr_pg_routine_volatility(routine);
    int64_t *args = mr_arena_calloc(rows->arena, routine->arg_count + 1, sizeof *args);
    MrBuilder defaults;
    if (args == NULL) {
        mr_error_no_memory(&rows->error);
        return;
    }
    for (uint32_t i = 0; i < routine->arg_count; i++) {
        args[i] = mr_pg_routine_type(routine, routine->args[i]);
    }
    mr_builder_init(&defaults, 0);
    const uint32_t default_count = defaults_text(routine->sql, &defaults);
    mr_rows_begin(rows);
    mr_rows_int(rows, routine->number);
    mr_rows_text(rows, routine->name);
    mr_rows_int(rows, MR_PG_SCHEMA_PUBLIC);
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
    mr_rows_int(rows, LANGUAGE_SQL);
    mr_rows_real(rows, 100); /* procost */
    mr_rows_real(rows, 0);
    mr_rows_skip(rows, 2); /* provariadic, prosupport */
    mr_rows_text(rows, "f");
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, routine->sql->is_strict);
    mr_rows_bool(rows, false);
    mr_rows_string(rows, (MrString){ &how, 1 });
    mr_rows_text(rows, "u");
    mr_rows_int(rows, routine->arg_count);
    mr_rows_int(rows, default_count);
    mr_rows_int(rows, mr_pg_routine_type(routine, routine->result));
    mr_pg_rows_list(rows, MR_TYPE_OIDVECTOR, args, routine->arg_count);
    mr_rows_skip(rows, 2); /* proallargtypes, proargmodes */
    add_names(rows, routine->sql);
    mr_rows_text(rows, default_count > 0 ? mr_builder_text(&defaults) : NULL);
    mr_rows_null(rows); /* protrftypes */
    mr_rows_text(rows, routine->sql->source);
    mr_builder_fini(&defaults);
}

void mr_pg_add_sql_procs(const MrPgCatalog *pg, MrRows *rows)
{
    for (uint32_t f = 0; f < pg->function_count; f++) {
        add_proc(rows, &pg->functions[f]);
    }
}
