/*
 * storage/segment.c - the files of the log: header, footer, reading a frame, sealing.
 */
#include "storage/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/fault.h"
#include "common/random.h"

enum { HEADER_COPY_OFFSET = 2048 };

static const char header_magic[8] = { 'M', 'R', 'L', 'O', 'G', 'S', 'E', 'G' };
static const char footer_magic[8] = { 'M', 'R', 'L', 'O', 'G', 'E', 'N', 'D' };

_Static_assert(sizeof(MrSegmentHeader) == 128, "no holes on disk");
_Static_assert(sizeof(MrSegmentFooter) == MR_SEGMENT_FOOTER_BYTES, "no holes on disk");

bool mr_segment_parse_name(const char *name, uint64_t *number)
{
    char again[32];
    char *end;
    *number = strtoull(name, &end, 16);
    snprintf(again, sizeof again, "%016" PRIx64 ".seg", *number);
    return *number != 0 && strcmp(name, again) == 0;
}

static MrStatus segment_new(const char *directory, uint64_t number, MrSegment **out, MrError *err)
{
    MrSegment *segment = calloc(1, sizeof *segment);
    size_t bytes = strlen(directory) + 40;
    char *path = malloc(bytes);
    if (segment == NULL || path == NULL) {
        free(segment);
        free(path);
        return mr_error_no_memory(err);
    }
    snprintf(path, bytes, "%s/%016" PRIx64 ".seg", directory, number);
    atomic_init(&segment->references, 1);
    segment->number = number;
    segment->path = path;
    segment->end = MR_SEGMENT_START;
    *out = segment;
    return MR_OK;
}

void mr_segment_retain(MrSegment *segment)
{
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
}

void mr_segment_release(MrSegment *segment)
{
    if (segment != NULL &&
        atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) == 1) {
        mr_file_close(segment->file);
        free(segment->path);
        free(segment);
    }
}

static uint32_t header_crc(const MrSegmentHeader *header)
{
    return mr_crc32c(0, header, offsetof(MrSegmentHeader, crc));
}

/* ---- making ------------------------------------------------------------------------------ */

static MrStatus segment_write_header(MrSegment *segment, uint64_t bytes, int64_t created_us,
                                     MrError *err)
{
    MrSegmentHeader header = { .version = MR_SEGMENT_VERSION,
                               .number = segment->number,
                               .allocated_bytes = bytes,
                               .created_us = created_us };
    char page[MR_SEGMENT_START] = { 0 };
    MR_TRY(mr_random_bytes(&header.salt, sizeof header.salt, err));
    memcpy(header.magic, header_magic, sizeof header.magic);
    header.crc = header_crc(&header);
    memcpy(page, &header, sizeof header);
    memcpy(page + HEADER_COPY_OFFSET, &header, sizeof header);
    segment->salt = header.salt;
    return mr_file_write(segment->file, 0, page, sizeof page, err);
}

/* The file under the segment's path, up to its own fsync. */
static MrStatus segment_make(MrSegment *segment, uint64_t bytes, int64_t created_us, MrError *err)
{
    MR_TRY(mr_file_open(segment->path, MR_FILE_CREATE, &segment->file, err));
    MrStatus status = mr_file_allocate(segment->file, bytes, err);
    if (status == MR_OK) {
        status = segment_write_header(segment, bytes, created_us, err);
    }
    if (status == MR_OK) {
        mr_fault_point("segment.after_create");
        status = mr_file_sync(segment->file, err);
    }
    if (status != MR_OK) {
        (void)mr_file_remove(segment->path,
                             NULL); /* the first cause is told; a rest is skipped at open */
    }
    segment->allocated_bytes = bytes;
    return status;
}

MrStatus mr_segment_create(const char *directory, uint64_t number, uint64_t bytes,
                           int64_t created_us, MrSegment **out, MrError *err)
{
    MrSegment *segment;
    *out = NULL;
    MR_TRY(segment_new(directory, number, &segment, err));
    MrStatus status = segment_make(segment, bytes, created_us, err);
    /* Without this the whole file may be missing after a power loss, synced frames and all. */
    if (status == MR_OK && !mr_fault_planted("skip_directory_fsync")) {
        status = mr_file_sync_directory(directory, err);
        if (status != MR_OK) {
            (void)mr_file_remove(segment->path, NULL);
        }
    }
    if (status != MR_OK) {
        mr_segment_release(segment);
        return status;
    }
    *out = segment;
    return MR_OK;
}

MrStatus mr_segment_create_copy(const char *directory, uint64_t number, uint64_t bytes,
                                int64_t created_us, MrSegment **out, MrError *err)
{
    MrSegment *segment;
    *out = NULL;
    MR_TRY(segment_new(directory, number, &segment, err));
    /* segment_new left room for it */
    memcpy(segment->path + strlen(segment->path), ".tmp", sizeof ".tmp");
    MrStatus status = MR_OK;
    if (mr_file_exists(segment->path)) {
        status = mr_file_remove(segment->path, err);
    }
    if (status == MR_OK) {
        status = segment_make(segment, bytes, created_us, err);
    }
    if (status != MR_OK) {
        mr_segment_release(segment);
        return status;
    }
    *out = segment;
    return MR_OK;
}

MrStatus mr_segment_publish_copy(const char *directory, MrSegment *segment, MrError *err)
{
    char name[4096];
    size_t length = strlen(segment->path) - strlen(".tmp");
    if (length >= sizeof name) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "the directory name \"%.100s\" is too long", directory);
    }
    memcpy(name, segment->path, length);
    name[length] = '\0';
    MR_TRY(mr_file_rename(segment->path, name, err));
    segment->path[length] = '\0';
    return mr_fault_planted("skip_directory_fsync") ? MR_OK
                                                    : mr_file_sync_directory(directory, err);
}

/* ---- opening ----------------------------------------------------------------------------- */

static MrStatus header_check(const MrSegment *segment, const MrSegmentHeader *header, MrError *err)
{
    if (memcmp(header->magic, header_magic, sizeof header_magic) != 0) {
        return mr_error_set(err, MR_ERR_CORRUPT, "log file \"%s\" does not start as a log segment",
                            segment->path);
    }
    uint32_t actual = header_crc(header);
    bool is_good = actual == header->crc || mr_fault_planted("ignore_crc");
    if (header->version > MR_SEGMENT_VERSION || (is_good && header->incompatible != 0)) {
        mr_error_set(
            err, MR_ERR_UNSUPPORTED,
            "log file \"%s\" has format version %u with feature bits %#x; this server reads "
            "version %d",
            segment->path, header->version, header->incompatible, MR_SEGMENT_VERSION);
        return mr_error_hint(err, "Start the server version that wrote it.");
    }
    if (!is_good || header->number != segment->number) {
        return mr_error_set(
            err, MR_ERR_CORRUPT,
            "the header of log file \"%s\" is damaged: checksum %08x expected, %08x found",
            segment->path, header->crc, actual);
    }
    return MR_OK;
}

/* A sealed segment ends in a footer whose index is where it says. */
static MrStatus segment_read_footer(MrSegment *segment, uint64_t file_bytes, MrError *err)
{
    MrSegmentFooter footer;
    if (file_bytes < MR_SEGMENT_START + sizeof(MrFrameHeader) + sizeof footer) {
        return MR_OK;
    }
    MR_TRY(mr_file_read(segment->file, file_bytes - sizeof footer, &footer, sizeof footer, err));
    if (memcmp(footer.magic, footer_magic, sizeof footer_magic) == 0 &&
        (mr_crc32c(segment->salt, &footer, offsetof(MrSegmentFooter, crc)) == footer.crc ||
         mr_fault_planted("ignore_crc")) &&
        footer.index_offset >= MR_SEGMENT_START &&
        footer.index_offset <= file_bytes - sizeof footer - sizeof(MrFrameHeader)) {
        segment->is_sealed = true;
        segment->end = file_bytes;
        segment->index_offset = footer.index_offset;
        segment->frame_count = footer.frame_count;
    }
    return MR_OK;
}

static MrStatus segment_load(MrSegment *segment, MrError *err)
{
    char page[MR_SEGMENT_START];
    size_t got;
    uint64_t file_bytes;
    MrSegmentHeader header, copy;
    MR_TRY(mr_file_open(segment->path, MR_FILE_WRITE, &segment->file, err));
    MR_TRY(mr_file_size(segment->file, &file_bytes, err));
    memset(page, 0, sizeof page);
    MR_TRY(mr_file_read_some(segment->file, 0, page, sizeof page, &got, err));
    memcpy(&header, page, sizeof header);
    memcpy(&copy, page + HEADER_COPY_OFFSET, sizeof copy);
    MrStatus status = header_check(segment, &header, err);
    if (status == MR_ERR_CORRUPT && header_check(segment, &copy, NULL) == MR_OK) {
        header = copy;
        mr_error_clear(err);
        status = MR_OK;
    }
    if (status == MR_OK) {
        segment->salt = header.salt;
        segment->allocated_bytes = file_bytes;
        status = segment_read_footer(segment, file_bytes, err);
    }
    return status;
}

MrStatus mr_segment_open(const char *directory, uint64_t number, MrSegment **out, MrError *err)
{
    MrSegment *segment;
    *out = NULL;
    MR_TRY(segment_new(directory, number, &segment, err));
    MrStatus status = segment_load(segment, err);
    if (status != MR_OK) {
        mr_segment_release(segment);
        return status;
    }
    *out = segment;
    return MR_OK;
}

/* ---- reading one frame ------------------------------------------------------------------- */

static MrStatus frame_corrupt(const MrSegment *segment, uint64_t offset, const char *what,
                              uint32_t expected, uint32_t actual, MrError *err)
{
    return mr_error_set(err, MR_ERR_CORRUPT,
                        "log file \"%s\" is damaged at offset %" PRIu64
                        ": %s checksum %08x expected, %08x found",
                        segment->path, offset, what, expected, actual);
}

static MrStatus frame_verify(const MrSegment *segment, const MrLogFrame *frame, uint64_t offset,
                             MrError *err)
{
    const MrFrameHeader *header = frame->header;
    bool is_ignored = mr_fault_planted("ignore_crc");
    uint32_t actual = mr_frame_header_crc(header, segment->salt);
    if (actual != header->header_crc && !is_ignored) {
        return frame_corrupt(segment, offset, "header", header->header_crc, actual, err);
    }
    if (header->magic != MR_FRAME_MAGIC || header->offset != offset ||
        header->body_bytes > frame->total_bytes ||
        mr_frame_total_bytes(header->body_bytes) != frame->total_bytes ||
        header->payload_bytes > header->body_bytes) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file \"%s\" is damaged at offset %" PRIu64
                            ": the frame there is not the one that the index names (checksum %08x)",
                            segment->path, offset, actual);
    }
    actual = mr_frame_body_crc(header, mr_frame_body(frame));
    if (actual != header->body_crc && !is_ignored) {
        return frame_corrupt(segment, offset, "body", header->body_crc, actual, err);
    }
    return MR_OK;
}

MrStatus mr_segment_read_frame(MrSegment *segment, MrFramePool *pool, uint64_t offset,
                               uint64_t bytes, MrLogFrame **out, MrError *err)
{
    MrLogFrame *frame;
    size_t got;
    *out = NULL;
    if (bytes < sizeof(MrFrameHeader) || bytes % MR_FRAME_ALIGN != 0) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "the index of log file \"%s\" names a frame of %" PRIu64 " bytes",
                            segment->path, bytes);
    }
    MR_TRY(mr_frame_create(pool, bytes - sizeof(MrFrameHeader), &frame, err));
    MrStatus status = mr_file_read_some(segment->file, offset, frame->header, bytes, &got, err);
    if (status == MR_OK && got < bytes) {
        /* A read may be short; a file that ends before its frame is damage. */
        size_t more;
        status = mr_file_read_some(segment->file, offset + got, (char *)frame->header + got,
                                   bytes - got, &more, err);
        if (status == MR_OK && got + more < bytes) {
            status = mr_error_set(err, MR_ERR_CORRUPT,
                                  "log file \"%s\" is damaged at offset %" PRIu64
                                  ": it ends within a frame, %zu of %" PRIu64 " bytes are there",
                                  segment->path, offset, got + more, bytes);
        }
    }
    if (status == MR_OK) {
        status = frame_verify(segment, frame, offset, err);
    }
    if (status != MR_OK) {
        mr_frame_release(frame);
        return status;
    }
    atomic_store_explicit(&frame->is_written, true, memory_order_relaxed);
    *out = frame;
    return MR_OK;
}

MrStatus mr_segment_read_index(MrSegment *segment, MrFramePool *pool, MrLogFrame **out,
                               MrError *err)
{
    MrSegmentFooter footer;
    uint64_t footer_offset = segment->end - sizeof footer;
    MR_TRY(mr_file_read(segment->file, footer_offset, &footer, sizeof footer, err));
    MR_TRY(mr_segment_read_frame(segment, pool, footer.index_offset,
                                 footer_offset - footer.index_offset, out, err));
    if ((*out)->header->kind != MR_FRAME_INDEX ||
        ((*out)->header->header_crc != footer.index_crc && !mr_fault_planted("ignore_crc"))) {
        mr_frame_release(*out);
        *out = NULL;
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "the index of log file \"%s\" is not the one it was sealed with",
                            segment->path);
    }
    return MR_OK;
}

/* ---- growing and sealing ----------------------------------------------------------------- */

void mr_segment_place(MrSegment *segment, MrFrameHeader *header, uint64_t total_bytes)
{
    header->offset = segment->end;
    header->previous_offset = segment->previous_offset;
    header->previous_stream = segment->previous_stream;
    header->synced_upto = segment->synced_upto;
    header->header_crc = mr_frame_header_crc(header, segment->salt);
    segment->previous_offset = segment->end;
    segment->previous_stream = header->stream_id;
    segment->end += total_bytes;
    segment->frame_count++;
}

MrStatus mr_segment_write_seal(MrSegment *segment, const void *index, size_t index_bytes,
                               MrFramePool *pool, uint64_t *end, MrError *err)
{
    MrLogFrame *frame;
    MR_TRY(mr_frame_create(pool, index_bytes + MR_SEGMENT_FOOTER_BYTES, &frame, err));
    /* One write: the index frame, then the footer right behind its padding. */
    MrFrameHeader *header = frame->header;
    uint64_t index_total = mr_frame_total_bytes(index_bytes);
    MrSegmentFooter footer = { .index_offset = segment->end, .frame_count = segment->frame_count };
    header->kind = MR_FRAME_INDEX;
    header->body_bytes = index_bytes;
    memset(mr_frame_body(frame), 0, frame->total_bytes - sizeof *header);
    memcpy(mr_frame_body(frame), index, index_bytes);
    header->body_crc = mr_frame_body_crc(header, mr_frame_body(frame));
    header->offset = segment->end;
    header->header_crc = mr_frame_header_crc(header, segment->salt);
    memcpy(footer.magic, footer_magic, sizeof footer.magic);
    footer.index_crc = header->header_crc;
    footer.crc = mr_crc32c(segment->salt, &footer, offsetof(MrSegmentFooter, crc));
    memcpy((char *)frame->header + index_total, &footer, sizeof footer);
    uint64_t bytes = index_total + sizeof footer;
    MrStatus status = mr_file_write(segment->file, segment->end, frame->header, bytes, err);
    if (status == MR_OK) {
        status = mr_file_truncate(segment->file, segment->end + bytes, err);
    }
    if (status == MR_OK) {
        status = mr_file_sync(segment->file, err);
    }
    *end = segment->end + bytes;
    mr_frame_release(frame);
    return status;
}

MrStatus mr_segment_seal(MrSegment *segment, const void *index, size_t index_bytes,
                         MrFramePool *pool, MrError *err)
{
    uint64_t end;
    MR_TRY(mr_segment_write_seal(segment, index, index_bytes, pool, &end, err));
    mr_segment_set_sealed(segment, end);
    return MR_OK;
}
