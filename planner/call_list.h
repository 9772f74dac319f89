/*
 * planner/call_list.h - the calls that the planner answers itself, for those who list functions:
 * the clock and the session (binder_special.c), the functions of OVER (binder_over.c).  Those of
 * the registries, and what is only a word of the grammar (COALESCE, current_date), aren't here.
 */
#ifndef MR_PLANNER_CALL_LIST_H
#define MR_PLANNER_CALL_LIST_H
#include "engine/function.h"

typedef struct MrListedCall {
    const char *name;
    bool is_window;       /* only with OVER */
    const MrTypeId *args; /* MR_TYPE_UNKNOWN: any type */
    uint32_t arg_count;
    MrTypeId result;
    uint32_t flags; /* MR_FN_…, as PostgreSQL's catalogue has them */
    const char *doc;
    const char *example, *returns; /* NULL: an example needs a stream */
} MrListedCall;

/* All of them, in an order that doesn't change; static. */
const MrListedCall *mr_listed_calls(uint32_t *count);

#endif
