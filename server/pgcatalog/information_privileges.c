/*
 * server/pgcatalog/information_privileges.c - information_schema: who may do what.  Nothing can be
 * granted, so that all is as it is made: the owner may do everything, and everybody may call
 * functions and use collations.
 */
#include <stdio.h>

#include "server/pgcatalog/version.h"
#include "storage/sink.h"

static bool is_listed(const MrPgNames *names, const MrPgClass *class)
{
    char kind = mr_pg_class_kind(names, class);
    return kind == 'r' || kind == 'v' || kind == 'f';
}

static void begin_right(MrRows *rows, const char *grantee)
{
    mr_rows_begin(rows);
    mr_rows_text(rows, "millrace"); /* grantor */
    mr_rows_text(rows, grantee);
}

/* The end of most rows: the privilege, and whether it may be handed on, as only an owner can. */
static void end_right(MrRows *rows, const char *privilege, const char *grantee)
{
    mr_rows_text(rows, privilege);
    mr_rows_text(rows, strcmp(grantee, "PUBLIC") == 0 ? "NO" : "YES");
}

/* ---- Tables and columns ---------------------------------------------------------------------- */

void mr_pg_fill_table_privileges(const MrPgNames *names, MrRows *rows)
{
    static const char *const rights[] = { "INSERT",   "SELECT",     "UPDATE", "DELETE",
                                          "TRUNCATE", "REFERENCES", "TRIGGER" };
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        for (size_t r = 0; is_listed(names, class) && r < sizeof rights / sizeof rights[0]; r++) {
            begin_right(rows, "millrace");
            mr_rows_text(rows, mr_pg_database_of(names));
            mr_rows_text(rows, mr_pg_schema_name(class->schema));
            mr_rows_text(rows, class->name);
            end_right(rows, rights[r], "millrace");
            mr_rows_text(rows, strcmp(rights[r], "SELECT") == 0 ? "YES" : "NO");
        }
    }
}

static void put_column(const MrPgNames *names, MrRows *rows, const MrPgClass *class,
                       const char *column)
{
    static const char *const rights[] = { "INSERT", "SELECT", "UPDATE", "REFERENCES" };
    for (size_t r = 0; r < sizeof rights / sizeof rights[0]; r++) {
        begin_right(rows, "millrace");
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, mr_pg_schema_name(class->schema));
        mr_rows_text(rows, class->name);
        mr_rows_text(rows, column);
        end_right(rows, rights[r], "millrace");
    }
}

void mr_pg_fill_column_privileges(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        const MrSchema *schema = &class->relation->schema;
        for (uint32_t c = 0; is_listed(names, class) && c < schema->column_count; c++) {
            if (!mr_column_is_dropped(&schema->columns[c])) {
                put_column(names, rows, class, schema->columns[c].name);
            }
        }
    }
}

/* ---- Functions ------------------------------------------------------------------------------- */

static void put_execute(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine)
{
    static const char *const grantees[] = { "millrace", "PUBLIC" };
    char specific[160];
    snprintf(specific, sizeof specific, "%s_%u", routine->name, routine->number);
    for (size_t g = 0; g < sizeof grantees / sizeof grantees[0]; g++) {
        begin_right(rows, grantees[g]);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, mr_pg_function_schema(routine));
        mr_rows_text(rows, specific);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, mr_pg_function_schema(routine));
        mr_rows_text(rows, routine->name);
        end_right(rows, "EXECUTE", grantees[g]);
    }
}

void mr_pg_fill_routine_privileges(const MrPgNames *names, MrRows *rows)
{
    const MrPgRoutine *all;
    const uint32_t count = mr_pg_routines(false, &all);
    for (uint32_t i = 0; i < count; i++) {
        put_execute(names, rows, &all[i]);
    }
    for (uint32_t i = 0; i < names->pg->function_count; i++) {
        put_execute(names, rows, &names->pg->functions[i]);
    }
}

/* ---- Collations, servers and their wrappers -------------------------------------------------- */

static void put_usage(const MrPgNames *names, MrRows *rows, const char *grantee,
                      const char *schema_name, const char *name, const char *type)
{
    begin_right(rows, grantee);
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, schema_name);
    mr_rows_text(rows, name);
    mr_rows_text(rows, type);
    end_right(rows, "USAGE", grantee);
}

/* What the owner has to use: connections and the kinds of them. */
void mr_pg_fill_usage_grants(const MrPgNames *names, MrRows *rows)
{
    const MrSinkClass *const *classes;
    const uint32_t wrappers = mr_sink_all(&classes);
    const uint32_t servers = mr_catalog_connection_count(names->pg->catalog);
    for (uint32_t w = 0; w < wrappers; w++) {
        put_usage(names, rows, "millrace", "", classes[w]->name, "FOREIGN DATA WRAPPER");
    }
    for (uint32_t s = 0; s < servers; s++) {
        put_usage(names, rows, "millrace", "",
                  mr_catalog_connection_at(names->pg->catalog, s)->name, "FOREIGN SERVER");
    }
}

void mr_pg_fill_usage_privileges(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t c = 0; mr_pg_collation_name(c) != NULL; c++) {
        put_usage(names, rows, "PUBLIC", "pg_catalog", mr_pg_collation_name(c), "COLLATION");
    }
    mr_pg_fill_usage_grants(names, rows);
}

/* ---- Collations ------------------------------------------------------------------------------ */

static void begin_collation(const MrPgNames *names, MrRows *rows, uint32_t index)
{
    mr_rows_begin(rows);
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, "pg_catalog");
    mr_rows_text(rows, mr_pg_collation_name(index));
}

void mr_pg_fill_information_collations(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t c = 0; mr_pg_collation_name(c) != NULL; c++) {
        begin_collation(names, rows, c);
        mr_rows_text(rows, "NO PAD");
    }
}

void mr_pg_fill_collation_sets(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t c = 0; mr_pg_collation_name(c) != NULL; c++) {
        begin_collation(names, rows, c);
        mr_rows_null(rows);
        mr_rows_null(rows);
        mr_rows_text(rows, "UTF8");
    }
}
