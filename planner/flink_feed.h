/*
 * planner/flink_feed.h - the standing query that writes the rows which a Flink job reads: all its
 * inputs as one result, of which each row says whose it is.  Must not know files.
 */
#ifndef MR_PLANNER_FLINK_FEED_H
#define MR_PLANNER_FLINK_FEED_H

#include "planner/planner.h"

/* plan->flink is there; sets plan->feed, in the context's arena.  The feed's
 * first column is the number of the input; then come the columns of each, NULL in the rows of
 * others. */
MrStatus mr_flink_feed(const MrPlannerContext *context, MrPlan *plan, MrError *err);

#endif
