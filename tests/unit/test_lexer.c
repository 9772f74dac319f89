/*
 * tests/unit/test_lexer.c - tokens, their values and offsets; strings, numbers, operators; keywords.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "parser/grammar.h"
#include "parser/lexer.h"
#include "parser/parser.h"

static MrArena arena;
static MrError err;

static void setup(void)
{
    mr_arena_init(&arena, 0);
    mr_error_clear(&err);
}

static void teardown(void)
{
    mr_arena_fini(&arena);
}

/* Token values of a text joined by `|`, or the SQLSTATE of the error. */
static const char *lex(const char *text)
{
    static char out[1024];
    MrLexer lexer;
    MrLexedToken token;
    mr_lexer_init(&lexer, &arena, text, (int32_t)strlen(text));
    out[0] = '\0';
    while (true) {
        if (mr_lexer_next(&lexer, &token, &err) != MR_OK) {
            return err.sqlstate;
        }
        if (token.code == 0) {
            return out;
        }
        if (out[0] != '\0') {
            strcat(out, "|");
        }
        strcat(out, token.token.text);
    }
}

typedef struct LexCase {
    const char *text;
    const char *tokens;
} LexCase;

static const LexCase lex_cases[] = {
    { "", "" },
    { "SELECT Foo FROM \"Bar\"", "select|foo|from|Bar" },
    { "\"a\"\"b\"", "a\"b" },
    { "\xC3\x84pfel", "\xC3\x84pfel" },
    { "a -- b\n c", "a|c" },
    { "a /* x /* y */ z */ b", "a|b" },
    { "'it''s'", "it's" },
    { "'a\\nb'", "a\\nb" },
    { "'a' \n 'b'", "ab" },
    { "'a' -- no line break before\n 'b'", "a|b" },
    { "'a'\n-- comment\n 'b'", "ab" },
    { "'a' 'b'", "a|b" },
    { "E'a\\n\\t\\\\\\'b'", "a\n\t\\'b" },
    { "e'\\x41\\101\\u00e9\\U0001F600\\ud83d\\ude00'",
      "AA\xC3\xA9\xF0\x9F\x98\x80\xF0\x9F\x98\x80" },
    { "$$a'b$$", "a'b" },
    { "$t$a$$b$t$", "a$$b" },
    { "$1+$23", "1|+|23" },
    { "1 1.5 .5 1. 1e5 1E-5", "1|1.5|.5|1.|1e5|1E-5" },
    { "1..2", "1|..|2" },
    { "a+-b", "a|+|-|b" },
    { "a=-1", "a|=|-|1" },
    { "a@-1", "a|@-|1" },
    { "a*-1", "a|*|-|1" },
    { "a<>b", "a|<>|b" },
    { "a!=b", "a|<>|b" },
    { "a->>b", "a|->>|b" },
    { "a#>>b", "a|#>>|b" },
    { "a||b", "a||||b" },
    { "a::b", "a|::|b" },
    { "a=>b", "a|=>|b" },
    { "a:=b", "a|:=|b" },
    { "a--b", "a" },
    { "a+--b\n1", "a|+|1" },
    { "a*/*c*/b", "a|*|b" },
    { "(a,b)[1];", "(|a|,|b|)|[|1|]|;" },
    { "a$b", "a$b" },
    { "'open", "42601" },
    { "\"open", "42601" },
    { "\"\"", "42601" },
    { "/* open", "42601" },
    { "$x$ open", "42601" },
    { "1a", "42601" },
    { "1e", "42601" },
    { "$1a", "42601" },
    { "$0", "42P02" },
    { "$65536", "42P02" },
    { "$99999999999999999999", "42P02" },
    { "E'\\u12'", "22025" },
    { "E'\\ud800'", "42601" },
    { "E'\\udc00'", "42601" },
    { "E'\\xff'", "22021" },
    { "E'\\000'", "22021" },
    { "E'\\", "42601" },
    { "B'01'", "0A000" },
    { "U&'\\0041\\+0000e4x'", "Aäx" },
    { "u&\"!0041\" UESCAPE '!'", "A" },
    { "U&'\\d83d\\de00' uescapes", "\xF0\x9F\x98\x80|uescapes" },
    { "U&'\\d83d'", "42601" },
    { "U&'\\0000'", "42601" },
    { "U&'\\00g0'", "42601" },
    { "U&'x' UESCAPE 'a'", "42601" },
};

START_TEST(test_text_gives_tokens)
{
    const LexCase *c = &lex_cases[_i];
    ck_assert_str_eq(lex(c->text), c->tokens);
}
END_TEST

START_TEST(test_offsets_are_bytes_of_the_raw_token)
{
    const char *text = "\xC3\xA4 'x''y' \"Q\"";
    MrLexer lexer;
    MrLexedToken token;
    static const int32_t expected[][2] = { { 0, 2 }, { 3, 6 }, { 10, 3 } };
    mr_lexer_init(&lexer, &arena, text, (int32_t)strlen(text));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(mr_lexer_next(&lexer, &token, &err), MR_OK);
        ck_assert_int_eq(token.token.position, expected[i][0]);
        ck_assert_int_eq(token.token.length, expected[i][1]);
    }
}
END_TEST

START_TEST(test_names_have_63_bytes)
{
    char name[80];
    memset(name, 'a', sizeof name);
    name[63] = '\0';
    ck_assert_str_eq(lex(name), name);
    name[63] = 'a';
    name[64] = '\0';
    ck_assert_str_eq(lex(name), "42622");
}
END_TEST

static int first_code(const char *text)
{
    MrLexer lexer;
    MrLexedToken token;
    mr_lexer_init(&lexer, &arena, text, (int32_t)strlen(text));
    ck_assert_int_eq(mr_lexer_next(&lexer, &token, &err), MR_OK);
    return token.code;
}

START_TEST(test_some_words_depend_on_the_next)
{
    ck_assert_int_eq(first_code("not in"), MR_TOKEN_NOT_LA);
    ck_assert_int_eq(first_code("not a"), MR_TOKEN_NOT);
    ck_assert_int_eq(first_code("emit on window close"), MR_TOKEN_EMIT_LA);
    ck_assert_int_eq(first_code("emit every"), MR_TOKEN_EMIT_LA);
    ck_assert_int_eq(first_code("emit on a = b"), MR_TOKEN_EMIT);
    ck_assert_int_eq(first_code("emit"), MR_TOKEN_EMIT);
    ck_assert_int_eq(first_code("with time zone"), MR_TOKEN_WITH_LA);
    ck_assert_int_eq(first_code("nulls last"), MR_TOKEN_NULLS_LA);
    ck_assert_int_eq(first_code("for system_time"), MR_TOKEN_FOR_LA);
    ck_assert_int_eq(first_code("for update"), MR_TOKEN_FOR);
    ck_assert_int_eq(first_code("asof left"), MR_TOKEN_ASOF_LA);
    ck_assert_int_eq(first_code("match_condition (a)"), MR_TOKEN_MATCH_CONDITION);
}
END_TEST

static int third_code(const char *text)
{
    MrLexer lexer;
    MrLexedToken token;
    mr_lexer_init(&lexer, &arena, text, (int32_t)strlen(text));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(mr_lexer_next(&lexer, &token, &err), MR_OK);
    }
    return token.code;
}

START_TEST(test_units_of_an_interval_may_be_plural)
{
    ck_assert_int_eq(third_code("interval '1' YEARS"), MR_TOKEN_YEAR);
    ck_assert_int_eq(third_code("interval '1' months"), MR_TOKEN_MONTH);
    ck_assert_int_eq(third_code("interval '1' days"), MR_TOKEN_DAY);
    ck_assert_int_eq(third_code("interval '1' hours"), MR_TOKEN_HOUR);
    ck_assert_int_eq(third_code("interval '1' minutes"), MR_TOKEN_MINUTE);
    ck_assert_int_eq(third_code("interval '1' seconds"), MR_TOKEN_SECOND);
    ck_assert_int_eq(third_code("interval '1' second"), MR_TOKEN_SECOND);
    ck_assert_int_eq(third_code("interval '1' \"minutes\""), MR_TOKEN_IDENT);
    ck_assert_int_eq(third_code("interval '1' minutesx"), MR_TOKEN_IDENT);
    ck_assert_int_eq(third_code("timestamp '1' minutes"), MR_TOKEN_IDENT);
    ck_assert_int_eq(third_code("interval minutes minutes"), MR_TOKEN_IDENT);
}
END_TEST

/* keywords.def is searched by halving, and its classes must be those of the grammar. */
START_TEST(test_keywords_are_in_order_and_of_their_class)
{
    size_t count;
    const MrKeyword *list = mr_keyword_list(&count);
    for (size_t i = 0; i < count; i++) {
        const MrKeyword *word = &list[i];
        ck_assert_msg(i == 0 || strcmp(list[i - 1].word, word->word) < 0, "%s", word->word);
        ck_assert_ptr_eq(mr_keyword_find(word->word, strlen(word->word)), word);
        char column[128];
        char function[128];
        char label[128];
        MrStatementList out;
        snprintf(column, sizeof column, "SELECT t.a FROM %s", word->word);
        snprintf(function, sizeof function, "SELECT CAST(a AS %s) FROM t", word->word);
        snprintf(label, sizeof label, "SELECT 1 AS %s", word->word);
        bool is_column = mr_parse(&arena, column, strlen(column), &out, &err) == MR_OK;
        ck_assert_msg(is_column == (word->class == MR_KEYWORD_UNRESERVED ||
                                    word->class == MR_KEYWORD_COLUMN_NAME),
                      "%s as a table's name", word->word);
        if (word->class != MR_KEYWORD_COLUMN_NAME) { /* some of those are types: int, time */
            bool is_type = mr_parse(&arena, function, strlen(function), &out, &err) == MR_OK;
            ck_assert_msg(is_type == (word->class == MR_KEYWORD_UNRESERVED ||
                                      word->class == MR_KEYWORD_FUNCTION_NAME) ||
                              strcmp(word->word, "double") == 0,
                          "%s as a type's name", word->word);
        }
        ck_assert_msg(mr_parse(&arena, label, strlen(label), &out, &err) == MR_OK, "AS %s",
                      word->word);
    }
    ck_assert_ptr_null(mr_keyword_find("selec", 5));
    ck_assert_ptr_null(mr_keyword_find("selecta", 7));
    ck_assert_ptr_null(mr_keyword_find("", 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lexer");
    TCase *tests = tcase_create("tokens");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_text_gives_tokens, 0,
                        (int)(sizeof lex_cases / sizeof lex_cases[0]));
    tcase_add_test(tests, test_offsets_are_bytes_of_the_raw_token);
    tcase_add_test(tests, test_names_have_63_bytes);
    tcase_add_test(tests, test_some_words_depend_on_the_next);
    tcase_add_test(tests, test_units_of_an_interval_may_be_plural);
    tcase_add_test(tests, test_keywords_are_in_order_and_of_their_class);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
