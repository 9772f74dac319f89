/*
 * tests/unit/test_sqlite_sink.c - the SQLite sink over real files, looked at with SQLite itself.
 */
#include "tests/unit/sink_fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>

static const MrSinkClass *sqlite_class;
static char directory[64];
static char path[128];
static MrSink *sink;
static MrSinkOptions options;

static void setup(void)
{
    mr_arena_init(&test_arena, 0);
    MUST(mr_fault_init("", &test_err));
    sqlite_class = mr_sink_find(MR_STRING("sqlite"));
    strcpy(directory, "/tmp/mr-sqlite-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/target.db", directory);
    options = (MrSinkOptions){ .location = path, .lock_timeout_us = 200000 };
    MUST(sqlite_class->open(&options, &sink, &test_err));
}

static void teardown(void)
{
    char command[128];
    sqlite_class->close(sink);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
    mr_arena_fini(&test_arena);
}

/* What another program sees: the first column of the first row. */
static const char *ask(const char *sql)
{
    static char answer[4096];
    sqlite3 *db;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    answer[0] = '\0';
    code = sqlite3_step(statement);
    ck_assert_msg(code == SQLITE_ROW || code == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
    if (code == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL) {
        snprintf(answer, sizeof answer, "%s", sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

static void create_and_attach(const MrSinkTable *table)
{
    MrProgress progress;
    MUST(sqlite_class->create_table(sink, query_a, nonce_1, table, &test_err));
    MUST(sqlite_class->attach(sink, query_a, NULL, 0, nonce_1, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 1);
    ck_assert_int_eq(progress.epoch, 0);
}

START_TEST(test_every_type_comes_back)
{
    TestEpoch epoch;
    create_and_attach(&all_table);
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &all_table, 1, all_rows, 4, NULL, 0)));
    MrBlock *block = rows_to_block(&all_table.schema, all_rows, 4);
    Lines lines = { .count = 0 };
    lines_add(&lines, block, NULL);
    const char *found = table_text(sqlite_class, sink, &all_table);
    for (uint32_t i = 0; i < 4; i++) {
        size_t length = strcspn(found, "\n");
        ck_assert_int_eq(strncmp(found, lines.lines[i], length), 0);
        ck_assert_uint_eq(length, strlen(lines.lines[i]));
        found += length + 1;
        free(lines.lines[i]);
    }
}
END_TEST

static const struct {
    const char *sql, *answer;
} storage_cases[] = {
    { "SELECT typeof(b) || b || typeof(i2) || typeof(n0) || n0 FROM \"all \"\"types\"\"\" WHERE id = 1",
      "integer1integerinteger123456789012" },
    { "SELECT typeof(f4) || typeof(f8) || typeof(n) || n || typeof(n2) || n2 FROM \"all \"\"types\"\"\" WHERE id = 1",
      "realrealreal12.345real-1.1" },
    { "SELECT typeof(y) || hex(y) || typeof(ts) || ts FROM \"all \"\"types\"\"\" WHERE id = 1",
      "blob00FF10text2024-02-29 12:34:56.789" },
    { "SELECT tz || ' ' || d || ' ' || tm FROM \"all \"\"types\"\"\" WHERE id = 1",
      "2024-02-29 12:34:56 2024-02-29 23:59:59.999999" },
    { "SELECT f8 || f4 || n || d || ts || tz FROM \"all \"\"types\"\"\" WHERE id = 3",
      "NaNNaNNaNinfinityinfinity-infinity" },
    { "SELECT f4 || f8 FROM \"all \"\"types\"\"\" WHERE id = 4", "Infinity-Infinity" },
    { "SELECT iv || u || j || jb FROM \"all \"\"types\"\"\" WHERE id = 1",
      "1 year 2 mons 3 days 04:05:06.70123abcd-0000-4000-8000-00000000ffff{\"a\": [1,  2]}{\"a\":"
      " null, \"b\": 1}" },
    { "SELECT typeof(y) || length(y) FROM \"all \"\"types\"\"\" WHERE id = 2", "blob0" },
    { "SELECT sequence || ' ' || epoch || ' ' || generation || ' ' || watermark || hex(plan_hash)"
      " FROM millrace_progress",
      "10 1 1 1970-01-01 00:00:010000000000000007" },
    { "PRAGMA integrity_check", "ok" },
};

START_TEST(test_storage_classes_are_those_of_the_dialect)
{
    TestEpoch epoch;
    create_and_attach(&all_table);
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &all_table, 1, all_rows, 4, NULL, 0)));
    ck_assert_str_eq(ask(storage_cases[_i].sql), storage_cases[_i].answer);
}
END_TEST

START_TEST(test_nulls_are_equal_in_a_key)
{
    TestEpoch epoch;
    const char *first[] = { "2024-01-01 00:00:00|~|1", "2024-01-01 00:00:00||2",
                            "2024-01-01 00:00:00|a|3", "2024-01-01 00:01:00|~|4" };
    const char *second[] = { "2024-01-01 00:00:00|~|10", "2024-01-01 00:00:00|a|~" };
    const char *third[] = { "2024-01-01 00:00:00|~|0", "2024-01-01 00:01:00|~|0",
                            "2024-01-01 00:02:00|~|0" };
    create_and_attach(&busy_table);
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &busy_table, 1, first, 4, NULL, 0)));
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &busy_table, 2, second, 2, NULL, 0)));
    ck_assert_str_eq(
        table_text(sqlite_class, sink, &busy_table),
        "2024-01-01 00:00:00+00|a|~\n2024-01-01 00:00:00+00||2\n2024-01-01 00:00:00+00|~|10\n"
        "2024-01-01 00:01:00+00|~|4\n");
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &busy_table, 3, second + 1, 1, third, 3)));
    ck_assert_str_eq(table_text(sqlite_class, sink, &busy_table),
                     "2024-01-01 00:00:00+00|a|~\n2024-01-01 00:00:00+00||2\n");
}
END_TEST

START_TEST(test_a_delete_uses_the_index)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    create_and_attach(&busy_table);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(db,
                           "EXPLAIN QUERY PLAN DELETE FROM busy WHERE window_start = ?1"
                           " AND coalesce(page, x'') = coalesce(?2, x'')",
                           -1, &statement, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    const char *plan = (const char *)sqlite3_column_text(statement, 3);
    ck_assert_msg(strstr(plan, "busy_key_aa010203 (window_start=? AND <expr>=?)") != NULL, "%s",
                  plan);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}
END_TEST

START_TEST(test_a_wrong_epoch_writes_nothing)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)));
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "MR001");
    epoch.epoch.epoch = 3;
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "MR001");
    epoch.epoch.epoch = 2;
    epoch.epoch.generation = 2;
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "MR001");
    ck_assert_str_eq(
        ask("SELECT count(*) || ' ' || (SELECT epoch FROM millrace_progress) FROM seen"), "1 1");
}
END_TEST

START_TEST(test_planted_bugs_show)
{
    TestEpoch epoch, bad;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    const char *too_large[] = { "9|~|~|~|~|~|~|~|~|99999999999999999999|~|~|~|~|~|~|~|~|~|~|~" };
    create_and_attach(&append_table);
    MUST(mr_fault_init("plant:no_compare_and_set", &test_err));
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)));
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
    ck_assert_str_eq(ask("SELECT count(*) FROM seen"), "2");
    MUST(mr_fault_init("plant:progress_outside", &test_err));
    MUST(sqlite_class->create_table(sink, query_a, nonce_1, &append_table, &test_err));
    MUST_FAIL(commit_one(sqlite_class, sink,
                         epoch_of(&bad, query_a, &all_table, 2, too_large, 1, NULL, 0)),
              "42P01");
    ck_assert_str_eq(ask("SELECT epoch FROM millrace_progress"), "2");
}
END_TEST

START_TEST(test_a_number_beyond_int64_is_a_data_error)
{
    TestEpoch epoch;
    const char *rows[] = { "9|~|~|~|~|~|~|~|~|99999999999999999999|~|~|~|~|~|~|~|~|~|~|~" };
    create_and_attach(&all_table);
    MUST_FAIL(
        commit_one(sqlite_class, sink, epoch_of(&epoch, query_a, &all_table, 1, rows, 1, NULL, 0)),
        "22003");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_DATA);
    ck_assert_str_eq(ask("SELECT epoch FROM millrace_progress"), "0");
}
END_TEST

START_TEST(test_numeric_as_text_keeps_every_digit)
{
    static const MrColumn columns[] = { { "n", { MR_TYPE_NUMERIC, -1 }, false, NULL },
                                        { "s", { MR_TYPE_NUMERIC, -1 }, false, NULL } };
    static const bool integral[] = { false, true };
    MrSinkTable table = {
        .name = "exact", .schema = { 2, columns }, .numeric_as_text = true, .integral = integral
    };
    const char *rows[] = { "1.2345678901234567890123456789|9223372036854775807" };
    TestEpoch epoch;
    create_and_attach(&table);
    MUST(commit_one(sqlite_class, sink, epoch_of(&epoch, query_a, &table, 1, rows, 1, NULL, 0)));
    ck_assert_str_eq(ask("SELECT typeof(n) || n || typeof(s) || s FROM exact"),
                     "text1.2345678901234567890123456789integer9223372036854775807");
    ck_assert_str_eq(table_text(sqlite_class, sink, &table),
                     "1.2345678901234567890123456789|9223372036854775807\n");
}
END_TEST

START_TEST(test_a_second_server_fences_the_first)
{
    TestEpoch epoch;
    MrProgress progress;
    MrSink *other;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    MUST(sqlite_class->attach(sink, query_a, NULL, 0, nonce_1, &progress,
                              &test_err)); /* the answer was lost */
    ck_assert_int_eq(progress.generation, 1);
    MUST(sqlite_class->open(&options, &other, &test_err));
    MUST_FAIL(sqlite_class->attach(other, query_a, NULL, 0, nonce_2, &progress, &test_err),
              "MR001");
    MUST(sqlite_class->attach(other, query_a, NULL, 1, nonce_2, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 2);
    MUST_FAIL(commit_one(sqlite_class, sink,
                         epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)),
              "MR001");
    ck_assert_str_eq(ask("SELECT count(*) FROM seen"), "0");
    epoch.epoch.generation = 2;
    MUST(commit_one(sqlite_class, other, &epoch.epoch));
    /* Put back to a state from before the last attach: it is whose the newer one was. */
    MUST(sqlite_class->attach(other, query_a, NULL, 7, nonce_2, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 8);
    ck_assert_int_eq(progress.epoch, 1);
    sqlite_class->close(other);
}
END_TEST

START_TEST(test_a_dropped_table_or_column_blocks)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0);
    ask("ALTER TABLE seen DROP COLUMN page");
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "42703");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_BLOCKED);
    ask("DROP TABLE seen");
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "42P01");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_BLOCKED);
    MUST_FAIL(sqlite_class->create_table(sink, query_a, nonce_1, &append_table, &test_err),
              "42P01");
    ask("CREATE TABLE seen(window_start, page, edits)");
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
}
END_TEST

START_TEST(test_a_lock_of_another_stalls)
{
    TestEpoch epoch;
    sqlite3 *db;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "55P03");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_STALLED);
    ck_assert(sqlite_class->is_connected(sink));
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
    sqlite3_close(db);
}
END_TEST

START_TEST(test_truncate_mode_retries_only_commit)
{
    TestEpoch epoch;
    sqlite3 *db;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    sqlite_class->close(sink);
    options.journal_truncate = true;
    MUST(sqlite_class->open(&options, &sink, &test_err));
    create_and_attach(&append_table);
    ck_assert_str_eq(ask("PRAGMA journal_mode"),
                     "delete"); /* not WAL; TRUNCATE is the connection's own */
    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM seen", NULL, NULL, NULL),
                     SQLITE_OK);
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch),
              "55P03"); /* a reader is in the way of COMMIT */
    ck_assert(sqlite_class->is_connected(sink));
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
    sqlite3_close(db);
    ck_assert_str_eq(ask("SELECT count(*) FROM seen"), "1");
}
END_TEST

START_TEST(test_a_moved_or_replaced_file_blocks)
{
    TestEpoch epoch;
    MrProgress progress;
    char other[160], command[512];
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0);
    snprintf(other, sizeof other, "%s.away", path);
    ck_assert_int_eq(rename(path, other), 0);
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "58P01");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_BLOCKED);
    ck_assert(!sqlite_class->is_connected(sink));
    sqlite_class->close(sink);
    MUST(sqlite_class->open(&options, &sink, &test_err));
    MUST_FAIL(sqlite_class->resolve(sink, query_a, NULL, &progress, &test_err), "58P01");
    ck_assert_int_ne(access(path, F_OK), 0); /* no empty file in its place */
    snprintf(command, sizeof command, "rm -f %s-wal %s-shm && sqlite3 %s 'CREATE TABLE x(y)'", path,
             path, path);
    ck_assert_int_eq(system(command), 0);
    MUST_FAIL(sqlite_class->resolve(sink, query_a, NULL, &progress, &test_err), "42P01");
    MUST_FAIL(commit_one(sqlite_class, sink, &epoch.epoch), "42P01");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_BLOCKED);
}
END_TEST

START_TEST(test_tables_are_made_dropped_and_kept_apart)
{
    sqlite_class->close(sink);
    MUST(sqlite_class->open(&options, &sink, &test_err));
    MUST(sqlite_class->create_table(sink, query_a, nonce_1, &busy_table, &test_err));
    MUST(sqlite_class->create_table(sink, query_a, nonce_1, &busy_table,
                                    &test_err)); /* the answer was lost */
    MUST_FAIL(sqlite_class->create_table(sink, query_b, nonce_1, &busy_table, &test_err), "42P07");
    ck_assert_str_eq(ask("SELECT count(*) FROM millrace_progress"), "1");
    ask("CREATE TABLE SEEN(x)");
    MUST_FAIL(sqlite_class->create_table(sink, query_b, nonce_1, &append_table, &test_err),
              "42P07");
    MUST(sqlite_class->drop_table(sink, query_b, &append_table, &test_err)); /* not ours: stays */
    ck_assert_str_eq(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'SEEN'"), "1");
    MUST(sqlite_class->drop_table(sink, query_a, &busy_table, &test_err));
    MUST(sqlite_class->drop_table(sink, query_a, &busy_table, &test_err));
    ck_assert_str_eq(ask("SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'"),
                     "millrace_progress,SEEN");
    MrSinkTable named = busy_table;
    named.name = "sqlite_x";
    MUST_FAIL(sqlite_class->create_table(sink, query_a, nonce_1, &named, &test_err), "42602");
    named.name = "";
    MUST_FAIL(sqlite_class->create_table(sink, query_a, nonce_1, &named, &test_err), "42602");
    named.name = "\xff";
    MUST_FAIL(sqlite_class->create_table(sink, query_a, nonce_1, &named, &test_err), "22021");
}
END_TEST

START_TEST(test_a_swap_keeps_what_users_added)
{
    TestEpoch epoch;
    MrProgress progress;
    MrSinkTable fresh = busy_table;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    fresh.name = "busy new";
    create_and_attach(&busy_table);
    ask("CREATE INDEX by_edits ON busy(edits DESC)");
    ask("CREATE VIEW top AS SELECT page FROM busy");
    MUST(sqlite_class->create_table(sink, query_b, nonce_1, &fresh, &test_err));
    MUST(sqlite_class->attach(sink, query_b, NULL, 0, nonce_1, &progress, &test_err));
    MUST(commit_one(sqlite_class, sink, epoch_of(&epoch, query_b, &fresh, 1, rows, 1, NULL, 0)));
    MUST(sqlite_class->swap_table(sink, query_a, &busy_table, &fresh, false, &test_err));
    ck_assert_str_eq(ask("SELECT page FROM top"), "a");
    ck_assert_str_eq(
        ask("SELECT group_concat(name, ',') FROM (SELECT name FROM sqlite_schema WHERE type = 'index'"
            " AND tbl_name = 'busy' AND sql IS NOT NULL ORDER BY 1)"),
        "busy new_key_bb010203,by_edits");
    ck_assert_str_eq(ask("SELECT count(*) FROM millrace_progress"), "1");
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_b, &busy_table, 2, rows, 1, NULL, 0)));
    MUST(sqlite_class->drop_table(sink, query_b, &busy_table, &test_err));
}
END_TEST

START_TEST(test_paths_are_plain_files)
{
    static const char *const paths[] = { "", ":memory:", "file:x.db?mode=memory", "/tmp" };
    MrSinkOptions wrong = options;
    MrSink *other;
    wrong.location = paths[_i];
    mr_error_clear(&test_err);
    ck_assert(sqlite_class->open(&wrong, &other, &test_err) != MR_OK);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(sqlite_class->classify(&test_err),
                     paths[_i][0] == '/' ? MR_SINK_FAULT_BLOCKED : MR_SINK_FAULT_DATA);
}
END_TEST

START_TEST(test_a_hostile_file_cannot_move_progress)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    ask("CREATE TRIGGER evil AFTER INSERT ON seen BEGIN UPDATE millrace_progress SET epoch = 99; END");
    MUST_FAIL(commit_one(sqlite_class, sink,
                         epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)),
              "42501");
    ck_assert_int_eq(sqlite_class->classify(&test_err), MR_SINK_FAULT_BLOCKED);
    ask("DROP TRIGGER evil");
    ask("CREATE TRIGGER evil AFTER INSERT ON seen BEGIN SELECT load_extension('x'); END");
    ck_assert(commit_one(sqlite_class, sink, &epoch.epoch) != MR_OK);
    ck_assert_str_eq(ask("SELECT epoch FROM millrace_progress"), "0");
    sqlite_class->close(sink);
    MUST(sqlite_class->open(&(MrSinkOptions){ .location = path, .read_only = true }, &sink,
                            &test_err));
    FILE *file = fopen(path, "r+");
    fwrite("not a database at all", 1, 21, file);
    fclose(file);
    Lines lines = { .count = 0 };
    MUST_FAIL(sqlite_class->scan(sink, &append_table, &test_arena, lines_add, &lines, &test_err),
              "XX001");
}
END_TEST

START_TEST(test_many_rows_go_through_in_blocks)
{
    enum { ROWS = 10000 };
    TestEpoch epoch;
    Lines *lines = calloc(1, sizeof *lines);
    char(*texts)[48] = calloc(ROWS, sizeof *texts);
    const char **rows = calloc(ROWS, sizeof *rows);
    int32_t weights[ROWS];
    for (int i = 0; i < ROWS; i++) {
        snprintf(texts[i], sizeof texts[i], "2024-01-01 00:00:00|p%d|%d", i, i);
        rows[i] = texts[i];
        weights[i] = i == 7 ? 3 : 1;
    }
    create_and_attach(&append_table);
    MrBlock *block = rows_to_block(&append_table.schema, rows, ROWS);
    block->weights = weights;
    const MrBlock *blocks[] = { block };
    epoch_of(&epoch, query_a, &append_table, 1, NULL, 0, NULL, 0);
    epoch.epoch.changes = (MrChangeSet){ .upserts = blocks, .upsert_blocks = 1 };
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
    MUST(sqlite_class->scan(sink, &append_table, &test_arena, lines_add, lines, &test_err));
    ck_assert_uint_eq(lines->count, ROWS + 2);
    ck_assert_uint_eq(lines->blocks, 5);
    ck_assert_uint_le(lines->rows_max, MR_VECTOR_ROWS);
    for (uint32_t i = 0; i < lines->count; i++) {
        free(lines->lines[i]);
    }
    free(lines);
    free(texts);
    free(rows);
}
END_TEST

/* More than one statement takes, from two blocks, last key first; then some of them anew. */
START_TEST(test_rows_are_written_in_the_order_of_their_key)
{
    enum { ROWS = 5000, AGAIN = 100 };
    TestEpoch epoch;
    char(*texts)[48] = calloc(ROWS, sizeof *texts);
    const char **rows = calloc(ROWS, sizeof *rows);
    for (int i = 0; i < ROWS; i++) {
        snprintf(texts[i], sizeof texts[i], "2024-01-01 00:00:%02d|%05d|%d", i % 10, ROWS - i, i);
        rows[i] = texts[i];
    }
    create_and_attach(&busy_table);
    const MrBlock *blocks[] = {
        rows_to_block(&busy_table.schema, rows, ROWS / 3),
        rows_to_block(&busy_table.schema, rows + ROWS / 3, ROWS - ROWS / 3),
    };
    epoch_of(&epoch, query_a, &busy_table, 1, NULL, 0, NULL, 0);
    epoch.epoch.changes = (MrChangeSet){ .upserts = blocks, .upsert_blocks = 2 };
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
    const char *in_order =
        "SELECT count(*) || ' ' || sum(k > before) FROM (SELECT window_start || page AS k,"
        " lag(window_start || page) OVER (ORDER BY rowid) AS before FROM busy)";
    ck_assert_str_eq(ask(in_order), "5000 4999");
    for (int i = 0; i < AGAIN; i++) {
        snprintf(texts[i], sizeof texts[i], "2024-01-01 00:00:%02d|%05d|-1", i % 10, ROWS - i);
    }
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &busy_table, 2, rows, AGAIN, NULL, 0)));
    ck_assert_str_eq(
        ask("SELECT count(*) || ' ' || sum(edits = -1) || ' ' || max(edits) FROM busy"),
        "5000 100 4999");
    free(texts);
    free(rows);
}
END_TEST

/* A value that cannot be stored stands after rows that could be. */
START_TEST(test_a_statement_that_fails_leaves_no_row)
{
    TestEpoch epoch;
    const char *rows[] = { "1|~|~|~|~|~|~|~|~|5|~|~|~|~|~|~|~|~|~|~|~",
                           "2|~|~|~|~|~|~|~|~|99999999999999999999|~|~|~|~|~|~|~|~|~|~|~" };
    create_and_attach(&all_table);
    MUST_FAIL(
        commit_one(sqlite_class, sink, epoch_of(&epoch, query_a, &all_table, 1, rows, 2, NULL, 0)),
        "22003");
    ck_assert_str_eq(ask("SELECT count(*) FROM \"all \"\"types\"\"\""), "0");
    MUST(
        commit_one(sqlite_class, sink, epoch_of(&epoch, query_a, &all_table, 1, rows, 1, NULL, 0)));
    ck_assert_str_eq(ask("SELECT n0 FROM \"all \"\"types\"\"\""), "5");
}
END_TEST

/* The rows on their way are for our own statement: not for what somebody puts into the file. */
START_TEST(test_a_hostile_file_cannot_read_the_rows)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    MUST(commit_one(sqlite_class, sink,
                    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)));
    ask("CREATE TABLE copy(a, b, c)");
    ask("CREATE TRIGGER evil AFTER INSERT ON seen BEGIN"
        " INSERT INTO copy SELECT * FROM sqlite_millrace_rows_3; END");
    ck_assert(commit_one(sqlite_class, sink,
                         epoch_of(&epoch, query_a, &append_table, 2, rows, 1, NULL, 0)) != MR_OK);
    ck_assert_msg(strstr(test_err.message, "unsafe use of virtual table") != NULL, "%s",
                  test_err.message);
    ck_assert_str_eq(ask("SELECT count(*) FROM copy"), "0");
}
END_TEST

START_TEST(test_late_rows_go_along)
{
    TestEpoch epoch;
    MrSinkTable late = append_table;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    late.name = "busy_late";
    MUST(sqlite_class->create_table(sink, query_a, nonce_1, &late,
                                    &test_err)); /* before the attach */
    create_and_attach(&busy_table);
    epoch_of(&epoch, query_a, &busy_table, 1, rows, 1, NULL, 0);
    epoch.epoch.late_table = &late;
    epoch.epoch.late_rows = rows_to_block(&late.schema, rows, 1);
    MUST(commit_one(sqlite_class, sink, &epoch.epoch));
    ck_assert_str_eq(table_text(sqlite_class, sink, &late), "2024-01-01 00:00:00+00|a|1\n");
    MUST(sqlite_class->drop_table(sink, query_a, &busy_table, &test_err));
    MUST(sqlite_class->drop_table(sink, query_a, &late, &test_err));
    ck_assert_str_eq(ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'busy%'"), "0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite_sink");
    TCase *tests = tcase_create("sqlite");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_every_type_comes_back);
    tcase_add_loop_test(tests, test_storage_classes_are_those_of_the_dialect, 0,
                        sizeof storage_cases / sizeof storage_cases[0]);
    tcase_add_test(tests, test_nulls_are_equal_in_a_key);
    tcase_add_test(tests, test_a_delete_uses_the_index);
    tcase_add_test(tests, test_a_wrong_epoch_writes_nothing);
    tcase_add_test(tests, test_planted_bugs_show);
    tcase_add_test(tests, test_a_number_beyond_int64_is_a_data_error);
    tcase_add_test(tests, test_numeric_as_text_keeps_every_digit);
    tcase_add_test(tests, test_a_second_server_fences_the_first);
    tcase_add_test(tests, test_a_dropped_table_or_column_blocks);
    tcase_add_test(tests, test_a_lock_of_another_stalls);
    tcase_add_test(tests, test_truncate_mode_retries_only_commit);
    tcase_add_test(tests, test_a_moved_or_replaced_file_blocks);
    tcase_add_test(tests, test_tables_are_made_dropped_and_kept_apart);
    tcase_add_test(tests, test_a_swap_keeps_what_users_added);
    tcase_add_loop_test(tests, test_paths_are_plain_files, 0, 4);
    tcase_add_test(tests, test_a_hostile_file_cannot_move_progress);
    tcase_add_test(tests, test_many_rows_go_through_in_blocks);
    tcase_add_test(tests, test_rows_are_written_in_the_order_of_their_key);
    tcase_add_test(tests, test_a_statement_that_fails_leaves_no_row);
    tcase_add_test(tests, test_a_hostile_file_cannot_read_the_rows);
    tcase_add_test(tests, test_late_rows_go_along);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
