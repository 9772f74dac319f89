/*
 * server/advisory.h - advisory locks: who holds which number, who waits for it.  Functions in a
 * SELECT take and give them back on whatever thread computes its rows; waiting is the event loop's,
 * without a thread.  Must not know rows or statements.
 */
#ifndef MR_SERVER_ADVISORY_H
#define MR_SERVER_ADVISORY_H

#include "engine/effects.h"
#include "server/server.h"

typedef struct MrAdvisory MrAdvisory;
/* Whose locks they are: a session, or what a thread still computes for one that has gone. */
typedef struct MrLockOwner MrLockOwner;
typedef void MrLockHasCome(void *context);

MrStatus mr_advisory_create(MrServer *server, MrError *err);
void mr_advisory_destroy(MrServer *server); /* after all owners */

/* One hold on it. `has_come` is called on the event loop when what was waited for is held. */
MrStatus mr_lock_owner_create(MrServer *server, int32_t number, MrLockHasCome *has_come,
                              void *context, MrLockOwner **out, MrError *err);
/* Its locks are free, nothing waits, and nobody gets one for it any more. */
void mr_lock_owner_leave(MrLockOwner *owner);
MrLockOwner *mr_lock_owner_hold(MrLockOwner *owner); /* accepts NULL */
void mr_lock_owner_release(MrLockOwner *owner);      /* accepts NULL */
MrLocker mr_lock_owner_locker(MrLockOwner *owner);   /* NULL: functions are refused */

/* Takes the lock, or waits for it (*waits) in the order of those who asked; 40P01 where each of a
 * circle would wait for the next. */
MrStatus mr_advisory_wait(MrLockOwner *owner, const MrLockWish *wish, bool *waits, MrError *err);
void mr_advisory_end_wait(MrLockOwner *owner); /* also of what has come and was not told yet */
/* The transaction has made its savepoint of that number, and later goes back to it: what it has
 * taken since is free.  Numbers grow within a transaction.  Both accept NULL. */
void mr_advisory_set_savepoint(MrLockOwner *owner, uint32_t savepoint);
void mr_advisory_roll_back_to(MrLockOwner *owner, uint32_t savepoint);
/* All that belong to a transaction; all. Both accept NULL. */
void mr_advisory_end_transaction(MrLockOwner *owner);
void mr_advisory_free_all(MrLockOwner *owner);

/* One lock that is held or waited for. */
typedef struct MrLockRow {
    MrLockKey key;
    int32_t number; /* of the session */
    bool is_shared, is_granted;
} MrLockRow;
/* Rows of all, in the order of their keys, then numbers; in the arena. */
MrStatus mr_advisory_list(MrServer *server, MrArena *arena, MrLockRow **out, uint32_t *count,
                          MrError *err);

#endif
