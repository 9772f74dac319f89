/*
 * server/tcp.c - see tcp.h.
 *
 *     listen   socket ─accept─▶ connections, each rows of its own      (up to max_connections)
 *     connect  timer ─▶ connecting ─▶ one connection ─end─▶ timer      (0.1, 0.2 … 30 s)
 */
#include "server/tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/address.h"
#include "common/logging.h"
#include "server/tcp_connection.h"

enum {
    ACCEPTS_MAX = 64, /* of one turn */
    CONNECTIONS_MAX_DEFAULT = 100,
    RETRY_US_FIRST = 100 * 1000,
    RETRY_US_MAX = 30 * 1000 * 1000,
    LOG_PAUSE_US = 1000 * 1000,
    CONNECT_SECONDS = 10,
    BACKLOG = 128
};

struct MrTcp {
    MrServer *server;
    MrCatalog *catalog; /* a reference: it has the relation */
    const MrRelation *relation;
    MrAddress address;
    bool listens, has_failed;
    uint32_t connections_max, count;
    MrTcpConnection **connections; /* connections_max of them */
    int fd;                        /* that listens, or is being connected; -1: none */
    struct event *event;           /* of fd */
    struct event *timer;           /* the next attempt */
    int64_t retry_us;
    MrError error;     /* the last one */
    int64_t logged_us; /* when it was told; 0: never */
};

static const char *option(const MrTcp *tcp, const char *name, const char *otherwise)
{
    const MrStream *stream = tcp->relation->stream;
    return mr_option_text(stream->options, stream->option_count, name, otherwise);
}

uint32_t mr_tcp_stream_id(const MrTcp *tcp)
{
    return tcp->relation->stream->id;
}

const char *mr_tcp_status(const MrTcp *tcp, MrError *err)
{
    *err = tcp->error;
    if (tcp->has_failed) {
        return "failed";
    }
    return (tcp->listens ? tcp->fd >= 0 : tcp->count > 0) ? "running" : "connecting";
}

/* Whoever is refused again and again fills no log: the same line comes once in a second. */
static void note(MrTcp *tcp, const MrError *err)
{
    int64_t now_us = mr_clock_monotonic_us(tcp->server->clock);
    bool is_told = tcp->logged_us != 0 && now_us - tcp->logged_us < LOG_PAUSE_US &&
                   strcmp(tcp->error.message, err->message) == 0;
    tcp->error = *err;
    if (is_told) {
        return;
    }
    tcp->logged_us = now_us;
    mr_log_line(MR_LOG_WARNING, "stream.connection", "stream \"%s\": %s %s", tcp->relation->name,
                err->sqlstate, err->message);
}

/* ---- Attempts -------------------------------------------------------------------------------- */

static void socket_close(MrTcp *tcp)
{
    if (tcp->event != NULL) {
        event_free(tcp->event);
        tcp->event = NULL;
    }
    if (tcp->fd >= 0) {
        close(tcp->fd);
        tcp->fd = -1;
    }
}

static void try_later(MrTcp *tcp)
{
    struct timeval pause = { .tv_sec = tcp->retry_us / 1000000,
                             .tv_usec = tcp->retry_us % 1000000 };
    socket_close(tcp);
    tcp->retry_us = tcp->retry_us * 2 < RETRY_US_MAX ? tcp->retry_us * 2 : RETRY_US_MAX;
    event_add(tcp->timer, &pause);
}

static void connection_ended(void *context, MrTcpConnection *connection, MrTcpEnd end,
                             const MrError *err)
{
    MrTcp *tcp = context;
    for (uint32_t i = 0; i < tcp->count; i++) {
        if (tcp->connections[i] == connection) {
            tcp->connections[i] = tcp->connections[--tcp->count];
            break;
        }
    }
    if (end != MR_TCP_CLOSED) {
        note(tcp, err);
    }
    if (mr_tcp_connection_has_read(connection) && end == MR_TCP_CLOSED) {
        tcp->retry_us = RETRY_US_FIRST;
    }
    mr_tcp_connection_destroy(connection);
    if (tcp->listens) {
        return;
    }
    tcp->has_failed = end == MR_TCP_BAD; /* the same would come again */
    if (!tcp->has_failed) {
        try_later(tcp);
    }
}

static MrStatus connection_add(MrTcp *tcp, int fd, MrError *err)
{
    MrTcpConnection *connection;
    if (tcp->count == tcp->connections_max) {
        close(fd);
        return mr_error_set(err, MR_ERR_TOO_MANY_CONNECTIONS,
                            "a connection was refused: %u are open, which is max_connections",
                            tcp->count);
    }
    MR_TRY(mr_tcp_connection_create(tcp->server, tcp->relation, tcp->catalog, fd, connection_ended,
                                    tcp, &connection, err));
    tcp->connections[tcp->count++] = connection;
    return MR_OK;
}

/* ---- Listening ------------------------------------------------------------------------------- */

static void on_pending(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval pause = { .tv_usec = RETRY_US_FIRST };
    MrTcp *tcp = context;
    (void)what;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        MrError err = MR_ERROR_INIT;
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)) {
            return;
        }
        if (accepted < 0) {
            mr_error_set(&err, MR_ERR_CONNECTION, "could not accept a connection: %m");
            note(tcp, &err);
            event_del(tcp->event); /* no descriptor is free: a pause does not spin */
            event_add(tcp->timer, &pause);
            return;
        }
        if (connection_add(tcp, accepted, &err) != MR_OK) {
            note(tcp, &err);
        }
    }
}

static MrStatus listen_now(MrTcp *tcp, MrError *err)
{
    static const int on = 1;
    setsockopt(tcp->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(tcp->fd, (const struct sockaddr *)&tcp->address.socket, tcp->address.length) != 0 ||
        listen(tcp->fd, BACKLOG) != 0) {
        return mr_error_set(err, MR_ERR_CANNOT_CONNECT, "could not listen on \"%s\": %m",
                            option(tcp, "listen", ""));
    }
    tcp->event = event_new(tcp->server->base, tcp->fd, EV_READ | EV_PERSIST, on_pending, tcp);
    return tcp->event == NULL ? mr_error_no_memory(err) : MR_OK;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static MrStatus cannot_connect(const MrTcp *tcp, int reason, MrError *err)
{
    return mr_error_set(err, MR_ERR_CANNOT_CONNECT, "could not connect to \"%s\", port %s: %s",
                        option(tcp, "host", ""), option(tcp, "port", ""), strerror(reason));
}

static void on_connected(evutil_socket_t fd, short what, void *context)
{
    MrTcp *tcp = context;
    MrError err = MR_ERROR_INIT;
    int reason = 0;
    socklen_t length = sizeof reason;
    if (what & EV_TIMEOUT) {
        reason = ETIMEDOUT;
    } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &length) != 0) {
        reason = errno;
    }
    if (reason != 0) {
        cannot_connect(tcp, reason, &err);
        note(tcp, &err);
        try_later(tcp);
        return;
    }
    event_free(tcp->event);
    tcp->event = NULL;
    tcp->fd = -1; /* the connection's */
    mr_error_clear(&tcp->error);
    if (connection_add(tcp, fd, &err) != MR_OK) {
        note(tcp, &err);
        try_later(tcp);
    }
}

static MrStatus connect_now(MrTcp *tcp, MrError *err)
{
    if (connect(tcp->fd, (const struct sockaddr *)&tcp->address.socket, tcp->address.length) != 0 &&
        errno != EINPROGRESS) {
        return cannot_connect(tcp, errno, err);
    }
    tcp->event = event_new(tcp->server->base, tcp->fd, EV_WRITE, on_connected, tcp);
    return tcp->event == NULL ? mr_error_no_memory(err) : MR_OK;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static MrStatus attempt(MrTcp *tcp, MrError *err)
{
    static const struct timeval patience = { .tv_sec = CONNECT_SECONDS };
    tcp->fd = socket(tcp->address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (tcp->fd < 0) {
        return mr_error_set(err, MR_ERR_CONNECTION, "could not make a socket: %m");
    }
    MR_TRY(tcp->listens ? listen_now(tcp, err) : connect_now(tcp, err));
    event_add(tcp->event, tcp->listens ? NULL : &patience);
    return MR_OK;
}

static void on_time(evutil_socket_t fd, short what, void *context)
{
    MrTcp *tcp = context;
    MrError err = MR_ERROR_INIT;
    (void)fd;
    (void)what;
    if (tcp->listens && tcp->event != NULL) {
        event_add(tcp->event, NULL);
        return;
    }
    if (attempt(tcp, &err) != MR_OK) {
        note(tcp, &err);
        try_later(tcp);
    } else if (tcp->listens) {
        tcp->retry_us = RETRY_US_FIRST;
        mr_error_clear(&tcp->error);
    }
}

/* The planner has looked at the texts. */
static MrStatus read_options(MrTcp *tcp, MrError *err)
{
    const char *listen_at = option(tcp, "listen", NULL);
    const char *most = option(tcp, "max_connections", NULL);
    uint16_t port = 0;
    tcp->listens = listen_at != NULL;
    tcp->connections_max = !tcp->listens  ? 1
                           : most == NULL ? CONNECTIONS_MAX_DEFAULT
                                          : (uint32_t)strtoul(most, NULL, 10);
    bool is_known =
        tcp->listens ? mr_address_parse(mr_string(listen_at), &tcp->address)
                     : mr_port_parse(mr_string(option(tcp, "port", "")), &port) &&
                           mr_address_make(mr_string(option(tcp, "host", "")), port, &tcp->address);
    if (!is_known) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "stream \"%s\" has no address",
                            tcp->relation->name);
    }
    tcp->connections = calloc(tcp->connections_max, sizeof *tcp->connections);
    return tcp->connections == NULL ? mr_error_no_memory(err) : MR_OK;
}

MrStatus mr_tcp_create(MrServer *server, const MrRelation *relation, MrTcp **out, MrError *err)
{
    *out = NULL;
    MrTcp *tcp = calloc(1, sizeof *tcp);
    if (tcp == NULL) {
        return mr_error_no_memory(err);
    }
    tcp->server = server;
    tcp->catalog = mr_catalog_ref(server->catalog);
    tcp->relation = relation;
    tcp->fd = -1;
    tcp->retry_us = RETRY_US_FIRST;
    tcp->error = (MrError)MR_ERROR_INIT;
    tcp->timer = event_new(server->base, -1, 0, on_time, tcp);
    MrStatus status = tcp->timer == NULL ? mr_error_no_memory(err) : read_options(tcp, err);
    if (status != MR_OK) {
        mr_tcp_destroy(tcp);
        return status;
    }
    on_time(-1, 0, tcp);
    *out = tcp;
    return MR_OK;
}

void mr_tcp_destroy(MrTcp *tcp)
{
    if (tcp == NULL) {
        return;
    }
    socket_close(tcp);
    while (tcp->count > 0) {
        mr_tcp_connection_destroy(tcp->connections[--tcp->count]);
    }
    if (tcp->timer != NULL) {
        event_free(tcp->timer);
    }
    free(tcp->connections);
    mr_catalog_unref(tcp->catalog);
    free(tcp);
}

/* A connection that ends meanwhile makes room for another one of the list: from the end on, each
 * is met once. */
void mr_tcp_drain(MrTcp *tcp)
{
    if (tcp->listens && tcp->event != NULL) {
        on_pending(tcp->fd, EV_READ, tcp);
    }
    for (uint32_t i = tcp->count; i > 0; i--) {
        if (i <= tcp->count) {
            mr_tcp_connection_drain(tcp->connections[i - 1]);
        }
    }
}
