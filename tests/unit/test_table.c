/*
 * tests/unit/test_table.c - the contents of a table against a naive model: random inserts, updates
 * and deletes in transactions that commit, roll back in part or whole; old scans see what was; the
 * changes, replayed, give the same table.
 */
#include "storage/table.h"

#include "common/random.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 600, SCANS = 4 };

static const MrColumn columns[] = { { "id", { MR_TYPE_INT64, -1 }, true, NULL },
                                    { "name", { MR_TYPE_TEXT, -1 }, false, NULL },
                                    { "number", { MR_TYPE_INT64, -1 }, true, NULL } };
static const MrSchema schema = { 3, columns };
static const uint32_t keys[] = { 0 };

/* What a key has: 0 nothing, else a value; odd multiples of 7 are NULL names. */
typedef struct Model {
    uint32_t values[KEYS];
} Model;

static MrTable *make_table(MrTableMemory *memory, int32_t number_column)
{
    MrTable *table;
    MrTableOptions options = { .name = "t",
                               .schema = &schema,
                               .keys = keys,
                               .key_count = 1,
                               .number_column = number_column,
                               .memory = memory };
    ck_assert_int_eq(mr_table_create(&options, &table, NULL), MR_OK);
    return table;
}

static const char *name_of(uint32_t value, char out[64])
{
    snprintf(out, 64, value % 3 == 0 ? "v%u" : "a value that is long, of number %u", value);
    return out;
}

static MrBlock *make_row(MrArena *arena, uint32_t key, uint32_t value)
{
    MrBlock *block;
    char text[64];
    ck_assert_int_eq(mr_block_create(arena, &schema, 1, &block, NULL), MR_OK);
    ((int64_t *)block->columns[0].data)[0] = key;
    ((int64_t *)block->columns[2].data)[0] = 0;
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[1], arena, NULL), MR_OK);
    if (value % 7 == 0) {
        mr_bitmap_clear(block->columns[1].validity, 0);
    } else {
        char *copy = mr_arena_strdup(arena, name_of(value, text));
        ((MrText *)block->columns[1].data)[0] = mr_text_make(copy, (uint32_t)strlen(copy));
    }
    return block;
}

static void check_scan(MrTableScan *scan, const Model *model, const char *what)
{
    MrArena arena;
    const MrBlock *block;
    bool seen[KEYS] = { false };
    uint32_t expected = 0, rows = 0;
    mr_arena_init(&arena, 0);
    do {
        ck_assert_int_eq(mr_table_scan_next(scan, &arena, &block, NULL), MR_OK);
        for (uint32_t row = 0; block != NULL && row < block->row_count; row++, rows++) {
            uint32_t key = (uint32_t)((int64_t *)block->columns[0].data)[row];
            char text[64];
            ck_assert_msg(!seen[key] && model->values[key] != 0, "%s: key %u", what, key);
            seen[key] = true;
            bool is_null = mr_vector_is_null(&block->columns[1], row);
            ck_assert(is_null == (model->values[key] % 7 == 0));
            if (!is_null) {
                const char *name = name_of(model->values[key], text);
                MrText wanted = mr_text_make(name, (uint32_t)strlen(name));
                ck_assert_msg(mr_text_equal(&wanted, &((MrText *)block->columns[1].data)[row]),
                              "%s: key %u", what, key);
            }
        }
    } while (block != NULL);
    for (uint32_t key = 0; key < KEYS; key++) {
        expected += model->values[key] != 0;
    }
    ck_assert_msg(rows == expected, "%s: %u rows, not %u", what, rows, expected);
    mr_table_scan_close(scan);
    mr_arena_fini(&arena);
}

enum { INDEX_ID = 17 };

/* By the index over the names: of each value in turn, the keys that have it. */
static void check_index(MrTable *table, uint64_t upto, const Model *model)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    for (uint32_t key = 0; key < KEYS; key += 7) {
        const uint32_t value = model->values[key] != 0 ? model->values[key] : 5;
        char text[64];
        const char *name = name_of(value, text);
        const MrDatum wanted = { .type = mr_type(MR_TYPE_TEXT),
                                 .text = mr_text_make(name, (uint32_t)strlen(name)) };
        MrTableScan *scan;
        const MrBlock *block;
        uint32_t expected = 0, found = 0;
        for (uint32_t k = 0; k < KEYS; k++) {
            expected += model->values[k] == value && value % 7 != 0;
        }
        ck_assert_int_eq(mr_table_scan_open_index(table, upto, INDEX_ID, &wanted, 1, &scan, NULL),
                         MR_OK);
        do {
            ck_assert_int_eq(mr_table_scan_next(scan, &arena, &block, NULL), MR_OK);
            for (uint32_t row = 0; block != NULL && row < block->row_count; row++, found++) {
                const uint32_t at = (uint32_t)((int64_t *)block->columns[0].data)[row];
                ck_assert_uint_eq(model->values[at], value);
            }
        } while (block != NULL);
        ck_assert_msg(found == expected, "value %u: %u rows, not %u", value, found, expected);
        mr_table_scan_close(scan);
        mr_arena_reset(&arena);
    }
    mr_arena_fini(&arena);
}

static void make_index(MrTable *table)
{
    const MrTableIndexOptions options = { .id = INDEX_ID,
                                          .columns = (const uint32_t[]){ 1 },
                                          .column_count = 1 };
    uint32_t twice;
    ck_assert_int_eq(mr_table_index_create(table, &options, &twice, NULL), MR_OK);
    ck_assert_uint_eq(twice, MR_TABLE_NO_ROW);
}

static void change(MrTable *table, Model *model, MrRandom *random, MrArena *arena)
{
    uint32_t key = (uint32_t)mr_random_below(random, KEYS), place;
    uint32_t value = 1 + (uint32_t)mr_random_below(random, 1000); /* some have the same */
    MrBlock *row = make_row(arena, key, value);
    uint32_t old = mr_table_find(table, row, 0);
    ck_assert((old == MR_TABLE_NO_ROW) == (model->values[key] == 0));
    if (old != MR_TABLE_NO_ROW) {
        ck_assert_int_eq(mr_table_delete(table, old, NULL), MR_OK);
        model->values[key] = 0;
    }
    if (old == MR_TABLE_NO_ROW || mr_random_below(random, 3) > 0) {
        ck_assert_int_eq(mr_table_insert(table, row, 0, old, &place, NULL), MR_OK);
        ck_assert(mr_table_is_alive(table, place));
        model->values[key] = value;
    }
}

/* The changes go to the copy as the log would give them. */
static void commit(MrTable *table, MrTable *copy, uint64_t sequence)
{
    MrArena arena;
    MrBlock *block;
    uint32_t mark = 0;
    mr_arena_init(&arena, 0);
    do {
        ck_assert_int_eq(mr_table_changes(table, &mark, &arena, &block, NULL), MR_OK);
        if (block != NULL) {
            ck_assert_int_eq(mr_table_replay(copy, block, sequence, NULL), MR_OK);
        }
    } while (block != NULL);
    mr_table_commit(table, sequence);
    mr_table_vacuum(table);
    mr_arena_fini(&arena);
}

START_TEST(test_random_changes_agree_with_a_model)
{
    MrTableMemory memory = { 0 };
    MrTable *table = make_table(&memory, 2), *copy = make_table(&memory, 2);
    MrRandom random;
    MrArena arena;
    Model model = { { 0 } }, old_models[SCANS];
    MrTableScan *scans[SCANS] = { NULL }, *scan;
    mr_random_init(&random, (uint64_t)_i + 1);
    mr_arena_init(&arena, 0);
    for (uint64_t sequence = 1; sequence < 400; sequence++) {
        Model before = model, middle;
        uint32_t changes = (uint32_t)mr_random_below(&random, 60);
        uint32_t slot = (uint32_t)mr_random_below(&random, SCANS), mark;
        mr_table_begin_command(table, 2 * sequence);
        for (uint32_t c = 0; c < changes; c++) {
            change(table, &model, &random, &arena);
        }
        middle = model;
        mark = mr_table_change_mark(table);
        mr_table_begin_command(table, 2 * sequence + 1);
        for (uint32_t c = 0; c < changes / 4; c++) {
            change(table, &model, &random, &arena);
        }
        ck_assert_int_eq(mr_table_scan_open(table, MR_TABLE_UNCOMMITTED, &scan, NULL), MR_OK);
        check_scan(scan, &model, "the writer's view");
        ck_assert_int_eq(mr_table_scan_open(table, MR_TABLE_BEFORE(2 * sequence + 1), &scan, NULL),
                         MR_OK);
        check_scan(scan, &middle, "the statement's view");
        if (sequence > 50) {
            check_index(table, MR_TABLE_UNCOMMITTED, &model);
            check_index(table, MR_TABLE_BEFORE(2 * sequence + 2), &model);
        }
        ck_assert_int_eq(mr_table_scan_open(table, sequence - 1, &scan, NULL), MR_OK);
        check_scan(scan, &before, "the view of others");
        if (sequence > 50) {
            check_index(table, sequence - 1, &before);
        }
        if (mr_random_below(&random, 3) == 0) {
            mr_table_rollback(table, mark);
            model = middle;
        }
        if (mr_random_below(&random, 5) == 0) {
            mr_table_rollback(table, 0);
            model = before;
        }
        if (scans[slot] != NULL) {
            check_scan(scans[slot], &old_models[slot], "an old scan");
            scans[slot] = NULL;
        }
        ck_assert_int_eq(mr_table_scan_open(table, sequence - 1, &scans[slot], NULL), MR_OK);
        old_models[slot] = before;
        commit(table, copy, sequence);
        ck_assert_int_eq(mr_table_scan_open(table, sequence, &scan, NULL), MR_OK);
        check_scan(scan, &model, "after the commit");
        if (sequence == 50) {
            make_index(table);
        } else if (sequence > 50) {
            check_index(table, sequence, &model);
        }
        mr_arena_reset(&arena);
    }
    ck_assert_int_eq(mr_table_scan_open(copy, 400, &scan, NULL), MR_OK);
    check_scan(scan, &model, "replayed");
    mr_table_index_drop(copy, INDEX_ID); /* there is none */
    make_index(copy);
    check_index(copy, 400, &model);
    MrTableFacts facts, copied;
    mr_table_facts(table, &facts);
    mr_table_facts(copy, &copied);
    ck_assert_uint_eq(facts.rows, copied.rows);
    ck_assert_uint_lt(facts.dead_rows, 8192); /* of some ten thousand */
    mr_table_destroy(table);
    for (uint32_t s = 0; s < SCANS; s++) {
        if (scans[s] != NULL) {
            check_scan(scans[s], &old_models[s], "a scan that outlives its table");
        }
    }
    mr_table_destroy(copy);
    ck_assert_int_eq(memory.used_bytes, 0);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_a_row_keeps_its_number)
{
    MrTableMemory memory = { 0 };
    MrTable *table = make_table(&memory, 2);
    MrArena arena;
    MrBlock *block;
    uint32_t first, second, third;
    mr_arena_init(&arena, 0);
    mr_table_insert(table, make_row(&arena, 5, 1), 0, MR_TABLE_NO_ROW, &first, NULL);
    mr_table_insert(table, make_row(&arena, 6, 1), 0, MR_TABLE_NO_ROW, &second, NULL);
    ck_assert_int_eq(mr_table_delete(table, first, NULL), MR_OK);
    mr_table_insert(table, make_row(&arena, 7, 2), 0, first, &third, NULL);
    ck_assert_int_eq(mr_table_rows(table, (uint32_t[]){ second, third }, 2, &arena, &block, NULL),
                     MR_OK);
    ck_assert_int_eq(((int64_t *)block->columns[2].data)[0], 2);
    ck_assert_int_eq(((int64_t *)block->columns[2].data)[1], 1);
    mr_table_destroy(table);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_memory_is_bounded)
{
    MrTableMemory memory = { .bytes_max = 300000 };
    MrTable *table = make_table(&memory, -1);
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    MrStatus status = MR_OK;
    uint32_t place, key = 0;
    mr_arena_init(&arena, 0);
    while (status == MR_OK && key < 100000) {
        status =
            mr_table_insert(table, make_row(&arena, key++, 1), 0, MR_TABLE_NO_ROW, &place, &err);
    }
    ck_assert_int_eq(status, MR_ERR_OUT_OF_MEMORY);
    ck_assert_int_le(memory.used_bytes, 300000);
    mr_table_rollback(table, 0);
    ck_assert_uint_eq(mr_table_find(table, make_row(&arena, 0, 1), 0), MR_TABLE_NO_ROW);
    mr_table_destroy(table);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_a_unique_index_meets_rows)
{
    MrTableMemory memory = { 0 };
    MrTable *table = make_table(&memory, -1);
    MrTableIndexOptions options = {
        .id = INDEX_ID, .columns = (const uint32_t[]){ 1 }, .column_count = 1, .is_unique = true
    };
    MrArena arena;
    uint32_t place, twice, id = 0;
    mr_arena_init(&arena, 0);
    mr_table_insert(table, make_row(&arena, 1, 5), 0, MR_TABLE_NO_ROW, &place, NULL);
    mr_table_insert(table, make_row(&arena, 2, 7), 0, MR_TABLE_NO_ROW, &place, NULL);  /* NULL */
    mr_table_insert(table, make_row(&arena, 3, 14), 0, MR_TABLE_NO_ROW, &place, NULL); /* NULL */
    mr_table_commit(table, 1);
    ck_assert_int_eq(mr_table_index_create(table, &options, &twice, NULL), MR_OK);
    ck_assert_uint_eq(twice, MR_TABLE_NO_ROW);
    ck_assert_uint_ne(mr_table_find_twin(table, make_row(&arena, 9, 5), 0, &id), MR_TABLE_NO_ROW);
    ck_assert_uint_eq(id, INDEX_ID);
    ck_assert_uint_eq(mr_table_find_twin(table, make_row(&arena, 9, 6), 0, &id), MR_TABLE_NO_ROW);
    ck_assert_uint_eq(mr_table_find_twin(table, make_row(&arena, 9, 21), 0, &id), MR_TABLE_NO_ROW);
    mr_table_index_drop(table, INDEX_ID);
    ck_assert_uint_eq(mr_table_find_twin(table, make_row(&arena, 9, 5), 0, &id), MR_TABLE_NO_ROW);
    options.nulls_are_equal = true; /* rows 2 and 3 */
    ck_assert_int_eq(mr_table_index_create(table, &options, &twice, NULL), MR_OK);
    ck_assert_uint_ne(twice, MR_TABLE_NO_ROW);
    mr_table_destroy(table);
    ck_assert_int_eq(memory.used_bytes, 0);
    mr_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_random_changes_agree_with_a_model, 0, 5);
    tcase_add_test(tcase, test_a_row_keeps_its_number);
    tcase_add_test(tcase, test_memory_is_bounded);
    tcase_add_test(tcase, test_a_unique_index_meets_rows);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
