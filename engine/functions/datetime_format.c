/*
 * engine/functions/datetime_format.c - to_char, to_timestamp and to_date by templates.
 * A constant template is compiled once per vector.  The patterns are common/datetime_template.h's.
 */
#include "common/datetime_template.h"
#include "engine/functions/datetime_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

typedef struct Formatter {
    MrEval *eval;
    const MrVector *templates;
    MrDatetimeTemplate *current;
} Formatter;

/* The row's template. */
static MrStatus formatter_at(Formatter *formatter, uint32_t row, MrError *err)
{
    if (formatter->current != NULL && formatter->templates->is_constant) {
        return MR_OK;
    }
    formatter->current = NULL;
    return mr_datetime_template_create(
        formatter->eval->arena, mr_arg_text(formatter->templates, row), &formatter->current, err);
}

/* What a template shows of a moment in UTC is the same within a unit of time: rows of one unit that
 * follow each other share a text. */
static MrStatus to_char_rows(MrEval *eval, const MrVector *const *args, uint32_t rows,
                             MrVector *out, const MrTimezone *zone)
{
    Formatter formatter = { eval, args[1], NULL };
    MrText *results = out->data, shared = { 0 };
    MrUnitSpan span = { 0 };
    const bool shares = args[1]->is_constant && (zone == NULL || zone == mr_timezone_utc());
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        const int64_t us = MR_ARG(int64_t, 0, i);
        MrError error = MR_ERROR_INIT;
        if (mr_unit_span_has(&span, us)) {
            results[i] = shared;
            continue;
        }
        if (!mr_timestamp_is_finite(us) || mr_arg_text(args[1], i).length == 0) {
            mr_text_rows_set_null(&texts, i);
            continue;
        }
        if (formatter_at(&formatter, i, &error) != MR_OK ||
            mr_timestamp_to_char(formatter.current, us, zone, &texts.builder, &error) != MR_OK) {
            mr_text_rows_fail(&texts, i, &error);
            continue;
        }
        mr_text_rows_put(&texts, i);
        if (shares) {
            span.unit_us = mr_datetime_template_unit_us(formatter.current);
            mr_unit_span_move(&span, us);
            shared = results[i];
        }
    }
    return mr_text_rows_end(&texts);
}
MR_KERNEL(timestamp_to_char)
{
    (void)arg_count;
    return to_char_rows(eval, args, rows, out, NULL);
}
MR_KERNEL(timestamptz_to_char)
{
    (void)arg_count;
    return to_char_rows(eval, args, rows, out, mr_eval_zone(eval));
}
/* to_char(date …) goes by the date's midnight. */
MR_KERNEL(date_to_char)
{
    const MrVector *date = args[0];
    const uint32_t count = date->is_constant ? 1 : rows;
    MrVector midnight;
    MR_TRY(mr_vector_init(&midnight, eval->arena, mr_type(MR_TYPE_TIMESTAMP), count, eval->err));
    midnight.is_constant = date->is_constant;
    for (uint32_t i = 0; i < count; i++) {
        if (!mr_date_to_timestamp(((const int32_t *)date->data)[i], (int64_t *)midnight.data + i) &&
            (date->validity == NULL || mr_bitmap_get(date->validity, i))) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATETIME_OVERFLOW,
                                     "date out of range for timestamp"));
        }
    }
    const MrVector *both[2] = { &midnight, args[1] };
    return timestamp_to_char(eval, both, arg_count, rows, out);
}

static MrStatus interval_to_char_row(Formatter *formatter, const MrVector *intervals, uint32_t row,
                                     MrBuilder *out, MrError *err)
{
    MR_TRY(formatter_at(formatter, row, err));
    return mr_interval_to_char(formatter->current, mr_vector_cell(intervals, row), out, err);
}
MR_KERNEL(interval_to_char)
{
    Formatter formatter = { eval, args[1], NULL };
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    (void)arg_count;
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrError error = MR_ERROR_INIT;
        if (mr_arg_text(args[1], i).length == 0) {
            mr_text_rows_set_null(&texts, i);
        } else if (interval_to_char_row(&formatter, args[0], i, &texts.builder, &error) != MR_OK) {
            mr_text_rows_fail(&texts, i, &error);
        } else {
            mr_text_rows_put(&texts, i);
        }
    }
    return mr_text_rows_end(&texts);
}

MR_KERNEL(text_to_timestamp)
{
    Formatter formatter = { eval, args[1], NULL };
    int64_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        results[i] = 0;
        if (formatter_at(&formatter, i, &error) != MR_OK ||
            mr_timestamp_from_template(formatter.current, mr_arg_text(args[0], i),
                                       mr_eval_zone(eval), &results[i], &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}
MR_KERNEL(text_to_date)
{
    Formatter formatter = { eval, args[1], NULL };
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        results[i] = 0;
        if (formatter_at(&formatter, i, &error) != MR_OK ||
            mr_date_from_template(formatter.current, mr_arg_text(args[0], i), &results[i],
                                  &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

/* A template is at fault, or none of the moments is. */
#define BY_TEXT (FALLIBLE | MR_FN_FAILS_BY_TEXT)

const MrFunction mr_functions_datetime_format[] = {
    F2("to_char", TIMESTAMP, TEXT, TEXT, timestamp_to_char, BY_TEXT, "By a template.",
       "to_char(TIMESTAMP '2002-04-20 17:31:12.66', 'HH12:MI:SS')", "05:31:12"),
    F2("to_char", TIMESTAMPTZ, TEXT, TEXT, timestamptz_to_char, BY_TEXT | STABLE,
       "By a template, in the query's zone.",
       "to_char(TIMESTAMPTZ '2002-04-20 17:31:12+00', 'YYYY-MM-DD HH24:MI TZ')",
       "2002-04-20 17:31 UTC"),
    F2("to_char", DATE, TEXT, TEXT, date_to_char, FALLIBLE, "By a template.",
       "to_char(DATE '2002-04-20', 'DD Mon YYYY')", "20 Apr 2002"),
    F2("to_char", INTERVAL, TEXT, TEXT, interval_to_char, FALLIBLE,
       "A length of time by a template.", "to_char(INTERVAL '15h 2m 12s', 'HH24:MI:SS')",
       "15:02:12"),
    F2("to_timestamp", TEXT, TEXT, TIMESTAMPTZ, text_to_timestamp, FALLIBLE | STABLE,
       "Read by a template.", "to_timestamp('05 Dec 2000', 'DD Mon YYYY')",
       "2000-12-05 00:00:00+00"),
    F2("to_date", TEXT, TEXT, DATE, text_to_date, FALLIBLE, "Read by a template.",
       "to_date('05 Dec 2000', 'DD Mon YYYY')", "2000-12-05"),
};
MR_FAMILY_COUNT(datetime_format);
