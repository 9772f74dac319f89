/*
 * storage/log_recovery.c - the log found again: sealed segments by their index, the unsealed tail
 * frame by frame.  reliability.md 2.2 says what is a torn tail (cut) and what is damage (kept, and
 * the streams in it stop).  Runs before any other thread knows the log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/numbers.h"
#include "common/logging.h"
#include "storage/log_internal.h"

typedef struct NumberList {
    MrNumbers found;
    const char *directory;
} NumberList;

/* ---- a segment with one ------------------------------------------------------------------ */

/* The file stands for all before it: those that are still there are what a kill has left. */
static MrStatus drop_covered(MrLog *log, const LogSegment *segment, MrError *err)
{
    uint32_t covered = 0;
    while (log->segments[covered] != segment) {
        LogSegment *old = log->segments[covered++];
        MR_TRY(mr_file_remove(old->file->path, err));
        log_segment_free(old);
    }
    log->segment_count -= covered;
    memmove(log->segments, log->segments + covered, log->segment_count * sizeof *log->segments);
    return MR_OK;
}

/* What was left out is not missing. */
static MrStatus trust_state(MrLog *log, const void *state, size_t bytes, MrError *err)
{
    const size_t head = sizeof(LogStateHead);
    for (uint64_t i = 0; head + (i + 1) * sizeof(LogStreamState) <= bytes; i++) {
        LogStreamState one;
        memcpy(&one, (const char *)state + head + i * sizeof one, sizeof one);
        LogStream *stream = log_stream_make(log, one.stream_id);
        if (stream == NULL) {
            return mr_error_no_memory(err);
        }
        stream->state.last_sequence = one.last_sequence;
    }
    return MR_OK;
}

static MrStatus load_sealed(MrLog *log, LogSegment *segment, MrError *err)
{
    MrLogFrame *frame;
    const void *state;
    size_t state_bytes;
    MR_TRY(mr_segment_read_index(segment->file, &log->pool, &frame, err));
    MrStatus status = log_index_decode(segment, frame, &state, &state_bytes, err);
    uint32_t kept = 0;
    for (uint32_t i = 0; status == MR_OK && i < segment->count; i++) {
        const LogIndexEntry *at = &segment->entries[i];
        bool has_stream =
            at->kind != MR_RECORD_DDL && (at->kind != MR_RECORD_GAP || at->stream_id != 0);
        LogStream *stream = has_stream ? log_stream_make(log, at->stream_id) : NULL;
        if (stream == NULL && has_stream) {
            status = mr_error_no_memory(err);
            break;
        }
        if (at->kind == MR_RECORD_GAP) {
            status = log_gap_note(log, at, err);
        }
        if (!log_entry_is_gone(log, segment, at)) { /* log_chain_check sees to what should not be */
            if (stream != NULL) {
                log_chain_check(log, stream, at, segment->file);
                if (at->kind == MR_RECORD_ROWS) {
                    stream->state.last_sequence = at->sequence + at->row_count - 1;
                }
            }
            segment->entries[kept++] = segment->entries[i];
        }
    }
    if (status == MR_OK && kept == segment->count) {
        log_segment_map(segment, frame->header->offset);
    } else if (status == MR_OK) {
        segment->count = kept;
    }
    if (status == MR_OK && segment->is_netted) {
        status = trust_state(log, state, state_bytes, err);
    }
    if (status == MR_OK) {
        status = log_state_check(log, segment->file, segment->file->end, state, state_bytes, err);
    }
    if (status == MR_OK && segment->is_netted) {
        status = drop_covered(log, segment, err);
    }
    mr_frame_release(frame);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------- */

static void number_collect(void *context, const char *name)
{
    NumberList *list = context;
    uint64_t number;
    if (!mr_segment_parse_name(name, &number)) {
        size_t length = strlen(name);
        char path[4096];
        /* A segment that was being written again when the server ended: the old one stands. */
        if (length > 8 && strcmp(name + length - 8, ".seg.tmp") == 0 &&
            snprintf(path, sizeof path, "%s/%s", list->directory, name) < (int)sizeof path) {
            (void)mr_file_remove(path, NULL); /* it is tried again at the next start */
        }
        return;
    }
    mr_numbers_add(&list->found, number);
}

/* True for a file that was being made, or was prepared and not used: no byte where frames would
 * be. */
static MrStatus file_is_unused(const char *directory, uint64_t number, bool *out, MrError *err)
{
    char path[4096];
    MrFile *file;
    uint64_t bytes;
    char *chunk = malloc(LOG_STAGING_BYTES);
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".seg", directory, number);
    *out = true;
    if (chunk == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_open(path, MR_FILE_READ, &file, err);
    if (status != MR_OK) {
        free(chunk);
        return status;
    }
    status = mr_file_size(file, &bytes, err);
    for (uint64_t at = MR_SEGMENT_START; status == MR_OK && *out && at < bytes;) {
        size_t want = bytes - at < LOG_STAGING_BYTES ? bytes - at : LOG_STAGING_BYTES;
        status = mr_file_read(file, at, chunk, want, err);
        *out = status == MR_OK && chunk[0] == 0 && memcmp(chunk, chunk + 1, want - 1) == 0;
        at += want;
    }
    mr_file_close(file);
    free(chunk);
    return status;
}

static MrStatus file_remove_number(const char *directory, uint64_t number, MrError *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".seg", directory, number);
    return mr_file_remove(path, err);
}

/* Opens one file.  *out is NULL when it was never used (and is removed), or cannot be read at
 * all. */
static MrStatus file_open(MrLog *log, uint64_t number, bool is_newest, LogSegment **out,
                          MrError *err)
{
    MrSegment *file = NULL;
    MrError cause = MR_ERROR_INIT;
    bool is_unused = false;
    *out = NULL;
    MrStatus status = mr_segment_open(log->directory, number, &file, &cause);
    if (status != MR_OK && status != MR_ERR_CORRUPT) {
        if (err != NULL) {
            *err = cause;
        }
        return status;
    }
    if (is_newest && (status == MR_ERR_CORRUPT || !file->is_sealed)) {
        MrStatus looked = file_is_unused(log->directory, number, &is_unused, err);
        if (looked == MR_OK && is_unused) {
            looked = file_remove_number(log->directory, number, err);
        }
        if (looked != MR_OK || is_unused) {
            mr_segment_release(file);
            return looked;
        }
    }
    if (status == MR_ERR_CORRUPT) {
        mr_log_error(MR_LOG_ERROR, "log.corrupt", &cause);
        log_unproven_note(log, &cause);
        return MR_OK;
    }
    status = log_segment_add(log, file, out, err);
    if (status != MR_OK) {
        mr_segment_release(file);
    }
    return status;
}

/* Damage whose records are unknown, between two sequences: every stream that nothing later proves
 * to be whole stops. */
static void suspect_streams(MrLog *log, const LogDamage *damage)
{
    for (uint32_t i = 0; i < log->stream_count; i++) {
        LogStream *stream = log->streams[i];
        if (stream->proven_upto < damage->last_sequence && stream->state.trim_below != UINT64_MAX) {
            log_stream_damage(log, stream, damage->first_sequence, &damage->cause);
        }
    }
}

/* All that can be known is known: what is missing, and was not trimmed, is damage. */
static void settle_damage(MrLog *log)
{
    for (uint32_t i = 0; i < log->stream_count; i++) {
        LogStream *stream = log->streams[i];
        if (stream->hole != NULL && stream->hole_upto >= stream->state.trim_below) {
            log_stream_damage(log, stream, stream->hole_from, stream->hole);
        }
        free(stream->hole);
        stream->hole = NULL;
    }
    log_gaps_settle(log);
    if (log->unproven.is_set) {
        suspect_streams(log, &log->unproven);
    }
}

static MrStatus seal_tail(MrLog *log, LogSegment *tail, MrError *err)
{
    MrBuilder state, index;
    mr_builder_init(&state, 0);
    mr_builder_init(&index, 0);
    MrStatus status = log_state_encode(log, &state, err);
    if (status == MR_OK) {
        status = log_index_encode(tail, state.data, state.length, &index, err);
    }
    if (status == MR_OK) {
        status = mr_segment_seal(tail->file, index.data, index.length, &log->pool, err);
    }
    mr_builder_fini(&state);
    mr_builder_fini(&index);
    return status;
}

static MrStatus reach_check(const MrLog *log, MrError *err)
{
    if (log->next_sequence - 1 >= log->options.must_reach_sequence) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_CORRUPT,
                 "the log in \"%s\" ends at sequence %" PRIu64
                 ", but a target or checkpoint holds rows up to %" PRIu64,
                 log->directory, log->next_sequence - 1, log->options.must_reach_sequence);
    if (log->segment_count > 0) {
        const LogSegment *last = log_current(log);
        mr_error_detail(err, "Its last good record ends at offset %" PRIu64 " of \"%s\".",
                        last->file->end, last->file->path);
    }
    return mr_error_hint(err, "Rows that were committed are missing: restore the log's files.");
}

static MrStatus segment_recover(MrLog *log, uint64_t number, bool is_newest, MrError *err)
{
    LogSegment *segment;
    MR_TRY(file_open(log, number, is_newest, &segment, err));
    if (segment == NULL) {
        return MR_OK;
    }
    if (segment->file->is_sealed) {
        MrError cause = MR_ERROR_INIT;
        uint64_t before = log->next_sequence;
        MrStatus status = load_sealed(log, segment, &cause);
        if (status == MR_OK || status != MR_ERR_CORRUPT) {
            if (err != NULL && status != MR_OK) {
                *err = cause;
            }
            return status;
        }
        /* Its frames may still be good: they tell as much as the index did. */
        mr_log_error(MR_LOG_WARNING, "log.index_damaged", &cause);
        log->next_sequence = before;
        segment->is_damaged = true;
        return log_examine_segment(log, segment, false, err);
    }
    return log_examine_segment(log, segment, is_newest, err);
}

MrStatus log_recover(MrLog *log, MrError *err)
{
    NumberList list = { .directory = log->directory };
    MrStatus status = mr_file_list_directory(log->directory, number_collect, &list, err);
    if (status == MR_OK && list.found.failed) {
        status = mr_error_no_memory(err);
    }
    /* A file that was prepared and not used yet may stand behind the one that was written to. */
    while (status == MR_OK && list.found.count > 1) {
        MrSegment *last;
        bool is_unused = false;
        uint64_t number = list.found.items[list.found.count - 1];
        status = mr_segment_open(log->directory, number, &last, err);
        if (status == MR_ERR_CORRUPT || (status == MR_OK && !last->is_sealed)) {
            mr_error_clear(err);
            status = file_is_unused(log->directory, number, &is_unused, err);
        }
        mr_segment_release(last);
        if (status != MR_OK || !is_unused) {
            break;
        }
        log->next_number = number + 1;
        status = file_remove_number(log->directory, number, err);
        list.found.count--;
    }
    for (uint32_t i = 0; status == MR_OK && i < list.found.count; i++) {
        if (list.found.items[i] >= log->next_number) {
            log->next_number = list.found.items[i] + 1;
        }
        status = segment_recover(log, list.found.items[i], i + 1 == list.found.count, err);
    }
    free(list.found.items);
    if (status == MR_OK) {
        settle_damage(log);
        status = reach_check(log, err);
    }
    if (status == MR_OK && log->segment_count > 0 && !log_current(log)->file->is_sealed &&
        !log_current(log)->is_damaged) {
        mr_fault_point("recovery.log_read");
        status = seal_tail(log, log_current(log), err);
    }
    return status;
}
