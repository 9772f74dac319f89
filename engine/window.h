/*
 * engine/window.h - windows as arithmetic on the one time line (dialect.md, "Windows"): where they
 * begin and end, which of them hold a time.  Must not know panes, groups or watermarks.
 *
 * A window is named by its *anchor*, a time on the grid of slides.  For tumbling and hopping
 * windows the anchor is the window's start.  CUMULATE has several windows with one start: there the
 * anchor is the start of the last step that the window covers.  Ends grow with anchors.
 */
#ifndef MR_ENGINE_WINDOW_H
#define MR_ENGINE_WINDOW_H

#include "common/timezone.h"

/* Sizes are either fixed (size_us) or of the calendar (size_months > 0), slides likewise; no slide
 * means that it is the size.  Where windows follow a time zone, days are local ones: 23, 24 or 25
 * hours. */
typedef struct MrWindow {
    int64_t size_us, slide_us, offset_us;
    int32_t size_months, slide_months;
    bool cumulates; /* windows grow from a common start by steps of the slide, up to the size */
    bool truncates; /* date_trunc in a zone: starts as PostgreSQL names them; units below a day keep
                       the offset that is in force at the time */
    const MrTimezone *zone; /* NULL: UTC */
} MrWindow;

/* Anchor of the newest window that holds the time (CUMULATE: of the shortest); of the newest before
 * it where there are gaps between windows.  Saturates at the ends of time. */
int64_t mr_window_start(const MrWindow *window, int64_t at_us);
/* End of the window with this anchor. */
int64_t mr_window_end(const MrWindow *window, int64_t anchor_us);
/* What window_start shows for it. */
int64_t mr_window_shown_start(const MrWindow *window, int64_t anchor_us);
/* The anchors after and before. */
int64_t mr_window_next(const MrWindow *window, int64_t anchor_us);
int64_t mr_window_previous(const MrWindow *window, int64_t anchor_us);
/* From mr_window_start() on through all windows that hold the time: false after the last. */
bool mr_window_other(const MrWindow *window, int64_t at_us, int64_t *anchor_us);
/* More windows than this never hold one time. */
uint32_t mr_window_count_max(const MrWindow *window);
/* A stretch of time around `at_us` in which every time has its anchor. */
void mr_window_cover(const MrWindow *window, int64_t at_us, int64_t *from_us, int64_t *until_us);
bool mr_window_equal(const MrWindow *a, const MrWindow *b);
/* The grid is regular: fixed slides in UTC. */
static inline bool mr_window_is_fixed(const MrWindow *window)
{
    return window->size_months == 0 && window->slide_months == 0 && window->zone == NULL;
}

#endif
