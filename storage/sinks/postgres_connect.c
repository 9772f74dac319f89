/*
 * storage/sinks/postgres_connect.c - connects to a PostgreSQL target: an allow-list of conninfo
 * keys, a deadline, and no password to a server that doesn't prove itself by SCRAM.
 *
 * libpq 15 has no require_auth, and answers whatever the server asks for.  So we look at the
 * server's bytes before libpq does (MSG_PEEK): a request for a password in clear or as MD5 ends the
 * attempt before it is answered.  Under TLS the bytes can't be seen; there channel_binding =
 * require makes libpq itself refuse everything but SCRAM.
 */
#include "storage/sinks/postgres.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "common/floattext.h"

static const char *const allowed_keys[] = {
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "connect_timeout",
    "target_session_attrs",
};

static bool key_is_allowed(const char *key)
{
    for (size_t i = 0; i < sizeof allowed_keys / sizeof allowed_keys[0]; i++) {
        if (strcmp(allowed_keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

const char *mr_postgres_option(const PQconninfoOption *options, const char *key)
{
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, key) == 0) {
            return option->val;
        }
    }
    return NULL;
}

static bool host_is_socket(const char *host)
{
    return host == NULL || host[0] == '\0' || host[0] == '/' || host[0] == '@';
}

static bool host_is_near(const char *host)
{
    return host_is_socket(host) || strcasecmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* All hosts of a list "a,b,c" are on this machine. */
bool mr_postgres_hosts_are_near(const char *hosts)
{
    bool near = true;
    char *copy = hosts == NULL ? NULL : strdup(hosts);
    if (copy == NULL) {
        return hosts == NULL;
    }
    char *rest = copy;
    for (char *host = strsep(&rest, ","); host != NULL; host = strsep(&rest, ",")) {
        near = near && host_is_near(host);
    }
    free(copy);
    return near;
}

/* 1 to 3600 seconds; what libpq would take as "for ever" is no timeout here. */
static MrStatus check_connect_timeout(const PQconninfoOption *options, MrError *err)
{
    const char *text = mr_postgres_option(options, "connect_timeout");
    int64_t seconds;
    if (text != NULL &&
        (!mr_int64_parse_fast(text, strlen(text), &seconds) || seconds < 1 || seconds > 3600)) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "connect_timeout is a number of seconds from 1 to 3600, not \"%.40s\"",
                            text);
    }
    return MR_OK;
}

static MrStatus check_ssl_mode(const PQconninfoOption *options, bool allow_any, MrError *err)
{
    const char *mode = mr_postgres_option(options, "sslmode");
    if (mode != NULL && !allow_any && (strcmp(mode, "prefer") == 0 || strcmp(mode, "allow") == 0)) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                     "sslmode = %s leaves it to the server whether the connection is encrypted",
                     mode);
        return mr_error_hint(err, "Write sslmode = verify-full, require or disable.");
    }
    return MR_OK;
}

MrStatus mr_postgres_parse_location(const char *location, bool allow_any, PQconninfoOption **out,
                                    MrError *err)
{
    char *text = NULL;
    *out = NULL;
    if (location == NULL || mr_utf8_check(location, strlen(location)) != strlen(location)) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "a connection of type 'postgres' needs a dsn");
        return mr_error_hint(
            err, "Write WITH (type = 'postgres', dsn = 'host=db dbname=app user=millrace').");
    }
    PQconninfoOption *options = PQconninfoParse(location, &text);
    if (options == NULL) {
        mr_error_set(err, text == NULL ? MR_ERR_OUT_OF_MEMORY : MR_ERR_INVALID_PARAMETER,
                     "the dsn is not a connection string");
        /* libpq's text may quote the secret that stands in the string: it is not passed on. */
        mr_error_hint(
            err, "Write host=… port=… dbname=… user=…, or postgresql://user@host:port/dbname.");
        PQfreemem(text);
        return err == NULL ? MR_ERR_INVALID_PARAMETER : err->status;
    }
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val != NULL && !key_is_allowed(option->keyword)) {
            mr_error_set(err, MR_ERR_INVALID_PARAMETER, "the dsn key \"%s\" is not allowed",
                         option->keyword);
            mr_error_hint(
                err, "A dsn may name host, port, dbname, user, password, sslmode, sslrootcert, "
                     "connect_timeout and target_session_attrs.");
            PQconninfoFree(options);
            return MR_ERR_INVALID_PARAMETER;
        }
    }
    MrStatus status = check_ssl_mode(options, allow_any, err);
    if (status == MR_OK) {
        status = check_connect_timeout(options, err);
    }
    if (status != MR_OK) {
        PQconninfoFree(options);
        return status;
    }
    *out = options;
    return MR_OK;
}

MrStatus mr_postgres_check_options(const MrSinkOptions *options, MrError *err)
{
    PQconninfoOption *parsed;
    MR_TRY(mr_postgres_parse_location(options->location, options->allow_any_authentication, &parsed,
                                      err));
    MrStatus status = MR_OK;
    if (options->password != NULL && mr_postgres_option(parsed, "password") != NULL) {
        status = mr_error_set(err, MR_ERR_INVALID_PARAMETER, "the password is given twice");
    } else if (options->journal_truncate) {
        status = mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                              "journal is an option of SQLite connections");
    }
    PQconninfoFree(parsed);
    return status;
}

/* ---- the connection's parameters ------------------------------------------------------------- */

enum { PARAMETERS_MAX = 24 };

typedef struct Parameters {
    const char *keys[PARAMETERS_MAX + 1];
    const char *values[PARAMETERS_MAX + 1];
    uint32_t count;
} Parameters;

static void parameters_add(Parameters *list, const char *key, const char *value)
{
    if (value != NULL && list->count < PARAMETERS_MAX) {
        list->keys[list->count] = key;
        list->values[list->count++] = value;
    }
}

/* What a role or database sets by default must not reach the statements that come before those of a
 * transaction's own settings, nor make a primary look like a standby. */
enum { SETTINGS_BYTES = 160 };

static const char *settings_text(const MrPgSink *sink, char out[SETTINGS_BYTES])
{
    snprintf(out, SETTINGS_BYTES,
             "-c statement_timeout=%lld -c lock_timeout=%lld -c default_transaction_read_only=off"
             " -c idle_in_transaction_session_timeout=0",
             (long long)(sink->statement_timeout_us / 1000),
             (long long)(sink->lock_timeout_us / 1000));
    return out;
}

/* What the environment and files in the home directory could add is named here, so that they don't.
 */
static void parameters_fill(Parameters *list, const MrPgSink *sink, const PQconninfoOption *options,
                            const char *settings)
{
    static const char no_file[] = "/dev/null/none";
    const char *host = mr_postgres_option(options, "host");
    const char *mode = mr_postgres_option(options, "sslmode");
    if (mode == NULL) {
        mode = mr_postgres_hosts_are_near(host != NULL ? host : getenv("PGHOST")) ? "disable"
                                                                                  : "verify-full";
    }
    for (size_t i = 0; i < sizeof allowed_keys / sizeof allowed_keys[0]; i++) {
        if (strcmp(allowed_keys[i], "sslmode") != 0 &&
            strcmp(allowed_keys[i], "connect_timeout") != 0) {
            parameters_add(list, allowed_keys[i], mr_postgres_option(options, allowed_keys[i]));
        }
    }
    if (mr_postgres_option(options, "target_session_attrs") == NULL) {
        parameters_add(list, "target_session_attrs", "read-write");
    }
    parameters_add(list, "password", sink->password);
    parameters_add(list, "sslmode", mode);
    if (!sink->allow_any_authentication && strcmp(mode, "disable") != 0) {
        parameters_add(list, "channel_binding", "require");
    }
    parameters_add(list, "gssencmode", "disable");
    parameters_add(list, "passfile", no_file);
    parameters_add(list, "sslcert", no_file);
    parameters_add(list, "options", settings);
    parameters_add(list, "client_encoding", "UTF8");
    parameters_add(list, "application_name", "millrace");
    parameters_add(list, "keepalives_idle", "30");
    parameters_add(list, "keepalives_interval", "10");
    parameters_add(list, "keepalives_count", "3");
    parameters_add(list, "tcp_user_timeout", "30000");
}

/* ---- what the server asks for ---------------------------------------------------------------- */

typedef enum Peek { PEEK_GO_ON, PEEK_WAIT, PEEK_REFUSE_PASSWORD, PEEK_REFUSE_NONE } Peek;

enum { AUTH_OK = 0, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

static uint32_t peek32(const unsigned char *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

/* Looks at every message that has arrived.  An authentication request that is not whole yet is
 * waited for, so that a server can't slip one past us in pieces. */
static Peek peek_messages(const unsigned char *data, size_t length, bool is_socket, bool *saw_scram)
{
    size_t at = 0;
    while (at < length) {
        if (data[at] != 'R') {
            if (length - at < 5 || peek32(data + at + 1) < 4 ||
                peek32(data + at + 1) > length - at - 1) {
                return PEEK_GO_ON; /* an error message, or no message at all: libpq's business */
            }
            at += 1 + peek32(data + at + 1);
            continue;
        }
        if (length - at < 9) {
            return PEEK_WAIT;
        }
        uint32_t size = peek32(data + at + 1);
        switch (peek32(data + at + 5)) {
        case AUTH_OK: return *saw_scram || is_socket ? PEEK_GO_ON : PEEK_REFUSE_NONE;
        case AUTH_SASL: *saw_scram = true; break;
        case AUTH_SASL_CONTINUE:
        case AUTH_SASL_FINAL: break;
        default: return PEEK_REFUSE_PASSWORD;
        }
        if (size < 8 || size > length - at - 1) {
            return PEEK_GO_ON;
        }
        at += 1 + size;
    }
    return PEEK_GO_ON;
}

static Peek peek_at_server(PGconn *conn, bool *saw_scram)
{
    unsigned char data[4096];
    if (PQsslInUse(conn) || PQsocket(conn) < 0) {
        return PEEK_GO_ON;
    }
    ssize_t length = recv(PQsocket(conn), data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    return length <= 0
               ? PEEK_GO_ON
               : peek_messages(data, (size_t)length, host_is_socket(PQhost(conn)), saw_scram);
}

static MrStatus refuse(PGconn *conn, Peek peek, MrError *err)
{
    if (peek == PEEK_REFUSE_PASSWORD) {
        mr_error_set(err, MR_ERR_INVALID_AUTHORIZATION,
                     "the target at \"%s\" asks for the password by another way than SCRAM",
                     PQhost(conn));
        mr_error_hint(
            err,
            "Set password_encryption = 'scram-sha-256' there, give the role its password anew and "
            "use the method scram-sha-256 in pg_hba.conf.");
    } else {
        mr_error_set(
            err, MR_ERR_INVALID_AUTHORIZATION,
            "the target at \"%s\" did not ask for a password, so it has not proved who it is",
            PQhost(conn));
        mr_error_hint(
            err,
            "Use the method scram-sha-256 in pg_hba.conf, a Unix socket, or the connection option "
            "allow_any_authentication = true.");
    }
    return MR_ERR_INVALID_AUTHORIZATION;
}

/* ---- connecting ------------------------------------------------------------------------------ */

/* Connection errors have no result to take a SQLSTATE from; verbose texts name it: "FATAL:  57P03:
 * …". With several hosts the last one counts. */
static bool find_sqlstate(const char *text, char out[6], const char **message)
{
    bool found = false;
    for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        const char *state = at + 3;
        if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && state[5] == ':') {
            memcpy(out, state, 5);
            out[5] = '\0';
            *message = state[6] == ' ' ? state + 7 : state + 6;
            found = true;
        }
    }
    return found;
}

static MrStatus connect_error(PGconn *conn, MrError *err)
{
    char state[6];
    const char *text = PQerrorMessage(conn);
    const char *message = text;
    bool has_state = find_sqlstate(text, state, &message);
    size_t length = has_state ? strcspn(message, "\n") : strlen(message);
    while (length > 0 && message[length - 1] == '\n') {
        length--;
    }
    if (length > 400) {
        length = mr_utf8_truncate(message, length, 400);
    }
    bool wants_password = PQconnectionNeedsPassword(conn);
    MrStatus status = wants_password ? MR_ERR_INVALID_AUTHORIZATION : MR_ERR_CANNOT_CONNECT;
    if (mr_utf8_check(message, length) != length) {
        message = "the server's message is not UTF-8";
        length = strlen(message);
    }
    mr_error_set(err, status, "could not connect to the target: %.*s", (int)length, message);
    if (has_state && err != NULL) {
        mr_error_sqlstate(err, state);
    }
    return status;
}

static int64_t connect_deadline(const MrPgSink *sink, const PQconninfoOption *options)
{
    int64_t limit_us = sink->connect_timeout_us;
    const char *text = mr_postgres_option(options, "connect_timeout");
    int64_t seconds;
    if (text != NULL && mr_int64_parse_fast(text, strlen(text), &seconds)) {
        limit_us = seconds * MR_US_PER_SECOND;
    }
    return mr_clock_monotonic_us(sink->clock) + limit_us;
}

/* Waits for what libpq wants, at most to the deadline; false: time is up. */
static bool connect_wait(const MrPgSink *sink, PGconn *conn, PostgresPollingStatusType wanted,
                         int64_t deadline_us)
{
    int64_t left_us = deadline_us - mr_clock_monotonic_us(sink->clock);
    struct pollfd item = { .fd = PQsocket(conn),
                           .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT };
    if (left_us <= 0) {
        return false;
    }
    return poll(&item, 1, (int)(left_us / 1000) + 1) != 0;
}

static MrStatus connect_poll(const MrPgSink *sink, PGconn *conn, int64_t deadline_us, MrError *err)
{
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
    bool saw_scram = false;
    while (wanted != PGRES_POLLING_OK) {
        if (!connect_wait(sink, conn, wanted, deadline_us)) {
            return mr_error_set(err, MR_ERR_CANNOT_CONNECT,
                                "could not connect to the target in time");
        }
        if (PQstatus(conn) == CONNECTION_STARTED || PQstatus(conn) == CONNECTION_MADE) {
            saw_scram = false; /* the next host of the list */
        }
        Peek peek =
            PQstatus(conn) == CONNECTION_AWAITING_RESPONSE && !sink->allow_any_authentication
                ? peek_at_server(conn, &saw_scram)
                : PEEK_GO_ON;
        if (peek == PEEK_WAIT) {
            struct timespec pause = { .tv_nsec = 1000000 };
            nanosleep(&pause, NULL);
            continue;
        }
        if (peek != PEEK_GO_ON) {
            return refuse(conn, peek, err);
        }
        wanted = PQconnectPoll(conn);
        if (wanted == PGRES_POLLING_FAILED) {
            return connect_error(conn, err);
        }
    }
    return MR_OK;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static MrStatus connect_with(const MrPgSink *sink, const PQconninfoOption *options,
                             const char *settings, PGconn **out, MrError *err)
{
    Parameters list = { .count = 0 };
    parameters_fill(&list, sink, options, settings);
    PGconn *conn = PQconnectStartParams(list.keys, list.values, 0);
    if (conn == NULL) {
        return mr_error_no_memory(err);
    }
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    MrStatus status = PQstatus(conn) == CONNECTION_BAD
                          ? connect_error(conn, err)
                          : connect_poll(sink, conn, connect_deadline(sink, options), err);
    if (status == MR_OK && PQserverVersion(conn) < 90500) {
        status = mr_error_set(err, MR_ERR_UNSUPPORTED, "the target is older than PostgreSQL 9.5");
    }
    if (status == MR_OK && PQsetnonblocking(conn, 1) != 0) {
        status = connect_error(conn, err);
    }
    if (status != MR_OK) {
        PQfinish(conn);
        return status;
    }
    *out = conn;
    return MR_OK;
}

MrStatus mr_postgres_connect(const MrPgSink *sink, PGconn **out, MrError *err)
{
    PQconninfoOption *options;
    *out = NULL;
    MR_TRY(
        mr_postgres_parse_location(sink->location, sink->allow_any_authentication, &options, err));
    char settings[SETTINGS_BYTES];
    MrError refused = MR_ERROR_INIT;
    MrStatus status = connect_with(sink, options, settings_text(sink, settings), out, &refused);
    if (status != MR_OK && strcmp(refused.sqlstate, "08P01") == 0) {
        /* A pooler that knows no such parameters: its own settings count until BEGIN. */
        status = connect_with(sink, options, "", out, err);
    } else if (status != MR_OK && err != NULL) {
        *err = refused;
    }
    PQconninfoFree(options);
    return status;
}
