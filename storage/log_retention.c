/*
 * storage/log_retention.c - what is kept: places found by age and size, and files of which nobody
 * needs a row given back to the disk.
 *
 * A segment is never changed in place.  One that still holds rows of a longer-kept stream is written
 * again with only those, under the same number: the copy is complete and synced before it takes the
 * name.  Rows keep their sequence, arrival and watermark.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/logging.h"
#include "storage/log_internal.h"

/* ---- finding places ---------------------------------------------------------------------- */

uint64_t mr_log_sequence_at_arrival(MrLog *log, uint32_t stream_id, int64_t arrival_us)
{
    uint32_t segment, entry;
    pthread_mutex_lock(&log->lock);
    uint64_t result = log->next_sequence;
    bool found = log_index_seek(log, 0, &segment, &entry);
    /* Arrivals never go back: whole segments are passed over by their last record. */
    while (found && segment + 1 < log->segment_count) {
        const LogSegment *here = log->segments[segment];
        if (here->count > 0 && here->entries[here->count - 1].at.arrival_us >= arrival_us) {
            break;
        }
        entry = here->count == 0 ? 0 : here->count - 1;
        found = log_index_next(log, &segment, &entry);
    }
    while (found) {
        const LogIndexEntry *at = &log->segments[segment]->entries[entry].at;
        if (at->arrival_us >= arrival_us && at->stream_id == stream_id && at->kind == MR_RECORD_ROWS) {
            result = at->sequence;
            break;
        }
        found = log_index_next(log, &segment, &entry);
    }
    pthread_mutex_unlock(&log->lock);
    return result;
}

uint64_t mr_log_sequence_at_bytes(MrLog *log, uint32_t stream_id, uint64_t bytes)
{
    pthread_mutex_lock(&log->lock);
    uint64_t result = log->next_sequence, sum = 0;
    bool is_full = false;
    for (uint32_t i = log->segment_count; i-- > 0 && !is_full;) {
        for (uint32_t j = log->segments[i]->count; j-- > 0 && !is_full;) {
            const LogIndexEntry *at = &log->segments[i]->entries[j].at;
            if (at->stream_id == stream_id && at->kind == MR_RECORD_ROWS) {
                sum += at->bytes;
                is_full = sum > bytes;
                result = is_full ? result : at->sequence;
            }
        }
    }
    pthread_mutex_unlock(&log->lock);
    return result;
}
