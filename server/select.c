/*
 * server/select.c - SELECT and VALUES, and every statement that needs the rows of a query: at once
 * where the rows are constants, else on a thread while the session waits.
 */
#include <stdio.h>

#include "parser/print.h"
#include "server/changes.h"
#include "server/notify.h"
#include "server/scheduler.h"
#include "server/statement.h"
#include "server/tables.h"

MrStatus mr_select_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrPlannerContext context;
    mr_portal_planner_context(session, portal, is_run, &context);
    portal->with = (MrChangeList){ 0 };
    context.changes = portal->is_cursor ? NULL : &portal->with;
    MR_TRY(
        mr_planner_select(&context, MR_AST_AS(const MrAstQuery, portal->node), &portal->plan, err));
    MrSchema *columns;
    MR_NEW(&portal->memory->arena, columns, err);
    *columns = portal->plan->output;
    columns->column_count = portal->plan->visible_columns;
    portal->columns = columns;
    return MR_OK;
}

/* ---- What the client should know of the result that it reads --------------------------------- */

static const char *standing_still(const MrQueryStatus *status)
{
    if (status->state == MR_QUERY_SUSPENDED) {
        return "suspended";
    }
    if (status->state == MR_QUERY_FAILED) {
        return "stopped";
    }
    switch (status->target.state) {
    case MR_TARGET_RETRYING:
    case MR_TARGET_STALLED:
    case MR_TARGET_BLOCKED: return "not able to write to its target";
    case MR_TARGET_FENCED: return "run by another server";
    case MR_TARGET_FAILED: return "stopped";
    default: return NULL;
    }
}

/* `still` is what has to be resumed: the view itself, or one that it reads. */
static void tell_older(MrSession *session, const char *message, const char *name, const char *still)
{
    MrBuilder hint;
    mr_builder_init(&hint, 0);
    mr_builder_append_string(&hint, "EXPLAIN PROGRESS ");
    mr_print_identifier(&hint, name);
    mr_builder_append_string(&hint, " tells more; ALTER MATERIALIZED VIEW ");
    mr_print_identifier(&hint, still);
    mr_builder_append_string(&hint, " RESUME lets it go on.");
    mr_session_notice(session, "NOTICE", "55000", message, mr_builder_text(&hint));
    mr_builder_fini(&hint);
}

static void tell_of_query(MrSession *session, const MrRelation *relation)
{
    MrQueryStatus status;
    if (relation->standing == NULL ||
        !mr_scheduler_query_status(session->server, relation->standing->id, &status)) {
        return;
    }
    char message[800];
    const char *state = standing_still(&status);
    if (state == NULL && status.waits_for[0] != '\0') {
        snprintf(
            message, sizeof message,
            "\"%s\" waits for \"%s\", which does not run: its rows may be older than what this "
            "session has written",
            relation->name, status.waits_for);
        tell_older(session, message, relation->name, status.waits_for);
    }
    if (state == NULL) {
        return;
    }
    const MrError *why = status.error.status != MR_OK ? &status.error : &status.target.error;
    snprintf(message, sizeof message,
             "\"%s\" is %s%s%s: its rows may be older than what this session has written",
             relation->name, state,
             why->status == MR_OK ? "" : ", since: ", why->status == MR_OK ? "" : why->message);
    tell_older(session, message, relation->name, relation->name);
}

/* ---- Running --------------------------------------------------------------------------------- */

MrStatus mr_session_do_effects(MrSession *session, const MrResult *result, MrError *err)
{
    for (const MrEffect *each = result->effects.first; each != NULL; each = each->next) {
        if (each->kind == MR_EFFECT_NOTIFY) {
            MR_TRY(mr_notify_send(session, each->name, each->value, err));
        } else if (each->kind == MR_EFFECT_WARNING) {
            mr_session_notice(session, "WARNING", "01000", each->name.data, NULL);
        } else {
            MR_TRY(mr_session_set_by_name(session, each->name.data, each->value,
                                          each->kind == MR_EFFECT_SET_LOCAL, err));
        }
    }
    return MR_OK;
}

static void adhoc_done(void *context, MrResult *result, const MrError *err)
{
    MrSession *session = context;
    MrError cancelled = MR_ERROR_INIT;
    session->adhoc = NULL;
    if (err == NULL && session->cancel != MR_CANCEL_NONE) {
        mr_result_destroy(result); /* it was ready before the cancel came to it */
        result = NULL;
        mr_session_cancel_error(session, &cancelled);
        err = &cancelled;
    } else if (err != NULL && err->status == MR_ERR_CANCELED) {
        mr_session_cancel_error(session, &cancelled);
        err = &cancelled;
    }
    MrError own = MR_ERROR_INIT;
    if (err == NULL && !session->runs_again &&
        mr_session_do_effects(session, result, &own) != MR_OK) {
        err = &own;
    }
    *session->adhoc_result = result;
    if (err == NULL && !session->runs_again) {
        bool waits = false;
        err = mr_session_hold_back(session, result, session->then, &waits, &own) == MR_OK ? NULL
                                                                                          : &own;
        if (waits) {
            return;
        }
    }
    mr_session_resume(session, err == NULL ? MR_OK : err->status, err);
}

static void start_for(MrSession *session, const MrPlan *plan, MrStatementMemory *memory,
                      MrCatalog *catalog, MrResult **out, const MrAdhocOptions *options,
                      MrSessionThen *then)
{
    bool waits = mr_settings_bool(session->settings, MR_SET_READ_YOUR_WRITES);
    MrAdhocOptions own = *options;
    own.memory_bytes = mr_settings_int(session->settings, MR_SET_WORK_MEMORY);
    own.own_sequence = waits ? session->transaction.own_sequence : 0;
    mr_session_pause(session, then);
    session->adhoc_result = out;
    session->adhoc =
        mr_adhoc_start(session->server, plan, memory, catalog, &own, adhoc_done, session);
}

void mr_select_start_for(MrSession *session, const MrPlan *plan, MrStatementMemory *memory,
                         MrCatalog *catalog, MrResult *const *returned, MrResult *own,
                         MrResult **out, MrSessionThen *then)
{
    MrAdhocOptions options = { .sees_uncommitted = true, .returned = returned, .own = own };
    start_for(session, plan, memory, catalog, out, &options, then);
}

static bool reads(const MrPlan *plan, MrScanKind kind)
{
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (plan->scans[s].spec->kind == kind) {
            return true;
        }
    }
    return false;
}

static void start_portal(MrSession *session, MrPortal *portal, bool sees_uncommitted,
                         MrSessionThen *then)
{
    const MrTransaction *transaction = &session->transaction;
    bool reads_results = reads(portal->plan, MR_SCAN_RESULT);
    if ((transaction->log != NULL && (reads_results || reads(portal->plan, MR_SCAN_STREAM))) ||
        (transaction->changes != NULL && reads_results)) {
        mr_session_notice(session, "NOTICE", "00000",
                          "rows of this transaction are not visible before its COMMIT", NULL);
    }
    for (uint32_t s = 0; s < portal->plan->scan_count; s++) {
        if (portal->plan->scans[s].relation != NULL && mr_plan_is_first_scan(portal->plan, s)) {
            tell_of_query(session, portal->plan->scans[s].relation);
        }
    }
    MrAdhocOptions options = { .locks = session->locks,
                               .sees_uncommitted = sees_uncommitted,
                               .returned = portal->returned };
    start_for(session, portal->plan, portal->memory, portal->catalog, &portal->result, &options,
              then);
}

/* The tables have what the transaction did to them. */
static void changes_are_made(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->select_portal;
    MrSessionThen *then = session->select_then;
    session->select_portal = NULL;
    session->select_then = NULL;
    if (status != MR_OK) {
        then(session, status, err);
        return;
    }
    if (portal->with.count == 0) { /* else it sees nothing of its own statements */
        mr_tables_begin_statement(session->server);
    }
    start_portal(session, portal, true, then);
    if (portal->with.count > 0) {
        mr_changes_forget_returned(session);
    }
}

/* Those in WITH come first: the query sees what they return, and nothing else of them. */
static MrStatus start_with_changes(MrSession *session, MrPortal *portal, MrSessionThen *then,
                                   MrError *err)
{
    MrChange *list;
    if (mr_transaction_is_read_only(session)) {
        return mr_error_set(err, MR_ERR_READ_ONLY_TRANSACTION,
                            "cannot execute %s in a read-only transaction",
                            mr_ast_kind_name(portal->node->kind));
    }
    MR_TRY(mr_changes_of_statement(session, portal, NULL, &list, err));
    session->select_portal = portal;
    session->select_then = then;
    return mr_changes_run(session, list, changes_are_made, err);
}

MrStatus mr_select_start(MrSession *session, MrPortal *portal, MrSessionThen *then, MrError *err)
{
    MR_TRY(mr_session_need_locks(session, err));
    if (portal->with.count > 0) {
        return start_with_changes(session, portal, then, err);
    }
    if (mr_adhoc_is_immediate(portal->plan)) {
        bool waits;
        MR_TRY(
            mr_adhoc_run_now(session->server, portal->plan, session->locks, &portal->result, err));
        MR_TRY(mr_session_do_effects(session, portal->result, err));
        MR_TRY(mr_session_hold_back(session, portal->result, then, &waits, err));
        if (!waits) {
            then(session, MR_OK, NULL);
        }
        return MR_OK;
    }
    MR_TRY(mr_transaction_cut(session, err)); /* the query may read what was just written */
    if (session->transaction.changes != NULL && reads(portal->plan, MR_SCAN_TABLE)) {
        session->select_portal = portal;
        session->select_then = then;
        mr_changes_start(session, NULL, changes_are_made);
    } else {
        start_portal(session, portal, false, then);
    }
    return MR_OK;
}

static void select_done(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_portal_set_rows(session->current, session->current->result, "SELECT");
}

MrStatus mr_select_run(MrSession *session, MrPortal *portal, MrError *err)
{
    return mr_select_start(session, portal, select_done, err);
}
