/*
 * storage/log_cache.c - frames kept in memory within options.cache_bytes: those just appended, and
 * a quarter as much of those read back, so that one query over old rows does not push out what all
 * the others are about to read.  Oldest out first.
 */
#include "storage/log_internal.h"

enum { HISTORY_FRAMES_MIN = 4 };

static void list_push(FrameList *list, MrLogFrame *frame)
{
    frame->cache_next = NULL;
    if (list->tail == NULL) {
        list->head = frame;
    } else {
        list->tail->cache_next = frame;
    }
    list->tail = frame;
    list->bytes += mr_frame_memory_bytes(frame);
    list->count++;
}

static void list_drop_first(MrLog *log, FrameList *list)
{
    MrLogFrame *frame = list->head;
    uint32_t segment, entry;
    list->head = frame->cache_next;
    if (list->head == NULL) {
        list->tail = NULL;
    }
    list->bytes -= mr_frame_memory_bytes(frame);
    list->count--;
    if (log_index_seek(log, frame->cache_sequence, &segment, &entry) &&
        log_frame_of(log->segments[segment], entry) == frame) {
        (void)log_frame_set(log->segments[segment], entry, NULL);
    }
    mr_frame_release(frame);
}

void log_cache_trim(MrLog *log)
{
    uint64_t limit = log->options.cache_bytes;
    /* What waits for the disk cannot go. */
    while (log->cache.head != NULL && log->cache.bytes > limit &&
           atomic_load_explicit(&log->cache.head->is_written, memory_order_relaxed)) {
        list_drop_first(log, &log->cache);
    }
    /* The last ones stay, however large: a reader that takes a frame in small ranges, and one
     * beside it, would read and check all of it for each. */
    while (log->history.count > HISTORY_FRAMES_MIN && log->history.bytes > limit / 4) {
        list_drop_first(log, &log->history);
    }
}

void log_cache_add(MrLog *log, LogSegment *segment, uint32_t entry, MrLogFrame *frame,
                   bool is_history)
{
    if (!log_frame_set(segment, entry, frame)) {
        return; /* it is read again when it is wanted again */
    }
    mr_frame_retain(frame);
    frame->cache_sequence = segment->entries[entry].sequence;
    list_push(is_history ? &log->history : &log->cache, frame);
    log_cache_trim(log);
}

void log_cache_clear(MrLog *log)
{
    while (log->cache.head != NULL) {
        list_drop_first(log, &log->cache);
    }
    while (log->history.head != NULL) {
        list_drop_first(log, &log->history);
    }
}
