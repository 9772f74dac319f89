/*
 * tests/unit/test_file.c - files, directories and faults at their calls.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/file.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static char directory[] = "/tmp/mr_test_file_XXXXXX";
static char path[128];

static void setup(void)
{
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    ck_assert_int_eq(mr_fault_init(NULL, NULL), MR_OK);
}

static void remove_one(void *context, const char *name)
{
    char one[400];
    (void)context;
    snprintf(one, sizeof one, "%s/%s", directory, name);
    if (mr_file_remove(one, NULL) != MR_OK) {
        rmdir(one);
    }
}

static void teardown(void)
{
    ck_assert_int_eq(mr_fault_init("", NULL), MR_OK);
    ck_assert_int_eq(mr_file_list_directory(directory, remove_one, NULL, NULL), MR_OK);
    rmdir(directory);
}

static MrFile *create_with(const char *text)
{
    MrFile *file;
    ck_assert_int_eq(mr_file_open(path, MR_FILE_CREATE, &file, NULL), MR_OK);
    ck_assert_int_eq(mr_file_write(file, 0, text, strlen(text), NULL), MR_OK);
    return file;
}

START_TEST(test_what_is_written_is_read)
{
    MrFile *file = create_with("0123456789");
    char data[20];
    size_t got;
    uint64_t size;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_file_write(file, 8, "xyz", 3, NULL), MR_OK);
    ck_assert_int_eq(mr_file_sync_data(file, NULL), MR_OK);
    ck_assert_int_eq(mr_file_sync(file, NULL), MR_OK);
    ck_assert_int_eq(mr_file_read(file, 7, data, 4, NULL), MR_OK);
    ck_assert_int_eq(memcmp(data, "7xyz", 4), 0);
    ck_assert_int_eq(mr_file_read(file, 7, data, 5, &err), MR_ERR_IO);
    ck_assert_int_eq(mr_file_read_some(file, 7, data, 20, &got, NULL), MR_OK);
    ck_assert_uint_eq(got, 4);
    ck_assert_int_eq(mr_file_read_some(file, 11, data, 20, &got, NULL), MR_OK);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(mr_file_truncate(file, 5, NULL), MR_OK);
    ck_assert_int_eq(mr_file_allocate(file, 4096, NULL), MR_OK);
    ck_assert_int_eq(mr_file_size(file, &size, NULL), MR_OK);
    ck_assert_uint_eq(size, 4096);
    mr_file_drop_cache(file, 0, 4096);
    mr_file_close(file);
    mr_file_close(NULL);
}
END_TEST

START_TEST(test_names)
{
    MrError err = MR_ERROR_INIT;
    MrFile *file;
    char other[160];
    mr_file_close(create_with("x"));
    ck_assert_int_eq(mr_file_open(path, MR_FILE_CREATE, &file, &err), MR_ERR_IO);
    snprintf(other, sizeof other, "%s/other", directory);
    ck_assert_int_eq(mr_file_open(other, MR_FILE_READ, &file, &err), MR_ERR_UNDEFINED_FILE);
    ck_assert_ptr_nonnull(strstr(err.message, "could not open file \""));
    ck_assert_int_eq(mr_file_rename(path, other, NULL), MR_OK);
    ck_assert(!mr_file_exists(path) && mr_file_exists(other));
    ck_assert_int_eq(mr_file_remove(other, NULL), MR_OK);
    ck_assert_int_eq(mr_file_remove(other, NULL), MR_OK);
    ck_assert_int_eq(mr_file_make_directory(other, NULL), MR_OK);
    ck_assert_int_eq(mr_file_make_directory(other, NULL), MR_OK);
    mr_file_close(create_with("x"));
    ck_assert_int_eq(mr_file_make_directory(path, NULL), MR_ERR_IO);
}
END_TEST

static void join_names(void *context, const char *name)
{
    strcat(context, name);
    strcat(context, " ");
}

START_TEST(test_replace_is_all_or_nothing)
{
    char names[200] = "";
    char data[8];
    MrFile *file;
    ck_assert_int_eq(mr_file_replace(directory, "file", "one", 3, NULL), MR_OK);
    ck_assert_int_eq(mr_file_replace(directory, "b", "two", 3, NULL), MR_OK);
    for (int call = 1; call <= 8; call++) {
        char text[32];
        snprintf(text, sizeof text, "io:%d:%s", call, call % 2 == 0 ? "eio" : "short");
        ck_assert_int_eq(mr_fault_init(text, NULL), MR_OK);
        MrStatus status = mr_file_replace(directory, "file", "longer", 6, NULL);
        uint64_t calls = mr_fault_io_count();
        ck_assert_int_eq(mr_fault_init("", NULL), MR_OK);
        uint64_t size;
        ck_assert_int_eq(mr_file_open(path, MR_FILE_READ, &file, NULL), MR_OK);
        ck_assert_int_eq(mr_file_size(file, &size, NULL), MR_OK);
        ck_assert_int_eq(mr_file_read(file, 0, data, size, NULL), MR_OK);
        mr_file_close(file);
        ck_assert(size == 3 ? status != MR_OK && memcmp(data, "one", 3) == 0
                            : memcmp(data, "longer", 6) == 0);
        ck_assert(status == MR_OK ? calls < (uint64_t)call : calls >= (uint64_t)call);
    }
    ck_assert_int_eq(mr_file_list_directory(directory, join_names, names, NULL), MR_OK);
    ck_assert_str_eq(names, "b file ");
}
END_TEST

START_TEST(test_faults_hit_their_call)
{
    MrError err = MR_ERROR_INIT;
    MrFile *file = create_with("0123456789");
    char data[10];
    uint64_t size;
    ck_assert_int_eq(mr_fault_init("io:2:enospc,io:3:short,io:5:eio", NULL), MR_OK);
    ck_assert_int_eq(mr_file_write(file, 0, "a", 1, &err), MR_OK);
    ck_assert_int_eq(mr_file_write(file, 0, "b", 1, &err), MR_ERR_DISK_FULL);
    ck_assert_int_eq(mr_file_write(file, 10, "0123456789", 10, &err), MR_ERR_IO);
    ck_assert_int_eq(mr_file_size(file, &size, NULL), MR_OK);
    ck_assert_uint_eq(size, 15);
    ck_assert_int_eq(mr_file_sync(file, &err), MR_ERR_IO);
    ck_assert_int_eq(mr_file_read(file, 0, data, 10, NULL), MR_OK);
    ck_assert_int_eq(data[0], 'a');
    ck_assert_uint_eq(mr_fault_io_count(), 6);
    mr_file_close(file);
}
END_TEST

static const struct {
    const char *text;
    bool good;
} fault_cases[] = {
    { "", true },
    { "io:1:eio", true },
    { "io:*:short,plant:skip_fsync", true },
    { "log.after_write:3:die,x:1:halt", true },
    { "io:0:eio", false },
    { "io:x:eio", false },
    { "io:1:halt", false },
    { "name:1:eio", false },
    { "io", false },
    { "plant:", false },
    { ":1:die", false },
    { "io:1:eio,", true },
    { "io:99999999999999999999:eio", false },
};

START_TEST(test_fault_texts)
{
    MrStatus status = mr_fault_init(fault_cases[_i].text, NULL);
    ck_assert_int_eq(status, fault_cases[_i].good ? MR_OK : MR_ERR_INVALID_PARAMETER);
    ck_assert_int_eq(mr_fault_planted("skip_fsync"), strstr(fault_cases[_i].text, "skip_") != NULL);
}
END_TEST

/* Runs `act` in a child; gives how it ended. */
static int child_status(const char *faults, void (*act)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        if (mr_fault_init(faults, NULL) == MR_OK) {
            act();
        }
        _exit(0);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    if (WIFSTOPPED(status)) {
        int after;
        kill(pid, SIGCONT);
        ck_assert_int_eq(waitpid(pid, &after, 0), pid);
        ck_assert(WIFEXITED(after) && WEXITSTATUS(after) == 0);
    }
    return status;
}

static void pass_points(void)
{
    for (int i = 0; i < 3; i++) {
        mr_fault_point("a.b");
    }
}

static void write_torn(void)
{
    MrFile *file;
    if (mr_file_open(path, MR_FILE_CREATE, &file, NULL) == MR_OK &&
        mr_file_write(file, 0, "0123456789", 10, NULL) == MR_OK) {
        _exit(1);
    }
}

START_TEST(test_points_kill_and_halt)
{
    int status = child_status("a.b:3:die", pass_points);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 99);
    status = child_status("a.b:4:die,other:1:die", pass_points);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = child_status("a.b:2:halt", pass_points);
    ck_assert(WIFSTOPPED(status));
    status = child_status("io:2:tear", write_torn);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 99);
    MrFile *file;
    uint64_t size;
    ck_assert_int_eq(mr_file_open(path, MR_FILE_READ, &file, NULL), MR_OK);
    ck_assert_int_eq(mr_file_size(file, &size, NULL), MR_OK);
    ck_assert_uint_eq(size, 5);
    mr_file_close(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *file_write_case = tcase_create("mr_file_write");
    tcase_add_test(file_write_case, test_what_is_written_is_read);
    tcase_add_test(file_write_case, test_names);
    tcase_add_test(file_write_case, test_replace_is_all_or_nothing);
    tcase_add_checked_fixture(file_write_case, setup, teardown);
    suite_add_tcase(suite, file_write_case);
    TCase *fault_init_case = tcase_create("mr_fault_init");
    tcase_add_loop_test(fault_init_case, test_fault_texts, 0, COUNT(fault_cases));
    tcase_add_test(fault_init_case, test_faults_hit_their_call);
    tcase_add_test(fault_init_case, test_points_kill_and_halt);
    tcase_add_checked_fixture(fault_init_case, setup, teardown);
    suite_add_tcase(suite, fault_init_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
