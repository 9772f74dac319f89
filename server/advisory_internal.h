/*
 * server/advisory_internal.h - locks, holds and queues: shared by advisory*.c only.  All of it is
 * behind the table's mutex, but for an owner's number of holders.
 */
#ifndef MR_SERVER_ADVISORY_INTERNAL_H
#define MR_SERVER_ADVISORY_INTERNAL_H

#include <pthread.h>

#include "server/advisory.h"

enum { MR_ADVISORY_BUCKETS = 1024, MR_ADVISORY_HOLDS_MAX = 100000 /* of all sessions together */ };

typedef struct MrAdvisoryLock MrAdvisoryLock;

typedef struct MrAdvisoryHold {
    MrAdvisoryLock *lock;
    MrLockOwner *owner;
    uint32_t counts[2][2]; /* [is_shared][is_of_transaction] */
    uint32_t since[2];     /* [is_shared]: savepoint behind which the transaction first took it */
    struct MrAdvisoryHold *next_of_lock, *next_of_owner;
} MrAdvisoryHold;

struct MrAdvisoryLock {
    MrLockKey key;
    MrAdvisoryHold *holds;
    MrLockOwner *queue;
    MrAdvisoryLock *next;
};

struct MrLockOwner {
    MrServer *server;
    int32_t number;
    MrLockHasCome *has_come;
    void *context;
    uint32_t holders;
    bool is_gone;
    uint32_t savepoint; /* number of the transaction's last; 0: none yet */
    MrAdvisoryHold *holds;
    MrAdvisoryLock *waits_for; /* NULL: for none */
    MrLockWish wish;
    bool has_got;              /* granted, and not told yet */
    MrLockOwner *next_waiting; /* of the lock's queue, or of those to be told */
    uint64_t mark;             /* of the search that has been here */
};

struct MrAdvisory {
    pthread_mutex_t mutex;
    MrAdvisoryLock *buckets[MR_ADVISORY_BUCKETS];
    MrLockOwner *granted; /* to be told on the event loop */
    uint32_t hold_count;
    uint64_t searches;
};

/* NULL: nobody holds it or waits for it. */
MrAdvisoryLock *mr_advisory_find(MrAdvisory *table, MrLockKey key);
/* Found or made; NULL: no memory. */
MrAdvisoryLock *mr_advisory_need(MrAdvisory *table, MrLockKey key);
/* Frees the lock if nobody holds it or waits for it. */
void mr_advisory_drop(MrAdvisory *table, MrAdvisoryLock *lock);
MrAdvisoryHold *mr_advisory_hold(const MrAdvisoryLock *lock, const MrLockOwner *owner);
bool mr_hold_is_exclusive(const MrAdvisoryHold *hold);
/* Takes it if it can be had now. */
MrStatus mr_advisory_try(MrLockOwner *owner, const MrLockWish *wish, bool *taken, MrError *err);
/* One less, or with `all` none any more; the hold is gone with its last, and who waits is
 * served. */
void mr_advisory_take_from(MrLockOwner *owner, MrAdvisoryHold *hold, bool is_shared,
                           bool is_of_transaction, bool all);
/* Those of the session, or of the transaction that it took behind that savepoint (0: all). */
void mr_advisory_free_holds(MrLockOwner *owner, bool is_of_transaction, uint32_t savepoint);
void mr_advisory_leave_queue(MrAdvisoryLock *lock, MrLockOwner *owner);
/* Those that wait and can have it now get it, in their order; frees the lock as mr_advisory_drop
 * does. */
void mr_advisory_serve(MrServer *server, MrAdvisoryLock *lock);
void mr_advisory_drop_wait(MrLockOwner *owner);

#endif
