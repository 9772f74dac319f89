/*
 * server/ddl_start.c - the place of the log from which a standing query answers, and what retention
 * has left of its streams by then.
 */
#include "planner/since.h"
#include "server/ddl_internal.h"
#include "server/scheduler.h"
#include "server/versions.h"

/* Where the first kept row of the plan's streams stands, and what of them is trimmed. */
static void first_kept(const MrServer *server, const MrPlan *plan, uint64_t *first,
                       uint64_t *trim_below)
{
    *first = mr_log_appended(server->log) + 1;
    *trim_below = 0;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        MrLogStreamFacts facts;
        if (!mr_plan_scan_is_logged(&plan->scans[s]) ||
            !mr_log_stream_facts(server->log, plan->scans[s].spec->stream_id, &facts)) {
            continue;
        }
        *first = facts.first_sequence < *first ? facts.first_sequence : *first;
        *trim_below = facts.trim_below > *trim_below ? facts.trim_below : *trim_below;
    }
    /* Where all rows are kept, queries over different streams begin together: who reads two of them
     * finds one start. */
    *first = *trim_below == 0 || *first == 0 ? 1 : *first;
}

/* Rows of its own streams would count from the views' start only: such a mixture is not made.  With
 * snapshot = false rows of streams count from the query's own start. */
static MrStatus check_own_rows(const MrServer *server, const MrPlan *plan, uint64_t first,
                               MrError *err)
{
    for (uint32_t n = 0; n < plan->dag->node_count; n++) {
        const MrDagNode *node = &plan->dag->nodes[n];
        MrLogStreamFacts facts;
        if (node->kind != MR_OPERATOR_SCAN || node->part != NULL) {
            continue;
        }
        const MrScanSpec *spec = node->spec;
        bool is_read = spec->kind == MR_SCAN_TABLE ||
                       (spec->kind == MR_SCAN_STREAM && !mr_plan_reads_before(plan));
        if (is_read && mr_log_stream_facts(server->log, spec->stream_id, &facts) &&
            facts.rows > 0 && facts.first_sequence < first) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" has rows from before \"%s\" begins to answer", spec->relation,
                         plan->parents[0]->name);
            return mr_error_hint(err, "REFRESH MATERIALIZED VIEW %s first.",
                                 plan->parents[0]->name);
        }
    }
    return MR_OK;
}

/* The views' rows are to be the same here: all of them answer from one sequence, and are computed
 * from one. */
static MrStatus start_of_parents(MrServer *server, const MrPlan *plan, uint64_t trim_below,
                                 uint64_t *start, uint64_t *first, MrError *err)
{
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        const MrRelation *view = plan->parents[p];
        MrQueryStatus parent;
        if (!mr_scheduler_query_status(server, view->standing->id, &parent)) {
            return mr_error_set(err, MR_ERR_NOT_IN_STATE, "\"%s\" is not under way", view->name);
        }
        if (trim_below > parent.first_sequence ||
            mr_versions_gone_below(server, plan) > parent.first_sequence) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" holds answers over rows that retention has trimmed since",
                         view->name);
            return mr_error_hint(err,
                                 "REFRESH MATERIALIZED VIEW %s first, or read its stream directly.",
                                 view->name);
        }
        if (p > 0 && (parent.start_sequence != *start || parent.first_sequence != *first)) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" and \"%s\" hold answers from different rows of the log on",
                         plan->parents[0]->name, view->name);
            return mr_error_hint(err, "REFRESH both, or read their streams directly.");
        }
        *start = parent.start_sequence;
        *first = parent.first_sequence;
    }
    return MR_OK;
}

static bool reads_streams_alone(const MrPlan *plan)
{
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (plan->scans[s].spec->kind == MR_SCAN_TABLE) {
            return false;
        }
    }
    return plan->parent_count == 0;
}

MrStatus mr_ddl_choose_start(MrServer *server, const MrPlan *plan, uint64_t *out, MrError *err)
{
    uint64_t trim_below, first = 0;
    first_kept(server, plan, out, &trim_below);
    if (plan->parent_count > 0) {
        MR_TRY(start_of_parents(server, plan, trim_below, out, &first, err));
        MR_TRY(check_own_rows(server, plan, first, err));
    }
    /* A subscription to what changes has all of it run, and gives what changes from now on. */
    if (!plan->snapshot && (mr_plan_reads_before(plan) || reads_streams_alone(plan))) {
        *out = mr_log_appended(server->log) + 1;
    }
    return MR_OK;
}

/* ---- what is trimmed ----------------------------------------------------------------------- */

static bool is_told(const MrPlan *plan, uint32_t scan)
{
    for (uint32_t s = 0; s < scan; s++) {
        if (plan->scans[s].spec->stream_id == plan->scans[scan].spec->stream_id) {
            return true;
        }
    }
    return false;
}

/* The arrival of the first row that is kept; false: none is, or it cannot be read. */
static bool first_arrival(MrDdl *ddl, const MrLogStreamFacts *facts, int64_t *out)
{
    MrLogRecord record;
    MrError ignored = MR_ERROR_INIT;
    bool found = false;
    uint64_t from = facts->first_sequence;
    if (facts->rows == 0 || mr_log_read(ddl->server->log, from, from, NULL, &ddl->memory->arena,
                                        &record, &found, &ignored) != MR_OK) {
        return false;
    }
    if (found) {
        *out = record.arrival_us;
        mr_log_release(&record);
    }
    return found;
}

static void tell_stream(MrDdl *ddl, const char *name, const MrLogStreamFacts *facts)
{
    int64_t arrival_us;
    MrBuilder time;
    if (!first_arrival(ddl, facts, &arrival_us)) {
        mr_ddl_notice(ddl, "00000", "\"%s\" keeps no row: retention has let them all go", name);
        return;
    }
    mr_builder_init(&time, 0);
    mr_cell_format(MR_TYPE_TIMESTAMPTZ, &arrival_us, ddl->request.zone, &time);
    const char *text = mr_builder_text(&time);
    if (text != NULL) {
        mr_ddl_notice(
            ddl, "00000",
            "\"%s\" keeps its rows from %s on, when they came in: older ones do not count", name,
            text);
    }
    mr_builder_fini(&time);
}

/* Versions that a lookup in time could have met. */
static void tell_table(MrDdl *ddl, const char *name, const MrLogStreamFacts *facts)
{
    mr_ddl_notice(
        ddl, "00000",
        "\"%s\" keeps its versions from sequence %llu on: of those before, the rows that were "
        "left then",
        name, (unsigned long long)facts->net_below);
}

void mr_ddl_tell_trimmed(MrDdl *ddl)
{
    const MrPlan *plan = ddl->plan;
    const bool meets = mr_plan_meets_versions(plan);
    for (uint32_t s = 0; plan->snapshot && s < plan->scan_count; s++) {
        const MrScanSpec *spec = plan->scans[s].spec;
        MrLogStreamFacts facts;
        if (mr_plan_scan_is_logged(&plan->scans[s]) && !is_told(plan, s) &&
            mr_log_stream_facts(ddl->server->log, spec->stream_id, &facts) &&
            facts.trim_below > 0) {
            tell_stream(ddl, spec->relation, &facts);
        }
        if (meets && spec->kind == MR_SCAN_TABLE && !is_told(plan, s) &&
            mr_log_stream_facts(ddl->server->log, spec->stream_id, &facts) && facts.net_below > 0) {
            tell_table(ddl, spec->relation, &facts);
        }
    }
}
