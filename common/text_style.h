/*
 * common/text_style.h - the settings that decide how values look as text and how text is read:
 * IntervalStyle, DateStyle, bytea_output and extra_float_digits.
 */
#ifndef MR_COMMON_TEXT_STYLE_H
#define MR_COMMON_TEXT_STYLE_H

#include "common/text.h"

typedef enum MrIntervalStyle {
    MR_INTERVAL_POSTGRES,
    MR_INTERVAL_POSTGRES_VERBOSE,
    MR_INTERVAL_SQL_STANDARD,
    MR_INTERVAL_ISO_8601
} MrIntervalStyle;

typedef enum MrDateStyle {
    MR_DATE_ISO,
    MR_DATE_SQL,
    MR_DATE_POSTGRES,
    MR_DATE_GERMAN,
    MR_DATE_XML /* ISO with a T and whole offsets, for JSON; no setting's word */
} MrDateStyle;

/* What the numbers of a date are where its form leaves it open; the styles SQL and Postgres also
 * write the day first with DMY. */
typedef enum MrDateOrder { MR_DATE_MDY, MR_DATE_DMY, MR_DATE_YMD } MrDateOrder;

/* All zero but float_digits is what PostgreSQL starts with. */
typedef struct MrTextStyle {
    uint8_t interval;    /* MrIntervalStyle */
    uint8_t date;        /* MrDateStyle */
    uint8_t date_order;  /* MrDateOrder */
    bool bytea_escape;   /* bytea_output = escape */
    int8_t float_digits; /* extra_float_digits; all above 0 are 1, the shortest exact text */
} MrTextStyle;

extern const MrTextStyle mr_text_style_usual;
bool mr_text_style_equal(const MrTextStyle *a, const MrTextStyle *b);

/* By the setting's word, in any case; false: there is none of that name. */
bool mr_interval_style_find(MrString name, MrIntervalStyle *out);
const char *mr_interval_style_name(MrIntervalStyle style);
/* DateStyle's words ("sql, dmy", "German", "US"): what they leave open stays as it is in `style`.
 * False, with `style` as it was: two that contradict each other.  DEFAULT: as sessions start. */
bool mr_date_style_parse(MrString text, MrTextStyle *style);
/* As SHOW DateStyle has it: "ISO, MDY". */
const char *mr_date_style_name(const MrTextStyle *style);

/* What differs from the usual, as "; name=value" for each setting, appended to `out`. */
void mr_text_style_write(const MrTextStyle *style, MrBuilder *out);
/* Reads that; false when it is none. */
bool mr_text_style_read(MrString text, MrTextStyle *out);

#endif
