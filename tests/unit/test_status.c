/*
 * tests/unit/test_status.c - errors: what is told, cut and kept.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/status.h"
#include "common/text.h"

START_TEST(test_set_fills_the_story)
{
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_error_set(&err, MR_ERR_SYNTAX, "no %s", "way"), MR_ERR_SYNTAX);
    mr_error_detail(&err, "because %d", 3);
    mr_error_hint(&err, "turn");
    mr_error_at(&err, 17);
    ck_assert_str_eq(err.sqlstate, "42601");
    ck_assert_str_eq(err.message, "no way");
    ck_assert_str_eq(err.detail, "because 3");
    ck_assert_str_eq(err.hint, "turn");
    ck_assert_int_eq(err.position, 17);
    mr_error_set(&err, MR_ERR_INTERNAL, "again: %s", err.message);
    ck_assert_str_eq(err.message, "again: no way");
    ck_assert_str_eq(err.detail, "");
    ck_assert_str_eq(err.hint, "");
    ck_assert_int_eq(err.position, -1);
}
END_TEST

START_TEST(test_null_error_passes_the_status_on)
{
    ck_assert_int_eq(mr_error_set(NULL, MR_ERR_IO, "x"), MR_ERR_IO);
    ck_assert_int_eq(mr_error_detail(NULL, "x"), MR_ERR_INTERNAL);
    mr_error_sqlstate(NULL, "12345");
    mr_error_clear(NULL);
}
END_TEST

START_TEST(test_long_message_is_cut_at_a_character)
{
    char text[800];
    MrError err = MR_ERROR_INIT;
    memset(text, 'a', sizeof text);
    for (size_t i = 1; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    text[sizeof text - 1] = '\0';
    mr_error_set(&err, MR_ERR_SYNTAX, "%s", text);
    ck_assert_uint_ge(strlen(err.message), sizeof err.message - 3);
    ck_assert_uint_eq(mr_utf8_check(err.message, strlen(err.message)), strlen(err.message));
}
END_TEST

START_TEST(test_foreign_sqlstate_has_five_characters)
{
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, MR_ERR_SINK_WRITE, "x");
    mr_error_sqlstate(&err, "23505");
    ck_assert_str_eq(err.sqlstate, "23505");
    mr_error_sqlstate(&err, "way too long");
    ck_assert_str_eq(err.sqlstate, "23505");
}
END_TEST

START_TEST(test_every_status_has_a_code)
{
    for (int status = 0; status < MR_STATUS_COUNT; status++) {
        ck_assert_uint_eq(strlen(mr_status_sqlstate((MrStatus)status)), 5);
        ck_assert_uint_gt(strlen(mr_status_name((MrStatus)status)), 1);
    }
    ck_assert_str_eq(mr_status_sqlstate(MR_OK), "00000");
    ck_assert_str_eq(mr_status_sqlstate((MrStatus)9999), "XX000");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *error_set_case = tcase_create("mr_error_set");
    tcase_add_test(error_set_case, test_set_fills_the_story);
    tcase_add_test(error_set_case, test_null_error_passes_the_status_on);
    tcase_add_test(error_set_case, test_long_message_is_cut_at_a_character);
    suite_add_tcase(suite, error_set_case);
    TCase *error_sqlstate_case = tcase_create("mr_error_sqlstate");
    tcase_add_test(error_sqlstate_case, test_foreign_sqlstate_has_five_characters);
    tcase_add_test(error_sqlstate_case, test_every_status_has_a_code);
    suite_add_tcase(suite, error_sqlstate_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
