/*
 * common/timezone_rules.h - the inside of a time zone, for timezone*.c only: a table of changes,
 * and a POSIX rule for the time after the table.
 */
#ifndef MR_COMMON_TIMEZONE_RULES_H
#define MR_COMMON_TIMEZONE_RULES_H

#include "common/timezone.h"

#define MR_ZONE_ABBREVIATION_MAX 15

/* What is in force between two changes. */
typedef struct MrZonePeriod {
    int32_t offset; /* seconds east */
    bool is_dst;
    char abbreviation[MR_ZONE_ABBREVIATION_MAX + 1];
} MrZonePeriod;

/* When, in every year, a period starts: Mm.w.d, Jn or n, and the local second of that day. */
typedef struct MrZoneDate {
    char kind; /* 'M', 'J', 'D' (0-based with leap day) */
    int month, week, day;
    int32_t seconds;
} MrZoneDate;

typedef struct MrZoneRule {
    MrZonePeriod standard;
    MrZonePeriod summer;
    bool has_summer;
    MrZoneDate start; /* of summer, in standard time */
    MrZoneDate end;   /* of summer, in summer time */
} MrZoneRule;

struct MrTimezone {
    const MrTimezone *next; /* in the list of all that were loaded */
    char name[64];
    int change_count;
    int64_t *changes;      /* UTC seconds, ascending */
    uint8_t *period_after; /* of each change: index into periods */
    int period_count;
    MrZonePeriod *periods; /* 0 is in force before the first change */
    bool has_rule;
    MrZoneRule rule;
    /* of one that carries a style of text (timezone_style.c) */
    MrTextStyle style;
    const char *stored_name;
    const MrTimezone *plain; /* the zone without it */
};

/* Reads "CET-1CEST,M3.5.0,M10.5.0/3"; the whole text must be used.  With `nameless` the standard
 * time's name may be missing ("+02"), as PostgreSQL allows it. */
bool mr_zone_rule_parse(MrString text, bool nameless, MrZoneRule *out);
/* The two changes of a year, ascending, and what is in force after each.  UTC seconds. */
void mr_zone_rule_changes(const MrZoneRule *rule, int32_t year, int64_t changes[2],
                          const MrZonePeriod *after[2]);
/* Reads a TZif file into `zone`; false when it is not one or its content is not sound. */
bool mr_zone_file_parse(const uint8_t *data, size_t length, MrTimezone *zone);

#endif
