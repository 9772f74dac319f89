/*
 * storage/segment.h - one file of the log: header with a salt, frames, and once it is sealed an
 * index and a footer.  Creating, reading, scanning, sealing.  docs/design/0002-log.md has the
 * bytes.  Must not know streams, transactions or which frames belong together.
 */
#ifndef MR_STORAGE_SEGMENT_H
#define MR_STORAGE_SEGMENT_H

#include "common/file.h"
#include "storage/frame.h"

enum {
    MR_SEGMENT_VERSION = 3,  /* of files that are made; 1 had no ranges, 2 stands for no others */
    MR_SEGMENT_START = 4096, /* offset of the first frame */
    MR_SEGMENT_FOOTER_BYTES = 64,
};

/* At offset 0, and again at 2048: without the salt no frame could be told from noise. */
typedef struct MrSegmentHeader {
    char magic[8]; /* "MRLOGSEG" */
    uint32_t version;
    uint32_t incompatible; /* bits that a reader must know */
    uint32_t compatible;   /* bits that it may ignore */
    uint32_t salt;
    uint64_t number;
    uint64_t allocated_bytes;
    int64_t created_us;
    uint64_t unused[9];
    uint32_t unused_too;
    uint32_t crc;
} MrSegmentHeader;

typedef struct MrSegmentFooter {
    char magic[8];         /* "MRLOGEND" */
    uint64_t index_offset; /* of the INDEX frame; the footer follows it */
    uint64_t frame_count;  /* before the index */
    uint32_t index_crc;    /* header_crc of the INDEX frame */
    uint32_t unused[8];
    uint32_t crc; /* seeded with the salt */
} MrSegmentFooter;

typedef struct MrSegment {
    atomic_uint references;
    uint64_t number;
    uint32_t salt;
    MrFile *file;
    char *path;
    uint64_t allocated_bytes;
    uint64_t end; /* offset where the next frame goes; after sealing the file's size */
    bool is_sealed;
    uint64_t index_offset; /* of a sealed segment opened; 0: not known */
    uint64_t frame_count;
    uint64_t synced_upto;     /* the next three are the log's, under its lock */
    uint64_t previous_offset; /* of the last frame placed; 0: none */
    uint32_t previous_stream;
} MrSegment;

/* "<directory>/0000000000000001.seg"; false when the name is none. */
bool mr_segment_parse_name(const char *name, uint64_t *number);

/* Makes the file in the order of reliability.md 2.1: create, allocate, header, fsync, directory.
 * Any failure removes it again; MR_ERR_DISK_FULL is told apart. */
MrStatus mr_segment_create(const char *directory, uint64_t number, uint64_t bytes,
                           int64_t created_us, MrSegment **out, MrError *err);
/* The same under the name + ".tmp", to take the place of the segment of this number; and the step
 * that does so, once it is sealed: rename, directory. */
MrStatus mr_segment_create_copy(const char *directory, uint64_t number, uint64_t bytes,
                                int64_t created_us, MrSegment **out, MrError *err);
MrStatus mr_segment_publish_copy(const char *directory, MrSegment *segment, MrError *err);
/* MR_ERR_UNSUPPORTED: a newer format; MR_ERR_CORRUPT: neither header copy is good.  `end` is set
 * when the footer is good, and `is_sealed`; otherwise the caller scans. */
MrStatus mr_segment_open(const char *directory, uint64_t number, MrSegment **out, MrError *err);
void mr_segment_retain(MrSegment *segment);
void mr_segment_release(MrSegment *segment); /* accepts NULL */

/* Reads the frame at `offset` with both checksums; `bytes` is its total size as the index has it.
 * MR_ERR_CORRUPT names file, offset, expected and actual checksum. */
MrStatus mr_segment_read_frame(MrSegment *segment, MrFramePool *pool, uint64_t offset,
                               uint64_t bytes, MrLogFrame **out, MrError *err);
/* The index of a sealed segment. */
MrStatus mr_segment_read_index(MrSegment *segment, MrFramePool *pool, MrLogFrame **out,
                               MrError *err);

/* Gives a frame its place at the end and its checksum; the caller has filled the rest. */
void mr_segment_place(MrSegment *segment, MrFrameHeader *header, uint64_t total_bytes);
/* Writes index and footer after the last frame, cuts the file there and syncs it.  The struct is as
 * before; mr_segment_set_sealed tells it (others may look at `end` meanwhile, under the log's
 * lock). */
MrStatus mr_segment_write_seal(MrSegment *segment, const void *index, size_t index_bytes,
                               MrFramePool *pool, uint64_t *end, MrError *err);
static inline void mr_segment_set_sealed(MrSegment *segment, uint64_t end)
{
    segment->end = end;
    segment->is_sealed = true;
}
/* Both. */
MrStatus mr_segment_seal(MrSegment *segment, const void *index, size_t index_bytes,
                         MrFramePool *pool, MrError *err);
/* What a seal needs at most, besides the index body. */
static inline uint64_t mr_segment_seal_bytes(uint64_t index_bytes)
{
    return mr_frame_total_bytes(index_bytes) + MR_SEGMENT_FOOTER_BYTES;
}

/* ---- scanning a segment without a footer -------------------------------------------------- */

typedef struct MrSegmentScan {
    MrSegment *segment;
    uint64_t file_bytes;
    uint64_t offset; /* of the next frame */
    char *window;
    uint64_t window_offset;
    size_t window_bytes, window_capacity;
} MrSegmentScan;

typedef enum MrScanResult {
    MR_SCAN_FRAME,
    MR_SCAN_BAD_BODY,
    MR_SCAN_BAD_HEADER,
    MR_SCAN_END
} MrScanResult;

/* From the segment's first frame on; the segment is borrowed. */
MrStatus mr_segment_scan_init(MrSegmentScan *scan, MrSegment *segment, MrError *err);
void mr_segment_scan_fini(MrSegmentScan *scan);
/* Looks at scan->offset.  FRAME and BAD_BODY give the header and body (borrowed until the next
 * call) and the actual checksum; the caller moves scan->offset.  END: only zeros from here to the
 * file's end. */
MrStatus mr_segment_scan_next(MrSegmentScan *scan, MrScanResult *result,
                              const MrFrameHeader **header, const void **body, uint32_t *actual_crc,
                              MrError *err);
/* After BAD_HEADER: moves scan->offset to the next place that holds a good header; *found false:
 * there is none. */
MrStatus mr_segment_scan_resume(MrSegmentScan *scan, bool *found, MrError *err);

#endif
