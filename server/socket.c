/*
 * server/socket.c - a client's bytes: see socket.h.
 */
#include "server/socket.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/tls.h"

enum {
    INPUT_BYTES_MIN = 8 * 1024,
    INPUT_BYTES_USUAL = 256 * 1024, /* pipelined messages wait in here */
    KEPT_BYTES_MAX = 32 * 1024,     /* an idle session keeps no more */
};

static void input_compact(MrSocket *socket)
{
    if (socket->input_start == socket->input_end) {
        socket->input_start = socket->input_end = 0;
    } else if (socket->input_start > 0) {
        memmove(socket->input, socket->input + socket->input_start,
                socket->input_end - socket->input_start);
        socket->input_end -= socket->input_start;
        socket->input_start = 0;
    }
}

/* Room for at least `more` bytes.  The buffer grows by what came, never by what a length
 * promises. */
static bool input_reserve(MrSocket *socket, size_t more)
{
    if (socket->input_room - socket->input_end >= more) {
        return true;
    }
    input_compact(socket);
    size_t room = socket->input_room == 0 ? INPUT_BYTES_MIN : socket->input_room;
    while (room - socket->input_end < more) {
        room *= 2;
    }
    if (room > socket->input_room) {
        char *input = realloc(socket->input, room);
        if (input == NULL) {
            return false;
        }
        socket->input = input;
        socket->input_room = room;
    }
    return true;
}

static size_t input_waiting(const MrSocket *socket)
{
    return socket->input_end - socket->input_start;
}

static void watch(struct event *event, bool wanted)
{
    if (event != NULL) {
        if (wanted) {
            event_add(event, NULL);
        } else {
            event_del(event);
        }
    }
}

static bool has_room(const MrSocket *socket)
{
    return !socket->is_at_end && input_waiting(socket) < socket->input_bytes_max;
}

/* Reads while there is room.  What TLS has decrypted already makes no descriptor readable, so the
 * event is raised by hand. */
static void watch_input(MrSocket *socket)
{
    bool wanted = has_room(socket);
    watch(socket->readable, wanted);
    if (wanted && socket->tls != NULL && socket->readable != NULL &&
        mr_tls_has_pending(socket->tls)) {
        event_active(socket->readable, EV_READ, 0);
    }
}

static ssize_t receive(MrSocket *socket, void *out, size_t room)
{
    return socket->tls != NULL ? mr_tls_read(socket->tls, out, room)
                               : recv(socket->fd, out, room, 0);
}

/* Shows the first byte to who asks for it, once. */
static void look_at_first_byte(MrSocket *socket)
{
    uint8_t byte;
    if (socket->first_byte != NULL && recv(socket->fd, &byte, 1, MSG_PEEK) == 1) {
        void (*first_byte)(void *context, uint8_t byte) = socket->first_byte;
        socket->first_byte = NULL;
        first_byte(socket->context, byte);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    MrSocket *socket = context;
    (void)fd;
    (void)what;
    look_at_first_byte(socket);
    if (has_room(socket) && !socket->is_broken) {
        size_t wanted =
            input_waiting(socket) < INPUT_BYTES_MIN / 2 && socket->input_room <= INPUT_BYTES_MIN
                ? INPUT_BYTES_MIN / 2
                : INPUT_BYTES_USUAL / 2;
        if (!input_reserve(socket, wanted)) {
            socket->is_at_end = socket->is_broken = true;
        } else {
            ssize_t got = receive(socket, socket->input + socket->input_end,
                                  socket->input_room - socket->input_end);
            if (got > 0) {
                socket->input_end += (size_t)got;
            } else if (got == 0) {
                socket->is_at_end = true;
            } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
                socket->is_at_end = socket->is_broken = true;
            }
        }
    }
    watch_input(socket);
    socket->changed(socket->context);
}

void mr_socket_rest(MrSocket *socket)
{
    if (input_waiting(socket) == 0 && socket->input_room > KEPT_BYTES_MAX) {
        free(socket->input);
        socket->input = NULL;
        socket->input_start = socket->input_end = socket->input_room = 0;
    }
}

static void output_compact(MrSocket *socket)
{
    if (socket->output_start > KEPT_BYTES_MAX) {
        memmove(socket->output.data, socket->output.data + socket->output_start,
                mr_socket_unsent(socket));
        socket->output.length -= socket->output_start;
        socket->output_start = 0;
    }
}

static size_t may_send(const MrSocket *socket)
{
    size_t unsent = mr_socket_unsent(socket);
    uint64_t allowed = socket->send_until > socket->sent ? socket->send_until - socket->sent : 0;
    return allowed < unsent ? (size_t)allowed : unsent;
}

static ssize_t transmit(MrSocket *socket, const void *data, size_t length)
{
    return socket->tls != NULL ? mr_tls_write(socket->tls, data, length)
                               : send(socket->fd, data, length, MSG_NOSIGNAL);
}

static void send_output(MrSocket *socket)
{
    while (may_send(socket) > 0 && !socket->is_broken && socket->fd >= 0) {
        ssize_t sent =
            transmit(socket, socket->output.data + socket->output_start, may_send(socket));
        if (sent >= 0) {
            socket->output_start += (size_t)sent;
            socket->sent += (uint64_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            socket->is_broken = true;
        }
    }
    if (mr_socket_unsent(socket) == 0 || socket->is_broken) {
        socket->output_start = 0;
        if (socket->output.capacity > KEPT_BYTES_MAX && !socket->output.failed) {
            mr_builder_fini(&socket->output);
            mr_builder_init(&socket->output, 0);
        } else {
            mr_builder_clear(&socket->output);
        }
    } else {
        output_compact(
            socket); /* else a client that always leaves a byte would make it grow for ever */
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    MrSocket *socket = context;
    (void)fd;
    (void)what;
    mr_socket_flush(socket);
    socket->changed(socket->context);
}

MrStatus mr_socket_init(MrSocket *socket, struct event_base *base, int fd,
                        void (*changed)(void *context), void *context, MrError *err)
{
    *socket = (MrSocket){
        .fd = fd,
        .input_bytes_max = INPUT_BYTES_USUAL,
        .send_until = MR_SOCKET_NO_HOLD,
        .changed = changed,
        .context = context,
    };
    mr_builder_init(&socket->output, 0);
    if (fd < 0) {
        return MR_OK;
    }
    socket->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, socket);
    socket->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, socket);
    if (socket->readable == NULL || socket->writable == NULL ||
        event_add(socket->readable, NULL) != 0) {
        mr_socket_fini(socket);
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

MrStatus mr_socket_encrypt(MrSocket *socket, const MrTls *tls, bool is_direct, MrError *err)
{
    return mr_tls_accept(tls, socket->fd, is_direct, &socket->tls, err);
}

bool mr_socket_is_local(const MrSocket *socket)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t length = sizeof address;
    return socket->fd >= 0 && getsockname(socket->fd, (struct sockaddr *)&address, &length) == 0 &&
           address.ss_family == AF_UNIX;
}

void mr_socket_shut(MrSocket *socket)
{
    if (socket->tls != NULL) {
        mr_tls_shut(socket->tls);
    }
    shutdown(socket->fd, SHUT_WR);
}

void mr_socket_fini(MrSocket *socket)
{
    mr_tls_connection_destroy(socket->tls);
    if (socket->readable != NULL) {
        event_free(socket->readable);
    }
    if (socket->writable != NULL) {
        event_free(socket->writable);
    }
    if (socket->fd >= 0) {
        close(socket->fd);
    }
    free(socket->input);
    mr_builder_fini(&socket->output);
    *socket = (MrSocket){ .fd = -1, .is_at_end = true, .is_broken = true };
}

MrString mr_socket_input(const MrSocket *socket)
{
    return (MrString){ socket->input + socket->input_start, input_waiting(socket) };
}

void mr_socket_take(MrSocket *socket, size_t bytes)
{
    socket->input_start += bytes;
    if (socket->input_start == socket->input_end) {
        socket->input_start = socket->input_end = 0;
    }
    if (!socket->is_at_end) {
        watch_input(socket);
    }
}

void mr_socket_expect(MrSocket *socket, size_t bytes)
{
    socket->input_bytes_max = bytes > INPUT_BYTES_USUAL ? bytes : INPUT_BYTES_USUAL;
    if (!socket->is_at_end) {
        watch_input(socket);
    }
}

size_t mr_socket_unsent(const MrSocket *socket)
{
    return socket->output.length - socket->output_start;
}

uint64_t mr_socket_written(const MrSocket *socket)
{
    return socket->sent + mr_socket_unsent(socket);
}

void mr_socket_hold(MrSocket *socket, uint64_t place)
{
    socket->send_until = place;
}

void mr_socket_flush(MrSocket *socket)
{
    send_output(socket);
    watch(socket->writable, may_send(socket) > 0 && !socket->is_broken);
}
