/*
 * engine/window_arithmetic.c - where windows begin and end on the one time line.
 * Must not know panes, groups or watermarks.
 */
#include "common/clock.h"
#include "engine/expression.h"

static int64_t saturate_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return b < 0 ? MR_TIME_MIN : MR_TIME_MAX;
    }
    return sum;
}
static int64_t saturate_subtract(int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return b < 0 ? MR_TIME_MAX : MR_TIME_MIN;
    }
    return difference;
}

/* Months since 1970-01 of the month that holds the time, and back. */
static int64_t month_of(int64_t us)
{
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    return ((int64_t)civil.year - 1970) * 12 + civil.month - 1;
}
static int64_t month_start(int64_t month)
{
    int64_t year = 1970 + month / 12 - (month % 12 < 0);
    int64_t day = mr_days_from_civil((int32_t)year, (int32_t)(month - (year - 1970) * 12) + 1, 1);
    int64_t us;
    if (__builtin_mul_overflow(day, MR_US_PER_DAY, &us)) {
        return day < 0 ? MR_TIME_MIN : MR_TIME_MAX;
    }
    return us;
}

int64_t mr_window_start(const MrWindow *window, int64_t at_us)
{
    if (at_us == MR_TIME_MIN || at_us == MR_TIME_MAX) {
        return at_us;
    }
    int64_t at = saturate_subtract(at_us, window->offset_us);
    if (at == MR_TIME_MIN || at == MR_TIME_MAX) {
        return at;
    }
    if (window->size_months > 0) {
        int64_t month = month_of(at);
        int64_t into = month % window->size_months;
        into += into < 0 ? window->size_months : 0;
        return saturate_add(month_start(month - into), window->offset_us);
    }
    int64_t step = window->slide_us > 0 ? window->slide_us : window->size_us;
    if (step <= 0) {
        return at_us;
    }
    int64_t into = at % step;
    into += into < 0 ? step : 0;
    return saturate_add(saturate_subtract(at, into), window->offset_us);
}

int64_t mr_window_end(const MrWindow *window, int64_t start_us)
{
    if (start_us == MR_TIME_MIN || start_us == MR_TIME_MAX) {
        return start_us;
    }
    if (window->size_months > 0) {
        int64_t local = saturate_subtract(start_us, window->offset_us);
        if (local == MR_TIME_MIN || local == MR_TIME_MAX) {
            return local;
        }
        return saturate_add(month_start(month_of(local) + window->size_months), window->offset_us);
    }
    return saturate_add(start_us, window->size_us);
}
