/*
 * tests/unit/test_datetime_template.c - to_char, to_timestamp and to_date by templates.
 * The expected column was taken from PostgreSQL 15 (TimeZone Europe/Berlin); E… is a SQLSTATE.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/datetime_template.h"
#include "common/timezone.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

typedef struct TemplateCase {
    const char *input;
    const char *pattern;
    const char *expected;
} TemplateCase;

static const TemplateCase write_cases[] = {
    { "2024-01-02 03:04:05.123456", "HH", "03" },
    { "2024-01-02 03:04:05.123456", "HH12", "03" },
    { "2024-01-02 03:04:05.123456", "HH24", "03" },
    { "2024-01-02 03:04:05.123456", "MI", "04" },
    { "2024-01-02 03:04:05.123456", "SS", "05" },
    { "2024-01-02 03:04:05.123456", "MS", "123" },
    { "2024-01-02 03:04:05.123456", "US", "123456" },
    { "2024-01-02 03:04:05.123456", "FF1", "1" },
    { "2024-01-02 03:04:05.123456", "FF2", "12" },
    { "2024-01-02 03:04:05.123456", "FF3", "123" },
    { "2024-01-02 03:04:05.123456", "FF6", "123456" },
    { "2024-01-02 03:04:05.123456", "SSSS", "11045" },
    { "2024-01-02 03:04:05.123456", "SSSSS", "11045" },
    { "2024-01-02 03:04:05.123456", "AM", "AM" },
    { "2024-01-02 03:04:05.123456", "pm", "am" },
    { "2024-01-02 03:04:05.123456", "P.M.", "A.M." },
    { "2024-01-02 03:04:05.123456", "a.m.", "a.m." },
    { "2024-01-02 03:04:05.123456", "Y,YYY", "2,024" },
    { "2024-01-02 03:04:05.123456", "YYYY", "2024" },
    { "2024-01-02 03:04:05.123456", "YYY", "024" },
    { "2024-01-02 03:04:05.123456", "YY", "24" },
    { "2024-01-02 03:04:05.123456", "Y", "4" },
    { "2024-01-02 03:04:05.123456", "IYYY", "2024" },
    { "2024-01-02 03:04:05.123456", "IYY", "024" },
    { "2024-01-02 03:04:05.123456", "IY", "24" },
    { "2024-01-02 03:04:05.123456", "I", "4" },
    { "2024-01-02 03:04:05.123456", "BC", "AD" },
    { "2024-01-02 03:04:05.123456", "ad", "ad" },
    { "2024-01-02 03:04:05.123456", "B.C.", "A.D." },
    { "2024-01-02 03:04:05.123456", "MONTH", "JANUARY  " },
    { "2024-01-02 03:04:05.123456", "Month", "January  " },
    { "2024-01-02 03:04:05.123456", "month", "january  " },
    { "2024-01-02 03:04:05.123456", "MON", "JAN" },
    { "2024-01-02 03:04:05.123456", "Mon", "Jan" },
    { "2024-01-02 03:04:05.123456", "mon", "jan" },
    { "2024-01-02 03:04:05.123456", "MM", "01" },
    { "2024-01-02 03:04:05.123456", "DAY", "TUESDAY  " },
    { "2024-01-02 03:04:05.123456", "Day", "Tuesday  " },
    { "2024-01-02 03:04:05.123456", "day", "tuesday  " },
    { "2024-01-02 03:04:05.123456", "DY", "TUE" },
    { "2024-01-02 03:04:05.123456", "Dy", "Tue" },
    { "2024-01-02 03:04:05.123456", "dy", "tue" },
    { "2024-01-02 03:04:05.123456", "DDD", "002" },
    { "2024-01-02 03:04:05.123456", "IDDD", "002" },
    { "2024-01-02 03:04:05.123456", "DD", "02" },
    { "2024-01-02 03:04:05.123456", "D", "3" },
    { "2024-01-02 03:04:05.123456", "ID", "2" },
    { "2024-01-02 03:04:05.123456", "W", "1" },
    { "2024-01-02 03:04:05.123456", "WW", "01" },
    { "2024-01-02 03:04:05.123456", "IW", "01" },
    { "2024-01-02 03:04:05.123456", "CC", "21" },
    { "2024-01-02 03:04:05.123456", "J", "2460312" },
    { "2024-01-02 03:04:05.123456", "Q", "1" },
    { "2024-01-02 03:04:05.123456", "RM", "I   " },
    { "2024-01-02 03:04:05.123456", "rm", "i   " },
    { "2024-01-02 03:04:05.123456", "TZ", "" },
    { "2024-01-02 03:04:05.123456", "tz", "" },
    { "2024-01-02 03:04:05.123456", "TZH", "+00" },
    { "2024-01-02 03:04:05.123456", "TZM", "00" },
    { "2024-01-02 03:04:05.123456", "OF", "+00" },
    { "2024-01-02 03:04:05.123456", "FMMonth", "January" },
    { "2024-01-02 03:04:05.123456", "FMDay", "Tuesday" },
    { "2024-12-31 23:59:59", "YYY", "024" },
    { "0001-01-01", "AM", "AM" },
    { "2024-12-31 23:59:59", "AM", "PM" },
    { "2020-02-29 13:00", "I", "0" },
    { "1999-11-11 11:11:11", "Y", "9" },
    { "2024-12-31 23:59:59", "IW", "01" },
    { "1999-11-11 11:11:11", "CC", "20" },
    { "2024-07-22 22:22:22.000022", "DY", "MON" },
    { "2016-01-03 01:02:03", "foo", "foo" },
    { "2024-07-22 22:22:22.000022", "HH", "10" },
    { "0001-01-01", "MI", "00" },
    { "2024-07-22 22:22:22.000022", "CC", "21" },
    { "0001-01-01", "FF3", "000" },
    { "2024-12-31 23:59:59", "DY", "TUE" },
    { "2020-02-29 13:00", "YY", "20" },
    { "12345-06-07 08:09:10", "DY", "THU" },
    { "2023-01-01 00:00:00", "SSSSS", "0" },
    { "0001-12-31 BC", "foo", "foo" },
    { "2021-01-03 12:00:00.5", "FMMM", "1" },
    { "0044-03-15 15:00:00 BC", "DD/Mon/YYYY:HH24:MI:SS", "15/Mar/0044:15:00:00" },
    { "2024-12-31 23:59:59", "FMDay, FMDDth FMMonth YYYY", "Tuesday, 31st December 2024" },
    { "12345-06-07 08:09:10", "FF3", "000" },
    { "2023-01-01 00:00:00", "DAY", "SUNDAY   " },
    { "2023-01-01 00:00:00", "WW", "01" },
    { "12345-06-07 08:09:10", "Y,YYY", "12,345" },
    { "0001-12-31 BC", "Hh24", "Hh24" },
    { "1999-11-11 11:11:11", "ID", "4" },
    { "2020-02-29 13:00", "FMMM", "2" },
    { "0001-01-01", "FMDDth", "1st" },
    { "2021-01-03 12:00:00.5", "FMDay, FMDDth FMMonth YYYY", "Sunday, 3rd January 2021" },
    { "2024-01-02 03:04:05.123456", "yyyy\"T\"hh24", "2024T03" },
    { "2024-12-31 23:59:59", "rm", "xii " },
    { "0044-03-15 15:00:00 BC", "HH24hMI\\\"", "15h00\"" },
    { "2024-07-22 22:22:22.000022", "YYYY-MM-DD HH24:MI:SS", "2024-07-22 22:22:22" },
    { "1999-11-11 11:11:11", "\"Day: \"Day, \"at \\\"x\" HH12:MI am",
      "Day: Thursday , at \"x 11:11 am" },
    { "2016-01-03 01:02:03", "", "" },
    { "2024-12-31 23:59:59", "RM", "XII " },
    { "1970-01-01", "DD/Mon/YYYY:HH24:MI:SS", "01/Jan/1970:00:00:00" },
    { "0044-03-15 15:00:00 BC", "W", "3" },
    { "1970-01-01", "FF1", "0" },
};

static const TemplateCase write_zone_cases[] = {
    { "2024-01-02 03:04:05.123456", "HH24", "03" }, { "2024-01-02 03:04:05.123456", "TZ", "CET" },
    { "2024-01-02 03:04:05.123456", "tz", "cet" },  { "2024-01-02 03:04:05.123456", "TZH", "+01" },
    { "2024-01-02 03:04:05.123456", "TZM", "00" },  { "2024-01-02 03:04:05.123456", "OF", "+01" },
    { "2024-12-31 23:59:59", "HH24", "23" },        { "2024-12-31 23:59:59", "TZ", "CET" },
    { "2024-12-31 23:59:59", "tz", "cet" },         { "2024-12-31 23:59:59", "TZH", "+01" },
    { "2024-12-31 23:59:59", "TZM", "00" },         { "2024-12-31 23:59:59", "OF", "+01" },
    { "2023-01-01 00:00:00", "HH24", "00" },        { "2023-01-01 00:00:00", "TZ", "CET" },
    { "2023-01-01 00:00:00", "tz", "cet" },         { "2023-01-01 00:00:00", "TZH", "+01" },
    { "2023-01-01 00:00:00", "TZM", "00" },         { "2023-01-01 00:00:00", "OF", "+01" },
};

static const TemplateCase read_cases[] = {
    { "2024-01-02 03:04:05", "YYYY-MM-DD HH24:MI:SS", "2024-01-02 03:04:05+01" },
    { "02/Jan/2024:03:04:05", "DD/Mon/YYYY:HH24:MI:SS", "2024-01-02 03:04:05+01" },
    { "02/Jan/2024:03:04:05 +0200", "DD/Mon/YYYY:HH24:MI:SS TZHTZM", "2024-01-02 02:04:05+01" },
    { "02/Jan/2024:03:04:05 -0200", "DD/Mon/YYYY:HH24:MI:SS TZHTZM", "2024-01-02 06:04:05+01" },
    { "02/Jan/2024:03:04:05 -02:30", "DD/Mon/YYYY:HH24:MI:SS TZH:TZM", "2024-01-02 06:34:05+01" },
    { "Tue Jan 02 03:04:05 +0000 2024", "Dy Mon DD HH24:MI:SS +0000 YYYY",
      "2024-01-02 03:04:05+01" },
    { "2024/01/02 03:04", "YYYY/MM/DD HH24:MI", "2024-01-02 03:04:00+01" },
    { "2024-1-2", "YYYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "20240102", "YYYYMMDD", "2024-01-02 00:00:00+01" },
    { "20240102030405", "YYYYMMDDHH24MISS", "2024-01-02 03:04:05+01" },
    { "2024 Jan 2", "YYYY Mon DD", "2024-01-02 00:00:00+01" },
    { "2 January 2024", "DD Month YYYY", "2024-01-02 00:00:00+01" },
    { "January 2, 2024", "Month DD, YYYY", "2024-01-02 00:00:00+01" },
    { "jan 2 24", "mon dd yy", "2024-01-02 00:00:00+01" },
    { "1/2/24", "MM/DD/YY", "2024-01-02 00:00:00+01" },
    { "12/31/99", "MM/DD/YY", "1999-12-31 00:00:00+01" },
    { "05:06 PM", "HH12:MI AM", "0001-01-01 17:06:00+00:53:28 BC" },
    { "12:00 am", "HH:MI am", "0001-01-01 00:00:00+00:53:28 BC" },
    { "13:00", "HH12:MI", "E22007" },
    { "25:00", "HH24:MI", "E22008" },
    { "2024-02-30", "YYYY-MM-DD", "E22008" },
    { "2024-13-01", "YYYY-MM-DD", "E22008" },
    { "2024-00-01", "YYYY-MM-DD", "2024-01-01 00:00:00+01" },
    { "abc", "YYYY-MM-DD", "E22007" },
    { "2024-xx-01", "YYYY-MM-DD", "E22007" },
    { "2024-01", "YYYY-MM-DD", "2024-01-01 00:00:00+01" },
    { "2024", "YYYY", "2024-01-01 00:00:00+01" },
    { "", "YYYY", "0001-01-01 00:00:00+00:53:28 BC" },
    { "2024-366", "YYYY-DDD", "2024-12-31 00:00:00+01" },
    { "2024-060", "YYYY-DDD", "2024-02-29 00:00:00+01" },
    { "2024-W05-3", "IYYY-\"W\"IW-ID", "2024-01-31 00:00:00+01" },
    { "2024-W05", "IYYY-\"W\"IW", "2024-01-29 00:00:00+01" },
    { "2024 05", "YYYY WW", "2024-01-29 00:00:00+01" },
    { "2024-01-02T03:04:05.123Z", "YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"",
      "2024-01-02 03:04:05.123+01" },
    { "2024-01-02T03:04:05.123456Z", "YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"",
      "2024-01-02 03:04:05.123456+01" },
    { "2024-01-02 03:04:05.5", "YYYY-MM-DD HH24:MI:SS.MS", "2024-01-02 03:04:05.5+01" },
    { "2024-01-02 03:04:05.12", "YYYY-MM-DD HH24:MI:SS.MS", "2024-01-02 03:04:05.12+01" },
    { "2024-01-02 03:04:05.1234", "YYYY-MM-DD HH24:MI:SS.FF4", "2024-01-02 03:04:05.1234+01" },
    { "2024-01-02 03:04:05.12", "YYYY-MM-DD HH24:MI:SS.FF6", "2024-01-02 03:04:05.12+01" },
    { "  2024-01-02", "YYYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "2024-01-02   03:04", "YYYY-MM-DD HH24:MI", "2024-01-02 03:04:00+01" },
    { "2024-01-02 03:04", "YYYY-MM-DD   HH24:MI", "2024-01-02 03:04:00+01" },
    { "2024.01.02", "YYYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "2024--01-02", "YYYY-MM-DD", "E22008" },
    { "2024-01-02", "YYYYMMDD", "2024-01-01 00:00:00+01" },
    { "2024-01-02", "FXYYYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "2024-1-2", "FXYYYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "2024  01", "FXYYYY MM", "2024-01-01 00:00:00+01" },
    { "2024-01-02 BC", "YYYY-MM-DD BC", "2024-01-02 00:00:00+00:53:28 BC" },
    { "44-03-15 BC", "YYYY-MM-DD BC", "0044-03-15 00:00:00+00:53:28 BC" },
    { "-44-03-15", "YYYY-MM-DD", "0044-03-15 00:00:00+00:53:28 BC" },
    { "21 24", "CC YY", "2024-01-01 00:00:00+01" },
    { "2,024-01-02", "Y,YYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "45000", "SSSS", "0001-01-01 12:30:00+00:53:28 BC" },
    { "2024-01-02 45000", "YYYY-MM-DD SSSSS", "2024-01-02 12:30:00+01" },
    { "VIII 2024", "RM YYYY", "2024-08-01 00:00:00+02" },
    { "xi-2024", "rm-YYYY", "2024-11-01 00:00:00+01" },
    { "2460312", "J", "2024-01-02 00:00:00+01" },
    { "Tuesday 02 Jan 2024", "Day DD Mon YYYY", "2024-01-02 00:00:00+01" },
    { "tuesday 2 jan 2024", "day dd mon yyyy", "2024-01-02 00:00:00+01" },
    { "Foo 02 Jan 2024", "Dy DD Mon YYYY", "E22007" },
    { "2nd Jan 2024", "DDth Mon YYYY", "2024-01-02 00:00:00+01" },
    { "2024-01-01 2024-01-02", "YYYY-MM-DD YYYY-MM-DD", "E22007" },
    { "2024-W05-3", "YYYY-\"W\"IW-ID", "E22007" },
    { "99999999999", "YYYY", "E22008" },
    { "2024-01-02 03:04:05 PST", "YYYY-MM-DD HH24:MI:SS TZ", "E0A000" },
    { "2024-01-02 03:04:05", "YYYY-MM-DD HH24:MI:SS OF", "2024-01-02 03:04:05+01" },
    { "2024 1", "YYYY Q", "2024-01-01 00:00:00+01" },
    { "2024-01-02 03:61:00", "YYYY-MM-DD HH24:MI:SS", "E22008" },
    { "2024-01-02 24:00:00", "YYYY-MM-DD HH24:MI:SS", "E22008" },
    { "995", "YYY", "1995-01-01 00:00:00+01" },
    { "5", "Y", "2005-01-01 00:00:00+01" },
    { "70", "YY", "1970-01-01 00:00:00+01" },
    { "69", "YY", "2069-01-01 00:00:00+01" },
    { "100", "YYY", "2100-01-01 00:00:00+01" },
    { "519", "YYY", "2519-01-01 00:00:00+01" },
    { "520", "YYY", "1520-01-01 00:00:00+00:53:28" },
    { "2024 3 2", "YYYY MM W", "2024-03-08 00:00:00+01" },
    { "12345-01-02", "YYYY-MM-DD", "12345-01-02 00:00:00+01" },
    { "1234567", "YYYYMMDD", "E22008" },
    { "2024-01-02extra", "YYYY-MM-DD", "2024-01-02 00:00:00+01" },
    { "2024-jan-02", "YYYY-MON-DD", "2024-01-02 00:00:00+01" },
    { "2024-january-02", "YYYY-MON-DD", "E22007" },
    { "ab2024", "\"xy\"YYYY", "2024-01-01 00:00:00+01" },
    { "a2024", "\"xy\"YYYY", "0024-01-01 00:00:00+00:53:28" },
    { "10:20 30", "HH24 MI:SS", "0001-01-01 10:20:30+00:53:28 BC" },
    { "2000+JUN", "YYYY/MON", "2000-06-01 00:00:00+02" },
    { "  2000 JUN", "YYYY MON", "2000-06-01 00:00:00+02" },
    { "2000JUN", "YYYY///MON", "2000-06-01 00:00:00+02" },
    { "2000-+ JUN", "YYYY  MON", "2000-06-01 00:00:00+02" },
    { "2011-12-18 23:38:15 -05", "YYYY-MM-DD HH24:MI:SSTZH", "2011-12-19 05:38:15+01" },
    { "2011-12-18 23:38 -05", "YYYY-MM-DD HH24:MI  TZH", "2011-12-18 19:38:00+01" },
    { "2011-12-18 23:38-05:20", "YYYY-MM-DD HH24:MITZH:TZM", "2011-12-19 05:58:00+01" },
};

static const TemplateCase read_date_cases[] = {
    { "January 2, 2024", "Month DD, YYYY", "2024-01-02" },
    { "2024", "YYYY", "2024-01-01" },
    { "69", "YY", "2069-01-01" },
    { "2000+JUN", "YYYY/MON", "2000-06-01" },
    { "VIII 2024", "RM YYYY", "2024-08-01" },
    { "519", "YYY", "2519-01-01" },
    { "2024-xx-01", "YYYY-MM-DD", "E22007" },
    { "2024-W05-3", "YYYY-\"W\"IW-ID", "E22007" },
    { "jan 2 24", "mon dd yy", "2024-01-02" },
    { "10:20 30", "HH24 MI:SS", "0001-01-01 BC" },
    { "44-03-15 BC", "YYYY-MM-DD BC", "0044-03-15 BC" },
    { "2024-01-02 03:04:05.1234", "YYYY-MM-DD HH24:MI:SS.FF4", "2024-01-02" },
    { "99999999999", "YYYY", "E22008" },
    { "02/Jan/2024:03:04:05 +0200", "DD/Mon/YYYY:HH24:MI:SS TZHTZM", "2024-01-02" },
    { "2024-01-02 03:04", "YYYY-MM-DD   HH24:MI", "2024-01-02" },
    { "12345-01-02", "YYYY-MM-DD", "12345-01-02" },
    { "21 24", "CC YY", "2024-01-01" },
    { "2024-01-02 03:04:05.12", "YYYY-MM-DD HH24:MI:SS.MS", "2024-01-02" },
    { "2024-02-30", "YYYY-MM-DD", "E22008" },
    { "2024-01", "YYYY-MM-DD", "2024-01-01" },
};

typedef struct Fixture {
    MrArena arena;
    MrBuilder text;
    const MrTimezone *zone;
    MrDatetimeTemplate *template;
    MrError err;
} Fixture;

static void fixture_init(Fixture *f, const TemplateCase *c)
{
    f->err = (MrError)MR_ERROR_INIT;
    mr_arena_init(&f->arena, 0);
    mr_builder_init(&f->text, 0);
    ck_assert_int_eq(mr_timezone_find(MR_STRING("Europe/Berlin"), &f->zone, NULL), MR_OK);
    ck_assert_int_eq(
        mr_datetime_template_create(&f->arena, mr_string(c->pattern), &f->template, NULL), MR_OK);
}

static void fixture_check(Fixture *f, const TemplateCase *c, MrStatus status)
{
    if (status != MR_OK) {
        mr_builder_clear(&f->text);
        mr_builder_append_format(&f->text, "E%s", f->err.sqlstate);
    }
    const char *got = mr_builder_text(&f->text);
    ck_assert_msg(strcmp(got, c->expected) == 0, "'%s' as '%s': '%s', expected '%s'", c->input,
                  c->pattern, got, c->expected);
    mr_builder_fini(&f->text);
    mr_arena_fini(&f->arena);
}

START_TEST(test_write)
{
    const TemplateCase *c = &write_cases[_i];
    Fixture f;
    int64_t us;
    fixture_init(&f, c);
    ck_assert_int_eq(mr_timestamp_parse(mr_string(c->input), &us, NULL), MR_OK);
    fixture_check(&f, c, mr_timestamp_to_char(f.template, us, NULL, &f.text, &f.err));
}
END_TEST

START_TEST(test_write_with_zone)
{
    const TemplateCase *c = &write_zone_cases[_i];
    Fixture f;
    int64_t us;
    fixture_init(&f, c);
    ck_assert_int_eq(mr_timestamptz_parse(mr_string(c->input), f.zone, &us, NULL), MR_OK);
    fixture_check(&f, c, mr_timestamp_to_char(f.template, us, f.zone, &f.text, &f.err));
}
END_TEST

static void text_at(const Fixture *f, int64_t us, char out[256])
{
    MrBuilder text;
    MrError err = MR_ERROR_INIT;
    mr_builder_init(&text, 0);
    ck_assert_int_eq(mr_timestamp_to_char(f->template, us, NULL, &text, &err), MR_OK);
    snprintf(out, 256, "%s", mr_builder_text(&text));
    mr_builder_fini(&text);
}

START_TEST(test_text_stays_within_its_unit)
{
    const TemplateCase *c = &write_cases[_i];
    char first[256], middle[256], last[256];
    Fixture f;
    int64_t us;
    fixture_init(&f, c);
    ck_assert_int_eq(mr_timestamp_parse(mr_string(c->input), &us, NULL), MR_OK);
    int64_t unit_us = mr_datetime_template_unit_us(f.template);
    int64_t start_us = us - (us % unit_us + unit_us) % unit_us;
    text_at(&f, start_us, first);
    text_at(&f, us, middle);
    text_at(&f, start_us + unit_us - 1, last);
    ck_assert_str_eq(first, middle);
    ck_assert_str_eq(middle, last);
    mr_builder_fini(&f.text);
    mr_arena_fini(&f.arena);
}
END_TEST

START_TEST(test_unit_is_the_shortest_of_the_fields)
{
    static const struct {
        const char *pattern;
        int64_t unit_us;
    } cases[] = {
        { "YYYY-MM-DD", MR_US_PER_DAY },
        { "at noon", MR_US_PER_DAY },
        { "HH24 Day", 3600 * MR_US_PER_SECOND },
        { "HH12 AM", 3600 * MR_US_PER_SECOND },
        { "DD HH24:MI", 60 * MR_US_PER_SECOND },
        { "HH24:MI:SS", MR_US_PER_SECOND },
        { "SSSS", MR_US_PER_SECOND },
        { "MS", 1 },
        { "YYYY US", 1 },
        { "FF3", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Fixture f;
        fixture_init(&f, &(TemplateCase){ .pattern = cases[i].pattern });
        ck_assert_msg(mr_datetime_template_unit_us(f.template) == cases[i].unit_us, "%s",
                      cases[i].pattern);
        mr_builder_fini(&f.text);
        mr_arena_fini(&f.arena);
    }
}
END_TEST

START_TEST(test_read)
{
    const TemplateCase *c = &read_cases[_i];
    char shown[MR_DATETIME_TEXT_MAX];
    Fixture f;
    int64_t us = 0;
    fixture_init(&f, c);
    MrStatus status =
        mr_timestamp_from_template(f.template, mr_string(c->input), f.zone, &us, &f.err);
    mr_builder_append(&f.text, shown, mr_timestamptz_format(us, f.zone, shown));
    fixture_check(&f, c, status);
}
END_TEST

START_TEST(test_read_date)
{
    const TemplateCase *c = &read_date_cases[_i];
    char shown[MR_DATETIME_TEXT_MAX];
    Fixture f;
    int32_t days = 0;
    fixture_init(&f, c);
    MrStatus status = mr_date_from_template(f.template, mr_string(c->input), &days, &f.err);
    mr_builder_append(&f.text, shown, mr_date_format(days, shown));
    fixture_check(&f, c, status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datetime_template");
    TCase *timestamp_to_char = tcase_create("mr_timestamp_to_char");
    tcase_add_loop_test(timestamp_to_char, test_write, 0, COUNT(write_cases));
    tcase_add_loop_test(timestamp_to_char, test_write_with_zone, 0, COUNT(write_zone_cases));
    tcase_add_loop_test(timestamp_to_char, test_text_stays_within_its_unit, 0, COUNT(write_cases));
    tcase_add_test(timestamp_to_char, test_unit_is_the_shortest_of_the_fields);
    suite_add_tcase(suite, timestamp_to_char);
    TCase *timestamp_from_template = tcase_create("mr_timestamp_from_template");
    tcase_add_loop_test(timestamp_from_template, test_read, 0, COUNT(read_cases));
    suite_add_tcase(suite, timestamp_from_template);
    TCase *date_from_template = tcase_create("mr_date_from_template");
    tcase_add_loop_test(date_from_template, test_read_date, 0, COUNT(read_date_cases));
    suite_add_tcase(suite, date_from_template);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
