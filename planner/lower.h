/*
 * planner/lower.h - the logical tree to the engine's operators.  Must not know SQL text.
 */
#ifndef MR_PLANNER_LOWER_H
#define MR_PLANNER_LOWER_H

#include "planner/binder.h"

typedef struct MrLowerOptions {
    bool is_standing;
    MrEmitMode emit;
    int64_t allowed_lateness_us;
    uint32_t visible_columns; /* ad hoc */
    const uint32_t *keys;     /* standing: of the result */
    uint32_t key_count;
    bool append_only;
    bool keeps_old; /* standing: a change comes with the row that it replaces */
    const MrTimezone *zone;
    int64_t now_us;
} MrLowerOptions;

/* Sets the plan's DAG and scans. */
MrStatus mr_lower(MrArena *arena, const MrLogical *tree, const MrLowerOptions *options,
                  MrPlan *plan, MrError *err);

#endif
