/*
 * engine/functions/datetime.c - + - * / of dates, times, timestamps and intervals.
 * Adding a constant number of microseconds, what windows and filters do, is a plain loop; months
 * and days take the calendar of common/datetime.h.
 */
#include "engine/functions/datetime_cells.h"
#include "engine/functions/families.h"
#include "engine/kernel_template.h"

#include <math.h>

static MrStatus out_of_range(MrEval *eval, const MrVector *out, uint32_t row, const char *type)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_DATETIME_OVERFLOW, "%s out of range", type);
}

/* ---- timestamps and intervals ---- */

MR_KERNEL(shift_rows)
{
    const int64_t *results = out->data;
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t x = MR_ARG(int64_t, 0, i);
        int64_t sum;
        if (mr_timestamp_is_finite(x) && (__builtin_add_overflow(x, MR_ARG(int64_t, 1, i), &sum) ||
                                          !mr_timestamp_in_range(sum) || results[i] != sum)) {
            MR_TRY(out_of_range(eval, out, i, "timestamp"));
        }
    }
    return MR_OK;
}
/* x + y microseconds; infinities stay.  Both arguments int64. */
MR_CHECKED_BINARY_KERNEL(MR_CLONES, shift, int64_t, int64_t, int64_t, uint64_t,
                         (x == MR_TIME_MAX) | (x == MR_TIME_MIN)
                             ? x
                             : (int64_t)((uint64_t)x + (uint64_t)y),
                         (((x ^ v) & (y ^ v)) < 0) | (v < MR_TIMESTAMP_FIRST) | (v == MR_TIME_MAX),
                         shift_rows)

/* True when the interval is one of plain microseconds; a day is 24 hours where `days` says so. */
static bool interval_is_plain(const MrInterval *interval, bool days, int64_t *us)
{
    int64_t of_days;
    if (interval->months != 0 || (interval->days != 0 && !days)) {
        return false;
    }
    return !__builtin_mul_overflow((int64_t)interval->days, MR_US_PER_DAY, &of_days) &&
           !__builtin_add_overflow(of_days, interval->us, us);
}

static bool interval_negated(const MrInterval *in, MrInterval *out)
{
    if (in->us == INT64_MIN || in->days == INT32_MIN || in->months == INT32_MIN) {
        return false;
    }
    *out = (MrInterval){ .us = -in->us, .days = -in->days, .months = -in->months };
    return true;
}

/* `time` and `span` are the arguments in whatever order SQL had them. */
static MrStatus add_interval(MrEval *eval, const MrVector *time, const MrVector *span,
                             uint32_t rows, MrVector *out, bool subtracts, bool zoned)
{
    const MrVector *args[2] = { time, span };
    int64_t *results = out->data;
    int64_t us;
    if (span->is_constant && interval_is_plain(span->data, !zoned, &us) &&
        !(subtracts && __builtin_sub_overflow((int64_t)0, us, &us))) {
        MrVector shift_by = {
            .type = mr_type(MR_TYPE_INT64), .row_count = 1, .is_constant = true, .data = &us
        };
        const MrVector *plain[2] = { time, &shift_by };
        return shift(eval, plain, 2, rows, out);
    }
    MR_EACH_ROW(i)
    {
        const int64_t at = MR_ARG(int64_t, 0, i);
        MrInterval by = MR_ARG(MrInterval, 1, i);
        MrError error = MR_ERROR_INIT;
        MrStatus status = MR_OK;
        results[i] = at;
        if (!mr_timestamp_is_finite(at)) {
            continue;
        }
        if (subtracts && !interval_negated(&by, &by)) {
            status = mr_error_set(&error, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
        } else {
            status = zoned ? mr_timestamptz_add_interval(at, &by, mr_eval_zone(eval), &results[i],
                                                         &error)
                           : mr_timestamp_add_interval(at, &by, &results[i], &error);
        }
        if (status != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}
#define ADD_INTERVAL(NAME, TIME, SPAN, SUBTRACTS, ZONED)                                \
    MR_KERNEL(NAME)                                                                     \
    {                                                                                   \
        (void)arg_count;                                                                \
        return add_interval(eval, args[TIME], args[SPAN], rows, out, SUBTRACTS, ZONED); \
    }
ADD_INTERVAL(timestamp_plus_interval, 0, 1, false, false)
ADD_INTERVAL(interval_plus_timestamp, 1, 0, false, false)
ADD_INTERVAL(timestamp_minus_interval, 0, 1, true, false)
ADD_INTERVAL(timestamptz_plus_interval, 0, 1, false, true)
ADD_INTERVAL(interval_plus_timestamptz, 1, 0, false, true)
ADD_INTERVAL(timestamptz_minus_interval, 0, 1, true, true)

MR_KERNEL(timestamp_minus_timestamp)
{
    MrInterval *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int64_t a = MR_ARG(int64_t, 0, i), b = MR_ARG(int64_t, 1, i);
        int64_t difference;
        if (!mr_timestamp_is_finite(a) || !mr_timestamp_is_finite(b)) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "cannot subtract infinite timestamps"));
        } else if (__builtin_sub_overflow(a, b, &difference)) {
            MR_TRY(out_of_range(eval, out, i, "interval"));
        } else {
            results[i] = mr_timestamp_subtract(a, b);
        }
    }
    return MR_OK;
}

/* ---- dates ---- */

static MrStatus date_shift(MrEval *eval, const MrVector *date, const MrVector *days, uint32_t rows,
                           MrVector *out, int sign)
{
    const MrVector *args[2] = { date, days };
    int32_t *results = out->data;
    MR_EACH_ROW(i)
    {
        const int32_t day = MR_ARG(int32_t, 0, i);
        const int64_t moved = day + (int64_t)sign * MR_ARG(int32_t, 1, i);
        results[i] = mr_date_is_finite(day) ? (int32_t)moved : day;
        if (mr_date_is_finite(day) && (moved < MR_DATE_FIRST || moved > MR_DATE_END)) {
            results[i] = 0;
            MR_TRY(out_of_range(eval, out, i, "date"));
        }
    }
    return MR_OK;
}
MR_KERNEL(date_plus_int)
{
    (void)arg_count;
    return date_shift(eval, args[0], args[1], rows, out, 1);
}
MR_KERNEL(int_plus_date)
{
    (void)arg_count;
    return date_shift(eval, args[1], args[0], rows, out, 1);
}
MR_KERNEL(date_minus_int)
{
    (void)arg_count;
    return date_shift(eval, args[0], args[1], rows, out, -1);
}
MR_KERNEL(date_minus_date)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const int32_t a = MR_ARG(int32_t, 0, i), b = MR_ARG(int32_t, 1, i);
        results[i] = 0;
        if (!mr_date_is_finite(a) || !mr_date_is_finite(b)) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "cannot subtract infinite dates"));
        } else {
            results[i] = a - b;
        }
    }
    return MR_OK;
}

/* The date's midnight, then as for timestamps. */
static MrStatus date_add_interval(MrEval *eval, const MrVector *date, const MrVector *span,
                                  uint32_t rows, MrVector *out, bool subtracts)
{
    const MrVector *args[1] = { date };
    const uint32_t count = date->is_constant ? 1 : rows;
    MrVector midnight;
    MR_TRY(mr_vector_init(&midnight, eval->arena, mr_type(MR_TYPE_TIMESTAMP), count, eval->err));
    mr_kernel_clear(&midnight, count);
    midnight.is_constant = date->is_constant;
    for (uint32_t i = 0; i < count; i++) {
        if (!mr_vector_is_null(date, i) &&
            !mr_date_to_timestamp(MR_ARG(int32_t, 0, i), (int64_t *)midnight.data + i)) {
            for (uint32_t row = date->is_constant ? 0 : i; row < (date->is_constant ? rows : i + 1);
                 row++) {
                MR_TRY(mr_eval_row_error(eval, out, row, MR_ERR_DATETIME_OVERFLOW,
                                         "date out of range for timestamp"));
            }
        }
    }
    return add_interval(eval, &midnight, span, rows, out, subtracts, false);
}
MR_KERNEL(date_plus_interval)
{
    (void)arg_count;
    return date_add_interval(eval, args[0], args[1], rows, out, false);
}
MR_KERNEL(interval_plus_date)
{
    (void)arg_count;
    return date_add_interval(eval, args[1], args[0], rows, out, false);
}
MR_KERNEL(date_minus_interval)
{
    (void)arg_count;
    return date_add_interval(eval, args[0], args[1], rows, out, true);
}

static MrStatus date_at_time(MrEval *eval, const MrVector *date, const MrVector *time,
                             uint32_t rows, MrVector *out)
{
    const MrVector *args[2] = { date, time };
    int64_t *results = out->data;
    MR_EACH_ROW(i)
    {
        if (!mr_date_to_timestamp(MR_ARG(int32_t, 0, i), &results[i])) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "date out of range for timestamp"));
        } else if (mr_timestamp_is_finite(results[i])) {
            results[i] += MR_ARG(int64_t, 1, i);
        }
    }
    return MR_OK;
}
MR_KERNEL(date_plus_time)
{
    (void)arg_count;
    return date_at_time(eval, args[0], args[1], rows, out);
}
MR_KERNEL(time_plus_date)
{
    (void)arg_count;
    return date_at_time(eval, args[1], args[0], rows, out);
}

/* ---- times of day: they go round the clock ---- */

MR_BINARY_KERNEL(MR_NO_CLONES, time_plus_interval, int64_t, MrInterval, int64_t,
                 mr_round_the_clock(x + y.us % MR_US_PER_DAY))
MR_BINARY_KERNEL(MR_NO_CLONES, interval_plus_time, MrInterval, int64_t, int64_t,
                 mr_round_the_clock(y + x.us % MR_US_PER_DAY))
MR_BINARY_KERNEL(MR_NO_CLONES, time_minus_interval, int64_t, MrInterval, int64_t,
                 mr_round_the_clock(x - y.us % MR_US_PER_DAY))
MR_GUARDED_BINARY_KERNEL(time_minus_time, int64_t, int64_t, MrInterval,
                         ((MrInterval){ .us = x - y }))

/* ---- intervals ---- */

static MrStatus interval_difference(const MrInterval *a, const MrInterval *b, MrInterval *out,
                                    MrError *err)
{
    MrInterval negated;
    if (!interval_negated(b, &negated)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    return mr_interval_add(a, &negated, out, err);
}
static MrStatus interval_quotient(const MrInterval *a, double divisor, MrInterval *out,
                                  MrError *err)
{
    if (divisor == 0) {
        return mr_error_set(err, MR_ERR_DIVISION_BY_ZERO, "division by zero");
    }
    return mr_interval_divide(a, divisor, out, err);
}
static MrStatus interval_negative(const MrInterval *a, MrInterval *out, MrError *err)
{
    return interval_negated(a, out)
               ? MR_OK
               : mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
}

#define INTERVAL_KERNEL(NAME, CALL)                            \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        (void)arg_count;                                       \
        mr_kernel_clear(out, rows);                            \
        MR_EACH_ROW(i)                                         \
        {                                                      \
            MrInterval *v = (MrInterval *)out->data + i;       \
            MrError error = MR_ERROR_INIT, *err = &error;      \
            if ((CALL) != MR_OK) {                             \
                MR_TRY(mr_eval_row_failed(eval, out, i, err)); \
            }                                                  \
        }                                                      \
        return MR_OK;                                          \
    }
INTERVAL_KERNEL(interval_add,
                mr_interval_add(&MR_ARG(MrInterval, 0, i), &MR_ARG(MrInterval, 1, i), v, err))
INTERVAL_KERNEL(interval_sub,
                interval_difference(&MR_ARG(MrInterval, 0, i), &MR_ARG(MrInterval, 1, i), v, err))
INTERVAL_KERNEL(interval_mul,
                mr_interval_multiply(&MR_ARG(MrInterval, 0, i), MR_ARG(double, 1, i), v, err))
INTERVAL_KERNEL(float_mul_interval,
                mr_interval_multiply(&MR_ARG(MrInterval, 1, i), MR_ARG(double, 0, i), v, err))
INTERVAL_KERNEL(interval_div,
                interval_quotient(&MR_ARG(MrInterval, 0, i), MR_ARG(double, 1, i), v, err))
INTERVAL_KERNEL(interval_neg, interval_negative(&MR_ARG(MrInterval, 0, i), v, err))

const MrFunction mr_functions_datetime[] = {
    F2("+", TIMESTAMP, INTERVAL, TIMESTAMP, timestamp_plus_interval, FALLIBLE, "That much later.",
       "TIMESTAMP '2026-01-31 10:00:00' + INTERVAL '1 month'", "2026-02-28 10:00:00"),
    F2("+", INTERVAL, TIMESTAMP, TIMESTAMP, interval_plus_timestamp, FALLIBLE, "That much later.",
       "INTERVAL '1 hour' + TIMESTAMP '2026-01-31 10:00:00'", "2026-01-31 11:00:00"),
    F2("-", TIMESTAMP, INTERVAL, TIMESTAMP, timestamp_minus_interval, FALLIBLE,
       "That much earlier.", "TIMESTAMP '2026-01-31 10:00:00' - INTERVAL '10 seconds'",
       "2026-01-31 09:59:50"),
    F2("+", TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, timestamptz_plus_interval, FALLIBLE | STABLE,
       "That much later.", "TIMESTAMPTZ '2026-01-31 10:00:00+00' + INTERVAL '1 day'",
       "2026-02-01 10:00:00+00"),
    F2("+", INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, interval_plus_timestamptz, FALLIBLE | STABLE,
       "That much later.", "INTERVAL '1 day' + TIMESTAMPTZ '2026-01-31 10:00:00+00'",
       "2026-02-01 10:00:00+00"),
    F2("-", TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, timestamptz_minus_interval, FALLIBLE | STABLE,
       "That much earlier.", "TIMESTAMPTZ '2026-01-31 10:00:00+00' - INTERVAL '1 hour'",
       "2026-01-31 09:00:00+00"),
    F2("-", TIMESTAMP, TIMESTAMP, INTERVAL, timestamp_minus_timestamp, FALLIBLE,
       "Time between the two.", "TIMESTAMP '2026-01-03 12:00:00' - TIMESTAMP '2026-01-01 10:00:00'",
       "2 days 02:00:00"),
    F2("-", TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, timestamp_minus_timestamp, FALLIBLE,
       "Time between the two.",
       "TIMESTAMPTZ '2026-01-03 12:00:00+00' - TIMESTAMPTZ '2026-01-01 10:00:00+00'",
       "2 days 02:00:00"),
    F2("+", DATE, INT32, DATE, date_plus_int, FALLIBLE, "That many days later.",
       "DATE '2026-09-28' + 7", "2026-10-05"),
    F2("+", INT32, DATE, DATE, int_plus_date, FALLIBLE, "That many days later.",
       "7 + DATE '2026-09-28'", "2026-10-05"),
    F2("-", DATE, INT32, DATE, date_minus_int, FALLIBLE, "That many days earlier.",
       "DATE '2026-10-01' - 7", "2026-09-24"),
    F2("-", DATE, DATE, INT32, date_minus_date, FALLIBLE, "Days between the two.",
       "DATE '2026-10-01' - DATE '2026-09-28'", "3"),
    F2("+", DATE, INTERVAL, TIMESTAMP, date_plus_interval, FALLIBLE,
       "That much later than midnight.", "DATE '2026-09-28' + INTERVAL '1 hour'",
       "2026-09-28 01:00:00"),
    F2("+", INTERVAL, DATE, TIMESTAMP, interval_plus_date, FALLIBLE,
       "That much later than midnight.", "INTERVAL '1 hour' + DATE '2026-09-28'",
       "2026-09-28 01:00:00"),
    F2("-", DATE, INTERVAL, TIMESTAMP, date_minus_interval, FALLIBLE,
       "That much earlier than midnight.", "DATE '2026-09-28' - INTERVAL '1 hour'",
       "2026-09-27 23:00:00"),
    F2("+", DATE, TIME, TIMESTAMP, date_plus_time, FALLIBLE, "The day at that time.",
       "DATE '2026-09-28' + TIME '03:00'", "2026-09-28 03:00:00"),
    F2("+", TIME, DATE, TIMESTAMP, time_plus_date, FALLIBLE, "The day at that time.",
       "TIME '03:00' + DATE '2026-09-28'", "2026-09-28 03:00:00"),
    F2("+", TIME, INTERVAL, TIME, time_plus_interval, 0, "Later, round the clock.",
       "TIME '23:00' + INTERVAL '3 hours'", "02:00:00"),
    F2("+", INTERVAL, TIME, TIME, interval_plus_time, 0, "Later, round the clock.",
       "INTERVAL '3 hours' + TIME '23:00'", "02:00:00"),
    F2("-", TIME, INTERVAL, TIME, time_minus_interval, 0, "Earlier, round the clock.",
       "TIME '05:00' - INTERVAL '2 hours'", "03:00:00"),
    F2("-", TIME, TIME, INTERVAL, time_minus_time, 0, "Time between the two.",
       "TIME '05:00' - TIME '03:00'", "02:00:00"),
    F2("+", INTERVAL, INTERVAL, INTERVAL, interval_add, FALLIBLE, "Sum.",
       "INTERVAL '1 day' + INTERVAL '1 hour'", "1 day 01:00:00"),
    F2("-", INTERVAL, INTERVAL, INTERVAL, interval_sub, FALLIBLE, "Difference.",
       "INTERVAL '1 day' - INTERVAL '1 hour'", "1 day -01:00:00"),
    F2("*", INTERVAL, FLOAT64, INTERVAL, interval_mul, FALLIBLE, "Multiple.",
       "INTERVAL '1 hour' * 3.5", "03:30:00"),
    F2("*", FLOAT64, INTERVAL, INTERVAL, float_mul_interval, FALLIBLE, "Multiple.",
       "21 * INTERVAL '1 day'", "21 days"),
    F2("/", INTERVAL, FLOAT64, INTERVAL, interval_div, FALLIBLE, "Part.", "INTERVAL '1 hour' / 1.5",
       "00:40:00"),
    F1("-", INTERVAL, INTERVAL, interval_neg, FALLIBLE, "Negation.", "- INTERVAL '23 hours'",
       "-23:00:00"),
};
MR_FAMILY_COUNT(datetime);
