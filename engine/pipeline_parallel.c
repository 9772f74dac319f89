/*
 * engine/pipeline_parallel.c - a micro-batch on several threads, in rounds of chunks:
 *   1. any thread filters, projects and prepares any chunk;
 *   2. every lane of the group-by adds its keys' rows, chunk after chunk in log order;
 *   3. the caller's thread pushes on what the lanes emitted.
 * Without a group-by on lanes, step 2 is the caller's thread pushing the chunks in order.
 * Where the order of rows cannot show, 1 and 2 are one step: pipeline_apart.c.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/pipeline_internal.h"

MrStatus mr_pipeline_apply(MrPipeline *pipeline, MrLane *lane, const MrBlock *source,
                           uint32_t first, uint32_t rows, const MrBlock **out)
{
    MrBlock *slice;
    MR_TRY(mr_block_slice(&lane->arena, source, first, rows, &slice, &lane->err));
    const MrBlock *block = slice;
    mr_meter_start(lane->batch.meter);
    for (uint32_t i = 0; i < pipeline->breaker && block != NULL; i++) {
        const MrOperator *op = &pipeline->operators[i];
        const MrBlock *applied = NULL;
        lane->rows_in[i] += block->row_count;
        MR_TRY(op->op_class->apply(op, block, &lane->batch, &applied));
        mr_meter_charge(lane->batch.meter, &lane->busy_us[i]);
        block = applied;
        lane->rows_out[i] += applied == NULL ? 0 : applied->row_count;
    }
    *out = block;
    return MR_OK;
}

static MrStatus prepare_chunk(MrPipeline *pipeline, MrLane *lane, MrChunk *chunk)
{
    if (chunk->rows == 0) {
        return MR_OK;
    }
    MR_TRY(
        mr_pipeline_apply(pipeline, lane, chunk->source, chunk->first, chunk->rows, &chunk->block));
    if (chunk->block == NULL || pipeline->lane_count == 1) {
        return MR_OK;
    }
    MrStatus status = mr_aggregate_prepare(&pipeline->lanes[0].group_by, pipeline->lane_count,
                                           chunk->block, &lane->batch, &chunk->prepared);
    mr_meter_charge(lane->batch.meter, &lane->busy_us[pipeline->breaker]);
    return status;
}

static void prepare_task(void *context, uint32_t index)
{
    MrRound *round = context;
    MrLane *lane = &round->pipeline->lanes[index];
    while (lane->status == MR_OK) {
        uint32_t c = atomic_fetch_add_explicit(&round->next, 1, memory_order_relaxed);
        if (c >= round->count) {
            break;
        }
        lane->status = prepare_chunk(round->pipeline, lane, &round->chunks[c]);
    }
}

static MrStatus update_lane(MrLane *lane, const MrRound *round)
{
    mr_meter_start(lane->batch.meter);
    for (uint32_t c = 0; c < round->count; c++) {
        const MrChunk *chunk = &round->chunks[c];
        lane->group_by.rows_in +=
            mr_aggregate_chunk_rows(chunk->prepared, lane->group_by.lane, lane->group_by.lanes);
        MR_TRY(mr_aggregate_update(&lane->group_by, chunk->prepared, &lane->batch));
        if (chunk->watermark_after_us != MR_TIME_MIN) {
            MR_TRY(lane->group_by.op_class->advance(&lane->group_by, chunk->watermark_after_us,
                                                    &lane->batch));
        }
    }
    mr_meter_charge(lane->batch.meter, &lane->group_by.busy_us);
    return MR_OK;
}

static void update_task(void *context, uint32_t index)
{
    MrRound *round = context;
    MrLane *lane = &round->pipeline->lanes[index];
    lane->status = update_lane(lane, round);
}

static void flush_task(void *context, uint32_t index)
{
    MrPipeline *pipeline = context;
    MrLane *lane = &pipeline->lanes[index];
    mr_meter_start(lane->batch.meter);
    lane->status = lane->group_by.op_class->finish_batch(&lane->group_by, &lane->batch);
    mr_meter_charge(lane->batch.meter, &lane->group_by.busy_us);
}

MrStatus mr_pipeline_on_threads(MrPipeline *pipeline, bool alone,
                                void (*task)(void *context, uint32_t index), void *context,
                                MrError *err)
{
    for (uint32_t l = 0; l < pipeline->thread_count; l++) {
        MrLane *lane = &pipeline->lanes[l];
        lane->status = MR_OK;
        lane->batch.err = &lane->err;
        lane->batch.notes = lane->notes;
    }
    if (alone) {
        for (uint32_t l = 0; l < pipeline->thread_count; l++) {
            task(context, l);
        }
    } else {
        pipeline->parallel->run(pipeline->parallel->pool, task, context, pipeline->thread_count);
    }
    for (uint32_t l = 0; l < pipeline->thread_count; l++) {
        if (pipeline->lanes[l].status != MR_OK) {
            if (err != NULL) {
                *err = pipeline->lanes[l].err;
            }
            return pipeline->lanes[l].status;
        }
    }
    return MR_OK;
}

MrStatus mr_pipeline_drain_outboxes(MrPipeline *pipeline, MrError *err)
{
    MrOperator *next = pipeline->operators[pipeline->breaker].output;
    MrLane *first = &pipeline->lanes[0];
    first->batch.err = err;
    first->batch.notes = pipeline->notes;
    for (uint32_t l = 0; l < pipeline->lane_count; l++) {
        MrOutbox *outbox = &pipeline->lanes[l].outbox;
        for (uint32_t b = 0; b < outbox->count; b++) {
            next->rows_in += outbox->blocks[b]->row_count;
            mr_meter_start(first->batch.meter);
            MR_TRY(next->op_class->push(next, outbox->blocks[b], &first->batch));
            mr_meter_charge(first->batch.meter, &next->busy_us);
        }
        outbox->count = 0;
    }
    return MR_OK;
}

/* What a thread has measured goes to the operators. */
static void take_busy(MrPipeline *pipeline, uint32_t index)
{
    MrLane *lane = &pipeline->lanes[index];
    MrOperator *breaker =
        pipeline->lane_count > 1 ? &lane->group_by : &pipeline->operators[pipeline->breaker];
    for (uint32_t i = 0; i < pipeline->breaker; i++) {
        pipeline->operators[i].busy_us += lane->busy_us[i];
        lane->busy_us[i] = 0;
    }
    breaker->busy_us += lane->busy_us[pipeline->breaker] + lane->apart.busy_us;
    lane->busy_us[pipeline->breaker] = lane->apart.busy_us = 0;
}

MrStatus mr_pipeline_end_round(MrPipeline *pipeline, MrError *err)
{
    for (uint32_t l = 0; l < pipeline->thread_count; l++) {
        MrLane *lane = &pipeline->lanes[l];
        for (uint32_t i = 0; i < pipeline->breaker; i++) {
            pipeline->operators[i].rows_in += lane->rows_in[i];
            pipeline->operators[i].rows_out += lane->rows_out[i];
            lane->rows_in[i] = lane->rows_out[i] = 0;
        }
        take_busy(pipeline, l);
        if (lane->notes != NULL) {
            MR_TRY(mr_notes_merge(pipeline->notes, lane->notes, err));
            mr_notes_clear(lane->notes);
        }
        mr_arena_reset(&lane->arena);
    }
    return MR_OK;
}

/* Step 2 without lanes: the chunks in order through the operator with state. */
static MrStatus push_chunks(MrPipeline *pipeline, const MrRound *round, MrError *err)
{
    MrOperator *breaker = &pipeline->operators[pipeline->breaker];
    MrLane *first = &pipeline->lanes[0];
    first->batch.err = err;
    first->batch.notes = pipeline->notes;
    for (uint32_t c = 0; c < round->count; c++) {
        const MrChunk *chunk = &round->chunks[c];
        if (chunk->block != NULL && chunk->block->row_count > 0) {
            breaker->rows_in += chunk->block->row_count;
            mr_meter_start(first->batch.meter);
            MR_TRY(breaker->op_class->push(breaker, chunk->block, &first->batch));
            mr_meter_charge(first->batch.meter, &breaker->busy_us);
        }
        if (chunk->watermark_after_us != MR_TIME_MIN) {
            mr_meter_start(first->batch.meter);
            MR_TRY(mr_operator_emit_advance(&pipeline->operators[0], chunk->watermark_after_us,
                                            &first->batch));
        }
    }
    return MR_OK;
}

int64_t mr_round_watermark(const MrRound *round)
{
    int64_t watermark_us = MR_TIME_MIN;
    for (uint32_t c = 0; c < round->count; c++) {
        int64_t after_us = round->chunks[c].watermark_after_us;
        watermark_us = after_us > watermark_us ? after_us : watermark_us;
    }
    return watermark_us;
}

MrStatus mr_pipeline_finish_round(MrRound *round, bool alone, MrError *err)
{
    MrPipeline *pipeline = round->pipeline;
    if (pipeline->lane_count == 1) {
        MR_TRY(push_chunks(pipeline, round, err));
        return mr_pipeline_end_round(pipeline, err);
    }
    MR_TRY(mr_pipeline_on_threads(pipeline, alone, update_task, round, err));
    MR_TRY(mr_pipeline_drain_outboxes(pipeline, err));
    int64_t watermark_us = mr_round_watermark(round);
    if (watermark_us != MR_TIME_MIN) {
        /* The lanes have closed their windows; those after them may now. */
        MrOperator passed = { .op_class = &mr_operator_aggregate,
                              .output = pipeline->operators[pipeline->breaker].output };
        mr_meter_start(pipeline->lanes[0].batch.meter);
        MR_TRY(mr_operator_emit_advance(&passed, watermark_us, &pipeline->lanes[0].batch));
    }
    return mr_pipeline_end_round(pipeline, err);
}

static uint64_t round_rows(const MrChunk *chunks, uint32_t count)
{
    uint64_t rows = 0;
    for (uint32_t c = 0; c < count; c++) {
        rows += chunks[c].rows;
    }
    return rows;
}

static MrStatus run_in_order(MrPipeline *pipeline, MrChunk *chunks, uint32_t count, MrError *err)
{
    MrRound round = { .pipeline = pipeline, .chunks = chunks, .count = count };
    uint64_t rows = round_rows(chunks, count);
    bool alone = rows < pipeline->shared_rows;
    pipeline->apart_pause_rows -=
        rows < pipeline->apart_pause_rows ? rows : pipeline->apart_pause_rows;
    MR_TRY(mr_pipeline_merge_apart(pipeline, err)); /* rows come in the log's order from here on */
    MR_TRY(mr_pipeline_on_threads(pipeline, alone, prepare_task, &round, err));
    return mr_pipeline_finish_round(&round, alone, err);
}

static MrStatus run_round(MrPipeline *pipeline, MrChunk *chunks, uint32_t count, MrError *err)
{
    if (round_rows(chunks, count) >= pipeline->shared_rows &&
        mr_pipeline_fits_apart(pipeline, chunks, count)) {
        MrRound round = { .pipeline = pipeline, .chunks = chunks, .count = count };
        return mr_pipeline_run_apart(pipeline, &round, err);
    }
    for (uint32_t first = 0; first < count; first += MR_ROUND_CHUNKS) {
        uint32_t some = count - first < MR_ROUND_CHUNKS ? count - first : MR_ROUND_CHUNKS;
        MR_TRY(run_in_order(pipeline, chunks + first, some, err));
    }
    return MR_OK;
}

/* Chunks of the next round at most. */
static uint32_t round_chunks(const MrPipeline *pipeline, uint32_t chunk_rows)
{
    const uint32_t most = chunk_rows < MR_CHUNK_ROWS ? MR_ROUND_CHUNKS / 8 : MR_APART_CHUNKS_MAX;
    const uint32_t usual = most < MR_ROUND_CHUNKS ? most : MR_ROUND_CHUNKS;
    if (!mr_pipeline_fits_apart(pipeline, NULL, 0)) {
        return usual;
    }
    const uint32_t apart = mr_pipeline_chunks_apart(pipeline);
    return apart < most ? apart : most;
}

MrStatus mr_pipeline_run_parallel(MrPipeline *pipeline, const MrPipelineInput *inputs,
                                  uint32_t count, MrError *err)
{
    MrChunk chunks[MR_APART_CHUNKS_MAX];
    uint32_t filled = 0;
    const uint32_t chunk_rows = mr_pipeline_chunk_rows(pipeline, MR_CHUNK_ROWS);
    uint32_t most = round_chunks(pipeline, chunk_rows);
    for (uint32_t i = 0; i < count; i++) {
        const MrBlock *block = inputs[i].block;
        uint32_t rows = block == NULL ? 0 : block->row_count;
        uint32_t first = 0;
        int64_t after_us = mr_pipeline_time_after(pipeline, 0, &inputs[i]);
        do {
            uint32_t some = rows - first < chunk_rows ? rows - first : chunk_rows;
            bool last = first + some == rows;
            chunks[filled++] = (MrChunk){ .source = block,
                                          .first = first,
                                          .rows = some,
                                          .watermark_after_us = last ? after_us : MR_TIME_MIN };
            first += some;
            if (filled == most) {
                MR_TRY(run_round(pipeline, chunks, filled, err));
                filled = 0;
                most = round_chunks(pipeline, chunk_rows);
            }
        } while (first < rows);
    }
    return filled == 0 ? MR_OK : run_round(pipeline, chunks, filled, err);
}

MrStatus mr_pipeline_flush_lanes(MrPipeline *pipeline, MrError *err)
{
    uint64_t dirty = 0;
    for (uint32_t l = 0; l < pipeline->lane_count; l++) {
        dirty += mr_aggregate_dirty_count(&pipeline->lanes[l].group_by);
    }
    MR_TRY(
        mr_pipeline_on_threads(pipeline, dirty < MR_ROUND_ROWS_SHARED, flush_task, pipeline, err));
    MR_TRY(mr_pipeline_drain_outboxes(pipeline, err));
    return mr_pipeline_end_round(pipeline, err);
}
