/*
 * server/ddl_alter.h - shared by the files of ALTER: ddl_alter.c finds the object and has the new
 * version of the catalogue, ddl_rename.c, ddl_set.c and ddl_column.c say what is new in it.
 */
#ifndef MR_SERVER_DDL_ALTER_H
#define MR_SERVER_DDL_ALTER_H

#include "server/ddl_internal.h"
#include "storage/table.h"

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
/* Prepares the record of actions on columns and constraints; *is_done: IF [NOT] EXISTS left
 * nothing to do. */
MrStatus mr_ddl_alter_parts(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old,
                            bool *is_done);

/* The CREATE statement of a stream or table, being changed. */
typedef struct MrDdlParts {
    MrDdl *ddl;
    const MrRelation *old;
    MrAstCreateStream *create;
    bool is_changed;
    bool is_named; /* its constraints all have their names */
} MrDdlParts;
MrStatus mr_ddl_append_node(MrDdl *ddl, MrNodeList *list, MrNode *node);
/* Fails at the action; `format` has a %s for `name`, and one for the relation's. */
MrStatus mr_ddl_refuse_part(MrDdlParts *parts, const MrAstAlter *action, MrStatus status,
                            const char *format, const char *name);
MrAstColumnDef *mr_ddl_find_column(const MrAstCreateStream *create, const char *name);
/* Whether rows are told apart by the column. */
bool mr_ddl_is_key(const MrDdlParts *parts, const MrAstColumnDef *def);
/* NOT NULL for rows to come; logged ones may have NULLs. */
MrStatus mr_ddl_set_not_null(MrDdlParts *parts, MrAstColumnDef *def);
/* DROP COLUMN (ddl_drop_column.c). */
MrStatus mr_ddl_drop_column(MrDdlParts *parts, const MrAstAlter *action, MrAstColumnDef *def);

/* Constraints of tables (ddl_constraint.c). */
/* Writes down the names that constraints have, before something of the text changes them. */
MrStatus mr_ddl_name_constraints(MrDdlParts *parts);
/* Names for those of a column that is about to be added, which nobody has yet. */
MrStatus mr_ddl_name_new_constraints(MrDdlParts *parts, const MrAstColumnDef *def);
/* Columns of a PRIMARY KEY that goes stay NOT NULL; `column`: whose constraint it is, NULL: the
 * table's.  Nothing is done for any other constraint. */
MrStatus mr_ddl_leave_primary_key(MrDdlParts *parts, const MrAstConstraint *constraint,
                                  const MrAstColumnDef *column);
/* ADD, DROP and RENAME CONSTRAINT. */
MrStatus mr_ddl_alter_constraint(MrDdlParts *parts, const MrAstAlter *action);
/* Rows stay told apart by what they are told apart by, whatever constraints there are now. */
MrStatus mr_ddl_keep_row_key(MrDdlParts *parts);
/* The rows that are there, against the constraints that the altered relation has more than `old`;
 * from here on rows that come are under them, too. */
MrStatus mr_ddl_check_rows(MrDdl *ddl, const MrRelation *old);
/* could not create unique index, 23505: another row than the one at `place` has the same values. */
MrStatus mr_ddl_not_unique(MrDdl *ddl, const MrRelation *of, const MrIndexDef *index,
                           const MrTable *table, uint32_t place);
/* After the record: the table has the indexes that the relation has. */
MrStatus mr_ddl_settle_indexes(MrDdl *ddl, const MrRelation *old, const MrRelation *relation);

/* After the record: the stream or table is published, and read on with what is new. */
void mr_ddl_stream_altered(MrDdl *ddl);

#endif
