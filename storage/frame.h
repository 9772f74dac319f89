/*
 * storage/frame.h - one frame of the log: its header on disk, and its bytes in memory.
 * A frame is a header of 192 bytes and a body padded to a multiple of 64.  The buffer that was
 * filled is the buffer that is written, and afterwards the cached block that queries read.
 * Must not know segments' files, the order of records or SQL.
 */
#ifndef MR_STORAGE_FRAME_H
#define MR_STORAGE_FRAME_H

#include <pthread.h>
#include <stdatomic.h>

#include "storage/range.h"

enum { MR_FRAME_ALIGN = 64 };
#define MR_FRAME_MAGIC UINT32_C(0x4d52464d)
#define MR_FRAME_BODY_MAX (UINT64_C(1) << 32)

/* Kinds on disk: those of MrRecordKind, and these, which readers never see. */
enum {
    MR_FRAME_PART = 64, /* a block of a transaction that a later COMMIT frame numbers */
    MR_FRAME_COMMIT,    /* body: an MrCommitPart per part, then MrCommitOffsets */
    MR_FRAME_STATE,     /* first of a segment: what the log knew of every stream there */
    MR_FRAME_INDEX,     /* last of a sealed segment */
};

/* Flags. */
enum {
    MR_FRAME_RANGE = 1, /* ROWS, PART: the body is a range of the input in place of the block */
};

/* Little endian, as in memory.  `header_crc` is seeded with the segment's random salt and covers
 * `body_crc`, so that a frame of another segment or an older file is never taken for one of
 * this. */
typedef struct MrFrameHeader {
    uint32_t magic;
    uint32_t header_crc;
    uint32_t body_crc;
    uint16_t kind;
    uint16_t flags;           /* MR_FRAME_RANGE */
    uint64_t body_bytes;      /* without padding */
    uint64_t offset;          /* of this frame in its segment */
    uint64_t previous_offset; /* of the frame before it in the segment; 0: the first */
    uint64_t synced_upto;     /* the segment was on disk up to here when the frame was placed */
    uint64_t transaction;     /* PART, COMMIT */
    uint32_t part;            /* PART: index in its transaction; COMMIT: number of parts */
    uint32_t previous_stream; /* stream of the frame before it */
    uint32_t stream_id;
    uint32_t row_count;
    uint32_t payload_bytes;   /* last bytes of the body that are not the block: a source's offset */
    uint32_t future_rows;     /* rows that did not move W */
    uint64_t first_sequence;  /* 0 for PART */
    uint64_t stream_previous; /* last sequence of the stream's rows before these; 0: none */
    int64_t arrival_us;
    int64_t watermark_us, watermark_after_us;
    int64_t event_min_us, event_max_us;
    int64_t delay_us, skew_us; /* the stream's when the frame was made */
    uint64_t trim_below;
    uint64_t block_bytes; /* RANGE: what its rows take of memory */
    uint64_t unused[3];
} MrFrameHeader;

/* What a COMMIT frame says of one part. */
typedef struct MrCommitPart {
    uint64_t segment, offset, frame_bytes;
    uint64_t first_sequence, stream_previous;
    int64_t watermark_us, watermark_after_us;
    int64_t event_min_us, event_max_us;
    uint32_t stream_id, row_count;
    uint32_t future_rows, unused;
    uint64_t unused_too;
} MrCommitPart;

/* Behind the parts: the last offset of every source that the transaction read from. */
typedef struct MrCommitOffset {
    uint32_t stream_id, length;
    char text[96];
} MrCommitOffset;

_Static_assert(sizeof(MrFrameHeader) == 192 && sizeof(MrCommitPart) == 96, "no holes on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is the memory's");

static inline uint64_t mr_frame_total_bytes(uint64_t body_bytes)
{
    return sizeof(MrFrameHeader) +
           ((body_bytes + MR_FRAME_ALIGN - 1) & ~(uint64_t)(MR_FRAME_ALIGN - 1));
}
uint32_t mr_frame_header_crc(const MrFrameHeader *header, uint32_t salt);
/* The header is one that was written at `offset` of a segment with this salt, and its frame ends at
 * or before `limit`. */
bool mr_frame_header_is_good(const MrFrameHeader *header, uint32_t salt, uint64_t offset,
                             uint64_t limit);
uint32_t mr_frame_body_crc(const MrFrameHeader *header, const void *body);

/* Buffers that were used are kept for the next frames: fresh memory costs a page fault per page. */
enum { MR_FRAME_POOL_BUFFERS = 16 };
typedef struct MrFramePool {
    pthread_mutex_t lock;
    void *buffers[MR_FRAME_POOL_BUFFERS];
    size_t capacities[MR_FRAME_POOL_BUFFERS];
    uint32_t count;
} MrFramePool;
void mr_frame_pool_init(MrFramePool *pool);
void mr_frame_pool_fini(MrFramePool *pool);

/* Reference-counted bytes of a frame.  While it waits to be written its bytes must not change;
 * once it is written the first reader decodes it in place, under `lock`. */
typedef struct MrLogFrame {
    atomic_uint references;
    MrFramePool *pool;     /* keeps */
    MrFrameHeader *header; /* start of the buffer */
    size_t capacity;
    uint64_t total_bytes; /* header, body, padding */
    atomic_bool is_written;
    /* Guarded by the log's lock: its place in the queue to the disk, and in the cache. */
    struct MrLogFrame *queue_next;
    struct MrSegment *queue_segment; /* a reference */
    uint64_t queue_ticket, queue_sequence;
    struct MrLogFrame *cache_next;
    uint64_t cache_sequence;
    pthread_mutex_t lock;
    void *copy; /* of the body, when it was read before it was written */
    size_t copy_capacity;
    MrArena arena;     /* of `block` and `watermarks` */
    MrBlock *block;    /* decoded; NULL: not yet */
    MrBlockLoan *loan; /* its buffers, where they are not the frame's */
    const int64_t *watermarks;
} MrLogFrame;

/* One reference; header and padding are zero, the body is not filled. */
MrStatus mr_frame_create(MrFramePool *pool, uint64_t body_bytes, MrLogFrame **out, MrError *err);
void mr_frame_retain(MrLogFrame *frame);
void mr_frame_release(MrLogFrame *frame); /* accepts NULL */
static inline void *mr_frame_body(const MrLogFrame *frame)
{
    return frame->header + 1;
}
/* Small frames, of single-row INSERTs above all, are kept as bytes only: a decoded block beside
 * each would take ten times their size.  Never given to mr_frame_block, which changes the bytes. */
enum { MR_FRAME_SMALL_BYTES = 2048 };
static inline bool mr_frame_is_range(const MrLogFrame *frame)
{
    return (frame->header->flags & MR_FRAME_RANGE) != 0;
}
static inline bool mr_frame_is_small(const MrLogFrame *frame)
{
    return frame->header->body_bytes <= MR_FRAME_SMALL_BYTES && !mr_frame_is_range(frame);
}
/* A small frame's block, decoded from a copy in the arena. */
MrStatus mr_frame_block_copy(const MrLogFrame *frame, const MrSchema *schema, MrArena *arena,
                             const MrBlock **out, MrError *err);
/* What the frame takes of memory once it is decoded. */
uint64_t mr_frame_memory_bytes(const MrLogFrame *frame);
/* The frame's block over its own bytes, decoded once, or read once by `ranges`, which gives as many
 * rows as the header says.  Columns that the schema
 * has got since read as NULL.  The block lives as long as the frame is held and must not be
 * changed. */
MrStatus mr_frame_block(MrLogFrame *frame, const MrSchema *schema, const MrRangeReader *ranges,
                        const MrBlock **out, MrError *err);
/* A frame of a range gets its rows before others know it, so that they need not be read again: the
 * loan's (takes), or a copy of the block when there is none. */
MrStatus mr_frame_set_block(MrLogFrame *frame, const MrSchema *schema, const MrBlock *block,
                            MrBlockLoan *loan, MrError *err);

#endif
