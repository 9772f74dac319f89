/*
 * storage/log_commit.c - what gets a sequence number, an arrival time and a place under the
 * watermark: commits of transactions, and records without rows.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/log_internal.h"

/* ---- commit ------------------------------------------------------------------------------ */

/* The part's rows again, from its frame or the disk: time has passed over one of them since. */
static MrStatus part_measure_again(MrLogTransaction *transaction, LogPart *part, int64_t arrival_us,
                                   MrError *err)
{
    MrLog *log = transaction->log;
    MrLogStream stream;
    int64_t now_us;
    MrArena arena;
    MrBlock *block;
    MR_TRY(log_stream_for_append(log, part->commit.stream_id, &stream, &now_us, err));
    MrLogFrame *frame =
        part == &transaction->parts[transaction->part_count] ? transaction->held : part->frame;
    MrLogFrame *read = NULL;
    if (frame == NULL) {
        LogIndexEntry at = { .segment = part->commit.segment,
                             .offset = part->commit.offset,
                             .bytes = part->commit.frame_bytes };
        /* It may still be in the queue. */
        MR_TRY(mr_log_write(log, err));
        pthread_mutex_lock(&log->lock);
        MrSegment *file = log_entry_file(log, &at); /* there: an open transaction keeps it */
        pthread_mutex_unlock(&log->lock);
        MrStatus loaded = log_frame_load(log, &at, file, &read, err);
        mr_segment_release(file);
        MR_TRY(loaded);
        frame = read;
    }
    if (mr_frame_is_range(frame)) {
        const MrBlock *rows;
        MrStatus got = log_frame_block(log, frame, &stream, &rows, err);
        if (got == MR_OK) {
            log_part_measure(part, &rows->columns[stream.event_column], arrival_us);
        }
        mr_frame_release(read);
        return got;
    }
    /* Decoding changes bytes, and these may wait to be written: a copy. */
    size_t bytes = frame->header->body_bytes - frame->header->payload_bytes;
    mr_arena_init(&arena, 0);
    void *copy = mr_arena_alloc_aligned(&arena, bytes);
    MrStatus status = copy == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK) {
        memcpy(copy, mr_frame_body(frame), bytes);
        status = mr_block_decode(&arena, stream.schema, copy, bytes, &block, err);
    }
    if (status == MR_OK) {
        log_part_measure(part, &block->columns[stream.event_column], arrival_us);
    }
    mr_arena_fini(&arena);
    mr_frame_release(read);
    return status;
}

/* Takes the arrival time under the lock, and sees to it that every part is measured for it. */
static MrStatus commit_arrival(MrLogTransaction *transaction, uint32_t parts, bool *waited,
                               MrError *err)
{
    MrLog *log = transaction->log;
    *waited = false;
    for (;;) {
        int64_t wall_us = mr_clock_wall_us(log->options.clock);
        LogPart *stale = NULL;
        MR_TRY(log_failure(log, err));
        if (wall_us > log->last_arrival_us) {
            log->last_arrival_us = wall_us;
        }
        for (uint32_t i = 0; i < parts && stale == NULL; i++) {
            LogPart *part = &transaction->parts[i];
            LogStream *stream = log_stream_find(log, part->commit.stream_id);
            if (stream == NULL || !stream->is_known || stream->error != NULL) {
                if (stream != NULL && stream->error != NULL && err != NULL) {
                    *err = *stream->error;
                    return err->status;
                }
                return log_no_stream(err);
            }
            int64_t limit = log_time_plus(log->last_arrival_us, part->skew_us);
            if (stream->definition.event_column >= 0 &&
                (limit < part->sure_from_us || limit >= part->sure_below_us) &&
                !(part->sure_below_us == MR_TIME_MAX && limit == MR_TIME_MAX)) {
                stale = part;
            }
        }
        if (stale == NULL) {
            return MR_OK;
        }
        int64_t arrival_us = log->last_arrival_us;
        *waited = true;
        pthread_mutex_unlock(&log->lock);
        MrStatus status = part_measure_again(transaction, stale, arrival_us, err);
        pthread_mutex_lock(&log->lock);
        MR_TRY(status);
    }
}

/* Room in the current segment and every part measured for the arrival, both at once: each may give
 * up the lock, and with it what the other found. */
static MrStatus commit_ready(MrLogTransaction *transaction, uint64_t frame_bytes, uint32_t parts,
                             MrError *err)
{
    bool waited;
    do {
        MR_TRY(log_place_room(transaction->log, frame_bytes, parts, false, err));
        MR_TRY(commit_arrival(transaction, parts, &waited, err));
    } while (waited);
    return MR_OK;
}

/* Numbers, W before and after.  `watermark_us` and `previous` are the stream's so far. */
static void part_number(MrLog *log, LogPart *part, uint64_t sequence, uint64_t previous,
                        int64_t watermark_us)
{
    const MrLogStream *stream = &log_stream_find(log, part->commit.stream_id)->definition;
    int64_t moved_us = part->moved_us;
    if (stream->event_column < 0) {
        /* Event time is the arrival. */
        part->commit.event_min_us = part->commit.event_max_us = moved_us = log->last_arrival_us;
    }
    part->commit.first_sequence = sequence;
    part->commit.stream_previous = previous;
    part->commit.watermark_us = watermark_us;
    int64_t after_us = log_time_less(moved_us, part->delay_us);
    part->commit.watermark_after_us = after_us > watermark_us ? after_us : watermark_us;
}

static LogIndexEntry part_entry(const MrLog *log, const MrCommitPart *part)
{
    return (LogIndexEntry){ .sequence = part->first_sequence,
                            .stream_previous = part->stream_previous,
                            .segment = part->segment,
                            .offset = part->offset,
                            .bytes = part->frame_bytes,
                            .arrival_us = log->last_arrival_us,
                            .watermark_us = part->watermark_us,
                            .watermark_after_us = part->watermark_after_us,
                            .event_min_us = part->event_min_us,
                            .event_max_us = part->event_max_us,
                            .stream_id = part->stream_id,
                            .row_count = part->row_count,
                            .future_rows = part->future_rows,
                            .kind = MR_RECORD_ROWS };
}

static MrStatus commit_one(MrLogTransaction *transaction, MrError *err)
{
    MrLog *log = transaction->log;
    MrLogFrame *frame = transaction->held;
    LogPart *part = &transaction->parts[0];
    MR_TRY(commit_ready(transaction, frame->total_bytes, 1, err));
    LogStream *stream = log_stream_find(log, part->commit.stream_id);
    part_number(log, part, log->next_sequence, stream->state.last_sequence,
                stream->state.watermark_us);
    MrFrameHeader *header = frame->header;
    header->kind = MR_RECORD_ROWS;
    header->first_sequence = part->commit.first_sequence;
    header->stream_previous = part->commit.stream_previous;
    header->arrival_us = log->last_arrival_us;
    header->watermark_us = part->commit.watermark_us;
    header->watermark_after_us = part->commit.watermark_after_us;
    header->event_min_us = part->commit.event_min_us;
    header->event_max_us = part->commit.event_max_us;
    header->future_rows = part->commit.future_rows;
    log_place(log, frame);
    part->commit.segment = log_current(log)->file->number;
    part->commit.offset = header->offset;
    LogIndexEntry at = part_entry(log, &part->commit);
    uint32_t entry = log_segment_push(log_current(log), &at);
    log_state_apply(log, stream, &at, (MrString){ part->offset, part->offset_bytes });
    log_cache_add(log, log_current(log), entry, frame, false);
    return MR_OK;
}

/* Numbers all parts as if they had been appended now, one after the other. */
static void commit_number(MrLog *log, MrLogTransaction *transaction)
{
    uint64_t sequence = log->next_sequence;
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        LogPart *part = &transaction->parts[i];
        LogStream *stream = log_stream_find(log, part->commit.stream_id);
        uint64_t previous = stream->state.last_sequence;
        int64_t watermark_us = stream->state.watermark_us;
        for (uint32_t j = i; j-- > 0;) {
            const MrCommitPart *earlier = &transaction->parts[j].commit;
            if (earlier->stream_id == part->commit.stream_id) {
                previous = earlier->first_sequence + earlier->row_count - 1;
                watermark_us = earlier->watermark_after_us;
                break;
            }
        }
        part_number(log, part, sequence, previous, watermark_us);
        sequence += part->commit.row_count;
    }
}

/* Only the last offset of a stream counts.  Gives their number; writes them unless `out` is
 * NULL. */
static uint32_t commit_offsets(const MrLogTransaction *transaction, MrCommitOffset *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        const LogPart *part = &transaction->parts[i];
        bool is_last = part->offset_bytes > 0;
        for (uint32_t j = i + 1; is_last && j < transaction->part_count; j++) {
            const LogPart *later = &transaction->parts[j];
            is_last = later->commit.stream_id != part->commit.stream_id || later->offset_bytes == 0;
        }
        if (is_last && out != NULL) {
            out[count] = (MrCommitOffset){ .stream_id = part->commit.stream_id,
                                           .length = part->offset_bytes };
            memcpy(out[count].text, part->offset, sizeof out[count].text);
        }
        count += is_last;
    }
    return count;
}

static MrStatus commit_many(MrLogTransaction *transaction, MrError *err)
{
    MrLog *log = transaction->log;
    uint32_t parts = transaction->part_count;
    MrLogFrame *frame;
    uint64_t parts_bytes = (uint64_t)parts * sizeof(MrCommitPart);
    uint64_t offsets_bytes = commit_offsets(transaction, NULL) * sizeof(MrCommitOffset);
    MR_TRY(mr_frame_create(&log->pool, parts_bytes + offsets_bytes, &frame, err));
    MrStatus status = commit_ready(transaction, frame->total_bytes, parts, err);
    if (status != MR_OK) {
        mr_frame_release(frame);
        return status;
    }
    commit_number(log, transaction);
    MrFrameHeader *header = frame->header;
    MrCommitPart *body = mr_frame_body(frame);
    for (uint32_t i = 0; i < parts; i++) {
        body[i] = transaction->parts[i].commit;
    }
    commit_offsets(transaction, (MrCommitOffset *)(void *)(body + parts));
    header->kind = MR_FRAME_COMMIT;
    header->transaction = transaction->id;
    header->part = parts;
    header->first_sequence = log->next_sequence;
    header->arrival_us = log->last_arrival_us;
    header->body_crc = mr_frame_body_crc(header, body);
    log_place(log, frame);
    mr_frame_release(frame);
    for (uint32_t i = 0; i < parts; i++) {
        LogPart *part = &transaction->parts[i];
        LogIndexEntry at = part_entry(log, &part->commit);
        uint32_t entry = log_segment_push(log_current(log), &at);
        log_state_apply(log, log_stream_find(log, at.stream_id), &at,
                        (MrString){ part->offset, part->offset_bytes });
        if (part->frame != NULL) {
            log_cache_add(log, log_current(log), entry, part->frame, false);
        }
    }
    return MR_OK;
}

MrStatus mr_log_commit(MrLogTransaction *transaction, uint64_t *last_sequence,
                       MrDurability *durability, MrError *err)
{
    MrLog *log = transaction->log;
    MrStatus status = MR_OK;
    *last_sequence = 0;
    *durability = MR_DURABILITY_NONE;
    if (transaction->held != NULL && transaction->part_count > 0) {
        status = log_place_held(transaction, err);
    }
    pthread_mutex_lock(&log->lock);
    bool is_one = transaction->held != NULL;
    if (status == MR_OK && is_one) {
        status = commit_one(transaction, err);
    } else if (status == MR_OK && transaction->part_count > 0) {
        status = commit_many(transaction, err);
    }
    if (status == MR_OK && (is_one || transaction->part_count > 0)) {
        *last_sequence = log->next_sequence - 1;
        for (uint32_t i = 0; i < transaction->part_count + is_one; i++) {
            LogStream *stream = log_stream_find(log, transaction->parts[i].commit.stream_id);
            if (stream->definition.durability < *durability) {
                *durability = stream->definition.durability;
            }
        }
        if (log->queue.bytes > LOG_QUEUE_BYTES_MAX) {
            status = log_flush(log, log->placed_ticket, false, err);
        }
    }
    log_transaction_unlink(transaction);
    pthread_mutex_unlock(&log->lock);
    log_transaction_free(transaction);
    return status;
}

/* ---- records without rows ---------------------------------------------------------------- */

/* Header fields that the caller has set in `frame` go into an entry; the lock is held. */
static MrStatus record_place(MrLog *log, MrLogFrame *frame, uint64_t *sequence, MrError *err)
{
    MrFrameHeader *header = frame->header;
    int64_t wall_us = mr_clock_wall_us(log->options.clock);
    MR_TRY(log_place_room(log, frame->total_bytes, 1, true, err));
    LogStream *stream = log_stream_find(log, header->stream_id);
    int64_t before_us = stream == NULL ? MR_TIME_MIN : stream->state.watermark_us;
    header->row_count = 1;
    header->first_sequence = log->next_sequence;
    header->arrival_us = wall_us > log->last_arrival_us ? wall_us : log->last_arrival_us;
    header->watermark_us = before_us;
    if (header->watermark_after_us < before_us) {
        header->watermark_after_us = before_us;
    }
    header->event_min_us = MR_TIME_MAX;
    header->event_max_us = MR_TIME_MIN;
    if (header->kind == MR_RECORD_TRIM) {
        /* What stays visible stands in the record: the rows that it hides may be gone when the
         * record is met again. */
        uint64_t rows = 0, bytes = 0;
        if (stream != NULL) {
            log_state_trimmed(log, stream, header->trim_below, &rows, &bytes);
        }
        header->event_min_us = (int64_t)rows;
        header->event_max_us = (int64_t)bytes;
    }
    header->body_crc = mr_frame_body_crc(header, mr_frame_body(frame));
    log_place(log, frame);
    LogIndexEntry at = { .sequence = header->first_sequence,
                         .segment = log_current(log)->file->number,
                         .offset = header->offset,
                         .bytes = frame->total_bytes,
                         .arrival_us = header->arrival_us,
                         .watermark_us = header->watermark_us,
                         .watermark_after_us = header->watermark_after_us,
                         .event_min_us = header->event_min_us,
                         .event_max_us = header->event_max_us,
                         .trim_below = header->trim_below,
                         .stream_id = header->stream_id,
                         .row_count = 1,
                         .kind = header->kind };
    uint32_t entry = log_segment_push(log_current(log), &at);
    log_state_apply(log, stream, &at, (MrString){ NULL, 0 });
    log_cache_add(log, log_current(log), entry, frame, false);
    *sequence = at.sequence;
    return MR_OK;
}

MrStatus mr_log_append_watermark(MrLog *log, MrRecordKind kind, uint32_t stream_id,
                                 int64_t watermark_us, uint64_t *sequence, MrError *err)
{
    MrLogFrame *frame;
    *sequence = 0;
    if (kind != MR_RECORD_HEARTBEAT && kind != MR_RECORD_ADVANCE) {
        return mr_error_set(err, MR_ERR_INTERNAL, "record kind %d moves no watermark", kind);
    }
    MR_TRY(mr_frame_create(&log->pool, 0, &frame, err));
    frame->header->kind = (uint16_t)kind;
    frame->header->stream_id = stream_id;
    frame->header->watermark_after_us = watermark_us;
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    MrStatus status = log_failure(log, err);
    if (status == MR_OK && (stream == NULL || !stream->is_known)) {
        status = log_no_stream(err);
    }
    bool tells_time = kind == MR_RECORD_HEARTBEAT && watermark_us == MR_TIME_MIN;
    if (status == MR_OK && (tells_time || watermark_us > stream->state.watermark_us)) {
        status = record_place(log, frame, sequence, err);
    }
    pthread_mutex_unlock(&log->lock);
    mr_frame_release(frame);
    return status;
}

MrStatus mr_log_append_ddl(MrLog *log, MrString payload, uint64_t *sequence, MrError *err)
{
    MrLogFrame *frame;
    *sequence = 0;
    MR_TRY(mr_frame_create(&log->pool, payload.length, &frame, err));
    if (payload.length > 0) {
        memcpy(mr_frame_body(frame), payload.data, payload.length);
    }
    frame->header->kind = MR_RECORD_DDL;
    frame->header->payload_bytes = (uint32_t)payload.length;
    frame->header->watermark_after_us = MR_TIME_MIN;
    pthread_mutex_lock(&log->lock);
    MrStatus status = record_place(log, frame, sequence, err);
    pthread_mutex_unlock(&log->lock);
    mr_frame_release(frame);
    return status;
}

MrStatus log_append_gap(MrLog *log, uint32_t stream_id, MrError *err)
{
    MrLogFrame *frame;
    uint64_t sequence;
    MR_TRY(mr_frame_create(&log->pool, 0, &frame, err));
    frame->header->kind = MR_RECORD_GAP;
    frame->header->stream_id = stream_id;
    frame->header->watermark_after_us = MR_TIME_MIN;
    pthread_mutex_lock(&log->lock);
    MrStatus status = record_place(log, frame, &sequence, err);
    pthread_mutex_unlock(&log->lock);
    mr_frame_release(frame);
    return status;
}

MrStatus mr_log_append_trim(MrLog *log, uint32_t stream_id, uint64_t below, uint64_t *sequence,
                            MrError *err)
{
    MrLogFrame *frame;
    *sequence = 0;
    MR_TRY(mr_frame_create(&log->pool, 0, &frame, err));
    frame->header->kind = MR_RECORD_TRIM;
    frame->header->stream_id = stream_id;
    frame->header->trim_below = below;
    frame->header->watermark_after_us = MR_TIME_MIN;
    pthread_mutex_lock(&log->lock);
    MrStatus status = record_place(log, frame, sequence, err);
    pthread_mutex_unlock(&log->lock);
    mr_frame_release(frame);
    return status;
}
