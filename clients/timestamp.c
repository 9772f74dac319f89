/*
 * clients/timestamp.c - dates and times in text.
 */
#include "clients/timestamp.h"

#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    const char *here, *end;
} Reader;

/* Between `least` and `most` digits. */
static bool read_number(Reader *reader, int least, int most, int64_t *out)
{
    int digits = 0;
    *out = 0;
    while (digits < most && reader->here < reader->end && *reader->here >= '0' &&
           *reader->here <= '9') {
        *out = *out * 10 + (*reader->here++ - '0');
        digits++;
    }
    return digits >= least;
}

static bool read_char(Reader *reader, const char *one_of)
{
    if (reader->here == reader->end || strchr(one_of, *reader->here) == NULL) {
        return false;
    }
    reader->here++;
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, chrono-compatible
 * low-level date algorithms): years begin in March, so that the leap day is their last. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    return month == 12 ? 31 : days_from_civil(year, month + 1, 1) - days_from_civil(year, month, 1);
}

static bool read_date(Reader *reader, MrTimestamp *out)
{
    int64_t year;
    int64_t month;
    int64_t day;
    if (!read_number(reader, 4, 4, &year) || !read_char(reader, "-/")) {
        return false;
    }
    const char sign[] = { reader->here[-1], '\0' }; /* the same in both places */
    if (!read_number(reader, 1, 2, &month) || !read_char(reader, sign) ||
        !read_number(reader, 1, 2, &day) || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month)) {
        return false;
    }
    out->us = days_from_civil(year, month, day) * INT64_C(86400000000);
    return true;
}

static int64_t read_fraction(Reader *reader)
{
    int64_t us = 0;
    int64_t unit = 100000;
    while (reader->here < reader->end && *reader->here >= '0' && *reader->here <= '9') {
        us += (*reader->here++ - '0') * unit;
        unit /= 10;
    }
    return us;
}

static bool read_time(Reader *reader, MrTimestamp *out)
{
    int64_t hours;
    int64_t minutes;
    int64_t seconds = 0;
    int64_t fraction = 0;
    if (!read_number(reader, 1, 2, &hours) || !read_char(reader, ":") ||
        !read_number(reader, 2, 2, &minutes) || hours > 24 || minutes > 59) {
        return false;
    }
    if (read_char(reader, ":")) {
        if (!read_number(reader, 2, 2, &seconds) || seconds > 60) {
            return false;
        }
        fraction = read_char(reader, ".") ? read_fraction(reader) : 0;
    }
    int64_t us = ((hours * 60 + minutes) * 60 + seconds) * 1000000 + fraction;
    out->us += us;
    out->has_time = true;
    return us <= INT64_C(86400000000);
}

static bool read_zone(Reader *reader, MrTimestamp *out)
{
    int64_t hours;
    int64_t minutes = 0;
    while (read_char(reader, " ")) {
    }
    out->has_zone = true;
    if (read_char(reader, "Zz")) {
        return true;
    }
    if (reader->end - reader->here == 3 && strncmp(reader->here, "UTC", 3) == 0) {
        reader->here = reader->end;
        return true;
    }
    bool west = reader->here < reader->end && *reader->here == '-';
    if (!read_char(reader, "+-") || !read_number(reader, 2, 2, &hours)) {
        return false;
    }
    bool colon = read_char(reader, ":");
    if (reader->here < reader->end && !read_number(reader, 2, 2, &minutes)) {
        return false;
    }
    if (colon && reader->here[-1] == ':') {
        return false;
    }
    if (hours > 15 || minutes > 59) {
        return false;
    }
    int64_t offset = (hours * 60 + minutes) * INT64_C(60000000);
    out->us += west ? offset : -offset;
    return true;
}

bool mr_timestamp_read(const char *text, size_t length, MrTimestamp *out)
{
    Reader reader = { text, text + length };
    *out = (MrTimestamp){ 0 };
    if (!read_date(&reader, out)) {
        return false;
    }
    if (reader.here == reader.end) {
        return true;
    }
    if (!read_char(&reader, " Tt") || !read_time(&reader, out)) {
        return false;
    }
    if (reader.here < reader.end && !read_zone(&reader, out)) {
        return false;
    }
    return reader.here == reader.end;
}

bool mr_timestamp_read_any(const char *text, size_t length, int64_t *us)
{
    char digits[40];
    char *end;
    MrTimestamp timestamp;
    if (mr_timestamp_read(text, length, &timestamp)) {
        *us = timestamp.us;
        return true;
    }
    if (length == 0 || length >= sizeof(digits) ||
        (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) {
        return false;
    }
    memcpy(digits, text, length);
    digits[length] = '\0';
    double number = strtod(digits, &end);
    double size = number < 0 ? -number : number;
    if (*end != '\0') {
        return false;
    }
    /* Seconds up to the year 5138, then the finer units: no two overlap for dates since 1973. */
    double scale = size < 1e11 ? 1e6 : size < 1e14 ? 1e3 : size < 1e17 ? 1 : 1e-3;
    *us = (int64_t)(number * scale);
    return true;
}
