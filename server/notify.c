/*
 * server/notify.c - LISTEN, NOTIFY and UNLISTEN of one transaction, and the statements: see
 * notify.h.  Must not know who listens.
 */
#include "server/notify.h"

#include <stdlib.h>

#include "common/grow.h"
#include "common/hash.h"
#include "engine/effects.h"
#include "server/notify_internal.h"
#include "server/statement.h"

enum { FEW = 16 }; /* as many are compared one by one */

MrNotification *mr_notification_create(int32_t pid, MrString channel, MrString payload)
{
    MrNotification *made = malloc(sizeof *made + channel.length + payload.length + 2);
    if (made == NULL) {
        return NULL;
    }
    char *second = made->channel + channel.length + 1;
    made->holders = 1;
    made->pid = pid;
    made->payload = second;
    memcpy(made->channel, channel.data, channel.length);
    made->channel[channel.length] = '\0';
    if (payload.length > 0) {
        memcpy(second, payload.data, payload.length);
    }
    second[payload.length] = '\0';
    return made;
}

void mr_notification_release(MrNotification *notification)
{
    if (notification != NULL && --notification->holders == 0) {
        free(notification);
    }
}

/* ---- Actions of a transaction ---------------------------------------------------------------- */

static MrStatus notifier_of(MrSession *session, MrNotifier **out, MrError *err)
{
    if (session->notifier == NULL) {
        session->notifier = calloc(1, sizeof *session->notifier);
    }
    *out = session->notifier;
    return *out == NULL ? mr_error_no_memory(err) : MR_OK;
}

static void forget_places(MrNotifier *notifier)
{
    free(notifier->places);
    notifier->places = NULL;
    notifier->place_count = 0;
}

static bool same(const MrNotifyAction *a, const MrNotifyAction *b)
{
    return a->what == MR_NOTIFY_SEND && a->hash == b->hash &&
           strcmp(a->text->channel, b->text->channel) == 0 &&
           strcmp(a->text->payload, b->text->payload) == 0;
}

static void put_place(MrNotifier *notifier, uint32_t index)
{
    uint32_t mask = notifier->place_count - 1;
    uint32_t at = (uint32_t)notifier->actions[index].hash & mask;
    while (notifier->places[at] != 0) {
        at = (at + 1) & mask;
    }
    notifier->places[at] = index + 1;
}

/* At most half of the places are taken.  Without memory all are compared one by one. */
static void make_places(MrNotifier *notifier)
{
    uint32_t count = 64;
    while (count < notifier->action_count * 4) {
        count *= 2;
    }
    forget_places(notifier);
    notifier->places = calloc(count, sizeof *notifier->places);
    if (notifier->places == NULL) {
        return;
    }
    notifier->place_count = count;
    for (uint32_t i = 0; i < notifier->action_count; i++) {
        if (notifier->actions[i].what == MR_NOTIFY_SEND) {
            put_place(notifier, i);
        }
    }
}

static bool is_sent_already(MrNotifier *notifier, const MrNotifyAction *action)
{
    if (notifier->action_count > FEW &&
        (notifier->places == NULL || notifier->action_count * 2 > notifier->place_count)) {
        make_places(notifier);
    }
    if (notifier->places == NULL) {
        for (uint32_t i = 0; i < notifier->action_count; i++) {
            if (same(&notifier->actions[i], action)) {
                return true;
            }
        }
        return false;
    }
    uint32_t mask = notifier->place_count - 1;
    for (uint32_t at = (uint32_t)action->hash & mask; notifier->places[at] != 0;
         at = (at + 1) & mask) {
        if (same(&notifier->actions[notifier->places[at] - 1], action)) {
            return true;
        }
    }
    return false;
}

/* Takes the action's text. */
static MrStatus add_action(MrNotifier *notifier, MrNotifyAction action, MrError *err)
{
    if (notifier->action_count == notifier->action_room) {
        void *larger =
            mr_grow(notifier->actions, sizeof *notifier->actions, &notifier->action_room);
        if (larger == NULL) {
            mr_notification_release(action.text);
            return mr_error_no_memory(err);
        }
        notifier->actions = larger;
    }
    notifier->actions[notifier->action_count++] = action;
    if (notifier->places != NULL && action.what == MR_NOTIFY_SEND) {
        put_place(notifier, notifier->action_count - 1);
    }
    return MR_OK;
}

static MrStatus ask(MrSession *session, MrNotifyWhat what, const char *channel, MrError *err)
{
    MrNotifier *notifier;
    MrNotifyAction action = { .what = what };
    MR_TRY(notifier_of(session, &notifier, err));
    if (channel != NULL) {
        action.text = mr_notification_create(0, mr_string(channel), MR_STRING(""));
        if (action.text == NULL) {
            return mr_error_no_memory(err);
        }
    }
    return add_action(notifier, action, err);
}

MrStatus mr_notify_listen(MrSession *session, const char *channel, MrError *err)
{
    const MrNotifier *notifier = session->notifier;
    if (notifier != NULL &&
        notifier->channel_count + notifier->action_count >= MR_NOTIFY_CHANNELS_MAX) {
        return mr_error_set(err, MR_ERR_LIMIT_EXCEEDED,
                            "a session may listen to at most %d channels", MR_NOTIFY_CHANNELS_MAX);
    }
    return ask(session, MR_NOTIFY_LISTEN, channel, err);
}

MrStatus mr_notify_unlisten(MrSession *session, const char *channel, MrError *err)
{
    return session->notifier == NULL ? MR_OK : ask(session, MR_NOTIFY_UNLISTEN, channel, err);
}

MrStatus mr_notify_send(MrSession *session, MrString channel, MrString payload, MrError *err)
{
    MrNotifier *notifier;
    MR_TRY(mr_effects_check(channel, payload, err));
    MR_TRY(notifier_of(session, &notifier, err));
    MrNotifyAction action = { .what = MR_NOTIFY_SEND,
                              .hash =
                                  mr_hash_combine(mr_hash_bytes(channel.data, channel.length),
                                                  mr_hash_bytes(payload.data, payload.length)) };
    action.text = mr_notification_create(session->number, channel, payload);
    if (action.text == NULL) {
        return mr_error_no_memory(err);
    }
    if (is_sent_already(notifier, &action)) {
        mr_notification_release(action.text);
        return MR_OK;
    }
    notifier->action_bytes += channel.length + payload.length + sizeof(MrNotification);
    if (notifier->action_bytes > MR_NOTIFY_TOGETHER_BYTES_MAX) {
        mr_notification_release(action.text);
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "too many notifications in one transaction");
    }
    return add_action(notifier, action, err);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

uint32_t mr_notify_mark(const MrSession *session)
{
    return session->notifier == NULL ? 0 : session->notifier->action_count;
}

void mr_notify_roll_back_to(MrSession *session, uint32_t mark)
{
    MrNotifier *notifier = session->notifier;
    if (notifier == NULL || notifier->action_count == mark) {
        return;
    }
    forget_places(notifier);
    while (notifier->action_count > mark) {
        mr_notification_release(notifier->actions[--notifier->action_count].text);
    }
}

static void clear_actions(MrNotifier *notifier)
{
    forget_places(notifier);
    free(notifier->actions);
    notifier->actions = NULL;
    notifier->action_count = notifier->action_room = 0;
    notifier->action_bytes = 0;
}

/* As in PostgreSQL: whoever begins to listen hears what the same transaction sends, whoever ends it
 * does not. */
static void change_channels(MrSession *session)
{
    const MrNotifier *notifier = session->notifier;
    for (uint32_t i = 0; i < notifier->action_count; i++) {
        const MrNotifyAction *action = &notifier->actions[i];
        const char *channel = action->text == NULL ? NULL : action->text->channel;
        if (action->what == MR_NOTIFY_LISTEN) {
            if (mr_notify_start_listening(session, channel) != MR_OK) {
                mr_session_notice(session, "WARNING", "53200",
                                  "out of memory: the session does not listen", channel);
            }
        } else if (action->what == MR_NOTIFY_UNLISTEN) {
            mr_notify_stop_listening(session, channel);
        }
    }
}

void mr_notify_commit(MrSession *session, uint64_t sequence, MrDurability durability)
{
    MrNotifier *notifier = session->notifier;
    uint32_t count = 0;
    if (notifier == NULL || notifier->action_count == 0) {
        return;
    }
    change_channels(session);
    MrNotification **sent = calloc(notifier->action_count, sizeof(MrNotification *));
    for (uint32_t i = 0; i < notifier->action_count; i++) {
        MrNotification *text = notifier->actions[i].text;
        if (notifier->actions[i].what == MR_NOTIFY_SEND && sent != NULL) {
            sent[count++] = text;
        } else {
            mr_notification_release(text);
        }
    }
    clear_actions(notifier);
    mr_notify_publish(session->server, sent, count, sequence, durability);
    free(sent);
}

void mr_notify_abort(MrSession *session)
{
    mr_notify_roll_back_to(session, 0);
    if (session->notifier != NULL) {
        clear_actions(session->notifier);
    }
}

/* ---- Statements ------------------------------------------------------------------------------ */

MrStatus mr_listen_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MR_TRY(mr_notify_listen(session, MR_AST_AS(const MrAstNotify, portal->node)->channel, err));
    mr_portal_set_done(portal, "LISTEN");
    return MR_OK;
}

MrStatus mr_unlisten_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MR_TRY(mr_notify_unlisten(session, MR_AST_AS(const MrAstNotify, portal->node)->channel, err));
    mr_portal_set_done(portal, "UNLISTEN");
    return MR_OK;
}

MrStatus mr_notify_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstNotify *ast = MR_AST_AS(const MrAstNotify, portal->node);
    MR_TRY(mr_notify_send(session, mr_string(ast->channel), mr_string(ast->payload), err));
    mr_portal_set_done(portal, "NOTIFY");
    return MR_OK;
}
