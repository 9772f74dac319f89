/*
 * common/datetime_template_resolve.c - the fields that a template gave, made one moment: 12-hour
 * clocks, centuries, weeks and days of the year, as PostgreSQL's do_to_timestamp has it.
 */
#include "common/datetime_pattern.h"

static MrStatus out_of_range(MrString text, MrError *err)
{
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW,
                        "date/time field value out of range: \"%.*s\"",
                        (int)(text.length < 400 ? text.length : 400), text.data);
}

static MrStatus resolve_hour(MrTemplateFields *fields, MrError *err)
{
    if (fields->second_of_day != 0) {
        fields->hour = fields->second_of_day / 3600;
        fields->minute = fields->second_of_day / 60 % 60;
        fields->second = fields->second_of_day % 60;
    }
    if (!fields->twelve_hours) {
        return MR_OK;
    }
    if (fields->hour < 1 || fields->hour > 12) {
        mr_error_set(err, MR_ERR_INVALID_DATETIME, "hour \"%d\" is invalid for the 12-hour clock",
                     fields->hour);
        mr_error_hint(err, "Use the 24-hour clock, or give an hour between 1 and 12.");
        return MR_ERR_INVALID_DATETIME;
    }
    if (fields->pm && fields->hour < 12) {
        fields->hour += 12;
    } else if (!fields->pm && fields->hour == 12) {
        fields->hour = 0;
    }
    return MR_OK;
}

/* The year as counted with a year 0 (1 BC); 0 when none was given. */
static int64_t resolve_year(const MrTemplateFields *fields)
{
    int64_t year = fields->year;

    if (year != 0) {
        if (fields->century != 0 && fields->year_digits <= 2) {
            int64_t century = fields->before_christ ? -fields->century : fields->century;
            year %= 100;
            if (year != 0) {
                return century > 0 ? year + (century - 1) * 100 : (century + 1) * 100 - year + 1;
            }
            return century >= 0 ? century * 100 : century * 100 + 1;
        }
        if (fields->before_christ) {
            year = -year;
        }
        return year < 0 ? year + 1 : year;
    }
    if (fields->century != 0) {
        int64_t century = fields->before_christ ? -fields->century : fields->century;
        return century > 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    }
    return 0;
}

static int64_t iso_year_start(int64_t year)
{
    int64_t fourth = mr_days_from_civil((int32_t)year, 1, 4);
    return fourth - ((fourth + 3) % 7 + 7) % 7;
}

static int days_in_month(int64_t year, int month)
{
    int64_t next = month == 12 ? mr_days_from_civil((int32_t)year + 1, 1, 1)
                               : mr_days_from_civil((int32_t)year, month + 1, 1);
    return (int)(next - mr_days_from_civil((int32_t)year, month, 1));
}

static MrStatus resolve_days(const MrTemplateFields *fields, MrString text, int64_t *out,
                             MrError *err)
{
    int64_t year = resolve_year(fields);
    int month = fields->month != 0 ? fields->month : 1;
    int day = fields->day != 0 ? fields->day : 1;

    if (year < -4800 || year > 5900000 || fields->week < 0 || fields->week > 53 ||
        fields->year_day < 0 || fields->year_day > 366) {
        return out_of_range(text, err);
    }
    if (fields->julian != 0) {
        *out = (int64_t)fields->julian - 2440588;
        return MR_OK;
    }
    if (fields->iso && (fields->week != 0 || fields->year_day != 0)) {
        int weekday = fields->weekday == 0 ? 0 : (fields->weekday + 5) % 7; /* Monday is 0 */
        *out = iso_year_start(year) +
               (fields->year_day != 0 ? fields->year_day - 1 : (fields->week - 1) * 7 + weekday);
        return MR_OK;
    }
    if (fields->week != 0) {
        *out = mr_days_from_civil((int32_t)year, 1, 1) + (fields->week - 1) * 7;
        return MR_OK;
    }
    if (fields->week_of_month != 0) {
        day = (fields->week_of_month - 1) * 7 + 1;
    }
    if (fields->year_day != 0 && fields->month <= 1 && fields->day <= 1) {
        if (fields->year == 0 && fields->century == 0) {
            return mr_error_set(err, MR_ERR_INVALID_DATETIME,
                                "cannot calculate day of year without year information");
        }
        *out = mr_days_from_civil((int32_t)year, 1, 1) + fields->year_day - 1;
        return MR_OK;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return out_of_range(text, err);
    }
    *out = mr_days_from_civil((int32_t)year, month, day);
    return MR_OK;
}

MrStatus mr_template_resolve(MrTemplateFields *fields, MrString text, int64_t *days, int64_t *us,
                             MrError *err)
{
    MR_TRY(resolve_hour(fields, err));
    MR_TRY(resolve_days(fields, text, days, err));
    int64_t fraction = (int64_t)fields->millisecond * 1000 + fields->microsecond;
    if (fields->hour < 0 || fields->hour > 23 || fields->minute < 0 || fields->minute > 59 ||
        fields->second < 0 || fields->second > 59 || fraction < 0 || fraction >= MR_US_PER_SECOND) {
        return out_of_range(text, err);
    }
    if (fields->zone_hour < 0 || fields->zone_hour > 15 || fields->zone_minute < 0 ||
        fields->zone_minute > 59) {
        return out_of_range(text, err);
    }
    *us = ((int64_t)fields->hour * 3600 + fields->minute * 60 + fields->second) * MR_US_PER_SECOND +
          fraction;
    return MR_OK;
}
