/*
 * tests/unit/test_log_ranges.c - ranges of files in the log: read where the rows are not in memory, and
 * not at all once the input has changed.
 */
#include "tests/unit/log_fixture.h"

static const MrString no_offset = { NULL, 0 };

static uint64_t append_range(Fixture *f, uint32_t stream_id, const MrBlock *block, bool is_lent)
{
    MrLogTransaction *transaction;
    MrDurability durability;
    MrBlockLoan *loan = NULL;
    uint64_t last;
    MrString range = fixture_range(&f->arena, block);
    if (is_lent) {
        MUST(fixture_range_read(&f->input, stream_id, range, &loan, &f->err));
        f->input.reads = 0;
    }
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    MUST(mr_log_append_range(transaction, stream_id, is_lent ? loan->block : block, loan, range,
                             MR_STRING("behind"), &f->err));
    MUST(mr_log_commit(transaction, &last, &durability, &f->err));
    return last;
}

static MrStatus read_value(Fixture *f, uint64_t sequence, int64_t expected)
{
    MrLogRecord record;
    bool found;
    MR_TRY(mr_log_read(f->log, sequence, sequence, NULL, &f->arena, &record, &found, &f->err));
    ck_assert(found);
    ck_assert_int_eq(fixture_value(record.block, 0), expected);
    ck_assert_uint_eq(record.payload.length, 6);
    mr_log_release(&record);
    return MR_OK;
}

START_TEST(test_ranges_are_read_when_the_rows_are_not_in_memory)
{
    Fixture fixture, *f = &fixture;
    int64_t times[3] = { START_US, START_US + 5, MR_TIME_MIN };
    fixture_init(f);
    f->options.cache_bytes = 1 << 20;
    fixture_open(f);
    ck_assert_uint_eq(append_range(f, 1, fixture_block(f, times, 3, 7), _i == 1), 3);
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        MUST(read_value(f, sequence, 6 + (int64_t)sequence));
    }
    ck_assert_int_eq(f->input.reads, 0);
    MUST(mr_log_sync(f->log, &f->err));
    fixture_crash(f);
    fixture_open(f);
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        MUST(read_value(f, sequence, 6 + (int64_t)sequence));
    }
    ck_assert_int_eq(f->input.reads, 1);
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_changed_input_stops_its_stream)
{
    Fixture fixture, *f = &fixture;
    int64_t times[3] = { START_US, START_US + 5, MR_TIME_MIN };
    MrLogTransaction *transaction;
    fixture_init(f);
    fixture_open(f);
    append_range(f, 1, fixture_block(f, times, 3, 0), false);
    append_range(f, 2, fixture_block(f, times, 3, 3), false);
    MUST(mr_log_sync(f->log, &f->err));
    fixture_crash(f);
    fixture_open(f);
    f->input.has_changed = true;
    ck_assert_int_eq(read_value(f, 1, 0), MR_ERR_INPUT_CHANGED);
    ck_assert_int_eq(mr_log_input_error(f->log, 1, NULL), MR_ERR_INPUT_CHANGED);
    ck_assert_int_eq(mr_log_input_error(f->log, 2, NULL), MR_OK);
    ck_assert_int_eq(mr_log_stream_error(f->log, 1, NULL), MR_OK);
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    ck_assert_int_eq(
        mr_log_append(transaction, 1, fixture_block(f, times, 1, 0), no_offset, &f->err),
        MR_ERR_INPUT_CHANGED);
    MUST(mr_log_append(transaction, 2, fixture_block(f, times, 1, 0), no_offset, &f->err));
    mr_log_abort(transaction);
    f->input.has_changed = false;
    MUST(read_value(f, 1, 0));
    ck_assert_int_eq(mr_log_input_error(f->log, 1, NULL), MR_OK);
    fixture_append_rows(f, 1, 1, 6);
    fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_ranges");
    TCase *facts = tcase_create("ranges");
    tcase_set_timeout(facts, 120);
    tcase_add_loop_test(facts, test_ranges_are_read_when_the_rows_are_not_in_memory, 0, 2);
    tcase_add_test(facts, test_a_changed_input_stops_its_stream);
    suite_add_tcase(suite, facts);
    return fixture_run(suite);
}
