/*
 * server/ingest.h - bytes or blocks of given columns to logged blocks of a stream: defaults,
 * generated columns, NOT NULL, NULL times, then append.  One way for COPY, INSERT, HTTP and
 * sources.
 */
#ifndef MR_SERVER_INGEST_H
#define MR_SERVER_INGEST_H

#include "server/server.h"
#include "storage/codec.h"

typedef struct MrIngest MrIngest;

/* What of the input stands for a column that nobody gives, and so takes its DEFAULT. */
typedef enum MrAbsent {
    MR_ABSENT_NEVER,  /* COPY, INSERT: a given NULL is NULL */
    MR_ABSENT_COLUMN, /* a column that the CSV header leaves out (constant NULL in the block) */
    MR_ABSENT_NULL,   /* any NULL: in JSON an absent member is not told from a null */
} MrAbsent;

typedef struct MrIngestOptions {
    MrServer *server;
    MrCatalog *catalog;         /* a reference is taken */
    const MrRelation *relation; /* a stream of it */
    const uint32_t *given;      /* columns of the stream that the input has, in its order */
    uint32_t given_count;
    const MrTimezone *zone;
    /* Bytes in: */
    /* NULL: only blocks come, which may bring generated columns, computed. */
    const MrCodecClass *codec;
    /* Columns, schema, relation and zone are filled in here; the rest as given.  Columns that are
     * there already (as many as given) lend their flags. */
    MrCodecOptions codec_options;
    MrAbsent absent;
    const MrExpr
        *where; /* rows it is not true of are skipped; borrowed until the end; may be NULL */
    bool fail_on_bad_row; /* else counted and kept in millrace.rejected_rows */
    bool is_replay;       /* rows of a range again: bad ones were counted then */
    /* Whole rows go here and not to the log: those of a table are changes first. */
    MrStatus (*take)(void *context, const MrBlock *block, MrError *err);
    void *take_context;
    MrLogTransaction *transaction; /* of a BEGIN … COMMIT, borrowed; NULL: one of its own */
} MrIngestOptions;

/* Rows for one stream from bytes of one format; the caller destroys it, finished or not. */
MrStatus mr_ingest_create(const MrIngestOptions *options, MrIngest **out, MrError *err);
/* Decodes and appends what is complete.  The error names line and column; the ingest is of no use
 * then. */
MrStatus mr_ingest_feed(MrIngest *ingest, const char *data, size_t length, MrError *err);
/* Appends the rows that are decoded, of which there may be too few for a block of their own. */
MrStatus mr_ingest_take(MrIngest *ingest, MrError *err);
/* Blocks of fewer rows than by default: the first ones reach the disk while more is decoded. */
void mr_ingest_limit_rows(MrIngest *ingest, uint32_t rows);
/* A block of the given columns (INSERT, sources). */
MrStatus mr_ingest_block(MrIngest *ingest, const MrBlock *block, MrError *err);
/* The same with the source's offset behind the block, which the log keeps beside the rows. */
MrStatus mr_ingest_block_from(MrIngest *ingest, const MrBlock *block, MrString offset,
                              MrError *err);
/* The same for a block that came with its buffers (takes, also on failure), for which the log keeps
 * the range (empty: the rows). */
MrStatus mr_ingest_range(MrIngest *ingest, MrBlockLoan *loan, MrString range, MrString offset,
                         MrError *err);
/* The rows to log of a block of given columns (*out NULL: none), until the next call; not appended.
 * *is_given: they are the block as it came. */
MrStatus mr_ingest_make(MrIngest *ingest, const MrBlock *given, const MrBlock **out, bool *is_given,
                        MrError *err);
/* Commits what was appended and goes on: each block of a source is a transaction.  As finish,
 * else. */
MrStatus mr_ingest_commit(MrIngest *ingest, uint64_t *sequence, MrDurability *durability,
                          MrError *err);
/* How a decoder for this input is made, by whoever owns one (a source); borrowed from the
 * ingest. */
const MrCodecOptions *mr_ingest_codec_options(const MrIngest *ingest);
/* Its bad rows come here; context is the ingest. */
MrRejectFunction mr_ingest_reject;
uint64_t mr_ingest_rejected_count(const MrIngest *ingest);
/* End of input, ahead of finish and on another thread than the one that commits: the rest is
 * decoded, appended and written to the log's files, so that little is left to do. */
MrStatus mr_ingest_end(MrIngest *ingest, MrError *err);
/* End of input: the rest is decoded and appended; an own transaction is committed.  *rows: rows
 * taken; *sequence: the last one (0 in a borrowed transaction); *durability: what to wait for. */
MrStatus mr_ingest_finish(MrIngest *ingest, uint64_t *rows, uint64_t *sequence,
                          MrDurability *durability, MrError *err);
/* Without finish: nothing of an own transaction becomes visible. */
void mr_ingest_destroy(MrIngest *ingest);

/* The columns that an input may give: all but the generated ones; in the arena. */
MrStatus mr_ingest_all_columns(const MrStream *stream, MrArena *arena, uint32_t **given,
                               uint32_t *count, MrError *err);

/* Rejected rows, for millrace.rejected_rows: the last 1000 of each stream, and counts. */
typedef struct MrRejectedRow {
    int64_t at_us;
    uint64_t line;
    char sqlstate[6];
    char message[256];
    char raw[256];
} MrRejectedRow;
uint64_t mr_ingest_rejected(const char *stream,
                            void (*each)(void *context, const MrRejectedRow *row), void *context);
void mr_ingest_rejected_add(const char *stream, int64_t at_us, uint64_t line, MrString raw,
                            const MrError *reason);
/* `count` more that nobody keeps. */
void mr_ingest_rejected_pass(const char *stream, uint64_t count);
void mr_ingest_rejected_forget(const char *stream); /* it was dropped, or is new */

/* ---- streams that read by themselves (connector = 'file' | 'datagen') ---- */

/* Starts a thread for the stream, from the offset that the log has; errors show in SHOW STREAMS. */
MrStatus mr_feeds_start(MrServer *server, const MrRelation *relation, MrError *err);
void mr_feeds_stop(MrServer *server, uint32_t stream_id); /* waits for the thread */
MrStatus mr_feeds_create(MrServer *server, MrError *err);
void mr_feeds_destroy(MrServer *server); /* stops all */
/* "running", "ended", "failed"; err (may be NULL) gets the reason; false: no such feed. */
bool mr_feed_status(MrServer *server, uint32_t stream_id, const char **state, MrError *err);
/* For FLUSH: notes the ends that all inputs have now. */
typedef struct MrFeedMark MrFeedMark;
MrFeedMark *mr_feeds_mark(MrServer *server);
/* Whether they are logged.  MR_ERR_NOT_IN_STATE names a stream that has failed: they never will. */
MrStatus mr_feeds_reach(MrServer *server, MrFeedMark *mark, bool *is_reached, MrError *err);
void mr_feeds_mark_free(MrFeedMark *mark);

#endif
