/*
 * storage/jsonwalk.c - a walker over JSON text: members, elements, strings.
 */
#include "storage/jsonwalk.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

MrString mr_json_trim(MrString json)
{
    while (json.length > 0 && is_blank(json.data[0])) {
        json.data++;
        json.length--;
    }
    while (json.length > 0 && is_blank(json.data[json.length - 1])) {
        json.length--;
    }
    return json;
}

static size_t skip_blanks(MrString json, size_t at)
{
    while (at < json.length && is_blank(json.data[at])) {
        at++;
    }
    return at;
}

/* Behind the string that starts at `at`. */
static size_t skip_string(MrString json, size_t at)
{
    for (at++; at < json.length && json.data[at] != '"'; at++) {
        if (json.data[at] == '\\') {
            at++;
        }
    }
    return at < json.length ? at + 1 : json.length;
}

/* Behind the value that starts at `at`; brackets are counted, so depth costs nothing. */
static size_t skip_value(MrString json, size_t at)
{
    size_t depth = 0;
    while (at < json.length) {
        const char c = json.data[at];
        if (c == '"') {
            at = skip_string(json, at);
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return at;
            }
            depth--;
            at++;
        } else if (depth == 0) {
            while (at < json.length && strchr(",]}:", json.data[at]) == NULL &&
                   !is_blank(json.data[at])) {
                at++;
            }
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0) {
            return at;
        }
    }
    return at;
}

static bool name_equal(MrString literal, MrString name)
{
    if (memchr(literal.data, '\\', literal.length) == NULL) {
        return literal.length == name.length + 2 &&
               memcmp(literal.data + 1, name.data, name.length) == 0;
    }
    MrBuilder text;
    mr_builder_init(&text, 0);
    const bool equal = mr_json_string_text(literal, &text, NULL) == MR_OK && !text.failed &&
                       text.length == name.length &&
                       (name.length == 0 || memcmp(text.data, name.data, name.length) == 0);
    mr_builder_fini(&text);
    return equal;
}

bool mr_json_member(MrString json, MrString name, MrString *out)
{
    bool found = false;
    json = mr_json_trim(json);
    if (json.length == 0 || json.data[0] != '{') {
        return false;
    }
    for (size_t at = skip_blanks(json, 1); at < json.length && json.data[at] == '"';) {
        const size_t key = at;
        at = skip_string(json, at);
        const MrString literal = { json.data + key, at - key };
        at = skip_blanks(json, at);
        if (at >= json.length || json.data[at] != ':') {
            return found;
        }
        at = skip_blanks(json, at + 1);
        const size_t value = at;
        at = skip_value(json, at);
        if (name_equal(literal, name)) {
            *out = (MrString){ json.data + value, at - value };
            found = true;
        }
        at = skip_blanks(json, at);
        if (at >= json.length || json.data[at] != ',') {
            return found;
        }
        at = skip_blanks(json, at + 1);
    }
    return found;
}

/* Steps to the next element; false behind the last. */
static bool next_element(MrString json, size_t *at, MrString *out)
{
    *at = skip_blanks(json, *at);
    if (*at >= json.length || json.data[*at] == ']' || json.data[*at] == '}') {
        return false;
    }
    const size_t value = *at;
    *at = skip_value(json, value);
    if (*at == value) {
        return false;
    }
    *out = (MrString){ json.data + value, *at - value };
    *at = skip_blanks(json, *at);
    *at += *at < json.length && json.data[*at] == ',';
    return true;
}

bool mr_json_next(MrJsonItems *items, MrString *name, MrString *value)
{
    const MrString json = items->json;
    *name = (MrString){ 0 };
    items->at = skip_blanks(json, items->at);
    if (json.length == 0 || (json.data[0] != '{' && json.data[0] != '[')) {
        return false;
    }
    if (json.data[0] == '[') {
        return next_element(json, &items->at, value);
    }
    if (items->at >= json.length || json.data[items->at] != '"') {
        return false;
    }
    const size_t start = items->at;
    items->at = skip_string(json, start);
    *name = (MrString){ json.data + start, items->at - start };
    items->at = skip_blanks(json, items->at);
    if (items->at >= json.length || json.data[items->at] != ':') {
        return false;
    }
    items->at++;
    return next_element(json, &items->at, value);
}

int64_t mr_json_array_length(MrString json)
{
    MrString element;
    int64_t count = 0;
    json = mr_json_trim(json);
    for (size_t at = 1; next_element(json, &at, &element);) {
        count++;
    }
    return count;
}

bool mr_json_element(MrString json, int64_t index, MrString *out)
{
    json = mr_json_trim(json);
    if (json.length == 0 || json.data[0] != '[') {
        return false;
    }
    if (index < 0) {
        index += mr_json_array_length(json);
    }
    size_t at = 1;
    for (int64_t i = 0; index >= 0 && next_element(json, &at, out); i++) {
        if (i == index) {
            return true;
        }
    }
    return false;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}
static int32_t hex_four(MrString text, size_t at)
{
    int32_t code = 0;
    for (size_t i = at; i < at + 4; i++) {
        const int digit = i < text.length ? hex_digit(text.data[i]) : -1;
        if (digit < 0) {
            return -1;
        }
        code = code << 4 | digit;
    }
    return code;
}

static void append_code(MrBuilder *out, int32_t code)
{
    if (code < 0x80) {
        mr_builder_append_char(out, (char)code);
        return;
    }
    if (code < 0x800) {
        mr_builder_append_char(out, (char)(0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            mr_builder_append_char(out, (char)(0xe0 | code >> 12));
        } else {
            mr_builder_append_char(out, (char)(0xf0 | code >> 18));
            mr_builder_append_char(out, (char)(0x80 | (code >> 12 & 63)));
        }
        mr_builder_append_char(out, (char)(0x80 | (code >> 6 & 63)));
    }
    mr_builder_append_char(out, (char)(0x80 | (code & 63)));
}

static MrStatus bad_escape(MrError *err)
{
    mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type json");
    mr_error_detail(err, "Unicode surrogates must come in pairs, and escapes be those of JSON.");
    return MR_ERR_INVALID_TEXT;
}

/* \uXXXX at `at` (behind the u); moves it behind the four digits, or the eight of a pair. */
static MrStatus unicode_escape(MrString text, size_t *at, MrBuilder *out, MrError *err)
{
    int32_t code = hex_four(text, *at);
    if (code < 0) {
        return bad_escape(err);
    }
    if (code == 0) {
        mr_error_set(err, MR_ERR_UNTRANSLATABLE, "unsupported Unicode escape sequence");
        mr_error_detail(err, "\\u0000 cannot be converted to text.");
        return MR_ERR_UNTRANSLATABLE;
    }
    *at += 4;
    if (code >= 0xd800 && code <= 0xdbff) {
        const bool pair =
            *at + 1 < text.length && text.data[*at] == '\\' && text.data[*at + 1] == 'u';
        const int32_t low = pair ? hex_four(text, *at + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            return bad_escape(err);
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return bad_escape(err);
    }
    append_code(out, code);
    return MR_OK;
}

MrStatus mr_json_string_text(MrString literal, MrBuilder *out, MrError *err)
{
    if (literal.length < 2) {
        return bad_escape(err);
    }
    const MrString text = { literal.data + 1, literal.length - 2 };
    for (size_t at = 0; at < text.length;) {
        const char *escape = memchr(text.data + at, '\\', text.length - at);
        const size_t end = escape != NULL ? (size_t)(escape - text.data) : text.length;
        mr_builder_append(out, text.data + at, end - at);
        if (escape == NULL) {
            break;
        }
        at = end + 2;
        static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        const char c = end + 1 < text.length ? text.data[end + 1] : '\0';
        const char *letter = c != '\0' ? strchr(letters, c) : NULL;
        if (c == 'u') {
            MR_TRY(unicode_escape(text, &at, out, err));
        } else if (letter != NULL) {
            mr_builder_append_char(out, meanings[letter - letters]);
        } else {
            return bad_escape(err);
        }
    }
    return MR_OK;
}

void mr_json_append_string(MrBuilder *out, MrString text)
{
    mr_builder_append_char(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        static const char specials[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        const char *special = c != '\0' ? strchr(specials, c) : NULL;
        if (special != NULL) {
            mr_builder_append_char(out, '\\');
            mr_builder_append_char(out, letters[special - specials]);
        } else if (c < 0x20) {
            mr_builder_append_format(out, "\\u%04x", c);
        } else {
            mr_builder_append_char(out, (char)c);
        }
    }
    mr_builder_append_char(out, '"');
}
