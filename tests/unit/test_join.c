/*
 * tests/unit/test_join.c - random changes of both sides through a join, against the join of what is
 * there, computed anew after every flush.
 */
#include "tests/unit/pipeline_fixture.h"

/* A row is one of ROWS: k is NULL or 0 … KEYS - 1, v is 0 … VALUES - 1, the text follows from v. */
enum { KEYS = 4, VALUES = 4, ROWS = (KEYS + 1) * VALUES, NONE = ROWS, STEPS = 60 };

static const MrColumn side_columns[3] = { { .name = "k", .type = { MR_TYPE_INT64, -1 } },
                                          { .name = "v", .type = { MR_TYPE_INT64, -1 } },
                                          { .name = "t", .type = { MR_TYPE_TEXT, -1 } } };
static const MrSchema side_schema = { 3, side_columns };

typedef struct JoinCase {
    const char *what;
    MrJoinType type;
    bool has_key, has_condition, is_null_aware;
} JoinCase;

static const JoinCase cases[] = {
    { "inner", MR_JOIN_TYPE_INNER, true, false, false },
    { "inner with a condition", MR_JOIN_TYPE_INNER, true, true, false },
    { "cross", MR_JOIN_TYPE_INNER, false, false, false },
    { "inner by a condition", MR_JOIN_TYPE_INNER, false, true, false },
    { "left", MR_JOIN_TYPE_LEFT, true, false, false },
    { "left with a condition", MR_JOIN_TYPE_LEFT, true, true, false },
    { "left by a condition", MR_JOIN_TYPE_LEFT, false, true, false },
    { "right", MR_JOIN_TYPE_RIGHT, true, true, false },
    { "full", MR_JOIN_TYPE_FULL, true, false, false },
    { "full with a condition", MR_JOIN_TYPE_FULL, true, true, false },
    { "semi", MR_JOIN_TYPE_SEMI, true, false, false },
    { "semi with a condition", MR_JOIN_TYPE_SEMI, true, true, false },
    { "anti", MR_JOIN_TYPE_ANTI, true, false, false },
    { "anti by a condition", MR_JOIN_TYPE_ANTI, false, true, false },
    { "not in", MR_JOIN_TYPE_ANTI, true, false, true },
};
enum { CASES = sizeof cases / sizeof cases[0] };

static const char *text_of(uint32_t v)
{
    static const char *const texts[VALUES] = { "", "short", "a text of more than twelve bytes",
                                               "another text of more than twelve" };
    return texts[v];
}

/* ---- The plan ---------------------------------------------------------------------------- */

typedef struct JoinPlan {
    MrDag dag;
    MrDagNode nodes[4];
    MrScanSpec scans[2];
    MrJoinSpec join;
    MrDeliverSpec deliver;
    MrColumn columns[6];
} JoinPlan;

static const MrExpr *condition_of(void)
{
    static const uint32_t sides[2] = { 1, 4 };
    MrExpr *args[2];
    for (uint32_t i = 0; i < 2; i++) {
        args[i] = test_column(sides[i], MR_TYPE_INT64);
    }
    return test_call_2("<", args[0], args[1]);
}

static void make_plan(JoinPlan *plan, const JoinCase *c, bool is_final)
{
    static const uint32_t all[6] = { 0, 1, 2, 3, 4, 5 }, key[1] = { 0 };
    const bool shows_right = c->type != MR_JOIN_TYPE_SEMI && c->type != MR_JOIN_TYPE_ANTI;
    memset(plan, 0, sizeof *plan);
    for (uint32_t i = 0; i < 6; i++) {
        plan->columns[i] = side_columns[i % 3];
    }
    for (uint32_t s = 0; s < 2; s++) {
        plan->scans[s] = (MrScanSpec){ .kind = MR_SCAN_TABLE,
                                       .source = s,
                                       .relation = "side",
                                       .column_count = 3,
                                       .columns = all };
        plan->nodes[s] = (MrDagNode){ .kind = MR_OPERATOR_SCAN,
                                      .spec = &plan->scans[s],
                                      .input = -1,
                                      .right = -1,
                                      .schema = side_schema };
    }
    plan->join = (MrJoinSpec){ .type = c->type,
                               .left_keys = key,
                               .right_keys = key,
                               .key_count = c->has_key,
                               .condition = c->has_condition ? condition_of() : NULL,
                               .is_null_aware = c->is_null_aware,
                               .columns = all,
                               .column_count = shows_right ? 6 : 3,
                               .left_time = { .column = -1 },
                               .right_time = { .column = -1 },
                               .left_retracts = !is_final,
                               .right_retracts = !is_final,
                               .is_final = is_final,
                               .ends_with_batch = is_final };
    const MrSchema out = { plan->join.column_count, plan->columns };
    plan->nodes[2] = (MrDagNode){
        .kind = MR_OPERATOR_JOIN, .spec = &plan->join, .input = 0, .right = 1, .schema = out
    };
    plan->nodes[3] = (MrDagNode){
        .kind = MR_OPERATOR_DELIVER, .spec = &plan->deliver, .input = 2, .right = -1, .schema = out
    };
    plan->dag = (MrDag){ .nodes = plan->nodes, .node_count = 4 };
}

/* ---- The model --------------------------------------------------------------------------- */

typedef struct Model {
    int64_t sides[2][ROWS];
    int64_t shown[ROWS + 1][ROWS + 1]; /* what the changes so far add up to */
} Model;

static bool matches(const JoinCase *c, uint32_t left, uint32_t right)
{
    const uint32_t left_k = left / VALUES, right_k = right / VALUES; /* 0: NULL */
    return (!c->has_key || (left_k != 0 && left_k == right_k)) &&
           (!c->has_condition || left % VALUES < right % VALUES);
}

static int64_t matches_of(const JoinCase *c, const Model *model, uint32_t side, uint32_t row)
{
    int64_t count = 0;
    for (uint32_t other = 0; other < ROWS; other++) {
        const bool match = side == 0 ? matches(c, row, other) : matches(c, other, row);
        count += match ? model->sides[1 - side][other] : 0;
    }
    return count;
}

/* NOT IN: x is in none of the y, and no NULL leaves that unknown. */
static bool is_not_in(const JoinCase *c, const Model *model, uint32_t row)
{
    int64_t all = 0, nulls = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        all += model->sides[1][r];
        nulls += r / VALUES == 0 ? model->sides[1][r] : 0;
    }
    return all == 0 || (nulls == 0 && row / VALUES != 0 && matches_of(c, model, 0, row) == 0);
}

static void naive_join(const JoinCase *c, const Model *model, int64_t out[ROWS + 1][ROWS + 1])
{
    const bool pads_left = c->type == MR_JOIN_TYPE_LEFT || c->type == MR_JOIN_TYPE_FULL;
    const bool pads_right = c->type == MR_JOIN_TYPE_RIGHT || c->type == MR_JOIN_TYPE_FULL;
    const bool is_pairs = c->type != MR_JOIN_TYPE_SEMI && c->type != MR_JOIN_TYPE_ANTI;
    memset(out, 0, sizeof(int64_t) * (ROWS + 1) * (ROWS + 1));
    for (uint32_t row = 0; row < ROWS; row++) {
        const bool lonely = matches_of(c, model, 0, row) == 0;
        for (uint32_t r = 0; r < ROWS && is_pairs; r++) {
            out[row][r] = matches(c, row, r) ? model->sides[0][row] * model->sides[1][r] : 0;
        }
        bool alone = c->type == MR_JOIN_TYPE_SEMI   ? !lonely
                     : c->is_null_aware             ? is_not_in(c, model, row)
                     : c->type == MR_JOIN_TYPE_ANTI ? lonely
                                                    : pads_left && lonely;
        out[row][NONE] = alone ? model->sides[0][row] : 0;
        if (pads_right && matches_of(c, model, 1, row) == 0) {
            out[NONE][row] = model->sides[1][row];
        }
    }
}

/* ---- Running ----------------------------------------------------------------------------- */

static MrBlock *block_of(MrArena *arena, const uint32_t *rows, const int32_t *weights,
                         uint32_t count)
{
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_block_create(arena, &side_schema, count, &block, &err), MR_OK);
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[0], arena, &err), MR_OK);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t k = rows[i] / VALUES, v = rows[i] % VALUES;
        ((int64_t *)block->columns[0].data)[i] = (int64_t)k - 1;
        if (k == 0) {
            mr_bitmap_clear(block->columns[0].validity, i);
        }
        ((int64_t *)block->columns[1].data)[i] = v;
        ((MrText *)block->columns[2].data)[i] =
            mr_text_make(text_of(v), (uint32_t)strlen(text_of(v)));
    }
    block->weights = weights;
    return block;
}

/* Rows come; or, now and then, ones that are there go. */
static void push_random(MrPipeline *pipeline, Model *model, MrRandom *random, bool only_adds)
{
    uint32_t rows[40], count = 1 + (uint32_t)(mr_random_below(random, 40));
    int32_t weights[40];
    const uint32_t side = (uint32_t)(mr_random_below(random, 2));
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    mr_arena_init(&arena, 0);
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = (uint32_t)(mr_random_below(random, ROWS));
        const bool goes =
            !only_adds && mr_random_below(random, 5) < 3 && model->sides[side][rows[i]] > 0;
        weights[i] = goes ? -1 : 1;
        model->sides[side][rows[i]] += weights[i];
    }
    const MrPipelineInput input = { .block =
                                        block_of(&arena, rows, only_adds ? NULL : weights, count),
                                    .watermark_after_us = MR_TIME_MIN,
                                    .source = side };
    ck_assert_msg(mr_pipeline_run(pipeline, &input, 1, &err) == MR_OK, "%s", err.message);
    mr_arena_fini(&arena);
}

/* Which of the rows stands in the three columns from `first`; its text must be its own. */
static uint32_t row_at(const MrBlock *block, uint32_t row, uint32_t first)
{
    MrDatum k, v, t;
    if (first >= block->column_count) {
        return NONE;
    }
    mr_vector_get(&block->columns[first], row, &k);
    mr_vector_get(&block->columns[first + 1], row, &v);
    mr_vector_get(&block->columns[first + 2], row, &t);
    if (v.is_null) {
        ck_assert(k.is_null && t.is_null);
        return NONE;
    }
    ck_assert_uint_eq(t.text.length, strlen(text_of((uint32_t)v.integer)));
    ck_assert_int_eq(memcmp(mr_text_data(&t.text), text_of((uint32_t)v.integer), t.text.length), 0);
    return (k.is_null ? 0 : (uint32_t)k.integer + 1) * VALUES + (uint32_t)v.integer;
}

static void add_changes(MrPipeline *pipeline, Model *model)
{
    MrChangeSet changes;
    MrError err = MR_ERROR_INIT;
    ck_assert_msg(mr_pipeline_flush(pipeline, &changes, &err) == MR_OK, "%s", err.message);
    for (uint32_t b = 0; b < changes.upsert_blocks; b++) {
        const MrBlock *block = changes.upserts[b];
        for (uint32_t row = 0; row < block->row_count; row++) {
            model->shown[row_at(block, row, 0)][row_at(block, row, 3)] +=
                block->weights == NULL ? 1 : block->weights[row];
        }
    }
}

static void check_shown(const JoinCase *c, const Model *model, uint64_t seed, uint32_t step)
{
    int64_t wanted[ROWS + 1][ROWS + 1];
    naive_join(c, model, wanted);
    for (uint32_t left = 0; left <= ROWS; left++) {
        for (uint32_t right = 0; right <= ROWS; right++) {
            ck_assert_msg(model->shown[left][right] == wanted[left][right],
                          "%s, seed %llu, step %u: pair %u %u is there %lld times, not %lld",
                          c->what, (unsigned long long)seed, step, left, right,
                          (long long)model->shown[left][right], (long long)wanted[left][right]);
        }
    }
}

START_TEST(test_join_is_exact_over_changes)
{
    const JoinCase *c = &cases[_i];
    JoinPlan plan;
    MrRandom random;
    make_plan(&plan, c, false);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        Model model = { 0 };
        mr_random_init(&random, seed);
        MrPipeline *pipeline = test_open(&plan.dag, 1, false);
        for (uint32_t step = 0; step < STEPS; step++) {
            push_random(pipeline, &model, &random, false);
            if (mr_random_below(&random, 2) == 0) {
                add_changes(pipeline, &model);
                check_shown(c, &model, seed, step);
                if (mr_random_below(&random, 3) == 0) {
                    pipeline = test_reopen(pipeline, &plan.dag, 1, false);
                }
            }
        }
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* Where nothing is taken back, what shows unmatched waits for the end. */
START_TEST(test_final_join_takes_nothing_back)
{
    const JoinCase *c = &cases[_i];
    JoinPlan plan;
    MrRandom random;
    make_plan(&plan, c, true);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        Model model = { 0 };
        mr_random_init(&random, seed);
        MrPipeline *pipeline = test_open(&plan.dag, 1, false);
        const uint32_t pushes = (uint32_t)(seed % 4);
        for (uint32_t step = 0; step < pushes; step++) {
            push_random(pipeline, &model, &random, true);
        }
        add_changes(pipeline, &model);
        check_shown(c, &model, seed, pushes);
        mr_pipeline_destroy(pipeline);
    }
}
END_TEST

/* All memory is given back when both sides are empty again. */
START_TEST(test_memory_returns)
{
    JoinPlan plan;
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    uint32_t rows[4096];
    int32_t minus[4096];
    make_plan(&plan, &cases[1], false);
    MrPipeline *pipeline = test_open(&plan.dag, 1, false);
    const int64_t before = mr_pipeline_state_bytes(pipeline);
    mr_arena_init(&arena, 0);
    for (uint32_t i = 0; i < 4096; i++) {
        rows[i] = i % ROWS;
        minus[i] = -1;
    }
    int64_t most = 0;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t takes = 0; takes < 2; takes++) {
            MrChangeSet changes;
            const MrPipelineInput input = { .block =
                                                block_of(&arena, rows, takes ? minus : NULL, 4096),
                                            .watermark_after_us = MR_TIME_MIN };
            ck_assert_int_eq(mr_pipeline_run(pipeline, &input, 1, &err), MR_OK);
            ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
            const int64_t used = mr_pipeline_state_bytes(pipeline);
            most = round == 0 && used > most ? used : most;
            ck_assert_int_le(used, most);
        }
    }
    ck_assert_int_gt(most, before);
    ck_assert_int_lt(mr_pipeline_state_bytes(pipeline) - before, most / 2);
    mr_arena_fini(&arena);
    mr_pipeline_destroy(pipeline);
}
END_TEST

/* A long stream through a join bounded in time: what no row can match any more is let go. */
START_TEST(test_bounded_state_stays_flat)
{
    enum { RECORDS = 400, RECORD_ROWS = 500, KEEP = 2000 };
    JoinPlan plan;
    MrError err = MR_ERROR_INIT;
    make_plan(&plan, &cases[_i], false);
    for (uint32_t s = 0; s < 2; s++) {
        plan.scans[s].kind = MR_SCAN_STREAM;
        plan.scans[s].has_watermark = true;
    }
    plan.join.left_retracts = plan.join.right_retracts = false;
    plan.join.left_time = plan.join.right_time = (MrJoinTime){ .column = 1, .keep_us = KEEP };
    MrPipeline *pipeline = test_open(&plan.dag, 1, false);
    int64_t early = 0;
    for (uint32_t r = 0; r < RECORDS; r++) {
        for (uint32_t s = 0; s < 2; s++) {
            MrArena arena;
            MrChangeSet changes;
            mr_arena_init(&arena, 0);
            uint32_t rows[RECORD_ROWS] = { 0 };
            MrBlock *block = block_of(&arena, rows, NULL, RECORD_ROWS);
            for (uint32_t i = 0; i < RECORD_ROWS; i++) {
                const int64_t at = (int64_t)r * RECORD_ROWS + i;
                ((int64_t *)block->columns[0].data)[i] = at * 2 + s; /* no two keys are equal */
                ((int64_t *)block->columns[1].data)[i] = at;
                mr_bitmap_set(block->columns[0].validity, i);
            }
            const MrPipelineInput input = { .block = block,
                                            .watermark_after_us = (int64_t)r * RECORD_ROWS,
                                            .source = s };
            ck_assert_msg(mr_pipeline_run(pipeline, &input, 1, &err) == MR_OK, "%s", err.message);
            ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
            mr_arena_fini(&arena);
        }
        early = r == RECORDS / 10 ? mr_pipeline_state_bytes(pipeline) : early;
    }
    ck_assert_int_gt(early, 0);
    ck_assert_int_le(mr_pipeline_state_bytes(pipeline), early + early / 4);
    mr_pipeline_destroy(pipeline);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join");
    TCase *tests = tcase_create("join");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, test_join_is_exact_over_changes, 0, CASES);
    tcase_add_loop_test(tests, test_final_join_takes_nothing_back, 0, CASES);
    tcase_add_test(tests, test_memory_returns);
    tcase_add_loop_test(tests, test_bounded_state_stays_flat, 0, 1);
    tcase_add_loop_test(tests, test_bounded_state_stays_flat, 4, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
