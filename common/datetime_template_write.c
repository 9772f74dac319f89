/*
 * common/datetime_template_write.c - to_char for moments.
 */
#include <stdio.h>
#include <string.h>

#include "common/datetime_pattern.h"
#include "common/timezone.h"

/* A moment, taken apart once for all fields that many templates have. */
typedef struct Moment {
    MrCivil civil;
    int64_t days; /* since 1970 */
    int weekday;  /* 0 is Sunday */
    int32_t offset;
    const char *abbreviation; /* "" without a zone */
} Moment;

static int64_t iso_year_start(int64_t year)
{
    int64_t fourth = mr_days_from_civil((int32_t)year, 1, 4);
    return fourth - ((fourth + 3) % 7 + 7) % 7;
}

static void moment_init(Moment *moment, int64_t us, const MrTimezone *zone)
{
    int64_t local = zone != NULL ? mr_timezone_utc_to_local(zone, us) : us;
    MrCivil *civil = &moment->civil;

    mr_civil_from_us(local, civil);
    moment->days = mr_days_from_civil(civil->year, civil->month, civil->day);
    moment->weekday = (int)(((moment->days + 4) % 7 + 7) % 7);
    moment->offset = zone != NULL ? mr_timezone_offset_at(zone, us) : 0;
    moment->abbreviation = zone != NULL ? mr_timezone_abbreviation_at(zone, us) : "";
}

/* From 1. */
static int64_t year_day_of(const Moment *moment)
{
    return moment->days - mr_days_from_civil(moment->civil.year, 1, 1) + 1;
}

static int64_t iso_year_of(const Moment *moment)
{
    const int64_t year = moment->civil.year;
    if (moment->days < iso_year_start(year)) {
        return year - 1;
    }
    return moment->days >= iso_year_start(year + 1) ? year + 1 : year;
}

/* Of the ISO year, from 1. */
static int64_t iso_day_of(const Moment *moment)
{
    return moment->days - iso_year_start(iso_year_of(moment)) + 1;
}

static void put_letters(MrBuilder *out, const char *text, MrLetterCase letters)
{
    for (const char *c = text; *c != '\0'; c++) {
        char letter = *c;
        if (letters == MR_CASE_UPPER && letter >= 'a' && letter <= 'z') {
            letter = (char)(letter - ('a' - 'A'));
        } else if (letters == MR_CASE_LOWER && letter >= 'A' && letter <= 'Z') {
            letter = (char)(letter + ('a' - 'A'));
        }
        mr_builder_append_char(out, letter);
    }
}

static void put_name(MrBuilder *out, const MrTemplateNode *node, const char *name, int width)
{
    put_letters(out, name, node->letters);
    for (int length = (int)strlen(name); !node->fill && length < width; length++) {
        mr_builder_append_char(out, ' ');
    }
}

static void put_short_name(MrBuilder *out, const MrTemplateNode *node, const char *name)
{
    char first[4] = { name[0], name[1], name[2], '\0' };
    put_letters(out, first, node->letters);
}

/* 1st, 2nd, 3rd, 4th, 11th, 12th, 13th. */
static void put_ordinal(MrBuilder *out, const MrTemplateNode *node, int64_t value)
{
    static const char *const endings[] = { "TH", "ST", "ND", "RD" };
    int64_t last = (value < 0 ? -value : value) % 100;
    int index = last / 10 == 1 || last % 10 > 3 ? 0 : (int)(last % 10);

    if (node->ordinal) {
        put_letters(out, endings[index], node->ordinal_upper ? MR_CASE_UPPER : MR_CASE_LOWER);
    }
}

/* With zeros in front up to the width (a minus does not count), unless FM. */
static void put_number(MrBuilder *out, const MrTemplateNode *node, int64_t value, int width)
{
    /* Nearly every field is one of these: printf would cost more than all the rest. */
    if (value >= 0 && value <= 99 && width == 2 && !node->fill) {
        mr_builder_append_char(out, (char)('0' + value / 10));
        mr_builder_append_char(out, (char)('0' + value % 10));
        put_ordinal(out, node, value);
        return;
    }
    if (value >= 1000 && value <= 9999 && width <= 4) {
        const char digits[4] = { (char)('0' + value / 1000), (char)('0' + value / 100 % 10),
                                 (char)('0' + value / 10 % 10), (char)('0' + value % 10) };
        mr_builder_append(out, digits, sizeof digits);
        put_ordinal(out, node, value);
        return;
    }
    mr_builder_append_format(out, "%0*lld", node->fill ? 0 : width + (value < 0), (long long)value);
    put_ordinal(out, node, value);
}

static int64_t positive_year(int64_t year)
{
    return year > 0 ? year : 1 - year;
}

static void put_era(MrBuilder *out, const MrTemplateNode *node, const Moment *moment)
{
    bool dots = node->key == MR_PATTERN_A_D;
    bool before = moment->civil.year <= 0;
    put_letters(out, dots ? (before ? "B.C." : "A.D.") : (before ? "BC" : "AD"), node->letters);
}

static void put_half_day(MrBuilder *out, const MrTemplateNode *node, const Moment *moment)
{
    bool dots = node->key == MR_PATTERN_A_M;
    bool after = moment->civil.hour >= 12;
    put_letters(out, dots ? (after ? "P.M." : "A.M.") : (after ? "PM" : "AM"), node->letters);
}

static void put_century(MrBuilder *out, const MrTemplateNode *node, int64_t year)
{
    int64_t century = year > 0 ? (year - 1) / 100 + 1 : year / 100 - 1;
    put_number(out, node, century, century <= 99 && century >= -99 ? 2 : 0);
}

static void put_offset(MrBuilder *out, const MrTemplateNode *node, int32_t offset)
{
    int size = offset < 0 ? -offset : offset;
    mr_builder_append_format(out, "%c%0*d", offset < 0 ? '-' : '+', node->fill ? 0 : 2,
                             size / 3600);
    if (size / 60 % 60 != 0) {
        mr_builder_append_format(out, ":%02d", size / 60 % 60);
    }
}

static void put_fraction(MrBuilder *out, const MrTemplateNode *node, int microsecond, int digits)
{
    for (int i = digits; i < 6; i++) {
        microsecond /= 10;
    }
    mr_builder_append_format(out, "%0*d", digits, microsecond);
    put_ordinal(out, node, microsecond);
}

static void put_year(MrBuilder *out, const MrTemplateNode *node, int64_t year)
{
    switch (node->key) {
    case MR_PATTERN_Y_YYY:
        mr_builder_append_format(out, "%lld,%03lld", (long long)(year / 1000),
                                 (long long)(year % 1000));
        put_ordinal(out, node, year);
        break;
    case MR_PATTERN_YYYY:
    case MR_PATTERN_IYYY: put_number(out, node, year, 4); break;
    case MR_PATTERN_YYY:
    case MR_PATTERN_IYY: put_number(out, node, year % 1000, 3); break;
    case MR_PATTERN_YY:
    case MR_PATTERN_IY: put_number(out, node, year % 100, 2); break;
    default: put_number(out, node, year % 10, 1); break;
    }
}

static void put_field(MrBuilder *out, const MrTemplateNode *node, const Moment *moment)
{
    const MrCivil *civil = &moment->civil;
    int size = moment->offset < 0 ? -moment->offset : moment->offset;

    switch (node->key) {
    case MR_PATTERN_AM:
    case MR_PATTERN_A_M: put_half_day(out, node, moment); break;
    case MR_PATTERN_AD:
    case MR_PATTERN_A_D: put_era(out, node, moment); break;
    case MR_PATTERN_HH12:
        put_number(out, node, civil->hour % 12 == 0 ? 12 : civil->hour % 12, 2);
        break;
    case MR_PATTERN_HH24: put_number(out, node, civil->hour, 2); break;
    case MR_PATTERN_MI: put_number(out, node, civil->minute, 2); break;
    case MR_PATTERN_SS: put_number(out, node, civil->second, 2); break;
    case MR_PATTERN_MS: put_fraction(out, node, civil->microsecond, 3); break;
    case MR_PATTERN_US: put_fraction(out, node, civil->microsecond, 6); break;
    case MR_PATTERN_FF: put_fraction(out, node, civil->microsecond, node->digits); break;
    case MR_PATTERN_SSSS:
        put_number(out, node, civil->hour * 3600 + civil->minute * 60 + civil->second, 0);
        break;
    case MR_PATTERN_TZ: put_letters(out, moment->abbreviation, node->letters); break;
    case MR_PATTERN_TZH:
        mr_builder_append_format(out, "%c%02d", moment->offset < 0 ? '-' : '+', size / 3600);
        break;
    case MR_PATTERN_TZM: mr_builder_append_format(out, "%02d", size / 60 % 60); break;
    case MR_PATTERN_OF: put_offset(out, node, moment->offset); break;
    case MR_PATTERN_MONTH: put_name(out, node, mr_month_names[civil->month - 1], 9); break;
    case MR_PATTERN_MON: put_short_name(out, node, mr_month_names[civil->month - 1]); break;
    case MR_PATTERN_MM: put_number(out, node, civil->month, 2); break;
    case MR_PATTERN_RM: put_name(out, node, mr_roman_months[civil->month - 1], 4); break;
    case MR_PATTERN_DAY: put_name(out, node, mr_day_names[moment->weekday], 9); break;
    case MR_PATTERN_DY: put_short_name(out, node, mr_day_names[moment->weekday]); break;
    case MR_PATTERN_DDD: put_number(out, node, year_day_of(moment), 3); break;
    case MR_PATTERN_IDDD: put_number(out, node, iso_day_of(moment), 3); break;
    case MR_PATTERN_DD: put_number(out, node, civil->day, 2); break;
    case MR_PATTERN_D: put_number(out, node, moment->weekday + 1, 0); break;
    case MR_PATTERN_ID: put_number(out, node, moment->weekday == 0 ? 7 : moment->weekday, 0); break;
    case MR_PATTERN_WW: put_number(out, node, (year_day_of(moment) - 1) / 7 + 1, 2); break;
    case MR_PATTERN_IW: put_number(out, node, (iso_day_of(moment) - 1) / 7 + 1, 2); break;
    case MR_PATTERN_W: put_number(out, node, (civil->day - 1) / 7 + 1, 0); break;
    case MR_PATTERN_Q: put_number(out, node, (civil->month - 1) / 3 + 1, 0); break;
    case MR_PATTERN_CC: put_century(out, node, civil->year); break;
    case MR_PATTERN_J: put_number(out, node, moment->days + 2440588, 0); break;
    case MR_PATTERN_Y:
    case MR_PATTERN_YY:
    case MR_PATTERN_YYY:
    case MR_PATTERN_YYYY:
    case MR_PATTERN_Y_YYY: put_year(out, node, positive_year(civil->year)); break;
    case MR_PATTERN_I:
    case MR_PATTERN_IY:
    case MR_PATTERN_IYY:
    case MR_PATTERN_IYYY: put_year(out, node, positive_year(iso_year_of(moment))); break;
    case MR_PATTERN_FX: break;
    }
}

MrStatus mr_timestamp_to_char(const MrDatetimeTemplate *template, int64_t us,
                              const MrTimezone *zone, MrBuilder *out, MrError *err)
{
    Moment moment;

    moment_init(&moment, us, zone);
    for (size_t i = 0; i < template->node_count; i++) {
        const MrTemplateNode *node = &template->nodes[i];
        if (node->kind == MR_NODE_FIELD) {
            put_field(out, node, &moment);
        } else {
            mr_builder_append(out, node->text, node->length);
        }
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static int64_t field_unit_us(MrPatternKey key)
{
    switch (key) {
    case MR_PATTERN_MS:
    case MR_PATTERN_US:
    case MR_PATTERN_FF: return 1;
    case MR_PATTERN_SS:
    case MR_PATTERN_SSSS: return MR_US_PER_SECOND;
    case MR_PATTERN_MI: return 60 * MR_US_PER_SECOND;
    case MR_PATTERN_AM:
    case MR_PATTERN_A_M:
    case MR_PATTERN_HH12:
    case MR_PATTERN_HH24: return 3600 * MR_US_PER_SECOND;
    default: return MR_US_PER_DAY;
    }
}

int64_t mr_datetime_template_unit_us(const MrDatetimeTemplate *template)
{
    int64_t least = MR_US_PER_DAY;
    for (size_t i = 0; i < template->node_count; i++) {
        const MrTemplateNode *node = &template->nodes[i];
        int64_t unit = node->kind == MR_NODE_FIELD ? field_unit_us(node->key) : least;
        least = unit < least ? unit : least;
    }
    return least;
}

/* ---- Intervals --------------------------------------------------------------------------- */

/* A length of time, taken apart: each part may be negative. */
typedef struct Length {
    int64_t year, month, day, hour, minute, second, microsecond;
    int64_t days; /* all of it, months of 30 days */
} Length;

static void length_init(Length *length, const MrInterval *interval)
{
    const int64_t us = interval->us;
    *length = (Length){ .year = interval->months / 12,
                        .month = interval->months % 12,
                        .day = interval->days,
                        .hour = us / (3600 * MR_US_PER_SECOND),
                        .minute = us / (60 * MR_US_PER_SECOND) % 60,
                        .second = us / MR_US_PER_SECOND % 60,
                        .microsecond = us % MR_US_PER_SECOND };
    length->days = (int64_t)interval->months * 30 + length->day;
}

/* XII stands for no months of a year, I for eleven, as PostgreSQL has it. */
static void put_roman_month(MrBuilder *out, const MrTemplateNode *node, const Length *length)
{
    int64_t from_end = length->month < 0 ? -length->month - 1 : 12 - length->month;
    if (length->month == 0 && length->year == 0) {
        return;
    }
    if (length->month == 0) {
        from_end = length->year >= 0 ? 0 : 11;
    }
    put_name(out, node, mr_roman_months[11 - from_end], 4);
}

static void put_length_century(MrBuilder *out, const MrTemplateNode *node, int64_t year)
{
    const int64_t century = year / 100;
    put_number(out, node, century, century <= 99 && century >= -99 ? 2 : 0);
}

static MrStatus put_length_field(MrBuilder *out, const MrTemplateNode *node, const Length *length,
                                 MrError *err)
{
    const int64_t week = (length->days - 1) / 7 + 1;
    switch (node->key) {
    case MR_PATTERN_AM:
    case MR_PATTERN_A_M: {
        const Moment moment = { .civil = { .hour = (int)(length->hour % 24) } };
        put_half_day(out, node, &moment);
        break;
    }
    case MR_PATTERN_HH12:
        put_number(out, node, length->hour % 12 == 0 ? 12 : length->hour % 12, 2);
        break;
    case MR_PATTERN_HH24: put_number(out, node, length->hour, 2); break;
    case MR_PATTERN_MI: put_number(out, node, length->minute, 2); break;
    case MR_PATTERN_SS: put_number(out, node, length->second, 2); break;
    case MR_PATTERN_MS: put_fraction(out, node, (int)length->microsecond, 3); break;
    case MR_PATTERN_US: put_fraction(out, node, (int)length->microsecond, 6); break;
    case MR_PATTERN_FF: put_fraction(out, node, (int)length->microsecond, node->digits); break;
    case MR_PATTERN_SSSS:
        put_number(out, node, length->hour * 3600 + length->minute * 60 + length->second, 0);
        break;
    case MR_PATTERN_MM: put_number(out, node, length->month, 2); break;
    case MR_PATTERN_RM: put_roman_month(out, node, length); break;
    case MR_PATTERN_DDD: put_number(out, node, length->days, 3 - (length->days < 0)); break;
    case MR_PATTERN_DD: put_number(out, node, length->day, 2 - (length->day < 0)); break;
    case MR_PATTERN_WW: put_number(out, node, week, 2 - (week < 0)); break;
    case MR_PATTERN_W: put_number(out, node, (length->day - 1) / 7 + 1, 0); break;
    case MR_PATTERN_Q:
        if (length->month != 0) {
            put_number(out, node, (length->month - 1) / 3 + 1, 0);
        }
        break;
    case MR_PATTERN_CC: put_length_century(out, node, length->year); break;
    case MR_PATTERN_Y:
    case MR_PATTERN_YY:
    case MR_PATTERN_YYY:
    case MR_PATTERN_YYYY:
    case MR_PATTERN_Y_YYY: put_year(out, node, length->year); break;
    case MR_PATTERN_FX: break;
    default:
        mr_error_set(err, MR_ERR_INVALID_DATETIME,
                     "invalid format specification for an interval value");
        return mr_error_hint(err, "Intervals are not tied to specific calendar dates.");
    }
    return MR_OK;
}

MrStatus mr_interval_to_char(const MrDatetimeTemplate *template, const MrInterval *interval,
                             MrBuilder *out, MrError *err)
{
    Length length;

    length_init(&length, interval);
    for (size_t i = 0; i < template->node_count; i++) {
        const MrTemplateNode *node = &template->nodes[i];
        if (node->kind == MR_NODE_FIELD) {
            MR_TRY(put_length_field(out, node, &length, err));
        } else {
            mr_builder_append(out, node->text, node->length);
        }
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}
