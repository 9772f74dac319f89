/*
 * tests/unit/test_pipeline.c - plans by hand over random logs: after every flush the target's table is
 * the batch answer over the prefix, whatever the cut, the lanes and the restarts.
 */
#include "tests/unit/pipeline_fixture.h"

#define SECOND INT64_C(1000000)

/* One random grouping with what is needed to check it. */
typedef struct Case {
    TestPlan plan;
    MrAggregateSpec *spec;
    TestCall calls[8];
    uint32_t call_count, key_columns;
    bool is_filtered, is_appended, has_total_key;
    const TestLog *log;
} Case;

static bool small_is_positive(const LogRow *row)
{
    return !row->cells[LOG_SMALL].is_null && row->cells[LOG_SMALL].integer > 0;
}

static const TestCall all_calls[] = {
    { "count", -1, -1, false },
    { "count", LOG_WHOLE, -1, false },
    { "count", -1, LOG_FLAG, false },
    { "sum", LOG_WHOLE, -1, false },
    { "sum", LOG_WHOLE, LOG_FLAG, false },
    { "sum", LOG_SMALL, -1, false },
    { "sum", LOG_REAL, -1, false },
    { "sum", LOG_EXACT, -1, false },
    { "avg", LOG_REAL, -1, false },
    { "avg", LOG_SMALL, LOG_FLAG, false },
    { "min", LOG_WHOLE, -1, false },
    { "max", LOG_NAME, -1, false },
    { "min", LOG_NAME, LOG_FLAG, false },
    { "max", LOG_REAL, -1, false },
    { "bool_and", LOG_FLAG, -1, false },
    { "bool_or", LOG_FLAG, -1, false },
    { "stddev_pop", LOG_SMALL, -1, false },
    { "stddev", LOG_REAL, -1, false },
    { "count", LOG_NAME, -1, true },
    { "count", LOG_SMALL, LOG_FLAG, true },
    { "sum", LOG_SMALL, -1, true },
};
enum { ALL_CALLS = sizeof all_calls / sizeof all_calls[0] };

/* Without such calls threads count groups apart and merge them. */
static bool shows_order(const TestCall *call)
{
    return call->is_distinct || call->column == LOG_REAL || call->column == LOG_EXACT;
}

static const uint32_t key_sets[][2] = {
    { 0, 0 },
    { LOG_KEY, 0 },
    { LOG_NAME, 0 },
    { LOG_KEY, LOG_NAME },
    { LOG_EXACT, 0 },
    { LOG_SPAN, 0 },
    { LOG_SMALL, LOG_FLAG },
    { LOG_REAL, 0 },
    { LOG_FLAG, LOG_SPAN },
    { LOG_KEY, LOG_KEY },
};

static const struct TestWindow {
    MrGroupWindow kind;
    MrWindow window;
} windows[] = {
    { MR_GROUP_WINDOW_NONE, { .size_us = 0 } },
    { MR_GROUP_WINDOW_TUMBLE, { .size_us = 10 * SECOND, .slide_us = 10 * SECOND } },
    { MR_GROUP_WINDOW_TUMBLE,
      { .size_us = 7 * SECOND, .slide_us = 7 * SECOND, .offset_us = 3 * SECOND } },
    { MR_GROUP_WINDOW_HOP, { .size_us = 10 * SECOND, .slide_us = 5 * SECOND } },
    { MR_GROUP_WINDOW_HOP,
      { .size_us = 10 * SECOND, .slide_us = 4 * SECOND, .offset_us = SECOND } },
    { MR_GROUP_WINDOW_HOP, { .size_us = 9 * SECOND, .slide_us = 2 * SECOND } },
    { MR_GROUP_WINDOW_TUMBLE, { .size_months = 1 } },
    { MR_GROUP_WINDOW_HOP, { .size_months = 3, .slide_months = 1 } },
    { MR_GROUP_WINDOW_HOP, { .size_us = 12 * SECOND, .slide_us = 3 * SECOND, .cumulates = true } },
    { MR_GROUP_WINDOW_HOP,
      { .size_us = 10 * SECOND, .slide_us = 4 * SECOND, .offset_us = SECOND, .cumulates = true } },
    { MR_GROUP_WINDOW_SESSION, { .size_us = 3 * SECOND } },
    { MR_GROUP_WINDOW_SESSION, { .size_us = 20 * SECOND } },
    { MR_GROUP_WINDOW_COUNT, { .size_us = 5, .slide_us = 5 } },
    { MR_GROUP_WINDOW_COUNT, { .size_us = 7, .slide_us = 3 } },
};
enum {
    WINDOWS = sizeof windows / sizeof windows[0],
    KEY_SETS = sizeof key_sets / sizeof key_sets[0]
};

/* Puts a constant before the columns: the key of an aggregate over everything. */
static void plan_total_key(TestPlan *plan)
{
    const MrSchema in = plan_schema(plan);
    MrProjectSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    const MrExpr **columns = mr_arena_calloc(&test_arena, in.column_count + 1, sizeof *columns);
    MrColumn *schema = mr_arena_calloc(&test_arena, in.column_count + 1, sizeof *schema);
    columns[0] = test_constant("int8:1");
    schema[0] = (MrColumn){ .name = "one", .type = mr_type(MR_TYPE_INT64) };
    for (uint32_t c = 0; c < in.column_count; c++) {
        columns[c + 1] = test_column(c, in.columns[c].type.id);
        schema[c + 1] = in.columns[c];
    }
    *spec = (MrProjectSpec){ .expressions = columns, .expression_count = in.column_count + 1 };
    plan_add(plan, MR_OPERATOR_PROJECT, spec, (MrSchema){ in.column_count + 1, schema });
}

/* Windows of rows are told by their first row; here by its time, so that no two rows share one. */
static void make_times_unique(TestLog *log)
{
    for (uint32_t r = 0; r < log->count; r++) {
        log->rows[r].at_us = 1700000000 * INT64_C(1000000) + r;
        log->rows[r].cells[LOG_AT].integer = log->rows[r].at_us;
    }
}

static void case_make(Case *c, MrRandom *random, TestLog *log)
{
    const struct TestWindow *window = &windows[mr_random_below(random, WINDOWS)];
    const uint32_t *keys = key_sets[mr_random_below(random, KEY_SETS)];
    *c = (Case){ .log = log };
    if (window->kind == MR_GROUP_WINDOW_COUNT) {
        make_times_unique(log);
    }
    MrAggregateSpec spec = { .window_kind = window->kind,
                             .window = window->window,
                             .keys = keys,
                             .time_column = -1,
                             .emit = MR_EMIT_MODE_UPDATE };
    spec.key_count = keys[0] == 0 ? 0 : keys[1] == 0 ? 1 : 2;
    if (window->kind != MR_GROUP_WINDOW_NONE) {
        spec.time_column = LOG_AT;
        spec.time_is_event = window->kind != MR_GROUP_WINDOW_COUNT;
        spec.emit = mr_random_below(random, 2) == 0 ? MR_EMIT_MODE_UPDATE : MR_EMIT_MODE_CLOSE;
        spec.allowed_lateness_us = mr_random_below(random, 2) == 0 ? 0 : 3 * SECOND;
    }
    spec.needs_old = mr_random_below(random, 2) == 0;
    c->call_count = 1 + (uint32_t)mr_random_below(random, 6);
    const bool any_order = mr_random_below(random, 2) == 0;
    for (uint32_t i = 0; i < c->call_count; i++) {
        do {
            c->calls[i] = all_calls[mr_random_below(random, ALL_CALLS)];
        } while (any_order && shows_order(&c->calls[i]));
    }
    plan_scan(&c->plan);
    c->is_filtered = mr_random_below(random, 2) == 0;
    if (c->is_filtered) {
        plan_filter(&c->plan, test_call_2(">", test_column(LOG_SMALL, MR_TYPE_INT32),
                                          test_constant("int4:0")));
    }
    c->spec = plan_group(&c->plan, spec, c->calls, c->call_count);
    c->key_columns = spec.key_count + (window->kind == MR_GROUP_WINDOW_NONE ? 0 : 2);
    c->has_total_key = c->key_columns == 0;
    if (c->has_total_key) {
        plan_total_key(&c->plan);
        c->key_columns = 1;
    }
    c->is_appended = spec.emit == MR_EMIT_MODE_CLOSE && mr_random_below(random, 2) == 0;
    if (c->is_appended) {
        c->key_columns = 0;
    }
    plan_deliver(&c->plan, c->key_columns);
}

static Table naive_table(const Case *c, uint32_t end, uint64_t *late_rows)
{
    Table table = { 0 };
    Naive naive = naive_group(c->log, end, c->spec, c->is_filtered ? small_is_positive : NULL);
    const int64_t watermark = log_watermark_after(c->log, end);
    for (uint32_t g = 0; g < naive.count; g++) {
        const NaiveGroup *group = &naive.groups[g];
        if (c->spec->emit == MR_EMIT_MODE_CLOSE &&
            group->end_us + c->spec->allowed_lateness_us > watermark) {
            continue;
        }
        char *row = naive_row(c->log, group, c->calls, c->call_count);
        char *whole = row;
        if (c->has_total_key) {
            whole = malloc(strlen(row) + 3);
            sprintf(whole, "1|%s", row);
            free(row);
        }
        table_add(&table,
                  strdup(c->is_appended     ? whole
                         : c->has_total_key ? "1|"
                                            : group->key),
                  whole);
    }
    if (late_rows != NULL) {
        *late_rows = naive.late_rows;
    }
    naive_fini(&naive);
    return table;
}

static void check_prefix(void *context, Table *table, uint32_t end)
{
    const Case *c = context;
    Table wanted = naive_table(c, end, NULL);
    char where[160];
    snprintf(where, sizeof where,
             "rows 0..%u, window %d slide %lld, %s, lateness %lld, old %d, keys %u", end,
             (int)c->spec->window_kind, (long long)c->spec->window.slide_us,
             c->spec->emit == MR_EMIT_MODE_CLOSE ? "close" : "update",
             (long long)c->spec->allowed_lateness_us, c->spec->needs_old, c->spec->key_count);
    if (c->is_appended) { /* floats are compared by nine digits, so append-only rows go by their place */
        for (uint32_t r = 0; r < table->count + wanted.count; r++) {
            TableRow *row = r < table->count ? &table->rows[r] : &wanted.rows[r - table->count];
            char *at = row->row;
            for (uint32_t k = 0; k < 2 + c->spec->key_count; k++) {
                at = strchr(at, '|') + 1;
            }
            free(row->key);
            row->key = strndup(row->row, (size_t)(at - row->row));
        }
    }
    tables_equal(table, &wanted, false, where);
    table_fini(&wanted);
}

static LogShape random_shape(MrRandom *random)
{
    static const int64_t jitters[] = { 0, SECOND, 8 * SECOND, 40 * SECOND };
    return (LogShape){ .rows = 50 + (uint32_t)mr_random_below(random, 500),
                       .keys = 1 + (uint32_t)mr_random_below(random, 30),
                       .step_us = (int64_t)(1 + mr_random_below(random, 600)) * 1000,
                       .jitter_us = jitters[mr_random_below(random, 4)],
                       .delay_us = (int64_t)mr_random_below(random, 4) * 2 * SECOND,
                       .with_nulls = mr_random_below(random, 2) == 0,
                       .with_infinity = mr_random_below(random, 4) == 0 };
}

static RunShape random_cut(MrRandom *random, bool threads)
{
    static const uint32_t sizes[] = { 1, 7, 40, 1000 };
    return (RunShape){ .record_rows_max = sizes[mr_random_below(random, 4)],
                       .records_max = 1 + (uint32_t)mr_random_below(random, 10),
                       .flush_one_in = (uint32_t)mr_random_below(random, 5) + (threads ? 3 : 1),
                       .reopen_one_in = (uint32_t)mr_random_below(random, 4),
                       .threads = threads };
}

START_TEST(test_prefixes)
{
    MrRandom random;
    mr_random_init(&random, 1000 + (uint64_t)_i);
    mr_arena_reset(&test_arena);
    const LogShape shape = random_shape(&random);
    TestLog log = log_make(&random, &shape);
    Case c;
    case_make(&c, &random, &log);
    RunShape cut = random_cut(&random, false);
    /* Comparing every prefix costs the square of the rows: few flushes where records are small. */
    cut.flush_one_in += cut.record_rows_max <= 7 ? 10 : 0;
    RunResult result = test_run(&log, &c.plan.dag, c.key_columns, &cut, &random, check_prefix, &c);
    uint64_t late_rows;
    Table wanted = naive_table(&c, log.count, &late_rows);
    ck_assert_uint_eq(result.late_rows, late_rows);
    table_fini(&wanted);
    table_fini(&result.table);
}
END_TEST

/* The same log cut in any way, on any lanes, stopped and restored at any point: the same bytes. */
START_TEST(test_cuts)
{
    MrRandom random;
    mr_random_init(&random, 5000 + (uint64_t)_i);
    mr_arena_reset(&test_arena);
    LogShape shape = random_shape(&random);
    shape.rough_floats = true;
    shape.rows = _i % 10 == 0 ? 20000 : 1500;
    shape.step_us = shape.rows > 10000 ? shape.step_us / 20 + 1 : shape.step_us;
    TestLog log = log_make(&random, &shape);
    Case c;
    case_make(&c, &random, &log);
    const RunShape whole = { .record_rows_max = 1000, .records_max = 1, .lanes = 1 };
    RunResult first = test_run(&log, &c.plan.dag, c.key_columns, &whole, &random, NULL, NULL);
    Naive naive = naive_group(&log, shape.rows > 10000 ? 0 : log.count, c.spec,
                              c.is_filtered ? small_is_positive : NULL);
    if (shape.rows <= 10000) {
        ck_assert_uint_eq(naive.late_rows, first.late_rows);
    }
    for (uint32_t run = 0; run < 4; run++) {
        RunShape cut = random_cut(&random, run == 3 || shape.rows > 10000);
        cut.record_rows_max = shape.rows > 10000 ? 5000 : cut.record_rows_max;
        cut.flush_one_in *= cut.record_rows_max == 1 ? 20 : 1;
        RunResult other = test_run(&log, &c.plan.dag, c.key_columns, &cut, &random, NULL, NULL);
        tables_equal(&other.table, &first.table, true, "another cut");
        ck_assert_uint_eq(other.late_rows, first.late_rows);
        if (other.late_rows <= MR_NOTED_ROWS_MAX) {
            ck_assert_uint_eq(other.late_count, first.late_count);
            ck_assert_mem_eq(other.late_sequences, first.late_sequences,
                             first.late_count * sizeof first.late_sequences[0]);
        }
        table_fini(&other.table);
    }
    naive_fini(&naive);
    table_fini(&first.table);
}
END_TEST

/* ---- chains: what an aggregate takes back, the next one takes back --------------------------------- */

typedef struct Chain {
    TestPlan plan;
    MrAggregateSpec *inner, *outer;
    TestCall outer_calls[8]; /* by the columns of the inner's output */
    TestCall naive_calls[8]; /* the same by the cells of a derived row */
    uint32_t call_count, key_columns;
    int32_t having_above; /* -1: no HAVING */
    bool by_end;          /* the outer windows are sessions over the inner ones' ends */
    const TestLog *log;
} Chain;

/* The inner's output: [window_start, window_end,] key, then these. */
static const TestCall inner_calls[] = {
    { "count", -1, -1, false },         { "sum", LOG_SMALL, -1, false },
    { "max", LOG_NAME, -1, false },     { "sum", LOG_REAL, -1, false },
    { "bool_or", LOG_FLAG, -1, false }, { "max", LOG_EXACT, -1, false }
};
/* Cells of a derived row: where each of them is put, so that the naive group-by can be used again. */
static const uint32_t inner_cells[] = { LOG_WHOLE, LOG_SMALL, LOG_NAME,
                                        LOG_REAL,  LOG_FLAG,  LOG_EXACT };
static const TestCall outer_pool[] = {
    { "count", -1, -1, false }, { "sum", 0, -1, false },  { "min", 1, -1, false },
    { "max", 1, 4, false },     { "max", 2, -1, false },  { "min", 2, -1, false },
    { "sum", 3, -1, false },    { "avg", 3, -1, false },  { "bool_and", 4, -1, false },
    { "count", 0, -1, true },   { "sum", 1, 4, true },    { "stddev_pop", 1, -1, false },
    { "sum", 5, -1, false },    { "count", 2, -1, true }, { "stddev", 3, -1, false },
    { "sum", 5, -1, true },     { "avg", 1, 4, false }
};

static void chain_make(Chain *c, MrRandom *random, const TestLog *log, int kind)
{
    static const uint32_t inner_key[] = { LOG_KEY };
    const bool windowed = kind % 3 != 0;
    const uint32_t base = windowed ? 2 : 0;
    *c = (Chain){ .log = log, .having_above = -1 };
    MrAggregateSpec inner = {
        .time_column = -1, .keys = inner_key, .key_count = 1, .needs_old = true
    };
    if (windowed) {
        inner.window_kind = MR_GROUP_WINDOW_TUMBLE;
        inner.window = (MrWindow){ .size_us = 5 * SECOND, .slide_us = 5 * SECOND };
        inner.time_column = LOG_AT;
        inner.time_is_event = true;
        inner.allowed_lateness_us = mr_random_below(random, 2) == 0 ? 0 : 4 * SECOND;
    }
    plan_scan(&c->plan);
    c->inner = plan_group(&c->plan, inner, inner_calls, 6);
    if (mr_random_below(random, 2) == 0) {
        char above[16];
        c->having_above = (int32_t)mr_random_below(random, 6);
        snprintf(above, sizeof above, "int8:%d", c->having_above);
        plan_filter(&c->plan,
                    test_call_2(">", test_column(base + 1, MR_TYPE_INT64), test_constant(above)));
    }
    uint32_t *keys = mr_arena_calloc(&test_arena, 2, sizeof *keys);
    keys[0] = base + 1; /* grouped by the count, which moves rows from group to group */
    MrAggregateSpec outer = { .time_column = -1,
                              .keys = keys,
                              .key_count = kind == 3 ? 0 : 1,
                              .input_retracts = true,
                              .input_is_derived = true };
    if (kind % 3 == 2) {
        c->by_end = mr_random_below(random, 2) == 0;
        outer.window_kind = c->by_end ? MR_GROUP_WINDOW_SESSION : MR_GROUP_WINDOW_TUMBLE;
        outer.window = c->by_end ? (MrWindow){ .size_us = 6 * SECOND }
                                 : (MrWindow){ .size_us = 20 * SECOND, .slide_us = 20 * SECOND };
        outer.time_column = c->by_end ? 1 : 0;
        outer.time_is_event = true;
        outer.allowed_lateness_us = inner.allowed_lateness_us;
    }
    c->call_count = kind == 4 ? 0 : 1 + (uint32_t)mr_random_below(random, 6);
    for (uint32_t i = 0; i < c->call_count; i++) {
        TestCall call =
            outer_pool[mr_random_below(random, sizeof outer_pool / sizeof outer_pool[0])];
        c->naive_calls[i] = c->outer_calls[i] = call;
        if (call.column >= 0) {
            c->outer_calls[i].column = (int32_t)base + 1 + call.column;
            c->naive_calls[i].column = (int32_t)inner_cells[call.column];
        }
        if (call.filter >= 0) {
            c->outer_calls[i].filter = (int32_t)base + 1 + call.filter;
            c->naive_calls[i].filter = (int32_t)inner_cells[call.filter];
        }
    }
    c->outer = plan_group(&c->plan, outer, c->outer_calls, c->call_count);
    c->key_columns = outer.key_count + (kind % 3 == 2 ? 2 : 0);
    if (c->key_columns == 0) {
        plan_total_key(&c->plan);
        plan_deliver(&c->plan, 1);
        c->key_columns = 1;
    } else {
        plan_deliver(&c->plan, c->key_columns);
    }
}

/* The inner's batch answer as a log of its own. */
static TestLog derived_log(const Chain *c, uint32_t end)
{
    Naive naive = naive_group(c->log, end, c->inner, NULL);
    TestLog derived = { .count = 0 };
    derived.rows = mr_arena_calloc(&test_arena, naive.count + 1, sizeof *derived.rows);
    for (uint32_t g = 0; g < naive.count; g++) {
        const NaiveGroup *group = &naive.groups[g];
        char *text = naive_row(c->log, group, inner_calls, 6), *at = text;
        LogRow *row = &derived.rows[derived.count];
        *row = (LogRow){ .watermark_us = MR_TIME_MIN };
        for (uint32_t i = 0; i < group->head_count; i++) {
            at = strchr(at, '|') + 1;
        }
        row->cells[LOG_AT] = group->head_count > 1
                                 ? group->head[c->by_end ? 1 : 0]
                                 : (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP) };
        row->at_us = group->head_count > 1 ? group->head[c->by_end ? 1 : 0].integer : 0;
        for (uint32_t i = 0; i < 6; i++) {
            static const MrTypeId types[] = { MR_TYPE_INT64,   MR_TYPE_INT64, MR_TYPE_TEXT,
                                              MR_TYPE_FLOAT64, MR_TYPE_BOOL,  MR_TYPE_NUMERIC };
            const size_t length = strcspn(at, "|");
            MrDatum *cell = &row->cells[inner_cells[i]];
            MrError err = MR_ERROR_INIT;
            *cell = (MrDatum){ .type = mr_type(types[i]), .is_null = length == 1 && *at == '~' };
            if (!cell->is_null) {
                char *copy = mr_arena_strndup(&test_arena, at, length);
                ck_assert_int_eq(
                    mr_datum_parse(&test_arena, cell->type, mr_string(copy), NULL, cell, &err),
                    MR_OK);
            }
            at += length + 1;
        }
        derived.count += row->cells[LOG_WHOLE].integer > c->having_above;
        free(text);
    }
    naive_fini(&naive);
    return derived;
}

static void check_chain(void *context, Table *table, uint32_t end)
{
    static const uint32_t naive_keys[] = { LOG_WHOLE };
    const Chain *c = context;
    const TestLog derived = derived_log(c, end);
    MrAggregateSpec spec = *c->outer;
    spec.keys = naive_keys;
    Table wanted = { 0 };
    Naive naive = naive_group(&derived, derived.count, &spec, NULL);
    for (uint32_t g = 0; g < naive.count; g++) {
        char *row = naive_row(&derived, &naive.groups[g], c->naive_calls, c->call_count);
        const bool total = naive.groups[g].head_count == 0;
        char *whole = malloc(strlen(row) + 3);
        sprintf(whole, "%s%s", total ? "1|" : "", row);
        table_add(&wanted, strdup(total ? "1|" : naive.groups[g].key), whole);
        free(row);
    }
    char where[300];
    int length = snprintf(where, sizeof where, "a chain 0..%u, kind %d, having %d:", end,
                          (int)c->outer->window_kind, c->having_above);
    for (uint32_t i = 0; i < c->call_count; i++) {
        length += snprintf(where + length, sizeof where - (size_t)length, " %s%s(%d)",
                           c->naive_calls[i].name, c->naive_calls[i].is_distinct ? " distinct" : "",
                           c->naive_calls[i].column);
    }
    tables_equal(table, &wanted, false, where);
    naive_fini(&naive);
    table_fini(&wanted);
}

START_TEST(test_chains)
{
    MrRandom random;
    mr_random_init(&random, 9000 + (uint64_t)_i);
    mr_arena_reset(&test_arena);
    LogShape shape = random_shape(&random);
    shape.rows = shape.rows / 2 + 10;
    const TestLog log = log_make(&random, &shape);
    Chain c;
    chain_make(&c, &random, &log, _i % 6);
    RunShape cut = random_cut(&random, _i % 8 == 7);
    cut.flush_one_in += cut.record_rows_max <= 7 ? 10 : 0;
    RunResult result = test_run(&log, &c.plan.dag, c.key_columns, &cut, &random, check_chain, &c);
    table_fini(&result.table);
}
END_TEST

/* Groups that come and go by the thousand: dead ones are counted, forgotten, and come back. */
START_TEST(test_dead_groups)
{
    MrRandom random;
    mr_random_init(&random, 77);
    mr_arena_reset(&test_arena);
    /* One row a key and flush: every key's count moves through 1, 2, 3 … and each count's group dies. */
    const LogShape shape = { .rows = 9000, .keys = 3000, .step_us = 1000 };
    TestLog log = log_make(&random, &shape);
    for (uint32_t r = 0; r < log.count; r++) {
        log.rows[r].cells[LOG_KEY].integer = r % 3000;
        log.rows[r].cells[LOG_SMALL].integer = r % 3000;
    }
    TestPlan plan;
    static const uint32_t inner_key[] = { LOG_KEY }, outer_keys[] = { 1, 2 };
    const MrAggregateSpec inner = {
        .time_column = -1, .keys = inner_key, .key_count = 1, .needs_old = true
    };
    const MrAggregateSpec outer = { .time_column = -1,
                                    .keys = outer_keys,
                                    .key_count = 2,
                                    .input_retracts = true,
                                    .input_is_derived = true };
    const TestCall calls[] = { { "count", -1, -1, false }, { "max", LOG_SMALL, -1, false } };
    const TestCall distinct[] = { { "count", 0, -1, true }, { "max", 0, -1, false } };
    plan_scan(&plan);
    plan_group(&plan, inner, calls, 2);
    plan_group(&plan, outer, distinct, 2);
    plan_deliver(&plan, 2);
    MrPipeline *pipeline = test_open(&plan.dag, 1, false);
    Table table = { 0 };
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    mr_arena_init(&arena, 0);
    for (uint32_t at = 0; at < log.count; at += 500) {
        const MrPipelineInput input = { .block = log_block(&log, at, at + 500, &arena),
                                        .watermark_after_us = MR_TIME_MIN };
        MrChangeSet changes;
        MrOperatorFacts facts;
        ck_assert_int_eq(mr_pipeline_run(pipeline, &input, 1, &err), MR_OK);
        ck_assert_int_eq(mr_pipeline_flush(pipeline, &changes, &err), MR_OK);
        table_apply(&table, &changes, 2);
        mr_pipeline_operator_facts(pipeline, 2, 0, &facts);
        ck_assert_uint_eq(facts.groups, at + 500 < 3000 ? at + 500 : 3000);
        if (at % 2000 == 1500) {
            pipeline = test_reopen(pipeline, &plan.dag, 1, false);
            mr_pipeline_operator_facts(pipeline, 2, 0, &facts);
            ck_assert_uint_eq(facts.groups, at + 500 < 3000 ? at + 500 : 3000);
        }
    }
    uint32_t alive = 0;
    for (uint32_t r = 0; r < table.count; r++) {
        alive += !table.rows[r].gone;
    }
    ck_assert_uint_eq(alive, 3000);
    table_fini(&table);
    mr_pipeline_destroy(pipeline);
    mr_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline");
    TCase *tests = tcase_create("pipeline");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, test_prefixes, 0, 150);
    tcase_add_loop_test(tests, test_cuts, 0, 40);
    tcase_add_loop_test(tests, test_chains, 0, 80);
    tcase_add_test(tests, test_dead_groups);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
