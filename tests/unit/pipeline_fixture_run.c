/*
 * tests/unit/pipeline_fixture_run.c - a pipeline over a log, cut into micro-batches and opened anew at random.
 */
#include <pthread.h>

#include "tests/unit/pipeline_fixture.h"

typedef struct ThreadTask {
    void (*task)(void *context, uint32_t index);
    void *context;
    uint32_t index;
} ThreadTask;

/* Tasks one after the other, last first: what a lender may do. */
static void run_backwards(void *pool, void (*task)(void *context, uint32_t index), void *context,
                          uint32_t count)
{
    (void)pool;
    while (count > 0) {
        task(context, --count);
    }
}

static void *run_thread(void *argument)
{
    ThreadTask *task = argument;
    task->task(task->context, task->index);
    return NULL;
}

static void run_threads(void *pool, void (*task)(void *context, uint32_t index), void *context,
                        uint32_t count)
{
    pthread_t threads[16];
    ThreadTask tasks[16];
    (void)pool;
    for (uint32_t t = 0; t < count; t++) {
        tasks[t] = (ThreadTask){ task, context, t };
        ck_assert_int_eq(pthread_create(&threads[t], NULL, run_thread, &tasks[t]), 0);
    }
    for (uint32_t t = 0; t < count; t++) {
        pthread_join(threads[t], NULL);
    }
}

/* Most share every row, however few: then groups that can be counted apart are. */
MrParallel test_lenders[2][4] = {
    { { NULL, 1, run_backwards, 0 },
      { NULL, 2, run_backwards, 1 },
      { NULL, 3, run_backwards, 0 },
      { NULL, 4, run_backwards, 1 } },
    { { NULL, 1, run_threads, 1 },
      { NULL, 2, run_threads, 1 },
      { NULL, 3, run_threads, 1 },
      { NULL, 4, run_threads, 1 } },
};

MrPipeline *test_open(const MrDag *dag, uint32_t lanes, bool threads)
{
    MrPipeline *pipeline;
    MrError err = MR_ERROR_INIT;
    const MrPipelineOptions options = { .dag = dag,
                                        .is_standing = true,
                                        .parallel =
                                            lanes <= 1 ? NULL : &test_lenders[threads][lanes - 1] };
    ck_assert_msg(mr_pipeline_create(&options, &pipeline, &err) == MR_OK, "%s", err.message);
    return pipeline;
}

MrPipeline *test_reopen(MrPipeline *pipeline, const MrDag *dag, uint32_t lanes, bool threads)
{
    MrBuilder state;
    MrError err = MR_ERROR_INIT;
    mr_builder_init(&state, 0);
    ck_assert_msg(mr_pipeline_snapshot(pipeline, &state, &err) == MR_OK, "%s", err.message);
    mr_pipeline_destroy(pipeline);
    pipeline = test_open(dag, lanes, threads);
    ck_assert_msg(mr_pipeline_restore(pipeline, (MrString){ state.data, state.length }, &err) ==
                      MR_OK,
                  "%s", err.message);
    mr_builder_fini(&state);
    return pipeline;
}

static void take_notes(MrPipeline *pipeline, RunResult *result)
{
    const MrNotes *notes = mr_pipeline_notes(pipeline);
    const uint64_t kept =
        notes->late_rows < MR_NOTED_ROWS_MAX ? notes->late_rows : MR_NOTED_ROWS_MAX;
    for (uint64_t i = notes->late_rows - kept; i < notes->late_rows; i++) {
        if (result->late_count < MR_NOTED_ROWS_MAX) {
            result->late_sequences[result->late_count++] =
                notes->late[i % MR_NOTED_ROWS_MAX].sequence;
        }
    }
    result->late_rows += notes->late_rows;
    mr_pipeline_clear_notes(pipeline);
}

RunResult test_run(const TestLog *log, const MrDag *dag, uint32_t keys, const RunShape *shape,
                   MrRandom *random, void (*check)(void *context, Table *table, uint32_t end),
                   void *context)
{
    RunResult result = { 0 };
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    uint32_t at = 0;
    uint32_t lanes = shape->lanes == 0 ? 1 + (uint32_t)mr_random_below(random, 3) : shape->lanes;
    MrPipeline *pipeline = test_open(dag, lanes, shape->threads);
    mr_arena_init(&arena, 0);
    for (bool done = false; !done;) {
        MrPipelineInput inputs[16];
        uint32_t count = 0;
        const uint32_t wanted = 1 + (uint32_t)mr_random_below(random, shape->records_max);
        mr_arena_reset(&arena);
        while (count < wanted && at < log->count) {
            uint32_t rows = 1 + (uint32_t)mr_random_below(random, shape->record_rows_max);
            rows = rows < log->count - at ? rows : log->count - at;
            inputs[count] =
                (MrPipelineInput){ .block = log_block(log, at, at + rows, &arena),
                                   .watermark_after_us = log_watermark_after(log, at + rows) };
            at += rows;
            count++;
        }
        done = at == log->count;
        ck_assert_msg(mr_pipeline_run(pipeline, inputs, count, &err) == MR_OK, "%s", err.message);
        take_notes(pipeline, &result);
        if (done ||
            (shape->flush_one_in > 0 && mr_random_below(random, shape->flush_one_in) == 0)) {
            MrChangeSet changes;
            ck_assert_msg(mr_pipeline_flush(pipeline, &changes, &err) == MR_OK, "%s", err.message);
            take_notes(pipeline, &result);
            table_apply(&result.table, &changes, keys);
            if (check != NULL) {
                check(context, &result.table, at);
            }
            if (shape->reopen_one_in > 0 && mr_random_below(random, shape->reopen_one_in) == 0) {
                lanes = shape->lanes == 0 ? 1 + (uint32_t)mr_random_below(random, 3) : shape->lanes;
                pipeline = test_reopen(pipeline, dag, lanes, shape->threads);
            }
        }
    }
    mr_pipeline_destroy(pipeline);
    mr_arena_fini(&arena);
    return result;
}
