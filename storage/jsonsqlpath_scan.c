/*
 * storage/jsonsqlpath_scan.c - the words of a SQL/JSON path: keys with and without quotes, numbers,
 * operators; blanks and comments between them.
 */
#include "storage/jsonsqlpath_scan.h"

#include <string.h>

enum { HALF_A_PAIR = -2 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Every other byte may stand in a key without quotes. */
static bool is_special(char c)
{
    return c == '\0' || strchr("?%$.[]{}()|&!=<>@#,*:-+/\"\\", c) != NULL || is_blank(c);
}

static char byte_at(const MrPathScanner *s, size_t at)
{
    return at < s->input.length ? s->input.data[at] : '\0';
}

MrStatus mr_path_syntax_error(const MrPathScanner *s, const char *message, MrError *err)
{
    if (s->raw.length == 0) {
        return mr_error_set(err, MR_ERR_SYNTAX, "%s at end of jsonpath input", message);
    }
    return mr_error_set(err, MR_ERR_SYNTAX, "%s at or near \"%.*s\" of jsonpath input", message,
                        (int)mr_utf8_truncate(s->raw.data, s->raw.length, 100), s->raw.data);
}

static MrStatus scan_error(MrPathScanner *s, size_t start, const char *message, MrError *err)
{
    s->raw = (MrString){ s->input.data + start, s->at - start };
    return mr_path_syntax_error(s, message, err);
}

static MrStatus skip_blanks(MrPathScanner *s, MrError *err)
{
    for (;;) {
        while (s->at < s->input.length && is_blank(s->input.data[s->at])) {
            s->at++;
        }
        if (byte_at(s, s->at) != '/' || byte_at(s, s->at + 1) != '*') {
            return MR_OK;
        }
        for (s->at += 2; byte_at(s, s->at) != '*' || byte_at(s, s->at + 1) != '/'; s->at++) {
            if (s->at >= s->input.length) {
                return scan_error(s, s->at, "unexpected end of comment", err);
            }
        }
        s->at += 2;
    }
}

static int hex_digit(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* So many hexadecimal digits at s->at; -1: they are not there. */
static int64_t read_hex(MrPathScanner *s, int digits)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        const int digit = hex_digit(byte_at(s, s->at));
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
        s->at++;
    }
    return value;
}

/* What follows \u: four digits, or up to six in braces. */
static int64_t read_unicode(MrPathScanner *s)
{
    int64_t value = 0;
    int digits = 0;
    if (byte_at(s, s->at) != '{') {
        return read_hex(s, 4);
    }
    for (s->at++; hex_digit(byte_at(s, s->at)) >= 0 && digits < 6; digits++, s->at++) {
        value = value * 16 + hex_digit(byte_at(s, s->at));
    }
    if (digits == 0 || byte_at(s, s->at) != '}') {
        return -1;
    }
    s->at++;
    return value;
}

static void append_utf8(MrBuilder *out, uint32_t code)
{
    if (code < 0x80) {
        mr_builder_append_char(out, (char)code);
        return;
    }
    if (code < 0x800) {
        mr_builder_append_char(out, (char)(0xc0 | code >> 6));
    } else if (code < 0x10000) {
        mr_builder_append_char(out, (char)(0xe0 | code >> 12));
        mr_builder_append_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
    } else {
        mr_builder_append_char(out, (char)(0xf0 | code >> 18));
        mr_builder_append_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
        mr_builder_append_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
    }
    mr_builder_append_char(out, (char)(0x80 | (code & 0x3f)));
}

/* Behind "\u": one character, which may take a pair of escapes. */
static MrStatus scan_unicode(MrPathScanner *s, size_t start, MrBuilder *out, MrError *err)
{
    int64_t code = read_unicode(s);
    if (code >= 0xd800 && code < 0xdc00 && byte_at(s, s->at) == '\\' &&
        byte_at(s, s->at + 1) == 'u') {
        s->at += 2;
        const int64_t low = read_unicode(s);
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                                             : HALF_A_PAIR;
    }
    if (code == HALF_A_PAIR || (code >= 0xd800 && code < 0xe000)) {
        mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type jsonpath");
        return mr_error_detail(err, "Unicode surrogates come in pairs, the high one first.");
    }
    if (code < 0 || code > 0x10ffff) {
        return scan_error(s, start, "invalid Unicode escape sequence", err);
    }
    if (code == 0) {
        mr_error_set(err, MR_ERR_UNTRANSLATABLE, "unsupported Unicode escape sequence");
        return mr_error_detail(err, "\\u0000 cannot be converted to text.");
    }
    append_utf8(out, (uint32_t)code);
    return MR_OK;
}

/* Behind a backslash. */
static MrStatus scan_escape(MrPathScanner *s, size_t start, MrBuilder *out, MrError *err)
{
    static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
    const char c = byte_at(s, s->at);
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (s->at >= s->input.length) {
        return scan_error(s, start, "unexpected end after backslash", err);
    }
    s->at++;
    if (letter != NULL) {
        mr_builder_append_char(out, bytes[letter - letters]);
    } else if (c == 'u') {
        return scan_unicode(s, start, out, err);
    } else if (c == 'x') {
        const int64_t code = read_hex(s, 2);
        if (code <= 0) {
            return scan_error(s, start, "invalid hexadecimal character sequence", err);
        }
        append_utf8(out, (uint32_t)code);
    } else {
        mr_builder_append_char(out, c);
    }
    return MR_OK;
}

/* Up to the closing quote, or to the end of a bare key. */
static MrStatus scan_text(MrPathScanner *s, size_t start, bool is_quoted, MrError *err)
{
    MrBuilder text;
    MrStatus status = MR_OK;
    mr_builder_init(&text, 0);
    while (status == MR_OK) {
        const char c = byte_at(s, s->at);
        if (c == '\\') {
            s->at++;
            status = scan_escape(s, start, &text, err);
        } else if (s->at >= s->input.length && is_quoted) {
            status = scan_error(s, start, "unterminated quoted string", err);
        } else if (is_quoted ? c == '"' : is_special(c)) {
            s->at += is_quoted;
            break;
        } else {
            mr_builder_append_char(&text, c);
            s->at++;
        }
    }
    if (status == MR_OK) {
        char *copy = mr_arena_strndup(s->arena, text.data != NULL ? text.data : "", text.length);
        s->text = (MrString){ copy, text.length };
        status = text.failed || copy == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    mr_builder_fini(&text);
    return status;
}

/* 1, 1.5, .5, 1e3. */
static MrStatus scan_number(MrPathScanner *s, size_t start, MrError *err)
{
    while (is_digit(byte_at(s, s->at))) {
        s->at++;
    }
    if (byte_at(s, s->at) == '.') { /* "1." is a number, "1.a" therefore nothing */
        for (s->at++; is_digit(byte_at(s, s->at)); s->at++) {
        }
    }
    const char e = byte_at(s, s->at);
    if (e == 'e' || e == 'E') {
        const char sign = byte_at(s, s->at + 1);
        const size_t digits = s->at + 1 + (sign == '+' || sign == '-');
        if (is_digit(byte_at(s, digits))) {
            for (s->at = digits; is_digit(byte_at(s, s->at)); s->at++) {
            }
        }
    }
    if (!is_special(byte_at(s, s->at))) {
        s->at++;
        return scan_error(s, start, "trailing junk after numeric literal", err);
    }
    return MR_OK;
}

static int two_characters(char a, char b)
{
    static const struct {
        char text[3];
        int token;
    } pairs[] = { { "&&", MR_PATH_AND_AND }, { "||", MR_PATH_OR_OR }, { "==", MR_PATH_EQ },
                  { "!=", MR_PATH_NE },      { "<>", MR_PATH_NE },    { "<=", MR_PATH_LE },
                  { ">=", MR_PATH_GE },      { "**", MR_PATH_STARS } };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].text[0] == a && pairs[i].text[1] == b) {
            return pairs[i].token;
        }
    }
    return 0;
}

MrStatus mr_path_scan(MrPathScanner *s, MrError *err)
{
    MR_TRY(skip_blanks(s, err));
    const size_t start = s->at;
    const char c = byte_at(s, start), after = byte_at(s, start + 1);
    const int pair = two_characters(c, after);
    MrStatus status = MR_OK;
    s->text = (MrString){ "", 0 };
    if (start >= s->input.length) {
        s->token = MR_PATH_END;
    } else if (c == '"') {
        s->at++;
        s->token = MR_PATH_QUOTED;
        status = scan_text(s, start, true, err);
    } else if (c == '$' && (after == '"' || (!is_special(after) || after == '\\'))) {
        s->at += after == '"' ? 2 : 1;
        s->token = MR_PATH_NAMED;
        status = scan_text(s, start, after == '"', err);
    } else if (is_digit(c) || (c == '.' && is_digit(after))) {
        s->token = MR_PATH_DIGITS;
        status = scan_number(s, start, err);
    } else if (pair != 0) {
        s->token = pair;
        s->at += 2;
    } else if (is_special(c) && c != '\\') {
        s->token = (unsigned char)c;
        s->at++;
    } else {
        s->token = MR_PATH_WORD;
        status = scan_text(s, start, false, err);
    }
    s->raw = (MrString){ s->input.data + start, s->at - start };
    return status;
}
