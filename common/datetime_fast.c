/*
 * common/datetime_fast.c - the one plain form of timestamps that streams are full of.
 */
#include <string.h>

#include "common/datetime.h"

/* Two digits, or something above 99. */
static inline unsigned two(const char *text)
{
    unsigned tens = (unsigned)(unsigned char)text[0] - '0';
    unsigned ones = (unsigned)(unsigned char)text[1] - '0';
    return tens > 9 || ones > 9 ? 1000 : tens * 10 + ones;
}

static inline unsigned days_in_month(unsigned year, unsigned month)
{
    if (month == 2) {
        return 28 + ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
    }
    return 30 + ((0x15AA >> month) & 1); /* bits of the months with 31 days */
}

/* The fraction's digits and the zone that may follow; 1 to 6 digits. */
static bool parse_tail(const char *next, const char *end, int64_t *us)
{
    if (next < end && *next == '.') {
        static const int32_t units[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
        const char *first = ++next;
        int32_t value = 0;
        while (next < end && *next >= '0' && *next <= '9') {
            if (next - first == 6) {
                return false; /* would have to be rounded */
            }
            value = value * 10 + (*next++ - '0');
        }
        if (next == first) {
            return false;
        }
        *us += (int64_t)value * units[next - first];
    }
    size_t left = (size_t)(end - next);
    return left == 0 || (left == 1 && *next == 'Z') || (left == 3 && memcmp(next, "+00", 3) == 0);
}

bool mr_timestamp_parse_fast(const char *data, size_t length, int64_t *out)
{
    if (length < 19 || data[4] != '-' || data[7] != '-' || (data[10] != ' ' && data[10] != 'T') ||
        data[13] != ':' || data[16] != ':') {
        return false;
    }
    unsigned century = two(data);
    unsigned year = two(data + 2);
    unsigned month = two(data + 5);
    unsigned day = two(data + 8);
    unsigned hour = two(data + 11);
    unsigned minute = two(data + 14);
    unsigned second = two(data + 17);

    year += century * 100;
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
        second > 59 || day > days_in_month(year, month)) {
        return false;
    }
    int64_t days = mr_days_from_civil((int32_t)year, (int32_t)month, (int32_t)day);
    int64_t us = (days * 86400 + (int64_t)(hour * 3600 + minute * 60 + second)) * MR_US_PER_SECOND;
    if (!parse_tail(data + 19, data + length, &us)) {
        return false;
    }
    *out = us;
    return true;
}
