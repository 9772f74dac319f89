/*
 * server/changes.h - statements that change tables, on their way.  Each asks (a query gives the
 * rows or the places of rows), then changes the table's contents, with the turn held
 * throughout; outside BEGIN … COMMIT at once, inside at COMMIT, one after the other.
 */
#ifndef MR_SERVER_CHANGES_H
#define MR_SERVER_CHANGES_H

#include "server/statement.h"

typedef struct MrChange MrChange;
struct MrChange {
    MrChange *next;
    MrCatalog *catalog;        /* a reference */
    MrStatementMemory *memory; /* of the plan; NULL: only rows are kept */
    const MrChangePlan *plan;
    MrResult *rows;     /* what the query gave, or the client sent; NULL: not yet */
    uint64_t count;     /* rows that were changed */
    MrResult *returned; /* RETURNING */
    bool is_truncate;
    MrChangePlan own; /* `plan` of one that has no statement's memory */
};

/* A change of the planned statement's; INSERT … VALUES has its rows already. */
MrStatus mr_change_create(MrSession *session, MrPortal *portal, const MrChangePlan *plan,
                          MrChange **out, MrError *err);
/* Plain rows for a table, to be filled by mr_result_add; nothing of a statement is kept. */
MrStatus mr_change_create_rows(MrCatalog *catalog, const MrRelation *target, MrChange **out,
                               MrError *err);
void mr_changes_free(MrChange **list);

/* Takes the list.  Waits for the turn, runs them in order, then calls `then` (perhaps at once);
 * the list is the transaction's until the next commit or rollback. */
void mr_changes_start(MrSession *session, MrChange *list, MrSessionThen *then);
/* Runs it now, or keeps it for COMMIT: `then` comes in both cases.  Takes it. */
MrStatus mr_changes_run_or_keep(MrSession *session, MrChange *change, MrSessionThen *then,
                                MrError *err);

/* The current statement is done, with its tag (NULL: the change's own) and the rows that it
 * returns. */
void mr_changes_done(MrSession *session, const char *tag);

/* One that the transaction keeps for COMMIT gets the number of rows that it would change now; then
 * `then` comes (change_count.c). */
bool mr_change_can_be_counted(const MrChange *change);
void mr_change_count(MrSession *session, MrChange *change, MrSessionThen *then);

/* Applies one with its rows to the table (change_apply.c). */
MrStatus mr_change_apply(MrSession *session, MrChange *change, MrError *err);

#endif
