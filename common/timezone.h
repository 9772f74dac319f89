/*
 * common/timezone.h - time zones from the system's tz database (TZif files), by name or offset.
 * Zones are loaded once and shared; they are immutable afterwards.
 */
#ifndef MR_COMMON_TIMEZONE_H
#define MR_COMMON_TIMEZONE_H

#include "common/text.h"

typedef struct MrTimezone MrTimezone;

/* `name`: "UTC", "Europe/Berlin" (case-insensitive), "+02", "-03:30", "CET", "EST5EDT".  Kept for the
 * life of the process.  22023 for an unknown name.  No path outside the tz database is opened. */
MrStatus mr_timezone_find(MrString name, const MrTimezone **out, MrError *err);
const MrTimezone *mr_timezone_utc(void);
const char *mr_timezone_name(const MrTimezone *zone);
/* Seconds east of UTC in force at the moment. */
int32_t mr_timezone_offset_at(const MrTimezone *zone, int64_t utc_us);
/* Local time to UTC; in a gap and in a doubled hour the standard-time offset, as in PostgreSQL. */
int64_t mr_timezone_local_to_utc(const MrTimezone *zone, int64_t local_us);
int64_t mr_timezone_utc_to_local(const MrTimezone *zone, int64_t utc_us);
/* Abbreviation in force ("CET"). */
const char *mr_timezone_abbreviation_at(const MrTimezone *zone, int64_t utc_us);

#endif
