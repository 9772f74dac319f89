/*
 * engine/pipeline_facts.c - what a pipeline says of itself: its operators' figures, the memory that
 * it holds, when its next window ends.
 */
#include <stdatomic.h>

#include "engine/pipeline_internal.h"

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
