/*
 * server/subscription.h - the changes of a temporary standing query on their way to one client.
 * The scheduler's thread offers what a flush gave, and flushes no more until the client's side has
 * taken it.  Meanwhile the query goes on over the log until MR_SUBSCRIPTION_PENDING_BYTES are
 * pending, and stands still then: a slow client is a place in the log and costs no memory.  When it
 * reads again, what it gets are the changes since, netted.
 */
#ifndef MR_SERVER_SUBSCRIPTION_H
#define MR_SERVER_SUBSCRIPTION_H

#include "server/adhoc.h"
#include "storage/sink.h"

enum {
    MR_SUBSCRIPTION_PENDING_BYTES = 1024 * 1024,
    MR_SUBSCRIPTION_BATCH_ROWS = 16384 /* read at a time where nobody else needs the records */
};

typedef struct MrSubscription MrSubscription;

/* ---- The client's side: on the event loop's thread ------------------------------------------- */

/* Plans the statement anew into memory of its own and starts it.  Borrows the rest. */
MrStatus mr_subscription_start(MrServer *server, const MrAstSubscribe *statement,
                               const MrTimezone *zone, MrCatalog *catalog, MrSubscription **out,
                               MrError *err);
/* The next rows (columns as MrSubscribePlan says): valid until the next call.  NULL: none now;
 * *covered: all changes up to there have been given.  An error ends it. */
MrStatus mr_subscription_next(MrSubscription *subscription, const MrResult **rows,
                              uint64_t *covered, MrError *err);
/* Tells the wait now, though nothing may be new. */
void mr_subscription_poke(MrSubscription *subscription);
/* The query's columns, without mr_seq and mr_diff; lives as long as the subscription. */
const MrSchema *mr_subscription_schema(const MrSubscription *subscription);
/* Tells the wait when mr_subscription_next may have something new.  One wait at a time. */
MrWait *mr_subscription_wait(MrSubscription *subscription, MrWaitDone *done, void *context);
void mr_subscription_end(MrSubscription *subscription); /* accepts NULL */

/* ---- The scheduler's side -------------------------------------------------------------------- */

/* What a flush gave, or only that the answer is true up to `sequence`.  The rows stay valid until
 * mr_subscription_is_taken. */
MrStatus mr_subscription_offer(MrSubscription *subscription, const MrChangeSet *changes,
                               uint64_t sequence, MrError *err);
bool mr_subscription_is_taken(MrSubscription *subscription);
void mr_subscription_fail(MrSubscription *subscription, const MrError *error);
/* The client has gone: the query is to be forgotten. */
bool mr_subscription_is_over(MrSubscription *subscription);
/* The query is forgotten: the last one to go frees it. */
void mr_subscription_release(MrSubscription *subscription);

#endif
