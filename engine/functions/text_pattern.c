/*
 * engine/functions/text_pattern.c - unistr(), num_nulls().
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

/* ---- unistr: \XXXX, \+XXXXXX, \uXXXX, \UXXXXXXXX, \\ ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The code point of `digits` hexadecimal digits at `at`; -1: they are not there. */
static int64_t code_read(MrString text, size_t at, int digits)
{
    int64_t code = 0;
    for (int k = 0; k < digits; k++) {
        const int digit = at + (size_t)k < text.length ? hex_digit(text.data[at + (size_t)k]) : -1;
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

static void code_put(uint32_t code, MrBuilder *out)
{
    char bytes[4];
    size_t length = 0;
    if (code < 0x80) {
        bytes[length++] = (char)code;
    } else if (code < 0x800) {
        bytes[length++] = (char)(0xc0 | code >> 6);
        bytes[length++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        bytes[length++] = (char)(0xe0 | code >> 12);
        bytes[length++] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (code & 0x3f));
    } else {
        bytes[length++] = (char)(0xf0 | code >> 18);
        bytes[length++] = (char)(0x80 | (code >> 12 & 0x3f));
        bytes[length++] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (code & 0x3f));
    }
    mr_builder_append(out, bytes, length);
}

static MrStatus unistr_row(MrString text, MrBuilder *out, MrError *err)
{
    int64_t high = 0; /* first half of a surrogate pair */
    for (size_t at = 0; at < text.length;) {
        if (text.data[at] != '\\' || (at + 1 < text.length && text.data[at + 1] == '\\')) {
            if (high != 0) {
                return mr_error_set(err, MR_ERR_SYNTAX, "invalid Unicode surrogate pair");
            }
            mr_builder_append_char(out, text.data[at]);
            at += text.data[at] == '\\' ? 2 : 1;
            continue;
        }
        const char form = at + 1 < text.length ? text.data[at + 1] : '\0';
        const int digits = form == '+' ? 6 : form == 'U' ? 8 : 4;
        const size_t start = at + 1 + (form == '+' || form == 'u' || form == 'U');
        const int64_t code = code_read(text, start, digits);
        if (code < 0) {
            mr_error_set(err, MR_ERR_SYNTAX, "invalid Unicode escape");
            return mr_error_hint(
                err, "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.");
        }
        if (code == 0 || code > 0x10ffff) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid Unicode code point: %04llX",
                                (long long)code);
        }
        at = start + (size_t)digits;
        const bool is_low = code >= 0xdc00 && code <= 0xdfff;
        if ((high != 0) != is_low) {
            return mr_error_set(err, MR_ERR_SYNTAX, "invalid Unicode surrogate pair");
        }
        if (code >= 0xd800 && code <= 0xdbff) {
            high = code;
            continue;
        }
        code_put((uint32_t)(is_low ? 0x10000 + (high - 0xd800) * 0x400 + (code - 0xdc00) : code),
                 out);
        high = 0;
    }
    return high != 0 ? mr_error_set(err, MR_ERR_SYNTAX, "invalid Unicode surrogate pair") : MR_OK;
}

MR_KERNEL(text_unistr)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    (void)arg_count;
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrError error = MR_ERROR_INIT;
        if (unistr_row(mr_arg_text(args[0], i), &texts.builder, &error) != MR_OK) {
            mr_text_rows_fail(&texts, i, &error);
        } else {
            mr_text_rows_put(&texts, i);
        }
    }
    return mr_text_rows_end(&texts);
}

/* ---- counting NULLs ---- */

static MrStatus count_nulls(const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                            MrVector *out, bool nulls)
{
    int32_t *results = out->data;
    for (uint32_t i = 0; i < rows; i++) {
        int32_t count = 0;
        for (uint32_t k = 0; k < arg_count; k++) {
            count += mr_vector_is_null(args[k], i) == nulls;
        }
        results[i] = count;
    }
    return MR_OK;
}
MR_KERNEL(num_nulls)
{
    (void)eval;
    return count_nulls(args, arg_count, rows, out, true);
}
MR_KERNEL(num_nonnulls)
{
    (void)eval;
    return count_nulls(args, arg_count, rows, out, false);
}

const MrFunction mr_functions_text_pattern[] = {
    F1("unistr", TEXT, TEXT, text_unistr, FALLIBLE, "With its Unicode escapes read.",
       "unistr('d\\0061t\\+000061')", "data"),
    MR_ENTRY("num_nulls", 1, INT32, num_nulls, MR_FN_ANY_ARGS | MR_FN_VARIADIC,
             "How many arguments are NULL.", "num_nulls(1, NULL, 2)", "1", MR_TYPE_UNKNOWN),
    MR_ENTRY("num_nonnulls", 1, INT32, num_nonnulls, MR_FN_ANY_ARGS | MR_FN_VARIADIC,
             "How many arguments are not NULL.", "num_nonnulls(1, NULL, 2)", "2", MR_TYPE_UNKNOWN),
};
MR_FAMILY_COUNT(text_pattern);
