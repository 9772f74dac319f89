/*
 * common/datetime_template.h - moments to and from text by a template: to_char, to_timestamp and
 * to_date with PostgreSQL's patterns ('YYYY-MM-DD HH24:MI:SS', 'DD/Mon/YYYY:HH24:MI:SS').
 * Must not know SQL.  A template is compiled once and used for many rows; it never changes.
 */
#ifndef MR_COMMON_DATETIME_TEMPLATE_H
#define MR_COMMON_DATETIME_TEMPLATE_H

#include "common/datetime.h"

typedef struct MrDatetimeTemplate MrDatetimeTemplate;

/* In the arena; the text is copied.  What is no pattern is text, so only memory can fail. */
MrStatus mr_datetime_template_create(MrArena *arena, MrString text, MrDatetimeTemplate **out,
                                     MrError *err);

/* to_char.  `us` is finite (PostgreSQL gives NULL for infinities).  With a zone `us` is a UTC
 * moment that is shown there; without (NULL) it is a timestamp and has no zone to show. */
MrStatus mr_timestamp_to_char(const MrDatetimeTemplate *template, int64_t us,
                              const MrTimezone *zone, MrBuilder *out, MrError *err);
/* Within how many us, counted from a multiple of that, the text of a moment in UTC does not change:
 * a day, an hour, a minute, a second, or 1. */
int64_t mr_datetime_template_unit_us(const MrDatetimeTemplate *template);
/* to_char of a length of time; 22007 for what only a moment has (names, eras, weeks of a year). */
MrStatus mr_interval_to_char(const MrDatetimeTemplate *template, const MrInterval *interval,
                             MrBuilder *out, MrError *err);
/* to_timestamp: a UTC moment; fields without a zone are local time of `zone` (NULL: UTC). */
MrStatus mr_timestamp_from_template(const MrDatetimeTemplate *template, MrString text,
                                    const MrTimezone *zone, int64_t *out, MrError *err);
/* What a template says the text is. */
typedef enum MrTemplateKind {
    MR_TEMPLATE_DATE,
    MR_TEMPLATE_TIME,
    MR_TEMPLATE_TIMETZ,
    MR_TEMPLATE_TIMESTAMP,
    MR_TEMPLATE_TIMESTAMPTZ
} MrTemplateKind;
typedef struct MrTemplateMoment {
    MrTemplateKind kind;
    int64_t us;     /* of a time: of the day; of a timestamptz: in UTC; 0 of a date */
    int32_t days;   /* of a date */
    int32_t offset; /* seconds east of UTC, of those that have a zone */
} MrTemplateMoment;
/* As SQL/JSON's .datetime() reads: separators are those of the template, nothing is missing and
 * nothing is left.  22007, 22008 as PostgreSQL's. */
MrStatus mr_moment_from_template(const MrDatetimeTemplate *template, MrString text,
                                 MrTemplateMoment *out, MrError *err);
/* to_date. */
MrStatus mr_date_from_template(const MrDatetimeTemplate *template, MrString text, int32_t *out,
                               MrError *err);

#endif
