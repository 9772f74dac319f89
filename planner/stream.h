/*
 * planner/stream.h - the parts of CREATE STREAM and CREATE TABLE.  Must not know statements
 * that read streams.
 */
#ifndef MR_PLANNER_STREAM_H
#define MR_PLANNER_STREAM_H

#include "planner/binder.h"
#include "planner/options.h"

/* Connector, format, durability, retention, lateness …; the schema is there already. */
MrStatus mr_stream_options(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream);
/* Its `retention`, as streams have it; a value that is none of them is told what it takes. */
MrStatus mr_options_retention(const MrOptionSet *set, const char *takes, MrStream *stream);
/* A file without format is what its name says; NULL: it says none. */
const char *mr_format_of_path(const char *path);
/* CREATE TABLE that is not APPEND ONLY. */
bool mr_stream_is_table(const MrAstCreateStream *ast);
/* Constraints and options of a table whose columns are in `stream`, which gets its hidden number;
 * the relation. */
MrStatus mr_table_define(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream,
                         MrRelation *out);
/* Its CHECK constraints. */
MrStatus mr_table_checks(MrBinder *b, const MrAstCreateStream *ast, const MrStream *stream,
                         MrTableDef *table);
/* The logged column that tells rows of a table without PRIMARY KEY apart. */
#define MR_TABLE_NUMBER "_row"
/* A scope that has a stream's columns and nothing else, for DEFAULT and generated columns. */
MrStatus mr_stream_scope(MrBinder *b, const MrSchema *schema, MrScope *out);

#endif
