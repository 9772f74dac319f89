/*
 * tests/unit/test_text.c - counted strings, the builder, UTF-8.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *bytes;
    size_t good; /* bytes before the first malformed one */
} utf8_cases[] = {
    { "", 0 },
    { "plain text of more than eight bytes", 35 },
    { "gr\xc3\xbc\xc3\x9f"
      "e",
      7 },
    { "\xe2\x82\xac", 3 },
    { "\xf0\x9f\x98\x80", 4 },
    { "\xf4\x8f\xbf\xbf", 4 },
    { "\xf4\x90\x80\x80", 0 }, /* above U+10FFFF */
    { "12345678\x80", 8 },
    { "12345678\xc0\x80", 8 }, /* overlong NUL */
    { "\xc1\xbf", 0 },
    { "\xe0\x9f\xbf", 0 },   /* overlong */
    { "ab\xed\xa0\x80", 2 }, /* surrogate */
    { "ab\xe2\x82", 2 },     /* cut off */
    { "\xf8\x88\x80\x80\x80", 0 },
    { "\xff", 0 },
    { "a\xc3(", 1 },
};

START_TEST(test_utf8_check)
{
    const char *bytes = utf8_cases[_i].bytes;
    ck_assert_uint_eq(mr_utf8_check(bytes, strlen(bytes)), utf8_cases[_i].good);
}
END_TEST

START_TEST(test_nul_is_malformed)
{
    ck_assert_uint_eq(mr_utf8_check("ab\0cdefghijkl", 13), 2);
    ck_assert_uint_eq(mr_utf8_check("abcdefgh\0", 9), 8);
}
END_TEST

START_TEST(test_truncate_keeps_characters_whole)
{
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 2 3 4 1 bytes */
    static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };
    for (size_t max = 0; max < sizeof kept / sizeof kept[0]; max++) {
        ck_assert_uint_eq(mr_utf8_truncate(text, 11, max), kept[max]);
    }
    ck_assert_uint_eq(mr_utf8_truncate(text, 11, 100), 11);
    ck_assert_uint_eq(mr_utf8_length(text, 11), 5);
}
END_TEST

START_TEST(test_strings)
{
    ck_assert(mr_string_equal(mr_string(NULL), MR_STRING("")));
    ck_assert(mr_string_equal_nocase(MR_STRING("SeLeCt"), MR_STRING("sElEcT")));
    ck_assert(!mr_string_equal_nocase(MR_STRING("a"), MR_STRING("ab")));
}
END_TEST

START_TEST(test_builder_grows)
{
    MrBuilder builder;
    mr_builder_init(&builder, 0);
    ck_assert_str_eq(mr_builder_text(&builder), "");
    for (int i = 0; i < 1000; i++) {
        mr_builder_append_format(&builder, "%d,", i);
    }
    mr_builder_append_format(&builder, "%0500d", 1);
    ck_assert_uint_eq(builder.length, 10 * 2 + 90 * 3 + 900 * 4 + 500);
    ck_assert_int_eq(memcmp(mr_builder_text(&builder), "0,1,2,", 6), 0);
    mr_builder_clear(&builder);
    mr_builder_append_u16(&builder, 0x0102);
    mr_builder_append_u32(&builder, 0x03040506);
    mr_builder_append_u64(&builder, 0x0708090a0b0c0d0e);
    for (int i = 0; i < 14; i++) {
        ck_assert_int_eq(builder.data[i], i + 1);
    }
    mr_builder_fini(&builder);
}
END_TEST

START_TEST(test_builder_limit_sticks)
{
    MrBuilder builder;
    mr_builder_init(&builder, 10);
    mr_builder_append_string(&builder, "0123456789");
    ck_assert_str_eq(mr_builder_text(&builder), "0123456789");
    mr_builder_append_char(&builder, 'x');
    ck_assert(builder.failed);
    ck_assert_ptr_null(mr_builder_text(&builder));
    ck_assert_ptr_null(mr_builder_reserve(&builder, 0));
    mr_builder_clear(&builder);
    mr_builder_append_char(&builder, 'x');
    ck_assert_str_eq(mr_builder_text(&builder), "x");
    mr_builder_fini(&builder);
}
END_TEST

START_TEST(test_sql_quoting)
{
    MrBuilder builder;
    mr_builder_init(&builder, 0);
    mr_builder_append_identifier(&builder, "a_1$");
    mr_builder_append_char(&builder, ' ');
    mr_builder_append_identifier(&builder, "A");
    mr_builder_append_identifier(&builder, "");
    mr_builder_append_quoted_identifier(&builder, "a\"b");
    mr_builder_append_char(&builder, ' ');
    mr_builder_append_literal(&builder, "it's", 4);
    mr_builder_append_literal(&builder, "a\\'b", 4);
    mr_builder_append_string(&builder, " ");
    mr_builder_append_literal(&builder, " ", 1);
    ck_assert_str_eq(mr_builder_text(&builder), "a_1$ \"A\"\"\"\"a\"\"b\" 'it''s'E'a\\\\''b' ' '");
    mr_builder_fini(&builder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *utf8_check_case = tcase_create("mr_utf8_check");
    tcase_add_loop_test(utf8_check_case, test_utf8_check, 0, COUNT(utf8_cases));
    tcase_add_test(utf8_check_case, test_nul_is_malformed);
    tcase_add_test(utf8_check_case, test_truncate_keeps_characters_whole);
    suite_add_tcase(suite, utf8_check_case);
    TCase *string_equal_case = tcase_create("mr_string_equal");
    tcase_add_test(string_equal_case, test_strings);
    suite_add_tcase(suite, string_equal_case);
    TCase *builder_append_case = tcase_create("mr_builder_append");
    tcase_add_test(builder_append_case, test_builder_grows);
    tcase_add_test(builder_append_case, test_builder_limit_sticks);
    tcase_add_test(builder_append_case, test_sql_quoting);
    suite_add_tcase(suite, builder_append_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
