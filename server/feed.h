/*
 * server/feed.h - one stream that reads by itself: its source, its ingest, its thread.  Private to
 * feeds.
 */
#ifndef MR_SERVER_FEED_H
#define MR_SERVER_FEED_H

#include <pthread.h>

#include "server/ingest.h"
#include "server/ranges.h"
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
    MrRangeUse range_use;
    MrUnsynced older, newer;   /* for the disk */
    MrUnsynced behind, before; /* for queries: the same halves of what they may not have read */
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
/* What reads a stream's input, now or again. */
typedef struct MrFeedInput {
    MrServer *server;
    MrCatalog *catalog;
    const MrRelation *relation; /* keeps; its stream's options decide */
    MrArena *arena;             /* of what lives as long as the ingest */
    bool takes_bytes;           /* the ingest decodes them; else a source does */
    bool is_replay;             /* rows come a second time: rejected ones were counted */
} MrFeedInput;
/* Makes the ingest, and says how a source of it is opened; the caller destroys *ingest also when
 * this fails. */
MrStatus mr_feed_input_open(const MrFeedInput *input, MrIngest **ingest,
                            const MrSourceClass **source, MrSourceOptions *options, MrError *err);
/* Of a stream from a file: it is there, a regular file, and none that the server itself writes
 * (logs, secrets of the catalogue, targets): 58P01, 42809, 42501. */
MrStatus mr_feed_path_check(const MrServer *server, const MrStream *stream, MrError *err);
/* Only the ingest; the caller destroys it also when this fails. */
MrStatus mr_feed_ingest_open(const MrFeedInput *input, MrIngest **out, MrError *err);
/* Opens source and ingest; the feed's thread calls it. */
MrStatus mr_feed_open(MrFeed *feed, MrError *err);

/* ---- for feed_pieces.c, on the feed's thread ---- */
bool mr_feed_is_stopping(MrFeed *feed);
/* Waits for the time, a FLUSH or the end. */
void mr_feed_pause(MrFeed *feed, int64_t us);
MrStatus mr_feed_take_mark(MrFeed *feed, MrError *err);
void mr_feed_note_offset(MrFeed *feed, const MrSourceOffset *offset);
/* Commits what was appended, and waits while too much is not on disk. */
MrStatus mr_feed_commit(MrFeed *feed, uint64_t bytes, MrError *err);
/* Reads an input that is cut into pieces to its end. */
MrStatus mr_feed_read_pieces(MrFeed *feed, MrError *err);

#endif
