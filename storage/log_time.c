/*
 * storage/log_time.c - kernels over a column of event times: range, future rows, watermarks.
 */
#include "storage/log_internal.h"

int64_t log_time_less(int64_t time_us, int64_t delay_us)
{
    int64_t result;
    if (time_us == MR_TIME_MIN || time_us == MR_TIME_MAX) {
        return time_us;
    }
    return __builtin_sub_overflow(time_us, delay_us, &result) ? MR_TIME_MIN : result;
}

int64_t log_time_plus(int64_t time_us, int64_t skew_us)
{
    int64_t result;
    if (time_us == MR_TIME_MIN || time_us == MR_TIME_MAX) {
        return time_us;
    }
    return __builtin_add_overflow(time_us, skew_us, &result) ? MR_TIME_MAX : result;
}

static LogTimes range_of_word(const int64_t *times, uint64_t valid, uint32_t rows, LogTimes range)
{
    for (uint32_t i = 0; i < rows; i++) {
        bool is_valid = (valid >> i) & 1;
        int64_t low = is_valid ? times[i] : MR_TIME_MAX;
        int64_t high = is_valid ? times[i] : MR_TIME_MIN;
        range.min_us = low < range.min_us ? low : range.min_us;
        range.max_us = high > range.max_us ? high : range.max_us;
    }
    return range;
}

LogTimes log_times_range(const MrVector *column)
{
    LogTimes range = { .min_us = MR_TIME_MAX, .max_us = MR_TIME_MIN };
    const int64_t *times = column->data;
    uint32_t rows = column->is_constant && column->row_count > 0 ? 1 : column->row_count;
    if (column->validity == NULL) {
        int64_t low = MR_TIME_MAX, high = MR_TIME_MIN;
        for (uint32_t i = 0; i < rows; i++) {
            low = times[i] < low ? times[i] : low;
            high = times[i] > high ? times[i] : high;
        }
        return (LogTimes){ .min_us = low, .max_us = high };
    }
    for (uint32_t row = 0; row < rows; row += 64) {
        uint32_t some = rows - row < 64 ? rows - row : 64;
        range = range_of_word(times + row, column->validity[row >> 6], some, range);
    }
    return range;
}

void log_times_split(const MrVector *column, int64_t limit_us, int64_t *moved_us, int64_t *above_us,
                     uint32_t *above_count)
{
    *moved_us = MR_TIME_MIN;
    *above_us = MR_TIME_MAX;
    *above_count = 0;
    for (uint32_t row = 0; row < column->row_count; row++) {
        if (mr_vector_is_null(column, row)) {
            continue;
        }
        int64_t time = *(const int64_t *)mr_vector_cell(column, row);
        if (time > limit_us) {
            *above_us = time < *above_us ? time : *above_us;
            ++*above_count;
        } else {
            *moved_us = time > *moved_us ? time : *moved_us;
        }
    }
}

int64_t log_times_watermarks(const MrVector *column, int64_t before_us, int64_t delay_us,
                             int64_t limit_us, int64_t *out)
{
    int64_t watermark = before_us;
    for (uint32_t row = 0; row < column->row_count; row++) {
        out[row] = watermark;
        if (mr_vector_is_null(column, row)) {
            continue;
        }
        int64_t time = *(const int64_t *)mr_vector_cell(column, row);
        if (time <= limit_us) {
            int64_t moved = log_time_less(time, delay_us);
            watermark = moved > watermark ? moved : watermark;
        }
    }
    return watermark;
}
