/*
 * engine/functions/digest.c - md5 and the SHA-2 family, by OpenSSL's libcrypto.
 */
#include <openssl/evp.h>

#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

/* `hex`: as text of hexadecimal digits, which is how md5 has always been shown. */
static MrStatus digest_rows(MrEval *eval, const MrVector *values, uint32_t rows, MrVector *out,
                            const EVP_MD *kind, bool hex)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE];
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        unsigned length = 0;
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        const MrString bytes = mr_arg_text(values, i);
        if (EVP_Digest(bytes.data, bytes.length, digest, &length, kind, NULL) != 1) {
            return mr_error_set(eval->err, MR_ERR_INTERNAL, "could not compute a digest");
        }
        for (unsigned b = 0; hex && b < length; b++) {
            text[2 * b] = digits[digest[b] >> 4];
            text[2 * b + 1] = digits[digest[b] & 15];
        }
        MR_TRY(mr_kernel_set_text(eval, out, i, hex ? text : (const char *)digest,
                                  hex ? 2 * length : length));
    }
    return MR_OK;
}

#define DIGEST_KERNEL(NAME, HEX)                                         \
    MR_KERNEL(NAME)                                                      \
    {                                                                    \
        (void)arg_count;                                                 \
        return digest_rows(eval, args[0], rows, out, EVP_##NAME(), HEX); \
    }

DIGEST_KERNEL(md5, true)
DIGEST_KERNEL(sha224, false)
DIGEST_KERNEL(sha256, false)
DIGEST_KERNEL(sha384, false)
DIGEST_KERNEL(sha512, false)

const MrFunction mr_functions_digest[] = {
    F1("md5", TEXT, TEXT, md5, FALLIBLE, "MD5 of the text, in hexadecimal digits.", "md5('abc')",
       "900150983cd24fb0d6963f7d28e17f72"),
    F1("md5", BYTEA, TEXT, md5, FALLIBLE, "MD5 of the bytes, in hexadecimal digits.",
       "md5('abc'::bytea)", "900150983cd24fb0d6963f7d28e17f72"),
    F1("sha224", BYTEA, BYTEA, sha224, FALLIBLE, "SHA-224 of the bytes.", "sha224('abc'::bytea)",
       "\\x23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    F1("sha256", BYTEA, BYTEA, sha256, FALLIBLE, "SHA-256 of the bytes.", "sha256('abc'::bytea)",
       "\\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    F1("sha384", BYTEA, BYTEA, sha384, FALLIBLE, "SHA-384 of the bytes.", "sha384('abc'::bytea)",
       "\\xcb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
       "8086072ba1e7cc2358baeca134c825a7"),
    F1("sha512", BYTEA, BYTEA, sha512, FALLIBLE, "SHA-512 of the bytes.", "sha512('abc'::bytea)",
       "\\xddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
};
MR_FAMILY_COUNT(digest);
