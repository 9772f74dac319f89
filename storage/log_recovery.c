/*
 * storage/log_recovery.c - the log found again: sealed segments by their index, the unsealed tail
 * frame by frame.  reliability.md 2.2 says what is a torn tail (cut) and what is damage (kept, and
 * the streams in it stop).  Runs before any other thread knows the log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/logging.h"
#include "storage/log_internal.h"

typedef struct NumberList {
    uint64_t *numbers;
    uint32_t count, capacity;
    bool failed;
    const char *directory;
} NumberList;

/* Bytes of a segment that hold no good frame. */
typedef struct DamagedRange {
    uint64_t start, end;
    MrError cause;
} DamagedRange;

/* One segment under examination. */
typedef struct Examination {
    MrLog *log;
    LogSegment *segment;
    MrSegmentScan scan;
    bool is_tail;              /* a bad frame may be a torn write */
    uint64_t end;              /* behind the last good frame */
    DamagedRange *ranges;
    uint32_t range_count, range_capacity;
} Examination;

/* ---- chains: what a stream's records say of those before them ------------------------------ */

/* The rows (from, upto] of the stream were not met.  Only the end of recovery knows whether they were
 * trimmed, and may be gone. */
static void hole_note(LogStream *stream, uint64_t from, uint64_t upto, uint64_t offset, const MrSegment *file)
{
    if (stream->hole == NULL) {
        stream->hole = malloc(sizeof *stream->hole);
        if (stream->hole == NULL) {
            return; /* reading them will tell */
        }
        stream->hole_from = from;
    }
    stream->hole_upto = upto;
    mr_error_set(stream->hole, MR_ERR_CORRUPT,
                 "rows of stream %u are missing from the log: sequence %" PRIu64 " is not there",
                 stream->state.stream_id, upto);
    mr_error_detail(stream->hole, "Found at offset %" PRIu64 " of log file \"%s\".", offset, file->path);
}

/* A record of the stream names the row before it: if that is not the last one seen, some are lost. */
static void chain_check(LogStream *stream, const LogIndexEntry *at, const MrSegment *file)
{
    const LogStreamState *state = &stream->state;
    stream->proven_upto = at->sequence;
    if (at->kind == MR_RECORD_ROWS && at->stream_previous > state->last_sequence) {
        hole_note(stream, state->last_sequence + 1, at->stream_previous, at->offset, file);
    }
}

/* A STATE tells every stream's last row.  Decodes it over what is known. */
static MrStatus state_check(MrLog *log, const MrSegment *file, uint64_t offset, const void *data, size_t length,
                            MrError *err)
{
    LogStateHead head;
    if (length < sizeof head) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the state in log file \"%s\" is cut off", file->path);
    }
    memcpy(&head, data, sizeof head);
    uint64_t stored = (length - sizeof head) / sizeof(LogStreamState);
    for (uint64_t i = 0; i < head.stream_count && i < stored; i++) {
        LogStreamState state;
        memcpy(&state, (const char *)data + sizeof head + i * sizeof state, sizeof state);
        LogStream *stream = log_stream_make(log, state.stream_id);
        if (stream == NULL) {
            return mr_error_no_memory(err);
        }
        if (state.last_sequence > stream->state.last_sequence) {
            hole_note(stream, stream->state.last_sequence + 1, state.last_sequence, offset, file);
        }
        stream->proven_upto = head.next_sequence;
    }
    return log_state_decode(log, data, length, err);
}

/* ---- good frames ------------------------------------------------------------------------- */

static const DamagedRange *range_find(const Examination *exam, uint64_t segment, uint64_t offset)
{
    for (uint32_t i = 0; segment == exam->segment->file->number && i < exam->range_count; i++) {
        if (offset >= exam->ranges[i].start && offset < exam->ranges[i].end) {
            return &exam->ranges[i];
        }
    }
    return NULL;
}

static MrStatus record_add(Examination *exam, LogIndexEntry *at, MrString offset, const MrError *damage, MrError *err)
{
    MrLog *log = exam->log;
    LogStream *stream = NULL;
    if (at->sequence < log->next_sequence || at->row_count == 0 || at->sequence > UINT64_MAX - at->row_count) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file \"%s\" is damaged at offset %" PRIu64 ": sequence %" PRIu64
                            " follows %" PRIu64,
                            exam->segment->file->path, at->offset, at->sequence, log->next_sequence - 1);
    }
    MR_TRY(log_segment_reserve(exam->segment, 1, err));
    if (at->kind != MR_RECORD_DDL) {
        stream = log_stream_make(log, at->stream_id);
        if (stream == NULL) {
            return mr_error_no_memory(err);
        }
        chain_check(stream, at, exam->segment->file);
    }
    at->is_damaged = damage != NULL;
    log_segment_push(exam->segment, at);
    log_state_apply(log, stream, at, offset);
    if (damage != NULL && stream != NULL) {
        log_stream_damage(log, stream, at->sequence, damage);
    }
    return MR_OK;
}

static LogIndexEntry header_entry(const Examination *exam, const MrFrameHeader *header)
{
    return (LogIndexEntry){ .sequence = header->first_sequence, .stream_previous = header->stream_previous,
                            .segment = exam->segment->file->number, .offset = header->offset,
                            .bytes = mr_frame_total_bytes(header->body_bytes), .arrival_us = header->arrival_us,
                            .watermark_us = header->watermark_us,
                            .watermark_after_us = header->watermark_after_us,
                            .event_min_us = header->event_min_us, .event_max_us = header->event_max_us,
                            .trim_below = header->trim_below, .stream_id = header->stream_id,
                            .row_count = header->row_count, .future_rows = header->future_rows,
                            .kind = header->kind };
}

static MrStatus commit_add(Examination *exam, const MrFrameHeader *header, const void *body, MrError *err)
{
    uint64_t parts_bytes = (uint64_t)header->part * sizeof(MrCommitPart);
    if (parts_bytes > header->body_bytes) {
        return mr_error_set(err, MR_ERR_CORRUPT, "log file \"%s\" is damaged at offset %" PRIu64 ": a commit is cut off",
                            exam->segment->file->path, header->offset);
    }
    for (uint32_t i = 0; i < header->part; i++) {
        MrCommitPart part;
        memcpy(&part, (const char *)body + i * sizeof part, sizeof part);
        LogIndexEntry at = { .sequence = part.first_sequence, .stream_previous = part.stream_previous,
                             .segment = part.segment, .offset = part.offset, .bytes = part.frame_bytes,
                             .arrival_us = header->arrival_us, .watermark_us = part.watermark_us,
                             .watermark_after_us = part.watermark_after_us, .event_min_us = part.event_min_us,
                             .event_max_us = part.event_max_us, .stream_id = part.stream_id,
                             .row_count = part.row_count, .future_rows = part.future_rows,
                             .kind = MR_RECORD_ROWS };
        const DamagedRange *range = range_find(exam, part.segment, part.offset);
        MR_TRY(record_add(exam, &at, (MrString){ NULL, 0 }, range == NULL ? NULL : &range->cause, err));
    }
    uint64_t offsets = (header->body_bytes - parts_bytes) / sizeof(MrCommitOffset);
    for (uint64_t i = 0; i < offsets; i++) {
        MrCommitOffset offset;
        memcpy(&offset, (const char *)body + parts_bytes + i * sizeof offset, sizeof offset);
        LogStream *stream = log_stream_find(exam->log, offset.stream_id);
        if (stream != NULL && offset.length < sizeof stream->state.offset) {
            memcpy(stream->state.offset, offset.text, sizeof stream->state.offset);
            stream->state.offset[offset.length] = '\0';
        }
    }
    return MR_OK;
}

/* *is_end: the frame is an index, after which nothing counts. */
static MrStatus frame_add(Examination *exam, const MrFrameHeader *header, const void *body, bool *is_end, MrError *err)
{
    MrLog *log = exam->log;
    *is_end = false;
    if (header->transaction >= log->next_transaction) {
        log->next_transaction = header->transaction + 1;
    }
    switch (header->kind) {
    case MR_FRAME_PART:
        return MR_OK;
    case MR_FRAME_COMMIT:
        return commit_add(exam, header, body, err);
    case MR_FRAME_STATE:
        MR_TRY(state_check(log, exam->segment->file, header->offset, body, header->body_bytes, err));
        exam->segment->first_sequence = log->next_sequence;
        return MR_OK;
    case MR_FRAME_INDEX:
        *is_end = true;
        return MR_OK;
    case MR_RECORD_ROWS: case MR_RECORD_HEARTBEAT: case MR_RECORD_ADVANCE: case MR_RECORD_DDL: case MR_RECORD_TRIM: {
        LogIndexEntry at = header_entry(exam, header);
        MrString offset = { (const char *)body + header->body_bytes - header->payload_bytes,
                            header->kind == MR_RECORD_ROWS ? header->payload_bytes : 0 };
        return record_add(exam, &at, offset, NULL, err);
    }
    default:
        return mr_error_set(err, MR_ERR_CORRUPT, "log file \"%s\" has a frame of unknown kind %u at offset %" PRIu64,
                            exam->segment->file->path, header->kind, header->offset);
    }
}

/* ---- bad frames -------------------------------------------------------------------------- */

/* A write that the crash tore: no frame behind it was made when the place was known to be on disk. */
static MrStatus tail_is_torn(Examination *exam, uint64_t at, bool *out, MrError *err)
{
    MrSegmentScan *scan = &exam->scan;
    uint64_t start = scan->offset;
    bool found = true;
    *out = true;
    while (*out) {
        const MrFrameHeader *header;
        const void *body;
        uint32_t crc;
        MrScanResult result;
        if (scan->offset == at) {
            MR_TRY(mr_segment_scan_resume(scan, &found, err));
            if (!found) {
                break;
            }
        }
        MR_TRY(mr_segment_scan_next(scan, &result, &header, &body, &crc, err));
        if (result == MR_SCAN_END) {
            break;
        }
        if (result == MR_SCAN_BAD_HEADER) {
            MR_TRY(mr_segment_scan_resume(scan, &found, err));
            if (!found) {
                break;
            }
            continue;
        }
        if (result == MR_SCAN_FRAME && header->synced_upto > at) {
            *out = false;
        }
        scan->offset += mr_frame_total_bytes(header->body_bytes);
    }
    scan->offset = start;
    return MR_OK;
}

static MrStatus range_add(Examination *exam, uint64_t start, uint64_t end, const MrError *cause, MrError *err)
{
    if (exam->range_count == exam->range_capacity) {
        uint32_t capacity = exam->range_capacity == 0 ? 4 : exam->range_capacity * 2;
        DamagedRange *larger = realloc(exam->ranges, capacity * sizeof *larger);
        if (larger == NULL) {
            return mr_error_no_memory(err);
        }
        exam->ranges = larger;
        exam->range_capacity = capacity;
    }
    exam->ranges[exam->range_count++] = (DamagedRange){ start, end, *cause };
    exam->segment->is_damaged = true;
    return MR_OK;
}

/* Damage whose records are unknown, between two sequences: every stream that nothing later proves to
 * be whole stops. */
static void suspect_streams(MrLog *log, const LogDamage *damage)
{
    for (uint32_t i = 0; i < log->stream_count; i++) {
        LogStream *stream = log->streams[i];
        if (stream->proven_upto < damage->last_sequence && stream->state.trim_below != UINT64_MAX) {
            log_stream_damage(log, stream, damage->first_sequence, &damage->cause);
        }
    }
}

static void unproven_note(MrLog *log, const MrError *cause)
{
    LogDamage *damage = &log->unproven;
    if (!damage->is_set) {
        *damage = (LogDamage){ .is_set = true, .first_sequence = log->next_sequence, .cause = *cause };
    }
    damage->last_sequence = log->next_sequence;
}

/* The body is bad, the header good: it says whose it is. */
static MrStatus bad_body(Examination *exam, const MrFrameHeader *header, uint32_t actual_crc, MrError *err)
{
    MrError cause = MR_ERROR_INIT;
    uint64_t offset = header->offset, total = mr_frame_total_bytes(header->body_bytes);
    mr_error_set(&cause, MR_ERR_CORRUPT,
                 "log file \"%s\" is damaged at offset %" PRIu64 ": body checksum %08x expected, %08x found",
                 exam->segment->file->path, offset, header->body_crc, actual_crc);
    MR_TRY(range_add(exam, offset, offset + total, &cause, err));
    exam->scan.offset = offset + total;
    exam->end = exam->scan.offset;
    if (header->kind >= MR_RECORD_ROWS && header->kind <= MR_RECORD_TRIM) {
        LogIndexEntry at = header_entry(exam, header);
        return record_add(exam, &at, (MrString){ NULL, 0 }, &cause, err);
    }
    if (header->kind == MR_FRAME_COMMIT) {
        unproven_note(exam->log, &cause);
    } else {
        mr_log_error(MR_LOG_WARNING, "log.damaged", &cause);
    }
    return MR_OK;
}

/* The header is bad: the next good frame may say which stream stood before it. */
static MrStatus bad_header(Examination *exam, MrError *err)
{
    MrSegmentScan *scan = &exam->scan;
    MrLog *log = exam->log;
    MrError cause = MR_ERROR_INIT;
    uint64_t start = scan->offset;
    bool found;
    MrFrameHeader head = { 0 };
    MR_TRY(mr_file_read(scan->segment->file, start, &head, sizeof head, err));
    mr_error_set(&cause, MR_ERR_CORRUPT,
                 "log file \"%s\" is damaged at offset %" PRIu64 ": header checksum %08x expected, %08x found",
                 exam->segment->file->path, start, head.header_crc,
                 mr_frame_header_crc(&head, exam->segment->file->salt));
    MR_TRY(mr_segment_scan_resume(scan, &found, err));
    uint64_t end = found ? scan->offset : scan->file_bytes;
    MR_TRY(range_add(exam, start, end, &cause, err));
    exam->end = end;
    if (!found) {
        scan->offset = end;
        unproven_note(log, &cause);
        return MR_OK;
    }
    MR_TRY(mr_file_read(scan->segment->file, end, &head, sizeof head, err));
    if (head.previous_offset == start && head.previous_stream != 0) {
        LogStream *stream = log_stream_make(log, head.previous_stream);
        if (stream == NULL) {
            return mr_error_no_memory(err);
        }
        log_stream_damage(log, stream, log->next_sequence, &cause);
        return MR_OK;
    }
    unproven_note(log, &cause);
    return MR_OK;
}

/* ---- a segment without a footer ---------------------------------------------------------- */

/* *is_cut: a torn tail was found at exam->end. */
static MrStatus examine_frames(Examination *exam, bool *is_cut, MrError *err)
{
    MrSegmentScan *scan = &exam->scan;
    bool is_end = false;
    *is_cut = false;
    while (!is_end) {
        const MrFrameHeader *header;
        const void *body;
        uint32_t crc;
        MrScanResult result;
        MR_TRY(mr_segment_scan_next(scan, &result, &header, &body, &crc, err));
        if (result == MR_SCAN_END || scan->offset == exam->segment->file->index_offset) {
            return MR_OK; /* a footer that is good tells where the frames end */
        }
        if (result == MR_SCAN_FRAME) {
            uint64_t total = mr_frame_total_bytes(header->body_bytes);
            MR_TRY(frame_add(exam, header, body, &is_end, err));
            if (!is_end) {
                scan->offset += total;
                exam->end = scan->offset;
                exam->segment->file->frame_count++;
            }
            continue;
        }
        if (exam->is_tail && exam->range_count == 0) {
            MR_TRY(tail_is_torn(exam, scan->offset, is_cut, err));
            if (*is_cut) {
                return MR_OK;
            }
            /* The look ahead has moved the window: look at the bad frame again. */
            MR_TRY(mr_segment_scan_next(scan, &result, &header, &body, &crc, err));
        }
        if (result == MR_SCAN_BAD_BODY) {
            MrFrameHeader copy = *header;
            MR_TRY(bad_body(exam, &copy, crc, err));
        } else {
            MR_TRY(bad_header(exam, err));
        }
    }
    return MR_OK;
}

static MrStatus examine_unsealed(MrLog *log, LogSegment *segment, bool is_tail, MrError *err)
{
    Examination exam = { .log = log, .segment = segment, .is_tail = is_tail, .end = MR_SEGMENT_START };
    bool is_cut = false;
    segment->count = 0;
    segment->file->frame_count = 0;
    segment->first_sequence = log->next_sequence;
    /* Pages that were cached and never reached the disk must not be believed. */
    mr_file_drop_cache(segment->file->file, 0, 0);
    MrStatus status = mr_segment_scan_init(&exam.scan, segment->file, err);
    if (status == MR_OK) {
        status = examine_frames(&exam, &is_cut, err);
    }
    mr_segment_scan_fini(&exam.scan);
    free(exam.ranges);
    segment->file->end = exam.end;
    segment->next_sequence = log->next_sequence;
    if (status == MR_OK && is_cut) {
        mr_log_line(MR_LOG_WARNING, "log.torn_tail",
                    "the last write to \"%s\" was not finished: cut at offset %" PRIu64 ", after sequence %" PRIu64,
                    segment->file->path, exam.end, log->next_sequence - 1);
    }
    return status;
}

/* ---- a segment with one ------------------------------------------------------------------ */

static MrStatus load_sealed(MrLog *log, LogSegment *segment, MrError *err)
{
    MrLogFrame *frame;
    const void *state;
    size_t state_bytes;
    MR_TRY(mr_segment_read_index(segment->file, &log->pool, &frame, err));
    MrStatus status = log_index_decode(segment, frame, &state, &state_bytes, err);
    uint32_t kept = 0;
    for (uint32_t i = 0; status == MR_OK && i < segment->count; i++) {
        const LogIndexEntry *at = &segment->entries[i].at;
        LogStream *stream = at->kind == MR_RECORD_DDL ? NULL : log_stream_make(log, at->stream_id);
        if (stream == NULL && at->kind != MR_RECORD_DDL) {
            status = mr_error_no_memory(err);
            break;
        }
        if (!log_entry_is_gone(log, segment, at)) { /* chain_check sees to what should not be */
            if (stream != NULL) {
                chain_check(stream, at, segment->file);
                if (at->kind == MR_RECORD_ROWS) {
                    stream->state.last_sequence = at->sequence + at->row_count - 1;
                }
            }
            segment->entries[kept++] = segment->entries[i];
        }
    }
    if (status == MR_OK) {
        segment->count = kept;
        status = state_check(log, segment->file, segment->file->end, state, state_bytes, err);
    }
    mr_frame_release(frame);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------- */

static void number_collect(void *context, const char *name)
{
    NumberList *list = context;
    uint64_t number;
    if (!mr_segment_parse_name(name, &number)) {
        size_t length = strlen(name);
        char path[4096];
        /* A segment that was being written again when the server ended: the old one stands. */
        if (length > 8 && strcmp(name + length - 8, ".seg.tmp") == 0
            && snprintf(path, sizeof path, "%s/%s", list->directory, name) < (int)sizeof path) {
            (void)mr_file_remove(path, NULL); /* it is tried again at the next start */
        }
        return;
    }
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        uint64_t *larger = realloc(list->numbers, capacity * sizeof *larger);
        if (larger == NULL) {
            list->failed = true;
            return;
        }
        list->numbers = larger;
        list->capacity = capacity;
    }
    list->numbers[list->count++] = number;
}

/* True for a file that was being made, or was prepared and not used: no byte where frames would be. */
static MrStatus file_is_unused(const char *directory, uint64_t number, bool *out, MrError *err)
{
    char path[4096];
    MrFile *file;
    uint64_t bytes;
    char *chunk = malloc(LOG_STAGING_BYTES);
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".seg", directory, number);
    *out = true;
    if (chunk == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_open(path, MR_FILE_READ, &file, err);
    if (status != MR_OK) {
        free(chunk);
        return status;
    }
    status = mr_file_size(file, &bytes, err);
    for (uint64_t at = MR_SEGMENT_START; status == MR_OK && *out && at < bytes;) {
        size_t want = bytes - at < LOG_STAGING_BYTES ? bytes - at : LOG_STAGING_BYTES;
        status = mr_file_read(file, at, chunk, want, err);
        *out = status == MR_OK && chunk[0] == 0 && memcmp(chunk, chunk + 1, want - 1) == 0;
        at += want;
    }
    mr_file_close(file);
    free(chunk);
    return status;
}

static MrStatus file_remove_number(const char *directory, uint64_t number, MrError *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".seg", directory, number);
    return mr_file_remove(path, err);
}

/* Opens one file.  *out is NULL when it was never used (and is removed), or cannot be read at all. */
static MrStatus file_open(MrLog *log, uint64_t number, bool is_newest, LogSegment **out, MrError *err)
{
    MrSegment *file = NULL;
    MrError cause = MR_ERROR_INIT;
    bool is_unused = false;
    *out = NULL;
    MrStatus status = mr_segment_open(log->directory, number, &file, &cause);
    if (status != MR_OK && status != MR_ERR_CORRUPT) {
        if (err != NULL) {
            *err = cause;
        }
        return status;
    }
    if (is_newest && (status == MR_ERR_CORRUPT || !file->is_sealed)) {
        MrStatus looked = file_is_unused(log->directory, number, &is_unused, err);
        if (looked == MR_OK && is_unused) {
            looked = file_remove_number(log->directory, number, err);
        }
        if (looked != MR_OK || is_unused) {
            mr_segment_release(file);
            return looked;
        }
    }
    if (status == MR_ERR_CORRUPT) {
        mr_log_error(MR_LOG_ERROR, "log.corrupt", &cause);
        unproven_note(log, &cause);
        return MR_OK;
    }
    status = log_segment_add(log, file, out, err);
    if (status != MR_OK) {
        mr_segment_release(file);
    }
    return status;
}

/* All that can be known is known: what is missing, and was not trimmed, is damage. */
static void settle_damage(MrLog *log)
{
    for (uint32_t i = 0; i < log->stream_count; i++) {
        LogStream *stream = log->streams[i];
        if (stream->hole != NULL && stream->hole_upto >= stream->state.trim_below) {
            log_stream_damage(log, stream, stream->hole_from, stream->hole);
        }
        free(stream->hole);
        stream->hole = NULL;
    }
    if (log->unproven.is_set) {
        suspect_streams(log, &log->unproven);
    }
}

static MrStatus seal_tail(MrLog *log, LogSegment *tail, MrError *err)
{
    MrBuilder state, index;
    mr_builder_init(&state, 0);
    mr_builder_init(&index, 0);
    MrStatus status = log_state_encode(log, &state, err);
    if (status == MR_OK) {
        status = log_index_encode(tail, state.data, state.length, &index, err);
    }
    if (status == MR_OK) {
        status = mr_segment_seal(tail->file, index.data, index.length, &log->pool, err);
    }
    mr_builder_fini(&state);
    mr_builder_fini(&index);
    return status;
}

static MrStatus reach_check(const MrLog *log, MrError *err)
{
    if (log->next_sequence - 1 >= log->options.must_reach_sequence) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_CORRUPT,
                 "the log in \"%s\" ends at sequence %" PRIu64 ", but a target or checkpoint holds rows up to %" PRIu64,
                 log->directory, log->next_sequence - 1, log->options.must_reach_sequence);
    if (log->segment_count > 0) {
        const LogSegment *last = log_current(log);
        mr_error_detail(err, "Its last good record ends at offset %" PRIu64 " of \"%s\".", last->file->end,
                        last->file->path);
    }
    return mr_error_hint(err, "Rows that were committed are missing: restore the log's files.");
}

static MrStatus segment_recover(MrLog *log, uint64_t number, bool is_newest, MrError *err)
{
    LogSegment *segment;
    MR_TRY(file_open(log, number, is_newest, &segment, err));
    if (segment == NULL) {
        return MR_OK;
    }
    if (segment->file->is_sealed) {
        MrError cause = MR_ERROR_INIT;
        uint64_t before = log->next_sequence;
        MrStatus status = load_sealed(log, segment, &cause);
        if (status == MR_OK || status != MR_ERR_CORRUPT) {
            if (err != NULL && status != MR_OK) {
                *err = cause;
            }
            return status;
        }
        /* Its frames may still be good: they tell as much as the index did. */
        mr_log_error(MR_LOG_WARNING, "log.index_damaged", &cause);
        log->next_sequence = before;
        segment->is_damaged = true;
        return examine_unsealed(log, segment, false, err);
    }
    return examine_unsealed(log, segment, is_newest, err);
}

MrStatus log_recover(MrLog *log, MrError *err)
{
    NumberList list = { .directory = log->directory };
    MrStatus status = mr_file_list_directory(log->directory, number_collect, &list, err);
    if (status == MR_OK && list.failed) {
        status = mr_error_no_memory(err);
    }
    /* A file that was prepared and not used yet may stand behind the one that was written to. */
    while (status == MR_OK && list.count > 1) {
        MrSegment *last;
        bool is_unused = false;
        uint64_t number = list.numbers[list.count - 1];
        status = mr_segment_open(log->directory, number, &last, err);
        if (status == MR_ERR_CORRUPT || (status == MR_OK && !last->is_sealed)) {
            mr_error_clear(err);
            status = file_is_unused(log->directory, number, &is_unused, err);
        }
        mr_segment_release(last);
        if (status != MR_OK || !is_unused) {
            break;
        }
        log->next_number = number + 1;
        status = file_remove_number(log->directory, number, err);
        list.count--;
    }
    for (uint32_t i = 0; status == MR_OK && i < list.count; i++) {
        if (list.numbers[i] >= log->next_number) {
            log->next_number = list.numbers[i] + 1;
        }
        status = segment_recover(log, list.numbers[i], i + 1 == list.count, err);
    }
    free(list.numbers);
    if (status == MR_OK) {
        settle_damage(log);
        status = reach_check(log, err);
    }
    if (status == MR_OK && log->segment_count > 0 && !log_current(log)->file->is_sealed
        && !log_current(log)->is_damaged) {
        status = seal_tail(log, log_current(log), err);
    }
    return status;
}
