/*
 * storage/jsontext.c - a JSON reader over text, its errors in PostgreSQL's words, escapes.
 * The text must be UTF-8 already.  Must not know columns or SQL.
 */
#include "storage/jsontext.h"

#include <string.h>

static MrStatus json_invalid(MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type json");
}

static bool byte_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

/* The token that starts at `next`, for messages. */
static MrString json_token(const MrJsonReader *reader)
{
    const char *end = reader->next;
    if (end < reader->end && *end == '"') {
        for (end++; end < reader->end && *end != '"'; end++) {
            end += *end == '\\' && end + 1 < reader->end;
        }
        end += end < reader->end;
    } else if (end < reader->end && byte_is_word(*end)) {
        while (end < reader->end && byte_is_word(*end)) {
            end++;
        }
    } else {
        end += end < reader->end;
    }
    size_t length = (size_t)(end - reader->next);
    return (MrString){ reader->next, mr_utf8_truncate(reader->next, length, 100) };
}

/* "The input string ended unexpectedly." or `Expected …, but found "…".` */
static MrStatus json_unexpected(const MrJsonReader *reader, const char *expected, MrError *err)
{
    json_invalid(err);
    if (reader->next >= reader->end) {
        return mr_error_detail(err, "The input string ended unexpectedly.");
    }
    MrString token = json_token(reader);
    return mr_error_detail(err, "Expected %s, but found \"%.*s\".", expected, (int)token.length,
                           token.data);
}

static MrStatus json_bad_token(const MrJsonReader *reader, MrError *err)
{
    MrString token = json_token(reader);
    json_invalid(err);
    return mr_error_detail(err, "Token \"%.*s\" is invalid.", (int)token.length, token.data);
}

char mr_json_peek(MrJsonReader *reader)
{
    while (reader->next < reader->end) {
        char c = *reader->next;
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
            return c;
        }
        reader->next++;
    }
    return 0;
}

MrStatus mr_json_expect(MrJsonReader *reader, char c, const char *expected, MrError *err)
{
    if (mr_json_peek(reader) != c || reader->next >= reader->end) {
        return json_unexpected(reader, expected, err);
    }
    reader->next++;
    return MR_OK;
}

MrStatus mr_json_enter(MrJsonReader *reader, MrError *err)
{
    if (++reader->depth > MR_JSON_DEPTH_MAX) {
        mr_error_set(err, MR_ERR_TOO_COMPLEX, "JSON is nested too deeply");
        return mr_error_detail(err, "At most %d levels are read.", MR_JSON_DEPTH_MAX);
    }
    return MR_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4_value(const char *data, const char *end)
{
    int32_t value = 0;
    if (end - data < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(data[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* At a backslash: checks the escape and passes it. */
static MrStatus json_escape(MrJsonReader *reader, MrError *err)
{
    const char *next = reader->next + 1;
    if (next >= reader->end) {
        json_invalid(err);
        return mr_error_detail(err, "The input string ended unexpectedly.");
    }
    if (*next == 'u') {
        if (hex4_value(next + 1, reader->end) < 0) {
            json_invalid(err);
            return mr_error_detail(err, "\"\\u\" must be followed by four hexadecimal digits.");
        }
        reader->next = next + 5;
        return MR_OK;
    }
    if (*next == '\0' || strchr("\"\\/bfnrt", *next) == NULL) {
        size_t length = mr_utf8_truncate(next, (size_t)(reader->end - next), 4);
        while (length > 1 &&
               ((unsigned char)next[length - 1] < 0x80 || (unsigned char)next[0] < 0x80)) {
            length--;
        }
        json_invalid(err);
        return mr_error_detail(err, "Escape sequence \"\\%.*s\" is invalid.", (int)length, next);
    }
    reader->next = next + 1;
    return MR_OK;
}

/* Bytes up to the next quote, backslash or control character, eight at a time. */
static const char *json_plain_end(const char *next, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    while (end - next >= 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        uint64_t quote = word ^ (ones * '"');
        uint64_t slash = word ^ (ones * '\\');
        uint64_t hit =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word);
        hit &= tops;
        if (hit != 0) {
            /* The lowest hit is exact; higher ones may be borrow. */
            return next + __builtin_ctzll(hit) / 8;
        }
        next += 8;
    }
    while (next < end && *next != '"' && *next != '\\' && (unsigned char)*next >= 0x20) {
        next++;
    }
    return next;
}

MrStatus mr_json_string(MrJsonReader *reader, MrString *raw, bool *escaped, MrError *err)
{
    const char *start = ++reader->next;
    *escaped = false;
    for (;;) {
        reader->next = json_plain_end(reader->next, reader->end);
        if (reader->next >= reader->end) {
            reader->next = start - 1;
            return json_bad_token(reader, err);
        }
        char c = *reader->next;
        if (c == '"') {
            *raw = (MrString){ start, (size_t)(reader->next - start) };
            reader->next++;
            return MR_OK;
        }
        if (c != '\\') {
            json_invalid(err);
            return mr_error_detail(err, "Character with value 0x%02x must be escaped.",
                                   (unsigned char)c);
        }
        *escaped = true;
        MR_TRY(json_escape(reader, err));
    }
}

static const char *digits_end(const char *next, const char *end)
{
    while (next < end && *next >= '0' && *next <= '9') {
        next++;
    }
    return next;
}

static MrStatus json_number(MrJsonReader *reader, MrError *err)
{
    const char *end = reader->end;
    const char *next = reader->next + (*reader->next == '-');
    bool good = next < end && *next >= '0' && *next <= '9';
    if (good) {
        next = *next == '0' ? next + 1 : digits_end(next, end);
    }
    if (good && next < end && *next == '.') {
        const char *fraction = next + 1;
        next = digits_end(fraction, end);
        good = next > fraction;
    }
    if (good && next < end && (*next == 'e' || *next == 'E')) {
        const char *exponent = next + 1;
        exponent += exponent < end && (*exponent == '+' || *exponent == '-');
        next = digits_end(exponent, end);
        good = next > exponent;
    }
    if (!good || (next < end && byte_is_word(*next))) {
        return json_bad_token(reader, err);
    }
    reader->next = next;
    return MR_OK;
}

static MrStatus json_word(MrJsonReader *reader, const char *word, MrError *err)
{
    MrString token = json_token(reader);
    if (!mr_string_equal(token, mr_string(word))) {
        return json_bad_token(reader, err);
    }
    reader->next += token.length;
    return MR_OK;
}

static MrStatus json_array(MrJsonReader *reader, MrError *err)
{
    reader->next++;
    MR_TRY(mr_json_enter(reader, err));
    if (mr_json_peek(reader) == ']') {
        reader->next++;
        mr_json_leave(reader);
        return MR_OK;
    }
    for (;;) {
        MrJsonKind kind;
        MrString raw;
        MR_TRY(mr_json_value(reader, &kind, &raw, err));
        if (mr_json_peek(reader) == ',') {
            reader->next++;
            continue;
        }
        mr_json_leave(reader);
        return mr_json_expect(reader, ']', "\",\" or \"]\"", err);
    }
}

static MrStatus json_object(MrJsonReader *reader, MrError *err)
{
    reader->next++;
    MR_TRY(mr_json_enter(reader, err));
    if (mr_json_peek(reader) == '}') {
        reader->next++;
        mr_json_leave(reader);
        return MR_OK;
    }
    const char *expected = "string or \"}\"";
    for (;;) {
        MrJsonKind kind;
        MrString raw;
        bool escaped;
        if (mr_json_peek(reader) != '"') {
            return json_unexpected(reader, expected, err);
        }
        MR_TRY(mr_json_string(reader, &raw, &escaped, err));
        MR_TRY(mr_json_expect(reader, ':', "\":\"", err));
        MR_TRY(mr_json_value(reader, &kind, &raw, err));
        if (mr_json_peek(reader) == ',') {
            reader->next++;
            expected = "string";
            continue;
        }
        mr_json_leave(reader);
        return mr_json_expect(reader, '}', "\",\" or \"}\"", err);
    }
}

/* The value that starts at `next`, without its raw text. */
static MrStatus json_pass_value(MrJsonReader *reader, char first, MrJsonKind *kind, MrError *err)
{
    MrString inside;
    bool escaped;
    switch (first) {
    case '"': *kind = MR_JSON_STRING; return mr_json_string(reader, &inside, &escaped, err);
    case '{': *kind = MR_JSON_OBJECT; return json_object(reader, err);
    case '[': *kind = MR_JSON_ARRAY; return json_array(reader, err);
    case 't': *kind = MR_JSON_TRUE; return json_word(reader, "true", err);
    case 'f': *kind = MR_JSON_FALSE; return json_word(reader, "false", err);
    case 'n': *kind = MR_JSON_NULL; return json_word(reader, "null", err);
    default: break;
    }
    if (first == '-' || (first >= '0' && first <= '9')) {
        *kind = MR_JSON_NUMBER;
        return json_number(reader, err);
    }
    if (reader->next >= reader->end || strchr("}],:", first) != NULL) {
        return json_unexpected(reader, "JSON value", err);
    }
    return json_bad_token(reader, err);
}

MrStatus mr_json_value(MrJsonReader *reader, MrJsonKind *kind, MrString *raw, MrError *err)
{
    char first = mr_json_peek(reader);
    const char *start = reader->next;
    MR_TRY(json_pass_value(reader, first, kind, err));
    *raw = (MrString){ start, (size_t)(reader->next - start) };
    return MR_OK;
}

MrStatus mr_json_end(MrJsonReader *reader, MrError *err)
{
    mr_json_peek(reader);
    if (reader->next < reader->end) {
        return json_unexpected(reader, "end of input", err);
    }
    return MR_OK;
}

MrStatus mr_json_check(MrString text, MrError *err)
{
    MrJsonReader reader = mr_json_reader(text);
    MrJsonKind kind;
    MrString raw;
    MR_TRY(mr_json_value(&reader, &kind, &raw, err));
    return mr_json_end(&reader, err);
}

static size_t utf8_put(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* At the four digits of \uXXXX: the character, of one escape or of a pair; *next behind it. */
static MrStatus json_code_point(const char **next, const char *end, uint32_t *out, MrError *err)
{
    int32_t code = hex4_value(*next, end);
    *next += 4;
    if (code == 0) {
        mr_error_set(err, MR_ERR_UNTRANSLATABLE, "unsupported Unicode escape sequence");
        return mr_error_detail(err, "\\u0000 cannot be converted to text.");
    }
    if (code >= 0xd800 && code <= 0xdbff) {
        int32_t low = end - *next >= 6 && (*next)[0] == '\\' && (*next)[1] == 'u'
                          ? hex4_value(*next + 2, end)
                          : -1;
        if (low >= 0xd800 && low <= 0xdbff) {
            json_invalid(err);
            return mr_error_detail(err, "Unicode high surrogate must not follow a high surrogate.");
        }
        if (low < 0xdc00 || low > 0xdfff) {
            json_invalid(err);
            return mr_error_detail(err, "Unicode low surrogate must follow a high surrogate.");
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *next += 6;
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        json_invalid(err);
        return mr_error_detail(err, "Unicode low surrogate must follow a high surrogate.");
    }
    *out = (uint32_t)code;
    return MR_OK;
}

MrStatus mr_json_unescape(MrString raw, char *out, size_t *length, MrError *err)
{
    const char *next = raw.data;
    const char *end = raw.data + raw.length;
    char *to = out;
    while (next < end) {
        const char *plain = json_plain_end(next, end);
        memcpy(to, next, (size_t)(plain - next));
        to += plain - next;
        next = plain;
        if (next >= end) {
            break;
        }
        if (*next != '\\' || end - next < 2) {
            *to++ = *next++;
            continue;
        }
        char c = next[1];
        next += 2;
        if (c == 'u') {
            uint32_t code = 0;
            if (end - next < 4) {
                return json_invalid(err);
            }
            MR_TRY(json_code_point(&next, end, &code, err));
            to += utf8_put(code, to);
        } else {
            *to++ = c == 'b'   ? '\b'
                    : c == 'f' ? '\f'
                    : c == 'n' ? '\n'
                    : c == 'r' ? '\r'
                    : c == 't' ? '\t'
                               : c;
        }
    }
    *length = (size_t)(to - out);
    return MR_OK;
}

void mr_json_quote(MrBuilder *out, const char *data, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    const char *next = data;
    const char *end = data + length;
    mr_builder_append_char(out, '"');
    while (next < end) {
        const char *plain = json_plain_end(next, end);
        mr_builder_append(out, next, (size_t)(plain - next));
        next = plain;
        if (next >= end) {
            break;
        }
        unsigned char c = (unsigned char)*next++;
        char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
        const char *letter = NULL;
        for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
            if (letters[i] == (char)c) {
                letter = &letters[i + 1];
            }
        }
        if (letter != NULL) {
            escape[1] = *letter;
        }
        mr_builder_append(out, escape, letter != NULL ? 2 : 6);
    }
    mr_builder_append_char(out, '"');
}
