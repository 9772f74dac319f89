/*
 * server/notify_internal.h - what notify.c (transactions) and notify_queue.c (listeners) share.
 */
#ifndef MR_SERVER_NOTIFY_INTERNAL_H
#define MR_SERVER_NOTIFY_INTERNAL_H

#include "server/notify.h"
#include "server/session.h"

/* One notification, shared by all who are to hear of it. */
typedef struct MrNotification {
    uint32_t holders;
    int32_t pid; /* of the session that sent it */
    const char *payload;
    char channel[]; /* its NUL, then the payload */
} MrNotification;

/* A session listens to a channel. */
typedef struct MrListening {
    struct MrListening *next; /* of the bucket */
    struct MrListening *next_of_session;
    MrSession *session;
    char channel[];
} MrListening;

typedef enum MrNotifyWhat { MR_NOTIFY_SEND, MR_NOTIFY_LISTEN, MR_NOTIFY_UNLISTEN } MrNotifyWhat;

typedef struct MrNotifyAction {
    MrNotifyWhat what;
    MrNotification *text; /* of LISTEN and UNLISTEN the channel alone; NULL: UNLISTEN * */
    uint64_t hash;        /* of SEND */
} MrNotifyAction;

/* A session's part; made when it first needs one. */
struct MrNotifier {
    MrListening *channels;
    uint32_t channel_count;
    MrNotifyAction *actions; /* of the transaction, in their order */
    uint32_t action_count, action_room;
    size_t action_bytes;
    uint32_t *places; /* hash table over the SENDs: index + 1 of the action; NULL: few, or stale */
    uint32_t place_count;
    /* To be told, oldest first, in a ring. */
    MrNotification **pending;
    uint32_t pending_start, pending_count, pending_room;
    uint64_t dropped;
    MrSession *next_to_tell, **link_to_tell; /* in the queue of those with news; link NULL: not */
};

/* Copies both texts; counted, held once by the caller.  NULL: no memory. */
MrNotification *mr_notification_create(int32_t pid, MrString channel, MrString payload);
void mr_notification_release(MrNotification *notification);

/* ---- The queue (notify_queue.c) -------------------------------------------------------------- */

MrStatus mr_notify_start_listening(MrSession *session, const char *channel);
void mr_notify_stop_listening(MrSession *session, const char *channel); /* NULL: all */
/* Takes the notifications (the array is borrowed): they go out after all that were given before. */
void mr_notify_publish(MrServer *server, MrNotification *const *list, uint32_t count,
                       uint64_t sequence, MrDurability durability);

#endif
