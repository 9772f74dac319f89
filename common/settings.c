/*
 * common/settings.c - the table of settings, and sets of values.
 */
#include "common/settings.h"

#include <stdlib.h>
#include <string.h>

#include "common/setting_value.h"

static const MrSettingInfo infos[MR_SETTING_COUNT] = {
#define MR_SETTING(id, setting_name, setting_type, setting_scope, value, least, most, list, text) \
    [MR_SET_##id] = { .name = (setting_name),                                                     \
                      .type = MR_SETTING_##setting_type,                                          \
                      .scope = MR_SETTING_##setting_scope,                                        \
                      .initial = (value),                                                         \
                      .min = (least),                                                             \
                      .max = (most),                                                              \
                      .words = (list),                                                            \
                      .doc = (text) },
#include "common/settings.def"
#undef MR_SETTING
};

struct MrSettings {
    MrSettingValue values[MR_SETTING_COUNT];
    MrCustomSettings customs;
};

MrCustomSettings *mr_settings_customs(MrSettings *settings)
{
    return &settings->customs;
}

const MrSettingInfo *mr_setting_info(MrSettingId id)
{
    return &infos[id];
}

bool mr_setting_find(MrString name, MrSettingId *out)
{
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        if (mr_string_equal_nocase(name, mr_string(infos[id].name))) {
            *out = (MrSettingId)id;
            return true;
        }
    }
    return false;
}

#define NAME_BYTES_MAX 63

static char fold(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Levenshtein's distance, one row at a time. */
static size_t edit_distance(MrString a, MrString b)
{
    size_t row[NAME_BYTES_MAX + 1];

    for (size_t j = 0; j <= b.length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; i < a.length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.length; j++) {
            size_t change = diagonal + (fold(a.data[i]) != fold(b.data[j]));
            diagonal = row[j + 1];
            size_t step = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            row[j + 1] = change < step ? change : step;
        }
    }
    return row[b.length];
}

const char *mr_setting_nearest(MrString name)
{
    size_t best = name.length / 3 + 1; /* further away it is no slip of the finger */
    const char *nearest = NULL;

    if (name.length == 0 || name.length > NAME_BYTES_MAX) {
        return NULL;
    }
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        size_t distance = edit_distance(name, mr_string(infos[id].name));
        if (distance <= best) {
            nearest = infos[id].name;
            best = distance - (distance > 0);
        }
    }
    return nearest;
}

MrSettings *mr_settings_create(void)
{
    MrSettings *settings = calloc(1, sizeof *settings);
    if (settings == NULL) {
        return NULL;
    }
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        if (mr_setting_value_parse((MrSettingId)id, mr_string(infos[id].initial),
                                   &settings->values[id], NULL) != MR_OK) {
            mr_settings_destroy(settings);
            return NULL;
        }
    }
    return settings;
}

MrSettings *mr_settings_copy(const MrSettings *settings)
{
    MrSettings *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    bool whole = mr_custom_settings_copy(&settings->customs, &copy->customs) == MR_OK;
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        copy->values[id] = settings->values[id];
        if (settings->values[id].text != NULL) {
            copy->values[id].text = strdup(settings->values[id].text);
            whole = whole && copy->values[id].text != NULL;
        }
    }
    if (!whole) {
        mr_settings_destroy(copy);
        return NULL;
    }
    return copy;
}

void mr_settings_destroy(MrSettings *settings)
{
    if (settings == NULL) {
        return;
    }
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        free(settings->values[id].text);
    }
    mr_custom_settings_fini(&settings->customs);
    free(settings);
}

static bool scope_includes(MrSettingScope allowed, MrSettingScope scope)
{
    switch (allowed) {
    case MR_SETTING_FIXED: return true;
    case MR_SETTING_START: return scope != MR_SETTING_FIXED;
    case MR_SETTING_RELOAD: return scope != MR_SETTING_FIXED && scope != MR_SETTING_START;
    default: return scope == MR_SETTING_SESSION || scope == MR_SETTING_REPORT;
    }
}

static MrStatus cannot_change(const MrSettingInfo *info, MrError *err)
{
    const char *why = info->scope == MR_SETTING_FIXED   ? ""
                      : info->scope == MR_SETTING_START ? " without restarting the server"
                                                        : " now";
    return mr_error_set(err, MR_ERR_CANT_CHANGE_SETTING, "parameter \"%s\" cannot be changed%s",
                        info->name, why);
}

static MrStatus settings_store(MrSettings *settings, MrSettingId id, MrString text,
                               MrSettingScope allowed, bool same_is_fine, MrError *err)
{
    bool included = scope_includes(allowed, infos[id].scope);
    MrSettingValue value;

    if (!included && !same_is_fine) {
        return cannot_change(&infos[id], err);
    }
    MrStatus status = mr_setting_value_parse(id, text, &value, err);
    if (status == MR_OK && !included &&
        !mr_setting_value_equal(id, &value, &settings->values[id])) {
        status = cannot_change(&infos[id], err);
    }
    if (status != MR_OK) {
        free(value.text);
        return status;
    }
    free(settings->values[id].text);
    settings->values[id] = value;
    return MR_OK;
}

MrStatus mr_settings_set(MrSettings *settings, MrSettingId id, MrString text,
                         MrSettingScope allowed, MrError *err)
{
    return settings_store(settings, id, text, allowed, false, err);
}

MrStatus mr_settings_set_line(MrSettings *settings, MrSettingId id, MrString text,
                              MrSettingScope allowed, MrError *err)
{
    return settings_store(settings, id, text, allowed, true, err);
}

void mr_settings_reset(MrSettings *settings, MrSettingId id, const MrSettings *defaults)
{
    char *text = NULL;

    if (defaults->values[id].text != NULL) {
        text = strdup(defaults->values[id].text);
        if (text == NULL) {
            return; /* no memory: the value of the session stays, which is legal too */
        }
    }
    free(settings->values[id].text);
    settings->values[id] = defaults->values[id];
    settings->values[id].text = text;
}

bool mr_settings_bool(const MrSettings *settings, MrSettingId id)
{
    return settings->values[id].number != 0;
}

int64_t mr_settings_int(const MrSettings *settings, MrSettingId id)
{
    return settings->values[id].number;
}

const char *mr_settings_text(const MrSettings *settings, MrSettingId id)
{
    const char *text = settings->values[id].text;
    return text != NULL ? text : "";
}

void mr_settings_show(const MrSettings *settings, MrSettingId id, MrBuilder *out)
{
    mr_setting_value_show(id, &settings->values[id], out);
}
