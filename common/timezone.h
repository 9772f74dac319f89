/*
 * common/timezone.h - time zones from the system's tz database (TZif files), by name or offset.
 * Zones are loaded once and shared; they are immutable afterwards.
 */
#ifndef MR_COMMON_TIMEZONE_H
#define MR_COMMON_TIMEZONE_H

#include "common/text_style.h"

typedef struct MrTimezone MrTimezone;

/* As SET TimeZone takes it: "UTC", "Europe/Berlin" (case-insensitive), "+02" or "-7.5" (hours
 * east), POSIX forms such as "EST5EDT" or "<+02>-02" (hours WEST, so is "+02:30", as in
 * PostgreSQL).  Kept for the life of the process.  22023 for an unknown name.  No path outside the
 * tz database is opened. */
MrStatus mr_timezone_find(MrString name, const MrTimezone **out, MrError *err);
/* As AT TIME ZONE and date_trunc take it: also abbreviations ("PST", "CEST"), and a bare "+02" is
 * the POSIX form, west of Greenwich; PostgreSQL does the same. */
MrStatus mr_timezone_find_operand(MrString name, const MrTimezone **out, MrError *err);
/* The zone of an abbreviation in a date's text ("PST", "cest"); false when there is none. */
bool mr_timezone_find_abbreviation(MrString name, const MrTimezone **out);
const MrTimezone *mr_timezone_utc(void);
const char *mr_timezone_name(const MrTimezone *zone);

/* The zone with that style of text in place of its own; kept for the life of the process.  It goes
 * along with the zone, because whoever shows values needs both. */
MrStatus mr_timezone_with_style(const MrTimezone *zone, const MrTextStyle *style,
                                const MrTimezone **out, MrError *err);
const MrTextStyle *mr_timezone_style(const MrTimezone *zone); /* NULL: the usual */
MrIntervalStyle mr_timezone_interval_style(const MrTimezone *zone);
/* What a definition keeps of zone and style, and what finds them again. */
const char *mr_timezone_stored_name(const MrTimezone *zone);
MrStatus mr_timezone_find_stored(MrString name, const MrTimezone **out, MrError *err);

/* Seconds east of UTC in force at the moment. */
int32_t mr_timezone_offset_at(const MrTimezone *zone, int64_t utc_us);
/* The stretch of time [from, until) around the moment in which that offset stays in force. */
void mr_timezone_span(const MrTimezone *zone, int64_t utc_us, int64_t *from_us, int64_t *until_us);
/* Local time to UTC, as PostgreSQL: in a gap the offset before it, in a doubled hour the later one
 * (both are standard time).  Infinities stay what they are. */
int64_t mr_timezone_local_to_utc(const MrTimezone *zone, int64_t local_us);
int64_t mr_timezone_utc_to_local(const MrTimezone *zone, int64_t utc_us);
/* Abbreviation in force ("CET"). */
const char *mr_timezone_abbreviation_at(const MrTimezone *zone, int64_t utc_us);

#endif
