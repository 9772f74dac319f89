/*
 * tests/unit/test_crc32c.c - checksums, hashes, random numbers and clocks.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/crc32c.h"
#include "common/hash.h"
#include "common/random.h"

START_TEST(test_known_sums)
{
    unsigned char zeros[32] = { 0 };
    unsigned char ones[32];
    unsigned char rising[32];
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) {
        rising[i] = (unsigned char)i;
    }
    ck_assert_uint_eq(mr_crc32c(0, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(mr_crc32c(0, zeros, 32), 0x8a9136aa); /* RFC 3720, B.4 */
    ck_assert_uint_eq(mr_crc32c(0, ones, 32), 0x62a8ab43);
    ck_assert_uint_eq(mr_crc32c(0, rising, 32), 0x46dd794e);
    ck_assert_uint_eq(mr_crc32c(5, NULL, 0), 5);
}
END_TEST

START_TEST(test_instruction_table_and_parts_agree)
{
    enum { BYTES = 40000 };
    unsigned char *data = malloc(BYTES + 16);
    MrRandom random;
    mr_random_init(&random, 11);
    for (int i = 0; i < BYTES + 16; i++) {
        data[i] = (unsigned char)mr_random_next(&random);
    }
    for (int i = 0; i < 200; i++) {
        size_t start = mr_random_below(&random, 16);
        size_t length = mr_random_below(&random, i % 2 == 0 ? 1000 : BYTES);
        size_t cut = mr_random_below(&random, length + 1);
        uint32_t salt = (uint32_t)mr_random_next(&random);
        uint32_t sum = mr_crc32c(salt, data + start, length);
        ck_assert_msg(sum == mr_crc32c_portable(salt, data + start, length), "seed 11, %d", i);
        uint32_t first = mr_crc32c(salt, data + start, cut);
        ck_assert_msg(sum == mr_crc32c(first, data + start + cut, length - cut), "seed 11, %d", i);
    }
    free(data);
}
END_TEST

START_TEST(test_hash_is_the_same_everywhere)
{
    /* XXH3_64bits without a seed: state and partitions rely on these values for ever. */
    ck_assert_uint_eq(mr_hash_bytes("", 0), UINT64_C(0x2d06800538d394c2));
    ck_assert_uint_eq(mr_hash_bytes("a", 1), UINT64_C(0xe6c632b61e964e1f));
    ck_assert_uint_ne(mr_hash_combine(mr_hash_combine(0, 1), 2),
                      mr_hash_combine(mr_hash_combine(0, 2), 1));
}
END_TEST

START_TEST(test_seed_gives_the_same_numbers)
{
    MrRandom a;
    MrRandom b;
    mr_random_init(&a, 42);
    mr_random_init(&b, 42);
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(mr_random_next(&a), mr_random_next(&b));
        ck_assert_uint_lt(mr_random_below(&a, 7), 7);
        mr_random_below(&b, 7);
        double unit = mr_random_unit(&a);
        ck_assert(unit >= 0 && unit < 1 && unit == mr_random_unit(&b));
    }
    ck_assert_uint_eq(mr_random_below(&a, 0), 0);
    uint8_t uuid[16];
    ck_assert_int_eq(mr_random_uuid(uuid, NULL), MR_OK);
    ck_assert_int_eq(uuid[6] >> 4, 4);
    ck_assert_int_eq(uuid[8] >> 6, 2);
}
END_TEST

START_TEST(test_virtual_clock_moves_forward_only)
{
    MrClock *clock = mr_clock_create_virtual(1000);
    ck_assert(mr_clock_is_virtual(clock));
    ck_assert_int_eq(mr_clock_wall_us(clock), 1000);
    ck_assert_int_eq(mr_clock_set(clock, 2000, NULL), MR_OK);
    ck_assert_int_eq(mr_clock_monotonic_us(clock), 2000);
    ck_assert_int_eq(mr_clock_set(clock, 1999, NULL), MR_ERR_INVALID_PARAMETER);
    ck_assert_int_eq(mr_clock_wall_us(clock), 2000);
    mr_clock_destroy(clock);
    clock = mr_clock_create_real();
    ck_assert_int_eq(mr_clock_set(clock, 0, NULL), MR_ERR_NOT_IN_STATE);
    ck_assert_int_gt(mr_clock_wall_us(clock), INT64_C(1700000000000000));
    int64_t before = mr_clock_monotonic_us(clock);
    ck_assert_int_ge(mr_clock_monotonic_us(clock), before);
    mr_clock_destroy(clock);
    mr_clock_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crc32c");
    TCase *crc32c_case = tcase_create("mr_crc32c");
    tcase_add_test(crc32c_case, test_known_sums);
    tcase_add_test(crc32c_case, test_instruction_table_and_parts_agree);
    suite_add_tcase(suite, crc32c_case);
    TCase *hash_bytes_case = tcase_create("mr_hash_bytes");
    tcase_add_test(hash_bytes_case, test_hash_is_the_same_everywhere);
    suite_add_tcase(suite, hash_bytes_case);
    TCase *random_next_case = tcase_create("mr_random_next");
    tcase_add_test(random_next_case, test_seed_gives_the_same_numbers);
    suite_add_tcase(suite, random_next_case);
    TCase *clock_set_case = tcase_create("mr_clock_set");
    tcase_add_test(clock_set_case, test_virtual_clock_moves_forward_only);
    suite_add_tcase(suite, clock_set_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
