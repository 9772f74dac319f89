/*
 * common/interval_parse.c - text to intervals: '1 day 02:00', '1 mon -3 days', '@ 1 hour ago',
 * '1-2' (years and months) and ISO 8601's P1Y2M3DT4H5M6S.
 * Follows PostgreSQL's DecodeInterval: from the last field to the first, so that a unit is known
 * when its number comes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/datetime.h"
#include "common/datetime_scan.h"

typedef enum Unit {
    UNIT_NONE,
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_AGO,
    UNIT_COUNT
} Unit;

/* Words count up to their tenth character, as in PostgreSQL. */
#define WORD_BYTES_MAX 10

static const struct {
    const char *word;
    Unit unit;
} unit_words[] = {
    { "ago", UNIT_AGO },
    { "c", UNIT_CENTURY },
    { "cent", UNIT_CENTURY },
    { "centuries", UNIT_CENTURY },
    { "century", UNIT_CENTURY },
    { "d", UNIT_DAY },
    { "day", UNIT_DAY },
    { "days", UNIT_DAY },
    { "dec", UNIT_DECADE },
    { "decade", UNIT_DECADE },
    { "decades", UNIT_DECADE },
    { "decs", UNIT_DECADE },
    { "h", UNIT_HOUR },
    { "hour", UNIT_HOUR },
    { "hours", UNIT_HOUR },
    { "hr", UNIT_HOUR },
    { "hrs", UNIT_HOUR },
    { "m", UNIT_MINUTE },
    { "microsecon", UNIT_MICROSECOND },
    { "mil", UNIT_MILLENNIUM },
    { "millennia", UNIT_MILLENNIUM },
    { "millennium", UNIT_MILLENNIUM },
    { "millisecon", UNIT_MILLISECOND },
    { "mils", UNIT_MILLENNIUM },
    { "min", UNIT_MINUTE },
    { "mins", UNIT_MINUTE },
    { "minute", UNIT_MINUTE },
    { "minutes", UNIT_MINUTE },
    { "mon", UNIT_MONTH },
    { "mons", UNIT_MONTH },
    { "month", UNIT_MONTH },
    { "months", UNIT_MONTH },
    { "ms", UNIT_MILLISECOND },
    { "msec", UNIT_MILLISECOND },
    { "msecs", UNIT_MILLISECOND },
    { "mseconds", UNIT_MILLISECOND },
    { "s", UNIT_SECOND },
    { "sec", UNIT_SECOND },
    { "second", UNIT_SECOND },
    { "seconds", UNIT_SECOND },
    { "secs", UNIT_SECOND },
    { "us", UNIT_MICROSECOND },
    { "usec", UNIT_MICROSECOND },
    { "usecond", UNIT_MICROSECOND },
    { "useconds", UNIT_MICROSECOND },
    { "usecs", UNIT_MICROSECOND },
    { "w", UNIT_WEEK },
    { "week", UNIT_WEEK },
    { "weeks", UNIT_WEEK },
    { "y", UNIT_YEAR },
    { "year", UNIT_YEAR },
    { "years", UNIT_YEAR },
    { "yr", UNIT_YEAR },
    { "yrs", UNIT_YEAR },
};

static Unit unit_find(const char *word)
{
    char cut[WORD_BYTES_MAX + 1];
    size_t length = strnlen(word, WORD_BYTES_MAX);

    memcpy(cut, word, length);
    cut[length] = '\0';
    for (size_t i = 0; i < sizeof unit_words / sizeof unit_words[0]; i++) {
        if (strcmp(unit_words[i].word, cut) == 0) {
            return unit_words[i].unit;
        }
    }
    return UNIT_NONE;
}

typedef enum Outcome { GOOD, MALFORMED, OUT_OF_RANGE } Outcome;

/* Sums with room to spare; the interval's own range is checked at the end. */
typedef struct Sum {
    int64_t months, days, us;
} Sum;

static bool add_scaled(int64_t *sum, int64_t value, int64_t scale)
{
    int64_t product;
    return !__builtin_mul_overflow(value, scale, &product) &&
           !__builtin_add_overflow(*sum, product, sum);
}

/* Days and months are counted in 32 bits on the way, too. */
static bool add_narrow(int64_t *sum, int64_t value, int64_t scale)
{
    return add_scaled(sum, value, scale) && *sum >= INT32_MIN && *sum <= INT32_MAX;
}

static bool add_fraction_us(Sum *sum, double fraction, double unit_us)
{
    double exact = fraction * unit_us;
    if (!(fabs(exact) < 9e18)) {
        return false;
    }
    int64_t us = (int64_t)exact; /* rounded half toward zero, as PostgreSQL does it here */
    us += exact - (double)us > 0.5 ? 1 : exact - (double)us < -0.5 ? -1 : 0;
    return !__builtin_add_overflow(sum->us, us, &sum->us);
}

/* Whole days of the fraction first, what is left becomes time. */
static bool add_fraction_days(Sum *sum, double fraction, int scale)
{
    double days = fraction * scale;
    int whole = (int)days;
    return add_narrow(&sum->days, whole, 1) && add_fraction_us(sum, days - whole, 86400e6);
}

static bool add_fraction_months(Sum *sum, double fraction, int scale)
{
    return fraction == 0 || add_narrow(&sum->months, (int64_t)rint(fraction * scale * 12), 1);
}

static Outcome add_value(Sum *sum, Unit unit, int64_t value, double fraction)
{
    bool good;

    switch (unit) {
    case UNIT_MICROSECOND:
        good = add_scaled(&sum->us, value, 1) && add_fraction_us(sum, fraction, 1);
        break;
    case UNIT_MILLISECOND:
        good = add_scaled(&sum->us, value, 1000) && add_fraction_us(sum, fraction, 1e3);
        break;
    case UNIT_SECOND:
        good = add_scaled(&sum->us, value, MR_US_PER_SECOND) && add_fraction_us(sum, fraction, 1e6);
        break;
    case UNIT_MINUTE:
        good = add_scaled(&sum->us, value, 60 * MR_US_PER_SECOND) &&
               add_fraction_us(sum, fraction, 60e6);
        break;
    case UNIT_HOUR:
        good = add_scaled(&sum->us, value, 3600 * MR_US_PER_SECOND) &&
               add_fraction_us(sum, fraction, 3600e6);
        break;
    case UNIT_DAY:
        good = add_narrow(&sum->days, value, 1) && add_fraction_us(sum, fraction, 86400e6);
        break;
    case UNIT_WEEK:
        good = add_narrow(&sum->days, value, 7) && add_fraction_days(sum, fraction, 7);
        break;
    case UNIT_MONTH:
        good = add_narrow(&sum->months, value, 1) && add_fraction_days(sum, fraction, 30);
        break;
    case UNIT_YEAR:
        good = add_scaled(&sum->months, value, 12) && add_fraction_months(sum, fraction, 1);
        break;
    case UNIT_DECADE:
        good = add_scaled(&sum->months, value, 120) && add_fraction_months(sum, fraction, 10);
        break;
    case UNIT_CENTURY:
        good = add_scaled(&sum->months, value, 1200) && add_fraction_months(sum, fraction, 100);
        break;
    case UNIT_MILLENNIUM:
        good = add_scaled(&sum->months, value, 12000) && add_fraction_months(sum, fraction, 1000);
        break;
    default: return MALFORMED;
    }
    return good ? GOOD : OUT_OF_RANGE;
}

/* A number with its fraction, or 'years-months'.  *next is set behind it. */
typedef struct Number {
    int64_t value;
    double fraction;
    bool years_and_months;
} Number;

static Outcome read_integer(const char *text, const char **end, int64_t *out)
{
    const char *next = text;
    bool negative = *next == '-';
    int64_t value = 0;

    next += *next == '-' || *next == '+';
    for (; *next >= '0' && *next <= '9'; next++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *next - '0', &value)) {
            return OUT_OF_RANGE;
        }
    }
    *end = next;
    *out = negative ? -value : value;
    return GOOD;
}

static Outcome read_number(const char *text, Number *out)
{
    const char *next;
    bool negative = text[0] == '-';

    *out = (Number){ 0 };
    Outcome outcome = read_integer(text, &next, &out->value);
    if (outcome != GOOD) {
        return outcome;
    }
    if (*next == '-') {
        int64_t months;
        outcome = read_integer(next + 1, &next, &months);
        if (outcome != GOOD || months < 0 || months >= 12) {
            return OUT_OF_RANGE;
        }
        if (*next != '\0') {
            return MALFORMED;
        }
        out->years_and_months = true;
        if (!add_scaled(&months, out->value < 0 ? -out->value : out->value, 12)) {
            return OUT_OF_RANGE;
        }
        out->value = negative ? -months : months;
        return GOOD;
    }
    if (*next == '.') {
        if (next[1 + strspn(next + 1, "0123456789")] != '\0') {
            return MALFORMED;
        }
        double fraction = next[1] == '\0' ? 0 : strtod(next, NULL);
        out->fraction = negative ? -fraction : fraction;
        return GOOD;
    }
    return *next == '\0' ? GOOD : MALFORMED;
}

/* Bits of the units that were given, each may come once; 1 hour and 02:00 would be the same
 * hour. */
static unsigned unit_bits(Unit unit, bool fraction)
{
    if (unit == UNIT_SECOND && fraction) {
        return 1u << UNIT_SECOND | 1u << UNIT_MILLISECOND | 1u << UNIT_MICROSECOND;
    }
    return 1u << unit;
}

#define TIME_BITS                                                                       \
    (1u << UNIT_HOUR | 1u << UNIT_MINUTE | 1u << UNIT_SECOND | 1u << UNIT_MILLISECOND | \
     1u << UNIT_MICROSECOND)

static Outcome add_clock(Sum *sum, const char *text)
{
    bool negative = text[0] == '-';
    MrClockTime clock;
    bool overflow = false;

    if (!mr_clock_time_parse(text + (text[0] == '-' || text[0] == '+'), &clock, &overflow)) {
        return overflow ? OUT_OF_RANGE : MALFORMED;
    }
    int64_t us = ((int64_t)clock.minute * 60 + clock.second) * MR_US_PER_SECOND + clock.microsecond;
    if (!add_scaled(&us, clock.hour, 3600 * MR_US_PER_SECOND)) {
        return OUT_OF_RANGE;
    }
    sum->us = negative ? -us : us; /* not added: PostgreSQL forgets fractions of units behind it */
    return GOOD;
}

/* *unit: what the field behind this one said. */
static Outcome decode_field(Sum *sum, const MrDateField *field, Unit *unit, unsigned *bits,
                            bool *ago)
{
    Number number;
    Outcome outcome;

    *bits = 0;
    switch (field->kind) {
    case MR_FIELD_WORD:
    case MR_FIELD_SPECIAL:
        *unit = unit_find(field->text);
        *ago = *ago || *unit == UNIT_AGO;
        return *unit == UNIT_NONE ? MALFORMED : GOOD;
    case MR_FIELD_TIME:
        *bits = TIME_BITS;
        *unit = UNIT_DAY;
        return add_clock(sum, field->text);
    case MR_FIELD_ZONE:
        if (strchr(field->text, ':') != NULL) {
            *bits = TIME_BITS;
            *unit = UNIT_DAY;
            return add_clock(sum, field->text);
        }
        break;
    default: break;
    }
    outcome = read_number(field->text, &number);
    if (outcome != GOOD) {
        return outcome;
    }
    if (number.years_and_months) {
        *unit = UNIT_MONTH;
    } else if (*unit == UNIT_NONE) {
        *unit = UNIT_SECOND;
    }
    *bits = unit_bits(*unit, number.fraction != 0);
    outcome = add_value(sum, *unit, number.value, number.fraction);
    if (*unit == UNIT_HOUR) {
        *unit = UNIT_DAY; /* of a bare number before it: '3 4 hours' */
    }
    return outcome;
}

static Outcome decode_postgres(MrString text, Sum *sum)
{
    MrDateFields fields;
    Unit unit = UNIT_NONE;
    unsigned seen = 0;
    bool ago = false;

    if (!mr_datetime_scan(text, &fields)) {
        return MALFORMED;
    }
    for (int i = fields.count - 1; i >= 0; i--) {
        unsigned bits;
        Outcome outcome = decode_field(sum, &fields.fields[i], &unit, &bits, &ago);
        if (outcome != GOOD) {
            return outcome;
        }
        if ((bits & seen) != 0) {
            return MALFORMED;
        }
        seen |= bits;
    }
    if (seen == 0) {
        return MALFORMED;
    }
    if (ago && (!add_scaled(&sum->us, 0, 1) || sum->us == INT64_MIN)) {
        return OUT_OF_RANGE;
    }
    if (ago) {
        *sum = (Sum){ .months = -sum->months, .days = -sum->days, .us = -sum->us };
    }
    return GOOD;
}

/* ---- ISO 8601: P1Y2M3W4DT5H6M7.8S, and the form P0001-02-03T04:05:06 ---- */

static Outcome iso_number(const char **next, const char *end, Number *out)
{
    char buffer[64];
    size_t length = 0;
    const char *c = *next;

    while (c < end && length < sizeof buffer - 1 &&
           ((*c >= '0' && *c <= '9') || *c == '.' || ((*c == '-' || *c == '+') && length == 0))) {
        buffer[length++] = *c++;
    }
    buffer[length] = '\0';
    size_t sign = length > 0 && (buffer[0] == '-' || buffer[0] == '+');
    if (length == sign || (length == sign + 1 && buffer[sign] == '.')) {
        return MALFORMED;
    }
    *next = c;
    return read_number(buffer, out);
}

static Unit iso_unit(char letter, bool date_part)
{
    switch (letter) {
    case 'Y': return date_part ? UNIT_YEAR : UNIT_NONE;
    case 'M': return date_part ? UNIT_MONTH : UNIT_MINUTE;
    case 'W': return date_part ? UNIT_WEEK : UNIT_NONE;
    case 'D': return date_part ? UNIT_DAY : UNIT_NONE;
    case 'H': return date_part ? UNIT_NONE : UNIT_HOUR;
    case 'S': return date_part ? UNIT_NONE : UNIT_SECOND;
    default: return UNIT_NONE;
    }
}

/* The fields of P0001-02-03T04:05:06 after the first number was read. */
static Outcome iso_alternative(Sum *sum, const char *next, const char *end, bool date_part,
                               Number number)
{
    static const Unit date_units[] = { UNIT_YEAR, UNIT_MONTH, UNIT_DAY };
    static const Unit time_units[] = { UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND };

    for (int place = 0;; place++) {
        if (place == 3) {
            return MALFORMED;
        }
        Outcome outcome = add_value(sum, date_part ? date_units[place] : time_units[place],
                                    number.value, number.fraction);
        if (outcome != GOOD || next == end) {
            return outcome;
        }
        if (*next == 'T' && date_part) {
            date_part = false;
            place = -1;
        } else if (*next != (date_part ? '-' : ':')) {
            return MALFORMED;
        }
        next++;
        outcome = iso_number(&next, end, &number);
        if (outcome != GOOD) {
            return outcome;
        }
    }
}

static Outcome decode_iso(MrString text, Sum *sum)
{
    const char *next = text.data;
    const char *end = text.data + text.length;
    bool date_part = true;

    if (text.length < 2 || *next != 'P') {
        return MALFORMED;
    }
    next++;
    while (next < end) {
        Number number;
        if (*next == 'T') {
            if (!date_part) {
                return MALFORMED;
            }
            date_part = false;
            next++;
            continue;
        }
        Outcome outcome = iso_number(&next, end, &number);
        if (outcome != GOOD) {
            return outcome;
        }
        if (next == end || *next == '-' || *next == ':' || *next == 'T') {
            return iso_alternative(sum, next, end, date_part, number);
        }
        Unit unit = iso_unit(*next++, date_part);
        outcome = add_value(sum, unit, number.value, number.fraction);
        if (outcome != GOOD) {
            return outcome;
        }
    }
    return GOOD;
}

#define SHOWN(text) (int)((text).length < 400 ? (text).length : 400), (text).data

MrStatus mr_interval_parse(MrString text, MrInterval *out, MrError *err)
{
    Sum sum = { 0 };
    Outcome outcome = decode_postgres(text, &sum);

    if (outcome == MALFORMED) {
        sum = (Sum){ 0 };
        outcome = decode_iso(text, &sum);
    }
    if (outcome == MALFORMED) {
        return mr_error_set(err, MR_ERR_INVALID_DATETIME,
                            "invalid input syntax for type interval: \"%.*s\"", SHOWN(text));
    }
    if (outcome == OUT_OF_RANGE) {
        return mr_error_set(err, MR_ERR_INTERVAL_OVERFLOW,
                            "interval field value out of range: \"%.*s\"", SHOWN(text));
    }
    if (sum.months > INT32_MAX || sum.months < INT32_MIN || sum.days > INT32_MAX ||
        sum.days < INT32_MIN) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    *out = (MrInterval){
        .us = sum.us,
        .days = (int32_t)sum.days,
        .months = (int32_t)sum.months,
    };
    return MR_OK;
}

/* Whether a minus in front is the only sign that stands before a part. */
static bool only_sign_is_minus(MrString text, size_t *behind)
{
    size_t at = 0;
    while (at < text.length && text.data[at] == ' ') {
        at++;
    }
    if (at + 1 >= text.length || text.data[at] != '-' || text.data[at + 1] == 'P' ||
        text.data[at + 1] == 'p') {
        return false;
    }
    *behind = at + 1;
    for (at = *behind; at < text.length; at++) {
        const char c = text.data[at], before = text.data[at - 1];
        if ((c == '-' || c == '+') && !(before >= '0' && before <= '9')) {
            return false;
        }
    }
    return true;
}

MrStatus mr_interval_parse_as(MrString text, int32_t typmod, MrIntervalStyle style, MrInterval *out,
                              MrError *err)
{
    size_t behind = 0;
    const bool negates = style == MR_INTERVAL_SQL_STANDARD && only_sign_is_minus(text, &behind);
    behind = negates ? behind : 0;
    const MrString parts = { text.data + behind, text.length - behind };
    MR_TRY(typmod < 0 ? mr_interval_parse(parts, out, err)
                      : mr_interval_parse_typmod(parts, typmod, out, err));
    if (negates) {
        *out = mr_interval_negate(out);
    }
    return MR_OK;
}
