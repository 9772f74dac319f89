/*
 * server/login.c - a client shows who it is, between its start-up message and AuthenticationOk:
 * SASL by SCRAM-SHA-256, over TLS also bound to the server's certificate.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "server/session.h"

enum { AUTH_OK = 0, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

struct MrLogin {
    bool is_begun; /* a mechanism was chosen */
    MrScramVerifier verifier;
    uint8_t binding[MR_TLS_BINDING_BYTES_MAX];
    size_t binding_bytes; /* 0: -PLUS is not offered */
    MrScram scram;
};

static void request_sasl(MrSession *session, bool offers_plus)
{
    MrBuilder *out = &session->socket.output;
    size_t start = mr_wire_begin(out, 'R');
    mr_builder_append_u32(out, AUTH_SASL);
    if (offers_plus) {
        mr_wire_append_text(out, "SCRAM-SHA-256-PLUS");
    }
    mr_wire_append_text(out, "SCRAM-SHA-256");
    mr_builder_append_char(out, '\0');
    mr_wire_end(out, start);
}

MrStatus mr_login_begin(MrSession *session, MrLogin **out, MrError *err)
{
    struct sockaddr_storage address = { .ss_family = AF_UNIX };
    socklen_t length = sizeof address;
    MrHbaMethod method;
    *out = NULL;
    if (session->socket.fd >= 0 &&
        getpeername(session->socket.fd, (struct sockaddr *)&address, &length) != 0) {
        return mr_error_set(err, MR_ERR_PROTOCOL, "the client is gone");
    }
    MrHbaClient client = { .address = address.ss_family == AF_UNIX
                                          ? NULL
                                          : (const struct sockaddr *)&address,
                           .is_encrypted = session->socket.tls != NULL,
                           .database = session->database,
                           .user = session->user };
    MR_TRY(mr_access_method(session->server, &client, &method, err));
    if (method == MR_HBA_TRUST) {
        return MR_OK;
    }
    MrLogin *login = calloc(1, sizeof *login);
    if (login == NULL) {
        return mr_error_no_memory(err);
    }
    mr_roles_verifier(session->server->access.roles, session->user, &login->verifier);
    if (session->socket.tls != NULL && session->server->access.tls != NULL) {
        login->binding_bytes = mr_tls_binding(session->server->access.tls, login->binding);
    }
    request_sasl(session, login->binding_bytes > 0);
    *out = login;
    return MR_OK;
}

void mr_login_destroy(MrLogin *login)
{
    if (login != NULL) {
        explicit_bzero(login, sizeof *login);
        free(login);
    }
}

/* The client's choice, and its first message. */
static MrStatus choose(MrSession *session, MrWireReader *body, MrString *message, MrError *err)
{
    MrLogin *login = session->login;
    MrString mechanism = mr_wire_text(body);
    bool is_plus = mr_string_equal(mechanism, MR_STRING("SCRAM-SHA-256-PLUS"));
    if (!body->failed && !(is_plus && login->binding_bytes > 0) &&
        !mr_string_equal(mechanism, MR_STRING("SCRAM-SHA-256"))) {
        return mr_error_set(err, MR_ERR_PROTOCOL,
                            "client selected an invalid SASL authentication mechanism");
    }
    int32_t length = mr_wire_i32(body);
    if (body->failed || length < 0) {
        return mr_error_set(err, MR_ERR_PROTOCOL, "malformed SASLInitialResponse message");
    }
    *message = (MrString){ mr_wire_bytes(body, (size_t)length), (size_t)length };
    mr_scram_init(&login->scram, &login->verifier, is_plus,
                  login->binding_bytes > 0 ? login->binding : NULL, login->binding_bytes);
    login->is_begun = true;
    return MR_OK;
}

static MrStatus answer(MrSession *session, MrWireReader *body, MrError *err)
{
    MrLogin *login = session->login;
    MrString message = { body->next, (size_t)(body->end - body->next) };
    MrBuilder text;
    if (!login->is_begun) {
        MR_TRY(choose(session, body, &message, err));
    } else {
        mr_wire_bytes(body, message.length);
    }
    if (!mr_wire_is_done(body)) {
        return mr_error_set(err, MR_ERR_PROTOCOL, "malformed SASL message");
    }
    mr_builder_init(&text, 0);
    MrStatus status = mr_scram_step(&login->scram, message, &text, err);
    if (status == MR_OK) {
        MrBuilder *out = &session->socket.output;
        size_t start = mr_wire_begin(out, 'R');
        mr_builder_append_u32(out, login->scram.state == MR_SCRAM_DONE ? AUTH_SASL_FINAL
                                                                       : AUTH_SASL_CONTINUE);
        mr_builder_append(out, text.data, text.length);
        mr_wire_end(out, start);
    } else if (status == MR_ERR_INVALID_PASSWORD) {
        mr_error_set(err, status, "password authentication failed for user \"%s\"", session->user);
    }
    mr_builder_fini(&text);
    return status;
}

bool mr_login_take(MrSession *session, bool *is_in)
{
    MrString input = mr_socket_input(&session->socket);
    MrError err = MR_ERROR_INIT;
    *is_in = false;
    if (input.length < 5) {
        return false;
    }
    MrWireReader header = mr_wire_reader(input.data + 1, 4);
    int32_t length = mr_wire_i32(&header);
    if (input.data[0] != 'p' || length < 4 || length > MR_WIRE_STARTUP_BYTES_MAX) {
        mr_session_protocol_error(session, "expected a password message");
        return true;
    }
    if (input.length < (size_t)length + 1) {
        return false;
    }
    MrWireReader body = mr_wire_reader(input.data + 5, (size_t)length - 4);
    MrStatus status = answer(session, &body, &err);
    mr_socket_take(&session->socket, (size_t)length + 1);
    if (status != MR_OK) {
        mr_session_fatal(session, &err);
    }
    *is_in = status == MR_OK && session->login->scram.state == MR_SCRAM_DONE;
    return true;
}
