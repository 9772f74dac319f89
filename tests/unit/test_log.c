/*
 * tests/unit/test_log.c - the log as its users see it: append, commit, read, watermarks, limits.
 */
#include "tests/unit/log_fixture.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/stat.h>

static const MrString no_offset = { NULL, 0 };

/* ---- facts ------------------------------------------------------------------------------- */

START_TEST(test_rows_come_back_with_their_place)
{
    Fixture fixture, *f = &fixture;
    MrLogRecord record;
    bool found;
    fixture_init(f);
    fixture_open(f);
    int64_t times[] = { START_US + 10 * MINUTE_US, MR_TIME_MIN, START_US,
                        START_US + 10 * MINUTE_US + 1 };
    ck_assert_uint_eq(fixture_append(f, 1, fixture_block(f, times, 4, 7)), 4);
    for (int again = 0; again < 3; again++) {
        MUST(mr_log_read(f->log, 1, 100, NULL, &f->arena, &record, &found, &f->err));
        ck_assert(found && record.kind == MR_RECORD_ROWS);
        ck_assert_uint_eq(record.first_sequence, 1);
        ck_assert_uint_eq(record.row_count, 4);
        ck_assert_int_eq(record.arrival_us, START_US);
        ck_assert_int_eq(record.watermark_us, MR_TIME_MIN);
        ck_assert_int_eq(record.watermark_after_us, times[3] - 5000000);
        ck_assert_int_eq(record.block->place.event_min_us, START_US);
        ck_assert_ptr_nonnull(record.block->place.watermarks);
        ck_assert_int_eq(record.block->place.watermarks[0], MR_TIME_MIN);
        ck_assert_int_eq(record.block->place.watermarks[1], times[0] - 5000000);
        ck_assert_int_eq(record.block->place.watermarks[3], times[0] - 5000000);
        ck_assert(mr_vector_is_null(&record.block->columns[0], 1));
        ck_assert_int_eq(fixture_value(record.block, 3), 10);
        mr_log_release(&record);
        if (again == 0) {
            MUST(mr_log_sync(f->log, &f->err));
        } else {
            fixture_close(f);
            fixture_open(f);
        }
    }
    MUST(mr_log_read(f->log, 5, 100, NULL, &f->arena, &record, &found, &f->err));
    ck_assert(!found);
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_range_is_cut_at_any_row)
{
    Fixture fixture, *f = &fixture;
    fixture_init(f);
    fixture_open(f);
    int64_t times[300];
    MrRandom random;
    mr_random_init(&random, 5);
    for (int i = 0; i < 300; i++) {
        times[i] = START_US + (int64_t)mr_random_below(&random, 20000000);
    }
    fixture_append(f, 1, fixture_block(f, times, 300, 0));
    for (uint64_t from = 1; from <= 300; from += 13) {
        for (uint64_t upto = from; upto <= 310; upto += 61) {
            MrLogRecord record;
            bool found;
            MUST(mr_log_read(f->log, from, upto, NULL, &f->arena, &record, &found, &f->err));
            ck_assert(found);
            ck_assert_uint_eq(record.first_sequence, from);
            ck_assert_uint_eq(record.row_count, (upto > 300 ? 300 : upto) - from + 1);
            int64_t watermark = MR_TIME_MIN;
            for (uint64_t i = 0; i < from - 1 + record.row_count; i++) {
                if (i + 1 >= from) {
                    const MrPlace *place = &record.block->place;
                    int64_t given = place->watermarks == NULL ? place->watermark_us
                                                              : place->watermarks[i + 1 - from];
                    ck_assert(given == watermark || place->watermarks == NULL);
                    ck_assert_int_eq(fixture_value(record.block, (uint32_t)(i + 1 - from)),
                                     (int64_t)i);
                }
                if (i + 1 == from) {
                    ck_assert_int_eq(record.watermark_us, watermark);
                }
                watermark = times[i] - 5000000 > watermark ? times[i] - 5000000 : watermark;
            }
            ck_assert_int_eq(record.watermark_after_us, watermark);
            mr_log_release(&record);
        }
    }
    fixture_fini(f);
}
END_TEST

START_TEST(test_future_rows_do_not_move_the_watermark)
{
    Fixture fixture, *f = &fixture;
    MrLogStreamFacts facts;
    MrLogRecord record;
    bool found;
    int64_t day = 24 * 60 * MINUTE_US;
    fixture_init(f);
    fixture_open(f);
    int64_t times[] = { START_US + day + 1, START_US + 1000, START_US + day, START_US };
    fixture_append(f, 1, fixture_block(f, times, 4, 0));
    ck_assert_int_eq(mr_log_watermark(f->log, 1), START_US + day - 5000000);
    ck_assert(mr_log_stream_facts(f->log, 1, &facts));
    ck_assert_uint_eq(facts.future_rows, 1);
    MUST(mr_log_read(f->log, 1, 9, NULL, &f->arena, &record, &found, &f->err));
    ck_assert_int_eq(record.block->place.watermarks[1], MR_TIME_MIN);
    ck_assert_int_eq(record.block->place.watermarks[3], START_US + day - 5000000);
    mr_log_release(&record);
    fixture_fini(f);
}
END_TEST

/* Between append and commit the clock passes a row that was in the future when it came. */
START_TEST(test_the_arrival_of_the_commit_decides_what_is_future)
{
    for (int parts = 1; parts <= 2; parts++) {
        Fixture fixture, *f = &fixture;
        MrLogTransaction *transaction;
        MrDurability durability;
        MrLogStreamFacts facts;
        uint64_t last;
        int64_t day = 24 * 60 * MINUTE_US;
        fixture_init(f);
        fixture_open(f);
        int64_t times[] = { START_US + day + 10, START_US + day + 30 };
        MUST(mr_log_begin(f->log, &transaction, &f->err));
        for (int i = 0; i < parts; i++) {
            MUST(mr_log_append(transaction, 1, fixture_block(f, times, 2, 0), no_offset, &f->err));
        }
        MUST(mr_clock_set(f->clock, START_US + 20, &f->err));
        MUST(mr_log_commit(transaction, &last, &durability, &f->err));
        ck_assert_uint_eq(last, 2 * (uint64_t)parts);
        ck_assert_int_eq(mr_log_watermark(f->log, 1), START_US + day + 10 - 5000000);
        ck_assert(mr_log_stream_facts(f->log, 1, &facts));
        ck_assert_uint_eq(facts.future_rows, (uint64_t)parts);
        fixture_fini(f);
    }
}
END_TEST

START_TEST(test_arrival_is_the_event_time_of_a_stream_without_one)
{
    Fixture fixture, *f = &fixture;
    MrLogRecord record;
    bool found;
    fixture_init(f);
    fixture_open(f);
    fixture_append_rows(f, 4, 3, 0);
    MUST(mr_clock_set(f->clock, START_US + MINUTE_US, &f->err));
    fixture_append_rows(f, 4, 3, 3);
    ck_assert_int_eq(mr_log_watermark(f->log, 4), START_US + MINUTE_US - 5000000);
    MUST(mr_log_read(f->log, 5, 9, NULL, &f->arena, &record, &found, &f->err));
    ck_assert_uint_eq(record.first_sequence, 5);
    ck_assert_ptr_null(record.block->place.watermarks);
    mr_log_release(&record);
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_transaction_is_all_or_nothing)
{
    Fixture fixture, *f = &fixture;
    MrLogTransaction *one, *two;
    MrDurability durability;
    MrLogRecord record;
    MrLogStreamFacts facts;
    uint64_t last;
    bool found;
    int64_t times[] = { START_US, START_US + 1, START_US + 2 };
    fixture_init(f);
    fixture_open(f);
    MUST(mr_log_begin(f->log, &one, &f->err));
    MUST(mr_log_begin(f->log, &two, &f->err));
    MUST(mr_log_append(one, 1, fixture_block(f, times, 3, 0), MR_STRING("a:1"), &f->err));
    MUST(mr_log_append(two, 1, fixture_block(f, times, 3, 50), no_offset, &f->err));
    MUST(mr_log_append(one, 2, fixture_block(f, times, 3, 3), no_offset, &f->err));
    MUST(mr_log_append(two, 2, fixture_block(f, times, 3, 50), no_offset, &f->err));
    MUST(mr_log_append(one, 1, fixture_block(f, times, 2, 6), MR_STRING("a:2"), &f->err));
    ck_assert_uint_eq(mr_log_appended(f->log), 0);
    MUST(mr_log_commit(one, &last, &durability, &f->err));
    mr_log_abort(two);
    ck_assert_uint_eq(last, 8);
    ck_assert_int_eq(durability, MR_DURABILITY_FSYNC);
    for (int again = 0; again < 3; again++) {
        uint64_t next = 1;
        for (int i = 0; i < 3; i++) {
            MUST(mr_log_read(f->log, next, 99, NULL, &f->arena, &record, &found, &f->err));
            ck_assert(found);
            ck_assert_uint_eq(record.stream_id, i == 1 ? 2 : 1);
            ck_assert_int_eq(fixture_value(record.block, 0), (int64_t)next - 1);
            next += record.row_count;
            mr_log_release(&record);
        }
        ck_assert_uint_eq(next, 9);
        ck_assert(mr_log_stream_facts(f->log, 1, &facts));
        ck_assert_uint_eq(facts.rows, 5);
        ck_assert_str_eq(facts.offset, "a:2");
        if (again == 0) {
            MUST(mr_log_sync(f->log, &f->err));
            fixture_crash(f); /* recovered from the frames */
        } else {
            fixture_close(f); /* recovered from the index */
        }
        fixture_open(f);
        ck_assert_uint_eq(mr_log_appended(f->log), 8);
    }
    fixture_fini(f);
}
END_TEST

START_TEST(test_records_without_rows)
{
    Fixture fixture, *f = &fixture;
    MrLogRecord record;
    MrLogStreamFacts facts;
    uint64_t sequence;
    bool found;
    fixture_init(f);
    fixture_open(f);
    MUST(mr_log_append_ddl(f->log, MR_STRING("CREATE"), &sequence, &f->err));
    ck_assert_uint_eq(sequence, 1);
    MUST(mr_log_append_watermark(f->log, MR_RECORD_ADVANCE, 1, START_US, &sequence, &f->err));
    ck_assert_uint_eq(sequence, 2);
    MUST(mr_log_append_watermark(f->log, MR_RECORD_HEARTBEAT, 1, START_US, &sequence, &f->err));
    ck_assert_uint_eq(sequence, 0);
    fixture_append_rows(f, 1, 10, 0);
    MUST(mr_log_append_trim(f->log, 1, 6, &sequence, &f->err));
    ck_assert_uint_eq(sequence, 13);
    for (int again = 0; again < 3; again++) {
        ck_assert(mr_log_stream_facts(f->log, 1, &facts));
        ck_assert_uint_eq(facts.rows, 7);
        ck_assert_uint_eq(facts.first_sequence, 6);
        MUST(mr_log_read(f->log, 1, 99, NULL, &f->arena, &record, &found, &f->err));
        ck_assert(found && record.kind == MR_RECORD_DDL && record.payload.length == 6);
        ck_assert_mem_eq(record.payload.data, "CREATE", 6);
        mr_log_release(&record);
        MUST(mr_log_read(f->log, 2, 99, NULL, &f->arena, &record, &found, &f->err));
        ck_assert(found && record.kind == MR_RECORD_ADVANCE);
        ck_assert_int_eq(record.watermark_after_us, START_US);
        mr_log_release(&record);
        MUST(mr_log_read(f->log, 13, 99, NULL, &f->arena, &record, &found, &f->err));
        ck_assert(found && record.kind == MR_RECORD_TRIM && record.trim_below == 6);
        mr_log_release(&record);
        uint64_t wanted = UINT64_C(1) << 2;
        MrLogFilter filter = { .streams = &wanted, .stream_words = 1 };
        MUST(mr_log_read(f->log, 1, 99, &filter, &f->arena, &record, &found, &f->err));
        ck_assert(!found);
        if (again == 0) {
            MUST(mr_log_sync(f->log, &f->err));
            fixture_crash(f);
        } else {
            fixture_close(f);
        }
        fixture_open(f);
    }
    fixture_fini(f);
}
END_TEST

START_TEST(test_bad_calls_are_errors)
{
    Fixture fixture, *f = &fixture;
    MrLogTransaction *transaction;
    uint64_t sequence;
    int64_t times[] = { START_US };
    fixture_init(f);
    fixture_open(f);
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    ck_assert_int_eq(
        mr_log_append(transaction, 77, fixture_block(f, times, 1, 0), no_offset, &f->err),
        MR_ERR_UNDEFINED_TABLE);
    MrBlock narrow = *fixture_block(f, times, 1, 0);
    narrow.column_count = 2;
    ck_assert_int_eq(mr_log_append(transaction, 1, &narrow, no_offset, &f->err),
                     MR_ERR_SERIALIZATION);
    mr_log_abort(transaction);
    mr_log_abort(NULL);
    ck_assert_int_eq(mr_log_append_watermark(f->log, MR_RECORD_ADVANCE, 77, 0, &sequence, &f->err),
                     MR_ERR_UNDEFINED_TABLE);
    MrLogStream bad = fixture_stream(1);
    bad.event_column = 1;
    ck_assert_int_eq(mr_log_set_stream(f->log, &bad, &f->err), MR_ERR_INTERNAL);
    MrLogStreamFacts facts;
    ck_assert(!mr_log_stream_facts(f->log, 99, &facts));
    ck_assert_int_eq(mr_log_watermark(f->log, 99), MR_TIME_MIN);
    fixture_fini(f);
}
END_TEST

START_TEST(test_segments_follow_each_other_and_a_large_block_gets_its_own)
{
    Fixture fixture, *f = &fixture;
    fixture_init(f);
    f->options.cache_bytes = 100000;
    fixture_open(f);
    uint64_t last = 0;
    for (int i = 0; i < 12; i++) {
        uint32_t rows = i == 5 ? 30000 : 5000;
        last = fixture_append_rows(f, 1 + i % 2, rows, (int64_t)last);
        mr_arena_reset(&f->arena);
    }
    for (int again = 0; again < 3; again++) {
        uint64_t next = 1;
        while (next <= last) {
            MrLogRecord record;
            bool found;
            MUST(mr_log_read(f->log, next, last, NULL, &f->arena, &record, &found, &f->err));
            ck_assert(found);
            ck_assert_uint_eq(record.first_sequence, next);
            for (uint32_t i = 0; i < record.row_count; i += 97) {
                ck_assert_int_eq(fixture_value(record.block, i), (int64_t)(next - 1 + i));
            }
            next += record.row_count;
            mr_log_release(&record);
            mr_arena_reset(&f->arena);
        }
        if (again == 0) {
            MUST(mr_log_sync(f->log, &f->err));
            ck_assert_uint_eq(mr_log_synced(f->log), last);
            fixture_crash(f);
        } else {
            fixture_close(f);
        }
        fixture_open(f);
    }
    char path[128];
    fixture_segment_path(f, 4, path);
    ck_assert(mr_file_exists(path));
    fixture_fini(f);
}
END_TEST

/* Segments of many small records: their entries are looked at in the file once it is sealed. */
START_TEST(test_many_small_records)
{
    enum { RECORDS = 9000 };
    Fixture fixture, *f = &fixture;
    fixture_init(f);
    f->options.cache_bytes = 20000;
    fixture_open(f);
    for (int i = 0; i < RECORDS; i++) {
        ck_assert_uint_eq(fixture_append_rows(f, 1 + i % 2, 1, i), (uint64_t)i + 1);
        mr_arena_reset(&f->arena);
    }
    for (int again = 0; again < 4; again++) {
        for (uint64_t at = 1; at <= RECORDS; at += again % 2 == 0 ? 1 : 313) {
            MrLogRecord record;
            bool found;
            MUST(mr_log_read(f->log, at, RECORDS, NULL, &f->arena, &record, &found, &f->err));
            ck_assert(found);
            ck_assert_uint_eq(record.first_sequence, at);
            ck_assert_int_eq(fixture_value(record.block, 0), (int64_t)(at - 1));
            mr_log_release(&record);
            mr_arena_reset(&f->arena);
        }
        if (again == 1) {
            MUST(mr_log_sync(f->log, &f->err));
            fixture_crash(f);
            fixture_open(f);
        } else if (again == 2) {
            fixture_close(f);
            fixture_open(f);
        }
    }
    char path[128];
    fixture_segment_path(f, 3, path);
    ck_assert(mr_file_exists(path));
    fixture_fini(f);
}
END_TEST

START_TEST(test_the_limit_refuses_rows_and_not_records)
{
    Fixture fixture, *f = &fixture;
    MrLogTransaction *transaction;
    uint64_t sequence;
    int64_t times[2000] = { 0 };
    fixture_init(f);
    f->options.limit_bytes = 50000;
    fixture_open(f);
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    ck_assert_int_eq(
        mr_log_append(transaction, 1, fixture_block(f, times, 2000, 0), no_offset, &f->err),
        MR_ERR_DISK_FULL);
    ck_assert_ptr_null(strstr(f->err.message, "held by"));
    mr_log_set_holder(f->log, "query \"v\", suspended");
    ck_assert_int_eq(
        mr_log_append(transaction, 1, fixture_block(f, times, 2000, 0), no_offset, &f->err),
        MR_ERR_DISK_FULL);
    ck_assert_ptr_nonnull(strstr(f->err.message, "; old rows are held by query \"v\", suspended"));
    mr_log_abort(transaction);
    MUST(mr_log_append_ddl(f->log, MR_STRING("x"), &sequence, &f->err));
    MUST(mr_log_sync(f->log, &f->err));
    mr_log_set_limit(f->log, 500000);
    fixture_append_rows(f, 1, 2000, 0);
    mr_log_set_limit(f->log, 1); /* below what is there already */
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    ck_assert_int_eq(
        mr_log_append(transaction, 1, fixture_block(f, times, 1, 0), no_offset, &f->err),
        MR_ERR_DISK_FULL);
    mr_log_abort(transaction);
    mr_log_set_limit(f->log, 0);
    fixture_append_rows(f, 1, 2000, 2000);
    fixture_fini(f);
}
END_TEST

/* The reserve is no larger when it is taken again, though more room than its own was asked for. */
START_TEST(test_a_full_disk_gives_the_reserve_up_and_takes_it_again)
{
    Fixture fixture, *f = &fixture;
    MrLogTransaction *transaction;
    MrDurability durability;
    uint64_t last;
    char path[4096];
    struct stat info;
    int64_t times[20000] = { 0 };
    fixture_init(f);
    f->options.segment_bytes = 1 << 16;
    fixture_open(f);
    snprintf(path, sizeof path, "%s/reserve", f->directory);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_size, 1 << 16);
    /* The segment that is needed cannot be made; then the reserve cannot. */
    static const char *const faults[] = { "io:1:enospc", "io:2:enospc,io:5:enospc" };
    for (int i = 0; i < 2; i++) {
        MUST(mr_log_begin(f->log, &transaction, &f->err));
        MUST(mr_log_append(transaction, 1, fixture_block(f, times, 20000, 0), no_offset, &f->err));
        MUST(mr_fault_init(faults[i], &f->err));
        ck_assert_int_eq(mr_log_commit(transaction, &last, &durability, &f->err), MR_ERR_DISK_FULL);
        ck_assert_int_eq(stat(path, &info), -1);
    }
    MUST(mr_fault_init("", &f->err));
    fixture_append_rows(f, 1, 20000, 0);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_size, 1 << 16);
    fixture_fini(f);
}
END_TEST

/* Single-row INSERTs: what a reader leaves behind counts, not only the bytes of the frames. */
START_TEST(test_the_cache_is_no_larger_than_it_says)
{
    Fixture fixture, *f = &fixture;
    enum { RECORDS = 5000 };
    int64_t time = START_US;
    fixture_init(f);
    f->options.cache_bytes = 256 << 10;
    f->options.segment_bytes = 8 << 20;
    fixture_open(f);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < RECORDS; i++) {
        MrLogRecord record;
        bool found;
        uint64_t last = fixture_append(f, 1, fixture_block(f, &time, 1, i));
        if (i % 10 == 0) {
            MUST(mr_log_write(f->log, &f->err));
        }
        MUST(mr_log_read(f->log, last, last, NULL, &f->arena, &record, &found, &f->err));
        ck_assert(found && fixture_value(record.block, 0) == i);
        mr_log_release(&record);
        mr_arena_reset(&f->arena);
    }
    MUST(mr_log_write(f->log, &f->err));
    size_t index_bytes = RECORDS * 2 * 112, grown = mallinfo2().uordblks - before;
    ck_assert_msg(grown < f->options.cache_bytes * 3 / 2 + index_bytes, "%zu bytes", grown);
    fixture_fini(f);
}
END_TEST

START_TEST(test_sequence_at_arrival_and_bytes)
{
    Fixture fixture, *f = &fixture;
    MrLogStreamFacts facts;
    fixture_init(f);
    fixture_open(f);
    for (int i = 0; i < 10; i++) {
        MUST(mr_clock_set(f->clock, START_US + i * 1000, &f->err));
        fixture_append_rows(f, 1 + i % 2, 10, i * 10);
    }
    ck_assert_uint_eq(mr_log_sequence_at_arrival(f->log, 1, START_US), 1);
    ck_assert_uint_eq(mr_log_sequence_at_arrival(f->log, 1, START_US + 1), 21);
    ck_assert_uint_eq(mr_log_sequence_at_arrival(f->log, 2, START_US + 1), 11);
    ck_assert_uint_eq(mr_log_sequence_at_arrival(f->log, 1, START_US + 99999), 101);
    ck_assert(mr_log_stream_facts(f->log, 1, &facts));
    ck_assert_uint_eq(mr_log_sequence_at_bytes(f->log, 1, facts.bytes), 1);
    ck_assert_uint_eq(mr_log_sequence_at_bytes(f->log, 1, facts.bytes - 1), 21);
    ck_assert_uint_eq(mr_log_sequence_at_bytes(f->log, 1, 0), 101);
    fixture_fini(f);
}
END_TEST

/* ---- threads ----------------------------------------------------------------------------- */

typedef struct Worker {
    Fixture *fixture;
    uint32_t stream_id;
    bool is_reader;
} Worker;

static void *worker_run(void *argument)
{
    Worker *worker = argument;
    MrLog *log = worker->fixture->log;
    Fixture own = *worker->fixture, *f = &own;
    mr_arena_init(&f->arena, 0);
    uint64_t next = 1;
    for (int i = 0; i < 200; i++) {
        if (worker->is_reader) {
            MrLogRecord record;
            bool found;
            MUST(mr_log_read(log, next, UINT64_MAX, NULL, &f->arena, &record, &found, &f->err));
            if (found) {
                next = record.first_sequence + record.row_count;
                fixture_value(record.block, record.row_count - 1);
                mr_log_release(&record);
            } else {
                next = 1;
            }
        } else {
            uint64_t last = fixture_append_rows(f, worker->stream_id, 50, i);
            MUST(mr_log_sync(log, &f->err));
            ck_assert_uint_ge(mr_log_synced(log), last);
        }
        mr_arena_reset(&f->arena);
    }
    mr_arena_fini(&f->arena);
    return NULL;
}

START_TEST(test_threads_append_sync_and_read)
{
    Fixture fixture, *f = &fixture;
    pthread_t threads[5];
    Worker workers[5];
    fixture_init(f);
    f->options.cache_bytes = 20000;
    fixture_open(f);
    for (uint32_t i = 0; i < 5; i++) {
        workers[i] = (Worker){ f, 1 + i, i >= 3 };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(mr_log_appended(f->log), 3 * 200 * 50);
    fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *facts = tcase_create("facts");
    tcase_set_timeout(facts, 120);
    tcase_add_test(facts, test_rows_come_back_with_their_place);
    tcase_add_test(facts, test_a_range_is_cut_at_any_row);
    tcase_add_test(facts, test_future_rows_do_not_move_the_watermark);
    tcase_add_test(facts, test_the_arrival_of_the_commit_decides_what_is_future);
    tcase_add_test(facts, test_arrival_is_the_event_time_of_a_stream_without_one);
    tcase_add_test(facts, test_a_transaction_is_all_or_nothing);
    tcase_add_test(facts, test_records_without_rows);
    tcase_add_test(facts, test_bad_calls_are_errors);
    tcase_add_test(facts, test_segments_follow_each_other_and_a_large_block_gets_its_own);
    tcase_add_test(facts, test_many_small_records);
    tcase_add_test(facts, test_the_limit_refuses_rows_and_not_records);
    tcase_add_test(facts, test_a_full_disk_gives_the_reserve_up_and_takes_it_again);
    tcase_add_test(facts, test_the_cache_is_no_larger_than_it_says);
    tcase_add_test(facts, test_sequence_at_arrival_and_bytes);
    suite_add_tcase(suite, facts);
    TCase *threads = tcase_create("threads");
    tcase_set_timeout(threads, 120);
    tcase_add_test(threads, test_threads_append_sync_and_read);
    suite_add_tcase(suite, threads);
    return fixture_run(suite);
}
