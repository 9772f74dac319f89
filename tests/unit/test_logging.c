/*
 * tests/unit/test_logging.c - log lines and metrics.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/logging.h"
#include "common/metrics.h"
#include "common/text.h"

static char captured[20000];

/* Logs into a file and gives what was written. */
static const char *log_of(bool json, MrLogLevel least, void (*act)(void))
{
    char path[] = "/tmp/mr_test_logging_XXXXXX";
    int fd = mkstemp(path);
    MrClock *clock = mr_clock_create_virtual(INT64_C(1704164645123456));
    mr_logging_init(fd, least, json, clock);
    act();
    mr_logging_init(STDERR_FILENO, MR_LOG_INFO, false, NULL);
    mr_clock_destroy(clock);
    ssize_t length = pread(fd, captured, sizeof captured - 1, 0);
    captured[length < 0 ? 0 : length] = '\0';
    close(fd);
    unlink(path);
    return captured;
}

static void act_plain(void)
{
    mr_log_line(MR_LOG_DEBUG, "unseen", "x");
    mr_log_line(MR_LOG_WARNING, "query.stopped", "query \"%s\"\nis\x01 gone\xff", "busy");
}

START_TEST(test_text)
{
    ck_assert_str_eq(log_of(false, MR_LOG_INFO, act_plain),
                     "time=2024-01-02T03:04:05.123456Z level=warning event=query.stopped "
                     "message=\"query \\\"busy\\\"\\nis\\u0001 gone?\"\n");
}
END_TEST

START_TEST(test_json)
{
    ck_assert_str_eq(log_of(true, MR_LOG_INFO, act_plain),
                     "{\"time\":\"2024-01-02T03:04:05.123456Z\",\"level\":\"warning\","
                     "\"event\":\"query.stopped\","
                     "\"message\":\"query \\\"busy\\\"\\nis\\u0001 gone?\"}\n");
}
END_TEST

static void act_error(void)
{
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, MR_ERR_DISK_FULL, "full");
    mr_error_hint(&err, "buy one");
    mr_log_error(MR_LOG_ERROR, "log.write", &err);
}

START_TEST(test_error_fields)
{
    const char *line = log_of(false, MR_LOG_INFO, act_error);
    ck_assert_ptr_nonnull(strstr(line, " sqlstate=53100 message=full hint=\"buy one\"\n"));
}
END_TEST

static void act_long(void)
{
    char text[12000];
    for (size_t i = 0; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    text[sizeof text - 2] = '\0';
    mr_log_line(MR_LOG_INFO, "long", "x%s", text);
}

START_TEST(test_long_line_is_cut)
{
    for (int json = 0; json < 2; json++) {
        const char *line = log_of(json == 1, MR_LOG_INFO, act_long);
        size_t length = strlen(line);
        ck_assert_uint_le(length, 8192);
        ck_assert_uint_gt(length, 8000);
        ck_assert_uint_eq(mr_utf8_check(line, length), length);
        ck_assert_str_eq(line + length - (json == 1 ? 3 : 2), json == 1 ? "\"}\n" : "\"\n");
    }
}
END_TEST

static void collect(void *context, const MrMetricInfo *info, const char *label, int64_t value)
{
    char *text = context;
    sprintf(text + strlen(text), "%s{%s}=%lld ", info->name, label, (long long)value);
}

START_TEST(test_metrics)
{
    char text[1000] = "";
    int64_t value;
    MrMetric *late = mr_metric_get(MR_METRIC_LATE_ROWS, "b");
    ck_assert_ptr_eq(late, mr_metric_get(MR_METRIC_LATE_ROWS, "b"));
    mr_metric_add(late, 2);
    mr_metric_add(late, 3);
    mr_metric_add(mr_metric_get(MR_METRIC_LATE_ROWS, "a"), 1);
    mr_metric_set(mr_metric_get(MR_METRIC_CONNECTIONS, NULL), 7);
    mr_metrics_each(collect, text);
    ck_assert_str_eq(text, "connections{}=7 late_rows{a}=1 late_rows{b}=5 ");
    ck_assert(mr_metrics_find(MR_STRING("late_rows"), MR_STRING("b"), &value) && value == 5);
    ck_assert(!mr_metrics_find(MR_STRING("late_rows"), MR_STRING("c"), &value));
    ck_assert(!mr_metrics_find(MR_STRING("what"), MR_STRING(""), &value));
    mr_metrics_forget("query", "b");
    ck_assert(!mr_metrics_find(MR_STRING("late_rows"), MR_STRING("b"), &value));
    ck_assert_ptr_eq(mr_metric_get(MR_METRIC_LATE_ROWS, "b"), late);
    ck_assert_int_eq(mr_metric_value(late), 0);
    ck_assert_str_eq(mr_metric_info(MR_METRIC_LATE_ROWS)->label, "query");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("logging");
    TCase *log_line_case = tcase_create("mr_log_line");
    tcase_add_test(log_line_case, test_text);
    tcase_add_test(log_line_case, test_json);
    tcase_add_test(log_line_case, test_error_fields);
    tcase_add_test(log_line_case, test_long_line_is_cut);
    suite_add_tcase(suite, log_line_case);
    TCase *metric_get_case = tcase_create("mr_metric_get");
    tcase_add_test(metric_get_case, test_metrics);
    suite_add_tcase(suite, metric_get_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
