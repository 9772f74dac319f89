/*
 * tests/unit/test_interval.c - intervals from and to text, and arithmetic with them.
 * The expected column was taken from PostgreSQL 15; E… is a SQLSTATE.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/datetime.h"
#include "common/timezone.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

typedef struct ParseCase {
    const char *text;
    const char *expected;
} ParseCase;

static const ParseCase interval_cases[] = {
    { "1 day", "1 day" },
    { "1 day 02:00", "1 day 02:00:00" },
    { "1 day 02:00:03.5", "1 day 02:00:03.5" },
    { "1 mon", "1 mon" },
    { "1 month 2 days", "1 mon 2 days" },
    { "-1 month +2 days", "-1 mons +2 days" },
    { "1 year 2 mons 3 days 04:05:06", "1 year 2 mons 3 days 04:05:06" },
    { "1 year 2 mons -3 days -04:05:06.789", "1 year 2 mons -3 days -04:05:06.789" },
    { "@ 1 hour ago", "-01:00:00" },
    { "@ 1 day 2 hours ago", "-1 days -02:00:00" },
    { "1.5 hours", "01:30:00" },
    { "1.5 days", "1 day 12:00:00" },
    { "1.5 weeks", "10 days 12:00:00" },
    { "1.5 months", "1 mon 15 days" },
    { "1.5 years", "1 year 6 mons" },
    { "1.55 years", "1 year 7 mons" },
    { "2.3 decades", "23 years" },
    { "0.1 century", "10 years" },
    { "1 millennium", "1000 years" },
    { "1 c", "100 years" },
    { "100 us", "00:00:00.0001" },
    { "100 milliseconds", "00:00:00.1" },
    { "1.5 ms", "00:00:00.0015" },
    { "12 microseconds", "00:00:00.000012" },
    { "12.5 us", "00:00:00.000012" },
    { "1-2", "1 year 2 mons" },
    { "-1-2", "-1 years -2 mons" },
    { "1-2 3 4:05:06", "1 year 2 mons 3 days 04:05:06" },
    { "1-12", "E22015" },
    { "+1-2", "1 year 2 mons" },
    { "10", "00:00:10" },
    { "10.5", "00:00:10.5" },
    { "-10", "-00:00:10" },
    { "1:30", "01:30:00" },
    { "1:30.5", "00:01:30.5" },
    { "-1:30", "-01:30:00" },
    { "-00:00:01", "-00:00:01" },
    { "00:00", "00:00:00" },
    { "100:00:00", "100:00:00" },
    { "1000000:00:00", "1000000:00:00" },
    { "1h", "01:00:00" },
    { "1h30m", "01:30:00" },
    { "1d", "1 day" },
    { "1w", "7 days" },
    { "1y2mon", "1 year 2 mons" },
    { "2 hours 30 minutes", "02:30:00" },
    { "2 hrs 30 mins 5 secs", "02:30:05" },
    { "5 s", "00:00:05" },
    { "5 sec", "00:00:05" },
    { "30 m", "00:30:00" },
    { "P1D", "1 day" },
    { "P1DT2H", "1 day 02:00:00" },
    { "P1Y2M3W4DT5H6M7.8S", "1 year 2 mons 25 days 05:06:07.8" },
    { "P1Y", "1 year" },
    { "P1M", "1 mon" },
    { "PT1M", "00:01:00" },
    { "PT1.5H", "01:30:00" },
    { "P-1Y", "-1 years" },
    { "P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06" },
    { "P1.5D", "1 day 12:00:00" },
    { "P", "E22007" },
    { "PT", "00:00:00" },
    { "P1", "1 year" },
    { "p1d", "E22007" },
    { "P1DT", "1 day" },
    { "P1S", "E22007" },
    { "PT1Y", "E22007" },
    { "P1Y1Y", "2 years" },
    { "1 day 1 day", "E22007" },
    { "1 hour 02:00", "E22007" },
    { "1 sec 100 ms", "00:00:01.1" },
    { "1.5 sec 100 ms", "E22007" },
    { "1 day ago 2 hours", "-1 days -02:00:00" },
    { "ago", "E22007" },
    { "", "E22007" },
    { "foo", "E22007" },
    { "1 foo", "E22007" },
    { "1 day foo", "E22007" },
    { "2147483647 days", "2147483647 days" },
    { "2147483648 days", "E22015" },
    { "2147483647 months", "178956970 years 7 mons" },
    { "178956970 years", "178956970 years" },
    { "178956971 years", "E22008" },
    { "9223372036854775807 us", "2562047788:00:54.775807" },
    { "9223372036854775808 us", "E22015" },
    { "2562047788 hours", "2562047788:00:00" },
    { "2562047789 hours", "E22015" },
    { "106751991 days 04:00:54.775807", "106751991 days 04:00:54.775807" },
    { "999999999999999999999 hours", "E22015" },
    { "1 quarter", "E22007" },
    { "1 qtr", "E22007" },
    { "12 hours 60 minutes", "13:00:00" },
    { "1 23:59:59", "1 day 23:59:59" },
    { "1 25:00:00", "1 day 25:00:00" },
    { "23:60", "E22015" },
    { "4 day 3:2:1 ago", "-4 days -03:02:01" },
    { "-1 day +02:03:04", "-1 days +02:03:04" },
    { "-1 days -02:03:04", "-1 days -02:03:04" },
    { "1 mon -1 hour", "1 mon -01:00:00" },
    { "6 years 5 months 4 days 3 hours 2 minutes 1 second", "6 years 5 mons 4 days 03:02:01" },
    { "infinity", "E22007" },
    { "-infinity", "E22007" },
    { "epoch", "E22007" },
    { "1 day at 2:00", "E22007" },
    { "- 1 day", "-1 days" },
    { "+ 1 day", "1 day" },
    { "1 -day", "E22007" },
    { "1day", "1 day" },
    { "1.day", "E22007" },
    { ".5 days", "12:00:00" },
    { "0.5", "00:00:00.5" },
    { "1e3 days", "E22007" },
    { "0 days", "00:00:00" },
    { "0", "00:00:00" },
    { "-0.5 seconds", "-00:00:00.5" },
    { "-1.5 days", "-1 days -12:00:00" },
    { "-1.5 months", "-1 mons -15 days" },
    { "-2.7 years", "-2 years -8 mons" },
    { "1 month 1.5 days", "1 mon 1 day 12:00:00" },
    { "P1Y-2M", "10 mons" },
    { "PT-0.5S", "-00:00:00.5" },
    { "P1.5Y", "1 year 6 mons" },
    { "P1.5M", "1 mon 15 days" },
    { "PT36H", "36:00:00" },
    { "0.0000005 seconds", "00:00:00" },
    { "0.0000015 seconds", "00:00:00.000001" },
    { "1.0000005 sec", "00:00:01" },
    { "3.999999999 seconds", "00:00:04" },
    { "+11 s +49.3 mins 32:55", "E22007" },
    { "-17 days 44 us", "-17 days +00:00:00.000044" },
    { "+5.191 mins -13.3 weeks", "-93 days -02:18:48.54" },
    { "+14 decade -31:54:43.7887 44 weeks", "140 years 308 days -31:54:43.7887" },
    { "+18 hour", "18:00:00" },
    { "+29 mons", "2 years 5 mons" },
    { "5 -16 weeks", "E22007" },
    { "+29.07 days 2 days", "E22007" },
    { "+45 ms 1-3 7:39:51 +23 h", "E22007" },
    { "-37.5 secs", "-00:00:37.5" },
    { "-49.6 y", "-49 years -7 mons" },
    { "44 decade +12 mins +42 ms -22.23 mons", "438 years 2 mons -6 days -21:23:59.958" },
    { "+9 h -28.4 weeks", "-198 days -10:12:00" },
    { "@", "E22007" },
    { "17:12 28 month -7:17 -21 d", "E22007" },
    { "-17:45:16 -8:41 -46 month", "E22007" },
    { "-2.128 s", "-00:00:02.128" },
    { "-0 us -37 days", "-37 days" },
    { "-9:33 -28 days 29.85 ms -20.4 days", "E22007" },
    { "+34.15 y -33 d -4:15 26 us", "E22007" },
    { "-46.96 mons +37 us +42.906 month", "E22007" },
    { "41.684 secs +39:43:58.3553 ago -39.484 years", "E22007" },
    { "+16:01 +15.75 month @ 1-3", "E22007" },
    { "-20.54 hours +16.2 mins", "-20:16:12" },
    { "-27 mons 18.6 hour +2:55 5.41 month", "E22007" },
};

typedef struct SumCase {
    const char *left;
    const char *right;
    const char *expected;
} SumCase;

static const SumCase add_cases[] = {
    { "1999-03-31 00:00:00", "-1 days +25:00:00", "1999-03-31 01:00:00" },
    { "1999-03-31 00:00:00", "1 year", "2000-03-31 00:00:00" },
    { "0001-01-01 00:00:00", "1 day", "0001-01-02 00:00:00" },
    { "2024-01-31 12:00:00", "-1 mons", "2023-12-31 12:00:00" },
    { "0001-01-01 00:00:00", "1 year", "0002-01-01 00:00:00" },
    { "2024-01-31 12:00:00", "1 year", "2025-01-31 12:00:00" },
    { "2023-12-31 23:59:59.999999", "1 year 1 mon -3 days +00:00:00.5",
      "2025-01-29 00:00:00.499999" },
    { "2024-03-30 02:30:00", "-100 years", "1924-03-30 02:30:00" },
    { "2024-02-29 00:00:00", "1 day", "2024-03-01 00:00:00" },
    { "0001-01-01 00:00:00", "1 year 1 mon -3 days +00:00:00.5", "0002-01-29 00:00:00.5" },
    { "2023-12-31 23:59:59.999999", "1 mon", "2024-01-31 23:59:59.999999" },
    { "2024-01-31 12:00:00", "1 mon", "2024-02-29 12:00:00" },
    { "1999-03-31 00:00:00", "1 day", "1999-04-01 00:00:00" },
    { "2024-01-31 12:00:00", "-100 years", "1924-01-31 12:00:00" },
    { "2023-12-31 23:59:59.999999", "1 day", "2024-01-01 23:59:59.999999" },
    { "1999-03-31 00:00:00", "-100 years", "1899-03-31 00:00:00" },
    { "2024-02-29 00:00:00", "1 mon", "2024-03-29 00:00:00" },
    { "2024-02-29 00:00:00", "1 year 1 mon -3 days +00:00:00.5", "2025-03-26 00:00:00.5" },
};

static const SumCase tzadd_cases[] = {
    { "2024-03-30 02:30+01", "1 day", "2024-03-31 03:30:00+02" },
    { "2024-03-30 02:30+01", "24:00:00", "2024-03-31 03:30:00+02" },
    { "2024-03-30 02:30+01", "1 mon", "2024-04-30 02:30:00+02" },
    { "2024-03-30 02:30+01", "-1 days", "2024-03-29 02:30:00+01" },
    { "2024-03-30 02:30+01", "01:00:00", "2024-03-30 03:30:00+01" },
    { "2024-10-26 02:30+02", "1 day", "2024-10-27 02:30:00+01" },
    { "2024-10-26 02:30+02", "24:00:00", "2024-10-27 02:30:00+02" },
    { "2024-10-26 02:30+02", "1 mon", "2024-11-26 02:30:00+01" },
    { "2024-10-26 02:30+02", "-1 days", "2024-10-25 02:30:00+02" },
    { "2024-10-26 02:30+02", "01:00:00", "2024-10-26 03:30:00+02" },
    { "2024-10-27 02:30+02", "1 day", "2024-10-28 02:30:00+01" },
    { "2024-10-27 02:30+02", "24:00:00", "2024-10-28 01:30:00+01" },
    { "2024-10-27 02:30+02", "1 mon", "2024-11-27 02:30:00+01" },
    { "2024-10-27 02:30+02", "-1 days", "2024-10-26 02:30:00+02" },
    { "2024-10-27 02:30+02", "01:00:00", "2024-10-27 02:30:00+01" },
    { "2024-10-27 02:30+01", "1 day", "2024-10-28 02:30:00+01" },
    { "2024-10-27 02:30+01", "24:00:00", "2024-10-28 02:30:00+01" },
    { "2024-10-27 02:30+01", "1 mon", "2024-11-27 02:30:00+01" },
    { "2024-10-27 02:30+01", "-1 days", "2024-10-26 02:30:00+02" },
    { "2024-10-27 02:30+01", "01:00:00", "2024-10-27 03:30:00+01" },
    { "0001-01-01 00:53:28+00:53:28", "-1 days +25:00:00", "0001-01-01 01:53:28+00:53:28" },
    { "1999-03-31 02:00:00+02", "-1 mons", "1999-02-28 02:00:00+01" },
    { "2024-03-30 03:30:00+01", "-1 mons", "2024-02-29 03:30:00+01" },
    { "2024-03-30 03:30:00+01", "1 year 1 mon -3 days +00:00:00.5", "2025-04-27 03:30:00.5+02" },
    { "0001-01-01 00:53:28+00:53:28", "-1 mons", "0001-12-01 00:53:28+00:53:28 BC" },
    { "2024-01-01 00:59:59.999999+01", "1 day", "2024-01-02 00:59:59.999999+01" },
    { "2024-03-30 03:30:00+01", "1 mon", "2024-04-30 03:30:00+02" },
    { "2024-01-31 13:00:00+01", "1 mon", "2024-02-29 13:00:00+01" },
};

static const SumCase subtract_cases[] = {
    { "2024-03-30 02:30:00", "2023-12-31 23:59:59.999999", "89 days 02:30:00.000001" },
    { "0001-01-01 00:00:00", "1999-03-31 00:00:00", "-729843 days" },
    { "2024-01-31 12:00:00", "1999-03-31 00:00:00", "9072 days 12:00:00" },
    { "1999-03-31 00:00:00", "2024-01-31 12:00:00", "-9072 days -12:00:00" },
    { "2024-03-30 02:30:00", "2024-02-29 00:00:00", "30 days 02:30:00" },
    { "0001-01-01 00:00:00", "2023-12-31 23:59:59.999999", "-738884 days -23:59:59.999999" },
    { "2023-12-31 23:59:59.999999", "2024-01-31 12:00:00", "-30 days -12:00:00.000001" },
    { "1999-03-31 00:00:00", "2024-02-29 00:00:00", "-9101 days" },
    { "0001-01-01 00:00:00", "2024-01-31 12:00:00", "-738915 days -12:00:00" },
    { "2024-01-31 12:00:00", "0001-01-01 00:00:00", "738915 days 12:00:00" },
    { "2024-02-29 00:00:00", "2023-12-31 23:59:59.999999", "59 days 00:00:00.000001" },
    { "1999-03-31 00:00:00", "0001-01-01 00:00:00", "729843 days" },
    { "2024-01-31 12:00:00", "2023-12-31 23:59:59.999999", "30 days 12:00:00.000001" },
    { "1999-03-31 00:00:00", "2024-03-30 02:30:00", "-9131 days -02:30:00" },
    { "0001-01-01 00:00:00", "2024-03-30 02:30:00", "-738974 days -02:30:00" },
    { "2024-03-30 02:30:00", "2024-03-30 02:30:00", "00:00:00" },
    { "2024-03-30 02:30:00", "1999-03-31 00:00:00", "9131 days 02:30:00" },
    { "2024-02-29 00:00:00", "2024-02-29 00:00:00", "00:00:00" },
};

static const SumCase age_cases[] = {
    { "2024-02-29 00:00:00", "2024-03-30 02:30:00", "-1 mons -1 days -02:30:00" },
    { "2023-12-31 23:59:59.999999", "2023-12-31 23:59:59.999999", "00:00:00" },
    { "2024-02-29 00:00:00", "2024-02-29 00:00:00", "00:00:00" },
    { "2024-03-30 02:30:00", "0001-01-01 00:00:00", "2023 years 2 mons 29 days 02:30:00" },
    { "2023-12-31 23:59:59.999999", "2024-01-31 12:00:00", "-30 days -12:00:00.000001" },
    { "2024-03-30 02:30:00", "2024-01-31 12:00:00", "1 mon 29 days 14:30:00" },
    { "2024-01-31 12:00:00", "2024-01-31 12:00:00", "00:00:00" },
    { "2024-02-29 00:00:00", "1999-03-31 00:00:00", "24 years 10 mons 29 days" },
    { "2023-12-31 23:59:59.999999", "0001-01-01 00:00:00",
      "2022 years 11 mons 30 days 23:59:59.999999" },
    { "1999-03-31 00:00:00", "0001-01-01 00:00:00", "1998 years 2 mons 30 days" },
    { "2024-02-29 00:00:00", "2023-12-31 23:59:59.999999", "1 mon 28 days 00:00:00.000001" },
    { "2024-03-30 02:30:00", "2024-02-29 00:00:00", "1 mon 1 day 02:30:00" },
    { "2023-12-31 23:59:59.999999", "1999-03-31 00:00:00", "24 years 9 mons 23:59:59.999999" },
    { "2024-03-30 02:30:00", "1999-03-31 00:00:00", "24 years 11 mons 30 days 02:30:00" },
    { "2024-01-31 12:00:00", "1999-03-31 00:00:00", "24 years 10 mons 12:00:00" },
    { "0001-01-01 00:00:00", "2024-01-31 12:00:00", "-2023 years -30 days -12:00:00" },
    { "2024-02-29 00:00:00", "0001-01-01 00:00:00", "2023 years 1 mon 28 days" },
    { "2024-02-29 00:00:00", "2024-01-31 12:00:00", "28 days 12:00:00" },
};

typedef struct ScaleCase {
    const char *interval;
    double factor;
    const char *expected;
} ScaleCase;

static const ScaleCase multiply_cases[] = {
    { "-100 years", 0.5, "-50 years" },
    { "-1 mons", 1000, "-83 years -4 mons" },
    { "-1 mons", 0.5, "-15 days" },
    { "1 year 1 mon -3 days +00:00:00.5", -2, "-2 years -2 mons +6 days -00:00:01" },
    { "-100 years", -2, "200 years" },
    { "1 year 1 mon -3 days +00:00:00.5", 0, "00:00:00" },
    { "-1 mons", 1.5, "-1 mons -15 days" },
    { "1 mon", 1.5, "1 mon 15 days" },
    { "-100 years", 0.333333, "-33 years -3 mons -29 days -23:42:43.2" },
    { "1 mon", -2, "-2 mons" },
    { "1 mon", 0.5, "15 days" },
    { "-1 days +25:00:00", 0.5, "00:30:00" },
    { "1 day", 1000, "1000 days" },
    { "-100 years", 1.5, "-150 years" },
    { "1 day", -2, "-2 days" },
    { "-100 years", 1000, "-100000 years" },
    { "-1 mons", 0.333333, "-9 days -23:59:59.136" },
    { "-1 days +25:00:00", 0, "00:00:00" },
};

static const ScaleCase divide_cases[] = {
    { "1 mon", -2, "-15 days" },
    { "-100 years", 1000, "-1 mons -6 days" },
    { "1 year", -2, "-6 mons" },
    { "1 year 1 mon -3 days +00:00:00.5", 1000, "09:17:16.8005" },
    { "-100 years", -2, "50 years" },
    { "1 year 1 mon -3 days +00:00:00.5", 0.5, "2 years 2 mons -6 days +00:00:01" },
    { "-1 mons", 0.5, "-2 mons" },
    { "1 day", 1.5, "16:00:00" },
    { "-1 days +25:00:00", 1.5, "00:40:00" },
    { "1 year 1 mon -3 days +00:00:00.5", 1.5, "8 mons 18 days 00:00:00.333333" },
    { "1 year", 1.5, "8 mons" },
    { "1 year", 0.5, "2 years" },
    { "-100 years", 1.5, "-66 years -8 mons" },
    { "-1 days +25:00:00", 1000, "00:00:03.6" },
    { "-100 years", 7, "-14 years -3 mons -12 days -20:34:17.1552" },
    { "1 day", -2, "-12:00:00" },
    { "1 day", 7, "03:25:42.857143" },
    { "1 year 1 mon -3 days +00:00:00.5", 7, "1 mon 25 days 06:51:25.8104" },
};

static MrInterval interval_of(const char *text)
{
    MrInterval interval = { 0 };
    MrError err = MR_ERROR_INIT;
    ck_assert_msg(mr_interval_parse(mr_string(text), &interval, &err) == MR_OK, "%s", err.message);
    return interval;
}

static int64_t moment_of(const char *text)
{
    int64_t us = 0;
    MrError err = MR_ERROR_INIT;
    ck_assert_msg(mr_timestamp_parse(mr_string(text), &us, &err) == MR_OK, "%s", err.message);
    return us;
}

static void check_interval(const char *what, const MrInterval *interval, const char *expected)
{
    char got[MR_DATETIME_TEXT_MAX + 1];
    got[mr_interval_format(interval, got)] = '\0';
    ck_assert_msg(strcmp(got, expected) == 0, "%s: %s, expected %s", what, got, expected);
}

START_TEST(test_parse)
{
    const ParseCase *c = &interval_cases[_i];
    MrInterval interval;
    MrError err = MR_ERROR_INIT;
    if (mr_interval_parse(mr_string(c->text), &interval, &err) != MR_OK) {
        ck_assert_msg(c->expected[0] == 'E' && strcmp(err.sqlstate, c->expected + 1) == 0,
                      "'%s': %s %s, expected %s", c->text, err.sqlstate, err.message, c->expected);
        return;
    }
    check_interval(c->text, &interval, c->expected);
}
END_TEST

START_TEST(test_add_to_timestamp)
{
    const SumCase *c = &add_cases[_i];
    MrInterval interval = interval_of(c->right);
    int64_t sum;
    ck_assert_int_eq(mr_timestamp_add_interval(moment_of(c->left), &interval, &sum, NULL), MR_OK);
    ck_assert_msg(sum == moment_of(c->expected), "%s + %s", c->left, c->right);
}
END_TEST

START_TEST(test_add_to_timestamptz)
{
    const SumCase *c = &tzadd_cases[_i];
    MrInterval interval = interval_of(c->right);
    const MrTimezone *zone;
    int64_t start;
    int64_t sum;
    int64_t expected;
    ck_assert_int_eq(mr_timezone_find(MR_STRING("Europe/Berlin"), &zone, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamptz_parse(mr_string(c->left), zone, &start, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamptz_parse(mr_string(c->expected), zone, &expected, NULL), MR_OK);
    ck_assert_int_eq(mr_timestamptz_add_interval(start, &interval, zone, &sum, NULL), MR_OK);
    ck_assert_msg(sum == expected, "%s + %s", c->left, c->right);
}
END_TEST

START_TEST(test_subtract)
{
    const SumCase *c = &subtract_cases[_i];
    MrInterval difference = mr_timestamp_subtract(moment_of(c->left), moment_of(c->right));
    check_interval(c->left, &difference, c->expected);
}
END_TEST

START_TEST(test_age)
{
    const SumCase *c = &age_cases[_i];
    MrInterval age = mr_timestamp_age(moment_of(c->left), moment_of(c->right));
    check_interval(c->left, &age, c->expected);
}
END_TEST

START_TEST(test_multiply)
{
    const ScaleCase *c = &multiply_cases[_i];
    MrInterval interval = interval_of(c->interval);
    ck_assert_int_eq(mr_interval_multiply(&interval, c->factor, &interval, NULL), MR_OK);
    check_interval(c->interval, &interval, c->expected);
}
END_TEST

START_TEST(test_divide)
{
    const ScaleCase *c = &divide_cases[_i];
    MrInterval interval = interval_of(c->interval);
    ck_assert_int_eq(mr_interval_divide(&interval, c->factor, &interval, NULL), MR_OK);
    check_interval(c->interval, &interval, c->expected);
    ck_assert_int_eq(mr_interval_divide(&interval, 0, &interval, NULL), MR_ERR_DIVISION_BY_ZERO);
}
END_TEST

START_TEST(test_order_counts_a_month_as_30_days)
{
    MrInterval month = interval_of("1 mon");
    MrInterval days = interval_of("30 days");
    MrInterval hours = interval_of("720 hours");
    MrInterval more = interval_of("1 mon 00:00:00.000001");
    ck_assert_int_eq(mr_interval_compare(&month, &days), 0);
    ck_assert_int_eq(mr_interval_compare(&days, &hours), 0);
    ck_assert_int_lt(mr_interval_compare(&days, &more), 0);
    ck_assert_uint_eq(mr_interval_hash(&month), mr_interval_hash(&hours));
}
END_TEST

START_TEST(test_longest_text_fits)
{
    MrInterval least = { .us = INT64_MIN, .days = INT32_MIN, .months = INT32_MIN };
    ck_assert_uint_lt(strlen("-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808"),
                      MR_DATETIME_TEXT_MAX);
    check_interval("least", &least,
                   "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808");
}
END_TEST

START_TEST(test_overflow_is_told)
{
    MrInterval most = { .us = INT64_MAX, .days = INT32_MAX, .months = INT32_MAX };
    MrInterval least = { .us = INT64_MIN, .days = INT32_MIN, .months = INT32_MIN };
    MrInterval sum;
    int64_t us;
    ck_assert_int_eq(mr_interval_add(&most, &most, &sum, NULL), MR_ERR_DATETIME_OVERFLOW);
    ck_assert_int_eq(mr_interval_subtract(&least, &most, &sum, NULL), MR_ERR_DATETIME_OVERFLOW);
    ck_assert_int_eq(mr_interval_multiply(&most, 2, &sum, NULL), MR_ERR_DATETIME_OVERFLOW);
    ck_assert_int_eq(mr_timestamp_add_interval(0, &most, &us, NULL), MR_ERR_DATETIME_OVERFLOW);
    ck_assert_int_eq(mr_timestamp_add_interval(0, &least, &us, NULL), MR_ERR_DATETIME_OVERFLOW);
    ck_assert_int_eq(mr_timestamp_add_interval(INT64_MAX, &least, &us, NULL), MR_OK);
    ck_assert_int_eq(us, INT64_MAX);
    ck_assert_int_lt(mr_interval_compare(&least, &most), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interval");
    TCase *interval_parse = tcase_create("mr_interval_parse");
    tcase_add_loop_test(interval_parse, test_parse, 0, COUNT(interval_cases));
    suite_add_tcase(suite, interval_parse);
    TCase *timestamp_add_interval = tcase_create("mr_timestamp_add_interval");
    tcase_add_loop_test(timestamp_add_interval, test_add_to_timestamp, 0, COUNT(add_cases));
    tcase_add_loop_test(timestamp_add_interval, test_add_to_timestamptz, 0, COUNT(tzadd_cases));
    tcase_add_test(timestamp_add_interval, test_overflow_is_told);
    tcase_add_test(interval_parse, test_longest_text_fits);
    suite_add_tcase(suite, timestamp_add_interval);
    TCase *timestamp_subtract = tcase_create("mr_timestamp_subtract");
    tcase_add_loop_test(timestamp_subtract, test_subtract, 0, COUNT(subtract_cases));
    tcase_add_loop_test(timestamp_subtract, test_age, 0, COUNT(age_cases));
    suite_add_tcase(suite, timestamp_subtract);
    TCase *interval_multiply = tcase_create("mr_interval_multiply");
    tcase_add_loop_test(interval_multiply, test_multiply, 0, COUNT(multiply_cases));
    tcase_add_loop_test(interval_multiply, test_divide, 0, COUNT(divide_cases));
    suite_add_tcase(suite, interval_multiply);
    TCase *interval_compare = tcase_create("mr_interval_compare");
    tcase_add_test(interval_compare, test_order_counts_a_month_as_30_days);
    suite_add_tcase(suite, interval_compare);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
