/*
 * planner/window_count_rows.c - COUNT_WINDOW without groups: its rows themselves, each once for
 * every window that it is in, with the bounds.  A window is a group that gathers its rows as an
 * array, and the array is taken apart again above it: so no more is kept than the open windows of
 * every key.  Must not know how windows of rows are kept.
 */
#include "planner/row_value.h"
#include "planner/window.h"

typedef struct CountRows {
    MrBinder *b;
    const MrLogical *window;
    uint32_t inputs; /* columns of a row; behind them _seq and _arrival where they are wanted */
    MrSelectList fields;
    MrExpr *row;
    MrLogical *node;
} CountRows;

/* Columns of the aggregate's row: the bounds, the keys, then its calls. */
enum { CALL_ROWS, CALL_SEQUENCE, CALLS };

static const char *place_names[] = { "_seq", "_arrival" };

static MrStatus place_expr(MrBinder *b, uint32_t place, MrExpr **out)
{
    return place == 0
               ? mr_expr_new(b->arena, MR_EXPR_SEQUENCE, mr_type(MR_TYPE_INT64), -1, 0, out, b->err)
               : mr_expr_new(b->arena, MR_EXPR_ARRIVAL, mr_type(MR_TYPE_TIMESTAMPTZ), -1, 0, out,
                             b->err);
}

static MrStatus make_row(CountRows *rows, bool with_places)
{
    MrBinder *b = rows->b;
    const MrLogical *window = rows->window;
    rows->inputs = window->column_count - 2;
    for (uint32_t i = 0; i < rows->inputs; i++) {
        MrExpr *column;
        const char *name = window->columns[i].name != NULL ? window->columns[i].name : "";
        MR_TRY(mr_expr_column(b->arena, i, window->columns[i].type, -1, &column, b->err));
        MR_TRY(mr_select_add(b, &rows->fields, column, name, NULL));
    }
    for (uint32_t place = 0; with_places && place < 2; place++) {
        MrExpr *expr;
        MR_TRY(place_expr(b, place, &expr));
        MR_TRY(mr_select_add(b, &rows->fields, expr, place_names[place], NULL));
    }
    return mr_row_make(b, &rows->fields, -1, &rows->row);
}

static const MrAggregate *aggregate_entry(const char *name, MrTypeId type)
{
    const MrAggregate *const *found;
    const uint32_t count = mr_aggregate_lookup(mr_string(name), &found);
    uint32_t i = 0;
    while (i + 1 < count && found[i]->args[0] != type) {
        i++;
    }
    return found[i];
}

MrStatus mr_window_number_call(MrBinder *b, const MrLogical *window, MrLogicalCall *out)
{
    *out = (MrLogicalCall){ .aggregate = aggregate_entry("min", MR_TYPE_INT64),
                            .is_ordinal = window->numbers_windows };
    return place_expr(b, 0, &out->args[0]);
}

/* One row per window: what it has gathered, and what tells it. */
static MrStatus add_groups(CountRows *rows)
{
    MrBinder *b = rows->b;
    const MrLogical *window = rows->window;
    MrLogical *groups;
    MR_NEW(b->arena, groups, b->err);
    MR_NEW_ARRAY(b->arena, groups->calls, CALLS, b->err);
    groups->kind = MR_LOGICAL_AGGREGATE;
    groups->input = window->input;
    groups->limit = UINT64_MAX;
    groups->window_kind = window->window_kind;
    groups->window = window->window;
    groups->time = window->time;
    groups->time_is_event = window->time_is_event;
    groups->position = window->position;
    groups->keys = window->keys;
    groups->key_count = window->key_count;
    groups->calls[CALL_ROWS] =
        (MrLogicalCall){ .aggregate = aggregate_entry("array_agg", MR_TYPE_UNKNOWN),
                         .args = { rows->row } };
    groups->numbers_windows = window->numbers_windows;
    MR_TRY(mr_window_number_call(b, window, &groups->calls[CALL_SEQUENCE]));
    groups->call_count = CALLS;
    groups->sequence_call = CALL_SEQUENCE + 1;
    rows->node = groups;
    return mr_logical_aggregate_columns(b->arena, groups, b->err);
}

/* The windows' arrays taken apart: a row per element, behind the columns of the groups. */
static MrStatus add_elements(CountRows *rows, MrExpr **element)
{
    MrBinder *b = rows->b;
    const MrSetFunction *const *found;
    MrLogicalSetCall *call;
    const MrType type = { MR_TYPE_RECORD, rows->row->type.typmod };
    const uint32_t column = rows->node->column_count;
    MR_NEW(b->arena, call, b->err);
    if (mr_set_function_lookup(MR_STRING("unnest"), &found) == 0) {
        return mr_error_set(b->err, MR_ERR_INTERNAL, "there is no function unnest");
    }
    call->function = found[0];
    call->args[0] = mr_logical_call_column(rows->node, CALL_ROWS);
    MR_TRY(mr_logical_project_set(b->arena, rows->node, call, 1, false, &rows->node, b->err));
    rows->node->columns[column].type = type;
    return mr_expr_column(b->arena, column, type, -1, element, b->err);
}

/* The columns of the WINDOW node, then the places. */
static MrStatus show_fields(CountRows *rows, MrExpr *element)
{
    MrBinder *b = rows->b;
    const uint32_t fields = rows->fields.count, count = fields + 2;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    for (uint32_t field = 0; field < fields; field++) {
        const uint32_t at = field < rows->inputs ? field : field + 2;
        names[at] = rows->fields.names[field];
        MR_TRY(mr_row_field(b, element, field, -1, &exprs[at]));
    }
    for (uint32_t bound = 0; bound < 2; bound++) {
        const MrLogicalColumn *column = &rows->window->columns[rows->inputs + bound];
        names[rows->inputs + bound] = column->name;
        MR_TRY(mr_expr_column(b->arena, bound, column->type, -1, &exprs[rows->inputs + bound],
                              b->err));
    }
    return mr_logical_project(b->arena, rows->node, exprs, names, count, &rows->node, b->err);
}

MrStatus mr_window_count_rows(MrBinder *b, const MrLogical *window, bool with_places,
                              MrLogical **out)
{
    CountRows rows = { .b = b, .window = window };
    MrExpr *element;
    MR_TRY(make_row(&rows, with_places));
    MR_TRY(add_groups(&rows));
    MR_TRY(add_elements(&rows, &element));
    MR_TRY(show_fields(&rows, element));
    *out = rows.node;
    return MR_OK;
}
