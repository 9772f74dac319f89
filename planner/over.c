/*
 * planner/over.c - OVER and TOP_N nodes: made from what a query's window functions need, one for
 * each window.  Must not know SQL text.
 */
#include "planner/over.h"

#include "planner/window.h"

#include <string.h>

/* ---- Nodes ----------------------------------------------------------------------------------- */

uint32_t mr_over_call_args(const MrOverCall *call)
{
    if (call->aggregate != NULL) {
        return call->aggregate->arg_count;
    }
    return call->function >= MR_OVER_LAG ? 1 : 0;
}

MrStatus mr_logical_over_columns(MrArena *arena, MrLogical *node, MrError *err)
{
    const MrLogicalOver *over = node->over;
    const MrLogical *input = node->input;
    uint32_t more = node->kind == MR_LOGICAL_TOP_N ? over->shows_number : over->call_count;
    MR_NEW_ARRAY(arena, node->columns, input->column_count + more, err);
    node->column_count = input->column_count + more;
    for (uint32_t i = 0; i < input->column_count; i++) {
        MrLogicalColumn *column = &node->columns[i];
        *column = input->columns[i];
        /* Rows change after W has passed them; the bounds of a window that partitions end with do
         * not. */
        if (over->close_key < 0 || column->role == MR_TIME_EVENT) {
            column->role = MR_TIME_NONE;
        }
    }
    for (uint32_t i = 0; i < more; i++) {
        bool is_top = node->kind == MR_LOGICAL_TOP_N;
        MrOverFunction function = is_top ? over->by : over->calls[i].function;
        node->columns[input->column_count + i] = (MrLogicalColumn){
            .name = is_top ? "row_number" : over->calls[i].name,
            .type = is_top ? mr_type(MR_TYPE_INT64) : over->call_types[i],
            .not_null = (function != MR_OVER_AGGREGATE && function < MR_OVER_LAG) ||
                        (!is_top && over->calls[i].aggregate != NULL &&
                         strcmp(over->calls[i].aggregate->name, "count") == 0),
        };
    }
    return MR_OK;
}

/* Whether a value waits for rows that come behind its own. */
static bool looks_ahead(const MrLogicalOver *over)
{
    for (uint32_t i = 0; i < over->call_count; i++) {
        const MrOverCall *call = &over->calls[i];
        bool has_frame =
            call->function == MR_OVER_AGGREGATE || call->function >= MR_OVER_FIRST_VALUE;
        if ((call->function == MR_OVER_LAG && call->number < 0) ||
            (has_frame && call->frame.end > MR_EDGE_CURRENT_ROW) ||
            call->function == MR_OVER_PERCENT_RANK || call->function == MR_OVER_CUME_DIST ||
            call->function == MR_OVER_NTILE || call->function == MR_OVER_SESSION_START ||
            call->function == MR_OVER_SESSION_END) {
            return true;
        }
    }
    return false;
}

/* A fixed length that W must be behind a window's bound when the window has closed; false: this
 * column is no bound of such a window. */
static bool bound_distance(const MrLogicalColumn *column, int64_t *after_us)
{
    const MrLogical *window = column->window_of;
    bool is_fixed = window != NULL && window->window.size_months == 0 &&
                    (window->window_kind == MR_GROUP_WINDOW_TUMBLE ||
                     window->window_kind == MR_GROUP_WINDOW_HOP);
    if (window == NULL || !window->time_is_event ||
        (column->role != MR_TIME_WINDOW_END &&
         !(column->role == MR_TIME_WINDOW_START && is_fixed))) {
        return false;
    }
    *after_us = column->role == MR_TIME_WINDOW_START ? window->window.size_us : 0;
    return true;
}

/* What the sort column is for the watermark.  Another OVER in the same order gives its rows, ON
 * WINDOW CLOSE, before the watermark that made them final. */
static void find_event(MrLogicalOver *over, const MrLogical *input, uint32_t column)
{
    for (;;) {
        const MrLogicalColumn *found = &input->columns[column];
        if (found->role == MR_TIME_EVENT) {
            over->orders_by_event = true;
            return;
        }
        if (bound_distance(found, &over->event_after_us)) {
            over->orders_by_event = over->event_is_bound = true;
            return;
        }
        if (input->kind == MR_LOGICAL_OVER && column < input->input->column_count) {
            const MrLogicalOver *below = input->over;
            over->orders_by_event = below->orders_by_event && below->close_key < 0 &&
                                    below->order[0].column == column && !looks_ahead(below);
            over->event_is_bound = below->event_is_bound;
            over->event_after_us = below->event_after_us;
            return;
        }
        if (input->kind == MR_LOGICAL_PROJECT &&
            input->expressions[column]->kind == MR_EXPR_COLUMN) {
            column = input->expressions[column]->column;
        } else if (input->kind != MR_LOGICAL_FILTER) {
            return;
        }
        input = input->input;
    }
}

/* Time in PARTITION BY and ORDER BY: what ends a partition, what makes rows final. */
static void find_time(MrLogical *node)
{
    MrLogicalOver *over = node->over;
    const MrLogical *input = node->input;
    over->close_key = -1;
    for (uint32_t p = 0; p < over->partition_count; p++) {
        const MrLogicalColumn *column = &input->columns[over->partition[p]];
        if (!bound_distance(column, &over->close_after_us)) {
            continue;
        }
        over->close_key = (int32_t)p;
        over->close_window = column->window_of;
        break;
    }
    if (over->order_count > 0 && !over->order[0].descending) {
        find_event(over, input, over->order[0].column);
    }
}

static MrStatus new_node(MrBinder *b, MrLogicalKind kind, MrLogical *input, MrLogical **out)
{
    MrLogical *node;
    MR_NEW(b->arena, node, b->err);
    MR_NEW(b->arena, node->over, b->err);
    node->kind = kind;
    node->input = input;
    node->limit = UINT64_MAX;
    *out = node;
    return MR_OK;
}

static MrStatus copy_keys(MrBinder *b, MrLogicalOver *over, const uint32_t *partition,
                          uint32_t partition_count, const MrSortKey *order, uint32_t order_count)
{
    MR_NEW_ARRAY(b->arena, over->partition, partition_count, b->err);
    MR_NEW_ARRAY(b->arena, over->order, order_count, b->err);
    for (uint32_t i = 0; i < partition_count; i++) {
        over->partition[i] = partition[i];
    }
    for (uint32_t i = 0; i < order_count; i++) {
        over->order[i] = order[i];
    }
    over->partition_count = partition_count;
    over->order_count = order_count;
    return MR_OK;
}

MrStatus mr_logical_top_n(MrBinder *b, MrLogical *input, const uint32_t *partition,
                          uint32_t partition_count, const MrSortKey *order, uint32_t order_count,
                          MrLogical **out)
{
    MR_TRY(new_node(b, MR_LOGICAL_TOP_N, input, out));
    (*out)->over->by = MR_OVER_ROW_NUMBER;
    (*out)->over->limit = 1;
    MR_TRY(copy_keys(b, (*out)->over, partition, partition_count, order, order_count));
    find_time(*out);
    return mr_logical_over_columns(b->arena, *out, b->err);
}

/* ---- What the functions need, as columns ----------------------------------------------------- */

/* The input with one more column for every expression that is none. */
typedef struct Columns {
    MrBinder *b;
    MrLogical *input;
    MrExpr **exprs;
    const char **names;
    uint32_t count, capacity;
} Columns;

static MrStatus columns_init(MrBinder *b, MrLogical *input, Columns *columns)
{
    *columns = (Columns){ .b = b, .input = input, .capacity = input->column_count + 16 };
    MR_NEW_ARRAY(b->arena, columns->exprs, columns->capacity, b->err);
    MR_NEW_ARRAY(b->arena, columns->names, columns->capacity, b->err);
    for (uint32_t i = 0; i < input->column_count; i++) {
        columns->names[i] = input->columns[i].name;
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &columns->exprs[i], b->err));
    }
    columns->count = input->column_count;
    return MR_OK;
}

static MrStatus column_for(Columns *columns, MrExpr *expr, uint32_t *out)
{
    MrBinder *b = columns->b;
    for (uint32_t i = 0; i < columns->count; i++) {
        if (mr_expr_equal(columns->exprs[i], expr)) {
            *out = i;
            return MR_OK;
        }
    }
    if (columns->count == columns->capacity) {
        MrExpr **exprs;
        const char **names;
        uint32_t capacity = columns->capacity * 2;
        MR_NEW_ARRAY(b->arena, exprs, capacity, b->err);
        MR_NEW_ARRAY(b->arena, names, capacity, b->err);
        memcpy(exprs, columns->exprs, columns->count * sizeof(MrExpr *));
        memcpy(names, columns->names, columns->count * sizeof *names);
        columns->exprs = exprs;
        columns->names = names;
        columns->capacity = capacity;
    }
    *out = columns->count;
    columns->exprs[columns->count++] = expr;
    return MR_OK;
}

/* _seq and _arrival are a row's own: above a window function there is no such row any more. */
static MrStatus lift_place(void *context, const MrExpr *expr, MrExpr **out)
{
    Columns *columns = context;
    MrBinder *b = columns->b;
    uint32_t column;
    if (expr->kind != MR_EXPR_SEQUENCE && expr->kind != MR_EXPR_ARRIVAL) {
        return MR_OK;
    }
    MR_TRY(column_for(columns, (MrExpr *)(uintptr_t)expr, &column));
    return mr_expr_column(b->arena, column, expr->type, expr->position, out, b->err);
}

static MrStatus lift_places(Columns *columns, const MrExpr *expr, MrExpr **out)
{
    return mr_expr_map(columns->b->arena, expr, lift_place, columns, out, columns->b->err);
}

/* A window with its keys as columns. */
typedef struct Window {
    uint32_t *partition;
    uint32_t partition_count;
    MrSortKey *order;
    uint32_t order_count;
} Window;

static MrStatus window_columns(Columns *columns, const MrBoundWindow *bound, Window *out)
{
    MrBinder *b = columns->b;
    uint32_t column, seen;
    MR_NEW_ARRAY(b->arena, out->partition, bound->partition_count, b->err);
    MR_NEW_ARRAY(b->arena, out->order, bound->order_count, b->err);
    out->partition_count = out->order_count = 0;
    for (uint32_t i = 0; i < bound->partition_count; i++) {
        MR_TRY(column_for(columns, bound->partition[i], &column));
        for (seen = 0; seen < out->partition_count && out->partition[seen] != column; seen++) {
        }
        if (seen == out->partition_count) {
            out->partition[out->partition_count++] = column;
        }
    }
    for (uint32_t i = 0; i < bound->order_count; i++) {
        const MrBoundSort *sort = &bound->order[i];
        MR_TRY(column_for(columns, sort->expr, &column));
        out->order[out->order_count++] = (MrSortKey){ .column = column,
                                                      .descending = sort->descending,
                                                      .nulls_first = sort->nulls_first };
    }
    return MR_OK;
}

static bool same_window(const Window *a, const Window *c)
{
    if (a->partition_count != c->partition_count || a->order_count != c->order_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->partition_count; i++) {
        if (a->partition[i] != c->partition[i]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->order_count; i++) {
        if (a->order[i].column != c->order[i].column ||
            a->order[i].descending != c->order[i].descending ||
            a->order[i].nulls_first != c->order[i].nulls_first) {
            return false;
        }
    }
    return true;
}

static MrStatus call_columns(Columns *columns, const MrBoundOver *over, MrOverCall *out)
{
    uint32_t column;
    *out = (MrOverCall){ .function = over->function,
                         .name = over->name,
                         .aggregate = over->aggregate,
                         .filter = -1,
                         .fallback = -1,
                         .number = over->number,
                         .frame = over->window.frame };
    for (uint32_t i = 0; i < over->arg_count; i++) {
        MrExpr *argument;
        MR_TRY(mr_expr_filtered(columns->b->arena, over->args[i], over->filter, &argument,
                                columns->b->err));
        MR_TRY(column_for(columns, argument, &out->args[i]));
    }
    if (over->filter != NULL) {
        MR_TRY(column_for(columns, over->filter, &column));
        out->filter = (int32_t)column;
    }
    if (over->fallback != NULL) {
        MR_TRY(column_for(columns, over->fallback, &column));
        out->fallback = (int32_t)column;
    }
    return MR_OK;
}

/* ---- One node per window --------------------------------------------------------------------- */

typedef struct Overs {
    Window *windows; /* of each call */
    MrOverCall *calls;
    bool *is_placed;
    uint32_t *places; /* column of each call in the end */
} Overs;

/* A node for the window of call `first` and all calls that share it. */
static MrStatus add_node(MrBinder *b, const MrOverList *list, Overs *overs, uint32_t first,
                         MrLogical **node)
{
    const Window *window = &overs->windows[first];
    MrLogical *added;
    MR_TRY(new_node(b, MR_LOGICAL_OVER, *node, &added));
    MrLogicalOver *over = added->over;
    MR_TRY(copy_keys(b, over, window->partition, window->partition_count, window->order,
                     window->order_count));
    MR_NEW_ARRAY(b->arena, over->calls, list->count, b->err);
    MR_NEW_ARRAY(b->arena, over->call_types, list->count, b->err);
    for (uint32_t i = first; i < list->count; i++) {
        if (overs->is_placed[i] || !same_window(window, &overs->windows[i])) {
            continue;
        }
        overs->is_placed[i] = true;
        overs->places[i] = (*node)->column_count + over->call_count;
        over->call_types[over->call_count] = list->items[i].type;
        over->calls[over->call_count++] = overs->calls[i];
    }
    find_time(added);
    MR_TRY(mr_logical_over_columns(b->arena, added, b->err));
    *node = added;
    return MR_OK;
}

typedef struct Places {
    MrBinder *b;
    const uint32_t *columns;
} Places;

static MrStatus place_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Places *places = context;
    *out = (MrExpr *)(uintptr_t)column;
    return column->column < MR_OVER_COLUMN || column->column >= MR_AGGREGATE_COLUMN
               ? MR_OK
               : mr_expr_column(places->b->arena, places->columns[column->column - MR_OVER_COLUMN],
                                column->type, column->position, out, places->b->err);
}

MrStatus mr_bind_add_overs(MrBinder *b, const MrOverList *list, MrSelectList *select,
                           MrLogical **node)
{
    Columns columns;
    Overs overs;
    if (list->count == 0) {
        return MR_OK;
    }
    MR_TRY(columns_init(b, *node, &columns));
    MR_NEW_ARRAY(b->arena, overs.windows, list->count, b->err);
    MR_NEW_ARRAY(b->arena, overs.calls, list->count, b->err);
    MR_NEW_ARRAY(b->arena, overs.is_placed, list->count, b->err);
    MR_NEW_ARRAY(b->arena, overs.places, list->count, b->err);
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(window_columns(&columns, &list->items[i].window, &overs.windows[i]));
        MR_TRY(call_columns(&columns, &list->items[i], &overs.calls[i]));
    }
    for (uint32_t i = 0; i < select->count; i++) {
        MR_TRY(lift_places(&columns, select->exprs[i], &select->exprs[i]));
    }
    if (columns.count > (*node)->column_count) {
        MR_TRY(mr_logical_project(b->arena, *node, columns.exprs, columns.names, columns.count,
                                  node, b->err));
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!overs.is_placed[i]) {
            MR_TRY(add_node(b, list, &overs, i, node));
        }
    }
    Places places = { b, overs.places };
    for (uint32_t i = 0; i < select->count; i++) {
        MR_TRY(mr_expr_map_columns(b->arena, select->exprs[i], place_replace, &places,
                                   &select->exprs[i], b->err));
    }
    return MR_OK;
}

/* ---- Time ------------------------------------------------------------------------------------ */

bool mr_over_corrects(const MrLogical *node, MrEmitMode emit)
{
    const MrLogicalOver *over = node->over;
    if (emit == MR_EMIT_MODE_CLOSE) {
        return false;
    }
    /* The first rows in order of arrival stay the first. */
    return !(node->kind == MR_LOGICAL_TOP_N && over->order_count == 0 &&
             over->by == MR_OVER_ROW_NUMBER && mr_logical_is_in_log_order(node->input));
}

const char *mr_over_never_closes(const MrLogical *node)
{
    const MrLogicalOver *over = node->over;
    if (over->close_key >= 0) {
        return NULL;
    }
    if (!over->orders_by_event && node->kind == MR_LOGICAL_OVER && over->call_count > 0 &&
        over->calls[0].function == MR_OVER_SESSION_START) {
        return "its sessions are not of the event time";
    }
    if (!over->orders_by_event) {
        return node->kind == MR_LOGICAL_TOP_N
                   ? "the first rows are those of no window, nor in order of the event time"
                   : "a window function is not in order of the event time";
    }
    for (uint32_t i = 0; node->kind == MR_LOGICAL_OVER && i < over->call_count; i++) {
        const MrOverCall *call = &over->calls[i];
        bool has_frame =
            call->function == MR_OVER_AGGREGATE || call->function >= MR_OVER_FIRST_VALUE;
        if (call->function == MR_OVER_PERCENT_RANK || call->function == MR_OVER_CUME_DIST ||
            call->function == MR_OVER_NTILE ||
            (has_frame && call->frame.end == MR_EDGE_UNBOUNDED_FOLLOWING)) {
            return "a window function waits for the end of its partition";
        }
    }
    return NULL;
}
