/*
 * storage/sinks/exchange.c - directories that get the rows of streams exactly once, for a cluster
 * that reads files: every part is whole when it appears, and never changes.
 *
 *     <exchange>/<query id>/<input>/.<first sequence>.json     written, synced
 *     <exchange>/<query id>/.parts.millrace                    progress: this write is the commit
 *     <exchange>/<query id>/<input>/<first sequence>.json      renamed: server/flink_parts.h
 *
 * A part's name is the sequence behind the commit before it.  So a hidden one whose name is not
 * behind the progress was committed, and gets its name when the query is taken up again; one whose
 * name is behind it was not, and goes.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/fault.h"
#include "storage/sinks/exchange_rows.h"
#include "storage/sinks/file_progress.h"
#include "storage/sinks/no_rows.h"

typedef struct Output Output;
struct Output {
    Output *next;
    uint8_t query[16];
    char parts[PATH_MAX]; /* "<directory>/parts", as the progress is beside it */
    MrFile *progress_file;
    MrFileProgress progress;
};

typedef struct ExchangeSink {
    MrSink base;
    char *directory;
    Output *outputs;
    MrBuilder text;
} ExchangeSink;

/* ---- Names ----------------------------------------------------------------------------------- */

static MrStatus query_directory(const ExchangeSink *sink, const uint8_t query[16],
                                char out[PATH_MAX], MrError *err)
{
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    return mr_file_path(out, err, "%s/%s", sink->directory, id);
}

/* ---- Outputs --------------------------------------------------------------------------------- */

static Output **output_find(ExchangeSink *sink, const uint8_t query[16])
{
    Output **link = &sink->outputs;
    while (*link != NULL && memcmp((*link)->query, query, sizeof(*link)->query) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static void output_forget(ExchangeSink *sink, const uint8_t query[16])
{
    Output **link = output_find(sink, query), *output = *link;
    if (output != NULL) {
        *link = output->next;
        mr_file_close(output->progress_file);
        free(output);
    }
}

typedef struct Settling {
    char directory[PATH_MAX];
    uint64_t sequence; /* of the progress */
    bool changed;
    MrStatus status;
    MrError *err;
} Settling;

/* A hidden part gets its name, or goes. */
static void settle_name(void *context, const char *name)
{
    Settling *settling = context;
    char hidden[PATH_MAX], shown[PATH_MAX];
    uint64_t first;
    int length = 0;
    if (settling->status != MR_OK || sscanf(name, ".%" SCNu64 ".json%n", &first, &length) != 1 ||
        length == 0 || name[length] != '\0') {
        return;
    }
    settling->status = mr_file_path(hidden, settling->err, "%s/%s", settling->directory, name);
    if (settling->status == MR_OK) {
        settling->status =
            mr_file_path(shown, settling->err, "%s/%s", settling->directory, name + 1);
    }
    if (settling->status == MR_OK) {
        settling->status = first <= settling->sequence
                               ? mr_file_rename(hidden, shown, settling->err)
                               : mr_file_remove(hidden, settling->err);
    }
    settling->changed = true;
}

static MrStatus parts_settle(const char *directory, const MrSinkExchange *exchange,
                             uint64_t sequence, MrError *err)
{
    for (uint32_t p = 0; p < exchange->part_count; p++) {
        Settling settling = { .sequence = sequence, .err = err };
        MR_TRY(mr_file_path(settling.directory, err, "%s/%s", directory,
                            exchange->parts[p].directory));
        MR_TRY(mr_file_make_readable_directory(settling.directory, err));
        MR_TRY(mr_file_list_directory(settling.directory, settle_name, &settling, err));
        MR_TRY(settling.status);
        if (settling.changed) {
            MR_TRY(mr_file_sync_directory(settling.directory, err));
        }
    }
    return MR_OK;
}

/* The query's directories and the first progress: what is there already stays. */
static MrStatus output_create(const ExchangeSink *sink, const uint8_t query[16],
                              const uint8_t nonce[16], const MrSinkTable *table, MrError *err)
{
    char directory[PATH_MAX], path[PATH_MAX];
    MrFileProgress first = { .is_clean = true };
    MR_TRY(query_directory(sink, query, directory, err));
    MR_TRY(mr_file_make_readable_directory(directory, err));
    for (uint32_t p = 0; p < table->exchange->part_count; p++) {
        MR_TRY(mr_file_path(path, err, "%s/%s", directory, table->exchange->parts[p].directory));
        MR_TRY(mr_file_make_readable_directory(path, err));
    }
    MR_TRY(mr_file_path(path, err, "%s/.parts.millrace", directory));
    if (mr_file_exists(path)) {
        return MR_OK;
    }
    mr_sink_uuid_text(query, first.query);
    mr_sink_uuid_text(nonce, first.owner);
    MR_TRY(mr_file_path(path, err, "%s/parts", directory));
    MR_TRY(mr_file_progress_create(path, &first, err));
    MR_TRY(mr_file_sync_directory(directory, err));
    return mr_file_sync_directory(sink->directory, err);
}

static MrStatus output_fill(const ExchangeSink *sink, Output *output, const MrSinkTable *table,
                            MrError *err)
{
    char directory[PATH_MAX], id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(output->query, id);
    MR_TRY(query_directory(sink, output->query, directory, err));
    MR_TRY(mr_file_path(output->parts, err, "%s/parts", directory));
    MrStatus status =
        mr_file_progress_open(output->parts, &output->progress_file, &output->progress, err);
    if (status == MR_ERR_UNDEFINED_FILE) {
        mr_error_clear(err);
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE,
                            "the exchange has no directory \"%s\" with the query's progress",
                            directory);
    }
    MR_TRY(status);
    if (strcmp(output->progress.query, id) != 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "\"%s\" is another query's", directory);
    }
    return parts_settle(directory, table->exchange, output->progress.progress.sequence, err);
}

static MrStatus output_open(ExchangeSink *sink, const uint8_t query[16], const MrSinkTable *table,
                            Output **out, MrError *err)
{
    *out = *output_find(sink, query);
    if (*out != NULL) {
        return MR_OK;
    }
    Output *output = calloc(1, sizeof *output);
    if (output == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(output->query, query, sizeof output->query);
    MrStatus status = output_fill(sink, output, table, err);
    if (status != MR_OK) {
        mr_file_close(output->progress_file);
        free(output);
        return status;
    }
    output->next = sink->outputs;
    sink->outputs = output;
    *out = output;
    return MR_OK;
}

static MrStatus progress_put(Output *output, const MrFileProgress *fresh, MrError *err)
{
    MrFileProgress next = *fresh;
    next.serial = output->progress.serial;
    MR_TRY(mr_file_progress_write(output->progress_file, &next, err));
    MR_TRY(mr_file_sync_data(output->progress_file, err));
    output->progress = next;
    return MR_OK;
}

/* ---- CREATE and DROP ------------------------------------------------------------------------- */

static MrStatus exchange_create(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                                const MrSinkTable *table, MrError *err)
{
    output_forget((ExchangeSink *)base, query);
    return output_create((ExchangeSink *)base, query, nonce, table, err);
}

static MrStatus exchange_drop(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                              MrError *err)
{
    char directory[PATH_MAX];
    (void)table;
    output_forget((ExchangeSink *)base, query);
    MR_TRY(query_directory((ExchangeSink *)base, query, directory, err));
    return mr_file_remove_tree(directory, err);
}

/* ---- An epoch -------------------------------------------------------------------------------- */

/* A query that was never attached has no directory yet: CREATE has made its result only. */
static MrStatus exchange_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                int64_t generation, const uint8_t nonce[16], MrProgress *out,
                                MrError *err)
{
    ExchangeSink *sink = (ExchangeSink *)base;
    char owner[MR_UUID_TEXT_BYTES];
    Output *output;
    if (generation == 0) {
        MR_TRY(output_create(sink, query, nonce, table, err));
    }
    MR_TRY(output_open(sink, query, table, &output, err));
    MrFileProgress next = output->progress;
    mr_sink_uuid_text(nonce, owner);
    if (next.progress.generation > generation && strcmp(next.owner, owner) != 0) {
        return mr_error_set(err, MR_ERR_FENCED, "another server has taken the query over");
    }
    next.progress.generation = generation + 1;
    memcpy(next.owner, owner, sizeof next.owner);
    MrStatus status = progress_put(output, &next, err);
    if (status != MR_OK) {
        output_forget(sink, query); /* what the disk has is read anew */
        return status;
    }
    *out = next.progress;
    return MR_OK;
}

static MrStatus exchange_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                 MrProgress *out, MrError *err)
{
    Output *output;
    MR_TRY(output_open((ExchangeSink *)base, query, table, &output, err));
    *out = output->progress.progress;
    return MR_OK;
}

/* Where the output's directory ends in the name that its progress goes by. */
static int directory_length(const Output *output)
{
    return (int)(strlen(output->parts) - strlen("/parts"));
}

static MrStatus part_file_write(const char *path, const MrBuilder *text, MrError *err)
{
    MrFile *file;
    MR_TRY(mr_file_remove(path, err)); /* of a commit that was not */
    MR_TRY(mr_file_open(path, MR_FILE_CREATE, &file, err));
    MrStatus status = mr_file_write(file, 0, text->data, text->length, err);
    if (status == MR_OK) {
        status = mr_file_sync_data(file, err);
    }
    mr_file_close(file);
    return status == MR_OK ? mr_file_make_readable(path, 0644, err) : status;
}

/* One input's rows, on the disk and hidden; no file where it has none. */
static MrStatus part_write(ExchangeSink *sink, const Output *output, const MrEpoch *epoch,
                           uint32_t number, MrError *err)
{
    char directory[PATH_MAX], path[PATH_MAX];
    const MrSinkExchange *exchange = epoch->table->exchange;
    mr_builder_clear(&sink->text);
    for (uint32_t b = 0; b < epoch->changes.upsert_blocks; b++) {
        MR_TRY(
            mr_exchange_rows_append(exchange, number, epoch->changes.upserts[b], &sink->text, err));
    }
    if (sink->text.length == 0) {
        return MR_OK;
    }
    MR_TRY(mr_file_path(directory, err, "%.*s/%s", directory_length(output), output->parts,
                        exchange->parts[number].directory));
    MR_TRY(mr_file_path(path, err, "%s/.%020" PRIu64 ".json", directory,
                        output->progress.progress.sequence + 1));
    MR_TRY(part_file_write(path, &sink->text, err));
    return mr_file_sync_directory(directory, err);
}

static MrStatus parts_write(ExchangeSink *sink, const Output *output, const MrEpoch *epoch,
                            MrError *err)
{
    MR_TRY(mr_sink_check_changes(epoch->table, &epoch->changes, err));
    for (uint32_t p = 0; p < epoch->table->exchange->part_count; p++) {
        MR_TRY(part_write(sink, output, epoch, p, err));
    }
    return MR_OK;
}

static MrStatus epoch_commit(ExchangeSink *sink, Output *output, const MrEpoch *epoch,
                             bool *unknown, MrError *err)
{
    char directory[PATH_MAX], path[PATH_MAX];
    MrFileProgress next = output->progress;
    mr_fault_point("target.before_cas");
    if (next.progress.generation != epoch->generation || next.progress.epoch != epoch->epoch - 1) {
        return mr_error_set(err, MR_ERR_FENCED, "the progress is not where it was left");
    }
    MR_TRY(mr_file_path(directory, err, "%.*s", directory_length(output), output->parts));
    MR_TRY(mr_file_path(path, err, "%s/.parts.millrace", directory));
    MR_TRY(mr_file_progress_check(path, output->progress_file, err));
    mr_fault_point("target.after_cas");
    MR_TRY(parts_write(sink, output, epoch, err));
    mr_fault_point("target.before_commit");
    next.progress.epoch = epoch->epoch;
    next.progress.sequence = epoch->sequence;
    *unknown = true;
    MR_TRY(progress_put(output, &next, err));
    mr_fault_point("target.commit_sent");
    MR_TRY(parts_settle(directory, epoch->table->exchange, epoch->sequence, err));
    *unknown = false;
    mr_fault_point("target.after_commit");
    return MR_OK;
}

/* After any fault the progress is read anew. */
static MrStatus exchange_commit_one(MrSink *base, const MrEpoch *epoch, bool *unknown, MrError *err)
{
    ExchangeSink *sink = (ExchangeSink *)base;
    Output *output;
    MrStatus status = output_open(sink, epoch->query, epoch->table, &output, err);
    if (status == MR_OK) {
        status = epoch_commit(sink, output, epoch, unknown, err);
    }
    if (status != MR_OK) {
        output_forget(sink, epoch->query);
    }
    return status;
}

static MrStatus exchange_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                                bool *unknown, int32_t *culprit, MrError *err)
{
    return mr_sink_commit_each(exchange_commit_one, base, epochs, count, unknown, culprit, err);
}

/* ---- A sink ---------------------------------------------------------------------------------- */

static void exchange_close(MrSink *base)
{
    ExchangeSink *sink = (ExchangeSink *)base;
    if (sink != NULL) {
        while (sink->outputs != NULL) {
            output_forget(sink, sink->outputs->query);
        }
        mr_builder_fini(&sink->text);
        free(sink->directory);
        free(sink);
    }
}

static MrStatus exchange_open(const MrSinkOptions *options, MrSink **out, MrError *err)
{
    ExchangeSink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return mr_error_no_memory(err);
    }
    sink->base.sink_class = &mr_sink_exchange;
    mr_builder_init(&sink->text, 0);
    sink->directory = strdup(options->location);
    if (sink->directory == NULL) {
        exchange_close(&sink->base);
        return mr_error_no_memory(err);
    }
    *out = &sink->base;
    return MR_OK;
}

const MrSinkClass mr_sink_exchange = {
    .name = "exchange",
    .no_rows = "rows for another engine are not read here",
    .commits_alone = true,
    .check_options = mr_no_rows_check_options,
    .open = exchange_open,
    .create_table = exchange_create,
    .drop_table = exchange_drop,
    .swap_table = mr_no_rows_swap,
    .rename_table = mr_no_rows_rename,
    .create_index = mr_no_rows_create_index,
    .drop_index = mr_no_rows_drop_index,
    .attach = exchange_attach,
    .commit = exchange_commit,
    .resolve = exchange_resolve,
    .classify = mr_sink_classify,
    .is_connected = mr_no_rows_is_connected,
    .scan = mr_no_rows_scan,
    .close = exchange_close,
};
