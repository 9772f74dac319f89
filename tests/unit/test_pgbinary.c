/* tests/unit/test_pgbinary.c - COPY's binary format, and the binary form of single values. */
#include "codec_fixture.h"

static const struct {
    MrTypeId type;
    const char *text;
    const char *bytes; /* as PostgreSQL 15 sends it */
    size_t length;
} values[] = {
    { MR_TYPE_BOOL, "t", "\1", 1 },
    { MR_TYPE_INT16, "-2", "\xff\xfe", 2 },
    { MR_TYPE_INT32, "258", "\0\0\1\2", 4 },
    { MR_TYPE_INT64, "-1", "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },
    { MR_TYPE_FLOAT64, "1", "\x3f\xf0\0\0\0\0\0\0", 8 },
    { MR_TYPE_FLOAT32, "-0.5", "\xbf\0\0\0", 4 },
    { MR_TYPE_NUMERIC, "123.45", "\0\2\0\0\0\0\0\2\0\x7b\x11\x94", 12 },
    { MR_TYPE_NUMERIC, "-10000", "\0\1\0\1\x40\0\0\0\0\1", 10 },
    { MR_TYPE_NUMERIC, "0.00", "\0\0\0\0\0\0\0\2", 8 },
    { MR_TYPE_NUMERIC, "0.00001", "\0\1\xff\xfe\0\0\0\5\3\xe8", 10 },
    { MR_TYPE_NUMERIC, "NaN", "\0\0\0\0\xc0\0\0\0", 8 },
    { MR_TYPE_TEXT, "a text of more than twelve bytes", "a text of more than twelve bytes", 32 },
    { MR_TYPE_BYTEA, "\\x00ff", "\0\xff", 2 },
    { MR_TYPE_DATE, "2000-01-02", "\0\0\0\1", 4 },
    { MR_TYPE_DATE, "infinity", "\x7f\xff\xff\xff", 4 },
    { MR_TYPE_TIMESTAMP, "2000-01-01 00:00:01", "\0\0\0\0\0\xf\x42\x40", 8 },
    { MR_TYPE_TIMESTAMPTZ, "-infinity", "\x80\0\0\0\0\0\0\0", 8 },
    { MR_TYPE_INTERVAL, "1 mon 2 days 00:00:00.000003", "\0\0\0\0\0\0\0\3\0\0\0\2\0\0\0\1", 16 },
    { MR_TYPE_UUID, "00010203-0405-0607-0809-0a0b0c0d0e0f",
      "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 16 },
    { MR_TYPE_JSONB, "{\"a\": 1}", "\1{\"a\": 1}", 9 },
    { MR_TYPE_JSONPATH, "$.\"a\"", "\1$.\"a\"", 6 },
    { MR_TYPE_BPCHAR, "ab  ", "ab  ", 4 },
    { MR_TYPE_TIMETZ, "24:00:00-15:59:59", "\0\0\0\x14\x1d\xd7\x60\0\0\0\xe0\xff", 12 },
};

START_TEST(test_value_there_and_back)
{
    MrArena arena;
    MrBuilder out;
    MrError err = MR_ERROR_INIT;
    _Alignas(16) char cell[24] = { 0 };
    MrType type = mr_type(values[_i].type);
    mr_arena_init(&arena, 0);
    mr_builder_init(&out, 0);
    ck_assert_msg(mr_text_decode_cell(&arena, type, values[_i].text, strlen(values[_i].text), NULL,
                                      cell, &err) == MR_OK,
                  "%s", err.message);
    mr_binary_encode_cell(type.id, cell, &out);
    ck_assert_uint_eq(out.length, values[_i].length);
    ck_assert_msg(memcmp(out.data, values[_i].bytes, out.length) == 0, "%s", values[_i].text);
    memset(cell, 0, sizeof cell);
    ck_assert_msg(mr_binary_decode_cell(&arena, type, values[_i].bytes, values[_i].length, cell,
                                        &err) == MR_OK,
                  "%s", err.message);
    mr_builder_clear(&out);
    mr_cell_format(type.id, cell, NULL, &out);
    ck_assert_str_eq(mr_builder_text(&out), values[_i].text);
    if (!mr_type_is_text(type.id)) {
        MrStatus status = mr_binary_decode_cell(&arena, type, values[_i].bytes,
                                                values[_i].length - 1, cell, NULL);
        ck_assert(status == MR_ERR_INVALID_BINARY || status == MR_ERR_PROTOCOL);
    }
    mr_builder_fini(&out);
    mr_arena_fini(&arena);
}
END_TEST

static const struct {
    MrTypeId type;
    const char *bytes;
    size_t length;
    const char *message;
} wrong[] = {
    { MR_TYPE_JSONB, "", 0, "insufficient data left in message" },
    { MR_TYPE_JSONB, "\2{}", 3, "unsupported jsonb version number 2" },
    { MR_TYPE_JSONPATH, "", 0, "insufficient data left in message" },
    { MR_TYPE_JSONPATH, "\xff$", 2, "unsupported jsonpath version number: 255" },
};

START_TEST(test_wrong_value)
{
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    _Alignas(16) char cell[24] = { 0 };
    mr_arena_init(&arena, 0);
    ck_assert(mr_binary_decode_cell(&arena, mr_type(wrong[_i].type), wrong[_i].bytes,
                                    wrong[_i].length, cell, &err) != MR_OK);
    ck_assert_str_eq(err.message, wrong[_i].message);
    mr_arena_fini(&arena);
}
END_TEST

#define HEAD "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"

START_TEST(test_rows_in_every_cut)
{
    static const MrTypeId types[] = { MR_TYPE_INT32, MR_TYPE_TEXT };
    static const char input[] = HEAD "\0\2\0\0\0\4\0\0\0\7\0\0\0\3abc"
                                     "\0\2\xff\xff\xff\xff\0\0\0\x14twenty bytes of text"
                                     "\0\2\0\0\0\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    Fixture f;
    fixture_init(&f, &mr_codec_binary, types, 2);
    for (size_t cut = 1; cut < sizeof input; cut++) {
        ck_assert_msg(fixture_decode(&f, input, sizeof input - 1, cut) == MR_OK, "%s",
                      f.err.message);
        ck_assert_str_eq(mr_builder_text(&f.shown), "7|abc\n~|twenty bytes of text\n-1|~\n");
    }
    fixture_fini(&f);
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
    const char *message;
} broken[] = {
    { "PGCOPX\n", 7, "COPY file signature not recognized" },
    { "PGCOPY\n", 7, "COPY file signature not recognized" },
    { HEAD "\0\1\0\0\0\4\0\0\0\7", sizeof HEAD - 1 + 10, "row field count is 1, expected 2" },
    { HEAD "\0\2\0\0\0\4\0\0", sizeof HEAD - 1 + 8, "unexpected EOF in COPY data" },
    { HEAD "\0\2\0\0\0\5\0\0\0\0\0\0\0", sizeof HEAD - 1 + 13, "incorrect binary data format" },
    { HEAD "\0\2\xff\xff\xff\xfe", sizeof HEAD - 1 + 6, "invalid field size" },
    { HEAD "\xff\xffx", sizeof HEAD - 1 + 3, "received copy data after EOF marker" },
    { HEAD "\0\2\0\0\0\3\0\0\0\0\0\0\0", sizeof HEAD - 1 + 13,
      "insufficient data left in message" },
    { HEAD "\0\2\0\0\0\5\0\0\0\0\0\0\0\0\0", sizeof HEAD - 1 + 15, "incorrect binary data format" },
};

/* Runs of rows are converted column by column: NULLs, long text, bad rows, many at once. */
START_TEST(test_many_rows_in_every_cut)
{
    static const MrTypeId types[] = { MR_TYPE_INT64,   MR_TYPE_TEXT, MR_TYPE_TIMESTAMP,
                                      MR_TYPE_NUMERIC, MR_TYPE_BOOL, MR_TYPE_INT16 };
    enum { ROWS = 3000, COLUMNS = sizeof types / sizeof types[0] };
    static const size_t cuts[] = { 10000000, 13, 1000, 100000 };
    Fixture f;
    MrBuilder data, rows;
    fixture_init(&f, &mr_codec_binary, types, COLUMNS);
    f.columns[0].not_null = true;
    f.options.bad_rows = MR_BAD_ROWS_REJECT;
    mr_builder_init(&data, 0);
    mr_builder_init(&rows, 0);
    f.codec->encode_begin(&f.options, &data);
    for (int i = 0; i < ROWS; i++) {
        char text[300];
        bool is_bad = i % 500 == 499;
        snprintf(
            text, sizeof text, "%.*s%d", i % 97 == 0 ? 250 : i % 40,
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
            "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
            "dddddddddd",
            i);
        mr_builder_append_u16(&data, COLUMNS);
        mr_builder_append_u32(&data, is_bad ? UINT32_MAX : 8);
        if (!is_bad) {
            mr_builder_append_u64(&data, (uint64_t)i);
        }
        if (i % 5 == 0) {
            mr_builder_append_u32(&data, UINT32_MAX);
        } else {
            mr_builder_append_u32(&data, (uint32_t)strlen(text));
            mr_builder_append(&data, text, strlen(text));
        }
        mr_builder_append_u32(&data, 8);
        mr_builder_append_u64(&data, (uint64_t)i * 1000000);
        mr_builder_append_u32(&data, 10);
        mr_builder_append(&data, "\0\1\0\0\0\0\0\0\0\7", 10);
        mr_builder_append_u32(&data, 1);
        mr_builder_append_char(&data, (char)(i % 2));
        mr_builder_append_u32(&data, i % 3 == 0 ? UINT32_MAX : 2);
        if (i % 3 != 0) {
            mr_builder_append_u16(&data, (uint16_t)i);
        }
        if (is_bad) {
            continue;
        }
        mr_builder_append_format(&rows, "%d|%s|2000-01-01 %02d:%02d:%02d|7|%s|", i,
                                 i % 5 == 0 ? "~" : text, i / 3600, i / 60 % 60, i % 60,
                                 i % 2 == 1 ? "t" : "f");
        if (i % 3 == 0) {
            mr_builder_append_string(&rows, "~\n");
        } else {
            mr_builder_append_format(&rows, "%d\n", i);
        }
    }
    f.codec->encode_end(&f.options, &data);
    for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
        MrStatus status = fixture_decode(&f, data.data, data.length, cuts[c]);
        ck_assert_msg(status == MR_OK, "%s", f.err.message);
        ck_assert_str_eq(mr_builder_text(&f.shown), mr_builder_text(&rows));
        ck_assert_uint_eq(f.counts.rejected, ROWS / 500);
        ck_assert_int_eq(strncmp(mr_builder_text(&f.rejected), "500: null value in column", 25), 0);
    }
    mr_builder_fini(&data);
    mr_builder_fini(&rows);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_broken_input_is_told)
{
    static const MrTypeId types[] = { MR_TYPE_INT32, MR_TYPE_TEXT };
    Fixture f;
    fixture_init(&f, &mr_codec_binary, types, 2);
    ck_assert_int_ne(fixture_decode(&f, broken[_i].bytes, broken[_i].length, 1), MR_OK);
    ck_assert_str_eq(f.err.message, broken[_i].message);
    ck_assert_int_ne(fixture_decode(&f, broken[_i].bytes, broken[_i].length, 1000), MR_OK);
    ck_assert_str_eq(f.err.message, broken[_i].message);
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pgbinary");
    TCase *binary = tcase_create("binary");
    tcase_add_loop_test(binary, test_value_there_and_back, 0, sizeof values / sizeof values[0]);
    tcase_add_loop_test(binary, test_wrong_value, 0, sizeof wrong / sizeof wrong[0]);
    tcase_add_test(binary, test_rows_in_every_cut);
    tcase_add_test(binary, test_many_rows_in_every_cut);
    tcase_add_loop_test(binary, test_broken_input_is_told, 0, sizeof broken / sizeof broken[0]);
    suite_add_tcase(suite, binary);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
