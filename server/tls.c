/*
 * server/tls.c - TLS on a client's socket: see tls.h.
 */
#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct MrTls {
    SSL_CTX *context;
};

struct MrTlsConnection {
    SSL *ssl;
    bool needs_protocol; /* and the handshake has not agreed on one yet */
};

/* ---- The certificate ------------------------------------------------------------------------- */

static const char *library_reason(void)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    return reason == NULL ? "unknown error" : reason;
}

static MrStatus check_key_file(const char *path, MrError *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "could not read the key file \"%s\": %s",
                            path, strerror(errno));
    }
    bool is_private = facts.st_uid == geteuid() ? (facts.st_mode & 077) == 0
                                                : facts.st_uid == 0 && (facts.st_mode & 037) == 0;
    if (!S_ISREG(facts.st_mode) || !is_private) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "the key file \"%s\" can be read by others",
                     path);
        return mr_error_hint(err, "chmod 600, or 640 where root owns it.");
    }
    return MR_OK;
}

/* Nobody is there to type a pass phrase. */
static int no_passphrase(char *out, int room, int for_writing, void *context)
{
    (void)out;
    (void)room;
    (void)for_writing;
    (void)context;
    return -1;
}

static MrStatus load(SSL_CTX *context, const char *certificate_file, const char *key_file,
                     MrError *err)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "could not load the server certificate \"%s\": %s", certificate_file,
                            library_reason());
    }
    MR_TRY(check_key_file(key_file, err));
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "could not load the key file \"%s\": %s",
                            key_file, library_reason());
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "the key \"%s\" does not belong to \"%s\": %s", key_file,
                            certificate_file, library_reason());
    }
    return MR_OK;
}

/* PostgreSQL 17's rule, too: a list of names without ours is a client of something else, which must
 * not be talked into this protocol (ALPACA attacks). */
static int agree_on_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                             const unsigned char *offered, unsigned int offered_bytes,
                             void *context)
{
    const char *protocol = context;
    const size_t length = strlen(protocol);
    (void)ssl;
    for (unsigned at = 0; at < offered_bytes; at += offered[at] + 1u) {
        if (offered[at] == length && memcmp(offered + at + 1, protocol, length) == 0) {
            *out = offered + at + 1;
            *out_bytes = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

MrStatus mr_tls_create(const char *certificate_file, const char *key_file, const char *protocol,
                       MrTls **out, MrError *err)
{
    *out = NULL;
    MrTls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return mr_error_no_memory(err);
    }
    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_server_method());
    if (tls->context == NULL) {
        free(tls);
        return mr_error_no_memory(err);
    }
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                          SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
    /* An idle connection keeps no buffers; our own may move between two tries of a write. */
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(tls->context, agree_on_protocol, (void *)(uintptr_t)protocol);
    MrStatus status = load(tls->context, certificate_file, key_file, err);
    if (status != MR_OK) {
        mr_tls_destroy(tls);
        return status;
    }
    *out = tls;
    return MR_OK;
}

void mr_tls_destroy(MrTls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls);
    }
}

/* The hash is the one of the certificate's signature, but never MD5 or SHA-1. */
size_t mr_tls_binding(const MrTls *tls, uint8_t out[MR_TLS_BINDING_BYTES_MAX])
{
    X509 *certificate = SSL_CTX_get0_certificate(tls->context);
    int digest = NID_undef;
    unsigned length = 0;
    const EVP_MD *hash = EVP_sha256();
    if (certificate == NULL) {
        return 0;
    }
    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, NULL) == 1 &&
        digest != NID_md5 && digest != NID_sha1 && digest != NID_undef &&
        EVP_get_digestbynid(digest) != NULL) {
        hash = EVP_get_digestbynid(digest);
    }
    return X509_digest(certificate, hash, out, &length) == 1 ? length : 0;
}

/* ---- A connection ---------------------------------------------------------------------------- */

MrStatus mr_tls_accept(const MrTls *tls, int fd, bool is_direct, MrTlsConnection **out,
                       MrError *err)
{
    *out = NULL;
    MrTlsConnection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return mr_error_no_memory(err);
    }
    connection->ssl = SSL_new(tls->context);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, fd) != 1) {
        mr_tls_connection_destroy(connection);
        return mr_error_no_memory(err);
    }
    SSL_set_accept_state(connection->ssl);
    connection->needs_protocol = is_direct;
    *out = connection;
    return MR_OK;
}

void mr_tls_connection_destroy(MrTlsConnection *connection)
{
    if (connection == NULL) {
        return;
    }
    if (connection->ssl != NULL) {
        mr_tls_shut(connection);
        SSL_free(connection->ssl);
        ERR_clear_error();
    }
    free(connection);
}

/* One alert, if the socket takes it; a second call says nothing. */
void mr_tls_shut(MrTlsConnection *connection)
{
    ERR_clear_error();
    if (SSL_is_init_finished(connection->ssl) &&
        (SSL_get_shutdown(connection->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        (void)SSL_shutdown(connection->ssl);
    }
    ERR_clear_error();
}

static ssize_t outcome(MrTlsConnection *connection, int result)
{
    int reason = SSL_get_error(connection->ssl, result);
    ERR_clear_error();
    switch (reason) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
    }
}

/* False: the handshake is over and has agreed on no protocol. */
static bool check_protocol(MrTlsConnection *connection)
{
    const unsigned char *name;
    unsigned length = 0;
    if (!connection->needs_protocol || !SSL_is_init_finished(connection->ssl)) {
        return true;
    }
    SSL_get0_alpn_selected(connection->ssl, &name, &length);
    connection->needs_protocol = length == 0;
    return length > 0;
}

ssize_t mr_tls_read(MrTlsConnection *connection, void *out, size_t room)
{
    ERR_clear_error();
    int got = SSL_read(connection->ssl, out, room > INT32_MAX ? INT32_MAX : (int)room);
    if (!check_protocol(connection)) {
        ERR_clear_error();
        errno = EPROTO;
        return -1;
    }
    return got > 0 ? got : outcome(connection, got);
}

ssize_t mr_tls_write(MrTlsConnection *connection, const void *data, size_t length)
{
    ERR_clear_error();
    int sent = SSL_write(connection->ssl, data, length > INT32_MAX ? INT32_MAX : (int)length);
    if (sent > 0) {
        return sent;
    }
    ssize_t result = outcome(connection, sent);
    if (result == 0) {
        errno = EPROTO; /* the client has said goodbye: nothing can be sent to it */
    }
    return -1;
}

bool mr_tls_has_pending(const MrTlsConnection *connection)
{
    return SSL_pending(connection->ssl) > 0;
}
