/*
 * server/query_begin.c - standing queries that read what was there before their start: those with
 * snapshot = false over tables and views, and all that read them.  The inputs are run from the
 * beginning; once they are as they were at a start, the pipeline is told, and counts from there.
 */
#include <string.h>

#include "planner/since.h"
#include "server/query.h"
#include "server/scheduler_internal.h"

static const MrSinceSpec *since_at(const MrQuery *query, uint32_t node)
{
    const MrDagNode *at = &query->spec.plan->dag->nodes[node];
    return at->kind == MR_OPERATOR_SINCE ? at->spec : NULL;
}

/* First sequence from which the query of that number counts; 0: it is not there. */
static uint64_t start_of(const MrQuery *query, const uint8_t id[16])
{
    static const uint8_t own[16];
    if (memcmp(id, own, sizeof own) == 0) {
        return query->spec.start_sequence;
    }
    return mr_scheduler_start_of(query->server->scheduler, id);
}

bool mr_query_knows_starts(const MrQuery *query)
{
    for (uint32_t i = 0; i < query->spec.plan->dag->node_count; i++) {
        const MrSinceSpec *since = since_at(query, i);
        if (since != NULL && start_of(query, since->query) == 0) {
            return false;
        }
    }
    return true;
}

static uint64_t first_of_tables(const MrQuery *query)
{
    const MrPlan *plan = query->spec.plan;
    uint64_t first = query->spec.start_sequence;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        const MrScanSpec *spec = plan->scans[s].spec;
        MrLogStreamFacts facts;
        if (spec->kind == MR_SCAN_TABLE &&
            mr_log_stream_facts(query->server->log, spec->stream_id, &facts) && facts.rows > 0) {
            uint64_t own = facts.first_sequence > 0 ? facts.first_sequence : 1;
            first = own < first ? own : first;
        }
    }
    return first;
}

uint64_t mr_query_first_sequence(const MrQuery *query)
{
    const MrPlan *plan = query->spec.plan;
    if (plan->parent_count == 0) {
        return mr_plan_reads_before(plan) ? first_of_tables(query) : query->spec.start_sequence;
    }
    uint64_t first = query->spec.start_sequence;
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        uint64_t own = query->parents[p] == NULL ? 1 : mr_query_first_sequence(query->parents[p]);
        first = own < first ? own : first;
    }
    return first;
}

/* The next start that the pipeline must be told of. */
static uint64_t next_start(const MrQuery *query)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < query->spec.plan->dag->node_count; i++) {
        const MrSinceSpec *since = since_at(query, i);
        uint64_t start = since == NULL ? 0 : start_of(query, since->query);
        next = start > query->begun && start < next ? start : next;
    }
    return next;
}

static MrStatus tell_start(MrQuery *query, uint64_t start, MrError *err)
{
    for (uint32_t i = 0; i < query->spec.plan->dag->node_count; i++) {
        const MrSinceSpec *since = since_at(query, i);
        if (since != NULL && start_of(query, since->query) == start) {
            MR_TRY(mr_pipeline_begin(query->pipeline, since->query, err));
        }
    }
    return MR_OK;
}

MrStatus mr_query_begin(MrQuery *query, MrError *err)
{
    uint64_t start = next_start(query);
    for (; start <= query->position + 1; start = next_start(query)) {
        MR_TRY(tell_start(query, start, err));
        query->begun = start;
        query->rows_in = 0;
        mr_pipeline_clear_notes(query->pipeline); /* of rows that do not count */
        mr_query_late_clear(query);
    }
    query->begins_after = start == UINT64_MAX ? UINT64_MAX : start - 1;
    return MR_OK;
}
