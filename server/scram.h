/*
 * server/scram.h - SCRAM-SHA-256 and -PLUS, the server's side: verifiers and one exchange.
 * RFC 5802 and RFC 7677, with what PostgreSQL's clients make of them (the user name of the start-up
 * packet counts, the one in the exchange is ignored).  Must not know sockets, roles or SQL.
 */
#ifndef MR_SERVER_SCRAM_H
#define MR_SERVER_SCRAM_H

#include "common/text.h"

enum {
    MR_SCRAM_ROUNDS = 4096,
    MR_SCRAM_KEY_BYTES = 32,
    MR_SCRAM_SALT_BYTES = 16,
    MR_SCRAM_MESSAGE_BYTES_MAX = 1024, /* of a client's message; libpq's have some 200 */
    MR_SCRAM_BINDING_BYTES_MAX = 64,   /* a hash of the server's certificate */
};

/* What the server keeps of a password: enough to check a proof, not to make one. */
typedef struct MrScramVerifier {
    uint32_t rounds;
    uint8_t salt[MR_SCRAM_SALT_BYTES];
    uint8_t stored_key[MR_SCRAM_KEY_BYTES], server_key[MR_SCRAM_KEY_BYTES];
} MrScramVerifier;

/* Of a password, with a fresh salt.  The password is normalised as SASLprep does where that is
 * possible, else taken as it is. */
MrStatus mr_scram_verifier(MrString password, MrScramVerifier *out, MrError *err);
/* Whether the password is the one of the verifier; costs what making one costs. */
bool mr_scram_check(const MrScramVerifier *verifier, MrString password);
/* PostgreSQL's form of pg_authid.rolpassword: SCRAM-SHA-256$rounds:salt$stored:server. */
void mr_scram_print(const MrScramVerifier *verifier, MrBuilder *out);
/* False: not of that form. */
bool mr_scram_parse(MrString text, MrScramVerifier *out);
/* The verifier of a user who is not there: no proof fits it, and the same name always has the same
 * salt, so that nobody learns from it who is there.  `secret` is the server's own. */
void mr_scram_invented(MrString user, const uint8_t secret[MR_SCRAM_KEY_BYTES],
                       MrScramVerifier *out);

typedef enum MrScramState { MR_SCRAM_FIRST, MR_SCRAM_FINAL, MR_SCRAM_DONE } MrScramState;

typedef struct MrScram {
    MrScramState state;
    MrScramVerifier verifier;
    bool is_plus;     /* the mechanism that the client chose */
    bool offers_plus; /* what the server had offered: a client that says otherwise was deceived */
    uint8_t binding[MR_SCRAM_BINDING_BYTES_MAX]; /* tls-server-end-point */
    size_t binding_bytes;
    char channel;                              /* the client's gs2 flag: n, y or p */
    char nonce[128];                           /* the client's and ours */
    char bare[MR_SCRAM_MESSAGE_BYTES_MAX + 1]; /* client-first-message-bare */
    char first[256];                           /* server-first-message */
} MrScram;

/* Starts an exchange.  `binding` NULL: no TLS. */
void mr_scram_init(MrScram *scram, const MrScramVerifier *verifier, bool is_plus,
                   const uint8_t *binding, size_t binding_bytes);
/* Takes one message of the client and appends the answer.  MR_ERR_PROTOCOL: not of the form;
 * MR_ERR_INVALID_PASSWORD: the proof does not fit.  In state DONE the client is who it says. */
MrStatus mr_scram_step(MrScram *scram, MrString message, MrBuilder *answer, MrError *err);

#endif
