/*
 * server/adhoc_views.c - a SELECT that asks for the places of a materialized view's rows, which its
 * table does not hold: they are computed again from the log, as for a standing query over the view,
 * and from where that would begin.
 */
#include "server/adhoc_internal.h"
#include "server/ddl.h"
#include "server/scheduler.h"

static bool stands_still(const MrQueryStatus *status)
{
    return status->state == MR_QUERY_SUSPENDED || status->state == MR_QUERY_FAILED ||
           status->target.state == MR_TARGET_FENCED || status->target.state == MR_TARGET_FAILED;
}

/* Its table stands still while the log goes on: what is computed now would not be what it holds. */
static MrStatus check_runs(MrServer *server, const MrRelation *view, MrError *err)
{
    MrQueryStatus status;
    const char *still = view->name;
    if (!mr_scheduler_query_status(server, view->standing->id, &status)) {
        return mr_error_set(err, MR_ERR_NOT_IN_STATE, "\"%s\" is not under way", view->name);
    }
    if (status.waits_for[0] != '\0') {
        still = status.waits_for;
    } else if (!stands_still(&status)) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_NOT_IN_STATE,
                 "\"%s\" does not run: the places of its rows cannot be told", still);
    return mr_error_hint(err, "ALTER MATERIALIZED VIEW %s RESUME lets it go on.", still);
}

MrStatus mr_adhoc_find_first(MrServer *server, const MrPlan *plan, uint64_t *out, MrError *err)
{
    MrPlan whole = *plan;
    *out = 0;
    if (plan->parent_count == 0) {
        return MR_OK;
    }
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        MR_TRY(check_runs(server, plan->parents[p], err));
    }
    whole.snapshot = true; /* all that they answer for */
    return mr_ddl_choose_start(server, &whole, out, err);
}
