/*
 * tests/unit/test_settings.c - settings: values, units, scopes and the file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/settings.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *name;
    const char *text;
    const char *shown; /* E and the SQLSTATE when refused */
} set_cases[] = {
    { "port", "5432", "5432" },
    { "PORT", " 1 ", "1" },
    { "port", "70000", "E22023" },
    { "port", "-1", "E22023" },
    { "port", "1.5", "E22023" },
    { "port", "abc", "E22023" },
    { "port", "", "E22023" },
    { "port", "5432kB", "E22023" },
    { "log_level", "DEBUG", "debug" },
    { "log_level", "loud", "E22023" },
    { "log_level", "", "E22023" },
    { "log_segment_size", "1.5GB", "E22023" },
    { "log_segment_size", "16MB", "16MB" },
    { "log_segment_size", "2097152", "2MB" },
    { "log_segment_size", "2097153", "2097153B" },
    { "log_segment_size", "1.5 MB", "1536kB" },
    { "log_segment_size", "1", "E22023" },
    { "log_segment_size", "16mb", "E22023" },
    { "log_limit", "0", "0" },
    { "checkpoint_interval", "90s", "90s" },
    { "checkpoint_interval", "120 s", "2min" },
    { "checkpoint_interval", "1500", "1500ms" },
    { "checkpoint_interval", "10us", "10us" },
    { "checkpoint_interval", "2d", "E22023" },
    { "checkpoint_interval", "nan", "E22023" },
    { "checkpoint_interval", "1e400", "E22023" },
    { "read_your_writes", "off", "off" },
    { "read_your_writes", "TRUE", "on" },
    { "read_your_writes", "y", "on" },
    { "read_your_writes", "o", "E22023" },
    { "DateStyle", "ISO", "ISO, MDY" },
    { "datestyle", "iso,mdy", "ISO, MDY" },
    { "datestyle", "German", "German, DMY" },
    { "datestyle", "German, US", "German, MDY" },
    { "datestyle", "european,POSTGRESQL", "Postgres, DMY" },
    { "datestyle", " sql , ymd ", "SQL, YMD" },
    { "datestyle", "", "ISO, MDY" },
    { "datestyle", "ISO, SQL", "E22023" },
    { "datestyle", "DMY, MDY", "E22023" },
    { "datestyle", "isos", "E22023" },
    { "datestyle", "iso,", "E22023" },
    { "datestyle", "Default", "ISO, MDY" },
    { "datestyle", "German, DEFAULT", "German, MDY" },
    { "datestyle", "default, german", "German, DMY" },
    { "datestyle", "ymd, default, sql", "SQL, YMD" },
    { "datestyle", "defaults", "E22023" },
    { "bytea_output", "Escape", "escape" },
    { "bytea_output", "octal", "E22023" },
    { "client_encoding", "utf-8", "UTF8" },
    { "client_encoding", "LATIN1", "E22023" },
    { "timezone", "europe/berlin", "Europe/Berlin" },
    { "timezone", "Mars/Base", "E22023" },
    { "application_name", "it's \xc3\xa9", "it's \xc3\xa9" },
    { "application_name", "\xff", "E22023" },
    { "standard_conforming_strings", "off", "E22023" },
    { "search_path", "A, \"B, \"\"b\" ,c", "A, \"B, \"\"b\" ,c" },
    { "search_path", "", "" },
    { "search_path", " ", " " },
    { "search_path", "\"", "E22023" },
    { "search_path", "a b", "E22023" },
    { "search_path", "a,", "E22023" },
    { "search_path", ",a", "E22023" },
    { "extra_float_digits", "3", "3" },
    { "extra_float_digits", "-15", "-15" },
};

static const char *show(const MrSettings *settings, MrSettingId id, char *buffer, size_t size)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_settings_show(settings, id, &text);
    snprintf(buffer, size, "%s", mr_builder_text(&text));
    mr_builder_fini(&text);
    return buffer;
}

START_TEST(test_set_and_show)
{
    MrSettings *settings = mr_settings_create();
    MrSettingId id;
    MrError err = MR_ERROR_INIT;
    char shown[100];
    char before[100];
    ck_assert(mr_setting_find(mr_string(set_cases[_i].name), &id));
    show(settings, id, before, sizeof before);
    if (mr_settings_set(settings, id, mr_string(set_cases[_i].text), MR_SETTING_START, &err) !=
        MR_OK) {
        ck_assert_str_eq(show(settings, id, shown, sizeof shown), before);
        snprintf(shown, sizeof shown, "E%s", err.sqlstate);
    } else {
        show(settings, id, shown, sizeof shown);
    }
    ck_assert_msg(strcmp(shown, set_cases[_i].shown) == 0, "%s = '%s': %s (%s)", set_cases[_i].name,
                  set_cases[_i].text, shown, err.message);
    mr_settings_destroy(settings);
}
END_TEST

/* Every default must be legal, and what SHOW prints must be read back as the same. */
START_TEST(test_every_default_survives_show)
{
    MrSettings *settings = mr_settings_create();
    char shown[200];
    char again[200];
    ck_assert_ptr_nonnull(settings);
    show(settings, (MrSettingId)_i, shown, sizeof shown);
    MrError err = MR_ERROR_INIT;
    ck_assert_msg(mr_settings_set(settings, (MrSettingId)_i, mr_string(shown), MR_SETTING_FIXED,
                                  &err) == MR_OK,
                  "%s", err.message);
    ck_assert_str_eq(show(settings, (MrSettingId)_i, again, sizeof again), shown);
    ck_assert_uint_gt(strlen(mr_setting_info((MrSettingId)_i)->doc), 1);
    mr_settings_destroy(settings);
}
END_TEST

START_TEST(test_scopes)
{
    MrSettings *settings = mr_settings_create();
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(
        mr_settings_set(settings, MR_SET_PORT, MR_STRING("1"), MR_SETTING_SESSION, &err),
        MR_ERR_CANT_CHANGE_SETTING);
    ck_assert_str_eq(err.message,
                     "parameter \"port\" cannot be changed without restarting the server");
    ck_assert_int_eq(
        mr_settings_set(settings, MR_SET_WORKERS, MR_STRING("1"), MR_SETTING_SESSION, &err),
        MR_ERR_CANT_CHANGE_SETTING);
    ck_assert_int_eq(
        mr_settings_set(settings, MR_SET_SERVER_VERSION, MR_STRING("1"), MR_SETTING_START, &err),
        MR_ERR_CANT_CHANGE_SETTING);
    ck_assert_int_eq(
        mr_settings_set(settings, MR_SET_WORKERS, MR_STRING("3"), MR_SETTING_RELOAD, &err), MR_OK);
    ck_assert_int_eq(mr_settings_int(settings, MR_SET_WORKERS), 3);
    ck_assert_int_eq(mr_settings_set(settings, MR_SET_STATEMENT_TIMEOUT, MR_STRING("2500"),
                                     MR_SETTING_SESSION, &err),
                     MR_OK);
    ck_assert_int_eq(mr_settings_int(settings, MR_SET_STATEMENT_TIMEOUT), 2500000);
    MrSettings *copy = mr_settings_copy(settings);
    MrSettings *fresh = mr_settings_create();
    mr_settings_reset(copy, MR_SET_STATEMENT_TIMEOUT, fresh);
    ck_assert_int_eq(mr_settings_int(copy, MR_SET_STATEMENT_TIMEOUT), 0);
    ck_assert_int_eq(mr_settings_int(copy, MR_SET_WORKERS), 3);
    mr_settings_reset(copy, MR_SET_TIMEZONE, fresh);
    ck_assert_str_eq(mr_settings_text(copy, MR_SET_TIMEZONE), "UTC");
    mr_settings_destroy(copy);
    mr_settings_destroy(fresh);
    mr_settings_destroy(settings);
    mr_settings_destroy(NULL);
}
END_TEST

START_TEST(test_nearest_name)
{
    ck_assert_str_eq(mr_setting_nearest(MR_STRING("datestile")), "DateStyle");
    ck_assert_str_eq(mr_setting_nearest(MR_STRING("worker")), "workers");
    ck_assert_ptr_null(mr_setting_nearest(MR_STRING("enable_seqscan")));
    ck_assert_ptr_null(mr_setting_nearest(MR_STRING("")));
}
END_TEST

static const struct {
    const char *text;
    const char *expected; /* a part of the error; NULL: read well */
} file_cases[] = {
    { "# nothing\n\n  \n", NULL },
    { "workers = 4\nlog_level=debug # loud\n", NULL },
    { "workers 4", NULL },
    { "application_name = 'it''s \\'quoted\\' # here'\r\n", NULL },
    { "workers = 4 5\n", "line 1, near \"5\"" },
    { "\nworkers =\n", "line 2" },
    { "application_name = 'open\n", "line 1" },
    { "= 3\n", "line 1, near \"= 3\"" },
    { "wokers = 3\n", "unrecognized configuration parameter \"wokers\" in file" },
    { "workers = many\n", "invalid value for parameter \"workers\": \"many\"" },
};

START_TEST(test_read_file)
{
    char path[] = "/tmp/mr_test_settings_XXXXXX";
    int fd = mkstemp(path);
    size_t length = strlen(file_cases[_i].text);
    ck_assert_int_eq(write(fd, file_cases[_i].text, length), (ssize_t)length);
    close(fd);
    MrSettings *settings = mr_settings_create();
    MrError err = MR_ERROR_INIT;
    MrStatus status = mr_settings_read_file(settings, path, MR_SETTING_START, &err);
    unlink(path);
    if (file_cases[_i].expected == NULL) {
        ck_assert_msg(status == MR_OK, "%s", err.message);
    } else {
        ck_assert_int_ne(status, MR_OK);
        ck_assert_msg(strstr(err.message, file_cases[_i].expected) != NULL, "%s", err.message);
    }
    if (strstr(file_cases[_i].text, "quoted") != NULL) {
        ck_assert_str_eq(mr_settings_text(settings, MR_SET_APPLICATION_NAME),
                         "it's 'quoted' # here");
    }
    mr_settings_destroy(settings);
}
END_TEST

START_TEST(test_reload_minds_only_changes)
{
    char path[] = "/tmp/mr_test_settings_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "port = 7432\nworkers = 5\n", 24), 24);
    MrSettings *settings = mr_settings_create();
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_settings_read_file(settings, path, MR_SETTING_RELOAD, &err), MR_OK);
    ck_assert_int_eq(mr_settings_int(settings, MR_SET_WORKERS), 5);
    ck_assert_int_eq(pwrite(fd, "port = 7433\n", 12, 0), 12);
    close(fd);
    ck_assert_int_eq(mr_settings_read_file(settings, path, MR_SETTING_RELOAD, &err),
                     MR_ERR_CANT_CHANGE_SETTING);
    unlink(path);
    ck_assert_int_eq(mr_settings_read_file(settings, path, MR_SETTING_RELOAD, &err),
                     MR_ERR_UNDEFINED_FILE);
    mr_settings_destroy(settings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *settings_set_case = tcase_create("mr_settings_set");
    tcase_add_loop_test(settings_set_case, test_set_and_show, 0, COUNT(set_cases));
    tcase_add_test(settings_set_case, test_scopes);
    tcase_add_test(settings_set_case, test_nearest_name);
    tcase_add_loop_test(settings_set_case, test_every_default_survives_show, 0, MR_SETTING_COUNT);
    suite_add_tcase(suite, settings_set_case);
    TCase *settings_read_file_case = tcase_create("mr_settings_read_file");
    tcase_add_loop_test(settings_read_file_case, test_read_file, 0, COUNT(file_cases));
    tcase_add_test(settings_read_file_case, test_reload_minds_only_changes);
    suite_add_tcase(suite, settings_read_file_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
