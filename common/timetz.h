/*
 * common/timetz.h - SQL's `time with time zone`: a time of day with its distance from UTC.
 * Must not know SQL types or codecs.
 */
#ifndef MR_COMMON_TIMETZ_H
#define MR_COMMON_TIMETZ_H

#include "common/datetime.h"

typedef struct MrTimetz {
    int64_t us;     /* local time of day, 0 to 24:00 */
    int32_t offset; /* seconds east of UTC */
    int32_t unused; /* 0, so that equal values have equal bytes */
} MrTimetz;

static inline MrTimetz mr_timetz(int64_t us, int32_t offset)
{
    return (MrTimetz){ .us = us, .offset = offset };
}
static inline int64_t mr_timetz_utc_us(const MrTimetz *time)
{
    return time->us - (int64_t)time->offset * MR_US_PER_SECOND;
}
/* By the moment, then the zone further west last, as PostgreSQL: only equal values are alike. */
int mr_timetz_compare(const MrTimetz *a, const MrTimetz *b);
/* The same moment at another distance from UTC. */
MrTimetz mr_timetz_at(const MrTimetz *time, int32_t offset);

/* The offset of a zone for times that have no date: that of January or July, whichever is less:
 * standard time, north and south.  PostgreSQL takes today's, on which no result may depend. */
int32_t mr_timezone_standard_offset(const MrTimezone *zone);
/* PostgreSQL's input forms: a time as of mr_time_parse, with a zone or without (`zone`; NULL: UTC).
 * A named zone that has summer time needs a date in the text. */
MrStatus mr_timetz_parse(MrString text, const MrTimezone *zone, MrTimetz *out, MrError *err);
/* "13:45:06.789+02", not terminated. */
size_t mr_timetz_format(const MrTimetz *time, char out[MR_DATETIME_TEXT_MAX]);

#endif
