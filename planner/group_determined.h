/*
 * planner/group_determined.h - columns that follow from what is grouped by: those of a table whose
 * whole PRIMARY KEY is among the keys of the groups.  Must not know how groups are kept.
 */
#ifndef MR_PLANNER_GROUP_DETERMINED_H
#define MR_PLANNER_GROUP_DETERMINED_H

#include "planner/over.h"
#include "planner/select_list.h"

/* Makes keys of the columns that follow from the keys and are named outside of aggregates: by the
 * list, the window functions, the arguments of functions that give rows, HAVING (or NULL). */
MrStatus mr_group_add_determined(MrBinder *b, MrGrouping *grouping, const MrSelectList *list,
                                 MrOverList *overs, const MrSetCallList *sets,
                                 const MrExpr *having);

#endif
