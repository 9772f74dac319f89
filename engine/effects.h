/*
 * engine/effects.h - what functions do beside their results: pg_notify(), set_config(), pg_sleep(),
 * pg_advisory_lock().  Whoever
 * runs a pipeline collects it on its thread; whoever has asked for the rows does it when they are
 * there, so that nothing has happened where the statement fails.  Must not know sessions.
 */
#ifndef MR_ENGINE_EFFECTS_H
#define MR_ENGINE_EFFECTS_H

#include "common/arena.h"
#include "common/text.h"
#include "storage/sink.h"

enum { MR_NOTIFY_TOGETHER_BYTES_MAX = 64 * 1024 * 1024 }; /* of one statement or transaction */

typedef enum MrEffectKind {
    MR_EFFECT_NOTIFY,    /* channel, payload */
    MR_EFFECT_SET,       /* setting, value */
    MR_EFFECT_SET_LOCAL, /* the same until the end of the transaction */
    MR_EFFECT_WARNING    /* its text */
} MrEffectKind;

/* In the arena of its list. */
typedef struct MrEffect {
    struct MrEffect *next;
    MrEffectKind kind;
    MrString name, value;
} MrEffect;

/* An advisory lock's number: a bigint, or two integers, which are other locks. */
typedef struct MrLockKey {
    int64_t number;
    bool is_pair;
} MrLockKey;

typedef struct MrLockWish {
    struct MrLockWish *next;
    MrLockKey key;
    bool is_shared, is_of_transaction;
} MrLockWish;

/* Takes advisory locks for whoever has asked for the rows, without waiting; callable on any
 * thread, unlike all else these are done at once.  owner NULL: functions of locks are refused. */
typedef struct MrLocker {
    void *owner;
    MrStatus (*take)(void *owner, const MrLockWish *wish, bool *taken, MrError *err);
    bool (*give_back)(void *owner, MrLockKey key, bool is_shared); /* false: it had none */
    void (*give_all_back)(void *owner);
} MrLocker;

/* In the order in which they were asked for. */
typedef struct MrEffects {
    MrArena *arena; /* keeps */
    MrEffect *first, *last;
    size_t bytes;
    int64_t sleep_us; /* the answer is to be held back for so long */
    MrLocker locker;
    MrLockWish *first_wish, *last_wish; /* … until these are had: others have them now */
} MrEffects;

/* Effects of this thread go there from now on (keeps; NULL: nowhere, functions that have some
 * fail).  Returns where they went before. */
MrEffects *mr_effects_collect(MrEffects *effects);
/* Of a notification: 22023 for a channel without a name or a payload that is too long. */
MrStatus mr_effects_check(MrString channel, MrString payload, MrError *err);
/* Adds to the time for which the answer is held back. */
MrStatus mr_effects_sleep(int64_t us, MrError *err);
/* Takes the lock; what cannot be had now is a wish. */
MrStatus mr_effects_lock(const MrLockWish *wish, MrError *err);
MrStatus mr_effects_try_lock(const MrLockWish *wish, bool *taken, MrError *err);
/* *had: false, with a WARNING, where the session has no such lock. */
MrStatus mr_effects_unlock(MrLockKey key, bool is_shared, bool *had, MrError *err);
MrStatus mr_effects_unlock_all(MrError *err);
/* 54000 for too many at once. */
MrStatus mr_effects_add(MrEffectKind kind, MrString name, MrString value, MrError *err);

#endif
