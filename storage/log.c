/*
 * storage/log.c - the log opened and closed, what it knows of its streams, its figures.
 * Appending is in log_append.c, the way to the disk in log_writer.c, reading in log_reader.c, the
 * index in log_index.c, recovery in log_recovery.c, retention in log_retention.c.
 */
#include "storage/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "common/logging.h"
#include "common/text.h"
#include "storage/log_internal.h"

/* ---- streams ----------------------------------------------------------------------------- */

/* Place of the stream in the sorted array, or where it would go. */
static uint32_t stream_search(const MrLog *log, uint32_t stream_id)
{
    uint32_t low = 0, high = log->stream_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (log->streams[middle]->state.stream_id < stream_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

LogStream *log_stream_find(MrLog *log, uint32_t stream_id)
{
    uint32_t at = stream_search(log, stream_id);
    return at < log->stream_count && log->streams[at]->state.stream_id == stream_id
               ? log->streams[at]
               : NULL;
}

LogStream *log_stream_make(MrLog *log, uint32_t stream_id)
{
    uint32_t at = stream_search(log, stream_id);
    if (at < log->stream_count && log->streams[at]->state.stream_id == stream_id) {
        return log->streams[at];
    }
    if (log->stream_count == log->stream_capacity) {
        void *larger = mr_grow(log->streams, sizeof *log->streams, &log->stream_capacity);
        if (larger == NULL) {
            return NULL;
        }
        log->streams = larger;
    }
    LogStream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->state = (LogStreamState){ .stream_id = stream_id,
                                      .watermark_us = MR_TIME_MIN,
                                      .last_arrival_us = MR_TIME_MIN,
                                      .last_event_us = MR_TIME_MIN,
                                      .last_record_arrival_us = MR_TIME_MIN };
    memmove(&log->streams[at + 1], &log->streams[at],
            (log->stream_count - at) * sizeof *log->streams);
    log->streams[at] = stream;
    log->stream_count++;
    return stream;
}

void log_stream_damage(MrLog *log, LogStream *stream, uint64_t sequence, const MrError *cause)
{
    (void)log;
    if (stream->error == NULL) {
        stream->error = malloc(sizeof *stream->error);
        if (stream->error != NULL) {
            *stream->error = *cause;
        }
        stream->damaged_from = sequence;
        mr_log_error(MR_LOG_ERROR, "log.corrupt", cause);
    } else if (sequence < stream->damaged_from) {
        stream->damaged_from = sequence;
    }
}

MrStatus mr_log_set_stream(MrLog *log, const MrLogStream *definition, MrError *err)
{
    if (definition->schema == NULL || definition->event_column < -1 ||
        (definition->event_column >= 0 &&
         (uint32_t)definition->event_column >= definition->schema->column_count)) {
        return mr_error_set(err, MR_ERR_INTERNAL, "stream %u has no event column %d",
                            definition->stream_id, definition->event_column);
    }
    if (definition->event_column >= 0) {
        MrTypeId type = definition->schema->columns[definition->event_column].type.id;
        if (type != MR_TYPE_TIMESTAMP && type != MR_TYPE_TIMESTAMPTZ) {
            return mr_error_set(err, MR_ERR_INTERNAL,
                                "the event time of stream %u is not a timestamp",
                                definition->stream_id);
        }
    }
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_make(log, definition->stream_id);
    const MrSchema *schema = NULL;
    MrStatus status = stream == NULL ? mr_error_no_memory(err)
                                     : log_schema_keep(log, stream->definition.schema,
                                                       definition->schema, &schema, err);
    if (status == MR_OK) {
        stream->definition = *definition;
        stream->definition.schema = schema;
        stream->is_known = true;
        stream->is_forgotten = false;
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

void mr_log_forget_stream(MrLog *log, uint32_t stream_id)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    bool is_trimmed = stream == NULL || stream->state.trim_below == UINT64_MAX;
    if (stream != NULL) {
        stream->is_known = false;
        stream->is_forgotten = true;
    }
    pthread_mutex_unlock(&log->lock);
    /* A record says that nobody wants the rows any more, so that their space comes back even when
     * the server ends before that.  If it cannot be written, only the space stays. */
    if (!is_trimmed) {
        uint64_t sequence;
        (void)mr_log_append_trim(log, stream_id, UINT64_MAX, &sequence, NULL);
    }
}

void log_stream_note_input(MrLog *log, uint32_t stream_id, const MrError *result)
{
    bool is_changed = result->status == MR_ERR_INPUT_CHANGED;
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    if (stream != NULL && is_changed && stream->input_error == NULL) {
        stream->input_error = malloc(sizeof *stream->input_error);
        if (stream->input_error != NULL) {
            *stream->input_error = *result;
        }
        mr_log_error(MR_LOG_ERROR, "log.input_changed", result);
    } else if (stream != NULL && result->status == MR_OK) {
        free(stream->input_error);
        stream->input_error = NULL;
    }
    pthread_mutex_unlock(&log->lock);
}

/* The stream's error of one kind; the lock is held. */
static MrStatus stored_error(const MrError *stored, MrError *err)
{
    if (stored == NULL) {
        return MR_OK;
    }
    if (err != NULL) {
        *err = *stored;
    }
    return stored->status;
}

bool mr_log_stream_gap(MrLog *log, uint32_t stream_id, uint64_t *from, uint64_t *upto)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    bool has_gap = stream != NULL && stream->lost_upto > 0;
    if (has_gap) {
        *from = stream->lost_from;
        *upto = stream->lost_upto;
    }
    pthread_mutex_unlock(&log->lock);
    return has_gap;
}

MrStatus mr_log_input_error(MrLog *log, uint32_t stream_id, MrError *err)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    MrStatus status = stream == NULL ? MR_OK : stored_error(stream->input_error, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

MrStatus mr_log_stream_error(MrLog *log, uint32_t stream_id, MrError *err)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    MrStatus status = stream == NULL ? MR_OK : stored_error(stream->error, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

bool mr_log_stream_facts(MrLog *log, uint32_t stream_id, MrLogStreamFacts *out)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    if (stream != NULL) {
        const LogStreamState *state = &stream->state;
        *out = (MrLogStreamFacts){
            .rows = state->rows,
            .bytes = state->bytes,
            .first_sequence = state->first_sequence,
            .last_sequence = state->last_sequence,
            .trim_below = state->trim_below,
            .net_below = state->is_netted != 0 && log->segments[0]->is_netted
                             ? log->segments[0]->next_sequence
                             : 0,
            .watermark_us = state->watermark_us,
            .last_arrival_us = state->last_arrival_us,
            .last_event_us = state->last_event_us,
            .future_rows = state->future_rows,
            .last_record_arrival_us = state->last_record_arrival_us,
        };
        memcpy(out->offset, state->offset, sizeof out->offset);
    }
    pthread_mutex_unlock(&log->lock);
    return stream != NULL;
}

int64_t mr_log_watermark(MrLog *log, uint32_t stream_id)
{
    pthread_mutex_lock(&log->lock);
    LogStream *stream = log_stream_find(log, stream_id);
    int64_t watermark = stream == NULL ? MR_TIME_MIN : stream->state.watermark_us;
    pthread_mutex_unlock(&log->lock);
    return watermark;
}

/* ---- figures ----------------------------------------------------------------------------- */

uint64_t mr_log_appended(MrLog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t sequence = log->next_sequence - 1;
    pthread_mutex_unlock(&log->lock);
    return sequence;
}

uint64_t mr_log_written(MrLog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t sequence = log->written_sequence;
    pthread_mutex_unlock(&log->lock);
    return sequence;
}

uint64_t mr_log_synced(MrLog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t sequence = log->synced_sequence;
    pthread_mutex_unlock(&log->lock);
    return sequence;
}

uint64_t log_bytes(const MrLog *log)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < log->segment_count; i++) {
        bytes += log->segments[i]->file->end;
    }
    return bytes;
}

uint64_t mr_log_bytes(MrLog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t bytes = log_bytes(log);
    pthread_mutex_unlock(&log->lock);
    return bytes;
}

void mr_log_set_limit(MrLog *log, uint64_t limit_bytes)
{
    pthread_mutex_lock(&log->lock);
    log->options.limit_bytes = limit_bytes;
    pthread_mutex_unlock(&log->lock);
}

void mr_log_set_holder(MrLog *log, const char *holder)
{
    pthread_mutex_lock(&log->lock);
    /* A name cut in the middle of a character would make a message that no client may be sent. */
    size_t length = holder == NULL ? 0 : strlen(holder);
    length = mr_utf8_truncate(holder, length, sizeof log->holder - 1);
    if (length > 0) {
        memcpy(log->holder, holder, length);
    }
    log->holder[length] = '\0';
    pthread_mutex_unlock(&log->lock);
}

/* ---- failure ----------------------------------------------------------------------------- */

MrStatus log_no_stream(MrError *err)
{
    return mr_error_set(err, MR_ERR_UNDEFINED_TABLE,
                        "the stream or table that the rows are for does not exist any more");
}

MrStatus log_failure(MrLog *log, MrError *err)
{
    if (log->failure != MR_OK && err != NULL) {
        *err = log->failure_error;
    }
    return log->failure;
}

/* After a failed write or sync nobody knows what is on the disk: the log takes no more. */
MrStatus log_fail(MrLog *log, const MrError *cause, MrError *err)
{
    if (log->failure == MR_OK) {
        log->failure_error = *cause;
        log->failure_error.status = MR_ERR_IO;
        mr_error_sqlstate(&log->failure_error, mr_status_sqlstate(MR_ERR_IO));
        log->failure = MR_ERR_IO;
        mr_log_error(MR_LOG_ERROR, "log.failed", &log->failure_error);
    }
    pthread_cond_broadcast(&log->changed);
    return log_failure(log, err);
}

MrStatus mr_log_sync(MrLog *log, MrError *err)
{
    pthread_mutex_lock(&log->lock);
    MrStatus status = log_flush(log, log->placed_ticket, true, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

MrStatus mr_log_write(MrLog *log, MrError *err)
{
    pthread_mutex_lock(&log->lock);
    MrStatus status = log_flush(log, log->placed_ticket, false, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

/* ---- life -------------------------------------------------------------------------------- */

static void log_destroy(MrLog *log)
{
    MrLogFrame *frame = log->queue.head;
    while (frame != NULL) {
        MrLogFrame *next = frame->queue_next;
        mr_segment_release(frame->queue_segment);
        mr_frame_release(frame);
        frame = next;
    }
    log_cache_clear(log);
    for (uint32_t i = 0; i < log->segment_count; i++) {
        log_segment_free(log->segments[i]);
    }
    free(log->segments);
    for (uint32_t i = 0; i < log->stream_count; i++) {
        free(log->streams[i]->error);
        free(log->streams[i]->input_error);
        free(log->streams[i]->hole);
        free(log->streams[i]);
    }
    free(log->streams);
    mr_segment_release(log->write_segment);
    mr_segment_release(log->next);
    mr_frame_pool_fini(&log->pool);
    mr_arena_fini(&log->schemas);
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->lock);
    free(log->gaps);
    free(log->staging);
    free(log->directory);
    free(log);
}

MrStatus mr_log_open(const MrLogOptions *options, MrLog **out, MrError *err)
{
    *out = NULL;
    MR_TRY(mr_file_make_directory(options->directory, err));
    MrLog *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return mr_error_no_memory(err);
    }
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->changed, NULL);
    mr_frame_pool_init(&log->pool);
    mr_arena_init(&log->schemas, 0);
    log->options = *options;
    log->directory = strdup(options->directory);
    log->next_sequence = 1;
    log->next_transaction = 1;
    log->next_number = 1;
    log->last_arrival_us = MR_TIME_MIN;
    log->staging = malloc(LOG_STAGING_BYTES);
    MrStatus status =
        log->directory == NULL || log->staging == NULL ? mr_error_no_memory(err) : MR_OK;
    pthread_mutex_lock(&log->lock);
    if (status == MR_OK) {
        log->options.directory = log->directory;
        status = log_recover(log, err);
    }
    if (status == MR_OK) {
        /* The room that is given up when the disk is full.  A disk that is full now is no reason
         * not to start: what is there can be read and trimmed. */
        status = log_reserve_make(log, 0, err);
        if (status == MR_ERR_DISK_FULL) {
            log->is_at_low_water = true;
            mr_error_clear(err);
            status = MR_OK;
        }
    }
    if (status == MR_OK) {
        log->written_sequence = log->synced_sequence = log->next_sequence - 1;
        log->sealed_below = log->next_number;
        status = log_prepare_segment(log, 0, true, err);
    }
    if (status == MR_OK) {
        status = log_enter_segment(log, err);
    }
    pthread_mutex_unlock(&log->lock);
    if (status != MR_OK) {
        log_destroy(log);
        return status;
    }
    *out = log;
    return MR_OK;
}

/* A segment that was prepared and never used would only be found empty at the next start. */
static void log_drop_next(MrLog *log)
{
    if (log->next != NULL) {
        (void)mr_file_remove(log->next->path, NULL);
        mr_segment_release(log->next);
        log->next = NULL;
    }
}

static MrStatus log_seal_current(MrLog *log, MrError *err)
{
    LogSegment *current = log_current(log);
    MrBuilder state, index;
    mr_builder_init(&state, 0);
    mr_builder_init(&index, 0);
    current->next_sequence = log->next_sequence;
    MrStatus status = log_state_encode(log, &state, err);
    if (status == MR_OK) {
        status = log_index_encode(current, state.data, state.length, &index, err);
    }
    if (status == MR_OK) {
        status = mr_segment_seal(current->file, index.data, index.length, &log->pool, err);
    }
    mr_builder_fini(&state);
    mr_builder_fini(&index);
    return status;
}

MrStatus mr_log_close(MrLog *log, MrError *err)
{
    if (log == NULL) {
        return MR_OK;
    }
    pthread_mutex_lock(&log->lock);
    while (log->is_writing || log->is_creating) {
        pthread_cond_wait(&log->changed, &log->lock);
    }
    MrStatus status = log_flush(log, log->placed_ticket, false, err);
    if (status == MR_OK && log->segment_count > 0) {
        status = log_seal_current(log, err);
    }
    log_drop_next(log);
    pthread_mutex_unlock(&log->lock);
    log_destroy(log);
    return status;
}
