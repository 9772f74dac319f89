/*
 * engine/functions/text_encode.c - encodings of bytes, quoting, characters by number.
 */
#include "engine/functions/families.h"
#include "engine/functions/sql_words.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

typedef enum Encoding { ENCODING_HEX, ENCODING_BASE64, ENCODING_ESCAPE, ENCODING_UNKNOWN } Encoding;

static Encoding encoding_by_name(MrString name)
{
    return mr_string_equal_nocase(name, MR_STRING("hex"))      ? ENCODING_HEX
           : mr_string_equal_nocase(name, MR_STRING("base64")) ? ENCODING_BASE64
           : mr_string_equal_nocase(name, MR_STRING("escape")) ? ENCODING_ESCAPE
                                                               : ENCODING_UNKNOWN;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef";

/* Lines of 76 characters, as MIME and PostgreSQL have them. */
static void base64_encode(MrString bytes, MrBuilder *out)
{
    size_t line = 0;
    for (size_t i = 0; i < bytes.length; i += 3) {
        const size_t rest = bytes.length - i;
        const unsigned char *p = (const unsigned char *)bytes.data + i;
        const uint32_t word =
            (uint32_t)p[0] << 16 | (rest > 1 ? (uint32_t)p[1] << 8 : 0) | (rest > 2 ? p[2] : 0);
        char *room = mr_builder_reserve(out, 4);
        if (room == NULL) {
            return;
        }
        room[0] = base64_digits[word >> 18];
        room[1] = base64_digits[(word >> 12) & 63];
        room[2] = rest > 1 ? base64_digits[(word >> 6) & 63] : '=';
        room[3] = rest > 2 ? base64_digits[word & 63] : '=';
        line += 4;
        if (line == 76) {
            mr_builder_append_char(out, '\n');
            line = 0;
        }
    }
}
static void hex_encode(MrString bytes, MrBuilder *out)
{
    char *room = mr_builder_reserve(out, bytes.length * 2);
    for (size_t i = 0; room != NULL && i < bytes.length; i++) {
        room[2 * i] = hex_digits[(unsigned char)bytes.data[i] >> 4];
        room[2 * i + 1] = hex_digits[(unsigned char)bytes.data[i] & 15];
    }
}
static void escape_encode(MrString bytes, MrBuilder *out)
{
    for (size_t i = 0; i < bytes.length; i++) {
        const unsigned char c = (unsigned char)bytes.data[i];
        if (c == '\0' || c >= 0x80) {
            mr_builder_append_format(out, "\\%03o", c);
        } else if (c == '\\') {
            mr_builder_append_string(out, "\\\\");
        } else {
            mr_builder_append_char(out, (char)c);
        }
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
static MrStatus hex_decode(MrString text, MrBuilder *out, MrError *err)
{
    for (size_t i = 0; i < text.length; i++) {
        if (is_blank(text.data[i])) {
            continue;
        }
        const int high = hex_value(text.data[i]);
        if (high < 0) {
            const size_t end = mr_next_character(text, i);
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "invalid hexadecimal digit: \"%.*s\"", (int)(end - i),
                                text.data + i);
        }
        if (++i >= text.length) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "invalid hexadecimal data: odd number of digits");
        }
        const int low = hex_value(text.data[i]);
        if (low < 0) {
            const size_t end = mr_next_character(text, i);
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "invalid hexadecimal digit: \"%.*s\"", (int)(end - i),
                                text.data + i);
        }
        mr_builder_append_char(out, (char)(high << 4 | low));
    }
    return MR_OK;
}
static MrStatus base64_decode(MrString text, MrBuilder *out, MrError *err)
{
    uint32_t word = 0;
    int digits = 0, padding = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        if (is_blank(c)) {
            continue;
        }
        const char *digit = c != '\0' ? strchr(base64_digits, c) : NULL;
        if (c == '=') {
            if (digits < 2 || padding >= 2) {
                return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                    "unexpected \"=\" while decoding base64 sequence");
            }
            padding++;
        } else if (digit == NULL || padding > 0) {
            const size_t end = mr_next_character(text, i);
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "invalid symbol \"%.*s\" found while decoding base64 sequence",
                                (int)(end - i), text.data + i);
        }
        word = word << 6 | (digit != NULL ? (uint32_t)(digit - base64_digits) : 0);
        if (++digits == 4) {
            const char bytes[3] = { (char)(word >> 16), (char)(word >> 8), (char)word };
            mr_builder_append(out, bytes, (size_t)(3 - padding));
            word = 0;
            digits = 0;
        }
    }
    if (digits != 0) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid base64 end sequence");
        mr_error_hint(err,
                      "Input data is missing padding, is truncated, or is otherwise corrupted.");
        return MR_ERR_INVALID_PARAMETER;
    }
    return MR_OK;
}
static MrStatus escape_decode(MrString text, MrBuilder *out, MrError *err)
{
    for (size_t i = 0; i < text.length; i++) {
        const char *p = text.data + i;
        const size_t rest = text.length - i;
        if (*p != '\\') {
            mr_builder_append_char(out, *p);
        } else if (rest >= 2 && p[1] == '\\') {
            mr_builder_append_char(out, '\\');
            i++;
        } else if (rest >= 4 && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                   p[3] >= '0' && p[3] <= '7') {
            mr_builder_append_char(out,
                                   (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0')));
            i += 3;
        } else {
            return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type %s",
                                "bytea");
        }
    }
    return MR_OK;
}

typedef MrStatus TextRow(MrEval *eval, const MrVector *const *args, uint32_t row, MrBuilder *out,
                         MrError *err);

/* The loop of the functions here: each writes its row into a builder. */
static MrStatus build_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           TextRow *write_row)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrError error = MR_ERROR_INIT;
        if (write_row(eval, args, i, &texts.builder, &error) != MR_OK) {
            mr_text_rows_fail(&texts, i, &error);
        } else {
            mr_text_rows_put(&texts, i);
        }
    }
    return mr_text_rows_end(&texts);
}
#define BUILD_KERNEL(NAME)                                    \
    MR_KERNEL(NAME)                                           \
    {                                                         \
        (void)arg_count;                                      \
        return build_rows(eval, args, rows, out, NAME##_row); \
    }

static MrStatus unknown_encoding(MrString name, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "unrecognized encoding: \"%.*s\"",
                        (int)name.length, name.data);
}
static MrStatus bytea_encode_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                                 MrBuilder *out, MrError *err)
{
    const MrString bytes = mr_arg_text(args[0], row), name = mr_arg_text(args[1], row);
    (void)eval;
    switch (encoding_by_name(name)) {
    case ENCODING_HEX: hex_encode(bytes, out); return MR_OK;
    case ENCODING_BASE64: base64_encode(bytes, out); return MR_OK;
    case ENCODING_ESCAPE: escape_encode(bytes, out); return MR_OK;
    case ENCODING_UNKNOWN: break;
    }
    return unknown_encoding(name, err);
}
static MrStatus bytea_decode_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                                 MrBuilder *out, MrError *err)
{
    const MrString text = mr_arg_text(args[0], row), name = mr_arg_text(args[1], row);
    (void)eval;
    switch (encoding_by_name(name)) {
    case ENCODING_HEX: return hex_decode(text, out, err);
    case ENCODING_BASE64: return base64_decode(text, out, err);
    case ENCODING_ESCAPE: return escape_decode(text, out, err);
    case ENCODING_UNKNOWN: break;
    }
    return unknown_encoding(name, err);
}
static MrStatus quote_literal_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                                  MrBuilder *out, MrError *err)
{
    const MrString text = mr_arg_text(args[0], row);
    (void)eval, (void)err;
    mr_builder_append_literal(out, text.data, text.length);
    return MR_OK;
}
static MrStatus quote_ident_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                                MrBuilder *out, MrError *err)
{
    const MrString text = mr_arg_text(args[0], row);
    char *name = mr_arena_strndup(eval->arena, text.data, text.length);
    if (name == NULL) {
        return mr_error_no_memory(err);
    }
    mr_append_sql_name(out, name);
    return MR_OK;
}
static MrStatus int4_hex_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                             MrBuilder *out, MrError *err)
{
    (void)eval, (void)err;
    mr_builder_append_format(out, "%x", MR_ARG(uint32_t, 0, row));
    return MR_OK;
}
static MrStatus int8_hex_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                             MrBuilder *out, MrError *err)
{
    (void)eval, (void)err;
    mr_builder_append_format(out, "%llx", (unsigned long long)MR_ARG(uint64_t, 0, row));
    return MR_OK;
}
static MrStatus text_chr_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                             MrBuilder *out, MrError *err)
{
    const int32_t code = MR_ARG(int32_t, 0, row);
    (void)eval;
    if (code < 0) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "character number must be positive");
    }
    if (code == 0) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "null character not permitted");
    }
    if (code > 0x10ffff) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "requested character too large for encoding: %d", code);
    }
    if (code >= 0xd800 && code <= 0xdfff) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "requested character not valid for encoding: %d", code);
    }
    if (code < 0x80) {
        mr_builder_append_char(out, (char)code);
    } else if (code < 0x800) {
        mr_builder_append_char(out, (char)(0xc0 | code >> 6));
        mr_builder_append_char(out, (char)(0x80 | (code & 63)));
    } else {
        if (code < 0x10000) {
            mr_builder_append_char(out, (char)(0xe0 | code >> 12));
        } else {
            mr_builder_append_char(out, (char)(0xf0 | code >> 18));
            mr_builder_append_char(out, (char)(0x80 | (code >> 12 & 63)));
        }
        mr_builder_append_char(out, (char)(0x80 | (code >> 6 & 63)));
        mr_builder_append_char(out, (char)(0x80 | (code & 63)));
    }
    return MR_OK;
}
static MrStatus any_literal_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                                MrBuilder *out, MrError *err)
{
    MrBuilder text;
    (void)err;
    mr_builder_init(&text, MR_TEXT_BYTES_MAX);
    if (args[0]->type.id == MR_TYPE_BOOL) { /* as the cast says it */
        const bool value = *(const uint8_t *)mr_vector_cell(args[0], row) != 0;
        mr_builder_append_string(&text, value ? "true" : "false");
    } else {
        mr_cell_format(args[0]->type.id, mr_vector_cell(args[0], row), eval->zone, &text);
    }
    mr_builder_append_literal(out, text.data != NULL ? text.data : "", text.length);
    out->failed |= text.failed;
    mr_builder_fini(&text);
    return MR_OK;
}

BUILD_KERNEL(bytea_encode)
BUILD_KERNEL(bytea_decode)
BUILD_KERNEL(quote_literal)
BUILD_KERNEL(quote_ident)
BUILD_KERNEL(int4_hex)
BUILD_KERNEL(int8_hex)
BUILD_KERNEL(text_chr)
BUILD_KERNEL(any_literal)

MR_KERNEL(quote_nullable)
{
    MrVector view = { .type = out->type, .row_count = rows, .data = out->data, .validity = NULL };
    const MrText null = mr_text_make("NULL", 4);
    (void)arg_count;
    view.validity =
        args[0]->is_constant && mr_vector_is_null(args[0], 0) ? NULL : args[0]->validity;
    if (!mr_vector_is_null(args[0], 0) || !args[0]->is_constant) {
        MR_TRY(build_rows(eval, args, rows, &view, quote_literal_row));
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (mr_vector_is_null(args[0], i)) {
            ((MrText *)out->data)[i] = null;
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_text_encode[] = {
    F2("encode", BYTEA, TEXT, TEXT, bytea_encode, FALLIBLE, "Bytes as text: hex, base64 or escape.",
       "encode('\\x313233'::bytea, 'base64')", "MTIz"),
    F2("decode", TEXT, TEXT, BYTEA, bytea_decode, FALLIBLE,
       "Text of hex, base64 or escape as bytes.", "decode('MTIz', 'base64')", "\\x313233"),
    F1("quote_literal", TEXT, TEXT, quote_literal, 0, "As a literal in SQL.",
       "quote_literal('O''Reilly')", "'O''Reilly'"),
    F1("quote_literal", UNKNOWN, TEXT, any_literal, MR_FN_ANY_ARGS | MR_FN_NO_PADDING | STABLE,
       "Any value as a literal in SQL.", "quote_literal(42.5)", "'42.5'"),
    MR_ENTRY("quote_nullable", 1, TEXT, quote_nullable, 0,
             "As a literal in SQL; NULL is the word NULL.", "quote_nullable(NULL)", "NULL",
             MR_TYPE_TEXT),
    F1("quote_ident", TEXT, TEXT, quote_ident, 0, "As a name in SQL.", "quote_ident('Foo bar')",
       "\"Foo bar\""),
    F1("to_hex", INT32, TEXT, int4_hex, 0, "In hexadecimal digits.", "to_hex(2147483647)",
       "7fffffff"),
    F1("to_hex", INT64, TEXT, int8_hex, 0, "In hexadecimal digits.", "to_hex(255::int8)", "ff"),
    F1("chr", INT32, TEXT, text_chr, FALLIBLE, "The character of that code point.", "chr(65)", "A"),
};
MR_FAMILY_COUNT(text_encode);
