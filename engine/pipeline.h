/*
 * engine/pipeline.h - a running plan: builds state from a DAG, takes records in order, gives the
 * changes, snapshots and restores.  The whole engine as its users see it.
 *
 * One pipeline runs on up to N lanes: rows are filtered and projected by chunks on any thread, then
 * each lane aggregates the keys that hash to it, in log order; so no answer depends on N.  Threads
 * are lent by the caller (MrParallel); without them it runs on the calling thread.
 */
#ifndef MR_ENGINE_PIPELINE_H
#define MR_ENGINE_PIPELINE_H

#include "engine/operator.h"
#include "storage/sink.h"

/* Runs task(context, i) for every i in 0..count-1 on the lender's threads; returns when all are
 * done. */
typedef struct MrParallel {
    void *pool;
    uint32_t lanes; /* at least 1 */
    void (*run)(void *pool, void (*task)(void *context, uint32_t index), void *context,
                uint32_t count);
    uint32_t rows_min; /* fewer rows are not worth a call; 0: a good number */
} MrParallel;

typedef struct MrPipelineOptions {
    const MrDag *dag;           /* keeps */
    int64_t memory_bytes_max;   /* 0: none */
    const MrParallel *parallel; /* NULL: one lane on the caller's thread; keeps */
    bool is_standing;           /* failed rows are noted, not fatal */
    bool keeps_late;            /* every late row is noted, not only the last ones */
    const _Atomic bool *cancel; /* ad hoc: set by another thread to end the run; NULL: none */
    MrClock *clock;             /* for MrOperatorFacts.busy_us; NULL: not measured; keeps */
} MrPipelineOptions;

/* How a group-by is computed in parts (partial and final aggregation), for who explains a plan.
 * Whether threads count rows apart and their groups are added up. */
bool mr_dag_counts_apart(const MrDag *dag, uint32_t index);
/* Length of the panes that are counted once and added up for each window, us; 0: there are none. */
int64_t mr_dag_pane_us(const MrDag *dag, uint32_t index);

typedef struct MrPipeline MrPipeline;

/* Makes the operators of a plan, which is borrowed and must outlive it.  The caller destroys it. */
MrStatus mr_pipeline_create(const MrPipelineOptions *options, MrPipeline **out, MrError *err);
void mr_pipeline_destroy(MrPipeline *pipeline);

/* One record of a relation that the plan reads: rows, or only a movement of the watermark.  `block`
 * has the stream's logged columns (or, for RESULT and VIRTUAL scans, the relation's).  It goes to
 * every scan of the relation. */
typedef struct MrPipelineInput {
    const MrBlock *block;       /* NULL: no rows */
    int64_t watermark_after_us; /* MR_TIME_MIN: none */
    uint32_t source;            /* MrScanSpec.source of the relation's scans */
    int64_t arrival_us;         /* of a record without rows, for scans by arrival; 0: none */
    uint64_t sequence;          /* last of the whole record; 0: of its rows here */
} MrPipelineInput;

/* Runs a micro-batch over the inputs, in order (of the log, where they come from several streams).
 * Rows of VALUES need not be given: they come before the first input.  Borrows the inputs.  May be
 * called several times before a flush.  An error leaves the pipeline unusable but for destroy (a
 * memory limit: MR_ERR_OUT_OF_MEMORY). */
MrStatus mr_pipeline_run(MrPipeline *pipeline, const MrPipelineInput *inputs, uint32_t count,
                         MrError *err);

/* Rows of the source were looked at elsewhere and do not matter here: its scans count them. */
void mr_pipeline_pass_over(MrPipeline *pipeline, uint32_t source, uint64_t rows);

/* Emits all changes since the last flush into `out`, net per key where there is one; for a root
 * DELIVER.  The rows stay valid until the next flush. */
MrStatus mr_pipeline_flush(MrPipeline *pipeline, MrChangeSet *out, MrError *err);
/* Makes whole what threads have counted apart, so that facts and times are exact; a flush that
 * needs it does it by itself, while one in the middle of a long read may not. */
MrStatus mr_pipeline_settle(MrPipeline *pipeline, MrError *err);
/* Between two runs: what the inputs brought so far was there before the query began (MrSinceSpec);
 * its rows count from here.  What was computed stays for the next flush. */
MrStatus mr_pipeline_begin(MrPipeline *pipeline, const uint8_t query[16], MrError *err);
/* Where derived rows are judged, or given in order, record by record: the last run ended within
 * one, so that a flush would show what never was. */
bool mr_pipeline_is_in_record(const MrPipeline *pipeline);
/* Changes waiting for a flush that need memory (append-only rows), for backpressure. */
size_t mr_pipeline_pending_bytes(const MrPipeline *pipeline);

/* For a root COLLECT (ad hoc): after the last run, all result blocks, once.  The caller owns them
 * from then on, and ends `out->arena`; on failure *out stays as it is. */
MrStatus mr_pipeline_collect(MrPipeline *pipeline, MrCollected *out, MrError *err);
/* Ad hoc with LIMIT: no further input can change the answer. */
bool mr_pipeline_is_full(const MrPipeline *pipeline);

/* State right after a flush; independent of the number of lanes. */
MrStatus mr_pipeline_snapshot(MrPipeline *pipeline, MrBuilder *out, MrError *err);
MrStatus mr_pipeline_restore(MrPipeline *pipeline, MrString state, MrError *err);

/* Late and failed rows noted since the last call; the caller reads and clears. */
MrNotes *mr_pipeline_notes(MrPipeline *pipeline);
void mr_pipeline_clear_notes(MrPipeline *pipeline);

typedef struct MrOperatorFacts {
    const char *name;
    uint64_t rows_in, rows_out;
    int64_t busy_us; /* its threads' time, without that of the operators behind it */
    int64_t state_bytes;
    uint64_t groups;
} MrOperatorFacts;
uint32_t mr_pipeline_operator_count(const MrPipeline *pipeline);
/* Lanes of the operator: 1 for all but a group-by that is spread over the workers. */
uint32_t mr_pipeline_lane_count(const MrPipeline *pipeline, uint32_t index);
void mr_pipeline_operator_facts(const MrPipeline *pipeline, uint32_t index, uint32_t lane,
                                MrOperatorFacts *out);
int64_t mr_pipeline_state_bytes(const MrPipeline *pipeline);
/* The earliest end of a window that is open and holds rows, for EXPLAIN PROGRESS and heartbeats;
 * MR_TIME_MAX: none waits. */
int64_t mr_pipeline_next_close_us(const MrPipeline *pipeline);
/* The same of windows that close by the arrival of records, of streams that have a WATERMARK. */
int64_t mr_pipeline_next_arrival_close_us(const MrPipeline *pipeline);

#endif
