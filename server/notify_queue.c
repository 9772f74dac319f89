/*
 * server/notify_queue.c - who listens, and notifications on their way to them: see notify.h.
 * Must not know transactions.
 */
#include "server/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "server/notify_internal.h"

MrStatus mr_notify_create(MrServer *server, MrError *err)
{
    MrNotifyHub *hub = calloc(1, sizeof *hub);
    if (hub == NULL) {
        return mr_error_no_memory(err);
    }
    hub->last = &hub->first;
    mr_notify_news_init(&hub->news);
    server->notify = hub;
    return MR_OK;
}

static void free_batch(MrNotifyBatch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        mr_notification_release(batch->list[i]);
    }
    free(batch);
}

void mr_notify_destroy(MrServer *server)
{
    MrNotifyHub *hub = server->notify;
    if (hub == NULL) {
        return;
    }
    mr_wait_cancel(hub->wait);
    while (hub->first != NULL) {
        MrNotifyBatch *batch = hub->first;
        hub->first = batch->next;
        free_batch(batch);
    }
    mr_notify_news_fini(&hub->news);
    free(hub);
    server->notify = NULL;
}

/* ---- Listening ------------------------------------------------------------------------------- */

static MrListening **bucket_of(MrNotifyHub *hub, const char *channel)
{
    return &hub->buckets[mr_hash_bytes(channel, strlen(channel)) % MR_NOTIFY_BUCKETS];
}

static bool listens(const MrNotifier *notifier, const char *channel)
{
    for (const MrListening *each = notifier->channels; each != NULL; each = each->next_of_session) {
        if (strcmp(each->channel, channel) == 0) {
            return true;
        }
    }
    return false;
}

MrStatus mr_notify_start_listening(MrSession *session, const char *channel)
{
    MrNotifyHub *hub = session->server->notify;
    MrNotifier *notifier = session->notifier;
    if (listens(notifier, channel)) {
        return MR_OK;
    }
    size_t bytes = strlen(channel) + 1;
    MrListening *made = malloc(sizeof *made + bytes);
    if (made == NULL) {
        return MR_ERR_OUT_OF_MEMORY;
    }
    MrListening **bucket = bucket_of(hub, channel);
    memcpy(made->channel, channel, bytes);
    made->session = session;
    made->next = *bucket;
    *bucket = made;
    MrListening **last = &notifier->channels;
    while (*last != NULL) {
        last = &(*last)->next_of_session;
    }
    made->next_of_session = NULL;
    *last = made;
    notifier->channel_count++;
    hub->listening_count++;
    return MR_OK;
}

void mr_notify_each_channel(const MrSession *session,
                            void (*each)(void *context, const char *channel), void *context)
{
    const MrListening *channel = session->notifier == NULL ? NULL : session->notifier->channels;
    for (; channel != NULL; channel = channel->next_of_session) {
        each(context, channel->channel);
    }
}

static void leave_bucket(MrNotifyHub *hub, const MrListening *listening)
{
    MrListening **link = bucket_of(hub, listening->channel);
    while (*link != listening) {
        link = &(*link)->next;
    }
    *link = listening->next;
    hub->listening_count--;
}

void mr_notify_stop_listening(MrSession *session, const char *channel)
{
    MrNotifier *notifier = session->notifier;
    MrListening **link = &notifier->channels;
    while (*link != NULL) {
        MrListening *each = *link;
        if (channel != NULL && strcmp(each->channel, channel) != 0) {
            link = &each->next_of_session;
            continue;
        }
        *link = each->next_of_session;
        notifier->channel_count--;
        leave_bucket(session->server->notify, each);
        free(each);
    }
}

/* ---- From the commit to the listeners -------------------------------------------------------- */

/* A listener's advance may be its end: each leaves the queue before it is told. */
static void leave_to_tell(MrNotifier *notifier)
{
    if (notifier->link_to_tell != NULL) {
        *notifier->link_to_tell = notifier->next_to_tell;
        if (notifier->next_to_tell != NULL) {
            notifier->next_to_tell->notifier->link_to_tell = notifier->link_to_tell;
        }
        notifier->link_to_tell = NULL;
        notifier->next_to_tell = NULL;
    }
}

static void tell_all(void *context)
{
    MrServer *server = context;
    MrNotifyHub *hub = server->notify;
    if (hub == NULL) {
        return;
    }
    hub->is_posted = false;
    while (hub->to_tell != NULL) {
        MrSession *session = hub->to_tell;
        leave_to_tell(session->notifier);
        mr_session_advance(session);
    }
}

static void tell_soon(MrNotifyHub *hub, MrSession *session)
{
    MrNotifier *notifier = session->notifier;
    if (notifier->link_to_tell == NULL) {
        notifier->next_to_tell = hub->to_tell;
        notifier->link_to_tell = &hub->to_tell;
        if (hub->to_tell != NULL) {
            hub->to_tell->notifier->link_to_tell = &notifier->next_to_tell;
        }
        hub->to_tell = session;
    }
    if (!hub->is_posted) {
        hub->is_posted = true;
        mr_server_post(session->server, tell_all, session->server);
    }
}

static bool grow_pending(MrNotifier *notifier)
{
    uint32_t room = notifier->pending_room == 0 ? 8 : notifier->pending_room * 2;
    if (room > MR_NOTIFY_PENDING_MAX) {
        return false;
    }
    MrNotification **ring = malloc(room * sizeof(MrNotification *));
    if (ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < notifier->pending_count; i++) {
        ring[i] = notifier->pending[(notifier->pending_start + i) % notifier->pending_room];
    }
    free(notifier->pending);
    notifier->pending = ring;
    notifier->pending_room = room;
    notifier->pending_start = 0;
    return true;
}

static MrNotification *take_pending(MrNotifier *notifier)
{
    MrNotification *first = notifier->pending[notifier->pending_start];
    notifier->pending_start = (notifier->pending_start + 1) % notifier->pending_room;
    notifier->pending_count--;
    return first;
}

/* A listener that does not take what there is loses the oldest, and is told how many. */
static void add_pending(MrNotifier *notifier, MrNotification *notification)
{
    if (notifier->pending_count == notifier->pending_room && !grow_pending(notifier)) {
        notifier->dropped++;
        if (notifier->pending_count == 0) {
            return; /* no memory at all */
        }
        mr_notification_release(take_pending(notifier));
    }
    notification->holders++;
    notifier
        ->pending[(notifier->pending_start + notifier->pending_count) % notifier->pending_room] =
        notification;
    notifier->pending_count++;
}

void mr_notify_hand_out(MrNotifyHub *hub, MrNotification *notification)
{
    MrListening *each = *bucket_of(hub, notification->channel);
    for (; each != NULL; each = each->next) {
        if (strcmp(each->channel, notification->channel) == 0) {
            add_pending(each->session->notifier, notification);
            tell_soon(hub, each->session);
        }
    }
}

void mr_notify_say_dropped(MrNotifyHub *hub, const char *channel, uint64_t count)
{
    MrListening *each = *bucket_of(hub, channel);
    for (; each != NULL; each = each->next) {
        if (strcmp(each->channel, channel) == 0) {
            each->session->notifier->dropped += count;
            tell_soon(hub, each->session);
        }
    }
}

static void hand_out_durable(MrServer *server);

/* The log never fails this wait: it ends the server. */
static void first_is_durable(void *context, MrStatus status, const MrError *err)
{
    MrServer *server = context;
    (void)status;
    (void)err;
    server->notify->wait = NULL;
    hand_out_durable(server);
}

static void hand_out_durable(MrServer *server)
{
    MrNotifyHub *hub = server->notify;
    while (hub->first != NULL && hub->wait == NULL) {
        MrNotifyBatch *batch = hub->first;
        if (!mr_wait_is_durable(server, batch->sequence, batch->durability)) {
            hub->wait = mr_wait_durable(server, batch->sequence, batch->durability,
                                        first_is_durable, server);
            return;
        }
        hub->first = batch->next;
        if (hub->first == NULL) {
            hub->last = &hub->first;
        }
        for (uint32_t i = 0; i < batch->count; i++) {
            mr_notify_hand_out(hub, batch->list[i]);
        }
        free_batch(batch);
    }
}

void mr_notify_publish(MrServer *server, MrNotification *const *list, uint32_t count,
                       uint64_t sequence, MrDurability durability)
{
    MrNotifyHub *hub = server->notify;
    if (count == 0) {
        return;
    }
    MrNotifyBatch *batch =
        hub->listening_count == 0 ? NULL : malloc(sizeof *batch + count * sizeof *list);
    if (batch == NULL) { /* nobody is there to hear of it, or no memory to keep it in */
        for (uint32_t i = 0; i < count; i++) {
            mr_notification_release(list[i]);
        }
        return;
    }
    batch->next = NULL;
    batch->sequence = sequence;
    batch->durability = sequence == 0 ? MR_DURABILITY_NONE : durability;
    batch->count = count;
    memcpy(batch->list, list, count * sizeof *list);
    *hub->last = batch;
    hub->last = &batch->next;
    hand_out_durable(server);
}

/* ---- To the client --------------------------------------------------------------------------- */

static void say_dropped(MrSession *session)
{
    MrNotifier *notifier = session->notifier;
    char message[120];
    if (notifier->dropped > 0) {
        snprintf(message, sizeof message,
                 "%" PRIu64 " notifications were dropped, since they were not taken in time",
                 notifier->dropped);
        notifier->dropped = 0;
        mr_session_notice(session, "WARNING", "01000", message,
                          "Read what they are about from its stream or table.");
    }
}

bool mr_notify_deliver(MrSession *session)
{
    MrNotifier *notifier = session->notifier;
    MrBuilder *out = &session->socket.output;
    if (notifier == NULL || (notifier->pending_count == 0 && notifier->dropped == 0)) {
        return false;
    }
    say_dropped(session);
    while (notifier->pending_count > 0 &&
           mr_socket_unsent(&session->socket) < MR_SESSION_OUTPUT_HIGH) {
        MrNotification *notification = take_pending(notifier);
        size_t start = mr_wire_begin(out, 'A');
        mr_builder_append_u32(out, (uint32_t)notification->pid);
        mr_wire_append_text(out, notification->channel);
        mr_wire_append_text(out, notification->payload);
        mr_wire_end(out, start);
        mr_notification_release(notification);
    }
    return true;
}

void mr_notify_forget(MrSession *session)
{
    MrNotifier *notifier = session->notifier;
    if (notifier == NULL) {
        return;
    }
    mr_notify_abort(session);
    mr_notify_stop_listening(session, NULL);
    leave_to_tell(notifier);
    while (notifier->pending_count > 0) {
        mr_notification_release(take_pending(notifier));
    }
    free(notifier->pending);
    free(notifier);
    session->notifier = NULL;
}
