/*
 * tests/unit/test_parser.c - errors with their positions, limits, spans of statements, parameters,
 * the shape of trees.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser/parser.h"

static MrArena arena;
static MrError err;
static MrStatementList list;

static void setup(void)
{
    mr_arena_init(&arena, (size_t)256 << 20);
    mr_error_clear(&err);
}

static void teardown(void)
{
    mr_arena_fini(&arena);
}

static MrStatus parse(const char *text)
{
    return mr_parse(&arena, text, strlen(text), &list, &err);
}

static MrNode *expression(const char *text)
{
    MrNode *node = NULL;
    MrStatus status = mr_parse_expression(&arena, text, strlen(text), &node, &err);
    ck_assert_msg(status == MR_OK, "%s: %s", text, err.message);
    return node;
}

typedef struct ErrorCase {
    const char *text;
    const char *sqlstate;
    int32_t position;
    const char *message;
} ErrorCase;

/* SQLSTATE and message are what PostgreSQL 15 says, word for word. */
static const ErrorCase error_cases[] = {
    { "selec 1", "42601", 0, "syntax error at or near \"selec\"" },
    { "select 1 from", "42601", 13, "syntax error at end of input" },
    { "select 1 +", "42601", 10, "syntax error at end of input" },
    { "select 'abc", "42601", 7, "unterminated quoted string at or near \"'abc\"" },
    { "select \"abc", "42601", 7, "unterminated quoted identifier at or near \"\"abc\"" },
    { "select \"\"", "42601", 7, "zero-length delimited identifier at or near \"\"\"\"" },
    { "select /* x", "42601", 7, "unterminated /* comment at or near \"/* x\"" },
    { "select $a$ x", "42601", 7, "unterminated dollar-quoted string at or near \"$a$ x\"" },
    { "select 1a", "42601", 7, "trailing junk after numeric literal at or near \"1a\"" },
    { "select $1a", "42601", 7, "trailing junk after parameter at or near \"$1a\"" },
    { "select 1 1", "42601", 9, "syntax error at or near \"1\"" },
    { "select a b c", "42601", 11, "syntax error at or near \"c\"" },
    { "select (1", "42601", 9, "syntax error at end of input" },
    { "select 1)", "42601", 8, "syntax error at or near \")\"" },
    { "select * from t where", "42601", 21, "syntax error at end of input" },
    { "select * from t order", "42601", 21, "syntax error at end of input" },
    { "create tabl x", "42601", 7, "syntax error at or near \"tabl\"" },
    { "insert into", "42601", 11, "syntax error at end of input" },
    { "select case when 1 end", "42601", 19, "syntax error at or near \"end\"" },
    { "select 1; selec 2", "42601", 10, "syntax error at or near \"selec\"" },
    { "select a from b join c", "42601", 22, "syntax error at end of input" },
    { "select 1e", "42601", 7, "trailing junk after numeric literal at or near \"1e\"" },
    { "select a between 1", "42601", 18, "syntax error at end of input" },
    { "select not", "42601", 10, "syntax error at end of input" },
    { "select a is 5", "42601", 12, "syntax error at or near \"5\"" },
    { "select f(a => 1, 2)", "42601", 17, "positional argument cannot follow named argument" },
    { "select f(*, 1)", "42601", 10, "syntax error at or near \",\"" },
    { "select 1 limit 1 limit 2", "42601", 17, "syntax error at or near \"limit\"" },
    { "select 1 limit 1,2", "42601", 9, "LIMIT #,# syntax is not supported" },
    { "(select 1 order by 1) order by 1", "42601", 31, "multiple ORDER BY clauses not allowed" },
    { "select x::", "42601", 10, "syntax error at end of input" },
    { "select interval '1' foo bar", "42601", 24, "syntax error at or near \"bar\"" },
    { "set x", "42601", 5, "syntax error at end of input" },
    { "begin foo", "42601", 6, "syntax error at or near \"foo\"" },
    { "copy t", "42601", 6, "syntax error at end of input" },
    { "copy t from", "42601", 11, "syntax error at end of input" },
    { "copy t from stdin (format", "42601", 25, "syntax error at end of input" },
    { "copy t to stdout where a", "42601", 23, "WHERE clause not allowed with COPY TO" },
    { "select 1 @#", "42601", 11, "syntax error at end of input" },
    { "select :x", "42601", 7, "syntax error at or near \":\"" },
    { "select {", "42601", 7, "syntax error at or near \"{\"" },
    { "select \\", "42601", 7, "syntax error at or near \"\\\"" },
    { "values (1", "42601", 9, "syntax error at end of input" },
    { "with x as select 1", "42601", 10, "syntax error at or near \"select\"" },
    { "update t set", "42601", 12, "syntax error at end of input" },
    { "delete t", "42601", 7, "syntax error at or near \"t\"" },
    { "select * from (select 1", "42601", 23, "syntax error at end of input" },
    { "select count(distinct)", "42601", 21, "syntax error at or near \")\"" },
    { "select 1 as", "42601", 11, "syntax error at end of input" },
    { "select from", "42601", 11, "syntax error at end of input" },
    { "fetch first row only", "42601", 16, "syntax error at or near \"only\"" },
    { "select sum(x) over (rows between unbounded following and current row)", "42P20", 33,
      "frame start cannot be UNBOUNDED FOLLOWING" },
    { "select sum(x) over (rows following)", "42601", 34, "syntax error at or near \")\"" },
    { "create table t (a int primary)", "42601", 29, "syntax error at or near \")\"" },
    { "create table t (a int default)", "42601", 29, "syntax error at or near \")\"" },
    { "select table", "42601", 7, "syntax error at or near \"table\"" },
    { "select 1 union", "42601", 14, "syntax error at end of input" },
    { "select all distinct 1", "42601", 11, "syntax error at or near \"distinct\"" },
    { "truncate", "42601", 8, "syntax error at end of input" },
    { "explain", "42601", 7, "syntax error at end of input" },
    { "explain (foo select 1", "42601", 13, "syntax error at or near \"select\"" },
    { "prepare x as", "42601", 12, "syntax error at end of input" },
    { "declare x cursor for", "42601", 20, "syntax error at end of input" },
    { "drop table", "42601", 10, "syntax error at end of input" },
    { "select cast(1 int)", "42601", 14, "syntax error at or near \"int\"" },
    { "select extract(year now())", "42601", 20, "syntax error at or near \"now\"" },
    { "select position(a in)", "42601", 20, "syntax error at or near \")\"" },
    { "select array[1,", "42601", 15, "syntax error at end of input" },
    { "select 1 where 'a' like", "42601", 23, "syntax error at end of input" },
    { "select overlay(a placing b)", "42601", 26, "syntax error at or near \")\"" },
};

START_TEST(test_an_error_reads_as_in_postgresql)
{
    const ErrorCase *c = &error_cases[_i];
    ck_assert_msg(parse(c->text) != MR_OK, "%s", c->text);
    ck_assert_str_eq(err.sqlstate, c->sqlstate);
    ck_assert_str_eq(err.message, c->message);
    ck_assert_msg(err.position == c->position, "%s: at %d", c->text, (int)err.position);
}
END_TEST

/* What is ours alone, and PostgreSQL's statements that we refuse. */
static const ErrorCase own_error_cases[] = {
    { "CREATE INDEX i ON t (a) TABLESPACE x", "0A000", 24,
      "TABLESPACE OF AN INDEX is not supported" },
    { "GRANT SELECT ON t TO u", "0A000", 0, "GRANT is not supported" },
    { "vacuum", "0A000", 0, "VACUUM is not supported" },
    { "ANALYZE t", "0A000", 0, "ANALYZE is not supported" },
    { "ALTER TABLE t OWNER TO a", "0A000", 14, "this form of ALTER is not supported" },
    { "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY a)", "0A000", 16,
      "MATCH_RECOGNIZE is not supported" },
    { "CREATE TRIGGER t BEFORE INSERT ON en", "0A000", 7, "CREATE TRIGGER is not supported" },
    { "CREATE UNLOGGED TABLE t (a int)", "0A000", 7, "CREATE UNLOGGED is not supported" },
    { "SELECT a, b INTO t FROM u", "0A000", 12, "SELECT INTO is not supported" },
    { "SELECT DISTINCT INTO t", "0A000", 16, "SELECT INTO is not supported" },
    { "PREPARE TRANSACTION 'x'", "0A000", 8, "PREPARE TRANSACTION is not supported" },
    { "SELECT * FROM TUMBLE()", "42601", 14,
      "the window function tumble takes a stream, a time column and its sizes" },
    { "SELECT * FROM TUMBLE(1, ts)", "42601", 21,
      "the first argument of a window function must be a stream, a view or a query in "
      "parentheses" },
    { "SELECT f(a PARTITION BY b)", "42601", 11,
      "a table argument is allowed only in window functions in FROM" },
    { "SELECT * FROM TABLE(f(TABLE a))", "42601", 20,
      "TABLE(\xE2\x80\xA6) takes one of TUMBLE, HOP, CUMULATE, SESSION and COUNT_WINDOW" },
    { "CREATE STREAM s (a int, WATERMARK FOR a AS a, WATERMARK FOR a AS a)", "42601", 46,
      "multiple WATERMARK clauses not allowed" },
    { "CREATE STREAM s (a int DEFAULT 1 DEFAULT 2)", "42601", 33,
      "multiple default values specified for a column" },
    { "SET CLOCK TO 5", "42601", 13, "SET CLOCK TO takes one time as a string" },
    { "SELECT '\xFF'", "22021", 8, "invalid byte sequence for encoding \"UTF8\": 0xff" },
    { "CREATE SINK s INTO t", "42601", 20, "syntax error at end of input" },
    { "CREATE MATERIALIZED VIEW v AS SELECT 1 EMIT ON COMMIT", "42601", 39,
      "syntax error at or near \"EMIT\"" },
};

START_TEST(test_our_own_errors)
{
    const ErrorCase *c = &own_error_cases[_i];
    ck_assert_msg(parse(c->text) != MR_OK, "%s", c->text);
    ck_assert_msg(strcmp(err.message, c->message) == 0, "%s: %s", c->text, err.message);
    ck_assert_str_eq(err.sqlstate, c->sqlstate);
    ck_assert_msg(err.position == c->position, "%s: at %d", c->text, (int)err.position);
}
END_TEST

/* ---- Limits ------------------------------------------------------------------------------ */

/* `SELECT `, then `count` times `open`, `1`, `count` times `close`. */
static MrStatus parse_repeated(const char *open, const char *middle, const char *close,
                               size_t count)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        mr_builder_append_string(&text, open);
    }
    mr_builder_append_string(&text, middle);
    for (size_t i = 0; i < count; i++) {
        mr_builder_append_string(&text, close);
    }
    MrStatus status = mr_parse(&arena, text.data, text.length, &list, &err);
    mr_builder_fini(&text);
    return status;
}

typedef struct DepthCase {
    const char *open;
    const char *middle;
    const char *close;
    size_t fine;
    size_t too_deep;
} DepthCase;

static const DepthCase depth_cases[] = {
    { "(", "1", ")", 100, 101 },
    { "(", "1", ")", 50, 100000 },
    { "f(", "1", ")", 99, 5000 },
    { "ARRAY[", "1", "]", 99, 5000 },
    { "(SELECT ", "1", ")", 99, 5000 },
    { "CASE WHEN TRUE THEN ", "1", " END", 99, 5000 },
    { "NOT ", "TRUE", "", 300, 100000 },
    { "- ", "a", "", 300, 100000 },
    { "@ ", "a", "", 300, 100000 },
    { "", "1", "+1", 300, 100000 },
    { "", "1", "::int", 300, 50000 },
    { "", "1", " UNION SELECT 1", 300, 50000 },
    { "", "* FROM a", " CROSS JOIN a", 300, 50000 },
    { "a[", "1", "]", 99, 5000 },
};

START_TEST(test_depth_is_limited)
{
    const DepthCase *c = &depth_cases[_i];
    MrStatus status = parse_repeated(c->open, c->middle, c->close, c->fine);
    ck_assert_msg(status == MR_OK, "%s: %s", c->open, err.message);
    status = parse_repeated(c->open, c->middle, c->close, c->too_deep);
    ck_assert_msg(status == MR_ERR_TOO_COMPLEX, "%s%s: %s", c->open, c->close, err.message);
    ck_assert_str_eq(err.sqlstate, "54001");
}
END_TEST

START_TEST(test_long_conditions_are_flat)
{
    ck_assert_int_eq(parse_repeated("", "a", " AND a", 20000), MR_OK);
    ck_assert_int_eq(parse_repeated("", "a", " OR a", 20000), MR_OK);
    ck_assert_int_eq(parse_repeated("", "a", ", a", 50000), MR_OK);
    ck_assert_int_eq(parse_repeated("", "1; SELECT 1", "; SELECT 1", 1000), MR_OK);
    ck_assert_uint_eq(list.count, 1002);
}
END_TEST

START_TEST(test_size_is_limited)
{
    size_t length = MR_SQL_BYTES_MAX + 1;
    char *text = malloc(length);
    memset(text, ' ', length);
    ck_assert_int_eq(mr_parse(&arena, text, length, &list, &err), MR_ERR_PROGRAM_LIMIT);
    ck_assert_str_eq(err.sqlstate, "54000");
    ck_assert_int_eq(mr_parse(&arena, text, length - 1, &list, &err), MR_OK);
    ck_assert_uint_eq(list.count, 0);
    free(text);
}
END_TEST

START_TEST(test_memory_that_runs_out_is_an_error)
{
    const char *text = "SELECT a, b + 1, f(c) FROM t JOIN u ON t.x = u.x WHERE d IN (1, 2, 3) "
                       "GROUP BY 1 ORDER BY 2; INSERT INTO t VALUES (1, 'a'), (2, 'b'); "
                       "CREATE STREAM s (a int DEFAULT 1, WATERMARK FOR a AS a) WITH (x.y = 1)";
    bool succeeded = false;
    for (size_t limit = 64; limit < 400000 && !succeeded; limit += 4096) {
        MrArena small;
        mr_arena_init(&small, limit);
        MrStatus status = mr_parse(&small, text, strlen(text), &list, &err);
        succeeded = status == MR_OK;
        ck_assert_msg(succeeded || status == MR_ERR_OUT_OF_MEMORY, "%s", err.message);
        mr_arena_fini(&small);
    }
    ck_assert(succeeded);
}
END_TEST

/* ---- What comes out ---------------------------------------------------------------------- */

START_TEST(test_statements_know_their_span)
{
    const char *text = " ; SELECT $2 ; -- x\n  FLUSH /* y */ ;; SELECT $1::int";
    ck_assert_int_eq(parse(text), MR_OK);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_int_eq(list.items[0].start, 3);
    ck_assert_int_eq(list.items[0].end, 12);
    ck_assert_int_eq(list.items[0].parameter_max, 2);
    ck_assert_int_eq(list.items[1].node->kind, MR_AST_FLUSH);
    ck_assert_int_eq(list.items[1].start, 22);
    ck_assert_int_eq(list.items[1].end, 27);
    ck_assert_int_eq(list.items[1].parameter_max, 0);
    ck_assert_int_eq(list.items[2].start, 39);
    ck_assert_int_eq(list.items[2].end, (int)strlen(text));
    ck_assert_int_eq(parse(""), MR_OK);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(test_a_view_knows_its_query_text)
{
    const char *text = "CREATE MATERIALIZED VIEW v AS  SELECT a FROM t  EMIT ON UPDATE";
    ck_assert_int_eq(parse(text), MR_OK);
    const MrAstCreateView *view = MR_AST_AS(const MrAstCreateView, list.items[0].node);
    ck_assert_int_eq(strncmp(text + view->query_start, "SELECT a FROM t",
                             (size_t)(view->query_end - view->query_start)),
                     0);
    ck_assert_int_eq(view->query_end - view->query_start, 15);
    ck_assert_int_eq(view->emit.kind, MR_EMIT_ON_UPDATE);
}
END_TEST

START_TEST(test_positions_point_where_postgresql_points)
{
    ck_assert_int_eq(expression("a + b")->position, 2);
    ck_assert_int_eq(expression("  f(a)")->position, 2);
    ck_assert_int_eq(expression("a::int")->position, 1);
    ck_assert_int_eq(expression(" t.a")->position, 1);
    ck_assert_int_eq(expression("a IN (1)")->position, 2);
    ck_assert_int_eq(expression("CASE WHEN a THEN b END")->position, 0);
}
END_TEST

START_TEST(test_special_calls_are_the_functions_they_stand_for)
{
    const MrAstCall *call = MR_AST_AS(const MrAstCall, expression("POSITION('a' IN b)"));
    ck_assert_str_eq(call->name.name, "position");
    ck_assert_int_eq(call->args.items[0]->kind, MR_AST_COLUMN);
    call = MR_AST_AS(const MrAstCall, expression("TRIM(LEADING 'x' FROM y)"));
    ck_assert_str_eq(call->name.name, "ltrim");
    ck_assert_int_eq(call->args.items[0]->kind, MR_AST_COLUMN);
    call = MR_AST_AS(const MrAstCall, expression("a AT TIME ZONE 'UTC'"));
    ck_assert_str_eq(call->name.name, "timezone");
    ck_assert_int_eq(call->args.items[1]->kind, MR_AST_COLUMN);
    call = MR_AST_AS(const MrAstCall, expression("SUBSTRING(a FOR 3)"));
    ck_assert_uint_eq(call->args.count, 3);
}
END_TEST

START_TEST(test_flinks_window_calls_are_ours)
{
    ck_assert_int_eq(parse("SELECT * FROM TABLE(HOP(SIZE => INTERVAL '2' HOUR, DATA => TABLE c.s, "
                           "SLIDE => INTERVAL '1' HOUR, TIMECOL => DESCRIPTOR(ts)))"),
                     MR_OK);
    MrStatementList flink = list;
    ck_assert_int_eq(parse("SELECT * FROM HOP(c.s, ts, INTERVAL '1' HOUR, INTERVAL '2' HOUR)"),
                     MR_OK);
    ck_assert(mr_ast_equal(flink.items[0].node, list.items[0].node));
    const MrAstQuery *query = MR_AST_AS(const MrAstQuery, list.items[0].node);
    const MrAstFromWindow *window = MR_AST_AS(const MrAstFromWindow, query->from.items[0]);
    ck_assert_int_eq(window->base.kind, MR_AST_FROM_WINDOW);
    ck_assert_int_eq(window->window, MR_WINDOW_HOP);
    ck_assert_str_eq(MR_AST_AS(const MrAstFromTable, window->input)->name.schema, "c");
    ck_assert_uint_eq(window->args.count, 3);
}
END_TEST

START_TEST(test_types_have_catalogue_names)
{
    static const char *const cases[][2] = {
        { "integer", "int4" },
        { "double precision", "float8" },
        { "float(24)", "float4" },
        { "timestamp with time zone", "timestamptz" },
        { "timestamp(3)", "timestamp" },
        { "character varying(10)", "varchar" },
        { "decimal(10,2)", "numeric" },
        { "boolean", "bool" },
        { "char", "bpchar" },
        { "text", "text" },
        { "\"Text\"", "Text" },
        { "pg_catalog.int8", "int8" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MrAstType *type;
        ck_assert_int_eq(mr_parse_type(&arena, cases[i][0], strlen(cases[i][0]), &type, &err),
                         MR_OK);
        ck_assert_str_eq(type->name, cases[i][1]);
    }
    MrAstType *type;
    ck_assert_int_ne(mr_parse_type(&arena, "int; int", 8, &type, &err), MR_OK);
    ck_assert_int_ne(mr_parse_type(&arena, "", 0, &type, &err), MR_OK);
    ck_assert_int_ne(mr_parse_type(&arena, "float(99)", 9, &type, &err), MR_OK);
}
END_TEST

START_TEST(test_precedence_is_postgresqls)
{
    static const char *const same[][2] = {
        { "a + b * c", "a + (b * c)" },
        { "a OR b AND NOT c = d", "a OR (b AND (NOT (c = d)))" },
        { "- a ^ b", "(- a) ^ b" },
        { "- a::int", "- (a::int)" },
        { "a || b + c", "a || (b + c)" },
        { "a -> b = c", "(a -> b) = c" },
        { "a < b IS NULL", "(a < b) IS NULL" },
        { "a IN (1) = b", "(a IN (1)) = b" },
        { "NOT a IN (1)", "NOT (a IN (1))" },
        { "a BETWEEN 1 AND 2 AND b", "(a BETWEEN 1 AND 2) AND b" },
        { "a LIKE b || c", "a LIKE (b || c)" },
        { "a + b AT TIME ZONE c", "a + (b AT TIME ZONE c)" },
        { "a COLLATE x || b", "(a COLLATE x) || b" },
        { "a - b - c", "(a - b) - c" },
        { "a ^ b ^ c", "(a ^ b) ^ c" },
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        ck_assert_msg(mr_ast_equal(expression(same[i][0]), expression(same[i][1])), "%s",
                      same[i][0]);
    }
    ck_assert(!mr_ast_equal(expression("a - (b - c)"), expression("a - b - c")));
}
END_TEST

/* ---- Names of SELECT items --------------------------------------------------------------- */

static const char *const column_names[][2] = {
    { "1", "?column?" },
    { "'a'", "?column?" },
    { "1+1", "?column?" },
    { "true", "?column?" },
    { "null", "?column?" },
    { "lower('A')", "lower" },
    { "pg_catalog.lower('A')", "lower" },
    { "1::int", "int4" },
    { "'1'::numeric(10,2)", "numeric" },
    { "lower('a')::varchar", "lower" },
    { "(1+1)::bigint", "int8" },
    { "CAST('2020-01-01' AS timestamp with time zone)", "timestamptz" },
    { "DATE '2020-01-01'", "date" },
    { "INTERVAL '1' DAY", "interval" },
    { "TIMESTAMP WITH TIME ZONE '2020-01-01'", "timestamptz" },
    { "CASE WHEN true THEN 1 END", "case" },
    { "CASE WHEN true THEN 1 ELSE lower('a')::int END", "lower" },
    { "CASE WHEN true THEN 1 ELSE 2::int END", "case" },
    { "ARRAY[1]", "array" },
    { "(ARRAY[1])[1]", "array" },
    { "ROW(1)", "row" },
    { "(1,2)", "row" },
    { "EXISTS (SELECT 1)", "exists" },
    { "(SELECT 1)", "?column?" },
    { "(SELECT 1 AS x)", "x" },
    { "(SELECT lower('x'))", "lower" },
    { "(VALUES (1))", "column1" },
    { "ARRAY(SELECT 1)", "array" },
    { "COALESCE(1,2)", "coalesce" },
    { "NULLIF(1,2)", "nullif" },
    { "GREATEST(1,2)", "greatest" },
    { "LEAST(1,2)", "least" },
    { "EXTRACT(year FROM now())", "extract" },
    { "POSITION('a' IN 'b')", "position" },
    { "TRIM('a')", "btrim" },
    { "TRIM(LEADING 'x' FROM 'a')", "ltrim" },
    { "SUBSTRING('a' FROM 1)", "substring" },
    { "OVERLAY('abc' PLACING 'x' FROM 1)", "overlay" },
    { "now() AT TIME ZONE 'UTC'", "timezone" },
    { "current_timestamp", "current_timestamp" },
    { "current_date", "current_date" },
    { "localtime", "localtime" },
    { "current_user", "current_user" },
    { "user", "user" },
    { "current_schema", "current_schema" },
    { "session_user", "session_user" },
    { "'a' COLLATE \"C\"", "?column?" },
    { "lower('a') COLLATE \"C\"", "lower" },
    { "NOT true", "?column?" },
    { "1 IN (1)", "?column?" },
    { "'a' LIKE 'b'", "?column?" },
    { "1 IS NULL", "?column?" },
    { "1 = ANY (ARRAY[1])", "?column?" },
    { "-1", "?column?" },
    { "- (1)", "?column?" },
    { "(ROW(1,2)).f1", "f1" },
    { "count(*) OVER ()", "count" },
    { "current_catalog", "current_catalog" },
    { "current_timestamp(3)", "current_timestamp" },
    { "1::float", "float8" },
    { "'x'::char", "bpchar" },
    { "'{}'::json -> 'a'", "?column?" },
};

START_TEST(test_a_select_item_is_named_as_in_postgresql)
{
    ck_assert_str_eq(mr_ast_column_name(expression(column_names[_i][0])), column_names[_i][1]);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("parser");
    TCase *tests = tcase_create("parser");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_an_error_reads_as_in_postgresql, 0, ROWS(error_cases));
    tcase_add_loop_test(tests, test_our_own_errors, 0, ROWS(own_error_cases));
    tcase_add_loop_test(tests, test_depth_is_limited, 0, ROWS(depth_cases));
    tcase_add_test(tests, test_long_conditions_are_flat);
    tcase_add_test(tests, test_size_is_limited);
    tcase_add_test(tests, test_memory_that_runs_out_is_an_error);
    tcase_add_test(tests, test_statements_know_their_span);
    tcase_add_test(tests, test_a_view_knows_its_query_text);
    tcase_add_test(tests, test_positions_point_where_postgresql_points);
    tcase_add_test(tests, test_special_calls_are_the_functions_they_stand_for);
    tcase_add_test(tests, test_flinks_window_calls_are_ours);
    tcase_add_test(tests, test_types_have_catalogue_names);
    tcase_add_test(tests, test_precedence_is_postgresqls);
    tcase_add_loop_test(tests, test_a_select_item_is_named_as_in_postgresql, 0, ROWS(column_names));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
