/*
 * server/sleep.c - pg_sleep(): the answer is there, and is held back for so long.  A timer of the
 * event loop, so that sleepers cost no thread and hold up nobody.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "server/statement.h"

void mr_session_end_sleep(MrSession *session)
{
    if (session->sleep != NULL) {
        event_free(session->sleep);
        session->sleep = NULL;
    }
}

static void on_awake(evutil_socket_t fd, short what, void *context)
{
    MrSession *session = context;
    (void)fd;
    (void)what;
    mr_session_end_sleep(session);
    mr_session_resume(session, MR_OK, NULL);
}

static bool sleep_for(MrSession *session, int64_t us, MrSessionThen *then)
{
    struct timeval interval = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
    session->sleep = event_new(session->server->base, -1, 0, on_awake, session);
    if (session->sleep == NULL || event_add(session->sleep, &interval) != 0) {
        mr_session_end_sleep(session);
        return false;
    }
    mr_session_pause(session, then);
    return true;
}

bool mr_session_sleeps(MrSession *session, const MrResult *result, MrSessionThen *then)
{
    const int64_t us = result->effects.sleep_us;
    return us > 0 && sleep_for(session, us, then); /* without memory for a timer nobody waits */
}

MrStatus mr_session_step_aside(MrSession *session, MrSessionThen *then, MrError *err)
{
    return sleep_for(session, 0, then) ? MR_OK : mr_error_no_memory(err);
}
