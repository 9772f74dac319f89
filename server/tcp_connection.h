/*
 * server/tcp_connection.h - one connection of a stream that is fed by TCP.  Private to tcp.
 */
#ifndef MR_SERVER_TCP_CONNECTION_H
#define MR_SERVER_TCP_CONNECTION_H

#include "server/feed.h"

typedef struct MrTcpConnection MrTcpConnection;

/* How it ended, for its owner, who destroys it then. */
typedef enum MrTcpEnd {
    MR_TCP_CLOSED, /* the peer has said all; the last row may have lacked its line end */
    MR_TCP_LOST,   /* the network, or the log, which may take rows again later */
    MR_TCP_BAD,    /* a row that is none, where that is a failure */
} MrTcpEnd;
typedef void MrTcpEnded(void *context, MrTcpConnection *connection, MrTcpEnd end,
                        const MrError *err);

/* Takes the descriptor, also on failure.  `ended` is called from the loop, or from a drain. */
MrStatus mr_tcp_connection_create(MrServer *server, const MrRelation *relation, MrCatalog *catalog,
                                  int fd, MrTcpEnded *ended, void *context, MrTcpConnection **out,
                                  MrError *err);
void mr_tcp_connection_destroy(MrTcpConnection *connection);
/* Reads what has arrived, whether or not the log has kept up. */
void mr_tcp_connection_drain(MrTcpConnection *connection);
/* True once it has delivered bytes. */
bool mr_tcp_connection_has_read(const MrTcpConnection *connection);

#endif
