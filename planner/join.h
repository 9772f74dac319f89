/*
 * planner/join.h - what the condition of a join says: which values are equal, how far apart in time
 * two rows can be, what can be judged before rows meet.  Must not know operators or SQL text.
 */
#ifndef MR_PLANNER_JOIN_H
#define MR_PLANNER_JOIN_H

#include "planner/binder.h"

/* The same condition with ANDs inside of ANDs made one; NULL stays NULL. */
MrStatus mr_join_flatten(MrArena *arena, MrExpr *condition, MrExpr **out, MrError *err);

/* The condition in the form the operator takes: values that must be equal, and the rest. */
typedef struct MrJoinParts {
    MrExpr **left_keys, **right_keys; /* over the columns of their own input */
    uint32_t key_count;
    MrExpr *residual; /* over the columns of both; NULL: nothing else */
} MrJoinParts;
MrStatus mr_join_split(MrArena *arena, const MrLogical *join, MrJoinParts *out, MrError *err);

/* Finds the bounds on time of a JOIN and of those below it, and gives their columns the roles that
 * follow. */
MrStatus mr_join_settle(MrBinder *b, MrLogical *join);
/* The same where windows are to close: of a join with what changes.  Nothing else bounds it. */
void mr_join_settle_closing(MrLogical *join);
/* Columns of a side keep what they say of time; `events`: its event time too. */
void mr_join_keep_roles(MrLogical *join, bool of_left, bool events);
/* A filter over the items of FROM: puts them in an order where each is connected to those before
 * it, if that is not what was written (join_order.c).  *tree may become a projection over the
 * filter. */
MrStatus mr_join_order(MrBinder *b, MrLogical **tree);
/* After WHERE: what it says of joined rows becomes part of the joins' conditions, so that bounds on
 * time are seen wherever they are written.  Columns keep their places. */
MrStatus mr_join_take_filter(MrBinder *b, MrLogical **tree);
/* A filter that stands on a JOIN: each of its conditions goes to the input it is about, or into the
 * join, or stays (*place may become the JOIN). */
MrStatus mr_join_push_filter(MrBinder *b, MrLogical **place);
/* Conditions of ON that are about one input go there, where that changes no answer. */
MrStatus mr_join_push_condition(MrBinder *b, MrLogical *join);

/* Whether the expression, over the columns of both inputs, reads both. */
bool mr_join_is_about_both(const MrLogical *join, const MrExpr *expr);
/* … or at least the right one. */
bool mr_join_is_about_right(const MrLogical *join, const MrExpr *expr);

/* ASOF JOIN: its ON becomes equal columns and the two times. */
MrStatus mr_asof_take_condition(MrBinder *b, MrLogical *join);
/* right + shift_us <= left, of columns of their own inputs; is_later: >=. */
typedef struct MrAsofTimes {
    uint32_t left, right;
    int64_t shift_us;
    bool is_later;
} MrAsofTimes;
/* Whether the expression, over the side's columns, is a time that is computed of an event time, not
 * further from it than is known (time_spread.c). */
bool mr_join_time_spread(const MrBinder *b, const MrLogical *side, const MrExpr *expr,
                         MrTimeSpread *out);
/* Whether W is about the column: nothing before it follows. */
bool mr_join_is_event_time(const MrLogicalColumn *column);
/* Rows of a table as they are, or some of them. */
bool mr_join_is_table(const MrLogical *node);
/* An expression about the right side only, over its own columns. */
MrStatus mr_join_over_right(MrArena *arena, const MrLogical *join, const MrExpr *expr, MrExpr **out,
                            MrError *err);
/* Whether the comparison is of two event times like that, or `<` and `>`: in any spelling, with a
 * shift that is the same in every time zone. */
bool mr_asof_shifted_times(const MrLogical *join, const MrExpr *part, MrAsofTimes *out);
/* Whether a condition of an ASOF JOIN says how far apart its two times are. */
bool mr_asof_bounds_time(const MrLogical *join, const MrExpr *part);
/* Then, once its times are settled: whether W can tell what a further condition finds. */
MrStatus mr_asof_check_condition(MrBinder *b, const MrLogical *join);
/* The as-of join `join` of other inputs, whose first columns are those that it had, under the
 * condition over their columns; settled. */
MrStatus mr_asof_join_anew(MrBinder *b, const MrLogical *join, MrLogical *left, MrLogical *right,
                           MrExpr *condition, MrLogical **out);
/* FOR SYSTEM_TIME AS OF s.ts, before the sides are joined: the left column that it names; rows of a
 * table get the time of their change. */
MrStatus mr_asof_find_time(MrBinder *b, MrScope *left, MrScope *right, const MrNode *time);
/* Afterwards, with the condition: the right rows are versions. */
MrStatus mr_asof_set_version(MrBinder *b, MrLogical *join, const MrScope *right, int32_t position);
/* FOR SYSTEM_TIME at the prompt: the table's changes are read in their places of the log. */
MrStatus mr_asof_read_history(MrBinder *b, const MrScope *left, MrScope *right, int32_t position);

/* At the prompt system views are read from the right to the left, before all else: whether the
 * right side is there when the first row of the left comes. */
bool mr_join_right_is_first(const MrLogical *right, const MrLogical *left);
/* Rows of the side are all there before the first of the other side comes. */
bool mr_join_side_is_static(const MrLogical *side, const MrLogical *other, bool is_standing);
/* Whether the right key is unique among right rows by the join's equalities: `columns` of the right
 * (or left) input are all among its bare keys. */
bool mr_join_fixes(const MrJoinParts *parts, bool of_right, const uint32_t *columns,
                   uint32_t count);

/* ---- a RIGHT JOIN b as b LEFT JOIN a (join_turn.c) ------------------------------------------ */

/* The turned join, without a condition, and the condition (NULL: none) over its columns. */
MrStatus mr_join_turn(MrBinder *b, const MrLogical *join, MrExpr **condition, MrLogical **out);
/* The columns of `join` over the turned one, once it has its condition. */
MrStatus mr_join_turn_back(MrBinder *b, const MrLogical *join, MrLogical *turned, MrLogical **out);

/* ON WINDOW CLOSE: a table joined to rows of closed windows is those rows joined to the table. */
MrStatus mr_join_turn_closing(MrBinder *b, MrLogical **join);

/* ---- a ASOF JOIN LATERAL (…) (asof_beside.c) ----------------------------------------------- */

/* The join, whose right side was bound with the left one `around` it, of a right side that names
 * nothing outside of it; what its filters said of both is added to the condition.  *out has its
 * columns, and perhaps more behind that nobody can name, and is not settled; NULL: the right side
 * names the outside elsewhere. */
MrStatus mr_asof_pull_up(MrBinder *b, const MrOuter *around, MrExpr **condition, MrLogical *join,
                         MrLogical **out);

/* ---- ASOF JOIN as JOIN LATERAL … LIMIT 1 (asof_lateral.c) ----------------------------------- */

/* The join in that form, where its condition says more than the operator of as-of joins can look
 * for; `scope` is over both sides.  *out NULL: it has no such form. */
MrStatus mr_asof_as_lateral(MrBinder *b, const MrAstFromJoin *join, MrScope *scope,
                            uint32_t left_count, MrAstFromJoin **out);

#endif
