/* tests/unit/test_explain.c - EXPLAIN's formats, and expressions as SQL. */
#include <check.h>
#include <stdlib.h>

#include "planner_fixture.h"

static PlannerFixture fixture;
static MrBuilder text;

static void setup(void)
{
    fixture_open(&fixture);
    mr_builder_init(&text, 0);
    ck_assert_int_eq(
        fixture_define(
            &fixture,
            "CREATE STREAM s (at timestamptz, \"Key\" text, n bigint, WATERMARK FOR at AS "
            "at)"),
        MR_OK);
}

static void teardown(void)
{
    mr_builder_fini(&text);
    fixture_close(&fixture);
}

static const char *explain(const char *sql, MrExplainFormat format)
{
    MrPlan *plan;
    ck_assert_msg(fixture_plan(&fixture, sql, &plan) == MR_OK, "%s", fixture.err.message);
    mr_builder_clear(&text);
    ck_assert_int_eq(mr_planner_explain(plan, format, false, &text, &fixture.err), MR_OK);
    return mr_builder_text(&text);
}

static const char standing[] =
    "CREATE MATERIALIZED VIEW v AS SELECT \"Key\", count(*) FROM s WHERE \"Key\" <> 'a\"\\b' "
    "GROUP BY \"Key\"";

START_TEST(test_text_names_the_operators_from_the_top)
{
    ck_assert_str_eq(explain(standing, MR_EXPLAIN_TEXT),
                     "Deliver\n"
                     "  Key: \"Key\"\n"
                     "  Rows: kept up to date by key\n"
                     "  Emit: on update\n"
                     "  ->  Aggregate\n"
                     "        Group key: \"Key\"\n"
                     "        Aggregates: count(*)\n"
                     "        State: every group for ever: nothing bounds it\n"
                     "        ->  Filter\n"
                     "              Condition: (\"Key\" <> E'a\"\\\\b')\n"
                     "              ->  Scan on stream s\n"
                     "                    Columns: \"Key\"\n");
}
END_TEST

START_TEST(test_json_is_json)
{
    const char *json = explain(standing, MR_EXPLAIN_JSON);
    MrDatum value;
    ck_assert_msg(mr_datum_parse(&fixture.arena, mr_type(MR_TYPE_JSONB), mr_string(json), NULL,
                                 &value, &fixture.err) == MR_OK,
                  "%s\n%s", fixture.err.message, json);
    ck_assert_ptr_nonnull(strstr(json, "\"Node Type\": \"Deliver\""));
    ck_assert_ptr_nonnull(strstr(json, "\"Relation\": \"stream s\""));
}
END_TEST

START_TEST(test_dot_has_a_node_for_every_operator)
{
    const char *dot = explain(standing, MR_EXPLAIN_DOT);
    ck_assert_ptr_nonnull(strstr(dot, "digraph plan {"));
    ck_assert_ptr_nonnull(strstr(dot, "n3 [label=\"Scan on stream s"));
    ck_assert_ptr_nonnull(strstr(dot, "n3 -> n2;"));
    ck_assert_ptr_null(strstr(dot, "n4 "));
}
END_TEST

static const char *const expressions[][2] = {
    { "n + 1 > 2 AND NOT \"Key\" LIKE 'a%'", "(((n + 1) > 2) AND (NOT (\"Key\" ~~ 'a%')))" },
    { "n IS NULL OR n IN (1, 2)", "((n IS NULL) OR (n IN ('1'::bigint, '2'::bigint)))" },
    { "n NOT IN (1)", "(n NOT IN ('1'::bigint))" },
    { "CASE WHEN n > 1 THEN 'x' END", "CASE WHEN (n > 1) THEN 'x' ELSE NULL::text END" },
    { "n::numeric(5,1)", "n::numeric(5,1)" },
    { "- n", "(- n)" },
    { "(n IS DISTINCT FROM 1) IS NOT TRUE", "((n IS DISTINCT FROM '1'::bigint) IS NOT TRUE)" },
    { "at > TIMESTAMPTZ '2026-01-01'",
      "(at > '2026-01-01 00:00:00+00'::timestamp with time zone)" },
    { "COALESCE(\"Key\", 'it''s')", "COALESCE(\"Key\", 'it''s')" },
    { "_seq", "_seq" },
    { "now()", "now()" },
    { "1 + 1", "2" },
};

START_TEST(test_expressions_are_printed_as_sql)
{
    MrPlan *plan;
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT %s FROM s", expressions[_i][0]);
    ck_assert_msg(fixture_plan(&fixture, sql, &plan) == MR_OK, "%s: %s", sql, fixture.err.message);
    const MrProjectSpec *project = plan->dag->nodes[1].spec;
    mr_expr_print(project->expressions[0], &plan->dag->nodes[0].schema, &text);
    ck_assert_str_eq(mr_builder_text(&text), expressions[_i][1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tcase = tcase_create("explain");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_text_names_the_operators_from_the_top);
    tcase_add_test(tcase, test_json_is_json);
    tcase_add_test(tcase, test_dot_has_a_node_for_every_operator);
    tcase_add_loop_test(tcase, test_expressions_are_printed_as_sql, 0,
                        sizeof expressions / sizeof expressions[0]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
