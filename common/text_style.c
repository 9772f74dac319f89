/*
 * common/text_style.c - the names of the styles of text, and their stored form.
 */
#include "common/text_style.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const MrTextStyle mr_text_style_usual = { .float_digits = 1 };

static const char *const interval_names[] = {
    [MR_INTERVAL_POSTGRES] = "postgres",
    [MR_INTERVAL_POSTGRES_VERBOSE] = "postgres_verbose",
    [MR_INTERVAL_SQL_STANDARD] = "sql_standard",
    [MR_INTERVAL_ISO_8601] = "iso_8601",
};

static const char *const date_names[][3] = {
    [MR_DATE_ISO] = { "ISO, MDY", "ISO, DMY", "ISO, YMD" },
    [MR_DATE_SQL] = { "SQL, MDY", "SQL, DMY", "SQL, YMD" },
    [MR_DATE_POSTGRES] = { "Postgres, MDY", "Postgres, DMY", "Postgres, YMD" },
    [MR_DATE_GERMAN] = { "German, MDY", "German, DMY", "German, YMD" },
};

bool mr_text_style_equal(const MrTextStyle *a, const MrTextStyle *b)
{
    return a->interval == b->interval && a->date == b->date && a->date_order == b->date_order &&
           a->bytea_escape == b->bytea_escape && a->float_digits == b->float_digits;
}

bool mr_interval_style_find(MrString name, MrIntervalStyle *out)
{
    for (size_t style = 0; style < COUNT(interval_names); style++) {
        if (mr_string_equal_nocase(name, mr_string(interval_names[style]))) {
            *out = (MrIntervalStyle)style;
            return true;
        }
    }
    return false;
}

const char *mr_interval_style_name(MrIntervalStyle style)
{
    return interval_names[style];
}

const char *mr_date_style_name(const MrTextStyle *style)
{
    return date_names[style->date][style->date_order];
}

/* ---- DateStyle's words ----------------------------------------------------------------------- */

typedef struct DateWord {
    const char *word;
    bool is_start; /* what follows in the word does not matter, as in PostgreSQL */
    bool is_order;
    uint8_t value;
} DateWord;

static const DateWord date_words[] = {
    { "iso", false, false, MR_DATE_ISO },          { "sql", false, false, MR_DATE_SQL },
    { "postgres", true, false, MR_DATE_POSTGRES }, { "german", false, false, MR_DATE_GERMAN },
    { "mdy", false, true, MR_DATE_MDY },           { "us", false, true, MR_DATE_MDY },
    { "noneuro", true, true, MR_DATE_MDY },        { "dmy", false, true, MR_DATE_DMY },
    { "euro", true, true, MR_DATE_DMY },           { "ymd", false, true, MR_DATE_YMD },
};

static const DateWord *find_date_word(MrString word)
{
    for (size_t i = 0; i < COUNT(date_words); i++) {
        const MrString known = mr_string(date_words[i].word);
        MrString start = word;
        if (date_words[i].is_start && start.length > known.length) {
            start.length = known.length;
        }
        if (mr_string_equal_nocase(start, known)) {
            return &date_words[i];
        }
    }
    return NULL;
}

/* The text up to `end`, without blanks around. */
static MrString trimmed(const char *data, size_t end)
{
    while (end > 0 && data[end - 1] == ' ') {
        end--;
    }
    while (end > 0 && *data == ' ') {
        data++;
        end--;
    }
    return (MrString){ data, end };
}

/* The words before it stand; what they leave open is as a session starts. */
static void take_default(MrTextStyle *style, bool has_date, bool has_order)
{
    style->date = has_date ? style->date : mr_text_style_usual.date;
    style->date_order = has_order ? style->date_order : mr_text_style_usual.date_order;
}

bool mr_date_style_parse(MrString text, MrTextStyle *style)
{
    const DateWord *date = NULL, *order = NULL;
    MrTextStyle read = *style;
    if (trimmed(text.data, text.length).length == 0) {
        return true;
    }
    for (size_t at = 0; at <= text.length;) {
        const char *start = text.data + at;
        const char *comma = memchr(start, ',', text.length - at);
        const size_t length = comma != NULL ? (size_t)(comma - start) : text.length - at;
        const MrString name = trimmed(start, length);
        at += length + 1;
        if (mr_string_equal_nocase(name, MR_STRING("default"))) {
            take_default(&read, date != NULL, order != NULL);
            continue;
        }
        const DateWord *word = find_date_word(name);
        const DateWord **seen = word != NULL && word->is_order ? &order : &date;
        if (word == NULL || (*seen != NULL && (*seen)->value != word->value)) {
            return false;
        }
        *seen = word;
        *(word->is_order ? &read.date_order : &read.date) = word->value;
        if (word == date && word->value == MR_DATE_GERMAN && order == NULL) {
            read.date_order = MR_DATE_DMY; /* German says it along, as PostgreSQL has it */
        }
    }
    *style = read;
    return true;
}

/* ---- the stored form ------------------------------------------------------------------------- */

void mr_text_style_write(const MrTextStyle *style, MrBuilder *out)
{
    const MrTextStyle *usual = &mr_text_style_usual;
    if (style->interval != usual->interval) {
        mr_builder_append_format(out, "; IntervalStyle=%s",
                                 mr_interval_style_name((MrIntervalStyle)style->interval));
    }
    if (style->date != usual->date || style->date_order != usual->date_order) {
        mr_builder_append_format(out, "; DateStyle=%s", mr_date_style_name(style));
    }
    if (style->bytea_escape) {
        mr_builder_append_string(out, "; bytea_output=escape");
    }
    if (style->float_digits != usual->float_digits) {
        mr_builder_append_format(out, "; extra_float_digits=%d", style->float_digits);
    }
}

/* The rest of `text` behind `start`; false: it starts otherwise. */
static bool rest_of(MrString text, MrString start, MrString *out)
{
    if (text.length < start.length || memcmp(text.data, start.data, start.length) != 0) {
        return false;
    }
    *out = (MrString){ text.data + start.length, text.length - start.length };
    return true;
}

static bool read_setting(MrString setting, MrTextStyle *out)
{
    MrString value;
    MrIntervalStyle interval;
    if (rest_of(setting, MR_STRING(" IntervalStyle="), &value)) {
        const bool found = mr_interval_style_find(value, &interval);
        out->interval = found ? (uint8_t)interval : out->interval;
        return found;
    }
    if (rest_of(setting, MR_STRING(" DateStyle="), &value)) {
        return mr_date_style_parse(value, out);
    }
    if (mr_string_equal(setting, MR_STRING(" bytea_output=escape"))) {
        out->bytea_escape = true;
        return true;
    }
    if (rest_of(setting, MR_STRING(" extra_float_digits="), &value)) {
        for (int digits = -15; digits <= 0; digits++) {
            char text[8];
            const int length = snprintf(text, sizeof text, "%d", digits);
            if (mr_string_equal(value, (MrString){ text, (size_t)length })) {
                out->float_digits = (int8_t)digits;
                return true;
            }
        }
    }
    return false;
}

bool mr_text_style_read(MrString text, MrTextStyle *out)
{
    *out = mr_text_style_usual;
    while (text.length > 0) {
        if (text.data[0] != ';') {
            return false;
        }
        const char *start = text.data + 1;
        const char *next = memchr(start, ';', text.length - 1);
        const size_t length = next != NULL ? (size_t)(next - start) : text.length - 1;
        if (!read_setting((MrString){ start, length }, out)) {
            return false;
        }
        text = (MrString){ start + length, text.length - 1 - length };
    }
    return true;
}
