/*
 * planner/subquery_internal.h - what subquery*.c know of a bound subquery.
 */
#ifndef MR_PLANNER_SUBQUERY_INTERNAL_H
#define MR_PLANNER_SUBQUERY_INTERNAL_H

#include "planner/dependent_join.h"

typedef enum MrSubqueryKind {
    MR_SUBQUERY_SCALAR, /* its one value */
    MR_SUBQUERY_ARRAY,  /* its values in an array; a SORT at the top of the tree says their order */
    MR_SUBQUERY_EXISTS,
    MR_SUBQUERY_ANY, /* `comparison` is true for some row; IN too */
    MR_SUBQUERY_ALL
} MrSubqueryKind;

typedef struct MrSubquery {
    MrSubqueryKind kind;
    MrLogical *node;
    uint32_t visible;
    MrExpr *comparison; /* over the node's columns; operands are MR_EXPR_OUTER */
    int32_t position;
    bool is_attached; /* the tree is in use: another place takes a copy */
} MrSubquery;

struct MrSubqueryList {
    MrSubquery *items;
    uint32_t count, capacity;
};

/* A query around the one that is being bound, or the items of FROM to the left: what can be named,
 * and what was named. */
struct MrOuter {
    MrScope *scope;
    struct MrOuter *next;
    MrExpr **args; /* over the scope's columns */
    uint32_t count, capacity;
    /* Of items of FROM: only functions and LATERAL subqueries can name them (others look through
     * them, at the queries around), and those not across RIGHT and FULL JOIN. */
    bool is_hidden, is_refused;
    bool is_from;                /* items of FROM, shown or not */
    MrClause clause;             /* where the subquery stands in its query, whose aggregates */
    MrAggregateList *aggregates; /* these are; NULL: it has none there */
};

/* The number of the expression among the arguments, to which it is added if it is not there. */
MrStatus mr_outer_add(MrBinder *b, MrOuter *outer, MrExpr *expr, uint32_t *index);
/* Shows the items of FROM to the left, or hides them again. */
void mr_outer_show_items(MrBinder *b, bool shown);

/* ---- Attaching ------------------------------------------------------------------------------ */

/* The tree of the subquery for one place; a second place takes a copy. */
MrStatus mr_subquery_take(MrBinder *b, const MrExpr *expr, MrSubquery *out);
/* Joins a subquery to *node; *out is its value there. */
MrStatus mr_subquery_attach_value(MrBinder *b, const MrExpr *expr, MrLogical **node, MrExpr **out);
/* The tree without what does not matter to whether it has rows. */
MrLogical *mr_subquery_without_order(MrLogical *tree);
/* Whether the comparison of ANY or ALL can be NULL for some row. */
bool mr_subquery_may_be_null(const MrExpr *comparison, const MrSubquery *subquery,
                             const MrArguments *arguments);
/* Whether the comparison is strict, of an argument and a value that needs no other argument. */
bool mr_subquery_is_strict_pair(const MrExpr *comparison);
/* Groups *node by the arguments' columns, or all of it when there are none. The arguments'
 * columns are the first ones then, the calls follow. */
MrStatus mr_subquery_group(MrArguments *arguments, bool is_global, MrLogicalCall *calls,
                           uint32_t call_count, MrLogical **node);
/* Joins `right` to *node; its columns follow those that are there. */
MrStatus mr_subquery_join(MrBinder *b, MrLogical **node, MrLogical *right, MrExpr *on);
/* ARRAY(SELECT …): what array_agg() gives, or the empty array. */
MrStatus mr_subquery_attach_array(MrArguments *arguments, MrLogical *tree, MrLogical **node,
                                  MrExpr **out);
/* Over the rows of a function, as of unnest(), in their order: calls that show the order of rows
 * (string_agg) get the number of the row as a key, since unnesting mixes the rows. */
MrStatus mr_subquery_keep_order(MrBinder *b, MrLogical *aggregate);

#endif
