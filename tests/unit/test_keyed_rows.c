/*
 * tests/unit/test_keyed_rows.c - rows that are kept by key: against a plain list, over growth and
 * removal; what a probe looks at, and what finding a row to take back looks at.
 */
#include "engine/keyed_rows.h"
#include "tests/unit/engine_values.h"

#include "common/random.h"

MrArena test_arena;

enum { KEYS = 3, TIMES = 400, REACH = 7, STEPS = 6000 };

static const MrColumn columns[3] = { { .name = "k", .type = { MR_TYPE_INT64, -1 } },
                                     { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
                                     { .name = "t", .type = { MR_TYPE_TEXT, -1 } } };
static const MrSchema schema = { 3, columns };
static const uint32_t key_columns[1] = { 0 };

typedef struct Fixture {
    MrArena arena;
    MrMemory memory;
    MrKeyLayout layout;
    MrKeyedRows store;
} Fixture;

static void open_store(Fixture *f, bool is_spread, bool has_index)
{
    const MrTypeId type = MR_TYPE_INT64;
    MrError err = MR_ERROR_INIT;
    *f = (Fixture){ .memory = { 0 } };
    mr_arena_init(&f->arena, 0);
    ck_assert_int_eq(mr_key_layout_init(&f->layout, &type, 1, &err), MR_OK);
    ck_assert_int_eq(mr_keyed_rows_init(&f->store, &schema, &f->layout, key_columns, &f->memory,
                                        &f->arena, &err),
                     MR_OK);
    if (is_spread) {
        mr_keyed_rows_spread(&f->store, 1, REACH * 2 + 1);
    }
    if (has_index) {
        mr_keyed_rows_index(&f->store);
    }
}

static void close_store(Fixture *f)
{
    mr_keyed_rows_fini(&f->store);
    ck_assert_int_eq(f->memory.used_bytes, 0);
    mr_arena_fini(&f->arena);
}

/* A block of the one row, and the hash of its key. */
static MrBlock *row_block(int64_t key, int64_t at_us, uint64_t *hash, uint64_t *content)
{
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    uint64_t *contents;
    const MrDatum text = test_value(at_us % 2 == 0 ? "text:short" : "text:one that is kept apart");
    ck_assert_int_eq(mr_block_create(&test_arena, &schema, 1, &block, &err), MR_OK);
    *(int64_t *)block->columns[0].data = key;
    *(int64_t *)block->columns[1].data = at_us;
    mr_datum_store(&text, block->columns[2].data);
    const MrVector *vector = &block->columns[0];
    const MrTypeId type = MR_TYPE_INT64;
    MrKeyLayout layout;
    MrKeyBatch keys;
    ck_assert_int_eq(mr_key_layout_init(&layout, &type, 1, &err), MR_OK);
    ck_assert_int_eq(mr_key_batch_encode(&layout, &test_arena, &vector, 1, &keys, &err), MR_OK);
    ck_assert_int_eq(mr_keyed_row_content(block, &test_arena, &contents, &err), MR_OK);
    *hash = keys.hashes[0];
    *content = contents[0];
    return block;
}

static uint32_t add(Fixture *f, int64_t key, int64_t at_us)
{
    uint64_t hash, content;
    uint32_t row;
    MrError err = MR_ERROR_INIT;
    const MrBlock *block = row_block(key, at_us, &hash, &content);
    ck_assert_int_eq(mr_keyed_rows_add(&f->store, block, 0, hash, content, 1, &row, &err), MR_OK);
    return row;
}

static uint32_t find(Fixture *f, int64_t key, int64_t at_us)
{
    uint64_t hash, content;
    const MrBlock *block = row_block(key, at_us, &hash, &content);
    return mr_keyed_rows_find(&f->store, block, 0, content);
}

/* How many rows of the key stand within bounds, and how many the probe looked at. */
static uint32_t count_within(Fixture *f, int64_t key, int64_t from_us, int64_t to_us,
                             uint64_t *visited)
{
    MrKeyedProbe probe;
    uint64_t hash, content;
    uint32_t row, count = 0;
    (void)row_block(key, 0, &hash, &content);
    mr_keyed_probe_start(&probe, &f->store, (const char *)&key, hash, from_us, to_us);
    while ((row = mr_keyed_probe_next(&probe)) != MR_NO_KEYED_ROW) {
        const int64_t at_us = *(const int64_t *)mr_keyed_rows_cell(&f->store, row, 1);
        ck_assert_int_eq(*(const int64_t *)mr_keyed_rows_cell(&f->store, row, 0), key);
        ck_assert(at_us >= from_us && at_us <= to_us);
        count++;
    }
    *visited += probe.visited;
    return count;
}

/* Times from -TIMES / 2, so that slots below 0 are met too. */
START_TEST(test_against_a_list)
{
    static bool there[KEYS][TIMES];
    Fixture f;
    MrRandom random;
    MrError err = MR_ERROR_INIT;
    mr_random_init(&random, 11);
    memset(there, 0, sizeof there);
    open_store(&f, true, true);
    for (uint32_t step = 0; step < STEPS; step++) {
        mr_arena_reset(&test_arena);
        const uint32_t key = (uint32_t)mr_random_below(&random, KEYS);
        const uint32_t time = (uint32_t)mr_random_below(&random, TIMES);
        const int64_t at_us = (int64_t)time - TIMES / 2;
        const uint32_t row = find(&f, key, at_us);
        ck_assert_int_eq(row != MR_NO_KEYED_ROW, there[key][time]);
        if (row == MR_NO_KEYED_ROW) {
            ck_assert_uint_ne(add(&f, key, at_us), MR_NO_KEYED_ROW);
        } else {
            mr_keyed_rows_remove(&f.store, row);
        }
        there[key][time] = !there[key][time];
        uint64_t visited = 0;
        uint32_t wanted = 0;
        for (int64_t t = (int64_t)time - REACH; t <= (int64_t)time + REACH; t++) {
            wanted += t >= 0 && t < TIMES && there[key][t];
        }
        ck_assert_uint_eq(count_within(&f, key, at_us - REACH, at_us + REACH, &visited), wanted);
        ck_assert_int_eq(mr_keyed_rows_tidy(&f.store, &err), MR_OK);
    }
    close_store(&f);
}
END_TEST

/* One side is far ahead of the other: every probe meets the rows within its bounds, and not all
 * that the key has had since. */
START_TEST(test_probe_looks_within_bounds)
{
    enum { AHEAD = 20000 };
    Fixture f;
    uint64_t visited = 0;
    open_store(&f, true, false);
    for (int64_t at_us = 0; at_us < AHEAD; at_us++) {
        mr_arena_reset(&test_arena);
        (void)add(&f, 1, at_us);
    }
    for (int64_t at_us = 0; at_us < AHEAD; at_us++) {
        mr_arena_reset(&test_arena);
        ck_assert_uint_ge(count_within(&f, 1, at_us - REACH, at_us + REACH, &visited), REACH + 1);
    }
    /* Two slots, and rows of others in their buckets. */
    ck_assert_uint_le(visited / AHEAD, (REACH * 2 + 1) * 6);
    close_store(&f);
}
END_TEST

/* An empty range, the ends of time, and an empty store. */
START_TEST(test_odd_bounds)
{
    Fixture f;
    uint64_t visited = 0;
    open_store(&f, true, false);
    ck_assert_uint_eq(count_within(&f, 1, MR_TIME_MIN, MR_TIME_MIN + 3, &visited), 0);
    (void)add(&f, 1, MR_TIME_MIN);
    (void)add(&f, 1, MR_TIME_MAX);
    ck_assert_uint_eq(count_within(&f, 1, MR_TIME_MIN, MR_TIME_MIN + REACH, &visited), 1);
    ck_assert_uint_eq(count_within(&f, 1, MR_TIME_MAX - REACH, MR_TIME_MAX, &visited), 1);
    ck_assert_uint_eq(count_within(&f, 1, 5, 4, &visited), 0);
    close_store(&f);
}
END_TEST

/* A key has many rows, and one of them is taken back: its key's chain is not walked. */
START_TEST(test_find_is_by_content)
{
    enum { SAME = 20000 };
    Fixture f;
    open_store(&f, false, true);
    for (int64_t at_us = 0; at_us < SAME; at_us++) {
        mr_arena_reset(&test_arena);
        (void)add(&f, 1, at_us);
    }
    uint64_t behind = 0; /* how far rows stand from their homes */
    for (uint32_t i = 0; i <= f.store.index_mask; i++) {
        if (f.store.index[i] != MR_NO_KEYED_ROW) {
            const uint64_t content = mr_keyed_row(&f.store, f.store.index[i])->content;
            behind += (i - content) & f.store.index_mask;
        }
    }
    ck_assert_uint_le(behind, SAME * 2);
    for (int64_t at_us = 0; at_us < SAME; at_us++) {
        mr_arena_reset(&test_arena);
        const uint32_t row = find(&f, 1, at_us);
        ck_assert_uint_ne(row, MR_NO_KEYED_ROW);
        mr_keyed_rows_remove(&f.store, row);
        ck_assert_uint_eq(find(&f, 1, at_us), MR_NO_KEYED_ROW);
    }
    close_store(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keyed_rows");
    TCase *tests = tcase_create("keyed_rows");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_against_a_list);
    tcase_add_test(tests, test_probe_looks_within_bounds);
    tcase_add_test(tests, test_odd_bounds);
    tcase_add_test(tests, test_find_is_by_content);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
