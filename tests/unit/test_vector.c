/* tests/unit/test_vector.c - vectors: constant, flat, sliced, gathered, owned. */
#include "storage/vector.h"

#include <check.h>

START_TEST(test_constant_flattens)
{
    MrArena arena;
    MrVector constant, flat;
    mr_arena_init(&arena, 0);
    MrDatum seven = { .type = mr_type(MR_TYPE_INT32), .integer = 7 };
    ck_assert_int_eq(mr_vector_init_constant(&constant, &arena, &seven, 130, NULL), MR_OK);
    ck_assert_int_eq(mr_vector_flatten(&constant, &arena, &flat, NULL), MR_OK);
    ck_assert(!flat.is_constant && flat.row_count == 130);
    ck_assert_int_eq(((int32_t *)flat.data)[129], 7);
    MrDatum null = { .type = mr_type(MR_TYPE_NUMERIC), .is_null = true };
    ck_assert_int_eq(mr_vector_init_constant(&constant, &arena, &null, 130, NULL), MR_OK);
    ck_assert_uint_eq(mr_vector_null_count(&constant), 130);
    ck_assert_int_eq(mr_vector_flatten(&constant, &arena, &flat, NULL), MR_OK);
    ck_assert_uint_eq(mr_vector_null_count(&flat), 130);
    ck_assert_uint_eq((uintptr_t)flat.data % 64, 0);
    mr_arena_fini(&arena);
}
END_TEST

/* Every width: 1, 2, 4, 8, 16 and 24 bytes. */
START_TEST(test_gather_takes_rows)
{
    static const MrTypeId types[] = { MR_TYPE_BOOL,    MR_TYPE_INT16, MR_TYPE_DATE,
                                      MR_TYPE_FLOAT64, MR_TYPE_UUID,  MR_TYPE_NUMERIC };
    static const uint32_t rows[] = { 0, 3, 63, 64, 65, 199 };
    MrArena arena;
    mr_arena_init(&arena, 0);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        MrVector vector, picked;
        size_t width = mr_type_info(types[t])->width;
        ck_assert_int_eq(mr_vector_init(&vector, &arena, mr_type(types[t]), 200, NULL), MR_OK);
        ck_assert_int_eq(mr_vector_make_nullable(&vector, &arena, NULL), MR_OK);
        for (uint32_t i = 0; i < 200; i++) {
            memset((char *)vector.data + width * i, (int)i, width);
        }
        mr_bitmap_clear(vector.validity, 64);
        ck_assert_int_eq(mr_vector_gather(&vector, rows, 6, &arena, &picked, NULL), MR_OK);
        for (uint32_t i = 0; i < 6; i++) {
            ck_assert_int_eq(memcmp((char *)picked.data + width * i,
                                    (char *)vector.data + width * rows[i], width),
                             0);
            ck_assert(mr_vector_is_null(&picked, i) == (rows[i] == 64));
        }
        MrVector slice = mr_vector_slice(&vector, 64, 100);
        ck_assert(mr_vector_is_null(&slice, 0) && !mr_vector_is_null(&slice, 1));
        ck_assert_uint_eq(mr_vector_null_count(&slice), 1);
    }
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_owned_text_outlives_its_source)
{
    MrArena arena;
    MrVector vector;
    char source[] = "a text of more than twelve bytes";
    mr_arena_init(&arena, 0);
    ck_assert_int_eq(mr_vector_init(&vector, &arena, mr_type(MR_TYPE_TEXT), 2, NULL), MR_OK);
    ((MrText *)vector.data)[0] = mr_text_make(source, sizeof source - 1);
    ((MrText *)vector.data)[1] = mr_text_make("short", 5);
    ck_assert_int_eq(mr_vector_own_text(&vector, &arena, NULL), MR_OK);
    memset(source, 'x', sizeof source);
    MrDatum datum;
    mr_vector_get(&vector, 0, &datum);
    ck_assert_int_eq(memcmp(mr_text_data(&datum.text), "a text of more than twelve bytes", 32), 0);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_memory_limit_is_an_error)
{
    MrArena arena;
    MrVector vector;
    mr_arena_init(&arena, 8192);
    ck_assert_int_eq(mr_vector_init(&vector, &arena, mr_type(MR_TYPE_INT64), 100000, NULL),
                     MR_ERR_OUT_OF_MEMORY);
    mr_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vector");
    TCase *tcase = tcase_create("vector");
    tcase_add_test(tcase, test_constant_flattens);
    tcase_add_test(tcase, test_gather_takes_rows);
    tcase_add_test(tcase, test_owned_text_outlives_its_source);
    tcase_add_test(tcase, test_memory_limit_is_an_error);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
