/*
 * parser/print_definition.c - CREATE, DROP, ALTER and their parts back to SQL.
 * Must not know what any name means; knows which options hold secrets.
 */
#include <stdio.h>
#include <string.h>

#include "parser/parser.h"
#include "parser/print_parts.h"

#define AS(type) MR_AST_AS(const type, node)
#define HIDDEN "********"

static const char *object_words(MrObjectKind kind)
{
    static const char *const words[] = {
        "STREAM", "SOURCE",   "TABLE",  "VIEW", "MATERIALIZED VIEW", "SINK", "CONNECTION",
        "SECRET", "FUNCTION", "COLUMN", "INDEX"
    };
    return words[kind];
}

/* ---- Options ----------------------------------------------------------------------------- */

/* Options whose value nobody should read over a shoulder: any that is a password, token or key by
 * name, and a dsn, which may hold one. */
static bool is_secret_option(const char *name)
{
    static const char *const words[] = { "password", "passwd",  "secret",     "token",
                                         "dsn",      "api_key", "private_key" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasestr(name, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Dotted names were joined from names; one that cannot have been was a string. */
static bool is_joined(const char *name)
{
    size_t length;
    for (const char *part = name;; part += length + 1) {
        length = strcspn(part, ".");
        if (length == 0 || length > MR_IDENTIFIER_BYTES_MAX) {
            return false;
        }
        if (part[length] == '\0') {
            return true;
        }
    }
}

static void print_option_name(MrPrinter *printer, const char *name)
{
    if (!is_joined(name)) {
        mr_print_string(printer, name);
        return;
    }
    const char *part = name;
    for (const char *dot = strchr(part, '.'); dot != NULL; dot = strchr(part, '.')) {
        char word[MR_IDENTIFIER_BYTES_MAX + 1];
        size_t length = (size_t)(dot - part);
        memcpy(word, part, length);
        word[length] = '\0';
        mr_print_word(printer, word, true);
        PUT(printer, ".");
        part = dot + 1;
    }
    mr_print_word(printer, part, true);
}

static void print_option_value(MrPrinter *printer, const MrAstOption *option)
{
    bool hide =
        printer->mode == MR_PRINT_SHOWN && option->name != NULL && is_secret_option(option->name);
    switch (option->value) {
    case MR_OPTION_NONE: break;
    case MR_OPTION_STRING: mr_print_string(printer, hide ? HIDDEN : option->text); break;
    case MR_OPTION_NUMBER: PUT(printer, option->text); break;
    case MR_OPTION_WORD:
        if (hide) {
            mr_print_string(printer, HIDDEN);
        } else if (strcmp(option->text, "true") == 0 || strcmp(option->text, "false") == 0 ||
                   strcmp(option->text, "on") == 0) {
            PUT(printer, option->text);
        } else {
            mr_print_word(printer, option->text, false);
        }
        break;
    case MR_OPTION_SECRET:
        PUT(printer, "SECRET ");
        mr_print_identifier(printer->out, option->text);
        break;
    case MR_OPTION_NAMES:
        PUT(printer, "(");
        mr_print_names(printer, &option->names);
        PUT(printer, ")");
        break;
    case MR_OPTION_STAR: PUT(printer, "*"); break;
    }
}

/* `spaced`: name value, as COPY and EXPLAIN have it; else name = value. */
void mr_print_option_list(MrPrinter *printer, const MrNodeList *options, bool spaced)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, options->items[i]);
        PUT(printer, i == 0 ? "" : ", ");
        if (!spaced) {
            print_option_name(printer, option->name);
        } else {
            /* Three reserved words are names of options. */
            mr_print_word(printer, option->name,
                          strcmp(option->name, "null") == 0 ||
                              strcmp(option->name, "analyze") == 0 ||
                              strcmp(option->name, "default") == 0);
        }
        PUT(printer, option->value == MR_OPTION_NONE ? "" : spaced ? " " : " = ");
        print_option_value(printer, option);
    }
}

static void print_with_options(MrPrinter *printer, const MrNodeList *options)
{
    if (options->count > 0) {
        PUT(printer, " WITH (");
        mr_print_option_list(printer, options, false);
        PUT(printer, ")");
    }
}

/* ---- CREATE STREAM ----------------------------------------------------------------------- */

static void print_constraint(MrPrinter *printer, const MrAstConstraint *node)
{
    static const char *const words[] = { "PRIMARY KEY", "UNIQUE", "CHECK (", "FOREIGN KEY" };
    bool column_reference =
        node->constraint == MR_CONSTRAINT_FOREIGN_KEY && node->columns.count == 0;
    if (node->name != NULL) {
        PUT(printer, "CONSTRAINT ");
        mr_print_identifier(printer->out, node->name);
        PUT(printer, " ");
    }
    PUT(printer, column_reference ? "" : words[node->constraint]);
    PUT(printer, node->nulls_not_distinct ? " NULLS NOT DISTINCT" : "");
    mr_print_column_list(printer, &node->columns);
    if (node->check != NULL) {
        mr_print_expression(printer, node->check, MR_BIND_ANY);
        PUT(printer, ")");
    }
    if (node->references.name != NULL) {
        PUT(printer, column_reference ? "REFERENCES " : " REFERENCES ");
        mr_print_name(printer->out, &node->references);
        mr_print_column_list(printer, &node->reference_columns);
    }
}

static void print_column_def(MrPrinter *printer, const MrAstColumnDef *node)
{
    mr_print_identifier(printer->out, node->name);
    if (node->type == NULL) {
        PUT(printer, " AS ");
        mr_print_restricted(printer, node->generated);
        return;
    }
    PUT(printer, " ");
    mr_print_type(printer, node->type);
    if (node->collation != NULL) {
        PUT(printer, " COLLATE ");
        mr_print_identifier(printer->out, node->collation);
    }
    if (node->default_value != NULL) {
        PUT(printer, " DEFAULT ");
        mr_print_restricted(printer, node->default_value);
    }
    if (node->generated != NULL) {
        PUT(printer, " GENERATED ALWAYS AS (");
        mr_print_expression(printer, node->generated, MR_BIND_ANY);
        PUT(printer, ") STORED");
    }
    PUT(printer, node->not_null ? " NOT NULL" : "");
    for (uint32_t i = 0; i < node->constraints.count; i++) {
        PUT(printer, " ");
        mr_print_node(printer, node->constraints.items[i]);
    }
}

static void print_create_stream(MrPrinter *printer, const MrAstCreateStream *node)
{
    bool elements = node->columns.count + node->constraints.count > 0 || node->watermark != NULL;
    PUT(printer, node->or_replace ? "CREATE OR REPLACE " : "CREATE ");
    PUT(printer, node->temporary ? "TEMPORARY " : "");
    PUT(printer, object_words(node->object));
    PUT(printer, node->if_not_exists ? " IF NOT EXISTS " : " ");
    mr_print_name(printer->out, &node->name);
    PUT(printer, elements ? " (" : "");
    mr_print_list(printer, &node->columns);
    if (node->constraints.count > 0) {
        PUT(printer, node->columns.count > 0 ? ", " : "");
        mr_print_list(printer, &node->constraints);
    }
    if (node->watermark != NULL) {
        PUT(printer, node->columns.count + node->constraints.count > 0 ? ", " : "");
        PUT(printer, "WATERMARK FOR ");
        mr_print_identifier(printer->out, node->watermark_column);
        PUT(printer, " AS ");
        mr_print_expression(printer, node->watermark, MR_BIND_ANY);
    }
    PUT(printer, elements ? ")" : "");
    PUT(printer, node->append_only ? " APPEND ONLY" : "");
    print_with_options(printer, &node->options);
    if (node->format != NULL) {
        PUT(printer, " FORMAT ");
        mr_print_identifier(printer->out, node->format);
        PUT(printer, " ENCODE ");
        mr_print_identifier(printer->out, node->encode);
        if (node->encode_options.count > 0) {
            PUT(printer, " (");
            mr_print_option_list(printer, &node->encode_options, false);
            PUT(printer, ")");
        }
    }
}

static void print_create_table_as(MrPrinter *printer, const MrAstCreateTableAs *node)
{
    PUT(printer, node->or_replace ? "CREATE OR REPLACE " : "CREATE ");
    PUT(printer, node->temporary ? "TEMPORARY " : "");
    PUT(printer, node->if_not_exists ? "TABLE IF NOT EXISTS " : "TABLE ");
    mr_print_name(printer->out, &node->name);
    PUT(printer, " AS ");
    mr_print_query(printer, node->query);
}

/* ---- Views, sinks, functions ------------------------------------------------------------- */

static void print_emit(MrPrinter *printer, const MrEmit *emit)
{
    static const char *const words[] = { "", " EMIT ON UPDATE", " EMIT ON WINDOW CLOSE",
                                         " EMIT EVERY " };
    PUT(printer, words[emit->kind]);
    if (emit->interval != NULL) {
        mr_print_expression(printer, emit->interval, MR_BIND_ANY);
    }
}

static void print_create_view(MrPrinter *printer, const MrAstCreateView *node)
{
    PUT(printer, node->or_replace ? "CREATE OR REPLACE " : "CREATE ");
    PUT(printer, node->temporary ? "TEMPORARY " : "");
    PUT(printer, node->materialized ? "MATERIALIZED VIEW " : "VIEW ");
    PUT(printer, node->if_not_exists ? "IF NOT EXISTS " : "");
    mr_print_name(printer->out, &node->name);
    mr_print_column_list(printer, &node->columns);
    print_with_options(printer, &node->options);
    PUT(printer, " AS ");
    mr_print_node(printer, &node->query->base);
    print_emit(printer, &node->emit);
}

static void print_create_sink(MrPrinter *printer, const MrAstCreateSink *node)
{
    PUT(printer, node->if_not_exists ? "CREATE SINK IF NOT EXISTS " : "CREATE SINK ");
    mr_print_name(printer->out, &node->name);
    if (node->into.name != NULL) {
        PUT(printer, " INTO ");
        mr_print_name(printer->out, &node->into);
        mr_print_column_list(printer, &node->columns);
    }
    print_with_options(printer, &node->options);
    if (node->query != NULL) {
        PUT(printer, " AS ");
        mr_print_node(printer, &node->query->base);
    } else {
        PUT(printer, " FROM ");
        mr_print_name(printer->out, &node->from);
    }
    print_emit(printer, &node->emit);
}

/* A dollar quote whose tag is not in the body. */
static void print_body(MrPrinter *printer, const char *body)
{
    char tag[24] = "$$";
    for (unsigned n = 0; strstr(body, tag) != NULL; n++) {
        snprintf(tag, sizeof tag, "$b%u$", n);
    }
    size_t length = strlen(body);
    if (length > 0 && body[length - 1] == '$') {
        mr_print_string(printer, body); /* its end would run into the closing tag */
        return;
    }
    PUT(printer, tag);
    PUT(printer, body);
    PUT(printer, tag);
}

static void print_create_function(MrPrinter *printer, const MrAstCreateFunction *node)
{
    static const char *const volatilities[] = { "", " IMMUTABLE", " STABLE", " VOLATILE" };
    PUT(printer, node->or_replace ? "CREATE OR REPLACE FUNCTION " : "CREATE FUNCTION ");
    mr_print_name(printer->out, &node->name);
    PUT(printer, "(");
    mr_print_list(printer, &node->parameters);
    PUT(printer, ")");
    if (node->returns != NULL) {
        PUT(printer, " RETURNS ");
        mr_print_type(printer, node->returns);
    }
    if (node->language != NULL) {
        PUT(printer, " LANGUAGE ");
        mr_print_identifier(printer->out, node->language);
    }
    PUT(printer, volatilities[node->volatility]);
    PUT(printer, node->strict ? " STRICT" : "");
    if (node->body != NULL) {
        PUT(printer, " AS ");
        print_body(printer, node->body);
    }
}

static void print_parameter(MrPrinter *printer, const MrAstFunctionParameter *node)
{
    if (node->name != NULL) {
        mr_print_identifier(printer->out, node->name);
        PUT(printer, " ");
    }
    mr_print_type(printer, node->type);
    if (node->default_value != NULL) {
        PUT(printer, " DEFAULT ");
        mr_print_expression(printer, node->default_value, MR_BIND_ANY);
    }
}

/* ---- DROP, ALTER, COMMENT ---------------------------------------------------------------- */

static void print_name_node(MrPrinter *printer, const MrAstNameNode *node)
{
    mr_print_name(printer->out, &node->name);
    if (node->has_arguments) {
        PUT(printer, "(");
        mr_print_list(printer, &node->argument_types);
        PUT(printer, ")");
    }
}

static void print_index_element(MrPrinter *printer, const MrAstIndexElement *node)
{
    if (node->column != NULL) {
        mr_print_identifier(printer->out, node->column);
    } else {
        PUT(printer, "(");
        mr_print_expression(printer, node->expr, MR_BIND_ANY);
        PUT(printer, ")");
    }
    if (node->collation.name != NULL) {
        PUT(printer, " COLLATE ");
        mr_print_name(printer->out, &node->collation);
    }
    if (node->operator_class.name != NULL) {
        PUT(printer, " ");
        mr_print_name(printer->out, &node->operator_class);
    }
    mr_print_order(printer, node->direction, node->nulls);
}

static void print_create_index(MrPrinter *printer, const MrAstCreateIndex *node)
{
    PUT(printer, node->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    PUT(printer, node->concurrently ? "CONCURRENTLY " : "");
    PUT(printer, node->if_not_exists ? "IF NOT EXISTS " : "");
    if (node->name != NULL) {
        mr_print_identifier(printer->out, node->name);
        PUT(printer, " ");
    }
    PUT(printer, "ON ");
    mr_print_name(printer->out, &node->on);
    if (node->method != NULL) {
        PUT(printer, " USING ");
        mr_print_identifier(printer->out, node->method);
    }
    PUT(printer, " (");
    mr_print_list(printer, &node->elements);
    PUT(printer, node->nulls_not_distinct ? ") NULLS NOT DISTINCT" : ")");
    if (node->where != NULL) {
        PUT(printer, " WHERE ");
        mr_print_expression(printer, node->where, MR_BIND_ANY);
    }
}

static void print_drop(MrPrinter *printer, const MrAstDrop *node)
{
    PUT(printer, "DROP ");
    PUT(printer, object_words(node->object));
    PUT(printer, node->if_exists ? " IF EXISTS " : " ");
    mr_print_list(printer, &node->names);
    PUT(printer, node->cascade ? " CASCADE" : "");
    PUT(printer, node->force ? " FORCE" : "");
}

static void print_column_action(MrPrinter *printer, const MrAstAlter *node)
{
    PUT(printer, " ALTER COLUMN ");
    mr_print_identifier(printer->out, node->part_name);
    switch (node->action) {
    case MR_ALTER_SET_NOT_NULL: PUT(printer, " SET NOT NULL"); return;
    case MR_ALTER_DROP_NOT_NULL: PUT(printer, " DROP NOT NULL"); return;
    default: break;
    }
    PUT(printer, node->value != NULL ? " SET DEFAULT " : " DROP DEFAULT");
    if (node->value != NULL) {
        mr_print_node(printer, node->value);
    }
}

static void print_action(MrPrinter *printer, const MrAstAlter *node)
{
    switch (node->action) {
    case MR_ALTER_SUSPEND: PUT(printer, " SUSPEND"); break;
    case MR_ALTER_RESUME: PUT(printer, " RESUME"); break;
    case MR_ALTER_TAKE_OVER: PUT(printer, " TAKE OVER"); break;
    case MR_ALTER_SET:
        PUT(printer, " SET (");
        mr_print_option_list(printer, &node->options, false);
        PUT(printer, ")");
        break;
    case MR_ALTER_RENAME:
        PUT(printer, " RENAME TO ");
        mr_print_identifier(printer->out, node->new_name);
        break;
    case MR_ALTER_RENAME_COLUMN:
        PUT(printer, " RENAME COLUMN ");
        mr_print_identifier(printer->out, node->part_name);
        PUT(printer, " TO ");
        mr_print_identifier(printer->out, node->new_name);
        break;
    case MR_ALTER_ADD_COLUMN:
        PUT(printer, node->if_not_exists ? " ADD COLUMN IF NOT EXISTS " : " ADD COLUMN ");
        mr_print_node(printer, &node->column->base);
        break;
    case MR_ALTER_DROP_COLUMN:
        PUT(printer, node->part_if_exists ? " DROP COLUMN IF EXISTS " : " DROP COLUMN ");
        mr_print_identifier(printer->out, node->part_name);
        PUT(printer, node->cascade ? " CASCADE" : "");
        break;
    case MR_ALTER_ADD_CONSTRAINT:
        PUT(printer, " ADD ");
        mr_print_node(printer, &node->constraint->base);
        break;
    case MR_ALTER_DROP_CONSTRAINT:
        PUT(printer, node->part_if_exists ? " DROP CONSTRAINT IF EXISTS " : " DROP CONSTRAINT ");
        mr_print_identifier(printer->out, node->part_name);
        PUT(printer, node->cascade ? " CASCADE" : "");
        break;
    case MR_ALTER_RENAME_CONSTRAINT:
        PUT(printer, " RENAME CONSTRAINT ");
        mr_print_identifier(printer->out, node->part_name);
        PUT(printer, " TO ");
        mr_print_identifier(printer->out, node->new_name);
        break;
    default: print_column_action(printer, node); break;
    }
}

static void print_alter(MrPrinter *printer, const MrAstAlter *node)
{
    PUT(printer, "ALTER ");
    PUT(printer, object_words(node->object));
    PUT(printer, node->if_exists ? " IF EXISTS " : " ");
    mr_print_name(printer->out, &node->name);
    print_action(printer, node);
    for (uint32_t i = 0; i < node->more.count; i++) {
        PUT(printer, ",");
        print_action(printer, MR_AST_AS(const MrAstAlter, node->more.items[i]));
    }
}

static void print_comment(MrPrinter *printer, const MrAstComment *node)
{
    PUT(printer, "COMMENT ON ");
    PUT(printer, object_words(node->object));
    PUT(printer, " ");
    if (node->function != NULL) {
        print_name_node(printer, node->function);
    } else {
        mr_print_name(printer->out, &node->name);
    }
    if (node->column != NULL) {
        PUT(printer, ".");
        mr_print_identifier(printer->out, node->column);
    }
    PUT(printer, " IS ");
    if (node->text == NULL) {
        PUT(printer, "NULL");
    } else {
        mr_print_string(printer, node->text);
    }
}

static void print_role(MrPrinter *printer, const MrAstRole *node)
{
    PUT(printer, node->base.kind == MR_AST_ALTER_ROLE ? "ALTER " : "CREATE ");
    PUT(printer, node->is_user ? "USER " : "ROLE ");
    mr_print_identifier(printer->out, node->name);
    for (uint32_t i = 0; i < node->options.count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, node->options.items[i]);
        PUT(printer, " ");
        mr_print_identifier(printer->out, option->name);
        if (option->value == MR_OPTION_STRING) {
            PUT(printer, " ");
            mr_print_string(printer, printer->mode == MR_PRINT_SHOWN ? HIDDEN : option->text);
        } else if (option->value == MR_OPTION_WORD) {
            PUT(printer, " NULL");
        }
    }
}

void mr_print_definition(MrPrinter *printer, const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_OPTION: {
        MrNode *items[1] = { (MrNode *)(uintptr_t)node };
        MrNodeList list = { items, 1, 1 };
        mr_print_option_list(printer, &list, false);
        break;
    }
    case MR_AST_CONSTRAINT: print_constraint(printer, AS(MrAstConstraint)); break;
    case MR_AST_COLUMN_DEF: print_column_def(printer, AS(MrAstColumnDef)); break;
    case MR_AST_FUNCTION_PARAMETER: print_parameter(printer, AS(MrAstFunctionParameter)); break;
    case MR_AST_NAME_NODE: print_name_node(printer, AS(MrAstNameNode)); break;
    case MR_AST_ASSIGNMENT:
        PUT(printer, AS(MrAstAssignment)->row ? "(" : "");
        mr_print_names(printer, &AS(MrAstAssignment)->columns);
        PUT(printer, AS(MrAstAssignment)->row ? ") = " : " = ");
        mr_print_expression(printer, AS(MrAstAssignment)->value, MR_BIND_ANY);
        break;
    case MR_AST_CREATE_STREAM: print_create_stream(printer, AS(MrAstCreateStream)); break;
    case MR_AST_CREATE_TABLE_AS: print_create_table_as(printer, AS(MrAstCreateTableAs)); break;
    case MR_AST_CREATE_CONNECTION:
        PUT(printer, AS(MrAstCreateConnection)->if_not_exists ? "CREATE CONNECTION IF NOT EXISTS "
                                                              : "CREATE CONNECTION ");
        mr_print_identifier(printer->out, AS(MrAstCreateConnection)->name);
        print_with_options(printer, &AS(MrAstCreateConnection)->options);
        break;
    case MR_AST_CREATE_SECRET:
        PUT(printer, AS(MrAstCreateSecret)->if_not_exists ? "CREATE SECRET IF NOT EXISTS "
                                                          : "CREATE SECRET ");
        mr_print_identifier(printer->out, AS(MrAstCreateSecret)->name);
        PUT(printer, " AS ");
        mr_print_string(printer,
                        printer->mode == MR_PRINT_SHOWN ? HIDDEN : AS(MrAstCreateSecret)->value);
        break;
    case MR_AST_CREATE_ROLE:
    case MR_AST_ALTER_ROLE: print_role(printer, AS(MrAstRole)); break;
    case MR_AST_DROP_ROLE:
        PUT(printer, AS(MrAstDropRole)->if_exists ? "DROP ROLE IF EXISTS " : "DROP ROLE ");
        mr_print_names(printer, &AS(MrAstDropRole)->names);
        break;
    case MR_AST_CREATE_VIEW: print_create_view(printer, AS(MrAstCreateView)); break;
    case MR_AST_CREATE_SINK: print_create_sink(printer, AS(MrAstCreateSink)); break;
    case MR_AST_CREATE_FUNCTION: print_create_function(printer, AS(MrAstCreateFunction)); break;
    case MR_AST_INDEX_ELEMENT: print_index_element(printer, AS(MrAstIndexElement)); break;
    case MR_AST_CREATE_INDEX: print_create_index(printer, AS(MrAstCreateIndex)); break;
    case MR_AST_DROP: print_drop(printer, AS(MrAstDrop)); break;
    case MR_AST_ALTER: print_alter(printer, AS(MrAstAlter)); break;
    case MR_AST_REFRESH:
        PUT(printer, "REFRESH MATERIALIZED VIEW ");
        PUT(printer, AS(MrAstRefresh)->concurrently ? "CONCURRENTLY " : "");
        mr_print_name(printer->out, &AS(MrAstRefresh)->name);
        break;
    case MR_AST_COMMENT: print_comment(printer, AS(MrAstComment)); break;
    default: break;
    }
}
