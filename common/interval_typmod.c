/*
 * common/interval_typmod.c - interval fields and precision: INTERVAL DAY TO SECOND(3).
 * What is finer than the last field is cut off, as PostgreSQL does it.
 */
#include "common/datetime.h"

#include <stdio.h>
#include <string.h>

enum {
    MONTH = MR_INTERVAL_BIT_MONTH,
    YEAR = MR_INTERVAL_BIT_YEAR,
    DAY = MR_INTERVAL_BIT_DAY,
    HOUR = MR_INTERVAL_BIT_HOUR,
    MINUTE = MR_INTERVAL_BIT_MINUTE,
    SECOND = MR_INTERVAL_BIT_SECOND
};

static const struct {
    int32_t range;
    const char *words;
} range_words[] = {
    { YEAR, " year" },
    { MONTH, " month" },
    { DAY, " day" },
    { HOUR, " hour" },
    { MINUTE, " minute" },
    { SECOND, " second" },
    { YEAR | MONTH, " year to month" },
    { DAY | HOUR, " day to hour" },
    { DAY | HOUR | MINUTE, " day to minute" },
    { DAY | HOUR | MINUTE | SECOND, " day to second" },
    { HOUR | MINUTE, " hour to minute" },
    { HOUR | MINUTE | SECOND, " hour to second" },
    { MINUTE | SECOND, " minute to second" },
};

/* From the finest: the field that a bare number counts, and where the rest is cut. */
static const struct {
    int32_t bit;
    const char *unit;
    int64_t us; /* of one; 0 for calendar units */
} fields[] = {
    { SECOND, "second", 0 /* fractions stay */ },
    { MINUTE, "minute", 60 * MR_US_PER_SECOND },
    { HOUR, "hour", 3600 * MR_US_PER_SECOND },
    { DAY, "day", 0 },
    { MONTH, "month", 0 },
    { YEAR, "year", 0 },
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static int32_t typmod_range(int32_t typmod)
{
    return typmod < 0 ? MR_INTERVAL_FULL_RANGE : typmod >> 16 & MR_INTERVAL_FULL_RANGE;
}

static int32_t typmod_digits(int32_t typmod)
{
    return typmod < 0 ? MR_INTERVAL_FULL_PRECISION : typmod & MR_INTERVAL_FULL_PRECISION;
}

static size_t finest_field(int32_t range)
{
    size_t finest = 0;
    while (finest + 1 < FIELD_COUNT && (range & fields[finest].bit) == 0) {
        finest++;
    }
    return finest;
}

const char *mr_interval_typmod_text(int32_t typmod, char out[MR_INTERVAL_TYPMOD_TEXT_MAX])
{
    const int32_t range = typmod_range(typmod), digits = typmod_digits(typmod);
    const char *words = "";
    for (size_t i = 0; i < sizeof range_words / sizeof range_words[0]; i++) {
        if (range_words[i].range == range) {
            words = range_words[i].words;
        }
    }
    if (digits == MR_INTERVAL_FULL_PRECISION) {
        snprintf(out, MR_INTERVAL_TYPMOD_TEXT_MAX, "interval%s", words);
    } else {
        snprintf(out, MR_INTERVAL_TYPMOD_TEXT_MAX, "interval%s(%d)", words, digits);
    }
    return out;
}

/* Half away from zero; what would leave the range stays as it is. */
static int64_t round_us(int64_t us, int32_t digits)
{
    static const int64_t steps[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
    int64_t moved;
    if (digits >= 6) {
        return us;
    }
    const int64_t half = us < 0 ? -(steps[digits] / 2) : steps[digits] / 2;
    return __builtin_add_overflow(us, half, &moved) ? us : moved - moved % steps[digits];
}

void mr_interval_apply_typmod(MrInterval *interval, int32_t typmod)
{
    const int32_t range = typmod_range(typmod);
    if (range != MR_INTERVAL_FULL_RANGE) {
        const size_t finest = finest_field(range);
        if (fields[finest].us > 0) {
            interval->us -= interval->us % fields[finest].us;
        }
        if (fields[finest].bit == DAY || fields[finest].bit == MONTH ||
            fields[finest].bit == YEAR) {
            interval->us = 0;
        }
        if (fields[finest].bit == MONTH || fields[finest].bit == YEAR) {
            interval->days = 0;
        }
        if (fields[finest].bit == YEAR) {
            interval->months -= interval->months % 12;
        }
    }
    interval->us = round_us(interval->us, typmod_digits(typmod));
}

/* A number and nothing else: the fields say what it counts. */
static bool is_bare_number(MrString text)
{
    size_t i = 0, end = text.length, digits = 0;
    while (i < end && text.data[i] == ' ') {
        i++;
    }
    while (end > i && text.data[end - 1] == ' ') {
        end--;
    }
    i += i < end && (text.data[i] == '-' || text.data[i] == '+');
    for (; i < end; i++) {
        if ((text.data[i] < '0' || text.data[i] > '9') && text.data[i] != '.') {
            return false;
        }
        digits++;
    }
    return digits > 0;
}

static bool has_one_colon(MrString text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += text.data[i] == ':';
    }
    return count == 1;
}

MrStatus mr_interval_parse_typmod(MrString text, int32_t typmod, MrInterval *out, MrError *err)
{
    enum { SPELT_MAX = 100 }; /* a longer text is neither of the short forms */
    char spelt[SPELT_MAX + 16];
    const int32_t range = typmod_range(typmod);
    if (range != MR_INTERVAL_FULL_RANGE && text.length < SPELT_MAX) {
        const char *before = "", *unit = "";
        if (is_bare_number(text)) {
            unit = fields[finest_field(range)].unit;
        } else if (range == (MINUTE | SECOND) && has_one_colon(text)) {
            before = "0:"; /* '1:30' MINUTE TO SECOND has no hours */
        }
        const int length =
            snprintf(spelt, sizeof spelt, "%s%.*s %s", before, (int)text.length, text.data, unit);
        if (before[0] != '\0' || unit[0] != '\0') {
            text = (MrString){ spelt, (size_t)length };
        }
    }
    MR_TRY(mr_interval_parse(text, out, err));
    mr_interval_apply_typmod(out, typmod);
    return MR_OK;
}
