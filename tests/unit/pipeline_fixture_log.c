/*
 * tests/unit/pipeline_fixture_log.c - random logs and DAGs by hand.
 */
#include "tests/unit/pipeline_fixture.h"

MrArena test_arena;

const MrColumn log_columns[LOG_COLUMNS] = {
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

static MrDatum log_text(MrRandom *random, uint32_t keys)
{
    const uint64_t n = mr_random_below(random, keys);
    char *text = mr_arena_printf(&test_arena,
                                 n % 2 ? "n%llu" : "a name that is long enough for the heap %llu",
                                 (unsigned long long)n);
    return (MrDatum){ .type = mr_type(MR_TYPE_TEXT),
                      .text = mr_text_make(text, (uint32_t)strlen(text)) };
}

TestLog log_make(MrRandom *random, const LogShape *shape)
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

int64_t log_watermark_after(const TestLog *log, uint32_t end)
{
    if (end == 0) {
        return MR_TIME_MIN;
    }
    const LogRow *last = &log->rows[end - 1];
    const bool is_finite = last->at_us != MR_TIME_MIN && last->at_us != MR_TIME_MAX;
    const int64_t own = is_finite ? last->at_us - log->delay_us : MR_TIME_MIN;
    return own > last->watermark_us ? own : last->watermark_us;
}

MrBlock *log_block(const TestLog *log, uint32_t first, uint32_t end, MrArena *arena)
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

/* ---- plans ----------------------------------------------------------------------------- */

MrDagNode *plan_add(TestPlan *plan, MrOperatorKind kind, const void *spec, MrSchema schema)
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

MrSchema plan_schema(const TestPlan *plan)
{
    return plan->nodes[plan->dag.node_count - 1].schema;
}

void plan_scan(TestPlan *plan)
{
    static const uint32_t columns[LOG_COLUMNS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    MrScanSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    *spec = (MrScanSpec){
        .kind = MR_SCAN_STREAM, .relation = "log", .column_count = LOG_COLUMNS, .columns = columns
    };
    memset(&plan->dag, 0, sizeof plan->dag);
    plan_add(plan, MR_OPERATOR_SCAN, spec, (MrSchema){ LOG_COLUMNS, log_columns });
}

void plan_filter(TestPlan *plan, const MrExpr *predicate)
{
    MrFilterSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    spec->predicate = predicate;
    plan_add(plan, MR_OPERATOR_FILTER, spec, plan_schema(plan));
}

static const MrAggregate *find_aggregate(const char *name, int32_t column, MrTypeId type)
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

MrAggregateSpec *plan_group(TestPlan *plan, MrAggregateSpec base, const TestCall *calls,
                            uint32_t count)
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

void plan_deliver(TestPlan *plan, uint32_t count)
{
    MrDeliverSpec *spec = mr_arena_calloc(&test_arena, 1, sizeof *spec);
    uint32_t *keys = mr_arena_calloc(&test_arena, count + 1, sizeof *keys);
    for (uint32_t k = 0; k < count; k++) {
        keys[k] = k;
    }
    *spec = (MrDeliverSpec){ .keys = keys, .key_count = count };
    plan_add(plan, MR_OPERATOR_DELIVER, spec, plan_schema(plan));
}
