/*
 * planner/window_expression.c - expressions in GROUP BY that are windows in another spelling:
 * date_trunc, date_bin and time_bucket of a time, and bounds of windows below.
 */
#include "planner/window.h"

#include "common/timezone.h"

#include <string.h>

enum { DAYS_TO_MONDAY = 4 };

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

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
