/* tests/unit/test_flink.c - the job of a query for Flink, as the server gets it; its documentation. */
#include <check.h>
#include <stdlib.h>

#include "planner/flink_internal.h"
#include "planner_fixture.h"

static PlannerFixture fixture;

static void setup(void)
{
    fixture_open(&fixture);
    ck_assert_int_eq(fixture_define(&fixture,
                                    "CREATE STREAM result (at timestamptz, key text NOT NULL, n "
                                    "numeric, d interval, at_ms int, WATERMARK FOR at AS at - "
                                    "INTERVAL '0.0005' SECOND)"),
                     MR_OK);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

static const MrPlan *plan_of(const char *query)
{
    MrPlan *plan;
    char sql[1000];
    snprintf(sql, sizeof sql, "CREATE MATERIALIZED VIEW v WITH (engine = 'flink') AS %s", query);
    ck_assert_msg(fixture_plan(&fixture, sql, &plan) == MR_OK, "%s", fixture.err.message);
    return plan;
}

START_TEST(test_source_has_what_flink_has_and_the_places)
{
    const MrFlinkJob *job = plan_of("SELECT key, count(*) FROM result GROUP BY key")->flink;
    ck_assert_uint_eq(job->source_count, 1);
    const MrFlinkSource *source = &job->sources[0];
    ck_assert_str_eq(source->table, "result");
    ck_assert_str_eq(source->ddl,
                     "CREATE TEMPORARY TABLE `result` (`at` TIMESTAMP(6), `key` STRING, `at_ms` "
                     "INT, `_seq` BIGINT, `_arrival` TIMESTAMP(6), `at_ms_ms` AS CAST(`at` AS "
                     "TIMESTAMP(3)), WATERMARK FOR `at_ms_ms` AS `at_ms_ms` - INTERVAL '0.002' "
                     "SECOND)");
    const int32_t ordinals[] = { 0, 1, 4, MR_FLINK_SEQUENCE, MR_FLINK_ARRIVAL };
    ck_assert_uint_eq(source->column_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(source->columns[i].ordinal, ordinals[i]);
    }
    ck_assert_str_eq(job->sink, "result_"); /* not the source's name */
    ck_assert_str_eq(job->insert,
                     "INSERT INTO `result_` SELECT `key`, COUNT(*) AS `count` FROM `result` GROUP "
                     "BY `key`");
    ck_assert_uint_eq(job->setting_count, 1);
    ck_assert_str_eq(job->settings[0], "table.local-time-zone");
}
END_TEST

START_TEST(test_one_source_for_two_scans_and_rows_by_their_place)
{
    const MrPlan *plan =
        plan_of("SELECT _seq, key FROM result WHERE EXISTS (SELECT 1 FROM result r "
                "WHERE r.key = result.key AND r.at_ms > 1) GROUP BY 1, 2");
    ck_assert_uint_eq(plan->flink->source_count, 1);
    plan = plan_of("SELECT key, _seq FROM result");
    ck_assert_uint_eq(plan->key_count, 1);
    ck_assert_uint_eq(plan->keys[0], 1);
}
END_TEST

START_TEST(test_local_queries_have_no_job)
{
    MrPlan *plan;
    ck_assert_int_eq(
        fixture_plan(&fixture,
                     "CREATE MATERIALIZED VIEW v WITH (engine = 'local') AS SELECT key "
                     "FROM result",
                     &plan),
        MR_OK);
    ck_assert_ptr_null(plan->flink);
}
END_TEST

START_TEST(test_what_the_zone_decides_is_refused_outside_of_utc)
{
    MrPlan *plan;
    const char sql[] = "CREATE MATERIALIZED VIEW v WITH (engine = 'flink') AS SELECT key, "
                       "min(date_trunc('day', at)) FROM result GROUP BY key";
    ck_assert_int_eq(fixture_plan(&fixture, sql, &plan), MR_OK);
    ck_assert_int_eq(
        mr_timezone_find(mr_string("Europe/Berlin"), &fixture.context.zone, &fixture.err), MR_OK);
    ck_assert_int_eq(fixture_plan(&fixture, sql, &plan), MR_ERR_UNSUPPORTED);
    ck_assert_int_eq(fixture.err.position, (int32_t)(strstr(sql, "date_trunc") - sql));
}
END_TEST

/* GREATEST names its arguments twice: the text would double with each that is nested. */
START_TEST(test_a_statement_has_a_longest_text)
{
    MrPlan *plan;
    char sql[2000] = "CREATE MATERIALIZED VIEW v WITH (engine = 'flink') AS SELECT key, max(";
    for (int i = 0; i < 40; i++) {
        strcat(sql, "greatest(");
    }
    strcat(sql, "at_ms");
    for (int i = 0; i < 40; i++) {
        strcat(sql, ", 1)");
    }
    strcat(sql, ") FROM result GROUP BY key");
    ck_assert_int_eq(fixture_plan(&fixture, sql, &plan), MR_ERR_PROGRAM_LIMIT);
}
END_TEST

START_TEST(test_a_view_of_flink_feeds_nobody)
{
    MrPlan *plan;
    ck_assert_int_eq(fixture_define(&fixture,
                                    "CREATE MATERIALIZED VIEW v WITH (engine = 'flink') AS SELECT "
                                    "key, count(*) FROM result GROUP BY key"),
                     MR_OK);
    ck_assert_int_eq(
        fixture_plan(&fixture, "CREATE MATERIALIZED VIEW w AS SELECT count(*) FROM v", &plan),
        MR_ERR_UNSUPPORTED);
}
END_TEST

/* Every function and aggregate that is translated stands in the tables of docs/flink.md. */
START_TEST(test_documentation_names_every_function)
{
    char path[1000], name[100];
    const char *root = getenv("srcdir");
    snprintf(path, sizeof path, "%s/docs/flink.md", root != NULL ? root : ".");
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    char *text = calloc(1, 1 << 18);
    ck_assert_uint_gt(fread(text, 1, (1 << 18) - 1, file), 0);
    fclose(file);
    for (uint32_t i = 0; mr_flink_function_name(i) != NULL; i++) {
        const char *shown = mr_flink_function_name(i);
        snprintf(name, sizeof name, strcmp(shown, "||") == 0 ? "<code>\\|\\|</code>" : "`%s`",
                 shown);
        ck_assert_msg(strstr(text, name) != NULL, "%s is not in docs/flink.md", name);
    }
    for (uint32_t i = 0; mr_flink_aggregate_name(i) != NULL; i++) {
        snprintf(name, sizeof name, "`%s`", mr_flink_aggregate_name(i));
        ck_assert_msg(strstr(text, name) != NULL, "%s is not in docs/flink.md", name);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flink");
    TCase *tcase = tcase_create("job");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_source_has_what_flink_has_and_the_places);
    tcase_add_test(tcase, test_one_source_for_two_scans_and_rows_by_their_place);
    tcase_add_test(tcase, test_local_queries_have_no_job);
    tcase_add_test(tcase, test_what_the_zone_decides_is_refused_outside_of_utc);
    tcase_add_test(tcase, test_a_statement_has_a_longest_text);
    tcase_add_test(tcase, test_a_view_of_flink_feeds_nobody);
    tcase_add_test(tcase, test_documentation_names_every_function);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
