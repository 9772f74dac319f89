/*
 * engine/pipeline.c - builds and runs a plan: see pipeline.h.
 */
#include "engine/pipeline.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/grow.h"
#include "engine/operators/place.h"
#include "engine/operators/since.h"
#include "engine/pipeline_internal.h"

static const MrOperatorClass *const operator_classes[MR_OPERATOR_COUNT] = {
#define MR_OPERATOR(KIND, class_name, spec_type) [MR_OPERATOR_##KIND] = &class_name,
#include "engine/operators/operators.def"
#undef MR_OPERATOR
};

static MrStatus outbox_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    MrOutbox *outbox = op->state;
    MR_GROW(outbox->blocks, outbox->count, outbox->capacity, batch->err);
    outbox->blocks[outbox->count++] = in;
    return MR_OK;
}

/* The caller's thread tells the operators below, once all lanes have advanced. */
static MrStatus outbox_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    (void)op;
    (void)watermark_us;
    (void)batch;
    return MR_OK;
}

static const MrOperatorClass outbox_class = { .name = "Outbox",
                                              .push = outbox_push,
                                              .advance = outbox_advance };

MrStatus mr_pipeline_open_operator(MrPipeline *pipeline, MrOperator *op, uint32_t index,
                                   uint32_t lane, uint32_t lanes, MrError *err)
{
    const MrDagNode *node = &pipeline->dag->nodes[index];
    const MrOperatorClass *op_class = operator_classes[node->kind];
    *op =
        (MrOperator){ .op_class = op_class,
                      .node = node,
                      .spec = node->spec,
                      .memory = &pipeline->memory,
                      .arena = &pipeline->arena,
                      .zone = node->zone != NULL ? node->zone : pipeline->dag->zone,
                      .lane = lane,
                      .lanes = lanes,
                      .input = node->input < 0 ? NULL : &pipeline->dag->nodes[node->input].schema,
                      .right = node->right < 0 ? NULL : &pipeline->dag->nodes[node->right].schema };
    op->state = mr_arena_calloc(&pipeline->arena, 1, op_class->state_size + 1);
    if (op->state == NULL) {
        return mr_error_no_memory(err);
    }
    return op_class->open == NULL ? MR_OK : op_class->open(op, err);
}

static MrStatus open_lane(MrPipeline *pipeline, uint32_t index, MrError *err)
{
    MrLane *lane = &pipeline->lanes[index];
    mr_arena_init(&lane->arena, 0);
    if (pipeline->is_standing) {
        lane->notes = calloc(1, sizeof *lane->notes);
        if (lane->notes == NULL) {
            return mr_error_no_memory(err);
        }
        lane->notes->keeps_late = pipeline->keeps_late;
    }
    lane->batch = (MrBatch){ .arena = &lane->arena,
                             .notes = lane->notes,
                             .zone = pipeline->dag->zone,
                             .now_us = pipeline->dag->now_us,
                             .cancel = pipeline->cancel,
                             .meter = pipeline->clock != NULL ? &lane->meter : NULL,
                             .err = &lane->err };
    lane->meter.clock = pipeline->clock;
    lane->meter.weight = 1;
    MR_NEW_ARRAY(&pipeline->arena, lane->rows_in, pipeline->operator_count, err);
    MR_NEW_ARRAY(&pipeline->arena, lane->rows_out, pipeline->operator_count, err);
    MR_NEW_ARRAY(&pipeline->arena, lane->busy_us, pipeline->operator_count, err);
    if (pipeline->lane_count > 1) {
        MR_TRY(mr_pipeline_open_operator(pipeline, &lane->group_by, pipeline->breaker, index,
                                         pipeline->lane_count, err));
        lane->outbox_operator = (MrOperator){ .op_class = &outbox_class, .state = &lane->outbox };
        lane->group_by.output = &lane->outbox_operator;
    }
    return MR_OK;
}

/* Spreading over lanes pays only where keys tell rows apart. */
static void choose_lanes(MrPipeline *pipeline)
{
    const MrDagNode *breaker = &pipeline->dag->nodes[pipeline->breaker];
    bool alone = pipeline->parallel == NULL || !pipeline->is_chain;
    pipeline->thread_count = alone ? 1 : pipeline->parallel->lanes;
    pipeline->lane_count = 1;
    if (breaker->kind == MR_OPERATOR_AGGREGATE &&
        ((const MrAggregateSpec *)breaker->spec)->key_count > 0) {
        pipeline->lane_count = pipeline->thread_count;
    }
}

/* Rows that a stateless operator makes of one, at most. */
static uint32_t copies_of_row(const MrDagNode *node)
{
    if (node->kind == MR_OPERATOR_EXPAND) {
        return ((const MrExpandSpec *)node->spec)->set_count;
    }
    return node->kind == MR_OPERATOR_WINDOW
               ? mr_window_count_max(&((const MrRowWindowSpec *)node->spec)->window)
               : 1;
}

/* Finds the leaves, and whether the plan is one chain. */
static MrStatus survey(MrPipeline *pipeline, MrError *err)
{
    const MrDag *dag = pipeline->dag;
    pipeline->operator_count = dag->node_count;
    pipeline->is_chain = true;
    MR_NEW_ARRAY(&pipeline->arena, pipeline->operators, dag->node_count, err);
    MR_NEW_ARRAY(&pipeline->arena, pipeline->scans, dag->node_count, err);
    MR_NEW_ARRAY(&pipeline->arena, pipeline->settling, dag->node_count, err);
    MR_NEW_ARRAY(&pipeline->arena, pipeline->places, dag->node_count, err);
    for (uint32_t i = 0; i < dag->node_count; i++) {
        const MrDagNode *node = &dag->nodes[i];
        if (node->input >= (int32_t)i || node->right >= (int32_t)i) {
            return mr_error_set(err, MR_ERR_INTERNAL, "an operator stands before its input");
        }
        if (node->kind == MR_OPERATOR_SCAN) {
            pipeline->scans[pipeline->scan_count++] = i;
        }
        if (node->settles && operator_classes[node->kind]->finish_batch != NULL) {
            pipeline->settling[pipeline->settling_count++] = &pipeline->operators[i];
        }
        if (node->kind == MR_OPERATOR_PLACE && ((const MrPlaceSpec *)node->spec)->by_arrival) {
            pipeline->places[pipeline->place_count++] = i;
        }
        /* What several records made on lanes cannot say which of them it was. */
        pipeline->is_chain = pipeline->is_chain && node->input == (int32_t)i - 1 &&
                             node->right < 0 && node->kind != MR_OPERATOR_PLACE;
    }
    while (pipeline->is_chain && pipeline->breaker + 1 < dag->node_count &&
           operator_classes[dag->nodes[pipeline->breaker].kind]->apply != NULL) {
        pipeline->breaker++;
    }
    return MR_OK;
}

/* Whether a watermark can come from the node: where none does, none is waited for. */
static bool moves_time(const MrDag *dag, int32_t index)
{
    const MrDagNode *node = &dag->nodes[index];
    if (node->kind == MR_OPERATOR_SCAN) {
        return ((const MrScanSpec *)node->spec)->has_watermark;
    }
    return (node->input >= 0 && moves_time(dag, node->input)) ||
           (node->right >= 0 && moves_time(dag, node->right));
}

/* A node that several parts of the plan share has more readers than one. */
static MrStatus add_reader(MrPipeline *pipeline, MrOperator *from, MrOperator *to, uint32_t port,
                           MrError *err)
{
    if (from->output == NULL) {
        from->output = to;
        from->output_port = port;
        return MR_OK;
    }
    if (from->readers == NULL) { /* two a node at most */
        MR_NEW_ARRAY(&pipeline->arena, from->readers, 2 * (size_t)pipeline->operator_count, err);
    }
    from->readers[from->reader_count++] = (MrReader){ .op = to, .port = port };
    return MR_OK;
}

/* What follows for the operator's time from the scans below it. */
static void note_time(MrPipeline *pipeline, uint32_t index)
{
    const MrDagNode *node = &pipeline->dag->nodes[index];
    const MrOperator *left = node->input < 0 ? NULL : &pipeline->operators[node->input];
    const MrOperator *right = node->right < 0 ? NULL : &pipeline->operators[node->right];
    MrOperator *op = &pipeline->operators[index];
    if (left == NULL) {
        const MrScanSpec *spec = node->spec;
        op->by_arrival = spec->by_arrival;
        op->one_stream = spec->kind == MR_SCAN_STREAM && !spec->by_arrival ? spec->stream_id : 0;
        return;
    }
    op->by_arrival = left->by_arrival || (right != NULL && right->by_arrival);
    if (node->kind == MR_OPERATOR_PLACE) {
        op->by_arrival = op->by_arrival || ((const MrPlaceSpec *)node->spec)->by_arrival;
    }
    op->one_stream = right == NULL || right->one_stream == left->one_stream ? left->one_stream : 0;
}

/* Tells the inputs of a node where their rows go. */
static MrStatus connect(MrPipeline *pipeline, uint32_t index, MrError *err)
{
    const int32_t inputs[2] = { pipeline->dag->nodes[index].input,
                                pipeline->dag->nodes[index].right };
    MrOperator *op = &pipeline->operators[index];
    if (pipeline->dag->nodes[index].kind == MR_OPERATOR_RECURSION ||
        pipeline->dag->nodes[index].kind == MR_OPERATOR_FIXPOINT) {
        const MrRecursionSpec *spec = pipeline->dag->nodes[index].spec;
        op->loop = &pipeline->operators[spec->scan];
    }
    for (uint32_t port = 0; port < 2; port++) {
        if (inputs[port] >= 0) {
            MR_TRY(add_reader(pipeline, &pipeline->operators[inputs[port]], op, port, err));
            op->watermarks_us[port] =
                moves_time(pipeline->dag, inputs[port]) ? MR_TIME_MIN : MR_TIME_MAX;
        }
    }
    note_time(pipeline, index);
    return MR_OK;
}

static MrStatus build(MrPipeline *pipeline, MrError *err)
{
    const MrDag *dag = pipeline->dag;
    MR_TRY(survey(pipeline, err));
    choose_lanes(pipeline);
    for (uint32_t i = 0; i < dag->node_count; i++) {
        if (i != pipeline->breaker || pipeline->lane_count == 1) {
            MR_TRY(mr_pipeline_open_operator(pipeline, &pipeline->operators[i], i, 0, 1, err));
        }
        MR_TRY(connect(pipeline, i, err));
    }
    MR_NEW_ARRAY(&pipeline->arena, pipeline->lanes, pipeline->thread_count, err);
    for (uint32_t lane = 0; lane < pipeline->thread_count; lane++) {
        MR_TRY(open_lane(pipeline, lane, err));
    }
    MR_TRY(mr_pipeline_open_apart(pipeline, err));
    pipeline->panes_per_row = 1;
    if (dag->nodes[pipeline->breaker].kind == MR_OPERATOR_AGGREGATE) {
        pipeline->panes_per_row = mr_aggregate_panes_per_row(
            pipeline->lane_count > 1 ? &pipeline->lanes[0].group_by
                                     : &pipeline->operators[pipeline->breaker]);
    }
    for (uint32_t i = 0; i < pipeline->breaker; i++) {
        uint64_t copies = (uint64_t)pipeline->panes_per_row * copies_of_row(&dag->nodes[i]);
        pipeline->panes_per_row = copies < UINT32_MAX ? (uint32_t)copies : UINT32_MAX;
    }
    return MR_OK;
}

MrStatus mr_pipeline_create(const MrPipelineOptions *options, MrPipeline **out, MrError *err)
{
    MrPipeline *pipeline = calloc(1, sizeof *pipeline);
    *out = NULL;
    if (pipeline == NULL) {
        return mr_error_no_memory(err);
    }
    pipeline->dag = options->dag;
    pipeline->parallel =
        options->parallel != NULL && options->parallel->lanes > 1 && !options->dag->judges_records
            ? options->parallel
            : NULL;
    pipeline->shared_rows = pipeline->parallel != NULL && pipeline->parallel->rows_min > 0
                                ? pipeline->parallel->rows_min
                                : MR_ROUND_ROWS_SHARED;
    pipeline->is_standing = options->is_standing;
    pipeline->cancel = options->cancel;
    pipeline->clock = options->clock;
    pipeline->memory.limit_bytes = options->memory_bytes_max;
    mr_arena_init(&pipeline->arena, 0);
    MrStatus status = MR_OK;
    if (options->is_standing) {
        pipeline->notes = calloc(1, sizeof *pipeline->notes);
        status = pipeline->notes == NULL ? mr_error_no_memory(err) : MR_OK;
        pipeline->keeps_late = options->keeps_late;
        if (status == MR_OK) {
            pipeline->notes->keeps_late = options->keeps_late;
        }
    }
    if (status == MR_OK) {
        status = build(pipeline, err);
    }
    if (status != MR_OK) {
        mr_pipeline_destroy(pipeline);
        return status;
    }
    *out = pipeline;
    return MR_OK;
}

static void close_operator(MrOperator *op)
{
    if (op->op_class != NULL && op->op_class->close != NULL && op->state != NULL) {
        op->op_class->close(op);
    }
}

static void notes_destroy(MrNotes *notes)
{
    if (notes != NULL) {
        mr_notes_fini(notes);
        free(notes);
    }
}

void mr_pipeline_destroy(MrPipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    for (uint32_t i = 0; pipeline->operators != NULL && i < pipeline->operator_count; i++) {
        close_operator(&pipeline->operators[i]);
    }
    for (uint32_t l = 0; pipeline->lanes != NULL && l < pipeline->thread_count; l++) {
        MrLane *lane = &pipeline->lanes[l];
        close_operator(&lane->group_by);
        close_operator(&lane->apart);
        free(lane->outbox.blocks);
        notes_destroy(lane->notes);
        mr_arena_fini(&lane->arena);
    }
    notes_destroy(pipeline->notes);
    mr_arena_fini(&pipeline->arena);
    free(pipeline);
}

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

/* The arrival of the record moves the time of rows whose places are those of records. */
static MrStatus tell_places(MrPipeline *pipeline, uint32_t source, MrBatch *batch)
{
    for (uint32_t p = 0; p < pipeline->place_count; p++) {
        if (reads_source(pipeline->dag, (int32_t)pipeline->places[p], source)) {
            MR_TRY(mr_place_tell_arrival(&pipeline->operators[pipeline->places[p]], batch));
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

static MrStatus end_record(MrPipeline *pipeline, MrError *err)
{
    if (!pipeline->dag->judges_records || pipeline->is_in_record) {
        return MR_OK;
    }
    MrStatus status = finish_operators(pipeline, err);
    pipeline->lanes[0].batch.record = 0;
    return status;
}

static MrStatus push_inputs(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                            MrError *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const MrPipelineInput *input = &inputs[i];
        set_record(&pipeline->lanes[0].batch, input);
        begin_record(pipeline, input);
        if (input->block != NULL) {
            MR_TRY(push_block(pipeline, input->source, input->block, err));
            if (feeds_settling(pipeline, input->source)) {
                MR_TRY(settle(pipeline, &pipeline->lanes[0].batch));
            }
        }
        MR_TRY(advance_all(pipeline, input, &pipeline->lanes[0].batch));
        MR_TRY(tell_places(pipeline, input->source, &pipeline->lanes[0].batch));
        MR_TRY(end_record(pipeline, err));
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

static MrStatus run_inputs(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                           MrError *err)
{
    if (pipeline->thread_count == 1) {
        return run_alone(pipeline, inputs, count, err);
    }
    if (fits_alone(pipeline, inputs, count)) {
        MR_TRY(mr_pipeline_merge_apart(pipeline, err)); /* rows come in the log's order now */
        return run_alone(pipeline, inputs, count, err);
    }
    return mr_pipeline_run_parallel(pipeline, inputs, count, err);
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
    return pipeline->dag->judges_records && pipeline->is_in_record;
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

MrNotes *mr_pipeline_notes(MrPipeline *pipeline)
{
    return pipeline->notes;
}

void mr_pipeline_clear_notes(MrPipeline *pipeline)
{
    if (pipeline->notes != NULL) {
        mr_notes_clear(pipeline->notes);
    }
}

uint32_t mr_pipeline_operator_count(const MrPipeline *pipeline)
{
    return pipeline->operator_count;
}

uint32_t mr_pipeline_lane_count(const MrPipeline *pipeline, uint32_t index)
{
    return index == pipeline->breaker ? pipeline->lane_count : 1;
}

static const MrOperator *instance_of(const MrPipeline *pipeline, uint32_t index, uint32_t lane)
{
    return mr_pipeline_lane_count(pipeline, index) > 1 ? &pipeline->lanes[lane].group_by
                                                       : &pipeline->operators[index];
}

static MrOperatorMeasure measure_of(const MrOperator *op)
{
    MrOperatorMeasure measure = { .next_close_us = MR_TIME_MAX };
    if (op->op_class->measure != NULL) {
        op->op_class->measure(op, &measure);
    }
    return measure;
}

void mr_pipeline_operator_facts(const MrPipeline *pipeline, uint32_t index, uint32_t lane,
                                MrOperatorFacts *out)
{
    const MrOperator *op = instance_of(pipeline, index, lane);
    MrOperatorMeasure measure = measure_of(op);
    *out = (MrOperatorFacts){ .name = op->op_class->name,
                              .rows_in = op->rows_in,
                              .rows_out = op->rows_out,
                              .busy_us = op->busy_us,
                              .state_bytes = measure.state_bytes,
                              .groups = measure.groups };
}

int64_t mr_pipeline_state_bytes(const MrPipeline *pipeline)
{
    return atomic_load_explicit(&((MrPipeline *)pipeline)->memory.used_bytes, memory_order_relaxed);
}

static int64_t next_close(const MrPipeline *pipeline, bool by_arrival)
{
    bool is_apart = pipeline->operators[pipeline->breaker].by_arrival == by_arrival;
    int64_t least = is_apart ? mr_pipeline_next_close_apart(pipeline) : MR_TIME_MAX;
    for (uint32_t i = 0; i < pipeline->operator_count; i++) {
        if (pipeline->operators[i].by_arrival != by_arrival) {
            continue;
        }
        for (uint32_t lane = 0; lane < mr_pipeline_lane_count(pipeline, i); lane++) {
            int64_t close = measure_of(instance_of(pipeline, i, lane)).next_close_us;
            least = close < least ? close : least;
        }
    }
    return least;
}

int64_t mr_pipeline_next_close_us(const MrPipeline *pipeline)
{
    return next_close(pipeline, false);
}

int64_t mr_pipeline_next_arrival_close_us(const MrPipeline *pipeline)
{
    return next_close(pipeline, true);
}
