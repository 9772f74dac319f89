/*
 * server/pgcatalog/information_routines.c - information_schema.routines and .parameters: the
 * functions of the registries and those in SQL.
 */
#include <stdio.h>

#include "server/pgcatalog/version.h"

enum { TYPE_FACTS = 14 /* lengths, character set, collation, precision: of no routine */ };

typedef void PutRoutine(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine);

static void each_routine(const MrPgNames *names, MrRows *rows, PutRoutine *put)
{
    const MrPgRoutine *all;
    const uint32_t count = mr_pg_routines(false, &all);
    for (uint32_t i = 0; i < count; i++) {
        put(names, rows, &all[i]);
    }
    for (uint32_t i = 0; i < names->pg->function_count; i++) {
        put(names, rows, &names->pg->functions[i]);
    }
}

/* Database, schema and the name that no other has: how both views begin. */
static void put_specific(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine)
{
    char text[160];
    snprintf(text, sizeof text, "%s_%u", routine->name, routine->number);
    mr_rows_begin(rows);
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, mr_pg_function_schema(routine));
    mr_rows_text(rows, text);
}

static void put_data_type(MrRows *rows, const MrPgRoutine *routine, MrTypeId type)
{
    if (type == MR_TYPE_UNKNOWN || type == MR_TYPE_ANYARRAY) {
        MrBuilder text;
        mr_builder_init(&text, 0);
        mr_pg_type_format(mr_pg_routine_type(routine, type), -1, &text);
        mr_rows_text(rows, mr_builder_text(&text));
        mr_builder_fini(&text);
    } else {
        mr_pg_rows_type_name(rows, mr_type(type));
    }
    mr_rows_skip(rows, TYPE_FACTS);
}

/* Where the type is, and what hangs on that: all but the last column of it is NULL. */
static void put_udt(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine, MrTypeId type,
                    const char *identifier)
{
    const MrPgType *of = mr_pg_type(mr_pg_routine_type(routine, type));
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, "pg_catalog");
    mr_rows_text(rows, of == NULL ? NULL : of->name);
    mr_rows_skip(rows, 4); /* scope_catalog … maximum_cardinality */
    mr_rows_text(rows, identifier);
}

static void put_routine(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine)
{
    const MrSqlFunction *sql = routine->sql;
    const char how = mr_pg_routine_volatility(routine);
    put_specific(names, rows, routine);
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, mr_pg_function_schema(routine));
    mr_rows_text(rows, routine->name);
    const bool is_plain =
        routine->kind == MR_PG_ROUTINE_FUNCTION || routine->kind == MR_PG_ROUTINE_SET;
    mr_rows_text(rows, is_plain ? "FUNCTION" : NULL);
    mr_rows_skip(rows, 6); /* module_catalog … udt_name */
    put_data_type(rows, routine, routine->result);
    put_udt(names, rows, routine, routine->result, "0");
    mr_rows_text(rows, sql != NULL ? "SQL" : "EXTERNAL");
    mr_rows_text(rows, sql != NULL ? sql->source : routine->name);
    mr_rows_null(rows); /* external_name: of C */
    mr_rows_text(rows, sql != NULL ? "SQL" : "INTERNAL");
    mr_rows_text(rows, "GENERAL");
    mr_rows_text(rows, how == 'i' ? "YES" : "NO");
    mr_rows_text(rows, "MODIFIES");
    mr_rows_text(rows, (routine->flags & MR_FN_STRICT) != 0 ? "YES" : "NO");
    mr_rows_null(rows); /* sql_path */
    mr_rows_text(rows, "YES");
    mr_rows_int(rows, 0);
    mr_rows_skip(rows, 2); /* is_user_defined_cast, is_implicitly_invocable */
    mr_rows_text(rows, "INVOKER");
    mr_rows_skip(rows, 3); /* to_sql_… */
    mr_rows_text(rows, "NO");
    mr_rows_skip(rows, 3); /* created … new_savepoint_level */
    mr_rows_text(rows, "NO");
}

void mr_pg_fill_information_routines(const MrPgNames *names, MrRows *rows)
{
    each_routine(names, rows, put_routine);
}

static void put_parameters(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine)
{
    for (uint32_t p = 0; p < routine->arg_count; p++) {
        const MrSqlParameter *of = routine->sql == NULL ? NULL : &routine->sql->parameters[p];
        char number[16];
        snprintf(number, sizeof number, "%u", p + 1);
        put_specific(names, rows, routine);
        mr_rows_int(rows, p + 1);
        mr_rows_text(rows, "IN");
        mr_rows_text(rows, "NO");
        mr_rows_text(rows, "NO");
        mr_rows_text(rows, of == NULL ? NULL : of->name);
        put_data_type(rows, routine, routine->args[p]);
        put_udt(names, rows, routine, routine->args[p], number);
        mr_rows_text(rows, of == NULL ? NULL : of->default_value);
    }
}

void mr_pg_fill_parameters(const MrPgNames *names, MrRows *rows)
{
    each_routine(names, rows, put_parameters);
}
