/*
 * bench/engine_group.c - how fast a standing group-by takes rows: 10 million rows, 10 000 int64
 * keys, windows of 10 seconds, count(*) and sum(bigint), on one and on two lanes. *
 * engine_group [rows [keys [lanes_max]]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/random.h"
#include "engine/pipeline.h"

enum { COLUMNS = 4, BLOCK_ROWS = 65536, BLOCKS = 16, POOL_MAX = 8 };
#define SECOND INT64_C(1000000)

/* ---- a pool of threads that wait for tasks
 * ------------------------------------------------------ */

typedef struct Pool {
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    void (*task)(void *context, uint32_t index);
    void *context;
    uint32_t count, next, running;
    bool stops;
    pthread_t threads[POOL_MAX];
    uint32_t thread_count;
} Pool;

static void pool_take(Pool *pool)
{
    while (pool->next < pool->count) {
        uint32_t index = pool->next++;
        pool->running++;
        pthread_mutex_unlock(&pool->mutex);
        pool->task(pool->context, index);
        pthread_mutex_lock(&pool->mutex);
        pool->running--;
    }
}

static void *pool_thread(void *argument)
{
    Pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->stops) {
        pool_take(pool);
        pthread_cond_broadcast(&pool->done);
        pthread_cond_wait(&pool->work, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void pool_run(void *argument, void (*task)(void *context, uint32_t index), void *context,
                     uint32_t count)
{
    Pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    pool->task = task;
    pool->context = context;
    pool->next = 0;
    pool->count = count;
    pthread_cond_broadcast(&pool->work);
    pool_take(pool);
    while (pool->running > 0) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}

/* ---- rows and plan
 * ------------------------------------------------------------------------------ */

static const MrColumn columns[COLUMNS] = { { "at", { MR_TYPE_TIMESTAMP, -1 }, true, NULL },
                                           { "key", { MR_TYPE_INT64, -1 }, true, NULL },
                                           { "price", { MR_TYPE_INT64, -1 }, true, NULL },
                                           { "unused", { MR_TYPE_INT64, -1 }, true, NULL } };

static void fail(const MrError *err)
{
    fprintf(stderr, "engine_group: %s\n", err->message);
    exit(1);
}

static MrBlock *make_block(MrArena *arena, MrRandom *random, uint64_t keys)
{
    const MrSchema schema = { COLUMNS, columns };
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    if (mr_block_create(arena, &schema, BLOCK_ROWS, &block, &err) != MR_OK) {
        fail(&err);
    }
    for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        ((int64_t *)block->columns[1].data)[r] = (int64_t)mr_random_below(random, keys);
        ((int64_t *)block->columns[2].data)[r] = (int64_t)mr_random_below(random, 1000000);
        ((int64_t *)block->columns[3].data)[r] = 0;
    }
    block->place =
        (MrPlace){ .stream_id = 1, .watermark_us = MR_TIME_MIN, .watermark_after_us = MR_TIME_MIN };
    return block;
}

/* A million rows are ten seconds. */
static void set_times(MrBlock *block, uint64_t first)
{
    int64_t *at = block->columns[0].data;
    for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        at[r] = (int64_t)(first + r) * 10;
    }
    block->place.first_sequence = first + 1;
    block->place.event_min_us = at[0];
    block->place.watermark_us = at[0] - 10;
    block->place.watermark_after_us = at[BLOCK_ROWS - 1] - SECOND;
    block->place.watermarks = NULL;
}

static const MrAggregate *find(const char *name, uint8_t args)
{
    const MrAggregate *const *all;
    uint32_t count = mr_aggregate_lookup(mr_string(name), &all);
    for (uint32_t i = 0; i < count; i++) {
        if (all[i]->arg_count == args && (args == 0 || all[i]->args[0] == MR_TYPE_INT64)) {
            return all[i];
        }
    }
    abort();
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void measure(const MrDag *dag, const MrParallel *parallel, MrBlock *const *blocks,
                    uint64_t rows, const char *what)
{
    MrPipeline *pipeline;
    MrError err = MR_ERROR_INIT;
    const MrPipelineOptions options = { .dag = dag, .is_standing = true, .parallel = parallel };
    if (mr_pipeline_create(&options, &pipeline, &err) != MR_OK) {
        fail(&err);
    }
    double inside = 0, worked = 0;
    uint64_t groups = 0;
    for (uint64_t at = 0; at < rows;) {
        MrPipelineInput inputs[BLOCKS];
        MrChangeSet changes;
        uint32_t count = 0;
        while (count < BLOCKS && at < rows) {
            set_times(blocks[count], at);
            inputs[count] =
                (MrPipelineInput){ blocks[count], blocks[count]->place.watermark_after_us, 0 };
            at += BLOCK_ROWS;
            count++;
        }
        double start = seconds_of(CLOCK_MONOTONIC), work = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        if (mr_pipeline_run(pipeline, inputs, count, &err) != MR_OK ||
            mr_pipeline_flush(pipeline, &changes, &err) != MR_OK) {
            fail(&err);
        }
        inside += seconds_of(CLOCK_MONOTONIC) - start;
        worked += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - work;
        for (uint32_t b = 0; b < changes.upsert_blocks; b++) {
            groups += changes.upserts[b]->row_count;
        }
    }
    printf(
        "%-8s %6.2f ns/row %7.1f M rows/s, %6.2f ns of processor time a row (%llu rows written)\n",
        what, inside * 1e9 / (double)rows, (double)rows / inside / 1e6, worked * 1e9 / (double)rows,
        (unsigned long long)groups);
    mr_pipeline_destroy(pipeline);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    uint64_t keys = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000;
    uint32_t lanes_max = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 2;
    MrArena arena;
    MrRandom random;
    MrBlock *blocks[BLOCKS];
    mr_arena_init(&arena, 0);
    mr_random_init(&random, 1);
    rows = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS * BLOCK_ROWS;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        blocks[b] = make_block(&arena, &random, keys);
    }

    static const uint32_t scanned[] = { 0, 1, 2 }, group_keys[] = { 1 },
                          deliver_keys[] = { 0, 1, 2 };
    static MrExpr at = { .kind = MR_EXPR_COLUMN, .type = { MR_TYPE_TIMESTAMP, -1 }, .column = 0 };
    static MrExpr key = { .kind = MR_EXPR_COLUMN, .type = { MR_TYPE_INT64, -1 }, .column = 1 };
    static MrExpr price = { .kind = MR_EXPR_COLUMN, .type = { MR_TYPE_INT64, -1 }, .column = 2 };
    const MrExpr *const projected[] = { &at, &key, &price };
    const MrScanSpec scan = { .relation = "bench", .column_count = 3, .columns = scanned };
    const MrProjectSpec project = { projected, 3 };
    const MrAggregateCall calls[] = {
        { .aggregate = find("count", 0), .filter = -1 },
        { .aggregate = find("sum", 1), .args = { 2 }, .filter = -1 }
    };
    const MrAggregateSpec group = { .window_kind = MR_GROUP_WINDOW_TUMBLE,
                                    .window = { 10 * SECOND, 10 * SECOND, 0, 0 },
                                    .time_is_event = true,
                                    .keys = group_keys,
                                    .key_count = 1,
                                    .calls = calls,
                                    .call_count = 2 };
    const MrDeliverSpec deliver = { deliver_keys, 3 };
    static const MrColumn out[] = { { "window_start", { MR_TYPE_TIMESTAMP, -1 }, true, NULL },
                                    { "window_end", { MR_TYPE_TIMESTAMP, -1 }, true, NULL },
                                    { "key", { MR_TYPE_INT64, -1 }, true, NULL },
                                    { "count", { MR_TYPE_INT64, -1 }, true, NULL },
                                    { "sum", { MR_TYPE_NUMERIC, -1 }, false, NULL } };
    MrDagNode nodes[] = { { MR_OPERATOR_SCAN, &scan, -1, -1, { 3, columns }, false },
                          { MR_OPERATOR_PROJECT, &project, 0, -1, { 3, columns }, false },
                          { MR_OPERATOR_AGGREGATE, &group, 1, -1, { 5, out }, false },
                          { MR_OPERATOR_DELIVER, &deliver, 2, -1, { 5, out }, false } };
    const MrDag dag = { .nodes = nodes, .node_count = 4 };
    measure(&dag, NULL, blocks, rows, "1 lane");
    for (uint32_t lanes = 2; lanes <= lanes_max && lanes <= POOL_MAX; lanes++) {
        Pool pool = { .thread_count = lanes - 1 };
        char what[32];
        pthread_mutex_init(&pool.mutex, NULL);
        pthread_cond_init(&pool.work, NULL);
        pthread_cond_init(&pool.done, NULL);
        for (uint32_t t = 0; t < pool.thread_count; t++) {
            if (pthread_create(&pool.threads[t], NULL, pool_thread, &pool) != 0) {
                return 1;
            }
        }
        const MrParallel parallel = { .pool = &pool, .lanes = lanes, .run = pool_run };
        snprintf(what, sizeof what, "%u lanes", lanes);
        measure(&dag, &parallel, blocks, rows, what);
        pthread_mutex_lock(&pool.mutex);
        pool.stops = true;
        pthread_cond_broadcast(&pool.work);
        pthread_mutex_unlock(&pool.mutex);
        for (uint32_t t = 0; t < pool.thread_count; t++) {
            pthread_join(pool.threads[t], NULL);
        }
    }
    mr_arena_fini(&arena);
    return 0;
}
