/*
 * tests/unit/test_checkpoint.c - checkpoints are found by name, plan and checksum; state reads are
 * checked.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "storage/checkpoint.h"
#include "storage/state.h"

static char directory[64];
static MrError err;
static const uint8_t query[16] = "one query's id.", other[16] = "another's uuid.";

#define MUST(call) ck_assert_msg((call) == MR_OK, "%s: %s", #call, err.message)

static void setup(void)
{
    strcpy(directory, "/tmp/mr-test-ckpt-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static void write_one(const uint8_t id[16], uint64_t sequence, uint64_t plan, const char *text)
{
    MrCheckpointName name = { .sequence = sequence };
    memcpy(name.query, id, 16);
    MUST(mr_checkpoint_write(directory, &name, plan, text, strlen(text), &err));
}

/* The text of the newest one at or below; "" none. */
static const char *read_one(const uint8_t id[16], uint64_t at_most, uint64_t plan)
{
    static char text[64];
    MrBuilder data;
    uint64_t sequence;
    bool found;
    mr_builder_init(&data, 0);
    MUST(mr_checkpoint_read(directory, id, at_most, plan, &data, &sequence, &found, &err));
    ck_assert_int_eq(found, sequence != 0);
    snprintf(text, sizeof text, "%.*s", found ? (int)data.length : 0, found ? data.data : "");
    mr_builder_fini(&data);
    return text;
}

static void damage(const char *pattern, const char *change)
{
    char command[256];
    snprintf(command, sizeof command, "cd '%s' && for f in %s; do %s; done", directory, pattern,
             change);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(test_the_newest_that_fits_is_read)
{
    ck_assert_str_eq(read_one(query, 100, 7), "");
    write_one(query, 9, 7, "nine");
    write_one(query, 10, 7, "ten");
    write_one(query, 20, 8, "another plan");
    write_one(other, 30, 7, "another query");
    write_one(query, 10, 7, "ten again");
    ck_assert_str_eq(read_one(query, 100, 7), "ten again");
    ck_assert_str_eq(read_one(query, 9, 7), "nine");
    ck_assert_str_eq(read_one(query, 8, 7), "");
    ck_assert_str_eq(read_one(query, UINT64_MAX, 8), "another plan");
    ck_assert_str_eq(read_one(other, UINT64_MAX, 7), "another query");
}
END_TEST

START_TEST(test_a_damaged_one_is_passed_over)
{
    write_one(query, 1, 7, "one");
    write_one(query, 2, 7, "two");
    write_one(query, 3, 7, "three");
    damage("*03.ckpt", "printf X | dd of=$f bs=1 seek=66 conv=notrunc 2>/dev/null");
    ck_assert_str_eq(read_one(query, 100, 7), "two");
    damage("*02.ckpt", "truncate -s 20 $f");
    ck_assert_str_eq(read_one(query, 100, 7), "one");
    damage("*01.ckpt", "truncate -s 0 $f");
    ck_assert_str_eq(read_one(query, 100, 7), "");
}
END_TEST

START_TEST(test_a_newer_format_is_refused)
{
    MrBuilder data;
    uint64_t sequence;
    bool found;
    mr_builder_init(&data, 0);
    write_one(query, 1, 7, "one");
    damage("*.ckpt", "printf '\\002' | dd of=$f bs=1 seek=8 conv=notrunc 2>/dev/null");
    ck_assert_int_eq(mr_checkpoint_read(directory, query, 9, 7, &data, &sequence, &found, &err),
                     MR_ERR_UNSUPPORTED);
    mr_builder_fini(&data);
}
END_TEST

START_TEST(test_prune_keeps_two_and_one_to_rewind_to)
{
    uint64_t oldest;
    MrCheckpointList list = { 0 };
    for (uint64_t i = 1; i <= 9; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", (int)i);
        write_one(query, i * 10, 7, text);
        if (i == 5) {
            MUST(mr_checkpoint_list_read(directory, query, &list, &err));
        } else if (i > 5) { /* the list is kept, not read again */
            MUST(mr_checkpoint_list_add(&list, i * 10, &err));
        }
    }
    ck_assert_uint_eq(list.count, 9);
    write_one(other, 5, 7, "other");
    MUST(mr_checkpoint_prune(directory, query, &list, 45, &oldest, &err));
    ck_assert_uint_eq(oldest, 40);
    ck_assert_str_eq(read_one(query, 79, 7), "4");
    ck_assert_str_eq(read_one(query, 85, 7), "8");
    ck_assert_str_eq(read_one(query, 95, 7), "9");
    ck_assert_str_eq(read_one(query, 39, 7), "");
    MUST(mr_checkpoint_prune(directory, query, &list, 5, &oldest, &err));
    ck_assert_uint_eq(oldest, 80);
    MUST(mr_checkpoint_list_add(&list, 20, &err));
    ck_assert_msg(!list.is_read, "a query that was put back has written out of order");
    MUST(mr_checkpoint_list_read(directory, query, &list, &err));
    ck_assert_uint_eq(list.count, 2);
    mr_checkpoint_list_fini(&list);
    MUST(mr_checkpoint_remove_all(directory, query, &err));
    ck_assert_str_eq(read_one(query, 999, 7), "");
    ck_assert_str_eq(read_one(other, 999, 7), "other");
}
END_TEST

START_TEST(test_state_reads_are_checked)
{
    MrBuilder out;
    uint32_t small;
    uint64_t large;
    const char *data;
    size_t length;
    mr_builder_init(&out, 0);
    MrStateWriter writer = { &out };
    mr_state_write_u32(&writer, 7);
    mr_state_write_u64(&writer, UINT64_MAX);
    mr_state_write_bytes(&writer, "bytes", 5);
    mr_state_write_bytes(&writer, NULL, 0);
    for (size_t cut = 0; cut <= out.length; cut++) {
        MrStateReader reader = { out.data, cut, 0 };
        MrStatus status = mr_state_read_u32(&reader, &small, &err);
        status = status == MR_OK ? mr_state_read_u64(&reader, &large, &err) : status;
        status = status == MR_OK ? mr_state_read_bytes(&reader, &data, &length, &err) : status;
        if (status == MR_OK) {
            ck_assert_uint_eq(small, 7);
            ck_assert_uint_eq(large, UINT64_MAX);
            ck_assert_uint_eq(length, 5);
            ck_assert_mem_eq(data, "bytes", 5);
            status = mr_state_read_bytes(&reader, &data, &length, &err);
        }
        ck_assert_int_eq(status, cut == out.length ? MR_OK : MR_ERR_CORRUPT);
    }
    mr_builder_fini(&out);
}
END_TEST

START_TEST(test_clean_removes_what_was_not_finished)
{
    char command[256], missing[96];
    write_one(query, 5, 1, "five");
    snprintf(command, sizeof command,
             "cd '%s' && for f in *.ckpt; do cp $f $f.tmp; cp $f half.ckpt.tmp; done; touch a.tmp",
             directory);
    ck_assert_int_eq(system(command), 0);
    MUST(mr_checkpoint_clean(directory, &err));
    snprintf(command, sizeof command, "cd '%s' && test \"$(ls | wc -l)\" = 2 && rm a.tmp",
             directory);
    ck_assert_int_eq(system(command), 0);
    ck_assert_str_eq(read_one(query, UINT64_MAX, 1), "five");
    snprintf(missing, sizeof missing, "%s/none", directory);
    MUST(mr_checkpoint_clean(missing, &err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_the_newest_that_fits_is_read);
    tcase_add_test(tests, test_a_damaged_one_is_passed_over);
    tcase_add_test(tests, test_a_newer_format_is_refused);
    tcase_add_test(tests, test_prune_keeps_two_and_one_to_rewind_to);
    tcase_add_test(tests, test_clean_removes_what_was_not_finished);
    tcase_add_test(tests, test_state_reads_are_checked);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
