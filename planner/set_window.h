/*
 * planner/set_window.h - functions that give rows below the windows of their query.  Rows of
 * TUMBLE, HOP and CUMULATE are the input's, each with the bounds of its windows: what is computed
 * per row can as well be computed below, and GROUP BY then finds the windows where it looks for
 * them.  Must not know how windows are kept.
 */
#ifndef MR_PLANNER_SET_WINDOW_H
#define MR_PLANNER_SET_WINDOW_H

#include "planner/binder.h"

typedef struct MrWindowBelow {
    const MrLogical *window; /* NULL: there is none to go below */
    MrLogical *bottom;       /* its input, of the rows that WHERE keeps */
    MrExpr **shown;          /* the columns of the node above, over the window's */
    MrExpr *kept;            /* what WHERE says about the window's bounds; or NULL */
} MrWindowBelow;

/* What is below `top` and its window; the arguments are expressions over `top` before, and over
 * `bottom` after.  Where they name the window's bounds there is no going below it. */
MrStatus mr_window_below(MrBinder *b, const MrLogical *top, MrExpr ***args, uint32_t arg_count,
                         MrWindowBelow *out);
/* The window over `*node`, which adds columns to `bottom`: *node shows the columns of `top` as they
 * were, and behind them those that were added. */
MrStatus mr_window_above(MrBinder *b, const MrWindowBelow *below, const MrLogical *top,
                         MrLogical **node);

/* Columns of a window that moved over columns added to its input: its bounds stand behind those. */
typedef struct MrLifted {
    MrBinder *b;
    uint32_t bounds_before, bounds_after;
} MrLifted;
/* A copy of the window over `node`, which shows the columns of its input first. */
MrStatus mr_window_lift(MrBinder *b, const MrLogical *window, MrLogical *node, MrLifted *lifted,
                        MrLogical **out);
/* For mr_expr_map_columns; the context is an MrLifted. */
MrStatus mr_lifted_replace(void *context, const MrExpr *column, MrExpr **out);

#endif
