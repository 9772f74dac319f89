/*
 * server/scheduler_life.c - SUSPEND, RESUME and TAKE OVER of standing queries.
 */
#include "server/scheduler_internal.h"

static MrStatus not_running(MrError *err)
{
    return mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "the standing query is not there any more");
}

MrStatus mr_scheduler_suspend(MrServer *server, const uint8_t id[16], MrError *err)
{
    MrScheduler *scheduler = server->scheduler;
    mr_scheduler_enter(scheduler);
    MrQuery *query = mr_scheduler_find(scheduler, id);
    if (query != NULL) {
        query->is_suspended = true;
        if (query->state != MR_QUERY_FAILED) {
            mr_query_restart(
                query); /* an epoch in flight is found again through its progress row */
        }
        mr_scheduler_publish(query);
    }
    mr_scheduler_leave(scheduler);
    return query == NULL ? not_running(err) : MR_OK;
}

/* With its parents: a query that was just added has none before the next round. */
static MrQuery *find_linked(MrScheduler *scheduler, const uint8_t id[16])
{
    if (scheduler->is_unlinked) {
        mr_scheduler_link(scheduler);
    }
    return mr_scheduler_find(scheduler, id);
}

void mr_scheduler_fail_orphan(MrServer *server, const uint8_t id[16], const MrError *error)
{
    MrScheduler *scheduler = server->scheduler;
    mr_scheduler_enter(scheduler);
    MrQuery *query = find_linked(scheduler, id);
    if (query != NULL && query->state != MR_QUERY_FAILED &&
        mr_scheduler_missing_parent(query) != NULL) {
        mr_query_fail(query, error);
        mr_scheduler_publish(query);
    }
    mr_scheduler_leave(scheduler);
}

MrStatus mr_scheduler_resume(MrServer *server, const uint8_t id[16], MrError *err)
{
    MrScheduler *scheduler = server->scheduler;
    MrStatus status = MR_OK;
    mr_scheduler_enter(scheduler);
    MrQuery *query = find_linked(scheduler, id);
    const MrRelation *missing = query == NULL ? NULL : mr_scheduler_missing_parent(query);
    if (missing != NULL) {
        status = mr_error_set(err, MR_ERR_NOT_IN_STATE,
                              "\"%s\" cannot go on: \"%s\", which it reads, was replaced",
                              query->spec.relation->name, missing->name);
        mr_error_hint(err, "REFRESH MATERIALIZED VIEW makes it anew.");
    } else if (query != NULL) {
        query->is_suspended = false;
        query->halt_after = UINT64_MAX;
        mr_error_clear(&query->error);
        if (query->state == MR_QUERY_FAILED && query->target_seen.state == MR_TARGET_FAILED) {
            query->hold_until = mr_log_synced(server->log);
        }
        if (query->state != MR_QUERY_RUNNING) {
            mr_query_restart(query);
            query->state = MR_QUERY_STARTING;
        }
        if (query->target_query != NULL) {
            mr_target_wake(query->target_query); /* what is blocked is tried again now */
            mr_target_thread_wake(query->thread);
        }
        mr_scheduler_publish(query);
    }
    mr_scheduler_leave(scheduler);
    return query == NULL ? not_running(err) : status;
}

MrStatus mr_scheduler_take_over(MrServer *server, const uint8_t id[16], MrError *err)
{
    MrScheduler *scheduler = server->scheduler;
    MrStatus status = MR_OK;
    mr_scheduler_enter(scheduler);
    MrQuery *query = mr_scheduler_find(scheduler, id);
    MrTargetStatus target = { .state = MR_TARGET_ATTACHING };
    if (query != NULL && query->target_query != NULL) {
        mr_target_status(query->target_query, &target);
    }
    if (query == NULL) {
        status = not_running(err);
    } else if (target.state != MR_TARGET_FENCED) {
        status =
            mr_error_set(err, MR_ERR_NOT_IN_STATE, "\"%s\" is not FENCED: no other server has it",
                         query->spec.relation->name);
    } else {
        mr_error_clear(&query->error);
        mr_query_restart(query);
        mr_target_take_over(query->target_query);
        mr_target_thread_wake(query->thread);
        mr_scheduler_publish(query);
    }
    mr_scheduler_leave(scheduler);
    return status;
}
