/*
 * common/timezone.c - finds zones by name, keeps them, and tells offsets.
 */
#include "common/timezone.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/datetime.h"
#include "common/file.h"
#include "common/floattext.h"
#include "common/timezone_rules.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define ZONE_FILE_BYTES_MAX 65536
#define ZONES_MAX 4000 /* every name of the tz database and its offsets many times over */

static MrZonePeriod utc_period = { .offset = 0, .abbreviation = "UTC" };
static const MrTimezone utc_zone = { .name = "UTC", .period_count = 1, .periods = &utc_period };

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static const MrTimezone *zones; /* all that were loaded; never freed, so that pointers stay good */
static int zone_count;

const MrTimezone *mr_timezone_utc(void)
{
    return &utc_zone;
}

const char *mr_timezone_name(const MrTimezone *zone)
{
    return zone == NULL ? utc_zone.name : zone->name;
}

/* ---- offsets ---- */

static const MrZonePeriod *period_before(const MrTimezone *zone, int change_index)
{
    return &zone->periods[change_index == 0 ? 0 : zone->period_after[change_index - 1]];
}

/* Changes at or before the moment. */
static int changes_until(const MrTimezone *zone, int64_t seconds)
{
    int low = 0;
    int high = zone->change_count;

    while (low < high) {
        int middle = low + (high - low) / 2;
        if (zone->changes[middle] <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int32_t year_of(int64_t seconds)
{
    MrCivil civil;
    mr_civil_from_us(seconds * MR_US_PER_SECOND, &civil);
    return civil.year;
}

static const MrZonePeriod *rule_period_at(const MrZoneRule *rule, int64_t seconds)
{
    if (!rule->has_summer) {
        return &rule->standard;
    }
    int64_t changes[2];
    const MrZonePeriod *after[2];
    mr_zone_rule_changes(rule, year_of(seconds + rule->standard.offset), changes, after);
    if (seconds < changes[0]) {
        return after[1];
    }
    return seconds < changes[1] ? after[0] : after[1];
}

static const MrZonePeriod *period_at(const MrTimezone *zone, int64_t seconds)
{
    int index = changes_until(zone, seconds);
    if (index == zone->change_count && zone->has_rule) {
        return rule_period_at(&zone->rule, seconds);
    }
    return period_before(zone, index);
}

/* The first change after the moment, and what is in force on its two sides; false: there is
 * none. */
static bool next_change(const MrTimezone *zone, int64_t seconds, int64_t *at,
                        const MrZonePeriod **before, const MrZonePeriod **after)
{
    int index = changes_until(zone, seconds);
    if (index < zone->change_count) {
        *at = zone->changes[index];
        *before = period_before(zone, index);
        *after = &zone->periods[zone->period_after[index]];
        return true;
    }
    *before = period_at(zone, seconds);
    if (!zone->has_rule || !zone->rule.has_summer) {
        return false;
    }
    int32_t year = year_of(seconds);
    for (int32_t y = year - 1; y <= year + 1; y++) {
        int64_t changes[2];
        const MrZonePeriod *next[2];
        mr_zone_rule_changes(&zone->rule, y, changes, next);
        for (int i = 0; i < 2; i++) {
            if (changes[i] > seconds) {
                *at = changes[i];
                *after = next[i];
                return true;
            }
        }
    }
    return false;
}

static int64_t floor_seconds(int64_t us)
{
    int64_t seconds = us / MR_US_PER_SECOND;
    return seconds - (us % MR_US_PER_SECOND < 0);
}

int32_t mr_timezone_offset_at(const MrTimezone *zone, int64_t utc_us)
{
    if (zone == NULL || zone == &utc_zone || utc_us == INT64_MIN || utc_us == INT64_MAX) {
        return 0;
    }
    return period_at(zone, floor_seconds(utc_us))->offset;
}

static int64_t us_of(int64_t seconds)
{
    int64_t us;
    if (__builtin_mul_overflow(seconds, MR_US_PER_SECOND, &us)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return us;
}

/* The last change at or before the moment that a rule makes; `floor` where it makes none. */
static int64_t rule_change_before(const MrZoneRule *rule, int64_t seconds, int64_t floor)
{
    int32_t year = year_of(seconds);
    int64_t last = floor;
    for (int32_t y = year - 1; rule->has_summer && y <= year + 1; y++) {
        int64_t changes[2];
        const MrZonePeriod *after[2];
        mr_zone_rule_changes(rule, y, changes, after);
        for (int i = 0; i < 2; i++) {
            last = changes[i] <= seconds && changes[i] > last ? changes[i] : last;
        }
    }
    return last;
}

void mr_timezone_span(const MrTimezone *zone, int64_t utc_us, int64_t *from_us, int64_t *until_us)
{
    const MrZonePeriod *before, *after;
    int64_t at;
    *from_us = INT64_MIN;
    *until_us = INT64_MAX;
    if (zone == NULL || zone == &utc_zone || utc_us == INT64_MIN || utc_us == INT64_MAX) {
        return;
    }
    int64_t seconds = floor_seconds(utc_us);
    int index = changes_until(zone, seconds);
    int64_t from = index > 0 ? zone->changes[index - 1] : INT64_MIN;
    if (index == zone->change_count && zone->has_rule) {
        from = rule_change_before(&zone->rule, seconds, from);
    }
    if (from != INT64_MIN) {
        *from_us = us_of(from);
    }
    if (next_change(zone, seconds, &at, &before, &after)) {
        *until_us = us_of(at);
    }
}

const char *mr_timezone_abbreviation_at(const MrTimezone *zone, int64_t utc_us)
{
    if (zone == NULL) {
        return utc_period.abbreviation;
    }
    return period_at(zone, floor_seconds(utc_us))->abbreviation;
}

/* Adds seconds; what leaves the range of 64 bits stays at its end. */
static int64_t shift_us(int64_t us, int64_t seconds)
{
    int64_t shifted;
    if (us == INT64_MIN || us == INT64_MAX) {
        return us;
    }
    if (__builtin_add_overflow(us, seconds * MR_US_PER_SECOND, &shifted)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return shifted;
}

int64_t mr_timezone_utc_to_local(const MrTimezone *zone, int64_t utc_us)
{
    return shift_us(utc_us, mr_timezone_offset_at(zone, utc_us));
}

/* PostgreSQL's DetermineTimeZoneOffset: both sides of the one change that can matter are tried. */
int64_t mr_timezone_local_to_utc(const MrTimezone *zone, int64_t local_us)
{
    const MrZonePeriod *before;
    const MrZonePeriod *after;
    int64_t at;

    if (zone == NULL || zone == &utc_zone || local_us == INT64_MIN || local_us == INT64_MAX) {
        return local_us;
    }
    int64_t local = floor_seconds(local_us);
    if (!next_change(zone, local - 86400, &at, &before, &after)) {
        return shift_us(local_us, -(int64_t)before->offset);
    }
    int64_t as_before = local - before->offset;
    int64_t as_after = local - after->offset;
    bool use_before;
    if (as_before < at && as_after < at) {
        use_before = true;
    } else if (as_before > at && as_after >= at) {
        use_before = false;
    } else {
        use_before = as_before > as_after; /* a gap; else a doubled hour */
    }
    return shift_us(local_us, -(int64_t)(use_before ? before->offset : after->offset));
}

/* ---- finding ---- */

static const MrTimezone *zones_lookup(MrString name)
{
    for (const MrTimezone *zone = zones; zone != NULL; zone = zone->next) {
        if (mr_string_equal_nocase(name, mr_string(zone->name))) {
            return zone;
        }
    }
    return NULL;
}

static void zone_destroy(MrTimezone *zone)
{
    if (zone != NULL) {
        free(zone->changes);
        free(zone->period_after);
        free(zone->periods);
        free(zone);
    }
}

static MrTimezone *zone_create(const char *name)
{
    MrTimezone *zone = calloc(1, sizeof *zone);
    if (zone != NULL) {
        snprintf(zone->name, sizeof zone->name, "%s", name);
    }
    return zone;
}

/* A zone that is nothing but a rule: one period stands for the time before any change. */
static MrTimezone *zone_create_rule(const char *name, const MrZoneRule *rule)
{
    MrTimezone *zone = zone_create(name);
    if (zone == NULL) {
        return NULL;
    }
    zone->periods = calloc(1, sizeof *zone->periods);
    if (zone->periods == NULL) {
        zone_destroy(zone);
        return NULL;
    }
    zone->periods[0] = rule->standard;
    zone->period_count = 1;
    zone->rule = *rule;
    zone->has_rule = true;
    return zone;
}

/* Finds the directory entry that equals the wanted name whatever its case. */
typedef struct EntrySearch {
    MrString wanted;
    char *found; /* room for wanted.length + 1 */
    bool any;
} EntrySearch;

static void entry_match(void *context, const char *name)
{
    EntrySearch *search = context;
    if (!search->any && mr_string_equal_nocase(search->wanted, mr_string(name))) {
        memcpy(search->found, name, search->wanted.length + 1);
        search->any = true;
    }
}

/* Only plain components: letters, digits, _ + -, so that no name leads out of the directory. */
static bool zone_name_is_safe(MrString name)
{
    bool start = true;

    if (name.length == 0 || name.length >= sizeof utc_zone.name) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (c == '/' && !start) {
            start = true;
            continue;
        }
        if (!letter && (start || (!digit && c != '_' && c != '+' && c != '-'))) {
            return false;
        }
        start = false;
    }
    return !start;
}

/* Turns "europe/berlin" into "Europe/Berlin"; false when there is no such file. */
static bool zone_spell(MrString name, char spelled[64])
{
    char path[sizeof ZONE_DIRECTORY + 64];
    size_t done = 0;

    while (done < name.length) {
        const char *slash = memchr(name.data + done, '/', name.length - done);
        size_t length = slash != NULL ? (size_t)(slash - name.data) - done : name.length - done;
        EntrySearch search = { { name.data + done, length }, spelled + done, false };

        snprintf(path, sizeof path, "%s/%.*s", ZONE_DIRECTORY, (int)done, spelled);
        if (mr_file_list_directory(path, entry_match, &search, NULL) != MR_OK || !search.any) {
            return false;
        }
        done += length;
        if (slash != NULL) {
            spelled[done++] = '/';
        }
    }
    spelled[done] = '\0';
    return true;
}

static MrTimezone *zone_load(const char *spelled)
{
    char path[sizeof ZONE_DIRECTORY + 65];
    uint8_t *data = NULL;
    MrTimezone *zone = NULL;
    MrFile *file;
    uint64_t size;

    snprintf(path, sizeof path, "%s/%s", ZONE_DIRECTORY, spelled);
    if (mr_file_open(path, MR_FILE_READ, &file, NULL) != MR_OK) {
        return NULL;
    }
    bool good = mr_file_size(file, &size, NULL) == MR_OK && size <= ZONE_FILE_BYTES_MAX;
    if (good) {
        data = malloc((size_t)size + 1);
        good = data != NULL && mr_file_read(file, 0, data, (size_t)size, NULL) == MR_OK;
    }
    mr_file_close(file);
    if (good) {
        zone = zone_create(spelled);
        if (zone != NULL && !mr_zone_file_parse(data, (size_t)size, zone)) {
            zone_destroy(zone);
            zone = NULL;
        }
    }
    free(data);
    return zone;
}

/* "<+02:30>-02:30", which is how a rule's text says 2.5 hours east. */
static MrTimezone *zone_from_hours(double hours)
{
    char name[96];
    char shown[32];
    MrZoneRule rule = { 0 };
    int32_t offset = (int32_t)lround(hours * 3600);
    int32_t size = offset < 0 ? -offset : offset;
    int length = snprintf(shown, sizeof shown, "%02d", (int)(size / 3600));

    if (size % 3600 != 0) {
        length +=
            snprintf(shown + length, sizeof shown - (size_t)length, ":%02d", (int)(size / 60 % 60));
        if (size % 60 != 0) {
            snprintf(shown + length, sizeof shown - (size_t)length, ":%02d", (int)(size % 60));
        }
    }
    snprintf(name, sizeof name, "<%c%s>%c%s", offset < 0 ? '-' : '+', shown, offset < 0 ? '+' : '-',
             shown);
    rule.standard.offset = offset;
    snprintf(rule.standard.abbreviation, sizeof rule.standard.abbreviation, "%c%.12s",
             offset < 0 ? '-' : '+', shown);
    return zone_create_rule(name, &rule);
}

/* Takes `made`.  Gives the zone of that name that is kept already, or keeps this one. */
static const MrTimezone *zones_keep(MrTimezone *made)
{
    if (made == NULL) {
        return NULL;
    }
    const MrTimezone *old = zones_lookup(mr_string(made->name));
    if (old != NULL || zone_count >= ZONES_MAX) {
        zone_destroy(made);
        return old;
    }
    made->next = zones;
    zones = made;
    zone_count++;
    return made;
}

/* A file of the database, else a POSIX rule. */
static const MrTimezone *zones_find_locked(MrString name)
{
    char spelled[64];
    MrZoneRule rule;

    const MrTimezone *zone = zones_lookup(name);
    if (zone != NULL) {
        return zone;
    }
    if (zone_name_is_safe(name) && zone_spell(name, spelled)) {
        zone = zones_keep(zone_load(spelled));
        if (zone != NULL) {
            return zone;
        }
    }
    if (name.length < sizeof spelled && mr_zone_rule_parse(name, true, &rule)) {
        memcpy(spelled, name.data, name.length);
        spelled[name.length] = '\0';
        return zones_keep(zone_create_rule(spelled, &rule));
    }
    return NULL;
}

static const MrTimezone *zones_find(MrString name)
{
    if (mr_string_equal_nocase(name, MR_STRING("UTC"))) {
        return &utc_zone;
    }
    pthread_mutex_lock(&zones_lock);
    const MrTimezone *zone = zones_find_locked(name);
    pthread_mutex_unlock(&zones_lock);
    return zone;
}

static MrStatus not_recognized(MrString name, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "time zone \"%.*s\" not recognized",
                        (int)(name.length < 200 ? name.length : 200), name.data);
}

MrStatus mr_timezone_find(MrString name, const MrTimezone **out, MrError *err)
{
    double hours;

    if (name.length > 0 && name.data[0] != 'n' && name.data[0] != 'N' &&
        mr_float8_parse(name, &hours, NULL) == MR_OK && hours > -168 && hours < 168) {
        pthread_mutex_lock(&zones_lock);
        *out = zones_keep(zone_from_hours(hours));
        pthread_mutex_unlock(&zones_lock);
    } else {
        *out = zones_find(name);
    }
    return *out != NULL ? MR_OK : not_recognized(name, err);
}

MrStatus mr_timezone_find_operand(MrString name, const MrTimezone **out, MrError *err)
{
    if (mr_timezone_find_abbreviation(name, out)) {
        return MR_OK;
    }
    *out = zones_find(name);
    return *out != NULL ? MR_OK : not_recognized(name, err);
}

/* ---- abbreviations ---- */

typedef struct Abbreviation {
    const char *name;
    const char *zone; /* NULL: a fixed offset */
    int32_t offset;
} Abbreviation;

static const Abbreviation abbreviations[] = {
#define MR_TZ_FIXED(name, seconds) { name, NULL, seconds },
#define MR_TZ_ZONE(name, zone) { name, zone, 0 },
#include "common/tzabbrev.def"
#undef MR_TZ_FIXED
#undef MR_TZ_ZONE
};

bool mr_timezone_find_abbreviation(MrString name, const MrTimezone **out)
{
    size_t count = sizeof abbreviations / sizeof abbreviations[0];

    for (size_t i = 0; i < count; i++) {
        const Abbreviation *found = &abbreviations[i];
        if (!mr_string_equal_nocase(name, mr_string(found->name))) {
            continue;
        }
        if (found->zone != NULL) {
            *out = zones_find(mr_string(found->zone));
        } else if (found->offset == 0) {
            *out = &utc_zone;
        } else {
            pthread_mutex_lock(&zones_lock);
            *out = zones_keep(zone_from_hours(found->offset / 3600.0));
            pthread_mutex_unlock(&zones_lock);
        }
        return *out != NULL;
    }
    return false;
}
