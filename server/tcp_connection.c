/*
 * server/tcp_connection.c - see tcp_connection.h.
 *
 * What was read in one turn is one transaction.  Backpressure is not reading: after some MB the
 * connection waits until its rows are on disk, and the peer's window fills.
 */
#include "server/tcp_connection.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/waits.h"

enum { READ_BYTES = 256 << 10, TURN_BYTES = 1 << 20, UNSYNCED_BYTES_MAX = 8 << 20 };

struct MrTcpConnection {
    MrServer *server;
    int fd;
    struct event *readable;
    MrArena arena;
    MrIngest *ingest;
    char *room; /* READ_BYTES */
    uint64_t read_bytes, unsynced_bytes;
    MrWait *wait; /* until rows are on disk; not reading meanwhile */
    MrTcpEnded *ended;
    void *context;
};

/* A peer that is gone without a word is noticed after a minute. */
static void keep_alive(int fd)
{
    static const int on = 1, idle_seconds = 30, interval_seconds = 10, probes = 3,
                     timeout_ms = 30000;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

void mr_tcp_connection_destroy(MrTcpConnection *connection)
{
    if (connection == NULL) {
        return;
    }
    mr_wait_cancel(connection->wait);
    if (connection->readable != NULL) {
        event_free(connection->readable);
    }
    close(connection->fd);
    mr_ingest_destroy(connection->ingest);
    mr_arena_fini(&connection->arena);
    free(connection->room);
    free(connection);
}

bool mr_tcp_connection_has_read(const MrTcpConnection *connection)
{
    return connection->read_bytes > 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void rows_durable(void *context, MrStatus status, const MrError *err)
{
    MrTcpConnection *connection = context;
    connection->wait = NULL;
    connection->unsynced_bytes = 0;
    if (status != MR_OK) {
        connection->ended(connection->context, connection, MR_TCP_LOST, err);
        return;
    }
    event_add(connection->readable, NULL);
}

static MrStatus commit(MrTcpConnection *connection, MrError *err)
{
    uint64_t sequence;
    MrDurability durability;
    MR_TRY(mr_ingest_take(connection->ingest, err));
    MR_TRY(mr_ingest_commit(connection->ingest, &sequence, &durability, err));
    if (sequence > 0 && connection->unsynced_bytes > UNSYNCED_BYTES_MAX &&
        connection->wait == NULL) {
        event_del(connection->readable);
        connection->wait =
            mr_wait_durable(connection->server, sequence, durability, rows_durable, connection);
    }
    return MR_OK;
}

/* Up to `bytes_max` of what is there.  *is_end: the peer has closed; *is_lost: it is gone. */
static MrStatus read_bytes(MrTcpConnection *connection, size_t bytes_max, bool *is_end,
                           bool *is_lost, MrError *err)
{
    for (size_t done = 0; done < bytes_max;) {
        ssize_t got = read(connection->fd, connection->room, READ_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            *is_end = got == 0;
            *is_lost = got < 0 && errno != EAGAIN;
            return MR_OK;
        }
        done += (size_t)got;
        connection->read_bytes += (size_t)got;
        connection->unsynced_bytes += (size_t)got;
        MR_TRY(mr_ingest_feed(connection->ingest, connection->room, (size_t)got, err));
    }
    return MR_OK;
}

/* The last row may lack its line end; one that a lost connection has cut is none. */
static MrStatus finish(MrTcpConnection *connection, MrError *err)
{
    uint64_t rows, sequence;
    MrDurability durability;
    return mr_ingest_finish(connection->ingest, &rows, &sequence, &durability, err);
}

/* A turn's rows, or a drain's.  The connection may be gone afterwards. */
static void take(MrTcpConnection *connection, size_t bytes_max)
{
    MrError err = MR_ERROR_INIT;
    bool is_end = false, is_lost = false;
    MrStatus status = read_bytes(connection, bytes_max, &is_end, &is_lost, &err);
    int reason = errno;
    if (status == MR_OK) {
        status = is_end ? finish(connection, &err) : commit(connection, &err);
    }
    if (status != MR_OK) {
        bool is_log =
            status == MR_ERR_DISK_FULL || status == MR_ERR_IO || status == MR_ERR_OUT_OF_MEMORY;
        connection->ended(connection->context, connection, is_log ? MR_TCP_LOST : MR_TCP_BAD, &err);
    } else if (is_lost) {
        mr_error_set(&err, MR_ERR_CONNECTION, "the connection was lost: %s", strerror(reason));
        connection->ended(connection->context, connection, MR_TCP_LOST, &err);
    } else if (is_end) {
        connection->ended(connection->context, connection, MR_TCP_CLOSED, &err);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    take(context, TURN_BYTES);
}

void mr_tcp_connection_drain(MrTcpConnection *connection)
{
    int waiting = 0;
    if (ioctl(connection->fd, FIONREAD, &waiting) == 0) {
        take(connection, (size_t)waiting + 1); /* one more, to see an end behind it */
    }
}

/* ---- The start ------------------------------------------------------------------------------- */

static MrStatus connection_open(MrTcpConnection *connection, const MrRelation *relation,
                                MrCatalog *catalog, MrError *err)
{
    MrFeedInput input = { .server = connection->server,
                          .catalog = catalog,
                          .relation = relation,
                          .arena = &connection->arena,
                          .takes_bytes = true };
    keep_alive(connection->fd);
    connection->room = malloc(READ_BYTES);
    connection->readable = event_new(connection->server->base, connection->fd, EV_READ | EV_PERSIST,
                                     on_readable, connection);
    if (connection->room == NULL || connection->readable == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_feed_ingest_open(&input, &connection->ingest, err));
    event_add(connection->readable, NULL);
    return MR_OK;
}

MrStatus mr_tcp_connection_create(MrServer *server, const MrRelation *relation, MrCatalog *catalog,
                                  int fd, MrTcpEnded *ended, void *context, MrTcpConnection **out,
                                  MrError *err)
{
    *out = NULL;
    MrTcpConnection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return mr_error_no_memory(err);
    }
    connection->server = server;
    connection->fd = fd;
    connection->ended = ended;
    connection->context = context;
    mr_arena_init(&connection->arena, 0);
    MrStatus status = connection_open(connection, relation, catalog, err);
    if (status != MR_OK) {
        mr_tcp_connection_destroy(connection);
        return status;
    }
    *out = connection;
    return MR_OK;
}
