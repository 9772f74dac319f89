/*
 * server/startup.c - from the first byte of a connection to ReadyForQuery: requests for encryption
 * are answered (each at most once; TLS may also begin unasked), a CancelRequest is passed on, the
 * start-up message is read and answered, the client shows who it is (login.c).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/listener_internal.h"
#include "server/statement.h"

enum { NAME_BYTES_MAX = 63, OPTIONS_MAX = 64 };

static void fail(MrSession *session, MrStatus code, const char *message)
{
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, code, "%s", message);
    mr_session_fatal(session, &err);
}

/* ---- Parameters ------------------------------------------------------------------------------ */

static char *copy_name(MrString text)
{
    size_t length = mr_utf8_check(text.data, text.length);
    length = mr_utf8_truncate(text.data, length, NAME_BYTES_MAX);
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text.data, length);
        copy[length] = '\0';
    }
    return copy;
}

static MrStatus set_by_name(MrSession *session, MrString name, MrString value, MrError *err)
{
    MrSettingId id;
    if (!mr_setting_find(name, &id) && mr_custom_setting_is_name(name)) {
        return mr_custom_settings_set(mr_settings_customs(session->settings), name, value, false,
                                      err);
    }
    if (!mr_setting_find(name, &id)) {
        mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%.*s\"",
                     (int)(name.length > 63 ? 63 : name.length), name.data);
        const char *nearest = mr_setting_nearest(name);
        return nearest == NULL ? err->status
                               : mr_error_hint(err, "Perhaps you mean \"%s\".", nearest);
    }
    return mr_session_set(session, id, value, err);
}

/* One word of `options`, blanks between words, a backslash before a blank that belongs to the
 * word. */
static bool next_word(MrString *options, char *word, size_t room)
{
    size_t length = 0, i = 0;
    while (i < options->length && isspace((unsigned char)options->data[i])) {
        i++;
    }
    if (i == options->length) {
        return false;
    }
    for (; i < options->length && !isspace((unsigned char)options->data[i]); i++) {
        if (options->data[i] == '\\' && i + 1 < options->length) {
            i++;
        }
        if (length + 1 < room) {
            word[length++] = options->data[i];
        }
    }
    word[length] = '\0';
    options->data += i;
    options->length -= i;
    return true;
}

static MrStatus set_assignment(MrSession *session, char *word, MrError *err)
{
    char *equals = strchr(word, '=');
    if (equals == NULL) {
        return mr_error_set(err, MR_ERR_SYNTAX, "-c %.100s requires a value", word);
    }
    for (char *c = word; c < equals; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    return set_by_name(session, (MrString){ word, (size_t)(equals - word) }, mr_string(equals + 1),
                       err);
}

/* options = '-c name=value --name=value', as PGOPTIONS has it. */
static MrStatus set_options(MrSession *session, MrString options, MrError *err)
{
    char word[1024];
    while (next_word(&options, word, sizeof word)) {
        char *assignment = word;
        if (strcmp(word, "-c") == 0) {
            if (!next_word(&options, word, sizeof word)) {
                return mr_error_set(err, MR_ERR_SYNTAX, "-c requires a name and a value");
            }
        } else if (strncmp(word, "-c", 2) == 0 || strncmp(word, "--", 2) == 0) {
            assignment = word + 2;
        } else {
            return mr_error_set(err, MR_ERR_SYNTAX,
                                "invalid command-line argument for server process: %.100s", word);
        }
        MR_TRY(set_assignment(session, assignment, err));
    }
    return MR_OK;
}

typedef struct Startup {
    const char *unknown[OPTIONS_MAX]; /* _pq_. options: none is known yet */
    uint32_t unknown_count;
} Startup;

static MrStatus take_parameter(MrSession *session, MrString name, MrString value, Startup *startup,
                               MrError *err)
{
    if (mr_string_equal(name, MR_STRING("user"))) {
        free(session->user);
        session->user = copy_name(value);
        return session->user == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    if (mr_string_equal(name, MR_STRING("database"))) {
        free(session->database);
        session->database = copy_name(value);
        return session->database == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    if (mr_string_equal(name, MR_STRING("options"))) {
        return set_options(session, value, err);
    }
    if (mr_string_equal(name, MR_STRING("replication"))) {
        if (value.length == 0 || strchr("0fFnN", value.data[0]) != NULL ||
            mr_string_equal_nocase(value, MR_STRING("off"))) {
            return MR_OK;
        }
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "replication connections are not supported");
    }
    if (name.length > 5 && memcmp(name.data, "_pq_.", 5) == 0) {
        if (startup->unknown_count < OPTIONS_MAX) {
            startup->unknown[startup->unknown_count++] = name.data;
        }
        return MR_OK;
    }
    return set_by_name(session, name, value, err);
}

static MrStatus take_parameters(MrSession *session, MrWireReader *body, Startup *startup,
                                MrError *err)
{
    for (;;) {
        MrString name = mr_wire_text(body);
        if (body->failed) {
            return mr_error_set(err, MR_ERR_PROTOCOL,
                                "invalid startup packet layout: expected terminator as last byte");
        }
        if (name.length == 0) {
            break;
        }
        MrString value = mr_wire_text(body);
        if (body->failed) {
            continue;
        }
        MR_TRY(take_parameter(session, name, value, startup, err));
    }
    if (!mr_wire_is_done(body)) {
        return mr_error_set(err, MR_ERR_PROTOCOL,
                            "invalid startup packet layout: expected terminator as last byte");
    }
    if (session->user == NULL || session->user[0] == '\0') {
        return mr_error_set(err, MR_ERR_INVALID_AUTHORIZATION,
                            "no user name specified in startup packet");
    }
    if (session->database == NULL || session->database[0] == '\0') {
        free(session->database);
        session->database = strdup(session->user);
    }
    return session->database == NULL ? mr_error_no_memory(err) : MR_OK;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* The client has asked for more than there is: it goes on with this. */
static void send_negotiation(MrSession *session, uint32_t version, const Startup *startup)
{
    MrBuilder *out = &session->socket.output;
    size_t start = mr_wire_begin(out, 'v');
    mr_builder_append_u32(out, version);
    mr_builder_append_u32(out, startup->unknown_count);
    for (uint32_t i = 0; i < startup->unknown_count; i++) {
        mr_wire_append_text(out, startup->unknown[i]);
    }
    mr_wire_end(out, start);
}

static void send_greeting(MrSession *session)
{
    MrBuilder *out = &session->socket.output;
    size_t start = mr_wire_begin(out, 'R');
    mr_builder_append_u32(out, 0); /* AuthenticationOk */
    mr_wire_end(out, start);
    mr_session_report_settings(session, NULL);
    start = mr_wire_begin(out, 'K');
    mr_builder_append_u32(out, (uint32_t)session->number);
    mr_builder_append(out, session->secret, session->secret_bytes);
    mr_wire_end(out, start);
}

bool mr_session_is_superuser(const MrSession *session)
{
    return strcmp(session->user, "millrace") == 0;
}

/* The last connections are for the superuser. */
static bool is_kept_for_superuser(const MrSession *session)
{
    const MrServer *server = session->server;
    const int64_t kept = mr_settings_int(server->settings, MR_SET_SUPERUSER_RESERVED_CONNECTIONS);
    const int64_t max = mr_settings_int(server->settings, MR_SET_MAX_CONNECTIONS);
    return !mr_session_is_superuser(session) &&
           max - (int64_t)mr_listener_session_count(server) < kept;
}

static void welcome(MrSession *session)
{
    if (is_kept_for_superuser(session)) {
        fail(session, MR_ERR_TOO_MANY_CONNECTIONS,
             "remaining connection slots are reserved for non-replication superuser connections");
        return;
    }
    mr_login_destroy(session->login);
    session->login = NULL;
    send_greeting(session);
    mr_session_set_timer(session, 0);
    mr_listener_logged_in(session);
    session->phase = MR_PHASE_READY;
    session->is_ready_due = true;
}

static void log_in(MrSession *session, int32_t version, MrWireReader *body)
{
    MrError err = MR_ERROR_INIT;
    Startup startup = { 0 };
    if (version >> 16 != 3) {
        char message[120];
        snprintf(message, sizeof message,
                 "unsupported frontend protocol %d.%d: server supports 3.0 to 3.2", version >> 16,
                 version & 0xffff);
        fail(session, MR_ERR_UNSUPPORTED, message);
        return;
    }
    if (take_parameters(session, body, &startup, &err) != MR_OK) {
        mr_session_fatal(session, &err);
        return;
    }
    if (session->server->is_draining) {
        fail(session, MR_ERR_STARTING_UP, "the database system is shutting down");
        return;
    }
    session->initial = mr_settings_copy(session->settings);
    if (session->initial == NULL) {
        fail(session, MR_ERR_OUT_OF_MEMORY, "out of memory");
        return;
    }
    int32_t spoken = version < MR_WIRE_PROTOCOL_3_2 ? version : MR_WIRE_PROTOCOL_3_2;
    if (version != spoken || startup.unknown_count > 0) {
        send_negotiation(session, (uint32_t)spoken, &startup);
    }
    session->secret_bytes = spoken < MR_WIRE_PROTOCOL_3_2 ? 4 : MR_SESSION_SECRET_BYTES;
    if (mr_login_begin(session, &session->login, &err) != MR_OK) {
        mr_session_fatal(session, &err);
    } else if (session->login == NULL) {
        welcome(session);
    }
}

/* ---- The first packets ----------------------------------------------------------------------- */

/* As in PostgreSQL: TLS is for what goes through a network. */
static bool can_encrypt(const MrSession *session)
{
    return session->server->access.tls != NULL && session->socket.fd >= 0 &&
           session->socket.tls == NULL && !mr_socket_is_local(&session->socket);
}

/* TLS without SSLRequest spares a round trip; the client must say by ALPN that it means this
 * protocol.  Where there is no TLS it is closed without a word, which it could not read. */
void mr_session_first_byte(void *context, uint8_t byte)
{
    MrSession *session = context;
    MrError err = MR_ERROR_INIT;
    if (byte == MR_TLS_HANDSHAKE &&
        (!can_encrypt(session) ||
         mr_socket_encrypt(&session->socket, session->server->access.tls, true, &err) != MR_OK)) {
        session->socket.is_broken = true;
    }
}

/* What stands behind the request was sent in clear by who knows whom, and must not be taken for a
 * part of the encrypted conversation (CVE-2021-23214). */
static void start_encryption(MrSession *session)
{
    MrError err = MR_ERROR_INIT;
    if (mr_socket_input(&session->socket).length > MR_WIRE_ENCRYPTION_BYTES) {
        fail(session, MR_ERR_PROTOCOL, "received unencrypted data after SSL request");
        return;
    }
    mr_builder_append_char(&session->socket.output, 'S');
    mr_socket_flush(&session->socket);
    if (mr_socket_unsent(&session->socket) > 0) {
        session->socket.is_broken = true; /* not even one byte: nobody is there */
    } else if (mr_socket_encrypt(&session->socket, session->server->access.tls, false, &err) !=
               MR_OK) {
        session->socket.is_broken = true;
    }
}

static bool answer_encryption(MrSession *session, bool *asked, bool is_ssl)
{
    if (*asked) {
        fail(session, MR_ERR_PROTOCOL, "encryption was asked for twice");
        return true;
    }
    *asked = true;
    if (is_ssl && can_encrypt(session)) {
        start_encryption(session);
    } else {
        mr_builder_append_char(&session->socket.output, 'N');
    }
    return true;
}

static bool take_packet(MrSession *session, MrWireReader *body)
{
    int32_t code = mr_wire_i32(body);
    size_t left = (size_t)(body->end - body->next);
    switch (code) {
    case MR_WIRE_SSL:
        return left == 0
                   ? answer_encryption(session, &session->ssl_asked, true)
                   : (fail(session, MR_ERR_PROTOCOL, "invalid length of startup packet"), true);
    case MR_WIRE_GSSENC:
        return left == 0
                   ? answer_encryption(session, &session->gssenc_asked, false)
                   : (fail(session, MR_ERR_PROTOCOL, "invalid length of startup packet"), true);
    case MR_WIRE_CANCEL: {
        int32_t number = mr_wire_i32(body);
        MrString secret = { body->next, (size_t)(body->end - body->next) };
        mr_wire_bytes(body, (int32_t)secret.length);
        session->socket.is_broken = true; /* no answer either way */
        session->phase = MR_PHASE_CLOSING;
        if (mr_wire_is_done(body)) {
            mr_listener_cancel(session->server, number, secret);
        }
        return true;
    }
    default: log_in(session, code, body); return true;
    }
}

static bool take_login(MrSession *session)
{
    bool is_in;
    bool taken = mr_login_take(session, &is_in);
    if (is_in) {
        welcome(session);
    }
    return taken;
}

bool mr_session_take_startup(MrSession *session)
{
    if (session->login != NULL) {
        return take_login(session);
    }
    MrString input = mr_socket_input(&session->socket);
    if (input.length < 4) {
        return false;
    }
    MrWireReader header = mr_wire_reader(input.data, 4);
    int32_t length = mr_wire_i32(&header);
    if (length < 8 || length > MR_WIRE_STARTUP_BYTES_MAX) {
        fail(session, MR_ERR_PROTOCOL, "invalid length of startup packet");
        return true;
    }
    if (input.length < (size_t)length) {
        return false;
    }
    MrWireReader body = mr_wire_reader(input.data + 4, (size_t)length - 4);
    bool taken = take_packet(session, &body);
    mr_socket_take(&session->socket, (size_t)length);
    return taken;
}
