/*
 * tests/unit/test_log_threads.c - appenders, a syncing thread, readers and retention at once, over
 * segments that roll all the time: every reader sees every row of a kept stream once and in order.
 * Made for the thread sanitizer; check's own macros are used by the main thread only.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "common/logging.h"
#include "tests/unit/log_fixture.h"

enum { APPENDERS = 3, READERS = 4, TRANSACTIONS = 400, BLOCK_ROWS = 120, ROUNDS = 4 };

/* Appender i writes streams i + 1 (also trimmed and freed when i is 0) and 4 (shared with others). */
static struct {
    Fixture fixture;
    int round;
    bool is_all_trimmed; /* in every other round; else only stream 1 loses rows */
    atomic_int appenders_left;
    atomic_bool is_broken;
    char broken[300]; /* of the one that set is_broken first */
    _Atomic uint64_t rows_committed[APPENDERS];
} run;

static void broken_tell(const char *what, uint64_t a, uint64_t b)
{
    if (!atomic_exchange(&run.is_broken, true)) {
        snprintf(run.broken, sizeof run.broken, "%s: %llu, %llu", what, (unsigned long long)a,
                 (unsigned long long)b);
    }
}

#define HOLDS(condition, what, a, b)                         \
    do {                                                     \
        if (!(condition)) {                                  \
            broken_tell(what, (uint64_t)(a), (uint64_t)(b)); \
        }                                                    \
    } while (0)

static void status_check(MrStatus status, const char *what, const MrError *err)
{
    if (status != MR_OK && !atomic_exchange(&run.is_broken, true)) {
        snprintf(run.broken, sizeof run.broken, "%s: %.200s", what, err->message);
    }
}

/* ---- appenders --------------------------------------------------------------------------- */

static MrBlock *block_make(MrArena *arena, uint64_t first, uint32_t rows)
{
    MrBlock *block = NULL;
    MrError err = MR_ERROR_INIT;
    status_check(mr_block_create(arena, &fixture_schema, rows, &block, &err), "block", &err);
    for (uint32_t i = 0; i < rows; i++) {
        char *text =
            mr_arena_printf(arena, "the name of number %llu", (unsigned long long)first + i);
        ((int64_t *)block->columns[0].data)[i] = START_US + (int64_t)(first + i) * 1000;
        ((int64_t *)block->columns[1].data)[i] = (int64_t)(first + i);
        ((MrText *)block->columns[2].data)[i] = mr_text_make(text, (uint32_t)strlen(text));
    }
    return block;
}

/* Sometimes a single block, sometimes several parts of two streams, sometimes given up. */
static void transaction_run(MrRandom *random, MrArena *arena, uint32_t index, uint64_t *next)
{
    MrLog *log = run.fixture.log;
    MrError err = MR_ERROR_INIT;
    MrLogTransaction *transaction;
    MrDurability durability;
    uint64_t last, first = *next;
    uint32_t parts = 1 + (uint32_t)mr_random_below(random, 4);
    bool is_aborted = mr_random_below(random, 10) == 0;
    status_check(mr_log_begin(log, &transaction, &err), "begin", &err);
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t rows = 1 + (uint32_t)mr_random_below(random, BLOCK_ROWS);
        MrBlock *block = block_make(arena, first, rows);
        status_check(mr_log_append(transaction, index + 1, block, MR_STRING("offset"), &err),
                     "append", &err);
        if (i % 2 == 1) {
            status_check(mr_log_append(transaction, 4, block, (MrString){ NULL, 0 }, &err),
                         "append", &err);
        }
        first += rows;
    }
    if (is_aborted) {
        mr_log_abort(transaction);
        return;
    }
    status_check(mr_log_commit(transaction, &last, &durability, &err), "commit", &err);
    *next = first;
    atomic_store(&run.rows_committed[index], first);
    if (mr_random_below(random, 4) == 0) {
        status_check(mr_log_sync(log, &err), "sync", &err);
        HOLDS(mr_log_synced(log) >= last, "synced is below what was synced", mr_log_synced(log),
              last);
    }
}

static void *appender_run(void *context)
{
    uint32_t index = (uint32_t)(uintptr_t)context;
    MrRandom random;
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    uint64_t next = 0, sequence;
    mr_random_init(&random, (uint64_t)run.round * 100 + index);
    mr_arena_init(&arena, 0);
    for (int i = 0; i < TRANSACTIONS && !atomic_load(&run.is_broken); i++) {
        transaction_run(&random, &arena, index, &next);
        mr_arena_reset(&arena);
        if (i % 10 == 0) {
            status_check(mr_log_append_watermark(run.fixture.log, MR_RECORD_HEARTBEAT, index + 1,
                                                 START_US + (int64_t)next * 1000, &sequence, &err),
                         "heartbeat", &err);
            status_check(mr_log_append_ddl(run.fixture.log, MR_STRING("CREATE …"), &sequence, &err),
                         "ddl", &err);
        }
    }
    mr_arena_fini(&arena);
    atomic_fetch_sub(&run.appenders_left, 1);
    return NULL;
}

/* ---- the others -------------------------------------------------------------------------- */

static void *syncer_run(void *unused)
{
    MrError err = MR_ERROR_INIT;
    (void)unused;
    while (atomic_load(&run.appenders_left) > 0 && !atomic_load(&run.is_broken)) {
        status_check(mr_log_sync(run.fixture.log, &err), "sync", &err);
        HOLDS(mr_log_synced(run.fixture.log) <= mr_log_written(run.fixture.log),
              "more is synced than written", 0, 0);
        usleep(300);
    }
    return NULL;
}

/* Stream 1 loses its old rows; files go or are written again. */
static void *retention_run(void *unused)
{
    MrLog *log = run.fixture.log;
    MrError err = MR_ERROR_INIT;
    (void)unused;
    while (atomic_load(&run.appenders_left) > 0 && !atomic_load(&run.is_broken)) {
        uint64_t sequence;
        for (uint32_t id = 1; id <= (run.is_all_trimmed ? 4 : 1); id++) {
            uint64_t below = mr_log_sequence_at_bytes(log, id, 20000);
            status_check(mr_log_append_trim(log, id, below, &sequence, &err), "trim", &err);
        }
        status_check(mr_log_sync(log, &err), "sync", &err);
        status_check(mr_log_free_below(log, mr_log_synced(log), &err), "free", &err);
        (void)mr_log_bytes(log);
        (void)mr_log_sequence_at_arrival(log, 2, START_US);
        mr_log_set_limit(log, UINT64_MAX);
        usleep(2000);
    }
    return NULL;
}

typedef struct Reader {
    uint32_t stream_id;
    uint64_t seed;
    uint64_t rows;
} Reader;

static void record_check(const MrLogRecord *record, uint32_t stream_id, uint64_t *value, int64_t *w)
{
    const MrBlock *block = record->block;
    for (uint32_t i = 0; i < record->row_count; i++) {
        char text[64];
        uint64_t found = (uint64_t) * (const int64_t *)mr_vector_cell(&block->columns[1], i);
        const MrText *name = mr_vector_cell(&block->columns[2], i);
        int length =
            snprintf(text, sizeof text, "the name of number %llu", (unsigned long long)found);
        HOLDS(name->length == (uint32_t)length &&
                  memcmp(mr_text_data(name), text, name->length) == 0,
              "another name", found, name->length);
        /* Stream 4 has the rows of several appenders; others may have lost some. */
        HOLDS(stream_id == 4 || found == *value ||
                  ((stream_id == 1 || run.is_all_trimmed) && found > *value),
              "another row", found, *value);
        *value = found + 1;
    }
    HOLDS(record->watermark_us >= *w && record->watermark_after_us >= record->watermark_us,
          "the watermark went back", record->first_sequence, record->row_count);
    *w = record->watermark_after_us;
}

static void *reader_run(void *context)
{
    Reader *reader = context;
    MrLog *log = run.fixture.log;
    MrError err = MR_ERROR_INIT;
    MrArena arena;
    MrRandom random;
    uint64_t bit = UINT64_C(1) << reader->stream_id, next = 1, value = 0;
    int64_t watermark_us = MR_TIME_MIN;
    MrLogFilter filter = { .streams = &bit, .stream_words = 1 };
    mr_arena_init(&arena, 0);
    mr_random_init(&random, (uint64_t)run.round * 100 + 50 + reader->seed);
    while (!atomic_load(&run.is_broken)) {
        bool is_last = atomic_load(&run.appenders_left) == 0;
        uint64_t head = mr_log_appended(log), upto = next + mr_random_below(&random, 90);
        MrLogRecord record;
        bool found;
        if (next > head) {
            if (is_last) {
                break;
            }
            usleep(100);
            continue;
        }
        upto = upto > head ? head : upto;
        MrStatus status = mr_log_read(log, next, upto, &filter, &arena, &record, &found, &err);
        status_check(status, "read", &err);
        if (status != MR_OK) {
            break;
        }
        if (found && record.kind == MR_RECORD_ROWS) {
            HOLDS(record.first_sequence >= next &&
                      record.first_sequence + record.row_count <= upto + 1,
                  "rows outside of the range", record.first_sequence, next);
            record_check(&record, reader->stream_id, &value, &watermark_us);
            reader->rows += record.row_count;
        }
        next = found ? record.first_sequence + record.row_count : upto + 1;
        mr_log_release(&record);
        mr_arena_reset(&arena);
    }
    mr_arena_fini(&arena);
    return NULL;
}

/* ---- tests ------------------------------------------------------------------------------- */

START_TEST(test_everybody_at_once)
{
    Fixture *f = &run.fixture;
    pthread_t threads[APPENDERS + READERS + 2];
    Reader readers[READERS + 1] = {
        { 1, 1, 0 }, { 2, 2, 0 }, { 3, 3, 0 }, { 4, 4, 0 }, { 2, 5, 0 }
    };
    uint32_t count = 0;
    memset(&run, 0, sizeof run);
    run.round = _i;
    run.is_all_trimmed = _i % 2 == 1;
    fixture_init(f);
    f->options.segment_bytes = 48 << 10;
    f->options.cache_bytes = 30000;
    fixture_open(f);
    atomic_store(&run.appenders_left, APPENDERS);
    for (uintptr_t i = 0; i < APPENDERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[count++], NULL, appender_run, (void *)i), 0);
    }
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[count++], NULL, reader_run, &readers[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&threads[count++], NULL, syncer_run, NULL), 0);
    ck_assert_int_eq(pthread_create(&threads[count++], NULL, retention_run, NULL), 0);
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_msg(!atomic_load(&run.is_broken), "%s", run.broken);
    bool is_kept = !run.is_all_trimmed;
    ck_assert(!is_kept || readers[1].rows == atomic_load(&run.rows_committed[1]));
    ck_assert(!is_kept || readers[2].rows == atomic_load(&run.rows_committed[2]));
    /* And once more, from what a crash leaves. */
    MUST(mr_log_sync(f->log, &f->err));
    fixture_crash(f);
    fixture_open(f);
    reader_run(&readers[READERS]);
    ck_assert_msg(!atomic_load(&run.is_broken), "after a crash: %s", run.broken);
    ck_assert(!is_kept || readers[READERS].rows == atomic_load(&run.rows_committed[1]));
    fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_threads");
    TCase *tests = tcase_create("threads");
    tcase_set_timeout(tests, 120);
    mr_logging_set_level(MR_LOG_WARNING); /* of files removed and written again there are many */
    tcase_add_loop_test(tests, test_everybody_at_once, 0, ROUNDS);
    suite_add_tcase(suite, tests);
    return fixture_run(suite);
}
