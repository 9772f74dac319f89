/*
 * engine/functions/datetime_field.c - parts of times (extract, date_part, hour …) and
 * date_trunc.  Fields are common/datetime.h's; timestamptz is local time of the query's zone.
 */
#include "engine/functions/datetime_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

#include "engine/expression.h"

#include <math.h>

/* A part: coefficient / 10^scale, or one of two forms that infinite times give. */
typedef struct Part {
    int64_t coefficient;
    int16_t scale;
    bool is_null;
    int infinite; /* -1, +1 */
} Part;

typedef MrStatus PartOf(MrEval *eval, MrString field, const void *cell, Part *out, MrError *err);

static bool field_is(MrString field, const char *name)
{
    return mr_string_equal_nocase(field, mr_string(name));
}

/* Fields that grow with time are infinite for infinite times, the others NULL. */
static MrStatus part_of_infinity(MrString field, bool negative, Part *out, MrError *err)
{
    static const char *const growing[] = { "year",       "years",  "y",       "decade", "century",
                                           "millennium", "julian", "isoyear", "epoch" };
    for (size_t i = 0; i < sizeof growing / sizeof growing[0]; i++) {
        if (field_is(field, growing[i])) {
            out->infinite = negative ? -1 : 1;
            return MR_OK;
        }
    }
    out->is_null = true;
    if (field_is(field, "timezone") || field_is(field, "timezone_hour") ||
        field_is(field, "timezone_minute")) {
        return MR_OK;
    }
    return mr_timestamp_extract(field, 0, &out->coefficient, &out->scale, err);
}

/* Zone fields belong to timestamptz only. */
static bool field_is_zone(MrString field)
{
    return field_is(field, "timezone") || field_is(field, "timezone_hour") ||
           field_is(field, "timezone_minute");
}
static MrStatus zone_unsupported(MrString field, const char *type, MrError *err)
{
    return mr_error_set(err, MR_ERR_UNSUPPORTED, "unit \"%.*s\" not supported for type %s",
                        (int)field.length, field.data, type);
}

static MrStatus part_of_timestamp(MrEval *eval, MrString field, const void *cell, Part *out,
                                  MrError *err)
{
    const int64_t us = *(const int64_t *)cell;
    (void)eval;
    if (!mr_timestamp_is_finite(us)) {
        return part_of_infinity(field, us == MR_TIME_MIN, out, err);
    }
    if (field_is_zone(field)) {
        return zone_unsupported(field, "timestamp without time zone", err);
    }
    return mr_timestamp_extract(field, us, &out->coefficient, &out->scale, err);
}

static MrStatus rename_type(MrStatus status, MrString field, const char *type, MrError *err)
{
    if (status == MR_ERR_INVALID_PARAMETER || status == MR_ERR_UNSUPPORTED) {
        mr_error_set(err, status, "unit \"%.*s\" not %s for type %s",
                     (int)(field.length < 100 ? field.length : 100), field.data,
                     status == MR_ERR_UNSUPPORTED ? "supported" : "recognized", type);
    }
    return status;
}

/* False: the field says nothing of the distance from UTC. */
static bool part_of_offset(MrString field, int32_t offset, Part *out)
{
    if (!field_is_zone(field)) {
        return false;
    }
    out->coefficient = field_is(field, "timezone")        ? offset
                       : field_is(field, "timezone_hour") ? offset / 3600
                                                          : offset % 3600 / 60;
    return true;
}

static MrStatus part_of_timestamptz(MrEval *eval, MrString field, const void *cell, Part *out,
                                    MrError *err)
{
    const int64_t us = *(const int64_t *)cell;
    const MrTimezone *zone = mr_eval_zone(eval);
    if (!mr_timestamp_is_finite(us)) {
        return rename_type(part_of_infinity(field, us == MR_TIME_MIN, out, err), field,
                           "timestamp with time zone", err);
    }
    if (part_of_offset(field, mr_timezone_offset_at(zone, us), out)) {
        return MR_OK;
    }
    if (field_is(field, "epoch")) {
        out->coefficient = us;
        out->scale = 6;
    } else {
        return rename_type(mr_timestamp_extract(field, mr_timezone_utc_to_local(zone, us),
                                                &out->coefficient, &out->scale, err),
                           field, "timestamp with time zone", err);
    }
    return MR_OK;
}

/* A date has no parts below the day: what changes within a day is not a part of it. */
static MrStatus date_field_check(MrString field, MrError *err)
{
    int64_t early = 0, late = 0;
    int16_t scale = 0;
    MR_TRY(rename_type(mr_timestamp_extract(field, 0, &early, &scale, err), field, "date", err));
    MR_TRY(mr_timestamp_extract(field, INT64_C(45296789012), &late, &scale, err));
    return early == late && scale == 0 ? MR_OK : zone_unsupported(field, "date", err);
}
/* By how much 2000 years change the field, which count whole weeks. */
enum { DAYS_OF_2000_YEARS = 730485 };
static int32_t per_2000_years(MrString field)
{
    return field_is(field, "year") || field_is(field, "isoyear") ? 2000
           : field_is(field, "decade")                           ? 200
           : field_is(field, "century")                          ? 20
           : field_is(field, "millennium")                       ? 2
                                                                 : 0;
}
static MrStatus part_of_date(MrEval *eval, MrString field, const void *cell, Part *out,
                             MrError *err)
{
    const int32_t day = *(const int32_t *)cell;
    const bool epoch = field_is(field, "epoch"), julian = field_is(field, "julian");
    int64_t us = 0;
    (void)eval;
    if (!epoch && !julian) {
        MR_TRY(field_is_zone(field) ? zone_unsupported(field, "date", err)
                                    : date_field_check(field, err));
    }
    if (!mr_date_is_finite(day)) {
        return part_of_infinity(field, day == INT32_MIN, out, err);
    }
    if (epoch || julian) {
        out->coefficient = epoch ? (int64_t)day * 86400 : (int64_t)day + 2440588;
        return MR_OK;
    }
    /* Beyond all timestamps: the calendar is the same 2000 years earlier. */
    const int32_t spans = mr_date_to_timestamp(day, &us) ? 0 : day / DAYS_OF_2000_YEARS;
    if (spans > 0) {
        mr_date_to_timestamp(day - spans * DAYS_OF_2000_YEARS, &us);
    }
    MR_TRY(mr_timestamp_extract(field, us, &out->coefficient, &out->scale, err));
    out->coefficient += (int64_t)spans * per_2000_years(field);
    return MR_OK;
}

/* Times of day have the parts below the day, and the epoch. */
static MrStatus part_of_day(MrString field, int64_t us, const char *type, Part *out, MrError *err)
{
    int64_t other = 0;
    int16_t scale = 0;
    MR_TRY(rename_type(mr_timestamp_extract(field, us, &out->coefficient, &out->scale, err), field,
                       type, err));
    if (field_is(field, "epoch")) {
        return MR_OK;
    }
    MR_TRY(mr_timestamp_extract(field, 0, &other, &scale, err));
    return other == 0 ? MR_OK /* days, months and years start at 1 or 1970 */
                      : zone_unsupported(field, type, err);
}
static MrStatus part_of_time(MrEval *eval, MrString field, const void *cell, Part *out,
                             MrError *err)
{
    (void)eval;
    return part_of_day(field, *(const int64_t *)cell, "time without time zone", out, err);
}
static MrStatus part_of_timetz(MrEval *eval, MrString field, const void *cell, Part *out,
                               MrError *err)
{
    const MrTimetz *time = cell;
    (void)eval;
    if (part_of_offset(field, time->offset, out)) {
        return MR_OK;
    }
    return part_of_day(field, field_is(field, "epoch") ? mr_timetz_utc_us(time) : time->us,
                       "time with time zone", out, err);
}
static MrStatus part_of_interval(MrEval *eval, MrString field, const void *cell, Part *out,
                                 MrError *err)
{
    (void)eval;
    return mr_interval_extract(field, cell, &out->coefficient, &out->scale, err);
}

static double part_to_double(const Part *part)
{
    static const double tens[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
    if (part->infinite != 0) {
        return part->infinite * (double)INFINITY;
    }
    return part->scale <= 6 ? (double)part->coefficient / tens[part->scale]
                            : (double)part->coefficient / pow(10, part->scale);
}
static MrDecimal part_to_decimal(const Part *part)
{
    if (part->infinite != 0) {
        return (MrDecimal){ .kind = part->infinite < 0 ? MR_DECIMAL_NEGATIVE_INFINITY
                                                       : MR_DECIMAL_INFINITY };
    }
    return mr_decimal_make(part->coefficient, part->scale);
}

static MrStatus part_store(MrEval *eval, MrVector *out, uint32_t row, const Part *part)
{
    if (part->is_null) {
        return mr_kernel_set_null(eval, out, row);
    }
    if (out->type.id == MR_TYPE_NUMERIC) {
        ((MrDecimal *)out->data)[row] = part_to_decimal(part);
    } else {
        ((double *)out->data)[row] = part_to_double(part);
    }
    return MR_OK;
}

static MrStatus extract_rows(MrEval *eval, const MrVector *const *args, uint32_t rows,
                             MrVector *out, PartOf *part_of)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        Part part = { 0 };
        if (part_of(eval, mr_arg_text(args[0], i), mr_vector_cell(args[1], i), &part, &error) !=
            MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        } else {
            MR_TRY(part_store(eval, out, i, &part));
        }
    }
    return MR_OK;
}
#define EXTRACT_KERNEL(NAME)                                        \
    MR_KERNEL(extract_##NAME)                                       \
    {                                                               \
        (void)arg_count;                                            \
        return extract_rows(eval, args, rows, out, part_of_##NAME); \
    }
EXTRACT_KERNEL(date)
EXTRACT_KERNEL(time)
EXTRACT_KERNEL(timetz)
EXTRACT_KERNEL(interval)

/* One field of moments: it is the same within its unit of time. */
static MrStatus extract_moments(MrEval *eval, const MrVector *const *args, uint32_t rows,
                                MrVector *out, PartOf *part_of)
{
    const MrString field = mr_arg_text(args[0], 0);
    MrUnitSpan span = { .unit_us = mr_timestamp_field_unit_us(field) };
    Part part = { 0 };
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int64_t us = MR_ARG(int64_t, 1, i);
        if (!mr_unit_span_has(&span, us)) {
            MrError error = MR_ERROR_INIT;
            part = (Part){ 0 };
            mr_unit_span_leave(&span);
            if (part_of(eval, field, &us, &part, &error) != MR_OK) {
                MR_TRY(mr_eval_row_failed(eval, out, i, &error));
                continue;
            }
            mr_unit_span_move(&span, us);
        }
        MR_TRY(part_store(eval, out, i, &part));
    }
    return MR_OK;
}
MR_KERNEL(extract_timestamp)
{
    (void)arg_count;
    return (args[0]->is_constant ? extract_moments : extract_rows)(eval, args, rows, out,
                                                                   part_of_timestamp);
}
/* In other zones a unit may begin anywhere. */
MR_KERNEL(extract_timestamptz)
{
    const bool in_utc = mr_eval_zone(eval) == mr_timezone_utc();
    (void)arg_count;
    return (args[0]->is_constant && in_utc ? extract_moments : extract_rows)(eval, args, rows, out,
                                                                             part_of_timestamptz);
}

/* ---- hour(ts) and its like: whole numbers, as Flink SQL has them ---- */

static MrStatus field_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           const char *field, int64_t plus)
{
    int64_t *results = out->data;
    const MrTypeId type = args[0]->type.id;
    const MrString name = mr_string(field);
    MR_EACH_ROW(i)
    {
        const void *cell = mr_vector_cell(args[0], i);
        MrError error = MR_ERROR_INIT;
        Part part = { 0 };
        int64_t us = type == MR_TYPE_DATE ? 0 : *(const int64_t *)cell;
        bool ok = true;
        if (type == MR_TYPE_DATE) {
            ok = mr_date_to_timestamp(*(const int32_t *)cell, &us);
        } else if (type == MR_TYPE_TIMESTAMPTZ) {
            us = mr_utc_to_local(mr_eval_zone(eval), us);
        }
        results[i] = 0;
        if (!mr_timestamp_is_finite(us)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else if (!ok || mr_timestamp_extract(name, us, &part.coefficient, &part.scale, &error) !=
                              MR_OK) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "date out of range for timestamp"));
        } else {
            results[i] =
                (part.scale == 6 ? part.coefficient / MR_US_PER_SECOND : part.coefficient) + plus;
        }
    }
    return MR_OK;
}
#define FIELD_KERNEL(NAME, FIELD, PLUS)                        \
    MR_KERNEL(field_##NAME)                                    \
    {                                                          \
        (void)arg_count;                                       \
        return field_rows(eval, args, rows, out, FIELD, PLUS); \
    }
FIELD_KERNEL(year, "year", 0)
FIELD_KERNEL(quarter, "quarter", 0)
FIELD_KERNEL(month, "month", 0)
FIELD_KERNEL(week, "week", 0)
FIELD_KERNEL(day, "day", 0)
FIELD_KERNEL(dayofyear, "doy", 0)
FIELD_KERNEL(dayofweek, "dow", 1)
FIELD_KERNEL(hour, "hour", 0)
FIELD_KERNEL(minute, "minute", 0)
FIELD_KERNEL(second, "second", 0)

/* ---- date_trunc ---- */

/* date_trunc knows fewer units than extract, and says so in its own way. */
static MrStatus truncate_refusal(MrStatus status, MrString field, const char *type, MrError *err)
{
    if (status == MR_ERR_UNSUPPORTED) {
        return rename_type(MR_ERR_INVALID_PARAMETER, field, type, err);
    }
    return status == MR_ERR_INVALID_PARAMETER && field_is_zone(field)
               ? zone_unsupported(field, type, err)
               : rename_type(status, field, type, err);
}

/* Below the day the offset in force stays: a doubled hour is not mixed up. */
static MrStatus truncate_zoned(MrString field, int64_t us, const MrTimezone *zone, int64_t *out,
                               MrError *err)
{
    int64_t local = 0, day = 0;
    MR_TRY(mr_timestamp_truncate(field, mr_utc_to_local(zone, us), &local, err));
    if (!mr_timestamp_is_finite(us)) {
        *out = us;
        return MR_OK;
    }
    /* A unit is below the day when one o'clock is not cut to midnight. */
    MR_TRY(mr_timestamp_truncate(field, INT64_C(3600) * MR_US_PER_SECOND, &day, err));
    *out = day != 0 ? local - (int64_t)mr_timezone_offset_at(zone, us) * MR_US_PER_SECOND
                    : mr_timezone_local_to_utc(zone, local);
    return MR_OK;
}

#define TRUNCATE_KERNEL(NAME, R, CALL)                         \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        (void)arg_count;                                       \
        mr_kernel_clear(out, rows);                            \
        MR_EACH_ROW(i)                                         \
        {                                                      \
            const MrString field = mr_arg_text(args[0], i);    \
            R *v = (R *)out->data + i;                         \
            const R *x = &MR_ARG(R, 1, i);                     \
            MrError error = MR_ERROR_INIT, *err = &error;      \
            if ((CALL) != MR_OK) {                             \
                MR_TRY(mr_eval_row_failed(eval, out, i, err)); \
            }                                                  \
        }                                                      \
        return MR_OK;                                          \
    }
TRUNCATE_KERNEL(truncate_timestamptz, int64_t,
                truncate_refusal(truncate_zoned(field, *x, mr_eval_zone(eval), v, err), field,
                                 "timestamp with time zone", err))
/* Weeks are known, but not to intervals; that message has a detail of its own. */
static MrStatus truncate_span(MrString field, const MrInterval *span, MrInterval *out, MrError *err)
{
    const MrStatus status = mr_interval_truncate(field, span, out, err);
    return field_is(field, "week") || field_is(field, "weeks")
               ? status
               : truncate_refusal(status, field, "interval", err);
}
TRUNCATE_KERNEL(truncate_interval, MrInterval, truncate_span(field, x, v, err))

/* The field is mostly constant and neighbouring times mostly share its unit: for units of fixed
 * length the width of the unit is found once. */
static int64_t fixed_unit_us(MrString field)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {
        { "second", MR_US_PER_SECOND },
        { "minute", 60 * MR_US_PER_SECOND },
        { "hour", 3600 * MR_US_PER_SECOND },
        { "day", MR_US_PER_DAY },
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (field_is(field, units[i].name)) {
            return units[i].us;
        }
    }
    return 0;
}
static void truncate_fixed(const int64_t *restrict times, int64_t *restrict results, uint32_t rows,
                           int64_t unit)
{
    MrUnitSpan span = { .unit_us = unit };
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t us = times[i];
        if (!mr_unit_span_has(&span, us)) {
            mr_unit_span_move(&span, us);
        }
        results[i] = span.start_us < span.end_us ? span.start_us : us;
    }
}
TRUNCATE_KERNEL(truncate_timestamp_rows, int64_t,
                truncate_refusal(mr_timestamp_truncate(field, *x, v, err), field,
                                 "timestamp without time zone", err))
MR_KERNEL(truncate_timestamp)
{
    const int64_t unit = args[0]->is_constant ? fixed_unit_us(mr_arg_text(args[0], 0)) : 0;
    if (unit > 0 && (!args[1]->is_constant || rows == 1)) {
        truncate_fixed(args[1]->data, out->data, rows, unit);
        return MR_OK;
    }
    return truncate_timestamp_rows(eval, args, arg_count, rows, out);
}

MR_KERNEL(truncate_in_zone)
{
    int64_t *results = out->data;
    const MrTimezone *zone = NULL;
    MrError error = MR_ERROR_INIT;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString field = mr_arg_text(args[0], i);
        MrStatus status = MR_OK;
        results[i] = 0;
        if (zone == NULL || !args[2]->is_constant) {
            status = mr_timezone_find(mr_arg_text(args[2], i), &zone, &error);
        }
        if (status == MR_OK) {
            status = truncate_refusal(
                truncate_zoned(field, MR_ARG(int64_t, 1, i), zone, &results[i], &error), field,
                "timestamp with time zone", &error);
        }
        if (status != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

/* The field alone decides; of years near the end date_trunc finds no start, and an interval can
 * have more seconds than a number. */
#define BY_TEXT (FALLIBLE | MR_FN_FAILS_BY_TEXT)

#define EXTRACT_ENTRIES(TYPE, KERNEL, FLAGS, FIELD, VALUE, NUMERIC_TEXT, DOUBLE_TEXT)       \
    F2("extract", TEXT, TYPE, NUMERIC, KERNEL, BY_TEXT | (FLAGS),                           \
       "A part of the time; SQL writes extract(part FROM t).",                              \
       "extract(" FIELD " FROM " VALUE ")", NUMERIC_TEXT),                                  \
        F2("date_part", TEXT, TYPE, FLOAT64, KERNEL, BY_TEXT | (FLAGS),                     \
           "A part of the time, as double precision.", "date_part('" FIELD "', " VALUE ")", \
           DOUBLE_TEXT)

#define FIELD_ENTRIES(NAME, DOC, RETURNS)                                                        \
    F1(#NAME, TIMESTAMP, INT64, field_##NAME, 0, DOC, #NAME "(TIMESTAMP '2026-02-16 20:38:40')", \
       RETURNS),                                                                                 \
        F1(#NAME, TIMESTAMPTZ, INT64, field_##NAME, STABLE, DOC,                                 \
           #NAME "(TIMESTAMPTZ '2026-02-16 20:38:40+00')", RETURNS)
#define DAY_FIELD_ENTRIES(NAME, DOC, RETURNS) \
    FIELD_ENTRIES(NAME, DOC, RETURNS),        \
        F1(#NAME, DATE, INT64, field_##NAME, FALLIBLE, DOC, #NAME "(DATE '2026-02-16')", RETURNS)

const MrFunction mr_functions_datetime_field[] = {
    EXTRACT_ENTRIES(TIMESTAMP, extract_timestamp, 0, "second", "TIMESTAMP '2026-02-16 20:38:40.12'",
                    "40.120000", "40.12"),
    EXTRACT_ENTRIES(TIMESTAMPTZ, extract_timestamptz, STABLE, "epoch",
                    "TIMESTAMPTZ '2026-02-16 20:38:40.12+00'", "1771274320.120000",
                    "1771274320.12"),
    EXTRACT_ENTRIES(DATE, extract_date, 0, "dow", "DATE '2026-02-16'", "1", "1"),
    EXTRACT_ENTRIES(TIME, extract_time, 0, "minute", "TIME '20:38:40'", "38", "38"),
    EXTRACT_ENTRIES(TIMETZ, extract_timetz, 0, "timezone_hour", "TIMETZ '20:38:40+03'", "3", "3"),
    EXTRACT_ENTRIES(INTERVAL, extract_interval, 0, "hour", "INTERVAL '30 hours 5 minutes'", "30",
                    "30"),
    DAY_FIELD_ENTRIES(year, "Year.", "2026"),
    DAY_FIELD_ENTRIES(quarter, "Quarter of the year, 1 to 4.", "1"),
    DAY_FIELD_ENTRIES(month, "Month, 1 to 12.", "2"),
    DAY_FIELD_ENTRIES(week, "ISO week of the year.", "8"),
    DAY_FIELD_ENTRIES(day, "Day of the month.", "16"),
    F1("dayofmonth", TIMESTAMP, INT64, field_day, 0, "Day of the month.",
       "dayofmonth(TIMESTAMP '2026-02-16 20:38:40')", "16"),
    F1("dayofmonth", TIMESTAMPTZ, INT64, field_day, STABLE, "Day of the month.",
       "dayofmonth(TIMESTAMPTZ '2026-02-16 20:38:40+00')", "16"),
    F1("dayofmonth", DATE, INT64, field_day, FALLIBLE, "Day of the month.",
       "dayofmonth(DATE '2026-02-16')", "16"),
    DAY_FIELD_ENTRIES(dayofyear, "Day of the year.", "47"),
    DAY_FIELD_ENTRIES(dayofweek, "Day of the week, Sunday is 1.", "2"),
    FIELD_ENTRIES(hour, "Hour, 0 to 23.", "20"),
    FIELD_ENTRIES(minute, "Minute, 0 to 59.", "38"),
    FIELD_ENTRIES(second, "Whole second, 0 to 59.", "40"),
    F2("date_trunc", TEXT, TIMESTAMP, TIMESTAMP, truncate_timestamp, BY_TEXT, "Cut to the unit.",
       "date_trunc('hour', TIMESTAMP '2026-02-16 20:38:40')", "2026-02-16 20:00:00"),
    F2("date_trunc", TEXT, TIMESTAMPTZ, TIMESTAMPTZ, truncate_timestamptz, BY_TEXT | STABLE,
       "Cut to the unit of the query's zone.",
       "date_trunc('day', TIMESTAMPTZ '2026-02-16 20:38:40+00')", "2026-02-16 00:00:00+00"),
    F3("date_trunc", TEXT, TIMESTAMPTZ, TEXT, TIMESTAMPTZ, truncate_in_zone, BY_TEXT,
       "Cut to the unit of a zone.",
       "date_trunc('day', TIMESTAMPTZ '2026-02-16 20:38:40+00', 'Australia/Sydney')",
       "2026-02-16 13:00:00+00"),
    F2("date_trunc", TEXT, INTERVAL, INTERVAL, truncate_interval, FALLIBLE, "Cut to the unit.",
       "date_trunc('hour', INTERVAL '2 days 3 hours 40 minutes')", "2 days 03:00:00"),
};
MR_FAMILY_COUNT(datetime_field);
