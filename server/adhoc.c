/*
 * server/adhoc.c - a SELECT on a thread of its own: see adhoc.h.
 */
#include "server/adhoc.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/pipeline.h"
#include "server/relations.h"
#include "server/scheduler.h"
#include "server/tables.h"
#include "server/targets.h"
#include "server/workers.h"

struct MrAdhoc {
    MrServer *server;
    const MrPlan *plan;
    MrStatementMemory *memory;
    MrCatalog *catalog;
    int64_t memory_bytes;
    uint64_t upto;
    MrTargetThread *target; /* of a result table */
    MrTableScan *table;     /* of a table: as it was at the start */
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

void mr_result_destroy(MrResult *result)
{
    if (result != NULL) {
        mr_arena_fini(&result->arena);
        free(result);
    }
}

MrStatus mr_result_add(MrResult *result, const MrBlock *block, MrError *err)
{
    MrBlock *copy;
    MR_TRY(mr_block_copy(&result->arena, block, &copy, err));
    if ((result->block_count & (result->block_count - 1)) ==
        0) { /* room doubles at powers of two */
        const MrBlock **blocks;
        MR_NEW_ARRAY(&result->arena, blocks, result->block_count == 0 ? 1 : result->block_count * 2,
                     err);
        if (result->block_count > 0) {
            memcpy(blocks, result->blocks, result->block_count * sizeof *blocks);
        }
        result->blocks = blocks;
    }
    result->blocks[result->block_count++] = copy;
    result->row_count += copy->row_count;
    return MR_OK;
}

static MrStatus keep_block(void *context, const MrBlock *block, MrError *err)
{
    return mr_result_add(context, block, err);
}

MrStatus mr_result_create(const MrSchema *schema, MrResult **out, MrError *err)
{
    MrResult *result = calloc(1, sizeof *result);
    if (result == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&result->arena, 0);
    MrColumn *columns = mr_arena_calloc(&result->arena, schema->column_count + 1, sizeof *columns);
    if (columns == NULL) {
        mr_result_destroy(result);
        return mr_error_no_memory(err);
    }
    result->schema = (MrSchema){ .column_count = schema->column_count, .columns = columns };
    for (uint32_t c = 0; c < schema->column_count; c++) {
        columns[c] = schema->columns[c];
        columns[c].name = mr_arena_strdup(&result->arena, schema->columns[c].name);
        if (columns[c].name == NULL) {
            mr_result_destroy(result);
            return mr_error_no_memory(err);
        }
    }
    *out = result;
    return MR_OK;
}

static MrStatus result_of_plan(const MrPlan *plan, MrResult **out, MrError *err)
{
    MrSchema visible = { plan->visible_columns, plan->output.columns };
    return mr_result_create(&visible, out, err);
}

static MrStatus make_pipeline(const MrPlan *plan, int64_t memory_bytes, MrPipeline **out,
                              MrError *err)
{
    MrPipelineOptions options = { .dag = plan->dag, .memory_bytes_max = memory_bytes };
    return mr_pipeline_create(&options, out, err);
}

static MrStatus run_block(MrPipeline *pipeline, const MrBlock *block, MrError *err)
{
    MrPipelineInput input = { .block = block, .watermark_after_us = MR_TIME_MIN };
    return mr_pipeline_run(pipeline, &input, 1, err);
}

bool mr_adhoc_is_immediate(const MrPlan *plan)
{
    return plan->scan->kind == MR_SCAN_VALUES || plan->scan->kind == MR_SCAN_VIRTUAL;
}

MrStatus mr_adhoc_run_blocks(MrServer *server, const MrPlan *plan, const MrBlock *const *blocks,
                             uint32_t count, MrResult **out, MrError *err)
{
    MrPipeline *pipeline;
    MrResult *result;
    MR_TRY(
        make_pipeline(plan, mr_settings_int(server->settings, MR_SET_WORK_MEMORY), &pipeline, err));
    MrStatus status = result_of_plan(plan, &result, err);
    if (status == MR_OK) {
        for (uint32_t b = 0; b < count && status == MR_OK; b++) {
            status = run_block(pipeline, blocks[b], err);
        }
        if (status == MR_OK) {
            status = mr_pipeline_collect(pipeline, keep_block, result, err);
        }
        if (status != MR_OK) {
            mr_result_destroy(result);
        } else {
            *out = result;
        }
    }
    mr_pipeline_destroy(pipeline);
    return status;
}

MrStatus mr_adhoc_run_now(MrServer *server, const MrPlan *plan, MrResult **out, MrError *err)
{
    const MrBlock *const *blocks = &plan->scan->values;
    uint32_t count = 1;
    MrArena arena;
    MrStatus status = MR_OK;
    mr_arena_init(&arena, 0);
    if (plan->scan->kind == MR_SCAN_VIRTUAL) {
        status = mr_relations_fill(server, plan->relation->schema_name, plan->relation->name,
                                   &arena, &blocks, &count, err);
    }
    if (status == MR_OK) {
        status = mr_adhoc_run_blocks(server, plan, blocks, count, out, err);
    }
    mr_arena_fini(&arena);
    return status;
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
        if (record->kind != MR_RECORD_DDL && record->kind != MR_RECORD_TRIM) {
            inputs[filled++] =
                (MrPipelineInput){ .block = record->block,
                                   .watermark_after_us = record->watermark_after_us };
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

/* History and the present: every record of the stream from its first kept row on. */
static MrStatus read_stream(MrAdhoc *adhoc, MrPipeline *pipeline, MrError *err)
{
    MrLogStreamFacts facts;
    MrArena arena;
    uint32_t stream_id = adhoc->plan->scan->stream_id;
    MR_TRY(mr_log_stream_error(adhoc->server->log, stream_id, err));
    uint64_t next =
        mr_log_stream_facts(adhoc->server->log, stream_id, &facts) ? facts.first_sequence : 1;
    uint32_t words = stream_id / 64 + 1;
    MrStatus status = MR_OK;
    mr_arena_init(&arena, 0);
    while (status == MR_OK && next <= adhoc->upto && !mr_pipeline_is_full(pipeline)) {
        mr_arena_reset(&arena);
        uint64_t *wanted = mr_arena_calloc(&arena, words, sizeof *wanted);
        if (wanted == NULL) {
            status = mr_error_no_memory(err);
            break;
        }
        mr_bitmap_set(wanted, stream_id);
        MrLogFilter filter = { .streams = wanted, .stream_words = words };
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
} ScanContext;

static MrStatus scan_block(void *context, const MrBlock *block, MrError *err)
{
    ScanContext *scan = context;
    MR_TRY(check_cancel(scan->adhoc, err));
    return run_block(scan->pipeline, block, err);
}

static MrStatus read_result(MrAdhoc *adhoc, MrPipeline *pipeline, MrError *err)
{
    MrSinkTable table = mr_targets_table(adhoc->plan->relation);
    ScanContext scan = { .adhoc = adhoc, .pipeline = pipeline };
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_target_thread_scan(adhoc->target, &table, &arena, scan_block, &scan, err);
    mr_arena_fini(&arena);
    return status;
}

static MrStatus read_table(MrAdhoc *adhoc, MrPipeline *pipeline, MrError *err)
{
    MrArena arena;
    const MrBlock *block = NULL;
    MrStatus status;
    mr_arena_init(&arena, 0);
    do {
        mr_arena_reset(&arena);
        status = check_cancel(adhoc, err);
        if (status == MR_OK) {
            status = mr_table_scan_next(adhoc->table, &arena, &block, err);
        }
        if (status == MR_OK && block != NULL) {
            status = run_block(pipeline, block, err);
        }
    } while (status == MR_OK && block != NULL && !mr_pipeline_is_full(pipeline));
    mr_arena_fini(&arena);
    return status;
}

static MrStatus read_scan(MrAdhoc *adhoc, MrPipeline *pipeline, MrError *err)
{
    switch (adhoc->plan->scan->kind) {
    case MR_SCAN_RESULT: return read_result(adhoc, pipeline, err);
    case MR_SCAN_TABLE: return read_table(adhoc, pipeline, err);
    default: return read_stream(adhoc, pipeline, err);
    }
}

static MrStatus run_adhoc(MrAdhoc *adhoc, MrError *err)
{
    MrPipeline *pipeline;
    MR_TRY(result_of_plan(adhoc->plan, &adhoc->result, err));
    MR_TRY(make_pipeline(adhoc->plan, adhoc->memory_bytes, &pipeline, err));
    MrStatus status = read_scan(adhoc, pipeline, err);
    if (status == MR_OK) {
        status = mr_pipeline_collect(pipeline, keep_block, adhoc->result, err);
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
    if (adhoc->done != NULL) {
        adhoc->done(adhoc->context, result, adhoc->status == MR_OK ? NULL : &adhoc->err);
    }
    mr_table_scan_close(adhoc->table);
    mr_catalog_unref(adhoc->catalog);
    mr_statement_memory_release(adhoc->memory);
    free(adhoc);
}

static void *adhoc_main(void *context)
{
    MrAdhoc *adhoc = context;
    adhoc->status = run_adhoc(adhoc, &adhoc->err);
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

static void covered(void *context, MrStatus status, const MrError *err)
{
    MrAdhoc *adhoc = context;
    (void)status; /* a query that cannot get there is read as it stands */
    (void)err;
    adhoc->wait = NULL;
    begin(adhoc);
}

static MrStatus open_table(MrAdhoc *adhoc, bool sees_uncommitted, MrError *err)
{
    MrTable *table = mr_tables_find(adhoc->server, adhoc->plan->scan->stream_id);
    if (table == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            adhoc->plan->scan->relation);
    }
    return mr_table_scan_open(table, sees_uncommitted ? MR_TABLE_UNCOMMITTED : adhoc->upto,
                              &adhoc->table, err);
}

MrAdhoc *mr_adhoc_start(MrServer *server, const MrPlan *plan, MrStatementMemory *memory,
                        MrCatalog *catalog, int64_t memory_bytes, uint64_t own_sequence,
                        bool sees_uncommitted, MrAdhocDone *done, void *context)
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
    adhoc->memory_bytes = memory_bytes;
    adhoc->upto = mr_log_appended(server->log);
    adhoc->done = done;
    adhoc->context = context;
    if (plan->scan->kind == MR_SCAN_TABLE) {
        adhoc->status = open_table(adhoc, sees_uncommitted, &adhoc->err);
        if (adhoc->status != MR_OK) {
            mr_server_post(server, finish_adhoc, adhoc);
            return adhoc;
        }
    }
    if (plan->scan->kind == MR_SCAN_RESULT) {
        const MrStandingQuery *standing = plan->relation->standing;
        adhoc->status =
            mr_targets_find(server, catalog, standing->connection, &adhoc->target, &adhoc->err);
        if (adhoc->status != MR_OK) {
            mr_server_post(server, finish_adhoc, adhoc);
            return adhoc;
        }
        if (own_sequence > 0) {
            adhoc->wait = mr_wait_covered(server, standing->id, own_sequence, covered, adhoc);
            return adhoc;
        }
    }
    begin(adhoc);
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
