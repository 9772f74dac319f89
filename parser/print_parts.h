/*
 * parser/print_parts.h - what the files that print share.  Only for print*.c.
 */
#ifndef MR_PARSER_PRINT_PARTS_H
#define MR_PARSER_PRINT_PARTS_H

#include "parser/print.h"

typedef struct MrPrinter {
    MrBuilder *out;
    MrPrintMode mode;
    int depth; /* of nodes: beyond MR_AST_HEIGHT_MAX the builder is marked as failed */
} MrPrinter;

#define PUT(printer, text) mr_builder_append_string((printer)->out, (text))

/* Binding strengths, weakest first: the precedence table of grammar.y. */
typedef enum MrBinding {
    MR_BIND_ANY,
    MR_BIND_OR,
    MR_BIND_AND,
    MR_BIND_NOT,
    MR_BIND_IS,
    MR_BIND_COMPARE,
    MR_BIND_IN,
    MR_BIND_OPERATOR,
    MR_BIND_ADD,
    MR_BIND_MULTIPLY,
    MR_BIND_POWER,
    MR_BIND_AT,
    MR_BIND_COLLATE,
    MR_BIND_SIGN,
    MR_BIND_PRIMARY
} MrBinding;

/* Any node; expressions weaker than `least` in parentheses. */
void mr_print_node(MrPrinter *printer, const MrNode *node);
void mr_print_expression(MrPrinter *printer, const MrNode *node, MrBinding least);
/* An expression that may stand where the grammar has b_expr. */
void mr_print_restricted(MrPrinter *printer, const MrNode *node);
bool mr_print_is_expression(MrNodeKind kind);
void mr_print_list(MrPrinter *printer, const MrNodeList *list);
void mr_print_names(MrPrinter *printer, const MrNameList *list);       /* a, b */
void mr_print_column_list(MrPrinter *printer, const MrNameList *list); /* " (a, b)" or nothing */
void mr_print_type(MrPrinter *printer, const MrAstType *type);
/* A word where the grammar takes keywords too: quoted only for its characters, or, unless
 * `reserved` ones are welcome, for being reserved. */
void mr_print_word(MrPrinter *printer, const char *word, bool reserved);
void mr_print_string(MrPrinter *printer, const char *text);
void mr_print_query_part(MrPrinter *printer, const MrNode *node);
/* ASC, DESC, NULLS FIRST, NULLS LAST as they were said. */
void mr_print_order(MrPrinter *printer, MrSortDirection direction, MrSortNulls nulls);
void mr_print_window(MrPrinter *printer, const MrAstWindow *window);
void mr_print_query(MrPrinter *printer, const MrAstQuery *query);
void mr_print_with(MrPrinter *printer, const MrNodeList *with, bool recursive);
void mr_print_from(MrPrinter *printer, const MrNodeList *from, const char *word);
void mr_print_definition(MrPrinter *printer, const MrNode *node);
void mr_print_option_list(MrPrinter *printer, const MrNodeList *options, bool spaced);
void mr_print_statement(MrPrinter *printer, const MrNode *node);

#endif
