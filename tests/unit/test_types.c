/* tests/unit/test_types.c - names of types, values from and to text, their order. */
#include "storage/types.h"

#include "storage/codec.h"

#include <check.h>

static const struct {
    MrTypeId type;
    int32_t typmod;
    const char *text; /* PostgreSQL's name */
} formats[] = {
    { MR_TYPE_INT64, -1, "bigint" },
    { MR_TYPE_NUMERIC, ((10 << 16) | 2) + 4, "numeric(10,2)" },
    { MR_TYPE_NUMERIC, -1, "numeric" },
    { MR_TYPE_VARCHAR, 24, "character varying(20)" },
    { MR_TYPE_TIMESTAMPTZ, -1, "timestamp with time zone" },
    { MR_TYPE_TIMESTAMP, 3, "timestamp(3) without time zone" },
    { MR_TYPE_JSONB, -1, "jsonb" },
};

START_TEST(test_type_names)
{
    char text[64];
    MrType type = { formats[_i].type, formats[_i].typmod };
    ck_assert_str_eq(mr_type_text(type, text), formats[_i].text);
    MrTypeId found;
    if (type.typmod < 0) {
        ck_assert(mr_type_by_name(mr_string(text), &found) && found == type.id);
    }
    ck_assert(mr_type_by_oid(mr_type_info(type.id)->oid, &found) && found == type.id);
    ck_assert(!mr_type_by_name(MR_STRING("nonsense"), &found));
}
END_TEST

static const struct {
    MrTypeId type;
    int32_t typmod;
    const char *input, *output; /* NULL: an error of the status */
    MrStatus status;
} inputs[] = {
    { MR_TYPE_BOOL, -1, " TRUE ", "t", MR_OK },
    { MR_TYPE_BOOL, -1, "of", "f", MR_OK },
    { MR_TYPE_BOOL, -1, "o", NULL, MR_ERR_INVALID_TEXT },
    { MR_TYPE_BOOL, -1, "", NULL, MR_ERR_INVALID_TEXT },
    { MR_TYPE_INT16, -1, "32767", "32767", MR_OK },
    { MR_TYPE_INT16, -1, "32768", NULL, MR_ERR_NUMERIC_OUT_OF_RANGE },
    { MR_TYPE_INT32, -1, " 12 ", "12", MR_OK },
    { MR_TYPE_INT64, -1, "123456789012345678", "123456789012345678", MR_OK },
    { MR_TYPE_INT64, -1, "-12345678", "-12345678", MR_OK },
    { MR_TYPE_INT64, -1, "1234567:", NULL, MR_ERR_INVALID_TEXT },
    { MR_TYPE_INT64, -1, "12/45678901", NULL, MR_ERR_INVALID_TEXT },
    { MR_TYPE_INT64, -1, "-", NULL, MR_ERR_INVALID_TEXT },
    { MR_TYPE_INT64, -1, "+5", "5", MR_OK },
    { MR_TYPE_FLOAT64, -1, "-0", "-0", MR_OK },
    { MR_TYPE_FLOAT64, -1, "0.1", "0.1", MR_OK },
    { MR_TYPE_FLOAT64, -1, "123456.789", "123456.789", MR_OK },
    { MR_TYPE_FLOAT64, -1, "1e400", NULL, MR_ERR_NUMERIC_OUT_OF_RANGE },
    { MR_TYPE_NUMERIC, -1, "-12.340", "-12.340", MR_OK },
    { MR_TYPE_NUMERIC, ((5 << 16) | 1) + 4, "12.35", "12.4", MR_OK },
    { MR_TYPE_NUMERIC, ((3 << 16) | 1) + 4, "123.4", NULL, MR_ERR_NUMERIC_OUT_OF_RANGE },
    { MR_TYPE_VARCHAR, 4 + 3, "abc  ", "abc", MR_OK },
    { MR_TYPE_VARCHAR, 4 + 3, "abcd", NULL, MR_ERR_STRING_TOO_LONG },
    { MR_TYPE_VARCHAR, 4 + 2, "\xc3\xa4\xc3\xb6", "\xc3\xa4\xc3\xb6", MR_OK },
    { MR_TYPE_BYTEA, -1, "\\x0aFf", "\\x0aff", MR_OK },
    { MR_TYPE_BYTEA, -1, "a\\\\\\001", "\\x615c01", MR_OK },
    { MR_TYPE_BYTEA, -1, "\\xabc", NULL, MR_ERR_INVALID_PARAMETER },
    { MR_TYPE_DATE, -1, "2024-02-29", "2024-02-29", MR_OK },
    { MR_TYPE_DATE, -1, "2023-02-29", NULL, MR_ERR_DATETIME_OVERFLOW },
    { MR_TYPE_DATE, -1, "0001-01-01", "0001-01-01", MR_OK },
    { MR_TYPE_DATE, -1, "9999-12-31", "9999-12-31", MR_OK },
    { MR_TYPE_TIMESTAMP, -1, "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", MR_OK },
    { MR_TYPE_TIMESTAMP, 0, "2026-01-01 00:00:00.5", "2026-01-01 00:00:01", MR_OK },
    { MR_TYPE_TIMESTAMP, -1, "2026-01-01 24:00:00", "2026-01-02 00:00:00", MR_OK },
    { MR_TYPE_TIMESTAMP, -1, "infinity", "infinity", MR_OK },
    { MR_TYPE_TIMESTAMPTZ, -1, "2026-01-01T10:00:00Z", "2026-01-01 10:00:00+00", MR_OK },
    { MR_TYPE_TIMESTAMPTZ, -1, "2026-01-01 10:00:00+02", "2026-01-01 08:00:00+00", MR_OK },
    { MR_TYPE_INTERVAL, -1, "1 day 02:03:04", "1 day 02:03:04", MR_OK },
    { MR_TYPE_UUID, -1, "{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", MR_OK },
    { MR_TYPE_UUID, -1, "a0eebc99", NULL, MR_ERR_INVALID_TEXT },
    { MR_TYPE_JSON, -1, " {\"b\":1} ", " {\"b\":1} ", MR_OK },
    { MR_TYPE_JSONB, -1, "{\"b\":1,\"a\":2}", "{\"a\": 2, \"b\": 1}", MR_OK },
    { MR_TYPE_TEXT, -1, "any text that is not inline", "any text that is not inline", MR_OK },
};

START_TEST(test_text_to_value_and_back)
{
    MrArena arena;
    MrDatum datum;
    MrBuilder out;
    MrError err = MR_ERROR_INIT;
    MrType type = { inputs[_i].type, inputs[_i].typmod };
    mr_arena_init(&arena, 0);
    mr_builder_init(&out, 0);
    MrStatus status = mr_datum_parse(&arena, type, mr_string(inputs[_i].input), NULL, &datum, &err);
    ck_assert_msg(status == inputs[_i].status, "%s: %s %s", inputs[_i].input,
                  mr_status_name(status), err.message);
    if (status == MR_OK) {
        mr_datum_format(&datum, NULL, &out);
        ck_assert_str_eq(mr_builder_text(&out), inputs[_i].output);
    }
    mr_builder_fini(&out);
    mr_arena_fini(&arena);
}
END_TEST

static const struct {
    MrTypeId type;
    const char *less, *more;
} orders[] = {
    { MR_TYPE_BOOL, "f", "t" },
    { MR_TYPE_INT64, "-9", "3" },
    { MR_TYPE_FLOAT64, "Infinity", "NaN" },
    { MR_TYPE_NUMERIC, "1.10", "1.2" },
    { MR_TYPE_TEXT, "ab", "abc" },
    { MR_TYPE_TEXT, "abcdefghijklmnop", "abcdefghijklmnoq" },
    { MR_TYPE_TEXT, "Z", "a" },
    { MR_TYPE_TEXT, "abcd", "\xc3\xa4" },
    { MR_TYPE_DATE, "1999-12-31", "2000-01-01" },
    { MR_TYPE_INTERVAL, "29 days", "1 mon" },
    { MR_TYPE_BYTEA, "\\x61", "\\x6100" },
};

START_TEST(test_order)
{
    MrArena arena;
    _Alignas(16) char less[24] = { 0 }, more[24] = { 0 };
    MrType type = mr_type(orders[_i].type);
    mr_arena_init(&arena, 0);
    ck_assert_int_eq(mr_text_decode_cell(&arena, type, orders[_i].less, strlen(orders[_i].less),
                                         NULL, less, NULL),
                     MR_OK);
    ck_assert_int_eq(mr_text_decode_cell(&arena, type, orders[_i].more, strlen(orders[_i].more),
                                         NULL, more, NULL),
                     MR_OK);
    ck_assert_int_lt(mr_cell_compare(type.id, less, more), 0);
    ck_assert_int_gt(mr_cell_compare(type.id, more, less), 0);
    ck_assert(mr_cell_equal(type.id, more, more) && !mr_cell_equal(type.id, more, less));
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_equal_values_hash_alike)
{
    static const struct {
        MrTypeId type;
        const char *a, *b;
    } pairs[] = { { MR_TYPE_NUMERIC, "1.0", "1.00" },
                  { MR_TYPE_INTERVAL, "1 mon", "30 days" },
                  { MR_TYPE_FLOAT64, "0", "-0" } };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        _Alignas(16) char a[24] = { 0 }, b[24] = { 0 };
        MrType type = mr_type(pairs[i].type);
        ck_assert_int_eq(
            mr_text_decode_cell(NULL, type, pairs[i].a, strlen(pairs[i].a), NULL, a, NULL), MR_OK);
        ck_assert_int_eq(
            mr_text_decode_cell(NULL, type, pairs[i].b, strlen(pairs[i].b), NULL, b, NULL), MR_OK);
        ck_assert(mr_cell_equal(type.id, a, b));
        ck_assert_uint_eq(mr_cell_hash(type.id, a), mr_cell_hash(type.id, b));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("types");
    TCase *tcase = tcase_create("types");
    tcase_add_loop_test(tcase, test_type_names, 0, sizeof formats / sizeof formats[0]);
    tcase_add_loop_test(tcase, test_text_to_value_and_back, 0, sizeof inputs / sizeof inputs[0]);
    tcase_add_loop_test(tcase, test_order, 0, sizeof orders / sizeof orders[0]);
    tcase_add_test(tcase, test_equal_values_hash_alike);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
