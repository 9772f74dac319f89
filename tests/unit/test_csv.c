/* tests/unit/test_csv.c - CSV as COPY reads and writes it. */
#include "codec_fixture.h"

#include "storage/codecs/scan.h"

static const MrTypeId three[] = { MR_TYPE_INT64, MR_TYPE_TEXT, MR_TYPE_TIMESTAMP };

START_TEST(test_rows_become_columns)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    fixture_expect(&f, "1,abc,2026-01-01 00:00:00\n-22,\"a,b\",2026-01-01T10:42:00.5Z\n",
                   "1|abc|2026-01-01 00:00:00\n-22|a,b|2026-01-01 10:42:00.5\n");
    fixture_expect(&f, "1,abc,2026-01-01 00:00:00", "1|abc|2026-01-01 00:00:00\n");
    fixture_expect(&f, ",,\n", "~|~|~\n");
    fixture_expect(&f, "9223372036854775807,\"\",\n-9223372036854775808,\" \",\n",
                   "9223372036854775807||~\n-9223372036854775808| |~\n");
    fixture_expect(&f, "7,\"two\nlines, and \"\"quotes\"\"\",\n8,x\"y,z\"w,\n",
                   "7|two\nlines, and \"quotes\"|~\n8|xy,zw|~\n");
    fixture_expect(&f,
                   "7,a text of more than twelve bytes,\n8,\"and \"\"another\"\" one like it\",\n",
                   "7|a text of more than twelve bytes|~\n8|and \"another\" one like it|~\n");
    fixture_expect(&f, "", "");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_line_ends)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    fixture_expect(&f, "1,a,\r\n2,b,\r\n", "1|a|~\n2|b|~\n");
    fixture_expect(&f, "1,a,\r2,b,\r", "1|a|~\n2|b|~\n");
    fixture_expect(&f, "1,a,\r2,b,", "1|a|~\n2|b|~\n");
    fixture_expect(&f, "1,\"a\r\nb\",\n", "1|a\r\nb|~\n");
    fixture_expect_error(&f, "1,a,\n2,b\r,\n", MR_ERR_BAD_COPY,
                         "unquoted carriage return found in data", "COPY edits, line 2");
    fixture_expect_error(&f, "1,a,\r\n2,b,\n", MR_ERR_BAD_COPY, "unquoted newline found in data",
                         "COPY edits, line 2");
    fixture_expect_error(&f, "1,a,\r\n2,b\r,\r\n", MR_ERR_BAD_COPY,
                         "unquoted carriage return found in data", "COPY edits, line 2");
    fixture_expect_error(&f, "1,a,\r2,b,\n3,c,\r", MR_ERR_BAD_COPY,
                         "unquoted newline found in data", "COPY edits, line 2");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_errors_name_line_and_column)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    fixture_expect_error(&f, "1,a,\n2,b\n", MR_ERR_BAD_COPY, "missing data for column \"c\"",
                         "COPY edits, line 2: \"2,b\"");
    fixture_expect_error(&f, "1,a,,\n", MR_ERR_BAD_COPY, "extra data after last expected column",
                         "COPY edits, line 1: \"1,a,,\"");
    fixture_expect_error(&f, "1,a,\nx,b,\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type bigint: \"x\"",
                         "COPY edits, line 2, column a: \"x\"");
    fixture_expect_error(&f, "1,\"a\nb\",\n2,b,nix\n", MR_ERR_INVALID_DATETIME,
                         "invalid input syntax for type timestamp: \"nix\"",
                         "COPY edits, line 3, column c: \"nix\"");
    fixture_expect_error(&f, "1,a,\nx,b,nix\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type bigint: \"x\"", NULL);
    /* A later column's good field that no kernel takes is not the one to tell. */
    fixture_expect_error(&f, "1,\"a\"\"\",\"2026-01-01\"\nx,b,\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type bigint: \"x\"",
                         "COPY edits, line 2, column a: \"x\"");
    fixture_expect_error(&f, "1,a,bad\nx,b,nix\n", MR_ERR_INVALID_DATETIME,
                         "invalid input syntax for type timestamp: \"bad\"", NULL);
    fixture_expect_error(&f, "99999999999999999999,b,\n", MR_ERR_NUMERIC_OUT_OF_RANGE,
                         "value \"99999999999999999999\" is out of range for type bigint", NULL);
    fixture_expect_error(&f, "1,\"abc\n", MR_ERR_BAD_COPY, "unterminated CSV quoted field", NULL);
    fixture_expect_error(&f, "1,a\xff,\n", MR_ERR_BAD_ENCODING,
                         "invalid byte sequence for encoding \"UTF8\": 0xff", NULL);
    fixture_expect_error(&f, "1,ok,\n2,\xe2\x28\xa1,\n", MR_ERR_BAD_ENCODING,
                         "invalid byte sequence for encoding \"UTF8\": 0xe2 0x28 0xa1", NULL);
    f.columns[1].not_null = true;
    fixture_expect_error(
        &f, "1,,\n", MR_ERR_NOT_NULL_VIOLATION,
        "null value in column \"b\" of relation \"edits\" violates not-null constraint", NULL);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_options)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    f.options.delimiter = ';';
    f.options.quote = '\'';
    f.options.escape = '\\';
    f.options.null_text = "NIL";
    fixture_expect(&f, "1;'it\\'s; \\\\ \\x';NIL\nNIL;'NIL';NIL\n2;;NIL\n",
                   "1|it's; \\ \\x|~\n~|NIL|~\n2||~\n");
    f.options = (MrCodecOptions){ .columns = f.columns, .column_count = 3, .schema = &f.schema };
    f.columns[1].force_not_null = true;
    fixture_expect(&f, "1,,\n", "1||~\n");
    f.columns[1].force_not_null = false;
    f.columns[1].force_null = true;
    fixture_expect(&f, "1,\"\",\n", "1|~|~\n");
    f.columns[0].force_null = true;
    fixture_expect(&f, "\"\",\"x\",\n", "~|x|~\n");
    f.options.null_text = "0";
    fixture_expect(&f, "0,0,0\n1,1,0\n", "~|~|~\n1|1|~\n");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_header)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    f.options.header = true;
    fixture_expect(&f, "x,\"y\nz\",q,r\n1,a,\n", "1|a|~\n");
    fixture_expect(&f, "x,y,z", "");
    f.options.match_header = true;
    fixture_expect(&f, "a,\"b\",c\n1,a,\n", "1|a|~\n");
    fixture_expect_error(&f, "a,b\n", MR_ERR_BAD_COPY,
                         "wrong number of fields in header line: got 2, expected 3", NULL);
    fixture_expect_error(&f, "a,B,c\n", MR_ERR_BAD_COPY,
                         "column name mismatch in header line field 2: got \"B\", expected \"b\"",
                         NULL);
    fixture_expect_error(
        &f, "a,,c\n", MR_ERR_BAD_COPY,
        "column name mismatch in header line field 2: got null value (\"\"), expected \"b\"", NULL);
    f.options.match_header = false;
    f.options.map_header = true;
    fixture_expect(&f,
                   "\xef\xbb\xbf"
                   "B,other,A\nx,9,1\ny,8,2\n",
                   "1|x|~\n2|y|~\n");
    fixture_expect_error(&f, "a,A\n", MR_ERR_DUPLICATE_COLUMN,
                         "column \"a\" is named twice in the header line", NULL);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_bad_rows_are_rejected)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    f.options.bad_rows = MR_BAD_ROWS_REJECT;
    fixture_expect(
        &f, "1,a,\nx,b,\n,c,\n3,\n4,d,nix\n5,\xff,\n6,f,\n,,\n7,\"two\nlines\",\n8,h\rh,\n9,i,\n",
        "1|a|~\n~|c|~\n6|f|~\n~|~|~\n7|two\nlines|~\n9|i|~\n");
    ck_assert_str_eq(mr_builder_text(&f.rejected),
                     "2: invalid input syntax for type bigint: \"x\" [x,b,]\n"
                     "4: missing data for column \"c\" [3,]\n"
                     "5: invalid input syntax for type timestamp: \"nix\" [4,d,nix]\n"
                     "6: invalid byte sequence for encoding \"UTF8\": 0xff [5,\xff,]\n"
                     "11: unquoted carriage return found in data [8,h\rh,]\n");
    ck_assert_uint_eq(f.counts.rejected, 5);
    ck_assert_uint_eq(f.counts.rows, 6);
    f.options.reject_limit = 2;
    fixture_expect_error(&f, "x,a,\nx,a,\nx,b,\n", MR_ERR_INVALID_TEXT,
                         "skipped more than REJECT_LIMIT (2) rows", NULL);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_end_marker)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    fixture_expect(&f, "1,a,\n\\.\nwhat ever \"\n", "1|a|~\n");
    fixture_expect(&f, "1,a,\r\n\\.\r\nmore\r\n", "1|a|~\n");
    fixture_expect(&f, "1,\\.,\n", "1|\\.|~\n");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_dropped_and_missing_columns)
{
    Fixture f;
    fixture_init(&f, &mr_codec_csv, three, 3);
    f.columns[0].target = -1;
    f.columns[1].target = 1;
    fixture_expect(&f, "not a number,x,2026-01-01 00:00:00\n", "~|x|2026-01-01 00:00:00\n");
    fixture_fini(&f);
}
END_TEST

/* Many rows: blocks fill up, long and short texts, every few rows a null. */
START_TEST(test_many_rows)
{
    Fixture f;
    MrBuilder input, rows;
    fixture_init(&f, &mr_codec_csv, three, 3);
    mr_builder_init(&input, 0);
    mr_builder_init(&rows, 0);
    for (int i = 0; i < 150000; i++) {
        char text[80];
        snprintf(text, sizeof text, "%.*s", i % 43,
                 "the quick brown fox jumps over the lazy dog et cetera");
        mr_builder_append_format(&input, "%d,%s%s%s,2026-01-%02d 00:%02d:%02d\n", i,
                                 i % 5 == 0 ? "\"" : "", text, i % 5 == 0 ? "\"" : "", 1 + i / 5000,
                                 i / 60 % 60, i % 60);
        bool null = text[0] == '\0' && i % 5 != 0;
        mr_builder_append_format(&rows, "%d|%s|2026-01-%02d 00:%02d:%02d\n", i, null ? "~" : text,
                                 1 + i / 5000, i / 60 % 60, i % 60);
    }
    static const size_t cuts[] = { 1 << 30, 1000003, 4096, 77 };
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(fixture_decode(&f, input.data, input.length, cuts[i]), MR_OK);
        ck_assert_uint_eq(f.shown.length, rows.length);
        ck_assert_int_eq(memcmp(f.shown.data, rows.data, rows.length), 0);
    }
    mr_builder_fini(&input);
    mr_builder_fini(&rows);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_encode)
{
    static const MrTypeId types[] = { MR_TYPE_TEXT, MR_TYPE_INT32 };
    Fixture f;
    MrArena arena;
    MrBlock *block;
    MrBuilder out;
    fixture_init(&f, &mr_codec_csv, types, 2);
    mr_arena_init(&arena, 0);
    mr_builder_init(&out, 0);
    ck_assert_int_eq(mr_block_create(&arena, &f.schema, 4, &block, NULL), MR_OK);
    static const char *const texts[] = { "plain", "a,b", "say \"hi\"", "" };
    for (uint32_t i = 0; i < 4; i++) {
        ((MrText *)block->columns[0].data)[i] = mr_text_make(texts[i], (uint32_t)strlen(texts[i]));
        ((int32_t *)block->columns[1].data)[i] = (int32_t)i - 1;
    }
    ck_assert_int_eq(mr_vector_make_nullable(&block->columns[1], &arena, NULL), MR_OK);
    mr_bitmap_clear(block->columns[1].validity, 3);
    f.options.header = true;
    mr_codec_csv.encode_begin(&f.options, &out);
    ck_assert_int_eq(mr_codec_csv.encode(&f.options, block, &out, NULL), MR_OK);
    ck_assert_str_eq(mr_builder_text(&out),
                     "a,b\nplain,-1\n\"a,b\",0\n\"say \"\"hi\"\"\",1\n\"\",\n");
    mr_builder_clear(&out);
    f.columns[1].force_quote = true;
    ck_assert_int_eq(mr_codec_csv.encode(&f.options, block, &out, NULL), MR_OK);
    ck_assert_str_eq(mr_builder_text(&out),
                     "plain,\"-1\"\n\"a,b\",\"0\"\n\"say \"\"hi\"\"\",\"1\"\n\"\",\n");
    mr_builder_fini(&out);
    mr_arena_fini(&arena);
    fixture_fini(&f);
}
END_TEST

/* The scan by blocks tells what the scan by bytes tells, on noise made of the bytes that matter. */
START_TEST(test_scans_agree)
{
    static const char noise[] = "ab,\"\"\n\n\r\\.x,,\"0123456789\xc3";
    enum { BYTES = 700, ROOM = 1000 };
    static uint32_t ends[2][ROOM + MR_SCAN_SLACK], rows[2][ROOM + MR_SCAN_SLACK];
    char data[BYTES];
    uint64_t random = 12345;
    for (int round = 0; round < 3000; round++) {
        MrDialect dialect = { .is_csv = round % 2 == 0,
                              .delimiter = ',',
                              .quote = '"',
                              .escape = '"',
                              .line_end = (MrLineEnd)(1 + round / 2 % 3) };
        size_t kinds = sizeof noise - 1;
        for (size_t i = 0; i < BYTES; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            data[i] = noise[(random >> 33) % kinds];
            if (round % 7 > 0 && (data[i] == '\r' || data[i] == '\n' || data[i] == '.')) {
                /* Mostly line ends of one kind, so that the scan goes far. */
                data[i] = dialect.line_end == MR_LINE_CR ? '\r' : '\n';
            }
        }
        size_t length = (random >> 20) % BYTES;
        MrScan fast = { .ends = ends[0], .row_ends = rows[0], .end_room = ROOM };
        MrScan slow = { .ends = ends[1], .row_ends = rows[1], .end_room = ROOM };
        mr_scan(&fast, &dialect, data, length);
        mr_scan_bytes(&slow, &dialect, data, length);
        ck_assert_uint_eq(fast.row_count, slow.row_count);
        ck_assert_int_eq(memcmp(rows[0], rows[1], sizeof rows[0][0] * fast.row_count), 0);
        uint32_t done = fast.row_count > 0 ? rows[0][fast.row_count - 1] + 1 : 0;
        ck_assert_int_eq(memcmp(ends[0], ends[1], sizeof ends[0][0] * done), 0);
        ck_assert(fast.saw_stray == slow.saw_stray || fast.saw_marker || slow.saw_marker);
    }
}
END_TEST

/* Where rows end by blocks, by bytes, and in any cuts. */
START_TEST(test_row_scans_agree)
{
    static const char noise[] = "abcdefgh,\"\n\r";
    enum { BYTES = 900 };
    char data[BYTES];
    uint64_t random = 99;
    for (int round = 0; round < 3000; round++) {
        MrDialect dialect = { .is_csv = round % 4 > 0,
                              .delimiter = ',',
                              .quote = '"',
                              .escape = round % 5 == 0 ? '\\' : '"',
                              .line_end = (MrLineEnd)(1 + round / 2 % 3) };
        for (size_t i = 0; i < BYTES; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            data[i] = noise[(random >> 33) % (sizeof noise - 1)];
        }
        MrRowScan whole = { 0 }, cut = { 0 }, slow = { 0 };
        mr_scan_rows(&whole, &dialect, data, BYTES);
        for (size_t at = 0, bytes; at < BYTES; at += bytes) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes = 1 + (random >> 33) % 200;
            bytes = bytes < BYTES - at ? bytes : BYTES - at;
            mr_scan_rows(&cut, &dialect, data + at, bytes);
            mr_scan_rows_bytes(&slow, &dialect, data + at, bytes);
        }
        ck_assert_uint_eq(whole.end, slow.end);
        ck_assert_uint_eq(whole.end_lines, slow.end_lines);
        ck_assert_uint_eq(whole.lines, slow.lines);
        ck_assert_uint_eq(cut.end, slow.end);
        ck_assert_uint_eq(cut.end_lines, slow.end_lines);
        ck_assert_uint_eq(cut.seen, BYTES);
        ck_assert(whole.in_quote == slow.in_quote && cut.in_quote == slow.in_quote);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *decode = tcase_create("decode");
    tcase_set_timeout(decode, 60);
    tcase_add_test(decode, test_rows_become_columns);
    tcase_add_test(decode, test_line_ends);
    tcase_add_test(decode, test_errors_name_line_and_column);
    tcase_add_test(decode, test_options);
    tcase_add_test(decode, test_header);
    tcase_add_test(decode, test_bad_rows_are_rejected);
    tcase_add_test(decode, test_end_marker);
    tcase_add_test(decode, test_dropped_and_missing_columns);
    tcase_add_test(decode, test_many_rows);
    tcase_add_test(decode, test_encode);
    tcase_add_test(decode, test_scans_agree);
    tcase_add_test(decode, test_row_scans_agree);
    suite_add_tcase(suite, decode);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
