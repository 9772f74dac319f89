/*
 * storage/log_retention.c - what is kept: places found by age and size, and files of which nobody
 * needs a row given back to the disk.
 *
 * A segment is never changed in place.  One that still holds rows of a longer-kept stream is
 * written again with only those, under the same number: the copy is complete and synced before it
 * takes the name.  Rows keep their sequence, arrival and watermark.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "common/logging.h"
#include "storage/log_internal.h"

/* ---- finding places ---------------------------------------------------------------------- */

uint64_t mr_log_sequence_at_arrival(MrLog *log, uint32_t stream_id, int64_t arrival_us)
{
    uint32_t segment, entry, looked = 0;
    pthread_mutex_lock(&log->lock);
    uint64_t result = log->next_sequence;
    bool found = log_index_seek(log, 0, &segment, &entry);
    /* Arrivals never go back: whole segments are passed over by their last record. */
    while (found && segment + 1 < log->segment_count) {
        const LogSegment *here = log->segments[segment];
        if (here->count > 0 && here->entries[here->count - 1].arrival_us >= arrival_us) {
            break;
        }
        entry = here->count == 0 ? 0 : here->count - 1;
        found = log_index_next(log, &segment, &entry);
    }
    while (found) {
        const LogIndexEntry *at = &log->segments[segment]->entries[entry];
        if (at->arrival_us >= arrival_us && at->stream_id == stream_id &&
            at->kind == MR_RECORD_ROWS) {
            result = at->sequence;
            break;
        }
        found = log_index_next_in_turn(log, &looked, &segment, &entry);
    }
    pthread_mutex_unlock(&log->lock);
    return result;
}

/* The entry before the one of this sequence, or of the first above it; false: none. */
static bool index_before(const MrLog *log, uint64_t sequence, uint32_t *segment, uint32_t *entry)
{
    if (!log_index_seek(log, sequence, segment, entry)) {
        *segment = log->segment_count;
        *entry = 0;
    }
    while (*entry == 0 && *segment > 0) {
        --*segment;
        *entry = log->segments[*segment]->count;
    }
    return (*entry)-- > 0;
}

uint64_t mr_log_sequence_at_bytes(MrLog *log, uint32_t stream_id, uint64_t bytes)
{
    pthread_mutex_lock(&log->lock);
    uint64_t result = log->next_sequence, sum = 0;
    uint32_t segment, entry, looked = 0;
    bool found = index_before(log, UINT64_MAX, &segment, &entry);
    while (found) {
        const LogIndexEntry *at = &log->segments[segment]->entries[entry];
        if (at->stream_id == stream_id && at->kind == MR_RECORD_ROWS) {
            sum += at->bytes;
            if (sum > bytes) {
                break;
            }
            result = at->sequence;
        }
        if (entry > 0 && ++looked % LOG_ENTRIES_PER_TURN != 0) {
            entry--;
            continue;
        }
        uint64_t sequence = at->sequence;
        if (entry > 0) {
            pthread_mutex_unlock(&log->lock);
            pthread_mutex_lock(&log->lock);
        }
        found = index_before(log, sequence, &segment, &entry);
    }
    pthread_mutex_unlock(&log->lock);
    return result;
}

/* ---- giving back ------------------------------------------------------------------------- */

bool log_entry_is_needed(MrLog *log, const LogIndexEntry *at, uint64_t sequence)
{
    if (at->sequence + at->row_count > sequence) {
        return true;
    }
    LogStream *stream = at->kind == MR_RECORD_ROWS ? log_stream_find(log, at->stream_id) : NULL;
    return stream != NULL && at->sequence + at->row_count > stream->state.trim_below;
}

bool log_segment_is_open(const MrLog *log, const LogSegment *segment)
{
    for (const MrLogTransaction *open = log->open_transactions; open != NULL;
         open = open->next_open) {
        if (open->first_segment <= segment->file->number) {
            return true;
        }
    }
    return false;
}

/* Calls `each` for every needed record of a later segment whose part lies in this file. */
static MrStatus references_each(MrLog *log, const LogSegment *segment, uint64_t sequence,
                                MrStatus (*each)(void *context, const LogIndexEntry *at,
                                                 MrError *err),
                                void *context, MrError *err)
{
    uint64_t number = segment->file->number;
    for (uint32_t i = log->segment_count; i-- > 0 && log->segments[i] != segment;) {
        const LogSegment *other = log->segments[i];
        for (uint32_t j = 0; j < other->count; j++) {
            const LogIndexEntry *at = &other->entries[j];
            if (at->segment == number && log_entry_is_needed(log, at, sequence) &&
                !log_entry_is_gone(log, other, at)) {
                MR_TRY(each(context, at, err));
            }
        }
    }
    return MR_OK;
}

static MrStatus reference_weigh(void *context, const LogIndexEntry *at, MrError *err)
{
    (void)err;
    *(uint64_t *)context += at->is_damaged ? UINT32_MAX : at->bytes;
    return MR_OK;
}

typedef enum FreeAction { FREE_NOTHING, FREE_REMOVE, FREE_REWRITE } FreeAction;

static FreeAction segment_action(MrLog *log, const LogSegment *segment, uint64_t sequence)
{
    uint64_t needed_bytes = 0;
    if (segment == log_current(log) || segment->is_damaged ||
        segment->file->number >= log->sealed_below || segment->next_sequence > sequence ||
        log_segment_is_open(log, segment)) {
        return FREE_NOTHING;
    }
    for (uint32_t i = 0; i < segment->count; i++) {
        const LogIndexEntry *at = &segment->entries[i];
        if (log_entry_is_needed(log, at, sequence)) {
            if (at->is_damaged) {
                return FREE_NOTHING;
            }
            needed_bytes += at->bytes;
        }
    }
    (void)references_each(log, segment, sequence, reference_weigh, &needed_bytes, NULL);
    if (needed_bytes == 0) {
        return FREE_REMOVE;
    }
    return needed_bytes < segment->file->end / 2 ? FREE_REWRITE : FREE_NOTHING;
}

void log_segment_forget(LogSegment *segment)
{
    for (uint32_t i = 0; i < segment->count && segment->frame_count > 0; i++) {
        (void)log_frame_set(segment, i, NULL);
    }
}

static MrStatus segment_remove(MrLog *log, uint32_t index, MrError *err)
{
    LogSegment *segment = log->segments[index];
    log_segment_forget(segment);
    memmove(&log->segments[index], &log->segments[index + 1],
            (log->segment_count - index - 1) * sizeof *log->segments);
    log->segment_count--;
    pthread_mutex_unlock(&log->lock);
    MrStatus status = mr_file_remove(segment->file->path, err);
    mr_log_line(MR_LOG_INFO, "log.freed", "removed \"%s\", sequences %" PRIu64 " to %" PRIu64,
                segment->file->path, segment->first_sequence, segment->next_sequence - 1);
    log_segment_free(segment);
    pthread_mutex_lock(&log->lock);
    return status;
}

/* ---- a segment written again ------------------------------------------------------------- */

/* One frame to copy. */
typedef struct Kept {
    LogIndexEntry at;      /* its offset is where it is now */
    MrSegment *file;       /* a reference; a part may lie in an older file */
    uint64_t named_offset; /* of a part that another segment's record names: its first one */
    bool is_part;          /* of a GAP: there is no frame yet, and no file */
} Kept;

typedef struct Rewrite {
    MrLog *log;
    LogSegment fresh; /* file and entries of the copy */
    Kept *kept;
    uint32_t count, capacity;
    uint32_t part_count;
    uint64_t bytes;
    const LogGap *gaps; /* to be written, too */
    uint32_t gap_count;
    const void *state; /* behind the records; NULL: as the old index has it */
    size_t state_bytes;
} Rewrite;

static void rewrite_fini(Rewrite *rewrite)
{
    for (uint32_t i = 0; i < rewrite->count; i++) {
        mr_segment_release(rewrite->kept[i].file);
    }
    free(rewrite->kept);
    log_segment_drop_entries(&rewrite->fresh);
    free(rewrite->fresh.moved);
    mr_segment_release(rewrite->fresh.file);
}

static MrStatus rewrite_keep(Rewrite *rewrite, const LogIndexEntry *at, bool is_part, MrError *err)
{
    if (at->is_damaged) {
        return MR_OK; /* a gap stands for it */
    }
    MR_GROW(rewrite->kept, rewrite->count, rewrite->capacity, err);
    Kept kept = { .at = *at, .named_offset = at->offset, .is_part = is_part };
    kept.file =
        at->kind == MR_RECORD_GAP && at->bytes == 0 ? NULL : log_entry_file(rewrite->log, &kept.at);
    rewrite->kept[rewrite->count++] = kept;
    rewrite->part_count += is_part;
    rewrite->bytes += at->bytes;
    return MR_OK;
}

static MrStatus rewrite_keep_part(void *context, const LogIndexEntry *at, MrError *err)
{
    return rewrite_keep(context, at, true, err);
}

/* Gaps take the arrival of the record before them, so that it never goes back. */
static MrStatus rewrite_keep_gaps(Rewrite *rewrite, const LogSegment *segment, MrError *err)
{
    for (uint32_t g = 0; g < rewrite->gap_count; g++) {
        const LogGap *gap = &rewrite->gaps[g];
        LogIndexEntry at = { .sequence = gap->first,
                             .segment = segment->file->number,
                             .arrival_us = segment->count > 0 ? segment->entries[0].arrival_us
                                                              : rewrite->log->last_arrival_us,
                             .watermark_us = MR_TIME_MIN,
                             .watermark_after_us = MR_TIME_MIN,
                             .event_min_us = MR_TIME_MAX,
                             .event_max_us = MR_TIME_MIN,
                             .stream_id = gap->stream_id,
                             .row_count = (uint32_t)gap->count,
                             .kind = MR_RECORD_GAP };
        for (uint32_t i = 0; i < segment->count && segment->entries[i].sequence < gap->first; i++) {
            at.arrival_us = segment->entries[i].arrival_us;
        }
        MR_TRY(rewrite_keep(rewrite, &at, false, err));
        rewrite->bytes += sizeof(MrFrameHeader);
    }
    return MR_OK;
}

static int kept_compare(const void *a, const void *b)
{
    const Kept *x = a, *y = b;
    if (x->is_part != y->is_part) {
        return x->is_part - y->is_part;
    }
    uint64_t left = x->is_part ? x->named_offset : x->at.sequence;
    uint64_t right = y->is_part ? y->named_offset : y->at.sequence;
    return left < right ? -1 : left > right;
}

/* With the lock: what to keep.  Records in order of sequence, then parts in order of their
 * offset. */
static MrStatus rewrite_plan(Rewrite *rewrite, const LogSegment *segment, uint64_t sequence,
                             MrError *err)
{
    rewrite->bytes = MR_SEGMENT_START;
    for (uint32_t i = 0; i < segment->count; i++) {
        const LogIndexEntry *at = &segment->entries[i];
        if (log_entry_is_needed(rewrite->log, at, sequence) &&
            !log_entry_is_gone(rewrite->log, segment, at)) {
            MR_TRY(rewrite_keep(rewrite, at, false, err));
        }
    }
    MR_TRY(references_each(rewrite->log, segment, sequence, rewrite_keep_part, rewrite, err));
    MR_TRY(rewrite_keep_gaps(rewrite, segment, err));
    qsort(rewrite->kept, rewrite->count, sizeof *rewrite->kept, kept_compare);
    rewrite->fresh.moved = calloc(rewrite->part_count + 1, sizeof *rewrite->fresh.moved);
    return rewrite->fresh.moved == NULL ? mr_error_no_memory(err)
                                        : log_segment_reserve(&rewrite->fresh, rewrite->count, err);
}

/* A record becomes a frame of its own, whatever it was a part of; a part stays one. */
static MrStatus rewrite_copy(Rewrite *rewrite, const Kept *kept, MrError *err)
{
    MrLogFrame *frame;
    LogIndexEntry at = kept->at;
    MrSegment *file = rewrite->fresh.file;
    bool is_new = at.kind == MR_RECORD_GAP && at.bytes == 0;
    MR_TRY(is_new ? mr_frame_create(&rewrite->log->pool, 0, &frame, err)
                  : log_frame_load(rewrite->log, &at, kept->file, &frame, err));
    MrFrameHeader *header = frame->header;
    if (is_new) {
        header->stream_id = at.stream_id;
        header->row_count = at.row_count;
        header->body_crc = mr_frame_body_crc(header, mr_frame_body(frame));
        at.bytes = frame->total_bytes;
    }
    at.segment = file->number;
    at.offset = file->end;
    if (kept->is_part) {
        rewrite->fresh.moved[rewrite->fresh.moved_count++] =
            (LogMoved){ kept->named_offset, at.offset };
    } else {
        header->kind = at.kind;
        header->transaction = 0;
        header->part = 0;
        header->first_sequence = at.sequence;
        header->stream_previous = at.stream_previous;
        header->arrival_us = at.arrival_us;
        header->watermark_us = at.watermark_us;
        header->watermark_after_us = at.watermark_after_us;
        header->event_min_us = at.event_min_us;
        header->event_max_us = at.event_max_us;
        header->future_rows = at.future_rows;
        log_segment_push(&rewrite->fresh, &at);
    }
    mr_segment_place(file, header, frame->total_bytes);
    MrStatus status = mr_file_write(file->file, at.offset, frame->header, frame->total_bytes, err);
    mr_frame_release(frame);
    return status;
}

/* A gap may stand before all records of the old file. */
static uint64_t rewrite_first_sequence(const Rewrite *rewrite, const LogSegment *old)
{
    uint64_t first = old->first_sequence;
    for (uint32_t g = 0; g < rewrite->gap_count; g++) {
        first = rewrite->gaps[g].first < first ? rewrite->gaps[g].first : first;
    }
    return first;
}

/* Without the lock: the whole copy, sealed, in place of the old file. */
static MrStatus rewrite_file(Rewrite *rewrite, const LogSegment *old, MrSegment *old_file,
                             MrError *err)
{
    MrLog *log = rewrite->log;
    MrLogFrame *index = NULL;
    LogSegment scratch = { .file = old_file };
    MrBuilder out;
    const void *state = rewrite->state;
    size_t state_bytes = rewrite->state_bytes;
    mr_builder_init(&out, 0);
    MR_TRY(mr_segment_create_copy(log->directory, old_file->number, rewrite->bytes,
                                  mr_clock_wall_us(log->options.clock), &rewrite->fresh.file, err));
    MrStatus status = MR_OK;
    if (rewrite->state == NULL) {
        status = mr_segment_read_index(old_file, &log->pool, &index, err);
        if (status == MR_OK) {
            status = log_index_decode(&scratch, index, &state, &state_bytes, err);
        }
    }
    if (status == MR_OK) {
        for (uint32_t i = 0; status == MR_OK && i < rewrite->count; i++) {
            status = rewrite_copy(rewrite, &rewrite->kept[i], err);
        }
        rewrite->fresh.first_sequence = rewrite_first_sequence(rewrite, old);
        rewrite->fresh.next_sequence = old->next_sequence;
        rewrite->fresh.is_rewritten = true;
        rewrite->fresh.is_netted = old->is_netted;
        if (status == MR_OK) {
            status = log_index_encode(&rewrite->fresh, state, state_bytes, &out, err);
        }
        if (status == MR_OK) {
            status = mr_segment_seal(rewrite->fresh.file, out.data, out.length, &log->pool, err);
        }
    }
    mr_frame_release(index);
    if (status == MR_OK) {
        status = mr_segment_publish_copy(log->directory, rewrite->fresh.file, err);
    } else {
        (void)mr_file_remove(rewrite->fresh.file->path, NULL);
    }
    log_segment_drop_entries(&scratch);
    free(scratch.moved);
    mr_builder_fini(&out);
    return status;
}

static MrStatus rewrite_run(Rewrite *rewrite_in, LogSegment *segment, uint64_t sequence,
                            MrError *err)
{
    Rewrite rewrite = *rewrite_in;
    MrLog *log = rewrite.log;
    MrSegment *old_file = segment->file;
    MrStatus status = rewrite_plan(&rewrite, segment, sequence, err);
    if (status == MR_OK) {
        mr_segment_retain(old_file);
        pthread_mutex_unlock(&log->lock);
        status = rewrite_file(&rewrite, segment, old_file, err);
        pthread_mutex_lock(&log->lock);
        mr_segment_release(old_file);
    }
    if (status == MR_OK) {
        log_segment_forget(segment);
        LogMoved *moved = segment->moved;
        uint64_t before = segment->file->end;
        mr_segment_release(segment->file);
        segment->file = rewrite.fresh.file;
        log_segment_drop_entries(segment);
        segment->entries = rewrite.fresh.entries;
        segment->frames = rewrite.fresh.frames;
        segment->count = rewrite.fresh.count;
        segment->capacity = rewrite.fresh.capacity;
        segment->is_rewritten = true;
        segment->is_damaged = false;
        segment->first_sequence = rewrite.fresh.first_sequence;
        rewrite.fresh.file = NULL;
        rewrite.fresh.entries = NULL;
        rewrite.fresh.frames = NULL;
        segment->moved = rewrite.fresh.moved;
        segment->moved_count = rewrite.fresh.moved_count;
        rewrite.fresh.moved = moved;
        mr_log_line(MR_LOG_INFO, "log.rewritten", "\"%s\" has %" PRIu64 " bytes, had %" PRIu64,
                    segment->file->path, segment->file->end, before);
    }
    rewrite_fini(&rewrite);
    return status;
}

static MrStatus segment_rewrite(MrLog *log, LogSegment *segment, uint64_t sequence, MrError *err)
{
    Rewrite rewrite = { .log = log };
    return rewrite_run(&rewrite, segment, sequence, err);
}

MrStatus log_segment_salvage(MrLog *log, LogSegment *segment, const LogGap *gaps,
                             uint32_t gap_count, const void *state, size_t state_bytes,
                             MrError *err)
{
    Rewrite rewrite = {
        .log = log, .gaps = gaps, .gap_count = gap_count, .state = state, .state_bytes = state_bytes
    };
    return rewrite_run(&rewrite, segment, 0, err);
}

/* From the newest down: once a commit's rows have been copied, the older file that held parts of it
 * need not keep them. */
static MrStatus free_segments(MrLog *log, uint64_t sequence, bool *changed, MrError *err)
{
    for (uint32_t i = log->segment_count; i-- > 0;) {
        if (i >= log->segment_count) {
            continue;
        }
        switch (segment_action(log, log->segments[i], sequence)) {
        case FREE_REMOVE:
            *changed = true;
            MR_TRY(segment_remove(log, i, err));
            break;
        case FREE_REWRITE:
            *changed = true;
            MR_TRY(segment_rewrite(log, log->segments[i], sequence, err));
            break;
        case FREE_NOTHING: break;
        }
    }
    return MR_OK;
}

MrStatus mr_log_free_below(MrLog *log, uint64_t sequence, MrError *err)
{
    bool changed = false;
    pthread_mutex_lock(&log->lock);
    while (log->is_freeing) {
        pthread_cond_wait(&log->changed, &log->lock);
    }
    log->is_freeing = true;
    MrStatus status = log_failure(log, err);
    if (status == MR_OK) {
        status = free_segments(log, sequence, &changed, err);
    }
    if (changed) {
        (void)log_reserve_retake(log);
    }
    log->is_freeing = false;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    return status;
}
