/*
 * server/lock_wait.c - a session's answer is held back until it has the advisory locks that its
 * statement asked for; lock_timeout of these waits and of that for the turn to change tables.
 */
#include <event2/event.h>

#include "server/statement.h"

static void end_timer(MrSession *session)
{
    if (session->lock_timer != NULL) {
        event_free(session->lock_timer);
        session->lock_timer = NULL;
    }
}

void mr_session_end_lock_wait(MrSession *session)
{
    end_timer(session);
    if (session->wish != NULL) {
        session->wish = NULL;
        mr_advisory_end_wait(session->locks);
    }
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    MrSession *session = context;
    MrError err = MR_ERROR_INIT;
    (void)fd;
    (void)what;
    mr_session_end_lock_wait(session);
    mr_wait_cancel(session->wait);
    session->wait = NULL;
    mr_error_set(&err, MR_ERR_LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout");
    mr_session_resume(session, err.status, &err);
}

void mr_session_time_lock(MrSession *session)
{
    int64_t us = mr_settings_int(session->settings, MR_SET_LOCK_TIMEOUT);
    struct timeval interval = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
    end_timer(session);
    if (us > 0) {
        session->lock_timer = event_new(session->server->base, -1, 0, on_timeout, session);
        if (session->lock_timer == NULL || event_add(session->lock_timer, &interval) != 0) {
            end_timer(session); /* without memory for a timer it waits as long as it takes */
        }
    }
}

/* Takes one lock after the other; *waits: for one of them. */
static MrStatus take_locks(MrSession *session, bool *waits, MrError *err)
{
    *waits = false;
    while (session->wish != NULL) {
        MrStatus status = mr_advisory_wait(session->locks, session->wish, waits, err);
        if (status != MR_OK) {
            session->wish = NULL;
            return status;
        }
        if (*waits) {
            mr_session_time_lock(session);
            return MR_OK;
        }
        session->wish = session->wish->next;
    }
    return MR_OK;
}

static void lock_has_come(void *context)
{
    MrSession *session = context;
    MrError err = MR_ERROR_INIT;
    bool waits;
    end_timer(session);
    session->wish = session->wish->next;
    MrStatus status = take_locks(session, &waits, &err);
    if (!waits &&
        (status != MR_OK || !mr_session_sleeps(session, session->held_back, session->then))) {
        mr_session_resume(session, status, status == MR_OK ? NULL : &err);
    }
}

MrStatus mr_session_need_locks(MrSession *session, MrError *err)
{
    if (session->locks == NULL) {
        MR_TRY(mr_lock_owner_create(session->server, session->number, lock_has_come, session,
                                    &session->locks, err));
        mr_advisory_set_savepoint(session->locks, session->transaction.savepoint_count);
    }
    return MR_OK;
}

MrStatus mr_session_hold_back(MrSession *session, const MrResult *result, MrSessionThen *then,
                              bool *waits, MrError *err)
{
    session->wish = result->effects.first_wish;
    if (session->wish != NULL) {
        /* Who has the lock may want the turn, which an implicit transaction would keep. */
        MR_TRY(mr_transaction_cut(session, err));
        session->held_back = result;
        MR_TRY(take_locks(session, waits, err));
        if (*waits) {
            mr_session_pause(session, then);
            return MR_OK;
        }
    }
    *waits = mr_session_sleeps(session, result, then);
    return MR_OK;
}
