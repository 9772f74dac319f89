/*
 * tests/unit/test_functions.c - scalar functions and operators against what PostgreSQL 15 answers.
 * Each call is evaluated with constants and with columns; the answers must agree.
 */
#include "tests/unit/engine_values.h"

#include "common/timezone.h"

MrArena test_arena;

typedef struct FunctionCase {
    const char *function;
    const char *args[8];
    uint32_t arg_count;
    const char *expected;
} FunctionCase;

static const FunctionCase cases[] = {
#include "tests/unit/function_cases.def"
};

START_TEST(test_call_gives_what_postgresql_gives)
{
    uint32_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const FunctionCase *c = &cases[i];
        mr_arena_init(&test_arena, 0);
        const char *got = test_eval_call(c->function, c->args, c->arg_count, mr_timezone_utc());
        if (strcmp(got, c->expected) != 0 && wrong++ < 400) {
            fprintf(stderr, "%s(%s, %s, %s): got %s, expected %s\n", c->function, c->args[0],
                    c->args[1] ? c->args[1] : "", c->args[2] ? c->args[2] : "", got, c->expected);
        }
        mr_arena_fini(&test_arena);
    }
    ck_assert_msg(wrong == 0, "%u calls differ", wrong);
}
END_TEST

START_TEST(test_lookup_finds_all_overloads)
{
    const MrFunction *const *all;
    const MrFunction *const *some;
    uint32_t count = mr_function_all(&all), sum = 0;
    ck_assert_uint_gt(count, 500);
    for (uint32_t i = 0; i < count; i += mr_function_lookup(mr_string(all[i]->name), &some)) {
        uint32_t overloads = mr_function_lookup(mr_string(all[i]->name), &some);
        ck_assert_uint_gt(overloads, 0);
        ck_assert_ptr_eq(some[0], all[i]);
        sum += overloads;
    }
    ck_assert_uint_eq(sum, count);
    ck_assert_uint_eq(mr_function_lookup(MR_STRING("no_such_function"), &some), 0);
    ck_assert_uint_eq(mr_function_lookup(MR_STRING(""), &some), 0);
}
END_TEST

START_TEST(test_every_entry_is_documented)
{
    const MrFunction *const *all;
    uint32_t count = mr_function_all(&all);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_msg(all[i]->doc != NULL && all[i]->example != NULL && all[i]->returns != NULL &&
                          all[i]->eval != NULL,
                      "%s", all[i]->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("functions");
    TCase *call = tcase_create("call");
    tcase_set_timeout(call, 120);
    tcase_add_test(call, test_call_gives_what_postgresql_gives);
    tcase_add_test(call, test_lookup_finds_all_overloads);
    tcase_add_test(call, test_every_entry_is_documented);
    suite_add_tcase(suite, call);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
