/*
 * server/notify_internal.h - what notify.c (transactions) and notify_queue.c (listeners) share.
 */
#ifndef MR_SERVER_NOTIFY_INTERNAL_H
#define MR_SERVER_NOTIFY_INTERNAL_H

#include <pthread.h>

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

/* Notifications of one commit. */
typedef struct MrNotifyBatch {
    struct MrNotifyBatch *next;
    uint64_t sequence;
    MrDurability durability;
    uint32_t count;
    MrNotification *list[];
} MrNotifyBatch;

/* What one commit of an alert tells: texts, each with its NUL. */
typedef struct MrNews {
    struct MrNews *next;
    char *texts;
    size_t at, bytes; /* those before `at` have been handed out */
    uint64_t dropped; /* older ones, which went */
    char channel[];
} MrNews;

/* From the threads of targets to the event loop's; bounded. */
typedef struct MrNewsQueue {
    pthread_mutex_t mutex;
    MrNews *first, **last;
    size_t bytes; /* of texts */
    bool is_posted;
} MrNewsQueue;

enum { MR_NOTIFY_BUCKETS = 256 };

struct MrNotifyHub {
    MrListening *buckets[MR_NOTIFY_BUCKETS];
    uint32_t listening_count;
    MrNotifyBatch *first, **last; /* in the order of their commits */
    MrWait *wait;                 /* for the first to be durable */
    MrSession *to_tell;           /* sessions with news that were not told of yet */
    bool is_posted;
    MrNewsQueue news;
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

/* To all who listen to its channel. */
void mr_notify_hand_out(MrNotifyHub *hub, MrNotification *notification);
/* They are told that as many were dropped. */
void mr_notify_say_dropped(MrNotifyHub *hub, const char *channel, uint64_t count);

/* ---- News of alerts (notify_news.c) ---------------------------------------------------------- */

void mr_notify_news_init(MrNewsQueue *queue);
void mr_notify_news_fini(MrNewsQueue *queue);

#endif
