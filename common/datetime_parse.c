/*
 * common/datetime_parse.c - text to dates, times and timestamps.
 * Follows PostgreSQL's DecodeDateTime for DateStyle ISO, MDY: fields in nearly any order, each of
 * which says by its form or its place what it is.
 */
#include <stdlib.h>
#include <string.h>

#include "common/datetime.h"
#include "common/datetime_scan.h"
#include "common/timezone.h"

/* What has been read so far. */
enum {
    HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4, HAS_DATE = 7, HAS_TIME = 8, HAS_ZONE = 16,
    HAS_HALF_DAY = 32, HAS_ERA = 64, HAS_WEEKDAY = 128, HAS_SPECIAL = 256,
};

typedef enum Outcome {
    GOOD, MALFORMED, OUT_OF_RANGE, MONTH_OR_DAY_OUT_OF_RANGE, ZONE_OUT_OF_RANGE, ZONE_UNKNOWN,
    NEEDS_CLOCK,
} Outcome;

typedef struct Decoder {
    unsigned mask;
    int64_t year;
    int64_t month, day;
    int64_t year_day;  /* 0: none */
    MrClockTime clock;
    bool two_digit_year;
    bool text_month;   /* a month's name was read within the date at hand */
    bool loose_month;  /* a month's name was read as a field of its own */
    int half_day;      /* of HAS_HALF_DAY: 0 am, 1 pm */
    bool before_christ;
    MrWordKind special;
    int32_t zone_offset;
    const MrTimezone *zone; /* NULL: zone_offset counts */
    const char *zone_text;  /* for the message */
} Decoder;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A field may come once. */
static Outcome decoder_note(Decoder *decoder, unsigned bits)
{
    if ((decoder->mask & bits) != 0) {
        return MALFORMED;
    }
    decoder->mask |= bits;
    return GOOD;
}

static int64_t digits_value(const char *text, size_t length)
{
    int64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (value < INT64_C(1000000000000)) {
            value = value * 10 + (text[i] - '0');
        }
    }
    return value;
}

static int64_t clock_us(const MrClockTime *clock)
{
    return ((clock->hour * 60 + clock->minute) * 60 + clock->second) * MR_US_PER_SECOND +
           clock->microsecond;
}

static bool clock_is_valid(const MrClockTime *clock)
{
    return clock->hour <= 24 && clock->minute <= 59 && clock->second <= 60 &&
           clock_us(clock) <= MR_US_PER_DAY;
}

static Outcome set_time(Decoder *decoder, MrClockTime clock)
{
    decoder->clock = clock;
    return clock_is_valid(&clock) ? decoder_note(decoder, HAS_TIME) : OUT_OF_RANGE;
}

/* 20240131, 240131, 123456, 1234, 123456.789: dates and times run together. */
static Outcome decode_run_together(Decoder *decoder, const char *text, unsigned mask)
{
    size_t length = strspn(text, "0123456789");
    MrClockTime clock = { 0 };
    bool fraction = text[length] == '.';

    if (text[length] != '\0' && !mr_fraction_parse(text + length, &clock.microsecond)) {
        return MALFORMED;
    }
    if (!fraction && (mask & HAS_DATE) != HAS_DATE && length >= 6) {
        decoder->day = digits_value(text + length - 2, 2);
        decoder->month = digits_value(text + length - 4, 2);
        decoder->year = digits_value(text, length - 4);
        decoder->two_digit_year = length == 6;
        return decoder_note(decoder, HAS_DATE);
    }
    if ((mask & HAS_TIME) == 0 && (length == 6 || length == 4)) {
        clock.hour = digits_value(text, 2);
        clock.minute = (int)digits_value(text + 2, 2);
        clock.second = length == 6 ? (int)digits_value(text + 4, 2) : 0;
        return set_time(decoder, clock);
    }
    return MALFORMED;
}

static Outcome set_year(Decoder *decoder, int64_t value, size_t length)
{
    decoder->year = value;
    decoder->two_digit_year = length <= 2;
    return decoder_note(decoder, HAS_YEAR);
}

static Outcome set_month(Decoder *decoder, int64_t value)
{
    decoder->month = value;
    return decoder_note(decoder, HAS_MONTH);
}

static Outcome set_day(Decoder *decoder, int64_t value)
{
    decoder->day = value;
    return decoder_note(decoder, HAS_DAY);
}

/* With month and year known from "DD-MON-YYYY" read as a year first: the guess is put right. */
static Outcome after_year_and_month(Decoder *decoder, int64_t value, size_t length, bool text_month)
{
    if (text_month && length >= 3 && decoder->two_digit_year) {
        int64_t day = decoder->year;
        decoder->year = value;
        decoder->two_digit_year = false;
        return set_day(decoder, day);
    }
    return set_day(decoder, value);
}

/* A number by its place: what is known already decides what it is. */
static Outcome decode_number(Decoder *decoder, const char *text, bool text_month)
{
    size_t length = strlen(text);
    size_t digits = strspn(text, "0123456789");
    int64_t value = digits_value(text, digits);
    unsigned date = decoder->mask & HAS_DATE;

    if (digits == 0) {
        return MALFORMED;
    }
    if (text[digits] == '.') {
        if (digits > 2) {
            return decode_run_together(decoder, text, decoder->mask | HAS_DATE);
        }
        int microsecond; /* a fraction of a day's or month's number says nothing */
        if (!mr_fraction_parse(text + digits, &microsecond)) {
            return MALFORMED;
        }
    } else if (text[digits] != '\0') {
        return MALFORMED;
    }
    if (length == 3 && date == HAS_YEAR && value >= 1 && value <= 366) {
        decoder->year_day = value;
        return decoder_note(decoder, HAS_MONTH | HAS_DAY);
    }
    switch (date) {
    case 0:
        return length >= 3 ? set_year(decoder, value, length) : set_month(decoder, value);
    case HAS_YEAR:
        return set_month(decoder, value);
    case HAS_MONTH:
        return text_month && length >= 3 ? set_year(decoder, value, length)
                                         : set_day(decoder, value);
    case HAS_YEAR | HAS_MONTH:
        return after_year_and_month(decoder, value, length, text_month);
    case HAS_DAY:
        return set_month(decoder, value);
    case HAS_MONTH | HAS_DAY:
        return set_year(decoder, value, length);
    case HAS_DATE:
        return decode_run_together(decoder, text, decoder->mask);
    default:
        return MALFORMED;
    }
}

/* The parts of 2024-01-31, 31-jan-2024, 1/31/2024: names first, then the numbers in order. */
static Outcome decode_date(Decoder *decoder, char *text)
{
    char *parts[MR_DATETIME_FIELDS_MAX];
    int count = 0;
    bool text_month = false;

    while (*text != '\0' && count < MR_DATETIME_FIELDS_MAX) {
        while (*text != '\0' && !is_digit(*text) && !(*text >= 'a' && *text <= 'z')) {
            text++;
        }
        if (*text == '\0') {
            return MALFORMED;
        }
        parts[count++] = text;
        bool number = is_digit(*text);
        while (number ? is_digit(*text) : *text >= 'a' && *text <= 'z') {
            text++;
        }
        if (*text != '\0') {
            *text++ = '\0';
        }
    }
    for (int i = 0; i < count; i++) {
        if (!is_digit(parts[i][0])) {
            int value;
            MrWordKind kind = mr_datetime_word(parts[i], &value);
            if (kind == MR_WORD_IGNORED) {
                parts[i] = NULL;
                continue;
            }
            if (kind != MR_WORD_MONTH || set_month(decoder, value) != GOOD) {
                return MALFORMED;
            }
            text_month = true;
            parts[i] = NULL;
        }
    }
    for (int i = 0; i < count; i++) {
        if (parts[i] == NULL) {
            continue;
        }
        unsigned before = decoder->mask;
        Outcome outcome = decode_number(decoder, parts[i], text_month);
        if (outcome != GOOD) {
            return outcome;
        }
        if ((decoder->mask & ~before & ~HAS_DATE) != 0) {
            return MALFORMED;
        }
    }
    /* Only a zone may stand before a date of this form. */
    return (decoder->mask & ~(unsigned)HAS_ZONE) == HAS_DATE ? GOOD : MALFORMED;
}

/* +hh, +hhmm, +hh:mm, +hh:mm:ss, up to 15:59:59. */
static Outcome decode_offset(Decoder *decoder, const char *text)
{
    bool west = text[0] == '-';
    size_t digits = strspn(text + 1, "0123456789");
    const char *next = text + 1 + digits;
    int64_t hour = digits_value(text + 1, digits);
    int64_t minute = 0;
    int64_t second = 0;

    if (digits == 0) {
        return MALFORMED;
    }
    if (*next == ':') {
        digits = strspn(next + 1, "0123456789");
        minute = digits_value(next + 1, digits);
        next += 1 + digits;
        if (*next == ':') {
            digits = strspn(next + 1, "0123456789");
            second = digits_value(next + 1, digits);
            next += 1 + digits;
        }
    } else if (*next == '\0' && strlen(text) > 3) {
        minute = hour % 100;
        hour /= 100;
    }
    if (hour > 15 || minute > 59 || second > 59) {
        return ZONE_OUT_OF_RANGE;
    }
    if (*next != '\0') {
        return MALFORMED;
    }
    int32_t offset = (int32_t)(hour * 3600 + minute * 60 + second);
    decoder->zone_offset = west ? -offset : offset;
    decoder->zone = NULL;
    return decoder_note(decoder, HAS_ZONE);
}

static Outcome decode_zone_name(Decoder *decoder, const char *text, Outcome if_unknown)
{
    decoder->zone_text = text;
    if (mr_timezone_find_operand(mr_string(text), &decoder->zone, NULL) != MR_OK) {
        return if_unknown;
    }
    return decoder_note(decoder, HAS_ZONE);
}

/* A date, or where there is one already: a zone's name, or hhmmss-zz. */
static Outcome decode_date_field(Decoder *decoder, char *text)
{
    if ((decoder->mask & (HAS_MONTH | HAS_DAY)) != (HAS_MONTH | HAS_DAY)) {
        return decode_date(decoder, text);
    }
    if (!is_digit(text[0])) {
        return decode_zone_name(decoder, text, ZONE_UNKNOWN);
    }
    char *sign = strchr(text, '-');
    if ((decoder->mask & HAS_TIME) != 0 || sign == NULL) {
        return MALFORMED;
    }
    Outcome outcome = decode_offset(decoder, sign);
    *sign = '\0';
    return outcome != GOOD ? outcome : decode_run_together(decoder, text, decoder->mask);
}

static Outcome decode_number_field(Decoder *decoder, char *text, bool time_wanted)
{
    size_t digits = strspn(text, "0123456789");
    bool fraction = text[digits] == '.';

    if (time_wanted) {
        return decode_run_together(decoder, text, decoder->mask | HAS_DATE);
    }
    if (fraction && (decoder->mask & HAS_DATE) == 0) {
        return decode_date(decoder, text);
    }
    if (fraction && digits > 2) {
        return decode_run_together(decoder, text, decoder->mask);
    }
    if (strlen(text) >= 6 &&
        ((decoder->mask & HAS_DATE) == 0 || (decoder->mask & HAS_TIME) == 0)) {
        return decode_run_together(decoder, text, decoder->mask);
    }
    return decode_number(decoder, text, decoder->loose_month);
}

/* A second word that names a month: the number that was taken for the month was the day. */
static Outcome decode_month_word(Decoder *decoder, int month)
{
    bool number_was_day = (decoder->mask & (HAS_MONTH | HAS_DAY)) == HAS_MONTH &&
                          !decoder->loose_month && decoder->month >= 1 && decoder->month <= 31;
    decoder->loose_month = true;
    if (number_was_day) {
        decoder->day = decoder->month;
        decoder->month = month;
        return decoder_note(decoder, HAS_DAY);
    }
    return set_month(decoder, month);
}

/* `next`: the field behind, to see whether a time follows the T.  *time_next: it has to be one. */
static Outcome decode_word(Decoder *decoder, const char *text, const MrDateField *next,
                           bool *time_next)
{
    int value;
    switch (mr_datetime_word(text, &value)) {
    case MR_WORD_IGNORED:
        return GOOD;
    case MR_WORD_EPOCH:
    case MR_WORD_INFINITY:
    case MR_WORD_MINUS_INFINITY:
        decoder->special = mr_datetime_word(text, &value);
        return decoder_note(decoder, HAS_SPECIAL | HAS_DATE | HAS_TIME);
    case MR_WORD_MIDNIGHT:
        decoder->zone = NULL;
        decoder->zone_offset = 0;
        return set_time(decoder, (MrClockTime){ 0 });
    case MR_WORD_CLOCK:
        return NEEDS_CLOCK;
    case MR_WORD_MONTH:
        return decode_month_word(decoder, value);
    case MR_WORD_WEEKDAY:
        return decoder_note(decoder, HAS_WEEKDAY); /* PostgreSQL does not compare it either */
    case MR_WORD_HALF_DAY:
        decoder->half_day = value;
        return decoder_note(decoder, HAS_HALF_DAY);
    case MR_WORD_ERA:
        decoder->before_christ = value == 1;
        return decoder_note(decoder, HAS_ERA);
    case MR_WORD_TIME:
        if ((decoder->mask & HAS_DATE) != HAS_DATE || next == NULL ||
            (next->kind != MR_FIELD_NUMBER && next->kind != MR_FIELD_TIME &&
             next->kind != MR_FIELD_DATE)) {
            return MALFORMED;
        }
        *time_next = true;
        return GOOD;
    case MR_WORD_UNIT:
        return MALFORMED;
    default:
        return decode_zone_name(decoder, text, MALFORMED);
    }
}

static Outcome decode_fields(Decoder *decoder, MrDateFields *fields, bool is_time)
{
    bool time_next = false;

    for (int i = 0; i < fields->count; i++) {
        MrDateField *field = &fields->fields[i];
        const MrDateField *next = i + 1 < fields->count ? field + 1 : NULL;
        bool time_wanted = time_next || (is_time && (decoder->mask & (HAS_DATE | HAS_TIME)) == 0);
        MrClockTime clock;
        bool overflow = false;
        Outcome outcome = GOOD;

        time_next = false;
        switch (field->kind) {
        case MR_FIELD_DATE:
            outcome = decode_date_field(decoder, field->text);
            break;
        case MR_FIELD_TIME:
            outcome = mr_clock_time_parse(field->text, &clock, &overflow) ? set_time(decoder, clock)
                      : overflow                                        ? OUT_OF_RANGE
                                                                        : MALFORMED;
            break;
        case MR_FIELD_ZONE:
            outcome = decode_offset(decoder, field->text);
            break;
        case MR_FIELD_NUMBER:
            outcome = decode_number_field(decoder, field->text, time_wanted);
            break;
        case MR_FIELD_WORD:
        case MR_FIELD_SPECIAL:
            if (is_time && strcmp(field->text, "t") == 0 && next != NULL) {
                time_next = true;
                break;
            }
            outcome = decode_word(decoder, field->text, next, &time_next);
            break;
        }
        if (outcome != GOOD) {
            return outcome;
        }
    }
    return GOOD;
}

static Outcome fix_year(Decoder *decoder)
{
    if (decoder->before_christ) {
        if (decoder->year <= 0) {
            return OUT_OF_RANGE;
        }
        decoder->year = 1 - decoder->year;
    } else if (decoder->two_digit_year) {
        decoder->year += decoder->year < 70 ? 2000 : decoder->year < 100 ? 1900 : 0;
    } else if (decoder->year <= 0) {
        return OUT_OF_RANGE;
    }
    return GOOD;
}

static int days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

#define DATE_YEAR_MAX 5874897
#define FIRST_DAY INT64_C(-2440588) /* 4714-11-24 BC, day 0 of Julian days */

static Outcome check_date(Decoder *decoder)
{
    Outcome outcome = fix_year(decoder);
    if (outcome != GOOD) {
        return outcome;
    }
    if (decoder->year > 2 * DATE_YEAR_MAX || decoder->year < -4713) {
        decoder->year = decoder->year > 0 ? 2 * DATE_YEAR_MAX : -4714; /* the type's error follows */
    }
    if (decoder->year_day > 0) {
        int64_t day = decoder->year_day;
        int64_t month = 1;
        while (month < 12 && day > days_in_month(decoder->year, month)) {
            day -= days_in_month(decoder->year, month++);
        }
        if (day > 31) { /* day 366 of a year without a leap day */
            decoder->year++;
            month = 1;
            day = 1;
        }
        decoder->month = month;
        decoder->day = day;
    }
    if (decoder->month < 1 || decoder->month > 12 || decoder->day < 1 || decoder->day > 31) {
        return MONTH_OR_DAY_OUT_OF_RANGE;
    }
    return decoder->day > days_in_month(decoder->year, decoder->month) ? OUT_OF_RANGE : GOOD;
}

static Outcome check_time(Decoder *decoder)
{
    MrClockTime *clock = &decoder->clock;

    if ((decoder->mask & HAS_HALF_DAY) != 0) {
        if (clock->hour > 12) {
            return OUT_OF_RANGE;
        }
        if (decoder->half_day == 0 && clock->hour == 12) {
            clock->hour = 0;
        } else if (decoder->half_day == 1 && clock->hour != 12) {
            clock->hour += 12;
        }
    }
    return clock_is_valid(clock) ? GOOD : OUT_OF_RANGE;
}

#define SHOWN(text) (int)((text).length < 400 ? (text).length : 400), (text).data

static MrStatus outcome_error(Outcome outcome, const Decoder *decoder, MrString text,
                              const char *type_name, MrError *err)
{
    switch (outcome) {
    case OUT_OF_RANGE:
    case MONTH_OR_DAY_OUT_OF_RANGE:
        mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date/time field value out of range: \"%.*s\"",
                     SHOWN(text));
        if (outcome == MONTH_OR_DAY_OUT_OF_RANGE) {
            mr_error_hint(err, "Perhaps you need a different \"datestyle\" setting.");
        }
        return MR_ERR_DATETIME_OVERFLOW;
    case ZONE_OUT_OF_RANGE:
        return mr_error_set(err, MR_ERR_INVALID_TIME_ZONE,
                            "time zone displacement out of range: \"%.*s\"", SHOWN(text));
    case ZONE_UNKNOWN:
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "time zone \"%.100s\" not recognized",
                            decoder->zone_text);
    case NEEDS_CLOCK:
        mr_error_set(err, MR_ERR_UNSUPPORTED, "\"%.*s\" is not supported as text for type %s",
                     SHOWN(text), type_name);
        mr_error_hint(err, "Use now() or CURRENT_DATE.");
        return MR_ERR_UNSUPPORTED;
    default:
        return mr_error_set(err, MR_ERR_INVALID_DATETIME,
                            "invalid input syntax for type %s: \"%.*s\"", type_name, SHOWN(text));
    }
}

static Outcome decode(MrString text, bool is_time, Decoder *decoder, MrDateFields *fields)
{
    *decoder = (Decoder){ 0 };
    if (!mr_datetime_scan(text, fields) || fields->count == 0) {
        return MALFORMED;
    }
    Outcome outcome = decode_fields(decoder, fields, is_time);
    if (outcome != GOOD || (decoder->mask & HAS_SPECIAL) != 0) {
        return outcome;
    }
    unsigned date = decoder->mask & HAS_DATE;
    if (date == HAS_DATE) {
        outcome = check_date(decoder);
    }
    if (outcome == GOOD) {
        outcome = check_time(decoder);
    }
    if (outcome != GOOD) {
        return outcome;
    }
    if (is_time) {
        return (decoder->mask & HAS_TIME) != 0 && (date == 0 || date == HAS_DATE) ? GOOD : MALFORMED;
    }
    return date == HAS_DATE ? GOOD : MALFORMED;
}

MrStatus mr_date_parse(MrString text, int32_t *out, MrError *err)
{
    Decoder decoder;
    MrDateFields fields;
    Outcome outcome = decode(text, false, &decoder, &fields);

    if (outcome != GOOD) {
        return outcome_error(outcome, &decoder, text, "date", err);
    }
    if ((decoder.mask & HAS_SPECIAL) != 0) {
        *out = decoder.special == MR_WORD_EPOCH      ? 0
               : decoder.special == MR_WORD_INFINITY ? INT32_MAX
                                                     : INT32_MIN;
        return MR_OK;
    }
    if (decoder.year > DATE_YEAR_MAX ||
        mr_days_from_civil((int32_t)decoder.year, (int32_t)decoder.month, (int32_t)decoder.day) <
            FIRST_DAY) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date out of range: \"%.*s\"",
                            SHOWN(text));
    }
    *out = mr_days_from_civil((int32_t)decoder.year, (int32_t)decoder.month, (int32_t)decoder.day);
    return MR_OK;
}

MrStatus mr_time_parse(MrString text, int64_t *out, MrError *err)
{
    Decoder decoder;
    MrDateFields fields;
    Outcome outcome = decode(text, true, &decoder, &fields);

    if (outcome == GOOD && (decoder.mask & HAS_SPECIAL) != 0) {
        outcome = MALFORMED;
    }
    if (outcome != GOOD) {
        return outcome_error(outcome, &decoder, text, "time", err);
    }
    *out = clock_us(&decoder.clock);
    return MR_OK;
}

static MrStatus timestamp_out_of_range(MrString text, MrError *err)
{
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range: \"%.*s\"",
                        SHOWN(text));
}

/* To local microseconds; `decoder` has the zone, if the text gave one. */
static MrStatus parse_moment(MrString text, const char *type_name, Decoder *decoder, int64_t *out,
                             MrError *err)
{
    MrDateFields fields;
    Outcome outcome = decode(text, false, decoder, &fields);

    if (outcome != GOOD) {
        return outcome_error(outcome, decoder, text, type_name, err);
    }
    if ((decoder->mask & HAS_SPECIAL) != 0) {
        *out = decoder->special == MR_WORD_EPOCH      ? 0
               : decoder->special == MR_WORD_INFINITY ? INT64_MAX
                                                      : INT64_MIN;
        return MR_OK;
    }
    int64_t days = mr_days_from_civil((int32_t)decoder->year, (int32_t)decoder->month,
                                      (int32_t)decoder->day);
    __int128 us = (__int128)days * MR_US_PER_DAY + clock_us(&decoder->clock);
    if (days < FIRST_DAY || us >= INT64_MAX) {
        return timestamp_out_of_range(text, err);
    }
    *out = (int64_t)us;
    return MR_OK;
}

MrStatus mr_timestamp_parse(MrString text, int64_t *out, MrError *err)
{
    Decoder decoder;
    if (mr_timestamp_parse_fast(text.data, text.length, out)) {
        return MR_OK;
    }
    return parse_moment(text, "timestamp", &decoder, out, err);
}

MrStatus mr_timestamptz_parse(MrString text, const MrTimezone *zone, int64_t *out, MrError *err)
{
    Decoder decoder;
    int64_t local;

    if (mr_timestamp_parse_fast(text.data, text.length, &local)) {
        bool has_zone = text.data[text.length - 1] == 'Z' || text.data[text.length - 3] == '+';
        *out = has_zone ? local : mr_timezone_local_to_utc(zone, local);
        return MR_OK;
    }
    MR_TRY(parse_moment(text, "timestamp with time zone", &decoder, &local, err));
    if ((decoder.mask & HAS_SPECIAL) != 0) {
        *out = local;
        return MR_OK;
    }
    if ((decoder.mask & HAS_ZONE) != 0 && decoder.zone == NULL) {
        *out = local - decoder.zone_offset * MR_US_PER_SECOND;
    } else {
        *out = mr_timezone_local_to_utc((decoder.mask & HAS_ZONE) != 0 ? decoder.zone : zone, local);
    }
    if (*out < FIRST_DAY * MR_US_PER_DAY || *out == INT64_MAX) {
        return timestamp_out_of_range(text, err);
    }
    return MR_OK;
}
