/*
 * planner/row_marker.h - tells an outer join's row that is not there from a row of NULLs.
 * An item of FROM that stands for its whole row needs a column that is NULL only where the join
 * found no match: one that is NOT NULL by itself, or a constant that is added below the join.
 * Must not know how rows become values.
 */
#ifndef MR_PLANNER_ROW_MARKER_H
#define MR_PLANNER_ROW_MARKER_H

#include "planner/binder.h"

/* To be called for the side of a join that is padded with NULLs, before it is joined: gives every
 * item whose name the query uses as a value a marker, which may be one more column, without a name,
 * behind those of the side.  `side` has items. */
MrStatus mr_row_marker_add(MrBinder *b, MrScope *side);

/* Turns the row into NULL where `test` is NULL. */
MrStatus mr_row_unless_null(MrBinder *b, MrExpr *test, MrExpr **row);

/* Turns the row of an item that has a marker into NULL where that is NULL. */
MrStatus mr_row_marker_apply(MrBinder *b, const MrFromItem *item, MrExpr **row);

#endif
