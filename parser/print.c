/*
 * parser/print.c - entry to printing; names, types, lists.
 * Must not know what any name means.
 */
#include "parser/print.h"

#include <string.h>

#include "parser/lexer.h"
#include "parser/parser.h"
#include "parser/print_parts.h"

/* ---- Names ------------------------------------------------------------------------------- */

static bool is_plain_word(const char *name)
{
    if (!((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_')) {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_')) {
            return false;
        }
    }
    return true;
}

static bool is_plain_identifier(const char *name)
{
    const MrKeyword *keyword = mr_keyword_find(name, strlen(name));
    return is_plain_word(name) && (keyword == NULL || keyword->class == MR_KEYWORD_UNRESERVED);
}

void mr_print_word(MrPrinter *printer, const char *word, bool reserved)
{
    const MrKeyword *keyword = mr_keyword_find(word, strlen(word));
    bool bare = reserved || keyword == NULL || keyword->class != MR_KEYWORD_RESERVED;
    if (bare && is_plain_word(word)) {
        PUT(printer, word);
    } else {
        mr_builder_append_quoted_identifier(printer->out, word);
    }
}

void mr_print_identifier(MrBuilder *out, const char *name)
{
    if (is_plain_identifier(name)) {
        mr_builder_append_string(out, name);
    } else {
        mr_builder_append_quoted_identifier(out, name);
    }
}

void mr_print_name(MrBuilder *out, const MrName *name)
{
    if (name->connection != NULL) {
        mr_print_identifier(out, name->connection);
        mr_builder_append_char(out, '.');
    }
    if (name->schema != NULL) {
        mr_print_identifier(out, name->schema);
        mr_builder_append_char(out, '.');
    }
    mr_print_identifier(out, name->name);
}

void mr_print_names(MrPrinter *printer, const MrNameList *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        PUT(printer, i == 0 ? "" : ", ");
        mr_print_identifier(printer->out, list->items[i]);
    }
}

void mr_print_column_list(MrPrinter *printer, const MrNameList *list)
{
    if (list->count > 0) {
        PUT(printer, " (");
        mr_print_names(printer, list);
        PUT(printer, ")");
    }
}

/* Never with E'' where it is not needed, so that the same value always prints the same. */
void mr_print_string(MrPrinter *printer, const char *text)
{
    mr_builder_append_char(printer->out, '\'');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            mr_builder_append_char(printer->out, '\'');
        }
        mr_builder_append_char(printer->out, *c);
    }
    mr_builder_append_char(printer->out, '\'');
}

/* ---- Types ------------------------------------------------------------------------------- */

/* The SQL spelling of PostgreSQL's catalogue names, as its format_type() gives. */
static const char *sql_type_name(const char *name)
{
    static const char *const names[][2] = {
        { "int2", "smallint" },
        { "int4", "integer" },
        { "int8", "bigint" },
        { "float4", "real" },
        { "float8", "double precision" },
        { "bool", "boolean" },
        { "varchar", "character varying" },
        { "bpchar", "character" },
        { "numeric", "numeric" },
        { "bit", "bit" },
        { "interval", "interval" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], name) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

static const char *interval_words(uint8_t fields)
{
    enum {
        Y = MR_INTERVAL_YEAR,
        M = MR_INTERVAL_MONTH,
        D = MR_INTERVAL_DAY,
        H = MR_INTERVAL_HOUR,
        I = MR_INTERVAL_MINUTE,
        S = MR_INTERVAL_SECOND
    };
    switch (fields) {
    case Y: return " YEAR";
    case M: return " MONTH";
    case D: return " DAY";
    case H: return " HOUR";
    case I: return " MINUTE";
    case S: return " SECOND";
    case Y | M: return " YEAR TO MONTH";
    case D | H: return " DAY TO HOUR";
    case D | H | I: return " DAY TO MINUTE";
    case D | H | I | S: return " DAY TO SECOND";
    case H | I: return " HOUR TO MINUTE";
    case H | I | S: return " HOUR TO SECOND";
    case I | S: return " MINUTE TO SECOND";
    default: return "";
    }
}

static void print_typmods(MrPrinter *printer, const MrAstType *type)
{
    for (uint8_t i = 0; i < type->typmod_count; i++) {
        mr_builder_append_format(printer->out, "%s%d", i == 0 ? "(" : ",", (int)type->typmods[i]);
    }
    PUT(printer, type->typmod_count > 0 ? ")" : "");
}

/* A bare `bpchar` has no length where `character` would have 1. */
static bool is_unlimited_bpchar(const MrAstType *type)
{
    return strcmp(type->name, "bpchar") == 0 && type->typmod_count == 0;
}

void mr_print_type(MrPrinter *printer, const MrAstType *type)
{
    PUT(printer, type->setof ? "SETOF " : "");
    bool with_zone = strcmp(type->name, "timestamptz") == 0 || strcmp(type->name, "timetz") == 0;
    bool time = strcmp(type->name, "time") == 0 || strcmp(type->name, "timestamp") == 0;
    const char *sql = sql_type_name(type->name);
    if (type->schema != NULL) {
        mr_print_identifier(printer->out, type->schema);
        mr_builder_append_char(printer->out, '.');
        mr_print_identifier(printer->out, type->name);
        print_typmods(printer, type);
    } else if (with_zone || time) {
        PUT(printer, strncmp(type->name, "timestamp", 9) == 0 ? "timestamp" : "time");
        print_typmods(printer, type);
        PUT(printer, with_zone ? " with time zone" : " without time zone");
    } else if (sql != NULL && !is_unlimited_bpchar(type)) {
        PUT(printer, sql);
        PUT(printer, interval_words(type->interval_fields));
        print_typmods(printer, type);
    } else {
        mr_print_identifier(printer->out, type->name);
        print_typmods(printer, type);
    }
    for (uint8_t i = 0; i < type->array_dimensions; i++) {
        PUT(printer, "[]");
    }
}

/* ---- Any node ---------------------------------------------------------------------------- */

void mr_print_list(MrPrinter *printer, const MrNodeList *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        PUT(printer, i == 0 ? "" : ", ");
        mr_print_node(printer, list->items[i]);
    }
}

void mr_print_node(MrPrinter *printer, const MrNode *node)
{
    if (node == NULL) {
        return;
    }
    if (printer->depth > 2 * MR_AST_HEIGHT_MAX) {
        printer->out->failed = true; /* a tree that the parser did not make */
        return;
    }
    printer->depth++;
    if (node->kind == MR_AST_TYPE) {
        mr_print_type(printer, MR_AST_AS(const MrAstType, node));
    } else if (mr_print_is_expression(node->kind)) {
        mr_print_expression(printer, node, MR_BIND_ANY);
    } else if (node->kind < MR_AST_OPTION) {
        mr_print_query_part(printer, node);
    } else if (node->kind <= MR_AST_COMMENT) {
        mr_print_definition(printer, node);
    } else {
        mr_print_statement(printer, node);
    }
    printer->depth--;
}

void mr_ast_print(MrBuilder *out, const MrNode *node, MrPrintMode mode)
{
    MrPrinter printer = { out, mode, 0 };
    mr_print_node(&printer, node);
}

const char *mr_ast_to_text(MrArena *arena, const MrNode *node, MrPrintMode mode)
{
    MrBuilder out;
    mr_builder_init(&out, 0);
    mr_ast_print(&out, node, mode);
    const char *text =
        out.failed ? NULL : mr_arena_strndup(arena, out.data == NULL ? "" : out.data, out.length);
    mr_builder_fini(&out);
    return text;
}
