/*
 * planner/window.h - windows as the planner sees them: TUMBLE and HOP in FROM, and the expressions
 * in GROUP BY that are windows in another spelling.  Must not know how rows get into windows.
 */
#ifndef MR_PLANNER_WINDOW_H
#define MR_PLANNER_WINDOW_H

#include "planner/binder.h"

/* FROM TUMBLE(…), HOP(…): a WINDOW node over the bound input. */
MrStatus mr_window_bind_from(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope);

/* What a GROUP BY expression is as a window, when it is one. */
typedef struct MrWindowUse {
    MrGroupWindow kind;
    MrWindow window;
    MrExpr *time; /* over the input of the aggregate */
    bool time_is_event;
    int64_t extra_lateness_us;
    const MrLogical *node; /* of TUMBLE and HOP in FROM: the WINDOW node; else NULL */
} MrWindowUse;
/* *found false: a plain key. `input` has no PROJECT on top: only FILTER, then the node itself. */
MrStatus mr_window_recognise(MrBinder *b, const MrLogical *input, const MrExpr *key, bool *found,
                             MrWindowUse *out);
/* Whether another key is a bound of the same window: the same expression, or its other bound. */
bool mr_window_same(const MrLogical *input, const MrExpr *key, const MrExpr *other,
                    const MrWindowUse *use, bool *is_end);
/* Length in µs for comparing and for bounds; months count 31 days. */
int64_t mr_window_length_us(const MrWindow *window);
/* How long after W has passed a window's end its rows may still change, seen from above
 * `aggregate`. */
int64_t mr_window_lateness_us(const MrLogical *node, int64_t allowed_lateness_us);
/* window_start and window_end as expressions, for TUMBLE without aggregation. */
MrStatus mr_window_start_expr(MrBinder *b, const MrLogical *node, MrExpr **out);
MrStatus mr_window_end_expr(MrBinder *b, const MrLogical *node, MrExpr **out);
/* "tumbling 1 min", "hopping 01:00:00 every 00:15:00 offset …" for EXPLAIN. */
void mr_window_describe(MrGroupWindow kind, const MrWindow *window, MrBuilder *out);

#endif
