/*
 * planner/binder_aggregate_internal.h - the AGGREGATE node of a query under way, and calls of
 * aggregates, shared by binder_aggregate*.c and binder_fractions.c only.
 */
#ifndef MR_PLANNER_BINDER_AGGREGATE_INTERNAL_H
#define MR_PLANNER_BINDER_AGGREGATE_INTERNAL_H

#include "planner/binder.h"

/* What an aggregate computes over its input while the input is taken apart. */
typedef struct MrAggregateParts {
    MrExpr **keys; /* NULL: told by the aggregate's window */
    uint32_t key_count;
    MrLogicalCall *calls;
    uint32_t call_count;
    MrExpr *predicate;
    MrExpr *time;
} MrAggregateParts;

typedef struct MrAggregateBuilder {
    MrBinder *b;
    MrGrouping *grouping;
    MrAggregateParts parts;
    MrLogical *node; /* the input as far as it was taken apart */
    MrLogical *aggregate;
    bool *is_start, *is_end; /* per key: it is a bound of the aggregate's window */
    bool *is_of_window;      /* per key: it is computed from the bounds */
    MrExpr *having;          /* over the WINDOW node's columns */
    const MrLogical *window; /* the WINDOW node that was merged */
    bool has_chosen;         /* the call `chosen` counts the rows that WHERE leaves in a window */
    uint32_t chosen;
} MrAggregateBuilder;

/* Calls that nobody wrote, for which there must be room: those of session and count windows. */
enum { MR_AGGREGATE_HIDDEN_CALLS = 2 };

/* Goes down from builder->node as far as nodes can be looked through; what they said is in the
 * parts, and the window, if there is one, is the aggregate's. */
MrStatus mr_aggregate_take_apart(MrAggregateBuilder *builder);

/* A call in a place where aggregates are allowed, its fraction being one number. */
MrStatus mr_bind_aggregate_one(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* A call WITHIN GROUP; *out stays NULL where its argument is no array of fractions. */
MrStatus mr_bind_fraction_array(MrBinder *b, const MrAstCall *call, MrExpr **out);

#endif
