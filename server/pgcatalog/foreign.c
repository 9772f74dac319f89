/*
 * server/pgcatalog/foreign.c - sinks as foreign tables: their connections are the servers, the
 * kinds of targets the wrappers.
 */
#include "server/pgcatalog/version.h"
#include "storage/sink.h"

static uint32_t connection_number(const MrPgNames *names, const char *name)
{
    const uint32_t count = mr_catalog_connection_count(names->pg->catalog);
    for (uint32_t c = 0; c < count; c++) {
        if (strcmp(mr_catalog_connection_at(names->pg->catalog, c)->name, name) == 0) {
            return MR_PG_SERVER_FIRST + c;
        }
    }
    return 0;
}

static uint32_t wrapper_number(const char *sink_class)
{
    const MrSinkClass *const *classes;
    const uint32_t count = mr_sink_all(&classes);
    for (uint32_t s = 0; s < count; s++) {
        if (strcmp(classes[s]->name, sink_class) == 0) {
            return MR_PG_WRAPPER_FIRST + s;
        }
    }
    return 0;
}

/* The standing query of a foreign table; NULL: the class is something else. */
static const MrStandingQuery *sink_of(const MrPgClass *class)
{
    return class->kind == 'f' ? class->relation->standing : NULL;
}

void mr_pg_fill_wrappers(const MrPgNames *names, MrRows *rows)
{
    const MrSinkClass *const *classes;
    const uint32_t count = mr_sink_all(&classes);
    (void)names;
    for (uint32_t s = 0; s < count; s++) {
        mr_rows_begin(rows);
        mr_rows_int(rows, MR_PG_WRAPPER_FIRST + s);
        mr_rows_text(rows, classes[s]->name);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
        mr_rows_skip(rows, 4); /* fdwhandler … fdwoptions */
    }
}

void mr_pg_fill_foreign_servers(const MrPgNames *names, MrRows *rows)
{
    const uint32_t count = mr_catalog_connection_count(names->pg->catalog);
    for (uint32_t c = 0; c < count; c++) {
        const MrConnection *connection = mr_catalog_connection_at(names->pg->catalog, c);
        mr_rows_begin(rows);
        mr_rows_int(rows, MR_PG_SERVER_FIRST + c);
        mr_rows_text(rows, connection->name);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
        mr_rows_int(rows, wrapper_number(connection->sink_class));
    }
}

/* What the table is called where it is, and of what kind that name is. */
static const char *place_of(const MrStandingQuery *sink, const char **kind)
{
    *kind = sink->channel != NULL ? "channel" : sink->file != NULL ? "filename" : "table_name";
    return sink->channel != NULL ? sink->channel : sink->table_name;
}

static void add_options(MrRows *rows, const MrStandingQuery *sink)
{
    const char *kind, *place = place_of(sink, &kind);
    const char *options[2] = {
        mr_arena_printf(rows->arena, "%s=%s", kind, place),
        mr_arena_printf(rows->arena, "schema_name=%s",
                        sink->schema_name == NULL ? "" : sink->schema_name),
    };
    mr_pg_rows_texts(rows, options, sink->schema_name == NULL ? 1 : 2);
}

void mr_pg_fill_foreign_tables(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        const MrStandingQuery *sink = sink_of(class);
        if (sink != NULL) {
            mr_rows_begin(rows);
            mr_rows_int(rows, class->number);
            mr_rows_int(rows, connection_number(names, sink->connection));
            add_options(rows, sink);
        }
    }
}

void mr_pg_fill_information_servers(const MrPgNames *names, MrRows *rows)
{
    const uint32_t count = mr_catalog_connection_count(names->pg->catalog);
    for (uint32_t c = 0; c < count; c++) {
        const MrConnection *connection = mr_catalog_connection_at(names->pg->catalog, c);
        mr_rows_begin(rows);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, connection->name);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, connection->sink_class);
        mr_rows_skip(rows, 2); /* type, version */
        mr_rows_text(rows, "millrace");
    }
}

void mr_pg_fill_information_foreign(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        const MrStandingQuery *sink = sink_of(class);
        if (sink != NULL) {
            mr_rows_begin(rows);
            mr_rows_text(rows, mr_pg_database_of(names));
            mr_rows_text(rows, mr_pg_schema_name(class->schema));
            mr_rows_text(rows, class->name);
            mr_rows_text(rows, mr_pg_database_of(names));
            mr_rows_text(rows, sink->connection);
        }
    }
}

void mr_pg_fill_information_wrappers(const MrPgNames *names, MrRows *rows)
{
    const MrSinkClass *const *classes;
    const uint32_t count = mr_sink_all(&classes);
    for (uint32_t s = 0; s < count; s++) {
        mr_rows_begin(rows);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, classes[s]->name);
        mr_rows_text(rows, "millrace");
        mr_rows_null(rows); /* library_name */
        mr_rows_text(rows, "c");
    }
}

static void put_option(const MrPgNames *names, MrRows *rows, const MrPgClass *class,
                       const char *name, const char *value)
{
    if (value != NULL) {
        mr_rows_begin(rows);
        mr_rows_text(rows, mr_pg_database_of(names));
        mr_rows_text(rows, mr_pg_schema_name(class->schema));
        mr_rows_text(rows, class->name);
        mr_rows_text(rows, name);
        mr_rows_text(rows, value);
    }
}

void mr_pg_fill_information_options(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        const MrStandingQuery *sink = sink_of(class);
        if (sink != NULL) {
            const char *kind, *place = place_of(sink, &kind);
            put_option(names, rows, class, kind, place);
            put_option(names, rows, class, "schema_name", sink->schema_name);
        }
    }
}
