/*
 * common/custom_settings.c - see custom_settings.h.
 */
#include "common/custom_settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"

bool mr_custom_setting_is_name(MrString name)
{
    return memchr(name.data, '.', name.length) != NULL;
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Two or more simple identifiers with dots between them. */
static bool is_legal(MrString name)
{
    bool begins = true;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        if (begins ? !is_letter(c)
                   : c != '.' && c != '$' && !is_letter(c) && !isdigit((unsigned char)c)) {
            return false;
        }
        begins = c == '.';
    }
    return !begins && mr_custom_setting_is_name(name);
}

static MrCustomSetting *find(const MrCustomSettings *settings, MrString name)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        if (mr_string_equal_nocase(mr_string(settings->items[i].name), name)) {
            return &settings->items[i];
        }
    }
    return NULL;
}

static MrStatus make_room(MrCustomSettings *settings, MrError *err)
{
    if (settings->count >= MR_CUSTOM_SETTINGS_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "there can be at most %d custom parameters",
                            MR_CUSTOM_SETTINGS_MAX);
    }
    MR_GROW(settings->items, settings->count, settings->capacity, err);
    return MR_OK;
}

MrStatus mr_custom_settings_set(MrCustomSettings *settings, MrString name, MrString value,
                                bool is_local, MrError *err)
{
    if (!is_legal(name)) {
        mr_error_set(err, MR_ERR_INVALID_NAME, "invalid configuration parameter name \"%.*s\"",
                     (int)(name.length > 100 ? 100 : name.length), name.data);
        return mr_error_detail(err, "Custom parameter names must be two or more simple identifiers "
                                    "separated by dots.");
    }
    char *copy = strndup(value.data, value.length);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    MrCustomSetting *setting = find(settings, name);
    if (setting == NULL) {
        char *own = strndup(name.data, name.length);
        MrStatus status = own == NULL ? mr_error_no_memory(err) : make_room(settings, err);
        if (status != MR_OK) {
            free(own);
            free(copy);
            return status;
        }
        setting = &settings->items[settings->count++];
        *setting = (MrCustomSetting){ .name = own };
    }
    free(setting->value);
    setting->value = copy;
    setting->is_local = is_local;
    return MR_OK;
}

const char *mr_custom_settings_find(const MrCustomSettings *settings, MrString name)
{
    const MrCustomSetting *setting = find(settings, name);
    return setting == NULL ? NULL : setting->value;
}

void mr_custom_settings_restore(MrCustomSettings *settings, const MrCustomSettings *from,
                                bool locals_only)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        MrCustomSetting *setting = &settings->items[i];
        if (locals_only && !setting->is_local) {
            continue;
        }
        const MrCustomSetting *before = find(from, mr_string(setting->name));
        char *value = strdup(before == NULL ? "" : before->value);
        if (value != NULL) { /* without memory it keeps the value that it has */
            free(setting->value);
            setting->value = value;
        }
        setting->is_local = before != NULL && before->is_local;
    }
}

MrStatus mr_custom_settings_copy(const MrCustomSettings *from, MrCustomSettings *out)
{
    MrError err = MR_ERROR_INIT;
    *out = (MrCustomSettings){ 0 };
    for (uint32_t i = 0; i < from->count; i++) {
        const MrCustomSetting *setting = &from->items[i];
        MrStatus status = mr_custom_settings_set(
            out, mr_string(setting->name), mr_string(setting->value), setting->is_local, &err);
        if (status != MR_OK) {
            mr_custom_settings_fini(out);
            return status;
        }
    }
    return MR_OK;
}

void mr_custom_settings_fini(MrCustomSettings *settings)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        free(settings->items[i].name);
        free(settings->items[i].value);
    }
    free(settings->items);
    *settings = (MrCustomSettings){ 0 };
}
