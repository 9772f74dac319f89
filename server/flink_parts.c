/*
 * server/flink_parts.c - see flink_parts.h.
 */
#include "server/flink_parts.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/numbers.h"

enum { COPY_BYTES = 1 << 18 };

/* ---- Names ----------------------------------------------------------------------------------- */

typedef struct NameSearch {
    const char *prefix, *suffix;
    MrNumbers *out;
} NameSearch;

static void list_name(void *context, const char *name)
{
    const NameSearch *search = context;
    size_t prefix = strlen(search->prefix);
    char *end;
    if (strncmp(name, search->prefix, prefix) != 0 || name[prefix] < '0' || name[prefix] > '9') {
        return;
    }
    uint64_t number = strtoull(name + prefix, &end, 10);
    if (strcmp(end, search->suffix) == 0) {
        mr_numbers_add(search->out, number);
    }
}

static int number_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The numbers in the names of a directory, ascending; a missing one has none.  The caller frees. */
static MrStatus numbers_list(const char *directory, const char *prefix, const char *suffix,
                             MrNumbers *out, MrError *err)
{
    NameSearch search = { .prefix = prefix, .suffix = suffix, .out = out };
    *out = (MrNumbers){ 0 };
    if (!mr_file_exists(directory)) {
        return MR_OK;
    }
    MrStatus status = mr_file_list_directory(directory, list_name, &search, err);
    if (status == MR_OK && out->failed) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK && out->count > 1) {
        qsort(out->items, out->count, sizeof *out->items, number_compare);
    }
    return status;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

typedef struct Copy {
    MrFile *to;
    uint64_t at, rows;
    char *buffer;
} Copy;

static MrStatus copy_file(Copy *copy, const char *path, MrError *err)
{
    MrFile *from;
    uint64_t at = 0;
    size_t got = 0;
    MR_TRY(mr_file_open(path, MR_FILE_READ, &from, err));
    MrStatus status;
    while ((status = mr_file_read_some(from, at, copy->buffer, COPY_BYTES, &got, err)) == MR_OK &&
           got > 0) {
        for (const char *line = copy->buffer, *end = line + got;
             (line = memchr(line, '\n', (size_t)(end - line))) != NULL; line++) {
            copy->rows++;
        }
        if (copy->to != NULL) {
            status = mr_file_write(copy->to, copy->at, copy->buffer, got, err);
            if (status != MR_OK) {
                break;
            }
        }
        copy->at += got;
        at += got;
    }
    mr_file_close(from);
    return status;
}

/* All files of the list, numbered in `directory`, one behind the other. */
static MrStatus copy_list(Copy *copy, const char *directory, const MrNumbers *list, MrError *err)
{
    char path[PATH_MAX];
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_file_path(path, err, "%s/%020" PRIu64 ".json", directory, list->items[i]));
        MR_TRY(copy_file(copy, path, err));
    }
    return MR_OK;
}

/* The new file's rows; it is synced and hidden. */
static MrStatus merge_into(const char *path, const char *old_directory, const MrNumbers *old,
                           const char *new_directory, const MrNumbers *fresh, uint64_t *rows,
                           MrError *err)
{
    Copy copy = { .buffer = malloc(COPY_BYTES) };
    if (copy.buffer == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_remove(path, err);
    if (status == MR_OK) {
        status = mr_file_open(path, MR_FILE_CREATE, &copy.to, err);
    }
    if (status == MR_OK && old != NULL) {
        status = copy_list(&copy, old_directory, old, err);
    }
    if (status == MR_OK) {
        status = copy_list(&copy, new_directory, fresh, err);
    }
    if (status == MR_OK) {
        status = mr_file_sync_data(copy.to, err);
    }
    mr_file_close(copy.to);
    free(copy.buffer);
    *rows = copy.rows;
    if (status == MR_OK) {
        status = mr_file_make_readable(path, 0644, err);
    }
    return status;
}

static MrStatus count_rows(const char *directory, const MrNumbers *list, uint64_t *rows,
                           MrError *err)
{
    Copy copy = { .buffer = malloc(COPY_BYTES) };
    MrStatus status =
        copy.buffer == NULL ? mr_error_no_memory(err) : copy_list(&copy, directory, list, err);
    free(copy.buffer);
    *rows = copy.rows;
    return status;
}

/* Parts that a file has taken over. */
static MrStatus parts_remove(const char *directory, const MrNumbers *list, uint64_t upto,
                             MrError *err)
{
    char path[PATH_MAX];
    for (uint32_t i = 0; i < list->count && list->items[i] <= upto; i++) {
        MR_TRY(mr_file_path(path, err, "%s/%020" PRIu64 ".json", directory, list->items[i]));
        MR_TRY(mr_file_remove(path, err));
    }
    return MR_OK;
}

/* ---- What there is --------------------------------------------------------------------------- */

static MrStatus input_open(MrFlinkParts *parts, uint32_t input, MrError *err)
{
    char shown[PATH_MAX], waiting[PATH_MAX];
    MrNumbers files = { 0 }, fresh = { 0 };
    MrFlinkInput *own = &parts->inputs[input];
    MR_TRY(
        mr_file_path(shown, err, "%s/job-%" PRIu64 "/%u", parts->directory, parts->number, input));
    MR_TRY(mr_file_path(waiting, err, "%s/%u", parts->directory, input));
    MrStatus status = numbers_list(shown, "", ".json", &files, err);
    if (status == MR_OK) {
        status = count_rows(shown, &files, &own->rows, err);
    }
    if (status == MR_OK && files.count > 0) {
        own->last = files.items[files.count - 1];
        status = numbers_list(waiting, "", ".json", &fresh, err);
    }
    if (status == MR_OK) {
        status = parts_remove(waiting, &fresh, own->last, err);
    }
    free(files.items);
    free(fresh.items);
    return status;
}

/* Files of other jobs, and of one that did not come to be. */
static MrStatus jobs_remove(const MrFlinkParts *parts, const char *prefix, MrError *err)
{
    char path[PATH_MAX];
    MrNumbers jobs;
    MrStatus status = numbers_list(parts->directory, prefix, "", &jobs, err);
    for (uint32_t j = 0; j < jobs.count && status == MR_OK; j++) {
        if (jobs.items[j] != parts->number || prefix[0] == '.') {
            status =
                mr_file_path(path, err, "%s/%s%" PRIu64, parts->directory, prefix, jobs.items[j]);
            status = status == MR_OK ? mr_file_remove_tree(path, err) : status;
        }
    }
    free(jobs.items);
    return status;
}

MrStatus mr_flink_parts_open(char *directory, uint32_t input_count, MrFlinkParts *out, MrError *err)
{
    MrNumbers jobs;
    *out = (MrFlinkParts){ .directory = directory, .input_count = input_count };
    MrStatus status = numbers_list(directory, "job-", "", &jobs, err);
    out->number = status == MR_OK && jobs.count > 0 ? jobs.items[jobs.count - 1] : 0;
    free(jobs.items);
    MR_TRY(status);
    MR_TRY(jobs_remove(out, "job-", err));
    MR_TRY(jobs_remove(out, ".job-", err));
    for (uint32_t i = 0; i < input_count; i++) {
        MR_TRY(input_open(out, i, err));
    }
    return MR_OK;
}

/* ---- What the job sees ----------------------------------------------------------------------- */

/* All that there is of one input, in the directory of the job to come. */
static MrStatus input_begin(const MrFlinkParts *parts, const char *directory, uint32_t input,
                            MrFlinkInput *out, MrError *err)
{
    char shown[PATH_MAX], waiting[PATH_MAX], own[PATH_MAX], path[PATH_MAX];
    MrNumbers old = { 0 }, fresh = { 0 };
    *out = (MrFlinkInput){ .last = parts->inputs[input].last };
    MR_TRY(
        mr_file_path(shown, err, "%s/job-%" PRIu64 "/%u", parts->directory, parts->number, input));
    MR_TRY(mr_file_path(waiting, err, "%s/%u", parts->directory, input));
    MR_TRY(mr_file_path(own, err, "%s/%u", directory, input));
    MR_TRY(mr_file_make_readable_directory(own, err));
    MrStatus status = numbers_list(shown, "", ".json", &old, err);
    if (status == MR_OK) {
        status = numbers_list(waiting, "", ".json", &fresh, err);
    }
    if (status == MR_OK && old.count + fresh.count > 0) {
        out->last = fresh.count > 0 ? fresh.items[fresh.count - 1] : out->last;
        status = mr_file_path(path, err, "%s/%020" PRIu64 ".json", own, out->last);
        if (status == MR_OK) {
            status = merge_into(path, shown, &old, waiting, &fresh, &out->rows, err);
        }
    }
    free(old.items);
    free(fresh.items);
    return status == MR_OK ? mr_file_sync_directory(own, err) : status;
}

MrStatus mr_flink_parts_begin(MrFlinkParts *parts, MrError *err)
{
    char hidden[PATH_MAX], directory[PATH_MAX];
    MrFlinkParts next = { .directory = parts->directory,
                          .input_count = parts->input_count,
                          .number = parts->number + 1 };
    MR_TRY(mr_file_path(hidden, err, "%s/.job-%" PRIu64, parts->directory, next.number));
    MR_TRY(mr_file_path(directory, err, "%s/job-%" PRIu64, parts->directory, next.number));
    MR_TRY(mr_file_make_readable_directory(parts->directory, err));
    MR_TRY(mr_file_remove_tree(hidden, err));
    MR_TRY(mr_file_make_readable_directory(hidden, err));
    for (uint32_t i = 0; i < parts->input_count; i++) {
        MR_TRY(input_begin(parts, hidden, i, &next.inputs[i], err));
    }
    MR_TRY(mr_file_sync_directory(hidden, err));
    MR_TRY(mr_file_rename(hidden, directory, err));
    MR_TRY(mr_file_sync_directory(parts->directory, err));
    return mr_flink_parts_open(parts->directory, parts->input_count, parts, err);
}

static MrStatus parts_show(MrFlinkParts *parts, uint32_t input, const char *waiting,
                           const MrNumbers *fresh, MrError *err)
{
    char directory[PATH_MAX], hidden[PATH_MAX], path[PATH_MAX];
    uint64_t rows, last = fresh->items[fresh->count - 1];
    MR_TRY(mr_file_path(directory, err, "%s/job-%" PRIu64 "/%u", parts->directory, parts->number,
                        input));
    MR_TRY(mr_file_path(hidden, err, "%s/.next", directory));
    MR_TRY(mr_file_path(path, err, "%s/%020" PRIu64 ".json", directory, last));
    MR_TRY(merge_into(hidden, NULL, NULL, waiting, fresh, &rows, err));
    MR_TRY(mr_file_rename(hidden, path, err));
    MR_TRY(mr_file_sync_directory(directory, err));
    parts->inputs[input].rows += rows;
    parts->inputs[input].last = last;
    return parts_remove(waiting, fresh, last, err);
}

MrStatus mr_flink_parts_show(MrFlinkParts *parts, uint32_t input, MrError *err)
{
    char waiting[PATH_MAX];
    MrNumbers fresh;
    MR_TRY(mr_file_path(waiting, err, "%s/%u", parts->directory, input));
    MrStatus status = numbers_list(waiting, "", ".json", &fresh, err);
    if (status == MR_OK && fresh.count > 0) {
        status = parts_show(parts, input, waiting, &fresh, err);
    }
    free(fresh.items);
    return status;
}

bool mr_flink_parts_wait(const MrFlinkParts *parts, uint32_t input)
{
    char waiting[PATH_MAX];
    MrError ignored = MR_ERROR_INIT;
    MrNumbers fresh = { 0 };
    bool has_some = mr_file_path(waiting, &ignored, "%s/%u", parts->directory, input) == MR_OK &&
                    numbers_list(waiting, "", ".json", &fresh, &ignored) == MR_OK &&
                    fresh.count > 0;
    free(fresh.items);
    return has_some;
}
