/*
 * tests/unit/test_table_checkpoint.c - a table's rows come back from its file as they were; a file
 * that is damaged anywhere, or cut off, leaves the table empty; a newer one is refused.
 */
#include "storage/table_checkpoint.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crc32c.h"
#include "common/file.h"

enum { ID = 7, ROWS = 5000, SEQUENCE = 90210 };

static const MrDatum later = { .type = { MR_TYPE_INT32, -1 }, .integer = 41 };
static const MrColumn columns[] = { { "id", { MR_TYPE_INT64, -1 }, true, NULL },
                                    { "name", { MR_TYPE_TEXT, -1 }, false, NULL },
                                    { "number", { MR_TYPE_INT64, -1 }, true, NULL },
                                    { "later", { MR_TYPE_INT32, -1 }, false, &later } };
static const MrSchema schema = { 3, columns }, wider = { 4, columns };
static const uint32_t keys[] = { 0 };
static MrTableMemory memory;
static char directory[64];
static MrError err;

#define MUST(call) ck_assert_msg((call) == MR_OK, "%s: %s", #call, err.message)

static void setup(void)
{
    strcpy(directory, "/tmp/mr-test-tckp-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static MrTable *make_table(const MrSchema *of)
{
    MrTable *table;
    MrTableOptions options = { .name = "t",
                               .schema = of,
                               .keys = keys,
                               .key_count = 1,
                               .number_column = 2,
                               .memory = &memory };
    MUST(mr_table_create(&options, &table, &err));
    return table;
}

/* Short and long text, and none. */
static MrBlock *make_row(MrArena *arena, uint32_t key)
{
    MrBlock *block;
    char text[64];
    MUST(mr_block_create(arena, &schema, 1, &block, &err));
    ((int64_t *)block->columns[0].data)[0] = key;
    ((int64_t *)block->columns[2].data)[0] = 0;
    MUST(mr_vector_make_nullable(&block->columns[1], arena, &err));
    if (key % 7 == 0) {
        mr_bitmap_clear(block->columns[1].validity, 0);
    } else {
        snprintf(text, sizeof text, key % 3 == 0 ? "v%u" : "a value that is long, of key %u", key);
        ((MrText *)block->columns[1].data)[0] =
            mr_text_make(mr_arena_strdup(arena, text), (uint32_t)strlen(text));
    }
    return block;
}

static void insert_rows(MrTable *table, uint32_t from, uint32_t upto)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    for (uint32_t key = from; key < upto; key++) {
        uint32_t place;
        mr_arena_reset(&arena);
        MUST(mr_table_insert(table, make_row(&arena, key), 0, MR_TABLE_NO_ROW, &place, &err));
    }
    mr_arena_fini(&arena);
}

static void delete_row(MrTable *table, uint32_t key)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    uint32_t place = mr_table_find(table, make_row(&arena, key), 0);
    ck_assert_uint_ne(place, MR_TABLE_NO_ROW);
    MUST(mr_table_delete(table, place, &err));
    mr_arena_fini(&arena);
}

/* Keys of ROWS without each third; rows of another transaction beside. */
static MrTable *make_full(void)
{
    MrTable *table = make_table(&schema);
    insert_rows(table, 0, ROWS);
    mr_table_commit(table, 10);
    for (uint32_t key = 0; key < ROWS; key += 3) {
        delete_row(table, key);
    }
    mr_table_commit(table, SEQUENCE);
    insert_rows(table, ROWS, ROWS + 10); /* not committed */
    delete_row(table, 1);
    return table;
}

static void write_file(MrTable *table, atomic_bool *is_cancelled, MrStatus expected)
{
    MrTableCheckpoint *checkpoint;
    MUST(mr_table_checkpoint_open(table, ID, SEQUENCE, &checkpoint, &err));
    mr_table_rollback(table, 0); /* what comes afterwards is not seen */
    insert_rows(table, ROWS + 50, ROWS + 60);
    mr_table_commit(table, SEQUENCE + 1);
    mr_table_destroy(table);
    ck_assert_int_eq(mr_table_checkpoint_write(checkpoint, directory, is_cancelled, &err),
                     expected);
    mr_table_checkpoint_close(checkpoint);
}

static void write_whole(void)
{
    atomic_bool is_cancelled = false;
    write_file(make_full(), &is_cancelled, MR_OK);
}

static void path_format(char out[128])
{
    snprintf(out, 128, "%s/table-%010d-%020d.ckpt", directory, ID, SEQUENCE);
}

static bool load(MrTable *table)
{
    const MrSchema *of = mr_table_column_count(table) == 3 ? &schema : &wider;
    bool found;
    MUST(mr_table_checkpoint_load(directory, ID, SEQUENCE, of, table, &found, &err));
    return found;
}

static void check_rows(MrTable *table)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    ck_assert_uint_eq(mr_table_row_count(table), ROWS - (ROWS + 2) / 3);
    for (uint32_t key = 0; key < ROWS + 70; key++) {
        mr_arena_reset(&arena);
        MrBlock *wanted = make_row(&arena, key), *row;
        uint32_t place = mr_table_find(table, wanted, 0);
        ck_assert_msg((place == MR_TABLE_NO_ROW) == (key >= ROWS || key % 3 == 0), "key %u", key);
        if (place == MR_TABLE_NO_ROW) {
            continue;
        }
        MUST(mr_table_rows(table, &place, 1, &arena, &row, &err));
        ck_assert_int_eq(((int64_t *)row->columns[2].data)[0], key + 1);
        ck_assert(mr_vector_is_null(&row->columns[1], 0) == (key % 7 == 0));
        ck_assert(key % 7 == 0 || mr_text_equal(&((MrText *)row->columns[1].data)[0],
                                                &((MrText *)wanted->columns[1].data)[0]));
    }
    mr_arena_fini(&arena);
}

START_TEST(test_rows_come_back_as_they_were)
{
    write_whole();
    MrTable *table = make_table(&schema);
    ck_assert(load(table));
    check_rows(table);
    insert_rows(table, ROWS + 100, ROWS + 101); /* its number is a new one: others had them */
    MrArena arena;
    MrBlock *row;
    mr_arena_init(&arena, 0);
    uint32_t place = mr_table_find(table, make_row(&arena, ROWS + 100), 0);
    MUST(mr_table_rows(table, &place, 1, &arena, &row, &err));
    ck_assert_int_eq(((int64_t *)row->columns[2].data)[0], ROWS + 11);
    mr_arena_fini(&arena);
    mr_table_destroy(table);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_columns_that_came_since_are_missing)
{
    write_whole();
    MrTable *table = make_table(&wider);
    ck_assert(load(table));
    MrTableScan *scan;
    const MrBlock *block;
    MrArena arena;
    mr_arena_init(&arena, 0);
    MUST(mr_table_scan_open(table, SEQUENCE, &scan, &err));
    MUST(mr_table_scan_next(scan, &arena, &block, &err));
    ck_assert_int_eq(*(const int32_t *)mr_vector_cell(&block->columns[3], 5), 41);
    mr_table_scan_close(scan);
    mr_arena_fini(&arena);
    mr_table_destroy(table);
}
END_TEST

/* One bit in the header, in a block, in a block's head, at the end; or the file ends early. */
START_TEST(test_damage_leaves_the_table_empty)
{
    static const double places[] = { 0.0001, 0.0007, 0.3, 0.5, 0.77, 1.0 };
    char path[128];
    uint64_t size;
    MrFile *file;
    uint8_t byte;
    write_whole();
    path_format(path);
    MUST(mr_file_open(path, MR_FILE_WRITE, &file, &err));
    MUST(mr_file_size(file, &size, &err));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint64_t at = (uint64_t)(places[i] * (double)(size - 1));
        MUST(mr_file_read(file, at, &byte, 1, &err));
        byte ^= 16;
        MUST(mr_file_write(file, at, &byte, 1, &err));
        MrTable *table = make_table(&schema);
        ck_assert_msg(!load(table), "byte %llu", (unsigned long long)at);
        ck_assert_uint_eq(mr_table_row_count(table), 0);
        mr_table_destroy(table);
        byte ^= 16;
        MUST(mr_file_write(file, at, &byte, 1, &err));
    }
    MrTable *table = make_table(&schema);
    MUST(mr_file_truncate(file, size - 16, &err)); /* whole blocks, and no end */
    ck_assert(!load(table));
    MUST(mr_file_truncate(file, 20, &err));
    ck_assert(!load(table));
    mr_file_close(file);
    MUST(mr_file_remove(path, &err));
    ck_assert(!load(table));
    insert_rows(table, 0, 3); /* it can be filled the other way */
    mr_table_commit(table, 3);
    ck_assert_uint_eq(mr_table_row_count(table), 3);
    mr_table_destroy(table);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_newer_version_is_refused)
{
    char path[128], header[64];
    MrFile *file;
    bool found;
    write_whole();
    path_format(path);
    MUST(mr_file_open(path, MR_FILE_WRITE, &file, &err));
    MUST(mr_file_read(file, 0, header, sizeof header, &err));
    header[8] = 2;
    uint32_t crc = mr_crc32c(0, header, sizeof header - sizeof crc);
    memcpy(header + sizeof header - sizeof crc, &crc, sizeof crc);
    MUST(mr_file_write(file, 0, header, sizeof header, &err));
    mr_file_close(file);
    MrTable *table = make_table(&schema);
    ck_assert_int_eq(
        mr_table_checkpoint_load(directory, ID, SEQUENCE, &schema, table, &found, &err),
        MR_ERR_UNSUPPORTED);
    mr_table_destroy(table);
}
END_TEST

static void count_file(void *context, uint32_t stream_id, uint64_t sequence)
{
    ck_assert_uint_eq(stream_id, ID);
    ck_assert_uint_eq(sequence, SEQUENCE);
    ++*(uint32_t *)context;
}

START_TEST(test_cancelled_leaves_no_file)
{
    atomic_bool is_cancelled = true;
    uint32_t count = 0;
    write_file(make_full(), &is_cancelled, MR_ERR_CANCELED);
    MUST(mr_table_checkpoint_each(directory, count_file, &count, &err));
    ck_assert_uint_eq(count, 0);
    write_whole();
    MUST(mr_table_checkpoint_each(directory, count_file, &count, &err));
    ck_assert_uint_eq(count, 1);
    MUST(mr_table_checkpoint_remove(directory, ID, SEQUENCE, &err));
    MUST(mr_table_checkpoint_each(directory, count_file, &count, &err));
    ck_assert_uint_eq(count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table_checkpoint");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, test_rows_come_back_as_they_were);
    tcase_add_test(all, test_columns_that_came_since_are_missing);
    tcase_add_test(all, test_damage_leaves_the_table_empty);
    tcase_add_test(all, test_newer_version_is_refused);
    tcase_add_test(all, test_cancelled_leaves_no_file);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
