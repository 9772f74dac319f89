/*
 * common/datetime_format.c - dates, times and timestamps to PostgreSQL's text in every DateStyle,
 * and intervals in IntervalStyle postgres.
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
static char *put_year(char *out, const MrCivil *civil)
{
    int64_t year = civil->year > 0 ? civil->year : 1 - (int64_t)civil->year;

    if (year < 10000) {
        out = put_two(out, (int)(year / 100));
        return put_two(out, (int)(year % 100));
    }
    return out + mr_int64_format(year, out);
}

static char *put_date(char *out, const MrCivil *civil)
{
    out = put_year(out, civil);
    *out++ = '-';
    out = put_two(out, civil->month);
    *out++ = '-';
    return put_two(out, civil->day);
}

/* Day and month in the style's order, then the year; of ISO the other way round. */
static char *put_date_as(char *out, const MrCivil *civil, const MrTextStyle *style)
{
    static const char separators[] = {
        [MR_DATE_SQL] = '/', [MR_DATE_POSTGRES] = '-', [MR_DATE_GERMAN] = '.'
    };
    if (style->date == MR_DATE_ISO || style->date == MR_DATE_XML) {
        return put_date(out, civil);
    }
    const bool is_day_first = style->date == MR_DATE_GERMAN || style->date_order == MR_DATE_DMY;
    out = put_two(out, is_day_first ? civil->day : civil->month);
    *out++ = separators[style->date];
    out = put_two(out, is_day_first ? civil->month : civil->day);
    *out++ = separators[style->date];
    return put_year(out, civil);
}

static size_t with_era(const char *start, char *end, const MrCivil *civil)
{
    return (size_t)((civil->year > 0 ? end : put_text(end, " BC")) - start);
}

size_t mr_date_format_as(int32_t days, const MrTextStyle *style, char out[MR_DATETIME_TEXT_MAX])
{
    if (days == INT32_MIN || days == INT32_MAX) {
        return (size_t)(put_text(out, days < 0 ? "-infinity" : "infinity") - out);
    }
    MrCivil civil;
    /* Days may lie outside the microseconds' range; eras of 400 years keep the calendar. */
    int64_t era = days / 146097;
    mr_civil_from_us((days - era * 146097) * MR_US_PER_DAY, &civil);
    civil.year += (int32_t)(era * 400);
    return with_era(out, put_date_as(out, &civil, style), &civil);
}

size_t mr_date_format(int32_t days, char out[MR_DATETIME_TEXT_MAX])
{
    return mr_date_format_as(days, &mr_text_style_usual, out);
}

size_t mr_time_format(int64_t us, char out[MR_DATETIME_TEXT_MAX])
{
    int seconds = (int)(us / MR_US_PER_SECOND); /* 24:00:00 is a time, too */
    return (size_t)(put_clock(out, seconds / 3600, seconds / 60 % 60, seconds % 60,
                              (int)(us % MR_US_PER_SECOND)) -
                    out);
}

static char *put_time_of(char *out, const MrCivil *civil)
{
    return put_clock(out, civil->hour, civil->minute, civil->second, civil->microsecond);
}

/* "Sat Feb 28" or, day first, "Sat 28 Feb". */
static char *put_day_in_words(char *out, const MrCivil *civil, const MrTextStyle *style)
{
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    static const char days[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
    int day = mr_days_from_civil(civil->year, civil->month, civil->day) % 7;
    const char *month = months[civil->month - 1];
    out = put_text(out, days[day < 0 ? day + 7 : day]);
    *out++ = ' ';
    if (style->date_order == MR_DATE_DMY) {
        out = put_two(out, civil->day);
        *out++ = ' ';
        return put_text(out, month);
    }
    out = put_text(out, month);
    *out++ = ' ';
    return put_two(out, civil->day);
}

static char *put_timestamp(char *out, const MrCivil *civil, const MrTextStyle *style)
{
    if (style->date == MR_DATE_POSTGRES) {
        out = put_day_in_words(out, civil, style);
        *out++ = ' ';
        out = put_time_of(out, civil);
        *out++ = ' ';
        return put_year(out, civil);
    }
    out = put_date_as(out, civil, style);
    *out++ = style->date == MR_DATE_XML ? 'T' : ' ';
    return put_time_of(out, civil);
}

static size_t format_infinity(int64_t us, char *out)
{
    return (size_t)(put_text(out, us < 0 ? "-infinity" : "infinity") - out);
}

size_t mr_timestamp_format_as(int64_t us, const MrTextStyle *style, char out[MR_DATETIME_TEXT_MAX])
{
    if (us == INT64_MIN || us == INT64_MAX) {
        return format_infinity(us, out);
    }
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    return with_era(out, put_timestamp(out, &civil, style), &civil);
}

size_t mr_timestamp_format(int64_t us, char out[MR_DATETIME_TEXT_MAX])
{
    return mr_timestamp_format_as(us, &mr_text_style_usual, out);
}

/* +hh, and minutes and seconds only where they are not 0; minutes always where they are `whole`. */
static char *put_offset(char *out, int32_t offset, bool whole)
{
    int size = offset < 0 ? -offset : offset;

    *out++ = offset < 0 ? '-' : '+';
    out = put_two(out, size / 3600);
    if (whole || size % 3600 != 0) {
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
    return (size_t)(put_offset(out, offset, false) - out);
}

/* ISO tells the zone by its offset, the other styles by its abbreviation at that moment. */
static size_t format_zoned(int64_t us, const MrTimezone *zone, const MrTextStyle *style, char *out)
{
    if (us == INT64_MIN || us == INT64_MAX) {
        return format_infinity(us, out);
    }
    MrCivil civil;
    mr_civil_from_us(mr_timezone_utc_to_local(zone, us), &civil);
    char *next = put_timestamp(out, &civil, style);
    if (style->date == MR_DATE_ISO || style->date == MR_DATE_XML) {
        next = put_offset(next, mr_timezone_offset_at(zone, us), style->date == MR_DATE_XML);
    } else {
        *next++ = ' ';
        next = put_text(next, mr_timezone_abbreviation_at(zone, us));
    }
    return with_era(out, next, &civil);
}

size_t mr_timestamptz_format_as(int64_t us, const MrTimezone *zone, char out[MR_DATETIME_TEXT_MAX])
{
    return format_zoned(us, zone, mr_timezone_style(zone), out);
}

size_t mr_timestamptz_format(int64_t us, const MrTimezone *zone, char out[MR_DATETIME_TEXT_MAX])
{
    return format_zoned(us, zone, &mr_text_style_usual, out);
}

static const MrTextStyle json_style = { .date = MR_DATE_XML, .float_digits = 1 };

size_t mr_timestamp_format_json(int64_t us, char out[MR_DATETIME_TEXT_MAX])
{
    return mr_timestamp_format_as(us, &json_style, out);
}

size_t mr_timestamptz_format_json(int64_t us, const MrTimezone *zone,
                                  char out[MR_DATETIME_TEXT_MAX])
{
    return format_zoned(us, zone, &json_style, out);
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
