/*
 * server/feed.h - one stream that reads by itself: its source, its ingest, its thread.  Private to
 * feeds.
 */
#ifndef MR_SERVER_FEED_H
#define MR_SERVER_FEED_H

#include <pthread.h>

#include "server/ingest.h"
#include "storage/source.h"

typedef enum MrFeedState { MR_FEED_RUNNING, MR_FEED_ENDED, MR_FEED_FAILED } MrFeedState;

/* Bytes that were appended up to a sequence, and are not known to be on disk. */
typedef struct MrUnsynced {
    uint64_t sequence, bytes;
} MrUnsynced;

typedef struct MrFeed MrFeed;
struct MrFeed {
    MrServer *server;
    MrCatalog *catalog; /* a reference: it has the relation */
    const MrRelation *relation;
    pthread_t thread;
    bool is_started;
    /* The thread's own. */
    const MrSourceClass *source_class;
    MrSource *source;
    MrIngest *ingest;
    MrArena arena;
    MrUnsynced older, newer;
    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_stopping;
    MrFeedState state;
    MrError error;         /* of FAILED */
    MrSourceOffset offset; /* what is logged */
    uint64_t marks_wanted, marks_taken;
    MrSourceOffset mark_end; /* the input's end when marks_taken was raised; empty: it has none */
    MrFeed *next;            /* of the server's feeds */
};

/* Starts the thread; what goes wrong later shows in `state`. */
MrStatus mr_feed_create(MrServer *server, const MrRelation *relation, MrFeed **out, MrError *err);
void mr_feed_ask_stop(MrFeed *feed);
void mr_feed_destroy(MrFeed *feed); /* waits for the thread; accepts NULL */
/* True when the input stops at its end, so that only that end is worth waiting for. */
bool mr_feed_has_end(const MrFeed *feed);
/* Opens source and ingest; the feed's thread calls it. */
MrStatus mr_feed_open(MrFeed *feed, MrError *err);

#endif
