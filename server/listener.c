/*
 * server/listener.c - accepts connections and keeps the list of sessions.  Sockets are opened in
 * listener_socket.c.
 */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/file.h"
#include "common/logging.h"
#include "server/listener_internal.h"
#include "server/listener_socket.h"
#include "server/session.h"

enum {
    STARTING_MAX = 100,           /* sessions that have not logged in; beyond it the oldest goes */
    STARTING_OF_ADDRESS_MAX = 10, /* the same of one other machine */
    ACCEPT_AT_ONCE = 16,          /* then those who are here already get their turn */
    NUMBER_BUCKETS = 1024,
    LEFT_MANY = 256,
    DRAIN_US = 5 * 1000 * 1000,
};

struct MrListener {
    MrServer *server;
    MrListenerSockets sockets;
    struct event *events[MR_LISTENER_SOCKETS_MAX];
    struct event *pause; /* no descriptor is left: accepting rests for a moment */
    int spare_fd;        /* given up to tell one client why */
    MrSession *first;    /* newest first */
    uint32_t count, starting;
    uint32_t left;                      /* sessions that ended since memory was given back */
    MrSession *numbers[NUMBER_BUCKETS]; /* by their numbers */
    int32_t last_number;
    bool is_closed;
};

/* ---- The list -------------------------------------------------------------------------------- */

uint32_t mr_listener_session_count(const MrServer *server)
{
    return server->listener == NULL ? 0 : server->listener->count;
}

uint16_t mr_listener_port(const MrServer *server)
{
    return server->listener == NULL ? 0 : server->listener->sockets.port;
}

void mr_listener_each(const MrServer *server,
                      void (*each)(void *context, const MrSessionFacts *facts), void *context)
{
    const MrSession *session = server->listener == NULL ? NULL : server->listener->first;
    for (; session != NULL; session = session->next) {
        MrSessionFacts facts = { .pid = session->number,
                                 .user = session->user == NULL ? "" : session->user,
                                 .database = session->database == NULL ? "" : session->database,
                                 .application =
                                     mr_settings_text(session->settings, MR_SET_APPLICATION_NAME),
                                 .state = mr_session_state(session),
                                 .address = session->address,
                                 .query = session->query,
                                 .connected_us = session->connected_us,
                                 .statement_us = session->statement_us };
        each(context, &facts);
    }
}

static MrSession **bucket_of(MrListener *listener, int32_t number)
{
    return &listener->numbers[(uint32_t)number % NUMBER_BUCKETS];
}

static MrSession *find_number(MrListener *listener, int32_t number)
{
    MrSession *session = *bucket_of(listener, number);
    while (session != NULL && session->number != number) {
        session = session->next_number;
    }
    return session;
}

static void forget_number(MrListener *listener, const MrSession *session)
{
    MrSession **link = bucket_of(listener, session->number);
    while (*link != session) {
        link = &(*link)->next_number;
    }
    *link = session->next_number;
}

void mr_listener_forget(MrSession *session)
{
    MrListener *listener = session->server->listener;
    if (listener == NULL || session->number == 0) {
        return;
    }
    if (session->previous != NULL) {
        session->previous->next = session->next;
    } else {
        listener->first = session->next;
    }
    if (session->next != NULL) {
        session->next->previous = session->previous;
    }
    listener->count--;
    listener->starting -= session->is_starting;
    session->is_starting = false;
    forget_number(listener, session);
    session->number = 0;
    listener->left++;
}

void mr_listener_tidy(MrServer *server)
{
    MrListener *listener = server->listener;
    if (listener != NULL && listener->left >= LEFT_MANY) {
        listener->left = 0;
#ifdef __GLIBC__
        malloc_trim(0);
#endif
    }
}

void mr_listener_logged_in(MrSession *session)
{
    if (session->is_starting) {
        session->is_starting = false;
        session->server->listener->starting--;
    }
}

void mr_listener_cancel(const MrServer *server, int32_t number, MrString secret)
{
    MrSession *session = server->listener == NULL ? NULL : find_number(server->listener, number);
    if (session != NULL && !session->is_starting && secret.length == session->secret_bytes &&
        mr_wire_same_secret(session->secret, (const uint8_t *)secret.data, secret.length)) {
        mr_session_cancel(session, MR_CANCEL_USER);
    }
}

static void add_session(MrListener *listener, MrSession *session)
{
    do {
        listener->last_number = listener->last_number == INT32_MAX ? 1 : listener->last_number + 1;
    } while (listener->last_number < 1 || find_number(listener, listener->last_number) != NULL);
    session->number = listener->last_number;
    session->next_number = *bucket_of(listener, session->number);
    *bucket_of(listener, session->number) = session;
    session->next = listener->first;
    if (listener->first != NULL) {
        listener->first->previous = session;
    }
    listener->first = session;
    session->is_starting = true;
    listener->count++;
    listener->starting++;
}

/* Bytes of an address's text without its port. */
static size_t host_bytes(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon == NULL ? strlen(address) : (size_t)(colon - address);
}

static bool is_same_host(const char *a, const char *b)
{
    return host_bytes(a) == host_bytes(b) && strncmp(a, b, host_bytes(a)) == 0;
}

/* Connections that never log in may not keep others out: ends the oldest of at least `count` that
 * have not yet (of `address`'s host; NULL: of all). */
static void evict_oldest(MrListener *listener, uint32_t count, const char *address)
{
    MrSession *oldest = NULL;
    uint32_t found = 0;
    for (MrSession *session = listener->first; session != NULL; session = session->next) {
        if (session->is_starting && (address == NULL || is_same_host(session->address, address))) {
            oldest = session;
            found++;
        }
    }
    if (found >= count) {
        mr_session_destroy(oldest);
    }
}

/* All clients of this machine come from these. */
static bool is_own(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    }
    return address->sa_family != AF_INET6 ||
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* ---- Accepting ------------------------------------------------------------------------------- */

static void refuse(int fd, MrStatus code, const char *message)
{
    MrError err = MR_ERROR_INIT;
    MrBuilder out;
    mr_builder_init(&out, 0);
    mr_error_set(&err, code, "%s", message);
    mr_wire_report(&out, 'E', "FATAL", &err, NULL, 0);
    if (!out.failed) {
        ssize_t sent = send(fd, out.data, out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* who does not hear it finds the connection closed */
    }
    mr_builder_fini(&out);
    close(fd);
}

static void set_options(int fd, const struct sockaddr *address)
{
    static const int on = 1, idle_seconds = 30, interval_seconds = 10, probes = 3,
                     timeout_ms = 30000;
    if (address->sa_family == AF_UNIX) {
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

static void name_address(const struct sockaddr *address, char *out, size_t room)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, room, "%s:%u", host, ntohs(in->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)address;
        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
        snprintf(out, room, "[%s]:%u", host, ntohs(in->sin6_port));
    } else {
        snprintf(out, room, "local");
    }
}

static void welcome(MrListener *listener, int fd, const struct sockaddr *address)
{
    MrError err = MR_ERROR_INIT;
    MrSession *session;
    char name[64];
    if (listener->count >=
        (uint32_t)mr_settings_int(listener->server->settings, MR_SET_MAX_CONNECTIONS)) {
        refuse(fd, MR_ERR_TOO_MANY_CONNECTIONS, "sorry, too many clients already");
        return;
    }
    set_options(fd, address);
    name_address(address, name, sizeof name);
    if (listener->starting >= STARTING_OF_ADDRESS_MAX && !is_own(address)) {
        evict_oldest(listener, STARTING_OF_ADDRESS_MAX, name);
    }
    if (listener->starting >= STARTING_MAX) {
        evict_oldest(listener, STARTING_MAX, NULL);
    }
    if (mr_session_create(listener->server, fd, name, &session, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "session.start", &err);
        return;
    }
    add_session(listener, session);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
    MrListener *listener = context;
    (void)fd;
    (void)what;
    for (uint32_t i = 0; i < listener->sockets.count && !listener->is_closed; i++) {
        event_add(listener->events[i], NULL);
    }
}

/* No descriptor is free.  The spare one is used to say so to one client; then accepting rests,
 * since an event that cannot be served would turn the loop for ever. */
static void out_of_descriptors(MrListener *listener, int socket)
{
    static const struct timeval rest = { 0, 100 * 1000 };
    if (listener->spare_fd >= 0) {
        close(listener->spare_fd);
        int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            refuse(fd, MR_ERR_TOO_MANY_CONNECTIONS,
                   "the server has no file descriptor left for another client");
        }
        listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    for (uint32_t i = 0; i < listener->sockets.count; i++) {
        event_del(listener->events[i]);
    }
    event_add(listener->pause, &rest);
}

static void on_connection(evutil_socket_t socket, short what, void *context)
{
    MrListener *listener = context;
    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage address = { .ss_family = AF_UNIX };
        socklen_t length = sizeof address;
        int fd =
            accept4(socket, (struct sockaddr *)&address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            welcome(listener, fd, (const struct sockaddr *)&address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            out_of_descriptors(listener, socket);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static MrStatus write_port(const MrServer *server, uint16_t port, MrError *err)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u\n", port);
    return mr_file_replace(server->data_directory, "port", text, (size_t)length, err);
}

static void remove_port(const MrServer *server)
{
    char path[4096];
    MrError ignored = MR_ERROR_INIT;
    snprintf(path, sizeof path, "%s/port", server->data_directory);
    MrStatus status = mr_file_remove(path, &ignored);
    (void)status; /* the next server writes it anew */
}

static MrStatus listener_open(MrServer *server, MrListener *listener, MrError *err)
{
    MR_TRY(mr_listener_sockets_open(server, &listener->sockets, err));
    for (uint32_t i = 0; i < listener->sockets.count; i++) {
        listener->events[i] = event_new(server->base, listener->sockets.fds[i],
                                        EV_READ | EV_PERSIST, on_connection, listener);
        if (listener->events[i] == NULL || event_add(listener->events[i], NULL) != 0) {
            return mr_error_no_memory(err);
        }
    }
    listener->pause = event_new(server->base, -1, 0, on_pause_over, listener);
    if (listener->pause == NULL) {
        return mr_error_no_memory(err);
    }
    return write_port(server, listener->sockets.port, err);
}

MrStatus mr_listener_create(MrServer *server, MrError *err)
{
    MrListener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return mr_error_no_memory(err);
    }
    listener->server = server;
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server->listener = listener;
    return listener_open(server, listener, err);
}

static void stop_accepting(MrListener *listener)
{
    if (listener->is_closed) {
        return;
    }
    listener->is_closed = true;
    for (uint32_t i = 0; i < listener->sockets.count; i++) {
        if (listener->events[i] != NULL) {
            event_free(listener->events[i]);
            listener->events[i] = NULL;
        }
    }
    if (listener->pause != NULL) {
        event_free(listener->pause);
        listener->pause = NULL;
    }
    mr_listener_sockets_close(&listener->sockets);
}

void mr_listener_drain(MrServer *server)
{
    MrListener *listener = server->listener;
    if (listener == NULL) {
        return;
    }
    stop_accepting(listener);
    for (MrSession *session = listener->first, *next; session != NULL; session = next) {
        next = session->next;
        mr_session_drain(session);
    }
}

static void give_up(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    *(bool *)context = true;
}

/* Running statements get a while to end. */
static void wait_for_sessions(MrListener *listener)
{
    bool too_late = false;
    struct timeval limit = { DRAIN_US / 1000000, DRAIN_US % 1000000 };
    struct event *timer = event_new(listener->server->base, -1, 0, give_up, &too_late);
    if (timer == NULL) {
        return;
    }
    event_add(timer, &limit);
    while (listener->first != NULL && !too_late &&
           event_base_loop(listener->server->base, EVLOOP_ONCE) == 0) {
    }
    event_free(timer);
}

void mr_listener_destroy(MrServer *server)
{
    MrListener *listener = server->listener;
    if (listener == NULL) {
        return;
    }
    mr_listener_drain(server);
    wait_for_sessions(listener);
    while (listener->first != NULL) {
        mr_session_destroy(listener->first);
    }
    remove_port(server);
    if (listener->spare_fd >= 0) {
        close(listener->spare_fd);
    }
    free(listener);
    server->listener = NULL;
}
