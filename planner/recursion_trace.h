/*
 * planner/recursion_trace.h - SEARCH and CYCLE of WITH RECURSIVE: columns behind those of the query
 * that say how a row was come to.  The recursive term passes those of the last step on without
 * seeing them (MrLogicalColumn.carried).  Must not know how recursions run.
 *
 *   SEARCH DEPTH FIRST BY a SET s     s: the rows ROW(a) from the first to this one, an array
 *   SEARCH BREADTH FIRST BY a SET s   s: ROW(number of the step, a)
 *   CYCLE a SET c USING p             p: as s of DEPTH; c: whether ROW(a) is in it twice, where the
 *                                     recursion goes no further
 */
#ifndef MR_PLANNER_RECURSION_TRACE_H
#define MR_PLANNER_RECURSION_TRACE_H

#include "planner/binder.h"

enum { MR_TRACES_MAX = 3 }; /* what SEARCH sets, the mark, the path: in this order */

typedef struct MrTrace {
    const MrAstCte *cte;
    uint32_t count; /* of columns */
    const char *names[MR_TRACES_MAX];
    uint32_t *search, *cycle;  /* columns of the query */
    MrExpr *value, *otherwise; /* of the mark, of one type */
} MrTrace;

/* What the clauses of the query ask for; `names` are its columns.  42601 and 42701 as
 * PostgreSQL. */
MrStatus mr_trace_init(MrBinder *b, const MrAstCte *cte, const char *const *names, uint32_t count,
                       MrTrace *out);
/* The columns for rows of the first term: `columns` are those of the query. */
MrStatus mr_trace_first(MrBinder *b, const MrTrace *trace, MrExpr *const *columns, MrExpr **out);
/* The same for a row that came of one with the columns `last`. */
MrStatus mr_trace_next(MrBinder *b, const MrTrace *trace, MrExpr *const *columns,
                       MrExpr *const *last, MrExpr **out);
/* Whether the recursion goes on from a row with the columns `last`; *out NULL: always. */
MrStatus mr_trace_goes_on(MrBinder *b, const MrTrace *trace, MrExpr *const *last, MrExpr **out);
/* Where the columns stand in what the recursive term gives.  0A000 when it does not read the last
 * step directly. */
MrStatus mr_trace_find(MrBinder *b, const MrTrace *trace, const MrLogical *node, MrExpr **last);

#endif
