/*
 * tests/unit/test_timezone.c - zones by name, offsets and local time.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/datetime.h"
#include "common/timezone.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static int64_t moment_of(const char *text)
{
    int64_t us = 0;
    ck_assert_int_eq(mr_timestamp_parse(mr_string(text), &us, NULL), MR_OK);
    return us;
}

static const struct {
    const char *name;
    const char *found; /* NULL: not a zone */
} find_cases[] = {
    { "UTC", "UTC" },
    { "utc", "UTC" },
    { "Europe/Berlin", "Europe/Berlin" },
    { "eUROPE/bERLIN", "Europe/Berlin" },
    { "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires" },
    { "CET", "CET" },
    { "EST5EDT", "EST5EDT" },
    { "+02", "<+02>-02" },
    { "-7", "<-07>+07" },
    { "5.5", "<+05:30>-05:30" },
    { "FOO3BAR,M3.2.0,M11.1.0/2", "FOO3BAR,M3.2.0,M11.1.0/2" },
    { "", NULL },
    { "Nowhere", NULL },
    { "Europe", NULL },
    { "Europe/", NULL },
    { "/etc/passwd", NULL },
    { "../../../etc/passwd", NULL },
    { "Europe/../Europe/Berlin", NULL },
    { "./UTC", NULL },
    { "zone.tab", NULL },
    { "right/UTC", NULL }, /* counts leap seconds */
    { "FOO3BAR,M13.2.0,M11.1.0", NULL },
    { "FOO99999999999999999999", NULL },
    { "nan", NULL },
    { "1e9", NULL },
};

START_TEST(test_find)
{
    const MrTimezone *zone;
    MrError err = MR_ERROR_INIT;
    MrStatus status = mr_timezone_find(mr_string(find_cases[_i].name), &zone, &err);
    if (find_cases[_i].found == NULL) {
        ck_assert_int_eq(status, MR_ERR_INVALID_PARAMETER);
        ck_assert_ptr_nonnull(strstr(err.message, "not recognized"));
        return;
    }
    ck_assert_msg(status == MR_OK, "%s", err.message);
    ck_assert_str_eq(mr_timezone_name(zone), find_cases[_i].found);
    const MrTimezone *again;
    ck_assert_int_eq(mr_timezone_find(mr_string(find_cases[_i].name), &again, NULL), MR_OK);
    ck_assert_ptr_eq(zone, again);
}
END_TEST

static const struct {
    const char *zone;
    const char *utc;
    int32_t offset;
    const char *abbreviation;
} offset_cases[] = {
    { "Europe/Berlin", "2024-01-01 00:00:00", 3600, "CET" },
    { "Europe/Berlin", "2024-07-01 00:00:00", 7200, "CEST" },
    { "Europe/Berlin", "2024-03-31 00:59:59.999999", 3600, "CET" },
    { "Europe/Berlin", "2024-03-31 01:00:00", 7200, "CEST" },
    { "Europe/Berlin", "2024-10-27 00:59:59", 7200, "CEST" },
    { "Europe/Berlin", "2024-10-27 01:00:00", 3600, "CET" },
    { "Europe/Berlin", "2100-07-01 00:00:00", 7200, "CEST" },
    { "Europe/Berlin", "2099-12-31 00:00:00", 3600, "CET" },
    { "Europe/Berlin", "1800-01-01 00:00:00", 3208, "LMT" },
    { "America/New_York", "2050-07-01 00:00:00", -14400, "EDT" },
    { "Australia/Sydney", "2050-01-01 00:00:00", 39600, "AEDT" },
    { "Australia/Sydney", "2050-07-01 00:00:00", 36000, "AEST" },
    { "Asia/Kathmandu", "2024-01-01 00:00:00", 20700, "+0545" },
    { "America/St_Johns", "2024-01-01 00:00:00", -12600, "NST" },
    { "EST5EDT", "2024-07-01 00:00:00", -14400, "EDT" },
    { "+02", "2024-07-01 00:00:00", 7200, "+02" },
};

START_TEST(test_offset)
{
    const MrTimezone *zone;
    int64_t us = moment_of(offset_cases[_i].utc);
    ck_assert_int_eq(mr_timezone_find(mr_string(offset_cases[_i].zone), &zone, NULL), MR_OK);
    ck_assert_int_eq(mr_timezone_offset_at(zone, us), offset_cases[_i].offset);
    ck_assert_str_eq(mr_timezone_abbreviation_at(zone, us), offset_cases[_i].abbreviation);
    ck_assert_int_eq(mr_timezone_utc_to_local(zone, us), us + offset_cases[_i].offset * 1000000LL);
}
END_TEST

static const struct {
    const char *zone;
    const char *local;
    const char *utc;
} local_cases[] = {
    { "Europe/Berlin", "2024-01-01 12:00:00", "2024-01-01 11:00:00" },
    { "Europe/Berlin", "2024-03-31 01:59:59", "2024-03-31 00:59:59" },
    { "Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:30:00" }, /* not on the clock */
    { "Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31 01:00:00" },
    { "Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 01:30:00" }, /* twice on the clock */
    { "Europe/Berlin", "2024-10-27 01:59:59", "2024-10-26 23:59:59" },
    { "Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27 02:00:00" },
    { "Europe/Berlin", "2060-03-28 02:30:00", "2060-03-28 01:30:00" },
    { "America/New_York", "2024-03-10 02:30:00", "2024-03-10 07:30:00" },
    { "America/New_York", "2024-11-03 01:30:00", "2024-11-03 06:30:00" },
};

START_TEST(test_local_to_utc)
{
    const MrTimezone *zone;
    ck_assert_int_eq(mr_timezone_find(mr_string(local_cases[_i].zone), &zone, NULL), MR_OK);
    int64_t utc = mr_timezone_local_to_utc(zone, moment_of(local_cases[_i].local));
    ck_assert_msg(utc == moment_of(local_cases[_i].utc), "%s", local_cases[_i].local);
}
END_TEST

START_TEST(test_infinities_stay)
{
    const MrTimezone *zone;
    ck_assert_int_eq(mr_timezone_find(MR_STRING("Europe/Berlin"), &zone, NULL), MR_OK);
    ck_assert_int_eq(mr_timezone_local_to_utc(zone, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(mr_timezone_utc_to_local(zone, INT64_MIN), INT64_MIN);
    ck_assert_int_eq(mr_timezone_utc_to_local(NULL, 5), 5);
    ck_assert_int_eq(mr_timezone_utc_to_local(mr_timezone_utc(), 5), 5);
}
END_TEST

START_TEST(test_operand_of_at_time_zone)
{
    const MrTimezone *zone;
    ck_assert_int_eq(mr_timezone_find_operand(MR_STRING("pst"), &zone, NULL), MR_OK);
    ck_assert_int_eq(mr_timezone_offset_at(zone, 0), -8 * 3600);
    ck_assert_int_eq(mr_timezone_find_operand(MR_STRING("+02"), &zone, NULL), MR_OK);
    ck_assert_int_eq(mr_timezone_offset_at(zone, 0), -2 * 3600); /* POSIX counts west */
    ck_assert_int_eq(mr_timezone_find_operand(MR_STRING("MSK"), &zone, NULL), MR_OK);
    ck_assert_int_ne(mr_timezone_find_operand(MR_STRING("what"), &zone, NULL), MR_OK);
    ck_assert(!mr_timezone_find_abbreviation(MR_STRING("Europe/Berlin"), &zone));
}
END_TEST

/* What a definition keeps, and whether it is what is written back. */
static const struct {
    const char *stored;
    const char *date_style; /* NULL: there is no such zone */
    int interval, float_digits;
    bool escape;
} stored_cases[] = {
    { "UTC", "ISO, MDY", MR_INTERVAL_POSTGRES, 1, false },
    { "Europe/Berlin; IntervalStyle=iso_8601", "ISO, MDY", MR_INTERVAL_ISO_8601, 1, false },
    { "Europe/Berlin; DateStyle=SQL, DMY", "SQL, DMY", MR_INTERVAL_POSTGRES, 1, false },
    { "UTC; DateStyle=German, MDY", "German, MDY", MR_INTERVAL_POSTGRES, 1, false },
    { "UTC; IntervalStyle=sql_standard; DateStyle=ISO, YMD; bytea_output=escape; "
      "extra_float_digits=-15",
      "ISO, YMD", MR_INTERVAL_SQL_STANDARD, -15, true },
    { "UTC; extra_float_digits=0", "ISO, MDY", MR_INTERVAL_POSTGRES, 0, false },
    { "UTC; extra_float_digits=9", NULL, 0, 0, false },
    { "UTC; bytea_output=octal", NULL, 0, 0, false },
    { "UTC; DateStyle=Roman", NULL, 0, 0, false },
    { "UTC;", NULL, 0, 0, false },
    { "UTC; Style=iso", NULL, 0, 0, false },
    { "Nowhere; DateStyle=SQL, DMY", NULL, 0, 0, false },
};

START_TEST(test_style_is_stored)
{
    const MrTimezone *zone, *again;
    MrStatus status = mr_timezone_find_stored(mr_string(stored_cases[_i].stored), &zone, NULL);
    if (stored_cases[_i].date_style == NULL) {
        ck_assert_int_eq(status, MR_ERR_INVALID_PARAMETER);
        return;
    }
    ck_assert_int_eq(status, MR_OK);
    const MrTextStyle *style = mr_timezone_style(zone);
    ck_assert_str_eq(mr_date_style_name(style), stored_cases[_i].date_style);
    ck_assert_int_eq(mr_timezone_interval_style(zone), stored_cases[_i].interval);
    ck_assert_int_eq(style->float_digits, stored_cases[_i].float_digits);
    ck_assert(style->bytea_escape == stored_cases[_i].escape);
    ck_assert_str_eq(mr_timezone_stored_name(zone), stored_cases[_i].stored);
    ck_assert_int_eq(mr_timezone_with_style(zone, style, &again, NULL), MR_OK);
    ck_assert_ptr_eq(again, zone); /* one of each, for the life of the process */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timezone");
    TCase *timezone_find_case = tcase_create("mr_timezone_find");
    tcase_add_loop_test(timezone_find_case, test_find, 0, COUNT(find_cases));
    tcase_add_test(timezone_find_case, test_operand_of_at_time_zone);
    suite_add_tcase(suite, timezone_find_case);
    TCase *timezone_offset_at_case = tcase_create("mr_timezone_offset_at");
    tcase_add_loop_test(timezone_offset_at_case, test_offset, 0, COUNT(offset_cases));
    suite_add_tcase(suite, timezone_offset_at_case);
    TCase *timezone_local_to_utc_case = tcase_create("mr_timezone_local_to_utc");
    tcase_add_loop_test(timezone_local_to_utc_case, test_local_to_utc, 0, COUNT(local_cases));
    tcase_add_test(timezone_local_to_utc_case, test_infinities_stay);
    suite_add_tcase(suite, timezone_local_to_utc_case);
    TCase *style_case = tcase_create("mr_timezone_find_stored");
    tcase_add_loop_test(style_case, test_style_is_stored, 0, COUNT(stored_cases));
    suite_add_tcase(suite, style_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
