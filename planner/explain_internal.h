/*
 * planner/explain_internal.h - an explanation under way.  Only planner/explain*.c include it.
 */
#ifndef MR_PLANNER_EXPLAIN_INTERNAL_H
#define MR_PLANNER_EXPLAIN_INTERNAL_H

#include "planner/explain.h"

typedef struct MrExplain {
    const MrPlan *plan;
    const MrDag *dag;
    bool verbose;
    MrArena *arena;
    MrExplainNode *nodes;
    uint32_t count;
    uint32_t *readers;   /* per operator: how many take its rows; 0: it was described */
    MrExplainNode *node; /* being described */
    MrBuilder text;      /* of the value under way */
    MrError *err;
} MrExplain;

/* Ends the value that was written into explain->text; or gives it whole. */
MrStatus mr_explain_add(MrExplain *explain, const char *label);
MrStatus mr_explain_add_text(MrExplain *explain, const char *label, const char *value);
void mr_explain_append_name(MrBuilder *out, const MrSchema *schema, uint32_t column);
void mr_explain_append_names(MrBuilder *out, const MrSchema *schema, const uint32_t *columns,
                             uint32_t count);
/* A column of a node's input; one without a name is shown by what the projection below computes. */
void mr_explain_append_input(MrExplain *explain, const MrDagNode *node, uint32_t column);
void mr_explain_append_order(MrExplain *explain, const MrSchema *schema, const MrSortKey *keys,
                             uint32_t count);
void mr_explain_append_duration(MrBuilder *out, int64_t us);
bool mr_explain_is_standing(const MrPlan *plan);

/* Of a plan with a job. */
MrStatus mr_explain_flink(MrExplain *explain);
MrStatus mr_explain_aggregate(MrExplain *explain, const MrDagNode *node);
MrStatus mr_explain_over(MrExplain *explain, const MrDagNode *node);
MrStatus mr_explain_top_n(MrExplain *explain, const MrDagNode *node);
MrStatus mr_explain_join(MrExplain *explain, const MrDagNode *node);
MrStatus mr_explain_asof(MrExplain *explain, const MrDagNode *node);

#endif
