/*
 * server/changes.c - INSERT into tables, UPDATE, DELETE, TRUNCATE: when they run.  See changes.h.
 */
#include "server/changes.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "server/tables.h"

/* ---- life ------------------------------------------------------------------------------------ */

void mr_changes_free(MrChange **list)
{
    while (*list != NULL) {
        MrChange *change = *list;
        *list = change->next;
        mr_apply_destroy(change->apply);
        mr_result_destroy(change->rows);
        mr_result_destroy(change->returned);
        mr_result_destroy(change->own_rows);
        mr_result_destroy(change->updated);
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
        if (is_plain_insert(*out) && portal->with.count == 0) {
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

/* A statement whose answer the client has is told that it is not so any more. */
static MrStatus fail_again(MrError *err)
{
    static const char *const classes[] = { "21", "22", "23" };
    const MrError was = *err;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(was.sqlstate, classes[i], 2) == 0) {
            mr_error_set(err, MR_ERR_SERIALIZATION,
                         "could not serialize access due to concurrent update");
            return mr_error_detail(err, "%s", was.message);
        }
    }
    return was.status;
}

static void rows_are_there(MrSession *session, MrStatus status, const MrError *err)
{
    MrError own;
    bool is_again = session->runs_again;
    session->runs_again = false;
    if (status == MR_OK) {
        run_rest(session);
        return;
    }
    if (is_again) {
        own = *err;
        status = fail_again(&own);
        err = &own;
    }
    finish(session, status, err);
}

/* Its query, on a thread unless it has nothing to read; *waits: rows_are_there comes. */
static MrStatus ask(MrSession *session, MrChange *change, bool *waits, MrError *err)
{
    const MrPlan *plan = change->plan->rows;
    *waits = false;
    if (plan == NULL || change->rows != NULL) {
        return MR_OK;
    }
    MR_TRY(mr_change_check_target(session, change, err));
    if (mr_adhoc_is_immediate(plan)) {
        MR_TRY(mr_adhoc_run_now(session->server, plan, NULL, &change->rows, err));
        if (!change->is_done) {
            MR_TRY(mr_session_do_effects(session, change->rows, err));
            *waits = mr_session_sleeps(session, change->rows, rows_are_there);
        }
        return MR_OK;
    }
    *waits = true;
    session->runs_again = change->is_done;
    mr_select_start_for(session, plan, change->memory, change->catalog, change->results, NULL,
                        &change->rows, rows_are_there);
    return MR_OK;
}

static uint64_t hash_rows(const MrResult *rows)
{
    uint64_t hash = 0;
    for (uint32_t b = 0; rows != NULL && b < rows->block_count; b++) {
        const MrBlock *block = rows->blocks[b];
        for (uint32_t c = 0; c < rows->schema.column_count; c++) {
            const MrVector *column = &block->columns[c];
            for (uint32_t row = 0; row < block->row_count; row++) {
                uint64_t cell = mr_vector_is_null(column, row)
                                    ? 0
                                    : mr_cell_hash(column->type.id, mr_vector_cell(column, row));
                hash = mr_hash_combine(hash, cell);
            }
        }
    }
    return hash;
}

static void forget_returned(MrChange *change)
{
    mr_result_destroy(change->returned);
    change->returned = NULL;
    if (change->number > 0) {
        change->results[change->number - 1] = NULL;
    }
}

/* Of those in the WITH of one statement. */
static void forget_all_returned(MrChange *first)
{
    for (MrChange *change = first; change != NULL && change->first == first;
         change = change->next) {
        if (change->number > 0) {
            forget_returned(change);
        }
    }
}

void mr_changes_forget_returned(MrSession *session)
{
    forget_all_returned(session->transaction.last_change->first);
}

/* It has run once more, over what others have committed meanwhile: the client must have been told
 * the same. */
static MrStatus compare_told(MrChange *change, MrError *err)
{
    bool is_same = (change->count == change->told_count || change->is_truncate) &&
                   hash_rows(change->returned) == change->told_rows;
    if (change->number == 0) {
        forget_returned(change);
    }
    return is_same ? MR_OK
                   : mr_error_set(err, MR_ERR_SERIALIZATION,
                                  "could not serialize access due to concurrent update");
}

static MrStatus apply(MrSession *session, MrChange *change, bool *is_through, MrError *err)
{
    if (session->cancel != MR_CANCEL_NONE) {
        return mr_session_cancel_error(session, err);
    }
    MrStatus status = mr_change_apply(session, change, is_through, err);
    if (status != MR_OK) {
        return change->is_done ? fail_again(err) : status;
    }
    if (*is_through && change->number > 0) {
        change->results[change->number - 1] = change->returned;
    }
    if (*is_through && change->is_done) {
        MR_TRY(compare_told(change, err));
        if (change->next == NULL || change->next->first != change->first) {
            forget_all_returned(change->first);
        }
        return MR_OK;
    }
    if (*is_through && session->transaction.state == MR_TX_OPEN) {
        change->told_rows = hash_rows(change->returned);
        change->told_count = change->count;
    }
    change->is_done |= *is_through;
    return MR_OK;
}

static void ask_over_rows(MrSession *session, MrChange *change)
{
    const MrPlan *plan = change->asked;
    change->asked = NULL;
    session->runs_again = change->is_done;
    mr_select_start_for(session, plan, change->memory, change->catalog, change->results,
                        change->own_rows, change->answer, rows_are_there);
    mr_result_destroy(change->own_rows); /* who reads them holds them */
    change->own_rows = NULL;
}

static void others_are_served(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        finish(session, status, err);
        return;
    }
    run_rest(session);
}

/* A slice of it; *waits: rows_are_there comes. */
static MrStatus run_change(MrSession *session, MrChange *change, bool *waits, bool *is_through,
                           MrError *err)
{
    if (change->apply == NULL) {
        if (change == change->first) {
            mr_tables_begin_statement(session->server);
        }
        MR_TRY(ask(session, change, waits, err));
    }
    if (*waits) {
        return MR_OK;
    }
    MR_TRY(apply(session, change, is_through, err));
    if (change->asked != NULL) {
        *waits = true;
        ask_over_rows(session, change);
    }
    return MR_OK;
}

static void run_rest(MrSession *session)
{
    MrError err = MR_ERROR_INIT;
    MrStatus status = MR_OK;
    MrTransaction *transaction = &session->transaction;
    while (transaction->next_change != NULL && status == MR_OK) {
        MrChange *change = transaction->next_change;
        bool waits = false, is_through = true;
        status = run_change(session, change, &waits, &is_through, &err);
        if (waits) {
            return;
        }
        if (status == MR_OK && !is_through) {
            status = mr_session_step_aside(session, others_are_served, &err);
            if (status == MR_OK) {
                return;
            }
        }
        transaction->next_change = change->next;
    }
    transaction->is_applied |= status == MR_OK && transaction->state == MR_TX_OPEN;
    finish(session, status, status == MR_OK ? NULL : &err);
}

/* A cancel may have come in the midst of one that ran again; ROLLBACK TO a later savepoint keeps
 * it, and nothing of what it did there. */
static void begin_anew(MrChange *change)
{
    mr_apply_destroy(change->apply);
    change->apply = NULL;
    mr_result_destroy(change->own_rows);
    mr_result_destroy(change->updated);
    change->own_rows = change->updated = NULL;
    change->asked = NULL;
    forget_returned(change);
    if (!change->keeps_rows) {
        mr_result_destroy(change->rows);
        change->rows = NULL;
    }
}

/* With the turn: what another's turn has taken back comes first. */
static void begin_run(MrSession *session)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->state == MR_TX_OPEN && !transaction->is_applied) {
        mr_tables_rollback(session->server);
        for (MrChange *change = transaction->changes; change != NULL; change = change->next) {
            begin_anew(change);
        }
        transaction->next_change = transaction->changes;
    }
    run_rest(session);
}

static void turn_has_come(MrSession *session, MrStatus status, const MrError *err)
{
    mr_session_end_lock_wait(session);
    if (status != MR_OK) {
        finish(session, status, err);
        return;
    }
    begin_run(session);
}

static void add_changes(MrSession *session, MrChange *list)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->state != MR_TX_OPEN) {
        mr_changes_free(&transaction->changes);
        transaction->last_change = NULL;
    }
    MrChange *first = list;
    const bool is_alone = list->next == NULL;
    transaction->before_last =
        transaction->keeps_apart || !is_alone ? NULL : transaction->last_change;
    transaction->keeps_apart = false;
    *(transaction->last_change != NULL ? &transaction->last_change->next : &transaction->changes) =
        list;
    for (transaction->next_change = list; list != NULL; list = list->next) {
        transaction->last_change = list;
        list->first = first;
        list->now_us = session->current->now_us;
        list->keeps_rows = list->rows != NULL && transaction->state == MR_TX_OPEN;
    }
}

void mr_changes_start(MrSession *session, MrChange *list, MrSessionThen *then)
{
    session->changes_then = then;
    if (list != NULL) {
        add_changes(session, list);
    }
    if (mr_tables_take_turn(session)) {
        begin_run(session);
    } else {
        mr_session_wait(session, mr_tables_wait_turn(session), false, turn_has_come);
        mr_session_time_lock(session);
    }
}

MrStatus mr_changes_run(MrSession *session, MrChange *list, MrSessionThen *then, MrError *err)
{
    if (session->transaction.log != NULL) { /* rows of streams, which its query may read */
        MrStatus status = mr_transaction_cut(session, err);
        if (status != MR_OK) {
            mr_changes_free(&list);
            return status;
        }
    }
    mr_changes_start(session, list, then);
    return MR_OK;
}

/* Rows of INSERT … VALUES one after the other become one statement's: there may be very many. */
static MrStatus join_rows(MrTransaction *transaction, MrError *err)
{
    MrChange *before = transaction->before_last, *last = transaction->last_change;
    if (before == NULL || before->memory != NULL || last->memory != NULL ||
        before->plan->target != last->plan->target || !is_plain_insert(before) ||
        !is_plain_insert(last)) {
        return MR_OK;
    }
    for (uint32_t b = 0; b < last->rows->block_count; b++) {
        MR_TRY(mr_result_add(before->rows, last->rows->blocks[b], err));
    }
    before->told_count += last->told_count;
    transaction->last_change = before;
    transaction->before_last = NULL;
    mr_changes_free(&before->next);
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

MrStatus mr_change_plan(MrSession *session, MrPortal *portal, const MrNode *node, bool is_run,
                        MrChangePlan **out, MrError *err)
{
    MrPlannerContext context;
    mr_portal_planner_context(session, portal, is_run, &context);
    portal->with = (MrChangeList){ 0 };
    context.changes = &portal->with;
    switch (node->kind) {
    case MR_AST_INSERT:
        return mr_planner_insert(&context, MR_AST_AS(const MrAstInsert, node), out, err);
    case MR_AST_UPDATE:
        return mr_planner_update(&context, MR_AST_AS(const MrAstUpdate, node), out, err);
    default: return mr_planner_delete(&context, MR_AST_AS(const MrAstDelete, node), out, err);
    }
}

static MrStatus plan_statement(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrChangePlan *plan;
    MR_TRY(mr_change_plan(session, portal, portal->node, is_run, &plan, err));
    return set_plan(portal, plan, err);
}

MrStatus mr_insert_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    return plan_statement(session, portal, is_run, err);
}

MrStatus mr_update_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    return plan_statement(session, portal, is_run, err);
}

MrStatus mr_delete_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    return plan_statement(session, portal, is_run, err);
}

static const char *tag_of(const MrChange *change)
{
    static const char *const tags[] = { "INSERT 0", "UPDATE", "DELETE" };
    return tags[change->plan->kind];
}

/* Those in WITH may run behind the statement itself.  Of TRUNCATE's the first is as good as any. */
static MrChange *statement_of(MrChange *last)
{
    MrChange *change = last->first;
    while (change->number > 0) {
        change = change->next;
    }
    return change;
}

void mr_changes_done(MrSession *session, const char *tag)
{
    MrPortal *portal = session->current;
    MrTransaction *transaction = &session->transaction;
    MrChange *change = statement_of(transaction->last_change);
    MrError err = MR_ERROR_INIT;
    forget_all_returned(transaction->last_change->first);
    if (change->returned != NULL) {
        mr_portal_set_rows(portal, change->returned, tag_of(change));
        change->returned = NULL;
    } else if (change->is_truncate) {
        mr_portal_set_done(portal, "TRUNCATE TABLE");
    } else {
        mr_portal_set_done(portal, "%s %llu", tag == NULL ? tag_of(change) : tag,
                           (unsigned long long)change->count);
    }
    if (transaction->state != MR_TX_OPEN) {
        mr_changes_free(&transaction->changes);
        transaction->last_change = NULL;
    } else if (join_rows(transaction, &err) != MR_OK) {
        mr_session_fail(session, &err);
    }
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
    MrChange *list;
    MR_TRY(mr_changes_of_statement(session, portal, portal->details, &list, err));
    return mr_changes_run(session, list, change_is_made, err);
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
    return mr_changes_run(session, list, change_is_made, err);
}
