/* tests/unit/test_binder.c - types and overloads as PostgreSQL chooses them, and parameters. */
#include <check.h>
#include <stdlib.h>

#include "planner_fixture.h"

static PlannerFixture fixture;

static void setup(void)
{
    fixture_open(&fixture);
    ck_assert_int_eq(
        fixture_define(
            &fixture,
            "CREATE STREAM s (at timestamptz, i2 int2, i4 int, i8 bigint, f4 real, f8 "
            "float8, n numeric(10,2), t text, v varchar(5), b bool, d date, ts timestamp, "
            "iv interval, j jsonb, u uuid, WATERMARK FOR at AS at)"),
        MR_OK);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

/* The types are PostgreSQL 15's pg_typeof for the same expressions. */
typedef struct TypeCase {
    const char *expression, *type;
} TypeCase;

static const TypeCase type_cases[] = {
    { "i2 + i4", "integer" },
    { "i2 + i8", "bigint" },
    { "i4 + 1.5", "numeric" },
    { "i4 + f4", "double precision" },
    { "f4 + f8", "double precision" },
    { "f4 + f4", "real" },
    { "n * 2", "numeric" },
    { "i4 / 2", "integer" },
    { "i4 + '1'", "integer" },
    { "d + 1", "date" },
    { "d - d", "integer" },
    { "d + iv", "timestamp without time zone" },
    { "ts - ts", "interval" },
    { "at - iv", "timestamp with time zone" },
    { "at > '2026-01-01'", "boolean" },
    { "t || i4", "text" },
    { "v || 'x'", "text" },
    { "v", "character varying(5)" },
    { "n", "numeric(10,2)" },
    { "COALESCE(v, t)", "character varying" },
    { "COALESCE(i4, f8)", "double precision" },
    { "COALESCE(i2, 2.5)", "numeric" },
    { "CASE WHEN b THEN i4 ELSE i8 END", "bigint" },
    { "GREATEST(i4, n)", "numeric" },
    { "NULLIF(i4, 2.5)", "numeric" },
    { "j -> 'a'", "jsonb" },
    { "j ->> 'a'", "text" },
    { "j -> 0", "jsonb" },
    { "extract(hour FROM at)", "numeric" },
    { "date_trunc('hour', ts)", "timestamp without time zone" },
    { "date_trunc('hour', d)", "timestamp with time zone" },
    { "at AT TIME ZONE 'UTC'", "timestamp without time zone" },
    { "round(f8)", "double precision" },
    { "round(n, 1)", "numeric" },
    { "abs(i2)", "smallint" },
    { "sum(i4)", "bigint" },
    { "sum(i8)", "numeric" },
    { "sum(f4)", "real" },
    { "avg(i4)", "numeric" },
    { "avg(f4)", "double precision" },
    { "count(t)", "bigint" },
    { "max(t)", "text" },
    { "min(d)", "date" },
    { "stddev(i4)", "numeric" },
    { "'x'", "text" },
    { "NULL", "text" },
    { "now()", "timestamp with time zone" },
    { "current_date", "date" },
    { "_seq", "bigint" },
    { "_arrival", "timestamp with time zone" },
    { "length(t)", "integer" },
    { "-i2", "smallint" },
    { "NOT b", "boolean" },
    { "-9223372036854775808", "bigint" },
};

START_TEST(test_types_are_postgresqls)
{
    const TypeCase *c = &type_cases[_i];
    char sql[256], text[64];
    MrPlan *plan;
    snprintf(sql, sizeof sql, "SELECT %s FROM s", c->expression);
    ck_assert_msg(fixture_plan(&fixture, sql, &plan) == MR_OK, "%s: %s", c->expression,
                  fixture.err.message);
    ck_assert_str_eq(mr_type_text(plan->output.columns[0].type, text), c->type);
}
END_TEST

typedef struct ParameterCase {
    const char *sql;
    const char *types; /* NULL: an error */
} ParameterCase;

static const ParameterCase parameter_cases[] = {
    { "SELECT $1", "text" },
    { "SELECT $1::int", "int4" },
    { "SELECT $1 + 1", "int4" },
    { "SELECT i8 FROM s WHERE i8 = $1 AND t = $2", "int8 text" },
    { "SELECT i8 FROM s WHERE at > $1 LIMIT $2", "timestamptz int8" },
    { "SELECT $2 || 'x', $1 * 2.5", "numeric text" },
    { "SELECT t FROM s WHERE i4 IN ($1, $2)", "int4 int4" },
    { "SELECT length($1), $1", "text" },
    { "INSERT INTO s (i2, v, d) VALUES ($1, $2, $3)", "int2 varchar date" },
    { "SELECT CASE WHEN $1 THEN 1 ELSE $2 END", "bool int4" },
    { "SELECT count(*) FROM s WHERE t LIKE $1", "text" },
    { "SELECT $1::int, $1::text", "int4" },
    { "SELECT $1 || $1::int", NULL },
    { "SELECT $1 || $2", "text text" },
    { "CREATE MATERIALIZED VIEW v AS SELECT t FROM s WHERE t = 'x'", "" },
};

START_TEST(test_parameters_take_the_types_that_are_wanted)
{
    const ParameterCase *c = &parameter_cases[_i];
    char types[256] = "";
    MrPlan *plan;
    MrStatus status = fixture_plan(&fixture, c->sql, &plan);
    if (c->types == NULL) {
        ck_assert_str_eq(fixture.err.sqlstate, "42P08");
        return;
    }
    ck_assert_msg(status == MR_OK, "%s: %s", c->sql, fixture.err.message);
    for (uint32_t i = 0; i < fixture.parameters.count; i++) {
        strcat(types, i > 0 ? " " : "");
        strcat(types, mr_type_info(fixture.parameters.types[i].id)->name);
    }
    ck_assert_msg(strcmp(types, c->types) == 0, "%s: %s", c->sql, types);
}
END_TEST

START_TEST(test_values_of_parameters_are_constants)
{
    MrDatum value = { .type = mr_type(MR_TYPE_INT32), .integer = 7 };
    MrType type = mr_type(MR_TYPE_INT32);
    MrParameters given = { .types = &type, .count = 1, .capacity = 1, .values = &value };
    MrNode *node = NULL;
    MrPlan *plan;
    fixture.context.parameters = &given;
    ck_assert_int_eq(fixture_parse(&fixture, "SELECT $1 + 1", &node), MR_OK);
    ck_assert_int_eq(
        mr_planner_select(&fixture.context, MR_AST_AS(MrAstQuery, node), &plan, &fixture.err),
        MR_OK);
    const MrProjectSpec *project = plan->dag->nodes[1].spec;
    ck_assert_int_eq(project->expressions[0]->kind, MR_EXPR_CONSTANT);
    ck_assert_int_eq(project->expressions[0]->constant.integer, 8);
}
END_TEST

START_TEST(test_deep_text_is_an_error_not_a_crash)
{
    MrBuilder sql;
    MrPlan *plan;
    mr_builder_init(&sql, 0);
    mr_builder_append_string(&sql, "SELECT 1");
    for (int i = 0; i < 5000; i++) {
        mr_builder_append_string(&sql, " + 1");
    }
    ck_assert_int_ne(fixture_plan(&fixture, mr_builder_text(&sql), &plan), MR_OK);
    mr_builder_clear(&sql);
    mr_builder_append_string(&sql, "SELECT a FROM (SELECT i4 AS a FROM s) t");
    for (int i = 0; i < 60; i++) { /* each level doubles the expression when it is inlined */
        MrBuilder outer;
        mr_builder_init(&outer, 0);
        mr_builder_append_format(&outer, "SELECT a + a AS a FROM (%s) t", mr_builder_text(&sql));
        mr_builder_fini(&sql);
        sql = outer;
    }
    MrStatus status = fixture_plan(&fixture, mr_builder_text(&sql), &plan);
    ck_assert_msg(status == MR_OK, "%s", fixture.err.message);
    MrBuilder grouped;
    mr_builder_init(&grouped, 0);
    mr_builder_append_format(&grouped, "SELECT a, count(*) FROM (%s) t GROUP BY a",
                             mr_builder_text(&sql));
    ck_assert_int_eq(fixture_plan(&fixture, mr_builder_text(&grouped), &plan), MR_ERR_TOO_COMPLEX);
    mr_builder_fini(&grouped);
    mr_builder_fini(&sql);
}
END_TEST

START_TEST(test_queries_that_double_come_to_an_end)
{
    MrBuilder sql;
    MrPlan *plan;
    mr_builder_init(&sql, 0);
    mr_builder_append_string(&sql, "WITH c0 AS (SELECT 1 AS x)");
    for (int i = 1; i < 40; i++) { /* written out it is 2^39 queries */
        mr_builder_append_format(&sql, ", c%d AS (SELECT a.x FROM c%d a, c%d b)", i, i - 1, i - 1);
    }
    mr_builder_append_string(&sql, " SELECT * FROM c39");
    ck_assert_int_eq(fixture_plan(&fixture, mr_builder_text(&sql), &plan), MR_ERR_TOO_COMPLEX);
    mr_builder_fini(&sql);
}
END_TEST

START_TEST(test_views_cannot_go_in_circles)
{
    MrNode *node = NULL;
    MrPlan *plan;
    MrColumn column = { .name = "a", .type = mr_type(MR_TYPE_INT32) };
    ck_assert_int_eq(fixture_parse(&fixture, "SELECT a FROM me", &node), MR_OK);
    MrRelation me = { .kind = MR_RELATION_VIEW,
                      .name = "me",
                      .schema = { 1, &column },
                      .query = MR_AST_AS(MrAstQuery, node) };
    ck_assert_int_eq(mr_catalog_add_relation(fixture.catalog, &me, NULL), MR_OK);
    ck_assert_int_eq(fixture_plan(&fixture, "SELECT * FROM me", &plan),
                     MR_ERR_INVALID_OBJECT_DEFINITION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("binder");
    TCase *tcase = tcase_create("binder");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_types_are_postgresqls, 0,
                        sizeof type_cases / sizeof type_cases[0]);
    tcase_add_loop_test(tcase, test_parameters_take_the_types_that_are_wanted, 0,
                        sizeof parameter_cases / sizeof parameter_cases[0]);
    tcase_add_test(tcase, test_values_of_parameters_are_constants);
    tcase_add_test(tcase, test_deep_text_is_an_error_not_a_crash);
    tcase_add_test(tcase, test_queries_that_double_come_to_an_end);
    tcase_add_test(tcase, test_views_cannot_go_in_circles);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
