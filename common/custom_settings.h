/*
 * common/custom_settings.h - settings of applications: names of two or more parts ("myapp.owner")
 * with any text as a value, as PostgreSQL has them.  Nobody here knows what they mean.
 */
#ifndef MR_COMMON_CUSTOM_SETTINGS_H
#define MR_COMMON_CUSTOM_SETTINGS_H

#include "common/text.h"

enum { MR_CUSTOM_SETTINGS_MAX = 1000 };

typedef struct MrCustomSetting {
    char *name, *value;
    bool is_local; /* until the transaction ends */
} MrCustomSetting;

/* In the order in which they were set first; zeroed: none. */
typedef struct MrCustomSettings {
    MrCustomSetting *items;
    uint32_t count, capacity;
} MrCustomSettings;

/* Whether it could name one: it has a dot. */
bool mr_custom_setting_is_name(MrString name);
/* 42602 for a name that is none of identifiers and dots, 54000 for too many. */
MrStatus mr_custom_settings_set(MrCustomSettings *settings, MrString name, MrString value,
                                bool is_local, MrError *err);
/* Borrowed; NULL: it was never set.  Case-insensitive. */
const char *mr_custom_settings_find(const MrCustomSettings *settings, MrString name);
/* All, or those until the end of the transaction, become what they are in `from`, and the empty
 * text where it has none. */
void mr_custom_settings_restore(MrCustomSettings *settings, const MrCustomSettings *from,
                                bool locals_only);
MrStatus mr_custom_settings_copy(const MrCustomSettings *from, MrCustomSettings *out);
void mr_custom_settings_fini(MrCustomSettings *settings);

#endif
