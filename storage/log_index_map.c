/*
 * storage/log_index_map.c - the entries of a sealed segment from where they stand in its file, so
 * that they need no memory of ours: the system keeps the pages that are looked at.  A private
 * mapping, since a record that fails its checksum is marked in its entry.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storage/log_internal.h"

/* Fewer are not worth a mapping. */
enum { MAPPED_ENTRIES_MIN = 1024 };

static void entries_drop(LogSegment *segment)
{
    if (segment->map != NULL) {
        munmap(segment->map, segment->map_bytes);
    } else {
        free(segment->entries);
    }
    segment->map = NULL;
    segment->map_bytes = 0;
    segment->entries = NULL;
}

void log_segment_drop_entries(LogSegment *segment)
{
    entries_drop(segment);
    free(segment->frames);
    segment->frames = NULL;
    segment->frame_count = segment->count = segment->capacity = 0;
}

void log_segment_map(LogSegment *segment, uint64_t index_offset)
{
    long page = sysconf(_SC_PAGESIZE);
    if (segment->count < MAPPED_ENTRIES_MIN || segment->map != NULL || page <= 0) {
        return;
    }
    uint64_t first = index_offset + sizeof(MrFrameHeader) + sizeof(LogIndexHead);
    uint64_t start = first / (uint64_t)page * (uint64_t)page;
    size_t bytes = (size_t)(first - start) + segment->count * sizeof *segment->entries;
    char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                     mr_file_descriptor(segment->file->file), (off_t)start);
    if (map == MAP_FAILED) {
        return; /* what is in memory does as well */
    }
    uint32_t count = segment->count;
    entries_drop(segment);
    segment->map = map;
    segment->map_bytes = bytes;
    segment->entries = (LogIndexEntry *)(void *)(map + (first - start));
    segment->capacity = count;
    log_frames_fit(segment);
}

/* ---- cached frames ----------------------------------------------------------------------- */

MrLogFrame *log_frame_of(const LogSegment *segment, uint32_t entry)
{
    return segment->frames == NULL ? NULL : segment->frames[entry];
}

bool log_frame_set(LogSegment *segment, uint32_t entry, MrLogFrame *frame)
{
    if (segment->frames == NULL) {
        if (frame == NULL) {
            return true;
        }
        segment->frames = calloc(segment->capacity, sizeof(MrLogFrame *));
        if (segment->frames == NULL) {
            return false;
        }
    }
    segment->frame_count += frame != NULL;
    segment->frame_count -= segment->frames[entry] != NULL;
    segment->frames[entry] = frame;
    log_frames_fit(segment);
    return true;
}

void log_frames_fit(LogSegment *segment)
{
    if (segment->map != NULL && segment->frame_count == 0) {
        free(segment->frames);
        segment->frames = NULL;
    }
}
