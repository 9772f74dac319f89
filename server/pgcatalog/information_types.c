/*
 * server/pgcatalog/information_types.c - information_schema.element_types and
 * data_type_privileges: the types of columns, and of functions' arguments and results.
 */
#include <stdio.h>

#include "server/pgcatalog/version.h"

/* What has a type; `identifier` tells it apart within the object. */
typedef struct Typed {
    const char *schema_name, *object, *kind;
    uint32_t identifier; /* of an object: 0 is a function's result */
    MrTypeId type;
} Typed;

typedef void PutTyped(const MrPgNames *names, MrRows *rows, const Typed *typed);

static void each_column(const MrPgNames *names, MrRows *rows, PutTyped *put)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        const MrSchema *schema = &class->relation->schema;
        const char kind = mr_pg_class_kind(names, class);
        const bool is_listed = kind == 'r' || kind == 'v' || kind == 'f';
        for (uint32_t c = 0; is_listed && c < schema->column_count; c++) {
            const Typed typed = { mr_pg_schema_name(class->schema), class->name, "TABLE", c + 1,
                                  schema->columns[c].type.id };
            if (!mr_column_is_dropped(&schema->columns[c])) {
                put(names, rows, &typed);
            }
        }
    }
}

static void each_of_routine(const MrPgNames *names, MrRows *rows, const MrPgRoutine *routine,
                            PutTyped *put)
{
    char specific[160];
    snprintf(specific, sizeof specific, "%s_%u", routine->name, routine->number);
    for (uint32_t a = 0; a <= routine->arg_count; a++) {
        const Typed typed = { mr_pg_function_schema(routine), specific, "ROUTINE", a,
                              a == 0 ? routine->result : routine->args[a - 1] };
        put(names, rows, &typed);
    }
}

static void each_typed(const MrPgNames *names, MrRows *rows, PutTyped *put)
{
    const MrPgRoutine *all;
    const uint32_t count = mr_pg_routines(false, &all);
    each_column(names, rows, put);
    for (uint32_t i = 0; i < count; i++) {
        each_of_routine(names, rows, &all[i], put);
    }
    for (uint32_t i = 0; i < names->pg->function_count; i++) {
        each_of_routine(names, rows, &names->pg->functions[i], put);
    }
}

static void begin(const MrPgNames *names, MrRows *rows, const Typed *typed)
{
    char identifier[16];
    snprintf(identifier, sizeof identifier, "%u", typed->identifier);
    mr_rows_begin(rows);
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, typed->schema_name);
    mr_rows_text(rows, typed->object);
    mr_rows_text(rows, typed->kind);
    mr_rows_text(rows, identifier);
}

static void put_data_type(const MrPgNames *names, MrRows *rows, const Typed *typed)
{
    begin(names, rows, typed);
}

void mr_pg_fill_data_types(const MrPgNames *names, MrRows *rows)
{
    each_typed(names, rows, put_data_type);
}

/* Of arrays alone; an array of anything has no element to tell. */
static void put_element(const MrPgNames *names, MrRows *rows, const Typed *typed)
{
    char identifier[16];
    if (typed->type == MR_TYPE_ANYARRAY || !mr_type_is_array(typed->type)) {
        return;
    }
    const MrType element = mr_type(mr_type_element(typed->type));
    const MrPgType *of = mr_pg_type(mr_pg_type_number(element.id));
    snprintf(identifier, sizeof identifier, "a%u", typed->identifier);
    begin(names, rows, typed);
    mr_pg_rows_type_name(rows, element);
    mr_rows_skip(rows, 15); /* character_maximum_length … domain_default */
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, "pg_catalog");
    mr_rows_text(rows, of == NULL ? NULL : of->name);
    mr_rows_skip(rows, 4); /* scope_catalog … maximum_cardinality */
    mr_rows_text(rows, identifier);
}

void mr_pg_fill_element_types(const MrPgNames *names, MrRows *rows)
{
    each_typed(names, rows, put_element);
}
