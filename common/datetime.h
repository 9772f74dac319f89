/*
 * common/datetime.h - dates, times, intervals: calendar arithmetic and PostgreSQL's text forms.
 * Timestamps count microseconds and dates days since 1970-01-01 (not 2000, as PostgreSQL's wire
 * format does; the codec shifts them).  INT64_MIN/MAX (dates: INT32_MIN/MAX) are -/+ infinity.
 */
#ifndef MR_COMMON_DATETIME_H
#define MR_COMMON_DATETIME_H

#include "common/timezone.h"

/* Event times, arrival times and watermarks are microseconds since 1970-01-01 00:00:00 UTC. */
#define MR_TIME_MIN INT64_MIN /* -infinity, also "no watermark yet" */
#define MR_TIME_MAX INT64_MAX /* infinity */

#define MR_US_PER_SECOND INT64_C(1000000)
#define MR_US_PER_DAY INT64_C(86400000000)

typedef struct MrInterval {
    int64_t us;
    int32_t days;
    int32_t months;
} MrInterval;

/* A moment's calendar fields; year may be negative or zero (1 BC is 0). */
typedef struct MrCivil {
    int32_t year;
    int32_t month, day, hour, minute, second, microsecond; /* month and day from 1 */
} MrCivil;
int64_t mr_civil_to_us(const MrCivil *civil); /* fields must be in range */
void mr_civil_from_us(int64_t us, MrCivil *out);
int32_t mr_days_from_civil(int32_t year, int32_t month, int32_t day);

/* PostgreSQL's input forms with DateStyle MDY: ISO 8601 with blank or T, optional zone
 * (Z, +hh[:mm[:ss]], zone name), 'epoch', 'infinity', month names, AD/BC. Errors: 22007 malformed,
 * 22008 out of range.  A zone in the text of a `timestamp` is ignored, as in PostgreSQL; without
 * one a timestamptz is local time of `zone` (NULL: UTC), whose style gives the order of a date. */
MrStatus mr_date_parse(MrString text, int32_t *out, MrError *err);
MrStatus mr_time_parse(MrString text, int64_t *out, MrError *err);
MrStatus mr_timestamp_parse(MrString text, int64_t *out, MrError *err);
MrStatus mr_timestamptz_parse(MrString text, const MrTimezone *zone, int64_t *out, MrError *err);
/* The same for another order of a date's numbers. */
MrStatus mr_date_parse_as(MrString text, MrDateOrder order, int32_t *out, MrError *err);
MrStatus mr_time_parse_as(MrString text, MrDateOrder order, int64_t *out, MrError *err);
MrStatus mr_timestamp_parse_as(MrString text, MrDateOrder order, int64_t *out, MrError *err);
/* PostgreSQL's forms ('1 day 02:00', '1 mon', ISO 8601 'P1DT2H', '@ 1 hour ago' …). */
MrStatus mr_interval_parse(MrString text, MrInterval *out, MrError *err);
/* The same with IntervalStyle sql_standard's rule: a leading minus that is the only sign is that of
 * every part.  `typmod` -1: none. */
MrStatus mr_interval_parse_as(MrString text, int32_t typmod, MrIntervalStyle style, MrInterval *out,
                              MrError *err);
/* The typmod of an interval, as PostgreSQL's: the fields' bits << 16 | digits of a second. */
enum {
    MR_INTERVAL_BIT_MONTH = 1 << 1,
    MR_INTERVAL_BIT_YEAR = 1 << 2,
    MR_INTERVAL_BIT_DAY = 1 << 3,
    MR_INTERVAL_BIT_HOUR = 1 << 10,
    MR_INTERVAL_BIT_MINUTE = 1 << 11,
    MR_INTERVAL_BIT_SECOND = 1 << 12,
    MR_INTERVAL_FULL_RANGE = 0x7fff,
    MR_INTERVAL_FULL_PRECISION = 0xffff,
    MR_INTERVAL_TYPMOD_TEXT_MAX = 40
};
/* "interval day to second(3)". */
const char *mr_interval_typmod_text(int32_t typmod, char out[MR_INTERVAL_TYPMOD_TEXT_MAX]);
/* Cuts off what is finer than the fields and rounds to the precision. */
void mr_interval_apply_typmod(MrInterval *interval, int32_t typmod);
/* A bare number counts the last field; '1:30' of minute to second has no hours. */
MrStatus mr_interval_parse_typmod(MrString text, int32_t typmod, MrInterval *out, MrError *err);
/* Only the plain form `YYYY-MM-DD[ T]hh:mm:ss[.ffffff][Z|+00]` that streams are full of; false:
 * take the general parser.  Digits are checked, ranges too. */
bool mr_timestamp_parse_fast(const char *data, size_t length, int64_t *out);

#define MR_DATETIME_TEXT_MAX 112 /* an interval in words may need 95 */
/* Write PostgreSQL's ISO output without a NUL and return its length. */
size_t mr_date_format(int32_t days, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_time_format(int64_t us, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_timestamp_format(int64_t us, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_timestamptz_format(int64_t us, const MrTimezone *zone, char out[MR_DATETIME_TEXT_MAX]);
/* The same in the style's DateStyle; of a timestamptz it is the zone's.  Times of day have one. */
size_t mr_date_format_as(int32_t days, const MrTextStyle *style, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_timestamp_format_as(int64_t us, const MrTextStyle *style, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_timestamptz_format_as(int64_t us, const MrTimezone *zone, char out[MR_DATETIME_TEXT_MAX]);
/* As JSON has them whatever DateStyle is: 2026-01-01T10:00:00+02:00. */
size_t mr_timestamp_format_json(int64_t us, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_timestamptz_format_json(int64_t us, const MrTimezone *zone,
                                  char out[MR_DATETIME_TEXT_MAX]);
/* "+02", "-03:30": seconds east of UTC. */
size_t mr_zone_offset_format(int32_t offset, char *out);
/* IntervalStyle postgres: `1 mon 2 days 00:00:03.5`. */
size_t mr_interval_format(const MrInterval *interval, char out[MR_DATETIME_TEXT_MAX]);
size_t mr_interval_format_as(const MrInterval *interval, MrIntervalStyle style,
                             char out[MR_DATETIME_TEXT_MAX]);

/* Compared and hashed as PostgreSQL does: a month is 30 days, a day 24 hours. */
int mr_interval_compare(const MrInterval *a, const MrInterval *b);
uint64_t mr_interval_hash(const MrInterval *interval);
/* timestamp + interval: months (day clipped to the month's end), days, then microseconds. */
MrStatus mr_timestamp_add_interval(int64_t us, const MrInterval *interval, int64_t *out,
                                   MrError *err);
/* timestamptz + interval: months and days are those of the local calendar of `zone`. */
MrStatus mr_timestamptz_add_interval(int64_t us, const MrInterval *interval, const MrTimezone *zone,
                                     int64_t *out, MrError *err);
/* a - b as days and time, the way PostgreSQL's timestamp subtraction gives it.  Both are finite
 * here, in age and in extract: what infinities mean is the caller's business. */
MrInterval mr_timestamp_subtract(int64_t a, int64_t b);
MrInterval mr_timestamp_age(int64_t a, int64_t b);
MrInterval mr_interval_negate(const MrInterval *interval);
MrStatus mr_interval_add(const MrInterval *a, const MrInterval *b, MrInterval *out, MrError *err);
MrStatus mr_interval_subtract(const MrInterval *a, const MrInterval *b, MrInterval *out,
                              MrError *err);
MrStatus mr_interval_multiply(const MrInterval *a, double factor, MrInterval *out, MrError *err);
MrStatus mr_interval_divide(const MrInterval *a, double divisor, MrInterval *out, MrError *err);
/* extract(field FROM …) as numeric needs exactness: value = *coefficient / 10^*scale.  `field` is
 * lower case; 22023 for an unknown one. */
MrStatus mr_timestamp_extract(MrString field, int64_t us, int64_t *coefficient, int16_t *scale,
                              MrError *err);
/* Within how many us, counted from a multiple of that, the field of a moment does not change: those
 * of a minute, an hour or a day; 1 for all others. */
int64_t mr_timestamp_field_unit_us(MrString field);
MrStatus mr_interval_extract(MrString field, const MrInterval *interval, int64_t *coefficient,
                             int16_t *scale, MrError *err);
/* date_trunc on the local time line; 22023 for an unknown field. */
MrStatus mr_timestamp_truncate(MrString field, int64_t us, int64_t *out, MrError *err);
MrStatus mr_interval_truncate(MrString field, const MrInterval *interval, MrInterval *out,
                              MrError *err);

#endif
