/*
 * common/datetime_scan.h - the fields of a date's or interval's text, for the parsers only.
 * The cut is PostgreSQL's ParseDateTime, because what it takes for one field decides what it reads.
 */
#ifndef MR_COMMON_DATETIME_SCAN_H
#define MR_COMMON_DATETIME_SCAN_H

#include "common/datetime.h"

#define MR_DATETIME_FIELDS_MAX 25
#define MR_DATETIME_TEXT_BYTES_MAX 160 /* more is no date, as in PostgreSQL */

typedef enum MrFieldKind {
    MR_FIELD_NUMBER, /* digits, perhaps a fraction */
    MR_FIELD_WORD,
    MR_FIELD_DATE,    /* 2024-01-02, 2-Jan-2024; also a zone's name: america/new_york */
    MR_FIELD_TIME,    /* digits with a colon */
    MR_FIELD_ZONE,    /* a sign, then a digit */
    MR_FIELD_SPECIAL, /* a sign, then a letter: -infinity */
} MrFieldKind;

typedef struct MrDateField {
    MrFieldKind kind;
    char *text; /* NUL-terminated, lower case */
} MrDateField;

typedef struct MrDateFields {
    int count;
    MrDateField fields[MR_DATETIME_FIELDS_MAX];
    char buffer[MR_DATETIME_TEXT_BYTES_MAX + MR_DATETIME_FIELDS_MAX];
} MrDateFields;

/* False when the text is no sequence of such fields. */
bool mr_datetime_scan(MrString text, MrDateFields *out);

/* What a word means in a date. */
typedef enum MrWordKind {
    MR_WORD_UNKNOWN,
    MR_WORD_IGNORED, /* "at", "on" */
    MR_WORD_EPOCH,
    MR_WORD_INFINITY,
    MR_WORD_MINUS_INFINITY,
    MR_WORD_CLOCK,    /* now, today …: not known here */
    MR_WORD_MIDNIGHT, /* allballs */
    MR_WORD_MONTH,    /* value 1 .. 12 */
    MR_WORD_WEEKDAY,  /* value 0 is Sunday */
    MR_WORD_HALF_DAY, /* value 0 am, 1 pm */
    MR_WORD_ERA,      /* value 0 AD, 1 BC */
    MR_WORD_TIME,     /* the T of ISO 8601 */
    MR_WORD_UNIT,     /* y, m, d, h, s: may stand right before a digit (1h30m) */
} MrWordKind;
MrWordKind mr_datetime_word(const char *word, int *value);

/* hh:mm[:ss[.fraction]]; mm:ss.fraction without an hour.  Nothing is said about ranges but those of
 * minute and second.  *overflow tells a field out of range from a malformed one. */
typedef struct MrClockTime {
    int64_t hour;
    int minute, second, microsecond; /* microsecond up to 1000000, by rounding */
} MrClockTime;
bool mr_clock_time_parse(const char *text, MrClockTime *out, bool *overflow);
/* ".125" to microseconds, rounded; false when there is anything but digits. */
bool mr_fraction_parse(const char *text, int *microsecond);

#endif
