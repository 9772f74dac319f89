/*
 * server/versions.c - what plans meet of tables' earlier states: see versions.h.
 */
#include "server/versions.h"

#include "planner/since.h"
#include "server/server.h"

static bool node_meets_versions(const MrDagNode *node)
{
    switch (node->kind) {
    case MR_OPERATOR_SINCE: return true;
    case MR_OPERATOR_JOIN: return ((const MrJoinSpec *)node->spec)->is_lookup;
    case MR_OPERATOR_ASOF: return ((const MrAsofSpec *)node->spec)->is_versioned;
    case MR_OPERATOR_AGGREGATE:
        return ((const MrAggregateSpec *)node->spec)->emit == MR_EMIT_MODE_CLOSE;
    default: return false;
    }
}

bool mr_plan_meets_versions(const MrPlan *plan)
{
    bool meets = plan->emit == MR_EMIT_MODE_CLOSE;
    for (uint32_t n = 0; n < plan->dag->node_count; n++) {
        meets |= node_meets_versions(&plan->dag->nodes[n]);
    }
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        meets |= plan->parents[p]->standing->emit == MR_EMIT_MODE_CLOSE;
    }
    return meets;
}

uint64_t mr_versions_gone_below(const MrServer *server, const MrPlan *plan)
{
    uint64_t below = 0;
    const bool meets = mr_plan_meets_versions(plan);
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        const MrScanSpec *spec = plan->scans[s].spec;
        MrLogStreamFacts facts;
        if (spec->kind == MR_SCAN_TABLE && meets &&
            mr_log_stream_facts(server->log, spec->stream_id, &facts)) {
            below = facts.net_below > below ? facts.net_below : below;
        }
    }
    return below;
}
