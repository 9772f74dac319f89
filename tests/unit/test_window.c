/*
 * tests/unit/test_window.c - window arithmetic: starts and ends before and after 1970, with offsets,
 * by months, in time zones, at the ends of time; every window that holds a time.
 */
#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/datetime.h"
#include "common/random.h"
#include "engine/window.h"

#define SECOND INT64_C(1000000)
#define DAY MR_US_PER_DAY

typedef struct WindowCase {
    const char *what;
    MrWindow window;
    int64_t at, start, end;
} WindowCase;

static const WindowCase cases[] = {
    { "inside",
      { .size_us = 60 * SECOND, .slide_us = 60 * SECOND },
      61 * SECOND,
      60 * SECOND,
      120 * SECOND },
    { "at its start",
      { .size_us = 60 * SECOND, .slide_us = 60 * SECOND },
      60 * SECOND,
      60 * SECOND,
      120 * SECOND },
    { "just before its end",
      { .size_us = 60 * SECOND, .slide_us = 60 * SECOND },
      120 * SECOND - 1,
      60 * SECOND,
      120 * SECOND },
    { "before the epoch",
      { .size_us = 60 * SECOND, .slide_us = 60 * SECOND },
      -1,
      -60 * SECOND,
      0 },
    { "no slide given", { .size_us = 60 * SECOND }, 61 * SECOND, 60 * SECOND, 120 * SECOND },
    { "hopping",
      { .size_us = 60 * SECOND, .slide_us = 20 * SECOND },
      61 * SECOND,
      60 * SECOND,
      120 * SECOND },
    { "hopping, later slide",
      { .size_us = 60 * SECOND, .slide_us = 20 * SECOND },
      81 * SECOND,
      80 * SECOND,
      140 * SECOND },
    { "offset",
      { .size_us = 60 * SECOND, .slide_us = 60 * SECOND, .offset_us = 10 * SECOND },
      5 * SECOND,
      -50 * SECOND,
      10 * SECOND },
    { "a week starts on Thursday",
      { .size_us = 7 * DAY, .slide_us = 7 * DAY },
      6 * DAY,
      0,
      7 * DAY },
    { "a week offset to Monday",
      { .size_us = 7 * DAY, .slide_us = 7 * DAY, .offset_us = 4 * DAY },
      4 * DAY,
      4 * DAY,
      11 * DAY },
    { "January", { .size_months = 1 }, 30 * DAY, 0, 31 * DAY },
    { "December 1969", { .size_months = 1 }, -1, -31 * DAY, 0 },
    { "the year 1970", { .size_months = 12 }, 364 * DAY, 0, 365 * DAY },
    { "the year 1969", { .size_months = 12 }, -1, -365 * DAY, 0 },
    { "the quarter before", { .size_months = 3 }, -1, -92 * DAY, 0 },
    { "months with an offset", { .size_months = 1, .offset_us = DAY }, 0, -30 * DAY, DAY },
    { "infinity",
      { .size_us = SECOND, .slide_us = SECOND },
      MR_TIME_MAX,
      MR_TIME_MAX,
      MR_TIME_MAX },
    { "-infinity",
      { .size_us = SECOND, .slide_us = SECOND },
      MR_TIME_MIN,
      MR_TIME_MIN,
      MR_TIME_MIN },
    { "the end of time saturates",
      { .size_us = 10 * DAY, .slide_us = 10 * DAY },
      MR_TIME_MAX - 1,
      (MR_TIME_MAX - 1) / (10 * DAY) * (10 * DAY),
      MR_TIME_MAX },
};

START_TEST(test_start_and_end)
{
    const WindowCase *c = &cases[_i];
    const int64_t start = mr_window_start(&c->window, c->at);
    ck_assert_msg(start == c->start, "%s: start %lld, expected %lld", c->what, (long long)start,
                  (long long)c->start);
    const int64_t end = mr_window_end(&c->window, start);
    ck_assert_msg(end == c->end, "%s: end %lld, expected %lld", c->what, (long long)end,
                  (long long)c->end);
}
END_TEST

/* ---- Time zones: the moments are those of the tz database, found with another program. -------- */

typedef struct ZoneCase {
    const char *what, *zone;
    MrWindow window;
    const char *at, *start, *end, *shown;
} ZoneCase;

static const ZoneCase zone_cases[] = {
    { "a day of 23 hours",
      "Europe/Berlin",
      { .size_us = DAY },
      "2026-03-29 12:00:00",
      "2026-03-28 23:00:00",
      "2026-03-29 22:00:00",
      NULL },
    { "a day of 25 hours",
      "Europe/Berlin",
      { .size_us = DAY },
      "2026-10-25 00:30:00",
      "2026-10-24 22:00:00",
      "2026-10-25 23:00:00",
      NULL },
    { "a week with a change",
      "Europe/Berlin",
      { .size_us = 7 * DAY, .offset_us = 4 * DAY },
      "2026-03-27 12:00:00",
      "2026-03-22 23:00:00",
      "2026-03-29 22:00:00",
      NULL },
    { "a month with a change",
      "Europe/Berlin",
      { .size_months = 1 },
      "2026-03-31 21:59:59",
      "2026-02-28 23:00:00",
      "2026-03-31 22:00:00",
      NULL },
    { "midnight is left out",
      "America/Sao_Paulo",
      { .size_us = DAY },
      "2018-11-04 12:00:00",
      "2018-11-04 03:00:00",
      "2018-11-05 02:00:00",
      NULL },
    { "the day before it",
      "America/Sao_Paulo",
      { .size_us = DAY },
      "2018-11-04 02:59:59",
      "2018-11-03 03:00:00",
      "2018-11-04 03:00:00",
      NULL },
    { "an hour before midnight comes twice",
      "America/Sao_Paulo",
      { .size_us = DAY },
      "2018-02-18 02:30:00",
      "2018-02-17 02:00:00",
      "2018-02-18 03:00:00",
      NULL },
    { "midnight comes twice: the first",
      "America/Havana",
      { .size_us = DAY },
      "2025-11-02 04:30:00",
      "2025-11-02 04:00:00",
      "2025-11-03 05:00:00",
      NULL },
    { "date_trunc names the second",
      "America/Havana",
      { .size_us = DAY, .truncates = true },
      "2025-11-02 04:30:00",
      "2025-11-02 04:00:00",
      "2025-11-03 05:00:00",
      "2025-11-02 05:00:00" },
    { "days of half an hour's zone",
      "Asia/Kolkata",
      { .size_us = DAY },
      "2026-01-01 18:29:59",
      "2025-12-31 18:30:00",
      "2026-01-01 18:30:00",
      NULL },
    { "date_trunc('hour') there",
      "Asia/Kolkata",
      { .size_us = 3600 * SECOND, .truncates = true },
      "2026-01-01 10:15:00",
      "2026-01-01 09:30:00",
      "2026-01-01 10:30:00",
      NULL },
    { "hours beside half an hour's change",
      "Australia/Lord_Howe",
      { .size_us = 3600 * SECOND, .truncates = true },
      "2026-04-04 15:10:00",
      "2026-04-04 14:30:00",
      "2026-04-04 15:30:00",
      NULL },
    { "steps of an hour in a day of 25 hours",
      "Europe/Berlin",
      { .size_us = DAY, .slide_us = 3600 * SECOND, .cumulates = true },
      "2026-10-25 22:30:00",
      "2026-10-25 22:00:00",
      "2026-10-25 23:00:00",
      "2026-10-24 22:00:00" },
    { "steps of a day in a month",
      "Europe/Berlin",
      { .size_months = 1, .slide_us = DAY, .cumulates = true },
      "2026-10-26 00:00:00",
      "2026-10-25 23:00:00",
      "2026-10-26 23:00:00",
      "2026-09-30 22:00:00" },
    { "steps of months in a year",
      NULL,
      { .size_months = 12, .slide_months = 1, .cumulates = true },
      "2026-02-10 00:00:00",
      "2026-02-01 00:00:00",
      "2026-03-01 00:00:00",
      "2026-01-01 00:00:00" },
    { "three months every month",
      NULL,
      { .size_months = 3, .slide_months = 1 },
      "2026-02-10 00:00:00",
      "2026-02-01 00:00:00",
      "2026-05-01 00:00:00",
      NULL },
};

static int64_t moment(const char *text)
{
    int64_t us;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_timestamp_parse(mr_string(text), &us, &err), MR_OK);
    return us;
}

static const MrTimezone *zone_named(const char *name)
{
    const MrTimezone *zone = NULL;
    MrError err = MR_ERROR_INIT;
    if (name != NULL) {
        ck_assert_int_eq(mr_timezone_find(mr_string(name), &zone, &err), MR_OK);
    }
    return zone;
}

START_TEST(test_zones)
{
    const ZoneCase *c = &zone_cases[_i];
    MrWindow window = c->window;
    window.zone = zone_named(c->zone);
    const int64_t start = mr_window_start(&window, moment(c->at));
    const int64_t shown = mr_window_shown_start(&window, start);
    ck_assert_msg(start == moment(c->start), "%s: start %lld", c->what, (long long)start);
    ck_assert_msg(mr_window_end(&window, start) == moment(c->end), "%s: end %lld", c->what,
                  (long long)mr_window_end(&window, start));
    ck_assert_msg(shown == (c->shown == NULL ? start : moment(c->shown)), "%s: shown %lld", c->what,
                  (long long)shown);
}
END_TEST

/* The windows that hold a time are those that a walk over all anchors finds. */
static void check_windows_of(const MrWindow *window, int64_t at)
{
    int64_t found[400], from, until;
    uint32_t count = 0, seen = 0;
    int64_t anchor = mr_window_start(window, at - 500 * DAY);
    for (; anchor <= at + 500 * DAY; anchor = mr_window_next(window, anchor)) {
        const int64_t start = mr_window_shown_start(window, anchor);
        const int64_t end = mr_window_end(window, anchor);
        ck_assert_int_lt(start, end);
        ck_assert_int_gt(mr_window_next(window, anchor), anchor);
        if (start <= at && at < end) {
            ck_assert_uint_lt(count, 400);
            found[count++] = anchor;
        }
    }
    ck_assert_uint_le(count, mr_window_count_max(window));
    anchor = mr_window_start(window, at);
    if (mr_window_end(window, anchor) > at) {
        do {
            uint32_t i = 0;
            while (i < count && found[i] != anchor) {
                i++;
            }
            ck_assert_msg(i < count, "window %lld of %lld", (long long)anchor, (long long)at);
            seen++;
        } while (mr_window_other(window, at, &anchor));
    }
    ck_assert_uint_eq(seen, count);
    mr_window_cover(window, at, &from, &until);
    ck_assert(from <= at && at < until);
    const int64_t newest = mr_window_start(window, at);
    ck_assert_int_eq(mr_window_start(window, from), newest);
    ck_assert_int_eq(mr_window_start(window, until - 1), newest);
}

START_TEST(test_windows_of_a_time)
{
    static const char *const zones[] = { NULL,           "Europe/Berlin",       "America/Sao_Paulo",
                                         "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana" };
    static const MrWindow forms[] = {
        { .size_us = DAY, .slide_us = DAY },
        { .size_us = 7 * DAY, .slide_us = DAY },
        { .size_us = 3 * DAY, .slide_us = 2 * DAY, .offset_us = 9000 * SECOND },
        { .size_months = 1 },
        { .size_months = 3, .slide_months = 1 },
        { .size_us = DAY, .slide_us = 3 * 3600 * SECOND, .cumulates = true },
        { .size_us = 6 * DAY, .slide_us = 2 * DAY, .cumulates = true, .offset_us = 9000 * SECOND },
        { .size_months = 1, .slide_us = DAY, .cumulates = true },
        { .size_months = 12, .slide_months = 3, .cumulates = true },
    };
    MrRandom random;
    mr_random_init(&random, 20260329);
    for (uint32_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        for (uint32_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
            MrWindow window = forms[f];
            window.zone = zone_named(zones[z]);
            /* Around the changes of 2018, 2025 and 2026, and anywhere. */
            const int64_t near[] = { moment("2018-02-18 02:30:00"), moment("2018-11-04 02:30:00"),
                                     moment("2025-11-02 04:30:00"), moment("2026-03-29 01:00:00"),
                                     moment("2026-10-25 01:00:00"), moment("2026-04-04 15:00:00") };
            for (uint32_t i = 0; i < 12; i++) {
                const int64_t around = near[i % 6];
                const int64_t width = i < 8 ? 6 * 3600 * SECOND : 300 * DAY;
                check_windows_of(&window,
                                 around - width +
                                     (int64_t)mr_random_below(&random, (uint64_t)width * 2));
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tcase = tcase_create("mr_window_start");
    tcase_add_loop_test(tcase, test_start_and_end, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(tcase, test_zones, 0, (int)(sizeof zone_cases / sizeof zone_cases[0]));
    tcase_add_test(tcase, test_windows_of_a_time);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
