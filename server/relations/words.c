/*
 * server/relations/words.c - millrace.functions, millrace.keywords: the words of the dialect, for
 * the shell's completion and the reference.
 */
#include "engine/aggregate.h"
#include "engine/function.h"
#include "engine/set_function.h"
#include "parser/lexer.h"
#include "planner/call_list.h"
#include "planner/sql_function.h"
#include "server/relations/rows.h"

#include <stdio.h>
#include <string.h>

static const MrColumn function_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),      MR_RELATION_COLUMN("kind", TEXT),
    MR_RELATION_COLUMN("arguments", TEXT), MR_RELATION_COLUMN("result", TEXT),
    MR_RELATION_COLUMN("doc", TEXT),       MR_RELATION_COLUMN("example", TEXT),
    MR_RELATION_COLUMN("returns", TEXT),
};

static const char *type_name(MrTypeId type, char out[64])
{
    return type == MR_TYPE_UNKNOWN    ? "any"
           : type == MR_TYPE_ANYARRAY ? "anyarray"
                                      : mr_type_text(mr_type(type), out);
}

/* `flags`: what a function says of its last argument; 0. */
static void add_arguments(MrRows *rows, const MrTypeId *args, uint32_t count, uint32_t flags)
{
    MrBuilder text;
    char name[64];
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_string(&text, i > 0 ? ", " : "");
        if ((flags & MR_FN_ARRAY_CALL) != 0 && i + 1 == count) {
            mr_builder_append_string(&text, "VARIADIC ");
        }
        mr_builder_append_string(&text, type_name(args[i], name));
    }
    mr_builder_append_string(&text, (flags & MR_FN_VARIADIC) != 0 ? ", …" : "");
    mr_rows_text(rows, mr_builder_text(&text));
    mr_builder_fini(&text);
}

/* "bigint", or the columns of a row: "(key text, value json)". */
static void add_set_result(MrRows *rows, const MrSetFunction *function)
{
    MrBuilder text;
    char name[64];
    mr_builder_init(&text, 0);
    bool is_row = function->column_count > 1;
    mr_builder_append_string(&text, is_row ? "rows of (" : "rows of ");
    for (uint32_t i = 0; i < function->column_count; i++) {
        mr_builder_append_string(&text, i > 0 ? ", " : "");
        if (is_row) {
            mr_builder_append_format(&text, "%s ", function->columns[i].name);
        }
        mr_builder_append_string(&text, type_name(function->columns[i].type, name));
    }
    mr_builder_append_string(&text, is_row ? ")" : "");
    mr_rows_text(rows, mr_builder_text(&text));
    mr_builder_fini(&text);
}

static void set_functions_fill(MrRows *rows)
{
    const MrSetFunction *const *functions;
    uint32_t count = mr_set_function_all(&functions);
    for (uint32_t i = 0; i < count; i++) {
        const MrSetFunction *function = functions[i];
        mr_rows_begin(rows);
        mr_rows_text(rows, function->name);
        mr_rows_text(rows, "set function");
        add_arguments(rows, function->args, function->arg_count, 0);
        add_set_result(rows, function);
        mr_rows_text(rows, function->doc);
        mr_rows_text(rows, function->example);
        mr_rows_text(rows, function->returns);
    }
}

static void listed_calls_fill(MrRows *rows)
{
    uint32_t count;
    char result[64];
    const MrListedCall *calls = mr_listed_calls(&count);
    for (uint32_t i = 0; i < count; i++) {
        mr_rows_begin(rows);
        mr_rows_text(rows, calls[i].name);
        mr_rows_text(rows, calls[i].is_window ? "window function" : "function");
        add_arguments(rows, calls[i].args, calls[i].arg_count, 0);
        mr_rows_text(rows, type_name(calls[i].result, result));
        mr_rows_text(rows, calls[i].doc);
        mr_rows_text(rows, calls[i].example);
        mr_rows_text(rows, calls[i].returns);
    }
}

/* CREATE FUNCTION's. */
static void sql_functions_fill(MrServer *server, MrRows *rows)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    for (uint32_t i = 0; i < mr_catalog_function_count(server->catalog); i++) {
        const MrSqlFunction *function = mr_catalog_function_at(server->catalog, i);
        mr_rows_begin(rows);
        mr_rows_text(rows, function->name);
        mr_rows_text(rows, "function in SQL");
        mr_rows_text(rows, mr_sql_function_arguments(&arena, function));
        mr_rows_text(rows, function->returns);
        mr_rows_text(rows, function->body);
        mr_rows_text(rows, NULL);
        mr_rows_text(rows, NULL);
    }
    mr_arena_fini(&arena);
}

static MrStatus functions_fill(MrServer *server, MrRows *rows, MrError *err)
{
    const MrFunction *const *functions;
    const MrAggregate *const *aggregates;
    char result[64];
    (void)err;
    uint32_t count = mr_function_all(&functions);
    for (uint32_t i = 0; i < count; i++) {
        const MrFunction *function = functions[i];
        bool is_word =
            (function->name[0] >= 'a' && function->name[0] <= 'z') || function->name[0] == '_';
        /* f(variadic) is f, called with an array. */
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(function->name, "("), function->name);
        mr_rows_begin(rows);
        mr_rows_text(rows, name);
        mr_rows_text(rows, is_word ? "function" : "operator");
        add_arguments(rows, function->args, function->arg_count, function->flags);
        mr_rows_text(rows, type_name(function->result, result));
        mr_rows_text(rows, function->doc);
        mr_rows_text(rows, function->example);
        mr_rows_text(rows, function->returns);
    }
    count = mr_aggregate_all(&aggregates);
    for (uint32_t i = 0; i < count; i++) {
        const MrAggregate *aggregate = aggregates[i];
        mr_rows_begin(rows);
        mr_rows_text(rows, aggregate->name);
        mr_rows_text(rows, "aggregate");
        if ((aggregate->flags & MR_AGG_COUNTS_ROWS) != 0) {
            mr_rows_text(rows, "*");
        } else {
            add_arguments(rows, aggregate->args, aggregate->arg_count, 0);
        }
        mr_rows_text(rows, type_name(aggregate->result, result));
        mr_rows_text(rows, aggregate->doc);
        mr_rows_text(rows, aggregate->example);
        mr_rows_text(rows, aggregate->returns);
    }
    set_functions_fill(rows);
    listed_calls_fill(rows);
    sql_functions_fill(server, rows);
    return MR_OK;
}

const MrRelationView mr_relation_functions = {
    .schema_name = "millrace",
    .name = "functions",
    MR_RELATION_COLUMNS(function_columns),
    .fill = functions_fill,
};

static const MrColumn keyword_columns[] = {
    MR_RELATION_COLUMN("word", TEXT),
};

static MrStatus keywords_fill(MrServer *server, MrRows *rows, MrError *err)
{
    size_t count;
    const MrKeyword *keywords = mr_keyword_list(&count);
    (void)server;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        mr_rows_begin(rows);
        mr_rows_text(rows, keywords[i].word);
    }
    return MR_OK;
}

const MrRelationView mr_relation_keywords = {
    .schema_name = "millrace",
    .name = "keywords",
    MR_RELATION_COLUMNS(keyword_columns),
    .fill = keywords_fill,
};
