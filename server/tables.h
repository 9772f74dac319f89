/*
 * server/tables.h - the contents of all changeable tables, and whose turn it is to change them.
 *
 * Statements that change tables run one at a time: a session takes the turn, asks, changes, and
 * gives the turn back when its transaction has been appended to the log (or rolled back).  What it
 * changed becomes visible then, as of the commit's sequence.  All on the event loop's thread.
 */
#ifndef MR_SERVER_TABLES_H
#define MR_SERVER_TABLES_H

#include "server/waits.h"
#include "storage/table.h"

struct MrSession;

MrStatus mr_tables_create(MrServer *server, MrError *err);
void mr_tables_destroy(MrServer *server);
/* An empty table for the relation, which the log knows; or the columns that it got since. */
MrStatus mr_tables_define(MrServer *server, const MrRelation *relation, MrError *err);
/* An index of it, over the rows that are there: see mr_table_index_create. */
MrStatus mr_tables_add_index(MrTable *table, const MrIndexDef *index, uint32_t *twice,
                             MrError *err);
void mr_tables_remove(MrServer *server, uint32_t stream_id);

/* From here on rows must be as the altered relation wants them, which `catalog` (kept) has and is
 * to be published; NULL: that is over.  Of a table that is there. */
void mr_tables_expect(MrServer *server, uint32_t stream_id, MrCatalog *catalog,
                      const MrRelation *relation);
/* The relation that says what rows must be by now, whatever was planned by: the one that is
 * expected, else the newest, else `planned`.  *held (where it is wanted) keeps it, to be given back
 * with mr_catalog_unref; NULL with `planned`. */
const MrRelation *mr_tables_rules(const MrServer *server, const MrRelation *planned,
                                  MrCatalog **held);
/* A statement that is not committed changes it, or has changed it. */
bool mr_tables_is_touched(MrServer *server, uint32_t stream_id);
MrTable *mr_tables_find(MrServer *server, uint32_t stream_id); /* NULL: none */
/* At start: the tables' checkpoints, and what the log holds behind them. */
MrStatus mr_tables_start(MrServer *server, MrError *err);
/* For which sequence a table's rows are in a file; 0: none. */
uint64_t mr_tables_checkpoint_sequence(MrServer *server, uint32_t stream_id);
/* Begins to leave out of the log what came and went in tables that are kept as contents, of what
 * is below `needed`, if that is much.  Until it is done no file of the log may be freed. */
void mr_tables_net(MrServer *server, uint64_t needed);
bool mr_tables_are_netted(const MrServer *server); /* it is under way */
/* Who held it up may have ended. */
void mr_tables_net_again(MrServer *server);
/* table_memory was set again. */
void mr_tables_set_memory(MrServer *server);

/* True: the session has the turn, now or already. */
bool mr_tables_take_turn(struct MrSession *session);
/* A wait (with the session) for the turn, which is the session's when it is over. */
MrWait *mr_tables_wait_turn(struct MrSession *session);
bool mr_tables_has_turn(const struct MrSession *session);
/* Between two messages of a pipeline a session's implicit transaction ends early, since its client
 * may take its time.  `if_awaited`: only if somebody waits. */
void mr_tables_yield_turn(struct MrSession *session, bool if_awaited);
/* Nothing uncommitted is left; the next one's turn.  An explicit transaction may lose it before:
 * its client is quiet, another waits, and what it did is taken back (`is_applied` is false). */
void mr_tables_end_turn(struct MrSession *session);

/* Statements that change tables have numbers.  What they and those in their WITH ask sees what was
 * done before the current one. */
void mr_tables_begin_statement(MrServer *server);
uint64_t mr_tables_statement(const MrServer *server);

/* The table is about to be changed by who has the turn. */
MrStatus mr_tables_touch(MrServer *server, MrTable *table, uint32_t stream_id, MrError *err);
bool mr_tables_are_touched(const MrServer *server);
/* Appends what was changed. */
MrStatus mr_tables_append(MrServer *server, MrLogTransaction *transaction, MrError *err);
void mr_tables_commit(MrServer *server, uint64_t sequence);
void mr_tables_rollback(MrServer *server);

/* How far the holder of a turn had come: what a savepoint goes back to. */
typedef struct MrTablesMark {
    uint64_t turn; /* 0: the session did not have it */
    uint32_t count;
    struct MrTableMark *items; /* of the tables that were touched */
} MrTablesMark;
MrStatus mr_tables_mark(struct MrSession *session, MrTablesMark *out, MrError *err);
/* False: it is another turn now, and nothing was done. */
bool mr_tables_roll_back_to(struct MrSession *session, const MrTablesMark *mark);
void mr_tables_mark_free(MrTablesMark *mark);

#endif
