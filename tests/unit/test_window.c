/*
 * tests/unit/test_window.c - window arithmetic: starts and ends before and after 1970, with offsets,
 * by months, at the ends of time.
 */
#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "engine/expression.h"

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

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tcase = tcase_create("mr_window_start");
    tcase_add_loop_test(tcase, test_start_and_end, 0, (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
