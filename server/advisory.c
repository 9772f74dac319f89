/*
 * server/advisory.c - see advisory.h.
 *
 *     lock ── holds: owner, how often, shared or not, of the session or of its transaction
 *      └───── queue: owners in the order in which they asked
 *
 * A lock is there while somebody holds it or waits for it.  Who asks stands behind those that wait
 * already, unless it holds the lock.  Each owner waits for one lock at most, so that a circle is
 * found by following who waits for whom.
 */
#include "server/advisory.h"

#include <stdlib.h>

#include "common/hash.h"
#include "server/advisory_internal.h"

/* ---- Locks and holds ------------------------------------------------------------------------- */

static MrAdvisoryLock **bucket_of(MrAdvisory *table, MrLockKey key)
{
    uint64_t hash = mr_hash_u64((uint64_t)key.number + key.is_pair);
    return &table->buckets[hash % MR_ADVISORY_BUCKETS];
}

MrAdvisoryLock *mr_advisory_find(MrAdvisory *table, MrLockKey key)
{
    MrAdvisoryLock *lock = *bucket_of(table, key);
    while (lock != NULL && (lock->key.number != key.number || lock->key.is_pair != key.is_pair)) {
        lock = lock->next;
    }
    return lock;
}

MrAdvisoryLock *mr_advisory_need(MrAdvisory *table, MrLockKey key)
{
    MrAdvisoryLock *lock = mr_advisory_find(table, key);
    if (lock == NULL && (lock = calloc(1, sizeof *lock)) != NULL) {
        MrAdvisoryLock **bucket = bucket_of(table, key);
        lock->key = key;
        lock->next = *bucket;
        *bucket = lock;
    }
    return lock;
}

void mr_advisory_drop(MrAdvisory *table, MrAdvisoryLock *lock)
{
    if (lock->holds != NULL || lock->queue != NULL) {
        return;
    }
    MrAdvisoryLock **link = bucket_of(table, lock->key);
    while (*link != lock) {
        link = &(*link)->next;
    }
    *link = lock->next;
    free(lock);
}

MrAdvisoryHold *mr_advisory_hold(const MrAdvisoryLock *lock, const MrLockOwner *owner)
{
    MrAdvisoryHold *hold = lock->holds;
    while (hold != NULL && hold->owner != owner) {
        hold = hold->next_of_lock;
    }
    return hold;
}

bool mr_hold_is_exclusive(const MrAdvisoryHold *hold)
{
    return hold->counts[0][0] + hold->counts[0][1] > 0;
}

static bool is_held(const MrAdvisoryHold *hold)
{
    return mr_hold_is_exclusive(hold) || hold->counts[1][0] + hold->counts[1][1] > 0;
}

static MrStatus add_hold(MrAdvisory *table, MrAdvisoryLock *lock, MrLockOwner *owner,
                         const MrLockWish *wish, MrError *err)
{
    MrAdvisoryHold *hold = mr_advisory_hold(lock, owner);
    if (hold == NULL) {
        if (table->hold_count >= MR_ADVISORY_HOLDS_MAX) {
            mr_error_set(err, MR_ERR_OUT_OF_MEMORY, "too many advisory locks");
            return mr_error_hint(err, "There can be %d at a time.", MR_ADVISORY_HOLDS_MAX);
        }
        hold = calloc(1, sizeof *hold);
        if (hold == NULL) {
            return mr_error_no_memory(err);
        }
        table->hold_count++;
        *hold = (MrAdvisoryHold){
            .lock = lock, .owner = owner, .next_of_lock = lock->holds, .next_of_owner = owner->holds
        };
        lock->holds = owner->holds = hold;
    }
    if (wish->is_of_transaction && hold->counts[wish->is_shared][true] == 0) {
        hold->since[wish->is_shared] = owner->savepoint;
    }
    hold->counts[wish->is_shared][wish->is_of_transaction]++;
    return MR_OK;
}

/* ---- Who may have it ------------------------------------------------------------------------- */

static bool holds_conflict(const MrAdvisoryLock *lock, const MrLockOwner *owner, bool is_shared)
{
    for (const MrAdvisoryHold *hold = lock->holds; hold != NULL; hold = hold->next_of_lock) {
        if (hold->owner != owner && (!is_shared || mr_hold_is_exclusive(hold))) {
            return true;
        }
    }
    return false;
}

/* Somebody before `owner` in the queue waits for what does not go with it. */
static bool queue_conflicts(const MrAdvisoryLock *lock, const MrLockOwner *owner, bool is_shared)
{
    const MrLockOwner *other = lock->queue;
    for (; other != NULL && other != owner; other = other->next_waiting) {
        if (!is_shared || !other->wish.is_shared) {
            return true;
        }
    }
    return false;
}

static bool can_have(const MrAdvisoryLock *lock, const MrLockOwner *owner, const MrLockWish *wish)
{
    return !holds_conflict(lock, owner, wish->is_shared) &&
           (mr_advisory_hold(lock, owner) != NULL ||
            !queue_conflicts(lock, owner, wish->is_shared));
}

void mr_advisory_leave_queue(MrAdvisoryLock *lock, MrLockOwner *owner)
{
    MrLockOwner **link = &lock->queue;
    while (*link != owner) {
        link = &(*link)->next_waiting;
    }
    *link = owner->next_waiting;
    owner->next_waiting = NULL;
    owner->waits_for = NULL;
}

static void tell_granted(void *context)
{
    MrServer *server = context;
    MrAdvisory *table = server->advisory;
    for (;;) {
        pthread_mutex_lock(&table->mutex);
        MrLockOwner *owner = table->granted;
        if (owner != NULL) {
            table->granted = owner->next_waiting;
            owner->next_waiting = NULL;
            owner->has_got = false;
        }
        pthread_mutex_unlock(&table->mutex);
        if (owner == NULL) {
            return;
        }
        owner->has_come(owner->context);
    }
}

void mr_advisory_serve(MrServer *server, MrAdvisoryLock *lock)
{
    MrAdvisory *table = server->advisory;
    for (MrLockOwner *owner = lock->queue, *next; owner != NULL; owner = next) {
        MrError err = MR_ERROR_INIT;
        next = owner->next_waiting;
        if (!can_have(lock, owner, &owner->wish) ||
            add_hold(table, lock, owner, &owner->wish, &err) != MR_OK) {
            continue; /* without memory it waits on: the next who gives one back asks again */
        }
        mr_advisory_leave_queue(lock, owner);
        owner->has_got = true;
        MrLockOwner **last = &table->granted;
        while (*last != NULL) {
            last = &(*last)->next_waiting;
        }
        *last = owner;
        mr_server_post(server, tell_granted, server);
    }
    mr_advisory_drop(table, lock);
}

void mr_advisory_take_from(MrLockOwner *owner, MrAdvisoryHold *hold, bool is_shared,
                           bool is_of_transaction, bool all)
{
    MrAdvisoryLock *lock = hold->lock;
    uint32_t *count = &hold->counts[is_shared][is_of_transaction];
    *count = all ? 0 : *count - 1;
    if (!is_held(hold)) {
        MrAdvisoryHold **link = &lock->holds, **own = &owner->holds;
        while (*link != hold) {
            link = &(*link)->next_of_lock;
        }
        *link = hold->next_of_lock;
        while (*own != hold) {
            own = &(*own)->next_of_owner;
        }
        *own = hold->next_of_owner;
        owner->server->advisory->hold_count--;
        free(hold);
    }
    mr_advisory_serve(owner->server, lock);
}

/* ---- Functions, on any thread ---------------------------------------------------------------- */

MrStatus mr_advisory_try(MrLockOwner *owner, const MrLockWish *wish, bool *taken, MrError *err)
{
    MrAdvisory *table = owner->server->advisory;
    *taken = false;
    if (owner->is_gone) {
        return MR_OK;
    }
    MrAdvisoryLock *lock = mr_advisory_need(table, wish->key);
    if (lock == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = MR_OK;
    if (can_have(lock, owner, wish)) {
        status = add_hold(table, lock, owner, wish, err);
        *taken = status == MR_OK;
    }
    mr_advisory_drop(table, lock);
    return status;
}

static MrStatus take(void *context, const MrLockWish *wish, bool *taken, MrError *err)
{
    MrLockOwner *owner = context;
    pthread_mutex_lock(&owner->server->advisory->mutex);
    MrStatus status = mr_advisory_try(owner, wish, taken, err);
    pthread_mutex_unlock(&owner->server->advisory->mutex);
    return status;
}

static bool give_back(void *context, MrLockKey key, bool is_shared)
{
    MrLockOwner *owner = context;
    MrAdvisory *table = owner->server->advisory;
    pthread_mutex_lock(&table->mutex);
    const MrAdvisoryLock *lock = mr_advisory_find(table, key);
    MrAdvisoryHold *hold = lock == NULL ? NULL : mr_advisory_hold(lock, owner);
    bool had = hold != NULL && hold->counts[is_shared][0] > 0;
    if (had) {
        mr_advisory_take_from(owner, hold, is_shared, false, false);
    }
    pthread_mutex_unlock(&table->mutex);
    return had;
}

void mr_advisory_free_holds(MrLockOwner *owner, bool is_of_transaction, uint32_t savepoint)
{
    for (MrAdvisoryHold *hold = owner->holds, *next; hold != NULL; hold = next) {
        next = hold->next_of_owner;
        for (uint32_t is_shared = 0; is_shared < 2; is_shared++) {
            bool is_meant = !is_of_transaction || hold->since[is_shared] >= savepoint;
            if (is_meant && hold->counts[is_shared][is_of_transaction] > 0) {
                bool is_last = hold->counts[1 - is_shared][0] + hold->counts[1 - is_shared][1] +
                                   hold->counts[is_shared][!is_of_transaction] ==
                               0;
                mr_advisory_take_from(owner, hold, is_shared, is_of_transaction, true);
                if (is_last) {
                    break;
                }
            }
        }
    }
}

static void give_all_back(void *context)
{
    MrLockOwner *owner = context;
    pthread_mutex_lock(&owner->server->advisory->mutex);
    mr_advisory_free_holds(owner, false, 0);
    pthread_mutex_unlock(&owner->server->advisory->mutex);
}

void mr_advisory_free_all(MrLockOwner *owner)
{
    if (owner != NULL) {
        give_all_back(owner);
    }
}

MrLocker mr_lock_owner_locker(MrLockOwner *owner)
{
    return owner == NULL ? (MrLocker){ 0 }
                         : (MrLocker){ .owner = owner,
                                       .take = take,
                                       .give_back = give_back,
                                       .give_all_back = give_all_back };
}

/* ---- Owners ---------------------------------------------------------------------------------- */

MrStatus mr_lock_owner_create(MrServer *server, int32_t number, MrLockHasCome *has_come,
                              void *context, MrLockOwner **out, MrError *err)
{
    MrLockOwner *owner = calloc(1, sizeof *owner);
    if (owner == NULL) {
        return mr_error_no_memory(err);
    }
    *owner = (MrLockOwner){
        .server = server, .number = number, .has_come = has_come, .context = context, .holders = 1
    };
    *out = owner;
    return MR_OK;
}

MrLockOwner *mr_lock_owner_hold(MrLockOwner *owner)
{
    if (owner != NULL) {
        owner->holders++;
    }
    return owner;
}

void mr_lock_owner_release(MrLockOwner *owner)
{
    if (owner != NULL && --owner->holders == 0) {
        free(owner);
    }
}

void mr_lock_owner_leave(MrLockOwner *owner)
{
    if (owner == NULL) {
        return;
    }
    pthread_mutex_lock(&owner->server->advisory->mutex);
    owner->is_gone = true;
    mr_advisory_drop_wait(owner);
    mr_advisory_free_holds(owner, false, 0);
    mr_advisory_free_holds(owner, true, 0);
    pthread_mutex_unlock(&owner->server->advisory->mutex);
}

/* ---- All of them ----------------------------------------------------------------------------- */

MrStatus mr_advisory_create(MrServer *server, MrError *err)
{
    server->advisory = calloc(1, sizeof *server->advisory);
    if (server->advisory == NULL) {
        return mr_error_no_memory(err);
    }
    pthread_mutex_init(&server->advisory->mutex, NULL);
    return MR_OK;
}

void mr_advisory_destroy(MrServer *server)
{
    if (server->advisory != NULL) {
        pthread_mutex_destroy(&server->advisory->mutex);
        free(server->advisory);
        server->advisory = NULL;
    }
}
