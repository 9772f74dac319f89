/*
 * tests/unit/test_arena.c - alignment, limits and reuse of arenas.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

START_TEST(test_memory_is_aligned_and_apart)
{
    MrArena arena;
    char *before = NULL;
    mr_arena_init(&arena, 0);
    for (size_t bytes = 1; bytes < 3000; bytes += 7) {
        char *plain = mr_arena_alloc(&arena, bytes);
        char *wide = mr_arena_alloc_aligned(&arena, bytes);
        ck_assert_ptr_nonnull(plain);
        ck_assert_uint_eq((uintptr_t)plain % 16, 0);
        ck_assert_uint_eq((uintptr_t)wide % 64, 0);
        memset(plain, 1, bytes);
        memset(wide, 2, bytes);
        ck_assert(bytes == 0 || (plain[bytes - 1] == 1 && plain != before));
        before = plain;
    }
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_limit_is_kept)
{
    MrArena arena;
    mr_arena_init(&arena, 10000);
    ck_assert_ptr_nonnull(mr_arena_alloc(&arena, 4000));
    ck_assert_ptr_nonnull(mr_arena_alloc(&arena, 4000));
    ck_assert_ptr_null(mr_arena_alloc(&arena, 4000));
    ck_assert_uint_le(arena.used_bytes, 10000);
    mr_arena_reset(&arena);
    ck_assert_ptr_nonnull(mr_arena_alloc(&arena, 7000));
    ck_assert_ptr_null(mr_arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(mr_arena_alloc(&arena, SIZE_MAX - 70));
    ck_assert_ptr_null(mr_arena_calloc(&arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(mr_arena_strndup(&arena, "", SIZE_MAX));
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_reset_ends_with_one_chunk)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    for (int round = 0; round < 5; round++) {
        size_t before = arena.used_bytes;
        for (int i = 0; i < 100; i++) {
            ck_assert_ptr_nonnull(mr_arena_alloc(&arena, 10000));
        }
        ck_assert(round < 2 || arena.used_bytes == before);
        mr_arena_reset(&arena);
    }
    for (int round = 0; round < 20; round++) {
        mr_arena_reset(&arena); /* and a small use lets the large chunk go */
        ck_assert_ptr_nonnull(mr_arena_alloc(&arena, 10));
    }
    ck_assert_uint_le(arena.used_bytes, 8192);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_a_grown_array_keeps_its_items)
{
    MrArena arena;
    uint64_t *items = NULL;
    uint32_t count = 0, capacity = 0;
    mr_arena_init(&arena, 64 * 1024);
    for (; count < 1000; count++) {
        if (count == capacity) {
            items = mr_arena_grow(&arena, items, count, sizeof *items, &capacity);
            ck_assert_ptr_nonnull(items);
            ck_assert_uint_gt(capacity, count);
            ck_assert_uint_eq(items[capacity - 1], 0);
        }
        items[count] = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(items[i], i);
    }
    uint32_t before = capacity;
    ck_assert_ptr_null(mr_arena_grow(&arena, items, SIZE_MAX / 16, sizeof *items, &capacity));
    ck_assert_ptr_null(
        mr_arena_grow(&arena, items, 8000, sizeof *items, &capacity)); /* the limit */
    ck_assert_uint_eq(capacity, before);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_texts_are_copied)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    ck_assert_str_eq(mr_arena_strndup(&arena, "abcdef", 3), "abc");
    ck_assert_str_eq(mr_arena_strndup(&arena, NULL, 0), "");
    ck_assert_str_eq(mr_arena_strdup(&arena, "xyz"), "xyz");
    ck_assert_str_eq(mr_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    int *zeros = mr_arena_calloc(&arena, 100, sizeof *zeros);
    ck_assert(zeros[0] == 0 && zeros[99] == 0);
    mr_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *arena_alloc_case = tcase_create("mr_arena_alloc");
    tcase_add_test(arena_alloc_case, test_memory_is_aligned_and_apart);
    tcase_add_test(arena_alloc_case, test_limit_is_kept);
    tcase_add_test(arena_alloc_case, test_a_grown_array_keeps_its_items);
    suite_add_tcase(suite, arena_alloc_case);
    TCase *arena_reset_case = tcase_create("mr_arena_reset");
    tcase_add_test(arena_reset_case, test_reset_ends_with_one_chunk);
    suite_add_tcase(suite, arena_reset_case);
    TCase *arena_strndup_case = tcase_create("mr_arena_strndup");
    tcase_add_test(arena_strndup_case, test_texts_are_copied);
    suite_add_tcase(suite, arena_strndup_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
