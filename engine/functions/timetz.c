/*
 * engine/functions/timetz.c - times of day with their distance from UTC: arithmetic and zones.
 */
#include "engine/functions/datetime_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

MR_BINARY_KERNEL(MR_NO_CLONES, timetz_plus_interval, MrTimetz, MrInterval, MrTimetz,
                 mr_timetz(mr_round_the_clock(x.us + y.us % MR_US_PER_DAY), x.offset))
MR_BINARY_KERNEL(MR_NO_CLONES, interval_plus_timetz, MrInterval, MrTimetz, MrTimetz,
                 mr_timetz(mr_round_the_clock(y.us + x.us % MR_US_PER_DAY), y.offset))
MR_BINARY_KERNEL(MR_NO_CLONES, timetz_minus_interval, MrTimetz, MrInterval, MrTimetz,
                 mr_timetz(mr_round_the_clock(x.us - y.us % MR_US_PER_DAY), x.offset))

/* The moment of the day that is that time there. */
static MrStatus date_at_timetz(MrEval *eval, const MrVector *date, const MrVector *time,
                               uint32_t rows, MrVector *out)
{
    const MrVector *args[2] = { date, time };
    int64_t *results = out->data;
    MR_EACH_ROW(i)
    {
        if (!mr_date_to_timestamp(MR_ARG(int32_t, 0, i), &results[i])) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "date out of range for timestamp"));
        } else if (mr_timestamp_is_finite(results[i])) {
            results[i] += mr_timetz_utc_us(&MR_ARG(MrTimetz, 1, i));
        }
    }
    return MR_OK;
}
MR_KERNEL(date_plus_timetz)
{
    (void)arg_count;
    return date_at_timetz(eval, args[0], args[1], rows, out);
}
MR_KERNEL(timetz_plus_date)
{
    (void)arg_count;
    return date_at_timetz(eval, args[1], args[0], rows, out);
}

/* ---- AT TIME ZONE ---- */

/* A name says how far from UTC it is in standard time: the value has no date. */
MR_KERNEL(timezone_of_timetz)
{
    MrTimetz *results = out->data;
    const MrTimezone *zone = NULL;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        if ((zone == NULL || !args[0]->is_constant) &&
            mr_timezone_find_operand(mr_arg_text(args[0], i), &zone, &error) != MR_OK) {
            zone = NULL;
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            continue;
        }
        results[i] = mr_timetz_at(&MR_ARG(MrTimetz, 1, i), mr_timezone_standard_offset(zone));
    }
    return MR_OK;
}

MR_KERNEL(interval_zone_of_timetz)
{
    MrTimetz *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrInterval *by = &MR_ARG(MrInterval, 0, i);
        const int64_t seconds = by->us / MR_US_PER_SECOND;
        if (by->months != 0 || by->days != 0) {
            char text[MR_DATETIME_TEXT_MAX];
            const size_t length = mr_interval_format(by, text);
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_INVALID_PARAMETER,
                                     "interval time zone \"%.*s\" must not include months or days",
                                     (int)length, text));
        } else if (seconds != (int32_t)seconds) {
            MR_TRY(
                mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW, "interval out of range"));
        } else {
            results[i] = mr_timetz_at(&MR_ARG(MrTimetz, 1, i), (int32_t)seconds);
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_timetz[] = {
    F2("+", DATE, TIMETZ, TIMESTAMPTZ, date_plus_timetz, FALLIBLE, "The day at that time.",
       "DATE '2026-09-28' + TIMETZ '03:00+01'", "2026-09-28 02:00:00+00"),
    F2("+", TIMETZ, DATE, TIMESTAMPTZ, timetz_plus_date, FALLIBLE, "The day at that time.",
       "TIMETZ '03:00+01' + DATE '2026-09-28'", "2026-09-28 02:00:00+00"),
    F2("+", TIMETZ, INTERVAL, TIMETZ, timetz_plus_interval, 0, "Later, round the clock.",
       "TIMETZ '23:00+01' + INTERVAL '3 hours'", "02:00:00+01"),
    F2("+", INTERVAL, TIMETZ, TIMETZ, interval_plus_timetz, 0, "Later, round the clock.",
       "INTERVAL '3 hours' + TIMETZ '23:00+01'", "02:00:00+01"),
    F2("-", TIMETZ, INTERVAL, TIMETZ, timetz_minus_interval, 0, "Earlier, round the clock.",
       "TIMETZ '05:00+01' - INTERVAL '2 hours'", "03:00:00+01"),
    F2("timezone", TEXT, TIMETZ, TIMETZ, timezone_of_timetz, FALLIBLE,
       "That time in the zone, in its standard time; SQL writes t AT TIME ZONE z.",
       "TIMETZ '20:38:40-05' AT TIME ZONE 'America/Denver'", "18:38:40-07"),
    F2("timezone", INTERVAL, TIMETZ, TIMETZ, interval_zone_of_timetz, FALLIBLE,
       "That time so far ahead of UTC.", "TIMETZ '20:38:40+00' AT TIME ZONE INTERVAL '2 hours'",
       "22:38:40+02"),
};
MR_FAMILY_COUNT(timetz);
