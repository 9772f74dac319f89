/*
 * engine/window.c - see window.h.
 *
 * With a time zone the grid lies on the local clock.  A point of it that the clock shows twice is
 * its first moment, one that the clock leaves out is the moment of the change; windows are the
 * stretches between such moments, so that each time lies in its window whatever the clock shows.
 */
#include "engine/window.h"

#include "common/clock.h"
#include "common/datetime.h"

static int64_t saturate_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return b < 0 ? MR_TIME_MIN : MR_TIME_MAX;
    }
    return sum;
}
static int64_t saturate_subtract(int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return b < 0 ? MR_TIME_MAX : MR_TIME_MIN;
    }
    return difference;
}
static bool is_end_of_time(int64_t us)
{
    return us == MR_TIME_MIN || us == MR_TIME_MAX;
}

/* ---- The grid, on the clock of the windows ------------------------------------------------ */

/* Months since 1970-01 of the month that holds the time, and back. */
static int64_t month_of(int64_t us)
{
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    return ((int64_t)civil.year - 1970) * 12 + civil.month - 1;
}
static int64_t month_start(int64_t month)
{
    int64_t year = 1970 + month / 12 - (month % 12 < 0);
    int64_t day = mr_days_from_civil((int32_t)year, (int32_t)(month - (year - 1970) * 12) + 1, 1);
    int64_t us;
    if (__builtin_mul_overflow(day, MR_US_PER_DAY, &us)) {
        return day < 0 ? MR_TIME_MIN : MR_TIME_MAX;
    }
    return us;
}

/* A step of the grid: of months or of a fixed width. */
typedef struct Step {
    int64_t us;
    int32_t months;
} Step;

static Step size_of(const MrWindow *window)
{
    return (Step){ .us = window->size_us, .months = window->size_months };
}
static Step slide_of(const MrWindow *window)
{
    bool has_slide = window->slide_us > 0 || window->slide_months > 0;
    return has_slide ? (Step){ .us = window->slide_us, .months = window->slide_months }
                     : size_of(window);
}

/* The last point of the grid at or before the local time. */
static int64_t grid_floor(const MrWindow *window, Step step, int64_t local)
{
    int64_t at = saturate_subtract(local, window->offset_us);
    if (is_end_of_time(at)) {
        return at;
    }
    if (step.months > 0) {
        int64_t month = month_of(at);
        int64_t into = month % step.months;
        into += into < 0 ? step.months : 0;
        return saturate_add(month_start(month - into), window->offset_us);
    }
    if (step.us <= 0) {
        return local;
    }
    int64_t into = at % step.us;
    into += into < 0 ? step.us : 0;
    return saturate_add(saturate_subtract(at, into), window->offset_us);
}

/* A point of the grid, `steps` steps on. */
static int64_t grid_move(const MrWindow *window, Step step, int64_t local, int32_t steps)
{
    if (is_end_of_time(local)) {
        return local;
    }
    if (step.months == 0) {
        return saturate_add(local, steps < 0 ? -step.us : step.us);
    }
    int64_t at = saturate_subtract(local, window->offset_us);
    if (is_end_of_time(at)) {
        return at;
    }
    int64_t month = month_of(at) + (steps < 0 ? -step.months : step.months);
    return saturate_add(month_start(month), window->offset_us);
}

/* ---- Moments of the grid ------------------------------------------------------------------- */

static int64_t local_of(const MrWindow *window, int64_t us)
{
    return window->zone == NULL ? us : mr_timezone_utc_to_local(window->zone, us);
}

/* The first moment at which the local clock has reached this. */
static int64_t moment_of(const MrWindow *window, int64_t local)
{
    if (window->zone == NULL || is_end_of_time(local)) {
        return local;
    }
    int64_t moment = mr_timezone_local_to_utc(window->zone, local);
    int64_t before = saturate_subtract(moment, MR_US_PER_DAY / 2);
    int64_t earlier = saturate_subtract(
        local, (int64_t)mr_timezone_offset_at(window->zone, before) * MR_US_PER_SECOND);
    return earlier < moment && local_of(window, earlier) == local ? earlier : moment;
}

/* Where the grid's point of this moment lies on the local clock. */
static int64_t grid_of(const MrWindow *window, Step step, int64_t moment)
{
    return grid_floor(window, step, local_of(window, moment));
}

static bool keeps_offset(const MrWindow *window)
{
    return window->truncates && window->zone != NULL && window->size_months == 0 &&
           window->size_us < MR_US_PER_DAY;
}

/* The last moment of the grid at or before the time. */
static int64_t moment_floor(const MrWindow *window, Step step, int64_t at_us)
{
    if (is_end_of_time(at_us)) {
        return at_us;
    }
    int64_t local = local_of(window, at_us);
    int64_t grid = grid_floor(window, step, local);
    if (window->zone == NULL) {
        return grid;
    }
    if (keeps_offset(window)) {
        return saturate_subtract(grid, local - at_us);
    }
    int64_t moment = moment_of(window, grid);
    if (moment > at_us) { /* the clock goes back behind this point of the grid */
        return moment_of(window, grid_move(window, step, grid, -1));
    }
    int64_t next = moment_of(window, grid_move(window, step, grid, 1));
    return next <= at_us ? next : moment;
}

static int64_t moment_move(const MrWindow *window, Step step, int64_t moment, int32_t steps)
{
    if (is_end_of_time(moment)) {
        return moment;
    }
    if (window->zone == NULL || keeps_offset(window)) {
        return grid_move(window, step, moment, steps);
    }
    return moment_of(window, grid_move(window, step, grid_of(window, step, moment), steps));
}

/* ---- CUMULATE ------------------------------------------------------------------------------ */

/* Steps of less than a day are counted in elapsed time, so that a local day has 23 to 25 hours. */
static bool steps_elapse(const MrWindow *window)
{
    return window->slide_months == 0 &&
           (window->zone == NULL || window->slide_us % MR_US_PER_DAY != 0);
}

static int64_t cumulate_start(const MrWindow *window, int64_t at_us)
{
    return moment_floor(window, size_of(window), at_us);
}
static int64_t cumulate_limit(const MrWindow *window, int64_t start_us)
{
    return moment_move(window, size_of(window), start_us, 1);
}

static int64_t cumulate_anchor(const MrWindow *window, int64_t at_us)
{
    int64_t start = cumulate_start(window, at_us);
    if (is_end_of_time(start) || is_end_of_time(at_us)) {
        return start;
    }
    if (steps_elapse(window)) {
        return start + (at_us - start) / window->slide_us * window->slide_us;
    }
    if (window->slide_months > 0) {
        return moment_floor(window, slide_of(window), at_us);
    }
    int64_t local = grid_of(window, size_of(window), start);
    int64_t into = local_of(window, at_us) - local;
    int64_t anchor = moment_of(window, local + into / window->slide_us * window->slide_us);
    return anchor > at_us
               ? moment_of(window, local + (into / window->slide_us - 1) * window->slide_us)
               : anchor;
}

static int64_t cumulate_step_end(const MrWindow *window, int64_t anchor_us)
{
    int64_t limit = cumulate_limit(window, cumulate_start(window, anchor_us));
    int64_t end = steps_elapse(window) ? saturate_add(anchor_us, window->slide_us)
                                       : moment_move(window, slide_of(window), anchor_us, 1);
    return end < limit ? end : limit;
}

/* ---- Windows ------------------------------------------------------------------------------- */

int64_t mr_window_start(const MrWindow *window, int64_t at_us)
{
    return window->cumulates ? cumulate_anchor(window, at_us)
                             : moment_floor(window, slide_of(window), at_us);
}

int64_t mr_window_end(const MrWindow *window, int64_t anchor_us)
{
    if (is_end_of_time(anchor_us)) {
        return anchor_us;
    }
    if (window->cumulates) {
        return cumulate_step_end(window, anchor_us);
    }
    if (window->zone == NULL || keeps_offset(window)) {
        return grid_move(window, size_of(window), anchor_us, 1);
    }
    int64_t local = grid_of(window, slide_of(window), anchor_us);
    return moment_of(window, grid_move(window, size_of(window), local, 1));
}

int64_t mr_window_shown_start(const MrWindow *window, int64_t anchor_us)
{
    if (window->cumulates) {
        return cumulate_start(window, anchor_us);
    }
    if (window->truncates && window->zone != NULL && !keeps_offset(window)) {
        return mr_timezone_local_to_utc(window->zone, local_of(window, anchor_us));
    }
    return anchor_us;
}

int64_t mr_window_next(const MrWindow *window, int64_t anchor_us)
{
    return window->cumulates ? cumulate_step_end(window, anchor_us)
                             : moment_move(window, slide_of(window), anchor_us, 1);
}

int64_t mr_window_previous(const MrWindow *window, int64_t anchor_us)
{
    return window->cumulates ? cumulate_anchor(window, saturate_subtract(anchor_us, 1))
                             : moment_move(window, slide_of(window), anchor_us, -1);
}

bool mr_window_other(const MrWindow *window, int64_t at_us, int64_t *anchor_us)
{
    if (window->cumulates) {
        int64_t end = cumulate_step_end(window, *anchor_us);
        int64_t limit = cumulate_limit(window, cumulate_start(window, *anchor_us));
        *anchor_us = end;
        return end < limit && !is_end_of_time(end);
    }
    *anchor_us = mr_window_previous(window, *anchor_us);
    return !is_end_of_time(*anchor_us) && mr_window_end(window, *anchor_us) > at_us;
}

static int64_t most_us(Step step)
{
    return step.months > 0 ? step.months * 31 * MR_US_PER_DAY : step.us;
}
static int64_t least_us(Step step)
{
    return step.months > 0 ? step.months * 28 * MR_US_PER_DAY : step.us;
}

uint32_t mr_window_count_max(const MrWindow *window)
{
    int64_t size = most_us(size_of(window)), slide = least_us(slide_of(window));
    if (slide <= 0) {
        return 1;
    }
    int64_t count = size / slide + (size % slide != 0);
    if (window->zone != NULL) { /* a day of 25 hours, or one that begins twice */
        count += 1 + 2 * 3600 * MR_US_PER_SECOND / slide;
    }
    bool tumbles = !window->cumulates && window->slide_months == window->size_months &&
                   window->slide_us == window->size_us;
    tumbles = tumbles || (window->slide_us == 0 && window->slide_months == 0);
    return tumbles ? 1 : count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

void mr_window_cover(const MrWindow *window, int64_t at_us, int64_t *from_us, int64_t *until_us)
{
    int64_t anchor = mr_window_start(window, at_us);
    *from_us = anchor;
    *until_us = keeps_offset(window) ? saturate_add(anchor, window->size_us)
                                     : mr_window_next(window, anchor);
    if (keeps_offset(window)) {
        /* Beside a change of the clock such windows overlap. */
        int64_t from, until;
        mr_timezone_span(window->zone, at_us, &from, &until);
        *from_us = from > *from_us ? from : *from_us;
        *until_us = until < *until_us ? until : *until_us;
    }
}

bool mr_window_equal(const MrWindow *a, const MrWindow *b)
{
    return a->size_us == b->size_us && a->slide_us == b->slide_us && a->offset_us == b->offset_us &&
           a->size_months == b->size_months && a->slide_months == b->slide_months &&
           a->cumulates == b->cumulates && a->truncates == b->truncates && a->zone == b->zone;
}
