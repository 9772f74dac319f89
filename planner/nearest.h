/*
 * planner/nearest.h - the name that was probably meant: for the hints of errors about unknown
 * names.  Must not know what the names stand for.
 */
#ifndef MR_PLANNER_NEAREST_H
#define MR_PLANNER_NEAREST_H

#include "common/text.h"

/* Collects candidates and keeps the best; borrows all names. */
typedef struct MrNearest {
    MrString wanted;
    MrString best; /* data NULL: none is near enough */
    uint32_t distance;
} MrNearest;

/* Looks for the name that is nearest to `wanted` (borrowed), by edit distance. */
void mr_nearest_init(MrNearest *nearest, const char *wanted);
void mr_nearest_offer(MrNearest *nearest, MrString candidate);
/* Adds `Perhaps you meant "…".` to an error that is set, when some name is near. */
MrStatus mr_nearest_hint(const MrNearest *nearest, MrError *err);

#endif
