/*
 * engine/effects.c - what functions do beside their results: see effects.h.
 */
#include "engine/effects.h"

#define MR_SLEEP_US_MAX (INT64_C(366) * 86400 * 1000000)

static _Thread_local MrEffects *collected;

MrEffects *mr_effects_collect(MrEffects *effects)
{
    MrEffects *before = collected;
    collected = effects;
    return before;
}

MrStatus mr_effects_check(MrString channel, MrString payload, MrError *err)
{
    if (channel.length == 0) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "channel name cannot be empty");
    }
    if (channel.length > MR_NOTIFY_CHANNEL_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "channel name too long");
    }
    if (payload.length > MR_NOTIFY_PAYLOAD_BYTES_MAX) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "payload string too long");
        return mr_error_hint(err,
                             "A payload has at most %d bytes: INSERT the data into a stream "
                             "and notify of its key.",
                             MR_NOTIFY_PAYLOAD_BYTES_MAX);
    }
    return MR_OK;
}

static MrStatus copy(MrArena *arena, MrString text, MrString *out, MrError *err)
{
    const char *data = mr_arena_strndup(arena, text.data, text.length);
    *out = (MrString){ data, text.length };
    return data == NULL ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus refused(const char *name, MrError *err)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s is refused here", name);
    return mr_error_hint(err, "Use it in a SELECT.");
}

MrStatus mr_effects_sleep(int64_t us, MrError *err)
{
    if (collected == NULL) {
        return refused("pg_sleep()", err);
    }
    if (us > MR_SLEEP_US_MAX - collected->sleep_us) {
        us = MR_SLEEP_US_MAX - collected->sleep_us;
    }
    collected->sleep_us += us > 0 ? us : 0;
    return MR_OK;
}

static MrStatus check_locker(MrError *err)
{
    return collected == NULL || collected->locker.owner == NULL ? refused("an advisory lock", err)
                                                                : MR_OK;
}

/* What a statement waits for is had when its rows are there: nothing that it does with locks can
 * come after that. */
static MrStatus check_no_wish(MrError *err)
{
    if (collected->first_wish == NULL) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNSUPPORTED,
                 "a statement that waits for an advisory lock cannot try or free one");
    return mr_error_hint(err, "Take and free locks in statements of their own.");
}

static MrStatus add_wish(const MrLockWish *wish, MrError *err)
{
    MrEffects *effects = collected;
    MrLockWish *copied;
    effects->bytes += sizeof *copied;
    if (effects->bytes > MR_NOTIFY_TOGETHER_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "too many locks in one statement");
    }
    MR_NEW(effects->arena, copied, err);
    *copied = *wish;
    copied->next = NULL;
    if (effects->last_wish == NULL) {
        effects->first_wish = copied;
    } else {
        effects->last_wish->next = copied;
    }
    effects->last_wish = copied;
    return MR_OK;
}

MrStatus mr_effects_lock(const MrLockWish *wish, MrError *err)
{
    bool is_had = false;
    MR_TRY(check_locker(err));
    if (collected->first_wish == NULL) {
        MR_TRY(collected->locker.take(collected->locker.owner, wish, &is_had, err));
    }
    return is_had ? MR_OK : add_wish(wish, err);
}

MrStatus mr_effects_try_lock(const MrLockWish *wish, bool *taken, MrError *err)
{
    MR_TRY(check_locker(err));
    MR_TRY(check_no_wish(err));
    return collected->locker.take(collected->locker.owner, wish, taken, err);
}

MrStatus mr_effects_unlock(MrLockKey key, bool is_shared, bool *had, MrError *err)
{
    MR_TRY(check_locker(err));
    MR_TRY(check_no_wish(err));
    *had = collected->locker.give_back(collected->locker.owner, key, is_shared);
    return *had
               ? MR_OK
               : mr_effects_add(MR_EFFECT_WARNING,
                                is_shared ? MR_STRING("you don't own a lock of type ShareLock")
                                          : MR_STRING("you don't own a lock of type ExclusiveLock"),
                                MR_STRING(""), err);
}

MrStatus mr_effects_unlock_all(MrError *err)
{
    MR_TRY(check_locker(err));
    MR_TRY(check_no_wish(err));
    collected->locker.give_all_back(collected->locker.owner);
    return MR_OK;
}

MrStatus mr_effects_add(MrEffectKind kind, MrString name, MrString value, MrError *err)
{
    MrEffects *effects = collected;
    MrEffect *effect;
    if (kind == MR_EFFECT_NOTIFY) {
        MR_TRY(mr_effects_check(name, value, err));
    }
    if (effects == NULL) {
        return refused(kind == MR_EFFECT_NOTIFY ? "pg_notify()" : "set_config()", err);
    }
    effects->bytes += sizeof *effect + name.length + value.length;
    if (effects->bytes > MR_NOTIFY_TOGETHER_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "too many notifications and settings in one statement");
    }
    MR_NEW(effects->arena, effect, err);
    effect->kind = kind;
    MR_TRY(copy(effects->arena, name, &effect->name, err));
    MR_TRY(copy(effects->arena, value, &effect->value, err));
    if (effects->last == NULL) {
        effects->first = effect;
    } else {
        effects->last->next = effect;
    }
    effects->last = effect;
    return MR_OK;
}
