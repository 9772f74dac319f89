/*
 * server/changes.c - INSERT into tables, UPDATE, DELETE, TRUNCATE: when they run.  See changes.h.
 */
#include "server/changes.h"

#include <stdlib.h>

#include "server/tables.h"

/* ---- life ------------------------------------------------------------------------------------ */

void mr_changes_free(MrChange **list)
{
    while (*list != NULL) {
        MrChange *change = *list;
        *list = change->next;
        mr_result_destroy(change->rows);
        mr_result_destroy(change->returned);
        mr_catalog_unref(change->catalog);
        mr_statement_memory_release(change->memory);
        free(change);
    }
}

static MrStatus change_new(MrCatalog *catalog, MrChange **out, MrError *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return mr_error_no_memory(err);
    }
    (*out)->catalog = mr_catalog_ref(catalog);
    return MR_OK;
}

/* Its rows are all that it needs any more: plans take room, and there may be very many. */
static void forget_statement(MrChange *change)
{
    change->own = (MrChangePlan){ .kind = MR_CHANGE_INSERT, .target = change->plan->target };
    change->plan = &change->own;
    mr_statement_memory_release(change->memory);
    change->memory = NULL;
}

/* Rows that are in the statement itself. */
static bool is_constant(const MrPlan *rows)
{
    for (uint32_t s = 0; s < rows->scan_count; s++) {
        if (rows->scans[s].spec->kind != MR_SCAN_VALUES) {
            return false;
        }
    }
    return true;
}

static bool is_plain_insert(const MrChange *change)
{
    return change->plan->kind == MR_CHANGE_INSERT && !change->is_truncate &&
           change->plan->conflict == MR_CONFLICT_NONE && change->plan->returning == NULL;
}

MrStatus mr_change_create(MrSession *session, MrPortal *portal, const MrChangePlan *plan,
                          MrChange **out, MrError *err)
{
    MR_TRY(change_new(portal->catalog, out, err));
    (*out)->memory = mr_statement_memory_hold(portal->memory);
    (*out)->plan = plan;
    if (plan->rows != NULL && mr_adhoc_is_immediate(plan->rows) && is_constant(plan->rows)) {
        MrStatus status = mr_adhoc_run_now(session->server, plan->rows, NULL, &(*out)->rows, err);
        if (status == MR_OK) {
            status = mr_session_do_effects(session, (*out)->rows, err);
        }
        if (status != MR_OK) {
            mr_changes_free(out);
            return status;
        }
        if (is_plain_insert(*out)) {
            forget_statement(*out);
        }
    }
    return MR_OK;
}

MrStatus mr_change_create_rows(MrCatalog *catalog, const MrRelation *target, MrChange **out,
                               MrError *err)
{
    MR_TRY(change_new(catalog, out, err));
    (*out)->own = (MrChangePlan){ .kind = MR_CHANGE_INSERT, .target = target };
    (*out)->plan = &(*out)->own;
    MrStatus status = mr_result_create(&target->stream->schema, &(*out)->rows, err);
    if (status != MR_OK) {
        mr_changes_free(out);
    }
    return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static void run_rest(MrSession *session);

/* The end of the list, or of its failure. */
static void finish(MrSession *session, MrStatus status, const MrError *err)
{
    MrSessionThen *then = session->changes_then;
    session->changes_then = NULL;
    then(session, status, err);
}

static void rows_are_there(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        finish(session, status, err);
        return;
    }
    run_rest(session);
}

/* Its query, on a thread unless it has nothing to read; *waits: rows_are_there comes. */
static MrStatus ask(MrSession *session, MrChange *change, bool *waits, MrError *err)
{
    const MrPlan *plan = change->plan->rows;
    *waits = false;
    if (plan == NULL || change->rows != NULL) {
        return MR_OK;
    }
    if (mr_adhoc_is_immediate(plan)) {
        MR_TRY(mr_adhoc_run_now(session->server, plan, NULL, &change->rows, err));
        MR_TRY(mr_session_do_effects(session, change->rows, err));
        *waits = mr_session_sleeps(session, change->rows, rows_are_there);
        return MR_OK;
    }
    *waits = true;
    mr_select_start_for(session, plan, change->memory, change->catalog, &change->rows, true,
                        rows_are_there);
    return MR_OK;
}

static void run_rest(MrSession *session)
{
    MrError err = MR_ERROR_INIT;
    MrStatus status = MR_OK;
    MrTransaction *transaction = &session->transaction;
    while (transaction->running != NULL && status == MR_OK) {
        MrChange *change = transaction->running;
        bool waits;
        status = ask(session, change, &waits, &err);
        if (status == MR_OK && waits) {
            return;
        }
        if (status == MR_OK) {
            status = mr_change_apply(session, change, &err);
        }
        if (status != MR_OK || change->next == NULL) {
            break;
        }
        transaction->running = change->next; /* the last stays, for what it returns */
        change->next = NULL;
        mr_changes_free(&change);
    }
    finish(session, status, status == MR_OK ? NULL : &err);
}

static void turn_has_come(MrSession *session, MrStatus status, const MrError *err)
{
    mr_session_end_lock_wait(session);
    if (status != MR_OK) {
        finish(session, status, err);
        return;
    }
    run_rest(session);
}

void mr_changes_start(MrSession *session, MrChange *list, MrSessionThen *then)
{
    MrTransaction *transaction = &session->transaction;
    mr_changes_free(&transaction->running);
    transaction->running = list;
    session->changes_then = then;
    if (mr_tables_take_turn(session)) {
        run_rest(session);
    } else {
        mr_session_wait(session, mr_tables_wait_turn(session), false, turn_has_come);
        mr_session_time_lock(session);
    }
}

/* ---- BEGIN … COMMIT ------------------------------------------------------------------------ */

static void tell_of_commit(MrSession *session, const MrChange *change)
{
    if (session->transaction.has_told || is_plain_insert(change)) {
        return;
    }
    session->transaction.has_told = true;
    mr_session_notice(session, "NOTICE", "00000",
                      "statements that change tables run at COMMIT: the number of rows is that of "
                      "now",
                      NULL);
}

/* Rows of INSERT … VALUES one after the other become one statement's. */
static MrStatus join_rows(MrChange *last, const MrChange *change, bool *joined, MrError *err)
{
    *joined = last != NULL && last->memory == NULL && change->memory == NULL &&
              last->plan->target == change->plan->target && is_plain_insert(last) &&
              is_plain_insert(change);
    if (!*joined) {
        return MR_OK;
    }
    for (uint32_t b = 0; b < change->rows->block_count; b++) {
        MR_TRY(mr_result_add(last->rows, change->rows->blocks[b], err));
    }
    return MR_OK;
}

static MrStatus keep(MrSession *session, MrChange *change, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    bool joined = false;
    if (change->plan->returning != NULL) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "RETURNING is not supported inside BEGIN … COMMIT: rows change at COMMIT");
        return mr_error_hint(err, "Run the statement outside of a transaction block.");
    }
    tell_of_commit(session, change);
    change->count = change->rows != NULL && change->plan->kind == MR_CHANGE_INSERT
                        ? change->rows->row_count
                        : 0;
    if (!transaction->keeps_apart) {
        MR_TRY(join_rows(transaction->last_deferred, change, &joined, err));
    }
    if (joined) {
        transaction->last_deferred->count = change->count;
        mr_changes_free(&change);
        return MR_OK;
    }
    if (transaction->last_deferred != NULL) {
        transaction->last_deferred->next = change;
    } else {
        transaction->deferred = change;
    }
    transaction->last_deferred = change;
    transaction->keeps_apart = false;
    return MR_OK;
}

MrStatus mr_changes_run_or_keep(MrSession *session, MrChange *change, MrSessionThen *then,
                                MrError *err)
{
    if (session->transaction.state == MR_TX_OPEN) {
        MrStatus status = keep(session, change, err);
        if (status != MR_OK) {
            mr_changes_free(&change);
            return status;
        }
        if (session->transaction.last_deferred == change && mr_change_can_be_counted(change)) {
            mr_change_count(session, change, then);
        } else {
            then(session, MR_OK, NULL);
        }
        return MR_OK;
    }
    if (session->transaction.log != NULL) { /* rows of streams, which its query may read */
        MrStatus status = mr_transaction_cut(session, err);
        if (status != MR_OK) {
            mr_changes_free(&change);
            return status;
        }
    }
    mr_changes_start(session, change, then);
    return MR_OK;
}

/* ---- the statements -------------------------------------------------------------------------- */

static MrStatus set_plan(MrPortal *portal, const MrChangePlan *plan, MrError *err)
{
    portal->details = plan;
    portal->relation = plan->target;
    portal->plan = plan->rows;
    if (plan->returning != NULL) {
        MrSchema *columns;
        MR_NEW(&portal->memory->arena, columns, err);
        *columns = plan->returning->output;
        columns->column_count = plan->returning->visible_columns;
        portal->columns = columns;
    }
    return MR_OK;
}

MrStatus mr_insert_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrPlannerContext context;
    MrChangePlan *plan;
    mr_portal_planner_context(session, portal, is_run, &context);
    MR_TRY(mr_planner_insert(&context, MR_AST_AS(const MrAstInsert, portal->node), &plan, err));
    return set_plan(portal, plan, err);
}

MrStatus mr_update_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrPlannerContext context;
    MrChangePlan *plan;
    mr_portal_planner_context(session, portal, is_run, &context);
    MR_TRY(mr_planner_update(&context, MR_AST_AS(const MrAstUpdate, portal->node), &plan, err));
    return set_plan(portal, plan, err);
}

MrStatus mr_delete_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrPlannerContext context;
    MrChangePlan *plan;
    mr_portal_planner_context(session, portal, is_run, &context);
    MR_TRY(mr_planner_delete(&context, MR_AST_AS(const MrAstDelete, portal->node), &plan, err));
    return set_plan(portal, plan, err);
}

static const char *tag_of(const MrChange *change)
{
    static const char *const tags[] = { "INSERT 0", "UPDATE", "DELETE" };
    return tags[change->plan->kind];
}

void mr_changes_done(MrSession *session, const char *tag)
{
    MrPortal *portal = session->current;
    MrTransaction *transaction = &session->transaction;
    MrChange *change =
        transaction->state == MR_TX_OPEN ? transaction->last_deferred : transaction->running;
    if (change->returned != NULL) {
        mr_portal_set_rows(portal, change->returned, tag_of(change));
        change->returned = NULL;
    } else if (change->is_truncate) {
        mr_portal_set_done(portal, "TRUNCATE TABLE");
    } else {
        mr_portal_set_done(portal, "%s %llu", tag == NULL ? tag_of(change) : tag,
                           (unsigned long long)change->count);
    }
    mr_changes_free(&transaction->running);
}

static void change_is_made(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_changes_done(session, NULL);
}

MrStatus mr_change_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MrChange *change;
    MR_TRY(mr_change_create(session, portal, portal->details, &change, err));
    return mr_changes_run_or_keep(session, change, change_is_made, err);
}

static MrStatus truncate_list(MrSession *session, MrPortal *portal, MrChange **out, MrError *err)
{
    const MrAstTruncate *ast = MR_AST_AS(const MrAstTruncate, portal->node);
    MrChange **last = out;
    MrPlannerContext context;
    mr_portal_planner_context(session, portal, true, &context);
    for (uint32_t n = 0; n < ast->names.count; n++) {
        const MrName *name = &MR_AST_AS(const MrAstNameNode, ast->names.items[n])->name;
        const MrRelation *target;
        MR_TRY(mr_planner_changeable(&context, name, "truncate", &target, err));
        MR_TRY(change_new(portal->catalog, last, err));
        (*last)->own = (MrChangePlan){ .kind = MR_CHANGE_DELETE, .target = target };
        (*last)->plan = &(*last)->own;
        (*last)->is_truncate = true;
        last = &(*last)->next;
    }
    return MR_OK;
}

MrStatus mr_truncate_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MrChange *list = NULL;
    MrStatus status = truncate_list(session, portal, &list, err);
    if (status != MR_OK) {
        mr_changes_free(&list);
        return status;
    }
    if (session->transaction.state != MR_TX_OPEN) {
        mr_changes_start(session, list, change_is_made);
        return MR_OK;
    }
    while (list != NULL) {
        MrChange *change = list;
        list = change->next;
        change->next = NULL;
        status = keep(session, change, err);
        if (status != MR_OK) {
            mr_changes_free(&change);
            mr_changes_free(&list);
            return status;
        }
    }
    change_is_made(session, MR_OK, NULL);
    return MR_OK;
}
