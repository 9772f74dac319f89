/*
 * parser/print.h - the tree back to SQL in its canonical form: what SHOW CREATE and EXPLAIN show,
 * and what the catalogue stores.  Parsing the output gives an equal tree.
 * Must not know what any name means.
 */
#ifndef MR_PARSER_PRINT_H
#define MR_PARSER_PRINT_H

#include "parser/ast.h"

typedef enum MrPrintMode {
    MR_PRINT_SHOWN,   /* secrets and passwords as '********': for everything people see */
    MR_PRINT_COMPLETE /* with secrets: only for the catalogue's own file */
} MrPrintMode;

/* Appends any node: a statement (without semicolon), expression, type, FROM item. */
void mr_ast_print(MrBuilder *out, const MrNode *node, MrPrintMode mode);
/* The same as text in the arena, or NULL when memory ran out. */
const char *mr_ast_to_text(MrArena *arena, const MrNode *node, MrPrintMode mode) MR_MUST_USE;
/* Appends a name, quoted where it must be (upper case, odd characters, reserved words). */
void mr_print_identifier(MrBuilder *out, const char *name);
void mr_print_name(MrBuilder *out, const MrName *name);

#endif
