/*
 * planner/dependent.h - a standing query over a materialized view: the view's plan is bound again
 * below it, as the view itself was planned.  So it is at the
 * prompt, where its table cannot tell what is asked.  See docs/design/0006-views-on-views.md.
 */
#ifndef MR_PLANNER_DEPENDENT_H
#define MR_PLANNER_DEPENDENT_H

#include "planner/binder.h"

/* A RESULT node over the view's own, rewritten tree, bound with the settings of its CREATE. */
MrStatus mr_bind_parent(MrBinder *b, const MrRelation *view, int32_t position, MrLogical **out);
/* At the prompt, where the places of rows are asked for: the tree, filters and projections over a
 * materialized view's table, reads the view's plan instead.  Another tree stays as it is. */
MrStatus mr_bind_again(MrBinder *b, int32_t position, MrLogical **tree);
/* The materialized views that the tree reads directly, each once; in the arena. */
MrStatus mr_dependent_parents(MrArena *arena, const MrLogical *tree, MrPlan *plan, MrError *err);

#endif
