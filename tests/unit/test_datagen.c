/* tests/unit/test_datagen.c - made-up rows: the same from any offset, in bounds, at a pace. */
#include "codec_fixture.h"

#include "storage/source.h"

static const MrTypeId types[] = { MR_TYPE_INT64,   MR_TYPE_TEXT, MR_TYPE_TIMESTAMP, MR_TYPE_NUMERIC,
                                  MR_TYPE_FLOAT64, MR_TYPE_UUID, MR_TYPE_BOOL };

typedef struct Made {
    Fixture f;
    MrSourceOptions options;
    MrClock *clock;
} Made;

static void made_init(Made *m, const MrOption *options, uint32_t count)
{
    memset(m, 0, sizeof *m);
    fixture_init(&m->f, &mr_codec_csv, types, 7);
    m->clock = mr_clock_create_virtual(0);
    m->options = (MrSourceOptions){ .options = options,
                                    .option_count = count,
                                    .schema = &m->f.schema,
                                    .codec = &m->f.options,
                                    .codec_class = &mr_codec_csv,
                                    .clock = m->clock };
}

static void made_fini(Made *m)
{
    mr_clock_destroy(m->clock);
    fixture_fini(&m->f);
}

/* All rows behind `from`, in blocks of at most `rows`. */
static void made_show(Made *m, const MrSourceOffset *from, uint32_t rows, MrSourceOffset *after)
{
    MrSource *source;
    MrSourceState state;
    MrBlock *block;
    ck_assert_msg(mr_source_datagen.open(&m->options, from, &source, &m->f.err) == MR_OK, "%s",
                  m->f.err.message);
    do {
        ck_assert_int_eq(mr_source_datagen.next(source, rows, &block, after, &state, NULL), MR_OK);
        if (block != NULL) {
            block_show(block, &m->f.shown);
        }
    } while (state == MR_SOURCE_MORE);
    ck_assert_int_eq(state, MR_SOURCE_END);
    mr_source_datagen.close(source);
}

START_TEST(test_same_rows_from_any_offset)
{
    static const MrOption options[] = {
        { "rows", "1000", -1 },
        { "seed", "7", -1 },
        { "fields.a.min", "-5", -1 },
        { "fields.a.max", "5", -1 },
        { "fields.b.length", "20", -1 },
        { "fields.b.null_fraction", "0.1", -1 },
        { "fields.c.step", "1 second", -1 },
        { "fields.c.jitter", "10 seconds", -1 },
    };
    Made m;
    MrSourceOffset after;
    made_init(&m, options, sizeof options / sizeof options[0]);
    made_show(&m, NULL, 1000, &after);
    ck_assert_str_eq(after.text, "row 1000");
    char *whole = strdup(mr_builder_text(&m.f.shown));
    mr_builder_clear(&m.f.shown);
    made_show(&m, NULL, 7, &after);
    ck_assert_str_eq(mr_builder_text(&m.f.shown), whole);
    /* The second half from its offset is the second half of the whole. */
    mr_builder_clear(&m.f.shown);
    MrSourceOffset half = { "row 500" };
    made_show(&m, &half, 100, &after);
    size_t length = strlen(mr_builder_text(&m.f.shown));
    ck_assert_str_eq(mr_builder_text(&m.f.shown), whole + strlen(whole) - length);
    free(whole);
    made_fini(&m);
}
END_TEST

START_TEST(test_kinds)
{
    static const MrOption options[] = {
        { "rows", "3", -1 },
        { "fields.a.kind", "sequence", -1 },
        { "fields.a.start", "10", -1 },
        { "fields.a.step", "5", -1 },
        { "fields.b.kind", "sequence", -1 },
        { "fields.b.values", "x,y", -1 },
        { "fields.c.start", "2026-02-01 00:00:00", -1 },
        { "fields.c.step", "1 minute", -1 },
        { "fields.d.kind", "sequence", -1 },
        { "fields.d.step", "0.25", -1 },
        { "fields.e.kind", "sequence", -1 },
        { "fields.e.step", "0.5", -1 },
        { "fields.f.kind", "null", -1 },
        { "fields.g.kind", "sequence", -1 },
    };
    Made m;
    MrSourceOffset after;
    made_init(&m, options, sizeof options / sizeof options[0]);
    made_show(&m, NULL, 100, &after);
    ck_assert_str_eq(mr_builder_text(&m.f.shown), "10|x|2026-02-01 00:00:00|0.00|0|~|f\n"
                                                  "15|y|2026-02-01 00:01:00|0.25|0.5|~|t\n"
                                                  "20|x|2026-02-01 00:02:00|0.50|1|~|f\n");
    made_fini(&m);
}
END_TEST

START_TEST(test_pace_follows_the_clock)
{
    static const MrOption options[] = { { "rows", "25", -1 }, { "rows_per_second", "10", -1 } };
    Made m;
    MrSource *source;
    MrSourceOffset after, end;
    MrSourceState state;
    MrBlock *block;
    made_init(&m, options, 2);
    ck_assert_int_eq(mr_source_datagen.open(&m.options, NULL, &source, NULL), MR_OK);
    ck_assert_int_eq(mr_source_datagen.next(source, 100, &block, &after, &state, NULL), MR_OK);
    ck_assert(block == NULL && state == MR_SOURCE_WAIT);
    ck_assert_int_eq(mr_clock_set(m.clock, 1500000, NULL), MR_OK);
    ck_assert_int_eq(mr_source_datagen.end_now(source, &end, NULL), MR_OK);
    ck_assert_int_eq(mr_source_datagen.next(source, 100, &block, &after, &state, NULL), MR_OK);
    ck_assert(block != NULL && block->row_count == 15);
    ck_assert_int_eq(mr_source_datagen.compare(&after, &end), 0);
    ck_assert_int_eq(mr_clock_set(m.clock, 60000000, NULL), MR_OK);
    ck_assert_int_eq(mr_source_datagen.next(source, 100, &block, &after, &state, NULL), MR_OK);
    ck_assert(block != NULL && block->row_count == 10 && state == MR_SOURCE_END);
    mr_source_datagen.close(source);
    made_fini(&m);
}
END_TEST

static const struct {
    MrOption option;
    MrStatus status;
} wrong[] = {
    { { "fields.zz.kind", "random", -1 }, MR_ERR_UNDEFINED_COLUMN },
    { { "fields.a.colour", "red", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "fields.a.kind", "odd", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "fields.a.min", "x", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "fields.a.min", "1000000000000", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "fields.a.jitter", "3", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "fields.b.null_fraction", "2", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "rows", "-1", -1 }, MR_ERR_INVALID_PARAMETER },
    { { "rows_per_second", "fast", -1 }, MR_ERR_INVALID_PARAMETER },
};

START_TEST(test_wrong_options_are_refused)
{
    Made m;
    MrSource *source;
    made_init(&m, &wrong[_i].option, 1);
    ck_assert_int_eq(mr_source_datagen.open(&m.options, NULL, &source, &m.f.err), wrong[_i].status);
    made_fini(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagen");
    TCase *tcase = tcase_create("datagen");
    tcase_add_test(tcase, test_same_rows_from_any_offset);
    tcase_add_test(tcase, test_kinds);
    tcase_add_test(tcase, test_pace_follows_the_clock);
    tcase_add_loop_test(tcase, test_wrong_options_are_refused, 0, sizeof wrong / sizeof wrong[0]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
