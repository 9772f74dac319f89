/*
 * engine/effects.c - what functions do beside their results: see effects.h.
 */
#include "engine/effects.h"

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

MrStatus mr_effects_notify(MrString channel, MrString payload, MrError *err)
{
    MrEffects *effects = collected;
    MrEffect *effect;
    MR_TRY(mr_effects_check(channel, payload, err));
    if (effects == NULL) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "pg_notify() is refused here");
        return mr_error_hint(err, "Use it in a SELECT, or NOTIFY channel, 'payload'.");
    }
    effects->bytes += sizeof *effect + channel.length + payload.length;
    if (effects->bytes > MR_NOTIFY_TOGETHER_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "too many notifications in one statement");
    }
    MR_NEW(effects->arena, effect, err);
    MR_TRY(copy(effects->arena, channel, &effect->channel, err));
    MR_TRY(copy(effects->arena, payload, &effect->payload, err));
    if (effects->last == NULL) {
        effects->first = effect;
    } else {
        effects->last->next = effect;
    }
    effects->last = effect;
    return MR_OK;
}
