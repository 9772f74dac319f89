/*
 * tests/unit/test_plans.c - runs tests/plans/(any).test: SQL and the plan, or the error, it must give.
 *
 * A file is made of blocks with blank lines between them; # starts a comment line.
 *   catalog        statements that define streams and views, each ended by a semicolon
 *   plan [verbose] a statement, a line `----`, then the expected lines
 * MR_PLANS_REWRITE=1 writes the files anew with what the planner gives now; read the difference.
 */
#include <check.h>
#include <dirent.h>
#include <stdlib.h>

#include "parser/print.h"
#include "planner/rewrite.h"
#include "planner_fixture.h"

static char directory[512];

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    char *text = calloc(1, 1 << 20);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

/* The next line without its end; NULL: none. */
static char *next_line(char **rest)
{
    char *line = *rest, *end;
    if (line == NULL || *line == '\0') {
        return NULL;
    }
    end = strchr(line, '\n');
    *rest = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL) {
        *end = '\0';
    }
    return line;
}

static void run_catalog(PlannerFixture *fixture, const char *path, char *sql)
{
    for (char *end; (end = strchr(sql, ';')) != NULL; sql = end + 1) {
        *end = '\0';
        MrStatus status = fixture_define(fixture, sql);
        ck_assert_msg(status == MR_OK, "%s: %s\n%s %s", path, sql, fixture->err.message,
                      fixture->err.hint);
    }
}

typedef struct Block {
    char kind[32];
    MrBuilder sql, expected;
} Block;

static void run_block(PlannerFixture *fixture, const char *path, Block *block, MrBuilder *rewritten)
{
    MrBuilder actual;
    mr_builder_init(&actual, 0);
    if (strcmp(block->kind, "catalog") == 0) {
        mr_builder_append_format(rewritten, "catalog\n%s\n", mr_builder_text(&block->sql));
        run_catalog(fixture, path, (char *)(uintptr_t)mr_builder_text(&block->sql));
    } else {
        ck_assert_msg(strncmp(block->kind, "plan", 4) == 0, "%s: unknown block %s", path,
                      block->kind);
        fixture_explain(fixture, mr_builder_text(&block->sql),
                        strcmp(block->kind, "plan verbose") == 0, &actual);
        mr_builder_append_format(rewritten, "%s\n%s----\n%s\n", block->kind,
                                 mr_builder_text(&block->sql), mr_builder_text(&actual));
        if (getenv("MR_PLANS_REWRITE") == NULL) {
            ck_assert_msg(strcmp(mr_builder_text(&actual), mr_builder_text(&block->expected)) == 0,
                          "%s:\n%swanted:\n%sgot:\n%s", path, mr_builder_text(&block->sql),
                          mr_builder_text(&block->expected), mr_builder_text(&actual));
        }
    }
    mr_builder_fini(&actual);
}

static void run_file(const char *path)
{
    PlannerFixture fixture;
    Block block;
    MrBuilder rewritten;
    char *text = read_all(path), *rest = text, *line;
    bool in_expected = false, open = false;
    fixture_open(&fixture);
    mr_builder_init(&rewritten, 0);
    mr_builder_init(&block.sql, 0);
    mr_builder_init(&block.expected, 0);
    do {
        line = next_line(&rest);
        if (line == NULL || line[0] == '\0') {
            if (open) {
                run_block(&fixture, path, &block, &rewritten);
            }
            open = in_expected = false;
            mr_builder_clear(&block.sql);
            mr_builder_clear(&block.expected);
        } else if (!open && line[0] == '#') {
            mr_builder_append_format(&rewritten, "%s\n", line);
        } else if (!open) {
            snprintf(block.kind, sizeof block.kind, "%s", line);
            open = true;
        } else if (strcmp(line, "----") == 0) {
            in_expected = true;
        } else {
            mr_builder_append_format(in_expected ? &block.expected : &block.sql, "%s\n", line);
        }
    } while (line != NULL);
    if (getenv("MR_PLANS_REWRITE") != NULL) {
        FILE *file = fopen(path, "wb");
        ck_assert(file != NULL);
        size_t length = rewritten.length;
        while (length > 1 && rewritten.data[length - 2] == '\n') {
            length--; /* one line end at the end of the file */
        }
        fwrite(rewritten.data, 1, length, file);
        fclose(file);
    }
    mr_builder_fini(&block.sql);
    mr_builder_fini(&block.expected);
    mr_builder_fini(&rewritten);
    fixture_close(&fixture);
    free(text);
}

START_TEST(test_plans_are_as_written)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int files = 0;
    ck_assert_msg(dir != NULL, "cannot open %s", directory);
    while ((entry = readdir(dir)) != NULL) {
        char path[1024];
        size_t length = strlen(entry->d_name);
        if (length > 5 && strcmp(entry->d_name + length - 5, ".test") == 0) {
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
            run_file(path);
            files++;
        }
    }
    closedir(dir);
    ck_assert_int_gt(files, 0);
}
END_TEST

/* The query that planner/README.md follows, and what each stage makes of it. */
static const char readme_stream[] =
    "CREATE STREAM edits (at timestamptz, page text, username text, added bigint, "
    "WATERMARK FOR at AS at - INTERVAL '10' SECOND)";
static const char readme_query[] =
    "CREATE MATERIALIZED VIEW busy AS\n"
    "SELECT window_start, page, sum(size) AS size\n"
    "FROM TUMBLE((SELECT at, page, added + 1 AS size FROM edits WHERE username <> 'bot'),\n"
    "            at, INTERVAL '1' MINUTE)\n"
    "GROUP BY window_start, page\n"
    "HAVING page <> '' AND count(*) > 1 + 1\n";

static void expect_in_readme(const char *readme, MrBuilder *stage)
{
    if (getenv("MR_PLANS_REWRITE") != NULL) {
        printf("%s\n", mr_builder_text(stage)); /* to be pasted into the page */
    } else {
        ck_assert_msg(strstr(readme, mr_builder_text(stage)) != NULL,
                      "planner/README.md lacks:\n%s", mr_builder_text(stage));
    }
    mr_builder_clear(stage);
}

START_TEST(test_readme_is_true)
{
    PlannerFixture fixture;
    MrBuilder stage;
    MrNode *node = NULL;
    MrBinder binder;
    MrBoundQuery bound;
    char path[600];
    snprintf(path, sizeof path, "%s/../../planner/README.md", directory);
    char *readme = read_all(path);
    fixture_open(&fixture);
    mr_builder_init(&stage, 0);
    ck_assert_int_eq(fixture_define(&fixture, readme_stream), MR_OK);
    ck_assert_int_eq(fixture_parse(&fixture, readme_query, &node), MR_OK);
    mr_ast_print(&stage, node, MR_PRINT_SHOWN);
    expect_in_readme(readme, &stage);
    mr_binder_init(&binder, &fixture.context, MR_BIND_STANDING, &fixture.err);
    ck_assert_int_eq(mr_bind_query(&binder, MR_AST_AS(MrAstCreateView, node)->query, true, &bound),
                     MR_OK);
    mr_logical_print(bound.node, &stage);
    expect_in_readme(readme, &stage);
    ck_assert_int_eq(mr_rewrite_all(&binder, &bound.node), MR_OK);
    mr_logical_print(bound.node, &stage);
    expect_in_readme(readme, &stage);
    fixture_explain(&fixture, readme_query, false, &stage);
    expect_in_readme(readme, &stage);
    mr_builder_fini(&stage);
    fixture_close(&fixture);
    free(readme);
}
END_TEST

int main(void)
{
    const char *source = getenv("srcdir");
    snprintf(directory, sizeof directory, "%s/tests/plans", source != NULL ? source : ".");
    Suite *suite = suite_create("plans");
    TCase *tcase = tcase_create("plans");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_plans_are_as_written);
    tcase_add_test(tcase, test_readme_is_true);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
