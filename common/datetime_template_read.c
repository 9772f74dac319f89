/*
 * common/datetime_template_read.c - to_timestamp and to_date: text by a template.
 * Follows PostgreSQL's DCH_from_char: blanks and punctuation of template and text match loosely
 * unless FX stands first, numbers are read greedily unless a digit field follows.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/datetime_pattern.h"
#include "common/timezone.h"

typedef struct Reader {
    const char *next;
    const char *end;
    bool fixed;  /* FX */
    bool strict; /* separators match one to one */
    int extra;   /* characters that were skipped beyond the template's */
    MrTemplateFields fields;
    MrError *err;
} Reader;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_separator(char c)
{
    return c > 0x20 && c < 0x7F && !is_digit(c) && !is_letter(c);
}

static void skip_blanks(Reader *reader)
{
    while (reader->next < reader->end && is_blank(*reader->next)) {
        reader->next++;
    }
}

static int left(const Reader *reader)
{
    ptrdiff_t count = reader->end - reader->next;
    return count < 100 ? (int)count : 100;
}

static MrStatus invalid_value(Reader *reader, const char *text, int length, const char *name)
{
    return mr_error_set(reader->err, MR_ERR_INVALID_DATETIME, "invalid value \"%.*s\" for \"%s\"",
                        length, text, name);
}

/* A field may be given twice only with the same value. */
static MrStatus set_field(Reader *reader, int *field, int value, const MrTemplateNode *node)
{
    if (*field != 0 && *field != value) {
        mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                     "conflicting values for \"%s\" field in formatting string", node->name);
        mr_error_detail(reader->err,
                        "This value contradicts a previous setting for the same field type.");
        return MR_ERR_INVALID_DATETIME;
    }
    *field = value;
    return MR_OK;
}

/* True when what follows the node in the template cannot start with a digit. */
static bool next_is_separator(const MrDatetimeTemplate *template, size_t index)
{
    if (template->nodes[index].ordinal || index + 1 == template->node_count) {
        return true;
    }
    const MrTemplateNode *next = &template->nodes[index + 1];
    if (next->kind == MR_NODE_FIELD) {
        return !next->reads_digits;
    }
    return !(next->length == 1 && is_digit(next->text[0]));
}

static MrStatus too_short(Reader *reader, const MrTemplateNode *node, int wanted, int count,
                          bool parsed)
{
    if (parsed) {
        invalid_value(reader, reader->next, wanted, node->name);
        mr_error_detail(reader->err, "Field requires %d characters, but only %d could be parsed.",
                        wanted, count);
    } else {
        mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                     "source string too short for \"%s\" formatting field", node->name);
        mr_error_detail(reader->err, "Field requires %d characters, but only %d remain.", wanted,
                        count);
    }
    mr_error_hint(reader->err,
                  "If your source string is not fixed-width, try using the \"FM\" modifier.");
    return MR_ERR_INVALID_DATETIME;
}

/* Reads an integer of `width` characters, or as many digits as there are where the template lets
 * the end be seen.  *count: characters taken, without blanks. */
static MrStatus read_number(Reader *reader, const MrDatetimeTemplate *template, size_t index,
                            int width, int *out, int *count)
{
    const MrTemplateNode *node = &template->nodes[index];
    bool greedy = node->fill || next_is_separator(template, index);

    skip_blanks(reader);
    if (!greedy && reader->end - reader->next < width) {
        return too_short(reader, node, width, (int)(reader->end - reader->next), false);
    }
    const char *limit = greedy ? reader->end : reader->next + width;
    const char *next = reader->next;
    bool negative = next < limit && *next == '-';
    next += next < limit && (*next == '-' || *next == '+');
    const char *digits = next;
    int64_t value = 0;
    for (; next < limit && is_digit(*next); next++) {
        if (value <= INT_MAX) {
            value = value * 10 + (*next - '0');
        }
    }
    if (next == digits) {
        invalid_value(reader, reader->next, width < left(reader) ? width : left(reader),
                      node->name);
        mr_error_detail(reader->err, "Value must be an integer.");
        return MR_ERR_INVALID_DATETIME;
    }
    if (!greedy && next < limit) {
        return too_short(reader, node, width, (int)(next - reader->next), true);
    }
    if (value > INT_MAX) {
        mr_error_set(reader->err, MR_ERR_DATETIME_OVERFLOW,
                     "value for \"%s\" in source string is out of range", node->name);
        mr_error_detail(reader->err, "Value must be in the range %d to %d.", INT_MIN, INT_MAX);
        return MR_ERR_DATETIME_OVERFLOW;
    }
    *count = (int)(next - reader->next);
    *out = (int)(negative ? -value : value);
    reader->next = next;
    return MR_OK;
}

static MrStatus read_into(Reader *reader, const MrDatetimeTemplate *template, size_t index,
                          int width, int *field)
{
    int value;
    int count;
    MR_TRY(read_number(reader, template, index, width, &value, &count));
    MR_TRY(set_field(reader, field, value, &template->nodes[index]));
    if (template->nodes[index].ordinal) { /* the two letters of 1st, whatever they are */
        reader->next += reader->end - reader->next < 2 ? reader->end - reader->next : 2;
    }
    return MR_OK;
}

/* The index of the name that the text starts with.  `length` 0: the whole name, else its start. */
static int find_name(const Reader *reader, const char *const *names, int name_count, size_t length)
{
    for (int i = name_count - 1; i >= 0; i--) { /* VIII before VII before VI */
        size_t size = length != 0 ? length : strlen(names[i]);
        MrString text = { reader->next, size };
        if ((size_t)(reader->end - reader->next) >= size &&
            mr_string_equal_nocase(text, (MrString){ names[i], size })) {
            return i;
        }
    }
    return -1;
}

static MrStatus read_name(Reader *reader, const char *const *names, int name_count, size_t length,
                          const MrTemplateNode *node, int *out)
{
    *out = find_name(reader, names, name_count, length);
    if (*out < 0) {
        int size = 0;
        while (size < left(reader) && !is_blank(reader->next[size])) {
            size++;
        }
        invalid_value(reader, reader->next, size, node->name);
        mr_error_detail(reader->err,
                        "The given value did not match any of the allowed values for this field.");
        return MR_ERR_INVALID_DATETIME;
    }
    reader->next += length != 0 ? length : strlen(names[*out]);
    return MR_OK;
}

/* A number of fewer digits counts tenths, hundredths: 5 is 500 ms, 05 is 50 ms. */
static MrStatus read_fraction(Reader *reader, const MrDatetimeTemplate *template, size_t index,
                              int digits, int places, int *field)
{
    int value;
    int count;
    MR_TRY(read_number(reader, template, index, digits, &value, &count));
    int64_t scaled = value;
    for (; count < places && scaled < INT_MAX / 10; count++) {
        scaled *= 10;
    }
    return set_field(reader, field, (int)scaled, &template->nodes[index]);
}

/* Two digits mean the year nearest to 2020, as in PostgreSQL. */
static int near_2020(int year)
{
    if (year < 0) {
        return year;
    }
    return year < 70     ? year + 2000
           : year < 100  ? year + 1900
           : year < 520  ? year + 2000
           : year < 1000 ? year + 1000
                         : year;
}

static MrStatus read_year(Reader *reader, const MrDatetimeTemplate *template, size_t index,
                          int width)
{
    int value;
    int count;
    MR_TRY(read_number(reader, template, index, width, &value, &count));
    if (width < 4 && count < 4) {
        value = near_2020(value);
    }
    reader->fields.year_digits = width;
    return set_field(reader, &reader->fields.year, value, &template->nodes[index]);
}

static MrStatus read_year_with_comma(Reader *reader, const MrTemplateNode *node)
{
    const char *next = reader->next;
    int64_t thousands = 0;
    int rest = 0;
    int digits = 0;

    for (; next < reader->end && is_digit(*next) && thousands < 100000; next++) {
        thousands = thousands * 10 + (*next - '0');
    }
    if (next == reader->next || next == reader->end || *next != ',') {
        return mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                            "invalid input string for \"Y,YYY\"");
    }
    for (next++; next < reader->end && is_digit(*next) && digits < 3; next++, digits++) {
        rest = rest * 10 + (*next - '0');
    }
    reader->next = next;
    reader->fields.year_digits = 4;
    return set_field(reader, &reader->fields.year, (int)(thousands * 1000 + rest), node);
}

static MrStatus read_half_day(Reader *reader, const MrTemplateNode *node)
{
    static const char *const plain[] = { "am", "pm" };
    static const char *const dots[] = { "a.m.", "p.m." };
    int value;
    MR_TRY(read_name(reader, node->key == MR_PATTERN_AM ? plain : dots, 2, 0, node, &value));
    reader->fields.twelve_hours = true;
    reader->fields.pm = value == 1;
    return MR_OK;
}

static MrStatus read_era(Reader *reader, const MrTemplateNode *node)
{
    static const char *const plain[] = { "ad", "bc" };
    static const char *const dots[] = { "a.d.", "b.c." };
    int value;
    MR_TRY(read_name(reader, node->key == MR_PATTERN_AD ? plain : dots, 2, 0, node, &value));
    reader->fields.before_christ = value == 1;
    return MR_OK;
}

/* The sign may have been taken for the template's separator. */
static void read_zone_sign(Reader *reader, const char *start)
{
    reader->fields.has_zone = true;
    reader->fields.zone_sign = 1;
    if (reader->next < reader->end &&
        (*reader->next == '+' || *reader->next == '-' || *reader->next == ' ')) {
        reader->fields.zone_sign = *reader->next == '-' ? -1 : 1;
        reader->next++;
    } else if (reader->extra > 0 && reader->next > start && reader->next[-1] == '-') {
        reader->fields.zone_sign = -1;
    }
}

static MrStatus note_calendar(Reader *reader, const MrTemplateNode *node)
{
    switch (node->key) {
    case MR_PATTERN_I:
    case MR_PATTERN_IY:
    case MR_PATTERN_IYY:
    case MR_PATTERN_IYYY:
    case MR_PATTERN_IW:
    case MR_PATTERN_ID:
    case MR_PATTERN_IDDD: reader->fields.iso = true; break;
    case MR_PATTERN_CC:
    case MR_PATTERN_D:
    case MR_PATTERN_DD:
    case MR_PATTERN_DDD:
    case MR_PATTERN_MM:
    case MR_PATTERN_MON:
    case MR_PATTERN_MONTH:
    case MR_PATTERN_RM:
    case MR_PATTERN_W:
    case MR_PATTERN_WW:
    case MR_PATTERN_Y:
    case MR_PATTERN_YY:
    case MR_PATTERN_YYY:
    case MR_PATTERN_YYYY:
    case MR_PATTERN_Y_YYY:
    case MR_PATTERN_AD:
    case MR_PATTERN_A_D:
    case MR_PATTERN_Q:
    case MR_PATTERN_J: reader->fields.plain = true; break;
    default: break;
    }
    if (reader->fields.iso && reader->fields.plain) {
        mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                     "invalid combination of date conventions");
        mr_error_hint(reader->err, "Do not mix Gregorian and ISO week date conventions in a "
                                   "formatting template.");
        return MR_ERR_INVALID_DATETIME;
    }
    return MR_OK;
}

static MrStatus read_field(Reader *reader, const MrDatetimeTemplate *template, size_t index,
                           const char *start)
{
    const MrTemplateNode *node = &template->nodes[index];
    MrTemplateFields *fields = &reader->fields;
    int ignored = 0;
    int value;

    MR_TRY(note_calendar(reader, node));
    switch (node->key) {
    case MR_PATTERN_FX: reader->fixed = true; return MR_OK;
    case MR_PATTERN_AM:
    case MR_PATTERN_A_M: return read_half_day(reader, node);
    case MR_PATTERN_AD:
    case MR_PATTERN_A_D: return read_era(reader, node);
    case MR_PATTERN_HH12:
        fields->twelve_hours = true;
        return read_into(reader, template, index, 2, &fields->hour);
    case MR_PATTERN_HH24: return read_into(reader, template, index, 2, &fields->hour);
    case MR_PATTERN_MI: return read_into(reader, template, index, 2, &fields->minute);
    case MR_PATTERN_SS: return read_into(reader, template, index, 2, &fields->second);
    case MR_PATTERN_MS: return read_fraction(reader, template, index, 3, 3, &fields->millisecond);
    case MR_PATTERN_US: return read_fraction(reader, template, index, 6, 6, &fields->microsecond);
    case MR_PATTERN_FF:
        return read_fraction(reader, template, index, node->digits, 6, &fields->microsecond);
    case MR_PATTERN_SSSS: return read_into(reader, template, index, 5, &fields->second_of_day);
    case MR_PATTERN_TZ:
    case MR_PATTERN_OF:
        return mr_error_set(reader->err, MR_ERR_UNSUPPORTED,
                            "formatting field \"%s\" is only supported in to_char", node->name);
    case MR_PATTERN_TZH:
        read_zone_sign(reader, start);
        return read_into(reader, template, index, 2, &fields->zone_hour);
    case MR_PATTERN_TZM:
        if (!fields->has_zone) {
            fields->has_zone = true;
            fields->zone_sign = 1;
        }
        return read_into(reader, template, index, 2, &fields->zone_minute);
    case MR_PATTERN_MONTH:
        MR_TRY(read_name(reader, mr_month_names, 12, 0, node, &value));
        return set_field(reader, &fields->month, value + 1, node);
    case MR_PATTERN_MON:
        MR_TRY(read_name(reader, mr_month_names, 12, 3, node, &value));
        return set_field(reader, &fields->month, value + 1, node);
    case MR_PATTERN_RM:
        MR_TRY(read_name(reader, mr_roman_months, 12, 0, node, &value));
        return set_field(reader, &fields->month, value + 1, node);
    case MR_PATTERN_MM: return read_into(reader, template, index, 2, &fields->month);
    case MR_PATTERN_DAY:
        MR_TRY(read_name(reader, mr_day_names, 7, 0, node, &value));
        return set_field(reader, &fields->weekday, value + 1, node);
    case MR_PATTERN_DY:
        MR_TRY(read_name(reader, mr_day_names, 7, 3, node, &value));
        return set_field(reader, &fields->weekday, value + 1, node);
    case MR_PATTERN_DDD:
    case MR_PATTERN_IDDD: return read_into(reader, template, index, 3, &fields->year_day);
    case MR_PATTERN_DD: return read_into(reader, template, index, 2, &fields->day);
    case MR_PATTERN_D: return read_into(reader, template, index, 1, &fields->weekday);
    case MR_PATTERN_ID:
        MR_TRY(read_number(reader, template, index, 1, &value, &ignored));
        return set_field(reader, &fields->weekday, value % 7 + 1, node); /* Sunday is 1 */
    case MR_PATTERN_WW:
    case MR_PATTERN_IW: return read_into(reader, template, index, 2, &fields->week);
    case MR_PATTERN_W: return read_into(reader, template, index, 1, &fields->week_of_month);
    case MR_PATTERN_Q: /* which date of the quarter would be meant? */
        return read_into(reader, template, index, 1, &ignored);
    case MR_PATTERN_CC: return read_into(reader, template, index, 2, &fields->century);
    case MR_PATTERN_J: return read_into(reader, template, index, INT_MAX, &fields->julian);
    case MR_PATTERN_Y_YYY: return read_year_with_comma(reader, node);
    case MR_PATTERN_YYYY:
    case MR_PATTERN_IYYY: return read_year(reader, template, index, 4);
    case MR_PATTERN_YYY:
    case MR_PATTERN_IYY: return read_year(reader, template, index, 3);
    case MR_PATTERN_YY:
    case MR_PATTERN_IY: return read_year(reader, template, index, 2);
    case MR_PATTERN_Y:
    case MR_PATTERN_I: return read_year(reader, template, index, 1);
    }
    return MR_OK;
}

static size_t character_length(const Reader *reader)
{
    unsigned char lead = (unsigned char)*reader->next;
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    size_t rest = (size_t)(reader->end - reader->next);
    return length < rest ? length : rest;
}

static MrStatus read_text(Reader *reader, const MrTemplateNode *node)
{
    if (node->kind != MR_NODE_TEXT) {
        if (reader->strict && *reader->next != node->text[0]) {
            return mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                                "unmatched format separator \"%c\"", node->text[0]);
        }
        if (reader->fixed) {
            reader->next += character_length(reader);
            return MR_OK;
        }
        /* A separator of the template takes one blank or separator, if there is one. */
        reader->extra--;
        if (is_blank(*reader->next) || is_separator(*reader->next)) {
            reader->next++;
            reader->extra++;
        }
        return MR_OK;
    }
    if (reader->strict && ((size_t)(reader->end - reader->next) < node->length ||
                           memcmp(reader->next, node->text, node->length) != 0)) {
        return mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                            "unmatched format character \"%.*s\"", (int)node->length, node->text);
    }
    if (reader->fixed) {
        reader->next += character_length(reader);
        return MR_OK;
    }
    /* Other text stands for any character; one that was skipped before counts. */
    if (reader->extra > 0) {
        reader->extra--;
    } else {
        reader->next += character_length(reader);
    }
    return MR_OK;
}

static MrStatus read_all(Reader *reader, const MrDatetimeTemplate *template)
{
    const char *start = reader->next;

    for (size_t i = 0; i < template->node_count; i++) {
        const MrTemplateNode *node = &template->nodes[i];
        if (!reader->fixed && (node->kind == MR_NODE_FIELD ? node->key != MR_PATTERN_FX : i == 0)) {
            while (reader->next < reader->end && is_blank(*reader->next)) {
                reader->next++;
                reader->extra++;
            }
        }
        if (reader->next == reader->end) { /* what is missing keeps its first value */
            return !reader->strict ? MR_OK
                                   : mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                                                  "input string is too short for datetime format");
        }
        if (node->kind != MR_NODE_FIELD) {
            MR_TRY(read_text(reader, node));
            continue;
        }
        MR_TRY(read_field(reader, template, i, start));
        if (!reader->fixed && node->key != MR_PATTERN_FX) {
            reader->extra = 0;
            while (reader->next < reader->end && is_blank(*reader->next)) {
                reader->next++;
                reader->extra++;
            }
        }
    }
    if (reader->strict) {
        skip_blanks(reader);
    }
    return !reader->strict || reader->next == reader->end
               ? MR_OK
               : mr_error_set(reader->err, MR_ERR_INVALID_DATETIME,
                              "trailing characters remain in input string after datetime format");
}

static MrStatus read_moment(Reader *reader, const MrDatetimeTemplate *template, MrString text,
                            int64_t *days, int64_t *us)
{
    MR_TRY(read_all(reader, template));
    return mr_template_resolve(&reader->fields, text, days, us, reader->err);
}

MrStatus mr_timestamp_from_template(const MrDatetimeTemplate *template, MrString text,
                                    const MrTimezone *zone, int64_t *out, MrError *err)
{
    Reader reader = { .next = text.data, .end = text.data + text.length, .err = err };
    int64_t days;
    int64_t us;

    MR_TRY(read_moment(&reader, template, text, &days, &us));
    __int128 local = (__int128)days * MR_US_PER_DAY + us;
    if (local >= INT64_MAX || days < -2440588) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    if (reader.fields.has_zone) {
        int64_t offset = reader.fields.zone_hour * 3600 + reader.fields.zone_minute * 60;
        *out = (int64_t)local - reader.fields.zone_sign * offset * MR_US_PER_SECOND;
    } else {
        *out = mr_timezone_local_to_utc(zone, (int64_t)local);
    }
    return MR_OK;
}

MrStatus mr_template_read_strict(const MrDatetimeTemplate *template, MrString text,
                                 MrTemplateFields *fields, int64_t *days, int64_t *us, MrError *err)
{
    Reader reader = {
        .next = text.data, .end = text.data + text.length, .fixed = true, .strict = true, .err = err
    };
    const MrStatus status = read_moment(&reader, template, text, days, us);
    *fields = reader.fields;
    return status;
}

MrStatus mr_date_from_template(const MrDatetimeTemplate *template, MrString text, int32_t *out,
                               MrError *err)
{
    Reader reader = { .next = text.data, .end = text.data + text.length, .err = err };
    int64_t days;
    int64_t us;

    MR_TRY(read_moment(&reader, template, text, &days, &us));
    if (days < -2440588 || days > 2145042540) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date out of range: \"%.*s\"",
                            (int)(text.length < 400 ? text.length : 400), text.data);
    }
    *out = (int32_t)days;
    return MR_OK;
}
