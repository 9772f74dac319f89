/*
 * tests/unit/test_pipeline_state.c - what a pipeline holds: memory and its limit, snapshots (also
 * damaged ones), notes of late and failed rows, the next close, and the roots of ad-hoc queries.
 */
#include <stdatomic.h>

#include "tests/unit/pipeline_fixture.h"

#define SECOND INT64_C(1000000)

static const uint32_t by_key[] = { LOG_KEY }, by_name[] = { LOG_NAME };
static const TestCall heavy_calls[] = { { "count", LOG_NAME, -1, true },
                                        { "max", LOG_NAME, -1, false },
                                        { "sum", LOG_EXACT, -1, false },
                                        { "min", LOG_NAME, LOG_FLAG, false } };

static TestLog some_log(uint32_t rows, uint32_t keys)
{
    MrRandom random;
    mr_random_init(&random, rows);
    const LogShape shape = { .rows = rows,
                             .keys = keys,
                             .step_us = SECOND / 10,
                             .jitter_us = 3 * SECOND,
                             .delay_us = SECOND };
    return log_make(&random, &shape);
}

static MrAggregateSpec tumble(const uint32_t *keys)
{
    return (MrAggregateSpec){ .window_kind = MR_GROUP_WINDOW_TUMBLE,
                              .window = { 10 * SECOND, 10 * SECOND, 0, 0 },
                              .time_column = LOG_AT,
                              .time_is_event = true,
                              .keys = keys,
                              .key_count = 1 };
}

static MrAggregateSpec hop(const uint32_t *keys)
{
    MrAggregateSpec spec = tumble(keys);
    spec.window_kind = MR_GROUP_WINDOW_HOP;
    spec.window.slide_us = 4 * SECOND;
    return spec;
}

static MrStatus run_rows(MrPipeline *pipeline, const TestLog *log, uint32_t first, uint32_t end,
                         MrError *err)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    const MrPipelineInput input = { .block =
                                        first == end ? NULL : log_block(log, first, end, &arena),
                                    .watermark_after_us = log_watermark_after(log, end) };
    const MrStatus status = mr_pipeline_run(pipeline, &input, 1, err);
    mr_arena_fini(&arena);
    return status;
}

static void advance_to(MrPipeline *pipeline, int64_t watermark_us)
{
    MrError err = MR_ERROR_INIT;
    const MrPipelineInput input = { .watermark_after_us = watermark_us };
    ck_assert_int_eq(mr_pipeline_run(pipeline, &input, 1, &err), MR_OK);
}

/* Everything that a window held is given back when it closes; late rows after the end of time. */
START_TEST(test_memory_returns)
{
    mr_arena_reset(&test_arena);
    const TestLog log = some_log(3000, 40);
    for (int kind = 0; kind < 6; kind++) {
        TestPlan plan;
        MrError err = MR_ERROR_INIT;
        MrChangeSet changes;
        MrAggregateSpec spec = kind % 2 == 0 ? tumble(by_name) : hop(by_name);
        spec.needs_old = kind >= 4;
        spec.emit = kind == 2 || kind == 3 ? MR_EMIT_MODE_CLOSE : MR_EMIT_MODE_UPDATE;
        plan_scan(&plan);
        plan_group(&plan, spec, heavy_calls, kind == 1 || kind == 3 ? 1 : 4);
        plan_deliver(&plan, 3);
        MrPipeline *pipeline = test_open(&plan.dag, 1 + (uint32_t)kind % 3, kind == 5);
        ck_assert_int_eq(mr_pipeline_state_bytes(pipeline), 0);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 2000, &err), MR_OK);
        ck_assert_int_gt(mr_pipeline_state_bytes(pipeline), 0);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        pipeline = test_reopen(pipeline, &plan.dag, 1 + (uint32_t)(kind + 1) % 3, false);
        ck_assert_int_eq(run_rows(pipeline, &log, 2000, 3000, &err), MR_OK);
        advance_to(pipeline, MR_TIME_MAX);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        ck_assert_int_eq(mr_pipeline_state_bytes(pipeline), 0);
        ck_assert_int_eq(mr_pipeline_next_close_us(pipeline), MR_TIME_MAX);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

START_TEST(test_memory_limit)
{
    mr_arena_reset(&test_arena);
    const TestLog log = some_log(3000, 3000);
    TestPlan plan;
    plan_scan(&plan);
    plan_group(&plan, tumble(by_name), heavy_calls, 4);
    plan_deliver(&plan, 3);
    for (int64_t limit = 500; limit < 200000; limit = limit * 5 / 3) {
        for (uint32_t lanes = 1; lanes <= 2; lanes++) {
            MrPipeline *pipeline;
            MrError err = MR_ERROR_INIT;
            MrChangeSet changes;
            const MrPipelineOptions options = { .dag = &plan.dag,
                                                .is_standing = true,
                                                .memory_bytes_max = limit,
                                                .parallel = &test_lenders[0][lanes - 1] };
            ck_assert_int_eq(mr_pipeline_create(&options, &pipeline, &err), MR_OK);
            ck_assert_int_eq(run_rows(pipeline, &log, 0, 3000, &err), MR_ERR_OUT_OF_MEMORY);
            ck_assert_int_le(mr_pipeline_state_bytes(pipeline), limit);
            /* The state is between two rows: nothing but destroy. */
            ck_assert_int_ne(run_rows(pipeline, &log, 0, 1, &err), MR_OK);
            ck_assert_int_ne(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
            mr_pipeline_destroy(pipeline);
        }
    }
}
END_TEST

/* A snapshot cut at any byte, or with a byte changed, gives an error or another state, never a
 * crash. */
START_TEST(test_damaged_snapshots)
{
    mr_arena_reset(&test_arena);
    const TestLog log = some_log(60, 5);
    MrRandom random;
    mr_random_init(&random, 3);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        TestPlan plan;
        MrError err = MR_ERROR_INIT;
        MrChangeSet changes;
        MrBuilder state;
        static const uint32_t outer_key[] = { 3 };
        const TestCall outer[] = { { "max", 4, -1, false },
                                   { "sum", 5, -1, false },
                                   { "count", 4, -1, true } };
        MrAggregateSpec inner = tumble(by_name);
        inner.needs_old = true;
        const MrAggregateSpec second = { .time_column = -1,
                                         .keys = outer_key,
                                         .key_count = 1,
                                         .input_retracts = true,
                                         .input_is_derived = true };
        plan_scan(&plan);
        plan_group(&plan, inner, heavy_calls, 4);
        plan_group(&plan, second, outer, 3);
        plan_deliver(&plan, 1);
        MrPipeline *pipeline = test_open(&plan.dag, lanes, false);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 60, &err), MR_OK);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        mr_builder_init(&state, 0);
        ck_assert_int_eq(mr_pipeline_snapshot(pipeline, &state, &err), MR_OK);
        mr_pipeline_destroy(pipeline);
        for (size_t cut = 0; cut < state.length; cut += 1 + cut / 100) {
            char *copy = malloc(cut + 1); /* of exactly that length: reading on is found */
            memcpy(copy, state.data, cut);
            pipeline = test_open(&plan.dag, 4 - lanes, false);
            ck_assert_int_ne(mr_pipeline_restore(pipeline, (MrString){ copy, cut }, &err), MR_OK);
            mr_pipeline_destroy(pipeline);
            free(copy);
        }
        for (uint32_t i = 0; i < 400; i++) {
            char *copy = malloc(state.length);
            memcpy(copy, state.data, state.length);
            copy[mr_random_below(&random, state.length)] ^=
                (char)(1 << mr_random_below(&random, 8));
            pipeline = test_open(&plan.dag, 4 - lanes, false);
            if (mr_pipeline_restore(pipeline, (MrString){ copy, state.length }, &err) == MR_OK) {
                (void)mr_pipeline_flush(pipeline, &changes, &err);
            }
            mr_pipeline_destroy(pipeline);
            free(copy);
        }
        mr_builder_fini(&state);
    }
}
END_TEST

/* Of more late rows than are kept, the last stay, in order of the log, on any lanes. */
START_TEST(test_late_ring)
{
    mr_arena_reset(&test_arena);
    TestLog log = some_log(30000, 5);
    for (uint32_t r = 100; r < log.count; r += 3) { /* a third comes an hour late */
        log.rows[r].at_us -= 3600 * SECOND;
        log.rows[r].cells[LOG_AT].integer = log.rows[r].at_us;
    }
    int64_t greatest = MR_TIME_MIN;
    for (uint32_t r = 0; r < log.count; r++) {
        log.rows[r].watermark_us = greatest == MR_TIME_MIN ? MR_TIME_MIN : greatest - log.delay_us;
        greatest = log.rows[r].at_us > greatest ? log.rows[r].at_us : greatest;
    }
    TestPlan plan;
    const MrAggregateSpec spec = tumble(by_key);
    MrAggregateSpec *group;
    plan_scan(&plan);
    group = plan_group(&plan, spec, heavy_calls, 1);
    plan_deliver(&plan, 3);
    Naive naive = { 0 };
    for (uint32_t r = 0; r < log.count; r++) {
        const int64_t end =
            mr_window_end(&group->window, mr_window_start(&group->window, log.rows[r].at_us));
        naive.late_rows += log.rows[r].watermark_us >= end;
    }
    ck_assert_uint_gt(naive.late_rows, 5 * MR_NOTED_ROWS_MAX);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        MrError err = MR_ERROR_INIT;
        MrPipeline *pipeline = test_open(&plan.dag, lanes, true);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 30000, &err), MR_OK);
        const MrNotes *notes = mr_pipeline_notes(pipeline);
        ck_assert_uint_eq(notes->late_rows, naive.late_rows);
        uint64_t i = notes->late_rows;
        for (uint32_t r = log.count; r-- > 0 && i > notes->late_rows - MR_NOTED_ROWS_MAX;) {
            const int64_t end =
                mr_window_end(&group->window, mr_window_start(&group->window, log.rows[r].at_us));
            if (log.rows[r].watermark_us >= end) {
                const MrLateRow *late = &notes->late[--i % MR_NOTED_ROWS_MAX];
                ck_assert_uint_eq(late->sequence, r + 1);
                ck_assert_int_eq(late->event_us, log.rows[r].at_us);
                ck_assert_int_eq(late->watermark_us, log.rows[r].watermark_us);
            }
        }
        mr_pipeline_clear_notes(pipeline);
        ck_assert_uint_eq(mr_pipeline_notes(pipeline)->late_rows, 0);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* The end of the first window that waits, at every place. */
START_TEST(test_next_close)
{
    static const MrWindow hops[] = {
        { .size_us = 10 * SECOND, .slide_us = 4 * SECOND },
        { .size_us = 10 * SECOND, .slide_us = 5 * SECOND },
        { .size_us = 9 * SECOND, .slide_us = 2 * SECOND, .offset_us = SECOND },
        { .size_us = 10 * SECOND, .slide_us = 10 * SECOND },
    };
    mr_arena_reset(&test_arena);
    const TestLog log = some_log(400, 8);
    for (uint32_t w = 0; w < 8; w++) {
        TestPlan plan;
        MrError err = MR_ERROR_INIT;
        MrAggregateSpec spec = hop(by_key);
        spec.window = hops[w % 4];
        spec.needs_old = w >= 4;
        spec.allowed_lateness_us = w % 2 == 0 ? 0 : SECOND;
        plan_scan(&plan);
        plan_group(&plan, spec, heavy_calls, 2);
        plan_deliver(&plan, 3);
        MrPipeline *pipeline = test_open(&plan.dag, 1 + w % 2, false);
        for (uint32_t r = 0; r < log.count; r++) {
            ck_assert_int_eq(run_rows(pipeline, &log, r, r + 1, &err), MR_OK);
            const int64_t watermark = log_watermark_after(&log, r + 1);
            Naive naive = naive_group(&log, r + 1, &spec, NULL);
            int64_t least = MR_TIME_MAX;
            for (uint32_t g = 0; g < naive.count; g++) {
                const int64_t close = naive.groups[g].end_us + spec.allowed_lateness_us;
                least = close > watermark && close < least ? close : least;
            }
            naive_fini(&naive);
            ck_assert_msg(mr_pipeline_next_close_us(pipeline) == least,
                          "window %u, row %u: %lld, should be %lld", w, r,
                          (long long)mr_pipeline_next_close_us(pipeline), (long long)least);
        }
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* Rows on which an expression fails are left out, and named in order of the log. */
START_TEST(test_failed_rows)
{
    mr_arena_reset(&test_arena);
    TestLog log = some_log(25000, 5);
    for (uint32_t r = 0; r < log.count; r++) {
        log.rows[r].cells[LOG_SMALL].integer = r % 7;
    }
    TestPlan plan;
    plan_scan(&plan);
    plan_filter(&plan, test_call_2(">",
                                   test_call_2("/", test_constant("int4:60"),
                                               test_column(LOG_SMALL, MR_TYPE_INT32)),
                                   test_constant("int4:10")));
    const MrAggregateSpec total = { .time_column = -1 };
    const TestCall count[] = { { "count", -1, -1, false } };
    plan_group(&plan, total, count, 1);
    plan_deliver(&plan, 0);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        MrError err = MR_ERROR_INIT;
        MrChangeSet changes;
        MrPipeline *pipeline = test_open(&plan.dag, lanes, true);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 25000, &err), MR_OK);
        const MrNotes *notes = mr_pipeline_notes(pipeline);
        ck_assert_uint_eq(notes->failed_rows, 3572);
        ck_assert_uint_eq(notes->failed_count, 3572);
        for (uint32_t i = 0; i < notes->failed_count; i++) {
            ck_assert_uint_eq(notes->failed[i].sequence, i * 7 + 1);
            ck_assert_str_eq(notes->failed[i].error.sqlstate, "22012");
        }
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        ck_assert_uint_eq(changes.upsert_blocks, 1);
        /* 60 / 1 … 60 / 5 are above 10. */
        ck_assert_int_eq(((const int64_t *)changes.upserts[0]->columns[0].data)[0], 17857);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* What the operators of the group-by have taken and given, over all lanes. */
static MrOperatorFacts group_facts(const MrPipeline *pipeline)
{
    MrOperatorFacts sum = { .name = "Aggregate" };
    for (uint32_t lane = 0; lane < mr_pipeline_lane_count(pipeline, 1); lane++) {
        MrOperatorFacts facts;
        mr_pipeline_operator_facts(pipeline, 1, lane, &facts);
        ck_assert_str_eq(facts.name, sum.name);
        sum.rows_in += facts.rows_in;
        sum.rows_out += facts.rows_out;
        sum.groups += facts.groups;
    }
    return sum;
}

/* A flush of more groups than one thread is given alone. */
START_TEST(test_many_groups)
{
    mr_arena_reset(&test_arena);
    TestLog log = some_log(60000, 5);
    for (uint32_t r = 0; r < log.count; r++) {
        log.rows[r].cells[LOG_KEY].integer = r;
    }
    TestPlan plan;
    const MrAggregateSpec spec = { .time_column = -1, .keys = by_key, .key_count = 1 };
    const TestCall calls[] = { { "min", LOG_KEY, -1, false }, { "count", -1, -1, false } };
    plan_scan(&plan);
    plan_group(&plan, spec, calls, 2);
    plan_deliver(&plan, 1);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        MrError err = MR_ERROR_INIT;
        MrChangeSet changes;
        uint64_t groups = 0;
        MrPipeline *pipeline = test_open(&plan.dag, lanes, true);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 60000, &err), MR_OK);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 30000, &err), MR_OK);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        for (uint32_t b = 0; b < changes.upsert_blocks; b++) {
            const MrBlock *block = changes.upserts[b];
            for (uint32_t r = 0; r < block->row_count; r++, groups++) {
                const int64_t key = ((const int64_t *)block->columns[0].data)[r];
                ck_assert_int_eq(((const int64_t *)block->columns[1].data)[r], key);
                ck_assert_int_eq(((const int64_t *)block->columns[2].data)[r], key < 30000 ? 2 : 1);
            }
        }
        ck_assert_uint_eq(groups, 60000);
        ck_assert_uint_eq(group_facts(pipeline).groups, 60000);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        ck_assert_uint_eq(changes.upsert_blocks + changes.delete_blocks, 0);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* Windows that are counted by several threads and seen by nobody before they end; of the second a
 * part has gone to the lanes, since a snapshot wanted it. */
START_TEST(test_windows_end_apart)
{
    enum { ROWS = 24000, WINDOWS = 3, KEYS = 500, PER_WINDOW = ROWS / WINDOWS };
    mr_arena_reset(&test_arena);
    TestLog log = some_log(ROWS, KEYS);
    log.delay_us = 100 * SECOND; /* no window ends before it is told to */
    for (uint32_t r = 0; r < ROWS; r++) {
        log.rows[r].at_us = log.rows[r].cells[LOG_AT].integer =
            10 * SECOND * (r / PER_WINDOW) + 1000 * (r % PER_WINDOW);
        log.rows[r].cells[LOG_KEY].integer = r % KEYS;
        log.rows[r].watermark_us = MR_TIME_MIN;
    }
    TestPlan plan;
    MrAggregateSpec spec = tumble(by_key);
    const TestCall calls[] = { { "count", -1, -1, false }, { "min", LOG_KEY, -1, false } };
    spec.emit = MR_EMIT_MODE_CLOSE;
    plan_scan(&plan);
    plan_group(&plan, spec, calls, 2);
    plan_deliver(&plan, 0);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        MrError err = MR_ERROR_INIT;
        MrChangeSet changes;
        uint64_t groups = 0;
        MrBuilder state;
        MrPipeline *pipeline = test_open(&plan.dag, lanes, true);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, ROWS / 2, &err), MR_OK);
        mr_builder_init(&state, 0);
        ck_assert_int_eq(mr_pipeline_snapshot(pipeline, &state, &err), MR_OK);
        mr_builder_fini(&state);
        ck_assert_int_eq(run_rows(pipeline, &log, ROWS / 2, ROWS, &err), MR_OK);
        ck_assert_uint_eq(group_facts(pipeline).rows_out, 0);
        advance_to(pipeline, MR_TIME_MAX);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        for (uint32_t b = 0; b < changes.upsert_blocks; b++) {
            const MrBlock *block = changes.upserts[b];
            for (uint32_t r = 0; r < block->row_count; r++, groups++) {
                ck_assert_int_eq(((const int64_t *)block->columns[3].data)[r], PER_WINDOW / KEYS);
                ck_assert_int_eq(((const int64_t *)block->columns[4].data)[r],
                                 ((const int64_t *)block->columns[2].data)[r]);
            }
        }
        ck_assert_uint_eq(groups, WINDOWS * KEYS);
        ck_assert_uint_eq(group_facts(pipeline).rows_in, ROWS);
        ck_assert_uint_eq(group_facts(pipeline).rows_out, WINDOWS * KEYS);
        ck_assert_uint_eq(group_facts(pipeline).groups, 0);
        ck_assert_int_eq(mr_pipeline_settle(pipeline, &err), MR_OK);
        ck_assert_int_eq(mr_pipeline_state_bytes(pipeline), 0);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* More groups than a thread keeps to itself. */
START_TEST(test_too_many_groups_apart)
{
    enum { ROWS = 30000, TIMES = 20 };
    mr_arena_reset(&test_arena);
    const TestLog log = some_log(ROWS, 5);
    TestPlan plan;
    const MrAggregateSpec spec = { .time_column = -1, .keys = by_key, .key_count = 1 };
    const TestCall calls[] = { { "count", -1, -1, false } };
    plan_scan(&plan);
    plan_group(&plan, spec, calls, 1);
    plan_deliver(&plan, 1);
    MrError err = MR_ERROR_INIT;
    MrChangeSet changes;
    MrPipeline *pipeline = test_open(&plan.dag, 2, true);
    MrPipelineInput input = { .block = log_block(&log, 0, ROWS, &test_arena),
                              .watermark_after_us = MR_TIME_MIN };
    int64_t *keys = input.block->columns[LOG_KEY].data;
    ((MrVector *)&input.block->columns[LOG_KEY])->validity = NULL;
    for (uint32_t time = 0; time < TIMES; time++) {
        for (uint32_t r = 0; r < ROWS; r++) {
            keys[r] = (int64_t)time * ROWS + r;
        }
        ck_assert_int_eq(mr_pipeline_run(pipeline, &input, 1, &err), MR_OK);
    }
    ck_assert_uint_gt(group_facts(pipeline).groups, 0); /* the lanes have taken some over */
    ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
    ck_assert_uint_eq(group_facts(pipeline).groups, ROWS * TIMES);
    ck_assert_uint_eq(group_facts(pipeline).rows_in, ROWS * TIMES);
    mr_pipeline_destroy(pipeline);
}
END_TEST

/* Windows that fit into the memory one after the other do not stay apart all at once. */
START_TEST(test_memory_of_windows_apart)
{
    enum { WINDOWS = 64, PER_WINDOW = 1000, ROWS = WINDOWS * PER_WINDOW, LIMIT = 1 << 20 };
    mr_arena_reset(&test_arena);
    TestLog log = some_log(ROWS, 5);
    for (uint32_t r = 0; r < ROWS; r++) {
        log.rows[r].at_us = log.rows[r].cells[LOG_AT].integer = 10 * SECOND * (r / PER_WINDOW);
        log.rows[r].cells[LOG_KEY].integer = r;
        log.rows[r].watermark_us = MR_TIME_MIN;
    }
    MrPipelineInput inputs[WINDOWS] = { 0 };
    for (uint32_t w = 0; w < WINDOWS; w++) {
        inputs[w].block = log_block(&log, w * PER_WINDOW, (w + 1) * PER_WINDOW, &test_arena);
        inputs[w].watermark_after_us = 10 * SECOND * (w + 1);
    }
    TestPlan plan;
    MrAggregateSpec spec = tumble(by_key);
    const TestCall calls[] = { { "count", -1, -1, false } };
    spec.emit = MR_EMIT_MODE_CLOSE;
    plan_scan(&plan);
    plan_group(&plan, spec, calls, 1);
    plan_deliver(&plan, 0);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        MrError err = MR_ERROR_INIT;
        MrPipeline *pipeline;
        const MrPipelineOptions options = { .dag = &plan.dag,
                                            .is_standing = true,
                                            .memory_bytes_max = LIMIT,
                                            .parallel = &test_lenders[1][lanes - 1] };
        ck_assert_int_eq(mr_pipeline_create(&options, &pipeline, &err), MR_OK);
        ck_assert_int_eq(mr_pipeline_run(pipeline, inputs, WINDOWS, &err), MR_OK);
        ck_assert_uint_eq(group_facts(pipeline).rows_out, ROWS);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* ---- ad hoc
 * ----------------------------------------------------------------------------------- */

typedef struct Collected {
    int64_t keys[64];
    uint32_t count;
} Collected;

/* The rows outlive the pipeline. */
static Collected collect_keys(MrPipeline *pipeline)
{
    MrError err = MR_ERROR_INIT;
    Collected collected = { .count = 0 };
    MrCollected rows;
    ck_assert_int_eq(mr_pipeline_collect(pipeline, &rows, &err), MR_OK);
    mr_pipeline_destroy(pipeline);
    for (uint32_t b = 0; b < rows.count; b++) {
        const MrBlock *block = rows.blocks[b];
        ck_assert_uint_eq(block->column_count, 1);
        for (uint32_t r = 0; r < block->row_count; r++) {
            collected.keys[collected.count++] =
                *(const int64_t *)mr_vector_cell(&block->columns[0], r);
        }
    }
    ck_assert_uint_eq(collected.count, rows.row_count);
    mr_arena_fini(&rows.arena);
    return collected;
}

START_TEST(test_sort_and_collect)
{
    mr_arena_reset(&test_arena);
    TestLog log = some_log(30000, 50);
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        TestPlan plan;
        MrError err = MR_ERROR_INIT;
        static const MrSortKey order[] = { { .column = 0, .descending = true } };
        static const MrSortSpec sort = { .keys = order, .key_count = 1, .limit = 10, .offset = 5 };
        static const MrCollectSpec collect = { .visible_columns = 1 };
        const MrAggregateSpec spec = { .time_column = -1, .keys = by_key, .key_count = 1 };
        plan_scan(&plan);
        plan_group(&plan, spec, heavy_calls, 2);
        plan_add(&plan, MR_OPERATOR_SORT, &sort, plan_schema(&plan));
        plan_add(&plan, MR_OPERATOR_COLLECT, &collect, plan_schema(&plan));
        MrPipeline *pipeline;
        const MrPipelineOptions options = { .dag = &plan.dag,
                                            .parallel = &test_lenders[1][lanes - 1] };
        ck_assert_int_eq(mr_pipeline_create(&options, &pipeline, &err), MR_OK);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, 30000, &err), MR_OK);
        ck_assert(!mr_pipeline_is_full(pipeline));
        const Collected collected = collect_keys(pipeline);
        ck_assert_uint_eq(collected.count, 10);
        for (int64_t i = 0; i < 10; i++) {
            ck_assert_int_eq(collected.keys[i], 46 - 5 - i);
        }
    }
}
END_TEST

/* Windows that overlap give many rows for one: a cancel ends that, too. */
START_TEST(test_cancel_while_windows_are_made)
{
    enum { ROWS = 20000 };
    mr_arena_reset(&test_arena);
    const TestLog log = some_log(ROWS, 50);
    static const MrCollectSpec collect = { .visible_columns = 1 };
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        TestPlan plan;
        MrError err = MR_ERROR_INIT;
        MrCollected rows;
        _Atomic bool cancel = false;
        MrPipeline *pipeline;
        MrAggregateSpec spec = hop(by_key);
        spec.window.slide_us = 5 * SECOND;
        plan_scan(&plan);
        plan_group(&plan, spec, heavy_calls, 1);
        plan_add(&plan, MR_OPERATOR_COLLECT, &collect, plan_schema(&plan));
        const MrPipelineOptions options = { .dag = &plan.dag,
                                            .cancel = &cancel,
                                            .parallel = &test_lenders[1][lanes - 1] };
        ck_assert_int_eq(mr_pipeline_create(&options, &pipeline, &err), MR_OK);
        ck_assert_int_eq(run_rows(pipeline, &log, 0, ROWS, &err), MR_OK);
        atomic_store(&cancel, true);
        ck_assert_int_eq(mr_pipeline_collect(pipeline, &rows, &err), MR_ERR_CANCELED);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

START_TEST(test_limit_is_full)
{
    mr_arena_reset(&test_arena);
    TestLog log = some_log(100, 50);
    TestPlan plan;
    MrError err = MR_ERROR_INIT;
    static const MrSortSpec sort = { .limit = 3, .offset = 40 };
    static const MrCollectSpec collect = { .visible_columns = 1 };
    plan_scan(&plan);
    plan_add(&plan, MR_OPERATOR_SORT, &sort, plan_schema(&plan));
    plan_add(&plan, MR_OPERATOR_COLLECT, &collect, plan_schema(&plan));
    MrPipeline *pipeline;
    const MrPipelineOptions options = { .dag = &plan.dag };
    ck_assert_int_eq(mr_pipeline_create(&options, &pipeline, &err), MR_OK);
    ck_assert_int_eq(run_rows(pipeline, &log, 0, 42, &err), MR_OK);
    ck_assert(!mr_pipeline_is_full(pipeline));
    ck_assert_int_eq(run_rows(pipeline, &log, 42, 60, &err), MR_OK);
    ck_assert(mr_pipeline_is_full(pipeline));
    const Collected collected = collect_keys(pipeline);
    ck_assert_uint_eq(collected.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_int_eq(collected.keys[i], log.rows[40 + i].at_us);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline_state");
    TCase *tests = tcase_create("pipeline_state");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, test_memory_returns);
    tcase_add_test(tests, test_memory_limit);
    tcase_add_test(tests, test_damaged_snapshots);
    tcase_add_test(tests, test_late_ring);
    tcase_add_test(tests, test_next_close);
    tcase_add_test(tests, test_failed_rows);
    tcase_add_test(tests, test_many_groups);
    tcase_add_test(tests, test_windows_end_apart);
    tcase_add_test(tests, test_too_many_groups_apart);
    tcase_add_test(tests, test_memory_of_windows_apart);
    tcase_add_test(tests, test_sort_and_collect);
    tcase_add_test(tests, test_cancel_while_windows_are_made);
    tcase_add_test(tests, test_limit_is_full);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
