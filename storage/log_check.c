/*
 * storage/log_check.c - every frame of every segment against its checksums: see log_check.h.
 * Recovery judges the same bytes when a server starts, and may cut and seal; here nothing is
 * written, so that a person can look before anything does.
 */
#include "storage/log_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/numbers.h"
#include "storage/segment.h"

enum { LINE_BYTES = 600 };

static MR_PRINTF(2, 3) void say(MrLogCheck *check, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    check->say(check->context, line);
}

static void collect(void *context, const char *name)
{
    uint64_t number;
    if (mr_segment_parse_name(name, &number)) {
        mr_numbers_add(context, number);
    }
}

/* What one file holds. */
typedef struct Tally {
    uint64_t frames, first_sequence, last_sequence, damages;
    uint64_t good_end;  /* behind the last good frame */
    uint64_t torn_from; /* where bytes begin that no good frame follows; 0: nowhere */
} Tally;

static void count_frame(Tally *tally, const MrFrameHeader *header, uint64_t end)
{
    tally->frames++;
    tally->good_end = end;
    if (header->row_count > 0 && header->first_sequence > 0) {
        tally->first_sequence =
            tally->first_sequence == 0 ? header->first_sequence : tally->first_sequence;
        tally->last_sequence = header->first_sequence + header->row_count - 1;
    }
}

static void damage(MrLogCheck *check, Tally *tally, const MrSegment *segment, uint64_t offset,
                   const char *what)
{
    tally->damages++;
    say(check, "%s: DAMAGED at offset %" PRIu64 ": %s", segment->path, offset, what);
}

/* Rows that stand somewhere else must still stand there. */
static void look_at_range(MrLogCheck *check, Tally *tally, const MrSegment *segment,
                          const MrFrameHeader *header, const void *body)
{
    MrError cause = MR_ERROR_INIT;
    MrString range = { body, header->body_bytes - header->payload_bytes };
    check->ranges++;
    if (check->look != NULL && check->look(check->context, range, &cause) != MR_OK) {
        damage(check, tally, segment, header->offset, cause.message);
    }
}

/* A bad header: damage when a good frame follows, else the end of what was written. */
static MrStatus pass_bad_header(MrLogCheck *check, MrSegmentScan *scan, Tally *tally, bool *goes_on,
                                MrError *err)
{
    uint64_t from = scan->offset;
    MR_TRY(mr_segment_scan_resume(scan, goes_on, err));
    if (*goes_on) {
        char what[80];
        snprintf(what, sizeof what, "%" PRIu64 " bytes are no frame", scan->offset - from);
        damage(check, tally, scan->segment, from, what);
    } else {
        tally->torn_from = from;
    }
    return MR_OK;
}

static MrStatus scan_frames(MrLogCheck *check, MrSegmentScan *scan, Tally *tally, MrError *err)
{
    const MrSegment *segment = scan->segment;
    uint64_t end = segment->is_sealed ? segment->end - MR_SEGMENT_FOOTER_BYTES : UINT64_MAX;
    bool goes_on = true;
    uint64_t bad_body = 0;
    while (goes_on && scan->offset < end) {
        MrScanResult result;
        const MrFrameHeader *header = NULL;
        const void *body;
        uint32_t actual;
        MR_TRY(mr_segment_scan_next(scan, &result, &header, &body, &actual, err));
        if (result == MR_SCAN_END) {
            break;
        }
        if (result == MR_SCAN_BAD_HEADER) {
            MR_TRY(pass_bad_header(check, scan, tally, &goes_on, err));
            continue;
        }
        uint64_t next = scan->offset + mr_frame_total_bytes(header->body_bytes);
        if (result == MR_SCAN_BAD_BODY) {
            char what[80];
            snprintf(what, sizeof what, "body checksum %08x expected, %08x found", header->body_crc,
                     actual);
            damage(check, tally, segment, scan->offset, what);
            bad_body = scan->offset;
        } else {
            count_frame(tally, header, next);
            if ((header->flags & MR_FRAME_RANGE) != 0) {
                look_at_range(check, tally, segment, header, body);
            }
            bad_body = 0;
        }
        scan->offset = next;
    }
    if (bad_body != 0 && !segment->is_sealed) { /* the last frame of an open file: a torn write */
        tally->damages--;
        tally->torn_from = bad_body;
    }
    return MR_OK;
}

/* A file that is not the newest was sealed before a later one was written to. */
static void judge(MrLogCheck *check, const MrSegment *segment, bool is_newest, Tally *tally)
{
    char sequences[80] = "no records";
    if (tally->first_sequence > 0) {
        snprintf(sequences, sizeof sequences, "sequences %" PRIu64 " to %" PRIu64,
                 tally->first_sequence, tally->last_sequence);
    }
    if (tally->torn_from > 0 && (segment->is_sealed || !is_newest)) {
        damage(check, tally, segment, tally->torn_from, "what follows is no frame");
    } else if (tally->torn_from > 0) {
        say(check,
            "%s: torn write at offset %" PRIu64 ", as a crash leaves it: cut at the next start",
            segment->path, tally->torn_from);
    }
    say(check, "%s: %s, %" PRIu64 " frames, %s, %" PRIu64 " bytes%s", segment->path,
        segment->is_sealed ? "sealed" : "open", tally->frames, sequences, tally->good_end,
        tally->damages > 0 ? ", DAMAGED" : "");
}

static MrStatus check_file(const char *directory, uint64_t number, bool is_newest,
                           MrLogCheck *check, MrError *err)
{
    MrSegment *segment;
    MrSegmentScan scan;
    Tally tally = { 0 };
    MrError cause = MR_ERROR_INIT;
    MrStatus status = mr_segment_open(directory, number, &segment, &cause);
    check->files++;
    if (status == MR_ERR_OUT_OF_MEMORY) {
        return mr_error_no_memory(err);
    }
    if (status != MR_OK) {
        check->damages++;
        say(check, "DAMAGED: %s", cause.message);
        return MR_OK;
    }
    status = mr_segment_scan_init(&scan, segment, err);
    if (status == MR_OK) {
        status = scan_frames(check, &scan, &tally, err);
        mr_segment_scan_fini(&scan);
    }
    if (status == MR_OK) {
        judge(check, segment, is_newest, &tally);
        check->frames += tally.frames;
        check->bytes += tally.good_end;
        check->damages += tally.damages;
    }
    mr_segment_release(segment);
    return status;
}

MrStatus mr_log_check(const char *directory, MrLogCheck *check, MrError *err)
{
    MrNumbers list = { 0 };
    MrStatus status = mr_file_list_directory(directory, collect, &list, err);
    if (status == MR_OK && list.failed) {
        status = mr_error_no_memory(err);
    }
    /* From the newest down: behind it may stand one that was prepared and holds nothing yet. */
    for (uint32_t i = list.count; status == MR_OK && i-- > 0;) {
        status = check_file(directory, list.items[i], check->frames == 0, check, err);
    }
    free(list.items);
    return status;
}
