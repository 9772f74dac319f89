/*
 * storage/log.h - the one append-only log: every row, and every fact that may change a result, in
 * one total order, the sequence.  The only source of recovery.
 *
 * Sequence numbers start at 1.  A row takes one, and so does every other record.  Appending copies
 * the block into a frame in memory; mr_log_sync makes it durable (group commit: one fdatasync for
 * all that was appended before).  Frames stay in a bounded cache, and are read from their segment
 * after that, through the same decoder.  No thread in here: the server owns the one that syncs.
 * All functions are thread-safe.  Must not know SQL, operators or sockets.
 */
#ifndef MR_STORAGE_LOG_H
#define MR_STORAGE_LOG_H

#include "common/clock.h"
#include "storage/range.h"

typedef enum MrRecordKind {
    MR_RECORD_ROWS = 1,  /* one block of one stream */
    MR_RECORD_HEARTBEAT, /* moves an idle stream's W to watermark_after_us */
    MR_RECORD_ADVANCE,   /* ADVANCE WATERMARK: the same by hand */
    MR_RECORD_DDL,       /* payload: what the catalogue needs to apply it again */
    MR_RECORD_TRIM,      /* rows of the stream below `trim_below` are invisible to new queries */
    MR_RECORD_GAP,       /* in place of records that were lost and salvage gave up: never read */
} MrRecordKind;

typedef enum MrDurability {
    MR_DURABILITY_FSYNC,
    MR_DURABILITY_OS,
    MR_DURABILITY_NONE
} MrDurability;

/* What the log must know of a stream to keep its watermark. */
typedef struct MrLogStream {
    uint32_t stream_id;
    const MrSchema *schema;     /* of the logged columns; the log copies it */
    int32_t event_column;       /* index, or -1: event time is the arrival */
    int64_t delay_us;           /* W = event time - delay */
    int64_t max_future_skew_us; /* rows beyond arrival + skew don't move W; INT64_MAX: off */
    MrDurability durability;
} MrLogStream;

typedef struct MrLogOptions {
    const char *directory; /* <data>/log, made when missing */
    uint64_t segment_bytes;
    uint64_t cache_bytes;
    uint64_t limit_bytes; /* 0: none */
    MrClock *clock;       /* arrival time = max(previous, wall) */
    /* A target's or checkpoint's sequence: cutting the tail below it is refused as corruption. */
    uint64_t must_reach_sequence;
    MrRangeReader ranges; /* of mr_log_append_range */
} MrLogOptions;

typedef struct MrLog MrLog;
typedef struct MrLogFrame MrLogFrame; /* reference-counted bytes of a frame */

/* What a reader sees.  `block` lives as long as the frame is held and the arena is not reset,
 * `payload` as long as the frame is held. */
typedef struct MrLogRecord {
    MrRecordKind kind;
    uint32_t stream_id;
    uint64_t first_sequence;
    uint64_t
        whole_end; /* last sequence of the record as it is logged, however much was asked for */
    uint32_t row_count; /* 1 for records that are not rows */
    int64_t arrival_us;
    int64_t watermark_us; /* the stream's W before and after the record; MR_TIME_MIN: none */
    int64_t watermark_after_us;
    int64_t event_min_us, event_max_us; /* of ROWS with an event column */
    uint64_t trim_below;
    MrString payload;     /* DDL text, or a source's offset with ROWS */
    const MrBlock *block; /* ROWS only; its place is filled, `watermarks` where needed */
    MrLogFrame *frame;
} MrLogRecord;

/* Opens or creates; recovers: finds the segments, checks frames, cuts a torn tail (reliability.md
 * 2.2), after an unclean stop seals the tail and starts a new segment.  A damaged middle marks the
 * streams in it CORRUPT (mr_log_stream_error).  Schemas come later by mr_log_set_stream; records
 * are decoded only when read. */
MrStatus mr_log_open(const MrLogOptions *options, MrLog **out, MrError *err);
/* Seals what is there: a clean stop.  Does not sync unsynced `none` frames' waiters. */
MrStatus mr_log_close(MrLog *log, MrError *err);

/* Tells or changes what the log knows of a stream; before its first append or read. */
MrStatus mr_log_set_stream(MrLog *log, const MrLogStream *stream, MrError *err);
void mr_log_forget_stream(MrLog *log, uint32_t stream_id);

/* A transaction: blocks of any streams that become visible together at commit.  Its parts are
 * written as they come (frames without sequence); the commit frame gives them their numbers, one
 * arrival time and their places under the watermark. */
typedef struct MrLogTransaction MrLogTransaction;
MrStatus mr_log_begin(MrLog *log, MrLogTransaction **out, MrError *err);
/* Borrows the block: its bytes are copied.  `offset` (may be empty) is a source's offset text. */
MrStatus mr_log_append(MrLogTransaction *transaction, uint32_t stream_id, const MrBlock *block,
                       MrString offset, MrError *err);
/* The same for rows that can be read again: the log keeps the range, which MrLogOptions.ranges
 * reads when the block has left its cache.  `loan` (takes, also on failure): the block's own
 * buffers, which are kept as they are; NULL: they are copied. */
MrStatus mr_log_append_range(MrLogTransaction *transaction, uint32_t stream_id,
                             const MrBlock *block, MrBlockLoan *loan, MrString range,
                             MrString offset, MrError *err);
/* Both end the transaction and free it.  A transaction of one block becomes one self-committed
 * frame.  *last_sequence: the last number given (0: there were no rows). `durability`: the
 * strictest of the streams written, for the caller's wait. */
MrStatus mr_log_commit(MrLogTransaction *transaction, uint64_t *last_sequence,
                       MrDurability *durability, MrError *err);
/* A place in an open transaction, and back to it: the blocks appended since are not part of what is
 * committed. */
MrStatus mr_log_mark(MrLogTransaction *transaction, uint32_t *mark, MrError *err);
void mr_log_roll_back_to(MrLogTransaction *transaction, uint32_t mark);
void mr_log_abort(MrLogTransaction *transaction);

/* Records without rows; all return their sequence.  A heartbeat or ADVANCE that would not move W
 * forward appends nothing and returns 0. */
MrStatus mr_log_append_watermark(MrLog *log, MrRecordKind kind, uint32_t stream_id,
                                 int64_t watermark_us, uint64_t *sequence, MrError *err);
MrStatus mr_log_append_ddl(MrLog *log, MrString payload, uint64_t *sequence, MrError *err);
MrStatus mr_log_append_trim(MrLog *log, uint32_t stream_id, uint64_t below, uint64_t *sequence,
                            MrError *err);

/* Writes and fdatasyncs all that was appended before the call, and moves mr_log_synced.  An I/O
 * error is final (MR_ERR_IO): the process must end (reliability.md 2.2); later calls fail at
 * once. */
MrStatus mr_log_sync(MrLog *log, MrError *err);
/* Only writes (durability 'os'). */
MrStatus mr_log_write(MrLog *log, MrError *err);
uint64_t mr_log_appended(MrLog *log); /* last sequence given */
uint64_t mr_log_written(MrLog *log);
uint64_t mr_log_synced(MrLog *log);
/* A synchronous commit for catalogue records: append_ddl + sync. */

/* The next record with last sequence >= `from` and first sequence <= `upto`, in order; *found false
 * at the end.  A record that straddles `from` is given with the rows from `from` on (its block
 * sliced at any row, watermarks exact).  `streams`: bitmap by stream id of those wanted (NULL: all;
 * non-row records of other streams and unwanted rows are skipped cheaply).  `columns`: per stream a
 * bitmap of wanted columns, or NULL.  `arena` holds the block's description.  Release every record
 * found. */
typedef struct MrLogFilter {
    const uint64_t *streams; /* bit per stream id */
    uint32_t stream_words;
} MrLogFilter;
MrStatus mr_log_read(MrLog *log, uint64_t from, uint64_t upto, const MrLogFilter *filter,
                     MrArena *arena, MrLogRecord *out, bool *found, MrError *err);
void mr_log_release(MrLogRecord *record);

/* W of the stream at the head of the log (all appended records). */
int64_t mr_log_watermark(MrLog *log, uint32_t stream_id);
/* Facts about a stream at the head: for idle detection, SHOW STREAMS, EXPLAIN PROGRESS. */
typedef struct MrLogStreamFacts {
    uint64_t rows, bytes;
    uint64_t first_sequence; /* first visible (not trimmed) row's lower bound */
    uint64_t last_sequence;
    uint64_t trim_below; /* retention has made the rows below it invisible; 0: none */
    uint64_t net_below;  /* of a table: rows that went below it are not told any more; 0: none */
    int64_t watermark_us, last_arrival_us, last_event_us /* greatest ts */;
    uint64_t future_rows;
    int64_t last_record_arrival_us; /* rows or heartbeat */
    char offset[96];                /* last source offset logged, "" none */
} MrLogStreamFacts;
bool mr_log_stream_facts(MrLog *log, uint32_t stream_id, MrLogStreamFacts *out);
/* MR_OK, or MR_ERR_CORRUPT with file, offset, expected and actual checksum. */
MrStatus mr_log_stream_error(MrLog *log, uint32_t stream_id, MrError *err);
/* Whether rows of the stream were lost that salvage gave up, and between which sequences. */
bool mr_log_stream_gap(MrLog *log, uint32_t stream_id, uint64_t *from, uint64_t *upto);
/* MR_ERR_INPUT_CHANGED: rows that the log holds as a range could not be read from their input the
 * last time.  The stream takes no rows until they can. */
MrStatus mr_log_input_error(MrLog *log, uint32_t stream_id, MrError *err);
uint64_t mr_log_bytes(MrLog *log);
/* Ingest will soon be refused, or is: three quarters of limit_bytes are in use, or the disk has no
 * room for four more files. */
bool mr_log_is_tight(MrLog *log);
/* A new limit_bytes (0: none) for the appends to come; what is there stays. */
void mr_log_set_limit(MrLog *log, uint64_t limit_bytes);
/* Who keeps old rows from being freed, for the message at the limit ("query \"v\", suspended");
 * copied, cut to 159 bytes.  "" or NULL: nobody known. */
void mr_log_set_holder(MrLog *log, const char *holder);
/* Removes whole segments below `sequence` whose rows nobody needs (all trimmed or not needed);
 * rows of longer-kept streams are copied forward first. */
MrStatus mr_log_free_below(MrLog *log, uint64_t sequence, MrError *err);
/* The sequence of the oldest row of the stream younger than `arrival_us` / within the last
 * `bytes`. */
uint64_t mr_log_sequence_at_arrival(MrLog *log, uint32_t stream_id, int64_t arrival_us);
uint64_t mr_log_sequence_at_bytes(MrLog *log, uint32_t stream_id, uint64_t bytes);
/* A sequence between which and `upto` lie at least so many bytes of log, of all streams, and not
 * many more than that and two files; 0: there are not so many. */
uint64_t mr_log_sequence_behind(MrLog *log, uint64_t upto, uint64_t bytes);
/* The arrival time of a record that would come now: it never goes back, whatever the clock does. */
int64_t mr_log_now_us(MrLog *log);
/* All rows of the stream that there were from the sequence on can still be read, trimmed or not. */
bool mr_log_is_whole(MrLog *log, uint32_t stream_id, uint64_t from);

#endif
