/*
 * common/datetime_decode.h - the fields of a moment's text, put together; for the parsers only.
 */
#ifndef MR_COMMON_DATETIME_DECODE_H
#define MR_COMMON_DATETIME_DECODE_H

#include "common/datetime_scan.h"

/* What has been read so far. */
enum {
    MR_HAS_YEAR = 1,
    MR_HAS_MONTH = 2,
    MR_HAS_DAY = 4,
    MR_HAS_DATE = 7,
    MR_HAS_TIME = 8,
    MR_HAS_ZONE = 16,
    MR_HAS_HALF_DAY = 32,
    MR_HAS_ERA = 64,
    MR_HAS_WEEKDAY = 128,
    MR_HAS_SPECIAL = 256,
};

typedef enum MrDecodeOutcome {
    MR_DECODED,
    MR_DECODED_MALFORMED,
    MR_DECODED_OUT_OF_RANGE,
    MR_DECODED_MONTH_OR_DAY_OUT_OF_RANGE,
    MR_DECODED_ZONE_OUT_OF_RANGE,
    MR_DECODED_ZONE_UNKNOWN,
    MR_DECODED_NEEDS_CLOCK,
} MrDecodeOutcome;

typedef struct MrDateDecoder {
    MrDateOrder order;
    unsigned mask;
    int64_t year;
    int64_t month, day;
    int64_t year_day; /* 0: none */
    MrClockTime clock;
    bool two_digit_year;
    bool text_month;  /* a month's name was read within the date at hand */
    bool loose_month; /* a month's name was read as a field of its own */
    int half_day;     /* of MR_HAS_HALF_DAY: 0 am, 1 pm */
    bool before_christ;
    MrWordKind special;
    int32_t zone_offset;
    const MrTimezone *zone; /* NULL: zone_offset counts */
    const char *zone_text;  /* for the message */
} MrDateDecoder;

#define MR_DATE_YEAR_MAX 5874897
#define MR_DATE_FIRST_DAY INT64_C(-2440588) /* 4714-11-24 BC, day 0 of Julian days */

static inline int64_t mr_clock_time_us(const MrClockTime *clock)
{
    return ((clock->hour * 60 + clock->minute) * 60 + clock->second) * MR_US_PER_SECOND +
           clock->microsecond;
}

/* Reads a whole date (`is_time`: a whole time of day) and checks its ranges.  `fields` holds the
 * text that decoder->zone_text points into. */
MrDecodeOutcome mr_datetime_decode(MrString text, MrDateOrder order, bool is_time,
                                   MrDateDecoder *decoder, MrDateFields *fields);
/* The error of an outcome that is none of a text of that type. */
MrStatus mr_datetime_outcome_error(MrDecodeOutcome outcome, const MrDateDecoder *decoder,
                                   MrString text, const char *type_name, MrError *err);

#endif
