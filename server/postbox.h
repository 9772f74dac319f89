/*
 * server/postbox.h - how other threads hand work to the event loop's thread: a queue and a wake-up.
 */
#ifndef MR_SERVER_POSTBOX_H
#define MR_SERVER_POSTBOX_H

#include "server/server.h"

MrStatus mr_postbox_create(MrServer *server, MrError *err);
void mr_postbox_destroy(MrServer *server);
/* Runs what is waiting; for the shutdown, when the loop no longer turns. */
void mr_postbox_drain(MrServer *server);

#endif
