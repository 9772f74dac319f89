/*
 * planner/window_rows.c - SESSION without groups: its rows themselves, each with the bounds of its
 * session.  They become window functions in order of the sessions' time.  Must not know how the
 * bounds are computed.
 */
#include "planner/over.h"
#include "planner/window.h"

/* Expressions over the rows that go up through the window functions. */
typedef struct WindowRows {
    MrBinder *b;
    const MrLogical *window;
    MrLogical *node; /* of the window functions, once it is there */
    MrSelectList shown;
} WindowRows;

static MrStatus show(WindowRows *rows, MrExpr *expr, const char *name)
{
    rows->shown.exprs[rows->shown.count] = expr;
    rows->shown.names[rows->shown.count++] = name;
    return MR_OK;
}

/* A row without a time, or at infinity, is in no session. */
static MrStatus keep_timely(WindowRows *rows, MrLogical **node)
{
    MrBinder *b = rows->b;
    MrExpr *time = rows->window->time, *timely;
    MR_TRY(mr_bind_function(b, "isfinite", &time, 1, -1, &timely));
    return mr_logical_filter(b->arena, *node, timely, node, b->err);
}

static MrStatus add_bound(WindowRows *rows, MrOverList *list, MrOverFunction function)
{
    MrBinder *b = rows->b;
    const MrLogical *window = rows->window;
    MrBoundOver *over = &list->items[list->count];
    MrExpr *column;
    *over =
        (MrBoundOver){ .function = function,
                       .name = function == MR_OVER_SESSION_START ? "window_start" : "window_end",
                       .number = window->window.size_us,
                       .type = mr_type(window->time->type.id),
                       .window = { .partition = window->keys,
                                   .partition_count = window->key_count,
                                   .order_count = 1 } };
    MR_NEW(b->arena, over->window.order, b->err);
    over->window.order->expr = window->time;
    MR_TRY(mr_expr_column(b->arena, MR_OVER_COLUMN + list->count, over->type, -1, &column, b->err));
    list->count++;
    return show(rows, column, over->name);
}

/* _seq and _arrival of the rows, which have no place any more: behind the bounds. */
static MrStatus add_places(WindowRows *rows)
{
    MrBinder *b = rows->b;
    MrExpr *place;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_SEQUENCE, mr_type(MR_TYPE_INT64), -1, 0, &place, b->err));
    MR_TRY(show(rows, place, "_seq"));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_ARRIVAL, mr_type(MR_TYPE_TIMESTAMPTZ), -1, 0, &place,
                       b->err));
    return show(rows, place, "_arrival");
}

/* ON WINDOW CLOSE the rows of a session come when W reaches its end, and none thereafter. */
static void keep_bounds(const WindowRows *rows, uint32_t first)
{
    for (uint32_t i = 0; i < 2; i++) {
        MrLogicalColumn *column = &rows->node->columns[rows->shown.exprs[first + i]->column];
        column->role = i == 0 ? MR_TIME_WINDOW_START : MR_TIME_WINDOW_END;
        column->window_of = rows->window;
    }
}

static MrStatus make_rows(WindowRows *rows, bool with_places)
{
    MrBinder *b = rows->b;
    const MrLogical *window = rows->window;
    MrOverList list = { 0 };
    uint32_t inputs = window->column_count - 2, most = inputs + 4;
    MR_NEW_ARRAY(b->arena, list.items, 2, b->err);
    MR_NEW_ARRAY(b->arena, rows->shown.exprs, most, b->err);
    MR_NEW_ARRAY(b->arena, rows->shown.names, most, b->err);
    rows->node = window->input;
    MR_TRY(keep_timely(rows, &rows->node));
    for (uint32_t i = 0; i < inputs; i++) {
        MrExpr *column;
        MR_TRY(mr_expr_column(b->arena, i, window->columns[i].type, -1, &column, b->err));
        MR_TRY(show(rows, column, window->columns[i].name));
    }
    MR_TRY(add_bound(rows, &list, MR_OVER_SESSION_START));
    MR_TRY(add_bound(rows, &list, MR_OVER_SESSION_END));
    if (with_places) {
        MR_TRY(add_places(rows));
    }
    MR_TRY(mr_bind_add_overs(b, &list, &rows->shown, &rows->node));
    if (b->closes && window->time_is_event) {
        keep_bounds(rows, inputs);
    }
    return mr_logical_project(b->arena, rows->node, rows->shown.exprs, rows->shown.names,
                              rows->shown.count, &rows->node, b->err);
}

/* ---- What stands above ----------------------------------------------------------------------- */

typedef struct Places {
    MrBinder *b;
    const MrLogical *rows; /* with _seq and _arrival as the last columns */
} Places;

static MrStatus place_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Places *places = context;
    const uint32_t last = places->rows->column_count - 1;
    if (expr->kind != MR_EXPR_SEQUENCE && expr->kind != MR_EXPR_ARRIVAL) {
        return MR_OK;
    }
    return mr_expr_column(places->b->arena, expr->kind == MR_EXPR_ARRIVAL ? last : last - 1,
                          expr->type, expr->position, out, places->b->err);
}

MrStatus mr_window_map_places(MrBinder *b, const MrLogical *rows, const MrExpr *expr, MrExpr **out)
{
    Places places = { b, rows };
    return mr_expr_map(b->arena, expr, place_replace, &places, out, b->err);
}

MrStatus mr_window_show_rows(MrBinder *b, const MrLogical *window, bool with_places,
                             MrLogical **out)
{
    WindowRows rows = { .b = b, .window = window };
    if (window->window_kind == MR_GROUP_WINDOW_COUNT) {
        return mr_window_count_rows(b, window, with_places, out);
    }
    MR_TRY(make_rows(&rows, with_places));
    *out = rows.node;
    return MR_OK;
}

static bool node_reads_place(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_FILTER
               ? mr_expr_names_place(node->predicate)
               : node->kind == MR_LOGICAL_PROJECT && mr_logical_shows_place(node);
}

static MrStatus map_node(MrBinder *b, const MrLogical *rows, MrLogical *node)
{
    if (node->kind == MR_LOGICAL_FILTER) {
        return mr_window_map_places(b, rows, node->predicate, &node->predicate);
    }
    for (uint32_t i = 0; i < node->column_count; i++) {
        MR_TRY(mr_window_map_places(b, rows, node->expressions[i], &node->expressions[i]));
    }
    return MR_OK;
}

/* Nodes from `place` down to the rows: filters pass the places on. */
static MrStatus map_nodes(MrBinder *b, const MrLogical *rows, MrLogical *node)
{
    if (node->input != rows) {
        MR_TRY(map_nodes(b, rows, node->input));
    }
    if (node->kind == MR_LOGICAL_FILTER) {
        node->columns = node->input->columns;
        node->column_count = node->input->column_count;
    }
    return map_node(b, rows, node);
}

MrStatus mr_window_show_below(MrBinder *b, MrLogical **place)
{
    MrLogical *last = *place;
    bool with_places = node_reads_place(last);
    while (last->input->kind == MR_LOGICAL_FILTER) {
        last = last->input;
        with_places = with_places || node_reads_place(last);
    }
    const MrLogical *window = last->input;
    if (!mr_window_is_keyed(window)) {
        return MR_OK;
    }
    MR_TRY(mr_window_show_rows(b, window, with_places, &last->input));
    if (!with_places) {
        return MR_OK;
    }
    MR_TRY(map_nodes(b, last->input, *place));
    /* The node as it was, for whoever stands above it and counts its columns. */
    return (*place)->kind == MR_LOGICAL_FILTER
               ? mr_logical_first(b->arena, *place, window->column_count, NULL, 0, place, b->err)
               : MR_OK;
}
