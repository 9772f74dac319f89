/*
 * parser/ast_make.h - makes nodes that no text stands for: what a shorthand means, said in the
 * nodes that the binder knows already.
 * Operands are shared, not copied: a tree that is bound may hold a node more than once.
 */
#ifndef MR_PARSER_AST_MAKE_H
#define MR_PARSER_AST_MAKE_H

#include "common/arena.h"
#include "parser/ast.h"

/* Where nodes come from and the position that they get.  A node for which memory ran out is
 * `nothing`, which may be written to, and `failed` is set: look once, before the tree is used. */
typedef struct MrAstMaker {
    MrArena *arena;
    int32_t position;
    bool failed;
    union {
        MrNode base;
        MrAstCall call;
        MrAstType type;
        MrAstQuery query;
    } nothing;
} MrAstMaker;

MrAstMaker mr_ast_maker(MrArena *arena, int32_t position);

/* Texts and names are borrowed: they must live as long as the tree. */
MrNode *mr_make_string(MrAstMaker *maker, const char *text);
MrNode *mr_make_integer(MrAstMaker *maker, const char *digits);
MrNode *mr_make_truth(MrAstMaker *maker, bool value);
MrNode *mr_make_null(MrAstMaker *maker);
MrNode *mr_make_column(MrAstMaker *maker, const char *name);
/* item.*; of NULL: * */
MrNode *mr_make_star(MrAstMaker *maker, const char *item);
/* ROW(…) */
MrNode *mr_make_row(MrAstMaker *maker, MrNodeList elements);
/* (operand).name; NULL: (operand).* */
MrNode *mr_make_field(MrAstMaker *maker, MrNode *operand, const char *name);
/* (SELECT …) as a value. */
MrNode *mr_make_subquery(MrAstMaker *maker, MrAstQuery *query);
MrNode *mr_make_operator(MrAstMaker *maker, const char *name, MrNode *left, MrNode *right);
MrNode *mr_make_boolean(MrAstMaker *maker, MrBooleanKind op, MrNode *left, MrNode *right);
MrNode *mr_make_is_null(MrAstMaker *maker, MrNode *operand, bool negated);
/* left IS NOT DISTINCT FROM right. */
MrNode *mr_make_same(MrAstMaker *maker, MrNode *left, MrNode *right);
/* CASE WHEN condition THEN result END. */
MrNode *mr_make_when(MrAstMaker *maker, MrNode *condition, MrNode *result);
MrNode *mr_make_cast(MrAstMaker *maker, MrNode *operand, MrAstType *type);
/* The type by its name in the catalogue, as "float8". */
MrNode *mr_make_cast_to(MrAstMaker *maker, MrNode *operand, const char *type);
MrAstCall *mr_make_call(MrAstMaker *maker, const char *name, MrCallForm form, MrNodeList args);
MrNode *mr_make_target(MrAstMaker *maker, MrNode *expr, const char *label);
MrNode *mr_make_sort(MrAstMaker *maker, MrNode *expr, MrSortDirection direction);
/* SELECT targets FROM item; the item may be NULL. */
MrAstQuery *mr_make_select(MrAstMaker *maker, MrNodeList targets, MrNode *from);
MrAlias mr_make_alias(MrAstMaker *maker, const char *name, const char *column);
MrNode *mr_make_from_query(MrAstMaker *maker, MrAstQuery *query, MrAlias alias);
MrNode *mr_make_from_function(MrAstMaker *maker, MrAstCall *call, MrAlias alias);
/* The items are copied. */
MrNodeList mr_make_list(MrAstMaker *maker, MrNode *const *items, uint32_t count);

#endif
