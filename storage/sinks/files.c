/*
 * storage/sinks/files.c - files that get the rows of append-only queries exactly once.
 *
 * A commit appends rows, syncs them, and then says in the file's progress (file_progress.h) up to
 * which byte they count: that write is the commit.  What lies behind the byte after a crash is of
 * a commit that was not, and is cut off when the query is taken up again; after a clean end it is
 * somebody else's, and stays: the query is blocked.  Each output is
 * committed by itself: there is no transaction over two files.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/crc32c.h"
#include "common/fault.h"
#include "common/logging.h"
#include "storage/sinks/file_progress.h"
#include "storage/sinks/file_rows.h"
#include "storage/sinks/no_rows.h"

typedef struct FileOutput FileOutput;
struct FileOutput {
    FileOutput *next;
    uint8_t query[16];
    char *path, *progress_path;
    MrFile *data, *progress_file;
    MrFileProgress progress;
    bool has_excess; /* behind the committed bytes there may be some of ours */
};

typedef struct FileSink {
    MrSink base;
    char *data_directory; /* the server's: nothing is written there */
    FileOutput *outputs;
    MrBuilder text;
} FileSink;

/* ---- Outputs --------------------------------------------------------------------------------- */

/* A crash from now on leaves no bytes of ours behind those that are committed, or (`is_clean`
 * false) may leave some. */
static MrStatus output_mark(FileOutput *output, bool is_clean, MrError *err)
{
    if (output->progress.is_clean == is_clean) {
        return MR_OK;
    }
    MrFileProgress next = output->progress;
    next.is_clean = is_clean;
    MR_TRY(mr_file_progress_write(output->progress_file, &next, err));
    MR_TRY(mr_file_sync_data(output->progress_file, err));
    output->progress = next;
    return MR_OK;
}

static void output_destroy(FileOutput *output)
{
    MrError ignored = MR_ERROR_INIT;
    if (output != NULL) {
        if (output->data != NULL && !output->has_excess &&
            output_mark(output, true, &ignored) != MR_OK) {
            mr_log_error(MR_LOG_WARNING, "sink.close", &ignored);
        }
        mr_file_close(output->data);
        mr_file_close(output->progress_file);
        free(output->progress_path);
        free(output->path);
        free(output);
    }
}

static FileOutput **output_find(FileSink *sink, const uint8_t query[16])
{
    FileOutput **link = &sink->outputs;
    while (*link != NULL && memcmp((*link)->query, query, sizeof(*link)->query) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static void output_forget(FileSink *sink, const uint8_t query[16])
{
    FileOutput **link = output_find(sink, query), *output = *link;
    if (output != NULL) {
        *link = output->next;
        output_destroy(output);
    }
}

static MrStatus output_changed(const FileOutput *output, const char *how, MrError *err)
{
    mr_error_set(err, MR_ERR_NOT_IN_STATE, "file \"%s\" %s", output->path, how);
    return mr_error_hint(err, "Only its sink may write to it: put back what it was, or drop the "
                              "sink and create one for another file.");
}

static MrStatus tail_sum(const FileOutput *output, uint64_t length, uint32_t *out, MrError *err)
{
    char tail[MR_FILE_PROGRESS_TAIL_BYTES];
    size_t bytes = length < sizeof tail ? (size_t)length : sizeof tail;
    *out = 0;
    if (bytes > 0) {
        MR_TRY(mr_file_read(output->data, length - bytes, tail, bytes, err));
        *out = mr_crc32c(0, tail, bytes);
    }
    return MR_OK;
}

/* The output is what the last commit left, and the place for the next one is its end. */
static MrStatus output_check(FileOutput *output, MrError *err)
{
    uint64_t size;
    uint32_t sum;
    MR_TRY(mr_file_progress_check(output->progress_path, output->progress_file, err));
    MR_TRY(mr_file_progress_check(output->path, output->data, err));
    MR_TRY(mr_file_size(output->data, &size, err));
    if (size < output->progress.length) {
        return output_changed(output, "is shorter than what was written to it", err);
    }
    MR_TRY(tail_sum(output, output->progress.length, &sum, err));
    if (sum != output->progress.tail_crc) {
        return output_changed(output, "does not end in what was written to it", err);
    }
    if (size > output->progress.length && !output->has_excess) {
        return output_changed(output, "is longer than what was written to it", err);
    }
    if (size > output->progress.length) {
        MR_TRY(mr_file_truncate(output->data, output->progress.length, err));
    }
    output->has_excess = false;
    return MR_OK;
}

static MrStatus directory_sync(const char *path, MrError *err)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_sync_directory(dirname(copy), err);
    free(copy);
    return status;
}

/* An empty file that others may read, as COPY … TO of PostgreSQL makes them. */
static MrStatus data_create(const char *path, MrFile **out, MrError *err)
{
    MR_TRY(mr_file_open(path, MR_FILE_CREATE, out, err));
    if (fchmod(mr_file_descriptor(*out), 0644) != 0) {
        return mr_error_set(err, MR_ERR_IO, "could not make file \"%s\" readable: %m", path);
    }
    return directory_sync(path, err);
}

static MrStatus not_there(const char *path, MrError *err)
{
    return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "the query has no progress beside \"%s\"",
                        path);
}

static MrStatus output_fill(FileOutput *output, MrError *err)
{
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(output->query, id);
    MR_TRY(mr_file_progress_path(output->path, &output->progress_path, err));
    MR_TRY(mr_file_progress_open(output->path, &output->progress_file, &output->progress, err));
    if (strcmp(output->progress.query, id) != 0) {
        return not_there(output->path, err);
    }
    MR_TRY(mr_file_open(output->path, MR_FILE_WRITE, &output->data, err));
    output->has_excess = !output->progress.is_clean;
    return output_check(output, err);
}

/* The query's files, opened and looked at once for as long as nothing goes wrong. */
static MrStatus output_open(FileSink *sink, const uint8_t query[16], const MrSinkTable *table,
                            FileOutput **out, MrError *err)
{
    *out = *output_find(sink, query);
    if (*out != NULL) {
        return MR_OK;
    }
    FileOutput *output = calloc(1, sizeof *output);
    if (output == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(output->query, query, sizeof output->query);
    output->path = strdup(table->name);
    MrStatus status = output->path == NULL ? mr_error_no_memory(err) : output_fill(output, err);
    if (status != MR_OK) {
        output_destroy(output);
        return status;
    }
    output->next = sink->outputs;
    sink->outputs = output;
    *out = output;
    return MR_OK;
}

/* ---- CREATE and DROP ------------------------------------------------------------------------- */

/* The directory is there, and not the server's own. */
static MrStatus check_place(const FileSink *sink, const char *path, MrError *err)
{
    char resolved[PATH_MAX], own[PATH_MAX];
    char *copy = strdup(path);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    bool found = realpath(dirname(copy), resolved) != NULL;
    free(copy);
    if (!found) {
        return mr_error_set(err, errno == ENOENT ? MR_ERR_UNDEFINED_FILE : MR_ERR_IO,
                            "could not open the directory of file \"%s\": %s", path,
                            strerror(errno));
    }
    size_t length = realpath(sink->data_directory, own) != NULL ? strlen(own) : 0;
    if (length > 0 && strncmp(resolved, own, length) == 0 &&
        (resolved[length] == '/' || resolved[length] == '\0')) {
        mr_error_set(err, MR_ERR_INSUFFICIENT_PRIVILEGE, "file \"%s\" is inside the data directory",
                     path);
        return mr_error_hint(err, "Put output files somewhere else.");
    }
    return MR_OK;
}

/* Nothing of anybody's is written over: the file is new, or empty. */
static MrStatus check_free(const char *path, bool *exists, MrError *err)
{
    struct stat info;
    *exists = lstat(path, &info) == 0;
    if (!*exists) {
        return errno == ENOENT ? MR_OK
                               : mr_error_set(err, MR_ERR_IO, "could not look at file \"%s\": %s",
                                              path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", path);
    }
    if (info.st_size > 0) {
        mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "file \"%s\" is there already, and not empty",
                     path);
        return mr_error_hint(err, "Move it away, or give the sink another path.");
    }
    return MR_OK;
}

static MrStatus progress_remove(const char *output, MrError *err)
{
    char *path;
    MR_TRY(mr_file_progress_path(output, &path, err));
    MrStatus status = mr_file_remove(path, err);
    free(path);
    return status;
}

static MrStatus output_create(const char *path, const uint8_t query[16], const uint8_t nonce[16],
                              MrError *err)
{
    MrFileProgress first = { .is_clean = true };
    MrFile *file = NULL;
    bool exists;
    mr_sink_uuid_text(query, first.query);
    mr_sink_uuid_text(nonce, first.owner);
    MR_TRY(check_free(path, &exists, err));
    MrStatus status =
        exists ? mr_file_open(path, MR_FILE_WRITE, &file, err) : data_create(path, &file, err);
    mr_file_close(file);
    MR_TRY(status);
    status = mr_file_progress_create(path, &first, err);
    if (status != MR_OK) {
        (void)progress_remove(path, NULL); /* it may be there: nobody's, and in everybody's way */
    }
    return status;
}

/* Whether the file has a progress, and whether it is the query's. */
static MrStatus progress_look(const char *path, const uint8_t query[16], bool *exists,
                              bool *is_ours, MrError *err)
{
    char id[MR_UUID_TEXT_BYTES];
    MrFileProgress found;
    MrFile *file;
    MrStatus status = mr_file_progress_open(path, &file, &found, err);
    *exists = status != MR_ERR_UNDEFINED_FILE;
    *is_ours = false;
    if (status == MR_ERR_UNDEFINED_FILE) {
        mr_error_clear(err);
        return MR_OK;
    }
    MR_TRY(status);
    mr_file_close(file);
    mr_sink_uuid_text(query, id);
    *is_ours = strcmp(found.query, id) == 0;
    return MR_OK;
}

static MrStatus file_create(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                            const MrSinkTable *table, MrError *err)
{
    FileSink *sink = (FileSink *)base;
    bool exists, is_ours;
    MR_TRY(check_place(sink, table->name, err));
    output_forget(sink, query);
    MrStatus status = progress_look(table->name, query, &exists, &is_ours, err);
    if (status == MR_ERR_LOCK_NOT_AVAILABLE || (status == MR_OK && exists && !is_ours)) {
        mr_error_clear(err);
        mr_error_set(err, MR_ERR_OBJECT_IN_USE, "another sink writes to file \"%s\"", table->name);
        return mr_error_hint(err, "Give this one another path.");
    }
    MR_TRY(status);
    return exists ? MR_OK : output_create(table->name, query, nonce, err);
}

static bool is_written(const FileSink *sink, const char *path)
{
    for (const FileOutput *output = sink->outputs; output != NULL; output = output->next) {
        if (strcmp(output->path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* The rows stay: they are the reader's. */
static MrStatus file_drop(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                          MrError *err)
{
    bool exists, is_ours;
    output_forget((FileSink *)base, query);
    if (is_written((FileSink *)base, table->name)) {
        return MR_OK; /* by another query */
    }
    MR_TRY(progress_look(table->name, query, &exists, &is_ours, err));
    if (!is_ours) {
        return MR_OK;
    }
    MR_TRY(progress_remove(table->name, err));
    return directory_sync(table->name, err);
}

static MrStatus file_rename(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                            const char *new_name, bool is_trial, MrError *err)
{
    (void)base, (void)query, (void)table, (void)new_name, (void)is_trial, (void)err;
    return MR_OK; /* the sink is called so, not the file */
}

/* ---- An epoch -------------------------------------------------------------------------------- */

static MrStatus file_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                            int64_t generation, const uint8_t nonce[16], MrProgress *out,
                            MrError *err)
{
    FileSink *sink = (FileSink *)base;
    char owner[MR_UUID_TEXT_BYTES];
    FileOutput *output;
    MR_TRY(output_open(sink, query, table, &output, err));
    MrFileProgress next = output->progress;
    mr_sink_uuid_text(nonce, owner);
    if (next.progress.generation > generation && strcmp(next.owner, owner) != 0) {
        return mr_error_set(err, MR_ERR_FENCED, "another server has taken the query over");
    }
    next.progress.generation = generation + 1;
    memcpy(next.owner, owner, sizeof next.owner);
    MrStatus status = mr_file_progress_write(output->progress_file, &next, err);
    if (status == MR_OK) {
        status = mr_file_sync_data(output->progress_file, err);
    }
    if (status != MR_OK) {
        output_forget(sink, query); /* what the disk has is read anew */
        return status;
    }
    output->progress = next;
    *out = next.progress;
    return MR_OK;
}

static MrStatus file_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                             MrProgress *out, MrError *err)
{
    FileOutput *output;
    MR_TRY(output_open((FileSink *)base, query, table, &output, err));
    *out = output->progress.progress;
    return MR_OK;
}

/* The rows behind what is committed, on the disk; *next says what that makes of the file. */
static MrStatus rows_append(FileSink *sink, FileOutput *output, const MrEpoch *epoch,
                            MrFileProgress *next, MrError *err)
{
    MR_TRY(mr_sink_check_changes(epoch->table, &epoch->changes, err));
    MR_TRY(output_mark(output, false, err));
    next->serial = output->progress.serial;
    next->is_clean = false;
    output->has_excess = true;
    MR_TRY(mr_file_rows_append(output->data, epoch->table, &epoch->changes, next->length,
                               &sink->text, &next->length, err));
    if (next->length == output->progress.length) {
        return MR_OK;
    }
    MR_TRY(tail_sum(output, next->length, &next->tail_crc, err));
    return mr_file_sync_data(output->data, err);
}

static MrStatus epoch_commit(FileSink *sink, FileOutput *output, const MrEpoch *epoch,
                             bool *unknown, MrError *err)
{
    MrFileProgress next = output->progress;
    mr_fault_point("target.before_cas");
    if (next.progress.generation != epoch->generation || next.progress.epoch != epoch->epoch - 1) {
        return mr_error_set(err, MR_ERR_FENCED, "the progress is not where it was left");
    }
    MR_TRY(output_check(output, err));
    mr_fault_point("target.after_cas");
    MR_TRY(rows_append(sink, output, epoch, &next, err));
    mr_fault_point("target.before_commit");
    next.progress.epoch = epoch->epoch;
    next.progress.sequence = epoch->sequence;
    *unknown = true;
    MR_TRY(mr_file_progress_write(output->progress_file, &next, err));
    mr_fault_point("target.commit_sent");
    MR_TRY(mr_file_sync_data(output->progress_file, err));
    *unknown = false;
    output->progress = next;
    output->has_excess = false;
    mr_fault_point("target.after_commit");
    return MR_OK;
}

/* After any fault the files are opened and looked at anew. */
static MrStatus file_commit_one(MrSink *base, const MrEpoch *epoch, bool *unknown, MrError *err)
{
    FileSink *sink = (FileSink *)base;
    FileOutput *output;
    MrStatus status = output_open(sink, epoch->query, epoch->table, &output, err);
    if (status == MR_OK) {
        status = epoch_commit(sink, output, epoch, unknown, err);
    }
    if (status != MR_OK) {
        output_forget(sink, epoch->query);
    }
    return status;
}

static MrStatus file_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                            bool *unknown, int32_t *culprit, MrError *err)
{
    return mr_sink_commit_each(file_commit_one, base, epochs, count, unknown, culprit, err);
}

/* ---- A sink ---------------------------------------------------------------------------------- */

static void file_close(MrSink *base)
{
    FileSink *sink = (FileSink *)base;
    if (sink != NULL) {
        while (sink->outputs != NULL) {
            FileOutput *output = sink->outputs;
            sink->outputs = output->next;
            output_destroy(output);
        }
        mr_builder_fini(&sink->text);
        free(sink->data_directory);
        free(sink);
    }
}

static MrStatus file_open(const MrSinkOptions *options, MrSink **out, MrError *err)
{
    FileSink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return mr_error_no_memory(err);
    }
    sink->base.sink_class = &mr_sink_file;
    mr_builder_init(&sink->text, 0);
    sink->data_directory = strdup(options->location);
    if (sink->data_directory == NULL) {
        file_close(&sink->base);
        return mr_error_no_memory(err);
    }
    *out = &sink->base;
    return MR_OK;
}

const MrSinkClass mr_sink_file = {
    .name = "file",
    .no_rows = "a file has no such thing",
    .commits_alone = true,
    .check_options = mr_no_rows_check_options,
    .open = file_open,
    .create_table = file_create,
    .drop_table = file_drop,
    .swap_table = mr_no_rows_swap,
    .rename_table = file_rename,
    .create_index = mr_no_rows_create_index,
    .drop_index = mr_no_rows_drop_index,
    .attach = file_attach,
    .commit = file_commit,
    .resolve = file_resolve,
    .classify = mr_sink_classify,
    .is_connected = mr_no_rows_is_connected,
    .scan = mr_no_rows_scan,
    .close = file_close,
};
