/*
 * tests/unit/test_casts.c - casts of every type to every other, and typmods, against PostgreSQL 15.
 */
#include "tests/unit/engine_values.h"

#include "common/timezone.h"

MrArena test_arena;

typedef struct CastCase {
    const char *value;
    const char *type;
    int32_t typmod;
    const char *expected;
} CastCase;

static const CastCase cases[] = {
#include "tests/unit/cast_cases.def"
};

static const MrTimezone *berlin;

static MrExpr *cast_node(MrExpr *value, MrTypeId to, int32_t typmod, bool assigns)
{
    MrExpr *node = test_node(MR_EXPR_CAST, to, 1);
    node->type.typmod = typmod;
    node->negated = assigns;
    node->args[0] = value;
    node->cast = mr_cast_find(value->type.id, to);
    return node;
}

/* The value as a column of rows, and as a constant. */
static const char *cast_text(const CastCase *c)
{
    const MrTypeId to = test_type(c->type, strlen(c->type));
    const char *colon = strchr(c->value, ':');
    MrError err = MR_ERROR_INIT;
    MrDatum value = { .type = mr_type(test_type(c->value, (size_t)(colon - c->value))) };
    ck_assert_int_eq(
        mr_datum_parse(&test_arena, value.type, mr_string(colon + 1), berlin, &value, &err), MR_OK);
    if (mr_cast_find(value.type.id, to) == NULL) {
        return "!none";
    }
    MrBlock *block = test_block(&value, 1, TEST_ROWS);
    const char *column = test_eval_row(
        cast_node(test_column(0, value.type.id), to, c->typmod, false), block, berlin, 77);
    MrExpr *constant = test_node(MR_EXPR_CONSTANT, value.type.id, 0);
    constant->constant = value;
    const char *folded = test_eval_row(cast_node(constant, to, c->typmod, false), block, berlin, 3);
    ck_assert_msg(strcmp(column, folded) == 0, "%s to %s: %s or %s", c->value, c->type, column,
                  folded);
    return column;
}

START_TEST(test_cast_gives_what_postgresql_gives)
{
    uint32_t wrong = 0;
    mr_arena_init(&test_arena, 0);
    ck_assert_int_eq(mr_timezone_find(MR_STRING("Europe/Berlin"), &berlin, NULL), MR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = cast_text(&cases[i]);
        if (strcmp(got, cases[i].expected) != 0 && wrong++ < 400) {
            fprintf(stderr, "%s to %s(%d): got %s, expected %s\n", cases[i].value, cases[i].type,
                    cases[i].typmod, got, cases[i].expected);
        }
    }
    mr_arena_fini(&test_arena);
    ck_assert_msg(wrong == 0, "%u casts differ", wrong);
}
END_TEST

START_TEST(test_assignment_refuses_long_text)
{
    mr_arena_init(&test_arena, 0);
    MrExpr *value = test_constant("text:abcd"), *blanks = test_constant("text:abc  ");
    MrBlock *block = test_block(NULL, 0, 1);
    ck_assert_str_eq(test_eval_row(cast_node(value, MR_TYPE_VARCHAR, 3 + 4, true), block, NULL, 0),
                     "!22001 value too long for type character varying(3)");
    ck_assert_str_eq(test_eval_row(cast_node(blanks, MR_TYPE_VARCHAR, 3 + 4, true), block, NULL, 0),
                     "abc");
    mr_arena_fini(&test_arena);
}
END_TEST

START_TEST(test_contexts_are_those_of_pg_cast)
{
    ck_assert_int_eq(mr_cast_find(MR_TYPE_INT32, MR_TYPE_INT64)->context, MR_CAST_IMPLICIT);
    ck_assert_int_eq(mr_cast_find(MR_TYPE_INT64, MR_TYPE_INT32)->context, MR_CAST_ASSIGNMENT);
    ck_assert_int_eq(mr_cast_find(MR_TYPE_INT32, MR_TYPE_BOOL)->context, MR_CAST_EXPLICIT);
    ck_assert_int_eq(mr_cast_find(MR_TYPE_TEXT, MR_TYPE_INT32)->context, MR_CAST_EXPLICIT);
    ck_assert_int_eq(mr_cast_find(MR_TYPE_INT32, MR_TYPE_TEXT)->context, MR_CAST_ASSIGNMENT);
    ck_assert_ptr_null(mr_cast_find(MR_TYPE_INT64, MR_TYPE_BOOL));
    ck_assert_ptr_null(mr_cast_find(MR_TYPE_DATE, MR_TYPE_INT32));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("casts");
    TCase *tcase = tcase_create("mr_cast_find");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_cast_gives_what_postgresql_gives);
    tcase_add_test(tcase, test_assignment_refuses_long_text);
    tcase_add_test(tcase, test_contexts_are_those_of_pg_cast);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
