/* tests/unit/test_pgwire.c - bodies are read with every length checked, messages are framed right, errors
 * have their fields, rows their two forms. */
#include "server/pgwire.h"

#include <check.h>

/* ---- Reading --------------------------------------------------------------------------------------- */

START_TEST(test_numbers_are_big_endian)
{
    MrWireReader r = mr_wire_reader("\x01\xff\xfe\x80\x00\x00\x01", 7);
    ck_assert_uint_eq(mr_wire_u8(&r), 1);
    ck_assert_int_eq(mr_wire_i16(&r), -2);
    ck_assert_int_eq(mr_wire_i32(&r), INT32_MIN + 1);
    ck_assert(mr_wire_is_done(&r));
}
END_TEST

static const struct {
    const char *what, *data;
    size_t length;
} short_bodies[] = {
    { "nothing", "", 0 },
    { "three bytes of four", "\0\0\0", 3 },
};

START_TEST(test_a_read_beyond_the_end_fails_and_gives_zero)
{
    MrWireReader r = mr_wire_reader(short_bodies[_i].data, short_bodies[_i].length);
    ck_assert_int_eq(mr_wire_i32(&r), 0);
    ck_assert(r.failed && !mr_wire_is_done(&r));
    ck_assert_uint_eq(mr_wire_u8(&r), 0); /* and goes on failing */
    ck_assert_uint_eq(mr_wire_text(&r).length, 0);
}
END_TEST

START_TEST(test_a_negative_length_is_no_length)
{
    MrWireReader r = mr_wire_reader("abc", 3);
    ck_assert_ptr_null(mr_wire_bytes(&r, -1));
    ck_assert(r.failed);
    r = mr_wire_reader("abc", 3);
    ck_assert_ptr_null(mr_wire_bytes(&r, INT32_MIN));
    r = mr_wire_reader("abc", 3);
    ck_assert_ptr_null(mr_wire_bytes(&r, INT32_MAX));
}
END_TEST

START_TEST(test_text_ends_with_its_zero)
{
    MrWireReader r = mr_wire_reader("ab\0\0c", 5);
    ck_assert(mr_string_equal(mr_wire_text(&r), MR_STRING("ab")));
    ck_assert_uint_eq(mr_wire_text(&r).length, 0);
    ck_assert(!r.failed && !mr_wire_is_done(&r)); /* something is left over */
    mr_wire_text(&r);
    ck_assert(r.failed); /* no zero */
}
END_TEST

static const struct {
    char type;
    uint32_t bytes_max;
} limits[] = {
    { 'Q', MR_WIRE_DATA_BYTES_MAX },
    { 'd', MR_WIRE_DATA_BYTES_MAX },
    { 'S', MR_WIRE_SHORT_BYTES_MAX },
    { '?', 0 },
    { '\0', 0 },
    { (char)0xff, 0 },
};

START_TEST(test_unknown_types_have_no_length)
{
    ck_assert_uint_eq(mr_wire_bytes_max(limits[_i].type), limits[_i].bytes_max);
}
END_TEST

/* ---- Writing --------------------------------------------------------------------------------------- */

START_TEST(test_a_message_carries_its_length)
{
    MrBuilder out;
    mr_builder_init(&out, 0);
    mr_wire_command_complete(&out, "SELECT 1");
    mr_wire_ready(&out, 'I');
    ck_assert_uint_eq(out.length, 14 + 6);
    ck_assert_mem_eq(out.data, "C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I", 20);
    mr_builder_fini(&out);
}
END_TEST

/* The value of an error's field, or NULL. */
static const char *field(const MrBuilder *out, char name)
{
    const char *next = out->data + 5;
    while (*next != '\0') {
        if (*next == name) {
            return next + 1;
        }
        next += strlen(next) + 1;
    }
    return NULL;
}

START_TEST(test_a_position_counts_characters)
{
    const char *text = "SELECT 'é', nosuch";
    MrError err = MR_ERROR_INIT;
    MrBuilder out;
    mr_builder_init(&out, 0);
    mr_error_set(&err, MR_ERR_UNDEFINED_COLUMN, "column \"nosuch\" does not exist");
    mr_error_hint(&err, "a hint");
    mr_error_at(&err, 13); /* byte */
    mr_wire_report(&out, 'E', "ERROR", &err, text, strlen(text));
    ck_assert_str_eq(field(&out, 'S'), "ERROR");
    ck_assert_str_eq(field(&out, 'V'), "ERROR");
    ck_assert_str_eq(field(&out, 'C'), "42703");
    ck_assert_str_eq(field(&out, 'H'), "a hint");
    ck_assert_str_eq(field(&out, 'P'), "13"); /* character, from 1 */
    ck_assert_ptr_null(field(&out, 'D'));
    mr_builder_clear(&out);
    mr_error_at(&err, 1000);
    mr_wire_report(&out, 'E', "ERROR", &err, text, strlen(text));
    ck_assert_ptr_null(field(&out, 'P')); /* not of this text */
    mr_builder_fini(&out);
}
END_TEST

START_TEST(test_a_line_of_copy_is_context)
{
    MrError err = MR_ERROR_INIT;
    MrBuilder out;
    mr_builder_init(&out, 0);
    mr_error_set(&err, MR_ERR_INVALID_TEXT, "bad");
    mr_error_detail(&err, "Some detail.\nCOPY edits, line 3, column added: \"x\"");
    mr_wire_report(&out, 'E', "ERROR", &err, NULL, 0);
    ck_assert_str_eq(field(&out, 'D'), "Some detail.");
    ck_assert_str_eq(field(&out, 'W'), "COPY edits, line 3, column added: \"x\"");
    mr_builder_fini(&out);
}
END_TEST

static const struct {
    MrTypeId type;
    uint32_t oid;
    int16_t length;
} types[] = {
    { MR_TYPE_BOOL, 16, 1 },          { MR_TYPE_INT64, 20, 8 },       { MR_TYPE_TEXT, 25, -1 },
    { MR_TYPE_TIMESTAMPTZ, 1184, 8 }, { MR_TYPE_INTERVAL, 1186, 16 }, { MR_TYPE_NUMERIC, 1700, -1 },
    { MR_TYPE_UUID, 2950, 16 },       { MR_TYPE_UNKNOWN, 25, -1 },
};

START_TEST(test_types_as_clients_know_them)
{
    ck_assert_uint_eq(mr_wire_type_oid(types[_i].type), types[_i].oid);
    ck_assert_int_eq(mr_wire_type_length(types[_i].type), types[_i].length);
}
END_TEST

START_TEST(test_parameter_types)
{
    MrType type;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_wire_parameter_type(0, &type, &err), MR_OK);
    ck_assert_int_eq(type.id, MR_TYPE_UNKNOWN);
    ck_assert_int_eq(mr_wire_parameter_type(21, &type, &err), MR_OK);
    ck_assert_int_eq(type.id, MR_TYPE_INT16);
    ck_assert_int_eq(mr_wire_parameter_type(4294967295u, &type, &err), MR_ERR_UNSUPPORTED);
}
END_TEST

START_TEST(test_a_row_in_both_forms)
{
    MrArena arena;
    MrBuilder out;
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    MrColumn columns[] = { { .name = "a", .type = { MR_TYPE_INT32, -1 } },
                           { .name = "b", .type = { MR_TYPE_TEXT, -1 } } };
    MrSchema schema = { .column_count = 2, .columns = columns };
    int16_t binary_first[] = { 1, 0 };
    mr_arena_init(&arena, 0);
    mr_builder_init(&out, 0);
    ck_assert_int_eq(mr_block_create(&arena, &schema, 1, &block, &err), MR_OK);
    ((int32_t *)block->columns[0].data)[0] = 258;
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[1], &arena, &err), MR_OK);
    mr_bitmap_clear(block->columns[1].validity, 0);
    mr_wire_data_row(&out, &schema, block, 0, &(MrWireFormats){ 0 }, NULL);
    ck_assert_uint_eq(out.length, 5 + 2 + 4 + 3 + 4);
    ck_assert_mem_eq(out.data,
                     "D\0\0\0\x11\0\x02\0\0\0\x03"
                     "258\xff\xff\xff\xff",
                     18);
    mr_builder_clear(&out);
    mr_wire_data_row(&out, &schema, block, 0, &(MrWireFormats){ binary_first, 2 }, NULL);
    ck_assert_mem_eq(out.data, "D\0\0\0\x12\0\x02\0\0\0\x04\0\0\x01\x02\xff\xff\xff\xff", 19);
    mr_builder_fini(&out);
    mr_arena_fini(&arena);
}
END_TEST

START_TEST(test_secrets_are_compared_whole)
{
    const uint8_t a[4] = { 1, 2, 3, 4 }, b[4] = { 1, 2, 3, 5 };
    ck_assert(mr_wire_same_secret(a, a, 4));
    ck_assert(!mr_wire_same_secret(a, b, 4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pgwire");
    TCase *tcase = tcase_create("pgwire");
    tcase_add_test(tcase, test_numbers_are_big_endian);
    tcase_add_loop_test(tcase, test_a_read_beyond_the_end_fails_and_gives_zero, 0, 2);
    tcase_add_test(tcase, test_a_negative_length_is_no_length);
    tcase_add_test(tcase, test_text_ends_with_its_zero);
    tcase_add_loop_test(tcase, test_unknown_types_have_no_length, 0,
                        sizeof limits / sizeof limits[0]);
    tcase_add_test(tcase, test_a_message_carries_its_length);
    tcase_add_test(tcase, test_a_position_counts_characters);
    tcase_add_test(tcase, test_a_line_of_copy_is_context);
    tcase_add_loop_test(tcase, test_types_as_clients_know_them, 0, sizeof types / sizeof types[0]);
    tcase_add_test(tcase, test_parameter_types);
    tcase_add_test(tcase, test_a_row_in_both_forms);
    tcase_add_test(tcase, test_secrets_are_compared_whole);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
