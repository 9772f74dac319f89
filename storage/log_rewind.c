/*
 * storage/log_rewind.c - how far back the log can be read again, and how long it may be kept for
 * that.
 */
#include "common/file.h"
#include "storage/log_internal.h"

enum { TIGHT_FILES = 4 };

bool mr_log_is_tight(MrLog *log)
{
    pthread_mutex_lock(&log->lock);
    const uint64_t limit = log->options.limit_bytes;
    bool is_tight = log->is_at_low_water || (limit > 0 && log_bytes(log) > limit - limit / 4);
    pthread_mutex_unlock(&log->lock);
    return is_tight || mr_file_room(log->directory) / TIGHT_FILES < log->options.segment_bytes;
}

int64_t mr_log_now_us(MrLog *log)
{
    const int64_t wall_us = mr_clock_wall_us(log->options.clock);
    pthread_mutex_lock(&log->lock);
    const int64_t last_us = log->last_arrival_us;
    pthread_mutex_unlock(&log->lock);
    return wall_us > last_us ? wall_us : last_us;
}

/* By whole files: of the one that `upto` stands in, what lies behind it would count. */
uint64_t mr_log_sequence_behind(MrLog *log, uint64_t upto, uint64_t bytes)
{
    uint64_t sum = 0, result = 0;
    pthread_mutex_lock(&log->lock);
    for (uint32_t i = log->segment_count; i-- > 0;) {
        const LogSegment *segment = log->segments[i];
        const uint64_t end =
            segment == log_current(log) ? log->next_sequence : segment->next_sequence;
        if (end > upto + 1) {
            continue;
        }
        if (sum >= bytes) {
            result = end - 1;
            break;
        }
        sum += segment->file->end;
    }
    pthread_mutex_unlock(&log->lock);
    return result;
}

/* Every record names the row of its stream before it.  Visible rows are never missing, so that the
 * first of them ends the walk. */
bool mr_log_is_whole(MrLog *log, uint32_t stream_id, uint64_t from)
{
    uint32_t segment, entry, looked = 0;
    uint64_t last = from > 0 ? from - 1 : 0; /* up to there nothing is missed */
    bool is_whole = true;
    pthread_mutex_lock(&log->lock);
    const LogStream *stream = log_stream_find(log, stream_id);
    const uint64_t trim_below = stream == NULL ? 0 : stream->state.trim_below;
    const uint64_t rows_end = stream == NULL ? 0 : stream->state.last_sequence;
    bool found = trim_below > from && log_index_seek(log, from, &segment, &entry);
    while (found && last < rows_end && is_whole) {
        const LogIndexEntry *at = &log->segments[segment]->entries[entry];
        if (at->kind == MR_RECORD_ROWS && at->stream_id == stream_id) {
            is_whole =
                at->stream_previous <= last && !log_entry_is_gone(log, log->segments[segment], at);
            last = at->sequence + at->row_count - 1;
            if (last >= trim_below) {
                break;
            }
        }
        found = log_index_next_in_turn(log, &looked, &segment, &entry);
    }
    pthread_mutex_unlock(&log->lock);
    /* Rows that are said to be there and were not met. */
    return is_whole && (found || trim_below <= from || last >= rows_end);
}
