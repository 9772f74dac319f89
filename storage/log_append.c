/*
 * storage/log_append.c - transactions up to their commit: blocks copied into frames and measured,
 * all without the lock, and parts placed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/log_internal.h"

/* ---- transactions ------------------------------------------------------------------------ */

MrStatus mr_log_begin(MrLog *log, MrLogTransaction **out, MrError *err)
{
    *out = NULL;
    MrLogTransaction *transaction = calloc(1, sizeof *transaction);
    if (transaction == NULL) {
        return mr_error_no_memory(err);
    }
    transaction->log = log;
    transaction->first_segment = UINT64_MAX;
    pthread_mutex_lock(&log->lock);
    MrStatus status = log_failure(log, err);
    if (status == MR_OK) {
        transaction->id = log->next_transaction++;
        transaction->next_open = log->open_transactions;
        transaction->link = &log->open_transactions;
        if (log->open_transactions != NULL) {
            log->open_transactions->link = &transaction->next_open;
        }
        log->open_transactions = transaction;
    }
    pthread_mutex_unlock(&log->lock);
    if (status != MR_OK) {
        free(transaction);
        return status;
    }
    *out = transaction;
    return MR_OK;
}

/* The lock is held. */
void log_transaction_unlink(MrLogTransaction *transaction)
{
    *transaction->link = transaction->next_open;
    if (transaction->next_open != NULL) {
        transaction->next_open->link = transaction->link;
    }
}

void log_transaction_free(MrLogTransaction *transaction)
{
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        mr_frame_release(transaction->parts[i].frame);
    }
    mr_frame_release(transaction->held);
    free(transaction->parts);
    free(transaction);
}

void mr_log_abort(MrLogTransaction *transaction)
{
    if (transaction != NULL) {
        /* Parts on disk without a COMMIT frame are nothing. */
        pthread_mutex_lock(&transaction->log->lock);
        log_transaction_unlink(transaction);
        pthread_mutex_unlock(&transaction->log->lock);
        log_transaction_free(transaction);
    }
}

/* The commit frame numbers the parts that it takes; others on disk are nothing. */
MrStatus mr_log_mark(MrLogTransaction *transaction, uint32_t *mark, MrError *err)
{
    if (transaction->held != NULL) {
        MR_TRY(log_place_held(transaction, err));
    }
    *mark = transaction->part_count;
    return MR_OK;
}

void mr_log_roll_back_to(MrLogTransaction *transaction, uint32_t mark)
{
    mr_frame_release(transaction->held);
    transaction->held = NULL;
    while (transaction->part_count > mark) {
        LogPart *part = &transaction->parts[--transaction->part_count];
        transaction->held_frames_bytes -= part->memory_bytes;
        mr_frame_release(part->frame);
    }
}

static MrStatus transaction_grow(MrLogTransaction *transaction, MrError *err)
{
    if (transaction->part_count + 1 < transaction->part_capacity) {
        return MR_OK;
    }
    uint32_t capacity = transaction->part_capacity == 0 ? 4 : transaction->part_capacity * 2;
    LogPart *larger = capacity > (UINT32_C(1) << 24)
                          ? NULL
                          : realloc(transaction->parts, capacity * sizeof *larger);
    if (larger == NULL) {
        return mr_error_no_memory(err);
    }
    transaction->parts = larger;
    transaction->part_capacity = capacity;
    return MR_OK;
}

/* The stream as appenders need it, and whether it takes rows. */
MrStatus log_stream_for_append(MrLog *log, uint32_t stream_id, MrLogStream *definition,
                               int64_t *arrival_us, MrError *err)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    MrStatus status = log_failure(log, err);
    if (status == MR_OK && (stream == NULL || !stream->is_known)) {
        status = log_no_stream(err);
    }
    const MrError *stop = status != MR_OK         ? NULL
                          : stream->error != NULL ? stream->error
                                                  : stream->input_error;
    if (stop != NULL) {
        status = stop->status;
        if (err != NULL) {
            *err = *stop;
        }
    }
    if (status == MR_OK) {
        *definition = stream->definition;
        *arrival_us = log->last_arrival_us;
    }
    pthread_mutex_unlock(&log->lock);
    int64_t wall_us = mr_clock_wall_us(log->options.clock);
    if (status == MR_OK && wall_us > *arrival_us) {
        *arrival_us = wall_us;
    }
    return status;
}

/* Ingest only: records that move time, free rows or change the catalogue are small and go on. */
static MrStatus limit_check(MrLog *log, uint64_t more, MrError *err)
{
    char holder[sizeof log->holder];
    pthread_mutex_lock(&log->lock);
    uint64_t limit = log->options.limit_bytes;
    uint64_t bytes = limit == 0 ? 0 : log_bytes(log);
    memcpy(holder, log->holder, sizeof holder);
    pthread_mutex_unlock(&log->lock);
    if (limit == 0 || (bytes <= limit && more <= limit - bytes)) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_DISK_FULL,
                 "the log has reached its limit: %" PRIu64 " of %" PRIu64 " bytes are in use%s%s",
                 bytes, limit, holder[0] == '\0' ? "" : "; old rows are held by ", holder);
    return mr_error_hint(
        err, "Raise log_limit, shorten the retention of a stream, or drop or resume the "
             "query that holds old rows.");
}

static MrStatus block_check(const MrLogStream *stream, const MrBlock *block, MrError *err)
{
    bool is_good = block->column_count <= stream->schema->column_count;
    for (uint32_t i = 0; is_good && i < block->column_count; i++) {
        is_good = block->columns[i].type.id == stream->schema->columns[i].type.id;
    }
    if (!is_good) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a block for stream %u has other columns",
                            stream->stream_id);
    }
    if (block->column_count < stream->schema->column_count) { /* of a COPY that was under way */
        mr_error_set(err, MR_ERR_SERIALIZATION, "the stream has got a column since this began");
        return mr_error_hint(err, "Run it again.");
    }
    return MR_OK;
}

/* What the watermark needs to know of the part's rows, for an arrival of at least `arrival_us`. */
void log_part_measure(LogPart *part, const MrVector *times, int64_t arrival_us)
{
    int64_t limit = log_time_plus(arrival_us, part->skew_us);
    LogTimes range = log_times_range(times);
    part->commit.event_min_us = range.min_us;
    part->commit.event_max_us = range.max_us;
    part->moved_us = range.max_us;
    part->commit.future_rows = 0;
    part->sure_from_us = MR_TIME_MIN;
    part->sure_below_us = MR_TIME_MAX;
    if (range.max_us > limit) {
        log_times_split(times, limit, &part->moved_us, &part->sure_below_us,
                        &part->commit.future_rows);
        part->sure_from_us = limit;
    } else {
        part->sure_from_us = range.max_us;
    }
}

/* Places the held block as a PART: a further one has come, or the COMMIT frame will. */
MrStatus log_place_held(MrLogTransaction *transaction, MrError *err)
{
    MrLog *log = transaction->log;
    MrLogFrame *frame = transaction->held;
    LogPart *part = &transaction->parts[transaction->part_count];
    frame->header->kind = MR_FRAME_PART;
    frame->header->transaction = transaction->id;
    frame->header->part = transaction->part_count;
    pthread_mutex_lock(&log->lock);
    MrStatus status = log_place_room(log, frame->total_bytes, 0, false, err);
    if (status == MR_OK) {
        part->commit.segment = log_current(log)->file->number;
        if (transaction->first_segment == UINT64_MAX) {
            transaction->first_segment = part->commit.segment;
        }
        log_place(log, frame);
        part->commit.offset = frame->header->offset;
        /* Frames of a large transaction are read again from the disk: memory stays flat. */
        part->memory_bytes = mr_frame_memory_bytes(frame);
        transaction->held_frames_bytes += part->memory_bytes;
        if (transaction->held_frames_bytes <= LOG_HELD_BYTES_MAX) {
            part->frame = frame;
        } else {
            mr_frame_release(frame);
        }
        transaction->held = NULL;
        transaction->part_count++;
        if (log->queue.bytes > LOG_QUEUE_BYTES_MAX) {
            status = log_flush(log, log->placed_ticket, false, err);
        }
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

/* What is appended: a block, or a range that stands for it. */
typedef struct Appended {
    const MrBlock *block;
    MrBlockLoan *loan;
    MrString range; /* empty: the block itself */
    MrString offset;
} Appended;

static MrStatus append_check(MrLogTransaction *transaction, const MrLogStream *stream,
                             const Appended *what, size_t body_bytes, MrError *err)
{
    MR_TRY(block_check(stream, what->block, err));
    if (what->offset.length >= sizeof((LogStreamState *)0)->offset) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a source's offset of %zu bytes is too long",
                            what->offset.length);
    }
    return limit_check(transaction->log, body_bytes, err);
}

/* The frame with its body; its loan goes with it. */
static MrStatus frame_fill(MrLog *log, const MrLogStream *stream, Appended *what, size_t body_bytes,
                           MrLogFrame **out, MrError *err)
{
    MrLogFrame *frame;
    MR_TRY(mr_frame_create(&log->pool, body_bytes + what->offset.length, &frame, err));
    MrFrameHeader *header = frame->header;
    char *body = mr_frame_body(frame);
    MrStatus status = MR_OK;
    header->row_count = what->block->row_count;
    if (what->range.length == 0) {
        mr_block_encode(what->block, body);
    } else {
        memcpy(body, what->range.data, body_bytes);
        header->flags = MR_FRAME_RANGE;
        status = mr_frame_set_block(frame, stream->schema, what->block, what->loan, err);
        what->loan = NULL;
    }
    if (what->offset.length > 0) {
        memcpy(body + body_bytes, what->offset.data, what->offset.length);
    }
    if (status != MR_OK) {
        mr_frame_release(frame);
        return status;
    }
    header->payload_bytes = (uint32_t)what->offset.length;
    *out = frame;
    return MR_OK;
}

static MrStatus append(MrLogTransaction *transaction, uint32_t stream_id, Appended *what,
                       MrError *err)
{
    MrLog *log = transaction->log;
    const MrBlock *block = what->block;
    MrLogStream stream;
    int64_t arrival_us;
    MR_TRY(log_stream_for_append(log, stream_id, &stream, &arrival_us, err));
    if (block->row_count == 0) {
        return MR_OK;
    }
    size_t body_bytes = what->range.length > 0 ? what->range.length : mr_block_encoded_bytes(block);
    MR_TRY(append_check(transaction, &stream, what, body_bytes, err));
    if (transaction->held != NULL) {
        MR_TRY(log_place_held(transaction, err));
    }
    MR_TRY(transaction_grow(transaction, err));
    LogPart *part = &transaction->parts[transaction->part_count];
    *part = (LogPart){ .commit = { .stream_id = stream_id,
                                   .row_count = block->row_count,
                                   .event_min_us = MR_TIME_MAX,
                                   .event_max_us = MR_TIME_MIN },
                       .moved_us = MR_TIME_MIN,
                       .sure_from_us = MR_TIME_MIN,
                       .sure_below_us = MR_TIME_MAX,
                       .delay_us = stream.delay_us,
                       .skew_us = stream.max_future_skew_us,
                       .offset_bytes = (uint32_t)what->offset.length };
    if (what->offset.length > 0) {
        memcpy(part->offset, what->offset.data, what->offset.length);
    }
    if (stream.event_column >= 0) {
        log_part_measure(part, &block->columns[stream.event_column], arrival_us);
    }
    MrLogFrame *frame;
    MR_TRY(frame_fill(log, &stream, what, body_bytes, &frame, err));
    MrFrameHeader *header = frame->header;
    part->commit.frame_bytes = frame->total_bytes;
    header->stream_id = stream_id;
    header->event_min_us = part->commit.event_min_us;
    header->event_max_us = part->commit.event_max_us;
    header->delay_us = stream.delay_us;
    header->skew_us = stream.max_future_skew_us;
    header->body_crc = mr_frame_body_crc(header, mr_frame_body(frame));
    transaction->held = frame;
    return MR_OK;
}

MrStatus mr_log_append(MrLogTransaction *transaction, uint32_t stream_id, const MrBlock *block,
                       MrString offset, MrError *err)
{
    Appended what = { .block = block, .offset = offset };
    return append(transaction, stream_id, &what, err);
}

MrStatus mr_log_append_range(MrLogTransaction *transaction, uint32_t stream_id,
                             const MrBlock *block, MrBlockLoan *loan, MrString range,
                             MrString offset, MrError *err)
{
    Appended what = { .block = block, .loan = loan, .range = range, .offset = offset };
    MrStatus status = append(transaction, stream_id, &what, err);
    mr_block_give_back(what.loan);
    return status;
}
