/*
 * engine/pipeline_state.c - a pipeline's state as bytes: for every operator with state, a segment
 * per lane, and for one with two inputs their watermarks.  Any number of lanes can restore what any
 * number of lanes has written.
 */
#include "engine/pipeline_internal.h"

enum { STATE_FORMAT = 1 };

static MrStatus write_segment(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    MrBuilder segment;
    mr_builder_init(&segment, 0);
    MrStateWriter inner = { .out = &segment };
    MrStatus status = op->op_class->snapshot(op, &inner, err);
    if (status == MR_OK && segment.failed) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK) {
        mr_state_write_bytes(writer, segment.data, segment.length);
    }
    mr_builder_fini(&segment);
    return status;
}

MrStatus mr_pipeline_snapshot(MrPipeline *pipeline, MrBuilder *out, MrError *err)
{
    MrStateWriter writer = { .out = out };
    MR_TRY(mr_pipeline_settle(pipeline, err));
    mr_state_write_u32(&writer, STATE_FORMAT);
    mr_state_write_u32(&writer, pipeline->operator_count);
    for (uint32_t i = 0; i < pipeline->operator_count; i++) {
        bool on_lanes = i == pipeline->breaker && pipeline->lane_count > 1;
        MrOperator *op = on_lanes ? &pipeline->lanes[0].group_by : &pipeline->operators[i];
        uint32_t segments = op->op_class->snapshot == NULL ? 0
                            : on_lanes                     ? pipeline->lane_count
                                                           : 1;
        mr_state_write_u32(&writer, segments);
        for (uint32_t s = 0; s < segments; s++) {
            MR_TRY(write_segment(on_lanes ? &pipeline->lanes[s].group_by : op, &writer, err));
        }
        if (op->right != NULL) {
            mr_state_write_u64(&writer, (uint64_t)op->watermarks_us[0]);
            mr_state_write_u64(&writer, (uint64_t)op->watermarks_us[1]);
        }
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus restore_segment(MrPipeline *pipeline, uint32_t index, const char *data,
                                size_t length, MrError *err)
{
    bool on_lanes = index == pipeline->breaker && pipeline->lane_count > 1;
    for (uint32_t l = 0; l < (on_lanes ? pipeline->lane_count : 1); l++) {
        MrOperator *op = on_lanes ? &pipeline->lanes[l].group_by : &pipeline->operators[index];
        MrStateReader reader = { .data = data, .length = length };
        if (op->op_class->restore == NULL) {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint has state for an operator without state");
        }
        MR_TRY(op->op_class->restore(op, &reader, err));
        if (reader.at != reader.length) {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint holds more than its operator wrote");
        }
    }
    return MR_OK;
}

MrStatus mr_pipeline_restore(MrPipeline *pipeline, MrString state, MrError *err)
{
    MrStateReader reader = { .data = state.data, .length = state.length };
    uint32_t format, operators;
    MR_TRY(mr_state_read_u32(&reader, &format, err));
    MR_TRY(mr_state_read_u32(&reader, &operators, err));
    if (format != STATE_FORMAT || operators != pipeline->operator_count) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "a checkpoint of another form: %u with %u operators", format,
                            operators);
    }
    for (uint32_t i = 0; i < operators; i++) {
        uint32_t segments;
        MR_TRY(mr_state_read_u32(&reader, &segments, err));
        for (uint32_t s = 0; s < segments; s++) {
            const char *data;
            size_t length;
            MR_TRY(mr_state_read_bytes(&reader, &data, &length, err));
            MR_TRY(restore_segment(pipeline, i, data, length, err));
        }
        for (uint32_t port = 0; port < 2 && pipeline->operators[i].right != NULL; port++) {
            uint64_t watermark;
            MR_TRY(mr_state_read_u64(&reader, &watermark, err));
            pipeline->operators[i].watermarks_us[port] = (int64_t)watermark;
        }
    }
    pipeline->has_values = true; /* they are in the state */
    return MR_OK;
}
