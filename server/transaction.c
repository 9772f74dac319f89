/*
 * server/transaction.c - transactions of a session: see transaction.h.
 */
#include "server/transaction.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/changes.h"
#include "server/log_thread.h"
#include "server/notify.h"
#include "server/savepoint.h"
#include "server/statement.h"
#include "server/tables.h"

/* ---- Rows ------------------------------------------------------------------------------------ */

MrStatus mr_transaction_log(MrSession *session, MrLogTransaction **out, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->log == NULL) {
        MR_TRY(mr_log_begin(session->server->log, &transaction->log, err));
    }
    *out = transaction->log;
    return MR_OK;
}

static MrStatus commit_log(MrSession *session, uint64_t *sequence, MrDurability *durability,
                           MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    bool has_changes = mr_tables_has_turn(session) && mr_tables_are_touched(session->server);
    MrLogTransaction *log;
    *sequence = 0;
    if (transaction->log == NULL && !has_changes) {
        return MR_OK;
    }
    MR_TRY(mr_transaction_log(session, &log, err));
    if (has_changes) {
        MR_TRY(mr_tables_append(session->server, log, err));
    }
    transaction->log = NULL; /* ended either way */
    MR_TRY(mr_log_commit(log, sequence, durability, err));
    if (has_changes) {
        mr_tables_commit(session->server, *sequence);
    }
    return MR_OK;
}

static void drop_rows(MrSession *session);

static MrStatus commit_rows(MrSession *session, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    uint64_t sequence = 0;
    MrDurability durability = MR_DURABILITY_NONE;
    MrStatus status = commit_log(session, &sequence, &durability, err);
    if (status == MR_OK) {
        mr_notify_commit(session, sequence, durability);
    }
    drop_rows(session); /* what is left of a failure; the next one's turn */
    MR_TRY(status);
    if (sequence > 0) {
        mr_log_thread_wake(session->server);
        transaction->own_sequence = sequence;
        if (transaction->unsettled_sequence == 0 ||
            durability < transaction->unsettled_durability) {
            transaction->unsettled_durability = durability; /* the strictest is the lowest */
        }
        transaction->unsettled_sequence = sequence;
    }
    return MR_OK;
}

MrStatus mr_transaction_cut(MrSession *session, MrError *err)
{
    return session->transaction.state == MR_TX_NONE ? commit_rows(session, err) : MR_OK;
}

static void hold_answers(MrSession *session)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->unsettled_sequence > 0) {
        mr_session_hold_answers(session, transaction->unsettled_sequence,
                                transaction->unsettled_durability);
        transaction->unsettled_sequence = 0;
    }
}

MrStatus mr_transaction_settle(MrSession *session, MrError *err)
{
    MR_TRY(mr_transaction_cut(session, err));
    hold_answers(session);
    if (session->transaction.state == MR_TX_NONE) {
        mr_advisory_end_transaction(session->locks);
    }
    return MR_OK;
}

/* ---- Settings -------------------------------------------------------------------------------- */

MrStatus mr_transaction_save_settings(MrSession *session, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->state != MR_TX_NONE && transaction->saved == NULL) {
        transaction->saved = mr_settings_copy(session->settings);
        return transaction->saved == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    return MR_OK;
}

MrStatus mr_transaction_save_setting(MrSession *session, MrSettingId id, bool is_local,
                                     MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->state == MR_TX_NONE) {
        return MR_OK;
    }
    MR_TRY(mr_transaction_save_settings(session, err));
    if (is_local) {
        mr_bitmap_set(transaction->locals, id);
    } else {
        mr_bitmap_clear(transaction->locals, id);
    }
    return MR_OK;
}

static void settings_end(MrSession *session, bool is_commit)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->saved == NULL) {
        return;
    }
    MrSettings *before = mr_settings_copy(session->settings);
    for (uint32_t id = 0; id < MR_SETTING_COUNT; id++) {
        if (!is_commit || mr_bitmap_get(transaction->locals, id)) {
            mr_settings_reset(session->settings, (MrSettingId)id, transaction->saved);
        }
    }
    mr_custom_settings_restore(mr_settings_customs(session->settings),
                               mr_settings_customs(transaction->saved), is_commit);
    mr_settings_destroy(transaction->saved);
    transaction->saved = NULL;
    memset(transaction->locals, 0, sizeof transaction->locals);
    mr_session_report_settings(session, before);
    mr_settings_destroy(before);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void drop_changes(MrSession *session)
{
    MrTransaction *transaction = &session->transaction;
    mr_changes_free(&transaction->changes);
    transaction->before_last = transaction->last_change = transaction->next_change = NULL;
    transaction->is_applied = false;
    if (mr_tables_has_turn(session)) {
        mr_tables_rollback(session->server);
        mr_tables_end_turn(session);
    }
}

static void drop_rows(MrSession *session)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->log != NULL) {
        mr_log_abort(transaction->log);
        transaction->log = NULL;
    }
    mr_savepoints_forget(session);
    mr_notify_abort(session);
    drop_changes(session);
}

void mr_transaction_abort(MrSession *session)
{
    drop_rows(session);
    mr_advisory_end_transaction(session->locks);
    settings_end(session, false);
    session->transaction.state = MR_TX_NONE;
    session->transaction.is_read_only = false;
}

void mr_transaction_fail(MrSession *session)
{
    if (session->transaction.savepoints == NULL) {
        drop_rows(session);
        mr_advisory_end_transaction(session->locks);
    } else {
        mr_savepoint_fail(session);
    }
    if (session->transaction.state != MR_TX_NONE) {
        session->transaction.state = MR_TX_FAILED;
    }
}

bool mr_transaction_is_read_only(const MrSession *session)
{
    return session->transaction.state != MR_TX_NONE
               ? session->transaction.is_read_only
               : strcmp(mr_settings_text(session->settings, MR_SET_DEFAULT_TRANSACTION_READ_ONLY),
                        "on") == 0;
}

char mr_transaction_letter(const MrSession *session)
{
    static const char letters[] = { [MR_TX_NONE] = 'I', [MR_TX_OPEN] = 'T', [MR_TX_FAILED] = 'E' };
    return letters[session->transaction.state];
}

/* ---- Statements ------------------------------------------------------------------------------ */

static void begin(MrSession *session, const MrAstTransaction *ast)
{
    MrTransaction *transaction = &session->transaction;
    bool is_read_only = mr_transaction_is_read_only(session);
    transaction->state = MR_TX_OPEN;
    transaction->started_us = mr_clock_wall_us(session->server->clock);
    transaction->is_read_only =
        ast->read_only == MR_TRI_ON || (ast->read_only == MR_TRI_UNSET && is_read_only);
}

/* Of the statement, or of all transactions; until this one ends. */
static MrStatus begin_isolation(MrSession *session, const char *given, MrError *err)
{
    const char *now = mr_settings_text(session->settings, MR_SET_TRANSACTION_ISOLATION);
    const char *wanted =
        given != NULL ? given
                      : mr_settings_text(session->settings, MR_SET_DEFAULT_TRANSACTION_ISOLATION);
    if (strcmp(now, wanted) == 0) {
        return MR_OK;
    }
    MR_TRY(mr_transaction_save_setting(session, MR_SET_TRANSACTION_ISOLATION, true, err));
    return mr_session_set(session, MR_SET_TRANSACTION_ISOLATION, mr_string(wanted), err);
}

static MrStatus run_begin(MrSession *session, MrPortal *portal, const MrAstTransaction *ast,
                          MrError *err)
{
    if (session->transaction.state != MR_TX_NONE) {
        mr_session_notice(session, "WARNING", "25001", "there is already a transaction in progress",
                          NULL);
    } else {
        MR_TRY(mr_transaction_cut(session, err));
        begin(session, ast);
        MR_TRY(begin_isolation(session, ast->isolation, err));
    }
    mr_portal_set_done(portal,
                       ast->transaction == MR_TRANSACTION_BEGIN ? "BEGIN" : "START TRANSACTION");
    return MR_OK;
}

static void end(MrSession *session, MrPortal *portal, bool is_commit)
{
    const MrAstTransaction *ast = MR_AST_AS(const MrAstTransaction, portal->node);
    bool chain = ast->chain && session->transaction.state != MR_TX_NONE;
    bool was_read_only = session->transaction.is_read_only;
    char isolation[32] = "";
    snprintf(isolation, sizeof isolation, "%s",
             mr_settings_text(session->settings, MR_SET_TRANSACTION_ISOLATION));
    mr_advisory_end_transaction(session->locks);
    settings_end(session, is_commit);
    mr_portals_end(session, is_commit, 0);
    session->transaction.number++;
    session->transaction.savepoint_count = 0;
    session->transaction.state = MR_TX_NONE;
    session->transaction.is_read_only = false;
    if (chain) {
        begin(session, ast);
        session->transaction.is_read_only = was_read_only;
        MrError ignored = MR_ERROR_INIT; /* without memory it is as the others are */
        (void)begin_isolation(session, isolation, &ignored);
    }
    mr_portal_set_done(portal, "%s", is_commit ? "COMMIT" : "ROLLBACK");
}

static MrStatus commit_made(MrSession *session, MrError *err)
{
    MrStatus status = commit_rows(session, err);
    if (status != MR_OK) { /* nothing of it is there: it has ended, by its failure */
        mr_transaction_abort(session);
        return status;
    }
    hold_answers(session);
    end(session, session->current, true);
    return MR_OK;
}

/* The tables have what its statements did, again, or one of them has failed. */
static void changes_are_made(MrSession *session, MrStatus status, const MrError *err)
{
    MrError own = MR_ERROR_INIT;
    if (status != MR_OK) {
        own = *err;
        mr_transaction_abort(session);
    } else {
        status = commit_made(session, &own);
    }
    if (status != MR_OK) {
        mr_session_fail(session, &own);
    }
}

static MrStatus run_commit(MrSession *session, MrPortal *portal, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    if (transaction->state == MR_TX_NONE) {
        mr_session_notice(session, "WARNING", "25P01", "there is no transaction in progress", NULL);
    }
    if (transaction->state == MR_TX_FAILED) {
        drop_rows(session); /* what stood before a savepoint */
        end(session, portal, false);
        return MR_OK;
    }
    if (transaction->changes != NULL && !transaction->is_applied) {
        mr_changes_start(session, NULL, changes_are_made);
        return MR_OK;
    }
    return commit_made(session, err);
}

static void run_rollback(MrSession *session, MrPortal *portal)
{
    if (session->transaction.state == MR_TX_NONE) {
        mr_session_notice(session, "WARNING", "25P01", "there is no transaction in progress", NULL);
    }
    drop_rows(session);
    end(session, portal, false);
}

static MrStatus run_set(MrSession *session, MrPortal *portal, const MrAstTransaction *ast,
                        MrError *err)
{
    bool is_session = ast->transaction == MR_TRANSACTION_SET_SESSION;
    if (!is_session && session->transaction.state == MR_TX_NONE) {
        mr_session_notice(session, "WARNING", "25P01",
                          "SET TRANSACTION can only be used in transaction blocks", NULL);
    }
    if (ast->isolation != NULL && (is_session || session->transaction.state != MR_TX_NONE)) {
        MR_TRY(
            mr_transaction_save_setting(session, MR_SET_TRANSACTION_ISOLATION, !is_session, err));
        MR_TRY(
            mr_session_set(session, MR_SET_TRANSACTION_ISOLATION, mr_string(ast->isolation), err));
        if (is_session) {
            MR_TRY(mr_session_set(session, MR_SET_DEFAULT_TRANSACTION_ISOLATION,
                                  mr_string(ast->isolation), err));
        }
    }
    if (ast->read_only != MR_TRI_UNSET) {
        if (is_session) {
            MR_TRY(mr_session_set(session, MR_SET_DEFAULT_TRANSACTION_READ_ONLY,
                                  mr_string(ast->read_only == MR_TRI_ON ? "on" : "off"), err));
        } else if (session->transaction.state != MR_TX_NONE) {
            session->transaction.is_read_only = ast->read_only == MR_TRI_ON;
        }
    }
    mr_portal_set_done(portal, "SET");
    return MR_OK;
}

MrStatus mr_transaction_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstTransaction *ast = MR_AST_AS(const MrAstTransaction, portal->node);
    bool is_failed = session->transaction.state == MR_TX_FAILED;
    switch (ast->transaction) {
    case MR_TRANSACTION_COMMIT: return run_commit(session, portal, err);
    case MR_TRANSACTION_ROLLBACK: run_rollback(session, portal); return MR_OK;
    case MR_TRANSACTION_ROLLBACK_TO:
        mr_portal_set_done(portal, "ROLLBACK");
        return mr_savepoint_roll_back(session, ast->savepoint, err);
    default: break;
    }
    if (is_failed) {
        return mr_error_set(
            err, MR_ERR_FAILED_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block");
    }
    switch (ast->transaction) {
    case MR_TRANSACTION_BEGIN:
    case MR_TRANSACTION_START: return run_begin(session, portal, ast, err);
    case MR_TRANSACTION_SET:
    case MR_TRANSACTION_SET_SESSION: return run_set(session, portal, ast, err);
    case MR_TRANSACTION_SAVEPOINT:
        mr_portal_set_done(portal, "SAVEPOINT");
        return mr_savepoint_make(session, ast->savepoint, err);
    default:
        mr_portal_set_done(portal, "RELEASE");
        return mr_savepoint_release(session, ast->savepoint, err);
    }
}
