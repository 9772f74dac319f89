/*
 * planner/hypothetical.h - rank(x) WITHIN GROUP (ORDER BY y): where a row would stand among those
 * of its group.  Must not know how aggregates are computed: it is said in terms of count().
 */
#ifndef MR_PLANNER_HYPOTHETICAL_H
#define MR_PLANNER_HYPOTHETICAL_H

#include "planner/binder.h"

bool mr_is_hypothetical(const char *name);
MrStatus mr_bind_hypothetical(MrBinder *b, const MrAstCall *call, MrExpr **out);

#endif
