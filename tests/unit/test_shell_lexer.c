/*
 * tests/unit/test_shell_lexer.c - where the shell cuts its input: quotes, comments, variables.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "clients/lexer.h"

typedef struct SplitCase {
    const char *what;
    const char *input;  /* lines */
    const char *events; /* statements between bars, \ for a command, then the prompt */
} SplitCase;

static const SplitCase split_cases[] = {
    { "two statements", "select 1; select 2;", "select 1;|select 2;|=" },
    { "unfinished", "select 1", "-select 1" },
    { "leading space and comment go", "  -- hello\n  select 1;", "select 1;|=" },
    { "comment within stays", "select -- a;\n1;", "select -- a;\n1;|=" },
    { "semicolon in quotes", "select ';';", "select ';';|=" },
    { "quote over lines", "select 'a\nb", "'select 'a\nb" },
    { "doubled quote", "select 'it''s;';", "select 'it''s;';|=" },
    { "backslash in a plain quote", "select 'a\\';", "select 'a\\';|=" },
    { "backslash in an escaped quote", "select E'a\\';b';", "select E'a\\';b';|=" },
    { "escaped quote continues", "select E'a'\n'b\\';c';", "select E'a'\n'b\\';c';|=" },
    { "word before a quote is no prefix", "select type'a\\';", "select type'a\\';|=" },
    { "identifier", "select \"a;\"\"b\";", "select \"a;\"\"b\";|=" },
    { "open identifier", "select \"a", "\"select \"a" },
    { "dollar quote", "select $$;'$$;", "select $$;'$$;|=" },
    { "tagged dollar quote", "select $x$ $$;$y$ $x$;", "select $x$ $$;$y$ $x$;|=" },
    { "open dollar quote", "select $x$ a", "$select $x$ a" },
    { "parameter is no dollar quote", "select $1$2;", "select $1$2;|=" },
    { "dollar within a word", "select a$$b;", "select a$$b;|=" },
    { "nested comment", "/* ; /* ; */ ; */ select 1;", "/* ; /* ; */ ; */ select 1;|=" },
    { "open comment", "select /* a", "*select /* a" },
    { "parentheses keep semicolons", "a (b; c);", "a (b; c);|=" },
    { "open parenthesis", "select (1", "(select (1" },
    { "closing too often", "select 1);", "select 1);|=" },
    { "backslash semicolon", "select 1\\; select 2;", "select 1; select 2;|=" },
    { "command", "select 1 \\g", "\\|-select 1 " },
    { "cast is no variable", "select 1::v;", "select 1::v;|=" },
    { "assignment is no variable", "a:=v;", "a:=v;|=" },
    { "slice", "select a[1:2];", "select a[1:2];|=" },
    { "variable", "select :v;", "select 42;|=" },
    { "literal", "select :'v';", "select <'v>;|=" },
    { "identifier variable", "select :\"v\";", "select <\"v>;|=" },
    { "unknown variable stays", "select :nope, :'nope';", "select :nope, :'nope';|=" },
    { "no variable in quotes", "select ':v';", "select ':v';|=" },
    { "variable with a statement", ":two", "select 1;|select 2;|=" },
    { "variable with an open quote", "select :open b';", "select 'a b';|=" },
    { "variable within itself", "select :self;", "select :self + 1;|=" },
    { "test of a variable", "select :{?v}, :{?nope};", "select TRUE, FALSE;|=" },
    { "empty", "", "=" },
    { "semicolon alone", ";", ";|=" },
    { "UTF-8", "select 'é', ü;", "select 'é', ü;|=" },
};

static char *lookup(void *context, const char *name, MrSubstitute how)
{
    static const char *const values[][2] = {
        { "v", "42" },
        { "two", "select 1; select 2;" },
        { "open", "'a" },
        { "self", ":self + 1" },
    };
    (void)context;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strcmp(values[i][0], name) == 0) {
            switch (how) {
            case MR_SUBSTITUTE_PLAIN: return mr_text_copy(values[i][1]);
            case MR_SUBSTITUTE_TEST: return mr_text_copy("TRUE");
            default:
                return mr_text_format("<%c%s>", how == MR_SUBSTITUTE_LITERAL ? '\'' : '"', name);
            }
        }
    }
    return how == MR_SUBSTITUTE_TEST ? mr_text_copy("FALSE") : NULL;
}

static void scan_line(MrLexer *lexer, const char *line, MrBuffer *statement, MrBuffer *events)
{
    if (statement->length > 0) {
        mr_buffer_append_char(statement, '\n');
    }
    mr_lexer_feed(lexer, line);
    for (;;) {
        switch (mr_lexer_scan(lexer, statement)) {
        case MR_LEXED_SEMICOLON:
            mr_buffer_append_format(events, "%s|", statement->data);
            mr_buffer_clear(statement);
            break;
        case MR_LEXED_BACKSLASH:
            mr_buffer_append(events, "\\|");
            free(mr_lexer_command(lexer));
            break;
        case MR_LEXED_LINE_END: return;
        }
    }
}

START_TEST(test_input_is_cut_where_statements_end)
{
    const SplitCase *c = &split_cases[_i];
    MrLexer lexer;
    MrBuffer statement;
    MrBuffer events;
    mr_lexer_init(&lexer, lookup, NULL);
    mr_buffer_init(&statement);
    mr_buffer_init(&events);
    char *input = mr_text_copy(c->input);
    char *rest = input;
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        scan_line(&lexer, line, &statement, &events);
    }
    mr_buffer_append_char(&events, mr_lexer_prompt(&lexer, &statement));
    mr_buffer_append(&events, statement.data);
    ck_assert_msg(strcmp(events.data, c->events) == 0, "%s: %s", c->what, events.data);
    free(input);
    mr_buffer_fini(&events);
    mr_buffer_fini(&statement);
    mr_lexer_fini(&lexer);
}
END_TEST

typedef struct ArgumentCase {
    const char *input;
    const char *arguments; /* each followed by a bar */
} ArgumentCase;

static const ArgumentCase argument_cases[] = {
    { "copy a b", "a|b|" },
    { "echo 'a b' c", "a b|c|" },
    { "echo 'it''s' 'a\\nb'", "it's|a\nb|" },
    { "echo \"a b\"", "\"a b\"|" },
    { "echo :v :'v' :nope", "42|<'v>|:nope|" },
    { "x on;", "on|" },
    { "x '\\101\\x'", "Ax|" },
    { "x a\\echo b", "a|" },
    { "x", "" },
    { "x a 'open", "a|unterminated" },
};

START_TEST(test_arguments_are_cut_at_spaces)
{
    const ArgumentCase *c = &argument_cases[_i];
    MrLexer lexer;
    MrBuffer found;
    char *argument;
    mr_lexer_init(&lexer, lookup, NULL);
    mr_buffer_init(&found);
    mr_lexer_feed(&lexer, c->input);
    free(mr_lexer_command(&lexer));
    while ((argument = mr_lexer_argument(&lexer, true)) != NULL) {
        mr_buffer_append_format(&found, "%s|", argument);
        free(argument);
    }
    mr_buffer_append(&found, lexer.unterminated ? "unterminated" : "");
    ck_assert_msg(strcmp(found.data, c->arguments) == 0, "%s: %s", c->input, found.data);
    mr_buffer_fini(&found);
    mr_lexer_fini(&lexer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shell_lexer");
    TCase *split = tcase_create("mr_lexer_scan");
    TCase *arguments = tcase_create("mr_lexer_argument");
    tcase_add_loop_test(split, test_input_is_cut_where_statements_end, 0,
                        (int)(sizeof(split_cases) / sizeof(split_cases[0])));
    tcase_add_loop_test(arguments, test_arguments_are_cut_at_spaces, 0,
                        (int)(sizeof(argument_cases) / sizeof(argument_cases[0])));
    suite_add_tcase(suite, split);
    suite_add_tcase(suite, arguments);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
