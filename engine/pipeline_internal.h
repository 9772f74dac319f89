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
    MrMeter meter;
    uint64_t *rows_in, *rows_out; /* of the stateless operators, per operator */
    int64_t *busy_us;
    MrOperator apart;    /* groups of the rows that this thread has taken; not merged yet */
    uint64_t rows_apart; /* of this round */
    MrGroupList missing; /* groups of a part that the whole does not have; in the arena */
} MrLane;

/* A piece of an input's rows, a unit of work. */
typedef struct MrChunk {
    const MrBlock *source;
    uint32_t first, rows;
    int64_t watermark_after_us; /* MR_TIME_MIN: none follows this chunk */
    const MrBlock *block;       /* filtered and projected; NULL: nothing is left */
    MrAggregateChunk *prepared;
} MrChunk;

typedef struct MrRound {
    MrPipeline *pipeline;
    MrChunk *chunks;
    uint32_t count;
    _Atomic uint32_t next; /* chunk that nobody has taken */
} MrRound;

/* Fewer rows (or groups) are worked off by the caller's thread: waking others takes longer, and the
 * rows of groups are in its cache. */
enum { MR_ROUND_ROWS_SHARED = 16384 };
/* Chunks of a round whose rows must all be prepared before they are added; and of one in which they
 * are added at once. */
enum { MR_ROUND_CHUNKS = 64, MR_APART_CHUNKS_MAX = 256 };
enum { MR_CHUNK_ROWS = 8192 };

struct MrPipeline {
    const MrDag *dag;
    const MrParallel *parallel;
    bool is_standing;
    const _Atomic bool *cancel;
    MrClock *clock;
    bool is_broken; /* a run failed: the state is between two rows */
    MrArena arena;
    MrMemory memory;
    MrOperator *operators; /* one per node; the group-by of several lanes is in the lanes instead */
    uint32_t operator_count;
    uint32_t *scans;       /* the operators that are leaves, in order */
    MrOperator **settling; /* of tables alone, with state: see MrDagNode.settles */
    uint32_t settling_count;
    uint32_t *places; /* PLACE operators: they hear where records end */
    uint32_t place_count;
    uint32_t scan_count;
    bool *meets_itself;     /* per scan: its stream comes to an operator by two ways */
    bool is_chain;          /* every operator has one input: work can be spread over threads */
    bool is_in_record;      /* the last input was not the end of its record */
    bool waits_for_records; /* within one is no time for a flush */
    MrOperator *judging;   /* the group-by whose rows are judged before they are emitted; or NULL */
    bool has_values;       /* the rows of VALUES are in */
    uint32_t breaker;      /* first operator with state, of a chain */
    uint32_t lane_count;   /* instances of the breaker */
    uint32_t thread_count; /* threads that filter and project */
    uint32_t shared_rows;  /* fewer rows or groups are the caller's alone */
    uint32_t panes_per_row; /* up to the group-by at the breaker: what chunks are kept small for */
    MrLane *lanes;          /* thread_count of them */
    /* Groups of rows in any order: pipeline_apart.c. */
    bool has_apart;
    bool closes_apart;         /* a window ends without the lanes */
    uint32_t apart_chunks;     /* most chunks of the next round */
    uint64_t apart_rows;       /* since windows closed or groups were merged; 0: no row is apart */
    uint64_t apart_pause_rows; /* to go the other way, since there are too many groups */
    MrNotes *notes;
    bool keeps_late;
    uint32_t small_runs; /* of the caller's thread alone: not all are timed */
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
bool mr_pipeline_fits_apart(const MrPipeline *pipeline, const MrChunk *chunks, uint32_t count);
/* Most chunks of the next round apart: by its groups, and by memory. */
uint32_t mr_pipeline_chunks_apart(const MrPipeline *pipeline);
MrStatus mr_pipeline_run_apart(MrPipeline *pipeline, MrRound *round, MrError *err);
MrStatus mr_pipeline_open_apart(MrPipeline *pipeline, MrError *err);
/* Merges, and keeps the memory for the next rows. */
MrStatus mr_pipeline_merge_apart(MrPipeline *pipeline, MrError *err);
/* Late rows of a stream that comes to an operator by two ways: pipeline_late.c. */
MrStatus mr_pipeline_find_meeting(MrPipeline *pipeline, MrError *err);
/* Some row of the input may be late, and it has to be taken part by part. */
bool mr_pipeline_is_parted(const MrPipeline *pipeline, const MrPipelineInput *input);
/* The part from *row on, which moves behind it: a late row alone, or those up to the next one; in
 * the arena. */
MrStatus mr_pipeline_take_part(const MrPipeline *pipeline, const MrPipelineInput *input,
                               uint32_t *row, MrArena *arena, MrPipelineInput *out, MrError *err);
/* W that the scan `scan` (index of scans) has after the input; MR_TIME_MIN: it moves none. */
int64_t mr_pipeline_time_after(const MrPipeline *pipeline, uint32_t scan,
                               const MrPipelineInput *input);
int64_t mr_pipeline_next_close_apart(const MrPipeline *pipeline);

/* Parts of a round.  The chunk's rows through the stateless operators, on the lane's thread. */
MrStatus mr_pipeline_apply(MrPipeline *pipeline, MrLane *lane, const MrBlock *source,
                           uint32_t first, uint32_t rows, const MrBlock **out);
/* Runs the task for every thread's lane, on threads or (`alone`) one after the other; the first
 * lane's error is told. */
MrStatus mr_pipeline_on_threads(MrPipeline *pipeline, bool alone,
                                void (*task)(void *context, uint32_t index), void *context,
                                MrError *err);
/* The chunks, prepared, through the operator with state; W; and what comes out of it pushed on. */
MrStatus mr_pipeline_finish_round(MrRound *round, bool alone, MrError *err);
MrStatus mr_pipeline_drain_outboxes(MrPipeline *pipeline, MrError *err);
MrStatus mr_pipeline_end_round(MrPipeline *pipeline, MrError *err);
int64_t mr_round_watermark(const MrRound *round);
MrStatus mr_pipeline_open_operator(MrPipeline *pipeline, MrOperator *op, uint32_t index,
                                   uint32_t lane, uint32_t lanes, MrError *err);
/* finish_batch of every lane's group-by, and its rows pushed on. */
MrStatus mr_pipeline_flush_lanes(MrPipeline *pipeline, MrError *err);

#endif
