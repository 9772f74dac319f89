/*
 * engine/pipeline_internal.h - the pipeline's insides, shared by pipeline*.c only.
 */
#ifndef MR_ENGINE_PIPELINE_INTERNAL_H
#define MR_ENGINE_PIPELINE_INTERNAL_H

#include "engine/operators/aggregate.h"
#include "engine/operators/deliver.h"
#include "engine/pipeline.h"

/* Blocks that a lane's group-by has emitted, until the caller's thread pushes them on. */
typedef struct MrOutbox {
    const MrBlock **blocks; /* in the lane's arena */
    uint32_t count, capacity;
} MrOutbox;

/* What one thread needs while it works for the pipeline. */
typedef struct MrLane {
    MrArena arena;
    MrNotes *notes;      /* standing queries only */
    MrError err;
    MrStatus status;
    MrBatch batch;
    MrOperator group_by; /* this lane's share of the keys, when there are several lanes */
    MrOperator outbox_operator;
    MrOutbox outbox;
    uint64_t *rows_in, *rows_out; /* of the stateless operators, per operator */
} MrLane;

struct MrPipeline {
    const MrDag *dag;
    const MrParallel *parallel;
    bool is_standing;
    bool is_broken;        /* a run failed: the state is between two rows */
    MrArena arena;
    MrMemory memory;
    MrOperator *operators; /* one per node; the group-by of several lanes is in the lanes instead */
    uint32_t operator_count;
    uint32_t breaker;      /* first operator with state */
    uint32_t lane_count;   /* instances of the breaker */
    uint32_t thread_count; /* threads that filter and project */
    MrLane *lanes;         /* thread_count of them */
    MrNotes *notes;
};

/* Runs over rounds of chunks on all threads. */
MrStatus mr_pipeline_run_parallel(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count, MrError *err);
/* finish_batch of every lane's group-by, and its rows pushed on. */
MrStatus mr_pipeline_flush_lanes(MrPipeline *pipeline, MrError *err);

#endif
