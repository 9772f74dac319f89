/*
 * server/scram.c - SCRAM-SHA-256: see scram.h.  Hashes are OpenSSL's.
 */
#include "server/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "common/random.h"

enum { NONCE_BYTES = 18, NONCE_CLIENT_MAX = 64 };

/* ---- Hashes ---------------------------------------------------------------------------------- */

typedef uint8_t Key[MR_SCRAM_KEY_BYTES];

static MrStatus crypto_failed(MrError *err)
{
    return mr_error_set(err, MR_ERR_INTERNAL, "the cryptographic library failed");
}

static bool hmac(const Key key, const void *data, size_t length, Key out)
{
    unsigned got = 0;
    return HMAC(EVP_sha256(), key, MR_SCRAM_KEY_BYTES, data, length, out, &got) != NULL &&
           got == MR_SCRAM_KEY_BYTES;
}

static bool sha256(const void *data, size_t length, Key out)
{
    unsigned got = 0;
    return EVP_Digest(data, length, out, &got, EVP_sha256(), NULL) == 1;
}

/* ---- Verifiers ------------------------------------------------------------------------------- */

/* NFKC without what cannot be seen, the part of SASLprep that changes what people type; NULL where
 * the bytes are no text. */
static char *normalise(MrString password)
{
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)password.data, (utf8proc_ssize_t)password.length,
                     &out, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_IGNORE);
    if (length <= 0) {
        free(out);
        return NULL;
    }
    return (char *)out;
}

static bool derive(const char *password, size_t length, MrScramVerifier *out)
{
    Key salted, client;
    bool done = PKCS5_PBKDF2_HMAC(password, (int)length, out->salt, sizeof out->salt,
                                  (int)out->rounds, EVP_sha256(), sizeof salted, salted) == 1 &&
                hmac(salted, "Client Key", 10, client) &&
                sha256(client, sizeof client, out->stored_key) &&
                hmac(salted, "Server Key", 10, out->server_key);
    OPENSSL_cleanse(salted, sizeof salted);
    OPENSSL_cleanse(client, sizeof client);
    return done;
}

static bool derive_normalised(MrString password, MrScramVerifier *out)
{
    char *normal = normalise(password);
    bool done = normal != NULL ? derive(normal, strlen(normal), out)
                               : derive(password.data, password.length, out);
    if (normal != NULL) {
        OPENSSL_cleanse(normal, strlen(normal));
        free(normal);
    }
    return done;
}

MrStatus mr_scram_verifier(MrString password, MrScramVerifier *out, MrError *err)
{
    *out = (MrScramVerifier){ .rounds = MR_SCRAM_ROUNDS };
    MR_TRY(mr_random_bytes(out->salt, sizeof out->salt, err));
    return derive_normalised(password, out) ? MR_OK : crypto_failed(err);
}

bool mr_scram_check(const MrScramVerifier *verifier, MrString password)
{
    MrScramVerifier made = *verifier;
    return derive_normalised(password, &made) &&
           CRYPTO_memcmp(made.stored_key, verifier->stored_key, sizeof made.stored_key) == 0;
}

void mr_scram_invented(MrString user, const uint8_t secret[MR_SCRAM_KEY_BYTES],
                       MrScramVerifier *out)
{
    Key salt = { 0 };
    *out = (MrScramVerifier){ .rounds = MR_SCRAM_ROUNDS };
    /* A failure leaves zeros: still no proof can fit a stored key that nobody has. */
    (void)hmac(secret, user.data, user.length, salt);
    memcpy(out->salt, salt, sizeof out->salt);
    (void)hmac(secret, salt, sizeof salt, out->stored_key);
}

static void print_base64(MrBuilder *out, const uint8_t *data, size_t length)
{
    unsigned char text[4 * ((MR_SCRAM_BINDING_BYTES_MAX + 2) / 3) + 1];
    EVP_EncodeBlock(text, data, (int)length);
    mr_builder_append_string(out, (const char *)text);
}

/* Exactly `length` bytes; false: not base64 as an encoder writes it, or of another length. */
static bool parse_base64(MrString text, uint8_t *out, size_t length)
{
    uint8_t bytes[128];
    unsigned char again[4 * ((sizeof bytes + 2) / 3) + 1];
    if (text.length % 4 != 0 || text.length / 4 * 3 > sizeof bytes ||
        text.length != (length + 2) / 3 * 4) {
        return false;
    }
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)text.length) < 0) {
        return false;
    }
    /* Padding, and the bits of the last character that stand for nothing. */
    EVP_EncodeBlock(again, bytes, (int)length);
    if (memcmp(again, text.data, text.length) != 0) {
        return false;
    }
    memcpy(out, bytes, length);
    return true;
}

void mr_scram_print(const MrScramVerifier *verifier, MrBuilder *out)
{
    mr_builder_append_format(out, "SCRAM-SHA-256$%u:", verifier->rounds);
    print_base64(out, verifier->salt, sizeof verifier->salt);
    mr_builder_append_char(out, '$');
    print_base64(out, verifier->stored_key, sizeof verifier->stored_key);
    mr_builder_append_char(out, ':');
    print_base64(out, verifier->server_key, sizeof verifier->server_key);
}

/* Cuts off and returns what stands before `end`. */
static bool cut(MrString *rest, char end, MrString *out)
{
    const char *at = rest->length == 0 ? NULL : memchr(rest->data, end, rest->length);
    if (at == NULL) {
        return false;
    }
    *out = (MrString){ rest->data, (size_t)(at - rest->data) };
    rest->data += out->length + 1;
    rest->length -= out->length + 1;
    return true;
}

bool mr_scram_parse(MrString text, MrScramVerifier *out)
{
    MrString name, rounds, salt, stored;
    *out = (MrScramVerifier){ 0 };
    if (!cut(&text, '$', &name) || !mr_string_equal(name, MR_STRING("SCRAM-SHA-256")) ||
        !cut(&text, ':', &rounds) || rounds.length == 0 || rounds.length > 7 ||
        !cut(&text, '$', &salt) || !cut(&text, ':', &stored)) {
        return false;
    }
    for (size_t i = 0; i < rounds.length; i++) {
        if (rounds.data[i] < '0' || rounds.data[i] > '9') {
            return false;
        }
        out->rounds = out->rounds * 10 + (uint32_t)(rounds.data[i] - '0');
    }
    return out->rounds >= MR_SCRAM_ROUNDS && parse_base64(salt, out->salt, sizeof out->salt) &&
           parse_base64(stored, out->stored_key, sizeof out->stored_key) &&
           parse_base64(text, out->server_key, sizeof out->server_key);
}

/* ---- The exchange ---------------------------------------------------------------------------- */

void mr_scram_init(MrScram *scram, const MrScramVerifier *verifier, bool is_plus,
                   const uint8_t *binding, size_t binding_bytes)
{
    *scram = (MrScram){ .verifier = *verifier, .is_plus = is_plus, .offers_plus = binding != NULL };
    if (binding != NULL) {
        memcpy(scram->binding, binding, binding_bytes);
        scram->binding_bytes = binding_bytes;
    }
}

static MrStatus malformed(const char *detail, MrError *err)
{
    mr_error_set(err, MR_ERR_PROTOCOL, "malformed SCRAM message");
    return mr_error_detail(err, "%s", detail);
}

/* `name=value` up to the next comma or the end. */
static bool take_attribute(MrString *rest, char name, MrString *out)
{
    if (rest->length < 2 || rest->data[0] != name || rest->data[1] != '=') {
        return false;
    }
    rest->data += 2;
    rest->length -= 2;
    if (!cut(rest, ',', out)) {
        *out = *rest;
        rest->data += rest->length;
        rest->length = 0;
    }
    return true;
}

/* n: the client binds to no channel; y: it would, and believes that we cannot; p: it does. */
static MrStatus check_channel(MrScram *scram, MrString flag, MrError *err)
{
    scram->channel = flag.length > 0 ? flag.data[0] : '\0';
    if (scram->is_plus) {
        return mr_string_equal(flag, MR_STRING("p=tls-server-end-point"))
                   ? MR_OK
                   : malformed("The mechanism wants a binding by tls-server-end-point.", err);
    }
    if (flag.length != 1 || (scram->channel != 'n' && scram->channel != 'y')) {
        return malformed("The channel binding flag does not fit the mechanism.", err);
    }
    if (scram->channel == 'y' && scram->offers_plus) {
        mr_error_set(err, MR_ERR_INVALID_AUTHORIZATION, "SCRAM channel binding negotiation error");
        return mr_error_detail(err, "The client supports SCRAM channel binding but thinks the "
                                    "server does not. However, this server does.");
    }
    return MR_OK;
}

static bool is_printable(MrString text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return text.length > 0;
}

static MrStatus step_first(MrScram *scram, MrString message, MrBuilder *answer, MrError *err)
{
    MrString flag, identity, user, nonce;
    uint8_t random[NONCE_BYTES];
    unsigned char ours[NONCE_BYTES / 3 * 4 + 1];
    if (!cut(&message, ',', &flag) || !cut(&message, ',', &identity)) {
        return malformed("The header is missing.", err);
    }
    MR_TRY(check_channel(scram, flag, err));
    if (identity.length > 0) {
        return malformed("An authorization identity is not supported.", err);
    }
    memcpy(scram->bare, message.data, message.length);
    scram->bare[message.length] = '\0';
    if (!take_attribute(&message, 'n', &user) || !take_attribute(&message, 'r', &nonce) ||
        !is_printable(nonce) || nonce.length > NONCE_CLIENT_MAX) {
        return malformed("User name and nonce are missing or too long.", err);
    }
    MR_TRY(mr_random_bytes(random, sizeof random, err));
    EVP_EncodeBlock(ours, random, sizeof random);
    snprintf(scram->nonce, sizeof scram->nonce, "%.*s%s", (int)nonce.length, nonce.data, ours);
    size_t start = answer->length;
    mr_builder_append_format(answer, "r=%s,s=", scram->nonce);
    print_base64(answer, scram->verifier.salt, sizeof scram->verifier.salt);
    mr_builder_append_format(answer, ",i=%u", scram->verifier.rounds);
    if (answer->failed) {
        return mr_error_no_memory(err);
    }
    snprintf(scram->first, sizeof scram->first, "%.*s", (int)(answer->length - start),
             answer->data + start);
    scram->state = MR_SCRAM_FINAL;
    return MR_OK;
}

/* c= repeats the header, and with -PLUS the hash of the certificate that the client saw. */
static bool binding_fits(const MrScram *scram, MrString given)
{
    static const char plus[] = "p=tls-server-end-point,,";
    uint8_t wanted[sizeof plus + MR_SCRAM_BINDING_BYTES_MAX];
    unsigned char text[4 * ((sizeof wanted + 2) / 3) + 1];
    size_t length;
    if (scram->is_plus) {
        length = sizeof plus - 1;
        memcpy(wanted, plus, length);
        memcpy(wanted + length, scram->binding, scram->binding_bytes);
        length += scram->binding_bytes;
    } else {
        length = 3;
        memcpy(wanted, scram->channel == 'y' ? "y,," : "n,,", length);
    }
    int bytes = EVP_EncodeBlock(text, wanted, (int)length);
    return mr_string_equal(given, (MrString){ (const char *)text, (size_t)bytes });
}

static MrStatus wrong_proof(MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PASSWORD, "password authentication failed");
}

/* The proof is ClientKey XOR ClientSignature; what hashes to StoredKey is the right one. */
static bool proof_fits(const MrScram *scram, const char *auth, size_t length, const Key proof)
{
    Key signature, client, hashed;
    if (!hmac(scram->verifier.stored_key, auth, length, signature)) {
        return false;
    }
    for (size_t i = 0; i < sizeof client; i++) {
        client[i] = proof[i] ^ signature[i];
    }
    return sha256(client, sizeof client, hashed) &&
           CRYPTO_memcmp(hashed, scram->verifier.stored_key, sizeof hashed) == 0;
}

static MrStatus step_final(MrScram *scram, MrString message, MrBuilder *answer, MrError *err)
{
    const MrString whole = message;
    MrString binding, nonce, proof_text;
    Key proof, signature;
    if (!take_attribute(&message, 'c', &binding) || !take_attribute(&message, 'r', &nonce) ||
        message.length < 2 || message.data[0] != 'p') {
        return malformed("Channel binding, nonce or proof is missing.", err);
    }
    const size_t without_proof = (size_t)(message.data - whole.data) - 1;
    if (!take_attribute(&message, 'p', &proof_text) || message.length > 0 ||
        !parse_base64(proof_text, proof, sizeof proof)) {
        return malformed("The proof is not of its form.", err);
    }
    if (!mr_string_equal(nonce, mr_string(scram->nonce))) {
        return malformed("The nonce is not the one of this exchange.", err);
    }
    if (!binding_fits(scram, binding)) {
        return mr_error_set(err, MR_ERR_INVALID_AUTHORIZATION,
                            "SCRAM channel binding check failed");
    }
    MrBuilder auth;
    mr_builder_init(&auth, 0);
    mr_builder_append_format(&auth, "%s,%s,%.*s", scram->bare, scram->first, (int)without_proof,
                             whole.data);
    bool fits = !auth.failed && proof_fits(scram, auth.data, auth.length, proof) &&
                hmac(scram->verifier.server_key, auth.data, auth.length, signature);
    mr_builder_fini(&auth);
    if (!fits) {
        return wrong_proof(err);
    }
    mr_builder_append_string(answer, "v=");
    print_base64(answer, signature, sizeof signature);
    scram->state = MR_SCRAM_DONE;
    return answer->failed ? mr_error_no_memory(err) : MR_OK;
}

MrStatus mr_scram_step(MrScram *scram, MrString message, MrBuilder *answer, MrError *err)
{
    if (message.length == 0 || message.length > MR_SCRAM_MESSAGE_BYTES_MAX ||
        memchr(message.data, '\0', message.length) != NULL) {
        return malformed("The message is empty, too long, or holds a zero byte.", err);
    }
    switch (scram->state) {
    case MR_SCRAM_FIRST: return step_first(scram, message, answer, err);
    case MR_SCRAM_FINAL: return step_final(scram, message, answer, err);
    case MR_SCRAM_DONE: break;
    }
    return malformed("The exchange is over.", err);
}
