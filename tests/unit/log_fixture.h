/*
 * tests/unit/log_fixture.h - what the tests of the log share: a directory of their own, blocks of
 * (at TIMESTAMP, value BIGINT, name TEXT), and a log on a virtual clock.
 */
#ifndef MR_TESTS_LOG_FIXTURE_H
#define MR_TESTS_LOG_FIXTURE_H

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/random.h"
#include "storage/log.h"

#define MINUTE_US INT64_C(60000000)
#define START_US INT64_C(1767225600000000) /* 2026-01-01 */

static const MrColumn fixture_columns[] = {
    { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
    { .name = "value", .type = { MR_TYPE_INT64, -1 } },
    { .name = "name", .type = { MR_TYPE_TEXT, -1 } },
};
static const MrSchema fixture_schema = { .column_count = 3, .columns = fixture_columns };

/* An input that ranges are read from: it only knows whether it has changed. */
typedef struct FixtureInput {
    bool has_changed;
    atomic_int reads;
} FixtureInput;

typedef struct Fixture {
    FixtureInput input;
    char directory[64];
    MrClock *clock;
    MrLog *log;
    MrArena arena;
    MrLogOptions options;
    MrError err;
} Fixture;

#define MUST(call)                                                             \
    do {                                                                       \
        MrStatus must_status_ = (call);                                        \
        ck_assert_msg(must_status_ == MR_OK, "%s: %s", #call, f->err.message); \
    } while (0)

typedef struct FixtureLoan {
    MrBlockLoan base;
    MrArena arena;
} FixtureLoan;

static inline void fixture_give_back(MrBlockLoan *base)
{
    FixtureLoan *loan = (FixtureLoan *)base;
    mr_arena_fini(&loan->arena);
    free(loan);
}

/* The bytes of a range are those of the block. */
static inline MrStatus fixture_range_read(void *context, uint32_t stream_id, MrString range,
                                          MrBlockLoan **out, MrError *err)
{
    FixtureInput *input = context;
    FixtureLoan *loan = calloc(1, sizeof *loan);
    input->reads++;
    mr_arena_init(&loan->arena, 0);
    loan->base.give_back = fixture_give_back;
    char *data = mr_arena_alloc_aligned(&loan->arena, range.length);
    memcpy(data, range.data, range.length);
    MrStatus status = input->has_changed
                          ? mr_error_set(err, MR_ERR_INPUT_CHANGED, "stream %u", stream_id)
                          : mr_block_decode(&loan->arena, &fixture_schema, data, range.length,
                                            &loan->base.block, err);
    if (status != MR_OK) {
        fixture_give_back(&loan->base);
        return status;
    }
    loan->base.bytes = range.length;
    *out = &loan->base;
    return MR_OK;
}

/* What a source would say of the block. */
static inline MrString fixture_range(MrArena *arena, const MrBlock *block)
{
    size_t bytes = mr_block_encoded_bytes(block);
    char *data = mr_arena_alloc_aligned(arena, bytes);
    mr_block_encode(block, data);
    return (MrString){ data, bytes };
}

static inline void fixture_init(Fixture *f)
{
    *f = (Fixture){ .err = MR_ERROR_INIT };
    snprintf(f->directory, sizeof f->directory, "/tmp/mr-test-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->directory));
    f->clock = mr_clock_create_virtual(START_US);
    mr_arena_init(&f->arena, 0);
    f->options = (MrLogOptions){ .directory = f->directory,
                                 .segment_bytes = 1 << 20,
                                 .cache_bytes = 1 << 20,
                                 .clock = f->clock,
                                 .ranges = { fixture_range_read, &f->input } };
}

static inline MrLogStream fixture_stream(uint32_t stream_id)
{
    return (MrLogStream){ .stream_id = stream_id,
                          .schema = &fixture_schema,
                          .event_column = 0,
                          .delay_us = 5000000,
                          .max_future_skew_us = 24 * 60 * MINUTE_US,
                          .durability = MR_DURABILITY_FSYNC };
}

static inline MrStatus fixture_try_open(Fixture *f)
{
    MrStatus status = mr_log_open(&f->options, &f->log, &f->err);
    for (uint32_t id = 1; status == MR_OK && id <= 4; id++) {
        MrLogStream stream = fixture_stream(id);
        stream.event_column = id == 4 ? -1 : 0;
        status = mr_log_set_stream(f->log, &stream, &f->err);
    }
    return status;
}

static inline void fixture_open(Fixture *f)
{
    MUST(fixture_try_open(f));
}

static inline void fixture_close(Fixture *f)
{
    MUST(mr_log_close(f->log, &f->err));
    f->log = NULL;
}

static inline void fixture_fini(Fixture *f)
{
    char command[128];
    if (f->log != NULL) {
        (void)mr_log_close(f->log, NULL);
    }
    mr_arena_fini(&f->arena);
    mr_clock_destroy(f->clock);
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    ck_assert_int_eq(system(command), 0);
}

/* Rows whose value is `first`, `first` + 1 …, at the given times (MR_TIME_MIN: NULL). */
static inline MrBlock *fixture_block(Fixture *f, const int64_t *times, uint32_t rows, int64_t first)
{
    MrBlock *block;
    MUST(mr_block_create(&f->arena, &fixture_schema, rows, &block, &f->err));
    for (uint32_t i = 0; i < rows; i++) {
        int64_t value = first + i;
        char *text = mr_arena_printf(&f->arena, "the name of number %lld", (long long)value);
        ((int64_t *)block->columns[0].data)[i] = times[i] == MR_TIME_MIN ? 0 : times[i];
        ((int64_t *)block->columns[1].data)[i] = value;
        ((MrText *)block->columns[2].data)[i] =
            mr_text_make(text, value % 3 == 0 ? 5 : (uint32_t)strlen(text));
        if (times[i] == MR_TIME_MIN) {
            MUST(mr_vector_make_nullable(&block->columns[0], &f->arena, &f->err));
            mr_bitmap_clear(block->columns[0].validity, i);
        }
    }
    return block;
}

/* One transaction of one block. */
static inline uint64_t fixture_append(Fixture *f, uint32_t stream_id, const MrBlock *block)
{
    MrLogTransaction *transaction;
    MrDurability durability;
    uint64_t last;
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    MUST(mr_log_append(transaction, stream_id, block, (MrString){ NULL, 0 }, &f->err));
    MUST(mr_log_commit(transaction, &last, &durability, &f->err));
    return last;
}

static inline uint64_t fixture_append_rows(Fixture *f, uint32_t stream_id, uint32_t rows,
                                           int64_t first)
{
    int64_t *times = mr_arena_calloc(&f->arena, rows, sizeof *times);
    for (uint32_t i = 0; i < rows; i++) {
        times[i] = START_US + (first + i) * 1000;
    }
    return fixture_append(f, stream_id, fixture_block(f, times, rows, first));
}

/* The value column and the name of row `row` say the same. */
static inline int64_t fixture_value(const MrBlock *block, uint32_t row)
{
    char text[64];
    int64_t value = *(const int64_t *)mr_vector_cell(&block->columns[1], row);
    const MrText *name = mr_vector_cell(&block->columns[2], row);
    int length = snprintf(text, sizeof text, "the name of number %lld", (long long)value);
    length = value % 3 == 0 ? 5 : length;
    ck_assert_uint_eq(name->length, (uint32_t)length);
    ck_assert_mem_eq(mr_text_data(name), text, (size_t)length);
    return value;
}

/* The newest segment file, for damage. */
static inline void fixture_segment_path(const Fixture *f, unsigned number, char out[128])
{
    snprintf(out, 128, "%.60s/%016x.seg", f->directory, number);
}

/* Forgets the log as kill -9 would: nothing is sealed.  Memory is left to the end of the process,
 * on purpose: closing would write. */
static inline void fixture_crash(Fixture *f)
{
    static MrLog *volatile lost[4096] __attribute__((used));
    static unsigned count;
    ck_assert_uint_lt(count, 4096);
    lost[count++] = f->log;
    f->log = NULL;
}

static inline int fixture_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
