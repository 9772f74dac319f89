/*
 * server/savepoint.c - places that a transaction can go back to: see savepoint.h.
 */
#include "server/savepoint.h"

#include <stdlib.h>

#include "server/advisory.h"
#include "server/changes.h"
#include "server/notify.h"
#include "server/tables.h"

struct MrSavepoint {
    MrSavepoint *outer;
    char *name;
    uint32_t number;  /* of the transaction's savepoints, from 1 */
    uint32_t notices; /* notifications that were asked for before it */
    bool has_log;     /* rows were appended before it */
    uint32_t log_mark;
    uint32_t changes; /* statements that changed tables before it */
    MrTablesMark tables;
    MrSettings *settings;
    uint64_t locals[(MR_SETTING_COUNT + 63) / 64];
};

static void forget_one(MrTransaction *transaction)
{
    MrSavepoint *savepoint = transaction->savepoints;
    transaction->savepoints = savepoint->outer;
    mr_settings_destroy(savepoint->settings);
    mr_tables_mark_free(&savepoint->tables);
    free(savepoint->name);
    free(savepoint);
}

void mr_savepoints_forget(MrSession *session)
{
    while (session->transaction.savepoints != NULL) {
        forget_one(&session->transaction);
    }
}

void mr_savepoint_fail(MrSession *session)
{
    mr_advisory_roll_back_to(session->locks, session->transaction.savepoints->number);
}

static MrStatus check_block(const MrSession *session, const char *what, MrError *err)
{
    return session->transaction.state == MR_TX_NONE
               ? mr_error_set(err, MR_ERR_NO_TRANSACTION,
                              "%s can only be used in transaction blocks", what)
               : MR_OK;
}

static MrStatus find(const MrSession *session, const char *name, MrSavepoint **out, MrError *err)
{
    *out = session->transaction.savepoints;
    while (*out != NULL && strcmp((*out)->name, name) != 0) {
        *out = (*out)->outer;
    }
    return *out != NULL ? MR_OK
                        : mr_error_set(err, MR_ERR_INVALID_SAVEPOINT,
                                       "savepoint \"%s\" does not exist", name);
}

static uint32_t count_changes(const MrChange *list)
{
    uint32_t count = 0;
    for (; list != NULL; list = list->next) {
        count++;
    }
    return count;
}

MrStatus mr_savepoint_make(MrSession *session, const char *name, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    MR_TRY(check_block(session, "SAVEPOINT", err));
    MrSavepoint *savepoint = calloc(1, sizeof *savepoint);
    if (savepoint == NULL) {
        return mr_error_no_memory(err);
    }
    savepoint->outer = transaction->savepoints;
    savepoint->number = ++transaction->savepoint_count;
    savepoint->notices = mr_notify_mark(session);
    transaction->savepoints = savepoint;
    savepoint->name = strdup(name);
    savepoint->settings = mr_settings_copy(session->settings);
    savepoint->changes = count_changes(transaction->changes);
    transaction->keeps_apart = true;
    memcpy(savepoint->locals, transaction->locals, sizeof savepoint->locals);
    MrStatus status =
        savepoint->name == NULL || savepoint->settings == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK) {
        status = mr_tables_mark(session, &savepoint->tables, err);
    }
    if (status == MR_OK && transaction->log != NULL) {
        savepoint->has_log = true;
        status = mr_log_mark(transaction->log, &savepoint->log_mark, err);
    }
    if (status != MR_OK) {
        forget_one(transaction);
        return status;
    }
    mr_advisory_set_savepoint(session->locks, savepoint->number);
    return MR_OK;
}

MrStatus mr_savepoint_release(MrSession *session, const char *name, MrError *err)
{
    MrSavepoint *savepoint;
    MR_TRY(check_block(session, "RELEASE SAVEPOINT", err));
    MR_TRY(find(session, name, &savepoint, err));
    MrSavepoint *outer = savepoint->outer;
    while (session->transaction.savepoints != outer) {
        forget_one(&session->transaction);
    }
    return MR_OK;
}

/* Where another had the turn since, all that is kept runs again, when it is wanted. */
static void drop_changes(MrSession *session, const MrSavepoint *savepoint)
{
    MrTransaction *transaction = &session->transaction;
    MrChange **link = &transaction->changes;
    transaction->before_last = transaction->last_change = transaction->next_change = NULL;
    for (uint32_t i = 0; i < savepoint->changes && *link != NULL; i++) {
        transaction->last_change = *link;
        link = &(*link)->next;
    }
    mr_changes_free(link);
    transaction->is_applied =
        transaction->is_applied && mr_tables_roll_back_to(session, &savepoint->tables);
    if (!transaction->is_applied && mr_tables_has_turn(session)) {
        mr_tables_rollback(session->server);
        mr_tables_end_turn(session);
    }
}

static void restore_settings(MrSession *session, const MrSavepoint *savepoint)
{
    MrTransaction *transaction = &session->transaction;
    MrSettings *before = mr_settings_copy(session->settings);
    for (uint32_t id = 0; id < MR_SETTING_COUNT; id++) {
        mr_settings_reset(session->settings, (MrSettingId)id, savepoint->settings);
    }
    mr_custom_settings_restore(mr_settings_customs(session->settings),
                               mr_settings_customs(savepoint->settings), false);
    memcpy(transaction->locals, savepoint->locals, sizeof transaction->locals);
    mr_session_report_settings(session, before);
    mr_settings_destroy(before);
}

MrStatus mr_savepoint_roll_back(MrSession *session, const char *name, MrError *err)
{
    MrTransaction *transaction = &session->transaction;
    MrSavepoint *savepoint;
    MR_TRY(check_block(session, "ROLLBACK TO SAVEPOINT", err));
    MR_TRY(find(session, name, &savepoint, err));
    while (transaction->savepoints != savepoint) {
        forget_one(transaction);
    }
    if (savepoint->has_log) {
        mr_log_roll_back_to(transaction->log, savepoint->log_mark);
    } else {
        mr_log_abort(transaction->log);
        transaction->log = NULL;
    }
    drop_changes(session, savepoint);
    mr_advisory_roll_back_to(session->locks, savepoint->number);
    mr_notify_roll_back_to(session, savepoint->notices);
    mr_portals_end(session, false, savepoint->number);
    transaction->keeps_apart = true;
    restore_settings(session, savepoint);
    transaction->state = MR_TX_OPEN;
    return MR_OK;
}
