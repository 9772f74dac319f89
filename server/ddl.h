/*
 * server/ddl.h - statements that change the catalogue.  Checked and planned at once; what must
 * happen in a target happens on its thread; then the DDL record is synced (it decides), stored and
 * published.  One after another: a second statement waits for the first.
 */
#ifndef MR_SERVER_DDL_H
#define MR_SERVER_DDL_H

#include "server/waits.h"

typedef struct MrDdlRequest {
    const MrNode *statement;   /* CREATE …, DROP, ALTER, COMMENT */
    MrStatementMemory *memory; /* that holds the statement: held until it is over */
    const MrTimezone *zone;    /* of the session */
    void (*notice)(void *context, const char *sqlstate, const char *message, const char *hint);
    void *notice_context; /* not used any more once the wait is cancelled */
} MrDdlRequest;

/* `done` comes later, on the loop's thread, with the error or MR_OK.  Once begun it runs to its end
 * even when the session goes away (cancel the wait then; the statement still takes effect or fails
 * as a whole). */
MrWait *mr_ddl_execute(MrServer *server, const MrDdlRequest *request, MrWaitDone *done,
                       void *context);
/* The sequence that a new standing query answers from: its stream's first kept row, or that of the
 * view it reads, whose rows are to be the same. */
MrStatus mr_ddl_choose_start(MrServer *server, const MrPlan *plan, uint64_t *out, MrError *err);
/* At start: every stored object is parsed and planned again; records of the log that the store has
 * not seen are applied first. */
MrStatus mr_ddl_recover(MrServer *server, MrError *err);

#endif
