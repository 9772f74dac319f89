/*
 * parser/ast.h - the syntax tree: what was written, before any name or type is looked up.
 * The nodes are in ast_expression.h, ast_query.h, ast_definition.h and ast_statement.h.
 * Every node lives in the arena given to the parser and starts with an MrNode, so that a node is
 * told by its kind and reported by its byte position.  Must not know tables, types or plans.
 */
#ifndef MR_PARSER_AST_H
#define MR_PARSER_AST_H

#include "parser/ast_statement.h"

/* What a node is, for messages: "SELECT", "CREATE SINK", "function call". */
const char *mr_ast_kind_name(MrNodeKind kind);

/* Calls `visit` for each direct child of `node` in the order of the text, subqueries included;
 * stops when it returns false and returns false then.  Recursion is the visitor's choice; the
 * parser has made sure that no tree is higher than MR_AST_HEIGHT_MAX. */
typedef bool (*MrAstVisit)(MrNode *child, void *context);
bool mr_ast_visit_children(const MrNode *node, MrAstVisit visit, void *context);

/* Two trees say the same (positions and spellings aside). */
bool mr_ast_equal(const MrNode *a, const MrNode *b);

/* The name PostgreSQL gives to a SELECT item without AS (its FigureColname): the last part of a
 * column, the function's name, "case", "array", "row", "exists", the type of a cast, the first
 * column of a scalar subquery … and "?column?" where nothing fits.  Borrowed from the tree. */
const char *mr_ast_column_name(const MrNode *expr);

/* A node as the struct of its kind, which the caller knows: MR_AST_AS(MrAstCall, node)->args. */
#define MR_AST_AS(type, node) ((type *)(void *)(node))

#endif
