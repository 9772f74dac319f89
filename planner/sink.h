/*
 * planner/sink.h - what statements share that read a whole view by its name.
 */
#ifndef MR_PLANNER_SINK_H
#define MR_PLANNER_SINK_H

#include "planner/binder.h"

/* SELECT * FROM name, parsed; in the arena. */
MrStatus mr_planner_whole_relation(MrPlannerContext *context, const MrName *name, MrAstQuery **out,
                                   MrError *err);

/* Where a sink writes, told by INTO or by WITH (connector = …). */
typedef struct MrSinkPlace {
    const char *path;       /* of a file */
    const MrSinkFile *file; /* NULL: a table, named by INTO */
    MrNodeList options;     /* those of the standing query */
} MrSinkPlace;

/* Splits the options; what names no place that can be is refused. */
MrStatus mr_sink_file_options(MrBinder *b, const MrAstCreateSink *statement, MrSinkPlace *out);
/* Rows of a file are only ever added: refuses a plan whose rows change, and notes the place. */
MrStatus mr_sink_file_take(MrBinder *b, const MrAstCreateSink *statement, const MrSinkPlace *place,
                           MrPlan *plan);

#endif
