/*
 * engine/functions/datetime_build.c - dates and times from numbers, zones, ages, justified
 * intervals.  Must not know formats (datetime_format.c).
 */
#include "common/floattext.h"
#include "engine/functions/datetime_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

#include <math.h>

/* Fields as given; year 0 does not exist and negative ones are BC. */
static MrStatus date_build(int32_t year, int32_t month, int32_t day, int32_t *out, MrError *err)
{
    static const int8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const int64_t astronomical = year < 0 ? (int64_t)year + 1 : year;
    const bool leap = astronomical % 4 == 0 && (astronomical % 100 != 0 || astronomical % 400 == 0);
    const bool known = year != 0 && month >= 1 && month <= 12 && day >= 1 &&
                       day <= month_days[month - 1] + (month == 2 && leap);
    if (!known) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW,
                            "date field value out of range: %d-%02d-%02d", year, month, day);
    }
    if (astronomical >= -4713 && astronomical <= 5874897) {
        *out = mr_days_from_civil((int32_t)astronomical, month, day);
        if (*out >= MR_DATE_FIRST) {
            return MR_OK;
        }
    }
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date out of range: %lld-%02d-%02d",
                        (long long)astronomical, month, day);
}
static MrStatus time_build(int32_t hour, int32_t minute, double second, int64_t *out, MrError *err)
{
    const double us = rint(second * 1e6);
    const bool known = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && us >= 0 &&
                       us <= 60e6 && (hour < 24 || (minute == 0 && us == 0));
    if (!known) {
        char text[MR_FLOAT_TEXT_MAX];
        const size_t length = mr_float8_format(second, text);
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW,
                            "time field value out of range: %d:%02d:%s%.*s", hour, minute,
                            second < 10 && second >= 0 ? "0" : "", (int)length, text);
    }
    *out = ((int64_t)hour * 60 + minute) * 60 * MR_US_PER_SECOND + (int64_t)us;
    return MR_OK;
}
static MrStatus timestamp_build(const int32_t fields[5], double second, int64_t *out, MrError *err)
{
    int32_t days;
    int64_t us, midnight;
    MR_TRY(date_build(fields[0], fields[1], fields[2], &days, err));
    MR_TRY(time_build(fields[3], fields[4], second, &us, err));
    if (!mr_date_to_timestamp(days, &midnight) || !mr_timestamp_is_finite(midnight)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    *out = midnight + us;
    return MR_OK;
}

#define BUILD_KERNEL(NAME, R, CALL)                            \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        (void)arg_count;                                       \
        mr_kernel_clear(out, rows);                            \
        MR_EACH_ROW(i)                                         \
        {                                                      \
            R *v = (R *)out->data + i;                         \
            MrError error = MR_ERROR_INIT, *err = &error;      \
            if ((CALL) != MR_OK) {                             \
                MR_TRY(mr_eval_row_failed(eval, out, i, err)); \
            }                                                  \
        }                                                      \
        return MR_OK;                                          \
    }
#define INT(K) MR_ARG(int32_t, K, i)
#define FIVE_INTS ((const int32_t[5]){ INT(0), INT(1), INT(2), INT(3), INT(4) })

BUILD_KERNEL(make_date, int32_t, date_build(INT(0), INT(1), INT(2), v, err))
BUILD_KERNEL(make_time, int64_t, time_build(INT(0), INT(1), MR_ARG(double, 2, i), v, err))
BUILD_KERNEL(make_timestamp, int64_t, timestamp_build(FIVE_INTS, MR_ARG(double, 5, i), v, err))

static MrStatus timestamptz_build(const int32_t fields[5], double second, const MrTimezone *zone,
                                  int64_t *out, MrError *err)
{
    MR_TRY(timestamp_build(fields, second, out, err));
    *out = mr_timezone_local_to_utc(zone, *out);
    return MR_OK;
}
static MrStatus timestamptz_build_in(const int32_t fields[5], double second, MrString name,
                                     int64_t *out, MrError *err)
{
    const MrTimezone *zone;
    MR_TRY(mr_timezone_find(name, &zone, err));
    return timestamptz_build(fields, second, zone, out, err);
}
BUILD_KERNEL(make_timestamptz, int64_t,
             timestamptz_build(FIVE_INTS, MR_ARG(double, 5, i), mr_eval_zone(eval), v, err))
BUILD_KERNEL(make_timestamptz_in, int64_t,
             timestamptz_build_in(FIVE_INTS, MR_ARG(double, 5, i), mr_arg_text(args[6], i), v, err))

/* make_interval(years, months, weeks, days, hours, mins, secs), later ones 0 when left out. */
static MrStatus interval_build(const int64_t fields[6], double seconds, MrInterval *out,
                               MrError *err)
{
    const int64_t months = fields[0] * 12 + fields[1], days = fields[2] * 7 + fields[3];
    const int64_t minutes = fields[4] * 60 + fields[5];
    const double us = rint(seconds * 1e6);
    if (months > INT32_MAX || months < INT32_MIN || days > INT32_MAX || days < INT32_MIN ||
        !(fabs(us) < 9.2e18) || __builtin_mul_overflow(minutes, 60 * MR_US_PER_SECOND, &out->us) ||
        __builtin_add_overflow(out->us, (int64_t)us, &out->us)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    out->months = (int32_t)months;
    out->days = (int32_t)days;
    return MR_OK;
}
MR_KERNEL(make_interval)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        int64_t fields[6] = { 0 };
        MrError error = MR_ERROR_INIT;
        for (uint32_t k = 0; k < arg_count && k < 6; k++) {
            fields[k] = INT(k);
        }
        if (interval_build(fields, arg_count > 6 ? MR_ARG(double, 6, i) : 0,
                           (MrInterval *)out->data + i, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

/* to_timestamp(seconds since 1970). */
static MrStatus epoch_to_timestamptz(double seconds, int64_t *out, MrError *err)
{
    if (isnan(seconds)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp cannot be NaN");
    }
    if (isinf(seconds)) {
        *out = seconds < 0 ? MR_TIME_MIN : MR_TIME_MAX;
        return MR_OK;
    }
    const double us = rint(seconds * 1e6);
    if (us < (double)MR_TIMESTAMP_FIRST || us >= 9223372036854775807.0) {
        char text[MR_FLOAT_TEXT_MAX];
        const size_t length = mr_float8_format(seconds, text);
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range: \"%.*s\"",
                            (int)length, text);
    }
    *out = (int64_t)us;
    return MR_OK;
}
BUILD_KERNEL(timestamp_from_epoch, int64_t, epoch_to_timestamptz(MR_ARG(double, 0, i), v, err))

/* ---- zones ---- */

static MrStatus zone_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                          bool to_utc)
{
    int64_t *results = out->data;
    const MrTimezone *zone = NULL;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        const int64_t us = MR_ARG(int64_t, 1, i);
        results[i] = 0;
        if (!mr_timestamp_is_finite(us)) {
            results[i] = us;
            continue;
        }
        if ((zone == NULL || !args[0]->is_constant) &&
            mr_timezone_find(mr_arg_text(args[0], i), &zone, &error) != MR_OK) {
            zone = NULL;
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            continue;
        }
        results[i] = to_utc ? mr_local_to_utc(zone, us) : mr_utc_to_local(zone, us);
    }
    return MR_OK;
}
MR_KERNEL(timezone_of_timestamp)
{
    (void)arg_count;
    return zone_rows(eval, args, rows, out, true);
}
MR_KERNEL(timezone_of_timestamptz)
{
    (void)arg_count;
    return zone_rows(eval, args, rows, out, false);
}

/* AT TIME ZONE INTERVAL '-08:00': a displacement. */
static MrStatus shift_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           int sign)
{
    int64_t *results = out->data;
    MR_EACH_ROW(i)
    {
        const MrInterval *by = &MR_ARG(MrInterval, 0, i);
        const int64_t us = MR_ARG(int64_t, 1, i);
        int64_t moved = us;
        if (!mr_timestamp_is_finite(us)) {
            moved = us;
        } else if (by->months != 0 || by->days != 0) {
            char text[MR_DATETIME_TEXT_MAX];
            const size_t length = mr_interval_format(by, text);
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_INVALID_PARAMETER,
                                     "interval time zone \"%.*s\" must not include months or days",
                                     (int)length, text));
        } else if (sign > 0 ? __builtin_add_overflow(us, by->us, &moved)
                            : __builtin_sub_overflow(us, by->us, &moved)) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "timestamp out of range"));
        }
        results[i] = moved;
    }
    return MR_OK;
}
MR_KERNEL(interval_zone_of_timestamp)
{
    (void)arg_count;
    return shift_rows(eval, args, rows, out, -1);
}
MR_KERNEL(interval_zone_of_timestamptz)
{
    (void)arg_count;
    return shift_rows(eval, args, rows, out, 1);
}

/* ---- ages, finiteness, justified intervals ---- */

static MrStatus age_of(int64_t a, int64_t b, MrInterval *out, MrError *err)
{
    if (!mr_timestamp_is_finite(a) || !mr_timestamp_is_finite(b)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    *out = mr_timestamp_age(a, b);
    return MR_OK;
}
static MrStatus age_in(const MrTimezone *zone, int64_t a, int64_t b, MrInterval *out, MrError *err)
{
    return age_of(mr_utc_to_local(zone, a), mr_utc_to_local(zone, b), out, err);
}
BUILD_KERNEL(timestamp_age, MrInterval,
             age_of(MR_ARG(int64_t, 0, i), MR_ARG(int64_t, 1, i), v, err))
BUILD_KERNEL(timestamptz_age, MrInterval,
             age_in(mr_eval_zone(eval), MR_ARG(int64_t, 0, i), MR_ARG(int64_t, 1, i), v, err))

MR_UNARY_KERNEL(MR_NO_CLONES, timestamp_isfinite, int64_t, uint8_t, mr_timestamp_is_finite(x))
MR_UNARY_KERNEL(MR_NO_CLONES, date_isfinite, int32_t, uint8_t, mr_date_is_finite(x))
MR_UNARY_KERNEL(MR_NO_CLONES, interval_isfinite, MrInterval, uint8_t, ((void)x, 1))

static MrStatus interval_refused(MrError *err)
{
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
}
static MrStatus hours_justified(const MrInterval *x, MrInterval *out, MrError *err)
{
    *out = *x;
    const int64_t whole = x->us / MR_US_PER_DAY;
    out->us = x->us % MR_US_PER_DAY;
    if (__builtin_add_overflow(x->days, (int32_t)whole, &out->days)) {
        return interval_refused(err);
    }
    if (out->days > 0 && out->us < 0) {
        out->us += MR_US_PER_DAY;
        out->days--;
    } else if (out->days < 0 && out->us > 0) {
        out->us -= MR_US_PER_DAY;
        out->days++;
    }
    return MR_OK;
}
static MrStatus days_justified(const MrInterval *x, MrInterval *out, MrError *err)
{
    *out = *x;
    out->days = x->days % 30;
    if (__builtin_add_overflow(x->months, x->days / 30, &out->months)) {
        return interval_refused(err);
    }
    if (out->months > 0 && out->days < 0) {
        out->days += 30;
        out->months--;
    } else if (out->months < 0 && out->days > 0) {
        out->days -= 30;
        out->months++;
    }
    return MR_OK;
}
/* All three parts of one sign. */
static MrStatus interval_justified(const MrInterval *x, MrInterval *out, MrError *err)
{
    const int64_t days = x->days + x->us / MR_US_PER_DAY;
    int64_t months = x->months + days / 30, day = days % 30, us = x->us % MR_US_PER_DAY;
    if (months > 0 && (day < 0 || (day == 0 && us < 0))) {
        day += 30;
        months--;
    } else if (months < 0 && (day > 0 || (day == 0 && us > 0))) {
        day -= 30;
        months++;
    }
    if (day > 0 && us < 0) {
        us += MR_US_PER_DAY;
        day--;
    } else if (day < 0 && us > 0) {
        us -= MR_US_PER_DAY;
        day++;
    }
    if (months > INT32_MAX || months < INT32_MIN) {
        return interval_refused(err);
    }
    *out = (MrInterval){ .us = us, .days = (int32_t)day, .months = (int32_t)months };
    return MR_OK;
}
BUILD_KERNEL(justify_hours, MrInterval, hours_justified(&MR_ARG(MrInterval, 0, i), v, err))
BUILD_KERNEL(justify_days, MrInterval, days_justified(&MR_ARG(MrInterval, 0, i), v, err))
BUILD_KERNEL(justify_interval, MrInterval, interval_justified(&MR_ARG(MrInterval, 0, i), v, err))

MR_UNARY_KERNEL(MR_NO_CLONES, timestamp_date, int64_t, int32_t, mr_timestamp_to_date(x))
MR_KERNEL(timestamptz_date)
{
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        ((int32_t *)out->data)[i] =
            mr_timestamp_to_date(mr_utc_to_local(mr_eval_zone(eval), MR_ARG(int64_t, 0, i)));
    }
    return MR_OK;
}
MR_UNARY_KERNEL(MR_NO_CLONES, date_itself, int32_t, int32_t, x)

#define I MR_TYPE_INT32
#define BUILD(NAME, COUNT, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, ...)                       \
    MR_ENTRY(NAME, COUNT, R, EVAL, MR_FN_STRICT | FALLIBLE | (FLAGS), DOC, EXAMPLE, RETURNS, \
             __VA_ARGS__)
#define MAKE_INTERVAL(COUNT, EXAMPLE, RETURNS, ...)                           \
    BUILD("make_interval", COUNT, INTERVAL, make_interval, 0,                 \
          "Interval of years, months, weeks, days, hours, minutes, seconds.", \
          "make_interval(" EXAMPLE ")", RETURNS, __VA_ARGS__)

const MrFunction mr_functions_datetime_build[] = {
    BUILD("make_date", 3, DATE, make_date, 0, "Date of year, month and day; a negative year is BC.",
          "make_date(2026, 7, 15)", "2026-07-15", I, I, I),
    BUILD("make_time", 3, TIME, make_time, 0, "Time of hour, minute and second.",
          "make_time(8, 15, 23.5)", "08:15:23.5", I, I, MR_TYPE_FLOAT64),
    BUILD("make_timestamp", 6, TIMESTAMP, make_timestamp, 0, "Timestamp of its fields.",
          "make_timestamp(2026, 7, 15, 8, 15, 23.5)", "2026-07-15 08:15:23.5", I, I, I, I, I,
          MR_TYPE_FLOAT64),
    BUILD("make_timestamptz", 6, TIMESTAMPTZ, make_timestamptz, STABLE,
          "Moment of its fields in the query's zone.", "make_timestamptz(2026, 7, 15, 8, 15, 23.5)",
          "2026-07-15 08:15:23.5+00", I, I, I, I, I, MR_TYPE_FLOAT64),
    BUILD("make_timestamptz", 7, TIMESTAMPTZ, make_timestamptz_in, 0,
          "Moment of its fields in a zone.",
          "make_timestamptz(2026, 7, 15, 8, 15, 23.5, 'Europe/Berlin')", "2026-07-15 06:15:23.5+00",
          I, I, I, I, I, MR_TYPE_FLOAT64, MR_TYPE_TEXT),
    MAKE_INTERVAL(1, "1", "1 year", I),
    MAKE_INTERVAL(2, "1, 2", "1 year 2 mons", I, I),
    MAKE_INTERVAL(3, "1, 2, 1", "1 year 2 mons 7 days", I, I, I),
    MAKE_INTERVAL(4, "0, 0, 0, 10", "10 days", I, I, I, I),
    MAKE_INTERVAL(5, "0, 0, 0, 0, 3", "03:00:00", I, I, I, I, I),
    MAKE_INTERVAL(6, "0, 0, 0, 0, 3, 5", "03:05:00", I, I, I, I, I, I),
    MAKE_INTERVAL(7, "0, 0, 0, 0, 0, 0, 1.5", "00:00:01.5", I, I, I, I, I, I, MR_TYPE_FLOAT64),
    F1("to_timestamp", FLOAT64, TIMESTAMPTZ, timestamp_from_epoch, FALLIBLE,
       "Moment of so many seconds after 1970-01-01 00:00 UTC.", "to_timestamp(1284352323)",
       "2010-09-13 04:32:03+00"),
    F2("timezone", TEXT, TIMESTAMP, TIMESTAMPTZ, timezone_of_timestamp, FALLIBLE,
       "Moment of a local time of the zone; SQL writes t AT TIME ZONE z.",
       "TIMESTAMP '2026-02-16 20:38:40' AT TIME ZONE 'America/Denver'", "2026-02-17 03:38:40+00"),
    F2("timezone", TEXT, TIMESTAMPTZ, TIMESTAMP, timezone_of_timestamptz, FALLIBLE,
       "Local time of the moment in the zone; SQL writes t AT TIME ZONE z.",
       "TIMESTAMPTZ '2026-02-16 20:38:40-05' AT TIME ZONE 'America/Denver'", "2026-02-16 18:38:40"),
    F2("timezone", INTERVAL, TIMESTAMP, TIMESTAMPTZ, interval_zone_of_timestamp, FALLIBLE,
       "Moment of a local time that is so far ahead of UTC.",
       "TIMESTAMP '2026-02-16 20:38:40' AT TIME ZONE INTERVAL '2 hours'", "2026-02-16 18:38:40+00"),
    F2("timezone", INTERVAL, TIMESTAMPTZ, TIMESTAMP, interval_zone_of_timestamptz, FALLIBLE,
       "Local time so far ahead of UTC.",
       "TIMESTAMPTZ '2026-02-16 20:38:40+00' AT TIME ZONE INTERVAL '2 hours'",
       "2026-02-16 22:38:40"),
    F2("age", TIMESTAMP, TIMESTAMP, INTERVAL, timestamp_age, FALLIBLE,
       "Difference in years, months and days.",
       "age(TIMESTAMP '2001-04-10', TIMESTAMP '1957-06-13')", "43 years 9 mons 27 days"),
    F2("age", TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, timestamptz_age, FALLIBLE | STABLE,
       "Difference in years, months and days.",
       "age(TIMESTAMPTZ '2001-04-10 00:00:00+00', TIMESTAMPTZ '1957-06-13 00:00:00+00')",
       "43 years 9 mons 27 days"),
    F1("isfinite", TIMESTAMP, BOOL, timestamp_isfinite, 0, "False for infinity.",
       "isfinite(TIMESTAMP 'infinity')", "f"),
    F1("isfinite", TIMESTAMPTZ, BOOL, timestamp_isfinite, 0, "False for infinity.",
       "isfinite(TIMESTAMPTZ '-infinity')", "f"),
    F1("isfinite", DATE, BOOL, date_isfinite, 0, "False for infinity.",
       "isfinite(DATE '2026-01-01')", "t"),
    F1("isfinite", INTERVAL, BOOL, interval_isfinite, 0, "Always true.",
       "isfinite(INTERVAL '4 hours')", "t"),
    F1("justify_hours", INTERVAL, INTERVAL, justify_hours, FALLIBLE, "Every 24 hours as a day.",
       "justify_hours(INTERVAL '27 hours')", "1 day 03:00:00"),
    F1("justify_days", INTERVAL, INTERVAL, justify_days, FALLIBLE, "Every 30 days as a month.",
       "justify_days(INTERVAL '35 days')", "1 mon 5 days"),
    F1("justify_interval", INTERVAL, INTERVAL, justify_interval, FALLIBLE,
       "Hours as days, days as months, one sign.", "justify_interval(INTERVAL '1 mon -1 hour')",
       "29 days 23:00:00"),
    F1("date", TIMESTAMP, DATE, timestamp_date, 0, "The day.",
       "date(TIMESTAMP '2026-02-16 20:38:40')", "2026-02-16"),
    F1("date", TIMESTAMPTZ, DATE, timestamptz_date, STABLE, "The day in the query's zone.",
       "date(TIMESTAMPTZ '2026-02-16 20:38:40+00')", "2026-02-16"),
    F1("date", DATE, DATE, date_itself, 0, "The day itself.", "date(DATE '2026-02-16')",
       "2026-02-16"),
};
MR_FAMILY_COUNT(datetime_build);
