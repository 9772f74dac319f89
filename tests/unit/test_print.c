/*
 * tests/unit/test_print.c - what is printed parses to the same tree; canonical forms; secrets.
 */
#include <check.h>
#include <string.h>

#include "parser/parser.h"
#include "parser/print.h"

static MrArena arena;
static MrError err;

static void setup(void)
{
    mr_arena_init(&arena, 0);
    mr_error_clear(&err);
}

static void teardown(void)
{
    mr_arena_fini(&arena);
}

/* Everything in dialect.md and most of what PostgreSQL's clients send.  Each row holds one or more
 * statements. */
static const char *const statements[] = {
    "select 1",
    "CREATE STREAM edits (at timestamptz, page text, username text, added bigint, "
    "WATERMARK FOR at AS at - INTERVAL '10' SECOND)",
    "CREATE MATERIALIZED VIEW busy AS SELECT window_start, page, count(*) AS edits, "
    "sum(added) AS added FROM TUMBLE(edits, at, INTERVAL '1' MINUTE) GROUP BY "
    "window_start, page",
    "SELECT * FROM busy ORDER BY edits DESC LIMIT 5",
    "COPY edits FROM STDIN CSV HEADER",
    "CREATE STREAM IF NOT EXISTS s (a int NOT NULL DEFAULT 5, b text GENERATED ALWAYS AS "
    "(upper(c)) STORED, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH (connector = "
    "'file', format = 'json', json_path.user = '$.actor.login', durability = fsync, "
    "retention = '7 days', on_bad_row = fail, n = -5, flag)",
    "CREATE SOURCE s (a int) WITH ('connector' = 'kafka', 'topic.name' = 'x') FORMAT PLAIN "
    "ENCODE JSON",
    "CREATE TABLE t (a int) APPEND ONLY",
    "CREATE TABLE IF NOT EXISTS t AS SELECT a, count(*) FROM s GROUP BY a",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a.t USING btree (x, (lower(y)) COLLATE "
    "\"C\" text_ops DESC, (x + 1) NULLS FIRST) NULLS NOT DISTINCT WHERE x > 0",
    "CREATE INDEX ON t (a ASC NULLS LAST)",
    "DROP INDEX IF EXISTS i, a.j CASCADE",
    "ALTER INDEX IF EXISTS i RENAME TO j",
    "CREATE TABLE t (k int PRIMARY KEY, v text, CONSTRAINT x UNIQUE (v), CHECK (k > 0), "
    "FOREIGN KEY (v) REFERENCES u (w), PRIMARY KEY (k, v))",
    "CREATE CONNECTION pg WITH (type = 'postgres', dsn = 'postgresql://x', password = "
    "SECRET pw)",
    "CREATE CONNECTION l WITH (type = 'sqlite', path = '/tmp/x.db')",
    "CREATE SECRET name AS 'geheim'",
    "CREATE VIEW v AS SELECT 1",
    "CREATE OR REPLACE MATERIALIZED VIEW IF NOT EXISTS pg.public.v WITH (snapshot = false, "
    "batch_interval = '1s') AS SELECT a FROM t EMIT ON WINDOW CLOSE",
    "CREATE MATERIALIZED VIEW v AS SELECT a FROM t EMIT EVERY INTERVAL '5' SECOND",
    "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE x EMIT ON UPDATE",
    "CREATE SINK k INTO pg.public.t (a, b) WITH (x = 1) AS SELECT a, b FROM s EMIT ON "
    "UPDATE",
    "CREATE SINK k INTO pg.t FROM v",
    "CREATE SINK k WITH (connector = 'notify', channel = 'A b') FROM v EMIT ON UPDATE",
    "SHOW ALERTS",
    "CREATE FUNCTION f(x int, y text DEFAULT 'a') RETURNS int LANGUAGE SQL IMMUTABLE AS $$ "
    "SELECT x + 1 $$",
    "ALTER MATERIALIZED VIEW v SUSPEND; ALTER MATERIALIZED VIEW v RESUME; ALTER "
    "MATERIALIZED VIEW v SET (a = 1); ALTER MATERIALIZED VIEW v RENAME TO w",
    "ALTER TABLE t ADD COLUMN c int, ADD COLUMN IF NOT EXISTS d int, ALTER COLUMN a SET DEFAULT b + "
    "1, ALTER COLUMN a DROP DEFAULT, ALTER COLUMN a SET NOT NULL, ALTER COLUMN a DROP NOT NULL",
    "ALTER TABLE IF EXISTS t RENAME COLUMN a TO b; ALTER TABLE t DROP COLUMN IF EXISTS a CASCADE, "
    "DROP COLUMN b",
    "ALTER STREAM s ADD COLUMN c int NOT NULL DEFAULT 3; ALTER STREAM s SET (retention = "
    "'forever'); ALTER SINK k TAKE OVER",
    "DROP MATERIALIZED VIEW IF EXISTS a, b CASCADE; DROP STREAM s RESTRICT; DROP SINK k "
    "FORCE; DROP FUNCTION f(int); DROP FUNCTION g",
    "TRUNCATE s; TRUNCATE TABLE t CASCADE; REFRESH MATERIALIZED VIEW v; REFRESH v; COMMENT "
    "ON STREAM s IS 'hi'; COMMENT ON COLUMN s.a IS NULL; COMMENT ON COLUMN a.b.c IS 'x'",
    "ADVANCE WATERMARK OF s TO 'infinity'; ADVANCE WATERMARK OF s TO timestamptz "
    "'2026-01-01 00:00:00+00'",
    "SELECT * FROM TUMBLE(s, ts, INTERVAL '10' SECOND, offset => INTERVAL '1 day', "
    "timezone => 'Europe/Berlin')",
    "SELECT * FROM HOP(s, ts, INTERVAL '1' MINUTE, INTERVAL '10' MINUTE) h, CUMULATE(s, "
    "ts, INTERVAL '1' MINUTE, INTERVAL '1' DAY) AS c",
    "SELECT * FROM SESSION(s PARTITION BY k, ts, INTERVAL '30' MINUTE)",
    "SELECT * FROM SESSION(s PARTITION BY (k, l), ts, INTERVAL '30' MINUTE)",
    "SELECT * FROM COUNT_WINDOW(s PARTITION BY k, 100, 10)",
    "SELECT * FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' MINUTE))",
    "SELECT * FROM TABLE(HOP(DATA => TABLE a.s, TIMECOL => DESCRIPTOR(ts), SLIDE => "
    "INTERVAL '5' MINUTE, SIZE => INTERVAL '10' MINUTE, OFFSET => INTERVAL '1' MINUTE))",
    "SELECT * FROM TABLE(SESSION(TABLE s PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' "
    "MINUTE)) AS x",
    "SELECT * FROM TUMBLE((SELECT a, ts FROM s WHERE a > 1), ts, INTERVAL '1 hour') t",
    "SELECT sum(x) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '1 hour' "
    "PRECEDING AND CURRENT ROW) FROM s",
    "SELECT lag(x) OVER w, rank() OVER (w ROWS 5 PRECEDING EXCLUDE TIES) FROM s WINDOW w "
    "AS (PARTITION BY a ORDER BY b DESC NULLS LAST)",
    "SELECT * FROM a JOIN b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '1' "
    "MINUTE LEFT JOIN c USING (k) NATURAL JOIN d CROSS JOIN e",
    "SELECT * FROM a JOIN t FOR SYSTEM_TIME AS OF PROCTIME() ON a.k = t.k",
    "SELECT * FROM s JOIN t FOR SYSTEM_TIME AS OF s.ts AS x ON s.k = x.k",
    "SELECT * FROM a ASOF JOIN b ON a.k = b.k AND b.ts <= a.ts; SELECT * FROM a ASOF LEFT "
    "JOIN b ON a.k = b.k",
    "SELECT * FROM a asof, b emit",
    "SELECT DISTINCT ON (a, b) a, b, c FROM t ORDER BY a, b, c DESC",
    "SELECT a, count(*) FILTER (WHERE b > 0), count(DISTINCT c), string_agg(d, ',' ORDER "
    "BY e), percentile_cont(0.5) WITHIN GROUP (ORDER BY f) FROM t GROUP BY ROLLUP (a, b), "
    "CUBE (c), GROUPING SETS ((a), (a, b), ()) HAVING count(*) > 1",
    "(SELECT a FROM t UNION ALL SELECT b FROM u) INTERSECT SELECT c FROM v EXCEPT SELECT d "
    "FROM w ORDER BY 1 LIMIT 3 OFFSET 2",
    "SELECT a FROM t UNION SELECT b FROM u INTERSECT SELECT c FROM v; SELECT 1 UNION "
    "(SELECT 2 UNION SELECT 3); (SELECT 1 ORDER BY 1) UNION (SELECT 2 LIMIT 1)",
    "WITH RECURSIVE x (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x), y AS NOT "
    "MATERIALIZED (SELECT 2) SELECT * FROM x, y",
    "WITH RECURSIVE x (n) AS (SELECT 1 UNION SELECT n FROM x) SEARCH DEPTH FIRST BY n, \"N\" SET s "
    "CYCLE n SET c TO 'y' DEFAULT 'n' USING p SELECT search, cycle, depth AS breadth FROM x",
    "WITH RECURSIVE x AS (SELECT 1 UNION SELECT n FROM x) SEARCH BREADTH FIRST BY n SET s, "
    "y AS (SELECT 1 UNION SELECT n FROM y) CYCLE n, m SET c USING p SELECT * FROM x",
    "VALUES (1, 'a'), (2, DEFAULT)",
    "TABLE t",
    "SELECT a FROM t FETCH FIRST 5 ROWS ONLY; SELECT a FROM t ORDER BY a OFFSET 3 ROWS "
    "FETCH NEXT ROW WITH TIES; SELECT a FROM t FOR UPDATE OF t NOWAIT",
    "SELECT * FROM unnest(ARRAY[1,2,3]) WITH ORDINALITY AS u(x, n), LATERAL (SELECT 1) l, "
    "json_to_recordset('[]') AS r(a int, b text), generate_series(1, 10), "
    "LATERAL json_to_record('{}') AS l(z int)",
    "SELECT INTERVAL '5' SECOND, INTERVAL '1 hour', INTERVAL '1' DAY TO SECOND(3), "
    "INTERVAL (3) '1.5', TIMESTAMP '2020-01-01', DATE '2020-01-01', TIMESTAMP WITH TIME "
    "ZONE '2020-01-01 00:00+00', numeric(10,2) '1.5', int4 '7', pg_catalog.int4 '5', "
    "double precision '1', timestamp(3) '2020-01-01'",
    "SELECT a::int::text, CAST(b AS numeric(10, -2)), c::timestamp with time zone, "
    "d::timestamp(3) without time zone, e::character varying(10), f::varchar, g::char, "
    "h::pg_catalog.int4[], i::int[3][], j::bpchar, k::int ARRAY, l::interval day to "
    "minute, m::interval(3), n::float(10)",
    "SELECT -5, - 5, -(-5), +a, - a, -a::int, (-5)::int, -9223372036854775808, 1 - -1, 2 ^ "
    "-1, - - 5, -(5 + 3), - - a",
    "SELECT a OPERATOR(pg_catalog.+) b, a OPERATOR(+) b, @ a, a || b || c, a -> 'b' ->> "
    "'c' #> '{a}' #>> '{b}', a ~ 'x', a !~* 'y', a @> b, a ? 'b'",
    "SELECT a AND b OR c AND NOT d OR (e OR f), NOT (a AND b), NOT a = b, (NOT a) = b, a = "
    "(b = c)",
    "SELECT a IS NULL, a IS NOT NULL, a ISNULL, a NOTNULL, a IS TRUE, a IS NOT FALSE, a IS "
    "UNKNOWN, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b, (a IS NULL) IS NULL",
    "SELECT a IN (1, 2), a NOT IN (SELECT b FROM c), (a, b) IN ((1, 2), (3, 4)), a BETWEEN "
    "1 AND 2, a NOT BETWEEN SYMMETRIC b + 1 AND c, a BETWEEN (b AT TIME ZONE 'x') AND c, a "
    "IN (1)",
    "SELECT a LIKE 'b%', a NOT LIKE 'b' ESCAPE '!', a ILIKE b || '%', a NOT ILIKE 'x', a "
    "SIMILAR TO 'b', a NOT SIMILAR TO 'b' ESCAPE 'c'",
    "SELECT CASE WHEN a THEN b ELSE c END, CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END",
    "SELECT a COLLATE \"C\", a COLLATE pg_catalog.\"de_DE\" || 'x', (a || b) COLLATE \"C\"",
    "SELECT EXTRACT(epoch FROM ts), EXTRACT(YEAR FROM ts), extract('hour' from ts), "
    "SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a FROM 2), SUBSTRING(a FOR 3), substring(a, 1, "
    "2), SUBSTRING(a SIMILAR 'b' ESCAPE '#'), POSITION('a' IN b || c), TRIM(BOTH 'x' FROM "
    "a), TRIM(a), TRIM(LEADING FROM a), TRIM(TRAILING ' ' FROM a), TRIM('x' FROM a), "
    "OVERLAY(a PLACING b FROM 1 FOR 2), overlay(a, b, 1)",
    "SELECT ts AT TIME ZONE 'UTC', ts AT TIME ZONE 'a' AT TIME ZONE 'b', (a + b) AT TIME "
    "ZONE 'c', a + b AT TIME ZONE 'c', ts AT TIME ZONE (a || b)",
    "SELECT ARRAY[1, 2], ARRAY[[1, 2], [3, 4]], ARRAY(SELECT 1), ARRAY[]::int[], a[1], "
    "a[1:2], a[:], a[1:][2], (ARRAY[1,2])[1], (f(x)).y, (a).b.c, (x).*, t.*, s.t.a, $1, "
    "$2[1], ($1).a",
    "SELECT ROW(1, 2), ROW(), (1, 2), (SELECT 1), EXISTS (SELECT 1), NOT EXISTS (SELECT "
    "1), a = ANY (SELECT 1), a <> ALL (ARRAY[1]), a LIKE ANY (ARRAY['x']), a > SOME ($1), "
    "(SELECT a FROM t).b",
    "SELECT COALESCE(a, b), NULLIF(a, b), GREATEST(1, 2), LEAST(1), current_timestamp, "
    "CURRENT_TIMESTAMP(3), current_date, localtime, localtimestamp(2), current_user, user, "
    "session_user, current_schema, now(), left('a', 1), right('b', 1), GROUPING(a), "
    "f(VARIADIC a), f(1, VARIADIC a), f(ALL a), count(*), f(a => 1, b := 2), "
    "pg_catalog.lower('A')",
    "SELECT at, page, time, timestamp, value, key, name, type, date, year, month, format, "
    "source, stream, watermark, window_start, connection, secret, progress, settings, "
    "edits, clock, emit, every, close FROM t",
    "SELECT a page, b value, c key, d name, e type, f date, h format, i source, j stream, "
    "k watermark, l clock, m every, n close, o text, p \"user\", q AS year, r AS emit, s "
    "AS select",
    "SELECT t.user, t.order, \"user\", \"Ab\"\"c\", \"select\", \"üñ\", üñ FROM \"T\"",
    "INSERT INTO s VALUES (1, 'a'), (2, 'b'); INSERT INTO s (a, b) SELECT 1, 2; INSERT "
    "INTO s DEFAULT VALUES; INSERT INTO c.s.t AS x (a) VALUES (DEFAULT) ON CONFLICT (a) DO "
    "UPDATE SET b = excluded.b, (c, d) = (1, 2) WHERE x.a > 1 RETURNING a, b AS c; INSERT "
    "INTO t VALUES (1) ON CONFLICT DO NOTHING; INSERT INTO t VALUES (1) ON CONFLICT ON "
    "CONSTRAINT k DO NOTHING RETURNING *",
    "WITH q AS (SELECT 1) INSERT INTO t SELECT * FROM q; UPDATE t SET a = 1, b = DEFAULT "
    "FROM u WHERE t.a = u.a RETURNING *; UPDATE t AS x SET a = 2; DELETE FROM t USING u "
    "WHERE t.a = u.a; DELETE FROM t x RETURNING x.a",
    "COPY t FROM STDIN; COPY t (a, b) TO STDOUT WITH (FORMAT csv, HEADER true, DELIMITER "
    "';', NULL 'x', FORCE_QUOTE (a, b), QUOTE '\"'); COPY t FROM STDIN WITH (FORMAT csv, "
    "ON_ERROR ignore, REJECT_LIMIT 10, ingest_id 'abc', HEADER MATCH, FORCE_QUOTE *, "
    "ENCODING 'UTF8')",
    "COPY t FROM STDIN WITH CSV HEADER DELIMITER AS ',' QUOTE '\"' NULL AS '' FORCE NOT "
    "NULL a, b; COPY BINARY t FROM STDIN; COPY t FROM STDIN USING DELIMITERS '|' WITH NULL "
    "AS 'x'; COPY t TO '/tmp/x' BINARY; COPY t TO PROGRAM 'cat' CSV FORCE QUOTE *",
    "COPY (SELECT 1) TO STDOUT; COPY (SUBSCRIBE TO v WITH (snapshot false, progress)) TO "
    "STDOUT; COPY (SUBSCRIBE (SELECT 1)) TO STDOUT (FORMAT csv); COPY t FROM STDIN WHERE a "
    "> 1",
    "EXPLAIN SELECT 1; EXPLAIN ANALYZE VERBOSE SELECT 1; EXPLAIN (ANALYZE, VERBOSE, FORMAT "
    "JSON) SELECT 1; EXPLAIN (ANALYZE false, COSTS off) SELECT 1; EXPLAIN MATERIALIZED "
    "VIEW v; EXPLAIN PROGRESS v; EXPLAIN (SELECT 1); EXPLAIN CREATE MATERIALIZED VIEW v AS "
    "SELECT 1; EXPLAIN (FORMAT DOT) MATERIALIZED VIEW v; EXPLAIN VERBOSE VALUES (1)",
    "SHOW STREAMS; SHOW QUERIES; SHOW CONNECTIONS; SHOW SINKS; SHOW SETTINGS; SHOW "
    "FUNCTIONS; SHOW ALL; SHOW CREATE STREAM s; SHOW CREATE VIEW v; SHOW CREATE "
    "MATERIALIZED VIEW a.b.c; SHOW TIME ZONE; SHOW TRANSACTION ISOLATION LEVEL; SHOW "
    "SESSION AUTHORIZATION; SHOW search_path; SHOW x.y; SHOW MATERIALIZED VIEWS; DESCRIBE "
    "s; DESC s; FLUSH",
    "SET x TO 'a', b, 3; SET x = on; SET LOCAL x TO DEFAULT; SET SESSION x = 1; SET TIME "
    "ZONE 'UTC'; SET TIME ZONE LOCAL; SET TIME ZONE -5; SET TIME ZONE INTERVAL '1' HOUR; "
    "SET NAMES 'utf8'; SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET "
    "TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; RESET x; RESET ALL; RESET "
    "TIME ZONE; SET CLOCK TO '2026-01-01 00:00:10+00'; DISCARD ALL; SET a.b = 1; SET "
    "extra_float_digits = 3; SET application_name = 'x'; SET SESSION AUTHORIZATION "
    "DEFAULT; SET ROLE foo; SET DateStyle = ISO, MDY; SET client_encoding TO UTF8; SET "
    "clock = '2026-01-01'",
    "BEGIN; BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY NOT DEFERRABLE; START "
    "TRANSACTION; COMMIT; COMMIT WORK AND NO CHAIN; END; ROLLBACK; ABORT; SAVEPOINT a; "
    "RELEASE a; RELEASE SAVEPOINT a; ROLLBACK TO a; ROLLBACK TRANSACTION TO SAVEPOINT a; "
    "COMMIT AND CHAIN",
    "PREPARE p (int, text) AS SELECT $1, $2; EXECUTE p(1, 'a'); EXECUTE p; DEALLOCATE p; "
    "DEALLOCATE PREPARE ALL; DEALLOCATE ALL",
    "DECLARE c BINARY NO SCROLL CURSOR WITH HOLD FOR SELECT 1; DECLARE c CURSOR FOR "
    "SUBSCRIBE TO v; FETCH c; FETCH 5 FROM c; FETCH ALL IN c; FETCH NEXT FROM c; FETCH "
    "FORWARD 10 c; FETCH ABSOLUTE -1 FROM c; MOVE BACKWARD ALL IN c; FETCH LAST c; FETCH "
    "RELATIVE 0 FROM c; CLOSE c; CLOSE ALL",
    "LISTEN ch; UNLISTEN *; UNLISTEN ch; NOTIFY ch; NOTIFY ch, 'pay''load'; SUBSCRIBE TO "
    "v; SUBSCRIBE v WITH (snapshot, progress '1s') AFTER 12345678901; SUBSCRIBE TO (SELECT "
    "1) AFTER 0; FETCH 5 FROM c WITH (timeout = '1s')",
    "SELECT E'a\\nb\\u00e9\\x41\\101', 'it''s', $$x$$, $a$y$$z$a$, 'con' \n 'cat', 1e5, "
    ".5, 1., 1.5e-3 /* c /* nested */ */ -- end",
    "SELECT a+-b, a=-1, a<>-1, a!=b, a@-1, 5-3, a*-b, a--comment",
    "SELECT a FROM t WHERE b = 'x' GROUP BY 1 -- c\n\n;;",
    "SELECT * FROM (a JOIN b ON TRUE) AS x, (SELECT 1), (VALUES (1, 2)) v(a, b), ((a JOIN "
    "b ON TRUE) JOIN c ON TRUE), a JOIN (b JOIN c ON TRUE) ON TRUE",
};

static MrStatementList parse(const char *text)
{
    MrStatementList list;
    MrStatus status = mr_parse(&arena, text, strlen(text), &list, &err);
    ck_assert_msg(status == MR_OK, "%s\nin: %s", err.message, text);
    return list;
}

START_TEST(test_what_is_printed_parses_to_the_same)
{
    MrStatementList list = parse(statements[_i]);
    for (uint32_t i = 0; i < list.count; i++) {
        const char *first = mr_ast_to_text(&arena, list.items[i].node, MR_PRINT_COMPLETE);
        MrStatementList again = parse(first);
        ck_assert_uint_eq(again.count, 1);
        ck_assert_int_eq(again.items[0].node->kind, list.items[i].node->kind);
        ck_assert_str_eq(mr_ast_to_text(&arena, again.items[0].node, MR_PRINT_COMPLETE), first);
        ck_assert(mr_ast_equal(again.items[0].node, list.items[i].node));
    }
}
END_TEST

static const char *const canonical[][2] = {
    { "select A from B where c=1", "SELECT a FROM b WHERE c = 1" },
    { "SELECT \"A\" FROM \"select\"", "SELECT \"A\" FROM \"select\"" },
    { "SELECT a::int4", "SELECT CAST(a AS integer)" },
    { "SELECT (a)", "SELECT a" },
    { "SELECT a + (b + c)", "SELECT a + (b + c)" },
    { "SELECT ((a + b)) + c", "SELECT a + b + c" },
    { "SELECT a AND (b AND c)", "SELECT a AND (b AND c)" },
    { "SELECT a != b", "SELECT a <> b" },
    { "SELECT 'it''s\\'", "SELECT 'it''s\\'" },
    { "SELECT E'a\\'b'", "SELECT 'a''b'" },
    { "TABLE t", "SELECT * FROM t" },
    { "END", "COMMIT" },
    { "COPY t FROM STDIN CSV HEADER", "COPY t FROM STDIN WITH (format csv, header)" },
    { "COPY BINARY t FROM STDIN", "COPY t FROM STDIN WITH (format binary)" },
    { "FETCH NEXT FROM c", "FETCH FORWARD 1 FROM c" },
    { "CREATE STREAM s (a timestamptz, WATERMARK FOR a AS a - INTERVAL '5' SECOND)",
      "CREATE STREAM s (a timestamp with time zone, WATERMARK FOR a AS a - INTERVAL '5' SECOND)" },
    { "SELECT * FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
      "SELECT * FROM TUMBLE(s, ts, INTERVAL '1' HOUR)" },
    { "CREATE CONNECTION c WITH (type = 'x', json_path.user = '$.a')",
      "CREATE CONNECTION c WITH (type = 'x', json_path.user = '$.a')" },
    { "CREATE CONNECTION c WITH ('missing.a.' = '1', \"missing..a\" = '2', missing.\"a b\" = '3')",
      "CREATE CONNECTION c WITH ('missing.a.' = '1', 'missing..a' = '2', missing.\"a b\" = '3')" },
};

START_TEST(test_the_canonical_form)
{
    MrStatementList list = parse(canonical[_i][0]);
    ck_assert_str_eq(mr_ast_to_text(&arena, list.items[0].node, MR_PRINT_SHOWN), canonical[_i][1]);
}
END_TEST

START_TEST(test_secrets_are_not_shown)
{
    static const char *const cases[][2] = {
        { "CREATE SECRET s AS 'hush'", "CREATE SECRET s AS '********'" },
        { "CREATE CONNECTION c WITH (password = 'hush')",
          "CREATE CONNECTION c WITH (password = '********')" },
        { "CREATE CONNECTION c WITH (password = hush)",
          "CREATE CONNECTION c WITH (password = '********')" },
        { "CREATE CONNECTION c WITH (dsn = 'postgresql://u:hush@h/d')",
          "CREATE CONNECTION c WITH (dsn = '********')" },
        { "CREATE CONNECTION c WITH (password = SECRET s)",
          "CREATE CONNECTION c WITH (password = SECRET s)" },
        { "CREATE STREAM s (a int) WITH (sasl.password = 'hush')",
          "CREATE STREAM s (a integer) WITH (sasl.password = '********')" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MrNode *node = parse(cases[i][0]).items[0].node;
        ck_assert_str_eq(mr_ast_to_text(&arena, node, MR_PRINT_SHOWN), cases[i][1]);
        const char *complete = mr_ast_to_text(&arena, node, MR_PRINT_COMPLETE);
        ck_assert(strstr(complete, "********") == NULL);
    }
}
END_TEST

START_TEST(test_identifiers_are_quoted_where_they_must_be)
{
    static const char *const cases[][2] = {
        { "a", "a" },       { "A", "\"A\"" },         { "select", "\"select\"" },
        { "1a", "\"1a\"" }, { "stream", "stream" },   { "left", "\"left\"" },
        { "", "\"\"" },     { "a\"b", "\"a\"\"b\"" }, { "_a1", "_a1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MrBuilder out;
        mr_builder_init(&out, 0);
        mr_print_identifier(&out, cases[i][0]);
        ck_assert_str_eq(mr_builder_text(&out), cases[i][1]);
        mr_builder_fini(&out);
    }
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("print");
    TCase *tests = tcase_create("print");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_what_is_printed_parses_to_the_same, 0, ROWS(statements));
    tcase_add_loop_test(tests, test_the_canonical_form, 0, ROWS(canonical));
    tcase_add_test(tests, test_secrets_are_not_shown);
    tcase_add_test(tests, test_identifiers_are_quoted_where_they_must_be);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
