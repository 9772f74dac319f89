/*
 * planner/outer_aggregate.h - aggregates that belong to a query around the one where they stand: as
 * in SQL, to that of the innermost column which their arguments name.  Must not know what
 * aggregates compute.
 */
#ifndef MR_PLANNER_OUTER_AGGREGATE_H
#define MR_PLANNER_OUTER_AGGREGATE_H

#include "planner/binder.h"

/* How many columns each query around has been asked for; in the arena, NULL where there is none. */
MrStatus mr_outer_mark(MrBinder *b, uint32_t **out);
/* Whether the call names columns, and none of the query itself. */
bool mr_call_is_outer(const MrLogicalCall *call);
/* Gives such a call to the query that it belongs to; *out is its value here.  What was named since
 * the mark was named for its arguments only.  42803 where that query cannot aggregate. */
MrStatus mr_outer_aggregate(MrBinder *b, const uint32_t *mark, const MrLogicalCall *call,
                            MrType type, int32_t position, MrExpr **out);
/* The same of GROUPING(). */
bool mr_grouping_is_outer(const MrGroupingCall *call);
MrStatus mr_outer_grouping(MrBinder *b, const uint32_t *mark, const MrGroupingCall *call,
                           int32_t position, MrExpr **out);
/* A further GROUPING() in the list; *index is its place there. */
MrStatus mr_grouping_list_add(MrBinder *b, MrAggregateList *list, const MrGroupingCall *call,
                              uint32_t *index);
/* The place of the call in a list of aggregates, to which it is added if it is not there. */
MrStatus mr_aggregate_list_add(MrBinder *b, MrAggregateList *list, const MrLogicalCall *call,
                               uint32_t *index);

#endif
