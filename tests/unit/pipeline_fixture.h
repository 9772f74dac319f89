/*
 * tests/unit/pipeline_fixture.h - DAGs by hand, random logs, a model of the target table, and a
 * naive group-by to compare with: rows are kept in a list, and every answer is computed anew from
 * it.
 */
#ifndef MR_TESTS_UNIT_PIPELINE_FIXTURE_H
#define MR_TESTS_UNIT_PIPELINE_FIXTURE_H

#include "common/random.h"
#include "engine/pipeline.h"
#include "tests/unit/engine_values.h"

/* ---- the log --------------------------------------------------------------------------------- */

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
extern const MrColumn log_columns[LOG_COLUMNS];

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

TestLog log_make(MrRandom *random, const LogShape *shape);
int64_t log_watermark_after(const TestLog *log, uint32_t end);
/* Rows first..end-1 as a record gives them, in `arena`. */
MrBlock *log_block(const TestLog *log, uint32_t first, uint32_t end, MrArena *arena);

/* ---- plans ----------------------------------------------------------------------------------- */

typedef struct TestPlan {
    MrDag dag;
    MrDagNode nodes[10];
} TestPlan;

/* `name` over a column (-1: none) of the input. */
typedef struct TestCall {
    const char *name;
    int32_t column, filter;
    bool is_distinct;
} TestCall;

MrDagNode *plan_add(TestPlan *plan, MrOperatorKind kind, const void *spec, MrSchema schema);
MrSchema plan_schema(const TestPlan *plan);
void plan_scan(TestPlan *plan);
void plan_filter(TestPlan *plan, const MrExpr *predicate);
MrAggregateSpec *plan_group(TestPlan *plan, MrAggregateSpec base, const TestCall *calls,
                            uint32_t count);
/* Keys: the first `count` columns; append-only with 0. */
void plan_deliver(TestPlan *plan, uint32_t count);

/* ---- tables: what the target shows, and what it should --------------------------------------- */

typedef struct TableRow {
    char *key, *row;
    bool gone;
} TableRow;

typedef struct Table {
    TableRow *rows;
    uint32_t count, capacity;
} Table;

void table_fini(Table *table);
/* Takes both strings. */
void table_add(Table *table, char *key, char *row);
char *join_datums(const MrDatum *datums, uint32_t count);
void table_apply(Table *table, const MrChangeSet *changes, uint32_t keys);
void tables_equal(Table *a, Table *b, bool exact, const char *where);

/* ---- running --------------------------------------------------------------------------------- */

/* By threads (0: one after the other, 1: really) and lanes - 1.  Most share every row, however
 * few: then groups that can be counted apart are. */
extern MrParallel test_lenders[2][4];

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

MrPipeline *test_open(const MrDag *dag, uint32_t lanes, bool threads);
/* Snapshot, destroy, restore with another number of lanes. */
MrPipeline *test_reopen(MrPipeline *pipeline, const MrDag *dag, uint32_t lanes, bool threads);
/* Runs rows 0..end-1 of the log; after each flush `check` (or nothing) sees the table. */
RunResult test_run(const TestLog *log, const MrDag *dag, uint32_t keys, const RunShape *shape,
                   MrRandom *random, void (*check)(void *context, Table *table, uint32_t end),
                   void *context);

/* ---- the naive group-by ---------------------------------------------------------------------- */

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

void naive_fini(Naive *naive);
/* Groups of the rows 0..end-1 on which `keep` is true. */
Naive naive_group(const TestLog *log, uint32_t end, const MrAggregateSpec *spec,
                  bool (*keep)(const LogRow *row));
/* The row of a group as text. */
char *naive_row(const TestLog *log, const NaiveGroup *group, const TestCall *calls,
                uint32_t call_count);

#endif
