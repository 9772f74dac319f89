/*
 * common/settings.h - typed settings from one table (settings.def): server file, -c, SET, SHOW.
 * A set of values is plain data; the server keeps one, every session a copy of its own.
 */
#ifndef MR_COMMON_SETTINGS_H
#define MR_COMMON_SETTINGS_H

#include "common/custom_settings.h"

typedef enum MrSettingType {
    MR_SETTING_BOOL,
    MR_SETTING_INT,
    MR_SETTING_REAL,
    MR_SETTING_TEXT,
    MR_SETTING_ENUM,
    MR_SETTING_BYTES,
    MR_SETTING_DURATION /* µs */
} MrSettingType;
/* START: only at start.  RELOAD: also by SIGHUP.  SESSION: also by SET.  REPORT (with SESSION):
 * sent to the client as ParameterStatus when it changes. */
typedef enum MrSettingScope {
    MR_SETTING_START,
    MR_SETTING_RELOAD,
    MR_SETTING_SESSION,
    MR_SETTING_REPORT,
    MR_SETTING_FIXED
} MrSettingScope;

typedef enum MrSettingId {
#define MR_SETTING(id, name, type, scope, value, min, max, words, doc) MR_SET_##id,
#include "common/settings.def"
#undef MR_SETTING
    MR_SETTING_COUNT
} MrSettingId;

typedef struct MrSettingInfo {
    const char *name;
    MrSettingType type;
    MrSettingScope scope;
    const char *initial;
    double min, max;
    const char *words; /* of an enum: "a|b|c" */
    const char *doc;
} MrSettingInfo;

typedef struct MrSettings MrSettings;

MrSettings *mr_settings_create(void); /* every value at its default */
MrSettings *mr_settings_copy(const MrSettings *settings);
void mr_settings_destroy(MrSettings *settings);
/* Those of applications, which are copied with it. */
MrCustomSettings *mr_settings_customs(MrSettings *settings);
const MrSettingInfo *mr_setting_info(MrSettingId id);
/* Case-insensitive; false when there is none. */
bool mr_setting_find(MrString name, MrSettingId *out);
/* The nearest name for a hint, or NULL. */
const char *mr_setting_nearest(MrString name);
/* Parses and stores: units B kB MB GB TB (bare: bytes), us ms s min h d (bare: ms, as PostgreSQL's
 * timeouts); 22023 with the legal values on error, 55P02 when `allowed` (the widest scope the
 * caller may change; MR_SETTING_FIXED is the server itself, which may set all) excludes it.  After
 * an error the old value stands. */
MrStatus mr_settings_set(MrSettings *settings, MrSettingId id, MrString text,
                         MrSettingScope allowed, MrError *err);
void mr_settings_reset(MrSettings *settings, MrSettingId id, const MrSettings *defaults);
bool mr_settings_bool(const MrSettings *settings, MrSettingId id);
int64_t mr_settings_int(const MrSettings *settings,
                        MrSettingId id); /* INT, BYTES, DURATION, enum index */
const char *mr_settings_text(const MrSettings *settings, MrSettingId id); /* borrowed */
/* As SHOW prints it. */
void mr_settings_show(const MrSettings *settings, MrSettingId id, MrBuilder *out);
/* Reads `name = value` lines, # comments, quotes as in postgresql.conf.  Unknown names are errors
 * with line number and nearest name.  A line
 * that `allowed` excludes is no error when the value is what it was (a reload reads all lines).
 * Lines before an error have been applied: read into a copy, then exchange. */
MrStatus mr_settings_read_file(MrSettings *settings, const char *path, MrSettingScope allowed,
                               MrError *err);

#endif
