/*
 * server/feed.c - the thread of one stream that reads by itself: see feed.h.
 */
#include "server/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "common/logging.h"
#include "common/settings.h"
#include "server/log_thread.h"
#include "server/scheduler.h"
#include "server/waits.h"
#include "server/workers.h"

/* What one feed may have appended that is not on disk: two such halves. */
enum { UNSYNCED_BYTES_HALF = 32 << 20 };
enum { PACE_US = 10 * 1000, SYNC_US = 2 * 1000 };
enum { QUERY_US = 1000, QUERY_PATIENCE = 5 }; /* looks that find all at rest */

/* ---- Waiting --------------------------------------------------------------------------------- */

bool mr_feed_is_stopping(MrFeed *feed)
{
    pthread_mutex_lock(&feed->mutex);
    bool stopping = feed->is_stopping;
    pthread_mutex_unlock(&feed->mutex);
    return stopping;
}

void mr_feed_pause(MrFeed *feed, int64_t us)
{
    struct timespec until;
    mr_clock_deadline(us, &until);
    pthread_mutex_lock(&feed->mutex);
    int ended = 0;
    while (!feed->is_stopping && feed->marks_wanted == feed->marks_taken && ended != ETIMEDOUT) {
        ended = pthread_cond_timedwait(&feed->changed, &feed->mutex, &until);
    }
    pthread_mutex_unlock(&feed->mutex);
}

/* Backpressure: the log thread makes older rows durable while newer ones are read. */
static void wait_for_disk(MrFeed *feed, uint64_t sequence, uint64_t bytes)
{
    feed->newer.sequence = sequence;
    feed->newer.bytes += bytes;
    if (feed->newer.bytes < UNSYNCED_BYTES_HALF) {
        return;
    }
    while (mr_log_synced(feed->server->log) < feed->older.sequence && !mr_feed_is_stopping(feed)) {
        struct timespec pause = { .tv_nsec = SYNC_US * 1000 };
        nanosleep(&pause, NULL);
    }
    feed->older = feed->newer;
    feed->newer.bytes = 0;
}

/* Blocks that leave the log's cache before all queries have read them must be read and converted
 * again: the input waits instead, as long as queries are at work. */
static void wait_for_queries(MrFeed *feed, uint64_t sequence, uint64_t bytes)
{
    MrServer *server = feed->server;
    uint64_t cache = (uint64_t)mr_settings_int(server->settings, MR_SET_LOG_CACHE);
    feed->before.sequence = sequence;
    feed->before.bytes += bytes;
    if (feed->before.bytes < cache / 4) {
        return;
    }
    for (int idle = 0; idle < QUERY_PATIENCE && !mr_feed_is_stopping(feed); idle++) {
        bool is_busy;
        if (mr_scheduler_reads_from(server, &is_busy) > feed->behind.sequence) {
            break;
        }
        idle = is_busy ? 0 : idle;
        struct timespec pause = { .tv_nsec = QUERY_US * 1000 };
        nanosleep(&pause, NULL);
    }
    feed->behind = feed->before;
    feed->before.bytes = 0;
}

/* ---- Marks ----------------------------------------------------------------------------------- */

/* A FLUSH wants to know where the input ends now. */
MrStatus mr_feed_take_mark(MrFeed *feed, MrError *err)
{
    MrSourceOffset end = { .text = "" };
    pthread_mutex_lock(&feed->mutex);
    uint64_t wanted = feed->marks_wanted;
    bool is_due = wanted != feed->marks_taken;
    pthread_mutex_unlock(&feed->mutex);
    if (!is_due) {
        return MR_OK;
    }
    MR_TRY(feed->source_class->end_now(feed->source, &end, err));
    pthread_mutex_lock(&feed->mutex);
    feed->mark_end = end;
    feed->marks_taken = wanted;
    pthread_mutex_unlock(&feed->mutex);
    mr_waits_notify(feed->server);
    return MR_OK;
}

void mr_feed_note_offset(MrFeed *feed, const MrSourceOffset *offset)
{
    pthread_mutex_lock(&feed->mutex);
    feed->offset = *offset;
    bool is_asked = feed->marks_wanted > 0;
    pthread_mutex_unlock(&feed->mutex);
    if (is_asked) {
        mr_waits_notify(feed->server);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

MrStatus mr_feed_commit(MrFeed *feed, uint64_t bytes, MrError *err)
{
    uint64_t sequence;
    MrDurability durability;
    MR_TRY(mr_ingest_commit(feed->ingest, &sequence, &durability, err));
    if (sequence > 0) {
        wait_for_disk(feed, sequence, bytes);
        wait_for_queries(feed, sequence, bytes);
    }
    return MR_OK;
}

/* Each block is a transaction, so that rows are visible as they come. */
static MrStatus put_block(MrFeed *feed, const MrBlock *block, const MrSourceOffset *after,
                          MrError *err)
{
    MR_TRY(mr_ingest_block_from(feed->ingest, block, mr_string(after->text), err));
    return mr_feed_commit(feed, mr_block_encoded_bytes(block), err);
}

/* at_end = 'close': no more rows will come, so every window may close. */
static MrStatus close_windows(MrFeed *feed, MrError *err)
{
    const MrStream *stream = feed->relation->stream;
    uint64_t sequence = 0;
    const char *at_end = mr_option_text(stream->options, stream->option_count, "at_end", "wait");
    if (!mr_string_equal_nocase(mr_string(at_end), mr_string("close"))) {
        return MR_OK;
    }
    MR_TRY(mr_log_append_watermark(feed->server->log, MR_RECORD_ADVANCE, stream->id, MR_TIME_MAX,
                                   &sequence, err));
    mr_log_thread_wake(feed->server);
    return MR_OK;
}

static MrStatus read_blocks(MrFeed *feed, MrError *err)
{
    MrSourceState state = MR_SOURCE_MORE;
    while (state != MR_SOURCE_END && !mr_feed_is_stopping(feed)) {
        MrBlock *block = NULL;
        MrSourceOffset after = { .text = "" };
        MR_TRY(mr_feed_take_mark(feed, err));
        MR_TRY(
            feed->source_class->next(feed->source, MR_BLOCK_ROWS_MAX, &block, &after, &state, err));
        if (block != NULL && block->row_count > 0) {
            MR_TRY(put_block(feed, block, &after, err));
        }
        mr_feed_note_offset(feed, &after);
        if (state == MR_SOURCE_WAIT) {
            mr_feed_pause(feed, PACE_US);
        }
    }
    return MR_OK;
}

static MrStatus read_input(MrFeed *feed, MrError *err)
{
    MR_TRY(feed->source_class->cut != NULL ? mr_feed_read_pieces(feed, err)
                                           : read_blocks(feed, err));
    return mr_feed_is_stopping(feed) ? MR_OK : close_windows(feed, err);
}

static void *feed_main(void *context)
{
    MrFeed *feed = context;
    MrError err = MR_ERROR_INIT;
    MrStatus status = mr_feed_open(feed, &err);
    if (status == MR_OK) {
        status = read_input(feed, &err);
    }
    const char *name = feed->relation->name;
    if (status != MR_OK) {
        mr_log_line(MR_LOG_ERROR, "stream.failed", "stream \"%s\" stopped reading: %s %s%s%s", name,
                    err.sqlstate, err.message, err.detail[0] != '\0' ? "; " : "", err.detail);
    } else if (!mr_feed_is_stopping(feed)) {
        mr_log_line(MR_LOG_INFO, "stream.ended", "stream \"%s\" has read its input to the end",
                    name);
    }
    pthread_mutex_lock(&feed->mutex);
    feed->state = status == MR_OK ? MR_FEED_ENDED : MR_FEED_FAILED;
    feed->error = err;
    pthread_mutex_unlock(&feed->mutex);
    mr_waits_notify(feed->server);
    return NULL;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void changed_init(pthread_cond_t *changed)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

MrStatus mr_feed_create(MrServer *server, const MrRelation *relation, MrFeed **out, MrError *err)
{
    *out = NULL;
    MrFeed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) {
        return mr_error_no_memory(err);
    }
    feed->server = server;
    feed->catalog = mr_catalog_ref(server->catalog);
    feed->relation = relation;
    feed->error = (MrError)MR_ERROR_INIT;
    mr_arena_init(&feed->arena, 0);
    pthread_mutex_init(&feed->mutex, NULL);
    changed_init(&feed->changed);
    MrStatus status = mr_thread_start(&feed->thread, "feed", feed_main, feed, err);
    if (status != MR_OK) {
        mr_feed_destroy(feed);
        return status;
    }
    feed->is_started = true;
    *out = feed;
    return MR_OK;
}

void mr_feed_ask_stop(MrFeed *feed)
{
    pthread_mutex_lock(&feed->mutex);
    feed->is_stopping = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
}

void mr_feed_destroy(MrFeed *feed)
{
    if (feed == NULL) {
        return;
    }
    if (feed->is_started) {
        mr_feed_ask_stop(feed);
        pthread_join(feed->thread, NULL);
    }
    if (feed->source != NULL) {
        feed->source_class->close(feed->source);
    }
    mr_ingest_destroy(feed->ingest);
    mr_arena_fini(&feed->arena);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->mutex);
    mr_catalog_unref(feed->catalog);
    free(feed);
}
