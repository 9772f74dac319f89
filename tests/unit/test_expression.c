/*
 * tests/unit/test_expression.c - trees of operators over blocks: three-valued logic, what is evaluated
 * only for some rows, rows that fail, constants.
 */
#include "tests/unit/engine_values.h"

#include "common/random.h"
#include "common/timezone.h"

MrArena test_arena;

/* Columns: a int4 (row % 7, NULL every 5th), b int4 (row % 3), t text, always ROWS rows. */
enum { ROWS = 200 };

static int32_t a_value(uint32_t row)
{
    return (int32_t)(row % 7);
}
static bool a_is_null(uint32_t row)
{
    return row % 5 == 4;
}
static int32_t b_value(uint32_t row)
{
    return (int32_t)(row % 3);
}

static MrBlock *numbers_block(uint32_t rows)
{
    MrBlock *block = mr_arena_calloc(&test_arena, 1, sizeof *block);
    MrError err = MR_ERROR_INIT;
    block->row_count = rows;
    block->column_count = 3;
    block->columns = mr_arena_calloc(&test_arena, 3, sizeof *block->columns);
    mr_vector_init(&block->columns[0], &test_arena, mr_type(MR_TYPE_INT32), rows, &err);
    mr_vector_init(&block->columns[1], &test_arena, mr_type(MR_TYPE_INT32), rows, &err);
    mr_vector_init(&block->columns[2], &test_arena, mr_type(MR_TYPE_TEXT), rows, &err);
    mr_vector_make_nullable(&block->columns[0], &test_arena, &err);
    for (uint32_t i = 0; i < rows; i++) {
        ((int32_t *)block->columns[0].data)[i] = a_value(i);
        ((int32_t *)block->columns[1].data)[i] = b_value(i);
        char *text = mr_arena_printf(&test_arena,
                                     i % 2 ? "%u" : "a text of more than twelve bytes %u", i % 11);
        ((MrText *)block->columns[2].data)[i] = mr_text_make(text, (uint32_t)strlen(text));
        if (a_is_null(i)) {
            mr_bitmap_clear(block->columns[0].validity, i);
        }
    }
    return block;
}

static MrExpr *column_a(void)
{
    return test_column(0, MR_TYPE_INT32);
}
static MrExpr *column_b(void)
{
    return test_column(1, MR_TYPE_INT32);
}
static MrExpr *node_1(MrExprKind kind, MrTypeId type, MrExpr *arg)
{
    MrExpr *node = test_node(kind, type, 1);
    node->args[0] = arg;
    return node;
}
static MrExpr *node_n(MrExprKind kind, MrTypeId type, uint32_t count, MrExpr **args)
{
    MrExpr *node = test_node(kind, type, count);
    memcpy(node->args, args, count * sizeof *args);
    return node;
}
#define NODE(KIND, TYPE, ...)                                                                      \
    node_n(MR_EXPR_##KIND, MR_TYPE_##TYPE, sizeof((MrExpr *[]){ __VA_ARGS__ }) / sizeof(MrExpr *), \
           (MrExpr *[]){ __VA_ARGS__ })
#define COMPARE(NAME, A, B) test_call_2(NAME, A, B)
#define INT(TEXT) test_constant("int4:" TEXT)

typedef struct Run {
    MrVector out;
    MrRowErrors errors;
    MrError err;
    MrStatus status;
} Run;

static Run run_over(const MrExpr *tree, const MrBlock *block, bool records)
{
    MrExpression *expression;
    Run run = { .errors = { .arena = &test_arena } };
    run.status = mr_expression_compile(&test_arena, tree, NULL, &expression, &run.err);
    ck_assert_msg(run.status == MR_OK, "%s", run.err.message);
    MrEval eval = { .arena = &test_arena,
                    .block = block,
                    .now_us = 77,
                    .errors = records ? &run.errors : NULL,
                    .err = &run.err };
    run.status = mr_expression_eval(expression, &eval, &run.out);
    return run;
}
static bool row_failed(const Run *run, uint32_t row)
{
    return run->errors.failed != NULL && mr_bitmap_get(run->errors.failed, row);
}
/* -1: NULL, -2: failed. */
static int64_t int_at(const Run *run, uint32_t row)
{
    MrDatum datum;
    if (row_failed(run, row)) {
        return -2;
    }
    mr_vector_get(&run->out, row, &datum);
    return datum.is_null ? -1 : datum.type.id == MR_TYPE_BOOL ? datum.boolean : datum.integer;
}

static void start(void)
{
    mr_arena_init(&test_arena, 0);
}
static void stop(void)
{
    mr_arena_fini(&test_arena);
}

START_TEST(test_and_or_are_three_valued)
{
    MrBlock *block = numbers_block(ROWS);
    Run both = run_over(
        NODE(AND, BOOL, COMPARE(">", column_a(), INT("3")), COMPARE("=", column_b(), INT("1"))),
        block, true);
    Run either = run_over(
        NODE(OR, BOOL, COMPARE(">", column_a(), INT("3")), COMPARE("=", column_b(), INT("1"))),
        block, true);
    Run neither = run_over(node_1(MR_EXPR_NOT, MR_TYPE_BOOL, COMPARE(">", column_a(), INT("3"))),
                           block, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        const int x = a_is_null(i) ? -1 : a_value(i) > 3, y = b_value(i) == 1;
        ck_assert_int_eq(int_at(&both, i), x == 0 || y == 0 ? 0 : x);
        ck_assert_int_eq(int_at(&either, i), x == 1 || y == 1 ? 1 : x);
        ck_assert_int_eq(int_at(&neither, i), x == -1 ? -1 : !x);
    }
}
END_TEST

/* b <> 0 AND 10 / b > 4: never divides by zero, whether constants or columns decide. */
START_TEST(test_and_spares_rows_that_are_decided)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *quotient = test_call_2("/", INT("10"), column_b());
    Run run = run_over(
        NODE(AND, BOOL, COMPARE("<>", column_b(), INT("0")), COMPARE(">", quotient, INT("5"))),
        block, true);
    ck_assert_int_eq(run.status, MR_OK);
    ck_assert_uint_eq(run.errors.count, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        ck_assert_int_eq(int_at(&run, i), b_value(i) == 1);
    }
    Run other = run_over(
        NODE(OR, BOOL, COMPARE("=", column_b(), INT("0")), COMPARE(">", quotient, INT("5"))), block,
        true);
    ck_assert_uint_eq(other.errors.count, 0);
    ck_assert_int_eq(int_at(&other, 0), 1);
}
END_TEST

START_TEST(test_failed_rows_are_named)
{
    MrBlock *block = numbers_block(ROWS);
    Run run = run_over(test_call_2("/", column_a(), column_b()), block, true);
    ck_assert_int_eq(run.status, MR_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        /* NULL / 0 is NULL. */
        const bool fails = b_value(i) == 0 && !a_is_null(i);
        ck_assert_int_eq(row_failed(&run, i), fails);
        ck_assert_int_eq(int_at(&run, i), fails ? -2 : a_is_null(i) ? -1 : a_value(i) / b_value(i));
    }
    ck_assert_str_eq(run.errors.items[0].error.sqlstate, "22012");
    Run adhoc = run_over(test_call_2("/", column_a(), column_b()), block, false);
    ck_assert_int_eq(adhoc.status, MR_ERR_DIVISION_BY_ZERO);
    ck_assert_str_eq(adhoc.err.message, "division by zero");
}
END_TEST

/* CASE WHEN b = 2 THEN 12 / (a - 3) ELSE a END: errors inside an arm carry the row of the block. */
START_TEST(test_errors_in_branches_name_the_row_of_the_block)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *arm = test_call_2("/", INT("12"), test_call_2("-", column_a(), INT("3")));
    Run run = run_over(NODE(CASE, INT32, COMPARE("=", column_b(), INT("2")), arm, column_a()),
                       block, true);
    ck_assert_int_eq(run.status, MR_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        const bool in_arm = b_value(i) == 2;
        const int64_t expected = a_is_null(i)      ? -1
                                 : !in_arm         ? a_value(i)
                                 : a_value(i) == 3 ? -2
                                                   : 12 / (a_value(i) - 3);
        if (in_arm && !a_is_null(i) && a_value(i) != 3) {
            MrDatum datum;
            mr_vector_get(&run.out, i, &datum);
            ck_assert_int_eq(datum.integer, 12 / (a_value(i) - 3));
            ck_assert(!row_failed(&run, i));
        } else {
            ck_assert_msg(int_at(&run, i) == expected, "row %u", i);
        }
    }
}
END_TEST

START_TEST(test_case_in_case_in_and)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *inner = NODE(CASE, INT32, COMPARE(">", column_a(), INT("0")),
                         test_call_2("/", INT("60"), column_a()), INT("7"));
    MrExpr *outer = NODE(CASE, INT32, COMPARE("=", column_b(), INT("0")), inner,
                         COMPARE("=", column_b(), INT("1")), INT("8"), test_constant("int4:NULL"));
    Run run = run_over(outer, block, false);
    ck_assert_msg(run.status == MR_OK, "%s", run.err.message);
    for (uint32_t i = 0; i < ROWS; i++) {
        const int64_t arm = !a_is_null(i) && a_value(i) > 0 ? 60 / a_value(i) : 7;
        ck_assert_int_eq(int_at(&run, i), b_value(i) == 0 ? arm : b_value(i) == 1 ? 8 : -1);
    }
}
END_TEST

START_TEST(test_coalesce_evaluates_later_arguments_for_nulls_only)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *second = test_call_2("/", INT("10"), column_b());
    Run run = run_over(NODE(COALESCE, INT32, column_a(), second, INT("5")), block, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        const int64_t expected = !a_is_null(i)     ? a_value(i)
                                 : b_value(i) == 0 ? -2
                                                   : 10 / b_value(i);
        ck_assert_int_eq(int_at(&run, i), expected);
    }
}
END_TEST

START_TEST(test_greatest_and_least_pass_over_nulls)
{
    MrBlock *block = numbers_block(ROWS);
    Run greatest = run_over(NODE(GREATEST, INT32, column_a(), column_b(), INT("2")), block, true);
    Run least = run_over(NODE(LEAST, INT32, column_a(), test_constant("int4:NULL"), column_b()),
                         block, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        const int32_t a = a_is_null(i) ? -1 : a_value(i), b = b_value(i);
        ck_assert_int_eq(int_at(&greatest, i), a > b ? (a > 2 ? a : 2) : b > 2 ? b : 2);
        ck_assert_int_eq(int_at(&least, i), a_is_null(i) ? b : a < b ? a : b);
    }
}
END_TEST

START_TEST(test_in_over_few_and_many_constants)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *members[40] = { column_a() };
    for (int count = 2; count < 40; count += 12) {
        for (int k = 1; k < count; k++) {
            char text[32];
            snprintf(text, sizeof text, "int4:%d", k * 2);
            members[k] = test_constant(text);
        }
        Run run = run_over(node_n(MR_EXPR_IN, MR_TYPE_BOOL, (uint32_t)count, members), block, true);
        for (uint32_t i = 0; i < ROWS; i++) {
            const bool in = a_value(i) % 2 == 0 && a_value(i) >= 2 && a_value(i) / 2 < count;
            ck_assert_int_eq(int_at(&run, i), a_is_null(i) ? -1 : in);
        }
    }
}
END_TEST

START_TEST(test_in_with_nulls_columns_and_not)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *in = NODE(IN, BOOL, column_b(), INT("1"), test_constant("int4:NULL"));
    Run run = run_over(in, block, true);
    MrExpr *not_in = NODE(IN, BOOL, column_b(), INT("1"), column_a());
    not_in->negated = true;
    Run negated = run_over(not_in, block, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        ck_assert_int_eq(int_at(&run, i), b_value(i) == 1 ? 1 : -1);
        const bool same = b_value(i) == 1 || (!a_is_null(i) && a_value(i) == b_value(i));
        ck_assert_int_eq(int_at(&negated, i), same ? 0 : a_is_null(i) ? -1 : 1);
    }
}
END_TEST

START_TEST(test_in_over_text)
{
    MrBlock *block = numbers_block(ROWS);
    Run run = run_over(NODE(IN, BOOL, test_column(2, MR_TYPE_TEXT), test_constant("text:3"),
                            test_constant("text:a text of more than twelve bytes 4")),
                       block, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        ck_assert_int_eq(int_at(&run, i), i % 2 ? i % 11 == 3 : i % 11 == 4);
    }
}
END_TEST

START_TEST(test_is_null_true_false_distinct)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpr *greater = COMPARE(">", column_a(), INT("3"));
    MrExpr *not_null = node_1(MR_EXPR_IS_NULL, MR_TYPE_BOOL, column_a());
    not_null->negated = true;
    MrExpr *not_true = node_1(MR_EXPR_IS_TRUE, MR_TYPE_BOOL, greater);
    not_true->negated = true;
    Run is_null = run_over(node_1(MR_EXPR_IS_NULL, MR_TYPE_BOOL, column_a()), block, true);
    Run is_not_null = run_over(not_null, block, true);
    Run is_not_true = run_over(not_true, block, true);
    Run is_false = run_over(node_1(MR_EXPR_IS_FALSE, MR_TYPE_BOOL, greater), block, true);
    Run distinct = run_over(NODE(IS_DISTINCT, BOOL, column_a(), column_b()), block, true);
    Run from_null =
        run_over(NODE(IS_DISTINCT, BOOL, column_a(), test_constant("int4:NULL")), block, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        const bool null = a_is_null(i);
        ck_assert_int_eq(int_at(&is_null, i), null);
        ck_assert_int_eq(int_at(&is_not_null, i), !null);
        ck_assert_int_eq(int_at(&is_not_true, i), null || a_value(i) <= 3);
        ck_assert_int_eq(int_at(&is_false, i), !null && a_value(i) <= 3);
        ck_assert_int_eq(int_at(&distinct, i), null || a_value(i) != b_value(i));
        ck_assert_int_eq(int_at(&from_null, i), !null);
    }
}
END_TEST

START_TEST(test_select_gives_true_rows_that_did_not_fail)
{
    MrBlock *block = numbers_block(ROWS);
    MrExpression *expression;
    MrError err = MR_ERROR_INIT;
    MrRowErrors errors = { .arena = &test_arena };
    MrEval eval = { .arena = &test_arena, .block = block, .errors = &errors, .err = &err };
    uint32_t *rows, count, expected = 0;
    MrExpr *tree = COMPARE(">=", test_call_2("/", column_a(), column_b()), INT("2"));
    ck_assert_int_eq(mr_expression_compile(&test_arena, tree, NULL, &expression, &err), MR_OK);
    ck_assert_int_eq(mr_expression_select(expression, &eval, &rows, &count), MR_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        if (!a_is_null(i) && b_value(i) != 0 && a_value(i) / b_value(i) >= 2) {
            ck_assert_uint_lt(expected, count);
            ck_assert_uint_eq(rows[expected++], i);
        }
    }
    ck_assert_uint_eq(expected, count);
}
END_TEST

/* A constant that fails fails for each row, but not where there is none, nor in an arm not taken. */
START_TEST(test_constant_that_fails)
{
    MrBlock *block = numbers_block(10), *empty = numbers_block(0);
    MrExpr *bad = test_call_2("/", INT("1"), INT("0"));
    Run run = run_over(bad, block, true);
    ck_assert_uint_eq(run.errors.count, 10);
    ck_assert_uint_eq(run_over(bad, empty, true).errors.count, 0);
    ck_assert_int_eq(run_over(bad, empty, false).status, MR_OK);
    ck_assert_int_eq(run_over(bad, block, false).status, MR_ERR_DIVISION_BY_ZERO);
    Run guarded = run_over(NODE(CASE, INT32, COMPARE("<", column_b(), INT("5")), INT("1"), bad),
                           block, false);
    ck_assert_int_eq(guarded.status, MR_OK);
    Run deep = { 0 };
    for (int i = 0; i < 90; i++) { /* tried once as a whole, not once a level */
        bad = test_call_2("+", bad, INT("1"));
    }
    deep = run_over(bad, block, true);
    ck_assert_uint_eq(deep.errors.count, 10);
}
END_TEST

START_TEST(test_sequence_and_arrival)
{
    MrBlock *block = numbers_block(ROWS);
    Run none = run_over(test_node(MR_EXPR_SEQUENCE, MR_TYPE_INT64, 0), block, true);
    Run now = run_over(test_node(MR_EXPR_ARRIVAL, MR_TYPE_TIMESTAMPTZ, 0), block, true);
    ck_assert_int_eq(int_at(&none, 3), 0);
    ck_assert_int_eq(int_at(&now, 3), 77);
    block->place = (MrPlace){ .stream_id = 1, .first_sequence = 1000, .arrival_us = 5 };
    Run sequence = run_over(test_node(MR_EXPR_SEQUENCE, MR_TYPE_INT64, 0), block, true);
    Run arrival = run_over(test_node(MR_EXPR_ARRIVAL, MR_TYPE_TIMESTAMPTZ, 0), block, true);
    ck_assert_int_eq(int_at(&sequence, 3), 1003);
    ck_assert_int_eq(int_at(&arrival, 3), 5);
    /* Inside a branch the rows keep their places. */
    MrExpr *divided = test_call_2("/", test_node(MR_EXPR_SEQUENCE, MR_TYPE_INT64, 0), column_b());
    Run branch = run_over(
        NODE(CASE, INT64, COMPARE("=", column_b(), INT("2")), divided, test_constant("int8:0")),
        block, false);
    ck_assert_int_eq(branch.status, MR_OK);
    ck_assert_int_eq(int_at(&branch, 5), 1005 / 2);
}
END_TEST

START_TEST(test_window_start_of_a_column)
{
    MrBlock *block = numbers_block(ROWS);
    MrError err = MR_ERROR_INIT;
    MrExpr *tree =
        node_1(MR_EXPR_WINDOW_START, MR_TYPE_TIMESTAMP, test_column(0, MR_TYPE_TIMESTAMP));
    tree->window = (MrWindow){ .size_us = 60, .slide_us = 20, .offset_us = 5 };
    mr_vector_init(&block->columns[0], &test_arena, mr_type(MR_TYPE_TIMESTAMP), ROWS, &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        ((int64_t *)block->columns[0].data)[i] = (int64_t)i * 7 - 500;
    }
    Run run = run_over(tree, block, false);
    for (uint32_t i = 0; i < ROWS; i++) {
        ck_assert_int_eq(((int64_t *)run.out.data)[i],
                         mr_window_start(&tree->window, (int64_t)i * 7 - 500));
    }
}
END_TEST

START_TEST(test_questions_about_trees)
{
    MrExpr *sum = test_call_2("+", column_a(), column_b()),
           *same = test_call_2("+", column_a(), column_b());
    MrExpr *other = test_call_2("+", column_b(), column_a());
    ck_assert(mr_expr_equal(sum, same));
    ck_assert(!mr_expr_equal(sum, other));
    ck_assert(!mr_expr_equal(test_constant("numeric:1.0"), test_constant("numeric:1.00")));
    ck_assert(mr_expr_equal(test_constant("text:NULL"), test_constant("text:NULL")));
    ck_assert(mr_expr_is_fallible(sum));
    ck_assert(!mr_expr_is_fallible(COMPARE("=", column_a(), column_b())));
    ck_assert(
        mr_expr_is_volatile(COMPARE("<", test_call("random", 0, NULL), test_constant("float8:1"))));
    ck_assert(!mr_expr_is_volatile(sum));
}
END_TEST

START_TEST(test_constant_value)
{
    MrDatum out;
    MrError err = MR_ERROR_INIT;
    MrExpr *tree = test_call_2("+", INT("40"), INT("2"));
    ck_assert_int_eq(mr_expr_constant_value(&test_arena, tree, NULL, 0, &out, &err), MR_OK);
    ck_assert_int_eq(out.integer, 42);
    tree = test_node(MR_EXPR_ARRIVAL, MR_TYPE_TIMESTAMPTZ, 0);
    ck_assert_int_eq(mr_expr_constant_value(&test_arena, tree, NULL, 99, &out, &err), MR_OK);
    ck_assert_int_eq(out.integer, 99);
    tree = test_call_2("/", INT("1"), INT("0"));
    ck_assert_int_eq(mr_expr_constant_value(&test_arena, tree, NULL, 0, &out, &err),
                     MR_ERR_DIVISION_BY_ZERO);
    tree = column_a();
    ck_assert_int_ne(mr_expr_constant_value(&test_arena, tree, NULL, 0, &out, &err), MR_OK);
}
END_TEST

/* Random trees give the same over a whole block as over blocks of one row. */
static MrExpr *random_tree(MrRandom *random, int depth, bool boolean)
{
    const uint64_t pick = mr_random_below(random, 8);
    if (boolean) {
        static const char *const operators[] = { "=", "<>", "<", "<=", ">", ">=" };
        if (depth <= 0 || pick < 4) {
            return COMPARE(operators[mr_random_below(random, 6)],
                           random_tree(random, depth - 1, false),
                           random_tree(random, depth - 1, false));
        }
        if (pick == 4) {
            return node_1(MR_EXPR_NOT, MR_TYPE_BOOL, random_tree(random, depth - 1, true));
        }
        if (pick == 5) {
            return NODE(IN, BOOL, random_tree(random, depth - 1, false), INT("1"), INT("4"),
                        column_b());
        }
        MrExpr *args[3] = { random_tree(random, depth - 1, true),
                            random_tree(random, depth - 1, true),
                            random_tree(random, depth - 1, true) };
        return node_n(pick == 6 ? MR_EXPR_AND : MR_EXPR_OR, MR_TYPE_BOOL, 3, args);
    }
    if (depth <= 0 || pick < 2) {
        return pick % 2 == 0 ? column_a() : mr_random_below(random, 2) != 0 ? column_b() : INT("3");
    }
    if (pick == 2) {
        return NODE(COALESCE, INT32, random_tree(random, depth - 1, false),
                    random_tree(random, depth - 1, false));
    }
    if (pick == 3) {
        return NODE(CASE, INT32, random_tree(random, depth - 1, true),
                    random_tree(random, depth - 1, false), random_tree(random, depth - 1, true),
                    random_tree(random, depth - 1, false), random_tree(random, depth - 1, false));
    }
    if (pick == 4) {
        return NODE(GREATEST, INT32, random_tree(random, depth - 1, false),
                    random_tree(random, depth - 1, false));
    }
    static const char *const operators[] = { "+", "-", "*", "/", "%" };
    return test_call_2(operators[mr_random_below(random, 5)], random_tree(random, depth - 1, false),
                       random_tree(random, depth - 1, false));
}

START_TEST(test_random_trees_do_not_depend_on_block_size)
{
    MrRandom random;
    MrError err = MR_ERROR_INIT;
    mr_random_init(&random, 20260101);
    for (int round = 0; round < 150; round++) {
        mr_arena_reset(&test_arena);
        MrBlock *block = numbers_block(ROWS);
        MrExpr *tree = random_tree(&random, 5, round % 2 == 0);
        Run whole = run_over(tree, block, true);
        ck_assert_msg(whole.status == MR_OK, "%s", whole.err.message);
        for (uint32_t row = 0; row < ROWS; row += 3) {
            MrBlock *one;
            ck_assert_int_eq(mr_block_select(&test_arena, block, &row, 1, &one, &err), MR_OK);
            Run single = run_over(tree, one, true);
            MrDatum x = { 0 }, y = { 0 };
            ck_assert_msg(row_failed(&whole, row) == row_failed(&single, 0), "round %d row %u",
                          round, row);
            if (!row_failed(&whole, row)) {
                mr_vector_get(&whole.out, row, &x);
                mr_vector_get(&single.out, 0, &y);
                ck_assert_msg(strcmp(test_datum_text(&x, NULL), test_datum_text(&y, NULL)) == 0,
                              "round %d row %u", round, row);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expression");
    TCase *eval = tcase_create("mr_expression_eval");
    tcase_set_timeout(eval, 120);
    tcase_add_checked_fixture(eval, start, stop);
    tcase_add_test(eval, test_and_or_are_three_valued);
    tcase_add_test(eval, test_and_spares_rows_that_are_decided);
    tcase_add_test(eval, test_failed_rows_are_named);
    tcase_add_test(eval, test_errors_in_branches_name_the_row_of_the_block);
    tcase_add_test(eval, test_case_in_case_in_and);
    tcase_add_test(eval, test_coalesce_evaluates_later_arguments_for_nulls_only);
    tcase_add_test(eval, test_greatest_and_least_pass_over_nulls);
    tcase_add_test(eval, test_in_over_few_and_many_constants);
    tcase_add_test(eval, test_in_with_nulls_columns_and_not);
    tcase_add_test(eval, test_in_over_text);
    tcase_add_test(eval, test_is_null_true_false_distinct);
    tcase_add_test(eval, test_select_gives_true_rows_that_did_not_fail);
    tcase_add_test(eval, test_constant_that_fails);
    tcase_add_test(eval, test_sequence_and_arrival);
    tcase_add_test(eval, test_window_start_of_a_column);
    tcase_add_test(eval, test_questions_about_trees);
    tcase_add_test(eval, test_constant_value);
    tcase_add_test(eval, test_random_trees_do_not_depend_on_block_size);
    suite_add_tcase(suite, eval);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
