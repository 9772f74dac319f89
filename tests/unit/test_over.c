/*
 * tests/unit/test_over.c - OVER and top-N over random changes against a naive model that computes
 * everything anew, with checkpoints in between: in order of arrival, over inputs that take rows
 * back, and along event time in both ways of emitting.
 */
#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "tests/unit/over_model.h"

MrArena test_arena;

static const MrColumn columns[COLUMNS + 8] = {
    { .name = "id", .type = { MR_TYPE_INT64, -1 } },
    { .name = "part", .type = { MR_TYPE_INT32, -1 } },
    { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
    { .name = "val", .type = { MR_TYPE_INT32, -1 } },
    { .name = "name", .type = { MR_TYPE_TEXT, -1 } },
    { .name = "flag", .type = { MR_TYPE_BOOL, -1 } },
};

/* ---- the operator and what it has sent ------------------------------------------------------- */

static MrStatus capture_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    Output *output = op->state;
    (void)batch;
    for (uint32_t r = 0; r < in->row_count; r++) {
        MrBuilder text;
        mr_builder_init(&text, 0);
        for (uint32_t c = 0; c < in->column_count; c++) {
            MrDatum datum;
            mr_vector_get(&in->columns[c], r, &datum);
            datum.is_null = mr_vector_is_null(&in->columns[c], r);
            mr_builder_append_string(&text, over_datum_text(&datum));
            mr_builder_append_char(&text, '|');
        }
        int32_t weight = in->weights == NULL ? 1 : in->weights[r];
        output->took_back = output->took_back || weight < 0;
        over_output_add(output, mr_builder_text(&text), weight);
        mr_builder_fini(&text);
    }
    return MR_OK;
}

static MrStatus capture_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    (void)op;
    (void)watermark_us;
    (void)batch;
    return MR_OK;
}

static const MrOperatorClass capture_class = { .name = "Capture",
                                               .push = capture_push,
                                               .advance = capture_advance };
static const MrSchema input_schema = { COLUMNS, columns };

typedef struct Run {
    MrOperator op, capture;
    MrMemory memory;
    MrArena arena, batch_arena;
    MrNotes notes;
    Output output;
    uint64_t pushes;
} Run;

static void run_open(Run *run, Case *c)
{
    MrError err = MR_ERROR_INIT;
    const MrOperatorClass *op_class = c->is_top_n ? &mr_operator_top_n : &mr_operator_over;
    mr_arena_init(&run->arena, 0);
    mr_arena_init(&run->batch_arena, 0);
    run->capture = (MrOperator){ .op_class = &capture_class, .state = &run->output };
    run->op = (MrOperator){ .op_class = op_class,
                            .node = &c->node,
                            .input = &input_schema,
                            .spec = c->node.spec,
                            .output = &run->capture,
                            .memory = &run->memory,
                            .arena = &run->arena,
                            .lanes = 1 };
    run->op.state = mr_arena_calloc(&run->arena, 1, op_class->state_size);
    ck_assert_msg(op_class->open(&run->op, &err) == MR_OK, "%s", err.message);
}

static void run_close(Run *run)
{
    run->op.op_class->close(&run->op);
    mr_arena_fini(&run->arena);
    mr_arena_fini(&run->batch_arena);
    ck_assert_int_eq(run->memory.used_bytes, 0);
}

static void run_reopen(Run *run, Case *c)
{
    MrBuilder state;
    MrError err = MR_ERROR_INIT;
    mr_builder_init(&state, 0);
    MrStateWriter writer = { .out = &state };
    ck_assert_int_eq(run->op.op_class->snapshot(&run->op, &writer, &err), MR_OK);
    run_close(run);
    run_open(run, c);
    MrStateReader reader = { .data = state.data, .length = state.length };
    ck_assert_msg(run->op.op_class->restore(&run->op, &reader, &err) == MR_OK, "%s", err.message);
    ck_assert_uint_eq(reader.at, reader.length);
    mr_builder_fini(&state);
}

static MrBatch run_batch(Run *run, MrError *err)
{
    mr_arena_reset(&run->batch_arena);
    return (MrBatch){ .arena = &run->batch_arena, .notes = &run->notes, .err = err };
}

static void run_push(Run *run, const Case *c, const Row *const *rows, const int32_t *weights,
                     uint32_t count)
{
    MrError err = MR_ERROR_INIT;
    MrBatch batch = run_batch(run, &err);
    MrBlock *block;
    int64_t *watermarks;
    ck_assert_int_eq(mr_block_create(batch.arena, &input_schema, count, &block, &err), MR_OK);
    watermarks = mr_arena_calloc(batch.arena, count + 1, sizeof *watermarks);
    for (uint32_t r = 0; r < count; r++) {
        for (uint32_t i = 0; i < COLUMNS; i++) {
            size_t width = mr_type_info(columns[i].type.id)->width;
            char *cell = (char *)block->columns[i].data + r * width;
            memset(cell, 0, width);
            if (rows[r]->cells[i].is_null) {
                ck_assert_int_eq(mr_vector_make_nullable(&block->columns[i], batch.arena, &err),
                                 MR_OK);
                mr_bitmap_clear(block->columns[i].validity, r);
            } else {
                mr_datum_store(&rows[r]->cells[i], cell);
            }
        }
        watermarks[r] = rows[r]->watermark_us;
    }
    block->weights = c->retracts ? weights : NULL;
    block->place = (MrPlace){ .first_sequence = 1 + 8 * run->pushes++, .watermarks = watermarks };
    ck_assert_msg(run->op.op_class->push(&run->op, block, &batch) == MR_OK, "%s", err.message);
}

static void run_flush(Run *run)
{
    MrError err = MR_ERROR_INIT;
    MrBatch batch = run_batch(run, &err);
    ck_assert_msg(run->op.op_class->finish_batch(&run->op, &batch) == MR_OK, "%s", err.message);
}

static void run_advance(Run *run, int64_t watermark_us)
{
    MrError err = MR_ERROR_INIT;
    MrBatch batch = run_batch(run, &err);
    ck_assert_msg(run->op.op_class->advance(&run->op, watermark_us, &batch) == MR_OK, "%s",
                  err.message);
}

/* ---- random plans ---------------------------------------------------------------------------- */

#define SECOND INT64_C(1000000)

static MrDatum random_offset(MrRandom *random, const Case *c, MrFrameUnit unit)
{
    MrDatum offset = { .type = mr_type(MR_TYPE_INT64),
                       .integer = (int64_t)mr_random_below(random, 4) };
    if (unit == MR_FRAME_UNIT_RANGE && c->order[0].column == AT) {
        offset = (MrDatum){ .type = mr_type(MR_TYPE_INTERVAL),
                            .interval = { .us = (int64_t)mr_random_below(random, 8) * SECOND } };
    }
    return offset;
}

static MrFrame random_frame(MrRandom *random, const Case *c, bool forward)
{
    MrFrame frame = { .unit = (MrFrameUnit)mr_random_below(random, 3) };
    bool has_offsets = frame.unit != MR_FRAME_UNIT_RANGE || c->over.ordered.order_count == 1;
    do {
        frame.start = (MrFrameEdge)mr_random_below(random, forward ? 5 : 3);
        frame.end = (MrFrameEdge)mr_random_below(random, forward ? 5 : 4);
    } while (
        frame.start == MR_EDGE_UNBOUNDED_FOLLOWING || frame.end == MR_EDGE_UNBOUNDED_PRECEDING ||
        frame.start > frame.end ||
        (!has_offsets && (frame.start == MR_EDGE_PRECEDING || frame.end == MR_EDGE_PRECEDING ||
                          frame.start == MR_EDGE_FOLLOWING || frame.end == MR_EDGE_FOLLOWING)));
    frame.start_offset = random_offset(random, c, frame.unit);
    frame.end_offset = random_offset(random, c, frame.unit);
    frame.hole =
        mr_random_below(random, 4) == 0 ? (MrFrameHole)mr_random_below(random, 4) : MR_HOLE_NONE;
    return frame;
}

static const MrAggregate *find(const char *name, MrTypeId type)
{
    const MrAggregate *const *all;
    uint32_t count = mr_aggregate_lookup(mr_string(name), &all);
    for (uint32_t i = 0; i < count; i++) {
        if (type == MR_TYPE_UNKNOWN ? all[i]->arg_count == 0
                                    : all[i]->arg_count == 1 && all[i]->args[0] == type) {
            return all[i];
        }
    }
    ck_abort_msg("no aggregate %s", name);
    return NULL;
}

static MrOverCall random_call(MrRandom *random, const Case *c, MrType *type)
{
    static const struct {
        const char *name;
        uint32_t column;
    } aggregates[] = { { "count", COLUMNS }, { "sum", VAL },  { "min", VAL },
                       { "max", NAME },      { "min", NAME }, { "max", VAL } };
    /* ON WINDOW CLOSE nothing may wait for the end of the partition. */
    bool forward = !(c->closes && c->end_after_us == 0);
    MrOverCall call = { .filter = -1, .fallback = -1 };
    do {
        call.function = mr_random_below(random, 2) == 0
                            ? MR_OVER_AGGREGATE
                            : (MrOverFunction)mr_random_below(random, MR_OVER_NTH_VALUE + 1);
    } while (call.function == MR_OVER_SESSION_START || call.function == MR_OVER_SESSION_END ||
             (!forward && (call.function == MR_OVER_PERCENT_RANK ||
                           call.function == MR_OVER_CUME_DIST || call.function == MR_OVER_NTILE)));
    call.frame = random_frame(random, c, forward);
    *type = mr_type(MR_TYPE_INT64);
    call.number = 1 + (int64_t)mr_random_below(random, 4);
    switch (call.function) {
    case MR_OVER_AGGREGATE: {
        uint64_t a = mr_random_below(random, sizeof aggregates / sizeof aggregates[0]);
        uint32_t column = aggregates[a].column;
        call.aggregate =
            find(aggregates[a].name, column == COLUMNS ? MR_TYPE_UNKNOWN : columns[column].type.id);
        call.args[0] = column == COLUMNS ? 0 : column;
        call.filter = mr_random_below(random, 3) == 0 ? FLAG : -1;
        *type = mr_type(call.aggregate->result);
        break;
    }
    case MR_OVER_PERCENT_RANK:
    case MR_OVER_CUME_DIST: *type = mr_type(MR_TYPE_FLOAT64); break;
    case MR_OVER_NTILE: *type = mr_type(MR_TYPE_INT32); break;
    case MR_OVER_LAG:
        call.number = (int64_t)mr_random_below(random, 7) - 3;
        call.args[0] = mr_random_below(random, 2) == 0 ? NAME : VAL;
        call.fallback = mr_random_below(random, 2) == 0 ? -1 : (int32_t)call.args[0];
        *type = columns[call.args[0]].type;
        break;
    case MR_OVER_FIRST_VALUE:
    case MR_OVER_LAST_VALUE:
    case MR_OVER_NTH_VALUE:
        call.args[0] = mr_random_below(random, 2) == 0 ? NAME : VAL;
        *type = columns[call.args[0]].type;
        break;
    default: break;
    }
    return call;
}

static void case_make(Case *c, MrRandom *random)
{
    static const uint32_t id_column[1] = { ID };
    memset(c, 0, sizeof *c);
    c->is_top_n = mr_random_below(random, 3) == 0;
    c->timed = mr_random_below(random, 2) == 0;
    c->retracts = !c->timed && mr_random_below(random, 2) == 0;
    c->closes = c->timed && mr_random_below(random, 2) == 0;
    c->lateness_us = c->timed ? (int64_t)mr_random_below(random, 3) * SECOND : 0;
    c->partition[0] = PART;
    MrOrderedSpec ordered = { .partition = c->partition,
                              .partition_count = (uint32_t)mr_random_below(random, 2),
                              .order = c->order,
                              .order_count = (uint32_t)mr_random_below(random, 3),
                              .ties = id_column,
                              .tie_count = 1,
                              .emit = c->closes ? MR_EMIT_MODE_CLOSE : MR_EMIT_MODE_UPDATE,
                              .input_retracts = c->retracts,
                              .input_is_derived =
                                  c->retracts || (!c->timed && mr_random_below(random, 2) == 0),
                              .judges_late = c->timed,
                              .needs_old = true,
                              .close_column = -1,
                              .allowed_lateness_us = c->lateness_us };
    static const uint32_t choices[] = { AT, VAL, NAME, ID, FLAG };
    for (uint32_t k = 0; k < 2; k++) {
        c->order[k] = (MrSortKey){ .column = choices[mr_random_below(random, 4)],
                                   .descending = mr_random_below(random, 2) == 0,
                                   .nulls_first = mr_random_below(random, 2) == 0 };
    }
    if (c->timed) {
        c->order[0] = (MrSortKey){ .column = AT };
        ordered.order_count = 1 + (uint32_t)mr_random_below(random, 2);
        ordered.orders_by_event = !c->is_top_n || c->closes;
    } else if (c->order[0].column == NAME || c->order[0].column == ID) {
        ordered.order_count = ordered.order_count == 1 ? 2 : ordered.order_count;
    }
    c->over.ordered = c->top.ordered = ordered;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        c->schema[i] = columns[i];
    }
    if (c->is_top_n) {
        static const MrOverFunction by[] = { MR_OVER_ROW_NUMBER, MR_OVER_ROW_NUMBER, MR_OVER_RANK,
                                             MR_OVER_DENSE_RANK };
        c->top.by = by[mr_random_below(random, 4)];
        c->top.limit = mr_random_below(random, 3) == 0 ? 1 : mr_random_below(random, 20);
        c->top.offset = mr_random_below(random, 2) == 0 ? mr_random_below(random, 3) : 0;
        c->top.shows_number = mr_random_below(random, 2) == 0;
        c->schema[COLUMNS] = (MrColumn){ .name = "rn", .type = mr_type(MR_TYPE_INT64) };
        c->node = (MrDagNode){ .kind = MR_OPERATOR_TOP_N,
                               .spec = &c->top,
                               .schema = { COLUMNS + c->top.shows_number, c->schema } };
        return;
    }
    c->over.calls = c->calls;
    c->over.call_count = 1 + (uint32_t)mr_random_below(random, 4);
    for (uint32_t i = 0; i < c->over.call_count; i++) {
        MrType type;
        c->calls[i] = random_call(random, c, &type);
        c->schema[COLUMNS + i] = (MrColumn){ .name = "v", .type = type };
    }
    c->node = (MrDagNode){ .kind = MR_OPERATOR_OVER,
                           .spec = &c->over,
                           .schema = { COLUMNS + c->over.call_count, c->schema } };
}

static Row *random_row(MrRandom *random, uint64_t number, int64_t at_us)
{
    Row *row = mr_arena_calloc(&test_arena, 1, sizeof *row);
    uint64_t name = mr_random_below(random, 6);
    char *text = mr_arena_printf(&test_arena, name % 2 ? "n%llu" : "a name for the heap, no %llu",
                                 (unsigned long long)name);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        row->cells[c].type = columns[c].type;
        row->cells[c].is_null = c != ID && c != AT && mr_random_below(random, 7) == 0;
    }
    row->arrival = number;
    row->cells[ID].integer = (int64_t)number;
    row->cells[PART].integer = (int64_t)mr_random_below(random, 3);
    row->cells[AT].integer = at_us;
    row->cells[VAL].integer = (int64_t)mr_random_below(random, 9) - 4;
    row->cells[NAME].text = mr_text_make(text, (uint32_t)strlen(text));
    row->cells[FLAG].boolean = mr_random_below(random, 2) == 0;
    return row;
}

/* ---- the test -------------------------------------------------------------------------------- */

enum { ROWS_MAX = 80 };

typedef struct Feed {
    const Row *alive[ROWS_MAX]; /* what counts: not late, not taken back */
    uint32_t count;
    uint64_t made, late;
    int64_t now_us, watermark_us;
} Feed;

/* A few rows, or rows taken back, in one block. */
static void feed_block(Feed *feed, Case *c, Run *run, MrRandom *random)
{
    const Row *rows[8];
    int32_t weights[8];
    uint32_t count = 1 + (uint32_t)mr_random_below(random, 7), used = 0;
    while (used < count && feed->made < ROWS_MAX) {
        if (c->retracts && feed->count > 0 && mr_random_below(random, 3) == 0) {
            uint32_t gone = (uint32_t)mr_random_below(random, feed->count);
            rows[used] = feed->alive[gone];
            weights[used++] = -1;
            feed->alive[gone] = feed->alive[--feed->count];
            continue;
        }
        feed->now_us += (int64_t)mr_random_below(random, 3) * SECOND;
        Row *row = random_row(random, feed->made++,
                              feed->now_us - (int64_t)mr_random_below(random, 6) * SECOND);
        row->watermark_us = feed->watermark_us;
        int64_t own = row->cells[AT].integer - 2 * SECOND;
        feed->watermark_us = own > feed->watermark_us ? own : feed->watermark_us;
        rows[used] = row;
        weights[used++] = 1;
        bool can_be_late = c->is_top_n ? c->top.ordered.orders_by_event : c->timed;
        if (can_be_late && row->watermark_us != MR_TIME_MIN &&
            row->cells[AT].integer < row->watermark_us - c->lateness_us) {
            feed->late++;
            continue;
        }
        feed->alive[feed->count++] = row;
    }
    run_push(run, c, rows, weights, used);
    if (c->timed) {
        run_advance(run, feed->watermark_us);
    }
}

START_TEST(test_random_changes_give_the_naive_answer)
{
    for (uint64_t round = 0; round < 100; round++) {
        uint64_t seed = (uint64_t)_i * 1000 + round;
        MrRandom random;
        static Case c;
        static Run run;
        Feed feed = { .watermark_us = MR_TIME_MIN, .now_us = 1700000000 * SECOND };
        mr_random_init(&random, seed);
        case_make(&c, &random);
        memset(&run, 0, sizeof run);
        run_open(&run, &c);
        while (feed.made < ROWS_MAX) {
            feed_block(&feed, &c, &run, &random);
            if (mr_random_below(&random, 3) != 0) {
                continue;
            }
            run_flush(&run);
            if (!c.closes) {
                Output wanted = over_model(&c, feed.alive, feed.count);
                over_check_same(&run.output, &wanted, seed, "after a flush");
                free(wanted.rows);
            }
            if (mr_random_below(&random, 3) == 0) {
                run_reopen(&run, &c);
            }
        }
        run_advance(&run, MR_TIME_MAX);
        run_flush(&run);
        Output wanted = over_model(&c, feed.alive, feed.count);
        over_check_same(&run.output, &wanted, seed, "at the end");
        free(wanted.rows);
        ck_assert_msg(!c.closes || !run.output.took_back, "seed %llu: a final row was taken back",
                      (unsigned long long)seed);
        ck_assert_uint_eq(run.notes.late_rows, feed.late);
        run_close(&run);
        free(run.output.rows);
        mr_arena_reset(&test_arena);
    }
}
END_TEST

/* Pieces of every length keep what is written into them, and one that is given back is taken
 * again. */
START_TEST(test_pieces)
{
    enum { COUNT = 500, LONGEST = 1500 };
    MrMemory memory = { 0 };
    MrPiecePool pool;
    MrRandom random;
    MrError err = MR_ERROR_INIT;
    char *pieces[COUNT] = { NULL };
    uint32_t bytes[COUNT];
    int64_t most = 0;
    mr_random_init(&random, 3);
    mr_piece_pool_init(&pool, &memory);
    for (uint32_t step = 0; step < COUNT * 40; step++) {
        const uint32_t i = (uint32_t)mr_random_below(&random, COUNT);
        if (pieces[i] != NULL) {
            for (uint32_t b = 0; b < bytes[i]; b++) {
                ck_assert_int_eq(pieces[i][b], (char)i);
            }
            mr_piece_give(&pool, pieces[i], bytes[i]);
        }
        bytes[i] = 1 + (uint32_t)mr_random_below(&random, LONGEST);
        ck_assert_int_eq(mr_piece_take(&pool, bytes[i], &pieces[i], &err), MR_OK);
        memset(pieces[i], (char)i, bytes[i]);
        most = step < COUNT * 20 && memory.used_bytes > most ? memory.used_bytes : most;
    }
    ck_assert_int_le(memory.used_bytes, most + most / 4);
    ck_assert_int_eq(memory.used_bytes, mr_piece_pool_bytes(&pool));
    mr_piece_pool_fini(&pool); /* also the pieces that were not given back */
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("over");
    TCase *tcase = tcase_create("random");
    tcase_set_timeout(tcase, 300);
    mr_arena_init(&test_arena, 0);
    tcase_add_loop_test(tcase, test_random_changes_give_the_naive_answer, 0, 4);
    tcase_add_test(tcase, test_pieces);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
