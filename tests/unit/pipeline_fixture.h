/*
 * tests/unit/pipeline_fixture.h - DAGs by hand, random logs, a model of the target table, and a
 * naive group-by to compare with: rows are kept in a list, and every answer is computed anew from
 * it.
 */
#ifndef MR_TESTS_UNIT_PIPELINE_FIXTURE_H
#define MR_TESTS_UNIT_PIPELINE_FIXTURE_H

#include <math.h>
#include <pthread.h>

#include "common/random.h"
#include "engine/pipeline.h"
#include "tests/unit/engine_values.h"

/* ---- the log
 * ---------------------------------------------------------------------------------- */

/* Columns of the stream. */
enum {
    LOG_AT,
    LOG_KEY,
    LOG_NAME,
    LOG_WHOLE,
    LOG_SMALL,
    LOG_REAL,
    LOG_FLAG,
    LOG_EXACT,
    LOG_SPAN,
    LOG_COLUMNS
};
static const MrColumn log_columns[LOG_COLUMNS] = {
    { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
    { .name = "key", .type = { MR_TYPE_INT64, -1 } },
    { .name = "name", .type = { MR_TYPE_TEXT, -1 } },
    { .name = "whole", .type = { MR_TYPE_INT64, -1 } },
    { .name = "small", .type = { MR_TYPE_INT32, -1 } },
    { .name = "real", .type = { MR_TYPE_FLOAT64, -1 } },
    { .name = "flag", .type = { MR_TYPE_BOOL, -1 } },
    { .name = "exact", .type = { MR_TYPE_NUMERIC, -1 } },
    { .name = "span", .type = { MR_TYPE_INTERVAL, -1 } },
};

typedef struct LogRow {
    MrDatum cells[LOG_COLUMNS];
    int64_t at_us, watermark_us; /* W before the row */
} LogRow;

typedef struct TestLog {
    LogRow *rows;
    uint32_t count;
    int64_t delay_us;
} TestLog;

typedef struct LogShape {
    uint32_t rows, keys;
    int64_t step_us, jitter_us, delay_us; /* time moves by 0..2 steps a row, less a jitter */
    bool with_nulls, rough_floats, with_infinity;
} LogShape;

static inline MrDatum log_text(MrRandom *random, uint32_t keys)
{
    const uint64_t n = mr_random_below(random, keys);
    char *text = mr_arena_printf(&test_arena,
                                 n % 2 ? "n%llu" : "a name that is long enough for the heap %llu",
                                 (unsigned long long)n);
    return (MrDatum){ .type = mr_type(MR_TYPE_TEXT),
                      .text = mr_text_make(text, (uint32_t)strlen(text)) };
}

static inline TestLog log_make(MrRandom *random, const LogShape *shape)
{
    static const char *const exact[] = { "numeric:1.0", "numeric:1.00", "numeric:2.5", "numeric:-3",
                                         "numeric:0.125" };
    static const char *const spans[] = { "interval:1 mon", "interval:30 days", "interval:2 hours",
                                         "interval:720 hours" };
    TestLog log = { .count = shape->rows, .delay_us = shape->delay_us };
    log.rows = mr_arena_calloc(&test_arena, shape->rows, sizeof *log.rows);
    int64_t now = 1700000000 * INT64_C(1000000), greatest = MR_TIME_MIN;
    for (uint32_t r = 0; r < shape->rows; r++) {
        LogRow *row = &log.rows[r];
        now += (int64_t)mr_random_below(random, (uint64_t)shape->step_us * 2 + 1);
        row->at_us = now - (int64_t)mr_random_below(random, (uint64_t)shape->jitter_us + 1);
        if (shape->with_infinity && mr_random_below(random, 20) == 0) {
            row->at_us = mr_random_below(random, 2) == 0 ? MR_TIME_MIN : MR_TIME_MAX;
        }
        row->watermark_us = greatest == MR_TIME_MIN ? MR_TIME_MIN : greatest - shape->delay_us;
        /* A time in the far future does not move W. */
        greatest = row->at_us > greatest && row->at_us != MR_TIME_MAX ? row->at_us : greatest;
        for (uint32_t c = 0; c < LOG_COLUMNS; c++) {
            row->cells[c].type = log_columns[c].type;
        }
        row->cells[LOG_AT].integer = row->at_us;
        row->cells[LOG_KEY].integer = (int64_t)mr_random_below(random, shape->keys) - 3;
        row->cells[LOG_NAME] = log_text(random, shape->keys);
        row->cells[LOG_WHOLE].integer =
            (int64_t)mr_random_next(random) >> mr_random_below(random, 60);
        row->cells[LOG_SMALL].integer = (int64_t)mr_random_below(random, 20) - 5;
        /* Quarters add up exactly in any order; rough ones do not. */
        row->cells[LOG_REAL].real =
            shape->rough_floats
                ? (mr_random_unit(random) - 0.5) * pow(10, (double)mr_random_below(random, 12))
                : (double)mr_random_below(random, 400) / 4 - 50;
        row->cells[LOG_FLAG].boolean = mr_random_below(random, 3) != 0;
        row->cells[LOG_EXACT] = test_value(exact[mr_random_below(random, 5)]);
        row->cells[LOG_SPAN] = test_value(spans[mr_random_below(random, 4)]);
        for (uint32_t c = LOG_KEY; shape->with_nulls && c < LOG_COLUMNS; c++) {
            row->cells[c].is_null = mr_random_below(random, 8) == 0;
        }
    }
    return log;
}

static inline int64_t log_watermark_after(const TestLog *log, uint32_t end)
{
    if (end == 0) {
        return MR_TIME_MIN;
    }
    const LogRow *last = &log->rows[end - 1];
    const bool is_finite = last->at_us != MR_TIME_MIN && last->at_us != MR_TIME_MAX;
    const int64_t own = is_finite ? last->at_us - log->delay_us : MR_TIME_MIN;
    return own > last->watermark_us ? own : last->watermark_us;
}

/* Rows first..end-1 as a record gives them, in `arena`. */
static inline MrBlock *log_block(const TestLog *log, uint32_t first, uint32_t end, MrArena *arena)
{
    const MrSchema schema = { LOG_COLUMNS, log_columns };
    const uint32_t rows = end - first;
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_block_create(arena, &schema, rows, &block, &err), MR_OK);
    int64_t *watermarks = mr_arena_calloc(arena, rows + 1, sizeof *watermarks);
    int64_t least = MR_TIME_MAX;
    for (uint32_t r = 0; r < rows; r++) {
        const LogRow *row = &log->rows[first + r];
        for (uint32_t c = 0; c < LOG_COLUMNS; c++) {
            MrVector *column = &block->columns[c];
            if (row->cells[c].is_null) {
                ck_assert_int_eq(mr_vector_make_nullable(column, arena, &err), MR_OK);
                mr_bitmap_clear(column->validity, r);
                memset((char *)column->data + r * mr_type_info(column->type.id)->width, 0x5a,
                       mr_type_is_text(column->type.id) ? 0 : mr_type_info(column->type.id)->width);
                if (mr_type_is_text(column->type.id)) {
                    memset((char *)column->data + r * 16, 0, 16);
                }
                if (column->type.id == MR_TYPE_BOOL) {
                    ((uint8_t *)column->data)[r] = 0;
                }
            } else {
                mr_datum_store(&row->cells[c],
                               (char *)column->data + r * mr_type_info(column->type.id)->width);
            }
        }
        watermarks[r] = row->watermark_us;
        least = row->at_us < least ? row->at_us : least;
    }
    block->place = (MrPlace){ .stream_id = 7,
                              .first_sequence = first + 1,
                              .arrival_us = 0,
                              .watermark_us = rows == 0 ? MR_TIME_MIN : watermarks[0],
                              .watermark_after_us = log_watermark_after(log, end),
                              .event_min_us = least };
    if (least < block->place.watermark_after_us) {
        block->place.watermarks = watermarks;
    }
    return block;
}

/* ---- plans
 * ------------------------------------------------------------------------------------ */

typedef struct TestPlan {
    MrDag dag;
    MrDagNode nodes[10];
} TestPlan;

static inline MrDagNode *plan_add(TestPlan *plan, MrOperatorKind kind, const void *spec,
                                  MrSchema schema)
{
    MrDagNode *node = &plan->nodes[plan->dag.node_count];
    *node = (MrDagNode){ .kind = kind,
                         .spec = spec,
                         .input = (int32_t)plan->dag.node_count - 1,
                         .right = -1,
                         .schema = schema };
    plan->dag.nodes = plan->nodes;
    plan->dag.node_count++;
    return node;
}
static inline MrSchema plan_schema(const TestPlan *plan)
{
    return plan->nodes[plan->dag.node_count - 1].schema;
}

static inline void plan_scan(TestPlan *plan)
{
    static const uint32_t columns[LOG_COLUMNS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    MrScanSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    *spec = (MrScanSpec){
        .kind = MR_SCAN_STREAM, .relation = "log", .column_count = LOG_COLUMNS, .columns = columns
    };
    memset(&plan->dag, 0, sizeof plan->dag);
    plan_add(plan, MR_OPERATOR_SCAN, spec, (MrSchema){ LOG_COLUMNS, log_columns });
}

static inline void plan_filter(TestPlan *plan, const MrExpr *predicate)
{
    MrFilterSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    spec->predicate = predicate;
    plan_add(plan, MR_OPERATOR_FILTER, spec, plan_schema(plan));
}

/* `name` over a column (-1: none) of the input. */
typedef struct TestCall {
    const char *name;
    int32_t column, filter;
    bool is_distinct;
} TestCall;

static inline const MrAggregate *find_aggregate(const char *name, int32_t column, MrTypeId type)
{
    const MrAggregate *const *all;
    const uint32_t count = mr_aggregate_lookup(mr_string(name), &all);
    for (uint32_t i = 0; i < count; i++) {
        const bool fits = column < 0
                              ? all[i]->arg_count == 0
                              : all[i]->arg_count == 1 &&
                                    (all[i]->args[0] == type || all[i]->args[0] == MR_TYPE_UNKNOWN);
        if (fits) {
            return all[i];
        }
    }
    ck_abort_msg("no aggregate %s of type %d", name, (int)type);
    return NULL;
}

static inline MrAggregateSpec *plan_group(TestPlan *plan, MrAggregateSpec base,
                                          const TestCall *calls, uint32_t count)
{
    const MrSchema in = plan_schema(plan);
    MrAggregateSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    MrAggregateCall *resolved = mr_arena_calloc(&test_arena, count + 1, sizeof *resolved);
    MrColumn *columns = mr_arena_calloc(&test_arena, 2 + base.key_count + count, sizeof *columns);
    MrColumn *column = columns;
    *spec = base;
    spec->calls = resolved;
    spec->call_count = count;
    if (base.window_kind != MR_GROUP_WINDOW_NONE) {
        *column++ = (MrColumn){ .name = "window_start", .type = mr_type(MR_TYPE_TIMESTAMP) };
        *column++ = (MrColumn){ .name = "window_end", .type = mr_type(MR_TYPE_TIMESTAMP) };
    }
    for (uint32_t k = 0; k < base.key_count; k++) {
        *column++ = in.columns[base.keys[k]];
    }
    for (uint32_t c = 0; c < count; c++) {
        const MrTypeId type =
            calls[c].column < 0 ? MR_TYPE_UNKNOWN : in.columns[calls[c].column].type.id;
        const MrAggregate *aggregate = find_aggregate(calls[c].name, calls[c].column, type);
        resolved[c] = (MrAggregateCall){ .aggregate = aggregate,
                                         .filter = calls[c].filter,
                                         .is_distinct = calls[c].is_distinct };
        resolved[c].args[0] = calls[c].column < 0 ? 0 : (uint32_t)calls[c].column;
        *column++ = (MrColumn){ .name = calls[c].name, .type = mr_type(aggregate->result) };
    }
    plan_add(plan, MR_OPERATOR_AGGREGATE, spec,
             (MrSchema){ (uint32_t)(column - columns), columns });
    return spec;
}

/* Keys: the first `count` columns; append-only with 0. */
static inline void plan_deliver(TestPlan *plan, uint32_t count)
{
    MrDeliverSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    uint32_t *keys = mr_arena_calloc(&test_arena, count + 1, sizeof *keys);
    for (uint32_t k = 0; k < count; k++) {
        keys[k] = k;
    }
    *spec = (MrDeliverSpec){ .keys = keys, .key_count = count };
    plan_add(plan, MR_OPERATOR_DELIVER, spec, plan_schema(plan));
}

/* ---- tables: what the target shows, and what it should
 * ------------------------------------------ */

typedef struct TableRow {
    char *key, *row;
    bool gone;
} TableRow;

typedef struct Table {
    TableRow *rows;
    uint32_t count, capacity;
} Table;

static inline void table_fini(Table *table)
{
    for (uint32_t r = 0; r < table->count; r++) {
        free(table->rows[r].key);
        free(table->rows[r].row);
    }
    free(table->rows);
    *table = (Table){ 0 };
}

static inline TableRow *table_find(const Table *table, const char *key)
{
    for (uint32_t r = 0; r < table->count; r++) {
        if (!table->rows[r].gone && strcmp(table->rows[r].key, key) == 0) {
            return &table->rows[r];
        }
    }
    return NULL;
}

/* Takes both strings. */
static inline void table_add(Table *table, char *key, char *row)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        table->rows = realloc(table->rows, table->capacity * sizeof *table->rows);
    }
    table->rows[table->count++] = (TableRow){ .key = key, .row = row };
}

static inline char *join_datums(const MrDatum *datums, uint32_t count)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; i < count; i++) {
        if (datums[i].is_null) {
            mr_builder_append_string(&text, "~");
        } else {
            mr_datum_format(&datums[i], NULL, &text);
        }
        mr_builder_append_char(&text, '|');
    }
    char *copy = strdup(mr_builder_text(&text));
    mr_builder_fini(&text);
    return copy;
}

static inline char *block_row_text(const MrBlock *block, uint32_t row, uint32_t columns)
{
    MrDatum datums[24];
    for (uint32_t c = 0; c < columns; c++) {
        mr_vector_get(&block->columns[c], row, &datums[c]);
        datums[c].is_null = mr_vector_is_null(&block->columns[c], row);
    }
    return join_datums(datums, columns);
}

static inline void table_apply(Table *table, const MrChangeSet *changes, uint32_t keys)
{
    Table seen = { 0 };
    for (uint32_t b = 0; b < changes->delete_blocks + changes->upsert_blocks; b++) {
        const bool deletes = b < changes->delete_blocks;
        const MrBlock *block =
            deletes ? changes->deletes[b] : changes->upserts[b - changes->delete_blocks];
        for (uint32_t r = 0; r < block->row_count; r++) {
            char *key = block_row_text(block, r, keys == 0 ? block->column_count : keys);
            char *row = block_row_text(block, r, block->column_count);
            if (keys == 0) {
                ck_assert(!deletes);
                table_add(table, key, row);
                continue;
            }
            ck_assert_msg(table_find(&seen, key) == NULL, "a key came twice: %s", key);
            table_add(&seen, strdup(key), strdup(""));
            TableRow *old = table_find(table, key);
            if (deletes) {
                if (old != NULL) {
                    old->gone = true;
                }
                free(key);
                free(row);
            } else if (old != NULL) {
                free(old->row);
                old->row = row;
                free(key);
            } else {
                table_add(table, key, row);
            }
        }
    }
    table_fini(&seen);
}

static inline int compare_table_rows(const void *a, const void *b)
{
    const TableRow *x = a, *y = b;
    if (x->gone != y->gone) {
        return x->gone - y->gone;
    }
    const int order = strcmp(x->key, y->key);
    return order != 0 ? order : strcmp(x->row, y->row);
}

/* Alike cell by cell; numbers to nine digits unless `exact`. */
static inline bool rows_alike(const char *a, const char *b, bool exact)
{
    if (exact || strcmp(a, b) == 0) {
        return strcmp(a, b) == 0;
    }
    while (*a != '\0' && *b != '\0') {
        const size_t length_a = strcspn(a, "|"), length_b = strcspn(b, "|");
        if (length_a != length_b || strncmp(a, b, length_a) != 0) {
            char *end_a, *end_b;
            const double x = strtod(a, &end_a), y = strtod(b, &end_b);
            if (end_a != a + length_a || end_b != b + length_b || length_a == 0 || length_b == 0 ||
                fabs(x - y) > 1e-9 * (fabs(x) + fabs(y)) + 1e-12) {
                return false;
            }
        }
        a += length_a + 1;
        b += length_b + 1;
    }
    return *a == *b;
}

static inline void tables_equal(Table *a, Table *b, bool exact, const char *where)
{
    uint32_t count_a = 0, count_b = 0;
    if (a->count > 0) {
        qsort(a->rows, a->count, sizeof *a->rows, compare_table_rows);
    }
    if (b->count > 0) {
        qsort(b->rows, b->count, sizeof *b->rows, compare_table_rows);
    }
    while (count_a < a->count && !a->rows[count_a].gone) {
        count_a++;
    }
    while (count_b < b->count && !b->rows[count_b].gone) {
        count_b++;
    }
    for (uint32_t r = 0; r < count_a && r < count_b; r++) {
        ck_assert_msg(strcmp(a->rows[r].key, b->rows[r].key) == 0 &&
                          rows_alike(a->rows[r].row, b->rows[r].row, exact),
                      "%s, row %u: is %s, should be %s", where, r, a->rows[r].row, b->rows[r].row);
    }
    ck_assert_msg(count_a == count_b, "%s: %u rows, should be %u", where, count_a, count_b);
}

/* ---- running
 * ---------------------------------------------------------------------------------- */

/* Tasks one after the other, last first: what a lender may do. */
static inline void run_backwards(void *pool, void (*task)(void *context, uint32_t index),
                                 void *context, uint32_t count)
{
    (void)pool;
    while (count > 0) {
        task(context, --count);
    }
}

typedef struct ThreadTask {
    void (*task)(void *context, uint32_t index);
    void *context;
    uint32_t index;
} ThreadTask;

static inline void *run_thread(void *argument)
{
    ThreadTask *task = argument;
    task->task(task->context, task->index);
    return NULL;
}

static inline void run_threads(void *pool, void (*task)(void *context, uint32_t index),
                               void *context, uint32_t count)
{
    pthread_t threads[16];
    ThreadTask tasks[16];
    (void)pool;
    for (uint32_t t = 0; t < count; t++) {
        tasks[t] = (ThreadTask){ task, context, t };
        ck_assert_int_eq(pthread_create(&threads[t], NULL, run_thread, &tasks[t]), 0);
    }
    for (uint32_t t = 0; t < count; t++) {
        pthread_join(threads[t], NULL);
    }
}

/* Most share every row, however few: then groups that can be counted apart are. */
static MrParallel test_lenders[2][4] = {
    { { NULL, 1, run_backwards, 0 },
      { NULL, 2, run_backwards, 1 },
      { NULL, 3, run_backwards, 0 },
      { NULL, 4, run_backwards, 1 } },
    { { NULL, 1, run_threads, 1 },
      { NULL, 2, run_threads, 1 },
      { NULL, 3, run_threads, 1 },
      { NULL, 4, run_threads, 1 } },
};

static inline MrPipeline *test_open(const MrDag *dag, uint32_t lanes, bool threads)
{
    MrPipeline *pipeline;
    MrError err = MR_ERROR_INIT;
    const MrPipelineOptions options = { .dag = dag,
                                        .is_standing = true,
                                        .parallel =
                                            lanes <= 1 ? NULL : &test_lenders[threads][lanes - 1] };
    ck_assert_msg(mr_pipeline_create(&options, &pipeline, &err) == MR_OK, "%s", err.message);
    return pipeline;
}

/* Snapshot, destroy, restore with another number of lanes. */
static inline MrPipeline *test_reopen(MrPipeline *pipeline, const MrDag *dag, uint32_t lanes,
                                      bool threads)
{
    MrBuilder state;
    MrError err = MR_ERROR_INIT;
    mr_builder_init(&state, 0);
    ck_assert_msg(mr_pipeline_snapshot(pipeline, &state, &err) == MR_OK, "%s", err.message);
    mr_pipeline_destroy(pipeline);
    pipeline = test_open(dag, lanes, threads);
    ck_assert_msg(mr_pipeline_restore(pipeline, (MrString){ state.data, state.length }, &err) ==
                      MR_OK,
                  "%s", err.message);
    mr_builder_fini(&state);
    return pipeline;
}

/* How a run is cut. */
typedef struct RunShape {
    uint32_t record_rows_max, records_max; /* a record, a micro-batch */
    uint32_t flush_one_in, reopen_one_in;  /* 0: only at the end; 0: never */
    uint32_t lanes;                        /* 0: another number at every reopening */
    bool threads;
} RunShape;

typedef struct RunResult {
    Table table;
    uint64_t late_rows;
    uint64_t late_sequences[MR_NOTED_ROWS_MAX];
    uint32_t late_count;
} RunResult;

static inline void take_notes(MrPipeline *pipeline, RunResult *result)
{
    const MrNotes *notes = mr_pipeline_notes(pipeline);
    const uint64_t kept =
        notes->late_rows < MR_NOTED_ROWS_MAX ? notes->late_rows : MR_NOTED_ROWS_MAX;
    for (uint64_t i = notes->late_rows - kept; i < notes->late_rows; i++) {
        if (result->late_count < MR_NOTED_ROWS_MAX) {
            result->late_sequences[result->late_count++] =
                notes->late[i % MR_NOTED_ROWS_MAX].sequence;
        }
    }
    result->late_rows += notes->late_rows;
    mr_pipeline_clear_notes(pipeline);
}

/* Runs rows 0..end-1 of the log; after each flush `check` (or nothing) sees the table. */
static inline RunResult test_run(const TestLog *log, const MrDag *dag, uint32_t keys,
                                 const RunShape *shape, MrRandom *random,
                                 void (*check)(void *context, Table *table, uint32_t end),
                                 void *context)
{
    RunResult result = { 0 };
    MrArena arena;
    MrError err = MR_ERROR_INIT;
    uint32_t at = 0;
    uint32_t lanes = shape->lanes == 0 ? 1 + (uint32_t)mr_random_below(random, 3) : shape->lanes;
    MrPipeline *pipeline = test_open(dag, lanes, shape->threads);
    mr_arena_init(&arena, 0);
    for (bool done = false; !done;) {
        MrPipelineInput inputs[16];
        uint32_t count = 0;
        const uint32_t wanted = 1 + (uint32_t)mr_random_below(random, shape->records_max);
        mr_arena_reset(&arena);
        while (count < wanted && at < log->count) {
            uint32_t rows = 1 + (uint32_t)mr_random_below(random, shape->record_rows_max);
            rows = rows < log->count - at ? rows : log->count - at;
            inputs[count] =
                (MrPipelineInput){ .block = log_block(log, at, at + rows, &arena),
                                   .watermark_after_us = log_watermark_after(log, at + rows) };
            at += rows;
            count++;
        }
        done = at == log->count;
        ck_assert_msg(mr_pipeline_run(pipeline, inputs, count, &err) == MR_OK, "%s", err.message);
        take_notes(pipeline, &result);
        if (done ||
            (shape->flush_one_in > 0 && mr_random_below(random, shape->flush_one_in) == 0)) {
            MrChangeSet changes;
            ck_assert_msg(mr_pipeline_flush(pipeline, &changes, &err) == MR_OK, "%s", err.message);
            take_notes(pipeline, &result);
            table_apply(&result.table, &changes, keys);
            if (check != NULL) {
                check(context, &result.table, at);
            }
            if (shape->reopen_one_in > 0 && mr_random_below(random, shape->reopen_one_in) == 0) {
                lanes = shape->lanes == 0 ? 1 + (uint32_t)mr_random_below(random, 3) : shape->lanes;
                pipeline = test_reopen(pipeline, dag, lanes, shape->threads);
            }
        }
    }
    mr_pipeline_destroy(pipeline);
    mr_arena_fini(&arena);
    return result;
}

/* ---- the naive group-by
 * ------------------------------------------------------------------------- */

typedef struct NaiveGroup {
    char *key;
    MrDatum head[16]; /* window_start, window_end, keys */
    uint32_t head_count;
    uint32_t *rows;
    uint32_t count, capacity;
    int64_t end_us;
} NaiveGroup;

typedef struct Naive {
    NaiveGroup *groups;
    uint32_t count, capacity;
    uint64_t late_rows;
    uint64_t late_sequences[MR_NOTED_ROWS_MAX * 4];
} Naive;

static inline void naive_fini(Naive *naive)
{
    for (uint32_t g = 0; g < naive->count; g++) {
        free(naive->groups[g].key);
        free(naive->groups[g].rows);
    }
    free(naive->groups);
    *naive = (Naive){ 0 };
}

/* NULL and equal values (1.0 and 1.00, 1 mon and 30 days) are one key: the first row's stands. */
static inline bool heads_equal(const MrDatum *a, const MrDatum *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char cell_a[32] = { 0 }, cell_b[32] = { 0 };
        if (a[i].is_null != b[i].is_null) {
            return false;
        }
        if (a[i].is_null) {
            continue;
        }
        mr_datum_store(&a[i], cell_a);
        mr_datum_store(&b[i], cell_b);
        if (!mr_cell_equal(a[i].type.id, cell_a, cell_b)) {
            return false;
        }
    }
    return true;
}

static inline void naive_add(Naive *naive, const MrDatum *head, uint32_t head_count, int64_t end_us,
                             uint32_t row)
{
    NaiveGroup *group = NULL;
    for (uint32_t g = 0; g < naive->count && group == NULL; g++) {
        if (heads_equal(naive->groups[g].head, head, head_count)) {
            group = &naive->groups[g];
        }
    }
    if (group == NULL) {
        if (naive->count == naive->capacity) {
            naive->capacity = naive->capacity == 0 ? 64 : naive->capacity * 2;
            naive->groups = realloc(naive->groups, naive->capacity * sizeof *naive->groups);
        }
        group = &naive->groups[naive->count++];
        *group = (NaiveGroup){ .key = join_datums(head, head_count),
                               .head_count = head_count,
                               .end_us = end_us };
        for (uint32_t i = 0; i < head_count; i++) {
            group->head[i] = head[i];
        }
    }
    if (row == UINT32_MAX) {
        return;
    }
    if (group->count == group->capacity) {
        group->capacity = group->capacity == 0 ? 16 : group->capacity * 2;
        group->rows = realloc(group->rows, group->capacity * sizeof *group->rows);
    }
    group->rows[group->count++] = row;
}

/* Sessions, the slow way: from every row that has none yet, all rows of its key are taken in until no
 * further one is near enough. */
static inline void naive_sessions(Naive *naive, const TestLog *log, uint32_t end,
                                  const MrAggregateSpec *spec, bool (*keep)(const LogRow *row))
{
    enum { WAITS = 1, TAKEN = 2 };
    const int64_t gap = spec->window.size_us;
    uint8_t *states = calloc(end + 1, 1);
    for (uint32_t r = 0; r < end; r++) {
        const LogRow *row = &log->rows[r];
        const bool is_finite = row->at_us != MR_TIME_MIN && row->at_us != MR_TIME_MAX;
        if (keep != NULL && !keep(row)) {
            continue;
        }
        if (is_finite && row->at_us + spec->allowed_lateness_us >= row->watermark_us) {
            states[r] = WAITS;
            continue;
        }
        if (naive->late_rows < MR_NOTED_ROWS_MAX * 4) {
            naive->late_sequences[naive->late_rows] = r + 1;
        }
        naive->late_rows++;
    }
    for (uint32_t r = 0; r < end; r++) {
        if (states[r] != WAITS) {
            continue;
        }
        MrDatum head[16] = { 0 }, other[16] = { 0 };
        int64_t first = log->rows[r].at_us, last = first;
        for (uint32_t k = 0; k < spec->key_count; k++) {
            head[2 + k] = log->rows[r].cells[spec->keys[k]];
        }
        uint8_t *taken = calloc(end + 1, 1);
        for (bool grew = true; grew;) {
            grew = false;
            for (uint32_t o = r; o < end; o++) {
                const int64_t at = log->rows[o].at_us;
                for (uint32_t k = 0; k < spec->key_count; k++) {
                    other[k] = log->rows[o].cells[spec->keys[k]];
                }
                if (states[o] != WAITS || at <= first - gap || at >= last + gap ||
                    !heads_equal(head + 2, other, spec->key_count)) {
                    continue;
                }
                states[o] = TAKEN;
                taken[o] = 1;
                first = at < first ? at : first;
                last = at > last ? at : last;
                grew = true;
            }
        }
        head[0] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = first };
        head[1] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = last + gap };
        for (uint32_t o = r; o < end; o++) {
            if (taken[o]) {
                naive_add(naive, head, 2 + spec->key_count, last + gap, o);
            }
        }
        free(taken);
    }
    free(states);
}

/* Windows of rows, counted for each key. */
static inline void naive_count_windows(Naive *naive, const TestLog *log, uint32_t end,
                                       const MrAggregateSpec *spec, bool (*keep)(const LogRow *row))
{
    const uint32_t size = (uint32_t)spec->window.size_us, slide = (uint32_t)spec->window.slide_us;
    uint8_t *taken = calloc(end + 1, 1);
    uint32_t *rows = calloc(end + 1, sizeof *rows);
    for (uint32_t r = 0; r < end; r++) {
        MrDatum head[16] = { 0 }, other[16] = { 0 };
        uint32_t count = 0;
        for (uint32_t k = 0; k < spec->key_count; k++) {
            head[k] = log->rows[r].cells[spec->keys[k]];
        }
        for (uint32_t o = r; o < end && !taken[r]; o++) {
            for (uint32_t k = 0; k < spec->key_count; k++) {
                other[k] = log->rows[o].cells[spec->keys[k]];
            }
            if (!taken[o] && (keep == NULL || keep(&log->rows[o])) &&
                heads_equal(head, other, spec->key_count)) {
                rows[count++] = o;
            }
        }
        for (uint32_t first = 0; first < count; first += slide) {
            int64_t least = MR_TIME_MAX, greatest = MR_TIME_MIN;
            const uint32_t some = count - first < size ? count - first : size;
            for (uint32_t i = first; i < first + some; i++) {
                const int64_t at = log->rows[rows[i]].at_us;
                least = at < least ? at : least;
                greatest = at > greatest ? at : greatest;
            }
            MrDatum whole[16] = { 0 };
            whole[0] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = least };
            whole[1] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = greatest };
            for (uint32_t k = 0; k < spec->key_count; k++) {
                whole[2 + k] = log->rows[rows[first]].cells[spec->keys[k]];
            }
            for (uint32_t i = first; i < first + some; i++) {
                /* A window closes with its last row: that is its end for EMIT ON WINDOW CLOSE. */
                naive_add(naive, whole, 2 + spec->key_count,
                          some == size ? MR_TIME_MIN : MR_TIME_MAX - spec->allowed_lateness_us,
                          rows[i]);
            }
        }
        for (uint32_t i = 0; i < count; i++) {
            taken[rows[i]] = 1;
        }
    }
    free(taken);
    free(rows);
}

/* Groups of the rows 0..end-1 on which `keep` is true. */
static inline Naive naive_group(const TestLog *log, uint32_t end, const MrAggregateSpec *spec,
                                bool (*keep)(const LogRow *row))
{
    Naive naive = { 0 };
    if (spec->window_kind == MR_GROUP_WINDOW_NONE && spec->key_count == 0) {
        naive_add(&naive, NULL, 0, MR_TIME_MAX, UINT32_MAX);
    }
    if (spec->window_kind == MR_GROUP_WINDOW_SESSION) {
        naive_sessions(&naive, log, end, spec, keep);
        return naive;
    }
    if (spec->window_kind == MR_GROUP_WINDOW_COUNT) {
        naive_count_windows(&naive, log, end, spec, keep);
        return naive;
    }
    for (uint32_t r = 0; r < end; r++) {
        const LogRow *row = &log->rows[r];
        MrDatum head[16] = { 0 };
        uint32_t base = 0;
        if (keep != NULL && !keep(row)) {
            continue;
        }
        if (spec->window_kind != MR_GROUP_WINDOW_NONE) {
            base = 2;
        }
        for (uint32_t k = 0; k < spec->key_count; k++) {
            head[base + k] = row->cells[spec->keys[k]];
        }
        if (base == 0) {
            naive_add(&naive, head, spec->key_count, MR_TIME_MAX, r);
            continue;
        }
        bool counted = false, belongs = row->at_us == MR_TIME_MIN || row->at_us == MR_TIME_MAX;
        int64_t anchor = mr_window_start(&spec->window, row->at_us);
        do {
            const int64_t stop = mr_window_end(&spec->window, anchor);
            if (stop <= row->at_us) {
                break;
            }
            belongs = true;
            if (row->watermark_us < stop + spec->allowed_lateness_us) {
                const int64_t start = mr_window_shown_start(&spec->window, anchor);
                head[0] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = start };
                head[1] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = stop };
                naive_add(&naive, head, base + spec->key_count, stop, r);
                counted = true;
            }
        } while (spec->window_kind == MR_GROUP_WINDOW_HOP &&
                 mr_window_other(&spec->window, row->at_us, &anchor));
        if (belongs && !counted) {
            if (naive.late_rows < MR_NOTED_ROWS_MAX * 4) {
                naive.late_sequences[naive.late_rows] = r + 1;
            }
            naive.late_rows++;
        }
    }
    return naive;
}

static inline double datum_number(const MrDatum *datum)
{
    char text[64];
    switch (datum->type.id) {
    case MR_TYPE_FLOAT64: return datum->real;
    case MR_TYPE_NUMERIC: {
        MrBuilder builder;
        mr_builder_init(&builder, 0);
        mr_datum_format(datum, NULL, &builder);
        snprintf(text, sizeof text, "%s", mr_builder_text(&builder));
        mr_builder_fini(&builder);
        return strtod(text, NULL);
    }
    default: return (double)datum->integer;
    }
}

static inline int compare_datums(const MrDatum *a, const MrDatum *b)
{
    char cell_a[32] = { 0 }, cell_b[32] = { 0 };
    mr_datum_store(a, cell_a);
    mr_datum_store(b, cell_b);
    return mr_cell_compare(a->type.id, cell_a, cell_b);
}

/* One aggregate over its values, as text. */
static inline char *naive_call(const char *name, const MrDatum **values, uint32_t count)
{
    if (strcmp(name, "count") == 0) {
        return mr_arena_printf(&test_arena, "%u", count);
    }
    if (count == 0) {
        return mr_arena_strdup(&test_arena, "~");
    }
    const MrDatum *best = values[0];
    MrInt128 whole = 0;
    double sum = 0, squares = 0;
    bool all = true, any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(name, "min") == 0) {
            best = compare_datums(values[i], best) < 0 ? values[i] : best;
        } else if (strcmp(name, "max") == 0) {
            best = compare_datums(values[i], best) > 0 ? values[i] : best;
        } else if (values[i]->type.id == MR_TYPE_BOOL) {
            all &= values[i]->boolean;
            any |= values[i]->boolean;
        } else {
            whole += values[i]->type.id == MR_TYPE_INT64 || values[i]->type.id == MR_TYPE_INT32
                         ? values[i]->integer
                         : 0;
            sum += datum_number(values[i]);
        }
    }
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
        return test_datum_text(best, NULL);
    }
    if (strncmp(name, "bool", 4) == 0) {
        return mr_arena_strdup(&test_arena,
                               (strcmp(name, "bool_and") == 0 ? all : any) ? "t" : "f");
    }
    if (strcmp(name, "avg") == 0) {
        return mr_arena_printf(&test_arena, "%.17g", sum / count);
    }
    if (strncmp(name, "stddev", 6) == 0) {
        for (uint32_t i = 0; i < count; i++) {
            const double distance = datum_number(values[i]) - sum / count;
            squares += distance * distance;
        }
        const bool pop = strcmp(name, "stddev_pop") == 0;
        return count == 1 && !pop ? mr_arena_strdup(&test_arena, "~")
                                  : mr_arena_printf(&test_arena, "%.17g",
                                                    sqrt(squares / (pop ? count : count - 1)));
    }
    if (values[0]->type.id == MR_TYPE_INT64 || values[0]->type.id == MR_TYPE_INT32) {
        char digits[48];
        uint32_t at = sizeof digits;
        unsigned __int128 rest = whole < 0 ? -(unsigned __int128)whole : (unsigned __int128)whole;
        digits[--at] = '\0';
        do {
            digits[--at] = (char)('0' + (int)(rest % 10));
            rest /= 10;
        } while (rest > 0);
        return mr_arena_printf(&test_arena, "%s%s", whole < 0 ? "-" : "", digits + at);
    }
    return mr_arena_printf(&test_arena, "%.17g", sum);
}

/* The row of a group as text. */
static inline char *naive_row(const TestLog *log, const NaiveGroup *group, const TestCall *calls,
                              uint32_t call_count)
{
    MrBuilder text;
    const MrDatum **values = malloc((group->count + 1) * sizeof *values);
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, group->key);
    for (uint32_t c = 0; c < call_count; c++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < group->count; i++) {
            const LogRow *row = &log->rows[group->rows[i]];
            const MrDatum *value =
                calls[c].column < 0 ? &row->cells[0] : &row->cells[calls[c].column];
            const MrDatum *filter = calls[c].filter < 0 ? NULL : &row->cells[calls[c].filter];
            bool is_in =
                !value->is_null && (filter == NULL || (!filter->is_null && filter->boolean));
            for (uint32_t v = 0; calls[c].is_distinct && is_in && v < count; v++) {
                is_in = compare_datums(values[v], value) != 0;
            }
            if (is_in) {
                values[count++] = value;
            }
        }
        mr_builder_append_string(&text, naive_call(calls[c].name, values, count));
        mr_builder_append_char(&text, '|');
    }
    char *copy = strdup(mr_builder_text(&text));
    mr_builder_fini(&text);
    free(values);
    return copy;
}

#endif
