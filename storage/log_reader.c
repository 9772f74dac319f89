/*
 * storage/log_reader.c - records in order, from the cache or the disk, cut to the range that was
 * asked for.  The lock is held only to look into the index: any number of threads read at once.
 */
#include <inttypes.h>
#include <string.h>

#include "storage/log_internal.h"

static bool filter_wants(const MrLogFilter *filter, uint32_t stream_id)
{
    return filter == NULL || filter->streams == NULL ||
           (stream_id / 64 < filter->stream_words &&
            ((filter->streams[stream_id / 64] >> (stream_id % 64)) & 1) != 0);
}

/* ---- one frame --------------------------------------------------------------------------- */

/* The frame is the one the entry stands for, whatever the bytes say. */
static MrStatus frame_check(const LogIndexEntry *at, const MrLogFrame *frame, const char *path,
                            MrError *err)
{
    const MrFrameHeader *header = frame->header;
    bool is_part = header->kind == MR_FRAME_PART;
    if (at->kind == 0) {
        return MR_OK; /* a part of a transaction that is not committed */
    }
    if (header->stream_id != at->stream_id ||
        (header->kind != at->kind && !(is_part && at->kind == MR_RECORD_ROWS)) ||
        header->row_count != at->row_count ||
        (!is_part && header->first_sequence != at->sequence)) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file \"%s\" is damaged at offset %" PRIu64
                            ": another record stands there than "
                            "sequence %" PRIu64,
                            path, at->offset, at->sequence);
    }
    return MR_OK;
}

MrStatus log_frame_load(MrLog *log, const LogIndexEntry *at, MrSegment *file, MrLogFrame **out,
                        MrError *err)
{
    *out = NULL;
    if (file == NULL) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "log file %016" PRIx64 ".seg with sequence %" PRIu64 " is missing",
                            at->segment, at->sequence);
    }
    MrStatus status = mr_segment_read_frame(file, &log->pool, at->offset, at->bytes, out, err);
    if (status == MR_OK) {
        status = frame_check(at, *out, file->path, err);
        if (status != MR_OK) {
            mr_frame_release(*out);
            *out = NULL;
        }
    }
    return status;
}

/* Reads what was not cached, and keeps it; a failed checksum marks the stream. */
static MrStatus frame_fetch(MrLog *log, const LogIndexEntry *at, MrSegment *file, MrLogFrame **out,
                            MrError *err)
{
    MrError cause = MR_ERROR_INIT;
    uint32_t segment, entry;
    MrStatus status = log_frame_load(log, at, file, out, &cause);
    pthread_mutex_lock(&log->lock);
    bool found = log_index_seek(log, at->sequence, &segment, &entry);
    LogIndexEntry *held = found ? &log->segments[segment]->entries[entry] : NULL;
    bool is_same = held != NULL && held->sequence == at->sequence;
    if (status == MR_OK && is_same && log_frame_of(log->segments[segment], entry) == NULL) {
        log_cache_add(log, log->segments[segment], entry, *out, true);
    } else if (status == MR_ERR_CORRUPT) {
        LogStream *stream = log_stream_find(log, at->stream_id);
        if (is_same) {
            held->is_damaged = 1;
        }
        if (stream != NULL) {
            log_stream_damage(log, stream, at->sequence, &cause);
        }
    }
    pthread_mutex_unlock(&log->lock);
    if (status != MR_OK && err != NULL) {
        *err = cause;
    }
    return status;
}

/* ---- rows -------------------------------------------------------------------------------- */

static MrStatus watermarks_make(const MrLogFrame *frame, const LogIndexEntry *at,
                                const MrVector *times, MrArena *arena, const int64_t **out,
                                MrError *err)
{
    int64_t *watermarks = mr_arena_calloc(arena, at->row_count, sizeof *watermarks);
    if (watermarks == NULL) {
        return mr_error_no_memory(err);
    }
    log_times_watermarks(times, at->watermark_us, frame->header->delay_us,
                         log_time_plus(at->arrival_us, frame->header->skew_us), watermarks);
    *out = watermarks;
    return MR_OK;
}

/* A frame's rows as its input has them now. */
typedef struct RangeRead {
    const MrRangeReader *ranges;
    const MrFrameHeader *header;
    const MrLogStream *stream;
    bool is_tried;
} RangeRead;

/* As many rows, and the same times: the least guard against bytes that are read otherwise now. */
static MrStatus range_check(const RangeRead *read, const MrBlock *block, MrError *err)
{
    const MrFrameHeader *header = read->header;
    uint32_t rows = block == NULL ? 0 : block->row_count;
    if (rows != header->row_count) {
        return mr_error_set(err, MR_ERR_INPUT_CHANGED,
                            "a range of the input of stream %u reads as %u rows, and was %u",
                            header->stream_id, rows, header->row_count);
    }
    if (read->stream->event_column >= 0) {
        LogTimes times = log_times_range(&block->columns[read->stream->event_column]);
        if (times.min_us != header->event_min_us || times.max_us != header->event_max_us) {
            return mr_error_set(err, MR_ERR_INPUT_CHANGED,
                                "a range of the input of stream %u reads as other times than "
                                "before",
                                header->stream_id);
        }
    }
    return MR_OK;
}

static MrStatus range_read(void *context, uint32_t stream_id, MrString range, MrBlockLoan **out,
                           MrError *err)
{
    RangeRead *read = context;
    read->is_tried = true;
    if (read->ranges->read == NULL) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED,
                            "the log holds a range of an input that nobody can read");
    }
    MR_TRY(read->ranges->read(read->ranges->context, stream_id, range, out, err));
    MrStatus status = range_check(read, *out == NULL ? NULL : (*out)->block, err);
    if (status != MR_OK) {
        mr_block_give_back(*out);
    }
    return status;
}

MrStatus log_frame_block(MrLog *log, MrLogFrame *frame, const MrLogStream *stream,
                         const MrBlock **out, MrError *err)
{
    MrError result = MR_ERROR_INIT;
    RangeRead read = { &log->options.ranges, frame->header, stream, false };
    MrRangeReader reader = { range_read, &read };
    MrStatus status = mr_frame_block(frame, stream->schema, &reader, out, &result);
    if (read.is_tried) {
        log_stream_note_input(log, stream->stream_id, &result);
    }
    if (status != MR_OK && err != NULL) {
        *err = result;
    }
    return status;
}

/* W before each row of the whole frame; made once per frame, for a small one once per reader. */
static MrStatus frame_watermarks(MrLogFrame *frame, const LogIndexEntry *at, const MrVector *times,
                                 MrArena *arena, const int64_t **out, MrError *err)
{
    MrStatus status = MR_OK;
    if (mr_frame_is_small(frame)) {
        return watermarks_make(frame, at, times, arena, out, err);
    }
    pthread_mutex_lock(&frame->lock);
    if (frame->watermarks == NULL) {
        status = watermarks_make(frame, at, times, &frame->arena, &frame->watermarks, err);
    }
    *out = frame->watermarks;
    pthread_mutex_unlock(&frame->lock);
    return status;
}

/* Rows [first, first + rows) of the frame's block.  An uneven cut cannot share the validity bits:
 * its rows are copied, which only a reader does that wants few of them. */
static MrStatus block_cut(MrArena *arena, const MrBlock *whole, uint32_t first, uint32_t rows,
                          MrBlock **out, MrError *err)
{
    MrBlock bare = *whole;
    bare.place = (MrPlace){ 0 };
    if (first == 0 && rows == whole->row_count) {
        MR_NEW(arena, *out, err);
        **out = bare;
        return MR_OK;
    }
    if (first % 64 == 0) {
        return mr_block_slice(arena, &bare, first, rows, out, err);
    }
    uint32_t *list;
    MR_NEW_ARRAY(arena, list, rows, err);
    for (uint32_t i = 0; i < rows; i++) {
        list[i] = first + i;
    }
    return mr_block_select(arena, &bare, list, rows, out, err);
}

static MrStatus record_fill_rows(MrLog *log, const LogIndexEntry *at, const MrLogStream *stream,
                                 uint64_t from, uint64_t upto, MrArena *arena, MrLogRecord *out,
                                 MrError *err)
{
    const MrBlock *whole;
    const int64_t *watermarks = NULL;
    MrBlock *block;
    uint64_t last = at->sequence + at->row_count - 1;
    uint32_t first = from > at->sequence ? (uint32_t)(from - at->sequence) : 0;
    uint32_t end = upto < last ? (uint32_t)(upto - at->sequence) + 1 : at->row_count;
    int64_t before_us = at->watermark_us, after_us = at->watermark_after_us;
    MR_TRY(mr_frame_is_small(out->frame)
               ? mr_frame_block_copy(out->frame, stream->schema, arena, &whole, err)
               : log_frame_block(log, out->frame, stream, &whole, err));
    bool may_be_late = at->event_min_us < after_us;
    if (stream->event_column >= 0 && (may_be_late || first > 0 || end < at->row_count)) {
        MR_TRY(frame_watermarks(out->frame, at, &whole->columns[stream->event_column], arena,
                                &watermarks, err));
        before_us = watermarks[first];
        after_us = end < at->row_count ? watermarks[end] : after_us;
    } else if (first > 0) {
        before_us =
            after_us; /* event time is the arrival: the first row has moved W for the others */
    }
    MR_TRY(block_cut(arena, whole, first, end - first, &block, err));
    block->place = (MrPlace){ .stream_id = at->stream_id,
                              .first_sequence = at->sequence + first,
                              .arrival_us = at->arrival_us,
                              .watermark_us = before_us,
                              .watermark_after_us = after_us,
                              .watermarks = at->event_min_us < after_us && watermarks != NULL
                                                ? watermarks + first
                                                : NULL,
                              .event_min_us = at->event_min_us };
    out->block = block;
    out->first_sequence = at->sequence + first;
    out->row_count = end - first;
    out->watermark_us = before_us;
    out->watermark_after_us = after_us;
    uint32_t bytes = out->frame->header->payload_bytes;
    out->payload = (MrString){
        (const char *)mr_frame_body(out->frame) + out->frame->header->body_bytes - bytes, bytes
    };
    return MR_OK;
}

static MrStatus record_fill(MrLog *log, const LogIndexEntry *at, MrSegment *file,
                            const MrLogStream *stream, uint64_t from, uint64_t upto, MrArena *arena,
                            MrLogRecord *out, MrError *err)
{
    out->kind = (MrRecordKind)at->kind;
    out->stream_id = at->stream_id;
    out->first_sequence = at->sequence;
    out->whole_end = at->sequence + at->row_count - 1;
    out->row_count = at->row_count;
    out->arrival_us = at->arrival_us;
    out->watermark_us = at->watermark_us;
    out->watermark_after_us = at->watermark_after_us;
    out->event_min_us = at->kind == MR_RECORD_ROWS ? at->event_min_us : MR_TIME_MAX;
    out->event_max_us = at->kind == MR_RECORD_ROWS ? at->event_max_us : MR_TIME_MIN;
    out->trim_below = at->trim_below;
    if (at->kind != MR_RECORD_ROWS && at->kind != MR_RECORD_DDL) {
        return MR_OK; /* the index says it all */
    }
    if (out->frame == NULL) {
        MR_TRY(frame_fetch(log, at, file, &out->frame, err));
    }
    if (at->kind == MR_RECORD_DDL) {
        out->payload = (MrString){ mr_frame_body(out->frame), out->frame->header->payload_bytes };
        return MR_OK;
    }
    return record_fill_rows(log, at, stream, from, upto, arena, out, err);
}

/* ---- the next record --------------------------------------------------------------------- */

/* Rows that are lost must not be passed over: an error when a wanted stream has lost some at
 * or below `upto`. */
static MrStatus damage_check(const MrLog *log, const MrLogFilter *filter, uint64_t upto,
                             MrError *err)
{
    for (uint32_t i = 0; i < log->stream_count; i++) {
        const LogStream *stream = log->streams[i];
        if (stream->error != NULL && stream->damaged_from <= upto && stream->is_known &&
            filter_wants(filter, stream->state.stream_id)) {
            if (err != NULL) {
                *err = *stream->error;
            }
            return stream->error->status;
        }
    }
    return MR_OK;
}

/* Finds the next wanted entry; the lock is held, and lent to others between turns. */
static bool entry_find(MrLog *log, uint64_t from, uint64_t upto, const MrLogFilter *filter,
                       uint32_t *segment, uint32_t *entry)
{
    uint32_t looked = 0;
    bool found = log_index_seek(log, from, segment, entry);
    while (found) {
        const LogIndexEntry *at = &log->segments[*segment]->entries[*entry];
        if (at->sequence > upto) {
            return false;
        }
        if (at->kind != MR_RECORD_GAP && filter_wants(filter, at->stream_id) &&
            !log_entry_is_gone(log, log->segments[*segment], at)) {
            return true;
        }
        found = log_index_next_in_turn(log, &looked, segment, entry);
    }
    return false;
}

MrStatus mr_log_read(MrLog *log, uint64_t from, uint64_t upto, const MrLogFilter *filter,
                     MrArena *arena, MrLogRecord *out, bool *found, MrError *err)
{
    LogIndexEntry at;
    MrLogStream definition = { 0 };
    MrSegment *file = NULL;
    uint32_t segment, entry;
    *out = (MrLogRecord){ 0 };
    *found = false;
    pthread_mutex_lock(&log->lock);
    bool is_there = entry_find(log, from, upto, filter, &segment, &entry);
    uint64_t passed = upto;
    MrStatus status = MR_OK;
    if (is_there) {
        at = log->segments[segment]->entries[entry];
        passed = at.sequence;
        out->frame = log_frame_of(log->segments[segment], entry);
        if (out->frame != NULL) {
            mr_frame_retain(out->frame);
        } else {
            /* Held from here on: the segment may be written again meanwhile, with other offsets. */
            file = log_entry_file(log, &at);
        }
        LogStream *stream = log_stream_find(log, at.stream_id);
        if (at.kind == MR_RECORD_ROWS && (stream == NULL || !stream->is_known)) {
            status = mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "the log has no stream %u",
                                  at.stream_id);
        } else if (stream != NULL) {
            definition = stream->definition;
        }
    }
    if (status == MR_OK) {
        status = damage_check(log, filter, passed, err);
    }
    pthread_mutex_unlock(&log->lock);
    if (status == MR_OK && is_there) {
        status = record_fill(log, &at, file, &definition, from, upto, arena, out, err);
        *found = status == MR_OK;
    }
    mr_segment_release(file);
    if (status != MR_OK) {
        mr_log_release(out);
    }
    return status;
}

void mr_log_release(MrLogRecord *record)
{
    mr_frame_release(record->frame);
    record->frame = NULL;
    record->block = NULL;
}
