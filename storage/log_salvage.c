/*
 * storage/log_salvage.c - see log_salvage.h.  Every frame is read; what cannot be, and what is
 * missing between records where something is damaged, becomes gaps; files with either are written
 * again from the newest down, as retention does it.  The bytes of the old ones are kept.
 */
#include "storage/log_salvage.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "common/logging.h"
#include "storage/log_internal.h"

enum { COPY_BYTES = 1 << 20, LINE_BYTES = 700 };

/* A file of the log, and what is to become of it. */
typedef struct Patient {
    bool is_bad;
    char *state; /* of the streams behind its records; owned */
    size_t state_bytes;
    LogGap *gaps;
    uint32_t gap_count, gap_capacity;
} Patient;

typedef struct Salvage {
    MrLog *log;
    MrLogSalvage *told;
    Patient *patients; /* by segment */
    uint32_t count;
} Salvage;

static MR_PRINTF(2, 3) void say(Salvage *salvage, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    salvage->told->say(salvage->told->context, line);
}

/* ---- what is lost ---------------------------------------------------------------------------- */

static MrStatus gap_add(Salvage *salvage, uint32_t segment, uint64_t first, uint64_t count,
                        uint32_t stream_id, const char *why, MrError *err)
{
    Patient *patient = &salvage->patients[segment];
    char whose[40] = "of streams that nothing names";
    if (stream_id != 0) {
        snprintf(whose, sizeof whose, "of stream %u", stream_id);
    }
    say(salvage, "lost: sequences %" PRIu64 " to %" PRIu64 " %s: %s", first, first + count - 1,
        whose, why);
    salvage->told->gaps++;
    patient->is_bad = true;
    while (count > 0) {
        MR_GROW(patient->gaps, patient->gap_count, patient->gap_capacity, err);
        uint64_t part = count < UINT32_MAX ? count : UINT32_MAX;
        patient->gaps[patient->gap_count++] =
            (LogGap){ .first = first, .count = part, .stream_id = stream_id };
        first += part;
        count -= part;
    }
    return MR_OK;
}

/* The record can be read, as it was written. */
static MrStatus entry_try(MrLog *log, const LogIndexEntry *at, MrError *cause)
{
    LogIndexEntry copy = *at;
    MrLogFrame *frame = NULL;
    MrSegment *file = log_entry_file(log, &copy);
    MrStatus status = log_frame_load(log, &copy, file, &frame, cause);
    mr_frame_release(frame);
    mr_segment_release(file);
    return status;
}

static MrStatus records_try(Salvage *salvage, uint32_t s, MrError *err)
{
    MrLog *log = salvage->log;
    LogSegment *segment = log->segments[s];
    for (uint32_t e = 0; e < segment->count; e++) {
        LogIndexEntry *at = &segment->entries[e];
        MrError cause = MR_ERROR_INIT;
        if (log_entry_is_gone(log, segment, at)) {
            continue;
        }
        MrStatus status = entry_try(log, at, &cause);
        if (status == MR_OK) {
            continue;
        }
        if (status != MR_ERR_CORRUPT) {
            *err = cause;
            return status;
        }
        at->is_damaged = 1;
        for (uint32_t i = 0; i < salvage->count; i++) { /* the file that has the frame, too */
            salvage->patients[i].is_bad |= log->segments[i]->file->number == at->segment;
        }
        MR_TRY(gap_add(salvage, s, at->sequence, at->row_count, at->stream_id, cause.message, err));
    }
    return MR_OK;
}

/* Some stream has missed rows in there that were not trimmed. */
static bool is_missed(const MrLog *log, uint64_t first, uint64_t end)
{
    bool is_missed = false;
    for (uint32_t i = 0; i < log->stream_count; i++) {
        const LogStream *stream = log->streams[i];
        is_missed |= stream->error != NULL && stream->hole_from < end && stream->hole_upto >= first;
    }
    return is_missed;
}

/* The one stream that was found damaged there; 0: none, or several. */
static uint32_t stream_between(const MrLog *log, uint64_t first, uint64_t end)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < log->stream_count; i++) {
        const LogStream *stream = log->streams[i];
        if (stream->error != NULL && stream->damaged_from >= first && stream->damaged_from < end) {
            if (found != 0) {
                return 0;
            }
            found = stream->state.stream_id;
        }
    }
    return found;
}

/* Sequences that no record has, where a file is damaged or a stream misses rows. */
static MrStatus holes_find(Salvage *salvage, MrError *err)
{
    MrLog *log = salvage->log;
    uint64_t next = log->segments[0]->first_sequence;
    uint32_t before = 0; /* the segment of the record before */
    for (uint32_t s = 0; s < salvage->count; s++) {
        const LogSegment *segment = log->segments[s];
        for (uint32_t e = 0; e < segment->count; e++) {
            const LogIndexEntry *at = &segment->entries[e];
            bool is_near =
                (segment->is_damaged && !segment->is_rewritten) ||
                (log->segments[before]->is_damaged && !log->segments[before]->is_rewritten);
            if (at->sequence > next && (is_near || is_missed(log, next, at->sequence))) {
                MR_TRY(gap_add(salvage, s, next, at->sequence - next,
                               stream_between(log, next, at->sequence), "no good frame has them",
                               err));
            }
            next = at->sequence + at->row_count;
            before = s;
        }
    }
    return MR_OK;
}

static bool gap_is_of(const Salvage *salvage, uint32_t stream_id, uint64_t from)
{
    for (uint32_t s = 0; s < salvage->count; s++) {
        for (uint32_t g = 0; g < salvage->patients[s].gap_count; g++) {
            const LogGap *gap = &salvage->patients[s].gaps[g];
            if ((gap->stream_id == 0 || gap->stream_id == stream_id) &&
                gap->first + gap->count > from) {
                return true;
            }
        }
    }
    return false;
}

/* Rows were lost behind the last record that anything knows of: the gap stands where it can. */
static MrStatus ends_find(Salvage *salvage, bool is_done, MrError *err)
{
    MrLog *log = salvage->log;
    for (uint32_t i = 0; i < log->stream_count; i++) {
        const LogStream *stream = log->streams[i];
        uint32_t stream_id = stream->state.stream_id;
        if (stream->error == NULL || gap_is_of(salvage, stream_id, stream->damaged_from)) {
            continue;
        }
        if (is_done) {
            MR_TRY(log_append_gap(log, stream_id, err));
            continue;
        }
        salvage->told->gaps++;
        say(salvage, "perhaps lost: rows of stream %u about sequence %" PRIu64 ": %s", stream_id,
            stream->damaged_from, stream->error->message);
    }
    return MR_OK;
}

/* ---- what is known behind each file ---------------------------------------------------------- */

static MrStatus state_keep(Patient *patient, const void *state, size_t bytes, MrError *err)
{
    patient->state = malloc(bytes + 1);
    if (patient->state == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(patient->state, state, bytes);
    patient->state_bytes = bytes;
    return MR_OK;
}

static MrStatus state_of_index(MrLog *log, const LogSegment *segment, Patient *patient, bool *found,
                               MrError *err)
{
    LogSegment scratch = { .file = segment->file };
    MrLogFrame *frame;
    const void *state;
    size_t bytes;
    *found = false;
    if (!segment->file->is_sealed ||
        mr_segment_read_index(segment->file, &log->pool, &frame, NULL) != MR_OK) {
        return MR_OK;
    }
    MrStatus status = MR_OK;
    if (log_index_decode(&scratch, frame, &state, &bytes, NULL) == MR_OK) {
        *found = true;
        status = state_keep(patient, state, bytes, err);
    }
    log_segment_drop_entries(&scratch);
    free(scratch.moved);
    mr_frame_release(frame);
    return status;
}

/* A file that was not written again begins with the state behind the one before it. */
static MrStatus state_of_next(const LogSegment *next, Patient *patient, bool *found, MrError *err)
{
    MrSegmentScan scan;
    MrScanResult result;
    const MrFrameHeader *header;
    const void *body;
    uint32_t crc;
    *found = false;
    MR_TRY(mr_segment_scan_init(&scan, next->file, err));
    MrStatus status = mr_segment_scan_next(&scan, &result, &header, &body, &crc, err);
    if (status == MR_OK && result == MR_SCAN_FRAME && header->kind == MR_FRAME_STATE) {
        *found = true;
        status = state_keep(patient, body, header->body_bytes, err);
    }
    mr_segment_scan_fini(&scan);
    return status;
}

static MrStatus states_find(Salvage *salvage, MrError *err)
{
    MrLog *log = salvage->log;
    for (uint32_t s = 0; s < salvage->count; s++) {
        Patient *patient = &salvage->patients[s];
        const LogSegment *segment = log->segments[s];
        bool found = !patient->is_bad;
        if (!found) {
            MR_TRY(state_of_index(log, segment, patient, &found, err));
        }
        if (!found && s + 1 < log->segment_count) {
            MR_TRY(state_of_next(log->segments[s + 1], patient, &found, err));
        }
        if (!found) {
            mr_error_set(err, MR_ERR_CORRUPT,
                         "what was known behind log file \"%s\" cannot be told: its index and the "
                         "start of the next file are damaged as well",
                         segment->file->path);
            return mr_error_hint(err, "Restore one of the two from a backup.");
        }
    }
    return MR_OK;
}

/* ---- files written again --------------------------------------------------------------------- */

/* The bytes as they are stay, under another name, unless there are some from before. */
static MrStatus file_keep(MrLog *log, const MrSegment *file, MrError *err)
{
    char path[4096];
    uint64_t bytes;
    MrFile *copy;
    if (snprintf(path, sizeof path, "%s.damaged", file->path) >= (int)sizeof path) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "the name \"%.100s\" is too long",
                            file->path);
    }
    if (mr_file_exists(path)) {
        return MR_OK;
    }
    char *chunk = malloc(COPY_BYTES);
    if (chunk == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_open(path, MR_FILE_CREATE, &copy, err);
    if (status != MR_OK) {
        free(chunk);
        return status;
    }
    status = mr_file_size(file->file, &bytes, err);
    for (uint64_t at = 0; status == MR_OK && at < bytes; at += COPY_BYTES) {
        size_t part = bytes - at < COPY_BYTES ? (size_t)(bytes - at) : COPY_BYTES;
        status = mr_file_read(file->file, at, chunk, part, err);
        if (status == MR_OK) {
            status = mr_file_write(copy, at, chunk, part, err);
        }
    }
    if (status == MR_OK) {
        status = mr_file_sync(copy, err);
    }
    mr_file_close(copy);
    free(chunk);
    return status == MR_OK ? mr_file_sync_directory(log->directory, err) : status;
}

/* From the newest down: then no record of a later file names a part that was left out. */
static MrStatus files_rewrite(Salvage *salvage, MrError *err)
{
    MrLog *log = salvage->log;
    MrStatus status = MR_OK;
    for (uint32_t s = salvage->count; status == MR_OK && s-- > 0;) {
        const Patient *patient = &salvage->patients[s];
        LogSegment *segment = log->segments[s];
        if (!patient->is_bad) {
            continue;
        }
        status = file_keep(log, segment->file, err);
        if (status == MR_OK) {
            pthread_mutex_lock(&log->lock);
            status = log_segment_salvage(log, segment, patient->gaps, patient->gap_count,
                                         patient->state, patient->state_bytes, err);
            pthread_mutex_unlock(&log->lock);
        }
        if (status == MR_OK) {
            say(salvage, "%s: written again without them, kept as it was as \"….damaged\"",
                segment->file->path);
        }
    }
    return status;
}

/* ---- files that cannot be read at all ------------------------------------------------------- */

static void number_set_aside(void *context, const char *name)
{
    Salvage *salvage = context;
    MrLog *log = salvage->log;
    char path[4096], aside[4096];
    uint64_t number;
    if (!mr_segment_parse_name(name, &number) || log_segment_by_number(log, number) != NULL ||
        (log->next != NULL && log->next->number == number)) {
        return;
    }
    salvage->told->files++;
    if (!salvage->told->is_approved) {
        say(salvage, "%s cannot be read at all", name);
        return;
    }
    snprintf(path, sizeof path, "%.4000s/%.40s", log->directory, name);
    snprintf(aside, sizeof aside, "%.4000s/%.40s.damaged", log->directory, name);
    bool is_moved = mr_file_rename(path, aside, NULL) == MR_OK;
    say(salvage, "%s cannot be read at all: %s", name,
        is_moved ? "kept under its name + \".damaged\"" : "and cannot be moved");
}

/* ---- all of it ------------------------------------------------------------------------------- */

static MrStatus examine(Salvage *salvage, MrError *err)
{
    MrLog *log = salvage->log;
    for (uint32_t s = 0; s < salvage->count; s++) {
        salvage->patients[s].is_bad = log->segments[s]->is_damaged;
    }
    MR_TRY(holes_find(salvage, err));
    for (uint32_t s = 0; s < salvage->count; s++) {
        MR_TRY(records_try(salvage, s, err));
    }
    MR_TRY(ends_find(salvage, false, err));
    for (uint32_t s = 0; s < salvage->count; s++) {
        salvage->told->files += salvage->patients[s].is_bad;
    }
    return states_find(salvage, err);
}

MrStatus mr_log_salvage(MrLog *log, MrLogSalvage *told, MrError *err)
{
    Salvage salvage = { .log = log, .told = told };
    MR_TRY(mr_log_write(log, err));         /* the newest file's STATE */
    salvage.count = log->segment_count - 1; /* the last is the one that was just begun */
    salvage.patients = calloc(salvage.count + 1, sizeof *salvage.patients);
    if (salvage.patients == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = salvage.count == 0 ? MR_OK : examine(&salvage, err);
    if (status == MR_OK && told->is_approved) {
        status = files_rewrite(&salvage, err);
        if (status == MR_OK) {
            status = ends_find(&salvage, true, err);
        }
    }
    if (status == MR_OK) {
        status = mr_file_list_directory(log->directory, number_set_aside, &salvage, err);
    }
    if (status == MR_OK && told->is_approved) {
        status = mr_file_sync_directory(log->directory, err);
    }
    for (uint32_t s = 0; s < salvage.count; s++) {
        free(salvage.patients[s].state);
        free(salvage.patients[s].gaps);
    }
    free(salvage.patients);
    return status;
}
