/*
 * server/listener_internal.h - what sessions ask of the listener that made them.
 */
#ifndef MR_SERVER_LISTENER_INTERNAL_H
#define MR_SERVER_LISTENER_INTERNAL_H

#include "server/listener.h"

struct MrSession;

/* The session is going: it is in no list any more. */
void mr_listener_forget(struct MrSession *session);
/* A CancelRequest; nothing tells the sender whether it fitted. */
void mr_listener_cancel(const MrServer *server, int32_t number, MrString secret);
/* The client has logged in: it no longer counts among those who might not. */
void mr_listener_logged_in(struct MrSession *session);

#endif
