/*
 * engine/pipeline_build.c - from a plan to operators that know their readers, and their end.
 */
#include <stdlib.h>

#include "common/grow.h"
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

/* Groups of a chain, and only stateless operators between them and the target: behind a record the
 * rows of those that it changed are looked at, and emitted when the target wants them. */
static bool judges_groups(const MrPipeline *pipeline)
{
    const MrDag *dag = pipeline->dag;
    const MrDagNode *node = &dag->nodes[pipeline->breaker];
    if (!dag->judges_records || !pipeline->is_chain || node->kind != MR_OPERATOR_AGGREGATE ||
        dag->nodes[dag->node_count - 1].kind != MR_OPERATOR_DELIVER) {
        return false;
    }
    for (uint32_t i = pipeline->breaker + 1; i + 1 < dag->node_count; i++) {
        if (operator_classes[dag->nodes[i].kind]->apply == NULL) {
            return false;
        }
    }
    return mr_aggregate_can_judge(node->spec, &dag->nodes[node->input].schema);
}

/* Spreading over lanes pays only where keys tell rows apart. */
static void choose_lanes(MrPipeline *pipeline)
{
    const MrDagNode *breaker = &pipeline->dag->nodes[pipeline->breaker];
    bool alone = pipeline->parallel == NULL || !pipeline->is_chain;
    pipeline->thread_count = alone ? 1 : pipeline->parallel->lanes;
    pipeline->lane_count = 1;
    if (breaker->kind == MR_OPERATOR_AGGREGATE &&
        ((const MrAggregateSpec *)breaker->spec)->key_count > 0 && !judges_groups(pipeline)) {
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

/* What several records made on lanes cannot say which of them it was. */
static bool is_chain(const MrDag *dag)
{
    bool is_one = true;
    for (uint32_t i = 0; i < dag->node_count; i++) {
        const MrDagNode *node = &dag->nodes[i];
        is_one = is_one && node->input == (int32_t)i - 1 && node->right < 0 &&
                 node->kind != MR_OPERATOR_PLACE;
    }
    return is_one;
}

/* The first operator of a chain that has state: up to it rows are spread over threads. */
static uint32_t breaker_of(const MrDag *dag)
{
    uint32_t breaker = 0;
    while (breaker + 1 < dag->node_count &&
           operator_classes[dag->nodes[breaker].kind]->apply != NULL) {
        breaker++;
    }
    return breaker;
}

static bool can_count_apart(const MrDag *dag, uint32_t index)
{
    const MrDagNode *node = &dag->nodes[index];
    return node->kind == MR_OPERATOR_AGGREGATE && node->input >= 0 &&
           mr_aggregate_can_merge(node->spec, &dag->nodes[node->input].schema);
}

bool mr_dag_counts_apart(const MrDag *dag, uint32_t index)
{
    return is_chain(dag) && breaker_of(dag) == index && can_count_apart(dag, index);
}

int64_t mr_dag_pane_us(const MrDag *dag, uint32_t index)
{
    const MrDagNode *node = &dag->nodes[index];
    return node->kind == MR_OPERATOR_AGGREGATE && node->input >= 0
               ? mr_aggregate_pane_us(node->spec, &dag->nodes[node->input].schema)
               : 0;
}

/* Finds the leaves, and whether the plan is one chain. */
static MrStatus survey(MrPipeline *pipeline, MrError *err)
{
    const MrDag *dag = pipeline->dag;
    pipeline->operator_count = dag->node_count;
    pipeline->waits_for_records = dag->judges_records;
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
        if (node->kind == MR_OPERATOR_PLACE) {
            pipeline->places[pipeline->place_count++] = i;
            pipeline->waits_for_records |= ((const MrPlaceSpec *)node->spec)->orders_rows;
        }
    }
    pipeline->is_chain = is_chain(dag);
    pipeline->breaker = pipeline->is_chain ? breaker_of(dag) : 0;
    return mr_pipeline_find_meeting(pipeline, err);
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
    if (judges_groups(pipeline)) {
        pipeline->judging = &pipeline->operators[pipeline->breaker];
        MR_TRY(mr_aggregate_judge_open(pipeline->judging, err));
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
        options->parallel != NULL && options->parallel->lanes > 1 ? options->parallel : NULL;
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
