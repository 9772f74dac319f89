/*
 * server/changes.h - statements that change tables, on their way.  Each asks (a query gives the
 * rows or the places of rows), then changes the table's contents, with the turn held throughout.
 *
 * Those of BEGIN … COMMIT are kept: another session may get the turn while the client thinks, and
 * then the contents are taken back.  The next statement, or COMMIT, runs them again over what the
 * other has committed; it must find what the client was told (as many rows, RETURNING the same), or
 * the transaction ends with 40001.  So it is as if all of them had run at COMMIT.
 */
#ifndef MR_SERVER_CHANGES_H
#define MR_SERVER_CHANGES_H

#include "server/statement.h"

typedef struct MrChange MrChange;
typedef struct MrApply MrApply;
struct MrChange {
    MrChange *next;
    MrCatalog *catalog;        /* a reference */
    MrStatementMemory *memory; /* of the plan; NULL: only rows are kept */
    const MrChangePlan *plan;
    MrResult *rows;  /* what the query gave, or the client sent; NULL: not yet */
    bool keeps_rows; /* they are the same if it runs again */
    bool is_done;    /* it has run, and the client may know how */
    bool is_truncate;
    int64_t now_us;        /* now() of its statement */
    struct MrApply *apply; /* at work; NULL: not */
    uint64_t count;        /* rows that were changed */
    uint64_t told_count;   /* the same, as the client knows it */
    MrResult *returned;    /* RETURNING */
    /* A plan of the statement that reads more than the rows that are changed: it is to be run over
     * those, on a thread, before the statement goes on.  NULL: none waits. */
    const MrPlan *asked;
    MrResult *own_rows; /* … those rows */
    MrResult **answer;  /* … where what it gives goes */
    MrResult *updated;  /* what DO UPDATE's has given */
    uint64_t told_rows; /* a hash of it */
    MrChangePlan own;   /* `plan` of one that has no statement's memory */
    MrChange *first;    /* of its statement */
    uint32_t number;    /* in the statement's WITH; 0: it is the statement itself */
    MrResult **results; /* what those in WITH have returned, by number - 1; NULL: there are none */
};

/* Plans INSERT, UPDATE or DELETE of a table: the portal's own node, or one inside of it. */
MrStatus mr_change_plan(MrSession *session, MrPortal *portal, const MrNode *node, bool is_run,
                        MrChangePlan **out, MrError *err);
/* A change of the planned statement's; INSERT … VALUES has its rows already. */
MrStatus mr_change_create(MrSession *session, MrPortal *portal, const MrChangePlan *plan,
                          MrChange **out, MrError *err);
/* The changes of the portal's statement and its WITH in the order in which they run.  `main`: of
 * the statement itself; NULL: it is a query (with_changes.c). */
MrStatus mr_changes_of_statement(MrSession *session, MrPortal *portal, const MrChangePlan *main,
                                 MrChange **out, MrError *err);
/* Plain rows for a table, to be filled by mr_result_add; nothing of a statement is kept. */
MrStatus mr_change_create_rows(MrCatalog *catalog, const MrRelation *target, MrChange **out,
                               MrError *err);
void mr_changes_free(MrChange **list);

/* Takes the list (NULL: nothing new).  Waits for the turn, runs those of the transaction that the
 * tables do not have, in order, then calls `then` (perhaps at once); the list is the transaction's
 * until the next commit or rollback. */
void mr_changes_start(MrSession *session, MrChange *list, MrSessionThen *then);
/* The same of a statement, which finds what an implicit transaction has written before it. */
MrStatus mr_changes_run(MrSession *session, MrChange *list, MrSessionThen *then, MrError *err);

/* The current statement is done, with its tag (NULL: the change's own) and the rows that it
 * returns. */
void mr_changes_done(MrSession *session, const char *tag);

/* Nobody reads any more what those in the WITH of the last statement have returned. */
void mr_changes_forget_returned(MrSession *session);

/* An error where the table was dropped, or has got a column, since the change was planned: its
 * query would take that column for the places of rows, which stand behind the last one. */
MrStatus mr_change_check_target(MrSession *session, const MrChange *change, MrError *err);
/* Applies one with its rows to the table, a slice at a time (change_apply.c); *is_done: or the next
 * call goes on. */
MrStatus mr_change_apply(MrSession *session, MrChange *change, bool *is_done, MrError *err);
void mr_apply_destroy(struct MrApply *apply); /* accepts NULL */

#endif
