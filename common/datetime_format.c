/*
 * common/datetime_format.c - dates, times, timestamps and intervals to PostgreSQL's text (DateStyle
 * ISO, IntervalStyle postgres).
 */
#include <string.h>

#include "common/datetime.h"
#include "common/floattext.h"
#include "common/timezone.h"

static char *put_two(char *out, int value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
    return out + 2;
}

static char *put_text(char *out, const char *text)
{
    size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

/* hh:mm:ss and, where there are any, the digits of the fraction without trailing zeros. */
static char *put_seconds(char *out, int second, int microsecond)
{
    out = put_two(out, second);
    if (microsecond == 0) {
        return out;
    }
    *out++ = '.';
    for (int unit = 100000; microsecond != 0; unit /= 10) {
        *out++ = (char)('0' + microsecond / unit);
        microsecond %= unit;
    }
    return out;
}

static char *put_clock(char *out, int hour, int minute, int second, int microsecond)
{
    out = put_two(out, hour);
    *out++ = ':';
    out = put_two(out, minute);
    *out++ = ':';
    return put_seconds(out, second, microsecond);
}

/* At least four digits; the year 0 is 1 BC, -1 is 2 BC.  " BC" itself comes after all else. */
static char *put_date(char *out, const MrCivil *civil)
{
    int64_t year = civil->year > 0 ? civil->year : 1 - (int64_t)civil->year;

    if (year < 10000) {
        out = put_two(out, (int)(year / 100));
        out = put_two(out, (int)(year % 100));
    } else {
        out += mr_int64_format(year, out);
    }
    *out++ = '-';
    out = put_two(out, civil->month);
    *out++ = '-';
    return put_two(out, civil->day);
}

size_t mr_date_format(int32_t days, char out[MR_DATETIME_TEXT_MAX])
{
    char *next = out;

    if (days == INT32_MIN || days == INT32_MAX) {
        return (size_t)(put_text(next, days < 0 ? "-infinity" : "infinity") - out);
    }
    MrCivil civil;
    /* Days may lie outside the microseconds' range; eras of 400 years keep the calendar. */
    int64_t era = days / 146097;
    mr_civil_from_us((days - era * 146097) * MR_US_PER_DAY, &civil);
    civil.year += (int32_t)(era * 400);
    next = put_date(next, &civil);
    return (size_t)((civil.year > 0 ? next : put_text(next, " BC")) - out);
}

size_t mr_time_format(int64_t us, char out[MR_DATETIME_TEXT_MAX])
{
    int seconds = (int)(us / MR_US_PER_SECOND); /* 24:00:00 is a time, too */
    return (size_t)(put_clock(out, seconds / 3600, seconds / 60 % 60, seconds % 60,
                              (int)(us % MR_US_PER_SECOND)) -
                    out);
}

static char *put_timestamp(char *out, const MrCivil *civil)
{
    out = put_date(out, civil);
    *out++ = ' ';
    return put_clock(out, civil->hour, civil->minute, civil->second, civil->microsecond);
}

static size_t format_infinity(int64_t us, char *out)
{
    return (size_t)(put_text(out, us < 0 ? "-infinity" : "infinity") - out);
}

size_t mr_timestamp_format(int64_t us, char out[MR_DATETIME_TEXT_MAX])
{
    if (us == INT64_MIN || us == INT64_MAX) {
        return format_infinity(us, out);
    }
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    char *next = put_timestamp(out, &civil);
    return (size_t)((civil.year > 0 ? next : put_text(next, " BC")) - out);
}

/* +hh, and minutes and seconds only where they are not 0. */
static char *put_offset(char *out, int32_t offset)
{
    int size = offset < 0 ? -offset : offset;

    *out++ = offset < 0 ? '-' : '+';
    out = put_two(out, size / 3600);
    if (size % 3600 != 0) {
        *out++ = ':';
        out = put_two(out, size / 60 % 60);
        if (size % 60 != 0) {
            *out++ = ':';
            out = put_two(out, size % 60);
        }
    }
    return out;
}

size_t mr_zone_offset_format(int32_t offset, char *out)
{
    return (size_t)(put_offset(out, offset) - out);
}

size_t mr_timestamptz_format(int64_t us, const MrTimezone *zone, char out[MR_DATETIME_TEXT_MAX])
{
    if (us == INT64_MIN || us == INT64_MAX) {
        return format_infinity(us, out);
    }
    MrCivil civil;
    mr_civil_from_us(mr_timezone_utc_to_local(zone, us), &civil);
    char *next = put_timestamp(out, &civil);
    next = put_offset(next, mr_timezone_offset_at(zone, us));
    return (size_t)((civil.year > 0 ? next : put_text(next, " BC")) - out);
}

/* One "3 days"; a plus where the part before was negative and this one is not. */
static char *put_interval_part(char *out, const char *start, int64_t value, const char *unit,
                               bool *negative)
{
    if (value == 0) {
        return out;
    }
    if (out != start) {
        *out++ = ' ';
    }
    if (*negative && value > 0) {
        *out++ = '+';
    }
    out += mr_int64_format(value, out);
    *out++ = ' ';
    out = put_text(out, unit);
    if (value != 1) {
        *out++ = 's';
    }
    *negative = value < 0;
    return out;
}

size_t mr_interval_format(const MrInterval *interval, char out[MR_DATETIME_TEXT_MAX])
{
    bool negative = false;
    char *next = out;

    next = put_interval_part(next, out, interval->months / 12, "year", &negative);
    next = put_interval_part(next, out, interval->months % 12, "mon", &negative);
    next = put_interval_part(next, out, interval->days, "day", &negative);
    if (interval->us == 0 && next != out) {
        return (size_t)(next - out);
    }
    uint64_t size = interval->us < 0 ? -(uint64_t)interval->us : (uint64_t)interval->us;
    uint64_t hours = size / UINT64_C(3600000000);
    uint32_t seconds = (uint32_t)(size / MR_US_PER_SECOND % 3600);
    if (next != out) {
        *next++ = ' ';
    }
    if (interval->us < 0) {
        *next++ = '-';
    } else if (negative) {
        *next++ = '+';
    }
    if (hours < 100) {
        next = put_two(next, (int)hours);
    } else {
        next += mr_int64_format((int64_t)hours, next);
    }
    *next++ = ':';
    next = put_two(next, (int)(seconds / 60));
    *next++ = ':';
    next = put_seconds(next, (int)(seconds % 60), (int)(size % MR_US_PER_SECOND));
    return (size_t)(next - out);
}
