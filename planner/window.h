/*
 * planner/window.h - windows as the planner sees them: TUMBLE and HOP in FROM, and the expressions
 * in GROUP BY that are windows in another spelling.  Must not know how rows get into windows.
 */
#ifndef MR_PLANNER_WINDOW_H
#define MR_PLANNER_WINDOW_H

#include "planner/binder.h"

/* FROM TUMBLE(…), HOP(…), SESSION(…) and their like: a WINDOW node over the bound input
 * (window_from.c). */
MrStatus mr_window_bind_from(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope);

/* The node over scope->input; ast->input is not looked at. */
MrStatus mr_window_bind_node(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope,
                             MrLogical **out);

/* ---- GROUP BY TUMBLE(time, size), as Flink had it before windows stood in FROM ------------- */

/* Where GROUP BY has a window in that spelling, the scope's rows get it; b->group_window is its
 * node then. */
MrStatus mr_window_bind_group(MrBinder *b, const MrAstQuery *query, MrScope *scope);
/* TUMBLE(…), TUMBLE_START(…) and their like as a bound of that window; *out NULL: another call. */
MrStatus mr_window_bind_group_call(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* The window's end, where the key is its start: it is grouped with it.  *out NULL: it is not. */
MrStatus mr_window_group_end(MrBinder *b, const MrExpr *key, MrExpr **out);
/* Once GROUP BY is bound: sessions are those of its other keys. */
MrStatus mr_window_take_keys(MrBinder *b, const MrGrouping *grouping);

/* The input of a COUNT_WINDOW as one whose rows have places in the log, where it can be made so:
 * scope->over_stream says whether they have (window_count_places.c). */
MrStatus mr_window_find_places(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope);

/* A WINDOW of SESSION or COUNT_WINDOW. */
bool mr_window_is_keyed(const MrLogical *node);
/* A keyed WINDOW node that nothing groups by: its rows, with the same columns, and behind them
 * _seq and _arrival where they are wanted (window_rows.c). */
MrStatus mr_window_show_rows(MrBinder *b, const MrLogical *window, bool with_places,
                             MrLogical **out);
/* The same of COUNT_WINDOW (window_count_rows.c). */
MrStatus mr_window_count_rows(MrBinder *b, const MrLogical *window, bool with_places,
                              MrLogical **out);
/* The expression, its places named as columns of those rows. */
MrStatus mr_window_map_places(MrBinder *b, const MrLogical *rows, const MrExpr *expr, MrExpr **out);
/* Does so where such a node stands below *place, a FILTER or PROJECT, or below filters there. */
MrStatus mr_window_show_below(MrBinder *b, MrLogical **place);

/* Where a time expression stands with the watermark. */
typedef struct MrTimeSource {
    bool is_event;              /* the watermark is about it */
    const MrLogical *starts_of; /* it is window_start of this aggregate */
    const MrLogical *time_of; /* it is window_time of this one: MR_WINDOW_TIME_US before its end */
} MrTimeSource;
enum { MR_WINDOW_TIME_US = 1000 };
/* The scan of a stream whose rows these are, one by one; NULL: there is none. */
const MrLogical *mr_window_stream_of_rows(const MrLogical *node);
/* What tells windows of rows apart: the place of the first row, or a window's number where rows
 * share their places. */
MrStatus mr_window_number_call(MrBinder *b, const MrLogical *window, MrLogicalCall *out);
/* Rows that a view below gives as its windows close are given in an order from now on: of their
 * places, those of one record by the view's key.  False: there is no such view. */
bool mr_window_order_closed(MrLogical *input);
/* The input's time is the arrival of its rows from now on, where the window's time says so; no
 * other column of it is an event time then. */
void mr_window_follow_arrival(const MrExpr *time, MrLogical *input);
MrTimeSource mr_window_time_source(const MrLogical *input, const MrExpr *time);

/* How much longer than W says a window over that time may get rows. */
int64_t mr_window_source_lateness_us(const MrTimeSource *source, MrGroupWindow kind,
                                     const MrWindow *window);

/* What a GROUP BY expression is as a window, when it is one. */
typedef struct MrWindowUse {
    MrGroupWindow kind;
    MrWindow window;
    MrExpr *time; /* over the input of the aggregate */
    bool time_is_event;
    int64_t extra_lateness_us;
} MrWindowUse;
/* The form of the window, and how much longer than W says it may get rows. */
void mr_window_use_set(MrWindowUse *use, const MrWindow *window, const MrTimeSource *source,
                       const MrExpr *time);
/* date_trunc('minute', time), date_bin(…) and time_bucket(…) as the start of a window of `time`, an
 * argument of theirs. */
bool mr_window_of_call(const MrBinder *b, const MrExpr *key, MrWindow *window, const MrExpr **time);
/* *found false: a plain key. `input` has no PROJECT on top: only FILTER, then the node itself. */
MrStatus mr_window_recognise(MrBinder *b, const MrLogical *input, const MrExpr *key, bool *found,
                             MrWindowUse *out);
/* Whether another key is a bound of the same window: the same expression, or its other bound. */
bool mr_window_same(const MrLogical *input, const MrExpr *key, const MrExpr *other,
                    const MrWindowUse *use, bool *is_end);
/* Length in µs for comparing and for bounds; months count 31 days. */
int64_t mr_window_length_us(const MrWindow *window);
bool mr_window_zone_is_utc(const MrTimezone *zone);
/* `timezone =>`: windows of days and longer units follow the local clock, shorter ones do not. */
void mr_window_follow_zone(MrWindow *window, const MrTimezone *zone);
/* How long after W has passed a window's end its rows may still change, seen from above
 * `aggregate`. */
int64_t mr_window_lateness_us(const MrLogical *node, int64_t allowed_lateness_us);
/* window_start and window_end as expressions of the time, where a row is in one window. */
MrStatus mr_window_start_expr(MrBinder *b, const MrLogical *node, MrExpr **out);
MrStatus mr_window_end_expr(MrBinder *b, const MrLogical *node, MrExpr **out);
/* "tumbling 00:01:00", "hopping 01:00:00 every 00:15:00 offset …" for EXPLAIN. */
void mr_window_describe(MrGroupWindow kind, const MrWindow *window, MrBuilder *out);

#endif
