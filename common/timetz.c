/*
 * common/timetz.c - see timetz.h.
 */
#include "common/timetz.h"

#include "common/datetime_decode.h"
#include "common/timezone.h"

int mr_timetz_compare(const MrTimetz *a, const MrTimetz *b)
{
    const int64_t x = mr_timetz_utc_us(a), y = mr_timetz_utc_us(b);
    if (x != y) {
        return x < y ? -1 : 1;
    }
    return (a->offset < b->offset) - (a->offset > b->offset);
}

MrTimetz mr_timetz_at(const MrTimetz *time, int32_t offset)
{
    int64_t us = mr_timetz_utc_us(time) + (int64_t)offset * MR_US_PER_SECOND;
    us %= MR_US_PER_DAY;
    return mr_timetz(us < 0 ? us + MR_US_PER_DAY : us, offset);
}

int32_t mr_timezone_standard_offset(const MrTimezone *zone)
{
    const MrCivil january = { .year = 2026, .month = 1, .day = 15 },
                  july = { .year = 2026, .month = 7, .day = 15 };
    const int32_t a = mr_timezone_offset_at(zone, mr_civil_to_us(&january)),
                  b = mr_timezone_offset_at(zone, mr_civil_to_us(&july));
    return a < b ? a : b;
}

/* What the decoder's zone says; without a date one that has summer time says nothing. */
static bool zone_offset(const MrDateDecoder *decoder, const MrTimezone *session, int32_t *out)
{
    const bool has_date = (decoder->mask & MR_HAS_DATE) == MR_HAS_DATE;
    const bool has_zone = (decoder->mask & MR_HAS_ZONE) != 0;
    const MrTimezone *zone = has_zone ? decoder->zone : session;
    int64_t from, until;
    if (has_zone && zone == NULL) {
        *out = decoder->zone_offset;
        return true;
    }
    zone = zone != NULL ? zone : mr_timezone_utc();
    if (has_date) {
        const int64_t day = mr_days_from_civil((int32_t)decoder->year, (int32_t)decoder->month,
                                               (int32_t)decoder->day);
        const int64_t local = day * MR_US_PER_DAY + mr_clock_time_us(&decoder->clock);
        *out = mr_timezone_offset_at(zone, mr_timezone_local_to_utc(zone, local));
        return true;
    }
    *out = mr_timezone_standard_offset(zone);
    mr_timezone_span(zone, 0, &from, &until);
    return !has_zone || (from == MR_TIME_MIN && until == MR_TIME_MAX);
}

MrStatus mr_timetz_parse(MrString text, const MrTimezone *zone, MrTimetz *out, MrError *err)
{
    static const char type_name[] = "time with time zone";
    MrDateDecoder decoder;
    MrDateFields fields;
    int32_t offset = 0;
    const MrDateOrder order = (MrDateOrder)mr_timezone_style(zone)->date_order;
    MrDecodeOutcome outcome = mr_datetime_decode(text, order, true, &decoder, &fields);
    if (outcome == MR_DECODED &&
        ((decoder.mask & MR_HAS_SPECIAL) != 0 || !zone_offset(&decoder, zone, &offset))) {
        outcome = MR_DECODED_MALFORMED;
    }
    if (outcome != MR_DECODED) {
        return mr_datetime_outcome_error(outcome, &decoder, text, type_name, err);
    }
    *out = mr_timetz(mr_clock_time_us(&decoder.clock), offset);
    return MR_OK;
}

size_t mr_timetz_format(const MrTimetz *time, char out[MR_DATETIME_TEXT_MAX])
{
    const size_t length = mr_time_format(time->us, out);
    return length + mr_zone_offset_format(time->offset, out + length);
}
