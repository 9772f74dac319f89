/*
 * bench/sqlite_write.c - the SQLite sink alone: windows of groups by one integer key, one window a
 * commit, and the same rows again with other values.  Prints the least CPU time a row of the
 * commits of a turn, in lines of name and nanoseconds: for rows that come in no order and in that
 * of the key, and for a key that is NOT NULL (the table is one tree) and one that may hold NULLs
 * (an index stands beside it).
 *
 *     sqlite_write FILE [GROUPS] [WINDOWS] [TURNS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "storage/sink.h"

enum { COLUMNS = 4, BLOCK_ROWS = 2048, SHUFFLE = 7919 };

static const MrColumn columns[COLUMNS] = {
    { .name = "window_start", .type = { MR_TYPE_TIMESTAMP, -1 }, .not_null = true },
    { .name = "auction", .type = { MR_TYPE_INT64, -1 } },
    { .name = "bids", .type = { MR_TYPE_INT64, -1 } },
    { .name = "total", .type = { MR_TYPE_NUMERIC, -1 } },
};
static const bool integral[COLUMNS] = { [3] = true };
static const uint32_t key[2] = { 0, 1 };

typedef struct Form {
    const char *name;
    bool not_null;   /* the group */
    uint32_t stride; /* from one row's group to the next one's */
} Form;

static const Form forms[] = {
    { "", true, SHUFFLE },
    { "ordered_", true, 1 },
    { "nullable_", false, SHUFFLE },
    { "nullable_ordered_", false, 1 },
};

typedef struct Run {
    const Form *form;
    MrColumn columns[COLUMNS];
    MrSinkTable table;
    MrSink *sink;
    MrArena arena;
    uint8_t query[16];
    MrProgress progress;
} Run;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void must(MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        fprintf(stderr, "sqlite_write: %s\n", err->message);
        exit(1);
    }
}

static uint32_t make_window(Run *run, uint32_t window, uint32_t groups, int64_t value,
                            MrBlock ***out)
{
    MrError err = MR_ERROR_INIT;
    uint32_t count = (groups + BLOCK_ROWS - 1) / BLOCK_ROWS;
    MrBlock **blocks = calloc(count, sizeof *blocks);
    for (uint32_t b = 0; b < count; b++) {
        uint32_t rows = b + 1 < count ? BLOCK_ROWS : groups - b * BLOCK_ROWS;
        must(mr_block_create(&run->arena, &run->table.schema, rows, &blocks[b], &err), &err);
        for (uint32_t r = 0; r < rows; r++) {
            uint64_t group = ((uint64_t)b * BLOCK_ROWS + r) * run->form->stride % groups;
            ((int64_t *)blocks[b]->columns[0].data)[r] =
                INT64_C(1767225600000000) + INT64_C(10000000) * window;
            ((int64_t *)blocks[b]->columns[1].data)[r] = (int64_t)group;
            ((int64_t *)blocks[b]->columns[2].data)[r] = 200 + value;
            ((MrDecimal *)blocks[b]->columns[3].data)[r] =
                mr_decimal_from_int64((int64_t)group * 100000 + value);
        }
    }
    *out = blocks;
    return count;
}

static double commit_window(Run *run, uint32_t window, uint32_t groups, int64_t value)
{
    MrBlock **blocks;
    MrError err = MR_ERROR_INIT;
    bool unknown;
    int32_t culprit;
    uint32_t count = make_window(run, window, groups, value, &blocks);
    MrEpoch epoch = { .generation = run->progress.generation,
                      .epoch = ++run->progress.epoch,
                      .sequence = ++run->progress.sequence,
                      .watermark_us = MR_TIME_MIN,
                      .table = &run->table,
                      .changes = { .upserts = (const MrBlock *const *)blocks,
                                   .upsert_blocks = count } };
    const MrEpoch *epochs[] = { &epoch };
    memcpy(epoch.query, run->query, sizeof epoch.query);
    double start = now();
    must(run->sink->sink_class->commit(run->sink, epochs, 1, &unknown, &culprit, &err), &err);
    double spent = now() - start;
    free(blocks);
    mr_arena_reset(&run->arena);
    return spent;
}

static void open_file(Run *run, const char *path)
{
    MrError err = MR_ERROR_INIT;
    const MrSinkOptions options = { .location = path };
    const MrSinkClass *sqlite = mr_sink_find((MrString){ "sqlite", 6 });
    must(sqlite->open(&options, &run->sink, &err), &err);
    must(sqlite->create_table(run->sink, run->query, run->query, &run->table, &err), &err);
    must(sqlite->attach(run->sink, run->query, &run->table, 0, run->query, &run->progress, &err),
         &err);
}

static void close_file(Run *run, const char *path)
{
    char beside[4096];
    run->sink->sink_class->close(run->sink);
    mr_arena_fini(&run->arena);
    unlink(path);
    snprintf(beside, sizeof beside, "%s-wal", path);
    unlink(beside);
}

/* The time of the windows' new rows, and that of the same rows with other values. */
static void run_turn(const Form *form, const char *path, uint32_t groups, uint32_t windows,
                     double spent[2])
{
    Run run = { .form = form, .query = { 1 } };
    memcpy(run.columns, columns, sizeof columns);
    run.columns[1].not_null = form->not_null;
    run.table = (MrSinkTable){ .name = "totals",
                               .schema = { COLUMNS, run.columns },
                               .key_columns = key,
                               .key_count = 2,
                               .integral = integral };
    mr_arena_init(&run.arena, (size_t)1 << 30);
    open_file(&run, path);
    for (uint32_t w = 0; w < 2 * windows; w++) {
        spent[w / windows] += commit_window(&run, w % windows, groups, w / windows);
    }
    close_file(&run, path);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: sqlite_write FILE [GROUPS] [WINDOWS] [TURNS]\n");
        return 2;
    }
    uint32_t groups = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10000;
    uint32_t windows = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 5;
    uint32_t turns = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 9;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        double least[2] = { 1e9, 1e9 };
        for (uint32_t turn = 0; turn < turns; turn++) {
            double spent[2] = { 0 };
            run_turn(&forms[f], argv[1], groups, windows, spent);
            least[0] = spent[0] < least[0] ? spent[0] : least[0];
            least[1] = spent[1] < least[1] ? spent[1] : least[1];
        }
        printf("%sinsert_ns %.0f\n%supdate_ns %.0f\n", forms[f].name,
               least[0] * 1e9 / windows / groups, forms[f].name, least[1] * 1e9 / windows / groups);
    }
    return 0;
}
