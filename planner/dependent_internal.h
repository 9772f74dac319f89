/*
 * planner/dependent_internal.h - arguments and columns while a tree is unnested: shared by
 * dependent_*.c only.
 */
#ifndef MR_PLANNER_DEPENDENT_INTERNAL_H
#define MR_PLANNER_DEPENDENT_INTERNAL_H

#include "planner/dependent_join.h"

/* How the columns of a node become others while its input changes. */
typedef struct MrMapping {
    const MrArguments *arguments;
    const uint32_t *places; /* new column of each old one; NULL: the same */
    uint32_t shift;         /* for all columns, when places is NULL */
    bool to_outer;          /* arguments become their expressions over the outer node */
} MrMapping;

MrStatus mr_map_expr(const MrMapping *mapping, const MrExpr *expr, MrExpr **out);
/* The same for an expression that may be NULL. */
MrStatus mr_map_in_place(const MrMapping *mapping, MrExpr **expr);
/* Sets the bool `context` at an MR_EXPR_OUTER. */
void mr_note_outer(void *context, const MrExpr *expr);

/* How many arguments the tree uses. */
uint32_t mr_arguments_used(const MrArguments *arguments);
/* a = b, where neither can be NULL or NULL matches nothing; else a IS NOT DISTINCT FROM b, as two
 * equalities, which a join can look up. */
MrStatus mr_same_value(MrBinder *b, MrExpr *left, MrExpr *right, bool is_strict, MrExpr **out);

/* A settled join. */
MrStatus mr_dependent_join(MrBinder *b, MrJoinType type, MrLogical *left, MrLogical *right,
                           MrExpr *condition, MrLogical **out);
/* Shows of *node the columns places[0..count) and then those of the arguments, which get the places
 * behind. */
MrStatus mr_dependent_show(MrArguments *arguments, MrLogical **node, const uint32_t *places,
                           const MrLogicalColumn *names_of, uint32_t count);
/* mr_unnest() of a tree that need not be correlated. */
MrStatus mr_unnest_any(MrArguments *arguments, MrLogical **node);
/* mr_unnest() of a projection, of a join and of a union. */
MrStatus mr_unnest_project(MrArguments *arguments, MrLogical **place);
MrStatus mr_unnest_join(MrArguments *arguments, MrLogical **place);
MrStatus mr_unnest_union(MrArguments *arguments, MrLogical **place);
/* A recursion, and the scan of its last step. */
MrStatus mr_unnest_recursion(MrArguments *arguments, MrLogical **place);
MrStatus mr_unnest_step(MrArguments *arguments, MrLogical **place);
/* The distinct values of the used arguments over the outer node. */
MrStatus mr_make_domain(MrArguments *arguments, MrLogical **out);
/* A tree that knows nothing of the outside, once for every value of the arguments. */
MrStatus mr_cross_domain(MrArguments *arguments, MrLogical **node);

#endif
