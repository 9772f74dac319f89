/*
 * storage/codecs/fastparse.h - the plain forms of numbers and times, which nearly all input has.
 * Each returns false for anything else, also for what is wrong: the general parser then decides and
 * words the error.  `end` is the end of readable memory: a field may be loaded as whole words when
 * these end before it.  Must not know columns or formats.
 */
#ifndef MR_STORAGE_CODECS_FASTPARSE_H
#define MR_STORAGE_CODECS_FASTPARSE_H

#include "storage/types.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they lie");

static inline uint64_t mr_load_word(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* The first `length` <= 8 bytes, moved up so that the last one is the top byte; zero below. */
static inline uint64_t mr_load_right(const char *data, size_t length, const char *end)
{
    uint64_t word;
    if (__builtin_expect(end - data >= 8, 1)) {
        word = mr_load_word(data);
    } else {
        word = 0;
        memcpy(&word, data, length);
    }
    return word << (64 - 8 * length);
}

/* Eight ASCII digits as lie in a word to their value; `word` holds digits minus '0'. */
static inline uint64_t mr_digits_value(uint64_t word)
{
    word = (word * 10) + (word >> 8);
    return (((word & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064)) +
            (((word >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001))) >>
           32;
}

/* 1 to 8 digits. */
static inline bool mr_parse_digits8(const char *data, size_t length, const char *end, uint64_t *out)
{
    uint64_t zeros = UINT64_C(0x3030303030303030) << (64 - 8 * length);
    uint64_t word = mr_load_right(data, length, end);
    uint64_t digits = word ^ zeros;
    /* A byte above 9, or with its top bit set, is no digit. */
    if (((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080)) {
        return false;
    }
    *out = mr_digits_value(digits);
    return true;
}

/* Unsigned, 1 to 18 digits. */
static inline bool mr_parse_digits(const char *data, size_t length, const char *end, uint64_t *out)
{
    uint64_t high, low;
    if (length - 1 < 8) {
        return mr_parse_digits8(data, length, end, out);
    }
    if (length - 1 < 16) {
        if (!mr_parse_digits8(data, length - 8, end, &high) ||
            !mr_parse_digits8(data + length - 8, 8, end, &low)) {
            return false;
        }
        *out = high * 100000000 + low;
        return true;
    }
    if (length == 17 || length == 18) {
        uint64_t top;
        if (!mr_parse_digits8(data, length - 16, end, &top) ||
            !mr_parse_digits8(data + length - 16, 8, end, &high) ||
            !mr_parse_digits8(data + length - 8, 8, end, &low)) {
            return false;
        }
        *out = (top * 100000000 + high) * 100000000 + low;
        return true;
    }
    return false;
}

/* [-]digits of at most 18 digits; the caller checks the range of smaller types. */
static inline bool mr_parse_int_fast(const char *data, size_t length, const char *end, int64_t *out)
{
    uint64_t value;
    bool negative = length > 0 && data[0] == '-';
    if (!mr_parse_digits(data + negative, length - negative, end, &value)) {
        return false;
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* [-]digits[.digits] with at most 18 digits in all: coefficient and digits behind the point. */
static inline bool mr_parse_decimal_fast(const char *data, size_t length, int64_t *coefficient,
                                         int *scale)
{
    bool negative = length > 0 && data[0] == '-';
    size_t i = negative;
    uint64_t value = 0;
    size_t point = length;
    if (length - i > 19 || length == i) {
        return false;
    }
    for (; i < length; i++) {
        unsigned digit = (unsigned char)data[i] - (unsigned)'0';
        if (digit <= 9) {
            value = value * 10 + digit;
        } else if (data[i] == '.' && point == length) {
            point = i;
        } else {
            return false;
        }
    }
    size_t digits = length - negative - (point < length);
    if (digits == 0 || digits > 18) {
        return false;
    }
    *scale = point < length ? (int)(length - point - 1) : 0;
    *coefficient = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* Exact: both numbers are doubles without rounding, so that one division rounds once (Clinger). */
static inline bool mr_parse_float_fast(const char *data, size_t length, double *out)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                     1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18 };
    int64_t coefficient;
    int scale;
    if (!mr_parse_decimal_fast(data, length, &coefficient, &scale) ||
        coefficient > (INT64_C(1) << 53) || coefficient < -(INT64_C(1) << 53) ||
        (coefficient == 0 && data[0] == '-')) {
        return false;
    }
    *out = (double)coefficient / powers[scale];
    return true;
}

/* Days before 1970-01-01's year begins, by the rule of the Gregorian calendar. */
static inline int32_t mr_days_fast(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t shifted = year - (month <= 2);
    uint32_t era_day = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
    return (int32_t)(365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + era_day) -
           719468;
}

static inline uint32_t mr_month_days(uint32_t year, uint32_t month)
{
    if (month == 2) {
        return 28 + ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
    }
    return 30 + ((month + (month > 7)) & 1);
}

/* YYYY-MM-DD, year from 1. */
static inline bool mr_parse_date_fast(const char *data, size_t length, int32_t *out)
{
    if (length != 10) {
        return false;
    }
    uint64_t head = mr_load_word(data);     /* YYYY-MM- */
    uint64_t tail = mr_load_word(data + 2); /* YY-MM-DD */
    uint64_t digits = head ^ UINT64_C(0x2d30302d30303030);
    uint64_t last = tail ^ UINT64_C(0x30302d30302d3030);
    uint64_t limit = UINT64_C(0x7676767676767676);
    if ((((digits + limit) | digits | (last + limit) | last) & UINT64_C(0x8080808080808080)) != 0 ||
        (digits & UINT64_C(0xff0000ff00000000)) != 0) {
        return false;
    }
    uint32_t year = (uint32_t)((digits & 0xff) * 1000 + (digits >> 8 & 0xff) * 100 +
                               (digits >> 16 & 0xff) * 10 + (digits >> 24 & 0xff));
    uint32_t month = (uint32_t)((digits >> 40 & 0xff) * 10 + (digits >> 48 & 0xff));
    uint32_t day = (uint32_t)((last >> 48 & 0xff) * 10 + (last >> 56 & 0xff));
    if (year == 0 || month - 1 > 11 || day == 0 || day > mr_month_days(year, month)) {
        return false;
    }
    *out = mr_days_fast(year, month, day);
    return true;
}

/* hh:mm:ss, up to 23:59:59, as seconds. */
static inline bool mr_parse_clock_fast(const char *data, uint32_t *seconds)
{
    uint64_t digits = mr_load_word(data) ^ UINT64_C(0x30303a30303a3030);
    if ((((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080)) != 0 ||
        (digits & UINT64_C(0x0000ff0000ff0000)) != 0) {
        return false;
    }
    uint32_t hour = (uint32_t)((digits & 0xff) * 10 + (digits >> 8 & 0xff));
    uint32_t minute = (uint32_t)((digits >> 24 & 0xff) * 10 + (digits >> 32 & 0xff));
    uint32_t second = (uint32_t)((digits >> 48 & 0xff) * 10 + (digits >> 56 & 0xff));
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* YYYY-MM-DD[ T]hh:mm:ss[.f{1,6}][Z|+00]; *zoned tells whether a zone was there. */
static inline bool mr_parse_timestamp_fast(const char *data, size_t length, const char *end,
                                           int64_t *out, bool *zoned)
{
    int32_t days;
    uint32_t seconds;
    if (length < 19 || (data[10] != ' ' && data[10] != 'T') ||
        !mr_parse_date_fast(data, 10, &days) || !mr_parse_clock_fast(data + 11, &seconds)) {
        return false;
    }
    *zoned = false;
    if (length > 19) {
        if (data[length - 1] == 'Z') {
            *zoned = true;
            length -= 1;
        } else if (length > 21 && memcmp(data + length - 3, "+00", 3) == 0) {
            *zoned = true;
            length -= 3;
        }
    }
    uint64_t fraction = 0;
    if (length > 19) {
        static const uint32_t scales[] = { 0, 100000, 10000, 1000, 100, 10, 1 };
        size_t digits = length - 20;
        if (data[19] != '.' || digits < 1 || digits > 6 ||
            !mr_parse_digits8(data + 20, digits, end, &fraction)) {
            return false;
        }
        fraction *= scales[digits];
    }
    *out = (int64_t)days * MR_US_PER_DAY + (int64_t)seconds * MR_US_PER_SECOND + (int64_t)fraction;
    return true;
}

#endif
