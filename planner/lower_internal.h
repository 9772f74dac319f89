/*
 * planner/lower_internal.h - a plan under way, shared by lower*.c only.
 */
#ifndef MR_PLANNER_LOWER_INTERNAL_H
#define MR_PLANNER_LOWER_INTERNAL_H

#include "planner/lower.h"

/* A part of the tree and the operator that it has become. */
typedef struct MrLowered {
    const MrLogical *node;
    const MrRelation *view;
    bool has_reader;
    int32_t index;
} MrLowered;

typedef struct MrLowering {
    MrArena *arena;
    const MrLowerOptions *options;
    MrDag *dag;
    uint32_t capacity;
    /* Of the part under way: the query's own, or those of the view whose plan it is. */
    const MrRelation *view;
    MrEmitMode emit;
    int64_t allowed_lateness_us;
    const MrTimezone *zone; /* NULL: the query's */
    int32_t top;            /* the node that was made, or found, last */
    /* What was lowered, so that equal parts become one; NULL: nothing can be equal. */
    struct MrLowered *lowered;
    bool may_share;     /* else only what is made once is in there */
    bool steps_retract; /* rows of the last step of the recursion under way may be taken back */
    uint32_t lowered_count;
    MrPlanScan *scans;
    uint32_t scan_count, source_count;
    MrError *err;
} MrLowering;

/* The operators of a node and of all below it; `has_reader`: somebody above judges or sums rows,
 * and must hear which row a new one replaces. */
MrStatus mr_lower_node(MrLowering *lowering, const MrLogical *node, bool has_reader);
/* One node each, over the operators of its inputs. */
MrStatus mr_lower_scan(MrLowering *lowering, const MrLogical *node);
MrStatus mr_lower_filter(MrLowering *lowering, const MrLogical *node);
MrStatus mr_lower_aggregate(MrLowering *lowering, const MrLogical *node, bool has_reader);
MrStatus mr_lower_over(MrLowering *lowering, const MrLogical *node, bool has_reader);
MrStatus mr_lower_top_n(MrLowering *lowering, const MrLogical *node, bool has_reader);
/* One node each, with its inputs. */
MrStatus mr_lower_asof(MrLowering *lowering, const MrLogical *node);
MrStatus mr_lower_join(MrLowering *lowering, const MrLogical *node, bool has_reader);

/* Puts an operator behind the others; `input` and `right` are the numbers of its inputs, or -1. */
MrStatus mr_lowering_push(MrLowering *lowering, MrOperatorKind kind, const void *spec,
                          int32_t input, int32_t right, const MrSchema *schema, bool retracts);
/* The same, behind what was made last. */
MrStatus mr_lowering_append(MrLowering *lowering, MrOperatorKind kind, const void *spec,
                            const MrSchema *schema, bool retracts);
/* The columns of the node as an operator gives them. */
MrStatus mr_lowering_schema(MrLowering *lowering, const MrLogical *node, MrSchema *out);
/* A projection over what was made last. */
MrStatus mr_lowering_project(MrLowering *lowering, MrExpr *const *exprs, uint32_t count,
                             const MrSchema *schema);
/* What was made last. */
const MrDagNode *mr_lowering_top(const MrLowering *lowering);

#endif
