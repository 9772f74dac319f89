/*
 * parser/lexer_string.c - strings, dollar quotes and quoted names of the lexer.
 * Must not know keywords or the grammar.
 */
#include "parser/lexer_string.h"

#include <string.h>

#include "parser/parser.h"

bool mr_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool mr_is_identifier_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

bool mr_is_identifier_part(char c)
{
    return mr_is_identifier_start(c) || (c >= '0' && c <= '9') || c == '$';
}

MrStatus mr_lex_error(const MrLexer *lexer, MrStatus status, int32_t start, int32_t end,
                      const char *message, MrError *err)
{
    size_t length = mr_utf8_truncate(lexer->text + start, (size_t)(end - start), 200);
    mr_error_set(err, status, "%s at or near \"%.*s\"", message, (int)length, lexer->text + start);
    return err == NULL ? status : mr_error_at(err, start);
}

MrStatus mr_lex_check_identifier(const MrLexer *lexer, const char *name, int32_t start,
                                 MrError *err)
{
    (void)lexer;
    if (strlen(name) <= MR_IDENTIFIER_BYTES_MAX) {
        return MR_OK;
    }
    size_t shown = mr_utf8_truncate(name, strlen(name), MR_IDENTIFIER_BYTES_MAX);
    mr_error_set(err, MR_ERR_NAME_TOO_LONG, "identifier \"%.*s…\" is too long", (int)shown, name);
    mr_error_detail(err, "A name has at most %d bytes; this one has %zu.", MR_IDENTIFIER_BYTES_MAX,
                    strlen(name));
    mr_error_at(err, start);
    return MR_ERR_NAME_TOO_LONG;
}

/* ---- '…' and E'…' ------------------------------------------------------------------------ */

/* What is being unescaped.  The value is never longer than the raw text, so `out` is allocated
 * once; only \u can lengthen, by at most 4 bytes for 6. */
typedef struct StringReader {
    MrLexer *lexer;
    int32_t token_start;
    int32_t offset;
    char *out;
    size_t out_length;
    MrError *err;
} StringReader;

size_t mr_lex_put_character(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static int digit_value(char c, int base)
{
    int value = 99;
    if (c >= '0' && c <= '9') {
        value = c - '0';
    } else if (c >= 'a' && c <= 'f') {
        value = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
        value = c - 'A' + 10;
    }
    return value < base ? value : -1;
}

/* Reads up to digits_max digits at the reader's offset; returns how many there were. */
static int read_digits(StringReader *reader, int base, int digits_max, uint32_t *value)
{
    int count = 0;
    *value = 0;
    while (count < digits_max && reader->offset < reader->lexer->length) {
        int digit = digit_value(reader->lexer->text[reader->offset], base);
        if (digit < 0) {
            break;
        }
        *value = *value * (uint32_t)base + (uint32_t)digit;
        reader->offset++;
        count++;
    }
    return count;
}

static MrStatus unicode_error(StringReader *reader, int32_t start, const char *message)
{
    return mr_lex_error(reader->lexer, MR_ERR_INVALID_ESCAPE, start, reader->offset, message,
                        reader->err);
}

/* Well formed, but no character. */
static MrStatus unicode_invalid(StringReader *reader, int32_t start, const char *message)
{
    return mr_lex_error(reader->lexer, MR_ERR_SYNTAX, start, reader->offset, message, reader->err);
}

/* After `\u` or `\U`; a high surrogate needs its low one right behind. */
static MrStatus read_unicode(StringReader *reader, int32_t start, int digits)
{
    uint32_t code;
    if (read_digits(reader, 16, digits, &code) != digits) {
        unicode_error(reader, start, "invalid Unicode escape");
        mr_error_hint(reader->err, "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
        return MR_ERR_INVALID_ESCAPE;
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        const MrLexer *lexer = reader->lexer;
        uint32_t low = 0;
        bool pair = reader->offset + 1 < lexer->length && lexer->text[reader->offset] == '\\';
        char letter = pair ? lexer->text[reader->offset + 1] : '\0';
        int low_digits = letter == 'u' ? 4 : 8;
        pair = pair && (letter == 'u' || letter == 'U');
        if (pair) {
            reader->offset += 2;
            pair = read_digits(reader, 16, low_digits, &low) == low_digits;
        }
        if (!pair || low < 0xDC00 || low > 0xDFFF) {
            return unicode_invalid(reader, start, "invalid Unicode surrogate pair");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        return unicode_invalid(reader, start, "invalid Unicode surrogate pair");
    }
    if (code == 0 || code > 0x10FFFF) {
        return unicode_invalid(reader, start, "invalid Unicode escape value");
    }
    reader->out_length += mr_lex_put_character(code, reader->out + reader->out_length);
    return MR_OK;
}

/* At the character after a backslash. */
static MrStatus read_escape(StringReader *reader)
{
    int32_t start = reader->offset - 1;
    char c = reader->lexer->text[reader->offset];
    uint32_t value;
    switch (c) {
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'v': c = '\v'; break;
    case 'u': reader->offset++; return read_unicode(reader, start, 4);
    case 'U': reader->offset++; return read_unicode(reader, start, 8);
    case 'x':
        reader->offset++;
        if (read_digits(reader, 16, 2, &value) == 0) {
            reader->out[reader->out_length++] = 'x';
        } else {
            reader->out[reader->out_length++] = (char)value;
        }
        return MR_OK;
    default:
        if (c >= '0' && c <= '7') {
            (void)read_digits(reader, 8, 3, &value);
            reader->out[reader->out_length++] = (char)value;
            return MR_OK;
        }
        break;
    }
    reader->out[reader->out_length++] = c;
    reader->offset++;
    return MR_OK;
}

/* SQL joins 'a' <white space with a line break> 'b' into one literal.  Returns the offset of the
 * next opening quote, or -1. */
static int32_t find_continuation(const MrLexer *lexer, int32_t offset)
{
    bool line_break = false;
    while (offset < lexer->length) {
        char c = lexer->text[offset];
        if (mr_is_space(c)) {
            line_break = line_break || c == '\n' || c == '\r';
            offset++;
        } else if (c == '-' && line_break && offset + 1 < lexer->length &&
                   lexer->text[offset + 1] == '-') {
            while (offset < lexer->length && lexer->text[offset] != '\n' &&
                   lexer->text[offset] != '\r') {
                offset++;
            }
        } else {
            return c == '\'' && line_break ? offset : -1;
        }
    }
    return -1;
}

MrStatus mr_lex_string(MrLexer *lexer, int32_t token_start, int32_t start, bool escapes,
                       const char **value, int32_t *end, MrError *err)
{
    /* The raw rest of the text bounds the value; find the real end first, so that many short
     * strings do not each take the rest's size. */
    int32_t raw_end = start + 1;
    while (true) {
        if (raw_end >= lexer->length) {
            return mr_lex_error(lexer, MR_ERR_SYNTAX, token_start, lexer->length,
                                "unterminated quoted string", err);
        }
        char c = lexer->text[raw_end];
        if (escapes && c == '\\') {
            raw_end += 2;
        } else if (c == '\'') {
            raw_end++;
            if (raw_end < lexer->length && lexer->text[raw_end] == '\'') {
                raw_end++;
                continue;
            }
            int32_t next = find_continuation(lexer, raw_end);
            if (next < 0) {
                break;
            }
            raw_end = next + 1;
        } else {
            raw_end++;
        }
    }
    StringReader reader = { lexer, token_start, start + 1, NULL, 0, err };
    reader.out = mr_arena_alloc(lexer->arena, (size_t)(raw_end - start) + 1);
    if (reader.out == NULL) {
        return mr_error_no_memory(err);
    }
    while (reader.offset < raw_end - 1) {
        char c = lexer->text[reader.offset++];
        if (escapes && c == '\\') {
            MR_TRY(read_escape(&reader));
        } else if (c == '\'') {
            if (lexer->text[reader.offset] == '\'') {
                reader.out[reader.out_length++] = '\'';
                reader.offset++;
            } else {
                reader.offset = find_continuation(lexer, reader.offset) + 1;
            }
        } else {
            reader.out[reader.out_length++] = c;
        }
    }
    reader.out[reader.out_length] = '\0';
    if (escapes && mr_utf8_check(reader.out, reader.out_length) != reader.out_length) {
        mr_error_set(err, MR_ERR_BAD_ENCODING,
                     "the escapes of this string do not give valid UTF-8");
        mr_error_at(err, token_start);
        return MR_ERR_BAD_ENCODING;
    }
    *value = reader.out;
    *end = raw_end;
    return MR_OK;
}

/* ---- "…" and $tag$…$tag$ ----------------------------------------------------------------- */

MrStatus mr_lex_quoted_identifier(MrLexer *lexer, int32_t start, const char **value, int32_t *end,
                                  MrError *err)
{
    int32_t raw_end = start + 1;
    while (true) {
        if (raw_end >= lexer->length) {
            return mr_lex_error(lexer, MR_ERR_SYNTAX, start, lexer->length,
                                "unterminated quoted identifier", err);
        }
        if (lexer->text[raw_end] == '"') {
            raw_end++;
            if (raw_end >= lexer->length || lexer->text[raw_end] != '"') {
                break;
            }
        }
        raw_end++;
    }
    if (raw_end == start + 2) {
        return mr_lex_error(lexer, MR_ERR_SYNTAX, start, raw_end,
                            "zero-length delimited identifier", err);
    }
    char *out = mr_arena_alloc(lexer->arena, (size_t)(raw_end - start));
    if (out == NULL) {
        return mr_error_no_memory(err);
    }
    size_t length = 0;
    for (int32_t i = start + 1; i < raw_end - 1; i++) {
        out[length++] = lexer->text[i];
        if (lexer->text[i] == '"') {
            i++;
        }
    }
    out[length] = '\0';
    *value = out;
    *end = raw_end;
    return mr_lex_check_identifier(lexer, out, start, err);
}

MrStatus mr_lex_dollar_string(MrLexer *lexer, int32_t start, const char **value, int32_t *end,
                              MrError *err)
{
    int32_t offset = start + 1;
    *end = start;
    if (offset < lexer->length && mr_is_identifier_start(lexer->text[offset])) {
        while (offset < lexer->length && mr_is_identifier_part(lexer->text[offset]) &&
               lexer->text[offset] != '$') {
            offset++;
        }
    }
    if (offset >= lexer->length || lexer->text[offset] != '$') {
        return MR_OK;
    }
    const char *tag = lexer->text + start;
    size_t tag_length = (size_t)(offset + 1 - start);
    const char *body = tag + tag_length;
    size_t body_max = (size_t)(lexer->length - offset - 1);
    const char *close = memmem(body, body_max, tag, tag_length);
    if (close == NULL) {
        return mr_lex_error(lexer, MR_ERR_SYNTAX, start, lexer->length,
                            "unterminated dollar-quoted string", err);
    }
    *value = mr_arena_strndup(lexer->arena, body, (size_t)(close - body));
    if (*value == NULL) {
        return mr_error_no_memory(err);
    }
    *end = (int32_t)(close + tag_length - lexer->text);
    return MR_OK;
}
