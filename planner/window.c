/*
 * planner/window.c - see window.h.  What is a window by its expression: window_expression.c.
 */
#include "planner/window.h"

#include "common/timezone.h"

#include <string.h>

/* ---- Arithmetic -------------------------------------------------------------------------- */

int64_t mr_window_length_us(const MrWindow *window)
{
    /* Where clocks change, a day may be some hours longer. */
    int64_t more = window->zone != NULL ? MR_US_PER_DAY / 2 : 0;
    int64_t length;
    if (window->size_months > 0) {
        return (int64_t)window->size_months * 31 * MR_US_PER_DAY + more;
    }
    return __builtin_add_overflow(window->size_us, more, &length) ? INT64_MAX : length;
}

static bool is_tumbling(const MrWindow *window)
{
    return !window->cumulates && window->slide_us == window->size_us &&
           window->slide_months == window->size_months;
}

/* Every start of `outer` is one of `inner`'s, whose starts are `step` apart. */
static bool starts_are_aligned(const MrWindow *inner, int64_t step, const MrWindow *outer)
{
    return outer->slide_us % step == 0 && outer->size_us % step == 0 &&
           (outer->offset_us - inner->offset_us) % step == 0;
}

/* How much later than W a window over window_start of `inner` may still get rows: its inner windows
 * end after they start. Nothing when every outer window ends where inner ones do. */
static int64_t start_lateness_us(const MrLogical *inner, const MrWindow *outer)
{
    const MrWindow *window = &inner->window;
    int64_t step = window->cumulates ? window->size_us : window->slide_us;
    if (is_tumbling(window) && mr_window_equal(window, outer)) {
        return 0;
    }
    if (window->zone != NULL || outer->zone != NULL) {
        return mr_window_length_us(window);
    }
    if (window->size_months > 0) {
        bool nested = (is_tumbling(window) || window->cumulates) && outer->size_months > 0 &&
                      outer->size_months % window->size_months == 0 &&
                      outer->slide_months % window->size_months == 0 &&
                      window->offset_us == outer->offset_us;
        return nested ? 0 : mr_window_length_us(window);
    }
    if (outer->size_months > 0) {
        bool in_months = (is_tumbling(window) || window->cumulates) &&
                         MR_US_PER_DAY % window->size_us == 0 &&
                         (outer->offset_us - window->offset_us) % window->size_us == 0;
        return in_months ? 0 : mr_window_length_us(window);
    }
    return starts_are_aligned(window, step, outer) ? window->size_us - step : window->size_us;
}

static bool has_aggregate(const MrLogical *node)
{
    return node != NULL && (node->kind == MR_LOGICAL_AGGREGATE || has_aggregate(node->input) ||
                            has_aggregate(node->right));
}

int64_t mr_window_lateness_us(const MrLogical *node, int64_t allowed_lateness_us)
{
    if (node->input == NULL) {
        return allowed_lateness_us;
    }
    if (node->kind == MR_LOGICAL_RESULT && (node->by_arrival || !has_aggregate(node->input))) {
        return allowed_lateness_us;
    }
    bool is_view = mr_logical_is_view(node); /* it waits as its own options say */
    int64_t below = mr_window_lateness_us(
        node->input, is_view ? node->relation->standing->allowed_lateness_us : allowed_lateness_us);
    if (node->right != NULL) {
        int64_t right = mr_window_lateness_us(node->right, allowed_lateness_us);
        below = right > below ? right : below;
    }
    int64_t more = is_view ? allowed_lateness_us
                   : node->kind == MR_LOGICAL_AGGREGATE || node->judges_late
                       ? node->extra_lateness_us
                       : 0;
    int64_t sum;
    return __builtin_add_overflow(below, more, &sum) ? INT64_MAX : sum;
}

bool mr_window_zone_is_utc(const MrTimezone *zone)
{
    if (zone == NULL || zone == mr_timezone_utc()) {
        return true;
    }
    const char *name = mr_timezone_name(zone);
    return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0 || strcmp(name, "GMT") == 0;
}

void mr_window_follow_zone(MrWindow *window, const MrTimezone *zone)
{
    /* The grid: of starts, and of the common starts of windows that grow. */
    int32_t months = window->cumulates ? window->size_months : window->slide_months;
    int64_t us = window->cumulates ? window->size_us : window->slide_us;
    if (!mr_window_zone_is_utc(zone) && (months > 0 || us % MR_US_PER_DAY == 0)) {
        window->zone = zone;
    }
}

/* ---- Which times have windows ------------------------------------------------------------ */

const MrLogical *mr_window_stream_of_rows(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT ||
           node->kind == MR_LOGICAL_RESULT || node->kind == MR_LOGICAL_SINCE) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_STREAM ? node : NULL;
}

/* The view below filters and projections whose rows have the places of records that closed their
 * windows; NULL: there is none. */
static const MrLogical *closed_below(const MrLogical *node)
{
    while (!mr_logical_gives_closed(node)) {
        if (node->kind != MR_LOGICAL_FILTER && node->kind != MR_LOGICAL_PROJECT &&
            node->kind != MR_LOGICAL_RESULT && node->kind != MR_LOGICAL_SINCE) {
            return NULL;
        }
        node = node->input;
    }
    return node;
}

bool mr_window_order_closed(MrLogical *input)
{
    const MrLogical *closed = closed_below(input);
    MrLogical *node = input;
    while (closed != NULL && node != closed) {
        node = node->input;
    }
    if (closed != NULL) {
        node->gives_place = node->orders_rows = true;
    }
    return closed != NULL;
}

static void follow_closed(MrLogical *input, const MrLogical *closed)
{
    for (MrLogical *node = input;; node = node->input) {
        for (uint32_t i = 0; i < node->column_count; i++) {
            node->columns[i].role = MR_TIME_NONE;
        }
        if (node == closed) {
            node->by_arrival = node->gives_place = true;
            return;
        }
    }
}

void mr_window_follow_arrival(const MrExpr *time, MrLogical *input)
{
    const MrLogical *closed = closed_below(input);
    if (time->kind == MR_EXPR_ARRIVAL && closed != NULL) {
        follow_closed(input, closed);
        return;
    }
    const MrLogical *scan = mr_window_stream_of_rows(input);
    if (time->kind != MR_EXPR_ARRIVAL || scan == NULL || scan->relation->stream->event_column < 0) {
        return;
    }
    for (MrLogical *node = input; node != NULL; node = node->input) {
        node->by_arrival = node == scan;
        for (uint32_t i = 0; i < node->column_count; i++) {
            node->columns[i].role = MR_TIME_NONE;
        }
    }
}

/* The expression over what stands below projections, as far as it is a bare column there. */
static const MrExpr *through_projections(const MrLogical **input, const MrExpr *expr)
{
    const MrLogical *node = *input;
    while (expr->kind == MR_EXPR_COLUMN && expr->column < node->column_count) {
        if (node->kind == MR_LOGICAL_PROJECT) {
            expr = node->expressions[expr->column];
        } else if (node->kind != MR_LOGICAL_FILTER && node->kind != MR_LOGICAL_RESULT) {
            break;
        }
        node = node->input;
    }
    *input = node;
    return expr;
}

/* Flink's window_time, and TUMBLE_ROWTIME: the end less a millisecond.  NULL: it is not. */
static const MrExpr *end_of_window_time(const MrExpr *expr)
{
    if (expr->kind != MR_EXPR_CALL || expr->arg_count != 2 || expr->function == NULL ||
        strcmp(expr->function->name, "-") != 0 || expr->args[0]->kind != MR_EXPR_COLUMN ||
        expr->args[1]->kind != MR_EXPR_CONSTANT || expr->args[1]->constant.is_null ||
        expr->args[1]->type.id != MR_TYPE_INTERVAL) {
        return NULL;
    }
    const MrInterval *less = &expr->args[1]->constant.interval;
    return less->months == 0 && less->days == 0 && less->us == MR_WINDOW_TIME_US ? expr->args[0]
                                                                                 : NULL;
}

static MrTimeSource window_time_source(const MrLogical *input, const MrExpr *time)
{
    const MrLogical *below = input;
    const MrExpr *end = end_of_window_time(through_projections(&below, time));
    if (end == NULL || end->column >= below->column_count ||
        below->columns[end->column].role != MR_TIME_WINDOW_END) {
        return (MrTimeSource){ 0 };
    }
    MrTimeSource source = mr_window_time_source(below, end);
    source.time_of = below->columns[end->column].window_of;
    return source;
}

MrTimeSource mr_window_time_source(const MrLogical *input, const MrExpr *time)
{
    MrTimeSource source = { 0 };
    const MrLogical *leaf = mr_logical_leaf(input);
    if (time->kind == MR_EXPR_ARRIVAL) {
        source.is_event = mr_window_stream_of_rows(input) != NULL || closed_below(input) != NULL ||
                          (leaf != NULL && leaf->scan == MR_SCAN_STREAM &&
                           leaf->relation->stream->event_column < 0);
        return source;
    }
    if (time->kind != MR_EXPR_COLUMN || time->column >= input->column_count ||
        input->columns[time->column].role == MR_TIME_NONE) {
        return window_time_source(input, time);
    }
    const MrLogicalColumn *column = &input->columns[time->column];
    const MrLogical *windows = column->window_of;
    if (column->role == MR_TIME_EVENT) {
        source.is_event = true;
    } else if (column->role != MR_TIME_NONE &&
               (windows->kind == MR_LOGICAL_AGGREGATE || windows->kind == MR_LOGICAL_WINDOW) &&
               windows->time_is_event) {
        /* How long a session stays open after its start, nothing says. */
        bool is_session = windows->window_kind == MR_GROUP_WINDOW_SESSION;
        source.is_event = !is_session || column->role == MR_TIME_WINDOW_END;
        source.starts_of = column->role == MR_TIME_WINDOW_START ? windows : NULL;
    }
    return source;
}

static bool is_in_steps(const MrWindow *window, int64_t step)
{
    return window->size_us % step == 0 && window->slide_us % step == 0 &&
           window->offset_us % step == 0;
}

int64_t mr_window_source_lateness_us(const MrTimeSource *source, MrGroupWindow kind,
                                     const MrWindow *window)
{
    bool is_grid = kind == MR_GROUP_WINDOW_TUMBLE || kind == MR_GROUP_WINDOW_HOP;
    if (!source->is_event) {
        return 0;
    }
    if (source->starts_of != NULL) {
        return is_grid ? start_lateness_us(source->starts_of, window)
                       : mr_window_length_us(&source->starts_of->window);
    }
    if (source->time_of == NULL) {
        return 0;
    }
    /* A window that ends within the millisecond is told only after W has passed its end. */
    const MrLogical *inner = source->time_of;
    bool inner_is_grid =
        inner->window_kind == MR_GROUP_WINDOW_TUMBLE || inner->window_kind == MR_GROUP_WINDOW_HOP;
    bool is_exact = is_grid && inner_is_grid && is_in_steps(window, MR_WINDOW_TIME_US) &&
                    is_in_steps(&inner->window, MR_WINDOW_TIME_US);
    return is_exact ? 0 : MR_WINDOW_TIME_US;
}

void mr_window_use_set(MrWindowUse *use, const MrWindow *window, const MrTimeSource *source,
                       const MrExpr *time)
{
    *use = (MrWindowUse){
        .kind = is_tumbling(window) ? MR_GROUP_WINDOW_TUMBLE : MR_GROUP_WINDOW_HOP,
        .window = *window,
        .time = (MrExpr *)(uintptr_t)time,
        .time_is_event = source->is_event,
    };
    use->extra_lateness_us = mr_window_source_lateness_us(source, use->kind, window);
}

/* ---- Bounds as expressions --------------------------------------------------------------- */

static MrStatus bound_expr(MrBinder *b, const MrLogical *node, MrExprKind kind, MrExpr **out)
{
    MR_TRY(
        mr_expr_new(b->arena, kind, mr_type(node->time->type.id), node->position, 1, out, b->err));
    (*out)->window = node->window;
    (*out)->args[0] = node->time;
    return MR_OK;
}

MrStatus mr_window_start_expr(MrBinder *b, const MrLogical *node, MrExpr **out)
{
    return bound_expr(b, node, MR_EXPR_WINDOW_START, out);
}

MrStatus mr_window_end_expr(MrBinder *b, const MrLogical *node, MrExpr **out)
{
    return bound_expr(b, node, MR_EXPR_WINDOW_END, out);
}

static void append_interval(MrBuilder *out, int64_t us, int32_t months)
{
    char text[MR_DATETIME_TEXT_MAX];
    MrInterval interval = { .us = us % MR_US_PER_DAY,
                            .days = (int32_t)(us / MR_US_PER_DAY),
                            .months = months };
    mr_builder_append(out, text, mr_interval_format(&interval, text));
}

void mr_window_describe(MrGroupWindow kind, const MrWindow *window, MrBuilder *out)
{
    bool hops = kind == MR_GROUP_WINDOW_HOP;
    if (kind == MR_GROUP_WINDOW_COUNT) {
        mr_builder_append_format(out, "of %lld rows", (long long)window->size_us);
        if (window->slide_us != window->size_us) {
            mr_builder_append_format(out, " every %lld", (long long)window->slide_us);
        }
        return;
    }
    if (kind == MR_GROUP_WINDOW_SESSION) {
        mr_builder_append_string(out, "session, gap ");
        append_interval(out, window->size_us, 0);
        return;
    }
    mr_builder_append_string(out, !hops               ? "tumbling "
                                  : window->cumulates ? "cumulating up to "
                                                      : "hopping ");
    append_interval(out, window->size_us, window->size_months);
    if (hops) {
        mr_builder_append_string(out, window->cumulates ? " by " : " every ");
        append_interval(out, window->slide_us, window->slide_months);
    }
    if (window->offset_us != 0) {
        mr_builder_append_string(out, " offset ");
        append_interval(out, window->offset_us, 0);
    }
    if (window->zone != NULL) {
        mr_builder_append_format(out, " in %s", mr_timezone_name(window->zone));
    }
}
