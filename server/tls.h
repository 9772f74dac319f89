/*
 * server/tls.h - TLS on a client's socket, by OpenSSL: the server's certificate, and one encrypted
 * connection over a descriptor that never blocks.  Must not know the protocol that it carries, but
 * for its name.
 */
#ifndef MR_SERVER_TLS_H
#define MR_SERVER_TLS_H

#include <sys/types.h>

#include "common/status.h"

typedef struct MrTls MrTls;                     /* certificate and key */
typedef struct MrTlsConnection MrTlsConnection; /* of one client */

enum {
    MR_TLS_BINDING_BYTES_MAX = 64,
    MR_TLS_HANDSHAKE = 0x16 /* the first byte of a client that begins with TLS (RFC 8446, 5.1) */
};

/* Reads certificate chain and key (PEM).  The key must belong to us or root and be for nobody else
 * to read (PostgreSQL's rule: 0600, or 0640 of root).  TLS 1.2 and later, no renegotiation, no
 * compression.  `protocol` is the name that is agreed on with clients that offer names (ALPN, RFC
 * 7301); those that offer only others are refused by the alert for that.  Keeps it. */
MrStatus mr_tls_create(const char *certificate_file, const char *key_file, const char *protocol,
                       MrTls **out, MrError *err);
void mr_tls_destroy(MrTls *tls); /* accepts NULL; connections that are open keep what they need */

/* tls-server-end-point (RFC 5929): a hash of the certificate, in `out`; its length. */
size_t mr_tls_binding(const MrTls *tls, uint8_t out[MR_TLS_BINDING_BYTES_MAX]);

/* The handshake happens within the first reads; with `is_direct` it fails where the client offers
 * no name of a protocol.  Borrows the descriptor. */
MrStatus mr_tls_accept(const MrTls *tls, int fd, bool is_direct, MrTlsConnection **out,
                       MrError *err);
void mr_tls_connection_destroy(MrTlsConnection *connection); /* accepts NULL; says goodbye */
void mr_tls_shut(MrTlsConnection *connection);               /* the goodbye alone */
/* As recv and send on a socket that does not block: -1 with EAGAIN when nothing can be done now,
 * 0 of read at the end, -1 with EPROTO when the connection is of no use any more. */
ssize_t mr_tls_read(MrTlsConnection *connection, void *out, size_t room);
ssize_t mr_tls_write(MrTlsConnection *connection, const void *data, size_t length);
/* Bytes that are decrypted already: the descriptor will not become readable for them. */
bool mr_tls_has_pending(const MrTlsConnection *connection);

#endif
