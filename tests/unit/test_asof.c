/*
 * tests/unit/test_asof.c - random rows of both sides, out of order, through an as-of join, against
 * what a look at all rows says after every flush.
 */
#include "tests/unit/pipeline_fixture.h"

enum { KEYS = 3, ROWS_MAX = 2000, STEPS = 60, DELAY = 40, REACH = 30 };

static const MrColumn side_columns[4] = { { .name = "k", .type = { MR_TYPE_INT64, -1 } },
                                          { .name = "id", .type = { MR_TYPE_INT64, -1 } },
                                          { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
                                          { .name = "t", .type = { MR_TYPE_TEXT, -1 } } };
static const MrSchema side_schema = { 4, side_columns };

typedef struct AsofCase {
    const char *what;
    bool keeps_unmatched, is_strict, is_versioned, is_timed, is_final, retracts, is_later;
    /* One id of the two rows is odd, one even; the right row is at most REACH older (is_later: that
     * much later). */
    bool has_condition, has_reach;
    int64_t shift;
} AsofCase;

static const AsofCase cases[] = {
    { .what = "inner", .is_timed = true },
    { .what = "left", .keeps_unmatched = true, .is_timed = true },
    { .what = "left, strictly before",
      .keeps_unmatched = true,
      .is_strict = true,
      .is_timed = true },
    { .what = "versions", .keeps_unmatched = true, .is_versioned = true, .is_timed = true },
    { .what = "without a watermark", .keeps_unmatched = true },
    { .what = "rows that go", .keeps_unmatched = true, .retracts = true },
    { .what = "inner over rows that go", .is_strict = true, .retracts = true },
    { .what = "final", .keeps_unmatched = true, .is_timed = true, .is_final = true },
    { .what = "final, strictly before", .is_strict = true, .is_timed = true, .is_final = true },
    { .what = "final versions",
      .keeps_unmatched = true,
      .is_versioned = true,
      .is_timed = true,
      .is_final = true },
    { .what = "later", .keeps_unmatched = true, .is_timed = true, .is_later = true },
    { .what = "strictly later", .is_strict = true, .is_timed = true, .is_later = true },
    { .what = "later rows that go", .keeps_unmatched = true, .retracts = true, .is_later = true },
    { .what = "with a condition",
      .keeps_unmatched = true,
      .is_timed = true,
      .has_condition = true },
    { .what = "inner, strictly before, with a condition",
      .is_strict = true,
      .is_timed = true,
      .has_condition = true },
    { .what = "final, with a condition",
      .keeps_unmatched = true,
      .is_timed = true,
      .is_final = true,
      .has_condition = true },
    { .what = "with a tolerance",
      .keeps_unmatched = true,
      .is_timed = true,
      .has_condition = true,
      .has_reach = true },
    { .what = "final, strictly before, with a tolerance",
      .is_strict = true,
      .is_timed = true,
      .is_final = true,
      .has_condition = true,
      .has_reach = true },
    { .what = "later, with a condition",
      .keeps_unmatched = true,
      .is_timed = true,
      .is_later = true,
      .has_condition = true },
    { .what = "strictly later, with a tolerance",
      .keeps_unmatched = true,
      .is_strict = true,
      .is_timed = true,
      .is_later = true,
      .has_condition = true,
      .has_reach = true },
    { .what = "final, later, with a condition",
      .keeps_unmatched = true,
      .is_timed = true,
      .is_final = true,
      .is_later = true,
      .has_condition = true },
    { .what = "final, later, with a tolerance",
      .is_timed = true,
      .is_final = true,
      .is_later = true,
      .has_condition = true,
      .has_reach = true },
    { .what = "right rows count as earlier",
      .keeps_unmatched = true,
      .is_timed = true,
      .shift = -15 },
    { .what = "final, right rows count as earlier, with a tolerance",
      .keeps_unmatched = true,
      .is_timed = true,
      .is_final = true,
      .has_condition = true,
      .has_reach = true,
      .shift = -15 },
    { .what = "final, later, right rows count as earlier",
      .keeps_unmatched = true,
      .is_timed = true,
      .is_final = true,
      .is_later = true,
      .shift = -15 },
    { .what = "final, later, right rows count as later, with a tolerance",
      .keeps_unmatched = true,
      .is_timed = true,
      .is_final = true,
      .is_later = true,
      .has_condition = true,
      .has_reach = true,
      .shift = 15 },
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* ---- The plan ---------------------------------------------------------------------------- */

typedef struct AsofPlan {
    MrDag dag;
    MrDagNode nodes[4];
    MrScanSpec scans[2];
    MrAsofSpec asof;
    MrDeliverSpec deliver;
    MrColumn columns[8];
} AsofPlan;

static MrExpr *both(MrExpr *a, MrExpr *b)
{
    MrExpr *expr = test_node(MR_EXPR_AND, MR_TYPE_BOOL, 2);
    expr->args[0] = a;
    expr->args[1] = b;
    return expr;
}

/* right.at + shift */
static MrExpr *right_time(const AsofCase *c)
{
    char shift[64];
    snprintf(shift, sizeof shift, "interval:%d microseconds", (int)c->shift);
    return test_call_2("+", test_column(6, MR_TYPE_TIMESTAMP), test_constant(shift));
}

/* right.id % 2 <> left.id % 2, and then right.at + shift >= left.at - REACH (<= left.at + REACH). */
static MrExpr *condition_of(const AsofCase *c)
{
    MrExpr *two = test_constant("bigint:2");
    MrExpr *odd = test_call_2("<>", test_call_2("%", test_column(5, MR_TYPE_INT64), two),
                              test_call_2("%", test_column(1, MR_TYPE_INT64), two));
    if (!c->has_reach) {
        return odd;
    }
    MrExpr *reach = test_constant("interval:30 microseconds");
    MrExpr *end = test_call_2(c->is_later ? "+" : "-", test_column(2, MR_TYPE_TIMESTAMP), reach);
    return both(odd, test_call_2(c->is_later ? "<=" : ">=", right_time(c), end));
}

static void make_plan(AsofPlan *plan, const AsofCase *c)
{
    static const uint32_t all[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, key[1] = { 0 };
    memset(plan, 0, sizeof *plan);
    for (uint32_t i = 0; i < 8; i++) {
        plan->columns[i] = side_columns[i % 4];
    }
    for (uint32_t s = 0; s < 2; s++) {
        plan->scans[s] = (MrScanSpec){ .kind = MR_SCAN_STREAM,
                                       .source = s,
                                       .has_watermark = c->is_timed,
                                       .relation = "side",
                                       .column_count = 4,
                                       .columns = all };
        plan->nodes[s] = (MrDagNode){ .kind = MR_OPERATOR_SCAN,
                                      .spec = &plan->scans[s],
                                      .input = -1,
                                      .right = -1,
                                      .schema = side_schema };
    }
    plan->asof = (MrAsofSpec){ .keeps_unmatched = c->keeps_unmatched,
                               .left_keys = key,
                               .right_keys = key,
                               .key_count = 1,
                               .left_time = 2,
                               .right_time = 2,
                               .left_event = 2,
                               .right_event = 2,
                               .behind_us = c->shift < 0 ? -c->shift : 0,
                               .is_later = c->is_later,
                               .is_strict = c->is_strict,
                               .shift_us = c->shift,
                               .is_versioned = c->is_versioned,
                               .columns = all,
                               .column_count = 8,
                               .left_retracts = c->retracts,
                               .right_retracts = c->retracts,
                               .right_is_derived = c->retracts,
                               .is_timed = c->is_timed,
                               .right_can_be_late = c->is_timed,
                               .is_final = c->is_final,
                               .condition = c->has_condition ? condition_of(c) : NULL,
                               .has_reach = c->has_reach,
                               .reach_us = REACH };
    const MrSchema out = { 8, plan->columns };
    plan->nodes[2] = (MrDagNode){
        .kind = MR_OPERATOR_ASOF, .spec = &plan->asof, .input = 0, .right = 1, .schema = out
    };
    plan->nodes[3] = (MrDagNode){
        .kind = MR_OPERATOR_DELIVER, .spec = &plan->deliver, .input = 2, .right = -1, .schema = out
    };
    plan->dag = (MrDag){ .nodes = plan->nodes, .node_count = 4 };
}

/* ---- The model --------------------------------------------------------------------------- */

typedef struct Row {
    int64_t k, at; /* k -1: NULL */
    bool is_there;
} Row;

typedef struct Model {
    Row sides[2][ROWS_MAX];
    uint32_t counts[2];
    int64_t watermarks[2];
    /* What the changes so far add up to, per left row: how often it shows, and the sum of the right
     * row's number + 2 (1 where it shows alone). */
    int64_t shown[ROWS_MAX], matched[ROWS_MAX];
} Model;

/* Number of the right row + 2; 1: none. */
static int64_t match_of(const AsofCase *c, const Model *model, uint32_t left_id)
{
    const Row *left = &model->sides[0][left_id];
    int64_t found = -1;
    for (uint32_t i = 0; i < model->counts[1] && left->k >= 0; i++) {
        const Row *right = &model->sides[1][i];
        const int64_t best_at = found < 0 ? INT64_MIN : model->sides[1][found].at;
        const int64_t after = right->at + c->shift - left->at, past = c->is_later ? after : -after;
        const bool holds = !c->has_condition || i % 2 != left_id % 2;
        const bool fits = right->is_there && right->k == left->k && holds &&
                          (c->is_strict ? past > 0 : past >= 0) && (!c->has_reach || past <= REACH);
        const bool is_nearer = c->is_later ? right->at < best_at : right->at > best_at;
        if (fits && (found < 0 || is_nearer || (c->is_versioned && right->at == best_at))) {
            found = i;
        }
    }
    return found + 2;
}

/* W has passed the row, and the later one that it meets or may meet. */
static bool is_final(const AsofCase *c, const Model *model, const Row *left, int64_t match,
                     int64_t w)
{
    const int64_t behind = c->shift < 0 ? -c->shift : 0;
    const int64_t open = c->has_reach ? left->at + REACH : INT64_MAX / 2;
    const int64_t meets = match > 1 ? model->sides[1][match - 2].at + c->shift : open;
    return left->k < 0 || (c->is_later ? meets : left->at) + behind < w;
}

static void check_shown(const AsofCase *c, const Model *model, uint64_t seed, uint32_t step)
{
    const int64_t w =
        model->watermarks[0] < model->watermarks[1] ? model->watermarks[0] : model->watermarks[1];
    for (uint32_t i = 0; i < model->counts[0]; i++) {
        const Row *left = &model->sides[0][i];
        const int64_t match = match_of(c, model, i);
        const bool shows = left->is_there && (match > 1 || c->keeps_unmatched) &&
                           (!c->is_final || is_final(c, model, left, match, w));
        ck_assert_msg(model->shown[i] == shows && model->matched[i] == (shows ? match : 0),
                      "%s, seed %llu, step %u: row %u shows %lld times with %lld, not %d with %lld",
                      c->what, (unsigned long long)seed, step, i, (long long)model->shown[i],
                      (long long)model->matched[i] - 2, shows, (long long)match - 2);
    }
}

/* ---- Running ----------------------------------------------------------------------------- */

static const char *text_of(int64_t id)
{
    return id % 3 == 0 ? "a text of more than twelve bytes" : id % 3 == 1 ? "" : "short";
}

static MrBlock *block_of(MrArena *arena, const Model *model, uint32_t side, const uint32_t *ids,
                         const int32_t *weights, uint32_t count)
{
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_block_create(arena, &side_schema, count, &block, &err), MR_OK);
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[0], arena, &err), MR_OK);
    for (uint32_t i = 0; i < count; i++) {
        const Row *row = &model->sides[side][ids[i]];
        ((int64_t *)block->columns[0].data)[i] = row->k;
        if (row->k < 0) {
            mr_bitmap_clear(block->columns[0].validity, i);
        }
        ((int64_t *)block->columns[1].data)[i] = ids[i];
        ((int64_t *)block->columns[2].data)[i] = row->at;
        const char *text = text_of(ids[i]);
        ((MrText *)block->columns[3].data)[i] = mr_text_make(text, (uint32_t)strlen(text));
    }
    block->weights = weights;
    return block;
}

/* Rows come, some of them out of order, none before W; or, now and then, ones that are there go. */
static void push_random(MrPipeline *pipeline, const AsofCase *c, Model *model, MrRandom *random)
{
    enum { MOST = 12 };
    uint32_t ids[MOST], count = 1 + (uint32_t)mr_random_below(random, MOST);
    int32_t weights[MOST];
    const uint32_t side = (uint32_t)mr_random_below(random, 2);
    int64_t *w = &model->watermarks[side], greatest = *w;
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    mr_arena_init(&arena, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = model->counts[side];
        const uint32_t old = id == 0 ? 0 : (uint32_t)mr_random_below(random, id);
        const bool goes = c->retracts && id > 0 && mr_random_below(random, 3) == 0 &&
                          model->sides[side][old].is_there;
        if (goes) {
            model->sides[side][old].is_there = false;
            id = old;
        } else {
            model->sides[side][id] = (Row){ .k = (int64_t)mr_random_below(random, KEYS + 1) - 1,
                                            .at = *w + (int64_t)mr_random_below(random, DELAY * 2),
                                            .is_there = true };
            model->counts[side]++;
            greatest = model->sides[side][id].at > greatest ? model->sides[side][id].at : greatest;
        }
        ids[i] = id;
        weights[i] = goes ? -1 : 1;
    }
    const MrPipelineInput input = {
        .block = block_of(&arena, model, side, ids, c->retracts ? weights : NULL, count),
        .watermark_after_us = c->is_timed ? greatest - DELAY : MR_TIME_MIN,
        .source = side
    };
    ck_assert_msg(mr_pipeline_run(pipeline, &input, 1, &err) == MR_OK, "%s", err.message);
    *w = greatest - DELAY > *w ? greatest - DELAY : *w;
    mr_arena_fini(&arena);
}

static void add_changes(MrPipeline *pipeline, Model *model)
{
    MrChangeSet changes;
    MrError err = MR_ERROR_INIT;
    ck_assert_msg(mr_pipeline_flush(pipeline, &changes, &err) == MR_OK, "%s", err.message);
    for (uint32_t b = 0; b < changes.upsert_blocks; b++) {
        const MrBlock *block = changes.upserts[b];
        for (uint32_t row = 0; row < block->row_count; row++) {
            MrDatum left, right, text;
            const int32_t weight = block->weights == NULL ? 1 : block->weights[row];
            mr_vector_get(&block->columns[1], row, &left);
            mr_vector_get(&block->columns[5], row, &right);
            mr_vector_get(&block->columns[7], row, &text);
            ck_assert_int_eq(text.is_null, right.is_null);
            if (!right.is_null) {
                ck_assert(
                    mr_string_equal(mr_text_string(&text.text), mr_string(text_of(right.integer))));
            }
            model->shown[left.integer] += weight;
            model->matched[left.integer] += weight * (right.is_null ? 1 : right.integer + 2);
        }
    }
}

START_TEST(test_asof_is_exact)
{
    const AsofCase *c = &cases[_i];
    AsofPlan plan;
    MrRandom random;
    make_plan(&plan, c);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Model *model = calloc(1, sizeof *model);
        ck_assert_ptr_nonnull(model);
        mr_random_init(&random, seed);
        MrPipeline *pipeline = test_open(&plan.dag, 1, false);
        for (uint32_t step = 0; step < STEPS; step++) {
            push_random(pipeline, c, model, &random);
            if (mr_random_below(&random, 2) == 0) {
                add_changes(pipeline, model);
                check_shown(c, model, seed, step);
                if (mr_random_below(&random, 3) == 0) {
                    pipeline = test_reopen(pipeline, &plan.dag, 1, false);
                }
            }
        }
        mr_pipeline_destroy(pipeline);
        free(model);
    }
}
END_TEST

/* A checkpoint that ends too early is an error, wherever, and leaves nothing behind. */
START_TEST(test_cut_state_is_refused)
{
    AsofPlan plan;
    MrRandom random;
    MrBuilder state;
    MrError err = MR_ERROR_INIT;
    Model *model = calloc(1, sizeof *model);
    ck_assert_ptr_nonnull(model);
    make_plan(&plan, &cases[_i]);
    mr_random_init(&random, 1);
    MrPipeline *pipeline = test_open(&plan.dag, 1, false);
    for (uint32_t step = 0; step < 8; step++) {
        push_random(pipeline, &cases[_i], model, &random);
        add_changes(pipeline, model);
    }
    mr_builder_init(&state, 0);
    ck_assert_int_eq(mr_pipeline_snapshot(pipeline, &state, &err), MR_OK);
    mr_pipeline_destroy(pipeline);
    for (size_t cut = 0; cut <= state.length; cut++) {
        pipeline = test_open(&plan.dag, 1, false);
        const MrStatus status =
            mr_pipeline_restore(pipeline, (MrString){ state.data, (uint32_t)cut }, &err);
        ck_assert_int_eq(status, cut == state.length ? MR_OK : MR_ERR_CORRUPT);
        mr_error_clear(&err);
        mr_pipeline_destroy(pipeline);
    }
    mr_builder_fini(&state);
    free(model);
}
END_TEST

/* A long stream of many keys that come and go: what is final is let go. */
START_TEST(test_state_stays_flat)
{
    enum { RECORDS = 400, RECORD_ROWS = 300 };
    AsofPlan plan;
    MrError err = MR_ERROR_INIT;
    Model *model = calloc(1, sizeof *model);
    ck_assert_ptr_nonnull(model);
    make_plan(&plan, &cases[_i]);
    MrPipeline *pipeline = test_open(&plan.dag, 1, false);
    int64_t early = 0;
    for (uint32_t r = 0; r < RECORDS; r++) {
        for (uint32_t s = 0; s < 2; s++) {
            MrArena arena;
            MrChangeSet changes;
            uint32_t ids[RECORD_ROWS];
            mr_arena_init(&arena, 0);
            for (uint32_t i = 0; i < RECORD_ROWS; i++) {
                ids[i] = i;
                model->sides[s][i] = (Row){ .k = i % 50, .at = (int64_t)r * RECORD_ROWS + i };
            }
            const MrPipelineInput input = { .block =
                                                block_of(&arena, model, s, ids, NULL, RECORD_ROWS),
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
    free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("asof");
    TCase *tests = tcase_create("asof");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, test_asof_is_exact, 0, CASES);
    tcase_add_loop_test(tests, test_cut_state_is_refused, 0, CASES);
    tcase_add_loop_test(tests, test_state_stays_flat, 1, 2);
    tcase_add_loop_test(tests, test_state_stays_flat, 7, 8);
    tcase_add_loop_test(tests, test_state_stays_flat, 10, 11);
    tcase_add_loop_test(tests, test_state_stays_flat, 16, 18);
    tcase_add_loop_test(tests, test_state_stays_flat, 19, 20); /* 18, 20: no condition ever holds */
    tcase_add_loop_test(tests, test_state_stays_flat, 21, CASES);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
