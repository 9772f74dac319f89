/*
 * engine/functions/time_bucket.c - date_bin and time_bucket: the start of the window that holds a
 * time, by the arithmetic of windows (engine/window.h).
 */
#include "engine/functions/datetime_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

#include "engine/expression.h"
#include "engine/kernel_template.h"

static MrStatus stride_check(const MrInterval *stride, bool months_allowed, int64_t *us,
                             MrError *err)
{
    if (stride->months != 0 && !months_allowed) {
        return mr_error_set(
            err, MR_ERR_UNSUPPORTED,
            "timestamps cannot be binned into intervals containing months or years");
    }
    if (__builtin_mul_overflow((int64_t)stride->days, MR_US_PER_DAY, us) ||
        __builtin_add_overflow(*us, stride->us, us)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    if (*us <= 0 && stride->months <= 0) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "stride must be greater than zero");
    }
    if (stride->months != 0 && (*us != 0 || stride->months < 0)) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "a bucket is either of months and years or of days and less");
        return mr_error_hint(err, "Write INTERVAL '1 month' or INTERVAL '30 days'.");
    }
    return MR_OK;
}

/* What follows width and time: an origin in µs, or a zone whose days and months count. */
typedef struct Alignment {
    int64_t origin;
    const MrTimezone *zone;
} Alignment;

/* All bucket functions: windows of one width from an origin on. */
static MrStatus bucket_row(const MrInterval *stride, int64_t at, Alignment align,
                           bool months_allowed, int64_t *out, MrError *err)
{
    const int64_t origin = align.origin;
    MrWindow window = { .size_months = stride->months };
    if (!mr_timestamp_is_finite(at)) {
        *out = at;
        return MR_OK;
    }
    if (!mr_timestamp_is_finite(origin)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "origin out of range");
    }
    MR_TRY(stride_check(stride, months_allowed, &window.size_us, err));
    window.slide_us = window.size_us;
    window.offset_us = window.size_us > 0 ? origin % window.size_us : origin;
    if (stride->months > 0 || window.size_us % MR_US_PER_DAY == 0) {
        window.zone = align.zone; /* as windows with timezone => */
    }
    *out = mr_window_start(&window, at);
    return mr_timestamp_is_finite(*out) && mr_timestamp_in_range(*out)
               ? MR_OK
               : mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
}
static MrStatus bucket_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                            uint32_t rows, MrVector *out, bool months_allowed)
{
    int64_t *results = out->data;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        const Alignment align = { .origin = arg_count == 3 ? MR_ARG(int64_t, 2, i) : 0 };
        results[i] = 0;
        if (bucket_row(&MR_ARG(MrInterval, 0, i), MR_ARG(int64_t, 1, i), align, months_allowed,
                       &results[i], &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}
MR_KERNEL(date_bin)
{
    return bucket_rows(eval, args, arg_count, rows, out, false);
}
MR_KERNEL(time_bucket)
{
    return bucket_rows(eval, args, arg_count, rows, out, true);
}

MR_KERNEL(time_bucket_origin)
{
    return bucket_rows(eval, args, arg_count, rows, out, false);
}

static MrStatus offset_us(const MrInterval *offset, int64_t *out, MrError *err)
{
    if (offset->months != 0) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "the offset of buckets must not have months");
    }
    if (__builtin_mul_overflow((int64_t)offset->days, MR_US_PER_DAY, out) ||
        __builtin_add_overflow(*out, offset->us, out)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    return MR_OK;
}

MR_KERNEL(time_bucket_offset)
{
    int64_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        Alignment align = { 0 };
        results[i] = 0;
        if (offset_us(&MR_ARG(MrInterval, 2, i), &align.origin, &error) != MR_OK ||
            bucket_row(&MR_ARG(MrInterval, 0, i), MR_ARG(int64_t, 1, i), align, true, &results[i],
                       &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

MR_KERNEL(time_bucket_zone)
{
    int64_t *results = out->data;
    Alignment align = { 0 };
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        MrStatus status = MR_OK;
        results[i] = 0;
        if (align.zone == NULL || !args[2]->is_constant) {
            status = mr_timezone_find_operand(mr_arg_text(args[2], i), &align.zone, &error);
        }
        if (status == MR_OK) {
            status = bucket_row(&MR_ARG(MrInterval, 0, i), MR_ARG(int64_t, 1, i), align, true,
                                &results[i], &error);
        }
        if (status != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_time_bucket[] = {
    F3("date_bin", INTERVAL, TIMESTAMP, TIMESTAMP, TIMESTAMP, date_bin, FALLIBLE,
       "Start of the interval, counted from an origin, that holds the time.",
       "date_bin(INTERVAL '15 minutes', TIMESTAMP '2026-02-11 15:44:17', TIMESTAMP '2001-01-01')",
       "2026-02-11 15:30:00"),
    F3("date_bin", INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, date_bin, FALLIBLE,
       "Start of the interval, counted from an origin, that holds the time.",
       "date_bin(INTERVAL '15 minutes', TIMESTAMPTZ '2026-02-11 15:44:17+00', "
       "TIMESTAMPTZ '2001-01-01 00:00:00+00')",
       "2026-02-11 15:30:00+00"),
    F2("time_bucket", INTERVAL, TIMESTAMP, TIMESTAMP, time_bucket, FALLIBLE,
       "Start of the bucket of the given width, counted from 1970-01-01, that holds the time.",
       "time_bucket(INTERVAL '1 hour', TIMESTAMP '2026-01-01 10:42:00')", "2026-01-01 10:00:00"),
    F2("time_bucket", INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, time_bucket, FALLIBLE,
       "Start of the bucket of the given width, counted from 1970-01-01 00:00 UTC, "
       "that holds the time.",
       "time_bucket(INTERVAL '1 hour', TIMESTAMPTZ '2026-01-01 10:42:00+00')",
       "2026-01-01 10:00:00+00"),
    F3("time_bucket", INTERVAL, TIMESTAMP, INTERVAL, TIMESTAMP, time_bucket_offset, FALLIBLE,
       "The same with all buckets shifted by an offset.",
       "time_bucket(INTERVAL '1 day', TIMESTAMP '2026-01-01 03:00:00', INTERVAL '6 hours')",
       "2025-12-31 06:00:00"),
    F3("time_bucket", INTERVAL, TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, time_bucket_offset, FALLIBLE,
       "The same with all buckets shifted by an offset.",
       "time_bucket(INTERVAL '1 day', TIMESTAMPTZ '2026-01-01 03:00:00+00', INTERVAL '6 hours')",
       "2025-12-31 06:00:00+00"),
    F3("time_bucket", INTERVAL, TIMESTAMP, TIMESTAMP, TIMESTAMP, time_bucket_origin, FALLIBLE,
       "The same counted from an origin.",
       "time_bucket(INTERVAL '7 days', TIMESTAMP '2026-01-01 10:42:00', TIMESTAMP '2000-01-03')",
       "2025-12-29 00:00:00"),
    F3("time_bucket", INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, time_bucket_origin, FALLIBLE,
       "The same counted from an origin.",
       "time_bucket(INTERVAL '7 days', TIMESTAMPTZ '2026-01-01 10:42:00+00', "
       "TIMESTAMPTZ '2000-01-03 00:00:00+00')",
       "2025-12-29 00:00:00+00"),
    F3("time_bucket", INTERVAL, TIMESTAMPTZ, TEXT, TIMESTAMPTZ, time_bucket_zone, FALLIBLE,
       "The same with days and longer units on the clock of a zone.",
       "time_bucket(INTERVAL '1 day', TIMESTAMPTZ '2026-01-01 10:42:00+00', 'Asia/Tokyo')",
       "2025-12-31 15:00:00+00"),
};
MR_FAMILY_COUNT(time_bucket);
