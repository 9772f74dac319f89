/*
 * tests/unit/test_scram.c - SCRAM-SHA-256 against a client of its own, and what it refuses.
 */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/scram.h"

/* ---- A client, as RFC 5802 has it ------------------------------------------------------------ */

typedef struct Client {
    const char *password, *header; /* gs2 header: "n,," */
    char first[128], final[768];
} Client;

static void sign(const uint8_t *key, size_t key_bytes, const void *data, size_t length,
                 uint8_t out[32])
{
    unsigned got;
    HMAC(EVP_sha256(), key, (int)key_bytes, data, length, out, &got);
}

static void client_first(Client *client)
{
    snprintf(client->first, sizeof client->first, "%sn=,r=clientnonce", client->header);
}

/* `bound`: what the channel binding data is, behind the header. */
static void client_final(Client *client, const char *server_first, const char *bound)
{
    char nonce[128], salt_text[64], without[512], auth[1024];
    unsigned rounds, got;
    uint8_t salt[48], salted[32], key[32], stored[32], signature[32], proof[32];
    unsigned char binding[128], proof_text[64];
    ck_assert_int_eq(sscanf(server_first, "r=%127[^,],s=%63[^,],i=%u", nonce, salt_text, &rounds),
                     3);
    ck_assert_int_eq(EVP_DecodeBlock(salt, (unsigned char *)salt_text, (int)strlen(salt_text)), 18);
    PKCS5_PBKDF2_HMAC(client->password, (int)strlen(client->password), salt, MR_SCRAM_SALT_BYTES,
                      (int)rounds, EVP_sha256(), 32, salted);
    sign(salted, 32, "Client Key", 10, key);
    EVP_Digest(key, 32, stored, &got, EVP_sha256(), NULL);
    char header[96];
    snprintf(header, sizeof header, "%s%s", client->header, bound);
    EVP_EncodeBlock(binding, (unsigned char *)header, (int)strlen(header));
    snprintf(without, sizeof without, "c=%s,r=%s", binding, nonce);
    snprintf(auth, sizeof auth, "%s,%s,%s", client->first + strlen(client->header), server_first,
             without);
    sign(stored, 32, auth, strlen(auth), signature);
    for (int i = 0; i < 32; i++) {
        proof[i] = key[i] ^ signature[i];
    }
    EVP_EncodeBlock(proof_text, proof, 32);
    snprintf(client->final, sizeof client->final, "%s,p=%s", without, proof_text);
}

/* The status that ends the exchange. */
static MrStatus talk(MrScram *scram, Client *client, const char *bound, MrError *err)
{
    MrBuilder answer;
    mr_builder_init(&answer, 0);
    client_first(client);
    MrStatus status = mr_scram_step(scram, mr_string(client->first), &answer, err);
    if (status == MR_OK) {
        client_final(client, mr_builder_text(&answer), bound);
        mr_builder_clear(&answer);
        status = mr_scram_step(scram, mr_string(client->final), &answer, err);
    }
    if (status == MR_OK) {
        ck_assert(strncmp(mr_builder_text(&answer), "v=", 2) == 0);
        ck_assert_int_eq(scram->state, MR_SCRAM_DONE);
    }
    mr_builder_fini(&answer);
    return status;
}

static MrScramVerifier verifier_of(const char *password)
{
    MrError err = MR_ERROR_INIT;
    MrScramVerifier verifier;
    ck_assert_int_eq(mr_scram_verifier(mr_string(password), &verifier, &err), MR_OK);
    return verifier;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

typedef struct TalkCase {
    const char *what, *password, *typed, *header, *bound;
    bool is_plus, has_tls;
    MrStatus status;
} TalkCase;

static const TalkCase talk_cases[] = {
    { "the right password", "swordfish", "swordfish", "n,,", "", false, false, MR_OK },
    { "a wrong password", "swordfish", "Swordfish", "n,,", "", false, false,
      MR_ERR_INVALID_PASSWORD },
    { "an empty password", "x", "", "n,,", "", false, false, MR_ERR_INVALID_PASSWORD },
    { "compatibility forms are folded", "\xef\xac\x81sh", "fish", "n,,", "", false, false, MR_OK },
    { "bytes that are no text", "\xff\xfe", "\xff\xfe", "n,,", "", false, false, MR_OK },
    { "a client without binding over TLS", "pw", "pw", "n,,", "", false, true, MR_OK },
    { "a client that was told we have none", "pw", "pw", "y,,", "", false, true,
      MR_ERR_INVALID_AUTHORIZATION },
    { "a client that knows we have none", "pw", "pw", "y,,", "", false, false, MR_OK },
    { "bound to the certificate", "pw", "pw", "p=tls-server-end-point,,", "CERTHASH", true, true,
      MR_OK },
    { "bound to another certificate", "pw", "pw", "p=tls-server-end-point,,", "certhash", true,
      true, MR_ERR_INVALID_AUTHORIZATION },
    { "another kind of binding", "pw", "pw", "p=tls-unique,,", "CERTHASH", true, true,
      MR_ERR_PROTOCOL },
    { "a binding that was not chosen", "pw", "pw", "p=tls-server-end-point,,", "CERTHASH", false,
      true, MR_ERR_PROTOCOL },
    { "an authorization identity", "pw", "pw", "n,a=root,", "", false, false, MR_ERR_PROTOCOL },
};

START_TEST(test_exchange)
{
    const TalkCase *c = &talk_cases[_i];
    MrError err = MR_ERROR_INIT;
    MrScramVerifier verifier = verifier_of(c->password);
    Client client = { .password = c->typed, .header = c->header };
    MrScram scram;
    mr_scram_init(&scram, &verifier, c->is_plus, c->has_tls ? (const uint8_t *)"CERTHASH" : NULL,
                  c->has_tls ? 8 : 0);
    MrStatus status = talk(&scram, &client, c->bound, &err);
    ck_assert_msg(status == c->status, "%s: %s", c->what, err.message);
}
END_TEST

/* The client's nonce is chosen by the client and the server's by chance: what follows is RFC 7677's
 * example in the form that a verifier takes. */
START_TEST(test_verifier_text)
{
    MrBuilder text, again;
    MrScramVerifier verifier = verifier_of("pencil"), read;
    mr_builder_init(&text, 0);
    mr_builder_init(&again, 0);
    mr_scram_print(&verifier, &text);
    ck_assert(strncmp(mr_builder_text(&text), "SCRAM-SHA-256$4096:", 19) == 0);
    ck_assert(mr_scram_parse((MrString){ text.data, text.length }, &read));
    mr_scram_print(&read, &again);
    ck_assert_str_eq(mr_builder_text(&text), mr_builder_text(&again));
    for (size_t i = 0; i < text.length; i++) {
        ck_assert_msg(!mr_scram_parse((MrString){ text.data, i }, &read), "cut at %zu", i);
    }
    mr_builder_fini(&text);
    mr_builder_fini(&again);
}
END_TEST

/* PBKDF2, keys and signatures by RFC 7677, section 3. */
START_TEST(test_rfc7677)
{
    MrScramVerifier verifier;
    ck_assert(mr_scram_parse(MR_STRING("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
                                       "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
                                       "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="),
                             &verifier));
    MrError err = MR_ERROR_INIT;
    MrScram scram;
    MrBuilder answer;
    mr_builder_init(&answer, 0);
    mr_scram_init(&scram, &verifier, false, NULL, 0);
    ck_assert_int_eq(
        mr_scram_step(&scram, MR_STRING("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &answer, &err), MR_OK);
    /* The server's half of the nonce is the example's from here on. */
    snprintf(scram.nonce, sizeof scram.nonce,
             "rOprNGfwEbeRWgbNEkqO%%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    snprintf(scram.first, sizeof scram.first, "r=%s,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
             scram.nonce);
    mr_builder_clear(&answer);
    ck_assert_int_eq(
        mr_scram_step(&scram,
                      MR_STRING("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
                      &answer, &err),
        MR_OK);
    ck_assert_str_eq(mr_builder_text(&answer), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    mr_builder_fini(&answer);
}
END_TEST

static const char *const malformed[] = {
    "",
    "n",
    "n,",
    "n,,",
    "n,,r=x",
    "n,,n=",
    "n,,n=,",
    "n,,n=,r=",
    "n,,n=,r=a\x01",
    "x,,n=,r=a",
    "n,,n=a,r=0123456789012345678901234567890123456789012345678901234567890123456789",
    "p=tls-server-end-point,,n=,r=a",
    ",,n=,r=a",
};

START_TEST(test_malformed_first)
{
    MrError err = MR_ERROR_INIT;
    MrScramVerifier verifier = verifier_of("pw");
    MrScram scram;
    MrBuilder answer;
    mr_builder_init(&answer, 0);
    mr_scram_init(&scram, &verifier, false, NULL, 0);
    ck_assert_int_eq(mr_scram_step(&scram, mr_string(malformed[_i]), &answer, &err),
                     MR_ERR_PROTOCOL);
    mr_builder_fini(&answer);
}
END_TEST

/* A last message that is cut or changed at any byte opens nothing. */
START_TEST(test_final_is_whole)
{
    MrScramVerifier verifier = verifier_of("pw");
    for (size_t at = 0;; at++) {
        MrError err = MR_ERROR_INIT;
        Client client = { .password = "pw", .header = "n,," };
        MrScram scram;
        MrBuilder answer;
        mr_builder_init(&answer, 0);
        mr_scram_init(&scram, &verifier, false, NULL, 0);
        client_first(&client);
        ck_assert_int_eq(mr_scram_step(&scram, mr_string(client.first), &answer, &err), MR_OK);
        client_final(&client, mr_builder_text(&answer), "");
        size_t length = strlen(client.final);
        if (at < length) {
            client.final[at] ^= 1;
        }
        MrStatus status = mr_scram_step(&scram, mr_string(client.final), &answer, &err);
        mr_builder_fini(&answer);
        ck_assert_msg((status == MR_OK) == (at >= length), "byte %zu", at);
        if (at >= length) {
            break;
        }
    }
}
END_TEST

START_TEST(test_invented_is_stable)
{
    uint8_t secret[MR_SCRAM_KEY_BYTES] = { 1, 2, 3 };
    MrScramVerifier a, b, other;
    mr_scram_invented(MR_STRING("nobody"), secret, &a);
    mr_scram_invented(MR_STRING("nobody"), secret, &b);
    mr_scram_invented(MR_STRING("someone"), secret, &other);
    ck_assert_mem_eq(a.salt, b.salt, sizeof a.salt);
    ck_assert_mem_ne(a.salt, other.salt, sizeof a.salt);
    MrError err = MR_ERROR_INIT;
    MrScram scram;
    Client client = { .password = "", .header = "n,," };
    mr_scram_init(&scram, &a, false, NULL, 0);
    ck_assert_int_eq(talk(&scram, &client, "", &err), MR_ERR_INVALID_PASSWORD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scram");
    TCase *tests = tcase_create("scram");
    tcase_add_loop_test(tests, test_exchange, 0, sizeof talk_cases / sizeof *talk_cases);
    tcase_add_test(tests, test_verifier_text);
    tcase_add_test(tests, test_rfc7677);
    tcase_add_loop_test(tests, test_malformed_first, 0, sizeof malformed / sizeof *malformed);
    tcase_add_test(tests, test_final_is_whole);
    tcase_add_test(tests, test_invented_is_stable);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
