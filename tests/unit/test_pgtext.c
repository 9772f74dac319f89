/* tests/unit/test_pgtext.c - COPY's text format. */
#include "codec_fixture.h"

static const MrTypeId three[] = { MR_TYPE_INT32, MR_TYPE_TEXT, MR_TYPE_BYTEA };

START_TEST(test_rows_become_columns)
{
    Fixture f;
    fixture_init(&f, &mr_codec_text, three, 3);
    fixture_expect(&f, "1\tabc\t\\\\x00ff\n-2\t\\N\t\\N\n", "1|abc|\\x00ff\n-2|~|~\n");
    fixture_expect(&f, "1\ta\\tb\\nc\\\\d\\qe\\101\\x41\\x4\t\\N\n", "1|a\tb\nc\\dqeAA\x04|~\n");
    fixture_expect(&f, "1\tline\\\ntwo\\\ttab\t\\N\n", "1|line\ntwo\ttab|~\n");
    fixture_expect(&f, "1\t\t\\N", "1||~\n");
    fixture_expect(&f, "1\ta\t\\N\r\n2\tb\t\\N\r\n", "1|a|~\n2|b|~\n");
    fixture_expect(&f, "1\t\\xc3\\xa9\t\\N\n", "1|\xc3\xa9|~\n");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_end_marker)
{
    Fixture f;
    fixture_init(&f, &mr_codec_text, three, 3);
    fixture_expect(&f, "1\ta\t\\N\n\\.\nmore of any kind\n", "1|a|~\n");
    fixture_expect(&f, "1\ta\t\\N\n\\.", "1|a|~\n");
    fixture_expect(&f, "1\ta\t\\N\n2\tb\t\\N\\.\n", "1|a|~\n2|b|~\n");
    fixture_expect(&f, "1\ta\t\\N\r\n\\.\r\n", "1|a|~\n");
    fixture_expect_error(&f, "1\ta\t\\N\n\\.x\n", MR_ERR_BAD_COPY, "end-of-copy marker corrupt",
                         "COPY edits, line 2");
    fixture_expect_error(&f, "1\ta\t\\N\r\n\\.\n3\n", MR_ERR_BAD_COPY,
                         "end-of-copy marker does not match previous newline style",
                         "COPY edits, line 2");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_errors)
{
    Fixture f;
    fixture_init(&f, &mr_codec_text, three, 3);
    fixture_expect_error(&f, "1\ta\t\\N\n2\tb\r\t\\N\n", MR_ERR_BAD_COPY,
                         "literal carriage return found in data", "COPY edits, line 2");
    fixture_expect_error(&f, "1\ta\t\\N\r\n2\tb\t\\N\n", MR_ERR_BAD_COPY,
                         "literal newline found in data", "COPY edits, line 2");
    fixture_expect_error(&f, "\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type integer: \"\"", NULL);
    fixture_expect_error(&f, "1\n", MR_ERR_BAD_COPY, "missing data for column \"b\"",
                         "COPY edits, line 1: \"1\"");
    fixture_expect_error(&f, "1\ta\\xff\t\\N\n", MR_ERR_BAD_ENCODING,
                         "invalid byte sequence for encoding \"UTF8\": 0xff", NULL);
    fixture_expect_error(&f, "1\ta\\000\t\\N\n", MR_ERR_BAD_ENCODING,
                         "invalid byte sequence for encoding \"UTF8\": 0x00", NULL);
    fixture_expect_error(&f, "3000000000\ta\t\\N\n", MR_ERR_NUMERIC_OUT_OF_RANGE,
                         "value \"3000000000\" is out of range for type integer", NULL);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_encode_and_back)
{
    Fixture f;
    MrArena arena;
    MrBlock *block;
    MrBuilder out;
    fixture_init(&f, &mr_codec_text, three, 3);
    mr_arena_init(&arena, 0);
    mr_builder_init(&out, 0);
    ck_assert_int_eq(mr_block_create(&arena, &f.schema, 2, &block, NULL), MR_OK);
    const char *text = "tab\tline\nback\\slash\r\v\b\f";
    for (uint32_t i = 0; i < 2; i++) {
        ((int32_t *)block->columns[0].data)[i] = (int32_t)i;
        ((MrText *)block->columns[1].data)[i] = mr_text_make(text, (uint32_t)strlen(text));
        ((MrText *)block->columns[2].data)[i] = mr_text_make("\x01\xff", 2);
    }
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[2], &arena, NULL), MR_OK);
    mr_bitmap_clear(block->columns[2].validity, 1);
    ck_assert_int_eq(mr_codec_text.encode(&f.options, block, &out, NULL), MR_OK);
    ck_assert_str_eq(mr_builder_text(&out), "0\ttab\\tline\\nback\\\\slash\\r\\v\\b\\f\t\\\\x01ff\n"
                                            "1\ttab\\tline\\nback\\\\slash\\r\\v\\b\\f\t\\N\n");
    MrBuilder rows;
    mr_builder_init(&rows, 0);
    block_show(block, &rows);
    fixture_expect(&f, mr_builder_text(&out), mr_builder_text(&rows));
    mr_builder_fini(&rows);
    mr_builder_fini(&out);
    mr_arena_fini(&arena);
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pgtext");
    TCase *decode = tcase_create("text");
    tcase_add_test(decode, test_rows_become_columns);
    tcase_add_test(decode, test_end_marker);
    tcase_add_test(decode, test_errors);
    tcase_add_test(decode, test_encode_and_back);
    suite_add_tcase(suite, decode);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
