/*
 * storage/sinks/progress_lines.c - see progress_lines.h.
 */
#include "storage/sinks/progress_lines.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"

enum { LINE_BYTES = 256 };

struct MrProgressLines {
    char *path;
    MrFile *file;
    MrProgressLine *lines;
    uint32_t count, capacity;
};

MrStatus mr_progress_lines_write(MrProgressLines *lines, const MrProgressLine *line, MrError *err)
{
    char text[LINE_BYTES];
    int length =
        snprintf(text, sizeof text,
                 "%s %" PRId64 " %s %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %016" PRIx64,
                 line->id, line->progress.generation, line->owner, line->progress.epoch,
                 line->progress.sequence, line->upserts, line->deletes, line->checksum);
    if (length < 0 || length >= LINE_BYTES) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a line of \"%s\" is too long", lines->path);
    }
    memset(text + length, ' ', LINE_BYTES - (size_t)length - 1);
    text[LINE_BYTES - 1] = '\n';
    return mr_file_write(lines->file, (uint64_t)(line - lines->lines) * LINE_BYTES, text,
                         LINE_BYTES, err);
}

MrStatus mr_progress_lines_sync(MrProgressLines *lines, MrError *err)
{
    return mr_file_sync_data(lines->file, err);
}

static MrStatus line_add(MrProgressLines *lines, const MrProgressLine *line, MrError *err)
{
    if (lines->count == lines->capacity) {
        uint32_t capacity = lines->capacity == 0 ? 16 : lines->capacity * 2;
        MrProgressLine *larger = reallocarray(lines->lines, capacity, sizeof *larger);
        if (larger == NULL) {
            return mr_error_no_memory(err);
        }
        lines->lines = larger;
        lines->capacity = capacity;
    }
    lines->lines[lines->count++] = *line;
    return MR_OK;
}

static MrStatus line_read(MrProgressLines *lines, uint64_t at, MrError *err)
{
    char text[LINE_BYTES + 1];
    MrProgressLine line = { .id = "" };
    MR_TRY(mr_file_read(lines->file, at, text, LINE_BYTES, err));
    text[LINE_BYTES] = '\0';
    int found = sscanf(
        text, "%36s %" SCNd64 " %36s %" SCNd64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx64,
        line.id, &line.progress.generation, line.owner, &line.progress.epoch,
        &line.progress.sequence, &line.upserts, &line.deletes, &line.checksum);
    if (found != 8) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "\"%s\" has a line that is not ours at byte %" PRIu64, lines->path, at);
    }
    return line_add(lines, &line, err);
}

/* The new file's name, too, is there after a power cut. */
static MrStatus sync_name(const MrProgressLines *lines, MrError *err)
{
    char *directory = strdup(lines->path);
    if (directory == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_sync_directory(dirname(directory), err);
    free(directory);
    return status;
}

static MrStatus load(MrProgressLines *lines, MrError *err)
{
    uint64_t size;
    MrFileMode mode = mr_file_exists(lines->path) ? MR_FILE_WRITE : MR_FILE_CREATE;
    MR_TRY(mr_file_open(lines->path, mode, &lines->file, err));
    if (mode == MR_FILE_CREATE) {
        MR_TRY(sync_name(lines, err));
    }
    MR_TRY(mr_file_size(lines->file, &size, err));
    for (uint64_t at = 0; at + LINE_BYTES <= size; at += LINE_BYTES) {
        MR_TRY(line_read(lines, at, err));
    }
    return MR_OK;
}

MrStatus mr_progress_lines_open(const char *path, MrProgressLines **out, MrError *err)
{
    MrProgressLines *lines = calloc(1, sizeof *lines);
    if (lines == NULL) {
        return mr_error_no_memory(err);
    }
    lines->path = strdup(path);
    MrStatus status = lines->path == NULL ? mr_error_no_memory(err) : load(lines, err);
    if (status != MR_OK) {
        mr_progress_lines_close(lines);
        return status;
    }
    *out = lines;
    return MR_OK;
}

void mr_progress_lines_close(MrProgressLines *lines)
{
    if (lines != NULL) {
        mr_file_close(lines->file);
        free(lines->lines);
        free(lines->path);
        free(lines);
    }
}

static MrProgressLine *line_of(MrProgressLines *lines, const uint8_t query[16])
{
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    for (uint32_t i = 0; i < lines->count; i++) {
        if (strcmp(lines->lines[i].id, id) == 0) {
            return &lines->lines[i];
        }
    }
    return NULL;
}

MrStatus mr_progress_lines_find(MrProgressLines *lines, const uint8_t query[16],
                                MrProgressLine **out, MrError *err)
{
    *out = line_of(lines, query);
    return *out != NULL ? MR_OK
                        : mr_error_set(err, MR_ERR_UNDEFINED_TABLE,
                                       "the query has no progress in \"%s\"", lines->path);
}

MrStatus mr_progress_lines_create(MrProgressLines *lines, const uint8_t query[16],
                                  const uint8_t nonce[16], MrError *err)
{
    MrProgressLine made = { .id = "" };
    if (line_of(lines, query) != NULL) {
        return MR_OK;
    }
    mr_sink_uuid_text(query, made.id);
    mr_sink_uuid_text(nonce, made.owner);
    MR_TRY(line_add(lines, &made, err));
    MR_TRY(mr_progress_lines_write(lines, &lines->lines[lines->count - 1], err));
    return mr_progress_lines_sync(lines, err);
}

/* The last line takes its place. */
MrStatus mr_progress_lines_drop(MrProgressLines *lines, const uint8_t query[16], MrError *err)
{
    MrProgressLine *found = line_of(lines, query);
    if (found == NULL) {
        return MR_OK;
    }
    *found = lines->lines[lines->count - 1];
    lines->count--;
    if ((uint32_t)(found - lines->lines) < lines->count) {
        MR_TRY(mr_progress_lines_write(lines, found, err));
    }
    MR_TRY(mr_file_truncate(lines->file, (uint64_t)lines->count * LINE_BYTES, err));
    return mr_progress_lines_sync(lines, err);
}

MrStatus mr_progress_lines_attach(MrProgressLines *lines, const uint8_t query[16],
                                  int64_t generation, const uint8_t nonce[16], MrProgress *out,
                                  MrError *err)
{
    MrProgressLine *found;
    char owner[MR_UUID_TEXT_BYTES];
    MR_TRY(mr_progress_lines_find(lines, query, &found, err));
    mr_sink_uuid_text(nonce, owner);
    if (found->progress.generation > generation && strcmp(found->owner, owner) != 0) {
        return mr_error_set(err, MR_ERR_FENCED, "another server has taken the query over");
    }
    found->progress.generation = generation + 1;
    memcpy(found->owner, owner, sizeof found->owner);
    *out = found->progress;
    MR_TRY(mr_progress_lines_write(lines, found, err));
    return mr_progress_lines_sync(lines, err);
}

MrStatus mr_progress_line_advance(MrProgressLine *line, const MrEpoch *epoch, MrError *err)
{
    if (line->progress.generation != epoch->generation ||
        line->progress.epoch != epoch->epoch - 1) {
        return mr_error_set(err, MR_ERR_SERIALIZATION, "the progress is not where it was left");
    }
    line->progress.epoch = epoch->epoch;
    line->progress.sequence = epoch->sequence;
    return MR_OK;
}
