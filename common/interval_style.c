/*
 * common/interval_style.c - the text of a length of time in the styles of IntervalStyle, as
 * PostgreSQL's EncodeInterval has them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/datetime.h"
#include "common/timezone.h"

/* No piece of the text is longer, and there is room for one more behind the longest text. */
enum { PIECE_MAX = 64 };

static size_t put(char *out, const char *format, ...) MR_PRINTF(2, 3);
static size_t put(char *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(out, PIECE_MAX, format, args);
    va_end(args);
    return length > 0 ? (size_t)length : 0;
}

/* The parts, each with its sign. */
typedef struct Parts {
    int64_t years, months, days, hours, minutes, seconds, microseconds;
} Parts;

static Parts parts_of(const MrInterval *interval)
{
    const int64_t minute = 60 * MR_US_PER_SECOND, hour = 60 * minute;
    return (Parts){ .years = interval->months / 12,
                    .months = interval->months % 12,
                    .days = interval->days,
                    .hours = interval->us / hour,
                    .minutes = interval->us % hour / minute,
                    .seconds = interval->us % minute / MR_US_PER_SECOND,
                    .microseconds = interval->us % MR_US_PER_SECOND };
}

static int64_t size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Without a sign; of the fraction the digits that say something. */
static size_t put_seconds(char *out, const Parts *parts, bool two_digits)
{
    size_t length = put(out, two_digits ? "%02d" : "%d", (int)size_of(parts->seconds));
    if (parts->microseconds != 0) {
        length += put(out + length, ".%06d", (int)size_of(parts->microseconds));
        while (out[length - 1] == '0') {
            length--;
        }
    }
    return length;
}

/* ---- sql_standard -------------------------------------------------------------------------- */

static size_t put_clock(char *out, const Parts *parts)
{
    const size_t length =
        put(out, "%lld:%02d:", (long long)size_of(parts->hours), (int)size_of(parts->minutes));
    return length + put_seconds(out + length, parts, true);
}

/* What the standard has no form for (months and days, or both signs): every part with its sign. */
static size_t put_mixed(char *out, const MrInterval *interval, const Parts *parts)
{
    const size_t length = put(out, "%c%lld-%lld %c%lld %c", interval->months < 0 ? '-' : '+',
                              (long long)size_of(parts->years), (long long)size_of(parts->months),
                              interval->days < 0 ? '-' : '+', (long long)size_of(parts->days),
                              interval->us < 0 ? '-' : '+');
    return length + put_clock(out + length, parts);
}

static size_t put_sql_standard(char *out, const MrInterval *interval, const Parts *parts)
{
    const bool negative = interval->months < 0 || interval->days < 0 || interval->us < 0;
    const bool positive = interval->months > 0 || interval->days > 0 || interval->us > 0;
    const bool has_days = interval->days != 0 || interval->us != 0;
    size_t length = 0;
    if (!negative && !positive) {
        return put(out, "0");
    }
    if ((negative && positive) || (interval->months != 0 && has_days)) {
        return put_mixed(out, interval, parts);
    }
    length += negative ? put(out, "-") : 0;
    if (interval->months != 0) {
        return length + put(out + length, "%lld-%lld", (long long)size_of(parts->years),
                            (long long)size_of(parts->months));
    }
    if (interval->days != 0) {
        length += put(out + length, "%lld ", (long long)size_of(parts->days));
    }
    return length + put_clock(out + length, parts);
}

/* ---- iso_8601 ------------------------------------------------------------------------------ */

static size_t put_iso_part(char *out, int64_t value, char unit)
{
    return value == 0 ? 0 : put(out, "%lld%c", (long long)value, unit);
}

static size_t put_iso(char *out, const MrInterval *interval, const Parts *parts)
{
    size_t length = put(out, "P");
    if (interval->months == 0 && interval->days == 0 && interval->us == 0) {
        return put(out, "PT0S");
    }
    length += put_iso_part(out + length, parts->years, 'Y');
    length += put_iso_part(out + length, parts->months, 'M');
    length += put_iso_part(out + length, parts->days, 'D');
    if (interval->us == 0) {
        return length;
    }
    out[length++] = 'T';
    length += put_iso_part(out + length, parts->hours, 'H');
    length += put_iso_part(out + length, parts->minutes, 'M');
    if (parts->seconds != 0 || parts->microseconds != 0) {
        if (parts->seconds < 0 || parts->microseconds < 0) {
            out[length++] = '-';
        }
        length += put_seconds(out + length, parts, false);
        out[length++] = 'S';
    }
    return length;
}

/* ---- postgres_verbose ---------------------------------------------------------------------- */

/* "@ 1 day -2 hours ago": signs are those of the first part, which `ago` turns round. */
typedef struct Verbose {
    char *out;
    size_t length;
    bool is_empty, is_before;
} Verbose;

static void put_verbose_part(Verbose *text, int64_t value, const char *unit)
{
    if (value == 0) {
        return;
    }
    if (text->is_empty) {
        text->is_before = value < 0;
        value = size_of(value);
    } else if (text->is_before) {
        value = -value;
    }
    text->is_empty = false;
    text->length +=
        put(text->out + text->length, " %lld %s%s", (long long)value, unit, value == 1 ? "" : "s");
}

static void put_verbose_seconds(Verbose *text, const Parts *parts)
{
    if (parts->seconds == 0 && parts->microseconds == 0) {
        return;
    }
    const bool negative = parts->seconds < 0 || parts->microseconds < 0;
    text->out[text->length++] = ' ';
    if (text->is_empty) {
        text->is_before = negative;
    } else if (negative != text->is_before) {
        text->out[text->length++] = '-';
    }
    text->is_empty = false;
    text->length += put_seconds(text->out + text->length, parts, false);
    const bool is_one = size_of(parts->seconds) == 1 && parts->microseconds == 0;
    text->length += put(text->out + text->length, is_one ? " sec" : " secs");
}

static size_t put_verbose(char *out, const Parts *parts)
{
    Verbose text = { .out = out, .length = 1, .is_empty = true };
    out[0] = '@';
    put_verbose_part(&text, parts->years, "year");
    put_verbose_part(&text, parts->months, "mon");
    put_verbose_part(&text, parts->days, "day");
    put_verbose_part(&text, parts->hours, "hour");
    put_verbose_part(&text, parts->minutes, "min");
    put_verbose_seconds(&text, parts);
    if (text.is_empty) {
        text.length += put(out + text.length, " 0");
    }
    if (text.is_before) {
        text.length += put(out + text.length, " ago");
    }
    return text.length;
}

size_t mr_interval_format_as(const MrInterval *interval, MrIntervalStyle style,
                             char out[MR_DATETIME_TEXT_MAX])
{
    char text[MR_DATETIME_TEXT_MAX + PIECE_MAX];
    size_t length;
    const Parts parts = parts_of(interval);
    switch (style) {
    case MR_INTERVAL_SQL_STANDARD: length = put_sql_standard(text, interval, &parts); break;
    case MR_INTERVAL_ISO_8601: length = put_iso(text, interval, &parts); break;
    case MR_INTERVAL_POSTGRES_VERBOSE: length = put_verbose(text, &parts); break;
    default: return mr_interval_format(interval, out);
    }
    memcpy(out, text, length);
    return length;
}
