/*
 * server/waits.h - who waits for what: a row to be durable, queries to have covered a place of the
 * log.  All on the event loop's thread.  `done` is called once, later, never from within the call
 * that made the wait; a wait that is cancelled or done is gone.
 */
#ifndef MR_SERVER_WAITS_H
#define MR_SERVER_WAITS_H

#include "server/server.h"

typedef struct MrWait MrWait;
typedef void MrWaitDone(void *context, MrStatus status, const MrError *err);

/* Acknowledgement of rows up to `sequence`: on disk, written, or at once. */
MrWait *mr_wait_durable(MrServer *server, uint64_t sequence, MrDurability durability,
                        MrWaitDone *done, void *context);
/* Whether a wait for that would be over. */
bool mr_wait_is_durable(MrServer *server, uint64_t sequence, MrDurability durability);
/* FLUSH: sources have delivered the end they have now, and every running query's target covers all
 * that is in the log.  A query that is suspended, stopped or cannot reach its target fails the wait
 * with MR_ERR_NOT_IN_STATE naming it. */
MrWait *mr_wait_flush(MrServer *server, MrWaitDone *done, void *context);
/* Reading a result: the query covers `sequence`.  Succeeds at once for a query that cannot get
 * there (a NOTICE is the caller's: mr_scheduler_query_status). */
MrWait *mr_wait_covered(MrServer *server, const uint8_t query[16], uint64_t sequence,
                        MrWaitDone *done, void *context);
/* A wait whose end somebody tells (DDL); it may be cancelled like any other. */
MrWait *mr_wait_told(MrServer *server, MrWaitDone *done, void *context);
void mr_wait_tell(MrServer *server, MrWait *wait, MrStatus status, const MrError *err);
bool mr_wait_is_cancelled(const MrWait *wait);
void mr_wait_cancel(MrWait *wait); /* accepts NULL */

/* The log was synced, a target has committed, a query changed state, a source has come on: whoever
 * waits for it is told soon, on the loop's thread.  Thread-safe. */
void mr_waits_notify(MrServer *server);
MrStatus mr_waits_create(MrServer *server, MrError *err);
void mr_waits_destroy(MrServer *server);

#endif
