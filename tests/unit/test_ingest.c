/*
 * tests/unit/test_ingest.c - bytes of given columns to logged rows: defaults, generated columns, NOT NULL, NULL
 * times, bad rows, transactions.
 */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/ingest.h"
#include "server/log_thread.h"
#include "storage/row_text.h"
#include "tests/unit/planner_fixture.h"

#define START_US INT64_C(1767225600000000) /* 2026-01-01 */

static int wakes;

/* The log's thread, which this test does without. */
void mr_log_thread_wake(MrServer *server)
{
    (void)server;
    wakes++;
}

typedef struct Fixture {
    PlannerFixture planner;
    MrServer server;
    char directory[64];
    const MrRelation *relation;
    MrIngest *ingest;
    MrError err;
} Fixture;

#define MUST(call)                                                             \
    do {                                                                       \
        MrStatus must_status_ = (call);                                        \
        ck_assert_msg(must_status_ == MR_OK, "%s: %s", #call, f->err.message); \
    } while (0)

static void open_fixture(Fixture *f, const char *sql)
{
    memset(f, 0, sizeof *f);
    f->err = (MrError)MR_ERROR_INIT;
    fixture_open(&f->planner);
    MrStatus status = fixture_define(&f->planner, sql);
    ck_assert_msg(status == MR_OK, "%s: %s", sql, f->planner.err.message);
    f->relation = mr_catalog_find(f->planner.catalog, NULL, "s");
    ck_assert_ptr_nonnull(f->relation);
    snprintf(f->directory, sizeof f->directory, "/tmp/mr-test-ingest-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->directory));
    f->server.clock = mr_clock_create_virtual(START_US);
    f->server.catalog = f->planner.catalog;
    MrLogOptions options = { .directory = f->directory,
                             .segment_bytes = 1 << 20,
                             .cache_bytes = 1 << 20,
                             .clock = f->server.clock };
    MUST(mr_log_open(&options, &f->server.log, &f->err));
    const MrStream *stream = f->relation->stream;
    MrLogStream definition = { .stream_id = stream->id,
                               .schema = &stream->schema,
                               .event_column = stream->event_column,
                               .delay_us = stream->delay_us,
                               .max_future_skew_us = stream->max_future_skew_us };
    MUST(mr_log_set_stream(f->server.log, &definition, &f->err));
}

static void close_fixture(Fixture *f)
{
    char command[128];
    mr_ingest_destroy(f->ingest);
    mr_ingest_rejected_forget("s");
    MUST(mr_log_close(f->server.log, &f->err));
    mr_clock_destroy(f->server.clock);
    fixture_close(&f->planner);
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    ck_assert_int_eq(system(command), 0);
}

/* Columns by their names, comma separated; NULL: all that may be given. */
static MrStatus begin(Fixture *f, const MrCodecClass *codec, const char *names,
                      MrIngestOptions options)
{
    const MrStream *stream = f->relation->stream;
    uint32_t *given;
    options.server = &f->server;
    options.catalog = f->planner.catalog;
    options.relation = f->relation;
    options.codec = codec;
    MUST(mr_ingest_all_columns(stream, &f->planner.arena, &given, &options.given_count, &f->err));
    if (names != NULL) {
        given = mr_arena_calloc(&f->planner.arena, stream->schema.column_count + 8, sizeof *given);
        options.given_count = 0;
        for (const char *at = names; *at != '\0'; at += *at == ',') {
            size_t length = strcspn(at, ",");
            for (uint32_t c = 0; c < stream->schema.column_count; c++) {
                if (mr_string_equal((MrString){ at, length }, mr_string(stream->columns[c].name))) {
                    given[options.given_count++] = c;
                }
            }
            at += length;
        }
    }
    options.given = given;
    return mr_ingest_create(&options, &f->ingest, &f->err);
}

/* All rows of the log, as text. */
static const char *logged(Fixture *f)
{
    MrBuilder out;
    uint64_t from = 1;
    mr_builder_init(&out, 0);
    for (;;) {
        MrLogRecord record;
        bool found;
        MUST(mr_log_read(f->server.log, from, UINT64_MAX, NULL, &f->planner.arena, &record, &found,
                         &f->err));
        if (!found) {
            break;
        }
        for (uint32_t row = 0; record.kind == MR_RECORD_ROWS && row < record.block->row_count;
             row++) {
            mr_row_text(record.block, row, NULL, &out);
        }
        from = record.first_sequence + record.row_count;
        mr_log_release(&record);
    }
    const char *text = mr_arena_strdup(&f->planner.arena, mr_builder_text(&out));
    mr_builder_fini(&out);
    return text;
}

typedef struct Case {
    const char *what, *stream, *codec, *given, *input;
    MrAbsent absent;
    bool fails, header;   /* fail_on_bad_row; CSV with a header that maps */
    const char *sqlstate; /* NULL: success */
    uint64_t rows, rejected;
    const char *logged;
} Case;

#define PLAIN "CREATE STREAM s (id BIGINT NOT NULL, word TEXT)"
#define MADE \
    "CREATE STREAM s (id BIGINT NOT NULL, word TEXT DEFAULT 'none', twice BIGINT GENERATED ALWAYS AS (id * 2) STORED)"
#define TIMED(options) \
    "CREATE STREAM s (at TIMESTAMP, v INTEGER, WATERMARK FOR at AS at - INTERVAL '1 second')" options

static const Case cases[] = {
    { "all columns in order", PLAIN, "csv", NULL, "1,x\n2,\n", .fails = true, .rows = 2,
      .logged = "(1, x)(2, null)" },
    { "another order", PLAIN, "csv", "word,id", "x,1\n", .fails = true, .rows = 1,
      .logged = "(1, x)" },
    { "a column left out", PLAIN, "csv", "id", "1\n2\n", .fails = true, .rows = 2,
      .logged = "(1, null)(2, null)" },
    { "last line without an end", PLAIN, "csv", NULL, "1,x\n2,y", .fails = true, .rows = 2,
      .logged = "(1, x)(2, y)" },
    { "nothing", PLAIN, "csv", NULL, "", .fails = true, .logged = "" },
    { "default and generated", MADE, "csv", "id", "1\n7\n", .fails = true, .rows = 2,
      .logged = "(1, none, 2)(7, none, 14)" },
    { "a given null stays null", MADE, "csv", NULL, "1,\n", .fails = true, .rows = 1,
      .logged = "(1, null, 2)" },
    { "json: absent takes the default", MADE, "json", NULL,
      "{\"id\":1}\n{\"id\":2,\"word\":\"x\"}\n", MR_ABSENT_NULL, .fails = true, .rows = 2,
      .logged = "(1, none, 2)(2, x, 4)" },
    { "csv: a column the header leaves out", MADE, "csv", NULL, "id\n1\n", MR_ABSENT_COLUMN,
      .fails = true, .header = true, .rows = 1, .logged = "(1, none, 2)" },
    { "csv: a null under a header", MADE, "csv", NULL, "word,id\n,1\n", MR_ABSENT_COLUMN,
      .fails = true, .header = true, .rows = 1, .logged = "(1, null, 2)" },
    { "not null fails", PLAIN, "csv", NULL, "1,x\n,y\n", .fails = true, .sqlstate = "23502",
      .logged = "" },
    { "not null, nobody gives it", PLAIN, "csv", "word", "x\n", .fails = true, .sqlstate = "23502",
      .logged = "" },
    { "not null is rejected", PLAIN, "csv", NULL, "1,x\n,y\n3,z\n", .rows = 2, .rejected = 1,
      .logged = "(1, x)(3, z)" },
    { "bad text fails", PLAIN, "csv", NULL, "1,x\nq,y\n", .fails = true, .sqlstate = "22P02",
      .logged = "" },
    { "bad text is rejected", PLAIN, "csv", NULL, "q,x\n1,y\n", .rows = 1, .rejected = 1,
      .logged = "(1, y)" },
    { "generated overflow fails", MADE, "csv", "id", "1\n9000000000000000000\n", .fails = true,
      .sqlstate = "22003", .logged = "" },
    { "generated overflow is rejected", MADE, "csv", "id", "1\n9000000000000000000\n3\n", .rows = 2,
      .rejected = 1, .logged = "(1, none, 2)(3, none, 6)" },
    { "a generated column is given", MADE, "csv", "id,twice", "1,2\n", .fails = true,
      .sqlstate = "428C9", .logged = "" },
    { "a column twice", PLAIN, "csv", "id,id", "1,2\n", .fails = true, .sqlstate = "42701",
      .logged = "" },
    { "null time is rejected", TIMED(""), "csv", NULL, ",1\n2026-01-01,2\n", .fails = true,
      .rows = 1, .rejected = 1, .logged = "(2026-01-01 00:00:00, 2)" },
    { "null time fails", TIMED(" WITH (null_time = 'fail')"), "csv", NULL, ",1\n", .fails = true,
      .sqlstate = "22004", .logged = "" },
    { "null time is the arrival", TIMED(" WITH (null_time = 'arrival')"), "csv", NULL,
      ",1\n2025-12-31,2\n", .fails = true, .rows = 2,
      .logged = "(2026-01-01 00:00:00, 1)(2025-12-31 00:00:00, 2)" },
    { "absent time is the arrival", TIMED(" WITH (null_time = 'arrival')"), "csv", "v", "1\n",
      .fails = true, .rows = 1, .logged = "(2026-01-01 00:00:00, 1)" },
    { "text in varchar and numeric", "CREATE STREAM s (a VARCHAR(3), b NUMERIC(4,1))", "csv", NULL,
      "abcd,1\nabc,1.25\nab,12345\n", .rows = 1, .rejected = 2, .logged = "(abc, 1.3)" },
};

START_TEST(test_rows_are_logged_or_refused)
{
    const Case *c = &cases[_i];
    Fixture fixture, *f = &fixture;
    uint64_t rows = 0, sequence = 0;
    MrDurability durability;
    open_fixture(f, c->stream);
    MrIngestOptions options = { .absent = c->absent, .fail_on_bad_row = c->fails };
    options.codec_options.header = options.codec_options.map_header = c->header;
    MrStatus status = begin(f, mr_codec_find(mr_string(c->codec)), c->given, options);
    if (status == MR_OK) {
        status = mr_ingest_feed(f->ingest, c->input, strlen(c->input), &f->err);
    }
    if (status == MR_OK) {
        status = mr_ingest_finish(f->ingest, &rows, &sequence, &durability, &f->err);
    }
    ck_assert_msg((status == MR_OK) == (c->sqlstate == NULL), "%s: %s %s", c->what, f->err.sqlstate,
                  f->err.message);
    if (c->sqlstate != NULL) {
        ck_assert_msg(strcmp(f->err.sqlstate, c->sqlstate) == 0, "%s: %s %s", c->what,
                      f->err.sqlstate, f->err.message);
    }
    ck_assert_msg(rows == c->rows, "%s: %d rows", c->what, (int)rows);
    ck_assert_msg(sequence == c->rows, "%s: sequence %d", c->what, (int)sequence);
    const char *text = logged(f);
    ck_assert_msg(strcmp(text, c->logged) == 0, "%s: %s", c->what, text);
    ck_assert_msg(mr_ingest_rejected("s", NULL, NULL) == c->rejected, "%s: %d rejected", c->what,
                  (int)mr_ingest_rejected("s", NULL, NULL));
    close_fixture(f);
}
END_TEST

START_TEST(test_cut_input_is_one_input)
{
    static const char input[] =
        "{\"id\":1,\"word\":\"a long word that does not fit into a view\"}\n{\"id\":2}\n{\"id\":3";
    for (size_t cut = 1; cut < 9; cut++) {
        Fixture fixture, *f = &fixture;
        uint64_t rows, sequence;
        MrDurability durability;
        open_fixture(f, PLAIN);
        MUST(begin(f, &mr_codec_json, NULL, (MrIngestOptions){ .fail_on_bad_row = true }));
        for (size_t at = 0; at < sizeof input - 1; at += cut) {
            size_t left = sizeof input - 1 - at;
            MUST(mr_ingest_feed(f->ingest, input + at, left < cut ? left : cut, &f->err));
        }
        MUST(mr_ingest_feed(f->ingest, "}", 1, &f->err));
        MUST(mr_ingest_finish(f->ingest, &rows, &sequence, &durability, &f->err));
        ck_assert_uint_eq(rows, 3);
        ck_assert_str_eq(logged(f),
                         "(1, a long word that does not fit into a view)(2, null)(3, null)");
        close_fixture(f);
    }
}
END_TEST

START_TEST(test_without_finish_nothing_is_visible)
{
    Fixture fixture, *f = &fixture;
    open_fixture(f, PLAIN);
    MUST(begin(f, &mr_codec_csv, NULL, (MrIngestOptions){ .fail_on_bad_row = true }));
    for (int i = 0; i < 200000; i++) { /* more than a block: some are appended by now */
        MUST(mr_ingest_feed(f->ingest, "1,x\n", 4, &f->err));
    }
    mr_ingest_destroy(f->ingest);
    f->ingest = NULL;
    ck_assert_str_eq(logged(f), "");
    ck_assert_uint_eq(mr_log_appended(f->server.log), 0);
    close_fixture(f);
}
END_TEST

START_TEST(test_large_input_is_one_transaction)
{
    Fixture fixture, *f = &fixture;
    uint64_t rows, sequence;
    MrDurability durability;
    open_fixture(f, PLAIN);
    MUST(begin(f, &mr_codec_csv, NULL, (MrIngestOptions){ .fail_on_bad_row = true }));
    for (int i = 0; i < 200000; i++) {
        MUST(mr_ingest_feed(f->ingest, "1,x\n", 4, &f->err));
    }
    wakes = 0;
    MUST(mr_ingest_finish(f->ingest, &rows, &sequence, &durability, &f->err));
    ck_assert_uint_eq(rows, 200000);
    ck_assert_uint_eq(sequence, 200000);
    ck_assert_int_eq(durability, MR_DURABILITY_FSYNC);
    ck_assert_int_eq(wakes, 1);
    close_fixture(f);
}
END_TEST

START_TEST(test_borrowed_transaction_is_the_callers)
{
    Fixture fixture, *f = &fixture;
    MrLogTransaction *transaction;
    uint64_t rows, sequence;
    MrDurability durability;
    open_fixture(f, PLAIN);
    MUST(mr_log_begin(f->server.log, &transaction, &f->err));
    for (int i = 0; i < 2; i++) {
        MUST(begin(f, &mr_codec_csv, NULL,
                   (MrIngestOptions){ .fail_on_bad_row = true, .transaction = transaction }));
        MUST(mr_ingest_feed(f->ingest, "1,x\n", 4, &f->err));
        MUST(mr_ingest_finish(f->ingest, &rows, &sequence, &durability, &f->err));
        ck_assert_uint_eq(rows, 1);
        ck_assert_uint_eq(sequence, 0);
        mr_ingest_destroy(f->ingest);
        f->ingest = NULL;
    }
    ck_assert_str_eq(logged(f), "");
    MUST(mr_log_commit(transaction, &sequence, &durability, &f->err));
    ck_assert_str_eq(logged(f), "(1, x)(1, x)");
    close_fixture(f);
}
END_TEST

START_TEST(test_blocks_bring_computed_columns)
{
    Fixture fixture, *f = &fixture;
    MrBlock *block;
    uint64_t rows, sequence;
    MrDurability durability;
    open_fixture(f, MADE);
    MUST(begin(f, NULL, "id,word,twice", (MrIngestOptions){ .fail_on_bad_row = true }));
    MUST(mr_block_create(&f->planner.arena, &f->relation->stream->schema, 2, &block, &f->err));
    for (int row = 0; row < 2; row++) {
        ((int64_t *)block->columns[0].data)[row] = row;
        ((MrText *)block->columns[1].data)[row] = mr_text_make("w", 1);
        ((int64_t *)block->columns[2].data)[row] = 100 + row;
    }
    MUST(mr_ingest_block(f->ingest, block, &f->err));
    MUST(mr_ingest_finish(f->ingest, &rows, &sequence, &durability, &f->err));
    ck_assert_str_eq(logged(f), "(0, w, 100)(1, w, 101)");
    close_fixture(f);
}
END_TEST

static void count_row(void *context, const MrRejectedRow *row)
{
    uint64_t *lines = context;
    lines[0]++;
    lines[1] = lines[1] == 0 ? row->line : lines[1];
    lines[2] = row->line;
}

START_TEST(test_last_thousand_rejected_rows_are_kept)
{
    MrError reason = MR_ERROR_INIT;
    uint64_t lines[3] = { 0 };
    mr_error_set(&reason, MR_ERR_INVALID_TEXT, "bad");
    for (uint64_t line = 1; line <= 2500; line++) {
        mr_ingest_rejected_add("many", 0, line, MR_STRING("raw\xff\x01 text\r\n"), &reason);
    }
    ck_assert_uint_eq(mr_ingest_rejected("many", count_row, lines), 2500);
    ck_assert_uint_eq(lines[0], 1000);
    ck_assert_uint_eq(lines[1], 1501);
    ck_assert_uint_eq(lines[2], 2500);
    mr_ingest_rejected_forget("many");
    ck_assert_uint_eq(mr_ingest_rejected("many", NULL, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ingest");
    TCase *tcase = tcase_create("ingest");
    tcase_add_loop_test(tcase, test_rows_are_logged_or_refused, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tcase, test_cut_input_is_one_input);
    tcase_add_test(tcase, test_without_finish_nothing_is_visible);
    tcase_add_test(tcase, test_large_input_is_one_transaction);
    tcase_add_test(tcase, test_borrowed_transaction_is_the_callers);
    tcase_add_test(tcase, test_blocks_bring_computed_columns);
    tcase_add_test(tcase, test_last_thousand_rejected_rows_are_kept);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
