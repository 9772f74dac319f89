/*
 * storage/log_examine.c - one segment frame by frame at start: what is good, what is a torn tail
 * and what is damage (reliability.md 2.2), and whose rows a damage takes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "common/logging.h"
#include "storage/log_internal.h"

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
    bool is_tail; /* a bad frame may be a torn write */
    uint64_t end; /* behind the last good frame */
    DamagedRange *ranges;
    uint32_t range_count, range_capacity;
} Examination;

/* ---- chains: what a stream's records say of those before them ------------------------------ */

MrStatus log_gap_note(MrLog *log, const LogIndexEntry *at, MrError *err)
{
    MR_GROW(log->gaps, log->gap_count, log->gap_capacity, err);
    log->gaps[log->gap_count++] =
        (LogGap){ .first = at->sequence, .count = at->row_count, .stream_id = at->stream_id };
    return MR_OK;
}

static void lost_note(LogStream *stream, uint64_t from, uint64_t upto)
{
    stream->lost_from = stream->lost_from == 0 ? from : stream->lost_from;
    stream->lost_upto = upto > stream->lost_upto ? upto : stream->lost_upto;
}

void log_gaps_settle(MrLog *log)
{
    for (uint32_t g = 0; g < log->gap_count; g++) {
        const LogGap *gap = &log->gaps[g];
        for (uint32_t i = 0; i < log->stream_count && gap->stream_id == 0 && !gap->is_met; i++) {
            lost_note(log->streams[i], gap->first, gap->first + gap->count - 1);
        }
    }
}

/* The row was lost, and a person knows. */
static bool is_in_gap(MrLog *log, LogStream *stream, uint64_t sequence)
{
    for (uint32_t i = log->gap_count; i-- > 0;) {
        LogGap *gap = &log->gaps[i];
        if (sequence >= gap->first && sequence - gap->first < gap->count &&
            (gap->stream_id == 0 || gap->stream_id == stream->state.stream_id)) {
            lost_note(stream, gap->first, gap->first + gap->count - 1);
            gap->is_met = true;
            return true;
        }
    }
    return false;
}

/* The rows (from, upto] of the stream were not met.  Only the end of recovery knows whether they
 * were trimmed, and may be gone. */
static void hole_note(LogStream *stream, uint64_t from, uint64_t upto, uint64_t offset,
                      const MrSegment *file)
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
    mr_error_detail(stream->hole, "Found at offset %" PRIu64 " of log file \"%s\".", offset,
                    file->path);
}

/* A record of the stream names the row before it: if that is not the last one seen, some are
 * lost. */
void log_chain_check(MrLog *log, LogStream *stream, const LogIndexEntry *at, const MrSegment *file)
{
    const LogStreamState *state = &stream->state;
    stream->proven_upto = at->sequence;
    if (at->kind == MR_RECORD_GAP) {
        lost_note(stream, at->sequence, at->sequence + at->row_count - 1);
    }
    if (at->kind == MR_RECORD_ROWS && at->stream_previous > state->last_sequence &&
        !is_in_gap(log, stream, at->stream_previous)) {
        hole_note(stream, state->last_sequence + 1, at->stream_previous, at->offset, file);
    }
}

/* A STATE tells every stream's last row.  Decodes it over what is known. */
MrStatus log_state_check(MrLog *log, const MrSegment *file, uint64_t offset, const void *data,
                         size_t length, MrError *err)
{
    LogStateHead head;
    if (length < sizeof head) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the state in log file \"%s\" is cut off",
                            file->path);
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
        if (state.last_sequence > stream->state.last_sequence &&
            !is_in_gap(log, stream, state.last_sequence)) {
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

static MrStatus record_add(Examination *exam, LogIndexEntry *at, MrString offset,
                           const MrError *damage, MrError *err)
{
    MrLog *log = exam->log;
    LogStream *stream = NULL;
    if (at->sequence < log->next_sequence || at->row_count == 0 ||
        at->sequence > UINT64_MAX - at->row_count) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file \"%s\" is damaged at offset %" PRIu64 ": sequence %" PRIu64
                            " follows %" PRIu64,
                            exam->segment->file->path, at->offset, at->sequence,
                            log->next_sequence - 1);
    }
    MR_TRY(log_segment_reserve(exam->segment, 1, err));
    if (at->kind == MR_RECORD_GAP) {
        MR_TRY(log_gap_note(log, at, err));
    }
    if (at->kind != MR_RECORD_DDL && (at->kind != MR_RECORD_GAP || at->stream_id != 0)) {
        stream = log_stream_make(log, at->stream_id);
        if (stream == NULL) {
            return mr_error_no_memory(err);
        }
        log_chain_check(log, stream, at, exam->segment->file);
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
    return (LogIndexEntry){ .sequence = header->first_sequence,
                            .stream_previous = header->stream_previous,
                            .segment = exam->segment->file->number,
                            .offset = header->offset,
                            .bytes = mr_frame_total_bytes(header->body_bytes),
                            .arrival_us = header->arrival_us,
                            .watermark_us = header->watermark_us,
                            .watermark_after_us = header->watermark_after_us,
                            .event_min_us = header->event_min_us,
                            .event_max_us = header->event_max_us,
                            .trim_below = header->trim_below,
                            .stream_id = header->stream_id,
                            .row_count = header->row_count,
                            .future_rows = header->future_rows,
                            .kind = header->kind };
}

static MrStatus commit_add(Examination *exam, const MrFrameHeader *header, const void *body,
                           MrError *err)
{
    uint64_t parts_bytes = (uint64_t)header->part * sizeof(MrCommitPart);
    if (parts_bytes > header->body_bytes) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file \"%s\" is damaged at offset %" PRIu64 ": a commit is cut off",
                            exam->segment->file->path, header->offset);
    }
    for (uint32_t i = 0; i < header->part; i++) {
        MrCommitPart part;
        memcpy(&part, (const char *)body + i * sizeof part, sizeof part);
        LogIndexEntry at = { .sequence = part.first_sequence,
                             .stream_previous = part.stream_previous,
                             .segment = part.segment,
                             .offset = part.offset,
                             .bytes = part.frame_bytes,
                             .arrival_us = header->arrival_us,
                             .watermark_us = part.watermark_us,
                             .watermark_after_us = part.watermark_after_us,
                             .event_min_us = part.event_min_us,
                             .event_max_us = part.event_max_us,
                             .stream_id = part.stream_id,
                             .row_count = part.row_count,
                             .future_rows = part.future_rows,
                             .kind = MR_RECORD_ROWS };
        const DamagedRange *range = range_find(exam, part.segment, part.offset);
        MR_TRY(record_add(exam, &at, (MrString){ NULL, 0 }, range == NULL ? NULL : &range->cause,
                          err));
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
static MrStatus frame_add(Examination *exam, const MrFrameHeader *header, const void *body,
                          bool *is_end, MrError *err)
{
    MrLog *log = exam->log;
    *is_end = false;
    if (header->transaction >= log->next_transaction) {
        log->next_transaction = header->transaction + 1;
    }
    switch (header->kind) {
    case MR_FRAME_PART: return MR_OK;
    case MR_FRAME_COMMIT: return commit_add(exam, header, body, err);
    case MR_FRAME_STATE:
        MR_TRY(log_state_check(log, exam->segment->file, header->offset, body, header->body_bytes,
                               err));
        exam->segment->first_sequence = log->next_sequence;
        return MR_OK;
    case MR_FRAME_INDEX: *is_end = true; return MR_OK;
    case MR_RECORD_ROWS:
    case MR_RECORD_HEARTBEAT:
    case MR_RECORD_ADVANCE:
    case MR_RECORD_DDL:
    case MR_RECORD_TRIM:
    case MR_RECORD_GAP: {
        LogIndexEntry at = header_entry(exam, header);
        MrString offset = { (const char *)body + header->body_bytes - header->payload_bytes,
                            header->kind == MR_RECORD_ROWS ? header->payload_bytes : 0 };
        return record_add(exam, &at, offset, NULL, err);
    }
    default:
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file \"%s\" has a frame of unknown kind %u at offset %" PRIu64,
                            exam->segment->file->path, header->kind, header->offset);
    }
}

/* ---- bad frames -------------------------------------------------------------------------- */

/* A write that the crash tore: no frame behind it was made when the place was known to be on
 * disk. */
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

static MrStatus range_add(Examination *exam, uint64_t start, uint64_t end, const MrError *cause,
                          MrError *err)
{
    MR_GROW(exam->ranges, exam->range_count, exam->range_capacity, err);
    exam->ranges[exam->range_count++] = (DamagedRange){ start, end, *cause };
    exam->segment->is_damaged = true;
    return MR_OK;
}

void log_unproven_note(MrLog *log, const MrError *cause)
{
    LogDamage *damage = &log->unproven;
    if (!damage->is_set) {
        *damage =
            (LogDamage){ .is_set = true, .first_sequence = log->next_sequence, .cause = *cause };
    }
    damage->last_sequence = log->next_sequence;
}

/* The body is bad, the header good: it says whose it is. */
static MrStatus bad_body(Examination *exam, const MrFrameHeader *header, uint32_t actual_crc,
                         MrError *err)
{
    MrError cause = MR_ERROR_INIT;
    uint64_t offset = header->offset, total = mr_frame_total_bytes(header->body_bytes);
    mr_error_set(&cause, MR_ERR_CORRUPT,
                 "log file \"%s\" is damaged at offset %" PRIu64
                 ": body checksum %08x expected, %08x found",
                 exam->segment->file->path, offset, header->body_crc, actual_crc);
    MR_TRY(range_add(exam, offset, offset + total, &cause, err));
    exam->scan.offset = offset + total;
    exam->end = exam->scan.offset;
    if (header->kind >= MR_RECORD_ROWS && header->kind <= MR_RECORD_GAP) {
        LogIndexEntry at = header_entry(exam, header);
        return record_add(exam, &at, (MrString){ NULL, 0 }, &cause, err);
    }
    if (header->kind == MR_FRAME_COMMIT) {
        log_unproven_note(exam->log, &cause);
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
                 "log file \"%s\" is damaged at offset %" PRIu64
                 ": header checksum %08x expected, %08x found",
                 exam->segment->file->path, start, head.header_crc,
                 mr_frame_header_crc(&head, exam->segment->file->salt));
    MR_TRY(mr_segment_scan_resume(scan, &found, err));
    uint64_t end = found ? scan->offset : scan->file_bytes;
    MR_TRY(range_add(exam, start, end, &cause, err));
    exam->end = end;
    if (!found) {
        scan->offset = end;
        log_unproven_note(log, &cause);
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
    log_unproven_note(log, &cause);
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

MrStatus log_examine_segment(MrLog *log, LogSegment *segment, bool is_tail, MrError *err)
{
    Examination exam = {
        .log = log, .segment = segment, .is_tail = is_tail, .end = MR_SEGMENT_START
    };
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
                    "the last write to \"%s\" was not finished: cut at offset %" PRIu64
                    ", after sequence %" PRIu64,
                    segment->file->path, exam.end, log->next_sequence - 1);
    }
    return status;
}
