/*
 * server/adhoc.c - a SELECT on a thread of its own: see adhoc.h.
 */
#include "server/adhoc.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "server/adhoc_internal.h"
#include "server/scheduler.h"
#include "server/tables.h"
#include "server/targets.h"
#include "server/virtual_rows.h"
#include "server/workers.h"

struct MrAdhoc {
    MrServer *server;
    const MrPlan *plan;
    MrStatementMemory *memory;
    MrCatalog *catalog;
    int64_t memory_bytes;
    MrLockOwner *locks;
    uint64_t first; /* where views that are computed again begin; 0: there are none */
    uint64_t upto;
    MrTargetThread **targets; /* per scan: of a result table */
    MrVirtualRows *virtuals;  /* per scan: rows of a system view, taken at the start */
    MrResult **returned;      /* per scan: what a statement in WITH returned, held */
    MrTableScan **tables;     /* per scan: of a table, as it was at the start */
    MrArena arena;            /* holds them */
    uint64_t own_sequence;
    uint32_t waited_scans; /* results among these scans cover own_sequence */
    MrWait *wait;
    MrAdhocDone *done; /* NULL once abandoned */
    void *context;
    pthread_t thread;
    bool is_started;
    _Atomic bool is_cancelled;
    MrResult *result;
    MrStatus status;
    MrError err;
};

static bool scans_first(const MrPlan *plan, uint32_t scan, MrScanKind kind)
{
    return plan->scans[scan].spec->kind == kind && mr_plan_is_first_scan(plan, scan);
}

/* A table's rows, as they are now. */
static bool scans_table_first(const MrPlan *plan, uint32_t scan)
{
    return scans_first(plan, scan, MR_SCAN_TABLE) && !plan->scans[scan].spec->reads_history;
}

/* Records of the log are what it reads. */
static bool reads_log(const MrPlanScan *scan)
{
    return scan->spec->kind == MR_SCAN_STREAM || scan->spec->reads_history;
}

/* The versions of a table: what it has begun to read must not become contents. */
static bool reads_history(const MrPlan *plan)
{
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (plan->scans[s].spec->reads_history) {
            return true;
        }
    }
    return false;
}

static const MrPlanScan *find_logged(const MrPlan *plan, uint32_t stream_id)
{
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (reads_log(&plan->scans[s]) && plan->scans[s].spec->stream_id == stream_id) {
            return &plan->scans[s];
        }
    }
    return NULL;
}

/* ---- on its own thread ----------------------------------------------------------------------- */

static MrStatus check_cancel(MrAdhoc *adhoc, MrError *err)
{
    if (atomic_load_explicit(&adhoc->is_cancelled, memory_order_relaxed)) {
        return mr_error_set(err, MR_ERR_CANCELED, "canceling statement due to user request");
    }
    return MR_OK;
}

/* The next records, many small ones at a time, through the pipeline. */
static MrStatus read_batch(MrAdhoc *adhoc, MrPipeline *pipeline, const MrLogFilter *filter,
                           MrArena *arena, uint64_t *next, MrError *err)
{
    enum { RECORDS = 64, ROWS = 65536 };
    MrLogRecord records[RECORDS];
    MrPipelineInput inputs[RECORDS];
    uint32_t count = 0, filled = 0, rows = 0;
    MrStatus status = MR_OK;
    while (count < RECORDS && rows < ROWS && *next <= adhoc->upto) {
        MrLogRecord *record = &records[count];
        bool found;
        status =
            mr_log_read(adhoc->server->log, *next, adhoc->upto, filter, arena, record, &found, err);
        if (status != MR_OK || !found) {
            *next = status == MR_OK ? adhoc->upto + 1 : *next;
            break;
        }
        count++;
        *next = record->first_sequence + record->row_count;
        const MrPlanScan *scan = find_logged(adhoc->plan, record->stream_id);
        if (scan != NULL && record->kind != MR_RECORD_DDL && record->kind != MR_RECORD_TRIM) {
            inputs[filled++] = (MrPipelineInput){ .block = record->block,
                                                  .watermark_after_us = record->watermark_after_us,
                                                  .arrival_us = record->arrival_us,
                                                  .sequence = record->whole_end,
                                                  .source = scan->spec->source };
            rows += record->row_count;
        }
    }
    if (status == MR_OK && filled > 0) {
        status = mr_pipeline_run(pipeline, inputs, filled, err);
    }
    for (uint32_t r = 0; r < count; r++) {
        mr_log_release(&records[r]);
    }
    return status;
}

/* The streams of the plan, and where the first kept row of any of them stands (past the end: it
 * reads none). */
static MrStatus find_streams(MrAdhoc *adhoc, MrLogFilter *filter, uint64_t *first, MrError *err)
{
    const MrPlan *plan = adhoc->plan;
    uint32_t words = 1;
    uint64_t *wanted;
    *first = UINT64_MAX;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        uint32_t needed = plan->scans[s].spec->stream_id / 64 + 1;
        words = needed > words ? needed : words;
    }
    MR_NEW_ARRAY(&adhoc->arena, wanted, words, err);
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        uint32_t stream_id = plan->scans[s].spec->stream_id;
        MrLogStreamFacts facts;
        if (!reads_log(&plan->scans[s])) {
            continue;
        }
        MR_TRY(mr_log_stream_error(adhoc->server->log, stream_id, err));
        uint64_t own =
            mr_log_stream_facts(adhoc->server->log, stream_id, &facts) ? facts.first_sequence : 1;
        *first = own < *first ? own : *first;
        mr_bitmap_set(wanted, stream_id);
    }
    *filter = (MrLogFilter){ .streams = wanted, .stream_words = words };
    return MR_OK;
}

/* History and the present: every record of the streams from their first kept row on, or from where
 * the views begin whose rows are computed again: before that there is nothing that counts. */
static MrStatus read_streams(MrAdhoc *adhoc, MrPipeline *pipeline, MrError *err)
{
    MrLogFilter filter;
    MrArena arena;
    uint64_t next;
    MrStatus status = MR_OK;
    MR_TRY(find_streams(adhoc, &filter, &next, err));
    next = next < adhoc->first ? adhoc->first : next;
    mr_arena_init(&arena, 0);
    while (status == MR_OK && next <= adhoc->upto && !mr_pipeline_is_full(pipeline)) {
        mr_arena_reset(&arena);
        status = read_batch(adhoc, pipeline, &filter, &arena, &next, err);
        if (status == MR_OK) {
            status = check_cancel(adhoc, err);
        }
    }
    mr_arena_fini(&arena);
    return status;
}

typedef struct ScanContext {
    MrAdhoc *adhoc;
    MrPipeline *pipeline;
    const MrPlanScan *scan;
} ScanContext;

static MrStatus scan_block(void *context, const MrBlock *block, MrError *err)
{
    ScanContext *scan = context;
    MR_TRY(check_cancel(scan->adhoc, err));
    return mr_adhoc_run_block(scan->pipeline, scan->scan, block, err);
}

static MrStatus read_result(MrAdhoc *adhoc, uint32_t index, MrPipeline *pipeline, MrError *err)
{
    const MrPlanScan *read = &adhoc->plan->scans[index];
    MrSinkTable table = mr_targets_table(read->relation);
    ScanContext scan = { .adhoc = adhoc, .pipeline = pipeline, .scan = read };
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrStatus status =
        mr_target_thread_scan(adhoc->targets[index], &table, &arena, scan_block, &scan, err);
    mr_arena_fini(&arena);
    return status;
}

static MrStatus read_table(MrAdhoc *adhoc, uint32_t index, MrPipeline *pipeline, MrError *err)
{
    MrArena arena;
    const MrBlock *block = NULL;
    MrStatus status;
    mr_arena_init(&arena, 0);
    do {
        mr_arena_reset(&arena);
        status = check_cancel(adhoc, err);
        if (status == MR_OK) {
            status = mr_table_scan_next(adhoc->tables[index], &arena, &block, err);
        }
        if (status == MR_OK && block != NULL) {
            status = mr_adhoc_run_block(pipeline, &adhoc->plan->scans[index], block, err);
        }
    } while (status == MR_OK && block != NULL && !mr_pipeline_is_full(pipeline));
    mr_arena_fini(&arena);
    return status;
}

/* What stands still first, then the streams, merged by sequence. */
static MrStatus read_all(MrAdhoc *adhoc, MrPipeline *pipeline, MrError *err)
{
    MR_TRY(mr_adhoc_run_virtuals(adhoc->plan, adhoc->virtuals, pipeline, err));
    for (uint32_t s = 0; s < adhoc->plan->scan_count; s++) {
        if (scans_first(adhoc->plan, s, MR_SCAN_RESULT)) {
            MR_TRY(read_result(adhoc, s, pipeline, err));
        } else if (scans_table_first(adhoc->plan, s)) {
            MR_TRY(read_table(adhoc, s, pipeline, err));
        }
    }
    return read_streams(adhoc, pipeline, err);
}

static MrStatus run_adhoc(MrAdhoc *adhoc, MrError *err)
{
    MrPipeline *pipeline;
    MR_TRY(mr_adhoc_result(adhoc->plan, &adhoc->result, err));
    adhoc->result->effects.locker = mr_lock_owner_locker(adhoc->locks);
    mr_effects_collect(&adhoc->result->effects);
    MR_TRY(
        mr_adhoc_pipeline(adhoc->plan, adhoc->memory_bytes, &adhoc->is_cancelled, &pipeline, err));
    MrStatus status = read_all(adhoc, pipeline, err);
    if (status == MR_OK) {
        status = mr_adhoc_take(pipeline, adhoc->result, err);
    }
    mr_pipeline_destroy(pipeline);
    return status;
}

/* Back on the event loop. */
static void finish_adhoc(void *context)
{
    MrAdhoc *adhoc = context;
    if (adhoc->is_started) {
        pthread_join(adhoc->thread, NULL);
        adhoc->server->adhoc_threads--;
    }
    MrResult *result = adhoc->result;
    if (adhoc->status != MR_OK || adhoc->done == NULL) {
        mr_result_destroy(result);
        result = NULL;
    }
    adhoc->server->history_readers -= reads_history(adhoc->plan);
    if (adhoc->done != NULL) {
        adhoc->done(adhoc->context, result, adhoc->status == MR_OK ? NULL : &adhoc->err);
    }
    for (uint32_t s = 0; adhoc->tables != NULL && s < adhoc->plan->scan_count; s++) {
        mr_table_scan_close(adhoc->tables[s]);
    }
    for (uint32_t s = 0; adhoc->returned != NULL && s < adhoc->plan->scan_count; s++) {
        mr_result_destroy(adhoc->returned[s]);
    }
    mr_catalog_unref(adhoc->catalog);
    mr_lock_owner_release(adhoc->locks);
    mr_statement_memory_release(adhoc->memory);
    mr_arena_fini(&adhoc->arena);
    free(adhoc);
}

static void *adhoc_main(void *context)
{
    MrAdhoc *adhoc = context;
    adhoc->status = run_adhoc(adhoc, &adhoc->err); /* its effects' collector ends with the thread */
    mr_server_post(adhoc->server, finish_adhoc, adhoc);
    return NULL;
}

static void begin(MrAdhoc *adhoc)
{
    /* Once the thread runs, status and err are its own: a failed start leaves them to us. */
    MrError err = MR_ERROR_INIT;
    MrStatus status = check_cancel(adhoc, &err);
    if (status == MR_OK) {
        adhoc->is_started = true;
        status = mr_thread_start(&adhoc->thread, "select", adhoc_main, adhoc, &err);
    }
    adhoc->server->adhoc_threads += status == MR_OK;
    if (status != MR_OK) {
        adhoc->is_started = false;
        adhoc->status = status;
        adhoc->err = err;
        mr_server_post(adhoc->server, finish_adhoc, adhoc);
    }
}

static void wait_or_begin(MrAdhoc *adhoc);

static void covered(void *context, MrStatus status, const MrError *err)
{
    MrAdhoc *adhoc = context;
    (void)status; /* a query that cannot get there is read as it stands */
    (void)err;
    adhoc->wait = NULL;
    wait_or_begin(adhoc);
}

/* Every result that is read must first be true for what the session has written. */
static void wait_or_begin(MrAdhoc *adhoc)
{
    const MrPlan *plan = adhoc->plan;
    while (adhoc->waited_scans < plan->scan_count && adhoc->own_sequence > 0) {
        uint32_t s = adhoc->waited_scans++;
        if (scans_first(plan, s, MR_SCAN_RESULT)) {
            adhoc->wait = mr_wait_covered(adhoc->server, plan->scans[s].relation->standing->id,
                                          adhoc->own_sequence, covered, adhoc);
            return;
        }
    }
    begin(adhoc);
}

/* No other scan of the plan gets the same rows. */
static bool scans_alone(const MrPlan *plan, uint32_t scan)
{
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (s != scan && plan->scans[s].spec->source == plan->scans[scan].spec->source) {
            return false;
        }
    }
    return true;
}

static MrStatus open_table(MrAdhoc *adhoc, uint32_t index, bool sees_uncommitted, MrError *err)
{
    const MrScanSpec *spec = adhoc->plan->scans[index].spec;
    MrTable *table = mr_tables_find(adhoc->server, spec->stream_id);
    if (table == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            spec->relation);
    }
    uint64_t upto =
        sees_uncommitted ? MR_TABLE_BEFORE(mr_tables_statement(adhoc->server)) : adhoc->upto;
    if (!scans_alone(adhoc->plan, index) || spec->key_values == NULL) {
        return mr_table_scan_open(table, upto, &adhoc->tables[index], err);
    }
    return spec->index_id != 0
               ? mr_table_scan_open_index(table, upto, spec->index_id, spec->key_values,
                                          spec->key_value_count, &adhoc->tables[index], err)
               : mr_table_scan_open_key(table, upto, spec->key_values, spec->key_value_count,
                                        &adhoc->tables[index], err);
}

/* The statements in WITH may be forgotten before this is over. */
static MrStatus hold_returned(MrAdhoc *adhoc, const MrAdhocOptions *options, MrError *err)
{
    const MrPlan *plan = adhoc->plan;
    MR_NEW_ARRAY(&adhoc->arena, adhoc->returned, plan->scan_count, err);
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (mr_adhoc_reads_returned(plan, s)) {
            const uint32_t number = plan->scans[s].relation->returned_by;
            adhoc->returned[s] = mr_result_hold(
                number == MR_RETURNED_OWN ? options->own : options->returned[number - 1]);
        }
    }
    return MR_OK;
}

/* What must be looked up on the event loop. */
static MrStatus prepare_scans(MrAdhoc *adhoc, const MrAdhocOptions *options, MrError *err)
{
    const MrPlan *plan = adhoc->plan;
    MR_TRY(hold_returned(adhoc, options, err));
    MR_TRY(mr_virtual_rows_fill(adhoc->server, plan, adhoc->returned, &adhoc->arena,
                                &adhoc->virtuals, err));
    MR_NEW_ARRAY(&adhoc->arena, adhoc->targets, plan->scan_count, err);
    MR_NEW_ARRAY(&adhoc->arena, adhoc->tables, plan->scan_count, err);
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (scans_first(plan, s, MR_SCAN_RESULT)) {
            MR_TRY(mr_targets_find(adhoc->server, adhoc->catalog,
                                   plan->scans[s].relation->standing->connection,
                                   &adhoc->targets[s], err));
        } else if (scans_table_first(plan, s)) {
            MR_TRY(open_table(adhoc, s, options->sees_uncommitted, err));
        }
    }
    return MR_OK;
}

MrAdhoc *mr_adhoc_start(MrServer *server, const MrPlan *plan, MrStatementMemory *memory,
                        MrCatalog *catalog, const MrAdhocOptions *options, MrAdhocDone *done,
                        void *context)
{
    MrAdhoc *adhoc = calloc(1, sizeof *adhoc);
    if (adhoc == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    adhoc->server = server;
    adhoc->plan = plan;
    adhoc->memory = mr_statement_memory_hold(memory);
    adhoc->catalog = mr_catalog_ref(catalog);
    adhoc->memory_bytes = options->memory_bytes;
    adhoc->locks = mr_lock_owner_hold(options->locks);
    adhoc->upto = mr_log_appended(server->log);
    adhoc->done = done;
    adhoc->context = context;
    adhoc->own_sequence = options->own_sequence;
    mr_arena_init(&adhoc->arena, 0);
    server->history_readers += reads_history(plan);
    adhoc->status = mr_adhoc_find_first(server, plan, &adhoc->first, &adhoc->err);
    if (adhoc->status == MR_OK) {
        adhoc->status = prepare_scans(adhoc, options, &adhoc->err);
    }
    if (adhoc->status != MR_OK) {
        mr_server_post(server, finish_adhoc, adhoc);
        return adhoc;
    }
    wait_or_begin(adhoc);
    return adhoc;
}

void mr_adhoc_cancel(MrAdhoc *adhoc)
{
    atomic_store_explicit(&adhoc->is_cancelled, true, memory_order_relaxed);
    if (adhoc->wait != NULL) {
        mr_wait_cancel(adhoc->wait);
        adhoc->wait = NULL;
        begin(adhoc); /* finds the mark and ends */
    }
}

void mr_adhoc_abandon(MrAdhoc *adhoc)
{
    adhoc->done = NULL;
    mr_adhoc_cancel(adhoc);
}
