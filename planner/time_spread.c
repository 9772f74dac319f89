/*
 * planner/time_spread.c - how far a computed time can be from the event time that it is made of:
 * date_trunc and its like, intervals of days and months, casts.  Who waits until W has passed the
 * one knows then how long to wait for the other.
 */
#include "planner/join.h"
#include "planner/window.h"

#include <string.h>

/* No sum of a few of them leaves the range of times. */
#define SPREAD_MAX_US (1000 * 366 * MR_US_PER_DAY)
enum { SPREAD_MONTHS_MAX = 12 * 1000, MONTH_DAYS_MIN = 28, MONTH_DAYS_MAX = 31 };

static bool spread_add(MrTimeSpread *spread, int64_t low_us, int64_t high_us)
{
    if (low_us < -SPREAD_MAX_US || high_us > SPREAD_MAX_US) {
        return false;
    }
    spread->low_us += low_us;
    spread->high_us += high_us;
    return spread->low_us >= -SPREAD_MAX_US && spread->high_us <= SPREAD_MAX_US;
}

static bool is_in_zone(const MrExpr *expr)
{
    return expr->type.id == MR_TYPE_TIMESTAMPTZ;
}

/* Days of the zone have 23 to 25 hours, and some zones have left one out. */
static int64_t slack_us(const MrExpr *time, bool has_days)
{
    return has_days && is_in_zone(time) ? MR_US_PER_DAY : 0;
}

static bool interval_of(const MrExpr *expr, MrInterval *out)
{
    if (expr->kind != MR_EXPR_CONSTANT || expr->constant.is_null || expr->column != 0 ||
        expr->type.id != MR_TYPE_INTERVAL) {
        return false;
    }
    *out = expr->constant.interval;
    return out->months >= -SPREAD_MONTHS_MAX && out->months <= SPREAD_MONTHS_MAX;
}

/* time + interval, less it where `sign` is -1. */
static bool add_interval(MrTimeSpread *spread, const MrExpr *time, const MrInterval *interval,
                         int64_t sign)
{
    const int64_t months = sign * interval->months;
    const int64_t low_days = months * (months < 0 ? MONTH_DAYS_MAX : MONTH_DAYS_MIN);
    const int64_t high_days = months * (months < 0 ? MONTH_DAYS_MIN : MONTH_DAYS_MAX);
    const int64_t slack = slack_us(time, interval->months != 0 || interval->days != 0);
    int64_t us;
    if (__builtin_mul_overflow((int64_t)interval->days, MR_US_PER_DAY, &us) ||
        __builtin_add_overflow(us, interval->us, &us) || us < -SPREAD_MAX_US ||
        us > SPREAD_MAX_US) {
        return false;
    }
    return spread_add(spread, sign * us + low_days * MR_US_PER_DAY - slack,
                      sign * us + high_days * MR_US_PER_DAY + slack);
}

/* Start of the window of the time. */
static bool add_window(MrTimeSpread *spread, const MrExpr *time, const MrWindow *window)
{
    const int64_t slack = slack_us(time, window->zone != NULL);
    return spread_add(spread, -mr_window_length_us(window) - slack, slack);
}

/* Local times are less than a day from UTC. */
static bool add_zone(MrTimeSpread *spread)
{
    return spread_add(spread, -MR_US_PER_DAY, MR_US_PER_DAY);
}

static bool is_time(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ || type == MR_TYPE_DATE;
}

static bool add_cast(MrTimeSpread *spread, MrTypeId from, MrTypeId to)
{
    if ((from == MR_TYPE_TIMESTAMPTZ) != (to == MR_TYPE_TIMESTAMPTZ) && !add_zone(spread)) {
        return false;
    }
    if (to == MR_TYPE_DATE) {
        return spread_add(spread, -MR_US_PER_DAY, 0);
    }
    return from != to || spread_add(spread, -MR_US_PER_SECOND, MR_US_PER_SECOND); /* its digits */
}

static bool spread_of(const MrBinder *b, const MrLogical *side, const MrExpr *expr,
                      MrTimeSpread *out);

static bool spread_of_call(const MrBinder *b, const MrLogical *side, const MrExpr *call,
                           MrTimeSpread *out)
{
    const bool plus = mr_expr_is_binary(call, "+"), minus = mr_expr_is_binary(call, "-");
    MrInterval interval;
    MrWindow window;
    const MrExpr *time;
    for (uint32_t i = 0; i < (plus ? 2 : minus ? 1 : 0); i++) {
        if (interval_of(call->args[1 - i], &interval)) {
            return spread_of(b, side, call->args[i], out) &&
                   add_interval(out, call->args[i], &interval, minus ? -1 : 1);
        }
    }
    if (mr_window_of_call(b, call, &window, &time)) {
        return spread_of(b, side, time, out) && add_window(out, time, &window);
    }
    return strcmp(call->function->name, "timezone") == 0 && call->arg_count == 2 &&
           spread_of(b, side, call->args[1], out) && add_zone(out);
}

/* A column that a subquery computes of an event time, and shows that one too. */
static bool spread_of_column(const MrBinder *b, const MrLogical *side, uint32_t column,
                             MrTimeSpread *out)
{
    *out = (MrTimeSpread){ .column = column };
    if (mr_join_is_event_time(&side->columns[column])) {
        return true;
    }
    while (side->kind == MR_LOGICAL_FILTER) {
        side = side->input;
    }
    if (side->kind != MR_LOGICAL_PROJECT ||
        !spread_of(b, side->input, side->expressions[column], out)) {
        return false;
    }
    for (uint32_t i = 0; i < side->column_count; i++) {
        const MrExpr *shown = side->expressions[i];
        if (shown->kind == MR_EXPR_COLUMN && shown->column == out->column) {
            out->column = i;
            return true;
        }
    }
    return false;
}

static bool spread_of(const MrBinder *b, const MrLogical *side, const MrExpr *expr,
                      MrTimeSpread *out)
{
    if (!is_time(expr->type.id)) {
        return false;
    }
    switch (expr->kind) {
    case MR_EXPR_COLUMN: return spread_of_column(b, side, expr->column, out);
    case MR_EXPR_CAST:
        return spread_of(b, side, expr->args[0], out) &&
               add_cast(out, expr->args[0]->type.id, expr->type.id);
    case MR_EXPR_CALL: return spread_of_call(b, side, expr, out);
    default: return false;
    }
}

bool mr_join_time_spread(const MrBinder *b, const MrLogical *side, const MrExpr *expr,
                         MrTimeSpread *out)
{
    return spread_of(b, side, expr, out);
}
