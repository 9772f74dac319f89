/*
 * engine/set_functions/series.c - generate_series: numbers and times in equal steps.
 */
#include "common/timezone.h"
#include "engine/set_functions/set_families.h"

static MrStatus zero_step(MrEval *eval)
{
    return mr_error_set(eval->err, MR_ERR_INVALID_PARAMETER, "step size cannot equal zero");
}

/* ---- Integers -------------------------------------------------------------------------------- */

static int64_t int_arg(const MrSetCursor *cursor, uint32_t arg, bool is_wide)
{
    const void *cell = mr_set_arg(cursor, arg);
    return is_wide ? *(const int64_t *)cell : *(const int32_t *)cell;
}

/* cursor->value is the next number; cursor->at is set once none follows. */
static MrStatus int_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page, bool is_wide)
{
    const int64_t stop = int_arg(cursor, 1, is_wide);
    const int64_t step = cursor->arg_count > 2 ? int_arg(cursor, 2, is_wide) : 1;
    if (step == 0) {
        return zero_step(eval);
    }
    if (cursor->given == 0 && page->count == 0) {
        cursor->value.integer = int_arg(cursor, 0, is_wide);
    }
    while (page->count < page->room && !cursor->at) {
        const int64_t at = cursor->value.integer;
        if (step > 0 ? at > stop : at < stop) {
            cursor->at = 1;
            break;
        }
        if (is_wide) {
            *(int64_t *)mr_set_cell(page, 0) = at;
        } else {
            *(int32_t *)mr_set_cell(page, 0) = (int32_t)at;
        }
        page->count++;
        cursor->at = __builtin_add_overflow(at, step, &cursor->value.integer);
    }
    return MR_OK;
}

static MrStatus int4_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    return int_rows(cursor, eval, page, false);
}
static MrStatus int8_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    return int_rows(cursor, eval, page, true);
}

/* ---- numeric --------------------------------------------------------------------------------- */

static MrStatus check_finite(const MrDecimal *value, const char *what, MrEval *eval)
{
    if (value->kind != MR_DECIMAL_FINITE) {
        return mr_error_set(eval->err, MR_ERR_INVALID_PARAMETER, "%s cannot be %s", what,
                            value->kind == MR_DECIMAL_NAN ? "NaN" : "infinity");
    }
    return MR_OK;
}

static MrStatus numeric_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    const MrDecimal *stop = mr_set_arg(cursor, 1);
    const MrDecimal zero = mr_decimal_from_int64(0);
    MrDecimal step = mr_decimal_from_int64(1);
    if (cursor->arg_count > 2) {
        step = *(const MrDecimal *)mr_set_arg(cursor, 2);
    }
    const int direction = mr_decimal_compare(&step, &zero);
    if (cursor->given == 0 && page->count == 0) {
        cursor->value.decimal = *(const MrDecimal *)mr_set_arg(cursor, 0);
        MR_TRY(check_finite(&cursor->value.decimal, "start value", eval));
        MR_TRY(check_finite(stop, "stop value", eval));
        MR_TRY(check_finite(&step, "step size", eval));
        if (direction == 0) {
            return zero_step(eval);
        }
    }
    while (page->count < page->room) {
        const int order = mr_decimal_compare(&cursor->value.decimal, stop);
        if (direction > 0 ? order > 0 : order < 0) {
            return MR_OK;
        }
        *(MrDecimal *)mr_set_cell(page, 0) = cursor->value.decimal;
        page->count++;
        MR_TRY(mr_decimal_add(&cursor->value.decimal, &step, &cursor->value.decimal, eval->err));
    }
    return MR_OK;
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* Every step starts from the time before, so that month ends stick, as in PostgreSQL. */
static MrStatus time_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page, bool is_zoned)
{
    static const MrInterval zero = { 0 };
    const int64_t stop = *(const int64_t *)mr_set_arg(cursor, 1);
    const MrInterval *step = mr_set_arg(cursor, 2);
    const int direction = mr_interval_compare(step, &zero);
    if (direction == 0) {
        return zero_step(eval);
    }
    if (cursor->given == 0 && page->count == 0) {
        cursor->value.integer = *(const int64_t *)mr_set_arg(cursor, 0);
    }
    while (page->count < page->room) {
        int64_t *at = &cursor->value.integer;
        if (direction > 0 ? *at > stop : *at < stop) {
            return MR_OK;
        }
        *(int64_t *)mr_set_cell(page, 0) = *at;
        page->count++;
        MR_TRY(is_zoned ? mr_timestamptz_add_interval(
                              *at, step, eval->zone != NULL ? eval->zone : mr_timezone_utc(), at,
                              eval->err)
                        : mr_timestamp_add_interval(*at, step, at, eval->err));
    }
    return MR_OK;
}

static MrStatus timestamp_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    return time_rows(cursor, eval, page, false);
}
static MrStatus timestamptz_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    return time_rows(cursor, eval, page, true);
}

#define SERIES(TYPE, COUNT, STEP, ROWS, EXAMPLE, RETURNS)                                         \
    {                                                                                             \
        .name = "generate_series", .args = { MR_TYPE_##TYPE, MR_TYPE_##TYPE, MR_TYPE_##STEP },    \
        .arg_count = COUNT, .columns = { { NULL, MR_TYPE_##TYPE } }, .column_count = 1,           \
        .rows = ROWS, .doc = "The values from the first to the second, by the step (1 without).", \
        .example = EXAMPLE, .returns = RETURNS                                                    \
    }

const MrSetFunction mr_set_functions_series[] = {
    SERIES(INT32, 2, INT32, int4_rows, "generate_series(1, 3)", "1, 2, 3"),
    SERIES(INT32, 3, INT32, int4_rows, "generate_series(5, 1, -2)", "5, 3, 1"),
    SERIES(INT64, 2, INT64, int8_rows, "generate_series(1::bigint, 2)", "1, 2"),
    SERIES(INT64, 3, INT64, int8_rows, "generate_series(0::bigint, 9, 4)", "0, 4, 8"),
    SERIES(NUMERIC, 2, NUMERIC, numeric_rows, "generate_series(0.5, 2)", "0.5, 1.5"),
    SERIES(NUMERIC, 3, NUMERIC, numeric_rows, "generate_series(1, 2, 0.5)", "1, 1.5, 2.0"),
    SERIES(TIMESTAMP, 3, INTERVAL, timestamp_rows,
           "generate_series(timestamp '2026-01-01', '2026-01-02', '12 hours')",
           "2026-01-01 00:00:00, 2026-01-01 12:00:00, 2026-01-02 00:00:00"),
    SERIES(TIMESTAMPTZ, 3, INTERVAL, timestamptz_rows,
           "generate_series(timestamptz '2026-01-01 00:00Z', '2026-01-03 00:00Z', '1 day')",
           "2026-01-01 00:00:00+00, 2026-01-02 00:00:00+00, 2026-01-03 00:00:00+00"),
    { .name = NULL },
};
