/*
 * server/hba.h - who may come in from where, and how they show who they are: PostgreSQL's
 * pg_hba.conf in the part that fits here.  The first line that matches decides; none: refused.
 *
 *     local   DATABASE  USER           METHOD
 *     host    DATABASE  USER  ADDRESS  METHOD      also hostssl, hostnossl
 *
 * DATABASE and USER: all, or names with commas between; ADDRESS: all, or address/bits; METHOD:
 * trust, scram-sha-256, reject.  Must not know roles, passwords or sockets.
 */
#ifndef MR_SERVER_HBA_H
#define MR_SERVER_HBA_H

#include "common/text.h"

struct sockaddr;

typedef enum MrHbaMethod { MR_HBA_TRUST, MR_HBA_SCRAM, MR_HBA_REJECT } MrHbaMethod;

typedef struct MrHba MrHba; /* read-only rules */

/* Where a client comes from.  `address` NULL: the Unix socket. */
typedef struct MrHbaClient {
    const struct sockaddr *address;
    bool is_encrypted;
    const char *database, *user;
} MrHbaClient;

/* Reads the file.  A line that cannot be read is an error that names it, never skipped; so is trust
 * for an address beyond loopback. */
MrStatus mr_hba_read(const char *path, MrHba **out, MrError *err);
/* The same from text; `name` for messages. */
MrStatus mr_hba_parse(MrString text, const char *name, MrHba **out, MrError *err);
void mr_hba_destroy(MrHba *hba); /* accepts NULL */
/* False: no line matches. */
bool mr_hba_method(const MrHba *hba, const MrHbaClient *client, MrHbaMethod *out);

#endif
