/*
 * common/setting_value.c - the text of a setting to its value and back: numbers with units, words,
 * and the few texts of which only one is legal.
 */
#include "common/setting_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/floattext.h"
#include "common/identifier_list.h"
#include "common/timezone.h"

#define SHOWN(text) (int)((text).length < 200 ? (text).length : 200), (text).data

typedef struct Unit {
    const char *name;
    double factor;
} Unit;

/* Largest first, so that SHOW takes the first that divides. */
static const Unit byte_units[] = {
    { "TB", 1099511627776.0 }, { "GB", 1073741824.0 }, { "MB", 1048576.0 },
    { "kB", 1024.0 },          { "B", 1.0 },           { NULL, 0 },
};
static const Unit duration_units[] = {
    { "d", 86400e6 }, { "h", 3600e6 }, { "min", 60e6 }, { "s", 1e6 },
    { "ms", 1e3 },    { "us", 1.0 },   { NULL, 0 },
};

static MrString trim(MrString text)
{
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

static MrStatus invalid_value(MrSettingId id, MrString text, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                        "invalid value for parameter \"%s\": \"%.*s\"", mr_setting_info(id)->name,
                        SHOWN(text));
}

/* Any unique beginning of the words, as PostgreSQL takes them. */
static bool is_start_of(MrString text, const char *word, size_t least)
{
    MrString whole = { word, strlen(word) };
    if (text.length < least || text.length > whole.length) {
        return false;
    }
    whole.length = text.length;
    return mr_string_equal_nocase(text, whole);
}

static bool parse_bool(MrString text, int64_t *out)
{
    if (is_start_of(text, "true", 1) || is_start_of(text, "yes", 1) || is_start_of(text, "on", 2) ||
        mr_string_equal(text, MR_STRING("1"))) {
        *out = 1;
        return true;
    }
    if (is_start_of(text, "false", 1) || is_start_of(text, "no", 1) ||
        is_start_of(text, "off", 2) || mr_string_equal(text, MR_STRING("0"))) {
        *out = 0;
        return true;
    }
    return false;
}

/* The index of the word in "a|b|c", or -1. */
static int64_t word_index(const char *words, MrString text)
{
    int64_t index = 0;
    for (;;) {
        const char *end = strchrnul(words, '|');
        if (mr_string_equal_nocase((MrString){ words, (size_t)(end - words) }, text)) {
            return index;
        }
        if (*end == '\0') {
            return -1;
        }
        words = end + 1;
        index++;
    }
}

static MrStatus parse_word(MrSettingId id, MrString text, int64_t *out, MrError *err)
{
    const char *words = mr_setting_info(id)->words;

    *out = word_index(words, text);
    if (*out >= 0) {
        return MR_OK;
    }
    invalid_value(id, text, err);
    MrBuilder list;
    mr_builder_init(&list, 0);
    for (const char *c = words; *c != '\0'; c++) {
        mr_builder_append(&list, *c == '|' ? ", " : c, *c == '|' ? 2 : 1);
    }
    const char *all = mr_builder_text(&list);
    if (all != NULL) {
        mr_error_hint(err, "Available values: %s.", all);
    }
    mr_builder_fini(&list);
    return MR_ERR_INVALID_PARAMETER;
}

static const Unit *setting_units(MrSettingType type)
{
    return type == MR_SETTING_BYTES      ? byte_units
           : type == MR_SETTING_DURATION ? duration_units
                                         : NULL;
}

static MrStatus invalid_unit(MrSettingId id, MrString text, const Unit *units, MrError *err)
{
    invalid_value(id, text, err);
    if (units == byte_units) {
        mr_error_hint(err, "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and "
                           "\"TB\".");
    } else if (units == duration_units) {
        mr_error_hint(err, "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", "
                           "\"h\", and \"d\".");
    }
    return MR_ERR_INVALID_PARAMETER;
}

/* A number and its unit; a bare number counts bytes or milliseconds. */
static MrStatus parse_number(MrSettingId id, MrString text, double *out, MrError *err)
{
    const MrSettingInfo *info = mr_setting_info(id);
    const Unit *units = setting_units(info->type);
    size_t digits = 0;

    while (digits < text.length && strchr("0123456789.+-eE", text.data[digits]) != NULL &&
           text.data[digits] != '\0') {
        digits++;
    }
    if (mr_float8_parse((MrString){ text.data, digits }, out, NULL) != MR_OK) {
        return invalid_unit(id, text, units, err);
    }
    MrString unit = trim((MrString){ text.data + digits, text.length - digits });
    if (unit.length == 0) {
        *out *= info->type == MR_SETTING_DURATION ? 1e3 : 1.0;
        return MR_OK;
    }
    for (const Unit *u = units; u != NULL && u->name != NULL; u++) {
        if (mr_string_equal(unit, mr_string(u->name))) {
            *out *= u->factor;
            return MR_OK;
        }
    }
    return invalid_unit(id, text, units, err);
}

/* The range as the user may write it. */
static MrStatus out_of_range(MrSettingId id, MrString text, MrError *err)
{
    const MrSettingInfo *info = mr_setting_info(id);
    MrBuilder range;

    mr_builder_init(&range, 0);
    if (info->type == MR_SETTING_REAL) {
        mr_builder_append_format(&range, "%g .. %g", info->min, info->max);
    } else {
        MrSettingValue bound = { .number = (int64_t)info->min };
        mr_setting_value_show(id, &bound, &range);
        mr_builder_append_string(&range, " .. ");
        bound.number = (int64_t)info->max;
        mr_setting_value_show(id, &bound, &range);
    }
    const char *words = mr_builder_text(&range);
    mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                 "%.*s is outside the valid range for parameter \"%s\" (%s)", SHOWN(text),
                 info->name, words != NULL ? words : "");
    mr_builder_fini(&range);
    return MR_ERR_INVALID_PARAMETER;
}

/* ---- texts of which only some are legal ---- */

static bool one_of(MrString text, const char *words)
{
    return word_index(words, text) >= 0;
}

/* Gives the one form that is stored, or NULL when the text is not legal. */
static const char *canonical_text(MrSettingId id, MrString text)
{
    const MrTimezone *zone;
    MrTextStyle style = mr_text_style_usual;
    MrIntervalStyle interval;
    int64_t flag;

    switch (id) {
    case MR_SET_CLIENT_ENCODING: return one_of(text, "utf8|utf-8|unicode") ? "UTF8" : NULL;
    case MR_SET_DATESTYLE:
        return mr_date_style_parse(text, &style) ? mr_date_style_name(&style) : NULL;
    case MR_SET_INTERVALSTYLE:
        return mr_interval_style_find(text, &interval) ? mr_interval_style_name(interval) : NULL;
    case MR_SET_STANDARD_CONFORMING_STRINGS:
        return parse_bool(text, &flag) && flag == 1 ? "on" : NULL;
    case MR_SET_TRANSACTION_READ_ONLY:
    case MR_SET_DEFAULT_TRANSACTION_READ_ONLY:
        return !parse_bool(text, &flag) ? NULL : flag != 0 ? "on" : "off";
    case MR_SET_DEFAULT_TRANSACTION_ISOLATION:
    case MR_SET_TRANSACTION_ISOLATION:
        return one_of(text, "read committed")     ? "read committed"
               : one_of(text, "read uncommitted") ? "read uncommitted"
               : one_of(text, "repeatable read")  ? "repeatable read"
               : one_of(text, "serializable")     ? "serializable"
                                                  : NULL;
    case MR_SET_ROLE: return one_of(text, "none") ? "none" : NULL;
    case MR_SET_TIMEZONE:
        return mr_timezone_find(text, &zone, NULL) == MR_OK ? mr_timezone_name(zone) : NULL;
    case MR_SET_SEARCH_PATH: return mr_identifier_list_is_valid(text) ? "" : NULL;
    default: return "";
    }
}

static MrStatus parse_text(MrSettingId id, MrString text, char **out, MrError *err)
{
    MrString trimmed = trim(text);
    const char *canonical = canonical_text(id, trimmed);

    if (canonical == NULL) {
        invalid_value(id, text, err);
        mr_error_hint(err, "%s", mr_setting_info(id)->doc);
        return MR_ERR_INVALID_PARAMETER;
    }
    if (memchr(text.data, '\0', text.length) != NULL ||
        mr_utf8_check(text.data, text.length) != text.length) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "the value of parameter \"%s\" is not UTF-8 text",
                            mr_setting_info(id)->name);
    }
    *out = canonical[0] != '\0' ? strdup(canonical) : strndup(text.data, text.length);
    return *out != NULL ? MR_OK : mr_error_no_memory(err);
}

MrStatus mr_setting_value_parse(MrSettingId id, MrString text, MrSettingValue *out, MrError *err)
{
    const MrSettingInfo *info = mr_setting_info(id);

    if (text.data == NULL) {
        text = MR_STRING("");
    }
    *out = (MrSettingValue){ 0 };
    if (info->type == MR_SETTING_TEXT) {
        return parse_text(id, text, &out->text, err);
    }
    text = trim(text);
    if (info->type == MR_SETTING_ENUM) {
        return parse_word(id, text, &out->number, err);
    }
    if (info->type == MR_SETTING_BOOL) {
        if (!parse_bool(text, &out->number)) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "parameter \"%s\" requires a Boolean value", info->name);
        }
        return MR_OK;
    }
    MR_TRY(parse_number(id, text, &out->real, err));
    if (!(out->real >= info->min && out->real <= info->max)) {
        return out_of_range(id, text, err);
    }
    if (info->type == MR_SETTING_INT && out->real != floor(out->real)) {
        return invalid_value(id, text, err);
    }
    out->number = llround(out->real);
    return MR_OK;
}

static void show_with_unit(int64_t number, const Unit *units, MrBuilder *out)
{
    for (const Unit *u = units; number != 0 && u->name != NULL; u++) {
        if (number % (int64_t)u->factor == 0) {
            mr_builder_append_format(out, "%lld%s", (long long)(number / (int64_t)u->factor),
                                     u->name);
            return;
        }
    }
    mr_builder_append_char(out, '0');
}

static void show_word(const char *words, int64_t index, MrBuilder *out)
{
    for (; index > 0; index--) {
        words = strchr(words, '|') + 1;
    }
    mr_builder_append(out, words, (size_t)(strchrnul(words, '|') - words));
}

void mr_setting_value_show(MrSettingId id, const MrSettingValue *value, MrBuilder *out)
{
    const MrSettingInfo *info = mr_setting_info(id);
    char text[MR_FLOAT_TEXT_MAX];

    switch (info->type) {
    case MR_SETTING_BOOL: mr_builder_append_string(out, value->number != 0 ? "on" : "off"); break;
    case MR_SETTING_INT: mr_builder_append(out, text, mr_int64_format(value->number, text)); break;
    case MR_SETTING_REAL: mr_builder_append(out, text, mr_float8_format(value->real, text)); break;
    case MR_SETTING_TEXT: mr_builder_append_string(out, value->text); break;
    case MR_SETTING_ENUM: show_word(info->words, value->number, out); break;
    case MR_SETTING_BYTES:
    case MR_SETTING_DURATION: show_with_unit(value->number, setting_units(info->type), out); break;
    }
}

bool mr_setting_value_equal(MrSettingId id, const MrSettingValue *a, const MrSettingValue *b)
{
    if (mr_setting_info(id)->type == MR_SETTING_TEXT) {
        return strcmp(a->text, b->text) == 0;
    }
    return a->number == b->number && a->real == b->real;
}
