/* tests/unit/test_lower.c - what the operators of a plan are told: retractions, keys, lateness. */
#include <check.h>
#include <stdlib.h>

#include "planner/rewrite.h"
#include "planner_fixture.h"

static PlannerFixture fixture;
static MrPlan *plan;

static void setup(void)
{
    fixture_open(&fixture);
    ck_assert_int_eq(
        fixture_define(&fixture,
                       "CREATE STREAM s (at timestamptz, k text, n bigint, WATERMARK FOR at AS "
                       "at - INTERVAL '5 s')"),
        MR_OK);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

static void make(const char *sql)
{
    ck_assert_msg(fixture_plan(&fixture, sql, &plan) == MR_OK, "%s: %s", sql, fixture.err.message);
}

/* The n-th aggregate from the scan. */
static const MrAggregateSpec *aggregate(uint32_t n)
{
    for (uint32_t i = 0; i < plan->dag->node_count; i++) {
        if (plan->dag->nodes[i].kind == MR_OPERATOR_AGGREGATE && n-- == 0) {
            return plan->dag->nodes[i].spec;
        }
    }
    ck_abort_msg("no such aggregate");
    return NULL;
}

START_TEST(test_a_keyed_result_needs_no_old_rows)
{
    make("CREATE MATERIALIZED VIEW v AS SELECT k, sum(n) FROM s GROUP BY k");
    ck_assert(!aggregate(0)->needs_old);
    ck_assert(!aggregate(0)->input_retracts);
    ck_assert(!plan->append_only);
    const MrDagNode *root = &plan->dag->nodes[plan->dag->node_count - 1];
    ck_assert_int_eq(root->kind, MR_OPERATOR_DELIVER);
    ck_assert_uint_eq(((const MrDeliverSpec *)root->spec)->key_count, 1);
}
END_TEST

START_TEST(test_having_needs_old_rows)
{
    make("CREATE MATERIALIZED VIEW v AS SELECT k, sum(n) FROM s GROUP BY k HAVING sum(n) > 3");
    ck_assert(aggregate(0)->needs_old);
}
END_TEST

START_TEST(test_having_on_keys_does_not)
{
    make("CREATE MATERIALIZED VIEW v AS SELECT k, sum(n) FROM s GROUP BY k HAVING k <> 'x'");
    ck_assert(!aggregate(0)->needs_old);
}
END_TEST

START_TEST(test_an_aggregate_over_an_aggregate_takes_rows_back)
{
    make(
        "CREATE MATERIALIZED VIEW v AS SELECT c, count(*) FROM (SELECT k, count(*) AS c FROM s GROUP BY k) t GROUP BY c");
    ck_assert(aggregate(0)->needs_old);
    ck_assert(aggregate(1)->input_retracts);
    ck_assert(aggregate(1)->input_is_derived);
    ck_assert(!aggregate(1)->needs_old);
}
END_TEST

START_TEST(test_closed_windows_take_nothing_back)
{
    make(
        "CREATE MATERIALIZED VIEW v AS SELECT window_start, max(c) FROM (SELECT window_start, k, count(*) AS c FROM "
        "TUMBLE(s, at, INTERVAL '1 minute') GROUP BY window_start, k HAVING count(*) > 1) t GROUP BY window_start "
        "EMIT ON WINDOW CLOSE");
    ck_assert(!aggregate(0)->needs_old);
    ck_assert(!aggregate(1)->input_retracts);
    ck_assert(aggregate(1)->input_is_derived);
    ck_assert_int_eq(aggregate(1)->window_kind, MR_GROUP_WINDOW_TUMBLE);
    ck_assert(plan->append_only);
    ck_assert_uint_eq(plan->key_count, 1);
    ck_assert_uint_eq(
        ((const MrDeliverSpec *)plan->dag->nodes[plan->dag->node_count - 1].spec)->key_count, 0);
}
END_TEST

START_TEST(test_an_ad_hoc_plan_takes_nothing_back)
{
    make("SELECT c, count(*) FROM (SELECT k, count(*) AS c FROM s GROUP BY k) t GROUP BY c");
    ck_assert(!aggregate(0)->needs_old);
    ck_assert(!aggregate(1)->input_retracts);
}
END_TEST

START_TEST(test_lateness_of_upper_windows)
{
    make("CREATE MATERIALIZED VIEW v WITH (allowed_lateness = '10 s') AS "
         "SELECT date_trunc('hour', window_start) AS h, sum(c) FROM (SELECT window_start, "
         "count(*) AS c FROM HOP(s, at, INTERVAL '1 minute', INTERVAL '5 minutes') "
         "GROUP BY window_start) t GROUP BY 1");
    ck_assert_int_eq(aggregate(0)->allowed_lateness_us, 10000000);
    /* A window that starts in the hour may end four minutes after it. */
    ck_assert_int_eq(aggregate(1)->allowed_lateness_us, 10000000 + INT64_C(240000000));
    make(
        "CREATE MATERIALIZED VIEW v AS SELECT date_trunc('hour', window_end) AS h, count(*) FROM (SELECT window_end, k, "
        "count(*) FROM TUMBLE(s, at, INTERVAL '7 minutes') GROUP BY window_end, k) t GROUP BY 1");
    ck_assert_int_eq(aggregate(1)->allowed_lateness_us, 0);
    make(
        "CREATE MATERIALIZED VIEW v AS SELECT date_trunc('hour', window_start) AS h, count(*) FROM (SELECT window_start, k, "
        "count(*) FROM TUMBLE(s, at, INTERVAL '7 minutes') GROUP BY window_start, k) t GROUP BY 1");
    ck_assert_int_eq(aggregate(1)->allowed_lateness_us, INT64_C(420000000));
}
END_TEST

typedef struct WindowCase {
    const char *key;
    int64_t size_us, offset_us;
    int32_t months;
} WindowCase;

static const WindowCase window_cases[] = {
    { "date_trunc('second', at)", 1000000, 0, 0 },
    { "date_trunc('MINUTES', at)", 60000000, 0, 0 },
    { "date_trunc('hour', at)", INT64_C(3600000000), 0, 0 },
    { "date_trunc('week', at)", 7 * MR_US_PER_DAY, 4 * MR_US_PER_DAY, 0 },
    { "date_trunc('month', at)", 0, 0, 1 },
    { "date_trunc('quarter', at)", 0, 0, 3 },
    { "date_trunc('year', at)", 0, 0, 12 },
    { "date_bin('15 minutes', at, '2001-01-01 00:05+00')", INT64_C(900000000), INT64_C(300000000),
      0 },
    { "date_bin(INTERVAL '1 minute' * 5, at, 'epoch')", INT64_C(300000000), 0, 0 },
    { "time_bucket('1 day', at)", MR_US_PER_DAY, 0, 0 },
    { "time_bucket('1 day', at, INTERVAL '-6 hours')", MR_US_PER_DAY, 18 * 3600 * MR_US_PER_SECOND,
      0 },
    { "time_bucket('7 days', at, TIMESTAMPTZ '2000-01-03 00:00:00+00')", 7 * MR_US_PER_DAY,
      4 * MR_US_PER_DAY, 0 },
    { "time_bucket('1 month', at, 'Asia/Tokyo')", 0, 0, 1 },
};

START_TEST(test_expressions_that_are_windows)
{
    const WindowCase *c = &window_cases[_i];
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT %s, count(*) FROM s GROUP BY 1", c->key);
    make(sql);
    const MrAggregateSpec *spec = aggregate(0);
    ck_assert_msg(spec->window_kind == MR_GROUP_WINDOW_TUMBLE, "%s", c->key);
    ck_assert_int_eq(spec->window.size_us, c->size_us);
    ck_assert_int_eq(spec->window.offset_us, c->offset_us);
    ck_assert_int_eq(spec->window.size_months, c->months);
    ck_assert(spec->time_is_event);
}
END_TEST

static const char *const plain_keys[] = {
    "date_trunc('hour', at + INTERVAL '1 s')",
    "date_trunc('century', at)",
    "date_trunc(k, at)",
    "date_bin('15 minutes', at, at)",
    "at::date",
    "date_trunc('hour', at AT TIME ZONE 'UTC')",
};

START_TEST(test_expressions_that_are_not)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT %s, count(*) FROM s GROUP BY 1", plain_keys[_i]);
    make(sql);
    ck_assert_msg(aggregate(0)->window_kind == MR_GROUP_WINDOW_NONE, "%s", plain_keys[_i]);
}
END_TEST

START_TEST(test_days_follow_the_session)
{
    const MrTimezone *berlin;
    ck_assert_int_eq(mr_timezone_find(mr_string("Europe/Berlin"), &berlin, NULL), MR_OK);
    fixture.context.zone = berlin;
    make("SELECT date_trunc('day', at), count(*) FROM s GROUP BY 1");
    ck_assert_int_eq(aggregate(0)->window_kind, MR_GROUP_WINDOW_TUMBLE);
    ck_assert_ptr_eq(aggregate(0)->window.zone, berlin);
    make("SELECT date_trunc('day', at, 'UTC'), count(*) FROM s GROUP BY 1");
    ck_assert_ptr_null(aggregate(0)->window.zone);
}
END_TEST

START_TEST(test_the_hash_tells_plans_apart)
{
    make("CREATE MATERIALIZED VIEW v AS SELECT k, sum(n) FROM s GROUP BY k");
    uint64_t first = plan->plan_hash;
    make("CREATE MATERIALIZED VIEW v AS   SELECT k,sum( n ) FROM s GROUP BY 1");
    ck_assert(plan->plan_hash == first);
    make("CREATE MATERIALIZED VIEW v AS SELECT k, sum(n + 1) FROM s GROUP BY k");
    ck_assert(plan->plan_hash != first);
    make("CREATE MATERIALIZED VIEW v AS SELECT k, avg(n) FROM s GROUP BY k");
    ck_assert(plan->plan_hash != first);
}
END_TEST

START_TEST(test_only_needed_columns_are_read)
{
    make("SELECT k FROM (SELECT at, k, n * 2 AS m FROM s) t");
    ck_assert_uint_eq(plan->scans[0].spec->column_count, 1);
    ck_assert_uint_eq(plan->scans[0].spec->columns[0], 1);
    ck_assert_str_eq(mr_rewrite_name(0), "expand_tumble");
}
END_TEST

START_TEST(test_equal_arguments_are_computed_once)
{
    make("SELECT sum(n + 1), max(n + 1), min(n + 1) FROM s");
    const MrProjectSpec *project = plan->dag->nodes[1].spec;
    ck_assert_int_eq(plan->dag->nodes[1].kind, MR_OPERATOR_PROJECT);
    ck_assert_uint_eq(project->expression_count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lower");
    TCase *tcase = tcase_create("lower");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_a_keyed_result_needs_no_old_rows);
    tcase_add_test(tcase, test_having_needs_old_rows);
    tcase_add_test(tcase, test_having_on_keys_does_not);
    tcase_add_test(tcase, test_an_aggregate_over_an_aggregate_takes_rows_back);
    tcase_add_test(tcase, test_closed_windows_take_nothing_back);
    tcase_add_test(tcase, test_an_ad_hoc_plan_takes_nothing_back);
    tcase_add_test(tcase, test_lateness_of_upper_windows);
    tcase_add_loop_test(tcase, test_expressions_that_are_windows, 0,
                        sizeof window_cases / sizeof window_cases[0]);
    tcase_add_loop_test(tcase, test_expressions_that_are_not, 0,
                        sizeof plain_keys / sizeof plain_keys[0]);
    tcase_add_test(tcase, test_days_follow_the_session);
    tcase_add_test(tcase, test_the_hash_tells_plans_apart);
    tcase_add_test(tcase, test_only_needed_columns_are_read);
    tcase_add_test(tcase, test_equal_arguments_are_computed_once);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
