/*
 * common/datetime_fields.c - extract and date_trunc: the parts of moments and intervals.
 */
#include "common/datetime.h"

typedef enum Field {
    FIELD_MICROSECONDS,
    FIELD_MILLISECONDS,
    FIELD_SECOND,
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY,
    FIELD_WEEK,
    FIELD_MONTH,
    FIELD_QUARTER,
    FIELD_YEAR,
    FIELD_DECADE,
    FIELD_CENTURY,
    FIELD_MILLENNIUM,
    FIELD_ISOYEAR,
    FIELD_DOW,
    FIELD_ISODOW,
    FIELD_DOY,
    FIELD_EPOCH,
    FIELD_JULIAN,
    FIELD_UNKNOWN
} Field;

static const struct {
    const char *name;
    Field field;
} field_names[] = {
    { "microseconds", FIELD_MICROSECONDS },
    { "microsecond", FIELD_MICROSECONDS },
    { "usec", FIELD_MICROSECONDS },
    { "us", FIELD_MICROSECONDS },
    { "useconds", FIELD_MICROSECONDS },
    { "usecs", FIELD_MICROSECONDS },
    { "milliseconds", FIELD_MILLISECONDS },
    { "millisecond", FIELD_MILLISECONDS },
    { "msec", FIELD_MILLISECONDS },
    { "msecs", FIELD_MILLISECONDS },
    { "ms", FIELD_MILLISECONDS },
    { "mseconds", FIELD_MILLISECONDS },
    { "second", FIELD_SECOND },
    { "seconds", FIELD_SECOND },
    { "sec", FIELD_SECOND },
    { "secs", FIELD_SECOND },
    { "s", FIELD_SECOND },
    { "minute", FIELD_MINUTE },
    { "minutes", FIELD_MINUTE },
    { "min", FIELD_MINUTE },
    { "mins", FIELD_MINUTE },
    { "m", FIELD_MINUTE },
    { "hour", FIELD_HOUR },
    { "hours", FIELD_HOUR },
    { "hr", FIELD_HOUR },
    { "hrs", FIELD_HOUR },
    { "h", FIELD_HOUR },
    { "day", FIELD_DAY },
    { "days", FIELD_DAY },
    { "d", FIELD_DAY },
    { "week", FIELD_WEEK },
    { "weeks", FIELD_WEEK },
    { "w", FIELD_WEEK },
    { "month", FIELD_MONTH },
    { "months", FIELD_MONTH },
    { "mon", FIELD_MONTH },
    { "mons", FIELD_MONTH },
    { "quarter", FIELD_QUARTER },
    { "qtr", FIELD_QUARTER },
    { "year", FIELD_YEAR },
    { "years", FIELD_YEAR },
    { "yr", FIELD_YEAR },
    { "yrs", FIELD_YEAR },
    { "y", FIELD_YEAR },
    { "decade", FIELD_DECADE },
    { "decades", FIELD_DECADE },
    { "dec", FIELD_DECADE },
    { "decs", FIELD_DECADE },
    { "century", FIELD_CENTURY },
    { "centuries", FIELD_CENTURY },
    { "cent", FIELD_CENTURY },
    { "c", FIELD_CENTURY },
    { "millennium", FIELD_MILLENNIUM },
    { "millennia", FIELD_MILLENNIUM },
    { "mil", FIELD_MILLENNIUM },
    { "mils", FIELD_MILLENNIUM },
    { "isoyear", FIELD_ISOYEAR },
    { "dow", FIELD_DOW },
    { "isodow", FIELD_ISODOW },
    { "doy", FIELD_DOY },
    { "epoch", FIELD_EPOCH },
    { "julian", FIELD_JULIAN },
};

static Field field_find(MrString name)
{
    for (size_t i = 0; i < sizeof field_names / sizeof field_names[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(field_names[i].name))) {
            return field_names[i].field;
        }
    }
    return FIELD_UNKNOWN;
}

static MrStatus unit_refused(MrString field, Field known, const char *type, MrError *err)
{
    return mr_error_set(err, known == FIELD_UNKNOWN ? MR_ERR_INVALID_PARAMETER : MR_ERR_UNSUPPORTED,
                        "unit \"%.*s\" not %s for type %s",
                        (int)(field.length < 100 ? field.length : 100), field.data,
                        known == FIELD_UNKNOWN ? "recognized" : "supported", type);
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Monday is 0. */
static int64_t weekday(int64_t days)
{
    return ((days + 3) % 7 + 7) % 7;
}

/* The Monday of ISO week 1: the week that holds January 4. */
static int64_t iso_year_start(int64_t year)
{
    int64_t fourth = mr_days_from_civil((int32_t)year, 1, 4);
    return fourth - weekday(fourth);
}

static int64_t iso_year(const MrCivil *civil, int64_t days)
{
    if (days < iso_year_start(civil->year)) {
        return civil->year - 1;
    }
    return civil->year + (days >= iso_year_start(civil->year + 1));
}

/* Without a year 0: …, -2 (2 BC), -1 (1 BC), 1, 2, … */
static int64_t shown_year(int64_t year)
{
    return year > 0 ? year : year - 1;
}

/* Years 1 .. n are period 1, n+1 .. 2n period 2; 1 BC is in period -1. */
static int64_t period_of_year(int64_t year, int64_t years)
{
    return year > 0 ? (year + years - 1) / years : -((years - 1 - (year - 1)) / years);
}

MrStatus mr_timestamp_extract(MrString field, int64_t us, int64_t *coefficient, int16_t *scale,
                              MrError *err)
{
    Field known = field_find(field);
    int64_t days = floor_divide(us, MR_US_PER_DAY);
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    int64_t second_us = civil.second * MR_US_PER_SECOND + civil.microsecond;
    int64_t value = 0;

    *scale = 0;
    switch (known) {
    case FIELD_MICROSECONDS: value = second_us; break;
    case FIELD_MILLISECONDS:
        value = second_us;
        *scale = 3;
        break;
    case FIELD_SECOND:
        value = second_us;
        *scale = 6;
        break;
    case FIELD_MINUTE: value = civil.minute; break;
    case FIELD_HOUR: value = civil.hour; break;
    case FIELD_DAY: value = civil.day; break;
    case FIELD_WEEK: value = (days - iso_year_start(iso_year(&civil, days))) / 7 + 1; break;
    case FIELD_MONTH: value = civil.month; break;
    case FIELD_QUARTER: value = (civil.month - 1) / 3 + 1; break;
    case FIELD_YEAR: value = shown_year(civil.year); break;
    case FIELD_DECADE: value = floor_divide(civil.year, 10); break;
    case FIELD_CENTURY: value = period_of_year(civil.year, 100); break;
    case FIELD_MILLENNIUM: value = period_of_year(civil.year, 1000); break;
    case FIELD_ISOYEAR: value = shown_year(iso_year(&civil, days)); break;
    case FIELD_DOW: value = (weekday(days) + 1) % 7; break;
    case FIELD_ISODOW: value = weekday(days) + 1; break;
    case FIELD_DOY: value = days - mr_days_from_civil(civil.year, 1, 1) + 1; break;
    case FIELD_EPOCH:
        value = us;
        *scale = 6;
        break;
    default: return unit_refused(field, known, "timestamp without time zone", err);
    }
    *coefficient = value;
    return MR_OK;
}

int64_t mr_timestamp_field_unit_us(MrString field)
{
    switch (field_find(field)) {
    case FIELD_MINUTE: return 60 * MR_US_PER_SECOND;
    case FIELD_HOUR: return 3600 * MR_US_PER_SECOND;
    case FIELD_MICROSECONDS:
    case FIELD_MILLISECONDS:
    case FIELD_SECOND:
    case FIELD_EPOCH:
    case FIELD_JULIAN:
    case FIELD_UNKNOWN: return 1;
    default: return MR_US_PER_DAY;
    }
}

MrStatus mr_interval_extract(MrString field, const MrInterval *interval, int64_t *coefficient,
                             int16_t *scale, MrError *err)
{
    Field known = field_find(field);
    int64_t minute_us = interval->us % (60 * MR_US_PER_SECOND);
    int64_t years = interval->months / 12;
    int64_t value = 0;

    *scale = 0;
    switch (known) {
    case FIELD_MICROSECONDS: value = minute_us; break;
    case FIELD_MILLISECONDS:
        value = minute_us;
        *scale = 3;
        break;
    case FIELD_SECOND:
        value = minute_us;
        *scale = 6;
        break;
    case FIELD_MINUTE: value = interval->us / (60 * MR_US_PER_SECOND) % 60; break;
    case FIELD_HOUR: value = interval->us / (3600 * MR_US_PER_SECOND); break;
    case FIELD_DAY: value = interval->days; break;
    case FIELD_MONTH: value = interval->months % 12; break;
    case FIELD_QUARTER: value = interval->months % 12 / 3 + 1; break;
    case FIELD_YEAR: value = years; break;
    case FIELD_DECADE: value = years / 10; break;
    case FIELD_CENTURY: value = years / 100; break;
    case FIELD_MILLENNIUM: value = years / 1000; break;
    case FIELD_EPOCH: {
        /* A year has 365.25 days here, a month 30; quarters of a day keep it exact. */
        int64_t quarters =
            years * 1461 + (int64_t)(interval->months % 12) * 120 + (int64_t)interval->days * 4;
        __int128 total = (__int128)quarters * (MR_US_PER_DAY / 4) + interval->us;
        if (total > INT64_MAX || total < INT64_MIN) {
            return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
        }
        value = (int64_t)total;
        *scale = 6;
        break;
    }
    default: return unit_refused(field, known, "interval", err);
    }
    *coefficient = value;
    return MR_OK;
}

/* The first year of the period: 1, 101, 201 …; before our era -99, -199 … */
static int32_t period_start(int32_t year, int32_t years)
{
    return (int32_t)(floor_divide((int64_t)year - 1, years) * years + 1);
}

MrStatus mr_timestamp_truncate(MrString field, int64_t us, int64_t *out, MrError *err)
{
    Field known = field_find(field);
    int64_t unit = 0;

    switch (known) {
    case FIELD_MICROSECONDS: unit = 1; break;
    case FIELD_MILLISECONDS: unit = 1000; break;
    case FIELD_SECOND: unit = MR_US_PER_SECOND; break;
    case FIELD_MINUTE: unit = 60 * MR_US_PER_SECOND; break;
    case FIELD_HOUR: unit = 3600 * MR_US_PER_SECOND; break;
    case FIELD_DAY: unit = MR_US_PER_DAY; break;
    case FIELD_WEEK:
    case FIELD_MONTH:
    case FIELD_QUARTER:
    case FIELD_YEAR:
    case FIELD_DECADE:
    case FIELD_CENTURY:
    case FIELD_MILLENNIUM: break;
    default: return unit_refused(field, known, "timestamp without time zone", err);
    }
    if (us == INT64_MIN || us == INT64_MAX) {
        *out = us;
        return MR_OK;
    }
    if (unit != 0) {
        *out = floor_divide(us, unit) * unit;
        return MR_OK;
    }
    if (known == FIELD_WEEK) {
        int64_t days = floor_divide(us, MR_US_PER_DAY);
        *out = (days - weekday(days)) * MR_US_PER_DAY;
        return MR_OK;
    }
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    MrCivil start = { .year = civil.year, .month = 1, .day = 1 };
    switch (known) {
    case FIELD_MONTH: start.month = civil.month; break;
    case FIELD_QUARTER: start.month = (civil.month - 1) / 3 * 3 + 1; break;
    case FIELD_DECADE: start.year = (int32_t)floor_divide(civil.year, 10) * 10; break;
    case FIELD_CENTURY: start.year = period_start(civil.year, 100); break;
    case FIELD_MILLENNIUM: start.year = period_start(civil.year, 1000); break;
    default: break;
    }
    if (start.year < -4713) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    *out = mr_civil_to_us(&start);
    return MR_OK;
}

MrStatus mr_interval_truncate(MrString field, const MrInterval *interval, MrInterval *out,
                              MrError *err)
{
    Field known = field_find(field);
    MrInterval result = { .months = interval->months };
    int32_t months = interval->months;

    /* Toward zero, part by part. */
    switch (known) {
    case FIELD_MICROSECONDS: result = *interval; break;
    case FIELD_MILLISECONDS:
        result = *interval;
        result.us -= result.us % 1000;
        break;
    case FIELD_SECOND:
        result = *interval;
        result.us -= result.us % MR_US_PER_SECOND;
        break;
    case FIELD_MINUTE:
        result = *interval;
        result.us -= result.us % (60 * MR_US_PER_SECOND);
        break;
    case FIELD_HOUR:
        result = *interval;
        result.us -= result.us % (3600 * MR_US_PER_SECOND);
        break;
    case FIELD_DAY: result.days = interval->days; break;
    case FIELD_MONTH: break;
    case FIELD_QUARTER: result.months = months / 12 * 12 + months % 12 / 3 * 3; break;
    case FIELD_YEAR: result.months = months / 12 * 12; break;
    case FIELD_DECADE: result.months = months / 120 * 120; break;
    case FIELD_CENTURY: result.months = months / 1200 * 1200; break;
    case FIELD_MILLENNIUM: result.months = months / 12000 * 12000; break;
    default:
        unit_refused(field, known, "interval", err);
        if (known == FIELD_WEEK) {
            mr_error_detail(err, "Months usually have fractional weeks.");
        }
        return known == FIELD_UNKNOWN ? MR_ERR_INVALID_PARAMETER : MR_ERR_UNSUPPORTED;
    }
    *out = result;
    return MR_OK;
}
