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

#define NOW_US INT64_C(1767225600000000) /* 2026-01-01 */
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
    MUST(mr_checkpoint_write(directory, &name, plan, text, strlen(text), NOW_US, &err));
}

/* The text of the newest one at or below; "" none. */
static const char *read_one(const uint8_t id[16], uint64_t at_most, uint64_t plan)
{
    static char text[64];
    MrBuilder data;
    uint64_t sequence;
    bool found;
    mr_builder_init(&data, 0);
    MrCheckpointList list = { 0 };
    MUST(mr_checkpoint_list_read(directory, id, UINT64_MAX, &list, &err));
    MUST(mr_checkpoint_read(directory, id, &list, at_most, plan, &data, &sequence, &found, &err));
    mr_checkpoint_list_fini(&list);
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
    MrCheckpointList list = { 0 };
    MUST(mr_checkpoint_list_read(directory, query, 9, &list, &err));
    ck_assert_int_eq(
        mr_checkpoint_read(directory, query, &list, 9, 7, &data, &sequence, &found, &err),
        MR_ERR_UNSUPPORTED);
    mr_checkpoint_list_fini(&list);
    mr_builder_fini(&data);
}
END_TEST

/* Checkpoints 10, 20, … written at that many µs past NOW_US, which the target reaches at once. */
static void write_many(MrCheckpointList *list, int count)
{
    MUST(mr_checkpoint_list_read(directory, query, 0, list, &err));
    for (uint64_t i = 1; i <= (uint64_t)count; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", (int)i);
        write_one(query, i * 10, 7, text);
        MUST(mr_checkpoint_list_add(list, i * 10, &err));
        MUST(mr_checkpoint_reach(directory, query, list, i * 10, NOW_US + (int64_t)i, &err));
    }
}

/* "10 20": what is kept, in the list and on the disk. */
static const char *kept_in(const MrCheckpointList *list)
{
    static char text[256];
    MrCheckpointList found = { 0 };
    int length = 0;
    text[0] = '\0';
    MUST(mr_checkpoint_list_read(directory, query, UINT64_MAX, &found, &err));
    ck_assert_uint_eq(found.count, list->count);
    for (size_t i = 0; i < list->count; i++) {
        ck_assert_uint_eq(found.points[i].sequence, list->points[i].sequence);
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%d", i == 0 ? "" : " ",
                           (int)list->points[i].sequence);
    }
    mr_checkpoint_list_fini(&found);
    return text;
}

static const struct {
    const char *kept;
    uint64_t covered;
    MrRewindMargin margin;
} prune_cases[] = {
    { "80 90", 90, { .reached_us = INT64_MAX } },                        /* no margin */
    { "40 50 80 90", 90, { .reached_us = NOW_US + 4 } },                 /* by time */
    { "30 40 80 90", 90, { .reached_us = NOW_US, .sequence = 39 } },     /* by size */
    { "60 70 80 90", 90, { .reached_us = NOW_US + 3, .sequence = 60 } }, /* the first of both */
    { "10 80 90", 90, { .reached_us = NOW_US } }, /* the start is kept, too */
    { "70 80 90", 90, { .reached_us = NOW_US + 7 } },
    { "80 90", 90, { .reached_us = NOW_US + 9 } },
    { "40 50 60 80 90", 65, { .reached_us = NOW_US + 4 } }, /* the target was put back */
};

START_TEST(test_prune_keeps_what_the_margin_asks_for)
{
    MrCheckpointList list = { 0 };
    write_many(&list, 9);
    write_one(other, 5, 7, "other");
    MUST(mr_checkpoint_prune(directory, query, &list, prune_cases[_i].covered,
                             &prune_cases[_i].margin, &err));
    ck_assert_str_eq(kept_in(&list), prune_cases[_i].kept);
    ck_assert_str_eq(read_one(query, 85, 7), "8");
    ck_assert_str_eq(read_one(other, 999, 7), "other");
    mr_checkpoint_list_fini(&list);
}
END_TEST

START_TEST(test_lists_follow_the_files)
{
    MrCheckpointList list = { 0 };
    write_many(&list, 4);
    MUST(mr_checkpoint_remove_above(directory, query, &list, 30, &err));
    ck_assert_str_eq(kept_in(&list), "10 20 30");
    MUST(mr_checkpoint_remove_oldest(directory, query, &list, 1, &err));
    ck_assert_str_eq(kept_in(&list), "20 30");
    MUST(mr_checkpoint_list_add(&list, 20, &err));
    ck_assert_msg(!list.is_read, "a query that was put back has written out of order");
    MUST(mr_checkpoint_remove_all(directory, query, &err));
    ck_assert_str_eq(kept_in(&list), "");
}
END_TEST

START_TEST(test_when_the_target_came_so_far_outlasts_the_server)
{
    MrCheckpointList list = { 0 };
    for (uint64_t i = 1; i <= 3; i++) {
        write_one(query, i * 10, 7, "state");
    }
    MUST(mr_checkpoint_list_read(directory, query, 5, &list, &err));
    MUST(mr_checkpoint_reach(directory, query, &list, 20, NOW_US + 500, &err));
    ck_assert_int_eq(list.points[1].reached_us, NOW_US + 500);
    ck_assert_msg(list.points[2].reached_us == INT64_MAX, "the target has not come so far");
    MUST(mr_checkpoint_reach(directory, query, &list, 30, NOW_US + 900, &err));
    MUST(mr_checkpoint_list_read(directory, query, 20, &list, &err));
    ck_assert_int_eq(list.points[0].reached_us, NOW_US + 500);
    ck_assert_int_eq(list.points[1].reached_us, NOW_US + 500);
    ck_assert_msg(list.points[2].reached_us == INT64_MAX, "it was put back");
    MUST(mr_checkpoint_list_read(directory, query, 30, &list, &err));
    ck_assert_int_eq(list.points[2].reached_us, NOW_US + 900);
    mr_checkpoint_list_fini(&list);
}
END_TEST

/* ---- the rule over a long time --------------------------------------------------------------- */

/* A target at each tick; a sequence number stands for a byte of log, too. */
static const struct {
    int every, lag;             /* ticks between checkpoints; ticks that the target is behind */
    int64_t age_us;             /* of the margin; a tick is 1 µs */
    uint64_t bytes, rows;       /* of the margin; most rows of a tick */
    int still_from, still_upto; /* the target stands still between these ticks */
} rule_cases[] = {
    { 1, 0, 50, UINT64_MAX, 3, 0, 0 },
    { 7, 2, 50, UINT64_MAX, 3, 0, 0 },
    { 10, 1, 50, 40, 5, 0, 0 },
    { 10, 3, 400, 100, 9, 0, 0 },
    { 3, 0, INT64_MAX / 2, 100, 2, 0, 0 },
    { 60, 5, 50, UINT64_MAX, 3, 0, 0 },
    { 5, 1, 50, UINT64_MAX, 3, 200, 700 },
    { 5, 1, 50, 30, 1, 300, 900 },
    { 4, 0, 0, 0, 3, 0, 0 },
};

enum { TICKS = 2000 };

typedef struct Story {
    MrCheckpointList list;
    uint64_t head[TICKS], covered[TICKS];
    bool is_start_kept;
} Story;

static void story_prune(Story *story, int now, const MrRewindMargin *margin)
{
    size_t kept = 0;
    MrCheckpointList all = story->list;
    MrCheckpointPoint points[16];
    ck_assert_uint_le(all.count, 16);
    memcpy(points, all.points, all.count * sizeof *points);
    for (size_t i = 0; i < all.count; i++) {
        if (mr_checkpoint_is_kept(&all, i, story->covered[now], margin)) {
            points[kept++] = all.points[i];
        }
    }
    memcpy(story->list.points, points, kept * sizeof *points);
    story->list.count = kept;
    ck_assert_uint_le(kept, 4);
    story->is_start_kept &= !mr_checkpoint_is_passed(&story->list.points[0], margin);
}

/* Whatever the target was within the margin, a checkpoint (or the start) is not younger. */
static void story_check(const Story *story, int now, uint64_t bytes, int64_t age_us)
{
    uint64_t oldest =
        story->is_start_kept || story->list.count == 0 ? 0 : story->list.points[0].sequence;
    for (int then = now; then >= 0 && now - then <= age_us; then--) {
        if (bytes != UINT64_MAX && story->covered[now] - story->covered[then] > bytes) {
            break;
        }
        ck_assert_msg(oldest <= story->covered[then], "oldest %d at tick %d, and %d at %d",
                      (int)oldest, now, (int)story->covered[then], then);
    }
}

START_TEST(test_the_margin_is_kept_at_every_moment)
{
    Story *story = calloc(1, sizeof *story);
    uint64_t random = (uint64_t)_i * 7919 + 1, head = 0;
    const int64_t age_us = rule_cases[_i].age_us;
    const uint64_t bytes = rule_cases[_i].bytes;
    int pending_since = -1;
    story->is_start_kept = true;
    for (int now = 0; now < TICKS; now++) {
        const bool stands = now >= rule_cases[_i].still_from && now < rule_cases[_i].still_upto;
        random = random * 6364136223846793005u + 1442695040888963407u;
        head += (random >> 33) % (rule_cases[_i].rows + 1);
        story->head[now] = head;
        story->covered[now] = now == 0 ? 0 : story->covered[now - 1];
        if (!stands && now >= rule_cases[_i].lag) {
            story->covered[now] = story->head[now - rule_cases[_i].lag];
        }
        MrCheckpointList *list = &story->list;
        for (size_t i = 0; i < list->count; i++) {
            if (list->points[i].reached_us == INT64_MAX &&
                list->points[i].sequence <= story->covered[now]) {
                list->points[i].reached_us = now;
                pending_since = -1;
            }
        }
        const MrRewindMargin margin = { .reached_us = age_us == 0 ? INT64_MAX : now - age_us,
                                        .sequence = bytes < story->covered[now]
                                                        ? story->covered[now] - bytes
                                                        : 0 };
        const uint64_t last = list->count == 0 ? 0 : list->points[list->count - 1].sequence;
        if (now % rule_cases[_i].every == 0 && pending_since < 0 && head > last) {
            MUST(mr_checkpoint_list_add(list, head, &err));
            pending_since = now;
            story_prune(story, now, &margin);
        }
        story_check(story, now, bytes, age_us);
        if (age_us < TICKS && age_us > 0 && rule_cases[_i].still_upto == 0 && list->count > 0 &&
            !story->is_start_kept) { /* and not much more than that is kept */
            ck_assert_int_le(now - list->points[0].reached_us,
                             2 * age_us + 4 * rule_cases[_i].every + rule_cases[_i].lag);
        }
    }
    ck_assert(!story->is_start_kept);
    mr_checkpoint_list_fini(&story->list);
    free(story);
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
    tcase_add_loop_test(tests, test_prune_keeps_what_the_margin_asks_for, 0,
                        sizeof prune_cases / sizeof prune_cases[0]);
    tcase_add_test(tests, test_lists_follow_the_files);
    tcase_add_test(tests, test_when_the_target_came_so_far_outlasts_the_server);
    tcase_add_loop_test(tests, test_the_margin_is_kept_at_every_moment, 0,
                        sizeof rule_cases / sizeof rule_cases[0]);
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
