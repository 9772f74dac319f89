/*
 * planner/standing.h - what makes a query a standing one: its options, the key of its result table,
 * when it emits, what bounds its state.  Must not know operators.
 */
#ifndef MR_PLANNER_STANDING_H
#define MR_PLANNER_STANDING_H

#include "planner/binder.h"

#define MR_STANDING_OPTION_NAMES                                                               \
    "snapshot|batch_interval|allowed_lateness|late_rows|on_error|on_sink_error|memory|engine|" \
    "numeric"

/* Options of CREATE MATERIALIZED VIEW and EMIT into the plan. */
MrStatus mr_standing_options(MrBinder *b, const MrAstCreateView *statement, MrPlan *plan);
/* Whether rows of the node may be taken back or replaced under ON UPDATE. */
bool mr_standing_can_change(const MrLogical *node);
/* Refuses ON WINDOW CLOSE where a group never closes. */
MrStatus mr_standing_check_emit(MrBinder *b, const MrAstCreateView *statement,
                                const MrLogical *tree, MrPlan *plan);
/* Whether the tree, bound so that it waits for its windows, would be taken there. */
MrStatus mr_standing_closes(MrBinder *b, const MrLogical *tree, bool *out);
/* The root of a standing query is a projection of what the query shows: columns that only ORDER BY
 * needs stay below. */
MrStatus mr_standing_show(MrBinder *b, const MrBoundQuery *bound, MrLogical **out);
/* Whether rows of the tree may be taken back or replaced under ON UPDATE. */
bool mr_standing_can_change(const MrLogical *tree);
/* Keys of the result; adds mr_key to the root projection when an updating result lacks them. */
MrStatus mr_standing_derive_key(MrBinder *b, MrLogical **tree, MrPlan *plan);
/* The NOTICE about groups that nothing removes. */
void mr_standing_note_state(MrBinder *b, const MrLogical *tree, bool is_flink);

#endif
