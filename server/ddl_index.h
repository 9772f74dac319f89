/*
 * server/ddl_index.h - CREATE INDEX (ddl_index.c), DROP INDEX and ALTER INDEX … RENAME TO
 * (ddl_index_change.c): what they share.
 *
 * A table's index is the server's own (storage/table.h): it is made before the record, so that a
 * second row of a value is an error and not a fact.  A result's index is the target's: the record
 * comes first and decides, the target's part follows, and a start does it again where a kill came
 * between; DROP goes the other way round.  Either way the index is a note of what it is of.
 */
#ifndef MR_SERVER_DDL_INDEX_H
#define MR_SERVER_DDL_INDEX_H

#include "server/ddl_alter.h"

/* The record of victims[0] with `fresh` in the place of ddl->index (NULL: none), or behind the
 * others. */
MrStatus mr_ddl_index_prepare(MrDdl *ddl, const MrIndexDef *fresh);
/* What the last record wrote is what there is now: the next one changes that.  The version before
 * is kept, as ddl->index borrows from it. */
void mr_ddl_index_publish(MrDdl *ddl);
/* The same, and the statement is done. */
void mr_ddl_index_published(MrDdl *ddl);
/* True: the job is on its way, and `next` comes behind it; else ddl->status says why not. */
bool mr_ddl_index_on_target(MrDdl *ddl, void (*job)(MrDdl *ddl, MrTarget *target),
                            void (*next)(MrDdl *ddl));
/* A job: the target's index is made, or gets its new name. */
void mr_ddl_index_create_in_target(MrDdl *ddl, MrTarget *target);
/* Takes the index of a table away. */
void mr_ddl_index_unmake(MrDdl *ddl);

#endif
