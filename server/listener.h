/*
 * server/listener.h - accepts connections on TCP and the Unix socket and gives each a session.
 */
#ifndef MR_SERVER_LISTENER_H
#define MR_SERVER_LISTENER_H

#include "server/server.h"

/* Binds listen_addresses:port (port 0: a free one) and <dir>/.s.PGSQL.<port>; other than loopback
 * addresses are refused.  Starts accepting.  The port taken is written to <data>/port. */
MrStatus mr_listener_create(MrServer *server, MrError *err);
/* Stops accepting, ends idle sessions with 57P01, waits for running statements at most
 * `wait_us`. */
void mr_listener_destroy(MrServer *server);
void mr_listener_drain(MrServer *server);
/* Once a second: when many have left, the memory that they had goes back to the system. */
void mr_listener_tidy(MrServer *server);
uint32_t mr_listener_session_count(const MrServer *server);
uint16_t mr_listener_port(const MrServer *server);
/* For millrace.sessions. */
typedef struct MrSessionFacts {
    int32_t pid; /* number of the session, as BackendKeyData says */
    const char *user, *database, *application, *state, *address;
    const char *query; /* the statement that runs, or the last one; "" */
    int64_t connected_us, statement_us;
} MrSessionFacts;
void mr_listener_each(const MrServer *server,
                      void (*each)(void *context, const MrSessionFacts *facts), void *context);

/* HTTP ingest: POST /streams/NAME (application/json lines, text/csv), GET /metrics, GET /health. */
MrStatus mr_http_create(MrServer *server, MrError *err);
void mr_http_destroy(MrServer *server);

#endif
