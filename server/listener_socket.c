/*
 * server/listener_socket.c - sockets to listen on: see listener_socket.h.  Must not know sessions.
 */
#include "server/listener_socket.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/file.h"
#include "common/logging.h"

enum { BACKLOG = 1024 };

/* ---- TCP ------------------------------------------------------------------------------------- */

/* Only loopback, until there are roles and TLS. */
static bool read_address(const char *name, uint16_t port, struct sockaddr_storage *out,
                         socklen_t *length)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, name, &in.sin_addr) == 1 && ntohl(in.sin_addr.s_addr) >> 24 == 127) {
        memcpy(out, &in, sizeof in);
        *length = sizeof in;
        return true;
    }
    if (inet_pton(AF_INET6, name, &in6.sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)) {
        memcpy(out, &in6, sizeof in6);
        *length = sizeof in6;
        return true;
    }
    return false;
}

static MrStatus could_not(const char *name, uint16_t port, MrError *err)
{
    int code = errno;
    mr_error_set(err, code == EADDRINUSE ? MR_ERR_OBJECT_IN_USE : MR_ERR_IO,
                 "could not listen on %s, port %u: %s", name, port, strerror(code));
    if (code == EADDRINUSE) {
        mr_error_hint(err, "Another server may be running there; "
                           "choose another with -p PORT, or -p 0 for a free one.");
    }
    return err->status;
}

static MrStatus listen_on(int fd, const struct sockaddr *address, socklen_t length)
{
    static const int on = 1;
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (address->sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    return bind(fd, address, length) == 0 && listen(fd, BACKLOG) == 0 ? MR_OK : MR_ERR_IO;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    return address.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port)
               : ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

static MrStatus open_tcp(const char *name, MrListenerSockets *out, MrError *err)
{
    struct sockaddr_storage address;
    socklen_t length;
    if (!read_address(name, out->port, &address, &length)) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                     "cannot listen on \"%.100s\": only loopback addresses are safe "
                     "without passwords and TLS",
                     name);
        return mr_error_hint(
            err,
            "Set listen_addresses to 127.0.0.1 or ::1, and reach it from elsewhere through ssh.");
    }
    if (out->count + 1 >= MR_LISTENER_SOCKETS_MAX) { /* one place is the Unix socket's */
        return mr_error_set(err, MR_ERR_LIMIT_EXCEEDED,
                            "listen_addresses names more than %d addresses",
                            MR_LISTENER_SOCKETS_MAX - 1);
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return could_not(name, out->port, err);
    }
    out->fds[out->count++] = fd;
    if (listen_on(fd, (const struct sockaddr *)&address, length) != MR_OK) {
        return could_not(name, out->port, err);
    }
    if (out->port == 0) {
        out->port = bound_port(fd);
    }
    return MR_OK;
}

static bool has_ipv6_loopback(void)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, (const struct sockaddr *)&in6, sizeof in6) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

/* Clients take either address for it.  A free port must be free on both. */
static MrStatus open_localhost(MrListenerSockets *out, MrError *err)
{
    enum { TRIES_MAX = 16 };
    bool is_any_port = out->port == 0;
    MrStatus status = MR_OK;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        uint32_t had = out->count;
        MR_TRY(open_tcp("127.0.0.1", out, err));
        if (!has_ipv6_loopback()) {
            return MR_OK;
        }
        status = open_tcp("::1", out, err);
        if (status != MR_ERR_OBJECT_IN_USE || !is_any_port || tries + 1 == TRIES_MAX) {
            break;
        }
        while (out->count > had) {
            close(out->fds[--out->count]);
        }
        out->port = 0;
        mr_error_clear(err);
    }
    return status;
}

static MrStatus open_all_tcp(const MrServer *server, MrListenerSockets *out, MrError *err)
{
    const char *list = mr_settings_text(server->settings, MR_SET_LISTEN_ADDRESSES);
    while (*list != '\0') {
        char name[128];
        size_t length = strcspn(list, ","), start = 0, end = length;
        while (start < end && isspace((unsigned char)list[start])) {
            start++;
        }
        while (end > start && isspace((unsigned char)list[end - 1])) {
            end--;
        }
        if (end > start) {
            snprintf(name, sizeof name, "%.*s", (int)(end - start), list + start);
            MR_TRY(strcmp(name, "localhost") == 0 ? open_localhost(out, err)
                                                  : open_tcp(name, out, err));
        }
        list += length + (list[length] == ',');
    }
    return MR_OK;
}

/* ---- Unix ------------------------------------------------------------------------------------ */

/* Left over from a server that was killed: nobody answers there. */
static bool is_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static MrStatus open_unix(const MrServer *server, MrListenerSockets *out, MrError *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *directory = mr_settings_text(server->settings, MR_SET_UNIX_SOCKET_DIRECTORY);
    bool is_asked = directory[0] != '\0';
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%u",
                          is_asked ? directory : server->data_directory, out->port);
    if (length >= (int)sizeof address.sun_path) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                     "the path of the Unix socket is longer than %zu bytes: %.200s",
                     sizeof address.sun_path - 1, is_asked ? directory : server->data_directory);
        mr_error_hint(err, "Set unix_socket_directory to a shorter one.");
        if (!is_asked) { /* nobody asked for it: TCP is enough */
            mr_log_line(MR_LOG_WARNING, "listener.unix", "%s: there is no Unix socket",
                        err->message);
            mr_error_clear(err);
            return MR_OK;
        }
        return err->status;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return could_not(address.sun_path, out->port, err);
    }
    out->fds[out->count++] = fd;
    MrStatus status = listen_on(fd, (const struct sockaddr *)&address, sizeof address);
    if (status != MR_OK && errno == EADDRINUSE && is_stale(&address)) {
        MR_TRY(mr_file_remove(address.sun_path, err));
        status = listen_on(fd, (const struct sockaddr *)&address, sizeof address);
    }
    if (status != MR_OK || chmod(address.sun_path, 0700) != 0) {
        return could_not(address.sun_path, out->port, err);
    }
    memcpy(out->unix_path, address.sun_path, sizeof out->unix_path);
    return MR_OK;
}

MrStatus mr_listener_sockets_open(const MrServer *server, MrListenerSockets *out, MrError *err)
{
    *out = (MrListenerSockets){ .port = (uint16_t)mr_settings_int(server->settings, MR_SET_PORT) };
    MR_TRY(open_all_tcp(server, out, err));
    return open_unix(server, out, err);
}

void mr_listener_sockets_close(MrListenerSockets *sockets)
{
    MrError ignored = MR_ERROR_INIT;
    for (uint32_t i = 0; i < sockets->count; i++) {
        close(sockets->fds[i]);
    }
    sockets->count = 0;
    if (sockets->unix_path[0] != '\0') {
        MrStatus status = mr_file_remove(sockets->unix_path, &ignored);
        (void)status; /* the next server takes it over */
        sockets->unix_path[0] = '\0';
    }
}
