/*
 * server/adhoc_now.c - a SELECT over rows that are at hand, on the event loop: see adhoc.h.
 */
#include "server/adhoc_internal.h"

MrStatus mr_adhoc_result(const MrPlan *plan, MrResult **out, MrError *err)
{
    MrSchema visible = { plan->visible_columns, plan->output.columns };
    return mr_result_create(&visible, out, err);
}

MrStatus mr_adhoc_take(MrPipeline *pipeline, MrResult *result, MrError *err)
{
    MrCollected rows;
    MR_TRY(mr_pipeline_collect(pipeline, &rows, err));
    result->rows = rows.arena;
    result->blocks = rows.blocks;
    result->block_count = rows.count;
    result->row_count = rows.row_count;
    return MR_OK;
}

MrStatus mr_adhoc_pipeline(const MrPlan *plan, int64_t memory_bytes, const _Atomic bool *cancel,
                           MrPipeline **out, MrError *err)
{
    MrPipelineOptions options = { .dag = plan->dag,
                                  .memory_bytes_max = memory_bytes,
                                  .cancel = cancel };
    return mr_pipeline_create(&options, out, err);
}

MrStatus mr_adhoc_run_block(MrPipeline *pipeline, const MrPlanScan *scan, const MrBlock *block,
                            MrError *err)
{
    MrPipelineInput input = { .block = block,
                              .watermark_after_us = MR_TIME_MIN,
                              .source = scan->spec->source };
    return mr_pipeline_run(pipeline, &input, 1, err);
}

/* What may take long must not run on the event loop. */
static bool may_be_long(const MrPlan *plan)
{
    for (uint32_t i = 0; i < plan->dag->node_count; i++) {
        MrOperatorKind kind = plan->dag->nodes[i].kind;
        if (kind == MR_OPERATOR_PROJECT_SET || kind == MR_OPERATOR_JOIN) {
            return true;
        }
    }
    return false;
}

bool mr_adhoc_reads_returned(const MrPlan *plan, uint32_t scan)
{
    return plan->scans[scan].relation != NULL && plan->scans[scan].relation->returned_by > 0;
}

bool mr_adhoc_is_immediate(const MrPlan *plan)
{
    if (may_be_long(plan)) {
        return false;
    }
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        MrScanKind kind = plan->scans[s].spec->kind;
        if ((kind != MR_SCAN_VALUES && kind != MR_SCAN_VIRTUAL) ||
            mr_adhoc_reads_returned(plan, s)) {
            return false;
        }
    }
    return true;
}

MrStatus mr_adhoc_run_virtuals(const MrPlan *plan, const MrVirtualRows *virtuals,
                               MrPipeline *pipeline, MrError *err)
{
    for (uint32_t s = plan->scan_count; s-- > 0;) {
        for (uint32_t b = 0; b < virtuals[s].count; b++) {
            MR_TRY(mr_adhoc_run_block(pipeline, &plan->scans[s], virtuals[s].blocks[b], err));
        }
    }
    return MR_OK;
}

/* What a plan makes of rows that the caller's thread has: `feed` runs them. */
static MrStatus run_here(MrServer *server, const MrPlan *plan, MrLockOwner *locks,
                         MrStatus (*feed)(void *context, const MrPlan *plan, MrPipeline *pipeline,
                                          MrError *err),
                         void *context, MrResult **out, MrError *err)
{
    MrPipeline *pipeline;
    MrResult *result;
    MR_TRY(mr_adhoc_pipeline(plan, mr_settings_int(server->settings, MR_SET_WORK_MEMORY), NULL,
                             &pipeline, err));
    MrStatus status = mr_adhoc_result(plan, &result, err);
    if (status == MR_OK) {
        result->effects.locker = mr_lock_owner_locker(locks);
        MrEffects *outer = mr_effects_collect(&result->effects);
        status = feed(context, plan, pipeline, err);
        if (status == MR_OK) {
            status = mr_adhoc_take(pipeline, result, err);
        }
        mr_effects_collect(outer);
        if (status != MR_OK) {
            mr_result_destroy(result);
        } else {
            *out = result;
        }
    }
    mr_pipeline_destroy(pipeline);
    return status;
}

static MrStatus feed_rows(void *context, const MrPlan *plan, MrPipeline *pipeline, MrError *err)
{
    const MrVirtualRows *rows = context;
    for (uint32_t b = 0; b < rows->count; b++) {
        MR_TRY(mr_adhoc_run_block(pipeline, &plan->scans[0], rows->blocks[b], err));
    }
    return MR_OK;
}

MrStatus mr_adhoc_run_blocks(MrServer *server, const MrPlan *plan, const MrBlock *const *blocks,
                             uint32_t count, MrResult **out, MrError *err)
{
    MrVirtualRows rows = { .blocks = blocks, .count = count };
    return run_here(server, plan, NULL, feed_rows, &rows, out, err);
}

static MrStatus feed_virtuals(void *context, const MrPlan *plan, MrPipeline *pipeline, MrError *err)
{
    MrVirtualRows *virtuals;
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_virtual_rows_fill(context, plan, NULL, &arena, &virtuals, err);
    if (status == MR_OK) {
        status = mr_adhoc_run_virtuals(plan, virtuals, pipeline, err);
    }
    mr_arena_fini(&arena);
    return status;
}

MrStatus mr_adhoc_run_now(MrServer *server, const MrPlan *plan, MrLockOwner *locks, MrResult **out,
                          MrError *err)
{
    return run_here(server, plan, locks, feed_virtuals, server, out, err);
}
