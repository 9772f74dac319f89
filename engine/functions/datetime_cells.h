/*
 * engine/functions/datetime_cells.h - dates, timestamps and moments as one another.
 * Infinities map to infinities; what leaves the range of the other type is told.
 */
#ifndef MR_ENGINE_FUNCTIONS_DATETIME_CELLS_H
#define MR_ENGINE_FUNCTIONS_DATETIME_CELLS_H

#include "common/clock.h"
#include "common/timezone.h"
#include "storage/types.h"

/* Timestamps begin at 4714-11-24 BC as PostgreSQL's; they end where 64 bits end (in the year
 * 294247: PostgreSQL, which counts from 2000, gets 30 years further). */
#define MR_TIMESTAMP_FIRST INT64_C(-210866803200000000)
#define MR_TIMESTAMP_END MR_TIME_MAX
/* Its range of dates ends with 5874897-12-31. */
#define MR_DATE_FIRST (-2440588)
#define MR_DATE_END 2145042905

static inline bool mr_timestamp_is_finite(int64_t us)
{
    return us != MR_TIME_MIN && us != MR_TIME_MAX;
}
/* Of a finite result. */
static inline bool mr_timestamp_in_range(int64_t us)
{
    return us >= MR_TIMESTAMP_FIRST && us != MR_TIMESTAMP_END;
}
static inline bool mr_date_is_finite(int32_t days)
{
    return days != INT32_MIN && days != INT32_MAX;
}
/* False when the day is beyond the last timestamp; then `out` is later than every finite one. */
static inline bool mr_date_to_timestamp(int32_t days, int64_t *out)
{
    if (!mr_date_is_finite(days)) {
        *out = days == INT32_MIN ? MR_TIME_MIN : MR_TIME_MAX;
        return true;
    }
    if (days >= MR_TIMESTAMP_END / MR_US_PER_DAY) {
        *out = MR_TIME_MAX - 1;
        return false;
    }
    *out = days * MR_US_PER_DAY;
    return true;
}
static inline int64_t mr_floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}
static inline int32_t mr_timestamp_to_date(int64_t us)
{
    if (!mr_timestamp_is_finite(us)) {
        return us == MR_TIME_MIN ? INT32_MIN : INT32_MAX;
    }
    return (int32_t)mr_floor_divide(us, MR_US_PER_DAY);
}
static inline int64_t mr_local_to_utc(const MrTimezone *zone, int64_t us)
{
    return mr_timestamp_is_finite(us) ? mr_timezone_local_to_utc(zone, us) : us;
}
static inline int64_t mr_utc_to_local(const MrTimezone *zone, int64_t us)
{
    return mr_timestamp_is_finite(us) ? mr_timezone_utc_to_local(zone, us) : us;
}

/* The unit of time that a row lies in; neighbouring rows mostly share it, so that what depends on
 * it alone is found once for them.  Starts as { .unit_us = … }, which holds no moment. */
typedef struct MrUnitSpan {
    int64_t unit_us, start_us, end_us;
} MrUnitSpan;

static inline bool mr_unit_span_has(const MrUnitSpan *span, int64_t us)
{
    return us >= span->start_us && us < span->end_us;
}
/* Moves to the unit of `us`; to none where that is infinite or next to it. */
static inline void mr_unit_span_move(MrUnitSpan *span, int64_t us)
{
    span->start_us = mr_floor_divide(us, span->unit_us);
    if (!mr_timestamp_is_finite(us) ||
        __builtin_mul_overflow(span->start_us, span->unit_us, &span->start_us) ||
        __builtin_add_overflow(span->start_us, span->unit_us, &span->end_us)) {
        span->start_us = span->end_us = 0;
    }
}
static inline void mr_unit_span_leave(MrUnitSpan *span)
{
    span->start_us = span->end_us = 0;
}

/* Times of day go round the clock. */
static inline int64_t mr_round_the_clock(int64_t us)
{
    us %= MR_US_PER_DAY;
    return us < 0 ? us + MR_US_PER_DAY : us;
}

#endif
