/*
 * server/feeds.c - all streams that read by themselves, and how FLUSH waits for them.  On the event
 * loop's thread.
 */
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "server/feed.h"
#include "server/tcp.h"

/* Those that are pulled have a thread each, those of connections are the loop's. */
struct MrFeeds {
    MrFeed *first;
    MrTcp **tcp;
    uint32_t tcp_count, tcp_capacity;
};

typedef struct MarkItem {
    uint32_t stream_id;
    uint64_t number; /* of the feed's marks; 0: until the feed has ended */
    bool has_end, is_reached;
    MrSourceOffset end;
} MarkItem;

struct MrFeedMark {
    uint32_t count;
    MarkItem items[];
};

static MrFeed *feed_find(MrServer *server, uint32_t stream_id)
{
    MrFeed *feed = server->feeds != NULL ? server->feeds->first : NULL;
    while (feed != NULL && feed->relation->stream->id != stream_id) {
        feed = feed->next;
    }
    return feed;
}

/* Its place in the list, or the number of all. */
static uint32_t tcp_find(const MrServer *server, uint32_t stream_id)
{
    uint32_t i = 0;
    while (i < server->feeds->tcp_count && mr_tcp_stream_id(server->feeds->tcp[i]) != stream_id) {
        i++;
    }
    return i;
}

MrStatus mr_feeds_create(MrServer *server, MrError *err)
{
    server->feeds = calloc(1, sizeof *server->feeds);
    return server->feeds == NULL ? mr_error_no_memory(err) : MR_OK;
}

void mr_feeds_destroy(MrServer *server)
{
    if (server->feeds == NULL) {
        return;
    }
    for (MrFeed *feed = server->feeds->first; feed != NULL; feed = feed->next) {
        mr_feed_ask_stop(feed); /* all at once, so that they end side by side */
    }
    while (server->feeds->first != NULL) {
        MrFeed *feed = server->feeds->first;
        server->feeds->first = feed->next;
        mr_feed_destroy(feed);
    }
    while (server->feeds->tcp_count > 0) {
        mr_tcp_destroy(server->feeds->tcp[--server->feeds->tcp_count]);
    }
    free(server->feeds->tcp);
    free(server->feeds);
    server->feeds = NULL;
}

MrStatus mr_feeds_start(MrServer *server, const MrRelation *relation, MrError *err)
{
    MrFeed *feed;
    MrFeeds *feeds = server->feeds;
    if (strcmp(relation->stream->connector, "tcp") == 0) {
        MR_GROW(feeds->tcp, feeds->tcp_count, feeds->tcp_capacity, err);
        MR_TRY(mr_tcp_create(server, relation, &feeds->tcp[feeds->tcp_count], err));
        feeds->tcp_count++;
        return MR_OK;
    }
    if (feed_find(server, relation->stream->id) != NULL) {
        return mr_error_set(err, MR_ERR_INTERNAL, "stream \"%s\" reads already", relation->name);
    }
    MR_TRY(mr_feed_create(server, relation, &feed, err));
    feed->next = server->feeds->first;
    server->feeds->first = feed;
    return MR_OK;
}

void mr_feeds_stop(MrServer *server, uint32_t stream_id)
{
    MrFeed *feed = feed_find(server, stream_id);
    uint32_t tcp = tcp_find(server, stream_id);
    if (tcp < server->feeds->tcp_count) {
        mr_tcp_destroy(server->feeds->tcp[tcp]);
        server->feeds->tcp[tcp] = server->feeds->tcp[--server->feeds->tcp_count];
    }
    if (feed != NULL) {
        MrFeed **link = &server->feeds->first;
        while (*link != feed) {
            link = &(*link)->next;
        }
        *link = feed->next;
        mr_feed_destroy(feed);
    }
}

bool mr_feed_status(MrServer *server, uint32_t stream_id, const char **state, MrError *err)
{
    static const char *const names[] = { "running", "ended", "failed" };
    MrFeed *feed = feed_find(server, stream_id);
    MrError ignored;
    uint32_t tcp = server->feeds == NULL ? 0 : tcp_find(server, stream_id);
    if (server->feeds != NULL && tcp < server->feeds->tcp_count) {
        *state = mr_tcp_status(server->feeds->tcp[tcp], err != NULL ? err : &ignored);
        return true;
    }
    if (feed == NULL) {
        return false;
    }
    pthread_mutex_lock(&feed->mutex);
    *state = names[feed->state];
    if (err != NULL) {
        *err = feed->error;
    }
    pthread_mutex_unlock(&feed->mutex);
    return true;
}

/* ---- FLUSH ----------------------------------------------------------------------------------- */

static void item_make(MrFeed *feed, MarkItem *item)
{
    item->stream_id = feed->relation->stream->id;
    if (mr_feed_has_end(feed)) {
        return; /* its end closes windows, so the end itself is waited for */
    }
    pthread_mutex_lock(&feed->mutex);
    item->number = ++feed->marks_wanted;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
}

MrFeedMark *mr_feeds_mark(MrServer *server)
{
    uint32_t count = 0;
    for (uint32_t i = server->feeds != NULL ? server->feeds->tcp_count : 0; i > 0; i--) {
        mr_tcp_drain(server->feeds->tcp[i - 1]);
    }
    for (MrFeed *feed = server->feeds != NULL ? server->feeds->first : NULL; feed != NULL;
         feed = feed->next) {
        count++;
    }
    if (count == 0) {
        return NULL;
    }
    MrFeedMark *mark = calloc(1, sizeof *mark + count * sizeof mark->items[0]);
    if (mark == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err); /* a FLUSH that does not wait would be a lie */
    }
    for (MrFeed *feed = server->feeds->first; feed != NULL; feed = feed->next) {
        item_make(feed, &mark->items[mark->count++]);
    }
    return mark;
}

/* The feed's mutex is held. */
static bool item_is_reached(const MrFeed *feed, MarkItem *item)
{
    if (feed->state == MR_FEED_ENDED) {
        return true; /* no more will come */
    }
    if (item->number == 0) {
        return false;
    }
    if (!item->has_end && feed->marks_taken >= item->number) {
        item->has_end = true;
        item->end = feed->mark_end;
    }
    return item->has_end && (item->end.text[0] == '\0' ||
                             feed->source_class->compare(&feed->offset, &item->end) >= 0);
}

/* The same; rows that will never be read are not there. */
static MrStatus feed_failed(const MrFeed *feed, MrError *err)
{
    const MrError *reason = &feed->error;
    mr_error_set(err, MR_ERR_NOT_IN_STATE,
                 "stream \"%s\" cannot be flushed: it has stopped reading", feed->relation->name);
    mr_error_detail(err, "%s: %s", reason->sqlstate, reason->message);
    return mr_error_hint(err, "Mend its input and create the stream again, or drop it.");
}

MrStatus mr_feeds_reach(MrServer *server, MrFeedMark *mark, bool *is_reached, MrError *err)
{
    *is_reached = true;
    for (uint32_t i = 0; mark != NULL && i < mark->count; i++) {
        MarkItem *item = &mark->items[i];
        if (item->is_reached) {
            continue;
        }
        MrFeed *feed = feed_find(server, item->stream_id);
        if (feed == NULL) {
            item->is_reached = true;
            continue;
        }
        pthread_mutex_lock(&feed->mutex);
        MrStatus status = MR_OK;
        if (feed->state == MR_FEED_FAILED) {
            status = feed_failed(feed, err);
        } else {
            item->is_reached = item_is_reached(feed, item);
        }
        pthread_mutex_unlock(&feed->mutex);
        MR_TRY(status);
        *is_reached = *is_reached && item->is_reached;
    }
    return MR_OK;
}

void mr_feeds_mark_free(MrFeedMark *mark)
{
    free(mark);
}
