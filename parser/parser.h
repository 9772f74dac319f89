/*
 * parser/parser.h - SQL text to statements, or one error with its byte position.
 * Must not know what any name means.
 */
#ifndef MR_PARSER_PARSER_H
#define MR_PARSER_PARSER_H

#include "parser/ast.h"

enum {
    MR_SQL_BYTES_MAX = 1024 * 1024, /* longer text: 54000 */
    MR_SQL_NESTING_MAX = 100,       /* brackets and CASE inside each other: 54001 */
    MR_AST_HEIGHT_MAX = 400,        /* nodes from the root to a leaf (a + b + c + …): 54001 */
    MR_IDENTIFIER_BYTES_MAX = 63,   /* longer names: 42622 */
    MR_SQL_PARAMETER_MAX = 65535    /* $n */
};

/* One statement of a text.  `start` and `end` are byte offsets into the whole text, without the
 * semicolon and without white space and comments around it. */
typedef struct MrStatement {
    MrNode *node;
    int32_t start;
    int32_t end;
    int32_t parameter_max; /* the highest $n, 0 if none */
} MrStatement;

typedef struct MrStatementList {
    MrStatement *items;
    uint32_t count; /* 0 for an empty text */
} MrStatementList;

/* Parses all statements of `text` (UTF-8, need not end in NUL), separated by semicolons, or none:
 * as in PostgreSQL a syntax error anywhere refuses the whole text.  The result is in the arena and
 * does not point into `text`.  Positions in nodes and in `err` are offsets into `text`. */
MrStatus mr_parse(MrArena *arena, const char *text, size_t length, MrStatementList *out,
                  MrError *err) MR_MUST_USE;

/* One expression alone, as in `a + 1`. */
MrStatus mr_parse_expression(MrArena *arena, const char *text, size_t length, MrNode **out,
                             MrError *err) MR_MUST_USE;

/* One type name alone, as in `numeric(10, 2)`, `timestamp with time zone`, `int[]`. */
MrStatus mr_parse_type(MrArena *arena, const char *text, size_t length, MrAstType **out,
                       MrError *err) MR_MUST_USE;

#endif
