/*
 * server/acknowledge.c - answers that tell of rows before these are durable: they are written like
 * any other, and held in the socket until the disk has the rows.  The session goes on meanwhile, so
 * that one fdatasync serves all the INSERTs of a pipeline.
 */
#include "server/statement.h"
#include "server/waits.h"

static MrWaitDone some_are_durable;

static void wait_for_oldest(MrSession *session)
{
    const MrHeldAnswer *oldest = &session->held[0];
    mr_socket_hold(&session->socket, oldest->place);
    session->held_wait = mr_wait_durable(session->server, oldest->sequence, oldest->durability,
                                         some_are_durable, session);
}

static void release_durable(MrSession *session)
{
    uint32_t gone = 0;
    while (gone < session->held_count &&
           mr_wait_is_durable(session->server, session->held[gone].sequence,
                              session->held[gone].durability)) {
        gone++;
    }
    session->held_count -= gone;
    memmove(session->held, session->held + gone, session->held_count * sizeof *session->held);
    if (session->held_count > 0) {
        wait_for_oldest(session);
    } else {
        mr_socket_hold(&session->socket, MR_SOCKET_NO_HOLD);
    }
    session->wants_flush = true;
}

/* The log never fails this wait: it ends the server. */
static void some_are_durable(void *context, MrStatus status, const MrError *err)
{
    MrSession *session = context;
    (void)status;
    (void)err;
    session->held_wait = NULL;
    release_durable(session);
    if (session->is_draining && session->phase == MR_PHASE_READY && !mr_session_is_busy(session)) {
        mr_session_drain(session);
    } else {
        mr_session_advance(session);
    }
}

void mr_session_hold_answers(MrSession *session, uint64_t sequence, MrDurability durability)
{
    MrHeldAnswer *last = session->held_count == 0 ? NULL : &session->held[session->held_count - 1];
    if (last == NULL && mr_wait_is_durable(session->server, sequence, durability)) {
        return;
    }
    if (session->held_count == MR_SESSION_HELD_MAX) { /* these are told together with those */
        last->sequence = sequence;
        last->durability = durability < last->durability ? durability : last->durability;
        return;
    }
    session->held[session->held_count++] = (MrHeldAnswer){
        .place = mr_socket_written(&session->socket), .sequence = sequence, .durability = durability
    };
    if (session->held_count == 1) {
        wait_for_oldest(session);
    }
}

void mr_session_forget_held(MrSession *session)
{
    mr_wait_cancel(session->held_wait);
    session->held_wait = NULL;
    session->held_count = 0;
}
