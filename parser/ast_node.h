/*
 * parser/ast_node.h - what every node of the syntax tree begins with, and the lists and names that
 * nodes hold.  Everything lives in the arena given to the parser.
 */
#ifndef MR_PARSER_AST_NODE_H
#define MR_PARSER_AST_NODE_H

#include "common/text.h"

/* Names of kinds as people read them: MR_AST_KIND(NAME, "what it is"). */
typedef enum MrNodeKind {
#define MR_AST_KIND(name, words) MR_AST_##name,
#include "parser/ast_kinds.def"
#undef MR_AST_KIND
    MR_AST_KIND_COUNT
} MrNodeKind;

/* The first member of every node.  `position` is a byte offset into the text that was parsed, the
 * place an error about this node points to (as in PostgreSQL: a call at its name, an operator at
 * its sign), or -1 for a node that no text stands for. */
typedef struct MrNode {
    MrNodeKind kind;
    int32_t position;
} MrNode;

/* Grown only by the parser; readers use items and count.  No item is NULL. */
typedef struct MrNodeList {
    MrNode **items;
    uint32_t count;
    uint32_t capacity;
} MrNodeList;

typedef struct MrNameList {
    const char **items;
    uint32_t count;
    uint32_t capacity;
} MrNameList;

/* `name`, `schema.name` or `connection.schema.name`.  Of two parts the first is in `schema`: the
 * binder decides whether it is a schema or a connection.  Absent parts are NULL. */
typedef struct MrName {
    const char *connection;
    const char *schema;
    const char *name;
    int32_t position;
    bool hidden; /* what has this name is not on the search path: it names nothing */
} MrName;

/* `AS name (columns)`; name NULL: no alias. */
typedef struct MrAlias {
    const char *name;
    MrNameList columns;
} MrAlias;

#endif
