/*
 * server/listener_socket.h - the sockets that the server listens on: TCP on loopback, one Unix
 * socket.
 */
#ifndef MR_SERVER_LISTENER_SOCKET_H
#define MR_SERVER_LISTENER_SOCKET_H

#include "server/server.h"

enum { MR_LISTENER_SOCKETS_MAX = 9 };

typedef struct MrListenerSockets {
    int fds[MR_LISTENER_SOCKETS_MAX];
    uint32_t count;
    uint16_t port;
    char unix_path[108]; /* "" none; removed at the end */
} MrListenerSockets;

MrStatus mr_listener_sockets_open(const MrServer *server, MrListenerSockets *out, MrError *err);
void mr_listener_sockets_close(MrListenerSockets *sockets);

#endif
