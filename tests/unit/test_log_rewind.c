/*
 * tests/unit/test_log_rewind.c - whether trimmed rows are still there, how much of the log lies
 * behind a place, and when there is no room.
 */
#include "tests/unit/log_fixture.h"

enum { ROWS = 400 };

/* Stream 1 is trimmed, stream 2 is not; several files. */
static uint64_t fill(Fixture *f, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        fixture_append_rows(f, 1, ROWS, i * ROWS);
        fixture_append_rows(f, 2, i % 3 == 0 ? ROWS : 1, i * ROWS);
    }
    MUST(mr_log_sync(f->log, &f->err));
    return mr_log_appended(f->log);
}

START_TEST(test_what_was_freed_is_missed)
{
    Fixture fixture, *f = &fixture;
    uint64_t sequence;
    fixture_init(f);
    f->options.segment_bytes = 65536;
    fixture_open(f);
    const uint64_t middle = fill(f, 20), last = fill(f, 20);
    ck_assert(mr_log_is_whole(f->log, 1, 1));
    ck_assert(mr_log_is_whole(f->log, 9, 1)); /* no such stream: nothing is missed */
    MUST(mr_log_append_trim(f->log, 1, last + 1, &sequence, &f->err));
    MUST(mr_log_sync(f->log, &f->err));
    ck_assert_msg(mr_log_is_whole(f->log, 1, 1), "trimmed, and still there");
    MUST(mr_log_free_below(f->log, middle + 1, &f->err));
    for (int again = 0; again < 2; again++) {
        ck_assert(!mr_log_is_whole(f->log, 1, 1));
        ck_assert(!mr_log_is_whole(f->log, 1, 2 * ROWS));
        ck_assert_msg(mr_log_is_whole(f->log, 1, middle + 1), "somebody needed these");
        ck_assert(mr_log_is_whole(f->log, 2, 1));
        fixture_close(f);
        fixture_open(f);
    }
    fixture_append_rows(f, 1, ROWS, 0);
    MUST(mr_log_sync(f->log, &f->err));
    MUST(mr_log_free_below(f->log, last + 1, &f->err));
    ck_assert(!mr_log_is_whole(f->log, 1, middle + 1));
    ck_assert(mr_log_is_whole(f->log, 1, last + 1));
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_place_behind_so_many_bytes)
{
    Fixture fixture, *f = &fixture;
    fixture_init(f);
    f->options.segment_bytes = 65536;
    fixture_open(f);
    const uint64_t last = fill(f, 40);
    const uint64_t all = mr_log_bytes(f->log);
    uint64_t before = last;
    ck_assert_uint_eq(mr_log_sequence_behind(f->log, last, all), 0);
    ck_assert_uint_eq(mr_log_sequence_behind(f->log, last, 0), last);
    for (uint64_t bytes = 65536; bytes + 4 * 65536 < all; bytes += 65536) {
        const uint64_t behind = mr_log_sequence_behind(f->log, last, bytes);
        ck_assert_uint_lt(behind, before);
        ck_assert_uint_gt(behind, 0);
        ck_assert_uint_le(mr_log_sequence_behind(f->log, last - ROWS, bytes), behind);
        before = behind;
    }
    fixture_fini(f);
}
END_TEST

START_TEST(test_the_limit_is_near)
{
    Fixture fixture, *f = &fixture;
    fixture_init(f);
    f->options.segment_bytes = 65536;
    fixture_open(f);
    (void)fill(f, 10);
    const uint64_t bytes = mr_log_bytes(f->log);
    ck_assert(!mr_log_is_tight(f->log));
    mr_log_set_limit(f->log, 2 * bytes);
    ck_assert(!mr_log_is_tight(f->log));
    mr_log_set_limit(f->log, bytes / 4 * 5);
    ck_assert(mr_log_is_tight(f->log));
    fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_rewind");
    TCase *tests = tcase_create("rewind");
    tcase_add_test(tests, test_what_was_freed_is_missed);
    tcase_add_test(tests, test_a_place_behind_so_many_bytes);
    tcase_add_test(tests, test_the_limit_is_near);
    suite_add_tcase(suite, tests);
    return fixture_run(suite);
}
