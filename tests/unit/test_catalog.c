/* tests/unit/test_catalog.c - names, versions and dependents of the catalogue. */
#include <check.h>
#include <stdlib.h>

#include "planner_fixture.h"

static PlannerFixture fixture;

static void define(const char *sql)
{
    ck_assert_msg(fixture_define(&fixture, sql) == MR_OK, "%s: %s", sql, fixture.err.message);
}

static void setup(void)
{
    fixture_open(&fixture);
    define(
        "CREATE STREAM edits (at timestamptz, page text DEFAULT 'none', n int GENERATED ALWAYS AS (length(page)) "
        "STORED, WATERMARK FOR at AS at - INTERVAL '10 s') WITH (retention = '7 days', durability = os)");
    define("CREATE VIEW big AS SELECT page, n FROM edits WHERE n > 10");
    define("CREATE MATERIALIZED VIEW pages AS SELECT page, count(*) AS c FROM big GROUP BY page");
}

static void teardown(void)
{
    fixture_close(&fixture);
}

START_TEST(test_objects_outlive_the_statement)
{
    const MrRelation *edits = mr_catalog_find(fixture.catalog, NULL, "edits");
    ck_assert_ptr_nonnull(edits);
    mr_arena_reset(&fixture.arena);
    memset(mr_arena_alloc(&fixture.arena, 4000), 0x5a, 4000);
    ck_assert_str_eq(edits->name, "edits");
    ck_assert_str_eq(edits->schema.columns[1].name, "page");
    ck_assert_int_eq(edits->stream->delay_us, 10000000);
    ck_assert_int_eq(edits->stream->retention_us, 7 * MR_US_PER_DAY);
    ck_assert_int_eq(edits->stream->event_column, 0);
    ck_assert_ptr_nonnull(edits->stream->columns[1].default_value);
    ck_assert_int_eq(edits->stream->columns[2].generated->args[0]->column, 1);
}
END_TEST

START_TEST(test_a_version_stays_as_it_was)
{
    MrCatalog *next;
    ck_assert_int_eq(mr_catalog_clone(fixture.catalog, &next, NULL), MR_OK);
    ck_assert_int_eq(mr_catalog_remove_relation(next, "public", "pages", NULL), MR_OK);
    ck_assert_ptr_null(mr_catalog_find(next, NULL, "pages"));
    ck_assert_ptr_nonnull(mr_catalog_find(next, NULL, "big"));
    ck_assert_ptr_nonnull(mr_catalog_find(fixture.catalog, NULL, "pages"));
    mr_catalog_unref(next);
    ck_assert_str_eq(mr_catalog_find(fixture.catalog, NULL, "pages")->name, "pages");
}
END_TEST

START_TEST(test_names_are_resolved_as_sql_has_them)
{
    const MrRelation *found;
    MrName in_main = { .schema = "main", .name = "pages", .position = 3 };
    MrName wrong = { .name = "edist", .position = 3 };
    ck_assert_int_eq(mr_catalog_resolve(fixture.catalog, &in_main, &found, &fixture.err), MR_OK);
    ck_assert_str_eq(found->name, "pages");
    ck_assert_int_eq(mr_catalog_resolve(fixture.catalog, &wrong, &found, &fixture.err),
                     MR_ERR_UNDEFINED_TABLE);
    ck_assert_int_eq(fixture.err.position, 3);
    ck_assert_str_eq(fixture.err.hint, "Perhaps you meant \"edits\".");
}
END_TEST

START_TEST(test_many_names_are_found)
{
    for (int i = 0; i < 500; i++) {
        char name[32];
        MrRelation relation = { .kind = MR_RELATION_VIRTUAL, .name = name };
        snprintf(name, sizeof name, "t%d", i);
        ck_assert_int_eq(mr_catalog_add_relation(fixture.catalog, &relation, NULL), MR_OK);
    }
    MrRelation again = { .kind = MR_RELATION_VIRTUAL, .name = "t7" };
    ck_assert_int_eq(mr_catalog_add_relation(fixture.catalog, &again, NULL),
                     MR_ERR_DUPLICATE_TABLE);
    ck_assert_str_eq(mr_catalog_find(fixture.catalog, NULL, "t499")->name, "t499");
    ck_assert_int_eq(mr_catalog_remove_relation(fixture.catalog, NULL, "t3", NULL), MR_OK);
    ck_assert_str_eq(mr_catalog_find(fixture.catalog, NULL, "t499")->name, "t499");
    ck_assert_uint_eq(mr_catalog_relation_count(fixture.catalog), 502);
}
END_TEST

START_TEST(test_dependents_are_views_and_queries)
{
    const MrRelation *const *found;
    uint32_t count;
    ck_assert_int_eq(mr_catalog_dependents(fixture.catalog,
                                           mr_catalog_find(fixture.catalog, NULL, "edits"),
                                           &fixture.arena, &found, &count, NULL),
                     MR_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(found[0]->name, "big");
    ck_assert_int_eq(mr_catalog_dependents(fixture.catalog,
                                           mr_catalog_find(fixture.catalog, NULL, "big"),
                                           &fixture.arena, &found, &count, NULL),
                     MR_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(found[0]->name, "pages");
}
END_TEST

START_TEST(test_connections_and_secrets)
{
    ck_assert_str_eq(mr_catalog_connection(fixture.catalog, "main")->sink_class, "sqlite");
    ck_assert_int_eq(mr_catalog_add_secret(fixture.catalog, "pw", NULL), MR_OK);
    ck_assert_int_eq(mr_catalog_add_secret(fixture.catalog, "pw", NULL), MR_ERR_DUPLICATE_OBJECT);
    MrNode *node = NULL;
    MrConnection connection;
    ck_assert_int_eq(
        fixture_parse(&fixture,
                      "CREATE CONNECTION pg WITH (type = 'postgres', dsn = 'host=x dbname=y', "
                      "password = SECRET pw)",
                      &node),
        MR_OK);
    ck_assert_int_eq(mr_planner_connection(&fixture.context, MR_AST_AS(MrAstCreateConnection, node),
                                           &connection, &fixture.err),
                     MR_OK);
    ck_assert_str_eq(connection.secret, "pw");
    ck_assert_int_eq(mr_catalog_add_connection(fixture.catalog, &connection, NULL), MR_OK);
    ck_assert_uint_eq(mr_catalog_connection_count(fixture.catalog), 2);
    ck_assert_int_eq(mr_catalog_remove_connection(fixture.catalog, "pg", NULL), MR_OK);
    ck_assert_int_eq(mr_catalog_remove_secret(fixture.catalog, "pw", NULL), MR_OK);
    ck_assert_int_eq(
        fixture_parse(&fixture,
                      "CREATE CONNECTION pg WITH (type = 'postgres', dsn = 'host=x password=z')",
                      &node),
        MR_OK);
    ck_assert_int_eq(mr_planner_connection(&fixture.context, MR_AST_AS(MrAstCreateConnection, node),
                                           &connection, &fixture.err),
                     MR_ERR_INVALID_PARAMETER);
}
END_TEST

typedef struct StreamCase {
    const char *what, *sql, *sqlstate;
} StreamCase;

static const StreamCase stream_cases[] = {
    { "no such type", "CREATE STREAM s (a nosuch)", "42704" },
    { "an array", "CREATE STREAM s (a int[])", NULL },
    { "a column twice", "CREATE STREAM s (a int, a text)", "42701" },
    { "a system column", "CREATE STREAM s (_seq int)", "42701" },
    { "a default of another type", "CREATE STREAM s (a int DEFAULT true)", "42804" },
    { "a default over columns", "CREATE STREAM s (a int, b int DEFAULT a)", "0A000" },
    { "a default that cannot be read", "CREATE STREAM s (a int DEFAULT 'x')", "22P02" },
    { "a generated column over another",
      "CREATE STREAM s (a int, b int GENERATED ALWAYS AS (a) STORED, c int "
      "GENERATED ALWAYS AS (b) STORED)",
      "42P17" },
    { "a volatile generated column",
      "CREATE STREAM s (a float8 GENERATED ALWAYS AS (random()) STORED)", "42P17" },
    { "now() in a generated column",
      "CREATE STREAM s (a timestamptz GENERATED ALWAYS AS (now()) STORED)", "42P17" },
    { "an aggregate in a default", "CREATE STREAM s (a int DEFAULT count(*))", "42803" },
    { "a key", "CREATE STREAM s (a int PRIMARY KEY)", "0A000" },
    { "a table of another system", "CREATE TABLE s (a int) WITH (connector = 'kafka')", "0A000" },
    { "a watermark over no column", "CREATE STREAM s (a timestamp, WATERMARK FOR b AS b)",
      "42703" },
    { "a watermark over a number", "CREATE STREAM s (a int, WATERMARK FOR a AS a)", "42804" },
    { "a watermark of another column",
      "CREATE STREAM s (a timestamp, b timestamp, WATERMARK FOR a AS b)", "42P17" },
    { "a watermark ahead", "CREATE STREAM s (a timestamp, WATERMARK FOR a AS a + INTERVAL '1 s')",
      "42P17" },
    { "a negative delay", "CREATE STREAM s (a timestamp, WATERMARK FOR a AS a - INTERVAL '-1 s')",
      "42P17" },
    { "a delay of months",
      "CREATE STREAM s (a timestamp, WATERMARK FOR a AS a - INTERVAL '1 month')", "42P17" },
    { "an unknown option", "CREATE STREAM s (a int) WITH (retenton = '1 day')", "22023" },
    { "an option twice", "CREATE STREAM s (a int) WITH (retention = '1 day', retention = '2 days')",
      "42601" },
    { "a wrong value", "CREATE STREAM s (a int) WITH (durability = 'maybe')", "22023" },
    { "a connector of later", "CREATE STREAM s (a int) WITH (connector = 'kafka')", "0A000" },
    { "no connector", "CREATE STREAM s (a int) WITH (connector = 'carrier pigeon')", "22023" },
    { "a file without path", "CREATE STREAM s (a int) WITH (connector = 'file', format = 'csv')",
      "22023" },
    { "a file without format", "CREATE STREAM s (a int) WITH (connector = 'file', path = '/x')",
      "22023" },
    { "a format of later",
      "CREATE STREAM s (a int) WITH (connector = 'file', path = '/x', format = 'xml')", "0A000" },
    { "a path of no column", "CREATE STREAM s (a int) WITH (json_path.b = '$.b')", "42703" },
    { "an option of another source",
      "CREATE STREAM s (a int) WITH (connector = 'datagen', path = '/x')", "22023" },
    { "all is well",
      "CREATE STREAM s (a int, t timestamptz, WATERMARK FOR t AS t) WITH (connector = 'file', path = "
      "'/x.csv', header = true, retention = '10 GB', idle_timeout = '5 s', max_future_skew = 'off', null_time = "
      "'arrival', on_bad_row = 'reject', durability = 'none')",
      NULL },
    { "Flink's and RisingWave's words",
      "CREATE SOURCE s (a int, t timestamp(3), WATERMARK FOR t AS t - INTERVAL '5' "
      "SECOND) WITH (connector = 'file', path = '/x') FORMAT PLAIN ENCODE JSON",
      NULL },
};

START_TEST(test_create_stream_is_checked)
{
    const StreamCase *c = &stream_cases[_i];
    MrStatus status = fixture_define(&fixture, c->sql);
    if (c->sqlstate == NULL) {
        ck_assert_msg(status == MR_OK, "%s: %s", c->what, fixture.err.message);
    } else {
        ck_assert_msg(status != MR_OK && strcmp(fixture.err.sqlstate, c->sqlstate) == 0,
                      "%s: %s %s", c->what, fixture.err.sqlstate, fixture.err.message);
    }
}
END_TEST

START_TEST(test_ingest_fills_what_is_not_given)
{
    const MrStream *stream = mr_catalog_find(fixture.catalog, NULL, "edits")->stream;
    const uint32_t only_time[] = { 0 };
    const MrExpr *const *exprs;
    ck_assert_int_eq(
        mr_planner_ingest(&fixture.context, stream, only_time, 1, &exprs, &fixture.err), MR_OK);
    ck_assert_int_eq(exprs[0]->kind, MR_EXPR_COLUMN);
    ck_assert_int_eq(exprs[1]->kind, MR_EXPR_CONSTANT);
    ck_assert_int_eq(exprs[2]->args[0]->kind, MR_EXPR_CONSTANT); /* length of the default */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalog");
    TCase *tcase = tcase_create("catalog");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_objects_outlive_the_statement);
    tcase_add_test(tcase, test_a_version_stays_as_it_was);
    tcase_add_test(tcase, test_names_are_resolved_as_sql_has_them);
    tcase_add_test(tcase, test_many_names_are_found);
    tcase_add_test(tcase, test_dependents_are_views_and_queries);
    tcase_add_test(tcase, test_connections_and_secrets);
    tcase_add_test(tcase, test_ingest_fills_what_is_not_given);
    tcase_add_loop_test(tcase, test_create_stream_is_checked, 0,
                        sizeof stream_cases / sizeof stream_cases[0]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
