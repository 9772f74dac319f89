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
    MrNotes *notes; /* standing queries only */
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
    bool is_broken; /* a run failed: the state is between two rows */
    MrArena arena;
    MrMemory memory;
    MrOperator *operators; /* one per node; the group-by of several lanes is in the lanes instead */
    uint32_t operator_count;
    uint32_t breaker;       /* first operator with state */
    uint32_t lane_count;    /* instances of the breaker */
    uint32_t thread_count;  /* threads that filter and project */
    uint32_t panes_per_row; /* of the group-by at the breaker: what its chunks are kept small for */
    MrLane *lanes;          /* thread_count of them */
    MrNotes *notes;
};

/* Rows of a chunk: `most` for ordinary plans, fewer where a row falls to many panes, so that a
 * chunk's lists stay some megabytes.  A multiple of 64. */
static inline uint32_t mr_pipeline_chunk_rows(const MrPipeline *pipeline, uint32_t most)
{
    uint32_t rows = UINT32_C(262144) / pipeline->panes_per_row / 64 * 64;
    return rows < 64 ? 64 : rows < most ? rows : most;
}

/* Runs over rounds of chunks on all threads. */
MrStatus mr_pipeline_run_parallel(MrPipeline *pipeline, const MrPipelineInput *inputs,
                                  uint32_t count, MrError *err);
/* finish_batch of every lane's group-by, and its rows pushed on. */
MrStatus mr_pipeline_flush_lanes(MrPipeline *pipeline, MrError *err);

#endif
