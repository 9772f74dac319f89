/*
 * storage/segment_scan.c - walks the frames of a segment that has no footer, through a window, and
 * finds the next good header behind a bad one.  Must not know what recovery makes of it.
 */
#include "storage/segment.h"

#include <stdlib.h>
#include <string.h>

#include "common/fault.h"

enum { WINDOW_BYTES = 1 << 20 };

MrStatus mr_segment_scan_init(MrSegmentScan *scan, MrSegment *segment, MrError *err)
{
    *scan = (MrSegmentScan){ .segment = segment, .offset = MR_SEGMENT_START };
    MR_TRY(mr_file_size(segment->file, &scan->file_bytes, err));
    scan->window = malloc(WINDOW_BYTES);
    if (scan->window == NULL) {
        return mr_error_no_memory(err);
    }
    scan->window_capacity = WINDOW_BYTES;
    return MR_OK;
}

void mr_segment_scan_fini(MrSegmentScan *scan)
{
    free(scan->window);
    scan->window = NULL;
}

/* The bytes [offset, offset + bytes) in memory, or NULL when the file ends before. */
static MrStatus scan_bytes(MrSegmentScan *scan, uint64_t offset, size_t bytes, const char **out,
                           MrError *err)
{
    *out = NULL;
    if (offset > scan->file_bytes || bytes > scan->file_bytes - offset) {
        return MR_OK;
    }
    if (offset < scan->window_offset || offset + bytes > scan->window_offset + scan->window_bytes) {
        size_t want = bytes > WINDOW_BYTES ? bytes : WINDOW_BYTES;
        if (want > scan->window_capacity) {
            char *larger = realloc(scan->window, want);
            if (larger == NULL) {
                return mr_error_no_memory(err);
            }
            scan->window = larger;
            scan->window_capacity = want;
        }
        if (want > scan->file_bytes - offset) {
            want = scan->file_bytes - offset;
        }
        scan->window_bytes = 0;
        MR_TRY(mr_file_read(scan->segment->file, offset, scan->window, want, err));
        scan->window_offset = offset;
        scan->window_bytes = want;
    }
    *out = scan->window + (offset - scan->window_offset);
    return MR_OK;
}

/* True when nothing but zeros follows: the part of the file that was allocated and never
 * written. */
static MrStatus scan_is_empty(MrSegmentScan *scan, uint64_t offset, bool *out, MrError *err)
{
    *out = true;
    while (offset < scan->file_bytes && *out) {
        uint64_t left = scan->file_bytes - offset;
        size_t bytes = left < WINDOW_BYTES ? left : WINDOW_BYTES;
        const char *data;
        MR_TRY(scan_bytes(scan, offset, bytes, &data, err));
        *out = data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0;
        offset += bytes;
    }
    return MR_OK;
}

static bool header_fits(const MrSegmentScan *scan, const MrFrameHeader *header, uint64_t offset)
{
    if (mr_frame_header_is_good(header, scan->segment->salt, offset, scan->file_bytes)) {
        return true;
    }
    MrFrameHeader copy = *header;
    copy.header_crc = mr_frame_header_crc(&copy, scan->segment->salt);
    return mr_fault_planted("ignore_crc") &&
           mr_frame_header_is_good(&copy, scan->segment->salt, offset, scan->file_bytes);
}

MrStatus mr_segment_scan_next(MrSegmentScan *scan, MrScanResult *result,
                              const MrFrameHeader **header, const void **body, uint32_t *actual_crc,
                              MrError *err)
{
    const char *data;
    MrFrameHeader head;
    *result = MR_SCAN_END;
    MR_TRY(scan_bytes(scan, scan->offset, sizeof head, &data, err));
    if (data == NULL) {
        return MR_OK;
    }
    memcpy(&head, data, sizeof head);
    if (!header_fits(scan, &head, scan->offset)) {
        bool is_empty;
        MR_TRY(scan_is_empty(scan, scan->offset, &is_empty, err));
        *result = is_empty ? MR_SCAN_END : MR_SCAN_BAD_HEADER;
        return MR_OK;
    }
    MR_TRY(scan_bytes(scan, scan->offset, mr_frame_total_bytes(head.body_bytes), &data, err));
    *header = (const MrFrameHeader *)(const void *)data;
    *body = data + sizeof head;
    *actual_crc = mr_frame_body_crc(*header, *body);
    bool is_good = *actual_crc == head.body_crc || mr_fault_planted("ignore_crc");
    *result = is_good ? MR_SCAN_FRAME : MR_SCAN_BAD_BODY;
    return MR_OK;
}

MrStatus mr_segment_scan_resume(MrSegmentScan *scan, bool *found, MrError *err)
{
    uint64_t offset = scan->offset;
    *found = false;
    while (!*found) {
        const char *data;
        uint32_t magic;
        offset += MR_FRAME_ALIGN;
        MR_TRY(scan_bytes(scan, offset, sizeof(MrFrameHeader), &data, err));
        if (data == NULL) {
            return MR_OK;
        }
        memcpy(&magic, data, sizeof magic);
        *found = magic == MR_FRAME_MAGIC &&
                 mr_frame_header_is_good((const MrFrameHeader *)(const void *)data,
                                         scan->segment->salt, offset, scan->file_bytes);
    }
    scan->offset = offset;
    return MR_OK;
}
