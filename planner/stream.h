/*
 * planner/stream.h - the parts of CREATE STREAM.  Must not know statements that read streams.
 */
#ifndef MR_PLANNER_STREAM_H
#define MR_PLANNER_STREAM_H

#include "planner/binder.h"

/* Connector, format, durability, retention, lateness …; the schema is there already. */
MrStatus mr_stream_options(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream);
/* A scope that has a stream's columns and nothing else, for DEFAULT and generated columns. */
MrStatus mr_stream_scope(MrBinder *b, const MrSchema *schema, MrScope *out);

#endif
