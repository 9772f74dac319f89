/*
 * server/table_netting.c - tables are kept as contents: when the log leaves out what came and went,
 * on a thread of its own; see storage/log_net.h.
 *
 * Only what nobody reads again is touched: every query has a checkpoint above it, and so have the
 * tables themselves, where they have one.  Looked at again when the file is there, since queries
 * may have come meanwhile that begin with old rows.
 */
#include <pthread.h>
#include <stdlib.h>

#include "common/logging.h"
#include "server/retention.h"
#include "server/scheduler.h"
#include "server/tables_internal.h"
#include "server/workers.h"
#include "storage/log_net.h"

typedef struct NettingJob {
    MrServer *server;
    MrCatalog *catalog; /* a reference: what the tables are */
    MrLogNetTable *tables;
    uint32_t table_count;
    uint64_t sequence;
    pthread_t thread;
    bool is_joined;
    atomic_bool is_cancelled;
    MrLogNetting *netting;
    MrStatus status;
    MrError err;
} NettingJob;

static void job_free(NettingJob *job)
{
    mr_log_net_close(job->netting);
    mr_catalog_unref(job->catalog);
    free(job->tables);
    free(job);
}

static void join(NettingJob *job)
{
    if (!job->is_joined) {
        pthread_join(job->thread, NULL);
        job->is_joined = true;
    }
}

static void end_job(MrServer *server)
{
    NettingJob *job = server->tables->netting;
    join(job);
    server->tables->netting = NULL;
    job_free(job);
}

/* A statement that reads versions goes on with what it began with; a query that needs what is
 * left out has come: then there is nothing to be done now. */
static void try_publish(MrServer *server)
{
    NettingJob *job = server->tables->netting;
    char holder[160];
    MrError err = MR_ERROR_INIT;
    if (job->netting != NULL && server->history_readers > 0) {
        return;
    }
    if (job->netting != NULL &&
        mr_scheduler_needs_from(server, holder, sizeof holder) >= mr_log_net_end(job->netting) &&
        mr_log_net_publish(job->netting, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "retention.tables", &err);
    }
    end_job(server);
}

static void netting_is_made(void *context)
{
    MrServer *server = context;
    NettingJob *job = server->tables == NULL ? NULL : server->tables->netting;
    if (job == NULL) {
        return;
    }
    join(job);
    if (job->status != MR_OK && job->status != MR_ERR_CANCELED) {
        mr_log_error(MR_LOG_WARNING, "retention.tables", &job->err);
    }
    try_publish(server);
}

static void *netting_main(void *context)
{
    NettingJob *job = context;
    job->status = mr_log_net_make(job->server->log, job->sequence, job->tables, job->table_count,
                                  &job->is_cancelled, &job->netting, &job->err);
    mr_server_post(job->server, netting_is_made, job->server);
    return NULL;
}

static bool is_contents(const MrRelation *relation)
{
    return relation->kind == MR_RELATION_TABLE && (relation->stream->retention_us != INT64_MAX ||
                                                   relation->stream->retention_bytes != UINT64_MAX);
}

/* Versions are kept as long as the table says, and changes that its checkpoint does not know. */
static uint64_t net_below(MrServer *server, const MrStream *stream, const TableEntry *entry)
{
    uint64_t below = UINT64_MAX, other;
    if (stream->retention_us != INT64_MAX && stream->retention_us > 0) {
        int64_t oldest_us = mr_clock_wall_us(server->clock) - stream->retention_us;
        below = mr_log_sequence_at_arrival(server->log, stream->id, oldest_us);
    }
    if (stream->retention_bytes != UINT64_MAX) {
        other = mr_log_sequence_at_bytes(server->log, stream->id, stream->retention_bytes);
        below = other < below ? other : below;
    }
    other = entry->checkpoint_sequence + 1;
    return other > 1 && other < below ? other : below;
}

static void add_table(NettingJob *job, const MrRelation *relation, const TableEntry *entry)
{
    job->tables[job->table_count++] =
        (MrLogNetTable){ .stream_id = entry->stream_id,
                         .below = net_below(job->server, relation->stream, entry),
                         .row_count = mr_table_row_count(entry->table),
                         .table = { .name = relation->name,
                                    .schema = &relation->stream->schema,
                                    .keys = relation->table->keys,
                                    .key_count = relation->table->key_count,
                                    .number_column = relation->table->number_column } };
}

static int table_compare(const void *a, const void *b)
{
    const MrLogNetTable *x = a, *y = b;
    return x->stream_id < y->stream_id ? -1 : x->stream_id > y->stream_id;
}

static MrStatus job_create(MrServer *server, uint64_t needed, NettingJob **out, MrError *err)
{
    const uint32_t count = mr_catalog_relation_count(server->catalog);
    NettingJob *job = calloc(1, sizeof *job);
    if (job != NULL) {
        job->tables = calloc(count + 1, sizeof *job->tables);
    }
    if (job == NULL || job->tables == NULL) {
        free(job);
        return mr_error_no_memory(err);
    }
    job->server = server;
    job->catalog = mr_catalog_ref(server->catalog);
    job->sequence = needed;
    for (uint32_t r = 0; r < count; r++) {
        const MrRelation *relation = mr_catalog_relation(job->catalog, r);
        const TableEntry *entry =
            is_contents(relation) ? mr_tables_entry(server->tables, relation->stream->id) : NULL;
        if (entry != NULL) {
            add_table(job, relation, entry);
        }
    }
    qsort(job->tables, job->table_count, sizeof *job->tables, table_compare);
    *out = job;
    return MR_OK;
}

bool mr_tables_are_netted(const MrServer *server)
{
    return server->tables != NULL && server->tables->netting != NULL;
}

void mr_tables_net(MrServer *server, uint64_t needed)
{
    MrError err = MR_ERROR_INIT;
    NettingJob *job = NULL;
    /* A checkpoint that is being written would be of a sequence that is passed over here. */
    if (server->tables == NULL || server->tables->count == 0 || server->tables->job != NULL) {
        return;
    }
    MrStatus status = job_create(server, needed, &job, &err);
    if (status == MR_OK && job->table_count == 0) {
        job_free(job);
        return;
    }
    if (status == MR_OK) {
        status = mr_thread_start(&job->thread, "netting", netting_main, job, &err);
        if (status == MR_OK) {
            server->tables->netting = job;
            return;
        }
        job_free(job);
    }
    mr_log_error(MR_LOG_WARNING, "retention.tables", &err);
}

void mr_tables_net_again(MrServer *server)
{
    if (mr_tables_are_netted(server) && server->tables->netting->is_joined) {
        try_publish(server);
    }
}

void mr_tables_end_netting(MrServer *server)
{
    if (server->tables->netting != NULL) {
        atomic_store(&server->tables->netting->is_cancelled, true);
        end_job(server);
    }
}
