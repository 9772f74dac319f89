/*
 * server/tcp.h - streams with connector = 'tcp': bytes of connections that others open, or that
 * the server opens, become rows as they come.  Nobody is told that a row has come, so that rows on
 * their way are lost with either end.  All on the event loop's thread.  Private to feeds.
 */
#ifndef MR_SERVER_TCP_H
#define MR_SERVER_TCP_H

#include "server/server.h"

typedef struct MrTcp MrTcp;

/* Listens, or begins to connect: a place that cannot be had now is tried again, and `status` says
 * so. */
MrStatus mr_tcp_create(MrServer *server, const MrRelation *relation, MrTcp **out, MrError *err);
/* Closes everything; a row that has begun is no row.  Accepts NULL. */
void mr_tcp_destroy(MrTcp *tcp);
uint32_t mr_tcp_stream_id(const MrTcp *tcp);
/* "running", "connecting" or "failed"; *err: the last thing that went wrong. */
const char *mr_tcp_status(const MrTcp *tcp, MrError *err);
/* For FLUSH: what has reached the server so far is in the log afterwards. */
void mr_tcp_drain(MrTcp *tcp);

#endif
