/*
 * storage/log_index.c - where every record is: entries per segment in order of sequence, and the
 * form in which they and the streams' state are stored.
 */
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "storage/log_internal.h"

/* ---- segments and entries in memory ------------------------------------------------------ */

MrStatus log_segment_add(MrLog *log, MrSegment *file, LogSegment **out, MrError *err)
{
    MR_GROW(log->segments, log->segment_count, log->segment_capacity, err);
    LogSegment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        return mr_error_no_memory(err);
    }
    segment->file = file;
    segment->first_sequence = log->next_sequence;
    segment->next_sequence = log->next_sequence;
    log->segments[log->segment_count++] = segment;
    *out = segment;
    return MR_OK;
}

void log_segment_free(LogSegment *segment)
{
    mr_segment_release(segment->file);
    log_segment_drop_entries(segment);
    free(segment->moved);
    free(segment);
}

MrStatus log_segment_reserve(LogSegment *segment, uint32_t more, MrError *err)
{
    if (segment->capacity - segment->count >= more) {
        return MR_OK;
    }
    uint64_t capacity = (uint64_t)segment->capacity * 2;
    if (capacity < (uint64_t)segment->count + more) {
        capacity = (uint64_t)segment->count + more;
    }
    if (capacity < 16) {
        capacity = 16;
    }
    LogIndexEntry *larger =
        capacity > UINT32_MAX ? NULL : realloc(segment->entries, capacity * sizeof *larger);
    if (larger == NULL) {
        return mr_error_no_memory(err);
    }
    segment->entries = larger;
    MrLogFrame **frames = realloc(segment->frames, capacity * sizeof *frames);
    if (frames == NULL) {
        return mr_error_no_memory(err);
    }
    segment->frames = frames;
    segment->capacity = (uint32_t)capacity;
    return MR_OK;
}

void log_segment_fit(LogSegment *segment)
{
    if (segment->map != NULL) {
        return; /* a start after a clean end: the entries are the file's */
    }
    LogIndexEntry *fitting =
        segment->count == 0 ? NULL : realloc(segment->entries, segment->count * sizeof *fitting);
    if (fitting != NULL) {
        segment->entries = fitting;
        segment->capacity = segment->count; /* the list of frames may be longer */
    }
}

uint32_t log_segment_push(LogSegment *segment, const LogIndexEntry *at)
{
    segment->entries[segment->count] = *at;
    segment->frames[segment->count] = NULL;
    return segment->count++;
}

LogSegment *log_segment_by_number(const MrLog *log, uint64_t number)
{
    uint32_t low = 0, high = log->segment_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (log->segments[middle]->file->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < log->segment_count && log->segments[low]->file->number == number
               ? log->segments[low]
               : NULL;
}

static bool entry_ends_before(const LogIndexEntry *at, uint64_t sequence)
{
    return at->sequence + at->row_count <= sequence;
}

/* The pair may stand behind the last entry of a segment: moves it to a real one. */
static bool index_settle(const MrLog *log, uint32_t *segment, uint32_t *entry)
{
    while (*segment < log->segment_count && *entry >= log->segments[*segment]->count) {
        ++*segment;
        *entry = 0;
    }
    return *segment < log->segment_count;
}

bool log_index_seek(const MrLog *log, uint64_t sequence, uint32_t *segment, uint32_t *entry)
{
    /* The last segment that starts at or below the sequence. */
    uint32_t low = 0, high = log->segment_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (log->segments[middle]->first_sequence <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *segment = low == 0 ? 0 : low - 1;
    *entry = 0;
    if (log->segment_count == 0) {
        return false;
    }
    const LogSegment *found = log->segments[*segment];
    low = 0;
    high = found->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry_ends_before(&found->entries[middle], sequence)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *entry = low;
    return index_settle(log, segment, entry);
}

bool log_index_next(const MrLog *log, uint32_t *segment, uint32_t *entry)
{
    ++*entry;
    return index_settle(log, segment, entry);
}

bool log_index_next_in_turn(MrLog *log, uint32_t *looked, uint32_t *segment, uint32_t *entry)
{
    if (++*looked % LOG_ENTRIES_PER_TURN != 0) {
        return log_index_next(log, segment, entry);
    }
    const LogIndexEntry *at = &log->segments[*segment]->entries[*entry];
    uint64_t next = at->sequence + at->row_count;
    pthread_mutex_unlock(&log->lock);
    pthread_mutex_lock(&log->lock);
    return log_index_seek(log, next, segment, entry);
}

/* Where a part went; NULL: it was not kept. */
static const LogMoved *moved_find(const LogSegment *segment, uint64_t offset)
{
    uint32_t low = 0, high = segment->moved_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (segment->moved[middle].from < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < segment->moved_count && segment->moved[low].from == offset ? &segment->moved[low]
                                                                            : NULL;
}

bool log_entry_is_gone(const MrLog *log, const LogSegment *segment, const LogIndexEntry *at)
{
    if (at->segment == segment->file->number) {
        return false;
    }
    const LogSegment *other = log_segment_by_number(log, at->segment);
    return other == NULL || (other->is_rewritten && moved_find(other, at->offset) == NULL);
}

MrSegment *log_entry_file(const MrLog *log, LogIndexEntry *at)
{
    uint32_t segment, entry;
    const LogSegment *other = log_segment_by_number(log, at->segment);
    if (other == NULL) {
        return NULL;
    }
    /* A record of the file itself was given its new offset when it was written again. */
    bool is_own =
        log_index_seek(log, at->sequence, &segment, &entry) && log->segments[segment] == other;
    const LogMoved *moved = other->is_rewritten && !is_own ? moved_find(other, at->offset) : NULL;
    if (moved != NULL) {
        at->offset = moved->to;
    }
    mr_segment_retain(other->file);
    return other->file;
}

/* ---- what a record means ----------------------------------------------------------------- */

/* Visible rows of the entry when those below `trim` are not. */
static uint32_t entry_rows_from(const LogIndexEntry *at, uint64_t trim)
{
    if (trim <= at->sequence) {
        return at->row_count;
    }
    return trim - at->sequence >= at->row_count ? 0
                                                : at->row_count - (uint32_t)(trim - at->sequence);
}

void log_state_trimmed(MrLog *log, const LogStream *stream, uint64_t below, uint64_t *rows,
                       uint64_t *bytes)
{
    const LogStreamState *state = &stream->state;
    uint64_t old = state->trim_below;
    uint32_t segment, entry;
    *rows = state->rows;
    *bytes = state->bytes;
    bool found = below > old && log_index_seek(log, state->first_sequence, &segment, &entry);
    while (found) {
        const LogIndexEntry *at = &log->segments[segment]->entries[entry];
        if (at->sequence >= below) {
            break;
        }
        if (at->kind == MR_RECORD_ROWS && at->stream_id == state->stream_id) {
            uint32_t before = entry_rows_from(at, old), after = entry_rows_from(at, below);
            *rows -= before - after < *rows ? before - after : *rows;
            if (before > 0 && after == 0) {
                *bytes -= at->bytes < *bytes ? at->bytes : *bytes;
            }
        }
        found = log_index_next(log, &segment, &entry);
    }
}

void log_state_apply(MrLog *log, LogStream *stream, const LogIndexEntry *at, MrString offset)
{
    log->next_sequence = at->sequence + at->row_count;
    log->last_arrival_us = at->arrival_us;
    if (stream == NULL) {
        return;
    }
    LogStreamState *state = &stream->state;
    switch (at->kind) {
    case MR_RECORD_ROWS:
        state->rows += at->row_count;
        state->bytes += at->bytes;
        if (state->first_sequence == 0) {
            state->first_sequence = at->sequence;
        }
        state->last_sequence = at->sequence + at->row_count - 1;
        state->last_arrival_us = at->arrival_us;
        state->last_record_arrival_us = at->arrival_us;
        state->future_rows += at->future_rows;
        if (at->event_max_us > state->last_event_us) {
            state->last_event_us = at->event_max_us;
        }
        if (offset.length > 0 && offset.length < sizeof state->offset) {
            memset(state->offset, 0, sizeof state->offset);
            memcpy(state->offset, offset.data, offset.length);
        }
        break;
    case MR_RECORD_HEARTBEAT:
        /* One that only tells the time leaves the next its whole way to move W. */
        if (at->watermark_after_us > state->watermark_us) {
            state->last_record_arrival_us = at->arrival_us;
        }
        break;
    case MR_RECORD_ADVANCE: state->last_record_arrival_us = at->arrival_us; break;
    case MR_RECORD_TRIM:
        if (at->trim_below > state->trim_below) {
            state->trim_below = at->trim_below;
            state->rows = (uint64_t)at->event_min_us;
            state->bytes = (uint64_t)at->event_max_us;
        }
        if (state->first_sequence < state->trim_below) {
            state->first_sequence = state->trim_below;
        }
        break;
    default: break;
    }
    if (at->watermark_after_us > state->watermark_us) {
        state->watermark_us = at->watermark_after_us;
    }
}

/* ---- stored form ------------------------------------------------------------------------- */

MrStatus log_state_encode(const MrLog *log, MrBuilder *out, MrError *err)
{
    LogStateHead head = { .next_sequence = log->next_sequence,
                          .next_transaction = log->next_transaction,
                          .last_arrival_us = log->last_arrival_us,
                          .stream_count = log->stream_count };
    mr_builder_append(out, &head, sizeof head);
    for (uint32_t i = 0; i < log->stream_count; i++) {
        mr_builder_append(out, &log->streams[i]->state, sizeof log->streams[i]->state);
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

MrStatus log_state_decode(MrLog *log, const void *data, size_t length, MrError *err)
{
    LogStateHead head;
    if (length < sizeof head) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the state in a log file is cut off");
    }
    memcpy(&head, data, sizeof head);
    if (head.stream_count != (length - sizeof head) / sizeof(LogStreamState) ||
        head.next_sequence == 0) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the state in a log file is cut off");
    }
    for (uint64_t i = 0; i < head.stream_count; i++) {
        LogStreamState state;
        memcpy(&state, (const char *)data + sizeof head + i * sizeof state, sizeof state);
        state.offset[sizeof state.offset - 1] = '\0';
        LogStream *stream = log_stream_make(log, state.stream_id);
        if (stream == NULL) {
            return mr_error_no_memory(err);
        }
        state.is_netted |= stream->state.is_netted; /* files from before that do not know */
        stream->state = state;
    }
    log->next_sequence = head.next_sequence;
    log->next_transaction = head.next_transaction;
    log->last_arrival_us = head.last_arrival_us;
    return MR_OK;
}

uint64_t log_index_bytes_max(const MrLog *log, const LogSegment *segment, uint32_t more)
{
    return sizeof(LogIndexHead) + ((uint64_t)segment->count + more) * sizeof(LogIndexEntry) +
           sizeof(LogStateHead) + ((uint64_t)log->stream_count + 8) * sizeof(LogStreamState);
}

MrStatus log_index_encode(const LogSegment *segment, const void *state, size_t state_bytes,
                          MrBuilder *out, MrError *err)
{
    LogIndexHead head = { .first_sequence = segment->first_sequence,
                          .next_sequence = segment->next_sequence,
                          .entry_count = segment->count,
                          .flags = (segment->is_rewritten ? LOG_INDEX_REWRITTEN : 0) |
                                   (segment->is_netted ? LOG_INDEX_NETTED : 0),
                          .moved_count = segment->moved_count };
    mr_builder_append(out, &head, sizeof head);
    for (uint32_t i = 0; i < segment->count; i++) {
        mr_builder_append(out, &segment->entries[i], sizeof segment->entries[i]);
    }
    if (segment->moved_count > 0) {
        mr_builder_append(out, segment->moved, segment->moved_count * sizeof *segment->moved);
    }
    mr_builder_append(out, state, state_bytes);
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static bool index_entry_is_good(const LogSegment *segment, const LogIndexEntry *at, uint64_t above)
{
    return at->sequence >= above && at->row_count > 0 && at->sequence <= segment->next_sequence &&
           at->row_count <= segment->next_sequence - at->sequence &&
           at->segment <= segment->file->number && at->bytes >= sizeof(MrFrameHeader) &&
           at->bytes % MR_FRAME_ALIGN == 0 &&
           at->bytes <= mr_frame_total_bytes(MR_FRAME_BODY_MAX) && at->kind >= MR_RECORD_ROWS &&
           at->kind <= MR_RECORD_GAP;
}

MrStatus log_index_decode(LogSegment *segment, const MrLogFrame *frame, const void **state,
                          size_t *state_bytes, MrError *err)
{
    const char *data = mr_frame_body(frame);
    size_t length = frame->header->body_bytes;
    LogIndexHead head;
    if (length < sizeof head) {
        goto damaged;
    }
    memcpy(&head, data, sizeof head);
    if (head.entry_count > (length - sizeof head) / sizeof(LogIndexEntry) ||
        head.entry_count > UINT32_MAX || head.first_sequence == 0 ||
        head.next_sequence < head.first_sequence) {
        goto damaged;
    }
    segment->first_sequence = head.first_sequence;
    segment->next_sequence = head.next_sequence;
    segment->is_rewritten = (head.flags & LOG_INDEX_REWRITTEN) != 0;
    segment->is_netted = (head.flags & LOG_INDEX_NETTED) != 0;
    MR_TRY(log_segment_reserve(segment, (uint32_t)head.entry_count, err));
    uint64_t above = head.first_sequence;
    for (uint64_t i = 0; i < head.entry_count; i++) {
        LogIndexEntry at;
        memcpy(&at, data + sizeof head + i * sizeof at, sizeof at);
        if (!index_entry_is_good(segment, &at, above)) {
            goto damaged;
        }
        log_segment_push(segment, &at);
        above = at.sequence + at.row_count;
    }
    size_t used = sizeof head + head.entry_count * sizeof(LogIndexEntry);
    size_t moved_bytes = (size_t)head.moved_count * sizeof *segment->moved;
    if (moved_bytes > length - used) {
        goto damaged;
    }
    if (moved_bytes > 0) {
        segment->moved = malloc(moved_bytes);
        if (segment->moved == NULL) {
            return mr_error_no_memory(err);
        }
        memcpy(segment->moved, data + used, moved_bytes);
        segment->moved_count = head.moved_count;
    }
    *state = data + used + moved_bytes;
    *state_bytes = length - used - moved_bytes;
    return MR_OK;
damaged:
    segment->count = 0;
    return mr_error_set(err, MR_ERR_CORRUPT, "the index of log file \"%s\" makes no sense",
                        segment->file->path);
}
