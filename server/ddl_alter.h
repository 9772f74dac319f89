/*
 * server/ddl_alter.h - shared by the files of ALTER: ddl_alter.c finds the object and has the new
 * version of the catalogue, ddl_rename.c, ddl_set.c and ddl_column.c say what is new in it.
 */
#ifndef MR_SERVER_DDL_ALTER_H
#define MR_SERVER_DDL_ALTER_H

#include "server/ddl_internal.h"

/* 0A000 at the statement; `format` has one %s, for the name. */
MrStatus mr_ddl_refuse(MrDdl *ddl, const char *hint, const char *format, const char *name);
/* The statement as the catalogue's file keeps it; in ddl's memory. */
MrStatus mr_ddl_changed_text(MrDdl *ddl, const MrNode *statement, const char **out);
/* The altered version of the catalogue becomes the server's. */
void mr_ddl_publish_altered(MrDdl *ddl);
/* Plans the query by its changed statement, over the altered catalogue, and begins the change. */
MrStatus mr_ddl_alter_query(MrDdl *ddl, const MrRelation *old, const char *name,
                            const MrNode *statement);
/* Prepares the record of ALTER … RENAME TO. */
MrStatus mr_ddl_rename(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old);
/* Prepare the record of ALTER … SET (…), of a standing query and of a stream or table. */
MrStatus mr_ddl_set_query_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old);
MrStatus mr_ddl_set_stream_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old);
/* Prepares the record of a stream's or table's changed CREATE statement. */
MrStatus mr_ddl_alter_stream(MrDdl *ddl, const MrRelation *old, const MrNode *statement);
/* Prepares the record of actions on columns; *is_done: IF [NOT] EXISTS left nothing to do. */
MrStatus mr_ddl_alter_columns(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old,
                              bool *is_done);
/* After the record: the stream or table is published, and read on with what is new. */
void mr_ddl_stream_altered(MrDdl *ddl);

#endif
