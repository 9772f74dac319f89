/*
 * engine/pipeline_apart.c - a group-by on several threads where the order of rows cannot show
 * (aggregate_merge.c): each thread takes any chunks, the whole way while they are in its cache, and
 * counts them in groups of its own.  The lanes take these over, each the keys that are its own,
 * when a window closes or somebody wants to see what there is: mr_pipeline_settle.  Rows are not
 * sorted by their keys' owner, which costs more than the group-by itself.
 */
#include <stdatomic.h>

#include "engine/pipeline_internal.h"

/* A thread keeps no more groups to itself: beyond, they are in nobody's cache. */
enum { APART_GROUPS_MAX = 1 << 17 };
/* Merging pays when many rows fall into one group.  When it did not, it is tried again after so
 * many times the rows. */
enum { ROWS_PER_GROUP_MIN = 4, PAUSE_FACTOR = 16 };

static MrOperator *lane_operator(MrPipeline *pipeline, uint32_t lane)
{
    return pipeline->lane_count > 1 ? &pipeline->lanes[lane].group_by
                                    : &pipeline->operators[pipeline->breaker];
}

MrStatus mr_pipeline_open_apart(MrPipeline *pipeline, MrError *err)
{
    const MrDagNode *node = &pipeline->dag->nodes[pipeline->breaker];
    const MrSchema *input = node->input < 0 ? NULL : &pipeline->dag->nodes[node->input].schema;
    if (pipeline->thread_count == 1 || node->kind != MR_OPERATOR_AGGREGATE || input == NULL ||
        !mr_aggregate_can_merge(node->spec, input)) {
        return MR_OK;
    }
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        MrOperator *apart = &pipeline->lanes[t].apart;
        MR_TRY(mr_pipeline_open_operator(pipeline, apart, pipeline->breaker, 0, 1, err));
        ((MrAggregateState *)apart->state)->is_apart = true;
    }
    pipeline->has_apart = true;
    return MR_OK;
}

/* Windows that close within a chunk, because rows of it are late, need the order of rows. */
bool mr_pipeline_fits_apart(const MrPipeline *pipeline, const MrChunk *chunks, uint32_t count)
{
    if (!pipeline->has_apart || pipeline->apart_pause_rows > 0) {
        return false;
    }
    const MrAggregateState *state = pipeline->lanes[0].apart.state;
    for (uint32_t c = 0; state->merges_panes && c < count; c++) {
        if (chunks[c].source != NULL && chunks[c].source->place.watermarks != NULL) {
            return false;
        }
    }
    return true;
}

static MrStatus add_rows(MrPipeline *pipeline, MrLane *lane, const MrChunk *chunk, uint32_t first,
                         uint32_t rows)
{
    const MrBlock *block;
    MrAggregateChunk *prepared;
    mr_arena_reset(&lane->arena);
    MR_TRY(mr_pipeline_apply(pipeline, lane, chunk->source, chunk->first + first, rows, &block));
    if (block == NULL || block->row_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_aggregate_prepare(&lane->apart, 1, block, &lane->batch, &prepared));
    lane->rows_apart += mr_aggregate_chunk_rows(prepared, 0, 1);
    MrStatus status = mr_aggregate_update(&lane->apart, prepared, &lane->batch);
    mr_meter_charge(lane->batch.meter, &lane->apart.busy_us);
    return status;
}

static void take_task(void *context, uint32_t index)
{
    MrRound *round = context;
    MrPipeline *pipeline = round->pipeline;
    MrLane *lane = &pipeline->lanes[index];
    const uint32_t most = mr_pipeline_chunk_rows(pipeline, MR_VECTOR_ROWS);
    while (lane->status == MR_OK) {
        uint32_t c = atomic_fetch_add_explicit(&round->next, 1, memory_order_relaxed);
        if (c >= round->count) {
            break;
        }
        const MrChunk *chunk = &round->chunks[c];
        for (uint32_t first = 0; lane->status == MR_OK && first < chunk->rows; first += most) {
            uint32_t some = chunk->rows - first < most ? chunk->rows - first : most;
            lane->status = add_rows(pipeline, lane, chunk, first, some);
        }
    }
}

static uint64_t groups_apart(const MrPipeline *pipeline)
{
    uint64_t groups = 0;
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        groups += mr_aggregate_group_count(&pipeline->lanes[t].apart);
    }
    return groups;
}

static void merge_task(void *context, uint32_t index)
{
    MrPipeline *pipeline = context;
    MrLane *lane = &pipeline->lanes[index];
    mr_meter_start(lane->batch.meter);
    for (uint32_t t = 0; lane->status == MR_OK && t < pipeline->thread_count; t++) {
        if (index < pipeline->lane_count) {
            lane->status = mr_aggregate_merge(lane_operator(pipeline, index),
                                              &pipeline->lanes[t].apart, &lane->batch);
        }
    }
    mr_meter_charge(lane->batch.meter, &lane->busy_us[pipeline->breaker]);
}

MrStatus mr_pipeline_merge_apart(MrPipeline *pipeline, MrError *err)
{
    if (pipeline->apart_rows == 0) {
        return MR_OK;
    }
    uint64_t groups = groups_apart(pipeline);
    MrStatus status =
        mr_pipeline_on_threads(pipeline, groups < MR_ROUND_ROWS_SHARED, merge_task, pipeline, err);
    if (status == MR_OK && pipeline->lane_count > 1) {
        status = mr_pipeline_drain_outboxes(pipeline, err);
    }
    if (status == MR_OK) {
        status = mr_pipeline_end_round(pipeline, err);
    }
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        mr_aggregate_clear(&pipeline->lanes[t].apart);
    }
    if (groups * ROWS_PER_GROUP_MIN > pipeline->apart_rows) {
        pipeline->apart_pause_rows = pipeline->apart_rows * PAUSE_FACTOR;
    }
    pipeline->apart_rows = 0;
    pipeline->is_broken = pipeline->is_broken || status != MR_OK;
    return status;
}

/* The memory goes as well: it may be long until it is needed again. */
MrStatus mr_pipeline_settle(MrPipeline *pipeline, MrError *err)
{
    MR_TRY(mr_pipeline_merge_apart(pipeline, err));
    for (uint32_t t = 0; pipeline->has_apart && t < pipeline->thread_count; t++) {
        mr_aggregate_forget(&pipeline->lanes[t].apart);
    }
    return MR_OK;
}

int64_t mr_pipeline_next_close_apart(const MrPipeline *pipeline)
{
    int64_t least = MR_TIME_MAX;
    for (uint32_t t = 0; pipeline->has_apart && t < pipeline->thread_count; t++) {
        int64_t close = mr_aggregate_next_close(&pipeline->lanes[t].apart);
        least = close < least ? close : least;
    }
    return least;
}

MrStatus mr_pipeline_run_apart(MrPipeline *pipeline, MrRound *round, MrError *err)
{
    MR_TRY(mr_pipeline_on_threads(pipeline, false, take_task, round, err));
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        MrLane *lane = &pipeline->lanes[t];
        lane_operator(pipeline, pipeline->lane_count > 1 ? t : 0)->rows_in += lane->rows_apart;
        pipeline->apart_rows += lane->rows_apart;
        lane->rows_apart = 0;
    }
    MR_TRY(mr_pipeline_end_round(pipeline, err));
    MrChunk last = { .watermark_after_us = mr_round_watermark(round) };
    uint64_t groups = groups_apart(pipeline);
    bool closes = last.watermark_after_us >= mr_pipeline_next_close_us(pipeline) ||
                  last.watermark_after_us >= mr_pipeline_next_arrival_close_us(pipeline);
    if (closes || groups > APART_GROUPS_MAX * (uint64_t)pipeline->thread_count) {
        MR_TRY(mr_pipeline_merge_apart(pipeline, err)); /* what W closes is made whole first */
    }
    if (last.watermark_after_us == MR_TIME_MIN) {
        return MR_OK;
    }
    MrRound rest = { .pipeline = pipeline, .chunks = &last, .count = 1 };
    return mr_pipeline_finish_round(&rest, !closes || groups < MR_ROUND_ROWS_SHARED, err);
}
