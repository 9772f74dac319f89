/*
 * server/table_checkpoints.c - tables' checkpoints: when one is written, on a thread of its own,
 * and how a start takes them and the log behind.
 *
 * A start costs as much as what a table's records since its checkpoint hold, and the rows that are
 * there; so one is due when many rows have changed, and more than twice as many as are there: until
 * then there is nothing to gain.  Rows that were only ever inserted need none.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/logging.h"
#include "server/session.h"
#include "server/tables_internal.h"
#include "server/workers.h"
#include "storage/table_checkpoint.h"

typedef struct CheckpointJob {
    MrServer *server;
    pthread_t thread;
    uint32_t stream_id;
    uint64_t sequence;
    MrTableCheckpoint *checkpoint;
    atomic_bool is_cancelled;
    MrStatus status;
    MrError err;
} CheckpointJob;

enum { CHANGES_PER_ROW = 2 };

static void directory_format(const MrServer *server, char out[4096])
{
    snprintf(out, 4096, "%s/checkpoints", server->data_directory);
}

/* What stays is only a file too many. */
static void remove_checkpoint(const MrServer *server, uint32_t stream_id, uint64_t sequence)
{
    char directory[4096];
    MrError err = MR_ERROR_INIT;
    directory_format(server, directory);
    if (sequence > 0 && mr_table_checkpoint_remove(directory, stream_id, sequence, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "checkpoint.remove", &err);
    }
}

void mr_tables_forget_checkpoint(MrServer *server, const TableEntry *entry)
{
    remove_checkpoint(server, entry->stream_id, entry->checkpoint_sequence);
}

uint64_t mr_tables_checkpoint_sequence(MrServer *server, uint32_t stream_id)
{
    const TableEntry *entry = mr_tables_entry(server->tables, stream_id);
    return entry == NULL ? 0 : entry->checkpoint_sequence;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void checkpoint_is_written(void *context);

/* The log first: a file must never know more than it. */
static void *write_main(void *context)
{
    CheckpointJob *job = context;
    char directory[4096];
    directory_format(job->server, directory);
    job->status = mr_log_synced(job->server->log) >= job->sequence
                      ? MR_OK
                      : mr_log_sync(job->server->log, &job->err);
    if (job->status == MR_OK) {
        job->status =
            mr_table_checkpoint_write(job->checkpoint, directory, &job->is_cancelled, &job->err);
    }
    mr_server_post(job->server, checkpoint_is_written, job->server);
    return NULL;
}

static void job_free(CheckpointJob *job)
{
    mr_table_checkpoint_close(job->checkpoint);
    free(job);
}

/* The new file takes the place of the one before, if the table is still there. */
static void take_written(MrServer *server, const CheckpointJob *job)
{
    TableEntry *entry = mr_tables_entry(server->tables, job->stream_id);
    if (entry == NULL) {
        remove_checkpoint(server, job->stream_id, job->sequence);
        return;
    }
    if (entry->checkpoint_sequence != job->sequence) {
        remove_checkpoint(server, job->stream_id, entry->checkpoint_sequence);
    }
    entry->checkpoint_sequence = job->sequence;
}

/* Joins the thread; what it wrote counts.  One that failed is tried again after as many changes. */
static void end_job(MrServer *server)
{
    CheckpointJob *job = server->tables->job;
    pthread_join(job->thread, NULL);
    server->tables->job = NULL;
    if (job->status == MR_OK) {
        take_written(server, job);
    } else if (job->status != MR_ERR_CANCELED) {
        mr_log_error(MR_LOG_WARNING, "checkpoint.table", &job->err);
    }
    job_free(job);
}

static void checkpoint_is_written(void *context)
{
    MrServer *server = context;
    if (server->tables != NULL && server->tables->job != NULL) {
        end_job(server);
        mr_tables_checkpoint_due(server);
    }
}

void mr_tables_end_checkpoint(MrServer *server)
{
    if (server->tables->job != NULL) {
        atomic_store(&server->tables->job->is_cancelled, true);
        end_job(server);
    }
}

static bool is_due(const MrServer *server, const TableEntry *entry)
{
    const int64_t least = mr_settings_int(server->settings, MR_SET_TABLE_CHECKPOINT_ROWS);
    return least > 0 && entry->changes >= (uint64_t)least &&
           entry->changes > CHANGES_PER_ROW * mr_table_row_count(entry->table);
}

static MrStatus begin_job(MrServer *server, TableEntry *entry, MrError *err)
{
    CheckpointJob *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return mr_error_no_memory(err);
    }
    job->server = server;
    job->stream_id = entry->stream_id;
    job->sequence = mr_log_appended(server->log);
    MrStatus status = mr_table_checkpoint_open(entry->table, entry->stream_id, job->sequence,
                                               &job->checkpoint, err);
    server->tables->job = job;
    if (status == MR_OK) {
        status = mr_thread_start(&job->thread, "checkpoint", write_main, job, err);
    }
    if (status != MR_OK) {
        server->tables->job = NULL;
        job_free(job);
    }
    return status;
}

void mr_tables_checkpoint_due(MrServer *server)
{
    MrTables *tables = server->tables;
    MrError err = MR_ERROR_INIT;
    for (uint32_t t = 0; t < tables->count && tables->job == NULL; t++) {
        TableEntry *entry = &tables->entries[t];
        if (!is_due(server, entry)) {
            continue;
        }
        entry->changes = 0;
        if (begin_job(server, entry, &err) != MR_OK) {
            mr_log_error(MR_LOG_WARNING, "checkpoint.table", &err);
        }
    }
}

/* ---- at start -------------------------------------------------------------------------------- */

typedef struct Loading {
    MrServer *server;
    const char *directory;
    uint64_t head; /* of the log */
} Loading;

/* Files come in order of their sequences: the last one of a table that the log reaches is taken,
 * and the ones before it go.  Those of tables that are gone, or beyond the log, go too. */
static void take_file(void *context, uint32_t stream_id, uint64_t sequence)
{
    const Loading *loading = context;
    TableEntry *entry = mr_tables_entry(loading->server->tables, stream_id);
    if (entry == NULL || sequence > loading->head) {
        remove_checkpoint(loading->server, stream_id, sequence);
        return;
    }
    remove_checkpoint(loading->server, stream_id, entry->checkpoint_sequence);
    entry->checkpoint_sequence = sequence;
}

static MrStatus load_checkpoint(const Loading *loading, const MrRelation *relation, MrError *err)
{
    TableEntry *entry = mr_tables_entry(loading->server->tables, relation->stream->id);
    bool found = false;
    if (entry == NULL || entry->checkpoint_sequence == 0) {
        return MR_OK;
    }
    MR_TRY(mr_table_checkpoint_load(loading->directory, entry->stream_id,
                                    entry->checkpoint_sequence, &relation->stream->schema,
                                    entry->table, &found, err));
    if (!found) {
        mr_tables_forget_checkpoint(loading->server, entry);
        entry->checkpoint_sequence = 0;
    }
    return MR_OK;
}

static MrStatus load_checkpoints(Loading *loading, MrError *err)
{
    const MrCatalog *catalog = loading->server->catalog;
    MR_TRY(mr_table_checkpoint_each(loading->directory, take_file, loading, err));
    for (uint32_t r = 0; r < mr_catalog_relation_count(catalog); r++) {
        const MrRelation *relation = mr_catalog_relation(catalog, r);
        if (relation->kind == MR_RELATION_TABLE) {
            MR_TRY(load_checkpoint(loading, relation, err));
        }
    }
    return MR_OK;
}

static MrStatus replay_record(MrServer *server, const MrLogRecord *record, MrError *err)
{
    TableEntry *entry = mr_tables_entry(server->tables, record->stream_id);
    if (record->kind != MR_RECORD_ROWS || entry == NULL ||
        record->whole_end <= entry->checkpoint_sequence) {
        return MR_OK;
    }
    entry->changes += record->row_count;
    return mr_table_replay(entry->table, record->block,
                           record->first_sequence + record->row_count - 1, err);
}

/* All records behind the oldest of the checkpoints; those that are in a newer one are passed
 * over. */
static MrStatus replay_log(MrServer *server, const MrLogFilter *filter, uint64_t head, MrError *err)
{
    const MrTables *tables = server->tables;
    MrArena arena;
    MrStatus status = MR_OK;
    uint64_t next = UINT64_MAX;
    for (uint32_t t = 0; t < tables->count; t++) {
        const uint64_t from = tables->entries[t].checkpoint_sequence + 1;
        next = from < next ? from : next;
    }
    mr_arena_init(&arena, 0);
    while (status == MR_OK && next <= head) {
        MrLogRecord record;
        bool found;
        mr_arena_reset(&arena);
        status = mr_log_read(server->log, next, head, filter, &arena, &record, &found, err);
        if (status != MR_OK || !found) {
            break;
        }
        status = replay_record(server, &record, err);
        next = record.first_sequence + record.row_count;
        mr_log_release(&record);
    }
    mr_arena_fini(&arena);
    return status;
}

static void tell_of_start(const MrServer *server)
{
    const MrTables *tables = server->tables;
    for (uint32_t t = 0; t < tables->count; t++) {
        const TableEntry *entry = &tables->entries[t];
        mr_log_line(MR_LOG_INFO, "table.started",
                    "table %u has %llu rows: checkpoint at sequence %llu, %llu changes behind it",
                    entry->stream_id, (unsigned long long)mr_table_row_count(entry->table),
                    (unsigned long long)entry->checkpoint_sequence,
                    (unsigned long long)entry->changes);
    }
}

MrStatus mr_tables_start(MrServer *server, MrError *err)
{
    MrTables *tables = server->tables;
    char directory[4096];
    Loading loading = { .server = server,
                        .directory = directory,
                        .head = mr_log_appended(server->log) };
    directory_format(server, directory);
    MR_TRY(load_checkpoints(&loading, err));
    if (tables->count == 0) {
        return MR_OK;
    }
    uint32_t words = tables->entries[tables->count - 1].stream_id / 64 + 1;
    uint64_t *wanted = calloc(words, sizeof *wanted);
    MrStatus status = wanted == NULL ? mr_error_no_memory(err) : MR_OK;
    for (uint32_t t = 0; t < tables->count && status == MR_OK; t++) {
        mr_bitmap_set(wanted, tables->entries[t].stream_id);
        status = mr_log_stream_error(server->log, tables->entries[t].stream_id, err);
    }
    if (status == MR_OK) {
        const MrLogFilter filter = { .streams = wanted, .stream_words = words };
        status = replay_log(server, &filter, loading.head, err);
    }
    free(wanted);
    for (uint32_t t = 0; t < tables->count; t++) {
        mr_table_vacuum(tables->entries[t].table);
    }
    if (status == MR_OK) {
        tell_of_start(server);
    }
    return status;
}
