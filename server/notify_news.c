/*
 * server/notify_news.c - what alerts tell, from the threads of targets to the event loop's: see
 * notify.h.  The queue is bounded, and so is what is handed out at a time, so that listeners can
 * take some of it before the next comes.
 */
#include <pthread.h>
#include <stdlib.h>

#include "common/logging.h"
#include "server/notify_internal.h"

enum {
    QUEUE_BYTES_MAX = 64 * 1024 * 1024, /* beyond it the oldest texts go */
    TEXTS_AT_ONCE = 1024,
};

void mr_notify_news_init(MrNewsQueue *queue)
{
    pthread_mutex_init(&queue->mutex, NULL);
    queue->last = &queue->first;
}

static void news_free(MrNews *news)
{
    free(news->texts);
    free(news);
}

void mr_notify_news_fini(MrNewsQueue *queue)
{
    while (queue->first != NULL) {
        MrNews *news = queue->first;
        queue->first = news->next;
        news_free(news);
    }
    pthread_mutex_destroy(&queue->mutex);
}

static MrNews *news_create(const MrSinkNews *from)
{
    size_t name_bytes = strlen(from->channel) + 1;
    MrNews *news = calloc(1, sizeof *news + name_bytes);
    if (news == NULL) {
        return NULL;
    }
    news->texts = malloc(from->bytes);
    if (news->texts == NULL) {
        free(news);
        return NULL;
    }
    memcpy(news->texts, from->texts, from->bytes);
    memcpy(news->channel, from->channel, name_bytes);
    news->bytes = from->bytes;
    news->dropped = from->dropped;
    return news;
}

/* Only how many there were is left of them. */
static void news_drop(MrNewsQueue *queue, MrNews *news)
{
    for (size_t at = news->at; at < news->bytes; at += strlen(news->texts + at) + 1) {
        news->dropped++;
    }
    queue->bytes -= news->bytes;
    free(news->texts);
    news->texts = NULL;
    news->at = news->bytes = 0;
}

static bool has_more(const MrNews *news)
{
    return news->at < news->bytes;
}

/* Up to so many texts of the first news; true: it is told whole, and gone. */
static bool hand_out_first(MrServer *server, MrNews *news, uint32_t *left)
{
    MrNotifyHub *hub = server->notify;
    const MrString channel = mr_string(news->channel);
    if (news->dropped > 0) {
        mr_notify_say_dropped(hub, news->channel, news->dropped);
        news->dropped = 0;
    }
    for (; has_more(news) && *left > 0; (*left)--) {
        MrString text = mr_string(news->texts + news->at);
        MrNotification *made = mr_notification_create(0, channel, text);
        news->at += text.length + 1;
        if (made == NULL) {
            mr_notify_say_dropped(hub, news->channel, 1);
            continue;
        }
        mr_notify_hand_out(hub, made);
        mr_notification_release(made);
    }
    return !has_more(news);
}

/* Listeners are told between two rounds: what they take in time is not dropped. */
static void hand_out_news(void *context)
{
    MrServer *server = context;
    if (server->notify == NULL) {
        return;
    }
    MrNewsQueue *queue = &server->notify->news;
    uint32_t left = server->notify->listening_count == 0 ? UINT32_MAX : TEXTS_AT_ONCE;
    pthread_mutex_lock(&queue->mutex);
    while (queue->first != NULL && left > 0) {
        MrNews *news = queue->first;
        if (!hand_out_first(server, news, &left)) {
            break;
        }
        queue->bytes -= news->bytes;
        queue->first = news->next;
        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
        news_free(news);
    }
    queue->is_posted = queue->first != NULL;
    bool again = queue->is_posted;
    pthread_mutex_unlock(&queue->mutex);
    if (again) {
        mr_server_post(server, hand_out_news, server);
    }
}

void mr_notify_tell(void *context, const MrSinkNews *from)
{
    MrServer *server = context;
    MrNewsQueue *queue = &server->notify->news;
    MrNews *news = news_create(from);
    if (news == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_log_error(MR_LOG_WARNING, "alert.dropped", &err);
        return;
    }
    pthread_mutex_lock(&queue->mutex);
    *queue->last = news;
    queue->last = &news->next;
    queue->bytes += news->bytes;
    for (MrNews *old = queue->first; old != news && queue->bytes > QUEUE_BYTES_MAX;
         old = old->next) {
        news_drop(queue, old);
    }
    bool is_first = !queue->is_posted;
    queue->is_posted = true;
    pthread_mutex_unlock(&queue->mutex);
    if (is_first) {
        mr_server_post(server, hand_out_news, server);
    }
}
