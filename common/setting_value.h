/*
 * common/setting_value.h - one setting's value and its text form, for settings*.c only.
 */
#ifndef MR_COMMON_SETTING_VALUE_H
#define MR_COMMON_SETTING_VALUE_H

#include "common/settings.h"

typedef struct MrSettingValue {
    int64_t number; /* BOOL, INT, BYTES, DURATION, index of an ENUM's word */
    double real;
    char *text; /* owned; of TEXT */
} MrSettingValue;

/* Parses into `out`, whose text (if any) belongs to the caller then. */
MrStatus mr_setting_value_parse(MrSettingId id, MrString text, MrSettingValue *out, MrError *err);
void mr_setting_value_show(MrSettingId id, const MrSettingValue *value, MrBuilder *out);
bool mr_setting_value_equal(MrSettingId id, const MrSettingValue *a, const MrSettingValue *b);
/* mr_settings_set for a line of a file: what `allowed` excludes may be said again unchanged. */
MrStatus mr_settings_set_line(MrSettings *settings, MrSettingId id, MrString text,
                              MrSettingScope allowed, MrError *err);

#endif
