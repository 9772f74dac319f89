/*
 * engine/casts_datetime.c - casts among dates and times; timestamps without a zone are local time
 * of the query's zone.
 */
#include "engine/casts_internal.h"
#include "engine/functions/datetime_cells.h"

static MrStatus out_of_timestamps(MrEval *eval, const MrVector *out, uint32_t row)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_DATETIME_OVERFLOW,
                             "date out of range for timestamp");
}

MR_KERNEL(date_to_timestamp)
{
    int64_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        if (!mr_date_to_timestamp(MR_ARG(int32_t, 0, i), &results[i])) {
            MR_TRY(out_of_timestamps(eval, out, i));
        }
    }
    return MR_OK;
}
MR_KERNEL(date_to_timestamptz)
{
    int64_t *results = out->data;
    const MrTimezone *zone = mr_eval_zone(eval);
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        if (!mr_date_to_timestamp(MR_ARG(int32_t, 0, i), &results[i])) {
            MR_TRY(out_of_timestamps(eval, out, i));
        } else {
            results[i] = mr_local_to_utc(zone, results[i]);
        }
    }
    return MR_OK;
}
MR_KERNEL(timestamp_to_date)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = mr_timestamp_to_date(MR_ARG(int64_t, 0, i));
    }
    return MR_OK;
}
MR_KERNEL(timestamptz_to_date)
{
    int32_t *results = out->data;
    const MrTimezone *zone = mr_eval_zone(eval);
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = mr_timestamp_to_date(mr_utc_to_local(zone, MR_ARG(int64_t, 0, i)));
    }
    return MR_OK;
}
MR_KERNEL(timestamp_to_timestamptz)
{
    int64_t *results = out->data;
    const MrTimezone *zone = mr_eval_zone(eval);
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = mr_local_to_utc(zone, MR_ARG(int64_t, 0, i));
    }
    return MR_OK;
}
MR_KERNEL(timestamptz_to_timestamp)
{
    int64_t *results = out->data;
    const MrTimezone *zone = mr_eval_zone(eval);
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = mr_utc_to_local(zone, MR_ARG(int64_t, 0, i));
    }
    return MR_OK;
}

/* The time of day; infinities have none. */
static MrStatus time_of_day(MrEval *eval, int64_t us, uint32_t row, MrVector *out)
{
    ((int64_t *)out->data)[row] = us - mr_floor_divide(us, MR_US_PER_DAY) * MR_US_PER_DAY;
    return mr_timestamp_is_finite(us) ? MR_OK : mr_kernel_set_null(eval, out, row);
}
MR_KERNEL(timestamp_to_time)
{
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const int64_t us = MR_ARG(int64_t, 0, i);
        MR_TRY(time_of_day(eval, mr_timestamp_is_finite(us) ? us : MR_TIME_MAX, i, out));
    }
    return MR_OK;
}
MR_KERNEL(timestamptz_to_time)
{
    const MrTimezone *zone = mr_eval_zone(eval);
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const int64_t us = mr_utc_to_local(zone, MR_ARG(int64_t, 0, i));
        MR_TRY(time_of_day(eval, mr_timestamp_is_finite(us) ? us : MR_TIME_MAX, i, out));
    }
    return MR_OK;
}
MR_KERNEL(timestamptz_to_timetz)
{
    const MrTimezone *zone = mr_eval_zone(eval);
    MrTimetz *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int64_t us = MR_ARG(int64_t, 0, i);
        if (!mr_timestamp_is_finite(us)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        const int64_t in_day = us - mr_floor_divide(us, MR_US_PER_DAY) * MR_US_PER_DAY;
        const MrTimetz utc = mr_timetz(in_day, 0);
        results[i] = mr_timetz_at(&utc, mr_timezone_offset_at(zone, us));
    }
    return MR_OK;
}
MR_KERNEL(time_to_timetz)
{
    const int32_t offset = mr_timezone_standard_offset(mr_eval_zone(eval));
    const int64_t *restrict a = args[0]->data;
    MrTimetz *restrict r = out->data;
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        r[i] = mr_timetz(a[i], offset);
    }
    return MR_OK;
}
MR_UNARY_KERNEL(MR_NO_CLONES, timetz_to_time, MrTimetz, int64_t, x.us)
MR_UNARY_KERNEL(MR_NO_CLONES, time_to_interval, int64_t, MrInterval, (MrInterval){ .us = x })
/* What is left of the time after whole days; months and days don't count. */
MR_UNARY_KERNEL(MR_NO_CLONES, interval_to_time, MrInterval, int64_t,
                x.us % MR_US_PER_DAY + (x.us % MR_US_PER_DAY < 0 ? MR_US_PER_DAY : 0))

/* Rounds half away from zero to `digits` digits of a second. */
static inline int64_t round_us(int64_t us, int32_t digits)
{
    static const int64_t steps[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
    if (digits < 0 || digits >= 6 || !mr_timestamp_is_finite(us)) {
        return us;
    }
    const int64_t step = steps[digits], rest = us % step;
    const int64_t cut = us - rest;
    if (rest >= step - rest && rest > 0) {
        return cut <= MR_TIME_MAX - 1 - step ? cut + step : us;
    }
    if (rest < 0 && -rest >= step + rest) {
        return cut >= MR_TIME_MIN + 1 + step ? cut - step : us;
    }
    return cut;
}

MrStatus mr_length_timestamp(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t rows, MrVector *out)
{
    const int64_t *restrict a = args[0]->data;
    int64_t *restrict r = out->data;
    const int32_t digits = out->type.typmod;
    (void)eval, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        r[i] = round_us(a[i], digits);
    }
    return MR_OK;
}

MrStatus mr_length_timetz(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                          uint32_t rows, MrVector *out)
{
    const MrTimetz *restrict a = args[0]->data;
    MrTimetz *restrict r = out->data;
    (void)eval, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        r[i] = mr_timetz(round_us(a[i].us, out->type.typmod), a[i].offset);
    }
    return MR_OK;
}

MrStatus mr_length_interval(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                            uint32_t rows, MrVector *out)
{
    const MrInterval *restrict a = args[0]->data;
    MrInterval *restrict r = out->data;
    (void)eval, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        r[i] = a[i];
        mr_interval_apply_typmod(&r[i], out->type.typmod);
    }
    return MR_OK;
}

const MrCast mr_casts_datetime[] = {
    MR_CAST(DATE, TIMESTAMP, IMPLICIT, date_to_timestamp, FALLIBLE),
    MR_CAST(DATE, TIMESTAMPTZ, IMPLICIT, date_to_timestamptz, FALLIBLE | STABLE),
    MR_CAST(TIMESTAMP, DATE, ASSIGNMENT, timestamp_to_date, 0),
    MR_CAST(TIMESTAMP, TIME, ASSIGNMENT, timestamp_to_time, 0),
    MR_CAST(TIMESTAMP, TIMESTAMPTZ, IMPLICIT, timestamp_to_timestamptz, STABLE),
    MR_CAST(TIMESTAMPTZ, DATE, ASSIGNMENT, timestamptz_to_date, STABLE),
    MR_CAST(TIMESTAMPTZ, TIME, ASSIGNMENT, timestamptz_to_time, STABLE),
    MR_CAST(TIMESTAMPTZ, TIMESTAMP, ASSIGNMENT, timestamptz_to_timestamp, STABLE),
    MR_CAST(TIMESTAMPTZ, TIMETZ, ASSIGNMENT, timestamptz_to_timetz, STABLE),
    MR_CAST(TIME, TIMETZ, IMPLICIT, time_to_timetz, STABLE),
    MR_CAST(TIMETZ, TIME, ASSIGNMENT, timetz_to_time, 0),
    MR_CAST(TIMETZ, TIMETZ, IMPLICIT, NULL, 0),
    MR_CAST(TIME, INTERVAL, IMPLICIT, time_to_interval, 0),
    MR_CAST(INTERVAL, TIME, ASSIGNMENT, interval_to_time, 0),
    MR_CAST(TIME, TIME, IMPLICIT, NULL, 0),
    MR_CAST(TIMESTAMP, TIMESTAMP, IMPLICIT, NULL, 0),
    MR_CAST(TIMESTAMPTZ, TIMESTAMPTZ, IMPLICIT, NULL, 0),
    MR_CAST(INTERVAL, INTERVAL, IMPLICIT, NULL, 0),
};
const uint32_t mr_casts_datetime_count = sizeof mr_casts_datetime / sizeof mr_casts_datetime[0];
