/*
 * tests/unit/test_postgres_sink.c - the PostgreSQL sink and the target over a real server, with
 * lost answers, restarts and other owners.
 */
#include "tests/unit/postgres_fixture.h"

#include <time.h>

#include "storage/sinks/sinks.h"
#include "storage/target.h"

static const MrSinkClass *postgres;
static MrSink *sink;
static MrSinkOptions options;

static void setup(void)
{
    mr_arena_init(&test_arena, 0);
    mr_error_clear(&test_err);
    MUST(mr_fault_init("", &test_err));
    postgres = mr_sink_find(MR_STRING("postgres"));
    options = (MrSinkOptions){ .location = pg_dsn,
                               .lock_timeout_us = 300000,
                               .connect_timeout_us = 5000000,
                               .statement_timeout_us = 5000000 };
    proxy_mode = PROXY_PASS;
    MUST(postgres->open(&options, &sink, &test_err));
}

static void teardown(void)
{
    postgres->close(sink);
    pg_ask(
        "DROP SCHEMA IF EXISTS millrace CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        "GRANT ALL ON SCHEMA public TO PUBLIC");
    mr_arena_fini(&test_arena);
}

static void create_and_attach(const MrSinkTable *table)
{
    MrProgress progress;
    MUST(postgres->create_table(sink, query_a, nonce_1, table, &test_err));
    MUST(postgres->attach(sink, query_a, NULL, 0, nonce_1, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 1);
    ck_assert_int_eq(progress.epoch, 0);
}

static void check_all_rows(const char *found)
{
    Lines lines = { .count = 0 };
    lines_add(&lines, rows_to_block(&all_table.schema, all_rows, 4), NULL);
    for (uint32_t i = 0; i < 4; i++) {
        size_t length = strcspn(found, "\n");
        ck_assert_msg(length == strlen(lines.lines[i]) &&
                          strncmp(found, lines.lines[i], length) == 0,
                      "%.*s is not %s", (int)length, found, lines.lines[i]);
        found += length + 1;
        free(lines.lines[i]);
    }
}

START_TEST(test_every_type_comes_back)
{
    TestEpoch epoch;
    create_and_attach(&all_table);
    MUST(
        commit_one(postgres, sink, epoch_of(&epoch, query_a, &all_table, 1, all_rows, 4, NULL, 0)));
    check_all_rows(table_text(postgres, sink, &all_table));
    ck_assert_str_eq(
        pg_ask("SELECT concat_ws(' ', b, i2, f4, n, n2, n0, v, y, d, tm, ts, iv, j, jb) FROM \"all"
               " \"\"types\"\"\" WHERE id = 1"),
        "t -32768 1.5 12.345 -1.10 123456789012 abc \\x00ff10 2024-02-29 23:59:59.999999 "
        "2024-02-29 12:34:56.789 1 year 2 mons 3 days 04:05:06.7 {\"a\": [1,  2]} {\"a\": null,"
        " \"b\": 1}");
    ck_assert_str_eq(
        pg_ask("SELECT concat_ws(' ', generation, epoch, sequence, watermark AT TIME ZONE 'UTC',"
               " plan_hash)"
               " FROM millrace.progress"),
        "1 1 10 1970-01-01 00:00:01 \\x0000000000000007");
    ck_assert_str_eq(
        pg_ask("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '\"all"
               " \"\"types\"\"\"'::regclass"),
        "PRIMARY KEY (id)");
    MUST(commit_one(postgres, sink,
                    epoch_of(&epoch, query_a, &all_table, 2, all_rows, 1, all_rows + 1, 3)));
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM \"all \"\"types\"\"\""), "1");
}
END_TEST

START_TEST(test_every_type_goes_through_copy)
{
    enum { ROWS = 5000 };
    MrSinkTable table = all_table;
    TestEpoch epoch;
    Lines *lines = calloc(1, sizeof *lines);
    const char **rows = calloc(ROWS, sizeof *rows);
    int32_t weights[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = all_rows[i % 4];
        weights[i] = i == 0 ? 2 : 1;
    }
    table.name = "copied";
    table.key_count = 0;
    create_and_attach(&table);
    MrBlock *block = rows_to_block(&table.schema, rows, ROWS);
    block->weights = weights;
    const MrBlock *blocks[] = { block };
    epoch_of(&epoch, query_a, &table, 1, NULL, 0, NULL, 0);
    epoch.epoch.changes = (MrChangeSet){ .upserts = blocks, .upsert_blocks = 1 };
    MUST(commit_one(postgres, sink, &epoch.epoch));
    MUST(postgres->scan(sink, &table, &test_arena, lines_add, lines, &test_err));
    ck_assert_uint_eq(lines->count, ROWS + 1);
    ck_assert_uint_eq(lines->blocks, 3);
    ck_assert_uint_le(lines->rows_max, MR_VECTOR_ROWS);
    for (uint32_t i = 0; i < lines->count; i++) {
        free(lines->lines[i]);
    }
    free(lines);
    free(rows);
    pg_ask("DELETE FROM copied WHERE ctid NOT IN (SELECT min(ctid) FROM copied GROUP BY id)");
    check_all_rows(table_text(postgres, sink, &table));
}
END_TEST

START_TEST(test_nulls_are_equal_in_a_key)
{
    TestEpoch epoch;
    const char *first[] = { "2024-01-01 00:00:00|~|1", "2024-01-01 00:00:00||2",
                            "2024-01-01 00:00:00|a|3", "2024-01-01 00:01:00|~|4" };
    const char *second[] = { "2024-01-01 00:00:00|~|10", "2024-01-01 00:00:00|a|~" };
    const char *third[] = { "2024-01-01 00:00:00|~|0", "2024-01-01 00:01:00|~|0",
                            "2024-01-01 00:00:00|b|0", "2024-01-01 00:00:00||0" };
    create_and_attach(&busy_table);
    if (_i == 1) { /* as a server before 15 has it */
        pg_ask("ALTER TABLE busy DROP CONSTRAINT busy_window_start_page_key");
        pg_ask("CREATE UNIQUE INDEX ON busy (window_start, (coalesce(page, ''::text)), (page IS"
               " NULL))");
    }
    MUST(commit_one(postgres, sink, epoch_of(&epoch, query_a, &busy_table, 1, first, 4, NULL, 0)));
    MUST(commit_one(postgres, sink, epoch_of(&epoch, query_a, &busy_table, 2, second, 2, NULL, 0)));
    ck_assert_str_eq(
        table_text(postgres, sink, &busy_table),
        "2024-01-01 00:00:00+00|a|~\n2024-01-01 00:00:00+00||2\n2024-01-01 00:00:00+00|~|10\n"
        "2024-01-01 00:01:00+00|~|4\n");
    MUST(commit_one(postgres, sink,
                    epoch_of(&epoch, query_a, &busy_table, 3, second + 1, 1, third, 4)));
    ck_assert_str_eq(table_text(postgres, sink, &busy_table), "2024-01-01 00:00:00+00|a|~\n");
}
END_TEST

START_TEST(test_a_wrong_epoch_writes_nothing)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    MUST(commit_one(postgres, sink, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)));
    MUST_FAIL(commit_one(postgres, sink, &epoch.epoch), "MR001");
    epoch.epoch.epoch = 2;
    epoch.epoch.generation = 2;
    MUST_FAIL(commit_one(postgres, sink, &epoch.epoch), "MR001");
    ck_assert_str_eq(
        pg_ask("SELECT count(*) || ' ' || (SELECT epoch FROM millrace.progress) FROM seen"), "1 1");
    MUST(mr_fault_init("plant:no_compare_and_set", &test_err));
    MUST(commit_one(postgres, sink, &epoch.epoch)); /* the planted bug shows */
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM seen"), "2");
}
END_TEST

START_TEST(test_progress_moves_only_with_the_rows)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    MUST(mr_fault_init(_i == 1 ? "plant:progress_outside" : "", &test_err));
    create_and_attach(&append_table);
    pg_ask("ALTER TABLE seen ADD CHECK (edits <> 1)");
    MUST_FAIL(
        commit_one(postgres, sink, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)),
        "23514");
    ck_assert_int_eq(postgres->classify(&test_err), MR_SINK_FAULT_DATA);
    ck_assert_str_eq(pg_ask("SELECT epoch FROM millrace.progress"), _i == 1 ? "1" : "0");
}
END_TEST

START_TEST(test_a_second_server_fences_the_first)
{
    TestEpoch epoch;
    MrProgress progress;
    MrSink *other;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    MUST(postgres->attach(sink, query_a, NULL, 0, nonce_1, &progress,
                          &test_err)); /* the answer was lost */
    ck_assert_int_eq(progress.generation, 1);
    MUST(postgres->open(&options, &other, &test_err));
    MUST_FAIL(postgres->attach(other, query_a, NULL, 0, nonce_2, &progress, &test_err), "MR001");
    MUST(postgres->attach(other, query_a, NULL, 1, nonce_2, &progress, &test_err));
    MUST_FAIL(
        commit_one(postgres, sink, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)),
        "MR001");
    MUST(postgres->resolve(sink, query_a, NULL, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 2);
    epoch.epoch.generation = 2;
    MUST(commit_one(postgres, other, &epoch.epoch));
    MUST_FAIL(postgres->resolve(sink, query_b, NULL, &progress, &test_err), "42704");
    /* Put back to a state from before the last attach: it is whose the newer one was. */
    MUST(postgres->attach(other, query_a, NULL, 7, nonce_2, &progress, &test_err));
    ck_assert_int_eq(progress.generation, 8);
    ck_assert_int_eq(progress.epoch, 1);
    postgres->close(other);
}
END_TEST

static const struct {
    const char *sql, *state;
    MrSinkFault fault;
} broken_cases[] = {
    { "DROP TABLE busy", "42P01", MR_SINK_FAULT_BLOCKED },
    { "ALTER TABLE busy DROP COLUMN edits", "42703", MR_SINK_FAULT_BLOCKED },
    { "ALTER TABLE busy ALTER COLUMN edits TYPE text", "42804", MR_SINK_FAULT_BLOCKED },
    { "ALTER TABLE busy DROP CONSTRAINT busy_window_start_page_key", "42P10",
      MR_SINK_FAULT_BLOCKED },
    { "ALTER TABLE busy ADD CHECK (edits <> 1)", "23514", MR_SINK_FAULT_DATA },
    { "ALTER TABLE busy ALTER COLUMN page SET NOT NULL", "23502", MR_SINK_FAULT_DATA },
    { "DROP TABLE millrace.progress", "42P01", MR_SINK_FAULT_BLOCKED },
    { "DELETE FROM millrace.progress", "MR001", MR_SINK_FAULT_FENCED },
};

START_TEST(test_what_users_do_to_a_table_is_told)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|~|1" };
    create_and_attach(&busy_table);
    pg_ask(broken_cases[_i].sql);
    MrStatus status =
        commit_one(postgres, sink, epoch_of(&epoch, query_a, &busy_table, 1, rows, 1, NULL, 0));
    ck_assert_int_ne(status, MR_OK);
    ck_assert_str_eq(test_err.sqlstate, broken_cases[_i].state);
    ck_assert_int_eq(postgres->classify(&test_err), broken_cases[_i].fault);
    ck_assert(postgres->is_connected(sink));
}
END_TEST

START_TEST(test_a_lock_of_another_stalls)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    create_and_attach(&append_table);
    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0);
    PGconn *conn = pg_connect_raw();
    PQclear(PQexec(conn, "BEGIN; LOCK TABLE seen"));
    MUST_FAIL(commit_one(postgres, sink, &epoch.epoch), "55P03");
    ck_assert_int_eq(postgres->classify(&test_err), MR_SINK_FAULT_STALLED);
    PQfinish(conn);
    MUST(commit_one(postgres, sink, &epoch.epoch));
}
END_TEST

START_TEST(test_role_defaults_do_not_reach_a_commit)
{
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    pg_ask("ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'");
    pg_ask("ALTER DATABASE postgres SET synchronous_commit = off");
    pg_ask("ALTER DATABASE postgres SET search_path = ''");
    pg_ask("CREATE TABLE watch(level text, sync text, path text)");
    PGconn *conn = pg_connect_raw(); /* whom it does not concern */
    PQclear(PQexec(conn, "ALTER DATABASE postgres SET default_transaction_read_only = on"));
    /* Less than anything takes. */
    PQclear(PQexec(conn, "ALTER DATABASE postgres SET statement_timeout = 1"));
    postgres->close(sink);
    MUST(postgres->open(&options, &sink, &test_err));
    create_and_attach(&append_table);
    PQclear(PQexec(
        conn,
        "CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_catalog.pg_sleep(0.6); INSERT INTO public.watch"
        " VALUES (current_setting('transaction_isolation'), current_setting('synchronous_commit'),"
        " current_setting('search_path')); RETURN NEW; END $$"));
    PQclear(PQexec(conn,
                   "CREATE TRIGGER note AFTER INSERT ON public.seen FOR EACH ROW EXECUTE FUNCTION"
                   " public.note()"));
    MUST(commit_one(postgres, sink, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0)));
    PQclear(PQexec(conn, "ALTER DATABASE postgres RESET ALL"));
    PQfinish(conn);
    ck_assert_str_eq(pg_ask("SELECT level || ' ' || sync || ' ' || path FROM watch"),
                     "read committed on pg_catalog, pg_temp");
}
END_TEST

START_TEST(test_tables_are_made_dropped_and_kept_apart)
{
    MrSinkTable odd = busy_table;
    MUST(postgres->create_table(sink, query_a, nonce_1, &busy_table, &test_err));
    MUST(postgres->create_table(sink, query_a, nonce_1, &busy_table,
                                &test_err)); /* the answer was lost */
    MUST_FAIL(postgres->create_table(sink, query_b, nonce_1, &busy_table, &test_err), "42P07");
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM millrace.progress"), "1");
    ck_assert_str_eq(pg_ask("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid ="
                            " 'busy'::regclass"),
                     "UNIQUE NULLS NOT DISTINCT (window_start, page)");
    pg_ask("CREATE TABLE seen(x int)");
    MUST(postgres->drop_table(sink, query_b, &append_table, &test_err)); /* not ours: stays */
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM seen"), "0");
    MUST(postgres->drop_table(sink, query_a, &busy_table, &test_err));
    MUST(postgres->drop_table(sink, query_a, &busy_table, &test_err));
    ck_assert_str_eq(
        pg_ask("SELECT (to_regclass('busy') IS NULL)::text || count(*) FROM millrace.progress"),
        "true0");
    odd.schema_name = "nowhere";
    MUST_FAIL(postgres->create_table(sink, query_a, nonce_1, &odd, &test_err), "3F000");
    odd.schema_name = NULL;
    odd.name = "a\"; DROP TABLE seen; --";
    MUST(postgres->create_table(sink, query_a, nonce_1, &odd, &test_err));
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM \"a\"\"; DROP TABLE seen; --\", seen"), "0");
    MUST(postgres->drop_table(sink, query_a, &odd, &test_err));
    odd.name = "a name of sixty-four bytes, which is one more than PostgreSQL takes";
    MUST_FAIL(postgres->create_table(sink, query_a, nonce_1, &odd, &test_err), "42622");
}
END_TEST

START_TEST(test_a_swap_keeps_what_users_added)
{
    TestEpoch epoch;
    MrProgress progress;
    MrSinkTable fresh = busy_table;
    const char *rows[] = { "2024-01-01 00:00:00|a|1" };
    fresh.name = "busy_new";
    create_and_attach(&busy_table);
    pg_ask("CREATE INDEX by_edits ON busy(edits DESC); GRANT SELECT ON busy TO reader;"
           "GRANT UPDATE (page) ON busy TO reader WITH GRANT OPTION");
    MUST(postgres->create_table(sink, query_b, nonce_1, &fresh, &test_err));
    MUST(postgres->attach(sink, query_b, NULL, 0, nonce_1, &progress, &test_err));
    MUST(commit_one(postgres, sink, epoch_of(&epoch, query_b, &fresh, 1, rows, 1, NULL, 0)));
    pg_ask("CREATE VIEW top AS SELECT page FROM busy");
    MUST_FAIL(postgres->swap_table(sink, query_a, &busy_table, &fresh, false, &test_err), "2BP01");
    pg_ask("DROP VIEW top");
    MUST(postgres->swap_table(sink, query_a, &busy_table, &fresh, false, &test_err));
    ck_assert_str_eq(
        pg_ask(
            "SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE tablename"
            " = 'busy'"),
        "busy_window_start_page_key,by_edits");
    ck_assert_str_eq(
        pg_ask(
            "SELECT has_table_privilege('reader', 'busy', 'SELECT')::text"
            " || has_column_privilege('reader', 'busy', 'page', 'UPDATE WITH GRANT OPTION')::text"
            " || (SELECT page FROM busy) || (SELECT count(*) FROM millrace.progress)"),
        "truetruea1");
    MUST(commit_one(postgres, sink, epoch_of(&epoch, query_b, &busy_table, 2, rows, 1, NULL, 0)));
}
END_TEST

/* ---- who the server is ----------------------------------------------------------------------- */

static const struct {
    const char *dsn;
    bool allow_any;
    const char *password, *state; /* NULL: it works */
} login_cases[] = {
    { "host=127.0.0.1 user=scram dbname=postgres", false, "secret", NULL },
    { "host=127.0.0.1 user=scram dbname=postgres", false, "wrong", "28P01" },
    { "host=127.0.0.1 user=scram dbname=postgres", false, NULL, "28000" },
    { "host=127.0.0.1 user=md5 dbname=postgres", false, "secret", "28000" },
    { "host=127.0.0.1 user=clear dbname=postgres", false, "secret", "28000" },
    { "host=127.0.0.1 user=postgres dbname=postgres", false, "secret", "28000" },
    { "host=127.0.0.1 user=md5 dbname=postgres", true, "secret", NULL },
    { "host=127.0.0.1 user=postgres dbname=postgres", true, NULL, NULL },
    { "host=127.0.0.1 user=scram dbname=nowhere", false, "secret", "3D000" },
    { "host=127.0.0.1 user=scram sslmode=require", false, "secret", "08001" },
    { "host=127.0.0.1 user=scram sslmode=prefer", false, "secret", "22023" },
    { "host=127.0.0.1 user=scram passfile=/etc/passwd", false, "secret", "22023" },
    { "host=127.0.0.1 user=scram options=-cx", false, "secret", "22023" },
    { "service=x", false, NULL, "22023" },
    { "host=127.0.0.1 password=secret user=scram dbname=postgres", false, NULL, NULL },
    { "host=127.0.0.1 password=secret user=scram", false, "secret", "22023" },
    { "nonsense", false, NULL, "22023" },
    { "postgresql://scram@127.0.0.1/postgres", false, "secret", NULL },
};

START_TEST(test_only_a_server_that_proves_itself_gets_in)
{
    MrSink *other = NULL;
    char dsn[256];
    const char *given = login_cases[_i].dsn;
    if (strstr(given, "://") != NULL) {
        snprintf(dsn, sizeof dsn, "postgresql://scram@127.0.0.1:%d/postgres", pg_port);
    } else {
        snprintf(dsn, sizeof dsn, strchr(given, '=') == NULL ? "%s" : "%s port=%d", given, pg_port);
    }
    MrSinkOptions login = options;
    login.location = dsn;
    login.password = login_cases[_i].password;
    login.allow_any_authentication = login_cases[_i].allow_any;
    mr_error_clear(&test_err);
    MrStatus status = postgres->open(&login, &other, &test_err);
    ck_assert_str_eq(test_err.sqlstate, login_cases[_i].state == NULL ? "" : login_cases[_i].state);
    ck_assert_int_eq(status == MR_OK, login_cases[_i].state == NULL);
    ck_assert_ptr_null(strstr(test_err.message, "secret"));
    ck_assert_ptr_null(strstr(test_err.hint, "secret"));
    postgres->close(other);
}
END_TEST

START_TEST(test_an_absent_server_is_retried)
{
    MrSink *other;
    MrSinkOptions login = options;
    login.location = "host=127.0.0.1 port=1 user=x";
    MUST_FAIL(postgres->open(&login, &other, &test_err), "08001");
    ck_assert_int_eq(postgres->classify(&test_err), MR_SINK_FAULT_RETRY);
    ck_assert_ptr_null(other);
}
END_TEST

/* ---- the target over the real server --------------------------------------------------------- */

typedef struct Driver {
    MrTarget *target;
    MrTargetQuery *query;
    int64_t now_us;
} Driver;

static Driver driver_start(const char *dsn, int64_t generation)
{
    Driver driver = { .now_us = 1 };
    MrSinkOptions through = options;
    through.location = dsn;
    MUST(mr_target_create(postgres, &through, 1000000, &driver.target, &test_err));
    MUST(mr_target_add(driver.target, query_a, generation, nonce_1, &append_table, &driver.query,
                       &test_err));
    return driver;
}

/* Runs until the query is idle, jumping over the waits. */
static MrTargetStatus driver_settle(Driver *driver, int runs_max)
{
    MrTargetStatus status;
    for (int i = 0; i < runs_max; i++) {
        int64_t next_us = mr_target_run(driver->target, driver->now_us);
        mr_target_status(driver->query, &status);
        if (status.is_idle && status.state == MR_TARGET_RUNNING) {
            break;
        }
        driver->now_us = next_us == INT64_MAX       ? driver->now_us
                         : next_us > driver->now_us ? next_us
                                                    : driver->now_us;
    }
    mr_target_status(driver->query, &status);
    return status;
}

START_TEST(test_lost_answers_of_commit_double_nothing)
{
    enum { EPOCHS = 200 };
    MUST(postgres->create_table(sink, query_a, nonce_1, &append_table, &test_err));
    Driver driver = driver_start(pg_proxy_dsn, 0);
    driver_settle(&driver, 5);
    for (int i = 1; i <= EPOCHS; i++) {
        TestEpoch epoch;
        char text[64];
        snprintf(text, sizeof text, "2024-01-01 00:00:00|p|%d", i);
        const char *rows[] = { text };
        epoch_of(&epoch, query_a, &append_table, i, rows, 1, NULL, 0);
        proxy_mode = i % 4 == 0 ? PROXY_CUT_AFTER : i % 4 == 2 ? PROXY_CUT_BEFORE : PROXY_PASS;
        mr_target_submit(driver.query, &epoch.epoch);
        MrTargetStatus status = driver_settle(&driver, 20);
        ck_assert_msg(status.is_idle && status.progress.epoch == i, "epoch %d: %s %s", i,
                      mr_target_state_text(status.state), status.error.message);
    }
    ck_assert_int_eq(proxy_mode, PROXY_PASS);
    mr_target_destroy(driver.target);
    ck_assert_str_eq(
        pg_ask("SELECT count(*) || ' ' || count(DISTINCT edits) || ' ' || sum(edits) FROM seen"),
        "200 200 20100");
}
END_TEST

START_TEST(test_a_restart_of_the_server_is_survived)
{
    TestEpoch epoch;
    MrTargetStatus status;
    const char *rows[] = { "2024-01-01 00:00:00|p|1" };
    MUST(postgres->create_table(sink, query_a, nonce_1, &append_table, &test_err));
    Driver driver = driver_start(pg_dsn, 0);
    ck_assert_int_eq(driver_settle(&driver, 5).state, MR_TARGET_RUNNING);
    epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0);
    mr_target_submit(driver.query, &epoch.epoch);
    driver_settle(&driver, 5);
    pg_stop(SIGINT);
    mr_target_submit(driver.query, epoch_of(&epoch, query_a, &append_table, 2, rows, 1, NULL, 0));
    for (int i = 0; i < 4; i++) {
        driver.now_us = mr_target_run(driver.target, driver.now_us);
    }
    mr_target_status(driver.query, &status);
    ck_assert_int_eq(status.state, MR_TARGET_RETRYING);
    ck_assert(!status.is_idle);
    ck_assert_int_ge(status.retries, 2);
    pg_start();
    status = driver_settle(&driver, 10);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert_int_eq(status.progress.epoch, 2);
    mr_target_destroy(driver.target);
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM seen"), "2");
}
END_TEST

START_TEST(test_states_follow_the_table)
{
    TestEpoch epoch;
    MrTargetStatus status;
    const char *rows[] = { "2024-01-01 00:00:00|p|1" };
    MUST(postgres->create_table(sink, query_a, nonce_1, &append_table, &test_err));
    Driver driver = driver_start(pg_dsn, 0);
    driver_settle(&driver, 5);
    pg_ask("ALTER TABLE seen RENAME TO away");
    mr_target_submit(driver.query, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0));
    int64_t next_us = mr_target_run(driver.target, driver.now_us);
    mr_target_status(driver.query, &status);
    ck_assert_int_eq(status.state, MR_TARGET_BLOCKED);
    ck_assert_str_eq(status.error.sqlstate, "42P01");
    ck_assert_int_eq(next_us - driver.now_us, 60000000);
    pg_ask("ALTER TABLE away RENAME TO seen");
    driver.now_us = next_us;
    status = driver_settle(&driver, 3);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert_int_eq(status.progress.epoch, 1);
    /* A table that was restored from a backup together with its progress row. */
    pg_ask("UPDATE millrace.progress SET epoch = 0, sequence = 0");
    mr_target_submit(driver.query, epoch_of(&epoch, query_a, &append_table, 2, rows, 1, NULL, 0));
    mr_target_run(driver.target, driver.now_us);
    mr_target_status(driver.query, &status);
    ck_assert_int_eq(status.state, MR_TARGET_REWIND);
    ck_assert_int_eq(status.progress.epoch, 0);
    ck_assert(status.is_idle);
    mr_target_wake(driver.query);
    driver_settle(&driver, 3);
    pg_ask("UPDATE millrace.progress SET generation = 9");
    mr_target_submit(driver.query, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0));
    mr_target_run(driver.target, driver.now_us);
    mr_target_status(driver.query, &status);
    ck_assert_int_eq(status.state, MR_TARGET_FENCED);
    mr_target_destroy(driver.target);
    ck_assert_str_eq(pg_ask("SELECT count(*) FROM seen"), "1");
}
END_TEST

START_TEST(test_a_scan_runs_beside_a_commit)
{
    TestEpoch epoch;
    Lines lines = { .count = 0 };
    const char *rows[] = { "2024-01-01 00:00:00|p|1" };
    MUST(postgres->create_table(sink, query_a, nonce_1, &append_table, &test_err));
    Driver driver = driver_start(pg_dsn, 0);
    mr_target_submit(driver.query, epoch_of(&epoch, query_a, &append_table, 1, rows, 1, NULL, 0));
    driver_settle(&driver, 5);
    for (int i = 0; i < 3;
         i++) { /* the second uses the connection of the first; the third a new one */
        MUST(mr_target_scan(driver.target, &append_table, &test_arena, lines_add, &lines,
                            &test_err));
        if (i == 1) {
            /* Waits until the processes are gone. */
            pg_ask("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
                   " WHERE application_name = 'millrace'");
        }
    }
    ck_assert_uint_eq(lines.count, 3);
    for (uint32_t i = 0; i < lines.count; i++) {
        free(lines.lines[i]);
    }
    mr_target_destroy(driver.target);
    postgres->close(sink);
    MUST(postgres->open(&options, &sink, &test_err));
}
END_TEST

START_TEST(test_a_small_epoch_is_quick)
{
    enum { EPOCHS = 300 };
    TestEpoch epoch;
    const char *rows[] = { "2024-01-01 00:00:00|p|1", "2024-01-01 00:00:00|q|1" };
    struct timespec start, end;
    create_and_attach(&busy_table);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 1; i <= EPOCHS; i++) {
        MUST(commit_one(postgres, sink,
                        epoch_of(&epoch, query_a, &busy_table, i, rows, 1, rows + 1, 1)));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ms =
        (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
    printf("# %.3f ms an epoch\n", ms / EPOCHS); /* printed, not judged */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postgres_sink");
    TCase *tests = tcase_create("postgres");
    setenv("CK_FORK", "no", 1); /* one server and one proxy for all */
    tcase_add_unchecked_fixture(tests, pg_set_up, pg_tear_down);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_every_type_comes_back);
    tcase_add_test(tests, test_every_type_goes_through_copy);
    tcase_add_loop_test(tests, test_nulls_are_equal_in_a_key, 0, 2);
    tcase_add_test(tests, test_a_wrong_epoch_writes_nothing);
    tcase_add_loop_test(tests, test_progress_moves_only_with_the_rows, 0, 2);
    tcase_add_test(tests, test_a_second_server_fences_the_first);
    tcase_add_loop_test(tests, test_what_users_do_to_a_table_is_told, 0,
                        sizeof broken_cases / sizeof broken_cases[0]);
    tcase_add_test(tests, test_a_lock_of_another_stalls);
    tcase_add_test(tests, test_role_defaults_do_not_reach_a_commit);
    tcase_add_test(tests, test_tables_are_made_dropped_and_kept_apart);
    tcase_add_test(tests, test_a_swap_keeps_what_users_added);
    tcase_add_loop_test(tests, test_only_a_server_that_proves_itself_gets_in, 0,
                        sizeof login_cases / sizeof login_cases[0]);
    tcase_add_test(tests, test_an_absent_server_is_retried);
    tcase_add_test(tests, test_lost_answers_of_commit_double_nothing);
    tcase_add_test(tests, test_a_restart_of_the_server_is_survived);
    tcase_add_test(tests, test_states_follow_the_table);
    tcase_add_test(tests, test_a_scan_runs_beside_a_commit);
    tcase_add_test(tests, test_a_small_epoch_is_quick);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
