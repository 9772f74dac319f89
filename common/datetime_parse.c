/*
 * common/datetime_parse.c - text to dates, times and timestamps: ranges of the types, and errors.
 */
#include "common/datetime.h"
#include "common/datetime_decode.h"
#include "common/timezone.h"

#define SHOWN(text) (int)((text).length < 400 ? (text).length : 400), (text).data

MrStatus mr_datetime_outcome_error(MrDecodeOutcome outcome, const MrDateDecoder *decoder,
                                   MrString text, const char *type_name, MrError *err)
{
    switch (outcome) {
    case MR_DECODED_OUT_OF_RANGE:
    case MR_DECODED_MONTH_OR_DAY_OUT_OF_RANGE:
        mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date/time field value out of range: \"%.*s\"",
                     SHOWN(text));
        if (outcome == MR_DECODED_MONTH_OR_DAY_OUT_OF_RANGE) {
            mr_error_hint(err, "Perhaps you need a different \"datestyle\" setting.");
        }
        return MR_ERR_DATETIME_OVERFLOW;
    case MR_DECODED_ZONE_OUT_OF_RANGE:
        return mr_error_set(err, MR_ERR_INVALID_TIME_ZONE,
                            "time zone displacement out of range: \"%.*s\"", SHOWN(text));
    case MR_DECODED_ZONE_UNKNOWN:
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "time zone \"%.100s\" not recognized",
                            decoder->zone_text);
    case MR_DECODED_NEEDS_CLOCK:
        mr_error_set(err, MR_ERR_UNSUPPORTED, "\"%.*s\" is not supported as text for type %s",
                     SHOWN(text), type_name);
        mr_error_hint(err,
                      "Use now() or CURRENT_DATE; in a SELECT at the prompt it may be a literal.");
        return MR_ERR_UNSUPPORTED;
    default:
        return mr_error_set(err, MR_ERR_INVALID_DATETIME,
                            "invalid input syntax for type %s: \"%.*s\"", type_name, SHOWN(text));
    }
}

MrStatus mr_date_parse(MrString text, int32_t *out, MrError *err)
{
    return mr_date_parse_as(text, MR_DATE_MDY, out, err);
}

MrStatus mr_date_parse_as(MrString text, MrDateOrder order, int32_t *out, MrError *err)
{
    MrDateDecoder decoder;
    MrDateFields fields;
    MrDecodeOutcome outcome = mr_datetime_decode(text, order, false, &decoder, &fields);

    if (outcome != MR_DECODED) {
        return mr_datetime_outcome_error(outcome, &decoder, text, "date", err);
    }
    if ((decoder.mask & MR_HAS_SPECIAL) != 0) {
        *out = decoder.special == MR_WORD_EPOCH      ? 0
               : decoder.special == MR_WORD_INFINITY ? INT32_MAX
                                                     : INT32_MIN;
        return MR_OK;
    }
    if (decoder.year > MR_DATE_YEAR_MAX ||
        mr_days_from_civil((int32_t)decoder.year, (int32_t)decoder.month, (int32_t)decoder.day) <
            MR_DATE_FIRST_DAY) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date out of range: \"%.*s\"",
                            SHOWN(text));
    }
    *out = mr_days_from_civil((int32_t)decoder.year, (int32_t)decoder.month, (int32_t)decoder.day);
    return MR_OK;
}

MrStatus mr_time_parse(MrString text, int64_t *out, MrError *err)
{
    return mr_time_parse_as(text, MR_DATE_MDY, out, err);
}

MrStatus mr_time_parse_as(MrString text, MrDateOrder order, int64_t *out, MrError *err)
{
    MrDateDecoder decoder;
    MrDateFields fields;
    MrDecodeOutcome outcome = mr_datetime_decode(text, order, true, &decoder, &fields);

    if (outcome == MR_DECODED && (decoder.mask & MR_HAS_SPECIAL) != 0) {
        outcome = MR_DECODED_MALFORMED;
    }
    if (outcome != MR_DECODED) {
        return mr_datetime_outcome_error(outcome, &decoder, text, "time", err);
    }
    *out = mr_clock_time_us(&decoder.clock);
    return MR_OK;
}

static MrStatus timestamp_out_of_range(MrString text, MrError *err)
{
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range: \"%.*s\"",
                        SHOWN(text));
}

/* To local microseconds; `decoder` has the zone, if the text gave one. */
static MrStatus parse_moment(MrString text, MrDateOrder order, const char *type_name,
                             MrDateDecoder *decoder, int64_t *out, MrError *err)
{
    MrDateFields fields;
    MrDecodeOutcome outcome = mr_datetime_decode(text, order, false, decoder, &fields);

    if (outcome != MR_DECODED) {
        return mr_datetime_outcome_error(outcome, decoder, text, type_name, err);
    }
    if ((decoder->mask & MR_HAS_SPECIAL) != 0) {
        *out = decoder->special == MR_WORD_EPOCH      ? 0
               : decoder->special == MR_WORD_INFINITY ? INT64_MAX
                                                      : INT64_MIN;
        return MR_OK;
    }
    int64_t days =
        mr_days_from_civil((int32_t)decoder->year, (int32_t)decoder->month, (int32_t)decoder->day);
    __int128 us = (__int128)days * MR_US_PER_DAY + mr_clock_time_us(&decoder->clock);
    if (days < MR_DATE_FIRST_DAY || us >= INT64_MAX) {
        return timestamp_out_of_range(text, err);
    }
    *out = (int64_t)us;
    return MR_OK;
}

MrStatus mr_timestamp_parse(MrString text, int64_t *out, MrError *err)
{
    return mr_timestamp_parse_as(text, MR_DATE_MDY, out, err);
}

MrStatus mr_timestamp_parse_as(MrString text, MrDateOrder order, int64_t *out, MrError *err)
{
    MrDateDecoder decoder;
    if (mr_timestamp_parse_fast(text.data, text.length, out)) {
        return MR_OK;
    }
    return parse_moment(text, order, "timestamp", &decoder, out, err);
}

MrStatus mr_timestamptz_parse(MrString text, const MrTimezone *zone, int64_t *out, MrError *err)
{
    MrDateDecoder decoder;
    int64_t local;

    if (mr_timestamp_parse_fast(text.data, text.length, &local)) {
        bool has_zone = text.data[text.length - 1] == 'Z' || text.data[text.length - 3] == '+';
        *out = has_zone ? local : mr_timezone_local_to_utc(zone, local);
        return MR_OK;
    }
    const MrDateOrder order = (MrDateOrder)mr_timezone_style(zone)->date_order;
    MR_TRY(parse_moment(text, order, "timestamp with time zone", &decoder, &local, err));
    if ((decoder.mask & MR_HAS_SPECIAL) != 0) {
        *out = local;
        return MR_OK;
    }
    if ((decoder.mask & MR_HAS_ZONE) != 0 && decoder.zone == NULL) {
        *out = local - decoder.zone_offset * MR_US_PER_SECOND;
    } else {
        *out = mr_timezone_local_to_utc((decoder.mask & MR_HAS_ZONE) != 0 ? decoder.zone : zone,
                                        local);
    }
    if (*out < MR_DATE_FIRST_DAY * MR_US_PER_DAY || *out == INT64_MAX) {
        return timestamp_out_of_range(text, err);
    }
    return MR_OK;
}
