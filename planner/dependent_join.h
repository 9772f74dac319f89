/*
 * planner/dependent_join.h - takes the outside out of a subquery's tree: after T. Neumann, A.
 * Kemper, "Unnesting Arbitrary Queries" (BTW 2015).  The tree gets a column for every argument
 * that it uses, and gives the rows of all argument values at once; a join on those columns puts
 * each outer row beside its own.  Where the tree says that a column of its own equals the
 * argument, that column serves; else the distinct values of the arguments are joined in. Must not
 * know operators.
 */
#ifndef MR_PLANNER_DEPENDENT_JOIN_H
#define MR_PLANNER_DEPENDENT_JOIN_H

#include "planner/binder.h"

enum { MR_NO_COLUMN = UINT32_MAX };

/* What MR_EXPR_OUTER in the tree means. */
typedef struct MrArguments {
    MrBinder *b;
    const MrLogical *outer; /* the node that the expressions are over */
    MrExpr *const *exprs;
    MrExpr **keys; /* the same as values that can be compared: json as text */
    uint32_t count;
    bool *used;        /* by the tree */
    uint32_t *columns; /* in the unnested tree: of each used argument */
    bool *is_strict;   /* … which is never NULL there */
} MrArguments;

/* Whether any expression of the tree names a column of the query around it. */
bool mr_tree_is_correlated(const MrLogical *node);
/* mr_expr_map() of every expression of the tree. */
MrStatus mr_tree_map(MrBinder *b, MrLogical *node, MrExprReplace replace, void *context);
/* Rows that differ each time they are made (random()) are made once from now on, for all who read
 * the tree or a copy of it; `number` tells them, 0 at first.  Those of a standing query, or of a
 * tree that is correlated, stay as they are. */
MrStatus mr_bind_make_once(MrBinder *b, uint32_t *number, MrLogical **node);
MrStatus mr_arguments_init(MrBinder *b, const MrLogical *outer, const MrExpr *subquery,
                           const MrLogical *tree, MrArguments *out);
/* Only what this part of the tree uses counts from now on. */
void mr_arguments_restrict(MrArguments *arguments, const MrLogical *tree);
/* Replaces *node by a tree without the outside: its columns, then those of the arguments
 * (arguments->columns).  It must be correlated. */
MrStatus mr_unnest(MrArguments *arguments, MrLogical **node);
/* The same for an aggregate over everything, which then has no row for arguments without rows. */
MrStatus mr_unnest_global(MrArguments *arguments, MrLogical **node);
/* The outer row's arguments are those of the unnested row, which stands `shift` columns further
 * on. */
MrStatus mr_arguments_match(const MrArguments *arguments, uint32_t shift, MrExpr **out);
/* The tree's expression over a join's columns: its own `shift` further on, arguments as they are
 * over the outer node. */
MrStatus mr_arguments_apply(const MrArguments *arguments, const MrExpr *expr, uint32_t shift,
                            MrExpr **out);
/* What a call gives for no rows at all. */
MrStatus mr_call_empty_value(MrBinder *b, const MrLogicalCall *call, MrExpr **out);

#endif
