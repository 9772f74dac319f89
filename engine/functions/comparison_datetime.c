/*
 * engine/functions/comparison_datetime.c - comparisons of dates, times and intervals, also of one
 * kind with another: a date is its midnight, a timestamp is local time of the query's zone.
 */
#include "engine/functions/comparison_template.h"
#include "engine/functions/datetime_cells.h"

#define INT_EQ(x, y) ((x) == (y))
#define INT_NE(x, y) ((x) != (y))
#define INT_LT(x, y) ((x) < (y))
#define INT_LE(x, y) ((x) <= (y))

COMPARE(MR_CLONES, date_date, int32_t, int32_t, INT)
COMPARE(MR_CLONES, time_time, int64_t, int64_t, INT)

#define INTERVAL_EQ(x, y) (mr_interval_compare(&(x), &(y)) == 0)
#define INTERVAL_NE(x, y) (mr_interval_compare(&(x), &(y)) != 0)
#define INTERVAL_LT(x, y) (mr_interval_compare(&(x), &(y)) < 0)
#define INTERVAL_LE(x, y) (mr_interval_compare(&(x), &(y)) <= 0)
COMPARE_GUARDED(interval_interval, MrInterval, MrInterval, INTERVAL)

#define TIMETZ_EQ(x, y) (mr_timetz_compare(&(x), &(y)) == 0)
#define TIMETZ_NE(x, y) (mr_timetz_compare(&(x), &(y)) != 0)
#define TIMETZ_LT(x, y) (mr_timetz_compare(&(x), &(y)) < 0)
#define TIMETZ_LE(x, y) (mr_timetz_compare(&(x), &(y)) <= 0)
COMPARE_GUARDED(timetz_timetz, MrTimetz, MrTimetz, TIMETZ)

static inline int64_t midnight(int32_t days)
{
    int64_t us;
    mr_date_to_timestamp(days, &us);
    return us;
}
static inline int64_t moment(const MrEval *eval, int64_t local_us)
{
    return local_us == MR_TIME_MAX - 1 ? local_us : mr_local_to_utc(mr_eval_zone(eval), local_us);
}

/* The pairs of different kinds: LEFT and RIGHT bring x and y onto one line. */
#define MIXED(NAME, A, B, LEFT, RIGHT)                                    \
    MR_GUARDED_BINARY_KERNEL(NAME##_eq, A, B, uint8_t, (LEFT) == (RIGHT)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_ne, A, B, uint8_t, (LEFT) != (RIGHT)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_lt, A, B, uint8_t, (LEFT) < (RIGHT))  \
    MR_GUARDED_BINARY_KERNEL(NAME##_le, A, B, uint8_t, (LEFT) <= (RIGHT)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_gt, A, B, uint8_t, (LEFT) > (RIGHT))  \
    MR_GUARDED_BINARY_KERNEL(NAME##_ge, A, B, uint8_t, (LEFT) >= (RIGHT))

MIXED(date_timestamp, int32_t, int64_t, midnight(x), y)
MIXED(timestamp_date, int64_t, int32_t, x, midnight(y))
MIXED(date_timestamptz, int32_t, int64_t, moment(eval, midnight(x)), y)
MIXED(timestamptz_date, int64_t, int32_t, x, moment(eval, midnight(y)))
MIXED(timestamp_timestamptz, int64_t, int64_t, moment(eval, x), y)
MIXED(timestamptz_timestamp, int64_t, int64_t, x, moment(eval, y))

#define DAY_1 "DATE '2026-01-01'"
#define DAY_2 "DATE '2026-01-02'"
#define TS_1 "TIMESTAMP '2026-01-01 10:00:00'"
#define TS_2 "TIMESTAMP '2026-01-03 10:00:00'"
#define TZ_1 "TIMESTAMPTZ '2026-01-01 10:00:00+00'"
#define TZ_2 "TIMESTAMPTZ '2026-01-03 10:00:00+00'"

const MrFunction mr_functions_comparison_datetime[] = {
    COMPARE_ENTRIES(DATE, DATE, date_date, 0, DAY_1,
                    DAY_2) COMPARE_ENTRIES(TIME, TIME, time_time, 0, "TIME '10:00'", "TIME '11:00'")
        COMPARE_ENTRIES(TIMESTAMP, TIMESTAMP, time_time, 0, TS_1, TS_2)
            COMPARE_ENTRIES(TIMESTAMPTZ, TIMESTAMPTZ, time_time, 0, TZ_1, TZ_2) COMPARE_ENTRIES(
                INTERVAL, INTERVAL, interval_interval, 0, "INTERVAL '29 days'",
                "INTERVAL '1 month'") COMPARE_ENTRIES(TIMETZ, TIMETZ, timetz_timetz, 0,
                                                      "TIMETZ '10:00+02'", "TIMETZ '09:00+00'")
                COMPARE_ENTRIES(DATE, TIMESTAMP, date_timestamp, 0, DAY_1, TS_2)
                    COMPARE_ENTRIES(TIMESTAMP, DATE, timestamp_date, 0, TS_1, DAY_2)
                        COMPARE_ENTRIES(DATE, TIMESTAMPTZ, date_timestamptz, STABLE, DAY_1, TZ_2)
                            COMPARE_ENTRIES(TIMESTAMPTZ, DATE, timestamptz_date, STABLE, TZ_1,
                                            DAY_2 " + 1")
                                COMPARE_ENTRIES(TIMESTAMP, TIMESTAMPTZ, timestamp_timestamptz,
                                                STABLE, TS_1, TZ_2)
                                    COMPARE_ENTRIES(TIMESTAMPTZ, TIMESTAMP, timestamptz_timestamp,
                                                    STABLE, TZ_1, TS_2)
};
MR_FAMILY_COUNT(comparison_datetime);
