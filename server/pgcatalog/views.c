/*
 * server/pgcatalog/views.c - pg_tables, pg_views, pg_matviews, pg_indexes, pg_stat_*_tables:
 * pg_class for people.
 */
#include "server/pgcatalog/version.h"

/* The next class of that kind from *index on, or NULL. */
static const MrPgClass *next_class(const MrPgNames *names, char kind, uint32_t *index)
{
    while (*index < names->pg->class_count) {
        const MrPgClass *class = &names->pg->classes[(*index)++];
        if (mr_pg_class_kind(names, class) == kind) {
            return class;
        }
    }
    return NULL;
}

static void begin_named(MrRows *rows, const MrPgClass *class)
{
    mr_rows_begin(rows);
    mr_rows_text(rows, mr_pg_schema_name(class->schema));
    mr_rows_text(rows, class->name);
}

void mr_pg_fill_tables(const MrPgNames *names, MrRows *rows)
{
    const MrPgClass *class;
    for (uint32_t i = 0; (class = next_class(names, 'r', &i)) != NULL;) {
        begin_named(rows, class);
        mr_rows_text(rows, "millrace");
        mr_rows_null(rows);
        mr_rows_bool(rows, mr_pg_has_index(class));
        mr_rows_bool(rows, false);
        mr_rows_bool(rows, false);
        mr_rows_bool(rows, false);
    }
}

static void put_view(MrRows *rows, const MrPgClass *class)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_rows_text(rows, mr_pg_view_definition(class, &text) ? mr_builder_text(&text) : NULL);
    mr_builder_fini(&text);
}

void mr_pg_fill_views(const MrPgNames *names, MrRows *rows)
{
    const MrPgClass *class;
    for (uint32_t i = 0; (class = next_class(names, 'v', &i)) != NULL;) {
        begin_named(rows, class);
        mr_rows_text(rows, "millrace");
        put_view(rows, class);
    }
}

void mr_pg_fill_matviews(const MrPgNames *names, MrRows *rows)
{
    const MrPgClass *class;
    for (uint32_t i = 0; (class = next_class(names, 'm', &i)) != NULL;) {
        begin_named(rows, class);
        mr_rows_text(rows, "millrace");
        mr_rows_null(rows);
        mr_rows_bool(rows, mr_pg_has_index(class));
        mr_rows_bool(rows, true);
        put_view(rows, class);
    }
}

void mr_pg_fill_index_views(const MrPgNames *names, MrRows *rows)
{
    const MrPgClass *class;
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; (class = next_class(names, 'i', &i)) != NULL;) {
        mr_builder_clear(&text);
        mr_pg_index_definition(class, &text);
        mr_rows_begin(rows);
        mr_rows_text(rows, mr_pg_schema_name(class->schema));
        mr_rows_text(rows, class->relation->name);
        mr_rows_text(rows, class->name);
        mr_rows_null(rows);
        mr_rows_text(rows, mr_builder_text(&text));
    }
    mr_builder_fini(&text);
}

/* Rows of streams as the log has them. */
void mr_pg_fill_stat_tables(const MrPgNames *names, MrRows *rows)
{
    const MrPgClass *class;
    for (uint32_t i = 0; (class = next_class(names, 'r', &i)) != NULL;) {
        MrLogStreamFacts facts = { 0 };
        if (class->relation->stream == NULL) {
            continue;
        }
        (void)mr_log_stream_facts(names->pg->server->log, class->relation->stream->id, &facts);
        mr_rows_begin(rows);
        mr_rows_int(rows, class->number);
        mr_rows_text(rows, mr_pg_schema_name(class->schema));
        mr_rows_text(rows, class->name);
        mr_rows_skip(rows, 4); /* scans are not counted */
        mr_rows_count(rows, facts.rows);
        mr_rows_skip(rows, 3);
        mr_rows_count(rows, facts.rows); /* n_live_tup */
        mr_rows_int(rows, 0);
    }
}
