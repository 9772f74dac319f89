/*
 * server/ddl_create.h - steps that the CREATE statements share.
 */
#ifndef MR_SERVER_DDL_CREATE_H
#define MR_SERVER_DDL_CREATE_H

#include "server/ddl_internal.h"

/* True: the statement is over, as the name is taken (an error, or a notice with IF NOT EXISTS). */
bool mr_ddl_name_is_taken(MrDdl *ddl, const char *name, bool if_not_exists, int32_t position);
/* The record of a new object: number, text and settings. */
MrStatus mr_ddl_fill_object(MrDdl *ddl, MrCatalogKind kind, const char *name);
/* The relation's oid, text and time zone. */
void mr_ddl_relation_ids(MrDdl *ddl, const char *zone_name);
/* The zone that the statement was given in; "UTC" where it had none. */
const char *mr_ddl_zone_name(const MrDdl *ddl);
/* A version of the catalogue with the relation becomes the server's. */
MrStatus mr_ddl_publish_relation(MrDdl *ddl);

#endif
