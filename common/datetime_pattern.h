/*
 * common/datetime_pattern.h - a compiled template, for datetime_template*.c only.
 */
#ifndef MR_COMMON_DATETIME_PATTERN_H
#define MR_COMMON_DATETIME_PATTERN_H

#include "common/datetime_template.h"

typedef enum MrPatternKey {
    MR_PATTERN_AM,
    MR_PATTERN_A_M,
    MR_PATTERN_AD,
    MR_PATTERN_A_D,
    MR_PATTERN_CC,
    MR_PATTERN_D,
    MR_PATTERN_DAY,
    MR_PATTERN_DD,
    MR_PATTERN_DDD,
    MR_PATTERN_DY,
    MR_PATTERN_FF,
    MR_PATTERN_FX,
    MR_PATTERN_HH12,
    MR_PATTERN_HH24,
    MR_PATTERN_I,
    MR_PATTERN_ID,
    MR_PATTERN_IDDD,
    MR_PATTERN_IW,
    MR_PATTERN_IY,
    MR_PATTERN_IYY,
    MR_PATTERN_IYYY,
    MR_PATTERN_J,
    MR_PATTERN_MI,
    MR_PATTERN_MM,
    MR_PATTERN_MON,
    MR_PATTERN_MONTH,
    MR_PATTERN_MS,
    MR_PATTERN_OF,
    MR_PATTERN_Q,
    MR_PATTERN_RM,
    MR_PATTERN_SS,
    MR_PATTERN_SSSS,
    MR_PATTERN_TZ,
    MR_PATTERN_TZH,
    MR_PATTERN_TZM,
    MR_PATTERN_US,
    MR_PATTERN_W,
    MR_PATTERN_WW,
    MR_PATTERN_Y,
    MR_PATTERN_YY,
    MR_PATTERN_YYY,
    MR_PATTERN_YYYY,
    MR_PATTERN_Y_YYY,
} MrPatternKey;

typedef enum MrNodeKind {
    MR_NODE_FIELD,
    MR_NODE_BLANK,
    MR_NODE_SEPARATOR, /* punctuation outside of quotes */
    MR_NODE_TEXT,      /* any other character, and all of quoted text */
} MrNodeKind;

/* How letters are written: as the pattern itself was. */
typedef enum MrLetterCase { MR_CASE_UPPER, MR_CASE_TITLE, MR_CASE_LOWER } MrLetterCase;

typedef struct MrTemplateNode {
    MrNodeKind kind;
    /* of a field */
    MrPatternKey key;
    MrLetterCase letters;
    uint8_t digits;    /* of FF1 .. FF6 */
    bool reads_digits; /* the field starts with a digit in input */
    bool fill;         /* FM */
    bool ordinal;      /* TH or th */
    bool ordinal_upper;
    const char *name; /* as messages name it */
    /* of the others */
    const char *text;
    size_t length; /* one character */
    bool is_quoted;
} MrTemplateNode;

struct MrDatetimeTemplate {
    size_t node_count;
    MrTemplateNode *nodes;
};

/* What was read; 0 means "not given", as in PostgreSQL, except where a flag says more. */
typedef struct MrTemplateFields {
    int hour, minute, second, millisecond, microsecond, second_of_day;
    int day, month, year, century, year_day, week, week_of_month, weekday, julian;
    int year_digits;
    bool twelve_hours, pm, before_christ, iso, plain;
    bool has_zone;
    int zone_sign, zone_hour, zone_minute;
} MrTemplateFields;

/* Days since 1970 and microseconds of the day; `text` is for messages. */
MrStatus mr_template_resolve(MrTemplateFields *fields, MrString text, int64_t *days, int64_t *us,
                             MrError *err);

/* Reads a text that the template has to fit in full, separators and all. */
MrStatus mr_template_read_strict(const MrDatetimeTemplate *template, MrString text,
                                 MrTemplateFields *fields, int64_t *days, int64_t *us,
                                 MrError *err);

extern const char *const mr_month_names[12];
extern const char *const mr_day_names[7]; /* Sunday first */
extern const char *const mr_roman_months[12];

#endif
