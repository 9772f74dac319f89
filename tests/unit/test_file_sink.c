/*
 * tests/unit/test_file_sink.c - rows appended to files, looked at with plain reads: progress, what
 * a crash leaves, what others did to the file.
 */
#include "tests/unit/sink_fixture.h"

#include <sys/stat.h>

static const MrSinkClass *files;
static char directory[64], path[128], progress_path[128], own[128];
static MrSink *sink;
static MrSinkOptions options;
static MrSinkFile csv_form;
static MrSinkTable table;

static void setup(void)
{
    mr_arena_init(&test_arena, 0);
    MUST(mr_fault_init("", &test_err));
    files = mr_sink_find(MR_STRING("file"));
    strcpy(directory, "/tmp/mr-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/out.csv", directory);
    snprintf(progress_path, sizeof progress_path, "%s/.out.csv.millrace", directory);
    snprintf(own, sizeof own, "%s/data", directory);
    ck_assert_int_eq(mkdir(own, 0700), 0);
    options = (MrSinkOptions){ .location = own };
    csv_form = (MrSinkFile){ .format = "csv" };
    table = append_table;
    table.name = path;
    table.file = &csv_form;
    MUST(files->open(&options, &sink, &test_err));
}

static void teardown(void)
{
    char command[128];
    files->close(sink);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
    mr_arena_fini(&test_arena);
}

static void reopen(void)
{
    files->close(sink);
    MUST(files->open(&options, &sink, &test_err));
}

/* What another program reads. */
static const char *text_of(const char *name)
{
    static char text[8192];
    FILE *file = fopen(name, "r");
    ck_assert_msg(file != NULL, "%s is not there", name);
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static void append(const char *name, const char *text)
{
    FILE *file = fopen(name, "a");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void put(const char *name, long at, const char *text)
{
    FILE *file = fopen(name, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, at, SEEK_SET);
    fputs(text, file);
    fclose(file);
}

static void create_and_attach(void)
{
    MrProgress progress;
    MUST(files->create_table(sink, query_a, nonce_1, &table, &test_err));
    MUST(files->attach(sink, query_a, &table, 0, nonce_1, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 1);
    ck_assert_int_eq(progress.epoch, 0);
}

static MrStatus commit(int64_t number, const char *row)
{
    TestEpoch epoch;
    bool unknown;
    int32_t culprit;
    const MrEpoch *epochs[] = { epoch_of(&epoch, query_a, &table, number, &row, 1, NULL, 0) };
    return files->commit(sink, epochs, 1, &unknown, &culprit, &test_err);
}

#define ROW_1 "2026-01-01 00:00:00+00|a,b|1"
#define ROW_2 "2026-01-01 00:01:00+00|~|2"
#define LINE_1 "2026-01-01 00:00:00+00,\"a,b\",1\n"
#define LINE_2 "2026-01-01 00:01:00+00,,2\n"

static MrProgress progress_now(void)
{
    MrProgress progress = { 0 };
    MUST(files->resolve(sink, query_a, &table, &progress, &test_err));
    return progress;
}

START_TEST(test_rows_and_progress_go_together)
{
    csv_form.header = true;
    create_and_attach();
    MUST(commit(1, ROW_1));
    ck_assert_str_eq(text_of(path), "window_start,page,edits\n" LINE_1);
    MUST(commit(2, ROW_2));
    ck_assert_str_eq(text_of(path), "window_start,page,edits\n" LINE_1 LINE_2);
    reopen();
    ck_assert_int_eq(progress_now().epoch, 2);
    ck_assert_int_eq(progress_now().sequence, 20);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0644);
}
END_TEST

START_TEST(test_weights_and_formats)
{
    static const char *const rows[] = { ROW_1, ROW_2 };
    static const int32_t weights[] = { 2, 1 };
    TestEpoch epoch;
    bool unknown;
    int32_t culprit;
    csv_form.format = "json";
    create_and_attach();
    MrEpoch *made = epoch_of(&epoch, query_a, &table, 1, rows, 2, NULL, 0);
    ((MrBlock *)(uintptr_t)epoch.upserts[0])->weights = weights;
    const MrEpoch *epochs[] = { made };
    MUST(files->commit(sink, epochs, 1, &unknown, &culprit, &test_err));
    ck_assert_str_eq(
        text_of(path),
        "{\"window_start\":\"2026-01-01T00:00:00+00:00\",\"page\":\"a,b\",\"edits\":1}\n"
        "{\"window_start\":\"2026-01-01T00:00:00+00:00\",\"page\":\"a,b\",\"edits\":1}\n"
        "{\"window_start\":\"2026-01-01T00:01:00+00:00\",\"page\":null,\"edits\":2}\n");
}
END_TEST

START_TEST(test_a_wrong_epoch_writes_nothing)
{
    create_and_attach();
    MUST(commit(1, ROW_1));
    MUST_FAIL(commit(1, ROW_2), "MR001");
    MUST_FAIL(commit(3, ROW_2), "MR001");
    ck_assert_str_eq(text_of(path), LINE_1);
}
END_TEST

/* A CREATE that fails, wherever, is in nobody's way. */
START_TEST(test_faults_leave_a_create_undone)
{
    static const char *const kinds[] = { "eio", "short", "enospc" };
    for (int at = 1;; at++) {
        char fault[32];
        snprintf(fault, sizeof fault, "io:%d:%s", at, kinds[_i]);
        MUST(mr_fault_init(fault, &test_err));
        MrStatus status = files->create_table(sink, query_b, nonce_1, &table, &test_err);
        bool passed = mr_fault_io_count() < (uint64_t)at;
        MUST(mr_fault_init("", &test_err));
        if (passed) {
            ck_assert_int_eq(status, MR_OK);
            ck_assert_int_gt(at, 4);
            return;
        }
        mr_error_clear(&test_err);
        if (status == MR_OK) { /* a fault of what need not succeed */
            MUST(files->drop_table(sink, query_b, &table, &test_err));
        }
        create_and_attach();
        MUST(files->drop_table(sink, query_a, &table, &test_err));
    }
}
END_TEST

/* Every call of file I/O of a commit fails once: the file is as before, or as after. */
START_TEST(test_faults_leave_a_commit_whole)
{
    static const char *const kinds[] = { "eio", "enospc", "short" };
    create_and_attach();
    MUST(commit(1, ROW_1));
    for (int64_t number = 2, at = 1; number < 40; at++) {
        char fault[32];
        snprintf(fault, sizeof fault, "io:%d:%s", (int)at, kinds[_i]);
        MUST(mr_fault_init(fault, &test_err));
        mr_error_clear(&test_err);
        MrStatus status = commit(number, ROW_2);
        bool passed = mr_fault_io_count() < (uint64_t)at;
        MUST(mr_fault_init("", &test_err));
        mr_error_clear(&test_err);
        if (status != MR_OK) {
            reopen();
        }
        MrProgress progress = progress_now();
        ck_assert_int_ge(progress.epoch, number - 1);
        ck_assert_int_le(progress.epoch, number);
        MUST(commit(progress.epoch + 1, ROW_1)); /* which cuts off what is not committed */
        number = progress.epoch + 2;
        ck_assert_uint_eq(strlen(text_of(path)) > 0, 1);
        uint32_t lines = 0;
        for (const char *c = text_of(path); *c != '\0'; c++) {
            lines += *c == '\n';
        }
        ck_assert_int_eq(lines, number - 1);
        if (passed) {
            ck_assert_int_gt(at, 5);
            return;
        }
    }
    ck_abort_msg("a commit has no end");
}
END_TEST

/* The newer slot is torn: the other one says what stood before. */
START_TEST(test_a_torn_slot_is_the_commit_before)
{
    create_and_attach();
    MUST(commit(1, ROW_1));
    MUST(commit(2, ROW_2));
    char before[2048];
    files->close(sink);
    memcpy(before, text_of(progress_path), 1536);
    uint64_t first = strtoull(before + 512 + 9, NULL, 10),
             second = strtoull(before + 1024 + 9, NULL, 10);
    put(progress_path, first > second ? 512 + 100 : 1024 + 100, "torn");
    MUST(files->open(&options, &sink, &test_err));
    /* The newest one only said that the end was clean. */
    ck_assert_int_eq(progress_now().epoch, 2);
    ck_assert_str_eq(text_of(path), LINE_1 LINE_2);
    files->close(sink);
    put(progress_path, 512 + 100, "torn");
    put(progress_path, 1024 + 100, "torn");
    MUST(files->open(&options, &sink, &test_err));
    MrProgress progress;
    MUST_FAIL(files->resolve(sink, query_a, &table, &progress, &test_err), "XX001");
}
END_TEST

START_TEST(test_a_second_server_is_kept_out_and_fenced)
{
    MrSink *other;
    MrProgress progress;
    create_and_attach();
    MUST(commit(1, ROW_1));
    MUST(files->open(&options, &other, &test_err));
    MUST_FAIL(files->attach(other, query_a, &table, 1, nonce_2, &progress, &test_err), "55P03");
    reopen(); /* the first has gone */
    MUST_FAIL(files->attach(other, query_a, &table, 0, nonce_2, &progress, &test_err), "MR001");
    files->close(other);
    MUST(files->open(&options, &other, &test_err));
    MUST(files->attach(other, query_a, &table, 1, nonce_2, &progress, &test_err));
    files->close(other);
    ck_assert_int_eq(progress_now().generation, 2);
    MUST_FAIL(commit(2, ROW_2), "MR001");
}
END_TEST

START_TEST(test_changes_of_others_block)
{
    create_and_attach();
    MUST(commit(1, ROW_1));
    append(path, "theirs\n");
    MUST_FAIL(commit(2, ROW_2), "55000");
    MUST_FAIL(commit(2, ROW_2), "55000"); /* and stay where they are, also after a clean end */
    reopen();
    MUST_FAIL(commit(2, ROW_2), "55000");
    ck_assert_str_eq(text_of(path), LINE_1 "theirs\n");
    ck_assert_int_eq(truncate(path, (off_t)strlen(LINE_1)), 0);
    put(path, 3, "7");
    MUST_FAIL(commit(2, ROW_2), "55000");
    put(path, 3, "6");
    ck_assert_int_eq(truncate(path, 3), 0);
    MUST_FAIL(commit(2, ROW_2), "55000");
    ck_assert_int_eq(unlink(path), 0);
    MUST_FAIL(commit(2, ROW_2), "58P01");
    append(path, LINE_1);
    MUST(commit(2, ROW_2)); /* it is back */
    ck_assert_str_eq(text_of(path), LINE_1 LINE_2);
}
END_TEST

START_TEST(test_places_that_are_taken)
{
    char inside[160];
    MrSinkTable other = table;
    create_and_attach();
    MUST_FAIL(files->create_table(sink, query_b, nonce_1, &table, &test_err), "55006");
    MUST(files->create_table(sink, query_a, nonce_1, &table, &test_err)); /* asked again */
    MUST(commit(1, ROW_1));
    MUST(files->drop_table(sink, query_b, &table, &test_err)); /* not its own */
    ck_assert_int_eq(access(progress_path, F_OK), 0);
    MUST(files->drop_table(sink, query_a, &table, &test_err));
    MUST(files->drop_table(sink, query_a, &table, &test_err));
    ck_assert_int_eq(access(progress_path, F_OK), -1);
    ck_assert_str_eq(text_of(path), LINE_1); /* the rows stay */
    MUST_FAIL(files->create_table(sink, query_b, nonce_1, &table, &test_err), "42P07");
    snprintf(inside, sizeof inside, "%s/out.csv", own);
    other.name = inside;
    MUST_FAIL(files->create_table(sink, query_b, nonce_1, &other, &test_err), "42501");
    snprintf(inside, sizeof inside, "%s/nosuch/out.csv", directory);
    MUST_FAIL(files->create_table(sink, query_b, nonce_1, &other, &test_err), "58P01");
    other.name = own;
    MUST_FAIL(files->create_table(sink, query_b, nonce_1, &other, &test_err), "42809");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_sink");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_rows_and_progress_go_together);
    tcase_add_test(tests, test_weights_and_formats);
    tcase_add_test(tests, test_a_wrong_epoch_writes_nothing);
    tcase_add_loop_test(tests, test_faults_leave_a_create_undone, 0, 3);
    tcase_add_loop_test(tests, test_faults_leave_a_commit_whole, 0, 3);
    tcase_add_test(tests, test_a_torn_slot_is_the_commit_before);
    tcase_add_test(tests, test_a_second_server_is_kept_out_and_fenced);
    tcase_add_test(tests, test_changes_of_others_block);
    tcase_add_test(tests, test_places_that_are_taken);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
