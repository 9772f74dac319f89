/*
 * planner/over.h - window functions while a query is bound, and the OVER and top-N nodes that they
 * become.  Must not know how values are computed.
 */
#ifndef MR_PLANNER_OVER_H
#define MR_PLANNER_OVER_H

#include "planner/select_list.h"

typedef struct MrBoundSort {
    MrExpr *expr;
    bool descending, nulls_first;
} MrBoundSort;

/* PARTITION BY, ORDER BY and frame, over the query's input (or its groups). */
typedef struct MrBoundWindow {
    const char *name; /* of the WINDOW clause */
    MrExpr **partition;
    uint32_t partition_count;
    MrBoundSort *order;
    uint32_t order_count;
    MrFrame frame;
    bool has_frame; /* a frame clause was written */
} MrBoundWindow;

/* One call with OVER. */
typedef struct MrBoundOver {
    MrOverFunction function;
    const char *name;
    const MrAggregate *aggregate;
    MrExpr *args[2];
    uint32_t arg_count;
    MrExpr *filter, *fallback;
    int64_t number;
    MrType type;
    MrBoundWindow window;
} MrBoundOver;

/* Those of one query. */
typedef struct MrOverList {
    MrBoundOver *items;
    uint32_t count, capacity;
    MrBoundWindow *windows; /* of the WINDOW clause */
    uint32_t window_count;
    const char
        *inside;    /* what is being bound where a window function cannot stand; NULL: nothing */
    bool is_in_key; /* … and it is what PARTITION BY or ORDER BY says */
} MrOverList;

/* Until OVER nodes are made, results are columns numbered from here (below MR_AGGREGATE_COLUMN). */
enum { MR_OVER_COLUMN = 0x20000000 };

/* The WINDOW clause. */
MrStatus mr_bind_windows(MrBinder *b, const MrAstQuery *query, MrOverList *overs);
bool mr_is_window_function(const char *name);
/* 42P20 where none can stand: in WHERE, GROUP BY, another one … */
MrStatus mr_bind_over_call(MrBinder *b, const MrAstCall *call, MrExpr **out);
bool mr_expr_has_over(const MrExpr *expr);
/* Everything in the list put over the groups, as regroup does with the select list. */
MrStatus mr_regroup_overs(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                          MrOverList *overs);
/* Every expression of the list, one after the other, until one is not MR_OK. */
MrStatus mr_visit_overs(MrBinder *b, MrOverList *overs,
                        MrStatus (*visit)(void *context, const MrExpr *part), void *context);
/* Subqueries in it joined to *node, as mr_bind_attach does with the select list. */
MrStatus mr_attach_overs(MrBinder *b, MrOverList *overs, MrLogical **node);
/* Rows for the calls of functions that give rows in PARTITION BY and ORDER BY, below the window
 * functions; where the list says the same, it names them. */
MrStatus mr_overs_add_sets(MrBinder *b, MrOverList *overs, const MrSetCallList *calls,
                           MrSelectList *list, MrLogical **node);
/* OVER nodes on top of *node, one for each window; the select list then names their columns. */
MrStatus mr_bind_add_overs(MrBinder *b, const MrOverList *overs, MrSelectList *list,
                           MrLogical **node);

/* Columns that the call reads, FILTER and default apart. */
uint32_t mr_over_call_args(const MrOverCall *call);
/* An OVER or TOP_N node whose `over` is set: its columns follow from the input's. */
MrStatus mr_logical_over_columns(MrArena *arena, MrLogical *node, MrError *err);
/* A TOP_N over the whole input (LIMIT in a standing query) or one per value of the columns
 * (DISTINCT ON). */
MrStatus mr_logical_top_n(MrBinder *b, MrLogical *input, const uint32_t *partition,
                          uint32_t partition_count, const MrSortKey *order, uint32_t order_count,
                          MrLogical **out);
/* Whether rows that the node has given can change later, when its input only grows. */
bool mr_over_corrects(const MrLogical *node, MrEmitMode emit);
/* What ON WINDOW CLOSE cannot wait for, as words of an error; NULL: rows become final. */
const char *mr_over_never_closes(const MrLogical *node);

#endif
