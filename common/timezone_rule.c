/*
 * common/timezone_rule.c - POSIX rules ("CET-1CEST,M3.5.0,M10.5.0/3"): reading and applying them.
 */
#include <string.h>

#include "common/datetime.h"
#include "common/timezone_rules.h"

typedef struct RuleReader {
    const char *next;
    const char *end;
} RuleReader;

static bool reader_take(RuleReader *reader, char c)
{
    if (reader->next < reader->end && *reader->next == c) {
        reader->next++;
        return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Three letters or more, or anything sensible in angle brackets. */
static bool read_name(RuleReader *reader, char name[MR_ZONE_ABBREVIATION_MAX + 1])
{
    bool quoted = reader_take(reader, '<');
    size_t length = 0;

    while (reader->next < reader->end && length < MR_ZONE_ABBREVIATION_MAX) {
        char c = *reader->next;
        bool sign_or_digit = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == ':' || c == '.';
        if (!is_letter(c) && !(quoted && sign_or_digit)) {
            break;
        }
        name[length++] = c;
        reader->next++;
    }
    name[length] = '\0';
    return quoted ? reader_take(reader, '>') : length >= 3;
}

static bool read_number(RuleReader *reader, int max, int *out)
{
    const char *start = reader->next;
    int value = 0;

    while (reader->next < reader->end && *reader->next >= '0' && *reader->next <= '9') {
        value = value * 10 + (*reader->next - '0');
        reader->next++;
        if (value > max) {
            return false;
        }
    }
    *out = value;
    return reader->next > start;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_time(RuleReader *reader, int hour_max, int32_t *out)
{
    bool negative = reader_take(reader, '-');
    int hours = 0;
    int minutes = 0;
    int seconds = 0;

    if (!negative) {
        reader_take(reader, '+');
    }
    if (!read_number(reader, hour_max, &hours)) {
        return false;
    }
    if (reader_take(reader, ':')) {
        if (!read_number(reader, 59, &minutes)) {
            return false;
        }
        if (reader_take(reader, ':') && !read_number(reader, 59, &seconds)) {
            return false;
        }
    }
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    *out = negative ? -value : value;
    return true;
}

static bool read_date(RuleReader *reader, MrZoneDate *out)
{
    *out = (MrZoneDate){ .kind = 'D', .seconds = 7200 };
    bool good;

    if (reader_take(reader, 'M')) {
        out->kind = 'M';
        good = read_number(reader, 12, &out->month) && out->month >= 1 &&
               reader_take(reader, '.') && read_number(reader, 5, &out->week) && out->week >= 1 &&
               reader_take(reader, '.') && read_number(reader, 6, &out->day);
    } else if (reader_take(reader, 'J')) {
        out->kind = 'J';
        good = read_number(reader, 365, &out->day) && out->day >= 1;
    } else {
        good = read_number(reader, 365, &out->day);
    }
    if (good && reader_take(reader, '/')) {
        good = read_time(reader, 167, &out->seconds);
    }
    return good;
}

bool mr_zone_rule_parse(MrString text, bool nameless, MrZoneRule *out)
{
    RuleReader reader = { text.data, text.data + text.length };
    int32_t west;

    *out = (MrZoneRule){ 0 };
    bool sign_first = reader.next < reader.end && !is_letter(*reader.next) && *reader.next != '<';
    if (!(nameless && sign_first) && !read_name(&reader, out->standard.abbreviation)) {
        return false;
    }
    if (!read_time(&reader, 24, &west)) {
        return false;
    }
    out->standard.offset = -west;
    if (reader.next == reader.end) {
        return true;
    }
    if (!read_name(&reader, out->summer.abbreviation)) {
        return false;
    }
    out->has_summer = true;
    out->summer.is_dst = true;
    out->summer.offset = out->standard.offset + 3600;
    if (reader.next < reader.end && *reader.next != ',') {
        if (!read_time(&reader, 24, &west)) {
            return false;
        }
        out->summer.offset = -west;
    }
    if (reader.next == reader.end) {
        reader = (RuleReader){ .next = ",M3.2.0,M11.1.0" }; /* POSIX leaves it open: the USA's */
        reader.end = reader.next + strlen(reader.next);
    }
    return reader_take(&reader, ',') && read_date(&reader, &out->start) &&
           reader_take(&reader, ',') && read_date(&reader, &out->end) && reader.next == reader.end;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The local second, counted from 1970, at which the rule's date falls in the year. */
static int64_t date_in_year(const MrZoneDate *date, int32_t year)
{
    int64_t days = mr_days_from_civil(year, 1, 1);

    if (date->kind == 'J') {
        days += date->day - 1 + (is_leap(year) && date->day >= 60);
    } else if (date->kind == 'D') {
        days += date->day;
    } else {
        int64_t first = mr_days_from_civil(year, date->month, 1);
        int64_t next = date->month == 12 ? mr_days_from_civil(year + 1, 1, 1)
                                         : mr_days_from_civil(year, date->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        days = first + (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
        if (days >= next) {
            days -= 7; /* week 5 is the last one, whichever it is */
        }
    }
    return days * 86400 + date->seconds;
}

void mr_zone_rule_changes(const MrZoneRule *rule, int32_t year, int64_t changes[2],
                          const MrZonePeriod *after[2])
{
    int64_t start = date_in_year(&rule->start, year) - rule->standard.offset;
    int64_t end = date_in_year(&rule->end, year) - rule->summer.offset;
    bool north = start <= end;

    changes[0] = north ? start : end;
    changes[1] = north ? end : start;
    after[0] = north ? &rule->summer : &rule->standard;
    after[1] = north ? &rule->standard : &rule->summer;
}
