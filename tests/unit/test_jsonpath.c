/* tests/unit/test_jsonpath.c - what following a SQL/JSON path may take in memory. */
#include <check.h>
#include <stdlib.h>

#include "common/text.h"
#include "engine/functions/jsonpath_run.h"

static MrPathResult follow(size_t bytes_max, const char *path_text, MrString json, MrError *err)
{
    MrArena arena;
    MrPath path;
    MrPathItems found = { 0 };
    MrPathTemplates templates = { 0 };
    bool is_fatal;
    mr_arena_init(&arena, bytes_max);
    ck_assert_int_eq(mr_path_parse(&arena, mr_string(path_text), &path, err), MR_OK);
    const MrPathResult result =
        mr_path_run(&arena, &path, json, MR_STRING("{}"), NULL, &templates, &found, &is_fatal, err);
    ck_assert(result != MR_PATH_FAILED || is_fatal);
    mr_arena_fini(&arena);
    return result;
}

/* 10 000 strings, each tried by all templates, with one compilation of each. */
START_TEST(test_templates_are_compiled_once)
{
    static const char *const paths[] = { "$[*] ? (@.datetime() < \"2026-01-01\".datetime())",
                                         "$[*] ? (@.datetime(\"YYYY-MM-DD HH24:MI:SS.US\") == 1)" };
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (int i = 0; i < 10000; i++) {
        mr_builder_append_string(&text, i == 0 ? "[\"x\"" : ",\"x\"");
    }
    mr_builder_append_char(&text, ']');
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        MrError err = MR_ERROR_INIT;
        ck_assert_msg(follow(2 << 20, paths[i], (MrString){ text.data, text.length }, &err) ==
                          MR_PATH_NOT_FOUND,
                      "%s: %s", paths[i], err.message);
    }
    mr_builder_fini(&text);
}
END_TEST

/* Each .keyvalue() makes three objects of one, and every level of ** has the levels below it. */
START_TEST(test_what_is_made_has_a_limit)
{
    MrBuilder text;
    MrError err = MR_ERROR_INIT;
    char *leaf = malloc(3 << 20);
    memset(leaf, 'x', 3 << 20);
    mr_builder_init(&text, 0);
    for (int i = 0; i < 90; i++) {
        mr_builder_append_string(&text, "{\"a\":");
    }
    mr_builder_append_char(&text, '"');
    mr_builder_append(&text, leaf, 3 << 20);
    mr_builder_append_char(&text, '"');
    for (int i = 0; i < 90; i++) {
        mr_builder_append_char(&text, '}');
    }
    ck_assert_int_eq(follow(0, "$.** ? (@.type() == \"object\").keyvalue()",
                            (MrString){ text.data, text.length }, &err),
                     MR_PATH_FAILED);
    ck_assert_int_eq(err.status, MR_ERR_TOO_COMPLEX);
    ck_assert_str_eq(err.message, "a jsonpath makes too many values");
    mr_builder_fini(&text);
    free(leaf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jsonpath");
    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, test_templates_are_compiled_once);
    tcase_add_test(memory, test_what_is_made_has_a_limit);
    suite_add_tcase(suite, memory);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
