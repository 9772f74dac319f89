/* tests/unit/test_json.c - JSON lines to columns and back; json and jsonb as input types. */
#include "codec_fixture.h"

#include "storage/jsontext.h"

static const MrTypeId five[] = { MR_TYPE_INT64, MR_TYPE_TEXT, MR_TYPE_BOOL, MR_TYPE_NUMERIC,
                                 MR_TYPE_JSON };

START_TEST(test_members_become_columns)
{
    Fixture f;
    fixture_init(&f, &mr_codec_json, five, 5);
    fixture_expect(&f,
                   "{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":1.50,\"e\":{\"k\":[1, 2]}}\n"
                   "\n  \n"
                   "{ \"e\" : \"s\" , \"b\":null,\"zzz\":[{}],\"a\": -7 }\r\n"
                   "{\"a\":1e3,\"a\":2.0,\"b\":[1,\"y\"],\"d\":\"12.3\"}",
                   "1|x|t|1.50|{\"k\":[1, 2]}\n-7|~|~|~|\"s\"\n2|[1,\"y\"]|~|12.3|~\n");
    ck_assert_uint_eq(f.counts.unknown_members, 1);
    fixture_expect(&f, "{\"b\":\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\\/\\t\"}\n{\"\\u0062\":\"esc\"}",
                   "~|\xc3\xa9\xf0\x9f\x98\x80\n\"\\/\t|~|~|~\n~|esc|~|~|~\n");
    fixture_expect(&f, "{}\n{\"b\":true}\n{\"b\":12.50}\n",
                   "~|~|~|~|~\n~|true|~|~|~\n~|12.50|~|~|~\n");
    fixture_expect(&f, "{\"a\":\"12\",\"c\":\"no\"}\n", "12|~|f|~|~\n");
    fixture_expect(&f, "{\"a\":9223372036854775807}\n", "9223372036854775807|~|~|~|~\n");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_arrays)
{
    static const MrTypeId types[] = { MR_TYPE_INT32_ARRAY, MR_TYPE_TEXT_ARRAY,
                                      MR_TYPE_JSONB_ARRAY };
    Fixture f;
    fixture_init(&f, &mr_codec_json, types, 3);
    fixture_expect(
        &f,
        "{\"a\":[1,null,3],\"b\":[\"x\",\"n \\\"\\u0041\",null,\"null\"],"
        "\"c\":[{\"k\":[1, 2]},[1],\"s\"]}\n"
        "{\"a\":[[1,2],[3,4]],\"b\":\"{p,q}\",\"c\":[]}\n{\"a\":[]}",
        "{1,NULL,3}|{x,\"n \\\"A\",NULL,\"null\"}|{\"{\\\"k\\\": [1, 2]}\",[1],\"\\\"s\\\"\"}\n"
        "{{1,2},{3,4}}|{p,q}|{}\n{}|~|~\n");
    fixture_expect_error(&f, "{\"a\":[1,[2]]}", MR_ERR_INVALID_TEXT,
                         "malformed array literal: \"{\"1\",{\"2\"}}\"", NULL);
    fixture_expect_error(&f, "{\"a\":[1.5]}", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type integer: \"1.5\"", NULL);
    fixture_expect_error(&f, "{\"a\":{\"x\":1}}", MR_ERR_INVALID_TEXT,
                         "a JSON object is no value of type integer[]: \"{\"x\":1}\"", NULL);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_paths)
{
    Fixture f;
    fixture_init(&f, &mr_codec_json, five, 5);
    f.columns[0].json_path = "$.actor.id";
    f.columns[1].json_path = "$.actor['login name']";
    f.columns[3].json_path = "$.list[1].v";
    f.columns[4].json_path = "$.actor";
    fixture_expect(
        &f,
        "{\"actor\":{\"id\":5,\"login name\":\"me\",\"more\":1},\"list\":[{\"v\":1},{\"v\":2}]}\n"
        "{\"actor\":7,\"list\":[]}\n"
        "{\"actor\":{\"id\":1},\"actor\":{\"login name\":\"y\"}}\n",
        "5|me|~|2|{\"id\":5,\"login name\":\"me\",\"more\":1}\n~|~|~|~|7\n"
        "~|y|~|~|{\"login name\":\"y\"}\n");
    f.columns[0].json_path = "$.x..y";
    fixture_expect_error(&f, "{}", MR_ERR_INVALID_PARAMETER, "invalid json_path \"$.x..y\"", NULL);
    fixture_fini(&f);
}
END_TEST

START_TEST(test_errors)
{
    Fixture f;
    fixture_init(&f, &mr_codec_json, five, 5);
    fixture_expect_error(&f, "{\"a\":1}\n[1]\n", MR_ERR_INVALID_JSON,
                         "a line of JSON input is not an object", "COPY edits, line 2: \"[1]\"");
    fixture_expect_error(&f, "{\"a\":1.5}\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type bigint: \"1.5\"",
                         "COPY edits, line 1, column a: \"1.5\"");
    fixture_expect_error(&f, "{\"a\":true}\n", MR_ERR_INVALID_TEXT,
                         "a JSON boolean is no value of type bigint: \"true\"", NULL);
    fixture_expect_error(&f, "{\"a\":1\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type json",
                         "The input string ended unexpectedly.\nCOPY edits, line 1: \"{\"a\":1\"");
    fixture_expect_error(&f, "{\"a\":01}\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type json",
                         "Token \"01\" is invalid.\nCOPY edits, line 1: \"{\"a\":01}\"");
    fixture_expect_error(&f, "{\"b\":\"\\ud800\"}\n", MR_ERR_INVALID_TEXT,
                         "invalid input syntax for type json", NULL);
    fixture_expect_error(&f, "{\"b\":\"\\u0000\"}\n", MR_ERR_UNTRANSLATABLE,
                         "unsupported Unicode escape sequence", NULL);
    fixture_expect_error(&f, "{\"b\":\"\xff\"}\n", MR_ERR_BAD_ENCODING,
                         "invalid byte sequence for encoding \"UTF8\": 0xff", NULL);
    fixture_expect_error(&f, "{} x\n", MR_ERR_INVALID_TEXT, "invalid input syntax for type json",
                         NULL);
    char deep[512] = "{\"zzz\":";
    memset(deep + 7, '[', 200);
    fixture_expect_error(&f, deep, MR_ERR_TOO_COMPLEX, "JSON is nested too deeply", NULL);
    f.columns[1].not_null = true;
    fixture_expect_error(
        &f, "{\"a\":1}\n", MR_ERR_NOT_NULL_VIOLATION,
        "null value in column \"b\" of relation \"edits\" violates not-null constraint",
        "COPY edits, line 1, column b: null input");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_bad_rows_are_rejected)
{
    Fixture f;
    fixture_init(&f, &mr_codec_json, five, 5);
    f.options.bad_rows = MR_BAD_ROWS_REJECT;
    fixture_expect(&f, "{\"a\":1}\nnope\n{\"a\":2,\"d\":\"x\"}\n{\"a\":3}\n",
                   "1|~|~|~|~\n3|~|~|~|~\n");
    ck_assert_str_eq(mr_builder_text(&f.rejected),
                     "2: a line of JSON input is not an object [nope]\n"
                     "3: invalid input syntax for type numeric: \"x\" [{\"a\":2,\"d\":\"x\"}]\n");
    fixture_fini(&f);
}
END_TEST

START_TEST(test_encode)
{
    static const MrTypeId types[] = { MR_TYPE_INT64, MR_TYPE_TEXT, MR_TYPE_TIMESTAMP,
                                      MR_TYPE_FLOAT64, MR_TYPE_JSONB };
    Fixture f;
    fixture_init(&f, &mr_codec_json, types, 5);
    MrDecoder *decoder;
    MrBlock *block;
    MrBuilder out;
    size_t used;
    const char *input =
        "{\"a\":1,\"b\":\"q\\\"\\u0001\",\"c\":\"2026-01-01 10:00:00\",\"d\":\"NaN\","
        "\"e\":{\"bb\":1,\"a\":2,\"bb\":3}}\n{}\n";
    mr_builder_init(&out, 0);
    ck_assert_int_eq(mr_codec_json.decoder_create(&f.options, NULL, NULL, &decoder, NULL), MR_OK);
    ck_assert_int_eq(mr_codec_json.decode(decoder, input, strlen(input), &used, NULL), MR_OK);
    ck_assert_int_eq(mr_codec_json.take(decoder, &block, NULL), MR_OK);
    ck_assert_int_eq(mr_codec_json.encode(&f.options, block, &out, NULL), MR_OK);
    ck_assert_str_eq(mr_builder_text(&out),
                     "{\"a\":1,\"b\":\"q\\\"\\u0001\",\"c\":\"2026-01-01T10:00:00\",\"d\":\"NaN\","
                     "\"e\":{\"a\": 2, \"bb\": 3}}\n"
                     "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null}\n");
    mr_codec_json.decoder_destroy(decoder);
    mr_builder_fini(&out);
    fixture_fini(&f);
}
END_TEST

static const struct {
    const char *input, *normal, *detail;
} documents[] = {
    { " { \"b\" : 1 , \"a\" : [ ] } ", "{\"a\": [], \"b\": 1}", NULL },
    { "{\"aa\":1,\"b\":2,\"a\":3,\"b\":4}", "{\"a\": 3, \"b\": 4, \"aa\": 1}", NULL },
    { "[1.0, 1e2, -0.50, 1E-3, true, null]", "[1.0, 100, -0.50, 0.001, true, null]", NULL },
    { "\"\\u00e4\\u000a/\\/\"", "\"\xc3\xa4\\n//\"", NULL },
    { "{}", "{}", NULL },
    { "", NULL, "The input string ended unexpectedly." },
    { "{\"a\" 1}", NULL, "Expected \":\", but found \"1\"." },
    { "{\"a\":1,}", NULL, "Expected string, but found \"}\"." },
    { "[1,]", NULL, "Expected JSON value, but found \"]\"." },
    { "[1 2]", NULL, "Expected \",\" or \"]\", but found \"2\"." },
    { "{1}", NULL, "Expected string or \"}\", but found \"1\"." },
    { "nul", NULL, "Token \"nul\" is invalid." },
    { "\"\\x\"", NULL, "Escape sequence \"\\x\" is invalid." },
    { "\"a\nb\"", NULL, "Character with value 0x0a must be escaped." },
    { "1 2", NULL, "Expected end of input, but found \"2\"." },
};

START_TEST(test_jsonb_is_normalised)
{
    MrArena arena;
    MrString out;
    MrError err = MR_ERROR_INIT;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_json_normalise(&arena, mr_string(documents[_i].input), &out, &err);
    if (documents[_i].normal != NULL) {
        ck_assert_msg(status == MR_OK, "%s: %s %s", documents[_i].input, err.message, err.detail);
        ck_assert_uint_eq(out.length, strlen(documents[_i].normal));
        ck_assert_int_eq(memcmp(out.data, documents[_i].normal, out.length), 0);
        ck_assert_int_eq(mr_json_check(mr_string(documents[_i].input), &err), MR_OK);
    } else {
        ck_assert_int_eq(status, MR_ERR_INVALID_TEXT);
        ck_assert_str_eq(err.detail, documents[_i].detail);
        ck_assert_int_eq(mr_json_check(mr_string(documents[_i].input), &err), MR_ERR_INVALID_TEXT);
        ck_assert_str_eq(err.detail, documents[_i].detail);
    }
    mr_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, test_members_become_columns);
    tcase_add_test(lines, test_arrays);
    tcase_add_test(lines, test_paths);
    tcase_add_test(lines, test_errors);
    tcase_add_test(lines, test_bad_rows_are_rejected);
    tcase_add_test(lines, test_encode);
    tcase_add_loop_test(lines, test_jsonb_is_normalised, 0, sizeof documents / sizeof documents[0]);
    suite_add_tcase(suite, lines);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
