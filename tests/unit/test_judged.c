/* tests/unit/test_judged.c - what is proved never to fail: by a list of queries as people write
 * them, and by random expressions over extreme values, none of which may fail that was proved. */
#include <check.h>
#include <stdlib.h>

#include "common/random.h"
#include "engine/expression.h"
#include "planner/judged.h"
#include "planner_fixture.h"

static PlannerFixture fixture;
static MrPlan *plan;

static void setup(void)
{
    fixture_open(&fixture);
    ck_assert_int_eq(
        fixture_define(&fixture,
                       "CREATE STREAM s (at timestamptz, k int, i2 smallint, i4 int, i8 bigint, "
                       "m numeric(10,2), x numeric, f float8, t text, "
                       "WATERMARK FOR at AS at - INTERVAL '5 s')"),
        MR_OK);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

static bool is_judged(const char *sql)
{
    ck_assert_msg(fixture_plan(&fixture, sql, &plan) == MR_OK, "%s: %s", sql, fixture.err.message);
    return plan->dag->judges_records;
}

static bool value_is_judged(const char *value)
{
    char sql[600];
    snprintf(sql, sizeof sql, "CREATE MATERIALIZED VIEW v AS SELECT k, %s AS e FROM s GROUP BY k",
             value);
    return is_judged(sql);
}

START_TEST(test_values_that_cannot_fail)
{
    static const char *const values[] = {
        "sum(i4) / count(*)",
        "sum(i8) / count(*)",
        "sum(m) / count(*)",
        "100.0 * count(*) FILTER (WHERE i4 > 0) / count(*)",
        "round(100.0 * count(*) FILTER (WHERE i4 > 0) / count(*), 2)",
        "round(avg(i4), 2)",
        "round(avg(m), 2)",
        "avg(i8)::float8",
        "count(*)::int8",
        "count(*) * 2",
        "count(*) + count(i4)",
        "sum(i8) - sum(i4)",
        "sum(m) - sum(i8)",
        "sum(CASE WHEN i4 > 0 THEN 1 ELSE 0 END) - sum(CASE WHEN i4 < 0 THEN 1 ELSE 0 END)",
        "coalesce(sum(i8), 0) + 1",
        "sum(i4)::numeric / NULLIF(sum(i2), 0)",
        "100.0 * sum(i4) / NULLIF(count(i4), 0)",
        "sum(i4) / NULLIF(count(i4), 0)",
        "sum(i4) / greatest(count(i4), 1)",
        "CASE WHEN count(i4) > 0 THEN sum(i4) / count(i4) END",
        "CASE WHEN count(i4) = 0 THEN 0 ELSE sum(i4) % count(i4) END",
        "CASE WHEN NOT count(i4) <= 0 AND sum(i4) / count(i4) > 3 THEN 1 END",
        "count(*)::float8 / NULLIF(count(i4), 0)::float8",
        "abs(min(i2)::int) + max(i2)",
        "max(i4)::text || 'x'",
        "upper(max(t)) || left(max(t), 3) || substring(max(t), 2, 3)",
        "max(t) LIKE 'a%'",
        "split_part(max(t), ',', 2)",
        "extract(epoch FROM max(at))",
        "extract(hour FROM max(at))::int",
        "date_trunc('hour', max(at))",
        "to_char(max(at), 'YYYY-MM-DD')",
        "date_trunc('day', max(at), 'Europe/Oslo')",
        "floor(avg(i4))",
        "floor(avg(f))",
        "length(max(t)) - 1",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert_msg(!value_is_judged(values[i]), "not proved: %s", values[i]);
    }
}
END_TEST

/* What people of the documents of Flink, ksqlDB, Materialize and PostgreSQL write above groups. */
START_TEST(test_everyday_values_that_cannot_fail)
{
    static const char *const values[] = {
        "sum(i4) / count(i4)",
        "sum(i8) / count(i8)",
        "sum(m) / count(m)",
        "round(sum(m) / count(m), 2)",
        "sum(i4)::numeric / count(i4)",
        "sum(i8) / count(i8)::numeric",
        "sum(i4) / count(i4)::numeric(20,2)",
        "1.0 * sum(i4) / count(i4)",
        "100.0 * sum(i2) / count(i2)",
        "round(100.0 * sum(i4) / count(i4), 2)",
        "sum(i4)::float8 / count(i4)",
        "sum(i8)::float8 / count(i8)::float8",
        "sum(i4) / NULLIF(count(i2), 0)",
        "sum(m)::float8 / NULLIF(sum(m), 0)",
        "sum(i4) FILTER (WHERE i2 > 0) / count(i4) FILTER (WHERE i2 > 0)",
        "sum(i4) FILTER (WHERE i2 > 0) / count(*) FILTER (WHERE i2 > 0)",
        "sum(i4) FILTER (WHERE i2 > 0) / count(i4)",
        "sum(DISTINCT i4) / count(DISTINCT i4)",
        "(max(i4) - min(i2)::int8) / count(i4)",
        "(max(i4)::int8 - min(i4)) / count(i4)",
        "max(i4) % count(i4)",
        "coalesce(sum(i4) / count(i4), 0)",
        "coalesce(sum(m) / NULLIF(count(m), 0), 0)",
        "CASE WHEN count(i4) > 0 THEN round(sum(i4)::numeric / count(i4), 2) ELSE 0 END",
        "CASE count(i4) WHEN 0 THEN 0 ELSE sum(i4) / count(i4) END",
        "CASE WHEN count(i4) = 0 THEN NULL ELSE sum(m) / count(i4) END",
        "CASE WHEN count(i4) <> 0 THEN 100 * count(i2) / count(i4) END",
        "100 * count(i4) / count(*)",
        "count(i4)::numeric / count(*)",
        "round(count(i4)::numeric / count(*) * 100, 1)",
        "1 - count(i4)::float8 / count(*)",
        "count(*) FILTER (WHERE i4 > 0)::float8 / count(*)",
        "cast(count(i4) AS float8) / NULLIF(count(*), 0)",
        "sum(CASE WHEN i4 > 0 THEN 1 ELSE 0 END) * 100 / count(*)",
        "sum(CASE WHEN i4 > 0 THEN 1 ELSE 0 END)::numeric / count(*)",
        "round(100.0 * sum(CASE WHEN i4 > 0 THEN 1 ELSE 0 END) / count(*), 2)",
        "avg(CASE WHEN i4 > 0 THEN 1.0 ELSE 0.0 END) * 100",
        "100.0 * sum(i4) / NULLIF(sum(i2), 0)",
        "round(100.0 * sum(i4) / NULLIF(sum(i2), 0), 2)",
        "sum(i4)::float8 / NULLIF(sum(i2), 0)",
        "sum(i8)::float8 / NULLIF(sum(i8), 0)",
        "sum(i4) / NULLIF(sum(i2), 0)::float8",
        "CASE WHEN sum(i2) <> 0 THEN sum(i4)::numeric / sum(i2) END",
        "CASE WHEN sum(i2) > 0 THEN sum(i4) / sum(i2) ELSE 0 END",
        "sum(i4) / NULLIF(greatest(sum(i2), 0), 0)",
        "sum(i4) / greatest(sum(i2), 1)",
        "sum(i4) / coalesce(NULLIF(abs(max(i4)::int8), 0), 1)",
        "round(avg(i4)::numeric, 2)",
        "avg(i4)::float8 * 1.8 + 32",
        "max(i4)::int8 - min(i4)",
        "max(m) - min(m)",
        "round((max(m) - min(m)) / NULLIF(min(m), 0) * 100, 2)",
        "sum(i4) * 1.0 / 60",
        "count(*) / 60.0",
        "count(*) / 60",
        "sqrt(count(*))",
        "max(i4) > 100 AND sum(i4) / count(i4) > 3",
        "round(avg(f))",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert_msg(!value_is_judged(values[i]), "not proved: %s", values[i]);
    }
}
END_TEST

/* Each of them fails for some rows. */
START_TEST(test_values_that_can_fail)
{
    static const char *const values[] = {
        "sum(i4) / sum(i2)",
        "sum(i4) / NULLIF(sum(i2), 0)", /* -2^63 / -1 */
        "sum(i4) - sum(i2)",
        "sum(i4)::int",
        "count(*)::int",
        "-sum(i4)",
        "abs(sum(i4))",
        "CASE WHEN count(i4) >= 0 THEN 1 / count(i4) END",
        "CASE WHEN count(i4) > 0 THEN 1 ELSE 1 / count(i4) END",
        "CASE WHEN count(i4) > 0 OR k > 0 THEN 1 / count(i4) END",
        "sum(x) / count(*)", /* 38 digits behind the point */
        "sum(x) + 1",
        "sum(i8) / NULLIF(sum(i8), 0)", /* 1 / 10^34 */
        "avg(i8) - avg(i4)",
        "sum(f) * 2",
        "sum(f) / count(*)", /* the least number there is, halved */
        "sum(f) / count(f)",
        "round(avg(f)::numeric, 2)", /* 10^300 has too many digits */
        "sum(x) / count(x)",
        "sum(m) / NULLIF(sum(i4), 0)", /* 0.01 / 10^17 */
        "sum(i4) / count(i2)",
        "sum(i4) / count(i4) FILTER (WHERE i2 > 0)",
        "sum(i4) FILTER (WHERE i2 > 1) / count(*) FILTER (WHERE i2 > 0)",
        "count(i4) / count(i4)",
        "coalesce(sum(i4), 0) / count(i4)",
        "greatest(sum(i4), 0) / count(i4)",
        "sum(i4) / (count(i4) - 1)",
        "sum(i4) / round(count(i4)::numeric / 2)",
        "CASE WHEN k > 0 THEN sum(i4) ELSE 1 END / count(i4)",
        "sqrt(sum(i4))",
        "max(at) - min(at)",
        "extract(epoch FROM max(at))::int8",
        "date_trunc('century', max(at))",
        "date_trunc('nonsense', max(at))",
        "max(t)::int",
        "split_part(max(t), ',', min(i2))",
        "max(t) LIKE max(t)",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert_msg(value_is_judged(values[i]), "proved: %s", values[i]);
    }
}
END_TEST

START_TEST(test_guards_below)
{
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS SELECT k, 1 / n AS e FROM "
                        "(SELECT k, sum(i4) AS n FROM s GROUP BY k) q"));
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT k, 1 / n AS e FROM "
                         "(SELECT k, sum(i4) AS n FROM s GROUP BY k) q WHERE n > 0"));
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT k, sum(i4) / count(i4) AS e FROM s "
                         "GROUP BY k HAVING count(i4) > 0"));
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT k, a / n AS e FROM (SELECT k, "
                         "sum(i4) AS a, count(i4) AS n FROM s GROUP BY k) q"));
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT window_start, sum(m) / count(m) "
                         "AS e FROM TUMBLE(s, at, INTERVAL '1' MINUTE) GROUP BY window_start"));
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT sum(i4) / count(i4) AS e, "
                         "sum(i4) / count(*) AS f FROM s"));
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT sum(m) / count(*) AS e FROM s "
                         "GROUP BY GROUPING SETS ((k), ())"));
    /* Each group's own count, and no longer its sum. */
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS SELECT k, sum(a) / min(n) AS e FROM (SELECT "
                        "k, i2, sum(i4) AS a, count(i4) AS n FROM s GROUP BY k, i2) q GROUP BY k"));
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS WITH q AS (SELECT k, sum(i4) AS a, "
                        "count(i4) AS n FROM s GROUP BY k) "
                        "SELECT x.k, x.a / y.n AS e FROM q x JOIN q y ON x.k = y.k + 1"));
    /* Nobody is there to be counted. */
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS SELECT 1 / count(*) AS e FROM s"));
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS SELECT 1 / count(*) AS e FROM s "
                        "GROUP BY GROUPING SETS ((k), ())"));
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS SELECT a.k, 10 / (a.i2 - b.i2) AS e "
                        "FROM s a JOIN s b ON a.k = b.k"));
}
END_TEST

START_TEST(test_times_within_a_window)
{
    ck_assert(!is_judged("CREATE MATERIALIZED VIEW v AS SELECT window_start, "
                         "extract(epoch FROM max(at) - min(at)) AS e, "
                         "to_char(window_start, 'HH24:MI') AS h "
                         "FROM TUMBLE(s, at, INTERVAL '1' MINUTE) GROUP BY window_start"));
    ck_assert(is_judged("CREATE MATERIALIZED VIEW v AS SELECT k, max(at) - min(at) AS e FROM "
                        "SESSION(s PARTITION BY k, at, INTERVAL '1' MINUTE) "
                        "GROUP BY k, window_start"));
}
END_TEST

/* ---- Random expressions ------------------------------------------------------------------ */

typedef struct Column {
    const char *name, *made_of;
    const char *values[12];
} Column;

/* Made of the group, and what it can be at the extremes. */
static const Column columns[] = {
    { "n", "count(*)", { "1", "2", "3", "1000000", "9007199254740992" } },
    { "c", "count(i4)", { "0", "1", "7", "9007199254740991", "9007199254740992" } },
    { "a", "min(i2)", { "-32768", "32767", "0", "-1", "1", NULL } },
    { "b", "max(i4)", { "-2147483648", "2147483647", "0", "-1", "1" } },
    { "d", "max(i8)", { "-9223372036854775808", "9223372036854775807", "0", "-1", "1" } },
    { "e", "sum(i4)", { "-9223372036854775808", "9223372036854775807", "0", "-1", "1" } },
    { "g",
      "sum(i8)",
      { "-83076749736557242056487941267521536", "83076749736557242047264569230666752", "0", "-1",
        "1" } },
    { "h",
      "avg(i4)",
      { "-2147483648", "2147483647.0000000", "0.00000000000000000000000000000000",
        "0.00000000000000000000000000000001", "1.5000000000000000" } },
    { "l", "max(m)", { "-99999999.99", "99999999.99", "0.00", "-0.01", "0.01", "NaN" } },
    { "p",
      "sum(m)",
      { "-900719925384032848.30", "900719925384032848.30", "0.00", "-0.01", "0.01", "NaN" } },
    { "q", "sum(x)", { "99999999999999999999999999999999999999", "0", "-1", "Infinity", "NaN" } },
    { "r", "max(f)", { "1e308", "-1e308", "5e-324", "0", "Infinity", "NaN", "-1" } },
    { "cf", "count(i4) FILTER (WHERE i2 > 0)", { "0", "1", "7", "9007199254740992" } },
    { "ef",
      "sum(i4) FILTER (WHERE i2 > 0)",
      { "-9223372036854775808", "9223372036854775807", "0", "-1", "1" } },
    { "cm", "count(m)", { "0", "1", "7", "9007199254740992" } },
    { "ng", "count(*) FILTER (WHERE i2 < 0)", { "0", "1", "9007199254740992" } },
    { "pg",
      "sum(m) FILTER (WHERE i2 < 0)",
      { "-900719925384032848.30", "900719925384032848.30", "0.00", "-0.01", "0.01", "NaN" } },
    { "u", "max(t)", { "", "x", "12" } },
};
/* Where the first is 0, the other is 0 or, unless it is a count, NULL. */
static const struct {
    const char *count, *value;
} no_rows[] = {
    { "c", "b" },   { "c", "e" },  { "c", "h" },  { "c", "cf" },  { "c", "ef" },
    { "cf", "ef" }, { "cm", "l" }, { "cm", "p" }, { "cm", "pg" }, { "ng", "pg" },
};
enum { COLUMNS = sizeof columns / sizeof columns[0], ROWS = 64 };

static MrRandom chance;

static void append_value(MrBuilder *out, int depth);

static void append_comparison(MrBuilder *out, const char *left)
{
    static const char *const operators[] = { "=", "<>", "<", "<=", ">", ">=" };
    static const char *const limits[] = { "0", "1", "-1", "0.5", "c", "n", "100" };
    const bool is_mirrored = mr_random_below(&chance, 4) == 0;
    const char *limit = limits[mr_random_below(&chance, 7)];
    mr_builder_append_format(out, "%s %s %s", is_mirrored ? limit : left,
                             operators[mr_random_below(&chance, 6)], is_mirrored ? left : limit);
}

static void append_leaf(MrBuilder *out)
{
    static const char *const literals[] = { "0",   "1",     "-1",         "2",    "100",   "100.0",
                                            "0.5", "32767", "2147483647", "1e10", "-0.001" };
    if (mr_random_below(&chance, 3) == 0) {
        mr_builder_append_string(out, literals[mr_random_below(&chance, 11)]);
    } else {
        mr_builder_append_string(out, columns[mr_random_below(&chance, COLUMNS - 1)].name);
    }
}

/* A division behind a guard. */
static void append_guarded(MrBuilder *out, int depth)
{
    const char *name = columns[mr_random_below(&chance, COLUMNS - 1)].name;
    const char *by = mr_random_below(&chance, 3) == 0 ? "%" : "/";
    const char *connective = mr_random_below(&chance, 2) == 0 ? "AND" : "OR";
    mr_builder_append_string(out, "(CASE WHEN ");
    append_comparison(out, name);
    switch (mr_random_below(&chance, 4)) {
    case 0:
        mr_builder_append_format(out, " %s ", connective);
        append_comparison(out, columns[mr_random_below(&chance, COLUMNS - 1)].name);
        break;
    case 1: mr_builder_append_format(out, " %s 7 / %s > 1", connective, name); break;
    default: break;
    }
    mr_builder_append_string(out, " THEN ");
    append_value(out, depth - 1);
    mr_builder_append_format(out, " %s %s ELSE ", by, name);
    append_value(out, depth - 1);
    if (mr_random_below(&chance, 2) == 0) {
        mr_builder_append_format(out, " / %s", name);
    }
    mr_builder_append_string(out, " END)");
}

/* A share or a mean, by a count that may be of the same rows, of more or of others. */
static void append_share(MrBuilder *out)
{
    static const char *const counts[] = { "c", "n", "cf", "cm", "ng" };
    static const char *const by[] = { "/", "%" };
    static const struct {
        const char *before, *behind;
    } above[] = { { "", "" },           { "100.0 * ", "" },     { "100 * ", "" },
                  { "- ", "" },         { "", "::numeric" },    { "", "::float8" },
                  { "round(", ", 2)" }, { "coalesce(", ", 0)" } },
      below[] = { { "", "" },
                  { "", "::numeric" },
                  { "", "::float8" },
                  { "- ", "" },
                  { "abs(", ")" },
                  { "", "::numeric(20,2)" },
                  { "", "::numeric(38,0)" },
                  { "greatest(", ", 0)" } },
      around[] = { { "", "" }, { "round(", "::numeric, 2)" }, { "1 - ", "" }, { "100 * ", "" } };
    const uint64_t a = mr_random_below(&chance, 8), b = mr_random_below(&chance, 8);
    const uint64_t c = mr_random_below(&chance, 4);
    mr_builder_append_format(out, "(%s(%s%s%s %s %s%s%s)%s)", around[c].before, above[a].before,
                             columns[mr_random_below(&chance, COLUMNS - 1)].name, above[a].behind,
                             by[mr_random_below(&chance, 4) == 0], below[b].before,
                             counts[mr_random_below(&chance, 5)], below[b].behind,
                             around[c].behind);
}

static void append_value(MrBuilder *out, int depth)
{
    static const char *const operators[] = { "+", "-", "*", "/", "%" };
    static const struct {
        const char *before, *behind;
    } wraps[] = {
        { "(- ", ")" },          { "abs(", ")" },
        { "NULLIF(", ", 0)" },   { "coalesce(", ", 0)" },
        { "greatest(", ", 1)" }, { "least(", ", -1)" },
        { "round(", ", 2)" },    { "trunc(", ", 1)" },
        { "floor(", ")" },       { "ceil(", ")" },
        { "sign(", ")" },        { "(", ")::int8" },
        { "(", ")::int4" },      { "(", ")::int2" },
        { "(", ")::numeric" },   { "(", ")::float8" },
        { "(", ")::real" },      { "(", ")::numeric(12,2)" },
        { "round(", ")" },       { "length((", ")::text)" },
        { "sqrt(", ")" },        { "round((", ")::numeric, 1)" },
    };
    const uint64_t kind = mr_random_below(&chance, 12);
    if (depth == 0 || kind == 0) {
        append_leaf(out);
    } else if (kind < 5) {
        mr_builder_append_string(out, "(");
        append_value(out, depth - 1);
        mr_builder_append_format(out, " %s ", operators[mr_random_below(&chance, 5)]);
        append_value(out, depth - 1);
        mr_builder_append_string(out, ")");
    } else if (kind < 8) {
        const uint64_t wrap = mr_random_below(&chance, sizeof wraps / sizeof wraps[0]);
        mr_builder_append_string(out, wraps[wrap].before);
        append_value(out, depth - 1);
        mr_builder_append_string(out, wraps[wrap].behind);
    } else if (kind < 10) {
        append_guarded(out, depth);
    } else {
        append_share(out);
    }
}

/* A query of all columns and one expression of them. */
static void begin_query(MrBuilder *out)
{
    mr_builder_clear(out);
    mr_builder_append_string(out, "CREATE MATERIALIZED VIEW v AS SELECT k");
    for (uint32_t c = 0; c < COLUMNS; c++) {
        mr_builder_append_format(out, ", %s", columns[c].name);
    }
    mr_builder_append_string(out, ", ");
}
static void end_query(MrBuilder *out)
{
    mr_builder_append_string(out, " AS result FROM (SELECT k");
    for (uint32_t c = 0; c < COLUMNS; c++) {
        mr_builder_append_format(out, ", %s AS %s", columns[c].made_of, columns[c].name);
    }
    mr_builder_append_string(out, " FROM s GROUP BY k) AS inner_query");
}

/* Maybe behind a WHERE. */
static void make_query(MrBuilder *out)
{
    begin_query(out);
    append_value(out, 1 + (int)mr_random_below(&chance, 3));
    end_query(out);
    if (mr_random_below(&chance, 3) == 0) {
        mr_builder_append_string(out, " WHERE ");
        append_comparison(out, columns[mr_random_below(&chance, COLUMNS - 1)].name);
    }
}

static void random_value(const Column *column, MrType type, MrDatum *out)
{
    uint64_t count = 0;
    MrError err = MR_ERROR_INIT;
    while (count < 12 && column->values[count] != NULL) {
        count++;
    }
    const uint64_t pick = mr_random_below(&chance, count + 1);
    *out = (MrDatum){ .type = type, .is_null = true };
    if (pick < count) {
        ck_assert_msg(mr_datum_parse(&fixture.arena, mr_type(type.id),
                                     mr_string(column->values[pick]), NULL, out, &err) == MR_OK,
                      "%s: %s", column->values[pick], err.message);
    }
}

static uint32_t column_named(const char *name)
{
    uint32_t i = 0;
    while (strcmp(columns[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* Values of all columns, as one group can have them. */
static void random_group(const MrProjectSpec *project, MrDatum *values)
{
    for (uint32_t i = 0; i < COLUMNS; i++) {
        random_value(&columns[i], project->expressions[i + 1]->type, &values[i]);
    }
    for (size_t i = 0; i < sizeof no_rows / sizeof no_rows[0]; i++) {
        const MrDatum *count = &values[column_named(no_rows[i].count)];
        MrDatum *value = &values[column_named(no_rows[i].value)];
        if (!count->is_null && count->integer == 0) {
            *value =
                (MrDatum){ .type = value->type, .is_null = strcmp(no_rows[i].value, "cf") != 0 };
        }
    }
}

/* One row of extremes, in the places that the projection reads. */
static MrBlock *random_row(const MrProjectSpec *project, const MrSchema *schema)
{
    MrBlock *block = mr_arena_calloc(&fixture.arena, 1, sizeof *block);
    block->row_count = 1;
    block->column_count = schema->column_count;
    block->columns = mr_arena_calloc(&fixture.arena, schema->column_count, sizeof *block->columns);
    MrDatum group[COLUMNS];
    random_group(project, group);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        MrDatum value = { .type = schema->columns[c].type, .is_null = true };
        for (uint32_t i = 0; i < COLUMNS; i++) {
            const MrExpr *shown = project->expressions[i + 1];
            if (shown->kind == MR_EXPR_COLUMN && shown->column == c) {
                value = group[i];
            }
        }
        MrVector constant;
        ck_assert_int_eq(
            mr_vector_init_constant(&constant, &fixture.arena, &value, 1, &fixture.err), MR_OK);
        ck_assert_int_eq(
            mr_vector_flatten(&constant, &fixture.arena, &block->columns[c], &fixture.err), MR_OK);
    }
    return block;
}

static bool passes(const MrDagNode *filter, const MrBlock *block)
{
    MrExpression *compiled;
    uint32_t *rows, count = 0;
    MrEval eval = { .arena = &fixture.arena, .block = block, .err = &fixture.err };
    const MrExpr *predicate = ((const MrFilterSpec *)filter->spec)->predicate;
    ck_assert_int_eq(
        mr_expression_compile(&fixture.arena, predicate, NULL, &compiled, &fixture.err), MR_OK);
    ck_assert_int_eq(mr_expression_select(compiled, &eval, &rows, &count), MR_OK);
    return count == 1;
}

static void check_never_fails(const char *sql)
{
    uint32_t at = plan->dag->node_count - 1;
    while (plan->dag->nodes[at].kind != MR_OPERATOR_PROJECT) {
        at--;
    }
    const MrDagNode *top = &plan->dag->nodes[at], *below = &plan->dag->nodes[top->input];
    const MrProjectSpec *project = top->spec;
    MrExpression *compiled;
    if (below->kind != MR_OPERATOR_AGGREGATE && below->kind != MR_OPERATOR_FILTER) {
        return;
    }
    ck_assert_int_eq(mr_expression_compile(&fixture.arena,
                                           project->expressions[project->expression_count - 1],
                                           NULL, &compiled, &fixture.err),
                     MR_OK);
    for (uint32_t row = 0; row < ROWS; row++) {
        MrBlock *block = random_row(project, &below->schema);
        MrVector out;
        MrEval eval = { .arena = &fixture.arena, .block = block, .err = &fixture.err };
        if (below->kind == MR_OPERATOR_FILTER && !passes(below, block)) {
            continue;
        }
        ck_assert_msg(mr_expression_eval(compiled, &eval, &out) == MR_OK, "%s\n%s", sql,
                      fixture.err.message);
    }
}

START_TEST(test_what_is_proved_never_fails)
{
    enum { QUERIES = 200 };
    MrBuilder sql;
    uint32_t proved = 0, planned = 0;
    mr_builder_init(&sql, 0);
    mr_random_init(&chance, 20261201 + (uint64_t)_i);
    for (uint32_t i = 0; i < QUERIES; i++) {
        make_query(&sql);
        mr_builder_append_char(&sql, '\0');
        if (fixture_plan(&fixture, sql.data, &plan) != MR_OK) {
            continue; /* the types do not fit, or a constant part fails already */
        }
        planned++;
        if (!plan->dag->judges_records) {
            proved++;
            check_never_fails(sql.data);
        }
    }
    mr_builder_fini(&sql);
    ck_assert_uint_ge(planned, QUERIES / 4);
    ck_assert_uint_ge(proved, QUERIES / 20);
    ck_assert_uint_lt(proved, planned);
}
END_TEST

/* Every comparison with numbers around 0, in every place that guards a division. */
START_TEST(test_guards_mean_what_they_say)
{
    static const char *const operators[] = { "=", "<>", "<", "<=", ">", ">=" };
    static const char *const limits[] = { "-1", "0", "1" };
    static const char *const forms[] = {
        "CASE WHEN %s THEN 7 / a ELSE 0 END",
        "CASE WHEN %s THEN 0 ELSE 7 / a END",
        "CASE WHEN NOT (%s) THEN 7 / a ELSE 0 END",
        "CASE WHEN NOT (%s) THEN 0 ELSE 7 / a END",
        "(%s AND 7 / a > 0)::int",
        "(%s OR 7 / a > 0)::int",
        "CASE WHEN b = 1 AND %s THEN 7 / a ELSE 0 END",
        "CASE WHEN b = 1 OR %s THEN 0 ELSE 7 / a END",
        "CASE WHEN b = 1 AND %s THEN 0 ELSE 7 / a END",
        "CASE WHEN %s THEN 0 WHEN b = 1 THEN 7 / a ELSE 7 %% a END",
    };
    MrBuilder sql;
    uint32_t proved = 0;
    mr_builder_init(&sql, 0);
    mr_random_init(&chance, 7);
    for (uint32_t i = 0; i < 6 * 3 * 10 * 2; i++) {
        char guard[40], value[120];
        const char *operator= operators[i % 6], *limit = limits[i / 6 % 3];
        const bool is_mirrored = i / 180 == 1;
        snprintf(guard, sizeof guard, "%s %s %s", is_mirrored ? limit : "a", operator,
                 is_mirrored ? "a" : limit);
        snprintf(value, sizeof value, forms[i / 18 % 10], guard);
        begin_query(&sql);
        mr_builder_append_string(&sql, value);
        end_query(&sql);
        mr_builder_append_char(&sql, '\0');
        if (!is_judged(sql.data)) {
            proved++;
            check_never_fails(sql.data);
        }
    }
    mr_builder_fini(&sql);
    ck_assert_uint_ge(proved, 360 / 4);
    ck_assert_uint_lt(proved, 360);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judged");
    TCase *tcase = tcase_create("judged");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_values_that_cannot_fail);
    tcase_add_test(tcase, test_everyday_values_that_cannot_fail);
    tcase_add_test(tcase, test_values_that_can_fail);
    tcase_add_test(tcase, test_guards_below);
    tcase_add_test(tcase, test_times_within_a_window);
    tcase_add_test(tcase, test_guards_mean_what_they_say);
    tcase_add_loop_test(tcase, test_what_is_proved_never_fails, 0, 24);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
