/*
 * bench/log_append.c - the log alone: blocks of 65536 rows of 6 columns appended and synced, read back
 * whole and in small ranges; what others wait for the lock meanwhile.  Prints lines of name and value.
 *
 *     log_append DIRECTORY [BLOCKS] [RANGE_ROWS]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/log.h"

enum { ROWS = 65536, COLUMNS = 6, SMALL_TURNS_MAX = 1 << 20 };

static const MrColumn columns[COLUMNS] = {
    { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
    { .name = "auction", .type = { MR_TYPE_INT64, -1 } },
    { .name = "bidder", .type = { MR_TYPE_INT64, -1 } },
    { .name = "price", .type = { MR_TYPE_INT64, -1 } },
    { .name = "channel", .type = { MR_TYPE_TEXT, -1 } },
    { .name = "url", .type = { MR_TYPE_TEXT, -1 } },
};
static const MrSchema schema = { .column_count = COLUMNS, .columns = columns };

static MrLog *bench_log;
static atomic_bool is_done;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void must(MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        fprintf(stderr, "log_append: %s\n", err->message);
        exit(1);
    }
}

static MrBlock *make_block(MrArena *arena)
{
    MrError err = MR_ERROR_INIT;
    MrBlock *block;
    must(mr_block_create(arena, &schema, ROWS, &block, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        char *url = mr_arena_printf(arena, "https://example.org/item/%u", i);
        ((int64_t *)block->columns[0].data)[i] = INT64_C(1767225600000000) + i;
        ((int64_t *)block->columns[1].data)[i] = i % 10000;
        ((int64_t *)block->columns[2].data)[i] = i * 7;
        ((int64_t *)block->columns[3].data)[i] = i * 13;
        ((MrText *)block->columns[4].data)[i] = mr_text_make("channel", 7);
        ((MrText *)block->columns[5].data)[i] = mr_text_make(url, (uint32_t)strlen(url));
    }
    return block;
}

/* One transaction; the time of the whole. */
static double append_one(uint32_t stream_id, const MrBlock *block, bool is_synced)
{
    MrError err = MR_ERROR_INIT;
    MrLogTransaction *transaction;
    MrDurability durability;
    uint64_t last;
    double start = now();
    must(mr_log_begin(bench_log, &transaction, &err), &err);
    must(mr_log_append(transaction, stream_id, block, (MrString){ NULL, 0 }, &err), &err);
    must(mr_log_commit(transaction, &last, &durability, &err), &err);
    if (is_synced) {
        must(mr_log_sync(bench_log, &err), &err);
    }
    return now() - start;
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* What a session that asks for a figure waits. */
static void *asker_run(void *unused)
{
    static double waits[SMALL_TURNS_MAX];
    size_t count = 0;
    (void)unused;
    while (!atomic_load(&is_done) && count < SMALL_TURNS_MAX) {
        double start = now();
        (void)mr_log_appended(bench_log);
        waits[count++] = now() - start;
        nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
    }
    qsort(waits, count, sizeof *waits, double_compare);
    printf("lock_wait_us_p50 %.1f\nlock_wait_us_p99 %.1f\nlock_wait_us_max %.1f\n",
           waits[count / 2] * 1e6, waits[count * 99 / 100] * 1e6, waits[count - 1] * 1e6);
    return NULL;
}

static void read_all(const char *name, uint64_t range_rows, uint64_t upto)
{
    MrError err = MR_ERROR_INIT;
    MrArena arena;
    uint64_t bit = 2, rows = 0, reads = 0;
    MrLogFilter filter = { .streams = &bit, .stream_words = 1 };
    double start = now();
    mr_arena_init(&arena, 0);
    for (uint64_t next = 1; next <= upto;) {
        MrLogRecord record;
        bool found;
        uint64_t end = upto - next < range_rows ? upto : next + range_rows - 1;
        must(mr_log_read(bench_log, next, end, &filter, &arena, &record, &found, &err), &err);
        next = found ? record.first_sequence + record.row_count : end + 1;
        rows += found ? record.row_count : 0;
        reads++;
        mr_log_release(&record);
        mr_arena_reset(&arena);
    }
    double seconds = now() - start;
    printf("%s_rows_per_s %.0f\n%s_us_per_read %.2f\n", name, (double)rows / seconds, name,
           seconds / (double)reads * 1e6);
    mr_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    MrError err = MR_ERROR_INIT;
    MrArena arena;
    int blocks = argc > 2 ? atoi(argv[2]) : 40;
    uint64_t range_rows = argc > 3 ? (uint64_t)atoi(argv[3]) : 7;
    if (argc < 2 || blocks < 1 || range_rows < 1) {
        fprintf(stderr, "usage: log_append DIRECTORY [BLOCKS] [RANGE_ROWS]\n");
        return 2;
    }
    mr_arena_init(&arena, 0);
    MrLogOptions options = { .directory = argv[1],
                             .segment_bytes = 64 << 20,
                             .cache_bytes = 1 << 20, /* nearly all is read from files */
                             .clock = mr_clock_create_real() };
    must(mr_log_open(&options, &bench_log, &err), &err);
    MrLogStream stream = { .stream_id = 1,
                           .schema = &schema,
                           .event_column = 0,
                           .max_future_skew_us = INT64_MAX,
                           .durability = MR_DURABILITY_FSYNC };
    must(mr_log_set_stream(bench_log, &stream, &err), &err);
    MrBlock *block = make_block(&arena);
    size_t bytes = mr_block_encoded_bytes(block);
    printf("bytes_per_row %.1f\n", (double)bytes / ROWS);
    append_one(1, block, true);

    pthread_t asker;
    pthread_create(&asker, NULL, asker_run, NULL);
    double unsynced = 0, start = now();
    for (int i = 0; i < blocks; i++) {
        unsynced += append_one(1, block, false);
        must(mr_log_sync(bench_log, &err), &err);
    }
    double seconds = now() - start;
    atomic_store(&is_done, true);
    pthread_join(asker, NULL);
    printf("append_rows_per_s %.0f\nappend_mb_per_s %.0f\n", blocks * (double)ROWS / unsynced,
           blocks * (double)bytes / unsynced / 1e6);
    printf("append_and_sync_rows_per_s %.0f\nappend_and_sync_mb_per_s %.0f\n",
           blocks * (double)ROWS / seconds, blocks * (double)bytes / seconds / 1e6);

    uint64_t last = mr_log_appended(bench_log);
    read_all("read_whole", ROWS, last);
    read_all("read_ranges", range_rows, last < ROWS * 3 ? last : ROWS * 3);
    must(mr_log_close(bench_log, &err), &err);
    mr_clock_destroy(options.clock);
    mr_arena_fini(&arena);
    return 0;
}
