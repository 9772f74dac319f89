/*
 * server/advisory_wait.c - who waits for an advisory lock on the event loop, circles of those who
 * wait, and the list of all: see advisory.h.
 */
#include <stdlib.h>

#include "server/advisory_internal.h"

/* ---- Circles --------------------------------------------------------------------------------- */

static const MrLockOwner *search_from(MrLockOwner *from, const MrLockOwner *start, uint64_t mark);

static const MrLockOwner *search_at(MrLockOwner *other, const MrLockOwner *start, uint64_t mark)
{
    return other == start                                    ? start
           : other->mark == mark || other->waits_for == NULL ? NULL
                                                             : search_from(other, start, mark);
}

/* Whether who waits for `from`'s lock waits for `start` in the end. */
static const MrLockOwner *search_from(MrLockOwner *from, const MrLockOwner *start, uint64_t mark)
{
    const MrAdvisoryLock *lock = from->waits_for;
    const MrLockOwner *found = NULL;
    from->mark = mark;
    for (const MrAdvisoryHold *hold = lock->holds; hold != NULL && found == NULL;
         hold = hold->next_of_lock) {
        if (hold->owner != from && (!from->wish.is_shared || mr_hold_is_exclusive(hold))) {
            found = search_at(hold->owner, start, mark) == NULL ? NULL : hold->owner;
        }
    }
    for (MrLockOwner *other = lock->queue; other != from && found == NULL;
         other = other->next_waiting) {
        if (!from->wish.is_shared || !other->wish.is_shared) {
            found = search_at(other, start, mark) == NULL ? NULL : other;
        }
    }
    return found;
}

static MrStatus refuse_circle(MrLockOwner *owner, MrError *err)
{
    const MrLockOwner *other = search_from(owner, owner, ++owner->server->advisory->searches);
    if (other == NULL) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_DEADLOCK, "deadlock detected");
    return mr_error_detail(err,
                           "Process %d waits for an advisory lock that process %d has or wants "
                           "first, and that one in the end for process %d.",
                           owner->number, other->number, owner->number);
}

/* ---- The event loop -------------------------------------------------------------------------- */

MrStatus mr_advisory_wait(MrLockOwner *owner, const MrLockWish *wish, bool *waits, MrError *err)
{
    MrAdvisory *table = owner->server->advisory;
    bool taken;
    pthread_mutex_lock(&table->mutex);
    MrStatus status = mr_advisory_try(owner, wish, &taken, err);
    *waits = status == MR_OK && !taken;
    MrAdvisoryLock *lock = *waits ? mr_advisory_need(table, wish->key) : NULL;
    if (*waits && lock == NULL) {
        status = mr_error_no_memory(err);
    } else if (*waits) {
        MrLockOwner **last = &lock->queue;
        while (*last != NULL) {
            last = &(*last)->next_waiting;
        }
        *last = owner;
        owner->wish = *wish;
        owner->waits_for = lock;
        status = refuse_circle(owner, err);
        if (status != MR_OK) {
            mr_advisory_leave_queue(lock, owner);
            mr_advisory_drop(table, lock);
        }
    }
    pthread_mutex_unlock(&table->mutex);
    return status;
}

void mr_advisory_drop_wait(MrLockOwner *owner)
{
    if (owner->waits_for != NULL) {
        MrAdvisoryLock *lock = owner->waits_for;
        mr_advisory_leave_queue(lock, owner);
        mr_advisory_serve(owner->server, lock); /* who stood behind it */
    } else if (owner->has_got) {
        MrAdvisory *table = owner->server->advisory;
        MrLockOwner **link = &table->granted;
        while (*link != owner) {
            link = &(*link)->next_waiting;
        }
        *link = owner->next_waiting;
        owner->next_waiting = NULL;
        owner->has_got = false;
        MrAdvisoryHold *hold = mr_advisory_hold(mr_advisory_find(table, owner->wish.key), owner);
        mr_advisory_take_from(owner, hold, owner->wish.is_shared, owner->wish.is_of_transaction,
                              false);
    }
}

void mr_advisory_end_wait(MrLockOwner *owner)
{
    pthread_mutex_lock(&owner->server->advisory->mutex);
    mr_advisory_drop_wait(owner);
    pthread_mutex_unlock(&owner->server->advisory->mutex);
}

void mr_advisory_roll_back_to(MrLockOwner *owner, uint32_t savepoint)
{
    if (owner != NULL) {
        pthread_mutex_lock(&owner->server->advisory->mutex);
        mr_advisory_free_holds(owner, true, savepoint);
        pthread_mutex_unlock(&owner->server->advisory->mutex);
    }
}

void mr_advisory_end_transaction(MrLockOwner *owner)
{
    mr_advisory_roll_back_to(owner, 0);
    mr_advisory_set_savepoint(owner, 0);
}

void mr_advisory_set_savepoint(MrLockOwner *owner, uint32_t savepoint)
{
    if (owner != NULL) {
        pthread_mutex_lock(&owner->server->advisory->mutex);
        owner->savepoint = savepoint;
        pthread_mutex_unlock(&owner->server->advisory->mutex);
    }
}

/* ---- The list -------------------------------------------------------------------------------- */

static int compare_rows(const void *left, const void *right)
{
    const MrLockRow *a = left, *b = right;
    if (a->key.is_pair != b->key.is_pair) {
        return a->key.is_pair ? 1 : -1;
    }
    if (a->key.number != b->key.number) {
        return a->key.number < b->key.number ? -1 : 1;
    }
    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    return (int)a->is_shared - (int)b->is_shared;
}

static void list_lock(const MrAdvisoryLock *lock, MrLockRow *rows, uint32_t *count)
{
    for (const MrAdvisoryHold *hold = lock->holds; hold != NULL; hold = hold->next_of_lock) {
        for (uint32_t is_shared = 0; is_shared < 2; is_shared++) {
            if (hold->counts[is_shared][0] + hold->counts[is_shared][1] > 0) {
                rows[(*count)++] = (MrLockRow){ .key = lock->key,
                                                .number = hold->owner->number,
                                                .is_shared = is_shared,
                                                .is_granted = true };
            }
        }
    }
    for (const MrLockOwner *owner = lock->queue; owner != NULL; owner = owner->next_waiting) {
        rows[(*count)++] = (MrLockRow){ .key = lock->key,
                                        .number = owner->number,
                                        .is_shared = owner->wish.is_shared };
    }
}

static uint32_t count_lock(const MrAdvisoryLock *lock)
{
    uint32_t count = 0;
    for (const MrAdvisoryHold *hold = lock->holds; hold != NULL; hold = hold->next_of_lock) {
        count += 2;
    }
    for (const MrLockOwner *owner = lock->queue; owner != NULL; owner = owner->next_waiting) {
        count++;
    }
    return count;
}

MrStatus mr_advisory_list(MrServer *server, MrArena *arena, MrLockRow **out, uint32_t *count,
                          MrError *err)
{
    MrAdvisory *table = server->advisory;
    uint32_t room = 1;
    *count = 0;
    pthread_mutex_lock(&table->mutex);
    for (uint32_t b = 0; b < MR_ADVISORY_BUCKETS; b++) {
        for (const MrAdvisoryLock *lock = table->buckets[b]; lock != NULL; lock = lock->next) {
            room += count_lock(lock);
        }
    }
    *out = mr_arena_calloc(arena, room, sizeof **out);
    for (uint32_t b = 0; *out != NULL && b < MR_ADVISORY_BUCKETS; b++) {
        for (const MrAdvisoryLock *lock = table->buckets[b]; lock != NULL; lock = lock->next) {
            list_lock(lock, *out, count);
        }
    }
    pthread_mutex_unlock(&table->mutex);
    if (*out == NULL) {
        return mr_error_no_memory(err);
    }
    qsort(*out, *count, sizeof **out, compare_rows);
    return MR_OK;
}
