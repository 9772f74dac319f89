/*
 * server/ingest_rows.c - completes rows of given columns: see ingest_rows.h.
 */
#include "server/ingest_rows.h"

#include <stdlib.h>

#include "engine/expression.h"
#include "storage/row_text.h"

/* One block of a decoder, its computed columns and what computing them takes. */
enum { ROWS_ARENA_BYTES_MAX = 1 << 30 };

#define NO_ERROR UINT32_MAX

struct MrIngestRows {
    MrIngestRowsOptions options;
    const MrStream *stream;
    MrArena plan_arena, arena;
    uint32_t input_count; /* given columns, and the event column when the arrival must fill it */
    int32_t event_input;  /* input column that the arrival fills; -1: none */
    bool is_identity;     /* the input columns are the stream's, in its order */
    MrExpression **fills; /* per input column: its value or the default; NULL: nothing to do */
    MrExpression *
        *expressions;    /* per column of the stream, over the input; NULL when is_identity */
    MrExpression *where; /* over the stream's columns; NULL: all rows */
    MrRowErrors errors;  /* of the block under way */
    uint32_t *error_of;  /* per row: index into errors, or NO_ERROR; NULL: no row has one */
    uint64_t *bad;       /* bitmap of its rows that cannot be taken; NULL: all can */
};

/* ---- Planning -------------------------------------------------------------------------------- */

static bool fills_time(const MrIngestRows *rows)
{
    return rows->stream->event_column >= 0 && rows->stream->null_time == MR_NULL_TIME_ARRIVAL;
}

/* The columns that expressions see.  Generated columns must see the arrival that fills an event
 * column nobody gives, so that one becomes an input. */
static MrStatus inputs_make(MrIngestRows *rows, uint32_t **out, MrError *err)
{
    const MrIngestRowsOptions *options = &rows->options;
    uint32_t *inputs;
    MR_NEW_ARRAY(&rows->plan_arena, inputs, options->given_count + 1, err);
    rows->input_count = options->given_count;
    rows->event_input = -1;
    for (uint32_t i = 0; i < options->given_count; i++) {
        inputs[i] = options->given[i];
        if (fills_time(rows) && inputs[i] == (uint32_t)rows->stream->event_column) {
            rows->event_input = (int32_t)i;
        }
    }
    if (fills_time(rows) && rows->event_input < 0) {
        const MrStreamColumn *event = &rows->stream->columns[rows->stream->event_column];
        if (event->default_value == NULL && event->generated == NULL) {
            rows->event_input = (int32_t)rows->input_count;
            inputs[rows->input_count++] = (uint32_t)rows->stream->event_column;
        }
    }
    *out = inputs;
    return MR_OK;
}

/* coalesce(input column, default) */
static MrStatus fill_compile(MrIngestRows *rows, uint32_t input, const MrExpr *otherwise,
                             MrError *err)
{
    MrExpr *column, *both;
    MR_NEW(&rows->plan_arena, column, err);
    MR_NEW(&rows->plan_arena, both, err);
    *column = (MrExpr){
        .kind = MR_EXPR_COLUMN, .type = otherwise->type, .position = -1, .column = input
    };
    *both = (MrExpr){
        .kind = MR_EXPR_COALESCE, .type = otherwise->type, .position = -1, .arg_count = 2
    };
    MR_NEW_ARRAY(&rows->plan_arena, both->args, 2, err);
    both->args[0] = column;
    both->args[1] = (MrExpr *)(uintptr_t)otherwise;
    return mr_expression_compile(&rows->plan_arena, both, rows->options.zone, &rows->fills[input],
                                 err);
}

static MrStatus fills_compile(MrIngestRows *rows, const uint32_t *inputs, MrError *err)
{
    MR_NEW_ARRAY(&rows->plan_arena, rows->fills, rows->input_count, err);
    for (uint32_t i = 0; i < rows->options.given_count; i++) {
        const MrExpr *otherwise = rows->stream->columns[inputs[i]].default_value;
        if (rows->options.absent != MR_ABSENT_NEVER && otherwise != NULL) {
            MR_TRY(fill_compile(rows, i, otherwise, err));
        }
    }
    return MR_OK;
}

static MrStatus expressions_compile(MrIngestRows *rows, const uint32_t *inputs, MrError *err)
{
    uint32_t count = rows->stream->schema.column_count;
    rows->is_identity = rows->input_count == count;
    for (uint32_t i = 0; i < count && rows->is_identity; i++) {
        rows->is_identity = inputs[i] == i;
    }
    if (rows->is_identity) {
        return MR_OK;
    }
    const MrExpr *const *trees;
    MrPlannerContext context = { .arena = &rows->plan_arena,
                                 .catalog = rows->options.catalog,
                                 .zone = rows->options.zone,
                                 .now_us = mr_clock_wall_us(rows->options.clock) };
    MR_TRY(mr_planner_ingest(&context, rows->stream, inputs, rows->input_count, &trees, err));
    MR_NEW_ARRAY(&rows->plan_arena, rows->expressions, count, err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expression_compile(&rows->plan_arena, trees[i], rows->options.zone,
                                     &rows->expressions[i], err));
    }
    return MR_OK;
}

MrStatus mr_ingest_rows_create(const MrIngestRowsOptions *options, MrIngestRows **out, MrError *err)
{
    uint32_t *inputs = NULL;
    *out = NULL;
    MrIngestRows *rows = calloc(1, sizeof *rows);
    if (rows == NULL) {
        return mr_error_no_memory(err);
    }
    rows->options = *options;
    rows->stream = options->relation->stream;
    mr_arena_init(&rows->plan_arena, 0);
    mr_arena_init(&rows->arena, ROWS_ARENA_BYTES_MAX);
    MrStatus status = inputs_make(rows, &inputs, err);
    if (status == MR_OK) {
        status = fills_compile(rows, inputs, err);
    }
    if (status == MR_OK) {
        status = expressions_compile(rows, inputs, err);
    }
    if (status == MR_OK && options->where != NULL) {
        status = mr_expression_compile(&rows->plan_arena, options->where, options->zone,
                                       &rows->where, err);
    }
    if (status != MR_OK) {
        mr_ingest_rows_destroy(rows);
        return status;
    }
    *out = rows;
    return MR_OK;
}

void mr_ingest_rows_destroy(MrIngestRows *rows)
{
    if (rows != NULL) {
        mr_arena_fini(&rows->arena);
        mr_arena_fini(&rows->plan_arena);
        free(rows);
    }
}

bool mr_ingest_rows_takes_null(const MrIngestRows *rows, uint32_t given_index)
{
    return rows->fills[given_index] != NULL || rows->event_input == (int32_t)given_index ||
           rows->where != NULL; /* it may skip the row */
}

/* ---- Computing ------------------------------------------------------------------------------- */

static MrEval eval_of(MrIngestRows *rows, const MrBlock *block, MrRowErrors *errors, MrError *err)
{
    return (MrEval){ .arena = &rows->arena,
                     .block = block,
                     .zone = rows->options.zone,
                     .now_us = mr_clock_wall_us(rows->options.clock),
                     .errors = errors,
                     .err = err };
}

static MrStatus evaluate(MrIngestRows *rows, const MrExpression *expression, const MrBlock *block,
                         MrVector *out, MrError *err)
{
    MrEval eval = eval_of(rows, block, &rows->errors, err);
    return mr_expression_eval(expression, &eval, out);
}

/* The column with the wall clock's time where it was NULL. */
static MrStatus fill_time(MrIngestRows *rows, MrVector *column, MrError *err)
{
    if (column->validity == NULL) {
        return MR_OK;
    }
    int64_t now_us = mr_clock_wall_us(rows->options.clock);
    MrVector filled;
    MR_TRY(mr_vector_init(&filled, &rows->arena, column->type, column->row_count, err));
    int64_t *cells = filled.data;
    for (uint32_t row = 0; row < column->row_count; row++) {
        cells[row] =
            mr_vector_is_null(column, row) ? now_us : *(const int64_t *)mr_vector_cell(column, row);
    }
    *column = filled;
    return MR_OK;
}

/* `in` with absent values filled, in a head of its own. */
static MrStatus input_make(MrIngestRows *rows, const MrBlock *in, MrBlock **out, MrError *err)
{
    MrBlock *block;
    MR_NEW(&rows->arena, block, err);
    MR_NEW_ARRAY(&rows->arena, block->columns, rows->input_count, err);
    block->row_count = in->row_count;
    block->column_count = rows->input_count;
    block->place = (MrPlace){ .watermark_us = MR_TIME_MIN,
                              .watermark_after_us = MR_TIME_MIN,
                              .event_min_us = MR_TIME_MAX };
    for (uint32_t i = 0; i < rows->options.given_count; i++) {
        block->columns[i] = in->columns[i];
    }
    if (rows->input_count > rows->options.given_count) {
        const MrDatum null = { .type = rows->stream->columns[rows->stream->event_column].type,
                               .is_null = true };
        MR_TRY(mr_vector_init_constant(&block->columns[rows->options.given_count], &rows->arena,
                                       &null, in->row_count, err));
    }
    for (uint32_t i = 0; i < rows->input_count; i++) {
        const MrVector *column = &block->columns[i];
        if (rows->fills[i] != NULL && column->validity != NULL &&
            (column->is_constant || rows->options.absent == MR_ABSENT_NULL)) {
            MrVector filled;
            MR_TRY(evaluate(rows, rows->fills[i], block, &filled, err));
            block->columns[i] = filled;
        }
    }
    *out = block;
    return rows->event_input < 0 ? MR_OK : fill_time(rows, &block->columns[rows->event_input], err);
}

static MrStatus compute(MrIngestRows *rows, const MrBlock *input, MrBlock **out, MrError *err)
{
    MrBlock *block;
    MR_NEW(&rows->arena, block, err);
    *block = *input;
    block->column_count = rows->stream->schema.column_count;
    MR_NEW_ARRAY(&rows->arena, block->columns, block->column_count, err);
    for (uint32_t i = 0; i < block->column_count; i++) {
        MR_TRY(evaluate(rows, rows->expressions[i], input, &block->columns[i], err));
    }
    *out = block;
    /* The event column may be a default or generated. */
    return fills_time(rows) && rows->event_input < 0
               ? fill_time(rows, &block->columns[rows->stream->event_column], err)
               : MR_OK;
}

/* ---- COPY's WHERE ---------------------------------------------------------------------------- */

/* A row that an expression failed for is judged, unless WHERE leaves it out: the errors of the rows
 * that stay, under their new numbers. */
static void keep_errors(MrRowErrors *errors, const uint32_t *chosen, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < errors->count; i++) {
        uint32_t low = 0, high = count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (chosen[middle] < errors->items[i].row) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low < count && chosen[low] == errors->items[i].row) {
            errors->items[kept] = errors->items[i];
            errors->items[kept++].row = low;
        }
    }
    errors->count = kept;
}

/* The condition's own errors stand for the row, too: before those of its columns, since it is asked
 * first. */
static MrStatus join_errors(MrRowErrors *errors, const MrRowErrors *before, MrError *err)
{
    MrRowError *items;
    if (before->count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(errors->arena, items, errors->count + before->count, err);
    if (errors->count > 0) {
        memcpy(items, errors->items, errors->count * sizeof *items);
    }
    memcpy(items + errors->count, before->items, before->count * sizeof *items);
    errors->items = items;
    errors->count += before->count; /* the last one of a row counts */
    errors->capacity = errors->count;
    return MR_OK;
}

/* The rows it is true of, and those that it cannot be computed for; ascending. */
static MrStatus add_failed(MrIngestRows *rows, uint32_t row_count, const MrRowErrors *failed,
                           uint32_t **chosen, uint32_t *count, MrError *err)
{
    uint32_t *both, taken = 0, next = 0;
    if (failed->count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(&rows->arena, both, row_count, err);
    for (uint32_t row = 0; row < row_count; row++) {
        bool is_true = next < *count && (*chosen)[next] == row;
        next += is_true;
        if (is_true || mr_bitmap_get(failed->failed, row)) {
            both[taken++] = row;
        }
    }
    *chosen = both;
    *count = taken;
    return MR_OK;
}

/* Leaves out the rows that the condition is not true of; *block NULL: none stays. */
static MrStatus skip_rows(MrIngestRows *rows, MrBlock **block, MrError *err)
{
    MrRowErrors failed = { .arena = &rows->arena };
    MrEval eval = eval_of(rows, *block, &failed, err);
    uint32_t *chosen, count;
    MR_TRY(mr_expression_select(rows->where, &eval, &chosen, &count));
    MR_TRY(add_failed(rows, (*block)->row_count, &failed, &chosen, &count, err));
    MR_TRY(join_errors(&rows->errors, &failed, err));
    if (count == (*block)->row_count) {
        return MR_OK;
    }
    if (count == 0) {
        *block = NULL;
        return MR_OK;
    }
    keep_errors(&rows->errors, chosen, count);
    return mr_block_select(&rows->arena, *block, chosen, count, block, err);
}

/* ---- Judging --------------------------------------------------------------------------------- */

static MrStatus mark_nulls(MrIngestRows *rows, const MrVector *column, MrError *err)
{
    if (column->validity == NULL) {
        return MR_OK;
    }
    for (uint32_t row = 0; row < column->row_count; row++) {
        if (!mr_vector_is_null(column, row)) {
            continue;
        }
        if (rows->bad == NULL) {
            MR_NEW_ARRAY(&rows->arena, rows->bad, mr_bitmap_words(column->row_count), err);
        }
        mr_bitmap_set(rows->bad, row);
    }
    return MR_OK;
}

static MrStatus mark_failed(MrIngestRows *rows, const MrBlock *block, MrError *err)
{
    if (rows->errors.count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(&rows->arena, rows->bad, mr_bitmap_words(block->row_count), err);
    MR_NEW_ARRAY(&rows->arena, rows->error_of, block->row_count, err);
    memset(rows->error_of, 0xff, sizeof *rows->error_of * block->row_count);
    for (uint32_t i = 0; i < rows->errors.count; i++) {
        uint32_t row = rows->errors.items[i].row;
        if (row < block->row_count) {
            mr_bitmap_set(rows->bad, row);
            rows->error_of[row] = i;
        }
    }
    return MR_OK;
}

static MrStatus mark(MrIngestRows *rows, const MrBlock *block, MrError *err)
{
    rows->bad = NULL;
    rows->error_of = NULL;
    MR_TRY(mark_failed(rows, block, err));
    for (uint32_t i = 0; i < block->column_count; i++) {
        if (rows->stream->columns[i].not_null || (int32_t)i == rows->stream->event_column) {
            MR_TRY(mark_nulls(rows, &block->columns[i], err));
        }
    }
    return MR_OK;
}

/* Why the row cannot be taken.  *is_null_time: only because it has no time. */
static void reason_of(const MrIngestRows *rows, const MrBlock *block, uint32_t row, MrError *reason,
                      bool *is_null_time)
{
    const char *relation = rows->options.relation->name;
    *reason = (MrError)MR_ERROR_INIT;
    *is_null_time = false;
    if (rows->error_of != NULL && rows->error_of[row] != NO_ERROR) {
        *reason = rows->errors.items[rows->error_of[row]].error;
        return;
    }
    for (uint32_t i = 0; i < block->column_count; i++) {
        const MrStreamColumn *column = &rows->stream->columns[i];
        if (column->not_null && mr_vector_is_null(&block->columns[i], row)) {
            mr_error_set(
                reason, MR_ERR_NOT_NULL_VIOLATION,
                "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                column->name, relation);
            MrBuilder text;
            mr_builder_init(&text, 0);
            mr_row_text(block, row, rows->options.zone, &text);
            mr_error_detail(reason, "Failing row contains %s.", mr_builder_text(&text));
            mr_builder_fini(&text);
            (void)mr_error_about(reason, "public", relation, column->name, NULL);
            return;
        }
    }
    *is_null_time = true;
    mr_error_set(reason, MR_ERR_NULL_NOT_ALLOWED,
                 "the event time \"%s\" of a row of \"%s\" is null",
                 rows->stream->columns[rows->stream->event_column].name, relation);
    mr_error_hint(
        reason,
        "The stream's option null_time says what becomes of such rows: reject, arrival or fail.");
}

/* Fails for the first bad row that must not be rejected. */
static MrStatus fail_first(const MrIngestRows *rows, const MrBlock *block, MrError *err)
{
    for (uint32_t row = 0; row < block->row_count; row++) {
        bool is_null_time;
        MrError reason;
        if (!mr_bitmap_get(rows->bad, row)) {
            continue;
        }
        reason_of(rows, block, row, &reason, &is_null_time);
        if (is_null_time ? rows->stream->null_time == MR_NULL_TIME_FAIL
                         : rows->options.fail_on_bad_row) {
            if (err != NULL) {
                *err = reason;
            }
            return reason.status;
        }
    }
    return MR_OK;
}

static MrStatus reject_bad(MrIngestRows *rows, const MrBlock *block, const MrBlock **out,
                           MrError *err)
{
    uint32_t *good, count = 0;
    MR_TRY(fail_first(rows, block, err));
    MR_NEW_ARRAY(&rows->arena, good, block->row_count, err);
    for (uint32_t row = 0; row < block->row_count; row++) {
        bool is_null_time;
        MrError reason;
        if (!mr_bitmap_get(rows->bad, row)) {
            good[count++] = row;
            continue;
        }
        reason_of(rows, block, row, &reason, &is_null_time);
        rows->options.reject(rows->options.reject_context, block, row, &reason);
    }
    if (count == 0) {
        return MR_OK;
    }
    MrBlock *selected;
    MR_TRY(mr_block_select(&rows->arena, block, good, count, &selected, err));
    *out = selected;
    return MR_OK;
}

MrStatus mr_ingest_rows_make(MrIngestRows *rows, const MrBlock *in, const MrBlock **out,
                             MrError *err)
{
    *out = NULL;
    if (in->column_count != rows->options.given_count) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a block of %u columns came for %u given ones",
                            in->column_count, rows->options.given_count);
    }
    mr_arena_reset(&rows->arena);
    rows->errors = (MrRowErrors){ .arena = &rows->arena };
    MrBlock *input = NULL, *block;
    MR_TRY(input_make(rows, in, &input, err));
    block = input;
    if (!rows->is_identity) {
        MR_TRY(compute(rows, input, &block, err));
    }
    if (rows->where != NULL) {
        MR_TRY(skip_rows(rows, &block, err));
        if (block == NULL) {
            return MR_OK;
        }
    }
    MR_TRY(mark(rows, block, err));
    if (rows->bad != NULL) {
        return reject_bad(rows, block, out, err);
    }
    *out = block;
    return MR_OK;
}
