/*
 * planner/sink.h - what statements share that read a whole view by its name.
 */
#ifndef MR_PLANNER_SINK_H
#define MR_PLANNER_SINK_H

#include "planner/binder.h"
#include "planner/options.h"

/* SELECT * FROM name, parsed; in the arena. */
MrStatus mr_planner_whole_relation(MrPlannerContext *context, const MrName *name, MrAstQuery **out,
                                   MrError *err);

/* Where rows of a sink go, told by INTO or by WITH (connector = …). */
typedef struct MrSinkPlace {
    const char *path;       /* of a file */
    const MrSinkFile *file; /* NULL: none */
    const char *channel;    /* of NOTIFY; NULL: it is a file, or a table, named by INTO */
    MrNodeList options;     /* those of the standing query */
} MrSinkPlace;

/* A connector's options, one list of names, are checked with those of standing queries; the latter
 * go to `place`. */
MrStatus mr_sink_split_options(MrBinder *b, const MrOptionSet *set, const char *names,
                               MrSinkPlace *place);
/* The place's own options; what names no place that can be is refused. */
MrStatus mr_sink_file_place(MrBinder *b, const MrAstCreateSink *statement, const MrOptionSet *set,
                            MrSinkPlace *out);
MrStatus mr_sink_notify_place(MrBinder *b, const MrAstCreateSink *statement, const MrOptionSet *set,
                              MrSinkPlace *out);
/* Rows of a file are only ever added: refuses a plan whose rows change. */
MrStatus mr_sink_file_check(MrBinder *b, const MrAstCreateSink *statement, const MrPlan *plan);

#endif
