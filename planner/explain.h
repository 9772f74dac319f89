/*
 * planner/explain.h - a plan as a list of operators with properties, before any format.
 * Must not know the formats' syntax.
 */
#ifndef MR_PLANNER_EXPLAIN_H
#define MR_PLANNER_EXPLAIN_H

#include "planner/planner.h"

enum { MR_EXPLAIN_PROPERTIES_MAX = 12 };

typedef struct MrExplainProperty {
    const char *label;
    MrString value;
} MrExplainProperty;

typedef struct MrExplainNode {
    const char *title; /* "Aggregate" */
    MrString subject;  /* "stream edits"; empty: none */
    MrExplainProperty properties[MR_EXPLAIN_PROPERTIES_MAX];
    uint32_t property_count;
    uint32_t depth;  /* the root has 0; an operator's inputs stand behind it, one deeper */
    uint32_t parent; /* index among the nodes */
    uint32_t index;  /* of the operator in the plan's DAG */
} MrExplainNode;

/* Nodes from the root down, the left input's part before the right one's; all in the arena. */
MrStatus mr_explain_nodes(const MrPlan *plan, bool verbose, MrArena *arena, MrExplainNode **out,
                          uint32_t *count, MrError *err);

/* "on update", "on window close" or "every 00:00:10". */
void mr_explain_append_emit(MrBuilder *out, MrEmitMode emit, int64_t every_us);

#endif
