/*
 * server/relations.h - the system views (millrace.queries and more): each a list of columns and a
 * function that fills blocks from the server's state.  Listed in relations/relations.def; read by
 * the engine like any relation.  Called on the event loop's thread.
 */
#ifndef MR_SERVER_RELATIONS_H
#define MR_SERVER_RELATIONS_H

#include "server/server.h"

/* Registers all of them with a new catalogue. */
MrStatus mr_relations_register(MrCatalog *catalog, MrError *err);
/* What somebody wants of a relation: it may give more than that. */
typedef struct MrRelationWish {
    const uint64_t *columns; /* bitmap of those that are read */
    const MrDatum *look_up;  /* only rows with the value in the column matter; NULL: all do */
    uint32_t look_up_column;
} MrRelationWish;

/* Rows of the relation as blocks of its schema, in the arena or where `names` are. */
MrStatus mr_relations_fill(MrServer *server, const MrNames *names, const char *schema_name,
                           const char *name, const MrRelationWish *wish, MrArena *arena,
                           const MrBlock *const **blocks, uint32_t *block_count, MrError *err);

#endif
