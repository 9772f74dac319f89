/*
 * engine/pipeline.c - runs a plan: see pipeline.h.
 */
#include "engine/pipeline.h"

#include "engine/operators/place.h"
#include "engine/operators/since.h"
#include "engine/pipeline_internal.h"

static const MrScanSpec *scan_spec(const MrPipeline *pipeline, uint32_t scan)
{
    return pipeline->dag->nodes[pipeline->scans[scan]].spec;
}

int64_t mr_pipeline_time_after(const MrPipeline *pipeline, uint32_t scan,
                               const MrPipelineInput *input)
{
    if (!scan_spec(pipeline, scan)->by_arrival) {
        return input->watermark_after_us;
    }
    int64_t arrival_us = input->block != NULL ? input->block->place.arrival_us : input->arrival_us;
    return arrival_us != 0 ? arrival_us : MR_TIME_MIN;
}

/* Every scan of the source hears of its W; those of one relation one after the other, so that an
 * operator over two of them rises with the last. */
static MrStatus advance_all(MrPipeline *pipeline, const MrPipelineInput *input, MrBatch *batch)
{
    for (uint32_t s = 0; s < pipeline->scan_count; s++) {
        int64_t watermark_us = mr_pipeline_time_after(pipeline, s, input);
        if (scan_spec(pipeline, s)->source == input->source && watermark_us != MR_TIME_MIN) {
            mr_meter_start(batch->meter);
            MR_TRY(mr_operator_emit_advance(&pipeline->operators[pipeline->scans[s]], watermark_us,
                                            batch));
        }
    }
    return MR_OK;
}

static MrStatus push_chunk(MrPipeline *pipeline, uint32_t source, const MrBlock *chunk,
                           MrBatch *batch)
{
    for (uint32_t s = 0; s < pipeline->scan_count; s++) {
        MrOperator *scan = &pipeline->operators[pipeline->scans[s]];
        if (scan_spec(pipeline, s)->source == source) {
            scan->rows_in += chunk->row_count;
            mr_meter_start(batch->meter);
            MR_TRY(scan->op_class->push(scan, chunk, batch));
            mr_meter_charge(batch->meter, &scan->busy_us);
        }
    }
    return MR_OK;
}

/* Every chunk goes the whole way while it is in the cache. */
static MrStatus push_block(MrPipeline *pipeline, uint32_t source, const MrBlock *block,
                           MrError *err)
{
    MrLane *lane = &pipeline->lanes[0];
    const uint32_t chunk_rows = mr_pipeline_chunk_rows(pipeline, MR_VECTOR_ROWS);
    for (uint32_t first = 0; first < block->row_count; first += chunk_rows) {
        uint32_t left = block->row_count - first;
        MrBlock *chunk;
        mr_arena_reset(&lane->arena);
        MR_TRY(mr_block_slice(&lane->arena, block, first, left < chunk_rows ? left : chunk_rows,
                              &chunk, err));
        MR_TRY(push_chunk(pipeline, source, chunk, &lane->batch));
    }
    return MR_OK;
}

static MrStatus finish_operators(MrPipeline *pipeline, MrError *err);

/* What tables alone give is computed anew after each of their changes. */
static MrStatus settle(MrPipeline *pipeline, MrBatch *batch)
{
    for (uint32_t i = 0; i < pipeline->settling_count; i++) {
        MrOperator *op = pipeline->settling[i];
        mr_meter_start(batch->meter);
        MR_TRY(op->op_class->finish_batch(op, batch));
        mr_meter_charge(batch->meter, &op->busy_us);
    }
    return MR_OK;
}

static bool feeds_settling(const MrPipeline *pipeline, uint32_t source)
{
    for (uint32_t s = 0; pipeline->settling_count > 0 && s < pipeline->scan_count; s++) {
        if (scan_spec(pipeline, s)->source == source &&
            pipeline->dag->nodes[pipeline->scans[s]].settles) {
            return true;
        }
    }
    return false;
}

static void take_batch(MrPipeline *pipeline, MrError *err)
{
    pipeline->lanes[0].batch.err = err;
    pipeline->lanes[0].batch.notes = pipeline->notes;
}

/* The rows of VALUES stand before every other row. */
static MrStatus push_values(MrPipeline *pipeline, MrError *err)
{
    take_batch(pipeline, err);
    pipeline->has_values = true;
    for (uint32_t s = 0; s < pipeline->scan_count; s++) {
        const MrScanSpec *spec = scan_spec(pipeline, s);
        if (spec->kind == MR_SCAN_VALUES) {
            MR_TRY(push_block(pipeline, spec->source, spec->values, err));
        }
    }
    return settle(pipeline, &pipeline->lanes[0].batch); /* totals are there from the start */
}

static uint64_t input_rows(const MrPipelineInput *inputs, uint32_t count)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        rows += inputs[i].block == NULL ? 0 : inputs[i].block->row_count;
    }
    return rows;
}

/* Whether a scan of the source stands below the node, or is it. */
static bool reads_source(const MrDag *dag, int32_t index, uint32_t source)
{
    if (index < 0) {
        return false;
    }
    const MrDagNode *node = &dag->nodes[index];
    return node->kind == MR_OPERATOR_SCAN
               ? ((const MrScanSpec *)node->spec)->source == source
               : reads_source(dag, node->input, source) || reads_source(dag, node->right, source);
}

/* The arrival of the record moves the time of rows whose places are those of records; where these
 * have an order, the end of the record gives them. */
static MrStatus tell_places(MrPipeline *pipeline, uint32_t source, MrBatch *batch)
{
    for (uint32_t p = 0; p < pipeline->place_count; p++) {
        if (reads_source(pipeline->dag, (int32_t)pipeline->places[p], source)) {
            MR_TRY(mr_place_end_input(&pipeline->operators[pipeline->places[p]],
                                      !pipeline->is_in_record, batch));
        }
    }
    return MR_OK;
}

static void set_record(MrBatch *batch, const MrPipelineInput *input)
{
    const MrBlock *block = input->block;
    batch->sequence = input->sequence > 0 || block == NULL || block->row_count == 0
                          ? input->sequence
                          : mr_block_sequence(block, block->row_count - 1);
    batch->arrival_us = block == NULL ? input->arrival_us : block->place.arrival_us;
}

/* Last sequence of the record that was run so far; it may go on in the next input. */
static uint64_t last_of(const MrPipelineInput *input)
{
    return input->block == NULL || input->block->row_count == 0
               ? input->sequence
               : mr_block_sequence(input->block, input->block->row_count - 1);
}

/* Where derived rows are judged record by record: what the record is, and its end. */
static void begin_record(MrPipeline *pipeline, const MrPipelineInput *input)
{
    MrBatch *batch = &pipeline->lanes[0].batch;
    if (!pipeline->is_in_record) {
        batch->record = input->block == NULL || input->block->row_count == 0
                            ? input->sequence
                            : mr_block_sequence(input->block, 0);
    }
    pipeline->is_in_record = last_of(input) < input->sequence;
}

static MrStatus judge_groups(MrPipeline *pipeline, MrError *err)
{
    take_batch(pipeline, err);
    MrStatus status = mr_aggregate_judge(pipeline->judging, &pipeline->lanes[0].batch);
    mr_arena_reset(&pipeline->lanes[0].arena);
    return status;
}

static MrStatus end_record(MrPipeline *pipeline, MrError *err)
{
    if (!pipeline->dag->judges_records || pipeline->is_in_record) {
        return MR_OK;
    }
    MrStatus status =
        pipeline->judging != NULL ? judge_groups(pipeline, err) : finish_operators(pipeline, err);
    pipeline->lanes[0].batch.record = 0;
    return status;
}

static MrStatus push_input(MrPipeline *pipeline, const MrPipelineInput *input, MrError *err)
{
    MrBatch *batch = &pipeline->lanes[0].batch;
    set_record(batch, input);
    begin_record(pipeline, input);
    if (input->block != NULL) {
        MR_TRY(push_block(pipeline, input->source, input->block, err));
        if (feeds_settling(pipeline, input->source)) {
            MR_TRY(settle(pipeline, batch));
        }
    }
    MR_TRY(advance_all(pipeline, input, batch));
    MR_TRY(tell_places(pipeline, input->source, batch));
    return end_record(pipeline, err);
}

/* The parts have an arena of their own, as each chunk of them empties the lane's. */
static MrStatus push_parts(MrPipeline *pipeline, const MrPipelineInput *input, MrError *err)
{
    MrArena arena;
    MrStatus status = MR_OK;
    mr_arena_init(&arena, 0);
    for (uint32_t row = 0; row < input->block->row_count && status == MR_OK;) {
        MrPipelineInput part;
        mr_arena_reset(&arena);
        status = mr_pipeline_take_part(pipeline, input, &row, &arena, &part, err);
        if (status == MR_OK) {
            status = push_input(pipeline, &part, err);
        }
    }
    mr_arena_fini(&arena);
    return status;
}

static MrStatus push_inputs(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                            MrError *err)
{
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_pipeline_is_parted(pipeline, &inputs[i]) ? push_parts(pipeline, &inputs[i], err)
                                                           : push_input(pipeline, &inputs[i], err));
    }
    return MR_OK;
}

/* Of a thousand queries that get a handful of rows each, reading the clock would be a good part of
 * the work: one run in so many is timed, and counts for all. */
static MrStatus run_alone(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                          MrError *err)
{
    enum { SAMPLED_ROWS_MAX = 256, SAMPLE_EVERY = 16 };
    MrLane *lane = &pipeline->lanes[0];
    MrMeter *meter = lane->batch.meter;
    take_batch(pipeline, err);
    if (meter != NULL && input_rows(inputs, count) < SAMPLED_ROWS_MAX) {
        lane->batch.meter = pipeline->small_runs++ % SAMPLE_EVERY == 0 ? meter : NULL;
        meter->weight = SAMPLE_EVERY;
    }
    MrStatus status = push_inputs(pipeline, inputs, count, err);
    if (meter != NULL) {
        lane->batch.meter = meter;
        meter->weight = 1;
    }
    mr_arena_reset(&lane->arena);
    return status;
}

static MrStatus refuse_broken(MrError *err)
{
    return mr_error_set(err, MR_ERR_INTERNAL, "the pipeline failed before and cannot go on");
}

/* Whether the operators of the calling thread can take the rows as they are: with rounds and lanes
 * a handful would cost more than it is. */
static bool fits_alone(const MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count)
{
    return pipeline->lane_count == 1 && input_rows(inputs, count) < pipeline->shared_rows;
}

static MrStatus run_together(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                             MrError *err)
{
    if (fits_alone(pipeline, inputs, count)) {
        MR_TRY(mr_pipeline_merge_apart(pipeline, err)); /* rows come in the log's order now */
        return run_alone(pipeline, inputs, count, err);
    }
    return mr_pipeline_run_parallel(pipeline, inputs, count, err);
}

/* On threads, where derived rows are judged record by record. */
static MrStatus run_by_records(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                               MrError *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const MrPipelineInput *input = &inputs[i];
        if (fits_alone(pipeline, input, 1)) {
            MR_TRY(run_together(pipeline, input, 1, err));
            continue;
        }
        set_record(&pipeline->lanes[0].batch, input);
        begin_record(pipeline, input);
        MR_TRY(mr_pipeline_run_parallel(pipeline, input, 1, err));
        MR_TRY(end_record(pipeline, err));
    }
    return MR_OK;
}

static MrStatus run_inputs(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                           MrError *err)
{
    if (pipeline->thread_count == 1) {
        return run_alone(pipeline, inputs, count, err);
    }
    return pipeline->dag->judges_records ? run_by_records(pipeline, inputs, count, err)
                                         : run_together(pipeline, inputs, count, err);
}

MrStatus mr_pipeline_run(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                         MrError *err)
{
    if (pipeline->is_broken) {
        return refuse_broken(err);
    }
    MrStatus status = pipeline->has_values ? MR_OK : push_values(pipeline, err);
    if (status == MR_OK) {
        status = run_inputs(pipeline, inputs, count, err);
    }
    if (status == MR_OK && pipeline->notes != NULL && pipeline->notes->has_lost) {
        status = mr_error_no_memory(err);
    }
    pipeline->is_broken = status != MR_OK;
    return status;
}

void mr_pipeline_pass_over(MrPipeline *pipeline, uint32_t source, uint64_t rows)
{
    for (uint32_t s = 0; s < pipeline->scan_count; s++) {
        if (scan_spec(pipeline, s)->source == source) {
            pipeline->operators[pipeline->scans[s]].rows_in += rows;
        }
    }
}

static MrStatus finish_operators(MrPipeline *pipeline, MrError *err)
{
    MrLane *lane = &pipeline->lanes[0];
    if (!pipeline->has_values) {
        MR_TRY(push_values(pipeline, err));
    }
    take_batch(pipeline, err);
    const MrDagNode *breaker = &pipeline->dag->nodes[pipeline->breaker];
    /* Groups that nobody sees before their window closes can stay apart until then. */
    if (pipeline->has_apart &&
        ((const MrAggregateSpec *)breaker->spec)->emit == MR_EMIT_MODE_UPDATE) {
        MR_TRY(mr_pipeline_merge_apart(pipeline, err));
    }
    if (pipeline->lane_count > 1) {
        MR_TRY(mr_pipeline_flush_lanes(pipeline, err));
    }
    for (uint32_t i = 0; i < pipeline->operator_count; i++) {
        MrOperator *op = &pipeline->operators[i];
        if (op->op_class != NULL && op->op_class->finish_batch != NULL) {
            mr_meter_start(lane->batch.meter);
            MR_TRY(op->op_class->finish_batch(op, &lane->batch));
            mr_meter_charge(lane->batch.meter, &op->busy_us);
        }
    }
    mr_arena_reset(&lane->arena);
    return MR_OK;
}

static MrOperator *root_of(const MrPipeline *pipeline)
{
    return &pipeline->operators[pipeline->operator_count - 1];
}

MrStatus mr_pipeline_flush(MrPipeline *pipeline, MrChangeSet *out, MrError *err)
{
    if (pipeline->is_broken) {
        return refuse_broken(err);
    }
    MrStatus status = finish_operators(pipeline, err);
    if (status == MR_OK) {
        status = mr_deliver_take(root_of(pipeline), out, err);
    }
    pipeline->is_broken = status != MR_OK;
    return status;
}

MrStatus mr_pipeline_begin(MrPipeline *pipeline, const uint8_t query[16], MrError *err)
{
    MR_TRY(mr_pipeline_settle(pipeline, err));
    MrStatus status = finish_operators(pipeline, err);
    pipeline->is_broken = status != MR_OK;
    for (uint32_t i = 0; i < pipeline->operator_count && status == MR_OK; i++) {
        const MrDagNode *node = &pipeline->dag->nodes[i];
        if (node->kind == MR_OPERATOR_SINCE &&
            memcmp(((const MrSinceSpec *)node->spec)->query, query, 16) == 0) {
            mr_since_begin(&pipeline->operators[i]);
        }
    }
    return status;
}

bool mr_pipeline_is_in_record(const MrPipeline *pipeline)
{
    return pipeline->waits_for_records && pipeline->is_in_record;
}

size_t mr_pipeline_pending_bytes(const MrPipeline *pipeline)
{
    return mr_deliver_pending_bytes(root_of(pipeline));
}

MrStatus mr_pipeline_collect(MrPipeline *pipeline, MrCollected *out, MrError *err)
{
    if (pipeline->is_broken) {
        return refuse_broken(err);
    }
    MrStatus status = finish_operators(pipeline, err);
    pipeline->is_broken = status != MR_OK;
    MR_TRY(status);
    mr_collect_take(root_of(pipeline), out);
    return MR_OK;
}

bool mr_pipeline_is_full(const MrPipeline *pipeline)
{
    const MrDag *dag = pipeline->dag;
    int32_t index = dag->nodes[dag->node_count - 1].input;
    return index >= 0 && dag->nodes[index].kind == MR_OPERATOR_SORT &&
           mr_sort_is_full(&pipeline->operators[index]);
}
