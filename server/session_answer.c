/*
 * server/session_answer.c - what a session tells its client besides rows: errors, notices; and how
 * it waits, and how a wait is cut short.
 */
#include <stdio.h>

#include "server/statement.h"

enum { CLOSING_US = 1000 * 1000 }; /* for the client to take its last message */

/* ---- Answers --------------------------------------------------------------------------------- */

/* Portals go with their transaction; where it can go back to a savepoint, that decides. */
static void end_portals(MrSession *session, MrPortal *failed)
{
    if (session->transaction.savepoints == NULL) {
        mr_portals_end(session, false, 0);
    } else if (failed != NULL) {
        mr_portal_remove(session, failed);
    }
}

static void end_after_error(MrSession *session)
{
    MrPortal *failed =
        session->current != NULL && !session->current->is_simple ? session->current : NULL;
    mr_copy_in_destroy(session);
    mr_session_stop_waiting(session);
    mr_session_end_current(session);
    mr_transaction_fail(session);
    end_portals(session, failed);
    if (session->script.is_active) {
        mr_session_end_script(session);
        session->is_ready_due = true;
    } else {
        session->skips_to_sync = true;
    }
}

void mr_session_fail_in(MrSession *session, const MrError *err, const char *text, size_t length)
{
    mr_wire_report(&session->socket.output, 'E', "ERROR", err, text, length);
    session->wants_flush = true; /* what the client has sent for that is skipped, too */
    end_after_error(session);
}

void mr_session_fail(MrSession *session, const MrError *err)
{
    const MrPortal *portal = session->current;
    const char *text = portal != NULL ? portal->text : session->script.text;
    size_t length = portal != NULL ? portal->length : session->script.length;
    mr_session_fail_in(session, err, text, length);
}

void mr_session_fatal(MrSession *session, const MrError *err)
{
    if (session->phase == MR_PHASE_CLOSING) {
        return;
    }
    mr_wire_report(&session->socket.output, 'E', "FATAL", err, NULL, 0);
    session->phase = MR_PHASE_CLOSING; /* nothing is said after this */
    mr_copy_in_destroy(session);
    mr_session_stop_waiting(session);
    mr_session_end_current(session);
    mr_transaction_abort(session);
    mr_portals_clear(session);
    mr_session_end_script(session);
    mr_session_set_timer(session, CLOSING_US);
}

void mr_session_protocol_error(MrSession *session, const char *format, ...)
{
    MrError err = MR_ERROR_INIT;
    va_list args;
    va_start(args, format);
    mr_error_vset(&err, MR_ERR_PROTOCOL, format, args);
    va_end(args);
    mr_session_fatal(session, &err);
}

/* Words of client_min_messages in their order; an error is always sent. */
static bool is_wanted(const MrSession *session, const char *severity)
{
    static const char *const order[] = { "DEBUG5", "DEBUG4", "DEBUG3", "DEBUG2", "DEBUG1",
                                         "LOG",    "INFO",   "NOTICE", "WARNING" };
    int64_t least = mr_settings_int(session->settings, MR_SET_CLIENT_MIN_MESSAGES);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (strcmp(order[i], severity) == 0) {
            return (int64_t)i >= least;
        }
    }
    return true;
}

void mr_session_notice(MrSession *session, const char *severity, const char *sqlstate,
                       const char *message, const char *hint)
{
    MrError notice = MR_ERROR_INIT;
    if (session->phase == MR_PHASE_CLOSING || !is_wanted(session, severity)) {
        return;
    }
    mr_error_sqlstate(&notice, sqlstate);
    snprintf(notice.message, sizeof notice.message, "%s", message);
    snprintf(notice.hint, sizeof notice.hint, "%s", hint == NULL ? "" : hint);
    mr_wire_report(&session->socket.output, 'N', severity, &notice, NULL, 0);
}

void mr_session_notice_callback(void *context, const char *sqlstate, const char *message,
                                const char *hint)
{
    mr_session_notice(context, "NOTICE", sqlstate == NULL ? "00000" : sqlstate, message, hint);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

void mr_session_wait(MrSession *session, MrWait *wait, bool is_final, MrSessionThen *then)
{
    session->wait = wait;
    session->wait_is_final = is_final;
    mr_session_pause(session, then);
}

void mr_session_pause(MrSession *session, MrSessionThen *then)
{
    session->is_waiting = true;
    session->then = then;
}

void mr_session_resume(MrSession *session, MrStatus status, const MrError *err)
{
    MrSessionThen *then = session->then;
    session->is_waiting = false;
    session->then = NULL;
    then(session, status, err);
    mr_session_advance(session);
}

void mr_session_wait_done(void *context, MrStatus status, const MrError *err)
{
    MrSession *session = context;
    session->wait = NULL;
    mr_session_resume(session, status, err);
}

MrStatus mr_session_cancel_error(const MrSession *session, MrError *err)
{
    switch (session->cancel) {
    case MR_CANCEL_TIMEOUT:
        return mr_error_set(err, MR_ERR_CANCELED, "canceling statement due to statement timeout");
    case MR_CANCEL_SHUTDOWN:
        return mr_error_set(err, MR_ERR_SHUTDOWN,
                            "terminating connection due to administrator command");
    default: return mr_error_set(err, MR_ERR_CANCELED, "canceling statement due to user request");
    }
}

void mr_session_cancel(MrSession *session, MrCancelReason reason)
{
    if (session->current == NULL || session->cancel != MR_CANCEL_NONE) {
        return;
    }
    session->cancel = reason;
    if (session->adhoc != NULL) {
        mr_adhoc_cancel(session->adhoc); /* its end comes with 57014 */
        return;
    }
    if (session->sleep != NULL) {
        MrError woken = MR_ERROR_INIT;
        mr_session_end_sleep(session);
        mr_session_resume(session, mr_session_cancel_error(session, &woken), &woken);
        return;
    }
    if (session->wish != NULL) {
        MrError ended = MR_ERROR_INIT;
        mr_session_end_lock_wait(session);
        mr_session_resume(session, mr_session_cancel_error(session, &ended), &ended);
        return;
    }
    if (session->is_waiting && (session->wait == NULL || session->wait_is_final)) {
        return; /* whoever is waited for sees the mark afterwards */
    }
    MrError err = MR_ERROR_INIT;
    mr_session_cancel_error(session, &err);
    if (session->wait != NULL && session->current->subscribe == NULL) {
        mr_error_detail(&err, "What the statement had begun may still take effect.");
    }
    mr_session_fail(session, &err);
    mr_session_advance(session);
}

void mr_session_drain(MrSession *session)
{
    session->is_draining = true;
    if (session->current != NULL && session->current->subscribe != NULL) {
        mr_session_cancel(session, MR_CANCEL_SHUTDOWN); /* it would never end by itself */
        return;
    }
    if (!mr_session_is_busy(session)) {
        session->cancel = MR_CANCEL_SHUTDOWN;
        MrError err = MR_ERROR_INIT;
        mr_session_cancel_error(session, &err);
        mr_session_fatal(session, &err);
        mr_session_advance(session);
    }
}
