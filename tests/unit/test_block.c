/* tests/unit/test_block.c - blocks: sliced, selected, copied, encoded, and damaged. */
#include "storage/block.h"

#include "common/clock.h"

#include <check.h>
#include <stdlib.h>

static const MrColumn columns[] = {
    { "n", { MR_TYPE_INT64, -1 }, false, NULL }, { "t", { MR_TYPE_TEXT, -1 }, false, NULL },
    { "b", { MR_TYPE_BOOL, -1 }, false, NULL },  { "d", { MR_TYPE_NUMERIC, -1 }, false, NULL },
    { "c", { MR_TYPE_TEXT, -1 }, false, NULL },
};
static const MrSchema schema = { 5, columns };
enum { ROWS = 1000 };

/* Long and short texts, nulls, a constant column, weights and a place. */
static MrBlock *block_make(MrArena *arena)
{
    MrBlock *block;
    ck_assert_int_eq(mr_block_create(arena, &schema, ROWS, &block, NULL), MR_OK);
    int32_t *weights = mr_arena_alloc(arena, sizeof(int32_t) * ROWS);
    int64_t *watermarks = mr_arena_alloc(arena, sizeof(int64_t) * ROWS);
    ck_assert(weights != NULL && watermarks != NULL);
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[1], arena, NULL), MR_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        ((int64_t *)block->columns[0].data)[i] = (int64_t)i * 3;
        char *text =
            mr_arena_printf(arena, "%.*s", (int)(i % 30), "abcdefghijklmnopqrstuvwxyz0123456789");
        ck_assert_ptr_nonnull(text);
        ((MrText *)block->columns[1].data)[i] = mr_text_make(text, i % 30);
        if (i % 7 == 0) {
            mr_bitmap_clear(block->columns[1].validity, i);
            memset(&((MrText *)block->columns[1].data)[i], 0xee,
                   sizeof(MrText)); /* never looked at */
        }
        ((uint8_t *)block->columns[2].data)[i] = i & 1;
        ((MrDecimal *)block->columns[3].data)[i] = mr_decimal_make(i, 2);
        weights[i] = i % 2 ? 1 : -1;
        watermarks[i] = i;
    }
    MrDatum constant = { .type = mr_type(MR_TYPE_TEXT),
                         .text = mr_text_make("the same for every row", 22) };
    ck_assert_int_eq(mr_vector_init_constant(&block->columns[4], arena, &constant, ROWS, NULL),
                     MR_OK);
    block->weights = weights;
    block->place.first_sequence = 100;
    block->place.watermarks = watermarks;
    return block;
}

static void rows_equal(const MrBlock *a, uint32_t first_a, const MrBlock *b, uint32_t first_b,
                       uint32_t rows)
{
    ck_assert_uint_eq(a->column_count, b->column_count);
    for (uint32_t i = 0; i < a->column_count; i++) {
        for (uint32_t row = 0; row < rows; row++) {
            bool null = mr_vector_is_null(&a->columns[i], first_a + row);
            ck_assert(null == mr_vector_is_null(&b->columns[i], first_b + row));
            ck_assert(null || mr_cell_equal(a->columns[i].type.id,
                                            mr_vector_cell(&a->columns[i], first_a + row),
                                            mr_vector_cell(&b->columns[i], first_b + row)));
        }
    }
}

START_TEST(test_slice_select_copy)
{
    MrArena arena, other;
    mr_arena_init(&arena, 0);
    mr_arena_init(&other, 0);
    MrBlock *block = block_make(&other);
    MrBlock *part, *picked, *copy;
    ck_assert_int_eq(mr_block_slice(&arena, block, 128, 300, &part, NULL), MR_OK);
    ck_assert_uint_eq(part->row_count, 300);
    rows_equal(part, 0, block, 128, 300);
    ck_assert_uint_eq(mr_block_sequence(part, 5), 100 + 133);
    ck_assert_int_eq(part->place.watermark_us, 128);
    ck_assert_int_eq(part->place.watermark_after_us, 428);
    uint32_t rows[] = { 0, 1, 7, 64, 500, 999 };
    ck_assert_int_eq(mr_block_select(&arena, block, rows, 6, &picked, NULL), MR_OK);
    ck_assert_uint_eq(picked->row_count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        rows_equal(picked, i, block, rows[i], 1);
        ck_assert_uint_eq(mr_block_sequence(picked, i), 100 + rows[i]);
        ck_assert_int_eq(picked->weights[i], rows[i] % 2 ? 1 : -1);
        ck_assert_int_eq(picked->place.watermarks[i], rows[i]);
    }
    ck_assert_int_eq(mr_block_select(&arena, picked, (uint32_t[]){ 1, 5 }, 2, &part, NULL), MR_OK);
    ck_assert_uint_eq(mr_block_sequence(part, 1), 1099);
    ck_assert_int_eq(mr_block_copy(&arena, block, &copy, NULL), MR_OK);
    MrBlock *same = block_make(&arena);
    mr_arena_fini(&other);
    rows_equal(copy, 0, same, 0, ROWS);
    ck_assert_uint_eq(mr_vector_null_count(&copy->columns[1]), 143);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_encode_decode)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrBlock *block = block_make(&arena);
    MrBlock *back;
    MrError err = MR_ERROR_INIT;
    size_t bytes = mr_block_encoded_bytes(block);
    char *form = aligned_alloc(64, bytes);
    ck_assert_ptr_nonnull(form);
    ck_assert_uint_eq(bytes % 64, 0);
    mr_block_encode(block, form);
    ck_assert_msg(mr_block_decode(&arena, &schema, form, bytes, &back, &err) == MR_OK, "%s",
                  err.message);
    ck_assert_uint_eq(back->row_count, ROWS);
    rows_equal(block, 0, back, 0, ROWS);
    ck_assert(back->columns[4].is_constant);
    ck_assert_int_eq(memcmp(back->weights, block->weights, sizeof(int32_t) * ROWS), 0);
    free(form);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_columns_added_later_are_null)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrBlock *block = block_make(&arena);
    MrBlock *back;
    block->column_count = 2;
    size_t bytes = mr_block_encoded_bytes(block);
    char *form = aligned_alloc(64, bytes);
    mr_block_encode(block, form);
    ck_assert_int_eq(mr_block_decode(&arena, &schema, form, bytes, &back, NULL), MR_OK);
    ck_assert_uint_eq(back->column_count, 5);
    ck_assert(mr_vector_is_null(&back->columns[4], 999));
    free(form);
    mr_arena_fini(&arena);
}
END_TEST

/* Every byte of the heads, and every length, damaged: an error or a block, never a crash. */
START_TEST(test_damage_is_found_or_harmless)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrBlock *block = block_make(&arena);
    size_t bytes = mr_block_encoded_bytes(block);
    char *form = aligned_alloc(64, bytes);
    char *damaged = aligned_alloc(64, bytes);
    MrBlock *back;
    mr_block_encode(block, form);
    for (size_t i = 0; i < 192; i++) {
        memcpy(damaged, form, bytes);
        damaged[i] ^= (char)(1 << (i % 8));
        if (mr_block_decode(&arena, &schema, damaged, bytes, &back, NULL) == MR_OK) {
            for (uint32_t row = 0; row < (back->row_count < ROWS ? back->row_count : ROWS); row++) {
                for (uint32_t j = 0; j < 5; j++) {
                    (void)mr_cell_hash(back->columns[j].type.id,
                                       mr_vector_cell(&back->columns[j], row));
                }
            }
        }
    }
    for (size_t length = 0; length < bytes; length += length < 300 ? 1 : 997) {
        memcpy(damaged, form, length);
        ck_assert_int_eq(mr_block_decode(&arena, &schema, damaged, length, &back, NULL),
                         MR_ERR_CORRUPT);
    }
    free(form);
    free(damaged);
    mr_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *tcase = tcase_create("block");
    tcase_add_test(tcase, test_slice_select_copy);
    tcase_add_test(tcase, test_encode_decode);
    tcase_add_test(tcase, test_columns_added_later_are_null);
    tcase_add_test(tcase, test_damage_is_found_or_harmless);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
