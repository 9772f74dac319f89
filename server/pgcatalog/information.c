/*
 * server/pgcatalog/information.c - information_schema: the views of the standard that clients read.
 * Materialized views are not in it, as in PostgreSQL; with catalog_matview_kind = 'v' they are
 * views.
 */
#include <stdio.h>

#include "server/pgcatalog/version.h"

const char *mr_pg_database_of(const MrPgNames *names)
{
    return names->database[0] != '\0' ? names->database : "millrace";
}

static void put_yes(MrRows *rows, bool value)
{
    mr_rows_text(rows, value ? "YES" : "NO");
}

/* Database, schema and name of a relation: how most rows begin. */
static void put_class(const MrPgNames *names, MrRows *rows, const MrPgClass *class,
                      const char *name)
{
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, mr_pg_schema_name(class->schema));
    mr_rows_text(rows, name);
}

static bool is_listed(const MrPgNames *names, const MrPgClass *class)
{
    char kind = mr_pg_class_kind(names, class);
    return kind == 'r' || kind == 'v' || kind == 'f';
}

/* ---- Databases, schemas ---------------------------------------------------------------------- */

void mr_pg_fill_catalog_name(const MrPgNames *names, MrRows *rows)
{
    mr_rows_begin(rows);
    mr_rows_text(rows, mr_pg_database_of(names));
}

void mr_pg_fill_schemata(const MrPgNames *names, MrRows *rows)
{
    static const uint32_t numbers[] = { MR_PG_SCHEMA_CATALOG, MR_PG_SCHEMA_PUBLIC,
                                        MR_PG_SCHEMA_INFORMATION, MR_PG_SCHEMA_MILLRACE,
                                        MR_PG_SCHEMA_MAIN };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        mr_rows_begin(rows);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, mr_pg_schema_name(numbers[i]));
        mr_rows_text(rows, "millrace");
    }
}

void mr_pg_fill_character_sets(const MrPgNames *names, MrRows *rows)
{
    mr_rows_begin(rows);
    mr_rows_null(rows);
    mr_rows_null(rows);
    mr_rows_text(rows, "UTF8");
    mr_rows_text(rows, "UCS");
    mr_rows_text(rows, "UTF8");
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, "pg_catalog");
    mr_rows_text(rows, "default");
}

/* ---- Tables and views ------------------------------------------------------------------------ */

void mr_pg_fill_information_tables(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        char kind = mr_pg_class_kind(names, class);
        if (!is_listed(names, class)) {
            continue;
        }
        mr_rows_begin(rows);
        put_class(names, rows, class, class->name);
        mr_rows_text(rows, kind == 'r' ? "BASE TABLE" : kind == 'v' ? "VIEW" : "FOREIGN");
        mr_rows_skip(rows, 5);
        put_yes(rows, class->relation->stream != NULL);
        put_yes(rows, false);
    }
}

void mr_pg_fill_information_views(const MrPgNames *names, MrRows *rows)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        if (mr_pg_class_kind(names, class) != 'v') {
            continue;
        }
        mr_builder_clear(&text);
        bool has_text = mr_pg_view_definition(class, &text);
        mr_rows_begin(rows);
        put_class(names, rows, class, class->name);
        mr_rows_text(rows, has_text ? mr_builder_text(&text) : NULL);
        mr_rows_text(rows, "NONE");
        for (int c = 0; c < 5; c++) {
            put_yes(rows, false);
        }
    }
    mr_builder_fini(&text);
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Precision, radix and scale of numbers; NULL of all else. */
static void put_numeric(MrRows *rows, MrType type)
{
    int32_t typmod = type.typmod;
    switch (type.id) {
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64:
        mr_rows_int(rows, type.id == MR_TYPE_INT16 ? 16 : type.id == MR_TYPE_INT32 ? 32 : 64);
        mr_rows_int(rows, 2);
        mr_rows_int(rows, 0);
        return;
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64:
        mr_rows_int(rows, type.id == MR_TYPE_FLOAT32 ? 24 : 53);
        mr_rows_int(rows, 2);
        mr_rows_null(rows);
        return;
    case MR_TYPE_NUMERIC:
        if (typmod >= 4) {
            mr_rows_int(rows, ((typmod - 4) >> 16) & 0xffff);
            mr_rows_int(rows, 10);
            mr_rows_int(rows, (typmod - 4) & 0x7ff);
            return;
        }
        mr_rows_null(rows);
        mr_rows_int(rows, 10);
        mr_rows_null(rows);
        return;
    default: mr_rows_skip(rows, 3);
    }
}

static void put_time_precision(MrRows *rows, MrType type)
{
    switch (type.id) {
    case MR_TYPE_DATE: mr_rows_int(rows, 0); return;
    case MR_TYPE_TIME:
    case MR_TYPE_TIMETZ:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
    case MR_TYPE_INTERVAL: mr_rows_int(rows, type.typmod >= 0 ? type.typmod : 6); return;
    default: mr_rows_null(rows);
    }
}

static void put_character_length(MrRows *rows, MrType type)
{
    if ((type.id == MR_TYPE_VARCHAR || type.id == MR_TYPE_BPCHAR) && type.typmod >= 4) {
        mr_rows_int(rows, type.typmod - 4);
        mr_rows_int(rows, (int64_t)(type.typmod - 4) * 4);
    } else {
        mr_rows_null(rows);
        if (type.id == MR_TYPE_TEXT || type.id == MR_TYPE_VARCHAR || type.id == MR_TYPE_BPCHAR) {
            mr_rows_int(rows, 1 << 30);
        } else {
            mr_rows_null(rows);
        }
    }
}

void mr_pg_rows_type_name(MrRows *rows, MrType type)
{
    char text[64];
    mr_rows_text(rows, mr_type_is_array(type.id)   ? "ARRAY"
                       : type.id == MR_TYPE_BPCHAR ? "character"
                                                   : mr_type_text(mr_type(type.id), text));
}

static void add_column(const MrPgNames *names, MrRows *rows, const MrPgClass *class,
                       uint32_t column)
{
    const MrRelation *relation = class->relation;
    const MrColumn *of = &relation->schema.columns[column];
    const MrStream *stream = relation->stream;
    bool is_logged = stream != NULL && column < stream->schema.column_count;
    bool is_generated = is_logged && stream->columns[column].generated != NULL;
    bool not_null = mr_pg_column_is_not_null(relation, column);
    MrBuilder text;
    char number[16];
    mr_builder_init(&text, 0);
    const char *expr =
        mr_pg_column_default(relation, column, &text) ? mr_builder_text(&text) : NULL;
    snprintf(number, sizeof number, "%u", column + 1);
    mr_rows_begin(rows);
    put_class(names, rows, class, class->name);
    mr_rows_text(rows, of->name);
    mr_rows_int(rows, column + 1);
    mr_rows_text(rows, is_generated ? NULL : expr);
    put_yes(rows, !not_null);
    mr_pg_rows_type_name(rows, of->type);
    put_character_length(rows, of->type);
    put_numeric(rows, of->type);
    put_time_precision(rows, of->type);
    mr_rows_skip(rows, 11); /* interval_type … domain_name */
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, "pg_catalog");
    mr_rows_text(rows, mr_pg_type(mr_pg_type_number(of->type.id))->name);
    mr_rows_skip(rows, 4); /* scope_catalog … maximum_cardinality */
    mr_rows_text(rows, number);
    put_yes(rows, false); /* is_self_referencing */
    put_yes(rows, false); /* is_identity */
    mr_rows_skip(rows, 5);
    put_yes(rows, false); /* identity_cycle */
    mr_rows_text(rows, is_generated ? "ALWAYS" : "NEVER");
    mr_rows_text(rows, is_generated ? expr : NULL);
    put_yes(rows, is_logged && !is_generated);
    mr_builder_fini(&text);
}

void mr_pg_fill_information_columns(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        for (uint32_t c = 0; is_listed(names, class) && c < class->relation->schema.column_count;
             c++) {
            if (!mr_column_is_dropped(&class->relation->schema.columns[c])) {
                add_column(names, rows, class, c);
            }
        }
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void put_constraint(const MrPgNames *names, MrRows *rows, const MrPgClass *class,
                           const char *name, const char *type)
{
    mr_rows_begin(rows);
    put_class(names, rows, class, name);
    put_class(names, rows, class, class->relation->name);
    mr_rows_text(rows, type);
    put_yes(rows, false);
    put_yes(rows, false);
    put_yes(rows, true);
}

/* NOT NULL, which the standard has as a CHECK, with the name that PostgreSQL 15 makes for it. */
static void not_null_name(const MrPgClass *class, uint32_t column, char *out, size_t size)
{
    snprintf(out, size, "%u_%u_%u_not_null", class->schema, class->number, column + 1);
}

static bool has_not_null(const MrPgClass *class, uint32_t column)
{
    return class->kind == 'r' && class->header == NULL &&
           mr_pg_column_is_not_null(class->relation, column);
}

void mr_pg_fill_table_constraints(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        char name[64];
        if (mr_pg_index_is_constraint(class)) {
            put_constraint(names, rows, class, class->name,
                           mr_pg_index_is_primary(class) ? "PRIMARY KEY" : "UNIQUE");
        }
        for (uint32_t c = 0; c < class->relation->schema.column_count; c++) {
            if (has_not_null(class, c)) {
                not_null_name(class, c, name, sizeof name);
                put_constraint(names, rows, class, name, "CHECK");
            }
        }
        for (uint32_t c = 0; c < mr_pg_check_count(class); c++) {
            put_constraint(names, rows, class, class->relation->table->checks[c].name, "CHECK");
        }
    }
}

static void put_check(const MrPgNames *names, MrRows *rows, const MrPgClass *class,
                      const MrCheck *check)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_builder_append_char(&text, '(');
    mr_expr_print(check->condition, &class->relation->schema, &text);
    mr_builder_append_char(&text, ')');
    mr_rows_begin(rows);
    put_class(names, rows, class, check->name);
    mr_rows_text(rows, mr_builder_text(&text));
    mr_builder_fini(&text);
}

void mr_pg_fill_check_constraints(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        for (uint32_t c = 0; c < class->relation->schema.column_count; c++) {
            char name[64], clause[200];
            if (has_not_null(class, c)) {
                not_null_name(class, c, name, sizeof name);
                snprintf(clause, sizeof clause, "%s IS NOT NULL",
                         class->relation->schema.columns[c].name);
                mr_rows_begin(rows);
                put_class(names, rows, class, name);
                mr_rows_text(rows, clause);
            }
        }
        for (uint32_t c = 0; c < mr_pg_check_count(class); c++) {
            put_check(names, rows, class, &class->relation->table->checks[c]);
        }
    }
}

void mr_pg_fill_key_columns(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        int32_t keys[MR_PG_INDEX_COLUMNS_MAX];
        uint32_t count = mr_pg_index_is_constraint(class) ? mr_pg_index_columns(class, keys) : 0;
        for (uint32_t k = 0; k < count; k++) {
            mr_rows_begin(rows);
            put_class(names, rows, class, class->name);
            put_class(names, rows, class, class->relation->name);
            mr_rows_text(rows, class->relation->schema.columns[keys[k]].name);
            mr_rows_int(rows, k + 1);
        }
    }
}

void mr_pg_fill_constraint_columns(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        int32_t keys[MR_PG_INDEX_COLUMNS_MAX];
        uint32_t count = mr_pg_index_is_constraint(class) ? mr_pg_index_columns(class, keys) : 0;
        for (uint32_t k = 0; k < count; k++) {
            mr_rows_begin(rows);
            put_class(names, rows, class, class->relation->name);
            mr_rows_text(rows, class->relation->schema.columns[keys[k]].name);
            put_class(names, rows, class, class->name);
        }
    }
}
