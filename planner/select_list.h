/*
 * planner/select_list.h - the columns of a SELECT while it is bound, those that only ORDER BY needs
 * included; and ORDER BY, LIMIT and OFFSET over them.  Must not know where rows come from.
 */
#ifndef MR_PLANNER_SELECT_LIST_H
#define MR_PLANNER_SELECT_LIST_H

#include "planner/binder.h"

typedef struct MrSelectList {
    MrExpr **exprs;
    const char **names;
    int32_t *positions;
    const MrNode **nodes; /* NULL for columns of a star */
    uint32_t count, capacity;
    uint32_t visible; /* the rest are for ORDER BY */
} MrSelectList;

/* Adds a column; its name is `name`, or what PostgreSQL calls a column of such a node. */
MrStatus mr_select_add(MrBinder *b, MrSelectList *list, MrExpr *expr, const char *name,
                       const MrNode *node);
/* The columns of * or t.* in the binder's scope. */
MrStatus mr_select_add_star(MrBinder *b, MrSelectList *list, const MrAstColumn *star);
/* The columns of a whole row of an item. */
MrStatus mr_select_add_row(MrBinder *b, MrSelectList *list, const MrAstColumn *star);
/* Columns that only SEARCH and CYCLE see (recursion_trace.h). */
MrStatus mr_select_add_carried(MrBinder *b, const MrLogical *input, MrSelectList *list);
/* Columns that windows over the subquery will need, besides those it selects. */
MrStatus mr_select_add_window_time(MrBinder *b, const MrLogical *input, MrSelectList *list);
/* Literals without a type become text. */
MrStatus mr_select_make_known(MrBinder *b, MrSelectList *list);

/* Refuses what a standing query cannot keep, and forms of later versions. */
MrStatus mr_bind_check_order(MrBinder *b, const MrAstQuery *query);
/* The sort keys as columns of the list, which may grow by columns that are not shown. */
MrStatus mr_bind_order_by(MrBinder *b, const MrAstQuery *query, MrSelectList *list,
                          MrSortKey **out);
/* DISTINCT ON (…): the columns of the list that it names, and what ORDER BY says beside them. */
typedef struct MrDistinctOn {
    uint32_t *columns;
    uint32_t count;
    MrSortKey *order;
    uint32_t order_count;
} MrDistinctOn;
MrStatus mr_bind_distinct_on(MrBinder *b, const MrAstQuery *query, MrSelectList *list,
                             const MrSortKey *keys, MrDistinctOn *out);
/* Puts a SORT over *node where the query has ORDER BY, LIMIT or OFFSET; a top-N where a standing
 * query has a LIMIT. */
MrStatus mr_bind_add_sort(MrBinder *b, const MrAstQuery *query, const MrSortKey *keys,
                          MrLogical **node);

#endif
