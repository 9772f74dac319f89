/*
 * server/pgcatalog/pgcatalog.h - pg_catalog and information_schema: our catalogue as clients of
 * PostgreSQL 15 read one.  Rows are made once per version of the catalogue, when they are first
 * asked for, and shared by all statements over it; what changes without a new version (sessions,
 * settings) is made per statement.  Only on the event loop's thread, but for the names, which any
 * thread may look up while the statement's memory lives.
 */
#ifndef MR_SERVER_PGCATALOG_PGCATALOG_H
#define MR_SERVER_PGCATALOG_PGCATALOG_H

#include "server/relations.h"

struct MrSession;
typedef struct MrPgCatalog MrPgCatalog;

/* The relations, to a new catalogue; and the functions that read them. */
MrStatus mr_pg_catalog_register(MrCatalog *catalog, MrError *err);
/* What a statement's names stand for, in its memory, which holds the version from now on. */
MrStatus mr_pg_names_create(struct MrSession *session, MrCatalog *catalog,
                            MrStatementMemory *memory, const MrNames **out, MrError *err);
/* Whether the relation is one of those here. */
bool mr_pg_catalog_has(const char *schema_name);
/* The name in static memory of a schema that exists; NULL: it does not. */
const char *mr_pg_schema_known(const char *name);
/* Its rows.  `names`: of mr_pg_names_create; NULL: nobody's session. */
MrStatus mr_pg_catalog_fill(MrServer *server, const MrNames *names, const char *schema_name,
                            const char *name, const MrRelationWish *wish, MrArena *arena,
                            const MrBlock *const **blocks, uint32_t *block_count, MrError *err);
void mr_pg_catalog_unref(MrPgCatalog *pg); /* accepts NULL */

#endif
