/*
 * server/tables_internal.h - the server's tables and their checkpoints, shared by tables.c,
 * table_checkpoints.c, table_netting.c and table_rules.c only.
 */
#ifndef MR_SERVER_TABLES_INTERNAL_H
#define MR_SERVER_TABLES_INTERNAL_H

#include "server/tables.h"

typedef struct TableEntry {
    uint32_t stream_id;
    MrTable *table;
    bool is_touched;              /* by who has the turn */
    uint64_t checkpoint_sequence; /* 0: none */
    MrCatalog *expected_catalog;  /* owned; mr_tables_expect */
    const MrRelation *expected;
    uint64_t changes; /* rows of the log since the last checkpoint was begun */
} TableEntry;

typedef struct Turn {
    struct MrSession *session; /* not looked at once the wait is cancelled */
    MrWait *wait;
    struct Turn *next;
} Turn;

struct MrTables {
    MrTableMemory memory;
    TableEntry *entries; /* in order of their ids */
    uint32_t count, capacity;
    struct MrSession *holder;
    uint64_t turn; /* counts them */
    uint64_t statement;
    Turn *queue;
    struct event *grace;        /* how long the holder may be quiet while others wait */
    bool is_quiet;              /* nothing has come from it since the last time */
    struct CheckpointJob *job;  /* the checkpoint that is being written; NULL: none */
    struct NettingJob *netting; /* old changes that are being left out; NULL: none */
};

TableEntry *mr_tables_entry(MrTables *tables, uint32_t stream_id); /* NULL: none */

/* Begins to write the checkpoint of a table that has changed enough, unless one is at work. */
void mr_tables_checkpoint_due(MrServer *server);
/* The table goes, and its file. */
void mr_tables_forget_checkpoint(MrServer *server, const TableEntry *entry);
/* Waits for the one at work, which is given up. */
void mr_tables_end_checkpoint(MrServer *server);
void mr_tables_end_netting(MrServer *server);

#endif
