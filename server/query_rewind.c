/*
 * server/query_rewind.c - how far back a standing query's target may be put: which checkpoints are
 * kept for that, and whether the log still has what lies behind one.
 *
 * A target that is put back to an older state is right, and its query goes on from the newest
 * checkpoint that is not younger.  So there is always one, or the query's start, that the target
 * had reached before the rewind margin began: from there on log and tables' changes are kept.
 */
#include <stdio.h>

#include "common/logging.h"
#include "server/query.h"
#include "server/scheduler_internal.h"
#include "server/versions.h"

void mr_query_checkpoint_directory(const MrServer *server, char out[4096])
{
    snprintf(out, 4096, "%s/checkpoints", server->data_directory);
}

/* ---- the margin ------------------------------------------------------------------------------ */

static MrRewindMargin no_margin(void)
{
    return (MrRewindMargin){ .reached_us = INT64_MAX };
}

static MrRewindMargin margin_of(const MrQuery *query, uint64_t covered)
{
    const MrServer *server = query->server;
    const int64_t age_us = mr_settings_int(server->settings, MR_SET_REWIND_MARGIN);
    const int64_t bytes = mr_settings_int(server->settings, MR_SET_REWIND_MARGIN_SIZE);
    if (age_us == 0 || bytes == 0 || atomic_load(&server->scheduler->is_tight)) {
        return no_margin();
    }
    return (MrRewindMargin){
        .reached_us = mr_log_now_us(server->log) - age_us,
        .sequence = mr_log_sequence_behind(server->log, covered, (uint64_t)bytes),
    };
}

/* The log is kept from the oldest checkpoint on, or from the query's start while there is none that
 * the margin has passed over. */
static void note_oldest(MrQuery *query, const MrRewindMargin *margin)
{
    const MrCheckpointList *list = &query->checkpoints;
    const uint64_t before = query->oldest_checkpoint;
    if (list->count > 0 && mr_checkpoint_is_passed(&list->points[0], margin)) {
        query->is_start_kept = false;
    }
    query->oldest_checkpoint =
        list->count == 0 || query->is_start_kept ? 0 : list->points[0].sequence;
    query->is_moved |= query->oldest_checkpoint != before;
}

int64_t mr_query_rewind_us(const MrQuery *query)
{
    const MrCheckpointList *list = &query->checkpoints;
    return query->oldest_checkpoint == 0 || list->count == 0 ||
                   list->points[0].reached_us == INT64_MAX
               ? MR_TIME_MIN
               : list->points[0].reached_us;
}

static MrStatus prune(MrQuery *query, const char *directory, const MrRewindMargin *margin,
                      MrError *err)
{
    MrStatus status = mr_checkpoint_prune(directory, query->spec.id, &query->checkpoints,
                                          query->covered, margin, err);
    note_oldest(query, margin);
    return status;
}

MrStatus mr_query_keep_checkpoints(MrQuery *query, const char *directory, MrError *err)
{
    MrCheckpointList *list = &query->checkpoints;
    const MrRewindMargin margin = margin_of(query, query->covered);
    if (list->is_read) {
        MR_TRY(mr_checkpoint_list_add(list, query->position, err));
    }
    if (!list->is_read) {
        MR_TRY(mr_checkpoint_list_read(directory, query->spec.id, query->covered, list, err));
    }
    return prune(query, directory, &margin, err);
}

void mr_query_reach_checkpoints(MrQuery *query)
{
    char directory[4096];
    MrError err = MR_ERROR_INIT;
    MrCheckpointList *list = &query->checkpoints;
    if (list->count == 0 || list->points[list->count - 1].reached_us < INT64_MAX) {
        return;
    }
    mr_query_checkpoint_directory(query->server, directory);
    if (mr_checkpoint_reach(directory, query->spec.id, list, query->covered,
                            mr_log_now_us(query->server->log), &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "checkpoint.reached", &err);
    }
    const MrRewindMargin margin = margin_of(query, query->covered);
    note_oldest(query, &margin);
}

void mr_query_give_way(MrQuery *query)
{
    char directory[4096];
    MrError err = MR_ERROR_INIT;
    const MrRewindMargin margin = no_margin();
    if (query->checkpoints.count == 0) {
        return;
    }
    mr_query_checkpoint_directory(query->server, directory);
    if (prune(query, directory, &margin, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "checkpoint.remove", &err);
    }
}

/* ---- at a start ------------------------------------------------------------------------------ */

static bool is_stream_whole(const MrQuery *query, const MrPlanScan *scan, uint64_t from)
{
    return !mr_plan_scan_is_logged(scan) ||
           mr_log_is_whole(query->server->log, scan->spec->stream_id, from);
}

/* All that the query has read since its start can be read again. */
static bool is_start_whole(const MrQuery *query)
{
    const MrPlan *plan = query->spec.plan;
    bool is_whole = mr_versions_gone_below(query->server, plan) <= query->first_sequence;
    for (uint32_t s = 0; is_whole && s < plan->scan_count; s++) {
        is_whole = is_stream_whole(query, &plan->scans[s], query->first_sequence);
    }
    return is_whole;
}

MrStatus mr_query_list_checkpoints(MrQuery *query, const char *directory, uint64_t held,
                                   MrError *err)
{
    MrCheckpointList *list = &query->checkpoints;
    MR_TRY(mr_checkpoint_list_read(directory, query->spec.id, held, list, err));
    const MrRewindMargin margin = margin_of(query, held);
    query->is_start_kept =
        list->count == 0 ||
        (!mr_checkpoint_is_passed(&list->points[0], &margin) && is_start_whole(query));
    note_oldest(query, &margin);
    return MR_OK;
}

static MrStatus rows_are_gone(const MrQuery *query, const char *of, uint64_t held, MrError *err)
{
    mr_error_set(err, MR_ERR_REWIND_IMPOSSIBLE,
                 "the target of \"%s\" is true for sequence %llu, and no state from before that is "
                 "kept, nor are all rows of \"%s\"",
                 query->spec.relation->name, (unsigned long long)held, of);
    return mr_error_hint(err, "Put the target back to a newer state, or REFRESH the view, which "
                              "counts from the first row that is kept.");
}

static MrStatus versions_are_gone(const MrQuery *query, uint64_t held, MrError *err)
{
    mr_error_set(err, MR_ERR_REWIND_IMPOSSIBLE,
                 "the target of \"%s\" is true for sequence %llu, no state from before that is "
                 "kept, and its tables' versions are not either",
                 query->spec.relation->name, (unsigned long long)held);
    return mr_error_hint(err, "Put the target back to a newer state, or REFRESH the view.");
}

/* A table's rows that went before what is kept of it are told no more: a target, or a state, from
 * before that would have them for ever. */
static bool is_table_gone(const MrQuery *query, uint64_t upto)
{
    const MrPlan *plan = query->spec.plan;
    bool is_gone = false;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        const MrScanSpec *spec = plan->scans[s].spec;
        MrLogStreamFacts facts;
        is_gone |= spec->kind == MR_SCAN_TABLE &&
                   mr_log_stream_facts(query->server->log, spec->stream_id, &facts) &&
                   facts.net_below > upto + 1;
    }
    return is_gone;
}

MrStatus mr_query_check_replay(const MrQuery *query, bool from_start, const MrTargetStatus *target,
                               uint64_t held, MrError *err)
{
    const MrPlan *plan = query->spec.plan;
    const bool is_empty = target->progress.epoch == 0; /* there is nothing to be true to */
    if (from_start && query->checkpoints.count == 0) {
        return MR_OK; /* before its first checkpoint the log is kept for it whole */
    }
    if (from_start && (mr_versions_gone_below(query->server, plan) > query->first_sequence ||
                       (!is_empty && is_table_gone(query, held)))) {
        return versions_are_gone(query, held, err);
    }
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (!is_stream_whole(query, &plan->scans[s], query->position + 1)) {
            return rows_are_gone(query, plan->scans[s].relation->name, held, err);
        }
    }
    return MR_OK;
}

/* A removal that was lost with the power, or a server that kept less, may have left older ones
 * than the log has what lies behind. */
static MrStatus remove_useless(MrQuery *query, const char *directory, MrError *err)
{
    MrCheckpointList *list = &query->checkpoints;
    size_t useless = 0;
    while (useless < list->count && list->points[useless].sequence < query->position &&
           is_table_gone(query, list->points[useless].sequence)) {
        useless++;
    }
    return mr_checkpoint_remove_oldest(directory, query->spec.id, list, useless, err);
}

void mr_query_settle_checkpoints(MrQuery *query, const char *directory, bool from_start)
{
    MrError err = MR_ERROR_INIT;
    MrCheckpointList *list = &query->checkpoints;
    const MrRewindMargin margin = margin_of(query, query->covered);
    MrStatus status = mr_checkpoint_remove_above(directory, query->spec.id, list,
                                                 from_start ? 0 : query->position, &err);
    if (status == MR_OK) {
        status = remove_useless(query, directory, &err);
    }
    if (status != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "checkpoint.remove", &err);
        mr_checkpoint_list_fini(list); /* what is there is looked up again */
    }
    query->is_start_kept |= from_start;
    note_oldest(query, &margin);
}
