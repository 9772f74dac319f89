/*
 * planner/window.c - see window.h.
 */
#include "planner/window.h"

#include "common/timezone.h"

#include <string.h>

enum { DAYS_TO_MONDAY = 4 };

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

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
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

/* ---- Windows by expression ---------------------------------------------------------------- */

static const struct {
    const char *unit;
    int64_t us;
    int32_t months;
    int64_t offset_us;
} trunc_units[] = {
    { "microsecond", 1, 0, 0 },
    { "millisecond", 1000, 0, 0 },
    { "second", MR_US_PER_SECOND, 0, 0 },
    { "minute", 60 * MR_US_PER_SECOND, 0, 0 },
    { "hour", 3600 * MR_US_PER_SECOND, 0, 0 },
    { "day", MR_US_PER_DAY, 0, 0 },
    { "week", 7 * MR_US_PER_DAY, 0, DAYS_TO_MONDAY *MR_US_PER_DAY },
    { "month", 0, 1, 0 },
    { "quarter", 0, 3, 0 },
    { "year", 0, 12, 0 },
    { "decade", 0, 120, 0 },
};

static bool unit_is(MrString text, const char *unit)
{
    MrString wanted = mr_string(unit);
    if (text.length == wanted.length + 1 &&
        (text.data[wanted.length] == 's' || text.data[wanted.length] == 'S')) {
        text.length--;
    }
    return mr_string_equal_nocase(text, wanted);
}

static bool is_constant_value(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_CONSTANT && !expr->constant.is_null && expr->column == 0;
}

/* Local time is whole seconds away from UTC: units up to a second are the same there. */
static void window_in_zone(const MrTimezone *zone, MrWindow *window)
{
    if (!mr_window_zone_is_utc(zone) &&
        (window->size_months > 0 || window->size_us > MR_US_PER_SECOND)) {
        window->zone = zone;
        window->truncates = true;
    }
}

/* date_trunc(unit, time, zone): the zone by name. */
static bool zone_argument(const MrExpr *arg, const MrTimezone **out)
{
    MrError ignored = MR_ERROR_INIT;
    return is_constant_value(arg) &&
           mr_timezone_find(mr_text_string(&arg->constant.text), out, &ignored) == MR_OK;
}

static bool window_of_trunc(const MrBinder *b, const MrExpr *call, MrWindow *out,
                            const MrExpr **time)
{
    if (call->arg_count < 2 || !is_constant_value(call->args[0]) ||
        !mr_type_is_text(call->args[0]->type.id)) {
        return false;
    }
    MrString unit = mr_text_string(&call->args[0]->constant.text);
    for (size_t i = 0; i < sizeof trunc_units / sizeof trunc_units[0]; i++) {
        if (!unit_is(unit, trunc_units[i].unit)) {
            continue;
        }
        *out = (MrWindow){ .size_us = trunc_units[i].us,
                           .slide_us = trunc_units[i].us,
                           .size_months = trunc_units[i].months,
                           .slide_months = trunc_units[i].months,
                           .offset_us = trunc_units[i].offset_us };
        *time = call->args[1];
        const MrTimezone *zone = b->context->zone;
        if (call->arg_count == 3 && !zone_argument(call->args[2], &zone)) {
            return false;
        }
        if ((*time)->type.id == MR_TYPE_TIMESTAMPTZ) {
            window_in_zone(zone, out);
        }
        return true;
    }
    return false;
}

static bool interval_us(const MrInterval *interval, int64_t *out)
{
    int64_t days;
    return !__builtin_mul_overflow((int64_t)interval->days, MR_US_PER_DAY, &days) &&
           !__builtin_add_overflow(days, interval->us, out);
}

/* date_bin(stride, ts, origin); time_bucket(width, ts [, offset | origin | zone]): both align to a
 * given or fixed origin. */
static bool window_of_bin(const MrExpr *call, MrWindow *out, const MrExpr **time)
{
    if (call->arg_count < 2 || call->arg_count > 3 || !is_constant_value(call->args[0]) ||
        call->args[0]->type.id != MR_TYPE_INTERVAL) {
        return false;
    }
    const MrInterval *stride = &call->args[0]->constant.interval;
    *out = (MrWindow){ .size_months = stride->months, .slide_months = stride->months };
    *time = call->args[1];
    if (!interval_us(stride, &out->size_us) || out->size_us < 0 || stride->months < 0 ||
        (out->size_us > 0) == (stride->months > 0)) {
        return false;
    }
    out->slide_us = out->size_us;
    if (call->arg_count == 2) {
        return true;
    }
    const MrExpr *last = call->args[2];
    if (!is_constant_value(last)) {
        return false;
    }
    if (mr_type_is_text(last->type.id)) {
        const MrTimezone *zone;
        if (!zone_argument(last, &zone)) {
            return false;
        }
        mr_window_follow_zone(out, zone);
        return true;
    }
    int64_t origin = last->constant.integer;
    if (last->type.id == MR_TYPE_INTERVAL) {
        if (last->constant.interval.months != 0 ||
            !interval_us(&last->constant.interval, &origin)) {
            return false;
        }
    } else if (out->size_months > 0) {
        return false; /* the function refuses an origin for months */
    }
    out->offset_us = out->size_months > 0 ? origin : floor_mod(origin, out->size_us);
    return true;
}

static bool is_time_type(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ;
}

bool mr_window_of_call(const MrBinder *b, const MrExpr *key, MrWindow *window, const MrExpr **time)
{
    if (key->kind == MR_EXPR_WINDOW_START) {
        *window = key->window;
        *time = key->args[0];
        return true;
    }
    if (key->kind != MR_EXPR_CALL || !is_time_type(key->type.id)) {
        return false;
    }
    const char *name = key->function->name;
    bool found = false;
    if (strcmp(name, "date_trunc") == 0) {
        found = window_of_trunc(b, key, window, time);
    } else if (strcmp(name, "date_bin") == 0 || strcmp(name, "time_bucket") == 0) {
        found = window_of_bin(key, window, time);
    }
    return found && (*time)->type.id == key->type.id;
}

/* Where the input shows window_start of the aggregate: itself, the result of a view over it, a join
 * with a table whose rows go with their window, or one that has its times. */
static bool shows_start(const MrLogical *input, const MrLogical *aggregate, uint32_t *out)
{
    bool is_join =
        input->kind == MR_LOGICAL_JOIN && (input->closes_by_window != NULL || input->passes_time);
    if (input != aggregate && input->kind != MR_LOGICAL_RESULT && !is_join) {
        return false;
    }
    for (uint32_t i = 0; i < input->column_count; i++) {
        if (input->columns[i].window_of == aggregate &&
            input->columns[i].role == MR_TIME_WINDOW_START) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Sessions lie on no grid: those that end at one moment are all there once W has reached it, so
 * that they are the rows of a window as short as can be, which closes where it begins. */
static bool moment_of_end(MrBinder *b, const MrExpr *key, MrWindowUse *out, MrStatus *status)
{
    const MrWindow moment = { .size_us = 1, .slide_us = 1 };
    const MrTimeSource source = { .is_event = true };
    mr_window_use_set(out, &moment, &source, NULL);
    out->extra_lateness_us = -moment.size_us;
    *status = mr_expr_column(b->arena, key->column, key->type, key->position, &out->time, b->err);
    return true;
}

/* A grouped bound of an inner aggregate's windows: the outer groups are those windows again. */
static bool window_of_bound(MrBinder *b, const MrLogical *input, const MrExpr *key,
                            MrWindowUse *out, MrStatus *status)
{
    if (key->kind != MR_EXPR_COLUMN || key->column >= input->column_count) {
        return false;
    }
    const MrLogicalColumn *column = &input->columns[key->column];
    const MrLogical *inner = column->window_of;
    uint32_t start = 0;
    if (column->role < MR_TIME_WINDOW_START ||
        (inner->kind != MR_LOGICAL_AGGREGATE && inner->kind != MR_LOGICAL_WINDOW)) {
        return false;
    }
    bool is_of_rows = inner->kind == MR_LOGICAL_WINDOW && input->kind == MR_LOGICAL_WINDOW;
    if (inner->window_kind == MR_GROUP_WINDOW_SESSION && !is_of_rows && inner->time_is_event &&
        column->role == MR_TIME_WINDOW_END) {
        return moment_of_end(b, key, out, status);
    }
    if (!shows_start(input, inner, &start)) {
        return false;
    }
    bool is_hop = inner->window_kind == MR_GROUP_WINDOW_HOP;
    if (inner->window_kind == MR_GROUP_WINDOW_SESSION ||
        inner->window_kind == MR_GROUP_WINDOW_COUNT) {
        return false; /* they lie on no grid */
    }
    if (is_hop && column->role == MR_TIME_WINDOW_END) {
        return false; /* its start decides, if that is grouped too */
    }
    MrTimeSource source = { .is_event = inner->time_is_event, .starts_of = inner };
    MrWindow window = inner->window;
    if (window.cumulates) { /* windows that grow start at every size, once; hopping ones */
        window.slide_us = window.size_us;
        window.slide_months = window.size_months;
        window.cumulates = false;
    } else if (is_hop) { /* at every slide */
        window.size_us = window.slide_us;
        window.size_months = window.slide_months;
    }
    mr_window_use_set(out, &window, &source, NULL);
    *status = mr_expr_column(b->arena, start, input->columns[start].type, key->position, &out->time,
                             b->err);
    return true;
}

MrStatus mr_window_recognise(MrBinder *b, const MrLogical *input, const MrExpr *key, bool *found,
                             MrWindowUse *out)
{
    MrWindow window;
    const MrExpr *time;
    MrExpr *folded;
    *found = false;
    MrStatus status = MR_OK;
    if (window_of_bound(b, input, key, out, &status)) {
        *found = true;
        return status;
    }
    MR_TRY(mr_fold(b, (MrExpr *)(uintptr_t)key, &folded));
    if (!mr_window_of_call(b, folded, &window, &time)) {
        return MR_OK;
    }
    MrTimeSource source = mr_window_time_source(input, time);
    if (source.is_event) {
        mr_window_use_set(out, &window, &source, time);
        *found = true;
    }
    return MR_OK;
}

bool mr_window_same(const MrLogical *input, const MrExpr *key, const MrExpr *other,
                    const MrWindowUse *use, bool *is_end)
{
    *is_end = false;
    if (key->kind == MR_EXPR_COLUMN && other->kind == MR_EXPR_COLUMN &&
        key->column < input->column_count && other->column < input->column_count &&
        input->columns[key->column].window_of != NULL &&
        input->columns[key->column].window_of == input->columns[other->column].window_of &&
        input->columns[key->column].window_of->window_kind != MR_GROUP_WINDOW_SESSION) {
        const MrLogicalColumn *bound = &input->columns[other->column];
        bool is_hop = bound->window_of->window_kind == MR_GROUP_WINDOW_HOP;
        *is_end = bound->role == MR_TIME_WINDOW_END;
        return bound->role == MR_TIME_WINDOW_START || (!is_hop && *is_end);
    }
    (void)use;
    return mr_expr_equal(key, other);
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
