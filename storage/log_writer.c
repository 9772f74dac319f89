/*
 * storage/log_writer.c - frames on their way to the disk: places, segments, group commit.
 *
 * A frame gets its place (segment and offset) under the lock and joins the queue.  Whoever needs it
 * on disk and finds nobody writing takes the whole queue, writes it and syncs once; all who came
 * meanwhile wait for the next round.  A segment is sealed when the first frame of the next one is
 * to be written, so that no frame is ever on disk while an earlier segment is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/logging.h"
#include "storage/log_internal.h"

enum { SMALL_SEGMENT_BYTES = 1 << 20 };
#define RESERVE_BYTES_MAX (UINT64_C(64) << 20)

/* ---- the reserve ------------------------------------------------------------------------- */

static void reserve_path(const MrLog *log, char out[4096])
{
    snprintf(out, 4096, "%s/reserve", log->directory);
}

MrStatus log_reserve_make(MrLog *log, uint64_t beside_bytes, MrError *err)
{
    char path[4096];
    MrFile *file;
    reserve_path(log, path);
    if (mr_file_exists(path)) {
        return MR_OK;
    }
    uint64_t bytes = log->options.segment_bytes < RESERVE_BYTES_MAX ? log->options.segment_bytes
                                                                    : RESERVE_BYTES_MAX;
    MR_TRY(mr_file_open(path, MR_FILE_CREATE, &file, err));
    MrStatus status = mr_file_allocate(file, bytes + beside_bytes, err);
    if (status == MR_OK && beside_bytes > 0) {
        status = mr_file_truncate(file, bytes, err);
    }
    mr_file_close(file);
    if (status != MR_OK) {
        (void)mr_file_remove(path, NULL);
    }
    return status;
}

static void reserve_give_up(MrLog *log)
{
    char path[4096];
    reserve_path(log, path);
    if (mr_file_exists(path)) {
        if (!log->is_full_told) {
            mr_log_line(
                MR_LOG_WARNING, "log.disk_full",
                "no space for the next log segment: rows are refused, the reserve is given up");
        }
        log->is_full_told = true;
        (void)mr_file_remove(path, NULL);
    }
}

static void tell_freed(MrLog *log)
{
    if (log->is_full_told) {
        mr_log_line(MR_LOG_INFO, "log.disk_freed", "there is room for rows again");
    }
    log->is_full_told = false;
}

/* ---- segments to come -------------------------------------------------------------------- */

/* The lock is given up while the file is made. */
static MrStatus create_next(MrLog *log, uint64_t need_bytes, bool is_small, MrError *err)
{
    uint64_t bytes =
        need_bytes > log->options.segment_bytes ? need_bytes : log->options.segment_bytes;
    uint64_t number = log->next_number++;
    int64_t now_us = mr_clock_wall_us(log->options.clock);
    MrSegment *old = log->next;
    MrSegment *made = NULL;
    log->next = NULL;
    log->is_creating = true;
    pthread_mutex_unlock(&log->lock);
    if (old != NULL) { /* prepared, but too small for this frame */
        (void)mr_file_remove(old->path, NULL);
        mr_segment_release(old);
    }
    MrStatus status = mr_segment_create(log->directory, number, bytes, now_us, &made, err);
    bool is_full = status == MR_ERR_DISK_FULL;
    if (is_full) {
        reserve_give_up(log);
        if (is_small && need_bytes <= SMALL_SEGMENT_BYTES) {
            status =
                mr_segment_create(log->directory, number, SMALL_SEGMENT_BYTES, now_us, &made, err);
        }
    }
    pthread_mutex_lock(&log->lock);
    log->is_creating = false;
    log->is_at_low_water = log->is_at_low_water || is_full;
    if (status == MR_OK) {
        if (!is_full) {
            tell_freed(log);
        }
        made->synced_upto = MR_SEGMENT_START;
        log->next = made;
    }
    pthread_cond_broadcast(&log->changed);
    return status;
}

/* The lock is given up: a disk that is full answers slowly, and others only want to read.  With the
 * reserve rows are taken that the segment at hand has room for; where the next segment has none
 * beside it, that is no news. */
bool log_reserve_retake(MrLog *log)
{
    if (!log->is_at_low_water || log->is_creating) {
        return !log->is_at_low_water;
    }
    uint64_t beside_bytes = log->next == NULL ? log->options.segment_bytes : 0;
    log->is_creating = true;
    pthread_mutex_unlock(&log->lock);
    bool has_room = log_reserve_make(log, beside_bytes, NULL) == MR_OK;
    bool is_made = has_room || log_reserve_make(log, 0, NULL) == MR_OK;
    pthread_mutex_lock(&log->lock);
    log->is_creating = false;
    if (is_made) {
        log->is_at_low_water = false;
        if (has_room) {
            tell_freed(log);
        }
    }
    pthread_cond_broadcast(&log->changed);
    return is_made;
}

/* Until a reserve can be had again, what room there is belongs to small records. */
static MrStatus low_water_check(MrLog *log, MrError *err)
{
    if (log_reserve_retake(log)) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_DISK_FULL, "no space is left on the disk of the log");
    return mr_error_hint(err, "Free space on the disk, or shorten the retention of a stream.");
}

static uint64_t seal_room(const MrLog *log, const LogSegment *segment, uint32_t more)
{
    return mr_segment_seal_bytes(log_index_bytes_max(log, segment, more));
}

/* What a fresh segment needs besides its records. */
static uint64_t segment_overhead(const MrLog *log)
{
    const LogSegment fresh = { 0 };
    uint64_t state_bytes =
        sizeof(LogStateHead) + (uint64_t)log->stream_count * sizeof(LogStreamState);
    return MR_SEGMENT_START + mr_frame_total_bytes(state_bytes) + seal_room(log, &fresh, 1);
}

MrStatus log_prepare_segment(MrLog *log, uint64_t need_bytes, bool is_small, MrError *err)
{
    uint64_t need = segment_overhead(log) + need_bytes;
    if (log->is_creating) {
        pthread_cond_wait(&log->changed, &log->lock);
        return MR_OK;
    }
    if (log->next == NULL || log->next->allocated_bytes < need) {
        return create_next(log, need, is_small, err);
    }
    return MR_OK;
}

MrStatus log_enter_segment(MrLog *log, MrError *err)
{
    MrBuilder state;
    MrLogFrame *frame = NULL;
    LogSegment *segment;
    mr_builder_init(&state, 0);
    MrStatus status = log_state_encode(log, &state, err);
    if (status == MR_OK) {
        status = mr_frame_create(&log->pool, state.length, &frame, err);
    }
    if (status == MR_OK) {
        memcpy(mr_frame_body(frame), state.data, state.length);
        frame->header->kind = MR_FRAME_STATE;
        frame->header->arrival_us = log->last_arrival_us;
        frame->header->first_sequence = log->next_sequence;
        frame->header->body_crc = mr_frame_body_crc(frame->header, mr_frame_body(frame));
        if (log->segment_count > 0) {
            log_current(log)->next_sequence = log->next_sequence;
            log_segment_fit(log_current(log));
        }
        status = log_segment_add(log, log->next, &segment, err);
    }
    if (status == MR_OK) {
        log->next = NULL;
        log_place(log, frame);
    }
    mr_frame_release(frame);
    mr_builder_fini(&state);
    return status;
}

MrStatus log_place_room(MrLog *log, uint64_t frame_bytes, uint32_t entries, bool is_small,
                        MrError *err)
{
    if (!is_small) {
        MR_TRY(low_water_check(log, err));
    }
    for (;;) {
        MR_TRY(log_failure(log, err));
        LogSegment *current = log_current(log);
        uint64_t need = frame_bytes + seal_room(log, current, entries);
        if (current->file->end + need <= current->file->allocated_bytes) {
            return log_segment_reserve(current, entries, err);
        }
        MrError cause = MR_ERROR_INIT;
        uint64_t more = frame_bytes + entries * sizeof(LogIndexEntry);
        MrStatus status;
        if (log->next == NULL || log->next->allocated_bytes < more + segment_overhead(log)) {
            /* Gives up the lock: afterwards another may have entered a segment with room. */
            status = log_prepare_segment(log, more, is_small, &cause);
        } else {
            status = log_enter_segment(log, &cause);
        }
        if (status == MR_ERR_DISK_FULL || status == MR_ERR_OUT_OF_MEMORY) {
            if (err != NULL) {
                *err = cause;
            }
            return status;
        }
        if (status != MR_OK) {
            return log_fail(log, &cause, err);
        }
    }
}

void log_place(MrLog *log, MrLogFrame *frame)
{
    MrSegment *file = log_current(log)->file;
    mr_segment_place(file, frame->header, frame->total_bytes);
    mr_frame_retain(frame);
    mr_segment_retain(file);
    frame->queue_segment = file;
    frame->queue_ticket = ++log->placed_ticket;
    frame->queue_next = NULL;
    if (log->queue.tail == NULL) {
        log->queue.head = frame;
    } else {
        log->queue.tail->queue_next = frame;
    }
    log->queue.tail = frame;
    log->queue.bytes += frame->total_bytes;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* In two halves, cut within a frame: the place where a crash test dies. */
static MrStatus write_halves(MrSegment *file, uint64_t offset, const char *data, size_t bytes,
                             MrError *err)
{
    size_t half = bytes / 2 + 8;
    MR_TRY(mr_file_write(file->file, offset, data, half, err));
    mr_fault_point("log.inside_frame");
    return mr_file_write(file->file, offset + half, data + half, bytes - half, err);
}

/* Seals the segment the writer leaves: its records and the state behind them, which is what the
 * STATE frame of the next one holds. */
static MrStatus seal_left_segment(MrLog *log, const MrLogFrame *state, MrError *err)
{
    MrBuilder index;
    MrStatus status = MR_OK;
    mr_builder_init(&index, 0);
    pthread_mutex_lock(&log->lock);
    LogSegment *left = log_segment_by_number(log, log->write_segment->number);
    if (left != NULL) {
        status =
            log_index_encode(left, mr_frame_body(state), state->header->body_bytes, &index, err);
    }
    MrSegment *file = log->write_segment;
    pthread_mutex_unlock(&log->lock);
    if (status == MR_OK && left != NULL) {
        uint64_t end = 0;
        status = mr_segment_write_seal(file, index.data, index.length, &log->pool, &end, err);
        if (status == MR_OK) {
            pthread_mutex_lock(&log->lock);
            uint64_t index_offset = file->end;
            mr_segment_set_sealed(file, end);
            left = log_segment_by_number(log, file->number); /* others may have changed the list */
            if (left != NULL) {
                log_segment_map(left, index_offset);
            }
            pthread_mutex_unlock(&log->lock);
        }
    }
    mr_builder_fini(&index);
    return status;
}

/* Small frames that lie side by side go in one write. */
static MrStatus write_run(MrLogFrame *first, MrLogFrame **end, char *staging, MrError *err)
{
    MrLogFrame *frame = first;
    MrSegment *file = first->queue_segment;
    size_t bytes = 0;
    if (first->total_bytes > LOG_STAGING_BYTES / 4) {
        *end = first->queue_next;
        return write_halves(file, first->header->offset, (const char *)first->header,
                            first->total_bytes, err);
    }
    while (frame != NULL && frame->queue_segment == file &&
           frame->total_bytes <= LOG_STAGING_BYTES / 4 &&
           bytes + frame->total_bytes <= LOG_STAGING_BYTES) {
        memcpy(staging + bytes, frame->header, frame->total_bytes);
        bytes += frame->total_bytes;
        frame = frame->queue_next;
    }
    *end = frame;
    return write_halves(file, first->header->offset, staging, bytes, err);
}

/* Without the lock; only the writer touches write_segment. */
static MrStatus write_frames(MrLog *log, MrLogFrame *frame, MrError *err)
{
    MrStatus status = MR_OK;
    while (status == MR_OK && frame != NULL) {
        if (log->write_segment != frame->queue_segment) {
            if (log->write_segment != NULL) {
                status = seal_left_segment(log, frame, err);
                mr_segment_release(log->write_segment);
            }
            log->write_segment = frame->queue_segment;
            mr_segment_retain(log->write_segment);
        }
        if (status == MR_OK) {
            MrLogFrame *end;
            status = write_run(frame, &end, log->staging, err);
            for (; status == MR_OK && frame != end; frame = frame->queue_next) {
                atomic_store_explicit(&frame->is_written, true, memory_order_release);
            }
        }
    }
    return status;
}

/* One round: takes the queue, writes it, syncs when asked to. */
static MrStatus flush_round(MrLog *log, bool is_synced, MrError *err)
{
    MrLogFrame *first = log->queue.head;
    uint64_t ticket = log->placed_ticket, sequence = log->next_sequence - 1;
    MrLogFrame *last = log->queue.tail;
    uint64_t end = last == NULL ? 0 : last->header->offset + last->total_bytes;
    log->queue = (FrameList){ 0 };
    log->is_writing = true;
    pthread_mutex_unlock(&log->lock);
    MrStatus status = write_frames(log, first, err);
    if (status == MR_OK) {
        mr_fault_point("log.after_write");
    }
    if (status == MR_OK && is_synced && log->write_segment != NULL &&
        !mr_fault_planted("skip_fdatasync")) {
        status = mr_file_sync_data(log->write_segment->file, err);
    }
    if (status == MR_OK && is_synced) {
        mr_fault_point("log.after_sync");
    }
    while (first != NULL) {
        MrLogFrame *next = first->queue_next;
        mr_segment_release(first->queue_segment);
        mr_frame_release(first);
        first = next;
    }
    pthread_mutex_lock(&log->lock);
    log->is_writing = false;
    if (status == MR_OK) {
        log->written_ticket = ticket;
        log->written_sequence = sequence;
        if (end != 0) {
            log->write_end = end;
            log->sealed_below = log->write_segment->number;
        }
        if (is_synced) {
            log->synced_ticket = ticket;
            log->synced_sequence = sequence;
            if (log->write_segment != NULL) {
                log->write_segment->synced_upto = log->write_end;
            }
        }
        log_cache_trim(log);
    }
    pthread_cond_broadcast(&log->changed);
    return status;
}

/* The next segment is made when the current one is half full, by the thread that syncs anyway, so
 * that appenders need not wait for it. */
static void prepare_next(MrLog *log)
{
    const MrSegment *file = log_current(log)->file;
    if (log->next == NULL && !log->is_creating && !log->is_at_low_water &&
        file->end > file->allocated_bytes / 2) {
        (void)create_next(log, 0, false, NULL); /* who really needs it meets the error */
    }
}

MrStatus log_flush(MrLog *log, uint64_t ticket, bool is_synced, MrError *err)
{
    for (;;) {
        MR_TRY(log_failure(log, err));
        if ((is_synced ? log->synced_ticket : log->written_ticket) >= ticket) {
            return MR_OK;
        }
        if (log->is_writing) {
            pthread_cond_wait(&log->changed, &log->lock);
            continue;
        }
        MrError cause = MR_ERROR_INIT;
        if (flush_round(log, is_synced, &cause) != MR_OK) {
            return log_fail(log, &cause, err);
        }
        prepare_next(log);
    }
}
