/*
 * common/datetime_decode.c - what the fields of a moment's text mean.
 * Follows PostgreSQL's DecodeDateTime: fields in nearly any order, each of which says by its form
 * or its place what it is.
 */
#include "common/datetime_decode.h"

#include <string.h>

#include "common/timezone.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A field may come once. */
static MrDecodeOutcome decoder_note(MrDateDecoder *decoder, unsigned bits)
{
    if ((decoder->mask & bits) != 0) {
        return MR_DECODED_MALFORMED;
    }
    decoder->mask |= bits;
    return MR_DECODED;
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

static bool clock_is_valid(const MrClockTime *clock)
{
    return clock->hour <= 24 && clock->minute <= 59 && clock->second <= 60 &&
           mr_clock_time_us(clock) <= MR_US_PER_DAY;
}

static MrDecodeOutcome set_time(MrDateDecoder *decoder, MrClockTime clock)
{
    decoder->clock = clock;
    return clock_is_valid(&clock) ? decoder_note(decoder, MR_HAS_TIME) : MR_DECODED_OUT_OF_RANGE;
}

/* 20240131, 240131, 123456, 1234, 123456.789: dates and times run together. */
static MrDecodeOutcome decode_run_together(MrDateDecoder *decoder, const char *text, unsigned mask)
{
    size_t length = strspn(text, "0123456789");
    MrClockTime clock = { 0 };
    bool fraction = text[length] == '.';

    if (text[length] != '\0' && !mr_fraction_parse(text + length, &clock.microsecond)) {
        return MR_DECODED_MALFORMED;
    }
    if (!fraction && (mask & MR_HAS_DATE) != MR_HAS_DATE && length >= 6) {
        decoder->day = digits_value(text + length - 2, 2);
        decoder->month = digits_value(text + length - 4, 2);
        decoder->year = digits_value(text, length - 4);
        decoder->two_digit_year = length == 6;
        return decoder_note(decoder, MR_HAS_DATE);
    }
    if ((mask & MR_HAS_TIME) == 0 && (length == 6 || length == 4)) {
        clock.hour = digits_value(text, 2);
        clock.minute = (int)digits_value(text + 2, 2);
        clock.second = length == 6 ? (int)digits_value(text + 4, 2) : 0;
        return set_time(decoder, clock);
    }
    return MR_DECODED_MALFORMED;
}

static MrDecodeOutcome set_year(MrDateDecoder *decoder, int64_t value, size_t length)
{
    decoder->year = value;
    decoder->two_digit_year = length <= 2;
    return decoder_note(decoder, MR_HAS_YEAR);
}

static MrDecodeOutcome set_month(MrDateDecoder *decoder, int64_t value)
{
    decoder->month = value;
    return decoder_note(decoder, MR_HAS_MONTH);
}

static MrDecodeOutcome set_day(MrDateDecoder *decoder, int64_t value)
{
    decoder->day = value;
    return decoder_note(decoder, MR_HAS_DAY);
}

/* With month and year known from "DD-MON-YYYY" read as a year first: the guess is put right. */
static MrDecodeOutcome after_year_and_month(MrDateDecoder *decoder, int64_t value, size_t length,
                                            bool text_month)
{
    if (text_month && length >= 3 && decoder->two_digit_year) {
        int64_t day = decoder->year;
        decoder->year = value;
        decoder->two_digit_year = false;
        return set_day(decoder, day);
    }
    return set_day(decoder, value);
}

static bool is_year_first(const MrDateDecoder *decoder, size_t length)
{
    return length >= 3 || decoder->order == MR_DATE_YMD;
}

/* The first of 1/2/2024: what it is, DateStyle says. */
static MrDecodeOutcome first_number(MrDateDecoder *decoder, int64_t value, size_t length)
{
    if (is_year_first(decoder, length)) {
        return set_year(decoder, value, length);
    }
    return decoder->order == MR_DATE_DMY ? set_day(decoder, value) : set_month(decoder, value);
}

/* A number by its place: what is known already decides what it is. */
static MrDecodeOutcome decode_number(MrDateDecoder *decoder, const char *text, bool text_month)
{
    size_t length = strlen(text);
    size_t digits = strspn(text, "0123456789");
    int64_t value = digits_value(text, digits);
    unsigned date = decoder->mask & MR_HAS_DATE;

    if (digits == 0) {
        return MR_DECODED_MALFORMED;
    }
    if (text[digits] == '.') {
        if (digits > 2) {
            return decode_run_together(decoder, text, decoder->mask | MR_HAS_DATE);
        }
        int microsecond; /* a fraction of a day's or month's number says nothing */
        if (!mr_fraction_parse(text + digits, &microsecond)) {
            return MR_DECODED_MALFORMED;
        }
    } else if (text[digits] != '\0') {
        return MR_DECODED_MALFORMED;
    }
    if (length == 3 && date == MR_HAS_YEAR && value >= 1 && value <= 366) {
        decoder->year_day = value;
        return decoder_note(decoder, MR_HAS_MONTH | MR_HAS_DAY);
    }
    switch (date) {
    case 0: return first_number(decoder, value, length);
    case MR_HAS_YEAR: return set_month(decoder, value);
    case MR_HAS_MONTH:
        return text_month && is_year_first(decoder, length) ? set_year(decoder, value, length)
                                                            : set_day(decoder, value);
    case MR_HAS_YEAR | MR_HAS_MONTH:
        return after_year_and_month(decoder, value, length, text_month);
    case MR_HAS_DAY: return set_month(decoder, value);
    case MR_HAS_MONTH | MR_HAS_DAY: return set_year(decoder, value, length);
    case MR_HAS_DATE: return decode_run_together(decoder, text, decoder->mask);
    default: return MR_DECODED_MALFORMED;
    }
}

/* The parts of 2024-01-31, 31-jan-2024, 1/31/2024: names first, then the numbers in order. */
static MrDecodeOutcome decode_date(MrDateDecoder *decoder, char *text)
{
    char *parts[MR_DATETIME_FIELDS_MAX];
    int count = 0;
    bool text_month = false;

    while (*text != '\0' && count < MR_DATETIME_FIELDS_MAX) {
        while (*text != '\0' && !is_digit(*text) && !(*text >= 'a' && *text <= 'z')) {
            text++;
        }
        if (*text == '\0') {
            return MR_DECODED_MALFORMED;
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
            if (kind != MR_WORD_MONTH || set_month(decoder, value) != MR_DECODED) {
                return MR_DECODED_MALFORMED;
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
        MrDecodeOutcome outcome = decode_number(decoder, parts[i], text_month);
        if (outcome != MR_DECODED) {
            return outcome;
        }
        if ((decoder->mask & ~before & ~MR_HAS_DATE) != 0) {
            return MR_DECODED_MALFORMED;
        }
    }
    /* Only a zone may stand before a date of this form. */
    return (decoder->mask & ~(unsigned)MR_HAS_ZONE) == MR_HAS_DATE ? MR_DECODED
                                                                   : MR_DECODED_MALFORMED;
}

/* +hh, +hhmm, +hh:mm, +hh:mm:ss, up to 15:59:59. */
static MrDecodeOutcome decode_offset(MrDateDecoder *decoder, const char *text)
{
    bool west = text[0] == '-';
    size_t digits = strspn(text + 1, "0123456789");
    const char *next = text + 1 + digits;
    int64_t hour = digits_value(text + 1, digits);
    int64_t minute = 0;
    int64_t second = 0;

    if (digits == 0) {
        return MR_DECODED_MALFORMED;
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
        return MR_DECODED_ZONE_OUT_OF_RANGE;
    }
    if (*next != '\0') {
        return MR_DECODED_MALFORMED;
    }
    int32_t offset = (int32_t)(hour * 3600 + minute * 60 + second);
    decoder->zone_offset = west ? -offset : offset;
    decoder->zone = NULL;
    return decoder_note(decoder, MR_HAS_ZONE);
}

static MrDecodeOutcome decode_zone_name(MrDateDecoder *decoder, const char *text,
                                        MrDecodeOutcome if_unknown)
{
    decoder->zone_text = text;
    if (mr_timezone_find_operand(mr_string(text), &decoder->zone, NULL) != MR_OK) {
        return if_unknown;
    }
    return decoder_note(decoder, MR_HAS_ZONE);
}

/* A date, or where there is one already: a zone's name, or hhmmss-zz. */
static MrDecodeOutcome decode_date_field(MrDateDecoder *decoder, char *text)
{
    if ((decoder->mask & (MR_HAS_MONTH | MR_HAS_DAY)) != (MR_HAS_MONTH | MR_HAS_DAY)) {
        return decode_date(decoder, text);
    }
    if (!is_digit(text[0])) {
        return decode_zone_name(decoder, text, MR_DECODED_ZONE_UNKNOWN);
    }
    char *sign = strchr(text, '-');
    if ((decoder->mask & MR_HAS_TIME) != 0 || sign == NULL) {
        return MR_DECODED_MALFORMED;
    }
    MrDecodeOutcome outcome = decode_offset(decoder, sign);
    *sign = '\0';
    return outcome != MR_DECODED ? outcome : decode_run_together(decoder, text, decoder->mask);
}

static MrDecodeOutcome decode_number_field(MrDateDecoder *decoder, char *text, bool time_wanted)
{
    size_t digits = strspn(text, "0123456789");
    bool fraction = text[digits] == '.';

    if (time_wanted) {
        return decode_run_together(decoder, text, decoder->mask | MR_HAS_DATE);
    }
    if (fraction && (decoder->mask & MR_HAS_DATE) == 0) {
        return decode_date(decoder, text);
    }
    if (fraction && digits > 2) {
        return decode_run_together(decoder, text, decoder->mask);
    }
    if (strlen(text) >= 6 &&
        ((decoder->mask & MR_HAS_DATE) == 0 || (decoder->mask & MR_HAS_TIME) == 0)) {
        return decode_run_together(decoder, text, decoder->mask);
    }
    return decode_number(decoder, text, decoder->loose_month);
}

/* A second word that names a month: the number that was taken for the month was the day. */
static MrDecodeOutcome decode_month_word(MrDateDecoder *decoder, int month)
{
    bool number_was_day = (decoder->mask & (MR_HAS_MONTH | MR_HAS_DAY)) == MR_HAS_MONTH &&
                          !decoder->loose_month && decoder->month >= 1 && decoder->month <= 31;
    decoder->loose_month = true;
    if (number_was_day) {
        decoder->day = decoder->month;
        decoder->month = month;
        return decoder_note(decoder, MR_HAS_DAY);
    }
    return set_month(decoder, month);
}

/* `next`: the field behind, to see whether a time follows the T.  *time_next: it has to be one. */
static MrDecodeOutcome decode_word(MrDateDecoder *decoder, const char *text,
                                   const MrDateField *next, bool *time_next)
{
    int value;
    switch (mr_datetime_word(text, &value)) {
    case MR_WORD_IGNORED: return MR_DECODED;
    case MR_WORD_EPOCH:
    case MR_WORD_INFINITY:
    case MR_WORD_MINUS_INFINITY:
        decoder->special = mr_datetime_word(text, &value);
        return decoder_note(decoder, MR_HAS_SPECIAL | MR_HAS_DATE | MR_HAS_TIME);
    case MR_WORD_MIDNIGHT:
        decoder->zone = NULL;
        decoder->zone_offset = 0;
        decoder->mask |= MR_HAS_ZONE;
        return set_time(decoder, (MrClockTime){ 0 });
    case MR_WORD_CLOCK: return MR_DECODED_NEEDS_CLOCK;
    case MR_WORD_MONTH: return decode_month_word(decoder, value);
    case MR_WORD_WEEKDAY:
        return decoder_note(decoder, MR_HAS_WEEKDAY); /* PostgreSQL does not compare it either */
    case MR_WORD_HALF_DAY: decoder->half_day = value; return decoder_note(decoder, MR_HAS_HALF_DAY);
    case MR_WORD_ERA: decoder->before_christ = value == 1; return decoder_note(decoder, MR_HAS_ERA);
    case MR_WORD_TIME:
        if ((decoder->mask & MR_HAS_DATE) != MR_HAS_DATE || next == NULL ||
            (next->kind != MR_FIELD_NUMBER && next->kind != MR_FIELD_TIME &&
             next->kind != MR_FIELD_DATE)) {
            return MR_DECODED_MALFORMED;
        }
        *time_next = true;
        return MR_DECODED;
    case MR_WORD_UNIT: return MR_DECODED_MALFORMED;
    default: return decode_zone_name(decoder, text, MR_DECODED_MALFORMED);
    }
}

static MrDecodeOutcome decode_fields(MrDateDecoder *decoder, MrDateFields *fields, bool is_time)
{
    bool time_next = false;

    for (int i = 0; i < fields->count; i++) {
        MrDateField *field = &fields->fields[i];
        const MrDateField *next = i + 1 < fields->count ? field + 1 : NULL;
        bool time_wanted =
            time_next || (is_time && (decoder->mask & (MR_HAS_DATE | MR_HAS_TIME)) == 0);
        MrClockTime clock;
        bool overflow = false;
        MrDecodeOutcome outcome = MR_DECODED;

        time_next = false;
        switch (field->kind) {
        case MR_FIELD_DATE: outcome = decode_date_field(decoder, field->text); break;
        case MR_FIELD_TIME:
            outcome = mr_clock_time_parse(field->text, &clock, &overflow) ? set_time(decoder, clock)
                      : overflow                                          ? MR_DECODED_OUT_OF_RANGE
                                                                          : MR_DECODED_MALFORMED;
            break;
        case MR_FIELD_ZONE: outcome = decode_offset(decoder, field->text); break;
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
        if (outcome != MR_DECODED) {
            return outcome;
        }
    }
    return MR_DECODED;
}

static MrDecodeOutcome fix_year(MrDateDecoder *decoder)
{
    if (decoder->before_christ) {
        if (decoder->year <= 0) {
            return MR_DECODED_OUT_OF_RANGE;
        }
        decoder->year = 1 - decoder->year;
    } else if (decoder->two_digit_year) {
        decoder->year += decoder->year < 70 ? 2000 : decoder->year < 100 ? 1900 : 0;
    } else if (decoder->year <= 0) {
        return MR_DECODED_OUT_OF_RANGE;
    }
    return MR_DECODED;
}

static int days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static MrDecodeOutcome check_date(MrDateDecoder *decoder)
{
    MrDecodeOutcome outcome = fix_year(decoder);
    if (outcome != MR_DECODED) {
        return outcome;
    }
    if (decoder->year > 2 * MR_DATE_YEAR_MAX || decoder->year < -4713) {
        decoder->year =
            decoder->year > 0 ? 2 * MR_DATE_YEAR_MAX : -4714; /* the type's error follows */
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
        return MR_DECODED_MONTH_OR_DAY_OUT_OF_RANGE;
    }
    return decoder->day > days_in_month(decoder->year, decoder->month) ? MR_DECODED_OUT_OF_RANGE
                                                                       : MR_DECODED;
}

static MrDecodeOutcome check_time(MrDateDecoder *decoder)
{
    MrClockTime *clock = &decoder->clock;

    if ((decoder->mask & MR_HAS_HALF_DAY) != 0) {
        if (clock->hour > 12) {
            return MR_DECODED_OUT_OF_RANGE;
        }
        if (decoder->half_day == 0 && clock->hour == 12) {
            clock->hour = 0;
        } else if (decoder->half_day == 1 && clock->hour != 12) {
            clock->hour += 12;
        }
    }
    return clock_is_valid(clock) ? MR_DECODED : MR_DECODED_OUT_OF_RANGE;
}

MrDecodeOutcome mr_datetime_decode(MrString text, MrDateOrder order, bool is_time,
                                   MrDateDecoder *decoder, MrDateFields *fields)
{
    *decoder = (MrDateDecoder){ .order = order };
    if (!mr_datetime_scan(text, fields) || fields->count == 0) {
        return MR_DECODED_MALFORMED;
    }
    MrDecodeOutcome outcome = decode_fields(decoder, fields, is_time);
    if (outcome != MR_DECODED || (decoder->mask & MR_HAS_SPECIAL) != 0) {
        return outcome;
    }
    unsigned date = decoder->mask & MR_HAS_DATE;
    if (date == MR_HAS_DATE) {
        outcome = check_date(decoder);
    }
    if (outcome == MR_DECODED) {
        outcome = check_time(decoder);
    }
    if (outcome != MR_DECODED) {
        return outcome;
    }
    if (is_time) {
        return (decoder->mask & MR_HAS_TIME) != 0 && (date == 0 || date == MR_HAS_DATE)
                   ? MR_DECODED
                   : MR_DECODED_MALFORMED;
    }
    return date == MR_HAS_DATE ? MR_DECODED : MR_DECODED_MALFORMED;
}
