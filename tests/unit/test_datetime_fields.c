/*
 * tests/unit/test_datetime_fields.c - extract and date_trunc; expected values are PostgreSQL 15's.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/datetime.h"
#include "common/decimal.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

typedef struct FieldCase {
    const char *field;
    const char *value;
    const char *expected;
} FieldCase;

static const FieldCase timestamp_cases[] = {
    { "microseconds", "2024-12-30 13:14:15.123456", "15123456" },
    { "microseconds", "0044-03-15 00:00:00 BC", "0" },
    { "microseconds", "2000-12-31 23:59:59.5", "59500000" },
    { "microseconds", "1969-12-31 23:59:59.999999", "59999999" },
    { "milliseconds", "2024-12-30 13:14:15.123456", "15123.456" },
    { "milliseconds", "0044-03-15 00:00:00 BC", "0.000" },
    { "milliseconds", "2000-12-31 23:59:59.5", "59500.000" },
    { "milliseconds", "1969-12-31 23:59:59.999999", "59999.999" },
    { "second", "2024-12-30 13:14:15.123456", "15.123456" },
    { "second", "0044-03-15 00:00:00 BC", "0.000000" },
    { "second", "2000-12-31 23:59:59.5", "59.500000" },
    { "second", "1969-12-31 23:59:59.999999", "59.999999" },
    { "minute", "2024-12-30 13:14:15.123456", "14" },
    { "minute", "0044-03-15 00:00:00 BC", "0" },
    { "minute", "2000-12-31 23:59:59.5", "59" },
    { "minute", "1969-12-31 23:59:59.999999", "59" },
    { "hour", "2024-12-30 13:14:15.123456", "13" },
    { "hour", "0044-03-15 00:00:00 BC", "0" },
    { "hour", "2000-12-31 23:59:59.5", "23" },
    { "hour", "1969-12-31 23:59:59.999999", "23" },
    { "day", "2024-12-30 13:14:15.123456", "30" },
    { "day", "0044-03-15 00:00:00 BC", "15" },
    { "day", "2000-12-31 23:59:59.5", "31" },
    { "day", "1969-12-31 23:59:59.999999", "31" },
    { "week", "2024-12-30 13:14:15.123456", "1" },
    { "week", "0044-03-15 00:00:00 BC", "11" },
    { "week", "2000-12-31 23:59:59.5", "52" },
    { "week", "1969-12-31 23:59:59.999999", "1" },
    { "month", "2024-12-30 13:14:15.123456", "12" },
    { "month", "0044-03-15 00:00:00 BC", "3" },
    { "month", "2000-12-31 23:59:59.5", "12" },
    { "month", "1969-12-31 23:59:59.999999", "12" },
    { "quarter", "2024-12-30 13:14:15.123456", "4" },
    { "quarter", "0044-03-15 00:00:00 BC", "1" },
    { "quarter", "2000-12-31 23:59:59.5", "4" },
    { "quarter", "1969-12-31 23:59:59.999999", "4" },
    { "year", "2024-12-30 13:14:15.123456", "2024" },
    { "year", "0044-03-15 00:00:00 BC", "-44" },
    { "year", "2000-12-31 23:59:59.5", "2000" },
    { "year", "1969-12-31 23:59:59.999999", "1969" },
    { "decade", "2024-12-30 13:14:15.123456", "202" },
    { "decade", "0044-03-15 00:00:00 BC", "-5" },
    { "decade", "2000-12-31 23:59:59.5", "200" },
    { "decade", "1969-12-31 23:59:59.999999", "196" },
    { "century", "2024-12-30 13:14:15.123456", "21" },
    { "century", "0044-03-15 00:00:00 BC", "-1" },
    { "century", "2000-12-31 23:59:59.5", "20" },
    { "century", "1969-12-31 23:59:59.999999", "20" },
    { "millennium", "2024-12-30 13:14:15.123456", "3" },
    { "millennium", "0044-03-15 00:00:00 BC", "-1" },
    { "millennium", "2000-12-31 23:59:59.5", "2" },
    { "millennium", "1969-12-31 23:59:59.999999", "2" },
    { "isoyear", "2024-12-30 13:14:15.123456", "2025" },
    { "isoyear", "0044-03-15 00:00:00 BC", "-44" },
    { "isoyear", "2000-12-31 23:59:59.5", "2000" },
    { "isoyear", "1969-12-31 23:59:59.999999", "1970" },
    { "dow", "2024-12-30 13:14:15.123456", "1" },
    { "dow", "0044-03-15 00:00:00 BC", "5" },
    { "dow", "2000-12-31 23:59:59.5", "0" },
    { "dow", "1969-12-31 23:59:59.999999", "3" },
    { "isodow", "2024-12-30 13:14:15.123456", "1" },
    { "isodow", "0044-03-15 00:00:00 BC", "5" },
    { "isodow", "2000-12-31 23:59:59.5", "7" },
    { "isodow", "1969-12-31 23:59:59.999999", "3" },
    { "doy", "2024-12-30 13:14:15.123456", "365" },
    { "doy", "0044-03-15 00:00:00 BC", "74" },
    { "doy", "2000-12-31 23:59:59.5", "366" },
    { "doy", "1969-12-31 23:59:59.999999", "365" },
    { "epoch", "2024-12-30 13:14:15.123456", "1735564455.123456" },
    { "epoch", "0044-03-15 00:00:00 BC", "-63517824000.000000" },
    { "epoch", "2000-12-31 23:59:59.5", "978307199.500000" },
    { "epoch", "1969-12-31 23:59:59.999999", "-0.000001" },
};

static const FieldCase interval_cases[] = {
    { "microseconds", "13 years 5 mons -40 days +25:14:15.123456", "15123456" },
    { "microseconds", "-13 years -5 mons +40 days -25:14:15.5", "-15500000" },
    { "microseconds", "00:00:00", "0" },
    { "milliseconds", "13 years 5 mons -40 days +25:14:15.123456", "15123.456" },
    { "milliseconds", "-13 years -5 mons +40 days -25:14:15.5", "-15500.000" },
    { "milliseconds", "00:00:00", "0.000" },
    { "second", "13 years 5 mons -40 days +25:14:15.123456", "15.123456" },
    { "second", "-13 years -5 mons +40 days -25:14:15.5", "-15.500000" },
    { "second", "00:00:00", "0.000000" },
    { "minute", "13 years 5 mons -40 days +25:14:15.123456", "14" },
    { "minute", "-13 years -5 mons +40 days -25:14:15.5", "-14" },
    { "minute", "00:00:00", "0" },
    { "hour", "13 years 5 mons -40 days +25:14:15.123456", "25" },
    { "hour", "-13 years -5 mons +40 days -25:14:15.5", "-25" },
    { "hour", "00:00:00", "0" },
    { "day", "13 years 5 mons -40 days +25:14:15.123456", "-40" },
    { "day", "-13 years -5 mons +40 days -25:14:15.5", "40" },
    { "day", "00:00:00", "0" },
    { "month", "13 years 5 mons -40 days +25:14:15.123456", "5" },
    { "month", "-13 years -5 mons +40 days -25:14:15.5", "-5" },
    { "month", "00:00:00", "0" },
    { "quarter", "13 years 5 mons -40 days +25:14:15.123456", "2" },
    { "quarter", "-13 years -5 mons +40 days -25:14:15.5", "0" },
    { "quarter", "00:00:00", "1" },
    { "year", "13 years 5 mons -40 days +25:14:15.123456", "13" },
    { "year", "-13 years -5 mons +40 days -25:14:15.5", "-13" },
    { "year", "00:00:00", "0" },
    { "decade", "13 years 5 mons -40 days +25:14:15.123456", "1" },
    { "decade", "-13 years -5 mons +40 days -25:14:15.5", "-1" },
    { "decade", "00:00:00", "0" },
    { "century", "13 years 5 mons -40 days +25:14:15.123456", "0" },
    { "century", "-13 years -5 mons +40 days -25:14:15.5", "0" },
    { "century", "00:00:00", "0" },
    { "millennium", "13 years 5 mons -40 days +25:14:15.123456", "0" },
    { "millennium", "-13 years -5 mons +40 days -25:14:15.5", "0" },
    { "millennium", "00:00:00", "0" },
    { "epoch", "13 years 5 mons -40 days +25:14:15.123456", "419843655.123456" },
    { "epoch", "-13 years -5 mons +40 days -25:14:15.5", "-419843655.500000" },
    { "epoch", "00:00:00", "0.000000" },
};

static const FieldCase truncate_cases[] = {
    { "microseconds", "2024-12-30 13:14:15.123456", "2024-12-30 13:14:15.123456" },
    { "microseconds", "0044-03-15 01:02:03 BC", "0044-03-15 01:02:03 BC" },
    { "microseconds", "2000-12-31 23:59:59.5", "2000-12-31 23:59:59.5" },
    { "microseconds", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999" },
    { "milliseconds", "2024-12-30 13:14:15.123456", "2024-12-30 13:14:15.123" },
    { "milliseconds", "0044-03-15 01:02:03 BC", "0044-03-15 01:02:03 BC" },
    { "milliseconds", "2000-12-31 23:59:59.5", "2000-12-31 23:59:59.5" },
    { "milliseconds", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999" },
    { "second", "2024-12-30 13:14:15.123456", "2024-12-30 13:14:15" },
    { "second", "0044-03-15 01:02:03 BC", "0044-03-15 01:02:03 BC" },
    { "second", "2000-12-31 23:59:59.5", "2000-12-31 23:59:59" },
    { "second", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59" },
    { "minute", "2024-12-30 13:14:15.123456", "2024-12-30 13:14:00" },
    { "minute", "0044-03-15 01:02:03 BC", "0044-03-15 01:02:00 BC" },
    { "minute", "2000-12-31 23:59:59.5", "2000-12-31 23:59:00" },
    { "minute", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:00" },
    { "hour", "2024-12-30 13:14:15.123456", "2024-12-30 13:00:00" },
    { "hour", "0044-03-15 01:02:03 BC", "0044-03-15 01:00:00 BC" },
    { "hour", "2000-12-31 23:59:59.5", "2000-12-31 23:00:00" },
    { "hour", "1969-12-31 23:59:59.999999", "1969-12-31 23:00:00" },
    { "day", "2024-12-30 13:14:15.123456", "2024-12-30 00:00:00" },
    { "day", "0044-03-15 01:02:03 BC", "0044-03-15 00:00:00 BC" },
    { "day", "2000-12-31 23:59:59.5", "2000-12-31 00:00:00" },
    { "day", "1969-12-31 23:59:59.999999", "1969-12-31 00:00:00" },
    { "week", "2024-12-30 13:14:15.123456", "2024-12-30 00:00:00" },
    { "week", "0044-03-15 01:02:03 BC", "0044-03-11 00:00:00 BC" },
    { "week", "2000-12-31 23:59:59.5", "2000-12-25 00:00:00" },
    { "week", "1969-12-31 23:59:59.999999", "1969-12-29 00:00:00" },
    { "month", "2024-12-30 13:14:15.123456", "2024-12-01 00:00:00" },
    { "month", "0044-03-15 01:02:03 BC", "0044-03-01 00:00:00 BC" },
    { "month", "2000-12-31 23:59:59.5", "2000-12-01 00:00:00" },
    { "month", "1969-12-31 23:59:59.999999", "1969-12-01 00:00:00" },
    { "quarter", "2024-12-30 13:14:15.123456", "2024-10-01 00:00:00" },
    { "quarter", "0044-03-15 01:02:03 BC", "0044-01-01 00:00:00 BC" },
    { "quarter", "2000-12-31 23:59:59.5", "2000-10-01 00:00:00" },
    { "quarter", "1969-12-31 23:59:59.999999", "1969-10-01 00:00:00" },
    { "year", "2024-12-30 13:14:15.123456", "2024-01-01 00:00:00" },
    { "year", "0044-03-15 01:02:03 BC", "0044-01-01 00:00:00 BC" },
    { "year", "2000-12-31 23:59:59.5", "2000-01-01 00:00:00" },
    { "year", "1969-12-31 23:59:59.999999", "1969-01-01 00:00:00" },
    { "decade", "2024-12-30 13:14:15.123456", "2020-01-01 00:00:00" },
    { "decade", "0044-03-15 01:02:03 BC", "0051-01-01 00:00:00 BC" },
    { "decade", "2000-12-31 23:59:59.5", "2000-01-01 00:00:00" },
    { "decade", "1969-12-31 23:59:59.999999", "1960-01-01 00:00:00" },
    { "century", "2024-12-30 13:14:15.123456", "2001-01-01 00:00:00" },
    { "century", "0044-03-15 01:02:03 BC", "0100-01-01 00:00:00 BC" },
    { "century", "2000-12-31 23:59:59.5", "1901-01-01 00:00:00" },
    { "century", "1969-12-31 23:59:59.999999", "1901-01-01 00:00:00" },
    { "millennium", "2024-12-30 13:14:15.123456", "2001-01-01 00:00:00" },
    { "millennium", "0044-03-15 01:02:03 BC", "1000-01-01 00:00:00 BC" },
    { "millennium", "2000-12-31 23:59:59.5", "1001-01-01 00:00:00" },
    { "millennium", "1969-12-31 23:59:59.999999", "1001-01-01 00:00:00" },
};

static const FieldCase interval_truncate_cases[] = {
    { "microseconds", "1313 years 5 mons -40 days +25:14:15.123456",
      "1313 years 5 mons -40 days +25:14:15.123456" },
    { "microseconds", "-13 years -5 mons +40 days -25:14:15.5",
      "-13 years -5 mons +40 days -25:14:15.5" },
    { "milliseconds", "1313 years 5 mons -40 days +25:14:15.123456",
      "1313 years 5 mons -40 days +25:14:15.123" },
    { "milliseconds", "-13 years -5 mons +40 days -25:14:15.5",
      "-13 years -5 mons +40 days -25:14:15.5" },
    { "second", "1313 years 5 mons -40 days +25:14:15.123456",
      "1313 years 5 mons -40 days +25:14:15" },
    { "second", "-13 years -5 mons +40 days -25:14:15.5", "-13 years -5 mons +40 days -25:14:15" },
    { "minute", "1313 years 5 mons -40 days +25:14:15.123456",
      "1313 years 5 mons -40 days +25:14:00" },
    { "minute", "-13 years -5 mons +40 days -25:14:15.5", "-13 years -5 mons +40 days -25:14:00" },
    { "hour", "1313 years 5 mons -40 days +25:14:15.123456",
      "1313 years 5 mons -40 days +25:00:00" },
    { "hour", "-13 years -5 mons +40 days -25:14:15.5", "-13 years -5 mons +40 days -25:00:00" },
    { "day", "1313 years 5 mons -40 days +25:14:15.123456", "1313 years 5 mons -40 days" },
    { "day", "-13 years -5 mons +40 days -25:14:15.5", "-13 years -5 mons +40 days" },
    { "month", "1313 years 5 mons -40 days +25:14:15.123456", "1313 years 5 mons" },
    { "month", "-13 years -5 mons +40 days -25:14:15.5", "-13 years -5 mons" },
    { "quarter", "1313 years 5 mons -40 days +25:14:15.123456", "1313 years 3 mons" },
    { "quarter", "-13 years -5 mons +40 days -25:14:15.5", "-13 years -3 mons" },
    { "year", "1313 years 5 mons -40 days +25:14:15.123456", "1313 years" },
    { "year", "-13 years -5 mons +40 days -25:14:15.5", "-13 years" },
    { "decade", "1313 years 5 mons -40 days +25:14:15.123456", "1310 years" },
    { "decade", "-13 years -5 mons +40 days -25:14:15.5", "-10 years" },
    { "century", "1313 years 5 mons -40 days +25:14:15.123456", "1300 years" },
    { "century", "-13 years -5 mons +40 days -25:14:15.5", "00:00:00" },
    { "millennium", "1313 years 5 mons -40 days +25:14:15.123456", "1000 years" },
    { "millennium", "-13 years -5 mons +40 days -25:14:15.5", "00:00:00" },
};

static void check_text(const FieldCase *c, char *got, size_t length)
{
    got[length] = '\0';
    ck_assert_msg(strcmp(got, c->expected) == 0, "%s of %s: %s, expected %s", c->field, c->value,
                  got, c->expected);
}

START_TEST(test_extract_from_timestamp)
{
    const FieldCase *c = &timestamp_cases[_i];
    char got[MR_DECIMAL_TEXT_MAX + 1];
    int64_t us;
    int64_t coefficient;
    int16_t scale;
    ck_assert_int_eq(mr_timestamp_parse(mr_string(c->value), &us, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamp_extract(mr_string(c->field), us, &coefficient, &scale, NULL),
                     MR_OK);
    MrDecimal value = mr_decimal_make(coefficient, scale);
    check_text(c, got, mr_decimal_format(&value, got));
}
END_TEST

START_TEST(test_a_part_stays_within_its_unit)
{
    const FieldCase *c = &timestamp_cases[_i];
    MrString field = mr_string(c->field);
    int64_t us, first, middle, last, unit_us = mr_timestamp_field_unit_us(field);
    int16_t scale;
    ck_assert_int_eq(mr_timestamp_parse(mr_string(c->value), &us, NULL), MR_OK);
    int64_t start_us = us - (us % unit_us + unit_us) % unit_us;
    ck_assert_int_eq(mr_timestamp_extract(field, start_us, &first, &scale, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamp_extract(field, us, &middle, &scale, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamp_extract(field, start_us + unit_us - 1, &last, &scale, NULL),
                     MR_OK);
    ck_assert_int_eq(first, middle);
    ck_assert_int_eq(middle, last);
}
END_TEST

START_TEST(test_extract_from_interval)
{
    const FieldCase *c = &interval_cases[_i];
    char got[MR_DECIMAL_TEXT_MAX + 1];
    MrInterval interval;
    int64_t coefficient;
    int16_t scale;
    ck_assert_int_eq(mr_interval_parse(mr_string(c->value), &interval, NULL), MR_OK);
    ck_assert_int_eq(
        mr_interval_extract(mr_string(c->field), &interval, &coefficient, &scale, NULL), MR_OK);
    MrDecimal value = mr_decimal_make(coefficient, scale);
    check_text(c, got, mr_decimal_format(&value, got));
}
END_TEST

START_TEST(test_truncate_timestamp)
{
    const FieldCase *c = &truncate_cases[_i];
    char got[MR_DATETIME_TEXT_MAX + 1];
    int64_t us;
    ck_assert_int_eq(mr_timestamp_parse(mr_string(c->value), &us, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamp_truncate(mr_string(c->field), us, &us, NULL), MR_OK);
    check_text(c, got, mr_timestamp_format(us, got));
}
END_TEST

START_TEST(test_truncate_interval)
{
    const FieldCase *c = &interval_truncate_cases[_i];
    char got[MR_DATETIME_TEXT_MAX + 1];
    MrInterval interval;
    ck_assert_int_eq(mr_interval_parse(mr_string(c->value), &interval, NULL), MR_OK);
    ck_assert_int_eq(mr_interval_truncate(mr_string(c->field), &interval, &interval, NULL), MR_OK);
    check_text(c, got, mr_interval_format(&interval, got));
}
END_TEST

START_TEST(test_unknown_units_are_told)
{
    MrError err = MR_ERROR_INIT;
    MrInterval interval = { 0 };
    int64_t value;
    int16_t scale;
    ck_assert_int_eq(mr_timestamp_extract(MR_STRING("foo"), 0, &value, &scale, &err),
                     MR_ERR_INVALID_PARAMETER);
    ck_assert_str_eq(err.message,
                     "unit \"foo\" not recognized for type timestamp without time zone");
    ck_assert_int_eq(mr_interval_extract(MR_STRING("week"), &interval, &value, &scale, &err),
                     MR_ERR_UNSUPPORTED);
    ck_assert_int_eq(mr_interval_truncate(MR_STRING("week"), &interval, &interval, &err),
                     MR_ERR_UNSUPPORTED);
    ck_assert_str_eq(err.detail, "Months usually have fractional weeks.");
    ck_assert_int_eq(mr_timestamp_truncate(MR_STRING(""), 0, &value, &err),
                     MR_ERR_INVALID_PARAMETER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datetime_fields");
    TCase *timestamp_extract = tcase_create("mr_timestamp_extract");
    tcase_add_loop_test(timestamp_extract, test_extract_from_timestamp, 0, COUNT(timestamp_cases));
    tcase_add_loop_test(timestamp_extract, test_a_part_stays_within_its_unit, 0,
                        COUNT(timestamp_cases));
    tcase_add_test(timestamp_extract, test_unknown_units_are_told);
    suite_add_tcase(suite, timestamp_extract);
    TCase *interval_extract = tcase_create("mr_interval_extract");
    tcase_add_loop_test(interval_extract, test_extract_from_interval, 0, COUNT(interval_cases));
    suite_add_tcase(suite, interval_extract);
    TCase *timestamp_truncate = tcase_create("mr_timestamp_truncate");
    tcase_add_loop_test(timestamp_truncate, test_truncate_timestamp, 0, COUNT(truncate_cases));
    suite_add_tcase(suite, timestamp_truncate);
    TCase *interval_truncate = tcase_create("mr_interval_truncate");
    tcase_add_loop_test(interval_truncate, test_truncate_interval, 0,
                        COUNT(interval_truncate_cases));
    suite_add_tcase(suite, interval_truncate);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
