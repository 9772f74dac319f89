/*
 * server/pgcatalog/header.c - the relations that PostgreSQL 15 has: names, columns and types from
 * relations.def, with what fills them from fills.def.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/pgcatalog/version.h"

typedef struct HeaderSource {
    const char *schema_name, *name;
    uint32_t number;
    char kind;
    const char *columns; /* "name:type name:type! …" */
} HeaderSource;

static const HeaderSource sources[] = {
#define MR_PG_RELATION(schema, name, number, kind, columns) { schema, name, number, kind, columns },
#include "server/pgcatalog/relations.def"
#include "server/pgcatalog/calls.def"
#undef MR_PG_RELATION
};

static const struct {
    const char *relation; /* with its schema */
    MrPgFill *fill;
    bool is_live;
} fills[] = {
#define MR_PG_FILL(relation, function, is_live) { relation, function, is_live },
#include "server/pgcatalog/fills.def"
#undef MR_PG_FILL
};

enum { HEADER_COUNT = sizeof sources / sizeof sources[0] };

static MrPgHeader headers[HEADER_COUNT];
static MrArena header_arena; /* for ever */
static pthread_once_t headers_once = PTHREAD_ONCE_INIT;

static uint32_t column_count(const char *columns)
{
    uint32_t count = 0;
    for (const char *at = columns; *at != '\0'; at++) {
        count += *at == ':';
    }
    return count;
}

/* The type of a name in relations.def; arrays begin with _.  What we have not is text: such a
 * column has no values. */
static MrTypeId column_type(MrString name)
{
    MrTypeId type;
    return mr_type_by_name(name, &type) ? type : MR_TYPE_TEXT;
}

static MrStatus parse_columns(const char *text, MrSchema *out, MrError *err)
{
    MrColumn *columns;
    uint32_t count = column_count(text);
    MR_NEW_ARRAY(&header_arena, columns, count, err);
    for (uint32_t c = 0; c < count; c++) {
        size_t name = strcspn(text, ":");
        size_t type = strcspn(text + name + 1, " !");
        const char *end = text + name + 1 + type;
        columns[c].name = mr_arena_strndup(&header_arena, text, name);
        if (columns[c].name == NULL) {
            return mr_error_no_memory(err);
        }
        columns[c].type = mr_type(column_type((MrString){ text + name + 1, type }));
        columns[c].not_null = *end == '!';
        text = end + strspn(end, "! ");
    }
    *out = (MrSchema){ .column_count = count, .columns = columns };
    return MR_OK;
}

static void find_fill(MrPgHeader *header)
{
    char name[160];
    snprintf(name, sizeof name, "%s.%s", header->schema_name, header->name);
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        if (strcmp(fills[i].relation, name) == 0) {
            header->fill = fills[i].fill;
            header->is_live = fills[i].is_live;
        }
    }
}

static void headers_build(void)
{
    MrError error = MR_ERROR_INIT;
    mr_arena_init(&header_arena, 0);
    for (uint32_t i = 0; i < HEADER_COUNT; i++) {
        headers[i] = (MrPgHeader){ .schema_name = sources[i].schema_name,
                                   .name = sources[i].name,
                                   .number = sources[i].number,
                                   .kind = sources[i].kind };
        find_fill(&headers[i]);
        if (parse_columns(sources[i].columns, &headers[i].schema, &error) != MR_OK) {
            mr_server_panic(&error); /* no memory at the start of the process */
        }
    }
}

uint32_t mr_pg_headers(const MrPgHeader **out)
{
    pthread_once(&headers_once, headers_build);
    *out = headers;
    return HEADER_COUNT;
}

const MrPgHeader *mr_pg_header_find(const char *schema_name, const char *name)
{
    const MrPgHeader *all;
    uint32_t count = mr_pg_headers(&all);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(all[i].name, name) == 0 && strcmp(all[i].schema_name, schema_name) == 0) {
            return &all[i];
        }
    }
    return NULL;
}
