/*
 * planner/sink.h - what statements share that read a whole view by its name.
 */
#ifndef MR_PLANNER_SINK_H
#define MR_PLANNER_SINK_H

#include "planner/planner.h"

/* SELECT * FROM name, parsed; in the arena. */
MrStatus mr_planner_whole_relation(MrPlannerContext *context, const MrName *name, MrAstQuery **out,
                                   MrError *err);

#endif
