/*
 * storage/log_internal.h - what the files log*.c share: the log in memory.  Only they include it.
 *
 * One lock guards everything but the bytes of frames and files.  It is never held over file I/O:
 * who writes sets is_writing, who makes the next segment sets is_creating, and both say `changed`.
 */
#ifndef MR_STORAGE_LOG_INTERNAL_H
#define MR_STORAGE_LOG_INTERNAL_H

#include "storage/log.h"
#include "storage/segment.h"

/* A record as the index of a sealed segment holds it. */
typedef struct LogIndexEntry {
    uint64_t sequence;
    uint64_t stream_previous;
    uint64_t segment; /* number of the file that has the frame: a part's may be an older one */
    uint64_t offset, bytes; /* the whole frame */
    int64_t arrival_us;
    int64_t watermark_us, watermark_after_us;
    int64_t event_min_us, event_max_us; /* of TRIM: rows and bytes that stay visible */
    uint64_t trim_below;
    uint32_t stream_id, row_count; /* 1 for records that are not rows */
    uint32_t future_rows;
    uint16_t kind;
    uint16_t is_damaged; /* seen to fail its checksum: reads fail, others go on */
} LogIndexEntry;

/* A part in a file that was written again: records of later files name its old offset for ever. */
typedef struct LogMoved {
    uint64_t from, to;
} LogMoved;

/* Records whose frame, or commit frame, is in this file: sequences [first_sequence,
 * next_sequence). */
typedef struct LogSegment {
    MrSegment *file;
    uint64_t first_sequence, next_sequence;
    LogIndexEntry *entries; /* of a sealed file with many: in `map` */
    MrLogFrame **frames;    /* by entry: cached, a reference, or NULL; the array NULL: none is */
    uint32_t count, capacity, frame_count;
    void *map; /* of the index in the file; NULL: the entries are ours */
    size_t map_bytes;
    bool is_damaged;   /* a part of it cannot be read: it is neither cut nor sealed */
    bool is_rewritten; /* rows are gone from it; `moved`: parts that others' records need */
    bool is_netted;    /* it stands for all files before it, without changes that cancel out */
    LogMoved *moved;   /* by old offset */
    uint32_t moved_count;
} LogSegment;

/* Facts about a stream as STATE frames and indexes hold them. */
typedef struct LogStreamState {
    uint32_t stream_id;
    uint32_t is_netted; /* changes of the table that cancel out have been left out */
    int64_t watermark_us;
    uint64_t rows, bytes; /* visible ones */
    uint64_t first_sequence, last_sequence;
    int64_t last_arrival_us, last_event_us, last_record_arrival_us;
    uint64_t future_rows;
    uint64_t trim_below;
    char offset[96];
} LogStreamState;

typedef struct LogStateHead {
    uint64_t next_sequence, next_transaction;
    int64_t last_arrival_us;
    uint64_t stream_count; /* LogStreamState follow */
} LogStateHead;

typedef struct LogIndexHead {
    uint64_t first_sequence, next_sequence;
    uint64_t entry_count; /* LogIndexEntry, LogMoved, and a LogStateHead as of the end follow */
    uint32_t flags, moved_count; /* LOG_INDEX_… */
} LogIndexHead;

enum { LOG_INDEX_REWRITTEN = 1, LOG_INDEX_NETTED = 2 };

_Static_assert(sizeof(LogIndexEntry) == 104 && sizeof(LogStreamState) == 184 &&
                   sizeof(LogIndexHead) == 32,
               "no holes on disk");

/* Sequences of records that were lost: a GAP record stands for them. */
typedef struct LogGap {
    uint64_t first, count;
    uint32_t stream_id; /* 0: not known whose */
    bool is_met;        /* a row names one in it as the row before */
} LogGap;

typedef struct LogStream {
    LogStreamState state;
    bool is_known; /* mr_log_set_stream was called */
    bool is_forgotten;
    MrLogStream definition;
    MrError *input_error;  /* INPUT_CHANGED, when a range was read last; owned */
    MrError *error;        /* CORRUPT; owned */
    uint64_t damaged_from; /* the first sequence that may be lost */
    /* During recovery: records below are known to have been seen; and what was found missing, which
     * is damage unless a later record trims it. */
    uint64_t proven_upto;
    MrError *hole;
    uint64_t hole_from, hole_upto; /* 0: none was met */
    uint64_t lost_from, lost_upto; /* in gaps; 0: none */
} LogStream;

/* Records that recovery could not tell were lost from this sequence on. */
typedef struct LogDamage {
    bool is_set;
    uint64_t first_sequence, last_sequence; /* where the first and the last such place were met */
    MrError cause;
} LogDamage;

typedef struct FrameList {
    MrLogFrame *head, *tail;
    uint64_t bytes;
    uint32_t count; /* of a cache; the queue counts tickets */
} FrameList;

struct MrLog {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *directory;
    MrLogOptions options;
    MrFramePool pool;

    LogSegment **segments; /* by number; the last is the one appended to */
    uint32_t segment_count, segment_capacity;
    LogStream **streams; /* by id */
    uint32_t stream_count, stream_capacity;
    MrArena schemas; /* of all definitions there were */

    uint64_t next_sequence, next_transaction;
    int64_t last_arrival_us;

    /* The way to the disk.  A ticket counts frames in the order of their places. */
    FrameList queue;
    uint64_t placed_ticket, written_ticket, synced_ticket;
    uint64_t written_sequence, synced_sequence;
    MrSegment *write_segment; /* the writer's: the last one it wrote into; a reference */
    uint64_t write_end;       /* offset there behind the last frame written */
    char *staging;            /* the writer's */
    bool is_writing;
    MrSegment *next; /* prepared; a reference */
    uint64_t next_number;
    bool is_creating;
    bool is_at_low_water; /* no room for rows; the reserve is given up */
    bool is_full_told;    /* the server's log says so; whoever sets is_creating changes it */
    MrStatus failure;     /* final */
    MrError failure_error;

    LogGap *gaps; /* of recovery: in order of sequence */
    uint32_t gap_count, gap_capacity;
    LogDamage unproven; /* during recovery */
    MrLogTransaction *open_transactions;
    uint64_t sealed_below; /* files of lower numbers are sealed, or damaged */
    bool is_freeing;
    uint64_t weighed_bytes; /* of the files that were not worth netting the last time */
    char holder[160];       /* of old rows, as the server told */

    FrameList cache, history; /* recent frames, and those read back; both first in, first out */
};

struct MrLogTransaction {
    MrLog *log;
    uint64_t id;
    uint64_t first_segment;                     /* file of its first part; UINT64_MAX: none yet */
    struct MrLogTransaction *next_open, **link; /* in log->open_transactions */
    struct LogPart *parts;
    uint32_t part_count, part_capacity;
    MrLogFrame *held; /* the last block, not placed yet */
    uint64_t held_frames_bytes;
};

/* A block of a transaction that is not committed. */
typedef struct LogPart {
    MrCommitPart commit;
    MrLogFrame *frame; /* a reference while it is cheap, for the cache */
    /* Facts for the watermark, true while arrival + skew lies in [sure_from, sure_below). */
    int64_t moved_us; /* greatest event time that is not in the future; MR_TIME_MIN none */
    int64_t sure_from_us, sure_below_us;
    int64_t delay_us, skew_us; /* the stream's when the block came: they stand in its frame */
    uint64_t memory_bytes;
    uint32_t offset_bytes;
    char offset[96];
} LogPart;

enum {
    LOG_ENTRIES_PER_TURN = 4096, /* looked at before other threads get the lock for a while */
    LOG_QUEUE_BYTES_MAX = 8 << 20,
    LOG_HELD_BYTES_MAX = 16 << 20,
    LOG_STAGING_BYTES = 256 << 10
};

/* ---- log_schema.c ---- */
/* A copy of `given` for as long as the log is open; `had` (NULL: none) itself where it says the
 * same.  The mutex is held. */
MrStatus log_schema_keep(MrLog *log, const MrSchema *had, const MrSchema *given,
                         const MrSchema **out, MrError *err);

/* ---- log.c ---- */
/* The stream, or NULL; `make`: with a fresh state when there is none (NULL: no memory). */
LogStream *log_stream_find(MrLog *log, uint32_t stream_id);
LogStream *log_stream_make(MrLog *log, uint32_t stream_id);
/* Makes the stream CORRUPT from `sequence` on; the first cause stays. */
void log_stream_damage(MrLog *log, LogStream *stream, uint64_t sequence, const MrError *cause);
/* How reading a range of the stream went: notes INPUT_CHANGED and forgets it; takes the lock. */
void log_stream_note_input(MrLog *log, uint32_t stream_id, const MrError *result);
uint64_t log_bytes(const MrLog *log); /* the lock is held */
MrStatus log_failure(MrLog *log, MrError *err);
/* Rows for what is not there: between the plan of a statement and its rows came a DROP. */
MrStatus log_no_stream(MrError *err);
MrStatus log_fail(MrLog *log, const MrError *cause, MrError *err);
static inline LogSegment *log_current(const MrLog *log)
{
    return log->segments[log->segment_count - 1];
}

/* ---- log_index.c ---- */
MrStatus log_segment_add(MrLog *log, MrSegment *file, LogSegment **out, MrError *err);
void log_segment_free(LogSegment *segment);
MrStatus log_segment_reserve(LogSegment *segment, uint32_t more, MrError *err);
void log_segment_fit(LogSegment *segment); /* no more entries come: their array's rest goes back */
/* After reserve; gives the number of the entry. */
uint32_t log_segment_push(LogSegment *segment, const LogIndexEntry *at);
LogSegment *log_segment_by_number(const MrLog *log, uint64_t number);
/* First entry whose last sequence is >= `sequence`; false: none. */
bool log_index_seek(const MrLog *log, uint64_t sequence, uint32_t *segment, uint32_t *entry);
bool log_index_next(const MrLog *log, uint32_t *segment, uint32_t *entry);
/* The same for long walks: gives up the lock now and then.  *looked starts at 0. */
bool log_index_next_in_turn(MrLog *log, uint32_t *looked, uint32_t *segment, uint32_t *entry);
/* The part lay in an older file that was removed or written again without it: trimmed rows. */
bool log_entry_is_gone(const MrLog *log, const LogSegment *segment, const LogIndexEntry *at);
/* The file that has the record's frame, a new reference, and its offset there in `at`; NULL:
 * missing. */
MrSegment *log_entry_file(const MrLog *log, LogIndexEntry *at);
/* Visible rows and bytes of the stream once those below `below` are not. */
void log_state_trimmed(MrLog *log, const LogStream *stream, uint64_t below, uint64_t *rows,
                       uint64_t *bytes);
/* State and index as bytes.  The lock is held. */
MrStatus log_state_encode(const MrLog *log, MrBuilder *out, MrError *err);
MrStatus log_state_decode(MrLog *log, const void *data, size_t length, MrError *err);
MrStatus log_index_encode(const LogSegment *segment, const void *state, size_t state_bytes,
                          MrBuilder *out, MrError *err);
MrStatus log_index_decode(LogSegment *segment, const MrLogFrame *frame, const void **state,
                          size_t *state_bytes, MrError *err);
/* What one more record means for its stream and the log. */
void log_state_apply(MrLog *log, LogStream *stream, const LogIndexEntry *at, MrString offset);
uint64_t log_index_bytes_max(const MrLog *log, const LogSegment *segment, uint32_t more);

/* ---- log_append.c ---- */
void log_transaction_unlink(MrLogTransaction *transaction); /* the lock is held */
void log_transaction_free(MrLogTransaction *transaction);
/* The stream as appenders need it, and the arrival of a commit now, at least. */
MrStatus log_stream_for_append(MrLog *log, uint32_t stream_id, MrLogStream *definition,
                               int64_t *arrival_us, MrError *err);
/* What the watermark needs to know of the part's rows, for an arrival of at least `arrival_us`. */
void log_part_measure(LogPart *part, const MrVector *times, int64_t arrival_us);
/* Places the held block as a PART. */
MrStatus log_place_held(MrLogTransaction *transaction, MrError *err);

/* ---- log_writer.c: all with the lock held, which they may give up for a while ---- */
MrStatus log_place_room(MrLog *log, uint64_t frame_bytes, uint32_t entries, bool is_small,
                        MrError *err);
void log_place(MrLog *log, MrLogFrame *frame); /* after room; takes a reference of its own */
MrStatus log_flush(MrLog *log, uint64_t ticket, bool is_synced, MrError *err);
/* Makes the next segment when there is none with room for `need_bytes` of frames. */
MrStatus log_prepare_segment(MrLog *log, uint64_t need_bytes, bool is_small, MrError *err);
/* Goes on in the prepared segment, whose first frame is STATE. */
MrStatus log_enter_segment(MrLog *log, MrError *err);
/* Makes the reserve where there is none; fails where `beside_bytes` more find no room. */
MrStatus log_reserve_make(MrLog *log, uint64_t beside_bytes, MrError *err);
/* After a full disk: true when rows are taken again. */
bool log_reserve_retake(MrLog *log);

/* ---- log_cache.c: the lock is held ---- */
void log_cache_add(MrLog *log, LogSegment *segment, uint32_t entry, MrLogFrame *frame,
                   bool is_history);

/* ---- log_index_map.c: entries that stay in the file ---- */

/* The segment is sealed and its entries are those of the index at the offset: from now on they are
 * looked at there. */
void log_segment_map(LogSegment *segment, uint64_t index_offset);
void log_segment_drop_entries(LogSegment *segment);
/* The cached frame of an entry; NULL: none. */
MrLogFrame *log_frame_of(const LogSegment *segment, uint32_t entry);
/* False: no memory, which can only be where a sealed segment has none cached. */
bool log_frame_set(LogSegment *segment, uint32_t entry, MrLogFrame *frame);
/* Frees the list of frames when it has become empty for good. */
void log_frames_fit(LogSegment *segment);
void log_cache_clear(MrLog *log);
void log_cache_trim(MrLog *log);

/* ---- log_commit.c ---- */
/* A GAP record at the head: rows of the stream before it were lost. */
MrStatus log_append_gap(MrLog *log, uint32_t stream_id, MrError *err);

/* ---- log_retention.c: the lock is held ---- */
/* Somebody may still read the record: it is at or above `sequence`, or its rows are visible. */
bool log_entry_is_needed(MrLog *log, const LogIndexEntry *at, uint64_t sequence);
/* An open transaction has parts in this file or may get some. */
bool log_segment_is_open(const MrLog *log, const LogSegment *segment);
/* Cached frames of the segment's records leave the cache when their turn comes: they find no entry
 * then. */
void log_segment_forget(LogSegment *segment);
/* Writes a segment again with its good records and with gaps, whose state behind it is given.  The
 * lock is held, and given up for a while; nobody else has the log. */
MrStatus log_segment_salvage(MrLog *log, LogSegment *segment, const LogGap *gaps,
                             uint32_t gap_count, const void *state, size_t state_bytes,
                             MrError *err);

/* ---- log_reader.c ---- */
/* The frame of a record from its file (NULL: missing), checked against the entry; without the
 * lock. */
MrStatus log_frame_load(MrLog *log, const LogIndexEntry *at, MrSegment *file, MrLogFrame **out,
                        MrError *err);

/* The rows of a frame that is not small, decoded or read from their input. */
MrStatus log_frame_block(MrLog *log, MrLogFrame *frame, const MrLogStream *stream,
                         const MrBlock **out, MrError *err);

/* ---- log_recovery.c ---- */
MrStatus log_recover(MrLog *log, MrError *err);

/* ---- log_examine.c: recovery of one segment ---- */
/* Frame by frame, without an index; `is_tail`: a bad frame may be a torn write, and is cut. */
MrStatus log_examine_segment(MrLog *log, LogSegment *segment, bool is_tail, MrError *err);
/* What a record, and a STATE, say of the rows before them. */
void log_chain_check(MrLog *log, LogStream *stream, const LogIndexEntry *at, const MrSegment *file);
/* A GAP record was met. */
MrStatus log_gap_note(MrLog *log, const LogIndexEntry *at, MrError *err);
/* All records were met: gaps of which no row tells whose they are may be anybody's. */
void log_gaps_settle(MrLog *log);
MrStatus log_state_check(MrLog *log, const MrSegment *file, uint64_t offset, const void *data,
                         size_t length, MrError *err);
/* Notes damage of which no one knows the records. */
void log_unproven_note(MrLog *log, const MrError *cause);

/* ---- log_time.c: kernels over event times ---- */
typedef struct LogTimes {
    int64_t min_us, max_us; /* MR_TIME_MAX, MR_TIME_MIN: no row has a time */
} LogTimes;
LogTimes log_times_range(const MrVector *column);
/* Event times at most `limit`: their greatest; the least above it; how many are above. */
void log_times_split(const MrVector *column, int64_t limit_us, int64_t *moved_us, int64_t *above_us,
                     uint32_t *above_count);
/* W before each row, from W before the first; returns W after the last. */
int64_t log_times_watermarks(const MrVector *column, int64_t before_us, int64_t delay_us,
                             int64_t limit_us, int64_t *out);
/* a - b and a + b, kept in range; the ends stand for ±infinity and stay. */
int64_t log_time_less(int64_t time_us, int64_t delay_us);
int64_t log_time_plus(int64_t time_us, int64_t skew_us);

#endif
