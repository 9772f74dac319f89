/*
 * planner/options.c - see options.h.
 */
#include "planner/options.h"

#include "common/datetime.h"
#include "planner/nearest.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ------------------------------------------------------------------------------- */

/* Gives the names of "a|b|c" one after the other; false: no more. */
static bool next_name(const char **rest, MrString *out)
{
    if (*rest == NULL || **rest == '\0') {
        return false;
    }
    const char *bar = strchr(*rest, '|');
    size_t length = bar != NULL ? (size_t)(bar - *rest) : strlen(*rest);
    *out = (MrString){ *rest, length };
    *rest += length + (bar != NULL ? 1 : 0);
    return true;
}

static bool name_fits(MrString known, const char *name)
{
    size_t length = strlen(name);
    if (known.length > 2 && memcmp(known.data + known.length - 2, ".*", 2) == 0) {
        return length > known.length - 1 && memcmp(known.data, name, known.length - 1) == 0;
    }
    return known.length == length && memcmp(known.data, name, length) == 0;
}

static bool is_known(const char *names, const char *name, MrNearest *nearest)
{
    MrString known;
    while (next_name(&names, &known)) {
        if (name_fits(known, name)) {
            return true;
        }
        mr_nearest_offer(nearest, known);
    }
    return false;
}

MrStatus mr_options_check(const MrOptionSet *set, const char *names, const char *more)
{
    for (uint32_t i = 0; i < set->list->count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, set->list->items[i]);
        MrNearest nearest;
        mr_nearest_init(&nearest, option->name);
        if (!is_known(names, option->name, &nearest) && !is_known(more, option->name, &nearest)) {
            mr_error_set(set->err, MR_ERR_INVALID_PARAMETER, "%s has no option \"%s\"", set->what,
                         option->name);
            mr_error_at(set->err, option->base.position);
            mr_nearest_hint(&nearest, set->err);
            return MR_ERR_INVALID_PARAMETER;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(MR_AST_AS(const MrAstOption, set->list->items[j])->name, option->name) ==
                0) {
                mr_error_set(set->err, MR_ERR_SYNTAX, "option \"%s\" is given twice", option->name);
                return mr_error_at(set->err, option->base.position);
            }
        }
    }
    return MR_OK;
}

const MrAstOption *mr_options_find(const MrOptionSet *set, const char *name)
{
    for (uint32_t i = 0; i < set->list->count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, set->list->items[i]);
        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

/* ---- Values ------------------------------------------------------------------------------ */

MrStatus mr_option_error(const MrOptionSet *set, const MrAstOption *option, const char *wanted)
{
    int32_t position = option->value_position > 0 ? option->value_position : option->base.position;
    mr_error_set(set->err, MR_ERR_INVALID_PARAMETER, "invalid value for option \"%s\"%s%s%s",
                 option->name,
                 option->text != NULL && option->value != MR_OPTION_SECRET ? ": \"" : "",
                 option->text != NULL && option->value != MR_OPTION_SECRET ? option->text : "",
                 option->text != NULL && option->value != MR_OPTION_SECRET ? "\"" : "");
    mr_error_at(set->err, position);
    return mr_error_hint(set->err, "It takes %s.", wanted);
}

MrStatus mr_option_unsupported(const MrOptionSet *set, const MrAstOption *option, const char *hint)
{
    mr_error_set(set->err, MR_ERR_UNSUPPORTED, "%s = '%s' is not supported yet", option->name,
                 option->text != NULL ? option->text : "");
    mr_error_at(set->err,
                option->value_position > 0 ? option->value_position : option->base.position);
    return mr_error_hint(set->err, "%s", hint);
}

MrStatus mr_options_text(const MrOptionSet *set, const char *name, const char **out)
{
    const MrAstOption *option = mr_options_find(set, name);
    *out = NULL;
    if (option == NULL) {
        return MR_OK;
    }
    if (option->value != MR_OPTION_STRING && option->value != MR_OPTION_NUMBER &&
        option->value != MR_OPTION_WORD) {
        return mr_option_error(set, option, "a text in quotes");
    }
    *out = option->text;
    return MR_OK;
}

MrStatus mr_options_bool(const MrOptionSet *set, const char *name, bool *out)
{
    static const char *const yes[] = { "true", "on", "yes", "1" };
    static const char *const no[] = { "false", "off", "no", "0" };
    const MrAstOption *option = mr_options_find(set, name);
    if (option == NULL) {
        return MR_OK;
    }
    if (option->value == MR_OPTION_NONE) {
        *out = true;
        return MR_OK;
    }
    for (size_t i = 0; option->text != NULL && i < 4; i++) {
        if (mr_string_equal_nocase(mr_string(option->text), mr_string(yes[i]))) {
            *out = true;
            return MR_OK;
        }
        if (mr_string_equal_nocase(mr_string(option->text), mr_string(no[i]))) {
            *out = false;
            return MR_OK;
        }
    }
    return mr_option_error(set, option, "true or false");
}

MrStatus mr_options_choice(const MrOptionSet *set, const char *name, const char *choices,
                           uint32_t *out)
{
    const MrAstOption *option = mr_options_find(set, name);
    const char *rest = choices;
    MrString choice;
    if (option == NULL) {
        return MR_OK;
    }
    for (uint32_t i = 0; option->text != NULL && next_name(&rest, &choice); i++) {
        if (mr_string_equal_nocase(mr_string(option->text), choice)) {
            *out = i;
            return MR_OK;
        }
    }
    return mr_option_error(set, option, choices);
}

MrStatus mr_options_interval(const MrOptionSet *set, const char *name, int64_t *out)
{
    const MrAstOption *option = mr_options_find(set, name);
    MrInterval interval;
    int64_t days, us;
    MrError ignored = MR_ERROR_INIT;
    if (option == NULL) {
        return MR_OK;
    }
    if (option->text == NULL ||
        mr_interval_parse(mr_string(option->text), &interval, &ignored) != MR_OK ||
        interval.months != 0 ||
        __builtin_mul_overflow((int64_t)interval.days, MR_US_PER_DAY, &days) ||
        __builtin_add_overflow(days, interval.us, &us) || us < 0) {
        return mr_option_error(set, option, "an interval of days and time, such as '30 seconds'");
    }
    *out = us;
    return MR_OK;
}

bool mr_parse_bytes(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = { { "", 1 },
                  { "B", 1 },
                  { "kB", 1024 },
                  { "MB", INT64_C(1) << 20 },
                  { "GB", INT64_C(1) << 30 },
                  { "TB", INT64_C(1) << 40 } };
    char *end;
    double number = strtod(text, &end);
    if (end == text || !(number >= 0)) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (mr_string_equal_nocase(mr_string(end), mr_string(units[i].unit))) {
            double bytes = number * (double)units[i].bytes;
            if (bytes >= 9.2e18) {
                return false;
            }
            *out = (int64_t)bytes;
            return true;
        }
    }
    return false;
}

MrStatus mr_options_bytes(const MrOptionSet *set, const char *name, int64_t *out)
{
    const MrAstOption *option = mr_options_find(set, name);
    if (option == NULL) {
        return MR_OK;
    }
    if (option->text == NULL || !mr_parse_bytes(option->text, out)) {
        return mr_option_error(set, option, "a size such as '512 MB'");
    }
    return MR_OK;
}

MrStatus mr_options_character(const MrOptionSet *set, const char *name, char *out)
{
    const char *text;
    MR_TRY(mr_options_text(set, name, &text));
    if (text != NULL && (strlen(text) != 1 || text[0] == '\n' || text[0] == '\r')) {
        return mr_option_error(set, mr_options_find(set, name), "a single one-byte character");
    }
    *out = text != NULL ? text[0] : *out;
    return MR_OK;
}
